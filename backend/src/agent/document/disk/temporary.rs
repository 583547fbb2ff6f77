//! The new content of a file on its way to its place.

use std::io::{self, Write as _};
use std::time::Instant;

use cap_fs_ext::{DirExt as _, MetadataExt as _};
use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use parlor_shared::access_rules::TEMPORARY_PREFIX;

use super::Current;
use super::retired::{Merged, Retired};
use crate::agent::document::encoding;
use crate::agent::workspace::read::read_document;
use crate::agent::workspace::{FileStamp, Place, platform};

/// A file beside the one that it is to replace; removed when dropped.
#[derive(Debug)]
pub(super) struct Temporary {
    folder: Dir,
    name: String,
    file: File,
    drop_rule: DropRule,
}

#[derive(Debug)]
enum DropRule {
    /// Nobody needs what the name leads to.
    Remove,
    /// The name is free, or leads to what another program wrote.
    Keep,
}

impl Temporary {
    /// Writes the whole content down to the disk, looking like the file that it will replace, if there was one.
    ///
    /// # Errors
    /// If it can not be created or written; nothing is left then.
    pub(super) fn write(folder: &Dir, bytes: &[u8], like: Option<&Metadata>) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("{TEMPORARY_PREFIX}{:016x}", u64::from_ne_bytes(random));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt as _;
            // Never readable for more people than the file itself, not even for a moment.
            options.mode(if like.is_some() { 0o600 } else { 0o666 });
        }
        let folder = folder.try_clone()?;
        let file = folder.open_with(&name, &options)?;
        let mut temporary = Self { folder, name, file, drop_rule: DropRule::Remove };
        temporary.file.write_all(bytes)?;
        if let Some(like) = like {
            platform::copy_attributes(like, &temporary.file)?;
        }
        temporary.file.sync_all()?;
        Ok(temporary)
    }

    /// The state of the written file.
    pub(super) fn stamp(&self) -> io::Result<FileStamp> {
        self.file.metadata().map(|metadata| FileStamp::of(&metadata))
    }

    /// Puts the file where nothing stands. False if something does.
    pub(super) fn place(&mut self, name: &str) -> io::Result<bool> {
        match platform::rename_new((&self.folder, &self.name), (&self.folder, name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            done => done?,
        }
        self.drop_rule = DropRule::Keep;
        Ok(true)
    }

    /// Puts the file in the place of the current one, and gives the replaced one back, still open. `None` if something
    /// else stands there now, which is left alone.
    ///
    /// `merged` is what the document has of the replaced file.
    pub(super) fn exchange(
        &mut self,
        current: Current,
        merged: Merged,
        now: Instant,
    ) -> io::Result<Option<Retired>> {
        let name = &current.place.name;
        match platform::exchange(&self.folder, &self.name, name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                // A file system that can not exchange (NFS, FAT). What stands there was looked at microseconds ago;
                // a program that replaces it by renaming within them loses.
                self.folder.rename(&self.name, &self.folder, name)?;
                self.drop_rule = DropRule::Keep;
                return Ok(Some(Retired::new(current.file, merged, now)));
            }
            Err(error) => return Err(error),
        }
        // From here on our name leads to what stood there before, whoever put it there.
        self.drop_rule = DropRule::Keep;
        let displaced = self.folder.symlink_metadata(&self.name)?;
        let retired = if displaced.is_file() && displaced.ino() == current.stamp.inode {
            Retired::new(current.file, merged, now)
        } else if let Some(retired) = self.rescue(&current, merged, now) {
            retired
        } else {
            platform::exchange(&self.folder, &self.name, name)?;
            self.drop_rule = DropRule::Remove;
            return Ok(None);
        };
        self.folder.remove_file_or_symlink(&self.name)?;
        Ok(Some(retired))
    }

    /// Another program replaced the file within the last microseconds: it becomes the one to look at, if it is text.
    fn rescue(&self, current: &Current, merged: Merged, now: Instant) -> Option<Retired> {
        let folder = self.folder.try_clone().ok()?;
        let displaced = Place { folder, name: self.name.clone(), path: current.place.path.clone() };
        let (mut file, metadata) = displaced.open_file().ok()?;
        let bytes = read_document(&mut file, &displaced.path, metadata.len()).ok()?;
        encoding::decode(&bytes).ok()?;
        Some(Retired::new(file, merged, now))
    }

    /// Waits until the renaming is on the disk.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        platform::sync_folder(&self.folder)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        match self.drop_rule {
            // Nothing can be done if it fails; the name is hidden from everybody.
            DropRule::Remove => drop(self.folder.remove_file(&self.name)),
            DropRule::Keep => {}
        }
    }
}
