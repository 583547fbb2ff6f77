//! The `parlor` program: arguments, logging, signals and the exit code; everything else is the library's.

use std::process::ExitCode;

use parlor::options::{Command, Options, Output};
use parlor::share;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise: a person reads the terminal, a script keeps the log.
const fn default_log(output: Output) -> &'static str {
    match output {
        Output::Text => "warn",
        Output::Json => "warn,parlor=info",
    }
}

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("parlor: {error}");
            return ExitCode::from(2);
        }
    };
    let Command::Share(share_options) = &options.command;
    let default_log = default_log(share_options.output);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_log));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("parlor: the operating system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = match options.command {
        Command::Share(options) => runtime.block_on(share::run(options)),
    };
    // Threads that still wait for a disk that does not answer do not keep the program.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parlor: {error:#}");
            ExitCode::FAILURE
        }
    }
}
