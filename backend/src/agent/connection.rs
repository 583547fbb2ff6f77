//! One connection: handshakes, then messages both ways, over one transport after the other, until somebody ends it.
//! Authorises every message before its effect.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use parlor_shared::codec::{self, Decoded};
use parlor_shared::document::incident;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::RequestId;
use parlor_shared::lane::Lane;
use parlor_shared::limits::{
    DEAD_PEER_TIMEOUT, HANDSHAKE_TIMEOUT, MAX_BEFORE_ADMISSION_BYTES, MAX_PENDING_REQUESTS, RESUME_WINDOW,
};
use parlor_shared::link::{Link, Opening};
use parlor_shared::message::{
    DocumentToGuest, DocumentToHost, JoinRequest, LeaveReason, PresenceToHost, SessionToHost, ToHost,
    WorkspaceToGuest, WorkspaceToHost,
};
use parlor_shared::role::{Role, authorize};
use parlor_shared::seal::{Channel, Greeting, Responder, clear_fault};
use parlor_shared::version::{OLDEST_SERVED, PROTOCOL_VERSION};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, info_span};

use super::Services;
use super::document::{DocumentCommand, EncodingWish, Purpose};
use super::documents::blocking;
use super::participant::{ParticipantConnection, Returns, Standing};
use super::session::{Admission, Knock};
use super::workspace::Actor;
use crate::transport::{Receiver, Sender, Transport, TransportError};

/// The transport's buffer is flushed at the latest after so many bytes: four full frames.
const FLUSH_AFTER_BYTES: usize = 64 * 1024;

/// A sealed frame with nothing in it: kind, two numbers, tag.
const MAX_HEARTBEAT_BYTES: usize = 64;

/// How long what still waits may take when a connection ends.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// Who lost the transport and is not back after so long has left, for the others: nobody should see each change of
/// somebody's network, and nobody should look for long at a caret that no one moves.
const AWAY_AFTER: Duration = Duration::from_secs(5);

/// Serves one transport: shakes hands, then begins a connection, or hands the transport to the one whose link it resumes.
pub(super) async fn serve(transport: Transport, services: Services) {
    let (mut sender, mut receiver) = transport.split();
    let pending = services.door.enter();
    let handshake = handshake(&mut sender, &mut receiver, &services);
    let shaken = tokio::select! {
        biased;
        () = pending.pushed_out.cancelled() => Err(services.door.reason().into()),
        shaken = timeout(HANDSHAKE_TIMEOUT, handshake) => shaken.unwrap_or_else(|_| {
            Err(Fault::new(FaultCode::HandshakeTimeout).with(HANDSHAKE_TIMEOUT.as_secs()))
        }),
    };
    drop(pending);
    let (channel, admission) = match shaken {
        Ok(shaken) => shaken,
        Err(fault) => return refuse(&mut sender, &fault).await,
    };
    let attached = Attached { channel, sender, receiver };
    match admission {
        Admission::Entered(participant, returns) => {
            let span = info_span!("connection", participant = %participant.id);
            let (connection, lines) = Connection::new(attached, participant, services);
            connection.run(lines, returns).instrument(span).await;
        }
        Admission::Resumed(participant, received) => {
            // It takes it up within moments, unless it is just ending; then the guest tries again and joins afresh.
            let handed = participant.hand_over(Return { attached, received }).await;
            if let Err(Return { attached: Attached { mut sender, .. }, .. }) = handed {
                refuse(&mut sender, &FaultCode::Busy.into()).await;
            }
        }
    }
}

/// Says why in clear, since nothing sealed was said yet. A peer that does not take it is closed all the same.
async fn refuse(sender: &mut Sender, fault: &Fault) {
    debug!(code = ?fault.code, "refused before the seal");
    let _ = timeout(FAREWELL_TIMEOUT, async {
        sender.feed(clear_fault(fault)).await?;
        sender.close().await;
        Ok::<(), TransportError>(())
    })
    .await;
}

/// Cap before allocating, authenticate before decoding, decode before acting.
async fn handshake(
    sender: &mut Sender,
    receiver: &mut Receiver,
    services: &Services,
) -> Result<(Channel, Admission), Fault> {
    let first = next(receiver).await?;
    let (greeting, noise) = Greeting::read(&first)?;
    if !greeting.version.is_served() {
        return Err(Fault::new(FaultCode::VersionMismatch)
            .with(greeting.version.0)
            .with(OLDEST_SERVED.0)
            .with(PROTOCOL_VERSION.0));
    }
    if greeting.session != services.keys.session {
        return Err(FaultCode::UnknownSession.into());
    }
    let invite = services.keys.invite(greeting.invite).ok_or(FaultCode::UnknownInvite)?;
    let (responder, reply) =
        Responder::reply(&services.keys.identity, &invite.key, &greeting, invite.role, noise)?;
    sender.feed(reply).await.map_err(gone)?;
    sender.flush().await.map_err(gone)?;
    let third = next(receiver).await?;
    let (channel, key, request) = responder.admit(&third)?;
    let request: JoinRequest = codec::exact(&request)?;
    let knock = Knock {
        name: request.name,
        role: invite.role,
        key,
        resume: request.resume,
        words: channel.words(),
        link: channel.link_id(),
    };
    let admission = services.session.knock(knock).await?;
    Ok((channel, admission))
}

async fn next(receiver: &mut Receiver) -> Result<Bytes, Fault> {
    match receiver.next().await {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(gone(error)),
        None => Err(FaultCode::Silent.into()),
    }
}

fn sealed(channel: &mut Channel, frame: &[u8]) -> Bytes {
    channel.seal(frame).expect("the link makes no frame longer than the seal takes").into()
}

fn gone(error: TransportError) -> Fault {
    match error {
        TransportError::TooLarge => FaultCode::TooLarge.into(),
        TransportError::NotBinary => FaultCode::Malformed.into(),
        TransportError::Gone => FaultCode::Silent.into(),
    }
}

/// A transport on which somebody proved who it is.
#[derive(Debug)]
pub(super) struct Attached {
    channel: Channel,
    sender: Sender,
    receiver: Receiver,
}

/// Somebody is back on a new transport, and has received frames of the link up to this one.
#[derive(Debug)]
pub(super) struct Return {
    attached: Attached,
    received: u64,
}

/// Both ways of the present transport.
struct Lines {
    sender: Sender,
    receiver: Receiver,
}

/// The sealed link. Reading and writing share it; each holds the lock for one frame.
struct Wire {
    channel: Channel,
    link: Link,
}

/// One guest's connection: the link, over one transport after the other.
struct Connection {
    wire: Mutex<Wire>,
    /// A sealed message that the transport did not take before the writer was dropped. It goes first, or the peer could
    /// open nothing that comes after it.
    unsent: Mutex<Option<Bytes>>,
    /// The link's clock begins here.
    opened: Instant,
    participant: Arc<ParticipantConnection>,
    services: Services,
    /// Requests under way, to be cancelled by the guest or with the connection.
    requests: Arc<Mutex<HashMap<RequestId, CancellationToken>>>,
}

/// Why a connection ended.
#[derive(Debug)]
enum End {
    /// By somebody's wish, or the transport is gone for too long.
    Plain(LeaveReason),
    /// The guest broke the rules, or can not be served: it is told, sealed.
    Fault(Fault),
}

/// Why a transport is no longer served.
#[derive(Debug)]
enum Outcome {
    /// And none after it.
    Ended(End),
    /// It broke. Its guest may come back.
    Lost,
    /// Its guest came back on another one.
    Returned(Box<Return>),
    /// The reader was told to stop.
    Halted,
}

impl Connection {
    fn new(attached: Attached, participant: Arc<ParticipantConnection>, services: Services) -> (Self, Lines) {
        let Attached { mut channel, sender, receiver } = attached;
        let opening = sealed(&mut channel, &Opening::Afresh.encode());
        let connection = Self {
            wire: Mutex::new(Wire { channel, link: Link::new(Duration::ZERO) }),
            unsent: Mutex::new(Some(opening)),
            opened: Instant::now(),
            participant,
            services,
            requests: Arc::default(),
        };
        (connection, Lines { sender, receiver })
    }

    /// Serves the guest until it leaves, breaks the rules, or stays away for too long.
    async fn run(self, first: Lines, mut returns: Returns) {
        let mut lines = Some(first);
        let end = loop {
            let outcome = match &mut lines {
                Some(lines) => self.serve(lines, &mut returns).await,
                None => self.await_return(&mut returns).await,
            };
            match outcome {
                Outcome::Ended(end) => break end,
                // Nobody in the lobby has anything to lose.
                Outcome::Lost | Outcome::Halted if self.participant.role().is_none() => {
                    break End::Plain(LeaveReason::Lost);
                }
                Outcome::Lost | Outcome::Halted => {
                    debug!("lost its transport");
                    lines = None;
                }
                Outcome::Returned(back) => match self.resume(*back) {
                    Ok(resumed) => {
                        lines = Some(resumed);
                        self.services.session.back(&self.participant).await;
                    }
                    Err((mut sender, fault)) => {
                        refuse(&mut sender, &fault).await;
                        break End::Fault(fault);
                    }
                },
            }
        };
        self.end(end, lines).await;
    }

    async fn end(self, end: End, lines: Option<Lines>) {
        let participant = &self.participant;
        participant.stop(None);
        let reason = match &end {
            End::Plain(reason) => *reason,
            End::Fault(fault) => {
                debug!(code = ?fault.code, "ended");
                participant.outbox.fault(None, fault.clone());
                LeaveReason::Lost
            }
        };
        for (_, request) in self.requests.lock().drain() {
            request.cancel();
        }
        self.services.documents.gone(participant.id, participant.connection);
        self.services.tree.gone(participant.id, participant.connection).await;
        self.services.terminals.gone(participant.id, participant.connection).await;
        self.services.session.gone(participant, reason).await;
        let Some(Lines { mut sender, .. }) = lines else { return };
        // What still waits, the last words among it, if the peer takes it.
        let _ = timeout(FAREWELL_TIMEOUT, async {
            self.send_waiting(&mut sender).await?;
            sender.close().await;
            Ok::<(), TransportError>(())
        })
        .await;
    }

    /// Serves one transport.
    async fn serve(&self, lines: &mut Lines, returns: &mut Returns) -> Outcome {
        let participant = &self.participant;
        let halt = CancellationToken::new();
        let read = self.read(&mut lines.receiver, &halt);
        tokio::pin!(read);
        // The writer may be dropped at any await: what was sealed and not sent is kept. The reader may not.
        let outcome = tokio::select! {
            biased;
            () = participant.stopped.cancelled() => Outcome::Ended(self.stopped()),
            () = participant.outbox.broken() => Outcome::Ended(End::Fault(FaultCode::TooSlow.into())),
            Some(back) = returns.recv() => Outcome::Returned(Box::new(back)),
            outcome = &mut read => return outcome,
            outcome = self.write(&mut lines.sender) => outcome,
        };
        // What the link took in counts as received, and is carried out before another transport says so.
        halt.cancel();
        match (read.await, outcome) {
            (Outcome::Ended(end), Outcome::Lost) => Outcome::Ended(end),
            (_, outcome) => outcome,
        }
    }

    /// Between two transports. The lanes go on filling by their own rules; whoever is not back soon has left, as far as
    /// the others can see.
    async fn await_return(&self, returns: &mut Returns) -> Outcome {
        let participant = &self.participant;
        let lost = Instant::now();
        let mut next = lost + AWAY_AFTER;
        loop {
            // Every arm is cancel-safe: tokens, a receive, a time.
            tokio::select! {
                biased;
                () = participant.stopped.cancelled() => return Outcome::Ended(self.stopped()),
                () = participant.outbox.broken() => return Outcome::Ended(End::Plain(LeaveReason::Lost)),
                Some(back) = returns.recv() => return Outcome::Returned(Box::new(back)),
                () = tokio::time::sleep_until(next) => {
                    if next == lost + RESUME_WINDOW {
                        return Outcome::Ended(End::Plain(LeaveReason::Lost));
                    }
                    next = lost + RESUME_WINDOW;
                    self.services.session.away(participant).await;
                }
            }
        }
    }

    /// Goes on over another transport. What the old one did not take is sealed anew.
    fn resume(&self, back: Return) -> Result<Lines, (Sender, Fault)> {
        let Return { attached: Attached { channel, sender, receiver }, received } = back;
        let mut wire = self.wire.lock();
        let Wire { channel: present, link } = &mut *wire;
        if let Err(error) = link.resume(received, self.now()) {
            return Err((sender, error.into()));
        }
        *present = channel;
        let opening = Opening::Resumed { received: link.received() };
        *self.unsent.lock() = Some(sealed(present, &opening.encode()));
        debug!("resumed");
        Ok(Lines { sender, receiver })
    }

    fn stopped(&self) -> End {
        self.participant.stop_reason().map_or(End::Plain(LeaveReason::Left), End::Fault)
    }

    fn now(&self) -> Duration {
        self.opened.elapsed()
    }

    // Writing.

    async fn write(&self, sender: &mut Sender) -> Outcome {
        loop {
            if self.send_waiting(sender).await.is_err() {
                return Outcome::Lost;
            }
            let wake = self.opened + self.wire.lock().link.next_wake();
            // Too early or too late does no harm: the link is asked again.
            let _ = tokio::time::timeout_at(wake, self.participant.outbox.ready()).await;
            if self.wire.lock().link.is_dead(self.now()) {
                return Outcome::Lost;
            }
        }
    }

    async fn send_waiting(&self, sender: &mut Sender) -> Result<(), TransportError> {
        self.participant.outbox.drop_late_output();
        let mut fed = 0;
        while let Some(message) = self.next_to_send() {
            fed += message.len();
            sender.feed(message).await?;
            *self.unsent.lock() = None;
            if fed >= FLUSH_AFTER_BYTES {
                fed = 0;
                sender.flush().await?;
            }
        }
        sender.flush().await?;
        self.catch_up().await;
        Ok(())
    }

    /// Asks for the screens of terminals with which the guest was behind, now that it takes more.
    async fn catch_up(&self) {
        while self.wire.lock().link.is_prompt()
            && let Some(terminal) = self.participant.outbox.take_caught_up()
        {
            self.services.terminals.caught_up(&self.participant, terminal).await;
        }
    }

    /// The next sealed message; it counts as unsent until the transport has taken it.
    fn next_to_send(&self) -> Option<Bytes> {
        let mut unsent = self.unsent.lock();
        if unsent.is_none() {
            let mut wire = self.wire.lock();
            let Wire { channel, link } = &mut *wire;
            let now = self.now();
            let frame = self.participant.outbox.with_lanes(|lanes| link.next_frame(lanes, now));
            *unsent = frame.map(|frame| sealed(channel, &frame));
        }
        unsent.clone()
    }

    // Reading.

    /// Takes in messages and carries them out, until the transport breaks or `halt` is cancelled. Never to be dropped
    /// before its end: what a frame brought has been received, and is in nobody else's hands.
    async fn read(&self, receiver: &mut Receiver, halt: &CancellationToken) -> Outcome {
        let mut before_admission = 0;
        let mut messages = Vec::new();
        loop {
            // Cancel-safe: a token, and a receive with a time.
            let received = tokio::select! {
                biased;
                () = halt.cancelled() => return Outcome::Halted,
                received = timeout(DEAD_PEER_TIMEOUT, receiver.next()) => received,
            };
            let message = match received {
                Err(_) | Ok(Some(Err(TransportError::Gone))) => return Outcome::Lost,
                Ok(None) => return Outcome::Ended(End::Plain(LeaveReason::Left)),
                Ok(Some(Err(error))) => return Outcome::Ended(End::Fault(gone(error))),
                Ok(Some(Ok(message))) => message,
            };
            if self.participant.standing() == Standing::Waiting {
                before_admission += message.len();
                if before_admission > MAX_BEFORE_ADMISSION_BYTES {
                    return Outcome::Ended(End::Fault(FaultCode::NotAdmitted.into()));
                }
            }
            if let Err(fault) = self.open(&message, &mut messages) {
                return Outcome::Ended(End::Fault(fault));
            }
            if messages.is_empty() && message.len() <= MAX_HEARTBEAT_BYTES {
                // Whoever waits for an hour has sent many.
                before_admission = before_admission.saturating_sub(message.len());
            }
            for (lane, bytes) in messages.drain(..) {
                match codec::decode::<ToHost>(&bytes) {
                    Ok(Decoded::Known(message)) if message.lane() == lane => {
                        if let Err(end) = self.receive(message).await {
                            return Outcome::Ended(end);
                        }
                    }
                    Ok(Decoded::Unknown { .. }) if self.participant.standing() == Standing::Waiting => {
                        return Outcome::Ended(End::Fault(FaultCode::NotAdmitted.into()));
                    }
                    Ok(Decoded::Unknown { .. }) => {
                        self.participant.outbox.fault(None, FaultCode::UnknownMessage.into());
                    }
                    Ok(Decoded::Known(_)) | Err(_) => {
                        return Outcome::Ended(End::Fault(FaultCode::Malformed.into()));
                    }
                }
            }
        }
    }

    fn open(&self, message: &[u8], messages: &mut Vec<(Lane, Bytes)>) -> Result<(), Fault> {
        let mut wire = self.wire.lock();
        let Wire { channel, link } = &mut *wire;
        let frame = channel.open(message)?;
        link.receive(&frame, self.now())?;
        messages.extend(std::iter::from_fn(|| link.next_message()));
        if link.may_send() || self.participant.outbox.is_behind() {
            self.participant.outbox.wake();
        }
        Ok(())
    }

    async fn receive(&self, message: ToHost) -> Result<(), End> {
        let Some(rights) = self.participant.rights() else {
            return match message {
                ToHost::Session(SessionToHost::Leave) => Err(End::Plain(LeaveReason::Left)),
                ToHost::Session(_)
                | ToHost::Document(_)
                | ToHost::Presence(_)
                | ToHost::Workspace(_)
                | ToHost::Terminal(_) => Err(End::Fault(FaultCode::NotAdmitted.into())),
            };
        };
        if let Err(fault) = authorize(rights, &message) {
            self.refuse(message, fault);
            return Ok(());
        }
        match message {
            ToHost::Session(SessionToHost::Leave) => return Err(End::Plain(LeaveReason::Left)),
            ToHost::Session(message) => self.services.session.message(self.participant.id, message).await,
            ToHost::Document(message) => self.receive_document(message).await,
            ToHost::Presence(PresenceToHost::At(presence)) => match presence.check() {
                Ok(()) => self.services.session.presence(self.participant.id, presence).await,
                Err(fault) => self.participant.outbox.fault(None, fault),
            },
            ToHost::Workspace(message) => self.receive_workspace(message, rights.role).await,
            ToHost::Terminal(message) => self.services.terminals.receive(&self.participant, message).await,
        }
        Ok(())
    }

    fn refuse(&self, message: ToHost, fault: Fault) {
        let outbox = &self.participant.outbox;
        match message {
            ToHost::Document(DocumentToHost::Update { document, sequence, .. }) => {
                outbox.document(DocumentToGuest::Refused { document, sequence, fault });
            }
            message => outbox.fault(message.request(), fault),
        }
    }

    async fn receive_document(&self, message: DocumentToHost) {
        let from = self.participant.id;
        let connection = self.participant.connection;
        let documents = &self.services.documents;
        let (document, command) = match message {
            DocumentToHost::Open { request, path, known } => {
                return documents.open(Arc::clone(&self.participant), request, path, known).await;
            }
            DocumentToHost::Update { document, epoch, sequence, update } => {
                (document, DocumentCommand::Update { from, connection, epoch, sequence, update })
            }
            DocumentToHost::Sync { document, epoch, state_vector } => {
                (document, DocumentCommand::Sync { from, epoch, state_vector })
            }
            DocumentToHost::Verify { document } => (document, DocumentCommand::Verify { from }),
            DocumentToHost::Diverged { document, host, mine } => {
                (document, DocumentCommand::Diverged { from, incident: incident(host, mine) })
            }
            DocumentToHost::Save { document } => (document, DocumentCommand::Save { from }),
            DocumentToHost::BringBack { document, offer } => {
                (document, DocumentCommand::BringBack { from, offer })
            }
            DocumentToHost::Reopen { request, document, encoding } => {
                let wish = EncodingWish { request, purpose: Purpose::Read, encoding };
                (document, DocumentCommand::Encode { from, connection, wish })
            }
            DocumentToHost::SaveWith { request, document, encoding } => {
                let wish = EncodingWish { request, purpose: Purpose::Write, encoding };
                (document, DocumentCommand::Encode { from, connection, wish })
            }
            DocumentToHost::Close { document } => (document, DocumentCommand::Close { from, connection }),
        };
        let is_close = matches!(command, DocumentCommand::Close { .. });
        if !documents.send(document, command).await && !is_close {
            let fault = Some(FaultCode::UnknownDocument.into());
            self.participant.outbox.document(DocumentToGuest::Closed { document, fault });
        }
    }

    async fn receive_workspace(&self, message: WorkspaceToHost, role: Role) {
        let actor = if role == Role::Host { Actor::Host } else { Actor::Guest };
        let workspace = self.services.workspace.clone();
        match message {
            WorkspaceToHost::Watch { request, folder } => {
                self.services.tree.watch(Arc::clone(&self.participant), request, folder).await;
            }
            WorkspaceToHost::Unwatch { folder } => {
                self.services.tree.unwatch(self.participant.id, folder).await;
            }
            WorkspaceToHost::Create { request, path, entry } => {
                self.spawn(
                    request,
                    async move { blocking(move || workspace.create(actor, &path, entry)).await },
                );
            }
            WorkspaceToHost::Rename { request, from, to } => {
                let documents = self.services.documents.clone();
                self.spawn(request, async move { documents.rename(actor, from, to).await });
            }
            WorkspaceToHost::Delete { request, path } => {
                let documents = self.services.documents.clone();
                self.spawn(request, async move { documents.delete(actor, path).await });
            }
            WorkspaceToHost::Read { request, path } => self.read_file(request, path),
            WorkspaceToHost::Cancel { request } => {
                if let Some(request) = self.requests.lock().remove(&request) {
                    request.cancel();
                }
            }
        }
    }

    /// Carries a change out to its end, whatever becomes of the connection, and answers.
    fn spawn(&self, request: RequestId, work: impl Future<Output = Result<(), Fault>> + Send + 'static) {
        let Some(_token) = self.admit_request(request) else { return };
        let participant = Arc::clone(&self.participant);
        let requests = Arc::clone(&self.requests);
        self.services.tasks.spawn(async move {
            match work.await {
                Ok(()) => participant.outbox.workspace(request, WorkspaceToGuest::Done { request }),
                Err(fault) => participant.outbox.fault(Some(request), fault),
            }
            requests.lock().remove(&request);
        });
    }

    /// Sends a file in pieces, as fast as the guest takes them.
    fn read_file(&self, request: RequestId, path: parlor_shared::path::WorkspacePath) {
        let Some(cancelled) = self.admit_request(request) else { return };
        let participant = Arc::clone(&self.participant);
        let requests = Arc::clone(&self.requests);
        let workspace = self.services.workspace.clone();
        self.services.tasks.spawn(async move {
            let send = async {
                let mut reader = blocking(move || workspace.read_bytes(&path)).await?;
                let total = reader.total();
                let mut offset = 0;
                loop {
                    let (back, chunk) = blocking(move || {
                        let chunk = reader.next_chunk()?;
                        Ok::<_, super::workspace::WorkspaceError>((reader, chunk))
                    })
                    .await?;
                    reader = back;
                    let bytes = chunk.unwrap_or_default();
                    let sent = bytes.len() as u64;
                    participant.outbox.file(WorkspaceToGuest::Chunk { request, total, offset, bytes }).await;
                    offset += sent;
                    if sent == 0 || offset >= total {
                        return Ok::<(), Fault>(());
                    }
                }
            };
            tokio::select! {
                biased;
                () = cancelled.cancelled() => {}
                () = participant.stopped.cancelled() => {}
                result = send => if let Err(fault) = result {
                    participant.outbox.fault(Some(request), fault);
                }
            }
            requests.lock().remove(&request);
        });
    }

    fn admit_request(&self, request: RequestId) -> Option<CancellationToken> {
        let mut requests = self.requests.lock();
        if requests.len() >= MAX_PENDING_REQUESTS || requests.contains_key(&request) {
            drop(requests);
            self.participant.outbox.fault(Some(request), FaultCode::Busy.into());
            return None;
        }
        let token = CancellationToken::new();
        requests.insert(request, token.clone());
        Some(token)
    }
}
