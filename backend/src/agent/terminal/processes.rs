//! Ends what a terminal's program started: the processes of its session, and whoever still holds its device.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Between two looks whether everybody is gone.
const LOOK: Duration = Duration::from_millis(20);

/// A terminal's program: the leader of its session, and the device through which it is reached.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) process: u32,
    pub(super) device: Option<PathBuf>,
}

/// Asks the sessions of these leaders to end as a terminal that is closed does, and after `grace` ends whoever is left.
/// Blocks until then.
pub(super) fn end(leaders: &[Leader], grace: Duration) {
    let sessions: Vec<Pid> = leaders
        .iter()
        .filter_map(|leader| i32::try_from(leader.process).ok().and_then(Pid::from_raw))
        .collect();
    let signal_all = |signal| {
        // Errors mean that somebody is gone already.
        for session in &sessions {
            let _ = kill_process_group(*session, signal);
        }
        for process in left(&sessions, leaders) {
            let _ = kill_process(process, signal);
        }
    };
    signal_all(Signal::HUP);
    // Whoever is stopped does not hear it otherwise.
    signal_all(Signal::CONT);
    for _ in 0..grace.as_millis() / LOOK.as_millis() {
        if left(&sessions, leaders).is_empty() {
            return;
        }
        pause();
    }
    // Somebody may be about to start another one.
    for _ in 0..10 {
        if left(&sessions, leaders).is_empty() {
            return;
        }
        signal_all(Signal::KILL);
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the system tells nobody when a session that is not its own is empty"
)]
fn pause() {
    std::thread::sleep(LOOK);
}

/// The processes that are left: of these sessions, or holding one of their devices open.
#[cfg(target_os = "linux")]
fn left(sessions: &[Pid], leaders: &[Leader]) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::getpid();
    let is_left = |process: &Pid| match session(*process) {
        None => false,
        Some(session) => {
            sessions.iter().any(|leader| leader.as_raw_nonzero().get() == session)
                || holds_any(*process, leaders)
        }
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
        .filter(|process| *process != own)
        .filter(is_left)
        .collect()
}

/// Elsewhere the leaders' own groups are all that can be found.
#[cfg(not(target_os = "linux"))]
fn left(sessions: &[Pid], _leaders: &[Leader]) -> Vec<Pid> {
    sessions.iter().filter(|leader| rustix::process::test_kill_process(**leader).is_ok()).copied().collect()
}

/// The session of a process that runs: one that ended and was not waited for is nobody any more. See proc(5).
#[cfg(target_os = "linux")]
fn session(process: Pid) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    // Behind the name, which may hold anything but ends with the last parenthesis: state, parent, group, session.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    let session = fields.nth(2)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(session)
}

#[cfg(target_os = "linux")]
fn holds_any(process: Pid, leaders: &[Leader]) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())) else { return false };
    files.flatten().any(|file| {
        std::fs::read_link(file.path())
            .is_ok_and(|target| leaders.iter().any(|leader| leader.device.as_ref() == Some(&target)))
    })
}
