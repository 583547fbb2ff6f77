//! The world of a simulation: a machine with an agent, guests, and the network between them, in one simulated time.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_shared::client::Phase;
use parlor_shared::role::Role;

use super::disturbance;
use super::guest::Guest;
use super::ledger::Ledger;
use super::machine::Machine;
use super::network::{Lateness, Line};
use super::plan::{Damage, Setting, Told, Way};
use super::random::Random;
use super::record::Record;

/// Every so often the agent is told to look at everything, as its watcher does where a system's news may be lost.
const LOOK_AT_EVERYTHING: Duration = Duration::from_secs(10);

/// The shortest step of time; timers of the agent have no finer one.
pub(crate) const STEP: Duration = Duration::from_millis(1);

/// The longest: no heartbeat is missed for longer.
const LONGEST_STEP: Duration = Duration::from_secs(5);

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
    pub(crate) tellings: Vec<(Duration, &'static str)>,
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
            disturbance::take_disturbed().into_iter().for_each(|what| self.record.count(what));
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
    pub(crate) fn exchange(&mut self) -> Result<bool, String> {
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

    pub(crate) fn line(&mut self, number: usize) -> Option<&mut Line> {
        self.lines.get_mut(&self.guests[number].line?)
    }

    fn is_due_for(&mut self, number: usize) -> bool {
        let (now, stalled) = (self.now, self.guests[number].stalled);
        !stalled
            && self.line(number).and_then(|line| line.next_due(Way::ToGuest)).is_some_and(|due| due <= now)
    }

    /// Puts what a guest has to say onto the wire.
    pub(crate) fn send(&mut self, number: usize) -> bool {
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

    pub(crate) fn deliver_to_guest(&mut self, number: usize) -> Result<bool, String> {
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

    pub(crate) fn cut(&mut self, number: usize, told: Told, arrive: usize) -> Result<(), String> {
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
}
