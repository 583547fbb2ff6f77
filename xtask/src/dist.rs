//! Builds what is shipped: one binary that holds the page.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{page, run, workspace};

/// Builds `target/release/parlor` with the release page in it.
pub(crate) fn dist() -> Result<()> {
    let parlor = build_release()?;
    let size =
        fs::metadata(&parlor).with_context(|| format!("cargo did not leave {}", parlor.display()))?.len();
    println!("{} ({:.1} MB)", parlor.display(), size as f64 / 1e6);
    Ok(())
}

/// The release binary, for shipping and for measuring.
pub(crate) fn build_release() -> Result<PathBuf> {
    page::build(page::Flavor::Release)?;
    run::step("parlor: compile (release)", || {
        run::succeed(run::cargo().args(["build", "--release", "--package", "parlor", "--bin", "parlor"]))
    })?;
    Ok(workspace::target().join("release/parlor").with_extension(std::env::consts::EXE_EXTENSION))
}
