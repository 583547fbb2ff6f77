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

use super::processes::{self, Leader};

/// Variables of the environment that speak of the terminal in which Parlor runs, not of the one that it makes.
const FOREIGN: [&str; 8] =
    ["TMUX", "TMUX_PANE", "STY", "WINDOW", "COLUMNS", "LINES", "TERM_PROGRAM_VERSION", "VTE_VERSION"];

/// Variables with this prefix are Parlor's own: settings, secrets among them.
const OWN_PREFIX: &str = "PARLOR_";

/// How long a program gets between the request to end and the end.
const GRACE: Duration = Duration::from_millis(400);

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
    fn builder(&self) -> CommandBuilder {
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

/// A running program. Dropping it ends everything that it started in its terminal, without waiting for it.
pub(in crate::agent) struct Pty {
    master: Box<dyn MasterPty + Send>,
    input: Arc<Input>,
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
        let mut pty = Self { master: pair.master, input: Arc::clone(&input), leader: None };
        let (hand_over, handed_over) = std::sync::mpsc::sync_channel(1);
        let threads = [
            thread("terminal reader", {
                let events = events.clone();
                move || read(reader, &events)
            }),
            thread("terminal writer", {
                let events = events.clone();
                move || write(writer, &input, &events)
            }),
            // It waits for nobody if no program was started.
            thread("terminal waiter", move || handed_over.recv().map_or((), |child| wait(child, &events))),
        ];
        if let Some(error) = threads.into_iter().find_map(Result::err) {
            return Err(failed(error.into()));
        }
        // Last: nothing fails once it runs, so that no program is left that nobody ends and nobody waits for.
        let child = pair.slave.spawn_command(program.builder()).map_err(failed)?;
        pty.leader = child.process_id().map(|process| Leader::new(process, device));
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

    /// Ends these programs and everything that they left in their terminals: a request first, then without asking. Blocks
    /// for [`GRACE`] and little more.
    pub(in crate::agent) fn end_all(mut ptys: Vec<Self>) {
        ptys.iter().for_each(Self::hush);
        let leaders: Vec<Leader> = ptys.iter_mut().filter_map(|pty| pty.leader.take()).collect();
        processes::end(&leaders, GRACE);
    }

    /// Lets the writing thread go.
    fn hush(&self) {
        let mut queue = self.input.queue.lock();
        queue.is_over = true;
        queue.pieces.clear();
        self.input.changed.notify_one();
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.hush();
        // Whoever drops it instead of ending it can not wait: the whole agent is going, or a task failed.
        if let Some(leader) = self.leader.take() {
            processes::kill(&[leader]);
        }
    }
}

fn pty_size(size: TerminalSize) -> PtySize {
    PtySize { rows: size.rows, cols: size.columns, pixel_width: 0, pixel_height: 0 }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).stack_size(128 * 1024).spawn(run).map(drop)
}

fn read(mut reader: Box<dyn std::io::Read + Send>, events: &mpsc::Sender<PtyEvent>) {
    let mut buffer = vec![0; TERMINAL_CHUNK_BYTES];
    loop {
        match reader.read(&mut buffer) {
            // The last holder of the terminal is gone.
            Ok(0) => return,
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
    async fn dropping_it_ends_the_program_and_what_it_started() {
        // Of no other run.
        let word = (3_000_000 + std::process::id()).to_string();
        let command =
            format!("trap '' HUP TERM INT; setsid sleep {word} & sleep {word} & sleep {word}; exit");
        let program = Program { shell: "/bin/sh".into(), command: Some(command), folder: "/".into() };
        let (events, mut told) = mpsc::channel(16);
        let pty = Pty::start(&program, TerminalSize::USUAL, events).unwrap();
        until_sleeping(&word, 3).await;
        drop(pty);
        until_sleeping(&word, 0).await;
        // It was waited for.
        while !matches!(told.recv().await.unwrap(), PtyEvent::Exited(_)) {}
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
            while sleeping(word) != count {
                again.tick().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
        assert!(waited.is_ok(), "{} are there, not {count}", sleeping(word));
    }

    /// How many processes run `sleep` for so long.
    fn sleeping(word: &str) -> usize {
        let processes = std::fs::read_dir("/proc").expect("a Linux has it").flatten();
        let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines.filter(|line| *line == format!("sleep\0{word}\0").into_bytes()).count()
    }
}
