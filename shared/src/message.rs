//! The plaintext vocabulary, named by receiver. Enums are append-only: a number on the wire never changes its meaning.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::RequestId;
use crate::lane::Lane;

pub mod document;
pub mod packed;
pub mod presence;
pub mod session;
pub mod terminal;
pub mod workspace;

pub use document::{
    DocumentInfo, DocumentStatus, DocumentToGuest, DocumentToHost, Encoding, EndOfLine, KnownDocument,
    Reading, RemovedBy,
};
pub use packed::Packed;
pub use presence::{Activity, PresenceToGuest, PresenceToHost};
pub use session::{
    InviteInfo, JoinRequest, LeaveReason, Participant, Resume, ResumeLink, SessionInfo, SessionToGuest,
    SessionToHost, Welcome,
};
pub use terminal::{History, TerminalInfo, TerminalState, TerminalToGuest, TerminalToHost, Typing};
pub use workspace::{Entry, EntryKind, NewEntry, WorkspaceToGuest, WorkspaceToHost};

/// Resets a terminal and says why nothing is on it.
const UNSHOWABLE: &str = "\x1bcThis screen is too large to be sent.\r\n";

/// Everything that a participant says to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHost {
    /// Participants, roles, invites, the end.
    Session(SessionToHost),
    /// The text of open files.
    Document(DocumentToHost),
    /// Where I am.
    Presence(PresenceToHost),
    /// Folders and files.
    Workspace(WorkspaceToHost),
    /// Shared terminals.
    Terminal(TerminalToHost),
}

/// Everything that the host says to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGuest {
    /// Participants, roles, invites, the end.
    Session(SessionToGuest),
    /// The text of open files.
    Document(DocumentToGuest),
    /// Where the others are.
    Presence(PresenceToGuest),
    /// Folders and files.
    Workspace(WorkspaceToGuest),
    /// Something was refused or failed: the request, or without one the last message of its kind.
    Fault {
        /// The request that failed, if it was one.
        request: Option<RequestId>,
        /// Why.
        fault: Fault,
    },
    /// Shared terminals.
    Terminal(TerminalToGuest),
}

impl ToHost {
    /// The lane that carries this message.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Session(_) => Lane::Control,
            Self::Document(_) => Lane::Document,
            Self::Presence(_) => Lane::Presence,
            Self::Workspace(_) => Lane::Workspace,
            Self::Terminal(message) => match message {
                TerminalToHost::Input { .. } | TerminalToHost::Resize { .. } => Lane::Terminal,
                TerminalToHost::Subscribe
                | TerminalToHost::Open { .. }
                | TerminalToHost::Unshare { .. }
                | TerminalToHost::Restart { .. }
                | TerminalToHost::SetAccess { .. }
                | TerminalToHost::SetTyping { .. }
                | TerminalToHost::SetSizePolicy { .. }
                | TerminalToHost::AskToType { .. }
                | TerminalToHost::Watch { .. }
                | TerminalToHost::Unwatch { .. } => Lane::Control,
            },
        }
    }
}

impl ToHost {
    /// The request that is to be answered, if it is one; documents answer in their own way.
    pub const fn request(&self) -> Option<RequestId> {
        match self {
            Self::Workspace(
                WorkspaceToHost::Watch { request, .. }
                | WorkspaceToHost::Create { request, .. }
                | WorkspaceToHost::Rename { request, .. }
                | WorkspaceToHost::Delete { request, .. }
                | WorkspaceToHost::Read { request, .. },
            )
            | Self::Session(
                SessionToHost::SetRole { request, .. }
                | SessionToHost::Remove { request, .. }
                | SessionToHost::Admit { request, .. }
                | SessionToHost::Deny { request, .. }
                | SessionToHost::SetGrant { request, .. },
            )
            | Self::Terminal(
                TerminalToHost::Open { request, .. }
                | TerminalToHost::Unshare { request, .. }
                | TerminalToHost::Restart { request, .. }
                | TerminalToHost::SetAccess { request, .. }
                | TerminalToHost::SetTyping { request, .. }
                | TerminalToHost::SetSizePolicy { request, .. },
            )
            | Self::Document(
                DocumentToHost::Reopen { request, .. } | DocumentToHost::SaveWith { request, .. },
            ) => Some(*request),
            Self::Workspace(WorkspaceToHost::Unwatch { .. } | WorkspaceToHost::Cancel { .. })
            | Self::Session(SessionToHost::Leave | SessionToHost::SetName { .. } | SessionToHost::End)
            | Self::Terminal(
                TerminalToHost::Subscribe
                | TerminalToHost::AskToType { .. }
                | TerminalToHost::Watch { .. }
                | TerminalToHost::Unwatch { .. }
                | TerminalToHost::Input { .. }
                | TerminalToHost::Resize { .. },
            )
            | Self::Document(
                DocumentToHost::Open { .. }
                | DocumentToHost::Update { .. }
                | DocumentToHost::Sync { .. }
                | DocumentToHost::Save { .. }
                | DocumentToHost::Close { .. }
                | DocumentToHost::Verify { .. }
                | DocumentToHost::Diverged { .. }
                | DocumentToHost::BringBack { .. },
            )
            | Self::Presence(_) => None,
        }
    }
}

impl ToGuest {
    /// What is said in the place of this message if it is larger than the link takes. Each kind has an answer that leaves
    /// its receiver with something that is true and with nothing to wait for; all of them are short.
    #[must_use]
    pub fn instead(&self, fault: Fault) -> Self {
        match self {
            Self::Document(message) => match message {
                // It asks for all that it lacks.
                DocumentToGuest::Update { document, .. } => {
                    Self::Document(DocumentToGuest::Resync { document: *document })
                }
                // There is no way to have this text: it is no longer open here.
                DocumentToGuest::State { document, .. } | DocumentToGuest::Renewed { document, .. } => {
                    let (document, fault) = (*document, Some(fault));
                    Self::Document(DocumentToGuest::Closed { document, fault })
                }
                DocumentToGuest::Opened { request, .. } => Self::Fault { request: Some(*request), fault },
                DocumentToGuest::Acknowledged { .. }
                | DocumentToGuest::Refused { .. }
                | DocumentToGuest::Resync { .. }
                | DocumentToGuest::Status { .. }
                | DocumentToGuest::Moved { .. }
                | DocumentToGuest::Closed { .. }
                | DocumentToGuest::Digest { .. }
                | DocumentToGuest::Removed { .. }
                | DocumentToGuest::OfferOver { .. }
                | DocumentToGuest::Format { .. } => Self::Fault { request: None, fault },
            },
            Self::Terminal(message) => match message {
                // A screen with a sentence on it is a screen: what is written next goes on from there.
                TerminalToGuest::Keyframe { terminal, offset, size, history, .. } => {
                    let bytes = Packed::new(UNSHOWABLE.as_bytes().to_vec());
                    let (terminal, offset, size, history) = (*terminal, *offset, *size, *history);
                    Self::Terminal(TerminalToGuest::Keyframe { terminal, offset, size, history, bytes })
                }
                TerminalToGuest::Opened { request, .. } | TerminalToGuest::Done { request } => {
                    Self::Fault { request: Some(*request), fault }
                }
                // Of what a program writes, the next has an offset that tells of the gap: its receiver asks for the screen.
                TerminalToGuest::Output { .. }
                | TerminalToGuest::Is(_)
                | TerminalToGuest::Over { .. }
                | TerminalToGuest::Taken { .. }
                | TerminalToGuest::Since { .. }
                | TerminalToGuest::There { .. }
                | TerminalToGuest::Refused { .. } => Self::Fault { request: None, fault },
            },
            Self::Workspace(message) => match message {
                WorkspaceToGuest::Listing { request, .. } => Self::Fault { request: *request, fault },
                WorkspaceToGuest::Done { request } | WorkspaceToGuest::Chunk { request, .. } => {
                    Self::Fault { request: Some(*request), fault }
                }
                WorkspaceToGuest::Changes { .. } | WorkspaceToGuest::FolderGone { .. } => {
                    Self::Fault { request: None, fault }
                }
            },
            Self::Fault { request, .. } => Self::Fault { request: *request, fault },
            Self::Session(SessionToGuest::Done { request }) => Self::Fault { request: Some(*request), fault },
            Self::Session(_) | Self::Presence(_) => Self::Fault { request: None, fault },
        }
    }

    /// The lane that carries this message.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Session(_) | Self::Fault { .. } => Lane::Control,
            Self::Document(_) => Lane::Document,
            Self::Presence(_) => Lane::Presence,
            Self::Workspace(WorkspaceToGuest::Chunk { .. }) => Lane::File,
            Self::Workspace(_) => Lane::Workspace,
            Self::Terminal(message) => match message {
                TerminalToGuest::Is(_) | TerminalToGuest::Over { .. } | TerminalToGuest::Taken { .. } => {
                    Lane::Presence
                }
                TerminalToGuest::Since { .. }
                | TerminalToGuest::There { .. }
                | TerminalToGuest::Opened { .. }
                | TerminalToGuest::Done { .. }
                | TerminalToGuest::Refused { .. } => Lane::Control,
                TerminalToGuest::Keyframe { .. } | TerminalToGuest::Output { .. } => Lane::Terminal,
            },
        }
    }
}
