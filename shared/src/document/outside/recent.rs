//! The texts that a file held before, so that a program that saves an older one is recognised.
//!
//! Only the newest is kept whole, packed. Of each older one there is what leads back to it from the next: one piece of
//! whole lines. Who types for an hour leaves two thousand texts that take some hundred kilobytes, and how many lines
//! part each of them from another text is counted on the way, without making any of them.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use crate::document::digest;
use crate::message::Packed;

/// What the texts of one document may take. A text that takes more is not kept, and none before it.
const RECENT_BYTES: usize = 4 * 1024 * 1024;

/// More are not kept, however little they take: two hours of typing without a pause.
const RECENT_TEXTS: usize = 4096;

/// What each takes beside its bytes, roughly.
const STEP_BYTES: usize = 128;

/// A text's name: two with the same one are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    bytes: usize,
    digest: [u8; 8],
}

impl Name {
    fn of(text: &str) -> Self {
        Self { bytes: text.len(), digest: digest(text) }
    }
}

/// How a text is made of the next newer one: these bytes of it are replaced.
#[derive(Debug)]
struct Step {
    name: Name,
    replaced: Range<usize>,
    by: Packed,
    /// The lines that are replaced.
    lines: Vec<u64>,
}

impl Step {
    fn bytes(&self) -> usize {
        STEP_BYTES + self.by.len() + 8 * self.lines.len()
    }
}

/// What one file held, the newest first, bounded in bytes.
#[derive(Debug, Default)]
pub struct RecentTexts {
    newest: Option<(Name, Packed)>,
    /// The one before the newest first.
    older: VecDeque<Step>,
    /// What the steps take.
    step_bytes: usize,
}

impl RecentTexts {
    /// The file holds this text now: it was read there, or written.
    pub fn push(&mut self, text: &str) {
        let name = Name::of(text);
        if self.newest.as_ref().is_some_and(|(newest, _)| *newest == name) {
            return;
        }
        let packed = Packed::new(text.as_bytes().to_vec());
        if packed.len() > RECENT_BYTES {
            return *self = Self::default();
        }
        let newest = self.newest_text();
        if let (Some(before), Some((name, _))) = (newest, self.newest.take()) {
            let (replaced, by) = whole_lines(text, &before);
            let lines = lines(&text[replaced.clone()]).collect();
            let step = Step { name, replaced, by: Packed::new(before[by].as_bytes().to_vec()), lines };
            self.step_bytes += step.bytes();
            self.older.push_front(step);
        } else {
            self.forget_older();
        }
        let bytes = packed.len();
        self.newest = Some((name, packed));
        while self.step_bytes + bytes > RECENT_BYTES || self.older.len() >= RECENT_TEXTS {
            let Some(step) = self.older.pop_back() else { break };
            self.step_bytes -= step.bytes();
        }
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        usize::from(self.newest.is_some()) + self.older.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    /// What they take, roughly.
    pub fn bytes(&self) -> usize {
        self.newest.as_ref().map_or(0, |(_, packed)| packed.len()) + self.step_bytes
    }

    /// Whether the file held this text.
    pub fn contains(&self, text: &str) -> bool {
        let name = Name::of(text);
        self.newest
            .iter()
            .map(|(name, _)| name)
            .chain(self.older.iter().map(|step| &step.name))
            .any(|one| *one == name)
    }

    /// The texts whose lines are nearer to `found` than those of `base` are, the nearest first, and of equals the newest.
    pub(super) fn nearest(&self, base: &str, found: &str, at_most: usize) -> Vec<String> {
        let Some(newest) = self.newest_text() else { return Vec::new() };
        let of_base = Distance::between(base, found).lines;
        let mut distance = Distance::between(&newest, found);
        let mut nearest: Vec<(usize, usize)> = Vec::new();
        for age in 0..=self.older.len() {
            if let Some(step) = age.checked_sub(1).and_then(|step| self.older.get(step)) {
                let Some(by) = text_of(&step.by) else { break };
                step.lines.iter().for_each(|line| distance.lose(*line));
                lines(&by).for_each(|line| distance.gain(line));
            }
            if distance.lines < of_base {
                nearest.push((distance.lines, age));
            }
        }
        nearest.sort_unstable();
        nearest.truncate(at_most);
        let mut ages: Vec<usize> = nearest.iter().map(|(_, age)| *age).collect();
        ages.sort_unstable();
        let texts: HashMap<usize, String> = ages.iter().copied().zip(self.texts(&newest, &ages)).collect();
        nearest.iter().filter_map(|(_, age)| texts.get(age).cloned()).collect()
    }

    /// The texts of these ages, which are sorted.
    fn texts(&self, newest: &str, ages: &[usize]) -> Vec<String> {
        let olders: Vec<String> = self.older.iter().map_while(|step| text_of(&step.by)).collect();
        let mut pieces = vec![newest];
        let mut texts = Vec::with_capacity(ages.len());
        let mut ages = ages.iter().copied().peekable();
        for age in 0..=olders.len() {
            if let Some(step) = age.checked_sub(1) {
                replace(&mut pieces, &self.older[step].replaced, &olders[step]);
            }
            if ages.next_if_eq(&age).is_some() {
                texts.push(pieces.concat());
            }
            if ages.peek().is_none() {
                break;
            }
        }
        texts
    }

    fn newest_text(&self) -> Option<String> {
        self.newest.as_ref().and_then(|(_, packed)| text_of(packed))
    }

    fn forget_older(&mut self) {
        self.older.clear();
        self.step_bytes = 0;
    }
}

fn text_of(packed: &Packed) -> Option<String> {
    String::from_utf8(packed.unpack().ok()?).ok()
}

/// Names for the lines of a text, line ends included.
fn lines(text: &str) -> impl Iterator<Item = u64> {
    text.split_inclusive('\n').map(|line| {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        hasher.finish()
    })
}

/// The bytes in which two texts differ, made longer to whole lines.
fn whole_lines(one: &str, other: &str) -> (Range<usize>, Range<usize>) {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let begin = one[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let ends = one[begin..].iter().rev().zip(other[begin..].iter().rev());
    let same = ends.take_while(|(one, other)| one == other).count();
    // The equal end begins behind a line end of both.
    let tail = &one[one.len() - same..];
    let same = match tail.iter().position(|byte| *byte == b'\n') {
        Some(end) => tail.len() - end - 1,
        None => 0,
    };
    (begin..one.len() - same, begin..other.len() - same)
}

/// Replaces some bytes of a text that is in pieces.
fn replace<'a>(pieces: &mut Vec<&'a str>, replaced: &Range<usize>, by: &'a str) {
    let cut = |pieces: &mut Vec<&'a str>, at: usize| -> usize {
        let mut begin = 0;
        for piece in 0..pieces.len() {
            let text = pieces[piece];
            if at <= begin {
                return piece;
            }
            if at < begin + text.len() {
                let (head, tail) = text.split_at(at - begin);
                pieces.splice(piece..=piece, [head, tail]);
                return piece + 1;
            }
            begin += text.len();
        }
        pieces.len()
    };
    let end = cut(pieces, replaced.end);
    let before = pieces.len();
    let start = cut(pieces, replaced.start);
    let end = end + (pieces.len() - before);
    pieces.splice(start..end, (!by.is_empty()).then_some(by));
}

/// How many lines of each of two texts the other lacks, kept up to date while the one changes.
#[derive(Debug)]
struct Distance {
    /// How often `found` has a line more than the other text.
    more: HashMap<u64, i64>,
    lines: usize,
}

impl Distance {
    fn between(text: &str, found: &str) -> Self {
        let mut distance = Self { more: HashMap::new(), lines: 0 };
        lines(found).for_each(|line| distance.lose(line));
        lines(text).for_each(|line| distance.gain(line));
        distance
    }

    /// The text has a line less.
    fn lose(&mut self, line: u64) {
        self.change(line, 1);
    }

    /// The text has a line more.
    fn gain(&mut self, line: u64) {
        self.change(line, -1);
    }

    fn change(&mut self, line: u64, by: i64) {
        let more = self.more.entry(line).or_default();
        self.lines -= more.unsigned_abs() as usize;
        *more += by;
        self.lines += more.unsigned_abs() as usize;
        if *more == 0 {
            self.more.remove(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(recent: &RecentTexts) -> Vec<String> {
        let ages: Vec<usize> = (0..recent.len()).collect();
        recent.texts(&recent.newest_text().unwrap(), &ages)
    }

    #[test]
    fn equal_neighbours_are_one_and_a_text_that_came_back_is_another() {
        let mut recent = RecentTexts::default();
        for text in ["a\n", "a\n", "b\n", "a\n"] {
            recent.push(text);
        }
        assert_eq!(all(&recent), ["a\n", "b\n", "a\n"]);
        assert!(recent.contains("b\n") && !recent.contains("c\n"));
    }

    #[test]
    fn an_hour_of_typing_takes_little() {
        let mut recent = RecentTexts::default();
        let mut text: String =
            (0..500).map(|line| format!("    let value_{line} = {};\n", line * 7919)).collect();
        for typed in 0..2000 {
            let at = text.match_indices('\n').nth(typed / 40 * 7).unwrap().0;
            text.insert(at, 'x');
            recent.push(&text);
        }
        assert_eq!(recent.len(), 2000);
        assert!(recent.bytes() < 600 * 1024, "{}", recent.bytes());
    }

    #[test]
    fn the_oldest_give_way_and_a_text_that_is_too_large_is_not_kept() {
        let mut recent = RecentTexts::default();
        // Nothing that packing makes smaller.
        let mut state = 1_u64;
        let mut noise = |bytes: usize| -> String {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'!' + (state >> 33) as u8 % 94)
            };
            (0..bytes).map(|_| next()).collect()
        };
        let texts: Vec<String> = (0..8).map(|_| noise(1024 * 1024)).collect();
        for text in &texts {
            recent.push(text);
            assert!(recent.bytes() <= RECENT_BYTES);
        }
        assert!(recent.contains(&texts[7]) && recent.contains(&texts[6]) && !recent.contains(&texts[0]));
        recent.push(&noise(2 * RECENT_BYTES));
        assert_eq!((recent.len(), recent.bytes()), (0, 0));
        recent.push("small\n");
        assert_eq!(recent.len(), 1);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(texts in proptest::collection::vec("([aé]{0,2}\n?){0,8}", 1..20)) {
            let mut recent = RecentTexts::default();
            let mut kept: Vec<String> = Vec::new();
            for text in texts {
                recent.push(&text);
                if kept.first() != Some(&text) {
                    kept.insert(0, text);
                }
            }
            prop_assert_eq!(all(&recent), kept);
        }

        #[test]
        fn distances_on_the_way_are_those_between_the_texts(
            texts in proptest::collection::vec("([ab]{0,2}\n){0,6}", 1..10),
            base in "([ab]{0,2}\n){0,6}",
            found in "([ab]{0,2}\n){0,6}",
        ) {
            let mut recent = RecentTexts::default();
            texts.iter().for_each(|text| recent.push(text));
            let of = |text: &str| Distance::between(text, &found).lines;
            let mut expected: Vec<String> = all(&recent).into_iter().filter(|text| of(text) < of(&base)).collect();
            expected.sort_by_key(|text| of(text));
            prop_assert_eq!(recent.nearest(&base, &found, 100), expected);
        }
    }
}
