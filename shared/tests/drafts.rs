//! Unsent text that survives its program, driven by hand: what comes back, and that each edit arrives once.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/damage.rs"]
mod damage;
#[path = "common/host.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod host;
#[path = "common/pair.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod pair;

use parlor_shared::client::draft::{Draft, DraftKeeper, DraftMark, DraftTask, Kept, Salvage, Urgency};
use parlor_shared::client::{Client, ClientEvent, HeldEdits, Phase, SyncState};
use parlor_shared::document::sync::{DocumentSync, SendRule};
use parlor_shared::document::{ChangedBy, Document, Run, Splice};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, SessionId};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use proptest::prelude::*;

use damage::{config, damaged};
use pair::{DOCUMENT, Pair};

/// What a browser would have in its storage now, through bytes and back.
fn kept(client: &Client) -> Vec<Draft> {
    let documents: Vec<DocumentId> = client.unconfirmed().map(|mark| mark.document).collect();
    let through_bytes = |document| {
        let bytes = Kept::Draft(Box::new(client.draft(document).unwrap())).encode();
        match Kept::decode(&bytes).unwrap() {
            Kept::Draft(draft) => *draft,
            Kept::Salvage(_) => panic!("it was a draft"),
        }
    };
    documents.into_iter().map(through_bytes).collect()
}

/// The program ends, and another one goes on with these drafts.
fn crash(pair: &mut Pair, drafts: Vec<Draft>) {
    pair.host.disconnect(pair.line);
    let (client, others) = Client::restore(pair.host.options(0), drafts);
    assert_eq!(others, []);
    pair.client = client;
    pair.take_events();
    pair.open("a.txt");
    assert!(matches!(pair.take_events()[..], [ClientEvent::Opened { .. }]), "it is there at once");
}

/// The drafts are written.
fn write_drafts(pair: &mut Pair) -> Vec<Draft> {
    let drafts = kept(&pair.client);
    let marks: Vec<DraftMark> = pair.client.unconfirmed().collect();
    for mark in marks {
        pair.client.draft_is_written(mark.document, mark.edits);
    }
    drafts
}

fn come_back(pair: &mut Pair) {
    pair.connect();
    pair.settle();
    write_drafts(pair);
    pair.settle();
}

fn append(pair: &mut Pair, text: &str) {
    let end = pair.client.document(DOCUMENT).unwrap().document().len();
    pair.type_at(end, text);
}

#[test]
fn what_was_typed_while_away_is_there_after_a_restart_and_arrives_once() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    append(&mut pair, " one");
    let drafts = kept(&pair.client);
    assert_eq!(drafts[0].text().unwrap(), "text one");
    crash(&mut pair, drafts);
    assert_eq!((pair.text().as_str(), pair.client.phase()), ("text one", &Phase::Offline));
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Offline));
    assert_eq!(pair.client.role(), Role::Editor, "it may be typed into");
    append(&mut pair, " two");
    come_back(&mut pair);
    assert_eq!((pair.text().as_str(), pair.host.text(DOCUMENT).as_str()), ("text one two", "text one two"));
    assert_eq!(pair.host.counters.resumed, 1);
    assert_eq!(pair.client.unconfirmed().count(), 0);
    append(&mut pair, " three");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text one two three");
}

#[test]
fn edits_that_had_arrived_unconfirmed_do_not_arrive_again() {
    let mut pair = Pair::with_open_document("text");
    append(&mut pair, " one");
    pair.up();
    append(&mut pair, " two");
    let drafts = kept(&pair.client);
    assert_eq!(pair.host.text(DOCUMENT), "text one");
    crash(&mut pair, drafts);
    come_back(&mut pair);
    assert_eq!((pair.text().as_str(), pair.host.text(DOCUMENT).as_str()), ("text one two", "text one two"));
}

#[test]
fn edits_that_were_sent_and_are_in_no_draft_come_back_from_the_host() {
    let mut pair = Pair::with_open_document("text");
    append(&mut pair, " one");
    let drafts = kept(&pair.client);
    append(&mut pair, " two");
    pair.up();
    crash(&mut pair, drafts);
    assert_eq!(pair.text(), "text one");
    // Under the old author this would take the place of what the draft lacks.
    append(&mut pair, " new");
    come_back(&mut pair);
    let text = pair.host.text(DOCUMENT);
    assert_eq!(pair.text(), text);
    for part in ["text one", " two", " new"] {
        assert_eq!(text.matches(part).count(), 1, "{part} in {text}");
    }
    assert_eq!(pair.host.diverged, 0);
}

#[test]
fn restored_twice_it_arrives_once() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    append(&mut pair, " one");
    for part in [" two", " three"] {
        let drafts = kept(&pair.client);
        crash(&mut pair, drafts);
        append(&mut pair, part);
    }
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts);
    come_back(&mut pair);
    assert_eq!(pair.host.text(DOCUMENT), "text one two three");
}

#[test]
fn what_was_typed_after_a_restore_leaves_only_when_the_draft_has_it() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    append(&mut pair, " one");
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts);
    append(&mut pair, " two");
    let old = kept(&pair.client);
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text", "it waits");
    assert!(pair.client.unconfirmed().all(|mark| mark.is_awaited));
    // A write that began before the host was heard is not the awaited one.
    pair.client.draft_is_written(DOCUMENT, 2);
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text");
    // The program ends before the draft is written: the old one is as good.
    crash(&mut pair, old);
    pair.connect();
    pair.settle();
    let drafts = write_drafts(&mut pair);
    pair.up();
    assert_eq!(pair.host.text(DOCUMENT), "text one two");
    // And afterwards, before the confirmation: the new one knows what it had sent.
    crash(&mut pair, drafts);
    come_back(&mut pair);
    assert_eq!((pair.text().as_str(), pair.host.text(DOCUMENT).as_str()), ("text one two", "text one two"));
}

#[test]
fn the_hosts_file_moved_on_and_both_are_merged() {
    let mut pair = Pair::with_open_document("first\nsecond\n");
    pair.cut();
    append(&mut pair, "mine\n");
    pair.client.edit(DOCUMENT, &[Splice { at: 0, delete: 5, insert: String::new() }]).unwrap();
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts);
    append(&mut pair, "more\n");
    pair.host.change_on_disk(DOCUMENT, |text| text.replace("second", "2nd"));
    come_back(&mut pair);
    assert_eq!(pair.host.text(DOCUMENT), "\n2nd\nmine\nmore\n");
    assert_eq!(pair.text(), pair.host.text(DOCUMENT));
}

#[test]
fn one_who_became_a_viewer_gets_the_text_back() {
    let mut pair = Pair::with_open_document("text");
    pair.host.set_role(pair.line, Role::Viewer);
    pair.cut();
    append(&mut pair, " mine");
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts);
    append(&mut pair, " more");
    come_back(&mut pair);
    let fault = Some(Fault::new(FaultCode::NotAllowed).with("Edit"));
    let lost = Some("text mine more".to_owned());
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DOCUMENT, lost, fault };
    assert!(pair.take_events().contains(&replaced));
    assert_eq!((pair.text().as_str(), pair.host.text(DOCUMENT).as_str()), ("text", "text"));
}

#[test]
fn what_was_typed_into_a_document_that_was_closed_meanwhile_is_merged_into_the_next() {
    let mut pair = Pair::with_open_document("one\ntwo\n");
    pair.cut();
    append(&mut pair, "mine\n");
    let drafts = kept(&pair.client);
    pair.host.documents.clear();
    pair.host.add_document(2, "a.txt", "ONE\ntwo\n");
    crash(&mut pair, drafts);
    append(&mut pair, "more\n");
    come_back(&mut pair);
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DocumentId(2), lost: None, fault: None };
    assert!(pair.take_events().contains(&replaced));
    assert_eq!(pair.host.text(DocumentId(2)), "ONE\ntwo\nmine\nmore\n");
}

#[test]
fn a_host_that_does_not_know_the_participant_any_more_gets_what_was_typed_as_another_author() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    append(&mut pair, " mine");
    let drafts = kept(&pair.client);
    pair.host.remembers = false;
    crash(&mut pair, drafts);
    append(&mut pair, " more");
    come_back(&mut pair);
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DOCUMENT, lost: None, fault: None };
    assert!(pair.take_events().contains(&replaced));
    append(&mut pair, "!");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text mine more!");
}

#[test]
fn a_file_that_was_renamed_meanwhile_gets_the_edits_under_its_new_name() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    append(&mut pair, " mine");
    let drafts = kept(&pair.client);
    pair.host.rename(DOCUMENT, "b.txt");
    pair.host.add_document(2, "a.txt", "another file under the old name");
    crash(&mut pair, drafts);
    come_back(&mut pair);
    assert_eq!(pair.host.text(DOCUMENT), "text mine");
    let path = WorkspacePath::parse("b.txt").unwrap();
    assert!(pair.take_events().contains(&ClientEvent::Moved { document: DOCUMENT, path }));
}

#[test]
fn a_draft_of_text_that_was_given_up_is_not_merged() {
    let mut pair = Pair::with_open_document("text");
    pair.host.set_role(pair.line, Role::Viewer);
    append(&mut pair, " refused");
    let old = kept(&pair.client);
    pair.settle();
    pair.host.set_role(pair.line, Role::Editor);
    pair.settle();
    // The same author, the same clocks, another content.
    append(&mut pair, " allowed");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text allowed");
    crash(&mut pair, old);
    come_back(&mut pair);
    let lost = Some("text refused".to_owned());
    let events = pair.take_events();
    let given_back =
        |event: &ClientEvent| matches!(event, ClientEvent::Replaced { lost: found, .. } if *found == lost);
    assert!(events.iter().any(given_back), "{events:?}");
    assert_eq!((pair.text().as_str(), pair.host.text(DOCUMENT).as_str()), ("text allowed", "text allowed"));
}

#[test]
fn drafts_of_others_come_back_to_whoever_restores() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    append(&mut pair, " mine");
    let draft = kept(&pair.client).remove(0);
    let mut elsewhere = draft.clone();
    elsewhere.session = SessionId::from_bytes([9; 16]);
    let mut stranger = draft.clone();
    stranger.me.author = AuthorId(stranger.me.author.0 + 1);
    let drafts = vec![elsewhere.clone(), draft, stranger.clone()];
    let (client, others) = Client::restore(pair.host.options(0), drafts);
    assert_eq!(others, [elsewhere.clone(), stranger]);
    assert_eq!(client.documents().count(), 1);
    let (client, others) = Client::restore(pair.host.options(0), vec![elsewhere.clone()]);
    assert_eq!((others, client.membership().is_none()), (vec![elsewhere], true));
}

// Shown before they are sent.

/// A guest that asks, away, with an edit, while the host's text is replaced by much.
fn moved_on_meanwhile() -> Pair {
    let lines: String = (0..100).map(|line| format!("line {line} of the file as it was\n")).collect();
    let mut pair = Pair::with_open_document(&lines);
    pair.client.set_send_rule(SendRule::AskFirst);
    pair.cut();
    pair.type_at(0, "mine ");
    pair.host
        .change_on_disk(DOCUMENT, |text| text.replace("of the file as it was", "is quite another one now"));
    pair
}

#[test]
fn edits_are_held_when_others_changed_the_same_lines_and_sent_when_the_person_says_so() {
    let mut pair = moved_on_meanwhile();
    let theirs = pair.host.text(DOCUMENT);
    pair.connect();
    pair.settle();
    assert!(pair.take_events().contains(&ClientEvent::Held { document: DOCUMENT }));
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Held));
    assert_eq!(pair.host.text(DOCUMENT), theirs, "nothing was sent");
    let path = WorkspacePath::parse("a.txt").unwrap();
    let mine = format!("mine {theirs}");
    assert_eq!(
        pair.client.held(DOCUMENT),
        Some(HeldEdits { path, host: theirs.clone(), mine: mine.clone() })
    );
    // What is typed and what others do meanwhile is part of both.
    pair.type_at(5, "too ");
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}end\n"));
    pair.settle();
    let held = pair.client.held(DOCUMENT).unwrap();
    assert_eq!((held.host, held.mine), (format!("{theirs}end\n"), format!("mine too {theirs}end\n")));
    pair.client.send_held(DOCUMENT);
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), format!("mine too {theirs}end\n"));
    assert_eq!(pair.client.unconfirmed().count(), 0);
}

#[test]
fn held_edits_can_be_given_up_for_the_hosts_text() {
    let mut pair = moved_on_meanwhile();
    pair.connect();
    pair.settle();
    let theirs = pair.host.text(DOCUMENT);
    let mine = pair.client.take_hosts(DOCUMENT).unwrap();
    assert_eq!(mine, format!("mine {theirs}"));
    pair.settle();
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), (theirs.clone(), theirs.clone()));
    let splices = vec![Splice { at: 0, delete: 5, insert: String::new() }];
    let runs = vec![Run { by: ChangedBy::Anybody, splices }];
    assert!(pair.take_events().contains(&ClientEvent::Changed { document: DOCUMENT, runs }));
    append(&mut pair, "on");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), format!("{theirs}on"));
    assert_eq!(pair.text(), pair.host.text(DOCUMENT));
}

#[test]
fn held_edits_are_still_held_after_a_restart_and_after_another_break() {
    let mut pair = moved_on_meanwhile();
    let theirs = pair.host.text(DOCUMENT);
    pair.connect();
    pair.settle();
    pair.cut();
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}end\n"));
    pair.connect();
    pair.settle();
    assert_eq!(pair.client.held(DOCUMENT).unwrap().host, format!("{theirs}end\n"));
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts);
    pair.client.set_send_rule(SendRule::AskFirst);
    pair.take_events();
    come_back(&mut pair);
    assert!(pair.take_events().contains(&ClientEvent::Held { document: DOCUMENT }));
    assert_eq!(pair.host.text(DOCUMENT), format!("{theirs}end\n"));
    pair.client.send_held(DOCUMENT);
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), format!("mine {theirs}end\n"));
}

#[test]
fn a_restored_draft_is_held_like_any_other_edits() {
    let mut pair = moved_on_meanwhile();
    let theirs = pair.host.text(DOCUMENT);
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts);
    pair.client.set_send_rule(SendRule::AskFirst);
    append(&mut pair, "and more\n");
    come_back(&mut pair);
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Held));
    assert_eq!(pair.client.held(DOCUMENT).unwrap().host, theirs);
    pair.client.send_held(DOCUMENT);
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), format!("mine {theirs}and more\n"));
}

#[test]
fn edits_that_had_all_arrived_are_not_held() {
    let mut pair = Pair::with_open_document("text");
    pair.client.set_send_rule(SendRule::AskFirst);
    append(&mut pair, " mine");
    pair.up();
    pair.cut();
    pair.host.checkpoint(DOCUMENT);
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}{}", "long ".repeat(1000)));
    pair.connect();
    pair.settle();
    assert_eq!(pair.client.unconfirmed().count(), 0);
    assert!(!pair.take_events().contains(&ClientEvent::Held { document: DOCUMENT }));
}

#[test]
fn a_connection_that_goes_on_where_it_was_asks_what_others_did_before_it_sends() {
    let author = AuthorId::FIRST_PARTICIPANT;
    let mut host = Document::new(AuthorId::AGENT);
    host.edit(&[Splice { at: 0, delete: 0, insert: "text ".repeat(100) }]).unwrap();
    let mut sync = DocumentSync::new(author);
    let state = |host: &Document, known: &[u8]| (host.missing_from(known).unwrap(), host.state_vector());
    let (update, has) = state(&host, &[]);
    sync.receive_state(&update, &has, SendRule::AskFirst).unwrap();
    assert!(!sync.came_back(), "nothing was typed: nothing to ask");
    sync.edit(&[Splice { at: 0, delete: 0, insert: "mine ".into() }]).unwrap();
    assert!(sync.came_back());
    assert_eq!(sync.next_update(), Ok(None));
    // What others did comes by itself, before the answer.
    let theirs = Splice { at: 0, delete: 5, insert: "theirs ".repeat(200) };
    let update = host.edit(&[theirs]).unwrap().unwrap();
    sync.receive_update(ChangedBy::Disk, update);
    sync.apply_incoming(&mut Vec::new()).unwrap();
    let (update, has) = state(&host, &sync.known());
    sync.receive_state(&update, &has, SendRule::AskFirst).unwrap();
    assert!(sync.is_held() && sync.wants_whole());
    let (update, has) = state(&host, &sync.ask_for_state());
    sync.receive_state(&update, &has, SendRule::AskFirst).unwrap();
    assert_eq!(sync.host_text(), Some(host.text()));
    sync.send_held();
    let (_, update) = sync.next_update().unwrap().unwrap();
    host.apply_as(author, &update, 10_000).unwrap();
    assert_eq!(host.text(), sync.document().text());
    assert_eq!(host.text().matches("mine ").count(), 1);
}

#[test]
fn programs_that_do_not_ask_hold_nothing() {
    let mut pair = moved_on_meanwhile();
    pair.client.set_send_rule(SendRule::Always);
    pair.connect();
    pair.settle();
    assert!(pair.host.text(DOCUMENT).starts_with("mine "));
}

// When a draft is kept.

fn mark(edits: u64, confirmed: u64) -> DraftMark {
    DraftMark { document: DOCUMENT, edits, confirmed, is_awaited: false }
}

#[test]
fn what_the_host_confirms_as_fast_as_it_is_typed_is_not_kept() {
    let mut keeper = DraftKeeper::default();
    for look in 1..20 {
        assert_eq!(keeper.tasks([mark(10 * look, 10 * look - 3)], Urgency::Usual), []);
    }
    assert_eq!(keeper.tasks([], Urgency::Usual), []);
}

#[test]
fn what_stays_unconfirmed_is_kept_until_it_is_confirmed() {
    let mut keeper = DraftKeeper::default();
    assert_eq!(keeper.tasks([mark(5, 0)], Urgency::Usual), []);
    assert_eq!(keeper.tasks([mark(5, 0)], Urgency::Usual), [DraftTask::Write(DOCUMENT, 5)]);
    assert_eq!(keeper.tasks([mark(5, 0)], Urgency::Usual), []);
    assert_eq!(keeper.tasks([mark(6, 0)], Urgency::Now), [DraftTask::Write(DOCUMENT, 6)]);
    assert_eq!(keeper.tasks([], Urgency::Now), [DraftTask::Remove(DOCUMENT)]);
    assert_eq!(keeper.tasks([], Urgency::Now), []);
}

#[test]
fn a_page_that_may_be_gone_in_a_moment_keeps_everything_at_once() {
    let mut keeper = DraftKeeper::default();
    assert_eq!(keeper.tasks([mark(1, 0)], Urgency::Now), [DraftTask::Write(DOCUMENT, 1)]);
}

#[test]
fn a_write_that_failed_is_due_again_and_one_that_is_awaited_is_due_until_it_is_told() {
    let mut keeper = DraftKeeper::default();
    keeper.tasks([mark(1, 0)], Urgency::Now);
    keeper.failed(DOCUMENT);
    assert_eq!(keeper.tasks([mark(1, 0)], Urgency::Now), [DraftTask::Write(DOCUMENT, 1)]);
    let awaited = DraftMark { is_awaited: true, ..mark(1, 0) };
    for _ in 0..2 {
        assert_eq!(keeper.tasks([awaited], Urgency::Usual), [DraftTask::Write(DOCUMENT, 1)]);
    }
}

#[test]
fn a_draft_of_before_goes_when_the_host_has_everything() {
    let mut keeper = DraftKeeper::with_drafts([DOCUMENT]);
    assert_eq!(keeper.tasks([], Urgency::Usual), [DraftTask::Remove(DOCUMENT)]);
    // Also while typing never pauses.
    let mut keeper = DraftKeeper::with_drafts([DOCUMENT]);
    keeper.tasks([mark(5, 3)], Urgency::Usual);
    assert_eq!(keeper.tasks([mark(9, 6)], Urgency::Usual), [DraftTask::Remove(DOCUMENT)]);
}

// Bytes.

fn samples() -> Vec<Vec<u8>> {
    let mut pair = Pair::with_open_document("text \u{1f600}");
    pair.cut();
    append(&mut pair, " mine");
    let drafts = kept(&pair.client);
    crash(&mut pair, drafts.clone());
    append(&mut pair, " more");
    let both = [drafts, kept(&pair.client)].concat();
    let salvage = Salvage {
        session: both[0].session,
        workspace: "demo".into(),
        path: WorkspacePath::parse("a.txt").unwrap(),
        text: "text".into(),
    };
    let drafts = both.into_iter().map(|draft| Kept::Draft(Box::new(draft)).encode());
    drafts.chain([Kept::Salvage(salvage).encode()]).collect()
}

#[test]
fn another_format_and_bytes_behind_the_end_are_refused() {
    for bytes in samples() {
        assert!(Kept::decode(&bytes).is_ok());
        let mut other = bytes.clone();
        other[0] += 1;
        assert!(Kept::decode(&other).is_err());
        assert!(Kept::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
    assert!(Kept::decode(&[]).is_err());
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn damaged_drafts_are_refused_or_restored_and_nothing_panics(bytes in damaged(samples())) {
        let Ok(kept) = Kept::decode(&bytes) else { return Ok(()) };
        prop_assert_eq!(Kept::decode(&kept.encode()), Ok(kept.clone()));
        if let Kept::Draft(draft) = kept.clone() {
            let mut pair = Pair::apart("text");
            let (client, _) = Client::restore(pair.host.options(0), vec![*draft]);
            pair.client = client;
            let document = pair.client.documents().next().map(|open| open.info().document);
            if let Some(document) = document {
                let edit = Splice { at: 0, delete: 0, insert: "x".into() };
                prop_assert!(pair.client.edit(document, &[edit]).is_ok());
                prop_assert!(pair.client.draft(document).is_some());
            }
        }
        let _ = kept.into_salvage();
    }
}
