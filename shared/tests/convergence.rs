//! Seeded sessions of several real guests and a miniature host over a network that delays, breaks and comes back:
//! at rest every replica equals the host, nothing typed is lost, and every kind of trouble happened.
//!
//! `PARLOR_ONLY_SEED=n cargo nextest run -p parlor-shared --test convergence` plays one seed again.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/host.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod host;
#[path = "common/random.rs"]
mod random;
#[path = "common/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_shared::client::{Phase, SyncState};
use parlor_shared::document::{Splice, utf16_len};
use parlor_shared::id::DocumentId;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;

use host::Counters;
use world::{Happened, PATHS, Way, World, apply_to_editor};

const SEEDS: u64 = 320;
const FLOOD_UNITS: usize = 300_000;

impl World {
    /// Types or deletes somewhere, at borders of characters.
    fn type_something(&mut self, number: usize) {
        self.show_incoming(number);
        let guest = &mut self.guests[number];
        if guest.client.role() != Role::Editor && self.random.one_in(2) {
            return;
        }
        let documents: Vec<DocumentId> = guest.editors.keys().copied().collect();
        if documents.is_empty() {
            return;
        }
        let document = *self.random.pick(&documents);
        let text = guest.client.document(document).unwrap().document().text();
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let start = self.random.below(borders.len());
        let delete = if self.keeps || self.random.one_in(2) { 0 } else { self.random.below(8) };
        let end = (start + delete).min(borders.len() - 1);
        let (start, end) = (borders[start], borders[end]);
        let insert = if start < end && self.random.one_in(2) { String::new() } else { self.next_text() };
        let splice = Splice {
            at: utf16_len(&text[..start]),
            delete: utf16_len(&text[start..end]),
            insert: insert.clone(),
        };
        let guest = &mut self.guests[number];
        // Between a refusal and the new text there is nothing to edit; the editor is told so.
        if guest.client.edit(document, std::slice::from_ref(&splice)).is_err() {
            assert_eq!(guest.client.sync_state(document), Some(SyncState::Opening));
            return;
        }
        self.marks.extend(insert.chars().filter(|mark| is_mark(*mark)));
        apply_to_editor(guest.editors.get_mut(&document).unwrap(), &splice);
        self.happened.typed += u64::from(!splice.insert.is_empty());
        self.happened.deleted += u64::from(splice.delete > 0);
        self.happened.typed_offline += u64::from(*guest.client.phase() != Phase::Live);
        if self.random.one_in(12) {
            self.close(number, document);
            self.happened.closed_while_typing += 1;
        }
    }

    fn next_text(&mut self) -> String {
        let piece = *self.random.pick(&[
            "x",
            "word ",
            "\n",
            "\u{1f600}",
            "é\u{301}",
            "a\n\tb\n",
            "日本",
            "\u{1f468}\u{200d}\u{1f469}",
        ]);
        self.next_mark += 1;
        let mark = char::from_u32(0xe000 + self.next_mark).unwrap();
        format!("{piece}{mark}")
    }

    fn close(&mut self, number: usize, document: DocumentId) {
        let guest = &mut self.guests[number];
        guest.editors.remove(&document);
        guest.client.close(document);
        self.happened.closed_by_guest += 1;
    }

    /// One random step.
    fn step(&mut self) {
        let number = self.random.below(self.guests.len());
        match self.random.below(60) {
            0 => self.cut(number),
            1..=3 if self.guests[number].line.is_none() => {
                if self.happened.typed > 0 && *self.guests[number].client.phase() == Phase::Offline {
                    self.happened.joined_late += 1;
                }
                self.connect(number);
            }
            1 => {
                self.guests[number].stalled = true;
                self.happened.stalls += 1;
            }
            2..=3 => self.guests[number].stalled = false,
            4 if self.random.one_in(3) => self.flip_role(number),
            5 if self.random.one_in(3) => {
                let document = *self.random.pick(&[DocumentId(1), DocumentId(2)]);
                self.host.renew(document);
            }
            5 => self.host.checkpoint(DocumentId(1)),
            6 => self.change_on_disk(),
            7 if self.random.one_in(2) => {
                let open: Vec<DocumentId> = self.guests[number].editors.keys().copied().collect();
                if let Some(document) = open.first() {
                    self.close(number, *document);
                }
            }
            8..=10 => self.open(number),
            11 => {
                let open: Vec<DocumentId> = self.guests[number].editors.keys().copied().collect();
                open.into_iter().for_each(|document| self.guests[number].client.save(document));
            }
            12..=25 => self.type_something(number),
            26..=30 => self.show_incoming(number),
            _ => {
                self.pump(number);
                let way = if self.random.one_in(2) { Way::ToHost } else { Way::ToGuest };
                self.deliver(number, way);
            }
        }
    }

    fn open(&mut self, number: usize) {
        let path = *self.random.pick(&PATHS);
        self.guests[number].client.open(WorkspacePath::parse(path).unwrap());
        self.happened.reopened += u64::from(self.happened.closed_by_guest > 0);
        self.drain_events(number);
    }

    fn flip_role(&mut self, number: usize) {
        let Some(line) = self.guests[number].line else { return };
        let Some(role) = self.host.participant(line).map(|participant| participant.role) else { return };
        self.host.set_role(line, if role == Role::Editor { Role::Viewer } else { Role::Editor });
        self.happened.role_flips += 1;
    }

    fn change_on_disk(&mut self) {
        let mark = self.next_text();
        let (keeps, mut random) = (self.keeps, self.random.clone());
        self.marks.extend(mark.chars().filter(|mark| is_mark(*mark)));
        self.host.change_on_disk(DocumentId(1), |text| {
            let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
            let at = random.below(lines.len() + 1);
            if !keeps && at < lines.len() && random.one_in(2) {
                lines[at] = format!("{mark}\n");
            } else {
                lines.insert(at, format!("{mark}\n"));
            }
            lines.concat()
        });
        self.random = random;
    }

    /// Fills the lanes of a guest that does not read beyond their bound, and takes the text away again.
    fn flood(&mut self, number: usize) {
        self.guests[number].stalled = true;
        for _ in 0..4 {
            // Nothing that packing makes smaller.
            let letters: String =
                (0..FLOOD_UNITS).map(|_| char::from(b'a' + self.random.below(26) as u8)).collect();
            let noise = format!("{letters}\n");
            self.host.checkpoint(DocumentId(1));
            self.host.change_on_disk(DocumentId(1), |text| format!("{text}{noise}"));
            self.host.change_on_disk(DocumentId(1), |text| text.replace(&noise, ""));
        }
    }

    /// Everybody comes back, everything is delivered, and there is nothing left to say.
    fn settle(&mut self) {
        for number in 0..self.guests.len() {
            self.guests[number].stalled = false;
            if self.guests[number].line.is_none() {
                self.connect(number);
            }
        }
        let mut opened = false;
        loop {
            let mut moved = false;
            for number in 0..self.guests.len() {
                self.show_incoming(number);
                self.pump(number);
                while self.deliver(number, Way::ToHost) || self.deliver(number, Way::ToGuest) {
                    moved = true;
                    self.pump(number);
                }
            }
            if moved {
                continue;
            }
            if opened {
                break;
            }
            opened = true;
            for number in 0..self.guests.len() {
                for path in PATHS {
                    self.guests[number].client.open(WorkspacePath::parse(path).unwrap());
                }
                self.drain_events(number);
            }
        }
    }

    fn check(&self) {
        let seed = self.seed;
        let mut everything = String::new();
        for document in [DocumentId(1), DocumentId(2)] {
            let text = self.host.text(document);
            for (number, guest) in self.guests.iter().enumerate() {
                assert_eq!(*guest.client.phase(), Phase::Live, "seed {seed}, guest {number}");
                assert_eq!(self.host.diverged, 0, "seed {seed}: a text was taken for another");
                let Some(open) = guest.client.document(document) else {
                    panic!("seed {seed}, guest {number}: {document} is not open")
                };
                assert_eq!(open.document().text(), text, "seed {seed}, guest {number}, {document}");
                let state = guest.client.sync_state(document);
                let rests = matches!(state, Some(SyncState::Synced | SyncState::Saved));
                assert!(rests, "seed {seed}, guest {number}, {document}: {state:?}");
                assert_eq!(
                    open.document().state_vector().len(),
                    self.state_vector_len(document),
                    "seed {seed}"
                );
                let editor = &guest.editors[&document];
                assert_eq!(String::from_utf16(editor).unwrap(), text, "seed {seed}, guest {number}: editor");
            }
            for mark in text.chars().filter(|mark| is_mark(*mark)) {
                assert_eq!(text.matches(mark).count(), 1, "seed {seed}, {document}: {mark:?} arrived twice");
            }
            everything.push_str(&text);
        }
        if self.keeps {
            self.guests.iter().for_each(|guest| everything.push_str(&guest.lost));
            let there: BTreeSet<char> = everything.chars().filter(|mark| is_mark(*mark)).collect();
            let missing: Vec<&char> = self.marks.difference(&there).collect();
            assert!(missing.is_empty(), "seed {seed}: typed and gone: {missing:?}");
        }
    }

    fn state_vector_len(&self, document: DocumentId) -> usize {
        self.host.documents[&document].document.state_vector().len()
    }
}

fn is_mark(mark: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&mark)
}

fn play(seed: u64) -> (String, Happened, Counters) {
    let mut world = World::new(seed);
    let floods = seed % 32 == 5;
    // The first half is there from the start.
    for number in 0..world.guests.len() {
        if number % 2 == 0 {
            world.connect(number);
        }
        for path in PATHS {
            world.guests[number].client.open(WorkspacePath::parse(path).unwrap());
        }
    }
    let steps = 150 + world.random.below(250);
    for step in 0..steps {
        world.now += Duration::from_millis(20);
        if floods && step == steps / 2 {
            let live = (0..world.guests.len()).find(|number| !world.guests[*number].editors.is_empty());
            world.flood(live.unwrap_or_default());
        }
        world.step();
    }
    world.settle();
    world.check();
    world.happened.marks += world.marks.len() as u64;
    let texts = [DocumentId(1), DocumentId(2)].map(|document| world.host.text(document));
    (texts.concat(), world.happened, world.host.counters)
}

macro_rules! sum {
    ($into:expr, $from:expr, $type:ident { $($field:ident),* $(,)? }) => {{
        let $type { $($field),* } = $from;
        $($into.$field += $field;)*
        [$((stringify!($field), $into.$field)),*]
    }};
}

#[test]
fn replicas_agree_at_rest_whatever_happens_on_the_way() {
    if let Ok(seed) = std::env::var("PARLOR_ONLY_SEED") {
        let (text, happened, counters) = play(seed.parse().expect("PARLOR_ONLY_SEED is a number"));
        println!("{text:?}\n{happened:#?}\n{counters:#?}");
        return;
    }
    let (mut happened, mut counters) = (Happened::default(), Counters::default());
    let mut totals = Vec::new();
    for seed in 0..SEEDS {
        let result = std::panic::catch_unwind(|| play(seed));
        let Ok((_, of_guests, of_host)) = result else {
            panic!("seed {seed} failed: PARLOR_ONLY_SEED={seed} plays it again");
        };
        totals.clear();
        totals.extend(sum!(
            happened,
            of_guests,
            Happened {
                typed,
                deleted,
                remote_changes,
                cuts,
                half_open,
                stalls,
                role_flips,
                replaced,
                lost_texts,
                closed_by_guest,
                closed_while_typing,
                typed_offline,
                reopened,
                joined_late,
                marks,
            }
        ));
        totals.extend(sum!(
            counters,
            of_host,
            Counters {
                handshakes,
                resumed,
                known_replicas,
                updates,
                fanned_out,
                refused,
                after_refusal,
                overflows,
                stale,
                resyncs,
                syncs,
                disk_changes,
                closes,
                verified,
                saves,
                renewals,
                of_a_past_epoch,
                caught_up,
            }
        ));
    }
    println!("{SEEDS} seeds: {totals:?}");
    for (name, count) in totals {
        assert!(count > 0, "{name} never happened: the simulation does not test it");
    }
}

#[test]
fn a_seed_plays_the_same_way_twice() {
    for seed in [3, 5, 77] {
        assert_eq!(play(seed), play(seed), "seed {seed}");
    }
}
