//! Ends what a terminal's program started: the processes of its session, and whoever still holds its device.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Between two looks whether everybody is gone.
const LOOK: Duration = Duration::from_millis(10);

/// Asks the session of this leader to end as a terminal that is closed does, and after `grace` ends whoever is left. Blocks
/// until then.
pub(super) fn end(leader: u32, device: Option<&Path>, grace: Duration) {
    let Some(leader) = i32::try_from(leader).ok().and_then(Pid::from_raw) else { return };
    // Errors mean that it is gone already.
    let signal_all = |signal| {
        let _ = kill_process_group(leader, signal);
        for process in left(leader, device) {
            let _ = kill_process(process, signal);
        }
    };
    signal_all(Signal::HUP);
    // Whoever is stopped does not hear it otherwise.
    signal_all(Signal::CONT);
    let looks = grace.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        if left(leader, device).is_empty() {
            return;
        }
        std::thread::sleep(LOOK);
    }
    // Somebody may be about to start another one.
    for _ in 0..3 {
        signal_all(Signal::KILL);
        std::thread::sleep(LOOK);
    }
}

/// The processes that are left: of the leader's session, or holding the device open.
#[cfg(target_os = "linux")]
fn left(leader: Pid, device: Option<&Path>) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::getpid();
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
        .filter(|process| *process != own)
        .filter(|process| session(*process).is_some_and(|session| session == leader.as_raw_nonzero().get())
            || device.is_some_and(|device| holds(*process, device)))
        .collect()
}

/// Elsewhere the leader's own group is all that can be found.
#[cfg(not(target_os = "linux"))]
fn left(leader: Pid, _device: Option<&Path>) -> Vec<Pid> {
    if rustix::process::test_kill_process(leader).is_ok() { vec![leader] } else { Vec::new() }
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
fn holds(process: Pid, device: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())) else { return false };
    files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target == device))
}
