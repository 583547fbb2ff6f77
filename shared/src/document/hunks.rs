//! The difference between two texts as a person reads it: changed lines with a few lines around them.

use imara_diff::{Algorithm, Diff, InternedInput};

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HunkLine {
    /// In both texts.
    Same(String),
    /// In the text before only.
    Removed(String),
    /// In the text after only.
    Added(String),
}

/// Changed lines that lie close together, and what is around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The number of its first line in the text before, from 1.
    pub line: u32,
    /// Its lines, without line ends.
    pub lines: Vec<HunkLine>,
}

/// The hunks that lead from one text to the other, with this many unchanged lines around each.
pub fn hunks(before: &str, after: &str, context: usize) -> Vec<Hunk> {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let before_lines: Vec<&str> = before.lines().collect();
    let after_lines: Vec<&str> = after.lines().collect();
    let mut hunks: Vec<Hunk> = Vec::new();
    // Up to which line of the text before the last hunk goes.
    let mut done = 0;
    for change in diff.hunks() {
        let removed = change.before.start as usize..change.before.end as usize;
        let added = change.after.start as usize..change.after.end as usize;
        let same = |range: std::ops::Range<usize>| {
            let lines = before_lines.get(range).unwrap_or_default();
            lines.iter().map(|line| HunkLine::Same((*line).to_owned())).collect::<Vec<_>>()
        };
        let start = removed.start.saturating_sub(context);
        match hunks.last_mut() {
            // What follows the last change and what precedes this one touch.
            Some(last) if start <= done + context => last.lines.extend(same(done..removed.start)),
            last => {
                if let Some(last) = last {
                    last.lines.extend(same(done..(done + context).min(before_lines.len())));
                }
                hunks.push(Hunk { line: start as u32 + 1, lines: same(start..removed.start) });
            }
        }
        if let Some(hunk) = hunks.last_mut() {
            let removed = before_lines.get(removed.clone()).unwrap_or_default();
            let added = after_lines.get(added).unwrap_or_default();
            hunk.lines.extend(removed.iter().map(|line| HunkLine::Removed((*line).to_owned())));
            hunk.lines.extend(added.iter().map(|line| HunkLine::Added((*line).to_owned())));
        }
        done = removed.end;
    }
    if let Some(last) = hunks.last_mut() {
        let end = (done + context).min(before_lines.len());
        let lines = before_lines.get(done..end).unwrap_or_default();
        last.lines.extend(lines.iter().map(|line| HunkLine::Same((*line).to_owned())));
    }
    hunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(hunks: &[Hunk]) -> Vec<String> {
        let line = |line: &HunkLine| match line {
            HunkLine::Same(text) => format!(" {text}"),
            HunkLine::Removed(text) => format!("-{text}"),
            HunkLine::Added(text) => format!("+{text}"),
        };
        let hunk = |hunk: &Hunk| {
            std::iter::once(format!("@{}", hunk.line)).chain(hunk.lines.iter().map(line)).collect::<Vec<_>>()
        };
        hunks.iter().flat_map(hunk).collect()
    }

    #[test]
    fn a_changed_line_stands_between_its_neighbours() {
        let hunks = hunks("a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n", 1);
        assert_eq!(shown(&hunks), ["@2", " b", "-c", "+X", " d"]);
    }

    #[test]
    fn changes_far_apart_are_two_hunks_and_close_ones_are_one() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let far = hunks(before, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", 2);
        assert_eq!(shown(&far), ["@1", "+0", " 1", " 2", "@8", " 8", " 9", "+10"]);
        let close = hunks(before, "1\nx\n2\n3\n4\ny\n5\n6\n7\n8\n9\n", 2);
        assert_eq!(shown(&close), ["@1", " 1", "+x", " 2", " 3", " 4", "+y", " 5", " 6"]);
    }

    #[test]
    fn equal_texts_have_no_hunks_and_empty_ones_are_no_trouble() {
        assert_eq!(hunks("a\n", "a\n", 3), []);
        assert_eq!(shown(&hunks("", "a\nb", 3)), ["@1", "+a", "+b"]);
        assert_eq!(shown(&hunks("a", "", 3)), ["@1", "-a"]);
        assert_eq!(hunks("", "", 3), []);
    }

    proptest! {
        #[test]
        fn every_removed_and_added_line_is_shown_once(before in "([ab]\n){0,20}", after in "([abc]\n){0,20}", context in 0usize..4) {
            let hunks = hunks(&before, &after, context);
            let lines = || hunks.iter().flat_map(|hunk| &hunk.lines);
            let removed = lines().filter(|line| matches!(line, HunkLine::Removed(_))).count();
            let added = lines().filter(|line| matches!(line, HunkLine::Added(_))).count();
            let (old, new) = (before.lines().count(), after.lines().count());
            prop_assert_eq!(old - removed, new - added);
            // The text before is there in its order, from the first line of each hunk on.
            for hunk in &hunks {
                let old: Vec<&str> = hunk.lines.iter().filter_map(|line| match line {
                    HunkLine::Same(text) | HunkLine::Removed(text) => Some(text.as_str()),
                    HunkLine::Added(_) => None,
                }).collect();
                let there: Vec<&str> = before.lines().skip(hunk.line as usize - 1).take(old.len()).collect();
                prop_assert_eq!(old, there);
            }
        }
    }
}
