//! One connection: handshake, then messages both ways until somebody ends it. Authorises every message before its effect.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use parlor_shared::codec::{self, Decoded};
use parlor_shared::document::incident;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::RequestId;
use parlor_shared::lane::Lane;
use parlor_shared::limits::{
    DEAD_PEER_TIMEOUT, HANDSHAKE_TIMEOUT, HEARTBEAT_INTERVAL, MAX_BEFORE_ADMISSION_BYTES,
    MAX_PENDING_REQUESTS,
};
use parlor_shared::link::Link;
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
use super::document::DocumentCommand;
use super::documents::blocking;
use super::participant::{ParticipantConnection, Standing};
use super::session::Knock;
use super::workspace::Actor;
use crate::transport::{Receiver, Sender, Transport, TransportError};

/// The transport's buffer is flushed at the latest after so many bytes: four full frames.
const FLUSH_AFTER_BYTES: usize = 64 * 1024;

/// A sealed frame with nothing in it: kind, two numbers, tag.
const MAX_HEARTBEAT_BYTES: usize = 64;

/// How long what still waits may take when a connection ends.
const FAREWELL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// Serves one transport from its opening to its end.
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
    match shaken {
        Ok((channel, participant)) => {
            let span = info_span!("connection", participant = %participant.id);
            run(Connection::new(channel, participant, services), sender, receiver).instrument(span).await;
        }
        Err(fault) => {
            debug!(code = ?fault.code, "refused before the seal");
            // A peer that does not take the fault is closed all the same.
            let _ = timeout(FAREWELL_TIMEOUT, async {
                sender.feed(clear_fault(&fault)).await?;
                sender.close().await;
                Ok::<(), TransportError>(())
            })
            .await;
        }
    }
}

/// Cap before allocating, authenticate before decoding, decode before acting.
async fn handshake(
    sender: &mut Sender,
    receiver: &mut Receiver,
    services: &Services,
) -> Result<(Channel, Arc<ParticipantConnection>), Fault> {
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
    let knock =
        Knock { name: request.name, role: invite.role, key, resume: request.resume, words: channel.words() };
    let participant = services.session.knock(knock).await?;
    Ok((channel, participant))
}

async fn next(receiver: &mut Receiver) -> Result<Bytes, Fault> {
    match receiver.next().await {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(gone(error)),
        None => Err(FaultCode::Silent.into()),
    }
}

fn gone(error: TransportError) -> Fault {
    match error {
        TransportError::TooLarge => FaultCode::TooLarge.into(),
        TransportError::NotBinary => FaultCode::Malformed.into(),
        TransportError::Gone => FaultCode::Silent.into(),
    }
}

/// The sealed link. Reading and writing share it; each holds the lock for one frame.
struct Wire {
    channel: Channel,
    link: Link,
}

struct Connection {
    wire: Mutex<Wire>,
    /// A sealed message that the transport did not take before the writer was dropped. It goes first, or the peer could
    /// open nothing that comes after it.
    unsent: Mutex<Option<Bytes>>,
    participant: Arc<ParticipantConnection>,
    services: Services,
    /// Requests under way, to be cancelled by the guest or with the connection.
    requests: Arc<Mutex<HashMap<RequestId, CancellationToken>>>,
}

/// Why a connection ended.
enum End {
    /// By somebody's wish, or the transport is gone.
    Plain(LeaveReason),
    /// The guest broke the rules, or can not be served: it is told, sealed.
    Fault(Fault),
}

async fn run(connection: Connection, mut sender: Sender, mut receiver: Receiver) {
    let participant = Arc::clone(&connection.participant);
    // Whoever is done first ends both; both are dropped at awaits where nothing is half done: what was sealed and not
    // sent is kept.
    let end = tokio::select! {
        biased;
        () = participant.stopped.cancelled() => {
            participant.stop_reason().map_or(End::Plain(LeaveReason::Left), End::Fault)
        }
        () = participant.outbox.broken() => End::Fault(FaultCode::TooSlow.into()),
        end = connection.read(&mut receiver) => end,
        end = connection.write(&mut sender) => end,
    };
    participant.stop(None);
    let reason = match &end {
        End::Plain(reason) => *reason,
        End::Fault(fault) => {
            debug!(code = ?fault.code, "ended");
            participant.outbox.fault(None, fault.clone());
            LeaveReason::Lost
        }
    };
    for (_, request) in connection.requests.lock().drain() {
        request.cancel();
    }
    let services = &connection.services;
    services.documents.gone(participant.id, participant.connection);
    services.tree.gone(participant.id, participant.connection).await;
    services.session.gone(&participant, reason).await;
    // What still waits, the last words among it, if the peer takes it.
    let _ = timeout(FAREWELL_TIMEOUT, async {
        connection.send_waiting(&mut sender).await?;
        sender.close().await;
        Ok::<(), TransportError>(())
    })
    .await;
}

impl Connection {
    fn new(channel: Channel, participant: Arc<ParticipantConnection>, services: Services) -> Self {
        let wire = Mutex::new(Wire { channel, link: Link::default() });
        Self { wire, unsent: Mutex::default(), participant, services, requests: Arc::default() }
    }

    // Writing.

    async fn write(&self, sender: &mut Sender) -> End {
        loop {
            match timeout(HEARTBEAT_INTERVAL, self.participant.outbox.ready()).await {
                Ok(()) => {
                    if self.send_waiting(sender).await.is_err() {
                        return End::Plain(LeaveReason::Lost);
                    }
                }
                Err(_) => {
                    let heartbeat = self.seal(|link, lanes| Some(link.heartbeat(lanes)));
                    *self.unsent.lock() = heartbeat;
                    if self.send_waiting(sender).await.is_err() {
                        return End::Plain(LeaveReason::Lost);
                    }
                }
            }
        }
    }

    async fn send_waiting(&self, sender: &mut Sender) -> Result<(), TransportError> {
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
        sender.flush().await
    }

    /// The next sealed message; it counts as unsent until the transport has taken it.
    fn next_to_send(&self) -> Option<Bytes> {
        let mut unsent = self.unsent.lock();
        if unsent.is_none() {
            *unsent = self.seal(Link::next_frame);
        }
        unsent.clone()
    }

    fn seal(
        &self,
        frame: impl FnOnce(&mut Link, &mut parlor_shared::lane::Lanes) -> Option<Vec<u8>>,
    ) -> Option<Bytes> {
        let mut wire = self.wire.lock();
        let Wire { channel, link } = &mut *wire;
        let frame = self.participant.outbox.with_lanes(|lanes| frame(link, lanes))?;
        Some(channel.seal(&frame).expect("the link makes no frame longer than the seal takes").into())
    }

    // Reading.

    async fn read(&self, receiver: &mut Receiver) -> End {
        let mut before_admission = 0;
        let mut messages = Vec::new();
        let mut silent_at = Instant::now() + DEAD_PEER_TIMEOUT;
        loop {
            let message = match tokio::time::timeout_at(silent_at, receiver.next()).await {
                Err(_) => return End::Fault(FaultCode::Silent.into()),
                Ok(None | Some(Err(TransportError::Gone))) => return End::Plain(LeaveReason::Lost),
                Ok(Some(Err(error))) => return End::Fault(gone(error)),
                Ok(Some(Ok(message))) => message,
            };
            silent_at = Instant::now() + DEAD_PEER_TIMEOUT;
            if self.participant.standing() == Standing::Waiting {
                before_admission += message.len();
                if before_admission > MAX_BEFORE_ADMISSION_BYTES {
                    return End::Fault(FaultCode::NotAdmitted.into());
                }
            }
            if let Err(fault) = self.open(&message, &mut messages) {
                return End::Fault(fault);
            }
            if messages.is_empty() && message.len() <= MAX_HEARTBEAT_BYTES {
                // Whoever waits for an hour has sent many.
                before_admission = before_admission.saturating_sub(message.len());
            }
            for (lane, bytes) in messages.drain(..) {
                match codec::decode::<ToHost>(&bytes) {
                    Ok(Decoded::Known(message)) if message.lane() == lane => {
                        if let Err(end) = self.receive(message).await {
                            return end;
                        }
                    }
                    Ok(Decoded::Unknown { .. }) if self.participant.standing() == Standing::Waiting => {
                        return End::Fault(FaultCode::NotAdmitted.into());
                    }
                    Ok(Decoded::Unknown { .. }) => {
                        self.participant.outbox.fault(None, FaultCode::UnknownMessage.into());
                    }
                    Ok(Decoded::Known(_)) | Err(_) => return End::Fault(FaultCode::Malformed.into()),
                }
            }
        }
    }

    fn open(&self, message: &[u8], messages: &mut Vec<(Lane, Bytes)>) -> Result<(), Fault> {
        let mut wire = self.wire.lock();
        let Wire { channel, link } = &mut *wire;
        let frame = channel.open(message)?;
        link.receive(&frame)?;
        messages.extend(std::iter::from_fn(|| link.next_message()));
        if link.owes_acknowledgement() {
            self.participant.outbox.wake();
        }
        Ok(())
    }

    async fn receive(&self, message: ToHost) -> Result<(), End> {
        let Some(role) = self.participant.role() else {
            return match message {
                ToHost::Session(SessionToHost::Leave) => Err(End::Plain(LeaveReason::Left)),
                ToHost::Session(_) | ToHost::Document(_) | ToHost::Presence(_) | ToHost::Workspace(_) => {
                    Err(End::Fault(FaultCode::NotAdmitted.into()))
                }
            };
        };
        if let Err(fault) = authorize(role, &message) {
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
            ToHost::Workspace(message) => self.receive_workspace(message, role).await,
        }
        Ok(())
    }

    fn refuse(&self, message: ToHost, fault: Fault) {
        let outbox = &self.participant.outbox;
        match message {
            ToHost::Document(DocumentToHost::Update { document, sequence, .. }) => {
                outbox.document(DocumentToGuest::Refused { document, sequence, fault });
            }
            ToHost::Session(
                SessionToHost::SetRole { request, .. }
                | SessionToHost::Remove { request, .. }
                | SessionToHost::Admit { request, .. }
                | SessionToHost::Deny { request, .. },
            )
            | ToHost::Workspace(
                WorkspaceToHost::Create { request, .. }
                | WorkspaceToHost::Rename { request, .. }
                | WorkspaceToHost::Delete { request, .. },
            ) => outbox.fault(Some(request), fault),
            ToHost::Session(_) | ToHost::Document(_) | ToHost::Presence(_) | ToHost::Workspace(_) => {
                outbox.fault(None, fault);
            }
        }
    }

    async fn receive_document(&self, message: DocumentToHost) {
        let from = self.participant.id;
        let documents = &self.services.documents;
        let (document, command) = match message {
            DocumentToHost::Open { request, path, known } => {
                return documents.open(Arc::clone(&self.participant), request, path, known).await;
            }
            DocumentToHost::Update { document, epoch, sequence, update } => {
                (document, DocumentCommand::Update { from, epoch, sequence, update })
            }
            DocumentToHost::Sync { document, epoch, state_vector } => {
                (document, DocumentCommand::Sync { from, epoch, state_vector })
            }
            DocumentToHost::Verify { document } => (document, DocumentCommand::Verify { from }),
            DocumentToHost::Diverged { document, host, mine } => {
                (document, DocumentCommand::Diverged { from, incident: incident(host, mine) })
            }
            DocumentToHost::Save { document } => (document, DocumentCommand::Save { from }),
            DocumentToHost::Close { document } => (document, DocumentCommand::Close { from }),
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
