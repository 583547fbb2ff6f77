//! Everything about the sources that is checked without running them.

mod imports;
mod listeners;
mod size;

use anyhow::{Result, bail};

use crate::{run, setup, workspace};

type Check = (&'static str, fn() -> Result<()>);

/// Runs every check even when some fail, the quick ones first.
pub(crate) fn check() -> Result<()> {
    setup::wasm_target()?;
    setup::npm_packages(setup::JOURNEY_PACKAGES)?;

    let checks: [Check; 9] = [
        ("format", format),
        ("import rules", imports::check),
        ("listeners on components", listeners::check),
        ("types of the journeys", journey_types),
        ("clippy, native", clippy_native),
        ("clippy, wasm", clippy_wasm),
        ("documentation", documentation),
        ("licences and sources", dependencies),
        ("size of the page", size::check),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(error) = run::step(format_args!("check: {name}"), check) {
            eprintln!("xtask: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed checks: {}", failed.join(", "));
    }
    println!("{} checks passed", checks.len());
    Ok(())
}

fn format() -> Result<()> {
    run::succeed(run::cargo().args(["fmt", "--all", "--check"]))
}

fn journey_types() -> Result<()> {
    let mut tsc = run::program("npx");
    run::succeed(tsc.current_dir(workspace::path(setup::JOURNEY_PACKAGES)).args([
        "--no-install",
        "tsc",
        "--noEmit",
    ]))
}

fn clippy_native() -> Result<()> {
    run::succeed(run::cargo().args(["clippy", "--all-targets", "--", "-D", "warnings"]))
}

fn clippy_wasm() -> Result<()> {
    let packages = ["clippy", "--package", "parlor-shared", "--package", "parlor-frontend"];
    run::succeed(run::cargo().args(packages).args(["--target", setup::WASM_TARGET, "--", "-D", "warnings"]))
}

fn documentation() -> Result<()> {
    let strict = || {
        let mut cargo = run::cargo();
        cargo.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps"]);
        cargo
    };
    run::succeed(&mut strict())?;
    run::succeed(strict().args(["--package", "parlor-frontend", "--target", setup::WASM_TARGET]))
}

/// The policy of deny.toml; the list of known vulnerabilities only where it can be downloaded.
fn dependencies() -> Result<()> {
    setup::cargo_deny()?;
    let deny = || {
        let mut cargo = run::cargo();
        cargo.args(["deny", "--log-level", "error"]);
        cargo
    };
    run::succeed(deny().args(["check", "licenses", "bans", "sources"]))?;
    if run::succeeds_quietly(deny().args(["fetch", "db"])) {
        return run::succeed(deny().args(["check", "--disable-fetch", "advisories"]));
    }
    eprintln!(
        "xtask: the list of known vulnerabilities could not be downloaded: advisories were not checked"
    );
    Ok(())
}
