//! What asks a session to end from outside: Ctrl-C, a termination signal, a terminal that is closed.

use std::io;
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// Signals that come this soon after the first are the same wish: `timeout` and shells send theirs to a program and to its
/// group.
const ONE_WISH: Duration = Duration::from_millis(100);

/// The signals that end a session.
pub(super) struct Interrupted {
    #[cfg(unix)]
    terminated: Signal,
    /// Listened for from the beginning: before that it would end the program at once.
    #[cfg(unix)]
    interrupted: Signal,
    /// Nothing where the program was told to outlive its terminal, as `nohup` does.
    #[cfg(unix)]
    hung_up: Option<Signal>,
    first: Option<Instant>,
}

impl Interrupted {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminated: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupted: signal(SignalKind::interrupt())?,
            // Listening would undo that it is ignored.
            #[cfg(unix)]
            hung_up: if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
            first: None,
        })
    }

    /// Waits for the wish that the session ends in order.
    pub(super) async fn wait(&mut self) {
        #[cfg(unix)]
        {
            let hung_up = async {
                match &mut self.hung_up {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            // Every arm is cancel-safe: signals.
            tokio::select! {
                biased;
                _ = self.interrupted.recv() => {}
                _ = self.terminated.recv() => {}
                _ = hung_up => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.first = Some(Instant::now());
    }

    /// Waits for the wish to end at once. A terminal that is closed is no such wish: its shell says it once more than the
    /// system does.
    pub(super) async fn wait_again(&mut self) {
        if self.first.is_none() {
            self.wait().await;
        }
        loop {
            #[cfg(unix)]
            tokio::select! {
                biased;
                _ = self.interrupted.recv() => {}
                _ = self.terminated.recv() => {}
            }
            #[cfg(not(unix))]
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            if self.first.is_some_and(|first| first.elapsed() >= ONE_WISH) {
                return;
            }
        }
    }
}

/// Whether whoever started us had HUP ignored.
#[cfg(target_os = "linux")]
fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| ignores_hang_up(mask.trim()))
}

/// Elsewhere `ps` knows. Where it does not, a terminal that is closed ends the session.
#[cfg(all(unix, not(target_os = "linux")))]
fn hang_up_is_ignored() -> bool {
    let process = std::process::id().to_string();
    let output = std::process::Command::new("ps").args(["-o", "ignored=", "-p", &process]).output();
    output.is_ok_and(|output| ignores_hang_up(String::from_utf8_lossy(&output.stdout).trim()))
}

/// HUP is the first signal, the lowest bit of the mask.
#[cfg(unix)]
fn ignores_hang_up(mask: &str) -> bool {
    u64::from_str_radix(mask, 16).is_ok_and(|mask| mask & 1 == 1)
}
