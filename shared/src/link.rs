//! The link: messages to numbered frames and back.
//!
//! A frame is `sequence varint ‖ acknowledged varint ‖ records`, a record `lane and flag u8 ‖ length varint ‖ bytes`.
//! Small messages share a frame; long ones span several. Sequence numbers count frames of one direction from 1 and
//! are never used twice; the acknowledged number is the last frame received. Frames come in order or not at all:
//! the seal under the link refuses a gap, a repetition and a swap, and the link checks its own numbers once more.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::fault::{Fault, FaultCode};
use crate::lane::{Lane, Lanes};
use crate::limits::{ACKNOWLEDGE_AFTER_BYTES, MAX_FRAME_BYTES};

/// Set in a record's first byte when the message goes on in the lane's next record.
const MORE: u8 = 0x80;

/// The longest header of a frame (two varints of up to ten bytes) and of a record (lane, three bytes of length).
const FRAME_HEADER_BYTES: usize = 20;
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
    /// It acknowledges a frame that was never sent.
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

/// One end of a link.
#[derive(Debug, Default)]
pub struct Link {
    sent: u64,
    acknowledged_by_peer: u64,
    received: u64,
    acknowledged: u64,
    unacknowledged_bytes: usize,
    /// What arrived so far of a message in pieces, by lane.
    partial: [BytesMut; Lane::ALL.len()],
    complete: VecDeque<(Lane, Bytes)>,
    unknown_lane: Option<u8>,
}

impl Link {
    /// The next frame to send, if anything waits or an acknowledgement is due.
    pub fn next_frame(&mut self, lanes: &mut Lanes) -> Option<Vec<u8>> {
        if lanes.is_empty() && !self.owes_acknowledgement() {
            return None;
        }
        Some(self.frame(lanes))
    }

    /// A frame even if there is nothing to say: a heartbeat.
    pub fn heartbeat(&mut self, lanes: &mut Lanes) -> Vec<u8> {
        self.frame(lanes)
    }

    fn frame(&mut self, lanes: &mut Lanes) -> Vec<u8> {
        self.sent += 1;
        self.acknowledged = self.received;
        self.unacknowledged_bytes = 0;
        let mut frame = Vec::with_capacity(256);
        put_varint(&mut frame, self.sent);
        put_varint(&mut frame, self.received);
        debug_assert!(frame.len() <= FRAME_HEADER_BYTES);
        while MAX_FRAME_BYTES - frame.len() >= SMALLEST_PIECE_BYTES {
            let room = MAX_FRAME_BYTES - frame.len() - RECORD_HEADER_BYTES;
            let Some(record) = lanes.pop(room) else { break };
            frame.push(record.lane as u8 | if record.more { MORE } else { 0 });
            put_varint(&mut frame, record.bytes.len() as u64);
            frame.extend_from_slice(&record.bytes);
        }
        frame
    }

    /// Takes in a frame; [`Link::next_message`] then gives the messages it completed.
    ///
    /// # Errors
    /// The peer breaks the rules, or something between us does: end the connection.
    pub fn receive(&mut self, frame: &[u8]) -> Result<(), LinkError> {
        let mut rest = frame;
        let sequence = take_varint(&mut rest)?;
        let acknowledged = take_varint(&mut rest)?;
        if sequence != self.received + 1 {
            return Err(LinkError::OutOfOrder);
        }
        if acknowledged > self.sent || acknowledged < self.acknowledged_by_peer {
            return Err(LinkError::NeverSent);
        }
        self.received = sequence;
        self.acknowledged_by_peer = acknowledged;
        if !rest.is_empty() {
            self.unacknowledged_bytes += frame.len();
        }
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
        self.unacknowledged_bytes >= ACKNOWLEDGE_AFTER_BYTES
    }

    /// Frames sent and frames of those that the peer has confirmed.
    pub const fn sent_and_acknowledged(&self) -> (u64, u64) {
        (self.sent, self.acknowledged_by_peer)
    }
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

    fn send(from: &mut Link, lanes: &mut Lanes, to: &mut Link) -> Vec<(Lane, Bytes)> {
        while let Some(frame) = from.next_frame(lanes) {
            assert!(frame.len() <= MAX_FRAME_BYTES);
            to.receive(&frame).unwrap();
        }
        std::iter::from_fn(|| to.next_message()).collect()
    }

    #[test]
    fn small_messages_share_a_frame_and_long_ones_span_several() {
        let (mut one, mut other, mut lanes) = (Link::default(), Link::default(), Lanes::default());
        for text in ["a", "b", "c"] {
            lanes.push_control(Bytes::from(text)).unwrap();
        }
        let frame = one.next_frame(&mut lanes).unwrap();
        assert_eq!(frame, [1, 0, 0, 1, b'a', 0, 1, b'b', 0, 1, b'c']);
        other.receive(&frame).unwrap();
        assert_eq!(std::iter::from_fn(|| other.next_message()).count(), 3);

        let long = Bytes::from(vec![7; 100_000]);
        lanes.push_workspace(long.clone()).unwrap();
        assert_eq!(send(&mut one, &mut lanes, &mut other), [(Lane::Workspace, long)]);
        assert_eq!(one.sent_and_acknowledged(), (8, 0));
    }

    #[test]
    fn bulk_is_acknowledged_without_waiting_for_an_answer() {
        let (mut one, mut other, mut lanes) = (Link::default(), Link::default(), Lanes::default());
        lanes.push_workspace(Bytes::from(vec![7; 100_000])).unwrap();
        send(&mut one, &mut lanes, &mut other);
        assert!(other.owes_acknowledgement());
        assert!(send(&mut other, &mut Lanes::default(), &mut one).is_empty());
        assert_eq!(one.sent_and_acknowledged(), (7, 7));
        assert!(!one.owes_acknowledgement(), "acknowledgements are not acknowledged");
    }

    #[test]
    fn repeated_skipped_and_boasting_frames_are_refused() {
        let (mut one, mut other) = (Link::default(), Link::default());
        let first = one.heartbeat(&mut Lanes::default());
        let second = one.heartbeat(&mut Lanes::default());
        assert_eq!(other.receive(&second), Err(LinkError::OutOfOrder));
        other.receive(&first).unwrap();
        assert_eq!(other.receive(&first), Err(LinkError::OutOfOrder));
        assert_eq!(other.receive(&[2, 1]), Err(LinkError::NeverSent));
        assert_eq!(other.receive(&second), Ok(()));
    }

    #[test]
    fn garbage_is_refused_and_never_panics() {
        for frame in [&[][..], &[1], &[1, 0, 0], &[1, 0, 9, 1], &[1, 0, 0, 5, b'x'], &[0xff; 30]] {
            assert!(Link::default().receive(frame).is_err(), "{frame:?}");
        }
    }

    #[test]
    fn a_message_that_never_ends_is_cut_off_at_the_lanes_limit() {
        let mut link = Link::default();
        let mut refused = None;
        for sequence in 1..100_000u64 {
            let mut frame = Vec::new();
            put_varint(&mut frame, sequence);
            frame.push(0);
            frame.push(Lane::Control as u8 | MORE);
            put_varint(&mut frame, 1000);
            frame.extend([0; 1000]);
            if let Err(error) = link.receive(&frame) {
                refused = Some((sequence, error));
                break;
            }
        }
        assert_eq!(refused, Some((66, LinkError::TooLarge(Lane::Control))));
    }
}
