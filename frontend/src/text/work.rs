//! What stands where files are shown: tabs, banners, sync, images and notices.

use parlor_shared::client::{Repair, SyncReport};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::message::{Encoding, EndOfLine, Reading, RemovedBy};
use parlor_shared::role::Role;

use super::{Explained, explain};

/// The accessible name of an editor.
pub(crate) fn editor_label(path: &str) -> String {
    format!("Editor: {path}")
}

pub(crate) fn close_tab(name: &str) -> String {
    format!("Close {name}")
}

pub(crate) const OPENING: &str = "Opening";
pub(crate) const UNSAVED: &str = "not saved yet";
pub(crate) const NOT_YET: &str = "not yet at the host";
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

/// After a paste of which a part is no text.
pub(crate) const LEFT_OUT: &str =
    "Some of that can not stand in a text file, as NUL characters can not. It was left out.";

/// After the command that takes back the last change, whoever made it.
pub(crate) const NOTHING_TO_UNDO: &str =
    "Nothing has changed in this file since you opened it, or came back, that can be undone.";
pub(crate) const UNDID_MINE: &str = "Undid your own last change.";
pub(crate) const UNDID_DISK: &str =
    "Undid the last change that came from the host’s disk. Your own undo takes that back.";
/// The same for a change of somebody else, who may have left.
pub(crate) fn undid(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("Undid {name}’s last change. Your own undo takes that back."),
        None => "Undid the last change of somebody who has left. Your own undo takes that back.".to_owned(),
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
    if fault.code == FaultCode::Outgrown {
        return what;
    }
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
    "Each is the whole file as you had it. It is kept in this browser until you discard it.";
pub(crate) const SALVAGE_FOUND: &str =
    "Text that did not reach a host is kept in this browser. You can look at it, copy or discard it.";
pub(crate) const SALVAGE_NONE: &str = "There is nothing left here.";
pub(crate) const DISCARD: &str = "Discard";

/// The name of the button that discards a kept text.
pub(crate) fn discard(path: &str) -> String {
    format!("Discard my text of {path}")
}

/// Where a kept text is from, if from elsewhere.
pub(crate) fn from_elsewhere(workspace: &str) -> String {
    format!("From an earlier session of {workspace}")
}

/// Said when a person took the host's text instead of sending edits.
pub(crate) fn copy_kept(name: &str) -> String {
    format!("{name} is the host’s text now. A copy of yours is kept.")
}

// Edits that wait for a decision.
pub(crate) const HELD_BANNER: &str =
    "Others changed the same lines while you were away. Your edits are kept here and not sent yet.";
pub(crate) const HELD_SHOW: &str = "Look at my edits";
pub(crate) const HELD_SEND: &str = "Send my edits";
pub(crate) const HELD_TAKE: &str = "Keep a copy and take the host’s text";
pub(crate) const HELD_LATER: &str = "Decide later";
pub(crate) const HELD_TEXT: &str =
    "Others changed this file a lot while you were away. Sent, your edits become part of it as shown here.";
pub(crate) const HELD_DIFF: &str = "Your edits in the host’s text";
pub(crate) const HELD_ADDED: &str = "added";
pub(crate) const HELD_REMOVED: &str = "removed";

/// The question about edits that wait.
pub(crate) fn held_title(name: &str) -> String {
    format!("Send your edits of {name}?")
}

/// Where changed lines stand.
pub(crate) fn held_line(line: u32) -> String {
    format!("Line {line}")
}

/// Changed lines that are not shown.
pub(crate) fn held_more(count: usize) -> String {
    match count {
        1 => "1 more line is not shown.".to_owned(),
        _ => format!("{count} more lines are not shown."),
    }
}

// What the browser keeps.
pub(crate) const KEEPING_REFUSED: &str =
    "This browser keeps nothing for this page: what is not yet at the host does not survive a reload.";
pub(crate) const KEEPING_FULL: &str = "The browser’s room for unsent text is full: what is not yet at the host does not survive a reload. Discard what you no longer need.";

/// Said when the host does not answer about a file.
pub(crate) fn unanswered(name: &str) -> String {
    format!("The host did not answer about {name}. Nothing was changed; try once more.")
}

// Sync of the open file.
pub(crate) const SYNC_SYNCED: &str = "In sync";
pub(crate) const SYNC_SAVING: &str = "Saving";
pub(crate) const SYNC_SAVED: &str = "Saved";
pub(crate) const SYNC_SAVED_BY_ME: &str = "Saved by you";
pub(crate) const SYNC_OFFLINE: &str = "Offline";
pub(crate) const SYNC_NOT_YET: &str = "Not yet at the host";
pub(crate) const SYNC_HELD: &str = "Waits for you";
pub(crate) const SYNC_REPAIRING: &str = "Repairing";
pub(crate) const SYNC_REPAIRING_ABOUT: &str =
    "This text had come to differ from the host’s, and is being replaced by it.";
pub(crate) const SYNC_NOT_SAVED: &str = "Not saved";
pub(crate) const SYNC_GONE: &str = "Deleted on disk";
pub(crate) const SYNC_SYNCED_ABOUT: &str = "You, the host and the disk have the same text.";
pub(crate) const SYNC_SAVING_ABOUT: &str = "The host writes to its disk within two seconds of an edit.";
pub(crate) const SYNC_SAVED_ABOUT: &str = "Everything typed is on the host’s disk.";
pub(crate) const SYNC_OFFLINE_ABOUT: &str = "What you type is kept here and sent when you are back.";
pub(crate) const SYNC_NOT_YET_ABOUT: &str =
    "Not yet at the host: kept in this browser, also over a reload, and sent when you are back.";
pub(crate) const SYNC_NOT_YET_TAB_ABOUT: &str =
    "Not yet at the host: kept in this tab alone, and sent when you are back. Do not close or reload it.";
pub(crate) const SYNC_HELD_ABOUT: &str = "Your edits are kept here until you have looked at them.";
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

/// How a file is stored, in the status bar.
pub(crate) fn encoding(encoding: Encoding, reading: Reading) -> String {
    match reading {
        Reading::Exact => encoding.name().to_owned(),
        Reading::WithMarks => format!("{} (read-only)", encoding.name()),
    }
}

pub(crate) const ENCODING_PICK: &str = "Select encoding";
pub(crate) const ENCODING_PICK_ACTION: &str = "Select what to do";
pub(crate) const ENCODING_NONE: &str = "No encoding has that name.";
pub(crate) const ENCODING_REOPEN: &str = "Reopen with Encoding";
pub(crate) const ENCODING_REOPEN_NOTE: &str = "reads the file anew, for everybody; the file stays as it is";
pub(crate) const ENCODING_SAVE: &str = "Save with Encoding";
pub(crate) const ENCODING_SAVE_NOTE: &str = "writes the file anew";
pub(crate) const ENCODING_NOW: &str = "now";
pub(crate) const SAVE_AS_UTF8: &str = "Save as UTF-8";
pub(crate) const WITH_MARKS_BANNER: &str = "This file has bytes that are no text; “\u{fffd}” stands for them. It can be looked at and is never written. If it is in another encoding, choose it.";

pub(crate) fn end_of_line(end: EndOfLine) -> &'static str {
    match end {
        EndOfLine::Lf => "LF",
        EndOfLine::Crlf => "CRLF",
        EndOfLine::Cr => "CR",
        EndOfLine::Mixed => "Mixed",
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

pub(crate) const FACT_SIZE: &str = "Size";
pub(crate) const FACT_PATH: &str = "Path";

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

/// In the status bar: who asked for it.
pub(crate) fn sync_saved_by(name: &str) -> String {
    format!("Saved by {name}")
}

/// The button that brings back what another program took.
pub(crate) const BRING_BACK: &str = "Bring it back";

/// Another program deleted in the file what people typed here.
pub(crate) fn removed(file: &str, lines: u32, mine: Mine, names: &[String], cause: RemovedBy) -> String {
    let who = match (mine, names) {
        (Mine::Yes, []) => "you".to_owned(),
        (Mine::Yes, [one]) => format!("you and {one}"),
        (Mine::Yes, _) => "you and others".to_owned(),
        (Mine::No, []) => "somebody who left".to_owned(),
        (Mine::No, [one]) => one.clone(),
        (Mine::No, [one, other]) => format!("{one} and {other}"),
        (Mine::No, [one, ..]) => format!("{one} and others"),
    };
    let what = if lines == 1 { "a line".to_owned() } else { format!("{lines} lines") };
    let how = match cause {
        RemovedBy::Edit => "A program on the host’s machine changed",
        RemovedBy::Revert => "A program on the host’s machine brought an older version back of",
    };
    format!("{how} {file}: {what} with text from {who} went away.")
}

/// Whether it is one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mine {
    Yes,
    No,
}

/// What another program took is back, or is not kept any more.
pub(crate) fn brought_back(file: &str, by: Option<&str>) -> String {
    match by {
        Some(name) => format!("{name} brought the deleted text of {file} back."),
        None => format!("The deleted text of {file} can not be brought back any more."),
    }
}

/// What "Check Sync" came to.
pub(crate) fn sync_report(report: &SyncReport) -> String {
    let SyncReport { equal, repaired, unanswered } = report;
    let files = |count: u32| if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
    let are = |count: u32| if count == 1 { "is" } else { "are" };
    let mut sentences = Vec::new();
    if *equal > 0 {
        sentences.push(format!("{} {} equal with the host.", files(*equal), are(*equal)));
    }
    for Repair { path, incident } in repaired {
        sentences.push(format!(
            "{} differed and was replaced by the host’s text; its log has that as {incident}.",
            path.name()
        ));
    }
    if *unanswered > 0 {
        sentences.push(format!("{} could not be compared: the host did not answer.", files(*unanswered)));
    }
    if sentences.is_empty() {
        return "No file is open that could be compared.".to_owned();
    }
    sentences.join(" ")
}
