//! The command line. Settings rise from `parlor.toml` over the person's own file and `PARLOR_*` to flags.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

mod file;
mod rescue;
mod span;

pub use file::FileError;
pub use rescue::{RescueCommand, RescueListOptions, RescueOptions, RescueRestoreOptions, RescueTextOptions};
pub use span::{NotASpan, Span};

/// A session that ended suddenly is gone on with for so long, unless the person wants it otherwise.
const REVIVE_WITHIN: &str = "1h";

/// Share a folder: whoever opens the link is in the room, in a plain browser, with nothing to install.
#[derive(Debug, Parser)]
#[command(name = "parlor", version, about, propagate_version = true)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Options {
    /// What the program's arguments, the environment and the settings files say. Ends the program, with a text that
    /// teaches, if the arguments can not be understood.
    ///
    /// # Errors
    /// If a settings file can not be used.
    pub fn read() -> Result<Self, FileError> {
        let matches = Self::command().get_matches();
        let mut options = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if let (Command::Share(share), Some(given)) =
            (&mut options.command, matches.subcommand_matches("share"))
        {
            file::fill_in(share, given)?;
        }
        Ok(options)
    }
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open a session for a folder and print the links to send.
    #[command(
        after_help = "Examples:\n  parlor share                 share this folder; guests may edit\n  \
        parlor share docs --read-only    guests only look\n  \
        parlor share --terminal \"npm test\"   guests watch your tests run\n  \
        parlor share --approve always    you admit every guest in your own page\n\n\
        Settings: parlor.toml in the folder (role, read-only, approve), then config.toml in your configuration folder\n\
        (also listen, port, name, output, shell, revive-within), then PARLOR_*, then flags; the last one that says something counts.\n\n\
        The links hold the keys: send them only to those you invite. Ctrl-C ends the session for everybody."
    )]
    Share(ShareOptions),
    /// List, show, restore or discard texts that no file has.
    #[command(
        after_help = "A text is kept when a session ends and its file is gone, could not be written, or changed after\n\
        a crash. It stays until you restore or discard it.\n\n\
        Examples:\n  parlor rescue list                   what is kept, of all folders\n  \
        parlor rescue show 3f9c              print it\n  \
        parlor rescue restore 3f9c           write it into its file\n  \
        parlor rescue restore 3f9c --to a.rs write it where the file is now\n  \
        parlor rescue discard 3f9c           remove it for good"
    )]
    Rescue(RescueOptions),
    /// Look whether something on this machine makes sharing a folder fail, or lose text.
    #[command(
        after_help = "Each line says what was looked at and how it is; what is wrong says what to do. The exit code is 1 if \
        anything is. Nothing is changed, and no link or key is ever printed."
    )]
    Doctor(DoctorOptions),
    /// Show a shared terminal in this terminal window; Ctrl-] leaves it.
    #[cfg(unix)]
    #[command(
        after_help = "Examples:\n  parlor attach             the only terminal that is shared from this folder\n  \
        parlor attach \"npm test\"  the one with this name\n\n\
        The terminal takes the size of this window, unless you chose another rule in the page. Ctrl-] leaves; the terminal\n\
        goes on, and so does what runs in it."
    )]
    Attach(AttachOptions),
}

/// Flags of `parlor attach`.
#[derive(Debug, Args)]
pub struct AttachOptions {
    /// What the terminal is called; not needed if there is but one.
    pub name: Option<String>,

    /// The folder that is shared.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub path: PathBuf,
}

/// Flags of `parlor doctor`.
#[derive(Debug, Args)]
pub struct DoctorOptions {
    /// The folder that is, or is to be, shared.
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// How to print: for a person, or one JSON object a line for scripts.
    #[arg(long, value_enum, default_value_t = Output::Text, env = "PARLOR_OUTPUT")]
    pub output: Output,
}

/// Flags of `parlor share`.
#[derive(Debug, Args)]
pub struct ShareOptions {
    /// The folder to share.
    #[arg(default_value = ".")]
    pub path: PathBuf,

    /// Address to listen on. Other machines reach you on an address of your network, which needs HTTPS (see --tls).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", env = "PARLOR_LISTEN")]
    pub listen: IpAddr,

    /// Port to listen on; 0 takes any free one.
    #[arg(long, value_name = "N", default_value_t = 0, env = "PARLOR_PORT")]
    pub port: u16,

    /// Serve HTTPS with a certificate made for this session. Guests' browsers warn of it once.
    #[arg(long, value_enum, value_name = "HOW", conflicts_with_all = ["tls_cert", "tls_key"])]
    pub tls: Option<TlsMode>,

    /// Serve HTTPS with this certificate chain (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "PARLOR_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "PARLOR_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// Serve plain HTTP on an address of the network. Text stays sealed, but whoever controls the network can
    /// replace the page that your guests load.
    #[arg(long)]
    pub insecure_lan_http: bool,

    /// What the link that is printed first allows its guests.
    #[arg(long, value_enum, default_value_t = GuestRole::Editor, env = "PARLOR_ROLE")]
    pub role: GuestRole,

    /// Make links for viewers only.
    #[arg(long, conflicts_with = "role")]
    pub read_only: bool,

    /// Whether guests wait until you admit them in your own page.
    #[arg(long, value_enum, default_value_t = Approve::Never, env = "PARLOR_APPROVE")]
    pub approve: Approve,

    /// What you are called.
    #[arg(long, value_name = "NAME", env = "PARLOR_NAME")]
    pub name: Option<String>,

    /// How to print: for a person, or one JSON object a line for scripts.
    #[arg(long, value_enum, default_value_t = Output::Text, env = "PARLOR_OUTPUT")]
    pub output: Output,

    /// Share a terminal that runs this command; may be given several times. Guests watch, unless you let them type.
    #[arg(long, value_name = "COMMAND")]
    pub terminal: Vec<String>,

    /// Who may type in the terminals that --terminal shares, and in those that guests open whom you let.
    #[arg(long, value_enum, value_name = "WHO", default_value_t = TerminalAccess::ReadOnly)]
    pub terminal_access: TerminalAccess,

    /// The shell of shared terminals; without it your own ($SHELL).
    #[arg(long, value_name = "PATH", env = "PARLOR_SHELL")]
    pub shell: Option<PathBuf>,

    /// A session that ended suddenly is gone on with for so long: same links, same people. 90s, 45m, 1h, 2d; 0 is never.
    #[arg(long, value_name = "TIME", default_value = REVIVE_WITHIN, env = "PARLOR_REVIVE_WITHIN")]
    pub revive_within: Span,

    /// Go on with the session that ended suddenly, however long ago that was.
    #[arg(long, conflicts_with = "new")]
    pub resume: bool,

    /// Never go on with an earlier session: new keys, new links. Texts that no file has are kept, see `parlor rescue`.
    #[arg(long)]
    pub new: bool,

    /// Open your own page in the browser.
    #[arg(long)]
    pub open: bool,

    /// Do not ask whether you mean it: of your home, your keys, a whole disk, or a folder that is shared in part already.
    #[arg(long, short)]
    pub yes: bool,
}

/// Where a certificate comes from, if not from files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TlsMode {
    /// Made for this session.
    SelfSigned,
}

/// A role that a link can grant to guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestRole {
    /// Type in files, create, rename and delete them.
    Editor,
    /// Look.
    Viewer,
}

/// Who types in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TerminalAccess {
    /// You.
    ReadOnly,
    /// Everybody who may edit.
    Collaborative,
}

/// Whether guests wait in the lobby.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approve {
    /// Every new guest.
    Always,
    /// Whoever has a link is in.
    Never,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_folder_is_all_one_needs() {
        let options = Options::parse_from(["parlor", "share", "src"]);
        let Command::Share(share) = options.command else { panic!("another command") };
        assert_eq!(share.path, PathBuf::from("src"));
        assert!(share.listen.is_loopback());
        assert_eq!((share.port, share.role, share.approve), (0, GuestRole::Editor, Approve::Never));
    }
}
