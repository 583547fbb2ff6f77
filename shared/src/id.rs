//! Identifiers: newtypes, so that a wrong one does not compile.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Separates this use of SHA-256 from every other.
const SESSION_ID_DOMAIN: &[u8] = b"parlor session id v1";

/// A session's public name, 128 bits: the hash of the owner's key, so that a relay can check without accounts
/// that a host owns the room it opens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId([u8; SessionId::BYTES]);

impl SessionId {
    /// Length in bytes; 22 characters in a link.
    pub const BYTES: usize = 16;

    /// The id that belongs to an Ed25519 owner key.
    pub fn of_owner(owner_public_key: &[u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(SESSION_ID_DOMAIN).chain_update(owner_public_key).finalize();
        let mut id = [0; Self::BYTES];
        id.copy_from_slice(&digest[..Self::BYTES]);
        Self(id)
    }

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, as they stand in a greeting.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// Names a link to both of its ends and to nobody else: bytes of the hash of the handshake with which it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkId([u8; 8]);

impl LinkId {
    /// The link that begins with this handshake. The first bytes of the hash are read out by people.
    pub fn of(handshake_hash: &[u8]) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&handshake_hash[8..16]);
        Self(id)
    }
}

/// The text is not 22 characters of base64url that stand for 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a session id")]
pub struct InvalidSessionId;

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSessionId)?;
        bytes.try_into().map(Self).map_err(|_| InvalidSessionId)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SessionId({self})")
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

number_id! {
    /// One participant of a session: one page or one native guest. Given by the host, never used twice in a session.
    ParticipantId(u32)
}
number_id! {
    /// One open document of a session. Given by the host, never used twice in a session.
    DocumentId(u32)
}
number_id! {
    /// One shared terminal of a session. Given by the host, never used twice in a session.
    TerminalId(u32)
}
number_id! {
    /// A guest's request; the answer carries it back. Chosen by the guest, per connection.
    RequestId(u32)
}
number_id! {
    /// Who wrote a piece of a document: a CRDT client id. The host gives each participant one of its own and
    /// refuses insertions under any other.
    AuthorId(u64)
}

impl AuthorId {
    /// The agent itself, when it merges what no replica could. Before [`AuthorId::DISK`]: of two who insert at one place the
    /// smaller comes first, and what the agent heard of late was written earlier than what is in the file since.
    pub const AGENT: Self = Self(1);
    /// Whatever changes a file outside Parlor: the host's editor, `git checkout`, a formatter.
    pub const DISK: Self = Self(2);
    /// What a guest types into a restored text before it has heard the host again. Never sent.
    pub const NOT_YET: Self = Self(3);
    /// The first author given to a participant.
    pub const FIRST_PARTICIPANT: Self = Self(16);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_survives_printing_and_parsing() {
        let id = SessionId::of_owner(&[7; 32]);
        assert_eq!(id.to_string().len(), 22);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_session_id_is_frozen_for_a_given_owner() {
        assert_eq!(SessionId::of_owner(&[7; 32]).to_string(), "zshstXWlAwHF1NRUB46vBw");
    }

    #[test]
    fn other_texts_are_not_session_ids() {
        for text in
            ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAA.A", "../../../../etc/passwd"]
        {
            assert_eq!(text.parse::<SessionId>(), Err(InvalidSessionId), "{text:?}");
        }
    }
}
