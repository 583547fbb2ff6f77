//! Seeded crashes of guests at every point between a key, its draft and its confirmation: at rest every replica equals
//! the host, nothing is there twice, and nothing is gone that a draft or the host had.
//!
//! `PARLOR_ONLY_SEED=n cargo nextest run -p parlor-shared --test draft_crashes` plays one seed again.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/host.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod host;
#[path = "common/random.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod random;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use parlor_shared::client::draft::{Draft, DraftKeeper, DraftTask, Kept, Urgency};
use parlor_shared::client::{Client, ClientEvent, Phase, SyncState};
use parlor_shared::document::sync::SendRule;
use parlor_shared::document::{Splice, utf16_len};
use parlor_shared::id::DocumentId;
use parlor_shared::path::WorkspacePath;

use host::Host;
use random::Random;

const SEEDS: u64 = 150;
const DOCUMENT: DocumentId = DocumentId(1);

/// What a browser's storage does, later, one thing after the other.
enum Write {
    Put(DocumentId, u64, Vec<u8>),
    Remove(DocumentId),
}

struct Guest {
    number: u8,
    client: Client,
    keeper: DraftKeeper,
    /// What is safe from a crash.
    stored: BTreeMap<DocumentId, Vec<u8>>,
    /// What is on its way there.
    writes: VecDeque<Write>,
    to_host: VecDeque<Vec<u8>>,
    to_guest: VecDeque<Vec<u8>>,
    line: Option<usize>,
    lost: String,
    /// It has not heard the host since it was restored.
    is_restored: bool,
}

#[derive(Debug, Default)]
struct Happened {
    typed: u64,
    deleted: u64,
    crashes: u64,
    restored: u64,
    restored_twice: u64,
    typed_into_restored: u64,
    crashed_while_writing: u64,
    crashed_while_awaited: u64,
    crashed_unstored_but_sent: u64,
    cuts: u64,
    held: u64,
    sent_held: u64,
    took_hosts: u64,
    removed: u64,
}

struct World {
    seed: u64,
    random: Random,
    host: Host,
    guests: Vec<Guest>,
    next_line: usize,
    next_mark: u32,
    happened: Happened,
    /// Whether somebody deletes in this run: then marks may be gone.
    deletes: bool,
    /// Marks that were in a draft that is safe, or with the host.
    promised: BTreeSet<char>,
    /// Marks that a person gave up by a decision.
    given_up: BTreeSet<char>,
}

fn marks(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|mark| ('\u{e000}'..='\u{f8ff}').contains(mark))
}

impl World {
    fn new(seed: u64) -> Self {
        let mut host = Host::new();
        host.add_document(DOCUMENT.0, "a.txt", &"a line of the file\n".repeat(20));
        let guests = (0..2).map(|number| Guest::new(number, host.guest(number), DraftKeeper::default()));
        Self {
            seed,
            random: Random::new(seed),
            guests: guests.collect(),
            host,
            next_line: 0,
            next_mark: 0,
            happened: Happened::default(),
            deletes: seed.is_multiple_of(3),
            promised: BTreeSet::new(),
            given_up: BTreeSet::new(),
        }
    }

    fn connect(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        if guest.line.is_none() {
            guest.line = Some(self.next_line);
            guest.client.connected(Duration::ZERO);
            self.host.connect(self.next_line);
            self.next_line += 1;
        }
    }

    fn hang_up(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        guest.to_host.clear();
        guest.to_guest.clear();
        if let Some(line) = guest.line.take()
            && self.random.one_in(2)
        {
            // Else the host has not noticed yet.
            self.host.disconnect(line);
        }
    }

    fn cut(&mut self, number: usize) {
        self.hang_up(number);
        self.guests[number].client.disconnected();
        self.happened.cuts += 1;
        self.drain(number);
    }

    /// The tab is gone, and comes back with what its storage has.
    fn crash(&mut self, number: usize) {
        self.hang_up(number);
        self.happened.crashes += 1;
        let guest = &mut self.guests[number];
        let unconfirmed: Vec<_> = guest.client.unconfirmed().collect();
        self.happened.crashed_while_writing += u64::from(!guest.writes.is_empty());
        self.happened.crashed_while_awaited += u64::from(unconfirmed.iter().any(|mark| mark.is_awaited));
        let drafts: Vec<Draft> = guest.stored.values().map(|bytes| decode(bytes)).collect();
        let host_has = self.host.text(DOCUMENT);
        let in_draft = drafts.first().map_or_else(String::new, |draft| draft.text().unwrap());
        let mine = guest.client.document(DOCUMENT).map_or_else(String::new, |open| open.document().text());
        let unstored = marks(&mine).any(|mark| host_has.contains(mark) && !in_draft.contains(mark));
        self.happened.crashed_unstored_but_sent += u64::from(unstored && !drafts.is_empty());
        let options = self.host.options(guest.number);
        let keeper = DraftKeeper::with_drafts(guest.stored.keys().copied());
        let (stored, lost) = (std::mem::take(&mut guest.stored), std::mem::take(&mut guest.lost));
        self.happened.restored += u64::from(!drafts.is_empty());
        self.happened.restored_twice += u64::from(!drafts.is_empty() && guest.is_restored);
        let (client, others) = Client::restore(options, drafts);
        assert_eq!(others, [], "seed {}", self.seed);
        *guest = Guest { stored, lost, ..Guest::new(guest.number, client, keeper) };
        self.drain(number);
    }

    fn type_something(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        guest.client.apply_incoming();
        let Some(open) = guest.client.document(DOCUMENT) else { return };
        let text = open.document().text();
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let start = self.random.below(borders.len());
        let delete = if self.deletes && self.random.one_in(2) { self.random.below(6) } else { 0 };
        let end = borders[(start + delete).min(borders.len() - 1)];
        let start = borders[start];
        self.next_mark += 1;
        let insert = format!("x{}", char::from_u32(0xe000 + self.next_mark).unwrap());
        let splice = Splice { at: utf16_len(&text[..start]), delete: utf16_len(&text[start..end]), insert };
        if guest.client.edit(DOCUMENT, &[splice]).is_ok() {
            self.happened.typed += 1;
            self.happened.deleted += u64::from(end > start);
            self.happened.typed_into_restored += u64::from(guest.is_restored);
        }
        self.drain(number);
    }

    /// What a page does every few hundred milliseconds.
    fn keep(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        let urgency = if *guest.client.phase() == Phase::Live && self.random.one_in(2) {
            Urgency::Usual
        } else {
            Urgency::Now
        };
        let marks: Vec<_> = guest.client.unconfirmed().collect();
        for task in guest.keeper.tasks(marks, urgency) {
            guest.writes.push_back(match task {
                DraftTask::Write(document, edits) => {
                    let Some(draft) = guest.client.draft(document) else { continue };
                    Write::Put(document, edits, Kept::Draft(Box::new(draft)).encode())
                }
                DraftTask::Remove(document) => Write::Remove(document),
            });
        }
    }

    /// The storage does the next thing.
    fn write(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        match guest.writes.pop_front() {
            Some(Write::Put(document, edits, bytes)) => {
                self.promised.extend(marks(&decode(&bytes).text().unwrap()));
                guest.stored.insert(document, bytes);
                guest.client.draft_is_written(document, edits);
            }
            Some(Write::Remove(document)) => {
                guest.stored.remove(&document);
                self.happened.removed += 1;
            }
            None => {}
        }
    }

    fn pump(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        let Some(line) = guest.line else { return };
        while let Some(message) = guest.client.poll_transmit(Duration::ZERO) {
            guest.to_host.push_back(message);
        }
        while let Some(message) = self.host.transmit(line) {
            guest.to_guest.push_back(message);
        }
    }

    fn deliver(&mut self, number: usize) -> bool {
        self.pump(number);
        let guest = &mut self.guests[number];
        let Some(line) = guest.line else { return false };
        let up = !guest.to_host.is_empty() && (guest.to_guest.is_empty() || self.random.one_in(2));
        if up {
            let message = guest.to_host.pop_front().unwrap();
            self.host.receive(line, &message).unwrap_or_else(|fault| panic!("seed {}: {fault}", self.seed));
            self.promised.extend(marks(&self.host.text(DOCUMENT)));
        } else {
            let Some(message) = guest.to_guest.pop_front() else { return false };
            guest.client.receive(&message, Duration::ZERO);
            self.drain(number);
        }
        true
    }

    fn drain(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        while let Some(event) = guest.client.poll_event() {
            match event {
                ClientEvent::Replaced { lost, .. } | ClientEvent::Closed { lost, .. } => {
                    guest.lost.extend(lost)
                }
                ClientEvent::Held { .. } => self.happened.held += 1,
                ClientEvent::Phase(Phase::Live) => guest.is_restored = false,
                ClientEvent::Phase(Phase::Ended(fault)) => panic!("seed {}: ended {fault}", self.seed),
                ClientEvent::Fault { fault, .. } => panic!("seed {}: fault {fault}", self.seed),
                _ => {}
            }
        }
    }

    fn decide(&mut self, number: usize) {
        let guest = &mut self.guests[number];
        let Some(held) = guest.client.held(DOCUMENT) else { return };
        if self.random.one_in(2) {
            guest.client.send_held(DOCUMENT);
            self.happened.sent_held += 1;
        } else {
            guest.client.take_hosts(DOCUMENT);
            self.given_up.extend(marks(&held.mine).filter(|mark| !held.host.contains(*mark)));
            self.happened.took_hosts += 1;
        }
    }

    fn step(&mut self) {
        let number = self.random.below(self.guests.len());
        match self.random.below(40) {
            0 | 1 => self.crash(number),
            2 => self.cut(number),
            3..=5 => self.connect(number),
            6..=13 => self.type_something(number),
            14..=17 => self.keep(number),
            18..=21 => self.write(number),
            22 => self.decide(number),
            23 if self.random.one_in(4) => {
                self.host.checkpoint(DOCUMENT);
                let line = format!("{}\n", "written by another program ".repeat(30));
                self.host.change_on_disk(DOCUMENT, |text| format!("{line}{text}"));
            }
            24 if self.random.one_in(3) => {
                self.host.checkpoint(DOCUMENT);
                self.host.change_on_disk(DOCUMENT, |text| text.replacen("a line of the file\n", "", 1));
            }
            _ => {
                self.deliver(number);
            }
        }
    }

    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for number in 0..self.guests.len() {
                self.connect(number);
                self.guests[number].client.apply_incoming();
                while self.deliver(number) {
                    moved = true;
                }
                self.keep(number);
                while !self.guests[number].writes.is_empty() {
                    self.write(number);
                }
                self.decide(number);
                self.pump(number);
                moved |= !self.guests[number].to_host.is_empty();
            }
            if !moved {
                break;
            }
        }
    }

    fn check(&self) {
        let seed = self.seed;
        let text = self.host.text(DOCUMENT);
        assert_eq!(self.host.diverged, 0, "seed {seed}");
        let mut everything: BTreeSet<char> = marks(&text).collect();
        assert_eq!(everything.len(), marks(&text).count(), "seed {seed}: something is there twice");
        for (number, guest) in self.guests.iter().enumerate() {
            let shown = guest.client.document(DOCUMENT).unwrap().document().text();
            assert_eq!(shown, text, "seed {seed}, guest {number}");
            let state = guest.client.sync_state(DOCUMENT);
            assert!(matches!(state, Some(SyncState::Saved | SyncState::Synced)), "seed {seed}: {state:?}");
            assert_eq!(guest.client.unconfirmed().count(), 0, "seed {seed}");
            assert!(guest.stored.is_empty(), "seed {seed}: a draft is left over");
            everything.extend(marks(&guest.lost));
        }
        everything.extend(&self.given_up);
        if !self.deletes {
            let gone: Vec<_> = self.promised.difference(&everything).collect();
            assert!(gone.is_empty(), "seed {seed}: kept and gone: {gone:?}");
        }
    }
}

impl Guest {
    fn new(number: u8, mut client: Client, keeper: DraftKeeper) -> Self {
        client.set_send_rule(SendRule::AskFirst);
        client.open(WorkspacePath::parse("a.txt").unwrap());
        Self {
            number,
            is_restored: client.membership().is_some(),
            client,
            keeper,
            stored: BTreeMap::new(),
            writes: VecDeque::new(),
            to_host: VecDeque::new(),
            to_guest: VecDeque::new(),
            line: None,
            lost: String::new(),
        }
    }
}

fn decode(bytes: &[u8]) -> Draft {
    match Kept::decode(bytes).unwrap() {
        Kept::Draft(draft) => *draft,
        Kept::Salvage(_) => panic!("it was a draft"),
    }
}

fn play(seed: u64) -> Happened {
    let mut world = World::new(seed);
    world.connect(0);
    let steps = 200 + world.random.below(400);
    for _ in 0..steps {
        world.step();
    }
    world.settle();
    world.check();
    world.happened
}

#[test]
fn whenever_a_tab_crashes_nothing_is_lost_that_was_kept_and_nothing_is_there_twice() {
    if let Ok(seed) = std::env::var("PARLOR_ONLY_SEED") {
        println!("{:#?}", play(seed.parse().expect("PARLOR_ONLY_SEED is a number")));
        return;
    }
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let Ok(happened) = std::panic::catch_unwind(|| play(seed)) else {
            panic!("seed {seed} failed: PARLOR_ONLY_SEED={seed} plays it again");
        };
        let Happened {
            typed,
            deleted,
            crashes,
            restored,
            restored_twice,
            typed_into_restored,
            crashed_while_writing,
            crashed_while_awaited,
            crashed_unstored_but_sent,
            cuts,
            held,
            sent_held,
            took_hosts,
            removed,
        } = happened;
        for (name, count) in [
            ("typed", typed),
            ("deleted", deleted),
            ("crashes", crashes),
            ("restored", restored),
            ("restored twice", restored_twice),
            ("typed into restored", typed_into_restored),
            ("crashed while writing", crashed_while_writing),
            ("crashed while a draft was awaited", crashed_while_awaited),
            ("crashed with text that was sent and in no draft", crashed_unstored_but_sent),
            ("cuts", cuts),
            ("held", held),
            ("sent after being held", sent_held),
            ("gave up what was held", took_hosts),
            ("removed", removed),
        ] {
            *totals.entry(name).or_default() += count;
        }
    }
    println!("{SEEDS} seeds: {totals:?}");
    for (name, count) in totals {
        assert!(count > 0, "{name} never happened: the simulation does not test it");
    }
}
