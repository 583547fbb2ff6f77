//! A miniature host for tests: seal, link, lanes and documents of the real kind, in memory, for several guests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use parlor_shared::client::{Client, ClientOptions};
use parlor_shared::codec::{self, Decoded};
use parlor_shared::document::epoch::{Epochs, Step};
use parlor_shared::document::{Document, diff, digest};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, SessionId};
use parlor_shared::invite::{Invite, InviteSecret};
use parlor_shared::lane::{Lanes, PresenceKey, UpdatePush};
use parlor_shared::link::{Link, Opening};
use parlor_shared::message::{
    DocumentInfo, DocumentStatus, DocumentToGuest, DocumentToHost, Encoding, EndOfLine, JoinRequest,
    LeaveReason, Packed, Participant, PresenceToGuest, PresenceToHost, SessionInfo, SessionToGuest,
    SessionToHost, ToGuest, ToHost, Welcome, WorkspaceToGuest, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::{Role, authorize};
use parlor_shared::seal::{Channel, Greeting, Identity, Responder, clear_fault};

pub(crate) const MAX_BYTES: u64 = 8 * 1024 * 1024;
const SESSION: SessionId = SessionId::from_bytes([4; 16]);

/// What happened, so that a test can tell that it tested something.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) handshakes: u64,
    pub(crate) resumed: u64,
    pub(crate) known_replicas: u64,
    pub(crate) updates: u64,
    pub(crate) fanned_out: u64,
    pub(crate) refused: u64,
    pub(crate) after_refusal: u64,
    pub(crate) overflows: u64,
    pub(crate) stale: u64,
    pub(crate) resyncs: u64,
    pub(crate) syncs: u64,
    pub(crate) disk_changes: u64,
    pub(crate) closes: u64,
    pub(crate) verified: u64,
    pub(crate) saves: u64,
    pub(crate) renewals: u64,
    pub(crate) of_a_past_epoch: u64,
    pub(crate) caught_up: u64,
}

/// What becomes of one who knocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doorman {
    Admits,
    Waits,
}

pub(crate) struct HostDocument {
    pub(crate) path: WorkspacePath,
    pub(crate) document: Document,
    /// What is on the disk: a replica of its own, as far behind as the last checkpoint.
    disk: Document,
    epochs: Epochs,
}

enum Stage {
    Greeting,
    Knock(Box<Responder>),
    Sealed(Box<Channel>),
}

struct Connection {
    stage: Stage,
    link: Link,
    lanes: Lanes,
    outgoing: Vec<Vec<u8>>,
    key: [u8; 32],
    participant: Option<ParticipantId>,
    open: BTreeSet<DocumentId>,
    refused: BTreeSet<DocumentId>,
}

/// A host with its guests, by the number that the test gives each.
pub(crate) struct Host {
    identity: Identity,
    secret: InviteSecret,
    pub(crate) doorman: Doorman,
    /// Whether a guest that comes back is the one it was.
    pub(crate) remembers: bool,
    connections: BTreeMap<usize, Connection>,
    known: BTreeMap<[u8; 32], Participant>,
    next_participant: u32,
    pub(crate) documents: BTreeMap<DocumentId, HostDocument>,
    pub(crate) counters: Counters,
    /// Replicas that had to be repaired.
    pub(crate) diverged: u64,
    /// What guests asked to be brought back.
    pub(crate) brought_back: Vec<(DocumentId, u32)>,
    /// What guests said, newest last, for tests that look.
    pub(crate) heard: Vec<ToHost>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            identity: Identity::from_private(&[1; 32]),
            secret: InviteSecret::with_role([3; 16], Role::Editor),
            doorman: Doorman::Admits,
            remembers: true,
            connections: BTreeMap::new(),
            known: BTreeMap::new(),
            next_participant: 1,
            documents: BTreeMap::new(),
            diverged: 0,
            brought_back: Vec::new(),
            counters: Counters::default(),
            heard: Vec::new(),
        }
    }

    /// A guest with a link to this host.
    pub(crate) fn guest(&self, number: u8) -> Client {
        Client::new(self.options(number))
    }

    /// What a guest needs to know to come, or to come back.
    pub(crate) fn options(&self, number: u8) -> ClientOptions {
        ClientOptions {
            invite: Invite {
                origin: "http://localhost:1".into(),
                session: SESSION,
                host_key: *self.identity.public(),
                secret: self.secret.clone(),
            },
            identity: Identity::from_private(&[100 + number; 32]),
            name: format!("Guest {number}"),
            program: "test".into(),
        }
    }

    pub(crate) fn add_document(&mut self, id: u32, path: &str, text: &str) -> DocumentId {
        let (mut document, mut disk) = (Document::new(AuthorId::AGENT), Document::new(AuthorId::DISK));
        if let Some(update) = disk.edit(&diff::splices("", text)).unwrap() {
            document.apply([update.as_slice()]).unwrap();
        }
        let path = WorkspacePath::parse(path).unwrap();
        self.documents
            .insert(DocumentId(id), HostDocument { path, document, disk, epochs: Epochs::default() });
        DocumentId(id)
    }

    pub(crate) fn text(&self, document: DocumentId) -> String {
        self.documents[&document].document.text()
    }

    // The transport.

    pub(crate) fn connect(&mut self, guest: usize) {
        let connection = Connection {
            stage: Stage::Greeting,
            link: Link::new(Duration::ZERO),
            lanes: Lanes::default(),
            outgoing: Vec::new(),
            key: [0; 32],
            participant: None,
            open: BTreeSet::new(),
            refused: BTreeSet::new(),
        };
        self.connections.insert(guest, connection);
    }

    pub(crate) fn disconnect(&mut self, guest: usize) {
        let left = self.connections.remove(&guest).and_then(|connection| connection.participant);
        if let Some(participant) = left {
            self.tell_all(&ToGuest::Session(SessionToGuest::Left { participant, reason: LeaveReason::Lost }));
        }
    }

    pub(crate) fn is_connected(&self, guest: usize) -> bool {
        self.connections.contains_key(&guest)
    }

    /// The next transport message to a guest.
    pub(crate) fn transmit(&mut self, guest: usize) -> Option<Vec<u8>> {
        let connection = self.connections.get_mut(&guest)?;
        if !connection.outgoing.is_empty() {
            return Some(connection.outgoing.remove(0));
        }
        let Stage::Sealed(channel) = &mut connection.stage else { return None };
        let frame = connection.link.next_frame(&mut connection.lanes, Duration::ZERO)?;
        Some(channel.seal(&frame).unwrap())
    }

    pub(crate) fn receive(&mut self, guest: usize, message: &[u8]) -> Result<(), Fault> {
        let Some(connection) = self.connections.get_mut(&guest) else { return Ok(()) };
        match std::mem::replace(&mut connection.stage, Stage::Greeting) {
            Stage::Greeting => {
                let (greeting, noise) = Greeting::read(message)?;
                if !greeting.version.is_served() {
                    let fault =
                        Fault::new(FaultCode::VersionMismatch).with(greeting.version.0).with(1).with(1);
                    connection.outgoing.push(clear_fault(&fault));
                    return Ok(());
                }
                let key = self.secret.pre_shared_key(SESSION, Role::Editor);
                let (responder, reply) =
                    Responder::reply(&self.identity, &key, &greeting, Role::Editor, noise)?;
                connection.outgoing.push(reply);
                connection.stage = Stage::Knock(Box::new(responder));
                Ok(())
            }
            Stage::Knock(responder) => {
                let (channel, key, payload) = responder.admit(message)?;
                let mut channel = channel;
                // This host keeps no links: whoever comes back synchronises its documents.
                connection.outgoing.push(channel.seal(&Opening::Afresh.encode()).unwrap());
                connection.stage = Stage::Sealed(Box::new(channel));
                connection.key = key;
                self.counters.handshakes += 1;
                let request: JoinRequest = codec::exact(&payload)?;
                match self.doorman {
                    Doorman::Admits => self.welcome(guest, Some(&request)),
                    Doorman::Waits => self.tell(guest, &ToGuest::Session(SessionToGuest::Waiting)),
                }
                Ok(())
            }
            Stage::Sealed(mut channel) => {
                let frame = channel.open(message)?;
                connection.stage = Stage::Sealed(channel);
                connection.link.receive(&frame, Duration::ZERO)?;
                while let Some((lane, bytes)) =
                    self.connections.get_mut(&guest).and_then(|connection| connection.link.next_message())
                {
                    match codec::decode::<ToHost>(&bytes)? {
                        Decoded::Known(message) => {
                            assert_eq!(message.lane(), lane, "on its own lane: {message:?}");
                            self.hear(guest, message)?;
                        }
                        Decoded::Unknown { .. } => return Err(FaultCode::UnknownMessage.into()),
                    }
                }
                Ok(())
            }
        }
    }

    // What the host says.

    pub(crate) fn tell(&mut self, guest: usize, message: &ToGuest) {
        let Some(connection) = self.connections.get_mut(&guest) else { return };
        let bytes: Bytes = codec::encode(message).into();
        let lanes = &mut connection.lanes;
        match message {
            ToGuest::Session(_) | ToGuest::Fault { .. } => lanes.push_control(bytes).unwrap(),
            ToGuest::Document(
                DocumentToGuest::State { document, .. } | DocumentToGuest::Renewed { document, .. },
            ) => {
                lanes.push_state(*document, bytes).unwrap();
            }
            ToGuest::Document(DocumentToGuest::Update { document, .. }) => {
                let resync =
                    |document| codec::encode(&ToGuest::Document(DocumentToGuest::Resync { document })).into();
                match lanes.push_update(*document, bytes, resync) {
                    UpdatePush::Queued => self.counters.fanned_out += 1,
                    UpdatePush::Stale => self.counters.stale += 1,
                    UpdatePush::Overflowed(documents) => {
                        self.counters.overflows += 1;
                        self.counters.resyncs += documents.len() as u64;
                    }
                }
            }
            ToGuest::Document(_) => lanes.push_document(bytes).unwrap(),
            ToGuest::Presence(PresenceToGuest::At { participant, .. }) => {
                lanes.push_presence(PresenceKey::Participant(*participant), bytes);
            }
            ToGuest::Workspace(_) => lanes.push_workspace(bytes).unwrap(),
            // It has none; what a test makes it say of them comes in that order.
            ToGuest::Terminal(_) => lanes.push_control(bytes).unwrap(),
        }
    }

    /// Says something that is not in this build's vocabulary.
    pub(crate) fn tell_bytes(&mut self, guest: usize, bytes: &'static [u8]) {
        let lanes = &mut self.connections.get_mut(&guest).unwrap().lanes;
        lanes.push_control(Bytes::from_static(bytes)).unwrap();
    }

    pub(crate) fn tell_all(&mut self, message: &ToGuest) {
        let joined = |connection: &Connection| connection.participant.is_some();
        let guests: Vec<usize> =
            self.connections.iter().filter(|(_, c)| joined(c)).map(|(guest, _)| *guest).collect();
        guests.into_iter().for_each(|guest| self.tell(guest, message));
    }

    pub(crate) fn welcome(&mut self, guest: usize, request: Option<&JoinRequest>) {
        let key = self.connections[&guest].key;
        let known = self.known.get(&key).filter(|_| self.remembers).cloned();
        let me = known.unwrap_or_else(|| {
            let id = ParticipantId(self.next_participant);
            self.next_participant += 1;
            let author = AuthorId(AuthorId::FIRST_PARTICIPANT.0 + u64::from(id.0));
            let name = request.map_or_else(String::new, |request| request.name.clone());
            Participant { id, name, role: Role::Editor, color: 0, author }
        });
        if request.is_some_and(|request| request.resume.is_some_and(|resume| resume.participant == me.id)) {
            self.counters.resumed += 1;
        }
        self.known.insert(key, me.clone());
        // A connection of the same guest that is not known to be dead yet gives way.
        let old = self.connections.iter().find(|(number, c)| **number != guest && c.key == key);
        if let Some(old) = old.map(|(number, _)| *number) {
            self.connections.remove(&old);
        }
        self.tell_all(&ToGuest::Session(SessionToGuest::Joined(me.clone())));
        self.connections.get_mut(&guest).unwrap().participant = Some(me.id);
        let present: BTreeSet<ParticipantId> =
            self.connections.values().filter_map(|connection| connection.participant).collect();
        let participants = self.known.values().filter(|one| present.contains(&one.id)).cloned().collect();
        let session = SessionInfo { workspace: "demo".into(), host: "Bob".into() };
        let welcome = Welcome { me, session, participants };
        self.tell(guest, &ToGuest::Session(SessionToGuest::Welcome(Box::new(welcome))));
    }

    pub(crate) fn set_role(&mut self, guest: usize, role: Role) {
        let Some(key) = self.connections.get(&guest).map(|connection| connection.key) else { return };
        let Some(participant) = self.known.get_mut(&key) else { return };
        participant.role = role;
        let changed = participant.clone();
        self.tell_all(&ToGuest::Session(SessionToGuest::Changed(changed)));
    }

    pub(crate) fn participant(&self, guest: usize) -> Option<&Participant> {
        self.known.get(&self.connections.get(&guest)?.key)
    }

    // What the host hears.

    fn hear(&mut self, guest: usize, message: ToHost) -> Result<(), Fault> {
        self.heard.push(message.clone());
        let Some(me) = self.participant(guest).cloned() else { return Err(FaultCode::NotAdmitted.into()) };
        match message {
            ToHost::Document(message) => self.hear_document(guest, &me, message)?,
            ToHost::Session(SessionToHost::Leave) => self.disconnect(guest),
            ToHost::Session(SessionToHost::SetName { name }) => {
                self.known.get_mut(&self.connections[&guest].key).unwrap().name = name.clone();
                self.tell_all(&ToGuest::Session(SessionToGuest::Changed(Participant { name, ..me })));
            }
            ToHost::Session(_) => {}
            ToHost::Presence(PresenceToHost::At(presence)) => {
                presence.check()?;
                self.tell_all(&ToGuest::Presence(PresenceToGuest::At { participant: me.id, presence }));
            }
            ToHost::Workspace(WorkspaceToHost::Create { request, .. }) => {
                self.tell(guest, &ToGuest::Workspace(WorkspaceToGuest::Done { request }));
            }
            ToHost::Workspace(_) | ToHost::Terminal(_) => {}
        }
        Ok(())
    }

    fn hear_document(
        &mut self,
        guest: usize,
        me: &Participant,
        message: DocumentToHost,
    ) -> Result<(), Fault> {
        let refusal = authorize(me.role.into(), &ToHost::Document(message.clone())).err();
        let connection = self.connections.get_mut(&guest).unwrap();
        match message {
            DocumentToHost::Open { request, path, known } => {
                let by_id = known.as_ref().and_then(|known| self.documents.get_key_value(&known.document));
                let by_path = || self.documents.iter().find(|(_, open)| open.path == path);
                let Some((id, open)) = by_id.or_else(by_path) else {
                    let fault = Fault::new(FaultCode::NotFound).with(path);
                    self.tell(guest, &ToGuest::Fault { request: Some(request), fault });
                    return Ok(());
                };
                let document = *id;
                connection.open.insert(document);
                connection.refused.remove(&document);
                let known = known.filter(|known| known.document == document);
                self.counters.known_replicas += u64::from(known.is_some());
                let current = open.epochs.current();
                let (steps, epoch) = known
                    .and_then(|known| {
                        let steps = open.epochs.steps(&open.document, known.epoch, &known.state_vector);
                        Some((steps.unwrap()?, known.epoch))
                    })
                    .unwrap_or_else(|| {
                        let steps = open.epochs.steps(&open.document, current, &[]).unwrap();
                        (steps.expect("the current epoch is known"), current)
                    });
                self.counters.caught_up += u64::from(steps.len() > 1);
                let info = DocumentInfo {
                    document,
                    epoch,
                    path: open.path.clone(),
                    end_of_line: EndOfLine::Lf,
                    encoding: Encoding::Utf8,
                    writable: true,
                    status: DocumentStatus::Saved { by: None },
                };
                self.tell(guest, &ToGuest::Document(DocumentToGuest::Opened { request, info }));
                self.tell_steps(guest, document, steps);
            }
            DocumentToHost::Update { document, epoch, sequence, update } => {
                let update = update.unpack()?;
                if connection.refused.contains(&document) || !connection.open.contains(&document) {
                    self.counters.after_refusal += 1;
                    return Ok(());
                }
                let target = self.documents.get_mut(&document).unwrap();
                if epoch != target.epochs.current() {
                    self.counters.of_a_past_epoch += 1;
                    return Ok(());
                }
                let applied = match refusal {
                    Some(fault) => Err(fault),
                    None => target
                        .document
                        .apply_as(me.author, &update, MAX_BYTES)
                        .map_err(|error| Fault::new(FaultCode::InvalidUpdate).with(error)),
                };
                if let Err(fault) = applied {
                    assert_eq!(
                        fault.code,
                        FaultCode::NotAllowed,
                        "only roles refuse an honest update: {fault}"
                    );
                    connection.refused.insert(document);
                    connection.open.remove(&document);
                    self.counters.refused += 1;
                    let refused = DocumentToGuest::Refused { document, sequence, fault };
                    self.tell(guest, &ToGuest::Document(refused));
                    return Ok(());
                }
                self.counters.updates += 1;
                self.tell(guest, &ToGuest::Document(DocumentToGuest::Acknowledged { document, sequence }));
                self.fan_out(document, &update, Some(guest));
            }
            DocumentToHost::Sync { document, epoch, state_vector } => {
                self.counters.syncs += 1;
                self.send_state(guest, document, epoch, &state_vector);
            }
            DocumentToHost::Verify { document } => {
                self.counters.verified += 1;
                let digest = digest(&self.text(document));
                self.tell(guest, &ToGuest::Document(DocumentToGuest::Digest { document, digest }));
            }
            DocumentToHost::Diverged { .. } => self.diverged += 1,
            DocumentToHost::BringBack { document, offer } => {
                self.brought_back.push((document, offer));
                let over = DocumentToGuest::OfferOver { document, offer, by: Some(me.id) };
                self.tell_all(&ToGuest::Document(over));
            }
            // Files are the agent's.
            DocumentToHost::Reopen { .. } | DocumentToHost::SaveWith { .. } => {}
            DocumentToHost::Save { document } => {
                self.counters.saves += 1;
                let status = DocumentStatus::Saved { by: Some(me.id) };
                self.tell(guest, &ToGuest::Document(DocumentToGuest::Status { document, status }));
            }
            DocumentToHost::Close { document } => {
                self.counters.closes += 1;
                connection.open.remove(&document);
                connection.refused.remove(&document);
                connection.lanes.forget_document(document);
            }
        }
        Ok(())
    }

    /// Tells a guest all that a replica with this state vector lacks.
    pub(crate) fn send_state(&mut self, guest: usize, document: DocumentId, epoch: u32, state_vector: &[u8]) {
        if !self.connections[&guest].open.contains(&document) {
            return;
        }
        let HostDocument { document: target, epochs, .. } = &self.documents[&document];
        let steps = epochs.steps(target, epoch, state_vector).unwrap().expect("the epoch is known");
        self.counters.caught_up += u64::from(steps.len() > 1);
        self.tell_steps(guest, document, steps);
    }

    fn tell_steps(&mut self, guest: usize, document: DocumentId, steps: Vec<Step>) {
        for step in steps {
            let message = match step {
                Step::State { epoch, update, state_vector } => {
                    DocumentToGuest::State { document, epoch, update: Packed::new(update), state_vector }
                }
                Step::Renewed { epoch, update } => {
                    DocumentToGuest::Renewed { document, epoch, update: Packed::new(update) }
                }
            };
            self.tell(guest, &ToGuest::Document(message));
        }
    }

    /// Begins a new epoch, as a host does whose history outweighs the text.
    pub(crate) fn renew(&mut self, document: DocumentId) {
        let target = self.documents.get_mut(&document).unwrap();
        let (fresh, update) =
            target.epochs.renew(&target.document, std::time::Duration::from_secs(600)).unwrap();
        (target.document, target.disk) = (fresh, Document::new(AuthorId::DISK));
        target.disk.apply([update.as_slice()]).unwrap();
        let epoch = target.epochs.current();
        self.counters.renewals += 1;
        let has = |(_, connection): &(&usize, &Connection)| connection.open.contains(&document);
        let guests: Vec<usize> = self.connections.iter().filter(has).map(|(guest, _)| *guest).collect();
        for guest in guests {
            let update = Packed::new(update.clone());
            self.tell(guest, &ToGuest::Document(DocumentToGuest::Renewed { document, epoch, update }));
        }
    }

    fn fan_out(&mut self, document: DocumentId, update: &[u8], except: Option<usize>) {
        let has = |(guest, connection): &(&usize, &Connection)| {
            Some(**guest) != except && connection.open.contains(&document)
        };
        let guests: Vec<usize> = self.connections.iter().filter(has).map(|(guest, _)| *guest).collect();
        let by = except.and_then(|guest| self.connections[&guest].participant);
        for guest in guests {
            let epoch = self.documents[&document].epochs.current();
            let update = Packed::new(update.to_vec());
            let message = DocumentToGuest::Update { document, epoch, by, update };
            self.tell(guest, &ToGuest::Document(message));
        }
    }

    /// Somebody gave the file another name.
    pub(crate) fn rename(&mut self, document: DocumentId, path: &str) {
        let path = WorkspacePath::parse(path).unwrap();
        self.documents.get_mut(&document).unwrap().path = path.clone();
        self.tell_all(&ToGuest::Document(DocumentToGuest::Moved { document, path }));
    }

    // The disk.

    /// The disk has the text as it is now.
    pub(crate) fn checkpoint(&mut self, document: DocumentId) {
        let HostDocument { document, disk, .. } = self.documents.get_mut(&document).unwrap();
        let missing = document.missing_from(&disk.state_vector()).unwrap();
        disk.apply([missing.as_slice()]).unwrap();
    }

    /// Something else rewrites the file as it was at the last checkpoint; what guests typed since stays.
    pub(crate) fn change_on_disk(&mut self, document: DocumentId, change: impl FnOnce(&str) -> String) {
        let target = self.documents.get_mut(&document).unwrap();
        let before = target.disk.text();
        let after = change(&before);
        let Some(update) = target.disk.edit(&diff::splices(&before, &after)).unwrap() else { return };
        assert_eq!(target.disk.text(), after);
        target.document.apply_as(AuthorId::DISK, &update, MAX_BYTES).unwrap();
        self.counters.disk_changes += 1;
        self.fan_out(document, &update, None);
    }
}
