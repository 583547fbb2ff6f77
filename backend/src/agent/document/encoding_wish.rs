//! Another encoding for a file: to read it anew, or to write it.

use parlor_shared::access_rules;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, RequestId};
use parlor_shared::message::{DocumentToGuest, Encoding, Reading};
use parlor_shared::role::Role;

use super::DocumentActor;
use super::job::DiskJob;
use crate::agent::workspace::Actor;

/// What an encoding is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Purpose {
    /// The file is read anew; it stays as it is.
    Read,
    /// The file is written.
    Write,
}

/// Somebody's choice of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) struct EncodingWish {
    /// Carried back by a fault.
    pub(in crate::agent) request: RequestId,
    /// What it is for.
    pub(in crate::agent) purpose: Purpose,
    /// Which.
    pub(in crate::agent) encoding: Encoding,
}

impl DocumentActor {
    pub(super) fn wish_encoding(&mut self, from: ParticipantId, wish: EncodingWish) {
        let Some(subscriber) = self.subscribers.get(&from) else { return };
        let is_host = subscriber.connection.role() == Some(Role::Host);
        let refused = if !is_host && !access_rules::is_writable_by_guests(&self.path) {
            Some(Fault::new(FaultCode::Protected).with(&self.path))
        } else if wish.purpose == Purpose::Write && self.format.reading == Reading::WithMarks {
            Some(Fault::new(FaultCode::Undecodable).with(&self.path))
        } else if self.encoding_wish.is_some() {
            Some(FaultCode::Busy.into())
        } else {
            None
        };
        if let Some(fault) = refused {
            return subscriber.connection.outbox.fault(Some(wish.request), fault);
        }
        if !is_host && wish.purpose == Purpose::Write {
            self.unsaved_by = Actor::Guest;
        }
        self.encoding_wish = Some((from, wish));
    }

    /// What the disk is to be asked because of a wish, if there is one.
    pub(super) fn wished_job(&self) -> Option<DiskJob> {
        let (_, wish) = self.encoding_wish?;
        Some(match wish.purpose {
            Purpose::Read => DiskJob::Reopen(wish.encoding),
            Purpose::Write => DiskJob::Want { encoding: wish.encoding, text: self.text.text() },
        })
    }

    /// The disk, or the text, refuses the encoding.
    pub(super) fn wish_refused(&mut self, fault: Fault) {
        if let Some((from, wish)) = self.encoding_wish.take()
            && let Some(subscriber) = self.subscribers.get(&from)
        {
            subscriber.connection.outbox.fault(Some(wish.request), fault);
        }
    }

    /// The encoding is the file's from now on, or from the next save on, which comes at once.
    pub(super) fn wish_granted(&mut self) {
        if let Some((from, wish)) = self.encoding_wish.take()
            && wish.purpose == Purpose::Write
        {
            self.save_asked_by = Some(from);
            self.schedule.try_anew();
            self.schedule.force();
        }
    }

    /// How the file stores its text, as guests are told when it changes.
    pub(super) const fn format_news(&self) -> DocumentToGuest {
        DocumentToGuest::Format {
            document: self.id,
            end_of_line: self.format.end_of_line(),
            encoding: self.format.encoding,
            reading: self.format.reading,
        }
    }
}
