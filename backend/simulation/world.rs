//! The world of a simulation: a machine with an agent, guests, and the network between them, in one simulated time.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_shared::client::Phase;
use parlor_shared::document::{Splice, utf16_len};
use parlor_shared::message::{NewEntry, SessionToHost, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;

use super::guest::Guest;
use super::ledger::{Ledger, Writer, marks};
use super::machine::Machine;
use super::network::{Lateness, Line};
use super::plan::{Change, Damage, FILES, KEPT_FILES, Operation, Setting, Told, Trouble, Way};
use super::random::Random;
use super::record::Record;

/// Every so often the agent is told to look at everything, as its watcher does where a system's news may be lost.
const LOOK_AT_EVERYTHING: Duration = Duration::from_secs(10);

/// The shortest step of time; timers of the agent have no finer one.
const STEP: Duration = Duration::from_millis(1);

/// The longest: no heartbeat is missed for longer.
const LONGEST_STEP: Duration = Duration::from_secs(5);

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

/// Everything.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) guests: Vec<Guest>,
    pub(crate) lines: BTreeMap<usize, Line>,
    pub(crate) ledger: Ledger,
    pub(crate) record: Record,
    pub(crate) now: Duration,
    seed: u64,
    last_line: usize,
    /// What the agent is told when.
    tellings: Vec<(Duration, &'static str)>,
    look_at: Duration,
}

impl World {
    /// A world in which the agent just started.
    pub(crate) fn new(setting: Setting, record: Record) -> Result<Self, String> {
        let mut machine = Machine::new();
        machine.start(Duration::ZERO)?;
        let [host, editor, viewer] = [Role::Host, Role::Editor, Role::Viewer].map(|role| {
            let link = machine.links.iter().find(|(granted, _)| *granted == role);
            link.expect("there is a link for each role").1.clone()
        });
        let guests = (0..setting.guests).map(|number| {
            let invite = match number {
                0 => &host,
                last if last + 1 == setting.guests => &viewer,
                _ => &editor,
            };
            Guest::new(number, invite.clone())
        });
        Ok(Self {
            guests: guests.collect(),
            machine,
            lines: BTreeMap::new(),
            ledger: Ledger::default(),
            record,
            now: Duration::ZERO,
            seed: setting.seed,
            last_line: 0,
            tellings: Vec::new(),
            look_at: LOOK_AT_EVERYTHING,
        })
    }

    // Time and the network.

    /// Lets time pass for everybody.
    pub(crate) fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        let longest = (time / 40).clamp(20 * STEP, LONGEST_STEP);
        loop {
            let moved = self.exchange()?;
            if self.now >= end {
                return Ok(());
            }
            let step = if moved { STEP } else { self.until_next().clamp(STEP, longest) };
            let step = step.min(end - self.now);
            self.machine.pass(step, self.now);
            self.now += step;
            for number in 0..self.guests.len() {
                self.guests[number].client.tick(self.now);
                self.notice(number)?;
            }
            if self.now >= self.look_at {
                self.look_at = self.now + LOOK_AT_EVERYTHING;
                self.machine.tell(None);
            }
            let due: Vec<_> = self.tellings.extract_if(.., |(due, _)| *due <= self.now).collect();
            due.into_iter().for_each(|(_, folder)| self.machine.tell(Some(folder)));
        }
    }

    /// How long until something is due. What was due already and was not done waits for something else.
    fn until_next(&self) -> Duration {
        let to_host = self.lines.values().map(|line| line.next_due(Way::ToHost));
        let guests = self.guests.iter().flat_map(|guest| {
            let line = guest.line.filter(|_| !guest.stalled).and_then(|line| self.lines.get(&line));
            [guest.client.next_wake(), line.and_then(|line| line.next_due(Way::ToGuest))]
        });
        let tellings = self.tellings.iter().map(|(due, _)| Some(*due));
        let next = to_host.chain(guests).chain(tellings).flatten().filter(|due| *due > self.now).min();
        next.map_or(LONGEST_STEP, |next| next - self.now)
    }

    /// Moves what is due. Says whether anything moved.
    fn exchange(&mut self) -> Result<bool, String> {
        let mut moved = false;
        for number in 0..self.guests.len() {
            moved |= self.send(number);
        }
        for line in self.lines.values_mut() {
            moved |= line.collect(self.now) > 0;
            for damage in line.damaged.drain(..) {
                self.record.count(match damage {
                    Damage::Duplicate => "damaged: duplicate",
                    Damage::Flip(_) => "damaged: flip",
                    Damage::Truncate(_) => "damaged: truncate",
                    Damage::Lose => "damaged: lose",
                });
            }
            while line.next_due(Way::ToHost).is_some_and(|due| due <= self.now) {
                moved |= line.deliver_to_host().is_some();
            }
        }
        for number in 0..self.guests.len() {
            while self.is_due_for(number) {
                moved |= self.deliver_to_guest(number)?;
            }
            if self.line(number).is_some_and(|line| line.is_over_for_guest()) {
                self.disconnect(number)?;
            }
        }
        let used = |number: &usize| self.guests.iter().any(|guest| guest.line == Some(*number));
        let over: Vec<usize> =
            self.lines.iter().filter(|(_, line)| line.is_given_up()).map(|(number, _)| *number).collect();
        for number in over.iter().filter(|number| !used(number)) {
            self.lines.remove(number);
        }
        Ok(moved)
    }

    fn line(&mut self, number: usize) -> Option<&mut Line> {
        self.lines.get_mut(&self.guests[number].line?)
    }

    fn is_due_for(&mut self, number: usize) -> bool {
        let (now, stalled) = (self.now, self.guests[number].stalled);
        !stalled
            && self.line(number).and_then(|line| line.next_due(Way::ToGuest)).is_some_and(|due| due <= now)
    }

    /// Puts what a guest has to say onto the wire.
    fn send(&mut self, number: usize) -> bool {
        let now = self.now;
        let guest = &mut self.guests[number];
        let Some(line) = guest.line.and_then(|line| self.lines.get_mut(&line)) else { return false };
        let mut sent = false;
        while line.has_room()
            && let Some(message) = guest.client.poll_transmit(now)
        {
            self.record.note(|| format!("guest {number} sends {} at {now:?}", message.len()));
            line.send(message, now);
            sent = true;
        }
        sent
    }

    fn deliver_to_guest(&mut self, number: usize) -> Result<bool, String> {
        let now = self.now;
        let Some(message) = self.line(number).and_then(Line::take_for_guest) else { return Ok(false) };
        self.record.note(|| format!("guest {number} receives {} at {now:?}", message.len()));
        self.guests[number].client.receive(&message, now);
        self.notice(number)?;
        Ok(true)
    }

    /// Takes in what a guest's client says; closes its connection if it is done with it.
    fn notice(&mut self, number: usize) -> Result<(), String> {
        let guest = &mut self.guests[number];
        guest.take_events(&mut self.ledger, &mut self.record)?;
        if *guest.client.phase() == Phase::Offline
            && let Some(line) = guest.line.take().and_then(|line| self.lines.get_mut(&line))
        {
            line.close_for_host();
        }
        Ok(())
    }

    /// A guest learns that its connection is gone.
    pub(crate) fn disconnect(&mut self, number: usize) -> Result<(), String> {
        let guest = &mut self.guests[number];
        guest.line = None;
        guest.client.disconnected();
        guest.take_events(&mut self.ledger, &mut self.record)
    }

    /// Opens a connection, if the guest has none and there is an agent.
    pub(crate) fn connect(&mut self, number: usize, lateness: Lateness) -> Result<(), String> {
        if self.guests[number].line.is_some() {
            return Ok(());
        }
        if !self.machine.is_up() {
            self.record.count("connections refused, no agent");
            return Ok(());
        }
        self.record.count("connected");
        self.last_line += 1;
        let random = Random::new(self.seed ^ ((self.last_line as u64) << 32));
        let (line, transport) = Line::new(lateness, random);
        self.lines.insert(self.last_line, line);
        self.machine.serve(transport);
        let guest = &mut self.guests[number];
        guest.line = Some(self.last_line);
        guest.client.connected(self.now);
        guest.take_events(&mut self.ledger, &mut self.record)
    }

    fn cut(&mut self, number: usize, told: Told, arrive: usize) -> Result<(), String> {
        let Some(line_number) = self.guests[number].line else { return Ok(()) };
        self.exchange()?;
        for _ in 0..arrive {
            self.deliver_to_guest(number)?;
            if let Some(line) = self.line(number) {
                line.deliver_to_host();
            }
        }
        let Some(line) = self.lines.get_mut(&line_number) else { return Ok(()) };
        self.record.count(match told {
            Told::Both => "cut",
            Told::Guest => "cut, host not told",
            Told::Host => "cut, guest not told",
            Told::Nobody => "cut, nobody told",
        });
        match told {
            Told::Both | Told::Host => line.close_for_host(),
            Told::Guest | Told::Nobody => line.die(),
        }
        if matches!(told, Told::Both | Told::Guest) && self.guests[number].line.is_some() {
            self.disconnect(number)?;
        }
        Ok(())
    }

    // What happens.

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
            Operation::Flood { guest } => self.flood(guest),
            Operation::Pass { time } => {
                if time >= 600_000 {
                    self.record.count("hours");
                }
                self.pass(Duration::from_millis(u64::from(time)))
            }
            Operation::Kill { polls, torn } => self.kill(polls, torn),
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
        if viewer && at % 4 > 0 {
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
            let mark = self.ledger.write(by, file < KEPT_FILES);
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
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let at = place(at, lines.len() + 1);
        let ledger = &mut self.ledger;
        let mut line = || format!("outside {}{end}", ledger.write(Writer::Outside, file < KEPT_FILES));
        let (removed, what) = match change {
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
            let noise = format!("flood {round}\n").repeat(FLOOD_BYTES / 8);
            self.machine.overwrite(0, &format!("{noise}{text}"), self.now);
            self.machine.tell(Some(""));
            self.pass(Duration::from_millis(700))?;
            let Some(text) = self.machine.read(0) else { return Ok(()) };
            self.machine.overwrite(0, &text.replace(&format!("flood {round}\n"), ""), self.now);
            self.machine.tell(Some(""));
            self.pass(Duration::from_millis(2_000))?;
        }
        Ok(())
    }

    fn kill(&mut self, polls: u32, torn: usize) -> Result<(), String> {
        if !self.machine.is_up() {
            return Ok(());
        }
        self.exchange()?;
        self.machine.poll(polls, self.now);
        self.record.count("agent killed");
        let owes = self.guests.iter().any(Guest::owes);
        if owes {
            self.record.count("agent killed, edits unsaved");
        }
        self.machine.kill();
        if self.machine.tear_journal(torn) {
            self.record.count("agent killed, a record torn");
        }
        // What the system had taken from it still arrives.
        self.exchange()?;
        Ok(())
    }

    pub(crate) fn restart(&mut self) -> Result<(), String> {
        if !self.machine.is_up() {
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
    usize::from(at) * places >> 16
}
