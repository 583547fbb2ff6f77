//! What a person does with folders and files in the tree.

use leptos::prelude::*;
use parlor_shared::client::Phase;
use parlor_shared::message::{EntryKind, NewEntry, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;

use super::store::SessionStateStoreFields as _;
use super::tree::Naming;
use super::{Pending, SessionHandle};
use crate::text;

impl SessionHandle {
    /// Shows a folder's entries.
    pub(crate) fn expand_folder(self, folder: WorkspacePath) {
        let mut asked = Vec::new();
        self.store.tree().update(|tree| asked = tree.expand(&folder));
        for folder in asked {
            self.watch(folder);
        }
        self.keep_place();
    }

    /// Hides a folder's entries.
    pub(crate) fn collapse_folder(self, folder: &WorkspacePath) {
        let mut hidden = Vec::new();
        self.store.tree().update(|tree| hidden = tree.collapse(folder));
        self.unwatch(hidden);
    }

    /// Hides the entries of every folder.
    pub(crate) fn collapse_all(self) {
        let mut hidden = Vec::new();
        self.store.tree().update(|tree| hidden = tree.collapse_all());
        self.unwatch(hidden);
    }

    /// Shows the folders in which a file stands.
    pub(crate) fn expand_to(self, path: &WorkspacePath) {
        let mut ancestors = Vec::new();
        let mut current = path.parent();
        while let Some(folder) = current.filter(|folder| !folder.is_root()) {
            current = folder.parent();
            ancestors.push(folder);
        }
        for folder in ancestors.into_iter().rev() {
            let closed = self.store.tree().with_untracked(|tree| !tree.is_expanded(&folder));
            if closed {
                self.expand_folder(folder);
            }
        }
    }

    /// Asks for a folder's entries; while away, the return asks for all that are shown.
    pub(super) fn watch(self, folder: WorkspacePath) {
        if *self.store.phase().read_untracked() != Phase::Live {
            return;
        }
        let asked = folder.clone();
        let request =
            self.with(|client| client.workspace(|request| WorkspaceToHost::Watch { request, folder }));
        self.expect_answer(request, Pending::Watch(asked));
    }

    fn unwatch(self, folders: Vec<WorkspacePath>) {
        for folder in folders {
            self.with(|client| client.workspace(|_| WorkspaceToHost::Unwatch { folder }));
        }
        self.keep_place();
    }

    /// Begins to name something new, or anew.
    pub(crate) fn start_naming(self, naming: Naming) {
        if let Naming::New { folder, .. } = &naming {
            self.expand_to(folder);
            let closed = self.store.tree().with_untracked(|tree| !tree.is_expanded(folder));
            if closed {
                self.expand_folder(folder.clone());
            }
        }
        self.store.tree().update(|tree| tree.naming = Some(naming));
    }

    /// Gives up naming.
    pub(crate) fn stop_naming(self) {
        let naming = self.store.tree().with_untracked(|tree| tree.naming.is_some());
        if naming {
            self.store.tree().update(|tree| tree.naming = None);
        }
    }

    /// Creates or renames as named. A name may be a path of several folders, as in `docs/notes.md`, if they exist.
    ///
    /// # Errors
    /// With the sentence to show if the name can not be used.
    pub(crate) fn finish_naming(self, name: &str) -> Result<(), String> {
        let name = name.trim();
        let naming = self.store.tree().with_untracked(|tree| tree.naming.clone());
        let Some(naming) = naming else { return Ok(()) };
        let folder = match &naming {
            Naming::New { folder, .. } => folder.clone(),
            Naming::Rename { path, .. } => path.parent().unwrap_or_default(),
        };
        let target = if folder.is_root() { name.to_owned() } else { format!("{folder}/{name}") };
        let target = WorkspacePath::parse(&target).ok().filter(|path| !path.is_root() && *path != folder);
        let target = target.ok_or_else(|| text::invalid_name(name))?;
        match naming {
            Naming::New { entry, .. } => {
                let taken = self.store.tree().with_untracked(|tree| tree.kind_of(&target).is_some());
                if taken {
                    return Err(text::name_taken(target.name()));
                }
                self.create(target, entry);
            }
            Naming::Rename { path, .. } if path == target => {}
            Naming::Rename { path, .. } => self.rename(path, target),
        }
        self.stop_naming();
        Ok(())
    }

    fn create(self, path: WorkspacePath, entry: NewEntry) {
        let asked = path.clone();
        let request =
            self.with(|client| client.workspace(|request| WorkspaceToHost::Create { request, path, entry }));
        self.expect_answer(request, Pending::Create { path: asked, entry });
    }

    /// Renames or moves.
    pub(crate) fn rename(self, from: WorkspacePath, to: WorkspacePath) {
        let asked = Pending::Rename { from: from.clone(), to: to.clone() };
        let request =
            self.with(|client| client.workspace(|request| WorkspaceToHost::Rename { request, from, to }));
        self.expect_answer(request, asked);
    }

    /// Moves something into another folder, unless it is there.
    pub(crate) fn move_into(self, from: WorkspacePath, folder: &WorkspacePath) {
        if from.parent().as_ref() == Some(folder) || folder.is_within(&from) {
            return;
        }
        if let Ok(to) = folder.join(from.name()) {
            self.rename(from, to);
        }
    }

    /// Deletes a file, or a folder with everything in it.
    pub(crate) fn delete(self, path: WorkspacePath) {
        let asked = path.clone();
        let request =
            self.with(|client| client.workspace(|request| WorkspaceToHost::Delete { request, path }));
        self.expect_answer(request, Pending::Delete { path: asked });
    }

    /// The folder in which something new is created: the chosen folder, or that of the chosen file.
    pub(crate) fn folder_for_new(self, chosen: Option<&WorkspacePath>) -> WorkspacePath {
        let Some(chosen) = chosen else { return WorkspacePath::root() };
        let kind = self.store.tree().with_untracked(|tree| tree.kind_of(chosen));
        match kind {
            Some(EntryKind::Folder) => chosen.clone(),
            Some(EntryKind::File | EntryKind::Other) | None => chosen.parent().unwrap_or_default(),
        }
    }
}
