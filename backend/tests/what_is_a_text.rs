//! What a text is: what goes into a document comes out of its file again, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::{self, File};
use std::io::Write as _;
use std::time::Duration;

use parlor::agent::AgentEvent;
use parlor_shared::client::{ClientEvent, EncodingFor, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, RequestId};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{Encoding, Reading};
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

fn encode(guest: &TestGuest, document: DocumentId, purpose: EncodingFor, encoding: Encoding) -> RequestId {
    guest.with(|client| client.encode(document, purpose, encoding))
}

impl TestGuest {
    async fn encoding(&self, document: DocumentId, encoding: Encoding, reading: Reading) {
        self.wait(&format!("{encoding:?} {reading:?}"), |client| {
            client
                .document(document)
                .is_some_and(|open| open.info().encoding == encoding && open.reading() == reading)
        })
        .await;
    }

    async fn refused(&mut self, request: RequestId) -> FaultCode {
        self.event("a refusal", |event| match event {
            ClientEvent::Fault { request: Some(of), fault } if *of == request => Some(fault.code),
            _ => None,
        })
        .await
    }
}

#[tokio::test]
async fn a_file_in_an_old_encoding_is_edited_in_it() {
    let host = TestAgent::start().await;
    host.write("old.txt", b"Stra\xDFe, sch\xF6n und s\xFC\xDF\r\n");
    let mut ada = host.join(Role::Editor, "Ada").await;
    let document = ada.open("old.txt").await;
    assert_eq!(ada.text(document), "Straße, schön und süß\n");
    ada.encoding(document, Encoding::Windows1252, Reading::Exact).await;
    ada.append(document, "Käse\n");
    ada.saved(document).await;
    assert_eq!(bytes(&host, "old.txt"), b"Stra\xDFe, sch\xF6n und s\xFC\xDF\r\nK\xE4se\r\n");

    // What the encoding lacks stays unsaved until it is removed.
    let end = ada.with(|client| client.document(document).unwrap().document().len());
    ada.append(document, "ш");
    let lacking = Fault::new(FaultCode::Unencodable).with("old.txt").with('ш');
    ada.wait_sync(document, &SyncState::NotSaved(lacking.clone())).await;
    ada.splice(document, end, 1, "!");
    ada.saved(document).await;
    assert!(bytes(&host, "old.txt").ends_with(b"K\xE4se\r\n!"));

    // Or until the file becomes one of UTF-8.
    ada.append(document, "ш");
    ada.wait_sync(document, &SyncState::NotSaved(lacking)).await;
    encode(&ada, document, EncodingFor::Saving, Encoding::Utf8);
    ada.encoding(document, Encoding::Utf8, Reading::Exact).await;
    ada.saved(document).await;
    assert_eq!(bytes(&host, "old.txt"), "Straße, schön und süß\r\nKäse\r\n!ш".as_bytes());

    // Not in one that lacks something: nothing changes.
    let request = encode(&ada, document, EncodingFor::Saving, Encoding::Windows1252);
    assert_eq!(ada.refused(request).await, FaultCode::Unencodable);
    ada.saved(document).await;
    assert_eq!(bytes(&host, "old.txt"), "Straße, schön und süß\r\nKäse\r\n!ш".as_bytes());
    host.end().await;
}

#[tokio::test]
async fn a_wrong_guess_is_put_right_for_everybody_and_the_file_stays() {
    let host = TestAgent::start().await;
    let file = "Ã©tÃ©\n".as_bytes();
    host.write("guess.txt", file);
    let mut ada = host.join(Role::Editor, "Ada").await;
    let mut viewer = host.join(Role::Viewer, "Bob").await;
    let document = ada.open("guess.txt").await;
    viewer.open("guess.txt").await;
    encode(&ada, document, EncodingFor::Reopening, Encoding::Koi8R);
    viewer.encoding(document, Encoding::Koi8R, Reading::Exact).await;
    let text = viewer.text(document);
    assert_ne!(text, "Ã©tÃ©\n");
    assert_eq!(bytes(&host, "guess.txt"), file);
    ada.wait_text(document, |mine| mine == text).await;
    ada.append(document, "x");
    ada.saved(document).await;
    assert_eq!(bytes(&host, "guess.txt"), [file, b"x"].concat());
    // Not every encoding gives the bytes again; and viewers change nobody's text.
    let request = encode(&ada, document, EncodingFor::Reopening, Encoding::Utf16Le);
    let refused = ada.refused(request).await;
    assert_eq!(refused, FaultCode::EncodingMismatch);
    let request = encode(&viewer, document, EncodingFor::Reopening, Encoding::Utf8);
    assert_eq!(viewer.refused(request).await, FaultCode::NotAllowed);
    let request = encode(&viewer, document, EncodingFor::Saving, Encoding::Utf8);
    assert_eq!(viewer.refused(request).await, FaultCode::NotAllowed);
    host.end().await;
}

#[tokio::test]
async fn half_a_character_that_is_being_written_is_no_other_encoding() {
    let host = TestAgent::start().await;
    host.write("app.log", "größer\n");
    let mut ada = host.join(Role::Viewer, "Ada").await;
    let document = ada.open("app.log").await;
    let mut log = File::options().append(true).open(host.path("app.log")).unwrap();
    for _ in 0..5 {
        log.write_all(b"caf\xC3").unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        log.write_all(b"\xA9\n").unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    ada.wait_text(document, |text| text == format!("größer\n{}", "café\n".repeat(5))).await;
    let seen = ada.log.events();
    assert!(!format!("{seen:?}").contains('\u{fffd}') && !format!("{seen:?}").contains('Ã'), "{seen:?}");
    host.end().await;
}

#[tokio::test]
async fn a_damaged_log_is_looked_at_and_never_written() {
    let host = TestAgent::start().await;
    let file = b"caf\xC3\xA9, na\xC3\xAFve, \xC3(\n";
    host.write("damaged.log", file);
    let mut ada = host.join(Role::Editor, "Ada").await;
    let document = ada.open("damaged.log").await;
    ada.encoding(document, Encoding::Utf8, Reading::WithMarks).await;
    assert_eq!(ada.text(document), "café, naïve, \u{fffd}(\n");
    ada.append(document, "typed by another program");
    let refused = ada
        .event("refused", |event| match event {
            ClientEvent::Replaced { fault, document, .. } => {
                Some((fault.as_ref().map(|fault| fault.code), *document))
            }
            _ => None,
        })
        .await;
    assert_eq!(refused.0, Some(FaultCode::Undecodable));
    let document = refused.1;
    // It grows, and is followed.
    let mut log = File::options().append(true).open(host.path("damaged.log")).unwrap();
    log.write_all("größer\n".as_bytes()).unwrap();
    ada.wait_text(document, |text| text == "café, naïve, \u{fffd}(\ngrößer\n").await;
    assert_eq!(bytes(&host, "damaged.log"), [&file[..], "größer\n".as_bytes()].concat());
    // Whoever knows better can edit it.
    encode(&ada, document, EncodingFor::Reopening, Encoding::Windows1252);
    ada.encoding(document, Encoding::Windows1252, Reading::Exact).await;
    let before = bytes(&host, "damaged.log");
    ada.append(document, "é");
    ada.saved(document).await;
    assert_eq!(bytes(&host, "damaged.log"), [&before[..], b"\xE9"].concat());
    host.end().await;
}
