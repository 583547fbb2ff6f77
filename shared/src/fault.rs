//! Errors on the wire: a code and parameters, never free text from inside. The sentences for people stand in the front end.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! fault_codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What went wrong. Numbers are append-only; one that this build does not know is kept as a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultCode {
            $($(#[$doc])* $name,)*
            /// From a newer peer.
            Unknown(u16),
        }

        impl FaultCode {
            /// Every code of this build, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Unknown(number) => number,
                }
            }

            /// The code with this number.
            pub const fn from_number(number: u16) -> Self {
                match number {
                    $($number => Self::$name,)*
                    _ => Self::Unknown(number),
                }
            }
        }
    };
}

fault_codes! {
    // Joining: 1xx.
    /// The link can not be read: cut off, or not a link of Parlor.
    InvalidLink = 100,
    /// No session with this id is shared here.
    UnknownSession = 101,
    /// The invite is unknown or was revoked.
    UnknownInvite = 102,
    /// Host key or secret of the link do not fit: altered, or for another host.
    HandshakeFailed = 103,
    /// The guest speaks a version that this host does not. Parameters: the guest's, the host's oldest, the host's newest.
    VersionMismatch = 104,
    /// Nothing, or not enough, was said in time. Parameter: seconds.
    HandshakeTimeout = 105,
    /// The session has as many participants as it takes. Parameter: the number.
    SessionFull = 106,
    /// The host denied admission.
    Denied = 107,
    /// The host removed this participant.
    Removed = 108,
    /// The host ended the session.
    SessionEnded = 109,
    /// Too many connections are waiting for a handshake.
    TooManyConnections = 110,

    // The protocol: 2xx. The connection ends; a new one starts afresh.
    /// A message could not be decoded.
    Malformed = 200,
    /// A message is larger than its lane allows. Parameters: bytes, the limit.
    TooLarge = 201,
    /// A frame did not open, or came out of order: altered, repeated or lost on the way.
    BrokenSeal = 202,
    /// A message that this build does not know.
    UnknownMessage = 203,
    /// A message that is not allowed before admission.
    NotAdmitted = 204,
    /// The peer no longer takes what it is sent.
    TooSlow = 205,
    /// The peer was silent for too long.
    Silent = 206,

    // Access: 3xx.
    /// The role does not allow this. Parameter: the capability's name.
    NotAllowed = 300,
    /// The path is hidden, or never written by guests. Parameter: the path.
    Protected = 301,
    /// The path leaves the shared folder: `..`, absolute, or a link to the outside. Parameter: the path.
    OutsideWorkspace = 302,
    /// Text in an update under a name that is not the sender's.
    ForeignAuthor = 303,

    // Files: 4xx. Parameter: the path.
    /// Nothing is there.
    NotFound = 400,
    /// Something with this name is there already.
    AlreadyExists = 401,
    /// The host's system denies access.
    PermissionDenied = 402,
    /// A folder where a file is needed.
    IsFolder = 403,
    /// A file where a folder is needed.
    NotFolder = 404,
    /// Neither file nor folder: a device, a pipe, a socket.
    SpecialFile = 405,
    /// Not text: edited together it would be damaged. Parameters: path, bytes.
    Binary = 406,
    /// Too large. Parameters: path, bytes, the limit.
    FileTooLarge = 407,
    /// The host's disk is full.
    DiskFull = 408,
    /// The host's disk or file system reports an error.
    DiskError = 409,
    /// The name can not be used for a file. Parameter: the name.
    InvalidName = 410,
    /// The folder still has entries.
    NotEmpty = 411,
    /// The file's encoding has no bytes for a character of the text. Parameters: the path, the character.
    Unencodable = 412,
    /// A save failed in the middle: the file holds neither the old text nor the new one. The session and its journal have
    /// both, and it is tried again. Parameter: the path.
    HalfWritten = 413,
    /// The file outgrew what is edited together while it was open; the document stays as it was before. Parameters: the path,
    /// the limit.
    Outgrown = 420,
    /// No encoding that is known gives the file's bytes again, so that it can be looked at only. Parameter: the path.
    Undecodable = 421,
    /// This encoding does not give the file's bytes again. Parameters: the path, the encoding's name.
    EncodingMismatch = 422,
    /// A shell runs this script at the moment: it is not saved by itself, for the shell reads on at a place in the file. A person
    /// who saves has it saved. Parameter: the path.
    ScriptRuns = 423,

    // Documents and requests: 5xx.
    /// The document is not open here.
    UnknownDocument = 500,
    /// The update can not be applied.
    InvalidUpdate = 501,
    /// The text grew beyond what is edited together. Parameters: bytes, the limit.
    DocumentTooLarge = 502,
    /// Too much at once; nothing was done. Try again.
    Busy = 503,
    /// More open than allowed. Parameter: the limit.
    TooManyOpen = 504,
    /// The participant is not here.
    UnknownParticipant = 505,
    /// Something failed inside the host. Parameter: an incident id that stands in the host's log.
    Internal = 506,
    /// The text here differed from the host's and was replaced by it. Parameter: an incident id that stands in the host's log.
    Repaired = 507,
    /// The host can not write down what must survive the sudden end of its program: what no file has yet would be lost by
    /// that, unless whoever typed it comes back.
    NotKept = 508,

    // Terminals: 6xx.
    /// There is no such terminal.
    UnknownTerminal = 600,
    /// The terminal's program does not run.
    NotRunning = 601,
    /// The program could not be started. Parameter: the shell.
    CommandFailed = 602,
}

impl Serialize for FaultCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

impl<'de> Deserialize<'de> for FaultCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u16::deserialize(deserializer).map(Self::from_number)
    }
}

/// An error as the other side learns of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code:?} {params:?}")]
pub struct Fault {
    /// What went wrong.
    pub code: FaultCode,
    /// Values for the sentence, in the order that the code's documentation gives.
    pub params: Vec<String>,
}

impl Fault {
    /// A fault without parameters.
    pub const fn new(code: FaultCode) -> Self {
        Self { code, params: Vec::new() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, param: impl ToString) -> Self {
        self.params.push(param.to_string());
        self
    }

    /// Whether a guest may knock again by itself, or needs a person first.
    pub const fn is_final(&self) -> bool {
        matches!(
            self.code,
            FaultCode::InvalidLink
                | FaultCode::UnknownSession
                | FaultCode::UnknownInvite
                | FaultCode::HandshakeFailed
                | FaultCode::VersionMismatch
                | FaultCode::Denied
                | FaultCode::Removed
                | FaultCode::SessionEnded
        )
    }
}

impl From<FaultCode> for Fault {
    fn from(code: FaultCode) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinct_ascending_and_reversible() {
        let numbers: Vec<u16> = FaultCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for code in FaultCode::ALL {
            assert_eq!(FaultCode::from_number(code.number()), *code);
        }
    }

    #[test]
    fn a_code_from_a_newer_peer_is_kept() {
        let bytes = postcard::to_stdvec(&Fault::new(FaultCode::Unknown(9_999)).with("x")).unwrap();
        let fault: Fault = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(fault.code, FaultCode::Unknown(9_999));
    }
}
