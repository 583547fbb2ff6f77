//! Texts that no file has: kept until a person restores or discards them.
//!
//! They lie beside the sessions' folders, in `kept/NAME`, where `NAME` is the session's of [`session_name`]: the end of a
//! session does not touch them. Each text is one file, see `kept/file.rs`; what of a session could not be read is set aside
//! as it is, in files that end in `.unreadable`. Every text says which folder was shared, so that it is found
//! after that folder was moved.
//!
//! All of this blocks: it is for threads that may.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parlor_shared::path::WorkspacePath;
use sha2::{Digest as _, Sha256};

use super::{create_private, session_name};
use crate::agent::disk_work;
use crate::agent::document::encoding::{Format, encode};

mod file;

use file::Listed;
pub use file::{Held, KeptText, KeptWhy, Unusable};

/// Texts that are kept of one folder. As many as there may be documents, and room for two sessions.
pub const MAX_KEPT_TEXTS: usize = 2048;

/// Bytes of the texts that are kept of one folder.
pub const MAX_KEPT_BYTES: u64 = 1024 * 1024 * 1024;

/// What a kept text's file ends in.
const TEXT: &str = "text";

/// What the name of something ends in that could not be read.
const UNREADABLE: &str = "unreadable";

/// Hexadecimal digits of a text's name.
const ID_DIGITS: usize = 10;

/// What a kept text is called: it comes of where it belongs and of what it says, so the same text is kept once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeptId(String);

impl KeptId {
    fn of(session: &str, text: &KeptText) -> Self {
        let mut digest = Sha256::new();
        // No path has a NUL: two different pairs are never the same bytes.
        for part in [session.as_bytes(), &[0], text.path.as_str().as_bytes(), &[0], &text.bytes] {
            digest.update(part);
        }
        let mut digits: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        digits.truncate(ID_DIGITS);
        Self(digits)
    }

    /// Whether a person who types this may mean it.
    pub fn begins_with(&self, typed: &str) -> bool {
        !typed.is_empty() && self.0.starts_with(&typed.to_ascii_lowercase())
    }
}

impl std::fmt::Display for KeptId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a text could not be kept, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The bounds are reached. What is kept already stays: nobody was asked whether it may go.
    #[error(
        "{MAX_KEPT_TEXTS} texts or {} MB are kept of this folder already, in {folder}. Restore or discard some, see \
         `parlor rescue list`",
        MAX_KEPT_BYTES / 1_000_000, folder = .0.display()
    )]
    Full(PathBuf),
    /// The disk refused.
    #[error("{} can not be used: {}", .0.display(), .1)]
    Disk(PathBuf, #[source] io::Error),
    /// The file is there and is no kept text that this build reads.
    #[error("{} {}", .0.display(), .1)]
    Unusable(PathBuf, #[source] Unusable),
}

/// Something that is kept.
#[derive(Debug)]
pub struct KeptEntry {
    /// What it is called.
    pub id: KeptId,
    /// Where it lies.
    pub file: PathBuf,
    /// The text, without its bytes; or why it can not be read.
    pub text: Result<KeptText, KeptError>,
    /// How long the text is, as its file would be.
    pub bytes: u64,
    /// The folder that was shared, where it was then. Nothing if the text can not be read.
    pub shared_folder: Option<PathBuf>,
}

/// Part of a session that could not be read, put where nothing removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it lies.
    pub file: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
}

/// The texts that are kept of one shared folder. `new` does nothing; every other function uses the disk.
#[derive(Debug, Clone)]
pub struct KeptTexts {
    folder: PathBuf,
    session: String,
    shared_folder: PathBuf,
}

impl KeptTexts {
    /// Those of a shared folder, whose path is canonical; `root` is where states lie.
    pub fn new(root: &Path, shared_folder: &Path) -> Self {
        let session = session_name(shared_folder);
        Self { folder: root.join("kept").join(&session), session, shared_folder: shared_folder.to_owned() }
    }

    /// Those of every folder of which something is kept.
    ///
    /// # Errors
    /// If the folder of states can not be read.
    pub fn everywhere(root: &Path) -> Result<Vec<Self>, KeptError> {
        let kept = root.join("kept");
        let failed = |error| KeptError::Disk(kept.clone(), error);
        let entries = match fs::read_dir(&kept) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let folder = entry.map_err(failed)?.path();
            let Some(session) = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            if !folder.is_dir() {
                continue;
            }
            let mut texts = Self { folder, session, shared_folder: PathBuf::new() };
            let entries = texts.list()?;
            // Each text says it; the folder's own name is but a digest of it.
            texts.shared_folder =
                entries.into_iter().find_map(|entry| entry.shared_folder).unwrap_or_default();
            all.push(texts);
        }
        all.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(all)
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder that was shared; empty if nothing that is kept says it.
    pub fn shared_folder(&self) -> &Path {
        &self.shared_folder
    }

    /// Keeps a text. When this returns it is on the disk, whole; a crash before leaves what was there. A text that is kept
    /// already is not kept twice.
    ///
    /// # Errors
    /// If the disk refuses, or the bounds are reached: then the caller leaves the text where it was and says so.
    pub fn keep(&self, text: &KeptText) -> Result<KeptId, KeptError> {
        let id = KeptId::of(&self.session, text);
        let path = self.path(&id);
        create_private(&self.folder).map_err(|error| KeptError::Disk(self.folder.clone(), error))?;
        let others = self.list()?.into_iter().filter(|entry| entry.id != id);
        let (count, bytes) =
            others.fold((0, 0_u64), |(count, bytes), entry| (count + 1, bytes.saturating_add(entry.bytes)));
        if count >= MAX_KEPT_TEXTS || bytes.saturating_add(text.bytes.len() as u64) > MAX_KEPT_BYTES {
            return Err(KeptError::Full(self.folder.clone()));
        }
        file::write(&path, text, &self.shared_folder)
            .map_err(|error| KeptError::Disk(path.clone(), error))?;
        Ok(id)
    }

    /// What is kept, oldest first.
    ///
    /// # Errors
    /// If the folder can not be read; a single text that can not be read says so in its place.
    pub fn list(&self) -> Result<Vec<KeptEntry>, KeptError> {
        let mut entries = Vec::new();
        for file in self.files(TEXT)? {
            let Some(id) = file.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else {
                continue;
            };
            let id = KeptId(id);
            entries.push(match file::read_head(&file) {
                Ok(Listed { text, bytes, shared_folder }) => {
                    KeptEntry { id, file, text: Ok(text), bytes, shared_folder: Some(shared_folder) }
                }
                Err(error) => {
                    let bytes = fs::symlink_metadata(&file).map_or(0, |metadata| metadata.len());
                    KeptEntry { id, text: Err(error.about(&file)), file, bytes, shared_folder: None }
                }
            });
        }
        let order = |entry: &KeptEntry| {
            let text = entry.text.as_ref().ok();
            (text.map(|text| (text.when, text.path.clone())), entry.id.clone())
        };
        entries.sort_by_key(order);
        Ok(entries)
    }

    /// A text with its bytes.
    ///
    /// # Errors
    /// If it is not there, or not whole.
    pub fn read(&self, id: &KeptId) -> Result<KeptText, KeptError> {
        let path = self.path(id);
        file::read(&path).map_err(|error| error.about(&path))
    }

    /// Removes a text, for good.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn remove(&self, id: &KeptId) -> Result<(), KeptError> {
        let path = self.path(id);
        fs::remove_file(&path).map_err(|error| KeptError::Disk(path, error))?;
        // The last one takes its folder along; one that is not empty stays, and so it should.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// Takes a file of a session that can not be read out of that session's folder, as it is. Needs no room on the disk.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn set_aside(&self, file: &Path) -> Result<SetAside, KeptError> {
        let failed = |error| KeptError::Disk(file.to_owned(), error);
        create_private(&self.folder).map_err(|error| KeptError::Disk(self.folder.clone(), error))?;
        let name = file.file_name().unwrap_or_default().display().to_string();
        let seconds = disk_work::time_of_day().as_secs();
        let mut count = 0_u32;
        let target = loop {
            let target = self.folder.join(match count {
                0 => format!("{seconds}-{name}.{UNREADABLE}"),
                _ => format!("{seconds}-{count}-{name}.{UNREADABLE}"),
            });
            if fs::symlink_metadata(&target).is_err() {
                break target;
            }
            count += 1;
        };
        fs::rename(file, &target).map_err(failed)?;
        let bytes = fs::symlink_metadata(&target).map_or(0, |metadata| metadata.len());
        Ok(SetAside { file: target, bytes })
    }

    /// What was set aside, oldest first.
    ///
    /// # Errors
    /// If the folder can not be read.
    pub fn list_set_aside(&self) -> Result<Vec<SetAside>, KeptError> {
        let files = self.files(UNREADABLE)?.into_iter();
        Ok(files
            .map(|file| {
                let bytes = fs::symlink_metadata(&file).map_or(0, |metadata| metadata.len());
                SetAside { file, bytes }
            })
            .collect())
    }

    /// The files with this ending, by name.
    fn files(&self, ending: &str) -> Result<Vec<PathBuf>, KeptError> {
        let failed = |error| KeptError::Disk(self.folder.clone(), error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == ending) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    fn path(&self, id: &KeptId) -> PathBuf {
        self.folder.join(format!("{id}.{TEXT}"))
    }
}

impl KeptText {
    /// This text of a document, which no file has; the file had `saved` of it, stored as `format` says. A text for which the
    /// encoding has no bytes is kept in UTF-8.
    pub fn of(path: &WorkspacePath, why: KeptWhy, text: &str, saved: &str, format: &Format) -> Self {
        Self {
            path: path.clone(),
            why,
            fault: None,
            when: seconds_now(),
            characters: text.encode_utf16().count() as u64,
            bytes: encode(text, &format.carried(saved, text)).unwrap_or_else(|_| text.as_bytes().to_vec()),
            held: encode(saved, format).ok().map(|bytes| Held::of(&bytes)),
        }
    }
}

/// The time of day, as kept texts tell it.
pub fn seconds_now() -> u64 {
    disk_work::time_of_day().as_secs()
}

/// How long ago that was; a time to come is now.
pub fn age(when: u64) -> Duration {
    Duration::from_secs(seconds_now().saturating_sub(when))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &str, bytes: &[u8]) -> KeptText {
        KeptText {
            path: WorkspacePath::parse(path).unwrap(),
            why: KeptWhy::Deleted,
            fault: None,
            when: 1_800_000_000,
            characters: bytes.len() as u64,
            bytes: bytes.to_vec(),
            held: Some(Held::of(b"before\n")),
        }
    }

    fn store(root: &Path) -> KeptTexts {
        KeptTexts::new(root, Path::new("/home/ann/project"))
    }

    #[test]
    fn a_text_is_there_again_byte_for_byte_until_it_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let kept = store(root.path());
        assert!(kept.list().unwrap().is_empty());
        let bytes = b"\xff\xfea\0\r\0\n\0 not UTF-8 \xfe\n{\"a\":1}\n";
        let id = kept.keep(&text("src/a.txt", bytes)).unwrap();
        let entries = store(root.path()).list().unwrap();
        assert_eq!((entries.len(), &entries[0].id, entries[0].bytes), (1, &id, bytes.len() as u64));
        let head = entries[0].text.as_ref().unwrap();
        assert_eq!((head.path.as_str(), head.why, head.bytes.len()), ("src/a.txt", KeptWhy::Deleted, 0));
        assert_eq!(kept.read(&id).unwrap(), text("src/a.txt", bytes));
        kept.remove(&id).unwrap();
        assert!(kept.list().unwrap().is_empty());
        assert!(matches!(kept.read(&id), Err(KeptError::Disk(..))));
        assert!(!kept.folder().exists(), "the last one takes its folder along");
    }

    #[test]
    fn the_same_text_is_kept_once_and_another_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let kept = store(root.path());
        let first = kept.keep(&text("a.txt", b"one")).unwrap();
        let later = KeptText { when: 1_800_000_001, why: KeptWhy::NotRevived, ..text("a.txt", b"one") };
        assert_eq!(kept.keep(&later).unwrap(), first);
        assert_eq!(kept.list().unwrap().len(), 1);
        assert_ne!(kept.keep(&text("a.txt", b"two")).unwrap(), first);
        assert_ne!(kept.keep(&text("b.txt", b"one")).unwrap(), first);
        assert_eq!(kept.list().unwrap().len(), 3);
    }

    #[test]
    fn a_text_is_found_by_whoever_does_not_know_where_the_folder_went() {
        let root = tempfile::tempdir().unwrap();
        store(root.path()).keep(&text("a.txt", b"one")).unwrap();
        let all = KeptTexts::everywhere(root.path()).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].shared_folder(), Path::new("/home/ann/project"));
        assert_eq!(all[0].list().unwrap().len(), 1);
    }

    #[test]
    fn a_text_is_torn_or_damaged_at_any_byte_without_taking_the_others_along() {
        let root = tempfile::tempdir().unwrap();
        let kept = store(root.path());
        let id = kept.keep(&text("a.txt", b"one\ntwo\n")).unwrap();
        let other = kept.keep(&text("b.txt", b"other")).unwrap();
        let path = kept.path(&id);
        let whole = fs::read(&path).unwrap();
        let put = |bytes: &[u8]| {
            let mut file = fs::File::create(&path).unwrap();
            io::Write::write_all(&mut file, bytes).unwrap();
        };
        for end in 0..whole.len() {
            put(&whole[..end]);
            assert!(kept.read(&id).is_err(), "cut at {end}");
            assert_eq!(kept.list().unwrap().len(), 2);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x04;
            put(&damaged);
            assert!(kept.read(&id).is_err(), "flipped at {at}");
            assert_eq!(kept.list().unwrap().len(), 2);
            assert_eq!(kept.read(&other).unwrap().bytes, b"other");
        }
    }

    #[test]
    fn a_write_that_a_crash_cut_off_leaves_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let kept = store(root.path());
        let id = kept.keep(&text("a.txt", b"one")).unwrap();
        // What a crash in the midst of keeping it again leaves beside it.
        fs::copy(kept.path(&id), kept.path(&id).with_extension("new")).unwrap();
        assert_eq!(kept.list().unwrap().len(), 1);
        kept.keep(&text("a.txt", b"one")).unwrap();
        assert_eq!(kept.read(&id).unwrap().bytes, b"one");
        assert!(!kept.path(&id).with_extension("new").exists());
    }

    #[test]
    fn beyond_the_bounds_nothing_goes_and_the_caller_is_told() {
        let root = tempfile::tempdir().unwrap();
        let kept = store(root.path());
        let first = kept.keep(&text("a.txt", b"one")).unwrap();
        let bytes = fs::read(kept.path(&first)).unwrap();
        for number in 1..MAX_KEPT_TEXTS {
            let mut file = fs::File::create(kept.folder().join(format!("{number:010x}.text"))).unwrap();
            io::Write::write_all(&mut file, &bytes).unwrap();
        }
        let error = kept.keep(&text("b.txt", b"two")).unwrap_err();
        assert!(error.to_string().contains("parlor rescue list"), "{error}");
        assert_eq!(kept.keep(&text("a.txt", b"one")).unwrap(), first, "what is there already needs no room");
        assert_eq!(kept.list().unwrap().len(), MAX_KEPT_TEXTS);
    }

    #[test]
    fn what_can_not_be_read_is_set_aside_as_it_is_under_a_name_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let kept = store(root.path());
        for content in ["one", "two"] {
            let path = root.path().join("7.journal");
            let mut file = fs::File::create(&path).unwrap();
            io::Write::write_all(&mut file, content.as_bytes()).unwrap();
            let aside = kept.set_aside(&path).unwrap();
            assert_eq!(fs::read_to_string(&aside.file).unwrap(), content);
            assert!(!path.exists());
        }
        let folder = root.path().join("8.journal");
        fs::create_dir(&folder).unwrap();
        kept.set_aside(&folder).unwrap();
        assert_eq!(kept.list_set_aside().unwrap().len(), 3);
        assert!(kept.list().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it_and_a_folder_of_any_name_is_told_exactly() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let folder = Path::new(std::ffi::OsStr::from_bytes(b"/home/ann/\xff"));
        let kept = KeptTexts::new(root.path(), folder);
        let id = kept.keep(&text("a.txt", b"one")).unwrap();
        assert_eq!(kept.list().unwrap()[0].shared_folder.as_deref(), Some(folder));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(kept.folder()), mode(&kept.path(&id))), (0o700, 0o600));
    }
}
