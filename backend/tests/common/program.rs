//! A real agent in a process of its own, to be killed and started again.

use std::io::{BufRead as _, BufReader};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use parlor_shared::invite::Invite;
use tempfile::TempDir;

/// A process that ends with the test, also when the test fails.
pub struct OwnProcess(pub Child);

impl Deref for OwnProcess {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for OwnProcess {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for OwnProcess {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real agent in a process of its own.
pub struct Program {
    pub child: OwnProcess,
    pub editor: Invite,
    /// What it said when it began to share: its links.
    pub sharing: String,
    /// What it says after that.
    output: BufReader<ChildStdout>,
}

impl Program {
    pub fn start(folder: &Path, state: &Path, arguments: &[&str]) -> Self {
        Self::start_among(&[], folder, state, arguments)
    }

    /// As [`Program::start`], with these variables in its environment.
    pub fn start_among(variables: &[(&str, &str)], folder: &Path, state: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(["share", "--output", "json"])
            .args(arguments)
            .arg(folder)
            .env("PARLOR_STATE_DIR", state)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = OwnProcess(child);
        let mut sharing = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut sharing).unwrap();
        let line: serde_json::Value = serde_json::from_str(&sharing).unwrap();
        let editor = line["invites"][0]["url"].as_str().unwrap().parse().unwrap();
        Self { child, editor, sharing, output }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The next event of this name.
    pub fn event(&mut self, name: &str) -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended without saying {name}");
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["event"] == name {
                return line;
            }
        }
    }

    /// Ends it as Ctrl-C does, and gives its exit code and what it said at the end.
    pub fn end_and_tell(mut self) -> (Option<i32>, serde_json::Value) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let ended = self.event("ended");
        (self.child.wait().unwrap().code(), ended)
    }

    /// Ends it as Ctrl-C does, and waits.
    pub fn end(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

/// A folder to share, and one for states.
pub struct Place {
    pub folder: TempDir,
    pub state: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), state: TempDir::new().unwrap() }
    }

    pub fn start(&self) -> Program {
        self.start_with(&[])
    }

    pub fn start_with(&self, arguments: &[&str]) -> Program {
        Program::start(self.folder.path(), self.state.path(), arguments)
    }

    pub fn write(&self, name: &str, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "plays the host's own editor")]
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Tries to share, and gives what it said when it ended by itself.
    pub fn fail_to_start(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(["share", "--output", "json"])
            .arg(self.folder.path())
            .env("PARLOR_STATE_DIR", self.state.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Where the session's state lies.
    pub fn session(&self) -> PathBuf {
        std::fs::read_dir(self.state.path().join("sessions")).unwrap().next().unwrap().unwrap().path()
    }
}
