//! What is said before the room and after it.

use parlor_shared::role::Role;

use super::Explained;

pub(crate) const PRODUCT: &str = "Parlor";
pub(crate) const JOIN_TITLE: &str = "Come in";
pub(crate) const JOIN_LEAD: &str =
    "Somebody shares a folder with you. Edit it together, right here in the browser.";
pub(crate) const JOIN_TITLE_HOST: &str = "Your room is open";
pub(crate) const JOIN_LEAD_HOST: &str =
    "This is your own link. It lets you decide who comes in, so keep it to yourself.";
pub(crate) const JOIN_NAME: &str = "Your name";
pub(crate) const JOIN_NAME_HINT: &str = "How the others see you";
pub(crate) const JOIN_NAME_MISSING: &str = "Type a name, so that the others know who you are.";
pub(crate) const JOIN: &str = "Join";
pub(crate) const JOIN_NOTE: &str = "Everything is encrypted between you and the host. The link is the key: share it only with people you trust.";
pub(crate) const HOST_NAME: &str = "Host";

/// What the link allows.
pub(crate) fn invited_as(role: Role) -> &'static str {
    match role {
        Role::Viewer => "You are invited as viewer",
        Role::Editor => "You are invited as editor",
        Role::Host => "You are the host",
    }
}

/// What a role may do, in a few words.
pub(crate) fn role_about(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Can look at every file",
        Role::Editor => "Can edit files and folders",
        Role::Host => "Can do everything, and decides about the others",
    }
}

pub(crate) const CONNECTING_TITLE: &str = "Knocking at the door";
pub(crate) const CONNECTING_LEAD: &str = "Setting up an encrypted connection to the host.";
pub(crate) const CONNECTING_SLOW: &str =
    "This takes longer than usual. The host may be away; this page keeps trying.";
pub(crate) const CANCEL: &str = "Cancel";

pub(crate) const LOBBY_TITLE: &str = "Waiting for the host";
pub(crate) const LOBBY_LEAD: &str =
    "The host has been told that you are here and lets you in. You can leave this tab open meanwhile.";
pub(crate) const LOBBY_WAITING: &str = "Waiting to be let in";
pub(crate) const LOBBY_WORDS: &str =
    "The host sees these six words, too. If theirs differ, somebody stands between you: do not go on.";
pub(crate) const LEAVE: &str = "Leave";

pub(crate) const LEFT_TITLE: &str = "You have left";
pub(crate) const LEFT_LEAD: &str = "The others go on without you. Your edits are with the host.";

/// Said to one who left by choice.
pub(crate) fn left() -> Explained {
    Explained { title: LEFT_TITLE, what: LEFT_LEAD.to_owned(), safe: "", todo: String::new() }
}

/// A fault's number, for a report.
pub(crate) fn code(number: u16) -> String {
    format!("Fault {number}")
}

pub(crate) const JOIN_AGAIN: &str = "Join again";
pub(crate) const TRY_AGAIN: &str = "Try again";
pub(crate) const RELOAD: &str = "Reload";
pub(crate) const DETAILS: &str = "Details";
pub(crate) const UNSENT_TITLE: &str = "Some of what you typed did not reach the host";
pub(crate) const UNSENT_SAVE: &str = "Download my text";
pub(crate) const UNSENT_COPY: &str = "Copy my text";
