//! Simulated sessions: the real agent and the real client, a real folder, and everything in between under control.
//!
//! One seed, or one plan, plays the same way every time. `docs/simulation.md` says how to run it and what it proves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

mod disturbance;
mod guest;
mod ledger;
mod machine;
mod network;
mod operations;
pub(crate) mod plan;
#[path = "../../shared/tests/common/random.rs"]
mod random;
pub(crate) mod record;
mod rest;
pub(crate) mod shrink;
mod world;

use plan::Plan;
use record::{Counts, Listening, Record};
use world::World;

/// Why a plan failed, and what had happened until then.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) why: String,
    pub(crate) record: Record,
}

/// Whether every step is to be told in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    Counts,
    Everything,
}

/// Plays a plan to its end, and to rest.
///
/// # Errors
/// What did not agree at rest, what nobody may ever see, or a panic.
pub(crate) fn play(plan: &Plan, telling: Telling) -> Result<Record, Box<Failure>> {
    let _listening = Listening::begin();
    let trace = (telling == Telling::Everything).then(Vec::new);
    let record = Record { trace, ..Record::default() };
    let mut world = match World::new(plan.setting, record) {
        Ok(world) => world,
        Err(why) => return Err(Box::new(Failure { why, record: Record::default() })),
    };
    let played = catch_unwind(AssertUnwindSafe(|| {
        for (number, operation) in plan.operations.iter().enumerate() {
            world.apply(operation).map_err(|why| format!("operation {number}, {operation:?}: {why}"))?;
            if let Some(error) = Listening::first_error() {
                return Err(format!("operation {number}, {operation:?}: {error}"));
            }
        }
        world.end()
    }));
    let mut record = std::mem::take(&mut world.record);
    for (name, times) in Listening::counts() {
        record.add(&name, times);
    }
    match played {
        Ok(Ok(())) => Ok(record),
        Ok(Err(why)) => Err(Box::new(Failure { why, record })),
        Err(_) => {
            let why = Listening::first_error().unwrap_or_else(|| "it panicked".to_owned());
            Err(Box::new(Failure { why, record }))
        }
    }
}

/// What several plans came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) played: u64,
    pub(crate) counts: Counts,
    /// Seeds that failed, and why.
    pub(crate) failed: Vec<(u64, String)>,
}

impl Tally {
    /// Takes in what came of a seed.
    pub(crate) fn take(&mut self, seed: u64, result: Result<Record, Box<Failure>>) {
        self.played += 1;
        let record = match result {
            Ok(record) => record,
            Err(failure) => {
                self.failed.push((seed, failure.why));
                failure.record
            }
        };
        self.add(record.counts);
    }

    /// Takes in another tally.
    pub(crate) fn merge(&mut self, other: Self) {
        self.played += other.played;
        self.failed.extend(other.failed);
        self.add(other.counts);
    }

    fn add(&mut self, counts: Counts) {
        for (name, times) in counts {
            *self.counts.entry(name).or_default() += times;
        }
    }
}

/// Shrinks a plan that fails, for so long at most.
pub(crate) fn shrink(plan: &Plan, time: Duration) -> Plan {
    #[expect(clippy::disallowed_methods, reason = "how long a person waits is measured where a person waits")]
    let began = std::time::Instant::now();
    let fails = |plan: &Plan| play(plan, Telling::Counts).is_err();
    shrink::shrink(plan, fails, || time.saturating_sub(began.elapsed()))
}

/// Saves a plan that failed, with the reason as a remark.
///
/// # Errors
/// If the folder takes no file.
pub(crate) fn save(plan: &Plan, why: &str, folder: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("seed-{}.jsonl", plan.setting.seed));
    let why = why.lines().next().unwrap_or_default();
    #[expect(clippy::disallowed_methods, reason = "nobody else writes there")]
    std::fs::write(&path, format!("# {why}\n{}", plan.text()))?;
    Ok(path)
}
