//! Simulated sessions of the real agent and real clients: at rest all agree, nothing acknowledged is lost, whatever happened.
//!
//! `cargo xtask simulate` plays more of them, and one plan again. See `docs/simulation.md`.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "../simulation/simulation.rs"]
mod simulation;

use simulation::plan::{Operation, Plan};
use simulation::record::{missing, table};
use simulation::{Tally, Telling, play, save, shrink};

/// Seeds that every change of the sources has to pass.
const SEEDS: u64 = 300;

/// How long the first failing plan is shrunk.
const SHRINK_TIME: Duration = Duration::from_secs(20);

/// Plans that failed once.
const PLANS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/simulation/plans");

#[test]
fn at_rest_all_agree_and_nothing_acknowledged_is_lost_whatever_happened() {
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return tally;
            }
            tally.take(seed, play(&Plan::of_seed(seed), Telling::Counts));
        }
    };
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| tally.merge(worker.join().unwrap()));
    });
    println!("{}", table(&tally.counts));
    tally.failed.sort();
    if let Some((seed, why)) = tally.failed.first() {
        let plan = shrink(&Plan::of_seed(*seed), SHRINK_TIME);
        let path = save(&plan, why, Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let (failed, path) = (tally.failed.len(), path.display());
        panic!("{failed} of {SEEDS} seeds failed. Seed {seed}: {why}\n`cargo xtask simulate --plan {path}`");
    }
    let missing = missing(&tally.counts);
    assert!(missing.is_empty(), "never happened, so it is not tested: {missing:?}");
}

#[test]
fn a_seed_plays_the_same_way_twice() {
    for seed in [2, 11, 25] {
        let [first, second] = [(); 2].map(|()| play(&Plan::of_seed(seed), Telling::Everything).unwrap());
        let (first, second) = (first.trace.unwrap(), second.trace.unwrap());
        for (number, (one, other)) in first.iter().zip(&second).enumerate() {
            assert_eq!(one, other, "seed {seed}, step {number}");
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

#[test]
fn plans_that_failed_once_never_fail_again() {
    for entry in std::fs::read_dir(PLANS).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            if let Err(failure) = play(&Plan::read(&path).unwrap(), Telling::Counts) {
                panic!("{}: {}", path.display(), failure.why);
            }
        }
    }
}

#[test]
fn a_plan_is_read_as_it_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::of_seed(5);
    let path = save(&plan, "because", folder.path()).unwrap();
    assert_eq!(Plan::read(&path).unwrap(), plan);
}

#[test]
fn a_plan_that_fails_is_cut_down_to_what_it_fails_by() {
    let mut plan = Plan::of_seed(1);
    plan.operations.truncate(60);
    let needed = [Operation::Restart, Operation::Rest];
    plan.operations.retain(|operation| !needed.contains(operation));
    plan.operations.insert(7, Operation::Restart);
    plan.operations.insert(40, Operation::Rest);
    let fails = |plan: &Plan| needed.iter().all(|operation| plan.operations.contains(operation));
    let shrunk = simulation::shrink::shrink(&plan, fails, || Duration::from_secs(1));
    assert_eq!(shrunk.operations, needed);
    let stopped = simulation::shrink::shrink(&plan, fails, || Duration::ZERO);
    assert_eq!(stopped, plan, "no time, no cut");
}
