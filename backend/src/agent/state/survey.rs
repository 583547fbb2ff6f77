//! What lies in the folder of states, looked at without changing anything: for `parlor doctor`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{KeptKeys, log};

/// A session's state: of one that runs, or of one that ended suddenly.
#[derive(Debug)]
pub struct KeptSession {
    /// Where it lies.
    pub folder: PathBuf,
    /// Whether an agent has it now.
    pub is_running: bool,
    /// Whether it holds what a session is recognised by; nothing but a lock is what an orderly end may leave.
    pub keys: KeptState,
    /// When something in it was written last.
    pub changed: Option<SystemTime>,
    /// The journals of its open documents.
    pub journals: Vec<KeptJournal>,
    /// Files and folders that others than their owner may read or write.
    pub exposed: Vec<PathBuf>,
}

/// How a part of a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptState {
    /// It is not there.
    Missing,
    /// It can be read.
    Whole,
    /// It can not.
    Damaged,
}

/// A document's journal.
#[derive(Debug)]
pub struct KeptJournal {
    /// Where it is.
    pub path: PathBuf,
    /// How many records it has, or why it can not be used.
    pub records: Result<usize, String>,
    /// Bytes behind the last whole record: torn by a sudden end, or damaged.
    pub torn_bytes: u64,
}

/// Every session's state below a folder of states; the name of a folder is the session's of [`super::session_name`].
///
/// # Errors
/// If the folder can not be read.
pub fn survey(root: &Path) -> io::Result<Vec<KeptSession>> {
    let mut sessions = Vec::new();
    let entries = match fs::read_dir(root.join("sessions")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sessions),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let folder = entry?.path();
        if folder.is_dir() {
            sessions.push(look_at(folder)?);
        }
    }
    sessions.sort_by(|one, other| one.folder.cmp(&other.folder));
    Ok(sessions)
}

fn look_at(folder: PathBuf) -> io::Result<KeptSession> {
    let keys = match fs::read(folder.join("keys")) {
        Ok(bytes) if KeptKeys::read(&bytes).is_some() => KeptState::Whole,
        Ok(_) => KeptState::Damaged,
        Err(error) if error.kind() == io::ErrorKind::NotFound => KeptState::Missing,
        Err(_) => KeptState::Damaged,
    };
    let is_running = is_locked(&folder.join("lock"));
    let (mut journals, mut exposed, mut changed) = (Vec::new(), Vec::new(), None);
    if is_exposed(&folder) {
        exposed.push(folder.clone());
    }
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        // An agent may just be removing it.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        changed = changed.max(metadata.modified().ok());
        if is_exposed(&path) {
            exposed.push(path.clone());
        }
        if path.extension().is_some_and(|extension| extension == "journal") {
            let (records, torn_bytes) = match log::inspect(&path) {
                // A running agent may be in the middle of a record.
                Ok(contents) => (Ok(contents.records.len()), if is_running { 0 } else { contents.cut_off }),
                Err(error) => (Err(error.to_string()), 0),
            };
            journals.push(KeptJournal { path, records, torn_bytes });
        }
    }
    Ok(KeptSession { folder, is_running, keys, changed, journals, exposed })
}

/// Whether an agent holds the lock. It is asked for and given back at once.
fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
const fn is_exposed(_: &Path) -> bool {
    false
}
