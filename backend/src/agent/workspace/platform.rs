//! What the portable file API lacks: writing at a place, room kept free, files made whole, renames that never replace, times.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, File, Metadata};

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

/// Writes all of it at a place, whatever the file's position is.
///
/// # Errors
/// What the disk says; some of it may be written then.
pub(in crate::agent) fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::pwrite(file, &bytes[written..], at + written as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek as _, SeekFrom, Write as _};
        let mut file = file;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    }
}

/// Reads what there is at a place, until the buffer is full or the file ends. Gives how much.
///
/// # Errors
/// What the disk says.
pub(in crate::agent) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = file;
    file.seek(SeekFrom::Start(at))?;
    let mut read = 0;
    while read < bytes.len() {
        match file.read(&mut bytes[read..])? {
            0 => break,
            count => read += count,
        }
    }
    Ok(read)
}

/// Reads exactly so much.
///
/// # Errors
/// If there is less, or what the disk says.
pub(in crate::agent) fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    if read_at(file, bytes, at)? == bytes.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Where an open file puts what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum Appending {
    /// At its end, wherever that is by then, and whatever place is asked for.
    On,
    /// At the place that is asked for.
    Off,
}

/// Makes a file that is open for writing append, or no longer. A second descriptor could do that as well, but watchers are
/// told of each close, and the file is not whole at the first.
///
/// # Errors
/// What the system says.
pub(in crate::agent) fn set_appending(file: &File, appending: Appending) -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut flags = rustix::fs::fcntl_getfl(file)?;
        flags.set(rustix::fs::OFlags::APPEND, appending == Appending::On);
        Ok(rustix::fs::fcntl_setfl(file, flags)?)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek as _, SeekFrom};
        let mut file = file;
        // As near as it gets: where its end is now.
        if appending == Appending::On {
            file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }
}

/// Appends some of it to a file that appends. Gives where it begins, and how much was written.
///
/// # Errors
/// What the disk says.
pub(in crate::agent) fn append(file: &File, bytes: &[u8]) -> io::Result<(u64, usize)> {
    use std::io::{Seek as _, Write as _};
    let mut file = file;
    let count = file.write(bytes)?;
    if count == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    // The system sets the position behind what it appended, wherever that came to stand.
    Ok((file.stream_position()? - count as u64, count))
}

/// Keeps room free for a file that will grow, without making it longer.
///
/// # Errors
/// `Unsupported` where the file system or system can not; otherwise that there is none.
pub(in crate::agent) fn reserve(file: &File, at: u64, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, at, bytes) {
            Err(Errno::NOSPC | Errno::DQUOT) => Err(io::ErrorKind::StorageFull.into()),
            // Whatever else is wrong, writing tells.
            Err(_) => Err(io::ErrorKind::Unsupported.into()),
            Ok(()) => Ok(()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, at, bytes);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Waits until a file's content is on the disk.
///
/// # Errors
/// What the disk says; file systems that can not do it are taken at their word.
pub(in crate::agent) fn sync_data(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Makes a file that is not there, with all its bytes, on the disk. Nobody sees it before it is whole, where the system can do
/// that. It looks like the one that was there before, if one was.
///
/// # Errors
/// `AlreadyExists` if something has the name; otherwise what the disk says, and nothing is left.
pub(in crate::agent) fn create_whole(
    folder: &Dir,
    name: &str,
    bytes: &[u8],
    like: Option<&Metadata>,
) -> io::Result<()> {
    let fill = |file: &File| {
        write_all_at(file, bytes, 0)?;
        if let Some(like) = like {
            copy_attributes(like, file)?;
        }
        sync_data(file)
    };
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, Mode, OFlags};
        use std::os::fd::AsRawFd as _;
        // Never readable for more people than the file before it, not even for a moment.
        let mode = Mode::from_raw_mode(if like.is_some() { 0o600 } else { 0o666 });
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        // Opened anew: ours only names the folder, which is not enough for this.
        if let Ok(nameless) = rustix::fs::openat(folder, ".", flags, mode) {
            let nameless = File::from_std(nameless.into());
            fill(&nameless)?;
            let link = format!("/proc/self/fd/{}", nameless.as_raw_fd());
            match rustix::fs::linkat(CWD, link.as_str(), folder, name, AtFlags::SYMLINK_FOLLOW) {
                Ok(()) => return sync_folder(folder),
                Err(rustix::io::Errno::EXIST) => return Err(io::ErrorKind::AlreadyExists.into()),
                // No /proc, or a file system without it: by its name, then.
                Err(_) => {}
            }
        }
    }
    let mut options = cap_std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if like.is_some() {
        use cap_std::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = folder.open_with(name, &options)?;
    if let Err(error) = fill(&file) {
        // Of what was not there before nothing is to be left.
        let _ = folder.remove_file(name);
        return Err(error);
    }
    sync_folder(folder)
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

/// What serves a folder's file system, if something else than this system's own disks does: it may change files without the system
/// telling. Nothing is known on other systems than Linux.
pub(in crate::agent) fn served_by(folder: &Path) -> Option<&'static str> {
    #[cfg(target_os = "linux")]
    {
        /// Magic numbers of statfs(2): those of linux/magic.h, then those that only their drivers and coreutils name.
        const SERVED: [(u32, &str); 20] = [
            (0x6969, "NFS"),
            (0x517B, "SMB"),
            (0xFE53_4D42, "SMB"),
            (0xFF53_4D42, "CIFS"),
            (0x6573_5546, "FUSE: sshfs, virtiofs, a cloud's drive or the like"),
            (0x0102_1997, "9P, shared with a virtual machine"),
            (0x5346_414F, "AFS"),
            (0x6B41_4653, "AFS"),
            (0x00C3_6400, "Ceph"),
            (0x7375_7245, "Coda"),
            (0x564C, "NCP"),
            (0x7461_636F, "OCFS2"),
            (0x786F_4256, "a shared folder of VirtualBox"),
            (0xBACB_ACBC, "a shared folder of VMware"),
            (0x7C7C_6673, "a shared folder of Parallels"),
            (0x0116_1970, "GFS2"),
            (0x4750_4653, "GPFS"),
            (0x0BD0_0BD0, "Lustre"),
            (0x1983_0326, "BeeGFS"),
            (0xAAD7_AAEA, "PanFS"),
        ];
        // The number's width differs between architectures; its lower half is the number.
        let kind = rustix::fs::statfs(folder).ok()?.f_type as u32;
        SERVED.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}
