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
    Reading,
};
pub use packed::Packed;
pub use presence::{Activity, PresenceToGuest, PresenceToHost};
pub use session::{
    InviteInfo, JoinRequest, LeaveReason, Participant, Resume, ResumeLink, SessionInfo, SessionToGuest,
    SessionToHost, Welcome,
};
pub use terminal::{History, TerminalInfo, TerminalState, TerminalToGuest, TerminalToHost, Typing};
pub use workspace::{Entry, EntryKind, NewEntry, WorkspaceToGuest, WorkspaceToHost};

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
                | DocumentToHost::Diverged { .. },
            )
            | Self::Presence(_) => None,
        }
    }
}

impl ToGuest {
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
