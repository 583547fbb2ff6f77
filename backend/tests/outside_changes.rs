//! Other programs save the file in which guests are typing: formatters, editors with an older text, version control.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use parlor_shared::client::{ClientEvent, SyncState};
use parlor_shared::id::DocumentId;
use parlor_shared::role::Role;

mod common;

use common::{TestAgent, TestGuest};

/// Waits until the file holds what the guest has, and everybody knows.
async fn saved(guest: &mut TestGuest, document: DocumentId) {
    guest.wait_sync(document, &SyncState::Saved).await;
}

#[tokio::test]
async fn an_editor_that_saves_an_older_text_takes_nothing_of_what_guests_wrote_since() {
    let agent = TestAgent::start().await;
    agent.write("n.txt", "one\ntwo\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("n.txt").await;
    ann.append(document, "a line of Ann's that took her some time\n");
    saved(&mut ann, document).await;
    // What nano does with the buffer that it loaded before.
    agent.write("n.txt", "one, changed by the host\ntwo\n");
    let expected = "one, changed by the host\ntwo\na line of Ann's that took her some time\n";
    ann.wait_text(document, |text| text == expected).await;
    saved(&mut ann, document).await;
    assert_eq!(agent.read("n.txt"), expected);
    // And the next change of the file is one of what it holds now.
    agent.write("n.txt", expected.replace("two\n", "two and a half\n"));
    let expected = expected.replace("two\n", "two and a half\n");
    ann.wait_text(document, |text| text == expected).await;
    saved(&mut ann, document).await;
    agent.end().await;
}

#[tokio::test]
async fn a_text_that_the_file_held_before_is_meant_and_what_it_took_comes_back_with_one_button() {
    let agent = TestAgent::start().await;
    agent.write("n.txt", "one\ntwo\n");
    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Editor, "Bob").await);
    let (document, seen) = (ann.open("n.txt").await, bob.open("n.txt").await);
    ann.append(document, "a line of Ann's\n");
    saved(&mut ann, document).await;
    // What `git checkout -- n.txt` does.
    agent.write("n.txt", "one\ntwo\n");
    bob.wait_text(seen, |text| text == "one\ntwo\n").await;
    let offer = bob
        .event("an offer", |event| match event {
            ClientEvent::Removed { offer, lines, .. } => Some((*offer, *lines)),
            _ => None,
        })
        .await;
    assert_eq!(offer.1, 1);
    let offer = offer.0;
    bob.with(|client| client.bring_back(seen, offer));
    ann.wait_text(document, |text| text == "one\ntwo\na line of Ann's\n").await;
    saved(&mut ann, document).await;
    assert_eq!(agent.read("n.txt"), "one\ntwo\na line of Ann's\n");
    agent.end().await;
}

#[tokio::test]
async fn a_formatter_that_trims_blanks_takes_none_from_under_the_hands_of_who_types() {
    let agent = TestAgent::start().await;
    agent.write("n.py", "# 0\ndef f():\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("n.py").await;
    let mut typed = String::new();
    for (round, word) in ["    ", "return ", "the ", "quick ", "brown ", "fox"].into_iter().enumerate() {
        ann.append(document, word);
        typed.push_str(word);
        saved(&mut ann, document).await;
        // What a formatter on save does; it also counts, so that one sees that its change has come.
        let round = round + 1;
        let file = agent.read("n.py").replace(&format!("# {}", round - 1), &format!("# {round}"));
        let trimmed: Vec<&str> = file.lines().map(str::trim_end).collect();
        agent.write("n.py", trimmed.join("\n"));
        ann.wait_text(document, |text| text.starts_with(&format!("# {round}\n"))).await;
        assert_eq!(ann.text(document), format!("# {round}\ndef f():\n{typed}"));
    }
    saved(&mut ann, document).await;
    let expected = "# 6\ndef f():\n    return the quick brown fox";
    assert_eq!((ann.text(document).as_str(), agent.read("n.py").as_str()), (expected, expected));
    agent.end().await;
}
