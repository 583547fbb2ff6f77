//! One participant's connection as the rest of the agent sees it: who it is, what it may do, where to send.

use std::collections::HashSet;

use parking_lot::Mutex;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, LinkId, ParticipantId};
use parlor_shared::limits::MAX_OPEN_DOCUMENTS;
use parlor_shared::role::{Rights, Role};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection::Return;
use super::outbox::Outbox;

/// Tells two connections of one participant apart: the one that broke and the one that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub u64);

/// How far a participant was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// In the lobby.
    Waiting,
    /// In the room, with these rights.
    Admitted(Rights),
}

/// A connected participant. The session alone changes its standing; everybody who serves it holds a reference.
#[derive(Debug)]
pub(super) struct ParticipantConnection {
    /// Who.
    pub(super) id: ParticipantId,
    /// Which of its connections.
    pub(super) connection: ConnectionId,
    /// What its insertions are signed with.
    pub(super) author: AuthorId,
    /// The key that it holds: two participants with the same one are one person, as before and after a reload.
    pub(super) key: [u8; 32],
    /// Where to send.
    pub(super) outbox: Outbox,
    /// Cancelled when the connection is to end; see [`ParticipantConnection::stop`].
    pub(super) stopped: CancellationToken,
    standing: Mutex<Standing>,
    reason: Mutex<Option<Fault>>,
    documents: Mutex<HashSet<DocumentId>>,
    /// What the link is called; whoever proves to be the same guest and names it goes on with it.
    pub(super) link: LinkId,
    returns: mpsc::Sender<Return>,
}

/// Where a connection learns that its guest is back on another transport. One waits at most: its sender waits meanwhile.
pub(super) type Returns = mpsc::Receiver<Return>;

impl ParticipantConnection {
    /// A connection that waits in the lobby.
    pub(super) fn new(
        (id, author): (ParticipantId, AuthorId),
        connection: ConnectionId,
        key: [u8; 32],
        link: LinkId,
        stopped: CancellationToken,
    ) -> (Self, Returns) {
        let (returns, receiver) = mpsc::channel(1);
        let participant = Self {
            id,
            connection,
            author,
            key,
            link,
            returns,
            outbox: Outbox::default(),
            stopped,
            standing: Mutex::new(Standing::Waiting),
            reason: Mutex::new(None),
            documents: Mutex::default(),
        };
        (participant, receiver)
    }

    /// Gives a new transport to the connection that goes on over it, or back if that has ended.
    pub(super) async fn hand_over(&self, back: Return) -> Result<(), Return> {
        self.returns.send(back).await.map_err(|error| error.0)
    }

    /// How far it was let in, now.
    pub(super) fn standing(&self) -> Standing {
        *self.standing.lock()
    }

    /// What it may do, once admitted.
    pub(super) fn rights(&self) -> Option<Rights> {
        match self.standing() {
            Standing::Waiting => None,
            Standing::Admitted(rights) => Some(rights),
        }
    }

    /// Its role, once admitted.
    pub(super) fn role(&self) -> Option<Role> {
        self.rights().map(|rights| rights.role)
    }

    /// Lets it in, or changes its rights. For the session only.
    pub(super) fn admit(&self, rights: Rights) {
        *self.standing.lock() = Standing::Admitted(rights);
    }

    /// Counts a document among those that it holds open.
    ///
    /// # Errors
    /// If it holds as many as one participant may.
    pub(super) fn hold(&self, document: DocumentId) -> Result<(), Fault> {
        let mut documents = self.documents.lock();
        if documents.len() >= MAX_OPEN_DOCUMENTS && !documents.contains(&document) {
            return Err(Fault::new(FaultCode::TooManyOpen).with(MAX_OPEN_DOCUMENTS));
        }
        documents.insert(document);
        Ok(())
    }

    /// It no longer holds the document, or never got it.
    pub(super) fn release(&self, document: DocumentId) {
        self.documents.lock().remove(&document);
    }

    /// Ends the connection after what waits was sent. The first reason given is the one that is told.
    pub(super) fn stop(&self, reason: Option<Fault>) {
        let mut stored = self.reason.lock();
        if !self.stopped.is_cancelled() {
            *stored = reason;
            self.stopped.cancel();
        }
    }

    /// Why the connection was ended, if it was and for a reason.
    pub(super) fn stop_reason(&self) -> Option<Fault> {
        self.reason.lock().clone()
    }
}
