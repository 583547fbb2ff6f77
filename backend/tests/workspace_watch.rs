//! Changes on a real disk are noticed, from the system's events and without them.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use parlor::agent::watch::{Change, WatchMode, Watcher};
use parlor::agent::workspace::Workspace;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::path::WorkspacePath;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Long for a busy machine, and shorter than the safety poll, which would hide that the system's events are missed.
const PATIENCE: Duration = Duration::from_secs(8);

const MODES: [WatchMode; 2] = [WatchMode::Native, WatchMode::Poll];

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).expect("a valid path")
}

struct Room {
    _temp: TempDir,
    root: PathBuf,
    workspace: Workspace,
    watcher: Watcher,
    changes: Receiver<Vec<Change>>,
}

impl Room {
    fn new(mode: WatchMode) -> Self {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let root = temp.path().join("shared");
        fs::create_dir(&root).expect("it can be created");
        let workspace = Workspace::open(&root).expect("it is a folder");
        let (watcher, changes) = Watcher::with_mode(&workspace, mode);
        Self { _temp: temp, root, workspace, watcher, changes }
    }

    fn put(&self, name: &str, content: &str) {
        let file = File::create(self.root.join(name));
        file.and_then(|mut file| file.write_all(content.as_bytes())).expect("the file can be written");
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let listing = self.workspace.list(&path(folder)).map(|listing| listing.entries).unwrap_or_default();
        listing.into_iter().map(|entry| entry.name).collect()
    }

    /// Watches, and waits until that is in force.
    async fn watch(&mut self, text: &str, told_as: &str) {
        self.watcher.watch(&path(text));
        self.told(told_as, |_| true).await;
    }

    /// What the agent does: looks again whenever it is told of the folder, until it sees what is expected.
    async fn told(&mut self, folder: &str, expected: impl Fn(&Self) -> bool) {
        let wanted = [Change::Folder(path(folder)), Change::Everything];
        let told = async {
            loop {
                let batch = self.changes.recv().await.expect("the watcher lives");
                assert!(!batch.is_empty());
                if batch.iter().any(|change| wanted.contains(change)) && expected(self) {
                    return;
                }
            }
        };
        timeout(PATIENCE, told).await.unwrap_or_else(|_| panic!("not told of {folder:?}"));
    }
}

#[tokio::test]
async fn files_that_come_change_move_and_go_are_noticed() {
    for mode in MODES {
        let mut room = Room::new(mode);
        fs::create_dir(room.root.join("sub")).unwrap();
        room.put("sub/a.txt", "1");
        room.watch("sub", "sub").await;
        room.watch("sub/a.txt", "sub").await;
        room.put("sub/b.txt", "");
        room.told("sub", |room| room.names("sub") == ["a.txt", "b.txt"]).await;
        let text = |room: &Room| {
            room.workspace.read_text(&path("sub/a.txt")).map(|file| file.text).unwrap_or_default()
        };
        room.put("sub/a.txt", "2");
        room.told("sub", |room| text(room) == "2").await;
        // As an editor saves: another file under the same name.
        room.put("sub/new", "3");
        fs::rename(room.root.join("sub/new"), room.root.join("sub/a.txt")).unwrap();
        room.told("sub", |room| text(room) == "3").await;
        fs::rename(room.root.join("sub/b.txt"), room.root.join("sub/c.txt")).unwrap();
        room.told("sub", |room| room.names("sub") == ["a.txt", "c.txt"]).await;
        fs::create_dir(room.root.join("sub/folder")).unwrap();
        room.told("sub", |room| room.names("sub") == ["folder", "a.txt", "c.txt"]).await;
        fs::remove_file(room.root.join("sub/a.txt")).unwrap();
        room.told("sub", |room| room.names("sub") == ["folder", "c.txt"]).await;
        // Gone and come again: it is watched all the same.
        room.put("sub/a.txt", "4");
        room.told("sub", |room| text(room) == "4").await;
        room.put("sub/a.txt", "5");
        room.told("sub", |room| text(room) == "5").await;
    }
}

#[tokio::test]
async fn ten_thousand_files_at_once_end_in_what_is_there() {
    for mode in MODES {
        let mut room = Room::new(mode);
        room.watch("", "").await;
        for number in 0..10_000 {
            room.put(&format!("file{number}"), "x");
        }
        room.told("", |room| room.names("").len() == 10_000).await;
        for number in 0..10_000 {
            fs::remove_file(room.root.join(format!("file{number}"))).unwrap();
        }
        room.told("", |room| room.names("").is_empty()).await;
        // And nothing is worn out.
        room.put("last", "");
        room.told("", |room| room.names("") == ["last"]).await;
    }
}

#[tokio::test]
async fn the_end_of_the_root_is_noticed() {
    for mode in MODES {
        let mut room = Room::new(mode);
        room.watch("", "").await;
        fs::remove_dir(&room.root).unwrap();
        let gone = |room: &Room| {
            room.workspace.list(&WorkspacePath::root()).map_err(|error| Fault::from(error).code)
        };
        room.told("", |room| gone(room) == Err(FaultCode::NotFound)).await;
    }
}

#[tokio::test]
async fn a_folder_that_is_replaced_is_watched_under_its_name() {
    for mode in MODES {
        let mut room = Room::new(mode);
        fs::create_dir_all(room.root.join("a/b")).unwrap();
        for folder in ["", "a", "a/b"] {
            room.watch(folder, folder).await;
        }
        fs::rename(room.root.join("a"), room.root.join("old")).unwrap();
        room.told("a", |room| !room.root.join("a").exists()).await;
        fs::create_dir_all(room.root.join("a/b")).unwrap();
        room.put("a/b/first", "");
        room.told("a/b", |room| room.names("a/b") == ["first"]).await;
        for name in ["second", "third"] {
            room.put(&format!("a/b/{name}"), "");
            room.told("a/b", |room| room.names("a/b").iter().any(|other| other == name)).await;
        }
        fs::remove_dir_all(room.root.join("a")).unwrap();
        room.told("a/b", |room| room.names("a/b").is_empty()).await;
    }
}

#[tokio::test]
async fn what_does_not_exist_yet_can_be_watched() {
    for mode in MODES {
        let mut room = Room::new(mode);
        room.watch("later", "later").await;
        room.watch("later/file.txt", "later").await;
        fs::create_dir(room.root.join("later")).unwrap();
        room.told("later", |room| room.root.join("later").exists()).await;
        room.put("later/file.txt", "");
        room.told("later", |room| room.names("later") == ["file.txt"]).await;
    }
}

#[tokio::test]
async fn links_are_watched_where_they_lead() {
    for mode in MODES {
        let mut room = Room::new(mode);
        fs::create_dir_all(room.root.join("deep/real")).unwrap();
        room.put("deep/real/file.txt", "1");
        symlink("deep/real/file.txt", room.root.join("link.txt")).unwrap();
        symlink("deep/real", room.root.join("folder")).unwrap();
        room.watch("link.txt", "").await;
        room.watch("folder", "folder").await;
        let text = |room: &Room| {
            room.workspace.read_text(&path("link.txt")).map(|file| file.text).unwrap_or_default()
        };
        room.put("deep/real/file.txt", "2");
        room.told("", |room| text(room) == "2").await;
        room.put("deep/real/new", "");
        room.told("folder", |room| room.names("folder").len() == 2).await;
        // The link itself changes.
        room.put("other.txt", "3");
        symlink("other.txt", room.root.join("next")).unwrap();
        fs::rename(room.root.join("next"), room.root.join("link.txt")).unwrap();
        room.told("", |room| text(room) == "3").await;
        // What lies outside is not watched, and does no harm.
        symlink("../..", room.root.join("outside")).unwrap();
        room.watch("outside", "outside").await;
    }
}

#[tokio::test]
async fn only_what_is_watched_is_told() {
    let mut room = Room::new(WatchMode::Native);
    for folder in ["kept", "dropped", "never", "kept/below"] {
        fs::create_dir(room.root.join(folder)).unwrap();
    }
    room.watch("dropped", "dropped").await;
    room.watcher.unwatch(&path("dropped"));
    room.watcher.watch(&path("kept"));
    room.watcher.watch(&path("kept"));
    room.told("kept", |_| true).await;
    for folder in ["dropped", "never", "kept/below"] {
        room.put(&format!("{folder}/file"), "");
    }
    room.put("kept/file", "");
    let mut told = BTreeSet::new();
    while room.names("kept") != ["below", "file"] || told.is_empty() {
        told.extend(timeout(PATIENCE, room.changes.recv()).await.unwrap().unwrap());
    }
    assert_eq!(told, [Change::Folder(path("kept"))].into());
}

#[tokio::test]
async fn the_thread_ends_with_the_watcher() {
    for mode in MODES {
        let mut room = Room::new(mode);
        room.watch("", "").await;
        drop(room.watcher);
        while timeout(PATIENCE, room.changes.recv()).await.unwrap().is_some() {}
    }
}
