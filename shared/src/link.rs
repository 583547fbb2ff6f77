//! The link: messages to numbered frames and back, surviving the transports that carry them.
//!
//! A frame is `kind u8 ‖ sequence varint ‖ acknowledged varint ‖ records`, a record `lane and flag u8 ‖ length varint ‖
//! bytes`. Small messages share a frame; long ones span several. Frames with records are numbered from 1 in each
//! direction; the other kinds carry the number of the last one. The acknowledged number is the last frame received.
//! Frames come in order or not at all: the seal under the link refuses a gap, a repetition and a swap, and the link
//! checks its own numbers once more.
//!
//! A frame is kept until the peer acknowledges it. When the transport breaks, both ends keep their link; over a new one, after a
//! new handshake, each says what it received and the other sends the rest again: see [`Link::resume`]. What is under way is
//! bounded by a window, so that what is urgent never waits behind a queue in the network, and nobody keeps more than that.
//!
//! Safety: a frame's records leave the link exactly once and in order, whatever becomes of transports. Liveness: while a
//! transport lives, everything that waits is sent; one that is dead is noticed by a probe without an answer.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::fault::{Fault, FaultCode};
use crate::lane::{Lane, Lanes};
use crate::limits::{
    ACKNOWLEDGE_AFTER_BYTES, BULK_FRAME_BYTES, DEAD_PEER_TIMEOUT, HEARTBEAT_INTERVAL, PROBE_AFTER,
    PROBE_TIMEOUT, URGENT_BYTES,
};

mod window;

use window::{Load, Window};

/// Set in a record's first byte when the message goes on in the lane's next record.
const MORE: u8 = 0x80;

/// The longest header of a frame (kind, two varints of up to ten bytes) and of a record (lane, three bytes of length).
const FRAME_HEADER_BYTES: usize = 21;
const RECORD_HEADER_BYTES: usize = 4;

/// A record is begun only if so much of the frame is left: a piece of a few bytes costs more than it carries.
const SMALLEST_PIECE_BYTES: usize = 256;

/// Why a frame was refused. The connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not built like a frame.
    #[error("a frame is malformed")]
    Malformed,
    /// Not the frame that comes next.
    #[error("a frame came out of order")]
    OutOfOrder,
    /// It acknowledges a frame that was never sent, or takes an acknowledgement back.
    #[error("a frame acknowledges what was not sent")]
    NeverSent,
    /// A message grew beyond what its lane allows.
    #[error("a message is too large for its lane")]
    TooLarge(Lane),
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Malformed => FaultCode::Malformed.into(),
            LinkError::OutOfOrder | LinkError::NeverSent => FaultCode::BrokenSeal.into(),
            LinkError::TooLarge(lane) => {
                Self::new(FaultCode::TooLarge).with(format_args!("{lane:?}")).with(lane.max_message_bytes())
            }
        }
    }
}

/// What a frame is. Numbers are append-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has records and a number of its own.
    Records = 0,
    /// It acknowledges, or is a heartbeat.
    Acknowledgement = 1,
    /// It wants an answer at once.
    Probe = 2,
    /// The answer.
    Answer = 3,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Records, Self::Acknowledgement, Self::Probe, Self::Answer];
}

/// The first thing a host says on a new transport: whether the guest's link goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Both begin with new links.
    Afresh,
    /// Both go on with the links that they have.
    Resumed {
        /// The last frame that the host has received of the guest.
        received: u64,
    },
}

impl Opening {
    /// Its bytes: a flag, then the number as a varint.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Afresh => vec![0],
            Self::Resumed { received } => {
                let mut bytes = vec![1];
                put_varint(&mut bytes, received);
                bytes
            }
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`LinkError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, LinkError> {
        let (flag, mut rest) = bytes.split_first().ok_or(LinkError::Malformed)?;
        let opening = match flag {
            0 => Self::Afresh,
            1 => Self::Resumed { received: take_varint(&mut rest)? },
            _ => return Err(LinkError::Malformed),
        };
        if rest.is_empty() { Ok(opening) } else { Err(LinkError::Malformed) }
    }
}

/// A frame that the peer has not acknowledged.
#[derive(Debug)]
struct Kept {
    records: Bytes,
    /// Its length on the transport, as the receiver counts it.
    frame_bytes: usize,
    sent_at: Duration,
    /// What stood behind it when it was sent.
    load: Load,
}

/// One end of a link. Times are those of any monotonic clock.
#[derive(Debug)]
pub struct Link {
    // Sending.
    sent: u64,
    acknowledged_by_peer: u64,
    /// Frames after `acknowledged_by_peer`, in order.
    kept: VecDeque<Kept>,
    /// How many of them were handed to the present transport; the others wait to be sent again.
    under_way: usize,
    under_way_bytes: usize,
    window: Window,
    /// The frame that makes the peer acknowledge at once, because so much came since its last acknowledgement.
    prompt: Option<u64>,
    prompt_bytes: usize,
    /// Something waited that the window did not let through; it goes when less than this is under way.
    held_back: Option<usize>,
    /// The last frame that was sent before the window held something back, over the present transport.
    filled_by: u64,
    last_sent: Duration,
    probe: Probe,
    // Receiving.
    received: u64,
    unacknowledged_bytes: usize,
    owes_answer: bool,
    last_received: Duration,
    /// What arrived so far of a message in pieces, by lane.
    partial: [BytesMut; Lane::ALL.len()],
    complete: VecDeque<(Lane, Bytes)>,
    unknown_lane: Option<u8>,
}

/// Where the question stands whether the peer is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    NotNeeded,
    Wanted,
    Sent(Duration),
}

impl Link {
    /// A link on a transport that opened at this moment.
    pub fn new(now: Duration) -> Self {
        Self {
            sent: 0,
            acknowledged_by_peer: 0,
            kept: VecDeque::new(),
            under_way: 0,
            under_way_bytes: 0,
            window: Window::default(),
            prompt: None,
            prompt_bytes: 0,
            held_back: None,
            filled_by: 0,
            last_sent: now,
            probe: Probe::NotNeeded,
            received: 0,
            unacknowledged_bytes: 0,
            owes_answer: false,
            last_received: now,
            partial: Default::default(),
            complete: VecDeque::new(),
            unknown_lane: None,
        }
    }

    // Transports.

    /// The last frame received: what the peer must not send again.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Goes on over a new transport, to a peer that received frames up to this one on the earlier ones.
    ///
    /// # Errors
    /// [`LinkError::NeverSent`] if the peer does not mean this link: begin afresh.
    pub fn resume(&mut self, received_by_peer: u64, now: Duration) -> Result<(), LinkError> {
        self.confirm(received_by_peer)?;
        self.under_way = 0;
        self.under_way_bytes = 0;
        // Another path, with another delay.
        self.window = Window::default();
        (self.prompt, self.prompt_bytes) = (None, 0);
        self.filled_by = 0;
        self.probe = Probe::NotNeeded;
        self.owes_answer = false;
        // The handshake told the peer what we have.
        self.unacknowledged_bytes = 0;
        (self.last_sent, self.last_received) = (now, now);
        Ok(())
    }

    // Sending.

    /// The next frame to send, if there is something to say and the window lets it through.
    pub fn next_frame(&mut self, lanes: &mut Lanes, now: Duration) -> Option<Vec<u8>> {
        if std::mem::take(&mut self.owes_answer) {
            return Some(self.bare(Kind::Answer, now));
        }
        if self.under_way < self.kept.len() {
            if let Some(frame) = self.again(now) {
                return Some(frame);
            }
        } else if let Some(frame) = self.records(lanes, now) {
            return Some(frame);
        }
        if self.probe == Probe::Wanted || self.probe_due().is_some_and(|due| now >= due) {
            self.probe = Probe::Sent(now);
            return Some(self.bare(Kind::Probe, now));
        }
        if self.owes_acknowledgement() || now >= self.last_sent + HEARTBEAT_INTERVAL {
            return Some(self.bare(Kind::Acknowledgement, now));
        }
        None
    }

    /// A frame that was sent over an earlier transport, for the present one.
    fn again(&mut self, now: Duration) -> Option<Vec<u8>> {
        let window = self.window.bytes();
        self.held_back = (self.under_way_bytes >= window).then_some(window);
        if self.held_back.is_some() {
            self.filled_by = self.sent_on_transport();
            return None;
        }
        let sequence = self.acknowledged_by_peer + 1 + self.under_way as u64;
        let records = self.kept[self.under_way].records.clone();
        let mut frame = self.header(Kind::Records, sequence, now);
        frame.extend_from_slice(&records);
        self.goes_out(sequence, frame.len(), Load::Little, now);
        Some(frame)
    }

    fn records(&mut self, lanes: &mut Lanes, now: Duration) -> Option<Vec<u8>> {
        let (under_way, window) = (self.under_way_bytes, self.window.bytes());
        let open = under_way < window;
        let limit = if lanes.has_urgent() { window + URGENT_BYTES } else { window };
        self.held_back = (!open && !lanes.is_empty()).then_some(limit);
        if self.held_back.is_some() {
            self.filled_by = self.sent;
        }
        if lanes.is_empty() || under_way >= limit {
            return None;
        }
        let mut frame = self.header(Kind::Records, self.sent + 1, now);
        let header = frame.len();
        debug_assert!(header <= FRAME_HEADER_BYTES);
        // Sent again, the same records may stand behind the longest header.
        let limit = self.window.frame_bytes() - (FRAME_HEADER_BYTES - header);
        while limit - frame.len() >= SMALLEST_PIECE_BYTES {
            let room = limit - frame.len() - RECORD_HEADER_BYTES;
            let record = if open { lanes.pop(room) } else { lanes.pop_urgent(room) };
            let Some(record) = record else { break };
            frame.push(record.lane as u8 | if record.more { MORE } else { 0 });
            put_varint(&mut frame, record.bytes.len() as u64);
            frame.extend_from_slice(&record.bytes);
        }
        self.sent += 1;
        let records = Bytes::copy_from_slice(&frame[header..]);
        let load = if lanes.is_empty() { Load::Little } else { Load::Burst };
        self.kept.push_back(Kept { records, frame_bytes: 0, sent_at: now, load });
        self.goes_out(self.sent, frame.len(), load, now);
        Some(frame)
    }

    /// Counts the first kept frame that is not under way as under way.
    fn goes_out(&mut self, sequence: u64, frame_bytes: usize, load: Load, now: Duration) {
        let kept = &mut self.kept[self.under_way];
        (kept.frame_bytes, kept.sent_at, kept.load) = (frame_bytes, now, load);
        self.under_way += 1;
        self.under_way_bytes += frame_bytes;
        self.expect_prompt(sequence, frame_bytes);
    }

    fn bare(&mut self, kind: Kind, now: Duration) -> Vec<u8> {
        self.header(kind, self.sent_on_transport(), now)
    }

    /// The last frame that this transport carried, or an earlier one of which the peer told us that it has it.
    const fn sent_on_transport(&self) -> u64 {
        self.acknowledged_by_peer + self.under_way as u64
    }

    /// Every frame acknowledges what came.
    fn header(&mut self, kind: Kind, sequence: u64, now: Duration) -> Vec<u8> {
        self.unacknowledged_bytes = 0;
        self.last_sent = now;
        let mut frame = Vec::with_capacity(256);
        frame.push(kind as u8);
        put_varint(&mut frame, sequence);
        put_varint(&mut frame, self.received);
        frame
    }

    // Receiving.

    /// Takes in a frame; [`Link::next_message`] then gives the messages it completed.
    ///
    /// # Errors
    /// The peer breaks the rules, or something between us does: end the connection.
    pub fn receive(&mut self, frame: &[u8], now: Duration) -> Result<(), LinkError> {
        let (&kind, mut rest) = frame.split_first().ok_or(LinkError::Malformed)?;
        let kind = Kind::ALL.get(usize::from(kind)).copied().ok_or(LinkError::Malformed)?;
        let sequence = take_varint(&mut rest)?;
        let acknowledged = take_varint(&mut rest)?;
        if sequence != self.received + u64::from(kind == Kind::Records) {
            return Err(LinkError::OutOfOrder);
        }
        if kind != Kind::Records && !rest.is_empty() {
            return Err(LinkError::Malformed);
        }
        self.measure(acknowledged, now);
        self.confirm(acknowledged)?;
        self.last_received = now;
        match kind {
            Kind::Records => {
                self.received = sequence;
                self.unacknowledged_bytes += acknowledgement_weight(frame.len());
                self.take_records(rest)
            }
            Kind::Probe => {
                self.owes_answer = true;
                Ok(())
            }
            Kind::Answer => {
                self.probe = Probe::NotNeeded;
                Ok(())
            }
            Kind::Acknowledgement => Ok(()),
        }
    }

    fn take_records(&mut self, mut rest: &[u8]) -> Result<(), LinkError> {
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            let length = usize::try_from(take_varint(&mut rest)?).map_err(|_| LinkError::Malformed)?;
            let (piece, after) = rest.split_at_checked(length).ok_or(LinkError::Malformed)?;
            rest = after;
            let Some(lane) = Lane::from_number(first & !MORE) else {
                // Lanes are only ever appended: a newer peer says something that this build can not know.
                self.unknown_lane = Some(first & !MORE);
                continue;
            };
            let partial = &mut self.partial[lane as usize];
            if partial.len() + piece.len() > lane.max_message_bytes() {
                return Err(LinkError::TooLarge(lane));
            }
            partial.extend_from_slice(piece);
            if first & MORE == 0 {
                self.complete.push_back((lane, partial.split().freeze()));
            }
        }
        Ok(())
    }

    /// The peer has everything up to this frame.
    fn confirm(&mut self, sequence: u64) -> Result<(), LinkError> {
        if sequence > self.sent || sequence < self.acknowledged_by_peer {
            return Err(LinkError::NeverSent);
        }
        while self.acknowledged_by_peer < sequence {
            self.acknowledged_by_peer += 1;
            let kept = self.kept.pop_front().expect("every frame that was not acknowledged is kept");
            if self.under_way > 0 {
                self.under_way -= 1;
                self.under_way_bytes -= kept.frame_bytes;
            }
        }
        Ok(())
    }

    // The window.

    /// The frame that makes the peer acknowledge is answered without delay, and so is one that arrived behind it before the
    /// peer came to answer: they tell how long a round trip takes.
    fn expect_prompt(&mut self, sequence: u64, frame_bytes: usize) {
        if self.prompt.is_none() {
            self.prompt_bytes += acknowledgement_weight(frame_bytes);
            if self.prompt_bytes >= ACKNOWLEDGE_AFTER_BYTES {
                self.prompt = Some(sequence);
            }
        }
    }

    fn measure(&mut self, acknowledged: u64, now: Duration) {
        if acknowledged <= self.acknowledged_by_peer || acknowledged > self.sent_on_transport() {
            return;
        }
        let count = (acknowledged - self.acknowledged_by_peer) as usize;
        if self.prompt.is_some_and(|prompt| prompt <= acknowledged) {
            let bytes = self.kept.range(..count).map(|kept| kept.frame_bytes).sum();
            let Kept { sent_at, load, .. } = self.kept[count - 1];
            let load = if acknowledged <= self.filled_by { Load::Full } else { load };
            self.window.measured(now.saturating_sub(sent_at), bytes, load, now);
        }
        // From here the peer counts anew.
        (self.prompt, self.prompt_bytes) = (None, 0);
        for index in count..self.under_way {
            let frame_bytes = self.kept[index].frame_bytes;
            self.expect_prompt(self.acknowledged_by_peer + 1 + index as u64, frame_bytes);
            if self.prompt.is_some() {
                break;
            }
        }
    }

    // Time.

    /// Asks the peer whether it is still there; if it does not answer in time, [`Link::is_dead`] says so. For moments at
    /// which a transport is often dead without knowing: after a sleep, or when the network is another one.
    pub fn probe(&mut self) {
        if self.probe == Probe::NotNeeded {
            self.probe = Probe::Wanted;
        }
    }

    /// Whether the peer has been silent too long for the transport to be alive.
    pub fn is_dead(&self, now: Duration) -> bool {
        now >= self.dead_at()
    }

    /// When [`Link::next_frame`] and [`Link::is_dead`] want to be asked next, if nothing else happens.
    pub fn next_wake(&self) -> Duration {
        let heartbeat = self.last_sent + HEARTBEAT_INTERVAL;
        let probe = self.probe_due().unwrap_or(heartbeat);
        self.dead_at().min(heartbeat).min(probe)
    }

    fn dead_at(&self) -> Duration {
        let silent = self.last_received + DEAD_PEER_TIMEOUT;
        match self.probe {
            // Whatever came after the probe shows that the peer lives; the answer stands in a queue.
            Probe::Sent(at) => silent.min(at.max(self.last_received) + PROBE_TIMEOUT),
            Probe::NotNeeded | Probe::Wanted => silent,
        }
    }

    /// What was sent long ago and is not acknowledged: the peer may owe an acknowledgement only when more comes, or be gone.
    fn probe_due(&self) -> Option<Duration> {
        match (self.probe, self.kept.front()) {
            (Probe::NotNeeded, Some(kept)) if self.under_way > 0 => {
                Some(kept.sent_at.max(self.last_received) + PROBE_AFTER)
            }
            _ => None,
        }
    }

    /// The next complete message, in the order in which they were completed.
    pub fn next_message(&mut self) -> Option<(Lane, Bytes)> {
        self.complete.pop_front()
    }

    /// The number of a newer peer's lane on which something came since the last call. What came is passed over.
    pub const fn take_unknown_lane(&mut self) -> Option<u8> {
        self.unknown_lane.take()
    }

    /// Whether enough came in that the peer should hear of it without waiting for something else to be said.
    pub const fn owes_acknowledgement(&self) -> bool {
        self.unacknowledged_bytes >= ACKNOWLEDGE_AFTER_BYTES || self.owes_answer
    }

    /// Whether what was taken in lets something out that is in no lane, or was held back: ask [`Link::next_frame`].
    pub fn may_send(&self) -> bool {
        self.owes_acknowledgement() || self.held_back.is_some_and(|limit| self.under_way_bytes < limit)
    }

    /// Whether so little is under way that what is sent now arrives soon.
    ///
    /// Liveness: so is what the peer may have without a reason to acknowledge it; nothing else would tell of its arrival.
    pub fn is_prompt(&self) -> bool {
        self.under_way_bytes <= (self.window.bytes() / 2).max(ACKNOWLEDGE_AFTER_BYTES)
    }

    /// Frames sent and frames of those that the peer has confirmed.
    pub const fn sent_and_acknowledged(&self) -> (u64, u64) {
        (self.sent, self.acknowledged_by_peer)
    }

    /// The shortest round trip of late, if one was measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.window.shortest_round_trip()
    }
}

/// What a frame counts towards [`ACKNOWLEDGE_AFTER_BYTES`]. Both ends count the same.
const fn acknowledgement_weight(frame_bytes: usize) -> usize {
    if frame_bytes >= BULK_FRAME_BYTES { ACKNOWLEDGE_AFTER_BYTES } else { frame_bytes }
}

fn put_varint(output: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        output.push(value as u8 | 0x80);
        value >>= 7;
    }
    output.push(value as u8);
}

fn take_varint(input: &mut &[u8]) -> Result<u64, LinkError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(LinkError::Malformed)?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(LinkError::Malformed);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(LinkError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{FIRST_WINDOW_BYTES, MAX_FRAME_BYTES, SMALLEST_WINDOW_BYTES};

    const NOW: Duration = Duration::from_secs(1);

    fn link() -> Link {
        Link::new(NOW)
    }

    fn bulk(length: usize) -> Lanes {
        let mut lanes = Lanes::default();
        lanes.push_workspace(Bytes::from(vec![7; length])).unwrap();
        lanes
    }

    fn send(from: &mut Link, lanes: &mut Lanes, to: &mut Link) -> Vec<(Lane, Bytes)> {
        while let Some(frame) = from.next_frame(lanes, NOW) {
            assert!(frame.len() <= MAX_FRAME_BYTES);
            to.receive(&frame, NOW).unwrap();
            while let Some(frame) = to.next_frame(&mut Lanes::default(), NOW) {
                from.receive(&frame, NOW).unwrap();
            }
        }
        std::iter::from_fn(|| to.next_message()).collect()
    }

    #[test]
    fn small_messages_share_a_frame_and_long_ones_span_several() {
        let (mut one, mut other, mut lanes) = (link(), link(), Lanes::default());
        for text in ["a", "b", "c"] {
            lanes.push_control(Bytes::from(text)).unwrap();
        }
        let frame = one.next_frame(&mut lanes, NOW).unwrap();
        assert_eq!(frame, [0, 1, 0, 0, 1, b'a', 0, 1, b'b', 0, 1, b'c']);
        other.receive(&frame, NOW).unwrap();
        assert_eq!(std::iter::from_fn(|| other.next_message()).count(), 3);

        let long = Bytes::from(vec![7; 1_000_000]);
        lanes.push_workspace(long.clone()).unwrap();
        assert_eq!(send(&mut one, &mut lanes, &mut other), [(Lane::Workspace, long)]);
        assert_eq!(
            one.sent_and_acknowledged().0,
            1 + 1_000_000_u64.div_ceil(4096 - FRAME_HEADER_BYTES as u64)
        );
    }

    #[test]
    fn the_window_holds_bulk_back_until_it_is_acknowledged_and_lets_what_is_urgent_out() {
        let (mut one, mut other, mut lanes) = (link(), link(), bulk(1_000_000));
        let frames: Vec<_> = std::iter::from_fn(|| one.next_frame(&mut lanes, NOW)).collect();
        let under_way: usize = frames.iter().map(Vec::len).sum();
        assert!(
            (FIRST_WINDOW_BYTES..FIRST_WINDOW_BYTES + MAX_FRAME_BYTES).contains(&under_way),
            "{under_way}"
        );
        lanes.push_control(Bytes::from("now")).unwrap();
        let urgent = one.next_frame(&mut lanes, NOW).expect("what is urgent does not wait");
        assert_eq!(one.next_frame(&mut lanes, NOW), None);
        for frame in frames.iter().chain([&urgent]) {
            other.receive(frame, NOW).unwrap();
        }
        assert_eq!(other.next_message(), Some((Lane::Control, Bytes::from("now"))));
        assert!(other.may_send() && !one.may_send());
        one.receive(&other.next_frame(&mut Lanes::default(), NOW).unwrap(), NOW).unwrap();
        assert!(one.may_send());
        assert!(one.next_frame(&mut lanes, NOW).is_some());
    }

    #[test]
    fn what_is_sent_again_behind_a_longer_header_fits() {
        let (mut one, mut lanes) = (link(), bulk(3_000_000));
        let mut other = link();
        // Until frames are as long as they may be; then the peer is silent about what it has.
        while one.window.frame_bytes() < MAX_FRAME_BYTES {
            for frame in std::iter::from_fn(|| one.next_frame(&mut lanes, NOW)).collect::<Vec<_>>() {
                other.receive(&frame, NOW).unwrap();
                while let Some(frame) = other.next_frame(&mut Lanes::default(), NOW) {
                    one.receive(&frame, NOW).unwrap();
                }
            }
        }
        while one.next_frame(&mut lanes, NOW).is_some() {}
        let (_, acknowledged) = one.sent_and_acknowledged();
        for sequence in 1..=20_000 {
            let mut frame = vec![Kind::Records as u8];
            put_varint(&mut frame, sequence);
            put_varint(&mut frame, acknowledged);
            one.receive(&frame, NOW).unwrap();
        }
        one.resume(acknowledged, NOW).unwrap();
        let again: Vec<_> = std::iter::from_fn(|| one.next_frame(&mut lanes, NOW)).collect();
        let longest = again.iter().map(Vec::len).max().unwrap();
        assert!((MAX_FRAME_BYTES - FRAME_HEADER_BYTES..=MAX_FRAME_BYTES).contains(&longest), "{longest}");
    }

    #[test]
    fn bursts_that_fit_the_window_do_not_widen_it() {
        let (mut one, mut other) = (link(), link());
        let first = one.window.bytes();
        for _ in 0..100 {
            let mut lanes = bulk(20_000);
            send(&mut one, &mut lanes, &mut other);
        }
        assert_eq!(one.window.bytes(), first);
    }

    #[test]
    fn what_is_urgent_is_let_out_as_soon_as_it_may() {
        let (mut one, mut other, mut lanes) = (link(), link(), bulk(1_000_000));
        let mut frames: Vec<_> = std::iter::from_fn(|| one.next_frame(&mut lanes, NOW)).collect();
        // Beyond what may go out beyond the window.
        for _ in 0..200 {
            lanes.push_control(Bytes::from(vec![1; 200])).unwrap();
        }
        frames.extend(std::iter::from_fn(|| one.next_frame(&mut lanes, NOW)));
        assert!(lanes.has_urgent() && !one.may_send());
        other.receive(&frames[0], NOW).unwrap();
        one.receive(&other.next_frame(&mut Lanes::default(), NOW).unwrap(), NOW).unwrap();
        assert!(one.may_send(), "there is room beyond the window again, though none in it");
        assert!(one.next_frame(&mut lanes, NOW).is_some());
    }

    #[test]
    fn what_the_peer_has_without_a_reason_to_say_so_is_no_queue() {
        let (mut one, mut other) = (link(), link());
        // As a path of 50 KB/s leaves it.
        for second in 1..100 {
            let (sent, now) = (Duration::from_secs(second), Duration::from_secs(second));
            for frame in 1..=8_u32 {
                let round_trip = Duration::from_millis(100) * frame;
                one.window.measured(round_trip, 4096, Load::Full, sent + round_trip);
            }
            if one.window.bytes() == SMALLEST_WINDOW_BYTES {
                break;
            }
            assert!(now < Duration::from_secs(90), "{:?}", one.window);
        }
        let mut lanes = Lanes::default();
        while one.under_way_bytes + 500 < ACKNOWLEDGE_AFTER_BYTES {
            lanes.push_control(Bytes::from(vec![1; 400])).unwrap();
            send(&mut one, &mut lanes, &mut other);
        }
        assert!(one.under_way_bytes > one.window.bytes() / 2 && !other.owes_acknowledgement());
        assert!(one.is_prompt());
    }

    #[test]
    fn acknowledgements_are_not_acknowledged() {
        let (mut one, mut other) = (link(), link());
        send(&mut one, &mut bulk(103_000), &mut other);
        let (sent, acknowledged) = one.sent_and_acknowledged();
        assert_eq!((sent, acknowledged), (26, 25), "the last piece is too small to be answered at once");
        assert_eq!(one.next_frame(&mut Lanes::default(), NOW), None);
        assert_eq!(other.next_frame(&mut Lanes::default(), NOW), None);
    }

    #[test]
    fn repeated_skipped_and_boasting_frames_are_refused() {
        let (mut one, mut other, mut lanes) = (link(), link(), Lanes::default());
        let mut frame = || {
            lanes.push_control(Bytes::from("x")).unwrap();
            one.next_frame(&mut lanes, NOW).unwrap()
        };
        let (first, second) = (frame(), frame());
        assert_eq!(other.receive(&second, NOW), Err(LinkError::OutOfOrder));
        other.receive(&first, NOW).unwrap();
        assert_eq!(other.receive(&first, NOW), Err(LinkError::OutOfOrder));
        assert_eq!(other.receive(&[0, 2, 1], NOW), Err(LinkError::NeverSent));
        assert_eq!(other.receive(&[1, 2, 0], NOW), Err(LinkError::OutOfOrder));
        assert_eq!(other.receive(&[1, 1, 0], NOW), Ok(()));
        assert_eq!(other.receive(&second, NOW), Ok(()));
    }

    #[test]
    fn an_acknowledgement_is_never_taken_back() {
        let (mut one, mut lanes) = (link(), Lanes::default());
        for _ in 0..2 {
            lanes.push_control(Bytes::from("x")).unwrap();
            one.next_frame(&mut lanes, NOW).unwrap();
        }
        one.receive(&[1, 0, 2], NOW).unwrap();
        assert_eq!(one.receive(&[1, 0, 1], NOW), Err(LinkError::NeverSent));
    }

    #[test]
    fn garbage_is_refused_and_never_panics() {
        for frame in [
            &[][..],
            &[0],
            &[0, 1],
            &[0, 1, 0, 0],
            &[0, 1, 0, 9, 1],
            &[0, 1, 0, 0, 5, b'x'],
            &[4, 0, 0],
            &[1, 0, 0, 0, 0],
            &[0xff; 30],
        ] {
            assert!(link().receive(frame, NOW).is_err(), "{frame:?}");
        }
        for opening in [&[][..], &[2], &[0, 0], &[1], &[1, 0x80], &[1, 1, 1]] {
            assert!(Opening::decode(opening).is_err(), "{opening:?}");
        }
        for opening in [Opening::Afresh, Opening::Resumed { received: 300 }] {
            assert_eq!(Opening::decode(&opening.encode()), Ok(opening));
        }
    }

    #[test]
    fn a_message_that_never_ends_is_cut_off_at_the_lanes_limit() {
        let mut link = link();
        let mut refused = None;
        for sequence in 1..100_000u64 {
            let mut frame = vec![Kind::Records as u8];
            put_varint(&mut frame, sequence);
            frame.push(0);
            frame.push(Lane::Control as u8 | MORE);
            put_varint(&mut frame, 1000);
            frame.extend([0; 1000]);
            if let Err(error) = link.receive(&frame, NOW) {
                refused = Some((sequence, error));
                break;
            }
        }
        assert_eq!(refused, Some((66, LinkError::TooLarge(Lane::Control))));
    }

    #[test]
    fn what_was_under_way_when_a_transport_broke_is_sent_again_over_the_next() {
        let (mut one, mut other, mut lanes) = (link(), link(), bulk(200_000));
        let frames: Vec<_> = std::iter::from_fn(|| one.next_frame(&mut lanes, NOW)).collect();
        for frame in &frames[..3] {
            other.receive(frame, NOW).unwrap();
        }
        // The rest is lost, and every acknowledgement.
        one.resume(other.received(), NOW).unwrap();
        other.resume(one.received(), NOW).unwrap();
        let whole = send(&mut one, &mut lanes, &mut other);
        assert_eq!(whole, [(Lane::Workspace, Bytes::from(vec![7; 200_000]))]);
        assert_eq!(one.resume(99, NOW), Err(LinkError::NeverSent), "another link is meant");
    }

    #[test]
    fn whatever_breaks_every_message_arrives_once_and_in_order() {
        for seed in 1..200u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut below = |limit: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % limit as u64) as usize
            };
            let mut ends = [(link(), Lanes::default()), (link(), Lanes::default())];
            let mut wires: [VecDeque<Vec<u8>>; 2] = Default::default();
            let (mut said, mut heard) = ([0u32; 2], [0u32; 2]);
            let mut cuts = 0;
            for step in 0..2_000 {
                let now = NOW + Duration::from_millis(step);
                let side = below(2);
                match below(40) {
                    0 => {
                        cuts += 1;
                        wires.iter_mut().for_each(VecDeque::clear);
                        let received = [ends[0].0.received(), ends[1].0.received()];
                        ends[0].0.resume(received[1], now).unwrap();
                        ends[1].0.resume(received[0], now).unwrap();
                    }
                    1..=4 => {
                        let mut message = said[side].to_le_bytes().to_vec();
                        let most = if below(5) == 0 { 60_000 } else { 60 };
                        message.resize(4 + below(most), 0);
                        if ends[side].1.push_workspace(message.into()).is_ok() {
                            said[side] += 1;
                        }
                    }
                    5..=20 => {
                        let (link, lanes) = &mut ends[side];
                        wires[side].extend(link.next_frame(lanes, now));
                    }
                    _ => {
                        let Some(frame) = wires[1 - side].pop_front() else { continue };
                        let link = &mut ends[side].0;
                        link.receive(&frame, now).unwrap();
                        while let Some((_, message)) = link.next_message() {
                            let number = u32::from_le_bytes(message[..4].try_into().unwrap());
                            assert_eq!(number, heard[side], "seed {seed}");
                            heard[side] += 1;
                        }
                    }
                }
            }
            assert!(cuts > 10 && heard[0] + heard[1] > 10, "seed {seed}: {cuts} {heard:?}");
        }
    }

    #[test]
    fn a_peer_that_owes_an_acknowledgement_is_asked_and_a_dead_one_noticed() {
        let (mut one, mut other, mut lanes) = (link(), link(), Lanes::default());
        lanes.push_control(Bytes::from("x")).unwrap();
        other.receive(&one.next_frame(&mut lanes, NOW).unwrap(), NOW).unwrap();
        assert_eq!(one.next_wake(), NOW + PROBE_AFTER);
        let asked = NOW + PROBE_AFTER;
        let probe = one.next_frame(&mut lanes, asked).unwrap();
        assert_eq!(probe[0], Kind::Probe as u8);
        assert!(!one.is_dead(asked + PROBE_TIMEOUT / 2));
        assert!(one.is_dead(asked + PROBE_TIMEOUT));
        other.receive(&probe, asked).unwrap();
        assert!(other.may_send());
        one.receive(&other.next_frame(&mut Lanes::default(), asked).unwrap(), asked).unwrap();
        assert!(!one.is_dead(asked + PROBE_TIMEOUT));
        assert_eq!(one.sent_and_acknowledged(), (1, 1));
        assert_eq!(one.next_wake(), asked + HEARTBEAT_INTERVAL);
    }

    #[test]
    fn silence_is_broken_by_heartbeats_and_ends_the_transport() {
        let (mut one, mut lanes) = (link(), Lanes::default());
        assert_eq!(one.next_frame(&mut lanes, NOW + HEARTBEAT_INTERVAL / 2), None);
        let heartbeat = one.next_frame(&mut lanes, NOW + HEARTBEAT_INTERVAL).unwrap();
        assert_eq!(heartbeat, [Kind::Acknowledgement as u8, 0, 0]);
        assert!(one.is_dead(NOW + DEAD_PEER_TIMEOUT));
        one.probe();
        let now = NOW + HEARTBEAT_INTERVAL;
        assert_eq!(one.next_frame(&mut lanes, now).unwrap()[0], Kind::Probe as u8);
        assert!(one.is_dead(now + PROBE_TIMEOUT));
    }
}
