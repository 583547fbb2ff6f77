//! Plays simulated sessions: builds the program that does, quick enough for thousands, and runs it.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{run, workspace};

/// Where plans that fail are saved, below the target folder.
const FAILURES: &str = "simulation-failures";

/// Where patches are that break the code.
const MUTATIONS: &str = "backend/simulation/mutations";

/// So many seeds have to show that the code is broken.
const MUTATION_SEEDS: u64 = 100;

/// What to play.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What<'a> {
    /// So many seeds, from this one on.
    Seeds(u64, u64),
    /// One plan, telling each step.
    Plan(&'a Path),
}

/// Builds and plays.
pub(crate) fn simulate(what: What<'_>) -> Result<()> {
    run::step("simulation: compile", || {
        let mut build = run::cargo();
        build.args(["build", "--package", "parlor", "--example", "simulate", "--profile", "simulation"]);
        run::succeed(&mut build)
    })?;
    let mut simulate = run::program(workspace::target().join("simulation/examples/simulate"));
    simulate.arg("--failures").arg(workspace::target().join(FAILURES));
    match what {
        What::Seeds(seeds, from) => {
            simulate.args(["--seeds", &seeds.to_string(), "--from", &from.to_string()]);
        }
        What::Plan(plan) => {
            simulate.arg("--tell").arg("--plan").arg(std::path::absolute(plan)?);
        }
    }
    run::succeed_on_stdout(&mut simulate)
}

/// Breaks a copy of the last commit by a patch and plays it: the simulation is worth something only if that fails.
pub(crate) fn mutate(name: &str) -> Result<()> {
    let patch = workspace::path(MUTATIONS).join(name).with_extension("patch");
    let (copy, build) = (workspace::target().join("mutation"), workspace::target().join("mutation-build"));
    // One that was interrupted left its copy.
    let _ = remove(&copy);
    run::step(format!("mutation {name}: copy and break"), || {
        run::succeed(
            run::program("git").args(["worktree", "add", "--force", "--detach"]).arg(&copy).arg("HEAD"),
        )?;
        run::succeed(run::program("git").arg("-C").arg(&copy).arg("apply").arg(&patch))
    })?;
    let caught = run::step(format!("mutation {name}: compile and play"), || {
        let mut compile = run::cargo();
        compile.args(["build", "--package", "parlor", "--example", "simulate", "--profile", "simulation"]);
        compile.arg("--manifest-path").arg(copy.join("Cargo.toml")).arg("--target-dir").arg(&build);
        run::succeed(&mut compile)?;
        let mut simulate = run::program(build.join("simulation/examples/simulate"));
        simulate.arg("--failures").arg(build.join(FAILURES));
        simulate.args(["--seeds", &MUTATION_SEEDS.to_string()]);
        Ok(run::succeed_on_stdout(&mut simulate).is_err())
    });
    remove(&copy)?;
    if !caught? {
        bail!("{MUTATION_SEEDS} seeds pass although the code is broken: {name}");
    }
    println!("caught: {name}");
    Ok(())
}

fn remove(copy: &Path) -> Result<()> {
    run::succeed(run::program("git").args(["worktree", "remove", "--force"]).arg(copy))
}
