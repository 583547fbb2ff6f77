//! Whether the session that ended suddenly is gone on with, and what becomes of what it left if it is not.
//!
//! A link, an admission or a grant of last month must not be good again without a word. So a session is gone on with for a
//! while only, or if the person asks for it. One that is not leaves no key behind; what it had of texts that no file has is
//! kept, see `kept.rs`. In this order: the keys go, each text is kept and then its journal goes. A crash in between is made
//! up for at the next beginning: journals without keys belong to a session that is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parlor_shared::path::WorkspacePath;
use tracing::warn;

use super::kept::{Held, KeptError, KeptText, KeptWhy};
use super::salvage::{Salvaged, salvage};
use super::{Identity, Journal, Restored, SessionState, StateError};
use crate::agent::disk_work;
use crate::agent::document::disk::DiskFile;
use crate::agent::document::encoding::{Format, decode};
use crate::agent::workspace::Workspace;

/// Whether a session that ended suddenly is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revival {
    /// However old it is.
    Always,
    /// If it lived not longer ago than this.
    Within(Duration),
    /// Never.
    Never,
}

/// Why a session is not gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRevived {
    /// It ended too long ago.
    TooOld,
    /// The person wants another one.
    Asked,
    /// Its keys are gone or damaged.
    NoKeys,
}

/// What became of the session that ended suddenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// There was none.
    None,
    /// It goes on.
    Revived {
        /// So long ago it was last alive.
        age: Duration,
    },
    /// It is over.
    NotRevived {
        /// So long ago it was last alive.
        age: Duration,
        /// Why it does not go on.
        why: NotRevived,
    },
}

/// What a session begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// What became of the one before.
    pub earlier: Earlier,
}

/// A part of a session's state that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsidePart {
    /// What it was: a document's path, where that is known.
    pub what: String,
    /// Where it is now.
    pub file: PathBuf,
    /// What was wrong with it.
    pub why: String,
}

impl SessionState {
    /// Decides whether the session that ended suddenly, if one did, goes on. To be called before anything else is asked of
    /// the state; later calls change nothing.
    ///
    /// # Errors
    /// If what it left can be neither used nor kept elsewhere: then it stays as it is.
    pub fn begin(&mut self, revival: Revival) -> Result<Beginning, StateError> {
        if let Some(beginning) = self.beginning {
            return Ok(beginning);
        }
        let age = self.age();
        let (has_keys, has_journals) =
            (fs::symlink_metadata(self.keys_file()).is_ok(), !self.journals()?.is_empty());
        let earlier = if !has_keys && !has_journals {
            // Nothing of it is worth a word, and nothing of it may come into the next one.
            self.clear()?;
            Earlier::None
        } else {
            let refused = match revival {
                _ if !has_keys => Some(NotRevived::NoKeys),
                Revival::Never => Some(NotRevived::Asked),
                Revival::Within(limit) if age > limit => Some(NotRevived::TooOld),
                Revival::Always | Revival::Within(_) => {
                    matches!(self.keys(), Err(_) | Ok(None)).then_some(NotRevived::NoKeys)
                }
            };
            match refused {
                None => Earlier::Revived { age },
                Some(why) => {
                    self.retire()?;
                    Earlier::NotRevived { age, why }
                }
            }
        };
        self.is_alive();
        let beginning = Beginning { earlier };
        self.beginning = Some(beginning);
        Ok(beginning)
    }

    /// How long ago the session was last alive. A clock that was set back makes it no younger than one that was set on: what
    /// counts is how far apart the times are.
    fn age(&self) -> Duration {
        let now = SystemTime::UNIX_EPOCH + disk_work::time_of_day();
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let metadata = entries.filter_map(|entry| entry.metadata().ok());
        // Not the socket of local programs, to which nobody writes.
        let written = metadata.filter(fs::Metadata::is_file).filter_map(|metadata| metadata.modified().ok());
        let apart = |then: SystemTime| now.duration_since(then).unwrap_or_else(|later| later.duration());
        written.max().map_or(Duration::ZERO, apart)
    }

    /// The session is over: its texts that no file has are kept, everything else of it goes.
    fn retire(&self) -> Result<(), StateError> {
        // Damaged or not: they are secret, and good for nothing any more.
        self.remove_part(&self.keys_file())?;
        // Where the folder itself can not be read, nothing can be compared: then every text that was unsaved is kept.
        let workspace = Workspace::open(&self.shared_folder).ok();
        for path in self.journals()? {
            if let Some(restored) = self.restore(&path)? {
                self.retire_document(&path, restored, workspace.as_ref())?;
            }
        }
        self.clear()
    }

    fn retire_document(
        &self,
        journal: &Path,
        restored: Restored,
        workspace: Option<&Workspace>,
    ) -> Result<(), StateError> {
        let Some(kept) = unsaved_text(&restored, workspace) else {
            restored.discard();
            return Ok(());
        };
        match self.kept.keep(&kept) {
            Ok(_) => restored.discard(),
            // Renaming needs no room.
            Err(error) => self.put_aside(journal, kept.path.as_str(), &error.to_string())?,
        }
        Ok(())
    }

    /// Reads a journal. One that can not be read is set aside, and so is a copy of one of which the end could not.
    pub(super) fn restore(&self, path: &Path) -> Result<Option<Restored>, StateError> {
        // Before it is opened, which cuts off what is damaged.
        let salvaged = || fs::read(path).ok().and_then(|bytes| salvage(&bytes));
        match Journal::restore(path) {
            Ok(restored) => {
                let copy = path.with_extension("damaged");
                if fs::symlink_metadata(&copy).is_ok() {
                    let salvaged = fs::read(&copy).ok().and_then(|bytes| salvage(&bytes));
                    let what = name_of(path, salvaged.as_ref());
                    self.keep_salvaged(path, salvaged, restored.as_ref());
                    self.put_aside(
                        &copy,
                        &what,
                        "the end of its journal was damaged; what stood before that is used",
                    )?;
                }
                Ok(restored)
            }
            Err(error) => {
                let salvaged = salvaged();
                let what = name_of(path, salvaged.as_ref());
                self.keep_salvaged(path, salvaged, None);
                self.put_aside(path, &what, &error.to_string())?;
                Ok(None)
            }
        }
    }

    /// Keeps what could be read of a damaged journal, unless what is gone on with has it.
    fn keep_salvaged(&self, journal: &Path, salvaged: Option<Salvaged>, restored: Option<&Restored>) {
        let Some(Salvaged { identity, text, saved }) = salvaged else { return };
        if text == saved || restored.is_some_and(|restored| restored.text.text() == text) {
            return;
        }
        let unnamed = || WorkspacePath::parse(&name_of(journal, None)).ok();
        let (path, format) = match identity {
            Some(Identity { path, format, .. }) => (Some(path), format),
            None => (unnamed(), Format::NEW),
        };
        let Some(path) = path else { return };
        let kept = KeptText { held: None, ..KeptText::of(&path, KeptWhy::Damaged, &text, &saved, &format) };
        let workspace = Workspace::open(&self.shared_folder).ok();
        if matches!(read_file(workspace.as_ref(), &path), OnDisk::Bytes(file) if file == kept.bytes) {
            return;
        }
        if let Err(error) = self.kept.keep(&kept) {
            // The journal itself is set aside, which needs no room: nothing is lost.
            warn!(%error, "what could be read of a damaged journal is not kept as a text");
        }
    }

    /// Puts a part of the state where the session does not touch it, and remembers that.
    pub(super) fn put_aside(&self, path: &Path, what: &str, why: &str) -> Result<(), StateError> {
        let aside = self.kept.set_aside(path).map_err(|error| self.not_kept(&error))?;
        warn!(what, why, file = %aside.file.display(), "a part of an earlier session was set aside");
        let part = SetAsidePart { what: what.to_owned(), file: aside.file, why: why.to_owned() };
        self.set_aside.lock().push(part);
        Ok(())
    }

    /// The session ended, and something of it could be kept in its journals alone: whoever shares the folder next finds it,
    /// and nobody's link is good any more.
    pub(in crate::agent) fn leave_journals(&self) {
        if let Err(error) = self.remove_part(&self.keys_file()) {
            warn!(%error, "the keys of a session that is over could not be removed");
        }
    }

    /// Removes what an earlier session left but for its lock.
    fn clear(&self) -> Result<(), StateError> {
        let unwritable = |error| StateError::Unwritable(self.folder.clone(), error);
        for entry in fs::read_dir(&self.folder).map_err(unwritable)? {
            let path = entry.map_err(unwritable)?.path();
            if path.file_name().is_none_or(|name| name != "lock") {
                self.remove_part(&path)?;
            }
        }
        Ok(())
    }

    fn remove_part(&self, path: &Path) -> Result<(), StateError> {
        let removed = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => return Ok(()),
        };
        removed.map_err(|error| StateError::Unwritable(path.to_owned(), error))
    }

    fn not_kept(&self, error: &KeptError) -> StateError {
        StateError::Unreadable(error.to_string(), self.folder.clone())
    }
}

/// What a person may know a journal's document by.
fn name_of(journal: &Path, salvaged: Option<&Salvaged>) -> String {
    let identity = salvaged.and_then(|salvaged| salvaged.identity.as_ref());
    identity.map_or_else(
        || format!("document-{}", journal.file_stem().unwrap_or_default().display()),
        |identity| identity.path.to_string(),
    )
}

enum OnDisk {
    Bytes(Vec<u8>),
    Gone,
    Unknown,
}

/// The text of a document that does not go on, unless its file has it or had it. A save that was torn is completed first.
fn unsaved_text(restored: &Restored, workspace: Option<&Workspace>) -> Option<KeptText> {
    let Identity { path, format, .. } = &restored.identity;
    let (text, saved) = (restored.text.text(), restored.disk_replica.text());
    let base = restored.holds.clone().unwrap_or_else(|| saved.clone());
    if text == saved {
        return None;
    }
    let written = restored.perhaps_written.as_ref();
    let unfinished = written.and_then(|written| written.unfinished(&base, format));
    if let (Some(workspace), Some(unfinished)) = (workspace, unfinished) {
        // Looking at the file completes it. If that fails the whole text is kept, which makes up for it.
        let mut file = DiskFile::restored(workspace, path, base, format.clone(), Some(unfinished));
        if let Err(error) = file.changed_outside() {
            warn!(%error, "a save that was torn could not be completed");
        }
    }
    let kept = KeptText::of(path, KeptWhy::NotRevived, &text, &saved, format);
    match read_file(workspace, path) {
        OnDisk::Gone => Some(KeptText { why: KeptWhy::Deleted, ..kept }),
        OnDisk::Unknown => Some(kept),
        OnDisk::Bytes(file) if file == kept.bytes => None,
        OnDisk::Bytes(file) => {
            let decoded = decode(&file).ok().map(|decoded| decoded.text);
            // The file has more than the journal: what went on without it was written.
            if decoded.as_ref().is_some_and(|file| restored.was_outrun(file)) {
                return None;
            }
            // That save was the last, if it came to the file.
            let is_written = written.is_some_and(|written| decoded == Some(written.replica.text()));
            Some(if is_written { KeptText { held: Some(Held::of(&file)), ..kept } } else { kept })
        }
    }
}

/// What a document's file holds.
fn read_file(workspace: Option<&Workspace>, path: &WorkspacePath) -> OnDisk {
    let Some(workspace) = workspace else { return OnDisk::Unknown };
    let mut reader = match workspace.read_bytes(path) {
        Ok(reader) => reader,
        Err(error) if error.is_gone() => return OnDisk::Gone,
        Err(_) => return OnDisk::Unknown,
    };
    let mut bytes = Vec::new();
    loop {
        match reader.next_chunk() {
            Ok(Some(chunk)) => bytes.extend(chunk),
            Ok(None) => return OnDisk::Bytes(bytes),
            Err(_) => return OnDisk::Unknown,
        }
    }
}
