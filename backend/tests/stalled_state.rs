//! A disk under the session's state that stalls, as a home on a network does: everybody types on, and nothing counts as kept that
//! is not.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::time::Duration;

use parlor::agent::{Approval, SessionState, StalledDisk};
use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::fault::FaultCode;
use parlor_shared::message::SessionToHost;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;
use tempfile::TempDir;

mod common;

use common::TestAgent;

async fn agent_with(root: &TempDir, folder: TempDir) -> TestAgent {
    let state = SessionState::open(root.path(), folder.path()).unwrap();
    TestAgent::start_with_state(folder, Approval::Never, Some(state)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_of_the_state_stalls_everybody_types_on_and_a_ban_is_not_answered() {
    let root = TempDir::new().unwrap();
    let agent = agent_with(&root, TempDir::new().unwrap()).await;
    agent.write("a.txt", "");
    let mut host = agent.join(Role::Host, "Hanna").await;
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let mallory = agent.knock_as(invite.clone(), "Mallory", identity.clone()).await;
    mallory.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let document = ann.open("a.txt").await;

    let stalled = StalledDisk::begin();
    let participant = mallory.with(|client| client.membership().unwrap().me);
    let remove = |request| SessionToHost::Remove { request, participant };
    let request = host.with(|client| client.administer(remove));
    assert_eq!(mallory.ended().await.code, FaultCode::Removed, "in force at once");
    // Everything that a stalled worker would stop.
    for round in 0..200 {
        ann.append(document, &format!("{round}\n"));
        ann.with(|client| client.set_name(format!("Ann {round}")));
    }
    ann.wait_sync(document, &SyncState::Saved).await;
    let late = agent.join(Role::Viewer, "Late").await;
    late.wait("the others", |client| client.participants().count() == 3).await;
    let is_answer =
        |event: &ClientEvent| matches!(event, ClientEvent::Done { request: of } if *of == request);
    assert!(!host.log.events().iter().any(is_answer), "nothing is kept yet");
    drop(stalled);
    host.answer(request).await.unwrap();

    // As after a crash: it was kept.
    let copy = TempDir::new().unwrap();
    copy_folder(&root.path().join("sessions"), &copy.path().join("sessions"));
    let folder = agent.end().await;
    let again = agent_with(&copy, folder).await;
    let mallory = again.knock_as(again.invite(Role::Editor), "Mallory", identity).await;
    assert_eq!(mallory.ended().await.code, FaultCode::Removed);
    // And nobody is given the number of one of before.
    let new = again.join(Role::Viewer, "New").await;
    assert!(
        new.with(|client| client.membership().unwrap().me)
            > late.with(|client| client.membership().unwrap().me)
    );
    again.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_state_stalls_ends_all_the_same() {
    let root = TempDir::new().unwrap();
    let agent = agent_with(&root, TempDir::new().unwrap()).await;
    agent.write("a.txt", "");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let _stalled = StalledDisk::begin();
    ann.append(document, "typed");
    ann.wait_sync(document, &SyncState::Saved).await;
    // Not for longer than a step of ending may take.
    let folder = tokio::time::timeout(Duration::from_secs(15), agent.end()).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("a.txt")).unwrap(), "typed");
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
