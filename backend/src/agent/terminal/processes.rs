//! Which processes belong to a terminal, how they are asked to go when it is hung up, and which of them live on.
//!
//! It is as when a terminal window is closed. The shell and its foreground group hear HUP; a shell passes it on to its jobs, but
//! for those that were disowned. Whoever of the shell and its foreground group is left after a while, and does not ignore
//! HUP, is ended. Everything else lives on: what `nohup`, `disown`, `setsid` or a program's own doing made for that.
//!
//! Safety: nobody is signalled by a number alone. A process is known by its number and its beginning, and reached through a
//! descriptor where the system has them; a group is the processes that were found in it, in the session of a shell that lives.
//! A group whose shell is gone is left alone: the system told it when the shell went, and its number may be somebody else's.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::agent::event::LivingProcess;

/// Between two looks whether everybody is gone.
const LOOK: Duration = Duration::from_millis(20);

/// How long whoever was told by its shell may take to go, before it is taken for living on.
const SETTLE: Duration = Duration::from_millis(200);

/// A variable that every program of a terminal has, and whatever it starts: by its value they are found again. Terminal programs
/// have it for the same purpose.
pub(super) const MARK: &str = "TERM_SESSION_ID";

/// A terminal's program: the leader of its session, and the device through which it is reached.
#[derive(Debug)]
pub(super) struct Leader {
    process: Option<Pid>,
    pub(super) device: Option<PathBuf>,
    /// When it began, by the system's clock; nothing where the system does not tell.
    began: Option<u64>,
    /// The value of [`MARK`].
    mark: String,
}

impl Leader {
    /// A program that was started just now and that nobody has waited for yet.
    pub(super) fn new(process: u32, device: Option<PathBuf>, mark: String) -> Self {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        Self { process, device, began: process.and_then(system::began), mark }
    }
}

/// The processes of a terminal, found before it is hung up.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its shell, and what runs in the foreground.
    asked: Vec<system::Process>,
    /// All others of its session, or holding its device.
    others: Vec<system::Process>,
    mark: String,
}

/// Finds the processes of a terminal, in whose foreground this group is.
pub(super) fn find(leader: &Leader, foreground: Option<i32>) -> Found {
    let (asked, others) = system::find(leader, foreground);
    Found { asked, others, mark: leader.mark.clone() }
}

impl Found {
    /// Tells the shell and its foreground group that the terminal is gone.
    pub(super) fn hang_up(&self) {
        for process in &self.asked {
            process.signal(Signal::HUP);
            // Whoever is stopped does not hear it otherwise.
            process.signal(Signal::CONT);
        }
    }
}

/// Waits until those who were asked are gone, and after `grace` ends whoever is left and does not ignore that it was asked.
pub(super) fn wait_or_kill(found: &[Found], grace: Duration) {
    let asked = || found.iter().flat_map(|found| &found.asked);
    let is_stubborn = |process: &&system::Process| process.is_there() && !process.ignores_hang_up();
    let mut waited = Duration::ZERO;
    while asked().any(|process| is_stubborn(&process)) {
        if waited >= grace {
            break;
        }
        waited += pause();
    }
    // Somebody may be about to start another one in its group.
    for _ in 0..10 {
        let stubborn = system::with_their_groups(asked().filter(is_stubborn));
        if stubborn.is_empty() {
            return;
        }
        stubborn.iter().for_each(|process| process.signal(Signal::KILL));
        pause();
    }
}

/// Who of each terminal's processes lives on. Whoever was told by its shell is given a moment to go.
pub(super) fn living(found: &[Found]) -> Vec<Vec<LivingProcess>> {
    let of = |found: &Found| {
        let all = found.asked.iter().chain(&found.others).filter(|process| process.is_there());
        all.map(system::Process::describe).collect::<Vec<_>>()
    };
    let mut waited = Duration::ZERO;
    while waited < SETTLE && found.iter().any(|found| !of(found).is_empty()) {
        waited += pause();
    }
    let marks: Vec<&str> = found.iter().map(|found| found.mark.as_str()).collect();
    let mut all: Vec<Vec<LivingProcess>> = found.iter().map(of).collect();
    for (terminal, process) in system::marked(&marks) {
        all[terminal].push(process);
    }
    for processes in &mut all {
        processes.sort_by_key(|process| process.pid);
        processes.dedup_by_key(|process| process.pid);
    }
    all
}

#[expect(
    clippy::disallowed_methods,
    reason = "the system tells nobody when processes are gone that are not its children"
)]
pub(super) fn pause() -> Duration {
    std::thread::sleep(LOOK);
    LOOK
}

/// Linux tells everything about processes.
#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal};

    use super::{Leader, LivingProcess, MARK};

    /// A process that was found: never mistaken for one that has its number later.
    #[derive(Debug)]
    pub(super) struct Process {
        pid: Pid,
        began: u64,
        /// Leads to it even if its number is another's; old systems have none.
        handle: Option<OwnedFd>,
    }

    impl Process {
        fn new(pid: Pid, began: u64) -> Option<Self> {
            let handle = pidfd_open(pid, PidfdFlags::empty()).ok();
            let process = Self { pid, began, handle };
            // The handle is of whoever had the number just now.
            process.stat().map(|_| process)
        }

        fn stat(&self) -> Option<Stat> {
            Stat::of(self.pid).filter(|stat| stat.began == self.began)
        }

        pub(super) fn signal(&self, signal: Signal) {
            // Errors mean that it is gone already.
            let _ = match &self.handle {
                Some(handle) => pidfd_send_signal(handle, signal),
                None if self.is_there() => kill_process(self.pid, signal),
                None => Ok(()),
            };
        }

        /// One that ended and was not waited for is nobody any more.
        pub(super) fn is_there(&self) -> bool {
            self.stat().is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
        }

        pub(super) fn ignores_hang_up(&self) -> bool {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid.as_raw_nonzero()));
            let status = status.unwrap_or_default();
            let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
            let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            ignored.is_some_and(|mask| mask & 1 == 1)
        }

        pub(super) fn describe(&self) -> LivingProcess {
            LivingProcess { pid: self.pid.as_raw_nonzero().get().unsigned_abs(), name: name(self.pid) }
        }
    }

    /// What the system says of a process: see proc(5).
    pub(super) struct Stat {
        pub(super) state: char,
        group: i32,
        session: i32,
        /// In clock ticks since the system's start.
        began: u64,
    }

    impl Stat {
        pub(super) fn of(process: Pid) -> Option<Self> {
            let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
            // Behind the name, which may hold anything but ends with the last parenthesis: state, parent, group, session; the
            // beginning is the twentieth.
            let (_, fields) = stat.rsplit_once(") ")?;
            let fields: Vec<&str> = fields.split(' ').collect();
            Some(Self {
                state: fields.first()?.chars().next()?,
                group: fields.get(2)?.parse().ok()?,
                session: fields.get(3)?.parse().ok()?,
                began: fields.get(19)?.parse().ok()?,
            })
        }
    }

    pub(super) fn began(process: Pid) -> Option<u64> {
        Stat::of(process).map(|stat| stat.began)
    }

    fn name(process: Pid) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", process.as_raw_nonzero())).unwrap_or_default();
        name.trim_end().chars().filter(|character| !character.is_control()).collect()
    }

    /// Everybody but ourselves.
    fn everybody() -> Vec<(Pid, Stat)> {
        let own = getpid();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
            .filter(|process| *process != own)
            .filter_map(|process| Some((process, Stat::of(process)?)))
            .filter(|(_, stat)| !matches!(stat.state, 'Z' | 'X'))
            .collect()
    }

    pub(super) fn find(leader: &Leader, foreground: Option<i32>) -> (Vec<Process>, Vec<Process>) {
        // Its number is its session's as long as it is there.
        let there =
            leader.process.filter(|process| leader.began.is_some() && began(*process) == leader.began);
        let session = there.map(|process| process.as_raw_nonzero().get());
        let (mut asked, mut others) = (Vec::new(), Vec::new());
        for (pid, stat) in everybody() {
            let is_of_session = session == Some(stat.session);
            let is_asked = is_of_session && (there == Some(pid) || foreground == Some(stat.group));
            let list = match (is_asked, is_of_session || holds(pid, leader.device.as_deref())) {
                (true, _) => &mut asked,
                (false, true) => &mut others,
                (false, false) => continue,
            };
            list.extend(Process::new(pid, stat.began));
        }
        (asked, others)
    }

    /// These, and who else is in their groups and sessions now. A group that has a member which was known before is the same
    /// as before.
    pub(super) fn with_their_groups<'a>(processes: impl Iterator<Item = &'a Process>) -> Vec<Process> {
        let groups: Vec<(i32, i32)> =
            processes.filter_map(Process::stat).map(|stat| (stat.session, stat.group)).collect();
        if groups.is_empty() {
            return Vec::new();
        }
        let members =
            everybody().into_iter().filter(|(_, stat)| groups.contains(&(stat.session, stat.group)));
        let members = members.filter_map(|(pid, stat)| Process::new(pid, stat.began));
        members.filter(|process| !process.ignores_hang_up()).collect()
    }

    #[cfg(test)]
    pub(super) fn one(pid: Pid) -> Vec<Process> {
        began(pid).and_then(|began| Process::new(pid, began)).into_iter().collect()
    }

    fn holds(process: Pid, device: Option<&Path>) -> bool {
        let Some(device) = device else { return false };
        let files = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).into_iter().flatten();
        files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == device))
    }

    /// Everybody who was started in a terminal with one of these marks, however far they have gone from it, and with which.
    pub(super) fn marked(marks: &[&str]) -> Vec<(usize, LivingProcess)> {
        let prefix = format!("{MARK}=").into_bytes();
        let mark_of = |process: Pid| {
            // Other people's are not readable.
            let variables =
                fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
            let mark =
                variables.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(&prefix[..]));
            let mark = mark.filter(|mark| !mark.is_empty());
            mark.and_then(|mark| marks.iter().position(|other| other.as_bytes() == mark))
        };
        let marked = everybody().into_iter().filter_map(|(pid, stat)| {
            let terminal = mark_of(pid)?;
            Process::new(pid, stat.began).map(|process| (terminal, process.describe()))
        });
        marked.collect()
    }
}

/// Elsewhere the program itself and its foreground group are all that can be found, and nobody tells whether they ignore
/// something: none of them is ended that did not go when it was asked.
#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::process::{Pid, Signal, getsid, kill_process, kill_process_group, test_kill_process};

    use super::{Leader, LivingProcess};

    /// A session's leader or the leader of its foreground group.
    #[derive(Debug)]
    pub(super) struct Process {
        pid: Pid,
        session: Pid,
        is_group: bool,
    }

    impl Process {
        pub(super) fn signal(&self, signal: Signal) {
            if self.is_there() {
                // Errors mean that it is gone already.
                let _ = if self.is_group {
                    kill_process_group(self.pid, signal)
                } else {
                    kill_process(self.pid, signal)
                };
            }
        }

        pub(super) fn is_there(&self) -> bool {
            test_kill_process(self.pid).is_ok() && getsid(Some(self.pid)) == Ok(self.session)
        }

        pub(super) const fn ignores_hang_up(&self) -> bool {
            true
        }

        pub(super) fn describe(&self) -> LivingProcess {
            let pid = self.pid.as_raw_nonzero().get().unsigned_abs();
            LivingProcess { pid, name: "a program".to_owned() }
        }
    }

    pub(super) fn began(_process: Pid) -> Option<u64> {
        None
    }

    pub(super) fn find(leader: &Leader, foreground: Option<i32>) -> (Vec<Process>, Vec<Process>) {
        let Some(session) = leader.process else { return (Vec::new(), Vec::new()) };
        let own = Process { pid: session, session, is_group: false };
        let group = foreground.and_then(Pid::from_raw).filter(|group| *group != session);
        let group = group.map(|pid| Process { pid, session, is_group: true });
        let found = std::iter::once(own).chain(group).filter(Process::is_there);
        (found.collect(), Vec::new())
    }

    pub(super) fn with_their_groups<'a>(_: impl Iterator<Item = &'a Process>) -> Vec<Process> {
        Vec::new()
    }

    pub(super) fn marked(_marks: &[&str]) -> Vec<(usize, LivingProcess)> {
        Vec::new()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::Command;

    use rustix::process::kill_process;

    use super::system::Stat;
    use super::*;

    #[test]
    fn whoever_has_the_number_of_one_that_is_gone_is_left_alone() {
        let mut child = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let process = Pid::from_child(&child);
        let leader = |earlier: u64| {
            let leader = Leader::new(child.id(), None, "none".to_owned());
            Leader { began: leader.began.map(|began| began - earlier), ..leader }
        };
        let group = i32::try_from(child.id()).ok();
        // Another program had the number, and the group of it, before.
        let other = find(&leader(1), group);
        other.hang_up();
        wait_or_kill(&[other], Duration::ZERO);
        // Had it been killed, it would not be stopped now.
        kill_process(process, Signal::STOP).unwrap();
        while Stat::of(process).is_none_or(|stat| stat.state != 'T' && stat.state != 'Z') {
            std::thread::yield_now();
        }
        assert_eq!(Stat::of(process).unwrap().state, 'T');
        // The right one is stopped, and hears it all the same. It leads no session here, so it is made one by hand.
        let found = Found { asked: system::one(process), ..Found::default() };
        found.hang_up();
        wait_or_kill(&[found], Duration::from_secs(20));
        assert_eq!(child.wait().unwrap().signal(), Some(1));
    }
}
