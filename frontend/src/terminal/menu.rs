//! The menus: which kind of new terminal, and everything about one that is shown.

use leptos::ev;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::message::{TerminalInfo, Typing};
use parlor_shared::role::{Capability, Role};
use parlor_shared::terminal::{Access, SizePolicy, may_type};
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::{TerminalQuestion, TerminalsHandle};
use crate::component::{Menu, MenuEntry, MenuItem};
use crate::js::terminal::OwnedTerminal;
use crate::session::SessionHandle;
use crate::session::store::{Person, SessionStateStoreFields as _};
use crate::text;

/// What a menu is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MenuAbout {
    /// A terminal that is not there yet.
    New,
    /// One that is there.
    Terminal(TerminalId),
}

/// The menu that is open, and where in the window.
#[derive(Clone, Copy)]
pub(super) struct OpenMenu(RwSignal<Option<(MenuAbout, (f64, f64))>>);

impl OpenMenu {
    /// None is.
    pub(super) fn new() -> Self {
        Self(RwSignal::new(None))
    }

    /// Opens one below the button that was pressed.
    pub(super) fn open(self, about: MenuAbout, event: &ev::MouseEvent) {
        if let Some(button) = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok())
        {
            let area = button.get_bounding_client_rect();
            self.0.set(Some((about, (area.left(), area.bottom() + 4.0))));
        }
    }
}

/// The menu, while it is open.
#[component]
pub(super) fn TerminalMenu(menu: OpenMenu) -> impl IntoView {
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    move || {
        let (about, at) = menu.0.get()?;
        let (label, entries) = untrack(|| match about {
            MenuAbout::New => (text::NEW_TERMINAL, new_entries(session)),
            MenuAbout::Terminal(terminal) => (text::TERMINAL_MORE, entries(session, terminals, terminal)),
        });
        Some(view! { <Menu label at entries on_close=move |()| menu.0.set(None) /> })
    }
}

fn item(label: impl Into<String>, icon: &'static str, action: impl Fn() + Send + Sync + 'static) -> MenuItem {
    MenuItem::new(label, Callback::new(move |()| action())).icon(icon)
}

fn new_entries(session: SessionHandle) -> Vec<MenuEntry> {
    let new = |label: &str, icon, access| item(label, icon, move || session.share_terminal(access)).into();
    vec![
        new(text::NEW_TERMINAL_READ_ONLY, "lock", Access::ReadOnly),
        new(text::NEW_TERMINAL_COLLABORATIVE, "users", Access::Collaborative),
    ]
}

fn entries(session: SessionHandle, terminals: TerminalsHandle, terminal: TerminalId) -> Vec<MenuEntry> {
    let Some(info) = terminals.info(terminal) else { return Vec::new() };
    let shares = session.may(Capability::Share);
    let on = move |action: fn(&OwnedTerminal)| move || terminals.with(terminal, action);
    let settings = terminals.settings;
    let mut entries = Vec::new();
    if shares {
        entries.extend(access_entries(session, &info));
    }
    let reads = MenuItem::new(text::READ_ALOUD, Callback::new(move |()| settings.toggle_read_aloud()));
    let reads = if settings.read_aloud.get_untracked() { reads.chosen() } else { reads.choosable() };
    entries.extend([
        item(text::COPY_SELECTION, "copy", on(OwnedTerminal::copy)).into(),
        item(text::FIND, "search", on(OwnedTerminal::open_find)).into(),
        item(text::CLEAR, "list-collapse", on(OwnedTerminal::clear)).into(),
        item(text::TERMINAL_LARGER, "a-large-small", move || settings.resize_terminal_font(1)).into(),
        item(text::TERMINAL_SMALLER, "a-large-small", move || settings.resize_terminal_font(-1)).into(),
        reads.into(),
        MenuEntry::Line,
        if terminals.is_in_editor_area(terminal) {
            item(text::MOVE_TO_PANEL, "panel-bottom", move || terminals.move_to_panel(terminal)).into()
        } else {
            item(text::MOVE_TO_EDITOR, "panel-top", move || terminals.move_to_editor(terminal)).into()
        },
    ]);
    if shares {
        let unshare = move || terminals.ask.run(TerminalQuestion::Unshare(terminal));
        entries.extend([
            MenuEntry::Line,
            item(text::RESTART, "rotate-cw", move || session.restart_terminal(terminal)).into(),
            item(text::UNSHARE, "trash-2", unshare).dangerous().into(),
        ]);
    }
    entries
}

/// Who may type, and who decides about the size.
fn access_entries(session: SessionHandle, info: &TerminalInfo) -> Vec<MenuEntry> {
    let terminal = info.terminal;
    let choice = |label: String, is_chosen: bool, action: Callback<()>| -> MenuEntry {
        let item = MenuItem::new(label, action);
        if is_chosen { item.chosen() } else { item.choosable() }.into()
    };
    let access = |label: &str, access| {
        let set = Callback::new(move |()| session.set_access(terminal, access));
        choice(label.to_owned(), info.access == access, set)
    };
    let policy = |label: String, policy: SizePolicy| {
        let set = Callback::new(move |()| session.set_size_policy(terminal, policy));
        choice(label, info.policy == policy, set)
    };
    let fixed = match info.policy {
        SizePolicy::Fixed(size) => size,
        SizePolicy::Host | SizePolicy::LatestWriter => info.size,
    };
    let people = session.store.people().get_untracked();
    let guests = people.iter().filter(|person| person.role != Role::Host);
    let mut entries = vec![
        access(text::ACCESS_READ_ONLY, Access::ReadOnly),
        access(text::ACCESS_COLLABORATIVE, Access::Collaborative),
    ];
    entries.extend(guests.map(|person| {
        let (participant, typing) = (person.id, other_way(info, person));
        let types = may_type(info, person.id, person.role);
        let set = Callback::new(move |()| session.set_typing(terminal, participant, typing));
        choice(text::person_types(&person.name), types, set)
    }));
    entries.extend([
        MenuEntry::Line,
        policy(text::SIZE_HOST.to_owned(), SizePolicy::Host),
        policy(text::SIZE_WRITER.to_owned(), SizePolicy::LatestWriter),
        policy(text::size_fixed(fixed), SizePolicy::Fixed(fixed)),
        MenuEntry::Line,
    ]);
    entries
}

/// What makes somebody type who does not, or the other way round; no exception where none is needed.
fn other_way(info: &TerminalInfo, person: &Person) -> Typing {
    let types = may_type(info, person.id, person.role);
    let mut plain = info.clone();
    plain.exceptions.clear();
    match (types, may_type(&plain, person.id, person.role)) {
        (true, false) | (false, true) => Typing::ByAccess,
        (true, true) => Typing::Denied,
        (false, false) => Typing::Allowed,
    }
}
