//! The host agent: opens a session on this machine and serves everybody who connects to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_shared::fault::Fault;
use parlor_shared::id::{SessionId, TerminalId};
use parlor_shared::invite::Invite;
use parlor_shared::message::{InviteInfo, SessionInfo};
use parlor_shared::role::Role;
use parlor_shared::terminal::Access;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::transport::Transport;

mod connection;
mod disk_work;
pub mod document;
mod documents;
mod door;
mod ending;
mod event;
mod keys;
mod outbox;
mod participant;
mod session;
mod state;
mod terminal;
mod terminals;
mod tree;
pub mod watch;
mod watching;
pub mod workspace;

pub use disk_work::{SaveHook, SavePoint, SaveStep, on_save_steps, simulate_on_this_thread};
pub use ending::{Ended, Unsaved};
pub use event::{AgentEvent, LivingProcess};
pub use session::Approval;
pub use state::kept;
pub use state::{
    Beginning, Earlier, KeptJournal, KeptSession, KeptState, NotRevived, Revival, SessionState, SetAsidePart,
    StateError, create_private, host_invite, session_name, survey,
};
#[doc(hidden)]
pub use state::{StalledDisk, fuzz_journal};

use documents::{DocumentsActor, DocumentsHandle};
use door::Door;
use event::Events;
use keys::SessionKeys;
use session::{SessionActor, SessionHandle, SessionOptions};
use state::{DocumentIds, KeptPeople, People, TerminalIds};
pub use terminals::NewTerminal;
use terminals::{TerminalsActor, TerminalsHandle};
use tree::{TreeActor, TreeHandle};
use watch::{Change, Watcher};
use watching::Watching;
use workspace::{OpenError, Workspace};

/// How long each step of ending may take: connections that say farewell, documents that are written.
const END_STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long terminals may take: what their programs are given, and as long again for what the system needs.
const TERMINALS_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is noted that the session lives. After a sudden end it seems older by this at most.
const ALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// What is to be shared, and how.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// The folder.
    pub folder: PathBuf,
    /// What the host is called.
    pub host_name: String,
    /// Whether guests wait in the lobby.
    pub approval: Approval,
    /// The roles for which links are made, besides the host's.
    pub invites: Vec<Role>,
    /// Where the page is served: scheme, host and port.
    pub origin: String,
    /// The shell of shared terminals; without one the person's own.
    pub shell: Option<PathBuf>,
    /// Who may type in terminals that guests open by the host's leave, besides who opened one.
    pub terminal_access: Access,
    /// The port in it: kept, so that the links stay right after a restart.
    pub port: u16,
}

/// What an agent lives in.
#[derive(Debug)]
pub enum Surroundings {
    /// The machine: its system tells what changes on the disk.
    Machine,
    /// A simulation, see [`simulate_on_this_thread`]: whoever runs it tells what changes on the disk.
    Simulation {
        /// What changes.
        changes: mpsc::Receiver<Vec<Change>>,
    },
}

/// Why sharing did not begin.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The folder can not be shared.
    #[error(transparent)]
    Folder(#[from] OpenError),
    /// The system has no randomness for keys.
    #[error("no keys: the operating system gives no randomness")]
    Randomness,
    /// What must survive a crash can not be kept.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What every connection needs. Cheap to clone.
#[derive(Debug, Clone)]
struct Services {
    keys: Arc<SessionKeys>,
    door: Door,
    session: SessionHandle,
    documents: DocumentsHandle,
    terminals: TerminalsHandle,
    tree: TreeHandle,
    workspace: Workspace,
    tasks: TaskTracker,
}

/// A session that is shared from this machine. Ends by [`Agent::end`].
#[derive(Debug)]
pub struct Agent {
    services: Services,
    connections: TaskTracker,
    ended: CancellationToken,
    links: Vec<(Role, Invite)>,
    state: Option<Arc<SessionState>>,
}

impl Agent {
    /// Opens a session, or goes on with the one that ended suddenly and left this state. Without a state nothing survives a
    /// crash. The receiver gives what the host may want to know.
    ///
    /// # Errors
    /// If the folder can not be shared, or the state can not be used.
    pub fn open(
        options: AgentOptions,
        state: Option<SessionState>,
    ) -> Result<(Self, mpsc::Receiver<AgentEvent>), AgentError> {
        Self::open_in(Surroundings::Machine, options, state)
    }

    /// As [`Agent::open`], elsewhere than on the machine itself.
    ///
    /// # Errors
    /// As [`Agent::open`].
    pub fn open_in(
        surroundings: Surroundings,
        options: AgentOptions,
        state: Option<SessionState>,
    ) -> Result<(Self, mpsc::Receiver<AgentEvent>), AgentError> {
        let mut workspace = Workspace::open(&options.folder)?;
        if let Some(state) = &state {
            workspace.keep_private(state.states());
        }
        let mut roles = vec![Role::Host];
        roles.extend(options.invites);
        let mut state = state;
        if let Some(state) = &mut state {
            // Unless whoever opened it has decided already.
            state.begin(Revival::Always)?;
        }
        let state = state.map(Arc::new);
        let kept = state.as_ref().map(|state| state.keys()).transpose()?.flatten();
        let keys = match &kept {
            Some(kept) => SessionKeys::restore(kept, &roles),
            None => SessionKeys::generate(&roles),
        };
        let keys = keys.map_err(|_| AgentError::Randomness)?;
        let (people, restored, ids) = match &state {
            Some(state) => {
                state.keep_keys(&keys.to_keep(options.port))?;
                (state.people()?, state.documents()?, state.document_ids()?)
            }
            None => ((People::none(), KeptPeople::nobody()), Vec::new(), DocumentIds::none()),
        };
        let terminal_ids = match &state {
            Some(state) => state.terminal_ids()?,
            None => TerminalIds::none(),
        };
        let links = keys.links(&options.origin);
        let (events, received) = Events::channel();
        let ended = CancellationToken::new();
        let tasks = TaskTracker::new();

        let guests = links.iter().filter(|(role, _)| *role != Role::Host);
        let session_options = SessionOptions {
            info: SessionInfo { workspace: workspace.name().to_owned(), host: options.host_name },
            approval: options.approval,
            invites: guests.map(|(role, invite)| InviteInfo { role: *role, link: invite.link() }).collect(),
        };
        let (session_actor, session) =
            SessionActor::new(session_options, people, events.clone(), ended.clone());
        let lives_on_machine = matches!(surroundings, Surroundings::Machine);
        let (watcher, changes) = match surroundings {
            Surroundings::Machine => Watcher::new(&workspace),
            Surroundings::Simulation { changes } => (Watcher::blind(), changes),
        };
        let (watching, pass_on) = Watching::new(watcher, changes, ended.clone());
        let (documents_actor, documents) = DocumentsActor::new(
            workspace.clone(),
            watching.clone(),
            events.clone(),
            tasks.clone(),
            (state.clone(), restored, ids),
        );
        let (terminals_actor, terminals) = TerminalsActor::new(
            options.folder.clone(),
            options.shell,
            options.terminal_access,
            (tasks.clone(), events),
            terminal_ids,
        );
        let (tree_actor, tree) = TreeActor::new(workspace.clone(), watching, ended.clone());
        if let (true, Some(state)) = (lives_on_machine, &state) {
            tasks.spawn(stay_alive(Arc::clone(state), ended.clone()));
        }
        tasks.spawn(session_actor.run());
        tasks.spawn(pass_on);
        tasks.spawn(documents_actor.run());
        tasks.spawn(terminals_actor.run());
        tasks.spawn(tree_actor.run());

        let door = Door::default();
        let keys = Arc::new(keys);
        let services = Services { keys, door, session, documents, terminals, tree, workspace, tasks };
        info!(session = %services.keys.session, resumed = kept.is_some(), "sharing");
        Ok((Self { services, connections: TaskTracker::new(), ended, links, state }, received))
    }

    /// The session's name.
    pub fn session_id(&self) -> SessionId {
        self.services.keys.session
    }

    /// The links, the host's first. Secret: for the person who shares, never for a log.
    pub fn links(&self) -> &[(Role, Invite)] {
        &self.links
    }

    /// Shares a terminal.
    ///
    /// # Errors
    /// If there are too many, or its command can not be one.
    pub async fn open_terminal(&self, new: NewTerminal) -> Result<TerminalId, Fault> {
        self.services.terminals.open(new).await
    }

    /// Serves a transport that a guest opened, in a task of its own. After the end it is dropped.
    pub fn serve(&self, transport: Transport) {
        if !self.connections.is_closed() {
            self.connections.spawn(connection::serve(transport, self.services.clone()));
        }
    }

    /// Ends the session: nobody else is let in, everybody is told, every file is written, every task waited for. Says what no
    /// file has.
    pub async fn end(&self) -> Ended {
        self.connections.close();
        self.services.door.close();
        self.services.session.end().await;
        step("connections", self.connections.wait()).await;
        // Beside each other: a program that does not go must not keep a file from being written.
        let terminals = tokio::time::timeout(TERMINALS_TIMEOUT, self.services.terminals.finish());
        let documents = step("documents", self.services.documents.finish());
        let (hung_up, finished) = tokio::join!(terminals, documents);
        if hung_up.is_err() {
            warn!("the terminals did not end in time");
        }
        self.ended.cancel();
        self.services.tasks.close();
        step("tasks", self.services.tasks.wait()).await;
        let ended = ending::end(self.state.clone(), finished.flatten()).await;
        info!(saved = ended.is_saved(), "ended");
        ended
    }

    /// What of the session that ended suddenly could not be read.
    pub fn set_aside(&self) -> Vec<SetAsidePart> {
        self.state.as_ref().map(|state| state.set_aside_parts()).unwrap_or_default()
    }
}

/// Notes now and then that the session lives, so that it is known after a sudden end how long ago that was.
async fn stay_alive(state: Arc<SessionState>, ended: CancellationToken) {
    loop {
        // Both arms are cancel-safe: a token and a time.
        tokio::select! {
            biased;
            () = ended.cancelled() => break,
            () = tokio::time::sleep(ALIVE_INTERVAL) => {}
        }
        let state = Arc::clone(&state);
        // A disk that does not answer is waited for, and not asked again meanwhile.
        tokio::select! {
            biased;
            () = ended.cancelled() => break,
            _ = disk_work::begin(move || state.is_alive()) => {}
        }
    }
}

async fn step<T>(name: &str, done: impl Future<Output = T>) -> Option<T> {
    let done = tokio::time::timeout(END_STEP_TIMEOUT, done).await.ok();
    if done.is_none() {
        warn!("the {name} did not end in time");
    }
    done
}
