//! Who is here, and what the host decided about them: kept, so that everybody can come back as the same.

use std::collections::VecDeque;

use parlor_shared::id::{AuthorId, ParticipantId};
use parlor_shared::role::{Capability, Grant, Role};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::log::RecordLog;
use super::numbers::beyond_all_that_were_given;
use super::{Completeness, SessionState, StateError};

/// Records of people that wait for the disk; beyond it the oldest is given up. Guests may change their names as often as
/// they like.
const MAX_BEHIND: usize = 1024;

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
}

impl SessionState {
    /// Who was here, and a place to keep who comes.
    pub(in crate::agent) fn people(&self) -> Result<(People, KeptPeople), StateError> {
        let (log, contents, completeness) = self.log("people", "the list of people")?;
        let records = contents.records.iter().filter_map(|record| postcard::from_bytes(record).ok());
        let (lacks, records): (Vec<_>, Vec<_>) =
            records.partition(|record| matches!(record, PersonRecord::Lacks(_)));
        let lacks = lacks.into_iter().filter_map(|record| match record {
            PersonRecord::Lacks(number) => Some(number),
            _ => None,
        });
        let mut numbers_begin: Option<u32> = lacks.max();
        let mut people = People { log: Some(log), behind: VecDeque::new() };
        if completeness == Completeness::Lacking {
            let number = beyond_all_that_were_given();
            // Or the next restart would know nothing of it.
            people.keep(&PersonRecord::Lacks(number));
            numbers_begin = Some(number);
        }
        let completeness = numbers_begin.map_or(Completeness::Whole, |_| Completeness::Lacking);
        let numbers_begin = numbers_begin.unwrap_or(0);
        Ok((people, KeptPeople { records, completeness, numbers_begin }))
    }
}

/// Who was here before a restart.
#[derive(Debug)]
pub(in crate::agent) struct KeptPeople {
    pub(in crate::agent) records: Vec<PersonRecord>,
    /// Whether somebody may be missing: a removal too.
    pub(in crate::agent) completeness: Completeness,
    /// No participant of before has a larger number than this or than one in the records. An author number that two people
    /// had would mix up what they type.
    pub(in crate::agent) numbers_begin: u32,
}

impl KeptPeople {
    /// Nobody was.
    pub(in crate::agent) const fn nobody() -> Self {
        Self { records: Vec::new(), completeness: Completeness::Whole, numbers_begin: 0 }
    }
}

/// Keeps who is here.
#[derive(Debug)]
pub(in crate::agent) struct People {
    log: Option<RecordLog>,
    /// Records that the disk refused, oldest first: they are tried again with the next.
    behind: VecDeque<Vec<u8>>,
}

impl People {
    /// A place that keeps nothing.
    pub(in crate::agent) const fn none() -> Self {
        Self { log: None, behind: VecDeque::new() }
    }

    /// Keeps a change.
    pub(in crate::agent) fn keep(&mut self, record: &PersonRecord) {
        let bytes = postcard::to_stdvec(record).expect("records hold only what postcard encodes");
        let Some(log) = &mut self.log else { return };
        let was_behind = !self.behind.is_empty();
        if self.behind.len() == MAX_BEHIND {
            self.behind.pop_front();
        }
        self.behind.push_back(bytes);
        while let Some(first) = self.behind.front() {
            if let Err(error) = log.append(first) {
                if !was_behind {
                    warn!(%error, "a participant is not kept: after a crash it would join as a new one");
                }
                return;
            }
            self.behind.pop_front();
        }
    }
}
