//! What is said about people, and to the host about those who knock.

use parlor_shared::role::{Grant, Role};

pub(crate) const YOU: &str = "you";
pub(crate) const AWAY: &str = "away";
pub(crate) const CHANGE_NAME: &str = "Change name";
pub(crate) const ALONE_TITLE: &str = "Nobody else is here yet";
pub(crate) const ALONE_TEXT: &str = "Send somebody the link; they need nothing but a browser.";
pub(crate) const ALONE_TEXT_GUEST: &str = "You and the host are the first.";
pub(crate) const MAKE_VIEWER: &str = "Make read-only";
pub(crate) const MAKE_EDITOR: &str = "Let edit";
pub(crate) const REMOVE: &str = "Remove";
pub(crate) const MAY_OPEN_TERMINALS: &str = "May open terminals";
pub(crate) const EDITORS_MAY_OPEN_TERMINALS: &str = "May open terminals (editors only)";
pub(crate) const NO_FILE: &str = "no file open";

/// A role's name.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Host => "host",
    }
}

/// The class of a role's picture, for `Icon`.
pub(crate) fn role_icon(role: Role) -> &'static str {
    match role {
        Role::Viewer => "eye",
        Role::Editor => "pencil-line",
        Role::Host => "key-round",
    }
}

/// Where somebody is.
pub(crate) fn in_file(path: &str) -> String {
    format!("in {path}")
}

/// The name of the button that goes to somebody.
pub(crate) fn go_to_person(name: &str, path: &str) -> String {
    format!("Go to {name} in {path}")
}

/// The question before somebody is removed.
pub(crate) fn remove_title(name: &str) -> String {
    format!("Remove {name}?")
}

pub(crate) const REMOVE_TEXT: &str =
    "They lose access at once, and the same browser does not come back in. What they typed stays.";

pub(crate) fn person_joined(name: &str) -> String {
    format!("{name} joined")
}

pub(crate) fn person_left(name: &str) -> String {
    format!("{name} left")
}

pub(crate) fn person_lost(name: &str) -> String {
    format!("{name} lost the connection")
}

pub(crate) fn person_removed(name: &str) -> String {
    format!("{name} was removed")
}

pub(crate) fn my_role_changed(role: Role) -> String {
    match role {
        Role::Viewer => "The host made you a viewer. You see everything; editing is off.".to_owned(),
        Role::Editor => "The host made you an editor. You can type now.".to_owned(),
        Role::Host => "You are a host now.".to_owned(),
    }
}

pub(crate) fn role_changed(name: &str, role: Role) -> String {
    match role {
        Role::Viewer => format!("{name} is a viewer now"),
        Role::Editor => format!("{name} is an editor now"),
        Role::Host => format!("{name} is a host now"),
    }
}

/// The name of the button that opens the menu about somebody.
pub(crate) fn more_about(name: &str) -> String {
    format!("More about {name}")
}

/// What the host lets me do beside my role changed.
pub(crate) fn my_terminals_changed(grant: Grant) -> &'static str {
    match grant {
        Grant::Given => "The host lets you open terminals now. The button is in the terminal panel.",
        Grant::Taken => "You can open no more terminals. Those that are open stay.",
    }
}

pub(crate) fn terminals_changed(name: &str, grant: Grant) -> String {
    match grant {
        Grant::Given => format!("{name} may open terminals now"),
        Grant::Taken => format!("{name} may no longer open terminals"),
    }
}

pub(crate) fn knock_title(name: &str) -> String {
    format!("{name} wants to join")
}

pub(crate) fn knock_text(role: Role) -> &'static str {
    match role {
        Role::Viewer => "With a link for viewers: may look, not change anything.",
        Role::Editor => "With a link for editors: may edit files and folders.",
        Role::Host => "With your own host link: may do everything.",
    }
}

pub(crate) const KNOCK_WORDS: &str = "Ask for the six words on their screen. They must be these:";
pub(crate) const ADMIT: &str = "Admit";
pub(crate) const DENY: &str = "Deny";

pub(crate) const WAITING_TITLE: &str = "Waiting for you";

/// What the button that shows people says beside its name.
pub(crate) fn waiting_for_you(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 person is waiting for you".to_owned()),
        _ => Some(format!("{count} people are waiting for you")),
    }
}

/// How many wait beyond the one that is shown.
pub(crate) fn more_waiting(count: usize) -> String {
    match count {
        1 => "1 more is waiting".to_owned(),
        _ => format!("{count} more are waiting"),
    }
}

pub(crate) const SHARE_TITLE: &str = "Invite people";
pub(crate) const SHARE_LEAD: &str =
    "Whoever opens a link is in the room, in a plain browser, with nothing to install.";
pub(crate) const SHARE_NOTE: &str =
    "The key is in the link itself. Send it only to people you trust with this folder.";
pub(crate) const SHARE_NONE: &str = "The links are on their way from the host agent.";
pub(crate) const COPY: &str = "Copy link";
pub(crate) const COPIED: &str = "Copied";
pub(crate) const COPY_FAILED: &str =
    "The browser did not let the page copy. Select the link and copy it by hand.";
pub(crate) const LINK_COPIED: &str = "Link copied";

/// What an invite is for.
pub(crate) fn invite_title(role: Role) -> &'static str {
    match role {
        Role::Viewer => "For viewers",
        Role::Editor => "For editors",
        Role::Host => "For yourself",
    }
}

/// The name of the field that shows an invite's link.
pub(crate) fn invite_field(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Link for viewers",
        Role::Editor => "Link for editors",
        Role::Host => "Link for yourself",
    }
}

/// The name of the button that copies an invite's link.
pub(crate) fn copy_invite(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Copy link for viewers",
        Role::Editor => "Copy link for editors",
        Role::Host => "Copy link for yourself",
    }
}

pub(crate) const END_TITLE: &str = "End the session?";
pub(crate) const END_TEXT: &str =
    "Everybody loses access at once and the links stop working. All files are saved first.";
pub(crate) const END: &str = "End session";
pub(crate) const LEAVE_TITLE: &str = "Leave the session?";
pub(crate) const LEAVE_TEXT: &str =
    "Your edits are with the host. The same link lets you back in while the session goes on.";
