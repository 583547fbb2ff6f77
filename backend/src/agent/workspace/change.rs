//! Creating, renaming and deleting.

use std::ffi::{OsStr, OsString};
use std::io;

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::fs::{Dir, OpenOptions};
use parlor_shared::access_rules::is_writable_by_guests;
use parlor_shared::message::NewEntry;
use parlor_shared::path::WorkspacePath;

use super::{Access, Actor, Place, Workspace, WorkspaceError, platform};

/// How deep a tree may be to be deleted or moved: each level holds a file descriptor and a stack frame. The deepest
/// trees of real projects have about 40.
const MAX_DEPTH: usize = 200;

/// How often a folder that got new entries while it was deleted is emptied again.
const MAX_EMPTYINGS: usize = 3;

impl Workspace {
    /// Creates an empty file or a folder; the parent exists.
    ///
    /// # Errors
    /// If something has this name, the path is protected, or the system refuses.
    pub fn create(&self, actor: Actor, path: &WorkspacePath, entry: NewEntry) -> Result<(), WorkspaceError> {
        let place = self.entry(Access::Write(actor), path)?;
        match entry {
            NewEntry::File => {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                place.folder.open_with(&place.name, &options).map(drop)
            }
            NewEntry::Folder => place.folder.create_dir(&place.name),
        }
        .map_err(|error| WorkspaceError::from_io(path, error))
    }

    /// Renames or moves a file, a folder or a link as such. Never replaces.
    ///
    /// # Errors
    /// If the source is missing, something has the new name, one of both is protected or (for guests) the source
    /// contains something that is, a folder would move into itself, or the system refuses.
    pub fn rename(
        &self,
        actor: Actor,
        from: &WorkspacePath,
        to: &WorkspacePath,
    ) -> Result<(), WorkspaceError> {
        if from.is_root() || to.is_root() {
            return Err(WorkspaceError::Protected(WorkspacePath::root()));
        }
        let source = self.entry(Access::Write(actor), from)?;
        let about_source = |error| WorkspaceError::from_io(from, error);
        let metadata = source.folder.symlink_metadata(&source.name).map_err(about_source)?;
        let target = self.entry(Access::Write(actor), to)?;
        if target.path != source.path && target.path.is_within(&source.path) {
            return Err(WorkspaceError::InvalidName(to.name().to_owned()));
        }
        if actor == Actor::Guest && metadata.is_dir() {
            refuse_protected_content(&source, from)?;
        }
        match platform::rename_new((&source.folder, &source.name), (&target.folder, &target.name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_same_entry(&source, &target) => {
                // Only the case differs, on a file system that does not tell them apart.
                source.folder.rename(&source.name, &target.folder, &target.name).map_err(about_source)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(about_source(error)),
            done => done.map_err(|error| WorkspaceError::from_io(to, error)),
        }
    }

    /// Deletes a file, a link as such, or a folder with everything in it.
    ///
    /// # Errors
    /// If it is missing, protected or (for guests) contains something that is, or the system refuses; part of a
    /// folder may be deleted by then.
    pub fn delete(&self, actor: Actor, path: &WorkspacePath) -> Result<(), WorkspaceError> {
        let place = self.entry(Access::Write(actor), path)?;
        let metadata = place
            .folder
            .symlink_metadata(&place.name)
            .map_err(|error| WorkspaceError::from_io(path, error))?;
        if actor == Actor::Guest && metadata.is_dir() {
            refuse_protected_content(&place, path)?;
        }
        remove(actor, &place.folder, OsStr::new(&place.name), path, MAX_DEPTH)
    }
}

fn is_same_entry(source: &Place, target: &Place) -> bool {
    if source.path == target.path || !source.name.eq_ignore_ascii_case(&target.name) {
        return false;
    }
    let identity = |place: &Place| {
        let metadata = place.folder.symlink_metadata(&place.name).ok()?;
        // Two names of one file look the same, and are two entries.
        (metadata.is_dir() || metadata.nlink() == 1).then_some((metadata.dev(), metadata.ino()))
    };
    identity(source).is_some_and(|one| identity(target) == Some(one))
}

/// Before a guest moves or deletes a folder: nothing in it may be beyond its reach.
fn refuse_protected_content(place: &Place, asked: &WorkspacePath) -> Result<(), WorkspaceError> {
    let folder =
        place.folder.open_dir_nofollow(&place.name).map_err(|error| WorkspaceError::from_io(asked, error))?;
    search_protected(&folder, asked, MAX_DEPTH)
}

fn search_protected(folder: &Dir, path: &WorkspacePath, depth: usize) -> Result<(), WorkspaceError> {
    let failed = |error| WorkspaceError::from_io(path, error);
    for entry in folder.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if is_protected_name(&name) {
            return Err(WorkspaceError::Protected(below(path, &name)));
        }
        let file_type = entry.file_type().map_err(failed)?;
        if file_type.is_file() || file_type.is_symlink() {
            continue;
        }
        // A folder, or something of which the file system does not say what it is.
        match folder.open_dir_nofollow(&name) {
            Ok(_) if depth == 0 => return Err(too_deep(path)),
            Ok(child) => search_protected(&child, &below(path, &name), depth - 1)?,
            Err(error) if is_no_folder(&error) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// Removes an entry and all below it, never through a link. What a guest must not touch stops it, even if it appeared
/// after the search.
fn remove(
    actor: Actor,
    folder: &Dir,
    name: &OsStr,
    path: &WorkspacePath,
    depth: usize,
) -> Result<(), WorkspaceError> {
    let failed = |error| WorkspaceError::from_io(path, error);
    if actor == Actor::Guest && is_protected_name(name) {
        return Err(WorkspaceError::Protected(path.clone()));
    }
    let child = match folder.open_dir_nofollow(name) {
        Ok(child) => child,
        Err(error) if is_no_folder(&error) => {
            return folder.remove_file_or_symlink(name).map_err(failed);
        }
        Err(error) => return Err(failed(error)),
    };
    if depth == 0 {
        return Err(too_deep(path));
    }
    for _ in 0..MAX_EMPTYINGS {
        // Names first: what reading a folder gives while its entries vanish is not defined.
        let names: Vec<OsString> = child
            .entries()
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())).collect())
            .map_err(failed)?;
        for name in names {
            match remove(actor, &child, &name, &below(path, &name), depth - 1) {
                // Somebody else was faster.
                Ok(()) | Err(WorkspaceError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        match folder.remove_dir(name) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            done => return done.map_err(failed),
        }
    }
    Err(WorkspaceError::NotEmpty(path.clone()))
}

/// Whether a name inside a folder keeps guests from deleting or moving that folder.
fn is_protected_name(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| WorkspacePath::root().join(name).is_ok_and(|path| !is_writable_by_guests(&path)))
}

/// What opening something that is no folder, or is a link, as a folder says.
fn is_no_folder(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotADirectory
        || rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

/// The path of an entry for an error: the folder's own where the name can not be said.
fn below(path: &WorkspacePath, name: &OsStr) -> WorkspacePath {
    name.to_str().and_then(|name| path.join(name).ok()).unwrap_or_else(|| path.clone())
}

fn too_deep(path: &WorkspacePath) -> WorkspaceError {
    let source = io::Error::other(format!("more than {MAX_DEPTH} folders inside each other"));
    WorkspaceError::Disk { path: path.clone(), source }
}
