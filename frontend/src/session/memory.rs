//! What a tab remembers of a session, so that a reload comes back to the same place.

use parlor_shared::id::{ParticipantId, SessionId, TerminalId};
use parlor_shared::path::WorkspacePath;
use serde::{Deserialize, Serialize};

use crate::storage;

/// Where somebody was in a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RememberedSpot {
    /// Anchor and head of every selection, in UTF-16 units.
    pub(crate) ranges: Vec<(u32, u32)>,
    pub(crate) main: u32,
    pub(crate) scroll_top: f64,
}

/// One open tab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum RememberedTab {
    File { path: WorkspacePath, spot: Option<RememberedSpot> },
    Terminal(TerminalId),
}

/// What was on the screen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) tabs: Vec<RememberedTab>,
    /// Which of the tabs is shown.
    pub(super) active: Option<usize>,
    pub(super) expanded: Vec<WorkspacePath>,
}

/// What this tab keeps of one session.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    place_key: String,
    name_key: String,
    link_key: String,
    participant_key: String,
}

/// The name under which a person joins, for every session of this browser.
const NAME_KEY: &str = "parlor.name";

impl Memory {
    /// The memory of a session.
    pub(crate) fn of(session: SessionId) -> Self {
        Self {
            place_key: format!("parlor.place.{session}"),
            name_key: format!("parlor.joined.{session}"),
            link_key: format!("parlor.link.{session}"),
            participant_key: format!("parlor.participant.{session}"),
        }
    }

    pub(super) fn place(&self) -> Place {
        storage::tab(&self.place_key).unwrap_or_default()
    }

    pub(super) fn keep_place(&self, place: &Place) {
        storage::set_tab(&self.place_key, place);
    }

    /// Under which name this tab has joined, so that a reload joins by itself.
    pub(crate) fn joined_as(&self) -> Option<String> {
        storage::tab(&self.name_key)
    }

    /// This tab has joined.
    pub(crate) fn keep_joined(&self, name: &str) {
        storage::set_tab(&self.name_key, &name);
        storage::set_local(NAME_KEY, name);
    }

    /// The next load of this tab asks again.
    pub(crate) fn forget_joined(&self) {
        storage::forget_tab(&self.name_key);
    }

    /// Who this tab was.
    pub(super) fn participant(&self) -> Option<ParticipantId> {
        storage::tab(&self.participant_key)
    }

    /// Keeps who this tab is.
    pub(super) fn keep_participant(&self, participant: ParticipantId) {
        storage::set_tab(&self.participant_key, &participant);
    }

    /// The part of the link behind `#`, if this tab has seen it.
    pub(crate) fn fragment(&self) -> Option<String> {
        storage::tab(&self.link_key)
    }

    /// Keeps the part of the link behind `#`.
    pub(crate) fn keep_fragment(&self, fragment: &str) {
        storage::set_tab(&self.link_key, &fragment);
    }
}

/// The name that was typed last, in any session.
pub(crate) fn last_name() -> Option<String> {
    storage::local(NAME_KEY).filter(|name| !name.trim().is_empty())
}
