//! Builds what is needed to share a folder, and becomes `parlor share`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::{bindgen, page, run, workspace};

/// Builds the page and `target/debug/parlor`.
pub(crate) fn build_debug() -> Result<PathBuf> {
    let parlor = compile_debug()?;
    page::build(page::Flavor::Dev)?;
    Ok(parlor)
}

/// Compiles `target/debug/parlor`, and what the page's build needs: when both are missing that is quicker than one by one.
pub(crate) fn compile_debug() -> Result<PathBuf> {
    run::step("parlor: compile (dev)", || {
        let mut cargo = run::cargo();
        cargo.arg("build");
        for package in ["parlor", bindgen::NAME] {
            cargo.args(["--package", package, "--bin", package]);
        }
        run::succeed(&mut cargo)
    })?;
    Ok(workspace::target().join("debug/parlor").with_extension(std::env::consts::EXE_EXTENSION))
}

/// Shares with a debug build. Where no page was ever built, the door opens before that is done: it takes longer than all
/// the rest, a link can be sent meanwhile, and whoever opens it waits on a page that says so.
pub(crate) fn share_debug(path: &Path, flags: &[OsString]) -> Result<()> {
    let parlor = compile_debug()?;
    if page::is_there() {
        page::build(page::Flavor::Dev)?;
    } else {
        build_page_behind()?;
    }
    run(&parlor, path, flags)
}

/// Starts `build-page` and does not wait for it. `between` is nobody's parent for long, so that the page's build is not
/// left to `parlor` as a child that nobody waits for. It stays in the terminal's group: Ctrl-C ends it, too.
fn build_page_behind() -> Result<()> {
    let mut between = run::program(std::env::current_exe()?);
    run::succeed(between.args(["build-page", "--behind"]).stdin(Stdio::null()))
}

/// What `between` does.
pub(crate) fn start_page() -> Result<()> {
    eprintln!("xtask: the page is built behind this: links open as soon as it is there");
    let mut build = run::program(std::env::current_exe()?);
    // Hundreds of lines of cargo would push the links out of sight. Nor may it hold on to what `parlor` prints.
    build.arg("build-page").env("CARGO_TERM_QUIET", "true").stdout(std::io::stderr());
    build.spawn().context("could not start building the page")?;
    Ok(())
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
