//! What a guest's driver learns.

use super::check::SyncReport;
use crate::document::Run;
use crate::fault::Fault;
use crate::id::{AuthorId, DocumentId, ParticipantId, RequestId, TerminalId};
use crate::message::{Entry, History, InviteInfo, LeaveReason, RemovedBy};
use crate::path::WorkspacePath;
use crate::role::Role;
use crate::terminal::TerminalSize;

/// How far a connection has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is none: not yet, or between two. What is typed is kept.
    Offline,
    /// The handshake is under way.
    Connecting,
    /// The host has not decided yet.
    Lobby,
    /// In the room.
    Live,
    /// Over for good, and why.
    Ended(Fault),
}

/// Why a terminal is there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverReason {
    /// It is shared no longer.
    Unshared,
    /// The host's program ended and was started again; what ran in the terminal ended with it.
    HostRestarted,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The connection changed.
    Phase(Phase),
    /// What was under way when the connection broke is void: requests that were not answered never will be.
    BeganAfresh,
    /// Somebody came, went, or has another name, role or grant; perhaps I.
    ParticipantsChanged,
    /// Somebody went; for an announcement.
    Left {
        /// Who.
        participant: ParticipantId,
        /// What it was called.
        name: String,
        /// Why.
        reason: LeaveReason,
    },
    /// Somebody is elsewhere now.
    PresenceChanged {
        /// Who.
        participant: ParticipantId,
    },
    /// To the host: somebody waits in the lobby.
    Knock {
        /// Who.
        participant: ParticipantId,
        /// What it calls itself.
        name: String,
        /// What its invite grants.
        role: Role,
        /// Six words that its page shows too.
        words: String,
    },
    /// To the host: nobody waits under this id any more.
    KnockOver {
        /// Who.
        participant: ParticipantId,
    },
    /// To the host: the links to send.
    Invites {
        /// One for each role.
        invites: Vec<InviteInfo>,
    },
    /// A document is open and has its text.
    Opened {
        /// The request.
        request: RequestId,
        /// The document.
        document: DocumentId,
    },
    /// Others changed a document. Apply the splices of the runs in order.
    Changed {
        /// Which.
        document: DocumentId,
        /// Who did what.
        runs: Vec<Run>,
    },
    /// A document's text was replaced as a whole: show it anew.
    Replaced {
        /// The id it had.
        old: DocumentId,
        /// The id it has now.
        document: DocumentId,
        /// What was typed here and refused or could not be merged, if anything: the text as it was here.
        lost: Option<String>,
        /// Why.
        fault: Option<Fault>,
    },
    /// Another program deleted in a document's file what guests typed in this session. It can be brought back: see
    /// [`super::Client::bring_back`].
    Removed {
        /// Which.
        document: DocumentId,
        /// What to ask for.
        offer: u32,
        /// Who typed it.
        authors: Vec<AuthorId>,
        /// How many lines.
        lines: u32,
        /// How.
        cause: RemovedBy,
    },
    /// What could be brought back is back, or can not be brought back any more.
    OfferOver {
        /// Where.
        document: DocumentId,
        /// What.
        offer: u32,
        /// Who brought it back; nobody, if the host does not keep it any more.
        by: Option<ParticipantId>,
    },
    /// How a document stands to host or disk changed: see [`super::Client::sync_state`].
    SyncChanged {
        /// Which.
        document: DocumentId,
    },
    /// Others changed lines that were edited here as well: the edits wait. See [`super::Client::held`].
    Held {
        /// Which.
        document: DocumentId,
    },
    /// Every open document was compared with the host's: see [`super::Client::check_sync`].
    SyncChecked {
        /// What came of it.
        report: SyncReport,
    },
    /// A document's file has another path.
    Moved {
        /// Which.
        document: DocumentId,
        /// Where it is.
        path: WorkspacePath,
    },
    /// The host closed a document.
    Closed {
        /// Which.
        document: DocumentId,
        /// Why.
        fault: Option<Fault>,
        /// The text as it was here, if the host does not have all of it.
        lost: Option<String>,
    },
    /// All entries of a folder.
    Listing {
        /// The request, if this answers one.
        request: Option<RequestId>,
        /// The folder.
        folder: WorkspacePath,
        /// Its entries, in order.
        entries: Vec<Entry>,
        /// Entries that are not listed.
        omitted: u32,
    },
    /// Some entries of a watched folder changed.
    FolderChanges {
        /// The folder.
        folder: WorkspacePath,
        /// New or different entries.
        changed: Vec<Entry>,
        /// Names that are gone.
        removed: Vec<String>,
    },
    /// A watched folder is gone.
    FolderGone {
        /// Which.
        folder: WorkspacePath,
    },
    /// A request was carried out.
    Done {
        /// Which.
        request: RequestId,
    },
    /// A piece of a file.
    Chunk {
        /// The request.
        request: RequestId,
        /// The whole file's bytes.
        total: u64,
        /// Where this piece begins.
        offset: u64,
        /// The piece.
        bytes: Vec<u8>,
    },
    /// The host has told which terminals there are; what they are follows.
    TerminalsListed,
    /// A terminal is there, or something about it changed: see [`super::Client::terminal`].
    TerminalChanged {
        /// Which.
        terminal: TerminalId,
    },
    /// A terminal is there no more.
    TerminalOver {
        /// Which.
        terminal: TerminalId,
        /// Why.
        reason: OverReason,
    },
    /// A terminal that this guest asked for is shared.
    TerminalOpened {
        /// The request.
        request: RequestId,
        /// The terminal.
        terminal: TerminalId,
    },
    /// The whole screen of a terminal: paint it on an empty one of this size.
    TerminalScreen {
        /// Which.
        terminal: TerminalId,
        /// How large.
        size: TerminalSize,
        /// Whether what has scrolled away comes with it; otherwise what is there stays.
        history: History,
        /// Bytes of output that this guest does not get to see.
        skipped: u64,
        /// What paints it.
        bytes: Vec<u8>,
    },
    /// What a terminal's program wrote.
    TerminalOutput {
        /// Which.
        terminal: TerminalId,
        /// What.
        bytes: Vec<u8>,
    },
    /// What was typed into a terminal did not get there.
    TerminalRefused {
        /// Which.
        terminal: TerminalId,
        /// Why.
        fault: Fault,
    },
    /// Something was refused or failed.
    Fault {
        /// The request, if it was one.
        request: Option<RequestId>,
        /// Why.
        fault: Fault,
    },
}
