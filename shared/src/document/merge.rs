//! Three texts to one: what two sides made of the same base, put together line by line.
//!
//! The lines that only one side changed are taken from that side. Where both changed the same lines, the characters are
//! merged, so that nothing that either wrote is lost, and the place is counted as a *clash*: a person may want to look.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::diff;

/// What became of three texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The text with the changes of both sides.
    pub text: String,
    /// Places where both sides changed the same lines, each in its own way, or wrote much the same: it may be one and the same.
    pub clashes: usize,
    /// Those in which one side took something away from a line that the other changed.
    pub losses: usize,
}

/// Puts together what two sides made of a text. Lines that both added at one place both stay, theirs first. What both
/// changed in the same way is there once.
pub fn three_way(base: &str, ours: &str, theirs: &str) -> Merged {
    if ours == theirs || base == theirs {
        return Merged { text: ours.to_owned(), clashes: 0, losses: 0 };
    }
    if base == ours {
        return Merged { text: theirs.to_owned(), clashes: 0, losses: 0 };
    }
    // Else two who add a line behind a last line without a line end would both have changed that line.
    let ended = |text: &str| if lacks_end(text) { format!("{text}\n") } else { text.to_owned() };
    let mut merged = merge_lines(&ended(base), &ended(ours), &ended(theirs));
    if merged.clashes == 0
        && (has_doubled(&merged.text, base, ours, theirs)
            || has_piece_twice(&merged.text, base, ours, theirs))
    {
        merged.clashes = 1;
    }
    let lacks = if lacks_end(ours) == lacks_end(base) { lacks_end(theirs) } else { lacks_end(ours) };
    if lacks && merged.text.ends_with('\n') {
        merged.text.pop();
    }
    merged
}

fn lacks_end(text: &str) -> bool {
    !text.is_empty() && !text.ends_with('\n')
}

/// Pieces of one text, lines or characters, that stand for pieces of another.
#[derive(Clone, Debug)]
struct Change {
    base: Range<usize>,
    side: Range<usize>,
}

struct Side<'a> {
    pieces: Vec<&'a str>,
    changes: Vec<Change>,
    /// The next change that was not taken yet.
    next: usize,
}

impl<'a> Side<'a> {
    fn of_lines(base: &str, text: &'a str) -> Self {
        let input = InternedInput::new(base, text);
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        let range = |range: Range<u32>| range.start as usize..range.end as usize;
        let changes = diff.hunks().map(|hunk| Change { base: range(hunk.before), side: range(hunk.after) });
        Self { pieces: text.split_inclusive('\n').collect(), changes: changes.collect(), next: 0 }
    }

    /// Nothing if the texts are too different to be searched.
    fn of_characters(base: &str, text: &'a str) -> Option<Self> {
        let hunks = diff::fewest_hunks(base, text)?;
        let changes = hunks.into_iter().map(|(base, side)| Change { base, side }).collect();
        Some(Self { pieces: characters(text), changes, next: 0 })
    }

    fn peek(&self) -> Option<&Change> {
        self.changes.get(self.next)
    }

    /// Takes the changes that touch these pieces of the base; says whether there was one, which may have made them more.
    fn take_into(&mut self, pieces: &mut Range<usize>) -> bool {
        let before = self.next;
        while let Some(change) = self.peek()
            && touch(pieces, &change.base)
        {
            *pieces = pieces.start.min(change.base.start)..pieces.end.max(change.base.end);
            self.next += 1;
        }
        before != self.next
    }

    /// What this side made of some pieces of the base, in which the changes from this one to the next untaken lie.
    fn of(&self, first: usize, base: &Range<usize>) -> String {
        let (Some(from), Some(to)) = (self.changes.get(first), self.changes.get(self.next.wrapping_sub(1)))
        else {
            return String::new();
        };
        let start = from.side.start - (from.base.start - base.start);
        let end = to.side.end + (base.end - to.base.end);
        self.pieces[start..end].concat()
    }
}

fn characters(text: &str) -> Vec<&str> {
    text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect()
}

/// Whether two changes are of the same pieces. Who adds some beside what the other changed is in nobody's way.
fn touch(one: &Range<usize>, other: &Range<usize>) -> bool {
    if one.is_empty() && other.is_empty() {
        one.start == other.start
    } else {
        one.start < other.end && other.start < one.end
    }
}

fn merge_lines(base: &str, ours: &str, theirs: &str) -> Merged {
    let (ours, theirs) = (Side::of_lines(base, ours), Side::of_lines(base, theirs));
    let base_lines: Vec<&str> = base.split_inclusive('\n').collect();
    put_together(&base_lines, ours, theirs, |base, one, other| {
        if base.is_empty() { format!("{other}{one}") } else { merge_characters(base, one, other) }
    })
}

/// Lines that both changed. What both wrote in the same way is there once; else all that either wrote is.
fn merge_characters(base: &str, ours: &str, theirs: &str) -> String {
    let (Some(one), Some(other)) = (Side::of_characters(base, ours), Side::of_characters(base, theirs))
    else {
        return diff::merge(base, ours, theirs);
    };
    let same_place = |base: &str, one: &str, other: &str| {
        if base.is_empty() { format!("{other}{one}") } else { diff::merge(base, one, other) }
    };
    put_together(&characters(base), one, other, same_place).text
}

/// Walks both sides' changes; `both` makes one text of what both made of the same pieces, each in its own way.
fn put_together(
    base: &[&str],
    mut ours: Side<'_>,
    mut theirs: Side<'_>,
    both: impl Fn(&str, &str, &str) -> String,
) -> Merged {
    let mut merged = Merged { text: String::new(), clashes: 0, losses: 0 };
    let mut done = 0;
    loop {
        let place = |change: &Change| (change.base.start, change.base.end);
        let mut pieces = match (ours.peek(), theirs.peek()) {
            (None, None) => break,
            (Some(one), None) | (None, Some(one)) => one.base.clone(),
            (Some(one), Some(other)) if place(one) <= place(other) => one.base.clone(),
            (Some(_), Some(other)) => other.base.clone(),
        };
        let (our_first, their_first) = (ours.next, theirs.next);
        let mut grows = true;
        while grows {
            let (here, there) = (ours.take_into(&mut pieces), theirs.take_into(&mut pieces));
            grows = here || there;
        }
        merged.text.extend(base[done..pieces.start].iter().copied());
        done = pieces.end;
        let we_did = (ours.next > our_first).then(|| ours.of(our_first, &pieces));
        let they_did = (theirs.next > their_first).then(|| theirs.of(their_first, &pieces));
        match (we_did, they_did) {
            (Some(one), Some(other)) if one == other => merged.text.push_str(&one),
            (Some(one), Some(other)) => {
                let base = base[pieces].concat();
                if goes_on(&base, &other, &one) {
                    merged.text.push_str(&one);
                } else if goes_on(&base, &one, &other) {
                    merged.text.push_str(&other);
                } else {
                    // Two who only add to a line take nothing from each other.
                    let only_additions = only_adds(&base, &one) && only_adds(&base, &other);
                    merged.losses += usize::from(!(base.is_empty() || only_additions));
                    merged.clashes += usize::from(!base.is_empty() || are_alike(&one, &other));
                    merged.text.push_str(&both(&base, &one, &other));
                }
            }
            (Some(one), None) | (None, Some(one)) => merged.text.push_str(&one),
            (None, None) => {}
        }
    }
    merged.text.extend(base[done..].iter().copied());
    merged
}

fn only_adds(base: &str, side: &str) -> bool {
    diff::fewest_hunks(base, side).is_some_and(|hunks| hunks.iter().all(|(gone, _)| gone.is_empty()))
}

/// So many letters of a line are not like any other line's.
const LINE_LETTERS: usize = 3;

fn meaningful_lines(text: &str) -> impl Iterator<Item = &str> {
    let letters = |line: &str| line.chars().filter(|c| c.is_alphanumeric() || !c.is_ascii()).count();
    text.lines().map(str::trim).filter(move |line| letters(line) >= LINE_LETTERS)
}

/// Whether a line that both sides added is there more often than either has it. Lines that are alike may be found in other
/// places on the two sides, and then nothing shows that both are one.
pub(super) fn has_doubled(merged: &str, base: &str, ours: &str, theirs: &str) -> bool {
    let count = |text| {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        meaningful_lines(text).for_each(|line| *counts.entry(line).or_default() += 1);
        counts
    };
    let [merged, base, ours, theirs] = [merged, base, ours, theirs].map(count);
    merged.iter().any(|(line, times)| {
        let of = |counts: &HashMap<&str, usize>| counts.get(line).copied().unwrap_or(0);
        let (before, here, there) = (of(&base), of(&ours), of(&theirs));
        *times > here.max(there) && here > before && there > before
    })
}

/// So many characters in a row are hardly typed by two at the same time.
const PIECE_CHARS: usize = 12;

/// More typed text than this is not searched for pieces: its lines tell.
const MAX_TYPED_CHARS: usize = 4096;

/// Whether a piece of what was typed here is there more often than either side has it: it had arrived, and what stands around
/// it, or what was typed behind it, has become another since.
fn has_piece_twice(merged: &str, base: &str, ours: &str, theirs: &str) -> bool {
    let Some(hunks) = diff::fewest_hunks(base, ours) else { return false };
    let characters = characters(ours);
    let added = || hunks.iter().map(|(_, added)| &characters[added.clone()]);
    if added().map(<[&str]>::len).sum::<usize>() > MAX_TYPED_CHARS {
        return false;
    }
    let times = |text: &str, piece: &str| text.matches(piece).count();
    let is_word = |piece: &String| {
        let letters = |c: &char| c.is_alphanumeric() || !c.is_ascii();
        2 * piece.chars().filter(letters).count() >= PIECE_CHARS
    };
    added().flat_map(|added| added.windows(PIECE_CHARS)).map(<[&str]>::concat).filter(is_word).any(|piece| {
        let (here, there) = (times(ours, &piece), times(theirs, &piece));
        there > times(base, &piece) && times(merged, &piece) > here.max(there)
    })
}

/// Whether two texts written at one place have a line in common that is not like any other, or most of their letters: one
/// may be the other, and changed since.
fn are_alike(one: &str, other: &str) -> bool {
    let lines: HashSet<&str> = meaningful_lines(one).collect();
    if meaningful_lines(other).any(|line| lines.contains(line)) {
        return true;
    }
    let shorter = one.chars().count().min(other.chars().count());
    diff::fewest_hunks(one, other).is_some_and(|hunks| {
        let gone: usize = hunks.iter().map(|(gone, _)| gone.len()).sum();
        3 * (one.chars().count() - gone) >= 2 * shorter
    })
}

/// So many letters at least that two wrote are taken for one's, if the other went on from there.
const BEGINNING_CHARS: usize = 2;

/// Typing goes on in few places: more than one for so many characters is another text.
const CHARS_A_PLACE: usize = 8;

/// Whether `more` is what somebody typed in one place, and `less` is some of that: it arrived before the rest did, and nobody
/// heard that it had.
fn goes_on(base: &str, less: &str, more: &str) -> bool {
    let common = |one: &str, other: &str| -> usize {
        one.chars()
            .zip(other.chars())
            .take_while(|(one, other)| one == other)
            .map(|(c, _)| c.len_utf8())
            .sum()
    };
    let typed = |text: &str, begin: usize| -> Option<String> {
        let end = text.len().checked_sub(base.len() - begin)?;
        let (begin, end) = (text.get(..begin)?.len(), text.get(end..).map(|_| end)?);
        (begin <= end && base.starts_with(&text[..begin]) && base[begin..] == text[end..])
            .then(|| text[begin..end].to_owned())
    };
    // Both were typed at one place of the base.
    let begin = common(base, less).min(common(base, more));
    let (Some(less), Some(more)) = (typed(less, begin), typed(more, begin)) else { return false };
    let less = less.trim_end_matches('\n');
    if less.chars().filter(|c| !c.is_whitespace()).count() < BEGINNING_CHARS || less.len() > more.len() {
        return false;
    }
    let only_inserts = |hunks: &[(Range<usize>, Range<usize>)]| {
        hunks.len() <= 1 + less.chars().count() / CHARS_A_PLACE
            && hunks.iter().all(|(gone, _)| gone.is_empty())
    };
    more.starts_with(less) || diff::fewest_hunks(less, &more).is_some_and(|hunks| only_inserts(&hunks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(base: &str, ours: &str, theirs: &str) -> (String, usize) {
        let Merged { text, clashes, .. } = three_way(base, ours, theirs);
        (text, clashes)
    }

    #[test]
    fn lines_that_one_side_changed_are_taken_from_that_side() {
        let both = merged("a\nb\nc\nd\n", "a\nB\nc\nd\n", "a\nb\nc\nD\ne\n");
        assert_eq!(both, ("a\nB\nc\nD\ne\n".to_owned(), 0));
        // Neighbours are not the same line.
        assert_eq!(merged("a\nb\n", "A\nb\n", "a\nB\n"), ("A\nB\n".to_owned(), 0));
    }

    #[test]
    fn what_both_added_at_one_place_stays_and_is_no_clash() {
        assert_eq!(merged("a\n", "a\nours\n", "a\ntheirs\n"), ("a\ntheirs\nours\n".to_owned(), 0));
        assert_eq!(merged("", "ours\n", "theirs\n"), ("theirs\nours\n".to_owned(), 0));
        assert_eq!(merged("a\n", "a\nsame\n", "a\nsame\n"), ("a\nsame\n".to_owned(), 0));
        assert_eq!(merged("a\n", "a\nsame\n", "z\na\nsame\n"), ("z\na\nsame\n".to_owned(), 0));
    }

    #[test]
    fn what_had_arrived_of_one_piece_is_not_there_twice() {
        assert_eq!(merged("one \n", "one two three \n", "one two \n"), ("one two three \n".to_owned(), 0));
        assert_eq!(merged("one \n", "one two \n", "one two three \n"), ("one two three \n".to_owned(), 0));
        assert_eq!(merged("a\n", "a\nhello world\n", "a\nhello\n"), ("a\nhello world\n".to_owned(), 0));
        let ours = "a\nhello\nmore\nworld\n";
        assert_eq!(merged("a\n", ours, "a\nhello\nworld\n"), (ours.to_owned(), 0));
        // Two who wrote a line each.
        assert_eq!(merged("a\n", "a\nhello\n", "a\nworld\n"), ("a\nworld\nhello\n".to_owned(), 0));
    }

    #[test]
    fn a_last_line_without_an_end_is_no_clash_for_those_who_write_behind_it() {
        assert_eq!(merged("a", "a\nours", "a\ntheirs\n"), ("a\ntheirs\nours\n".to_owned(), 0));
        assert_eq!(merged("a\nb", "A\nb", "a\nb\n"), ("A\nb\n".to_owned(), 0));
        assert_eq!(merged("a\nb\n", "A\nb\n", "a\nb"), ("A\nb".to_owned(), 0));
    }

    #[test]
    fn the_same_line_changed_in_two_ways_is_a_clash_and_keeps_both() {
        let (text, clashes) = merged("one two\n", "one and two\n", "1 two three\n");
        assert_eq!((text.as_str(), clashes), ("1 and two three\n", 1));
        // Who only adds takes nothing from anybody.
        let (text, clashes) = merged("one two\n", "one and two\n", "one two three\n");
        assert_eq!((text.as_str(), clashes), ("one and two three\n", 1));
        assert_eq!(three_way("one two\n", "one and two\n", "one two three\n").losses, 0);
        assert_eq!(three_way("one two\n", "one and two\n", "1 two three\n").losses, 1);
        let (text, clashes) = merged("one\nx\ntwo\n", "one\ntwo\n", "one\nx y\ntwo\n");
        assert_eq!((text.as_str(), clashes), ("one\n ytwo\n", 1));
    }

    proptest! {
        #[test]
        fn one_side_alone_is_taken_as_it_is(base in "[ab\n]{0,40}", other in "[abc\n]{0,40}") {
            prop_assert_eq!(merged(&base, &other, &base), (other.clone(), 0));
            prop_assert_eq!(merged(&base, &base, &other), (other.clone(), 0));
            prop_assert_eq!(merged(&base, &other, &other), (other, 0));
        }

        /// Each side marks what it writes, in lines of its own and within lines.
        #[test]
        fn nothing_that_either_wrote_is_lost_or_doubled(
            lines in proptest::collection::vec("[a-d]{1,3}", 0..12),
            ours in proptest::collection::vec((0usize..60, any::<bool>()), 0..6),
            theirs in proptest::collection::vec((0usize..60, any::<bool>()), 0..6),
        ) {
            // No two lines are alike: which of two equal ones was moved nobody can tell.
            let base: String = lines.iter().enumerate().map(|(number, line)| format!("{line}{number}\n")).collect();
            let write = |marks: &[(usize, bool)], first: u32| {
                let mut text: Vec<char> = base.chars().collect();
                for (number, (at, own_line)) in marks.iter().enumerate() {
                    let mark = char::from_u32(first + number as u32).unwrap();
                    let at = at % (text.len() + 1);
                    text.insert(at, mark);
                    if *own_line {
                        text.insert(at + 1, '\n');
                    }
                }
                text.into_iter().collect::<String>()
            };
            let (mine, yours) = (write(&ours, 0xe000), write(&theirs, 0xe100));
            let Merged { text, .. } = three_way(&base, &mine, &yours);
            let marks = |text: &str| {
                let mut marks: Vec<char> = text.chars().filter(|mark| *mark >= '\u{e000}').collect();
                marks.sort_unstable();
                marks
            };
            prop_assert_eq!(marks(&text), marks(&format!("{mine}{yours}")));
            let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            prop_assert_eq!(letters(&text), letters(&base));
        }
    }
}
