//! States that a disk damaged or that somebody else wrote, and files whose clock is wrong: what is whole is used, the rest
//! is said, nothing else suffers.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::DocumentId;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;

mod common;

use common::program::{Place, Program};
use common::{TestAgent, TestGuest};

async fn join(program: &Program, name: &str) -> TestGuest {
    let guest = TestGuest::knock(program.editor.clone(), name, Identity::generate().unwrap()).await;
    guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
    guest
}

#[expect(clippy::disallowed_methods, reason = "plays a disk that damages")]
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn journals(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.session()).unwrap().map(|entry| entry.unwrap().path());
    let mut journals: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "journal")).collect();
    journals.sort();
    journals
}

/// A session with two documents that was killed; each has a line that the disk has.
async fn killed() -> Place {
    let place = Place::new();
    place.write("a.txt", "");
    place.write("b.txt", "");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    for file in ["a.txt", "b.txt"] {
        let document = ann.open(file).await;
        ann.append(document, "a line that was saved\n");
        ann.wait_sync(document, &SyncState::Saved).await;
    }
    program.kill();
    assert_eq!(journals(&place).len(), 2);
    place
}

#[tokio::test]
async fn a_flipped_bit_in_a_journal_costs_only_what_stands_behind_it() {
    let place = killed().await;
    let whole: Vec<(PathBuf, Vec<u8>)> =
        journals(&place).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let (journal, bytes) = &whole[0];
    // In the header of the first record, in the middle of all, in the last byte.
    for at in [26, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        put(journal, &damaged);
        let program = place.start();
        let mut bob = join(&program, "Bob").await;
        for file in ["a.txt", "b.txt"] {
            let document = bob.open(file).await;
            bob.wait_text(document, |text| text == "a line that was saved\n").await;
            bob.append(document, "x");
            bob.wait_sync(document, &SyncState::Saved).await;
        }
        assert!(journal.with_extension("damaged").exists(), "a copy is kept of what was cut off at {at}");
        program.kill();
        // As it was, for the next time.
        fs::remove_file(journal.with_extension("damaged")).unwrap();
        journals(&place).iter().for_each(|path| fs::remove_file(path).unwrap());
        whole.iter().for_each(|(path, bytes)| put(path, bytes));
        ["a.txt", "b.txt"].iter().for_each(|file| place.write(file, "a line that was saved\n"));
    }
}

#[tokio::test]
async fn a_state_of_a_newer_version_or_with_damaged_keys_is_refused_and_left_as_it_is() {
    let place = killed().await;
    let journal = journals(&place).remove(0);
    let before = fs::read(&journal).unwrap();
    let mut newer = before.clone();
    newer[4] = 9;
    put(&journal, &newer);
    let output = place.fail_to_start();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("written by a newer Parlor (version 9)") && error.contains("Remove"), "{error}");
    assert_eq!(fs::read(&journal).unwrap(), newer, "it is not touched");

    put(&journal, b"something else");
    let error = String::from_utf8(place.fail_to_start().stderr).unwrap();
    assert!(error.contains("is no journal of Parlor"), "{error}");
    put(&journal, &before);

    let keys = place.session().join("keys");
    let whole = fs::read(&keys).unwrap();
    put(&keys, &whole[..whole.len() / 2]);
    let error = String::from_utf8(place.fail_to_start().stderr).unwrap();
    assert!(error.contains("its keys are damaged"), "{error}");
    // Whole again, everything is there again.
    put(&keys, &whole);
    let program = place.start();
    let mut bob = join(&program, "Bob").await;
    let document = bob.open("b.txt").await;
    assert_eq!(bob.text(document), "a line that was saved\n");
    program.end();
}

/// Puts the session's state away; a file stands in its place.
fn take_state(place: &Place) -> PathBuf {
    let session = place.session();
    fs::rename(&session, place.state.path().join("away")).unwrap();
    put(&session, b"");
    session
}

fn give_state_back(place: &Place, session: &Path) {
    fs::remove_file(session).unwrap();
    fs::rename(place.state.path().join("away"), session).unwrap();
}

/// A folder stands in the place of the file: nothing can be saved.
async fn block_file(place: &Place, guest: &TestGuest, document: DocumentId) {
    fs::remove_file(place.folder.path().join("a.txt")).unwrap();
    fs::create_dir(place.folder.path().join("a.txt")).unwrap();
    guest.wait_sync(document, &SyncState::Gone).await;
}

/// The text that took the place of the guest's, and what the guest had that no host confirmed.
async fn handed_back(guest: &mut TestGuest) -> (DocumentId, Option<String>) {
    let find = |event: &ClientEvent| match event {
        ClientEvent::Replaced { document, lost, .. } => Some((*document, lost.clone())),
        _ => None,
    };
    guest.event("the text is handed back", find).await
}

fn is_confirmed(guest: &TestGuest, document: DocumentId) -> bool {
    guest.with(|client| client.document(document).unwrap().is_confirmed())
}

#[tokio::test]
async fn what_no_journal_takes_is_acknowledged_when_one_does_and_survives_from_then_on() {
    let place = Place::new();
    place.write("a.txt", "one ");
    let program = place.start();
    let (mut ann, mut bob) = (join(&program, "Ann").await, join(&program, "Bob").await);
    let document = ann.open("a.txt").await;
    bob.open("a.txt").await;
    block_file(&place, &ann, document).await;
    let session = take_state(&place);
    ann.append(document, "two ");
    bob.wait_text(document, |text| text == "one two ").await;
    let watch = |request| parlor_shared::message::WorkspaceToHost::Watch {
        request,
        folder: parlor_shared::path::WorkspacePath::root(),
    };
    ann.workspace(watch).await.unwrap();
    assert!(!is_confirmed(&ann, document), "neither journal nor file has it");

    give_state_back(&place, &session);
    ann.wait("confirmed", |client| client.document(document).unwrap().is_confirmed()).await;
    program.kill();
    ann.wait("away", |client| *client.phase() == Phase::Offline).await;
    ann.append(document, "three ");
    fs::remove_dir(place.folder.path().join("a.txt")).unwrap();
    place.write("a.txt", "one ");
    let program = place.start();
    bob.reconnect().await;
    assert_eq!(bob.text(document), "one two ", "it does not need Ann");
    ann.reconnect().await;
    for guest in [&ann, &bob] {
        guest.wait_text(document, |text| text == "one two three ").await;
        guest.wait_sync(document, &SyncState::Saved).await;
    }
    assert_eq!(place.read("a.txt"), "one two three ");
    program.end();
}

#[tokio::test]
async fn a_journal_that_lacks_only_what_no_file_has_is_gone_on_from_and_its_author_brings_the_rest() {
    let place = Place::new();
    place.write("a.txt", "one ");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    let document = ann.open("a.txt").await;
    block_file(&place, &ann, document).await;
    ann.append(document, "two ");
    ann.wait("confirmed", |client| client.document(document).unwrap().is_confirmed()).await;
    let mut bob = join(&program, "Bob").await;
    bob.open("a.txt").await;
    let session = take_state(&place);
    ann.append(document, "three ");
    bob.wait_text(document, |text| text == "one two three ").await;
    program.kill();
    ann.wait("away", |client| *client.phase() == Phase::Offline).await;
    give_state_back(&place, &session);
    fs::remove_dir(place.folder.path().join("a.txt")).unwrap();
    place.write("a.txt", "one ");
    let program = place.start();
    ann.reconnect().await;
    bob.reconnect().await;
    let (document, lost) = handed_back(&mut ann).await;
    assert_eq!(lost, None, "what was never confirmed is merged into what there is");
    for guest in [&ann, &bob] {
        guest.wait_text(document, |text| text == "one two three ").await;
        guest.wait_sync(document, &SyncState::Saved).await;
    }
    assert_eq!(place.read("a.txt"), "one two three ");
    program.end();
}

#[tokio::test]
async fn a_journal_that_lacks_what_the_file_has_doubles_nothing() {
    let place = Place::new();
    place.write("a.txt", "one ");
    let program = place.start();
    let (mut ann, mut bob) = (join(&program, "Ann").await, join(&program, "Bob").await);
    let document = ann.open("a.txt").await;
    bob.open("a.txt").await;
    // In the journal, and mostly not in the file yet.
    ann.append(document, "acknowledged ");
    ann.wait("confirmed", |client| client.document(document).unwrap().is_confirmed()).await;
    let session = take_state(&place);
    let not_kept = SyncState::NotSaved(Fault::new(FaultCode::NotKept));
    let mut told = false;
    while !told {
        ann.append(document, "two ");
        let text = ann.text(document);
        bob.wait("news", |client| {
            let state = client.sync_state(document);
            told |= state.as_ref() == Some(&not_kept);
            told || state == Some(SyncState::Saved)
                && client.document(document).unwrap().document().text() == text
        })
        .await;
    }
    for guest in [&ann, &bob] {
        guest.wait_sync(document, &SyncState::Saved).await;
    }
    assert!(is_confirmed(&ann, document), "the file has it");
    let saved = ann.text(document);
    assert_eq!(place.read("a.txt"), saved);
    program.kill();
    ann.wait("away", |client| *client.phase() == Phase::Offline).await;
    ann.append(document, "three ");
    give_state_back(&place, &session);
    let program = place.start();
    ann.reconnect().await;
    bob.reconnect().await;
    let (document, lost) = handed_back(&mut ann).await;
    assert_eq!(lost, None, "what the file had already is not there twice");
    let merged = format!("{saved}three ");
    bob.wait_text(document, |text| text == merged).await;
    ann.append(document, "four ");
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(place.read("a.txt"), format!("{merged}four "));
    program.end();
}

#[test]
fn a_state_folder_that_can_not_be_made_is_said_and_nothing_is_shared() {
    let mut place = Place::new();
    place.write("file", "");
    let file = place.folder.path().join("file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["share", "--output", "json"])
        .arg(place.folder.path())
        .env("PARLOR_STATE_DIR", file.join("below"))
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(error.contains("PARLOR_STATE_DIR"), "{error}");
    place.state = tempfile::TempDir::new().unwrap();
    place.start().end();
}

#[tokio::test]
async fn files_from_the_past_and_the_future_are_followed_like_all_others() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "one\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let year = Duration::from_secs(365 * 86_400);
    let (past, future) = (SystemTime::UNIX_EPOCH + year, SystemTime::UNIX_EPOCH + 130 * year);
    let mut expected = "one\n".to_owned();
    for (number, time) in [future, past, future, SystemTime::UNIX_EPOCH].into_iter().enumerate() {
        // The clock jumps, and something writes the file.
        expected.push_str(&format!("outside {number}\n"));
        agent.write("a.txt", &expected);
        OpenOptions::new().append(true).open(agent.path("a.txt")).unwrap().set_modified(time).unwrap();
        ann.wait_text(document, |text| text == expected).await;
        // And what is typed still comes to it.
        ann.append(document, "typed\n");
        expected.push_str("typed\n");
        ann.wait_sync(document, &SyncState::Saved).await;
        assert_eq!(agent.read("a.txt"), expected);
    }
    let touched = File::open(agent.path("a.txt")).unwrap().metadata().unwrap();
    assert!(touched.modified().unwrap() > past, "a save has the time of the save");
    agent.end().await;
}
