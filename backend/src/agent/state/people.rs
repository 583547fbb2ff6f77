//! Keeps who is here, and who may be: on a thread that may wait for the disk, in order.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::log::RecordLog;
use super::writer::Writer;
use super::{PersonRecord, RESERVED_IDS};

/// Records of people that wait for the disk; beyond it the oldest is given up that only says who somebody is. Guests may change
/// their names as often as they like; bans and rights are the host's doing, and stay.
const MAX_WAITING: usize = 1024;

/// Keeps who is here.
#[derive(Debug)]
pub(in crate::agent) struct People {
    queue: Arc<Mutex<Queue>>,
    /// Without one nothing is kept.
    writer: Option<Writer>,
    /// Up to this one a participant's number was asked to be reserved.
    reserved: u32,
    /// The largest number that may have been given before.
    last: u32,
}

/// What waits to be written. The lock is never held while something is.
#[derive(Debug, Default)]
struct Queue {
    records: VecDeque<Waiting>,
    /// Records that were ever queued, and how many of them the disk took or refused.
    queued: u64,
    tried: u64,
    /// Who waits until so many were tried.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
    /// The disk refused the last one.
    is_behind: bool,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    bytes: Vec<u8>,
    weight: Weight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Lost, somebody would join as a new one.
    Light,
    /// Lost, somebody would have rights that were taken, or lack what were given.
    Heavy,
}

impl Queue {
    fn push(&mut self, record: &PersonRecord) {
        if self.records.len() >= MAX_WAITING {
            let light = self.records.iter().position(|waiting| waiting.weight == Weight::Light);
            self.records.remove(light.unwrap_or_default());
        }
        self.queued += 1;
        let weight = match record {
            PersonRecord::Is(_) => Weight::Light,
            PersonRecord::Banned(_)
            | PersonRecord::Role(..)
            | PersonRecord::Grant(..)
            | PersonRecord::Reserved(_) => Weight::Heavy,
        };
        let bytes = encode(record);
        self.records.push_back(Waiting { number: self.queued, bytes, weight });
    }

    /// The first record has been tried, or with a disk that refuses, all of them.
    fn tried(&mut self, up_to: u64) {
        self.tried = self.tried.max(up_to);
        while let Some((_, waiting)) = self.waiting.pop_front_if(|(number, _)| *number <= self.tried) {
            // Whoever waited may be gone.
            let _ = waiting.send(());
        }
    }
}

fn encode(record: &PersonRecord) -> Vec<u8> {
    postcard::to_stdvec(record).expect("records hold only what postcard encodes")
}

impl People {
    /// A place that keeps nothing.
    pub(in crate::agent) fn none() -> Self {
        Self { queue: Arc::default(), writer: None, reserved: u32::MAX, last: 0 }
    }

    /// A place behind these records.
    pub(super) fn open(
        mut log: RecordLog,
        records: &[PersonRecord],
        (running, lock): (&TaskTracker, &Arc<File>),
    ) -> std::io::Result<Self> {
        let numbers = records.iter().filter_map(|record| match record {
            PersonRecord::Is(participant) => Some(participant.id.0),
            PersonRecord::Reserved(number) => Some(*number),
            PersonRecord::Banned(_) | PersonRecord::Role(..) | PersonRecord::Grant(..) => None,
        });
        let last = numbers.max().unwrap_or_default();
        let reserved = last.saturating_add(RESERVED_IDS);
        // Before anybody gets one of them. A disk that refuses is said to, at the first record.
        let _ = log.append(&encode(&PersonRecord::Reserved(reserved)));
        let queue = Arc::new(Mutex::new(Queue::default()));
        let shared = Arc::clone(&queue);
        let writer = Writer::start(Box::new(move || write(&mut log, &shared)), running, lock)?;
        Ok(Self { queue, writer: Some(writer), reserved, last })
    }

    /// The largest participant's number that may have been given before.
    pub(in crate::agent) const fn last(&self) -> u32 {
        self.last
    }

    /// Keeps a change. Does not wait.
    pub(in crate::agent) fn keep(&mut self, record: &PersonRecord) {
        if let Some(writer) = &mut self.writer {
            self.queue.lock().push(record);
            writer.wake();
        }
    }

    /// A participant's number is given: after a crash nobody gets it, or one of those that follow soon.
    ///
    /// Long before they are needed: an author's number that comes to be another's would mix what both typed.
    pub(in crate::agent) fn given(&mut self, number: u32) {
        if number.saturating_add(RESERVED_IDS / 2) > self.reserved {
            self.reserved = number.saturating_add(RESERVED_IDS);
            self.keep(&PersonRecord::Reserved(self.reserved));
        }
    }

    /// Tells when all changes until now are kept, or the disk has refused, which is said. Nothing, if that is so already.
    pub(in crate::agent) fn kept(&self) -> Option<oneshot::Receiver<()>> {
        let mut queue = self.queue.lock();
        if queue.tried >= queue.queued {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let number = queue.queued;
        queue.waiting.push_back((number, sender));
        Some(receiver)
    }
}

/// Writes all that waits, until the disk refuses: then the rest is tried again later.
fn write(log: &mut RecordLog, queue: &Mutex<Queue>) {
    loop {
        let (number, bytes) = match queue.lock().records.front() {
            Some(first) => (first.number, first.bytes.clone()),
            None => return,
        };
        let written = log.append(&bytes);
        let mut queue = queue.lock();
        match written {
            Ok(()) => {
                queue.is_behind = false;
                // Unless it was given up meanwhile.
                queue.records.pop_front_if(|first| first.number == number);
                queue.tried(number);
            }
            Err(error) => {
                if !std::mem::replace(&mut queue.is_behind, true) {
                    warn!(%error, "a participant is not kept: after a crash it would join as a new one");
                }
                let all = queue.queued;
                queue.tried(all);
                return;
            }
        }
    }
}
