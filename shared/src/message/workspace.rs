//! Folders and files: listing, changes, creating, renaming, deleting, and reading files that are not text.

use serde::{Deserialize, Serialize};

use crate::id::RequestId;
use crate::path::WorkspacePath;

/// What an entry is, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A device, a pipe, a socket, or a link that leads nowhere or outside. Shown, never opened.
    Other,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name: one component of a path.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Whether it is a symbolic link.
    pub link: bool,
}

/// What to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewEntry {
    /// An empty file.
    File,
    /// A folder.
    Folder,
}

/// About folders and files, to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkspaceToHost {
    /// List a folder and tell me of its changes from now on.
    Watch {
        /// Carried back by the answer.
        request: RequestId,
        /// The folder.
        folder: WorkspacePath,
    },
    /// I no longer show this folder.
    Unwatch {
        /// The folder.
        folder: WorkspacePath,
    },
    /// Create an empty file or a folder.
    Create {
        /// Carried back by the answer.
        request: RequestId,
        /// Where; the parent exists.
        path: WorkspacePath,
        /// What.
        entry: NewEntry,
    },
    /// Rename or move; never replaces what is there.
    Rename {
        /// Carried back by the answer.
        request: RequestId,
        /// From.
        from: WorkspacePath,
        /// To.
        to: WorkspacePath,
    },
    /// Delete a file, or a folder with everything in it.
    Delete {
        /// Carried back by the answer.
        request: RequestId,
        /// What.
        path: WorkspacePath,
    },
    /// Send a file as it is, for viewing.
    Read {
        /// Carried back by every chunk.
        request: RequestId,
        /// Which file.
        path: WorkspacePath,
    },
    /// The answer to this request is no longer wanted.
    Cancel {
        /// Which.
        request: RequestId,
    },
}

/// About folders and files, to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkspaceToGuest {
    /// All entries of a folder: the answer to a request, or unasked when changes could not be told one by one.
    Listing {
        /// The request, if this answers one.
        request: Option<RequestId>,
        /// The folder.
        folder: WorkspacePath,
        /// Its entries, folders first, then by name without regard to case.
        entries: Vec<Entry>,
        /// Entries that are there but not listed: too many, or with a name that can not be shown.
        omitted: u32,
    },
    /// Some entries of a watched folder changed.
    Changes {
        /// The folder.
        folder: WorkspacePath,
        /// New or different entries.
        changed: Vec<Entry>,
        /// Names that are gone.
        removed: Vec<String>,
    },
    /// A watched folder is gone; it is no longer watched.
    FolderGone {
        /// Which.
        folder: WorkspacePath,
    },
    /// The request was carried out.
    Done {
        /// Which.
        request: RequestId,
    },
    /// A piece of a file.
    Chunk {
        /// The request.
        request: RequestId,
        /// The whole file's bytes, known from the start.
        total: u64,
        /// Where this piece begins.
        offset: u64,
        /// The bytes. The piece that ends at `total` is the last.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
}
