//! The panel below the editors: tabs, what can be done with terminals, and one or two of them side by side.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::message::{TerminalInfo, TerminalState};
use parlor_shared::role::Capability;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::menu::{MenuAbout, TerminalMenu};
use super::{PanelState, TerminalsHandle};
use crate::component::{
    Avatar, Badge, Banner, Button, ButtonKind, Edge, EmptyState, Icon, IconButton, PersonDot, SplitHandle,
    Tone, When, show_whole,
};
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Who};
use crate::text;

/// The panel's height in pixels.
const LEAST_HEIGHT: f64 = 120.0;
const MOST_HEIGHT: f64 = 900.0;

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

    // -- derived --
    let shares = Memo::new(move |_| session.may(Capability::Share));
    let none = Memo::new(move |_| session.store.terminals().read().is_empty());
    let shown = Memo::new(move |_| terminals.shown());
    let active = Memo::new(move |_| terminals.active.get());
    let maximised = Memo::new(move |_| terminals.panel.get() == PanelState::Maximised);
    let split = Signal::derive(move || terminals.beside.get().is_some());
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
            <div class="terminal-panes" id=PANES_ID role="tabpanel" aria-label=text::TERMINAL>
                <For
                    each=move || shown.get()
                    key=|terminal| *terminal
                    children=move |terminal| view! { <TerminalPane terminal /> }
                />
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

/// What a terminal's views follow. One that just went stays as it was until its views go.
fn follow(terminal: TerminalId) -> Memo<Option<TerminalInfo>> {
    let session = SessionHandle::expect();
    Memo::new(move |before: Option<&Option<TerminalInfo>>| {
        let terminals = session.store.terminals().read();
        let now = terminals.iter().find(|info| info.terminal == terminal).cloned();
        now.or_else(|| before.cloned().flatten())
    })
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
            <For
                each=move || ids.get()
                key=|terminal| *terminal
                children=move |terminal| view! { <TerminalTab terminal /> }
            />
        </div>
    }
}

#[component]
fn TerminalTab(terminal: TerminalId) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    let info = follow(terminal);
    let tab = NodeRef::<html::Button>::new();

    // -- derived --
    let name = move || info.read().as_ref().map(|info| info.name.clone()).unwrap_or_default();
    let chosen = move || terminals.active.get() == Some(terminal);
    let ended = Memo::new(move |_| info.read().as_ref().and_then(|info| text::ended(&info.state)));
    let locked = Memo::new(move |_| info.read().as_ref().is_some_and(|info| !session.may_type(info)));
    let typing = Memo::new(move |_| info.read().as_ref().and_then(|info| Some((info.typist?, info.typed))));
    // Made anew for every key: its style lets it fade.
    let typist = move || {
        let (typist, _) = typing.get()?;
        let person = session.person(typist).filter(|person| person.who == Who::Other)?;
        Some(view! {
            <span class="terminal-typist">
                <PersonDot name=person.name color=person.color />
            </span>
        })
    };

    // -- effects --
    Effect::new(move |_| {
        if let Some(tab) = tab.get().filter(|_| chosen()) {
            show_whole(&tab);
        }
    });

    view! {
        <button
            type="button"
            class="terminal-tab"
            node_ref=tab
            role="tab"
            aria-selected=move || if chosen() { "true" } else { "false" }
            aria-controls=PANES_ID
            tabindex=move || if chosen() { "0" } else { "-1" }
            title=move || info.read().as_ref().map(text::terminal_about)
            data-ended=move || ended.read().is_some().then_some("true")
            on:click=move |_| {
                terminals.show(terminal);
                terminals.focus();
            }
        >
            <Icon name=Signal::derive(move || {
                if ended.read().is_some() {
                    "circle-alert"
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
    let info = follow(terminal);

    // -- derived --
    let running = move |info: &TerminalInfo| info.state == TerminalState::Running;
    let locked =
        Memo::new(move |_| info.read().as_ref().is_some_and(|info| running(info) && !session.may_type(info)));
    let asked = Memo::new(move |_| {
        info.read().as_ref().is_some_and(|info| session.me().is_some_and(|me| info.asking.contains(&me)))
    });
    let watchers = Memo::new(move |_| {
        let people = session.store.people().read();
        let info = info.read();
        let watches = |id| people.iter().find(|person| person.id == id && person.who == Who::Other).cloned();
        info.iter().flat_map(|info| &info.watchers).filter_map(|id| watches(*id)).collect::<Vec<_>>()
    });
    let names = move || {
        let names: Vec<String> = watchers.read().iter().map(|person| person.name.clone()).collect();
        (!names.is_empty()).then(|| text::watched_by(&names))
    };
    let avatars = move || {
        let shown = watchers.get().into_iter().take(WATCHERS_SHOWN);
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
    let info = follow(terminal);
    let host = NodeRef::<html::Div>::new();

    // -- derived --
    let name = move || info.read().as_ref().map(|info| info.name.clone()).unwrap_or_default();
    let state = Memo::new(move |_| info.read().as_ref().map(|info| info.state.clone()));
    let skipped = Memo::new(move |_| {
        let skipped = terminals.skipped.read();
        skipped.iter().find(|(id, _)| *id == terminal).map(|(_, bytes)| *bytes)
    });
    let access = move || {
        let may = info.read().as_ref().is_some_and(|info| session.may_type(info));
        if may { "types" } else { "read-only" }
    };

    // -- effects --
    Effect::new(move |_| {
        if let Some(host) = host.get() {
            terminals.attach(terminal, &host);
        }
    });
    on_cleanup(move || terminals.detach(terminal));

    let ended = move || {
        let (tone, sentence) = match state.get()? {
            TerminalState::Running => return None,
            TerminalState::Failed(fault) => (Tone::Danger, text::fault_line(&fault)),
            state @ TerminalState::Exited { .. } => (Tone::Neutral, text::ended(&state)?),
        };
        Some(view! {
            <Banner tone=tone text=sentence attr:data-testid="terminal-ended">
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
            aria-label=move || text::terminal_region(&name())
            data-testid="terminal"
            data-access=access
            data-active=move || (terminals.active.get() == Some(terminal)).then_some("true")
            on:focusin=move |_| {
                if terminals.active.get_untracked() != Some(terminal) {
                    terminals.show(terminal);
                }
            }
        >
            {move || {
                let bytes = skipped.get()?;
                Some(view! {
                    <div class="terminal-note" role="status" data-testid="terminal-skipped">
                        <Icon name="info" />
                        <span>{text::output_skipped(bytes)}</span>
                        <Button on:click=move |_| terminals.show_kept(terminal)>{text::SHOW_KEPT}</Button>
                        <IconButton
                            icon="x"
                            label=text::DISMISS
                            on:click=move |_| terminals.forget_skipped(terminal)
                        />
                    </div>
                })
            }}
            <When when=terminals.broken>
                <Banner tone=Tone::Danger text=text::TERMINAL_NOT_LOADED>
                    <Button icon="rotate-cw" on:click=move |_| crate::app::reload()>
                        {text::RELOAD}
                    </Button>
                </Banner>
            </When>
            <div class="terminal-place" node_ref=host></div>
            {ended}
        </section>
    }
}
