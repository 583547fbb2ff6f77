//! The real program among signals, terminals that go, and readers that do not read.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use parlor_shared::client::{Phase, SyncState};
use parlor_shared::fault::FaultCode;
use parlor_shared::invite::Invite;
use parlor_shared::message::WorkspaceToHost;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

mod common;

use common::program::{OwnProcess, Place, Program};
use common::{PATIENCE, TestGuest};

const PROGRAM: &str = env!("CARGO_BIN_EXE_parlor");

async fn joined(invite: &Invite) -> TestGuest {
    let guest = TestGuest::knock(invite.clone(), "Ann", Identity::generate().unwrap()).await;
    guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
    guest
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let asks = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        while !holds() {
            again.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, asks).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

async fn ends(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("its end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap()
}

/// Whether the session that lies there ended in order: nothing is left to go on with.
fn ended_in_order(place: &Place) -> bool {
    let sessions = place.state.path().join("sessions");
    std::fs::read_dir(sessions).unwrap().flatten().all(|session| !session.path().join("keys").exists())
}

/// A terminal window in which the program runs.
struct Window {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    lines: BufReader<Box<dyn std::io::Read + Send>>,
    keys: Box<dyn std::io::Write + Send>,
    sharing: Value,
}

impl Window {
    fn open(place: &Place, program: &[&str]) -> Self {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program[0]);
        command.args(&program[1..]);
        command.args(["share", "--output", "json"]);
        command.arg(place.folder.path());
        command.env("PARLOR_STATE_DIR", place.state.path());
        // The log goes to the window too.
        command.env("RUST_LOG", "info");
        command.cwd(place.folder.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let keys = pair.master.take_writer().unwrap();
        let mut lines = BufReader::new(pair.master.try_clone_reader().unwrap());
        let mut line = String::new();
        while !line.trim_start().starts_with('{') {
            line.clear();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it began");
        }
        let sharing = serde_json::from_str(&line).unwrap();
        Self { child, master: pair.master, lines, keys, sharing }
    }

    fn pid(&self) -> u32 {
        u32::try_from(self.sharing["pid"].as_u64().unwrap()).unwrap()
    }

    fn editor(&self) -> Invite {
        self.sharing["invites"][0]["url"].as_str().unwrap().parse().unwrap()
    }

    /// Closes the window as a terminal program does, or a connection that drops.
    fn close(self) -> Box<dyn portable_pty::Child + Send + Sync> {
        let Self { child, master, lines, keys, .. } = self;
        // It types an end of input, which the program does not read.
        drop((lines, keys, master));
        child
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_closed_ends_the_session_in_order() {
    let place = Place::new();
    place.write("a.txt", "begun, ");
    let window = Window::open(&place, &[PROGRAM]);
    let mut guest = joined(&window.editor()).await;
    let document = guest.open("a.txt").await;
    guest.append(document, "and typed just before");
    guest
        .wait("the host has it", |client| {
            client
                .sync_state(document)
                .is_some_and(|state| matches!(state, SyncState::Saved | SyncState::Synced))
        })
        .await;
    let mut child = window.close();
    let mut status = None;
    until("its end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    assert_eq!(status.unwrap().exit_code(), 0);
    guest.ended().await;
    assert_eq!(place.read("a.txt"), "begun, and typed just before");
    assert!(ended_in_order(&place));
}

/// Ends somebody else's child with the test, if it is still there.
struct EndsWithTest(#[cfg(target_os = "linux")] std::os::fd::OwnedFd);

impl EndsWithTest {
    /// It is there now: later its number may be another's.
    #[cfg(target_os = "linux")]
    fn new(pid: u32) -> Self {
        let pid = Pid::from_raw(pid.cast_signed()).unwrap();
        Self(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap())
    }

    #[cfg(not(target_os = "linux"))]
    fn new(_: u32) -> Self {
        Self()
    }
}

#[cfg(target_os = "linux")]
impl Drop for EndsWithTest {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = rustix::process::pidfd_send_signal(&self.0, Signal::KILL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nohup_the_session_outlives_its_window() {
    let place = Place::new();
    place.write("a.txt", "");
    // It has the window's output still, unlike what `nohup` makes of it, so that a window that is gone is written to.
    let window = Window::open(&place, &["sh", "-c", "trap '' HUP; \"$@\" & wait", "sh", PROGRAM]);
    let (pid, editor) = (window.pid(), window.editor());
    let _ends = EndsWithTest::new(pid);
    drop(window.close());
    let mut guest = joined(&editor).await;
    let document = guest.open("a.txt").await;
    for round in 0..3 {
        guest.append(document, &round.to_string());
        guest.wait_sync(document, &SyncState::Saved).await;
    }
    assert_eq!(place.read("a.txt"), "012");
    signal(pid, Signal::TERM);
    guest.ended().await;
    until("the end", || ended_in_order(&place)).await;

    // The real one.
    let place = Place::new();
    let output = place.state.path().join("output");
    let child = Command::new("nohup")
        .args([PROGRAM, "share", "--output", "json"])
        .arg(place.folder.path())
        .env("PARLOR_STATE_DIR", place.state.path())
        .stdin(Stdio::null())
        .stdout(File::create(&output).unwrap())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut child = OwnProcess(child);
    let sharing = || std::fs::read_to_string(&output).unwrap();
    until("links", || sharing().ends_with('\n')).await;
    signal(child.id(), Signal::HUP);
    let line: Value = serde_json::from_str(&sharing()).unwrap();
    let guest = joined(&line["invites"][0]["url"].as_str().unwrap().parse().unwrap()).await;
    signal(child.id(), Signal::INT);
    assert!(ends(&mut child).await.success());
    guest.ended().await;
}

/// Shares with these variables; output and log go to pipes that nobody reads, of the least size that there is.
fn start_unread(place: &Place, variables: &[(&str, &str)]) -> (OwnProcess, [std::io::PipeReader; 2], Value) {
    let (out, out_end) = std::io::pipe().unwrap();
    let (log, log_end) = std::io::pipe().unwrap();
    #[cfg(target_os = "linux")]
    for pipe in [&out, &log] {
        rustix::pipe::fcntl_setpipe_size(pipe, 4096).unwrap();
    }
    let child = Command::new(PROGRAM)
        .args(["share", "--output", "json"])
        .arg(place.folder.path())
        .env("PARLOR_STATE_DIR", place.state.path())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(out_end)
        .stderr(log_end)
        .spawn()
        .unwrap();
    let child = OwnProcess(child);
    let mut line = Vec::new();
    let mut byte = [0];
    while byte != *b"\n" {
        (&out).read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    (child, [out, log], serde_json::from_slice(&line).unwrap())
}

/// A path of about a thousand bytes.
fn long_path(number: u32) -> String {
    let folder = "a-long-name-".repeat(20);
    format!("{folder}/{folder}/{folder}/{folder}/{number}.txt")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_that_nobody_reads_stops_nobody_and_what_is_missing_is_counted() {
    const FILES: u32 = 60;
    let place = Place::new();
    std::fs::create_dir_all(place.folder.path().join(long_path(0)).parent().unwrap()).unwrap();
    (0..FILES).for_each(|number| place.write(&long_path(number), ""));
    // The log of every message fills the other pipe many times over.
    let (mut child, [out, log], sharing) = start_unread(&place, &[("RUST_LOG", "trace")]);
    let mut guest = joined(&sharing["invites"][0]["url"].as_str().unwrap().parse().unwrap()).await;
    let mut documents = Vec::new();
    for number in 0..FILES {
        documents.push(guest.open(&long_path(number)).await);
    }
    // More lines than there is room for.
    const ROUNDS: u32 = 6;
    for round in 0..ROUNDS {
        documents.iter().for_each(|document| guest.append(*document, &round.to_string()));
        for document in &documents {
            guest.wait_sync(*document, &SyncState::Saved).await;
        }
    }
    assert_eq!(place.read(&long_path(7)), "012345");

    // The reader reads again.
    let (mut saved, mut dropped) = (0, 0);
    let mut lines = BufReader::new(out).lines();
    while saved + dropped < u64::from(FILES * ROUNDS) {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        match line["event"].as_str().unwrap() {
            "saved" => saved += 1,
            "dropped" => dropped += line["lines"].as_u64().unwrap(),
            other => assert_eq!(other, "guest_joined"),
        }
    }
    assert!(saved > 0 && dropped > 0, "{saved} {dropped}");
    // And not any more: a signal is heard all the same.
    signal(child.id(), Signal::TERM);
    assert!(ends(&mut child).await.success());
    guest.ended().await;
    assert!(ended_in_order(&place));
    drop((lines, log));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_are_heard_while_nobody_reads() {
    const FILES: u32 = 8;
    for asked in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::new();
        std::fs::create_dir_all(place.folder.path().join(long_path(0)).parent().unwrap()).unwrap();
        (0..FILES).for_each(|number| place.write(&long_path(number), ""));
        let (mut child, pipes, sharing) = start_unread(&place, &[]);
        let mut guest = joined(&sharing["invites"][0]["url"].as_str().unwrap().parse().unwrap()).await;
        for number in 0..FILES {
            let document = guest.open(&long_path(number)).await;
            guest.append(document, "typed");
            guest.wait_sync(document, &SyncState::Saved).await;
        }
        signal(child.id(), asked);
        assert!(ends(&mut child).await.success(), "{asked:?}");
        assert!(ended_in_order(&place));
        drop(pipes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_held_by_ctrl_s_holds_up_nobody() {
    let place = Place::new();
    place.write("a.txt", "");
    let mut window = Window::open(&place, &[PROGRAM]);
    window.keys.write_all(b"\x13").unwrap();
    let mut guest = joined(&window.editor()).await;
    let document = guest.open("a.txt").await;
    for round in 0..3 {
        guest.append(document, &round.to_string());
        guest.wait_sync(document, &SyncState::Saved).await;
    }
    signal(window.pid(), Signal::TERM);
    until("its end", || window.child.try_wait().unwrap().is_some()).await;
    assert_eq!(place.read("a.txt"), "012");
    assert!(ended_in_order(&place));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ctrl_c_ends_at_once() {
    let place = Place::new();
    // Its program hears that the terminal is gone and stays, so ending takes five seconds.
    let word = (70_000_000 + std::process::id()).to_string();
    let stays = format!("trap 'echo no' HUP; echo ready > ready; while :; do sleep {word} & wait; done");
    let mut program = place.start_with(&["--shell", "/bin/sh", "--terminal", &stays]);
    until("the program", || place.folder.path().join("ready").exists()).await;
    let guest = joined(&program.editor).await;
    signal(program.child.id(), Signal::INT);
    // A shell says it twice when it says it once.
    signal(program.child.id(), Signal::INT);
    guest.ended().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(program.child.try_wait().unwrap().is_none(), "it waits");
    let began = Instant::now();
    signal(program.child.id(), Signal::INT);
    let status = ends(&mut program.child).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(1));
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let is_ours = String::from_utf8_lossy(&line).contains(&word);
        if let Some(pid) = entry.file_name().to_str().and_then(|pid| pid.parse().ok()).filter(|_| is_ours) {
            signal(pid, Signal::KILL);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_beginning_that_waits_for_a_disk_is_given_up_by_ctrl_c() {
    let place = Place::new();
    let folder = place.folder.path().canonicalize().unwrap();
    let session = place.state.path().join("sessions").join(parlor::agent::session_name(&folder));
    std::fs::create_dir_all(&session).unwrap();
    // Opening it waits for a writer, for ever.
    assert!(Command::new("mkfifo").arg(session.join("keys")).status().unwrap().success());
    let child = Command::new(PROGRAM)
        .arg("share")
        .arg(place.folder.path())
        .env("PARLOR_STATE_DIR", place.state.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = OwnProcess(child);
    until("its lock", || session.join("lock").exists()).await;
    signal(child.id(), Signal::INT);
    assert_eq!(ends(&mut child).await.code(), Some(1));
}

#[test]
fn the_log_has_colours_in_a_window_and_nowhere_else() {
    let run = |variables: &[(&str, &str)], in_window: bool| {
        let place = Place::new();
        let mut arguments = vec!["share".to_owned(), "--output".to_owned(), "json".to_owned()];
        arguments.push(place.folder.path().display().to_string());
        if in_window {
            let pair = native_pty_system().openpty(PtySize::default()).unwrap();
            let mut command = CommandBuilder::new(PROGRAM);
            command.args(&arguments);
            command.env("PARLOR_STATE_DIR", place.state.path());
            command.env("TERM", "xterm");
            variables.iter().for_each(|(name, value)| command.env(name, value));
            let mut child = pair.slave.spawn_command(command).unwrap();
            let mut reader = pair.master.try_clone_reader().unwrap();
            let mut shown = Vec::new();
            let mut buffer = [0; 4096];
            while !String::from_utf8_lossy(&shown).contains("\"event\":\"sharing\"") {
                let read = reader.read(&mut buffer).unwrap();
                shown.extend(&buffer[..read]);
            }
            signal(child.process_id().unwrap(), Signal::INT);
            // Nobody else holds it: the end comes with the program's.
            drop(pair.slave);
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                shown.extend(&buffer[..read]);
            }
            child.wait().unwrap();
            String::from_utf8(shown).unwrap()
        } else {
            let child = Command::new(PROGRAM)
                .args(&arguments)
                .env("PARLOR_STATE_DIR", place.state.path())
                .envs(variables.iter().copied())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut child = OwnProcess(child);
            let mut output = BufReader::new(child.stdout.take().unwrap());
            output.read_line(&mut String::new()).unwrap();
            signal(child.id(), Signal::INT);
            let mut log = String::new();
            child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            child.wait().unwrap();
            log
        }
    };
    let verbose = ("RUST_LOG", "info");
    let piped = run(&[verbose], false);
    assert!(piped.contains("ended") && !piped.contains('\x1b'), "{piped:?}");
    let shown = run(&[verbose], true);
    assert!(shown.contains("\x1b["), "{shown:?}");
    let plain = run(&[verbose, ("NO_COLOR", "1")], true);
    assert!(plain.contains("sharing") && !plain.contains('\x1b'), "{plain:?}");
}

// Opening the host's page.

/// A folder of programs that holds an `xdg-open` of ours, which says what it was given and then does this.
fn openers(then: &str) -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let text = format!(
        "#!/bin/sh\nhere=$(dirname \"$0\")\nprintf '%s\\n' \"$@\" > \"$here/arguments\"\nstat -c %a \"$1\" > \"$here/mode\"\n\
         cp \"$1\" \"$here/page.part\"; mv \"$here/page.part\" \"$here/page\"\n{then}\n"
    );
    for name in ["xdg-open", "open"] {
        let path = folder.path().join(name);
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn with_path(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_link_is_in_a_private_file_and_in_no_list_of_processes() {
    let (place, openers) = (Place::new(), openers("sleep 20"));
    let path = with_path(openers.path());
    let program =
        Program::start_among(&[("PATH", &path)], place.folder.path(), place.state.path(), &["--open"]);
    until("the opener", || openers.path().join("page").exists()).await;
    let sharing: Value = serde_json::from_str(&program.sharing).unwrap();
    let link = sharing["host_url"].as_str().unwrap();
    let secret = link.rsplit_once('#').unwrap().1;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(secret));
    }
    let read = |name: &str| std::fs::read_to_string(openers.path().join(name)).unwrap();
    let file = PathBuf::from(read("arguments").trim_end());
    assert!(file.starts_with(place.state.path()) && file.exists(), "{file:?}");
    assert_eq!(read("mode").trim_end(), "600");
    assert!(read("page").contains(&format!("url={link}\"")), "{}", read("page"));
    // The page came, so it is not needed any more.
    let host = joined(&link.parse().unwrap()).await;
    until("no file", || !file.exists()).await;
    host.with(|client| client.leave());
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_never_came_leaves_no_file_behind_the_end() {
    let (place, openers) = (Place::new(), openers(""));
    let path = with_path(openers.path());
    let program =
        Program::start_among(&[("PATH", &path)], place.folder.path(), place.state.path(), &["--open"]);
    until("the opener", || openers.path().join("page").exists()).await;
    let file = std::fs::read_to_string(openers.path().join("arguments")).unwrap();
    program.end();
    assert!(!Path::new(file.trim_end()).exists());
}

// Folders that are shared by mistake.

/// Tries to share a folder of a home, and says how that went.
fn try_to_share(folder: &Path, home: &Path, state: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM)
        .arg("share")
        .args(arguments)
        .arg(folder)
        .env("HOME", home)
        .env("PARLOR_STATE_DIR", state)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn without_a_terminal_a_folder_that_is_shared_by_mistake_needs_a_yes() {
    let (home, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    std::fs::create_dir_all(home.path().join(".ssh")).unwrap();
    std::fs::create_dir_all(home.path().join("code/app")).unwrap();
    for folder in [Path::new("/"), home.path(), &home.path().join(".ssh"), home.path().parent().unwrap()] {
        let (code, said) = try_to_share(folder, home.path(), state.path(), &[]);
        assert_eq!(code, Some(2), "{folder:?}: {said}");
        assert!(said.contains("--yes") && said.starts_with("parlor: "), "{said}");
    }
    assert!(!state.path().join("sessions").exists());
    // Where states lie, never.
    std::fs::create_dir_all(state.path().join("sessions/x")).unwrap();
    let (code, said) = try_to_share(&state.path().join("sessions"), home.path(), state.path(), &["--yes"]);
    assert!(code == Some(1) && said.contains("keys of sessions"), "{said}");

    let home_name = ("HOME", home.path().to_str().unwrap());
    Program::start_among(&[home_name], &home.path().join("code/app"), state.path(), &[]).end();
    Program::start_among(&[home_name], home.path(), state.path(), &["--yes"]).end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_that_is_shared_does_not_give_away_the_sessions_keys() {
    let home = TempDir::new().unwrap();
    let state = home.path().join(".local/state/parlor");
    let program = Program::start(home.path(), &state, &["--yes"]);
    let session = std::fs::read_dir(state.join("sessions")).unwrap().next().unwrap().unwrap().path();
    let relative = session.strip_prefix(home.path()).unwrap().to_str().unwrap().to_owned();
    assert!(session.join("keys").exists());
    let mut guest = joined(&program.editor).await;
    let path = |text: &str| WorkspacePath::parse(text).unwrap();
    let tries = [format!("{relative}/keys"), ".local/state/renamed/sessions".to_owned(), relative];
    for (step, tried) in tries.iter().enumerate() {
        let listed = guest
            .workspace(|request| WorkspaceToHost::Watch { request, folder: path(tried) })
            .await
            .unwrap_err();
        let read = guest
            .workspace(|request| WorkspaceToHost::Read { request, path: path(tried) })
            .await
            .unwrap_err();
        assert_eq!((listed.code, read.code), (FaultCode::Protected, FaultCode::Protected), "{tried}");
        if step == 0 {
            // Under another name it is as private.
            let (from, to) = (path(".local/state/parlor"), path(".local/state/renamed"));
            guest.workspace(|request| WorkspaceToHost::Rename { request, from, to }).await.unwrap();
        }
        if step == 1 {
            std::fs::rename(home.path().join(".local/state/renamed"), &state).unwrap();
        }
    }
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_terminal_the_person_is_asked() {
    let (home, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for (answer, shares) in [("n\r", false), ("\r", false), ("yes\r", true)] {
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(["share", "--output", "json"]);
        command.arg(home.path());
        command.env("HOME", home.path());
        command.env("PARLOR_STATE_DIR", state.path());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut shown = String::new();
        let mut buffer = [0; 4096];
        while !shown.contains("[y/N]") {
            let read = reader.read(&mut buffer).unwrap();
            shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        assert!(shown.contains("is your whole home folder"), "{shown}");
        pair.master.take_writer().unwrap().write_all(answer.as_bytes()).unwrap();
        while shares && !shown.contains("\"event\":\"sharing\"") {
            let read = reader.read(&mut buffer).unwrap();
            shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        if shares {
            signal(child.process_id().unwrap(), Signal::INT);
        }
        assert_eq!(child.wait().unwrap().success(), shares, "{shown}");
    }
}

#[test]
fn shares_that_overlap_are_noticed_wherever_their_state_lies() {
    let home = TempDir::new().unwrap();
    let (place, other) = (Place::new(), TempDir::new().unwrap());
    let folder = place.folder.path();
    std::fs::create_dir_all(folder.join("part/of/it")).unwrap();
    let program = Program::start(&folder.join("part"), place.state.path(), &[]);
    let (code, said) = try_to_share(&folder.join("part"), home.path(), other.path(), &["--yes"]);
    assert!(code == Some(1) && said.contains("is being shared already"), "{code:?} {said}");
    for overlapping in [folder, &folder.join("part/of"), &folder.join("part/of/it")] {
        for state in [other.path(), place.state.path()] {
            let (code, said) = try_to_share(overlapping, home.path(), state, &[]);
            assert!(code == Some(2) && said.contains("another parlor") && said.contains("--yes"), "{said}");
        }
    }
    // Whoever means it may, and one beside it never was a matter.
    Program::start(folder, other.path(), &["--yes"]).end();
    Program::start(&folder.join("part/of"), other.path(), &["--yes"]).end();
    program.kill();
    Program::start(&folder.join("part/of"), other.path(), &[]).end();
}

// Descriptors that ran out.

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doors_that_can_not_be_opened_are_not_tried_all_the_time() {
    use rustix::process::{Resource, Rlimit, prlimit};
    use tokio::net::{TcpStream, UnixStream};
    let place = Place::new();
    let program = place.start();
    let pid = Pid::from_child(&program.child);
    let usual = rustix::process::getrlimit(Resource::Nofile);
    let none = Rlimit { current: Some(3), maximum: usual.maximum };
    prlimit(Some(pid), Resource::Nofile, none).unwrap();
    let sharing: Value = serde_json::from_str(&program.sharing).unwrap();
    let address = sharing["listen"].as_str().unwrap();
    let at_the_door = UnixStream::connect(place.session().join("socket")).await.unwrap();
    let at_the_port = TcpStream::connect(address).await.unwrap();
    // What it did in a second: a loop without a pause takes all of it.
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let before = ticks();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let used = ticks() - before;
    assert!(used < 30, "{used} hundredths of a second");
    prlimit(Some(pid), Resource::Nofile, usual).unwrap();
    drop((at_the_door, at_the_port));
    let guest = joined(&program.editor).await;
    guest.with(|client| client.leave());
    program.end();
}

// Causes that are named wrongly.

/// A folder that everybody may enter.
fn public_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

#[test]
fn a_folder_that_can_not_be_read_is_what_is_wrong_and_not_its_settings() {
    use std::os::unix::fs::PermissionsExt as _;
    // Somebody else's, since nothing is forbidden to root.
    let (place, binary) = (public_folder(), public_folder());
    let program = binary.path().join("parlor");
    std::fs::copy(PROGRAM, &program).unwrap();
    let folder = place.path().join("shared");
    std::fs::create_dir(&folder).unwrap();
    for mode in [0o000, 0o600, 0o100, 0o400] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        for command in ["share", "doctor"] {
            let mut run = Command::new(&program);
            run.arg(command).arg(&folder).env("PARLOR_STATE_DIR", place.path().join("state"));
            run.env("HOME", place.path()).stdin(Stdio::null());
            if rustix::process::geteuid().is_root() {
                run.uid(65534).gid(65534);
            }
            let output = run.output().unwrap();
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert_eq!(output.status.code(), Some(1), "{mode:o}: {said}");
            assert!(
                said.contains("shared can not be opened: permission denied"),
                "{mode:o} {command}: {said}"
            );
            assert!(!said.contains("parlor.toml"), "{mode:o}: {said}");
        }
    }
    // A settings file that can not be read is still named.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let settings = folder.join("parlor.toml");
    File::create(&settings).unwrap();
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut run = Command::new(&program);
    run.arg("share")
        .arg(&folder)
        .env("PARLOR_STATE_DIR", place.path().join("state"))
        .env("HOME", place.path());
    if rustix::process::geteuid().is_root() {
        run.uid(65534).gid(65534);
    }
    let output = run.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("parlor.toml can not be used"), "{said}");
}
