//! The agent is killed in the middle of everything and started again: the session goes on, nothing acknowledged is lost.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::process::Command;
use std::time::{Duration, SystemTime};

use parlor::agent::SessionState;
use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::invite::Invite;
use parlor_shared::message::SessionToHost;
use parlor_shared::role::{Capability, Grant, Role};
use parlor_shared::seal::Identity;

mod common;

use common::TestGuest;
use common::program::{Place, Program};

async fn join(program: &Program, name: &str) -> TestGuest {
    let guest = TestGuest::knock(program.editor.clone(), name, Identity::generate().unwrap()).await;
    guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
    guest
}

#[tokio::test]
async fn a_killed_agent_comes_back_as_the_same_session_with_everything_it_had_acknowledged() {
    let place = Place::new();
    place.write("a.txt", "");
    let program = place.start();
    let (mut ann, mut bob) = (join(&program, "Ann").await, join(&program, "Bob").await);
    let document = ann.open("a.txt").await;
    bob.open("a.txt").await;
    ann.append(document, "saved. ");
    ann.wait_sync(document, &SyncState::Saved).await;
    ann.append(document, "acknowledged. ");
    // Bob has it, so the agent had it, and it was in the journal before.
    bob.wait_text(document, |text| text.ends_with("acknowledged. ")).await;
    let me = ann.with(|client| client.membership().unwrap().me);
    let links = program.editor.clone();
    program.kill();
    ann.wait("away", |client| *client.phase() == Phase::Offline).await;
    ann.append(document, "typed while nobody listened. ");
    place.write("a.txt", &format!("{}and the disk went on.\n", place.read("a.txt")));

    let program = place.start();
    assert_eq!(program.editor, links, "the same links");
    ann.reconnect().await;
    bob.reconnect().await;
    assert_eq!(ann.with(|client| client.membership().unwrap().me), me, "the same participant");
    for part in ["saved. ", "acknowledged. ", "typed while nobody listened. ", "and the disk went on.\n"] {
        for guest in [&ann, &bob] {
            guest.wait_text(document, |text| text.matches(part).count() == 1).await;
        }
    }
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(place.read("a.txt"), ann.text(document));
    program.end();
    assert_eq!(std::fs::read_dir(place.state.path().join("sessions")).unwrap().count(), 0, "nothing is left");
}

#[tokio::test]
async fn killed_again_and_again_while_two_type_every_character_arrives_once() {
    let place = Place::new();
    place.write("a.txt", "");
    let mut program = place.start();
    let (mut ann, mut bob) = (join(&program, "Ann").await, join(&program, "Bob").await);
    let document = ann.open("a.txt").await;
    bob.open("a.txt").await;
    for round in 0..5 {
        for number in 0..40 {
            ann.append(document, &format!("<a{round}.{number}>"));
            bob.insert(document, 0, &format!("<b{round}.{number}>"));
            if number == 20 {
                ann.wait_text(document, |text| text.contains(&format!("<b{round}.0>"))).await;
            }
        }
        program.kill();
        for guest in [&ann, &bob] {
            guest.wait("away", |client| *client.phase() == Phase::Offline).await;
        }
        program = place.start();
        ann.reconnect().await;
        bob.reconnect().await;
    }
    let all = |text: &str| {
        (0..5).all(|round| {
            (0..40).all(|number| {
                ["a", "b"].iter().all(|who| text.matches(&format!("<{who}{round}.{number}>")).count() == 1)
            })
        })
    };
    ann.wait_text(document, all).await;
    bob.wait_text(document, all).await;
    ann.wait_sync(document, &SyncState::Saved).await;
    let text = ann.text(document);
    bob.wait_text(document, |other| other == text).await;
    assert_eq!(place.read("a.txt"), text);
    program.end();
}

#[tokio::test]
async fn a_second_agent_for_the_same_folder_is_refused_with_a_sentence() {
    let place = Place::new();
    let program = place.start();
    let output = Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["share", "--output", "json"])
        .arg(place.folder.path())
        .env("PARLOR_STATE_DIR", place.state.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("this folder is being shared already"), "{error}");
    program.end();
}

#[test]
fn a_state_folder_that_can_not_be_written_is_said() {
    let place = Place::new();
    place.write("file", "");
    let error = SessionState::open(&place.folder.path().join("file"), place.folder.path()).unwrap_err();
    assert!(error.to_string().contains("PARLOR_STATE_DIR"), "{error}");
}

async fn host(program: &Program) -> TestGuest {
    let line: serde_json::Value = serde_json::from_str(&program.sharing).unwrap();
    let link: Invite = line["host_url"].as_str().unwrap().parse().unwrap();
    let host = TestGuest::knock(link, "Hanna", Identity::generate().unwrap()).await;
    host.wait("welcome", |client| *client.phase() == Phase::Live).await;
    host
}

async fn away(guests: &[&TestGuest]) {
    for guest in guests {
        guest.wait("away", |client| *client.phase() == Phase::Offline).await;
    }
}

#[tokio::test]
async fn what_the_host_granted_beside_a_role_is_over_after_a_kill_and_the_role_is_not() {
    let place = Place::new();
    let program = place.start();
    let mut host = host(&program).await;
    let (ann, bob) = (join(&program, "Ann").await, join(&program, "Bob").await);
    let [ann_id, bob_id] = [&ann, &bob].map(|guest| guest.with(|client| client.membership().unwrap().me));
    let capability = Capability::OpenTerminal;
    let set =
        |request| SessionToHost::SetGrant { request, participant: ann_id, capability, grant: Grant::Given };
    let request = host.with(|client| client.administer(set));
    host.answer(request).await.unwrap();
    let may = |guest: &TestGuest| guest.with(|client| client.rights().allows(Capability::OpenTerminal));
    ann.wait("the grant", |client| client.rights().allows(Capability::OpenTerminal)).await;
    let set = |request| SessionToHost::SetRole { request, participant: bob_id, role: Role::Viewer };
    let request = host.with(|client| client.administer(set));
    host.answer(request).await.unwrap();
    program.kill();
    away(&[&host, &ann, &bob]).await;

    let mut program = place.start();
    let revived = program.event("revived");
    assert!(revived["age_seconds"].as_u64().unwrap() < 60, "{revived}");
    for guest in [&ann, &bob] {
        guest.reconnect().await;
    }
    assert!(!may(&ann), "nobody opens terminals until the host says so again");
    assert!(!may(&bob));
    assert_eq!(bob.with(|client| client.rights().role), Role::Viewer, "what the host took is still taken");
    program.end();
}

#[tokio::test]
async fn who_was_let_in_waits_again_after_a_kill_and_comes_back_as_the_same_with_what_it_typed() {
    let place = Place::new();
    place.write("a.txt", "");
    let program = place.start_with(&["--approve", "always"]);
    let mut hanna = host(&program).await;
    let identity = Identity::generate().unwrap();
    let mut ann = TestGuest::knock(program.editor.clone(), "Ann", identity).await;
    admit(&mut hanna).await;
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let me = ann.with(|client| client.membership().unwrap().me);
    let document = ann.open("a.txt").await;
    ann.append(document, "before. ");
    ann.wait_sync(document, &SyncState::Saved).await;
    program.kill();
    away(&[&hanna, &ann]).await;
    ann.append(document, "meanwhile. ");

    let program = place.start_with(&["--approve", "always"]);
    hanna.reconnect().await;
    // Whoever loses its transport while it waits is the same all the same.
    for _ in 0..2 {
        ann.knock_again().await;
        ann.wait("the lobby", |client| *client.phase() == Phase::Lobby).await;
    }
    assert_eq!(place.read("a.txt"), "before. ", "nothing of it comes in before");
    admit(&mut hanna).await;
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    assert_eq!(ann.with(|client| client.membership().unwrap().me), me, "the same participant");
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(place.read("a.txt"), "before. meanwhile. ");
    program.end();
}

/// Lets in whoever waits.
async fn admit(host: &mut TestGuest) {
    let knocked = |event: &ClientEvent| match event {
        ClientEvent::Knock { participant, .. } => Some(*participant),
        _ => None,
    };
    let participant = host.event("a knock", knocked).await;
    let request =
        host.with(|client| client.administer(|request| SessionToHost::Admit { request, participant }));
    host.answer(request).await.unwrap();
}

/// As if the clock had shown this when the session was last alive.
fn alive_at(place: &Place, then: impl Fn(SystemTime) -> SystemTime) {
    for entry in std::fs::read_dir(place.session()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let file = std::fs::OpenOptions::new().write(true).open(entry.path()).unwrap();
            file.set_modified(then(file.metadata().unwrap().modified().unwrap())).unwrap();
        }
    }
}

/// As if the session had last been alive so many seconds ago.
fn let_pass(place: &Place, seconds: u64) {
    alive_at(place, |then| then - Duration::from_secs(seconds));
}

/// A session with a text that is in its journal and in no file, ended by a kill.
async fn killed_with_unsaved_text(place: &Place) -> (Invite, TestGuest) {
    place.write("a.txt", "saved. ");
    place.write("b.txt", "saved. ");
    let program = place.start();
    let mut ann = join(&program, "Ann").await;
    let b = ann.open("b.txt").await;
    ann.append(b, "this too. ");
    ann.wait_sync(b, &SyncState::Saved).await;
    let a = ann.open("a.txt").await;
    std::fs::remove_file(place.folder.path().join("a.txt")).unwrap();
    ann.wait_sync(a, &SyncState::Gone).await;
    ann.append(a, "typed. ");
    ann.wait("confirmed", |client| client.document(a).unwrap().is_confirmed()).await;
    let links = program.editor.clone();
    program.kill();
    away(&[&ann]).await;
    (links, ann)
}

#[tokio::test]
async fn a_session_that_ended_too_long_ago_is_over_and_its_unsaved_text_is_kept() {
    for (arguments, seconds, reason) in [
        (&[][..], 3700, "too_old"),
        (&["--revive-within", "5m"], 400, "too_old"),
        (&["--revive-within", "0"], 5, "too_old"),
        (&["--new"], 0, "asked"),
    ] {
        let place = Place::new();
        let (links, ann) = killed_with_unsaved_text(&place).await;
        let_pass(&place, seconds);
        // The other file went on meanwhile; all that was typed in it had been saved.
        place.write("b.txt", "the host went on. ");
        let mut program = place.start_with(arguments);
        assert_ne!(program.editor.session, links.session, "{reason}: new keys");
        assert_ne!(program.editor.link(), links.link());
        let over = program.event("not_revived");
        assert_eq!(over["reason"], reason);
        assert!(over["age_seconds"].as_u64().unwrap() >= seconds, "{over}");
        let kept = program.event("kept");
        let texts = kept["texts"].as_array().unwrap();
        assert_eq!(texts.len(), 1, "{kept}");
        assert_eq!((texts[0]["path"].as_str(), texts[0]["why"].as_str()), (Some("a.txt"), Some("deleted")));
        assert!(!place.folder.path().join("a.txt").exists(), "nothing is written unasked");
        assert_eq!(place.read("b.txt"), "the host went on. ");
        assert_eq!(std::fs::read_dir(place.session()).unwrap().filter(is_journal).count(), 0);
        // Whoever has an old link does not come in with it.
        let origin = program.editor.origin.clone();
        drop(ann);
        let old = TestGuest::knock(Invite { origin, ..links }, "Ann", Identity::generate().unwrap()).await;
        old.wait("refused", |client| !matches!(client.phase(), Phase::Live | Phase::Lobby)).await;
        program.end();
    }
}

fn is_journal(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "journal")
}

#[tokio::test]
async fn an_old_session_goes_on_if_the_person_asks_or_says_that_it_may() {
    for arguments in [&["--resume"][..], &["--revive-within", "60d"]] {
        let place = Place::new();
        let (links, ann) = killed_with_unsaved_text(&place).await;
        let_pass(&place, 30 * 86_400);
        let mut program = place.start_with(arguments);
        assert_eq!(program.editor, links);
        assert!(program.event("revived")["age_seconds"].as_u64().unwrap() >= 30 * 86_400);
        ann.reconnect().await;
        program.kill();
        let mut program = place.start();
        assert!(program.event("revived")["age_seconds"].as_u64().unwrap() < 60, "it lived a moment ago");
        program.kill();
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_session_younger() {
    let place = Place::new();
    let (links, _ann) = killed_with_unsaved_text(&place).await;
    alive_at(&place, |then| then + Duration::from_secs(86_400));
    let program = place.start();
    assert_ne!(program.editor.session, links.session);
    program.end();
}
