//! The difference between two texts as splices: how a change made outside becomes edits that merge with ours.
//!
//! Lines first (histogram diff, imara-diff: linear on what repeats, no time limit needed), then within a changed block
//! only what lies between its common beginning and end. A word changed in a line so moves no caret in that line.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::{Document, Splice, utf16_len};
use crate::id::AuthorId;

mod shortest;

/// Blocks up to this size are compared character by character; beyond it a replaced block is replaced whole.
const FINE_BLOCK_CHARS: usize = 4096;

/// The splices that turn `before` into `after`, to be applied one after the other.
pub fn splices(before: &str, after: &str) -> Vec<Splice> {
    if before == after {
        return Vec::new();
    }
    if before.is_empty() {
        // Every file is read into an empty document first, and lines of megabytes take their time.
        return vec![Splice { at: 0, delete: 0, insert: after.to_owned() }];
    }
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let before_lines: Vec<&str> = before.split_inclusive('\n').collect();
    let after_lines: Vec<&str> = after.split_inclusive('\n').collect();
    let mut splices = Vec::new();
    // Walks both texts together; `at` is the offset in the text as it is after the splices so far.
    let (mut at, mut line) = (0, 0);
    for hunk in diff.hunks() {
        let removed = hunk.before.start as usize..hunk.before.end as usize;
        let added = hunk.after.start as usize..hunk.after.end as usize;
        at += before_lines[line..removed.start].iter().map(|line| utf16_len(line)).sum::<u32>();
        line = removed.end;
        let old = before_lines[removed].concat();
        let new = after_lines[added].concat();
        refine(&old, &new, at, &mut splices);
        at += utf16_len(&new);
    }
    splices
}

/// The splices that turn `before` into `after` and touch as few characters as possible, for two who may both do so with
/// the same text at the same time: nothing is deleted and inserted again that the other may delete and insert as well.
/// Texts that very many edits part (see `diff/shortest.rs`) are compared as by [`splices`].
pub fn fewest_splices(before: &str, after: &str) -> Vec<Splice> {
    if before.is_empty() || after.is_empty() {
        return splices(before, after);
    }
    // Whoever typed nothing has the same text, and it may be long.
    if before == after {
        return Vec::new();
    }
    let (old, new): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    let Some(hunks) = shortest::hunks(&old, &new) else { return splices(before, after) };
    let hunks: Vec<_> = hunks.into_iter().map(|hunk| (hunk.before, hunk.after)).collect();
    let mut fewest = Vec::new();
    in_units(&old, &new, 0, insertions_down(&old, &new, &hunks).into_iter(), &mut fewest);
    fewest
}

/// How many characters of two texts are deleted and inserted at least to turn the one into the other. Nothing if that is
/// too much work to find out.
pub(super) fn fewest(before: &[char], after: &[char]) -> Option<(usize, usize)> {
    let hunks = shortest::hunks(before, after)?;
    Some(
        hunks.iter().fold((0, 0), |(deleted, inserted), hunk| {
            (deleted + hunk.before.len(), inserted + hunk.after.len())
        }),
    )
}

/// Which characters of two texts differ, by their numbers, so that as few as possible do; insertions as far down as can be.
pub(super) fn fewest_hunks(before: &str, after: &str) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let (old, new): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    let hunks: Vec<_> =
        shortest::hunks(&old, &new)?.into_iter().map(|hunk| (hunk.before, hunk.after)).collect();
    Some(insertions_down(&old, &new, &hunks))
}

/// Moves insertions as far down as the text stays the same: what is kept of the old text is found again as early in the new
/// one as it can be. A line that was added at the end stands behind the last line break then, where others add theirs; else
/// the end of the old text might be found in a younger line.
fn insertions_down(
    old: &[char],
    new: &[char],
    hunks: &[(Range<usize>, Range<usize>)],
) -> Vec<(Range<usize>, Range<usize>)> {
    let mut down = Vec::with_capacity(hunks.len());
    let (mut at, mut found) = (0, 0);
    // Between two hunks that delete something, all of the old text is kept.
    let deleting = hunks.iter().filter(|(removed, _)| removed.start < removed.end).cloned();
    for (removed, added) in deleting.chain([(old.len()..old.len(), new.len()..new.len())]) {
        while at < removed.start {
            let begin = found;
            while found < added.start && new[found] != old[at] {
                found += 1;
            }
            if begin < found {
                down.push((at..at, begin..found));
            }
            (at, found) = (at + 1, found + 1);
        }
        if found < added.end || removed.start < removed.end {
            down.push((removed.clone(), found..added.end));
        }
        (at, found) = (removed.end, added.end);
    }
    down
}

/// Both changes of a text that parted: `base` became `ours` here and `theirs` there. Where both changed the same place,
/// both insertions stay, theirs first: for what was written there earlier and is heard of late, as lines at the end of a log.
pub fn merge(base: &str, ours: &str, theirs: &str) -> String {
    // Of two who insert at one place the smaller author comes first.
    let [mut trunk, mut here, mut there] = [1, 3, 2].map(|author| Document::new(AuthorId(author)));
    let apply = |from: &mut Document, to: Option<&mut Document>, splices: &[Splice]| {
        let update = from.edit(splices).expect("the difference of a text fits it");
        if let (Some(update), Some(to)) = (update, to) {
            to.apply([update.as_slice()]).expect("our own update can be read");
        }
    };
    apply(&mut trunk, None, &splices("", base));
    let state = trunk.missing_from(&[]).expect("an empty state vector can be read");
    for replica in [&mut here, &mut there] {
        replica.apply([state.as_slice()]).expect("our own update can be read");
    }
    apply(&mut here, None, &fewest_splices(base, ours));
    apply(&mut there, Some(&mut here), &fewest_splices(base, theirs));
    here.text()
}

fn refine(old: &str, new: &str, at: u32, splices: &mut Vec<Splice>) {
    let prefix: usize = common(old.chars(), new.chars());
    let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
    let suffix: usize = common(old_rest.chars().rev(), new_rest.chars().rev());
    let (old_core, new_core) = (&old_rest[..old_rest.len() - suffix], &new_rest[..new_rest.len() - suffix]);
    let at = at + utf16_len(&old[..prefix]);
    if old_core.is_empty() || new_core.is_empty() || old_core.len().max(new_core.len()) > FINE_BLOCK_CHARS {
        if !(old_core.is_empty() && new_core.is_empty()) {
            splices.push(Splice { at, delete: utf16_len(old_core), insert: new_core.to_owned() });
        }
        return;
    }
    characters(old_core, new_core, at, splices);
}

/// Bytes of the longest common beginning of two sequences of characters.
fn common(old: impl Iterator<Item = char>, new: impl Iterator<Item = char>) -> usize {
    old.zip(new).take_while(|(old, new)| old == new).map(|(old, _)| old.len_utf8()).sum()
}

fn characters(old: &str, new: &str, at: u32, splices: &mut Vec<Splice>) {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let diff = Diff::compute(Algorithm::Myers, &input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    let hunks = diff.hunks().map(|hunk| (range(hunk.before), range(hunk.after)));
    in_units(&old, &new, at, hunks, splices);
}

/// Turns hunks of characters into splices; `at` is the offset where both texts begin.
fn in_units(
    old: &[char],
    new: &[char],
    mut at: u32,
    hunks: impl Iterator<Item = (Range<usize>, Range<usize>)>,
    splices: &mut Vec<Splice>,
) {
    let units = |chars: &[char]| chars.iter().map(|c| c.len_utf16() as u32).sum::<u32>();
    let mut done = 0;
    for (removed, added) in hunks {
        at += units(&old[done..removed.start]);
        done = removed.end;
        let insert: String = new[added].iter().collect();
        let inserted = utf16_len(&insert);
        splices.push(Splice { at, delete: units(&old[removed]), insert });
        at += inserted;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Applies splices the way an editor does, on UTF-16.
    fn applied(text: &str, splices: &[Splice]) -> String {
        let mut units: Vec<u16> = text.encode_utf16().collect();
        for splice in splices {
            let range = splice.at as usize..(splice.at + splice.delete) as usize;
            units.splice(range, splice.insert.encode_utf16());
        }
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn what_is_heard_of_late_comes_before_what_was_added_since() {
        assert_eq!(merge("<1>\n", "<1>\n<4>\n<5>\n", "<1>\n<2>\n<3>\n"), "<1>\n<2>\n<3>\n<4>\n<5>\n");
        // What was typed before it lets no common beginning reach to the end.
        for typed in ["", "b", "bc\n", "0>\n<", "\n"] {
            let merged = merge("a\n<1>\n", &format!("a{typed}\n<1>\n<4>\n<5>\n"), "a\n<1>\n<2>\n<3>\n");
            assert_eq!(merged, format!("a{typed}\n<1>\n<2>\n<3>\n<4>\n<5>\n"));
        }
        // The end of the base could be found in younger lines as well.
        let younger: String = (44..56).map(|line| format!("<00{line}>\n")).collect();
        let merged = merge(
            "<0040>\n<0041>\n",
            &format!("<0k040>\n<00k41>\n{younger}"),
            "<0040>\n<0041>\n<0042>\n<0043>\n",
        );
        assert_eq!(merged, format!("<0k040>\n<00k41>\n<0042>\n<0043>\n{younger}"));
    }

    #[test]
    fn a_changed_word_is_one_small_splice() {
        let before = "fn main() {\n    println!(\"hello\");\n}\n";
        let after = "fn main() {\n    println!(\"hallo\");\n}\n";
        assert_eq!(splices(before, after), [Splice { at: 27, delete: 1, insert: "a".into() }]);
    }

    #[test]
    fn an_appended_line_is_an_insertion_at_the_end() {
        assert_eq!(splices("a\n", "a\nb\n"), [Splice { at: 2, delete: 0, insert: "b\n".into() }]);
        assert_eq!(splices("a", "ab"), [Splice { at: 1, delete: 0, insert: "b".into() }]);
    }

    #[test]
    fn what_both_sides_added_is_kept() {
        assert_eq!(merge("one\n", "zero\none\n", "one\ntwo\n"), "zero\none\ntwo\n");
        assert_eq!(merge("", "a", ""), "a");
        assert_eq!(merge("abc", "ac", "abcd"), "acd");
    }

    #[test]
    fn what_neither_side_touched_in_a_long_line_is_not_there_twice() {
        let base = "αβγδεζηθ".repeat(1000);
        let [ours, theirs] = ["a", "b"].map(|letter| format!("{letter}{base}{letter}"));
        let merged = merge(&base, &ours, &theirs);
        assert_eq!(merged.replace(['a', 'b'], ""), base);
        assert_eq!(merged.chars().count(), 8004);
    }

    #[test]
    fn a_large_rewrite_is_quick_and_right() {
        let before: String = (0..200_000).map(|line| format!("line {line}\n")).collect();
        let after: String = (0..200_000).map(|line| format!("zeile {}\n", line * 7 % 200_000)).collect();
        assert_eq!(applied(&before, &splices(&before, &after)), after);
    }

    proptest! {
        #[test]
        fn splices_turn_one_text_into_the_other(before in "[ab\n\u{1f600}é]{0,80}", after in "[ab\n\u{1f600}é]{0,80}") {
            prop_assert_eq!(applied(&before, &splices(&before, &after)), after.clone());
            prop_assert_eq!(applied(&before, &fewest_splices(&before, &after)), after.clone());
            let mut document = Document::new(AuthorId::DISK);
            document.edit(&splices("", &before)).unwrap();
            document.edit(&splices(&before, &after)).unwrap();
            prop_assert_eq!(document.text(), after);
        }
    }
}
