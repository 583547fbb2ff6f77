//! A document: the shared text of one file, a CRDT. Offsets are UTF-16 units, as in browsers; lines end with LF.
//!
//! The type wraps yrs so that nobody else handles transactions: each method opens one and closes it.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use yrs::types::Delta;
use yrs::types::text::TextEvent;
use yrs::updates::decoder::Decode as _;
use yrs::updates::encoder::Encode as _;
use yrs::{
    Assoc, ClientID, Doc, GetString as _, ID, IndexedSequence as _, Observable as _, OffsetKind, Options,
    Out, ReadTxn as _, StateVector, StickyIndex, Text as _, TextRef, Transact as _, Update,
};

use crate::id::{AuthorId, ParticipantId};

pub mod diff;
pub mod epoch;
pub mod hunks;
pub mod merge;
pub mod outside;
pub mod sync;
pub mod text;
mod update_check;

/// The name of the text inside the CRDT. Part of the protocol.
const TEXT_NAME: &str = "text";

/// Who caused a change, so that its cause does not get it back and undo tells mine from theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This replica's own typing.
    Local,
    /// Another replica's update.
    Remote,
}

impl Origin {
    const fn tag(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }
}

/// One change of a text. Several are applied one after the other, each to the result of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Where, in UTF-16 units.
    pub at: u32,
    /// How many units are deleted there.
    pub delete: u32,
    /// What is inserted there.
    pub insert: String,
}

/// Who changed a text, for a person who wants to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedBy {
    /// Somebody else in the session.
    Participant(ParticipantId),
    /// Another program, in the file.
    Disk,
    /// Anybody: all that was missed, in one piece.
    Anybody,
}

/// What one author did to a text, without anybody else between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Who.
    pub by: ChangedBy,
    /// How the text changed, to be applied in order.
    pub splices: Vec<Splice>,
}

/// A position that stays with its neighbours when others edit: an encoded yrs sticky index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickyPosition(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// To which neighbour a position sticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// To the character before: text inserted at the position comes after it.
    Before,
    /// To the character after: text inserted at the position comes before it.
    After,
}

/// Why an update was not applied. The document is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// Not an update.
    #[error("the update can not be read")]
    Malformed,
    /// It inserts text under another author's name.
    #[error("the update inserts text of author {0}")]
    ForeignAuthor(AuthorId),
    /// It builds on edits that are not here.
    #[error("the update builds on edits that are missing")]
    Gap,
    /// The text would grow beyond the limit, in bytes of UTF-8.
    #[error("the text would grow to {bytes} bytes")]
    TooLarge {
        /// What it would grow to at most.
        bytes: u64,
    },
    /// The change lies outside the text.
    #[error("a change lies outside the text")]
    OutOfRange,
    /// It inserts what no text has, see [`text`].
    #[error("{0:?} is no text")]
    NotText(char),
}

/// The text of one file, shared.
pub struct Document {
    doc: Doc,
    text: TextRef,
    /// Changes that came from others since [`Document::take_splices`], filled by the observer.
    splices: Option<Arc<Mutex<Vec<Splice>>>>,
    /// The text has no more bytes of UTF-8 than this. Counted up with each insertion, and down with each deletion by as much as
    /// is certain; when it reaches the limit the text is counted anew.
    bytes_at_most: u64,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Document").field("units", &self.len()).finish_non_exhaustive()
    }
}

impl Document {
    /// An empty replica that writes as `author`. No two live replicas may write as the same one.
    pub fn new(author: AuthorId) -> Self {
        let doc = Doc::with_options(Options {
            client_id: ClientID::new(author.0),
            offset_kind: OffsetKind::Utf16,
            ..Options::default()
        });
        let text = doc.get_or_insert_text(TEXT_NAME);
        Self { doc, text, splices: None, bytes_at_most: 0 }
    }

    /// An empty replica that also tells an editor which splices others' updates were: see [`Document::take_splices`].
    pub fn for_editor(author: AuthorId) -> Self {
        let mut document = Self::new(author);
        let splices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&splices);
        document.text.observe("splices", move |transaction, event: &TextEvent| {
            if transaction.origin().is_some_and(|origin| origin.as_ref() == Origin::Remote.tag().as_bytes()) {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                collect_splices(event.delta(transaction), &mut sink);
            }
        });
        document.splices = Some(splices);
        document
    }

    /// The whole text.
    pub fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    /// Length in UTF-16 units.
    pub fn len(&self) -> u32 {
        self.text.len(&self.doc.transact())
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Applies this replica's own edits, in order; gives the update to send, or nothing if nothing changed.
    ///
    /// # Errors
    /// [`UpdateError::OutOfRange`] if a splice does not fit the text, [`UpdateError::NotText`] if it inserts what no text has;
    /// the edits before it are applied and lost to nobody: they are in the next state that is exchanged.
    pub fn edit(&mut self, splices: &[Splice]) -> Result<Option<Vec<u8>>, UpdateError> {
        let mut transaction = self.doc.transact_mut_with(Origin::Local.tag());
        let mut length = self.text.len(&transaction);
        for splice in splices {
            if u64::from(splice.at) + u64::from(splice.delete) > u64::from(length) {
                return Err(UpdateError::OutOfRange);
            }
            if let Some(foreign) = text::first_foreign(&splice.insert) {
                return Err(UpdateError::NotText(foreign));
            }
            self.bytes_at_most += splice.insert.len() as u64;
            if splice.delete > 0 {
                self.text.remove_range(&mut transaction, splice.at, splice.delete);
            }
            if !splice.insert.is_empty() {
                self.text.insert(&mut transaction, splice.at, &splice.insert);
            }
            length = self.text.len(&transaction);
        }
        let update = transaction.encode_update_v1();
        Ok((update != Update::EMPTY_V1).then_some(update))
    }

    /// Applies updates that were checked, or come from one that is trusted to have checked them, in one transaction.
    ///
    /// # Errors
    /// [`UpdateError::Malformed`].
    pub fn apply<'a>(&mut self, updates: impl IntoIterator<Item = &'a [u8]>) -> Result<(), UpdateError> {
        let updates = updates
            .into_iter()
            .inspect(|update| self.bytes_at_most += update.len() as u64)
            .map(decode_update)
            .collect::<Result<Vec<_>, _>>()?;
        let mut transaction = self.doc.transact_mut_with(Origin::Remote.tag());
        for update in updates {
            transaction.apply_update(update).map_err(|_| UpdateError::Malformed)?;
        }
        Ok(())
    }

    /// Checks and applies an update of somebody who may only insert text as `author`, and only so that the text has
    /// at most `max_bytes` of UTF-8. It is applied at once and whole: nothing of it is kept for later. What it deletes makes
    /// room for the next update.
    ///
    /// Limit: an author whose program lies about the two neighbours of its text (a right one that stands before the
    /// left one) may have replicas order that text differently. Nothing short of the whole order would show it.
    ///
    /// # Errors
    /// Says which rule the update breaks; the document is as it was.
    pub fn apply_as(&mut self, author: AuthorId, update: &[u8], max_bytes: u64) -> Result<(), UpdateError> {
        let mut transaction = self.doc.transact_mut_with(Origin::Remote.tag());
        let known = transaction.state_vector();
        let new = update_check::check_as(update, author, |author| known.get(&ClientID::new(author.0)))?;
        let mut bytes = self.bytes_at_most.saturating_add(new.bytes);
        if bytes > max_bytes {
            // Deletions are counted low: time to know it exactly.
            self.bytes_at_most = self.text.get_string(&transaction).len() as u64;
            bytes = self.bytes_at_most.saturating_add(new.bytes);
        }
        if bytes > max_bytes {
            return Err(UpdateError::TooLarge { bytes });
        }
        let update = Update::decode_v1(update).map_err(|_| UpdateError::Malformed)?;
        let before = u64::from(self.text.len(&transaction));
        transaction.apply_update(update).map_err(|_| UpdateError::Malformed)?;
        // No unit has less than a byte.
        let deleted = (before + new.units).saturating_sub(u64::from(self.text.len(&transaction)));
        self.bytes_at_most = bytes.saturating_sub(deleted);
        Ok(())
    }

    /// The changes that came from others since the last call, for an editor to repeat. Empty unless the document was
    /// made by [`Document::for_editor`].
    pub fn take_splices(&mut self) -> Vec<Splice> {
        self.splices.as_ref().map_or_else(Vec::new, |splices| {
            std::mem::take(&mut *splices.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Who wrote some part of the text, in its order. It is found by trying how far each one's piece goes: where an author's
    /// text was replaced by as many units of another's, that other may be missed.
    pub fn authors(&self, range: Range<u32>) -> Vec<AuthorId> {
        let transaction = self.doc.transact();
        let unit = |offset: u32| {
            let index = self.text.sticky_index(&transaction, offset, Assoc::After)?;
            index.id().map(|id| (id.client.get(), id.clock))
        };
        let mut authors = Vec::new();
        let mut at = range.start;
        while at < range.end
            && let Some((client, clock)) = unit(at)
        {
            let belongs = |more: u32| unit(at + more) == Some((client, clock + more));
            // Twice as far while it belongs, then in halves back.
            let mut known = 0;
            let mut step = 1;
            while at + known + step < range.end && belongs(known + step) {
                known += step;
                step *= 2;
            }
            while step > 0 {
                if at + known + step < range.end && belongs(known + step) {
                    known += step;
                }
                step /= 2;
            }
            authors.push(AuthorId(client));
            at += known + 1;
        }
        authors
    }

    /// What this replica has, encoded.
    pub fn state_vector(&self) -> Vec<u8> {
        self.doc.transact().state_vector().encode_v1()
    }

    /// Everything that a replica with this state vector lacks; an empty slice stands for a replica without anything.
    ///
    /// # Errors
    /// [`UpdateError::Malformed`] if it is not a state vector.
    pub fn missing_from(&self, state_vector: &[u8]) -> Result<Vec<u8>, UpdateError> {
        let state_vector = decode_state_vector(state_vector)?;
        Ok(self.doc.transact().encode_diff_v1(&state_vector))
    }

    /// Whether this replica has inserted text as `author` that a replica with this state vector lacks.
    ///
    /// # Errors
    /// [`UpdateError::Malformed`] if it is not a state vector.
    pub fn is_ahead_of(&self, state_vector: &[u8], author: AuthorId) -> Result<bool, UpdateError> {
        let theirs = decode_state_vector(state_vector)?;
        let client = ClientID::new(author.0);
        Ok(self.doc.transact().state_vector().get(&client) > theirs.get(&client))
    }

    /// Whether this replica has everything that one with this state vector has, deletions aside.
    ///
    /// # Errors
    /// [`UpdateError::Malformed`] if it is not a state vector.
    pub fn has_all_of(&self, state_vector: &[u8]) -> Result<bool, UpdateError> {
        let theirs = decode_state_vector(state_vector)?;
        let ours = self.doc.transact().state_vector();
        Ok(theirs.iter().all(|(client, clock)| ours.get(client) >= *clock))
    }

    /// A position that stays with its neighbours. Offsets beyond the end mean the end.
    pub fn sticky(&self, offset: u32, side: Side) -> StickyPosition {
        let transaction = self.doc.transact();
        let offset = offset.min(self.text.len(&transaction));
        let assoc = match side {
            Side::Before => Assoc::Before,
            Side::After => Assoc::After,
        };
        let index = self
            .text
            .sticky_index(&transaction, offset, assoc)
            .unwrap_or_else(|| StickyIndex::from_type(&transaction, &self.text, assoc));
        StickyPosition(index.encode_v1())
    }

    /// Behind the last that an author inserted, wherever that is; nothing if the author inserted nothing.
    pub fn last_of(&self, author: AuthorId) -> Option<StickyPosition> {
        let client = ClientID::new(author.0);
        let clock = self.doc.transact().state_vector().get(&client).checked_sub(1)?;
        Some(StickyPosition(StickyIndex::from_id(ID::new(client, clock), Assoc::Before).encode_v1()))
    }

    /// Where a position is now, in UTF-16 units; nothing if it belongs to text that has not arrived, or is garbage.
    pub fn resolve(&self, position: &StickyPosition) -> Option<u32> {
        update_check::check_position(&position.0).ok()?;
        let index = StickyIndex::decode_v1(&position.0).ok()?;
        let transaction = self.doc.transact();
        let offset = index.get_offset(&transaction)?;
        Some(offset.index.min(self.text.len(&transaction)))
    }
}

/// Several updates as one.
///
/// # Errors
/// [`UpdateError::Malformed`].
pub fn merge_updates(updates: &[Vec<u8>]) -> Result<Vec<u8>, UpdateError> {
    yrs::merge_updates_v1(updates).map_err(|_| UpdateError::Malformed)
}

fn decode_state_vector(bytes: &[u8]) -> Result<StateVector, UpdateError> {
    if bytes.is_empty() {
        return Ok(StateVector::default());
    }
    update_check::check_state_vector(bytes)?;
    StateVector::decode_v1(bytes).map_err(|_| UpdateError::Malformed)
}

fn decode_update(bytes: &[u8]) -> Result<Update, UpdateError> {
    update_check::check(bytes)?;
    Update::decode_v1(bytes).map_err(|_| UpdateError::Malformed)
}

/// Turns a delta, which walks the new text, into splices that are applied one after the other.
fn collect_splices(delta: &[Delta], splices: &mut Vec<Splice>) {
    let mut at = 0;
    for change in delta {
        match change {
            Delta::Retain(units, _) => at += units,
            Delta::Deleted(units) => match splices.last_mut() {
                // yrs gives an insertion before the deletion at the same place; an editor wants one replacement.
                Some(last)
                    if last.at + utf16_len(&last.insert) == at
                        && last.delete == 0
                        && at > 0
                        && !last.insert.is_empty() =>
                {
                    last.delete = *units;
                }
                _ => splices.push(Splice { at, delete: *units, insert: String::new() }),
            },
            Delta::Inserted(Out::Any(yrs::Any::String(text)), _) => {
                splices.push(Splice { at, delete: 0, insert: text.to_string() });
                at += utf16_len(text);
            }
            // Embedded objects are no text; apply_as lets nobody insert them, and they count one unit.
            Delta::Inserted(..) => {
                splices.push(Splice { at, delete: 0, insert: "\u{fffc}".to_owned() });
                at += 1;
            }
        }
    }
}

/// A short name of a text's content: the first bytes of its SHA-256. Two replicas with the same digest hold the same text.
pub fn digest(text: &str) -> [u8; 8] {
    let mut digest = [0; 8];
    digest.copy_from_slice(&Sha256::digest(text)[..8]);
    digest
}

/// What both sides call the difference between two texts, by their digests: it stands in the host's log and in the page.
pub fn incident(host: [u8; 8], guest: [u8; 8]) -> String {
    let digest = Sha256::new().chain_update(host).chain_update(guest).finalize();
    digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Length in UTF-16 units.
pub fn utf16_len(text: &str) -> u32 {
    text.chars().map(|c| c.len_utf16() as u32).sum()
}
