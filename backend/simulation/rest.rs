//! Rest: everybody comes back, everything is delivered, time passes; then all must agree.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor::agent::AgentEvent;
use parlor_shared::client::SyncState;
use parlor_shared::id::DocumentId;
use parlor_shared::role::Capability;

use super::guest::Guest;
use super::network::{Lateness, Line};
use super::operations::path;
use super::plan::{FILES, KEPT_FILES};
use super::record::Listening;
use super::world::World;

/// Everybody has found the way back and everything is saved by then: the slowest are two connections in a row that
/// nobody told of, each silent for 45 seconds, and a pause of 30 seconds before a checkpoint is tried again.
const PATIENCE: Duration = Duration::from_secs(240);

const STEP: Duration = Duration::from_millis(250);

/// Texts are compared with the host's every ten seconds; two rounds of that, and a safety look of the agent at the disk.
const PROOF: Duration = Duration::from_secs(25);

const PROMPT: Lateness = Lateness { latency: 3, jitter: 0 };

impl World {
    /// Brings everything to rest and checks it.
    pub(crate) fn rest(&mut self) -> Result<(), String> {
        self.record.count("rests");
        self.machine.calm();
        (0..KEPT_FILES).for_each(|file| self.relieve(file));
        self.machine.give_state_back();
        self.restart()?;
        self.guests.iter_mut().for_each(|guest| guest.stalled = false);
        let unsaved = |event: &AgentEvent| matches!(event, AgentEvent::Error { .. });
        let saved = |event: &AgentEvent| matches!(event, AgentEvent::Saved { .. });
        self.lines.values_mut().for_each(Line::calm);
        let patient_until = self.now + PATIENCE;
        // What breaks a connection may be noticed only when something is said: it has to last.
        loop {
            self.settle(patient_until)?;
            self.pass(PROOF)?;
            for guest in &mut self.guests {
                guest.show(&mut self.ledger, &mut self.record)?;
            }
            match self.is_settled() {
                Ok(()) => break,
                Err(why) if self.now >= patient_until => return Err(format!("no lasting rest: {why}")),
                Err(_) => {}
            }
        }
        let events = std::mem::take(&mut self.machine.events);
        self.record.add("checkpoints", events.iter().filter(|event| saved(event)).count() as u64);
        self.record.add("not saved", events.iter().filter(|event| unsaved(event)).count() as u64);
        self.check()
    }

    /// Lets time pass until everybody is there and has everything.
    fn settle(&mut self, patient_until: Duration) -> Result<(), String> {
        let mut why = String::new();
        while self.now < patient_until {
            for number in 0..self.guests.len() {
                self.connect(number, PROMPT)?;
                self.guests[number].show(&mut self.ledger, &mut self.record)?;
            }
            self.pass(STEP)?;
            match self.is_settled() {
                Ok(()) => return Ok(()),
                Err(not_yet) => why = not_yet,
            }
        }
        self.is_settled().map_err(|still| format!("no rest: {still} (before: {why})"))
    }

    /// Whether everybody is there, has every file open and knows it to be saved; asks for what is missing.
    fn is_settled(&mut self) -> Result<(), String> {
        let there = self.files_there();
        for guest in &mut self.guests {
            let number = guest.number;
            // Somebody who was cut off and not told takes old texts for those of now until it notices.
            if guest.line.and_then(|line| self.lines.get(&line)).is_none_or(|line| line.dead) {
                return Err(format!("guest {number} has not noticed that it was cut off"));
            }
            if !guest.is_live() {
                return Err(format!("guest {number} is {:?}", guest.client.phase()));
            }
            let mut not_open = None;
            for file in &there {
                if guest.document(*file).is_none() {
                    guest.client.open(path(*file));
                    not_open = Some(FILES[*file]);
                }
            }
            if let Some(file) = not_open {
                guest.take_events(&mut self.ledger, &mut self.record)?;
                return Err(format!("guest {number} has not opened {file}"));
            }
            let documents: Vec<DocumentId> = guest.shown().collect();
            for document in documents {
                match guest.client.sync_state(document) {
                    Some(SyncState::Synced | SyncState::Saved) => {}
                    // Whoever has it open brings the file back, if it may.
                    Some(SyncState::Gone) if !guest.client.role().allows(Capability::Save) => {}
                    Some(SyncState::Gone) => {
                        guest.client.save(document);
                        return Err(format!("guest {number} saves {document} again"));
                    }
                    state => return Err(format!("guest {number}, {document}: {state:?}")),
                }
            }
        }
        Ok(())
    }

    fn files_there(&self) -> Vec<usize> {
        (0..FILES.len()).filter(|file| self.machine.read(*file).is_some()).collect()
    }

    fn check(&self) -> Result<(), String> {
        if let Some(error) = Listening::first_error() {
            return Err(error);
        }
        let there = self.files_there();
        if let Some(missing) = (0..KEPT_FILES).find(|file| !there.contains(file)) {
            return Err(format!("{} is gone", FILES[missing]));
        }
        let mut texts = Vec::new();
        for file in there {
            let on_disk = self.machine.read(file).expect("it is there").replace("\r\n", "\n");
            for guest in &self.guests {
                let number = guest.number;
                let document = guest.document(file).ok_or("a document was closed at rest")?;
                let open = guest.client.document(document).ok_or("a document was closed at rest")?;
                let text = open.document().text();
                if text != on_disk {
                    let name = FILES[file];
                    return Err(format!("{name}: guest {number} has {text:?}, the disk {on_disk:?}"));
                }
            }
            texts.push(on_disk);
        }
        for guest in &self.guests {
            let paths: Vec<&str> = guest.client.documents().map(|open| open.info().path.as_str()).collect();
            let mut once = paths.clone();
            once.sort_unstable();
            once.dedup();
            if once.len() < paths.len() {
                return Err(format!("guest {} has a file open as two documents: {paths:?}", guest.number));
            }
        }
        let names: BTreeSet<String> = self.machine.names().into_iter().collect();
        for guest in &self.guests {
            if guest.names.as_ref() != Some(&names) {
                return Err(format!("guest {} sees {:?}, there are {names:?}", guest.number, guest.names));
            }
        }
        let lives: Vec<u32> = self.guests.iter().map(|guest| guest.life).collect();
        self.ledger.check(&texts, &lives)
    }

    /// Ends the session in order: the disk must have everything, and nothing may be left of it.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        self.rest()?;
        let before: Vec<Option<String>> = (0..FILES.len()).map(|file| self.machine.read(file)).collect();
        self.machine.end(self.now);
        let after: Vec<Option<String>> = (0..FILES.len()).map(|file| self.machine.read(file)).collect();
        if before != after {
            return Err("the end changed what was on the disk".to_owned());
        }
        if !self.machine.keeps_nothing() {
            return Err("something is left of a session that ended in order".to_owned());
        }
        if let Some(error) = Listening::first_error() {
            return Err(error);
        }
        self.record.add("guests", self.guests.iter().filter(|guest| Guest::is_live(guest)).count() as u64);
        Ok(())
    }
}
