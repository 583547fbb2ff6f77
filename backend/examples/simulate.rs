//! Plays simulated sessions: many seeds on all processors, or one plan. `cargo xtask simulate` runs it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use clap::Parser;

#[allow(dead_code, reason = "the test uses the rest")]
#[path = "../simulation/simulation.rs"]
mod simulation;

use simulation::plan::Plan;
use simulation::record::{missing, table};
use simulation::{Tally, Telling, play, save, shrink};

/// How long one failing plan is shrunk.
const SHRINK_TIME: Duration = Duration::from_secs(60);

/// Failing seeds that are shrunk; the others fail for the same reason more often than not.
const SHRUNK: usize = 5;

/// From so many seeds on every kind of trouble must have happened.
const SEEDS_THAT_SEE_ALL: u64 = 300;

/// Plays simulated sessions.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Play this plan instead
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    plan: Option<PathBuf>,
    /// Tell every step of the plan
    #[arg(long, requires = "plan")]
    tell: bool,
    /// Where failing plans are saved
    #[arg(long, default_value = "target/simulation")]
    failures: PathBuf,
    /// How many at once; all processors otherwise
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.plan {
        Some(path) => replay(path, &arguments),
        None => play_seeds(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("simulate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn replay(path: &Path, arguments: &Arguments) -> Result<()> {
    let plan = Plan::read(path)?;
    let telling = if arguments.tell { Telling::Everything } else { Telling::Counts };
    let (record, why) = match play(&plan, telling) {
        Ok(record) => (record, None),
        Err(failure) => (failure.record, Some(failure.why)),
    };
    record.trace.iter().flatten().for_each(|line| println!("{line}"));
    print!("{}", table(&record.counts));
    match why {
        None => {
            println!("{} operations: all agree", plan.operations.len());
            Ok(())
        }
        Some(why) => Err(anyhow!("{why}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "it is told how long it took")]
fn play_seeds(arguments: &Arguments) -> Result<()> {
    let threads = arguments
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let (began, next, end) =
        (Instant::now(), AtomicU64::new(arguments.from), arguments.from + arguments.seeds);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return tally;
            }
            tally.take(seed, play(&Plan::of_seed(seed), Telling::Counts));
            let done = seed - arguments.from + 1;
            if done % 1000 == 0 {
                eprintln!("simulate: {done} seeds after {:.0} s", began.elapsed().as_secs_f32());
            }
        }
    };
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            tally.merge(worker.join().expect("what panics in a play is caught there"));
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    print!("{}", table(&tally.counts));
    println!("{} seeds in {seconds:.1} s: {:.1} a second", tally.played, tally.played as f64 / seconds);
    tally.failed.sort();
    for (number, (seed, why)) in tally.failed.iter().enumerate() {
        println!("seed {seed} failed: {why}");
        if number < SHRUNK {
            let plan = shrink(&Plan::of_seed(*seed), SHRINK_TIME);
            let why = play(&plan, Telling::Counts).err().map_or_else(|| why.clone(), |failure| failure.why);
            let path = save(&plan, &why, &arguments.failures)?;
            println!("  shrunk to {} operations: {}\n  {why}", plan.operations.len(), path.display());
        }
    }
    let missing = missing(&tally.counts);
    if tally.played >= SEEDS_THAT_SEE_ALL && !missing.is_empty() {
        return Err(anyhow!("never happened, so the simulation does not test it: {}", missing.join(", ")));
    }
    match tally.failed.len() {
        0 => Ok(()),
        failed => Err(anyhow!("{failed} of {} seeds failed", tally.played)),
    }
}
