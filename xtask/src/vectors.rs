//! Builds the cryptographic vectors for wasm and runs them under Node: page and host must agree on every byte.

use std::path::PathBuf;

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;

use crate::setup::{self, WASM_TARGET};
use crate::{run, workspace};

const PACKAGE: &str = "parlor-wasm-vectors";
const MODULE: &str = "parlor_wasm_vectors";

/// Checks the frozen values in wasm; gives the line for the report of all tests.
pub(crate) fn check() -> (Vec<String>, Result<()>) {
    match build("dev", "debug").and_then(|module| node(&module, "vectors.check()")) {
        Ok(()) => (vec!["the frozen values are the same in wasm".to_owned()], Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    }
}

/// Prints how fast the page's build of wasm seals and opens, by size of the frame.
pub(crate) fn throughput() -> Result<()> {
    let module = build("wasm-release", "wasm-release")?;
    node(
        &module,
        "for (const bytes of [64, 1024, 16384]) \
         console.log(`seal and open in wasm, frames of ${bytes} bytes: \
         ${vectors.seal_throughput(bytes, bytes * 4000).toFixed(1)} MB/s`)",
    )
}

fn build(profile: &str, folder: &str) -> Result<PathBuf> {
    setup::wasm_target()?;
    let mut cargo = run::cargo();
    cargo.args(["build", "--package", PACKAGE, "--target", WASM_TARGET, "--profile", profile]);
    run::succeed(&mut cargo)?;
    let wasm = workspace::target().join(WASM_TARGET).join(folder).join(format!("{MODULE}.wasm"));
    let out = workspace::target().join("wasm-vectors").join(folder);
    Bindgen::new().input_path(wasm).nodejs(true)?.typescript(false).out_name(MODULE).generate(&out)?;
    Ok(out.join(format!("{MODULE}.js")))
}

fn node(module: &std::path::Path, script: &str) -> Result<()> {
    let script = format!("const vectors = require({:?}); {script}", module.display().to_string());
    run::succeed_on_stdout(run::program("node").args(["--eval", &script]))
}
