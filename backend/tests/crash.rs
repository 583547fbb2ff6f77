//! The agent is killed in the middle of everything and started again: the session goes on, nothing acknowledged is lost.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::process::Command;

use parlor::agent::SessionState;
use parlor_shared::client::{Phase, SyncState};
use parlor_shared::invite::Invite;
use parlor_shared::message::SessionToHost;
use parlor_shared::role::{Capability, Grant};
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

#[tokio::test]
async fn what_the_host_granted_holds_after_a_kill_and_what_it_took_back_does_not() {
    let place = Place::new();
    let program = place.start();
    let line: serde_json::Value = serde_json::from_str(&program.sharing).unwrap();
    let host_link: Invite = line["host_url"].as_str().unwrap().parse().unwrap();
    let mut host = TestGuest::knock(host_link, "Hanna", Identity::generate().unwrap()).await;
    host.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let (ann, bob) = (join(&program, "Ann").await, join(&program, "Bob").await);
    let [ann_id, bob_id] = [&ann, &bob].map(|guest| guest.with(|client| client.membership().unwrap().me));
    let given = [(ann_id, Grant::Given), (bob_id, Grant::Given), (bob_id, Grant::Taken)];
    for (participant, grant) in given {
        let capability = Capability::OpenTerminal;
        let set = |request| SessionToHost::SetGrant { request, participant, capability, grant };
        let request = host.with(|client| client.administer(set));
        host.answer(request).await.unwrap();
    }
    program.kill();
    for guest in [&host, &ann, &bob] {
        guest.wait("away", |client| *client.phase() == Phase::Offline).await;
    }

    let program = place.start();
    for guest in [&ann, &bob] {
        guest.reconnect().await;
    }
    let may = |guest: &TestGuest| guest.with(|client| client.rights().allows(Capability::OpenTerminal));
    assert!(may(&ann) && !may(&bob));
    program.end();
}
