//! What a session keeps on the host's disk until it ends in order: its keys, its participants, its documents' journals.
//!
//! It lies under the platform's state folder, readable by its owner only, never in the shared folder. Ending in order
//! removes it; after a sudden end the next sharing of the same folder finds it and may be the same session again, see
//! `state/revival.rs`. What of it can not be read is set aside, and the rest is used: one bad byte refuses no session.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use parlor_shared::id::DocumentId;
use parlor_shared::invite::Invite;
use parlor_shared::role::Role;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_util::task::TaskTracker;
use tracing::warn;

mod disk_replica;
mod journal;
pub mod kept;
mod log;
mod numbers;
mod people;
mod revival;
mod salvage;
mod survey;
mod writer;

pub(super) use disk_replica::DiskReplica;
#[doc(hidden)]
pub use journal::fuzz_journal;
pub(super) use journal::{Announcer, Identity, Journal, PerhapsOutrun, PerhapsWritten, Restored};
pub(super) use log::LogError;
pub(super) use numbers::{DocumentIds, TerminalIds};
pub(super) use people::{KeptParticipant, KeptPeople, People, PersonRecord};
pub use revival::{Beginning, Earlier, NotRevived, Revival, SetAsidePart};
pub use survey::{KeptJournal, KeptSession, KeptState, survey};
#[doc(hidden)]
pub use writer::StalledDisk;

use kept::KeptTexts;
use log::{Contents, RecordLog, private};

use super::disk_work;
use super::keys::SessionKeys;

/// Why a session's state can not be kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another agent shares the same folder.
    #[error("this folder is being shared already, by another parlor. End that one first, or send its links")]
    AlreadyShared,
    /// The platform names no folder for states.
    #[error("there is no folder for what must survive a crash. Name one in PARLOR_STATE_DIR")]
    NoFolder,
    /// The state folder can not be used.
    #[error("{} can not be written, and what must survive a crash is kept there. Make it writable, or name another folder in PARLOR_STATE_DIR", .0.display())]
    Unwritable(PathBuf, #[source] io::Error),
    /// The state can not be read.
    #[error("{} can not be read", .0.display())]
    NotReadable(PathBuf, #[source] io::Error),
    /// There is no session whose state lies there.
    #[error("no session is kept in {}", .0.display())]
    NoSession(PathBuf),
    /// What an earlier session left can not be used.
    #[error("what an earlier session left can not be used: {0}. Remove {folder} to begin anew", folder = .1.display())]
    Unreadable(String, PathBuf),
}

/// What a session is recognised by after a restart.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct KeptKeys {
    pub(super) owner_seed: [u8; 32],
    pub(super) identity: [u8; 32],
    pub(super) secrets: Vec<(Role, [u8; 16])>,
    /// The port that the links name.
    pub(super) port: u16,
}

/// One session's folder of state. Holds a lock that ends with the process.
#[derive(Debug)]
pub struct SessionState {
    folder: PathBuf,
    shared_folder: PathBuf,
    /// Locked as long as this lives, or a thread that writes here. Its time says when the session was last alive, see
    /// [`SessionState::is_alive`].
    lock: Arc<File>,
    kept: KeptTexts,
    /// What became of the session that ended suddenly, once that is decided.
    beginning: Option<Beginning>,
    /// What of the state could not be read so far.
    set_aside: Mutex<Vec<SetAsidePart>>,
    /// Threads that write to it.
    writers: TaskTracker,
}

impl SessionState {
    /// The platform's folder for states, or what `PARLOR_STATE_DIR` names.
    ///
    /// # Errors
    /// If there is none.
    pub fn root() -> Result<PathBuf, StateError> {
        if let Some(folder) = std::env::var_os("PARLOR_STATE_DIR").filter(|folder| !folder.is_empty()) {
            return Ok(folder.into());
        }
        let folders = directories::ProjectDirs::from("", "", "parlor").ok_or(StateError::NoFolder)?;
        Ok(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
    }

    /// Takes the state of the session of a shared folder; `root` is where states lie.
    ///
    /// # Errors
    /// If another agent has it, or it can not be written.
    pub fn open(root: &Path, shared_folder: &Path) -> Result<Self, StateError> {
        let unwritable = |error| StateError::Unwritable(root.to_owned(), error);
        let shared_folder = shared_folder.canonicalize().map_err(unwritable)?;
        let folder = root.join("sessions").join(session_name(&shared_folder));
        create_private(&folder).map_err(unwritable)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        private(&mut options);
        let lock = options.open(folder.join("lock")).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                kept: KeptTexts::new(root, &shared_folder),
                folder,
                shared_folder,
                lock: Arc::new(lock),
                beginning: None,
                set_aside: Mutex::default(),
                writers: TaskTracker::new(),
            }),
            Err(TryLockError::WouldBlock) => Err(StateError::AlreadyShared),
            Err(TryLockError::Error(error)) => Err(unwritable(error)),
        }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of all states, in which it lies.
    pub(super) fn states(&self) -> &Path {
        // It was made below two folders.
        self.folder.ancestors().nth(2).unwrap_or(&self.folder)
    }

    /// The port that the links of the session name that ended suddenly, if one did.
    pub fn port(&self) -> Option<u16> {
        self.keys().ok().flatten().map(|keys| keys.port)
    }

    /// The keys of the session that ended suddenly, if one did.
    pub(super) fn keys(&self) -> Result<Option<KeptKeys>, StateError> {
        match fs::read(self.keys_file()) {
            Ok(bytes) => match KeptKeys::read(&bytes) {
                Some(keys) => Ok(Some(keys)),
                None => Err(StateError::Unreadable("its keys are damaged".to_owned(), self.folder.clone())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::NotReadable(self.keys_file(), error)),
        }
    }

    /// The session lives: to be called now and then. What is found after a sudden end is as old as the last call.
    pub(super) fn is_alive(&self) {
        // Where that is refused the files that are written anyway tell.
        let _ = self.lock.set_modified(SystemTime::UNIX_EPOCH + disk_work::time_of_day());
    }

    /// The texts that are kept of the shared folder, beyond any session.
    pub fn kept(&self) -> &KeptTexts {
        &self.kept
    }

    /// What of the state could not be read so far, and where it is now.
    pub fn set_aside_parts(&self) -> Vec<SetAsidePart> {
        self.set_aside.lock().clone()
    }

    /// Keeps the keys: in one step, after a crash they are there or not.
    pub(super) fn keep_keys(&self, keys: &KeptKeys) -> Result<(), StateError> {
        let bytes = keys.bytes();
        let fresh = self.folder.join("keys.new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        private(&mut options);
        let write = || {
            let mut file = options.open(&fresh)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&fresh, self.keys_file())
        };
        write().map_err(|error| StateError::Unwritable(self.folder.clone(), error))
    }

    /// Opens a log of the session. One that can not be used is set aside, and an empty one takes its place.
    fn log(&self, file: &str, what: &str) -> Result<(RecordLog, Contents, Completeness), StateError> {
        let path = self.folder.join(file);
        let (opened, mut completeness) = match RecordLog::open(&path) {
            Ok(opened) => (opened, Completeness::Whole),
            Err(error) => {
                self.put_aside(&path, what, &error.to_string())?;
                (RecordLog::open(&path).map_err(|error| self.unreadable(&error))?, Completeness::Lacking)
            }
        };
        let (log, contents) = opened;
        if contents.cut_off > 0 {
            completeness = Completeness::Lacking;
            let copy = path.with_extension("damaged");
            if copy.exists() {
                self.put_aside(&copy, what, "its end was damaged; what stood before that is used")?;
            }
        }
        Ok((log, contents, completeness))
    }

    /// Where a document's journal is.
    pub(super) fn journal_path(&self, document: DocumentId) -> PathBuf {
        self.folder.join(format!("{document}.journal"))
    }

    /// The documents that were open. What a journal can not tell any more is set aside, and kept as a text as far as it can
    /// be read.
    pub(super) fn documents(&self) -> Result<Vec<Restored>, StateError> {
        let mut restored = Vec::new();
        for path in self.journals()? {
            restored.extend(self.restore(&path)?);
        }
        Ok(restored)
    }

    /// Where the journals are.
    fn journals(&self) -> Result<Vec<PathBuf>, StateError> {
        let unreadable = |error| StateError::NotReadable(self.folder.clone(), error);
        let mut journals = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "journal") {
                journals.push(path);
            }
        }
        // The order in a folder is the file system's; what comes of it should be the same everywhere.
        journals.sort();
        Ok(journals)
    }

    /// Waits until all is written that was to be kept. Whoever keeps something must be gone.
    pub(super) async fn written(&self) {
        self.writers.close();
        self.writers.wait().await;
    }

    /// The session ended in order: nothing of it is needed any more.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            warn!(%error, "the session's state could not be removed");
        }
    }

    fn keys_file(&self) -> PathBuf {
        self.folder.join("keys")
    }

    fn no_thread(&self, error: io::Error) -> StateError {
        StateError::Unwritable(self.folder.clone(), error)
    }

    fn unreadable(&self, error: &LogError) -> StateError {
        StateError::Unreadable(error.to_string(), self.folder.clone())
    }
}

/// Whether a log still had all that was written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// It had.
    Whole,
    /// Something of it was torn or damaged: nobody knows what.
    Lacking,
}

impl KeptKeys {
    /// As they stand in the file: with a checksum, for a key with another bit is another key, and no link would fit.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = postcard::to_stdvec(self).expect("keys hold only what postcard encodes");
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads such a file; one that an older build wrote has no checksum. Nothing if it is damaged.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (keys, rest) = postcard::take_from_bytes(bytes).ok()?;
        let whole = &bytes[..bytes.len() - rest.len()];
        (rest.is_empty() || rest == crc32fast::hash(whole).to_le_bytes()).then_some(keys)
    }
}

/// The name under which the state of a shared folder lies; the folder's path is canonical.
pub fn session_name(shared_folder: &Path) -> String {
    let digest = Sha256::digest(shared_folder.as_os_str().as_encoded_bytes());
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The host's own invite of the session whose state lies in this folder, without an origin: for programs of the host that
/// reach the agent by its socket.
///
/// # Errors
/// If there is no session, or its keys can not be read.
pub fn host_invite(folder: &Path) -> Result<Invite, StateError> {
    let unreadable = |why: &str| StateError::Unreadable(why.to_owned(), folder.to_owned());
    let bytes = fs::read(folder.join("keys")).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StateError::NoSession(folder.to_owned()),
        _ => StateError::NotReadable(folder.to_owned(), error),
    })?;
    let kept = KeptKeys::read(&bytes).ok_or_else(|| unreadable("its keys are damaged"))?;
    let keys =
        SessionKeys::restore(&kept, &[Role::Host]).map_err(|_| unreadable("there is no randomness"))?;
    let invite = keys.links("").into_iter().next();
    invite.map(|(_, invite)| invite).ok_or_else(|| unreadable("it has no link for the host"))
}

/// Makes a folder, and those above it, that only their owner reads.
///
/// # Errors
/// If the system refuses.
pub fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::numbers::RESERVED_IDS;
    use super::*;

    /// Waits until nothing is written any more. What writes must be gone.
    pub(super) fn close(state: SessionState) {
        state.writers.close();
        while !state.writers.is_empty() {
            std::thread::yield_now();
        }
    }

    /// Waits until the disk took or refused what is to be kept.
    fn settle(people: &People) {
        if let Some(kept) = people.kept() {
            kept.blocking_recv().unwrap();
        }
    }

    #[test]
    fn one_folder_has_one_agent_and_the_lock_goes_with_it() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = SessionState::open(root.path(), shared.path()).unwrap();
        assert!(matches!(SessionState::open(root.path(), shared.path()), Err(StateError::AlreadyShared)));
        let other = tempfile::tempdir().unwrap();
        assert!(SessionState::open(root.path(), other.path()).is_ok());
        drop(first);
        assert!(SessionState::open(root.path(), shared.path()).is_ok());
    }

    #[test]
    fn keys_and_people_come_back_and_are_gone_after_an_orderly_end() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = SessionState::open(root.path(), shared.path()).unwrap();
        assert!(state.keys().unwrap().is_none());
        let keys = KeptKeys {
            owner_seed: [1; 32],
            identity: [2; 32],
            secrets: vec![(Role::Editor, [3; 16])],
            port: 4242,
        };
        state.keep_keys(&keys).unwrap();
        let (mut people, before) = state.people().unwrap();
        assert!(before.records.is_empty());
        people.keep(&PersonRecord::Banned([9; 32]));
        drop(people);
        close(state);

        let state = SessionState::open(root.path(), shared.path()).unwrap();
        assert_eq!(state.keys().unwrap().unwrap().port, 4242);
        let (people, before) = state.people().unwrap();
        assert_eq!(before.records, [PersonRecord::Banned([9; 32])]);
        drop(people);
        state.remove();
        close(state);
        assert!(SessionState::open(root.path(), shared.path()).unwrap().keys().unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn what_the_disk_refused_of_people_and_names_is_made_up_for() {
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = SessionState::open(root.path(), shared.path()).unwrap();
        let ((mut people, _), mut ids) = (state.people().unwrap(), state.document_ids().unwrap());
        let away = root.path().join("away");
        fs::rename(state.folder(), &away).unwrap();
        people.keep(&PersonRecord::Banned([1; 32]));
        settle(&people);
        let in_order = (1..=RESERVED_IDS).map(DocumentId);
        assert!(in_order.clone().eq((1..=RESERVED_IDS).map(|_| ids.next())), "they were reserved before");
        let at_random = ids.next();
        assert!(at_random.0 >= 1 << 31);
        fs::rename(&away, state.folder()).unwrap();
        people.keep(&PersonRecord::Banned([2; 32]));
        settle(&people);
        // At the next wish, and by itself after some time.
        while ids.next().0 >= 1 << 31 {
            std::thread::yield_now();
        }
        let both = [PersonRecord::Banned([1; 32]), PersonRecord::Banned([2; 32])];
        assert_eq!(state.people().unwrap().1.records, both);
        assert!(state.document_ids().unwrap().next() > DocumentId(RESERVED_IDS + 1));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (root, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let state = SessionState::open(root.path(), shared.path()).unwrap();
        let keys = KeptKeys { owner_seed: [1; 32], identity: [2; 32], secrets: vec![], port: 1 };
        state.keep_keys(&keys).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state.folder), mode(&state.keys_file())), (0o700, 0o600));
    }
}
