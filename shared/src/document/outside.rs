//! What another program made of a file, and by which text that has to be measured.
//!
//! A program that saves a file writes all of it: what it loaded and what was changed there. If it loaded the text that the
//! file holds now, the difference between the two is what was changed. Three programs do something else:
//!
//! - `git checkout -- f` and `git stash` bring back a text that the file held before. The disk is right: a *revert*.
//! - An editor that loaded an older text and saves it now (nano, `cat buffer > f`) knows nothing of what guests wrote
//!   since: a *stale* save. Measured by the newest text it would delete all of that. It is measured by what it loaded.
//! - A program that only appends, or only inserts, deletes nothing of anybody: it is always an *edit*.
//!
//! Which of the older texts an editor had loaded nobody tells us. It is the one that the found text is nearest to, and it is
//! believed only if the found text has back nearly all that was changed since: see [`judge`].

pub mod active;
pub mod bring_back;
mod nearness;
mod recent;
pub mod white_space;

pub use recent::RecentTexts;

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::merge;
use nearness::{Nearness, nearness};

/// How many of the older texts are compared closely: those to which the found text is nearest by its lines.
const CANDIDATES: usize = 8;

/// What is compared closely at most, in bytes of texts, so that many large texts do not take seconds.
const CLOSE_LOOK_BYTES: usize = 32 * 1024 * 1024;

/// How a text that was found in a file came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A change of what the file held last.
    Edit,
    /// A text that the file held before: the disk wins. It too is a change of what the file held last.
    Revert,
    /// A change of this older text, by a program that did not know what came after it.
    Stale(String),
}

impl Judgement {
    /// The text that the file would hold if the program that wrote it had known `last`, which the file held before that
    /// and perhaps more than that. Its difference to `last` is what the program did.
    ///
    /// `base` is what the file held, if that is not `last`: then something of `last` was left out when it was written.
    pub fn meant(&self, base: &str, last: &str, found: &str) -> String {
        if let Self::Stale(older) = self {
            let merged = merge::three_way(older, last, found).text;
            // What both have, in other places, is there twice then: the program knew more than that older text.
            if !merge::has_doubled(&merged, older, last, found) {
                return merged;
            }
        }
        merge::three_way(base, last, found).text
    }
}

/// Says how the text that was found came to be, of a file that held `base` when it was last read or written, and `recent`
/// before that.
///
/// A stale save is one that, in letters and digits,
///
/// 1. lacks something of `base`: whoever deletes nothing harms nobody;
/// 2. takes back nearly all that was changed since the older text. An edit or a formatter's rewrite of the newest text keeps
///    most of that, in whatever form;
/// 3. is *clearly* nearer to the older text: what was changed of that is not many times as much as what was taken back, or
///    changes at several places were taken back, or what was deleted since is there again;
/// 4. keeps at least half of the older text: a text that has nothing to do with any of them is a new one, and meant.
///
/// A person who deletes a line that was just written, and changes something else before saving, looks the same. The line is
/// kept then: better that something is deleted twice than that it is lost. The second time the file has held that text
/// before, which makes it a revert.
pub fn judge(base: &str, found: &str, recent: &RecentTexts) -> Judgement {
    if found == base {
        return Judgement::Edit;
    }
    if recent.contains(found) {
        return Judgement::Revert;
    }
    // What a program appends or inserts in one place is known without comparing lines: logs do it all the time.
    if only_inserts(base, found) {
        return Judgement::Edit;
    }
    let to_base = nearness(base, found);
    if to_base.deleted == 0 {
        return Judgement::Edit;
    }
    let mut looked_at = 0;
    let mut best: Option<(usize, String)> = None;
    for older in recent.nearest(base, found, CANDIDATES) {
        looked_at += older.len() + found.len();
        if looked_at > CLOSE_LOOK_BYTES && best.is_some() {
            break;
        }
        let to_older = nearness(&older, found);
        if best.as_ref().is_some_and(|(units, _)| *units <= to_older.units()) {
            continue;
        }
        let keeps_half = 2 * to_older.deleted <= nearness::units(&older);
        if keeps_half && is_stale(&to_base, &to_older, &nearness(&older, base)) {
            best = Some((to_older.units(), older));
        }
    }
    best.map_or(Judgement::Edit, |(_, older)| Judgement::Stale(older))
}

/// Whether one text became the other by an insertion in one place.
fn only_inserts(base: &str, found: &str) -> bool {
    let (base, found) = (base.as_bytes(), found.as_bytes());
    if found.len() < base.len() {
        return false;
    }
    let same = base.iter().zip(found).take_while(|(one, other)| one == other).count();
    found.ends_with(&base[same..])
}

/// How many letters prove nothing.
const SLIGHT_UNITS: usize = 3;

/// How many times as much as was taken back a stale editor may have written, unless there is other evidence.
const MUCH: usize = 4;

fn is_stale(to_base: &Nearness, to_older: &Nearness, since: &Nearness) -> bool {
    let Some(taken_back) = to_base.units().checked_sub(to_older.units()) else { return false };
    if taken_back < SLIGHT_UNITS {
        return false;
    }
    // All was taken back if the text is further away from the newest by as much as was changed since the older one.
    let is_all_taken_back = 10 * taken_back >= 8 * since.units();
    // A changed letter is one that is deleted and one that is inserted.
    let written = to_older.deleted.max(to_older.inserted);
    let is_much_nearer = written <= MUCH * taken_back;
    let has_back_what_was_deleted = since.deleted >= SLIGHT_UNITS;
    is_all_taken_back && (is_much_nearer || since.places > 1 || has_back_what_was_deleted)
}

/// Which pieces of two texts differ, by their numbers.
fn hunks<T: AsRef<str>>(old: &[T], new: &[T]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut input = InternedInput::default();
    input.update_before(old.iter().map(AsRef::as_ref));
    input.update_after(new.iter().map(AsRef::as_ref));
    let diff = Diff::compute(Algorithm::Histogram, &input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after))).collect()
}

#[cfg(test)]
mod tests;
