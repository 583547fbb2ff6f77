//! `cargo xtask`: the one way to build, run and check Parlor.

mod bench;
mod bindgen;
mod check;
mod dev;
mod dist;
mod incremental;
mod page;
mod run;
mod setup;
mod share;
mod simulate;
mod soak;
mod test;
mod vectors;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Builds, runs and checks Parlor.
///
/// Each task prepares what it needs: on a fresh machine with rustup and Node 20, `cargo xtask share` is all.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what building and testing need: wasm target, npm packages, Chromium, cargo-nextest
    Setup,
    /// Build the page and the program, then run `parlor share`
    Share {
        #[command(flatten)]
        what: Sharing,
        /// Optimise both, as `dist` does: some minutes the first time, then as quick as what is shipped
        #[arg(long)]
        release: bool,
    },
    /// Run every test: native, documentation, editor in Chromium, browser journeys
    Test,
    /// Format, lints, documentation, licences, import rules, types, size of the page
    Check,
    /// Like `share`, and rebuild when a source file changes
    Dev(Sharing),
    /// Measure fan-out, sealing and page load with release builds; write docs/performance.md
    Bench {
        /// Less than a minute, and numbers to match; docs/performance.md stays as it is
        #[arg(long)]
        quick: bool,
    },
    /// Let a crowd of guests type, go away and come back around the release binary; keep the curve of its memory
    Soak {
        /// How long; from an hour on docs/performance.md shows it
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        /// Edits a second of each guest
        #[arg(long, default_value_t = 3.0)]
        rate: f64,
    },
    /// Play simulated sessions of the real agent and real clients: many seeds, or one plan
    Simulate {
        /// How many seeds
        #[arg(long, default_value_t = 1000)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Play this plan instead, telling each step
        #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "from"])]
        plan: Option<PathBuf>,
        /// Break the code by backend/simulation/mutations/NAME.patch, in a copy of the last commit: a seed has to fail
        #[arg(long, value_name = "NAME", conflicts_with_all = ["seeds", "from", "plan"])]
        mutation: Option<String>,
    },
    /// Build the self-contained release binary: target/release/parlor
    Dist,
    /// Build only the page, into dist/page
    BuildPage {
        /// Optimise for size, as `dist` ships it
        #[arg(long)]
        release: bool,
        /// Only start it
        #[arg(long, hide = true, conflicts_with = "release")]
        behind: bool,
    },
}

/// What is shared, and how.
#[derive(Debug, Args)]
struct Sharing {
    /// The folder to share
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Flags for `parlor share`, after `--`
    #[arg(last = true)]
    flags: Vec<OsString>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Setup => setup::all(),
        Task::Share { what: Sharing { path, flags }, release } => {
            if release {
                dist::build_release().and_then(|parlor| share::run(&parlor, &path, &flags))
            } else {
                share::share_debug(&path, &flags)
            }
        }
        Task::Test => test::test(),
        Task::Check => check::check(),
        Task::Dev(Sharing { path, flags }) => dev::dev(&path, &flags),
        Task::Bench { quick: false } => bench::bench(bench::Pace::Full),
        Task::Bench { quick: true } => bench::bench(bench::Pace::Quick),
        Task::Soak { minutes, rate } => soak::soak(minutes, rate),
        Task::Simulate { mutation: Some(name), .. } => simulate::mutate(&name),
        Task::Simulate { plan: Some(plan), .. } => simulate::simulate(simulate::What::Plan(&plan)),
        Task::Simulate { seeds, from, plan: None, mutation: None } => {
            simulate::simulate(simulate::What::Seeds(seeds, from))
        }
        Task::Dist => dist::dist(),
        Task::BuildPage { behind: true, .. } => share::start_page(),
        Task::BuildPage { release, .. } => {
            page::build(if release { page::Flavor::Release } else { page::Flavor::Dev })
                .map(|()| eprintln!("xtask: the page is there"))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not with `{:?}`: the causes say what is wrong, a backtrace of the build tool does not.
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_folder_and_flags_are_passed_on() {
        let arguments = Arguments::parse_from(["cargo xtask", "share", "docs", "--", "--read-only"]);
        let Task::Share { what: Sharing { path, flags }, .. } = arguments.task else {
            panic!("another task")
        };
        assert_eq!((path, flags), (PathBuf::from("docs"), vec![OsString::from("--read-only")]));
    }
}
