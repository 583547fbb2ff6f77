//! What a person wants, told to the client and to the store.

use leptos::prelude::*;
use parlor_shared::client::draft::Urgency;
use parlor_shared::client::{EncodingFor, Phase};
use parlor_shared::document::Splice;
use parlor_shared::fault::Fault;
use parlor_shared::id::{DocumentId, ParticipantId, TerminalId};
use parlor_shared::message::{Encoding, SessionToHost, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::Presence;
use parlor_shared::role::{Capability, Grant, Rights, Role};

use super::store::{
    Content, Entry, SessionStateStoreFields as _, Tab, TabId, Toast, ToastAction, Tone, Unsent,
};
use super::{Pending, SessionHandle};
use crate::file_kind;

/// Where the keyboard is after a tab has been shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Where it was.
    Stay,
    /// In what the tab shows: a text or a terminal.
    Editor,
}

/// Toasts that stand at once; the oldest gives way.
const MAX_TOASTS: usize = 4;

/// Which neighbour of a tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Previous,
    Next,
}

impl SessionHandle {
    // Files in tabs.

    /// Shows a file: in its tab if it has one, else in a new one beside the active one.
    pub(crate) fn open_file(self, path: WorkspacePath, focus: Focus) {
        let open = self
            .store
            .tabs()
            .with_untracked(|tabs| tabs.iter().find(|tab| tab.path() == Some(&path)).cloned());
        if let Some(tab) = open {
            if matches!(tab.content(), Some(Content::Notice(_))) {
                self.load(tab.id, path);
            }
            self.activate(tab.id, focus);
            return;
        }
        let id = self.add_tab(|id| Tab::file(id, path.clone()));
        self.load(id, path);
        self.activate(id, focus);
    }

    /// Shows a terminal in the editor area: in its tab if it has one, else in a new one beside the active one. While it has
    /// a tab it is not in the panel.
    pub(crate) fn open_terminal(self, terminal: TerminalId) {
        let id = self.tab_of_terminal(terminal);
        let id = id.unwrap_or_else(|| self.add_tab(|id| Tab::of_terminal(id, terminal)));
        self.activate(id, Focus::Editor);
    }

    /// The tab of a terminal that is in the editor area.
    pub(crate) fn tab_of_terminal(self, terminal: TerminalId) -> Option<TabId> {
        self.store
            .tabs()
            .with_untracked(|tabs| tabs.iter().find(|tab| tab.terminal() == Some(terminal)).map(|tab| tab.id))
    }

    /// Compares every open text with the host's; a toast tells what came of it.
    pub(crate) fn check_sync(self) {
        self.with(parlor_shared::client::Client::check_sync);
    }

    /// Asks for a file anew, after a failure or to see an image as text.
    pub(crate) fn reopen_as_text(self, id: TabId) {
        if let Some(path) = self.tab(id).as_ref().and_then(Tab::path) {
            self.load_text(id, path.clone());
        }
    }

    /// Asks for a file anew.
    pub(crate) fn reload(self, id: TabId) {
        if let Some(path) = self.tab(id).as_ref().and_then(Tab::path) {
            self.load(id, path.clone());
        }
    }

    fn add_tab(self, make: impl FnOnce(TabId) -> Tab) -> TabId {
        let id = TabId(self.fresh_id());
        let active = self.store.active().get_untracked();
        self.store.tabs().update(|tabs| {
            let after =
                tabs.iter().position(|tab| Some(tab.id) == active).map_or(tabs.len(), |index| index + 1);
            tabs.insert(after, make(id));
        });
        id
    }

    pub(super) fn load(self, id: TabId, path: WorkspacePath) {
        if file_kind::image_type(path.name()).is_some() {
            self.read_image(id, path);
        } else {
            self.load_text(id, path);
        }
    }

    fn load_text(self, id: TabId, path: WorkspacePath) {
        self.set_content(id, Content::Opening);
        let request = self.with(|client| client.open(path));
        self.expect_answer(request, Pending::Open(id));
    }

    pub(super) fn read_image(self, tab: TabId, path: WorkspacePath) {
        self.set_content(tab, Content::ImageLoading { received: 0, total: 0 });
        if *self.store.phase().read_untracked() != Phase::Live {
            // The return asks for all that are still to come.
            return;
        }
        let request = self.with(|client| client.workspace(|request| WorkspaceToHost::Read { request, path }));
        self.expect_answer(request, Pending::Image { tab, bytes: Vec::new() });
    }

    fn set_content(self, id: TabId, content: Content) {
        self.store.tabs().update(|tabs| {
            if let Some(tab) = tabs.iter_mut().find(|tab| tab.id == id) {
                tab.set_content(content);
            }
        });
    }

    /// Shows a tab.
    pub(crate) fn activate(self, id: TabId, focus: Focus) {
        if self.store.active().get_untracked() != Some(id) {
            self.store.active().set(Some(id));
            self.keep_place();
        }
        if focus == Focus::Stay {
            return;
        }
        let tab = self.tab(id);
        if let (Some(terminal), Some(views)) = (tab.as_ref().and_then(Tab::terminal), self.terminal_views()) {
            return views.focus(terminal);
        }
        if let (Some(document), Some(views)) = (tab.as_ref().and_then(Tab::document), self.views()) {
            views.focus(document);
        }
        self.inner().focus_when_open.set(Some(id));
    }

    /// Puts the keyboard into what the active tab shows.
    pub(crate) fn focus_text(self) {
        if let Some(id) = self.store.active().get_untracked() {
            self.activate(id, Focus::Editor);
        }
    }

    /// Shows the tab beside the active one, around the end.
    pub(crate) fn step_tab(self, step: Step) {
        let next = self.store.tabs().with_untracked(|tabs| {
            let active = self.store.active().get_untracked();
            let index = tabs.iter().position(|tab| Some(tab.id) == active)?;
            let next = match step {
                Step::Previous => (index + tabs.len() - 1) % tabs.len(),
                Step::Next => (index + 1) % tabs.len(),
            };
            Some(tabs[next].id)
        });
        if let Some(next) = next {
            self.activate(next, Focus::Editor);
        }
    }

    /// Closes a tab; its right neighbour, or else its left one, takes its place. A terminal goes on, in the panel.
    pub(crate) fn close_tab(self, id: TabId) {
        let tabs = self.store.tabs().get_untracked();
        let Some(index) = tabs.iter().position(|tab| tab.id == id) else { return };
        if self.store.active().get_untracked() == Some(id) {
            let next = tabs.get(index + 1).or_else(|| index.checked_sub(1).and_then(|left| tabs.get(left)));
            self.store.active().set(next.map(|tab| tab.id));
        }
        self.store.tabs().update(|tabs| tabs.retain(|tab| tab.id != id));
        self.forget_requests_of(id);
        if let (Some(terminal), Some(views)) = (tabs[index].terminal(), self.terminal_views()) {
            views.put_back(terminal);
        }
        if let Some(document) = tabs[index].document() {
            self.with(|client| client.close(document));
            self.store.texts().update(|texts| texts.retain(|text| text.document != document));
            if let Some(views) = self.views() {
                views.closed(document);
            }
        }
        self.keep_place();
    }

    /// Closes every tab but one, or all.
    pub(crate) fn close_other_tabs(self, kept: Option<TabId>) {
        let others: Vec<TabId> = self
            .store
            .tabs()
            .with_untracked(|tabs| tabs.iter().map(|tab| tab.id).filter(|id| Some(*id) != kept).collect());
        for id in others {
            self.close_tab(id);
        }
    }

    fn forget_requests_of(self, id: TabId) {
        // The answer to an opening is needed: the document is closed when it comes.
        let of_tab = |pending: &Pending| matches!(pending, Pending::Image { tab, .. } if *tab == id);
        let void = self.inner().requests.borrow_mut().split_off(|pending| !of_tab(pending));
        for (request, _) in void {
            self.with(|client| client.workspace(|_| WorkspaceToHost::Cancel { request }));
        }
    }

    /// A tab by its id.
    pub(crate) fn tab(self, id: TabId) -> Option<Tab> {
        self.store.tabs().with_untracked(|tabs| tabs.iter().find(|tab| tab.id == id).cloned())
    }

    /// The tab that is shown, without telling readers of its changes.
    pub(crate) fn active_tab(self) -> Option<Tab> {
        self.store.active().get_untracked().and_then(|id| self.tab(id))
    }

    /// The file that is shown.
    pub(crate) fn active_path(self) -> Option<WorkspacePath> {
        let active = self.store.active().get()?;
        let tabs = self.store.tabs().read();
        tabs.iter().find(|tab| tab.id == active)?.path().cloned()
    }

    /// The terminal that is shown in the editor area.
    pub(crate) fn active_terminal(self) -> Option<TerminalId> {
        let active = self.store.active().get()?;
        let tabs = self.store.tabs().read();
        tabs.iter().find(|tab| tab.id == active)?.terminal()
    }

    // Text.

    /// Applies what was typed. An error means that the editor shows another text than the replica has.
    ///
    /// # Errors
    /// Says why the client refused.
    pub(crate) fn edit(self, document: DocumentId, splices: &[Splice]) -> Result<(), Fault> {
        let result = self.with(|client| client.edit(document, splices)).unwrap_or(Ok(()));
        let told = self.store.texts().with_untracked(|texts| {
            texts.iter().any(|text| text.document == document && text.unsent == Unsent::Something)
        });
        if result.is_ok() && !told {
            self.store.texts().update(|texts| {
                for text in texts.iter_mut().filter(|text| text.document == document) {
                    text.unsent = Unsent::Something;
                }
            });
        }
        self.keep_drafts_soon();
        result
    }

    /// Asks for a checkpoint of the text that is shown.
    pub(crate) fn save_active(self) {
        if !self.may(Capability::Save) {
            return;
        }
        if let Some(document) = self.active_tab().as_ref().and_then(Tab::document) {
            self.with(|client| client.save(document));
        }
    }

    /// Has the active file read or written in an encoding, for everybody.
    pub(crate) fn encode_active(self, purpose: EncodingFor, encoding: Encoding) {
        if let Some(document) = self.active_tab().as_ref().and_then(Tab::document) {
            let request = self.with(|client| client.encode(document, purpose, encoding));
            self.expect_answer(request, Pending::Encode);
        }
    }

    /// Says where I am.
    pub(crate) fn set_presence(self, presence: Presence) {
        self.with(|client| client.set_presence(presence));
    }

    // People.

    /// Whether I may do something, by my role or by the host's leave. The host decides; this greys out what it would refuse.
    pub(crate) fn may(self, capability: Capability) -> bool {
        Rights { role: self.store.role().get(), grants: self.store.grants().get() }.allows(capability)
    }

    /// Goes to where somebody is.
    pub(crate) fn go_to_person(self, participant: ParticipantId) {
        let place = self.read(|client| {
            client
                .presences()
                .get(participant)
                .map(|presence| (presence.file.clone(), presence.place.as_ref().map(|place| place.document)))
        });
        let Some((Some(file), document)) = place.flatten() else { return };
        self.open_file(file, Focus::Editor);
        if let (Some(document), Some(views)) = (document, self.views()) {
            views.reveal(document, participant);
        }
    }

    /// Lets somebody in.
    pub(crate) fn admit(self, participant: ParticipantId) {
        self.administer(|request| SessionToHost::Admit { request, participant });
    }

    /// Sends somebody away from the lobby.
    pub(crate) fn deny(self, participant: ParticipantId) {
        self.administer(|request| SessionToHost::Deny { request, participant });
    }

    /// Gives somebody another role.
    pub(crate) fn set_role(self, participant: ParticipantId, role: Role) {
        self.administer(|request| SessionToHost::SetRole { request, participant, role });
    }

    /// Lets somebody open terminals, or no longer.
    pub(crate) fn set_opens_terminals(self, participant: ParticipantId, grant: Grant) {
        let capability = Capability::OpenTerminal;
        self.administer(|request| SessionToHost::SetGrant { request, participant, capability, grant });
    }

    /// Sends somebody out.
    pub(crate) fn remove(self, participant: ParticipantId) {
        self.administer(|request| SessionToHost::Remove { request, participant });
    }

    fn administer(self, message: impl FnOnce(parlor_shared::id::RequestId) -> SessionToHost) {
        let request = self.with(|client| client.administer(message));
        self.expect_answer(request, Pending::Administer);
    }

    /// Ends the session for everybody.
    pub(crate) fn end_session(self) {
        self.with(|client| client.administer(|_| SessionToHost::End));
    }

    /// Leaves for good.
    pub(crate) fn leave(self) {
        // What is not yet with the host can be looked at later.
        self.keep_drafts(Urgency::Now);
        self.with(parlor_shared::client::Client::leave);
        self.inner().memory.forget_joined();
        self.store.entry().set(Entry::Left);
        if let Some(net) = self.inner().net.borrow().as_ref() {
            net.stop();
        }
    }

    /// Wants another name.
    pub(crate) fn set_name(self, name: String) {
        self.inner().memory.keep_joined(&name);
        self.with(|client| client.set_name(name));
    }

    // The page.

    /// Does not wait for the next attempt to connect.
    pub(crate) fn try_now(self) {
        if let Some(net) = self.inner().net.borrow().as_ref() {
            net.try_now();
        }
    }

    /// Shows a short message in the corner.
    pub(crate) fn toast(self, tone: Tone, text: String, action: Option<ToastAction>) {
        let toast = Toast { id: self.fresh_id(), tone, text, action };
        self.store.toasts().update(|toasts| {
            // The same sentence twice tells no more than once.
            toasts.retain(|other| other.text != toast.text);
            toasts.push(toast);
            let over = toasts.len().saturating_sub(MAX_TOASTS);
            toasts.drain(..over);
        });
    }

    /// Takes a message out of the corner.
    pub(crate) fn dismiss_toast(self, id: u32) {
        self.store.toasts().update(|toasts| toasts.retain(|toast| toast.id != id));
    }

    /// Whether something typed here is known to nobody else and would be lost with the page: away, and not kept by the
    /// browser either.
    pub(crate) fn has_unsent(self) -> bool {
        let away = !matches!(*self.store.phase().read_untracked(), Phase::Live);
        away && self
            .store
            .texts()
            .with_untracked(|texts| texts.iter().any(|text| text.unsent == Unsent::Something))
            && !self.all_is_kept()
    }
}
