//! Disks that are full and files that turn into something else while they are open: said to everybody, nothing lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use parlor::agent::{AgentEvent, Approval};
use parlor_shared::client::SyncState;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::role::Role;
use tempfile::TempDir;

mod common;

use common::TestAgent;

/// A small file system of its own. Taken away when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Nothing, and why, where mounting is not permitted.
    fn mount() -> Result<Self, String> {
        let folder = TempDir::new().unwrap();
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "parlor-test"])
            .arg(folder.path())
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(Self(folder))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into())
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        assert!(unmounted.unwrap().success(), "the disk is left as it was");
    }
}

/// Leaves not a byte of room.
fn fill(file: &Path) {
    let mut file = fs::File::create(file).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[tokio::test]
async fn a_full_disk_is_said_to_everybody_and_what_was_typed_comes_to_it_when_there_is_room() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(reason) => {
            // Then a folder that takes no new file stands for it, in the test of permissions.
            return println!("no small disk can be mounted here, so it is not filled: {reason}");
        }
    };
    let shared = TempDir::new_in(disk.0.path()).unwrap();
    let mut agent = TestAgent::start_in(shared, Approval::Never).await;
    agent.write("a.txt", "on disk\n");
    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Viewer, "Bob").await);
    let (document, seen) = (ann.open("a.txt").await, bob.open("a.txt").await);
    let filler = disk.0.path().join("filler");
    fill(&filler);

    let typed = "typed while the disk was full\n".repeat(500);
    ann.append(document, &typed);
    let full = Fault::new(FaultCode::DiskFull).with("a.txt");
    ann.wait_sync(document, &SyncState::NotSaved(full.clone())).await;
    bob.wait_sync(seen, &SyncState::NotSaved(full.clone())).await;
    agent.event("an error", |event| matches!(event, AgentEvent::Error { fault, .. } if *fault == full)).await;
    let expected = format!("on disk\n{typed}");
    assert_eq!((ann.text(document), bob.text(seen)), (expected.clone(), expected.clone()));
    assert_eq!(agent.read("a.txt"), "on disk\n", "what was there stays whole");
    let request = ann.with(|client| {
        client.workspace(|request| parlor_shared::message::WorkspaceToHost::Watch {
            request,
            folder: parlor_shared::path::WorkspacePath::root(),
        })
    });
    ann.answer(request).await.unwrap();

    fs::remove_file(filler).unwrap();
    ann.wait_sync(document, &SyncState::Saved).await;
    bob.wait_sync(seen, &SyncState::Saved).await;
    assert_eq!(agent.read("a.txt"), expected);
    let names: Vec<_> =
        fs::read_dir(agent.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.txt"], "failed attempts leave nothing behind");
    agent.still_serves().await;
    drop(agent.end().await);
}

#[tokio::test]
async fn a_file_that_becomes_a_folder_is_gone_and_its_text_is_not() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "text");
    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Viewer, "Bob").await);
    let (document, seen) = (ann.open("a.txt").await, bob.open("a.txt").await);
    fs::remove_file(agent.path("a.txt")).unwrap();
    fs::create_dir(agent.path("a.txt")).unwrap();
    ann.wait_sync(document, &SyncState::Gone).await;
    bob.wait_sync(seen, &SyncState::Gone).await;
    ann.append(document, " kept");
    bob.wait_text(seen, |text| text == "text kept").await;
    assert!(agent.path("a.txt").is_dir(), "nothing is put in its place unasked");
    fs::remove_dir(agent.path("a.txt")).unwrap();
    ann.with(|client| client.save(document));
    ann.wait_sync(document, &SyncState::Saved).await;
    bob.wait_sync(seen, &SyncState::Saved).await;
    assert_eq!(agent.read("a.txt"), "text kept");
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn a_folder_that_is_removed_under_open_files_loses_no_text() {
    let agent = TestAgent::start().await;
    agent.write("deep/er/a.txt", "text");
    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Viewer, "Bob").await);
    let (document, seen) = (ann.open("deep/er/a.txt").await, bob.open("deep/er/a.txt").await);
    fs::remove_dir_all(agent.path("deep")).unwrap();
    ann.wait_sync(document, &SyncState::Gone).await;
    bob.wait_sync(seen, &SyncState::Gone).await;
    ann.append(document, " kept");
    bob.wait_text(seen, |text| text == "text kept").await;
    fs::create_dir_all(agent.path("deep/er")).unwrap();
    ann.with(|client| client.save(document));
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("deep/er/a.txt"), "text kept");
    agent.still_serves().await;
    agent.end().await;
}
