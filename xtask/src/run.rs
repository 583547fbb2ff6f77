//! Runs programs, saying what runs and how long it took.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{incremental, workspace};

/// Says `what` begins, does it, and says how long it took.
pub(crate) fn step<T>(what: impl Display, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("xtask: {what} ...");
    let start = now();
    let result = work();
    let seconds = start.elapsed().as_secs_f32();
    match &result {
        Ok(_) => eprintln!("xtask: {what}: done in {seconds:.1} s"),
        Err(_) => eprintln!("xtask: {what}: failed after {seconds:.1} s"),
    }
    result
}

/// A program that runs in the repository's root, without what the cargo that runs xtask has set for xtask alone.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(workspace::root());
    for (key, _) in std::env::vars_os() {
        let key_text = key.to_string_lossy();
        if key_text.starts_with("CARGO_PKG_") || key_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut cargo = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    incremental::choose(&mut cargo);
    cargo
}

/// Runs a command to its end; an exit code other than zero is an error that shows the command. What it prints goes
/// to standard error: standard output is for results, and for the program that `share` becomes.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    command.stdout(std::io::stderr());
    let status = command.status().with_context(|| format!("could not start {}", show(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", show(command));
    }
    Ok(())
}

/// Runs a command whose output is the result.
pub(crate) fn succeed_on_stdout(command: &mut Command) -> Result<()> {
    stream(command, |line| println!("{line}"))
}

/// Runs a test runner without standard input, everything it prints on our standard output, and returns the lines
/// with which it counted its tests.
pub(crate) fn succeed_counting(command: &mut Command) -> (Vec<String>, Result<()>) {
    let mut counts = Vec::new();
    let result = stream(command, |line| {
        println!("{line}");
        if is_count(line) {
            counts.push(line.to_owned());
        }
    });
    (counts, result)
}

fn stream(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<()> {
    let shown = show(command);
    let (output, input) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn().with_context(|| format!("could not start {shown}"))?;
    // The command holds the writing ends: reading ends only when they are closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(output).split(b'\n') {
        on_line(&String::from_utf8_lossy(&line?));
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// Whether a line says how many tests ended how: `12 passed`, `3 failed;`, `1 flaky`, and Node's `ℹ pass 12`.
fn is_count(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["ℹ" | "#", "pass" | "fail", count] = words[..] {
        return count.parse::<u32>().is_ok();
    }
    words.windows(2).any(|pair| {
        let outcome = pair[1].trim_end_matches([',', ';', ':']);
        pair[0].parse::<u32>().is_ok()
            && matches!(outcome, "passed" | "failed" | "flaky" | "skipped" | "interrupted")
    })
}

/// Whether a command can be started and ends well, whatever it prints.
pub(crate) fn succeeds_quietly(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// A command's standard output.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("could not start {}", show(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}: {}",
            show(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed something else than UTF-8", show(command)))
}

/// A command's standard output, while what it tells on standard error is shown.
pub(crate) fn read_telling(command: &mut Command) -> Result<String> {
    read(command.stderr(Stdio::inherit()))
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" "))
}

#[expect(clippy::disallowed_methods, reason = "a build tool's edge: it tells people how long things took")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{is_count, succeed_counting};

    #[test]
    fn counts_of_every_runner_are_recognised() {
        for line in [
            "     Summary [   0.005s] 12 tests run: 12 passed, 0 skipped",
            "test result: ok. 3 passed; 0 failed; 0 ignored",
            "  5 passed (10.2s)",
            "  1 flaky",
            "ℹ pass 31",
        ] {
            assert!(is_count(line), "{line}");
        }
        for line in ["PASS [ 0.1s] parlor lane::passed", "  ok 1 the test passed", ""] {
            assert!(!is_count(line), "{line}");
        }
    }

    #[test]
    fn a_failing_runner_is_an_error_and_its_counts_are_kept() {
        let (counts, result) =
            succeed_counting(Command::new("sh").args(["-c", "echo 1 passed; echo 2 failed >&2; exit 3"]));
        assert_eq!(counts, ["1 passed", "2 failed"]);
        assert!(result.expect_err("the exit code is 3").to_string().contains("exit status: 3"));
    }
}
