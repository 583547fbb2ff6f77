//! The panel below the editors: tabs, what can be done with terminals, and one or two of them side by side.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use parlor_shared::id::TerminalId;
use parlor_shared::role::Capability;
use parlor_shared::terminal::Access;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::menu::{MenuAbout, OpenMenu, TerminalMenu};
use super::pane::{More, Standing, TerminalPane};
use super::{TerminalsHandle, has_failed, icon_class};
use crate::component::{
    Button, ButtonKind, Edge, EmptyState, IconButton, PersonDot, SplitHandle, Unit, When,
};
use crate::session::SessionHandle;
use crate::session::store::Who;
use crate::text;

/// The panel's height in pixels.
const LEAST_HEIGHT: f64 = 120.0;
const MOST_HEIGHT: f64 = 900.0;

/// How much of the width the left of two terminals has, in percent: neither goes away.
const LEAST_SHARE: f64 = 20.0;
const MOST_SHARE: f64 = 80.0;

/// The id of the element that the tabs switch.
const PANES_ID: &str = "terminal-panes";

/// The panel.
#[component]
pub(crate) fn TerminalPanel() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();
    let menu = OpenMenu::new();
    let panes = NodeRef::<html::Div>::new();

    // -- derived --
    let shares = Memo::new(move |_| session.may(Capability::Share));
    let opens = Memo::new(move |_| session.may(Capability::OpenTerminal));
    let none = Memo::new(move |_| !terminals.panel_has_terminal());
    let elsewhere = Memo::new(move |_| terminals.current().filter(|_| none.get()).map(|info| info.terminal));
    let left = Memo::new(move |_| terminals.left.get());
    let right = Memo::new(move |_| terminals.right.get());
    let chosen = Memo::new(move |_| terminals.chosen.get());
    let maximised = terminals.maximised;
    let split = Signal::derive(move || right.get().is_some());
    let may_split = move || opens.get() || terminals.in_panel.read().len() > 1;

    // -- actions --
    let has_menu = move || shares.get().then_some("menu");
    // Who opens one by the host's leave chooses nothing about it.
    let open_new = move |event: ev::MouseEvent| {
        if shares.get_untracked() {
            menu.open(MenuAbout::New, &event);
        } else {
            session.share_terminal(Access::ReadOnly);
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
                <When when=opens>
                    <IconButton
                        icon="plus"
                        label=text::NEW_TERMINAL
                        attr:aria-haspopup=has_menu
                        on_press=open_new
                    />
                </When>
                <span class="terminal-space"></span>
                {move || chosen.get().map(|terminal| view! { <Standing terminal /> })}
                <div class="terminal-tools">
                    <When when=Signal::derive(move || may_split() && !none.get())>
                        <IconButton
                            icon="columns-2"
                            label=text::SPLIT_TERMINAL
                            pressed=split
                            on_press=move |_| terminals.split()
                        />
                    </When>
                    {move || chosen.get().map(|terminal| view! { <More terminal menu /> })}
                    <IconButton
                        icon=Signal::derive(move || if maximised.get() { "chevron-down" } else { "chevron-up" })
                        label=Signal::derive(move || {
                            let label = if maximised.get() { text::RESTORE_PANEL } else { text::MAXIMISE_PANEL };
                            label.to_owned()
                        })
                        attr:class="icon-button terminal-maximise"
                        on_press=move |_| terminals.toggle_maximised()
                    />
                    <IconButton icon="x" label=text::CLOSE_PANEL on_press=move |_| terminals.close_panel() />
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
                        title=Signal::derive(move || {
                            let title = if elsewhere.get().is_some() {
                                text::NO_TERMINAL_HERE_TITLE
                            } else {
                                text::NO_TERMINAL_TITLE
                            };
                            title.to_owned()
                        })
                        text=Signal::derive(move || {
                            let text = match (elsewhere.get(), shares.get(), opens.get()) {
                                (Some(_), _, _) => text::NO_TERMINAL_HERE,
                                (None, true, _) => text::NO_TERMINAL_HOST,
                                (None, false, true) => text::NO_TERMINAL_OPENER,
                                (None, false, false) => text::NO_TERMINAL_GUEST,
                            };
                            text.to_owned()
                        })
                    >
                        {move || {
                            let terminal = elsewhere.get()?;
                            Some(view! {
                                <Button icon="panel-bottom" on_press=move |_| terminals.move_to_panel(terminal)>
                                    {text::MOVE_TO_PANEL}
                                </Button>
                            })
                        }}
                        <When when=opens>
                            <Button
                                kind=ButtonKind::Primary
                                icon="plus"
                                attr:aria-haspopup=has_menu
                                on_press=open_new
                            >
                                {move || if shares.get() { text::SHARE_TERMINAL } else { text::NEW_TERMINAL }}
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
    let terminals = TerminalsHandle::expect();
    let list = NodeRef::<html::Div>::new();

    // -- derived --
    let ids = terminals.in_panel;

    // -- actions --
    let keydown = move |event: ev::KeyboardEvent| {
        let ids = ids.get_untracked();
        let Some(here) =
            terminals.chosen.get_untracked().and_then(|id| ids.iter().position(|other| *other == id))
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
                return terminals.focus_panel();
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
            <For each=move || ids.get() key=|terminal| *terminal children=|terminal| view! { <TerminalTab terminal /> } />
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
    let chosen = Memo::new(move |_| terminals.chosen.get() == Some(terminal));
    let ended = Memo::new(move |_| info().and_then(|info| text::ended(&info.state)));
    let failed = Memo::new(move |_| info().as_ref().is_some_and(has_failed));
    let icon = Memo::new(move |_| info().map(|info| icon_class(session, &info)));
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
            <i class=icon aria-hidden="true"></i>
            <span class="terminal-tab-name">{name}</span>
            {typist}
            {move || ended.get().map(|how| view! { <span class="tab-hint">{how}</span> })}
        </button>
    }
}
