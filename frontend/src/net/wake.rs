//! The page's clock, and alarms on it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use gloo_timers::callback::Timeout;

/// The time since the page began; never runs backwards.
pub(crate) fn now() -> Duration {
    let clock = web_sys::window().and_then(|window| window.performance());
    Duration::from_secs_f64(clock.map_or(0.0, |clock| clock.now().max(0.0)) / 1000.0)
}

/// Browsers take longer waits as none.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// An alarm that is set again and again.
#[derive(Default)]
pub(super) struct Timer {
    timeout: RefCell<Option<Timeout>>,
    at: Cell<Option<Duration>>,
}

impl Timer {
    /// Runs `action` at this time of [`now`].
    ///
    /// An alarm that comes earlier stays instead: each timer has one action, which sets the next alarm by itself, and
    /// typing would otherwise set a new one with every key.
    pub(super) fn set(&self, at: Duration, action: impl FnOnce() + 'static) {
        let at = Duration::from_millis(at.as_millis() as u64 + 1);
        if self.at.get().is_some_and(|pending| now() < pending && pending <= at) {
            return;
        }
        let wait = at.saturating_sub(now()).min(LONGEST_WAIT);
        self.at.set(Some(at));
        *self.timeout.borrow_mut() = Some(Timeout::new(wait.as_millis() as u32, action));
    }

    /// Forgets the alarm.
    pub(super) fn clear(&self) {
        self.at.set(None);
        self.timeout.borrow_mut().take();
    }
}
