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
    process: Option<u32>,
    device: Option<PathBuf>,
}

impl std::fmt::Debug for Pty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pty").field("process", &self.process).finish_non_exhaustive()
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
        let child = pair.slave.spawn_command(program.builder()).map_err(failed)?;
        // The program has its own; kept open here it would hide that the program ended.
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().map_err(failed)?;
        let writer = pair.master.take_writer().map_err(failed)?;
        let input = Arc::new(Input::default());
        let pty = Self {
            process: child.process_id(),
            device: pair.master.tty_name(),
            master: pair.master,
            input: Arc::clone(&input),
        };
        let threads = [
            thread("terminal reader", {
                let events = events.clone();
                move || read(reader, &events)
            }),
            thread("terminal writer", {
                let events = events.clone();
                move || write(writer, &input, &events)
            }),
            thread("terminal waiter", move || wait(child, &events)),
        ];
        match threads.into_iter().find_map(Result::err) {
            Some(error) => Err(failed(error.into())),
            None => Ok(pty),
        }
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
    pub(in crate::agent) fn end_all(ptys: &[Self]) {
        let leaders: Vec<Leader> = ptys
            .iter()
            .filter_map(|pty| Some(Leader { process: pty.process?, device: pty.device.clone() }))
            .collect();
        ptys.iter().for_each(Self::hush);
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
