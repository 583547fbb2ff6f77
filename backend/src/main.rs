//! The `parlor` program: arguments, logging, signals and the exit code; everything else is the library's.

use std::process::ExitCode;

#[cfg(unix)]
use parlor::attach;
use parlor::options::{Command, Options, Output};
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

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("parlor: {error}");
            return ExitCode::from(2);
        }
    };
    let output = match &options.command {
        Command::Share(options) => options.output,
        Command::Doctor(options) => options.output,
        Command::Rescue(_) => Output::Text,
        #[cfg(unix)]
        Command::Attach(_) => Output::Text,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(log_filter(output)).with(lines).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("parlor: the operating system gives no threads: {error}");
            return ExitCode::FAILURE;
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
        Ok(code) => code,
        Err(error) => {
            eprintln!("parlor: {error:#}");
            ExitCode::FAILURE
        }
    }
}
