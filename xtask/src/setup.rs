//! Installs what building and testing need, and nothing that is there already.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::{run, workspace};

mod programs;

/// The target that the page is compiled for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The folder of the page's npm packages.
pub(crate) const PAGE_PACKAGES: &str = "frontend/js";

/// The folder of the browser journeys' npm packages.
pub(crate) const JOURNEY_PACKAGES: &str = "e2e";

const NODE_MAJOR: u32 = 20;

/// Names under which distributions install the browser.
const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Everything that any task needs.
pub(crate) fn all() -> Result<()> {
    wasm_target()?;
    npm_packages(PAGE_PACKAGES)?;
    npm_packages(JOURNEY_PACKAGES)?;
    let chromium = chromium()?;
    eprintln!("xtask: Chromium: {}", chromium.display());
    programs::host_programs();
    match native_runner() {
        NativeRunner::Nextest => eprintln!("xtask: cargo-nextest is there"),
        NativeRunner::CargoTest => {
            eprintln!("xtask: no cargo-nextest: the native tests run with `cargo test`")
        }
    }
    Ok(())
}

/// Adds the wasm target to the toolchain.
pub(crate) fn wasm_target() -> Result<()> {
    let mut ask = run::program("rustc");
    let folder = run::read(ask.args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    if Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    run::step(format_args!("rustup target add {WASM_TARGET}"), || {
        run::succeed(run::program("rustup").args(["target", "add", WASM_TARGET]))
    })
}

/// Installs the npm packages of a folder exactly as its package-lock.json says.
pub(crate) fn npm_packages(folder: &str) -> Result<()> {
    let path = workspace::path(folder);
    if is_installed(&path)? {
        return Ok(());
    }
    node_is_recent()?;
    run::step(format_args!("npm ci in {folder}"), || {
        let mut npm = run::program("npm");
        npm.current_dir(&path).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        run::succeed(npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
    })
}

/// Whether npm's own record of what is installed holds everything that the lock file asks for.
fn is_installed(folder: &Path) -> Result<bool> {
    let lock_file = folder.join("package-lock.json");
    let lock =
        fs::read_to_string(&lock_file).with_context(|| format!("could not read {}", lock_file.display()))?;
    let lock: Value =
        serde_json::from_str(&lock).with_context(|| format!("{} is broken", lock_file.display()))?;
    let Ok(installed) = fs::read_to_string(folder.join("node_modules/.package-lock.json")) else {
        return Ok(false);
    };
    Ok(serde_json::from_str(&installed).is_ok_and(|installed: Value| satisfies(&lock, &installed)))
}

fn satisfies(lock: &Value, installed: &Value) -> bool {
    let Some(wanted) = lock["packages"].as_object() else { return false };
    wanted.iter().filter(|(place, _)| !place.is_empty()).all(|(place, package)| {
        let found = &installed["packages"][place];
        // Optional packages are binaries for other platforms.
        (found.is_null() && package["optional"] == true) || found["version"] == package["version"]
    })
}

fn node_is_recent() -> Result<()> {
    let version = run::read(run::program("node").arg("--version"))
        .with_context(|| format!("Parlor's page is built with Node {NODE_MAJOR} or newer: install it from your distribution or nodejs.org"))?;
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    ensure!(
        major.is_some_and(|major| major >= NODE_MAJOR),
        "Node {} is too old: Parlor's page is built with Node {NODE_MAJOR} or newer",
        version.trim()
    );
    Ok(())
}

/// The browser for tests; as root on Debian it is installed when it is missing.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").map(PathBuf::from) {
        ensure!(path.exists(), "CHROMIUM is set to {}, where nothing is", path.display());
        return Ok(path);
    }
    if let Some(path) = find_chromium() {
        return Ok(path);
    }
    if programs::apt_is_ours() {
        programs::apt_install(&["chromium"])?;
        if let Some(path) = find_chromium() {
            return Ok(path);
        }
    }
    bail!(
        "the browser tests need Chromium or Chrome: install it (Debian: `sudo apt install chromium`) \
         or set CHROMIUM to the path of its program"
    )
}

fn find_chromium() -> Option<PathBuf> {
    let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    CHROMIUM_NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .chain([mac])
        .find(|candidate| {
            candidate.is_file() && run::succeeds_quietly(Command::new(candidate).arg("--version"))
        })
}

/// What runs the native tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NativeRunner {
    Nextest,
    CargoTest,
}

/// Nextest, installed when it is missing; `cargo test` where that fails.
pub(crate) fn native_runner() -> NativeRunner {
    if run::succeeds_quietly(run::cargo().args(["nextest", "--version"])) {
        return NativeRunner::Nextest;
    }
    let installed = run::step("cargo install cargo-nextest", || {
        run::succeed(run::cargo().args(["install", "--quiet", "--locked", "cargo-nextest"]))
    });
    if installed.is_ok() { NativeRunner::Nextest } else { NativeRunner::CargoTest }
}

/// Installs cargo-deny when it is missing: about four minutes of one processor, once.
pub(crate) fn cargo_deny() -> Result<()> {
    if run::succeeds_quietly(run::cargo().args(["deny", "--version"])) {
        return Ok(());
    }
    run::step("cargo install cargo-deny", || {
        run::succeed(run::cargo().args(["install", "--quiet", "--locked", "cargo-deny"]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::satisfies;

    #[test]
    fn an_install_must_hold_what_the_lock_asks_for() {
        let lock = json!({"packages": {
            "": {"name": "page"},
            "node_modules/a": {"version": "1.0.0"},
            "node_modules/other-platform": {"version": "1.0.0", "optional": true},
        }});
        assert!(satisfies(&lock, &json!({"packages": {"node_modules/a": {"version": "1.0.0"}}})));
        assert!(!satisfies(&lock, &json!({"packages": {"node_modules/a": {"version": "0.9.0"}}})));
        assert!(!satisfies(&lock, &json!({"packages": {}})));
        assert!(!satisfies(&json!({}), &json!({})));
    }
}
