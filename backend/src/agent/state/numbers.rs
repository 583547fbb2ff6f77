//! Numbers for documents and terminals, of which none is given twice, whatever ends the program.

use parlor_shared::id::{DocumentId, TerminalId};
use tracing::warn;

use super::log::RecordLog;
use super::{Completeness, SessionState, StateError};
use crate::agent::disk_work;

/// Names of documents, or of terminals, that are written down at once, before they are given.
const RESERVED_IDS: u32 = 64;

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
        let (mut log, contents, completeness) = self.log(file, &format!("the numbers of {file}"))?;
        let kept = contents.records.iter().filter_map(|record| postcard::from_bytes(record).ok());
        let mut last: u32 = kept.max().unwrap_or_default();
        if completeness == Completeness::Lacking {
            last = last.max(beyond_all_that_were_given());
            let bytes = postcard::to_stdvec(&last).expect("a number can be encoded");
            if let Err(error) = log.append(&bytes) {
                warn!(%error, "a number beyond all that were given can not be kept");
            }
        }
        Ok(Numbers { log: Some(log), last, reserved: last, is_behind: false })
    }
}

/// A number beyond all that were given in order, if nobody knows any more which were: half the seconds since 1970. None is
/// given so fast for so long, and it grows, so that it holds the next time as well.
pub(super) fn beyond_all_that_were_given() -> u32 {
    u32::try_from(disk_work::time_of_day().as_secs() / 2).unwrap_or(u32::MAX / 2)
}

/// Numbers of which none is given twice, whatever ends the program: it begins again behind all that it had reserved.
#[derive(Debug)]
struct Numbers {
    log: Option<RecordLog>,
    last: u32,
    /// Up to this one nobody gives a number again after a restart.
    reserved: u32,
    /// The disk refused: names are not in order until it takes one.
    is_behind: bool,
}

impl Numbers {
    /// Numbers for as long as this program runs.
    const fn none() -> Self {
        Self { log: None, last: 0, reserved: u32::MAX, is_behind: false }
    }

    /// The next number. While the disk refuses to keep them, one is taken at random from where nobody comes in order.
    fn next(&mut self) -> u32 {
        let next = self.last + 1;
        if next > self.reserved {
            let reserved = next + RESERVED_IDS;
            let bytes = postcard::to_stdvec(&reserved).expect("a number can be encoded");
            if let Some(log) = &mut self.log
                && let Err(error) = log.append(&bytes)
            {
                if !std::mem::replace(&mut self.is_behind, true) {
                    warn!(%error, "names of documents or terminals can not be kept: they are taken at random");
                }
                return random_number(next);
            }
            (self.reserved, self.is_behind) = (reserved, false);
        }
        self.last = next;
        next
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
    pub(in crate::agent) const fn none() -> Self {
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
    pub(in crate::agent) const fn none() -> Self {
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
    use super::*;

    #[test]
    fn a_documents_name_is_never_given_again() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut given = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let state = SessionState::open(root.path(), shared.path()).unwrap();
            let mut ids = state.document_ids().unwrap();
            assert!((0..RESERVED_IDS + 2).all(|_| given.insert(ids.next())));
            ids.taken(DocumentId(given.len() as u32 * 100));
            assert!(given.insert(ids.next()));
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
            assert!((0..RESERVED_IDS + 2).all(|_| given.insert(ids.next())));
        }
    }
}
