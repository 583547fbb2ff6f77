//! Flags of `parlor rescue`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// Flags of `parlor rescue`.
#[derive(Debug, Args)]
pub struct RescueOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: RescueCommand,
}

/// What can be done with texts that no file has.
#[derive(Debug, Subcommand)]
pub enum RescueCommand {
    /// List the texts that are kept, of all folders or of one.
    List(RescueListOptions),
    /// Print a text.
    Show(RescueTextOptions),
    /// Write a text into its file, or into another one, and keep it no longer.
    #[command(
        after_help = "Examples:\n  parlor rescue restore 3f9c             into the file that it belongs to\n  \
        parlor rescue restore 3f9c --to a.rs   into a file of your choice\n\n\
        A file that holds something else is not overwritten unless you say --force; what it held is kept then."
    )]
    Restore(RescueRestoreOptions),
    /// Remove a text for good.
    Discard(RescueTextOptions),
}

/// Flags of `parlor rescue list`.
#[derive(Debug, Args)]
pub struct RescueListOptions {
    /// Only what is kept of this shared folder.
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,

    /// How to print: for a person, or one JSON object a line for scripts.
    #[arg(long, value_enum, default_value_t = Output::Text, env = "PARLOR_OUTPUT")]
    pub output: Output,
}

/// Flags of `parlor rescue show` and `discard`.
#[derive(Debug, Args)]
pub struct RescueTextOptions {
    /// What `parlor rescue list` calls it; its first digits do.
    pub id: String,
}

/// Flags of `parlor rescue restore`.
#[derive(Debug, Args)]
pub struct RescueRestoreOptions {
    /// What `parlor rescue list` calls it; its first digits do.
    pub id: String,

    /// The file, or the folder, to write it to, instead of the file that it belongs to.
    #[arg(long, value_name = "PATH")]
    pub to: Option<PathBuf>,

    /// Overwrite a file that holds something else. That is kept then, as a text of its own.
    #[arg(long)]
    pub force: bool,
}
