//! Where work on the disk is done: on threads that may block, or, in a simulation, on the thread that drives the agent.
//!
//! The one place which knows. A simulation must play the same way twice, and threads, like the time of day, do not.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use cap_std::fs::File;

/// A step of a save, in the order of `document/disk/in_place.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaveStep {
    /// The journal has the intent, on the disk.
    Kept,
    /// The save goes on: the intent was kept, or nobody keeps any.
    Announced,
    /// The file is about to be opened for writing.
    Open,
    /// Room is about to be reserved.
    Reserve,
    /// Bytes are about to be appended.
    Append,
    /// They were.
    Appended,
    /// Bytes are about to be written over others.
    Overwrite,
    /// They were.
    Overwritten,
    /// The end is about to be cut off.
    Cut,
    /// Old bytes are about to be written back, because something failed.
    TakeBack,
    /// The file was read again, and holds what it should.
    ReadBack,
    /// It is about to be forced to the disk.
    Sync,
    /// It was.
    Synced,
}

/// Where a save stands.
#[derive(Debug)]
pub struct SavePoint<'a> {
    /// The step.
    pub step: SaveStep,
    /// What is about to be written, and where, in a step that writes.
    pub write: Option<(&'a File, u64, &'a [u8])>,
}

/// What is asked at each step of a save. An error is one of the disk; a panic is the end of the program.
pub type SaveHook = Box<dyn FnMut(&SavePoint<'_>) -> io::Result<()>>;

thread_local! {
    /// Asked at each step of a save, by tests.
    static SAVE_HOOK: RefCell<Option<SaveHook>> = const { RefCell::new(None) };
    /// The simulated time of day since 1970, while an agent is simulated on this thread.
    static SIMULATED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// From now on the agents of this thread are simulated: their work on the disk is done by this thread, between two looks
/// at other tasks, and this is the time of day that files are compared with. To be called again as that time passes.
pub fn simulate_on_this_thread(time_of_day: Duration) {
    SIMULATED.set(Some(time_of_day));
}

/// From now on this is asked at each step of each save on this thread. For tests: what a disk refuses, and ends of the program,
/// in the middle of a save.
pub fn on_save_steps(hook: Option<SaveHook>) {
    SAVE_HOOK.with(|cell| *cell.borrow_mut() = hook);
}

/// A save stands here.
pub(super) fn save_point(point: &SavePoint<'_>) -> io::Result<()> {
    // Taken out while it is asked, so that it may save something itself.
    let Some(mut hook) = SAVE_HOOK.with(|cell| cell.borrow_mut().take()) else { return Ok(()) };
    let answer = hook(point);
    SAVE_HOOK.with(|cell| {
        cell.borrow_mut().get_or_insert(hook);
    });
    answer
}

/// The time of day, for comparing with the times of files and for nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "the times of files are the system's, and so must be the other side"
)]
pub(super) fn time_of_day() -> Duration {
    SIMULATED
        .get()
        .unwrap_or_else(|| SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Begins something that may block.
pub(super) fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> DiskWork<T> {
    if SIMULATED.get().is_none() {
        let running = tokio::task::spawn_blocking(work);
        return DiskWork(Box::pin(async move { running.await.ok() }));
    }
    DiskWork(Box::pin(async move {
        // A kill may come before the disk was touched, and after it before anybody was told.
        tokio::task::yield_now().await;
        let done = work();
        tokio::task::yield_now().await;
        Some(done)
    }))
}

/// Work on the disk that is under way; gives what came of it, or nothing if it panicked.
pub(super) struct DiskWork<T>(Pin<Box<dyn Future<Output = Option<T>> + Send>>);

impl<T> Future for DiskWork<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<T> std::fmt::Debug for DiskWork<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DiskWork")
    }
}
