//! Running programs that are not ours: at once, beside the test, and on a terminal.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::desk::until;

/// Where a program is.
///
/// # Panics
/// If it is not installed: a test that can not run shows nothing.
pub(crate) fn path_of(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Some distributions keep what administrators run apart.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("this test runs {program}, which is not installed: `cargo xtask setup` installs it")
    })
}

/// A program, with nothing of whoever runs the tests in it: no settings, no language.
pub(crate) fn program(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(path_of(name));
    command.current_dir(folder).env("HOME", "/nonexistent").env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a program that must succeed, and gives what it said.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let said = said(&output);
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Writes a file outside the shared folder.
pub(crate) fn put(file: &Path, text: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(file, text).unwrap();
}

/// All that a program said.
pub(crate) fn said(output: &Output) -> String {
    [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat()
}

/// A program that runs beside the test. Ends with it.
pub(crate) struct Beside {
    child: Child,
    input: Option<ChildStdin>,
    output: Arc<Mutex<String>>,
}

impl Beside {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdin(Stdio::piped()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The command holds the writing ends: reading ends only when they are closed.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self { input: child.stdin.take(), child, output: collect(reader) }
    }

    /// All that it said.
    pub(crate) fn said(&self) -> String {
        self.output.lock().clone()
    }

    /// Waits until what it said fits.
    pub(crate) async fn says(&self, what: &str, holds: impl Fn(&str) -> bool) {
        assert!(until(|| holds(&self.said())).await, "waited in vain: {what}; it said {:?}", self.said());
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("it listens"), "{line}").unwrap();
    }

    /// Closes its input, and waits until it ends by itself.
    pub(crate) async fn finish(mut self) -> String {
        self.input = None;
        let ended = until(|| self.child.try_wait().unwrap().is_some()).await;
        assert!(ended, "it ends; it said {:?}", self.said());
        self.said()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// A program on a terminal, as a person runs it.
pub(crate) struct OnTerminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Arc<Mutex<String>>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl OnTerminal {
    pub(crate) fn start(name: &str, folder: &Path, arguments: &[&str]) -> Self {
        let size = PtySize { rows: 40, cols: 200, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(path_of(name));
        command.args(arguments);
        command.cwd(folder);
        command.env("HOME", "/nonexistent");
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm");
        let child = pair.slave.spawn_command(command).unwrap();
        let output = collect(pair.master.try_clone_reader().unwrap());
        Self { child, keys: pair.master.take_writer().unwrap(), output, _terminal: pair.master }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.output.lock().clear();
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until it shows one of these since the last key. Gives which.
    pub(crate) async fn shows(&self, any: &[&str]) -> usize {
        let mut found = None;
        let fits = until(|| {
            let shown = self.output.lock();
            found = any.iter().position(|text| shown.contains(text));
            found.is_some()
        });
        assert!(fits.await, "waited in vain for {any:?} in {:?}", self.output.lock());
        found.expect("it was found")
    }

    pub(crate) async fn ends(mut self) {
        let ended = until(|| self.child.try_wait().unwrap().is_some()).await;
        assert!(ended, "it ends; it shows {:?}", self.output.lock());
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Keeps what can be read, as it comes.
fn collect(reader: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let output = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&output);
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        while let Ok(bytes @ [_, ..]) = reader.fill_buf() {
            kept.lock().push_str(&String::from_utf8_lossy(bytes));
            let count = bytes.len();
            reader.consume(count);
        }
    });
    output
}

#[test]
#[should_panic(expected = "`cargo xtask setup` installs it")]
fn a_test_whose_program_is_missing_fails_and_says_so() {
    let _ = program("no-such-program", Path::new("/"));
}
