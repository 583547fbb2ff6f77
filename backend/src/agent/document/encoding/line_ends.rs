//! Which end each line of a file has: the text of a document has LF alone, its file keeps what it had.

use std::iter;

use imara_diff::{Algorithm, Diff, InternedInput};
use parlor_shared::document::{Splice, diff};
use parlor_shared::message::EndOfLine;
use serde::{Deserialize, Serialize};

/// A changed block up to this size is compared character by character, so that an end moves with its line even when lines
/// are split and joined. Beyond it lines are paired from the top.
const FINE_BLOCK_BYTES: usize = 8192;

/// What ends one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LineEnd {
    /// `\n`.
    Lf,
    /// `\r\n`.
    Crlf,
    /// `\r`.
    Cr,
}

impl LineEnd {
    const ALL: [Self; 3] = [Self::Lf, Self::Crlf, Self::Cr];

    const fn bytes(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Crlf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

/// Lines in a row that end alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    end: LineEnd,
    lines: u32,
}

/// The ends of all lines of a file.
///
/// Invariant: [`LineEnds::Each`] has at least two runs, none is empty, and neighbours differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub enum LineEnds {
    /// Every line ends so, and a new one will. A file without any line end has this too.
    All(LineEnd),
    /// The file mixes its line ends: these, from the first line to the last.
    Each(Vec<Run>),
}

/// How journals hold it. Append-only; the first four are what they held when a document had one kind of line end.
#[derive(Serialize, Deserialize)]
enum Stored {
    Lf,
    Crlf,
    /// The text itself had the carriage returns. The next look at the file takes them out of it.
    InText,
    Cr,
    Each(Vec<Run>),
}

impl From<LineEnds> for Stored {
    fn from(ends: LineEnds) -> Self {
        match ends {
            LineEnds::All(LineEnd::Lf) => Self::Lf,
            LineEnds::All(LineEnd::Crlf) => Self::Crlf,
            LineEnds::All(LineEnd::Cr) => Self::Cr,
            LineEnds::Each(runs) => Self::Each(runs),
        }
    }
}

impl From<Stored> for LineEnds {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Lf | Stored::InText => Self::All(LineEnd::Lf),
            Stored::Crlf => Self::All(LineEnd::Crlf),
            Stored::Cr => Self::All(LineEnd::Cr),
            Stored::Each(runs) => {
                let mut whole = Runs::default();
                runs.iter().filter(|run| run.lines > 0).for_each(|run| whole.push(run.end, run.lines));
                whole.into_ends(LineEnd::Lf)
            }
        }
    }
}

impl LineEnds {
    /// What people are told of it.
    pub const fn summary(&self) -> EndOfLine {
        match self {
            Self::All(LineEnd::Lf) => EndOfLine::Lf,
            Self::All(LineEnd::Crlf) => EndOfLine::Crlf,
            Self::All(LineEnd::Cr) => EndOfLine::Cr,
            Self::Each(_) => EndOfLine::Mixed,
        }
    }

    /// Parts the characters of a file into the text, whose lines end with LF, and the ends that the file has. `before` is
    /// what the file had earlier: a new line of a file that has none now ends like most of those.
    pub(super) fn take_from(characters: String, before: &Self) -> (String, Self) {
        if !characters.contains('\r') {
            let ends = if characters.contains('\n') { LineEnd::Lf } else { before.most_frequent() };
            return (characters, Self::All(ends));
        }
        let mut text = String::with_capacity(characters.len());
        let mut runs = Runs::default();
        let mut rest = characters.as_str();
        while let Some(at) = rest.find(['\n', '\r']) {
            let (line, behind) = rest.split_at(at);
            let end = if behind.starts_with("\r\n") {
                LineEnd::Crlf
            } else if behind.starts_with('\r') {
                LineEnd::Cr
            } else {
                LineEnd::Lf
            };
            text.push_str(line);
            text.push('\n');
            runs.push(end, 1);
            rest = &behind[end.bytes().len()..];
        }
        text.push_str(rest);
        (text, runs.into_ends(LineEnd::Lf))
    }

    /// The characters of the file that has this text: the reverse of [`LineEnds::take_from`].
    pub(super) fn put_into(&self, text: &str) -> String {
        match self {
            Self::All(LineEnd::Lf) => text.to_owned(),
            Self::All(end) => text.replace('\n', end.bytes()),
            Self::Each(runs) => {
                let mut characters = String::with_capacity(text.len() + text.len() / 16);
                let mut lines = text.split('\n');
                characters.extend(lines.next());
                // A line that the runs do not reach ends like the last one that they do.
                let last = runs.last().map_or(LineEnd::Lf, |run| run.end);
                for (line, end) in lines.zip(each(runs).chain(iter::repeat(last))) {
                    characters.push_str(end.bytes());
                    characters.push_str(line);
                }
                characters
            }
        }
    }

    /// The ends of the lines of `text`, which became of `base`, whose ends these are. An end moves with its line; a new
    /// line takes the end of the one that it was split from, or else of the one above it.
    #[must_use]
    pub(super) fn carried(&self, base: &str, text: &str) -> Self {
        let Self::Each(runs) = self else { return self.clone() };
        if base == text {
            return self.clone();
        }
        let ends: Vec<LineEnd> = each(runs).collect();
        let kept = follow(base, text, &ends);
        let mut runs = Runs::default();
        let next = |at: usize| kept[at..].iter().copied().flatten().next();
        let mut above = None;
        for ((at, end), line) in kept.iter().enumerate().zip(text.split('\n')) {
            let mut end = end.or(above).or_else(|| next(at)).unwrap_or_else(|| self.most_frequent());
            // CR and then LF would be one end to the next reader, and the empty line between them gone.
            if line.is_empty() && end == LineEnd::Lf && above == Some(LineEnd::Cr) {
                end = LineEnd::Cr;
            }
            runs.push(end, 1);
            above = Some(end);
        }
        runs.into_ends(self.most_frequent())
    }

    /// The end that most lines have; the simplest one, if several have most.
    fn most_frequent(&self) -> LineEnd {
        match self {
            Self::All(end) => *end,
            Self::Each(runs) => {
                let lines = |end| runs.iter().filter(|run| run.end == end).map(|run| run.lines).sum::<u32>();
                LineEnd::ALL.into_iter().rev().max_by_key(|end| lines(*end)).unwrap_or(LineEnd::Lf)
            }
        }
    }
}

/// Builds runs line by line.
#[derive(Default)]
struct Runs(Vec<Run>);

impl Runs {
    fn push(&mut self, end: LineEnd, lines: u32) {
        match self.0.last_mut() {
            Some(last) if last.end == end => last.lines = last.lines.saturating_add(lines),
            _ => self.0.push(Run { end, lines }),
        }
    }

    /// `none`: how a file without lines would end them.
    fn into_ends(self, none: LineEnd) -> LineEnds {
        match self.0[..] {
            [] => LineEnds::All(none),
            [Run { end, .. }] => LineEnds::All(end),
            _ => LineEnds::Each(self.0),
        }
    }
}

fn each(runs: &[Run]) -> impl Iterator<Item = LineEnd> {
    runs.iter().flat_map(|run| iter::repeat_n(run.end, run.lines as usize))
}

/// For each line end of `text` the end that it had in `base`; nothing for a new one.
fn follow(base: &str, text: &str, ends: &[LineEnd]) -> Vec<Option<LineEnd>> {
    // The last piece of either has no end; `ends` has one for each other piece.
    let old: Vec<&str> = base.split('\n').collect();
    let new: Vec<&str> = text.split('\n').collect();
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let end_of = |line: usize| ends.get(line).copied();
    let mut followed = Vec::with_capacity(new.len());
    let mut at = 0;
    for hunk in diff.hunks() {
        let removed = hunk.before.start as usize..hunk.before.end as usize;
        let added = hunk.after.start as usize..hunk.after.end as usize;
        followed.extend((at..removed.start).map(end_of));
        at = removed.end;
        if removed.len() == added.len() {
            followed.extend(removed.map(end_of));
            continue;
        }
        let old_ends: Vec<_> = removed.clone().filter_map(end_of).collect();
        let block = |pieces: &[&str], ends: usize| {
            let mut block = pieces.join("\n");
            if ends == pieces.len() && ends > 0 {
                block.push('\n');
            }
            block
        };
        let new_ends = added.len() - usize::from(added.end == new.len() && !added.is_empty());
        let before = block(&old[removed], old_ends.len());
        let after = block(&new[added], new_ends);
        if before.len().max(after.len()) <= FINE_BLOCK_BYTES {
            followed.extend(follow_characters(&before, &diff::fewest_splices(&before, &after), &old_ends));
        } else {
            followed.extend((0..new_ends).map(|line| old_ends.get(line).copied()));
        }
        // The line diff may have paired the piece behind the last line end of one text with one that has an end.
        followed.truncate(new.len() - 1);
    }
    followed.extend((at..old.len()).map(end_of));
    followed.resize(new.len() - 1, None);
    followed
}

/// The same within a block, by the characters that were kept.
fn follow_characters(before: &str, splices: &[Splice], ends: &[LineEnd]) -> Vec<Option<LineEnd>> {
    let old: Vec<u16> = before.encode_utf16().collect();
    let mut followed = Vec::new();
    // Walks the old text; `moved` is how much further the same place is in the text after the splices so far.
    let (mut at, mut line, mut moved) = (0, 0, 0_i64);
    let is_end = |unit: &&u16| **unit == u16::from(b'\n');
    for splice in splices {
        let start = usize::try_from(i64::from(splice.at) - moved).unwrap_or_default().min(old.len());
        let stop = (start + splice.delete as usize).min(old.len());
        let kept = old[at.min(start)..start].iter().filter(is_end).count();
        followed.extend((line..line + kept).map(|line| ends.get(line).copied()));
        line += kept;
        let added = splice.insert.matches('\n').count();
        // Whole lines between two lines are new; else the line is split, and each part ends as it did.
        let whole = (start == 0 || old[start - 1] == u16::from(b'\n')) && splice.insert.ends_with('\n');
        followed.extend(iter::repeat_n(if whole { None } else { ends.get(line).copied() }, added));
        line += old[start..stop].iter().filter(is_end).count();
        at = stop;
        moved += splice.insert.encode_utf16().count() as i64 - i64::from(splice.delete);
    }
    let kept = old[at..].iter().filter(is_end).count();
    followed.extend((line..line + kept).map(|line| ends.get(line).copied()));
    followed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> (String, LineEnds) {
        let (text, ends) = LineEnds::take_from(file.to_owned(), &LineEnds::All(LineEnd::Lf));
        assert_eq!(ends.put_into(&text), file);
        (text, ends)
    }

    /// What the file becomes when its text becomes `text`.
    fn edited(file: &str, text: &str) -> String {
        let (base, ends) = read(file);
        let carried = ends.carried(&base, text);
        // Whoever reads the file finds the same ends.
        let characters = carried.put_into(text);
        assert_eq!(read(&characters).0, text);
        characters
    }

    #[test]
    fn an_end_moves_with_its_line() {
        let file = "one\r\ntwo\nthree\rfour";
        for (text, becomes) in [
            // Typed at a line's end, at its beginning, into all lines.
            ("one;\ntwo\nthree\nfour", "one;\r\ntwo\nthree\rfour"),
            ("one\ntwo\n>three\nfour", "one\r\ntwo\n>three\rfour"),
            ("1\n2\n3\n4", "1\r\n2\n3\r4"),
            // A line more above, between, below.
            ("zero\none\ntwo\nthree\nfour", "zero\r\none\r\ntwo\nthree\rfour"),
            ("one\nand\ntwo\nthree\nfour", "one\r\nand\r\ntwo\nthree\rfour"),
            ("one\ntwo\nand\nthree\nfour", "one\r\ntwo\nand\nthree\rfour"),
            ("one\ntwo\nthree\nfour\n", "one\r\ntwo\nthree\rfour\r"),
            // Lines deleted, joined, split.
            ("two\nthree\nfour", "two\nthree\rfour"),
            ("onetwo\nthree\nfour", "onetwo\nthree\rfour"),
            ("one\ntwothree\nfour", "one\r\ntwothree\rfour"),
            ("o\nne\ntwo\nthree\nfour", "o\r\nne\r\ntwo\nthree\rfour"),
            ("one\ntwo\nth\nree\nfour", "one\r\ntwo\nth\rree\rfour"),
            // Moved.
            ("two\none\nthree\nfour", "two\none\r\nthree\rfour"),
        ] {
            if text.starts_with("two\none") {
                // Which of the two moved nobody can tell; the third did not.
                assert!(edited(file, text).ends_with("three\rfour"));
            } else {
                assert_eq!(edited(file, text), becomes, "{text:?}");
            }
        }
    }

    #[test]
    fn a_file_that_is_uniform_again_costs_nothing_again() {
        let (base, ends) = read("a\r\nb\n");
        assert_eq!(ends.carried(&base, "a\n"), LineEnds::All(LineEnd::Crlf));
        assert_eq!(ends.carried(&base, ""), LineEnds::All(LineEnd::Lf));
        let (base, ends) = read("a\r\nb\r\nc\n");
        assert_eq!(ends.carried(&base, "nothing left"), LineEnds::All(LineEnd::Crlf));
    }

    #[test]
    fn an_empty_line_between_cr_and_lf_stays_a_line() {
        assert_eq!(edited("one\rx\ntwo\n", "one\n\ntwo\n"), "one\r\rtwo\n");
        assert_eq!(edited("one\rx\ny\ntwo\n", "one\n\n\ntwo\n"), "one\r\r\rtwo\n");
        assert_eq!(edited("one\rx\r\ntwo\n", "one\n\ntwo\n"), "one\r\r\ntwo\n");
    }

    #[test]
    fn a_large_block_pairs_its_lines_from_the_top() {
        let file: String = (0..4000).map(|line| format!("line {line}{}", ["\n", "\r\n"][line % 2])).collect();
        let text: String = (0..4001).map(|line| format!("zeile {line}\n")).collect();
        let becomes: String = (0..4000)
            .map(|line| format!("zeile {line}{}", ["\n", "\r\n"][line % 2]))
            .chain(["zeile 4000\r\n".to_owned()])
            .collect();
        assert_eq!(edited(&file, &text), becomes);
    }

    #[test]
    fn a_journal_holds_it_and_one_of_an_older_build_is_understood() {
        for file in ["a\n", "a\r\n", "a\rb\r", "a\r\nb\nc\r"] {
            let (_, ends) = read(file);
            let bytes = postcard::to_allocvec(&ends).unwrap();
            assert_eq!(postcard::from_bytes::<LineEnds>(&bytes).unwrap(), ends);
        }
        for (older, ends) in
            [(EndOfLine::Lf, LineEnd::Lf), (EndOfLine::Crlf, LineEnd::Crlf), (EndOfLine::Mixed, LineEnd::Lf)]
        {
            let bytes = postcard::to_allocvec(&older).unwrap();
            assert_eq!(postcard::from_bytes::<LineEnds>(&bytes).unwrap(), LineEnds::All(ends));
        }
    }

    #[test]
    fn runs_that_do_not_reach_the_end_go_on() {
        let (_, ends) = read("a\nb\r\n");
        assert_eq!(ends.put_into("1\n2\n3\n4"), "1\n2\r\n3\r\n4");
    }
}
