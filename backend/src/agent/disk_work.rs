//! Where work on the disk is done: on threads that may block, or, in a simulation, on the thread that drives the agent.
//!
//! The one place which knows. A simulation must play the same way twice, and threads, like the time of day, do not.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

thread_local! {
    /// The simulated time of day since 1970, while an agent is simulated on this thread.
    static SIMULATED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// From now on the agents of this thread are simulated: their work on the disk is done by this thread, between two looks
/// at other tasks, and this is the time of day that files are compared with. To be called again as that time passes.
pub fn simulate_on_this_thread(time_of_day: Duration) {
    SIMULATED.set(Some(time_of_day));
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

/// Whether the agents of this thread are simulated.
pub(super) fn is_simulated() -> bool {
    SIMULATED.get().is_some()
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
