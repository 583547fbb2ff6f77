//! Builds the cryptographic vectors for wasm and runs them under Node: page and host must agree on every byte.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::setup::{self, WASM_TARGET};
use crate::{bindgen, run, workspace};

const PACKAGE: &str = "parlor-wasm-vectors";
const MODULE: &str = "parlor_wasm_vectors";

/// Checks the frozen values in wasm; gives the line for the report of all tests.
pub(crate) fn check() -> (Vec<String>, Result<()>) {
    match build("dev", "debug").and_then(|module| node(&module, "vectors.check()")) {
        Ok(()) => (vec!["the frozen values are the same in wasm".to_owned()], Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    }
}

/// Builds the module as the page is built.
pub(crate) fn build_for_bench() -> Result<PathBuf> {
    build("wasm-release", "wasm-release")
}

/// How fast wasm seals and opens: a line for each size of frame, its bytes and megabytes a second.
pub(crate) fn throughput(module: &Path) -> Result<String> {
    let script = "for (const [bytes, frames] of [[64, 20000], [1024, 10000], [16384, 2000]]) \
                  console.log(`${bytes} ${vectors.seal_throughput(bytes, bytes * frames).toFixed(1)}`)";
    run::read(&mut node_command(module, script))
}

fn build(profile: &str, folder: &str) -> Result<PathBuf> {
    setup::wasm_target()?;
    let mut cargo = run::cargo();
    cargo.args(["build", "--package", PACKAGE, "--target", WASM_TARGET, "--profile", profile]);
    run::succeed(&mut cargo)?;
    let wasm = workspace::target().join(WASM_TARGET).join(folder).join(format!("{MODULE}.wasm"));
    let out = workspace::target().join("wasm-vectors").join(folder);
    bindgen::compile()?;
    bindgen::bind("node", &wasm, MODULE, &out)?;
    Ok(out.join(format!("{MODULE}.js")))
}

fn node(module: &Path, script: &str) -> Result<()> {
    run::succeed_on_stdout(&mut node_command(module, script))
}

fn node_command(module: &Path, script: &str) -> Command {
    let script = format!("const vectors = require({:?}); {script}", module.display().to_string());
    let mut node = run::program("node");
    node.args(["--eval", &script]);
    node
}
