//! The `parlor` program: arguments, logging, signals and the exit code; everything else is the library's.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

#[cfg(unix)]
use parlor::attach;
use parlor::options::{Command, Options, Output};
use parlor::print_queue::{self, PrintQueue};
use parlor::{doctor, rescue, share};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged unless `RUST_LOG` says otherwise: a person reads the terminal, a script keeps the log.
const fn default_log(output: Output) -> &'static str {
    match output {
        Output::Text => "warn",
        Output::Json => "warn,parlor=info",
    }
}

/// What `RUST_LOG` asks for, by level and module: `debug`, `warn,parlor::agent=trace`.
fn log_filter(output: Output) -> Targets {
    let asked = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| default_log(output).parse().expect("the default is a filter"))
}

/// Whether the log may use colours: a terminal shows them, a file holds them as noise. See <https://no-color.org>.
fn log_has_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

fn main() -> ExitCode {
    let notice = |count| format!("parlor: {count} lines of the log were dropped, since nobody read them\n");
    let Ok(stderr) = PrintQueue::start(print_queue::standard_error(), notice) else {
        // Nothing works without threads, and this can not be said without waiting for whoever reads it.
        let _ = writeln!(io::stderr(), "parlor: the operating system gives no threads");
        return ExitCode::FAILURE;
    };
    let (code, error) = run(&stderr);
    if let Some(error) = error {
        stderr.print_surely(format!("parlor: {error}\n"));
    }
    stderr.finish();
    code
}

/// Does what was asked for; gives the exit code, and what there is to say of a failure.
fn run(stderr: &PrintQueue) -> (ExitCode, Option<String>) {
    let options = match Options::read() {
        Ok(options) => options,
        Err(error) => return (ExitCode::from(2), Some(error.to_string())),
    };
    let output = match &options.command {
        Command::Share(options) => options.output,
        Command::Doctor(options) => options.output,
        Command::Rescue(_) => Output::Text,
        #[cfg(unix)]
        Command::Attach(_) => Output::Text,
    };
    let lines = tracing_subscriber::fmt::layer().with_ansi(log_has_colours()).with_writer(stderr.clone());
    tracing_subscriber::registry().with(log_filter(output)).with(lines).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let text = format!("the operating system gives no threads: {error}");
            return (ExitCode::FAILURE, Some(text));
        }
    };
    let result = match options.command {
        Command::Share(options) => runtime
            .block_on(share::run(options))
            .map(|ended| if ended.is_saved() { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Rescue(options) => rescue::run(&options).map(|()| ExitCode::SUCCESS),
        #[cfg(unix)]
        Command::Attach(options) => runtime.block_on(attach::run(options)).map(|()| ExitCode::SUCCESS),
        Command::Doctor(options) => Ok(match runtime.block_on(doctor::run(&options)) {
            doctor::Verdict::Fine => ExitCode::SUCCESS,
            doctor::Verdict::Wrong => ExitCode::FAILURE,
        }),
    };
    // Threads that still wait for a disk that does not answer do not keep the program.
    runtime.shutdown_background();
    match result {
        Ok(code) => (code, None),
        Err(error) => {
            let is_usage = error.is::<share::NotAsked>();
            let code = if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE };
            (code, Some(format!("{error:#}")))
        }
    }
}
