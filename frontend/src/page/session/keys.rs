//! Keys that work anywhere in the room, and what the page does when a person goes away.

use std::time::Duration;

use leptos::prelude::*;
use parlor_shared::client::draft::Urgency;
use parlor_shared::message::Activity;
use wasm_bindgen::JsCast as _;
use web_sys::{Event, HtmlElement, KeyboardEvent};

use super::action::Stage;
use crate::editor::EditorsHandle;
use crate::js::listener::{Listener, Order};
use crate::session::SessionHandle;
use crate::text::Command;

/// A person who touched nothing for this long is away.
const AWAY_AFTER: Duration = Duration::from_secs(5 * 60);

/// Parts that F6 goes through, in order; in each, what takes the focus: the first of these that is shown.
const PARTS: [(&str, &[&str]); 7] = [
    ("question", &["button"]),
    ("activity", &["[aria-pressed=true]", "button"]),
    ("side", &["[role=tree]", "button:enabled"]),
    ("tabs", &["[role=tab][tabindex='0']"]),
    ("work", &[".cm-content", ".pane .xterm-helper-textarea", ".pane [tabindex='0']", ".pane button"]),
    (
        "terminal",
        &[".terminal-pane[data-active] .xterm-helper-textarea", "[role=tab][tabindex='0']", "button"],
    ),
    ("status", &["button"]),
];

/// Where F6 goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

/// Listens as long as the calling component lives.
pub(super) fn listen(stage: Stage) {
    let listener = Listener::new(&window(), "keydown", Order::Capture, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        if event.is_composing() {
            return;
        }
        if let Some(command) = command_of(event).filter(|command| !is_programs(*command, event)) {
            event.prevent_default();
            event.stop_propagation();
            stage.run(command, None);
            if command == Command::ShareTerminal {
                // Whoever has one of the two does not have the other.
                stage.run(Command::NewTerminal, None);
            }
        }
    });
    keep(listener);
}

fn command_of(event: &KeyboardEvent) -> Option<Command> {
    let control = event.ctrl_key() || event.meta_key();
    // The physical key: with Alt, keyboards type other letters.
    match (event.code().as_str(), control, event.alt_key(), event.shift_key()) {
        ("F1", false, false, false) | ("KeyP", true, false, true) => Some(Command::ShowPalette),
        ("F6", false, false, false) => Some(Command::NextPart),
        ("F6", false, false, true) => Some(Command::PreviousPart),
        ("KeyS", true, false, false) => Some(Command::Save),
        ("KeyB", true, false, false) => Some(Command::ToggleSideBar),
        ("KeyE", true, false, true) => Some(Command::FocusFiles),
        ("KeyW", false, true, false) => Some(Command::CloseTab),
        ("PageUp", false, true, false) => Some(Command::PreviousTab),
        ("PageDown", false, true, false) => Some(Command::NextTab),
        ("KeyZ", false, true, false) => Some(Command::ToggleWrap),
        ("Backquote", true, false, false) => Some(Command::ToggleTerminal),
        ("Backquote", true, false, true) => Some(Command::ShareTerminal),
        _ => None,
    }
}

/// Whether a key belongs to the program that runs in a terminal: all of those that a shell knows.
fn is_programs(command: Command, event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let in_terminal = target.is_some_and(|target| target.closest(".xterm").ok().flatten().is_some());
    let pages = matches!(
        command,
        Command::ShowPalette
            | Command::NextPart
            | Command::PreviousPart
            | Command::ToggleTerminal
            | Command::ShareTerminal
            | Command::FocusFiles
    );
    in_terminal && !pages
}

/// Moves the focus to the next part of the page that is shown.
pub(super) fn focus_part(direction: Direction) {
    let page = document();
    let focused = page.active_element();
    let find = |part: &str, choice: &str| {
        let found = page.query_selector_all(&format!("[data-part={part}] {choice}")).ok()?;
        let mut elements =
            (0..found.length()).filter_map(|at| found.item(at)?.dyn_into::<HtmlElement>().ok());
        // What has no box is not shown.
        elements.find(|element| element.get_client_rects().length() > 0)
    };
    let parts: Vec<HtmlElement> = PARTS
        .iter()
        .filter_map(|(part, choices)| choices.iter().find_map(|choice| find(part, choice)))
        .collect();
    if parts.is_empty() {
        return;
    }
    let part_of = |element: &web_sys::Element| element.closest("[data-part]").ok().flatten();
    let here = focused.as_ref().and_then(|focused| {
        let own = part_of(focused)?;
        parts.iter().position(|part| part_of(part).is_some_and(|other| other == own))
    });
    let count = parts.len();
    let next = match (here, direction) {
        (None, Direction::Forward) => 0,
        (None, Direction::Backward) => count - 1,
        (Some(here), Direction::Forward) => (here + 1) % count,
        (Some(here), Direction::Backward) => (here + count - 1) % count,
    };
    // An element that went away in this very moment can not take the focus.
    let _ = parts[next].focus();
}

/// Tells the others when this person goes away and comes back.
pub(super) fn watch_presence(editors: EditorsHandle) {
    let idle = StoredValue::new_local(None::<gloo_timers::callback::Timeout>);
    let set = move |activity| editors.set_activity(activity);
    let active = move || {
        set(Activity::Active);
        let wait = AWAY_AFTER.as_millis() as u32;
        idle.try_set_value(Some(gloo_timers::callback::Timeout::new(wait, move || set(Activity::Away))));
    };
    active();
    let touched = move |_: Event| {
        if !document().hidden() {
            active();
        }
    };
    for kind in ["keydown", "pointerdown", "wheel"] {
        keep(Listener::new(&window(), kind, Order::Capture, touched));
    }
    keep(Listener::new(&document(), "visibilitychange", Order::Bubble, move |_| {
        if document().hidden() { set(Activity::Away) } else { active() }
    }));
}

/// Remembers the place and keeps what is unsent when the page goes, and warns if something typed would go with it.
pub(super) fn guard_unsent(session: SessionHandle) {
    keep(Listener::new(&window(), "pagehide", Order::Bubble, move |_| keep_all(session)));
    keep(Listener::new(&document(), "visibilitychange", Order::Bubble, move |_| {
        if document().hidden() {
            keep_all(session);
        }
    }));
    keep(Listener::new(&window(), "beforeunload", Order::Bubble, move |event| {
        keep_all(session);
        if session.has_unsent() {
            event.prevent_default();
        }
    }));
}

fn keep_all(session: SessionHandle) {
    session.keep_place();
    session.keep_drafts(Urgency::Now);
}

/// Ends the listener with the calling component.
fn keep(listener: Listener) {
    let listener = StoredValue::new_local(Some(listener));
    on_cleanup(move || {
        listener.try_update_value(Option::take);
    });
}
