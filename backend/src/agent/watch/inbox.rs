//! What the watching thread has to look at next: commands of the agent, and events of the system, gathered.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use notify::EventKind;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use parking_lot::{Condvar, Mutex};
use parlor_shared::path::WorkspacePath;

/// What the agent asks for.
#[derive(Debug)]
pub(super) enum Command {
    Watch(WorkspacePath),
    Unwatch(WorkspacePath),
}

/// Everything that came since the last look.
#[derive(Debug, Default)]
pub(super) struct News {
    /// In order. Bounded by what the agent has open: it asks once for each path.
    pub(super) commands: Vec<Command>,
    /// Watched paths to which something happened, however often. Bounded by their number.
    pub(super) touched: BTreeSet<WorkspacePath>,
    /// Watched paths whose folder, or one above it, was deleted or moved.
    pub(super) lost: BTreeSet<WorkspacePath>,
    /// Events were lost.
    pub(super) everything: bool,
}

/// Shared by the agent, the thread of the system's events and ours. No lock is held while anything else is done.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    news: News,
    /// Which watched paths the events of a folder on the disk concern.
    routes: HashMap<PathBuf, BTreeSet<WorkspacePath>>,
    stopped: bool,
}

impl Inbox {
    pub(super) fn send(&self, command: Command) {
        self.state.lock().news.commands.push(command);
        self.changed.notify_one();
    }

    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_one();
    }

    /// Waits for news, until the deadline at the longest. `None` once stopped.
    pub(super) fn wait_until(&self, deadline: Instant) -> Option<News> {
        let mut state = self.state.lock();
        while !state.stopped && state.news.is_empty() {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        if state.stopped { None } else { Some(std::mem::take(&mut state.news)) }
    }

    /// From now on the events of this folder concern that path.
    pub(super) fn route(&self, folder: &Path, path: &WorkspacePath) {
        self.state.lock().routes.entry(folder.to_owned()).or_default().insert(path.clone());
    }

    /// Ends [`Self::route`]. True if the folder's events concern nobody any more.
    pub(super) fn unroute(&self, folder: &Path, path: &WorkspacePath) -> bool {
        let mut state = self.state.lock();
        let Some(paths) = state.routes.get_mut(folder) else { return true };
        paths.remove(path);
        let unused = paths.is_empty();
        if unused {
            state.routes.remove(folder);
        }
        unused
    }
}

impl News {
    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.touched.is_empty() && self.lost.is_empty() && !self.everything
    }
}

impl State {
    fn take_in(&mut self, event: notify::Result<notify::Event>) {
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            Ok(_) => return self.news.everything = true,
            Err(error) => {
                tracing::debug!(%error, "events were lost");
                return self.news.everything = true;
            }
        };
        let gone = match event.kind {
            // Our own reading is no change.
            EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write) => return,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
            _ => false,
        };
        for path in &event.paths {
            if let Some(paths) = path.parent().and_then(|folder| self.routes.get(folder)) {
                self.news.touched.extend(paths.iter().cloned());
            }
            if gone {
                // With a folder goes what lies below it, of which there are no events.
                let below = self.routes.iter().filter(|(folder, _)| folder.starts_with(path));
                self.news.lost.extend(below.flat_map(|(_, paths)| paths.iter().cloned()));
            } else if let Some(paths) = self.routes.get(path) {
                self.news.touched.extend(paths.iter().cloned());
            }
        }
    }
}

/// Takes the system's events, on a thread of its own. Never waits for ours.
pub(super) struct Handler(pub(super) Arc<Inbox>);

impl notify::EventHandler for Handler {
    fn handle_event(&mut self, event: notify::Result<notify::Event>) {
        let mut state = self.0.state.lock();
        state.take_in(event);
        let news = !state.news.is_empty();
        drop(state);
        if news {
            self.0.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind, RenameMode};

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    fn after(events: &[(EventKind, &str)]) -> News {
        let mut state = State::default();
        for (folder, paths) in [("/w", &["", "x"][..]), ("/w/a", &["a"]), ("/w/a/b", &["a/b"])] {
            state.routes.insert(folder.into(), paths.iter().copied().map(path).collect());
        }
        for (kind, path) in events {
            state.take_in(Ok(notify::Event::new(*kind).add_path(path.into())));
        }
        state.news
    }

    fn texts(paths: &BTreeSet<WorkspacePath>) -> Vec<&str> {
        paths.iter().map(WorkspacePath::as_str).collect()
    }

    #[test]
    fn an_event_concerns_whoever_watches_its_folder() {
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let news = after(&[(EventKind::Create(CreateKind::File), "/w/new"), (modified, "/w/new")]);
        assert_eq!(texts(&news.touched), ["", "x"]);
        assert!(after(&[(modified, "/elsewhere/file"), (modified, "/w/c/file")]).is_empty());
        assert_eq!(
            texts(&after(&[(EventKind::Access(AccessKind::Close(AccessMode::Write)), "/w/a/f")]).touched),
            ["a"]
        );
    }

    #[test]
    fn reading_is_no_change() {
        assert!(after(&[(EventKind::Access(AccessKind::Open(AccessMode::Any)), "/w/file")]).is_empty());
    }

    #[test]
    fn with_a_folder_goes_what_lies_below_it() {
        let moved = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        assert_eq!(texts(&after(&[(moved, "/w/a")]).lost), ["a", "a/b"]);
        assert_eq!(texts(&after(&[(EventKind::Remove(RemoveKind::Folder), "/w/a/b")]).lost), ["a/b"]);
        assert!(after(&[(EventKind::Remove(RemoveKind::File), "/w/ab")]).lost.is_empty());
    }

    #[test]
    fn lost_events_concern_everybody() {
        let mut state = State::default();
        state.take_in(Ok(notify::Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(std::mem::take(&mut state.news).everything);
        state.take_in(Err(notify::Error::generic("an error")));
        assert!(state.news.everything);
    }
}
