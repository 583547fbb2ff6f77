//! Plays simulated sessions: builds the program that does, quick enough for thousands, and runs it.

use std::path::Path;

use anyhow::Result;

use crate::{run, workspace};

/// Where plans that fail are saved, below the target folder.
const FAILURES: &str = "simulation-failures";

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
