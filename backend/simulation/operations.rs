//! What each operation of a plan does to the world.

use std::collections::HashSet;
use std::time::Duration;

use parlor_shared::document::{Splice, utf16_len};
use parlor_shared::message::{NewEntry, SessionToHost, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;

use super::guest::Guest;
use super::ledger::{Writer, marks};
use super::network::Lateness;
use super::plan::{Change, Damage, FILES, Operation, Trouble, Way};
use super::random::Random;
use super::world::{STEP, World};

/// Steps within which a file that somebody types into is written.
const CHECKPOINT_SOON: u32 = 600;

/// What is typed, before its mark: plain, long, across lines, outside the plane that UTF-16 holds in one unit, combining.
const PIECES: [&str; 10] = [
    "x",
    "word ",
    "\n",
    "\u{1f600}",
    "e\u{301}",
    "a\n\tb\n",
    "日本",
    "\u{1f468}\u{200d}\u{1f469}",
    "",
    "  // ",
];

/// Written three times, more than the lane of a guest that does not read takes, even if the first is on its way.
const FLOOD_BYTES: usize = 600_000;

impl World {
    /// Does what a plan says, if it can be done.
    pub(crate) fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        self.record.note(|| format!("{operation:?}"));
        match *operation {
            Operation::Connect { guest, latency, jitter } => {
                self.connect(guest, Lateness { latency, jitter })
            }
            Operation::Cut { guest, told, arrive } => self.cut(guest, told, arrive),
            Operation::Stall { guest } => {
                if self.guests[guest].line.is_some() {
                    self.guests[guest].stalled = true;
                    self.record.count("stalled");
                }
                Ok(())
            }
            Operation::Unstall { guest } => {
                self.guests[guest].stalled = false;
                Ok(())
            }
            Operation::Deliver { guest, way, messages, polls } => self.deliver(guest, way, messages, polls),
            Operation::Damage { guest, way, message, damage } => self.damage(guest, way, message, damage),
            Operation::Type { guest, file, at, piece } => {
                let piece = PIECES[piece % PIECES.len()].to_owned();
                self.edit(guest, file, at, 0, Some(piece), "typed")
            }
            Operation::Paste { guest, file, at, lines } => {
                let pasted = "pasted line\n".repeat(lines);
                self.edit(guest, file, at, 0, Some(pasted), "pasted")
            }
            Operation::Delete { guest, file, at, characters } => {
                self.edit(guest, file, at, characters, None, "deleted")
            }
            Operation::TakeBack { guest, file } => self.take_back(guest, file),
            Operation::Show { guest } => self.guests[guest].show(&mut self.ledger, &mut self.record),
            Operation::Open { guest, file } => {
                self.guests[guest].client.open(path(file));
                self.guests[guest].take_events(&mut self.ledger, &mut self.record)
            }
            Operation::Close { guest, file } => self.close(guest, file),
            Operation::Save { guest, file } => {
                if let Some(document) = self.guests[guest].document(file) {
                    self.guests[guest].client.save(document);
                    self.record.count("saved by hand");
                }
                Ok(())
            }
            Operation::Create { guest, file } => {
                let create =
                    |request| WorkspaceToHost::Create { request, path: path(file), entry: NewEntry::File };
                self.manage(guest, "entries created", create)
            }
            Operation::Rename { guest, from, to } => {
                let rename = |request| WorkspaceToHost::Rename { request, from: path(from), to: path(to) };
                self.manage(guest, "entries renamed", rename)
            }
            Operation::Remove { guest, file } => {
                let remove = |request| WorkspaceToHost::Delete { request, path: path(file) };
                self.manage(guest, "entries removed", remove)
            }
            Operation::Role { guest } => self.change_role(guest),
            Operation::Outside { file, change, at, told } => {
                self.outside(file, change, at, told);
                Ok(())
            }
            Operation::Trouble { file, trouble } => {
                if self.machine.trouble(file, trouble) {
                    self.record.count(match trouble {
                        Trouble::Folder => "trouble: folder",
                        Trouble::ReadOnly => "trouble: read-only",
                        Trouble::NoParent => "trouble: no parent",
                    });
                    self.tell_later(file, 5);
                }
                Ok(())
            }
            Operation::Relieve { file } => {
                self.relieve(file);
                Ok(())
            }
            Operation::LoseState => {
                if self.machine.lose_state() {
                    self.record.count("trouble: state lost");
                }
                Ok(())
            }
            Operation::GiveStateBack => {
                self.machine.give_state_back();
                Ok(())
            }
            Operation::Flood { guest } => self.flood(guest),
            Operation::Pass { time } => {
                if time >= 600_000 {
                    self.record.count("hours");
                }
                self.pass(Duration::from_millis(u64::from(time)))
            }
            Operation::Kill { polls, torn } => {
                self.exchange()?;
                self.kill(polls, torn)
            }
            Operation::KillAtCheckpoint { file, polls } => self.kill_at_checkpoint(file, polls),
            Operation::DisturbSave { step, fate } => {
                self.machine.disturb_save(step, fate);
                Ok(())
            }
            Operation::Restart => self.restart(),
            Operation::Reload { guest } => self.reload(guest),
            Operation::Rest => self.rest(),
        }
    }

    fn deliver(&mut self, number: usize, way: Way, messages: usize, polls: u32) -> Result<(), String> {
        self.send(number);
        for _ in 0..messages {
            match way {
                Way::ToGuest => {
                    let now = self.now;
                    if let Some(line) = self.line(number) {
                        line.collect(now);
                    }
                    self.deliver_to_guest(number)?;
                }
                Way::ToHost => {
                    if let Some(line) = self.line(number) {
                        line.deliver_to_host();
                    }
                }
            }
            self.machine.poll(polls, self.now);
        }
        Ok(())
    }

    fn damage(&mut self, number: usize, way: Way, message: usize, damage: Damage) -> Result<(), String> {
        self.exchange()?;
        if let Some(line) = self.line(number) {
            line.damage(way, message, damage);
        }
        Ok(())
    }

    /// Edits at a place of a text, at borders of characters.
    fn edit(
        &mut self,
        number: usize,
        file: usize,
        at: u16,
        delete: usize,
        insert: Option<String>,
        what: &str,
    ) -> Result<(), String> {
        self.guests[number].show(&mut self.ledger, &mut self.record)?;
        let guest = &self.guests[number];
        // A page that does not know yet that it may only look: seldom, since each time the text is taken back.
        let viewer = guest.client.role() == Role::Viewer;
        if viewer && !at.is_multiple_of(4) {
            return Ok(());
        }
        let Some(document) = guest.document(file) else { return Ok(()) };
        let text = guest.client.document(document).expect("it was just found").document().text();
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let start = place(at, borders.len());
        let (start, end) = (borders[start], borders[(start + delete).min(borders.len() - 1)]);
        self.splice(number, file, &text, (start, end), insert, what)
    }

    fn take_back(&mut self, number: usize, file: usize) -> Result<(), String> {
        self.guests[number].show(&mut self.ledger, &mut self.record)?;
        let guest = &self.guests[number];
        let Some(document) = guest.document(file) else { return Ok(()) };
        if guest.client.role() == Role::Viewer {
            return Ok(());
        }
        let text = guest.client.document(document).expect("it was just found").document().text();
        let Some(mark) = self.ledger.last_of(Writer::Guest(number, guest.life), &text) else { return Ok(()) };
        let start = text.find(mark).expect("it is in the text");
        self.splice(number, file, &text, (start, start + mark.len_utf8()), None, "taken back")
    }

    fn splice(
        &mut self,
        number: usize,
        file: usize,
        text: &str,
        (start, end): (usize, usize),
        insert: Option<String>,
        what: &str,
    ) -> Result<(), String> {
        let guest = &self.guests[number];
        let Some(document) = guest.document(file) else { return Ok(()) };
        let by = if guest.is_viewer() { Writer::Viewer } else { Writer::Guest(number, guest.life) };
        let insert = insert.map(|insert| {
            let mark = self.ledger.write(by, file);
            format!("{insert}{mark}")
        });
        let splice = Splice {
            at: utf16_len(&text[..start]),
            delete: utf16_len(&text[start..end]),
            insert: insert.unwrap_or_default(),
        };
        let guest = &mut self.guests[number];
        if !guest.edit(document, &splice, marks(&splice.insert)) {
            // Its new text is on its way: there is nothing to type into, and the editor says so.
            self.ledger.delete(&splice.insert);
            self.record.count("typed into nothing");
            return Ok(());
        }
        if by != Writer::Viewer {
            self.ledger.delete(&text[start..end]);
        }
        self.record.count(what);
        if !guest.is_live() {
            self.record.count("typed while away");
        }
        if guest.client.role() == Role::Viewer {
            self.record.count("typed by a viewer");
        }
        self.guests[number].take_events(&mut self.ledger, &mut self.record)
    }

    fn close(&mut self, number: usize, file: usize) -> Result<(), String> {
        let guest = &mut self.guests[number];
        let Some(document) = guest.document(file) else { return Ok(()) };
        self.record.count("closed by the guest");
        if guest.owes() {
            self.record.count("closed with edits under way");
        }
        guest.close(document);
        guest.take_events(&mut self.ledger, &mut self.record)
    }

    fn manage(
        &mut self,
        number: usize,
        what: &str,
        message: impl FnOnce(parlor_shared::id::RequestId) -> WorkspaceToHost,
    ) -> Result<(), String> {
        let guest = &mut self.guests[number];
        if guest.is_live() && !guest.is_viewer() {
            self.record.count(what);
        }
        guest.client.workspace(message);
        guest.take_events(&mut self.ledger, &mut self.record)
    }

    fn change_role(&mut self, number: usize) -> Result<(), String> {
        let target = &self.guests[number];
        let role = if target.client.role() == Role::Viewer { Role::Editor } else { Role::Viewer };
        let Some(participant) = target.client.membership().map(|membership| membership.me) else {
            return Ok(());
        };
        if number == 0 || target.is_viewer() || !self.guests[0].is_live() {
            return Ok(());
        }
        self.record.count("roles changed");
        let host = &mut self.guests[0];
        host.client.administer(|request| SessionToHost::SetRole { request, participant, role });
        host.take_events(&mut self.ledger, &mut self.record)
    }

    fn outside(&mut self, file: usize, change: Change, at: u16, told: Option<u32>) {
        let Some(text) = self.machine.read(file) else { return };
        // What another program makes of a file that is torn, nobody can tell apart again.
        let mut seen = HashSet::new();
        let is_half_written = marks(&text).any(|mark| !seen.insert(mark));
        if (self.machine.is_torn() || is_half_written) && change != Change::AppendHeld {
            return;
        }
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let at = place(at, lines.len() + 1);
        let ledger = &mut self.ledger;
        let mut line = || format!("outside {}{end}", ledger.write(Writer::Outside, file));
        let (removed, what) = match change {
            Change::AppendHeld => {
                let line = line();
                self.record.count("outside: append by a program that holds the file");
                self.machine.append_held(file, &line, self.now);
                if let Some(after) = told {
                    self.tell_later(file, after);
                }
                return;
            }
            Change::Append => {
                lines.push(line());
                (String::new(), "outside: append")
            }
            Change::InsertLine => {
                lines.insert(at, line());
                (String::new(), "outside: insert line")
            }
            Change::ReplaceLine | Change::Replace if at < lines.len() => {
                let line = line();
                let removed = std::mem::replace(&mut lines[at], line);
                (
                    removed,
                    if change == Change::Replace { "outside: replace" } else { "outside: replace line" },
                )
            }
            Change::DeleteLines => {
                let removed: String = lines.drain(at..(at + 3).min(lines.len())).collect();
                (removed, "outside: delete lines")
            }
            Change::Truncate => (lines.drain(..).collect(), "outside: truncate"),
            Change::ReplaceLine | Change::Replace => return,
        };
        self.ledger.delete(&removed);
        self.record.count(what);
        let text = lines.concat();
        if change == Change::Replace {
            self.machine.replace(file, &text, self.now);
        } else {
            self.machine.overwrite(file, &text, self.now);
        }
        match told {
            Some(after) => self.tell_later(file, after),
            None => self.record.count("outside, never told"),
        }
    }

    fn tell_later(&mut self, file: usize, after: u32) {
        let folder = FILES[file].rsplit_once('/').map_or("", |(folder, _)| folder);
        self.tellings.push((self.now + Duration::from_millis(u64::from(after)), folder));
    }

    pub(crate) fn relieve(&mut self, file: usize) {
        if self.machine.relieve(file).is_some() {
            self.record.count("relieved");
            self.tell_later(file, 5);
        }
    }

    /// Fills the lane of a guest that does not read beyond its bound, and takes the text away again.
    fn flood(&mut self, number: usize) -> Result<(), String> {
        if self.guests[number].line.is_none() || self.machine.read(0).is_none() {
            return Ok(());
        }
        self.guests[number].stalled = true;
        self.record.count("flooded");
        for round in 0..3 {
            let Some(text) = self.machine.read(0) else { return Ok(()) };
            // Nothing in it repeats: what repeats is sent short.
            let mut random = Random::new(round);
            let mut line =
                || format!("flood {:016x}{:016x}{:016x}\n", random.next(), random.next(), random.next());
            let noise: Vec<String> = (0..FLOOD_BYTES / 55).map(|_| line()).collect();
            self.machine.overwrite(0, &format!("{}{text}", noise.concat()), self.now);
            self.machine.tell(Some(""));
            self.pass(Duration::from_millis(700))?;
            let Some(text) = self.machine.read(0) else { return Ok(()) };
            let noise: HashSet<String> = noise.into_iter().collect();
            let rest: String = text.split_inclusive('\n').filter(|line| !noise.contains(*line)).collect();
            self.machine.overwrite(0, &rest, self.now);
            self.machine.tell(Some(""));
            self.pass(Duration::from_millis(2_000))?;
        }
        Ok(())
    }

    fn kill(&mut self, polls: u32, torn: usize) -> Result<(), String> {
        if !self.machine.is_up() {
            return Ok(());
        }
        self.machine.poll(polls, self.now);
        self.record.count("agent killed");
        let owes = self.guests.iter().any(Guest::owes);
        if owes {
            self.record.count("agent killed, edits unsaved");
        }
        if self.machine.has_lost_state() {
            self.ledger.without_journal();
        }
        self.machine.kill();
        if self.machine.tear_journal(torn) {
            self.record.count("agent killed, a record torn");
        }
        // What the system had taken from it still arrives.
        self.exchange()?;
        Ok(())
    }

    fn kill_at_checkpoint(&mut self, file: usize, polls: u32) -> Result<(), String> {
        for _ in 0..CHECKPOINT_SOON {
            if !self.machine.is_up() {
                return Ok(());
            }
            self.exchange()?;
            let written = self.machine.pass_until_written(file, STEP, self.now);
            self.now += STEP;
            if written {
                self.record.count("agent killed in the midst of a checkpoint");
                return self.kill(polls, 0);
            }
        }
        Ok(())
    }

    pub(crate) fn restart(&mut self) -> Result<(), String> {
        if !self.machine.is_up() {
            // Without it nothing is shared.
            if self.machine.give_state_back() {
                self.record.count("agent killed, state lost");
            }
            self.machine.start(self.now)?;
            self.record.count("agent restarted");
        }
        Ok(())
    }

    fn reload(&mut self, number: usize) -> Result<(), String> {
        self.record.count("reloaded");
        if self.guests[number].owes() {
            self.record.count("reloaded with edits under way");
        }
        if let Some(line) = self.line(number) {
            line.close_for_host();
        }
        self.guests[number].line = None;
        self.guests[number].reload();
        Ok(())
    }
}

pub(crate) fn path(file: usize) -> WorkspacePath {
    WorkspacePath::parse(FILES[file]).expect("the files' names are paths")
}

/// A place among so many.
fn place(at: u16, places: usize) -> usize {
    (usize::from(at) * places) >> 16
}
