//! `parlor attach` in a terminal window, beside a guest: both type, both see one stream.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_shared::client::{ClientEvent, Phase};
use parlor_shared::id::TerminalId;
use parlor_shared::message::{History, TerminalInfo, TerminalState};
use parlor_shared::seal::Identity;
use parlor_shared::terminal::TerminalSize;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tokio::sync::Notify;

mod common;

use common::program::{Place, Program};
use common::{PATIENCE, TestGuest};

/// A terminal window that runs `parlor attach`, as a terminal program makes one.
struct Window {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    shown: Arc<Mutex<Vec<u8>>>,
    /// Told of everything that is shown.
    news: Arc<Notify>,
    reader: std::thread::JoinHandle<()>,
}

impl Window {
    fn attach(place: &Place, arguments: &[&str]) -> Self {
        let (go, held) = std::sync::mpsc::channel();
        go.send(()).unwrap();
        Self::attach_held(place, arguments, held)
    }

    /// One that takes nothing before it is told to.
    fn attach_held(place: &Place, arguments: &[&str], held: std::sync::mpsc::Receiver<()>) -> Self {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_parlor"));
        command.arg("attach");
        command.args(arguments);
        command.arg("--path");
        command.arg(place.folder.path());
        command.env("PARLOR_STATE_DIR", place.state.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let news = Arc::new(Notify::new());
        let (sink, tell) = (Arc::clone(&shown), Arc::clone(&news));
        let reader = std::thread::spawn(move || {
            held.recv().unwrap();
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                sink.lock().extend(&buffer[..read]);
                tell.notify_one();
            }
        });
        Self { child, master: pair.master, keys, shown, news, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock()).into_owned()
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    async fn shows(&self, text: &str) {
        let wait = async {
            while !self.text().contains(text) {
                self.news.notified().await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("the window never showed {text:?}: {:?}", self.text());
        }
    }

    /// Waits for its end, and gives whether it went well and all that was shown.
    async fn ends(self) -> (bool, String) {
        let Self { mut child, master: _master, keys: _keys, shown, reader, .. } = self;
        let ended = tokio::task::spawn_blocking(move || {
            let status = child.wait().unwrap();
            // All that it printed has been read once the last holder of the window's other side is gone.
            reader.join().unwrap();
            status.success()
        });
        let success = tokio::time::timeout(PATIENCE, ended).await;
        let text = String::from_utf8_lossy(&shown.lock()).into_owned();
        let success = success.unwrap_or_else(|_| panic!("it never ended; the window shows {text:?}"));
        (success.unwrap(), text)
    }
}

fn start(place: &Place, terminals: &[&str]) -> Program {
    let mut arguments = vec!["--shell", "/bin/sh", "--terminal-access", "collaborative"];
    for terminal in terminals {
        arguments.extend(["--terminal", terminal]);
    }
    place.start_with(&arguments)
}

/// A guest that looks at the session's terminal.
async fn looks_in(program: &Program) -> (TestGuest, TerminalId) {
    let guest = TestGuest::knock(program.editor.clone(), "Ann", Identity::generate().unwrap()).await;
    guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
    guest.with(|client| client.subscribe_to_terminals());
    guest.wait("a terminal", |client| client.terminals().next().is_some()).await;
    let terminal = guest.with(|client| client.terminals().next().unwrap().terminal);
    guest.with(|client| client.watch_terminal(terminal, History::Kept));
    (guest, terminal)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_window_and_a_guest_type_into_one_terminal() {
    let place = Place::new();
    let program = start(&place, &["exec sh"]);
    let (guest, terminal) = looks_in(&program).await;
    let seen = |text: &str| {
        let output: Vec<u8> = guest
            .log
            .events()
            .into_iter()
            .filter_map(|event| match event {
                ClientEvent::TerminalOutput { bytes, .. } => Some(bytes),
                _ => None,
            })
            .flatten()
            .collect();
        String::from_utf8_lossy(&output).contains(text)
    };

    let mut window = Window::attach(&place, &[]);
    // The terminal takes the size of the host's window.
    let size = TerminalSize { columns: 100, rows: 30 };
    guest.wait("the window's size", |client| client.terminal(terminal).unwrap().size == size).await;
    for round in 0..5 {
        window.types(&format!("echo host-{round}-$((1+1))\r"));
        let text = format!("host-{round}-2");
        guest.wait(&text, |_| seen(&text)).await;
        window.shows(&text).await;
        guest
            .with(|client| client.type_into(terminal, format!("echo guest-{round}-$((1+1))\n").as_bytes()))
            .unwrap();
        window.shows(&format!("guest-{round}-2")).await;
    }
    window.master.resize(PtySize { rows: 20, cols: 70, pixel_width: 0, pixel_height: 0 }).unwrap();
    let size = TerminalSize { columns: 70, rows: 20 };
    guest.wait("the smaller window's size", |client| client.terminal(terminal).unwrap().size == size).await;

    // Questions of programs are answered by the agent alone, not by the window too.
    window.types("printf '\\033[6n'; read -r answer; echo; echo over$((1+1))\r");
    // Else the answer might come behind what is typed next, and in the midst of what is typed then.
    guest.wait("the answer, as the system echoes it", |_| seen("^[[")).await;
    window.types("\x1d");
    let (success, text) = window.ends().await;
    assert!(success && text.contains("Detached; the terminal goes on."), "{text:?}");
    assert!(!text.contains("\x1b[6n"), "{text:?}");
    // It does go on.
    guest.with(|client| client.type_into(terminal, b"\n\necho on-and-on-$((1+1))\n")).unwrap();
    guest.wait("the terminal to go on", |_| seen("on-and-on-2")).await;
    // Whoever looks in later sees what is there, and hears of the end.
    let window = Window::attach(&place, &[]);
    window.shows("on-and-on-2").await;
    guest.with(|client| client.type_into(terminal, b"exit 4\n")).unwrap();
    let (success, text) = window.ends().await;
    assert!(success && text.contains("The program ended with 4."), "{text:?}");
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_lines_are_shown_before_the_end_is_told() {
    let place = Place::new();
    // The second leaves something running that writes behind the end.
    let (counts, leaves) = ("read -r go; exec seq 100000", "trap '' 1;read g;(sleep .2;echo $g)&");
    let program = start(&place, &[counts, leaves]);
    for (name, last) in [(counts, "\r\n100000\r\n"), (leaves, "\r\nso\r\n")] {
        let mut window = Window::attach(&place, &[name]);
        window.shows("\x1b[2J").await;
        window.types("so\r");
        let (success, text) = window.ends().await;
        let (shown, end) = (text.rfind(last), text.rfind("The program ended with 0."));
        let tail: String = text.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
        assert!(success && shown.is_some() && shown < end, "{name}: {tail:?}");
    }
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_takes_nothing_for_a_while_sees_the_end_and_not_all_before_it() {
    let place = Place::new();
    let program = start(&place, &["read -r go; exec seq 600000"]);
    let (guest, terminal) = looks_in(&program).await;
    let (go, held) = std::sync::mpsc::channel();
    let window = Window::attach_held(&place, &[], held);
    guest.wait("the window", |client| client.terminal(terminal).unwrap().watchers.len() == 2).await;
    guest.with(|client| client.type_into(terminal, b"go\n")).unwrap();
    let ended = |info: &TerminalInfo| matches!(info.state, TerminalState::Exited { .. });
    guest.wait("the end", |client| client.terminal(terminal).is_some_and(ended)).await;
    go.send(()).unwrap();
    let (success, text) = window.ends().await;
    let (shown, end) = (text.rfind("\r\n600000\r\n"), text.rfind("The program ended with 0."));
    let tail: String = text.chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(success && shown.is_some() && shown < end, "{tail:?}");
    // The program wrote 4.7 MB.
    assert!(text.len() < 3_000_000, "the window was given {} bytes", text.len());
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_prints_reaches_the_window_but_nothing_beyond_it() {
    let place = Place::new();
    let program = start(&place, &["exec sh"]);
    let mut window = Window::attach(&place, &[]);
    window.shows("\x1b[2J").await;
    for (print, shown) in [
        (r"\033]52;c;%01000d\007one-$((1+1))", "one-2"),
        (r"\033[%0300d4ttwo-$((1+1))", "two-2"),
        // Not one that the agent answers: the answer would be typed into the next line.
        (r"\033]0;x\033[14tthree-$((1+1))", "three-2"),
        (r"\033]8;;file:///etc/passwd\007four-$((1+1))", "four-2"),
        (r"\033[3%dmfive-$((1+1))", "\x1b[31mfive-2"),
    ] {
        window.types(&format!("printf \"{print}\" 1\r"));
        window.shows(shown).await;
    }
    window.types("\x1d");
    let (_, text) = window.ends().await;
    for dropped in ["\x1b]52", "\x1b[00", "\x1b[14t", "\x1b]8;;file"] {
        assert!(!text.contains(dropped), "{dropped:?}: {text:?}");
    }
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_attached_is_said_in_a_sentence() {
    let place = Place::new();
    let (success, text) = Window::attach(&place, &[]).ends().await;
    let nobody = |text: &str| {
        let text = text.replace("\r\n", "");
        assert!(text.contains("is not being shared. Run `parlor share` there first"), "{text:?}");
        assert!(!text.contains("writable") && !text.contains("PARLOR_STATE_DIR"), "{text:?}");
    };
    assert!(!success);
    nobody(&text);
    // What an agent left that was killed.
    start(&place, &[]).kill();
    let (success, text) = Window::attach(&place, &[]).ends().await;
    assert!(!success);
    nobody(&text);
    let program = start(&place, &[]);
    let (success, text) = Window::attach(&place, &[]).ends().await;
    assert!(!success && text.contains("no terminal is shared"), "{text:?}");
    program.end();
    let program = start(&place, &["sleep 1000", "sleep 2000"]);
    let (success, text) = Window::attach(&place, &[]).ends().await;
    assert!(!success && text.contains("which one? There are: sleep 1000, sleep 2000"), "{text:?}");
    let (success, text) = Window::attach(&place, &["sleep 3000"]).ends().await;
    assert!(!success && text.contains("no terminal is called sleep 3000"), "{text:?}");
    let mut window = Window::attach(&place, &["sleep 2000"]);
    window.types("\x1d");
    let (success, text) = window.ends().await;
    assert!(success && text.contains("Detached"), "{text:?}");
    program.end();
}
