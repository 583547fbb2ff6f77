//! The protocol's version and the rule by which two versions understand each other.
//!
//! The page comes from the agent that it talks to, so both usually have one version. They part when a page stays
//! open over an agent's update, or a native guest is older than the host. The rule: a guest greets with its own
//! version; the host serves every version from [`OLDEST_SERVED`] to [`PROTOCOL_VERSION`] and answers others with
//! [`FaultCode::VersionMismatch`](crate::fault::FaultCode::VersionMismatch). Within one version, messages and
//! faults are only ever appended; a receiver reports an unknown one as a value and goes on.

use serde::{Deserialize, Serialize};

/// A version of the wire: greeting, frames and messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProtocolVersion(pub u16);

/// What this build speaks.
pub const PROTOCOL_VERSION: ProtocolVersion = ProtocolVersion(1);

/// The oldest version that this build still serves.
pub const OLDEST_SERVED: ProtocolVersion = ProtocolVersion(1);

impl ProtocolVersion {
    /// Whether a host of this build serves a guest that greets with this version.
    pub fn is_served(self) -> bool {
        (OLDEST_SERVED..=PROTOCOL_VERSION).contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_served_range_is_served() {
        assert!(PROTOCOL_VERSION.is_served());
        assert!(!ProtocolVersion(0).is_served());
        assert!(!ProtocolVersion(PROTOCOL_VERSION.0 + 1).is_served());
    }
}
