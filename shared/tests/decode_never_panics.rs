//! Whatever arrives, nothing panics: cut, flipped and random bytes at every door of `shared` but the documents'.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/damage.rs"]
mod damage;
#[path = "common/samples.rs"]
mod samples;

use std::time::Duration;

use bytes::Bytes;
use parlor_shared::codec::{self, Decoded, Vocabulary};
use parlor_shared::document::StickyPosition;
use parlor_shared::id::{DocumentId, SessionId};
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

use damage::{config, damage, damaged};

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
    let (mut link, mut lanes) = (Link::new(Duration::ZERO), Lanes::default());
    corpus_of_messages()
        .into_iter()
        .enumerate()
        .map(|(index, message)| {
            match index % 3 {
                0 => lanes.push_control(message.into()).unwrap(),
                1 => lanes.push_workspace(message.into()).unwrap(),
                _ => lanes.push_file(Bytes::from(message.repeat(400))).unwrap(),
            }
            let frame = link.next_frame(&mut lanes, Duration::ZERO).unwrap();
            // The peer has it: the window stays open.
            link.resume(link.sent_and_acknowledged().0, Duration::ZERO).unwrap();
            frame
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
        let mut link = Link::new(Duration::ZERO);
        for frame in &frames()[..good] {
            link.receive(frame, Duration::ZERO).unwrap();
        }
        let _ = link.receive(&bytes, Duration::ZERO);
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
