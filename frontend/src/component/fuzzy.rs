//! Finds what somebody means by a few letters. Pure.

use crate::js::letters::folded;

/// A letter that begins a word is worth this much more.
const WORD_START: i32 = 10;
/// A letter right after the one before it.
const RUN: i32 = 6;
/// The very first letter of the text.
const TEXT_START: i32 = 4;
/// What each letter that is passed over costs, up to a limit.
const GAP: i32 = 1;
const MAX_GAP: i32 = 8;

/// A text that fits a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FuzzyMatch {
    /// Higher is better.
    pub(crate) score: i32,
    /// Indices of the characters that were meant, ascending.
    pub(crate) positions: Vec<usize>,
}

/// Matches the query's letters in order, without regard to case and spaces, at the best places of the text. An empty
/// query fits everything.
pub(crate) fn fuzzy_match(query: &str, text: &str) -> Option<FuzzyMatch> {
    let wanted: Vec<char> = folded(query).into_iter().filter(|letter| !letter.is_whitespace()).collect();
    let letters: Vec<char> = text.chars().collect();
    let small = folded(text);
    if wanted.is_empty() {
        return Some(FuzzyMatch { score: 0, positions: Vec::new() });
    }
    if wanted.len() > letters.len() {
        return None;
    }

    // best[at]: the best score with the letters so far, the last of them at `at`; from[step][at]: where the one before was.
    let mut best: Vec<Option<i32>> = vec![None; letters.len()];
    let mut from: Vec<Vec<usize>> = Vec::with_capacity(wanted.len());
    for (step, want) in wanted.iter().enumerate() {
        let mut next = vec![None; letters.len()];
        let mut came = vec![0; letters.len()];
        for at in step..letters.len() {
            if small[at] != *want {
                continue;
            }
            let own = 1 + if starts_word(&letters, at) { WORD_START } else { 0 };
            if step == 0 {
                next[at] = Some(own + if at == 0 { TEXT_START } else { 0 });
                continue;
            }
            for (before, score) in best.iter().enumerate().take(at).skip(step - 1) {
                let Some(score) = score else { continue };
                let between = i32::try_from(at - before - 1).unwrap_or(MAX_GAP);
                let link = if between == 0 { RUN } else { -(between * GAP).min(MAX_GAP) };
                let score = score + own + link;
                if next[at].is_none_or(|other| score > other) {
                    next[at] = Some(score);
                    came[at] = before;
                }
            }
        }
        best = next;
        from.push(came);
    }

    let (mut at, score) = (0..letters.len())
        .filter_map(|at| Some((at, best[at]?)))
        .max_by_key(|(at, score)| (*score, usize::MAX - at))?;
    let mut positions = vec![at];
    for came in from.iter().skip(1).rev() {
        at = came[at];
        positions.push(at);
    }
    positions.reverse();
    Some(FuzzyMatch { score, positions })
}

/// Cuts a text into runs of letters that were meant and such that were not, in order.
pub(crate) fn highlighted(text: &str, positions: &[usize]) -> Vec<(Meant, String)> {
    let mut runs: Vec<(Meant, String)> = Vec::new();
    for (at, letter) in text.chars().enumerate() {
        let meant = if positions.binary_search(&at).is_ok() { Meant::Yes } else { Meant::No };
        match runs.last_mut() {
            Some((kind, run)) if *kind == meant => run.push(letter),
            _ => runs.push((meant, letter.to_string())),
        }
    }
    runs
}

/// Whether the query named these letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    Yes,
    No,
}

fn starts_word(letters: &[char], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| letters[before]) else { return true };
    !before.is_alphanumeric() || (before.is_lowercase() && letters[at].is_uppercase())
}
