//! The panel below the editors: tabs, what can be done with terminals, and one or two of them side by side.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::message::TerminalState;
use parlor_shared::role::Capability;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::TerminalsHandle;
use super::menu::{MenuAbout, TerminalMenu};
use crate::component::{
    Avatar, Badge, Banner, Button, ButtonKind, Edge, EmptyState, Icon, IconButton, PersonDot, SplitHandle,
    Tone, Unit, When,
};
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Who};
use crate::text;

/// The panel's height in pixels.
const LEAST_HEIGHT: f64 = 120.0;
const MOST_HEIGHT: f64 = 900.0;

/// How much of the width the left of two terminals has, in percent: neither goes away.
const LEAST_SHARE: f64 = 20.0;
const MOST_SHARE: f64 = 80.0;

/// Avatars of those who look at a terminal; the rest is named by the tooltip.
const WATCHERS_SHOWN: usize = 4;

/// The id of the element that the tabs switch.
const PANES_ID: &str = "terminal-panes";

/// The panel.
#[component]
pub(crate) fn TerminalPanel() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    let menu = RwSignal::new(None::<(MenuAbout, (f64, f64))>);
    let panes = NodeRef::<html::Div>::new();

    // -- derived --
    let shares = Memo::new(move |_| session.may(Capability::Share));
    let none = Memo::new(move |_| session.store.terminals().read().is_empty());
    let left = Memo::new(move |_| terminals.left.get());
    let right = Memo::new(move |_| terminals.right.get());
    let active = Memo::new(move |_| terminals.active.get());
    let maximised = terminals.maximised;
    let split = Signal::derive(move || right.get().is_some());
    let may_split = move || shares.get() || session.store.terminals().read().len() > 1;

    // -- actions --
    let open_menu = move |about: MenuAbout, event: &ev::MouseEvent| {
        if let Some(button) = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok())
        {
            let area = button.get_bounding_client_rect();
            menu.set(Some((about, (area.left(), area.bottom() + 4.0))));
        }
    };

    view! {
        <section class="terminal-panel" aria-label=text::TERMINALS data-part="terminal" data-testid="terminal-panel">
            <SplitHandle
                label=text::TERMINAL_HEIGHT
                edge=Edge::Top
                size=terminals.height
                min=LEAST_HEIGHT
                max=MOST_HEIGHT
                usual=super::USUAL_HEIGHT
            />
            <header class="terminal-bar">
                <TerminalTabs />
                <When when=shares>
                    <IconButton
                        icon="plus"
                        label=text::NEW_TERMINAL
                        attr:aria-haspopup="menu"
                        on:click=move |event| open_menu(MenuAbout::New, &event)
                    />
                </When>
                <span class="terminal-space"></span>
                {move || active.get().map(|terminal| view! { <Standing terminal /> })}
                <div class="terminal-tools">
                    <When when=Signal::derive(move || may_split() && !none.get())>
                        <IconButton
                            icon="columns-2"
                            label=text::SPLIT_TERMINAL
                            pressed=split
                            on:click=move |_| terminals.split()
                        />
                    </When>
                    <When when=Signal::derive(move || !none.get())>
                        <IconButton
                            icon="ellipsis"
                            label=text::TERMINAL_MORE
                            attr:aria-haspopup="menu"
                            on:click=move |event| open_menu(MenuAbout::Active, &event)
                        />
                    </When>
                    <IconButton
                        icon=Signal::derive(move || if maximised.get() { "chevron-down" } else { "chevron-up" })
                        label=Signal::derive(move || {
                            let label = if maximised.get() { text::RESTORE_PANEL } else { text::MAXIMISE_PANEL };
                            label.to_owned()
                        })
                        attr:class="icon-button terminal-maximise"
                        on:click=move |_| terminals.toggle_maximised()
                    />
                    <IconButton icon="x" label=text::CLOSE_PANEL on:click=move |_| terminals.close_panel() />
                </div>
            </header>
            <div
                class="terminal-panes"
                id=PANES_ID
                role="tabpanel"
                aria-label=text::TERMINAL
                node_ref=panes
                style=move || format!("--left-share:{}", terminals.share.get())
            >
                {move || left.get().map(|terminal| view! { <TerminalPane terminal /> })}
                <When when=split>
                    <SplitHandle
                        label=text::TERMINAL_SHARE
                        unit=Unit::PercentOf(panes)
                        size=terminals.share
                        min=LEAST_SHARE
                        max=MOST_SHARE
                        usual=super::USUAL_SHARE
                    />
                </When>
                {move || right.get().map(|terminal| view! { <TerminalPane terminal /> })}
                <When when=none>
                    <EmptyState
                        icon="square-terminal"
                        title=text::NO_TERMINAL_TITLE
                        text=Signal::derive(move || {
                            let text = if shares.get() { text::NO_TERMINAL_HOST } else { text::NO_TERMINAL_GUEST };
                            text.to_owned()
                        })
                    >
                        <When when=shares>
                            <Button
                                kind=ButtonKind::Primary
                                icon="plus"
                                attr:aria-haspopup="menu"
                                on:click=move |event| open_menu(MenuAbout::New, &event)
                            >
                                {text::SHARE_TERMINAL}
                            </Button>
                        </When>
                    </EmptyState>
                </When>
            </div>
            <TerminalMenu menu />
        </section>
    }
}

#[component]
fn TerminalTabs() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    let list = NodeRef::<html::Div>::new();

    // -- derived --
    let ids = Memo::new(move |_| {
        session.store.terminals().read().iter().map(|info| info.terminal).collect::<Vec<_>>()
    });

    // -- actions --
    let keydown = move |event: ev::KeyboardEvent| {
        let ids = ids.get_untracked();
        let Some(here) =
            terminals.active.get_untracked().and_then(|id| ids.iter().position(|other| *other == id))
        else {
            return;
        };
        let target = match event.key().as_str() {
            "ArrowLeft" => (here + ids.len() - 1) % ids.len(),
            "ArrowRight" => (here + 1) % ids.len(),
            "Home" => 0,
            "End" => ids.len() - 1,
            "Enter" | " " => {
                event.prevent_default();
                return terminals.focus();
            }
            _ => return,
        };
        event.prevent_default();
        terminals.show(ids[target]);
        let tabs = list.get_untracked().and_then(|list| list.query_selector_all("[role=tab]").ok());
        let tab = tabs.and_then(|tabs| tabs.item(target as u32)?.dyn_into::<HtmlElement>().ok());
        if let Some(tab) = tab {
            // A tab that was just closed can not take the focus.
            let _ = tab.focus();
        }
    };

    view! {
        <div class="terminal-tabs" role="tablist" aria-label=text::TERMINALS node_ref=list on:keydown=keydown>
            {move || {
                ids.get().into_iter().map(|terminal| view! { <TerminalTab terminal /> }).collect_view()
            }}
        </div>
    }
}

#[component]
fn TerminalTab(terminal: TerminalId) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();

    // -- derived --
    let info = move || terminals.info(terminal);
    let name = Memo::new(move |_| info().map(|info| info.name).unwrap_or_default());
    let chosen = Memo::new(move |_| terminals.active.get() == Some(terminal));
    let ended = Memo::new(move |_| info().and_then(|info| text::ended(&info.state)));
    let failed = Memo::new(move |_| {
        let well = TerminalState::Exited { code: Some(0), signal: None };
        info().is_some_and(|info| info.state != TerminalState::Running && info.state != well)
    });
    let locked = Memo::new(move |_| info().is_some_and(|info| !session.may_type(&info)));
    let typed = Memo::new(move |_| info().map_or(0, |info| info.typed as usize));
    // Made anew for every key: its style lets it fade.
    let typist = move || {
        typed.track();
        let typist = untrack(info)?.typist?;
        let person = session.person(typist).filter(|person| person.who == Who::Other)?;
        Some(view! {
            <span class="terminal-typist">
                <PersonDot name=person.name color=person.color />
            </span>
        })
    };

    view! {
        <button
            type="button"
            class="terminal-tab"
            role="tab"
            aria-selected=move || if chosen.get() { "true" } else { "false" }
            aria-controls=PANES_ID
            tabindex=move || if chosen.get() { "0" } else { "-1" }
            title=move || info().as_ref().map(text::terminal_about)
            data-failed=move || failed.get().then_some("true")
            on:click=move |_| {
                terminals.show(terminal);
                terminals.focus();
            }
        >
            <Icon name=Signal::derive(move || {
                if failed.get() {
                    "circle-alert"
                } else if ended.read().is_some() {
                    "circle-check"
                } else if locked.get() {
                    "lock"
                } else {
                    "square-terminal"
                }
            }) />
            <span class="terminal-tab-name">{name}</span>
            {typist}
            {move || ended.get().map(|how| view! { <span class="tab-hint">{how}</span> })}
        </button>
    }
}

/// What the person before this page may do in the active terminal, and who else looks at it.
#[component]
fn Standing(terminal: TerminalId) -> impl IntoView {
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
                on:click=move |_| {
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

/// One terminal.
#[component]
fn TerminalPane(terminal: TerminalId) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    let host = NodeRef::<html::Div>::new();

    // -- derived --
    let info = move || terminals.info(terminal);
    let name = Memo::new(move |_| info().map(|info| info.name).unwrap_or_default());
    let types = Memo::new(move |_| info().is_some_and(|info| session.may_type(&info)));
    let active = Memo::new(move |_| terminals.active.get() == Some(terminal));
    let ended = Memo::new(move |_| match info()?.state {
        TerminalState::Failed(fault) => Some(text::fault_line(&fault)),
        state => text::ended(&state),
    });

    // -- effects --
    Effect::new(move |_| {
        if let Some(host) = host.get() {
            terminals.attach(terminal, &host);
        }
    });
    on_cleanup(move || terminals.detach(terminal));

    let ended = move || {
        let sentence = ended.get()?;
        Some(view! {
            <Banner tone=Tone::Neutral text=sentence attr:data-testid="terminal-ended">
                <When when=Signal::derive(move || session.may(Capability::Share))>
                    <Button icon="rotate-cw" on:click=move |_| session.restart_terminal(terminal)>
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
            data-active=move || active.get().then_some("true")
            on:focusin=move |_| {
                if !active.get_untracked() {
                    terminals.show(terminal);
                }
            }
        >
            <div class="terminal-place" node_ref=host></div>
            {ended}
        </section>
    }
}
