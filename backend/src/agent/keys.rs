//! A session's keys: whose it is, with whom guests talk, and which invites stand.

use parlor_shared::id::SessionId;
use parlor_shared::invite::{Invite, InviteId, InviteSecret, PreSharedKey};
use parlor_shared::role::Role;
use parlor_shared::seal::{Identity, SealError};
use zeroize::Zeroizing;

use super::state::KeptKeys;

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
pub(super) struct SessionKeys {
    /// The session's name, which the owner's key certifies.
    pub(super) session: SessionId,
    /// The seed of the key that owns the session.
    owner_seed: Zeroizing<[u8; 32]>,
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
        let mut owner_seed = Zeroizing::new([0; 32]);
        getrandom::fill(owner_seed.as_mut()).map_err(|_| SealError::Randomness)?;
        let secrets = roles
            .iter()
            .map(|role| InviteSecret::generate(*role).map(|secret| (*role, secret)))
            .collect::<Result<_, _>>()
            .map_err(|_| SealError::Randomness)?;
        Ok(Self::new(owner_seed, Identity::generate()?, secrets))
    }

    /// The keys of a session that ended suddenly, and for roles that it had no invite for, new ones.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub(super) fn restore(kept: &KeptKeys, roles: &[Role]) -> Result<Self, SealError> {
        let secrets = roles
            .iter()
            .map(|role| {
                let secret = kept.secrets.iter().find(|(kept, _)| kept == role);
                let secret = secret.map(|(role, bytes)| Ok(InviteSecret::with_role(*bytes, *role)));
                let secret = secret.unwrap_or_else(|| InviteSecret::generate(*role));
                secret.map(|secret| (*role, secret)).map_err(|_| SealError::Randomness)
            })
            .collect::<Result<_, SealError>>()?;
        Ok(Self::new(Zeroizing::new(kept.owner_seed), Identity::from_private(&kept.identity), secrets))
    }

    fn new(owner_seed: Zeroizing<[u8; 32]>, identity: Identity, secrets: Vec<(Role, InviteSecret)>) -> Self {
        let owner = ed25519_dalek::SigningKey::from_bytes(&owner_seed);
        let session = SessionId::of_owner(owner.verifying_key().as_bytes());
        let invites = secrets
            .into_iter()
            .map(|(role, secret)| {
                let key = secret.pre_shared_key(session, role);
                StandingInvite { id: secret.id(), secret, role, key }
            })
            .collect();
        Self { session, owner_seed, identity, invites }
    }

    /// What is to be kept so that the session can be the same after a restart.
    pub(super) fn to_keep(&self, port: u16) -> KeptKeys {
        let secrets = self.invites.iter().map(|invite| (invite.role, *invite.secret.as_bytes())).collect();
        KeptKeys { owner_seed: *self.owner_seed, identity: *self.identity.private(), secrets, port }
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

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SessionKeys").field("session", &self.session).finish_non_exhaustive()
    }
}
