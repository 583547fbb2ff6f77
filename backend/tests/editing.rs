//! Editing together: guests, host and disk over real sockets and real files.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use parlor::agent::AgentEvent;
use parlor_shared::client::{ClientEvent, SyncState};
use parlor_shared::document::ChangedBy;
use parlor_shared::message::WorkspaceToHost;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;

mod common;

use common::TestAgent;

#[tokio::test]
async fn two_guests_and_the_disk_agree() {
    let agent = TestAgent::start().await;
    agent.write("hello.txt", "hello\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let mut bob = agent.join(Role::Editor, "Bob").await;
    let (a, b) = (ann.open("hello.txt").await, bob.open("hello.txt").await);
    assert_eq!(a, b);
    assert_eq!(ann.text(a), "hello\n");
    assert_eq!(ann.sync_state(a), Some(SyncState::Synced));

    ann.insert(a, 5, " Ann 👩");
    bob.insert(b, 0, "Bob says ");
    ann.wait_text(a, |text| text == "Bob says hello Ann 👩\n").await;
    bob.wait_text(b, |text| text == "Bob says hello Ann 👩\n").await;
    ann.wait_sync(a, &SyncState::Saved).await;
    assert_eq!(agent.read("hello.txt"), "Bob says hello Ann 👩\n");
    agent.end().await;
}

#[tokio::test]
async fn a_change_outside_merges_with_what_is_typed() {
    let agent = TestAgent::start().await;
    agent.write("notes.md", "one\ntwo\nthree\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("notes.md").await;
    ann.insert(document, 0, "typed ");
    agent.write("notes.md", "one\ntwo changed\nthree\nfour\n");
    let expected = "typed one\ntwo changed\nthree\nfour\n";
    ann.wait_text(document, |text| text == expected).await;
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("notes.md"), expected);
    agent.end().await;
}

#[tokio::test]
async fn everybody_learns_who_made_each_change() {
    let agent = TestAgent::start().await;
    agent.write("notes.md", "one\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let mut bob = agent.join(Role::Editor, "Bob").await;
    let (a, b) = (ann.open("notes.md").await, bob.open("notes.md").await);
    let who = ann.with(|client| client.me().unwrap().id);
    let changed_by = |event: &ClientEvent| match event {
        ClientEvent::Changed { runs, .. } => Some(runs.iter().map(|run| run.by).collect::<Vec<_>>()),
        _ => None,
    };
    ann.insert(a, 0, "typed ");
    bob.wait_text(b, |text| text == "typed one\n").await;
    assert_eq!(bob.event("a change", changed_by).await, [ChangedBy::Participant(who)]);
    ann.wait_sync(a, &SyncState::Saved).await;
    agent.write("notes.md", "typed one\ntwo\n");
    bob.wait_text(b, |text| text == "typed one\ntwo\n").await;
    assert_eq!(bob.event("a change", changed_by).await, [ChangedBy::Disk]);
    agent.end().await;
}

#[tokio::test]
async fn line_ends_encoding_and_mode_stay_as_the_file_has_them() {
    let agent = TestAgent::start().await;
    agent.write("dos.txt", "\u{feff}one\r\ntwo\r\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("dos.txt").await;
    assert_eq!(ann.text(document), "one\ntwo\n");
    ann.insert(document, 4, "and a half\n");
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("dos.txt"), "\u{feff}one\r\nand a half\r\ntwo\r\n");
    agent.end().await;
}

#[tokio::test]
async fn a_deleted_file_is_said_its_text_kept_and_saving_brings_it_back() {
    let agent = TestAgent::start().await;
    agent.write("gone.txt", "keep me");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("gone.txt").await;
    std::fs::remove_file(agent.path("gone.txt")).unwrap();
    ann.wait_sync(document, &SyncState::Gone).await;
    ann.append(document, " please");
    assert_eq!(ann.text(document), "keep me please");
    ann.with(|client| client.save(document));
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("gone.txt"), "keep me please");
    agent.end().await;
}

#[tokio::test]
async fn a_renamed_file_keeps_its_document_and_its_unsaved_text() {
    let agent = TestAgent::start().await;
    agent.write("old/a.txt", "text");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("old/a.txt").await;
    ann.append(document, " typed");
    let path = |text| WorkspacePath::parse(text).unwrap();
    let rename = |request| WorkspaceToHost::Rename { request, from: path("old"), to: path("new") };
    ann.workspace(rename).await.unwrap();
    ann.wait("moved", |client| client.document(document).unwrap().info().path == path("new/a.txt")).await;
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("new/a.txt"), "text typed");
    assert!(!agent.path("old").exists());
    agent.end().await;
}

#[tokio::test]
async fn a_guest_whose_connection_broke_comes_back_as_the_same_with_what_it_typed() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let mut bob = agent.join(Role::Editor, "Bob").await;
    let document = ann.open("a.txt").await;
    bob.open("a.txt").await;
    let me = ann.with(|client| client.membership().unwrap().me);
    ann.append(document, "before ");
    ann.wait_sync(document, &SyncState::Saved).await;
    ann.guest.cut();
    ann.append(document, "while away ");
    assert_eq!(ann.sync_state(document), Some(SyncState::Offline));
    bob.wait_text(document, |text| text == "before ").await;
    bob.append(document, "(Bob) ");
    ann.reconnect().await;
    assert_eq!(ann.with(|client| client.membership().unwrap().me), me);
    ann.wait_text(document, |text| text.contains("(Bob)") && text.contains("while away")).await;
    ann.wait_sync(document, &SyncState::Saved).await;
    let text = ann.text(document);
    bob.wait_text(document, |other| other == text).await;
    assert_eq!(agent.read("a.txt"), text);
    agent.end().await;
}

#[tokio::test]
async fn ending_tells_everybody_and_saves_what_was_typed_a_moment_ago() {
    let mut agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    ann.append(document, "the last words");
    agent.event("joined", |event| matches!(event, AgentEvent::GuestJoined { .. })).await;
    let mut bob = agent.join(Role::Viewer, "Bob").await;
    let b = bob.open("a.txt").await;
    bob.wait_text(b, |text| text == "the last words").await;
    let both = async {
        ann.ended().await;
        bob.ended().await;
    };
    let (folder, ()) = tokio::join!(agent.end(), both);
    let text = std::fs::read_to_string(folder.path().join("a.txt")).unwrap();
    assert_eq!(text, "the last words");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a.txt"], "nothing is left behind");
}

#[tokio::test]
async fn what_another_program_deletes_of_guests_text_is_told_to_all_and_one_of_them_brings_it_back() {
    let agent = TestAgent::start().await;
    agent.write("notes.md", "one\ntwo\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let mut bob = agent.join(Role::Editor, "Bob").await;
    let mut eve = agent.join(Role::Viewer, "Eve").await;
    let document = ann.open("notes.md").await;
    bob.open("notes.md").await;
    eve.open("notes.md").await;
    ann.insert(document, 4, "from ann\n");
    ann.wait_sync(document, &SyncState::Saved).await;
    // As `git checkout -- notes.md` does.
    agent.write("notes.md", "one\ntwo\n");
    let author = ann.with(|client| client.me().unwrap().author);
    let removed = |event: &ClientEvent| match event {
        ClientEvent::Removed { offer, authors, lines, .. } => Some((*offer, authors.clone(), *lines)),
        _ => None,
    };
    let mut offers = Vec::new();
    for guest in [&mut ann, &mut bob, &mut eve] {
        let (offer, authors, lines) = guest.event("it is told", removed).await;
        assert_eq!((authors, lines), (vec![author], 1));
        offers.push(offer);
    }
    assert!(offers.iter().all(|offer| *offer == offers[0]));
    eve.with(|client| client.bring_back(document, offers[0]));
    eve.event("it may not", |event| matches!(event, ClientEvent::Fault { .. }).then_some(())).await;
    // Whoever comes now is told as well; others wrote on meanwhile.
    ann.wait_text(document, |text| text == "one\ntwo\n").await;
    ann.insert(document, 0, "zero\n");
    let mut dan = agent.join(Role::Editor, "Dan").await;
    dan.open("notes.md").await;
    assert_eq!(dan.event("it is told", removed).await.0, offers[0]);
    bob.with(|client| client.bring_back(document, offers[0]));
    let who = bob.with(|client| client.me().unwrap().id);
    for guest in [&mut ann, &mut bob, &mut dan] {
        let over = |event: &ClientEvent| match event {
            ClientEvent::OfferOver { offer, by, .. } => Some((*offer, *by)),
            _ => None,
        };
        assert_eq!(guest.event("it is back", over).await, (offers[0], Some(who)));
        guest.wait_text(document, |text| text == "zero\none\nfrom ann\ntwo\n").await;
        guest.wait_sync(document, &SyncState::Saved).await;
    }
    assert_eq!(agent.read("notes.md"), "zero\none\nfrom ann\ntwo\n");
    agent.end().await;
}
