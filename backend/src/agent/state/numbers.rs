//! Names of documents and terminals of which none is given twice, whatever ends the program.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parlor_shared::id::{DocumentId, TerminalId};
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::log::RecordLog;
use super::writer::Writer;
use super::{Completeness, SessionState, StateError};
use crate::agent::disk_work;

/// Names of documents, of terminals or of participants that are written down at once, long before they are given.
pub(super) const RESERVED_IDS: u32 = 256;

impl SessionState {
    /// The names of documents, none of which was given before.
    pub(in crate::agent) fn document_ids(&self) -> Result<DocumentIds, StateError> {
        self.numbers("documents").map(DocumentIds)
    }

    /// The names of terminals, none of which was given before.
    pub(in crate::agent) fn terminal_ids(&self) -> Result<TerminalIds, StateError> {
        self.numbers("terminals").map(TerminalIds)
    }

    fn numbers(&self, file: &str) -> Result<Numbers, StateError> {
        let (log, contents, completeness) = self.log(file, &format!("the numbers of {file}"))?;
        let kept = contents.records.iter().filter_map(|record| postcard::from_bytes(record).ok());
        let mut last: u32 = kept.max().unwrap_or_default();
        if completeness == Completeness::Lacking {
            last = last.max(beyond_all_that_were_given());
        }
        // Keeps that they begin behind it.
        Numbers::open(log, last, (&self.writers, &self.lock)).map_err(|error| self.no_thread(error))
    }
}

/// A number beyond all that were given in order, if nobody knows any more which were: half the seconds since 1970. None is
/// given so fast for so long, and it grows, so that it holds the next time as well.
pub(super) fn beyond_all_that_were_given() -> u32 {
    u32::try_from(disk_work::time_of_day().as_secs() / 2).unwrap_or(u32::MAX / 2)
}

/// Numbers of which none is given twice: after a restart they begin again behind all that were reserved. They are reserved long
/// before they are given, since nobody who needs one can wait for the disk.
#[derive(Debug)]
struct Numbers {
    writer: Option<Writer>,
    last: u32,
    /// Up to this one they are to be reserved.
    wanted: Arc<AtomicU32>,
    /// Up to this one nobody gives a number again after a restart: the disk has it.
    reserved: Arc<AtomicU32>,
}

impl Numbers {
    /// Numbers for as long as this program runs.
    fn none() -> Self {
        let all = Arc::new(AtomicU32::new(u32::MAX));
        Self { writer: None, last: 0, wanted: Arc::clone(&all), reserved: all }
    }

    /// Numbers behind the last one that is kept.
    fn open(
        mut log: RecordLog,
        last: u32,
        (running, lock): (&TaskTracker, &Arc<File>),
    ) -> std::io::Result<Self> {
        let wanted = Arc::new(AtomicU32::new(last.saturating_add(RESERVED_IDS)));
        let reserved = Arc::new(AtomicU32::new(last));
        let mut reserve = {
            let (wanted, reserved) = (Arc::clone(&wanted), Arc::clone(&reserved));
            let mut is_behind = false;
            move || {
                let up_to = wanted.load(Ordering::Acquire);
                if up_to <= reserved.load(Ordering::Acquire) {
                    return;
                }
                let bytes = postcard::to_stdvec(&up_to).expect("a number can be encoded");
                match log.append(&bytes) {
                    Ok(()) => {
                        reserved.store(up_to, Ordering::Release);
                        is_behind = false;
                    }
                    Err(error) if !std::mem::replace(&mut is_behind, true) => {
                        warn!(%error, "names of documents or terminals can not be kept: they are taken at random");
                    }
                    Err(_) => {}
                }
            }
        };
        // Here, before anybody needs one.
        reserve();
        let writer = Writer::start(Box::new(reserve), running, lock)?;
        Ok(Self { writer: Some(writer), last, wanted, reserved })
    }

    /// The next number. While the disk does not keep them, one is taken at random from where nobody comes in order.
    fn next(&mut self) -> u32 {
        let next = self.last + 1;
        let wanted = self.wanted.load(Ordering::Acquire);
        if next.saturating_add(RESERVED_IDS / 2) > wanted {
            self.wanted.store(next.saturating_add(RESERVED_IDS), Ordering::Release);
        }
        if self.reserved.load(Ordering::Acquire) < self.wanted.load(Ordering::Acquire)
            && let Some(writer) = &mut self.writer
        {
            writer.wake();
        }
        if next > self.reserved.load(Ordering::Acquire) {
            return random_number(next);
        }
        self.last = next;
        next
    }

    /// Waits until all that is wanted is reserved.
    #[cfg(test)]
    fn settle(&self) {
        while self.reserved.load(Ordering::Acquire) < self.wanted.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
}

/// A number that hardly anybody was ever given: one in a billion of the upper half, where numbers in order never come.
fn random_number(in_order: u32) -> u32 {
    let mut random = [0; 4];
    match getrandom::fill(&mut random) {
        Ok(()) => (u32::from_le_bytes(random) >> 2) | 1 << 31,
        // Then nothing that needs a key works either.
        Err(_) => in_order,
    }
}

/// Names for documents. A guest who was away knows a document by its name, and what it has of it: a name that comes to
/// mean another text after a restart would merge two that have nothing to do with each other.
#[derive(Debug)]
pub(in crate::agent) struct DocumentIds(Numbers);

impl DocumentIds {
    /// Names for as long as this program runs.
    pub(in crate::agent) fn none() -> Self {
        Self(Numbers::none())
    }

    /// This name is taken.
    pub(in crate::agent) fn taken(&mut self, id: DocumentId) {
        self.0.last = self.0.last.max(id.0);
    }

    /// The next name.
    pub(in crate::agent) fn next(&mut self) -> DocumentId {
        DocumentId(self.0.next())
    }
}

/// Names for terminals. They end with the program, and a guest who was away knows one by its name: it must not take one of
/// afterwards for one of before.
#[derive(Debug)]
pub(in crate::agent) struct TerminalIds(Numbers);

impl TerminalIds {
    /// Names for as long as this program runs.
    pub(in crate::agent) fn none() -> Self {
        Self(Numbers::none())
    }

    /// The next name.
    pub(in crate::agent) fn next(&mut self) -> TerminalId {
        TerminalId(self.0.next())
    }

    /// The first that can be given from now on. Those of before were smaller.
    pub(in crate::agent) const fn following(&self) -> TerminalId {
        TerminalId(self.0.last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::close;
    use super::*;

    #[test]
    fn a_documents_name_is_never_given_again() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut given = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let state = SessionState::open(root.path(), shared.path()).unwrap();
            let mut ids = state.document_ids().unwrap();
            for _ in 0..RESERVED_IDS + 2 {
                assert!(given.insert(ids.next()));
                ids.0.settle();
            }
            ids.taken(DocumentId(given.len() as u32 * 100));
            assert!(given.insert(ids.next()));
            drop(ids);
            close(state);
        }
    }

    #[test]
    fn a_terminals_name_is_never_given_again() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut given = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let state = SessionState::open(root.path(), shared.path()).unwrap();
            let mut ids = state.terminal_ids().unwrap();
            assert!(given.last() < Some(&ids.following()));
            for _ in 0..RESERVED_IDS + 2 {
                assert!(given.insert(ids.next()));
                ids.0.settle();
            }
            drop(ids);
            close(state);
        }
    }
}
