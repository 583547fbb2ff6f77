//! A guest, whole, without I/O: the browser, the native guest and the tests all drive this one machine.
//!
//! The driver opens a transport and calls [`Client::connected`], feeds what arrives to [`Client::receive`], sends what
//! [`Client::poll_transmit`] gives, reports a loss by [`Client::disconnected`] and calls [`Client::tick`] at the time
//! [`Client::next_wake`] names. What happens comes out of [`Client::poll_event`], in order. Time is whatever monotonic
//! clock the driver has, as a [`Duration`] since any fixed moment.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::codec::{self, Decoded};
use crate::document::Splice;
use crate::document::sync::SendRule;
use crate::fault::{Fault, FaultCode};
use crate::id::{AuthorId, DocumentId, LinkId, ParticipantId, RequestId};
use crate::invite::Invite;
use crate::lane::{Lanes, PresenceKey};
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_NAME_CHARS, PRESENCE_INTERVAL};
use crate::link::{Link, Opening};
use crate::message::{
    Encoding, JoinRequest, Participant, PresenceToGuest, PresenceToHost, Resume, ResumeLink, SessionInfo,
    SessionToGuest, SessionToHost, ToGuest, ToHost, WorkspaceToGuest, WorkspaceToHost,
};
use crate::path::WorkspacePath;
use crate::presence::{Presence, PresenceMap};
use crate::role::{Capability, Grant, Grants, Rights, Role};
use crate::seal::{Channel, Greeting, Identity, Initiator};

mod check;
mod documents;
pub mod draft;
mod event;
mod terminals;

pub use check::{Repair, SyncReport};
pub use documents::{EncodingFor, HeldEdits, OpenDocument, SyncState};
pub use event::{ClientEvent, OverReason, Phase};

use documents::Documents;
use draft::{Draft, DraftMark};
use terminals::Terminals;

/// What a guest needs to know before it knocks.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The link it was given.
    pub invite: Invite,
    /// By what the host knows it again.
    pub identity: Identity,
    /// What it wants to be called.
    pub name: String,
    /// What program it is: `web` or `native`.
    pub program: String,
}

/// How far a connection has come.
enum Connection {
    Offline,
    /// The greeting is out; since when.
    Greeting(Initiator, Duration),
    /// The knock is out; the host says next whether the link goes on. Since when.
    Knocking(Box<Channel>, Duration),
    /// Frames go both ways: in the lobby, or in the room.
    Sealed(Box<Channel>),
    /// Over for good.
    Ended,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Offline => "Offline",
            Self::Greeting(..) => "Greeting",
            Self::Knocking(..) => "Knocking",
            Self::Sealed(_) => "Sealed",
            Self::Ended => "Ended",
        })
    }
}

/// What a guest knows of the session it is in.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The guest's own id.
    pub me: ParticipantId,
    /// What the guest signs its text with.
    pub author: AuthorId,
    /// What the session is called.
    pub session: SessionInfo,
}

/// The state machine of one guest.
#[derive(Debug)]
pub struct Client {
    options: ClientOptions,
    connection: Connection,
    phase: Phase,
    link: Link,
    /// What the link is called that a next connection may go on with.
    resumable: Option<LinkId>,
    lanes: Lanes,
    outgoing: VecDeque<Vec<u8>>,
    events: VecDeque<ClientEvent>,
    membership: Option<Membership>,
    participants: BTreeMap<ParticipantId, Participant>,
    /// What the host granted to whom; perhaps also to such as are not here at the moment.
    grants: BTreeMap<ParticipantId, Grants>,
    presences: PresenceMap,
    documents: Documents,
    terminals: Terminals,
    last_request: u32,
    /// Where I am and whether the host was told.
    my_presence: (Presence, bool),
    presence_sent: Option<Duration>,
}

impl Client {
    /// A guest that is not connected yet.
    pub fn new(options: ClientOptions) -> Self {
        Self {
            options,
            connection: Connection::Offline,
            phase: Phase::Offline,
            link: Link::new(Duration::ZERO),
            resumable: None,
            lanes: Lanes::default(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            membership: None,
            participants: BTreeMap::new(),
            grants: BTreeMap::new(),
            presences: PresenceMap::default(),
            documents: Documents::default(),
            terminals: Terminals::default(),
            last_request: 0,
            my_presence: (Presence::default(), true),
            presence_sent: None,
        }
    }

    /// A guest that was in the room before its program ended: the documents of these drafts are open, and can be typed
    /// into before there is a connection. Drafts of another participant than the first one's, of another session, and
    /// those that can not be read come back: nothing is lost silently.
    pub fn restore(options: ClientOptions, drafts: Vec<Draft>) -> (Self, Vec<Draft>) {
        let mut client = Self::new(options);
        let session = client.options.invite.session;
        let Some(first) = drafts.iter().find(|draft| draft.session == session) else {
            return (client, drafts);
        };
        let (me, info) = (first.me.clone(), first.info_of_session.clone());
        let is_mine =
            |draft: &Draft| draft.session == session && draft.me.id == me.id && draft.me.author == me.author;
        let (mine, mut others): (Vec<_>, Vec<_>) = drafts.into_iter().partition(is_mine);
        others.extend(client.documents.restore(me.author, mine));
        client.membership = Some(Membership { me: me.id, author: me.author, session: info });
        client.participants.insert(me.id, me);
        (client, others)
    }

    // Driving.

    /// A transport is open: greets the host.
    pub fn connected(&mut self, now: Duration) {
        if matches!(self.connection, Connection::Ended) {
            return;
        }
        self.outgoing.clear();
        let invite = &self.options.invite;
        let greeting = Greeting::new(invite.session, invite.secret.id());
        let key = invite.secret.pre_shared_key(invite.session, invite.role());
        match Initiator::greet(&self.options.identity, &invite.host_key, &key, greeting, invite.role()) {
            Ok((initiator, message)) => {
                self.outgoing.push_back(message);
                self.connection = Connection::Greeting(initiator, now);
                self.set_phase(Phase::Connecting);
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// A transport message arrived.
    pub fn receive(&mut self, message: &[u8], now: Duration) {
        match std::mem::replace(&mut self.connection, Connection::Offline) {
            Connection::Greeting(initiator, _) => self.receive_reply(initiator, message, now),
            Connection::Knocking(mut channel, _) => match channel.open(message) {
                Ok(opening) => self.receive_opening(channel, &opening, now),
                Err(error) => self.fail(error.into()),
            },
            Connection::Sealed(mut channel) => match channel.open(message) {
                Ok(frame) => {
                    self.connection = Connection::Sealed(channel);
                    self.receive_frame(&frame, now);
                }
                Err(error) => self.fail(error.into()),
            },
            connection @ (Connection::Offline | Connection::Ended) => self.connection = connection,
        }
    }

    /// The transport is gone. The guest keeps what it has and waits for the next [`Client::connected`].
    pub fn disconnected(&mut self) {
        if !matches!(self.connection, Connection::Ended) {
            self.connection = Connection::Offline;
            self.outgoing.clear();
            self.set_phase(Phase::Offline);
        }
    }

    /// The next transport message to send, if there is one.
    pub fn poll_transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        if let Some(message) = self.outgoing.pop_front() {
            return Some(message);
        }
        let Connection::Sealed(channel) = &mut self.connection else { return None };
        if self.phase == Phase::Live {
            if let Err(fault) = self.documents.fill(&mut self.lanes, now) {
                self.fail(fault);
                return None;
            }
            if self.documents.refuse_too_large(&mut self.events)
                && let Err(fault) = self.documents.fill(&mut self.lanes, now)
            {
                self.fail(fault);
                return None;
            }
            self.terminals.fill(&mut self.lanes);
            let due = self.presence_sent.is_none_or(|sent| now >= sent + PRESENCE_INTERVAL);
            if !self.my_presence.1 && due {
                self.my_presence.1 = true;
                self.presence_sent = Some(now);
                let message = ToHost::Presence(PresenceToHost::At(self.my_presence.0.clone()));
                // With more selections than anybody makes the others keep the place that they know.
                if let Ok(bytes) = codec::encode_for_link(&message) {
                    self.lanes.push_presence(PresenceKey::Own, bytes.into());
                }
            }
        }
        let frame = self.link.next_frame(&mut self.lanes, now)?;
        Some(channel.seal(&frame).expect("the link makes no frame longer than the seal takes"))
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Time passed: notices a silent host. The driver closes the transport when the phase is no longer connected.
    pub fn tick(&mut self, now: Duration) {
        let dead = match &self.connection {
            Connection::Greeting(_, since) | Connection::Knocking(_, since) => {
                now >= *since + HANDSHAKE_TIMEOUT
            }
            Connection::Sealed(_) => self.link.is_dead(now),
            Connection::Offline | Connection::Ended => false,
        };
        if dead {
            self.fail(FaultCode::Silent.into());
        }
    }

    /// When [`Client::tick`] and [`Client::poll_transmit`] want to be called next, if nothing else happens.
    pub fn next_wake(&self) -> Option<Duration> {
        match &self.connection {
            Connection::Greeting(_, since) | Connection::Knocking(_, since) => {
                Some(*since + HANDSHAKE_TIMEOUT)
            }
            Connection::Sealed(_) => {
                let link = self.link.next_wake();
                let presence = (!self.my_presence.1 && self.phase == Phase::Live)
                    .then(|| self.presence_sent.map_or(Duration::ZERO, |sent| sent + PRESENCE_INTERVAL));
                let verify = self.documents.next_verification().filter(|_| self.phase == Phase::Live);
                Some(presence.into_iter().chain(verify).fold(link, Duration::min))
            }
            Connection::Offline | Connection::Ended => None,
        }
    }

    /// The transport may be dead without knowing it, as after a sleep: asks the host for a sign of life. Without one the
    /// connection soon counts as lost.
    pub fn probe(&mut self) {
        if matches!(self.connection, Connection::Sealed(_)) {
            self.link.probe();
        }
    }

    // What the guest wants.

    /// Leaves for good.
    pub fn leave(&mut self) {
        self.send(&ToHost::Session(SessionToHost::Leave));
    }

    /// Wants another name.
    pub fn set_name(&mut self, name: String) {
        self.options.name.clone_from(&name);
        self.send(&ToHost::Session(SessionToHost::SetName { name }));
    }

    /// A request of the host's page; the answer carries the id.
    pub fn administer(&mut self, message: impl FnOnce(RequestId) -> SessionToHost) -> RequestId {
        let request = self.request();
        self.send(&ToHost::Session(message(request)));
        request
    }

    /// Says where I am. Told to the others at most every [`PRESENCE_INTERVAL`].
    pub fn set_presence(&mut self, presence: Presence) {
        if self.my_presence.0 != presence {
            self.my_presence = (presence, false);
        }
    }

    /// A request about folders and files; the answer carries the id.
    pub fn workspace(&mut self, message: impl FnOnce(RequestId) -> WorkspaceToHost) -> RequestId {
        let request = self.request();
        self.send(&ToHost::Workspace(message(request)));
        request
    }

    /// Opens a file; answered by [`ClientEvent::Opened`] or a fault with this id. A file that is open already answers
    /// as well.
    pub fn open(&mut self, path: WorkspacePath) -> RequestId {
        let request = self.request();
        self.documents.open(request, path, &mut self.events);
        request
    }

    /// No longer shows a document. What was typed into it still reaches the host, at the next connection if need be;
    /// if it is refused, a [`ClientEvent::Closed`] brings it back.
    pub fn close(&mut self, document: DocumentId) {
        self.documents.close(document);
    }

    /// Compares every open document with the host's now; answered by [`ClientEvent::SyncChecked`].
    pub fn check_sync(&mut self) {
        self.documents.check_sync(&self.phase, &mut self.events);
    }

    /// Asks for a checkpoint now.
    pub fn save(&mut self, document: DocumentId) {
        self.documents.save(document);
    }

    /// Brings back what a change of the disk took, as [`ClientEvent::Removed`] offered: now, or when the host is there again.
    pub fn bring_back(&mut self, document: DocumentId, offer: u32) {
        self.documents.bring_back(document, offer);
    }

    /// Has a file read or written in an encoding, for everybody; a fault with this id says that it can not be.
    pub fn encode(&mut self, document: DocumentId, purpose: EncodingFor, encoding: Encoding) -> RequestId {
        let request = self.request();
        self.documents.encode(document, request, purpose, encoding);
        request
    }

    /// Applies what was typed into a document.
    ///
    /// # Errors
    /// If the document is not open or the splices do not fit: the editor shows another text than the replica has.
    pub fn edit(&mut self, document: DocumentId, splices: &[Splice]) -> Result<(), Fault> {
        let open = self.documents.get_mut(document).ok_or(FaultCode::UnknownDocument)?;
        open.edit(splices).map_err(|_| Fault::new(FaultCode::InvalidUpdate))?;
        self.events.push_back(ClientEvent::SyncChanged { document });
        Ok(())
    }

    /// By which rule edits are sent that were made while away; [`SendRule::Always`] unless it is said.
    pub fn set_send_rule(&mut self, rule: SendRule) {
        self.documents.set_send_rule(rule);
    }

    /// Sends the edits that waited for a decision.
    pub fn send_held(&mut self, document: DocumentId) {
        self.documents.send_held(document, &mut self.events);
    }

    /// Gives up the edits that waited for a decision and takes the host's text. Gives the text as it was here.
    pub fn take_hosts(&mut self, document: DocumentId) -> Option<String> {
        self.documents.take_hosts(document, &mut self.events)
    }

    /// A draft with this many edits is where it survives this program, or can not be kept at all.
    pub fn draft_is_written(&mut self, document: DocumentId, edits: u64) {
        self.documents.draft_is_written(document, edits);
    }

    /// Applies what others typed since the last call and reports it: once a rendered frame is often enough.
    pub fn apply_incoming(&mut self) {
        self.documents.apply_incoming(&mut self.events);
    }

    // What the guest knows.

    /// How far the connection has come.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The session, once welcome.
    pub const fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Me, as the others see me.
    pub fn me(&self) -> Option<&Participant> {
        self.membership.as_ref().and_then(|membership| self.participants.get(&membership.me))
    }

    /// My role; a viewer's until welcome.
    pub fn role(&self) -> Role {
        self.me().map_or(Role::Viewer, |me| me.role)
    }

    /// What I may do; a viewer's rights until welcome.
    pub fn rights(&self) -> Rights {
        self.me().map_or(Role::Viewer.into(), |me| self.rights_of(me))
    }

    /// What somebody present may do.
    pub fn rights_of(&self, participant: &Participant) -> Rights {
        let grants = self.grants.get(&participant.id).copied().unwrap_or_default();
        Rights { role: participant.role, grants }
    }

    /// Everybody present, by id.
    pub fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values()
    }

    /// Somebody present.
    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get(&id)
    }

    /// Where the others are.
    pub const fn presences(&self) -> &PresenceMap {
        &self.presences
    }

    /// An open document.
    pub fn document(&self, document: DocumentId) -> Option<&OpenDocument> {
        self.documents.get(document)
    }

    /// Every open document.
    pub fn documents(&self) -> impl Iterator<Item = &OpenDocument> {
        self.documents.iter()
    }

    /// How an open document stands to host and disk.
    pub fn sync_state(&self, document: DocumentId) -> Option<SyncState> {
        self.documents.get(document).map(|open| open.sync_state(&self.phase))
    }

    /// The documents that the host does not have all of, closed ones included: those to keep a draft of.
    pub fn unconfirmed(&self) -> impl Iterator<Item = DraftMark> {
        self.documents.unconfirmed()
    }

    /// All of a document, to be kept until the host has it. Costs time in proportion to the text.
    pub fn draft(&self, document: DocumentId) -> Option<Draft> {
        let membership = self.membership.as_ref()?;
        let me = self.participants.get(&membership.me)?.clone();
        let (info, kept) = self.documents.kept(document)?;
        let session = self.options.invite.session;
        Some(Draft::new(session, membership.session.clone(), me, info, kept))
    }

    /// What waits for a decision in a document; nothing until the host's text is known.
    pub fn held(&self, document: DocumentId) -> Option<HeldEdits> {
        self.documents.held(document)
    }

    /// Six words that the host sees too, while there is a sealed connection.
    pub fn words(&self) -> Option<String> {
        match &self.connection {
            Connection::Knocking(channel, _) | Connection::Sealed(channel) => Some(channel.words()),
            Connection::Offline | Connection::Greeting(..) | Connection::Ended => None,
        }
    }

    // Inside.

    fn request(&mut self) -> RequestId {
        self.last_request = self.last_request.wrapping_add(1);
        RequestId(self.last_request)
    }

    /// Queues a message; while away from the host a request is answered by a fault, the rest is void.
    fn send(&mut self, message: &ToHost) {
        let request = message.request();
        if self.phase != Phase::Live {
            if request.is_some() {
                self.events.push_back(ClientEvent::Fault { request, fault: FaultCode::Busy.into() });
            }
            return;
        }
        let bytes: Bytes = match codec::encode_for_link(message) {
            Ok(bytes) => bytes.into(),
            Err(too_large) => {
                self.events.push_back(ClientEvent::Fault { request, fault: too_large.into() });
                return;
            }
        };
        let pushed = match message {
            ToHost::Session(_) => self.lanes.push_control(bytes),
            ToHost::Document(_) => self.lanes.push_document(bytes),
            ToHost::Presence(_) => {
                self.lanes.push_presence(PresenceKey::Own, bytes);
                Ok(())
            }
            ToHost::Workspace(_) => self.lanes.push_workspace(bytes),
            ToHost::Terminal(_) => self.lanes.push_control(bytes),
        };
        if pushed.is_err() {
            self.events.push_back(ClientEvent::Fault { request, fault: FaultCode::Busy.into() });
        }
    }

    fn receive_reply(&mut self, initiator: Initiator, message: &[u8], now: Duration) {
        let link = self.resumable.map(|link| ResumeLink { link, received: self.link.received() });
        let request = JoinRequest {
            // The host cuts it, but only once it has arrived.
            name: self.options.name.chars().take(4 * MAX_NAME_CHARS).collect(),
            client: self.options.program.clone(),
            resume: self.membership.as_ref().map(|membership| Resume { participant: membership.me, link }),
        };
        match initiator.knock(message, &codec::encode(&request)) {
            Ok((channel, knock)) => {
                self.outgoing.push_back(knock);
                self.connection = Connection::Knocking(Box::new(channel), now);
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// The host says whether the link goes on.
    fn receive_opening(&mut self, channel: Box<Channel>, opening: &[u8], now: Duration) {
        let id = channel.link_id();
        self.connection = Connection::Sealed(channel);
        match Opening::decode(opening) {
            Ok(Opening::Afresh) => {
                self.begin_afresh(now);
                self.resumable = Some(id);
            }
            Ok(Opening::Resumed { received }) if self.resumable.is_some() => {
                match self.link.resume(received, now) {
                    Ok(()) => {
                        // The host may have taken us for gone.
                        self.my_presence.1 = false;
                        self.documents.came_back();
                        self.set_phase(Phase::Live);
                    }
                    Err(error) => {
                        self.give_link_up();
                        self.fail(error.into());
                    }
                }
            }
            Ok(Opening::Resumed { .. }) => self.fail(FaultCode::Malformed.into()),
            Err(error) => self.fail(error.into()),
        }
    }

    /// The link is not resumed. What was under way is void: documents ask for what they lack, and requests have to be made
    /// again.
    fn give_link_up(&mut self) {
        if self.resumable.take().is_some() {
            self.documents.went_away(&mut self.events);
            self.events.push_back(ClientEvent::BeganAfresh);
        }
    }

    /// The host does not know the link any more, or this is the first one.
    fn begin_afresh(&mut self, now: Duration) {
        self.link = Link::new(now);
        self.lanes = Lanes::default();
        self.give_link_up();
        // The host says them again before it welcomes.
        self.grants.clear();
        self.terminals.begin_afresh(&mut self.events);
    }

    fn receive_frame(&mut self, frame: &[u8], now: Duration) {
        if let Err(error) = self.link.receive(frame, now) {
            // Its peer would refuse it for the same reason again.
            self.give_link_up();
            return self.fail(error.into());
        }
        while let Some((_, bytes)) = self.link.next_message() {
            match codec::decode::<ToGuest>(&bytes) {
                Ok(Decoded::Known(message)) => self.receive_message(message),
                // A newer host says more than this build understands; what it does understand stays right.
                Ok(Decoded::Unknown { .. }) => {}
                Err(error) => return self.fail(error.into()),
            }
            if !matches!(self.connection, Connection::Sealed(_)) {
                return;
            }
        }
    }

    fn receive_message(&mut self, message: ToGuest) {
        match message {
            ToGuest::Session(message) => self.receive_session(message),
            ToGuest::Document(message) => {
                if let Err(fault) = self.documents.receive(message, &mut self.events) {
                    self.fail(fault);
                }
            }
            ToGuest::Presence(PresenceToGuest::At { participant, presence }) => {
                let known = self.participants.contains_key(&participant);
                if known && self.presences.set(participant, presence) {
                    self.events.push_back(ClientEvent::PresenceChanged { participant });
                }
            }
            ToGuest::Workspace(message) => self.events.push_back(match message {
                WorkspaceToGuest::Listing { request, folder, entries, omitted } => {
                    ClientEvent::Listing { request, folder, entries, omitted }
                }
                WorkspaceToGuest::Changes { folder, changed, removed } => {
                    ClientEvent::FolderChanges { folder, changed, removed }
                }
                WorkspaceToGuest::FolderGone { folder } => ClientEvent::FolderGone { folder },
                WorkspaceToGuest::Done { request } => ClientEvent::Done { request },
                WorkspaceToGuest::Chunk { request, total, offset, bytes } => {
                    ClientEvent::Chunk { request, total, offset, bytes }
                }
            }),
            ToGuest::Terminal(message) => self.terminals.receive(message, &mut self.events),
            ToGuest::Fault { request, fault } => {
                if fault.is_final() && request.is_none() {
                    return self.fail(fault);
                }
                if let Some(request) = request {
                    self.documents.failed(request, &fault, &mut self.events);
                }
                self.events.push_back(ClientEvent::Fault { request, fault });
            }
        }
    }

    fn receive_session(&mut self, message: SessionToGuest) {
        match message {
            SessionToGuest::Waiting => self.set_phase(Phase::Lobby),
            SessionToGuest::Welcome(welcome) => {
                self.participants = welcome
                    .participants
                    .into_iter()
                    .map(|participant| (participant.id, participant))
                    .collect();
                self.presences.clear();
                self.participants.insert(welcome.me.id, welcome.me.clone());
                self.my_presence.1 = false;
                let author = welcome.me.author;
                self.membership = Some(Membership { me: welcome.me.id, author, session: welcome.session });
                self.documents.reopen(author, &mut self.events);
                self.set_phase(Phase::Live);
                self.events.push_back(ClientEvent::ParticipantsChanged);
            }
            SessionToGuest::Joined(participant) | SessionToGuest::Changed(participant) => {
                self.participants.insert(participant.id, participant);
                self.events.push_back(ClientEvent::ParticipantsChanged);
            }
            SessionToGuest::Left { participant, reason } => {
                let name = self.participants.remove(&participant).map(|participant| participant.name);
                self.presences.remove(participant);
                self.events.push_back(ClientEvent::ParticipantsChanged);
                if let Some(name) = name {
                    self.events.push_back(ClientEvent::Left { participant, name, reason });
                }
            }
            SessionToGuest::Done { request } => self.events.push_back(ClientEvent::Done { request }),
            SessionToGuest::Knock { participant, name, role, words } => {
                self.events.push_back(ClientEvent::Knock { participant, name, role, words });
            }
            SessionToGuest::KnockOver { participant } => {
                self.events.push_back(ClientEvent::KnockOver { participant });
            }
            SessionToGuest::Invites(invites) => self.events.push_back(ClientEvent::Invites { invites }),
            SessionToGuest::Ended => self.fail(FaultCode::SessionEnded.into()),
            SessionToGuest::Removed => self.fail(FaultCode::Removed.into()),
            SessionToGuest::Granted { capability, participants } => self.granted(capability, &participants),
        }
    }

    fn granted(&mut self, capability: Capability, participants: &[ParticipantId]) {
        for grants in self.grants.values_mut() {
            *grants = grants.with(capability, Grant::Taken);
        }
        for participant in participants {
            let grants = self.grants.entry(*participant).or_default();
            *grants = grants.with(capability, Grant::Given);
        }
        self.grants.retain(|_, grants| *grants != Grants::NONE);
        if self.phase == Phase::Live {
            self.events.push_back(ClientEvent::ParticipantsChanged);
        }
    }

    /// Ends the connection: for good if the fault is final, else until the driver connects again.
    fn fail(&mut self, fault: Fault) {
        self.outgoing.clear();
        if fault.is_final() {
            self.connection = Connection::Ended;
            self.set_phase(Phase::Ended(fault));
        } else {
            self.connection = Connection::Offline;
            self.events.push_back(ClientEvent::Fault { request: None, fault });
            self.set_phase(Phase::Offline);
        }
    }

    fn set_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            let moved = self.phase == Phase::Live || phase == Phase::Live;
            self.phase = phase.clone();
            if moved {
                self.documents.moved_between_phases(&phase, &mut self.events);
            }
            self.events.push_back(ClientEvent::Phase(phase));
        }
    }
}
