//! A session's keys: whose it is, with whom guests talk, and which invites stand.

use parlor_shared::id::SessionId;
use parlor_shared::invite::{Invite, InviteId, InviteSecret, PreSharedKey};
use parlor_shared::role::Role;
use parlor_shared::seal::{Identity, SealError};
use zeroize::Zeroizing;

/// An invite that stands.
#[derive(Debug)]
pub(super) struct StandingInvite {
    id: InviteId,
    secret: InviteSecret,
    /// What it grants.
    pub(super) role: Role,
    /// The handshake's key.
    pub(super) key: PreSharedKey,
}

/// The keys of one session.
#[derive(Debug)]
pub(super) struct SessionKeys {
    /// The session's name, which the owner's key certifies.
    pub(super) session: SessionId,
    /// The host's static key.
    pub(super) identity: Identity,
    invites: Vec<StandingInvite>,
}

impl SessionKeys {
    /// New keys, with one invite for each role.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub(super) fn generate(roles: &[Role]) -> Result<Self, SealError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| SealError::Randomness)?;
        let owner = ed25519_dalek::SigningKey::from_bytes(&seed);
        let session = SessionId::of_owner(owner.verifying_key().as_bytes());
        let invites = roles
            .iter()
            .map(|role| {
                let secret = InviteSecret::generate(*role).map_err(|_| SealError::Randomness)?;
                let key = secret.pre_shared_key(session, *role);
                Ok(StandingInvite { id: secret.id(), secret, role: *role, key })
            })
            .collect::<Result<_, SealError>>()?;
        Ok(Self { session, identity: Identity::generate()?, invites })
    }

    /// The invite with this id, if it stands.
    pub(super) fn invite(&self, id: InviteId) -> Option<&StandingInvite> {
        self.invites.iter().find(|invite| invite.id == id)
    }

    /// The links, for a page served at this origin.
    pub(super) fn links(&self, origin: &str) -> Vec<(Role, Invite)> {
        self.invites
            .iter()
            .map(|invite| {
                let link = Invite {
                    origin: origin.to_owned(),
                    session: self.session,
                    host_key: *self.identity.public(),
                    secret: invite.secret.clone(),
                };
                (invite.role, link)
            })
            .collect()
    }
}
