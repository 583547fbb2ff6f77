//! Runs a crowd of scripted guests around the released agent and keeps the curve of its memory.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::bench::{DOCUMENT, filled};
use crate::{dist, run, workspace};

/// Where the curve of a run is kept that is long enough to be shown.
const IMAGES: &str = "docs/images";

/// From here on a run is shown in the document; a shorter one is a look while working.
const SHOWN_MINUTES: f64 = 60.0;

/// Lets the crowd go on for so many minutes, quietly, each guest making so many edits a second.
pub(crate) fn soak(minutes: f64, edits_per_second: f64) -> Result<()> {
    ensure!(minutes > 0.0 && edits_per_second > 0.0, "a soak needs some time and some edits");
    dist::build_release()?;
    run::step("soak: compile (release)", || {
        run::succeed(run::cargo().args(["bench", "--no-run", "--package", "parlor", "--bench", "fanout"]))
    })?;
    let is_shown = minutes >= SHOWN_MINUTES;
    let folder = if is_shown { workspace::path(IMAGES) } else { workspace::target().join("soak") };
    let output = run::step(format!("soak: {minutes} minutes"), || {
        let cargo = run::cargo();
        // Whoever works at this machine meanwhile goes first.
        let mut nice = run::program("nice");
        nice.args(["-n", "10"]).arg(cargo.get_program());
        nice.args(["bench", "--quiet", "--package", "parlor", "--bench", "fanout", "--"]);
        nice.args(["--soak", &minutes.to_string(), "--rate", &edits_per_second.to_string(), "--curve"]);
        run::read_telling(nice.arg(&folder))
    })?;
    print!("{output}");
    if is_shown {
        let path = workspace::path(DOCUMENT);
        let document = fs::read_to_string(&path).with_context(|| format!("could not read {DOCUMENT}"))?;
        workspace::write(&path, &filled(&document, &output)?)?;
        eprintln!("xtask: {DOCUMENT} and the curve in {IMAGES} are new");
    } else {
        eprintln!("xtask: the curve is in {}", folder.display());
    }
    Ok(())
}
