//! No message is larger than what the link takes on its lane: neither the largest of each kind that the limits permit, nor
//! what is said in the place of one that is larger all the same.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use parlor_shared::codec::{self, Decoded, OnLane, Vocabulary};
use parlor_shared::document::StickyPosition;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, RequestId, TerminalId};
use parlor_shared::lane::{Lane, Lanes, PresenceKey};
use parlor_shared::limits::{
    FILE_CHUNK_BYTES, MAX_COMPONENT_BYTES, MAX_DOCUMENT_BYTES, MAX_LISTING_MESSAGE_BYTES, MAX_NAME_CHARS,
    MAX_PARTICIPANTS, MAX_PATH_BYTES, MAX_SELECTIONS, MAX_STICKY_BYTES, MAX_TERMINAL_COMMAND_BYTES,
    MAX_TERMINAL_INPUT_BYTES, MAX_TERMINAL_NAME_CHARS, MAX_TERMINAL_TITLE_CHARS, MAX_TERMINALS,
    TERMINAL_CHUNK_BYTES,
};
use parlor_shared::link::Link;
use parlor_shared::message::{
    DocumentStatus, DocumentToGuest, DocumentToHost, Entry, EntryKind, Packed, Participant, PresenceToGuest,
    PresenceToHost, SessionToGuest, SessionToHost, TerminalInfo, TerminalState, TerminalToGuest,
    TerminalToHost, ToGuest, ToHost, Typing, WorkspaceToGuest, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::{Presence, Selection};

/// A character of four bytes, and one that makes three of a UTF-16 unit.
const WIDE: &str = "\u{1f389}";
const WIDE_UNIT: &str = "\u{4f60}";

fn name(chars: usize) -> String {
    WIDE.repeat(chars)
}

fn path() -> WorkspacePath {
    let component = "c".repeat(MAX_COMPONENT_BYTES);
    let path = vec![component; MAX_PATH_BYTES / (MAX_COMPONENT_BYTES + 1)].join("/");
    WorkspacePath::parse(&path).unwrap()
}

/// With more than any has: two paths and a sentence.
fn fault() -> Fault {
    Fault::new(FaultCode::FileTooLarge).with(path()).with(path()).with(name(1000))
}

/// Bytes that do not get smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// The largest text that is edited together, of letters that take one byte each, and what yrs may need besides.
fn text() -> Packed {
    Packed::new(noise(MAX_DOCUMENT_BYTES + MAX_DOCUMENT_BYTES / 8))
}

/// A state vector of all whom one session ever saw.
fn state_vector() -> Vec<u8> {
    noise(100_000 * 15)
}

fn presence() -> Presence {
    let mut presence = samples::presence();
    let sticky = || StickyPosition(noise(MAX_STICKY_BYTES));
    presence.file = Some(path());
    let place = presence.place.as_mut().unwrap();
    place.viewport = Some((sticky(), sticky()));
    place.selections = vec![Selection { anchor: sticky(), head: sticky() }; MAX_SELECTIONS];
    presence.check().unwrap();
    presence
}

fn participant(participant: &mut Participant) {
    participant.name = name(MAX_NAME_CHARS + " (128)".len());
}

fn everybody() -> Vec<ParticipantId> {
    vec![ParticipantId(u32::MAX); MAX_PARTICIPANTS + 1]
}

fn entries(count: usize) -> Vec<Entry> {
    let name = "e".repeat(MAX_COMPONENT_BYTES);
    vec![Entry { name, kind: EntryKind::Other, link: true }; count]
}

fn terminal(info: &mut TerminalInfo) {
    info.name = name(MAX_TERMINAL_NAME_CHARS);
    info.title = name(MAX_TERMINAL_TITLE_CHARS);
    info.exceptions = everybody().into_iter().map(|id| (id, Typing::Opener)).collect();
    (info.asking, info.watchers) = (everybody(), everybody());
    info.state = TerminalState::Failed(fault());
}

/// Makes a message as large as the limits permit. Whoever adds a message says here what they are.
fn grow_to_guest(message: &mut ToGuest) {
    match message {
        ToGuest::Session(message) => match message {
            SessionToGuest::Welcome(welcome) => {
                participant(&mut welcome.me);
                welcome.session.workspace = "w".repeat(MAX_COMPONENT_BYTES);
                welcome.session.host = name(MAX_NAME_CHARS);
                welcome.participants = vec![welcome.me.clone(); MAX_PARTICIPANTS];
            }
            SessionToGuest::Joined(who) | SessionToGuest::Changed(who) => participant(who),
            SessionToGuest::Knock { name: of, words, .. } => {
                *of = name(MAX_NAME_CHARS);
                *words = "longest-word ".repeat(6);
            }
            SessionToGuest::Invites(invites) => {
                invites[0].link = "https://".to_owned() + &"o".repeat(2000);
                *invites = vec![invites[0].clone(); 16];
            }
            SessionToGuest::Granted { participants, .. } => *participants = everybody(),
            SessionToGuest::Waiting
            | SessionToGuest::Left { .. }
            | SessionToGuest::Done { .. }
            | SessionToGuest::KnockOver { .. }
            | SessionToGuest::Ended
            | SessionToGuest::Removed => {}
        },
        ToGuest::Document(message) => match message {
            DocumentToGuest::Opened { info, .. } => {
                (info.path, info.status) = (path(), DocumentStatus::NotSaved(fault()));
            }
            DocumentToGuest::State { update, state_vector: vector, .. } => {
                (*update, *vector) = (text(), state_vector());
            }
            DocumentToGuest::Update { update, .. } | DocumentToGuest::Renewed { update, .. } => {
                *update = text()
            }
            DocumentToGuest::Refused { fault: why, .. } => *why = fault(),
            DocumentToGuest::Status { status, .. } => *status = DocumentStatus::NotSaved(fault()),
            DocumentToGuest::Moved { path: to, .. } => *to = path(),
            DocumentToGuest::Closed { fault: why, .. } => *why = Some(fault()),
            DocumentToGuest::Acknowledged { .. }
            | DocumentToGuest::Resync { .. }
            | DocumentToGuest::OfferOver { .. }
            | DocumentToGuest::Format { .. }
            | DocumentToGuest::Digest { .. } => {}
            // A text has no more authors than a session has participants, in all its lives.
            DocumentToGuest::Removed { authors, .. } => *authors = (0..1024).map(AuthorId).collect(),
        },
        ToGuest::Presence(PresenceToGuest::At { presence: at, .. }) => *at = presence(),
        ToGuest::Workspace(message) => match message {
            // As `Workspace::list` counts: it stops before the message is full.
            WorkspaceToGuest::Listing { folder, entries: all, omitted, .. } => {
                let of_each = MAX_COMPONENT_BYTES + 4;
                *all = entries((MAX_LISTING_MESSAGE_BYTES - MAX_PATH_BYTES - 64) / of_each);
                (*folder, *omitted) = (path(), u32::MAX);
            }
            // More are told as a listing.
            WorkspaceToGuest::Changes { folder, changed, removed } => {
                (*folder, *changed) = (path(), entries(512));
                *removed = vec!["r".repeat(MAX_COMPONENT_BYTES); 512];
            }
            WorkspaceToGuest::FolderGone { folder } => *folder = path(),
            WorkspaceToGuest::Chunk { bytes, .. } => *bytes = noise(FILE_CHUNK_BYTES),
            WorkspaceToGuest::Done { .. } => {}
        },
        ToGuest::Fault { fault: what, .. } => *what = fault(),
        ToGuest::Terminal(message) => match message {
            TerminalToGuest::There { terminals } => *terminals = vec![TerminalId(u32::MAX); MAX_TERMINALS],
            TerminalToGuest::Is(info) => terminal(info),
            TerminalToGuest::Refused { fault: why, .. } => *why = fault(),
            // Screens are made to fit where they are painted: `emulator/keyframe/extent.rs` has the test.
            TerminalToGuest::Keyframe { bytes, .. } => *bytes = Packed::new(noise(4 * 1024 * 1024 - 128)),
            // Two readings, and what the filter held back before them.
            TerminalToGuest::Output { bytes, .. } => *bytes = noise(3 * TERMINAL_CHUNK_BYTES),
            TerminalToGuest::Over { .. }
            | TerminalToGuest::Opened { .. }
            | TerminalToGuest::Done { .. }
            | TerminalToGuest::Taken { .. }
            | TerminalToGuest::Since { .. } => {}
        },
    }
}

/// See [`grow_to_guest`].
fn grow_to_host(message: &mut ToHost) {
    match message {
        ToHost::Session(message) => match message {
            // As a person may paste it; the host cuts it.
            SessionToHost::SetName { name: to } => *to = name(4 * MAX_NAME_CHARS),
            SessionToHost::Leave
            | SessionToHost::SetRole { .. }
            | SessionToHost::Remove { .. }
            | SessionToHost::Admit { .. }
            | SessionToHost::Deny { .. }
            | SessionToHost::End
            | SessionToHost::SetGrant { .. } => {}
        },
        ToHost::Document(message) => match message {
            DocumentToHost::Open { path: of, known, .. } => {
                *of = path();
                known.as_mut().unwrap().state_vector = state_vector();
            }
            DocumentToHost::Update { update, .. } => *update = text(),
            DocumentToHost::Sync { state_vector: vector, .. } => *vector = state_vector(),
            DocumentToHost::Save { .. }
            | DocumentToHost::Close { .. }
            | DocumentToHost::Verify { .. }
            | DocumentToHost::BringBack { .. }
            | DocumentToHost::Reopen { .. }
            | DocumentToHost::SaveWith { .. }
            | DocumentToHost::Diverged { .. } => {}
        },
        ToHost::Presence(PresenceToHost::At(at)) => *at = presence(),
        ToHost::Workspace(message) => match message {
            WorkspaceToHost::Watch { folder: of, .. }
            | WorkspaceToHost::Unwatch { folder: of }
            | WorkspaceToHost::Create { path: of, .. }
            | WorkspaceToHost::Delete { path: of, .. }
            | WorkspaceToHost::Read { path: of, .. } => *of = path(),
            WorkspaceToHost::Rename { from, to, .. } => (*from, *to) = (path(), path()),
            WorkspaceToHost::Cancel { .. } => {}
        },
        ToHost::Terminal(message) => match message {
            TerminalToHost::Open { name: called, command, .. } => {
                *called = Some(name(MAX_TERMINAL_NAME_CHARS));
                *command = Some("c".repeat(MAX_TERMINAL_COMMAND_BYTES));
            }
            TerminalToHost::Input { bytes, .. } => *bytes = noise(MAX_TERMINAL_INPUT_BYTES),
            TerminalToHost::Subscribe
            | TerminalToHost::Unshare { .. }
            | TerminalToHost::Restart { .. }
            | TerminalToHost::SetAccess { .. }
            | TerminalToHost::SetTyping { .. }
            | TerminalToHost::SetSizePolicy { .. }
            | TerminalToHost::AskToType { .. }
            | TerminalToHost::Watch { .. }
            | TerminalToHost::Unwatch { .. }
            | TerminalToHost::Resize { .. } => {}
        },
    }
}

/// Sends bytes over a link, and gives what comes out at its other end.
fn carried(lanes: &mut Lanes) -> Vec<(Lane, Bytes)> {
    let now = Duration::ZERO;
    let (mut one, mut other) = (Link::new(now), Link::new(now));
    let mut arrived = Vec::new();
    loop {
        let frame = one.next_frame(lanes, now);
        let answer = frame.as_ref().and_then(|frame| {
            other.receive(frame, now).expect("the peer takes every frame");
            arrived.extend(std::iter::from_fn(|| other.next_message()));
            other.next_frame(&mut Lanes::default(), now)
        });
        if let Some(answer) = &answer {
            one.receive(answer, now).unwrap();
        }
        if frame.is_none() && answer.is_none() {
            return arrived;
        }
    }
}

fn push(lanes: &mut Lanes, lane: Lane, bytes: Bytes) {
    let now = Duration::ZERO;
    match lane {
        Lane::Control => lanes.push_control(bytes).unwrap(),
        Lane::Presence => lanes.push_presence(PresenceKey::Own, bytes),
        Lane::Document => lanes.push_state(DocumentId(1), bytes).unwrap(),
        Lane::Workspace => lanes.push_workspace(bytes).unwrap(),
        Lane::File => lanes.push_file(bytes).unwrap(),
        Lane::Terminal => lanes.push_keyframe(TerminalId(1), bytes, now),
    }
}

fn numbers(bytes: &[u8]) -> (u8, u8) {
    (bytes[0], bytes.get(1).copied().unwrap_or_default())
}

/// Every message of a vocabulary is among these.
fn assert_complete<T: Vocabulary>(messages: &[T]) {
    let mut missing: BTreeSet<(u8, u8)> = (0..)
        .zip(T::SUBJECTS)
        .flat_map(|(subject, count)| (0..(*count).max(1)).map(move |message| (subject, message as u8)))
        .collect();
    for message in messages {
        let (subject, message) = numbers(&codec::encode(message));
        let single = T::SUBJECTS[usize::from(subject)] == 0;
        missing.remove(&(subject, if single { 0 } else { message }));
    }
    assert!(missing.is_empty(), "no sample of {missing:?}");
}

fn assert_carried<T: OnLane + PartialEq>(message: &T) {
    let bytes = codec::encode_for_link(message).unwrap_or_else(|error| panic!("{error}"));
    let (mut lanes, lane) = (Lanes::default(), message.lane());
    push(&mut lanes, lane, bytes.into());
    let arrived = carried(&mut lanes);
    assert_eq!(lanes.take_withheld(), None);
    let [(on, bytes)] = &arrived[..] else { panic!("{} messages arrived", arrived.len()) };
    assert_eq!(*on, lane);
    // Not printed: it has megabytes.
    assert!(matches!(codec::decode::<T>(bytes), Ok(Decoded::Known(other)) if other == *message));
}

#[test]
fn the_largest_of_each_message_to_a_guest_is_carried() {
    let mut messages = samples::to_guest();
    assert_complete(&messages);
    messages.iter_mut().for_each(grow_to_guest);
    messages.iter().for_each(assert_carried);
}

#[test]
fn the_largest_of_each_message_to_the_host_is_carried() {
    let mut messages = samples::to_host();
    assert_complete(&messages);
    messages.iter_mut().for_each(grow_to_host);
    messages.iter().for_each(assert_carried);
}

#[test]
fn what_is_said_instead_is_short_answers_the_request_and_leaves_nobody_waiting() {
    for message in samples::to_guest() {
        let fault = Fault::new(FaultCode::TooLarge).with(usize::MAX).with(usize::MAX);
        let instead = message.instead(fault.clone());
        assert!(codec::encode_for_link(&instead).unwrap().len() < 1024, "{instead:?}");
        match (&message, &instead) {
            // The document is asked for anew, or is known not to be open.
            (ToGuest::Document(DocumentToGuest::Update { document, .. }), _) => {
                assert_eq!(instead, ToGuest::Document(DocumentToGuest::Resync { document: *document }));
            }
            (
                ToGuest::Document(
                    DocumentToGuest::State { document, .. } | DocumentToGuest::Renewed { document, .. },
                ),
                _,
            ) => {
                let (document, fault) = (*document, Some(fault));
                assert_eq!(instead, ToGuest::Document(DocumentToGuest::Closed { document, fault }));
            }
            // A guest that waits for a screen gets one.
            (
                ToGuest::Terminal(TerminalToGuest::Keyframe { terminal, offset, .. }),
                ToGuest::Terminal(TerminalToGuest::Keyframe { terminal: of, offset: at, bytes, .. }),
            ) => {
                assert_eq!((terminal, offset), (of, at));
                assert!(bytes.unpack().unwrap().starts_with(b"\x1bc"));
            }
            (ToGuest::Workspace(WorkspaceToGuest::Listing { request, .. }), _) => {
                assert_eq!(instead, ToGuest::Fault { request: *request, fault });
            }
            (_, ToGuest::Fault { fault: why, .. }) => assert_eq!(*why, fault),
            _ => panic!("{message:?} became {instead:?}"),
        }
    }
}

#[test]
fn a_text_that_no_message_takes_is_one_too_large() {
    // Sixteen million letters of three bytes each: by UTF-16 units a text that may be edited.
    let bytes = WIDE_UNIT.len() * MAX_DOCUMENT_BYTES + 1;
    let (document, request) = (DocumentId(1), RequestId(1));
    let update = Packed::new(noise(bytes));
    let state =
        ToGuest::Document(DocumentToGuest::State { document, epoch: 1, update, state_vector: vec![] });
    let error = codec::encode_for_link(&state).unwrap_err();
    assert_eq!(error.lane, Lane::Document);
    assert!(error.bytes > bytes);
    let fault = Fault::from(error);
    assert_eq!(fault.code, FaultCode::TooLarge);
    let listing = WorkspaceToGuest::Listing {
        request: Some(request),
        folder: WorkspacePath::root(),
        entries: entries(40_000),
        omitted: 0,
    };
    assert_eq!(codec::encode_for_link(&ToGuest::Workspace(listing)).unwrap_err().lane, Lane::Workspace);
}

/// Whatever is pushed, the peer never gets what it would refuse, and everything else arrives.
#[test]
fn what_is_too_large_never_leaves_the_lanes() {
    for lane in Lane::ALL {
        let mut lanes = Lanes::default();
        let large = Bytes::from(vec![0; lane.max_message_bytes() + 1]);
        push(&mut lanes, lane, large.clone());
        lanes.push_control(Bytes::from_static(b"after")).unwrap();
        let arrived = carried(&mut lanes);
        assert_eq!(arrived, [(Lane::Control, Bytes::from_static(b"after"))], "{lane:?}");
        let withheld = lanes.take_withheld().unwrap();
        assert_eq!((withheld.lane, withheld.bytes), (lane, large.len()));
        assert!(lanes.is_empty());
    }
}
