//! A guest's open documents: opening, closing, reopening after a break, and what of each waits to be sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::event::ClientEvent;
use crate::codec;
use crate::document::sync::{DocumentSync, SyncPhase};
use crate::document::{Document, Splice, UpdateError};
use crate::fault::{Fault, FaultCode};
use crate::id::{AuthorId, DocumentId, RequestId};
use crate::lane::Lanes;
use crate::limits::MAX_TRANSPORT_MESSAGE_BYTES;
use crate::message::{DocumentInfo, DocumentStatus, DocumentToGuest, DocumentToHost, KnownDocument, ToHost};
use crate::path::WorkspacePath;

/// Typing is merged into the next update while this much of earlier typing waits for the transport.
const UPDATES_UNDER_WAY_BYTES: usize = 4 * MAX_TRANSPORT_MESSAGE_BYTES;

/// How a document stands to host and disk, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// The text has not arrived yet.
    Opening,
    /// Away from the host; what is typed is kept here.
    Offline,
    /// The host or its disk does not have everything yet.
    Saving,
    /// Nothing was changed since it was opened, or only by the disk: all are equal.
    Synced,
    /// Everything typed is on the host's disk.
    Saved,
    /// The host could not write it; the text is safe in the session.
    NotSaved(Fault),
    /// The file is gone from the disk; the text is safe in the session.
    Gone,
}

/// One open document.
#[derive(Debug)]
pub struct OpenDocument {
    info: DocumentInfo,
    sync: DocumentSync,
    /// Whether anything was typed, by anybody, since it was opened.
    touched: bool,
    must_sync: bool,
    must_save: bool,
    /// The request that opened it, until the first state arrives.
    opened_by: Option<RequestId>,
    replaces: Option<Replaces>,
}

#[derive(Debug)]
struct Replaces {
    old: DocumentId,
    lost: Option<String>,
    fault: Option<Fault>,
}

impl OpenDocument {
    /// What the host says of it.
    pub const fn info(&self) -> &DocumentInfo {
        &self.info
    }

    /// The replica: text, length, positions.
    pub const fn document(&self) -> &Document {
        self.sync.document()
    }

    /// How it stands to host and disk.
    pub(super) fn sync_state(&self, live: bool) -> SyncState {
        if !live {
            return SyncState::Offline;
        }
        if self.sync.phase() == SyncPhase::Opening {
            return SyncState::Opening;
        }
        match &self.info.status {
            DocumentStatus::NotSaved(fault) => SyncState::NotSaved(fault.clone()),
            DocumentStatus::Gone => SyncState::Gone,
            DocumentStatus::Unsaved => SyncState::Saving,
            DocumentStatus::Saved { .. } if !self.sync.is_confirmed() || self.must_save => SyncState::Saving,
            DocumentStatus::Saved { .. } if self.touched => SyncState::Saved,
            DocumentStatus::Saved { .. } => SyncState::Synced,
        }
    }

    /// Applies what was typed here.
    pub(super) fn edit(&mut self, splices: &[Splice]) -> Result<(), UpdateError> {
        self.touched = true;
        self.sync.edit(splices)
    }

    /// The text as it is here, if the host does not have all of it.
    fn unconfirmed_text(&self) -> Option<String> {
        let lacks = self.sync.phase() != SyncPhase::Opening && self.sync.owes();
        lacks.then(|| self.sync.document().text())
    }

    /// The replica can not go on: an empty one takes its place, and the person is told what the host does not have.
    fn start_over(&mut self, author: AuthorId, fault: Option<Fault>) {
        let lost =
            self.unconfirmed_text().or_else(|| self.replaces.take().and_then(|replaces| replaces.lost));
        self.replaces = Some(Replaces { old: self.info.document, lost, fault });
        self.sync = DocumentSync::new(author);
    }

    fn opened_event(&mut self) -> Option<ClientEvent> {
        let document = self.info.document;
        if let Some(Replaces { old, lost, fault }) = self.replaces.take() {
            self.opened_by = None;
            return Some(ClientEvent::Replaced { old, document, lost, fault });
        }
        self.opened_by.take().map(|request| ClientEvent::Opened { request, document })
    }
}

/// A file that was asked for.
#[derive(Debug)]
struct Opening {
    path: WorkspacePath,
    asked: bool,
    /// The replica that this opening brings back. It stays open, and is typed into, meanwhile.
    returning: Option<DocumentId>,
}

/// All of a guest's documents.
#[derive(Debug, Default)]
pub(super) struct Documents {
    author: Option<AuthorId>,
    open: BTreeMap<DocumentId, OpenDocument>,
    opening: BTreeMap<RequestId, Opening>,
    closed: BTreeSet<DocumentId>,
    /// Ids for requests that the guest makes by itself; taken from the top, where the driver's never come.
    own_requests: u32,
}

impl Documents {
    pub(super) fn get(&self, document: DocumentId) -> Option<&OpenDocument> {
        self.open.get(&document)
    }

    pub(super) fn get_mut(&mut self, document: DocumentId) -> Option<&mut OpenDocument> {
        self.open.get_mut(&document).filter(|open| open.sync.phase() != SyncPhase::Opening)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenDocument> {
        self.open.values()
    }

    pub(super) fn by_path(&self, path: &WorkspacePath) -> Option<DocumentId> {
        self.open
            .values()
            .find(|open| open.info.path == *path && open.sync.phase() != SyncPhase::Opening)
            .map(|open| open.info.document)
    }

    pub(super) fn open(&mut self, request: RequestId, path: WorkspacePath) {
        self.opening.insert(request, Opening { path, asked: false, returning: None });
    }

    pub(super) fn close(&mut self, document: DocumentId) {
        if self.open.remove(&document).is_some() {
            self.closed.insert(document);
        }
    }

    pub(super) fn save(&mut self, document: DocumentId) {
        if let Some(open) = self.open.get_mut(&document) {
            open.must_save = true;
        }
    }

    /// The request failed; a replica that it should have brought back ends.
    pub(super) fn failed(&mut self, request: RequestId, fault: &Fault, events: &mut VecDeque<ClientEvent>) {
        let Some(document) = self.opening.remove(&request).and_then(|opening| opening.returning) else {
            return;
        };
        if let Some(open) = self.open.remove(&document) {
            let lost = open.unconfirmed_text();
            events.push_back(ClientEvent::Closed { document, fault: Some(fault.clone()), lost });
        }
    }

    /// The connection broke: updates under way may be lost, nothing is sent until the host told what it has.
    pub(super) fn went_away(&mut self, events: &mut VecDeque<ClientEvent>) {
        self.opening.retain(|_, opening| {
            opening.asked = false;
            opening.returning.is_none()
        });
        self.closed.clear();
        for (document, open) in &mut self.open {
            open.sync.ask_for_state();
            events.push_back(ClientEvent::SyncChanged { document: *document });
        }
    }

    /// Welcome, perhaps again: brings every replica back.
    pub(super) fn reopen(&mut self, author: AuthorId, events: &mut VecDeque<ClientEvent>) {
        let same = self.author == Some(author);
        self.author = Some(author);
        let documents: Vec<DocumentId> = self.open.keys().copied().collect();
        for document in documents {
            if let Some(open) = self.open.get_mut(&document).filter(|_| !same) {
                // Another author can not send the old one's text: what was not confirmed is handed to the person.
                open.start_over(author, None);
            }
            self.reopen_one(document);
            events.push_back(ClientEvent::SyncChanged { document });
        }
    }

    fn reopen_one(&mut self, document: DocumentId) {
        let Some(open) = self.open.get(&document) else { return };
        let path = open.info.path.clone();
        self.own_requests += 1;
        let request = RequestId(u32::MAX - self.own_requests);
        self.opening.insert(request, Opening { path, asked: false, returning: Some(document) });
    }

    /// Puts what waits onto the lanes.
    pub(super) fn fill(&mut self, lanes: &mut Lanes) -> Result<(), Fault> {
        let full = |_| Fault::new(FaultCode::TooSlow);
        for document in std::mem::take(&mut self.closed) {
            lanes.push_document(bytes(DocumentToHost::Close { document })).map_err(full)?;
        }
        for (request, opening) in &mut self.opening {
            if !opening.asked {
                opening.asked = true;
                let returning = opening.returning.and_then(|document| self.open.get(&document));
                let known = returning.filter(|open| open.replaces.is_none()).map(|open| KnownDocument {
                    document: open.info.document,
                    state_vector: open.sync.document().state_vector(),
                });
                let path = opening.path.clone();
                let message = bytes(DocumentToHost::Open { request: *request, path, known });
                lanes.push_document(message).map_err(full)?;
            }
        }
        for (id, open) in &mut self.open {
            let document = *id;
            if std::mem::take(&mut open.must_sync) {
                let state_vector = open.sync.ask_for_state();
                lanes.push_document(bytes(DocumentToHost::Sync { document, state_vector })).map_err(full)?;
            }
            if lanes.queued_document_bytes() < UPDATES_UNDER_WAY_BYTES {
                let update = open.sync.next_update().map_err(|_| Fault::new(FaultCode::InvalidUpdate))?;
                if let Some((sequence, update)) = update {
                    // As a state, since it may be as large as one and is never to be dropped.
                    let message = bytes(DocumentToHost::Update { document, sequence, update });
                    lanes.push_state(document, message).map_err(full)?;
                }
            }
            if std::mem::take(&mut open.must_save) {
                lanes.push_document(bytes(DocumentToHost::Save { document })).map_err(full)?;
            }
        }
        Ok(())
    }

    pub(super) fn apply_incoming(&mut self, events: &mut VecDeque<ClientEvent>) {
        for (document, open) in &mut self.open {
            if !open.sync.has_incoming() {
                continue;
            }
            open.touched = true;
            match open.sync.apply_incoming() {
                Ok(splices) if splices.is_empty() => {}
                Ok(splices) => events.push_back(ClientEvent::Changed { document: *document, splices }),
                Err(_) => open.must_sync = true,
            }
        }
    }

    /// Takes in a message about documents.
    pub(super) fn receive(
        &mut self,
        message: DocumentToGuest,
        events: &mut VecDeque<ClientEvent>,
    ) -> Result<(), Fault> {
        match message {
            DocumentToGuest::Opened { request, info } => self.receive_opened(request, info),
            DocumentToGuest::State { document, update, state_vector } => {
                let Some(open) = self.open.get_mut(&document) else { return Ok(()) };
                let was_open = open.sync.phase() != SyncPhase::Opening;
                let splices = open
                    .sync
                    .receive_state(&update, &state_vector)
                    .map_err(|_| Fault::new(FaultCode::InvalidUpdate))?;
                if let Some(event) = open.opened_event() {
                    events.push_back(event);
                } else if was_open && !splices.is_empty() {
                    open.touched = true;
                    events.push_back(ClientEvent::Changed { document, splices });
                }
                events.push_back(ClientEvent::SyncChanged { document });
            }
            DocumentToGuest::Update { document, update } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.sync.receive_update(update);
                }
            }
            DocumentToGuest::Acknowledged { document, sequence } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.sync.acknowledge(sequence);
                    events.push_back(ClientEvent::SyncChanged { document });
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
                    open.touched |= status == DocumentStatus::Unsaved;
                    open.info.status = status;
                    events.push_back(ClientEvent::SyncChanged { document });
                }
            }
            DocumentToGuest::Moved { document, path } => {
                if let Some(open) = self.open.get_mut(&document) {
                    open.info.path = path.clone();
                    events.push_back(ClientEvent::Moved { document, path });
                }
            }
            DocumentToGuest::Closed { document, fault } => {
                if let Some(open) = self.open.remove(&document) {
                    let lost = open.unconfirmed_text();
                    events.push_back(ClientEvent::Closed { document, fault, lost });
                }
            }
        }
        Ok(())
    }

    fn receive_opened(&mut self, request: RequestId, info: DocumentInfo) {
        let Some(opening) = self.opening.remove(&request) else {
            // Closed again before the answer came.
            self.closed.insert(info.document);
            return;
        };
        let author = self.author.expect("a guest opens nothing before it is welcome");
        let returning = opening.returning.and_then(|old| self.open.remove(&old));
        let mut open = match returning {
            Some(mut open) => {
                if open.info.document != info.document && open.replaces.is_none() {
                    // The text there is another one now: the replica must not be merged into it.
                    open.start_over(author, None);
                }
                open
            }
            // Two openings of one file crossed: one replica serves both.
            None if self.open.contains_key(&info.document) => return,
            None => OpenDocument {
                info: info.clone(),
                sync: DocumentSync::new(author),
                touched: false,
                must_sync: false,
                must_save: false,
                opened_by: Some(request),
                replaces: None,
            },
        };
        open.info = info;
        self.open.insert(open.info.document, open);
    }

    fn receive_refused(&mut self, document: DocumentId, fault: Fault, events: &mut VecDeque<ClientEvent>) {
        let Some(author) = self.author else { return };
        let Some(open) = self.open.get_mut(&document) else { return };
        open.start_over(author, Some(fault));
        self.closed.insert(document);
        self.reopen_one(document);
        events.push_back(ClientEvent::SyncChanged { document });
    }
}

fn bytes(message: DocumentToHost) -> Bytes {
    codec::encode(&ToHost::Document(message)).into()
}
