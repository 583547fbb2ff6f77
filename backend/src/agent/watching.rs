//! Which folders are watched for changes, counted by how many need them, and who is told.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_shared::path::WorkspacePath;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::watch::{Change, Watcher};

/// Events that a listener may be behind; one that is further behind looks at everything again.
const EVENTS_BEHIND: usize = 256;

/// Something changed on the disk. Idempotent: look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FolderEvent {
    /// In this folder.
    Changed(WorkspacePath),
    /// Somewhere: events were lost.
    Everything,
}

/// A way to watch folders.
#[derive(Clone)]
pub(super) struct Watching {
    counted: Arc<Mutex<Counted>>,
    events: broadcast::Sender<FolderEvent>,
}

struct Counted {
    watcher: Watcher,
    needed: HashMap<WorkspacePath, usize>,
}

impl Watching {
    /// Starts with nothing watched. The task that passes events on is to be run by the caller.
    pub(super) fn new(
        watcher: Watcher,
        mut changes: tokio::sync::mpsc::Receiver<Vec<Change>>,
        ended: CancellationToken,
    ) -> (Self, impl Future<Output = ()>) {
        let (events, _) = broadcast::channel(EVENTS_BEHIND);
        let watching = Self {
            counted: Arc::new(Mutex::new(Counted { watcher, needed: HashMap::new() })),
            events: events.clone(),
        };
        let pass_on = async move {
            loop {
                // Both arms are cancel-safe: a token and `recv`.
                tokio::select! {
                    biased;
                    () = ended.cancelled() => break,
                    batch = changes.recv() => {
                        let Some(batch) = batch else { break };
                        for change in batch {
                            // An error means that nobody listens yet or any more.
                            let _ = events.send(match change {
                                Change::Folder(folder) => FolderEvent::Changed(folder),
                                Change::Everything => FolderEvent::Everything,
                            });
                        }
                    }
                }
            }
        };
        (watching, pass_on)
    }

    /// Changes from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<FolderEvent> {
        self.events.subscribe()
    }

    /// Somebody needs to know what happens in a folder.
    pub(super) fn watch(&self, folder: &WorkspacePath) {
        let mut counted = self.counted.lock();
        let needed = counted.needed.entry(folder.clone()).or_default();
        *needed += 1;
        if *needed == 1 {
            counted.watcher.watch(folder);
        }
    }

    /// Somebody no longer needs to know.
    pub(super) fn unwatch(&self, folder: &WorkspacePath) {
        let mut counted = self.counted.lock();
        let Some(needed) = counted.needed.get_mut(folder) else { return };
        *needed -= 1;
        if *needed == 0 {
            counted.needed.remove(folder);
            counted.watcher.unwatch(folder);
        }
    }
}
