//! `parlor doctor` says what is wrong and what to do, and nothing that is secret.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

mod common;

use common::program::Program;

fn doctor(folder: &Path, state: &Path) -> (Option<i32>, Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["doctor", "--output", "json"])
        .arg(folder)
        .env("PARLOR_STATE_DIR", state)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), text)
}

/// What was found of something: status and sentence.
fn found(findings: &[Value], check: &str) -> (String, String) {
    let finding = findings.iter().find(|finding| finding["check"] == check);
    let finding = finding.unwrap_or_else(|| panic!("nothing is said of {check}: {findings:?}"));
    (finding["status"].as_str().unwrap().to_owned(), finding["text"].as_str().unwrap().to_owned())
}

/// Shares a folder, says its links, and kills it.
fn share_and_kill(folder: &Path, state: &Path, meanwhile: impl FnOnce()) -> String {
    let program = Program::start(folder, state, &[]);
    let sharing = program.sharing.clone();
    meanwhile();
    program.kill();
    sharing
}

fn session_folder(state: &Path) -> PathBuf {
    std::fs::read_dir(state.join("sessions")).unwrap().next().unwrap().unwrap().path()
}

#[expect(clippy::disallowed_methods, reason = "plays a disk that damages")]
fn put(path: &Path, content: &[u8]) {
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_fresh_machine_has_nothing_but_perhaps_a_page_to_be_built() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (code, findings, _) = doctor(folder.path(), state.path());
    let wrong: Vec<&Value> = findings.iter().filter(|finding| finding["status"] == "wrong").collect();
    assert!(wrong.iter().all(|finding| finding["check"] == "page"), "{wrong:?}");
    assert_eq!(code, Some(i32::from(!wrong.is_empty())));
    for check in [
        "folder",
        "state folder",
        "privacy",
        "running",
        "earlier sessions",
        "kept texts",
        "watching",
        "listening",
    ] {
        assert_eq!(found(&findings, check).0, "fine", "{check}");
    }
}

#[test]
fn a_running_agent_and_a_sudden_end_are_told_and_no_secret_is() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut during = Vec::new();
    let line = share_and_kill(folder.path(), state.path(), || during = doctor(folder.path(), state.path()).1);
    assert_eq!(found(&during, "running").1, "an agent shares this folder now");
    assert_eq!(found(&during, "earlier sessions").1, "none ended suddenly");
    assert_eq!(found(&during, "privacy"), found(&doctor(folder.path(), state.path()).1, "privacy"));
    assert_eq!(found(&during, "privacy").0, "fine", "the agent's own socket is private");

    let (_, findings, text) = doctor(folder.path(), state.path());
    assert_eq!(found(&findings, "running").1, "no agent shares this folder now");
    let (status, told) = found(&findings, "earlier sessions");
    assert!(status == "fine" && told.starts_with("a session of this folder ended suddenly"), "{told}");
    let sharing: Value = serde_json::from_str(&line).unwrap();
    let secret = sharing["host_url"].as_str().unwrap().rsplit_once("#1.").unwrap().1;
    assert!(!text.contains(secret) && !text.contains("#1."), "{text}");
}

#[test]
fn a_session_in_a_folder_above_or_below_is_told() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let part = folder.path().join("part");
    std::fs::create_dir(&part).unwrap();
    share_and_kill(&part, state.path(), || {
        let (code, findings, _) = doctor(folder.path(), state.path());
        let (status, told) = found(&findings, "other sessions");
        assert!(code == Some(1) && status == "wrong" && told.contains("part, inside this one"), "{told}");
    });
    let (_, findings, _) = doctor(folder.path(), state.path());
    assert!(findings.iter().all(|finding| finding["check"] != "other sessions"));
}

#[test]
fn damage_and_exposure_are_wrong_and_say_what_to_do() {
    let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    share_and_kill(folder.path(), state.path(), || {});
    let session = session_folder(state.path());
    let header = [&b"PLRJ"[..], &[1, 0]].concat();
    put(&session.join("1.journal"), &[&header[..], &[1, 0, 0, 0, 9, 9, 9, 9, 7]].concat());
    put(&session.join("2.journal"), &[&b"PLRJ"[..], &[9, 0]].concat());
    let (code, findings, _) = doctor(folder.path(), state.path());
    let (status, told) = found(&findings, "earlier sessions");
    assert_eq!((code, status.as_str()), (Some(1), "wrong"));
    assert!(told.contains("1.journal has 0 whole records and 9 damaged bytes"), "{told}");
    assert!(told.contains("written by a newer Parlor"), "{told}");
    // Files that the test's own umask made readable.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(session.join("keys"), std::fs::Permissions::from_mode(0o644)).unwrap();
        let (_, findings, _) = doctor(folder.path(), state.path());
        let (status, told) = found(&findings, "privacy");
        assert!(status == "wrong" && told.contains("chmod -R go-rwx"), "{told}");
    }
    put(&session.join("keys"), b"garbage");
    let told = found(&doctor(folder.path(), state.path()).1, "earlier sessions").1;
    assert!(told.contains("its keys are damaged") && told.contains("parlor rescue list"), "{told}");
}

#[test]
fn a_state_folder_that_is_a_file_and_a_folder_that_is_none_are_wrong() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("file");
    put(&file, b"");
    let (code, findings, _) = doctor(&file, &file);
    assert_eq!(code, Some(1));
    assert_eq!(found(&findings, "folder").0, "wrong");
    let (status, told) = found(&findings, "state folder");
    assert!(status == "wrong" && told.contains("PARLOR_STATE_DIR"), "{told}");
}
