//! Participants, roles, invites and the end of a session.

use serde::{Deserialize, Serialize};

use crate::id::{AuthorId, LinkId, ParticipantId, RequestId};
use crate::role::{Capability, Grant, Role};

/// The payload of the last handshake message: who knocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The name the person typed; the host cleans it.
    pub name: String,
    /// What program this is, for the host's list: `web` or `native`.
    pub client: String,
    /// Who this was before its connection broke. Honoured only for the same identity key.
    pub resume: Option<Resume>,
}

/// Somebody comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Who it was.
    pub participant: ParticipantId,
    /// The link that it still has, if it has one. The host answers with [`crate::link::Opening`].
    pub link: Option<ResumeLink>,
}

/// A link that outlived its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeLink {
    /// Which.
    pub link: LinkId,
    /// The last frame that came over it.
    pub received: u64,
}

/// One who is in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Its id in this session.
    pub id: ParticipantId,
    /// Its name, cleaned, and different from every other present one.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Which of the eight people's colours and shapes it has, 0 to 7.
    pub color: u8,
    /// What its insertions in documents are signed with.
    pub author: AuthorId,
}

/// What a session is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The shared folder's name.
    pub workspace: String,
    /// The name of the person who shares.
    pub host: String,
}

/// First message to one who was admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The receiver itself.
    pub me: Participant,
    /// What this session is.
    pub session: SessionInfo,
    /// Everybody present, the receiver included, in the order of joining.
    pub participants: Vec<Participant>,
}

/// An invite as the host's own page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteInfo {
    /// What it grants.
    pub role: Role,
    /// The whole link. Only ever sent to participants with the host's role.
    pub link: String,
}

/// Why somebody is no longer here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaveReason {
    /// Left, or closed the page.
    Left,
    /// The connection was lost.
    Lost,
    /// The host removed it.
    Removed,
}

/// About the session, to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionToHost {
    /// I leave.
    Leave,
    /// Call me this.
    SetName {
        /// As typed.
        name: String,
    },
    /// Give somebody another role.
    SetRole {
        /// Carried back by the answer.
        request: RequestId,
        /// Who.
        participant: ParticipantId,
        /// The new role; never [`Role::Host`].
        role: Role,
    },
    /// Send somebody out; the same browser does not come back in.
    Remove {
        /// Carried back by the answer.
        request: RequestId,
        /// Who.
        participant: ParticipantId,
    },
    /// Let a waiting joiner in.
    Admit {
        /// Carried back by the answer.
        request: RequestId,
        /// Who.
        participant: ParticipantId,
    },
    /// Send a waiting joiner away.
    Deny {
        /// Carried back by the answer.
        request: RequestId,
        /// Who.
        participant: ParticipantId,
    },
    /// End the session for everybody.
    End,
    /// Give somebody a capability that its role does not have, or take it back. It ends with the role that takes it: see
    /// [`Role::may_be_granted`].
    SetGrant {
        /// Carried back by the answer.
        request: RequestId,
        /// Who.
        participant: ParticipantId,
        /// What.
        capability: Capability,
        /// Given or taken.
        grant: Grant,
    },
}

/// About the session, to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionToGuest {
    /// You wait in the lobby until the host admits you.
    Waiting,
    /// You are in.
    Welcome(Box<Welcome>),
    /// Somebody came.
    Joined(Participant),
    /// Somebody went.
    Left {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// Somebody, perhaps you, has another name or role now.
    Changed(Participant),
    /// The request was carried out.
    Done {
        /// Which.
        request: RequestId,
    },
    /// To the host: somebody waits in the lobby.
    Knock {
        /// Who; to be admitted or denied.
        participant: ParticipantId,
        /// The name it gave, cleaned.
        name: String,
        /// The role its invite grants.
        role: Role,
        /// Six words that its page shows too, if nobody stands between.
        words: String,
    },
    /// To the host: nobody waits under this id any more.
    KnockOver {
        /// Who.
        participant: ParticipantId,
    },
    /// To the host: the links to send.
    Invites(Vec<InviteInfo>),
    /// The session is over; files are saved.
    Ended,
    /// You were removed.
    Removed,
    /// These participants, perhaps you among them, and no others have a capability that their roles do not have. The
    /// latest counts; before the first one nobody has. It comes before the messages that introduce who is in it.
    Granted {
        /// What.
        capability: Capability,
        /// Who.
        participants: Vec<ParticipantId>,
    },
}
