//! The tree as participants see it: who watches which folder, what they were told, and what changed since.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, RequestId};
use parlor_shared::limits::MAX_WATCHED_FOLDERS;
use parlor_shared::message::{Entry, ToGuest, WorkspaceToGuest};
use parlor_shared::path::WorkspacePath;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::documents::blocking;
use super::outbox::encode;
use super::participant::{ConnectionId, ParticipantConnection};
use super::watching::{FolderEvent, Watching};
use super::workspace::{Listing, Workspace};

/// Commands that may wait; a connection that sends more waits.
const INBOX_CAPACITY: usize = 256;

/// Folders that are read at once.
const READS_AT_ONCE: usize = 4;

/// Requests of one participant for one folder that may wait for its reading: each is answered with a whole listing.
const MAX_ASKING: usize = 8;

/// A participant whose lane was full is told anew after this pause.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// More changes than this are told as a whole listing: it is shorter.
const MAX_CHANGES: usize = 512;

#[derive(Debug)]
enum TreeCommand {
    Watch(Arc<ParticipantConnection>, RequestId, WorkspacePath),
    Unwatch(ParticipantId, WorkspacePath),
    Gone(ParticipantId, ConnectionId),
}

/// A way to reach the tree.
#[derive(Debug, Clone)]
pub(super) struct TreeHandle(mpsc::Sender<TreeCommand>);

impl TreeHandle {
    /// Lists a folder and tells its changes from then on.
    pub(super) async fn watch(
        &self,
        who: Arc<ParticipantConnection>,
        request: RequestId,
        folder: WorkspacePath,
    ) {
        self.send(TreeCommand::Watch(who, request, folder)).await;
    }

    /// No longer tells a folder's changes.
    pub(super) async fn unwatch(&self, who: ParticipantId, folder: WorkspacePath) {
        self.send(TreeCommand::Unwatch(who, folder)).await;
    }

    /// A connection is over.
    pub(super) async fn gone(&self, who: ParticipantId, connection: ConnectionId) {
        self.send(TreeCommand::Gone(who, connection)).await;
    }

    async fn send(&self, command: TreeCommand) {
        // The tree ends with the session; what is asked then is void.
        let _ = self.0.send(command).await;
    }
}

struct Watched {
    /// What the watchers were told last; nothing before the first reading.
    listing: Option<Listing>,
    watchers: BTreeMap<ParticipantId, Arc<ParticipantConnection>>,
    asking: Vec<(Arc<ParticipantConnection>, RequestId)>,
    /// Watchers whose lane was full: they get the whole listing.
    behind: BTreeSet<ParticipantId>,
    reading: bool,
    /// It changed while it was being read.
    again: bool,
}

type Reading = (WorkspacePath, Result<Listing, Fault>);

/// Sole owner of what is told about the tree.
pub(super) struct TreeActor {
    workspace: Workspace,
    watching: Watching,
    folder_events: broadcast::Receiver<FolderEvent>,
    inbox: mpsc::Receiver<TreeCommand>,
    ended: CancellationToken,
    folders: BTreeMap<WorkspacePath, Watched>,
    to_read: BTreeSet<WorkspacePath>,
    readings: JoinSet<Reading>,
    retry_at: Option<Instant>,
}

impl TreeActor {
    pub(super) fn new(
        workspace: Workspace,
        watching: Watching,
        ended: CancellationToken,
    ) -> (Self, TreeHandle) {
        let (sender, inbox) = mpsc::channel(INBOX_CAPACITY);
        let actor = Self {
            workspace,
            folder_events: watching.subscribe(),
            watching,
            inbox,
            ended,
            folders: BTreeMap::new(),
            to_read: BTreeSet::new(),
            readings: JoinSet::new(),
            retry_at: None,
        };
        (actor, TreeHandle(sender))
    }

    pub(super) async fn run(mut self) {
        loop {
            self.start_readings();
            let retry_at = self.retry_at;
            // Every arm is cancel-safe: a token, a time, `join_next`, receives. Rarest first.
            tokio::select! {
                biased;
                () = self.ended.cancelled() => break,
                () = tokio::time::sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {
                    self.retry_at = None;
                    self.catch_up();
                }
                event = self.folder_events.recv() => match event {
                    Ok(FolderEvent::Changed(folder)) => self.changed(&folder),
                    Ok(FolderEvent::Everything) | Err(broadcast::error::RecvError::Lagged(_)) => {
                        let folders: Vec<WorkspacePath> = self.folders.keys().cloned().collect();
                        folders.iter().for_each(|folder| self.changed(folder));
                    }
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                Some(reading) = self.readings.join_next() => {
                    if let Ok((folder, result)) = reading {
                        self.was_read(folder, result);
                    }
                }
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command),
                    None => break,
                },
            }
        }
    }

    fn handle(&mut self, command: TreeCommand) {
        match command {
            TreeCommand::Watch(who, request, folder) => self.watch(who, request, folder),
            TreeCommand::Unwatch(who, folder) => self.unwatch(who, &folder),
            TreeCommand::Gone(who, connection) => {
                let is_gone = |watched: &Watched| {
                    watched.watchers.get(&who).is_some_and(|watcher| watcher.connection == connection)
                };
                let folders = self.folders.iter().filter(|(_, watched)| is_gone(watched));
                let folders: Vec<WorkspacePath> = folders.map(|(folder, _)| folder.clone()).collect();
                folders.iter().for_each(|folder| self.unwatch(who, folder));
            }
        }
    }

    fn watch(&mut self, who: Arc<ParticipantConnection>, request: RequestId, folder: WorkspacePath) {
        if who.stopped.is_cancelled() {
            return;
        }
        let watches = self.folders.values().filter(|watched| watched.watchers.contains_key(&who.id)).count();
        let is_new = self.folders.get(&folder).is_none_or(|watched| !watched.watchers.contains_key(&who.id));
        if is_new && watches >= MAX_WATCHED_FOLDERS {
            let fault = Fault::new(FaultCode::TooManyOpen).with(MAX_WATCHED_FOLDERS);
            return who.outbox.fault(Some(request), fault);
        }
        let asks =
            |watched: &Watched| watched.asking.iter().filter(|(asking, _)| asking.id == who.id).count();
        if self.folders.get(&folder).map_or(0, asks) >= MAX_ASKING {
            return who.outbox.fault(Some(request), FaultCode::Busy.into());
        }
        // Watch, then read: a change in between is told twice rather than not at all.
        let watching = &self.watching;
        let watched = self.folders.entry(folder.clone()).or_insert_with(|| {
            watching.watch(&folder);
            Watched {
                listing: None,
                watchers: BTreeMap::new(),
                asking: Vec::new(),
                behind: BTreeSet::new(),
                reading: false,
                again: false,
            }
        });
        watched.watchers.insert(who.id, Arc::clone(&who));
        watched.asking.push((who, request));
        self.changed(&folder);
    }

    fn unwatch(&mut self, who: ParticipantId, folder: &WorkspacePath) {
        let Some(watched) = self.folders.get_mut(folder) else { return };
        watched.watchers.remove(&who);
        watched.behind.remove(&who);
        if watched.watchers.is_empty() {
            self.folders.remove(folder);
            self.to_read.remove(folder);
            self.watching.unwatch(folder);
        }
    }

    fn changed(&mut self, folder: &WorkspacePath) {
        let Some(watched) = self.folders.get_mut(folder) else { return };
        if watched.reading {
            watched.again = true;
        } else {
            self.to_read.insert(folder.clone());
        }
    }

    fn start_readings(&mut self) {
        while self.readings.len() < READS_AT_ONCE {
            let Some(folder) = self.to_read.pop_first() else { return };
            let Some(watched) = self.folders.get_mut(&folder) else { continue };
            watched.reading = true;
            let workspace = self.workspace.clone();
            self.readings.spawn(async move {
                let path = folder.clone();
                let result = blocking(move || workspace.list(&path)).await;
                (folder, result)
            });
        }
    }

    fn was_read(&mut self, folder: WorkspacePath, result: Result<Listing, Fault>) {
        let Some(watched) = self.folders.get_mut(&folder) else { return };
        watched.reading = false;
        if std::mem::take(&mut watched.again) {
            self.to_read.insert(folder.clone());
        }
        let listing = match result {
            Ok(listing) => listing,
            Err(fault) => return self.unreadable(&folder, fault),
        };
        let asking = std::mem::take(&mut watched.asking);
        let is_asking = |id: ParticipantId| asking.iter().any(|(who, _)| who.id == id);
        let news = watched.listing.as_ref().and_then(|before| Self::news(&folder, before, &listing));
        if let Some(news) = news {
            for (id, watcher) in watched.watchers.iter().filter(|(id, _)| !is_asking(**id)) {
                if watched.behind.contains(id) || watcher.outbox.tree(news.clone()).is_err() {
                    watched.behind.insert(*id);
                }
            }
        }
        for (who, request) in asking {
            watched.behind.remove(&who.id);
            who.outbox.workspace(request, listing_message(Some(request), &folder, &listing));
        }
        watched.listing = Some(listing);
        if !watched.behind.is_empty() {
            self.retry_at.get_or_insert_with(|| Instant::now() + RETRY_PAUSE);
        }
    }

    /// The folder is gone or can not be read: everybody who watched it is told, and it is watched no longer.
    fn unreadable(&mut self, folder: &WorkspacePath, fault: Fault) {
        let Some(watched) = self.folders.remove(folder) else { return };
        self.to_read.remove(folder);
        self.watching.unwatch(folder);
        let is_asking = |id: ParticipantId| watched.asking.iter().any(|(who, _)| who.id == id);
        let message = encode(&ToGuest::Workspace(WorkspaceToGuest::FolderGone { folder: folder.clone() }));
        for (id, watcher) in &watched.watchers {
            if !is_asking(*id) && watcher.outbox.tree(message.clone()).is_err() {
                // Not worth a retry list: the folder's parent tells that the entry is gone.
                watcher.outbox.fault(None, fault.clone());
            }
        }
        for (who, request) in watched.asking {
            who.outbox.fault(Some(request), fault.clone());
        }
    }

    fn catch_up(&mut self) {
        for (folder, watched) in &mut self.folders {
            let Some(listing) = &watched.listing else { continue };
            let watchers = &watched.watchers;
            watched.behind.retain(|id| {
                let message = encode(&ToGuest::Workspace(listing_message(None, folder, listing)));
                watchers.get(id).is_some_and(|watcher| watcher.outbox.tree(message).is_err())
            });
            if !watched.behind.is_empty() {
                self.retry_at.get_or_insert_with(|| Instant::now() + RETRY_PAUSE);
            }
        }
    }

    /// What is to be told of a change, if anything.
    fn news(folder: &WorkspacePath, before: &Listing, now: &Listing) -> Option<Bytes> {
        if before == now {
            return None;
        }
        let old: HashMap<&str, &Entry> =
            before.entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        let new: HashMap<&str, &Entry> =
            now.entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        let changed: Vec<Entry> =
            now.entries.iter().filter(|entry| old.get(entry.name.as_str()) != Some(entry)).cloned().collect();
        let removed: Vec<String> = before
            .entries
            .iter()
            .filter(|entry| !new.contains_key(entry.name.as_str()))
            .map(|entry| entry.name.clone())
            .collect();
        let message = if changed.len() + removed.len() > MAX_CHANGES || before.omitted != now.omitted {
            listing_message(None, folder, now)
        } else {
            WorkspaceToGuest::Changes { folder: folder.clone(), changed, removed }
        };
        Some(encode(&ToGuest::Workspace(message)))
    }
}

fn listing_message(
    request: Option<RequestId>,
    folder: &WorkspacePath,
    listing: &Listing,
) -> WorkspaceToGuest {
    WorkspaceToGuest::Listing {
        request,
        folder: folder.clone(),
        entries: listing.entries.clone(),
        omitted: listing.omitted,
    }
}
