//! A file of records that are only ever appended: what is in it survives the program's sudden end.
//!
//! `"PLRJ" ‖ version u16 ‖ records`; a record is `length u32 ‖ CRC-32 u32 ‖ payload`, little endian. A record counts once all
//! of it is there and its checksum fits: whatever a crash tore at the end is cut off at the next opening.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 4] = b"PLRJ";

/// The layout that this build writes; it reads the older ones as well. 2: journals tell of checkpoints that begin.
const VERSION: u16 = 2;

const HEADER_BYTES: usize = 6;
const RECORD_HEADER_BYTES: usize = 8;

/// Largest record: a whole document's state with its history's overhead.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// Why a log can not be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::agent) enum LogError {
    /// The file is no log.
    #[error("{} is no journal of Parlor", .0.display())]
    NotALog(PathBuf),
    /// A newer Parlor wrote it.
    #[error("{} was written by a newer Parlor (version {})", path.display(), version)]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The version it has.
        version: u16,
    },
    /// The disk refused.
    #[error("{} can not be used", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// What was found in a log.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::agent) struct Contents {
    /// Every whole record, oldest first.
    pub(in crate::agent) records: Vec<Vec<u8>>,
    /// Bytes behind the last whole record: torn by a crash, or damaged. They were cut off.
    pub(in crate::agent) cut_off: u64,
}

/// An open log.
#[derive(Debug)]
pub(in crate::agent) struct RecordLog {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl RecordLog {
    /// Creates an empty log, readable by its owner only. What stood there is gone.
    pub(in crate::agent) fn create(path: &Path) -> Result<Self, LogError> {
        let failed = |error| LogError::Io(path.to_owned(), error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true);
        private(&mut options);
        let mut file = options.open(path).map_err(failed)?;
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        file.write_all(&header).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, bytes: HEADER_BYTES as u64 })
    }

    /// Opens a log, or creates it, and reads what it has. What a crash tore is cut off; what is damaged in the middle is
    /// cut off with all behind it, and a copy of the whole file is kept beside it.
    pub(in crate::agent) fn open(path: &Path) -> Result<(Self, Contents), LogError> {
        let failed = |error| LogError::Io(path.to_owned(), error);
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let mut file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Self::create(path)?, Contents { records: Vec::new(), cut_off: 0 }));
            }
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let Contents { records, cut_off } = read(path, &bytes)?;
        let whole = bytes.len() as u64 - cut_off;
        if whole == 0 {
            // Torn while it was being created.
            return Ok((Self::create(path)?, Contents { records, cut_off }));
        }
        if cut_off > 0 {
            let copy = path.with_extension("damaged");
            // For a person who wants to look; the log goes on without it.
            if let Err(error) = fs::copy(path, &copy) {
                tracing::warn!(%error, "no copy of a damaged journal could be kept");
            }
            file.set_len(whole).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file, bytes: whole }, Contents { records, cut_off }))
    }

    /// Appends a record. When this returns, the end of this program no longer loses it; a power failure may.
    ///
    /// Safety: a record that could not be written whole is cut off again, so that what is appended later can be read.
    pub(in crate::agent) fn append(&mut self, payload: &[u8]) -> Result<(), LogError> {
        let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + payload.len());
        record.extend((payload.len() as u32).to_le_bytes());
        record.extend(crc32fast::hash(payload).to_le_bytes());
        record.extend(payload);
        if let Err(error) = self.file.write_all(&record) {
            let end = self.bytes;
            let _ = self.file.set_len(end).and_then(|()| self.file.seek(SeekFrom::Start(end)));
            return Err(LogError::Io(self.path.clone(), error));
        }
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Replaces everything by these records, in one step: after a crash there is the old log or the new one.
    pub(in crate::agent) fn rewrite<'a>(
        &mut self,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), LogError> {
        let path = self.path.clone();
        let failed = |error| LogError::Io(path.clone(), error);
        let mut fresh = Self::create(&path.with_extension("new"))?;
        for record in records {
            fresh.append(record)?;
        }
        fs::rename(&fresh.path, &path).map_err(failed)?;
        fresh.path = path;
        *self = fresh;
        Ok(())
    }

    /// How large the log is, in bytes.
    pub(in crate::agent) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes the log.
    pub(in crate::agent) fn remove(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, "a journal could not be removed");
        }
    }
}

/// What a log has, without touching it.
pub(super) fn inspect(path: &Path) -> Result<Contents, LogError> {
    let bytes = fs::read(path).map_err(|error| LogError::Io(path.to_owned(), error))?;
    read(path, &bytes)
}

/// What the bytes of a log hold. Never panics, whatever they are.
pub(in crate::agent) fn read(path: &Path, bytes: &[u8]) -> Result<Contents, LogError> {
    if bytes.len() < HEADER_BYTES && MAGIC.starts_with(&bytes[..bytes.len().min(4)]) {
        return Ok(Contents { records: Vec::new(), cut_off: bytes.len() as u64 });
    }
    if bytes.len() < HEADER_BYTES || &bytes[..4] != MAGIC {
        return Err(LogError::NotALog(path.to_owned()));
    }
    let version = u16::from_le_bytes([bytes[4], bytes[5]]);
    if version > VERSION {
        return Err(LogError::Newer { path: path.to_owned(), version });
    }
    let (records, whole) = parse(&bytes[HEADER_BYTES..]);
    Ok(Contents { records, cut_off: (bytes.len() - HEADER_BYTES - whole) as u64 })
}

/// The whole records at the beginning, and how many bytes they take.
fn parse(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some((header, rest)) = bytes[at..].split_at_checked(RECORD_HEADER_BYTES) {
        let (length, checksum) = header.split_at(4);
        let number = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let length = number(length) as usize;
        let Some(payload) = rest.get(..length).filter(|_| length <= MAX_RECORD_BYTES) else { break };
        if crc32fast::hash(payload) != number(checksum) {
            break;
        }
        records.push(payload.to_vec());
        at += RECORD_HEADER_BYTES + length;
    }
    (records, at)
}

#[cfg(unix)]
pub(super) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(super) fn private(_: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_with(records: &[&[u8]]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let (mut log, contents) = RecordLog::open(&path).unwrap();
        assert_eq!(contents.records.len(), 0);
        for record in records {
            log.append(record).unwrap();
        }
        (folder, path)
    }

    fn read(path: &Path) -> Contents {
        RecordLog::open(path).unwrap().1
    }

    #[test]
    fn what_was_appended_is_read_back_in_order() {
        let (_folder, path) = log_with(&[b"one", b"", b"three"]);
        assert_eq!(read(&path).records, [b"one".to_vec(), b"".to_vec(), b"three".to_vec()]);
        let (mut log, _) = RecordLog::open(&path).unwrap();
        log.append(b"four").unwrap();
        assert_eq!(read(&path).records.len(), 4);
    }

    #[test]
    fn a_log_torn_at_any_byte_keeps_every_whole_record() {
        let (_folder, path) = log_with(&[b"one", b"two"]);
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            let file = File::create(&path).unwrap();
            (&file).write_all(&whole[..end]).unwrap();
            let expected = match end {
                0..17 => 0,
                17..28 => 1,
                _ => 2,
            };
            assert_eq!(read(&path).records.len(), expected, "cut at {end}");
            let (mut log, _) = RecordLog::open(&path).unwrap();
            log.append(b"later").unwrap();
            assert_eq!(read(&path).records.last().unwrap(), b"later");
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed_and_what_was_there_is_kept_aside() {
        let (_folder, path) = log_with(&[b"one", b"two", b"three"]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[26] ^= 1;
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        let contents = read(&path);
        assert_eq!(contents.records, [b"one".to_vec()]);
        assert!(contents.cut_off > 0);
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), bytes);
    }

    #[test]
    fn newer_and_foreign_files_are_left_alone() {
        let (_folder, path) = log_with(&[b"one"]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[4] = 9;
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        assert!(matches!(RecordLog::open(&path), Err(LogError::Newer { version: 9, .. })));
        File::create(&path).unwrap().write_all(b"something else").unwrap();
        assert!(matches!(RecordLog::open(&path), Err(LogError::NotALog(_))));
        assert_eq!(fs::read(&path).unwrap(), b"something else");
    }

    #[test]
    fn rewriting_replaces_everything_at_once() {
        let (_folder, path) = log_with(&[b"one", b"two"]);
        let (mut log, _) = RecordLog::open(&path).unwrap();
        log.rewrite([&b"both"[..]]).unwrap();
        log.append(b"more").unwrap();
        assert_eq!(read(&path).records, [b"both".to_vec(), b"more".to_vec()]);
    }
}
