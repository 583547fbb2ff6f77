//! Lanes: ordered streams of messages to one peer, each with a class, a bound and a rule when full.
//!
//! Class 0 goes first, in the order control, presence, terminal. Classes 1 and 2 share what is left 4 to 1 while both have
//! something to say. A long message goes out in pieces, so a keystroke never waits for more than one frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::codec::TooLarge;
use crate::id::{DocumentId, ParticipantId, TerminalId};
use crate::limits::{
    CONTROL_LANE_MESSAGES, DOCUMENT_LANE_BYTES, DOCUMENT_STATE_BYTES, FILE_LANE_BYTES,
    MAX_CONTROL_MESSAGE_BYTES, MAX_DOCUMENT_MESSAGE_BYTES, MAX_LISTING_MESSAGE_BYTES,
    MAX_TERMINAL_MESSAGE_BYTES, TERMINAL_LANE_BYTES, TERMINAL_LANE_DELAY, TERMINAL_LANE_LEAST_BYTES,
    WORKSPACE_LANE_BYTES, WORKSPACE_LANE_MESSAGES,
};

/// An ordered stream of messages. Numbers are append-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Participants, roles, faults. Full: the connection closes, with a reason.
    Control = 0,
    /// Where people are. Full: the latest wins.
    Presence = 1,
    /// Shared text. Full: the backlog is dropped and the document synchronised anew.
    Document = 2,
    /// Listings and changes of the tree. Full: the folder is listed anew, or the request refused.
    Workspace = 3,
    /// File content. Full: the reader of the disk waits.
    File = 4,
    /// What is typed into terminals, and what comes out of them. Full: the backlog is dropped, and the screen sent whole.
    Terminal = 5,
}

impl Lane {
    /// All lanes, by number.
    pub const ALL: [Self; 6] =
        [Self::Control, Self::Presence, Self::Document, Self::Workspace, Self::File, Self::Terminal];

    /// The lane with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Largest message on this lane, in bytes.
    pub const fn max_message_bytes(self) -> usize {
        match self {
            Self::Control | Self::Presence => MAX_CONTROL_MESSAGE_BYTES,
            Self::Document => MAX_DOCUMENT_MESSAGE_BYTES,
            Self::Workspace => MAX_LISTING_MESSAGE_BYTES,
            Self::File => MAX_CONTROL_MESSAGE_BYTES,
            Self::Terminal => MAX_TERMINAL_MESSAGE_BYTES,
        }
    }
}

/// The lane is full, by its own rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {0:?} lane is full")]
pub struct LaneFull(pub Lane);

/// Of what only the latest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresenceKey {
    /// Where the sender itself is.
    Own,
    /// Where somebody is.
    Participant(ParticipantId),
    /// What a terminal is.
    Terminal(TerminalId),
    /// How much of the receiver's input a terminal has taken.
    Taken(TerminalId),
}

/// What became of an update that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum UpdatePush {
    /// It waits its turn.
    Queued,
    /// This document's stream was dropped before; the update will come with the next whole state.
    Stale,
    /// The lane was full: every queued update was dropped, and the peer is told that it missed something of these documents.
    Overflowed(Vec<DocumentId>),
}

/// What became of a piece of a terminal's output that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum OutputPush {
    /// It waits its turn.
    Queued,
    /// The peer is behind: it gets the whole screen once it has caught up. See [`Lanes::take_caught_up`].
    Behind,
}

/// What waits of one terminal.
#[derive(Debug, Default)]
struct TerminalQueue {
    /// With the time since when each waits.
    messages: VecDeque<(Duration, Bytes)>,
    bytes: usize,
    pace: Pace,
}

/// Whether the peer keeps up with a terminal.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Pace {
    #[default]
    Abreast,
    Behind,
    /// Its screen has been asked for.
    Awaiting,
}

impl TerminalQueue {
    /// Whether what waits shows what was, and is more than little.
    fn waits_long(&self, now: Duration) -> bool {
        let oldest = self.messages.front().map_or(now, |(since, _)| *since);
        self.bytes > TERMINAL_LANE_LEAST_BYTES && now.saturating_sub(oldest) > TERMINAL_LANE_DELAY
    }

    fn fall_behind(&mut self) {
        *self = Self { pace: Pace::Behind, ..Self::default() };
    }

    fn push(&mut self, message: Bytes, now: Duration) {
        self.bytes += message.len();
        self.messages.push_back((now, message));
    }
}

/// A piece of a message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The message's lane.
    pub lane: Lane,
    /// Whether more of the message follows in a later record of this lane.
    pub more: bool,
    /// The piece.
    pub bytes: Bytes,
}

#[derive(Debug)]
enum DocumentItem {
    Update(DocumentId, Bytes),
    State(DocumentId, Bytes),
    Other(Bytes),
}

/// Everything that waits to be sent to one peer.
#[derive(Debug, Default)]
pub struct Lanes {
    control: VecDeque<Bytes>,
    presence: VecDeque<(PresenceKey, Bytes)>,
    document: VecDeque<DocumentItem>,
    update_bytes: usize,
    state_bytes: usize,
    /// Documents whose updates were dropped and that wait for a whole state.
    stale: BTreeSet<DocumentId>,
    workspace: VecDeque<Bytes>,
    workspace_bytes: usize,
    file: VecDeque<Bytes>,
    file_bytes: usize,
    terminals: BTreeMap<TerminalId, TerminalQueue>,
    /// The terminal of which a message was sent last: the others come first.
    last_terminal: Option<TerminalId>,
    /// What is left of a message of which a part was sent, by lane.
    partial: [Option<Bytes>; Lane::ALL.len()],
    /// Bytes sent by class 1 and class 2, weighted: whoever is behind goes first.
    spent: [u64; 2],
    workspace_next: bool,
    withheld: Option<TooLarge>,
}

/// Class 1 may send four bytes for one of class 2.
const CLASS_WEIGHTS: [u64; 2] = [1, 4];

impl Lanes {
    /// Queues a control message.
    ///
    /// # Errors
    /// [`LaneFull`]: the peer does not read; close the connection.
    pub fn push_control(&mut self, message: Bytes) -> Result<(), LaneFull> {
        if self.control.len() >= CONTROL_LANE_MESSAGES {
            return Err(LaneFull(Lane::Control));
        }
        self.control.push_back(message);
        Ok(())
    }

    /// Queues what is so now. What waits under the same key is replaced.
    pub fn push_presence(&mut self, key: PresenceKey, message: Bytes) {
        match self.presence.iter_mut().find(|(other, _)| *other == key) {
            Some((_, queued)) => *queued = message,
            None => self.presence.push_back((key, message)),
        }
    }

    /// Queues a document's update. If too many wait they are dropped, and `resync`, which tells the peer that it has missed
    /// something of a document, stands where the first of them stood: whatever waits behind that was said of a text which
    /// the peer does not have. A state makes up for what was dropped before it; what is dropped behind it is missed anew,
    /// and told anew: the peer may open the document only there.
    pub fn push_update(
        &mut self,
        document: DocumentId,
        message: Bytes,
        resync: impl Fn(DocumentId) -> Bytes,
    ) -> UpdatePush {
        if self.stale.contains(&document) {
            return UpdatePush::Stale;
        }
        if self.update_bytes + message.len() <= DOCUMENT_LANE_BYTES {
            self.update_bytes += message.len();
            self.document.push_back(DocumentItem::Update(document, message));
            return UpdatePush::Queued;
        }
        let (mut dropped, mut missed) = (BTreeSet::from([document]), BTreeSet::new());
        self.document.retain_mut(|item| match item {
            DocumentItem::Update(document, _) if missed.insert(*document) => {
                dropped.insert(*document);
                *item = DocumentItem::Other(resync(*document));
                true
            }
            DocumentItem::Update(..) => false,
            DocumentItem::State(document, _) => {
                missed.remove(document);
                true
            }
            DocumentItem::Other(_) => true,
        });
        if missed.insert(document) {
            self.document.push_back(DocumentItem::Other(resync(document)));
        }
        self.update_bytes = 0;
        self.stale.extend(missed);
        UpdatePush::Overflowed(dropped.into_iter().collect())
    }

    /// Queues all that the peer lacks of a document; from here on its updates are queued again.
    ///
    /// # Errors
    /// [`LaneFull`] if too much of this kind waits already: answer `Busy`.
    pub fn push_state(&mut self, document: DocumentId, message: Bytes) -> Result<(), LaneFull> {
        if self.state_bytes > 0 && self.state_bytes + message.len() > DOCUMENT_STATE_BYTES {
            return Err(LaneFull(Lane::Document));
        }
        self.state_bytes += message.len();
        self.stale.remove(&document);
        self.document.push_back(DocumentItem::State(document, message));
        Ok(())
    }

    /// Queues another message about documents, in order with their updates. Its sender sends few: one for a request
    /// or a change of state.
    ///
    /// # Errors
    /// [`LaneFull`]: the peer does not read; close the connection.
    pub fn push_document(&mut self, message: Bytes) -> Result<(), LaneFull> {
        let others = self.document.iter().filter(|item| matches!(item, DocumentItem::Other(_))).count();
        if others >= CONTROL_LANE_MESSAGES {
            return Err(LaneFull(Lane::Document));
        }
        self.document.push_back(DocumentItem::Other(message));
        Ok(())
    }

    /// Queues a listing or a change of the tree.
    ///
    /// # Errors
    /// [`LaneFull`]: refuse the request, or list the folder anew later.
    pub fn push_workspace(&mut self, message: Bytes) -> Result<(), LaneFull> {
        let fits = self.workspace.is_empty() || self.workspace_bytes + message.len() <= WORKSPACE_LANE_BYTES;
        if self.workspace.len() >= WORKSPACE_LANE_MESSAGES || !fits {
            return Err(LaneFull(Lane::Workspace));
        }
        self.workspace_bytes += message.len();
        self.workspace.push_back(message);
        Ok(())
    }

    /// Queues a piece of a file.
    ///
    /// # Errors
    /// [`LaneFull`]: wait until there is room, then push again.
    pub fn push_file(&mut self, message: Bytes) -> Result<(), LaneFull> {
        if !self.has_file_room() {
            return Err(LaneFull(Lane::File));
        }
        self.file_bytes += message.len();
        self.file.push_back(message);
        Ok(())
    }

    /// Whether [`Lanes::push_file`] would take another piece.
    pub const fn has_file_room(&self) -> bool {
        self.file_bytes < FILE_LANE_BYTES
    }

    /// Queues a piece of a terminal's output, or what must stay in order with it. If too much waits, or for too long, all of
    /// it is dropped and the peer is behind until [`Lanes::push_keyframe`].
    pub fn push_output(&mut self, terminal: TerminalId, message: Bytes, now: Duration) -> OutputPush {
        let queue = self.terminals.entry(terminal).or_default();
        if queue.pace != Pace::Abreast {
            return OutputPush::Behind;
        }
        if queue.waits_long(now) || queue.bytes + message.len() > TERMINAL_LANE_BYTES {
            queue.fall_behind();
            return OutputPush::Behind;
        }
        queue.push(message, now);
        OutputPush::Queued
    }

    /// Drops the output that has waited too long by now, as [`Lanes::push_output`] does: the last of a flood has none behind
    /// it that would. To be called before something is taken out to be sent.
    pub fn drop_late_output(&mut self, now: Duration) {
        for queue in self.terminals.values_mut() {
            if queue.waits_long(now) {
                queue.fall_behind();
            }
        }
    }

    /// Queues a terminal's whole screen; what waited of it before is dropped. From here on its output is queued again.
    pub fn push_keyframe(&mut self, terminal: TerminalId, message: Bytes, now: Duration) {
        let mut queue = TerminalQueue::default();
        queue.push(message, now);
        self.terminals.insert(terminal, queue);
    }

    /// Whether the peer is behind with a terminal whose screen was not asked for yet.
    pub fn is_behind(&self) -> bool {
        self.terminals.values().any(|queue| queue.pace == Pace::Behind)
    }

    /// A terminal with which the peer is behind and of which nothing waits any more: its whole screen is to be pushed. Told
    /// once.
    pub fn take_caught_up(&mut self) -> Option<TerminalId> {
        // A keyframe on the way in pieces is followed by another only when it is out.
        if self.partial[Lane::Terminal as usize].is_some() {
            return None;
        }
        let (terminal, queue) = self
            .terminals
            .iter_mut()
            .find(|(_, queue)| queue.pace == Pace::Behind && queue.messages.is_empty())?;
        queue.pace = Pace::Awaiting;
        Some(*terminal)
    }

    /// Nobody looks at this terminal any more.
    pub fn forget_terminal(&mut self, terminal: TerminalId) {
        self.terminals.remove(&terminal);
    }

    /// Queues what is typed into a terminal. Its sender keeps to [`crate::limits::TERMINAL_INPUT_WINDOW_BYTES`].
    pub fn push_input(&mut self, terminal: TerminalId, message: Bytes) {
        self.terminals.entry(terminal).or_default().push(message, Duration::ZERO);
    }

    /// Bytes of updates and states that wait.
    pub const fn queued_document_bytes(&self) -> usize {
        self.update_bytes + self.state_bytes
    }

    /// Nobody waits for this document any more: a later opening starts afresh.
    pub fn forget_document(&mut self, document: DocumentId) {
        self.stale.remove(&document);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        Lane::ALL.iter().all(|lane| !self.has(*lane))
    }

    /// Whether something of class 0 waits.
    pub fn has_urgent(&self) -> bool {
        self.urgent_lane().is_some()
    }

    /// The next piece of class 0 to send, of at most `max_bytes`.
    pub fn pop_urgent(&mut self, max_bytes: usize) -> Option<Record> {
        let lane = self.urgent_lane()?;
        self.pop_from(lane, max_bytes)
    }

    /// The next piece to send, of at most `max_bytes`.
    pub fn pop(&mut self, max_bytes: usize) -> Option<Record> {
        let lane = self.next_lane()?;
        self.pop_from(lane, max_bytes)
    }

    fn pop_from(&mut self, lane: Lane, max_bytes: usize) -> Option<Record> {
        let mut message = match self.partial[lane as usize].take() {
            Some(rest) => rest,
            None => self.take_fitting(lane)?,
        };
        let piece = message.split_to(message.len().min(max_bytes));
        let more = !message.is_empty();
        if more {
            self.partial[lane as usize] = Some(message);
        }
        let class = match lane {
            Lane::Control | Lane::Presence | Lane::Terminal => None,
            Lane::Document | Lane::Workspace => Some(0),
            Lane::File => Some(1),
        };
        if let Some(class) = class {
            self.spent[class] += piece.len() as u64 * CLASS_WEIGHTS[class];
        }
        Some(Record { lane, more, bytes: piece })
    }

    /// The next message of a lane that the peer takes. One that is too large never leaves: the peer would end the connection,
    /// and on the next one there would be another. Whoever encodes says something else instead; this is for what forgot to.
    fn take_fitting(&mut self, lane: Lane) -> Option<Bytes> {
        loop {
            let message = self.take(lane)?;
            if message.len() <= lane.max_message_bytes() {
                return Some(message);
            }
            self.withheld = Some(TooLarge { lane, bytes: message.len() });
        }
    }

    /// A message that was too large to be sent since the last call, to be logged: there should be none.
    pub const fn take_withheld(&mut self) -> Option<TooLarge> {
        self.withheld.take()
    }

    fn urgent_lane(&self) -> Option<Lane> {
        [Lane::Control, Lane::Presence].into_iter().find(|lane| self.has(*lane))
    }

    fn next_lane(&mut self) -> Option<Lane> {
        if let Some(lane) = self.urgent_lane() {
            return Some(lane);
        }
        if self.has(Lane::Terminal) {
            return Some(Lane::Terminal);
        }
        let class_1 = match (self.has(Lane::Document), self.has(Lane::Workspace)) {
            (true, true) => {
                self.workspace_next = !self.workspace_next;
                Some(if self.workspace_next { Lane::Workspace } else { Lane::Document })
            }
            (true, false) => Some(Lane::Document),
            (false, true) => Some(Lane::Workspace),
            (false, false) => None,
        };
        let class_2 = self.has(Lane::File).then_some(Lane::File);
        match (class_1, class_2) {
            (Some(first), Some(second)) => Some(if self.spent[0] <= self.spent[1] { first } else { second }),
            (one, other) => {
                // A class that was idle has no claim to what it did not use.
                self.spent = [0, 0];
                one.or(other)
            }
        }
    }

    fn has(&self, lane: Lane) -> bool {
        self.partial[lane as usize].is_some()
            || match lane {
                Lane::Control => !self.control.is_empty(),
                Lane::Presence => !self.presence.is_empty(),
                Lane::Document => !self.document.is_empty(),
                Lane::Workspace => !self.workspace.is_empty(),
                Lane::File => !self.file.is_empty(),
                Lane::Terminal => self.terminals.values().any(|queue| !queue.messages.is_empty()),
            }
    }

    /// The next message about a terminal, one terminal after the other.
    fn take_output(&mut self) -> Option<Bytes> {
        let has_some = |(terminal, queue): &(&TerminalId, &TerminalQueue)| {
            (!queue.messages.is_empty()).then_some(**terminal)
        };
        let after = self.last_terminal.map_or(TerminalId(0), |last| TerminalId(last.0.saturating_add(1)));
        let next = self.terminals.range(after..).find_map(|entry| has_some(&entry));
        let next = next.or_else(|| self.terminals.iter().find_map(|entry| has_some(&entry)))?;
        self.last_terminal = Some(next);
        let queue = self.terminals.get_mut(&next)?;
        let (_, message) = queue.messages.pop_front()?;
        queue.bytes -= message.len();
        Some(message)
    }

    fn take(&mut self, lane: Lane) -> Option<Bytes> {
        match lane {
            Lane::Control => self.control.pop_front(),
            Lane::Presence => self.presence.pop_front().map(|(_, message)| message),
            Lane::Document => self.document.pop_front().map(|item| match item {
                DocumentItem::Update(_, message) => {
                    self.update_bytes -= message.len();
                    message
                }
                DocumentItem::State(_, message) => {
                    self.state_bytes -= message.len();
                    message
                }
                DocumentItem::Other(message) => message,
            }),
            Lane::Workspace => {
                self.workspace.pop_front().inspect(|message| self.workspace_bytes -= message.len())
            }
            Lane::File => self.file.pop_front().inspect(|message| self.file_bytes -= message.len()),
            Lane::Terminal => self.take_output(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: usize) -> Bytes {
        Bytes::from(vec![b'm'; len])
    }

    fn resync(document: DocumentId) -> Bytes {
        format!("resync {document}").into()
    }

    fn lanes_of(lanes: &mut Lanes, max_bytes: usize) -> Vec<Lane> {
        std::iter::from_fn(|| lanes.pop(max_bytes)).map(|record| record.lane).collect()
    }

    #[test]
    fn control_overtakes_everything_that_waits() {
        let mut lanes = Lanes::default();
        lanes.push_file(message(5)).unwrap();
        assert_eq!(lanes.push_update(DocumentId(1), message(5), resync), UpdatePush::Queued);
        lanes.push_presence(PresenceKey::Participant(ParticipantId(1)), message(5));
        lanes.push_control(message(5)).unwrap();
        assert_eq!(lanes_of(&mut lanes, 100), [Lane::Control, Lane::Presence, Lane::Document, Lane::File]);
        assert!(lanes.is_empty());
    }

    #[test]
    fn control_overtakes_the_rest_of_a_long_message() {
        let mut lanes = Lanes::default();
        lanes.push_file(message(250)).unwrap();
        assert!(lanes.pop(100).unwrap().more);
        lanes.push_control(message(1)).unwrap();
        assert_eq!(lanes.pop(100).unwrap().lane, Lane::Control);
        assert!(lanes.pop(100).unwrap().more);
        let last = lanes.pop(100).unwrap();
        assert_eq!((last.lane, last.more, last.bytes.len()), (Lane::File, false, 50));
    }

    #[test]
    fn documents_get_four_times_what_files_get() {
        let mut lanes = Lanes::default();
        lanes.push_file(message(60_000)).unwrap();
        assert_eq!(lanes.push_update(DocumentId(1), message(60_000), resync), UpdatePush::Queued);
        let first: Vec<Lane> = (0..50).map(|_| lanes.pop(100).unwrap().lane).collect();
        let documents = first.iter().filter(|lane| **lane == Lane::Document).count();
        assert!((39..=41).contains(&documents), "{documents} of 50");
    }

    #[test]
    fn presence_keeps_only_the_latest_of_each() {
        let mut lanes = Lanes::default();
        lanes.push_presence(PresenceKey::Participant(ParticipantId(1)), message(1));
        lanes.push_presence(PresenceKey::Participant(ParticipantId(2)), message(2));
        lanes.push_presence(PresenceKey::Participant(ParticipantId(1)), message(3));
        let sizes: Vec<usize> =
            std::iter::from_fn(|| lanes.pop(100)).map(|record| record.bytes.len()).collect();
        assert_eq!(sizes, [3, 2]);
    }

    #[test]
    fn a_full_document_lane_drops_the_backlog_until_the_whole_state_comes() {
        let mut lanes = Lanes::default();
        let (one, two) = (DocumentId(1), DocumentId(2));
        assert_eq!(lanes.push_update(two, message(10), resync), UpdatePush::Queued);
        assert_eq!(lanes.push_update(one, message(DOCUMENT_LANE_BYTES - 10), resync), UpdatePush::Queued);
        assert_eq!(lanes.push_update(one, message(1), resync), UpdatePush::Overflowed(vec![one, two]));
        assert_eq!(
            lanes_of(&mut lanes, 100),
            [Lane::Document, Lane::Document],
            "both are told to synchronise"
        );
        assert_eq!(lanes.push_update(two, message(1), resync), UpdatePush::Stale);
        lanes.push_state(two, message(5)).unwrap();
        assert_eq!(lanes.push_update(two, message(1), resync), UpdatePush::Queued);
        assert_eq!(lanes.push_update(one, message(1), resync), UpdatePush::Stale);
        assert_eq!(lanes_of(&mut lanes, 100), [Lane::Document, Lane::Document]);
    }

    #[test]
    fn what_is_dropped_behind_a_state_is_told_behind_it() {
        let mut lanes = Lanes::default();
        let (one, two) = (DocumentId(1), DocumentId(2));
        // Closed, opened again, and behind that something new.
        assert_eq!(lanes.push_update(one, message(10), resync), UpdatePush::Queued);
        lanes.push_state(one, message(20)).unwrap();
        assert_eq!(lanes.push_update(one, message(30), resync), UpdatePush::Queued);
        assert_eq!(lanes.push_update(two, message(10), resync), UpdatePush::Queued);
        lanes.push_state(two, message(20)).unwrap();
        let three = DocumentId(3);
        let overflowed = UpdatePush::Overflowed(vec![one, two, three]);
        assert_eq!(lanes.push_update(three, message(DOCUMENT_LANE_BYTES), resync), overflowed);
        let told = resync(one).len();
        let sizes: Vec<usize> =
            std::iter::from_fn(|| lanes.pop(100)).map(|record| record.bytes.len()).collect();
        assert_eq!(sizes, [told, 20, told, told, 20, told]);
        assert_eq!(lanes.push_update(one, message(1), resync), UpdatePush::Stale);
        assert_eq!(
            lanes.push_update(two, message(1), resync),
            UpdatePush::Queued,
            "its state makes up for it"
        );
    }

    #[test]
    fn every_other_lane_refuses_beyond_its_bound_and_recovers() {
        let mut lanes = Lanes::default();
        for _ in 0..CONTROL_LANE_MESSAGES {
            lanes.push_control(message(1)).unwrap();
        }
        assert_eq!(lanes.push_control(message(1)), Err(LaneFull(Lane::Control)));
        lanes.pop(100).unwrap();
        assert_eq!(lanes.push_control(message(1)), Ok(()));

        while lanes.push_file(message(1000)).is_ok() {}
        assert!(lanes.file_bytes <= FILE_LANE_BYTES + 1000);
        while lanes.push_workspace(message(100_000)).is_ok() {}
        assert!(lanes.workspace_bytes <= WORKSPACE_LANE_BYTES);
        while lanes.push_state(DocumentId(1), message(MAX_DOCUMENT_MESSAGE_BYTES)).is_ok() {}
        assert!(lanes.state_bytes <= DOCUMENT_STATE_BYTES);
        while lanes.pop(1 << 20).is_some() {}
        assert!(lanes.is_empty());
        assert_eq!(
            (lanes.file_bytes, lanes.workspace_bytes, lanes.state_bytes, lanes.update_bytes),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn whoever_missed_updates_hears_of_it_before_what_was_said_behind_them() {
        let mut lanes = Lanes::default();
        let (one, two) = (DocumentId(1), DocumentId(2));
        lanes.push_document("opened".into()).unwrap();
        assert_eq!(lanes.push_update(one, message(DOCUMENT_LANE_BYTES), resync), UpdatePush::Queued);
        lanes.push_document("digest".into()).unwrap();
        assert_eq!(lanes.push_update(two, message(1), resync), UpdatePush::Overflowed(vec![one, two]));
        let sent: Vec<Bytes> = std::iter::from_fn(|| lanes.pop(100)).map(|record| record.bytes).collect();
        assert_eq!(sent, [&b"opened"[..], b"resync 1", b"digest", b"resync 2"]);
    }

    const TERMINAL: TerminalId = TerminalId(1);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn output_goes_before_text_and_behind_control() {
        let mut lanes = Lanes::default();
        assert_eq!(lanes.push_update(DocumentId(1), message(5), resync), UpdatePush::Queued);
        assert_eq!(lanes.push_output(TERMINAL, message(250), ms(0)), OutputPush::Queued);
        assert_eq!(lanes.pop(100).unwrap().lane, Lane::Terminal);
        lanes.push_control(message(1)).unwrap();
        assert!(lanes.has_urgent(), "and not for the output");
        assert_eq!(
            lanes_of(&mut lanes, 100),
            [Lane::Control, Lane::Terminal, Lane::Terminal, Lane::Document]
        );
        assert!(lanes.is_empty());
    }

    #[test]
    fn terminals_take_turns() {
        let mut lanes = Lanes::default();
        for _ in 0..3 {
            assert_eq!(lanes.push_output(TerminalId(1), "one".into(), ms(0)), OutputPush::Queued);
        }
        assert_eq!(lanes.push_output(TerminalId(7), "seven".into(), ms(0)), OutputPush::Queued);
        let sent: Vec<Bytes> = std::iter::from_fn(|| lanes.pop(100)).map(|record| record.bytes).collect();
        assert_eq!(sent, [&b"one"[..], b"seven", b"one", b"one"]);
    }

    #[test]
    fn whoever_is_behind_gets_the_screen_once_it_caught_up() {
        let mut lanes = Lanes::default();
        let chunk = TERMINAL_LANE_BYTES / 4;
        for _ in 0..4 {
            assert_eq!(lanes.push_output(TERMINAL, message(chunk), ms(0)), OutputPush::Queued);
        }
        // A part of the first is under way when it overflows: the peer gets the rest of that message.
        assert!(lanes.pop(100).unwrap().more);
        assert_eq!(lanes.push_output(TERMINAL, message(chunk), ms(0)), OutputPush::Queued);
        assert_eq!(lanes.push_output(TERMINAL, message(1), ms(0)), OutputPush::Behind);
        assert_eq!(lanes.push_output(TERMINAL, message(1), ms(0)), OutputPush::Behind);
        assert_eq!(lanes.take_caught_up(), None);
        assert!(!lanes.pop(chunk).unwrap().more);
        assert!(lanes.is_empty());
        assert_eq!(lanes.take_caught_up(), Some(TERMINAL));
        assert_eq!(lanes.take_caught_up(), None);
        assert_eq!(lanes.push_output(TERMINAL, message(1), ms(1)), OutputPush::Behind, "still");
        lanes.push_keyframe(TERMINAL, "screen".into(), ms(1));
        assert_eq!(lanes.push_output(TERMINAL, "more".into(), ms(1)), OutputPush::Queued);
        assert_eq!(lanes.pop(100).unwrap().bytes, "screen");
        assert_eq!(lanes.pop(100).unwrap().bytes, "more");
    }

    #[test]
    fn much_that_waits_for_long_is_dropped_and_little_is_not() {
        let mut lanes = Lanes::default();
        assert_eq!(
            lanes.push_output(TERMINAL, message(TERMINAL_LANE_LEAST_BYTES), ms(0)),
            OutputPush::Queued
        );
        let late = TERMINAL_LANE_DELAY + ms(1);
        assert_eq!(lanes.push_output(TERMINAL, message(1), late), OutputPush::Queued);
        assert_eq!(lanes.push_output(TERMINAL, message(1), late), OutputPush::Behind);
        assert_eq!(lanes.take_caught_up(), Some(TERMINAL));
        // It is the oldest of what waits that counts.
        lanes.push_keyframe(TERMINAL, message(1), ms(1000));
        lanes.pop(100).unwrap();
        assert_eq!(
            lanes.push_output(TERMINAL, message(TERMINAL_LANE_LEAST_BYTES + 1), ms(2000)),
            OutputPush::Queued
        );
        assert_eq!(lanes.push_output(TERMINAL, message(1), ms(2001)), OutputPush::Queued);
    }

    #[test]
    fn the_end_of_a_flood_does_not_wait_for_what_was_before_it() {
        let mut lanes = Lanes::default();
        for _ in 0..10 {
            assert_eq!(lanes.push_output(TERMINAL, message(10_000), ms(0)), OutputPush::Queued);
        }
        lanes.drop_late_output(TERMINAL_LANE_DELAY);
        assert_eq!(lanes.take_caught_up(), None);
        lanes.drop_late_output(TERMINAL_LANE_DELAY + ms(1));
        assert_eq!(lanes.take_caught_up(), Some(TERMINAL));
        // Little, also as a screen, waits as long as it must.
        lanes.push_keyframe(TERMINAL, "screen".into(), ms(300));
        lanes.drop_late_output(ms(10_000));
        assert_eq!(lanes.pop(100).unwrap().bytes, "screen");
    }

    #[test]
    fn a_terminal_that_is_behind_holds_up_no_other() {
        let mut lanes = Lanes::default();
        while lanes.push_output(TERMINAL, message(10_000), ms(0)) == OutputPush::Queued {}
        assert_eq!(lanes.push_output(TerminalId(2), message(1), ms(0)), OutputPush::Queued);
        assert_eq!(lanes_of(&mut lanes, 100), [Lane::Terminal]);
        lanes.forget_terminal(TERMINAL);
        assert_eq!(lanes.take_caught_up(), None);
    }
}
