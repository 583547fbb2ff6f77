//! What the frame of the room says: connection, bars, palette and settings.

use super::PRODUCT;

pub(crate) const CONNECTION_CONNECTING: &str = "Connecting";
pub(crate) const CONNECTION_LOBBY: &str = "Waiting";
pub(crate) const CONNECTION_LIVE: &str = "Live";
pub(crate) const CONNECTION_RECONNECTING: &str = "Reconnecting";
pub(crate) const CONNECTION_ENDED: &str = "Ended";
pub(crate) const CONNECTION_REMOVED: &str = "Removed";

pub(crate) const RECONNECTING: &str =
    "The connection is lost. Keep typing: nothing is lost, it is sent when you are back.";
/// How many files have text that only this browser has.
pub(crate) fn not_yet_at_host(files: usize) -> String {
    match files {
        1 => "Not yet at the host: 1 file.".to_owned(),
        _ => format!("Not yet at the host: {files} files."),
    }
}

pub(crate) const RECONNECTING_NOW: &str = "Connecting again";
pub(crate) const TRY_NOW: &str = "Try now";
pub(crate) const LOBBY_AGAIN: &str =
    "You are back at the door: the host decides again. Your text is kept here.";
pub(crate) const BACK_ONLINE: &str = "You are back.";

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

pub(crate) const PALETTE: &str = "Command palette";
pub(crate) const PALETTE_PLACEHOLDER: &str = "What do you want to do?";
pub(crate) const PALETTE_NONE: &str = "No command has these letters.";

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
