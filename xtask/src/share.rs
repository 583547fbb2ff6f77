//! Builds what is needed to share a folder, and becomes `parlor share`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{page, run, workspace};

/// Builds the page and `target/debug/parlor`.
pub(crate) fn build_debug() -> Result<PathBuf> {
    page::compile(page::Flavor::Dev)?;
    // A debug build reads the page from disk, so neither has to wait for the other.
    std::thread::scope(|scope| {
        let page = scope.spawn(|| page::bundle(page::Flavor::Dev));
        let parlor = compile_debug();
        page.join().expect("bundling does not panic").and(parlor)
    })
}

/// Compiles `target/debug/parlor`.
pub(crate) fn compile_debug() -> Result<PathBuf> {
    run::step("parlor: compile (dev)", || {
        run::succeed(run::cargo().args(["build", "--package", "parlor", "--bin", "parlor"]))
    })?;
    Ok(workspace::target().join("debug/parlor").with_extension(std::env::consts::EXE_EXTENSION))
}

/// Becomes `parlor share PATH FLAGS`, in the caller's folder.
pub(crate) fn run(parlor: &Path, path: &Path, flags: &[OsString]) -> Result<()> {
    become_program(command(parlor, path, flags))
}

/// `parlor share PATH FLAGS`.
pub(crate) fn command(parlor: &Path, path: &Path, flags: &[OsString]) -> Command {
    let mut command = Command::new(parlor);
    command.arg("share").arg(path).args(flags);
    command
}

/// Takes the program's place in the process, so that signals and the exit code are its own.
#[cfg(unix)]
fn become_program(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec()).with_context(|| format!("could not start {}", command.get_program().display()))
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> Result<()> {
    let status =
        command.status().with_context(|| format!("could not start {}", command.get_program().display()))?;
    std::process::exit(status.code().unwrap_or(1))
}
