//! Every sentence that the page says to people. Warm, short, concrete: what happened, what is safe, what to do.

mod commands;
mod faults;

use parlor_shared::fault::Fault;
use parlor_shared::message::{Encoding, EndOfLine};
use parlor_shared::role::Role;

pub(crate) use commands::Command;
pub(crate) use faults::{Explained, explain, fault_line, link_error};

// -- The page before the room --

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

pub(crate) const ENDED_TITLE: &str = "The session is over";
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

// -- The frame of the room --

pub(crate) const CONNECTION_CONNECTING: &str = "Connecting";
pub(crate) const CONNECTION_LOBBY: &str = "Waiting";
pub(crate) const CONNECTION_LIVE: &str = "Live";
pub(crate) const CONNECTION_RECONNECTING: &str = "Reconnecting";
pub(crate) const CONNECTION_ENDED: &str = "Ended";
pub(crate) const CONNECTION_REMOVED: &str = "Removed";

pub(crate) const RECONNECTING: &str =
    "The connection is lost. Keep typing: nothing is lost, it is sent when you are back.";
pub(crate) const RECONNECTING_NOW: &str = "Connecting again";
pub(crate) const TRY_NOW: &str = "Try now";
pub(crate) const LOBBY_AGAIN: &str =
    "You are back at the door: the host decides again. Your text is kept here.";
pub(crate) const BACK_ONLINE: &str = "You are back. Everything is in sync.";

/// When the next attempt comes.
pub(crate) fn next_try(seconds: u64) -> String {
    match seconds {
        0 => RECONNECTING_NOW.to_owned(),
        1 => "Next try in 1 second".to_owned(),
        _ => format!("Next try in {seconds} seconds"),
    }
}

pub(crate) const FILES: &str = "Files";
pub(crate) const PEOPLE: &str = "People";
pub(crate) const EDITOR: &str = "Editor";
pub(crate) const PARTICIPANTS: &str = "Participants";
pub(crate) const OPEN_FILES: &str = "Open files";
pub(crate) const VIEWS: &str = "Views";
pub(crate) const STATUS_BAR: &str = "Status bar";
pub(crate) const SIDE_BAR: &str = "Side bar";
pub(crate) const SIDE_BAR_WIDTH: &str = "Width of the side bar";
pub(crate) const SHARE: &str = "Share";
pub(crate) const SETTINGS: &str = "Settings";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const MORE_ACTIONS: &str = "More actions";

/// The page's title while a room is open.
pub(crate) fn room_title(file: Option<&str>, workspace: &str) -> String {
    match file {
        Some(file) => format!("{file} - {workspace} - {PRODUCT}"),
        None => format!("{workspace} - {PRODUCT}"),
    }
}

/// How many people are in the room.
pub(crate) fn people_present(count: usize) -> String {
    match count {
        1 => "1 person is here".to_owned(),
        _ => format!("{count} people are here"),
    }
}

/// How many people there are beyond those that are shown.
pub(crate) fn more_people(count: usize) -> String {
    format!("{count} more")
}

// -- Explorer --

pub(crate) const EXPLORER: &str = "Explorer";
pub(crate) const NEW_FILE: &str = "New file";
pub(crate) const NEW_FOLDER: &str = "New folder";
pub(crate) const NEW_FILE_NAME: &str = "Name of the new file";
pub(crate) const NEW_FOLDER_NAME: &str = "Name of the new folder";
pub(crate) const RENAME: &str = "Rename";
pub(crate) const NEW_NAME: &str = "New name";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const COPY_PATH: &str = "Copy path";
pub(crate) const COLLAPSE_ALL: &str = "Collapse all folders";
pub(crate) const REFRESH: &str = "Refresh";
pub(crate) const OPEN: &str = "Open";
pub(crate) const LOADING_FILES: &str = "Listing files";
pub(crate) const EMPTY_FOLDER_TITLE: &str = "This folder is empty";
pub(crate) const EMPTY_FOLDER_TEXT: &str = "Files appear here as soon as somebody adds one.";
pub(crate) const EMPTY_FOLDER_TEXT_EDITOR: &str = "Create the first file, and everybody sees it at once.";
pub(crate) const VIEWER_CANNOT: &str = "You are a viewer. Ask the host to make you an editor.";
pub(crate) const PATH_COPIED: &str = "Path copied";

/// Entries that a folder has beyond those that are listed.
pub(crate) fn omitted(count: u32) -> String {
    match count {
        1 => "1 more entry is not listed".to_owned(),
        _ => format!("{count} more entries are not listed"),
    }
}

/// The question before something is deleted.
pub(crate) fn delete_title(name: &str) -> String {
    format!("Delete “{name}”?")
}

pub(crate) const DELETE_FILE_TEXT: &str =
    "The file is deleted on the host’s disk, for everybody. This can not be undone here.";
pub(crate) const DELETE_FOLDER_TEXT: &str = "The folder and everything in it are deleted on the host’s disk, for everybody. This can not be undone here.";

/// Said when a deletion is done.
pub(crate) fn deleted(name: &str) -> String {
    format!("{name} was deleted")
}

/// A name that no file can have.
pub(crate) fn invalid_name(name: &str) -> String {
    if name.trim().is_empty() {
        "Type a name.".to_owned()
    } else {
        format!("“{name}” can not be the name of a file. Leave out slashes and control characters.")
    }
}

/// A name that another entry has.
pub(crate) fn name_taken(name: &str) -> String {
    format!("“{name}” is there already. Choose another name.")
}

/// The question before a drop replaces the place of something.
pub(crate) fn moved(name: &str, folder: &str) -> String {
    if folder.is_empty() {
        format!("{name} was moved to the top")
    } else {
        format!("{name} was moved to {folder}")
    }
}

/// The question before something is moved by dragging.
pub(crate) fn move_title(name: &str, folder: &str) -> String {
    format!("Move “{name}” into “{folder}”?")
}

pub(crate) const MOVE: &str = "Move";
pub(crate) const MOVE_TEXT: &str =
    "It moves on the host’s disk, for everybody. Whoever has it open stays in it.";

// -- People --

pub(crate) const YOU: &str = "you";
pub(crate) const AWAY: &str = "away";
pub(crate) const CHANGE_NAME: &str = "Change name";
pub(crate) const ALONE_TITLE: &str = "Nobody else is here yet";
pub(crate) const ALONE_TEXT: &str = "Send somebody the link; they need nothing but a browser.";
pub(crate) const ALONE_TEXT_GUEST: &str = "You and the host are the first.";
pub(crate) const MAKE_VIEWER: &str = "Make read-only";
pub(crate) const MAKE_EDITOR: &str = "Let edit";
pub(crate) const REMOVE: &str = "Remove";
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

/// The name of the menu of one participant.
pub(crate) fn person_actions(name: &str) -> String {
    format!("Actions for {name}")
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

// -- Approval and invites, for the host --

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
        Role::Viewer => "Copy the link for viewers",
        Role::Editor => "Copy the link for editors",
        Role::Host => "Copy your own link",
    }
}

pub(crate) const END_TITLE: &str = "End the session?";
pub(crate) const END_TEXT: &str =
    "Everybody loses access at once and the links stop working. All files are saved first.";
pub(crate) const END: &str = "End session";
pub(crate) const LEAVE_TITLE: &str = "Leave the session?";
pub(crate) const LEAVE_TEXT: &str =
    "Your edits are with the host. The same link lets you back in while the session goes on.";

// -- Editor, tabs, files --

/// The accessible name of an editor.
pub(crate) fn editor_label(path: &str) -> String {
    format!("Editor: {path}")
}

pub(crate) fn close_tab(name: &str) -> String {
    format!("Close {name}")
}

pub(crate) const OPENING: &str = "Opening";
pub(crate) const UNSAVED: &str = "not saved yet";
pub(crate) const WELCOME_TITLE: &str = "No file is open";
pub(crate) const WELCOME_TEXT: &str = "Choose one in the explorer, or go to where somebody else is.";
pub(crate) const SHORTCUT_PALETTE: &str = "All commands";
pub(crate) const SHORTCUT_EXPLORER: &str = "Explorer";
pub(crate) const SHORTCUT_CLOSE: &str = "Close file";
pub(crate) const SHORTCUT_PARTS: &str = "Next part of the window";

pub(crate) const READ_ONLY: &str = "Read-only";
pub(crate) const READ_ONLY_VIEWER: &str =
    "You are a viewer: you see every change, and can not type. The host can change that.";
/// Said when somebody types where nothing can be typed.
pub(crate) fn refused_typing(role: Role) -> String {
    match role {
        Role::Viewer => READ_ONLY_VIEWER.to_owned(),
        Role::Editor | Role::Host => "This text can not be typed into right now.".to_owned(),
    }
}

pub(crate) const STARTING_OVER: &str = "This file is being opened afresh. Typing goes on in a moment.";
pub(crate) const READ_ONLY_FILE: &str =
    "This file controls the workspace itself, so guests can read it and not change it.";

pub(crate) const GONE_BANNER: &str = "This file was deleted on the host’s disk. Its text is safe here.";
pub(crate) const GONE_SAVE: &str = "Save it again";
pub(crate) const NOT_SAVED_RETRY: &str = "Try to save again";

/// Above a document that the disk does not take.
pub(crate) fn not_saved_banner(fault: &Fault) -> String {
    let Explained { what, .. } = explain(fault);
    format!("Not saved. {what} The text is safe in the session, and saving is tried again.")
}

/// Said when a document was replaced and something typed did not survive in it.
pub(crate) fn salvaged(name: &str, fault: Option<&Fault>) -> String {
    let why = fault.map(|fault| format!(" {}", explain(fault).what)).unwrap_or_default();
    format!(
        "Some of what you typed in {name} could not be merged.{why} Your text is kept: you can look at it and copy it."
    )
}

pub(crate) const SALVAGE_SHOW: &str = "Show my text";
pub(crate) const SALVAGE_TITLE: &str = "Your text, as it was here";
pub(crate) const SALVAGE_TEXT: &str =
    "This is the whole file as you had it. Copy what you need; it is kept until you close this.";

/// Said when the host does not answer about a file.
pub(crate) fn unanswered(name: &str) -> String {
    format!("The host did not answer about {name}. Nothing was changed; try once more.")
}

// Sync of the open file.
pub(crate) const SYNC_SYNCED: &str = "In sync";
pub(crate) const SYNC_SAVING: &str = "Saving";
pub(crate) const SYNC_SAVED: &str = "Saved";
pub(crate) const SYNC_OFFLINE: &str = "Offline, kept here";
pub(crate) const SYNC_NOT_SAVED: &str = "Not saved";
pub(crate) const SYNC_GONE: &str = "Deleted on disk";
pub(crate) const SYNC_SYNCED_ABOUT: &str = "You, the host and the disk have the same text.";
pub(crate) const SYNC_SAVING_ABOUT: &str = "The host writes to its disk within two seconds of an edit.";
pub(crate) const SYNC_SAVED_ABOUT: &str = "Everything typed is on the host’s disk.";
pub(crate) const SYNC_OFFLINE_ABOUT: &str = "What you type is kept here and sent when you are back.";
pub(crate) const SYNC_GONE_ABOUT: &str = "The text is safe in the session. Saving creates the file again.";

/// Position of the caret, for the status bar.
pub(crate) fn position(line: u32, column: u32) -> String {
    format!("Ln {line}, Col {column}")
}

/// The same, with what is selected.
pub(crate) fn selected(line: u32, column: u32, selections: u32, characters: u32) -> String {
    match (selections, characters) {
        (0 | 1, 0) => position(line, column),
        (0 | 1, _) => format!("{} ({characters} selected)", position(line, column)),
        (_, 0) => format!("{selections} carets"),
        (_, _) => format!("{selections} carets ({characters} selected)"),
    }
}

pub(crate) fn encoding(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf8Bom => "UTF-8 with BOM",
        Encoding::Utf16Le => "UTF-16 LE",
        Encoding::Utf16Be => "UTF-16 BE",
    }
}

pub(crate) fn end_of_line(end: EndOfLine) -> &'static str {
    match end {
        EndOfLine::Lf => "LF",
        EndOfLine::Crlf => "CRLF",
        EndOfLine::Mixed => "LF and CRLF",
    }
}

pub(crate) fn tabs_of(width: u32) -> String {
    format!("Tabs: {width}")
}

pub(crate) fn spaces(count: u32) -> String {
    format!("Spaces: {count}")
}

// Images and files that are not text.
pub(crate) const ZOOM_FIT: &str = "Fit";
pub(crate) const ZOOM_ACTUAL: &str = "100 %";
pub(crate) const ZOOM: &str = "Zoom";
pub(crate) const LOADING_IMAGE: &str = "Loading the image";
pub(crate) const IMAGE_BROKEN_TITLE: &str = "This image can not be shown";
pub(crate) const IMAGE_BROKEN_TEXT: &str =
    "The browser does not understand what is in the file. The file itself is untouched.";
pub(crate) const OPEN_AS_TEXT: &str = "Open as text";
pub(crate) const OPEN_AS_IMAGE: &str = "Open as image";

/// Facts about an image: dimensions and size.
pub(crate) fn image_facts(width: u32, height: u32, bytes: u64) -> String {
    format!("{width} × {height} px, {}", size(bytes))
}

pub(crate) const BINARY_TITLE: &str = "Not a text file";
pub(crate) const BINARY_TEXT: &str = "Edited as text it would be damaged, so it is not opened. Everybody who needs it can have it from the host.";
pub(crate) const TOO_LARGE_TITLE: &str = "Too large to edit together";

/// Why a file is not opened, with its limit.
pub(crate) fn too_large_text(limit: u64) -> String {
    format!(
        "Files above {} are not opened, so that typing stays quick for everybody. The host can open it locally.",
        size(limit)
    )
}

pub(crate) const FACT_SIZE: &str = "Size";
pub(crate) const FACT_KIND: &str = "Kind";
pub(crate) const FACT_PATH: &str = "Path";
pub(crate) const UNOPENED_TITLE: &str = "This file could not be opened";
pub(crate) const DOWNLOAD: &str = "Download";

/// A number of bytes as people say it.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // Above 999.5 it would be shown as 1000 of the smaller unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

// -- Palette and settings --

pub(crate) const PALETTE: &str = "Command palette";
pub(crate) const PALETTE_PLACEHOLDER: &str = "What do you want to do?";
pub(crate) const PALETTE_NONE: &str = "No command has these letters.";
pub(crate) const CHOOSE_PERSON: &str = "Choose a person";

pub(crate) const THEME: &str = "Colours";
pub(crate) const THEME_SYSTEM: &str = "As the system";
pub(crate) const THEME_LIGHT: &str = "Light";
pub(crate) const THEME_DARK: &str = "Dark";
pub(crate) const WORD_WRAP: &str = "Fold long lines";
pub(crate) const FONT_SIZE: &str = "Size of the code";
pub(crate) const FONT_LARGER: &str = "Larger";
pub(crate) const FONT_SMALLER: &str = "Smaller";
pub(crate) const NAME_FLAGS: &str = "Names at the carets";
pub(crate) const NAME_FLAGS_NEVER: &str = "Never";
pub(crate) const NAME_FLAGS_ACTIVITY: &str = "While they type";
pub(crate) const NAME_FLAGS_ALWAYS: &str = "Always";
