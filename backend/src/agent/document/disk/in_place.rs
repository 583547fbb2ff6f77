//! One save: the bytes of a file become other bytes, in place, so that a sudden end at any moment can be completed.
//!
//! In this order, with O the bytes that the file holds, N those that it is to hold, and d the first place where they differ:
//!
//! 1. The journal gets the [`Intent`], on the disk. Whoever finds the file after a sudden end knows O and N, see [`Remains`].
//! 2. The file is opened for writing, once: watchers take a close for the end of a save. If N is longer, room is reserved.
//!    There is none: nothing was touched.
//! 3. The content is compared once more.
//! 4. If N is longer, what is behind |O| is appended. The position tells whether another program appended at that moment:
//!    then its bytes stay, behind N.
//! 5. One write from d, to the last difference. The file is never empty or shorter on the way.
//! 6. If N is shorter, the rest is cut off. What another program appended at that moment moves to the end of N.
//! 7. The file is closed at once: an open writer makes `./run.sh` fail, and watchers wait for the close.
//! 8. The file is read back, and then forced to the disk.
//!
//! What fails in between is taken back. What can not be taken back is half written, and completed later.
//!
//! Example, O is `one three`, N is `one two three`: `hree` is appended (`one threehree`), then `wo t` is written from 5 on.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use cap_fs_ext::{FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _, OpenOptionsSyncExt as _};
use cap_std::fs::{File, Metadata, OpenOptions};

use super::Current;
use super::remains::Intent;
use crate::agent::disk_work::{self, SavePoint, SaveStep};
use crate::agent::workspace::platform::{self, Appending};
use crate::agent::workspace::{FileStamp, Place};

/// How often a save that cuts takes in what another program appends meanwhile, before it gives way.
const MAX_ROUNDS: usize = 4;

/// The journal did not take an intent: the disk refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnnounced;

/// Keeps an intent where a sudden end does not lose it. It may be asked several times in one save; the last one counts.
pub type Announce<'a> = dyn FnMut(&Intent) -> Result<(), NotAnnounced> + 'a;

/// How a save ended that did not fail.
#[derive(Debug)]
pub(super) enum Written {
    /// The file holds what it was to hold and what another program appended at that moment, and the disk has it.
    Whole {
        /// What another program appended.
        appended: Vec<u8>,
    },
    /// It was written, and then holds something else: another program wrote it at the same moment.
    Overtaken,
    /// Nothing of ours is in the file: it holds something else than was thought, or its name leads elsewhere.
    Different,
}

/// Why a save failed.
#[derive(Debug)]
pub(super) enum SaveError {
    /// Nothing was touched, or it was taken back.
    Untouched(io::Error),
    /// The file may hold neither: it is to be completed.
    HalfWritten(io::Error),
    /// The journal did not take the intent. Nothing was touched.
    NotAnnounced,
}

impl From<NotAnnounced> for SaveError {
    fn from(_: NotAnnounced) -> Self {
        Self::NotAnnounced
    }
}

/// What is to be done with what another program appended since the file was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appends {
    /// The save gives way to it.
    GiveWay,
    /// The save goes on: it stays behind what is written.
    Keep,
}

/// Makes `after` of `before`, which the file holds as far as is known.
pub(super) fn write(
    current: &mut Current,
    before: &[u8],
    after: &[u8],
    appends: Appends,
    announce: &mut Announce<'_>,
) -> Result<Written, SaveError> {
    let mut intent = Intent::of(before, after);
    announce(&intent)?;
    reached(SaveStep::Announced).map_err(SaveError::Untouched)?;
    let Some(writer) = open_writer(current).map_err(SaveError::Untouched)? else {
        return Ok(Written::Different);
    };
    if after.len() > before.len() {
        reserve(&writer, before.len(), after.len()).map_err(SaveError::Untouched)?;
    }
    let found = read_whole(&mut current.file).map_err(SaveError::Untouched)?;
    let Some(tail) = found.strip_prefix(before) else { return Ok(Written::Different) };
    if !tail.is_empty() {
        if appends == Appends::GiveWay {
            return Ok(Written::Different);
        }
        (intent.before_tail, intent.after_tail) = (tail.to_vec(), tail.to_vec());
        announce(&intent)?;
    }
    let after = [after, &intent.after_tail].concat();
    let mut save = Save { current, writer, before: found, after, intent, is_overwriting: false };
    let progress = match save.run(announce) {
        Ok(progress) => progress,
        Err(error) => return Err(save.take_back(error)),
    };
    let Save { after, intent, writer, .. } = save;
    drop(writer);
    match progress {
        Progress::Done => finish(current, &after, intent.after_tail),
        Progress::Emptied { from } => take_out(current, &after, from),
    }
}

/// Completes a save that was torn: the file holds `found`, and is to hold `wanted`. The intent in the journal still tells.
pub(super) fn complete(current: &mut Current, found: &[u8], wanted: &[u8]) -> Result<Written, SaveError> {
    write(current, found, wanted, Appends::GiveWay, &mut |_| Ok(()))
}

/// Makes a file that is not there, with all its bytes at once. False if something has the name by now.
pub(super) fn create(
    place: &Place,
    bytes: &[u8],
    like: Option<&Metadata>,
    announce: &mut Announce<'_>,
) -> Result<bool, SaveError> {
    announce(&Intent { creates: true, ..Intent::of(&[], bytes) })?;
    let untouched = SaveError::Untouched;
    reached(SaveStep::Announced).map_err(untouched)?;
    match platform::create_whole(&place.folder, &place.name, bytes, like) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        created => {
            created.map_err(untouched)?;
            reached(SaveStep::Synced).map_err(SaveError::HalfWritten)?;
            Ok(true)
        }
    }
}

/// Reads back, and forces to the disk.
fn finish(current: &mut Current, wanted: &[u8], appended: Vec<u8>) -> Result<Written, SaveError> {
    // Whatever fails from here on: the file may hold it, and the disk may not.
    let failed = SaveError::HalfWritten;
    let found = read_whole(&mut current.file).map_err(failed)?;
    // If the name leads elsewhere by now, what stands there is what counts.
    if found != wanted || !current.is_in_place() {
        return Ok(Written::Overtaken);
    }
    reached(SaveStep::ReadBack).map_err(failed)?;
    if let Err(error) = sync(&current.file) {
        // The system forgets what it could not write, and says so only once. So all of it is written again.
        tracing::warn!(%error, "the disk did not take what was written: it is written again");
        let writer = open_writer(current).map_err(failed)?;
        let writer = writer.ok_or_else(|| SaveError::HalfWritten(io::ErrorKind::NotFound.into()))?;
        put(&writer, SaveStep::Overwrite, 0, wanted).map_err(failed)?;
        drop(writer);
        sync(&current.file).map_err(failed)?;
    }
    reached(SaveStep::Synced).map_err(failed)?;
    let metadata = current.file.metadata().map_err(failed)?;
    current.stamp = FileStamp::of(&metadata);
    current.metadata = metadata;
    Ok(Written::Whole { appended })
}

fn sync(file: &File) -> io::Result<()> {
    reached(SaveStep::Sync)?;
    platform::sync_data(file)
}

/// How far the writing of a save came.
enum Progress {
    Done,
    /// Another program emptied the file meanwhile: what is behind this place is ours, and no text of its.
    Emptied {
        from: usize,
    },
}

/// A save under way.
struct Save<'a> {
    current: &'a Current,
    writer: File,
    /// What the file held when it was looked at last, all of it.
    before: Vec<u8>,
    /// What it is to hold, all of it.
    after: Vec<u8>,
    intent: Intent,
    /// Whether bytes of `before` may be gone from the file.
    is_overwriting: bool,
}

impl Save<'_> {
    fn run(&mut self, announce: &mut Announce<'_>) -> io::Result<Progress> {
        if self.after.len() > self.before.len()
            && let emptied @ Progress::Emptied { .. } = self.append(announce)?
        {
            return Ok(emptied);
        }
        let from = common_prefix(&self.before, &self.after);
        self.overwrite(from)?;
        self.cut(announce)?;
        // Zeros before what we wrote: the file was emptied, and our write made it long again.
        let mut head = vec![0; from];
        let read = platform::read_at(&self.current.file, &mut head, 0)?;
        let is_emptied = head[..read] != self.after[..read] && head[..read].contains(&0);
        Ok(if is_emptied { Progress::Emptied { from } } else { Progress::Done })
    }

    /// Appends what is behind the end, and takes in what another program appended at that moment.
    fn append(&mut self, announce: &mut Announce<'_>) -> io::Result<Progress> {
        let end = self.before.len();
        let tail = self.after[end..].to_vec();
        platform::set_appending(&self.writer, Appending::On)?;
        let put = self.put_tail(end, &tail);
        platform::set_appending(&self.writer, Appending::Off)?;
        let landed = put?;
        reached(SaveStep::Appended)?;
        if landed < end {
            // Another program emptied the file a moment ago.
            return Ok(Progress::Emptied { from: landed });
        }
        if landed > end {
            // The bytes between belong to another program. They stay, behind ours: the length is the same, nothing is cut.
            let mut between = vec![0; landed - end];
            platform::read_exact_at(&self.current.file, &mut between, end as u64)?;
            self.intent.before_tail.extend([&between[..], &tail].concat());
            self.intent.after_tail.extend(&between);
            announce(&self.intent).map_err(|NotAnnounced| io::Error::other("the journal refuses"))?;
            self.before.extend([&between[..], &tail].concat());
            self.after.extend(between);
        }
        Ok(Progress::Done)
    }

    /// Appends this. Gives where it came to stand.
    fn put_tail(&self, end: usize, tail: &[u8]) -> io::Result<usize> {
        let mut landed = None;
        let mut written = 0;
        while written < tail.len() {
            let put = put_at_end(&self.writer, end + written, &tail[written..]);
            let (start, count) = put.inspect_err(|_| self.cut_tail(landed, written))?;
            let expected = *landed.get_or_insert(start) + written;
            if start != expected {
                // In pieces, with another program's bytes between them: only the last can be taken back.
                self.cut_tail(Some(start), count);
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            written += count;
        }
        Ok(landed.unwrap_or(end))
    }

    /// Takes back what was appended there, if nothing follows it.
    fn cut_tail(&self, landed: Option<usize>, written: usize) {
        let Some(landed) = landed else { return };
        let ends = (landed + written) as u64;
        if self.writer.metadata().is_ok_and(|metadata| metadata.len() == ends) {
            // If that fails too, our tail is found as a change outside: something twice is better than something lost.
            let _ = self.writer.set_len(landed as u64);
        }
    }

    fn overwrite(&mut self, from: usize) -> io::Result<()> {
        let until = if self.before.len() == self.after.len() {
            self.after.len() - common_suffix(&self.before[from..], &self.after[from..])
        } else {
            // What is behind the old end was appended: it is in its place already.
            self.after.len().min(self.before.len())
        };
        if from < until {
            self.is_overwriting = true;
            put(&self.writer, SaveStep::Overwrite, from as u64, &self.after[from..until])?;
        }
        reached(SaveStep::Overwritten)
    }

    fn cut(&mut self, announce: &mut Announce<'_>) -> io::Result<()> {
        if self.after.len() >= self.before.len() {
            return Ok(());
        }
        self.is_overwriting = true;
        for _ in 0..MAX_ROUNDS {
            let (end, cut_to) = (self.before.len() as u64, self.after.len() as u64);
            reached(SaveStep::Cut)?;
            // No system cuts a file only if it is so long. What another program appends between these two calls is lost.
            let len = self.writer.metadata()?.len();
            if len == end {
                return self.writer.set_len(cut_to);
            }
            if len < end {
                return Ok(());
            }
            let mut appended = vec![0; usize::try_from(len - end).unwrap_or(usize::MAX)];
            platform::read_exact_at(&self.current.file, &mut appended, end)?;
            self.intent.before_tail.extend(&appended);
            self.intent.after_tail.extend(&appended);
            announce(&self.intent).map_err(|NotAnnounced| io::Error::other("the journal refuses"))?;
            put(&self.writer, SaveStep::Overwrite, cut_to, &appended)?;
            self.before.extend(&appended);
            self.after.extend(&appended);
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// Writes back what the file held.
    fn take_back(&self, error: io::Error) -> SaveError {
        match self.try_take_back() {
            Ok(()) => SaveError::Untouched(error),
            Err(second) => {
                tracing::warn!(%error, %second, "a save failed in the middle and could not be taken back");
                SaveError::HalfWritten(error)
            }
        }
    }

    fn try_take_back(&self) -> io::Result<()> {
        let from = common_prefix(&self.before, &self.after);
        if self.is_overwriting && from < self.before.len() {
            put(&self.writer, SaveStep::TakeBack, from as u64, &self.before[from..])?;
        }
        let end = self.before.len();
        if let Some(ours) = self.after.get(end..)
            && self.writer.metadata()?.len() == self.after.len() as u64
        {
            let mut there = vec![0; ours.len()];
            platform::read_exact_at(&self.current.file, &mut there, end as u64)?;
            if there == ours {
                self.writer.set_len(end as u64)?;
            }
        }
        Ok(())
    }
}

/// Another program emptied the file in the midst of a save: takes what we wrote, and the zeros before it, out again.
fn take_out(current: &mut Current, ours: &[u8], from: usize) -> Result<Written, SaveError> {
    let failed = SaveError::HalfWritten;
    let found = read_whole(&mut current.file).map_err(failed)?;
    let theirs = without_ours(&found, ours, from);
    if let Some(writer) = open_writer(current).map_err(failed)?
        && writer.metadata().is_ok_and(|metadata| metadata.len() == found.len() as u64)
    {
        put(&writer, SaveStep::Overwrite, 0, &theirs).map_err(failed)?;
        writer.set_len(theirs.len() as u64).map_err(failed)?;
    }
    Ok(Written::Different)
}

/// What of a file is not ours: without the zeros that a hole reads as, and without our bytes behind them.
fn without_ours(found: &[u8], ours: &[u8], from: usize) -> Vec<u8> {
    let (head, rest) = found.split_at(from.min(found.len()));
    let theirs = head.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let written = common_prefix(rest, ours.get(from..).unwrap_or_default());
    [&head[..theirs], &rest[written..]].concat()
}

/// Opens the file for writing; nothing if its name leads elsewhere by now. Neither creates nor empties.
fn open_writer(current: &Current) -> io::Result<Option<File>> {
    reached(SaveStep::Open)?;
    let mut options = OpenOptions::new();
    options.write(true).nonblock(true).follow(FollowSymlinks::No);
    let file = match current.place.folder.open_with(&current.place.name, &options) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let metadata = file.metadata()?;
    let same = (metadata.dev(), metadata.ino()) == (current.metadata.dev(), current.metadata.ino());
    Ok(same.then_some(file))
}

/// Room for a file that grows, so that it is not torn for want of it.
fn reserve(file: &File, from: usize, to: usize) -> io::Result<()> {
    reached(SaveStep::Reserve)?;
    match platform::reserve(file, from as u64, (to - from) as u64) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        reserved => reserved,
    }
}

/// All that a file holds.
pub(super) fn read_whole(file: &mut File) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes all of it at a place.
fn put(file: &File, step: SaveStep, at: u64, bytes: &[u8]) -> io::Result<()> {
    disk_work::save_point(&SavePoint { step, write: Some((file, at, bytes)) })?;
    platform::write_all_at(file, bytes, at)
}

/// Writes some of it at the end. Gives where that was, and how much.
fn put_at_end(file: &File, at: usize, bytes: &[u8]) -> io::Result<(usize, usize)> {
    disk_work::save_point(&SavePoint { step: SaveStep::Append, write: Some((file, at as u64, bytes)) })?;
    let (start, count) = platform::append(file, bytes)?;
    Ok((usize::try_from(start).unwrap_or(usize::MAX), count))
}

fn reached(step: SaveStep) -> io::Result<()> {
    disk_work::save_point(&SavePoint { step, write: None })
}

fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 4096;
    let blocks = one.chunks(BLOCK).zip(other.chunks(BLOCK)).take_while(|(one, other)| one == other);
    let same = (blocks.count() * BLOCK).min(one.len()).min(other.len());
    same + one[same..].iter().zip(&other[same..]).take_while(|(one, other)| one == other).count()
}

fn common_suffix(one: &[u8], other: &[u8]) -> usize {
    one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_told_from_what_another_program_wrote_after_it_had_emptied_the_file() {
        assert_eq!(without_ours(b"\0\0\0\0typed\n", b"aaaatyped\n", 4), b"");
        assert_eq!(without_ours(b"new\0typed\nmore\n", b"aaaatyped\n", 4), b"newmore\n");
    }

    #[test]
    fn beginnings_and_ends_are_compared_to_the_byte() {
        let long = vec![7; 9000];
        for at in [0, 1, 4095, 4096, 4097, 8999] {
            let mut other = long.clone();
            other[at] = 8;
            assert_eq!((common_prefix(&long, &other), common_suffix(&long, &other)), (at, 8999 - at));
            assert_eq!(common_prefix(&long, &long[..at]), at);
        }
    }
}
