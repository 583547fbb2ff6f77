//! What befalls a save in the midst of it: the end of the program, with any mix of old and new blocks on the disk, or a disk
//! that refuses.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::task::{Poll, Waker};

use parlor::agent::{SavePoint, SaveStep, on_save_steps};

use super::plan::SaveFate;
use super::random::Random;

/// Smaller than a disk's, so that small files are torn too.
const BLOCK_BYTES: usize = 16;

thread_local! {
    static KILLED: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Option<Waker>> = const { RefCell::new(None) };
    /// How often a save was disturbed, and was not looked at since.
    static DISTURBED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Nothing befalls saves any more.
pub(crate) fn disarm() {
    on_save_steps(None);
    KILLED.set(false);
}

/// Whether the program was ended in the midst of a save, and that was not noticed yet.
pub(crate) fn is_killed() -> bool {
    KILLED.get()
}

/// The same, and it is noticed now.
pub(crate) fn has_killed() -> bool {
    KILLED.replace(false)
}

/// What befell saves since the last look.
pub(crate) fn take_disturbed() -> Vec<&'static str> {
    DISTURBED.take()
}

/// Waits for it, unless the program is ended meanwhile.
pub(crate) async fn unless_killed(waited_for: impl Future<Output = ()>) {
    let mut waited_for = std::pin::pin!(waited_for);
    std::future::poll_fn(|context| {
        if is_killed() {
            return Poll::Ready(());
        }
        WAITING.replace(Some(context.waker().clone()));
        waited_for.as_mut().poll(context)
    })
    .await;
}

/// From now on this befalls the save that reaches so many steps, counted over all saves.
pub(crate) fn arm(step: u32, fate: SaveFate) {
    let mut left = step;
    let mut before = None;
    let (mut is_kept, mut is_announced) = (false, false);
    on_save_steps(Some(Box::new(move |point| {
        match point.step {
            SaveStep::Kept => is_kept = true,
            SaveStep::Announced => is_announced = std::mem::take(&mut is_kept),
            _ => {}
        }
        if before.is_none()
            && let Some((file, ..)) = point.write
        {
            let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
            let place = fs::read_link(&link).unwrap_or_default();
            before = fs::read(&place).ok().map(|bytes| (place, bytes));
        }
        if point.step == SaveStep::Announced {
            before = None;
        }
        if let Some(fewer) = left.checked_sub(1) {
            left = fewer;
            return Ok(());
        }
        match fate {
            // Without a journal nothing is safe from a crash, and people are told so.
            SaveFate::Kill { .. } if !is_announced => Ok(()),
            SaveFate::Kill { mix } => {
                tear(mix, point, before.as_ref());
                note("a save was cut short");
                KILLED.set(true);
                if let Some(waiting) = WAITING.take() {
                    waiting.wake();
                }
                resume_unwind(Box::new("the program was killed"))
            }
            // Nor what can not even be taken back.
            SaveFate::Refuse { .. } if !is_announced && point.step == SaveStep::TakeBack => Ok(()),
            SaveFate::Refuse { full, times } => {
                if left == 0 && times > 0 && !refuse_more(times) {
                    return Ok(());
                }
                note("a step of a save was refused");
                let error = if full { rustix::io::Errno::NOSPC } else { rustix::io::Errno::IO };
                Err(io::Error::from(error))
            }
        }
    })));
    REFUSED.set(0);
}

thread_local! {
    static REFUSED: Cell<u32> = const { Cell::new(0) };
}

/// Whether the disk still refuses, after having refused so often.
fn refuse_more(times: u32) -> bool {
    let refused = REFUSED.get();
    REFUSED.set(refused + 1);
    refused < times
}

fn note(what: &'static str) {
    DISTURBED.with_borrow_mut(|disturbed| disturbed.push(what));
}

/// Leaves any mix of old and new blocks, as a loss of power does.
fn tear(mix: u64, point: &SavePoint<'_>, before: Option<&(PathBuf, Vec<u8>)>) {
    let Some((place, before)) = before else { return };
    let mut random = Random::new(mix);
    let Ok(mut bytes) = fs::read(place) else { return };
    match point.write {
        // Some of what is about to be written came to the disk.
        Some((_, at, new)) => {
            let at = if point.step == SaveStep::Append { bytes.len() } else { at as usize };
            for (number, block) in new.chunks(BLOCK_BYTES).enumerate() {
                let start = at + number * BLOCK_BYTES;
                if random.one_in(2) && start <= bytes.len() {
                    bytes.resize(bytes.len().max(start + block.len()), 0);
                    bytes[start..start + block.len()].copy_from_slice(block);
                }
            }
        }
        // All was written, and not yet forced to the disk: some of it may be gone again.
        None if point.step == SaveStep::Sync => {
            if bytes.len() < before.len() && random.one_in(2) {
                bytes.extend_from_slice(&before[bytes.len()..]);
            }
            let len = bytes.len();
            for (number, block) in before.chunks(BLOCK_BYTES).enumerate() {
                let start = number * BLOCK_BYTES;
                let end = (start + block.len()).min(len);
                if random.one_in(2) && start < end {
                    bytes[start..end].copy_from_slice(&block[..end - start]);
                }
            }
            for start in (before.len()..len).step_by(BLOCK_BYTES) {
                if random.one_in(2) {
                    bytes[start..(start + BLOCK_BYTES).min(len)].fill(0);
                }
            }
        }
        None => return,
    }
    // In place, as the disk would.
    if let Ok(file) = fs::OpenOptions::new().write(true).open(place) {
        use std::os::unix::fs::FileExt as _;
        let _ = file.write_all_at(&bytes, 0).and_then(|()| file.set_len(bytes.len() as u64));
    }
}
