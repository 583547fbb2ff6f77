//! When to try again: longer after each failure, and never all guests at the same moment.

use std::time::Duration;

/// The first retry comes within this time.
pub const FIRST_RETRY: Duration = Duration::from_millis(250);

/// No retry waits longer than this: a person looks at the page meanwhile.
pub const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// Exponential back-off with full jitter: a hundred guests of a host that came back do not knock in one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait after one more failure: evenly spread from nothing to the cap, which doubles each time from
    /// [`FIRST_RETRY`] to [`LONGEST_RETRY`]. `random` is any 32 bits that are random enough.
    pub fn after_failure(&mut self, random: u32) -> Duration {
        let cap = Self::cap(self.failures);
        self.failures = self.failures.saturating_add(1);
        cap.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// It worked: the next failure is a first one again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last success.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    fn cap(failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures).unwrap_or(u32::MAX);
        FIRST_RETRY.saturating_mul(factor).min(LONGEST_RETRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_doubles_and_then_stays() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..8).map(|_| backoff.after_failure(u32::MAX).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    }

    #[test]
    fn the_wait_is_spread_over_the_whole_span() {
        let wait = |random| Backoff { failures: 20 }.after_failure(random);
        assert_eq!(wait(0), Duration::ZERO);
        assert!(wait(u32::MAX / 2).abs_diff(LONGEST_RETRY / 2) < Duration::from_millis(1));
        assert_eq!(wait(u32::MAX), LONGEST_RETRY);
    }

    #[test]
    fn a_success_starts_afresh_and_a_year_of_failures_does_no_harm() {
        let mut backoff = Backoff { failures: u32::MAX - 1 };
        assert_eq!(backoff.after_failure(u32::MAX), LONGEST_RETRY);
        assert_eq!(backoff.after_failure(u32::MAX), LONGEST_RETRY);
        assert_eq!(backoff.failures(), u32::MAX);
        backoff.reset();
        assert_eq!(backoff.after_failure(u32::MAX), FIRST_RETRY);
    }
}
