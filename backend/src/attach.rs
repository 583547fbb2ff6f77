//! `parlor attach`: a shared terminal in the host's own terminal window.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use parlor_shared::client::{Client, ClientEvent, ClientOptions, Phase};
use parlor_shared::id::TerminalId;
use parlor_shared::message::{History, TerminalState};
use parlor_shared::seal::Identity;
use parlor_shared::terminal::TerminalSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::agent::{SessionState, StateError, host_invite, session_name};
use crate::guest::Guest;
use crate::local;
use crate::options::AttachOptions;

mod quiet;

use quiet::Quiet;

/// Ctrl-], as telnet has it: leaves the terminal, which goes on.
const DETACH: u8 = 0x1d;

/// How long the agent may take to let us in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keys that wait to be sent; whoever types faster waits.
const KEYS: usize = 64;

/// How long nothing of a terminal may come until what its program wrote is taken for shown. That it ended is said beside its
/// output and overtakes it, and the agent itself may hear of the end first; the agent is on this computer, so what it
/// holds comes in far less.
const SILENCE: Duration = Duration::from_millis(500);

/// How long output may come behind a program's end: what it left running may write for ever.
const LINGER: Duration = Duration::from_secs(5);

/// Output that the window has not taken yet. What is more is passed over, and the screen asked for instead.
const MAX_UNSHOWN_BYTES: usize = 1024 * 1024;

/// Leaves whatever the program had turned on: screens and modes, a link, colours, what keys send, the cursor.
const FAREWELL: &[u8] = b"\x1b[?1049l\x1b[!p\x1b[?1;9;1000;1002;1003;1004;1005;1006;2004l\x1b[?7;25h\x1b[r\x1b>\x1b(B\x0f\
    \x1b]8;;\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\x1b[>4m\x1b[<99u\x1b[0m\x1b[0 q\r\n";

/// Shows a shared terminal here until its end, or until Ctrl-].
///
/// # Errors
/// If nothing is shared, there is no such terminal, or this is no terminal.
pub async fn run(options: AttachOptions) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!("a terminal can be attached to a terminal only. Run this in one, without pipes");
    }
    let folder =
        options.path.canonicalize().with_context(|| format!("{} is no folder", options.path.display()))?;
    let state = SessionState::root()?.join("sessions").join(session_name(&folder));
    let nobody =
        || anyhow::anyhow!("{} is not being shared. Run `parlor share` there first", folder.display());
    let invite = match host_invite(&state) {
        Err(StateError::NoSession(_)) => return Err(nobody()),
        invite => invite?,
    };
    let transport = match local::connect(&state).await {
        // What an agent that was killed left.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(nobody());
        }
        transport => transport.context("the agent can not be reached")?,
    };

    let seen = Arc::new(Seen::default());
    let sink = Arc::clone(&seen);
    let guest = Guest::new(
        ClientOptions {
            invite,
            identity: Identity::generate()?,
            name: "Terminal window".to_owned(),
            program: "attach".to_owned(),
        },
        Box::new(move |client, event| sink.take_in(client, event)),
    );
    guest.with(Client::subscribe_to_terminals);
    let serving = tokio_util::task::TaskTracker::new();
    serving.spawn(guest.serve(transport));

    let terminal = tokio::time::timeout(PATIENCE, choose(&guest, &seen, options.name.as_deref()))
        .await
        .context("the agent does not answer")??;
    let result = Attached { guest: &guest, seen: &seen, terminal }.run().await;
    guest.with(Client::leave);
    serving.close();
    // What was said last reaches the agent, or the agent is gone.
    let _ = tokio::time::timeout(Duration::from_secs(1), serving.wait()).await;
    // A window that is gone meanwhile needs no farewell.
    let _ = writeln!(io::stdout(), "{}", result?);
    Ok(())
}

/// What the client reported and is not shown yet.
#[derive(Default)]
struct Seen {
    state: Mutex<SeenState>,
    changed: Notify,
}

#[derive(Default)]
struct SeenState {
    attached: Option<TerminalId>,
    output: Vec<u8>,
    pace: Pace,
    quiet: Quiet,
    /// The program ended; its last output may be on its way.
    ending: Option<Ending>,
    /// It is over, and nothing more comes.
    over: Option<String>,
}

/// Whether the window keeps pace with the output.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// It shows what comes.
    #[default]
    Following,
    /// Output was passed over: once it has taken what there is, it needs a new screen.
    Behind,
    /// The screen has been asked for.
    Asked,
}

/// The end of a program, between its being said and its last output's being shown.
struct Ending {
    how: String,
    /// When it is taken for over, unless more comes.
    silent: Instant,
    /// When it is over, whatever comes.
    latest: Instant,
}

impl Ending {
    fn new(how: String, now: Instant) -> Self {
        Self { how, silent: now + SILENCE, latest: now + LINGER }
    }

    /// Something came.
    fn heard(&mut self, now: Instant) {
        self.silent = now + SILENCE;
    }

    /// The window took what had come from `began` until now, and nobody could wait for more in that time.
    fn held_up(&mut self, began: Instant, now: Instant) {
        self.latest += now.saturating_duration_since(began);
        self.heard(now);
    }

    fn at(&self) -> Instant {
        self.silent.min(self.latest)
    }
}

impl SeenState {
    /// Output came: it is to be shown, unless there is too much already. What is passed over is heard all the same.
    fn take(&mut self, bytes: &[u8]) {
        if let Some(ending) = &mut self.ending {
            ending.heard(Instant::now());
        }
        if self.pace != Pace::Following {
            return;
        }
        if self.output.len() > MAX_UNSHOWN_BYTES {
            self.output = Vec::new();
            self.pace = Pace::Behind;
            return;
        }
        self.quiet.pass(bytes, &mut self.output);
    }

    /// The window took all there was. Says whether it needs the screen, which is asked for once.
    fn caught_up(&mut self) -> bool {
        let needs_screen = self.pace == Pace::Behind;
        if needs_screen {
            self.pace = Pace::Asked;
        }
        needs_screen
    }

    /// How it ended, if it has.
    fn ended(&mut self, now: Instant) -> Option<String> {
        let over = self.over.take();
        let ending = self.ending.take_if(|ending| over.is_some() || ending.at() <= now);
        // Of two ends the program's own is the one that matters.
        ending.map(|ending| ending.how).or(over)
    }
}

impl Seen {
    fn take_in(&self, client: &Client, event: ClientEvent) {
        let mut state = self.state.lock();
        let state = &mut *state;
        match event {
            ClientEvent::TerminalScreen { terminal, bytes, .. } if state.attached == Some(terminal) => {
                state.pace = Pace::Following;
                state.take(&bytes);
            }
            ClientEvent::TerminalOutput { terminal, bytes } if state.attached == Some(terminal) => {
                state.take(&bytes);
            }
            ClientEvent::TerminalOver { terminal, .. } if state.attached == Some(terminal) => {
                state.over = Some("The terminal is no longer shared.".to_owned());
            }
            ClientEvent::TerminalChanged { terminal } if state.attached == Some(terminal) => {
                let how = match client.terminal(terminal).map(|info| &info.state) {
                    Some(TerminalState::Exited { code: Some(code), .. }) => {
                        Some(format!("The program ended with {code}."))
                    }
                    Some(TerminalState::Exited { signal, .. }) => {
                        let signal = signal.as_deref().unwrap_or("a signal");
                        Some(format!("The program was ended by {signal}."))
                    }
                    Some(TerminalState::Failed(_)) => {
                        state.over = Some("The program could not be started.".to_owned());
                        None
                    }
                    // It may have been started again.
                    Some(TerminalState::Running) | None => None,
                };
                // It is said again whenever something else about the terminal changes.
                let ending = state.ending.take();
                state.ending = how.map(|how| ending.unwrap_or_else(|| Ending::new(how, Instant::now())));
            }
            ClientEvent::Phase(Phase::Ended(_) | Phase::Offline) => {
                state.over.get_or_insert_with(|| "The session is over.".to_owned());
            }
            _ => {}
        }
        self.changed.notify_one();
    }
}

/// Finds the terminal that was meant: by its name, or the only one there is.
async fn choose(guest: &Guest, seen: &Seen, name: Option<&str>) -> anyhow::Result<TerminalId> {
    loop {
        let found = guest.with(|client| {
            let all: Vec<_> = client.terminals().map(|info| (info.terminal, info.name.clone())).collect();
            (client.phase().clone(), client.knows_terminals(), all)
        });
        match found {
            (Phase::Ended(fault), ..) => bail!("the agent does not let us in: {fault}"),
            (_, true, terminals) => {
                let fits: Vec<_> =
                    terminals.iter().filter(|(_, other)| name.is_none_or(|name| name == other)).collect();
                let names: Vec<&str> = terminals.iter().map(|(_, name)| name.as_str()).collect();
                return match (fits.as_slice(), name) {
                    ([(terminal, _)], _) => Ok(*terminal),
                    ([], _) if terminals.is_empty() => {
                        bail!(
                            "no terminal is shared. Share one in your page, or with `parlor share --terminal COMMAND`"
                        )
                    }
                    ([], Some(name)) => {
                        bail!("no terminal is called {name}. There are: {}", names.join(", "))
                    }
                    ([first, ..], Some(_)) => Ok(first.0),
                    (_, None) => bail!("which one? There are: {}", names.join(", ")),
                };
            }
            _ => seen.changed.notified().await,
        }
    }
}

struct Attached<'a> {
    guest: &'a Guest,
    seen: &'a Seen,
    terminal: TerminalId,
}

impl Attached<'_> {
    /// Shows the terminal; gives a sentence about how it ended.
    async fn run(self) -> anyhow::Result<String> {
        self.seen.state.lock().attached = Some(self.terminal);
        let mut resized =
            signal(SignalKind::window_change()).context("window changes can not be received")?;
        let mut keys = keys()?;
        let _raw = Raw::begin().context("the terminal can not be used raw")?;
        self.fit();
        self.guest.with(|client| client.watch_terminal(self.terminal, History::None));
        self.show(&mut keys, &mut resized).await
    }

    async fn show(&self, keys: &mut mpsc::Receiver<Vec<u8>>, resized: &mut Signal) -> anyhow::Result<String> {
        loop {
            let began = Instant::now();
            let (output, ended) = {
                let mut state = self.seen.state.lock();
                (std::mem::take(&mut state.output), state.ended(began))
            };
            // A window that does not take it holds us up, and us alone: what it missed it sees as a screen.
            let mut out = io::stdout().lock();
            out.write_all(&output).and_then(|()| out.flush()).context("the window can not be written to")?;
            drop(out);
            if let Some(ended) = ended {
                return Ok(ended);
            }
            let (end, needs_screen) = {
                let mut state = self.seen.state.lock();
                if !output.is_empty()
                    && let Some(ending) = &mut state.ending
                {
                    ending.held_up(began, Instant::now());
                }
                (state.ending.as_ref().map(Ending::at), state.caught_up())
            };
            if needs_screen {
                self.guest.with(|client| client.watch_terminal(self.terminal, History::None));
            }
            // Every arm is cancel-safe: signals, a time, receives, a notification.
            tokio::select! {
                biased;
                _ = resized.recv() => self.fit(),
                () = tokio::time::sleep_until(end.unwrap_or(began)), if end.is_some() => {}
                typed = keys.recv() => {
                    let Some(typed) = typed else { return Ok("Detached.".to_owned()) };
                    let (before, detach) = match typed.iter().position(|byte| *byte == DETACH) {
                        Some(at) => (&typed[..at], true),
                        None => (&typed[..], false),
                    };
                    if self.guest.with(|client| client.type_into(self.terminal, before)).is_err() {
                        // As a terminal does when its line is full.
                        io::stdout().write_all(b"\x07")?;
                    }
                    if detach {
                        let ending = self.seen.state.lock().ending.take();
                        let goes_on = || "Detached; the terminal goes on.".to_owned();
                        return Ok(ending.map_or_else(goes_on, |ending| ending.how));
                    }
                }
                () = self.seen.changed.notified() => {}
            }
        }
    }

    fn fit(&self) {
        if let Ok(size) = tcgetwinsize(io::stdout()) {
            let size = TerminalSize { columns: size.ws_col, rows: size.ws_row };
            self.guest.with(|client| client.fit_terminal(self.terminal, size));
        }
    }
}

/// What is typed here, read by a thread: nothing else can wait for a terminal and be left waiting.
fn keys() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (sender, keys) = mpsc::channel(KEYS);
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = io::stdin().lock().read(&mut buffer) {
            if sender.blocking_send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    })?;
    Ok(keys)
}

/// The window in raw mode, until this is dropped.
struct Raw(Termios);

impl Raw {
    fn begin() -> io::Result<Self> {
        let usual = tcgetattr(io::stdin())?;
        let mut raw = usual.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(usual))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A window that is gone needs no mode.
        let _ = io::stdout().write_all(FAREWELL);
        let _ = io::stdout().flush();
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_waits_for_silence_but_not_for_ever() {
        let said = Instant::now();
        let at = |millis| said + Duration::from_millis(millis);
        let mut state =
            SeenState { ending: Some(Ending::new("so".to_owned(), said)), ..SeenState::default() };
        assert_eq!(state.ended(at(499)), None);
        state.ending.as_mut().unwrap().heard(at(499));
        assert_eq!(state.ended(at(998)), None);
        assert_eq!(state.ended(at(999)), Some("so".to_owned()));
        assert_eq!(state.ended(at(9_999)), None);

        // What never falls silent.
        let mut ending = Ending::new("so".to_owned(), said);
        (0..50).for_each(|tenth| ending.heard(at(tenth * 100)));
        assert_eq!(ending.at(), said + LINGER);
        // A window that takes nothing for long, held by Ctrl-S, loses nothing of what comes behind.
        ending.held_up(at(4_900), at(60_000));
        assert_eq!(ending.at(), at(60_000) + Duration::from_millis(100));
    }

    #[test]
    fn a_window_that_takes_nothing_holds_little_and_then_sees_the_screen() {
        let mut state = SeenState::default();
        let piece = vec![b'y'; 64 * 1024];
        for _ in 0..1000 {
            state.take(&piece);
            assert!(state.output.len() <= MAX_UNSHOWN_BYTES + piece.len());
        }
        assert_eq!((state.pace, state.output.len()), (Pace::Behind, 0));
        assert!(state.caught_up() && !state.caught_up());
    }

    #[test]
    fn nothing_is_waited_for_once_the_session_is_over() {
        let now = Instant::now();
        let mut state = SeenState { over: Some("over".to_owned()), ..SeenState::default() };
        state.ending = Some(Ending::new("so".to_owned(), now));
        assert_eq!(state.ended(now), Some("so".to_owned()));
        let mut state = SeenState { over: Some("over".to_owned()), ..SeenState::default() };
        assert_eq!(state.ended(now), Some("over".to_owned()));
    }
}
