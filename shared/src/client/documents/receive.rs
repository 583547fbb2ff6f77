//! What the host says about a guest's open documents, and what becomes of each message.

use std::collections::VecDeque;

use super::{Documents, OpenDocument};
use crate::client::check::Repair;
use crate::client::event::ClientEvent;
use crate::document::sync::{DocumentSync, Received, SyncPhase};
use crate::document::{ChangedBy, Run, digest, incident};
use crate::fault::{Fault, FaultCode};
use crate::id::{AuthorId, DocumentId, RequestId};
use crate::message::{DocumentInfo, DocumentStatus, DocumentToGuest, Reading};

impl Documents {
    /// Takes in a message about documents.
    pub(in crate::client) fn receive(
        &mut self,
        message: DocumentToGuest,
        events: &mut VecDeque<ClientEvent>,
    ) -> Result<(), Fault> {
        match message {
            DocumentToGuest::Opened { request, info } => self.receive_opened(request, info, events)?,
            DocumentToGuest::State { document, epoch, update, state_vector } => {
                let Some(open) = self.open.get_mut(&document).filter(|open| open.info.epoch == epoch) else {
                    return Ok(());
                };
                let update = update.unpack()?;
                let was_open = open.sync.phase() != SyncPhase::Opening;
                let knew_host = open.sync.host_text().is_some();
                let received = open.sync.receive_state(&update, &state_vector, self.send_rule);
                let splices = match received.map_err(|_| Fault::new(FaultCode::InvalidUpdate))? {
                    Received::Changed(splices) => splices,
                    Received::Partial => {
                        open.must_sync = true;
                        return Ok(());
                    }
                    Received::Contradiction => {
                        self.receive_refused(document, FaultCode::Repaired.into(), events);
                        return Ok(());
                    }
                };
                open.must_sync |= open.sync.wants_whole();
                let holds_carried =
                    open.take_in_carried(self.send_rule).map_err(|_| Fault::new(FaultCode::InvalidUpdate))?;
                if holds_carried && open.closing {
                    // Nobody is there to decide: it goes back as it was.
                    let Some(open) = self.open.remove(&document) else { return Ok(()) };
                    self.closed.insert(document);
                    open.tell_closed(None, events);
                    return Ok(());
                }
                if !knew_host && open.sync.is_held() && !open.sync.wants_whole() {
                    events.push_back(ClientEvent::Held { document });
                }
                open.changes += 1;
                if !open.tell_opened(events) && was_open && !splices.is_empty() {
                    open.touched = true;
                    open.tell_changed(vec![Run { by: ChangedBy::Anybody, splices }], events);
                }
                open.tell(ClientEvent::SyncChanged { document }, events);
            }
            DocumentToGuest::Update { document, epoch, by, update } => {
                if let Some(open) = self.open.get_mut(&document) {
                    if open.info.epoch == epoch {
                        let by = by.map_or(ChangedBy::Disk, ChangedBy::Participant);
                        open.sync.receive_update(by, update.unpack()?);
                    } else if open.sync.phase() == SyncPhase::Live {
                        open.must_sync = true;
                    }
                }
            }
            DocumentToGuest::Renewed { document, epoch, update } => {
                self.receive_renewed(document, epoch, &update.unpack()?, events)?;
            }
            DocumentToGuest::Acknowledged { document, sequence } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.sync.acknowledge(sequence);
                    open.tell(ClientEvent::SyncChanged { document }, events);
                }
            }
            DocumentToGuest::Refused { document, fault, .. } => self.receive_refused(document, fault, events),
            DocumentToGuest::Resync { document } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.must_sync = true;
                }
            }
            DocumentToGuest::Status { document, status } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.touched |=
                        matches!(status, DocumentStatus::Unsaved | DocumentStatus::Saved { by: Some(_) });
                    open.info.status = status;
                    open.tell(ClientEvent::SyncChanged { document }, events);
                }
            }
            DocumentToGuest::Moved { document, path } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.info.path = path.clone();
                    open.tell(ClientEvent::Moved { document, path }, events);
                }
            }
            DocumentToGuest::Removed { document, offer, authors, lines, cause } => {
                // Told again to whoever comes back; a person is told once.
                if let Some(open) = self.open.get_mut(&document)
                    && open.offers.insert(offer)
                {
                    open.tell(ClientEvent::Removed { document, offer, authors, lines, cause }, events);
                }
            }
            DocumentToGuest::OfferOver { document, offer, by } => {
                if let Some(open) = self.open.get_mut(&document)
                    && open.offers.remove(&offer)
                {
                    open.wanted_back.retain(|wanted| *wanted != offer);
                    open.tell(ClientEvent::OfferOver { document, offer, by }, events);
                }
            }
            DocumentToGuest::Format { document, end_of_line, encoding, reading } => {
                if let Some(open) = self.open.get_mut(&document) {
                    (open.info.end_of_line, open.info.encoding) = (end_of_line, encoding);
                    open.reading = reading;
                    open.tell(ClientEvent::SyncChanged { document }, events);
                }
            }
            DocumentToGuest::Digest { document, digest } => self.receive_digest(document, digest, events),
            DocumentToGuest::Closed { document, fault } => {
                if let Some(open) = self.open.remove(&document) {
                    open.tell_closed(fault, events);
                }
            }
        }
        self.tell_check(events);
        Ok(())
    }

    /// The document goes on in a new epoch. A replica that lacks something of the last one asks for that first.
    fn receive_renewed(
        &mut self,
        document: DocumentId,
        epoch: u32,
        update: &[u8],
        events: &mut VecDeque<ClientEvent>,
    ) -> Result<(), Fault> {
        let Some(open) = self.open.get_mut(&document) else { return Ok(()) };
        if open.info.epoch.checked_add(1) != Some(epoch)
            || open.sync.phase() != SyncPhase::Live
            || open.must_sync
        {
            return Ok(());
        }
        let mut runs = Vec::new();
        open.sync.renew(update, &mut runs).map_err(|_| Fault::new(FaultCode::InvalidUpdate))?;
        open.info.epoch = epoch;
        open.changes += 1;
        if !runs.is_empty() {
            open.touched = true;
            open.tell_changed(runs, events);
        }
        open.tell(ClientEvent::SyncChanged { document }, events);
        Ok(())
    }

    fn receive_opened(
        &mut self,
        request: RequestId,
        info: DocumentInfo,
        events: &mut VecDeque<ClientEvent>,
    ) -> Result<(), Fault> {
        // A host that answers before it says welcome breaks the rules.
        let author = self.author.ok_or(FaultCode::Malformed)?;
        let document = info.document;
        let Some(opening) = self.opening.remove(&request) else {
            // Closed again before the answer came.
            self.closed.insert(document);
            return Ok(());
        };
        if let Some(open) = opening.returning.and_then(|old| self.open.remove(&old)) {
            self.receive_returned(open, info, author, events);
        } else if let Some(open) = self.open.get_mut(&document) {
            // The file was renamed between two openings: one replica serves both.
            open.closing = false;
            open.opened_by.push(request);
            open.opened_by.extend(opening.others);
            if open.sync.phase() != SyncPhase::Opening {
                open.tell_opened(events);
            }
        } else {
            let mut open = OpenDocument::new(info, DocumentSync::new(author));
            open.opened_by = std::iter::once(request).chain(opening.others).collect();
            self.open.insert(document, open);
        }
        Ok(())
    }

    /// A replica that outlived its connection, or was refused, has its document again.
    fn receive_returned(
        &mut self,
        mut open: OpenDocument,
        info: DocumentInfo,
        author: AuthorId,
        events: &mut VecDeque<ClientEvent>,
    ) {
        let document = info.document;
        let is_other = (open.info.document, open.info.epoch) != (document, info.epoch);
        if is_other && open.replaces.is_some() {
            // It began anew already, and may have heard news of the text that it was.
            open.sync = DocumentSync::instead_of(&open.sync, author);
        } else if is_other {
            // The text there is another one now: the replica must not be merged into it.
            if open.closing && open.sync.carried().is_none() {
                self.closed.insert(document);
                return open.tell_closed(None, events);
            }
            open.start_over(author, None);
        }
        if open.info.document != document {
            open.offers.clear();
            open.wanted_back.clear();
        }
        let moved = open.info.path != info.path;
        open.info = info;
        // A message about it follows if there is more to say.
        open.reading = Reading::Exact;
        if moved {
            let path = open.info.path.clone();
            open.tell(ClientEvent::Moved { document, path }, events);
        }
        match self.open.get_mut(&document) {
            // The file was opened anew meanwhile, and perhaps typed into.
            Some(other) => {
                other.replaces = open.replaces;
                if other.sync.phase() != SyncPhase::Opening
                    && other.take_in_carried(self.send_rule).unwrap_or(false)
                {
                    events.push_back(ClientEvent::Held { document });
                }
                other.opened_by.append(&mut open.opened_by);
                if other.sync.phase() != SyncPhase::Opening {
                    other.tell_opened(events);
                }
            }
            None => {
                self.open.insert(document, open);
            }
        }
    }

    /// The host's text, named at this very place in the stream of updates: ours must be the same, if nothing of ours is
    /// under way. If it is not, ours is forgotten and the host's taken: it has all that was confirmed.
    fn receive_digest(&mut self, document: DocumentId, host: [u8; 8], events: &mut VecDeque<ClientEvent>) {
        self.apply_incoming(events);
        let Some(open) = self.open.get_mut(&document) else { return };
        if !open.sync.is_confirmed() || open.must_sync {
            // It proves nothing; whoever waits for an answer gets the next one.
            open.must_compare = self.check.as_ref().is_some_and(|check| check.waits_for(document));
            return;
        }
        let mine = digest(&open.sync.document().text());
        if mine == host {
            open.verified = open.changes;
            if let Some(check) = &mut self.check {
                check.is_equal(document);
            }
            return;
        }
        let incident = incident(host, mine);
        if let Some(check) = &mut self.check {
            let path = open.info.path.clone();
            check.is_repaired(document, Repair { path, incident: incident.clone() });
        }
        self.diverged.insert(document, (host, mine));
        self.receive_refused(document, Fault::new(FaultCode::Repaired).with(incident), events);
    }

    pub(super) fn receive_refused(
        &mut self,
        document: DocumentId,
        fault: Fault,
        events: &mut VecDeque<ClientEvent>,
    ) {
        let Some(author) = self.author else { return };
        let Some(open) = self.open.remove(&document) else { return };
        self.start_over(open, author, Some(fault), events);
        self.closed.insert(document);
        self.reopen_one(document);
        if self.get(document).is_some() {
            events.push_back(ClientEvent::SyncChanged { document });
        }
    }
}
