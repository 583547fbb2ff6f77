//! A terminal in a tab of the editor area.

use leptos::prelude::*;
use parlor_shared::id::TerminalId;

use super::menu::{OpenMenu, TerminalMenu};
use super::pane::{More, Standing, TerminalPane};
use super::{TerminalsHandle, icon_class};
use crate::component::{TabItem, TabPerson};
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Who};
use crate::text;

/// How a terminal stands in the strip of tabs.
pub(crate) fn tab_item(session: SessionHandle, key: String, terminal: TerminalId) -> TabItem {
    let terminals = session.store.terminals().read();
    let Some(info) = terminals.iter().find(|info| info.terminal == terminal) else {
        // Kept over a reload, and the host has not told of it yet.
        let name = text::TERMINAL.to_owned();
        let close_label = text::put_terminal_back(&name);
        return TabItem { key, name, icon: "icon icon-square-terminal", close_label, ..TabItem::default() };
    };
    let ended = text::ended(&info.state);
    let watches = |id| session.person(id).filter(|person| person.who == Who::Other);
    TabItem {
        key,
        name: info.name.clone(),
        hint: ended.clone(),
        title: text::terminal_about(info),
        icon: icon_class(session, info),
        mark_text: ended,
        people: info
            .watchers
            .iter()
            .filter_map(|id| watches(*id))
            .map(|person| TabPerson { name: person.name, color: person.color })
            .collect(),
        close_label: text::put_terminal_back(&info.name),
        ..TabItem::default()
    }
}

/// A terminal in the place of a file, below a bar of its own.
#[component]
pub(crate) fn TerminalEditor(terminal: TerminalId) -> impl IntoView {
    // -- state --
    let terminals = TerminalsHandle::expect();
    let menu = OpenMenu::new();

    // -- derived --
    let about = move || terminals.info(terminal).as_ref().map(text::terminal_about);

    view! {
        <div class="terminal-editor" data-testid="terminal-editor">
            <div class="terminal-bar">
                <span class="terminal-about">{about}</span>
                <span class="terminal-space"></span>
                <Standing terminal />
                <div class="terminal-tools">
                    <More terminal menu />
                </div>
            </div>
            <TerminalPane terminal />
            <TerminalMenu menu />
        </div>
    }
}
