//! What the client reports, written into the store and passed on to the editors.

use std::sync::Arc;

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use parlor_shared::client::draft::Urgency;
use parlor_shared::client::{ClientEvent, OpenDocument, Phase, SyncState};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, RequestId};
use parlor_shared::message::{LeaveReason, NewEntry, Reading, RemovedBy};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::{Capability, Grant, Rights};
use wasm_bindgen::JsValue;

use super::store::{
    Content, Entry, Image, Knock, Person, Protection, Salvage, SessionStateStoreFields as _, Tab, TabId,
    Text, ToastAction, Tone, Unsent, Who,
};
use super::{Pending, SessionHandle};
use crate::file_kind;
use crate::text;

impl SessionHandle {
    /// Takes in one event. Runs inside the driver's delivery: what it does with the client is delivered after it.
    pub(super) fn apply(self, event: ClientEvent) {
        if self.try_inner().is_none() {
            return;
        }
        match event {
            ClientEvent::Phase(phase) => self.apply_phase(phase),
            ClientEvent::BeganAfresh => {
                self.inner().began_afresh.set(true);
                self.store.knocks().set(Vec::new());
                self.requests_are_void();
            }
            ClientEvent::ParticipantsChanged => self.apply_people(),
            ClientEvent::Left { name, reason, .. } => {
                let sentence = match reason {
                    LeaveReason::Left => text::person_left(&name),
                    LeaveReason::Lost => text::person_lost(&name),
                    LeaveReason::Removed => text::person_removed(&name),
                };
                self.announce(sentence);
            }
            ClientEvent::PresenceChanged { participant } => self.apply_presence(participant),
            ClientEvent::Knock { participant, name, role, words } => {
                self.announce(text::knock_title(&name));
                self.store.knocks().update(|knocks| {
                    knocks.retain(|knock| knock.participant != participant);
                    knocks.push(Knock { participant, name, role, words });
                });
            }
            ClientEvent::KnockOver { participant } => {
                self.store.knocks().update(|knocks| knocks.retain(|knock| knock.participant != participant));
            }
            ClientEvent::Invites { invites } => self.store.invites().set(invites),
            ClientEvent::Opened { request, document } => self.apply_opened(request, document),
            ClientEvent::Changed { document, runs } => {
                if let Some(views) = self.views() {
                    views.changed(document, &runs);
                }
            }
            ClientEvent::Replaced { old, document, lost, fault } => {
                self.apply_replaced(old, document, lost, fault);
            }
            ClientEvent::SyncChanged { document } => {
                self.apply_sync(document);
                self.keep_drafts_soon();
            }
            ClientEvent::Held { document } => {
                self.store.held().update(|held| {
                    held.retain(|other| *other != document);
                    held.push(document);
                });
            }
            ClientEvent::Removed { document, offer, authors, lines, cause } => {
                self.apply_removed(document, offer, &authors, lines, cause);
            }
            ClientEvent::OfferOver { document, offer, by } => self.apply_offer_over(document, offer, by),
            ClientEvent::SyncChecked { report } => {
                let tone = if report.repaired.is_empty() && report.unanswered == 0 {
                    Tone::Info
                } else {
                    Tone::Warning
                };
                self.toast(tone, text::sync_report(&report), None);
            }
            ClientEvent::Moved { document, path } => self.apply_moved(document, path),
            ClientEvent::Closed { document, fault, lost } => self.apply_closed(document, fault, lost),
            ClientEvent::Listing { request, folder, entries, omitted } => {
                if let Some(request) = request {
                    self.answered(request);
                }
                self.store.tree().update(|tree| tree.listed(&folder, entries, omitted));
            }
            ClientEvent::FolderChanges { folder, changed, removed } => {
                self.store.tree().update(|tree| tree.changed(&folder, changed, &removed));
            }
            ClientEvent::FolderGone { folder } => self.store.tree().update(|tree| tree.gone(&folder)),
            ClientEvent::Done { request } => self.apply_done(request),
            ClientEvent::Chunk { request, total, offset, bytes } => {
                self.apply_chunk(request, total, offset, &bytes);
            }
            ClientEvent::TerminalsListed | ClientEvent::TerminalChanged { .. } => self.apply_terminals(),
            ClientEvent::TerminalOver { terminal, reason } => self.apply_terminal_over(terminal, reason),
            ClientEvent::TerminalOpened { request, terminal } => {
                self.answered(request);
                if let Some(views) = self.terminal_views() {
                    views.opened(terminal);
                }
            }
            ClientEvent::TerminalScreen { terminal, size, history, skipped, bytes } => {
                if let Some(views) = self.terminal_views() {
                    views.screen(terminal, size, history, skipped, &bytes);
                }
            }
            ClientEvent::TerminalOutput { terminal, bytes } => {
                if let Some(views) = self.terminal_views() {
                    views.output(terminal, &bytes);
                }
            }
            ClientEvent::TerminalRefused { terminal, fault } => {
                let told = match fault.code {
                    FaultCode::Silent => text::keys_lost(&self.terminal_name(terminal)),
                    _ => text::fault_line(&fault),
                };
                self.toast(Tone::Warning, told, None);
            }
            ClientEvent::Fault { request, fault } => self.apply_fault(request, fault),
        }
    }

    fn apply_phase(self, phase: Phase) {
        let first = phase == Phase::Live && self.store.entry().get_untracked() == Entry::Outside;
        match &phase {
            Phase::Live => {
                self.store.info().set(
                    self.read(|client| client.membership().map(|membership| membership.session.clone()))
                        .flatten(),
                );
                self.store.fault().set(None);
                self.hold_participant();
                if first {
                    self.store.entry().set(Entry::Entered);
                }
            }
            Phase::Offline | Phase::Ended(_) => {
                if matches!(phase, Phase::Ended(_)) {
                    self.requests_are_void();
                }
                // What waits for a decision is decided with the host's text at hand.
                self.store.held().set(Vec::new());
                self.keep_drafts_soon();
            }
            Phase::Connecting | Phase::Lobby => {}
        }
        self.store.words().set(self.read(parlor_shared::client::Client::words).flatten());
        if let Phase::Ended(_) = &phase {
            self.keep_unsent_texts();
        }
        let live = phase == Phase::Live;
        self.store.phase().set(phase);
        // Also the first time: a room that opened from drafts was never told of any folder.
        let afresh = live && self.inner().began_afresh.take();
        if first {
            self.restore_place();
        } else if live {
            if afresh {
                self.catch_up();
            }
            self.toast(Tone::Info, text::BACK_ONLINE.to_owned(), None);
        }
    }

    /// Requests that were under way die with the connection; what only reads is asked again later.
    fn requests_are_void(self) {
        // The client itself asks again for files that were being opened.
        let inner = self.inner();
        let void = inner.requests.borrow_mut().split_off(|pending| matches!(pending, Pending::Open(_)));
        for (_, pending) in void {
            if let Pending::Create { path, .. }
            | Pending::Rename { from: path, .. }
            | Pending::Delete { path } = pending
            {
                self.toast(Tone::Warning, text::unanswered(path.name()), None);
            }
        }
    }

    /// After a return on a new link: the host has forgotten what this page follows.
    fn catch_up(self) {
        let shown = self.store.tree().with_untracked(super::tree::Tree::shown);
        for folder in shown {
            self.watch(folder);
        }
        let images: Vec<_> = self.store.tabs().with_untracked(|tabs| {
            let loading = |tab: &&Tab| matches!(tab.content(), Some(Content::ImageLoading { .. }));
            tabs.iter().filter(loading).filter_map(|tab| Some((tab.id, tab.path()?.clone()))).collect()
        });
        for (tab, path) in images {
            self.read_image(tab, path);
        }
    }

    pub(super) fn apply_people(self) {
        let people = self.read(|client| {
            let me = client.membership().map(|membership| membership.me);
            let person = |participant: &parlor_shared::message::Participant| {
                let presence = client.presences().get(participant.id);
                Person {
                    id: participant.id,
                    name: participant.name.clone(),
                    role: participant.role,
                    grants: client.rights_of(participant).grants,
                    color: participant.color,
                    who: if Some(participant.id) == me { Who::Me } else { Who::Other },
                    file: presence.and_then(|presence| presence.file.clone()),
                    activity: presence.map(|presence| presence.activity).unwrap_or_default(),
                }
            };
            (client.participants().map(person).collect::<Vec<_>>(), client.rights())
        });
        let Some((people, Rights { role, grants })) = people else { return };
        let before = self.store.people().get_untracked();
        self.tell_about_people(&before, &people);
        if self.store.grants().get_untracked() != grants {
            self.store.grants().set(grants);
        }
        if self.store.role().get_untracked() != role {
            self.store.role().set(role);
        }
        if before != people {
            self.store.people().set(people);
        }
        if let Some(views) = self.views() {
            views.people_moved();
        }
    }

    fn tell_about_people(self, before: &[Person], after: &[Person]) {
        if before.is_empty() {
            return;
        }
        for person in after {
            if person.who == Who::Other && !before.iter().any(|known| known.id == person.id) {
                self.announce(text::person_joined(&person.name));
            }
            let Some(known) = before.iter().find(|other| other.id == person.id) else { continue };
            if known.role != person.role {
                // What ends with the role needs no word of its own.
                match person.who {
                    Who::Me => self.toast(Tone::Info, text::my_role_changed(person.role), None),
                    Who::Other => self.announce(text::role_changed(&person.name, person.role)),
                }
            } else if known.opens_by_grant() != person.opens_by_grant() {
                let grant = if person.opens_by_grant() { Grant::Given } else { Grant::Taken };
                match person.who {
                    Who::Me => self.toast(Tone::Info, text::my_terminals_changed(grant).to_owned(), None),
                    Who::Other => self.announce(text::terminals_changed(&person.name, grant)),
                }
            }
        }
    }

    fn apply_presence(self, participant: ParticipantId) {
        let presence = self.read(|client| client.presences().get(participant).cloned()).flatten();
        let Some(presence) = presence else { return };
        let changed = self.store.people().with_untracked(|people| {
            people.iter().any(|person| {
                person.id == participant
                    && (person.file != presence.file || person.activity != presence.activity)
            })
        });
        if changed {
            self.store.people().update(|people| {
                for person in people.iter_mut().filter(|person| person.id == participant) {
                    person.file.clone_from(&presence.file);
                    person.activity = presence.activity;
                }
            });
        }
        if let Some(views) = self.views() {
            views.people_moved();
        }
    }

    fn apply_opened(self, request: RequestId, document: DocumentId) {
        let Some(Pending::Open(tab)) = self.answered(request) else { return };
        let wanted = self.store.tabs().with_untracked(|tabs| tabs.iter().any(|open| open.id == tab));
        if !wanted {
            self.with(|client| client.close(document));
            return;
        }
        self.apply_sync(document);
        // The file may have been renamed between the question and the answer.
        let path =
            self.read(|client| client.document(document).map(|open| open.info().path.clone())).flatten();
        self.update_tab(tab, |tab| {
            tab.set_content(Content::Text(document));
            if let Some(path) = path {
                tab.set_path(path);
            }
        });
    }

    fn apply_replaced(
        self,
        old: DocumentId,
        document: DocumentId,
        lost: Option<String>,
        fault: Option<Fault>,
    ) {
        if old != document {
            self.store.texts().update(|texts| texts.retain(|text| text.document != old));
            self.store.tabs().update(|tabs| {
                for tab in tabs.iter_mut().filter(|tab| tab.document() == Some(old)) {
                    tab.set_content(Content::Text(document));
                }
            });
        }
        if let Some(views) = self.views() {
            views.replaced(old, document);
        }
        self.apply_sync(document);
        let path =
            self.read(|client| client.document(document).map(|open| open.info().path.clone())).flatten();
        let path = path.unwrap_or_default();
        match (lost, fault) {
            (Some(lost), fault) => self.keep_salvage(path, lost, fault.as_ref()),
            (None, Some(fault)) => self.toast(Tone::Warning, text::fault_line(&fault), None),
            (None, None) => {}
        }
    }

    /// Brings the store's view of a document up to date.
    fn apply_sync(self, document: DocumentId) {
        let now = self.read(|client| {
            let sync = client.sync_state(document)?;
            client.document(document).map(|open| text_of(open, sync))
        });
        let Some(mut now) = now.flatten() else { return };
        let before = self
            .store
            .texts()
            .with_untracked(|texts| texts.iter().find(|text| text.document == document).cloned());
        match now.sync {
            SyncState::Offline | SyncState::Held => {}
            // Not told for every key and every confirmation: while the host is there, it is on its way.
            SyncState::Saving => now.unsent = before.as_ref().map_or(now.unsent, |text| text.unsent),
            _ => now.unsent = Unsent::Nothing,
        }
        if matches!(now.sync, SyncState::Synced | SyncState::Saved) {
            self.discard_what_arrived(document);
        }
        if before.as_ref() == Some(&now) {
            return;
        }
        self.store.texts().update(|texts| match texts.iter_mut().find(|text| text.document == document) {
            Some(text) => *text = now,
            None => texts.push(now),
        });
    }

    fn apply_moved(self, document: DocumentId, path: WorkspacePath) {
        self.store.tabs().update(|tabs| {
            for tab in tabs.iter_mut().filter(|tab| tab.document() == Some(document)) {
                tab.set_path(path.clone());
            }
        });
        if let Some(views) = self.views() {
            views.moved(document, &path);
        }
        self.keep_place();
    }

    fn apply_closed(self, document: DocumentId, fault: Option<Fault>, lost: Option<String>) {
        let tab = self
            .store
            .tabs()
            .with_untracked(|tabs| tabs.iter().find(|tab| tab.document() == Some(document)).cloned());
        self.store.texts().update(|texts| texts.retain(|text| text.document != document));
        if let Some(tab) = &tab {
            let fault = fault.clone().unwrap_or_else(|| FaultCode::NotFound.into());
            self.update_tab(tab.id, |tab| tab.set_content(Content::Notice(fault)));
        }
        if let Some(views) = self.views() {
            views.closed(document);
        }
        if let Some(lost) = lost {
            self.keep_salvage(
                tab.as_ref().and_then(Tab::path).cloned().unwrap_or_default(),
                lost,
                fault.as_ref(),
            );
        }
    }

    fn apply_done(self, request: RequestId) {
        match self.answered(request) {
            Some(Pending::Create { path, entry: NewEntry::File }) => {
                self.open_file(path, super::command::Focus::Editor)
            }
            Some(Pending::Create { path, entry: NewEntry::Folder }) => self.expand_folder(path),
            Some(Pending::Delete { path }) => self.announce(text::deleted(path.name())),
            Some(Pending::Rename { from, to }) if from.parent() != to.parent() => {
                let folder = to.parent().unwrap_or_default();
                self.announce(text::moved(from.name(), folder.as_str()));
            }
            Some(
                Pending::Rename { .. }
                | Pending::Administer
                | Pending::Encode
                | Pending::Open(_)
                | Pending::Watch(_)
                | Pending::Image { .. },
            )
            | None => {}
        }
    }

    fn apply_chunk(self, request: RequestId, total: u64, offset: u64, piece: &[u8]) {
        let inner = self.inner();
        let (tab, received) = {
            let mut requests = inner.requests.borrow_mut();
            let Some(Pending::Image { tab, bytes }) = requests.get_mut(&request) else { return };
            if offset != bytes.len() as u64 {
                return;
            }
            bytes.extend_from_slice(piece);
            (*tab, bytes.len() as u64)
        };
        if received < total {
            return self.update_tab(tab, |tab| tab.set_content(Content::ImageLoading { received, total }));
        }
        let Some(Pending::Image { bytes, .. }) = self.answered(request) else { return };
        let path =
            self.store.tabs().with_untracked(|tabs| tabs.iter().find(|open| open.id == tab)?.path().cloned());
        let Some(path) = path else { return };
        let address = blob_address(&bytes, file_kind::image_type(path.name()).unwrap_or_default());
        self.update_tab(tab, |tab| {
            tab.set_content(match address {
                Some(address) => Content::Image(Arc::new(Image { address, bytes: total })),
                None => Content::Notice(FaultCode::Binary.into()),
            });
        });
    }

    fn apply_fault(self, request: Option<RequestId>, fault: Fault) {
        let Some(request) = request else {
            if fault.code == FaultCode::UnknownMessage {
                // An older host passed over something that it does not know; what it does know stays right.
                return;
            }
            self.store.fault().set(Some(fault.clone()));
            if self.store.entry().get_untracked() == Entry::Entered
                && *self.store.phase().read_untracked() == Phase::Live
            {
                self.toast(Tone::Warning, text::fault_line(&fault), None);
            }
            return;
        };
        match self.answered(request) {
            Some(Pending::Open(tab) | Pending::Image { tab, .. }) => {
                self.update_tab(tab, |tab| tab.set_content(Content::Notice(fault)));
            }
            Some(Pending::Watch(folder)) => self.store.tree().update(|tree| tree.failed(&folder, fault)),
            Some(
                Pending::Create { .. }
                | Pending::Rename { .. }
                | Pending::Delete { .. }
                | Pending::Administer
                | Pending::Encode,
            ) => self.toast(Tone::Error, text::fault_line(&fault), None),
            None => {}
        }
    }

    fn answered(self, request: RequestId) -> Option<Pending> {
        self.inner().requests.borrow_mut().remove(&request)
    }

    fn update_tab(self, id: TabId, change: impl FnOnce(&mut Tab)) {
        self.store.tabs().update(|tabs| {
            if let Some(tab) = tabs.iter_mut().find(|tab| tab.id == id) {
                change(tab);
            }
        });
    }

    /// The session is over: texts that the host does not have in full are kept for the person.
    fn keep_unsent_texts(self) {
        let unsent: Vec<DocumentId> = self.store.texts().with_untracked(|texts| {
            let unsent = |text: &&Text| text.unsent == Unsent::Something;
            texts.iter().filter(unsent).map(|text| text.document).collect()
        });
        self.keep_drafts(Urgency::Now);
        for document in unsent {
            let kept = self.read(|client| {
                client.document(document).map(|open| (open.info().path.clone(), open.document().text()))
            });
            if let Some((path, text)) = kept.flatten() {
                let key = self.draft_key(document);
                let salvage = Salvage { path, text, elsewhere: None, key };
                self.store.salvage().update(|all| all.push(salvage));
            }
        }
    }

    /// Another program deleted what guests typed: everybody is told, and who may edit can bring it back.
    fn apply_removed(
        self,
        document: DocumentId,
        offer: u32,
        authors: &[AuthorId],
        lines: u32,
        cause: RemovedBy,
    ) {
        let told = self.read(|client| {
            let path = client.document(document)?.info().path.clone();
            let me = client.membership().map(|membership| membership.author);
            let name = |author: &AuthorId| {
                let of = client.participants().find(|participant| participant.author == *author);
                of.filter(|_| me != Some(*author)).map(|participant| participant.name.clone())
            };
            let names: Vec<String> = authors.iter().filter_map(name).collect();
            let mine =
                if me.is_some_and(|me| authors.contains(&me)) { text::Mine::Yes } else { text::Mine::No };
            Some((
                text::removed(path.name(), lines, mine, &names, cause),
                client.rights().allows(Capability::Edit),
            ))
        });
        let Some((told, may_edit)) = told.flatten() else { return };
        self.toast(Tone::Warning, told, may_edit.then_some(ToastAction::BringBack { document, offer }));
    }

    fn apply_offer_over(self, document: DocumentId, offer: u32, by: Option<ParticipantId>) {
        let over = ToastAction::BringBack { document, offer };
        self.store.toasts().update(|toasts| toasts.retain(|toast| toast.action.as_ref() != Some(&over)));
        let told = self.read(|client| {
            let path = client.document(document)?.info().path.clone();
            let name = |by| client.participant(by).map_or("Somebody".to_owned(), |by| by.name.clone());
            Some(text::brought_back(path.name(), by.map(name).as_deref()))
        });
        if let Some(told) = told.flatten() {
            self.toast(Tone::Info, told, None);
        }
    }

    fn keep_salvage(self, path: WorkspacePath, lost: String, fault: Option<&Fault>) {
        self.toast(Tone::Warning, text::salvaged(path.name(), fault), Some(ToastAction::ShowSalvage));
        self.keep_copy(path, lost);
    }

    pub(super) fn announce(self, sentence: String) {
        self.store.announcement().set(sentence);
    }
}

fn text_of(open: &OpenDocument, sync: SyncState) -> Text {
    let info = open.info();
    Text {
        document: info.document,
        end_of_line: info.end_of_line,
        encoding: info.encoding,
        reading: open.reading(),
        protection: match open.reading() {
            Reading::WithMarks => Protection::Marks,
            Reading::Exact if info.writable => Protection::Open,
            Reading::Exact => Protection::Protected,
        },
        sync,
        saved_by: open.saved_by(),
        unsent: if open.is_unconfirmed() { Unsent::Something } else { Unsent::Nothing },
    }
}

fn blob_address(bytes: &[u8], kind: &str) -> Option<String> {
    let parts = Array::of1(&JsValue::from(Uint8Array::from(bytes)));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
    web_sys::Url::create_object_url_with_blob(&blob).ok()
}
