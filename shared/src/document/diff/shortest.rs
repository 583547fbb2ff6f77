//! The shortest edit script between two texts that few edits parted: Myers, "An O(ND) Difference Algorithm and Its
//! Variations" (Algorithmica 1, 1986), in linear space (section 4b), on characters.
//!
//! Why exactly the shortest: two guests who carry their typing over to the same text at the same time must only touch what
//! they typed. A character that both delete and type again because some heuristic found that easier is there twice.

use std::ops::Range;

/// Steps until the search is given up: for texts that ten thousand characters part, some tenths of a second in a browser.
const MAX_STEPS: u64 = 50_000_000;

/// A place where the texts differ: these characters of the one are those of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    /// In the text before.
    pub(super) before: Range<usize>,
    /// In the text after.
    pub(super) after: Range<usize>,
}

/// The hunks between two texts, in order, so that as few characters as possible are deleted and inserted. Nothing if
/// the texts are too different to be searched.
pub(super) fn hunks(before: &[char], after: &[char]) -> Option<Vec<Hunk>> {
    let mut search = Search { before, after, steps: MAX_STEPS, hunks: Vec::new() };
    search.part(0..before.len(), 0..after.len())?;
    Some(search.hunks)
}

struct Search<'a> {
    before: &'a [char],
    after: &'a [char],
    /// That may still be taken.
    steps: u64,
    hunks: Vec<Hunk>,
}

impl Search<'_> {
    /// Finds the hunks of two parts. Nothing once all steps are taken.
    fn part(&mut self, before: Range<usize>, after: Range<usize>) -> Option<()> {
        let (old, new) = (&self.before[before.clone()], &self.after[after.clone()]);
        let prefix = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let ends = old[prefix..].iter().rev().zip(new[prefix..].iter().rev());
        let suffix = ends.take_while(|(old, new)| old == new).count();
        let before = before.start + prefix..before.end - suffix;
        let after = after.start + prefix..after.end - suffix;
        if before.is_empty() && after.is_empty() {
            return Some(());
        }
        if before.is_empty() || after.is_empty() {
            self.add(Hunk { before, after });
            return Some(());
        }
        // Both are longer than nothing and begin and end differently: at least two edits, so that each half is shorter.
        let (x, y) = self.middle(&before, &after)?;
        self.part(before.start..x, after.start..y)?;
        self.part(x..before.end, y..after.end)
    }

    fn add(&mut self, hunk: Hunk) {
        match self.hunks.last_mut() {
            Some(last) if last.before.end == hunk.before.start && last.after.end == hunk.after.start => {
                (last.before.end, last.after.end) = (hunk.before.end, hunk.after.end);
            }
            Some(_) | None => self.hunks.push(hunk),
        }
    }

    /// A point in the middle of a shortest way from the beginning of both parts to their ends, where a way that is as far
    /// as possible from the beginning meets one from the end.
    fn middle(&mut self, before: &Range<usize>, after: &Range<usize>) -> Option<(usize, usize)> {
        let (old, new) = (&self.before[before.clone()], &self.after[after.clone()]);
        let (width, height) = (old.len() as isize, new.len() as isize);
        let difference = width - height;
        let mut forward = Front::new(width, height);
        let mut backward = Front::new(width, height);
        for edits in 0.. {
            self.steps = self.steps.checked_sub(2 * edits as u64 + 2)?;
            for diagonal in forward.diagonals(edits) {
                let x = forward.advance(diagonal, edits, |x, y| old[x] == new[y]);
                let other = difference - diagonal;
                let met = difference % 2 != 0 && other.abs() < edits && x + backward.reached(other) >= width;
                if met {
                    return Some((before.start + x as usize, after.start + (x - diagonal) as usize));
                }
            }
            for diagonal in backward.diagonals(edits) {
                let ends = |x: usize, y: usize| old[old.len() - 1 - x] == new[new.len() - 1 - y];
                let x = backward.advance(diagonal, edits, ends);
                let other = difference - diagonal;
                let met = difference % 2 == 0 && other.abs() <= edits && x + forward.reached(other) >= width;
                if met {
                    return Some((before.end - x as usize, after.end - (x - diagonal) as usize));
                }
            }
        }
        None
    }
}

/// How far one can come with so many edits on each diagonal, from one end.
struct Front {
    width: isize,
    height: isize,
    /// The furthest x on the diagonals 0, 1, 2 and so on, and on -1, -2 and so on: it grows with the edits, not the texts.
    right: Vec<isize>,
    left: Vec<isize>,
}

impl Front {
    const fn new(width: isize, height: isize) -> Self {
        Self { width, height, right: Vec::new(), left: Vec::new() }
    }

    /// The diagonals x - y that so many edits lead to and that touch both texts.
    fn diagonals(&self, edits: isize) -> impl Iterator<Item = isize> + use<> {
        let first = -edits + 2 * (edits - self.height).max(0);
        let last = edits - 2 * (edits - self.width).max(0);
        (first..=last).step_by(2)
    }

    fn reached(&self, diagonal: isize) -> isize {
        let reached = match usize::try_from(diagonal) {
            Ok(right) => self.right.get(right),
            Err(_) => self.left.get((-1 - diagonal) as usize),
        };
        reached.copied().unwrap_or(-1)
    }

    /// Takes one more edit and then all that is equal; gives the furthest x.
    fn advance(&mut self, diagonal: isize, edits: isize, equal: impl Fn(usize, usize) -> bool) -> isize {
        let inserted = Some(self.reached(diagonal + 1)).filter(|x| *x >= 0 && x - diagonal <= self.height);
        let deleted = Some(self.reached(diagonal - 1) + 1).filter(|x| *x > 0 && *x <= self.width);
        let start = if edits == 0 { Some(0) } else { inserted.max(deleted) };
        // Both ways lead beyond an edge: a neighbour has come further than this diagonal goes.
        let Some(mut x) = start else { return self.reached(diagonal) };
        let mut y = x - diagonal;
        while x < self.width && y < self.height && equal(x as usize, y as usize) {
            (x, y) = (x + 1, y + 1);
        }
        let (side, at) = match usize::try_from(diagonal) {
            Ok(right) => (&mut self.right, right),
            Err(_) => (&mut self.left, (-1 - diagonal) as usize),
        };
        if at >= side.len() {
            side.resize(at + 1, -1);
        }
        side[at] = x;
        x
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many characters the shortest script deletes and inserts, by the table of all beginnings.
    fn distance(before: &[char], after: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=after.len()).collect();
        for (x, old) in before.iter().enumerate() {
            let mut corner = std::mem::replace(&mut row[0], x + 1);
            for (y, new) in after.iter().enumerate() {
                let shortest = if old == new { corner } else { 1 + row[y].min(row[y + 1]) };
                corner = std::mem::replace(&mut row[y + 1], shortest);
            }
        }
        row[after.len()]
    }

    fn applied(before: &[char], after: &[char], hunks: &[Hunk]) -> Vec<char> {
        let (mut text, mut done) = (Vec::new(), 0);
        for hunk in hunks {
            text.extend(&before[done..hunk.before.start]);
            text.extend(&after[hunk.after.clone()]);
            done = hunk.before.end;
        }
        text.extend(&before[done..]);
        text
    }

    #[test]
    fn letters_typed_all_over_a_long_line_are_nothing_but_insertions() {
        let before: Vec<char> = (0..20_000_u32).map(|at| char::from(b'a' + (at * at % 26) as u8)).collect();
        let mut after = before.clone();
        for at in (0..20_000).step_by(100).rev() {
            after.insert(at, 'é');
        }
        let hunks = hunks(&before, &after).unwrap();
        assert_eq!(hunks.len(), 200);
        assert!(hunks.iter().all(|hunk| hunk.before.is_empty() && hunk.after.len() == 1));
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_given_up() {
        let (before, after) = (vec!['a'; 50_000], vec!['b'; 50_000]);
        assert_eq!(hunks(&before, &after), None);
    }

    proptest! {
        #[test]
        fn the_script_is_right_and_the_shortest(before in "[ab]{0,40}", after in "[abc]{0,40}") {
            let (before, after): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
            let hunks = hunks(&before, &after).unwrap();
            prop_assert_eq!(applied(&before, &after, &hunks), after.clone());
            let edits: usize = hunks.iter().map(|hunk| hunk.before.len() + hunk.after.len()).sum();
            prop_assert_eq!(edits, distance(&before, &after));
        }
    }
}
