//! Who has the document open: what they are told of the text, and what of theirs is taken into it.

use std::sync::Arc;

use parlor_shared::access_rules;
use parlor_shared::document::epoch::Step;
use parlor_shared::document::{UpdateError, digest};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, RequestId};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{
    DocumentInfo, DocumentStatus, DocumentToGuest, KnownDocument, Packed, Reading, ToGuest,
};
use parlor_shared::role::Role;
use tokio::time::Instant;
use tracing::debug;

use super::{DocumentActor, Subscriber};
use crate::agent::outbox::encode;
use crate::agent::participant::{ConnectionId, ParticipantConnection};
use crate::agent::workspace::Actor;

impl DocumentActor {
    pub(super) fn is_subscribed(&self, participant: ParticipantId, connection: ConnectionId) -> bool {
        let same = |subscriber: &Subscriber| subscriber.connection.connection == connection;
        self.subscribers.get(&participant).is_some_and(same)
    }

    pub(super) fn open(
        &mut self,
        connection: Arc<ParticipantConnection>,
        request: RequestId,
        known: Option<KnownDocument>,
        now: Instant,
    ) {
        if connection.stopped.is_cancelled() {
            return self.note_emptiness(now);
        }
        let role = connection.role().unwrap_or(Role::Viewer);
        // Whoever knew the text in an earlier epoch is brought forward from there.
        let steps = known.filter(|known| known.document == self.id).and_then(|known| {
            let steps = self.epochs.steps(&self.text, known.epoch, &known.state_vector).ok()??;
            Some((known.epoch, steps))
        });
        let (epoch, steps) = steps.unwrap_or_else(|| {
            let current = self.epochs.current();
            let steps = self.epochs.steps(&self.text, current, &[]);
            (current, steps.ok().flatten().expect("the current epoch is known, and so is an empty vector"))
        });
        let info = DocumentInfo {
            document: self.id,
            epoch,
            path: self.path.clone(),
            end_of_line: self.format.end_of_line(),
            encoding: self.format.encoding,
            writable: role == Role::Host || access_rules::is_writable_by_guests(&self.path),
            status: self.status.clone(),
        };
        connection.outbox.document(DocumentToGuest::Opened { request, info });
        if self.format.reading != Reading::Exact {
            connection.outbox.document(self.format_news());
        }
        let id = connection.id;
        let subscriber =
            Subscriber { connection, sequence: 0, writing: 0, written: 0, acknowledged: 0, refused: false };
        self.subscribers.insert(id, subscriber);
        self.empty_since = None;
        self.idle_told = false;
        self.send_steps(id, steps);
        for offered in self.offered() {
            self.subscribers[&id].connection.outbox.document(offered);
        }
    }

    pub(super) fn synchronise(&self, from: ParticipantId, epoch: u32, state_vector: &[u8]) {
        let Some(subscriber) = self.subscribers.get(&from) else { return };
        match self.epochs.steps(&self.text, epoch, state_vector) {
            Ok(Some(steps)) => self.send_steps(from, steps),
            Ok(None) => {
                let fault = FaultCode::UnknownDocument.into();
                let refused =
                    DocumentToGuest::Refused { document: self.id, sequence: subscriber.sequence, fault };
                subscriber.connection.outbox.document(refused);
            }
            Err(_) => subscriber.connection.outbox.fault(None, FaultCode::Malformed.into()),
        }
    }

    fn send_steps(&self, to: ParticipantId, steps: Vec<Step>) {
        let Some(subscriber) = self.subscribers.get(&to) else { return };
        let document = self.id;
        for step in steps {
            let message = match step {
                Step::State { epoch, update, state_vector } => {
                    DocumentToGuest::State { document, epoch, update: Packed::new(update), state_vector }
                }
                Step::Renewed { epoch, update } => {
                    DocumentToGuest::Renewed { document, epoch, update: Packed::new(update) }
                }
            };
            subscriber.connection.outbox.state(document, message);
        }
    }

    pub(super) fn verify(&mut self, from: ParticipantId) {
        let Some(subscriber) = self.subscribers.get(&from) else { return };
        // Whoever asks next usually asks of the same text.
        let digest = match self.digest {
            Some((changes, digest)) if changes == self.changes => digest,
            Some(_) | None => digest(&self.text.text()),
        };
        self.digest = Some((self.changes, digest));
        subscriber.connection.outbox.document(DocumentToGuest::Digest { document: self.id, digest });
    }

    pub(super) fn update(&mut self, from: ParticipantId, sequence: u32, packed: &Packed, now: Instant) {
        let Some(subscriber) = self.subscribers.get_mut(&from) else { return };
        if subscriber.refused {
            return;
        }
        let connection = Arc::clone(&subscriber.connection);
        let writable =
            connection.role() == Some(Role::Host) || access_rules::is_writable_by_guests(&self.path);
        let result = if self.format.reading == Reading::WithMarks {
            Err(Fault::new(FaultCode::Undecodable).with(&self.path))
        } else if writable {
            packed.unpack().map_err(Fault::from).and_then(|update| {
                let applied = self.text.apply_as(connection.author, &update, MAX_DOCUMENT_BYTES as u64);
                applied.map(|()| update).map_err(|error| fault_of(&error))
            })
        } else {
            Err(Fault::new(FaultCode::Protected).with(&self.path))
        };
        let update = match result {
            Ok(update) => update,
            Err(fault) => {
                debug!(document = %self.id, participant = %from, code = ?fault.code, "refused an update");
                subscriber.refused = true;
                let refused = DocumentToGuest::Refused { document: self.id, sequence, fault };
                subscriber.connection.outbox.document(refused);
                return;
            }
        };
        subscriber.sequence = sequence;
        if connection.role() != Some(Role::Host) {
            self.unsaved_by = Actor::Guest;
        }
        self.typed(from, connection.author, now);
        self.changed(Some(from), update, now);
    }

    /// The text changed: passes it on to everybody but its author.
    pub(super) fn changed(&mut self, author: Option<ParticipantId>, update: Vec<u8>, now: Instant) {
        // Before anybody hears of it: what was acknowledged or seen by another survives the end of this program. While the
        // disk refuses the journal, others see it all the same; it is acknowledged when a file has it.
        self.journal.text(&update);
        self.pass_on(author, update, now);
    }

    pub(super) fn pass_on(&mut self, author: Option<ParticipantId>, update: Vec<u8>, now: Instant) {
        self.changes += 1;
        self.unweighed += update.len();
        self.schedule.edited(now);
        self.renew_at = None;
        let (epoch, update) = (self.epochs.current(), Packed::new(update));
        let message = DocumentToGuest::Update { document: self.id, epoch, by: author, update };
        let message = encode(&ToGuest::Document(message));
        for (id, subscriber) in &self.subscribers {
            if Some(*id) != author {
                subscriber.connection.outbox.update(self.id, message.clone());
            }
        }
        match &self.status {
            DocumentStatus::Saved { .. } | DocumentStatus::Unsaved => self.set_status(self.unsaved()),
            // Somebody may just have removed what the file can not hold.
            DocumentStatus::NotSaved(fault) if is_about_the_text(fault) => self.schedule.try_anew(),
            DocumentStatus::NotSaved(_) | DocumentStatus::Gone => {}
        }
    }

    /// The file lacks something of the text, though nobody typed.
    pub(super) fn lacks_something(&mut self, now: Instant) {
        self.schedule.edited(now);
        if matches!(self.status, DocumentStatus::Saved { .. } | DocumentStatus::Unsaved) {
            self.set_status(self.unsaved());
        }
    }

    /// After a batch, so that one acknowledgement serves many updates, and the news that the text is not saved yet
    /// comes first. What the journal lacks is acknowledged when the file has it.
    pub(super) fn acknowledge(&mut self) {
        let is_behind = self.journal.is_behind();
        for subscriber in self.subscribers.values_mut() {
            let sequence =
                if is_behind { subscriber.written.max(subscriber.acknowledged) } else { subscriber.sequence };
            if subscriber.acknowledged != sequence {
                subscriber.acknowledged = sequence;
                let acknowledged = DocumentToGuest::Acknowledged { document: self.id, sequence };
                subscriber.connection.outbox.document(acknowledged);
            }
        }
    }

    pub(super) fn tell_all(&self, message: &DocumentToGuest) {
        for subscriber in self.subscribers.values() {
            subscriber.connection.outbox.document(message.clone());
        }
    }
}

/// Whether a save failed because of what the text is, and not of how the disk is.
const fn is_about_the_text(fault: &Fault) -> bool {
    matches!(fault.code, FaultCode::Unencodable | FaultCode::DocumentTooLarge)
}

fn fault_of(error: &UpdateError) -> Fault {
    match error {
        UpdateError::Malformed | UpdateError::Gap | UpdateError::OutOfRange | UpdateError::NotText(_) => {
            FaultCode::InvalidUpdate.into()
        }
        UpdateError::ForeignAuthor(_) => FaultCode::ForeignAuthor.into(),
        UpdateError::TooLarge { bytes } => {
            Fault::new(FaultCode::DocumentTooLarge).with(bytes).with(MAX_DOCUMENT_BYTES)
        }
    }
}
