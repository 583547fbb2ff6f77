//! The text that unsent edits were made on: with it they can be merged into a text that is not their document any more.
//!
//! What the host has confirmed and what it has not lie mixed in the replica, and deletions leave no trace to tell them by. So
//! the text before the first own edit is kept, packed, and every change since. Those that are confirmed are made in it from
//! time to time.

use std::collections::VecDeque;

use crate::document::{Document, Splice};
use crate::id::AuthorId;
use crate::message::Packed;

/// Changes that may wait before the confirmed ones are made in the kept text, in bytes.
const LOG_BYTES: usize = 64 * 1024;

/// What a change takes beside what it inserts, roughly.
const CHANGE_BYTES: usize = 48;

/// A change since the text was kept.
#[derive(Debug)]
struct Change {
    /// Which edit of this replica it was; others' have none.
    edit: Option<u64>,
    splices: Vec<Splice>,
}

impl Change {
    fn bytes(&self) -> usize {
        self.splices.iter().map(|splice| CHANGE_BYTES + splice.insert.len()).sum()
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Base {
    text: Packed,
    changes: VecDeque<Change>,
    bytes: usize,
    /// Not before so many bytes of changes it is worth another try to make confirmed ones.
    next_try: usize,
    /// Edits of before are not among the changes: it only holds until all is confirmed.
    is_of_a_draft: bool,
}

impl Base {
    /// Nothing is unconfirmed, and the text is this.
    pub(super) fn of(text: String) -> Self {
        Self {
            text: Packed::new(text.into_bytes()),
            changes: VecDeque::new(),
            bytes: 0,
            next_try: LOG_BYTES,
            is_of_a_draft: false,
        }
    }

    /// A draft was kept with it.
    pub(super) fn of_a_draft(text: Packed) -> Self {
        Self { is_of_a_draft: true, text, ..Self::of(String::new()) }
    }

    /// Whether it says nothing any more once everything is confirmed.
    pub(super) const fn is_of_a_draft(&self) -> bool {
        self.is_of_a_draft
    }

    /// The text changed, by this edit of ours or by others.
    pub(super) fn changed(&mut self, edit: Option<u64>, splices: &[Splice], confirmed: u64) {
        let change = Change { edit, splices: splices.to_vec() };
        self.bytes += change.bytes();
        self.changes.push_back(change);
        if self.bytes > self.next_try && !self.is_of_a_draft {
            self.settle(confirmed);
            self.next_try = LOG_BYTES + 2 * self.bytes;
        }
    }

    /// How many of the changes are made in what the host has, and nothing that it may lack before them.
    fn settled(&self, confirmed: u64) -> usize {
        let is_open = |change: &Change| change.edit.is_some_and(|edit| edit > confirmed);
        if self.is_of_a_draft {
            0
        } else {
            self.changes.iter().position(is_open).unwrap_or(self.changes.len())
        }
    }

    fn with_first(&self, changes: usize) -> Option<String> {
        let text = String::from_utf8(self.text.unpack().ok()?).ok()?;
        if changes == 0 {
            return Some(text);
        }
        let mut document = Document::new(AuthorId::NOT_YET);
        document.edit(&[Splice { at: 0, delete: 0, insert: text }]).ok()?;
        for change in self.changes.iter().take(changes) {
            document.edit(&change.splices).ok()?;
        }
        Some(document.text())
    }

    fn settle(&mut self, confirmed: u64) {
        let settled = self.settled(confirmed);
        if settled > 0
            && let Some(text) = self.with_first(settled)
        {
            self.text = Packed::new(text.into_bytes());
            self.bytes -= self.changes.drain(..settled).map(|change| change.bytes()).sum::<usize>();
        }
    }

    /// The text before the first edit that the host has not confirmed.
    pub(super) fn text(&self, confirmed: u64) -> Option<String> {
        self.with_first(self.settled(confirmed))
    }
}
