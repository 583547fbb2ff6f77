//! Threads that write a session's small logs: a disk that stalls holds up nobody who only has something to keep.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio_util::task::TaskTracker;

use crate::agent::disk_work;

/// How long until what the disk refused is tried again, if nothing else is to be written.
const RETRY: Duration = Duration::from_secs(5);

/// Work on one log: writes whatever waits for it. Nothing waits most of the time.
pub(super) type Work = Box<dyn FnMut() + Send>;

/// Has the work on one log done elsewhere. Dropping it has it done for the last time.
pub(super) enum Writer {
    /// By a thread of its own. The channel holds one wish: work that has yet to begin finds all that waits.
    Thread(SyncSender<()>),
    /// By this thread, at once: in a simulation, which must play the same way twice.
    Here(Mutex<Work>),
}

impl Writer {
    /// Until all is written, `running` is not done, and the state's lock is held: nobody else writes beside it.
    pub(super) fn start(work: Work, running: &TaskTracker, lock: &Arc<File>) -> std::io::Result<Self> {
        if disk_work::is_simulated() {
            return Ok(Self::Here(Mutex::new(work)));
        }
        let (wishes, wished) = sync_channel(1);
        let (mut work, held) = (work, (running.token(), Arc::clone(lock)));
        std::thread::Builder::new().name("state writer".to_owned()).spawn(move || {
            loop {
                let is_over = wished.recv_timeout(RETRY) == Err(RecvTimeoutError::Disconnected);
                STALL.wait();
                work();
                if is_over {
                    drop(held);
                    return;
                }
            }
        })?;
        Ok(Self::Thread(wishes))
    }

    /// Something waits to be written.
    pub(super) fn wake(&mut self) {
        match self {
            // Full: the thread will look anyway. It ends after this does.
            Self::Thread(wishes) => drop(wishes.try_send(())),
            Self::Here(work) => work.get_mut()(),
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Writer")
    }
}

/// A fault point for tests: while it is set, the disk of every state in this program stalls.
static STALL: Stall = Stall { is_set: Mutex::new(false), changed: Condvar::new() };

struct Stall {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stall {
    fn wait(&self) {
        let mut is_set = self.is_set.lock();
        while *is_set {
            self.changed.wait(&mut is_set);
        }
    }

    fn begin(&self) {
        *self.is_set.lock() = true;
    }

    fn end(&self) {
        *self.is_set.lock() = false;
        self.changed.notify_all();
    }
}

/// For tests: the disk under every session's state stalls until this is dropped.
#[doc(hidden)]
#[derive(Debug)]
pub struct StalledDisk(());

impl StalledDisk {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        STALL.begin();
        Self(())
    }
}

impl Drop for StalledDisk {
    fn drop(&mut self) {
        STALL.end();
    }
}
