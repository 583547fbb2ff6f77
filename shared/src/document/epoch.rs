//! A document's epochs: after a long history its text begins anew, and nobody who knew the old one loses anything.
//!
//! A CRDT keeps a trace of everything that was ever deleted. When the traces outweigh the text, the host begins an
//! *epoch*: a replica whose only edit inserts the text as it is. A guest that holds the last epoch whole moves over by
//! itself: what it typed and the host did not have yet is the difference between its text and the epoch's first text,
//! and is typed again. A guest that was away is first given all of the epoch that it knew, then each epoch after it.
//!
//! Safety: an update is only ever applied to a replica of its own epoch; what a guest typed is in its text, and its text
//! is carried over whole. Liveness: whoever knows an epoch that is no longer kept opens the document anew.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Document, Splice, UpdateError};
use crate::id::AuthorId;
use crate::message::packed::Packed;

/// Epochs that are kept for those who are away, however large they are. They are kept packed, a part of the text's own
/// size each.
const KEPT_PAST: usize = 4;

/// More are kept while all of them are small.
const MAX_PAST: usize = 16;

/// What all epochs of one document may take beyond [`KEPT_PAST`].
const PAST_BYTES: usize = 256 * 1024;

/// A history is worth no look before it has this many bytes more than its text. In memory it takes about fifteen times as
/// much.
const SLIGHT_BYTES: usize = 8 * 1024;

/// How much a history weighs beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wear {
    /// Not worth a change.
    Slight,
    /// A new epoch is in place as soon as nobody types.
    Worn,
    /// A new epoch is in place now.
    WornOut,
}

/// How worn a document is. Takes as long as encoding it.
pub fn wear(document: &Document) -> Result<Wear, UpdateError> {
    let (state, text) = (document.missing_from(&[])?.len(), document.text().len());
    let history = state.saturating_sub(text);
    Ok(match history {
        _ if history > 2 * (SLIGHT_BYTES + text) => Wear::WornOut,
        _ if history > SLIGHT_BYTES + text => Wear::Worn,
        _ => Wear::Slight,
    })
}

/// The first replica of an epoch, and the update that makes it.
pub fn first(text: &str) -> Result<(Document, Vec<u8>), UpdateError> {
    let mut document = Document::new(AuthorId::AGENT);
    if !text.is_empty() {
        document.edit(&[Splice { at: 0, delete: 0, insert: text.to_owned() }])?;
    }
    let update = document.missing_from(&[])?;
    Ok((document, update))
}

/// One step of somebody who knows an earlier epoch, or this one in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// What it lacks of an epoch, and what that one has.
    State {
        /// Which.
        epoch: u32,
        /// An encoded update.
        update: Vec<u8>,
        /// An encoded state vector.
        state_vector: Vec<u8>,
    },
    /// The next epoch begins with this text.
    Renewed {
        /// Which.
        epoch: u32,
        /// An encoded update.
        update: Vec<u8>,
    },
}

/// An epoch that is over, as it was at its end.
#[derive(Debug)]
struct Past {
    state: Packed,
    /// Nobody who knew it can come back after this time.
    until: Duration,
}

/// The epochs of one document at its host.
#[derive(Debug, Default)]
pub struct Epochs {
    current: u32,
    /// Those before the current one, without gaps, the oldest first.
    past: VecDeque<Past>,
}

impl Epochs {
    /// Goes on after a restart. Earlier epochs are not known any more.
    pub const fn resumed(current: u32) -> Self {
        Self { current, past: VecDeque::new() }
    }

    /// The number of this epoch.
    pub const fn current(&self) -> u32 {
        self.current
    }

    /// Ends this epoch; gives the next one's first replica and the update that makes it. The ended one is kept until a
    /// time, unless too many are.
    ///
    /// # Errors
    /// Only if the document can not be encoded.
    pub fn renew(&mut self, ended: &Document, until: Duration) -> Result<(Document, Vec<u8>), UpdateError> {
        let first = first(&ended.text())?;
        self.past.push_back(Past { state: Packed::new(ended.missing_from(&[])?), until });
        while self.past.len() > MAX_PAST || (self.past.len() > KEPT_PAST && self.past_bytes() > PAST_BYTES) {
            self.past.pop_front();
        }
        self.current += 1;
        Ok(first)
    }

    fn past_bytes(&self) -> usize {
        self.past.iter().map(|past| past.state.len()).sum()
    }

    /// Forgets what nobody can need any more.
    pub fn forget_until(&mut self, now: Duration) {
        while self.past.front().is_some_and(|past| past.until <= now) {
            self.past.pop_front();
        }
    }

    /// The steps of somebody who has so much of an epoch. Nothing if that epoch is not known any more.
    ///
    /// # Errors
    /// If the state vector can not be read.
    pub fn steps(
        &self,
        current: &Document,
        epoch: u32,
        state_vector: &[u8],
    ) -> Result<Option<Vec<Step>>, UpdateError> {
        let Some(back) = self.current.checked_sub(epoch) else { return Ok(None) };
        let Some(known) = self.past.len().checked_sub(back as usize) else { return Ok(None) };
        let mut vector = state_vector.to_vec();
        let mut steps = Vec::new();
        for (past, epoch) in self.past.iter().skip(known).zip(epoch..) {
            let mut replica = Document::new(AuthorId::AGENT);
            let state = past.state.unpack().map_err(|_| UpdateError::Malformed)?;
            replica.apply([state.as_slice()])?;
            steps.push(Step::State {
                epoch,
                update: replica.missing_from(&vector)?,
                state_vector: replica.state_vector(),
            });
            let (first, update) = first(&replica.text())?;
            vector = first.state_vector();
            steps.push(Step::Renewed { epoch: epoch + 1, update });
        }
        steps.push(Step::State {
            epoch: self.current,
            update: current.missing_from(&vector)?,
            state_vector: current.state_vector(),
        });
        Ok(Some(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::sync::{DocumentSync, SendRule};

    const LATER: Duration = Duration::from_secs(600);

    fn typed(at: u32, text: &str) -> Splice {
        Splice { at, delete: 0, insert: text.to_owned() }
    }

    /// Carries a guest through what the host says to it.
    fn walk(sync: &mut DocumentSync, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::State { update, state_vector, .. } => {
                    sync.receive_state(&update, &state_vector, SendRule::Always).unwrap();
                }
                Step::Renewed { update, .. } => {
                    sync.renew(&update, &mut Vec::new()).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_history_that_outweighs_its_text_is_worn_and_a_new_epoch_is_not() {
        let mut document = Document::new(AuthorId(16));
        let mut worn = Vec::new();
        for _ in 0..3 {
            // Each at the beginning, so that none continues another, and then all deleted: only traces stay.
            for _ in 0..875 {
                document.edit(&[typed(0, "xy")]).unwrap();
            }
            document.edit(&[Splice { at: 0, delete: 1750, insert: String::new() }]).unwrap();
            worn.push(wear(&document).unwrap());
        }
        assert_eq!(wear(&Document::new(AuthorId(16))), Ok(Wear::Slight));
        assert_eq!(worn, [Wear::Slight, Wear::Worn, Wear::WornOut]);
        let (fresh, _) = Epochs::default().renew(&document, LATER).unwrap();
        assert_eq!((wear(&fresh).unwrap(), fresh.text()), (Wear::Slight, document.text()));
    }

    #[test]
    fn whoever_was_away_over_several_epochs_keeps_what_it_typed() {
        let mut epochs = Epochs::default();
        let (mut host, _) = first("one two three\n").unwrap();
        let mut ann = DocumentSync::new(AuthorId(16));
        walk(&mut ann, epochs.steps(&host, 0, &[]).unwrap().unwrap());
        // Away from here on, and typing.
        let vector = ann.ask_for_state();
        ann.edit(&[typed(4, "(ann) ")]).unwrap();
        host.edit(&[typed(0, "host: ")]).unwrap();
        for more in ["first ", "second "] {
            (host, _) = epochs.renew(&host, LATER).unwrap();
            host.edit(&[typed(6, more)]).unwrap();
        }
        walk(&mut ann, epochs.steps(&host, 0, &vector).unwrap().unwrap());
        assert_eq!(ann.document().text(), "host: second first one (ann) two three\n");
        let (_, update) = ann.next_update().unwrap().unwrap();
        host.apply_as(AuthorId(16), &update, 1 << 20).unwrap();
        assert_eq!(host.text(), ann.document().text());
    }

    #[test]
    fn guests_who_typed_all_over_a_long_line_when_an_epoch_began_have_nothing_twice() {
        let mut epochs = Epochs::default();
        let line = "αβγδεζηθ".repeat(1000);
        let (mut host, _) = first(&line).unwrap();
        let mut guests = [16, 17, 18].map(|author| DocumentSync::new(AuthorId(author)));
        for guest in &mut guests {
            walk(guest, epochs.steps(&host, 0, &[]).unwrap().unwrap());
        }
        // Under way when the epoch begins: at the line's beginning and end, so that nearly all of it lies between.
        for (guest, letter) in guests.iter_mut().zip(["a", "b", "c"]) {
            guest.edit(&[typed(1, letter), typed(7999, letter)]).unwrap();
            guest.next_update().unwrap().unwrap();
        }
        let (next, update) = epochs.renew(&host, LATER).unwrap();
        host = next;
        for (guest, author) in guests.iter_mut().zip(16..) {
            guest.renew(&update, &mut Vec::new()).unwrap();
            let (_, update) = guest.next_update().unwrap().unwrap();
            host.apply_as(AuthorId(author), &update, 1 << 20).unwrap();
        }
        let text = host.text();
        assert_eq!(text.chars().count(), 8006, "each letter was typed twice");
        assert_eq!(text.chars().filter(|letter| !"abc".contains(*letter)).collect::<String>(), line);
    }

    #[test]
    fn what_was_deleted_while_away_is_deleted_in_the_next_epoch() {
        let mut epochs = Epochs::default();
        let (mut host, _) = first("one two three\n").unwrap();
        let mut ann = DocumentSync::new(AuthorId(16));
        walk(&mut ann, epochs.steps(&host, 0, &[]).unwrap().unwrap());
        let vector = ann.ask_for_state();
        ann.edit(&[Splice { at: 4, delete: 4, insert: String::new() }]).unwrap();
        (host, _) = epochs.renew(&host, LATER).unwrap();
        host.edit(&[typed(14, "four\n")]).unwrap();
        walk(&mut ann, epochs.steps(&host, 0, &vector).unwrap().unwrap());
        let (_, update) = ann.next_update().unwrap().unwrap();
        host.apply_as(AuthorId(16), &update, 1 << 20).unwrap();
        assert_eq!(
            (host.text().as_str(), ann.document().text().as_str()),
            ("one three\nfour\n", "one three\nfour\n")
        );
    }

    #[test]
    fn epochs_are_kept_for_a_time_and_not_too_many() {
        let mut epochs = Epochs::default();
        let (mut host, _) = first("text").unwrap();
        for _ in 0..MAX_PAST + 1 {
            (host, _) = epochs.renew(&host, LATER).unwrap();
        }
        assert_eq!(epochs.steps(&host, 0, &[]).unwrap(), None);
        assert!(epochs.steps(&host, 1, &[]).unwrap().is_some());
        assert_eq!(epochs.steps(&host, epochs.current() + 1, &[]).unwrap(), None);
        epochs.forget_until(LATER);
        assert_eq!(epochs.steps(&host, epochs.current() - 1, &[]).unwrap(), None);
        assert_eq!(epochs.steps(&host, epochs.current(), &[]).unwrap().unwrap().len(), 1);
    }

    #[test]
    fn an_empty_text_has_epochs_as_well() {
        let mut epochs = Epochs::default();
        let (host, _) = epochs.renew(&Document::new(AuthorId::AGENT), LATER).unwrap();
        assert!(host.is_empty());
        let mut ann = DocumentSync::new(AuthorId(16));
        walk(&mut ann, epochs.steps(&host, 0, &[]).unwrap().unwrap());
        assert!(ann.document().is_empty());
    }
}
