//! A terminal wherever it is shown, and what stands above it.

use leptos::html;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::message::TerminalState;
use parlor_shared::role::Capability;

use super::menu::{MenuAbout, OpenMenu};
use super::{Place, TerminalsHandle};
use crate::component::{Avatar, Badge, Banner, Button, ButtonKind, IconButton, Tone, When};
use crate::session::SessionHandle;
use crate::text;

/// Avatars of those who look at a terminal; the rest is named by the tooltip.
const WATCHERS_SHOWN: usize = 4;

/// What the person before this page may do in a terminal, and who else looks at it.
#[component]
pub(super) fn Standing(terminal: TerminalId) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();

    // -- derived --
    let info = move || terminals.info(terminal);
    let locked = Memo::new(move |_| {
        info().is_some_and(|info| info.state == TerminalState::Running && !session.may_type(&info))
    });
    let asked = Memo::new(move |_| {
        info().is_some_and(|info| session.me().is_some_and(|me| info.asking.contains(&me)))
    });
    let watchers = Memo::new(move |_| {
        let me = session.me();
        info()
            .map(|info| info.watchers)
            .unwrap_or_default()
            .into_iter()
            .filter(|id| Some(*id) != me)
            .collect::<Vec<_>>()
    });
    let names = move || {
        let names: Vec<String> = watchers.read().iter().map(|id| session.name_of(*id)).collect();
        (!names.is_empty()).then(|| text::watched_by(&names))
    };
    let avatars = move || {
        let shown = watchers.get().into_iter().filter_map(|id| session.person(id)).take(WATCHERS_SHOWN);
        shown.map(|person| view! { <Avatar name=person.name color=person.color /> }).collect_view()
    };

    view! {
        <When when=locked>
            <span class="terminal-standing" data-testid="terminal-read-only" title=text::TERMINAL_READ_ONLY_ABOUT>
                <Badge tone=Tone::Warning icon="lock">{text::READ_ONLY}</Badge>
            </span>
            <Button
                kind=ButtonKind::Ghost
                disabled=asked
                on_press=move |_| {
                    session.with(|client| client.ask_to_type(terminal));
                }
            >
                {move || if asked.get() { text::ASKED_TO_TYPE } else { text::ASK_TO_TYPE }}
            </Button>
        </When>
        <When when=Signal::derive(move || !watchers.read().is_empty())>
            <span class="avatar-stack terminal-watchers" role="img" title=names aria-label=names>
                {avatars}
            </span>
        </When>
    }
}

/// The button that opens the menu of a terminal.
#[component]
pub(super) fn More(terminal: TerminalId, menu: OpenMenu) -> impl IntoView {
    view! {
        <IconButton
            icon="ellipsis"
            label=text::TERMINAL_MORE
            attr:aria-haspopup="menu"
            on_press=move |event| menu.open(MenuAbout::Terminal(terminal), &event)
        />
    }
}

/// One terminal.
#[component]
pub(super) fn TerminalPane(terminal: TerminalId) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    let host = NodeRef::<html::Div>::new();
    let place = StoredValue::new(Place::default());

    // -- derived --
    let info = move || terminals.info(terminal);
    let name = Memo::new(move |_| info().map(|info| info.name).unwrap_or_default());
    let types = Memo::new(move |_| info().is_some_and(|info| session.may_type(&info)));
    let chosen = Memo::new(move |_| terminals.chosen.get() == Some(terminal));
    let ended = Memo::new(move |_| match info()?.state {
        TerminalState::Failed(fault) => Some(text::fault_line(&fault)),
        state => text::ended(&state),
    });

    // -- effects --
    Effect::new(move |_| {
        if let Some(host) = host.get() {
            place.set_value(terminals.attach(terminal, &host));
        }
    });
    on_cleanup(move || {
        if let Some(place) = place.try_get_value() {
            terminals.detach(terminal, place);
        }
    });

    let ended = move || {
        let sentence = ended.get()?;
        Some(view! {
            <Banner tone=Tone::Neutral text=sentence attr:data-testid="terminal-ended">
                <When when=Signal::derive(move || session.may(Capability::Share))>
                    <Button icon="rotate-cw" on_press=move |_| session.restart_terminal(terminal)>
                        {text::RESTART}
                    </Button>
                </When>
            </Banner>
        })
    };
    view! {
        <section
            class="terminal-pane"
            aria-label=move || text::terminal_region(&name.read())
            data-testid="terminal"
            data-access=move || if types.get() { "types" } else { "read-only" }
            data-active=move || chosen.get().then_some("true")
            on:focusin=move |_| terminals.show(terminal)
        >
            <div class="terminal-place" node_ref=host></div>
            {ended}
        </section>
    }
}
