//! What another program made of the file, and how it comes to the text while people type: see
//! [`parlor_shared::document::outside`].
//!
//! Three texts are told apart here. *Base* is what the file holds, to the letter. *Last* is what the disk replica has: base,
//! and what was left out when it was written or merged. *Ours* is the shared text.

use parlor_shared::document::Splice;
use parlor_shared::document::outside::Judgement;
use parlor_shared::document::outside::active::ActiveLines;
use parlor_shared::document::outside::white_space::{self, Taken, Waiting};
use parlor_shared::id::{AuthorId, ParticipantId};
use parlor_shared::message::RemovedBy;
use tokio::time::Instant;
use tracing::debug;

use super::DocumentActor;
use super::disk::OutsideChange;
use crate::agent::state::DiskReplica;

/// What a document knows of its file beyond the disk replica.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Who types where.
    active: ActiveLines,
    /// Changes of white space that wait for them.
    waiting: Waiting,
    /// Base, if it is not last.
    pub(super) holds: Option<String>,
}

impl Beside {
    /// What a journal says that the file held.
    pub(super) fn restored(holds: Option<String>) -> Self {
        Self { holds, ..Self::default() }
    }

    /// Whether base, last and ours can be the same.
    pub(super) const fn is_at_rest(&self) -> bool {
        self.waiting.is_empty() && self.holds.is_none()
    }
}

impl DocumentActor {
    /// Somebody typed: its line is active for a while.
    pub(super) fn typed(&mut self, who: ParticipantId, author: AuthorId, now: Instant) {
        if let Some(typed) = self.text.last_of(author) {
            self.beside.active.typed(who, typed, now - self.began);
        }
    }

    /// What the file is to hold of this text, which is ours.
    pub(super) fn text_to_write(&mut self, ours: &str, now: Instant) -> String {
        let active = self.active(ours, now);
        self.beside.waiting.to_write(ours, &active)
    }

    /// The file was changed by another program: what it did becomes edits of the disk.
    pub(super) fn merge_outside(&mut self, change: &OutsideChange, now: Instant) {
        let found = change.after.as_str();
        if let Some(outrun) = self.perhaps_outrun.take()
            && outrun.is_told_by(found, &self.disk_replica, None)
        {
            debug!(document = %self.id, "the file has what the last program's journal lacked");
            self.disk_replica = outrun.least;
            self.journal.disk(self.disk_replica.state(), None);
        }
        let ours = self.text.text();
        if found == self.text_to_write(&ours, now) {
            // It is all of ours, whoever wrote it.
            self.disk_replica = DiskReplica::of(&self.text);
            self.beside.holds = (found != ours).then(|| found.to_owned());
            return self.journal.disk(self.disk_replica.state(), self.beside.holds.clone());
        }
        let last = self.disk_replica.text();
        let meant = match &change.origin {
            // The rule, and no need to compare large texts for it.
            Judgement::Edit | Judgement::Revert if change.before == last => found.to_owned(),
            origin => origin.meant(&change.before, &last, found),
        };
        if matches!(change.origin, Judgement::Stale(_)) {
            debug!(document = %self.id, "a program saved an older text: merged against that");
        }
        let active = self.active(&ours, now);
        let Taken { splices, waiting } = white_space::take(&last, &meant, &ours, &active);
        if !waiting.is_empty() {
            debug!(document = %self.id, "white space waits for those who type there");
        }
        let update = self.disk_replica.changed_by(&splices);
        let replica = self.disk_replica.text();
        self.beside.holds = (replica != found).then(|| found.to_owned());
        let holds = self.beside.holds.clone();
        let Some(update) = update else {
            self.beside.waiting.add(waiting, &ours);
            self.journal.disk(&[], holds);
            if self.text_to_write(&ours, now) != found {
                // All that the program did was to lack what came after the text that it had loaded: the file gets that back.
                self.lacks_something(now);
            }
            return;
        };
        self.journal.outside(&update, holds);
        let cause = match change.origin {
            Judgement::Revert => RemovedBy::Revert,
            Judgement::Edit | Judgement::Stale(_) => RemovedBy::Edit,
        };
        let deletes = |splice: &Splice| splice.delete > 0;
        if splices.iter().any(deletes) {
            self.apply_outside(&update, cause);
        } else {
            self.text.apply([update.as_slice()]).expect("our own update can be read");
        }
        if !waiting.is_empty() || !self.beside.waiting.is_empty() {
            self.beside.waiting.add(waiting, &self.text.text());
        }
        self.pass_on(None, update, now);
    }

    /// White space that nobody's typing keeps any more becomes as the disk's program wanted it. When that has to be looked
    /// at again, [`Self::white_space_due`] says.
    pub(super) fn settle_white_space(&mut self, now: Instant) {
        if self.beside.waiting.is_empty() {
            return;
        }
        let ours = self.text.text();
        let active = self.active(&ours, now);
        let Some(splices) = self.beside.waiting.settle(&ours, &active) else { return };
        debug!(document = %self.id, "white space is as the disk's program wanted it");
        let update = self.text.edit(&splices).expect("what was left out fits the text");
        if let Some(update) = update {
            self.changed(None, update, now);
        }
    }

    /// When white space that waits may be due.
    pub(super) fn white_space_due(&self) -> Option<Instant> {
        if self.beside.waiting.is_empty() {
            return None;
        }
        Some(self.began + self.beside.active.next_change().unwrap_or_default())
    }

    /// Nobody types any more: the session ends, or positions of before mean nothing.
    pub(super) fn nobody_types(&mut self) {
        self.beside.active = ActiveLines::default();
    }

    fn active(&mut self, ours: &str, now: Instant) -> Vec<u32> {
        self.beside.active.offsets(&self.text, ours, now - self.began)
    }
}
