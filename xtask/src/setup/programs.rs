//! Programs that tests run and Debian packages: installed where we may, named where we may not.

use std::env;
use std::path::PathBuf;

use anyhow::Result;

use crate::run;

/// Programs that hosts use on their files, which tests run beside guests: each with the Debian package that has it.
const HOST_PROGRAMS: [(&str, &str); 12] = [
    ("bash", "bash"),
    ("emacs", "emacs-nox"),
    ("git", "git"),
    ("inotifywait", "inotify-tools"),
    ("logrotate", "logrotate"),
    ("mount", "mount"),
    ("nano", "nano"),
    ("rsync", "rsync"),
    ("setfacl", "acl"),
    ("setfattr", "attr"),
    ("tail", "coreutils"),
    ("vim", "vim"),
];

/// The programs of hosts. The tests of what can not be installed fail, and say what they lack.
pub(super) fn host_programs() {
    // What they show is about the file systems of Linux.
    if !cfg!(target_os = "linux") {
        return;
    }
    let missing = missing();
    if missing.is_empty() {
        return;
    }
    if apt_is_ours()
        && let Err(error) = apt_install(&missing)
    {
        eprintln!("xtask: {error:#}");
    }
    let missing = self::missing();
    if !missing.is_empty() {
        let packages = missing.join(" ");
        eprintln!(
            "xtask: tests that need them will fail: {packages}. Install them (Debian: `sudo apt install {packages}`)"
        );
    }
}

/// The packages of the programs that are not there.
fn missing() -> Vec<&'static str> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Some distributions keep what administrators run apart.
    let folders: Vec<PathBuf> = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    let is_there = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    HOST_PROGRAMS.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect()
}

/// Whether Debian's packages can be installed without asking anybody.
pub(super) fn apt_is_ours() -> bool {
    is_root() && run::succeeds_quietly(run::program("apt-get").arg("--version"))
}

/// Installs Debian packages.
pub(super) fn apt_install(packages: &[&str]) -> Result<()> {
    run::step(format_args!("apt-get install {}", packages.join(" ")), || {
        let apt = |arguments: &[&str]| {
            run::succeed(run::program("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
        };
        apt(&["update", "-qq"])?;
        apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())
    })
}

fn is_root() -> bool {
    run::read(run::program("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
