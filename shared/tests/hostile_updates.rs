//! Whatever an update, a state vector or a position says, a document stays whole: damaged ones, wild ones and plausible
//! ones that no replica would write.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/damage.rs"]
mod damage;
#[path = "common/updates.rs"]
mod updates;

use parlor_shared::document::{Document, Side, Splice, StickyPosition, UpdateError};
use parlor_shared::id::AuthorId;
use proptest::prelude::*;

use damage::{config, damaged};
use updates::{Block, Content, EncodedUpdate};

impl EncodedUpdate {
    fn agreement(&self) -> Agreement {
        let between = |block: &Block| block.left.is_some() && block.right.is_some();
        if self.sections.iter().any(|(_, _, blocks)| blocks.iter().any(between)) {
            Agreement::NotPromised
        } else {
            Agreement::Promised
        }
    }
}

/// A text by three authors with surrogate pairs, deletions and a block that was split.
fn document() -> Document {
    let mut replicas: Vec<Document> = (16..19).map(|author| Document::new(AuthorId(author))).collect();
    let typing = [
        (0, 0, 0, "one \u{1f600}\u{1f680} two\n"),
        (1, 5, 0, "\u{1f9d1}\u{200d}\u{1f680}"),
        (2, 3, 4, "é"),
        (0, 2, 1, "xyz"),
        (1, 0, 0, "\n\n"),
        (2, 8, 2, ""),
    ];
    for (author, at, delete, insert) in typing {
        let splice = Splice { at, delete, insert: insert.to_owned() };
        let update = replicas[author].edit(&[splice]).unwrap().unwrap();
        for (other, replica) in replicas.iter_mut().enumerate() {
            if other != author {
                replica.apply([update.as_slice()]).unwrap();
            }
        }
    }
    replicas.swap_remove(0)
}

/// The next updates of the second author, and everything there is, for damaging.
fn corpus_of_updates() -> Vec<Vec<u8>> {
    let base = document();
    let state = base.missing_from(&[]).unwrap();
    let mut author = Document::new(AuthorId(17));
    author.apply([state.as_slice()]).unwrap();
    let before = author.state_vector();
    let mut corpus = vec![state];
    for (at, delete, insert) in [(0, 0, "a"), (3, 6, "\u{1f600}b"), (5, 2, ""), (1, 9, "\nline\n")] {
        corpus.extend(author.edit(&[Splice { at, delete, insert: insert.to_owned() }]).unwrap());
    }
    corpus.push(author.missing_from(&before).unwrap());
    corpus
}

/// An encoded state vector.
fn state_vector(clocks: &[(u64, u32)]) -> Vec<u8> {
    let mut output = Vec::new();
    updates::varint(&mut output, clocks.len() as u64);
    clocks.iter().for_each(|clock| updates::id(&mut output, *clock));
    output
}

/// An encoded position beside a unit.
fn position(client: u64, clock: u32, side: u8) -> Vec<u8> {
    let mut output = vec![0];
    updates::id(&mut output, (client, clock));
    output.push(side);
    output
}

/// What a state vector says of a client. All its numbers are small here: one byte each.
fn clock_of(state_vector: &[u8], client: u8) -> u32 {
    let pairs = state_vector[1..].chunks_exact(2);
    pairs.filter(|pair| pair[0] == client).map(|pair| u32::from(pair[1])).next().unwrap_or_default()
}

const MAX_BYTES: u64 = 200;

/// Whether replicas that get the update at different times must have the same text.
#[derive(Clone, Copy, PartialEq)]
enum Agreement {
    Promised,
    /// A block names two neighbours that never stood in this order: see the limit of `Document::apply_as`.
    NotPromised,
}

/// Applies as the second author would be allowed to, and holds the promises of `apply_as`.
fn assert_contained(update: &[u8], agreement: Agreement) {
    let mut target = document();
    let (text, state) = (target.text(), target.missing_from(&[]).unwrap());
    match target.apply_as(AuthorId(17), update, MAX_BYTES) {
        Ok(()) => {
            assert!(target.text().len() as u64 <= MAX_BYTES);
            assert_eq!(target.len() as usize, target.text().encode_utf16().count());
            // Everything was applied and nothing waits: whoever gets the state gets this very text.
            let mut other = Document::new(AuthorId(90));
            let state = target.missing_from(&[]).unwrap();
            other.apply([state.as_slice()]).unwrap();
            if agreement == Agreement::Promised {
                assert_eq!(other.text(), target.text());
            }
            assert_eq!(other.len(), target.len());
            assert_eq!(other.missing_from(&target.state_vector()).unwrap()[0], 0, "no block is missing");
            // And it stays whole when others go on.
            let end = target.len();
            let splices = [Splice { at: end / 2, delete: end - end / 2, insert: "z".to_owned() }];
            let next = other.edit(&splices).unwrap().unwrap();
            target.apply([next.as_slice()]).unwrap();
            if agreement == Agreement::Promised {
                assert_eq!(other.text(), target.text());
            }
        }
        Err(
            UpdateError::Malformed
            | UpdateError::Gap
            | UpdateError::ForeignAuthor(_)
            | UpdateError::NotText(_),
        ) => {
            assert_eq!((target.text(), target.missing_from(&[]).unwrap()), (text, state));
        }
        Err(UpdateError::TooLarge { bytes }) => {
            assert!(bytes > MAX_BYTES);
            assert_eq!((target.text(), target.missing_from(&[]).unwrap()), (text, state));
        }
        Err(error @ UpdateError::OutOfRange) => panic!("{error}"),
    }
}

/// Applies as from a host, which may be newer, wrong or mad.
fn assert_survived(update: &[u8]) {
    let mut target = document();
    let _ = target.apply([update]);
    let _ = (target.text(), target.len(), target.state_vector());
    for offset in 0..target.len() {
        let sticky = target.sticky(offset, Side::After);
        assert!(target.resolve(&sticky).is_some());
    }
    let end = target.len();
    target.edit(&[Splice { at: end, delete: 0, insert: "z".to_owned() }]).unwrap();
}

/// An author that is there, the sender, or one that nobody knows.
fn client() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![16, 17, 17, 17, 17, 17, 18, 70, (1 << 53) - 1, 1 << 53])
}

fn clock() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..14u32, 1 => Just(i32::MAX as u32), 1 => Just(u32::MAX)]
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        6 => "[a\u{1f600}é\n]{0,4}".prop_map(Content::Text),
        2 => clock().prop_map(Content::Deleted),
        1 => clock().prop_map(Content::Collected),
        1 => clock().prop_map(Content::Skipped),
        1 => (2..16u8, prop::collection::vec(any::<u8>(), 0..6)).prop_map(|(kind, bytes)| Content::Other(kind, bytes)),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    let origin = || prop::option::weighted(0.7, (client(), clock()));
    (origin(), origin(), content()).prop_map(|(left, right, content)| Block { left, right, content })
}

/// Updates that are built like updates and say whatever they like.
fn wild_update() -> impl Strategy<Value = EncodedUpdate> {
    let section = (client(), clock(), prop::collection::vec(block(), 1..5));
    let ranges = prop::collection::vec((clock(), 0..6u32), 0..4);
    let deletions = prop::collection::vec((client(), ranges), 0..3);
    (prop::collection::vec(section, 0..3), deletions)
        .prop_map(|(sections, deletions)| EncodedUpdate { sections, deletions })
}

/// Updates that are almost right: the sender's next clocks, units that are there.
fn plausible_update() -> impl Strategy<Value = EncodedUpdate> {
    let known = || prop::option::weighted(0.8, (prop_oneof![Just(16u64), Just(17), Just(18)], 0..12u32));
    let content = prop_oneof![
        8 => "[a\u{1f600}é\n]{1,4}".prop_map(Content::Text),
        1 => (1..4u32).prop_map(Content::Deleted),
        1 => (1..4u32).prop_map(Content::Collected),
    ];
    let block = (known(), known(), any::<bool>(), content).prop_map(|(left, right, between, content)| {
        let right = right.filter(|_| between || left.is_none());
        Block { left, right, content }
    });
    let next = clock_of(&document().state_vector(), 17);
    let section = (Just(17u64), next - 2..=next, prop::collection::vec(block, 1..6));
    let range = (0..12u32, 1..4u32);
    let deletions = prop::collection::vec((prop_oneof![Just(16u64), Just(17), Just(18)], range), 0..2)
        .prop_map(|list| list.into_iter().map(|(client, range)| (client, vec![range])).collect());
    (prop::collection::vec(section, 1..2), deletions)
        .prop_map(|(sections, deletions)| EncodedUpdate { sections, deletions })
}

#[test]
fn what_the_generator_calls_plausible_is_often_applied() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut applied, mut refused) = (0, 0);
    for _ in 0..500 {
        let update = plausible_update().new_tree(&mut runner).unwrap().current().bytes();
        match document().apply_as(AuthorId(17), &update, MAX_BYTES) {
            Ok(()) => applied += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(applied > 50 && refused > 50, "{applied} applied, {refused} refused");
}

#[test]
fn only_text_of_the_sender_that_fits_at_once_is_applied() {
    let state_vector = document().state_vector();
    let next = clock_of(&state_vector, 17);
    let there = clock_of(&state_vector, 16);
    let apply = |client, clock, left: (u64, u32), content| {
        let blocks = vec![Block { left: Some(left), right: None, content }];
        let update = EncodedUpdate { sections: vec![(client, clock, blocks)], deletions: vec![] };
        document().apply_as(AuthorId(17), &update.bytes(), MAX_BYTES)
    };
    let text = || Content::Text("a".to_owned());
    assert_eq!(apply(17, next, (16, 0), text()), Ok(()));
    assert_eq!(apply(16, there, (16, 0), text()), Err(UpdateError::ForeignAuthor(AuthorId(16))));
    assert_eq!(apply(70, 0, (16, 0), text()), Err(UpdateError::ForeignAuthor(AuthorId(70))));
    assert_eq!(apply(17, next + 1, (16, 0), text()), Err(UpdateError::Gap), "a hole before it");
    assert_eq!(apply(17, next, (16, there), text()), Err(UpdateError::Gap), "beside what is not here");
    assert_eq!(apply(17, next, (17, next), text()), Err(UpdateError::Gap), "beside itself");
    let blocks = vec![Block { left: Some((16, 6)), right: Some((16, 6)), content: text() }];
    let update = EncodedUpdate { sections: vec![(17, next, blocks)], deletions: vec![] }.bytes();
    let between_one = document().apply_as(AuthorId(17), &update, MAX_BYTES);
    assert_eq!(between_one, Err(UpdateError::Malformed), "on both sides of one unit");
    assert_eq!(apply(17, next, (70, 0), text()), Err(UpdateError::Gap), "beside an unknown author's");
    assert_eq!(apply(17, next, (16, 0), Content::Skipped(1)), Err(UpdateError::Gap));
    let long = Content::Text("a".repeat(MAX_BYTES as usize));
    assert!(matches!(apply(17, next, (16, 0), long), Err(UpdateError::TooLarge { .. })));
    for foreign in ['\0', '\r'] {
        let no_text = Content::Text(format!("a{foreign}b"));
        assert_eq!(apply(17, next, (16, 0), no_text), Err(UpdateError::NotText(foreign)));
    }
    let claimed = Content::Deleted(1 << 30);
    assert!(matches!(apply(17, next, (16, 0), claimed), Err(UpdateError::TooLarge { .. })));
    for kind in [2, 3, 5, 6, 7, 8, 9, 11, 12, 15, 0x14, 0x24] {
        let other = Content::Other(kind, vec![1, 1, b'x', 1, b'1']);
        assert_eq!(apply(17, next, (16, 0), other), Err(UpdateError::Malformed), "kind {kind}");
    }
    let delete = |client, start, units| {
        let update = EncodedUpdate { sections: vec![], deletions: vec![(client, vec![(start, units)])] };
        document().apply_as(AuthorId(17), &update.bytes(), MAX_BYTES)
    };
    assert_eq!(delete(16, there - 1, 1), Ok(()));
    assert_eq!(delete(16, there - 1, 2), Err(UpdateError::Gap));
    assert_eq!(delete(17, next, 1), Err(UpdateError::Gap));
    assert_eq!(delete(70, 0, 1), Err(UpdateError::Gap));
    assert_eq!(delete(16, u32::MAX, 1), Err(UpdateError::Malformed));
}

#[test]
fn half_a_surrogate_pair_may_be_deleted_and_all_replicas_agree() {
    let mut one = Document::new(AuthorId(16));
    let first = one.edit(&[Splice { at: 0, delete: 0, insert: "a\u{1f600}b".into() }]).unwrap().unwrap();
    let half = EncodedUpdate { sections: vec![], deletions: vec![(16, vec![(2, 1)])] }.bytes();
    let mut other = Document::new(AuthorId(17));
    other.apply([first.as_slice(), half.as_slice()]).unwrap();
    one.apply_as(AuthorId(18), &half, 100).unwrap();
    assert_eq!(one.text(), other.text());
    assert_eq!(one.len() as usize, one.text().encode_utf16().count());
}

#[test]
fn a_text_by_another_name_is_refused() {
    let update = [&[1, 1, 17, 0, 4, 1, 5][..], b"other", &[1, b'a', 0]].concat();
    assert_eq!(Document::new(AuthorId(1)).apply([update.as_slice()]), Err(UpdateError::Malformed));
    let update = [&[1, 1, 17, 0, 4, 1, 4][..], b"text", &[1, b'a', 0]].concat();
    assert_eq!(Document::new(AuthorId(1)).apply([update.as_slice()]), Ok(()));
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn damaged_updates_are_contained(update in damaged(corpus_of_updates())) {
        assert_contained(&update, Agreement::NotPromised);
        assert_survived(&update);
    }

    #[test]
    fn wild_updates_are_contained(update in wild_update()) {
        assert_contained(&update.bytes(), update.agreement());
        assert_survived(&update.bytes());
    }

    #[test]
    fn plausible_updates_are_contained(update in plausible_update()) {
        assert_contained(&update.bytes(), update.agreement());
        assert_survived(&update.bytes());
    }

    #[test]
    fn damaged_state_vectors_are_answered_or_refused(
        bytes in damaged(vec![document().state_vector(), vec![2, 16, 3, 17, 5], vec![0]]),
    ) {
        let document = document();
        if let Ok(missing) = document.missing_from(&bytes) {
            let mut other = Document::new(AuthorId(90));
            other.apply([missing.as_slice()]).unwrap();
        }
        let _ = document.is_ahead_of(&bytes, AuthorId(16));
    }

    #[test]
    fn every_part_of_the_text_can_be_asked_for(clocks in prop::collection::vec((client(), clock()), 0..4)) {
        let document = document();
        let vector = state_vector(&clocks);
        let mut other = Document::new(AuthorId(90));
        if let Ok(missing) = document.missing_from(&vector) {
            other.apply([missing.as_slice()]).unwrap();
            let rest = document.missing_from(&[]).unwrap();
            other.apply([rest.as_slice()]).unwrap();
            // Where the vector points between the halves of a surrogate pair, yrs puts replacement characters.
            prop_assert_eq!(other.len(), document.len());
        }
    }

    #[test]
    fn damaged_positions_resolve_within_the_text_or_not_at_all(
        bytes in damaged((0..8).map(|at| document().sticky(at, Side::Before).0).collect()),
        client in client(), clock in clock(), side in prop::sample::select(vec![0u8, 0x41, 1, 0x7f]),
    ) {
        let document = document();
        for position in [bytes, position(client, clock, side)] {
            if let Some(offset) = document.resolve(&StickyPosition(position)) {
                prop_assert!(offset <= document.len());
            }
        }
    }
}

#[test]
fn the_limit_counts_bytes_of_utf8_and_deletions_make_room() {
    const LIMIT: u64 = 1000;
    let mut host = Document::new(AuthorId::AGENT);
    let mut guest = Document::new(AuthorId(17));
    let mut say = |guest: &mut Document, splice: Splice| {
        let update = guest.edit(&[splice]).unwrap().unwrap();
        host.apply_as(AuthorId(17), &update, LIMIT).inspect(|()| assert_eq!(host.text(), guest.text()))
    };
    let insert = |text: String| Splice { at: 0, delete: 0, insert: text };
    // 400 units are 800 bytes; 400 more are too many, however few units they are.
    assert_eq!(say(&mut guest, insert("я".repeat(400))), Ok(()));
    let state = guest.missing_from(&[]).unwrap();
    assert!(matches!(
        say(&mut guest, insert("я".repeat(400))),
        Err(UpdateError::TooLarge { bytes }) if bytes > 1600
    ));
    // Whoever was refused begins anew.
    let mut guest = Document::new(AuthorId(17));
    guest.apply([state.as_slice()]).unwrap();
    for _ in 0..100 {
        say(&mut guest, insert("я".repeat(90))).unwrap();
        say(&mut guest, Splice { at: 0, delete: 90, insert: String::new() }).unwrap();
    }
    say(&mut guest, Splice { at: 0, delete: 400, insert: String::new() }).unwrap();
    say(&mut guest, insert("a".repeat(990))).unwrap();
    assert!(say(&mut guest, insert("a".repeat(20))).is_err());
}
