//! How far two texts are from each other, in letters and digits: a formatter moves, adds and removes all the rest.

use std::ops::Range;

use super::hunks;
use crate::document::diff;

/// Longer pieces that were replaced are not compared letter by letter.
const FINE_PIECE_CHARS: usize = 1024;

/// From here on each letter is a word: scripts without spaces between words.
const IDEOGRAPHS: char = '\u{2e80}';

/// The difference between two texts, in letters and digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nearness {
    /// Those of the one that the other has not.
    pub(super) deleted: usize,
    /// Those of the other that the one has not.
    pub(super) inserted: usize,
    /// In how many places.
    pub(super) places: usize,
}

impl Nearness {
    pub(super) const fn units(&self) -> usize {
        self.deleted + self.inserted
    }
}

/// How many letters and digits a text has.
pub(super) fn units(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

/// Compares lines first, then the words of what was changed, then the letters of words that look alike.
///
/// Letters alone would not do: any two lines of a language have half of their letters in common. Lines without words would
/// mislead: the blank lines and brackets of one place are those of any other.
pub(super) fn nearness(before: &str, after: &str) -> Nearness {
    let has_words = |line: &&str| line.chars().any(char::is_alphanumeric);
    let old: Vec<&str> = before.lines().filter(has_words).collect();
    let new: Vec<&str> = after.lines().filter(has_words).collect();
    let mut nearness = Nearness::default();
    for (removed, added) in hunks(&old, &new) {
        let (deleted, inserted) = of_lines(&old[removed], &new[added]);
        nearness.deleted += deleted;
        nearness.inserted += inserted;
        nearness.places += usize::from(deleted + inserted > 0);
    }
    nearness
}

/// Lines that a formatter made look different are compared by their words.
fn of_lines(old: &[&str], new: &[&str]) -> (usize, usize) {
    let bare = |lines: &[&str]| -> Vec<String> {
        lines.iter().map(|line| words(line).collect::<Vec<_>>().join(" ")).collect()
    };
    let (old, new) = (bare(old), bare(new));
    hunks(&old, &new).into_iter().fold((0, 0), |(deleted, inserted), (removed, added)| {
        let (more_deleted, more_inserted) = of_words(&old[removed], &new[added]);
        (deleted + more_deleted, inserted + more_inserted)
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .flat_map(|word| word.split_inclusive(|c| c >= IDEOGRAPHS))
}

fn of_words(old: &[String], new: &[String]) -> (usize, usize) {
    let (old, new) = (old.join(" "), new.join(" "));
    let (old, new): (Vec<&str>, Vec<&str>) = (words(&old).collect(), words(&new).collect());
    let count = |(deleted, inserted): (usize, usize), (removed, added): (Range<usize>, Range<usize>)| {
        let (more_deleted, more_inserted) = of_letters(&old[removed], &new[added]);
        (deleted + more_deleted, inserted + more_inserted)
    };
    hunks(&old, &new).into_iter().fold((0, 0), count)
}

fn of_letters(old: &[&str], new: &[&str]) -> (usize, usize) {
    let letters = |words: &[&str]| words.iter().flat_map(|word| word.chars()).collect::<Vec<char>>();
    let (old, new) = (letters(old), letters(new));
    let longer = old.len().max(new.len());
    let fewest = if longer <= FINE_PIECE_CHARS { diff::fewest(&old, &new) } else { None };
    // Words that look alike are the same word, mistyped or extended.
    fewest.filter(|(deleted, _)| 3 * (old.len() - deleted) >= 2 * longer).unwrap_or((old.len(), new.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(before: &str, after: &str) -> (usize, usize) {
        let Nearness { deleted, inserted, .. } = nearness(before, after);
        (deleted, inserted)
    }

    #[test]
    fn what_a_formatter_changes_is_no_difference() {
        assert_eq!(units("x = {  'a':1 };\n\n\n", "x = {\n  \"a\": 1,\n}\n"), (0, 0));
        assert_eq!(units("call(one, two)\n", "call(\n    one,\n    two,\n)\n"), (0, 0));
    }

    #[test]
    fn a_word_that_is_mistyped_is_near_and_another_line_is_not() {
        assert_eq!(units("retrun\n", "return\n"), (1, 1));
        assert_eq!(units("total = sum(values)\n", "log.write('done')\n"), (14, 12));
        assert_eq!(units("sum(values)\n", "sum(values, start=1)\n"), (0, 6));
        assert_eq!(units("日本語\n", "日本\n"), (1, 0));
    }
}
