//! How many bytes may be under way: as many as keep the path busy, and few enough that no queue builds up in it.
//!
//! Whatever a sender puts on a path beyond what the path holds waits in somebody's queue, and with it every keystroke. The
//! queue shows as delay: a round trip takes longer than the shortest one. So the window grows while round trips stay
//! short and shrinks when all of the last few were long: one long round trip alone is jitter, and many that end at one moment
//! are a stall. Only those count that were measured of
//! late while more waited: what a few keystrokes took says nothing about a flood. And it grows only if it held something back.
//! In a flood without an end the shortest round trip would come to hold a queue of ours; so from time to time
//! a quarter of the window is left unused until the queue is gone. ADR 8 has what all this is worth.

use std::time::Duration;

use crate::limits::{FIRST_WINDOW_BYTES, LARGEST_WINDOW_BYTES, MAX_FRAME_BYTES, SMALLEST_WINDOW_BYTES};

/// The window grows while the path delays us by less than this.
const SHORT_DELAY: Duration = Duration::from_millis(4);

/// The window shrinks while the path delays us by more than this.
const LONG_DELAY: Duration = Duration::from_millis(8);

/// So many round trips in a row have to be long before the window shrinks, if there were so many of late.
const RECENT: usize = 16;

/// So many as long as the window doubles: on a narrow path the first window alone is a queue, and each round trip that is
/// still taken for short adds to it.
const RECENT_AT_START: usize = 4;

/// The window grows by this with each round trip: the smallest frame of bulk, 1.6 ms at 20 Mbit/s.
const GROWTH_BYTES: usize = MAX_FRAME_BYTES / 4;

/// How long a round trip counts: on a narrow path the last sixteen take seconds, and the oldest are of an empty queue.
const OF_LATE: Duration = Duration::from_millis(500);

/// With fewer of late the window does not shrink.
const FEWEST: usize = 3;

/// The shortest round trip is forgotten after one to two times as long: the path may have become another one.
const EPOCH: Duration = Duration::from_secs(30);

/// The window of one direction.
#[derive(Debug)]
pub(super) struct Window {
    bytes: usize,
    /// Until the first delay the window doubles with each round trip.
    starting: bool,
    /// Round trips while more waited, and when they were measured.
    recent: [Option<(Duration, Duration)>; RECENT],
    next_recent: usize,
    /// The shortest round trip of this epoch and of the one before.
    shortest: [Option<Duration>; 2],
    epoch_began: Duration,
    /// Whether all round trips of this epoch were under a full window.
    always_full: bool,
    /// Until then three quarters of the window are used.
    drains_until: Option<Duration>,
    /// What was sent before does not shrink it again: it was sent under the larger window.
    shrunk_at: Duration,
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
            always_full: true,
            drains_until: None,
            shrunk_at: Duration::ZERO,
        }
    }
}

impl Window {
    /// Bytes that may be under way.
    pub(super) fn bytes(&self) -> usize {
        if self.drains_until.is_some() { (self.bytes / 4 * 3).max(SMALLEST_WINDOW_BYTES) } else { self.bytes }
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
    /// `load` says what stood behind it.
    pub(super) fn measured(&mut self, round_trip: Duration, acknowledged: usize, load: Load, now: Duration) {
        self.drains_until = self.drains_until.filter(|until| now < *until);
        if now >= self.epoch_began + EPOCH {
            if self.always_full && load == Load::Full {
                // What is under way has to arrive before what is sent from here on shows the path alone.
                self.drains_until = Some(now + 2 * round_trip);
            }
            let last = if now < self.epoch_began + 2 * EPOCH { self.shortest[0] } else { None };
            self.shortest = [None, last];
            self.epoch_began = now;
            self.always_full = true;
        }
        self.always_full &= load == Load::Full;
        self.shortest[0] = Some(self.shortest[0].map_or(round_trip, |shortest| shortest.min(round_trip)));
        if load == Load::Little || self.drains_until.is_some() {
            return;
        }
        self.recent[self.next_recent] = Some((round_trip, now));
        self.next_recent = (self.next_recent + 1) % RECENT;
        let shortest = self.shortest_round_trip().unwrap_or(round_trip);
        let recent = if self.starting { RECENT_AT_START } else { RECENT };
        let standing = self.of_late(now).take(recent).map(|(round_trip, _)| round_trip).min();
        let standing = standing.unwrap_or(round_trip);
        let delay = standing.saturating_sub(shortest);
        if delay > LONG_DELAY {
            // A queue lets its frames out one by one; what a stall held back arrives at one moment.
            let since = self.of_late(now).last().map_or(now, |(_, at)| at);
            let is_queue = self.of_late(now).count() >= FEWEST && now - since >= shortest / 2;
            if is_queue && now >= self.shrunk_at + round_trip {
                // Under a full window a round trip takes as long as the path needs for the window: a long queue goes at once.
                let fits = (shortest + LONG_DELAY).div_duration_f64(standing) * self.bytes as f64;
                self.bytes = (self.bytes - self.bytes / 8).min((fits as usize).max(self.bytes / 4));
                self.starting = false;
                self.shrunk_at = now;
            }
        } else if load == Load::Full && delay < SHORT_DELAY {
            self.bytes += if self.starting { acknowledged } else { GROWTH_BYTES * acknowledged / self.bytes };
        }
        self.bytes = self.bytes.clamp(SMALLEST_WINDOW_BYTES, LARGEST_WINDOW_BYTES);
    }

    /// Round trips while more waited as far as they are of late, newest first.
    fn of_late(&self, now: Duration) -> impl Iterator<Item = (Duration, Duration)> {
        let newest_first = (1..=RECENT).map(|back| self.recent[(self.next_recent + RECENT - back) % RECENT]);
        newest_first.flatten().filter(move |(_, at)| *at + OF_LATE >= now)
    }
}

/// What stood behind a frame when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// Nothing: a round trip then tells of the path alone.
    Little,
    /// More, which the window let through: it may have been too much for the path, but says nothing about a larger window.
    Burst,
    /// More than the window let through.
    Full,
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A path that carries so much, with a queue that holds everything, behind a window that is always used up: frames of
    /// bulk, each acknowledged.
    struct Path {
        bytes_per_second: f64,
        delay: Duration,
        window: Window,
        load: Load,
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
                load: Load::Full,
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
            self.window.measured(self.now - sent, frame, self.load, self.now);
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
    fn a_flood_without_an_end_builds_up_no_queue() {
        let mut path = Path::new(2.5e6, 40 * MS);
        while path.now < 20 * 60_000 * MS {
            path.step(Duration::ZERO);
            assert!(
                path.now < 60_000 * MS || path.queue() < 20 * MS,
                "{:?}: {:?}",
                path.queue(),
                path.window
            );
        }
    }

    #[test]
    fn a_stall_is_no_queue() {
        let mut path = Path::new(100e6, 30 * MS);
        while path.now < 2000 * MS {
            path.step(Duration::ZERO);
        }
        let before = path.window.bytes();
        assert!(before > 1_000_000, "{:?}", path.window);
        // Nothing moves for a while; then everything that is under way arrives.
        path.now += 600 * MS;
        while path.now < 3000 * MS {
            path.step(Duration::ZERO);
            assert!(path.window.bytes() >= before / 2, "{:?}", path.window);
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
                path.window.measured(10 * MS, 100, Load::Little, 50 * MS * number);
            }
            while path.now < 8000 * MS {
                path.step(Duration::ZERO);
                assert!(path.window.bytes() <= 2 * FIRST_WINDOW_BYTES, "{:?}", path.window);
                assert!(
                    path.now < 3000 * MS || path.queue() < 400 * MS,
                    "{:?}: {:?}",
                    path.queue(),
                    path.window
                );
            }
        }
    }

    #[test]
    fn bursts_that_are_too_much_for_the_path_shrink_it_and_those_that_are_not_leave_it() {
        let after_bursts = |bytes_per_second: f64| {
            let mut path = Path { load: Load::Burst, ..Path::new(bytes_per_second, 5 * MS) };
            while path.now < 8000 * MS {
                path.step(Duration::ZERO);
            }
            path
        };
        let narrow = after_bursts(50e3);
        assert!(narrow.queue() < 300 * MS, "{:?}: {:?}", narrow.queue(), narrow.window);
        assert_eq!(after_bursts(100e6).window.bytes(), FIRST_WINDOW_BYTES);
    }

    #[test]
    fn a_sender_with_little_to_say_does_not_widen_it() {
        let mut window = Window::default();
        for number in 0..1000 {
            window.measured(10 * MS, 100, Load::Little, MS * number);
        }
        assert_eq!(window.bytes(), FIRST_WINDOW_BYTES);
    }
}
