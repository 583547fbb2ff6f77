//! One document's journal: enough to have the document again after the program's sudden end, exactly as it was acknowledged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_shared::document::{Document, digest, merge_updates};
use parlor_shared::id::{AuthorId, DocumentId};
use parlor_shared::path::WorkspacePath;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::disk_replica::DiskReplica;
use crate::agent::disk_work::{self, SavePoint, SaveStep};
use crate::agent::document::disk::{Intent, Judgement, NotAnnounced, Remains, Unfinished, insertions};
use crate::agent::document::encoding::{self, Format};

use super::log::{LogError, Outrun, RecordLog};

/// A document goes on from an outrun journal so many epochs later: the last program may have begun one that the journal
/// does not know.
const EPOCHS_BEYOND: u32 = 2;

/// The journal is rewritten when it has grown by this much beyond four times what a fresh one has.
const REWRITE_BEYOND_BYTES: u64 = 1024 * 1024;

/// What a document is, besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::agent) struct Identity {
    pub(in crate::agent) document: DocumentId,
    pub(in crate::agent) epoch: u32,
    pub(in crate::agent) path: WorkspacePath,
    pub(in crate::agent) format: Format,
}

#[derive(Debug, Serialize, Deserialize)]
enum Record {
    /// What the document is from here on.
    Is(Identity),
    /// Everything up to here: the text's state and the disk replica's, unless that is the same.
    State { text: Vec<u8>, disk: Option<Vec<u8>>, holds: Option<String> },
    /// The text took this update.
    Text(Vec<u8>),
    /// The disk replica took this update: it turned out that the file had it.
    Disk { update: Vec<u8>, holds: Option<String> },
    /// A checkpoint wrote all of the text up to, and with, so many updates since the state.
    Saved { updates: u64 },
    /// The text and the disk replica took this update: a change outside. One record, so that no crash comes between. `holds`
    /// is what the file holds, if that is not what the replica has: some of it was not taken.
    Outside { update: Vec<u8>, holds: Option<String> },
    /// A checkpoint begins that will have written so much, see [`Record::Saved`]. If nothing follows, the file tells whether it
    /// did.
    Saving { updates: u64, intent: Intent, holds: Option<String> },
    /// The checkpoint that had begun wrote nothing: the disk refused, or had news.
    NotSaved,
}

/// A document as its journal has it.
#[derive(Debug)]
pub(in crate::agent) struct Restored {
    pub(in crate::agent) identity: Identity,
    pub(in crate::agent) text: Document,
    pub(in crate::agent) disk_replica: DiskReplica,
    /// What the file held, if that is not what its replica has.
    pub(in crate::agent) holds: Option<String>,
    /// The checkpoint that was under way.
    pub(in crate::agent) perhaps_written: Option<PerhapsWritten>,
    /// Checkpoints may have written what the journal lacks: the file tells.
    pub(in crate::agent) perhaps_outrun: Option<PerhapsOutrun>,
    pub(in crate::agent) journal: Journal,
}

/// A checkpoint whose end is not known.
#[derive(Debug)]
pub(in crate::agent) struct PerhapsWritten {
    /// What the file held if the checkpoint wrote it.
    pub(in crate::agent) replica: DiskReplica,
    /// See [`Journal::saved`].
    pub(in crate::agent) journal_mark: u64,
    /// What was written, if that is not what the replica has.
    pub(in crate::agent) holds: Option<String>,
    intent: Intent,
}

impl PerhapsWritten {
    /// What the file is to be judged by. Nothing if the bytes can not be rebuilt.
    pub(in crate::agent) fn unfinished(&self, before: &str, format: &Format) -> Option<Unfinished> {
        let text = self.holds.clone().unwrap_or_else(|| self.replica.text());
        let after_format = format.carried(before, &text);
        let before = encoding::encode(before, format).ok()?;
        let after = encoding::encode(&text, &after_format).ok()?;
        let remains = Remains::of(&self.intent, before, after)?;
        Some(Unfinished { remains, text, format: after_format })
    }
}

/// Tells the journal what a checkpoint is about to do, from the thread that does it.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Announcer {
    log: Option<Arc<Mutex<RecordLog>>>,
    updates: u64,
    /// What is written, if that is not all of the text.
    holds: Option<String>,
}

impl Announcer {
    /// Keeps an intent where not even a power failure loses it, together with all that was appended before.
    pub(in crate::agent) fn announce(&self, intent: &Intent) -> Result<(), NotAnnounced> {
        let Some(log) = &self.log else { return Ok(()) };
        let refused = |error: &dyn std::fmt::Display| {
            warn!(%error, "a journal does not take what a checkpoint is about to do");
            NotAnnounced
        };
        let record = encode(&Record::Saving {
            updates: self.updates,
            intent: intent.clone(),
            holds: self.holds.clone(),
        });
        // Not held while the disk works: the document goes on appending.
        let sync = {
            let mut log = log.lock();
            log.append(&record).map_err(|error| refused(&error))?;
            log.sync()
        };
        sync.run().map_err(|error| refused(&error))?;
        log.lock().synced();
        disk_work::save_point(&SavePoint { step: SaveStep::Kept, write: None })
            .map_err(|error| refused(&error))
    }
}

impl Restored {
    /// The checkpoint that was under way, as its file is judged by it.
    pub(in crate::agent) fn unfinished(&self) -> Option<Unfinished> {
        let base = self.holds.clone().unwrap_or_else(|| self.disk_replica.text());
        self.perhaps_written.as_ref()?.unfinished(&base, &self.identity.format)
    }

    /// Whether the checkpoint that was under way explains what the file holds: it was not begun, torn, or done. Then no later
    /// one wrote the file.
    pub(in crate::agent) fn explains(&self, file: &[u8]) -> bool {
        let unrelated = |unfinished: Unfinished| unfinished.remains.judge(file) == Judgement::Unrelated;
        self.unfinished().is_some_and(|unfinished| !unrelated(unfinished))
    }

    /// Whether a checkpoint wrote what the journal lacks, if the file holds this. Then the document can not go on from its
    /// journal: that would be taken for a change outside, and be there twice as soon as its author comes back.
    pub(in crate::agent) fn was_outrun(&self, file: &str) -> bool {
        let told = |outrun: &PerhapsOutrun| {
            outrun.is_told_by(
                file,
                &self.disk_replica,
                self.perhaps_written.as_ref().map(|written| &written.replica),
            )
        };
        self.perhaps_outrun.as_ref().is_some_and(told)
    }

    /// The document does not go on: the file has all of it.
    pub(in crate::agent) fn discard(mut self) {
        self.journal.remove();
    }
}

/// What the last program did without its journal.
#[derive(Debug)]
pub(in crate::agent) struct PerhapsOutrun {
    outrun: Outrun,
    /// What such a checkpoint wrote at least: all that the journal has.
    pub(in crate::agent) least: DiskReplica,
}

impl PerhapsOutrun {
    /// Whether a checkpoint wrote what the journal lacks, if the file holds this.
    pub(in crate::agent) fn is_told_by(
        &self,
        file: &str,
        disk_replica: &DiskReplica,
        perhaps_written: Option<&DiskReplica>,
    ) -> bool {
        let Outrun { written, begun } = self.outrun;
        match begun {
            // Whatever other programs made of it since.
            _ if written.is_some() => true,
            None => false,
            Some(begun) if begun == digest(file) => true,
            // It did not, or another program changed the file since. What it wrote is nearer to all of the journal's text
            // than to what the file was before; in doubt nothing that was acknowledged is given up.
            Some(_) => {
                let before = disk_replica.text();
                let perhaps = perhaps_written.map(DiskReplica::text);
                let nearest =
                    std::iter::once(before).chain(perhaps).map(|text| insertions(&text, file)).min();
                nearest > Some(insertions(&self.least.text(), file))
            }
        }
    }
}

/// An open journal.
///
/// Once the disk refuses a record, the journal is *behind*: it takes nothing more, or there would be a gap, and whoever owns
/// it begins a new one as soon as that can be. It is marked as *outrun*: what it has was acknowledged and is good to go on
/// from, unless the file turns out to hold more, but in an epoch of its own, for others may have seen what it lacks.
#[derive(Debug)]
pub(in crate::agent) struct Journal {
    /// Where it is. Nothing if none is kept.
    path: Option<PathBuf>,
    log: Option<Arc<Mutex<RecordLog>>>,
    is_behind: bool,
    outrun: Option<Outrun>,
    updates: u64,
    fresh_bytes: u64,
}

impl Journal {
    /// A journal that keeps nothing.
    pub(in crate::agent) const fn none() -> Self {
        Self { path: None, log: None, is_behind: false, outrun: None, updates: 0, fresh_bytes: 0 }
    }

    /// Begins a document's journal.
    pub(in crate::agent) fn begin(
        path: &Path,
        identity: &Identity,
        text: &Document,
        disk: &DiskReplica,
    ) -> Self {
        let mut journal = Self { path: Some(path.to_owned()), ..Self::none() };
        journal.renew(identity, text, disk);
        journal
    }

    /// Whether it lacks what the text has: the disk refused it.
    pub(in crate::agent) const fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Reads a journal. Nothing if it never came to hold a document.
    pub(in crate::agent) fn restore(path: &Path) -> Result<Option<Restored>, LogError> {
        let (mut log, contents) = RecordLog::open(path)?;
        if contents.cut_off > 0 {
            warn!(bytes = contents.cut_off, "the end of a journal was torn");
        }
        let replay = replay(&contents.records);
        let written =
            replay.saving.as_ref().and_then(|(updates, ..)| merge_updates(&replay.written(*updates)).ok());
        let Replay { identity: Some(mut identity), text, disk_replica, updates, saving, holds, .. } = replay
        else {
            log.remove();
            return Ok(None);
        };
        let updates = updates.len() as u64;
        let fresh_bytes = log.bytes();
        let outrun = contents.outrun;
        if outrun.is_some() {
            identity.epoch = identity.epoch.saturating_add(EPOCHS_BEYOND);
            // Or the next restart, if it comes before there is a new journal, would give this epoch's number again.
            if let Err(error) = log.append(&encode(&Record::Is(identity.clone()))) {
                warn!(%error, "an epoch of a document can not be kept");
            }
        }
        let perhaps_outrun = outrun.map(|outrun| PerhapsOutrun { outrun, least: DiskReplica::of(&text) });
        let (path, is_behind) = (Some(path.to_owned()), outrun.is_some());
        let log = Some(Arc::new(Mutex::new(log)));
        let journal = Self { path, log, is_behind, outrun, updates, fresh_bytes };
        let disk_replica = DiskReplica::of(&disk_replica);
        let perhaps_written = saving.zip(written).map(|((journal_mark, intent, holds), update)| {
            PerhapsWritten { replica: disk_replica.with(&update), journal_mark, holds, intent }
        });
        Ok(Some(Restored { identity, text, disk_replica, holds, perhaps_written, perhaps_outrun, journal }))
    }

    /// The text took an update. To be called before anybody hears of it.
    pub(in crate::agent) fn text(&mut self, update: &[u8]) {
        self.updates += 1;
        self.append(&Record::Text(update.to_vec()));
    }

    /// Both replicas took an update: a change outside. To be called before anybody hears of it.
    pub(in crate::agent) fn outside(&mut self, update: &[u8], holds: Option<String>) {
        self.updates += 1;
        self.append(&Record::Outside { update: update.to_vec(), holds });
    }

    /// The disk replica took an update that the text had already.
    pub(in crate::agent) fn disk(&mut self, update: &[u8], holds: Option<String>) {
        self.append(&Record::Disk { update: update.to_vec(), holds });
    }

    /// A checkpoint begins to write all that is in the text now. Gives this place in the journal, for [`Journal::saved`], and a
    /// way to tell the journal what the checkpoint is about to do. `holds` is what it writes, if that is not all of the text.
    pub(in crate::agent) fn saving(&self, holds: Option<String>) -> (u64, Announcer) {
        let log = if self.is_behind { None } else { self.log.clone() };
        (self.updates, Announcer { log, updates: self.updates, holds })
    }

    /// The disk did not take what a checkpoint was about to do.
    pub(in crate::agent) fn refused(&mut self) {
        if !std::mem::replace(&mut self.is_behind, true) {
            // If that is refused too it is tried again before a checkpoint.
            let _ = self.mark(Outrun::default());
        }
    }

    /// A checkpoint is about to write this text, of which the journal lacks something if it is behind: makes sure that it
    /// says so. False if the disk refuses even that: then nothing may be written, or it would be there twice after a sudden
    /// end.
    pub(in crate::agent) fn outrun(&mut self, text: &str) -> bool {
        if !self.is_behind {
            return true;
        }
        let written = self.outrun.and_then(|outrun| outrun.written);
        if self.mark(Outrun { written, begun: Some(digest(text)) }).is_ok() {
            return true;
        }
        let Some(log) = self.log.take() else { return true };
        let voided = log.lock().void();
        if let Err(error) = voided {
            warn!(%error, "a journal that is behind can not be marked");
            self.log = Some(log);
            return false;
        }
        true
    }

    /// A checkpoint wrote all that was in the text at that place.
    pub(in crate::agent) fn saved(&mut self, mark: u64) {
        if let Some(Outrun { begun: Some(begun), .. }) = self.outrun {
            // If that is refused the file still has the digest that the journal tells of.
            let _ = self.mark(Outrun { written: Some(begun), begun: None });
        }
        self.append(&Record::Saved { updates: mark });
    }

    /// The checkpoint that had begun wrote nothing.
    pub(in crate::agent) fn not_saved(&mut self) {
        if let Some(Outrun { begun: Some(_), written }) = self.outrun {
            // If that is refused the file still tells, by what it holds.
            let _ = self.mark(Outrun { written, begun: None });
        }
        self.append(&Record::NotSaved);
    }

    /// The document's path or format is another.
    pub(in crate::agent) fn is(&mut self, identity: &Identity) {
        self.append(&Record::Is(identity.clone()));
    }

    /// Whether so much was appended that a fresh journal is worth its price. Not while a checkpoint runs: its mark would
    /// be lost.
    pub(in crate::agent) fn is_long(&self) -> bool {
        let limit = self.fresh_bytes * 4 + REWRITE_BEYOND_BYTES;
        !self.is_behind && self.log.as_ref().is_some_and(|log| log.lock().bytes() > limit)
    }

    /// Replaces what was appended by what came of it. If the disk has no room for that the journal goes on as it is.
    pub(in crate::agent) fn rewrite(
        &mut self,
        identity: &Identity,
        text: &Document,
        disk: &DiskReplica,
        holds: Option<&str>,
    ) {
        if let Err(error) = self.begin_anew(identity, text, disk, holds) {
            warn!(%error, "a journal is long, and there is no room to write it anew");
            self.fresh_bytes = self.log.as_ref().map_or(0, |log| log.lock().bytes());
        }
    }

    /// Both replicas are others now, of which nothing that was appended tells.
    pub(in crate::agent) fn renew(&mut self, identity: &Identity, text: &Document, disk: &DiskReplica) {
        if let Err(error) = self.begin_anew(identity, text, disk, None) {
            self.fall_behind(&error);
        }
    }

    /// Begins the journal anew with all that there is, in one step. `holds` is what the file holds, if that is not what its
    /// replica has. Not while a checkpoint runs: its mark would be lost.
    pub(in crate::agent) fn begin_anew(
        &mut self,
        identity: &Identity,
        text: &Document,
        disk: &DiskReplica,
        holds: Option<&str>,
    ) -> Result<(), LogError> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = text.missing_from(&[]).expect("an empty state vector can be read");
        let disk = (disk.state() != text).then(|| disk.state().to_vec());
        let records =
            [Record::Is(identity.clone()), Record::State { text, disk, holds: holds.map(str::to_owned) }]
                .map(|record| encode(&record));
        let log = RecordLog::replace(path, records.iter().map(Vec::as_slice))?;
        (self.is_behind, self.outrun) = (false, None);
        (self.updates, self.fresh_bytes) = (0, log.bytes());
        self.log = Some(Arc::new(Mutex::new(log)));
        Ok(())
    }

    /// The document is closed and all of it on the disk.
    pub(in crate::agent) fn remove(&mut self) {
        if let Some(log) = self.log.take() {
            log.lock().remove();
        }
    }

    fn append(&mut self, record: &Record) {
        if self.is_behind {
            return;
        }
        let Some(log) = &self.log else { return };
        let appended = log.lock().append(&encode(record));
        if let Err(error) = appended {
            self.fall_behind(&error);
        }
    }

    fn fall_behind(&mut self, error: &LogError) {
        if !self.is_behind {
            warn!(%error, "a journal is behind: until it is not, what no file has is lost if this program is killed");
        }
        self.refused();
    }

    fn mark(&mut self, outrun: Outrun) -> Result<(), LogError> {
        if let Some(log) = &self.log {
            log.lock().mark(outrun)?;
        }
        self.outrun = Some(outrun);
        Ok(())
    }
}

/// What records come to, whatever they are.
fn replay(records: &[Vec<u8>]) -> Replay {
    let mut replay = Replay::default();
    for record in records {
        // A record of a newer kind ends what this build understands; the log's version forbids it.
        let Ok(record) = postcard::from_bytes(record) else { break };
        replay.take(record);
    }
    replay
}

/// The identity, the text and what the file had of it, of records of which some may be missing. Nothing if none is known.
pub(super) fn replay_what_is_there(records: &[Vec<u8>]) -> Option<(Option<Identity>, String, String)> {
    let known = records.iter().filter_map(|record| postcard::from_bytes(record).ok());
    let (mut replay, mut found) = (Replay::default(), false);
    known.for_each(|record| {
        found = true;
        replay.take(record);
    });
    found.then(|| (replay.identity, replay.text.text(), replay.disk_replica.text()))
}

/// Reads any bytes as a journal: for the fuzz target alone.
#[doc(hidden)]
pub fn fuzz_journal(bytes: &[u8]) {
    // As a record whose checksum is right: a fuzzer would hardly ever get there by itself.
    replay(&[bytes.to_vec()]);
    if let Ok(contents) = super::log::read(Path::new("journal"), bytes) {
        let Replay { text, disk_replica, .. } = replay(&contents.records);
        let _ = (text.text(), disk_replica.text());
    }
}

fn encode(record: &Record) -> Vec<u8> {
    postcard::to_stdvec(record).expect("records hold only what postcard encodes")
}

struct Replay {
    identity: Option<Identity>,
    text: Document,
    disk_replica: Document,
    /// The text's state, until a checkpoint wrote it or if the disk replica's is the same.
    state: Vec<u8>,
    /// Updates of the text since the state; those that the disk replica has are empty.
    updates: Vec<Vec<u8>>,
    /// The checkpoint that is under way, if one is.
    saving: Option<(u64, Intent, Option<String>)>,
    /// What the file holds, if that is not what its replica has.
    holds: Option<String>,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            identity: None,
            text: Document::new(AuthorId::AGENT),
            disk_replica: Document::new(AuthorId::DISK),
            state: Vec::new(),
            updates: Vec::new(),
            saving: None,
            holds: None,
        }
    }
}

impl Replay {
    /// What the disk replica may lack of a text that was written up to, and with, so many updates.
    fn written(&self, updates: u64) -> Vec<Vec<u8>> {
        let updates = usize::try_from(updates).unwrap_or(usize::MAX).min(self.updates.len());
        let written = std::iter::once(&self.state).chain(&self.updates[..updates]);
        written.filter(|update| !update.is_empty()).cloned().collect()
    }

    fn take(&mut self, record: Record) {
        // A checksum protects each record, so what does not apply was written so: there is nothing better to have.
        let _ = match record {
            Record::Is(identity) => {
                self.identity = Some(identity);
                Ok(())
            }
            Record::State { text, disk, holds } => {
                self.holds = holds;
                (self.updates, self.saving) = (Vec::new(), None);
                let applied = self.text.apply([text.as_slice()]);
                let disk = self.disk_replica.apply([disk.as_ref().unwrap_or(&text).as_slice()]);
                self.state = text;
                applied.and(disk)
            }
            Record::Text(update) => {
                let applied = self.text.apply([update.as_slice()]);
                self.updates.push(update);
                applied
            }
            Record::Disk { update, holds } => {
                self.holds = holds;
                self.disk_replica.apply([update.as_slice()])
            }
            Record::Outside { update, holds } => {
                self.holds = holds;
                self.updates.push(Vec::new());
                let applied = self.text.apply([update.as_slice()]);
                applied.and(self.disk_replica.apply([update.as_slice()]))
            }
            Record::Saving { updates, intent, holds } => {
                self.saving = Some((updates, intent, holds));
                Ok(())
            }
            Record::NotSaved => {
                self.saving = None;
                Ok(())
            }
            Record::Saved { updates } => {
                self.holds = self.saving.take().and_then(|(_, _, holds)| holds);
                let written = self.written(updates);
                self.state.clear();
                let updates = usize::try_from(updates).unwrap_or(usize::MAX).min(self.updates.len());
                self.updates[..updates].iter_mut().for_each(Vec::clear);
                self.disk_replica.apply(written.iter().map(Vec::as_slice))
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use parlor_shared::document::Splice;

    use super::*;

    fn identity(path: &str) -> Identity {
        Identity {
            document: DocumentId(7),
            epoch: 0,
            path: WorkspacePath::parse(path).unwrap(),
            format: Format::NEW,
        }
    }

    fn intent(before: &str, after: &str) -> Intent {
        Intent::of(before.as_bytes(), after.as_bytes())
    }

    fn insert(document: &mut Document, at: u32, text: &str) -> Vec<u8> {
        document.edit(&[Splice { at, delete: 0, insert: text.to_owned() }]).unwrap().unwrap()
    }

    #[test]
    fn a_document_comes_back_with_what_the_disk_has_and_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.journal");
        let mut disk = Document::new(AuthorId::DISK);
        let mut text = Document::new(AuthorId::AGENT);
        let loaded = insert(&mut disk, 0, "loaded\n");
        text.apply([loaded.as_slice()]).unwrap();
        let mut journal = Journal::begin(&path, &identity("a.txt"), &text, &DiskReplica::of(&disk));
        let mut guest = Document::new(AuthorId(17));
        guest.apply([loaded.as_slice()]).unwrap();
        let mut type_as_guest = |at, typed| {
            let update = insert(&mut guest, at, typed);
            text.apply([update.as_slice()]).unwrap();
            update
        };
        let first = type_as_guest(0, "one ");
        journal.text(&first);
        let (mark, announcer) = journal.saving(None);
        announcer.announce(&intent("loaded\n", "one loaded\n")).unwrap();
        journal.text(&type_as_guest(4, "two "));
        journal.saved(mark);
        journal.is(&identity("b.txt"));
        drop(journal);

        let restored = Journal::restore(&path).unwrap().unwrap();
        assert_eq!(restored.identity, identity("b.txt"));
        assert_eq!(restored.text.text(), "one two loaded\n");
        assert_eq!(restored.disk_replica.text(), "one loaded\n");
        let mut journal = restored.journal;
        let mut text = restored.text;
        let update = insert(&mut text, 0, "again ");
        journal.text(&update);
        journal.rewrite(&identity("b.txt"), &text, &restored.disk_replica, None);
        drop(journal);
        assert_eq!(Journal::restore(&path).unwrap().unwrap().text.text(), "again one two loaded\n");
    }

    #[test]
    fn a_checkpoint_after_a_rewrite_wrote_what_the_rewrite_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.journal");
        let (mut disk, mut text) = (Document::new(AuthorId::DISK), Document::new(AuthorId::AGENT));
        let loaded = insert(&mut disk, 0, "loaded\n");
        text.apply([loaded.as_slice()]).unwrap();
        let mut journal = Journal::begin(&path, &identity("a.txt"), &text, &DiskReplica::of(&disk));
        journal.text(&insert(&mut text, 0, "typed "));
        journal.rewrite(&identity("a.txt"), &text, &DiskReplica::of(&disk), None);
        let (mark, announcer) = journal.saving(None);
        announcer.announce(&intent("loaded\n", "typed loaded\n")).unwrap();
        journal.saved(mark);
        journal.text(&insert(&mut text, 0, "later "));
        drop(journal);
        let restored = Journal::restore(&path).unwrap().unwrap();
        assert_eq!(restored.text.text(), "later typed loaded\n");
        assert_eq!(restored.disk_replica.text(), "typed loaded\n");
        assert!(restored.perhaps_written.is_none());
    }

    #[test]
    fn a_checkpoint_under_way_may_have_written_the_file_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.journal");
        let (mut disk, mut text) = (Document::new(AuthorId::DISK), Document::new(AuthorId::AGENT));
        let mut journal = Journal::begin(&path, &identity("a.txt"), &text, &DiskReplica::of(&disk));
        let outside = insert(&mut disk, 0, "outside\n");
        text.apply([outside.as_slice()]).unwrap();
        journal.outside(&outside, None);
        journal.text(&insert(&mut text, 0, "typed "));
        journal.saving(None).1.announce(&intent("outside\n", "typed outside\n")).unwrap();
        journal.text(&insert(&mut text, 0, "later "));
        drop(journal);
        let restored = Journal::restore(&path).unwrap().unwrap();
        assert_eq!(restored.text.text(), "later typed outside\n");
        assert_eq!(restored.disk_replica.text(), "outside\n");
        let written = restored.perhaps_written.unwrap();
        assert_eq!(written.replica.text(), "typed outside\n");
        let unfinished = written.unfinished("outside\n", &Format::NEW).unwrap();
        assert_eq!(unfinished.remains.after, b"typed outside\n");
        assert_eq!(unfinished.remains.before, b"outside\n");
    }

    #[test]
    fn a_checkpoint_that_the_disk_refused_wrote_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.journal");
        let (disk, mut text) = (Document::new(AuthorId::DISK), Document::new(AuthorId::AGENT));
        let mut journal = Journal::begin(&path, &identity("a.txt"), &text, &DiskReplica::of(&disk));
        journal.text(&insert(&mut text, 0, "typed "));
        journal.saving(None).1.announce(&intent("", "typed ")).unwrap();
        journal.not_saved();
        drop(journal);
        let restored = Journal::restore(&path).unwrap().unwrap();
        assert!(restored.perhaps_written.is_none());
        assert_eq!((restored.text.text(), restored.disk_replica.text()), ("typed ".into(), String::new()));
    }

    /// A journal that has "kept " and fell behind before "lacking " was typed.
    fn behind(path: &Path) -> Journal {
        let (disk, mut text) = (Document::new(AuthorId::DISK), Document::new(AuthorId::AGENT));
        let mut journal = Journal::begin(path, &identity("a.txt"), &text, &DiskReplica::of(&disk));
        journal.text(&insert(&mut text, 0, "kept "));
        journal.fall_behind(&LogError::NotALog(path.to_owned()));
        journal.text(&insert(&mut text, 5, "lacking "));
        journal
    }

    #[test]
    fn a_journal_that_is_behind_is_gone_on_from_unless_the_file_has_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.journal");
        let mut epoch = 0;
        let mut outrun_by = |files: &[&str]| {
            let restored = Journal::restore(&path).unwrap().unwrap();
            assert_eq!(restored.text.text(), "kept ");
            epoch += EPOCHS_BEYOND;
            assert_eq!(restored.identity.epoch, epoch, "each time another");
            assert!(restored.perhaps_outrun.is_some() && restored.journal.is_behind());
            files.iter().map(|file| restored.was_outrun(file)).collect::<Vec<_>>()
        };
        let files = ["", "12345", "kept lacking ", "kept lacking, outside "];
        let mut journal = behind(&path);
        assert_eq!(outrun_by(&files), [false; 4], "no checkpoint began");
        assert!(journal.outrun("kept lacking "));
        assert_eq!(outrun_by(&files), [false, false, true, true], "one began");
        journal.not_saved();
        assert_eq!(outrun_by(&files), [false; 4], "it wrote nothing");
        assert!(journal.outrun("kept lacking "));
        journal.saved(0);
        assert_eq!(outrun_by(&files), [true; 4], "one wrote the file, whatever became of that");

        let Restored { identity, text, disk_replica, mut journal, .. } =
            Journal::restore(&path).unwrap().unwrap();
        journal.begin_anew(&identity, &text, &disk_replica, None).unwrap();
        assert!(Journal::restore(&path).unwrap().unwrap().perhaps_outrun.is_none());
    }

    #[test]
    fn a_journal_that_never_held_a_document_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.journal");
        RecordLog::create(&path).unwrap();
        assert!(Journal::restore(&path).unwrap().is_none());
        assert!(!path.exists());
    }
}
