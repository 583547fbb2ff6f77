//! Whether a folder is one that is shared by mistake: whole disks, homes, keys. The person is asked first.

use std::path::{Path, PathBuf};

/// Below the home folder: keys and what opens accounts. Asked about for these, everything in them, and all folders above.
const SECRETS: [&str; 22] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".password-store",
    ".mozilla",
    ".thunderbird",
    ".config/gcloud",
    ".config/gh",
    ".config/op",
    ".config/rclone",
    ".config/google-chrome",
    ".config/chromium",
    ".config/parlor",
    ".local/share/keyrings",
    ".var/app",
    "Library/Keychains",
    "Library/Application Support",
    "AppData/Local",
    "AppData/Roaming",
];

/// Below the home folder: what many programs, or a whole life, put their things into. Projects in them are no matter.
const COLLECTIONS: [&str; 12] = [
    ".config",
    ".local",
    ".local/share",
    ".local/state",
    ".cache",
    "Library",
    "AppData",
    "Desktop",
    "Documents",
    "Downloads",
    "Pictures",
    "snap",
];

/// Folders of the system, themselves.
const SYSTEM: [&str; 26] = [
    "/Applications",
    "/Library",
    "/System",
    "/Users",
    "/Volumes",
    "/bin",
    "/boot",
    "/dev",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/private",
    "/private/tmp",
    "/private/var",
    "/run",
    "/sbin",
    "/snap",
    "/srv",
    "/tmp",
    "/usr",
    "/var",
    "/var/lib",
    "/var/tmp",
];

/// Folders of the system, and everything in them: settings and passwords of services, and the kernel's own view of everything.
const SYSTEM_SECRETS: [&str; 4] = ["/etc", "/private/etc", "/proc", "/sys"];

/// Folders that only hold homes.
const HOMES: [&str; 2] = ["/home", "/Users"];

/// What a folder should not hold that is shared: then it is a home, or a copy of one.
const SIGNS_OF_A_HOME: [&str; 5] = [".ssh", ".gnupg", ".aws", ".kube", ".password-store"];

/// Why somebody may not mean to share this folder, as the end of a sentence that begins with its name. Both paths are canonical.
pub(super) fn concern(folder: &Path, home: Option<&Path>) -> Option<String> {
    if folder.parent().is_none() {
        return Some("is everything on this machine".to_owned());
    }
    if SYSTEM.iter().any(|system| folder == Path::new(system)) {
        return Some("belongs to the system, or to everybody on this machine".to_owned());
    }
    if SYSTEM_SECRETS.iter().any(|system| folder.starts_with(system)) {
        return Some("belongs to the system, and may hold its passwords and keys".to_owned());
    }
    if let Some(home) = home {
        if folder == home {
            return Some("is your whole home folder, with your keys, histories and settings".to_owned());
        }
        if home.starts_with(folder) {
            return Some("holds your whole home folder".to_owned());
        }
        // They are where their links lead: a link in a home often leads to a folder of settings.
        let secrets = SECRETS.iter().map(|name| (name, existing(home, name)));
        for (name, secret) in secrets {
            if folder.starts_with(&secret) {
                return Some(format!("is, or is part of, ~/{name}, which holds keys or private data"));
            }
            if secret.starts_with(folder) && secret.exists() {
                return Some(format!("holds ~/{name}, in which keys or private data are"));
            }
        }
        if let Some(name) = COLLECTIONS.iter().find(|name| folder == existing(home, name)) {
            return Some(format!("is ~/{name}, which holds more than one project"));
        }
    }
    let is_home = |homes: &str| folder.parent() == Some(Path::new(homes));
    if folder == Path::new("/root") || HOMES.iter().any(|homes| is_home(homes)) {
        return Some("is a whole home folder".to_owned());
    }
    let sign = SIGNS_OF_A_HOME.iter().find(|sign| folder.join(sign).is_dir())?;
    Some(format!("holds {sign}, in which keys are"))
}

fn existing(home: &Path, name: &str) -> PathBuf {
    let path = home.join(name);
    path.canonicalize().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_keys_and_whole_disks_are_asked_about_and_projects_are_not() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        let home = root.join("people/hanna");
        let make = |path: &str| std::fs::create_dir_all(home.join(path)).unwrap();
        for path in [
            ".ssh/keys",
            ".config/nvim",
            ".config/gh",
            ".local/share/keyrings",
            ".local/share/app",
            "dotfiles/kube",
            "code/app/.git",
            "Documents/thesis",
            "backup/hanna/.gnupg",
        ] {
            make(path);
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.join("dotfiles/kube"), home.join(".kube")).unwrap();
        let asks = |path: &Path| concern(path, Some(&home)).is_some();
        for path in ["", ".ssh", ".ssh/keys", ".config", ".config/gh", ".local", ".local/share", "Documents"]
        {
            assert!(asks(&home.join(path)), "{path}");
        }
        #[cfg(unix)]
        for path in ["dotfiles", "dotfiles/kube"] {
            assert!(asks(&home.join(path)), "{path}");
        }
        assert!(asks(&home.join("backup/hanna")));
        for path in [".config/nvim", ".local/share/app", "code", "code/app", "Documents/thesis", "backup"] {
            assert_eq!(concern(&home.join(path), Some(&home)), None, "{path}");
        }
        for path in [&root.join("people"), &root] {
            assert!(asks(path), "{path:?}");
        }
        for path in ["/", "/home", "/home/somebody", "/root", "/etc/ssl", "/usr", "/tmp"] {
            assert!(concern(Path::new(path), None).is_some(), "{path}");
        }
        for path in ["/workspace", "/srv/app", "/home/somebody/code", "/tmp/x", "/opt/app", "/mnt/disk/code"]
        {
            assert_eq!(concern(Path::new(path), None), None, "{path}");
        }
    }
}
