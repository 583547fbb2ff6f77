//! States that a disk damaged or that somebody else wrote, and files whose clock is wrong: what is whole is used, the rest
//! is said, nothing else suffers.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::DocumentId;
use parlor_shared::invite::Invite;
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
        let mut program = place.start();
        let aside = PathBuf::from(program.event("set_aside")["file"].as_str().unwrap());
        assert_eq!(fs::read(aside).unwrap(), damaged, "a copy is kept of what was cut off at {at}");
        let mut bob = join(&program, "Bob").await;
        for file in ["a.txt", "b.txt"] {
            let document = bob.open(file).await;
            bob.wait_text(document, |text| text == "a line that was saved\n").await;
            bob.append(document, "x");
            bob.wait_sync(document, &SyncState::Saved).await;
        }
        program.kill();
        // As it was, for the next time.
        journals(&place).iter().for_each(|path| fs::remove_file(path).unwrap());
        whole.iter().for_each(|(path, bytes)| put(path, bytes));
        ["a.txt", "b.txt"].iter().for_each(|file| place.write(file, "a line that was saved\n"));
    }
}

/// What a disk, another program or another version may make of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    /// A bit in the first bytes, which say what the file is.
    FirstByte,
    /// A bit in the first record.
    FirstRecord,
    /// The last bytes are gone.
    CutShort,
    /// A newer build wrote it.
    Newer,
    /// It is something else.
    Foreign,
    /// A folder stands in its place.
    Folder,
}

const EVERY_DAMAGE: [Damage; 6] = [
    Damage::FirstByte,
    Damage::FirstRecord,
    Damage::CutShort,
    Damage::Newer,
    Damage::Foreign,
    Damage::Folder,
];

impl Damage {
    fn befall(self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        match self {
            Self::FirstByte => bytes[0] ^= 0x10,
            Self::FirstRecord => bytes[26] ^= 0x10,
            Self::CutShort => bytes.truncate(bytes.len() - 3),
            Self::Newer => bytes[4] = 9,
            Self::Foreign => bytes = b"something else".to_vec(),
            Self::Folder => {
                fs::remove_file(file).unwrap();
                return fs::create_dir(file).unwrap();
            }
        }
        put(file, &bytes);
    }
}

/// A session that was killed: `b.txt` is saved, and `a.txt` is gone with something in its journal that no file has.
async fn killed_with_unsaved_text() -> (Place, Invite, TestGuest) {
    let place = Place::new();
    place.write("a.txt", "saved\n");
    place.write("b.txt", "");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    let a = ann.open("a.txt").await;
    fs::remove_file(place.folder.path().join("a.txt")).unwrap();
    ann.wait_sync(a, &SyncState::Gone).await;
    ann.append(a, "typed on\n");
    ann.wait("confirmed", |client| client.document(a).unwrap().is_confirmed()).await;
    let b = ann.open("b.txt").await;
    ann.append(b, "a line that was saved\n");
    ann.wait_sync(b, &SyncState::Saved).await;
    let links = program.editor.clone();
    program.kill();
    ann.wait("away", |client| *client.phase() == Phase::Offline).await;
    (place, links, ann)
}

/// What is kept, as `parlor rescue` prints it.
fn kept_text(place: &Place, id: &serde_json::Value) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["rescue", "show", id.as_str().unwrap()])
        .env("PARLOR_STATE_DIR", place.state.path())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The other document is as it was, and goes on.
async fn is_as_ever(guest: &mut TestGuest) -> DocumentId {
    let document = guest.open("b.txt").await;
    guest.wait_text(document, |text| text == "a line that was saved\n").await;
    guest.append(document, "x");
    guest.wait_sync(document, &SyncState::Saved).await;
    document
}

#[tokio::test]
async fn one_journal_that_can_not_be_read_is_set_aside_and_the_session_goes_on() {
    for damage in EVERY_DAMAGE {
        let (place, links, _ann) = killed_with_unsaved_text().await;
        damage.befall(&journals(&place)[0]);
        let mut program = place.start();
        assert_eq!(program.editor, links, "{damage:?}: the same session");
        let aside = program.event("set_aside");
        let is_named = !matches!(damage, Damage::Foreign | Damage::Folder | Damage::FirstRecord);
        assert_eq!(aside["what"] == "a.txt", is_named, "{damage:?}: {aside}");
        let file = Path::new(aside["file"].as_str().unwrap());
        assert!(file.starts_with(place.state.path().join("kept")) && file.exists(), "{damage:?}: {aside}");
        if matches!(damage, Damage::FirstByte | Damage::Newer | Damage::FirstRecord) {
            let kept = program.event("kept");
            assert_eq!(kept["texts"][0]["why"], "damaged", "{damage:?}");
            assert_eq!(kept_text(&place, &kept["texts"][0]["id"]), "saved\ntyped on\n", "{damage:?}");
        }
        let mut bob = join(&program, "Bob").await;
        is_as_ever(&mut bob).await;
        program.kill();
        // It is said once.
        let mut program = place.start();
        assert_eq!(program.event("revived")["event"], "revived");
        program.kill();
    }
}

#[tokio::test]
async fn damaged_keys_end_the_session_and_its_unsaved_text_is_kept() {
    for damage in EVERY_DAMAGE {
        let (place, links, _ann) = killed_with_unsaved_text().await;
        damage.befall(&place.session().join("keys"));
        let mut program = place.start();
        assert_ne!(program.editor.session, links.session, "{damage:?}");
        assert_eq!(program.event("not_revived")["reason"], "no_keys", "{damage:?}");
        let kept = program.event("kept");
        assert_eq!(kept["texts"].as_array().unwrap().len(), 1, "{damage:?}: {kept}");
        assert_eq!(kept_text(&place, &kept["texts"][0]["id"]), "saved\ntyped on\n", "{damage:?}");
        let mut bob = join(&program, "Bob").await;
        is_as_ever(&mut bob).await;
        program.end();
    }
}

#[tokio::test]
async fn without_the_list_of_people_everybody_waits_for_the_host_and_nobody_gets_anothers_number() {
    for damage in EVERY_DAMAGE {
        let (place, links, _ann) = killed_with_unsaved_text().await;
        damage.befall(&place.session().join("people"));
        let mut program = place.start();
        assert_eq!(program.editor, links, "{damage:?}");
        assert_eq!(program.event("set_aside")["what"], "the list of people", "{damage:?}");
        // Also after one more sudden end, before anybody came.
        program.kill();
        let program = place.start();
        // A removed guest may be among those who come.
        let knock = |name| TestGuest::knock(program.editor.clone(), name, Identity::generate().unwrap());
        let bob = knock("Bob").await;
        bob.wait("the lobby", |client| *client.phase() == Phase::Lobby).await;
        let line: serde_json::Value = serde_json::from_str(&program.sharing).unwrap();
        let host_link = line["host_url"].as_str().unwrap().parse().unwrap();
        let mut host = TestGuest::knock(host_link, "Hanna", Identity::generate().unwrap()).await;
        host.wait("welcome", |client| *client.phase() == Phase::Live).await;
        let me = host.with(|client| client.membership().unwrap().me);
        assert!(me.0 > 1_000_000, "{damage:?}: {me} may have been somebody's");
        is_as_ever(&mut host).await;
        program.kill();
    }
}

#[tokio::test]
async fn without_the_numbers_of_documents_none_is_given_twice() {
    for damage in EVERY_DAMAGE {
        let (place, links, _ann) = killed_with_unsaved_text().await;
        damage.befall(&place.session().join("documents"));
        place.write("c.txt", "another\n");
        let mut program = place.start();
        assert_eq!(program.editor, links, "{damage:?}");
        assert_eq!(program.event("set_aside")["what"], "the numbers of documents", "{damage:?}");
        program.kill();
        let program = place.start();
        let mut bob = join(&program, "Bob").await;
        assert!(is_as_ever(&mut bob).await.0 < 10, "it is back from its journal");
        let fresh = bob.open("c.txt").await;
        assert!(fresh.0 > 1_000_000, "{damage:?}: {fresh} may have been another's");
        program.kill();
    }
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
