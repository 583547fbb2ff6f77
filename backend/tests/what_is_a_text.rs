//! What a text is: what goes into a document comes out of its file again, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::{self, File};
use std::io::Write as _;
use std::time::Duration;

use parlor::agent::AgentEvent;
use parlor_shared::client::{ClientEvent, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::DocumentId;
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::role::Role;

use common::{TestAgent, TestGuest};

mod common;

impl TestGuest {
    fn splice(&self, document: DocumentId, at: u32, delete: u32, insert: &str) {
        let splice = Splice { at, delete, insert: insert.to_owned() };
        self.with(|client| client.edit(document, &[splice])).unwrap();
    }

    async fn saved(&self, document: DocumentId) {
        self.wait_sync(document, &SyncState::Saved).await;
    }
}

fn bytes(host: &TestAgent, name: &str) -> Vec<u8> {
    fs::read(host.path(name)).unwrap()
}

#[tokio::test]
async fn a_line_end_moves_with_its_line() {
    let host = TestAgent::start().await;
    host.write("mixed.txt", "one\r\ntwo\nthree\r\nfour");
    let mut guest = host.join(Role::Editor, "Ada").await;
    let document = guest.open("mixed.txt").await;
    assert_eq!(guest.text(document), "one\ntwo\nthree\nfour");
    // At the end of the first line.
    guest.splice(document, 3, 0, ";");
    guest.saved(document).await;
    assert_eq!(bytes(&host, "mixed.txt"), b"one;\r\ntwo\nthree\r\nfour");
    // The second and the third become one.
    guest.splice(document, 8, 1, " ");
    guest.saved(document).await;
    assert_eq!(bytes(&host, "mixed.txt"), b"one;\r\ntwo three\r\nfour");
    // A new line after the first, and one at the end.
    guest.splice(document, 4, 0, "\nnew");
    guest.append(document, "\n");
    guest.saved(document).await;
    assert_eq!(bytes(&host, "mixed.txt"), b"one;\r\nnew\r\ntwo three\r\nfour\r\n");
    host.end().await;
}

#[tokio::test]
async fn a_file_of_an_old_mac_has_lines() {
    let host = TestAgent::start().await;
    host.write("mac.txt", "one\rtwo\r");
    let mut guest = host.join(Role::Editor, "Ada").await;
    let document = guest.open("mac.txt").await;
    assert_eq!(guest.text(document), "one\ntwo\n");
    guest.append(document, "three\n");
    guest.saved(document).await;
    assert_eq!(bytes(&host, "mac.txt"), b"one\rtwo\rthree\r");
    host.end().await;
}

#[tokio::test]
async fn what_no_text_has_never_comes_into_a_document() {
    let host = TestAgent::start().await;
    host.write("notes.txt", "one\n");
    let mut ada = host.join(Role::Editor, "Ada").await;
    let document = ada.open("notes.txt").await;
    for foreign in ["a\0b", "a\rb"] {
        // The page's own replica takes none of it.
        let splice = Splice { at: 0, delete: 0, insert: foreign.to_owned() };
        let mut edited = false;
        ada.with(|client| edited = client.edit(document, &[splice]).is_ok());
        assert!(!edited, "{foreign:?}");
    }
    ada.append(document, "two\n");
    ada.saved(document).await;
    assert_eq!(bytes(&host, "notes.txt"), b"one\ntwo\n");
    host.end().await;
}

#[tokio::test]
async fn a_byte_order_mark_that_comes_to_stand_first_is_not_written() {
    let host = TestAgent::start().await;
    host.write("notes.txt", "x\u{feff}one\n");
    let mut ada = host.join(Role::Editor, "Ada").await;
    let document = ada.open("notes.txt").await;
    ada.splice(document, 0, 1, "");
    let fault = Fault::new(FaultCode::Unencodable).with("notes.txt").with('\u{feff}');
    ada.wait_sync(document, &SyncState::NotSaved(fault)).await;
    assert_eq!(bytes(&host, "notes.txt"), "x\u{feff}one\n".as_bytes());
    ada.splice(document, 0, 1, "");
    ada.saved(document).await;
    assert_eq!(bytes(&host, "notes.txt"), b"one\n");
    host.end().await;
}

#[tokio::test]
async fn a_text_that_is_saved_once_is_saved_again_however_many_bytes_its_characters_take() {
    let host = TestAgent::start().await;
    // Eight million characters are 16 MiB but for a few bytes.
    let line = format!("{}\n", "я".repeat(127));
    let text = line.repeat(MAX_DOCUMENT_BYTES / line.len() - 1);
    host.write("large.txt", &text);
    let mut ada = host.join(Role::Editor, "Ada").await;
    let document = ada.open("large.txt").await;
    ada.append(document, "я");
    ada.saved(document).await;
    // What does not fit is refused, so that the file stays one that can be opened and saved.
    ada.append(document, &"я".repeat((MAX_DOCUMENT_BYTES - text.len()) / 2));
    let refused = ada
        .event("refused", |event| match event {
            ClientEvent::Replaced { fault, .. } => fault.as_ref().map(|fault| fault.code),
            _ => None,
        })
        .await;
    assert_eq!(refused, FaultCode::DocumentTooLarge);
    assert_eq!(bytes(&host, "large.txt").len(), text.len() + 2);
    host.end().await;
}

#[tokio::test]
async fn a_log_that_outgrows_the_limit_is_told_of_once() {
    let mut host = TestAgent::start().await;
    host.write("app.log", "started\n");
    let mut ada = host.join(Role::Viewer, "Ada").await;
    let document = ada.open("app.log").await;
    let mut log = File::options().append(true).open(host.path("app.log")).unwrap();
    log.set_len(MAX_DOCUMENT_BYTES as u64 + 1).unwrap();
    let fault = Fault::new(FaultCode::Outgrown).with("app.log").with(MAX_DOCUMENT_BYTES);
    ada.wait_sync(document, &SyncState::NotSaved(fault)).await;
    assert_eq!(ada.text(document), "started\n");
    for line in 0..20 {
        writeln!(log, "line {line}").unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut errors = 0;
    while let Ok(event) = host.events.try_recv() {
        errors += usize::from(matches!(event, AgentEvent::Error { .. }));
    }
    assert_eq!(errors, 1);
    // Turned over: it goes on.
    log.set_len(0).unwrap();
    writeln!(log, "anew").unwrap();
    ada.wait_text(document, |text| text == "anew\n").await;
    ada.wait_sync(document, &SyncState::Saved).await;
    host.end().await;
}
