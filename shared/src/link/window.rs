//! How many bytes may be under way: as many as keep the path busy, and few enough that no queue builds up in it.
//!
//! Whatever a sender puts on a path beyond what the path holds waits in somebody's queue, and with it every keystroke. The
//! queue shows as delay: a round trip takes longer than the shortest one. So the window grows while round trips stay
//! short and shrinks when all of the last few were long: one long round trip alone is jitter. Only those count that were
//! measured of late while the window was full: what a few keystrokes took says nothing about a flood. Measured on 20 Mbit/s with
//! a round trip of 40 ms and eight bulk streams: 496 ms for a keystroke without a window, see `docs/performance.md`.

use std::time::Duration;

use crate::limits::{FIRST_WINDOW_BYTES, LARGEST_WINDOW_BYTES, MAX_FRAME_BYTES, SMALLEST_WINDOW_BYTES};

/// The window grows while the path delays us by less than this.
const SHORT_DELAY: Duration = Duration::from_millis(4);

/// The window shrinks while the path delays us by more than this.
const LONG_DELAY: Duration = Duration::from_millis(8);

/// So many round trips in a row have to be long before the window shrinks, if there were so many of late.
const RECENT: usize = 16;

/// The window grows by this with each round trip: the smallest frame of bulk, 1.6 ms at 20 Mbit/s.
const GROWTH_BYTES: usize = MAX_FRAME_BYTES / 4;

/// How long a round trip counts.
const OF_LATE: Duration = Duration::from_secs(2);

/// The shortest round trip is forgotten after one to two times as long: the path may have become another one.
const EPOCH: Duration = Duration::from_secs(30);

/// The window of one direction.
#[derive(Debug)]
pub(super) struct Window {
    bytes: usize,
    /// Until the first delay the window doubles with each round trip.
    starting: bool,
    /// Round trips under a full window, and when they were measured.
    recent: [Option<(Duration, Duration)>; RECENT],
    next_recent: usize,
    /// The shortest round trip of this epoch and of the one before.
    shortest: [Option<Duration>; 2],
    epoch_began: Duration,
    /// Not before then: what is measured earlier was sent under the larger window.
    shrink_again_at: Duration,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            bytes: FIRST_WINDOW_BYTES,
            starting: true,
            recent: [None; RECENT],
            next_recent: 0,
            shortest: [None; 2],
            epoch_began: Duration::ZERO,
            shrink_again_at: Duration::ZERO,
        }
    }
}

impl Window {
    /// Bytes that may be under way.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How large a frame of bulk may be: on a narrow path a keystroke waits for less.
    pub(super) fn frame_bytes(&self) -> usize {
        (self.bytes / 16).clamp(MAX_FRAME_BYTES / 4, MAX_FRAME_BYTES)
    }

    /// The shortest round trip of late, if one was measured.
    pub(super) fn shortest_round_trip(&self) -> Option<Duration> {
        self.shortest.into_iter().flatten().min()
    }

    /// A round trip was measured, of a frame that was answered without delay. `acknowledged` bytes arrived with it;
    /// `filled` says whether the window was what held the sender back.
    pub(super) fn measured(
        &mut self,
        round_trip: Duration,
        acknowledged: usize,
        filled: Filled,
        now: Duration,
    ) {
        if now >= self.epoch_began + EPOCH {
            self.epoch_began = now;
            self.shortest = [None, self.shortest[0]];
        }
        self.shortest[0] = Some(self.shortest[0].map_or(round_trip, |shortest| shortest.min(round_trip)));
        if filled == Filled::No {
            return;
        }
        self.recent[self.next_recent] = Some((round_trip, now));
        self.next_recent = (self.next_recent + 1) % RECENT;
        let shortest = self.shortest_round_trip().unwrap_or(round_trip);
        let of_late = self.recent.iter().flatten().filter(|(_, at)| *at + OF_LATE >= now);
        let Some(standing) = of_late.map(|(round_trip, _)| *round_trip).min() else { return };
        let delay = standing.saturating_sub(shortest);
        if delay > LONG_DELAY {
            self.starting = false;
            if now >= self.shrink_again_at {
                self.bytes -= self.bytes / 8;
                self.shrink_again_at = now + round_trip;
            }
        } else if delay < SHORT_DELAY {
            // On a narrow path more would be a queue at once.
            self.bytes += if self.starting { acknowledged } else { GROWTH_BYTES * acknowledged / self.bytes };
        }
        self.bytes = self.bytes.clamp(SMALLEST_WINDOW_BYTES, LARGEST_WINDOW_BYTES);
    }
}

/// Whether a window held its sender back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// There was more to send than it let through.
    Yes,
    /// There was not; a round trip then says nothing about a larger window.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A path that carries so much, with a queue that holds everything: frames of bulk, each acknowledged.
    fn settled(
        bytes_per_second: f64,
        path: Duration,
        jitter: impl Fn(u32) -> Duration,
    ) -> (Vec<Duration>, f64, Window) {
        let mut window = Window::default();
        let (mut now, mut free_at) = (Duration::ZERO, Duration::ZERO);
        let mut under_way: std::collections::VecDeque<(Duration, Duration, usize)> = Default::default();
        let (mut bytes_under_way, mut delays, mut carried) = (0, Vec::new(), 0.0);
        for number in 0..40_000 {
            while bytes_under_way < window.bytes() {
                let frame = window.frame_bytes();
                free_at = free_at.max(now) + Duration::from_secs_f64(frame as f64 / bytes_per_second);
                under_way.push_back((now, free_at + path + jitter(number), frame));
                bytes_under_way += frame;
            }
            let (sent, arrives, frame) = under_way.pop_front().unwrap();
            now = now.max(arrives);
            bytes_under_way -= frame;
            carried += frame as f64;
            window.measured(now - sent, frame, Filled::Yes, now);
            if number > 2_000 {
                delays.push((free_at.saturating_sub(now)).max(Duration::ZERO));
            }
        }
        (delays, carried / now.as_secs_f64(), window)
    }

    #[test]
    fn a_narrow_path_is_kept_busy_without_a_queue() {
        for path in [2 * MS, 40 * MS, 150 * MS] {
            let (mut queues, rate, window) = settled(2.5e6, path, |_| Duration::ZERO);
            queues.sort();
            let usual = queues[queues.len() / 2];
            assert!(usual < 15 * MS, "{path:?}: {usual:?} in the queue, {window:?}");
            assert!(rate > 2.5e6 * 0.9, "{path:?}: {rate} bytes a second, {window:?}");
        }
    }

    #[test]
    fn a_wide_path_is_used() {
        let (_, rate, window) = settled(100e6, 20 * MS, |_| Duration::ZERO);
        assert!(rate > 80e6, "{rate}, {window:?}");
    }

    #[test]
    fn jitter_does_not_strangle_the_window() {
        let (_, rate, window) = settled(10e6, 20 * MS, |number| MS * (number * 7919 % 13));
        assert!(rate > 6e6, "{rate}, {window:?}");
    }

    #[test]
    fn a_flood_after_keystrokes_does_not_fill_the_queue_of_a_narrow_path() {
        let mut window = Window::default();
        for number in 0..100 {
            window.measured(2 * MS, 100, Filled::No, 50 * MS * number);
        }
        // 50 KB/s: what is acknowledged has waited for all that was under way.
        let mut now = 5000 * MS;
        for _ in 0..40 {
            let round_trip = Duration::from_secs_f64(window.bytes() as f64 / 50_000.0);
            now += Duration::from_secs_f64(12.0 * 1024.0 / 50_000.0);
            window.measured(round_trip, 12 * 1024, Filled::Yes, now);
            assert!(window.bytes() <= FIRST_WINDOW_BYTES, "{window:?}");
        }
        assert_eq!(window.bytes(), SMALLEST_WINDOW_BYTES);
    }

    #[test]
    fn a_sender_with_little_to_say_does_not_widen_it() {
        let mut window = Window::default();
        for number in 0..1000 {
            window.measured(10 * MS, 100, Filled::No, MS * number);
        }
        assert_eq!(window.bytes(), FIRST_WINDOW_BYTES);
    }
}
