//! Notices what happens on the disk, in exactly the folders that somebody looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use parlor_shared::path::WorkspacePath;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::workspace::{Access, FileStamp, Workspace, platform};
use inbox::{Command, Handler, Inbox};

mod inbox;

/// From the first event to telling of it: programs do several things in a row.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Shortest time between two batches.
const BATCH_INTERVAL: Duration = Duration::from_millis(100);

/// Between two looks where the system does not tell of changes.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Between two looks where it does: should it fail to, nothing stays unseen for longer.
const SAFETY_POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Batches that wait for the receiver. When full nothing is dropped: what changes meanwhile gathers in the next batch,
/// which names each folder once.
const WAITING_BATCHES: usize = 4;

/// Folders named in a batch. More are told as [`Change::Everything`].
const MAX_NAMED_FOLDERS: usize = 256;

/// Something happened on the disk. Idempotent: it says where to look again, not what is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// In this folder, to its entries or their content; or it is gone.
    Folder(WorkspacePath),
    /// In any of the watched folders: events were lost, or there are too many to name.
    Everything,
}

/// Where changes are learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// From the system, and by looking where it does not tell: network file systems, and beyond its limits.
    Native,
    /// By looking only. Notices changes of folders, and of those files that are watched themselves.
    Poll,
}

/// Watches folders and files of a workspace, none recursively. Its thread ends when it is dropped.
///
/// Safety: a watched path is reported once when its watch is set, so that what changed between the caller's first look
/// and that moment is looked at again. Liveness: what the system does not tell is found by looking, at the latest after
/// `SAFETY_POLL_INTERVAL`.
#[derive(Debug)]
pub struct Watcher {
    /// None: nothing is watched, see [`Watcher::blind`].
    inbox: Option<Arc<Inbox>>,
}

impl Watcher {
    /// Starts with nothing watched. `PARLOR_WATCH=poll` chooses [`WatchMode::Poll`].
    pub fn new(workspace: &Workspace) -> (Self, mpsc::Receiver<Vec<Change>>) {
        let poll = std::env::var_os("PARLOR_WATCH").is_some_and(|mode| mode.eq_ignore_ascii_case("poll"));
        Self::with_mode(workspace, if poll { WatchMode::Poll } else { WatchMode::Native })
    }

    /// Starts with nothing watched.
    pub fn with_mode(workspace: &Workspace, mode: WatchMode) -> (Self, mpsc::Receiver<Vec<Change>>) {
        let inbox = Arc::new(Inbox::default());
        let (batches, receiver) = mpsc::channel(WAITING_BATCHES);
        let (workspace, thread_inbox) = (workspace.clone(), Arc::clone(&inbox));
        // Not joined: it waits for the disk at worst, ends by itself, and holds nothing that somebody waits for.
        let started = std::thread::Builder::new()
            .name("parlor-watch".to_owned())
            .spawn(move || WatchLoop::new(workspace, mode, thread_inbox, batches).run());
        if let Err(error) = started {
            tracing::warn!(%error, "changes on the disk are not noticed: no thread for it");
        }
        (Self { inbox: Some(inbox) }, receiver)
    }

    /// Watches nothing: somebody else tells what changes.
    pub(super) const fn blind() -> Self {
        Self { inbox: None }
    }

    /// Watches a folder, or a file and whatever it links to; whether or not it exists yet. Of a file, changes are told
    /// as those of the folder that the path names. Does not wait. Watching twice is watching once.
    pub fn watch(&self, path: &WorkspacePath) {
        self.send(Command::Watch(path.clone()));
    }

    /// Ends what [`Self::watch`] began. Does not wait.
    pub fn unwatch(&self, path: &WorkspacePath) {
        self.send(Command::Unwatch(path.clone()));
    }

    fn send(&self, command: Command) {
        if let Some(inbox) = &self.inbox {
            inbox.send(command);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(inbox) = &self.inbox {
            inbox.stop();
        }
    }
}

/// What watches one path.
#[derive(Debug)]
struct Watched {
    /// The folders on the disk whose events concern it.
    folders: Vec<PathBuf>,
    /// What is told when something happens to it.
    reports: Vec<WorkspacePath>,
    source: Source,
    /// Its state when it was looked at last; none if nothing is there.
    stamp: Option<FileStamp>,
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    System,
    Looking,
}

/// What is due at the next poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// What is due anyway.
    Usual,
    /// A look: the system told of something, and does not tell of everything. Of a folder that is deleted while somebody
    /// has it open, as we have the root, it tells of the end of its entries and not of its own.
    Look,
    /// Telling of it once more: its clock may be too coarse for a second change at the same time.
    Tell,
}

/// Sole owner of what is watched.
struct WatchLoop {
    workspace: Workspace,
    inbox: Arc<Inbox>,
    batches: mpsc::Sender<Vec<Change>>,
    native: Option<RecommendedWatcher>,
    watched: BTreeMap<WorkspacePath, Watched>,
    pending: Pending,
    next_poll: Instant,
    next_safety_poll: Instant,
}

/// What is to be told, and when.
#[derive(Default)]
struct Pending {
    folders: BTreeSet<WorkspacePath>,
    everything: bool,
    due: Option<Instant>,
    last_sent: Option<Instant>,
}

impl WatchLoop {
    fn new(
        workspace: Workspace,
        mode: WatchMode,
        inbox: Arc<Inbox>,
        batches: mpsc::Sender<Vec<Change>>,
    ) -> Self {
        let native = match mode {
            WatchMode::Poll => None,
            WatchMode::Native => notify::recommended_watcher(Handler(Arc::clone(&inbox)))
                .inspect_err(
                    |error| tracing::warn!(%error, "the system does not tell of changes, looking for them"),
                )
                .ok(),
        };
        let now = now();
        Self {
            workspace,
            inbox,
            batches,
            native,
            watched: BTreeMap::new(),
            pending: Pending::default(),
            next_poll: now + POLL_INTERVAL,
            next_safety_poll: now + SAFETY_POLL_INTERVAL,
        }
    }

    fn run(mut self) {
        loop {
            let wake_at = self.pending.due.unwrap_or(self.next_poll).min(self.next_poll);
            let Some(news) = self.inbox.wait_until(wake_at) else { return };
            for command in news.commands {
                match command {
                    Command::Watch(path) if self.watched.contains_key(&path) => {}
                    Command::Watch(path) => self.watch(path),
                    Command::Unwatch(path) => self.unwatch(&path),
                }
            }
            self.pending.everything |= news.everything;
            for path in news.touched {
                if let Some(watched) = self.watched.get(&path) {
                    self.pending.folders.extend(watched.reports.iter().cloned());
                }
            }
            // A folder that was deleted or moved is not watched any more, whatever has its name now.
            for path in news.lost {
                self.watch_anew(&path);
            }
            let now = now();
            if now >= self.next_poll {
                self.poll(now);
            }
            if !self.pending.is_empty() && self.pending.due.is_none() {
                self.pending.due = Some(self.pending.first_due(now));
            }
            if self.pending.due.is_some_and(|due| due <= now) && !self.tell(now) {
                return;
            }
        }
    }

    fn watch(&mut self, path: WorkspacePath) {
        let Location { folders, reports } = Location::of(&self.workspace, &path);
        for folder in &folders {
            // Before the system is asked: an event of a folder that the inbox does not know is dropped.
            self.inbox.route(folder, &path);
        }
        let source = match &mut self.native {
            Some(native) if !folders.is_empty() => set_native(native, &folders, &path),
            _ => Source::Looking,
        };
        let stamp = self.workspace.stamp(&path).unwrap_or_default();
        self.pending.folders.extend(reports.iter().cloned());
        self.watched.insert(path, Watched { folders, reports, source, stamp, next: Next::Usual });
    }

    fn unwatch(&mut self, path: &WorkspacePath) {
        let Some(watched) = self.watched.remove(path) else { return };
        for folder in watched.folders {
            if self.inbox.unroute(&folder, path)
                && let Some(native) = &mut self.native
            {
                // An error means that it is not watched.
                let _ = native.unwatch(&folder);
            }
        }
    }

    fn watch_anew(&mut self, path: &WorkspacePath) {
        if self.watched.contains_key(path) {
            self.unwatch(path);
            self.watch(path.clone());
        }
    }

    /// Looks at what the system does not tell of, and from time to time at everything.
    fn poll(&mut self, now: Instant) {
        let safety = now >= self.next_safety_poll;
        self.next_poll = now + POLL_INTERVAL;
        if safety {
            self.next_safety_poll = now + SAFETY_POLL_INTERVAL;
        }
        let mut changed = Vec::new();
        for (path, watched) in &mut self.watched {
            let told_by_system =
                watched.source == Source::System && watched.stamp.is_some() && !path.is_root();
            if told_by_system && watched.next == Next::Usual && !safety {
                continue;
            }
            let next = std::mem::replace(&mut watched.next, Next::Usual);
            let stamp = self.workspace.stamp(path).unwrap_or_default();
            if stamp == watched.stamp {
                if next == Next::Tell {
                    self.pending.folders.extend(watched.reports.iter().cloned());
                }
                continue;
            }
            let same_entry = stamp.map(|stamp| stamp.inode) == watched.stamp.map(|stamp| stamp.inode);
            if told_by_system && same_entry && !safety {
                // Something goes on that the system tells of; this look was only faster.
                watched.stamp = stamp;
                self.pending.folders.extend(watched.reports.iter().cloned());
            } else {
                changed.push(path.clone());
            }
        }
        // It may lead elsewhere now, and the system tell of something else.
        for path in changed {
            self.watch_anew(&path);
            if let Some(watched) = self.watched.get_mut(&path) {
                watched.next = Next::Tell;
            }
        }
    }

    /// Sends what gathered. False if nobody receives any more.
    fn tell(&mut self, now: Instant) -> bool {
        let everything = self.pending.everything || self.pending.folders.len() > MAX_NAMED_FOLDERS;
        let batch: Vec<_> = if everything {
            vec![Change::Everything]
        } else {
            self.pending.folders.iter().cloned().map(Change::Folder).collect()
        };
        // What is looked at from now on was told of; whatever comes later differs from it.
        for (path, watched) in &mut self.watched {
            if watched.source == Source::System
                && (everything || watched.reports.iter().any(|report| self.pending.folders.contains(report)))
            {
                watched.stamp = self.workspace.stamp(path).unwrap_or_default();
                watched.next = Next::Look;
            }
        }
        match self.batches.try_send(batch) {
            Ok(()) => {
                self.pending = Pending { last_sent: Some(now), ..Pending::default() };
                true
            }
            Err(TrySendError::Full(_)) => {
                self.pending.due = Some(now + BATCH_INTERVAL);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        !self.everything && self.folders.is_empty()
    }

    fn first_due(&self, now: Instant) -> Instant {
        let earliest = now + DEBOUNCE;
        self.last_sent.map_or(earliest, |last| earliest.max(last + BATCH_INTERVAL))
    }
}

/// Where on the disk the events of a path arise.
struct Location {
    folders: Vec<PathBuf>,
    reports: Vec<WorkspacePath>,
}

impl Location {
    fn of(workspace: &Workspace, path: &WorkspacePath) -> Self {
        let root = workspace.absolute_root();
        let locate = |path: &WorkspacePath| {
            workspace.locate(Access::Read, path).ok().map(|place| (root.join(place.as_str()), place))
        };
        let target = locate(path);
        if let Some((folder, _)) = target.as_ref().filter(|(absolute, _)| absolute.is_dir()) {
            return Self { folders: vec![folder.clone()], reports: vec![path.clone()] };
        }
        // A file, or nothing yet. Its name may be replaced in its own folder, and its content where a link leads.
        let parent = path.parent().unwrap_or_default();
        let beside_target = target.as_ref().and_then(|(_, place)| place.parent());
        let beside = [locate(&parent), beside_target.as_ref().and_then(locate)];
        let folders: BTreeSet<_> = beside.into_iter().flatten().map(|(folder, _)| folder).collect();
        let folders = folders.into_iter().filter(|folder| folder.is_dir()).collect();
        let reports = if target.is_some() { vec![parent] } else { vec![parent, path.clone()] };
        Self { folders, reports }
    }
}

/// Asks the system to tell of these folders.
fn set_native(native: &mut RecommendedWatcher, folders: &[PathBuf], path: &WorkspacePath) -> Source {
    for folder in folders {
        if platform::served_by(folder).is_some() {
            // Others change it too, and only they are told.
            return Source::Looking;
        }
        // Also if another path needed it already: it may have been replaced since.
        if let Err(error) = native.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%path, %error, "the system does not tell of changes here, looking for them");
            return Source::Looking;
        }
    }
    Source::System
}

#[expect(clippy::disallowed_methods, reason = "this thread stands at the edge: it waits for the disk")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch_loop(root: &std::path::Path) -> (WatchLoop, mpsc::Receiver<Vec<Change>>) {
        let (batches, receiver) = mpsc::channel(WAITING_BATCHES);
        let workspace = Workspace::open(root).unwrap();
        (WatchLoop::new(workspace, WatchMode::Poll, Arc::default(), batches), receiver)
    }

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    #[test]
    fn what_does_not_fit_waits_and_is_told_once() {
        let temp = tempfile::tempdir().unwrap();
        let (mut watch, mut receiver) = watch_loop(temp.path());
        let mut now = now();
        for number in 0..WAITING_BATCHES + 3 {
            watch.pending.folders.extend([path("a"), path(&format!("b{number}"))]);
            now += BATCH_INTERVAL;
            assert!(watch.tell(now));
        }
        for number in 0..WAITING_BATCHES {
            let batch = [path("a"), path(&format!("b{number}"))].map(Change::Folder);
            assert_eq!(receiver.try_recv().unwrap(), batch);
        }
        assert!(receiver.try_recv().is_err());
        assert_eq!(watch.pending.due, Some(now + BATCH_INTERVAL));
        assert!(watch.tell(now));
        let waited = ["a", "b4", "b5", "b6"].map(|name| Change::Folder(path(name)));
        assert_eq!(receiver.try_recv().unwrap(), waited);
        assert!(watch.pending.is_empty());
        drop(receiver);
        assert!(!watch.tell(now), "nobody listens");
    }

    #[test]
    fn too_many_folders_to_name_are_everything() {
        let temp = tempfile::tempdir().unwrap();
        let (mut watch, mut receiver) = watch_loop(temp.path());
        watch.pending.folders.extend((0..=MAX_NAMED_FOLDERS).map(|number| path(&number.to_string())));
        assert!(watch.tell(now()));
        assert_eq!(receiver.try_recv().unwrap(), [Change::Everything]);
    }

    #[test]
    fn batches_keep_their_distance() {
        let now = now();
        let pending = |last_sent| Pending { last_sent, ..Pending::default() };
        assert_eq!(pending(None).first_due(now), now + DEBOUNCE);
        assert_eq!(pending(Some(now)).first_due(now), now + BATCH_INTERVAL);
    }
}
