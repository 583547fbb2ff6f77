//! Measures with release builds: the program's benches, then the page in a browser.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{dist, run, setup, vectors, workspace};

/// The page's bench, a Node program that gets PARLOR_BIN and CHROMIUM.
const PAGE_BENCH: &str = "e2e/page-bench.mjs";

/// Runs every bench target of the `parlor` package, then the page's bench.
pub(crate) fn bench() -> Result<()> {
    let parlor = dist::build_release()?;
    for name in bench_targets()? {
        run::step(format_args!("bench {name}"), || {
            run::succeed_on_stdout(
                run::cargo()
                    .args(["bench", "--package", "parlor", "--bench", &name])
                    .env("PARLOR_BIN", &parlor),
            )
        })?;
    }
    run::step("bench sealing in wasm", vectors::throughput)?;
    if workspace::path(PAGE_BENCH).exists() {
        setup::npm_packages(setup::JOURNEY_PACKAGES)?;
        let chromium = setup::chromium()?;
        run::step("bench page", || {
            run::succeed_on_stdout(
                run::program("node").arg(PAGE_BENCH).env("PARLOR_BIN", &parlor).env("CHROMIUM", chromium),
            )
        })?;
    }
    Ok(())
}

fn bench_targets() -> Result<Vec<String>> {
    let metadata = run::read(run::cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value =
        serde_json::from_str(&metadata).context("`cargo metadata` printed something else than JSON")?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let targets = packages
        .iter()
        .filter(|package| package["name"] == "parlor")
        .flat_map(|package| package["targets"].as_array());
    Ok(targets
        .flatten()
        .filter(|target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bench"))
        })
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect())
}
