//! Whatever arrives, nothing panics: cut, flipped, random and carefully wrong bytes at every door of `shared`.

#[path = "common/samples.rs"]
mod samples;
#[path = "common/updates.rs"]
mod updates;

use bytes::Bytes;
use parlor_shared::codec::{self, Decoded, Vocabulary};
use parlor_shared::document::{Document, Side, Splice, StickyPosition, UpdateError};
use parlor_shared::id::{AuthorId, DocumentId, SessionId};
use parlor_shared::invite::{Invite, InviteSecret};
use parlor_shared::lane::{Lane, Lanes};
use parlor_shared::limits::MAX_TRANSPORT_MESSAGE_BYTES;
use parlor_shared::link::Link;
use parlor_shared::message::{JoinRequest, ToGuest, ToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::{Place, Presence, Selection};
use parlor_shared::role::Role;
use parlor_shared::seal::{Channel, Greeting, Identity, Initiator, Responder};
use proptest::prelude::*;
use proptest::sample::Index;

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

/// What happens to bytes on their way.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Flip(Index, u8),
    Replace(Index, Vec<u8>),
    Insert(Index, Vec<u8>),
    Repeat(Index, Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        match self {
            Self::Cut(index) => bytes.truncate(at(index, bytes)),
            Self::Flip(index, bit) => {
                let at = at(index, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Replace(index, with) => {
                let start = at(index, bytes);
                let end = (start + with.len()).min(bytes.len());
                bytes.splice(start..end, with.iter().copied());
            }
            Self::Insert(index, what) => {
                let start = at(index, bytes);
                bytes.splice(start..start, what.iter().copied());
            }
            Self::Repeat(from, to) => {
                let (from, to) = (at(from, bytes), at(to, bytes));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(piece);
            }
        }
    }
}

/// Bytes that decoders like to trip over: long numbers, full bytes, the borders of varints.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0x07]),
        Just(vec![0xff; 11]),
        Just(vec![0x80, 0x00]),
        Just(vec![0; 4]),
    ]
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<Index>(), piece()).prop_map(|(at, with)| Damage::Replace(at, with)),
        (any::<Index>(), piece()).prop_map(|(at, what)| Damage::Insert(at, what)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ];
    prop::collection::vec(one, 0..4)
}

/// One of these, damaged; or bytes that never were anything.
fn damaged(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let altered = (prop::sample::select(corpus), damage()).prop_map(|(mut bytes, damage)| {
        damage.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes
    });
    prop_oneof![9 => altered, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn assert_calm<T: Vocabulary + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(Decoded::Known(message)) = codec::decode::<T>(bytes) {
        let again = codec::decode::<T>(&codec::encode(&message));
        assert_eq!(again, Ok(Decoded::Known(message)));
    }
}

fn corpus_of_messages() -> Vec<Vec<u8>> {
    let to_host = samples::to_host().into_iter().map(|message| codec::encode(&message));
    to_host.chain(samples::to_guest().into_iter().map(|message| codec::encode(&message))).collect()
}

/// Frames of a conversation, each the next one.
fn frames() -> Vec<Vec<u8>> {
    let (mut link, mut lanes) = (Link::default(), Lanes::default());
    corpus_of_messages()
        .into_iter()
        .enumerate()
        .map(|(index, message)| {
            match index % 3 {
                0 => lanes.push_control(message.into()).unwrap(),
                1 => lanes.push_workspace(message.into()).unwrap(),
                _ => lanes.push_file(Bytes::from(message.repeat(400))).unwrap(),
            }
            link.next_frame(&mut lanes).unwrap()
        })
        .collect()
}

const SECRET: [u8; 16] = [3; 16];
const SESSION: SessionId = SessionId::from_bytes([4; 16]);

struct Door {
    guest: Identity,
    host: Identity,
    secret: InviteSecret,
}

impl Door {
    fn new() -> Self {
        Self {
            guest: Identity::from_private(&[2; 32]),
            host: Identity::from_private(&[1; 32]),
            secret: InviteSecret::with_role(SECRET, Role::Editor),
        }
    }

    fn greet(&self) -> (Initiator, Vec<u8>) {
        let key = self.secret.pre_shared_key(SESSION, Role::Editor);
        let greeting = Greeting::new(SESSION, self.secret.id());
        Initiator::greet(&self.guest, self.host.public(), &key, greeting, Role::Editor).unwrap()
    }

    fn reply(&self, first: &[u8]) -> Option<(Responder, Vec<u8>)> {
        let (greeting, noise) = Greeting::read(first).ok()?;
        let key = self.secret.pre_shared_key(greeting.session, Role::Editor);
        Responder::reply(&self.host, &key, &greeting, Role::Editor, noise).ok()
    }

    fn channels(&self) -> (Channel, Channel) {
        let (initiator, first) = self.greet();
        let (responder, second) = self.reply(&first).unwrap();
        let (guest, third) = initiator.knock(&second, b"hello").unwrap();
        (guest, responder.admit(&third).unwrap().0)
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

const MAX_UNITS: u32 = 200;

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
    match target.apply_as(AuthorId(17), update, MAX_UNITS) {
        Ok(()) => {
            assert!(target.len() <= MAX_UNITS);
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
        Err(UpdateError::Malformed | UpdateError::Gap | UpdateError::ForeignAuthor(_)) => {
            assert_eq!((target.text(), target.missing_from(&[]).unwrap()), (text, state));
        }
        Err(UpdateError::TooLarge { units }) => {
            assert!(units > u64::from(MAX_UNITS));
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
        match document().apply_as(AuthorId(17), &update, MAX_UNITS) {
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
        document().apply_as(AuthorId(17), &update.bytes(), MAX_UNITS)
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
    let between_one = document().apply_as(AuthorId(17), &update, MAX_UNITS);
    assert_eq!(between_one, Err(UpdateError::Malformed), "on both sides of one unit");
    assert_eq!(apply(17, next, (70, 0), text()), Err(UpdateError::Gap), "beside an unknown author's");
    assert_eq!(apply(17, next, (16, 0), Content::Skipped(1)), Err(UpdateError::Gap));
    let long = Content::Text("a".repeat(MAX_UNITS as usize));
    assert!(matches!(apply(17, next, (16, 0), long), Err(UpdateError::TooLarge { .. })));
    let claimed = Content::Deleted(1 << 30);
    assert!(matches!(apply(17, next, (16, 0), claimed), Err(UpdateError::TooLarge { .. })));
    for kind in [2, 3, 5, 6, 7, 8, 9, 11, 12, 15, 0x14, 0x24] {
        let other = Content::Other(kind, vec![1, 1, b'x', 1, b'1']);
        assert_eq!(apply(17, next, (16, 0), other), Err(UpdateError::Malformed), "kind {kind}");
    }
    let delete = |client, start, units| {
        let update = EncodedUpdate { sections: vec![], deletions: vec![(client, vec![(start, units)])] };
        document().apply_as(AuthorId(17), &update.bytes(), MAX_UNITS)
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

/// A failure prints its smallest input; one that taught us something becomes a test of its own here.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn damaged_messages_decode_or_are_refused(bytes in damaged(corpus_of_messages())) {
        assert_calm::<ToHost>(&bytes);
        assert_calm::<ToGuest>(&bytes);
        let _ = codec::exact::<JoinRequest>(&bytes);
        let _ = parlor_shared::seal::read_clear_fault(&bytes);
    }

    #[test]
    fn damaged_frames_are_taken_or_end_the_link(good in 0..frames().len(), bytes in damaged(frames())) {
        let mut link = Link::default();
        for frame in &frames()[..good] {
            link.receive(frame).unwrap();
        }
        let _ = link.receive(&bytes);
        while let Some((lane, message)) = link.next_message() {
            prop_assert!(message.len() <= lane.max_message_bytes());
        }
        prop_assert!(link.take_unknown_lane().is_none_or(|lane| Lane::from_number(lane).is_none()));
    }

    #[test]
    fn damaged_invites_are_read_or_refused(text in damaged(vec![link().into_bytes()])) {
        let text = String::from_utf8_lossy(&text);
        if let Ok(invite) = text.parse::<Invite>() {
            prop_assert_eq!(invite.link().parse(), Ok(invite));
        }
    }

    #[test]
    fn any_text_is_a_good_path_or_none(text in "[a./\\\\:C\u{0}\nü]{0,12}|\\PC{0,20}") {
        if let Ok(path) = WorkspacePath::parse(&text) {
            prop_assert_eq!(path.as_str(), &text);
            prop_assert!(path.components().all(|name| !matches!(name, "" | "." | "..")));
            prop_assert!(!text.starts_with('/') && !text.contains('\0') && !text.contains('\\'));
            if let Some(parent) = path.parent() {
                prop_assert!(path.is_within(&parent));
                prop_assert_eq!(parent.join(path.name()), Ok(path));
            }
        }
    }

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

    #[test]
    fn any_presence_is_checked_without_surprise(
        sizes in prop::collection::vec(0..100usize, 0..300), main in any::<u16>(), viewport in any::<bool>(),
    ) {
        let selections: Vec<Selection> = sizes
            .iter()
            .map(|size| Selection { anchor: StickyPosition(vec![0; *size]), head: StickyPosition(vec![]) })
            .collect();
        let count = selections.len();
        let viewport = viewport.then(|| (StickyPosition(vec![0; 9]), StickyPosition(vec![0; 9])));
        let presence = Presence {
            place: Some(Place { document: DocumentId(1), selections, main, viewport }),
            ..Presence::default()
        };
        let fits = count <= 256 && sizes.iter().all(|size| *size <= 64);
        let main_is_one = usize::from(main) < count || main == 0;
        prop_assert_eq!(presence.check().is_ok(), fits && main_is_one);
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn damaged_handshakes_fail_and_nothing_else(damage in damage(), step in 0..3) {
        let door = Door::new();
        let (initiator, mut first) = door.greet();
        if step == 0 {
            damage.iter().for_each(|damage| damage.apply(&mut first));
        }
        let Some((responder, mut second)) = door.reply(&first) else { return Ok(()) };
        if step == 1 {
            damage.iter().for_each(|damage| damage.apply(&mut second));
        }
        let Ok((mut guest, mut third)) = initiator.knock(&second, b"hello") else { return Ok(()) };
        if step == 2 {
            damage.iter().for_each(|damage| damage.apply(&mut third));
        }
        let Ok((mut host, key, payload)) = responder.admit(&third) else { return Ok(()) };
        // Damage that changed nothing: the two talk.
        prop_assert_eq!((&key, payload.as_slice()), (door.guest.public(), &b"hello"[..]));
        prop_assert_eq!(host.open(&guest.seal(b"x").unwrap()).unwrap(), b"x");
    }

    #[test]
    fn damaged_sealed_messages_do_not_open(damage in damage(), length in 0..400usize) {
        let (mut guest, mut host) = Door::new().channels();
        let sealed = guest.seal(&vec![7; length]).unwrap();
        let mut damaged = sealed.clone();
        damage.iter().for_each(|damage| damage.apply(&mut damaged));
        prop_assert_eq!(host.open(&damaged).is_ok(), damaged == sealed);
    }
}

fn link() -> String {
    Invite {
        origin: "https://parlor.example".into(),
        session: SESSION,
        host_key: [5; 32],
        secret: InviteSecret::with_role(SECRET, Role::Viewer),
    }
    .link()
}

#[test]
fn messages_of_any_length_are_refused_by_their_length() {
    let (_, mut host) = Door::new().channels();
    for length in (0..64).chain([MAX_TRANSPORT_MESSAGE_BYTES, MAX_TRANSPORT_MESSAGE_BYTES + 1, 70_000]) {
        for kind in 0..6 {
            let mut message = vec![0xa5; length];
            if let Some(first) = message.first_mut() {
                *first = kind;
            }
            assert!(host.open(&message).is_err());
            assert!(Greeting::read(&message).is_err());
            let door = Door::new();
            let (initiator, first) = door.greet();
            assert!(initiator.knock(&message, b"").is_err());
            let (responder, _) = door.reply(&first).unwrap();
            assert!(responder.admit(&message).is_err());
        }
    }
}
