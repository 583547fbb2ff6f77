//! The text that unsent edits were made on: with it they can be merged into a text that is not their document any more.
//!
//! What the host has confirmed and what it has not lie mixed in the replica, and deletions leave no trace to tell them by. So
//! the text before the first own edit is kept, packed, and every change since. Those that are confirmed are made in it from
//! time to time. The text without unconfirmed edits is that with all changes, in which unconfirmed insertions are left out
//! and unconfirmed deletions stand: others' changes are part of it wherever they came in between.

use std::collections::VecDeque;

use crate::document::{Splice, diff};
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
    /// With fewer bytes of changes it is not worth another try to make confirmed ones.
    next_try: usize,
}

impl Base {
    /// Nothing is unconfirmed, and the text is this.
    pub(super) fn of(text: String) -> Self {
        Self { text: Packed::new(text.into_bytes()), changes: VecDeque::new(), bytes: 0, next_try: LOG_BYTES }
    }

    /// A draft was kept with it, of this text; what differs is this edit.
    pub(super) fn of_a_draft(base: &Packed, ours: &str, edit: u64) -> Option<Self> {
        let text = String::from_utf8(base.unpack().ok()?).ok()?;
        let splices = diff::fewest_splices(&text, ours);
        let mut base = Self::of(text);
        base.changes.push_back(Change { edit: Some(edit), splices });
        Some(base)
    }

    /// The text changed, by this edit of ours or by others.
    pub(super) fn changed(&mut self, edit: Option<u64>, splices: &[Splice], confirmed: u64) {
        let change = Change { edit, splices: splices.to_vec() };
        self.bytes += change.bytes();
        self.changes.push_back(change);
        if self.bytes > self.next_try {
            self.settle(confirmed);
            self.next_try = LOG_BYTES + 2 * self.bytes;
        }
    }

    /// Makes the changes in the kept text before which nothing is unconfirmed.
    fn settle(&mut self, confirmed: u64) {
        let is_open = |change: &Change| change.edit.is_some_and(|edit| edit > confirmed);
        let settled = self.changes.iter().position(is_open).unwrap_or(self.changes.len());
        if settled > 0
            && let Some(text) = self.without_unconfirmed(confirmed, settled)
        {
            self.text = Packed::new(text.into_bytes());
            let bytes: usize = self.changes.drain(..settled).map(|change| change.bytes()).sum();
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// The text without the edits that the host has not confirmed.
    pub(super) fn text(&self, confirmed: u64) -> Option<String> {
        self.without_unconfirmed(confirmed, self.changes.len())
    }

    fn without_unconfirmed(&self, confirmed: u64, changes: usize) -> Option<String> {
        let text = String::from_utf8(self.text.unpack().ok()?).ok()?;
        let mut pieces = Pieces::of(&text);
        for change in self.changes.iter().take(changes) {
            let by =
                if change.edit.is_some_and(|edit| edit > confirmed) { By::Unconfirmed } else { By::Others };
            for splice in &change.splices {
                pieces.apply(splice, by);
            }
        }
        pieces.without_unconfirmed()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Unconfirmed,
    Others,
}

/// Units that came and went together.
#[derive(Clone, Copy)]
struct Piece {
    start: usize,
    units: usize,
    inserted: By,
    deleted: Option<By>,
}

/// A text in pieces, the deleted ones included.
struct Pieces {
    units: Vec<u16>,
    pieces: Vec<Piece>,
}

impl Pieces {
    fn of(text: &str) -> Self {
        let units: Vec<u16> = text.encode_utf16().collect();
        let piece = Piece { start: 0, units: units.len(), inserted: By::Others, deleted: None };
        Self { units, pieces: vec![piece] }
    }

    fn apply(&mut self, splice: &Splice, by: By) {
        let begin = self.cut(splice.at as usize);
        let mut left = splice.delete as usize;
        let mut at = begin;
        while left > 0 && at < self.pieces.len() {
            if self.pieces[at].deleted.is_none() {
                if self.pieces[at].units > left {
                    self.split(at, left);
                }
                left -= self.pieces[at].units;
                self.pieces[at].deleted = Some(by);
            }
            at += 1;
        }
        if splice.insert.is_empty() {
            return;
        }
        let start = self.units.len();
        self.units.extend(splice.insert.encode_utf16());
        let units = self.units.len() - start;
        // Typing goes on where it was.
        if let Some(last) = begin.checked_sub(1).map(|last| &mut self.pieces[last])
            && last.inserted == by
            && last.deleted.is_none()
            && last.start + last.units == start
        {
            last.units += units;
            return;
        }
        self.pieces.insert(begin, Piece { start, units, inserted: by, deleted: None });
    }

    /// Where the piece begins at this offset of what is visible: right behind what is visible before it.
    fn cut(&mut self, offset: usize) -> usize {
        let mut left = offset;
        for at in 0..self.pieces.len() {
            if left == 0 {
                return at;
            }
            if self.pieces[at].deleted.is_some() {
                continue;
            }
            if self.pieces[at].units > left {
                self.split(at, left);
                return at + 1;
            }
            left -= self.pieces[at].units;
        }
        self.pieces.len()
    }

    fn split(&mut self, at: usize, units: usize) {
        let whole = self.pieces[at];
        self.pieces[at].units = units;
        self.pieces.insert(at + 1, Piece { start: whole.start + units, units: whole.units - units, ..whole });
    }

    fn without_unconfirmed(&self) -> Option<String> {
        let stands = |piece: &&Piece| piece.inserted == By::Others && piece.deleted != Some(By::Others);
        let stand = self.pieces.iter().filter(stands);
        let units: Vec<u16> =
            stand.flat_map(|piece| &self.units[piece.start..piece.start + piece.units]).copied().collect();
        String::from_utf16(&units).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::Document;
    use crate::id::AuthorId;

    proptest! {
        /// Two replicas that type: without the edits of the one that the other has not heard of, its text is the other's. Only
        /// one deletes: of what both deleted the second is never heard, and need not be, since it is gone in both texts.
        #[test]
        fn the_text_without_unconfirmed_edits_is_the_others(
            we_delete in any::<bool>(),
            steps in proptest::collection::vec((0usize..4, 0u32..40, 0u32..4, "[aé\u{1f600}\n]{0,3}"), 0..40),
        ) {
            let [mut here, mut there] = [16, 17].map(|author| Document::for_editor(AuthorId(author)));
            let first = there.edit(&[Splice { at: 0, delete: 0, insert: "αβγ\n1234\n".into() }]).unwrap().unwrap();
            here.apply([first.as_slice()]).unwrap();
            here.take_splices();
            let mut base = Base::of(here.text());
            let (mut edits, mut confirmed) = (0, 0);
            let mut waiting: Vec<Vec<u8>> = Vec::new();
            let mut coming: Vec<Vec<u8>> = Vec::new();
            let splice_of = |document: &Document, at: u32, delete: u32, insert: String| {
                let units: Vec<u16> = document.text().encode_utf16().collect();
                let whole = |at: u32| !matches!(units.get(at as usize), Some(0xdc00..=0xdfff));
                let border = |at: u32| if whole(at) { at } else { at + 1 };
                let at = border(at % (units.len() as u32 + 1));
                let end = border((at + delete).min(units.len() as u32));
                Splice { at, delete: end - at, insert }
            };
            for (kind, at, delete, insert) in steps {
                let delete = if (kind == 0) == we_delete { delete } else { 0 };
                match kind {
                    0 => {
                        let splice = splice_of(&here, at, delete, insert);
                        if let Some(update) = here.edit(std::slice::from_ref(&splice)).unwrap() {
                            edits += 1;
                            base.changed(Some(edits), &[splice], confirmed);
                            waiting.push(update);
                        }
                    }
                    1 => {
                        let splice = splice_of(&there, at, delete, insert);
                        coming.extend(there.edit(&[splice]).unwrap());
                    }
                    2 if !coming.is_empty() => {
                        here.apply([coming.remove(0).as_slice()]).unwrap();
                        base.changed(None, &here.take_splices(), confirmed);
                    }
                    _ if !waiting.is_empty() => {
                        there.apply([waiting.remove(0).as_slice()]).unwrap();
                        confirmed += 1;
                        if at % 2 == 0 {
                            base.settle(confirmed);
                        }
                    }
                    _ => {}
                }
            }
            for update in coming {
                here.apply([update.as_slice()]).unwrap();
                base.changed(None, &here.take_splices(), confirmed);
            }
            // Where both inserted at one place, the order is the one that they see.
            let sorted = |text: &str| {
                let mut units: Vec<char> = text.chars().collect();
                units.sort_unstable();
                units
            };
            let text = base.text(confirmed).unwrap();
            prop_assert_eq!(sorted(&text), sorted(&there.text()), "{:?} {:?}", text, there.text());
        }
    }
}
