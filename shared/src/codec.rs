//! Messages to bytes and back: bounded, exact, and calm about what a newer peer says.
//!
//! A message is postcard: the subject's number, the message's number within it, its fields. A message of a newer
//! peer is recognised by its numbers and comes back as a value; anything else that does not decode is an error.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::lane::Lane;
use crate::message::{ToGuest, ToHost};

/// How many messages each subject of a vocabulary has in this build.
pub trait Vocabulary: Serialize + DeserializeOwned {
    /// By subject, in the order of the enum. Zero marks a subject that is itself one message.
    const SUBJECTS: &'static [u32];
}

impl Vocabulary for ToHost {
    const SUBJECTS: &'static [u32] = &[8, 10, 1, 7, 12];
}

impl Vocabulary for ToGuest {
    const SUBJECTS: &'static [u32] = &[12, 14, 1, 5, 0, 10];
}

/// A message that a lane carries.
pub trait OnLane: Vocabulary {
    /// Which.
    fn lane(&self) -> Lane;
}

impl OnLane for ToHost {
    fn lane(&self) -> Lane {
        self.lane()
    }
}

impl OnLane for ToGuest {
    fn lane(&self) -> Lane {
        self.lane()
    }
}

/// The message is larger than the link takes on its lane: sent, it would end the connection, and again on the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes is too large for the {lane:?} lane")]
pub struct TooLarge {
    /// Its lane.
    pub lane: Lane,
    /// How many bytes it has.
    pub bytes: usize,
}

impl From<TooLarge> for Fault {
    fn from(TooLarge { lane, bytes }: TooLarge) -> Self {
        Self::new(FaultCode::TooLarge).with(bytes).with(lane.max_message_bytes())
    }
}

/// The bytes of a message for the link. Everything that goes into a lane is encoded here.
///
/// # Errors
/// [`TooLarge`]: say something else, see [`ToGuest::instead`].
pub fn encode_for_link<T: OnLane>(message: &T) -> Result<Vec<u8>, TooLarge> {
    let bytes = encode(message);
    let lane = message.lane();
    if bytes.len() <= lane.max_message_bytes() {
        Ok(bytes)
    } else {
        Err(TooLarge { lane, bytes: bytes.len() })
    }
}

/// A decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// One that this build knows.
    Known(T),
    /// One of a newer peer.
    Unknown {
        /// The subject's number.
        subject: u32,
        /// The message's number within the subject, if the subject is known.
        message: Option<u32>,
    },
}

/// The bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a message")]
pub struct DecodeError;

impl From<DecodeError> for Fault {
    fn from(_: DecodeError) -> Self {
        FaultCode::Malformed.into()
    }
}

/// The bytes of a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).expect("messages hold only what postcard encodes")
}

/// Reads one message that fills `bytes` exactly. The caller has bounded their length.
///
/// # Errors
/// If they are cut, have something behind them, or break a rule of a field.
pub fn decode<T: Vocabulary>(bytes: &[u8]) -> Result<Decoded<T>, DecodeError> {
    if let Some(unknown) = unknown_numbers(bytes, T::SUBJECTS)? {
        return Ok(unknown);
    }
    exact(bytes).map(Decoded::Known)
}

/// Reads a value that is not a message of a vocabulary (a join request, a clear fault) and fills `bytes` exactly.
///
/// # Errors
/// As [`decode`].
pub fn exact<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(DecodeError),
    }
}

fn unknown_numbers<T>(bytes: &[u8], subjects: &[u32]) -> Result<Option<Decoded<T>>, DecodeError> {
    let (subject, rest) = postcard::take_from_bytes::<u32>(bytes).map_err(|_| DecodeError)?;
    let Some(&messages) = subjects.get(subject as usize) else {
        return Ok(Some(Decoded::Unknown { subject, message: None }));
    };
    if messages == 0 {
        return Ok(None);
    }
    let (message, _) = postcard::take_from_bytes::<u32>(rest).map_err(|_| DecodeError)?;
    Ok((message >= messages).then_some(Decoded::Unknown { subject, message: Some(message) }))
}
