//! What the portable file API lacks: renames that exchange or never replace, ownership, times.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, File, Metadata};

/// Exchanges two entries in one step, so that whatever stood under the second name is not lost, whoever put it there.
///
/// # Errors
/// `Unsupported` where the file system or system can not.
pub(in crate::agent) fn exchange(folder: &Dir, one: &str, other: &str) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    return rustix::fs::renameat_with(folder, one, folder, other, rustix::fs::RenameFlags::EXCHANGE)
        .map_err(unsupported);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    return Err(io::ErrorKind::Unsupported.into());
}

/// Renames without ever replacing what stands under the new name.
///
/// # Errors
/// `AlreadyExists` if something does.
pub(in crate::agent) fn rename_new(from: (&Dir, &str), to: (&Dir, &str)) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, rustix::fs::RenameFlags::NOREPLACE)
        .map_err(unsupported)
    {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        done => return done,
    }
    // Where the file system can not do it in one step, two have to do.
    match to.0.symlink_metadata(to.1) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => from.0.rename(from.1, to.0, to.1),
        Err(error) => Err(error),
    }
}

/// File systems that do not know a flag of rename call it invalid; old systems do not know the call.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn unsupported(error: rustix::io::Errno) -> io::Error {
    use rustix::io::Errno;
    match error {
        Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => io::ErrorKind::Unsupported.into(),
        error => error.into(),
    }
}

/// Modification and status change, in nanoseconds since 1970.
pub(super) fn times(metadata: &Metadata) -> (i128, i128) {
    #[cfg(unix)]
    {
        use cap_std::fs::MetadataExt as _;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        (
            nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        )
    }
    #[cfg(not(unix))]
    {
        let since_1970 = metadata
            .modified()
            .ok()
            .and_then(|time| time.into_std().duration_since(std::time::UNIX_EPOCH).ok());
        (since_1970.map_or(0, |time| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX)), 0)
    }
}

/// Makes a new file look like the one it replaces: its permissions and, as far as the system lets us, its owner.
///
/// # Errors
/// If the permissions can not be set.
pub(in crate::agent) fn copy_attributes(of: &Metadata, to: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use cap_std::fs::{MetadataExt as _, Permissions, PermissionsExt as _};
        let new = to.metadata()?;
        let mut mode = of.mode() & 0o7777;
        if (of.uid(), of.gid()) != (new.uid(), new.gid()) {
            let (user, group) = (rustix::fs::Uid::from_raw(of.uid()), rustix::fs::Gid::from_raw(of.gid()));
            let whole = rustix::fs::fchown(to, Some(user), Some(group));
            if whole.is_err() {
                // Only root gives files away; a group one belongs to can be kept. Without the owner, a file must not
                // run as its new one.
                mode &= 0o777;
                if rustix::fs::fchown(to, None, Some(group)).is_err() {
                    // Nobody gets more than before: the group is another one now.
                    mode &= !0o070;
                }
            }
        }
        to.set_permissions(Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    to.set_permissions(of.permissions())
}

/// Whether we may write an entry that is replaced by renaming, which itself asks only the folder. A file without any
/// write permission counts as read-only for root too, who could write it all the same, but was asked not to.
///
/// # Errors
/// What opening it for writing would say.
pub(in crate::agent) fn check_writable(folder: &Dir, name: &str, metadata: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use cap_std::fs::MetadataExt as _;
        if metadata.mode() & 0o222 == 0 {
            return Err(rustix::io::Errno::ACCESS.into());
        }
        rustix::fs::accessat(folder, name, rustix::fs::Access::WRITE_OK, rustix::fs::AtFlags::empty())?;
    }
    #[cfg(not(unix))]
    if metadata.permissions().readonly() {
        drop(folder.open_with(name, cap_std::fs::OpenOptions::new().write(true))?);
    }
    Ok(())
}

/// Waits until a folder's entries are on the disk.
///
/// # Errors
/// What the disk says; file systems that can not do it are taken at their word.
pub(in crate::agent) fn sync_folder(folder: &Dir) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::fs::{Mode, OFlags};
        use rustix::io::Errno;
        // Opened anew: ours only names the folder, which is not enough for this.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat(folder, ".", flags, Mode::empty()).and_then(rustix::fs::fsync) {
            // A folder in which we may write and not read can not be waited for.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::ACCESS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

/// Whether a folder's file system is served by something else, which may change files without the system telling.
pub(in crate::agent) fn is_remote(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// Magic numbers of statfs(2): NFS, SMB, SMB2, CIFS, FUSE (sshfs and others), 9P (shared with a virtual
        /// machine), AFS, Ceph, VirtualBox.
        const REMOTE: [u32; 9] = [
            0x6969,
            0x517B,
            0xFE53_4D42,
            0xFF53_4D42,
            0x6573_5546,
            0x0102_1997,
            0x5346_414F,
            0x00C3_6400,
            0x786F_4256,
        ];
        // The number's width differs between architectures; its lower half is the number.
        rustix::fs::statfs(folder).is_ok_and(|system| REMOTE.contains(&(system.f_type as u32)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        false
    }
}
