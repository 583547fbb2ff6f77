//! Who may do what: roles, capabilities, and the one place that maps messages to them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::message::{DocumentToHost, SessionToHost, TerminalToHost, ToHost, WorkspaceToHost};

/// What a participant is in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Edits files and the tree.
    Editor,
    /// Everything, and decides about the others.
    Host,
}

/// One thing that a participant may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Capability {
    /// Type in documents.
    Edit,
    /// Ask for a checkpoint.
    Save,
    /// Create, rename and delete files and folders.
    ManageFiles,
    /// Type in shared terminals.
    TerminalWrite,
    /// Start, step and stop the debugger.
    DebugControl,
    /// Decide about shared terminals, and share ports.
    Share,
    /// Admit, remove, give roles, end the session.
    Administer,
    /// Open a shared terminal: the host's own, and whoever is granted it.
    OpenTerminal,
}

impl Capability {
    /// All capabilities, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Edit,
        Self::Save,
        Self::ManageFiles,
        Self::TerminalWrite,
        Self::DebugControl,
        Self::Share,
        Self::Administer,
        Self::OpenTerminal,
    ];
}

/// What becomes of a capability that a role does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Grant {
    /// The participant has it from now on.
    Given,
    /// It has it no more.
    Taken,
}

/// The capabilities that the host gave one participant beside its role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants(u16);

impl Grants {
    /// None: what everybody has who was given nothing.
    pub const NONE: Self = Self(0);

    /// These, and this one given or taken.
    #[must_use]
    pub const fn with(self, capability: Capability, grant: Grant) -> Self {
        let bit = 1 << capability as u16;
        match grant {
            Grant::Given => Self(self.0 | bit),
            Grant::Taken => Self(self.0 & !bit),
        }
    }

    /// Whether this one was given.
    pub const fn holds(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u16) != 0
    }
}

/// What one participant may do: by its role, and by what the host granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Its role.
    pub role: Role,
    /// What it was given beside; counts only as far as the role takes it.
    pub grants: Grants,
}

impl Rights {
    /// Whether it may do this.
    pub const fn allows(self, capability: Capability) -> bool {
        self.role.allows(capability)
            || (self.role.may_be_granted(capability) && self.grants.holds(capability))
    }
}

impl From<Role> for Rights {
    fn from(role: Role) -> Self {
        Self { role, grants: Grants::NONE }
    }
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Host];

    /// Whether this role has a capability, whatever is granted beside it.
    pub const fn allows(self, capability: Capability) -> bool {
        match self {
            Self::Viewer => false,
            Self::Editor => match capability {
                Capability::Edit
                | Capability::Save
                | Capability::ManageFiles
                | Capability::TerminalWrite
                | Capability::DebugControl => true,
                Capability::Share | Capability::Administer | Capability::OpenTerminal => false,
            },
            Self::Host => true,
        }
    }

    /// Whether the host may give this to one participant of the role. Not to a viewer, who never changes anything: in
    /// a terminal one does whatever the host can.
    pub const fn may_be_granted(self, capability: Capability) -> bool {
        match (self, capability) {
            (Self::Editor, Capability::OpenTerminal) => true,
            (
                Self::Editor,
                Capability::Edit
                | Capability::Save
                | Capability::ManageFiles
                | Capability::TerminalWrite
                | Capability::DebugControl
                | Capability::Share
                | Capability::Administer,
            )
            | (Self::Viewer | Self::Host, _) => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Host => "host",
        })
    }
}

/// What a message needs. `None` means that everybody who was admitted may say it.
pub const fn required_capability(message: &ToHost) -> Option<Capability> {
    match message {
        ToHost::Session(message) => match message {
            SessionToHost::Leave | SessionToHost::SetName { .. } => None,
            SessionToHost::SetRole { .. }
            | SessionToHost::Remove { .. }
            | SessionToHost::Admit { .. }
            | SessionToHost::Deny { .. }
            | SessionToHost::End
            | SessionToHost::SetGrant { .. } => Some(Capability::Administer),
        },
        ToHost::Document(message) => match message {
            DocumentToHost::Open { .. }
            | DocumentToHost::Sync { .. }
            | DocumentToHost::Close { .. }
            | DocumentToHost::Verify { .. }
            | DocumentToHost::Diverged { .. } => None,
            // Reading the file anew changes everybody's text.
            DocumentToHost::Update { .. }
            | DocumentToHost::BringBack { .. }
            | DocumentToHost::Reopen { .. } => Some(Capability::Edit),
            DocumentToHost::Save { .. } | DocumentToHost::SaveWith { .. } => Some(Capability::Save),
        },
        ToHost::Presence(_) => None,
        ToHost::Workspace(message) => match message {
            WorkspaceToHost::Watch { .. }
            | WorkspaceToHost::Unwatch { .. }
            | WorkspaceToHost::Read { .. }
            | WorkspaceToHost::Cancel { .. } => None,
            WorkspaceToHost::Create { .. }
            | WorkspaceToHost::Rename { .. }
            | WorkspaceToHost::Delete { .. } => Some(Capability::ManageFiles),
        },
        ToHost::Terminal(message) => match message {
            // Who may type depends on the terminal: see [`crate::terminal::may_type`].
            TerminalToHost::Subscribe
            | TerminalToHost::AskToType { .. }
            | TerminalToHost::Watch { .. }
            | TerminalToHost::Unwatch { .. }
            | TerminalToHost::Input { .. }
            | TerminalToHost::Resize { .. } => None,
            TerminalToHost::Open { .. } => Some(Capability::OpenTerminal),
            TerminalToHost::Unshare { .. }
            | TerminalToHost::Restart { .. }
            | TerminalToHost::SetAccess { .. }
            | TerminalToHost::SetTyping { .. }
            | TerminalToHost::SetSizePolicy { .. } => Some(Capability::Share),
        },
    }
}

/// Decides whether a participant with these rights may say this. The host agent asks before every effect; the browser
/// asks only to grey out what would be refused.
///
/// # Errors
/// [`FaultCode::NotAllowed`] with the missing capability's name.
pub fn authorize(rights: Rights, message: &ToHost) -> Result<(), Fault> {
    match required_capability(message) {
        Some(capability) if !rights.allows(capability) => {
            Err(Fault::new(FaultCode::NotAllowed).with(format_args!("{capability:?}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DocumentId, ParticipantId, RequestId, TerminalId};
    use crate::message::{Encoding, History, NewEntry, PresenceToHost, Typing};
    use crate::path::WorkspacePath;
    use crate::presence::Presence;
    use crate::terminal::{Access, SizePolicy, TerminalSize};

    /// One of each message, so that a new one is noticed here.
    fn one_of_each() -> Vec<ToHost> {
        let request = RequestId(1);
        let participant = ParticipantId(1);
        let document = DocumentId(1);
        let path = WorkspacePath::root();
        let terminal = TerminalId(1);
        let size = TerminalSize::USUAL;
        vec![
            ToHost::Session(SessionToHost::Leave),
            ToHost::Session(SessionToHost::SetName { name: String::new() }),
            ToHost::Session(SessionToHost::SetRole { request, participant, role: Role::Viewer }),
            ToHost::Session(SessionToHost::Remove { request, participant }),
            ToHost::Session(SessionToHost::Admit { request, participant }),
            ToHost::Session(SessionToHost::Deny { request, participant }),
            ToHost::Session(SessionToHost::End),
            ToHost::Session(SessionToHost::SetGrant {
                request,
                participant,
                capability: Capability::OpenTerminal,
                grant: Grant::Given,
            }),
            ToHost::Document(DocumentToHost::Open { request, path: path.clone(), known: None }),
            ToHost::Document(DocumentToHost::Update {
                document,
                epoch: 0,
                sequence: 1,
                update: crate::message::Packed::new(vec![]),
            }),
            ToHost::Document(DocumentToHost::Sync { document, epoch: 0, state_vector: vec![] }),
            ToHost::Document(DocumentToHost::Save { document }),
            ToHost::Document(DocumentToHost::Close { document }),
            ToHost::Document(DocumentToHost::Verify { document }),
            ToHost::Document(DocumentToHost::Diverged { document, host: [0; 8], mine: [1; 8] }),
            ToHost::Document(DocumentToHost::BringBack { document, offer: 1 }),
            ToHost::Document(DocumentToHost::Reopen { request, document, encoding: Encoding::Gbk }),
            ToHost::Document(DocumentToHost::SaveWith { request, document, encoding: Encoding::Gbk }),
            ToHost::Presence(PresenceToHost::At(Presence::default())),
            ToHost::Workspace(WorkspaceToHost::Watch { request, folder: path.clone() }),
            ToHost::Workspace(WorkspaceToHost::Unwatch { folder: path.clone() }),
            ToHost::Workspace(WorkspaceToHost::Create { request, path: path.clone(), entry: NewEntry::File }),
            ToHost::Workspace(WorkspaceToHost::Rename { request, from: path.clone(), to: path.clone() }),
            ToHost::Workspace(WorkspaceToHost::Delete { request, path: path.clone() }),
            ToHost::Workspace(WorkspaceToHost::Read { request, path }),
            ToHost::Workspace(WorkspaceToHost::Cancel { request }),
            ToHost::Terminal(TerminalToHost::Subscribe),
            ToHost::Terminal(TerminalToHost::Open {
                request,
                name: None,
                command: None,
                size,
                access: Access::ReadOnly,
            }),
            ToHost::Terminal(TerminalToHost::Unshare { request, terminal }),
            ToHost::Terminal(TerminalToHost::Restart { request, terminal }),
            ToHost::Terminal(TerminalToHost::SetAccess { request, terminal, access: Access::ReadOnly }),
            ToHost::Terminal(TerminalToHost::SetTyping {
                request,
                terminal,
                participant,
                typing: Typing::Allowed,
            }),
            ToHost::Terminal(TerminalToHost::SetSizePolicy { request, terminal, policy: SizePolicy::Host }),
            ToHost::Terminal(TerminalToHost::AskToType { terminal }),
            ToHost::Terminal(TerminalToHost::Watch { terminal, history: History::Kept }),
            ToHost::Terminal(TerminalToHost::Unwatch { terminal }),
            ToHost::Terminal(TerminalToHost::Input { terminal, bytes: vec![] }),
            ToHost::Terminal(TerminalToHost::Resize { terminal, size }),
        ]
    }

    #[test]
    fn a_viewer_changes_nothing() {
        for message in one_of_each() {
            let changes = matches!(
                message,
                ToHost::Document(
                    DocumentToHost::Update { .. }
                        | DocumentToHost::Save { .. }
                        | DocumentToHost::BringBack { .. }
                        | DocumentToHost::Reopen { .. }
                        | DocumentToHost::SaveWith { .. }
                ) | ToHost::Workspace(
                    WorkspaceToHost::Create { .. }
                        | WorkspaceToHost::Rename { .. }
                        | WorkspaceToHost::Delete { .. }
                ) | ToHost::Session(
                    SessionToHost::SetRole { .. }
                        | SessionToHost::Remove { .. }
                        | SessionToHost::Admit { .. }
                        | SessionToHost::Deny { .. }
                        | SessionToHost::End
                        | SessionToHost::SetGrant { .. }
                ) | ToHost::Terminal(
                    TerminalToHost::Open { .. }
                        | TerminalToHost::Unshare { .. }
                        | TerminalToHost::Restart { .. }
                        | TerminalToHost::SetAccess { .. }
                        | TerminalToHost::SetTyping { .. }
                        | TerminalToHost::SetSizePolicy { .. }
                )
            );
            assert_eq!(authorize(Role::Viewer.into(), &message).is_err(), changes, "{message:?}");
        }
    }

    #[test]
    fn an_editor_edits_but_neither_administers_nor_shares() {
        for message in one_of_each() {
            let decides = matches!(
                required_capability(&message),
                Some(Capability::Administer | Capability::Share | Capability::OpenTerminal)
            );
            assert_eq!(authorize(Role::Editor.into(), &message).is_err(), decides, "{message:?}");
        }
    }

    #[test]
    fn the_host_may_do_everything() {
        assert!(one_of_each().iter().all(|message| authorize(Role::Host.into(), message).is_ok()));
    }

    /// Every set of capabilities that could be given, whether or not the host may give it.
    fn every_grants() -> impl Iterator<Item = Grants> {
        (0..1_u32 << Capability::ALL.len()).map(|set| {
            let given = Capability::ALL.iter().enumerate().filter(move |(at, _)| set & (1 << at) != 0);
            given.fold(Grants::NONE, |grants, (_, capability)| grants.with(*capability, Grant::Given))
        })
    }

    #[test]
    fn whatever_is_granted_an_editor_opens_terminals_by_it_and_nothing_else_changes() {
        let mut cases = 0;
        for grants in every_grants() {
            for role in Role::ALL {
                for message in one_of_each() {
                    let opens = matches!(message, ToHost::Terminal(TerminalToHost::Open { .. }));
                    let granted = opens && role == Role::Editor && grants.holds(Capability::OpenTerminal);
                    let by_role = authorize(role.into(), &message);
                    let expected = if granted { Ok(()) } else { by_role };
                    let rights = Rights { role, grants };
                    assert_eq!(authorize(rights, &message), expected, "{rights:?} {message:?}");
                    cases += 1;
                }
            }
        }
        assert!(cases > 20_000, "{cases}");
    }

    #[test]
    fn what_is_given_and_taken_is_that_capability_alone() {
        for grants in every_grants() {
            for capability in Capability::ALL {
                let (given, taken) =
                    (grants.with(capability, Grant::Given), grants.with(capability, Grant::Taken));
                assert!(given.holds(capability) && !taken.holds(capability));
                assert!(Capability::ALL.iter().filter(|other| **other != capability).all(|other| {
                    given.holds(*other) == grants.holds(*other) && taken.holds(*other) == grants.holds(*other)
                }));
            }
        }
    }

    #[test]
    fn the_refusal_names_what_is_missing() {
        let refusal = authorize(
            Role::Viewer.into(),
            &ToHost::Document(DocumentToHost::Save { document: DocumentId(1) }),
        );
        assert_eq!(refusal, Err(Fault::new(FaultCode::NotAllowed).with("Save")));
    }
}
