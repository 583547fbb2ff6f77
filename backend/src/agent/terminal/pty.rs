//! A program behind a PTY, with its threads: one reads, one writes, one waits for the end.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::ParticipantId;
use parlor_shared::limits::{TERMINAL_CHUNK_BYTES, TERMINAL_INPUT_QUEUE_BYTES};
use parlor_shared::terminal::TerminalSize;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::processes::{self, Found, Leader};
use crate::agent::event::LivingProcess;

/// Variables of the environment that speak of the terminal in which Parlor runs, not of the one that it makes.
const FOREIGN: [&str; 8] =
    ["TMUX", "TMUX_PANE", "STY", "WINDOW", "COLUMNS", "LINES", "TERM_PROGRAM_VERSION", "VTE_VERSION"];

/// Variables with this prefix are Parlor's own: settings, secrets among them.
const OWN_PREFIX: &str = "PARLOR_";

/// How long a program gets between hearing that its terminal is gone and its end.
pub(in crate::agent) const GRACE: Duration = Duration::from_secs(5);

/// How often the threads of a terminal are woken until they let go of it.
const WAKES: usize = 50;

/// What to run, and where.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Program {
    /// The user's shell.
    pub(in crate::agent) shell: PathBuf,
    /// A command line for the shell; without one the shell itself.
    pub(in crate::agent) command: Option<String>,
    /// The folder in which it starts.
    pub(in crate::agent) folder: PathBuf,
}

impl Program {
    fn builder(&self, mark: &str) -> CommandBuilder {
        let mut builder = CommandBuilder::new(&self.shell);
        if let Some(command) = &self.command {
            builder.args(["-c", command]);
        }
        builder.cwd(&self.folder);
        for (name, _) in std::env::vars_os() {
            let is_own = name.to_str().is_some_and(|name| name.starts_with(OWN_PREFIX));
            if is_own || FOREIGN.iter().any(|foreign| name == *foreign) {
                builder.env_remove(name);
            }
        }
        builder.env("TERM", "xterm-256color");
        builder.env("COLORTERM", "truecolor");
        builder.env("TERM_PROGRAM", "parlor");
        builder.env(processes::MARK, mark);
        builder
    }
}

/// What the threads of a terminal tell its task.
#[derive(Debug)]
pub(super) enum PtyEvent {
    /// The program wrote something.
    Output(Vec<u8>),
    /// The program has got so much of somebody's input.
    Written(ParticipantId, usize),
    /// The program ended.
    Exited(ExitStatus),
}

/// Input that waits for the program.
#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<(Option<ParticipantId>, Vec<u8>)>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Input {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Bytes of all that waits or is being written.
    bytes: AtomicUsize,
}

/// A running program. Dropping it hangs up its terminal, without waiting for anybody.
pub(in crate::agent) struct Pty {
    master: Box<dyn MasterPty + Send>,
    input: Arc<Input>,
    /// Each thread that holds the terminal open holds this.
    holders: Arc<()>,
    /// Nothing once it was ended.
    leader: Option<Leader>,
}

impl std::fmt::Debug for Pty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pty").field("leader", &self.leader).finish_non_exhaustive()
    }
}

impl Pty {
    /// Starts a program. What happens to it is told to `events`; its reader waits while that is full, and with it the
    /// program.
    ///
    /// # Errors
    /// [`FaultCode::CommandFailed`] if there is no PTY or the program can not be run.
    pub(super) fn start(
        program: &Program,
        size: TerminalSize,
        events: mpsc::Sender<PtyEvent>,
    ) -> Result<Self, Fault> {
        let failed = |error: anyhow::Error| {
            debug!(%error, "a program did not start");
            Fault::new(FaultCode::CommandFailed).with(program.shell.display())
        };
        let pair = native_pty_system().openpty(pty_size(size)).map_err(failed)?;
        let reader = pair.master.try_clone_reader().map_err(failed)?;
        let writer = pair.master.take_writer().map_err(failed)?;
        let input = Arc::new(Input::default());
        let device = pair.master.tty_name();
        let holders = Arc::new(());
        let mut pty = Self {
            master: pair.master,
            input: Arc::clone(&input),
            holders: Arc::clone(&holders),
            leader: None,
        };
        let mark = mark().map_err(failed)?;
        let (hand_over, handed_over) = std::sync::mpsc::sync_channel(1);
        let threads = [
            thread("terminal reader", {
                let (events, input, holder) = (events.clone(), Arc::clone(&input), Arc::clone(&holders));
                move || {
                    read(reader, &input, &events);
                    drop(holder);
                }
            }),
            thread("terminal writer", {
                let events = events.clone();
                move || {
                    write(writer, &input, &events);
                    drop(holders);
                }
            }),
            // It waits for nobody if no program was started.
            thread("terminal waiter", move || handed_over.recv().map_or((), |child| wait(child, &events))),
        ];
        if let Some(error) = threads.into_iter().find_map(Result::err) {
            return Err(failed(error.into()));
        }
        // Last: nothing fails once it runs, so that no program is left that nobody ends and nobody waits for.
        let child = pair.slave.spawn_command(program.builder(&mark)).map_err(failed)?;
        pty.leader = child.process_id().map(|process| Leader::new(process, device, mark));
        // Its thread is there and takes it.
        let _ = hand_over.send(child);
        // The program has its own; kept open here it would hide that the program ended.
        drop(pair.slave);
        Ok(pty)
    }

    /// Gives input to the program, in order, without waiting for it.
    ///
    /// # Errors
    /// [`FaultCode::Busy`] if the program does not read and too much waits; nothing is given then.
    pub(super) fn type_in(&self, from: Option<ParticipantId>, bytes: Vec<u8>) -> Result<(), Fault> {
        let waiting = self.input.bytes.load(Ordering::Acquire);
        if waiting > 0 && waiting + bytes.len() > TERMINAL_INPUT_QUEUE_BYTES {
            return Err(FaultCode::Busy.into());
        }
        self.input.bytes.fetch_add(bytes.len(), Ordering::AcqRel);
        self.input.queue.lock().pieces.push_back((from, bytes));
        self.input.changed.notify_one();
        Ok(())
    }

    /// Tells the program how large its terminal is.
    pub(super) fn resize(&self, size: TerminalSize) {
        if let Err(error) = self.master.resize(pty_size(size)) {
            warn!(%error, "a terminal's size could not be changed");
        }
    }

    /// Hangs up these terminals as windows that are closed, and ends who of the programs in front does not go by itself. Gives
    /// for each who lives on. Blocks for [`GRACE`] and little more at most.
    pub(in crate::agent) fn end_all(mut ptys: Vec<Self>) -> Vec<Vec<LivingProcess>> {
        let found: Vec<(Found, Option<Device>)> =
            ptys.iter_mut().map(|pty| pty.let_go().unwrap_or_default()).collect();
        for _ in 0..WAKES {
            if ptys.iter().all(|pty| Arc::strong_count(&pty.holders) == 1) {
                break;
            }
            found.iter().filter_map(|(_, device)| device.as_ref()).for_each(Device::wake);
            processes::pause();
        }
        // Each is hung up at its drop.
        drop(ptys);
        let found: Vec<Found> = found.into_iter().map(|(found, _)| found).collect();
        found.iter().for_each(Found::hang_up);
        processes::wait_or_kill(&found, GRACE);
        processes::living(&found)
    }

    /// Its threads let go of the terminal once they are woken, so that dropping it hangs it up. Gives the processes that are told, and
    /// what wakes the threads; nothing if that was done before.
    fn let_go(&mut self) -> Option<(Found, Option<Device>)> {
        let leader = self.leader.take()?;
        let found = processes::find(&leader, self.master.process_group_leader());
        let device = leader.device.as_deref().and_then(|device| Device::open(device).ok());
        if let Some(device) = &device {
            device.forget_end_of_input();
        }
        self.hush();
        Some((found, device))
    }

    /// Lets the threads go, as soon as something wakes them.
    fn hush(&self) {
        let mut queue = self.input.queue.lock();
        queue.is_over = true;
        queue.pieces.clear();
        self.input.changed.notify_one();
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Whoever drops it instead of ending it can not wait: the whole agent is going, or a task failed.
        let Some((found, device)) = self.let_go() else { return self.hush() };
        if let Some(device) = device {
            device.wake();
        }
        found.hang_up();
    }
}

/// What names a terminal in the environment of its programs.
fn mark() -> anyhow::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(format!("parlor-{:016x}", u64::from_le_bytes(random)))
}

/// The programs' side of a terminal. It is hung up when the last holder of our side lets go, and two of our threads hold it:
/// one waits for output, one perhaps for a program that reads nothing. Only from the programs' side can they be woken.
#[cfg(unix)]
struct Device(std::fs::File);

#[cfg(unix)]
impl Device {
    fn open(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Never waited for, and never our own terminal.
        let flags = rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::NONBLOCK;
        let mut options = std::fs::File::options();
        let file = options.read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        Ok(Self(file))
    }

    /// The writer types an end of input when it is dropped, where one is set. A shell would take it for `exit`, and its jobs would
    /// not hear that the terminal is gone.
    fn forget_end_of_input(&self) {
        use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
        if let Ok(mut modes) = tcgetattr(&self.0) {
            modes.special_codes[SpecialCodeIndex::VEOF] = 0;
            // It is a courtesy.
            let _ = tcsetattr(&self.0, OptionalActions::Now, &modes);
        }
    }

    /// Wakes the reader by output, and the writer by forgetting what nobody read. Errors mean that it need not be woken.
    fn wake(&self) {
        use rustix::termios::{Action, QueueSelector, tcflow, tcflush};
        // Somebody may have typed Ctrl-S.
        let _ = tcflow(&self.0, Action::OOn);
        let _ = tcflush(&self.0, QueueSelector::IFlush);
        let _ = (&self.0).write(b"\0");
    }
}

/// Elsewhere the system ends whoever waits.
#[cfg(not(unix))]
struct Device;

#[cfg(not(unix))]
impl Device {
    fn open(_path: &Path) -> std::io::Result<Self> {
        Ok(Self)
    }

    fn forget_end_of_input(&self) {}

    fn wake(&self) {}
}

fn pty_size(size: TerminalSize) -> PtySize {
    PtySize { rows: size.rows, cols: size.columns, pixel_width: 0, pixel_height: 0 }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).stack_size(128 * 1024).spawn(run).map(drop)
}

fn read(mut reader: Box<dyn std::io::Read + Send>, input: &Input, events: &mpsc::Sender<PtyEvent>) {
    let mut buffer = vec![0; TERMINAL_CHUNK_BYTES];
    loop {
        match reader.read(&mut buffer) {
            // The last holder of the terminal is gone.
            Ok(0) => return,
            Ok(_) if input.queue.lock().is_over => return,
            Ok(read) => {
                if events.blocking_send(PtyEvent::Output(buffer[..read].to_vec())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return debug!(%error, "a terminal can not be read any more"),
        }
    }
}

fn write(mut writer: Box<dyn std::io::Write + Send>, input: &Input, events: &mpsc::Sender<PtyEvent>) {
    loop {
        let (from, bytes) = {
            let mut queue = input.queue.lock();
            loop {
                if queue.is_over {
                    return;
                }
                match queue.pieces.pop_front() {
                    Some(piece) => break piece,
                    None => input.changed.wait(&mut queue),
                }
            }
        };
        // Blocks while the program does not read.
        let written = writer.write_all(&bytes).and_then(|()| writer.flush());
        input.bytes.fetch_sub(bytes.len(), Ordering::AcqRel);
        if let Err(error) = written {
            return debug!(%error, "a terminal can not be written any more");
        }
        if let Some(from) = from
            && events.blocking_send(PtyEvent::Written(from, bytes.len())).is_err()
        {
            return;
        }
    }
}

fn wait(mut child: Box<dyn Child + Send + Sync>, events: &mpsc::Sender<PtyEvent>) {
    match child.wait() {
        // Nobody listens once the terminal is gone; the child is waited for all the same.
        Ok(status) => drop(events.blocking_send(PtyEvent::Exited(status))),
        Err(error) => warn!(%error, "a program could not be waited for"),
    }
}

/// The shell to run: what is asked for, the user's own, or the one that is everywhere.
pub(in crate::agent) fn shell(wanted: Option<&Path>) -> PathBuf {
    let own = || std::env::var_os("SHELL").map(PathBuf::from).filter(|shell| shell.is_absolute());
    wanted.map(Path::to_owned).or_else(own).unwrap_or_else(|| PathBuf::from("/bin/sh"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dropping_it_hangs_up_and_ends_who_hears_it() {
        // Of no other run.
        let word = (3_000_000 + std::process::id()).to_string();
        let command = format!("nohup sleep {word} >/dev/null & sleep {word} & sleep {word}; exit");
        let program = Program { shell: "/bin/sh".into(), command: Some(command), folder: "/".into() };
        let (events, mut told) = mpsc::channel(16);
        let pty = Pty::start(&program, TerminalSize::USUAL, events).unwrap();
        until_sleeping(&word, 3).await;
        let holders = Arc::downgrade(&pty.holders);
        drop(pty);
        until_sleeping(&word, 1).await;
        // It was waited for, and nothing of ours holds the terminal open.
        while !matches!(told.recv().await.unwrap(), PtyEvent::Exited(_)) {}
        while told.recv().await.is_some() {}
        assert_eq!(holders.strong_count(), 0);
        for process in sleeping(&word) {
            rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
        }
    }

    #[test]
    fn a_program_that_can_not_be_started_leaves_no_thread() {
        let program = Program { shell: "/no/such/shell".into(), command: None, folder: "/".into() };
        let (events, mut told) = mpsc::channel(16);
        let fault = Pty::start(&program, TerminalSize::USUAL, events).unwrap_err();
        assert_eq!(fault.code, FaultCode::CommandFailed);
        // Every thread had a sender. The end of input that a dropped writer writes may be echoed.
        while told.blocking_recv().is_some() {}
    }

    /// Waits until so many processes run `sleep` for so long: the system tells nobody about those of others, so it is
    /// asked again and again.
    async fn until_sleeping(word: &str, count: usize) {
        let wait = async {
            let mut again = tokio::time::interval(Duration::from_millis(10));
            while sleeping(word).len() != count {
                again.tick().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
        assert!(waited.is_ok(), "{:?} are there, not {count}", sleeping(word));
    }

    /// The processes that run `sleep` for so long.
    fn sleeping(word: &str) -> Vec<rustix::process::Pid> {
        let runs = |entry: &std::fs::DirEntry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line == format!("sleep\0{word}\0").into_bytes()
        };
        let processes = std::fs::read_dir("/proc").expect("a Linux has it").flatten().filter(runs);
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter_map(rustix::process::Pid::from_raw).collect()
    }
}
