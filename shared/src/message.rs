//! The plaintext vocabulary, named by receiver. Enums are append-only: a number on the wire never changes its meaning.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::RequestId;
use crate::lane::Lane;

pub mod document;
pub mod packed;
pub mod presence;
pub mod session;
pub mod workspace;

pub use document::{
    DocumentInfo, DocumentStatus, DocumentToGuest, DocumentToHost, Encoding, EndOfLine, KnownDocument,
};
pub use packed::Packed;
pub use presence::{Activity, PresenceToGuest, PresenceToHost};
pub use session::{
    InviteInfo, JoinRequest, LeaveReason, Participant, Resume, ResumeLink, SessionInfo, SessionToGuest,
    SessionToHost, Welcome,
};
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
}

impl ToHost {
    /// The lane that carries this message.
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Session(_) => Lane::Control,
            Self::Document(_) => Lane::Document,
            Self::Presence(_) => Lane::Presence,
            Self::Workspace(_) => Lane::Workspace,
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
        }
    }
}
