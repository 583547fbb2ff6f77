//! The network between one guest and the agent: whole messages both ways, late, never out of order, until it breaks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use parking_lot::Mutex;
use parlor::transport::{Transport, TransportError};

use super::plan::{Damage, Way};
use super::random::Random;

/// Messages that the agent's side takes before it waits for the network: what a system buffers for one socket.
const SEND_BUFFER_MESSAGES: usize = 4;

/// Messages under way in one direction; more wait where they come from.
const UNDER_WAY: usize = 12;

/// What the guest's first byte says of a sealed message.
const SEALED: u8 = 3;

/// What the agent sees of a connection.
#[derive(Debug, Default)]
struct Socket {
    arrived: VecDeque<Bytes>,
    to_send: VecDeque<Bytes>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The agent was told that the connection is gone.
    closed: bool,
    /// The agent closed its side.
    given_up: bool,
}

#[derive(Debug)]
struct Incoming(Arc<Mutex<Socket>>);

#[derive(Debug)]
struct Outgoing(Arc<Mutex<Socket>>);

impl Stream for Incoming {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut socket = self.0.lock();
        if let Some(message) = socket.arrived.pop_front() {
            return Poll::Ready(Some(Ok(message)));
        }
        if socket.closed {
            return Poll::Ready(None);
        }
        socket.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Sink<Bytes> for Outgoing {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut socket = self.0.lock();
        if socket.closed {
            return Poll::Ready(Err(TransportError::Gone));
        }
        if socket.to_send.len() < SEND_BUFFER_MESSAGES {
            return Poll::Ready(Ok(()));
        }
        socket.writer = Some(context.waker().clone());
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, message: Bytes) -> Result<(), TransportError> {
        self.0.lock().to_send.push_back(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(if self.0.lock().closed { Err(TransportError::Gone) } else { Ok(()) })
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.0.lock().given_up = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.0.lock().given_up = true;
    }
}

/// How late messages are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lateness {
    pub(crate) latency: u32,
    pub(crate) jitter: u32,
}

/// One connection, as the simulation holds it.
#[derive(Debug)]
pub(crate) struct Line {
    socket: Arc<Mutex<Socket>>,
    to_host: VecDeque<(Duration, Bytes)>,
    to_guest: VecDeque<(Duration, Bytes)>,
    lateness: Lateness,
    random: Random,
    /// What happens to the next sealed message of a direction.
    waiting: Vec<(Way, Damage)>,
    /// What happened to messages since the last look.
    pub(crate) damaged: Vec<Damage>,
    /// Nothing arrives any more, on either side.
    pub(crate) dead: bool,
}

impl Line {
    /// A connection, and the agent's end of it.
    pub(crate) fn new(lateness: Lateness, random: Random) -> (Self, Transport) {
        let socket = Arc::new(Mutex::new(Socket::default()));
        let transport = Transport::new(Incoming(Arc::clone(&socket)), Outgoing(Arc::clone(&socket)));
        let line = Self {
            socket,
            to_host: VecDeque::new(),
            to_guest: VecDeque::new(),
            lateness,
            random,
            waiting: Vec::new(),
            damaged: Vec::new(),
            dead: false,
        };
        (line, transport)
    }

    fn due(&mut self, way: Way, now: Duration) -> Duration {
        let late = self.lateness.latency + self.random.below(self.lateness.jitter as usize + 1) as u32;
        let due = now + Duration::from_millis(u64::from(late));
        self.queue(way).back().map_or(due, |(before, _)| due.max(*before))
    }

    fn queue(&mut self, way: Way) -> &mut VecDeque<(Duration, Bytes)> {
        match way {
            Way::ToHost => &mut self.to_host,
            Way::ToGuest => &mut self.to_guest,
        }
    }

    /// Whether the guest may send: otherwise what it has to say waits on its lanes.
    pub(crate) fn has_room(&self) -> bool {
        self.to_host.len() < UNDER_WAY
    }

    /// The guest sends.
    pub(crate) fn send(&mut self, message: Vec<u8>, now: Duration) {
        let due = self.due(Way::ToHost, now);
        if !self.dead {
            self.to_host.push_back((due, message.into()));
            self.damage_latest(Way::ToHost);
        }
    }

    /// Takes what the agent sent onto the wire; tells how many messages that were.
    pub(crate) fn collect(&mut self, now: Duration) -> usize {
        let mut collected = 0;
        // A dead line takes nothing: what the agent sends stays in the system's buffer.
        while !self.dead && self.to_guest.len() < UNDER_WAY {
            let due = self.due(Way::ToGuest, now);
            let mut socket = self.socket.lock();
            let Some(message) = socket.to_send.pop_front() else { break };
            let writer = socket.writer.take();
            drop(socket);
            writer.into_iter().for_each(Waker::wake);
            self.to_guest.push_back((due, message));
            self.damage_latest(Way::ToGuest);
            collected += 1;
        }
        collected
    }

    /// When the next message arrives in a direction.
    pub(crate) fn next_due(&self, way: Way) -> Option<Duration> {
        let queue = match way {
            Way::ToHost => &self.to_host,
            Way::ToGuest => &self.to_guest,
        };
        queue.front().map(|(due, _)| *due)
    }

    /// The next message for the guest, whatever its time.
    pub(crate) fn take_for_guest(&mut self) -> Option<Bytes> {
        self.to_guest.pop_front().map(|(_, message)| message)
    }

    /// Hands the agent its next message, whatever its time.
    pub(crate) fn deliver_to_host(&mut self) -> Option<Bytes> {
        let (_, message) = self.to_host.pop_front()?;
        let mut socket = self.socket.lock();
        socket.arrived.push_back(message.clone());
        let reader = socket.reader.take();
        drop(socket);
        reader.into_iter().for_each(Waker::wake);
        Some(message)
    }

    /// Whether everything that the agent said before it closed has arrived.
    pub(crate) fn is_over_for_guest(&self) -> bool {
        let socket = self.socket.lock();
        socket.given_up && socket.to_send.is_empty() && self.to_guest.is_empty() && !self.dead
    }

    /// Whether the agent is done with it.
    pub(crate) fn is_given_up(&self) -> bool {
        self.socket.lock().given_up
    }

    /// What was to be spoiled is not.
    pub(crate) fn calm(&mut self) {
        self.waiting.clear();
    }

    /// Nothing arrives from here on; nobody is told.
    pub(crate) fn die(&mut self) {
        self.dead = true;
        self.to_host.clear();
        self.to_guest.clear();
    }

    /// Tells the agent that the connection is gone.
    pub(crate) fn close_for_host(&mut self) {
        self.die();
        let mut socket = self.socket.lock();
        socket.closed = true;
        let wakers = [socket.reader.take(), socket.writer.take()];
        drop(socket);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Spoils a sealed message under way, or else the next one. Those before the seal are not touched: whoever can write
    /// into a connection that is not sealed yet can end it for good, which is no accident of networks.
    pub(crate) fn damage(&mut self, way: Way, message: usize, damage: Damage) {
        if !self.try_damage(way, message, damage) {
            self.waiting.push((way, damage));
        }
    }

    fn damage_latest(&mut self, way: Way) {
        let latest = self.queue(way).len() - 1;
        let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == way) else { return };
        if self.try_damage(way, latest, self.waiting[at].1) {
            self.waiting.remove(at);
        }
    }

    fn try_damage(&mut self, way: Way, message: usize, damage: Damage) -> bool {
        let queue = self.queue(way);
        let Some((due, bytes)) = queue.get(message).cloned() else { return false };
        if bytes.first() != Some(&SEALED) {
            return false;
        }
        match damage {
            Damage::Duplicate => queue.insert(message, (due, bytes)),
            Damage::Lose => drop(queue.remove(message)),
            Damage::Flip(byte) => {
                let mut flipped = bytes.to_vec();
                let at = flipped.len() - 1 - usize::from(byte) % flipped.len();
                flipped[at] ^= 1 << (byte % 8);
                queue[message].1 = flipped.into();
            }
            Damage::Truncate(bytes_less) => {
                let keep = bytes.len() - usize::from(bytes_less).min(bytes.len());
                queue[message].1 = bytes.slice(..keep);
            }
        }
        self.damaged.push(damage);
        true
    }
}
