//! Who is here, and what the host decided about them: kept on a thread that may wait for the disk, in order, so that
//! everybody can come back as the same.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_shared::id::{AuthorId, ParticipantId};
use parlor_shared::role::{Capability, Grant, Role};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::log::RecordLog;
use super::numbers::{RESERVED_IDS, beyond_all_that_were_given};
use super::writer::Writer;
use super::{Completeness, SessionState, StateError};

/// Records of people that wait for the disk; beyond it the oldest is given up that only says who somebody is. Guests may change
/// their names as often as they like; bans and rights are the host's doing, and stay.
const MAX_WAITING: usize = 1024;

/// What is kept of somebody, so that it can come back as the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::agent) struct KeptParticipant {
    pub(in crate::agent) id: ParticipantId,
    pub(in crate::agent) name: String,
    pub(in crate::agent) role: Role,
    pub(in crate::agent) color: u8,
    pub(in crate::agent) author: AuthorId,
    pub(in crate::agent) key: [u8; 32],
}

/// A change of who is, was or may be here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::agent) enum PersonRecord {
    /// Somebody is this from now on.
    Is(KeptParticipant),
    /// Whoever has this key does not come in again.
    Banned([u8; 32]),
    /// The host gave whoever has this key another role.
    Role([u8; 32], Role),
    /// The host gave whoever has this key a capability beside its role, or took it back.
    Grant([u8; 32], Capability, Grant),
    /// What was kept before could not be read; numbers up to this one may be somebody's.
    Lacks(u32),
    /// Participants' numbers up to this one may have been given.
    Reserved(u32),
}

impl PersonRecord {
    /// The participant's number that it tells of.
    const fn number(&self) -> Option<u32> {
        match self {
            Self::Is(participant) => Some(participant.id.0),
            Self::Lacks(number) | Self::Reserved(number) => Some(*number),
            Self::Banned(_) | Self::Role(..) | Self::Grant(..) => None,
        }
    }
}

impl SessionState {
    /// Who was here, and a place to keep who comes.
    pub(in crate::agent) fn people(&self) -> Result<(People, KeptPeople), StateError> {
        let (log, contents, completeness) = self.log("people", "the list of people")?;
        let records = contents.records.iter().filter_map(|record| postcard::from_bytes(record).ok());
        let mut records: Vec<PersonRecord> = records.collect();
        // Kept as well, or the next restart would know nothing of it.
        let lacks = (completeness == Completeness::Lacking)
            .then(|| PersonRecord::Lacks(beyond_all_that_were_given()));
        let people = People::open(log, &records, lacks.as_ref(), (&self.writers, &self.lock))
            .map_err(|error| self.no_thread(error))?;
        let is_lack = |record: &PersonRecord| matches!(record, PersonRecord::Lacks(_));
        let completeness = match records.iter().chain(&lacks).any(is_lack) {
            true => Completeness::Lacking,
            false => Completeness::Whole,
        };
        records.retain(|record| !matches!(record, PersonRecord::Lacks(_) | PersonRecord::Reserved(_)));
        Ok((people, KeptPeople { records, completeness }))
    }
}

/// Who was here before a restart. Which numbers they may have had: see [`People::last`].
#[derive(Debug)]
pub(in crate::agent) struct KeptPeople {
    pub(in crate::agent) records: Vec<PersonRecord>,
    /// Whether somebody may be missing: a removal too.
    pub(in crate::agent) completeness: Completeness,
}

impl KeptPeople {
    /// Nobody was.
    pub(in crate::agent) const fn nobody() -> Self {
        Self { records: Vec::new(), completeness: Completeness::Whole }
    }
}

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
            | PersonRecord::Lacks(_)
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

    /// A place behind these records. What they lack is kept there first.
    fn open(
        mut log: RecordLog,
        records: &[PersonRecord],
        lacks: Option<&PersonRecord>,
        (running, lock): (&TaskTracker, &Arc<File>),
    ) -> std::io::Result<Self> {
        let numbers = records.iter().chain(lacks).filter_map(PersonRecord::number);
        let last = numbers.max().unwrap_or_default();
        let reserved = last.saturating_add(RESERVED_IDS);
        let mut queue = Queue::default();
        for record in lacks.into_iter().chain([&PersonRecord::Reserved(reserved)]) {
            queue.push(record);
        }
        let queue = Arc::new(Mutex::new(queue));
        // Before anybody gets one of the numbers. What the disk refuses is tried again later.
        write(&mut log, &queue);
        let shared = Arc::clone(&queue);
        let writer = Writer::start(Box::new(move || write(&mut log, &shared)), running, lock)?;
        Ok(Self { queue, writer: Some(writer), reserved, last })
    }

    /// The largest participant's number that may have been given before. An author's number that two people had would mix up
    /// what they type.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::close;
    use super::*;

    #[test]
    fn a_list_that_lacks_people_is_known_as_such_after_each_restart_and_gives_no_number_twice() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let open = || SessionState::open(root.path(), shared.path()).unwrap();
        let state = open();
        let (mut people, before) = state.people().unwrap();
        assert_eq!((before.completeness, people.last()), (Completeness::Whole, 0));
        people.keep(&PersonRecord::Banned([1; 32]));
        let file = state.folder().join("people");
        drop(people);
        close(state);

        let whole = fs::read(&file).unwrap();
        #[expect(clippy::disallowed_methods, reason = "plays a disk that damages")]
        fs::write(&file, &whole[..whole.len() - 1]).unwrap();
        let mut last = beyond_all_that_were_given() - 1;
        for _ in 0..3 {
            let state = open();
            let (mut people, before) = state.people().unwrap();
            assert_eq!(before.completeness, Completeness::Lacking);
            assert!(people.last() > last, "{} {last}", people.last());
            assert!(before.records.iter().all(|record| *record == PersonRecord::Banned([2; 32])));
            last = people.last();
            // More than were reserved before the first was given.
            for number in last + 1..last + RESERVED_IDS * 2 {
                people.given(number);
            }
            last += RESERVED_IDS * 2 - 1;
            people.keep(&PersonRecord::Banned([2; 32]));
            drop(people);
            close(state);
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_the_disk_refuses_at_the_opening_is_kept_with_the_next_change() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = SessionState::open(root.path(), shared.path()).unwrap();
        let (log, ..) = state.log("people", "the list of people").unwrap();
        let away = root.path().join("away");
        fs::rename(state.folder(), &away).unwrap();
        let lacks = PersonRecord::Lacks(7000);
        let mut people = People::open(log, &[], Some(&lacks), (&state.writers, &state.lock)).unwrap();
        assert!(people.kept().is_none(), "the disk has refused: nobody waits for it");
        fs::rename(&away, state.folder()).unwrap();
        people.keep(&PersonRecord::Banned([1; 32]));
        drop(people);
        state.writers.close();
        while !state.writers.is_empty() {
            std::thread::yield_now();
        }
        let (people, before) = state.people().unwrap();
        assert_eq!(before.completeness, Completeness::Lacking);
        assert_eq!(before.records, [PersonRecord::Banned([1; 32])]);
        assert_eq!(people.last(), 7000 + RESERVED_IDS);
    }
}
