//! The other names of a file: what is written to one of them is written to all.

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::fs::{Dir, Metadata};
use parlor_shared::access_rules::is_writable_by_guests;
use parlor_shared::path::WorkspacePath;

use super::{Workspace, WorkspaceError};

/// Entries that are looked at for one question. A workspace with more can not be searched while somebody waits.
const MAX_ENTRIES: usize = 400_000;

/// How deep folders are searched; the deepest trees of real projects have about 40.
const MAX_DEPTH: usize = 200;

/// Which file it is.
type Identity = (u64, u64);

impl Workspace {
    /// Refuses a file that has another name in the workspace which guests may not write: `notes.txt` linked to `.envrc` is as
    /// protected as that. Looks through the whole workspace, so it is asked only of files with several names. Names outside
    /// of the workspace are not known to anybody but the host.
    ///
    /// # Errors
    /// [`WorkspaceError::Protected`], also if the workspace is too large to be sure.
    pub(in crate::agent) fn check_other_names(
        &self,
        path: &WorkspacePath,
        file: &Metadata,
    ) -> Result<(), WorkspaceError> {
        if file.nlink() < 2 {
            return Ok(());
        }
        let mut search = Search { wanted: (file.dev(), file.ino()), left: MAX_ENTRIES };
        match search.look(&self.inner.root, &WorkspacePath::root(), MAX_DEPTH) {
            Found::Nothing => Ok(()),
            Found::Protected | Found::TooMuch => Err(WorkspaceError::Protected(path.clone())),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    Protected,
    TooMuch,
}

struct Search {
    wanted: Identity,
    left: usize,
}

impl Search {
    fn look(&mut self, folder: &Dir, path: &WorkspacePath, depth: usize) -> Found {
        // A folder that can not be read holds nothing that a guest could reach either.
        let Ok(entries) = folder.entries() else { return Found::Nothing };
        for entry in entries.flatten() {
            let Some(left) = self.left.checked_sub(1) else { return Found::TooMuch };
            self.left = left;
            let name = entry.file_name();
            let Some(path) = name.to_str().and_then(|name| path.join(name).ok()) else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let Some(depth) = depth.checked_sub(1) else { return Found::TooMuch };
                let Ok(below) = folder.open_dir_nofollow(&name) else { continue };
                match self.look(&below, &path, depth) {
                    Found::Nothing => {}
                    found => return found,
                }
            } else if kind.is_file() && !is_writable_by_guests(&path) {
                let same = |file: Metadata| (file.dev(), file.ino()) == self.wanted;
                if folder.symlink_metadata(&name).is_ok_and(same) {
                    return Found::Protected;
                }
            }
        }
        Found::Nothing
    }
}
