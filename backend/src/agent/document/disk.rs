//! What one open document knows of its file: reading it, noticing what others do to it, and saving without losing that.

use std::io::{self, Seek as _, SeekFrom};
use std::time::{Duration, Instant};

use cap_std::fs::{File, Metadata};
use parlor_shared::fault::Fault;
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{Encoding, Reading};
use parlor_shared::path::WorkspacePath;

use super::encoding::{self, Decoded, Format};
use crate::agent::disk_work::time_of_day;
use crate::agent::workspace::read::{check_text_size, read_document};
use crate::agent::workspace::{
    Access, Actor, FileStamp, FileText, Place, Workspace, WorkspaceError, platform,
};
use retired::{Merged, Retired};
use temporary::Temporary;

mod retired;
mod temporary;

/// How long the file that a checkpoint replaced is still looked at: a shell that had opened it just before writes
/// within microseconds, a swapping machine within tenths of a second.
pub const RETIRED_WATCH: Duration = Duration::from_secs(2);

/// Between two looks at a file that something is writing at this moment.
pub const SETTLE_INTERVAL: Duration = Duration::from_millis(100);

/// Replaced files that are looked at, each an open descriptor and its text. When full, the next checkpoint waits: a
/// file forgotten early is a line lost on a busy machine. At one checkpoint in 400 ms there are five; the rest is for
/// people who save by hand.
const MAX_RETIRED: usize = 16;

/// Checkpoints in a row that give way to another writer. Then one goes through, so that a file that is written without
/// pause is saved at all.
const MAX_CONFLICTS: u32 = 3;

/// Looks in a row at which a file may seem half written before it is taken as it is.
const MAX_SETTLING: u32 = 10;

/// How often one checkpoint starts again because the file was touched or replaced under its hands.
const MAX_ATTEMPTS: usize = 5;

/// A file that changed this recently may change again without its times telling: 2 s is the coarsest clock of a file
/// system in use (FAT), and leaves room for a server whose clock differs a little.
const COARSEST_FILE_CLOCK: Duration = Duration::from_secs(2);

/// The file of one open document. Every method that takes it mutably blocks on the disk.
///
/// Safety: a checkpoint never destroys what another program wrote. It compares the file with what was last read or
/// written before it replaces it, exchanges old and new in one step, and keeps the old file open: what a writer that
/// had opened it already still adds there is found by [`DiskFile::recheck_retired`] and merged like any other change.
/// Liveness: a writer that never pauses holds a checkpoint up `MAX_CONFLICTS` times, then it is merged afterwards.
#[derive(Debug)]
pub struct DiskFile {
    workspace: Workspace,
    path: WorkspacePath,
    /// The text of the file as it was last read or written: what outside changes are measured against.
    base: String,
    format: Format,
    /// The state of the file that has this text; none while it is gone.
    known: Option<Known>,
    /// What a file created in its place should look like.
    attributes: Option<Metadata>,
    retired: Vec<Retired>,
    conflicts: u32,
    settling: u32,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    stamp: FileStamp,
    /// Whether the same stamp proves the same content, see [`COARSEST_FILE_CLOCK`].
    proves: Proves,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proves {
    Content,
    Nothing,
}

/// What something else did to the file. The caller merges the difference of the two texts into the document, which
/// keeps what was typed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideChange {
    /// The text that the difference starts from. Not always the document's.
    pub before: String,
    /// The text that the other wrote.
    pub after: String,
}

/// How the file stands to what was last read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Nothing changed.
    Same,
    /// Something else changed the text.
    Changed(OutsideChange),
    /// Something is writing it at this moment; ask again after [`SETTLE_INTERVAL`].
    Settling,
    /// Deleted, or replaced by something that is no file.
    Gone,
    /// It is there and is no text any more, or too large. Nothing is saved over it.
    NoLongerText(Fault),
}

/// How a checkpoint ended, if nothing failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// The text is on the disk.
    Saved {
        /// What others wrote at the very moment of saving, nearly always nothing: merge and save again.
        outside: Vec<OutsideChange>,
    },
    /// Nothing was written, something else had changed the file: merge and save again.
    Conflict(OutsideChange),
    /// Nothing was written, because something is writing the file at this moment or there were too many checkpoints in
    /// a short time: look at the retired files, and save again after [`SETTLE_INTERVAL`].
    Settling,
    /// Nothing was written, the file is gone.
    Gone,
}

/// What a checkpoint does when the file is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Say so: somebody deleted it, and only a person who saves wants it back.
    Report,
    /// Create it again, if its folder is still there.
    Create,
}

/// The file as it is now, opened.
struct Current {
    place: Place,
    file: File,
    metadata: Metadata,
    stamp: FileStamp,
}

/// What the file's content is to us.
enum Verdict {
    Same,
    Settling,
    NotText(WorkspaceError),
    Different(Decoded),
}

impl DiskFile {
    /// Reads a file that is being opened as a document.
    ///
    /// # Errors
    /// As [`Workspace::read_text`].
    pub fn load(workspace: &Workspace, path: &WorkspacePath) -> Result<(Self, FileText), WorkspaceError> {
        let place = workspace.target(Access::Read, path)?;
        let mut current = Current::open(place, path)?;
        let read_at = nanoseconds(time_of_day());
        let bytes = current.read(path)?;
        let Decoded { text, format } = encoding::decode(&bytes)
            .map_err(|_| WorkspaceError::Binary { path: path.clone(), bytes: bytes.len() as u64 })?;
        check_text_size(&text, path)?;
        let loaded = FileText { text: text.clone(), format: format.clone(), stamp: current.stamp };
        let file = Self {
            workspace: workspace.clone(),
            path: path.clone(),
            base: text,
            format,
            known: Some(Known::new(current.stamp, read_at)),
            attributes: Some(current.metadata),
            retired: Vec::new(),
            conflicts: 0,
            settling: 0,
        };
        Ok((file, loaded))
    }

    /// The file of a document that a journal brought back. `base` is what the file held when it was last read or
    /// written; what it holds now, the first look tells.
    pub fn restored(workspace: &Workspace, path: &WorkspacePath, base: String, format: Format) -> Self {
        Self {
            workspace: workspace.clone(),
            path: path.clone(),
            base,
            format,
            known: None,
            attributes: None,
            retired: Vec::new(),
            conflicts: 0,
            settling: 0,
        }
    }

    /// Where the file is.
    pub const fn path(&self) -> &WorkspacePath {
        &self.path
    }

    /// The file, or a folder above it, was renamed.
    pub fn moved(&mut self, to: WorkspacePath) {
        self.path = to;
    }

    /// The text of the file as it was last read or written.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How the file stores its text. Follows what the host's own tools make of it.
    pub const fn format(&self) -> &Format {
        &self.format
    }

    /// Reads the file in the encoding that a person chose. Gives its text, which is the base of all that comes.
    ///
    /// # Errors
    /// If the file can not be read, or the encoding does not give its bytes again. Nothing changed then.
    pub fn reopen(&mut self, encoding: Encoding) -> Result<String, WorkspaceError> {
        let mut current =
            self.open(Access::Read)?.ok_or_else(|| WorkspaceError::NotFound(self.path.clone()))?;
        let bytes = current.read(&self.path)?;
        let decoded = encoding::decode_in(&bytes, encoding, &self.format).ok_or_else(|| {
            WorkspaceError::EncodingMismatch { path: self.path.clone(), encoding: encoding.name() }
        })?;
        check_text_size(&decoded.text, &self.path)?;
        Ok(self.adopt(decoded, &current).after)
    }

    /// The next checkpoint writes the file in this encoding.
    ///
    /// # Errors
    /// If the encoding lacks a character of this text. Nothing changed then.
    pub fn want(&mut self, encoding: Encoding, text: &str) -> Result<(), WorkspaceError> {
        let format = Format { wanted: Some(encoding), ..self.format.clone() };
        self.encode(text, &format.carried(&self.base, text))?;
        self.format = format;
        Ok(())
    }

    /// Whether the actor may change this file; a link to something protected is as protected as that.
    ///
    /// # Errors
    /// [`WorkspaceError::Protected`], or why the path can not be resolved.
    pub fn check_writable(&self, actor: Actor) -> Result<(), WorkspaceError> {
        self.workspace.check_writable(actor, &self.path)
    }

    /// Looks whether something else changed the file. Costs a few system calls when nothing did for a while.
    ///
    /// # Errors
    /// If the file can not be read now: the document stays as it is.
    pub fn changed_outside(&mut self) -> Result<Outside, WorkspaceError> {
        let Some(mut current) = self.open(Access::Read)? else {
            self.known = None;
            return Ok(Outside::Gone);
        };
        match self.compare(&mut current)? {
            Verdict::Same => Ok(Outside::Same),
            Verdict::Settling => Ok(Outside::Settling),
            Verdict::NotText(error) => Ok(Outside::NoLongerText(error.into())),
            Verdict::Different(decoded) => Ok(Outside::Changed(self.adopt(decoded, &current))),
        }
    }

    /// Writes the document's text. `author` is a guest if a guest wrote any of what is new.
    ///
    /// # Errors
    /// If the file is read-only, protected or no text any more, or the disk is full or fails. The file is as it was
    /// then, and no temporary file is left.
    pub fn checkpoint(
        &mut self,
        text: &str,
        author: Actor,
        missing: Missing,
        now: Instant,
    ) -> Result<Checkpoint, WorkspaceError> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(done) = self.try_checkpoint(text, author, missing, now)? {
                return Ok(done);
            }
        }
        Ok(Checkpoint::Settling)
    }

    /// Whether a replaced file should still be looked at.
    pub fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Looks at the files that checkpoints replaced, and says what was written to them since. To be called a few times
    /// while [`Self::has_retired`]; what is older than [`RETIRED_WATCH`] at `now` is looked at for the last time.
    pub fn recheck_retired(&mut self, now: Instant) -> Vec<OutsideChange> {
        let path = &self.path;
        let mut changes = Vec::new();
        self.retired.retain_mut(|retired| {
            let last = now.saturating_duration_since(retired.since) >= RETIRED_WATCH;
            match retired.look(path) {
                Ok(change) => changes.extend(change),
                Err(error) if last => {
                    tracing::warn!(%path, %error, "what was written to a replaced file is not text");
                }
                // It may be in the middle of a character: looked at again.
                Err(_) => {}
            }
            !last
        });
        changes
    }

    /// `None`: the file was touched, replaced or deleted under our hands; nothing was written.
    fn try_checkpoint(
        &mut self,
        text: &str,
        author: Actor,
        missing: Missing,
        now: Instant,
    ) -> Result<Option<Checkpoint>, WorkspaceError> {
        let Some(mut current) = self.open(Access::Write(author))? else {
            self.known = None;
            return match missing {
                Missing::Report => Ok(Some(Checkpoint::Gone)),
                Missing::Create => self.try_create(text, author),
            };
        };
        let failed = |error| WorkspaceError::from_io(&self.path, error);
        let Current { place, metadata, .. } = &current;
        match platform::check_writable(&place.folder, &place.name, metadata) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            checked => checked.map_err(failed)?,
        }
        let giving_way = match self.compare(&mut current)? {
            Verdict::Same if text == self.base && self.format.wanted.is_none() => {
                self.conflicts = 0;
                return Ok(Some(Checkpoint::Saved { outside: self.recheck_retired(now) }));
            }
            Verdict::Same => true,
            Verdict::Settling => return Ok(Some(Checkpoint::Settling)),
            Verdict::NotText(error) => return Err(error),
            Verdict::Different(decoded) if self.conflicts < MAX_CONFLICTS => {
                self.conflicts += 1;
                return Ok(Some(Checkpoint::Conflict(self.adopt(decoded, &current))));
            }
            Verdict::Different(_) => false,
        };
        if self.retired.len() >= MAX_RETIRED {
            return Ok(Some(Checkpoint::Settling));
        }
        let failed = |error| WorkspaceError::from_io(&self.path, error);
        let format = self.format.carried(&self.base, text);
        let bytes = self.encode(text, &format)?;
        let mut temporary =
            Temporary::write(&current.place.folder, &bytes, Some(&current.metadata)).map_err(failed)?;
        // Writing took its time; look again, as late as possible.
        if !current.is_in_place() || giving_way && !current.is_untouched() {
            return Ok(None);
        }
        let written = temporary.stamp().map_err(failed)?;
        let merged = Merged { text: self.base.clone(), format: self.format.clone() };
        let Some(retired) = temporary.exchange(current, merged, now).map_err(failed)? else {
            return Ok(None);
        };
        let synced = temporary.sync_folder().map_err(failed);
        self.retired.push(retired);
        self.remember(text, format, written);
        synced?;
        Ok(Some(Checkpoint::Saved { outside: self.recheck_retired(now) }))
    }

    /// Creates the file again. `None`: something else just did.
    fn try_create(&mut self, text: &str, author: Actor) -> Result<Option<Checkpoint>, WorkspaceError> {
        let place = self.workspace.entry(Access::Write(author), &self.path)?;
        let failed = |error| WorkspaceError::from_io(&self.path, error);
        if let Ok(metadata) = place.folder.symlink_metadata(&place.name) {
            return match metadata {
                metadata if metadata.is_file() => Ok(None),
                metadata if metadata.is_dir() => Err(WorkspaceError::IsFolder(self.path.clone())),
                // What a link lacks can not be told from here: its target's folder may be gone, or lie outside.
                metadata if metadata.is_symlink() => Err(WorkspaceError::NotFound(self.path.clone())),
                _ => Err(WorkspaceError::SpecialFile(self.path.clone())),
            };
        }
        let format = self.format.carried(&self.base, text);
        let bytes = self.encode(text, &format)?;
        let mut temporary =
            Temporary::write(&place.folder, &bytes, self.attributes.as_ref()).map_err(failed)?;
        let written = temporary.stamp().map_err(failed)?;
        if !temporary.place(&place.name).map_err(failed)? {
            return Ok(None);
        }
        let synced = temporary.sync_folder().map_err(failed);
        self.remember(text, format, written);
        synced?;
        Ok(Some(Checkpoint::Saved { outside: Vec::new() }))
    }

    fn encode(&self, text: &str, format: &Format) -> Result<Vec<u8>, WorkspaceError> {
        if format.reading == Reading::WithMarks {
            return Err(WorkspaceError::Undecodable(self.path.clone()));
        }
        let bytes = encoding::encode(text, format).map_err(|error| WorkspaceError::Unencodable {
            path: self.path.clone(),
            character: error.character,
        })?;
        // A larger file could not be opened again. Text of UTF-16 and CRLF takes more bytes there than as UTF-8.
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let (bytes, limit) = (bytes.len() as u64, MAX_DOCUMENT_BYTES as u64);
            return Err(WorkspaceError::TextTooLarge { path: self.path.clone(), bytes, limit });
        }
        Ok(bytes)
    }

    /// Opens what the path leads to now; `None` if that is no file.
    fn open(&self, access: Access) -> Result<Option<Current>, WorkspaceError> {
        let current =
            self.workspace.target(access, &self.path).and_then(|place| Current::open(place, &self.path));
        match current {
            Ok(current) => Ok(Some(current)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tells what the content of the file is to us: by its stamp if that proves it, else by reading.
    fn compare(&mut self, current: &mut Current) -> Result<Verdict, WorkspaceError> {
        if self.known.is_some_and(|known| known.stamp == current.stamp && known.proves == Proves::Content) {
            return Ok(Verdict::Same);
        }
        let read_at = nanoseconds(time_of_day());
        let bytes = match current.read(&self.path) {
            Err(error @ WorkspaceError::FileTooLarge { .. }) => return Ok(Verdict::NotText(error)),
            bytes => bytes?,
        };
        // A text with marks gives no bytes.
        let decoded = if self.encode(&self.base, &self.format).is_ok_and(|same| same == bytes) {
            None
        } else {
            let decoded = encoding::decode_again(&bytes, &self.format);
            // A program that truncates a file and then writes it is not done: merging the half of it would tear the
            // text away under people's hands, and bring it back an instant later.
            let torn = decoded.as_ref().map_or(true, |Decoded { text, format }| {
                text.len() < self.base.len() || format.may_be_torn(&self.format)
            });
            let age = read_at.saturating_sub(current.stamp.mtime_ns);
            if torn && (0..nanoseconds(SETTLE_INTERVAL)).contains(&age) && self.settling < MAX_SETTLING {
                self.settling += 1;
                return Ok(Verdict::Settling);
            }
            match decoded {
                Ok(decoded) => Some(decoded),
                Err(_) => {
                    let error = WorkspaceError::Binary { path: self.path.clone(), bytes: bytes.len() as u64 };
                    return Ok(Verdict::NotText(error));
                }
            }
        };
        self.settling = 0;
        match decoded {
            Some(decoded) if decoded.text != self.base => {
                if let Err(error) = check_text_size(&decoded.text, &self.path) {
                    return Ok(Verdict::NotText(error));
                }
                Ok(Verdict::Different(decoded))
            }
            // The same text, perhaps with other line ends or in another encoding: kept from now on.
            same => {
                if let Some(Decoded { format, .. }) = same {
                    self.format = format;
                }
                self.known = Some(Known::new(current.stamp, read_at));
                self.attributes = Some(current.metadata.clone());
                Ok(Verdict::Same)
            }
        }
    }

    /// Takes what the file has now as the base of all that comes.
    fn adopt(&mut self, decoded: Decoded, current: &Current) -> OutsideChange {
        self.format = decoded.format;
        // The next look reads it again; by then it may have proved to be settled.
        self.known = Some(Known { stamp: current.stamp, proves: Proves::Nothing });
        self.attributes = Some(current.metadata.clone());
        let before = std::mem::replace(&mut self.base, decoded.text);
        OutsideChange { before, after: self.base.clone() }
    }

    /// After writing. The file is so young that its stamp proves nothing yet.
    fn remember(&mut self, text: &str, format: Format, stamp: FileStamp) {
        text.clone_into(&mut self.base);
        self.format = format;
        self.known = Some(Known { stamp, proves: Proves::Nothing });
        self.conflicts = 0;
        self.settling = 0;
    }
}

impl Known {
    fn new(stamp: FileStamp, read_at_ns: i128) -> Self {
        let age = read_at_ns.saturating_sub(stamp.mtime_ns.max(stamp.ctime_ns));
        let proves = if age > nanoseconds(COARSEST_FILE_CLOCK) { Proves::Content } else { Proves::Nothing };
        Self { stamp, proves }
    }
}

impl Current {
    fn open(place: Place, path: &WorkspacePath) -> Result<Self, WorkspaceError> {
        let (file, metadata) = place.open_file().map_err(|error| error.about(path))?;
        let stamp = FileStamp::of(&metadata);
        Ok(Self { place, file, metadata, stamp })
    }

    /// Reads the content, and once more if it changed meanwhile. Then the stamp is that of before the last reading, so
    /// that a content torn all the same is noticed at the next look.
    fn read(&mut self, path: &WorkspacePath) -> Result<Vec<u8>, WorkspaceError> {
        let failed = |error| WorkspaceError::from_io(path, error);
        let bytes = read_document(&mut self.file, path, self.stamp.len)?;
        let stamp = FileStamp::of(&self.file.metadata().map_err(failed)?);
        if stamp == self.stamp {
            return Ok(bytes);
        }
        self.stamp = stamp;
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        read_document(&mut self.file, path, stamp.len)
    }

    /// Whether the name still leads to this very file.
    fn is_in_place(&self) -> bool {
        let entry = self.place.folder.symlink_metadata(&self.place.name);
        entry.is_ok_and(|entry| FileStamp::of(&entry).inode == self.stamp.inode)
    }

    /// Whether nothing was done to the file since it was read.
    fn is_untouched(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| FileStamp::of(&metadata) == self.stamp)
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}
