//! Everything that a stranger can do wrong before and beneath the messages: links, handshakes, frames, silence.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt as _;
use parlor::transport::Transport;
use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::codec;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, RequestId, SessionId};
use parlor_shared::invite::{InviteId, InviteSecret};
use parlor_shared::lane::Lane;
use parlor_shared::limits::{
    MAX_CONTROL_MESSAGE_BYTES, MAX_OPEN_DOCUMENTS, MAX_PENDING_HANDSHAKES, MAX_TRANSPORT_MESSAGE_BYTES,
    PROBE_AFTER, PROBE_TIMEOUT,
};
use parlor_shared::message::{
    Activity, DocumentToHost, PresenceToGuest, PresenceToHost, SessionToGuest, SessionToHost, ToGuest,
    ToHost, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::Presence;
use parlor_shared::role::Role;
use parlor_shared::seal::{Greeting, Identity, Initiator, clear_fault};
use parlor_shared::version::{OLDEST_SERVED, PROTOCOL_VERSION, ProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

mod common;

use common::proxy::{Proxy, Way};
use common::raw::{RawGuest, everything, greet, next_binary, open_socket};
use common::{PATIENCE, TestAgent};

fn version_fault(version: ProtocolVersion) -> Fault {
    Fault::new(FaultCode::VersionMismatch).with(version.0).with(OLDEST_SERVED.0).with(PROTOCOL_VERSION.0)
}

#[tokio::test]
async fn a_wrong_link_gets_a_fault_and_not_a_byte_more() {
    let agent = TestAgent::start().await;
    let invite = agent.invite(Role::Editor);
    let identity = Identity::generate().unwrap();
    let greeting = Greeting::new(invite.session, invite.secret.id());
    let key = |secret: &InviteSecret, role| secret.pre_shared_key(invite.session, role);
    let first = |greeting: Greeting, secret: &InviteSecret, host_key: &[u8; 32], role| {
        Initiator::greet(&identity, host_key, &key(secret, role), greeting, role).unwrap().1
    };
    let right = first(greeting, &invite.secret, &invite.host_key, Role::Editor);
    let other_secret = InviteSecret::generate(Role::Editor).unwrap();
    let other_host = Identity::generate().unwrap();
    let in_version = |number: u16| {
        let greeting = Greeting { version: ProtocolVersion(number), ..greeting };
        first(greeting, &invite.secret, &invite.host_key, Role::Editor)
    };
    let elsewhere = Greeting { session: SessionId::from_bytes([7; 16]), ..greeting };
    let uninvited = Greeting { invite: InviteId::from_bytes([7; 8]), ..greeting };
    let mut cut_key = right.clone();
    cut_key.truncate(40);
    let mut altered = right.clone();
    *altered.last_mut().unwrap() ^= 1;
    let mut featured = right.clone();
    featured[34] ^= 1;
    let mut no_greeting = right.clone();
    no_greeting[0] = 3;
    let mut other_magic = right.clone();
    other_magic[1] = b'X';
    let newer = PROTOCOL_VERSION.0 + 1;
    let failed = || Fault::new(FaultCode::HandshakeFailed);
    let malformed = || Fault::new(FaultCode::Malformed);
    let cases: Vec<(&str, Vec<u8>, Fault)> = vec![
        (
            "unknown session",
            first(elsewhere, &invite.secret, &invite.host_key, Role::Editor),
            FaultCode::UnknownSession.into(),
        ),
        (
            "unknown invite",
            first(uninvited, &invite.secret, &invite.host_key, Role::Editor),
            FaultCode::UnknownInvite.into(),
        ),
        ("wrong secret", first(greeting, &other_secret, &invite.host_key, Role::Editor), failed()),
        ("wrong host key", first(greeting, &invite.secret, other_host.public(), Role::Editor), failed()),
        (
            "more rights than the link has",
            first(greeting, &invite.secret, &invite.host_key, Role::Host),
            failed(),
        ),
        ("old version", in_version(0), version_fault(ProtocolVersion(0))),
        ("future version", in_version(newer), version_fault(ProtocolVersion(newer))),
        ("far future version", in_version(u16::MAX), version_fault(ProtocolVersion(u16::MAX))),
        ("bit flipped", altered, failed()),
        ("features altered on the way", featured, failed()),
        ("cut in the key", cut_key, failed()),
        ("cut in the header", right[..20].to_vec(), malformed()),
        ("not a greeting", no_greeting, malformed()),
        ("not ours", other_magic, malformed()),
        ("empty", Vec::new(), malformed()),
        ("one byte", vec![0], malformed()),
        ("garbage", vec![0xa5; 500], malformed()),
        ("the longest garbage", vec![0; MAX_TRANSPORT_MESSAGE_BYTES], malformed()),
        ("a fault", clear_fault(&FaultCode::Removed.into()), malformed()),
    ];
    for (what, message, fault) in cases {
        let mut socket = open_socket(agent.address).await;
        socket.send(Message::Binary(message.into())).await.unwrap();
        let received = everything(&mut socket).await;
        assert_eq!(received, [Bytes::from(clear_fault(&fault))], "{what}");
    }
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn the_client_says_for_good_what_is_wrong_with_its_link() {
    let agent = TestAgent::start().await;
    let invite = agent.invite(Role::Editor);
    let mut unknown = invite.clone();
    unknown.session = SessionId::from_bytes([9; 16]);
    let mut other_secret = invite.clone();
    other_secret.secret = InviteSecret::generate(Role::Editor).unwrap();
    let mut other_host = invite.clone();
    other_host.host_key = *Identity::generate().unwrap().public();
    for (invite, code) in [
        (unknown, FaultCode::UnknownSession),
        (other_secret, FaultCode::UnknownInvite),
        (other_host, FaultCode::HandshakeFailed),
    ] {
        let guest = agent.knock(invite, "Mallory").await;
        assert_eq!(guest.ended().await.code, code);
        assert!(guest.with(|client| client.membership().is_none() && client.participants().count() == 0));
    }
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn whoever_replays_a_recorded_handshake_can_not_knock() {
    let agent = TestAgent::start().await;
    let invite = agent.invite(Role::Editor);
    let identity = Identity::generate().unwrap();
    let mut socket = open_socket(agent.address).await;
    let (initiator, greeting) = greet(&identity, &invite);
    socket.send(Message::Binary(greeting.clone().into())).await.unwrap();
    let reply = next_binary(&mut socket).await.unwrap();
    let request =
        parlor_shared::message::JoinRequest { name: "Ann".into(), client: "raw".into(), resume: None };
    let (_, knock) = initiator.knock(&reply, &codec::encode(&request)).unwrap();
    socket.send(Message::Binary(knock.clone().into())).await.unwrap();
    assert!(next_binary(&mut socket).await.is_some(), "the true one is welcome");

    for (what, third, code) in [
        ("the recorded knock", knock.clone(), FaultCode::HandshakeFailed),
        (
            "an altered knock",
            [&knock[..knock.len() - 1], &[knock[knock.len() - 1] ^ 1]].concat(),
            FaultCode::HandshakeFailed,
        ),
        ("the greeting once more", greeting.clone(), FaultCode::Malformed),
        ("garbage", vec![2; 90], FaultCode::HandshakeFailed),
    ] {
        let mut replayed = open_socket(agent.address).await;
        replayed.send(Message::Binary(greeting.clone().into())).await.unwrap();
        let other_reply = next_binary(&mut replayed).await.unwrap();
        assert_ne!(other_reply, reply, "every handshake has its own key");
        replayed.send(Message::Binary(third.into())).await.unwrap();
        assert_eq!(everything(&mut replayed).await, [Bytes::from(clear_fault(&code.into()))], "{what}");
    }
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn what_is_no_binary_message_of_our_size_is_refused_with_its_code() {
    let agent = TestAgent::start().await;
    let large = vec![0; MAX_TRANSPORT_MESSAGE_BYTES + 1];
    // A frame that announces 2^40 bytes and brings none: refused by what it announces.
    let announced = [&[0x82, 0xff][..], &(1u64 << 40).to_be_bytes(), &[0; 4]].concat();
    for (what, say, code) in [
        ("text", Say::Message(Message::text("let me in")), FaultCode::Malformed),
        ("one byte too long", Say::Message(Message::Binary(large.clone().into())), FaultCode::TooLarge),
        ("a megabyte", Say::Message(Message::Binary(vec![0; 1 << 20].into())), FaultCode::TooLarge),
        ("a terabyte announced", Say::Bytes(announced.clone()), FaultCode::TooLarge),
        ("in pieces", Say::Bytes(pieces(&large)), FaultCode::TooLarge),
    ] {
        let mut socket = open_socket(agent.address).await;
        say.to(&mut socket).await;
        assert_eq!(everything(&mut socket).await, [Bytes::from(clear_fault(&code.into()))], "{what}");
    }
    // The same by one who is in the room: it is told, sealed.
    for (what, say, code) in [
        ("text", Say::Message(Message::text("hello")), FaultCode::Malformed),
        ("one byte too long", Say::Message(Message::Binary(large.clone().into())), FaultCode::TooLarge),
        ("a terabyte announced", Say::Bytes(announced), FaultCode::TooLarge),
    ] {
        let (mut guest, _) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Mallory").await;
        say.to(&mut guest.socket).await;
        assert_eq!(guest.end().await.code, code, "{what}");
    }
    agent.still_serves().await;
    agent.end().await;
}

enum Say {
    Message(Message),
    Bytes(Vec<u8>),
}

impl Say {
    async fn to(self, socket: &mut common::raw::Socket) {
        // The host may have hung up before it has heard all of it.
        let _ = match self {
            Self::Message(message) => socket.send(message).await.map_err(drop),
            Self::Bytes(bytes) => socket.get_mut().write_all(&bytes).await.map_err(drop),
        };
    }
}

/// A message as WebSocket frames of 4,000 bytes, each small enough by itself.
fn pieces(message: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut parts = message.chunks(4000).enumerate().peekable();
    while let Some((number, part)) = parts.next() {
        let last = if parts.peek().is_none() { 0x80 } else { 0 };
        frames.push(last | if number == 0 { 2 } else { 0 });
        frames.push(0x80 | 126);
        frames.extend((part.len() as u16).to_be_bytes());
        frames.extend([0; 4]);
        frames.extend(part);
    }
    frames
}

#[tokio::test]
async fn a_guest_that_breaks_the_rules_inside_the_seal_is_told_and_sent_out() {
    let agent = TestAgent::start().await;
    let invite = agent.invite(Role::Editor);
    let save = codec::encode(&ToHost::Document(DocumentToHost::Save { document: DocumentId(1) }));
    let long = MAX_CONTROL_MESSAGE_BYTES + 1;
    let cases: Vec<(&str, Break, FaultCode)> = vec![
        ("garbage", Break::Transport(vec![3; 300]), FaultCode::BrokenSeal),
        ("a cut message", Break::Transport(vec![3]), FaultCode::BrokenSeal),
        ("no kind", Break::Transport(Vec::new()), FaultCode::BrokenSeal),
        (
            "a greeting again",
            Break::Transport(greet(&Identity::generate().unwrap(), &invite).1),
            FaultCode::BrokenSeal,
        ),
        ("an empty frame", Break::Frame(Vec::new()), FaultCode::Malformed),
        ("a kind of frame that does not exist", Break::Frame(vec![9, 0, 0]), FaultCode::Malformed),
        ("a frame out of order", Break::Frame(vec![0, 2, 0]), FaultCode::BrokenSeal),
        ("a frame that was before", Break::Frame(vec![0, 0, 0]), FaultCode::BrokenSeal),
        ("acknowledging what was never said", Break::Frame(vec![0, 1, 100]), FaultCode::BrokenSeal),
        ("a record that is cut", Break::Frame(vec![0, 1, 0, 2, 50, 1]), FaultCode::Malformed),
        ("a number without end", Break::Frame([&[0][..], &[0xff; 40]].concat()), FaultCode::Malformed),
        (
            "a message too long for its lane",
            Break::Message(Lane::Control, vec![0; long]),
            FaultCode::TooLarge,
        ),
        ("an empty message", Break::Message(Lane::Control, Vec::new()), FaultCode::Malformed),
        ("a message on another lane", Break::Message(Lane::Control, save.clone()), FaultCode::Malformed),
        ("a message on the host's lane", Break::Message(Lane::File, save.clone()), FaultCode::Malformed),
        (
            "something behind the message",
            Break::Message(Lane::Document, [&save[..], &[0]].concat()),
            FaultCode::Malformed,
        ),
        ("a message that is cut", Break::Message(Lane::Document, save[..2].to_vec()), FaultCode::Malformed),
        (
            "a role that does not exist",
            Break::Message(Lane::Control, vec![0, 2, 1, 1, 9]),
            FaultCode::Malformed,
        ),
    ];
    for (what, wrong, code) in cases {
        let (mut guest, _) = RawGuest::join(agent.address, &invite, "Mallory").await;
        match wrong {
            Break::Transport(bytes) => guest.say_transport(bytes).await,
            Break::Frame(bytes) => guest.say_frame(&bytes).await,
            Break::Message(lane, bytes) => guest.say_bytes(lane, bytes).await,
        }
        assert_eq!(guest.end().await.code, code, "{what}");
    }
    agent.still_serves().await;
    agent.end().await;
}

enum Break {
    Transport(Vec<u8>),
    Frame(Vec<u8>),
    Message(Lane, Vec<u8>),
}

#[tokio::test]
async fn a_message_of_a_newer_guest_is_answered_and_the_rest_goes_on() {
    let agent = TestAgent::start().await;
    let (mut guest, _) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Newer").await;
    for message in [vec![9, 9, 9], vec![1, 60], vec![0, 60]] {
        guest.say_bytes(Lane::Control, message).await;
        assert_eq!(guest.fault().await.code, FaultCode::UnknownMessage);
    }
    // A lane that this build does not know is passed over.
    let watch = WorkspaceToHost::Watch { request: RequestId(1), folder: WorkspacePath::root() };
    let message = codec::encode(&ToHost::Workspace(watch));
    let records = [&[77, 2, 1, 1, Lane::Workspace as u8, message.len() as u8][..], &message].concat();
    guest.say_records(&records).await;
    guest.expect("a listing", |message| matches!(message, ToGuest::Workspace(_)).then_some(())).await;
    agent.end().await;
}

/// What somebody in the middle does to the messages of one way, counted from 0.
#[derive(Debug, Clone, Copy)]
enum Attack {
    Repeat,
    Swap,
    Drop,
    Flip(usize),
    Cut,
    /// Says in clear that the session is over.
    Forge,
}

#[tokio::test]
async fn somebody_in_the_middle_changes_nothing_unnoticed_and_what_was_typed_arrives() {
    let agent = TestAgent::start().await;
    let attacks = [
        Attack::Repeat,
        Attack::Swap,
        Attack::Drop,
        Attack::Flip(1),
        Attack::Flip(9),
        Attack::Cut,
        Attack::Forge,
    ];
    let all = [Way::ToHost, Way::ToGuest].into_iter().flat_map(|way| attacks.map(|attack| (way, attack)));
    let all = all.enumerate().map(|(number, (way, attack))| attacked(&agent, way, attack, number));
    futures_util::future::join_all(all).await;
    agent.still_serves().await;
    agent.end().await;
}

async fn attacked(agent: &TestAgent, way: Way, attack: Attack, number: usize) {
    let what = format!("{way:?} {attack:?}");
    let file = format!("target-{number}.txt");
    agent.write(&file, "");
    let armed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let trigger = Arc::clone(&armed);
    let mut held: Option<Bytes> = None;
    let mut done = false;
    let tamper = move |at: Way, bytes: Bytes| {
        if at != way || done || !trigger.load(std::sync::atomic::Ordering::SeqCst) {
            return vec![bytes];
        }
        done = !matches!(attack, Attack::Swap) || held.is_some();
        let mut altered = bytes.to_vec();
        match attack {
            Attack::Repeat => vec![bytes.clone(), bytes],
            Attack::Drop => Vec::new(),
            Attack::Swap => match held.take() {
                Some(first) => vec![bytes, first],
                None => {
                    held = Some(bytes);
                    Vec::new()
                }
            },
            Attack::Flip(from_end) => {
                let at = altered.len() - from_end;
                altered[at] ^= 0x10;
                vec![altered.into()]
            }
            Attack::Cut => {
                altered.pop();
                vec![altered.into()]
            }
            Attack::Forge => vec![clear_fault(&FaultCode::SessionEnded.into()).into(), bytes],
        }
    };
    let proxy = Proxy::tampering(agent.address, Box::new(tamper)).await;
    let identity = Identity::generate().unwrap();
    let mut ann = agent.knock_through(proxy.address, agent.invite(Role::Editor), "Ann", identity).await;
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let document = ann.open(&file).await;
    let mut bob = agent.join(Role::Editor, "Bob").await;
    bob.open(&file).await;
    armed.store(true, std::sync::atomic::Ordering::SeqCst);
    // Both type until the attack has been felt; a dropped message is felt with the next.
    let mut typed = String::new();
    let felt = async {
        for number in 0.. {
            let word = format!("{number} ");
            if ann.with(|client| *client.phase() != Phase::Live) {
                break;
            }
            ann.append(document, &word);
            typed.push_str(&word);
            bob.insert(document, 0, "b");
            let before = number + 1;
            // Each word makes its own message: wait until it went, or the end came.
            ann.wait("a turn", |client| {
                let heard = client
                    .document(document)
                    .is_some_and(|open| open.document().text().matches('b').count() >= before);
                heard || *client.phase() != Phase::Live
            })
            .await;
        }
    };
    if tokio::time::timeout(PATIENCE, felt).await.is_err() {
        panic!("{what}: was not noticed");
    }
    assert_eq!(
        ann.with(|client| client.phase().clone()),
        Phase::Offline,
        "{what}: nobody is sent away by a forgery"
    );
    ann.event("a broken seal", |event| match event {
        ClientEvent::Fault { request: None, fault } if fault.code == FaultCode::BrokenSeal => Some(()),
        ClientEvent::Phase(Phase::Offline) => Some(()),
        _ => None,
    })
    .await;
    ann.append(document, "end");
    typed.push_str("end");
    ann.origin = format!("http://{}", agent.address);
    ann.reconnect().await;
    ann.wait_sync(document, &SyncState::Saved).await;
    let whole = agent.read(&file);
    let words: String = whole.chars().filter(|c| *c != 'b').collect();
    assert_eq!(words, typed, "{what}");
    bob.wait_text(document, |text| text == whole).await;
    for guest in [&ann, &bob] {
        guest.with(|client| client.leave());
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_falls_silent_in_the_handshake_is_sent_away_after_ten_seconds() {
    let agent = TestAgent::start().await;
    let invite = agent.invite(Role::Editor);
    for greets in [false, true].map(Greets) {
        let (ours, theirs) = Transport::pair(8);
        let began = tokio::time::Instant::now();
        agent.agent.serve(theirs);
        let (mut sender, mut receiver) = ours.split();
        if greets.0 {
            sender.feed(greet(&Identity::generate().unwrap(), &invite).1).await.unwrap();
            sender.flush().await.unwrap();
            receiver.next().await.unwrap().unwrap();
        }
        let fault = receiver.next().await.unwrap().unwrap();
        assert_eq!(fault, clear_fault(&Fault::new(FaultCode::HandshakeTimeout).with(10)));
        let took = began.elapsed();
        assert!((Duration::from_secs(10)..Duration::from_secs(11)).contains(&took), "{took:?}");
        drop(sender);
        assert!(receiver.next().await.is_none(), "and the connection ends");
    }
    agent.end().await;
}

struct Greets(bool);

#[tokio::test(start_paused = true)]
async fn a_guest_that_falls_silent_loses_its_transport_then_its_place_and_at_last_its_link() {
    let agent = TestAgent::start().await;
    let ann = agent.join(Role::Editor, "Ann").await;
    let invite = agent.invite(Role::Editor);
    let (ours, theirs) = Transport::pair(64);
    agent.agent.serve(theirs);
    let (mut sender, mut receiver) = ours.split();
    let (initiator, greeting) = greet(&Identity::generate().unwrap(), &invite);
    sender.feed(greeting).await.unwrap();
    sender.flush().await.unwrap();
    let reply = receiver.next().await.unwrap().unwrap();
    let request =
        parlor_shared::message::JoinRequest { name: "Bob".into(), client: "raw".into(), resume: None };
    let (_, knock) = initiator.knock(&reply, &codec::encode(&request)).unwrap();
    sender.feed(knock).await.unwrap();
    sender.flush().await.unwrap();
    let began = tokio::time::Instant::now();
    ann.wait("Bob is here", |client| client.participants().count() == 2).await;
    // It does not even acknowledge its welcome.
    while let Some(message) = receiver.next().await {
        message.unwrap();
    }
    let asked = PROBE_AFTER + PROBE_TIMEOUT;
    assert!((asked..asked + Duration::from_secs(2)).contains(&began.elapsed()), "{:?}", began.elapsed());
    ann.wait("Bob is away", |client| client.participants().count() == 1).await;
    assert!(began.elapsed() < asked + Duration::from_secs(10), "{:?}", began.elapsed());
    agent.end().await;
}

#[tokio::test]
async fn whoever_is_silent_at_the_door_does_not_hold_up_the_end() {
    let agent = TestAgent::start().await;
    let mut silent = open_socket(agent.address).await;
    let mut half = open_socket(agent.address).await;
    let (_, greeting) = greet(&Identity::generate().unwrap(), &agent.invite(Role::Editor));
    half.send(Message::Binary(greeting.into())).await.unwrap();
    assert!(next_binary(&mut half).await.is_some());
    // Its reply proves that the other, who came before, stands at the door by now.
    tokio::time::timeout(Duration::from_secs(1), agent.end()).await.expect("the end comes at once");
    let ended = Bytes::from(clear_fault(&FaultCode::SessionEnded.into()));
    assert_eq!(everything(&mut silent).await, std::slice::from_ref(&ended));
    assert_eq!(everything(&mut half).await, [ended]);
}

#[tokio::test]
async fn a_thousand_silent_connections_keep_no_guest_out() {
    let agent = TestAgent::start().await;
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(open_socket(agent.address).await);
    }
    tokio::time::timeout(Duration::from_secs(1), agent.join(Role::Editor, "Ann"))
        .await
        .expect("within a second");
    // The oldest have given way, and were told; as many as may stand at the door still do.
    let refused = clear_fault(&FaultCode::TooManyConnections.into());
    for socket in &mut silent[..1000 - MAX_PENDING_HANDSHAKES] {
        assert_eq!(everything(socket).await, [Bytes::from(refused.clone())]);
    }
    agent.still_serves().await;
    drop(silent);
    agent.end().await;
}

#[tokio::test]
async fn a_flood_of_connections_that_say_nothing_keeps_no_guest_out() {
    let agent = TestAgent::start().await;
    let mut flood = Vec::new();
    for number in 0..2000 {
        let mut stream = TcpStream::connect(agent.address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
        }
        flood.push(stream);
    }
    tokio::time::timeout(Duration::from_secs(1), agent.join(Role::Editor, "Ann"))
        .await
        .expect("within a second");
    agent.still_serves().await;
    drop(flood);
    agent.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_say_what_it_wants_is_waited_for_ten_seconds() {
    let agent = TestAgent::start().await;
    let host = agent.address;
    let request = format!("GET /nothing HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let half = format!("GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ");
    for (what, first, trickle) in [
        ("nothing", "", ""),
        ("headers that trickle", half.as_str(), "x"),
        ("nothing after a request", request.as_str(), ""),
    ] {
        let mut stream = TcpStream::connect(host).await.unwrap();
        let began = tokio::time::Instant::now();
        let (mut reader, mut writer) = stream.split();
        writer.write_all(first.as_bytes()).await.unwrap();
        let trickle = async {
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                // It fails once the agent has hung up, which the reader notices.
                let _ = writer.write_all(trickle.as_bytes()).await;
            }
        };
        let mut answer = Vec::new();
        tokio::select! {
            () = trickle => unreachable!("it ends with the reader"),
            // A reset is an end too.
            _ = reader.read_to_end(&mut answer) => {}
        }
        let took = began.elapsed();
        assert!((Duration::from_secs(9)..Duration::from_secs(12)).contains(&took), "{what}: {took:?}");
    }
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_messages_by_one_guest_reaches_nobody_else() {
    const FLOOD: u32 = 20_000;
    let agent = TestAgent::start().await;
    let (mut ann, _) = RawGuest::join(agent.address, &agent.invite(Role::Viewer), "Ann").await;
    let (mut mallory, welcome) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Mallory").await;
    let rename = |number: u32| SessionToHost::SetName { name: format!("M{number}") };
    let renames = (0..FLOOD).map(|number| codec::encode(&ToHost::Session(rename(number))));
    mallory.say_at_once(Lane::Control, renames).await;
    let watch = |number| WorkspaceToHost::Watch { request: RequestId(number), folder: WorkspacePath::root() };
    let watches = (0..FLOOD).map(|number| codec::encode(&ToHost::Workspace(watch(number))));
    mallory.say_at_once(Lane::Workspace, watches).await;
    let presence = Presence { activity: Activity::Away, ..Presence::default() };
    mallory.say(&ToHost::Presence(PresenceToHost::At(presence))).await;
    // Ann hears of one or two new names and of where Mallory is, and nothing of the rest.
    let mut names = 0;
    loop {
        match ann.next().await.expect("she stays") {
            ToGuest::Session(SessionToGuest::Changed(participant)) => {
                assert_eq!(participant.id, welcome.me.id);
                names += 1;
            }
            // Or he is out, since he did not listen to twenty thousand refusals.
            ToGuest::Session(SessionToGuest::Left { .. }) => break,
            ToGuest::Presence(PresenceToGuest::At { presence, .. })
                if presence.activity == Activity::Away =>
            {
                break;
            }
            _ => {}
        }
    }
    assert!((1..10).contains(&names), "{names}");
    agent.still_serves().await;
    ann.say(&ToHost::Session(SessionToHost::SetName { name: "Anna".to_owned() })).await;
    ann.expect("a name", |message| match message {
        ToGuest::Session(SessionToGuest::Changed(participant)) => (participant.name == "Anna").then_some(()),
        _ => None,
    })
    .await;
    agent.end().await;
}

#[tokio::test]
async fn one_guest_can_not_use_up_what_all_may_open() {
    let agent = TestAgent::start().await;
    for number in 0..=MAX_OPEN_DOCUMENTS {
        agent.write(&format!("{number}.txt"), "text");
    }
    let mut ann = agent.join(Role::Viewer, "Ann").await;
    agent.write("binary.bin", [0, 1, 2]);
    for _ in 0..2 * MAX_OPEN_DOCUMENTS {
        let refused = ann.try_open("binary.bin").await.unwrap_err();
        assert_eq!(refused.code, FaultCode::Binary, "what did not open is not held");
    }
    let mut documents = Vec::new();
    for number in 0..MAX_OPEN_DOCUMENTS {
        documents.push(ann.open(&format!("{number}.txt")).await);
    }
    let one_more = format!("{MAX_OPEN_DOCUMENTS}.txt");
    let fault = ann.try_open(&one_more).await.unwrap_err();
    assert_eq!(fault, Fault::new(FaultCode::TooManyOpen).with(MAX_OPEN_DOCUMENTS));
    let mut bob = agent.join(Role::Editor, "Bob").await;
    bob.open(&one_more).await;
    ann.with(|client| client.close(documents[7]));
    ann.open(&one_more).await;
    agent.still_serves().await;
    agent.end().await;
}
