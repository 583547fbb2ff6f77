//! Why something in the workspace could not be read, listed or changed.

use std::io;
use std::path::PathBuf;

use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::path::WorkspacePath;

/// Why a folder can not be shared at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nothing is there.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// A file where a folder is needed.
    #[error("{} is not a folder", .0.display())]
    NotFolder(PathBuf),
    /// The system denies access.
    #[error("{} can not be opened: permission denied", .0.display())]
    PermissionDenied(PathBuf),
    /// Anything else.
    #[error("{} can not be opened", path.display())]
    Other {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn new(path: PathBuf, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path),
            io::ErrorKind::NotADirectory => Self::NotFolder(path),
            io::ErrorKind::PermissionDenied => Self::PermissionDenied(path),
            _ => Self::Other { path, source: error },
        }
    }
}

/// Why an operation on the workspace failed. The paths are as the caller gave them, never the host's own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// Nothing is there.
    #[error("{0:?} does not exist")]
    NotFound(WorkspacePath),
    /// Something with this name is there already.
    #[error("{0:?} exists already")]
    AlreadyExists(WorkspacePath),
    /// The system denies access, or the file is read-only.
    #[error("{0:?}: permission denied")]
    PermissionDenied(WorkspacePath),
    /// A folder where a file is needed.
    #[error("{0:?} is a folder")]
    IsFolder(WorkspacePath),
    /// A file where a folder is needed.
    #[error("{0:?} is not a folder")]
    NotFolder(WorkspacePath),
    /// Neither file nor folder.
    #[error("{0:?} is neither a file nor a folder")]
    SpecialFile(WorkspacePath),
    /// Not text.
    #[error("{path:?} ({bytes} bytes) is not text")]
    Binary {
        /// The file.
        path: WorkspacePath,
        /// Its size.
        bytes: u64,
    },
    /// The file's encoding has no bytes for a character of the text.
    #[error("{path:?} can not hold {character:?} in its encoding")]
    Unencodable {
        /// The file.
        path: WorkspacePath,
        /// The character.
        character: char,
    },
    /// A save failed in the middle and could not be taken back: the file holds neither the old text nor the new one.
    #[error("{0:?} is half written")]
    HalfWritten(WorkspacePath),
    /// A shell runs this script.
    #[error("a shell runs {0:?}")]
    ScriptRuns(WorkspacePath),
    /// Larger than the limit for this use.
    #[error("{path:?} has {bytes} bytes, the limit is {limit}")]
    FileTooLarge {
        /// The file.
        path: WorkspacePath,
        /// Its size, or what its text takes.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file would be larger than what can be opened again.
    #[error("{path:?} would have {bytes} bytes, the limit is {limit}")]
    TextTooLarge {
        /// The file.
        path: WorkspacePath,
        /// What its text would take.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file has bytes that no encoding gives again.
    #[error("{0:?} can be looked at only")]
    Undecodable(WorkspacePath),
    /// The encoding does not give the file's bytes again.
    #[error("{path:?} is not in {encoding}")]
    EncodingMismatch {
        /// The file.
        path: WorkspacePath,
        /// The encoding's name.
        encoding: &'static str,
    },
    /// The file became shorter while it was read.
    #[error("{0:?} changed while it was read")]
    ChangedWhileRead(WorkspacePath),
    /// A link that leads out of the workspace.
    #[error("{0:?} leads out of the workspace")]
    Outside(WorkspacePath),
    /// Not shared, or not writable by guests.
    #[error("{0:?} is protected")]
    Protected(WorkspacePath),
    /// The name can not be used, or the target lies inside what is moved.
    #[error("{0:?} can not be used as a name here")]
    InvalidName(String),
    /// The folder got new entries while it was deleted.
    #[error("{0:?} is not empty")]
    NotEmpty(WorkspacePath),
    /// No space, or the quota is used up.
    #[error("no space left for {0:?}")]
    DiskFull(WorkspacePath),
    /// Anything else that the system reports.
    #[error("{path:?}: the disk or file system reports an error")]
    Disk {
        /// The file or folder.
        path: WorkspacePath,
        /// What the system said.
        source: io::Error,
    },
}

impl WorkspaceError {
    /// What an error of the system means for `path`.
    pub(crate) fn from_io(path: &WorkspacePath, error: io::Error) -> Self {
        let path = path.clone();
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound(path),
            io::ErrorKind::AlreadyExists => Self::AlreadyExists(path),
            // The sandbox reports a way out by a made-up error without a number of the system.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::Outside(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied(path)
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path),
            io::ErrorKind::IsADirectory => Self::IsFolder(path),
            io::ErrorKind::NotADirectory => Self::NotFolder(path),
            io::ErrorKind::DirectoryNotEmpty => Self::NotEmpty(path),
            io::ErrorKind::InvalidFilename => Self::InvalidName(path.name().to_owned()),
            _ => match rustix::io::Errno::from_io_error(&error) {
                // Links in a circle lead nowhere.
                Some(rustix::io::Errno::LOOP) => Self::NotFound(path),
                // What opening a socket says.
                Some(rustix::io::Errno::NXIO) => Self::SpecialFile(path),
                _ => Self::Disk { path, source: error },
            },
        }
    }

    /// Whether the path no longer names a file that we could read or write: it, or a folder above it, is gone or
    /// something else stands in its place.
    pub(crate) const fn is_gone(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::IsFolder(_) | Self::NotFolder(_) | Self::SpecialFile(_))
    }
}

impl From<WorkspaceError> for Fault {
    fn from(error: WorkspaceError) -> Self {
        use WorkspaceError as E;
        let (code, path) = match error {
            E::NotFound(path) => (FaultCode::NotFound, path),
            E::AlreadyExists(path) => (FaultCode::AlreadyExists, path),
            E::PermissionDenied(path) => (FaultCode::PermissionDenied, path),
            E::IsFolder(path) => (FaultCode::IsFolder, path),
            E::NotFolder(path) => (FaultCode::NotFolder, path),
            E::SpecialFile(path) => (FaultCode::SpecialFile, path),
            E::Outside(path) => (FaultCode::OutsideWorkspace, path),
            E::Protected(path) => (FaultCode::Protected, path),
            E::NotEmpty(path) => (FaultCode::NotEmpty, path),
            E::DiskFull(path) => (FaultCode::DiskFull, path),
            E::ChangedWhileRead(path) | E::Disk { path, .. } => (FaultCode::DiskError, path),
            E::Undecodable(path) => (FaultCode::Undecodable, path),
            E::ScriptRuns(path) => (FaultCode::ScriptRuns, path),
            E::HalfWritten(path) => (FaultCode::HalfWritten, path),
            E::Unencodable { path, character } => {
                return Self::new(FaultCode::Unencodable).with(path).with(character);
            }
            E::InvalidName(name) => return Self::new(FaultCode::InvalidName).with(name),
            E::Binary { path, bytes } => return Self::new(FaultCode::Binary).with(path).with(bytes),
            E::FileTooLarge { path, bytes, limit } => {
                return Self::new(FaultCode::FileTooLarge).with(path).with(bytes).with(limit);
            }
            E::TextTooLarge { bytes, limit, .. } => {
                return Self::new(FaultCode::DocumentTooLarge).with(bytes).with(limit);
            }
            E::EncodingMismatch { path, encoding } => {
                return Self::new(FaultCode::EncodingMismatch).with(path).with(encoding);
            }
        };
        Self::new(code).with(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_faults_that_name_the_path() {
        use rustix::io::Errno;
        let path = WorkspacePath::parse("a/b").unwrap();
        for (errno, code) in [
            (Errno::NOENT, FaultCode::NotFound),
            (Errno::EXIST, FaultCode::AlreadyExists),
            (Errno::ACCESS, FaultCode::PermissionDenied),
            (Errno::PERM, FaultCode::PermissionDenied),
            (Errno::ROFS, FaultCode::PermissionDenied),
            (Errno::NOSPC, FaultCode::DiskFull),
            (Errno::DQUOT, FaultCode::DiskFull),
            (Errno::ISDIR, FaultCode::IsFolder),
            (Errno::NOTDIR, FaultCode::NotFolder),
            (Errno::NOTEMPTY, FaultCode::NotEmpty),
            (Errno::LOOP, FaultCode::NotFound),
            (Errno::NXIO, FaultCode::SpecialFile),
            (Errno::IO, FaultCode::DiskError),
        ] {
            let fault = Fault::from(WorkspaceError::from_io(&path, errno.into()));
            assert_eq!(fault, Fault::new(code).with("a/b"), "{errno:?}");
        }
        let too_long = Fault::from(WorkspaceError::from_io(&path, Errno::NAMETOOLONG.into()));
        assert_eq!(too_long, Fault::new(FaultCode::InvalidName).with("b"));
    }
}
