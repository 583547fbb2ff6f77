//! The bars around the room: title bar, activity bar, and the bar at the foot of a phone.

use leptos::html;
use leptos::prelude::*;
use parlor_shared::message::Activity;
use parlor_shared::role::{Capability, Role};

use super::{Asking, Pane, RoomView, Side};
use crate::component::{Avatar, Button, ButtonKind, Icon, IconButton, Mark, Menu, MenuEntry, MenuItem, When};
use crate::page::connection::ConnectionState;
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Who};
use crate::settings::{NameFlags, Settings, Theme, WordWrap};
use crate::terminal::TerminalsHandle;
use crate::text;

/// Avatars that stand in the title bar; the rest is a number.
const AVATARS_SHOWN: usize = 5;

/// The title bar.
#[component]
pub(super) fn TitleBar() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();

    // -- derived --
    let workspace = move || session.store.info().get().map(|info| info.workspace).unwrap_or_default();
    let is_host = move || session.may(Capability::Administer);
    let ends = Memo::new(move |_| session.store.role().get() == Role::Host);
    let people = session.store.people();
    let ids = Memo::new(move |_| people.read().iter().map(|person| person.id).collect::<Vec<_>>());
    let shown = Memo::new(move |_| ids.read().iter().take(AVATARS_SHOWN).copied().collect::<Vec<_>>());
    let hidden = Memo::new(move |_| ids.read().len().saturating_sub(AVATARS_SHOWN));

    view! {
        <header class="titlebar">
            <span class="titlebar-mark">
                <Mark />
            </span>
            <h1 class="titlebar-name">{workspace}</h1>
            <ConnectionState standing=session.standing />
            <span class="titlebar-space"></span>
            <button
                type="button"
                class="avatar-stack"
                aria-label=move || text::people_present(people.read().len())
                title=move || text::people_present(people.read().len())
                on:click=move |_| room.show_side(Side::People)
            >
                <For
                    each=move || shown.get()
                    key=|id| *id
                    children=move |id| {
                        let person = Memo::new(move |_| {
                            people.read().iter().find(|person| person.id == id).cloned()
                        });
                        let name = Signal::derive(move || person.get().map(|person| person.name).unwrap_or_default());
                        let color = Signal::derive(move || person.get().map(|person| person.color).unwrap_or_default());
                        let away = Signal::derive(move || {
                            person.get().is_some_and(|person| person.activity == Activity::Away && person.who == Who::Other)
                        });
                        view! { <Avatar name color away /> }
                    }
                />
                <When when=Signal::derive(move || hidden.get() != 0)>
                    <span class="avatar avatar-more" aria-hidden="true" title=move || text::more_people(hidden.get())>
                        {move || format!("+{}", hidden.get())}
                    </span>
                </When>
            </button>
            <div class="titlebar-actions">
                <When when=Signal::derive(is_host)>
                    <Button
                        kind=ButtonKind::Primary
                        icon="user-plus"
                        attr:data-testid="share"
                        on_press=move |_| room.asking.set(Some(Asking::Share))
                    >
                        {text::SHARE}
                    </Button>
                </When>
                <IconButton
                    icon=Signal::derive(move || if ends.get() { "power" } else { "log-out" })
                    label=Signal::derive(move || {
                        let label = if ends.get() { text::END } else { text::LEAVE };
                        label.to_owned()
                    })
                    on_press=move |_| {
                        room.asking.set(Some(if ends.get_untracked() { Asking::End } else { Asking::Leave }));
                    }
                />
            </div>
        </header>
    }
}

/// The bar at the left edge: what the side bar shows.
#[component]
pub(super) fn ActivityBar() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let terminals = TerminalsHandle::expect();

    // -- derived --
    let pressed = move |side| {
        let shown = room.sidebar.get() && room.side.get() == side;
        if shown { "true" } else { "false" }
    };
    let count = move || session.store.people().read().len();
    let waiting = Memo::new(move |_| session.wishes().len());
    // Whoever waits is counted before those who are there.
    let people_count = move || match waiting.get() {
        0 => count(),
        waiting => waiting,
    };
    let waits = move || (waiting.get() > 0).then_some("true");
    let about_waiting = move || text::waiting_for_you(waiting.get());
    let running = move || {
        let count = session.store.terminals().read().len();
        (count > 0).then_some(count)
    };

    view! {
        <nav class="activitybar" aria-label=text::VIEWS data-part="activity">
            <button
                type="button"
                class="activity"
                aria-label=text::EXPLORER
                title=text::EXPLORER
                aria-pressed=move || pressed(Side::Explorer)
                on:click=move |_| room.toggle_side(Side::Explorer)
            >
                <Icon name="files" />
            </button>
            <button
                type="button"
                class="activity"
                aria-label=text::PEOPLE
                title=move || about_waiting().unwrap_or_else(|| text::PEOPLE.to_owned())
                aria-description=about_waiting
                aria-pressed=move || pressed(Side::People)
                on:click=move |_| room.toggle_side(Side::People)
            >
                <Icon name="users" />
                <span
                    class="activity-count"
                    aria-hidden="true"
                    data-waits=waits
                    data-count=people_count
                ></span>
            </button>
            <button
                type="button"
                class="activity"
                aria-label=text::TERMINAL
                title=text::TERMINAL
                aria-pressed=move || if terminals.open.get() { "true" } else { "false" }
                on:click=move |_| {
                    if terminals.open.get_untracked() {
                        terminals.close_panel();
                    } else {
                        terminals.focus_panel();
                    }
                }
            >
                <Icon name="square-terminal" />
                <span class="activity-count" aria-hidden="true" data-count=running></span>
            </button>
            <span class="activitybar-space"></span>
            <SettingsButton />
            <button
                type="button"
                class="activity"
                aria-label=text::PALETTE
                title=text::PALETTE
                on:click=move |_| room.palette.set(true)
            >
                <Icon name="command" />
            </button>
        </nav>
    }
}

/// Settings of this browser, in a menu.
#[component]
fn SettingsButton() -> impl IntoView {
    // -- state --
    let settings = Settings::expect();
    let open = RwSignal::new(None::<(f64, f64)>);
    let button = NodeRef::<html::Button>::new();

    // -- actions --
    let toggle = move |_| {
        if let Some(button) = button.get_untracked() {
            let area = button.get_bounding_client_rect();
            open.set(Some((area.right() + 4.0, area.bottom())));
        }
    };

    view! {
        <button
            type="button"
            class="activity"
            aria-label=text::SETTINGS
            title=text::SETTINGS
            aria-haspopup="menu"
            node_ref=button
            on:click=toggle
        >
            <Icon name="settings" />
        </button>
        {move || {
            let at = open.get()?;
            let entries = settings_entries(settings);
            Some(view! { <Menu label=text::SETTINGS at entries on_close=move |()| open.set(None) /> })
        }}
    }
}

fn settings_entries(settings: Settings) -> Vec<MenuEntry> {
    let choice = |label: String, is_chosen: bool, action: Callback<()>| -> MenuEntry {
        let item = MenuItem::new(label, action);
        if is_chosen { item.chosen() } else { item.choosable() }.into()
    };
    let theme = |label: &str, theme: Theme| {
        let action = Callback::new(move |()| settings.theme.set(theme));
        choice(format!("{}: {label}", text::THEME), settings.theme.get_untracked() == theme, action)
    };
    let flags = |label: &str, flags: NameFlags| {
        let action = Callback::new(move |()| settings.name_flags.set(flags));
        choice(format!("{}: {label}", text::NAME_FLAGS), settings.name_flags.get_untracked() == flags, action)
    };
    let resize = |label: &str, step: i32| -> MenuEntry {
        let action = Callback::new(move |()| settings.resize_font(step));
        MenuItem::new(format!("{}: {label}", text::FONT_SIZE), action).icon("a-large-small").into()
    };
    let wraps = settings.wrap.get_untracked() == WordWrap::On;
    vec![
        theme(text::THEME_SYSTEM, Theme::System),
        theme(text::THEME_LIGHT, Theme::Light),
        theme(text::THEME_DARK, Theme::Dark),
        MenuEntry::Line,
        choice(text::WORD_WRAP.to_owned(), wraps, Callback::new(move |()| settings.toggle_wrap())),
        resize(text::FONT_LARGER, 1),
        resize(text::FONT_SMALLER, -1),
        MenuEntry::Line,
        flags(text::NAME_FLAGS_ACTIVITY, NameFlags::Activity),
        flags(text::NAME_FLAGS_ALWAYS, NameFlags::Always),
        flags(text::NAME_FLAGS_NEVER, NameFlags::Never),
    ]
}

/// The bar at the foot of a phone: which pane is shown.
#[component]
pub(super) fn BottomBar() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let terminals = TerminalsHandle::expect();

    // -- derived --
    let waiting = Memo::new(move |_| session.wishes().len());
    let has_terminals =
        move || session.may(Capability::OpenTerminal) || !session.store.terminals().read().is_empty();

    // -- actions --
    let item = move |pane: Pane, icon: &'static str, label: &'static str| {
        let pressed = move || if room.pane.get() == pane { "true" } else { "false" };
        let show = move |_| match pane {
            Pane::Files => room.show_side(Side::Explorer),
            Pane::People => room.show_side(Side::People),
            Pane::Editor => room.pane.set(Pane::Editor),
            Pane::Terminal => terminals.open_panel(),
        };
        let waiting = move || if pane == Pane::People { waiting.get() } else { 0 };
        let waiting_count = move || Some(waiting()).filter(|count| *count > 0);
        view! {
            <button
                type="button"
                class="bottombar-item"
                aria-pressed=pressed
                aria-description=move || text::waiting_for_you(waiting())
                on:click=show
            >
                <Icon name=icon />
                <span>{label}</span>
                <span
                    class="activity-count"
                    aria-hidden="true"
                    data-waits="true"
                    data-count=waiting_count
                ></span>
            </button>
        }
    };

    view! {
        <nav class="bottombar" aria-label=text::VIEWS>
            {item(Pane::Files, "files", text::FILES)}
            {item(Pane::Editor, "pencil-line", text::EDITOR)}
            <When when=Signal::derive(has_terminals)>
                {item(Pane::Terminal, "square-terminal", text::TERMINAL)}
            </When>
            {item(Pane::People, "users", text::PEOPLE)}
        </nav>
    }
}
