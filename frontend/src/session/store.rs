//! What the page shows of a session: one store, written by `apply` and by a person's own choices, read by the views.

use std::sync::Arc;

use parlor_shared::client::{Phase, SyncState};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, ParticipantId, TerminalId};
use parlor_shared::message::{Activity, Encoding, EndOfLine, InviteInfo, Reading, SessionInfo, TerminalInfo};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::{Capability, Grants, Rights, Role};
use reactive_stores::Store;

use super::tree::Tree;
use crate::js::browser::Keeping;
use crate::net::Attempt;

/// Everything that views read. A field is written as a whole; a written field wakes only its own readers.
#[derive(Debug, Store)]
pub(crate) struct SessionState {
    /// How far the connection has come.
    pub(crate) phase: Phase,
    /// What is done to get it back.
    pub(crate) attempt: Attempt,
    /// Whether I have been, or still am, in the room.
    pub(crate) entry: Entry,
    /// Why the connection broke last, if the host said so.
    pub(crate) fault: Option<Fault>,
    /// Six words that the host sees too.
    pub(crate) words: Option<String>,
    /// What the session is called.
    pub(crate) info: Option<SessionInfo>,
    /// My role.
    pub(crate) role: Role,
    /// What the host granted me beside it.
    pub(crate) grants: Grants,
    /// Everybody present, in the order of their ids.
    pub(crate) people: Vec<Person>,
    /// The folders.
    pub(crate) tree: Tree,
    /// Open tabs, from left to right.
    pub(crate) tabs: Vec<Tab>,
    /// The tab that is shown.
    pub(crate) active: Option<TabId>,
    /// Open texts.
    pub(crate) texts: Vec<Text>,
    /// Shared terminals, in the order of their ids.
    pub(crate) terminals: Vec<TerminalInfo>,
    /// Who waits in the lobby; the host's page only.
    pub(crate) knocks: Vec<Knock>,
    /// The links to send; the host's page only.
    pub(crate) invites: Vec<InviteInfo>,
    /// What was typed and did not reach the host.
    pub(crate) salvage: Vec<Salvage>,
    /// Texts with edits that wait for a decision, the longest waiting first.
    pub(crate) held: Vec<DocumentId>,
    /// Whether the browser keeps what is unsent.
    pub(crate) keeping: Keeping,
    /// Short messages in the corner.
    pub(crate) toasts: Vec<Toast>,
    /// What screen readers are told.
    pub(crate) announcement: String,
}

impl Default for SessionState {
    fn default() -> Self {
        Self {
            phase: Phase::Offline,
            attempt: Attempt::Trying,
            entry: Entry::Outside,
            fault: None,
            words: None,
            info: None,
            role: Role::Viewer,
            grants: Grants::NONE,
            people: Vec::new(),
            tree: Tree::default(),
            tabs: Vec::new(),
            active: None,
            texts: Vec::new(),
            terminals: Vec::new(),
            knocks: Vec::new(),
            invites: Vec::new(),
            salvage: Vec::new(),
            held: Vec::new(),
            keeping: Keeping::Kept,
            toasts: Vec::new(),
            announcement: String::new(),
        }
    }
}

/// Whether this page has been in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Not yet.
    Outside,
    /// Yes.
    Entered,
    /// It was, and went by the person's own wish.
    Left,
}

/// Where the page stands, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// On the way in for the first time.
    Connecting(Attempt),
    /// Waiting for the host.
    Lobby,
    /// In the room.
    Live,
    /// Was in the room and is on the way back.
    Reconnecting(Attempt),
    /// The host ended the session.
    Ended,
    /// The host sent me out.
    Removed,
    /// I left.
    Left,
    /// Never got in, or can not go on.
    Failed(Fault),
}

impl Standing {
    /// The value of `data-state` on the connection's element.
    pub(crate) const fn data_state(&self) -> &'static str {
        match self {
            Self::Connecting(_) => "connecting",
            Self::Lobby => "lobby",
            Self::Live => "live",
            Self::Reconnecting(_) => "reconnecting",
            Self::Removed => "removed",
            Self::Ended | Self::Left | Self::Failed(_) => "ended",
        }
    }

    /// Where a page stands with these.
    pub(crate) fn of(phase: &Phase, attempt: Attempt, entry: Entry) -> Self {
        match (phase, entry) {
            (_, Entry::Left) => Self::Left,
            (Phase::Ended(fault), _) if fault.code == FaultCode::SessionEnded => Self::Ended,
            (Phase::Ended(fault), _) if fault.code == FaultCode::Removed => Self::Removed,
            (Phase::Ended(fault), _) => Self::Failed(fault.clone()),
            (Phase::Live, _) => Self::Live,
            (Phase::Lobby, _) => Self::Lobby,
            (Phase::Offline | Phase::Connecting, Entry::Outside) => Self::Connecting(attempt),
            (Phase::Offline | Phase::Connecting, Entry::Entered) => Self::Reconnecting(attempt),
        }
    }
}

/// Somebody who is in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: ParticipantId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// What the host granted it beside its role.
    pub(crate) grants: Grants,
    /// Which of the eight colours and shapes.
    pub(crate) color: u8,
    pub(crate) who: Who,
    /// The file that is looked at.
    pub(crate) file: Option<WorkspacePath>,
    pub(crate) activity: Activity,
}

impl Person {
    /// Whether it may open terminals though its role does not say so.
    pub(crate) fn opens_by_grant(&self) -> bool {
        let rights = Rights { role: self.role, grants: self.grants };
        !self.role.allows(Capability::OpenTerminal) && rights.allows(Capability::OpenTerminal)
    }
}

/// Whether a person is the one before this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Me,
    Other,
}

/// A tab's own number; what is closed and opened again has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TabId(pub(crate) u32);

/// One tab of the editor area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tab {
    pub(crate) id: TabId,
    shows: Shows,
}

/// What a tab shows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shows {
    File {
        path: WorkspacePath,
        content: Content,
    },
    /// A terminal that was moved here from the panel.
    Terminal(TerminalId),
}

impl Tab {
    /// A file that the host is asked for.
    pub(crate) const fn file(id: TabId, path: WorkspacePath) -> Self {
        Self { id, shows: Shows::File { path, content: Content::Opening } }
    }

    /// A terminal.
    pub(crate) const fn of_terminal(id: TabId, terminal: TerminalId) -> Self {
        Self { id, shows: Shows::Terminal(terminal) }
    }

    /// The file's path, if it shows a file.
    pub(crate) const fn path(&self) -> Option<&WorkspacePath> {
        match &self.shows {
            Shows::File { path, .. } => Some(path),
            Shows::Terminal(_) => None,
        }
    }

    /// The file's content, if it shows a file.
    pub(crate) const fn content(&self) -> Option<&Content> {
        match &self.shows {
            Shows::File { content, .. } => Some(content),
            Shows::Terminal(_) => None,
        }
    }

    /// The text, if it shows one.
    pub(crate) const fn document(&self) -> Option<DocumentId> {
        match self.content() {
            Some(Content::Text(document)) => Some(*document),
            _ => None,
        }
    }

    /// The terminal, if it shows one.
    pub(crate) const fn terminal(&self) -> Option<TerminalId> {
        match self.shows {
            Shows::Terminal(terminal) => Some(terminal),
            Shows::File { .. } => None,
        }
    }

    /// Has other content from now on, if it shows a file.
    pub(crate) fn set_content(&mut self, now: Content) {
        if let Shows::File { content, .. } = &mut self.shows {
            *content = now;
        }
    }

    /// Its file has another path from now on, if it shows a file.
    pub(crate) fn set_path(&mut self, now: WorkspacePath) {
        if let Shows::File { path, .. } = &mut self.shows {
            *path = now;
        }
    }
}

/// What a tab shows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The host was asked.
    Opening,
    /// A text, in an editor.
    Text(DocumentId),
    /// An image that is on its way.
    ImageLoading { received: u64, total: u64 },
    /// An image.
    Image(Arc<Image>),
    /// Neither, and why.
    Notice(Fault),
}

/// An image that arrived whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// A `blob:` address.
    pub(crate) address: String,
    pub(crate) bytes: u64,
}

impl Drop for Image {
    fn drop(&mut self) {
        // The browser keeps the bytes until the address is given back.
        let _ = web_sys::Url::revoke_object_url(&self.address);
    }
}

/// An open text and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) document: DocumentId,
    pub(crate) end_of_line: EndOfLine,
    pub(crate) encoding: Encoding,
    pub(crate) reading: Reading,
    /// Whether anybody but the host may type in it.
    pub(crate) protection: Protection,
    pub(crate) sync: SyncState,
    /// Who asked for the file to be saved as it is now.
    pub(crate) saved_by: Option<ParticipantId>,
    /// Whether something typed here is known to nobody else.
    pub(crate) unsent: Unsent,
}

/// Whether a file is of those that only the host edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    Open,
    Protected,
    /// Nobody writes it: the text is not all of the file.
    Marks,
}

/// Whether something was typed that the host has not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    Nothing,
    Something,
}

/// Somebody who waits in the lobby.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Knock {
    pub(crate) participant: ParticipantId,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) words: String,
}

/// A text that holds what was typed here and did not reach the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Salvage {
    pub(crate) path: WorkspacePath,
    pub(crate) text: String,
    /// The shared folder, if it is of another session.
    pub(crate) elsewhere: Option<String>,
    /// Under which key the browser keeps it.
    pub(crate) key: Option<String>,
}

/// A short message in the corner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toast {
    pub(crate) id: u32,
    pub(crate) tone: Tone,
    pub(crate) text: String,
    pub(crate) action: Option<ToastAction>,
}

/// How urgent a toast is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Info,
    Warning,
    Error,
}

/// What a toast offers to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToastAction {
    /// Show what could not be sent.
    ShowSalvage,
    /// Bring back what another program took.
    BringBack { document: DocumentId, offer: u32 },
}
