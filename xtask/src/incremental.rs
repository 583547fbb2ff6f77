//! Whether our own crates are compiled incrementally.
//!
//! Incremental compilation makes a rebuild after a change three times as quick, and costs the first build of a clone a
//! third more processor time for them. So a first build goes without, and with it from the first changed source file on.
//! Cargo keeps what it compiled either way apart: that change compiles our crates once as a whole.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;

use crate::setup::WASM_TARGET;
use crate::workspace;

/// Cargo's own switch: whoever set it has decided.
const SWITCH: &str = "CARGO_INCREMENTAL";

/// What our crates are made of.
const SOURCES: [&str; 5] = ["Cargo.lock", "Cargo.toml", "backend", "frontend/src", "shared"];

/// Lets a cargo that builds go without while nothing changed since the first build.
pub(crate) fn choose(cargo: &mut Command) {
    if std::env::var_os(SWITCH).is_none() && is_first_build() {
        cargo.env(SWITCH, "0");
    }
}

fn is_first_build() -> bool {
    let mut hasher = DefaultHasher::new();
    workspace::snapshot(&SOURCES).hash(&mut hasher);
    let sources = format!("{:016x}", hasher.finish());

    let record = workspace::target().join("first-build");
    match fs::read_to_string(&record) {
        Ok(first) => first == sources,
        Err(_) => {
            let is_built =
                ["debug/parlor", WASM_TARGET].iter().any(|file| workspace::target().join(file).exists());
            !is_built && workspace::write(&record, &sources).is_ok()
        }
    }
}
