//! A file of records that are only ever appended: what is in it survives the program's sudden end.
//!
//! `"PLRJ" ‖ version u16 ‖ written [u8; 8] ‖ begun [u8; 8] ‖ records`; a record is `length u32 ‖ CRC-32 u32 ‖ payload`, little
//! endian. A record counts once all of it is there and its checksum fits: whatever a crash tore at the end is cut off at the
//! next opening. The highest bit of the version says that something went on without this log, and the two fields behind it
//! what: see [`Outrun`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 4] = b"PLRJ";

/// The layout that this build writes; it reads the older ones as well. 2: journals tell of checkpoints that begin. 3: the
/// header tells what went on without the log. 4: journals hold each line's end.
const VERSION: u16 = 4;

/// Added to the version of a log that something went on without.
const OUTRUN: u16 = 0x8000;

/// Where in the file that bit is; what the log lacks is told behind it.
const OUTRUN_AT: u64 = 5;

const HEADER_BYTES: usize = 22;

/// Before version 3.
const OLD_HEADER_BYTES: usize = 6;
const RECORD_HEADER_BYTES: usize = 8;

/// Largest record: a whole document's state with its history's overhead.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// Bytes that are summed up at most in the search for whole records.
const MOST_SUMMED_BYTES: u64 = 512 * 1024 * 1024;

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
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct Contents {
    /// Every whole record, oldest first.
    pub(in crate::agent) records: Vec<Vec<u8>>,
    /// Bytes behind the last whole record: torn by a crash, or damaged. They were cut off.
    pub(in crate::agent) cut_off: u64,
    /// Something went on that the records may lack.
    pub(in crate::agent) outrun: Option<Outrun>,
}

/// Checkpoints that began while a journal took nothing any more, by the digests of the texts that they were to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::agent) struct Outrun {
    /// The last that came to the file.
    pub(in crate::agent) written: Option<[u8; 8]>,
    /// One that has begun and whose end is not known.
    pub(in crate::agent) begun: Option<[u8; 8]>,
}

impl Outrun {
    /// What is known of it from a log that has no room to tell: no text has this digest.
    const UNKNOWN: Self = Self { written: None, begun: Some([0; 8]) };

    fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.written.unwrap_or_default());
        bytes[8..].copy_from_slice(&self.begun.unwrap_or_default());
        bytes
    }

    fn read(bytes: &[u8]) -> Self {
        let digest = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).ok().filter(|digest| *digest != [0; 8]);
        Self { written: digest(&bytes[..8]), begun: digest(&bytes[8..16]) }
    }
}

/// An open log.
#[derive(Debug)]
pub(in crate::agent) struct RecordLog {
    path: PathBuf,
    file: Arc<File>,
    /// Which file it is, where the system tells: asked once, since every record is checked against it.
    place: Option<Place>,
    bytes: u64,
    /// Whether its header has room for an [`Outrun`].
    tells: bool,
    /// Whether the disk has its name.
    is_named: bool,
}

/// Forces a log to the disk, while others go on appending to it.
#[derive(Debug)]
pub(in crate::agent) struct LogSync {
    file: Arc<File>,
    /// The folder, if the disk may not have the log's name.
    folder: Option<PathBuf>,
}

impl LogSync {
    /// When this returns, a power failure does not lose what was appended before [`RecordLog::sync`].
    pub(in crate::agent) fn run(&self) -> io::Result<()> {
        self.file.sync_data()?;
        match &self.folder {
            Some(folder) => sync_folder(folder),
            None => Ok(()),
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Device and number of a file.
type Place = (u64, u64);

#[cfg(unix)]
fn place(file: &fs::Metadata) -> Option<Place> {
    use std::os::unix::fs::MetadataExt as _;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn place(_file: &fs::Metadata) -> Option<Place> {
    None
}

impl RecordLog {
    fn new(path: &Path, file: File, bytes: u64) -> io::Result<Self> {
        let place = place(&file.metadata()?);
        Ok(Self { path: path.to_owned(), file: Arc::new(file), place, bytes, tells: true, is_named: false })
    }

    /// Creates an empty log, readable by its owner only. What stood there is gone.
    pub(in crate::agent) fn create(path: &Path) -> Result<Self, LogError> {
        let failed = |error| LogError::Io(path.to_owned(), error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true);
        private(&mut options);
        let mut file = options.open(path).map_err(failed)?;
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend(Outrun::default().bytes());
        file.write_all(&header).map_err(failed)?;
        Self::new(path, file, HEADER_BYTES as u64).map_err(failed)
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
                return Ok((Self::create(path)?, Contents::default()));
            }
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let contents = read(path, &bytes)?;
        let cut_off = contents.cut_off;
        let whole = bytes.len() as u64 - cut_off;
        if whole == 0 {
            // Torn while it was being created.
            return Ok((Self::create(path)?, contents));
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
        let mut log = Self::new(path, file, whole).map_err(failed)?;
        log.tells = header_bytes(version_of(&bytes)) == HEADER_BYTES;
        Ok((log, contents))
    }

    /// Appends a record. When this returns, the end of this program no longer loses it; a power failure may.
    ///
    /// Safety: a record that could not be written whole is cut off again, so that what is appended later can be read. A log
    /// whose name no longer leads to it, because its folder was removed or replaced, takes nothing: nobody would find it.
    pub(in crate::agent) fn append(&mut self, payload: &[u8]) -> Result<(), LogError> {
        let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + payload.len());
        record.extend((payload.len() as u32).to_le_bytes());
        record.extend(crc32fast::hash(payload).to_le_bytes());
        record.extend(payload);
        if let Err(error) = self.check_place().and_then(|()| (&*self.file).write_all(&record)) {
            let end = self.bytes;
            let _ = self.file.set_len(end).and_then(|()| (&*self.file).seek(SeekFrom::Start(end)));
            return Err(LogError::Io(self.path.clone(), error));
        }
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Begins a log with these records, in one step: after a crash there is what stood there before, or this.
    pub(in crate::agent) fn replace<'a>(
        path: &Path,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, LogError> {
        let failed = |error| LogError::Io(path.to_owned(), error);
        let mut fresh = Self::create(&path.with_extension("new"))?;
        let mut records = records.into_iter();
        let written = records.try_for_each(|record| fresh.append(record));
        if let Err(error) = written.and_then(|()| fs::rename(&fresh.path, path).map_err(failed)) {
            // What of it fitted takes room that the next attempt needs.
            fresh.remove();
            return Err(error);
        }
        (fresh.path, fresh.is_named) = (path.to_owned(), false);
        Ok(fresh)
    }

    /// Marks the log: from now on this goes on that it lacks. It takes nothing afterwards, but may be marked again. Needs no
    /// room on the disk: bytes that are there are written over.
    pub(in crate::agent) fn mark(&mut self, outrun: Outrun) -> Result<(), LogError> {
        let [_, high] = (VERSION | OUTRUN).to_le_bytes();
        let mut mark = vec![high];
        if self.tells {
            mark.extend(outrun.bytes());
        }
        let mut file = &*self.file;
        let marked = file.seek(SeekFrom::Start(OUTRUN_AT)).and_then(|_| file.write_all(&mark));
        marked.map_err(|error| LogError::Io(self.path.clone(), error))
    }

    /// Empties the log, or removes it. It takes nothing afterwards.
    pub(in crate::agent) fn void(&mut self) -> Result<(), LogError> {
        let voided = self.file.set_len(0).or_else(|_| fs::remove_file(&self.path));
        voided.map_err(|error| LogError::Io(self.path.clone(), error))
    }

    /// What forces all that was appended so far to the disk. It takes its time, and needs no access to the log.
    pub(in crate::agent) fn sync(&self) -> LogSync {
        let folder = if self.is_named { None } else { self.path.parent().map(Path::to_owned) };
        LogSync { file: Arc::clone(&self.file), folder }
    }

    /// Such a [`LogSync`] was carried out.
    pub(in crate::agent) fn synced(&mut self) {
        self.is_named = true;
    }

    /// Whether the log's name leads to it.
    fn check_place(&self) -> io::Result<()> {
        let there = fs::metadata(&self.path)?;
        if place(&there) == self.place { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// How large the log is, in bytes.
    pub(in crate::agent) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes the log. Where its name can not be removed, what it held is.
    pub(in crate::agent) fn remove(&self) {
        let emptied = self.file.set_len(0);
        if let Err(error) = fs::remove_file(&self.path).and(emptied) {
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
    let torn = || Ok(Contents { cut_off: bytes.len() as u64, ..Contents::default() });
    if bytes.len() < OLD_HEADER_BYTES && MAGIC.starts_with(&bytes[..bytes.len().min(4)]) {
        return torn();
    }
    if bytes.len() < OLD_HEADER_BYTES || &bytes[..4] != MAGIC {
        return Err(LogError::NotALog(path.to_owned()));
    }
    let version = version_of(bytes);
    if version > VERSION {
        return Err(LogError::Newer { path: path.to_owned(), version });
    }
    let header = header_bytes(version);
    let Some(behind) = bytes.get(header..) else { return torn() };
    let is_outrun = bytes[OUTRUN_AT as usize] & OUTRUN.to_le_bytes()[1] != 0;
    let outrun = is_outrun.then(|| match header {
        HEADER_BYTES => Outrun::read(&bytes[OLD_HEADER_BYTES..HEADER_BYTES]),
        _ => Outrun::UNKNOWN,
    });
    let (records, whole) = parse(behind);
    Ok(Contents { records, cut_off: (behind.len() - whole) as u64, outrun })
}

/// The version of a log that has at least [`OLD_HEADER_BYTES`]; 0 of a shorter one.
fn version_of(bytes: &[u8]) -> u16 {
    bytes.get(4..6).map_or(0, |version| u16::from_le_bytes([version[0], version[1]])) & !OUTRUN
}

const fn header_bytes(version: u16) -> usize {
    if version < 3 { OLD_HEADER_BYTES } else { HEADER_BYTES }
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

/// Every whole record, wherever it begins: for what a person may still want of a damaged log. A record that holds others is
/// found as one.
pub(super) fn whole_records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut at = 0;
    // Looking at every byte, by chance one in a few is a length that fits: what may be summed up is bounded.
    let mut budget = MOST_SUMMED_BYTES;
    while at + RECORD_HEADER_BYTES < bytes.len() && budget > 0 {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (length, begin) = (number(at) as usize, at + RECORD_HEADER_BYTES);
        let payload = bytes.get(begin..begin.saturating_add(length)).filter(|_| length > 0);
        if let Some(payload) = payload {
            budget = budget.saturating_sub(length as u64);
            if crc32fast::hash(payload) == number(at + 4) {
                records.push(payload.to_vec());
                at = begin + length;
                continue;
            }
        }
        at += 1;
    }
    records
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
                0..33 => 0,
                33..44 => 1,
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
        bytes[42] ^= 1;
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
    fn a_mark_says_that_something_went_on_without_the_log_and_a_fresh_one_has_none() {
        let (_folder, path) = log_with(&[b"one"]);
        let (mut log, contents) = RecordLog::open(&path).unwrap();
        assert_eq!(contents.outrun, None);
        for (written, begun) in [(None, None), (None, Some([1; 8])), (Some([2; 8]), None)] {
            let outrun = Outrun { written, begun };
            log.mark(outrun).unwrap();
            let expected = Contents { records: vec![b"one".to_vec()], cut_off: 0, outrun: Some(outrun) };
            assert_eq!(read(&path), expected);
        }
        RecordLog::replace(&path, [&b"two"[..]]).unwrap();
        assert_eq!(read(&path), Contents { records: vec![b"two".to_vec()], ..Contents::default() });
    }

    #[test]
    fn a_log_of_the_older_layout_is_gone_on_with_and_its_mark_touches_no_record() {
        let (_folder, path) = log_with(&[b"one"]);
        let bytes = fs::read(&path).unwrap();
        let old = [&MAGIC[..], &[2, 0], &bytes[HEADER_BYTES..]].concat();
        File::create(&path).unwrap().write_all(&old).unwrap();
        let (mut log, contents) = RecordLog::open(&path).unwrap();
        assert_eq!(contents.records, [b"one".to_vec()]);
        log.append(b"two").unwrap();
        log.mark(Outrun { written: Some([1; 8]), begun: None }).unwrap();
        let contents = read(&path);
        assert_eq!(contents.records, [b"one".to_vec(), b"two".to_vec()]);
        assert_eq!(contents.outrun, Some(Outrun::UNKNOWN));
    }

    #[cfg(unix)]
    #[test]
    fn a_log_whose_folder_is_another_takes_nothing() {
        let (folder, path) = log_with(&[b"one"]);
        let (mut log, _) = RecordLog::open(&path).unwrap();
        fs::rename(&path, folder.path().join("away")).unwrap();
        log.append(b"two").unwrap_err();
        File::create(&path).unwrap();
        log.append(b"two").unwrap_err();
        fs::rename(folder.path().join("away"), &path).unwrap();
        log.append(b"three").unwrap();
        assert_eq!(read(&path).records, [b"one".to_vec(), b"three".to_vec()]);
    }

    #[test]
    fn rewriting_replaces_everything_at_once() {
        let (_folder, path) = log_with(&[b"one", b"two"]);
        let mut log = RecordLog::replace(&path, [&b"both"[..]]).unwrap();
        log.append(b"more").unwrap();
        assert_eq!(read(&path).records, [b"both".to_vec(), b"more".to_vec()]);
    }
}
