//! A guest that keeps no rule: it speaks the protocol by hand, byte by byte where need be.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use parlor_shared::codec::{self, Decoded};
use parlor_shared::fault::Fault;
use parlor_shared::id::ParticipantId;
use parlor_shared::invite::Invite;
use parlor_shared::lane::{Lane, Lanes};
use parlor_shared::limits::MAX_FRAME_BYTES;
use parlor_shared::link::{Link, Opening};
use parlor_shared::message::{JoinRequest, Resume, SessionToGuest, ToGuest, ToHost, Welcome};
use parlor_shared::seal::{Channel, Greeting, Identity, Initiator, read_clear_fault};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::PATIENCE;

pub type Socket = WebSocketStream<TcpStream>;

/// A WebSocket of the agent, with nothing said yet.
pub async fn open_socket(address: SocketAddr) -> Socket {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let url = format!("ws://{address}/s/session/socket");
    tokio_tungstenite::client_async(url, stream).await.unwrap().0
}

/// Everything that comes until the end. A connection that does not end is a failure.
pub async fn everything(socket: &mut Socket) -> Vec<Bytes> {
    let mut received = Vec::new();
    let read = async {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(bytes) => received.push(bytes),
                Message::Close(_) => {}
                other => panic!("the agent sends binary messages only: {other:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the agent ends the connection");
    received
}

/// The next binary message.
pub async fn next_binary(socket: &mut Socket) -> Option<Bytes> {
    let read = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Some(bytes),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the agent says something or ends")
}

/// Begins a handshake as an invite allows.
pub fn greet(identity: &Identity, invite: &Invite) -> (Initiator, Vec<u8>) {
    let greeting = Greeting::new(invite.session, invite.secret.id());
    let key = invite.secret.pre_shared_key(invite.session, invite.role());
    Initiator::greet(identity, &invite.host_key, &key, greeting, invite.role()).unwrap()
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn varint_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| byte & 0x80 == 0).expect("a varint ends") + 1
}

/// Connected and sealed; what it says is up to the test.
pub struct RawGuest {
    pub socket: Socket,
    pub channel: Channel,
    /// Takes in what the host says. What this guest says it numbers by itself, and no window holds it back.
    incoming: Link,
    pub sent: u64,
    opened: bool,
    received: VecDeque<ToGuest>,
}

const NOW: Duration = Duration::ZERO;

impl RawGuest {
    /// Shakes hands and knocks.
    pub async fn knock(
        address: SocketAddr,
        invite: &Invite,
        identity: &Identity,
        name: &str,
        resume: Option<ParticipantId>,
    ) -> Result<Self, Fault> {
        let mut socket = open_socket(address).await;
        let (initiator, first) = greet(identity, invite);
        socket.send(Message::Binary(first.into())).await.unwrap();
        let reply = next_binary(&mut socket).await.expect("a reply");
        let resume = resume.map(|participant| Resume { participant, link: None });
        let request = JoinRequest { name: name.to_owned(), client: "raw".to_owned(), resume };
        let (channel, knock) = initiator.knock(&reply, &codec::encode(&request))?;
        socket.send(Message::Binary(knock.into())).await.unwrap();
        Ok(Self::sealed(socket, channel))
    }

    /// A guest whose hands were shaken already.
    pub fn sealed(socket: Socket, channel: Channel) -> Self {
        let incoming = Link::new(NOW);
        Self { socket, channel, incoming, sent: 0, opened: false, received: VecDeque::new() }
    }

    /// Knocks with a new key and waits until it is welcome.
    pub async fn join(address: SocketAddr, invite: &Invite, name: &str) -> (Self, Welcome) {
        let mut guest =
            Self::knock(address, invite, &Identity::generate().unwrap(), name, None).await.unwrap();
        let welcome = guest.welcome().await;
        (guest, welcome)
    }

    /// Waits until it is welcome.
    pub async fn welcome(&mut self) -> Welcome {
        self.expect("welcome", |message| match message {
            ToGuest::Session(SessionToGuest::Welcome(welcome)) => Some((**welcome).clone()),
            _ => None,
        })
        .await
    }

    /// Sends a message on its lane.
    pub async fn say(&mut self, message: &ToHost) {
        self.say_bytes(message.lane(), codec::encode(message)).await;
    }

    /// Sends any bytes as a message on any lane, in pieces. A host that has hung up already does not hear it.
    pub async fn say_bytes(&mut self, lane: Lane, message: Vec<u8>) {
        let mut pieces = message.chunks(MAX_FRAME_BYTES - 64).peekable();
        if pieces.peek().is_none() {
            return self.say_records(&[lane as u8, 0]).await;
        }
        while let Some(piece) = pieces.next() {
            let mut records = vec![lane as u8 | if pieces.peek().is_some() { 0x80 } else { 0 }];
            put_varint(&mut records, piece.len() as u64);
            records.extend(piece);
            self.say_records(&records).await;
        }
    }

    /// Sends many messages of one lane in as few frames as they fit, so that the host gets them all at once.
    pub async fn say_at_once(&mut self, lane: Lane, messages: impl IntoIterator<Item = Vec<u8>>) {
        let mut records = Vec::new();
        for message in messages {
            if records.len() + message.len() + 64 > MAX_FRAME_BYTES {
                self.say_records(&std::mem::take(&mut records)).await;
            }
            records.push(lane as u8);
            put_varint(&mut records, message.len() as u64);
            records.extend(message);
        }
        self.say_records(&records).await;
    }

    /// Seals any bytes as the records of a frame whose head is right.
    pub async fn say_records(&mut self, records: &[u8]) {
        self.sent += 1;
        let mut frame = vec![0];
        put_varint(&mut frame, self.sent);
        put_varint(&mut frame, self.incoming.received());
        frame.extend(records);
        let sealed = self.channel.seal(&frame).unwrap();
        self.say_transport(sealed).await;
    }

    /// Seals any bytes as a frame.
    pub async fn say_frame(&mut self, frame: &[u8]) {
        let sealed = self.channel.seal(frame).unwrap();
        self.say_transport(sealed).await;
    }

    /// Acknowledges and answers as the link says it should.
    async fn acknowledge(&mut self) {
        while let Some(frame) = self.incoming.next_frame(&mut Lanes::default(), NOW) {
            let mut numbered = vec![frame[0]];
            put_varint(&mut numbered, self.sent);
            // Behind the kind and the number of the last frame, which the incoming link takes for none.
            numbered.extend(&frame[2..]);
            self.say_frame(&numbered).await;
        }
    }

    /// Takes in a sealed message of the host; what it completes is next.
    fn take_in(&mut self, bytes: &[u8]) {
        let mut frame = self.channel.open(bytes).expect("the host seals what it says");
        if !std::mem::replace(&mut self.opened, true) {
            assert_eq!(Opening::decode(&frame), Ok(Opening::Afresh));
            return;
        }
        // Kind, number, and what it acknowledges of what this guest counts by itself.
        let number = varint_length(&frame[1..]);
        let acknowledged = varint_length(&frame[1 + number..]);
        frame.splice(1 + number..1 + number + acknowledged, [0]);
        self.incoming.receive(&frame, NOW).expect("the host keeps to the link");
        while let Some((lane, bytes)) = self.incoming.next_message() {
            match codec::decode::<ToGuest>(&bytes) {
                Ok(Decoded::Known(message)) => {
                    assert_eq!(message.lane(), lane, "{message:?}");
                    self.received.push_back(message);
                }
                other => panic!("the host says what it should: {other:?}"),
            }
        }
    }

    /// Sends any bytes as a transport message.
    pub async fn say_transport(&mut self, message: Vec<u8>) {
        // It fails if the host has ended the connection, which the test finds out by what it said last.
        let _ = self.socket.send(Message::Binary(message.into())).await;
    }

    /// The next message; nothing when the host has ended the connection.
    pub async fn next(&mut self) -> Option<ToGuest> {
        loop {
            if let Some(message) = self.received.pop_front() {
                return Some(message);
            }
            let bytes = next_binary(&mut self.socket).await?;
            if let Some(fault) = read_clear_fault(&bytes) {
                return Some(ToGuest::Fault { request: None, fault });
            }
            self.take_in(&bytes);
            self.acknowledge().await;
        }
    }

    /// Waits for a message.
    pub async fn expect<T>(&mut self, what: &str, find: impl Fn(&ToGuest) -> Option<T>) -> T {
        let mut passed = Vec::new();
        while let Some(message) = self.next().await {
            if let Some(found) = find(&message) {
                return found;
            }
            passed.push(message);
        }
        panic!("the connection ended without: {what}; but with {passed:?}");
    }

    /// The next fault.
    pub async fn fault(&mut self) -> Fault {
        self.expect("a fault", |message| match message {
            ToGuest::Fault { fault, .. } => Some(fault.clone()),
            _ => None,
        })
        .await
    }

    /// Everything that is said until the host ends the connection.
    pub async fn rest(&mut self) -> Vec<ToGuest> {
        let mut rest = Vec::new();
        while let Some(message) = self.next().await {
            rest.push(message);
        }
        rest
    }

    /// The fault that ended the connection.
    pub async fn end(&mut self) -> Fault {
        let rest = self.rest().await;
        match rest.last() {
            Some(ToGuest::Fault { request: None, fault }) => fault.clone(),
            _ => panic!("the connection ended without a reason: {rest:?}"),
        }
    }
}
