//! Settings from files: `parlor.toml` in the shared folder, and the person's own, which weighs more.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Deserialize;

use super::{Approve, GuestRole, Output, ShareOptions, Span};

/// The file in the shared folder.
pub(super) const FOLDER_FILE: &str = "parlor.toml";

/// A settings file that can not be used.
#[derive(Debug, thiserror::Error)]
#[error("{} can not be used: {reason}", path.display())]
pub struct FileError {
    path: PathBuf,
    reason: String,
}

/// What the shared folder may ask for. Guests could have written it before it was shared, so it says nothing about
/// addresses and names, and everything the person says weighs more.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FolderSettings {
    role: Option<GuestRole>,
    read_only: Option<bool>,
    approve: Option<Approve>,
}

/// What a person sets for all folders.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PersonSettings {
    listen: Option<IpAddr>,
    port: Option<u16>,
    role: Option<GuestRole>,
    read_only: Option<bool>,
    approve: Option<Approve>,
    name: Option<String>,
    output: Option<Output>,
    shell: Option<PathBuf>,
    revive_within: Option<Span>,
}

/// Where the person's own settings are: `~/.config/parlor/config.toml`, or what the system has for it.
fn person_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "parlor").map(|folders| folders.config_dir().join("config.toml"))
}

/// Fills in what neither flags nor the environment say.
///
/// # Errors
/// If a file is there and can not be read or understood: a setting that is silently ignored is worse than none.
pub(super) fn fill_in(options: &mut ShareOptions, given: &ArgMatches) -> Result<(), FileError> {
    let person = match person_file() {
        Some(path) => read(&path)?,
        None => PersonSettings::default(),
    };
    let folder = read(&options.path.join(FOLDER_FILE))?;
    merge(options, given, person, folder);
    Ok(())
}

fn merge(options: &mut ShareOptions, given: &ArgMatches, person: PersonSettings, folder: FolderSettings) {
    let open = |name: &str| matches!(given.value_source(name), None | Some(ValueSource::DefaultValue));
    if let Some(listen) = person.listen.filter(|_| open("listen")) {
        options.listen = listen;
    }
    if let Some(shell) = person.shell.filter(|_| open("shell")) {
        options.shell = Some(shell);
    }
    if let Some(revive_within) = person.revive_within.filter(|_| open("revive_within")) {
        options.revive_within = revive_within;
    }
    if let Some(port) = person.port.filter(|_| open("port")) {
        options.port = port;
    }
    if let Some(role) = person.role.or(folder.role).filter(|_| open("role")) {
        options.role = role;
    }
    if let Some(read_only) =
        person.read_only.or(folder.read_only).filter(|_| open("read_only") && open("role"))
    {
        options.read_only = read_only;
    }
    if let Some(approve) = person.approve.or(folder.approve).filter(|_| open("approve")) {
        options.approve = approve;
    }
    if let Some(name) = person.name.filter(|_| open("name")) {
        options.name = Some(name);
    }
    if let Some(output) = person.output.filter(|_| open("output")) {
        options.output = output;
    }
}

fn read<T: Default + for<'de> Deserialize<'de>>(path: &Path) -> Result<T, FileError> {
    let failed = |reason: String| FileError { path: path.to_owned(), reason };
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|error| failed(error.message().to_owned())),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(T::default())
        }
        // Whether it is there nobody can say: what is wrong is the folder, which is said when it is shared.
        Err(error)
            if error.kind() == io::ErrorKind::PermissionDenied && fs::symlink_metadata(path).is_err() =>
        {
            Ok(T::default())
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::*;
    use crate::options::{Command, Options};

    fn merged(arguments: &[&str], person: &str, folder: &str) -> ShareOptions {
        let matches = Options::command().get_matches_from([&["parlor", "share"], arguments].concat());
        let Command::Share(mut options) = Options::from_arg_matches(&matches).unwrap().command else {
            panic!("another command")
        };
        let given = matches.subcommand_matches("share").unwrap();
        merge(&mut options, given, toml::from_str(person).unwrap(), toml::from_str(folder).unwrap());
        options
    }

    #[test]
    fn flags_weigh_more_than_the_person_and_the_person_more_than_the_folder() {
        let folder = "role = 'viewer'\napprove = 'always'";
        let options = merged(&[], "", folder);
        assert_eq!((options.role, options.approve), (GuestRole::Viewer, Approve::Always));
        let options =
            merged(&["--role", "viewer"], "role = 'editor'\napprove = 'never'\nport = 4242", folder);
        assert_eq!((options.role, options.approve, options.port), (GuestRole::Viewer, Approve::Never, 4242));
    }

    #[test]
    fn how_long_a_session_is_revived_is_the_persons_setting_alone() {
        let minutes = |options: &ShareOptions| options.revive_within.0.as_secs() / 60;
        assert_eq!(minutes(&merged(&[], "", "")), 60);
        assert_eq!(minutes(&merged(&[], "revive-within = '5m'", "")), 5);
        assert_eq!(minutes(&merged(&["--revive-within", "2m"], "revive-within = '5m'", "")), 2);
        assert!(toml::from_str::<PersonSettings>("revive-within = 'soon'").is_err());
        assert!(toml::from_str::<FolderSettings>("revive-within = '30d'").is_err());
    }

    #[test]
    fn a_role_that_is_asked_for_is_not_undone_by_a_file() {
        assert!(merged(&[], "", "read-only = true").read_only);
        assert!(!merged(&["--role", "editor"], "", "read-only = true").read_only);
    }

    #[test]
    fn the_folder_says_nothing_about_addresses_and_unknown_settings_are_errors() {
        assert!(toml::from_str::<FolderSettings>("listen = '0.0.0.0'").is_err());
        assert!(toml::from_str::<FolderSettings>("rol = 'viewer'").is_err());
    }

    #[test]
    fn a_broken_file_is_named_and_a_missing_one_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER_FILE);
        assert_eq!(read::<FolderSettings>(&path).unwrap(), FolderSettings::default());
        std::fs::create_dir(&path).unwrap();
        assert!(read::<FolderSettings>(&path).unwrap_err().to_string().contains(FOLDER_FILE));
    }
}
