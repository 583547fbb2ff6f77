//! Shares a folder while somebody works on Parlor: rebuilds and restarts what a changed file touches.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::{page, run, share, workspace};

/// How often the sources are looked at: a walk over a few hundred files takes about a millisecond.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// What the page is made of.
const PAGE_SOURCES: [&str; 5] =
    ["frontend/src", "frontend/js", "frontend/index.html", "static", "shared/src"];

/// What the program is made of, besides the page.
const PROGRAM_SOURCES: [&str; 4] = ["backend/src", "backend/build.rs", "shared/src", "Cargo.toml"];

/// Runs `parlor share PATH FLAGS` and keeps it up to date until it ends by itself or a signal ends both.
pub(crate) fn dev(path: &Path, flags: &[OsString]) -> Result<()> {
    let mut page_seen = workspace::snapshot(&PAGE_SOURCES);
    let mut program_seen = workspace::snapshot(&PROGRAM_SOURCES);
    let mut agent = start(&share::build_debug()?, path, flags)?;

    loop {
        wait();
        if let Some(status) = agent.try_wait()? {
            anyhow::ensure!(status.success(), "parlor ended with {status}");
            return Ok(());
        }
        let (page_now, program_now) =
            (workspace::snapshot(&PAGE_SOURCES), workspace::snapshot(&PROGRAM_SOURCES));
        let page_changed = page_now != page_seen;
        let program_changed = program_now != program_seen;
        (page_seen, program_seen) = (page_now, program_now);

        if page_changed && let Err(error) = page::build(page::Flavor::Dev) {
            eprintln!("xtask: {error:#}; waiting for the next change");
            continue;
        }
        if program_changed {
            match share::compile_debug() {
                Ok(parlor) => {
                    stop(&mut agent)?;
                    agent = start(&parlor, path, flags)?;
                }
                Err(error) => eprintln!("xtask: {error:#}; the agent of before goes on"),
            }
        } else if page_changed {
            eprintln!("xtask: reload the page in the browser");
        }
    }
}

fn start(parlor: &Path, path: &Path, flags: &[OsString]) -> Result<Child> {
    share::command(parlor, path, flags).spawn().context("could not start parlor")
}

/// Ends the agent as Ctrl-C would, so that it saves what people typed.
fn stop(agent: &mut Child) -> Result<()> {
    let asked =
        cfg!(unix) && run::succeeds_quietly(Command::new("kill").args(["-INT", &agent.id().to_string()]));
    if !asked {
        agent.kill()?;
    }
    agent.wait()?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a poll loop of a build tool: the wait is its purpose")]
fn wait() {
    std::thread::sleep(POLL_INTERVAL);
}
