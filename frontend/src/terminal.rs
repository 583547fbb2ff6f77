//! The terminals of this page: one xterm for each that was looked at, and where it is shown: one or two in the panel, others
//! in tabs of the editor area.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::message::{History, TerminalInfo, TerminalState};
use parlor_shared::terminal::TerminalSize;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::component::show_whole;
use crate::js::editor::Access;
use crate::js::terminal::{Kept, OwnedTerminal, TerminalEvent, TerminalOptions};
use crate::session::SessionHandle;
use crate::session::command::Focus;
use crate::session::store::{Person, SessionStateStoreFields as _, Tab, Tone};
use crate::session::terminals::TerminalViews;
use crate::settings::Settings;
use crate::small_map::SmallMap;
use crate::text;

mod menu;
mod pane;
mod panel;
mod tab;

pub(crate) use panel::TerminalPanel;
pub(crate) use tab::{TerminalEditor, tab_item};

/// A terminal that is out of sight for this long is no longer looked at: who goes back and forth keeps what scrolled by.
const UNWATCHED_AFTER: Duration = Duration::from_secs(20);

/// The panel's height in pixels.
const USUAL_HEIGHT: f64 = 300.0;

/// How much of the panel's width the left of two terminals has, in percent.
const USUAL_SHARE: f64 = 50.0;

/// What a terminal asks the room to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TerminalQuestion {
    /// Ask whether to end it for everybody.
    Unshare(TerminalId),
    /// Ask whether to paste what would run at once.
    Paste(TerminalId, String),
    /// Show the panel; a phone has room for one thing only.
    Show,
    /// The panel was closed: the keyboard goes elsewhere.
    Hidden,
    /// Show the editor area: a terminal is to be seen there.
    ShowEditors,
}

/// The terminals, from anywhere in the page.
#[derive(Clone, Copy)]
pub(crate) struct TerminalsHandle {
    inner: StoredValue<Rc<Terminals>, LocalStorage>,
    session: SessionHandle,
    settings: Settings,
    ask: Callback<TerminalQuestion>,
    /// Whether the panel is there.
    pub(crate) open: RwSignal<bool>,
    /// Whether it has all that the editors had.
    pub(crate) maximised: RwSignal<bool>,
    pub(crate) height: RwSignal<f64>,
    /// How much of the width the left of two terminals has, in percent.
    share: RwSignal<f64>,
    /// The one that commands are about: that which was used last, wherever it is.
    active: RwSignal<Option<TerminalId>>,
    /// Those in tabs of the editor area. All others are in the panel: a terminal is at one place only.
    in_editor_area: Memo<Vec<TerminalId>>,
    in_panel: Memo<Vec<TerminalId>>,
    /// What the panel shows, at its left side or alone, and at its right side, and which of these its bar is about.
    left: RwSignal<Option<TerminalId>>,
    right: RwSignal<Option<TerminalId>>,
    chosen: RwSignal<Option<TerminalId>>,
}

struct Terminals {
    session: SessionHandle,
    slots: RefCell<SmallMap<TerminalId, Rc<Slot>>>,
    /// Who shall have the keyboard as soon as it is there.
    focus_when_ready: Cell<Option<TerminalId>>,
    /// The next terminal that this page asked for goes beside the active one.
    next_goes_beside: Cell<bool>,
    /// Set right after the terminals are made.
    handle: Cell<Option<TerminalsHandle>>,
    leaving: RefCell<Option<Timeout>>,
}

/// One terminal, and the element that it lives in while it is not shown.
struct Slot {
    container: HtmlElement,
    terminal: RefCell<Option<OwnedTerminal>>,
    shown: Cell<bool>,
    watched: Cell<bool>,
    /// Which time it is that it was put into the page: its latest place.
    place: Cell<Place>,
}

/// One time that a terminal was put into the page. When it moves, the old place may be given up after the new one was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place(u32);

impl Slot {
    fn with(&self, action: impl FnOnce(&OwnedTerminal)) {
        if let Some(terminal) = self.terminal.borrow().as_ref() {
            action(terminal);
        }
    }
}

impl TerminalsHandle {
    /// Makes the terminals of the page and connects them to the session.
    pub(crate) fn provide(session: SessionHandle, ask: Callback<TerminalQuestion>) -> Self {
        let terminals = Rc::new(Terminals {
            session,
            slots: RefCell::default(),
            focus_when_ready: Cell::new(None),
            next_goes_beside: Cell::new(false),
            handle: Cell::new(None),
            leaving: RefCell::new(None),
        });
        let in_editor_area = Memo::new(move |_| {
            session.store.tabs().read().iter().filter_map(Tab::terminal).collect::<Vec<_>>()
        });
        let in_panel = Memo::new(move |_| {
            let (all, in_editor_area) = (session.store.terminals().read(), in_editor_area.read());
            let ids = all.iter().map(|info| info.terminal);
            ids.filter(|terminal| !in_editor_area.contains(terminal)).collect::<Vec<_>>()
        });
        let handle = Self {
            inner: StoredValue::new_local(Rc::clone(&terminals)),
            session,
            settings: Settings::expect(),
            ask,
            open: RwSignal::new(false),
            maximised: RwSignal::new(false),
            height: RwSignal::new(USUAL_HEIGHT),
            share: RwSignal::new(USUAL_SHARE),
            active: RwSignal::new(None),
            in_editor_area,
            in_panel,
            left: RwSignal::new(None),
            right: RwSignal::new(None),
            chosen: RwSignal::new(None),
        };
        terminals.handle.set(Some(handle));
        session.show_terminals_in(terminals);
        on_cleanup(move || session.hide_terminals());
        handle.follow();
        provide_context(handle);
        handle
    }

    /// The terminals of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Keeps what is shown, and each terminal, as the session and the settings say.
    fn follow(self) {
        let Self { session, settings, .. } = self;
        Effect::new(move |_| {
            let terminals = session.store.terminals().read();
            let (font_size, read_aloud) = (settings.terminal_font.get(), settings.read_aloud.get());
            for info in terminals.iter() {
                let access = self.access(info);
                self.with(info.terminal, |terminal| {
                    terminal.set_access(access);
                    terminal.set_options(&TerminalOptions {
                        label: &text::terminal_input(&info.name),
                        font_size,
                        read_aloud,
                    });
                });
            }
        });
        Effect::new(move |_| {
            self.in_panel.track();
            self.in_editor_area.track();
            self.settle();
        });
        // Whoever turns to one means it by the next command.
        let looked_at = Memo::new(move |_| session.active_terminal());
        Effect::new(move |_| {
            if let Some(terminal) = looked_at.get() {
                self.active.set(Some(terminal));
            }
        });
    }

    /// A terminal that is gone, or elsewhere, gives way to another one.
    fn settle(self) {
        let (panel, in_editor_area) = (self.in_panel.get_untracked(), self.in_editor_area.get_untracked());
        let there = |signal: RwSignal<Option<TerminalId>>| {
            signal.get_untracked().filter(|terminal| panel.contains(terminal))
        };
        let (left, right, chosen) = (there(self.left), there(self.right), there(self.chosen));
        let alone = left.or(right).or_else(|| panel.last().copied());
        let right = right.filter(|_| left.is_some());
        let chosen = chosen.or(alone);
        let active = self.active.get_untracked();
        let active = active.filter(|active| panel.contains(active) || in_editor_area.contains(active));
        let active = active.or(chosen).or_else(|| in_editor_area.last().copied());
        let now = [(self.left, alone), (self.right, right), (self.chosen, chosen), (self.active, active)];
        for (signal, now) in now {
            if signal.get_untracked() != now {
                signal.set(now);
            }
        }
    }

    /// The terminal that commands are about.
    pub(crate) fn current(self) -> Option<TerminalInfo> {
        let active = self.active.get()?;
        self.info(active)
    }

    /// Whether a terminal has a tab in the editor area.
    pub(crate) fn is_in_editor_area(self, terminal: TerminalId) -> bool {
        self.in_editor_area.read().contains(&terminal)
    }

    /// Whether the panel has a terminal.
    pub(crate) fn panel_has_terminal(self) -> bool {
        !self.in_panel.read().is_empty()
    }

    /// A terminal, if it is there.
    fn info(self, terminal: TerminalId) -> Option<TerminalInfo> {
        let terminals = self.session.store.terminals().read();
        terminals.iter().find(|info| info.terminal == terminal).cloned()
    }

    fn access(self, info: &TerminalInfo) -> Access {
        if self.session.may_type(info) { Access::Writable } else { Access::ReadOnly }
    }

    /// Does something with a terminal that is there and loaded.
    pub(crate) fn with(self, terminal: TerminalId, action: impl FnOnce(&OwnedTerminal)) {
        let slot = self.inner.get_value().slots.borrow().get(&terminal).cloned();
        if let Some(slot) = slot {
            slot.with(action);
        }
    }

    /// Does something with the terminal that commands are about.
    pub(crate) fn with_active(self, action: impl FnOnce(&OwnedTerminal)) {
        if let Some(active) = self.active.get_untracked() {
            self.with(active, action);
        }
    }

    /// How much of the room the panel has: the value of `data-panel`.
    pub(crate) fn panel_name(self) -> &'static str {
        match (self.open.get(), self.maximised.get()) {
            (false, _) => "closed",
            (true, false) => "open",
            (true, true) => "max",
        }
    }

    /// Shows the panel.
    pub(crate) fn open_panel(self) {
        self.open.set(true);
        self.ask.run(TerminalQuestion::Show);
    }

    /// Hides the panel.
    pub(crate) fn close_panel(self) {
        self.open.set(false);
        self.maximised.set(false);
        self.ask.run(TerminalQuestion::Hidden);
        if let Some(terminal) = untrack(|| self.session.active_terminal()) {
            self.focus_pane(terminal);
        }
    }

    /// As Ctrl+` does: shows the panel with the keyboard in it, or hides it if the keyboard is there already or can not be.
    pub(crate) fn toggle(self) {
        if self.open.get_untracked() && (has_focus() || !untrack(|| self.panel_has_terminal())) {
            self.close_panel();
        } else {
            self.focus_panel();
        }
    }

    /// Makes the panel as large as can be, or as it was.
    pub(crate) fn toggle_maximised(self) {
        self.maximised.update(|maximised| *maximised = !*maximised);
        self.open_panel();
    }

    /// Moves the keyboard into the terminal that was used last, and shows it if it is not shown.
    pub(crate) fn focus(self) {
        let active = self.active.get_untracked();
        let Some(terminal) = active.filter(|active| untrack(|| self.is_in_editor_area(*active))) else {
            return self.focus_panel();
        };
        self.show_editors();
        self.session.open_terminal(terminal);
    }

    /// Shows the panel with the keyboard in its terminal.
    pub(crate) fn focus_panel(self) {
        self.open_panel();
        if let Some(chosen) = self.chosen.get_untracked() {
            self.active.set(Some(chosen));
            self.focus_pane(chosen);
        }
    }

    /// Moves the keyboard into a terminal, as soon as it is shown.
    fn focus_pane(self, terminal: TerminalId) {
        let inner = self.inner.get_value();
        let mut ready = false;
        if !inner.is_hidden(terminal) {
            self.with(terminal, |terminal| {
                ready = true;
                terminal.focus();
            });
        }
        if !ready {
            inner.focus_when_ready.set(Some(terminal));
        }
    }

    /// Shows the editor area, in which a terminal is to be seen.
    fn show_editors(self) {
        self.maximised.set(false);
        self.ask.run(TerminalQuestion::ShowEditors);
    }

    /// Shows a terminal where it is: in its tab, or in the panel.
    pub(crate) fn show(self, terminal: TerminalId) {
        match self.session.tab_of_terminal(terminal) {
            Some(tab) => self.session.activate(tab, Focus::Stay),
            None => self.choose(terminal),
        }
        self.active.set(Some(terminal));
    }

    /// Shows a terminal in the panel: at its side of it, or in the place of the chosen one.
    fn choose(self, terminal: TerminalId) {
        let (left, right) = (self.left.get_untracked(), self.right.get_untracked());
        if left != Some(terminal) && right != Some(terminal) {
            let at_right = right.is_some() && right == self.chosen.get_untracked();
            let side = if at_right { self.right } else { self.left };
            side.set(Some(terminal));
        }
        self.chosen.set(Some(terminal));
        request_animation_frame(show_chosen_tab);
    }

    /// Moves a terminal into a tab of the editor area, with the keyboard in it. A panel that has no other closes.
    pub(crate) fn move_to_editor(self, terminal: TerminalId) {
        // It goes to another place in the page, so the keyboard can not be there before that.
        self.session.open_terminal(terminal);
        self.inner.get_value().focus_when_ready.set(Some(terminal));
        self.active.set(Some(terminal));
        self.settle();
        if !untrack(|| self.panel_has_terminal()) {
            self.open.set(false);
        }
        self.show_editors();
    }

    /// Moves a terminal into the panel, with the keyboard in it.
    pub(crate) fn move_to_panel(self, terminal: TerminalId) {
        let Some(tab) = self.session.tab_of_terminal(terminal) else { return };
        self.open_panel();
        self.session.close_tab(tab);
        self.inner.get_value().focus_when_ready.set(Some(terminal));
    }

    /// Shows the terminal beside the active one in the list of all.
    pub(crate) fn step(self, by: isize) {
        let ids: Vec<_> = self.ids();
        let here = self.active.get_untracked().and_then(|id| ids.iter().position(|other| *other == id));
        if let Some(here) = here {
            let next = (here as isize + by).rem_euclid(ids.len() as isize);
            self.show(ids[next as usize]);
            self.focus();
        }
    }

    /// Shows two side by side in the panel, or one again. A host with a single one there gets another.
    pub(crate) fn split(self) {
        let chosen = self.chosen.get_untracked();
        if self.right.get_untracked().is_some() {
            self.right.set(None);
            return self.left.set(chosen);
        }
        let other = self.in_panel.get_untracked().into_iter().find(|id| Some(*id) != chosen);
        match (other, chosen.and_then(|chosen| untrack(|| self.info(chosen)))) {
            (Some(other), _) => self.right.set(Some(other)),
            (None, Some(info)) => {
                self.inner.get_value().next_goes_beside.set(true);
                self.session.share_terminal(info.access);
            }
            (None, None) => {}
        }
    }

    fn ids(self) -> Vec<TerminalId> {
        let ids = |terminals: &Vec<TerminalInfo>| terminals.iter().map(|info| info.terminal).collect();
        self.session.store.terminals().with_untracked(ids)
    }

    /// Puts a terminal into the page; out of where it was, if it was elsewhere.
    fn attach(self, terminal: TerminalId, host: &HtmlElement) -> Place {
        let inner = self.inner.get_value();
        let known = inner.slots.borrow().get(&terminal).cloned();
        let slot = known.unwrap_or_else(|| self.load(terminal));
        let place = Place(slot.place.get().0 + 1);
        // A fresh host takes any child.
        let _ = host.append_child(&slot.container);
        slot.shown.set(true);
        slot.place.set(place);
        if slot.terminal.borrow().is_some() {
            inner.watch(terminal, &slot);
            inner.grant_focus(terminal);
        }
        place
    }

    /// Takes a terminal out of a place in the page, unless it is at another by now.
    fn detach(self, terminal: TerminalId, place: Place) {
        let Some(inner) = self.inner.try_get_value() else { return };
        let Some(slot) = inner.slots.borrow().get(&terminal).cloned() else { return };
        if slot.place.get() != place {
            return;
        }
        slot.container.remove();
        slot.shown.set(false);
        let me = Rc::downgrade(&inner);
        let wait = UNWATCHED_AFTER.as_millis() as u32;
        let leave = Timeout::new(wait, move || {
            if let Some(inner) = me.upgrade() {
                inner.leave_hidden();
            }
        });
        inner.leaving.replace(Some(leave));
    }

    fn load(self, terminal: TerminalId) -> Rc<Slot> {
        let inner = self.inner.get_value();
        let container = document()
            .create_element("div")
            .expect("a page can make elements")
            .unchecked_into::<HtmlElement>();
        container.set_class_name("terminal-host");
        let slot = Rc::new(Slot {
            container: container.clone(),
            terminal: RefCell::new(None),
            shown: Cell::new(true),
            watched: Cell::new(false),
            place: Cell::default(),
        });
        inner.slots.borrow_mut().insert(terminal, Rc::clone(&slot));
        let options = TerminalOptions {
            label: &text::terminal_input(&self.session.terminal_named(terminal).unwrap_or_default()),
            font_size: self.settings.terminal_font.get_untracked(),
            read_aloud: self.settings.read_aloud.get_untracked(),
        };
        let on_event = Box::new(move |event| self.on_event(terminal, event));
        let waiting: Weak<Slot> = Rc::downgrade(&slot);
        let done = Box::new(move |loaded: Option<OwnedTerminal>| {
            // The page may have been left, or the terminal ended, while its code was on the way.
            let (Some(slot), Some(inner)) = (waiting.upgrade(), self.inner.try_get_value()) else { return };
            let Some(loaded) = loaded else {
                return self.session.toast(Tone::Error, text::TERMINAL_NOT_LOADED.to_owned(), None);
            };
            let access = untrack(|| self.info(terminal).map_or(Access::ReadOnly, |info| self.access(&info)));
            loaded.set_access(access);
            slot.terminal.replace(Some(loaded));
            if slot.shown.get() {
                inner.watch(terminal, &slot);
                inner.grant_focus(terminal);
            }
        });
        OwnedTerminal::open(&container, &options, on_event, done);
        slot
    }

    fn on_event(self, terminal: TerminalId, event: TerminalEvent) {
        let session = self.session;
        match event {
            TerminalEvent::Input(bytes) => session.type_into(terminal, &bytes),
            TerminalEvent::Refused => {
                let info = untrack(|| self.info(terminal));
                let ended = info.is_some_and(|info| text::ended(&info.state).is_some());
                let sentence = if ended { text::REFUSED_ENDED } else { text::REFUSED_TERMINAL };
                session.toast(Tone::Info, sentence.to_owned(), None);
            }
            TerminalEvent::Fit { columns, rows } => {
                let size = TerminalSize { columns, rows };
                session.with(|client| client.fit_terminal(terminal, size));
            }
            TerminalEvent::AskPaste(text) => self.ask.run(TerminalQuestion::Paste(terminal, text)),
            TerminalEvent::Behind => self.watch(terminal, History::None),
            TerminalEvent::ShowKept => self.watch(terminal, History::Kept),
        }
    }

    /// Asks for the screen of a terminal.
    fn watch(self, terminal: TerminalId, history: History) {
        self.session.with(|client| client.watch_terminal(terminal, history));
    }
}

/// The classes of the picture that says how a terminal stands.
fn icon_class(session: SessionHandle, info: &TerminalInfo) -> &'static str {
    if has_failed(info) {
        "icon icon-circle-alert"
    } else if text::ended(&info.state).is_some() {
        "icon icon-circle-check"
    } else if session.may_type(info) {
        "icon icon-square-terminal"
    } else {
        "icon icon-lock"
    }
}

fn has_failed(info: &TerminalInfo) -> bool {
    let well = TerminalState::Exited { code: Some(0), signal: None };
    info.state != TerminalState::Running && info.state != well
}

/// Brings the tab of the panel's chosen terminal into sight.
fn show_chosen_tab() {
    if let Ok(Some(tab)) = document().query_selector(".terminal-tab[aria-selected=true]") {
        show_whole(&tab);
    }
}

/// Whether the keyboard is in the panel.
fn has_focus() -> bool {
    document()
        .active_element()
        .is_some_and(|focused| focused.closest(".terminal-panel").ok().flatten().is_some())
}

impl Terminals {
    fn slot(&self, terminal: TerminalId) -> Option<Rc<Slot>> {
        self.slots.borrow().get(&terminal).cloned()
    }

    fn is_hidden(&self, terminal: TerminalId) -> bool {
        self.slot(terminal).is_none_or(|slot| !slot.shown.get())
    }

    /// What scrolled by while nobody looked comes with the screen.
    fn watch(&self, terminal: TerminalId, slot: &Slot) {
        if !slot.watched.replace(true) {
            self.session.with(|client| client.watch_terminal(terminal, History::Kept));
        }
    }

    fn grant_focus(&self, terminal: TerminalId) {
        if self.focus_when_ready.get() == Some(terminal) {
            self.focus_when_ready.set(None);
            if let Some(slot) = self.slot(terminal) {
                slot.with(OwnedTerminal::focus);
            }
        }
    }

    fn leave_hidden(&self) {
        let slots = self.slots.borrow();
        for (terminal, slot) in slots.iter().filter(|(_, slot)| !slot.shown.get()) {
            if slot.watched.replace(false) {
                self.session.with(|client| client.unwatch_terminal(*terminal));
            }
        }
    }
}

impl TerminalViews for Terminals {
    fn screen(&self, terminal: TerminalId, size: TerminalSize, history: History, skipped: u64, bytes: &[u8]) {
        let kept = if history == History::Kept { Kept::Yes } else { Kept::No };
        if let Some(slot) = self.slot(terminal) {
            slot.with(|terminal| terminal.screen((size.columns, size.rows), kept, skipped, bytes));
        }
    }

    fn output(&self, terminal: TerminalId, bytes: &[u8]) {
        if let Some(slot) = self.slot(terminal) {
            slot.with(|terminal| terminal.output(bytes));
        }
    }

    fn opened(&self, terminal: TerminalId) {
        let Some(handle) = self.handle.get() else { return };
        if self.next_goes_beside.take() {
            handle.right.set(Some(terminal));
        }
        handle.show(terminal);
        handle.focus();
    }

    fn appeared(&self, terminal: TerminalId) {
        if let Some(handle) = self.handle.get()
            && !is_phone()
        {
            handle.choose(terminal);
            handle.open.set(true);
        }
    }

    fn focus(&self, terminal: TerminalId) {
        if let Some(handle) = self.handle.get() {
            handle.focus_pane(terminal);
        }
    }

    fn put_back(&self, terminal: TerminalId) {
        let Some(handle) = self.handle.get() else { return };
        // One that is shared no more is nowhere.
        let Some(name) = self.session.terminal_named(terminal) else { return };
        handle.choose(terminal);
        handle.settle();
        if !handle.open.get_untracked() {
            self.session.toast(Tone::Info, text::terminal_put_back(&name), None);
        }
    }

    fn typed(&self, terminal: TerminalId, person: &Person) {
        if let Some(slot) = self.slot(terminal) {
            slot.with(|terminal| terminal.typing(&person.name, person.color));
        }
    }

    fn over(&self, terminal: TerminalId) {
        let slot = self.slots.borrow_mut().remove(&terminal);
        if let Some(slot) = slot {
            slot.container.remove();
        }
    }
}

/// Whether there is room for one pane only; as in the styles.
pub(crate) fn is_phone() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width < 640.0)
}
