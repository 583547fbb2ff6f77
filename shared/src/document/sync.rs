//! A guest's side of one document's synchronisation: what was sent, what the host has, what is still owed.
//!
//! Safety: every local edit is either part of an update that waits or was sent, or of the answer to the next state;
//! so when the host has acknowledged the last sequence and nothing waits, it has everything that was typed here.
//! Liveness: whatever is dropped ends in `Stale`, which asks for a state as soon as the link lives.

use super::{Document, UpdateError, diff, merge_updates};
use crate::id::AuthorId;

/// Updates that wait are merged into one beyond this many bytes, so that waiting never costs more than the text.
const MERGE_BEYOND_BYTES: usize = 64 * 1024;

/// Where the synchronisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPhase {
    /// No state has arrived yet; there is nothing to edit.
    Opening,
    /// Updates flow both ways.
    Live,
    /// Something was missed: a state was asked for, updates of ours wait for it.
    Stale,
}

/// Synchronises one replica with the host.
#[derive(Debug)]
pub struct DocumentSync {
    author: AuthorId,
    document: Document,
    phase: SyncPhase,
    /// Local updates not yet handed to the link, oldest first.
    waiting: Vec<Vec<u8>>,
    waiting_bytes: usize,
    /// The last sequence given to an update.
    sent: u32,
    acknowledged: u32,
    /// Updates of others that wait to be applied together.
    incoming: Vec<Vec<u8>>,
}

impl DocumentSync {
    /// An empty replica that waits for its first state.
    pub fn new(author: AuthorId) -> Self {
        Self {
            author,
            document: Document::for_editor(author),
            phase: SyncPhase::Opening,
            waiting: Vec::new(),
            waiting_bytes: 0,
            sent: 0,
            acknowledged: 0,
            incoming: Vec::new(),
        }
    }

    /// The replica.
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Where the synchronisation stands.
    pub const fn phase(&self) -> SyncPhase {
        self.phase
    }

    /// Whether the host has confirmed everything that was typed here.
    pub fn is_confirmed(&self) -> bool {
        self.phase == SyncPhase::Live && !self.owes()
    }

    /// Whether something typed here was not yet confirmed by the host.
    pub const fn owes(&self) -> bool {
        !self.waiting.is_empty() || self.acknowledged != self.sent
    }

    /// Whether everything that was typed here is on its way to the host.
    pub fn is_flushed(&self) -> bool {
        self.phase == SyncPhase::Live && self.waiting.is_empty()
    }

    /// Applies what was typed here.
    ///
    /// # Errors
    /// If a splice does not fit the text.
    pub fn edit(&mut self, splices: &[super::Splice]) -> Result<(), UpdateError> {
        if let Some(update) = self.document.edit(splices)? {
            self.waiting_bytes += update.len();
            self.waiting.push(update);
            if self.waiting_bytes > MERGE_BEYOND_BYTES && self.waiting.len() > 1 {
                self.merge_waiting()?;
            }
        }
        Ok(())
    }

    /// The next update to send and its sequence: everything that waits, merged.
    ///
    /// # Errors
    /// Only if our own updates can not be merged.
    pub fn next_update(&mut self) -> Result<Option<(u32, Vec<u8>)>, UpdateError> {
        if self.phase != SyncPhase::Live || self.waiting.is_empty() {
            return Ok(None);
        }
        self.merge_waiting()?;
        self.waiting_bytes = 0;
        Ok(self.waiting.pop().map(|update| {
            self.sent += 1;
            (self.sent, update)
        }))
    }

    /// The host has our updates up to this sequence.
    pub fn acknowledge(&mut self, sequence: u32) {
        self.acknowledged = self.acknowledged.max(sequence.min(self.sent));
    }

    /// An update of others; it takes effect with [`DocumentSync::apply_incoming`].
    pub fn receive_update(&mut self, update: Vec<u8>) {
        self.incoming.push(update);
    }

    /// Whether updates of others wait to be applied.
    pub const fn has_incoming(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// Applies what others sent since the last call, as one change; gives it as splices for an editor.
    ///
    /// # Errors
    /// If an update can not be read: ask for a state.
    pub fn apply_incoming(&mut self) -> Result<Vec<super::Splice>, UpdateError> {
        let incoming = std::mem::take(&mut self.incoming);
        self.document.apply(incoming.iter().map(Vec::as_slice))?;
        Ok(self.document.take_splices())
    }

    /// Takes in a state and what the host has; gives the change as splices. What the host lacks of ours is queued.
    ///
    /// # Errors
    /// If the state can not be read.
    pub fn receive_state(
        &mut self,
        update: &[u8],
        host_has: &[u8],
    ) -> Result<Vec<super::Splice>, UpdateError> {
        let incoming = std::mem::take(&mut self.incoming);
        self.document.apply(incoming.iter().map(Vec::as_slice).chain([update]))?;
        // Deletions have no clock: what waits is sent again with what the host lacks, which contains them all.
        if self.owes() || self.document.is_ahead_of(host_has, self.author)? {
            self.waiting = vec![self.document.missing_from(host_has)?];
            self.waiting_bytes = self.waiting[0].len();
        }
        self.phase = SyncPhase::Live;
        Ok(self.document.take_splices())
    }

    /// The document goes on in a new epoch, which begins with this update; see [`super::epoch`]. What was typed here and is
    /// not part of it is typed again and waits. Gives what came in before as splices; the text here stays as it is.
    ///
    /// Only for a replica that has all that the host had: [`SyncPhase::Live`].
    ///
    /// # Errors
    /// If the update can not be read; the replica is as it was.
    pub fn renew(&mut self, update: &[u8]) -> Result<Vec<super::Splice>, UpdateError> {
        let splices = self.apply_incoming()?;
        let ours = self.document.text();
        let mut fresh = Document::for_editor(self.author);
        fresh.apply([update])?;
        fresh.take_splices();
        let typed = fresh.edit(&diff::splices(&fresh.text(), &ours))?;
        self.document = fresh;
        // Whatever is under way belongs to the last epoch and is passed over there.
        self.acknowledged = self.sent;
        self.waiting = typed.into_iter().collect();
        self.waiting_bytes = self.waiting.iter().map(Vec::len).sum();
        Ok(splices)
    }

    /// Something was missed: nothing is sent until a state has come. Gives the state vector to ask with.
    pub fn ask_for_state(&mut self) -> Vec<u8> {
        if self.phase == SyncPhase::Live {
            self.phase = SyncPhase::Stale;
        }
        self.document.state_vector()
    }

    fn merge_waiting(&mut self) -> Result<(), UpdateError> {
        if self.waiting.len() > 1 {
            let merged = merge_updates(&self.waiting)?;
            self.waiting_bytes = merged.len();
            self.waiting = vec![merged];
        }
        Ok(())
    }
}
