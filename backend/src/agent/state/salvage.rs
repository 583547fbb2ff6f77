//! What can still be had of a damaged journal: every record that is whole, wherever it stands.
//!
//! A document does not go on from this: records may be missing in between. It is for a person, who would rather have most of a
//! text than none of it.

use super::Identity;
use super::journal::replay_what_is_there;
use super::log;

/// A text that was found in a damaged journal.
#[derive(Debug)]
pub(super) struct Salvaged {
    /// What the document was, if that was found.
    pub(super) identity: Option<Identity>,
    pub(super) text: String,
    /// What the file had of it.
    pub(super) saved: String,
}

/// Looks for whole records in bytes that may be anything. Nothing if there is none that this build understands.
pub(super) fn salvage(bytes: &[u8]) -> Option<Salvaged> {
    let records = log::whole_records(bytes);
    let (identity, text, saved) = replay_what_is_there(&records)?;
    Some(Salvaged { identity, text, saved })
}
