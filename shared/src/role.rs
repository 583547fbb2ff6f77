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
    /// Share terminals and ports.
    Share,
    /// Admit, remove, give roles, end the session.
    Administer,
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Host];

    /// Whether this role has a capability, unless the host decides otherwise for one participant.
    pub const fn allows(self, capability: Capability) -> bool {
        match self {
            Self::Viewer => false,
            Self::Editor => match capability {
                Capability::Edit
                | Capability::Save
                | Capability::ManageFiles
                | Capability::TerminalWrite
                | Capability::DebugControl => true,
                Capability::Share | Capability::Administer => false,
            },
            Self::Host => true,
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
            | SessionToHost::End => Some(Capability::Administer),
        },
        ToHost::Document(message) => match message {
            DocumentToHost::Open { .. }
            | DocumentToHost::Sync { .. }
            | DocumentToHost::Close { .. }
            | DocumentToHost::Verify { .. }
            | DocumentToHost::Diverged { .. } => None,
            DocumentToHost::Update { .. } => Some(Capability::Edit),
            DocumentToHost::Save { .. } => Some(Capability::Save),
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
            TerminalToHost::Open { .. }
            | TerminalToHost::Unshare { .. }
            | TerminalToHost::Restart { .. }
            | TerminalToHost::SetAccess { .. }
            | TerminalToHost::SetTyping { .. }
            | TerminalToHost::SetSizePolicy { .. } => Some(Capability::Share),
        },
    }
}

/// Decides whether a participant with this role may say this. The host agent asks before every effect; the browser
/// asks only to grey out what would be refused.
///
/// # Errors
/// [`FaultCode::NotAllowed`] with the missing capability's name.
pub fn authorize(role: Role, message: &ToHost) -> Result<(), Fault> {
    match required_capability(message) {
        Some(capability) if !role.allows(capability) => {
            Err(Fault::new(FaultCode::NotAllowed).with(format_args!("{capability:?}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DocumentId, ParticipantId, RequestId, TerminalId};
    use crate::message::{History, NewEntry, PresenceToHost, Typing};
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
                ToHost::Document(DocumentToHost::Update { .. } | DocumentToHost::Save { .. })
                    | ToHost::Workspace(
                        WorkspaceToHost::Create { .. }
                            | WorkspaceToHost::Rename { .. }
                            | WorkspaceToHost::Delete { .. }
                    )
                    | ToHost::Session(
                        SessionToHost::SetRole { .. }
                            | SessionToHost::Remove { .. }
                            | SessionToHost::Admit { .. }
                            | SessionToHost::Deny { .. }
                            | SessionToHost::End
                    )
                    | ToHost::Terminal(
                        TerminalToHost::Open { .. }
                            | TerminalToHost::Unshare { .. }
                            | TerminalToHost::Restart { .. }
                            | TerminalToHost::SetAccess { .. }
                            | TerminalToHost::SetTyping { .. }
                            | TerminalToHost::SetSizePolicy { .. }
                    )
            );
            assert_eq!(authorize(Role::Viewer, &message).is_err(), changes, "{message:?}");
        }
    }

    #[test]
    fn an_editor_edits_but_neither_administers_nor_shares() {
        for message in one_of_each() {
            let decides =
                matches!(required_capability(&message), Some(Capability::Administer | Capability::Share));
            assert_eq!(authorize(Role::Editor, &message).is_err(), decides, "{message:?}");
        }
    }

    #[test]
    fn the_host_may_do_everything() {
        assert!(one_of_each().iter().all(|message| authorize(Role::Host, message).is_ok()));
    }

    #[test]
    fn the_refusal_names_what_is_missing() {
        let refusal =
            authorize(Role::Viewer, &ToHost::Document(DocumentToHost::Save { document: DocumentId(1) }));
        assert_eq!(refusal, Err(Fault::new(FaultCode::NotAllowed).with("Save")));
    }
}
