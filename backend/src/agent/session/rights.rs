//! What the host decided that guests may do: their roles, and what is granted beside them. It holds for a person's key.

use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::ParticipantId;
use parlor_shared::message::SessionToGuest;
use parlor_shared::role::{Capability, Grant, Rights, Role};
use tracing::debug;

use super::{Member, SessionActor};
use crate::agent::state::PersonRecord;

impl SessionActor {
    /// The host's word about a key. With a role that does not take them its grants are gone, also once it is raised again.
    pub(super) fn take_role(&mut self, key: [u8; 32], role: Role) {
        self.roles.insert(key, role);
        if let Some(grants) = self.grants.get_mut(&key) {
            let lost = Capability::ALL.into_iter().filter(|capability| !role.may_be_granted(*capability));
            *grants = lost.fold(*grants, |grants, capability| grants.with(capability, Grant::Taken));
        }
    }

    pub(super) fn take_grant(&mut self, key: [u8; 32], capability: Capability, grant: Grant) {
        let grants = self.grants.entry(key).or_default();
        *grants = grants.with(capability, grant);
    }

    pub(super) fn rights(&self, role: Role, key: &[u8; 32]) -> Rights {
        Rights { role, grants: self.grants.get(key).copied().unwrap_or_default() }
    }

    pub(super) fn set_role(&mut self, id: ParticipantId, role: Role) -> Result<(), Fault> {
        let member = self.members.get(&id).ok_or(FaultCode::UnknownParticipant)?;
        // The host's own rights are the link's; they are neither given nor taken in the room.
        if member.participant.role == Role::Host || role == Role::Host {
            return Err(Fault::new(FaultCode::NotAllowed).with("Administer"));
        }
        let key = member.key;
        self.take_role(key, role);
        let rights = self.rights(role, &key);
        let mut changed = Vec::new();
        for member in self.members.values_mut().filter(|member| member.is_guest_with(&key)) {
            member.participant.role = role;
            member.connection.admit(rights);
            changed.push(SessionToGuest::Changed(member.participant.clone()));
        }
        self.people.keep(&PersonRecord::Role(key, role));
        debug!(participant = %id, %role, "role changed");
        changed.iter().for_each(|changed| self.tell_all(changed));
        self.tell_granted(None);
        Ok(())
    }

    pub(super) fn set_grant(
        &mut self,
        id: ParticipantId,
        capability: Capability,
        grant: Grant,
    ) -> Result<(), Fault> {
        let member = self.members.get(&id).ok_or(FaultCode::UnknownParticipant)?;
        // Where nothing can be given there is nothing to take back either.
        if !member.participant.role.may_be_granted(capability) {
            return Err(Fault::new(FaultCode::NotAllowed).with(format_args!("{capability:?}")));
        }
        let key = member.key;
        self.take_grant(key, capability, grant);
        for member in self.members.values().filter(|member| member.is_guest_with(&key)) {
            member.connection.admit(self.rights(member.participant.role, &key));
        }
        self.people.keep(&PersonRecord::Grant(key, capability, grant));
        debug!(participant = %id, ?capability, ?grant, "grant changed");
        self.tell_granted(None);
        Ok(())
    }

    /// Tells everybody who may open terminals by the host's leave, if that is not what was told last. Counts those who
    /// are away, who come back as they went, and one who is just coming in.
    pub(super) fn tell_granted(&mut self, comes: Option<ParticipantId>) {
        let by_grant = |member: &&Member| member.connection.rights().is_some_and(opens_by_grant);
        let granted = self.members.values().filter(by_grant).map(|member| member.participant.id);
        let granted: Vec<ParticipantId> = granted.chain(comes).collect();
        if granted != self.told_granted {
            self.told_granted = granted;
            self.tell_all(&self.granted());
        }
    }

    pub(super) fn granted(&self) -> SessionToGuest {
        let participants = self.told_granted.clone();
        SessionToGuest::Granted { capability: Capability::OpenTerminal, participants }
    }
}

/// Whether somebody may open terminals, and not by its role.
pub(super) fn opens_by_grant(rights: Rights) -> bool {
    !rights.role.allows(Capability::OpenTerminal) && rights.allows(Capability::OpenTerminal)
}
