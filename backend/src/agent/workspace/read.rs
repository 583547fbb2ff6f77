//! Reading files: text for editing together, bytes for viewing.

use std::io::{self, Read as _};

use cap_fs_ext::{FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{File, Metadata, OpenOptions};
use parlor_shared::limits::{FILE_CHUNK_BYTES, MAX_DOCUMENT_BYTES, MAX_VIEWED_FILE_BYTES};
use parlor_shared::path::WorkspacePath;

use super::{Access, Place, Workspace, WorkspaceError};
use crate::agent::document::encoding::{self, Decoded, Format};

/// What tells one state of a file from another without reading it. Equal stamps mean equal content, unless the last
/// change is so recent that the file system's clock could not tell two changes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Size in bytes.
    pub len: u64,
    /// Last change of the content, in nanoseconds since 1970, as the file says; tools may set it.
    pub mtime_ns: i128,
    /// Last change of content or attributes, in nanoseconds since 1970, kept by the system alone. 0 where there is none.
    pub ctime_ns: i128,
    /// Which file it is: another one after it was replaced by renaming.
    pub inode: u64,
}

impl FileStamp {
    /// What the metadata says.
    pub(in crate::agent) fn of(metadata: &Metadata) -> Self {
        let (mtime_ns, ctime_ns) = super::platform::times(metadata);
        Self { len: metadata.len(), mtime_ns, ctime_ns, inode: metadata.ino() }
    }
}

/// A text file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileText {
    /// The text; every line ends in `\n`.
    pub text: String,
    /// How the file stores it.
    pub format: Format,
    /// The state of the file from which the text was read.
    pub stamp: FileStamp,
}

impl Workspace {
    /// Reads a text file.
    ///
    /// # Errors
    /// If it is missing, not a regular file, protected, too large, not readable or not text.
    pub fn read_text(&self, path: &WorkspacePath) -> Result<FileText, WorkspaceError> {
        let place = self.target(Access::Read, path)?;
        let (mut file, metadata) = place.open_file().map_err(|error| error.about(path))?;
        let bytes = read_document(&mut file, path, metadata.len())?;
        let Decoded { text, format } = encoding::decode(&bytes)
            .map_err(|_| WorkspaceError::Binary { path: path.clone(), bytes: bytes.len() as u64 })?;
        check_text_size(&text, path)?;
        Ok(FileText { text, format, stamp: FileStamp::of(&metadata) })
    }

    /// Reads all that a file holds, if it is small enough to be a document.
    ///
    /// # Errors
    /// If it is missing, not a regular file, protected, too large or not readable.
    pub(in crate::agent) fn read_whole(&self, path: &WorkspacePath) -> Result<Vec<u8>, WorkspaceError> {
        let place = self.target(Access::Read, path)?;
        let (mut file, metadata) = place.open_file().map_err(|error| error.about(path))?;
        read_document(&mut file, path, metadata.len())
    }

    /// Opens a file for sending it as it is, in chunks.
    ///
    /// # Errors
    /// If it is missing, not a regular file, protected, too large or not readable.
    pub fn read_bytes(&self, path: &WorkspacePath) -> Result<FileReader, WorkspaceError> {
        let place = self.target(Access::Read, path)?;
        let (file, metadata) = place.open_file().map_err(|error| error.about(path))?;
        check_size(path, metadata.len(), MAX_VIEWED_FILE_BYTES)?;
        Ok(FileReader { file, path: path.clone(), total: metadata.len(), offset: 0 })
    }

    /// The state of what a path leads to, without reading it; `None` if nothing is there.
    ///
    /// # Errors
    /// If the path is protected or leads outside, or the system denies it.
    pub fn stamp(&self, path: &WorkspacePath) -> Result<Option<FileStamp>, WorkspaceError> {
        let metadata = if path.is_root() {
            self.inner.root.dir_metadata().map_err(|error| WorkspaceError::from_io(path, error))
        } else {
            self.target(Access::Read, path).and_then(|place| {
                place
                    .folder
                    .symlink_metadata(&place.name)
                    .map_err(|error| WorkspaceError::from_io(path, error))
            })
        };
        match metadata {
            Ok(metadata) => Ok(Some(FileStamp::of(&metadata))),
            Err(WorkspaceError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A file that is being sent as it is.
#[derive(Debug)]
pub struct FileReader {
    file: File,
    path: WorkspacePath,
    total: u64,
    offset: u64,
}

impl FileReader {
    /// The file's size when it was opened: as many bytes are delivered, or an error.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The next piece, [`FILE_CHUNK_BYTES`] long unless it is the last; `None` after the last.
    ///
    /// # Errors
    /// If the file became shorter meanwhile, or the disk fails.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let wanted = (self.total - self.offset).min(FILE_CHUNK_BYTES as u64);
        if wanted == 0 {
            return Ok(None);
        }
        let mut chunk = Vec::new();
        read_at_most(&mut self.file, &mut chunk, wanted)
            .map_err(|error| WorkspaceError::from_io(&self.path, error))?;
        if (chunk.len() as u64) < wanted {
            return Err(WorkspaceError::ChangedWhileRead(self.path.clone()));
        }
        self.offset += wanted;
        Ok(Some(chunk))
    }
}

/// Why a [`Place`] could not be opened: it does not know by which path it was asked for.
#[derive(Debug)]
pub(in crate::agent) enum PlaceError {
    IsFolder,
    Special,
    Io(io::Error),
}

impl PlaceError {
    pub(in crate::agent) fn about(self, path: &WorkspacePath) -> WorkspaceError {
        match self {
            Self::IsFolder => WorkspaceError::IsFolder(path.clone()),
            Self::Special => WorkspaceError::SpecialFile(path.clone()),
            Self::Io(error) => WorkspaceError::from_io(path, error),
        }
    }
}

impl Place {
    /// Opens a regular file for reading.
    ///
    /// It is looked at before it is opened, because opening alone can disturb a device, and afterwards, because it may
    /// have been replaced. Opening never blocks, as a pipe would until somebody writes.
    pub(in crate::agent) fn open_file(&self) -> Result<(File, Metadata), PlaceError> {
        regular(self.folder.symlink_metadata(&self.name).map_err(PlaceError::Io)?)?;
        let mut options = OpenOptions::new();
        options.read(true).nonblock(true).follow(FollowSymlinks::No);
        let file = self.folder.open_with(&self.name, &options).map_err(PlaceError::Io)?;
        let metadata = regular(file.metadata().map_err(PlaceError::Io)?)?;
        Ok((file, metadata))
    }
}

fn regular(metadata: Metadata) -> Result<Metadata, PlaceError> {
    if metadata.is_file() {
        Ok(metadata)
    } else if metadata.is_dir() {
        Err(PlaceError::IsFolder)
    } else {
        Err(PlaceError::Special)
    }
}

/// The whole file, if it is small enough to be a document. `len` is what it claims; it may have grown since.
pub(in crate::agent) fn read_document(
    file: &mut File,
    path: &WorkspacePath,
    len: u64,
) -> Result<Vec<u8>, WorkspaceError> {
    let limit = MAX_DOCUMENT_BYTES as u64;
    check_size(path, len, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
    read_at_most(file, &mut bytes, limit + 1).map_err(|error| WorkspaceError::from_io(path, error))?;
    check_size(path, bytes.len() as u64, limit)?;
    Ok(bytes)
}

/// Every encoding but UTF-8 has characters that take more bytes as UTF-8, which is how the text is kept and sent.
pub(in crate::agent) fn check_text_size(text: &str, path: &WorkspacePath) -> Result<(), WorkspaceError> {
    check_size(path, text.len() as u64, MAX_DOCUMENT_BYTES as u64)
}

fn check_size(path: &WorkspacePath, bytes: u64, limit: u64) -> Result<(), WorkspaceError> {
    if bytes > limit {
        Err(WorkspaceError::FileTooLarge { path: path.clone(), bytes, limit })
    } else {
        Ok(())
    }
}

fn read_at_most(file: &mut File, bytes: &mut Vec<u8>, limit: u64) -> io::Result<()> {
    file.take(limit).read_to_end(bytes).map(drop)
}
