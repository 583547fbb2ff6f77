//! Scripts that a shell runs: it reads on at a place in the file, so a change above that place makes it run a wrong line.

use cap_fs_ext::MetadataExt as _;
use cap_std::fs::Metadata;

/// Programs that read a script bit by bit while they run it.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "busybox"];

/// Whether a shell has this file open. Asked only of what may be a script: it looks through the open files of the user's
/// processes. Nothing is known where the system does not tell.
pub(super) fn runs(content: &[u8], name: &str, file: &Metadata) -> bool {
    may_be_script(content, name) && is_open_in_a_shell((file.dev(), file.ino()))
}

fn may_be_script(content: &[u8], name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    content.starts_with(b"#!") || matches!(ending, Some("sh" | "bash" | "zsh" | "ksh") | None)
}

#[cfg(target_os = "linux")]
fn is_open_in_a_shell(wanted: (u64, u64)) -> bool {
    use std::fs;
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    // Not by its name: a script that is started as a program has the script's.
    let is_shell = |process: &std::path::PathBuf| {
        let program = fs::read_link(process.join("exe")).ok();
        let name = program.as_deref().and_then(|program| program.file_name()?.to_str());
        name.is_some_and(|name| SHELLS.contains(&name))
    };
    processes.filter(is_shell).any(|process| {
        // Another user's processes do not tell.
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        open.map(|entry| fs::metadata(entry.path()))
            .any(|file| file.is_ok_and(|file| (file.dev(), file.ino()) == wanted))
    })
}

#[cfg(not(target_os = "linux"))]
fn is_open_in_a_shell(_: (u64, u64)) -> bool {
    let _ = SHELLS;
    false
}
