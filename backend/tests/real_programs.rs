//! Programs that hosts use, at work on a file while guests type in it: `docs/files.md` has the table of what happens.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(target_os = "linux")]

mod common;

#[path = "real_programs/desk.rs"]
mod desk;
#[path = "real_programs/editors.rs"]
mod editors;
#[path = "real_programs/git.rs"]
mod git;
#[path = "real_programs/logs.rs"]
mod logs;
#[path = "real_programs/programs.rs"]
mod programs;
#[path = "real_programs/tools.rs"]
mod tools;
#[path = "real_programs/watchers.rs"]
mod watchers;
