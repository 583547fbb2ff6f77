//! A program under measurement: a child process, what it uses of the processor and of memory.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Linux counts a process's time in hundredths of a second, whatever its timer does.
const TICK: Duration = Duration::from_millis(10);

/// A child process, ended when dropped.
pub(crate) struct Program {
    child: Child,
}

/// Resident memory.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now_bytes: u64,
    pub(crate) peak_bytes: u64,
}

impl Program {
    /// Starts a program and waits for its first line. What it prints later is read and dropped.
    pub(crate) fn start(command: &mut Command) -> Result<(Self, String)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .env("RUST_LOG", "warn")
            .spawn()
            .with_context(|| format!("could not start {}", command.get_program().display()))?;
        let mut output = BufReader::new(child.stdout.take().context("the output is piped")?);
        let program = Self { child };
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            bail!("{} ended before it said where it listens", command.get_program().display());
        }
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while output.read(&mut buffer).is_ok_and(|read| read > 0) {}
        });
        Ok((program, line))
    }

    /// Processor time of all its threads so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field is the name in parentheses and may hold anything; the third is the state.
        let (_, fields) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u32>);
        let user = ticks.next().context("no utime")??;
        let system = ticks.next().context("no stime")??;
        Ok(TICK * (user + system))
    }

    /// Its memory now and at most so far.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no memory")?;
            let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
            Ok(kib * 1024)
        };
        Ok(Memory { now_bytes: field("VmRSS:")?, peak_bytes: field("VmHWM:")? })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A process that ended by itself needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
