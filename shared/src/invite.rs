//! Invites: links that grant a role. The secret stands in the URL's fragment only, which browsers send to nobody.
//!
//! `ORIGIN/s/<sid>#1.<base64url(host X25519 key, 32 bytes ‖ secret, 16 bytes)>`. The two lowest bits of the secret's
//! first byte say which role it grants, so that a guest knows before it knocks (ADR 0002); 126 bits are random.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::fault::{Fault, FaultCode};
use crate::id::SessionId;
use crate::role::Role;

/// The version of the link's layout: the fragment starts with it.
const FRAGMENT_VERSION: &str = "1.";

/// Longest link that is looked at: an origin of 255 characters and what we add, with room.
const MAX_LINK_BYTES: usize = 2048;

const ROLE_BITS: u8 = 0b11;

/// Which invite a guest comes with: derived from its secret, but tells nothing of it. Sent in clear.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InviteId([u8; InviteId::BYTES]);

impl InviteId {
    /// Length in bytes.
    pub const BYTES: usize = 8;

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, as they stand in a greeting.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for InviteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "InviteId({})", URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The pre-shared key of the handshake: wiped after use, never printed.
pub type PreSharedKey = Zeroizing<[u8; 32]>;

/// What a link's holder shares with the host. Wiped after use, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteSecret([u8; InviteSecret::BYTES]);

impl InviteSecret {
    /// Length in bytes.
    pub const BYTES: usize = 16;

    /// A new secret from the operating system's generator.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn generate(role: Role) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; Self::BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self::with_role(bytes, role))
    }

    /// A secret from given bytes; the two role bits are overwritten.
    pub const fn with_role(mut bytes: [u8; Self::BYTES], role: Role) -> Self {
        let bits = match role {
            Role::Viewer => 0,
            Role::Editor => 1,
            Role::Host => 2,
        };
        bytes[0] = bytes[0] & !ROLE_BITS | bits;
        Self(bytes)
    }

    /// The role that this secret grants, if its bits name one.
    pub const fn role(&self) -> Option<Role> {
        match self.0[0] & ROLE_BITS {
            0 => Some(Role::Viewer),
            1 => Some(Role::Editor),
            2 => Some(Role::Host),
            _ => None,
        }
    }

    /// The bytes, to be kept where only the host reads them.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The public id of the invite with this secret.
    pub fn id(&self) -> InviteId {
        let mut id = [0; InviteId::BYTES];
        self.derive(&[b"parlor invite id v1"], &mut id);
        InviteId(id)
    }

    /// The handshake's pre-shared key, bound to session, invite and role.
    pub fn pre_shared_key(&self, session: SessionId, role: Role) -> PreSharedKey {
        let mut key = Zeroizing::new([0; 32]);
        let role = [role as u8];
        self.derive(&[b"parlor psk v1", session.as_bytes(), self.id().as_bytes(), &role], key.as_mut());
        key
    }

    fn derive(&self, info: &[&[u8]], output: &mut [u8]) {
        Hkdf::<Sha256>::new(None, &self.0)
            .expand_multi_info(info, output)
            .expect("HKDF-SHA256 gives up to 8,160 bytes");
    }
}

impl Drop for InviteSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for InviteSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InviteSecret(redacted)")
    }
}

/// A link, taken apart. [`Invite::link`] prints it; `Debug` keeps the secret to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Scheme, host and port of whoever serves the page: `https://parlor.example`.
    pub origin: String,
    /// The session.
    pub session: SessionId,
    /// The host's static X25519 key: the guest talks to nobody else.
    pub host_key: [u8; 32],
    /// What proves that the holder was invited.
    pub secret: InviteSecret,
}

/// Why a text is no invite link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// There is no `/s/<id>` in it.
    #[error("the link names no session")]
    NoSession,
    /// There is nothing behind `#`: the link was cut, or something removed its end.
    #[error("the link has lost its end, the part behind #")]
    NoFragment,
    /// The fragment's version is another.
    #[error("the link comes from another version of Parlor")]
    Version,
    /// The fragment is too short, too long or has other characters.
    #[error("the link was cut or altered")]
    Damaged,
}

impl From<InviteError> for Fault {
    fn from(_: InviteError) -> Self {
        FaultCode::InvalidLink.into()
    }
}

impl Invite {
    /// The role that the link grants.
    pub fn role(&self) -> Role {
        self.secret.role().expect("parsing and generating check the role bits")
    }

    /// The whole link, secret included: for the person who invites, never for a log.
    pub fn link(&self) -> String {
        let mut fragment = Zeroizing::new([0; 48]);
        fragment[..32].copy_from_slice(&self.host_key);
        fragment[32..].copy_from_slice(&self.secret.0);
        let encoded = URL_SAFE_NO_PAD.encode(fragment.as_slice());
        format!("{}/s/{}#{FRAGMENT_VERSION}{encoded}", self.origin, self.session)
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() > MAX_LINK_BYTES {
            return Err(InviteError::Damaged);
        }
        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
        let address = address.split('?').next().unwrap_or_default();
        let (origin, session) = address.rsplit_once("/s/").ok_or(InviteError::NoSession)?;
        let session = session.trim_end_matches('/').parse().map_err(|_| InviteError::NoSession)?;
        if fragment.is_empty() {
            return Err(InviteError::NoFragment);
        }
        let encoded = match fragment.split_once('.') {
            Some(("1", encoded)) => encoded,
            Some((version, _)) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(InviteError::Version);
            }
            _ => return Err(InviteError::Damaged),
        };
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InviteError::Damaged)?);
        if bytes.len() != 48 {
            return Err(InviteError::Damaged);
        }
        let host_key = bytes[..32].try_into().expect("32 of 48 bytes");
        let secret = InviteSecret(bytes[32..].try_into().expect("16 of 48 bytes"));
        if secret.role().is_none() {
            return Err(InviteError::Damaged);
        }
        Ok(Self { origin: origin.to_owned(), session, host_key, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(role: Role) -> Invite {
        Invite {
            origin: "http://localhost:4242".into(),
            session: SessionId::from_bytes([1; 16]),
            host_key: [2; 32],
            secret: InviteSecret::with_role([3; 16], role),
        }
    }

    #[test]
    fn a_link_is_frozen_and_survives_the_way() {
        let link = invite(Role::Editor).link();
        assert_eq!(
            link,
            "http://localhost:4242/s/AQEBAQEBAQEBAQEBAQEBAQ#1.\
             AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIBAwMDAwMDAwMDAwMDAwMD"
        );
        assert_eq!(link.parse(), Ok(invite(Role::Editor)));
        assert_eq!(link.replace('#', "?theme=dark#").parse(), Ok(invite(Role::Editor)));
    }

    #[test]
    fn every_role_is_carried() {
        for role in Role::ALL {
            assert_eq!(invite(role).link().parse::<Invite>().unwrap().role(), role);
        }
    }

    #[test]
    fn a_link_cut_anywhere_is_refused() {
        let link = invite(Role::Viewer).link();
        for end in 0..link.len() {
            assert!(link[..end].parse::<Invite>().is_err(), "{}", &link[..end]);
        }
        assert!(format!("{link}A").parse::<Invite>().is_err());
    }

    #[test]
    fn the_reason_is_told_apart() {
        let link = invite(Role::Viewer).link();
        let (address, fragment) = link.split_once('#').unwrap();
        assert_eq!("http://localhost:4242/".parse::<Invite>(), Err(InviteError::NoSession));
        assert_eq!(address.parse::<Invite>(), Err(InviteError::NoFragment));
        assert_eq!(format!("{address}#2{}", &fragment[1..]).parse::<Invite>(), Err(InviteError::Version));
        assert_eq!(format!("{address}#1.AAAA").parse::<Invite>(), Err(InviteError::Damaged));
        assert_eq!(format!("{address}#{}", "1.".repeat(4000)).parse::<Invite>(), Err(InviteError::Damaged));
    }

    #[test]
    fn keys_and_ids_depend_on_everything_they_are_bound_to() {
        let session = SessionId::from_bytes([1; 16]);
        let secret = InviteSecret::with_role([3; 16], Role::Editor);
        let key = secret.pre_shared_key(session, Role::Editor);
        assert_ne!(key, secret.pre_shared_key(session, Role::Host));
        assert_ne!(key, secret.pre_shared_key(SessionId::from_bytes([2; 16]), Role::Editor));
        assert_ne!(key, InviteSecret::with_role([4; 16], Role::Editor).pre_shared_key(session, Role::Editor));
        assert_ne!(secret.id(), InviteSecret::with_role([3; 16], Role::Viewer).id());
    }

    #[test]
    fn debug_output_has_no_secret() {
        let text = format!("{:?}", invite(Role::Editor));
        assert!(text.contains("redacted") && !text.contains("AwMD") && !text.contains("3, 3, 3"), "{text}");
    }
}
