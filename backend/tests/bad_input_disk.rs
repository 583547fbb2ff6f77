//! Disks that are full and files that turn into something else while they are open: said to everybody, nothing lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use parlor::agent::{AgentEvent, Approval};
use parlor_shared::client::{Client, Phase, SyncState};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;
use tempfile::TempDir;

mod common;

use common::program::Place;
use common::{TestAgent, TestGuest};

/// A small file system of its own. Taken away when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// A machine that can not mount one fails the test: it would show nothing.
    fn mount() -> Self {
        let folder = TempDir::new().unwrap();
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "parlor-test"])
            .arg(folder.path())
            .output()
            .expect("this test runs mount, which is not installed (Debian: `sudo apt install mount`)");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "this test needs a small disk, and none can be mounted: run it as root. mount says: {said}"
        );
        Self(folder)
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
    let disk = SmallDisk::mount();
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
async fn a_full_disk_of_states_is_said_and_the_text_is_safe_from_a_crash_again_when_there_is_room() {
    let disk = SmallDisk::mount();
    let mut place = Place::new();
    place.state = TempDir::new_in(disk.0.path()).unwrap();
    place.write("a.txt", "on disk\n");
    let program = place.start();
    let mut ann = TestGuest::knock(program.editor.clone(), "Ann", Identity::generate().unwrap()).await;
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let document = ann.open("a.txt").await;
    let filler = disk.0.path().join("filler");
    fill(&filler);

    let mut expected = "on disk\n".to_owned();
    let not_kept = SyncState::NotSaved(Fault::new(FaultCode::NotKept));
    let mut told = false;
    while !told {
        // More than may be left of the last page of the journal.
        let typed = "typed while the disk was full\n".repeat(500);
        ann.append(document, &typed);
        expected.push_str(&typed);
        ann.wait("news", |client| {
            let state = client.sync_state(document);
            told |= state.as_ref() == Some(&not_kept);
            told || state == Some(SyncState::Saved)
        })
        .await;
    }
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(place.read("a.txt"), expected, "the file's disk has room");

    fs::remove_file(filler).unwrap();
    fs::remove_file(place.folder.path().join("a.txt")).unwrap();
    fs::create_dir(place.folder.path().join("a.txt")).unwrap();
    ann.wait_sync(document, &SyncState::Gone).await;
    ann.append(document, "safe\n");
    let confirmed = |client: &Client| client.document(document).unwrap().is_confirmed();
    ann.wait("no file has it, so a journal does", confirmed).await;
    program.kill();
    fs::remove_dir(place.folder.path().join("a.txt")).unwrap();
    place.write("a.txt", &expected);
    let program = place.start();
    expected.push_str("safe\n");
    ann.reconnect().await;
    ann.wait_text(document, |text| text == expected).await;
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(place.read("a.txt"), expected);
    program.end();
    drop(place);
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
