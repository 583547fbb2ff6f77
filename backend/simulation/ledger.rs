//! The ledger: every piece of text that anybody writes has a mark, a character that occurs once, and here stands what
//! became of each. At rest the texts must agree with it.

use std::collections::BTreeMap;

use super::plan::KEPT_FILES;

/// The first mark; the private use area has room for more than a plan types.
const FIRST: u32 = 0xe000;

/// Who wrote a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A guest who may edit, in which of its lives: a tab that is loaded anew begins another.
    Guest(usize, u32),
    /// A guest who may not.
    Viewer,
    /// Another program, on the disk.
    Outside,
}

/// What is known of one mark.
#[derive(Debug, Clone, Copy)]
struct Written {
    by: Writer,
    /// In a file that stays.
    kept: bool,
    /// The host confirmed it.
    acknowledged: bool,
    /// Somebody deleted it, or meant to: it may be gone.
    deleted: bool,
    /// It could not be merged and was handed back to whoever typed it.
    handed_back: bool,
    /// Nobody had confirmed it when the agent was killed while it had no journal: it may have come to the file, and nothing
    /// tells that it is what its author sends again.
    may_be_twice: bool,
}

/// Every mark.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    written: BTreeMap<char, Written>,
}

/// Whether a character is a mark.
pub(crate) fn is_mark(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

/// The marks in a text.
pub(crate) fn marks(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| is_mark(*character))
}

impl Ledger {
    /// A new mark, for a piece of text that is written now.
    pub(crate) fn write(&mut self, by: Writer, file: usize) -> char {
        let next = FIRST + u32::try_from(self.written.len()).expect("few marks");
        let mark = char::from_u32(next).filter(|mark| is_mark(*mark)).expect("a plan types less");
        let kept = file < KEPT_FILES;
        let written = Written {
            by,
            kept,
            acknowledged: false,
            deleted: false,
            handed_back: false,
            may_be_twice: false,
        };
        self.written.insert(mark, written);
        mark
    }

    fn change(&mut self, marks: impl Iterator<Item = char>, change: impl Fn(&mut Written)) -> u64 {
        let mut changed = 0;
        for mark in marks {
            if let Some(written) = self.written.get_mut(&mark) {
                change(written);
                changed += 1;
            }
        }
        changed
    }

    /// What somebody wrote last of what is in a text.
    pub(crate) fn last_of(&self, by: Writer, text: &str) -> Option<char> {
        marks(text).filter(|mark| self.written.get(mark).is_some_and(|written| written.by == by)).max()
    }

    /// Somebody deletes this text.
    pub(crate) fn delete(&mut self, text: &str) {
        self.change(marks(text), |written| written.deleted = true);
    }

    /// The agent is killed while it has no journal.
    pub(crate) fn without_journal(&mut self) {
        self.written.values_mut().for_each(|written| written.may_be_twice |= !written.acknowledged);
    }

    /// The host confirmed these.
    pub(crate) fn acknowledge(&mut self, marks: impl IntoIterator<Item = char>) -> u64 {
        self.change(marks.into_iter(), |written| written.acknowledged = true)
    }

    /// This text was handed back to a guest; what others wrote in it was not handed back to them.
    pub(crate) fn hand_back(&mut self, text: &str, to: usize) -> u64 {
        self.change(marks(text), |written| {
            written.handed_back |= matches!(written.by, Writer::Guest(guest, _) if guest == to);
        })
    }

    /// Compares with the texts that there are; `lives` are the guests' present ones.
    ///
    /// # Errors
    /// Says what is missing, there twice, or should not be there.
    pub(crate) fn check(&self, texts: &[String], lives: &[u32]) -> Result<(), String> {
        let mut found: BTreeMap<char, u32> = BTreeMap::new();
        for mark in texts.iter().flat_map(|text| marks(text)) {
            *found.entry(mark).or_default() += 1;
        }
        for (mark, written) in &self.written {
            let times = found.remove(mark).unwrap_or_default();
            let name = format!("{} written by {:?}", mark.escape_unicode(), written.by);
            if times > 1 && !written.may_be_twice {
                return Err(format!("{name} is there {times} times"));
            }
            if written.by == Writer::Viewer {
                if times > 0 {
                    return Err(format!("{name} is there: a viewer changed something"));
                }
                continue;
            }
            if times >= 1 || written.deleted || !written.kept {
                continue;
            }
            if written.acknowledged {
                return Err(format!("{name} was acknowledged and is gone"));
            }
            let lives_on = match written.by {
                Writer::Guest(guest, life) => lives[guest] == life,
                Writer::Outside => true,
                Writer::Viewer => false,
            };
            if lives_on && !written.handed_back {
                return Err(format!("{name} is gone and was not handed back"));
            }
        }
        match found.first_key_value() {
            Some((mark, _)) => Err(format!("{} was never written", mark.escape_unicode())),
            None => Ok(()),
        }
    }
}
