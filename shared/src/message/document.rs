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
    /// Big5: this one and all that follow as the WHATWG's Encoding Standard has them.
    Big5,
    /// `EUC-JP`.
    EucJp,
    /// `EUC-KR`.
    EucKr,
    /// `gb18030`.
    Gb18030,
    /// `GBK`.
    Gbk,
    /// `IBM866`.
    Ibm866,
    /// `ISO-2022-JP`.
    Iso2022Jp,
    /// `ISO-8859-2`.
    Iso8859_2,
    /// `ISO-8859-3`.
    Iso8859_3,
    /// `ISO-8859-4`.
    Iso8859_4,
    /// `ISO-8859-5`.
    Iso8859_5,
    /// `ISO-8859-6`.
    Iso8859_6,
    /// `ISO-8859-7`.
    Iso8859_7,
    /// `ISO-8859-8`.
    Iso8859_8,
    /// `ISO-8859-10`.
    Iso8859_10,
    /// `ISO-8859-13`.
    Iso8859_13,
    /// `ISO-8859-14`.
    Iso8859_14,
    /// `ISO-8859-15`.
    Iso8859_15,
    /// `ISO-8859-16`.
    Iso8859_16,
    /// `KOI8-R`.
    Koi8R,
    /// `KOI8-U`.
    Koi8U,
    /// `macintosh`.
    Macintosh,
    /// `Shift_JIS`.
    ShiftJis,
    /// `windows-874`.
    Windows874,
    /// `windows-1250`.
    Windows1250,
    /// `windows-1251`.
    Windows1251,
    /// `windows-1252`.
    Windows1252,
    /// `windows-1253`.
    Windows1253,
    /// `windows-1254`.
    Windows1254,
    /// `windows-1255`.
    Windows1255,
    /// `windows-1256`.
    Windows1256,
    /// `windows-1257`.
    Windows1257,
    /// `windows-1258`.
    Windows1258,
    /// `x-mac-cyrillic`.
    XMacCyrillic,
}

impl Encoding {
    /// All of them, in the order of their numbers.
    pub const ALL: &[Self] = &[
        Self::Utf8,
        Self::Utf8Bom,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Big5,
        Self::EucJp,
        Self::EucKr,
        Self::Gb18030,
        Self::Gbk,
        Self::Ibm866,
        Self::Iso2022Jp,
        Self::Iso8859_2,
        Self::Iso8859_3,
        Self::Iso8859_4,
        Self::Iso8859_5,
        Self::Iso8859_6,
        Self::Iso8859_7,
        Self::Iso8859_8,
        Self::Iso8859_10,
        Self::Iso8859_13,
        Self::Iso8859_14,
        Self::Iso8859_15,
        Self::Iso8859_16,
        Self::Koi8R,
        Self::Koi8U,
        Self::Macintosh,
        Self::ShiftJis,
        Self::Windows874,
        Self::Windows1250,
        Self::Windows1251,
        Self::Windows1252,
        Self::Windows1253,
        Self::Windows1254,
        Self::Windows1255,
        Self::Windows1256,
        Self::Windows1257,
        Self::Windows1258,
        Self::XMacCyrillic,
    ];

    /// Its name in the Encoding Standard; those with a byte order mark say so.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with BOM",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Big5 => "Big5",
            Self::EucJp => "EUC-JP",
            Self::EucKr => "EUC-KR",
            Self::Gb18030 => "gb18030",
            Self::Gbk => "GBK",
            Self::Ibm866 => "IBM866",
            Self::Iso2022Jp => "ISO-2022-JP",
            Self::Iso8859_2 => "ISO-8859-2",
            Self::Iso8859_3 => "ISO-8859-3",
            Self::Iso8859_4 => "ISO-8859-4",
            Self::Iso8859_5 => "ISO-8859-5",
            Self::Iso8859_6 => "ISO-8859-6",
            Self::Iso8859_7 => "ISO-8859-7",
            Self::Iso8859_8 => "ISO-8859-8",
            Self::Iso8859_10 => "ISO-8859-10",
            Self::Iso8859_13 => "ISO-8859-13",
            Self::Iso8859_14 => "ISO-8859-14",
            Self::Iso8859_15 => "ISO-8859-15",
            Self::Iso8859_16 => "ISO-8859-16",
            Self::Koi8R => "KOI8-R",
            Self::Koi8U => "KOI8-U",
            Self::Macintosh => "macintosh",
            Self::ShiftJis => "Shift_JIS",
            Self::Windows874 => "windows-874",
            Self::Windows1250 => "windows-1250",
            Self::Windows1251 => "windows-1251",
            Self::Windows1252 => "windows-1252",
            Self::Windows1253 => "windows-1253",
            Self::Windows1254 => "windows-1254",
            Self::Windows1255 => "windows-1255",
            Self::Windows1256 => "windows-1256",
            Self::Windows1257 => "windows-1257",
            Self::Windows1258 => "windows-1258",
            Self::XMacCyrillic => "x-mac-cyrillic",
        }
    }
}

/// Whether a file's text gives its bytes again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reading {
    /// It does.
    #[default]
    Exact,
    /// U+FFFD stands for bytes that are no text: the file can be looked at, and nobody writes it.
    WithMarks,
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
    /// Read the file in this encoding. Everybody's text becomes what it says then; the file stays as it is. Refused if the
    /// encoding does not give the file's bytes again.
    Reopen {
        /// Carried back by a fault.
        request: RequestId,
        /// Which.
        document: DocumentId,
        /// How its file is to be read.
        encoding: Encoding,
    },
    /// Write the file in this encoding from now on, for the first time now. Refused if the encoding lacks a character.
    SaveWith {
        /// Carried back by a fault.
        request: RequestId,
        /// Which.
        document: DocumentId,
        /// How its file is to be written.
        encoding: Encoding,
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
    /// How the file stores its text, when that changed or can not be told by [`DocumentInfo`].
    Format {
        /// Which.
        document: DocumentId,
        /// How lines end.
        end_of_line: EndOfLine,
        /// How characters are stored.
        encoding: Encoding,
        /// Whether the text is all of the file.
        reading: Reading,
    },
}
