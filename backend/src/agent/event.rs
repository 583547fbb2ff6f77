//! What the agent tells the program around it: for the terminal, or as lines of JSON for scripts.

use parlor_shared::fault::Fault;
use parlor_shared::id::ParticipantId;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use tokio::sync::mpsc;
use tracing::warn;

/// Events that may wait to be taken; whoever is slower than this misses some, which is logged.
const CAPACITY: usize = 1024;

/// Something the host may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentEvent {
    /// Somebody waits in the lobby.
    GuestWaiting {
        /// Who.
        participant: ParticipantId,
        /// What it calls itself.
        name: String,
    },
    /// Somebody is in the room.
    GuestJoined {
        /// Who.
        participant: ParticipantId,
        /// What it is called.
        name: String,
        /// What it may do.
        role: Role,
    },
    /// Somebody left.
    GuestLeft {
        /// Who.
        participant: ParticipantId,
        /// What it was called.
        name: String,
    },
    /// A file was written.
    Saved {
        /// Which.
        path: WorkspacePath,
    },
    /// Something failed that the host may have to do something about.
    Error {
        /// The file it is about.
        path: Option<WorkspacePath>,
        /// Why.
        fault: Fault,
    },
    /// A terminal has ended, and programs that were started in it live on: those that were told to, as by `nohup`.
    StillRunning {
        /// What the terminal was called.
        terminal: String,
        /// They.
        processes: Vec<LivingProcess>,
    },
    /// A participant with the host's role asked to end the session.
    EndRequested,
}

/// A process of the host's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivingProcess {
    /// Its number.
    pub pid: u32,
    /// What its program is called.
    pub name: String,
}

/// A way to tell. Never waits.
#[derive(Debug, Clone)]
pub(super) struct Events(mpsc::Sender<AgentEvent>);

impl Events {
    /// A channel of events.
    pub(super) fn channel() -> (Self, mpsc::Receiver<AgentEvent>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), receiver)
    }

    pub(super) fn send(&self, event: AgentEvent) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.0.try_send(event) {
            warn!("an event was not printed: too many came at once");
        }
    }
}
