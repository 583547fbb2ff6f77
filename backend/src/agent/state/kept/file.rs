//! The file of one kept text: a line of JSON that says what it is, then the bytes that the shared file would have.
//!
//! So a person needs no program to get at the text: everything behind the first line is it. The line begins with the CRC-32 of
//! all that follows. It may grow: a reader skips what it does not know, and [`VERSION`] rises only if an older
//! reader would be wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use parlor_shared::path::WorkspacePath;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::KeptError;
use crate::agent::state::log::private;

/// The layout that this build writes.
const VERSION: u32 = 1;

/// Longest line that says what a text is: two paths of 4 KiB, every byte of them escaped, and some more.
const MAX_HEAD_BYTES: u64 = 64 * 1024;

/// Largest text: 16 MiB of characters in the widest encoding, and each line end of two.
const MAX_TEXT_BYTES: u64 = 128 * 1024 * 1024;

/// Hexadecimal digits of the checksum, and the blank behind it.
const CHECKSUM_BYTES: usize = 9;

/// Why no file has a text. Append-only: the names stand in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptWhy {
    /// The file was deleted or moved away while people typed.
    Deleted,
    /// The disk refused to take it.
    NotSaved,
    /// The file was changed after a crash: nobody chose yet.
    ChangedAfterCrash,
    /// The session that held it was not gone on with.
    NotRevived,
    /// Its journal was damaged: this is what could be read.
    Damaged,
    /// The file could be written only half, and not restored.
    HalfWritten,
    /// It stood in the file that a person replaced by a kept text.
    Replaced,
    /// A newer build knows.
    #[serde(other)]
    Unknown,
}

/// What the file held when it was last read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The digest of its bytes.
    pub digest: [u8; 8],
    /// How many there were.
    pub bytes: u64,
}

impl Held {
    /// What these bytes come to.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; 8];
        digest.copy_from_slice(&Sha256::digest(bytes)[..8]);
        Self { digest, bytes: bytes.len() as u64 }
    }
}

/// A text that no file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText {
    /// The file that it belongs to.
    pub path: WorkspacePath,
    /// Why that does not have it.
    pub why: KeptWhy,
    /// The number of the fault that the disk answered with, if one did.
    pub fault: Option<u16>,
    /// When it was kept, in seconds since 1970.
    pub when: u64,
    /// How long the text is, in UTF-16 units.
    pub characters: u64,
    /// What the file would hold: in its encoding, with its line ends.
    pub bytes: Vec<u8>,
    /// What the file held at the last checkpoint.
    pub held: Option<Held>,
}

/// A kept text as its first line tells it.
pub(super) struct Listed {
    /// Without its bytes.
    pub(super) text: KeptText,
    /// How many those are.
    pub(super) bytes: u64,
    /// The folder that was shared.
    pub(super) shared_folder: PathBuf,
}

/// Why a file is no kept text.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is damaged, or something else.
    #[error("is damaged: what of it is readable stands behind its first line")]
    Damaged,
    /// A newer build wrote it.
    #[error(
        "was written by a newer Parlor (version {0}). Use that one, or read what stands behind its first line"
    )]
    Newer(u32),
    /// The disk refused.
    #[error("can not be read: {0}")]
    Disk(#[from] io::Error),
}

impl Unusable {
    pub(super) fn about(self, path: &Path) -> KeptError {
        match self {
            Self::Disk(error) => KeptError::Disk(path.to_owned(), error),
            other => KeptError::Unusable(path.to_owned(), other),
        }
    }
}

/// The first line, behind its checksum.
#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    /// For people; exact unless the next one is there.
    folder: String,
    /// A folder whose name is not UTF-8, as the system spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder_bytes: Option<Vec<u8>>,
    path: WorkspacePath,
    why: KeptWhy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<u16>,
    when: u64,
    characters: u64,
    bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

/// Only the version: a newer line may say everything else differently.
#[derive(Deserialize)]
struct HeadVersion {
    version: u32,
}

/// Writes a text in one step: after a crash there is what was there before, or all of this.
pub(super) fn write(path: &Path, text: &KeptText, shared_folder: &Path) -> io::Result<()> {
    let (folder, folder_bytes) = spelled(shared_folder);
    let head = Head {
        version: VERSION,
        folder,
        folder_bytes,
        path: text.path.clone(),
        why: text.why,
        fault: text.fault,
        when: text.when,
        characters: text.characters,
        bytes: text.bytes.len() as u64,
        held: text.held,
    };
    let mut line = serde_json::to_vec(&head).map_err(io::Error::other)?;
    line.push(b'\n');
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&line);
    checksum.update(&text.bytes);
    let checksum = format!("{:08x} ", checksum.finalize());
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    private(&mut options);
    let write = || {
        let mut file = options.open(&fresh)?;
        for part in [checksum.as_bytes(), &line, &text.bytes] {
            file.write_all(part)?;
        }
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().inspect_err(|_| {
        // What of it fitted takes room that the next attempt needs.
        let _ = fs::remove_file(&fresh);
    })?;
    sync_folder(path.parent().unwrap_or(path))
}

/// What a text is, without its bytes, and how many those are. The checksum is not looked at: that takes all of them.
pub(super) fn read_head(path: &Path) -> Result<Listed, Unusable> {
    let mut reader = BufReader::new(File::open(path)?);
    let (_, mut head) = head(&mut reader)?;
    let shared_folder = unspelled(std::mem::take(&mut head.folder), head.folder_bytes.take());
    let bytes = head.bytes;
    Ok(Listed { text: head.into_text(Vec::new()), bytes, shared_folder })
}

/// A text with its bytes, all of them.
pub(super) fn read(path: &Path) -> Result<KeptText, Unusable> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut line, head) = head(&mut reader)?;
    let mut bytes = Vec::new();
    reader.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes)?;
    let told = line.drain(..CHECKSUM_BYTES).collect::<Vec<_>>();
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&line);
    checksum.update(&bytes);
    if told != format!("{:08x} ", checksum.finalize()).into_bytes() || bytes.len() as u64 != head.bytes {
        return Err(Unusable::Damaged);
    }
    Ok(head.into_text(bytes))
}

/// The first line, as it stands and understood.
fn head(reader: &mut impl io::BufRead) -> Result<(Vec<u8>, Head), Unusable> {
    let mut line = Vec::new();
    reader.take(MAX_HEAD_BYTES).read_until(b'\n', &mut line)?;
    let json = line.get(CHECKSUM_BYTES..).ok_or(Unusable::Damaged)?;
    if !line.ends_with(b"\n") {
        return Err(Unusable::Damaged);
    }
    let HeadVersion { version } = serde_json::from_slice(json).map_err(|_| Unusable::Damaged)?;
    if version > VERSION {
        return Err(Unusable::Newer(version));
    }
    let head = serde_json::from_slice(json).map_err(|_| Unusable::Damaged)?;
    Ok((line, head))
}

impl Head {
    fn into_text(self, bytes: Vec<u8>) -> KeptText {
        KeptText {
            path: self.path,
            why: self.why,
            fault: self.fault,
            when: self.when,
            characters: self.characters,
            bytes,
            held: self.held,
        }
    }
}

#[cfg(unix)]
fn spelled(folder: &Path) -> (String, Option<Vec<u8>>) {
    use std::os::unix::ffi::OsStrExt as _;
    let exact = folder.to_str().is_none().then(|| folder.as_os_str().as_bytes().to_vec());
    (folder.display().to_string(), exact)
}

#[cfg(not(unix))]
fn spelled(folder: &Path) -> (String, Option<Vec<u8>>) {
    (folder.display().to_string(), None)
}

#[cfg(unix)]
fn unspelled(folder: String, exact: Option<Vec<u8>>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    exact.map_or_else(|| folder.into(), |exact| std::ffi::OsString::from_vec(exact).into())
}

#[cfg(not(unix))]
fn unspelled(folder: String, _exact: Option<Vec<u8>>) -> PathBuf {
    folder.into()
}

/// A new name is on the disk once its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
const fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
