//! A real agent on a real socket and a temporary folder, and guests that talk to it.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "each test file uses its own part"
)]

pub mod program;
pub mod proxy;
pub mod raw;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use parlor::agent::{Agent, AgentEvent, AgentOptions, Approval, SessionState};
use parlor::guest::{Guest, connect};
use parlor::http::{self, AllowedHosts};
use parlor_shared::client::{Client, ClientEvent, ClientOptions, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::fault::Fault;
use parlor_shared::id::{DocumentId, RequestId};
use parlor_shared::invite::Invite;
use parlor_shared::message::WorkspaceToHost;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;
use parlor_shared::terminal::Access;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Nothing in these tests takes nearly so long; what does is a failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running agent.
pub struct TestAgent {
    pub agent: Arc<Agent>,
    pub folder: TempDir,
    pub address: SocketAddr,
    pub events: mpsc::Receiver<AgentEvent>,
    ended: CancellationToken,
    listener: TaskTracker,
}

impl TestAgent {
    pub async fn start() -> Self {
        Self::start_with(Approval::Never).await
    }

    pub async fn start_with(approval: Approval) -> Self {
        Self::start_in(TempDir::new().unwrap(), approval).await
    }

    pub async fn start_in(folder: TempDir, approval: Approval) -> Self {
        Self::start_with_state(folder, approval, None).await
    }

    /// With what must survive a crash kept there.
    pub async fn start_with_state(folder: TempDir, approval: Approval, state: Option<SessionState>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (agent, events) = Agent::open(
            AgentOptions {
                folder: folder.path().to_owned(),
                host_name: "Hanna".to_owned(),
                approval,
                invites: vec![Role::Editor, Role::Viewer],
                origin: format!("http://{address}"),
                port: address.port(),
                shell: Some("/bin/sh".into()),
                terminal_access: Access::ReadOnly,
            },
            state,
        )
        .unwrap();
        let agent = Arc::new(agent);
        let ended = CancellationToken::new();
        let hosts = AllowedHosts::of_listener("http", address.ip(), address.port());
        let router = http::router(Arc::clone(&agent), hosts);
        let tasks = TaskTracker::new();
        tasks.spawn(http::serve(listener, None, router, ended.clone()));
        tasks.close();
        Self { agent, folder, address, events, ended, listener: tasks }
    }

    pub fn invite(&self, role: Role) -> Invite {
        let links = self.agent.links();
        links.iter().find(|(granted, _)| *granted == role).map(|(_, invite)| invite.clone()).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "plays the host's own editor")]
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A guest that is in the room.
    pub async fn join(&self, role: Role, name: &str) -> TestGuest {
        let guest = self.knock(self.invite(role), name).await;
        guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
        guest
    }

    /// A guest that has knocked.
    pub async fn knock(&self, invite: Invite, name: &str) -> TestGuest {
        self.knock_as(invite, name, Identity::generate().unwrap()).await
    }

    pub async fn knock_as(&self, invite: Invite, name: &str, identity: Identity) -> TestGuest {
        self.knock_through(self.address, invite, name, identity).await
    }

    /// A guest that has knocked, at an address that leads to the agent.
    pub async fn knock_through(
        &self,
        address: SocketAddr,
        invite: Invite,
        name: &str,
        identity: Identity,
    ) -> TestGuest {
        let invite = Invite { origin: format!("http://{address}"), ..invite };
        TestGuest::knock(invite, name, identity).await
    }

    /// Whatever was done to the agent: an honest guest joins, types, and finds it on the disk.
    pub async fn still_serves(&self) {
        self.write("honest.txt", "as ever\n");
        let mut guest = self.join(Role::Editor, "Honest").await;
        let document = guest.open("honest.txt").await;
        guest.insert(document, 0, "works ");
        guest.wait_sync(document, &SyncState::Saved).await;
        assert_eq!(self.read("honest.txt"), "works as ever\n");
        guest.with(|client| {
            client.close(document);
            client.leave();
        });
        guest.wait("leave taken", |client| *client.phase() == Phase::Offline).await;
        std::fs::remove_file(self.path("honest.txt")).unwrap();
    }

    /// Waits for an event of the agent.
    pub async fn event(&mut self, what: &str, mut holds: impl FnMut(&AgentEvent) -> bool) -> AgentEvent {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("the agent tells its events");
                if holds(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no event: {what}"))
    }

    pub async fn end(self) -> TempDir {
        self.ended.cancel();
        tokio::time::timeout(PATIENCE, self.agent.end()).await.expect("the agent ends");
        tokio::time::timeout(PATIENCE, self.listener.wait()).await.expect("the listener ends");
        self.folder
    }
}

/// Everything that happened to a guest.
#[derive(Default)]
pub struct Log {
    events: Mutex<Vec<ClientEvent>>,
    grown: Notify,
}

impl Log {
    pub fn events(&self) -> Vec<ClientEvent> {
        self.events.lock().clone()
    }

    fn push(&self, event: ClientEvent) {
        self.events.lock().push(event);
        self.grown.notify_waiters();
    }
}

/// A guest in a test: it lives in the background; the test waits with patience, and says for what if it runs out.
pub struct TestGuest {
    pub guest: Guest,
    pub name: String,
    pub origin: String,
    pub log: Arc<Log>,
    /// Events that a wait has consumed.
    seen: usize,
    tasks: TaskTracker,
}

impl TestGuest {
    /// A guest that has knocked where its link leads.
    pub async fn knock(invite: Invite, name: &str, identity: Identity) -> Self {
        let origin = invite.origin.clone();
        let options = ClientOptions { invite, identity, name: name.to_owned(), program: "native".to_owned() };
        let log = Arc::new(Log::default());
        let sink = Arc::clone(&log);
        let guest = Guest::new(options, Box::new(move |_, event| sink.push(event)));
        let guest = Self { guest, name: name.to_owned(), origin, log, seen: 0, tasks: TaskTracker::new() };
        guest.connect().await;
        guest
    }

    async fn connect(&self) {
        // The path's session only routes; the greeting carries the real one.
        let transport = connect(&self.origin, "session").await.unwrap();
        self.tasks.spawn(self.guest.serve(transport));
    }

    /// Asks the client, or tells it what to do.
    pub fn with<T>(&self, act: impl FnOnce(&mut Client) -> T) -> T {
        self.guest.with(act)
    }

    /// Waits until the client is as it should be.
    pub async fn wait(&self, what: &str, mut holds: impl FnMut(&Client) -> bool) {
        let wait = async {
            loop {
                let grown = self.log.grown.notified();
                if self.with(|client| holds(client)) {
                    return;
                }
                grown.await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let phase = self.with(|client| client.phase().clone());
            panic!("{}: waited in vain: {what}; {phase:?}; {:?}", self.name, self.log.events.lock());
        }
    }

    /// Waits for an event; those before it are consumed.
    pub async fn event<T>(&mut self, what: &str, mut find: impl FnMut(&ClientEvent) -> Option<T>) -> T {
        let wait = async {
            loop {
                let grown = self.log.grown.notified();
                let found = {
                    let events = self.log.events.lock();
                    let new = events[self.seen..].iter().position(|event| find(event).is_some());
                    new.map(|at| (find(&events[self.seen + at]), self.seen + at + 1))
                };
                if let Some((Some(found), seen)) = found {
                    self.seen = seen;
                    return found;
                }
                grown.await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!("{}: no event: {what}; {:?}", self.name, self.log.events.lock()),
        }
    }

    /// How a request was answered. Answers come on several lanes, so whatever came before is searched too.
    pub async fn answer(&mut self, expected: RequestId) -> Result<ClientEvent, Fault> {
        self.seen = 0;
        self.event("an answer", |event| match event {
            ClientEvent::Fault { request: Some(request), fault } if *request == expected => {
                Some(Err(fault.clone()))
            }
            ClientEvent::Done { request } | ClientEvent::Opened { request, .. } if *request == expected => {
                Some(Ok(event.clone()))
            }
            ClientEvent::Listing { request: Some(request), .. } if *request == expected => {
                Some(Ok(event.clone()))
            }
            ClientEvent::Chunk { request, .. } | ClientEvent::TerminalOpened { request, .. }
                if *request == expected =>
            {
                Some(Ok(event.clone()))
            }
            _ => None,
        })
        .await
    }

    /// Opens a file and waits for its text.
    pub async fn open(&mut self, path: &str) -> DocumentId {
        match self.try_open(path).await {
            Ok(document) => document,
            Err(fault) => panic!("{path}: {fault}"),
        }
    }

    pub async fn try_open(&mut self, path: &str) -> Result<DocumentId, Fault> {
        let request = self.with(|client| client.open(WorkspacePath::parse(path).unwrap()));
        match self.answer(request).await? {
            ClientEvent::Opened { document, .. } => Ok(document),
            other => panic!("{other:?}"),
        }
    }

    pub async fn workspace(
        &mut self,
        message: impl FnOnce(RequestId) -> WorkspaceToHost,
    ) -> Result<ClientEvent, Fault> {
        let request = self.with(|client| client.workspace(message));
        self.answer(request).await
    }

    pub fn text(&self, document: DocumentId) -> String {
        self.with(|client| client.document(document).unwrap().document().text())
    }

    pub fn sync_state(&self, document: DocumentId) -> Option<SyncState> {
        self.with(|client| client.sync_state(document))
    }

    pub fn insert(&self, document: DocumentId, at: u32, text: &str) {
        let splice = Splice { at, delete: 0, insert: text.to_owned() };
        self.with(|client| client.edit(document, &[splice])).unwrap();
    }

    pub fn append(&self, document: DocumentId, text: &str) {
        self.with(|client| {
            let at = client.document(document).unwrap().document().len();
            client.edit(document, &[Splice { at, delete: 0, insert: text.to_owned() }]).unwrap();
        });
    }

    /// Waits until the document has a text that fits.
    pub async fn wait_text(&self, document: DocumentId, holds: impl Fn(&str) -> bool) {
        self.wait("a text", |client| {
            client.document(document).is_some_and(|open| holds(&open.document().text()))
        })
        .await;
    }

    /// Waits until the document has so many UTF-16 units: cheap where the text is large.
    pub async fn wait_len(&self, document: DocumentId, units: usize) {
        let holds = |client: &Client| {
            client.document(document).is_some_and(|open| open.document().len() as usize == units)
        };
        self.wait(&format!("{units} units"), holds).await;
    }

    /// Waits until the document stands like this to host and disk.
    pub async fn wait_sync(&self, document: DocumentId, state: &SyncState) {
        let what = format!("{state:?}");
        self.wait(&what, |client| client.sync_state(document).as_ref() == Some(state)).await;
    }

    /// Waits for the end and says why it came.
    pub async fn ended(&self) -> Fault {
        self.wait("the end", |client| matches!(client.phase(), Phase::Ended(_))).await;
        match self.with(|client| client.phase().clone()) {
            Phase::Ended(fault) => fault,
            other => panic!("{other:?}"),
        }
    }

    /// Knocks again on a new connection after a cut, wherever that leads.
    pub async fn knock_again(&self) {
        self.connect().await;
    }

    /// Comes back on a new connection after a cut.
    pub async fn reconnect(&self) {
        self.connect().await;
        self.wait("welcome back", |client| *client.phase() == Phase::Live).await;
    }
}
