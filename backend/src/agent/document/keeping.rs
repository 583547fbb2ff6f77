//! A journal that the disk refuses: what may be said and written meanwhile, and how the document comes to one again.
//!
//! Safety: an update is acknowledged when the journal has it or a checkpoint wrote it. A checkpoint that writes what the
//! journal lacks marks the journal first, so that after a sudden end nothing is taken for a change outside that is not one.
//! Liveness: while the journal is behind and nothing is done to the file, `journal_retry` names a time.

use parlor_shared::fault::FaultCode;
use parlor_shared::message::DocumentStatus;
use tokio::time::Instant;
use tracing::debug;

use super::DocumentActor;
use super::checkpoint::retry_after;
use crate::agent::event::AgentEvent;
use crate::agent::state::kept::{KeptText, KeptWhy};

impl DocumentActor {
    /// Begins the journal anew if it is behind and it is time for that. The host is told when the trouble begins.
    pub(super) fn tend_journal(&mut self, now: Instant) {
        if !self.journal.is_behind() {
            self.journal_retry = None;
            return;
        }
        if self.journal_retry.is_none() {
            let fault = FaultCode::NotKept.into();
            self.events.send(AgentEvent::Error { path: Some(self.path.clone()), fault });
            self.journal_retry = Some(retry_after(None, now));
            return;
        }
        if !self.may_begin_journal() || self.journal_retry.is_some_and(|(at, _)| now < at) {
            return;
        }
        if let Err(error) = self.journal.begin_anew(
            &self.identity(),
            &self.text,
            &self.disk_replica,
            self.beside.holds.as_deref(),
        ) {
            debug!(document = %self.id, %error, "there is still no journal");
            self.journal_retry = Some(retry_after(self.journal_retry, now));
            return;
        }
        debug!(document = %self.id, "the journal has everything again");
        self.journal_retry = None;
        if self.status == DocumentStatus::NotSaved(FaultCode::NotKept.into()) {
            self.set_status(DocumentStatus::Unsaved);
        }
        self.acknowledge();
    }

    /// Not while the file is being looked at or written, and not before it told what the last program did without its
    /// journal: the new journal would not know of it.
    pub(super) fn may_begin_journal(&self) -> bool {
        self.loaded
            && !self.job.is_running()
            && !self.check_disk
            && self.perhaps_outrun.is_none()
            && self.unfinished.is_none()
    }

    /// How a text stands that no file has: as usual, unless its journal does not have it either.
    pub(super) fn unsaved(&self) -> DocumentStatus {
        if self.journal.is_behind() {
            DocumentStatus::NotSaved(FaultCode::NotKept.into())
        } else {
            DocumentStatus::Unsaved
        }
    }

    /// The text, which no file has, as its file would be: for the texts that are kept beyond the session.
    pub(super) fn unsaved_text(&self) -> KeptText {
        let (why, fault) = match &self.status {
            DocumentStatus::Gone => (KeptWhy::Deleted, None),
            DocumentStatus::NotSaved(fault) => (KeptWhy::NotSaved, Some(fault.code.number())),
            _ => (KeptWhy::NotSaved, None),
        };
        let (text, saved) = (self.text.text(), self.disk_replica.text());
        KeptText { fault, ..KeptText::of(&self.path, why, &text, &saved, &self.format) }
    }

    /// A checkpoint begins: it writes all that was taken so far.
    pub(super) fn note_writing(&mut self) {
        self.subscribers.values_mut().for_each(|subscriber| subscriber.writing = subscriber.sequence);
    }

    /// The file has what the checkpoint was to write.
    pub(super) fn note_written(&mut self) {
        self.subscribers.values_mut().for_each(|subscriber| subscriber.written = subscriber.writing);
    }
}
