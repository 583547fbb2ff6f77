//! A long history at a real agent is left behind: nobody sees it, whoever was away included, and nothing is lost by it.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::id::DocumentId;
use parlor_shared::role::Role;

mod common;

use common::{TestAgent, TestGuest};

/// So many traces outweigh any small text.
const TRACES: usize = 16_000;

fn epoch(guest: &TestGuest, document: DocumentId) -> u32 {
    guest.with(|client| client.document(document).unwrap().info().epoch)
}

/// Types and deletes, so that nothing but traces stays.
fn wear(guest: &TestGuest, document: DocumentId) {
    let typed = Splice { at: 0, delete: 0, insert: "xy".to_owned() };
    let mut splices = vec![typed; TRACES];
    splices.push(Splice { at: 0, delete: 2 * TRACES as u32, insert: String::new() });
    guest.with(|client| client.edit(document, &splices)).unwrap();
}

#[tokio::test]
async fn a_worn_history_is_left_behind_and_nobody_sees_it() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "one two\n");
    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Editor, "Bob").await);
    let mut carol = agent.join(Role::Editor, "Carol").await;
    let document = ann.open("a.txt").await;
    bob.open("a.txt").await;
    carol.open("a.txt").await;
    carol.guest.cut();
    carol.wait("away", |client| *client.phase() == Phase::Offline).await;
    carol.insert(document, 4, "(carol) ");

    wear(&ann, document);
    for guest in [&ann, &bob] {
        guest.wait("the next epoch", |client| client.document(document).unwrap().info().epoch == 1).await;
    }
    assert_eq!((ann.text(document), bob.text(document)), ("one two\n".to_owned(), "one two\n".to_owned()));
    ann.insert(document, 0, "zero ");
    bob.append(document, "three\n");

    // Whoever was away comes back with what it typed, and whoever is new gets a text without a history.
    carol.reconnect().await;
    let all = |text: &str| text == "zero one (carol) two\nthree\n";
    let mut dave = agent.join(Role::Viewer, "Dave").await;
    dave.open("a.txt").await;
    for guest in [&ann, &bob, &carol, &dave] {
        guest.wait_text(document, all).await;
        assert_eq!(epoch(guest, document), 1);
    }
    ann.wait_sync(document, &SyncState::Saved).await;
    let state = dave.with(|client| client.document(document).unwrap().document().missing_from(&[]).unwrap());
    assert!(state.len() < 300, "{} bytes", state.len());
    for guest in [&ann, &bob, &carol] {
        let replaced = |event: &ClientEvent| matches!(event, ClientEvent::Replaced { .. });
        assert!(!guest.log.events().iter().any(replaced), "{:?}", guest.log.events());
    }
    assert_eq!(agent.read("a.txt"), "zero one (carol) two\nthree\n");
    agent.end().await;
}
