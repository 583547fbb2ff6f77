//! The terminals of this page: one xterm for each that was looked at, and the panel that shows one or two of them.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::message::{History, TerminalInfo};
use parlor_shared::terminal::TerminalSize;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::component::show_whole;
use crate::js::editor::Access;
use crate::js::terminal::{Kept, OwnedTerminal, TerminalEvent, TerminalOptions};
use crate::session::SessionHandle;
use crate::session::store::{Person, SessionStateStoreFields as _, Tone};
use crate::session::terminals::TerminalViews;
use crate::settings::Settings;
use crate::small_map::SmallMap;
use crate::text;

mod menu;
mod panel;

pub(crate) use panel::TerminalPanel;

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
    /// The one that commands are about.
    pub(crate) active: RwSignal<Option<TerminalId>>,
    /// What the panel shows, at its left side or alone, and at its right side. The active one is one of them.
    left: RwSignal<Option<TerminalId>>,
    right: RwSignal<Option<TerminalId>>,
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
}

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
            left: RwSignal::new(None),
            right: RwSignal::new(None),
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
            self.show_what_is_there(&terminals);
        });
    }

    /// A terminal that is gone gives way to another one.
    fn show_what_is_there(self, terminals: &[TerminalInfo]) {
        let there = |signal: RwSignal<Option<TerminalId>>| {
            signal.get_untracked().filter(|id| terminals.iter().any(|info| info.terminal == *id))
        };
        let (left, right, active) = (there(self.left), there(self.right), there(self.active));
        let alone = left.or(right).or_else(|| terminals.last().map(|info| info.terminal));
        let right = right.filter(|_| left.is_some());
        let active = active.or(alone);
        for (signal, now) in [(self.left, alone), (self.right, right), (self.active, active)] {
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
    }

    /// As Ctrl+` does: shows the panel with the keyboard in it, or hides it if the keyboard is there already.
    pub(crate) fn toggle(self) {
        if self.open.get_untracked() && has_focus() {
            self.close_panel();
        } else {
            self.focus();
        }
    }

    /// Makes the panel as large as can be, or as it was.
    pub(crate) fn toggle_maximised(self) {
        self.maximised.update(|maximised| *maximised = !*maximised);
        self.open_panel();
    }

    /// Moves the keyboard into the terminal, and shows it if it is not shown.
    pub(crate) fn focus(self) {
        self.open_panel();
        let Some(active) = self.active.get_untracked() else { return };
        let mut ready = false;
        if !self.inner.get_value().is_hidden(active) {
            self.with(active, |terminal| {
                ready = true;
                terminal.focus();
            });
        }
        if !ready {
            self.inner.get_value().focus_when_ready.set(Some(active));
        }
    }

    /// Shows a terminal in the panel: where it is, or in the place of the active one.
    pub(crate) fn show(self, terminal: TerminalId) {
        let (left, right) = (self.left.get_untracked(), self.right.get_untracked());
        if left != Some(terminal) && right != Some(terminal) {
            let at_right = right.is_some() && right == self.active.get_untracked();
            let place = if at_right { self.right } else { self.left };
            place.set(Some(terminal));
        }
        self.active.set(Some(terminal));
        request_animation_frame(show_active_tab);
    }

    /// Shows the terminal beside the active one in the list.
    pub(crate) fn step(self, by: isize) {
        let ids: Vec<_> = self.ids();
        let here = self.active.get_untracked().and_then(|id| ids.iter().position(|other| *other == id));
        if let Some(here) = here {
            let next = (here as isize + by).rem_euclid(ids.len() as isize);
            self.show(ids[next as usize]);
            self.focus();
        }
    }

    /// Shows two side by side, or one again. A host with a single terminal gets another.
    pub(crate) fn split(self) {
        let active = self.active.get_untracked();
        if self.right.get_untracked().is_some() {
            self.right.set(None);
            return self.left.set(active);
        }
        let other = self.ids().into_iter().find(|id| Some(*id) != active);
        match (other, self.current_untracked()) {
            (Some(other), _) => self.right.set(Some(other)),
            (None, Some(info)) => {
                self.inner.get_value().next_goes_beside.set(true);
                self.session.share_terminal(info.access);
            }
            (None, None) => {}
        }
    }

    fn current_untracked(self) -> Option<TerminalInfo> {
        untrack(|| self.current())
    }

    fn ids(self) -> Vec<TerminalId> {
        let ids = |terminals: &Vec<TerminalInfo>| terminals.iter().map(|info| info.terminal).collect();
        self.session.store.terminals().with_untracked(ids)
    }

    /// Puts a terminal into the page.
    fn attach(self, terminal: TerminalId, host: &HtmlElement) {
        let inner = self.inner.get_value();
        let known = inner.slots.borrow().get(&terminal).cloned();
        let slot = known.unwrap_or_else(|| self.load(terminal));
        // A fresh host takes any child.
        let _ = host.append_child(&slot.container);
        slot.shown.set(true);
        if slot.terminal.borrow().is_some() {
            inner.watch(terminal, &slot);
            inner.grant_focus(terminal);
        }
    }

    /// Takes a terminal out of the page.
    fn detach(self, terminal: TerminalId) {
        let Some(inner) = self.inner.try_get_value() else { return };
        let Some(slot) = inner.slots.borrow().get(&terminal).cloned() else { return };
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

/// Brings the tab of the active terminal into sight.
fn show_active_tab() {
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
            handle.show(terminal);
            handle.open.set(true);
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
