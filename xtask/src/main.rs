//! `cargo xtask`: the one way to build, run and check Parlor.

mod page;
mod run;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs and checks Parlor.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the page into dist/page
    BuildPage {
        /// Optimise for size: slower to build, what `dist` ships
        #[arg(long)]
        release: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::BuildPage { release } => {
            page::build(if release { page::Flavor::Release } else { page::Flavor::Dev })
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that RUST_BACKTRACE would add: the cause is in the sentence.
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
