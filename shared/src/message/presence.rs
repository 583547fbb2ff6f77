//! Where participants are: the messages of the presence lane.

use serde::{Deserialize, Serialize};

use crate::id::ParticipantId;
use crate::presence::Presence;

/// Whether somebody is at the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    /// Here.
    #[default]
    Active,
    /// The page is hidden or was not touched for a while.
    Away,
}

/// To the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PresenceToHost {
    /// Where I am. Replaces what I said before.
    At(Presence),
}

/// To a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PresenceToGuest {
    /// Where somebody is. Replaces what was said before.
    At {
        /// Who.
        participant: ParticipantId,
        /// Where.
        presence: Presence,
    },
}
