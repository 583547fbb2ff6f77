//! What changes of the disk took from guests: everybody who has the document open is told, and any who may edit it brings it
//! back with one button.

use parlor_shared::access_rules;
use parlor_shared::document::outside::bring_back::{Losses, apply};
use parlor_shared::id::ParticipantId;
use parlor_shared::message::{DocumentToGuest, RemovedBy};
use parlor_shared::role::Role;
use tokio::time::Instant;
use tracing::debug;

use super::DocumentActor;
use crate::agent::workspace::Actor;

impl DocumentActor {
    /// Applies an update of the disk's to the text, and tells what it took from guests.
    pub(super) fn apply_outside(&mut self, update: &[u8], cause: RemovedBy) {
        let losses = apply(&mut self.text, update).expect("our own update can be read");
        let Some(losses) = losses else { return };
        let told = |offer| self.removed(offer, &losses, cause);
        // Numbers count up whether or not it is kept: nobody asks for what was never told.
        let message = told(self.offers.next());
        if self.offers.add(losses, cause).is_some() {
            self.tell_all(&message);
        }
    }

    fn removed(&self, offer: u32, losses: &Losses, cause: RemovedBy) -> DocumentToGuest {
        let (authors, lines) = (losses.authors().collect(), losses.lines() as u32);
        DocumentToGuest::Removed { document: self.id, offer, authors, lines, cause }
    }

    /// What can be brought back, for one who opens the document.
    pub(super) fn offered(&self) -> Vec<DocumentToGuest> {
        self.offers.iter().map(|(offer, losses, cause)| self.removed(offer, losses, cause)).collect()
    }

    /// Somebody wants back what was taken.
    pub(super) fn bring_back(&mut self, from: ParticipantId, offer: u32, now: Instant) {
        let Some(subscriber) = self.subscribers.get(&from) else { return };
        let role = subscriber.connection.role().unwrap_or(Role::Viewer);
        if role != Role::Host && !access_rules::is_writable_by_guests(&self.path) {
            return;
        }
        let splices = self.offers.take(offer, &self.text);
        let by = splices.is_some().then_some(from);
        if let Some(splices) = splices {
            debug!(document = %self.id, participant = %from, offer, "brings back what the disk took");
            let update = self.text.edit(&splices).expect("what is brought back fits the text");
            if let Some(update) = update {
                if role != Role::Host {
                    self.unsaved_by = Actor::Guest;
                }
                self.changed(None, update, now);
            }
        }
        self.tell_all(&DocumentToGuest::OfferOver { document: self.id, offer, by });
    }
}
