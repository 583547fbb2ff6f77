//! The door: how many strangers may stand in the handshake at once. The one who has stood there longest gives way.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_shared::fault::FaultCode;
use parlor_shared::limits::MAX_PENDING_HANDSHAKES;
use tokio_util::sync::CancellationToken;

/// Counts handshakes under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Door(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    last: u64,
    closed: bool,
    waiting: VecDeque<(u64, CancellationToken)>,
}

/// One handshake under way; dropped when it is over.
#[derive(Debug)]
pub(super) struct AtDoor {
    /// Cancelled when a newcomer took the place, or the door was closed.
    pub(super) pushed_out: CancellationToken,
    number: u64,
    door: Door,
}

impl Door {
    /// A handshake begins.
    pub(super) fn enter(&self) -> AtDoor {
        let mut pending = self.0.lock();
        if pending.waiting.len() >= MAX_PENDING_HANDSHAKES
            && let Some((_, oldest)) = pending.waiting.pop_front()
        {
            oldest.cancel();
        }
        pending.last += 1;
        let pushed_out = CancellationToken::new();
        if pending.closed {
            pushed_out.cancel();
        }
        let number = pending.last;
        pending.waiting.push_back((number, pushed_out.clone()));
        AtDoor { pushed_out, number, door: self.clone() }
    }

    /// Nobody comes in any more: whoever stands here is sent away.
    pub(super) fn close(&self) {
        let mut pending = self.0.lock();
        pending.closed = true;
        pending.waiting.iter().for_each(|(_, standing)| standing.cancel());
    }

    /// Why somebody was pushed out.
    pub(super) fn reason(&self) -> FaultCode {
        if self.0.lock().closed { FaultCode::SessionEnded } else { FaultCode::TooManyConnections }
    }
}

impl Drop for AtDoor {
    fn drop(&mut self) {
        self.door.0.lock().waiting.retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way_and_whoever_is_done_makes_room() {
        let door = Door::default();
        let mut standing: Vec<AtDoor> = (0..MAX_PENDING_HANDSHAKES).map(|_| door.enter()).collect();
        assert!(standing.iter().all(|one| !one.pushed_out.is_cancelled()));
        standing.pop();
        standing.push(door.enter());
        assert!(!standing[0].pushed_out.is_cancelled(), "there was room");
        standing.push(door.enter());
        assert!(standing[0].pushed_out.is_cancelled());
        assert!(!standing[1].pushed_out.is_cancelled());
    }
}
