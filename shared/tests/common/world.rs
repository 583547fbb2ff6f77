//! Guests with editors, a miniature host, and the network between them: what a simulation moves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use parlor_shared::client::{Client, ClientEvent, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::id::DocumentId;

use crate::host::Host;
use crate::random::Random;

/// The files of the host; their documents are 1 and 2.
pub(crate) const PATHS: [&str; 2] = ["a.txt", "b.txt"];

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToHost,
    ToGuest,
}

/// What happened on the guests' side.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) typed: u64,
    pub(crate) deleted: u64,
    pub(crate) remote_changes: u64,
    pub(crate) cuts: u64,
    pub(crate) half_open: u64,
    pub(crate) stalls: u64,
    pub(crate) role_flips: u64,
    pub(crate) replaced: u64,
    pub(crate) lost_texts: u64,
    pub(crate) closed_by_guest: u64,
    pub(crate) closed_while_typing: u64,
    pub(crate) typed_offline: u64,
    pub(crate) reopened: u64,
    pub(crate) joined_late: u64,
    pub(crate) marks: u64,
}

/// One guest, its editors and its transport.
pub(crate) struct Guest {
    pub(crate) client: Client,
    /// What the editor of each document shows: built from events alone.
    pub(crate) editors: BTreeMap<DocumentId, Vec<u16>>,
    pub(crate) to_host: VecDeque<Vec<u8>>,
    pub(crate) to_guest: VecDeque<Vec<u8>>,
    /// The number of its present connection at the host, while it has one.
    pub(crate) line: Option<usize>,
    pub(crate) stalled: bool,
    pub(crate) lost: String,
}

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) random: Random,
    pub(crate) host: Host,
    pub(crate) guests: Vec<Guest>,
    pub(crate) next_line: usize,
    pub(crate) now: Duration,
    pub(crate) happened: Happened,
    /// Nobody deletes in this run, so that every mark must be somewhere at its end.
    pub(crate) keeps: bool,
    pub(crate) next_mark: u32,
    /// Everything that was typed, in marks: characters that occur once.
    pub(crate) marks: BTreeSet<char>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut host = Host::new();
        host.add_document(1, PATHS[0], "fn main() {\n    println!(\"hello\");\n}\n");
        host.add_document(2, PATHS[1], "");
        let count = 2 + random.below(5);
        let guests = (0..count)
            .map(|number| Guest {
                client: host.guest(number as u8),
                editors: BTreeMap::new(),
                to_host: VecDeque::new(),
                to_guest: VecDeque::new(),
                line: None,
                stalled: false,
                lost: String::new(),
            })
            .collect();
        let keeps = seed.is_multiple_of(3);
        Self {
            seed,
            random,
            host,
            guests,
            next_line: 0,
            now: Duration::ZERO,
            happened: Happened::default(),
            keeps,
            next_mark: 0,
            marks: BTreeSet::new(),
        }
    }

    pub(crate) fn connect(&mut self, number: usize) {
        let line = self.next_line;
        self.next_line += 1;
        let guest = &mut self.guests[number];
        guest.line = Some(line);
        guest.client.connected(self.now);
        self.host.connect(line);
    }

    pub(crate) fn cut(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        let Some(line) = guest.line.take() else { return };
        guest.to_host.clear();
        guest.to_guest.clear();
        guest.stalled = false;
        guest.client.disconnected();
        self.happened.cuts += 1;
        // The host may take long to notice.
        if self.random.one_in(2) {
            self.host.disconnect(line);
        } else {
            self.happened.half_open += 1;
        }
        self.drain_events(number);
    }

    /// Moves messages from both ends onto the wire.
    pub(crate) fn pump(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        let Some(line) = guest.line else { return };
        while let Some(message) = guest.client.poll_transmit(self.now) {
            guest.to_host.push_back(message);
        }
        // A stalled guest does not read: what it is owed stays on the host's lanes.
        while !guest.stalled && guest.to_guest.len() < 4 {
            let Some(message) = self.host.transmit(line) else { break };
            guest.to_guest.push_back(message);
        }
    }

    /// Delivers one message in one direction of one guest, if there is one.
    pub(crate) fn deliver(&mut self, number: usize, way: Way) -> bool {
        let guest = &mut self.guests[number];
        let Some(line) = guest.line else { return false };
        if way == Way::ToHost {
            let Some(message) = guest.to_host.pop_front() else { return false };
            self.host.receive(line, &message).unwrap_or_else(|fault| panic!("{}: {fault}", self.seed));
        } else {
            let Some(message) = guest.to_guest.pop_front() else { return false };
            guest.client.receive(&message, self.now);
            self.drain_events(number);
        }
        true
    }

    /// Does to the editors what the events say, and checks that they then show the replica.
    pub(crate) fn drain_events(&mut self, number: usize) {
        let seed = self.seed;
        let guest = &mut self.guests[number];
        let text = |client: &Client, document| -> Vec<u16> {
            client.document(document).unwrap().document().text().encode_utf16().collect()
        };
        while let Some(event) = guest.client.poll_event() {
            match event {
                ClientEvent::Opened { document, .. } => {
                    guest.editors.insert(document, text(&guest.client, document));
                }
                ClientEvent::Changed { document, runs } => {
                    self.happened.remote_changes += 1;
                    let editor = guest.editors.get_mut(&document).expect("only open documents change");
                    runs.iter()
                        .flat_map(|run| &run.splices)
                        .for_each(|splice| apply_to_editor(editor, splice));
                }
                ClientEvent::Replaced { old, document, lost, .. } => {
                    self.happened.replaced += 1;
                    guest.editors.remove(&old).expect("only open documents are replaced");
                    guest.editors.insert(document, text(&guest.client, document));
                    self.happened.lost_texts += u64::from(lost.is_some());
                    guest.lost.extend(lost);
                }
                ClientEvent::Closed { document, lost, .. } => {
                    guest.editors.remove(&document);
                    self.happened.lost_texts += u64::from(lost.is_some());
                    guest.lost.extend(lost);
                }
                ClientEvent::Fault { request, fault } => panic!("{seed}: fault {request:?} {fault}"),
                ClientEvent::Phase(Phase::Ended(fault)) => panic!("{seed}: ended {fault}"),
                _ => {}
            }
        }
    }

    pub(crate) fn show_incoming(&mut self, number: usize) {
        self.guests[number].client.apply_incoming();
        self.drain_events(number);
        let guest = &self.guests[number];
        for (document, editor) in &guest.editors {
            let Some(open) = guest.client.document(*document) else { panic!("{}: closed", self.seed) };
            if guest.client.sync_state(*document) != Some(SyncState::Opening) && !open.document().is_empty() {
                let shown = String::from_utf16(editor).unwrap();
                assert_eq!(shown, open.document().text(), "seed {}: the editor shows its replica", self.seed);
            }
        }
    }
}

/// Repeats a splice as an editor does, on UTF-16.
pub(crate) fn apply_to_editor(editor: &mut Vec<u16>, splice: &Splice) {
    let range = splice.at as usize..(splice.at + splice.delete) as usize;
    editor.splice(range, splice.insert.encode_utf16());
}
