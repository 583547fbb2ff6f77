//! What is said about shared terminals.

use parlor_shared::message::{TerminalInfo, TerminalState};
use parlor_shared::terminal::TerminalSize;

pub(crate) const TERMINAL: &str = "Terminal";
pub(crate) const TERMINALS: &str = "Terminals";
pub(crate) const TERMINAL_HEIGHT: &str = "Height of the terminals";
pub(crate) const TERMINAL_SHARE: &str = "Width of the left terminal";
pub(crate) const TERMINAL_READ_ONLY_ABOUT: &str = "You see this terminal; the host types in it.";
pub(crate) const ASK_TO_TYPE: &str = "Ask to type";
pub(crate) const ASKED_TO_TYPE: &str = "Asked";
pub(crate) const NO_TERMINAL_TITLE: &str = "No terminal is shared";
pub(crate) const NO_TERMINAL_HOST: &str =
    "Guests see what runs in a terminal that you share, and type if you let them.";
pub(crate) const NO_TERMINAL_GUEST: &str = "The host shares no terminal. When there is one, it appears here.";
pub(crate) const NO_TERMINAL_OPENER: &str =
    "You may open one. It runs on the host's machine, and everybody in the room sees it.";
pub(crate) const NO_TERMINAL_HERE_TITLE: &str = "No terminal is in the panel";
pub(crate) const NO_TERMINAL_HERE: &str = "What is shared has its tab among the open files.";
pub(crate) const MOVE_TO_EDITOR: &str = "Move into editor area";
pub(crate) const MOVE_TO_PANEL: &str = "Move to panel";
pub(crate) const NEW_TERMINAL: &str = "New terminal";
pub(crate) const NEW_TERMINAL_READ_ONLY: &str = "Read-only: guests watch";
pub(crate) const NEW_TERMINAL_COLLABORATIVE: &str = "Collaborative: editors type too";
pub(crate) const SHARE_TERMINAL: &str = "Share a terminal";
pub(crate) const SPLIT_TERMINAL: &str = "Two side by side";
pub(crate) const MAXIMISE_PANEL: &str = "Maximise";
pub(crate) const RESTORE_PANEL: &str = "Restore size";
pub(crate) const CLOSE_PANEL: &str = "Close panel";
pub(crate) const TERMINAL_MORE: &str = "More about this terminal";
pub(crate) const RESTART: &str = "Restart";
pub(crate) const UNSHARE: &str = "Unshare";
pub(crate) const UNSHARE_TEXT: &str =
    "Its program ends, and the terminal goes for everybody. Files that it wrote stay.";
pub(crate) const ACCESS_READ_ONLY: &str = "Read-only";
pub(crate) const ACCESS_COLLABORATIVE: &str = "Every editor types";
pub(crate) const SIZE_HOST: &str = "Size: as it fits here";
pub(crate) const SIZE_WRITER: &str = "Size: as it fits whoever types";
pub(crate) const TERMINAL_LARGER: &str = "Larger text";
pub(crate) const TERMINAL_SMALLER: &str = "Smaller text";
pub(crate) const FIND: &str = "Find";
pub(crate) const CLEAR: &str = "Clear";
pub(crate) const COPY_SELECTION: &str = "Copy";
pub(crate) const READ_ALOUD: &str = "Screen reader mode";
pub(crate) const ALLOW: &str = "Allow";
pub(crate) const NOT_NOW: &str = "Not now";
pub(crate) const TERMINAL_NOT_LOADED: &str =
    "The terminal could not be loaded. Reload the page; the session goes on meanwhile.";
pub(crate) const REFUSED_TERMINAL: &str = "This terminal is read-only for you. Ask the host to let you type.";
pub(crate) const REFUSED_ENDED: &str = "The program of this terminal has ended.";
pub(crate) const PASTE_TITLE: &str = "Paste several lines?";
pub(crate) const PASTE_TEXT: &str = "The program runs each line as soon as it reads it.";
pub(crate) const PASTE: &str = "Paste";

/// The accessible name of a terminal's region.
pub(crate) fn terminal_region(name: &str) -> String {
    format!("Terminal: {name}")
}

/// What screen readers call the place where one types.
pub(crate) fn terminal_input(name: &str) -> String {
    format!("Terminal: {name}. F6 leaves it.")
}

/// A terminal at a glance: what its tab says when one points at it.
pub(crate) fn terminal_about(info: &TerminalInfo) -> String {
    let TerminalSize { columns, rows } = info.size;
    let size = format!("{columns} × {rows}");
    match (info.title.is_empty(), ended(&info.state)) {
        (_, Some(ended)) => format!("{}: {ended}", info.name),
        (true, None) => format!("{}, {size}", info.name),
        (false, None) => format!("{}: {}, {size}", info.name, info.title),
    }
}

/// How a terminal's program ended, if it did.
pub(crate) fn ended(state: &TerminalState) -> Option<String> {
    match state {
        TerminalState::Running => None,
        TerminalState::Exited { code: Some(code), .. } => Some(format!("Ended with {code}")),
        TerminalState::Exited { signal: Some(signal), .. } => Some(format!("Ended by {signal}")),
        TerminalState::Exited { .. } => Some("Ended".to_owned()),
        TerminalState::Failed(_) => Some("Did not start".to_owned()),
    }
}

/// Somebody shares a terminal.
pub(crate) fn terminal_shared(name: &str) -> String {
    format!("The host shares the terminal {name}.")
}

/// One that is not there any more.
pub(crate) const A_TERMINAL: &str = "the terminal";

/// Keys that were typed while away are not typed later: nobody wants a command to run minutes after it.
pub(crate) fn keys_lost(name: &str) -> String {
    format!(
        "What you typed into {name} while the host was away was discarded. Type it again if it is still wanted."
    )
}

/// Somebody opened one by the host's leave; said to the host.
pub(crate) fn terminal_opened(person: &str, name: &str) -> String {
    format!("{person} opened the terminal {name}.")
}

/// It is gone.
pub(crate) fn terminal_over(name: &str) -> String {
    format!("The terminal {name} is no longer shared.")
}

/// It is gone, and nobody wanted it so.
pub(crate) fn terminal_ended_with_host(name: &str) -> String {
    format!(
        "The host’s Parlor was started again, and the program in the terminal {name} ended with it. Files that it wrote stay."
    )
}

/// Its tab was closed, and so is the panel.
pub(crate) fn terminal_put_back(name: &str) -> String {
    format!("The terminal {name} goes on in the panel.")
}

/// The name of the button that closes its tab.
pub(crate) fn put_terminal_back(name: &str) -> String {
    format!("Close {name}: back to the panel")
}

/// Its program ended.
pub(crate) fn terminal_ended(name: &str, how: &str) -> String {
    format!("{name}: {how}")
}

/// What I may do in it changed.
pub(crate) fn may_type_now(name: &str) -> String {
    format!("You may type in {name} now.")
}

/// What I may do in it changed.
pub(crate) fn may_not_type_now(name: &str) -> String {
    format!("{name} is read-only for you now.")
}

/// A guest's wish, to the host.
pub(crate) fn asks_to_type(person: &str, terminal: &str) -> String {
    format!("{person} asks to type in {terminal}")
}

pub(crate) const ASKS_TO_TYPE_TEXT: &str =
    "Whoever types in a terminal can do on your machine what you can. You can take it back at any time.";

/// The item that lets one person type, and is checked while it does.
pub(crate) fn person_types(name: &str) -> String {
    format!("{name} types")
}

/// A size that stays.
pub(crate) fn size_fixed(size: TerminalSize) -> String {
    format!("Size: always {} × {}", size.columns, size.rows)
}

/// Who looks at a terminal.
pub(crate) fn watched_by(names: &[String]) -> String {
    format!("Watched by {}", names.join(", "))
}

/// The question before a terminal ends for everybody.
pub(crate) fn unshare_title(name: &str) -> String {
    format!("Unshare {name}?")
}
