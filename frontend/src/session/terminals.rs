//! Shared terminals: what the client reports about them, and what a person wants of them.

use std::rc::Rc;

use leptos::prelude::*;
use parlor_shared::client::OverReason;
use parlor_shared::id::{ParticipantId, RequestId, TerminalId};
use parlor_shared::message::{History, TerminalInfo, TerminalState, TerminalToHost, Typing};
use parlor_shared::role::Capability;
use parlor_shared::terminal::{Access, SizePolicy, TerminalSize, may_type};

use super::store::{Person, SessionStateStoreFields as _, Tab, Tone, Who};
use super::{Pending, SessionHandle};
use crate::text;

/// The terminals that are shown, as the session drives them. Called while the client is not borrowed.
pub(crate) trait TerminalViews {
    /// The whole screen of one: see `ClientEvent::TerminalScreen`.
    fn screen(&self, terminal: TerminalId, size: TerminalSize, history: History, skipped: u64, bytes: &[u8]);
    /// Its program wrote something.
    fn output(&self, terminal: TerminalId, bytes: &[u8]);
    /// This page asked for it, and there it is.
    fn opened(&self, terminal: TerminalId);
    /// The first of the panel's terminals is there.
    fn appeared(&self, terminal: TerminalId);
    /// The keyboard goes into it; it is on the screen, or will be soon.
    fn focus(&self, terminal: TerminalId);
    /// Its tab in the editor area was closed.
    fn put_back(&self, terminal: TerminalId);
    /// Somebody else types.
    fn typed(&self, terminal: TerminalId, person: &Person);
    /// It is there no more.
    fn over(&self, terminal: TerminalId);
}

impl SessionHandle {
    /// Connects the terminals. They are heard until others take their place.
    pub(crate) fn show_terminals_in(self, views: Rc<dyn TerminalViews>) {
        self.inner().terminal_views.replace(Some(views));
    }

    /// Disconnects the terminals.
    pub(crate) fn hide_terminals(self) {
        if let Some(inner) = self.try_inner() {
            inner.terminal_views.take();
        }
    }

    pub(super) fn terminal_views(self) -> Option<Rc<dyn TerminalViews>> {
        self.inner().terminal_views.borrow().clone()
    }

    pub(super) fn apply_terminals(self) {
        let now = self.read(|client| (client.terminals().cloned().collect(), client.knows_terminals()));
        let Some((now, knows_all)) = now else { return };
        let now: Vec<TerminalInfo> = now;
        let knew_all = self.inner().knew_terminals.replace(knows_all);
        if knows_all {
            self.close_tabs_without_terminal(&now);
        }
        let before = self.store.terminals().get_untracked();
        if before == now {
            return;
        }
        let hosts = self.store.role().get_untracked().allows(Capability::Share);
        self.store.terminals().set(now.clone());
        let in_panel = |info: &TerminalInfo| self.tab_of_terminal(info.terminal).is_none();
        for info in &now {
            if let Some(known) = before.iter().find(|known| known.terminal == info.terminal) {
                self.tell_about_terminal(known, info);
                continue;
            }
            let first = in_panel(info) && !before.iter().any(in_panel);
            match self.opener_of(info) {
                Some(opener) if opener.who == Who::Me => {}
                // What runs on the host's machine at somebody else's wish, the host sees happen.
                Some(opener) if hosts && knew_all => {
                    self.toast(Tone::Info, text::terminal_opened(&opener.name, &info.name), None);
                }
                _ if hosts => {}
                // Who joins where several are shared is told of one: the others stand beside it.
                _ if first => self.toast(Tone::Info, text::terminal_shared(&info.name), None),
                _ => self.announce(text::terminal_shared(&info.name)),
            }
            if first && let Some(views) = self.terminal_views() {
                views.appeared(info.terminal);
            }
        }
    }

    /// Who opened a terminal by the host's leave, if somebody who is here did.
    fn opener_of(self, info: &TerminalInfo) -> Option<Person> {
        let opener = info.exceptions.iter().find(|(_, typing)| *typing == Typing::Opener);
        opener.and_then(|(opener, _)| self.person(*opener))
    }

    /// After a reload, tabs of terminals that ended meanwhile.
    fn close_tabs_without_terminal(self, there: &[TerminalInfo]) {
        let tabs = self.store.tabs().with_untracked(|tabs| {
            let gone = |tab: &&Tab| {
                tab.terminal().is_some_and(|terminal| there.iter().all(|info| info.terminal != terminal))
            };
            tabs.iter().filter(gone).map(|tab| tab.id).collect::<Vec<_>>()
        });
        tabs.into_iter().for_each(|tab| self.close_tab(tab));
    }

    fn tell_about_terminal(self, before: &TerminalInfo, now: &TerminalInfo) {
        if let Some(how) = text::ended(&now.state).filter(|_| before.state != now.state) {
            self.announce(text::terminal_ended(&now.name, &how));
        }
        let role = self.store.role().get_untracked();
        if let Some(me) = self.me() {
            let can = may_type(now, me, role);
            if can != may_type(before, me, role) {
                let say = if can { text::may_type_now } else { text::may_not_type_now };
                self.toast(Tone::Info, say(&now.name), None);
            }
        }
        if let Some(asking) = now.asking.iter().find(|asking| !before.asking.contains(asking))
            && role.allows(Capability::Share)
        {
            self.announce(text::asks_to_type(&self.name_of(*asking), &now.name));
        }
        if now.typed != before.typed
            && let (Some(person), Some(views)) =
                (now.typist.and_then(|typist| self.person(typist)), self.terminal_views())
            && person.who == Who::Other
        {
            views.typed(now.terminal, &person);
        }
    }

    pub(super) fn apply_terminal_over(self, terminal: TerminalId, reason: OverReason) {
        let name = self.terminal_named(terminal);
        self.store.terminals().update(|terminals| terminals.retain(|info| info.terminal != terminal));
        if let Some(name) = name {
            let (tone, sentence) = match reason {
                OverReason::Unshared => (Tone::Info, text::terminal_over(&name)),
                OverReason::HostRestarted => (Tone::Warning, text::terminal_ended_with_host(&name)),
            };
            self.toast(tone, sentence, None);
        }
        if let Some(tab) = self.tab_of_terminal(terminal) {
            self.close_tab(tab);
        }
        if let Some(views) = self.terminal_views() {
            views.over(terminal);
        }
    }

    /// A terminal's name, if it is there.
    pub(crate) fn terminal_named(self, terminal: TerminalId) -> Option<String> {
        self.store.terminals().with_untracked(|terminals| {
            terminals.iter().find(|info| info.terminal == terminal).map(|info| info.name.clone())
        })
    }

    /// Whether I may type in a terminal now. Follows my role and the terminal.
    pub(crate) fn may_type(self, info: &TerminalInfo) -> bool {
        self.store.role().track();
        let may = self.read(|client| client.may_type(info.terminal)).unwrap_or_default();
        may && info.state == TerminalState::Running
    }

    /// Somebody who is here, by id.
    pub(crate) fn person(self, id: ParticipantId) -> Option<Person> {
        self.store.people().with_untracked(|people| people.iter().find(|person| person.id == id).cloned())
    }

    /// The name of somebody who is here, or was.
    pub(crate) fn name_of(self, id: ParticipantId) -> String {
        self.person(id).map(|person| person.name).unwrap_or_default()
    }

    /// What a terminal is called.
    pub(super) fn terminal_name(self, terminal: TerminalId) -> String {
        let named = |terminals: &Vec<TerminalInfo>| {
            terminals.iter().find(|info| info.terminal == terminal).map(|info| info.name.clone())
        };
        self.store.terminals().with_untracked(named).unwrap_or_else(|| text::A_TERMINAL.to_owned())
    }

    /// My own number.
    pub(crate) fn me(self) -> Option<ParticipantId> {
        self.read(|client| client.membership().map(|membership| membership.me)).flatten()
    }

    // What a person wants.

    /// Shares another terminal. Who may type in it counts for the host only.
    pub(crate) fn share_terminal(self, access: Access) {
        let size = TerminalSize::USUAL;
        self.ask_about_terminal(|request| TerminalToHost::Open {
            request,
            name: None,
            command: None,
            size,
            access,
        });
    }

    /// Ends a terminal for everybody.
    pub(crate) fn unshare_terminal(self, terminal: TerminalId) {
        self.ask_about_terminal(|request| TerminalToHost::Unshare { request, terminal });
    }

    /// Starts a terminal's program again.
    pub(crate) fn restart_terminal(self, terminal: TerminalId) {
        self.ask_about_terminal(|request| TerminalToHost::Restart { request, terminal });
    }

    /// Decides who may type.
    pub(crate) fn set_access(self, terminal: TerminalId, access: Access) {
        self.ask_about_terminal(|request| TerminalToHost::SetAccess { request, terminal, access });
    }

    /// Decides it for one person.
    pub(crate) fn set_typing(self, terminal: TerminalId, participant: ParticipantId, typing: Typing) {
        self.ask_about_terminal(|request| TerminalToHost::SetTyping {
            request,
            terminal,
            participant,
            typing,
        });
    }

    /// Decides who decides about a terminal's size.
    pub(crate) fn set_size_policy(self, terminal: TerminalId, policy: SizePolicy) {
        self.ask_about_terminal(|request| TerminalToHost::SetSizePolicy { request, terminal, policy });
    }

    fn ask_about_terminal(self, message: impl FnOnce(RequestId) -> TerminalToHost) {
        let request = self.with(|client| client.request_terminal(message));
        self.expect_answer(request, Pending::Administer);
    }

    /// Types.
    pub(crate) fn type_into(self, terminal: TerminalId, bytes: &[u8]) {
        if let Some(Err(fault)) = self.with(|client| client.type_into(terminal, bytes)) {
            self.toast(Tone::Warning, text::fault_line(&fault), None);
        }
    }
}
