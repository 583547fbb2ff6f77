//! What only the operating system can tell: free room, watches.

use std::io;
use std::path::Path;

/// Bytes that may still be written where a path is; nothing where the system is not asked.
#[cfg(unix)]
pub(super) fn free_bytes(path: &Path) -> io::Result<Option<u64>> {
    let room = rustix::fs::statvfs(path)?;
    Ok(Some(room.f_bavail.saturating_mul(room.f_frsize)))
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// How many folders and files this person's programs watch, and how many they may.
#[cfg(target_os = "linux")]
pub(super) fn watches() -> Option<(u64, u64)> {
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?.trim().parse().ok()?;
    let mut used = 0;
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        // Other people's are not readable, and do not count against ours.
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        for file in files.flatten() {
            let is_inotify = std::fs::read_link(file.path())
                .is_ok_and(|target| target.as_os_str().as_encoded_bytes() == b"anon_inode:inotify");
            if is_inotify {
                let info = process.path().join("fdinfo").join(file.file_name());
                let info = std::fs::read_to_string(info).unwrap_or_default();
                used += info.lines().filter(|line| line.starts_with("inotify wd:")).count() as u64;
            }
        }
    }
    Some((used, limit))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn watches() -> Option<(u64, u64)> {
    None
}
