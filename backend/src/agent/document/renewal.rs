//! When the text begins a new epoch: see [`parlor_shared::document::epoch`].

use std::time::Duration;

use parlor_shared::document::epoch::{Wear, wear};
use parlor_shared::message::{DocumentStatus, DocumentToGuest, Packed};
use tokio::time::Instant;
use tracing::debug;

use super::{DocumentActor, LINGER_FOR_LOST};
use crate::agent::state::DiskReplica;

/// Bytes of updates after which the weight of the history is looked at again, besides a quarter of the text's length: that
/// takes as long as encoding all of it.
const WEIGH_AFTER_BYTES: usize = 16 * 1024;

/// So long nobody types before a worn history is left behind, unless it is worn out: undo does not reach behind it.
const RENEWAL_QUIET: Duration = Duration::from_secs(30);

impl DocumentActor {
    /// Looks whether the history has become too heavy. After a checkpoint, when the disk has all of the text: then both
    /// replicas can begin anew with the same.
    pub(super) fn weigh(&mut self, now: Instant) {
        self.epochs.forget_until(now - self.began);
        if !self.is_at_rest() {
            return;
        }
        if self.unweighed >= WEIGH_AFTER_BYTES + self.text.len() as usize / 4 {
            self.unweighed = 0;
            match wear(&self.text) {
                Ok(Wear::WornOut) => return self.renew(now),
                Ok(Wear::Worn) => self.renew_at = Some(now + RENEWAL_QUIET),
                Ok(Wear::Slight) | Err(_) => {}
            }
        }
        if self.renew_at.is_some_and(|at| at <= now) {
            self.renew(now);
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.loaded
            && !self.schedule.is_unsaved()
            && !self.job.is_running()
            && !self.check_disk
            && self.settling_until.is_none()
            && matches!(self.status, DocumentStatus::Saved { .. })
            && self.finishing.is_none()
            && self.beside.is_at_rest()
            && !self.journal.is_behind()
    }

    /// Leaves the history behind: see [`parlor_shared::document::epoch`].
    fn renew(&mut self, now: Instant) {
        self.renew_at = None;
        if self.text.text() != self.disk_replica.text() {
            return;
        }
        let until = now + LINGER_FOR_LOST - self.began;
        let (text, first) = self.epochs.renew(&self.text, until).expect("our own document can be encoded");
        self.disk_replica = DiskReplica::of(&text);
        self.nobody_types();
        self.offers.renewed(&self.text, &text);
        self.text = text;
        self.journal.renew(&self.identity(), &self.text, &self.disk_replica);
        let epoch = self.epochs.current();
        debug!(document = %self.id, epoch, "left the history behind");
        let renewed = DocumentToGuest::Renewed { document: self.id, epoch, update: Packed::new(first) };
        for subscriber in self.subscribers.values() {
            subscriber.connection.outbox.state(self.id, renewed.clone());
        }
    }
}
