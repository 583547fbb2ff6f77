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

/// So many have to be long before the window stops to double. On a narrow path the first window alone is a queue, and each
/// round trip that is still taken for short adds to it.
const RECENT_AT_START: usize = 6;

/// The window grows by this with each round trip: the smallest frame of bulk, 1.6 ms at 20 Mbit/s.
const GROWTH_BYTES: usize = MAX_FRAME_BYTES / 4;

/// How long a round trip counts: on a narrow path the last sixteen take seconds, and the oldest are of an empty queue.
const OF_LATE: Duration = Duration::from_millis(500);

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
        let standing = self.shortest_of_last(RECENT, now).unwrap_or(round_trip);
        let delay = standing.saturating_sub(shortest);
        if delay > LONG_DELAY {
            self.starting = false;
            if now >= self.shrink_again_at {
                // Under a full window a round trip takes as long as the path needs for the window: a long queue goes at once.
                let fits = (shortest + LONG_DELAY).div_duration_f64(standing) * self.bytes as f64;
                self.bytes = (self.bytes - self.bytes / 8).min((fits as usize).max(self.bytes / 4));
                self.shrink_again_at = now + round_trip;
            }
        } else if delay < SHORT_DELAY {
            let newest = self.shortest_of_last(RECENT_AT_START, now).unwrap_or(round_trip);
            let doubles = self.starting && newest.saturating_sub(shortest) < SHORT_DELAY;
            self.bytes += if doubles { acknowledged } else { GROWTH_BYTES * acknowledged / self.bytes };
        }
        self.bytes = self.bytes.clamp(SMALLEST_WINDOW_BYTES, LARGEST_WINDOW_BYTES);
    }

    /// The shortest of the last so many round trips under a full window, as far as they are of late.
    fn shortest_of_last(&self, count: usize, now: Duration) -> Option<Duration> {
        let newest_first = (1..=count).map(|back| self.recent[(self.next_recent + RECENT - back) % RECENT]);
        newest_first.flatten().filter(|(_, at)| *at + OF_LATE >= now).map(|(round_trip, _)| round_trip).min()
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
    use std::collections::VecDeque;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A path that carries so much, with a queue that holds everything, behind a window that is always full: frames of
    /// bulk, each acknowledged.
    struct Path {
        bytes_per_second: f64,
        delay: Duration,
        window: Window,
        now: Duration,
        free_at: Duration,
        /// When each frame was sent, when its acknowledgement arrives, and its length.
        under_way: VecDeque<(Duration, Duration, usize)>,
        bytes_under_way: usize,
    }

    impl Path {
        fn new(bytes_per_second: f64, delay: Duration) -> Self {
            Self {
                bytes_per_second,
                delay,
                window: Window::default(),
                now: Duration::ZERO,
                free_at: Duration::ZERO,
                under_way: VecDeque::new(),
                bytes_under_way: 0,
            }
        }

        /// Fills the window, and takes the next acknowledgement: of so many bytes.
        fn step(&mut self, jitter: Duration) -> usize {
            while self.bytes_under_way < self.window.bytes() {
                let frame = self.window.frame_bytes();
                let takes = Duration::from_secs_f64(frame as f64 / self.bytes_per_second);
                self.free_at = self.free_at.max(self.now) + takes;
                self.under_way.push_back((self.now, self.free_at + self.delay + jitter, frame));
                self.bytes_under_way += frame;
            }
            let (sent, arrives, frame) = self.under_way.pop_front().unwrap();
            self.now = self.now.max(arrives);
            self.bytes_under_way -= frame;
            self.window.measured(self.now - sent, frame, Filled::Yes, self.now);
            frame
        }

        /// How long a frame that is sent now would wait.
        fn queue(&self) -> Duration {
            self.free_at.saturating_sub(self.now)
        }
    }

    /// How long the queue was at each moment, and how much went through, once a window had the time to settle.
    fn settled(bytes_per_second: f64, delay: Duration) -> (Vec<Duration>, f64, Window) {
        let mut path = Path::new(bytes_per_second, delay);
        let (mut queues, mut carried) = (Vec::new(), 0.0);
        for number in 0..40_000 {
            carried += path.step(Duration::ZERO) as f64;
            if number > 2_000 {
                queues.push(path.queue());
            }
        }
        (queues, carried / path.now.as_secs_f64(), path.window)
    }

    #[test]
    fn a_narrow_path_is_kept_busy_without_a_queue() {
        for path in [2 * MS, 40 * MS, 150 * MS] {
            let (mut queues, rate, window) = settled(2.5e6, path);
            queues.sort();
            let usual = queues[queues.len() / 2];
            assert!(usual < 15 * MS, "{path:?}: {usual:?} in the queue, {window:?}");
            assert!(rate > 2.5e6 * 0.9, "{path:?}: {rate} bytes a second, {window:?}");
        }
    }

    #[test]
    fn a_wide_path_is_used() {
        let (_, rate, window) = settled(100e6, 20 * MS);
        assert!(rate > 80e6, "{rate}, {window:?}");
    }

    /// Up to 13 ms of it on a path of 10 MB/s, in the first twenty seconds: 4.1 MB/s on average, and 3.3 in the worst case.
    #[test]
    fn jitter_does_not_strangle_the_window() {
        let carried = |seed: u64| {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (mut path, mut carried) = (Path::new(10e6, 20 * MS), 0);
            while path.now < 20_000 * MS {
                // Knuth's MMIX generator; its high bits are the good ones.
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                carried += path.step(Duration::from_micros((random >> 33) % 13_000));
            }
            carried as f64 / 20.0
        };
        let rates: Vec<f64> = (1..=20).map(carried).collect();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        assert!(mean > 3.5e6 && rates.iter().all(|rate| *rate > 2.5e6), "{mean}: {rates:?}");
    }

    #[test]
    fn the_first_window_of_a_very_narrow_path_is_not_the_last_word() {
        for keystrokes in [0, 100] {
            let mut path = Path::new(50e3, 5 * MS);
            for number in 0..keystrokes {
                path.window.measured(10 * MS, 100, Filled::No, 50 * MS * number);
            }
            while path.now < 8000 * MS {
                path.step(Duration::ZERO);
                assert!(path.window.bytes() <= 2 * FIRST_WINDOW_BYTES, "{:?}", path.window);
            }
            assert!(path.queue() < 300 * MS, "{:?}: {:?}", path.queue(), path.window);
        }
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
