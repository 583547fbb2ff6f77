//! What a text is: what goes into a document comes out of its file again, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs;

use parlor_shared::client::SyncState;
use parlor_shared::document::Splice;
use parlor_shared::id::DocumentId;
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
