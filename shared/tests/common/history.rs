//! A long editing history as people make it: letters in runs at a place that moves, backspaces, now and then a block
//! that is cut or pasted, several authors in turns.
//!
//! The mix is that of published traces of real documents (seven insertions to three deletions, nearly all of one
//! character, runs of about a dozen), so a history of 260,000 edits ends with about 100,000 characters.

use parlor_shared::document::Splice;

use crate::random::Random;

/// Edits of a history that counts as long.
pub(crate) const LONG_EDITS: usize = 260_000;

/// Who writes it.
pub(crate) const AUTHORS: usize = 4;

/// One edit.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// Which of the authors.
    pub(crate) author: usize,
    /// What is done to the text that all edits before have made.
    pub(crate) splice: Splice,
}

/// What somebody is in the middle of.
#[derive(Clone, Copy)]
enum Doing {
    Typing,
    Erasing,
}

/// The edits of a history, one after the other. The same seed gives the same.
pub(crate) struct History {
    random: Random,
    left: usize,
    length: u32,
    /// Where each author is.
    carets: [u32; AUTHORS],
    author: usize,
    doing: Doing,
    run: usize,
}

impl History {
    pub(crate) fn new(seed: u64, edits: usize) -> Self {
        Self {
            random: Random::new(seed),
            left: edits,
            length: 0,
            carets: [0; AUTHORS],
            author: 0,
            doing: Doing::Typing,
            run: 0,
        }
    }

    /// Begins something else: mostly where the author is, often nearby, sometimes anywhere, sometimes it is another's turn.
    fn next_run(&mut self) {
        if self.random.one_in(12) {
            self.author = self.random.below(AUTHORS);
        }
        let caret = &mut self.carets[self.author];
        *caret = (*caret).min(self.length);
        match self.random.below(20) {
            0 => *caret = self.random.below(self.length as usize + 1) as u32,
            1..=4 => {
                let near = self.random.below(401) as u32;
                *caret = (*caret + near).saturating_sub(200).min(self.length);
            }
            _ => {}
        }
        // Runs of 12 and of 8 on average, 10 to 7: seven insertions to three deletions.
        if self.random.below(17) < 10 {
            (self.doing, self.run) = (Doing::Typing, 1 + self.random.below(23));
        } else {
            (self.doing, self.run) = (Doing::Erasing, 1 + self.random.below(14));
        }
    }

    fn text(&mut self, units: usize) -> String {
        const LETTERS: &[u8] = b"eeeeettttaaaooinnsshrrddlcumwfgypbvk      \n";
        (0..units).map(|_| char::from(*self.random.pick(LETTERS))).collect()
    }
}

impl Iterator for History {
    type Item = Edit;

    fn next(&mut self) -> Option<Edit> {
        self.left = self.left.checked_sub(1)?;
        if self.run == 0 {
            self.next_run();
        }
        self.run -= 1;
        let block = if self.random.one_in(2000) { 50 + self.random.below(400) } else { 1 };
        let caret = self.carets[self.author].min(self.length);
        let splice = match self.doing {
            Doing::Erasing if caret > 0 => {
                let delete = (block as u32).min(caret);
                Splice { at: caret - delete, delete, insert: String::new() }
            }
            Doing::Erasing | Doing::Typing => Splice { at: caret, delete: 0, insert: self.text(block) },
        };
        let inserted = splice.insert.len() as u32;
        self.carets[self.author] = splice.at + inserted;
        self.length = self.length - splice.delete + inserted;
        // The others' carets stay with their text.
        for (author, caret) in self.carets.iter_mut().enumerate() {
            if author != self.author && *caret > splice.at {
                *caret = splice.at.max(*caret - splice.delete.min(*caret - splice.at)) + inserted;
            }
        }
        Some(Edit { author: self.author, splice })
    }
}

/// What the edits make of an empty text, without any CRDT.
pub(crate) fn plain_text(edits: impl Iterator<Item = Edit>) -> String {
    let mut text = Vec::new();
    for Edit { splice: Splice { at, delete, insert }, .. } in edits {
        let range = at as usize..(at + delete) as usize;
        text.splice(range, insert.into_bytes());
    }
    String::from_utf8(text).expect("the alphabet is ASCII")
}
