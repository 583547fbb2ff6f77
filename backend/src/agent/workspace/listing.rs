//! What stands in a folder.

use cap_fs_ext::MetadataExt as _;
use cap_std::fs::DirEntry;
use parlor_shared::access_rules::is_shared;
use parlor_shared::limits::{MAX_LISTED_ENTRIES, MAX_LISTING_MESSAGE_BYTES, MAX_PATH_BYTES};
use parlor_shared::message::{Entry, EntryKind};
use parlor_shared::path::WorkspacePath;

use super::natural::NaturalKey;
use super::{Access, Workspace, WorkspaceError};

/// What the entries of one folder may take in a message, beside the folder's own path and the numbers.
const MAX_ENTRIES_BYTES: usize = MAX_LISTING_MESSAGE_BYTES - MAX_PATH_BYTES - 64;

/// The most that an entry takes beside its name: two bytes of length, its kind, whether it is a link.
const ENTRY_OVERHEAD_BYTES: usize = 4;

/// The entries of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Folders first, each group in natural order without regard to case.
    pub entries: Vec<Entry>,
    /// Entries that are there but not listed: beyond the limit, or with a name that can not be said.
    pub omitted: u32,
}

impl Workspace {
    /// Lists a folder, without what is not shared. Looks at no entry more closely than reading the folder does, except
    /// at links.
    ///
    /// # Errors
    /// If the folder is missing, none, protected or not readable.
    pub fn list(&self, path: &WorkspacePath) -> Result<Listing, WorkspaceError> {
        let (folder, place) = self.folder(Access::Read, path)?;
        // The root stays open when it is deleted, and would be an empty folder for ever.
        let metadata = folder.dir_metadata().map_err(|error| WorkspaceError::from_io(path, error))?;
        if metadata.nlink() == 0 {
            return Err(WorkspaceError::NotFound(path.clone()));
        }
        let mut entries = Vec::new();
        let mut omitted = 0_u32;
        let mut bytes = 0;
        for entry in folder.entries().map_err(|error| WorkspaceError::from_io(path, error))? {
            let entry = entry.map_err(|error| WorkspaceError::from_io(path, error))?;
            let Some(name) =
                entry.file_name().to_str().and_then(|name| WorkspacePath::root().join(name).ok())
            else {
                omitted = omitted.saturating_add(1);
                continue;
            };
            // The folder itself was checked, so its entries' own names decide.
            if !is_shared(&name) {
                continue;
            }
            // A name that makes the path too long could be listed but never opened.
            let size = name.as_str().len() + ENTRY_OVERHEAD_BYTES;
            let is_full = entries.len() == MAX_LISTED_ENTRIES || bytes + size > MAX_ENTRIES_BYTES;
            if is_full || place.join(name.as_str()).is_err() {
                omitted = omitted.saturating_add(1);
                continue;
            }
            if let Some(entry) = self.describe(&place, name.into(), &entry) {
                bytes += size;
                entries.push(entry);
            }
        }
        entries.sort_by_cached_key(|entry| (entry.kind != EntryKind::Folder, NaturalKey::new(&entry.name)));
        Ok(Listing { entries, omitted })
    }

    /// `None` if the entry vanished meanwhile.
    fn describe(&self, folder: &WorkspacePath, name: String, entry: &DirEntry) -> Option<Entry> {
        let mut file_type = entry.file_type().ok()?;
        if !(file_type.is_dir() || file_type.is_file() || file_type.is_symlink()) {
            // Some file systems do not say it in the folder, and then it has to be asked for.
            file_type = entry.metadata().ok()?.file_type();
        }
        let link = file_type.is_symlink();
        let kind = if link {
            self.kind_behind_link(&folder.join(&name).ok()?)
        } else if file_type.is_dir() {
            EntryKind::Folder
        } else if file_type.is_file() {
            EntryKind::File
        } else {
            EntryKind::Other
        };
        Some(Entry { name, kind, link })
    }

    fn kind_behind_link(&self, path: &WorkspacePath) -> EntryKind {
        let Ok(place) = self.locate(Access::Read, path) else { return EntryKind::Other };
        if place.is_root() {
            return EntryKind::Folder;
        }
        match self.inner.root.symlink_metadata(place.as_str()) {
            Ok(metadata) if metadata.is_dir() => EntryKind::Folder,
            Ok(metadata) if metadata.is_file() => EntryKind::File,
            Ok(_) | Err(_) => EntryKind::Other,
        }
    }
}
