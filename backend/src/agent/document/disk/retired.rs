//! A file that a checkpoint replaced, held open because a program that had opened it before may still write to it.

use std::io::{Seek as _, SeekFrom};
use std::time::Instant;

use cap_std::fs::File;
use parlor_shared::path::WorkspacePath;

use super::OutsideChange;
use crate::agent::document::encoding::{self, Format};
use crate::agent::workspace::read::{check_text_size, read_document};
use crate::agent::workspace::{FileStamp, WorkspaceError};

/// The replaced file. `echo x >> file` opens, then writes: when we rename between the two, the line goes here.
#[derive(Debug)]
pub(super) struct Retired {
    file: File,
    merged: Merged,
    /// Size and modification time when `merged` was read; none: not looked at yet.
    seen: Option<(u64, i128)>,
    pub(super) since: Instant,
}

/// What the document has of a file: the text that was last merged from it, and how the file stores it.
#[derive(Clone, Debug)]
pub(super) struct Merged {
    pub(super) text: String,
    pub(super) format: Format,
}

impl Retired {
    /// Whatever the file's stamp was, it is no proof that it still has the text that was merged: its clock may be
    /// coarse, or it was replaced although something wrote to it. So the first look reads it.
    pub(super) fn new(file: File, merged: Merged, since: Instant) -> Self {
        Self { file, merged, seen: None, since }
    }

    /// What was written to it since the last look.
    ///
    /// # Errors
    /// If it can not be read, or is not text at this moment.
    pub(super) fn look(&mut self, path: &WorkspacePath) -> Result<Option<OutsideChange>, WorkspaceError> {
        let failed = |error| WorkspaceError::from_io(path, error);
        let stamp = FileStamp::of(&self.file.metadata().map_err(failed)?);
        // Not the status change time: it also tells of our own removing of the name.
        let seen = Some((stamp.len, stamp.mtime_ns));
        if self.seen == seen {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let bytes = read_document(&mut self.file, path, stamp.len)?;
        let Merged { text, format } = &mut self.merged;
        if encoding::encode(text, format).is_ok_and(|merged| merged == bytes) {
            self.seen = seen;
            return Ok(None);
        }
        let decoded = encoding::decode_again(&bytes, format)
            .ok()
            .filter(|decoded| !decoded.format.may_be_torn(format))
            .ok_or_else(|| WorkspaceError::Binary { path: path.clone(), bytes: bytes.len() as u64 })?;
        check_text_size(&decoded.text, path)?;
        self.seen = seen;
        *format = decoded.format;
        let before = std::mem::replace(text, decoded.text);
        Ok((before != *text).then(|| OutsideChange { before, after: text.clone() }))
    }
}
