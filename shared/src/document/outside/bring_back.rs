//! What a change of the disk deleted of what guests typed in this session, and how it comes back if a person wants it.
//!
//! A *loss* is some lines as they were, with letters in them that a guest typed and that are gone. It comes back as those
//! lines: in the place of what the disk's program made of them, if that is still as it was, else before it. Whole lines, for
//! the letters alone that were taken out would make words that nobody wrote.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use super::hunks;
use super::nearness::nearness;
use crate::document::{Document, Side, Splice, StickyPosition, UpdateError, utf16_len};
use crate::id::AuthorId;
use crate::message::RemovedBy;

/// How many offers of one document are kept.
const OFFERS: usize = 8;

/// What the offers of one document may take. One that takes more is not made: a text of that size has a version control.
const OFFER_BYTES: usize = 2 * 1024 * 1024;

/// Lines that a change of the disk took from guests.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Loss {
    /// Where they were.
    begin: StickyPosition,
    /// Where that ends which stands there instead.
    end: StickyPosition,
    /// The lines as they were.
    was: String,
    /// What stands there instead.
    instead: String,
}

/// All that one change of the disk took from guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Losses {
    losses: Vec<Loss>,
    /// Who typed it.
    authors: BTreeSet<AuthorId>,
}

impl Losses {
    /// Whose text it was.
    pub fn authors(&self) -> impl Iterator<Item = AuthorId> {
        self.authors.iter().copied()
    }

    /// How many lines came away.
    pub fn lines(&self) -> usize {
        self.losses.iter().map(|loss| loss.was.lines().count()).sum()
    }

    fn bytes(&self) -> usize {
        self.losses.iter().map(|loss| loss.was.len() + loss.instead.len()).sum()
    }

    /// What brings it back into the text as it is now.
    fn splices(&self, document: &Document) -> Vec<Splice> {
        let units: Vec<u16> = document.text().encode_utf16().collect();
        let mut splices: Vec<Splice> = Vec::new();
        // From the end on, so that none moves another.
        for loss in self.losses.iter().rev() {
            let Some(begin) = document.resolve(&loss.begin) else { continue };
            let end = document.resolve(&loss.end).unwrap_or(begin).max(begin);
            let there = units.get(begin as usize..end as usize).unwrap_or_default();
            let is_as_it_was = there.iter().copied().eq(loss.instead.encode_utf16());
            let delete = if is_as_it_was { end - begin } else { 0 };
            // The line before may have lost its end, and these must not run into what is behind them.
            let breaks = begin > 0 && units.get(begin as usize - 1) != Some(&u16::from(b'\n'));
            let next = begin + delete;
            let ends = !loss.was.ends_with('\n')
                && units.get(next as usize).is_some_and(|unit| *unit != u16::from(b'\n'));
            let insert = [if breaks { "\n" } else { "" }, &loss.was, if ends { "\n" } else { "" }].concat();
            splices.push(Splice { at: begin, delete, insert });
        }
        splices
    }
}

/// Applies a change of the disk to a text; gives what it took from guests, if it did.
///
/// # Errors
/// If the update can not be read.
pub fn apply(document: &mut Document, update: &[u8]) -> Result<Option<Losses>, UpdateError> {
    if document.is_empty() {
        document.apply([update])?;
        return Ok(None);
    }
    let before = document.text();
    let mut as_it_was = Document::new(AuthorId::AGENT);
    as_it_was.apply([document.missing_from(&[])?.as_slice()])?;
    document.apply([update])?;
    let after = document.text();
    Ok(find(&as_it_was, &before, document, &after))
}

fn find(old: &Document, before: &str, new: &Document, after: &str) -> Option<Losses> {
    let (old_lines, new_lines) = (lines(before), lines(after));
    let mut found = Losses { losses: Vec::new(), authors: BTreeSet::new() };
    let (mut old_place, mut new_place) = (Place::default(), Place::default());
    for (removed, added) in hunks(&old_lines, &new_lines) {
        let range = old_place.units(&old_lines, &removed);
        let place = new_place.units(&new_lines, &added);
        let (was, instead) = (old_lines[removed].concat(), new_lines[added].concat());
        // What a formatter made look different is not gone.
        if nearness(&was, &instead).deleted == 0 {
            continue;
        }
        let guests: Vec<AuthorId> =
            old.authors(range).into_iter().filter(|author| *author >= AuthorId::FIRST_PARTICIPANT).collect();
        if guests.is_empty() {
            continue;
        }
        found.authors.extend(guests);
        let (begin, end) = (new.sticky(place.start, Side::Before), new.sticky(place.end, Side::After));
        found.losses.push(Loss { begin, end, was, instead });
    }
    (!found.losses.is_empty()).then_some(found)
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How far a text was walked, in lines and units.
#[derive(Default)]
struct Place {
    line: usize,
    unit: u32,
}

impl Place {
    fn units(&mut self, lines: &[&str], range: &Range<usize>) -> Range<u32> {
        let length = |lines: &[&str]| lines.iter().map(|line| utf16_len(line)).sum::<u32>();
        let start = self.unit + length(&lines[self.line..range.start]);
        let end = start + length(&lines[range.clone()]);
        *self = Self { line: range.end, unit: end };
        start..end
    }
}

/// What may be brought back into a document: the last few losses, bounded in bytes. The oldest gives way.
#[derive(Debug, Default)]
pub struct Offers {
    last: u32,
    kept: VecDeque<Offer>,
}

#[derive(Debug)]
struct Offer {
    number: u32,
    losses: Losses,
    cause: RemovedBy,
}

impl Offers {
    /// The number of the next offer.
    pub const fn next(&self) -> u32 {
        self.last.wrapping_add(1)
    }

    /// Keeps losses; gives the number of the offer, unless they are too large to be kept.
    pub fn add(&mut self, losses: Losses, cause: RemovedBy) -> Option<u32> {
        if losses.bytes() > OFFER_BYTES {
            return None;
        }
        self.last = self.next();
        self.kept.push_back(Offer { number: self.last, losses, cause });
        let bytes = |kept: &VecDeque<Offer>| kept.iter().map(|offer| offer.losses.bytes()).sum::<usize>();
        while self.kept.len() > OFFERS || bytes(&self.kept) > OFFER_BYTES {
            self.kept.pop_front();
        }
        Some(self.last)
    }

    /// What can be brought back, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Losses, RemovedBy)> {
        self.kept.iter().map(|offer| (offer.number, &offer.losses, offer.cause))
    }

    /// Takes an offer up: what brings it back. Nothing if it is not kept any more.
    pub fn take(&mut self, number: u32, document: &Document) -> Option<Vec<Splice>> {
        let place = self.kept.iter().position(|offer| offer.number == number)?;
        Some(self.kept.remove(place)?.losses.splices(document))
    }

    /// The document goes on in a new epoch with the same text, in which positions of the last one mean nothing.
    pub fn renewed(&mut self, last: &Document, next: &Document) {
        for loss in self.kept.iter_mut().flat_map(|offer| &mut offer.losses.losses) {
            let moved = |position: &StickyPosition, side| Some(next.sticky(last.resolve(position)?, side));
            if let (Some(begin), Some(end)) =
                (moved(&loss.begin, Side::Before), moved(&loss.end, Side::After))
            {
                (loss.begin, loss.end) = (begin, end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::diff;

    const ANN: AuthorId = AuthorId(16);

    /// A file's text with a disk replica beside it, and a guest's replica.
    struct Room {
        text: Document,
        guest: Document,
    }

    fn copy(of: &Document, author: AuthorId) -> Document {
        let mut copy = Document::new(author);
        copy.apply([of.missing_from(&[]).unwrap().as_slice()]).unwrap();
        copy
    }

    impl Room {
        fn new(file: &str) -> Self {
            let mut disk = Document::new(AuthorId::DISK);
            disk.edit(&diff::splices("", file)).unwrap();
            Self { text: copy(&disk, AuthorId::AGENT), guest: copy(&disk, ANN) }
        }

        fn typed(&mut self, to: &str) {
            self.guest = copy(&self.text, ANN);
            let update = self.guest.edit(&diff::splices(&self.guest.text(), to)).unwrap().unwrap();
            self.text.apply([update.as_slice()]).unwrap();
        }

        fn outside(&mut self, to: &str) -> Option<Losses> {
            let mut disk = copy(&self.text, AuthorId::DISK);
            let update = disk.edit(&diff::splices(&disk.text(), to)).unwrap().unwrap();
            apply(&mut self.text, &update).unwrap()
        }

        fn bring_back(&mut self, losses: Losses) {
            let mut offers = Offers::default();
            let offer = offers.add(losses, RemovedBy::Edit).unwrap();
            let splices = offers.take(offer, &self.text).unwrap();
            self.text.edit(&splices).unwrap();
            assert_eq!(offers.take(offer, &self.text), None);
        }
    }

    #[test]
    fn what_a_checkout_took_comes_back_as_it_was() {
        let mut room = Room::new("one\ntwo\nthree\n");
        room.typed("one\nguest 1\ntwo and more\nthree\nguest 2\n");
        let losses = room.outside("one\ntwo\nthree\n").unwrap();
        assert_eq!(losses.authors().collect::<Vec<_>>(), [ANN]);
        room.bring_back(losses);
        assert_eq!(room.text.text(), "one\nguest 1\ntwo and more\nthree\nguest 2\n");
    }

    #[test]
    fn it_comes_back_to_its_place_after_later_edits_and_beside_what_was_changed_there() {
        let mut room = Room::new("one\ntwo\nthree\n");
        room.typed("one\ntwo and more\nthree\nfour\n");
        let losses = room.outside("one\ntwo\nthree\n").unwrap();
        room.typed("zero\none\ntwo or less\nthree\nfive\n");
        room.bring_back(losses);
        assert_eq!(room.text.text(), "zero\none\ntwo and more\ntwo or less\nthree\nfour\nfive\n");
    }

    #[test]
    fn what_no_guest_typed_and_what_a_formatter_moved_is_no_loss() {
        let mut room = Room::new("one\ntwo\n");
        assert_eq!(room.outside("one\n"), None);
        room.typed("one\nx = {  'a':1 }\n");
        assert_eq!(room.outside("one\nx = {\"a\": 1}\n"), None);
    }

    #[test]
    fn a_last_line_without_an_end_does_not_run_into_another() {
        let mut room = Room::new("one\n");
        room.typed("one\nguest");
        let losses = room.outside("one\n").unwrap();
        room.typed("one\nmore\n");
        room.bring_back(losses);
        assert_eq!(room.text.text(), "one\nguest\nmore\n");
    }

    #[test]
    fn offers_are_few_and_outlive_an_epoch() {
        let mut room = Room::new("one\n");
        let mut offers = Offers::default();
        for number in 0..10 {
            room.typed(&format!("one\nguest {number}\n"));
            let losses = room.outside("one\n").unwrap();
            assert_eq!(offers.add(losses, RemovedBy::Edit), Some(number + 1));
        }
        assert_eq!(offers.iter().map(|(offer, ..)| offer).collect::<Vec<_>>(), (3..=10).collect::<Vec<_>>());
        let (mut next, _) = crate::document::epoch::first(&room.text.text()).unwrap();
        offers.renewed(&room.text, &next);
        let splices = offers.take(7, &next).unwrap();
        next.edit(&splices).unwrap();
        assert_eq!(next.text(), "one\nguest 6\n");
        assert_eq!(offers.take(1, &next), None);
    }

    proptest! {
        /// Nobody writes in between: it is as before, apart from what no guest had to do with.
        #[test]
        fn every_line_of_a_guest_is_there_again(
            typed in proptest::collection::vec((0usize..10, 0u32..1000), 1..6),
            kept in proptest::collection::vec(any::<bool>(), 20),
            later in 0usize..10,
        ) {
            let first: Vec<String> = (0..8).map(|line| format!("line {line}\n")).collect();
            let mut room = Room::new(&first.concat());
            let mut lines = first;
            for (number, (at, _)) in typed.iter().enumerate() {
                lines.insert(at % (lines.len() + 1), format!("guest {number}\n"));
            }
            room.typed(&lines.concat());
            let left: Vec<&str> = lines.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(line, _)| line.as_str()).collect();
            prop_assume!(left.len() < lines.len());
            let losses = room.outside(&left.concat());
            let mut now: Vec<&str> = left.clone();
            now.insert(later % (now.len() + 1), "later\n");
            room.typed(&now.concat());
            if let Some(losses) = losses {
                room.bring_back(losses);
            }
            let text = room.text.text();
            for number in 0..typed.len() {
                prop_assert_eq!(text.matches(&format!("guest {number}\n")).count(), 1, "{}", text);
            }
            prop_assert_eq!(text.matches("later\n").count(), 1);
        }
    }
}
