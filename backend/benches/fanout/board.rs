//! When each edit was sent and when each receiver had it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use parking_lot::Mutex;

/// Edits of one party's whole life.
const MAX_EDITS: usize = 400_000;

/// How long the last edit of a burst may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(20);

/// One party's times. Sequences count from 1.
pub(crate) struct Board {
    started: Instant,
    /// Nanoseconds since the start, by sequence.
    sent: Vec<AtomicU64>,
    receivers: Vec<Mutex<Receiver>>,
}

#[derive(Default)]
struct Receiver {
    reached: bool,
    last: u32,
    latencies: Vec<Duration>,
    events: u64,
    out_of_order: bool,
}

/// What came in since the last look.
pub(crate) struct Arrived {
    /// One for each edit and receiver.
    pub(crate) latencies: Vec<Duration>,
    /// Messages that brought them: fewer if edits travelled together.
    pub(crate) events: u64,
}

impl Board {
    pub(crate) fn new(receivers: usize) -> Self {
        Self {
            started: now(),
            sent: std::iter::repeat_with(AtomicU64::default).take(MAX_EDITS).collect(),
            receivers: std::iter::repeat_with(Mutex::default).take(receivers).collect(),
        }
    }

    /// The writer is about to make this edit.
    pub(crate) fn sends(&self, sequence: u32) {
        self.sent[sequence as usize].store(self.started.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// A receiver has every edit up to `last`, of which it was told that `count` are new.
    pub(crate) fn has(&self, receiver: usize, count: u32, last: u32) {
        let at = self.started.elapsed();
        let mut receiver = self.receivers[receiver].lock();
        receiver.out_of_order |= receiver.last + count != last;
        for sequence in receiver.last + 1..=last {
            let sent = self.sent.get(sequence as usize).map_or(0, |sent| sent.load(Ordering::Relaxed));
            receiver.latencies.push(at.saturating_sub(Duration::from_nanos(sent)));
        }
        receiver.last = last;
        receiver.events += 1;
    }

    /// A receiver is reached, though by no edit yet.
    pub(crate) fn is_reached(&self, receiver: usize) {
        self.receivers[receiver].lock().reached = true;
    }

    /// Whether every receiver is.
    pub(crate) fn all_are_reached(&self) -> bool {
        self.receivers.iter().all(|receiver| receiver.lock().reached)
    }

    /// Waits until every receiver has this edit.
    pub(crate) fn wait_for(&self, sequence: u32) -> Result<()> {
        let deadline = now() + PATIENCE;
        while self.receivers.iter().any(|receiver| receiver.lock().last < sequence) {
            if now() > deadline {
                bail!("edit {sequence} did not reach everybody within {PATIENCE:?}");
            }
            pause(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Takes what came in since the last call.
    pub(crate) fn take(&self) -> Result<Arrived> {
        let mut arrived = Arrived { latencies: Vec::new(), events: 0 };
        for receiver in &self.receivers {
            let mut receiver = receiver.lock();
            if receiver.out_of_order {
                bail!("edits were lost, repeated or out of order");
            }
            arrived.latencies.append(&mut receiver.latencies);
            arrived.events += std::mem::take(&mut receiver.events);
        }
        Ok(arrived)
    }
}

/// Latencies of one side in one setting.
#[derive(Clone, Copy)]
pub(crate) struct Percentiles {
    pub(crate) p50: Duration,
    pub(crate) p95: Duration,
    pub(crate) p99: Duration,
}

impl Percentiles {
    pub(crate) fn of(latencies: &mut [Duration]) -> Self {
        latencies.sort_unstable();
        let at = |part: f64| {
            let index = (latencies.len() as f64 * part) as usize;
            latencies.get(index.min(latencies.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a bench paces its writer")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
