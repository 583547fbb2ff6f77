//! A crowd of scripted guests around one agent: they type and delete, open and close files, go away without a word and
//! come back as themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use parlor::guest::{Guest, OnEvent};
use parlor_shared::client::{Client, ClientEvent, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::DocumentId;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;
use tokio::runtime::Runtime;

use crate::board::{now, pause};
use crate::party::{Agent, runtime};
use crate::random::Random;

/// Files that most have open all the time, and files that somebody looks into now and then: those close again.
const POPULAR_FILES: usize = 8;
const RARE_FILES: usize = 32;

/// A guest has this many files open at most.
const OPEN_FILES: usize = 4;

/// Between these a file's length stays, in UTF-16 units: whoever types beyond the upper one deletes instead.
const LENGTH: [u32; 2] = [4_000, 12_000];

/// A guest opens or closes a file after this time, more or less.
const BROWSE: Duration = Duration::from_secs(20);

/// A guest stays for this time, more or less, before it goes away without a word.
const STAY: Duration = Duration::from_secs(60);

/// How long it is away: mostly like a reload, sometimes like a tunnel, seldom longer than a document waits for it.
const ABSENCES: [Duration; 8] = [
    Duration::from_millis(300),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(40),
    Duration::from_secs(12 * 60),
];

/// Whoever is away for longer does not type meanwhile. What it typed just before may be handed back to it: its documents
/// may be closed when it comes back, or have left behind all that it knew.
const TYPES_AWAY: Duration = Duration::from_secs(60);

/// How long it may take until all is quiet and equal once nobody types any more.
const PATIENCE: Duration = Duration::from_secs(90);

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) edits: AtomicU64,
    pub(crate) openings: AtomicU64,
    pub(crate) closings: AtomicU64,
    /// Guests that went away without a word and came back with all they knew.
    pub(crate) cuts: AtomicU64,
    /// Guests that came back knowing nothing but their key.
    pub(crate) reloads: AtomicU64,
    /// Texts that had to be replaced, or could not be merged.
    pub(crate) replaced: AtomicU64,
    /// What guests had typed just before a long absence, handed back to them.
    pub(crate) handed_back: AtomicU64,
    /// Connections that ended without anybody's wish, as on a machine that stood still for a while: the guest came back.
    pub(crate) interruptions: AtomicU64,
    /// What should not have happened: the first is told.
    wrong: Mutex<Option<String>>,
}

impl Deeds {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn went_wrong(&self, what: String) {
        self.wrong.lock().get_or_insert(what);
    }
}

struct Member {
    identity: Identity,
    guest: Guest,
    /// The last absence was longer than [`TYPES_AWAY`].
    was_long_away: Arc<AtomicBool>,
    /// Since it was cut off: when it comes back, and whether it types meanwhile.
    away: Option<(Instant, bool)>,
    carets: BTreeMap<DocumentId, u32>,
    next_edit: Instant,
    next_browse: Instant,
    next_absence: Instant,
}

/// Everybody, and the agent around which they are.
pub(crate) struct Crowd {
    pub(crate) agent: Agent,
    pub(crate) deeds: Arc<Deeds>,
    members: Vec<Member>,
    runtime: Runtime,
    random: Random,
    /// Between two edits of one guest, on average.
    edit_pause: Duration,
}

impl Crowd {
    /// Fills a folder with files, shares it, and lets so many guests in; each makes so many edits a second.
    pub(crate) fn gather(folder: &Path, guests: usize, edits_per_second: f64, seed: u64) -> Result<Self> {
        for file in 0..POPULAR_FILES + RARE_FILES {
            let text = "a line that was here before everybody\n".repeat(LENGTH[0] as usize / 38 + 20);
            let file = std::fs::File::create(folder.join(file_name(file)))?;
            std::io::Write::write_all(&mut &file, text.as_bytes())?;
        }
        let mut crowd = Self {
            agent: Agent::start(folder)?,
            deeds: Arc::default(),
            members: Vec::new(),
            runtime: runtime()?,
            random: Random::new(seed),
            edit_pause: Duration::from_secs_f64(1.0 / edits_per_second),
        };
        for _ in 0..guests {
            let identity = Identity::generate()?;
            let was_long_away = Arc::default();
            let guest = crowd.newcomer(&identity, &was_long_away);
            crowd.connect(&guest)?;
            let start = now();
            let mut member = Member {
                identity,
                guest,
                was_long_away,
                away: None,
                carets: BTreeMap::new(),
                next_edit: start,
                next_browse: start,
                next_absence: start + crowd.about(STAY),
            };
            for _ in 0..2 {
                crowd.browse(&mut member)?;
            }
            crowd.members.push(member);
        }
        Ok(crowd)
    }

    /// Lets everybody go on for so long.
    pub(crate) fn carry_on(&mut self, time: Duration) -> Result<()> {
        let end = now() + time;
        while now() < end {
            let mut members = std::mem::take(&mut self.members);
            let result = members.iter_mut().try_for_each(|member| self.act(member));
            self.members = members;
            result?;
            if let Some(wrong) = self.deeds.wrong.lock().take() {
                bail!("{wrong}");
            }
            pause(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Everybody comes back and stops typing; then every replica, the host and the disk must have the same text.
    pub(crate) fn compare(&mut self, folder: &Path) -> Result<()> {
        for index in 0..self.members.len() {
            if self.members[index].away.take().is_some() {
                let guest = self.members[index].guest.clone();
                self.connect(&guest)?;
            }
        }
        // Reads what the host has of the files that nobody has open.
        let inspector = self.newcomer(&Identity::generate()?, &Arc::default());
        self.connect(&inspector)?;
        for file in 0..POPULAR_FILES + RARE_FILES {
            open(&inspector, file)?;
        }
        let guests: Vec<Guest> =
            self.members.iter().map(|member| member.guest.clone()).chain([inspector.clone()]).collect();
        let deadline = now() + PATIENCE;
        loop {
            let different = guests.iter().find_map(|guest| difference(guest, folder));
            let opened = inspector.with(|client| client.documents().count());
            match different {
                None if opened == POPULAR_FILES + RARE_FILES => return Ok(()),
                _ if now() < deadline => pause(Duration::from_millis(100)),
                Some(difference) => bail!("after {PATIENCE:?} of quiet: {difference}"),
                None => bail!("only {opened} files could be opened"),
            }
            if let Some(wrong) = self.deeds.wrong.lock().take() {
                bail!("{wrong}");
            }
        }
    }

    fn newcomer(&self, identity: &Identity, was_long_away: &Arc<AtomicBool>) -> Guest {
        let (deeds, was_long_away) = (Arc::clone(&self.deeds), Arc::clone(was_long_away));
        let on_event: OnEvent = Box::new(move |_, event| match event {
            ClientEvent::Replaced { lost, fault, .. } => {
                Deeds::count(&deeds.replaced);
                if lost.is_some() && was_long_away.load(Ordering::Relaxed) {
                    Deeds::count(&deeds.handed_back);
                } else if lost.is_some() {
                    deeds.went_wrong(format!("what a guest typed could not be merged: {fault:?}"));
                }
            }
            ClientEvent::Closed { lost: Some(_), .. } if was_long_away.load(Ordering::Relaxed) => {
                Deeds::count(&deeds.handed_back);
            }
            ClientEvent::Closed { lost: Some(_), fault, .. } => {
                deeds
                    .went_wrong(format!("a document was closed before it had all that was typed: {fault:?}"));
            }
            ClientEvent::Phase(Phase::Ended(fault)) => {
                deeds.went_wrong(format!("a guest was sent away: {fault}"));
            }
            ClientEvent::Fault { request: None, fault }
                if matches!(fault.code, FaultCode::Silent | FaultCode::HandshakeTimeout) =>
            {
                Deeds::count(&deeds.interruptions);
            }
            ClientEvent::Fault { fault, .. } => deeds.went_wrong(format!("a guest was refused: {fault}")),
            _ => {}
        });
        Guest::new(self.agent.guest_options(identity.clone()), on_event)
    }

    fn connect(&self, guest: &Guest) -> Result<()> {
        let transport = self.agent.connect(&self.runtime)?;
        self.runtime.spawn(guest.serve(transport));
        Ok(())
    }

    fn act(&mut self, member: &mut Member) -> Result<()> {
        let now = now();
        let types = match member.away {
            Some((until, _)) if until <= now => {
                member.away = None;
                member.next_absence = now + self.about(STAY);
                if self.random.one_in(3) {
                    Deeds::count(&self.deeds.reloads);
                    member.guest = self.newcomer(&member.identity, &member.was_long_away);
                    member.carets.clear();
                    member.next_browse = now;
                } else {
                    Deeds::count(&self.deeds.cuts);
                }
                self.connect(&member.guest)?;
                true
            }
            Some((_, types)) => types,
            None if member.next_absence <= now => {
                let absence = *self.random.pick(&ABSENCES);
                let types = absence <= TYPES_AWAY && self.random.one_in(2);
                member.was_long_away.store(absence > TYPES_AWAY, Ordering::Relaxed);
                member.guest.cut();
                member.away = Some((now + self.about(absence), types));
                types
            }
            // As a page does: it tries again by itself.
            None if member.guest.with(|client| *client.phase() == Phase::Offline) => {
                member.away = Some((now + self.about(ABSENCES[0]), true));
                true
            }
            None => true,
        };
        if member.away.is_none() && member.next_browse <= now {
            member.next_browse = now + self.about(BROWSE);
            self.browse(member)?;
        }
        if member.next_edit <= now {
            member.next_edit = now + self.about(self.edit_pause);
            if types {
                self.edit(member)?;
            }
        }
        Ok(())
    }

    /// Half to one and a half times as long.
    fn about(&mut self, time: Duration) -> Duration {
        time.mul_f64(0.5 + self.random.below(1000) as f64 / 1000.0)
    }

    /// Opens another file, or closes one.
    fn browse(&mut self, member: &mut Member) -> Result<()> {
        let open_files: Vec<DocumentId> =
            member.guest.with(|client| client.documents().map(|open| open.info().document).collect());
        if open_files.len() > 1 && (open_files.len() >= OPEN_FILES || self.random.one_in(2)) {
            let document = *self.random.pick(&open_files);
            member.guest.with(|client| client.close(document));
            member.carets.remove(&document);
            Deeds::count(&self.deeds.closings);
        } else {
            let popular = self.random.below(3) > 0;
            let file = if popular {
                self.random.below(POPULAR_FILES)
            } else {
                POPULAR_FILES + self.random.below(RARE_FILES)
            };
            open(&member.guest, file)?;
            Deeds::count(&self.deeds.openings);
        }
        Ok(())
    }

    /// One edit at the guest's caret: mostly a letter, often a letter less, sometimes a block more or less, somewhere else.
    fn edit(&mut self, member: &mut Member) -> Result<()> {
        let Member { guest, carets, .. } = member;
        let random = &mut self.random;
        let edited = guest.with(|client| -> Result<bool, Fault> {
            let ready: Vec<(DocumentId, u32)> = client
                .documents()
                .map(|open| (open.info().document, open.document().len()))
                .filter(|(document, _)| client.sync_state(*document) != Some(SyncState::Opening))
                // A document whose text has not come is away or opening, and holds nothing.
                .filter(|(_, length)| *length > 0)
                .collect();
            if ready.is_empty() {
                return Ok(false);
            }
            let (document, length) = *random.pick(&ready);
            let caret = carets.entry(document).or_insert_with(|| random.below(length as usize + 1) as u32);
            let splice = splice(random, caret, length);
            client.edit(document, &[splice])?;
            Ok(true)
        });
        match edited {
            Ok(true) => Deeds::count(&self.deeds.edits),
            Ok(false) => {}
            Err(fault) => bail!("an edit did not fit: {fault}"),
        }
        Ok(())
    }
}

fn splice(random: &mut Random, caret: &mut u32, length: u32) -> Splice {
    if random.one_in(40) {
        *caret = random.below(length as usize + 1) as u32;
    }
    *caret = (*caret).min(length);
    let deletes = match length {
        _ if length < LENGTH[0] => false,
        _ if length > LENGTH[1] => true,
        _ => random.one_in(2),
    };
    let units = if random.one_in(50) { 20 + random.below(200) as u32 } else { 1 };
    if deletes {
        let units = units.min(*caret);
        *caret -= units;
        return Splice { at: *caret, delete: units, insert: String::new() };
    }
    let letters = "etaoin shrdlu\n".as_bytes();
    let insert = (0..units).map(|_| char::from(*random.pick(letters))).collect();
    *caret += units;
    Splice { at: *caret - units, delete: 0, insert }
}

fn file_name(file: usize) -> String {
    let kind = if file < POPULAR_FILES { "popular" } else { "rare" };
    format!("{kind}-{file}.txt")
}

fn open(guest: &Guest, file: usize) -> Result<()> {
    let path = WorkspacePath::parse(&file_name(file)).context("a file's name is a path")?;
    guest.with(|client| client.open(path));
    Ok(())
}

/// What of a guest is not at rest, or other than the disk.
fn difference(guest: &Guest, folder: &Path) -> Option<String> {
    guest.with(|client: &mut Client| {
        if *client.phase() != Phase::Live {
            return Some(format!("a guest is {:?}", client.phase()));
        }
        client.documents().find_map(|open| {
            let path = &open.info().path;
            let state = client.sync_state(open.info().document);
            if !matches!(state, Some(SyncState::Saved | SyncState::Synced)) {
                return Some(format!("{path} is {state:?}"));
            }
            match std::fs::read_to_string(folder.join(path.to_string())) {
                Ok(disk) if disk == open.document().text() => None,
                Ok(_) => Some(format!("a guest has another text of {path} than the disk")),
                Err(error) => Some(format!("{path} can not be read: {error}")),
            }
        })
    })
}
