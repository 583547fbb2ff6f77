//! A guest's documents, driven by hand: opening, closing, breaks, refusals, and that nothing typed is lost.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/host.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod host;
#[path = "common/pair.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod pair;

use parlor_shared::client::{ClientEvent, Phase, Repair, SyncReport, SyncState};
use parlor_shared::document::sync::SendRule;
use parlor_shared::document::{ChangedBy, Document, Run, Splice, digest, incident};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{
    DocumentInfo, DocumentStatus, DocumentToGuest, Encoding, EndOfLine, Packed, RemovedBy, ToGuest,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;

use host::Host;
use pair::{DOCUMENT, Pair};

#[test]
fn closing_and_opening_again_crosses_without_confusion() {
    let mut pair = Pair::with_open_document("text");
    pair.heard();
    pair.client.close(DOCUMENT);
    let request = pair.open("a.txt");
    pair.up();
    // What the host said before it heard of the closing must not be taken for the new opening's.
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}!"));
    pair.settle();
    assert_eq!(pair.heard(), ["close", "open"]);
    assert_eq!(pair.take_events()[0], ClientEvent::Opened { request, document: DOCUMENT });
    assert_eq!(pair.text(), "text!");
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}?"));
    pair.settle();
    assert_eq!(pair.text(), "text!?");
}

#[test]
fn what_was_typed_just_before_closing_reaches_the_host() {
    let mut pair = Pair::with_open_document("text");
    pair.heard();
    pair.type_at(4, " more");
    pair.client.close(DOCUMENT);
    assert!(pair.client.document(DOCUMENT).is_none(), "it is closed for its editor");
    pair.take_events();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text more");
    assert_eq!(pair.heard(), ["update", "close"]);
    assert_eq!(pair.take_events(), []);
}

#[test]
fn what_was_typed_and_closed_while_away_reaches_the_host_later() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(0, "more ");
    pair.client.close(DOCUMENT);
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "more text");
    assert_eq!(pair.heard().last(), Some(&"close"));
    assert_eq!(pair.client.documents().count(), 0);
}

#[test]
fn a_document_closed_while_it_comes_back_stays_closed() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.connect();
    while *pair.client.phase() != Phase::Live {
        pair.up();
        pair.down();
    }
    pair.up();
    pair.take_events();
    pair.client.close(DOCUMENT);
    pair.settle();
    assert_eq!(pair.client.documents().count(), 0);
    let opened = pair.take_events().into_iter().find(|event| matches!(event, ClientEvent::Opened { .. }));
    assert_eq!(opened, None);
    assert_eq!(pair.heard().last(), Some(&"close"));
}

#[test]
fn a_first_opening_that_the_break_interrupts_is_still_an_opening() {
    let mut pair = Pair::live("text");
    let request = pair.open("a.txt");
    pair.up();
    // The announcement arrives, the state does not, and afterwards the document has another id.
    let mut other = Host::new();
    other.add_document(7, "a.txt", "other text");
    let info = DocumentInfo {
        epoch: 0,
        document: DOCUMENT,
        path: WorkspacePath::parse("a.txt").unwrap(),
        end_of_line: EndOfLine::Lf,
        encoding: Encoding::Utf8,
        writable: true,
        status: DocumentStatus::Unsaved,
    };
    pair.host.disconnect(pair.line);
    pair.cut();
    pair.connect();
    while *pair.client.phase() != Phase::Live {
        pair.up();
        pair.down();
    }
    pair.tell(&ToGuest::Document(DocumentToGuest::Opened { request, info }));
    pair.cut();
    pair.host = other;
    pair.connect();
    pair.settle();
    let events = pair.take_events();
    assert!(events.contains(&ClientEvent::Opened { request, document: DocumentId(7) }), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, ClientEvent::Replaced { .. })), "{events:?}");
}

#[test]
fn nothing_typed_while_away_is_lost() {
    let mut pair = Pair::with_open_document("text");
    pair.type_at(4, "1");
    // The first update leaves, and is lost on the way.
    assert!(pair.client.poll_transmit(pair.now).is_some());
    pair.cut();
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Offline));
    pair.type_at(5, "2");
    pair.host.change_on_disk(DOCUMENT, |text| format!("\u{1f600}{text}"));
    pair.connect();
    pair.type_at(6, "3");
    pair.take_events();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "\u{1f600}text123");
    assert_eq!(pair.text(), "\u{1f600}text123");
    let splices = vec![Splice { at: 0, delete: 0, insert: "\u{1f600}".into() }];
    let runs = vec![Run { by: ChangedBy::Anybody, splices }];
    assert!(pair.take_events().contains(&ClientEvent::Changed { document: DOCUMENT, runs }));
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Saved));
    assert_eq!((pair.host.counters.resumed, pair.host.counters.known_replicas), (1, 1));
}

#[test]
fn what_others_did_comes_in_runs_of_one_author() {
    let mut pair = Pair::with_open_document("text");
    let mut replica = Document::new(AuthorId(900));
    let state = pair.client.document(DOCUMENT).unwrap().document().missing_from(&[]).unwrap();
    replica.apply([state.as_slice()]).unwrap();
    let (ann, bob) = (ParticipantId(70), ParticipantId(71));
    for (by, at, insert) in
        [(Some(ann), 0, "1"), (Some(ann), 5, "2"), (Some(bob), 3, "3"), (None, 0, "4"), (Some(ann), 0, "5")]
    {
        let update = replica.edit(&[Splice { at, delete: 0, insert: insert.into() }]).unwrap().unwrap();
        pair.tell(&ToGuest::Document(DocumentToGuest::Update {
            document: DOCUMENT,
            epoch: 0,
            by,
            update: Packed::new(update),
        }));
    }
    pair.take_events();
    pair.client.apply_incoming();
    let splice = |at, insert: &str| Splice { at, delete: 0, insert: insert.into() };
    let run = |by, splices| Run { by, splices };
    let runs = vec![
        run(ChangedBy::Participant(ann), vec![splice(0, "1"), splice(5, "2")]),
        run(ChangedBy::Participant(bob), vec![splice(3, "3")]),
        run(ChangedBy::Disk, vec![splice(0, "4")]),
        run(ChangedBy::Participant(ann), vec![splice(0, "5")]),
    ];
    assert_eq!(pair.take_events(), [ClientEvent::Changed { document: DOCUMENT, runs }]);
    assert_eq!(pair.text(), replica.text());
}

#[test]
fn an_update_that_can_not_be_read_hides_nothing_of_what_came_before_it() {
    let mut pair = Pair::with_open_document("text");
    let mut replica = Document::new(AuthorId(900));
    let state = pair.client.document(DOCUMENT).unwrap().document().missing_from(&[]).unwrap();
    replica.apply([state.as_slice()]).unwrap();
    let splices = vec![Splice { at: 0, delete: 0, insert: "1".into() }];
    let update = replica.edit(&splices).unwrap().unwrap();
    let ann = ParticipantId(70);
    for (by, update) in [(Some(ann), update), (None, vec![0xff])] {
        pair.tell(&ToGuest::Document(DocumentToGuest::Update {
            document: DOCUMENT,
            epoch: 0,
            by,
            update: Packed::new(update),
        }));
    }
    pair.take_events();
    pair.client.apply_incoming();
    let runs = vec![Run { by: ChangedBy::Participant(ann), splices }];
    assert_eq!(pair.take_events(), [ClientEvent::Changed { document: DOCUMENT, runs }]);
    pair.settle();
    assert_eq!(pair.host.counters.syncs, 1);
}

#[test]
fn deletions_made_while_away_arrive_too() {
    let mut pair = Pair::with_open_document("one two three");
    pair.cut();
    pair.client.edit(DOCUMENT, &[Splice { at: 3, delete: 4, insert: String::new() }]).unwrap();
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "one three");
}

#[test]
fn a_save_goes_behind_what_was_typed_before_it() {
    let mut pair = Pair::with_open_document("text");
    pair.heard();
    pair.cut();
    pair.type_at(0, "more ");
    pair.client.save(DOCUMENT);
    pair.connect();
    pair.settle();
    assert_eq!(pair.heard(), ["open", "update", "save"]);
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Saved));
}

#[test]
fn a_refused_text_is_replaced_and_handed_back() {
    let mut pair = Pair::with_open_document("text");
    pair.host.set_role(pair.line, Role::Viewer);
    // Typed before the news of the role arrived.
    pair.type_at(4, " mine");
    pair.up();
    pair.type_at(9, " and more");
    pair.take_events();
    pair.settle();
    let fault = Some(Fault::new(FaultCode::NotAllowed).with("Edit"));
    let lost = Some("text mine and more".to_owned());
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DOCUMENT, lost, fault };
    let events = pair.take_events();
    assert!(events.contains(&replaced), "{events:?}");
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), ("text".to_owned(), "text".to_owned()));
    assert_eq!(pair.client.role(), Role::Viewer);
    // Once it may, it goes on under the same name.
    pair.host.set_role(pair.line, Role::Editor);
    pair.settle();
    pair.type_at(0, "now: ");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "now: text");
    assert_eq!(pair.host.counters.refused, 1);
}

/// Sixty megabytes, which do not get smaller. Sent, they would end the connection,
/// and again on the next one.
#[test]
fn a_text_that_is_more_than_the_link_takes_is_handed_back_and_the_connection_holds() {
    let mut pair = Pair::with_open_document("text");
    let mut state = 1_u64;
    let sign = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from_u32(0x1000 + (state >> 49) as u32).unwrap()
    };
    let pasted: String = std::iter::repeat_with(sign).take(MAX_DOCUMENT_BYTES / 4 * 5).collect();
    pair.type_at(4, &pasted);
    pair.take_events();
    pair.settle();
    let replaced = pair.take_events().into_iter().find_map(|event| match event {
        ClientEvent::Replaced { lost, fault, .. } => Some((lost, fault)),
        _ => None,
    });
    let (lost, fault) = replaced.unwrap();
    assert_eq!(fault.unwrap().code, FaultCode::TooLarge);
    assert!(lost.unwrap() == format!("text{pasted}"), "not printed: it has fifty megabytes");
    assert_eq!(pair.client.phase(), &Phase::Live);
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), ("text".to_owned(), "text".to_owned()));
    pair.type_at(0, "now: ");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "now: text");
}

#[test]
fn a_refused_text_that_was_closed_comes_back_as_lost() {
    let mut pair = Pair::with_open_document("text");
    pair.host.set_role(pair.line, Role::Viewer);
    pair.type_at(4, " mine");
    pair.client.close(DOCUMENT);
    pair.take_events();
    pair.settle();
    let fault = Some(Fault::new(FaultCode::NotAllowed).with("Edit"));
    let lost = Some("text mine".to_owned());
    assert_eq!(pair.take_events(), [ClientEvent::Closed { document: DOCUMENT, fault, lost }]);
}

#[test]
fn what_was_typed_before_goes_on_under_another_author() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(4, " mine");
    pair.host.remembers = false;
    pair.connect();
    pair.take_events();
    pair.settle();
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DOCUMENT, lost: None, fault: None };
    let events = pair.take_events();
    assert!(events.contains(&replaced), "{events:?}");
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), ("text mine".to_owned(), "text mine".to_owned()));
    pair.type_at(9, " again");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text mine again");
}

/// Away with two edits, and the host opens the file anew meanwhile, under another id, with this text.
fn opened_anew_with(rule: SendRule, text: &str) -> Pair {
    let mut pair = Pair::with_open_document("one\ntwo\nthree\n");
    pair.client.set_send_rule(rule);
    pair.cut();
    pair.type_at(3, " mine");
    pair.type_at(19, "four\n");
    pair.host.documents.clear();
    pair.host.add_document(2, "a.txt", text);
    pair.connect();
    pair.settle();
    pair
}

#[test]
fn what_was_typed_while_away_is_merged_if_the_file_is_as_it_was_or_changed_elsewhere() {
    for (now, merged) in [
        ("one\ntwo\nthree\n", "one mine\ntwo\nthree\nfour\n"),
        ("zero\none\nTWO\nthree\n", "zero\none mine\nTWO\nthree\nfour\n"),
        // It had arrived, and nobody heard of it.
        ("one mine\ntwo\nthree\n", "one mine\ntwo\nthree\nfour\n"),
        ("one mine\ntwo\nthree\nfour\n", "one mine\ntwo\nthree\nfour\n"),
    ] {
        let mut pair = opened_anew_with(SendRule::AskFirst, now);
        let document = DocumentId(2);
        let replaced = ClientEvent::Replaced { old: DOCUMENT, document, lost: None, fault: None };
        let events = pair.take_events();
        assert!(events.contains(&replaced), "{events:?}");
        assert!(!events.contains(&ClientEvent::Held { document }));
        assert_eq!(pair.host.text(document), merged);
        assert_eq!(pair.client.document(document).unwrap().document().text(), merged);
        assert_eq!(pair.client.unconfirmed().count(), 0);
    }
}

#[test]
fn a_person_is_asked_if_others_changed_the_same_lines_meanwhile() {
    let mut pair = opened_anew_with(SendRule::AskFirst, "one theirs\ntwo\nthree\n");
    let document = DocumentId(2);
    assert!(pair.take_events().contains(&ClientEvent::Held { document }));
    assert_eq!(pair.client.sync_state(document), Some(SyncState::Held));
    assert_eq!(pair.host.text(document), "one theirs\ntwo\nthree\n", "nothing is sent");
    let held = pair.client.held(document).unwrap();
    assert_eq!(held.host, "one theirs\ntwo\nthree\n");
    assert_eq!(held.mine, "one theirs mine\ntwo\nthree\nfour\n");
    pair.client.send_held(document);
    pair.settle();
    assert_eq!(pair.host.text(document), "one theirs mine\ntwo\nthree\nfour\n");

    let mut pair = opened_anew_with(SendRule::AskFirst, "one theirs\ntwo\nthree\n");
    assert_eq!(pair.client.take_hosts(document).unwrap(), "one theirs mine\ntwo\nthree\nfour\n");
    pair.settle();
    assert_eq!(pair.host.text(document), "one theirs\ntwo\nthree\n");
}

#[test]
fn a_file_closed_while_away_still_gets_what_was_typed_into_it() {
    let mut pair = Pair::with_open_document("one\ntwo\n");
    pair.cut();
    pair.type_at(3, " mine");
    pair.client.close(DOCUMENT);
    pair.host.documents.clear();
    pair.host.add_document(2, "a.txt", "one\nTWO\n");
    pair.take_events();
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DocumentId(2)), "one mine\nTWO\n");
    assert_eq!(pair.heard().last(), Some(&"close"));
    assert_eq!(pair.client.documents().count(), 0);
}

#[test]
fn a_file_that_is_gone_after_a_break_ends_its_document_and_gives_the_text_back() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(4, " mine");
    pair.host.documents.clear();
    pair.connect();
    pair.settle();
    let fault = Some(Fault::new(FaultCode::NotFound).with("a.txt"));
    let lost = Some("text mine".to_owned());
    let events = pair.take_events();
    assert!(events.contains(&ClientEvent::Closed { document: DOCUMENT, fault, lost }), "{events:?}");
}

#[test]
fn a_resync_brings_what_was_dropped() {
    let mut pair = Pair::with_open_document("text");
    // An update that the lanes dropped: here it is never put on them.
    let connection = pair.line;
    pair.host.set_role(connection, Role::Editor);
    pair.tell(&ToGuest::Document(DocumentToGuest::Resync { document: DOCUMENT }));
    pair.type_at(0, "mine ");
    pair.heard();
    pair.settle();
    assert_eq!(pair.heard(), ["sync", "update"]);
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), ("mine text".to_owned(), "mine text".to_owned()));
}

#[test]
fn a_text_that_is_not_the_hosts_is_noticed_and_replaced_by_it() {
    let mut pair = Pair::with_open_document("text");
    pair.type_at(4, "!");
    pair.settle();
    assert!(pair.host.counters.verified > 0, "both texts were compared");
    pair.take_events();
    pair.heard();

    pair.tell(&ToGuest::Document(DocumentToGuest::Digest { document: DOCUMENT, digest: [0; 8] }));
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Repairing));
    pair.settle();
    assert_eq!(pair.heard(), ["diverged", "close", "open"]);
    let repaired = ClientEvent::Replaced {
        old: DOCUMENT,
        document: DOCUMENT,
        lost: None,
        fault: Some(Fault::new(FaultCode::Repaired).with(incident([0; 8], digest("text!")))),
    };
    assert!(pair.take_events().contains(&repaired));
    assert_eq!(pair.text(), "text!");
    pair.type_at(0, "more ");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "more text!");
}

#[test]
fn nothing_is_typed_into_a_text_that_has_not_come_yet_also_while_away() {
    let mut pair = Pair::with_open_document("text");
    pair.tell(&ToGuest::Document(DocumentToGuest::Digest { document: DOCUMENT, digest: [0; 8] }));
    pair.cut();
    // Whoever shows the text knows by this that it takes nothing; what it took would be nowhere.
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Repairing));
    let typed = Splice { at: 0, delete: 0, insert: "x".to_owned() };
    assert!(pair.client.edit(DOCUMENT, std::slice::from_ref(&typed)).is_err());
    pair.connect();
    pair.settle();
    assert_eq!(pair.client.edit(DOCUMENT, &[typed]), Ok(()));
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "xtext");
}

#[test]
fn a_digest_that_crosses_typing_proves_nothing() {
    let mut pair = Pair::with_open_document("text");
    pair.type_at(4, "!");
    pair.tell(&ToGuest::Document(DocumentToGuest::Digest { document: DOCUMENT, digest: [0; 8] }));
    pair.settle();
    assert_eq!((pair.text().as_str(), pair.host.diverged), ("text!", 0));
}

#[test]
fn a_check_compares_every_open_document_at_once_and_tells_what_came_of_it() {
    let mut pair = Pair::with_open_document("text");
    pair.settle();
    pair.take_events();
    pair.client.check_sync();
    pair.settle();
    let equal = SyncReport { equal: 1, ..SyncReport::default() };
    assert!(pair.take_events().contains(&ClientEvent::SyncChecked { report: equal.clone() }));

    // Typing that is under way is waited for.
    pair.type_at(4, "!");
    pair.client.check_sync();
    pair.type_at(5, "!");
    pair.settle();
    assert!(pair.take_events().contains(&ClientEvent::SyncChecked { report: equal }));

    // A text that is not the host's is named, with the id that the host has in its log.
    pair.client.check_sync();
    pair.tell(&ToGuest::Document(DocumentToGuest::Digest { document: DOCUMENT, digest: [0; 8] }));
    pair.settle();
    let path = WorkspacePath::parse("a.txt").unwrap();
    let repaired = vec![Repair { path, incident: incident([0; 8], digest("text!!")) }];
    let report = SyncReport { repaired, ..SyncReport::default() };
    assert!(pair.take_events().contains(&ClientEvent::SyncChecked { report }));
    assert_eq!(pair.text(), "text!!");
}

#[test]
fn a_check_that_a_break_interrupts_is_answered_all_the_same() {
    let mut pair = Pair::with_open_document("text");
    pair.client.check_sync();
    pair.cut();
    let unanswered =
        ClientEvent::SyncChecked { report: SyncReport { unanswered: 1, ..SyncReport::default() } };
    assert!(pair.take_events().contains(&unanswered));
    pair.client.check_sync();
    assert!(pair.take_events().contains(&unanswered), "away from the host nothing can be compared");
}

#[test]
fn a_new_epoch_changes_no_text_and_what_is_typed_meanwhile_arrives_once() {
    let mut pair = Pair::with_open_document("one two\n");
    pair.settle();
    pair.take_events();
    pair.type_at(4, "and ");
    pair.host.renew(DOCUMENT);
    pair.settle();
    assert_eq!((pair.text().as_str(), pair.host.text(DOCUMENT).as_str()), ("one and two\n", "one and two\n"));
    assert_eq!(pair.host.counters.of_a_past_epoch, 1, "the update crossed the new epoch");
    assert!(!pair.take_events().iter().any(|event| matches!(event, ClientEvent::Changed { .. })));
    pair.cut();
    pair.type_at(0, "zero ");
    pair.host.renew(DOCUMENT);
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "zero one and two\n");
    assert!(!pair.take_events().iter().any(|event| matches!(event, ClientEvent::Replaced { .. })));
}

#[test]
fn what_the_disk_took_is_told_once_and_brought_back_when_the_host_is_there_again() {
    let mut pair = Pair::with_open_document("text");
    pair.take_events();
    let (authors, lines, cause) = (vec![AuthorId(16)], 2, RemovedBy::Revert);
    let removed =
        DocumentToGuest::Removed { document: DOCUMENT, offer: 1, authors: authors.clone(), lines, cause };
    for _ in 0..2 {
        pair.host.tell_all(&ToGuest::Document(removed.clone()));
        pair.settle();
    }
    let told = ClientEvent::Removed { document: DOCUMENT, offer: 1, authors, lines, cause };
    assert_eq!(pair.take_events(), [told]);
    pair.cut();
    pair.client.bring_back(DOCUMENT, 1);
    pair.client.bring_back(DOCUMENT, 1);
    pair.client.bring_back(DOCUMENT, 2);
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.brought_back, [(DOCUMENT, 1)]);
    let me = pair.client.membership().unwrap().me;
    assert!(pair.take_events().contains(&ClientEvent::OfferOver {
        document: DOCUMENT,
        offer: 1,
        by: Some(me)
    }));
}
