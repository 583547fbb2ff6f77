//! The text of open files: opening, updates, synchronisation and what is on the disk.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{AuthorId, DocumentId, ParticipantId, RequestId};
use crate::path::WorkspacePath;

use super::Packed;

/// How lines end in the file on disk. In a document every line ends with LF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndOfLine {
    /// `\n`, or no line end at all.
    Lf,
    /// `\r\n`.
    Crlf,
    /// Several of them. Each line keeps the one that it has; a new line takes its neighbour's.
    Mixed,
    /// `\r`, as old Macs wrote.
    Cr,
}

/// How characters are stored in the file on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 that starts with a byte order mark.
    Utf8Bom,
    /// UTF-16, little endian, with a byte order mark.
    Utf16Le,
    /// UTF-16, big endian, with a byte order mark.
    Utf16Be,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentInfo {
    /// Its id in this session.
    pub document: DocumentId,
    /// Which of its epochs the state belongs to that follows: see [`crate::document::epoch`].
    pub epoch: u32,
    /// The file.
    pub path: WorkspacePath,
    /// Kept at every checkpoint.
    pub end_of_line: EndOfLine,
    /// Kept at every checkpoint.
    pub encoding: Encoding,
    /// Whether the receiver may edit it at all: control files are not edited by guests.
    pub writable: bool,
    /// How the document stands to the disk.
    pub status: DocumentStatus,
}

/// How a document stands to the file on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentStatus {
    /// The disk has all of it.
    Saved {
        /// Who asked for it, if it was not the clock.
        by: Option<ParticipantId>,
    },
    /// There are edits that the disk does not have yet.
    Unsaved,
    /// The last attempt failed; the text is safe in the session and is tried again.
    NotSaved(Fault),
    /// The file was deleted or replaced outside; the text stays in the session. Saving creates it again.
    Gone,
}

/// A replica that outlived its connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDocument {
    /// The id it had. If the host answers with another one, the replica belongs to a text that is no more and must
    /// not be merged into the new one.
    pub document: DocumentId,
    /// The epoch it had.
    pub epoch: u32,
    /// What the replica has: an encoded state vector.
    #[serde(with = "serde_bytes")]
    pub state_vector: Vec<u8>,
}

/// About documents, to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentToHost {
    /// Open a file; answered by [`DocumentToGuest::Opened`] or a fault.
    Open {
        /// Carried back by the answer.
        request: RequestId,
        /// Which file.
        path: WorkspacePath,
        /// What the guest has of it already, from before its connection broke.
        known: Option<KnownDocument>,
    },
    /// What I typed.
    Update {
        /// Where.
        document: DocumentId,
        /// In which epoch; one of an epoch that is over is passed over, its author says it again in the next.
        epoch: u32,
        /// Counts up by one for each update of this guest to this document; acknowledged by number.
        sequence: u32,
        /// An encoded CRDT update.
        update: Packed,
    },
    /// Tell me what I lack.
    Sync {
        /// Where.
        document: DocumentId,
        /// The epoch that the guest has.
        epoch: u32,
        /// What the guest has: an encoded state vector.
        #[serde(with = "serde_bytes")]
        state_vector: Vec<u8>,
    },
    /// Write it to the disk now.
    Save {
        /// Which.
        document: DocumentId,
    },
    /// I no longer show it.
    Close {
        /// Which.
        document: DocumentId,
    },
    /// Tell me the digest of your text, so that I can compare.
    Verify {
        /// Which.
        document: DocumentId,
    },
    /// Our texts differ. I forget mine and open the document anew; this is for the host's log, see
    /// [`crate::document::incident`].
    Diverged {
        /// Which.
        document: DocumentId,
        /// The digest of the host's text.
        host: [u8; 8],
        /// The digest of mine.
        mine: [u8; 8],
    },
    /// Bring back what a change of the disk took: see [`DocumentToGuest::Removed`].
    BringBack {
        /// Where.
        document: DocumentId,
        /// What.
        offer: u32,
    },
}

/// How a program came to delete what guests typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RemovedBy {
    /// It changed the file.
    Edit,
    /// It brought a text back that the file held before, as `git checkout -- f` does.
    Revert,
}

/// About documents, to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentToGuest {
    /// The file is open; a [`DocumentToGuest::State`] follows.
    Opened {
        /// The request.
        request: RequestId,
        /// What was opened.
        info: DocumentInfo,
    },
    /// All that the guest lacked, and what the host has.
    State {
        /// Where.
        document: DocumentId,
        /// Of which epoch.
        epoch: u32,
        /// An encoded CRDT update.
        update: Packed,
        /// What the host has: an encoded state vector. The guest answers with what the host lacks.
        #[serde(with = "serde_bytes")]
        state_vector: Vec<u8>,
    },
    /// What one other did.
    Update {
        /// Where.
        document: DocumentId,
        /// In which epoch.
        epoch: u32,
        /// Who did it; nobody here, if the file was changed on the disk.
        by: Option<ParticipantId>,
        /// An encoded CRDT update.
        update: Packed,
    },
    /// Your updates up to this one are part of the document.
    Acknowledged {
        /// Where.
        document: DocumentId,
        /// The sequence of the last one.
        sequence: u32,
    },
    /// Your update, and with it every later one, was not applied. Close the document and open it again.
    Refused {
        /// Where.
        document: DocumentId,
        /// The sequence of the refused one.
        sequence: u32,
        /// Why.
        fault: Fault,
    },
    /// Updates to this document were dropped on the way to you: ask for what you lack.
    Resync {
        /// Where.
        document: DocumentId,
    },
    /// How the document stands to the disk now.
    Status {
        /// Which.
        document: DocumentId,
        /// How.
        status: DocumentStatus,
    },
    /// The file has another path now.
    Moved {
        /// Which.
        document: DocumentId,
        /// Where it is.
        path: WorkspacePath,
    },
    /// The host no longer holds this document open for you.
    Closed {
        /// Which.
        document: DocumentId,
        /// Why, unless you asked for it.
        fault: Option<Fault>,
    },
    /// The digest of the text after every update that was sent before this message.
    Digest {
        /// Which.
        document: DocumentId,
        /// See [`crate::document::digest`].
        digest: [u8; 8],
    },
    /// A new epoch begins with the text that the host has at this very place in the stream: see
    /// [`crate::document::epoch`]. Whoever has all of the last one goes on from here.
    Renewed {
        /// Which.
        document: DocumentId,
        /// The number of the new epoch, one more than the last.
        epoch: u32,
        /// An encoded CRDT update: all of the text as one insertion.
        update: Packed,
    },
    /// Another program deleted in the file what guests typed in this session. It can be brought back. Told once more to
    /// whoever opens the document later.
    Removed {
        /// Where.
        document: DocumentId,
        /// What to ask for; counts up in each document.
        offer: u32,
        /// Who typed it; by the participants' authors, since some may have left.
        authors: Vec<AuthorId>,
        /// How many lines.
        lines: u32,
        /// How.
        cause: RemovedBy,
    },
    /// What was offered is back, or can not be brought back any more.
    OfferOver {
        /// Where.
        document: DocumentId,
        /// What.
        offer: u32,
        /// Who brought it back; nobody, if it is not kept any more.
        by: Option<ParticipantId>,
    },
}
