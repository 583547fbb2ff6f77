//! When a document is to be written to the disk: after a pause in typing, at the latest after a while, and again after a failure.

use std::time::Duration;

use parlor_shared::limits::{CHECKPOINT_DEADLINE, CHECKPOINT_QUIET};
use tokio::time::Instant;

/// First and longest pause before a failed checkpoint is tried again.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// When what failed is tried again, and the pause until then: ever more seldom.
pub(super) type Retry = (Instant, Duration);

/// When to try again after a failure.
pub(super) fn retry_after(before: Option<Retry>, now: Instant) -> Retry {
    let pause = before.map_or(RETRY[0], |(_, pause)| (pause * 2).clamp(RETRY[0], RETRY[1]));
    (now + pause, pause)
}

/// Revisions and times of one document; decides, does nothing.
///
/// Safety: a revision counts as saved only if it was taken before the write began that succeeded, so an edit during a
/// write is never taken for saved. Liveness: while a revision is unsaved, or the last look or write failed, and none runs,
/// `due` names a time.
#[derive(Debug, Default)]
pub(super) struct CheckpointSchedule {
    revision: u64,
    saved: u64,
    first_unsaved: Option<Instant>,
    last_edit: Option<Instant>,
    retry: Option<Retry>,
    forced: bool,
}

impl CheckpointSchedule {
    /// The text changed; the disk does not have it.
    pub(super) fn edited(&mut self, now: Instant) {
        self.revision += 1;
        self.first_unsaved.get_or_insert(now);
        self.last_edit = Some(now);
    }

    /// Somebody asks for a checkpoint now.
    pub(super) fn force(&mut self) {
        self.forced = true;
    }

    /// When the next checkpoint is to begin, if one is needed.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if self.forced {
            return Some(now);
        }
        if let Some((at, _)) = self.retry {
            return Some(at);
        }
        if !self.is_unsaved() {
            return None;
        }
        let quiet = self.last_edit? + CHECKPOINT_QUIET;
        let deadline = self.first_unsaved? + CHECKPOINT_DEADLINE;
        Some(quiet.min(deadline))
    }

    /// Whether there is something to write, or somebody who asked for it. A failure alone is reason enough to look at the
    /// disk again, and none to write.
    pub(super) const fn wants_write(&self) -> bool {
        self.forced || self.is_unsaved()
    }

    /// A checkpoint begins: the revision that it will have saved if it succeeds.
    pub(super) fn begin(&mut self) -> u64 {
        self.forced = false;
        self.revision
    }

    /// A checkpoint succeeded.
    pub(super) fn succeeded(&mut self, revision: u64, now: Instant) {
        self.saved = self.saved.max(revision);
        self.retry = None;
        self.first_unsaved = self.is_unsaved().then_some(now);
    }

    /// A checkpoint failed: it is tried again, ever more seldom.
    pub(super) fn failed(&mut self, now: Instant) {
        self.retry = Some(retry_after(self.retry, now));
    }

    /// What failed because of the text may succeed with another text.
    pub(super) fn try_anew(&mut self) {
        self.retry = None;
    }

    /// A checkpoint was put off because the disk has news; it begins anew as soon as they are merged.
    pub(super) fn put_off(&mut self) {
        self.forced = true;
    }

    /// The disk is equal to the text, by another way than a checkpoint.
    pub(super) fn is_on_disk(&mut self) {
        self.saved = self.revision;
        self.retry = None;
        self.first_unsaved = None;
    }

    /// Whether the disk lacks something.
    pub(super) const fn is_unsaved(&self) -> bool {
        self.saved < self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn quiet_ends_the_wait_and_steady_typing_does_not_prolong_it_forever() {
        let start = Instant::now();
        let mut schedule = CheckpointSchedule::default();
        assert_eq!(schedule.due(start), None);
        schedule.edited(start);
        assert_eq!(schedule.due(start), Some(start + CHECKPOINT_QUIET));
        for step in 1..100 {
            schedule.edited(start + step * 100 * MILLISECOND);
        }
        assert_eq!(schedule.due(start), Some(start + CHECKPOINT_DEADLINE));
    }

    #[test]
    fn an_edit_during_the_write_stays_unsaved() {
        let start = Instant::now();
        let mut schedule = CheckpointSchedule::default();
        schedule.edited(start);
        let revision = schedule.begin();
        schedule.edited(start + MILLISECOND);
        schedule.succeeded(revision, start + 2 * MILLISECOND);
        assert!(schedule.is_unsaved());
        let revision = schedule.begin();
        schedule.succeeded(revision, start + 3 * MILLISECOND);
        assert!(!schedule.is_unsaved());
        assert_eq!(schedule.due(start), None);
    }

    #[test]
    fn failures_are_retried_ever_more_seldom_until_one_succeeds() {
        let start = Instant::now();
        let mut schedule = CheckpointSchedule::default();
        schedule.edited(start);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            schedule.failed(start);
            pauses.push((schedule.due(start).unwrap() - start).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        schedule.force();
        assert_eq!(schedule.due(start), Some(start), "a person who asks does not wait for the next try");
        let revision = schedule.begin();
        schedule.succeeded(revision, start);
        assert_eq!(schedule.due(start), None);
    }
}
