//! White space on lines in which somebody types: what another program does to it waits.
//!
//! A formatter that trims trailing blanks on every save would take the blank that was just typed: `the quick` would become
//! `thequick`. So a change that only touches white space of an *active* line is left out of what is merged, and kept here.
//! While it waits, the file is written as that program would have it: the line without its trailing blanks, in its
//! indentation. Then program and file agree, and there is nothing to save only because of that. As soon as the line is no
//! longer active, the disk's version applies: see [`Waiting::settle`].
//!
//! Invariant: a change of white space is only ever made in a line that still has the white space that the program saw, or
//! at the line's end. So it never joins words that were typed since.

use std::ops::Range;

use super::hunks;
use crate::document::{Splice, diff, utf16_len};

/// A change of white space that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    /// The lines of the text.
    lines: Range<usize>,
    /// What they were.
    was: String,
    /// What the disk's program makes of them.
    disk: String,
}

/// What was left out of a change of the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The text that it was left out of.
    text: String,
    changes: Vec<Change>,
}

/// What a change of the disk comes to while people type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What is to be done now to the text that the file held. No difference of texts: of two blank lines it might take the
    /// one that is typed into.
    pub splices: Vec<Splice>,
    /// What waits.
    pub waiting: Waiting,
}

/// Leaves out of a change that the disk made what only touches white space of active lines, and of lines that were typed into
/// since the file was written: for those [`Waiting::settle`] finds out what is left to do. The file held `last`, and would
/// hold `meant` if its program had known that (see [`super::Judgement::meant`]); the text is `ours`, which is `last` and what
/// was typed since, and somebody is typing in the lines at these offsets of it.
pub fn take(last: &str, meant: &str, ours: &str, active: &[u32]) -> Taken {
    let nothing = || Taken { splices: diff::splices(last, meant), waiting: Waiting::default() };
    if last == meant || (active.is_empty() && last == ours) {
        return nothing();
    }
    let touched = touched_lines(last, ours, active);
    let (old, new) = (lines(last), lines(meant));
    let mut now = Rewrite::of(&old);
    let mut changes = Vec::new();
    for (before, after) in white_space_hunks(&old, &new) {
        let (was, disk) = (old[before.clone()].concat(), new[after].concat());
        let next = touched.partition_point(|line| *line < before.start);
        let is_touched = touched.get(next).is_some_and(|line| before.contains(line));
        let waits = is_touched && bare(&was).eq(bare(&disk));
        let lines = now.replace(before, if waits { &was } else { &disk });
        if waits {
            changes.push(Change { lines, was, disk });
        }
    }
    if changes.is_empty() {
        return nothing();
    }
    let (now, splices) = now.finish();
    Taken { splices, waiting: Waiting { text: now, changes } }
}

/// A text that is written anew from one end to the other, and how.
struct Rewrite<'a> {
    old: &'a [&'a str],
    /// Lines of the old text that were taken over or replaced.
    done: usize,
    new: String,
    /// What there is of the new text, in lines and UTF-16 units.
    lines: usize,
    units: u32,
    splices: Vec<Splice>,
}

impl<'a> Rewrite<'a> {
    const fn of(old: &'a [&'a str]) -> Self {
        Self { old, done: 0, new: String::new(), lines: 0, units: 0, splices: Vec::new() }
    }

    /// Replaces some lines, behind all that were replaced before; gives the lines that stand there now.
    fn replace(&mut self, lines: Range<usize>, by: &str) -> Range<usize> {
        self.keep_until(lines.start);
        let was = self.old[lines.clone()].concat();
        self.done = lines.end;
        let splices = diff::splices(&was, by).into_iter();
        self.splices.extend(splices.map(|splice| Splice { at: splice.at + self.units, ..splice }));
        let begin = self.lines;
        self.push(by);
        begin..self.lines
    }

    fn keep_until(&mut self, line: usize) {
        for kept in self.done..line {
            self.push(self.old[kept]);
        }
        self.done = line;
    }

    fn push(&mut self, text: &str) {
        self.new.push_str(text);
        self.lines += text.split_inclusive('\n').count();
        self.units += utf16_len(text);
    }

    fn finish(mut self) -> (String, Vec<Splice>) {
        self.keep_until(self.old.len());
        (self.new, self.splices)
    }
}

impl Waiting {
    /// Whether nothing waits.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// More was left out, of another change: the text is `ours` now.
    pub fn add(&mut self, more: Self, ours: &str) {
        let mut changes = more.moved_to(ours, &[]);
        let known = self.moved_to(ours, &[]).into_iter().filter(|old| {
            let is_same = |new: &Change| new.lines.start < old.lines.end && old.lines.start < new.lines.end;
            !changes.iter().any(is_same)
        });
        changes.extend(known.collect::<Vec<_>>());
        changes.sort_by_key(|change| change.lines.start);
        *self = if changes.is_empty() { Self::default() } else { Self { text: ours.to_owned(), changes } };
    }

    /// What the file is to hold: the text as the disk's program would have it, as far as that waits for active lines. If it
    /// is what the file holds already, there is nothing to save.
    pub fn to_write(&self, ours: &str, active: &[u32]) -> String {
        if self.is_empty() {
            return ours.to_owned();
        }
        let old = lines(ours);
        let mut written = Rewrite::of(&old);
        for change in self.moved_to(ours, active) {
            if let Some(by) = change.applied_to(&old[change.lines.clone()]) {
                written.replace(change.lines, &by);
            }
        }
        written.finish().0
    }

    /// Time passed, people typed, or moved on: gives the changes that nothing has to wait for any more, and goes on with the
    /// rest. At the end of the session no line is active.
    pub fn settle(&mut self, ours: &str, active: &[u32]) -> Option<Vec<Splice>> {
        if self.is_empty() {
            return None;
        }
        let active_lines = line_numbers(ours, active);
        let old = lines(ours);
        let mut settled = Rewrite::of(&old);
        let mut changes = Vec::new();
        for change in self.moved_to(ours, active) {
            if active_lines.iter().any(|line| change.lines.contains(line)) {
                let same = old[change.lines.clone()].concat();
                let lines = settled.replace(change.lines.clone(), &same);
                changes.push(Change { lines, ..change });
            } else if let Some(by) = change.applied_to(&old[change.lines.clone()]) {
                settled.replace(change.lines, &by);
            }
        }
        let (text, splices) = settled.finish();
        *self = if changes.is_empty() { Self::default() } else { Self { text, changes } };
        (!splices.is_empty()).then_some(splices)
    }

    /// The same changes in a text that people typed into since. What has become of their lines they know by the lines
    /// around, and by where people type.
    fn moved_to(&self, ours: &str, active: &[u32]) -> Vec<Change> {
        if self.text == ours {
            return self.changes.clone();
        }
        let (old, new) = (lines(&self.text), lines(ours));
        let active = line_numbers(ours, active);
        let hunks = hunks(&old, &new);
        let mut moved = Vec::with_capacity(self.changes.len());
        for change in &self.changes {
            // Lines that nobody touched are elsewhere by what was added before.
            let before = hunks.iter().take_while(|(before, _)| before.end <= change.lines.start);
            let shift = before.last().map_or(0, |(before, after)| after.end as isize - before.end as isize);
            let touching = hunks
                .iter()
                .find(|(before, _)| before.start < change.lines.end && change.lines.start < before.end);
            let lines = match touching {
                None => {
                    let moved = |line: usize| (line as isize + shift) as usize;
                    moved(change.lines.start)..moved(change.lines.end)
                }
                // Several lines whose white space was changed together, and one of them is another now.
                Some(_) if change.lines.len() != 1 => continue,
                Some((_, after)) => {
                    let was = old[change.lines.start].trim();
                    let alike = |line: &usize| (common_bytes(was, new[*line].trim()), active.contains(line));
                    let Some(line) = after.clone().rev().max_by_key(alike) else { continue };
                    line..line + 1
                }
            };
            moved.push(Change { lines, ..change.clone() });
        }
        moved.sort_by_key(|change| (change.lines.start, change.lines.end));
        // Two that came to the same line: the first stands.
        let mut end = 0;
        moved.retain(|change| {
            change.lines.start >= end && {
                end = change.lines.end;
                true
            }
        });
        moved
    }
}

impl Change {
    /// What becomes of some lines, as far as they still have the white space that the program saw.
    fn applied_to(&self, lines: &[&str]) -> Option<String> {
        if lines.concat() == self.was {
            return Some(self.disk.clone());
        }
        let [line] = lines else { return None };
        let (was, disk, ours) = (Parts::of(&self.was), Parts::of(&self.disk), Parts::of(line));
        if disk.end.is_empty() != was.end.is_empty() || disk.core.contains('\n') {
            // More than one line, or none, was made of it; it is another line now.
            return None;
        }
        let indent =
            if ours.indent == was.indent && !was.core.is_empty() { disk.indent } else { ours.indent };
        let core = if ours.core == was.core { disk.core } else { ours.core };
        let is_trimmed = disk.blanks.len() < was.blanks.len();
        let blanks = if is_trimmed { "" } else { ours.blanks };
        Some([indent, core, blanks, ours.end].concat())
    }
}

/// A line in parts. One without anything but white space has that as its trailing blanks.
struct Parts<'a> {
    indent: &'a str,
    core: &'a str,
    blanks: &'a str,
    end: &'a str,
}

impl<'a> Parts<'a> {
    fn of(line: &'a str) -> Self {
        let content = line.trim_end_matches(['\n', '\r']);
        let end = &line[content.len()..];
        let trimmed = content.trim_end();
        let blanks = &content[trimmed.len()..];
        let core = trimmed.trim_start();
        Self { indent: &trimmed[..trimmed.len() - core.len()], core, blanks, end }
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn bare(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| !c.is_whitespace())
}

fn common_bytes(one: &str, other: &str) -> usize {
    let before = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let (one, other) = (&one.as_bytes()[before..], &other.as_bytes()[before..]);
    before + one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

/// The hunks between two texts, those of lines that differ in their white space only apart from the others. Lines are the
/// same if they are without their white space: else a blank line would be taken for any other one.
fn white_space_hunks(old: &[&str], new: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    let begin = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let ends = old[begin..].iter().rev().zip(new[begin..].iter().rev());
    let end = ends.take_while(|(old, new)| old == new).count();
    let strip = |lines: &[&str]| -> Vec<String> {
        lines[begin..lines.len() - end].iter().map(|line| bare(line).collect()).collect()
    };
    let mut fine = Vec::new();
    let (mut line, mut other) = (begin, begin);
    let mut keep_until = |until: usize, line: &mut usize, other: &mut usize| {
        while *line < until {
            if old[*line] != new[*other] {
                fine.push((*line..*line + 1, *other..*other + 1));
            }
            (*line, *other) = (*line + 1, *other + 1);
        }
    };
    let mut rest = Vec::new();
    for (removed, added) in hunks(&strip(old), &strip(new)) {
        keep_until(begin + removed.start, &mut line, &mut other);
        (line, other) = (begin + removed.end, begin + added.end);
        rest.push((begin + removed.start..line, begin + added.start..other));
    }
    keep_until(old.len() - end, &mut line, &mut other);
    fine.extend(rest);
    fine.sort_by_key(|(before, after)| (before.start, after.start));
    fine
}

/// The numbers of the lines at these offsets, in UTF-16 units.
fn line_numbers(text: &str, offsets: &[u32]) -> Vec<usize> {
    let mut sorted = offsets.to_vec();
    sorted.sort_unstable();
    let mut offsets = sorted.into_iter().peekable();
    let mut numbers = Vec::new();
    let (mut offset, mut line) = (0, 0);
    for c in text.chars() {
        // Before the line end is in the line, behind it in the next.
        while offsets.next_if(|at| *at <= offset).is_some() {
            numbers.push(line);
        }
        offset += c.len_utf16() as u32;
        line += usize::from(c == '\n');
    }
    numbers.extend(offsets.map(|_| line));
    numbers.dedup();
    numbers
}

/// The lines of `last` that became the active ones, and those that were typed into since: there a blank that was at a line's
/// end may be between two words by now.
fn touched_lines(last: &str, ours: &str, active: &[u32]) -> Vec<usize> {
    let active = line_numbers(ours, active);
    let hunks = hunks(&lines(last), &lines(ours));
    let mut touched: Vec<usize> = hunks.iter().flat_map(|(before, _)| before.clone()).collect();
    for line in active {
        if !hunks.iter().any(|(_, after)| after.contains(&line)) {
            let before = hunks.iter().take_while(|(_, after)| after.end <= line);
            let shift = before.last().map_or(0, |(before, after)| before.end as isize - after.end as isize);
            touched.extend(usize::try_from(line as isize + shift));
        }
    }
    touched.sort_unstable();
    touched
}

#[cfg(test)]
mod tests;
