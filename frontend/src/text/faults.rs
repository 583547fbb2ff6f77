//! What each fault means to a person: what happened, what is safe, what to do.

use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::invite::InviteError;

use super::size;

/// A fault in three sentences; any but the first may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    /// A headline without a full stop.
    pub(crate) title: &'static str,
    /// What happened.
    pub(crate) what: String,
    /// What is safe.
    pub(crate) safe: &'static str,
    /// What to do.
    pub(crate) todo: String,
}

const EDITS_WITH_HOST: &str = "Everything that was marked as saved is with the host.";
const REPAIRED: &str =
    "The text here had come to differ from the host's. It was replaced by the host's, which everybody has.";
const KEPT_HERE: &str = "What you typed is kept here.";
const NOTHING_CHANGED: &str = "Nothing was changed.";
const TEXT_IN_SESSION: &str = "The text is safe in the session.";

/// One line for a notice: what happened and what to do.
pub(crate) fn fault_line(fault: &Fault) -> String {
    let Explained { what, todo, .. } = explain(fault);
    if todo.is_empty() { what } else { format!("{what} {todo}") }
}

/// Why a link can not be used.
pub(crate) fn link_error(error: InviteError) -> Explained {
    let (title, what, todo) = match error {
        InviteError::NoSession => (
            "No room at this address",
            "The address names no session.",
            "Open the whole link that the host sent you.",
        ),
        InviteError::NoFragment => (
            "This link has lost its end",
            "The part behind # is missing. It is the key: without it nobody gets in.",
            "Copy the whole link once more, to its very end, or ask the host to send it in another way.",
        ),
        InviteError::Version => (
            "This link is for another version",
            "It was made by a version of Parlor that this page does not know.",
            "Reload the page; if that does not help, ask the host for a new link.",
        ),
        InviteError::Damaged => return explain(&FaultCode::InvalidLink.into()),
    };
    Explained { title, what: what.to_owned(), safe: "", todo: todo.to_owned() }
}

/// All there is to say about a fault.
pub(crate) fn explain(fault: &Fault) -> Explained {
    let Fault { code, params } = fault;
    let param = |at: usize| params.get(at).map_or("", String::as_str);
    let bytes = |at: usize| param(at).parse().ok().map(size);
    // A parameter that an older or newer peer left out leaves a sentence that is still one.
    let file = || match param(0) {
        "" => "The file".to_owned(),
        path => format!("“{path}”"),
    };
    let say = |title, what: String, safe, todo: &str| Explained { title, what, safe, todo: todo.to_owned() };

    match code {
        FaultCode::InvalidLink => say(
            "This link is not complete",
            "The link is cut off, or it is not a link of Parlor.".into(),
            "",
            "Copy the whole link once more, from its beginning to its very end, or ask the host for a new one.",
        ),
        FaultCode::UnknownSession => say(
            "Nobody is here",
            "This session is not shared here any more, or the host has not started it yet.".into(),
            "If you were in it: what was marked as saved is with the host.",
            "Ask the host whether it is open, then try again.",
        ),
        FaultCode::UnknownInvite => say(
            "This invite does not open the door any more",
            "The host has withdrawn the link, or it was made for another session.".into(),
            "",
            "Ask the host for a new link.",
        ),
        FaultCode::HandshakeFailed => say(
            "This link does not fit this host",
            "A part of the link was changed on its way, or it belongs to another host. No connection was made.".into(),
            "",
            "Ask the host to send you the link again, in another way if you can.",
        ),
        FaultCode::VersionMismatch => say(
            "Two versions that do not understand each other",
            match (param(0), param(1), param(2)) {
                ("", ..) => "This page and the host speak different versions of Parlor.".into(),
                (mine, oldest, newest) if oldest == newest => {
                    format!("This page speaks version {mine} of the protocol, the host version {newest}.")
                }
                (mine, oldest, newest) => {
                    format!("This page speaks version {mine} of the protocol, the host versions {oldest} to {newest}.")
                }
            },
            "",
            "Reload the page. If that does not help, the host has to update Parlor.",
        ),
        FaultCode::HandshakeTimeout => say(
            "The host did not answer in time",
            match param(0) {
                "" => "The connection was there, and nothing came back.".into(),
                seconds => format!("The connection was there, and nothing came back for {seconds} seconds."),
            },
            "",
            "Check your network; this page tries again.",
        ),
        FaultCode::SessionFull => say(
            "The room is full",
            match param(0) {
                "" => "No more people can join right now.".into(),
                number => format!("{number} people are in this session, and it takes no more."),
            },
            "",
            "Try again when somebody has left.",
        ),
        FaultCode::Denied => say(
            "The host did not let you in",
            "The host said no to your request to join.".into(),
            "",
            "If that was a mistake, talk to the host and try again.",
        ),
        FaultCode::Removed => say(
            "The host removed you",
            "You have no access to this session any more.".into(),
            EDITS_WITH_HOST,
            "If that was a mistake, ask the host for a new link.",
        ),
        FaultCode::SessionEnded => say(
            "The session is over",
            "The host ended the session.".into(),
            "All files are saved on the host’s machine.",
            "You can close this tab.",
        ),
        FaultCode::TooManyConnections => say(
            "A crowd at the door",
            "Too many people are connecting at once.".into(),
            "",
            "This page tries again in a moment.",
        ),

        FaultCode::Malformed | FaultCode::UnknownMessage => say(
            "A message that makes no sense",
            "The host sent something that this page does not understand, or the other way round.".into(),
            KEPT_HERE,
            "The page connects afresh. If this comes back, reload it.",
        ),
        FaultCode::TooLarge => say(
            "Too much at once",
            match (bytes(0), bytes(1)) {
                (Some(sent), Some(limit)) => format!("A message had {sent}; up to {limit} are taken."),
                _ => "A message was larger than what is taken.".into(),
            },
            KEPT_HERE,
            "Paste or change it in smaller pieces.",
        ),
        FaultCode::BrokenSeal => say(
            "A message was damaged on its way",
            "A message did not open with the session’s keys, so it was thrown away and the connection closed.".into(),
            KEPT_HERE,
            "The page connects afresh. If this comes back, something on your network alters what you send.",
        ),
        FaultCode::NotAdmitted => say(
            "You are not in the room yet",
            "The host has not let you in, and this needs it.".into(),
            NOTHING_CHANGED,
            "Wait until the host admits you.",
        ),
        FaultCode::TooSlow => say(
            "This connection could not keep up",
            "More came from the host than your network took.".into(),
            KEPT_HERE,
            "The page connects again and catches up.",
        ),
        FaultCode::Silent => say(
            "The host fell silent",
            "Nothing was heard for too long, so the connection counts as lost.".into(),
            KEPT_HERE,
            "The page connects again by itself.",
        ),

        FaultCode::NotAllowed => say(
            "Your role does not allow this",
            match param(0) {
                "Edit" => "Your role does not allow editing.".into(),
                "Save" => "Your role does not allow saving.".into(),
                "ManageFiles" => "Your role does not allow creating, renaming or deleting files.".into(),
                "Administer" => "Only the host can do this.".into(),
                "OpenTerminal" => "Only the host opens terminals, and editors whom the host lets.".into(),
                _ => "Your role does not allow this.".into(),
            },
            NOTHING_CHANGED,
            match param(0) {
                "OpenTerminal" => "The host lets you in the list of people.",
                _ => "Ask the host to change your role.",
            },
        ),
        FaultCode::Protected => say(
            "This one stays with the host",
            format!("{} is hidden, or guests may read it and not change it.", file()),
            NOTHING_CHANGED,
            "",
        ),
        FaultCode::OutsideWorkspace => say(
            "Outside the shared folder",
            format!("{} leads out of the shared folder.", file()),
            NOTHING_CHANGED,
            "Only what lies inside it is shared.",
        ),
        FaultCode::ForeignAuthor => say(
            "An edit under another name",
            "An edit carried the name of somebody else, so the host did not take it.".into(),
            "Your text is kept here.",
            "Reload the page and edit again.",
        ),

        FaultCode::NotFound => {
            say("Not there", format!("{} is not there any more.", file()), NOTHING_CHANGED, "Look in the explorer for where it went.")
        }
        FaultCode::AlreadyExists => {
            say("The name is taken", format!("{} is there already.", file()), NOTHING_CHANGED, "Choose another name.")
        }
        FaultCode::PermissionDenied => say(
            "The host’s system says no",
            format!("{} can not be used: the host’s system denies access.", file()),
            NOTHING_CHANGED,
            "The host can change the file’s permissions.",
        ),
        FaultCode::IsFolder => {
            say("A folder", format!("{} is a folder, not a file.", file()), NOTHING_CHANGED, "")
        }
        FaultCode::NotFolder => {
            say("A file", format!("{} is a file, not a folder.", file()), NOTHING_CHANGED, "")
        }
        FaultCode::SpecialFile => say(
            "Not a usual file",
            format!("{} is a device, a pipe, or a link that leads nowhere.", file()),
            NOTHING_CHANGED,
            "It is shown and can not be opened.",
        ),
        FaultCode::Binary => say(
            "Not a text file",
            match bytes(1) {
                Some(size) => format!("{} ({size}) is not text; edited as text it would be damaged.", file()),
                None => format!("{} is not text; edited as text it would be damaged.", file()),
            },
            "The file is untouched.",
            "",
        ),
        FaultCode::FileTooLarge => say(
            "Too large to open here",
            match (bytes(1), bytes(2)) {
                (Some(size), Some(limit)) => format!("{} has {size}; up to {limit} are opened.", file()),
                _ => format!("{} is too large to be opened here.", file()),
            },
            "The file is untouched.",
            "The host can open it locally.",
        ),
        FaultCode::DiskFull => say(
            "The host’s disk is full",
            "The host’s disk is full.".into(),
            TEXT_IN_SESSION,
            "Tell the host to free some space; saving is tried again.",
        ),
        FaultCode::DiskError => say(
            "The host’s disk reports an error",
            format!("{} could not be read or written: the host’s disk reports an error.", file()),
            TEXT_IN_SESSION,
            "Saving is tried again; the host can look at the log.",
        ),
        FaultCode::InvalidName => say(
            "This name can not be used",
            match param(0) {
                "" => "This can not be the name of a file.".into(),
                name => format!("“{name}” can not be the name of a file."),
            },
            NOTHING_CHANGED,
            "Leave out slashes and control characters.",
        ),
        FaultCode::NotEmpty => say(
            "The folder is not empty",
            format!("{} still has something in it.", file()),
            NOTHING_CHANGED,
            "Delete what is in it first.",
        ),

        FaultCode::UnknownDocument => say(
            "The host has closed this file",
            "The host does not hold this file open any more.".into(),
            "Your text is kept here.",
            "Open it again from the explorer.",
        ),
        FaultCode::InvalidUpdate => say(
            "An edit that does not fit",
            "The host could not apply one of your edits.".into(),
            "Your text is kept here.",
            "The file is opened afresh; copy from your text what is missing.",
        ),
        FaultCode::DocumentTooLarge => say(
            "The text grew too large",
            match (bytes(0), bytes(1)) {
                (Some(size), Some(limit)) => format!("The text would have {size}; up to {limit} are edited together."),
                _ => "The text grew beyond what can be edited together.".into(),
            },
            "Your text is kept here.",
            "Take something out, or split the file.",
        ),
        FaultCode::Busy => say(
            "The host is busy",
            "Too much was asked for at once; nothing was done.".into(),
            NOTHING_CHANGED,
            "Try again in a moment.",
        ),
        FaultCode::TooManyOpen => say(
            "Too much is open",
            match param(0) {
                "" => "No more can be open at once.".into(),
                limit => format!("No more than {limit} can be open at once."),
            },
            NOTHING_CHANGED,
            "Close some files or folders first.",
        ),
        FaultCode::UnknownParticipant => {
            say("Gone already", "That person is not here any more.".into(), NOTHING_CHANGED, "")
        }
        FaultCode::Internal => say(
            "Something broke inside the host",
            match param(0) {
                "" => "Something failed inside the host agent.".into(),
                incident => format!("Something failed inside the host agent. Its log has it as {incident}."),
            },
            TEXT_IN_SESSION,
            "Try again; if it stays, the host can look into the log.",
        ),
        FaultCode::Repaired => say(
            "Repaired",
            match param(0) {
                "" => REPAIRED.to_owned(),
                incident => format!("{REPAIRED} The host's log has it as {incident}."),
            },
            TEXT_IN_SESSION,
            "Look whether your last words are there.",
        ),
        FaultCode::NotKept => say(
            "Not safe from a crash",
            "Parlor’s own folder on the host can not be written: if the host’s program is killed now, what the file does not have yet is lost there.".into(),
            "What you typed last is kept here until the file has it.",
            "Tell the host to free some space; it is tried again.",
        ),
        FaultCode::Unencodable => say(
            "Not in this file’s encoding",
            format!("{} can not hold “{}” in its encoding.", param(0), param(1)),
            TEXT_IN_SESSION,
            "Remove the character, or save the file with encoding UTF-8.",
        ),
        FaultCode::HalfWritten => say(
            "Half written",
            format!("The disk failed while {} was being saved. The file holds neither the old text nor the new one.", param(0)),
            TEXT_IN_SESSION,
            "It is tried again by itself. The host can look at the disk.",
        ),
        FaultCode::ScriptRuns => say(
            "This script is running",
            format!("A shell runs {} at the moment. It reads the file while it runs, so a change now could make it run a wrong line.", param(0)),
            TEXT_IN_SESSION,
            "It is saved when the script has ended. Save it by hand to have it saved now.",
        ),
        FaultCode::Outgrown => say(
            "The file outgrew the limit",
            match bytes(1) {
                Some(limit) => format!("The file outgrew {limit}; you see an older state."),
                None => "The file outgrew what is edited together; you see an older state.".into(),
            },
            TEXT_IN_SESSION,
            "It goes on as soon as the file is small enough again.",
        ),
        FaultCode::Undecodable => say(
            "Can be looked at only",
            format!("{} has bytes that are no text in any encoding. They are shown as “\u{fffd}”.", param(0)),
            "The file is untouched.",
            "Choose an encoding with “Reopen with Encoding”.",
        ),
        FaultCode::EncodingMismatch => say(
            "Another encoding",
            format!("{} is not in {}: saved in it, the file would have other bytes.", param(0), param(1)),
            "Nothing was changed.",
            "Choose another encoding.",
        ),
        FaultCode::UnknownTerminal => say(
            "No such terminal",
            "This terminal is not shared any more.".to_owned(),
            NOTHING_CHANGED,
            "",
        ),
        FaultCode::NotRunning => say(
            "It has ended",
            "The program of this terminal has ended.".to_owned(),
            "Nothing was typed.",
            "The host can start it again.",
        ),
        FaultCode::CommandFailed => say(
            "It did not start",
            format!("{} could not be started on the host's machine.", param(0)),
            NOTHING_CHANGED,
            "The host can choose another shell with --shell.",
        ),
        FaultCode::Unknown(number) => say(
            "Something this page does not know",
            format!("The host reports fault {number}, which is newer than this page."),
            KEPT_HERE,
            "Reload the page to get its newest version.",
        ),
    }
}
