//! A long history of edits by several authors, replayed through real replicas, ends with exactly the text it must, and
//! costs little more than that text.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/history.rs"]
#[allow(dead_code, reason = "the bench uses the rest")]
mod history;
#[path = "common/random.rs"]
mod random;

use parlor_shared::document::ChangedBy;
use parlor_shared::document::Document;
use parlor_shared::document::sync::{DocumentSync, SendRule};
use parlor_shared::id::AuthorId;

use history::{AUTHORS, Edit, History, plain_text};

/// A long history's beginning: as many edits as an unoptimised build replays in a few seconds.
const EDITS: usize = 30_000;

/// Each author's replica sends what it typed whenever another's turn comes.
fn replayed(edits: usize) -> (Document, Vec<DocumentSync>) {
    let mut host = Document::new(AuthorId::AGENT);
    let mut authors: Vec<DocumentSync> = (0..AUTHORS)
        .map(|author| {
            let mut sync = DocumentSync::new(AuthorId(16 + author as u64));
            sync.receive_state(&host.missing_from(&[]).unwrap(), &host.state_vector(), SendRule::Always)
                .unwrap();
            sync
        })
        .collect();
    let mut last = 0;
    let mut deliver = |authors: &mut Vec<DocumentSync>, from: usize| {
        let Some((sequence, update)) = authors[from].next_update().unwrap() else { return };
        host.apply_as(AuthorId(16 + from as u64), &update, 1 << 24).unwrap();
        authors[from].acknowledge(sequence);
        for (other, sync) in authors.iter_mut().enumerate() {
            if other != from {
                sync.receive_update(ChangedBy::Anybody, update.clone());
                sync.apply_incoming(&mut Vec::new()).unwrap();
            }
        }
    };
    for Edit { author, splice } in History::new(7, edits) {
        if author != last {
            deliver(&mut authors, last);
            last = author;
        }
        authors[author].edit(&[splice]).unwrap();
    }
    deliver(&mut authors, last);
    (host, authors)
}

#[test]
fn every_replica_has_exactly_the_text_that_the_edits_make() {
    let expected = plain_text(History::new(7, EDITS));
    assert!(expected.len() > EDITS / 4, "{}", expected.len());
    let (host, authors) = replayed(EDITS);
    assert!(host.text() == expected);
    for author in &authors {
        assert!(author.is_confirmed());
        assert!(author.document().text() == expected);
    }
    let mut newcomer = Document::new(AuthorId(99));
    newcomer.apply([host.missing_from(&[]).unwrap().as_slice()]).unwrap();
    assert!(newcomer.text() == expected);
}
