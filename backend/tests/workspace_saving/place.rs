//! A folder with a document in it, and what other programs do to its file.

#![allow(dead_code, reason = "not every test binary needs all of it")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parlor::agent::document::disk::{Checkpoint, DiskFile, Missing, OutsideChange, Save, Wish};
use parlor::agent::workspace::{Actor, Workspace, WorkspaceError};
use parlor_shared::document::outside::Judgement;
use parlor_shared::path::WorkspacePath;
use tempfile::TempDir;

pub(crate) fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).expect("a valid path")
}

/// Writes in place, as a shell does.
pub(crate) fn put(file: &Path, content: impl AsRef<[u8]>) {
    File::create(file)
        .and_then(|mut file| file.write_all(content.as_ref()))
        .expect("the file can be written");
}

pub(crate) fn append(file: &Path, content: &str) {
    let file = File::options().append(true).open(file);
    file.and_then(|mut file| file.write_all(content.as_bytes())).expect("the file can be written");
}

/// Replaces by renaming, as an editor does.
pub(crate) fn replace(file: &Path, content: &str) {
    let other = file.with_extension("other");
    put(&other, content);
    fs::rename(other, file).expect("the file can be replaced");
}

/// Makes the last change look as if it had not been just now.
pub(crate) fn age(file: &Path) {
    let file = File::options().append(true).open(file);
    file.and_then(|file| file.set_modified(now_on_disk() - Duration::from_secs(60)))
        .expect("the time can be set");
}

#[expect(clippy::disallowed_methods, reason = "tests stand at the edge")]
pub(crate) fn now_on_disk() -> SystemTime {
    SystemTime::now()
}

pub(crate) struct Place {
    _temp: TempDir,
    pub(crate) root: PathBuf,
    pub(crate) workspace: Workspace,
}

impl Place {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = temp.path().join("shared");
        fs::create_dir(&root).expect("it can be created");
        let workspace = Workspace::open(&root).expect("it is a folder");
        Self { _temp: temp, root, workspace }
    }

    /// A document of a file with this content.
    pub(crate) fn with_file(content: impl AsRef<[u8]>) -> (Self, PathBuf, DiskFile) {
        let place = Self::new();
        let file = place.root.join("file.txt");
        put(&file, content);
        let disk = place.load("file.txt");
        (place, file, disk)
    }

    pub(crate) fn load(&self, name: &str) -> DiskFile {
        DiskFile::load(&self.workspace, &path(name)).expect("it can be loaded").0
    }

    /// Every name in the folder, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.expect("it can be listed").file_name().into_string().expect("UTF-8")
        };
        let mut names: Vec<_> = fs::read_dir(&self.root).expect("it can be listed").map(name).collect();
        names.sort();
        names
    }
}

pub(crate) fn save(disk: &mut DiskFile, text: &str) -> Result<Checkpoint, WorkspaceError> {
    save_as(disk, text, Actor::Guest, Missing::Report)
}

pub(crate) fn save_as(
    disk: &mut DiskFile,
    text: &str,
    author: Actor,
    missing: Missing,
) -> Result<Checkpoint, WorkspaceError> {
    disk.checkpoint(Save { text, author, missing, wish: Wish::Clock }, &mut |_| Ok(()))
}

pub(crate) fn saved() -> Checkpoint {
    Checkpoint::Saved { outside: None }
}

pub(crate) fn change(before: &str, after: &str) -> OutsideChange {
    OutsideChange { before: before.into(), after: after.into(), origin: Judgement::Edit }
}
