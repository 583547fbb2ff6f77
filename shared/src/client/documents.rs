//! A guest's open documents: opening, closing, reopening after a break, and what of each waits to be sent. What the host
//! says of them is in `documents/receive.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::check::SyncCheck;
use super::draft::{Draft, DraftMark};
use super::event::{ClientEvent, Phase};
use crate::codec::{self, TooLarge};
use crate::document::sync::{Carried, DocumentSync, SendRule, Settlement, SyncPhase};
use crate::document::{ChangedBy, Document, Run, Splice, UpdateError};
use crate::fault::{Fault, FaultCode};
use crate::id::{AuthorId, DocumentId, ParticipantId, RequestId};
use crate::lane::Lanes;
use crate::limits::{LONG_DOCUMENT_UNITS, MAX_TRANSPORT_MESSAGE_BYTES, VERIFY_INTERVAL};
use crate::message::{
    DocumentInfo, DocumentStatus, DocumentToHost, Encoding, KnownDocument, Packed, Reading, ToHost,
};
use crate::path::WorkspacePath;

mod receive;

/// Typing is merged into the next update while this much of earlier typing waits for the transport.
const UPDATES_UNDER_WAY_BYTES: usize = 4 * MAX_TRANSPORT_MESSAGE_BYTES;

/// How a document stands to host and disk, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// The text has not arrived yet.
    Opening,
    /// Away from the host; what is typed is kept here.
    Offline,
    /// The text differed from the host's, and the host's takes its place.
    Repairing,
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
    /// The host's text has moved on by much: what was typed meanwhile waits for a decision and is kept here.
    Held,
}

/// What somebody chose an encoding for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodingFor {
    /// To read the file.
    Reopening,
    /// To write it.
    Saving,
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
    /// The encoding that a person chose, and what it is for; said behind what was typed before.
    must_encode: Option<(RequestId, EncodingFor, Encoding)>,
    reading: Reading,
    /// The requests that opened it, until its state arrives.
    opened_by: Vec<RequestId>,
    /// Whether the driver was told that it is open, and did not close it.
    shown: bool,
    /// The driver no longer shows it; it stays until the host has all that was typed.
    closing: bool,
    replaces: Option<Replaces>,
    /// Counts changes of the text here, by anybody.
    changes: u64,
    /// At which of them the text was the host's, proved by digest.
    verified: u64,
    asked_to_verify: Option<Duration>,
    /// What the host offers to bring back.
    offers: BTreeSet<u32>,
    /// What a person wants back, and the host was not told yet.
    wanted_back: Vec<u32>,
    /// A person wants it compared as soon as nothing typed here is under way.
    must_compare: bool,
}

#[derive(Debug)]
struct Replaces {
    old: DocumentId,
    /// What was typed and is to be merged into the text that comes.
    carried: Option<Carried>,
    lost: Option<String>,
    fault: Option<Fault>,
}

impl OpenDocument {
    /// What the host says of it.
    pub const fn info(&self) -> &DocumentInfo {
        &self.info
    }

    /// Whether its text is here. It is not before the host has sent it, also when an empty replica has taken the place of
    /// one that could not go on: until [`ClientEvent::Replaced`] whoever shows the text goes on showing what it had.
    pub fn has_text(&self) -> bool {
        self.sync.phase() != SyncPhase::Opening
    }

    /// The replica: text, length, positions.
    pub const fn document(&self) -> &Document {
        self.sync.document()
    }

    /// Whether the host has confirmed everything that was typed here.
    pub fn is_confirmed(&self) -> bool {
        self.sync.is_confirmed()
    }

    /// Whether the text is all of the file.
    pub const fn reading(&self) -> Reading {
        self.reading
    }

    /// How it stands to host and disk.
    pub(super) fn sync_state(&self, phase: &Phase) -> SyncState {
        // Also while away: there is no text to type into until the host has sent it.
        if self.sync.phase() == SyncPhase::Opening {
            let fault = self.replaces.as_ref().and_then(|replaces| replaces.fault.as_ref());
            let is_repair = fault.is_some_and(|fault| fault.code == FaultCode::Repaired);
            return if is_repair { SyncState::Repairing } else { SyncState::Opening };
        }
        if *phase != Phase::Live {
            return SyncState::Offline;
        }
        if self.sync.is_held() {
            return SyncState::Held;
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

    /// Who asked for the file to be saved as it is now, if it was not the clock.
    pub const fn saved_by(&self) -> Option<ParticipantId> {
        match self.info.status {
            DocumentStatus::Saved { by } => by,
            DocumentStatus::Unsaved | DocumentStatus::NotSaved(_) | DocumentStatus::Gone => None,
        }
    }

    /// Whether the host lacks something that was typed here, as far as is known.
    pub const fn is_unconfirmed(&self) -> bool {
        self.sync.owes()
    }

    /// A document that was kept. Nobody shows it yet.
    fn restored(draft: &Draft) -> Result<Self, UpdateError> {
        let mut open = Self::new(draft.info.clone(), DocumentSync::restore(draft.me.author, &draft.kept())?);
        open.touched = true;
        open.changes = 1;
        Ok(open)
    }

    fn new(info: DocumentInfo, sync: DocumentSync) -> Self {
        Self {
            info,
            sync,
            touched: false,
            must_sync: false,
            must_save: false,
            must_encode: None,
            reading: Reading::Exact,
            opened_by: Vec::new(),
            shown: false,
            closing: false,
            replaces: None,
            changes: 0,
            verified: 0,
            asked_to_verify: None,
            must_compare: false,
            offers: BTreeSet::new(),
            wanted_back: Vec::new(),
        }
    }

    /// Whether it is time to compare the text with the host's: something changed, and nothing is under way.
    fn must_verify(&self, now: Duration) -> bool {
        self.sync.is_confirmed()
            && self.verified != self.changes
            && self.asked_to_verify.is_none_or(|asked| now >= asked + self.verify_interval())
    }

    fn verify_interval(&self) -> Duration {
        let long = self.sync.document().len() >= LONG_DOCUMENT_UNITS;
        if long { VERIFY_INTERVAL * 6 } else { VERIFY_INTERVAL }
    }

    /// Applies what was typed here.
    pub(super) fn edit(&mut self, splices: &[Splice]) -> Result<(), UpdateError> {
        self.touched = true;
        self.changes += 1;
        self.sync.edit(splices)
    }

    /// Whether it was closed here and the host has everything of it.
    fn is_done(&self) -> bool {
        self.closing
            && self.sync.is_confirmed()
            && !self.must_save
            && self.must_encode.is_none()
            && self.replaces.is_none()
    }

    /// The text as it is here, if the host does not have all of it.
    fn unconfirmed_text(&self) -> Option<String> {
        let lacks = self.sync.phase() != SyncPhase::Opening && self.sync.owes();
        lacks.then(|| self.sync.document().text())
    }

    /// The replica can not go on: an empty one takes its place, and the person is told what the host does not have.
    fn start_over(&mut self, author: AuthorId, fault: Option<Fault>) {
        // What was refused is refused again. What only lost its document finds it by the text that it was typed into.
        let may_carry = fault.as_ref().is_none_or(|fault| fault.code == FaultCode::UnknownDocument);
        let before = self.replaces.take();
        let (mut carried, mut lost) = before.map_or((None, None), |before| (before.carried, before.lost));
        if let Some(text) = self.unconfirmed_text() {
            carried = self.sync.carried().filter(|_| may_carry);
            lost = carried.is_none().then_some(text).or(lost);
        } else if !may_carry && let Some(carried) = carried.take() {
            lost = Some(carried.ours);
        }
        let tells = self.shown || lost.is_some() || carried.is_some();
        self.replaces = tells.then_some(Replaces { old: self.info.document, carried, lost, fault });
        self.sync = DocumentSync::instead_of(&self.sync, author);
    }

    /// The text has come that takes the place of another one: what was typed into that is merged into it. Says whether it
    /// waits for a person's decision.
    fn take_in_carried(&mut self, rule: SendRule) -> Result<bool, UpdateError> {
        let Some(carried) = self.replaces.as_mut().and_then(|replaces| replaces.carried.take()) else {
            return Ok(false);
        };
        self.touched = true;
        self.changes += 1;
        let settlement = self.sync.take_in(&carried, rule)?;
        if settlement == Settlement::Refused
            && let Some(replaces) = &mut self.replaces
        {
            replaces.lost = Some(carried.ours);
        }
        Ok(settlement == Settlement::Held)
    }

    /// The text is here: tells whoever waits for it. Says whether somebody did.
    fn tell_opened(&mut self, events: &mut VecDeque<ClientEvent>) -> bool {
        let document = self.info.document;
        let before = events.len();
        if let Some(Replaces { old, carried: _, lost, fault }) = self.replaces.take() {
            if self.shown {
                events.push_back(ClientEvent::Replaced { old, document, lost, fault });
            } else if lost.is_some() {
                events.push_back(ClientEvent::Closed { document: old, fault, lost });
            }
        }
        let opened_by = std::mem::take(&mut self.opened_by);
        self.shown |= !opened_by.is_empty();
        events.extend(opened_by.into_iter().map(|request| ClientEvent::Opened { request, document }));
        events.len() > before
    }

    /// Tells the driver, unless it no longer shows the document.
    fn tell(&self, event: ClientEvent, events: &mut VecDeque<ClientEvent>) {
        if self.shown {
            events.push_back(event);
        }
    }

    /// Tells the driver that others changed the text, unless it is still to learn that the document is there: then it
    /// finds the change in the text.
    fn tell_changed(&self, runs: Vec<Run>, events: &mut VecDeque<ClientEvent>) {
        let mine = self.info.document;
        let is_news = |event: &ClientEvent| match event {
            ClientEvent::Opened { document, .. } | ClientEvent::Replaced { document, .. } => {
                *document == mine
            }
            _ => false,
        };
        if !events.iter().any(is_news) {
            self.tell(ClientEvent::Changed { document: mine, runs }, events);
        }
    }

    /// The document ends without the driver's doing; whoever still waits for it, or loses text by it, is told.
    fn tell_closed(self, fault: Option<Fault>, events: &mut VecDeque<ClientEvent>) {
        let (document, lost) = (self.info.document, self.unconfirmed_text());
        let of_replaced = |replaces: Replaces| replaces.lost.or(replaces.carried.map(|carried| carried.ours));
        let lost = lost.or_else(|| self.replaces.and_then(of_replaced));
        if self.shown || lost.is_some() {
            events.push_back(ClientEvent::Closed { document, fault: fault.clone(), lost });
        }
        let fault = fault.unwrap_or_else(|| FaultCode::UnknownDocument.into());
        let failed = |request| ClientEvent::Fault { request: Some(request), fault: fault.clone() };
        events.extend(self.opened_by.into_iter().map(failed));
    }
}

/// A file that was asked for.
#[derive(Debug)]
struct Opening {
    path: WorkspacePath,
    /// Later requests for the same file: one answer serves all.
    others: Vec<RequestId>,
    asked: bool,
    /// The replica that this opening brings back. It stays open, and is typed into, meanwhile.
    returning: Option<DocumentId>,
}

/// Edits that wait for a decision, as [`super::Client::held`] shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEdits {
    /// The file.
    pub path: WorkspacePath,
    /// The host's text.
    pub host: String,
    /// The same with what was typed here merged into it.
    pub mine: String,
}

/// All of a guest's documents.
#[derive(Debug, Default)]
pub(super) struct Documents {
    author: Option<AuthorId>,
    send_rule: SendRule,
    open: BTreeMap<DocumentId, OpenDocument>,
    opening: BTreeMap<RequestId, Opening>,
    closed: BTreeSet<DocumentId>,
    /// Documents whose text was not the host's, and the digests of both; it is to be told.
    diverged: BTreeMap<DocumentId, ([u8; 8], [u8; 8])>,
    /// Documents with an update that is more than the link takes.
    too_large: Vec<(DocumentId, Fault)>,
    /// The comparison of all that a person asked for.
    check: Option<SyncCheck>,
    /// Ids for requests that the guest makes by itself; taken from the top, where the driver's never come.
    own_requests: u32,
}

impl Documents {
    pub(super) fn get(&self, document: DocumentId) -> Option<&OpenDocument> {
        self.open.get(&document).filter(|open| !open.closing)
    }

    pub(super) fn get_mut(&mut self, document: DocumentId) -> Option<&mut OpenDocument> {
        self.open.get_mut(&document).filter(|open| !open.closing && open.sync.phase() != SyncPhase::Opening)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenDocument> {
        self.open.values().filter(|open| !open.closing)
    }

    /// Opens a file, or answers at once or along with an earlier request if it is open or being opened.
    pub(super) fn open(
        &mut self,
        request: RequestId,
        path: WorkspacePath,
        events: &mut VecDeque<ClientEvent>,
    ) {
        if let Some(open) = self.open.values_mut().find(|open| open.info.path == path) {
            open.closing = false;
            open.opened_by.push(request);
            if open.sync.phase() != SyncPhase::Opening {
                open.tell_opened(events);
            }
        } else if let Some(opening) = self.opening.values_mut().find(|opening| opening.path == path) {
            opening.others.push(request);
        } else {
            let opening = Opening { path, others: Vec::new(), asked: false, returning: None };
            self.opening.insert(request, opening);
        }
    }

    pub(super) fn close(&mut self, document: DocumentId) {
        let returning = self.opening.values().any(|opening| opening.returning == Some(document));
        match self.open.get_mut(&document) {
            // It was asked for again before its new text came: that request stands.
            Some(open) if !open.opened_by.is_empty() => open.shown = false,
            // What was typed last has not reached the host, or was refused and not told yet, or the host is just
            // opening it for us.
            Some(open) if returning || open.sync.owes() || open.replaces.is_some() => {
                (open.closing, open.shown) = (true, false);
            }
            Some(_) => {
                self.open.remove(&document);
                self.closed.insert(document);
            }
            None => {}
        }
    }

    pub(super) fn save(&mut self, document: DocumentId) {
        if let Some(open) = self.open.get_mut(&document) {
            open.must_save = true;
        }
    }

    /// A person wants back what a change of the disk took.
    pub(super) fn bring_back(&mut self, document: DocumentId, offer: u32) {
        if let Some(open) = self.open.get_mut(&document)
            && open.offers.contains(&offer)
            && !open.wanted_back.contains(&offer)
        {
            open.wanted_back.push(offer);
        }
    }

    pub(super) fn encode(
        &mut self,
        document: DocumentId,
        request: RequestId,
        purpose: EncodingFor,
        encoding: Encoding,
    ) {
        if let Some(open) = self.open.get_mut(&document) {
            open.must_encode = Some((request, purpose, encoding));
        }
    }

    /// From now on edits are sent by this rule.
    pub(super) fn set_send_rule(&mut self, rule: SendRule) {
        self.send_rule = rule;
    }

    /// What waits for a decision in a document, once the host's text is known.
    pub(super) fn held(&self, document: DocumentId) -> Option<HeldEdits> {
        let open = self.open.get(&document)?;
        let host = open.sync.host_text()?;
        Some(HeldEdits { path: open.info.path.clone(), host, mine: open.sync.document().text() })
    }

    pub(super) fn send_held(&mut self, document: DocumentId, events: &mut VecDeque<ClientEvent>) {
        if let Some(open) = self.open.get_mut(&document) {
            open.sync.send_held();
            open.must_sync |= open.sync.wants_whole();
            open.tell(ClientEvent::SyncChanged { document }, events);
        }
    }

    /// Gives the text up that was held, and gives it back.
    pub(super) fn take_hosts(
        &mut self,
        document: DocumentId,
        events: &mut VecDeque<ClientEvent>,
    ) -> Option<String> {
        let open = self.open.get_mut(&document)?;
        let (mine, splices) = open.sync.take_hosts()?;
        open.changes += 1;
        let runs = vec![Run { by: ChangedBy::Anybody, splices }];
        open.tell(ClientEvent::Changed { document, runs }, events);
        open.tell(ClientEvent::SyncChanged { document }, events);
        Some(mine)
    }

    /// Brings kept documents back, before there is a connection. Gives those that can not be read.
    pub(super) fn restore(&mut self, author: AuthorId, drafts: Vec<Draft>) -> Vec<Draft> {
        self.author = Some(author);
        let mut unreadable = Vec::new();
        for draft in drafts {
            match OpenDocument::restored(&draft) {
                Ok(open) => {
                    self.open.insert(draft.info.document, open);
                }
                Err(_) => unreadable.push(draft),
            }
        }
        unreadable
    }

    /// The documents that the host does not have all of, closed ones included.
    pub(super) fn unconfirmed(&self) -> impl Iterator<Item = DraftMark> {
        let unconfirmed = self.open.values().filter(|open| {
            // A text that was refused is still there, and to be told.
            let is_kept = |replaces: &Replaces| replaces.lost.is_some() || replaces.carried.is_some();
            open.sync.owes() || open.replaces.as_ref().is_some_and(is_kept)
        });
        unconfirmed.map(|open| {
            let (edits, confirmed) = open.sync.edits();
            let is_awaited = open.sync.waits_for_draft();
            DraftMark { document: open.info.document, edits, confirmed, is_awaited }
        })
    }

    /// All of a document that there is something to keep of.
    pub(super) fn kept(
        &self,
        document: DocumentId,
    ) -> Option<(DocumentInfo, crate::document::sync::KeptReplica)> {
        let open = self.open.get(&document).filter(|open| open.sync.phase() != SyncPhase::Opening)?;
        Some((open.info.clone(), open.sync.keep()))
    }

    pub(super) fn draft_is_written(&mut self, document: DocumentId, edits: u64) {
        if let Some(open) = self.open.get_mut(&document) {
            open.sync.draft_is_written(edits);
        }
    }

    /// The request failed; a replica that it should have brought back ends.
    pub(super) fn failed(&mut self, request: RequestId, fault: &Fault, events: &mut VecDeque<ClientEvent>) {
        let Some(opening) = self.opening.remove(&request) else { return };
        if let Some(open) = opening.returning.and_then(|document| self.open.remove(&document)) {
            open.tell_closed(Some(fault.clone()), events);
        }
        let failed = |request| ClientEvent::Fault { request: Some(request), fault: fault.clone() };
        events.extend(opening.others.into_iter().map(failed));
    }

    /// The connection broke, or lives again.
    pub(super) fn moved_between_phases(&mut self, to: &Phase, events: &mut VecDeque<ClientEvent>) {
        if *to != Phase::Live {
            // Whoever asked for a comparison is not kept waiting for the host's return.
            self.end_check(events);
        }
        for (document, open) in &mut self.open {
            open.must_compare &= *to == Phase::Live;
            open.tell(ClientEvent::SyncChanged { document: *document }, events);
        }
    }

    /// The link is void: updates under way may be lost, nothing is sent until the host told what it has.
    pub(super) fn went_away(&mut self, events: &mut VecDeque<ClientEvent>) {
        self.opening.retain(|_, opening| {
            opening.asked = false;
            opening.returning.is_none()
        });
        self.closed.clear();
        for (document, open) in &mut self.open {
            open.sync.went_away();
            open.tell(ClientEvent::SyncChanged { document: *document }, events);
        }
    }

    /// The connection was broken and goes on where it was.
    pub(super) fn came_back(&mut self) {
        if self.send_rule == SendRule::AskFirst {
            for open in self.open.values_mut() {
                open.must_sync |= open.sync.came_back();
            }
        }
    }

    /// Welcome, perhaps again: brings every replica back.
    pub(super) fn reopen(&mut self, author: AuthorId, events: &mut VecDeque<ClientEvent>) {
        let same = self.author == Some(author);
        self.author = Some(author);
        let documents: Vec<DocumentId> = self.open.keys().copied().collect();
        for document in documents {
            // Another author can not send the old one's text: what was not confirmed is handed to the person.
            if !same && let Some(open) = self.open.remove(&document) {
                self.start_over(open, author, None, events);
            }
            self.reopen_one(document);
            if self.get(document).is_some() {
                events.push_back(ClientEvent::SyncChanged { document });
            }
        }
    }

    /// Puts an empty replica in the place of one that can not go on, unless nobody shows it any more.
    fn start_over(
        &mut self,
        mut open: OpenDocument,
        author: AuthorId,
        fault: Option<Fault>,
        events: &mut VecDeque<ClientEvent>,
    ) {
        let may_carry = fault.as_ref().is_none_or(|fault| fault.code == FaultCode::UnknownDocument);
        if open.closing && !(may_carry && open.sync.carried().is_some()) {
            open.tell_closed(fault, events);
        } else {
            open.start_over(author, fault);
            self.open.insert(open.info.document, open);
        }
    }

    fn reopen_one(&mut self, document: DocumentId) {
        let Some(open) = self.open.get(&document) else { return };
        let path = open.info.path.clone();
        self.own_requests += 1;
        let request = RequestId(u32::MAX - self.own_requests);
        self.opening
            .insert(request, Opening { path, others: Vec::new(), asked: false, returning: Some(document) });
    }

    /// Puts what waits onto the lanes.
    pub(super) fn fill(&mut self, lanes: &mut Lanes, now: Duration) -> Result<(), Fault> {
        let full = |_| Fault::new(FaultCode::TooSlow);
        let mut too_large = Vec::new();
        for (document, (host, mine)) in std::mem::take(&mut self.diverged) {
            lanes.push_document(bytes(DocumentToHost::Diverged { document, host, mine })?).map_err(full)?;
        }
        for document in std::mem::take(&mut self.closed) {
            lanes.push_document(bytes(DocumentToHost::Close { document })?).map_err(full)?;
        }
        for (request, opening) in &mut self.opening {
            if !opening.asked {
                opening.asked = true;
                let returning = opening.returning.and_then(|document| self.open.get(&document));
                let known = returning.filter(|open| open.replaces.is_none()).map(|open| KnownDocument {
                    document: open.info.document,
                    epoch: open.info.epoch,
                    state_vector: open.sync.known(),
                });
                let path = opening.path.clone();
                let message = bytes(DocumentToHost::Open { request: *request, path, known })?;
                lanes.push_document(message).map_err(full)?;
            }
        }
        for (id, open) in &mut self.open {
            let document = *id;
            let is_asked = open.must_compare && open.sync.is_confirmed();
            if is_asked || open.must_verify(now) {
                open.must_compare = false;
                open.asked_to_verify = Some(now);
                lanes.push_document(bytes(DocumentToHost::Verify { document })?).map_err(full)?;
            }
            if std::mem::take(&mut open.must_sync) {
                let (epoch, state_vector) = (open.info.epoch, open.sync.ask_for_state());
                let message = bytes(DocumentToHost::Sync { document, epoch, state_vector })?;
                lanes.push_document(message).map_err(full)?;
            }
            if lanes.queued_document_bytes() < UPDATES_UNDER_WAY_BYTES {
                let update = open.sync.next_update().map_err(|_| Fault::new(FaultCode::InvalidUpdate))?;
                if let Some((sequence, update)) = update {
                    // As a state, since it may be as large as one and is never to be dropped.
                    let (epoch, update) = (open.info.epoch, Packed::new(update));
                    match bytes(DocumentToHost::Update { document, epoch, sequence, update }) {
                        Ok(message) => lanes.push_state(document, message).map_err(full)?,
                        Err(error) => too_large.push((document, Fault::from(error))),
                    }
                }
            }
            if open.sync.phase() == SyncPhase::Live {
                for offer in std::mem::take(&mut open.wanted_back) {
                    lanes
                        .push_document(bytes(DocumentToHost::BringBack { document, offer })?)
                        .map_err(full)?;
                }
            }
            // Behind what was typed before it, and not before the host has the document open.
            if open.must_save && open.sync.is_flushed() {
                open.must_save = false;
                lanes.push_document(bytes(DocumentToHost::Save { document })?).map_err(full)?;
            }
            if open.sync.is_flushed()
                && let Some((request, purpose, encoding)) = open.must_encode.take()
            {
                let message = match purpose {
                    EncodingFor::Reopening => DocumentToHost::Reopen { request, document, encoding },
                    EncodingFor::Saving => DocumentToHost::SaveWith { request, document, encoding },
                };
                lanes.push_document(bytes(message)?).map_err(full)?;
            }
        }
        let done: Vec<DocumentId> =
            self.open.iter().filter(|(_, open)| open.is_done()).map(|(document, _)| *document).collect();
        for document in done {
            self.open.remove(&document);
            lanes.push_document(bytes(DocumentToHost::Close { document })?).map_err(full)?;
        }
        self.too_large = too_large;
        Ok(())
    }

    /// What was typed and is more than the link takes at once is handed back to the person, as if the host had refused it. Says
    /// whether anything was: then there is more to put onto the lanes.
    pub(super) fn refuse_too_large(&mut self, events: &mut VecDeque<ClientEvent>) -> bool {
        let too_large = std::mem::take(&mut self.too_large);
        let any = !too_large.is_empty();
        for (document, fault) in too_large {
            self.receive_refused(document, fault, events);
        }
        any
    }

    /// When a text is to be compared with the host's next, if any is: those never compared go with the next message.
    pub(super) fn next_verification(&self) -> Option<Duration> {
        let due = |open: &OpenDocument| open.asked_to_verify.map(|asked| asked + open.verify_interval());
        let changed = self.open.values().filter(|open| open.verified != open.changes);
        changed.filter(|open| open.sync.is_confirmed()).filter_map(due).min()
    }

    pub(super) fn apply_incoming(&mut self, events: &mut VecDeque<ClientEvent>) {
        self.tell_check(events);
        for open in self.open.values_mut() {
            if !open.sync.has_incoming() {
                continue;
            }
            open.touched = true;
            open.changes += 1;
            let mut runs = Vec::new();
            open.must_sync |= open.sync.apply_incoming(&mut runs).is_err();
            if !runs.is_empty() {
                open.tell_changed(runs, events);
            }
        }
    }

    /// Compares every open document with the host's.
    pub(super) fn check_sync(&mut self, phase: &Phase, events: &mut VecDeque<ClientEvent>) {
        let asked: Vec<DocumentId> =
            self.open.iter().filter(|(_, open)| !open.closing).map(|(document, _)| *document).collect();
        for document in &asked {
            if let Some(open) = self.open.get_mut(document) {
                open.must_compare = true;
            }
        }
        self.check = Some(SyncCheck::new(asked.into_iter()));
        match phase {
            Phase::Live => self.tell_check(events),
            _ => self.end_check(events),
        }
    }

    /// Tells what a check came to, once everything has answered that still can.
    fn tell_check(&mut self, events: &mut VecDeque<ClientEvent>) {
        let Some(check) = &mut self.check else { return };
        let open = &self.open;
        let is_there = |document| open.get(&document).is_some_and(|open: &OpenDocument| !open.closing);
        if let Some(report) = check.finished(is_there) {
            self.check = None;
            events.push_back(ClientEvent::SyncChecked { report });
        }
    }

    /// Nothing answers any more.
    fn end_check(&mut self, events: &mut VecDeque<ClientEvent>) {
        if let Some(report) = self.check.take().and_then(|mut check| check.finished(|_| false)) {
            events.push_back(ClientEvent::SyncChecked { report });
        }
    }
}

fn bytes(message: DocumentToHost) -> Result<Bytes, TooLarge> {
    codec::encode_for_link(&ToHost::Document(message)).map(Bytes::from)
}
