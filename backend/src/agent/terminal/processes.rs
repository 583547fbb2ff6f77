//! Ends what a terminal's program started: the processes of its session, and whoever still holds its device.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Between two looks whether everybody is gone.
const LOOK: Duration = Duration::from_millis(20);

/// A terminal's program: the leader of its session, and the device through which it is reached.
#[derive(Debug)]
pub(super) struct Leader {
    process: Option<Pid>,
    device: Option<PathBuf>,
    /// When it began, by the system's clock; nothing where the system does not tell.
    began: Option<u64>,
}

impl Leader {
    /// A program that was started just now and that nobody has waited for yet.
    pub(super) fn new(process: u32, device: Option<PathBuf>) -> Self {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        Self { process, device, began: process.and_then(began) }
    }

    /// The number of its session and group, unless the system has given it to somebody else. It does so only once nobody is
    /// left in either: nobody is missed then, and nobody else is hit.
    fn session(&self) -> Option<Pid> {
        let process = self.process?;
        let now = began(process);
        (now.is_none() || now == self.began).then_some(process)
    }
}

/// Asks the sessions of these leaders to end as a terminal that is closed does, and after `grace` ends whoever is left.
/// Blocks until then.
pub(super) fn end(leaders: &[Leader], grace: Duration) {
    signal(leaders, Signal::HUP);
    // Whoever is stopped does not hear it otherwise.
    signal(leaders, Signal::CONT);
    for _ in 0..grace.as_millis() / LOOK.as_millis() {
        if left(leaders).is_empty() {
            return;
        }
        pause();
    }
    // Somebody may be about to start another one.
    for _ in 0..10 {
        if left(leaders).is_empty() {
            return;
        }
        kill(leaders);
        pause();
    }
}

/// Ends whoever is left, without asking and without waiting. Whoever is started meanwhile may be missed.
pub(super) fn kill(leaders: &[Leader]) {
    signal(leaders, Signal::KILL);
}

fn signal(leaders: &[Leader], signal: Signal) {
    // Errors mean that somebody is gone already.
    for session in leaders.iter().filter_map(Leader::session) {
        let _ = kill_process_group(session, signal);
    }
    for process in left(leaders) {
        let _ = kill_process(process, signal);
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
fn left(leaders: &[Leader]) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::getpid();
    let sessions: Vec<i32> =
        leaders.iter().filter_map(Leader::session).map(|session| session.as_raw_nonzero().get()).collect();
    let is_left = |process: &Pid| match Stat::of(*process) {
        // One that ended and was not waited for is nobody any more.
        None | Some(Stat { state: 'Z' | 'X', .. }) => false,
        Some(stat) => sessions.contains(&stat.session) || holds_any(*process, leaders),
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
fn left(leaders: &[Leader]) -> Vec<Pid> {
    let sessions = leaders.iter().filter_map(Leader::session);
    sessions.filter(|leader| rustix::process::test_kill_process(*leader).is_ok()).collect()
}

#[cfg(target_os = "linux")]
fn began(process: Pid) -> Option<u64> {
    Stat::of(process).map(|stat| stat.began)
}

/// Elsewhere nobody tells.
#[cfg(not(target_os = "linux"))]
fn began(_process: Pid) -> Option<u64> {
    None
}

/// What the system says of a process: see proc(5).
#[cfg(target_os = "linux")]
struct Stat {
    state: char,
    session: i32,
    /// In clock ticks since the system's start.
    began: u64,
}

#[cfg(target_os = "linux")]
impl Stat {
    fn of(process: Pid) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
        // Behind the name, which may hold anything but ends with the last parenthesis: state, parent, group, session; the
        // beginning is the twentieth.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let state = fields.next()?.chars().next()?;
        let session = fields.nth(2)?.parse().ok()?;
        let began = fields.nth(15)?.parse().ok()?;
        Some(Self { state, session, began })
    }
}

#[cfg(target_os = "linux")]
fn holds_any(process: Pid, leaders: &[Leader]) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())) else { return false };
    files.flatten().any(|file| {
        std::fs::read_link(file.path())
            .is_ok_and(|target| leaders.iter().any(|leader| leader.device.as_ref() == Some(&target)))
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::Command;

    use super::*;

    #[test]
    fn whoever_has_the_number_of_one_that_is_gone_is_left_alone() {
        let mut child = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let process = Pid::from_child(&child);
        let leader = Leader::new(child.id(), None);
        let other = Leader { began: leader.began.map(|began| began - 1), ..Leader::new(child.id(), None) };
        end(&[other], Duration::ZERO);
        // Had it been killed, it would not be stopped now.
        kill_process(process, Signal::STOP).unwrap();
        while Stat::of(process).is_none_or(|stat| stat.state != 'T' && stat.state != 'Z') {
            std::thread::yield_now();
        }
        assert_eq!(Stat::of(process).unwrap().state, 'T');
        kill(&[leader]);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
