//! Frozen values of everything cryptographic, checked natively and in wasm: two builds that differ here could not talk.
//!
//! The handshake is played against `snow` itself with fixed ephemeral keys and a prologue spelled out byte by byte,
//! so that nothing of [`parlor_shared::seal`] vouches for itself.

use parlor_shared::id::SessionId;
use parlor_shared::invite::{Invite, InviteSecret};
use parlor_shared::limits::REKEY_AFTER_MESSAGES;
use parlor_shared::role::Role;
use parlor_shared::seal::{Channel, Greeting, Identity, Initiator, Responder};
use snow::{Builder, HandshakeState, TransportState};

const SESSION: SessionId = SessionId::from_bytes([4; 16]);
const HOST_PRIVATE: [u8; 32] = [1; 32];
const GUEST_PRIVATE: [u8; 32] = [2; 32];
const PATTERN: &str = "Noise_XKpsk0_25519_ChaChaPoly_BLAKE2s";

/// By role: the invite's id and the handshake's pre-shared key of the secret of sixteen threes.
const INVITES: [(Role, &str, &str); 3] = [
    (Role::Viewer, "2d2b3d7ed45d57b4", "13c77c1fadd0866b344f4d8029f01c128d15bc098eaa6957a123c2fdb1f6fdd6"),
    (Role::Editor, "057e2495bb299400", "b586cd3d56a47bd2990abca2fe22fc1d1852c6596d9117afe04bd3015e0b1e0d"),
    (Role::Host, "47aa0084b47ef6e3", "9e57320c7f0ae3446fc8f8997c6bb395056ae6b10b96b078910e98895147cfad"),
];
const HOST_PUBLIC: &str = "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209";
const GUEST_PUBLIC: &str = "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59";
/// The handshake's messages and hash, and the first frame of each side, all with fixed ephemeral keys.
const MESSAGE_1: &str =
    "50a61409b1ddd0325e9b16b700e719e9772c07000b1bd7786e907c653d20495dcb6e19c0841fa6f9efcc1715324b1cac";
const MESSAGE_2: &str =
    "f5b2d6e60f9477e310c2982daaa6c9136c108a1777c5947e448fa37d6817455765f78d6c189773f45b45d225b51705bf";
const MESSAGE_3: &str = "ddfb832721ede904c73700ffb1d71d8f0c34705ca31dcc56657cfe3b1b2430986a3501bdb77f0d8e851e2c951307376b4d15ff7a0850c08260824f79d96c4fe1c3b413a3731cd2dd";
const HANDSHAKE_HASH: &str = "cac7bde216c8a34e9380e3f0cdb92da108103ac39a24717f6bcbcfe85501eb0e";
const FIRST_FROM_GUEST: &str = "3be0f53554d433d9229f2fc2f766dcb2252b";
const FIRST_FROM_HOST: &str = "520c33291df5793c96237ea13eb6ab6b577e";
/// The first frame of the guest after its key changed.
const FIRST_AFTER_REKEY: &str = "52faf310f30f8050d9c7f8c64842b1f10493";

type Check = Result<(), String>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same(what: &str, now: &str, frozen: &str) -> Check {
    if now == frozen { Ok(()) } else { Err(format!("{what} is {now}, was {frozen}")) }
}

fn failed(what: &'static str) -> impl Fn(snow::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// Checks everything; the error says what differs.
pub(crate) fn check() -> Check {
    ids_and_keys()?;
    fixed_handshake()?;
    guest_of_ours()?;
    host_of_ours()
}

fn secret() -> InviteSecret {
    InviteSecret::with_role([3; 16], Role::Editor)
}

fn ids_and_keys() -> Check {
    same("session id", &SessionId::of_owner(&[7; 32]).to_string(), "zshstXWlAwHF1NRUB46vBw")?;
    for (role, id, key) in INVITES {
        let secret = InviteSecret::with_role([3; 16], role);
        same("invite id", &hex(secret.id().as_bytes()), id)?;
        same("pre-shared key", &hex(secret.pre_shared_key(SESSION, role).as_slice()), key)?;
    }
    same("host key", &hex(Identity::from_private(&HOST_PRIVATE).public()), HOST_PUBLIC)?;
    same("guest key", &hex(Identity::from_private(&GUEST_PRIVATE).public()), GUEST_PUBLIC)?;
    let host_key = *Identity::from_private(&HOST_PRIVATE).public();
    let invite = Invite { origin: "http://localhost:1".into(), session: SESSION, host_key, secret: secret() };
    let read: Invite = invite.link().parse().map_err(|error| format!("the link: {error}"))?;
    if read == invite { Ok(()) } else { Err("the link reads as another one".into()) }
}

/// What stands in clear before the first Noise message, without the kind: magic, version 1, session, invite, features.
fn header() -> Vec<u8> {
    [b"PRLR", &[0, 1][..], &[4; 16], secret().id().as_bytes(), &[0; 4]].concat()
}

/// What both sides mix into the handshake: a domain, the header, the role's number.
fn prologue() -> Vec<u8> {
    [b"parlor/1", &header()[..], &[1]].concat()
}

fn initiator() -> Result<HandshakeState, String> {
    let (host, prologue) = (Identity::from_private(&HOST_PRIVATE), prologue());
    let key = secret().pre_shared_key(SESSION, Role::Editor);
    Builder::new(PATTERN.parse().map_err(failed("pattern"))?)
        .local_private_key(&GUEST_PRIVATE)
        .and_then(|builder| builder.remote_public_key(host.public()))
        .and_then(|builder| builder.psk(0, &key))
        .and_then(|builder| builder.prologue(&prologue))
        .map(|builder| builder.fixed_ephemeral_key_for_testing_only(&[5; 32]))
        .and_then(Builder::build_initiator)
        .map_err(failed("initiator"))
}

fn responder() -> Result<HandshakeState, String> {
    let (prologue, key) = (prologue(), secret().pre_shared_key(SESSION, Role::Editor));
    Builder::new(PATTERN.parse().map_err(failed("pattern"))?)
        .local_private_key(&HOST_PRIVATE)
        .and_then(|builder| builder.psk(0, &key))
        .and_then(|builder| builder.prologue(&prologue))
        .map(|builder| builder.fixed_ephemeral_key_for_testing_only(&[6; 32]))
        .and_then(Builder::build_responder)
        .map_err(failed("responder"))
}

fn write(state: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, String> {
    let mut message = vec![0; 512];
    let length = state.write_message(payload, &mut message).map_err(failed("write"))?;
    message.truncate(length);
    Ok(message)
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, String> {
    let mut payload = vec![0; message.len()];
    let length = state.read_message(message, &mut payload).map_err(failed("read"))?;
    payload.truncate(length);
    Ok(payload)
}

fn seal(state: &mut TransportState, frame: &[u8]) -> Result<Vec<u8>, String> {
    let mut message = vec![0; frame.len() + 16];
    state.write_message(frame, &mut message).map_err(failed("seal"))?;
    Ok(message)
}

fn open(state: &mut TransportState, message: &[u8]) -> Result<Vec<u8>, String> {
    let mut frame = vec![0; message.len()];
    let length = state.read_message(message, &mut frame).map_err(failed("open"))?;
    frame.truncate(length);
    Ok(frame)
}

fn fixed_handshake() -> Check {
    let (mut guest, mut host) = (initiator()?, responder()?);
    let first = write(&mut guest, b"")?;
    same("message 1", &hex(&first), MESSAGE_1)?;
    read(&mut host, &first)?;
    let second = write(&mut host, b"")?;
    same("message 2", &hex(&second), MESSAGE_2)?;
    read(&mut guest, &second)?;
    let third = write(&mut guest, b"it is me")?;
    same("message 3", &hex(&third), MESSAGE_3)?;
    read(&mut host, &third)?;
    same("handshake hash", &hex(guest.get_handshake_hash()), HANDSHAKE_HASH)?;
    let mut guest = guest.into_transport_mode().map_err(failed("transport"))?;
    let mut host = host.into_transport_mode().map_err(failed("transport"))?;
    same("first frame of the guest", &hex(&seal(&mut guest, &[1, 0])?), FIRST_FROM_GUEST)?;
    same("first frame of the host", &hex(&seal(&mut host, &[1, 0])?), FIRST_FROM_HOST)?;
    guest.rekey_outgoing();
    same("first frame after the key changed", &hex(&seal(&mut guest, &[2, 0])?), FIRST_AFTER_REKEY)
}

/// Our guest against a host of snow's: the greeting, the knock, and when each side changes keys.
fn guest_of_ours() -> Check {
    let (identity, host_key) =
        (Identity::from_private(&GUEST_PRIVATE), Identity::from_private(&HOST_PRIVATE));
    let (greeting, key) =
        (Greeting::new(SESSION, secret().id()), secret().pre_shared_key(SESSION, Role::Editor));
    let (guest, first) = Initiator::greet(&identity, host_key.public(), &key, greeting, Role::Editor)
        .map_err(|error| error.to_string())?;
    same("greeting", &hex(&first[..35]), &hex(&[&[0][..], &header()].concat()))?;
    let mut host = responder()?;
    read(&mut host, &first[35..])?;
    let reply = [&[1][..], &write(&mut host, b"")?].concat();
    let (channel, knock) = guest.knock(&reply, b"it is me").map_err(|error| error.to_string())?;
    same("kind of the knock", &hex(&knock[..1]), "02")?;
    same("join request", &hex(&read(&mut host, &knock[1..])?), &hex(b"it is me"))?;
    let host = host.into_transport_mode().map_err(failed("transport"))?;
    talk(channel, host, REKEY_AFTER_MESSAGES + 2)
}

/// Our host against a guest of snow's.
fn host_of_ours() -> Check {
    let mut guest = initiator()?;
    let first = [&[0][..], &header(), &write(&mut guest, b"")?].concat();
    let (greeting, noise) = Greeting::read(&first).map_err(|error| error.to_string())?;
    same("noise message", &hex(noise), MESSAGE_1)?;
    let key = secret().pre_shared_key(SESSION, Role::Editor);
    let identity = Identity::from_private(&HOST_PRIVATE);
    let (host, reply) = Responder::reply(&identity, &key, &greeting, Role::Editor, noise)
        .map_err(|error| error.to_string())?;
    same("kind of the reply", &hex(&reply[..1]), "01")?;
    read(&mut guest, &reply[1..])?;
    let knock = [&[2][..], &write(&mut guest, b"it is me")?].concat();
    let (channel, key, payload) = host.admit(&knock).map_err(|error| error.to_string())?;
    same("guest key", &hex(&key), GUEST_PUBLIC)?;
    same("join request", &hex(&payload), &hex(b"it is me"))?;
    let guest = guest.into_transport_mode().map_err(failed("transport"))?;
    talk(channel, guest, 3)
}

/// Both directions of a channel of ours against snow, which changes its keys by hand after the agreed message.
fn talk(mut ours: Channel, mut other: TransportState, messages: u64) -> Check {
    for number in 1..=messages {
        let frame = number.to_be_bytes();
        let sealed = ours.seal(&frame).map_err(|error| format!("message {number}: {error}"))?;
        let opened = if (3..REKEY_AFTER_MESSAGES - 1).contains(&number) {
            // Between the two ends there is nothing to learn from opening them all.
            other.set_receiving_nonce(number);
            frame.to_vec()
        } else {
            open(&mut other, &sealed[1..]).map_err(|error| format!("message {number}: {error}"))?
        };
        let back = [&[3][..], &seal(&mut other, &frame)?].concat();
        let back = ours.open(&back).map_err(|error| format!("message {number}: {error}"))?;
        if sealed[0] != 3 || opened != frame || back != frame {
            return Err(format!("message {number} is another one"));
        }
        if number == REKEY_AFTER_MESSAGES {
            other.rekey_incoming();
            other.rekey_outgoing();
        }
    }
    Ok(())
}

/// Two ends of a channel, for measuring.
#[allow(dead_code, reason = "only the wasm build measures")]
pub(crate) fn channels() -> Result<(Channel, Channel), String> {
    let (guest, host) = (Identity::from_private(&GUEST_PRIVATE), Identity::from_private(&HOST_PRIVATE));
    let (greeting, key) =
        (Greeting::new(SESSION, secret().id()), secret().pre_shared_key(SESSION, Role::Editor));
    let text = |error: parlor_shared::seal::SealError| error.to_string();
    let (initiator, first) =
        Initiator::greet(&guest, host.public(), &key, greeting, Role::Editor).map_err(text)?;
    let (greeting, noise) = Greeting::read(&first).map_err(text)?;
    let (responder, reply) = Responder::reply(&host, &key, &greeting, Role::Editor, noise).map_err(text)?;
    let (one, knock) = initiator.knock(&reply, b"").map_err(text)?;
    let (other, ..) = responder.admit(&knock).map_err(text)?;
    Ok((one, other))
}
