//! Texts that no file has: kept when a session ends, said at its end and at the next start, and had back by `parlor rescue`.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use parlor_shared::client::{Phase, SyncState};
use parlor_shared::id::DocumentId;
use parlor_shared::seal::Identity;
use serde_json::Value;

mod common;

use common::TestGuest;
use common::program::{Place, Program};

async fn join(program: &Program, name: &str) -> TestGuest {
    let guest = TestGuest::knock(program.editor.clone(), name, Identity::generate().unwrap()).await;
    guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
    guest
}

fn rescue(place: &Place, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parlor"))
        .arg("rescue")
        .args(arguments)
        .current_dir(place.folder.path())
        .env("PARLOR_STATE_DIR", place.state.path())
        .output()
        .unwrap()
}

/// What it printed; it must have worked.
fn said(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Why it did nothing.
fn refused(output: &Output) -> String {
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn list(place: &Place) -> Vec<Value> {
    let output = said(&rescue(place, &["list", "--output", "json"]));
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Opens a file, takes it away, and types on.
async fn type_into_nothing(
    place: &Place,
    guest: &mut TestGuest,
    file: &str,
    take_away: impl FnOnce(PathBuf),
) -> DocumentId {
    let document = guest.open(file).await;
    take_away(place.folder.path().join(file));
    guest.wait_sync(document, &SyncState::Gone).await;
    guest.append(document, "typed on\n");
    guest.wait("confirmed", |client| client.document(document).unwrap().is_confirmed()).await;
    document
}

/// A session that ended in order, with a text whose file the host had moved: what it was called in the end.
async fn ended_with_a_moved_file(place: &Place) -> String {
    fs::create_dir(place.folder.path().join("src")).unwrap();
    place.write("src/a.txt", "saved\n");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    let moved = place.folder.path().join("b.txt");
    type_into_nothing(place, &mut ann, "src/a.txt", |file| fs::rename(file, moved).unwrap()).await;
    let (code, ended) = program.end_and_tell();
    assert_eq!(code, Some(1), "something is unsaved");
    assert_eq!(ended["saved"], false);
    let kept = ended["kept"].as_array().unwrap();
    assert_eq!(kept.len(), 1, "{ended}");
    assert_eq!((kept[0]["path"].as_str(), kept[0]["why"].as_str()), (Some("src/a.txt"), Some("deleted")));
    kept[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_with_everything_saved_says_so_and_keeps_nothing() {
    let place = Place::new();
    place.write("a.txt", "");
    place.write("deleted.txt", "all of it was saved");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    let document = ann.open("a.txt").await;
    let deleted = ann.open("deleted.txt").await;
    fs::remove_file(place.folder.path().join("deleted.txt")).unwrap();
    ann.wait_sync(deleted, &SyncState::Gone).await;
    ann.append(document, "typed");
    ann.wait("confirmed", |client| client.document(document).unwrap().is_confirmed()).await;
    let (code, ended) = program.end_and_tell();
    assert_eq!((code, &ended["saved"]), (Some(0), &Value::Bool(true)), "{ended}");
    assert_eq!(ended["kept"].as_array().unwrap().len(), 0);
    assert_eq!(place.read("a.txt"), "typed");
    assert!(list(&place).is_empty());
    assert!(said(&rescue(&place, &["list"])).contains("Nothing is kept"));
}

#[tokio::test]
async fn what_was_typed_into_a_moved_file_is_told_at_the_end_and_at_the_next_start_and_is_had_back() {
    let place = Place::new();
    let id = ended_with_a_moved_file(&place).await;
    assert_eq!(fs::read_dir(place.state.path().join("sessions")).unwrap().count(), 0, "the session is over");

    let mut program = place.start();
    let kept = program.event("kept");
    assert_eq!(kept["texts"][0]["id"], id.as_str());
    assert_eq!(kept["texts"][0]["path"], "src/a.txt");
    assert_eq!(program.end_and_tell().0, Some(0), "that was another session's");

    let doctor = Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["doctor"])
        .current_dir(place.folder.path())
        .env("PARLOR_STATE_DIR", place.state.path())
        .output()
        .unwrap();
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("texts that no file has: 1 of this folder"), "{doctor}");

    let listed = list(&place);
    assert_eq!(listed.len(), 1);
    let folder = place.folder.path().canonicalize().unwrap();
    assert_eq!(listed[0]["folder"], folder.to_str().unwrap());
    assert_eq!(listed[0]["characters"], "saved\ntyped on\n".len());
    let text = said(&rescue(&place, &["list", "--path", "."]));
    assert!(text.contains(&id) && text.contains("src/a.txt") && text.contains("the file is gone"), "{text}");
    assert_eq!(said(&rescue(&place, &["show", &id[..4]])), "saved\ntyped on\n");

    // Where the file is now: it was not changed since, so nothing of it is lost.
    let text = said(&rescue(&place, &["restore", &id, "--to", "b.txt"]));
    assert!(text.contains("b.txt"), "{text}");
    assert_eq!(place.read("b.txt"), "saved\ntyped on\n");
    assert!(list(&place).is_empty(), "a file has it");
    assert!(refused(&rescue(&place, &["show", &id])).contains("parlor rescue list"));
}

#[tokio::test]
async fn a_text_is_restored_into_its_own_place_with_the_folders_that_are_gone() {
    let place = Place::new();
    let id = ended_with_a_moved_file(&place).await;
    fs::remove_dir(place.folder.path().join("src")).unwrap();
    let text = said(&rescue(&place, &["restore", &id]));
    assert!(text.contains("Made the folder"), "{text}");
    assert_eq!(place.read("src/a.txt"), "saved\ntyped on\n");
    assert_eq!(place.read("b.txt"), "saved\n", "the other file is left alone");
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_overwritten_only_by_force_and_what_it_held_is_kept() {
    let place = Place::new();
    let id = ended_with_a_moved_file(&place).await;
    place.write("src/a.txt", "somebody else's work\n");
    let refusal = refused(&rescue(&place, &["restore", &id]));
    assert!(refusal.contains("--force") && refusal.contains("--to") && refusal.contains("diff"), "{refusal}");
    assert_eq!(place.read("src/a.txt"), "somebody else's work\n");
    assert_eq!(list(&place).len(), 1);

    said(&rescue(&place, &["restore", &id, "--force"]));
    assert_eq!(place.read("src/a.txt"), "saved\ntyped on\n");
    let listed = list(&place);
    assert_eq!((listed.len(), listed[0]["why"].as_str()), (1, Some("replaced")));
    let replaced = listed[0]["id"].as_str().unwrap();
    assert_eq!(said(&rescue(&place, &["show", replaced])), "somebody else's work\n");
    said(&rescue(&place, &["discard", replaced]));
    assert!(list(&place).is_empty());
}

#[tokio::test]
async fn a_file_that_holds_the_text_already_needs_no_force() {
    let place = Place::new();
    let id = ended_with_a_moved_file(&place).await;
    place.write("src/a.txt", "saved\ntyped on\n");
    assert!(said(&rescue(&place, &["restore", &id])).contains("already"));
    assert!(list(&place).is_empty());
}

#[tokio::test]
async fn nothing_is_written_out_of_the_folder_or_into_what_is_no_file() {
    let place = Place::new();
    let id = ended_with_a_moved_file(&place).await;
    let elsewhere = tempfile::TempDir::new().unwrap();
    fs::remove_dir(place.folder.path().join("src")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), place.folder.path().join("src")).unwrap();
    assert!(refused(&rescue(&place, &["restore", &id])).contains("leads out"));
    fs::remove_file(place.folder.path().join("src")).unwrap();
    fs::create_dir_all(place.folder.path().join("src/a.txt")).unwrap();
    assert!(refused(&rescue(&place, &["restore", &id])).contains("is no file"));
    assert!(refused(&rescue(&place, &["restore", &id, "--to", "missing/a.txt"])).contains("no folder"));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert_eq!(list(&place).len(), 1, "it is still kept");
    // A folder is a place for it, under its own name.
    let to = elsewhere.path().to_str().unwrap();
    said(&rescue(&place, &["restore", &id, "--to", to]));
    assert_eq!(fs::read_to_string(elsewhere.path().join("a.txt")).unwrap(), "saved\ntyped on\n");
}

#[tokio::test]
async fn a_text_is_found_after_its_folder_went_away() {
    let place = Place::new();
    let id = ended_with_a_moved_file(&place).await;
    let state = place.state.path().to_owned();
    let home = tempfile::TempDir::new().unwrap();
    let there = place.folder.path().to_owned();
    let away = home.path().join("moved");
    fs::rename(&there, &away).unwrap();
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_parlor"))
            .arg("rescue")
            .args(arguments)
            .current_dir(home.path())
            .env("PARLOR_STATE_DIR", &state)
            .output()
            .unwrap()
    };
    assert!(said(&run(&["list"])).contains(&id));
    assert!(
        said(&run(&["list", "--path", there.to_str().unwrap()])).contains(&id),
        "by the path that it had"
    );
    assert!(said(&run(&["list", "--path", "moved"])).contains("parlor rescue list"));
    assert!(refused(&run(&["restore", &id])).contains("--to"));
    said(&run(&["restore", &id, "--to", "moved/b.txt"]));
    assert_eq!(fs::read_to_string(away.join("b.txt")).unwrap(), "saved\ntyped on\n");
    fs::rename(&away, &there).unwrap();
}

#[tokio::test]
async fn the_bytes_are_those_that_the_file_would_have_had() {
    let place = Place::new();
    let utf16 = |text: &str| -> Vec<u8> {
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    put(&place.folder.path().join("a.txt"), &utf16("zwölf\r\n"));
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    type_into_nothing(&place, &mut ann, "a.txt", |file| fs::remove_file(file).unwrap()).await;
    let (code, ended) = program.end_and_tell();
    assert_eq!(code, Some(1));
    let id = ended["kept"][0]["id"].as_str().unwrap();
    assert_eq!(said(&rescue(&place, &["show", id])), "zwölf\ntyped on\n");
    said(&rescue(&place, &["restore", id]));
    assert_eq!(fs::read(place.folder.path().join("a.txt")).unwrap(), utf16("zwölf\r\ntyped on\r\n"));
}

#[tokio::test]
async fn what_does_not_come_to_its_file_until_the_end_is_kept() {
    let place = Place::new();
    place.write("a.txt", "saved\n");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    let document = ann.open("a.txt").await;
    // A folder stands where the file was.
    fs::remove_file(place.folder.path().join("a.txt")).unwrap();
    fs::create_dir(place.folder.path().join("a.txt")).unwrap();
    ann.append(document, "typed\n");
    ann.wait("confirmed", |client| client.document(document).unwrap().is_confirmed()).await;
    let (code, ended) = program.end_and_tell();
    assert_eq!((code, &ended["saved"]), (Some(1), &Value::Bool(false)));
    let id = ended["kept"][0]["id"].as_str().unwrap();
    assert_eq!(said(&rescue(&place, &["show", id])), "saved\ntyped\n");
}

#[tokio::test]
async fn what_can_not_be_kept_as_a_text_stays_in_its_journal_until_it_can() {
    let place = Place::new();
    // Nothing can be made where the texts are to lie.
    put(&place.state.path().join("kept"), b"in the way");
    place.write("a.txt", "saved\n");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    type_into_nothing(&place, &mut ann, "a.txt", |file| fs::remove_file(file).unwrap()).await;
    let links = program.editor.clone();
    let (code, ended) = program.end_and_tell();
    assert_eq!((code, &ended["saved"]), (Some(1), &Value::Bool(false)));
    assert_eq!(ended["kept"][0]["id"], Value::Null);
    assert!(ended["journals"].is_string(), "{ended}");

    fs::remove_file(place.state.path().join("kept")).unwrap();
    let mut program = place.start();
    assert_ne!(program.editor.session, links.session, "it had ended in order");
    let kept = program.event("kept");
    let id = kept["texts"][0]["id"].as_str().unwrap();
    assert_eq!(said(&rescue(&place, &["show", id])), "saved\ntyped on\n");
    assert_eq!(program.end_and_tell().0, Some(0));
}

#[test]
fn what_is_asked_for_wrongly_is_said() {
    let place = Place::new();
    assert_eq!(rescue(&place, &["restore"]).status.code(), Some(2));
    assert_eq!(rescue(&place, &["list", "--output", "xml"]).status.code(), Some(2));
    assert!(refused(&rescue(&place, &["show", "abc"])).contains("parlor rescue list"));
    assert!(refused(&rescue(&place, &["discard", ""])).contains("parlor rescue list"));
}

#[expect(clippy::disallowed_methods, reason = "plays the host's own editor")]
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}
