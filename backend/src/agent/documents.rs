//! The registry of open documents: one owner creates, finds and ends them, and moves files that are open.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, ParticipantId, RequestId};
use parlor_shared::message::KnownDocument;
use parlor_shared::path::WorkspacePath;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::disk_work;
use super::document::disk::DiskFile;
use super::document::{DocumentActor, DocumentCommand, DocumentHandle, DocumentNotice, Finished};
use super::event::Events;
use super::participant::{ConnectionId, ParticipantConnection};
use super::state::kept::KeptText;
use super::state::{DocumentIds, Restored, SessionState};
use super::watching::{FolderEvent, Watching};
use super::workspace::{Access, Actor, Workspace};

/// Commands that may wait; a connection that sends more waits. The longest takes one rename on the disk.
const INBOX_CAPACITY: usize = 256;

/// Notices of documents that may wait; a document whose notice does not fit repeats it.
const NOTICE_CAPACITY: usize = 256;

/// Documents that may be open in the whole session.
const MAX_DOCUMENTS: usize = 1024;

enum RegistryCommand {
    Open {
        connection: Arc<ParticipantConnection>,
        request: RequestId,
        path: WorkspacePath,
        known: Option<KnownDocument>,
    },
    Rename {
        actor: Actor,
        from: WorkspacePath,
        to: WorkspacePath,
        reply: oneshot::Sender<Result<(), Fault>>,
    },
    Delete {
        actor: Actor,
        path: WorkspacePath,
        reply: oneshot::Sender<Result<(), Fault>>,
    },
    Finish(oneshot::Sender<AllFinished>),
}

/// How all documents ended.
#[derive(Debug, Default)]
pub(super) struct AllFinished {
    /// The texts that no file has.
    pub(super) unsaved: Vec<KeptText>,
    /// Documents that broke: their journals alone can tell.
    pub(super) broken: Vec<WorkspacePath>,
}

/// Finds the documents that are open. Written by the registry, read by connections.
type Table = Arc<RwLock<BTreeMap<DocumentId, DocumentHandle>>>;

/// A way to reach documents.
#[derive(Debug, Clone)]
pub(super) struct DocumentsHandle {
    registry: mpsc::Sender<RegistryCommand>,
    table: Table,
}

impl std::fmt::Debug for RegistryCommand {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RegistryCommand")
    }
}

impl DocumentsHandle {
    /// Opens a file for somebody; the answer goes to its outbox.
    pub(super) async fn open(
        &self,
        connection: Arc<ParticipantConnection>,
        request: RequestId,
        path: WorkspacePath,
        known: Option<KnownDocument>,
    ) {
        // The registry ends after every connection.
        let _ = self.registry.send(RegistryCommand::Open { connection, request, path, known }).await;
    }

    /// Sends a command to an open document; says whether there is one.
    pub(super) async fn send(&self, document: DocumentId, command: DocumentCommand) -> bool {
        let handle = self.table.read().get(&document).cloned();
        match handle {
            Some(handle) => handle.send(command).await,
            None => false,
        }
    }

    /// A connection is over: its documents need not send to it any more.
    pub(super) fn gone(&self, participant: ParticipantId, connection: ConnectionId) {
        for handle in self.table.read().values() {
            // A document with a full inbox notices by itself that the connection has stopped.
            let _ = handle.0.try_send(DocumentCommand::Gone(participant, connection));
        }
    }

    /// Renames or moves a file or folder, open or not.
    pub(super) async fn rename(
        &self,
        actor: Actor,
        from: WorkspacePath,
        to: WorkspacePath,
    ) -> Result<(), Fault> {
        self.ask(|reply| RegistryCommand::Rename { actor, from, to, reply }).await
    }

    /// Deletes a file or folder, open or not.
    pub(super) async fn delete(&self, actor: Actor, path: WorkspacePath) -> Result<(), Fault> {
        self.ask(|reply| RegistryCommand::Delete { actor, path, reply }).await
    }

    /// Writes everything that is unsaved and closes all documents. Gives what no file has. Nothing if nobody knows.
    pub(super) async fn finish(&self) -> Option<AllFinished> {
        let (reply, done) = oneshot::channel();
        if self.registry.send(RegistryCommand::Finish(reply)).await.is_err() {
            // The registry is gone already, and with it every document.
            return Some(AllFinished::default());
        }
        done.await.ok()
    }

    async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), Fault>>) -> RegistryCommand,
    ) -> Result<(), Fault> {
        let (reply, answer) = oneshot::channel();
        let ended = || Fault::new(FaultCode::SessionEnded);
        self.registry.send(command(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

struct Open {
    path: WorkspacePath,
    handle: DocumentHandle,
    openings: u64,
}

/// Sole owner of the table of open documents.
pub(super) struct DocumentsActor {
    workspace: Workspace,
    watching: Watching,
    folder_events: broadcast::Receiver<FolderEvent>,
    events: Events,
    tasks: TaskTracker,
    inbox: mpsc::Receiver<RegistryCommand>,
    notices: mpsc::Receiver<DocumentNotice>,
    notices_sender: mpsc::Sender<DocumentNotice>,
    open: BTreeMap<DocumentId, Open>,
    by_path: HashMap<WorkspacePath, DocumentId>,
    table: Table,
    state: Option<Arc<SessionState>>,
    ids: DocumentIds,
}

impl DocumentsActor {
    pub(super) fn new(
        workspace: Workspace,
        watching: Watching,
        events: Events,
        tasks: TaskTracker,
        (state, restored, ids): (Option<Arc<SessionState>>, Vec<Restored>, DocumentIds),
    ) -> (Self, DocumentsHandle) {
        let (registry, inbox) = mpsc::channel(INBOX_CAPACITY);
        let (notices_sender, notices) = mpsc::channel(NOTICE_CAPACITY);
        let table = Table::default();
        let mut actor = Self {
            workspace,
            folder_events: watching.subscribe(),
            watching,
            events,
            tasks,
            inbox,
            notices,
            notices_sender,
            open: BTreeMap::new(),
            by_path: HashMap::new(),
            table: Arc::clone(&table),
            state,
            ids,
        };
        restored.into_iter().for_each(|restored| actor.restore(restored));
        (actor, DocumentsHandle { registry, table })
    }

    /// Brings a document back that was open when the program ended.
    fn restore(&mut self, mut restored: Restored) {
        let (id, path) = (restored.identity.document, restored.identity.path.clone());
        if restored.perhaps_outrun.is_some()
            && self.workspace.read_whole(&path).is_ok_and(|file| restored.explains(&file))
        {
            restored.perhaps_outrun = None;
        }
        if restored.perhaps_outrun.is_some()
            && let Ok((_, file)) = DiskFile::load(&self.workspace, &path)
        {
            if restored.was_outrun(&file.text) {
                debug!(document = %id, "the file has what a journal lacks");
                self.ids.taken(id);
                return restored.discard();
            }
            restored.perhaps_outrun = None;
        }
        let (notices, events) = (self.notices_sender.clone(), self.events.clone());
        let (actor, handle) = DocumentActor::restored(restored, &self.workspace, notices, events);
        self.ids.taken(id);
        debug!(document = %id, "a document is back from its journal");
        self.insert(id, path, actor, handle);
    }

    fn insert(&mut self, id: DocumentId, path: WorkspacePath, actor: DocumentActor, handle: DocumentHandle) {
        debug!(document = %id, "opened");
        self.tasks.spawn(actor.run());
        if let Some(parent) = path.parent() {
            self.watching.watch(&parent);
        }
        self.table.write().insert(id, handle.clone());
        self.by_path.insert(path.clone(), id);
        self.open.insert(id, Open { path, handle, openings: 0 });
    }

    pub(super) async fn run(mut self) {
        loop {
            // All arms are cancel-safe receives. Rarest first.
            tokio::select! {
                biased;
                Some(notice) = self.notices.recv() => self.notice(notice).await,
                event = self.folder_events.recv() => match event {
                    Ok(FolderEvent::Changed(folder)) => self.check_disk(|path| path.parent().as_ref() == Some(&folder)).await,
                    Ok(FolderEvent::Everything) | Err(broadcast::error::RecvError::Lagged(_)) => {
                        self.check_disk(|_| true).await;
                    }
                    // The watcher ended, as it does after us: nothing comes any more.
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                command = self.inbox.recv() => match command {
                    Some(RegistryCommand::Open { connection, request, path, known }) => {
                        self.open(connection, request, path, known).await;
                    }
                    Some(RegistryCommand::Rename { actor, from, to, reply }) => {
                        // Whoever asked may be gone; the rename happened all the same.
                        let _ = reply.send(self.rename(actor, from, to).await);
                    }
                    Some(RegistryCommand::Delete { actor, path, reply }) => {
                        let _ = reply.send(self.delete(actor, path).await);
                    }
                    Some(RegistryCommand::Finish(reply)) => {
                        let finished = self.finish().await;
                        // Nobody waits any more if the time for ending is over.
                        let _ = reply.send(finished);
                        break;
                    }
                    None => break,
                },
            }
        }
    }

    async fn open(
        &mut self,
        connection: Arc<ParticipantConnection>,
        request: RequestId,
        path: WorkspacePath,
        known: Option<KnownDocument>,
    ) {
        // Whoever was away when an open file was moved goes on where it is now.
        let open_already = known.as_ref().and_then(|known| self.open.get(&known.document));
        let path = open_already.map_or(path, |open| open.path.clone());
        // Two paths may lead to one file, by a link: one document serves both.
        let workspace = self.workspace.clone();
        let resolved = blocking(move || workspace.locate(Access::Read, &path)).await;
        let path = match resolved {
            Ok(path) => path,
            Err(fault) => return connection.outbox.fault(Some(request), fault),
        };
        let refuse = |fault| connection.outbox.fault(Some(request), fault);
        let mut known = known;
        if let Some(document) = self.by_path.get(&path).copied()
            && let Some(open) = self.open.get_mut(&document)
        {
            if let Err(fault) = connection.hold(document) {
                return refuse(fault);
            }
            open.openings += 1;
            let command = DocumentCommand::Open(Arc::clone(&connection), request, known);
            match open.handle.0.send(command).await {
                // It failed to open a moment ago; its notice is on the way. Try afresh.
                Err(mpsc::error::SendError(DocumentCommand::Open(_, _, back))) => known = back,
                Ok(()) | Err(_) => return,
            }
            connection.release(document);
        }
        if self.open.len() >= MAX_DOCUMENTS {
            return refuse(Fault::new(FaultCode::TooManyOpen).with(MAX_DOCUMENTS));
        }
        let id = self.ids.next();
        if let Err(fault) = connection.hold(id) {
            return refuse(fault);
        }
        let (actor, handle) = DocumentActor::new(
            id,
            path.clone(),
            self.workspace.clone(),
            self.state.as_ref().map(|state| state.journal_path(id)),
            self.notices_sender.clone(),
            self.events.clone(),
        );
        self.insert(id, path, actor, handle.clone());
        if let Some(open) = self.open.get_mut(&id) {
            open.openings += 1;
        }
        handle.send(DocumentCommand::Open(connection, request, known)).await;
    }

    async fn notice(&mut self, notice: DocumentNotice) {
        match notice {
            DocumentNotice::Idle { document, openings } => {
                // An opening on its way to the document: it is not idle any more.
                if self.open.get(&document).is_none_or(|open| open.openings != openings) {
                    return;
                }
                if let Some(open) = self.forget(document) {
                    let (done, _) = oneshot::channel();
                    open.handle.send(DocumentCommand::Finish(done)).await;
                }
            }
            DocumentNotice::Failed { document } => {
                self.forget(document);
            }
        }
    }

    fn forget(&mut self, document: DocumentId) -> Option<Open> {
        let open = self.open.remove(&document)?;
        debug!(%document, "closed");
        self.table.write().remove(&document);
        if self.by_path.get(&open.path) == Some(&document) {
            self.by_path.remove(&open.path);
        }
        if let Some(parent) = open.path.parent() {
            self.watching.unwatch(&parent);
        }
        Some(open)
    }

    async fn check_disk(&self, concerns: impl Fn(&WorkspacePath) -> bool) {
        for open in self.open.values().filter(|open| concerns(&open.path)) {
            open.handle.send(DocumentCommand::CheckDisk).await;
        }
    }

    async fn rename(&mut self, actor: Actor, from: WorkspacePath, to: WorkspacePath) -> Result<(), Fault> {
        let workspace = self.workspace.clone();
        let paused = self.pause(&from).await;
        let (source, target) = (from.clone(), to.clone());
        let result = blocking(move || workspace.rename(actor, &source, &target)).await;
        for document in paused {
            let Some(open) = self.open.get_mut(&document) else { continue };
            let moved = open.path.rebased(&from, &to).filter(|_| result.is_ok());
            if let Some(path) = &moved {
                if let (Some(old), Some(new)) = (open.path.parent(), path.parent()) {
                    self.watching.watch(&new);
                    self.watching.unwatch(&old);
                }
                self.by_path.remove(&open.path);
                self.by_path.insert(path.clone(), document);
                open.path = path.clone();
            }
            open.handle.send(DocumentCommand::Resume(moved)).await;
        }
        result
    }

    async fn delete(&mut self, actor: Actor, path: WorkspacePath) -> Result<(), Fault> {
        let workspace = self.workspace.clone();
        let paused = self.pause(&path).await;
        let result = blocking(move || workspace.delete(actor, &path)).await;
        for document in paused {
            if let Some(open) = self.open.get(&document) {
                open.handle.send(DocumentCommand::Resume(None)).await;
            }
        }
        result
    }

    /// Lets every document below a path leave the disk alone, so that no checkpoint recreates what is moved away.
    async fn pause(&self, path: &WorkspacePath) -> Vec<DocumentId> {
        let mut paused = Vec::new();
        for (document, open) in self.open.iter().filter(|(_, open)| open.path.is_within(path)) {
            let (done, idle) = oneshot::channel();
            if open.handle.send(DocumentCommand::Pause(done)).await {
                paused.push((*document, idle));
            }
        }
        let mut documents = Vec::with_capacity(paused.len());
        for (document, idle) in paused {
            // An error means that the document ended: it leaves the disk alone as well.
            let _ = idle.await;
            documents.push(document);
        }
        documents
    }

    async fn finish(&mut self) -> AllFinished {
        let mut waiting = Vec::new();
        for open in self.open.values() {
            let (done, finished) = oneshot::channel();
            if open.handle.send(DocumentCommand::Finish(done)).await {
                waiting.push((open.path.clone(), finished));
            }
        }
        let mut all = AllFinished::default();
        for (path, finished) in waiting {
            match finished.await {
                Ok(Finished::Saved) => {}
                Ok(Finished::Unsaved(text)) => all.unsaved.push(*text),
                Err(_) => all.broken.push(path),
            }
        }
        self.table.write().clear();
        self.open.clear();
        all
    }
}

/// Runs something that touches the disk where it may block.
pub(super) async fn blocking<T: Send + 'static, E: Into<Fault> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Fault> {
    match disk_work::begin(work).await {
        Some(result) => result.map_err(Into::into),
        None => Err(FaultCode::Internal.into()),
    }
}
