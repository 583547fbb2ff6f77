//! Unsent text that survives its program: what is kept of a document, when, and how it looks in bytes.
//!
//! Invariant: as long as the host may lack something that was typed, either the program that holds it lives, or a draft
//! has it that is at most a [typing pause](crate::limits::DRAFT_INTERVAL) old. What a draft lacks of its author is either
//! lost with its program and was never sent, or was sent and comes back from the host; see `document/sync/restored.rs`
//! for why that is safe. ADR 9 has the reasons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::document::sync::KeptReplica;
use crate::document::{Document, UpdateError};
use crate::id::{AuthorId, DocumentId, SessionId};
use crate::limits::MAX_DRAFT_BYTES;
use crate::message::{DocumentInfo, Packed, Participant, SessionInfo};
use crate::path::WorkspacePath;

/// First byte of what is kept. Another number is another format, and is refused.
const FORMAT: u8 = 1;

/// First byte of a draft that the text follows on which its edits were made.
const FORMAT_WITH_BASE: u8 = 2;

/// One document with text that the host may lack, and who typed it where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The session.
    pub session: SessionId,
    /// What it is called.
    pub info_of_session: SessionInfo,
    /// Who typed it: the author's number is in the text.
    pub me: Participant,
    /// The document.
    pub info: DocumentInfo,
    /// All of the replica, an encoded update.
    #[serde(with = "serde_bytes")]
    state: Vec<u8>,
    /// What was typed on top of it since a restore, an encoded update or nothing.
    #[serde(with = "serde_bytes")]
    typed: Vec<u8>,
    /// Whether it waits for a person's decision.
    held: bool,
    /// The text that the edits were made on which the host may lack. Kept behind the rest: older drafts have none.
    #[serde(skip)]
    base: Option<Packed>,
}

impl Draft {
    pub(super) fn new(
        session: SessionId,
        info_of_session: SessionInfo,
        me: Participant,
        info: DocumentInfo,
        kept: KeptReplica,
    ) -> Self {
        let KeptReplica { state, typed, held, base } = kept;
        Self { session, info_of_session, me, info, state, typed, held, base }
    }

    /// The replica.
    pub(super) fn kept(&self) -> KeptReplica {
        let Self { state, typed, held, base, .. } = self.clone();
        KeptReplica { state, typed, held, base }
    }

    /// The text, for a person.
    ///
    /// # Errors
    /// If it can not be read.
    pub fn text(&self) -> Result<String, UpdateError> {
        let mut document = Document::new(AuthorId::NOT_YET);
        let updates = [&self.state, &self.typed].into_iter().filter(|update| !update.is_empty());
        document.apply(updates.map(Vec::as_slice))?;
        Ok(document.text())
    }
}

/// A text that could not be merged, or was taken out of the way, and is kept until a person discards it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvage {
    /// The session.
    pub session: SessionId,
    /// The shared folder's name.
    pub workspace: String,
    /// The file.
    pub path: WorkspacePath,
    /// The text as it was here.
    pub text: String,
}

/// What a browser keeps of unsent text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// It goes on where it was.
    Draft(Box<Draft>),
    /// It waits for a person.
    Salvage(Salvage),
}

impl Kept {
    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let base = match self {
            Self::Draft(draft) => draft.base.as_ref(),
            Self::Salvage(_) => None,
        };
        let (format, encoded) = match base {
            Some(base) => (FORMAT_WITH_BASE, codec::encode(&(self, base))),
            None => (FORMAT, codec::encode(self)),
        };
        let mut bytes = vec![format];
        bytes.extend(encoded);
        bytes
    }

    /// The bytes that [`Kept::encode`] puts before the text of a [`Salvage`], and before the text's length. For whoever can
    /// append a text when this program is no more.
    pub fn head(session: SessionId, workspace: String, path: WorkspacePath) -> Vec<u8> {
        let mut bytes = Self::Salvage(Salvage { session, workspace, path, text: String::new() }).encode();
        // The length of no text is one zero.
        bytes.pop();
        bytes
    }

    /// Reads what was kept. Whatever else the bytes are, they are refused.
    ///
    /// # Errors
    /// If they are of another format, too long, or anything but what [`Kept::encode`] gave.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_DRAFT_BYTES {
            return Err(DecodeError);
        }
        match bytes.split_first() {
            Some((&FORMAT, rest)) => codec::exact(rest),
            Some((&FORMAT_WITH_BASE, rest)) => {
                let (mut kept, base) = codec::exact::<(Self, Packed)>(rest)?;
                if let Self::Draft(draft) = &mut kept {
                    draft.base = Some(base);
                }
                Ok(kept)
            }
            Some(_) | None => Err(DecodeError),
        }
    }

    /// What is shown of it to a person.
    ///
    /// # Errors
    /// If its text can not be read.
    pub fn into_salvage(self) -> Result<Salvage, UpdateError> {
        match self {
            Self::Draft(draft) => Ok(Salvage {
                session: draft.session,
                workspace: draft.info_of_session.workspace.clone(),
                path: draft.info.path.clone(),
                text: draft.text()?,
            }),
            Self::Salvage(salvage) => Ok(salvage),
        }
    }
}

/// How a document stands of which there is something to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftMark {
    /// Which.
    pub document: DocumentId,
    /// Counts what changes what is owed to the host.
    pub edits: u64,
    /// Up to which of them the host has confirmed.
    pub confirmed: u64,
    /// Whether something is sent only once the draft is written.
    pub is_awaited: bool,
}

/// What is to be done about drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftTask {
    /// Write the document's draft, which has this many edits, over the one before.
    Write(DocumentId, u64),
    /// The host has everything.
    Remove(DocumentId),
}

/// How soon a draft is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// What the host confirms as fast as it is typed needs no draft.
    Usual,
    /// The host is away, or the program may be gone in a moment.
    Now,
}

/// Remembers which drafts are kept and of which edits, and says what to do.
#[derive(Debug, Default)]
pub struct DraftKeeper {
    /// The drafts that are kept, and up to which edit each goes.
    written: BTreeMap<DocumentId, u64>,
    /// The edits at the last look.
    seen: BTreeMap<DocumentId, u64>,
}

impl DraftKeeper {
    /// One that knows that drafts of these documents are kept.
    pub fn with_drafts(documents: impl IntoIterator<Item = DocumentId>) -> Self {
        // No edit has this number: they are written anew as soon as there is something to add.
        Self { written: documents.into_iter().map(|document| (document, 0)).collect(), ..Self::default() }
    }

    /// What is to be done now. Ask once every [`DRAFT_INTERVAL`](crate::limits::DRAFT_INTERVAL) while anything is
    /// unconfirmed or kept, and carry it out in order.
    pub fn tasks(&mut self, marks: impl IntoIterator<Item = DraftMark>, urgency: Urgency) -> Vec<DraftTask> {
        let mut tasks = Vec::new();
        let mut seen = BTreeMap::new();
        for mark in marks {
            let DraftMark { document, edits, confirmed, is_awaited } = mark;
            seen.insert(document, edits);
            if self.written.get(&document) == Some(&edits) && !is_awaited {
                continue;
            }
            // Whether everything that was typed before the last look is with the host: the connection keeps up.
            let keeps_up = self.seen.get(&document).map(|before| confirmed >= *before);
            if is_awaited || urgency == Urgency::Now || keeps_up == Some(false) {
                self.written.insert(document, edits);
                tasks.push(DraftTask::Write(document, edits));
            } else if keeps_up == Some(true) && self.written.remove(&document).is_some() {
                tasks.push(DraftTask::Remove(document));
            }
        }
        let gone = self.written.extract_if(.., |document, _| !seen.contains_key(document));
        tasks.extend(gone.map(|(document, _)| DraftTask::Remove(document)));
        self.seen = seen;
        tasks
    }

    /// The draft could not be written: it is due again.
    pub fn failed(&mut self, document: DocumentId) {
        self.written.insert(document, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `frontend/js/editor/editor.js` appends a text when this program is no more.
    fn appended(head: &[u8], text: &str) -> Vec<u8> {
        let mut bytes = head.to_vec();
        let mut left = text.len();
        while left >= 0x80 {
            bytes.push((left % 0x80) as u8 | 0x80);
            left /= 0x80;
        }
        bytes.push(left as u8);
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn a_text_can_be_appended_to_what_stands_before_it() {
        let session = SessionId::from_bytes([7; 16]);
        let (workspace, path) = ("demo".to_owned(), WorkspacePath::parse("a/\u{fc}.txt").expect("a path"));
        let head = Kept::head(session, workspace.clone(), path.clone());
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let text = "x".repeat(length);
            let salvage =
                Salvage { session, workspace: workspace.clone(), path: path.clone(), text: text.clone() };
            assert_eq!(Kept::decode(&appended(&head, &text)), Ok(Kept::Salvage(salvage)), "{length}");
        }
    }
}
