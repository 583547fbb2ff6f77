//! What waits to be sent to one participant: the lanes behind a lock, so that whoever has news never waits for a slow reader.

use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use parlor_shared::codec;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, ParticipantId, RequestId, TerminalId};
use parlor_shared::lane::{Lanes, OutputPush, PresenceKey, UpdatePush};
use parlor_shared::limits::{MAX_NEWS_BYTES, NEWS_INTERVAL};
use parlor_shared::message::{
    DocumentToGuest, PresenceToGuest, SessionToGuest, TerminalToGuest, ToGuest, WorkspaceToGuest,
};
use parlor_shared::presence::Presence;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// One participant's outgoing messages. Pushing never blocks: each lane has its own rule when full.
///
/// The lock is held for single queue operations and never across an await.
#[derive(Debug)]
pub(super) struct Outbox {
    /// The lanes' clock begins here.
    opened: Instant,
    lanes: Mutex<Lanes>,
    /// Something waits that is to be sent at once.
    ready: Notify,
    /// News of others wait, see [`NEWS_INTERVAL`].
    news: Notify,
    /// When news last went.
    news_went: Mutex<Option<Instant>>,
    /// There may be room for a piece of a file again.
    room: Notify,
    /// A lane overflowed whose rule is to end the connection.
    broken: CancellationToken,
}

/// The tree's news did not fit: list the folder anew later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dropped;

impl Default for Outbox {
    fn default() -> Self {
        Self {
            opened: Instant::now(),
            lanes: Mutex::default(),
            ready: Notify::new(),
            news: Notify::new(),
            news_went: Mutex::default(),
            room: Notify::new(),
            broken: CancellationToken::new(),
        }
    }
}

impl Outbox {
    /// Tells about participants, roles and the end.
    pub(super) fn session(&self, message: SessionToGuest) {
        self.control(encode(&ToGuest::Session(message)));
    }

    /// Tells about participants with bytes that were encoded once for everybody.
    pub(super) fn control(&self, message: Bytes) {
        self.push(|lanes| lanes.push_control(message).is_ok());
    }

    /// Tells that something was refused or failed.
    pub(super) fn fault(&self, request: Option<RequestId>, fault: Fault) {
        self.control(encode(&ToGuest::Fault { request, fault }));
    }

    /// Tells where somebody is.
    pub(super) fn presence(&self, participant: ParticipantId, presence: Presence) {
        let message = encode(&ToGuest::Presence(PresenceToGuest::At { participant, presence }));
        self.presence_bytes(participant, message);
    }

    /// Tells where somebody is with bytes that were encoded once for everybody.
    pub(super) fn presence_bytes(&self, participant: ParticipantId, message: Bytes) {
        self.lanes.lock().push_presence(PresenceKey::Participant(participant), message);
        self.news.notify_one();
    }

    /// Tells what is so now; what was to be told under the same key is void.
    pub(super) fn latest(&self, key: PresenceKey, message: Bytes) {
        self.push(|lanes| {
            lanes.push_presence(key, message);
            true
        });
    }

    /// Answers or refuses what was asked about terminals.
    pub(super) fn terminal(&self, message: TerminalToGuest) {
        self.control(encode(&ToGuest::Terminal(message)));
    }

    /// Passes on what a terminal's program wrote, encoded once for everybody. If too much waits it is dropped, and the
    /// screen asked for once the participant has caught up.
    pub(super) fn output(&self, terminal: TerminalId, message: Bytes) {
        let now = self.now();
        self.push(|lanes| match lanes.push_output(terminal, message, now) {
            OutputPush::Queued | OutputPush::Behind => true,
        });
    }

    /// Drops what has waited too long of terminals' output.
    pub(super) fn drop_late_output(&self) {
        let now = self.now();
        self.lanes.lock().drop_late_output(now);
    }

    /// Sends a terminal's whole screen.
    pub(super) fn keyframe(&self, terminal: TerminalId, message: Bytes) {
        let now = self.now();
        self.push(|lanes| {
            lanes.push_keyframe(terminal, message, now);
            true
        });
    }

    /// The participant no longer looks at this terminal.
    pub(super) fn forget_terminal(&self, terminal: TerminalId) {
        self.lanes.lock().forget_terminal(terminal);
    }

    /// Whether the participant is behind with a terminal, and waits for it to catch up.
    pub(super) fn is_behind(&self) -> bool {
        self.lanes.lock().is_behind()
    }

    /// A terminal whose screen is to be sent, since the participant has caught up with it.
    pub(super) fn take_caught_up(&self) -> Option<TerminalId> {
        self.lanes.lock().take_caught_up()
    }

    /// Passes on an edit that was encoded once for everybody. If too many wait, they are all dropped and the
    /// participant is told to synchronise.
    pub(super) fn update(&self, document: DocumentId, message: Bytes) {
        let resync = |document| encode(&ToGuest::Document(DocumentToGuest::Resync { document }));
        let is_much = {
            let mut lanes = self.lanes.lock();
            match lanes.push_update(document, message, resync) {
                UpdatePush::Queued | UpdatePush::Stale | UpdatePush::Overflowed(_) => {}
            }
            lanes.queued_document_bytes() > MAX_NEWS_BYTES
        };
        let waker = if is_much { &self.ready } else { &self.news };
        waker.notify_one();
    }

    /// Sends all that the participant lacks of a document.
    pub(super) fn state(&self, document: DocumentId, message: DocumentToGuest) {
        let message = encode(&ToGuest::Document(message));
        self.push(|lanes| lanes.push_state(document, message).is_ok());
    }

    /// Sends another message about a document, in order with its edits.
    pub(super) fn document(&self, message: DocumentToGuest) {
        let message = encode(&ToGuest::Document(message));
        self.push(|lanes| lanes.push_document(message).is_ok());
    }

    /// The participant no longer has this document.
    pub(super) fn forget_document(&self, document: DocumentId) {
        self.lanes.lock().forget_document(document);
    }

    /// Answers a request about the tree; if the lane is full the request is refused.
    pub(super) fn workspace(&self, request: RequestId, message: WorkspaceToGuest) {
        let bytes = encode(&ToGuest::Workspace(message));
        let mut refused = false;
        self.push(|lanes| {
            refused = lanes.push_workspace(bytes).is_err();
            true
        });
        if refused {
            self.fault(Some(request), FaultCode::Busy.into());
        }
    }

    /// Tells a change of the tree.
    ///
    /// # Errors
    /// [`Dropped`] if the lane is full.
    pub(super) fn tree(&self, message: Bytes) -> Result<(), Dropped> {
        let mut result = Ok(());
        self.push(|lanes| {
            result = lanes.push_workspace(message).map_err(|_| Dropped);
            true
        });
        result
    }

    /// Sends a piece of a file, waiting until there is room. Cancel-safe: the piece is sent or it is not.
    pub(super) async fn file(&self, message: WorkspaceToGuest) {
        let message = encode(&ToGuest::Workspace(message));
        loop {
            // Subscribe, then look.
            let room = self.room.notified();
            let mut pushed = false;
            self.push(|lanes| {
                pushed = lanes.push_file(message.clone()).is_ok();
                true
            });
            if pushed {
                return;
            }
            room.await;
        }
    }

    /// Waits until something is to be sent. One waiter: the connection. Cancel-safe, if whoever gives up sends what waits.
    pub(super) async fn ready(&self) {
        tokio::select! {
            biased;
            () = self.ready.notified() => {}
            () = self.news_due() => {}
        }
    }

    /// Waits for news, and longer if there were some a moment ago: those that come meanwhile go with them.
    async fn news_due(&self) {
        self.news.notified().await;
        let due = self.news_went.lock().map(|went| went + NEWS_INTERVAL);
        if let Some(due) = due.filter(|due| *due > Instant::now()) {
            sleep_until(due).await;
        }
        *self.news_went.lock() = Some(Instant::now());
    }

    /// There is something to send that is in no lane: an acknowledgement.
    pub(super) fn wake(&self) {
        self.ready.notify_one();
    }

    /// Waits until a lane overflows whose rule is to end the connection. Cancel-safe.
    pub(super) async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Lets the connection take frames out of the lanes.
    pub(super) fn with_lanes<T>(&self, take: impl FnOnce(&mut Lanes) -> T) -> T {
        let (taken, room, withheld) = {
            let mut lanes = self.lanes.lock();
            (take(&mut lanes), lanes.has_file_room(), lanes.take_withheld())
        };
        if room {
            self.room.notify_waiters();
        }
        if let Some(withheld) = withheld {
            warn!(lane = ?withheld.lane, bytes = withheld.bytes, "a message that was too large for the link was not sent");
        }
        taken
    }

    fn now(&self) -> Duration {
        self.opened.elapsed()
    }

    fn push(&self, push: impl FnOnce(&mut Lanes) -> bool) {
        if !push(&mut self.lanes.lock()) {
            self.broken.cancel();
        }
        self.ready.notify_one();
    }
}

/// A message's bytes, to be shared by everybody who gets it. All that the agent says is encoded here, so that nothing is said
/// that the link does not take: something short is said instead.
pub(super) fn encode(message: &ToGuest) -> Bytes {
    match codec::encode_for_link(message) {
        Ok(bytes) => bytes.into(),
        Err(too_large) => {
            warn!(lane = ?too_large.lane, bytes = too_large.bytes, "a message is too large for the link; its receivers are told");
            codec::encode(&message.instead(too_large.into())).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: DocumentId = DocumentId(1);

    async fn milliseconds_until_ready(outbox: &Outbox) -> u128 {
        let asked = Instant::now();
        outbox.ready().await;
        outbox.with_lanes(|lanes| while lanes.pop(usize::MAX).is_some() {});
        asked.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn news_that_follow_each_other_closely_go_together_and_the_first_at_once() {
        let outbox = Outbox::default();
        let edit = |bytes| outbox.update(DOCUMENT, Bytes::from(vec![0; bytes]));
        edit(10);
        assert_eq!(milliseconds_until_ready(&outbox).await, 0);
        edit(10);
        tokio::time::sleep(Duration::from_millis(6)).await;
        outbox.presence_bytes(ParticipantId(1), Bytes::from_static(b"there"));
        assert_eq!(milliseconds_until_ready(&outbox).await, 10);
        tokio::time::sleep(NEWS_INTERVAL).await;
        edit(10);
        assert_eq!(milliseconds_until_ready(&outbox).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn news_wait_neither_for_their_turn_beside_something_else_nor_when_they_are_much() {
        let outbox = Outbox::default();
        let edit = |bytes| outbox.update(DOCUMENT, Bytes::from(vec![0; bytes]));
        edit(10);
        assert_eq!(milliseconds_until_ready(&outbox).await, 0);
        edit(10);
        outbox.fault(None, FaultCode::Busy.into());
        assert_eq!(milliseconds_until_ready(&outbox).await, 0);
        edit(MAX_NEWS_BYTES + 1);
        assert_eq!(milliseconds_until_ready(&outbox).await, 0);
    }
}
