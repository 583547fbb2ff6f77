//! The seal: everything between a guest and its host is encrypted and authenticated end to end.
//!
//! `Noise_XKpsk0_25519_ChaChaPoly_BLAKE2s`, guest = initiator. The guest knows the host's key from the link and the
//! secret proves that it was invited; both static keys have forward secrecy. The prologue binds protocol version,
//! session, invite, role and features, so nothing of one session, role or version can be spliced into another.
//!
//! On the transport every message starts with a kind:
//!
//! | Kind | From | Body |
//! |---|---|---|
//! | 0 greeting | guest | `"PRLR"`, version u16, session id 16, invite id 8, features u32 (big endian), Noise message 1 |
//! | 1 reply | host | Noise message 2 |
//! | 2 knock | guest | Noise message 3, payload: the join request |
//! | 3 sealed | both | Noise transport message, plaintext: a frame of [`crate::link`] |
//! | 4 fault | host | a [`Fault`] in clear, only before the host has said anything sealed |
//!
//! Nonces are implicit: a lost, repeated, swapped or altered message does not open, and the connection ends.

use std::fmt;

use snow::params::NoiseParams;
use snow::resolvers::CryptoResolver as _;
use snow::{Builder, HandshakeState, TransportState};
use zeroize::Zeroizing;

use crate::codec;
use crate::fault::{Fault, FaultCode};
use crate::id::{LinkId, SessionId};
use crate::invite::{InviteId, PreSharedKey};
use crate::limits::{MAX_FRAME_BYTES, MAX_TRANSPORT_MESSAGE_BYTES, REKEY_AFTER_BYTES, REKEY_AFTER_MESSAGES};
use crate::role::Role;
use crate::version::{PROTOCOL_VERSION, ProtocolVersion};

mod primitives;
mod words;

use primitives::Primitives;

/// The handshake and ciphers, by the Noise specification's name.
const PATTERN: &str = "Noise_XKpsk0_25519_ChaChaPoly_BLAKE2s";
const MAGIC: &[u8; 4] = b"PRLR";
const PROLOGUE_DOMAIN: &[u8] = b"parlor/1";
const TAG_BYTES: usize = 16;
const GREETING_HEADER_BYTES: usize = 4 + 2 + SessionId::BYTES + InviteId::BYTES + 4;

/// Optional abilities that both sides must name alike. None exist yet.
pub const FEATURES: u32 = 0;

/// Why sealing, opening or the handshake failed. Says nothing that helps an attacker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The handshake failed: other host key, other secret, altered on the way.
    #[error("the handshake failed")]
    Handshake,
    /// A message did not open.
    #[error("a sealed message did not open")]
    Broken,
    /// A message is longer than allowed.
    #[error("a message is too long")]
    TooLong,
    /// The bytes are not what is expected now.
    #[error("a message is malformed")]
    Malformed,
    /// The peer answered with a fault in clear.
    #[error("refused: {0}")]
    Refused(Fault),
    /// The operating system gives no randomness.
    #[error("no randomness")]
    Randomness,
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Handshake | SealError::Randomness => FaultCode::HandshakeFailed.into(),
            SealError::Broken => FaultCode::BrokenSeal.into(),
            SealError::TooLong => FaultCode::TooLarge.into(),
            SealError::Malformed => FaultCode::Malformed.into(),
            SealError::Refused(fault) => fault,
        }
    }
}

/// What a transport message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Greeting = 0,
    Reply = 1,
    Knock = 2,
    Sealed = 3,
    Fault = 4,
}

/// Takes the expected kind off a message.
fn body(message: &[u8], expected: Kind) -> Result<&[u8], SealError> {
    if message.len() > MAX_TRANSPORT_MESSAGE_BYTES {
        return Err(SealError::TooLong);
    }
    match message.split_first() {
        Some((&kind, body)) if kind == expected as u8 => Ok(body),
        _ => Err(SealError::Malformed),
    }
}

/// As [`body`], for a guest that the host has not let in yet: a fault in clear is its answer.
///
/// Whoever stands between could have written it, so once the host has said anything under the seal it counts no more.
fn body_or_refusal(message: &[u8], expected: Kind) -> Result<&[u8], SealError> {
    let body = body(message, expected);
    match read_clear_fault(message) {
        Some(fault) if body == Err(SealError::Malformed) => Err(SealError::Refused(fault)),
        _ => body,
    }
}

/// A fault in clear, for a peer with which there is no seal yet.
pub fn clear_fault(fault: &Fault) -> Vec<u8> {
    let mut message = vec![Kind::Fault as u8];
    message.extend(codec::encode(fault));
    message
}

/// The fault in clear in a transport message, if it is one.
pub fn read_clear_fault(message: &[u8]) -> Option<Fault> {
    match message.split_first() {
        Some((&kind, body)) if kind == Kind::Fault as u8 => codec::exact(body).ok(),
        _ => None,
    }
}

/// A static X25519 key pair: who a host is, or by what a host knows a guest again. Wiped after use, never printed.
#[derive(Clone)]
pub struct Identity {
    private: Zeroizing<[u8; 32]>,
    public: [u8; 32],
}

impl Identity {
    /// A new identity from the operating system's generator.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn generate() -> Result<Self, SealError> {
        let mut private = Zeroizing::new([0; 32]);
        getrandom::fill(private.as_mut()).map_err(|_| SealError::Randomness)?;
        Ok(Self::from_private(&private))
    }

    /// The identity with this private key.
    pub fn from_private(private: &[u8; 32]) -> Self {
        let mut curve =
            Primitives.resolve_dh(&snow::params::DHChoice::Curve25519).expect("X25519 is compiled in");
        curve.set(private);
        let public = curve.pubkey().try_into().expect("an X25519 key has 32 bytes");
        Self { private: Zeroizing::new(*private), public }
    }

    /// The public half.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The private half, to be kept where only this person reads it.
    pub fn private(&self) -> &[u8; 32] {
        &self.private
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Identity(redacted)")
    }
}

/// The clear part of a guest's first message: where it wants to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// What the guest speaks.
    pub version: ProtocolVersion,
    /// The session it wants.
    pub session: SessionId,
    /// The invite it has.
    pub invite: InviteId,
    /// What it is able to do.
    pub features: u32,
}

impl Greeting {
    /// What a guest of this build says.
    pub const fn new(session: SessionId, invite: InviteId) -> Self {
        Self { version: PROTOCOL_VERSION, session, invite, features: FEATURES }
    }

    /// Takes a first message apart into the greeting and the Noise message behind it.
    ///
    /// # Errors
    /// [`SealError::Malformed`] or [`SealError::TooLong`].
    pub fn read(message: &[u8]) -> Result<(Self, &[u8]), SealError> {
        let body = body(message, Kind::Greeting)?;
        let (header, noise) = body.split_at_checked(GREETING_HEADER_BYTES).ok_or(SealError::Malformed)?;
        let (magic, rest) = header.split_at(4);
        if magic != MAGIC {
            return Err(SealError::Malformed);
        }
        let (version, rest) = rest.split_at(2);
        let (session, rest) = rest.split_at(SessionId::BYTES);
        let (invite, features) = rest.split_at(InviteId::BYTES);
        let greeting = Self {
            version: ProtocolVersion(u16::from_be_bytes([version[0], version[1]])),
            session: SessionId::from_bytes(session.try_into().expect("split at its length")),
            invite: InviteId::from_bytes(invite.try_into().expect("split at its length")),
            features: u32::from_be_bytes(features.try_into().expect("four bytes are left")),
        };
        Ok((greeting, noise))
    }

    fn header(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(GREETING_HEADER_BYTES);
        header.extend(MAGIC);
        header.extend(self.version.0.to_be_bytes());
        header.extend(self.session.as_bytes());
        header.extend(self.invite.as_bytes());
        header.extend(self.features.to_be_bytes());
        header
    }

    fn prologue(&self, role: Role) -> Vec<u8> {
        let mut prologue = PROLOGUE_DOMAIN.to_vec();
        prologue.extend(self.header());
        prologue.push(role as u8);
        prologue
    }
}

fn parameters() -> NoiseParams {
    PATTERN.parse().expect("the pattern is one that snow knows")
}

fn handshake_error(_: snow::Error) -> SealError {
    SealError::Handshake
}

fn write_noise(
    state: &mut HandshakeState,
    kind: Kind,
    prefix: &[u8],
    payload: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut message = vec![kind as u8];
    message.extend(prefix);
    let start = message.len();
    // Two keys and three tags are the most that a handshake message adds.
    message.resize(start + payload.len() + 2 * 32 + 3 * TAG_BYTES, 0);
    let written = state.write_message(payload, &mut message[start..]).map_err(handshake_error)?;
    message.truncate(start + written);
    if message.len() > MAX_TRANSPORT_MESSAGE_BYTES { Err(SealError::TooLong) } else { Ok(message) }
}

/// A guest's side of the handshake, waiting for the host's reply.
#[derive(Debug)]
pub struct Initiator(Box<HandshakeState>);

impl Initiator {
    /// Begins a handshake; the bytes are the first message.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn greet(
        identity: &Identity,
        host_key: &[u8; 32],
        key: &PreSharedKey,
        greeting: Greeting,
        role: Role,
    ) -> Result<(Self, Vec<u8>), SealError> {
        let prologue = greeting.prologue(role);
        let mut state = Builder::with_resolver(parameters(), Box::new(Primitives))
            .local_private_key(identity.private())
            .and_then(|builder| builder.remote_public_key(host_key))
            .and_then(|builder| builder.psk(0, key))
            .and_then(|builder| builder.prologue(&prologue))
            .and_then(Builder::build_initiator)
            .map_err(handshake_error)?;
        let message = write_noise(&mut state, Kind::Greeting, &greeting.header(), &[])?;
        Ok((Self(Box::new(state)), message))
    }

    /// Takes the host's reply and knocks: the bytes are the last message, the payload the join request.
    ///
    /// # Errors
    /// If the reply does not come from the host of the link, or is a fault.
    pub fn knock(mut self, reply: &[u8], payload: &[u8]) -> Result<(Channel, Vec<u8>), SealError> {
        let body = body_or_refusal(reply, Kind::Reply)?;
        self.0.read_message(body, &mut vec![0; body.len()]).map_err(handshake_error)?;
        let message = write_noise(&mut self.0, Kind::Knock, &[], payload)?;
        Ok((Channel::new(*self.0)?, message))
    }
}

/// A host's side of the handshake, waiting for the guest's knock.
#[derive(Debug)]
pub struct Responder(Box<HandshakeState>);

impl Responder {
    /// Answers a greeting; the bytes are the reply. The caller has looked up the invite's key and role.
    ///
    /// # Errors
    /// If the guest has another host key or another secret.
    pub fn reply(
        identity: &Identity,
        key: &PreSharedKey,
        greeting: &Greeting,
        role: Role,
        noise: &[u8],
    ) -> Result<(Self, Vec<u8>), SealError> {
        let prologue = greeting.prologue(role);
        let mut state = Builder::with_resolver(parameters(), Box::new(Primitives))
            .local_private_key(identity.private())
            .and_then(|builder| builder.psk(0, key))
            .and_then(|builder| builder.prologue(&prologue))
            .and_then(Builder::build_responder)
            .map_err(handshake_error)?;
        state.read_message(noise, &mut vec![0; noise.len()]).map_err(handshake_error)?;
        let message = write_noise(&mut state, Kind::Reply, &[], &[])?;
        Ok((Self(Box::new(state)), message))
    }

    /// Takes the knock: gives the channel, the guest's static key and the join request's bytes.
    ///
    /// # Errors
    /// If it was altered or belongs to another handshake.
    pub fn admit(mut self, knock: &[u8]) -> Result<(Channel, [u8; 32], Vec<u8>), SealError> {
        let body = body(knock, Kind::Knock)?;
        let mut payload = vec![0; body.len()];
        let length = self.0.read_message(body, &mut payload).map_err(handshake_error)?;
        payload.truncate(length);
        let guest = self.0.get_remote_static().ok_or(SealError::Handshake)?;
        let guest = guest.try_into().map_err(|_| SealError::Handshake)?;
        Ok((Channel::new(*self.0)?, guest, payload))
    }
}

/// Counts one direction's traffic, so that both sides change keys at the same message.
#[derive(Debug, Default)]
struct Wear {
    messages: u64,
    bytes: u64,
}

impl Wear {
    /// Counts a message; says whether the key is worn out after it.
    fn add(&mut self, bytes: usize) -> bool {
        self.messages += 1;
        self.bytes += bytes as u64;
        let worn = self.messages >= REKEY_AFTER_MESSAGES || self.bytes >= REKEY_AFTER_BYTES;
        if worn {
            *self = Self::default();
        }
        worn
    }
}

/// An established seal between one guest and the host.
pub struct Channel {
    transport: TransportState,
    sent: Wear,
    received: Wear,
    /// The host has said nothing under the seal yet, so it may still refuse in clear. Never on the host's own side.
    may_be_refused: bool,
    words: [&'static str; 6],
    id: LinkId,
}

impl Channel {
    fn new(state: HandshakeState) -> Result<Self, SealError> {
        let hash = state.get_handshake_hash();
        let words = words::six(hash);
        let id = LinkId::of(hash);
        let may_be_refused = state.is_initiator();
        let transport = state.into_transport_mode().map_err(handshake_error)?;
        Ok(Self { transport, sent: Wear::default(), received: Wear::default(), may_be_refused, words, id })
    }

    /// Six words that both ends, and nobody between, see alike: read them to each other if you doubt the link.
    pub fn words(&self) -> String {
        self.words.join(" ")
    }

    /// What a link that begins on this channel is called.
    pub const fn link_id(&self) -> LinkId {
        self.id
    }

    /// Seals a frame into a transport message.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond [`MAX_FRAME_BYTES`].
    pub fn seal(&mut self, frame: &[u8]) -> Result<Vec<u8>, SealError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(SealError::TooLong);
        }
        let mut message = vec![0; 1 + frame.len() + TAG_BYTES];
        message[0] = Kind::Sealed as u8;
        self.transport.write_message(frame, &mut message[1..]).map_err(|_| SealError::Broken)?;
        if self.sent.add(frame.len()) {
            self.transport.rekey_outgoing();
        }
        Ok(message)
    }

    /// Opens a transport message. After an error the channel is of no more use.
    ///
    /// # Errors
    /// If the message was not sealed by the peer as its next one.
    pub fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, SealError> {
        let body = if self.may_be_refused {
            body_or_refusal(message, Kind::Sealed)?
        } else {
            body(message, Kind::Sealed).map_err(|error| match error {
                SealError::Malformed => SealError::Broken,
                error => error,
            })?
        };
        let mut frame = vec![0; body.len().saturating_sub(TAG_BYTES)];
        let length = self.transport.read_message(body, &mut frame).map_err(|_| SealError::Broken)?;
        self.may_be_refused = false;
        frame.truncate(length);
        if self.received.add(frame.len()) {
            self.transport.rekey_incoming();
        }
        Ok(frame)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Channel(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invite::InviteSecret;

    struct Ends {
        guest: Channel,
        host: Channel,
    }

    struct Setup {
        host: Identity,
        guest: Identity,
        secret: InviteSecret,
        session: SessionId,
    }

    impl Setup {
        fn new() -> Self {
            Self {
                host: Identity::from_private(&[1; 32]),
                guest: Identity::from_private(&[2; 32]),
                secret: InviteSecret::with_role([3; 16], Role::Editor),
                session: SessionId::from_bytes([4; 16]),
            }
        }

        fn key(&self) -> PreSharedKey {
            self.secret.pre_shared_key(self.session, Role::Editor)
        }

        fn greet(&self) -> (Initiator, Vec<u8>) {
            let greeting = Greeting::new(self.session, self.secret.id());
            Initiator::greet(&self.guest, self.host.public(), &self.key(), greeting, Role::Editor).unwrap()
        }

        fn reply(&self, first: &[u8]) -> Result<(Responder, Vec<u8>), SealError> {
            let (greeting, noise) = Greeting::read(first)?;
            Responder::reply(&self.host, &self.key(), &greeting, Role::Editor, noise)
        }

        fn ends(&self) -> Ends {
            let (initiator, first) = self.greet();
            let (responder, second) = self.reply(&first).unwrap();
            let (guest, third) = initiator.knock(&second, b"it is me").unwrap();
            let (host, key, payload) = responder.admit(&third).unwrap();
            assert_eq!((&key, payload.as_slice()), (self.guest.public(), &b"it is me"[..]));
            Ends { guest, host }
        }
    }

    #[test]
    fn both_ends_talk_and_see_the_same_six_words() {
        let Ends { mut guest, mut host } = Setup::new().ends();
        assert_eq!(guest.words(), host.words());
        assert_eq!(guest.words().split(' ').count(), 6);
        let sealed = guest.seal(b"hello").unwrap();
        assert_eq!(sealed.len(), 1 + 5 + TAG_BYTES);
        assert_eq!(host.open(&sealed).unwrap(), b"hello");
        let sealed = host.seal(&[7; MAX_FRAME_BYTES]).unwrap();
        assert!(sealed.len() <= MAX_TRANSPORT_MESSAGE_BYTES);
        assert_eq!(guest.open(&sealed).unwrap(), [7; MAX_FRAME_BYTES]);
        assert_eq!(guest.seal(&[7; MAX_FRAME_BYTES + 1]), Err(SealError::TooLong));
    }

    #[test]
    fn another_host_key_secret_session_or_role_is_refused_at_the_greeting() {
        let setup = Setup::new();
        let (_, first) = setup.greet();
        let other_host = Setup { host: Identity::from_private(&[9; 32]), ..Setup::new() };
        assert_eq!(other_host.reply(&first).err(), Some(SealError::Handshake));
        let other_secret = Setup { secret: InviteSecret::with_role([9; 16], Role::Editor), ..Setup::new() };
        assert_eq!(other_secret.reply(&first).err(), Some(SealError::Handshake));
        let (greeting, noise) = Greeting::read(&first).unwrap();
        let elsewhere = Greeting { session: SessionId::from_bytes([9; 16]), ..greeting };
        for (greeting, role) in [(elsewhere, Role::Editor), (greeting, Role::Host)] {
            let reply = Responder::reply(&setup.host, &setup.key(), &greeting, role, noise);
            assert_eq!(reply.err(), Some(SealError::Handshake));
        }
    }

    #[test]
    fn a_host_without_the_key_of_the_link_is_not_believed() {
        let setup = Setup::new();
        let (initiator, first) = setup.greet();
        let (_, mut second) = setup.reply(&first).unwrap();
        *second.last_mut().unwrap() ^= 1;
        assert_eq!(initiator.knock(&second, b"").err(), Some(SealError::Handshake));
    }

    #[test]
    fn a_replayed_greeting_leads_nowhere() {
        let setup = Setup::new();
        let (initiator, first) = setup.greet();
        let (_, second) = setup.reply(&first).unwrap();
        let (replayed, _) = setup.reply(&first).unwrap();
        let (_, third) = initiator.knock(&second, b"").unwrap();
        assert_eq!(replayed.admit(&third).err(), Some(SealError::Handshake));
    }

    #[test]
    fn repeated_swapped_and_altered_messages_do_not_open() {
        for tamper in 0..3 {
            let Ends { mut guest, mut host } = Setup::new().ends();
            let (mut one, two) = (guest.seal(b"one").unwrap(), guest.seal(b"two").unwrap());
            match tamper {
                0 => assert!(host.open(&one).is_ok()),
                1 => one = two,
                _ => one[3] ^= 0x40,
            }
            assert_eq!(host.open(&one), Err(SealError::Broken), "tamper {tamper}");
        }
    }

    #[test]
    fn garbage_never_panics_and_never_opens() {
        let Ends { mut host, .. } = Setup::new().ends();
        let setup = Setup::new();
        for length in 0..200 {
            let garbage = vec![length as u8; length];
            assert!(host.open(&garbage).is_err());
            assert!(Greeting::read(&garbage).is_err());
            let (initiator, first) = setup.greet();
            assert!(setup.reply(&first[..length.min(first.len() - 1)]).is_err());
            assert!(initiator.knock(&garbage, b"").is_err());
        }
        assert_eq!(host.open(&vec![3; MAX_TRANSPORT_MESSAGE_BYTES + 1]), Err(SealError::TooLong));
    }

    #[test]
    fn a_fault_in_clear_is_understood_before_the_seal() {
        let (initiator, _) = Setup::new().greet();
        let fault = Fault::new(FaultCode::UnknownSession);
        let message = clear_fault(&fault);
        assert_eq!(initiator.knock(&message, b"").err(), Some(SealError::Refused(fault)));
    }

    #[test]
    fn a_fault_in_clear_is_believed_by_nobody_under_the_seal() {
        let fault = Fault::new(FaultCode::SessionEnded);
        let message = clear_fault(&fault);
        let Ends { mut guest, mut host } = Setup::new().ends();
        assert_eq!(host.open(&message), Err(SealError::Broken), "a host is never refused");
        assert_eq!(guest.open(&message), Err(SealError::Refused(fault)), "the knock may be");
        let welcome = host.seal(b"welcome").unwrap();
        assert_eq!(guest.open(&welcome).unwrap(), b"welcome");
        assert_eq!(guest.open(&message), Err(SealError::Broken), "whoever is in is not sent away in clear");
    }

    #[test]
    fn keys_change_together_after_the_agreed_number_of_messages() {
        let Ends { mut guest, mut host } = Setup::new().ends();
        for number in 0..REKEY_AFTER_MESSAGES + 10 {
            let sealed = guest.seal(&number.to_le_bytes()).unwrap();
            assert_eq!(host.open(&sealed).unwrap(), number.to_le_bytes());
        }
        let mut wear = Wear::default();
        assert!(!wear.add(usize::try_from(REKEY_AFTER_BYTES).unwrap() - 1));
        assert!(wear.add(1), "bytes wear a key out as well");
    }

    #[test]
    fn private_keys_are_not_printed() {
        let ends = Setup::new().ends();
        assert!(format!("{:?} {:?}", Setup::new().host, ends.guest).contains("redacted"));
    }
}
