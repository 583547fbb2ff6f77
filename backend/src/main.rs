//! The `parlor` program: arguments, logging, signals and the exit code; everything else is the library's.

use std::process::ExitCode;

use clap::Parser as _;
use parlor::options::{Command, Options};
use parlor::share;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise.
const DEFAULT_LOG: &str = "warn,parlor=info";

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
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
