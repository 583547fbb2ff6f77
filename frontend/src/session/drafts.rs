//! Keeps in this browser what the host does not have yet, and brings it back after a reload or a crash of the tab.
//!
//! A record's key says what it is: `draft/SESSION/PARTICIPANT/DOCUMENT` goes on where it was, `copy/SESSION/PARTICIPANT/…`
//! waits for a person. Records of a participant belong to the living tab that holds the participant's name, or to whoever
//! claims it first once that tab is gone.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use parlor_shared::client::Phase;
use parlor_shared::client::draft::{Draft, DraftKeeper, DraftMark, DraftTask, Kept, Salvage, Urgency};
use parlor_shared::id::{DocumentId, ParticipantId, SessionId};
use parlor_shared::limits::{DRAFT_INTERVAL, MAX_DRAFT_BYTES, MAX_DRAFTS, MAX_DRAFTS_BYTES};
use parlor_shared::path::WorkspacePath;
use wasm_bindgen_futures::spawn_local;

use super::SessionHandle;
use super::memory::Memory;
use super::store::{self, Entry, SessionStateStoreFields as _, Tab, TabId, ToastAction, Tone};
use crate::js::browser::{self, Claimant, Keeping, KeepingRoom, KeptMark};
use crate::js::editor::Rescue;
use crate::net::now;
use crate::small_map::SmallMap;
use crate::text;

const ROOM: KeepingRoom = KeepingRoom { count: MAX_DRAFTS, bytes: MAX_DRAFTS_BYTES };

/// Keeping a long text takes a part of each interval, never more than one in this many.
const KEEPING_SHARE: u32 = 10;

/// How soon it is tried again after the browser kept nothing.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

const DRAFT_PREFIX: &str = "draft";
const COPY_PREFIX: &str = "copy";

/// What is known of this page's drafts.
#[derive(Default)]
pub(super) struct Drafts {
    keeper: RefCell<DraftKeeper>,
    /// Where each document's draft is.
    marks: RefCell<SmallMap<DocumentId, KeptMark>>,
    /// Up to which edit the browser has confirmed it.
    kept: RefCell<SmallMap<DocumentId, u64>>,
    timer: RefCell<Option<Timeout>>,
    writing: Cell<u32>,
    last_took: Cell<Duration>,
}

/// What this browser kept that no living tab holds.
pub(super) struct Found {
    /// What goes on in this tab: all of one participant.
    mine: Vec<(KeptMark, Draft)>,
    /// What only a person can do something with.
    salvage: Vec<(KeptMark, Salvage)>,
    keeping: Keeping,
}

impl Found {
    pub(super) fn drafts(&self) -> Vec<Draft> {
        self.mine.iter().map(|(_, draft)| draft.clone()).collect()
    }
}

/// The name that a living tab holds for its participant.
fn name_of(session: &str, participant: u32) -> String {
    format!("parlor-tab/{session}/{participant}")
}

/// Looks for what this tab goes on with, and for what nobody goes on with.
pub(super) async fn find(session: SessionId, memory: &Memory) -> Found {
    let mut found = Found { mine: Vec::new(), salvage: Vec::new(), keeping: Keeping::Kept };
    let Some(marks) = browser::list_drafts().await else {
        found.keeping = Keeping::Refused;
        return found;
    };
    let session = session.to_string();
    let own = memory.participant().map(|participant| participant.0);
    let is_own = |mark: &KeptMark| mark.session == session && Some(mark.participant) == own;
    // Newest first; what this very tab kept goes before everything else.
    let (first, rest): (Vec<_>, Vec<_>) = marks.into_iter().partition(is_own);
    let mut owners: Vec<(String, u32)> = Vec::new();
    let mut records: Vec<KeptMark> = Vec::new();
    for mark in first.into_iter().chain(rest) {
        let owner = (mark.session.clone(), mark.participant);
        if !owners.contains(&owner) {
            owners.push(owner);
        }
        records.push(mark);
    }
    for (of_session, participant) in owners {
        let mine = of_session == session && Some(participant) == own;
        let claimant = if mine { Claimant::ThisTab } else { Claimant::Another };
        let name = name_of(&of_session, participant);
        if !browser::claim(&name, claimant).await {
            continue;
        }
        let goes_on = of_session == session && found.mine.is_empty();
        for mark in
            records.iter().filter(|mark| mark.session == of_session && mark.participant == participant)
        {
            let kept = browser::read_draft(&mark.key).await.and_then(|bytes| Kept::decode(&bytes).ok());
            match kept {
                Some(Kept::Draft(draft)) if goes_on => found.mine.push((mark.clone(), *draft)),
                Some(kept) => match kept.into_salvage() {
                    Ok(salvage) => found.salvage.push((mark.clone(), salvage)),
                    Err(_) => browser::remove_draft(&mark.key).await,
                },
                // Nobody can read it, and it takes room.
                None => browser::remove_draft(&mark.key).await,
            }
        }
        if !goes_on || found.mine.is_empty() {
            browser::unclaim(&name);
        }
    }
    found
}

impl SessionHandle {
    /// Goes on with what was found: the room opens at once if there are texts to go on with.
    pub(super) fn bring_back(self, found: Found, strangers: Vec<Draft>) {
        let Found { mine, salvage, keeping } = found;
        self.store.keeping().set(keeping);
        let session = self.inner().session;
        let of_strangers =
            mine.iter().filter(|(_, draft)| strangers.contains(draft)).filter_map(|(mark, draft)| {
                let salvage = Kept::Draft(Box::new(draft.clone())).into_salvage().ok()?;
                Some((mark.clone(), salvage))
            });
        let salvage: Vec<store::Salvage> = of_strangers
            .chain(salvage)
            .map(|(mark, salvage)| store::Salvage {
                path: salvage.path,
                text: salvage.text,
                elsewhere: (salvage.session != session).then_some(salvage.workspace),
                key: Some(mark.key),
            })
            .collect();
        let drafts: Vec<_> = mine.into_iter().filter(|(_, draft)| !strangers.contains(draft)).collect();
        let inner = self.inner();
        let documents = drafts.iter().map(|(_, draft)| draft.info.document);
        *inner.drafts.keeper.borrow_mut() = DraftKeeper::with_drafts(documents);
        for (mark, draft) in &drafts {
            inner.drafts.marks.borrow_mut().insert(draft.info.document, mark.clone());
        }
        if !salvage.is_empty() {
            self.store.salvage().update(|all| all.extend(salvage));
            self.toast(Tone::Warning, text::SALVAGE_FOUND.to_owned(), Some(ToastAction::ShowSalvage));
        }
        if !drafts.is_empty() {
            self.enter_from_drafts(drafts.into_iter().map(|(_, draft)| draft.info.path).collect());
        }
    }

    /// The room as it was, before there is a connection.
    fn enter_from_drafts(self, paths: Vec<WorkspacePath>) {
        let info = self.read(|client| client.membership().map(|membership| membership.session.clone()));
        self.store.info().set(info.flatten());
        self.apply_people();
        self.store.entry().set(Entry::Entered);
        self.restore_place();
        for path in paths {
            let open =
                self.store.tabs().with_untracked(|tabs| tabs.iter().any(|tab| tab.path() == Some(&path)));
            if !open {
                let id = TabId(self.fresh_id());
                self.store.tabs().update(|tabs| tabs.push(Tab::file(id, path.clone())));
                self.load(id, path);
                if self.store.active().get_untracked().is_none() {
                    self.activate(id, super::command::Focus::Stay);
                }
            }
        }
        self.keep_drafts_soon();
    }

    /// In the room: this tab holds its participant's name from now on.
    pub(super) fn hold_participant(self) {
        let me = self.read(|client| client.membership().map(|membership| membership.me)).flatten();
        let Some(me) = me else { return };
        let inner = self.inner();
        inner.memory.keep_participant(me);
        let name = name_of(&inner.session.to_string(), me.0);
        // Nobody else can have it: the host gave the number to this page.
        spawn_local(async move {
            browser::claim(&name, Claimant::Another).await;
        });
    }

    /// Keeps what has to be kept after the next pause.
    pub(super) fn keep_drafts_soon(self) {
        let Some(inner) = self.try_inner() else { return };
        if inner.drafts.timer.borrow().is_some() {
            return;
        }
        let retries = self.store.keeping().get_untracked() != Keeping::Kept;
        let wait = if retries { RETRY_INTERVAL } else { DRAFT_INTERVAL };
        let wait = wait.max(inner.drafts.last_took.get() * KEEPING_SHARE);
        let timer = Timeout::new(wait.as_millis() as u32, move || {
            if let Some(inner) = self.try_inner() {
                inner.drafts.timer.take();
                self.keep_drafts(Urgency::Usual);
            }
        });
        inner.drafts.timer.replace(Some(timer));
    }

    /// Keeps what has to be kept.
    pub(crate) fn keep_drafts(self, urgency: Urgency) {
        let Some(inner) = self.try_inner() else { return };
        if urgency == Urgency::Usual && inner.drafts.writing.get() > 0 {
            return self.keep_drafts_soon();
        }
        let away = *self.store.phase().read_untracked() != Phase::Live;
        let urgency = if away { Urgency::Now } else { urgency };
        let marks = self.unconfirmed();
        let tasks = inner.drafts.keeper.borrow_mut().tasks(marks.iter().copied(), urgency);
        let began = now();
        for task in tasks {
            match task {
                DraftTask::Write(document, edits) => self.write_draft(document, edits),
                DraftTask::Remove(document) => self.remove_draft(document),
            }
        }
        inner.drafts.last_took.set(now().saturating_sub(began));
        if !marks.is_empty() {
            self.keep_drafts_soon();
        }
    }

    fn unconfirmed(self) -> Vec<DraftMark> {
        self.read(|client| client.unconfirmed().collect()).unwrap_or_default()
    }

    fn write_draft(self, document: DocumentId, edits: u64) {
        // One that is being opened anew has nothing yet; what is kept of it stays until the person has it.
        let Some(draft) = self.read(|client| client.draft(document)).flatten() else { return };
        let (session, participant) = (draft.session.to_string(), draft.me.id);
        let key = format!("{DRAFT_PREFIX}/{session}/{participant}/{document}");
        let mark = KeptMark { key, session, participant: participant.0 };
        let bytes = Kept::Draft(Box::new(draft)).encode();
        let drafts = &self.inner().drafts;
        drafts.marks.borrow_mut().insert(document, mark.clone());
        drafts.writing.set(drafts.writing.get() + 1);
        let kept = (bytes.len() <= MAX_DRAFT_BYTES).then(|| browser::keep_draft(&mark, &bytes, ROOM));
        spawn_local(async move {
            let keeping = match kept {
                Some(kept) => kept.await,
                None => Keeping::Full,
            };
            if keeping != Keeping::Kept && !self.is_kept_since(document, edits) {
                // What is there is older than what is about to be sent.
                browser::remove_draft(&mark.key).await;
            }
            self.draft_was_written(document, edits, keeping);
        });
    }

    /// Whether the browser has confirmed a draft with more edits than these.
    fn is_kept_since(self, document: DocumentId, edits: u64) -> bool {
        let Some(inner) = self.try_inner() else { return false };
        inner.drafts.kept.borrow().get(&document).is_some_and(|kept| *kept > edits)
    }

    fn draft_was_written(self, document: DocumentId, edits: u64, keeping: Keeping) {
        let Some(inner) = self.try_inner() else { return };
        inner.drafts.writing.set(inner.drafts.writing.get().saturating_sub(1));
        if keeping == Keeping::Kept {
            inner.drafts.kept.borrow_mut().insert(document, edits);
        } else if !self.is_kept_since(document, edits) {
            inner.drafts.kept.borrow_mut().remove(&document);
            inner.drafts.keeper.borrow_mut().failed(document);
        }
        self.keeping_is(keeping);
        self.with(|client| client.draft_is_written(document, edits));
    }

    fn keeping_is(self, keeping: Keeping) {
        if self.store.keeping().get_untracked() != keeping {
            self.store.keeping().set(keeping);
        }
    }

    fn remove_draft(self, document: DocumentId) {
        let drafts = &self.inner().drafts;
        drafts.kept.borrow_mut().remove(&document);
        if let Some(mark) = drafts.marks.borrow_mut().remove(&document) {
            spawn_local(browser::remove_draft(&mark.key));
        }
    }

    /// Whether everything that the host lacks survives this page.
    pub(super) fn all_is_kept(self) -> bool {
        let inner = self.inner();
        let kept = inner.drafts.kept.borrow();
        self.unconfirmed().iter().all(|mark| kept.get(&mark.document) == Some(&mark.edits))
    }

    /// Under which key a document's draft is kept.
    pub(super) fn draft_key(self, document: DocumentId) -> Option<String> {
        self.inner().drafts.marks.borrow().get(&document).map(|mark| mark.key.clone())
    }

    // What only a person can do something with.

    /// Keeps a text for the person, here and in the browser.
    pub(super) fn keep_copy(self, path: WorkspacePath, lost: String) {
        let inner = self.inner();
        let session = inner.session;
        let me = self.read(|client| client.membership().map(|membership| membership.me)).flatten();
        let participant = me.unwrap_or(ParticipantId(0)).0;
        let at = js_sys::Date::now();
        let key = format!("{COPY_PREFIX}/{session}/{participant}/{at}-{}", self.fresh_id());
        let mark = KeptMark { key: key.clone(), session: session.to_string(), participant };
        let workspace = self.store.info().get_untracked().map(|info| info.workspace).unwrap_or_default();
        let kept = Kept::Salvage(Salvage { session, workspace, path: path.clone(), text: lost.clone() });
        let keeping = browser::keep_draft(&mark, &kept.encode(), ROOM);
        spawn_local(async move {
            let keeping = keeping.await;
            if self.try_inner().is_some() {
                self.keeping_is(keeping);
            }
        });
        let salvage = store::Salvage { path, text: lost, elsewhere: None, key: Some(key) };
        self.store.salvage().update(|all| all.push(salvage));
    }

    /// The person does not need it any more.
    pub(crate) fn discard(self, salvage: &store::Salvage) {
        if let Some(key) = &salvage.key {
            spawn_local(browser::remove_draft(key));
        }
        self.store.salvage().update(|all| all.retain(|other| other != salvage));
    }

    /// Texts that were kept in a crash of the page, or otherwise, and turn out to be with the host are no business of anybody's.
    pub(super) fn discard_what_arrived(self, document: DocumentId) {
        if self.store.salvage().read_untracked().is_empty() {
            return;
        }
        let now = self.read(|client| {
            let open = client.document(document).filter(|open| open.has_text() && !open.is_unconfirmed())?;
            Some((open.info().path.clone(), open.document().text()))
        });
        let Some((path, text)) = now.flatten() else { return };
        let arrived: Vec<store::Salvage> = self.store.salvage().with_untracked(|all| {
            let arrived = |salvage: &&store::Salvage| {
                salvage.elsewhere.is_none() && salvage.path == path && salvage.text == text
            };
            all.iter().filter(arrived).cloned().collect()
        });
        arrived.iter().for_each(|salvage| self.discard(salvage));
        if !arrived.is_empty() && self.store.salvage().read_untracked().is_empty() {
            self.store.toasts().update(|toasts| {
                toasts.retain(|toast| toast.action != Some(ToastAction::ShowSalvage));
            });
        }
    }

    /// Under whose name the text of a file is kept if the page crashes.
    pub(crate) fn rescue(self, path: &WorkspacePath) -> Option<Rescue> {
        let (me, workspace) = self
            .read(|client| {
                client.membership().map(|membership| (membership.me, membership.session.workspace.clone()))
            })
            .flatten()?;
        let session = self.inner().session;
        let head = Kept::head(session, workspace, path.clone());
        Some(Rescue { session: session.to_string(), participant: me.0, head })
    }

    /// Whether the host lacks nothing of a text.
    pub(crate) fn is_settled(self, document: DocumentId) -> bool {
        self.read(|client| client.unconfirmed().all(|mark| mark.document != document)).unwrap_or_default()
    }

    // Edits that wait for a decision.

    /// Sends them.
    pub(crate) fn send_held(self, document: DocumentId) {
        self.with(|client| client.send_held(document));
        self.store.held().update(|held| held.retain(|other| *other != document));
    }

    /// Brings back what another program took.
    pub(crate) fn bring_text_back(self, document: DocumentId, offer: u32) {
        self.with(|client| client.bring_back(document, offer));
    }

    /// Keeps a copy and takes the host's text.
    pub(crate) fn take_hosts(self, document: DocumentId) {
        let path = self.read(|client| client.held(document).map(|held| held.path)).flatten();
        let mine = self.with(|client| client.take_hosts(document)).flatten();
        self.store.held().update(|held| held.retain(|other| *other != document));
        if let (Some(path), Some(mine)) = (path, mine) {
            let told = text::copy_kept(path.name());
            self.keep_copy(path, mine);
            self.toast(Tone::Info, told, Some(ToastAction::ShowSalvage));
        }
    }
}
