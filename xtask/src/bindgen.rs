//! wasm-bindgen as a program of its own (`xtask/bindgen`): these tasks are compiled in half the time without it.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{run, workspace};

/// The package and the program.
pub(crate) const NAME: &str = "parlor-bindgen";

/// Compiles the program.
pub(crate) fn compile() -> Result<()> {
    run::succeed(run::cargo().args(["build", "--package", NAME, "--bin", NAME]))
}

/// Where the program stands when it is compiled.
pub(crate) fn program() -> PathBuf {
    workspace::target().join("debug").join(NAME).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Makes `FOLDER/NAME.js` and its wasm, for whoever loads them: `browser`, `browser-debug` or `node`.
pub(crate) fn bind(loader: &str, wasm: &Path, name: &str, folder: &Path) -> Result<()> {
    run::succeed(run::program(program()).arg(loader).arg(wasm).arg(name).arg(folder))
}
