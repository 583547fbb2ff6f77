//! The bytes of the wire, frozen: a change here breaks pages and native guests that are already open.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/samples.rs"]
mod samples;

use std::time::Duration;

use bytes::Bytes;
use parlor_shared::codec::{self, DecodeError, Decoded, Vocabulary};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, SessionId};
use parlor_shared::invite::InviteId;
use parlor_shared::lane::{Lane, Lanes, PresenceKey};
use parlor_shared::link::Link;
use parlor_shared::message::{ToGuest, ToHost, Typing};
use parlor_shared::role::{Capability, Grant};
use parlor_shared::seal::{self, Greeting, Identity, Initiator, SealError};
use parlor_shared::version::ProtocolVersion;

#[rustfmt::skip]
const TO_HOST: &[&str] = &[
    "0000",
    "000103416e6e",
    "0002ac020200",
    "0003ac0202",
    "0004ac0202",
    "0005ac0202",
    "0006",
    "0007ac02020701",
    "0100ac0207612f622e74787401050103011009",
    "01010501820100020000",
    "0102050103011009",
    "010305",
    "010405",
    "010505",
    "01060501010101010101010202020202020202",
    "01070503",
    "0108ac02051a",
    "0109ac02051e",
    "0200010b7372632f6d61696e2e727301050204001004000400110400040014040004001504000101040010040004001e040001",
    "0300ac0200",
    "03010161",
    "0302ac0203612f6201",
    "0303ac0201610162",
    "0304ac020161",
    "0305ac0205612e706e67",
    "0306ac02",
    "0400",
    "0401ac020105746573747301086e706d207465737484012b01",
    "0402ac0207",
    "0403ac0207",
    "0404ac020700",
    "0405ac02070202",
    "0406ac02070284012b",
    "040707",
    "04080701",
    "040907",
    "040a070203ff",
    "040b0784012b",
];

#[rustfmt::skip]
const TO_GUEST: &[&str] = &[
    "0000",
    "00010203416e6e0103100464656d6f03426f62010203416e6e010310",
    "00020203416e6e010310",
    "00030201",
    "00040203416e6e010310",
    "0005ac02",
    "00060203416e6e002361636f726e206163746f722061646f6265206167656e7420616c62756d20616c6c6579",
    "000702",
    "0008010118687474703a2f2f6c6f63616c686f73742f732f7823312e79",
    "0009",
    "000a",
    "000b070202ac02",
    "0100ac020501097372632fc3bc2e7273010301000102",
    "01010501d8040e1f070100ffff406007070707070703011009",
    "01020501010200020000",
    "0103058201",
    "010405820197030305612e62696e023137023136",
    "010505",
    "0106050297030305612e62696e023137023136",
    "01070505622e747874",
    "0108050197030305612e62696e023137023136",
    "0109050102030405060708",
    "010a050200020000",
    "010b050301100201",
    "010c05030102",
    "010d05020001",
    "020002010b7372632f6d61696e2e727301050204001004000400110400040014040004001504000101040010040004001e040001",
    "030001ac0201610101620201c801",
    "030101610101620100010163",
    "03020161",
    "0303ac02",
    "0304ac02f0a20480800402ff00",
    "0401ac0297030305612e62696e023137023136",
    "05000107",
    "0501070574657374730376696d84012b010101020101020201020102ac02010001064b696c6c6564",
    "050207",
    "0503ac0207",
    "0504ac02",
    "050507ac0297030305612e62696e023137023136",
    "050607ac0284012b0000021b63",
    "050707ac02021bff",
    "050807ac02",
    "050907",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Compares with the frozen bytes, in both directions, and that there is one sample of each message.
fn assert_frozen<T: Vocabulary + PartialEq + std::fmt::Debug>(samples: &[T], frozen: &[&str]) {
    let now: Vec<String> = samples.iter().map(|message| hex(&codec::encode(message))).collect();
    let table: String = now.iter().map(|bytes| format!("    \"{bytes}\",\n")).collect();
    assert!(now == frozen, "the wire changed; it is now\n{table}");
    for (message, bytes) in samples.iter().zip(frozen) {
        let decoded = codec::decode::<T>(&unhex(bytes)).unwrap();
        assert!(matches!(&decoded, Decoded::Known(known) if known == message), "{message:?}: {decoded:?}");
    }
    // A subject that is itself one message counts once.
    let messages: u32 = T::SUBJECTS.iter().map(|count| (*count).max(1)).sum();
    let numbers: std::collections::BTreeSet<&str> = frozen.iter().map(|bytes| &bytes[..4]).collect();
    assert_eq!(frozen.len(), messages as usize, "one sample of each message");
    assert_eq!(numbers.len(), frozen.len(), "no message twice");
}

#[test]
fn messages_to_the_host_are_frozen() {
    assert_frozen::<ToHost>(&samples::to_host(), TO_HOST);
}

#[test]
fn messages_to_a_guest_are_frozen() {
    assert_frozen::<ToGuest>(&samples::to_guest(), TO_GUEST);
}

#[test]
fn who_may_what_is_frozen_number_by_number() {
    let typing = [Typing::Allowed, Typing::Denied, Typing::ByAccess, Typing::Opener];
    assert_eq!(postcard::to_stdvec(&typing).unwrap(), [0, 1, 2, 3]);
    assert_eq!(postcard::to_stdvec(&[Grant::Given, Grant::Taken]).unwrap(), [0, 1]);
    assert_eq!(postcard::to_stdvec(&Capability::ALL).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

/// Whether serde knows the numbers: those of a variant that is there ask for its fields, others are refused at once.
fn is_variant<T: Vocabulary>(numbers: &[u8]) -> bool {
    !matches!(postcard::take_from_bytes::<T>(numbers), Err(postcard::Error::SerdeDeCustom))
}

fn assert_counts<T: Vocabulary + std::fmt::Debug>() {
    for (subject, count) in T::SUBJECTS.iter().enumerate() {
        let (subject, count) = (u8::try_from(subject).unwrap(), u8::try_from(*count).unwrap());
        if count == 0 {
            assert!(is_variant::<T>(&[subject]), "subject {subject}");
            continue;
        }
        let real = (0..100).take_while(|message| is_variant::<T>(&[subject, *message])).count();
        assert_eq!(usize::from(count), real, "messages of subject {subject}");
        let unknown = codec::decode::<T>(&[subject, count, 1, 2, 3]).unwrap();
        let (subject, message) = (u32::from(subject), Some(u32::from(count)));
        assert!(
            matches!(unknown, Decoded::Unknown { subject: s, message: m } if s == subject && m == message)
        );
    }
    let subjects = u8::try_from(T::SUBJECTS.len()).unwrap();
    assert!(!is_variant::<T>(&[subjects, 0]), "every subject is counted");
    let unknown = codec::decode::<T>(&[subjects, 9, 9]).unwrap();
    assert!(matches!(unknown, Decoded::Unknown { message: None, .. }));
}

#[test]
fn the_counts_of_messages_are_the_real_ones() {
    assert_counts::<ToHost>();
    assert_counts::<ToGuest>();
}

#[test]
fn large_unknown_numbers_come_back_as_values_and_cut_ones_do_not() {
    let subject = codec::decode::<ToGuest>(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(subject, Ok(Decoded::Unknown { subject: u32::MAX, message: None }));
    let message = codec::decode::<ToHost>(&[0, 0xac, 0x02, 7]);
    assert_eq!(message, Ok(Decoded::Unknown { subject: 0, message: Some(300) }));
    for cut in [&[][..], &[0], &[0x80], &[0, 0x80], &[0xff; 6]] {
        assert_eq!(codec::decode::<ToHost>(cut), Err(DecodeError), "{cut:?}");
    }
}

#[test]
fn a_known_message_with_something_behind_it_is_refused() {
    for message in samples::to_guest() {
        let mut bytes = codec::encode(&message);
        bytes.push(0);
        assert_eq!(codec::decode::<ToGuest>(&bytes), Err(DecodeError), "{message:?}");
    }
}

#[test]
fn every_fault_code_survives_and_a_newer_one_is_kept_as_a_number() {
    let newer = (900..910).map(FaultCode::Unknown);
    for code in FaultCode::ALL.iter().copied().chain(newer) {
        let message = ToGuest::Fault { request: None, fault: Fault::new(code).with("x") };
        let decoded = codec::decode::<ToGuest>(&codec::encode(&message));
        assert_eq!(decoded, Ok(Decoded::Known(message)));
    }
    let bytes = unhex("04008507010178");
    let Ok(Decoded::Known(ToGuest::Fault { fault, .. })) = codec::decode(&bytes) else {
        panic!("a fault with an unknown code is still a fault")
    };
    assert_eq!(fault, Fault::new(FaultCode::Unknown(901)).with("x"));
}

#[test]
fn a_fault_in_clear_is_frozen() {
    let fault = Fault::new(FaultCode::VersionMismatch).with(2).with(1).with(1);
    assert_eq!(hex(&seal::clear_fault(&fault)), "046803013201310131");
    assert_eq!(seal::read_clear_fault(&unhex("046803013201310131")), Some(fault));
    let newer = seal::read_clear_fault(&unhex("04b9600100"));
    assert_eq!(newer, Some(Fault::new(FaultCode::Unknown(12_345)).with("")));
}

#[test]
fn the_header_of_a_greeting_is_frozen() {
    let header = "0050524c52000104040404040404040404040404040404090909090909090900000000";
    let greeting = Greeting::new(SessionId::from_bytes([4; 16]), InviteId::from_bytes([9; 8]));
    let (guest, host) = (Identity::from_private(&[2; 32]), Identity::from_private(&[1; 32]));
    let key = parlor_shared::invite::PreSharedKey::new([3; 32]);
    let (_, first) =
        Initiator::greet(&guest, host.public(), &key, greeting, parlor_shared::role::Role::Editor).unwrap();
    assert_eq!(hex(&first[..35]), header);
    // Noise message 1: an ephemeral key and a tag.
    assert_eq!(first.len(), 35 + 32 + 16);
    let (read, noise) = Greeting::read(&first).unwrap();
    assert_eq!((read, noise.len()), (greeting, 48));

    let newer = unhex(&header.replacen("0001", "0203", 1).replacen("00000000", "00000005", 1));
    let (read, _) = Greeting::read(&newer).unwrap();
    assert_eq!(
        (read.version, read.features),
        (ProtocolVersion(0x203), 5),
        "told, so that it can be answered"
    );
    assert!(!read.version.is_served());
    assert_eq!(Greeting::read(&newer[..34]), Err(SealError::Malformed));
}

#[test]
fn frames_of_the_link_are_frozen() {
    let (mut link, mut lanes) = (Link::new(Duration::ZERO), Lanes::default());
    lanes.push_control(Bytes::from_static(&[0, 0])).unwrap();
    lanes.push_presence(PresenceKey::Participant(ParticipantId(1)), Bytes::from_static(&[2, 0]));
    lanes.push_document(Bytes::from_static(&[1, 4, 5])).unwrap();
    lanes.push_file(Bytes::from(vec![7; 15_000])).unwrap();
    let first = link.next_frame(&mut lanes, Duration::ZERO).unwrap();
    // Records, sequence 1, nothing acknowledged; control, presence, document whole; a file that goes on, 4,058 bytes.
    assert_eq!(hex(&first[..19]), "0001000002000001020200020301040584da1f");
    let second = link.next_frame(&mut lanes, Duration::ZERO).unwrap();
    assert_eq!(hex(&second[..7]), "00020084e71f07", "more of the file");
    let mut other = Link::new(Duration::ZERO);
    for frame in [first, second] {
        other.receive(&frame, Duration::ZERO).unwrap();
    }
    while let Some(frame) = link.next_frame(&mut lanes, Duration::ZERO) {
        other.receive(&frame, Duration::ZERO).unwrap();
    }
    assert_eq!(
        hex(&other.next_frame(&mut Lanes::default(), Duration::ZERO).unwrap()),
        "010004",
        "what came is acknowledged"
    );
    let lanes: Vec<Lane> = std::iter::from_fn(|| other.next_message()).map(|(lane, _)| lane).collect();
    assert_eq!(lanes, [Lane::Control, Lane::Presence, Lane::Document, Lane::File]);
}

#[test]
fn lanes_of_a_newer_peer_are_passed_over() {
    let mut link = Link::new(Duration::ZERO);
    // A piece on lane 9, another that goes on, then a message that this build knows.
    link.receive(&unhex("0001000902aabb8901cc00020000"), Duration::ZERO).unwrap();
    assert_eq!(link.next_message(), Some((Lane::Control, Bytes::from_static(&[0, 0]))));
    assert_eq!(link.next_message(), None);
    assert_eq!(link.take_unknown_lane(), Some(9), "told once, so that somebody can answer");
    assert_eq!(link.take_unknown_lane(), None);
    assert!(link.receive(&unhex("0002000905aabb"), Duration::ZERO).is_err(), "still within the frame");
}
