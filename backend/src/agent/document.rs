//! One open file: sole owner of its shared text, its subscribers and its way to the disk.
//!
//! The disk is a peer like any other. The actor keeps a second replica, the `DiskReplica`, which holds what the file
//! held when it was last read or written. A change made outside is the difference between that and the file now; it
//! becomes edits of [`AuthorId::DISK`] on the disk replica and merges from there, so what guests typed meanwhile stays.
//!
//! The actor's loop, its time and its end are here. What guests are told and say is in `document/subscribers.rs`, what the
//! disk is asked and answers in `document/on_disk.rs`, what becomes of a journal that the disk refuses in
//! `document/keeping.rs`, when a long history is left behind in `document/renewal.rs`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_shared::document::Document;
use parlor_shared::document::epoch::Epochs;
use parlor_shared::document::outside::bring_back::Offers;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, RequestId};
use parlor_shared::message::{DocumentStatus, DocumentToGuest, KnownDocument, Packed};
use parlor_shared::path::WorkspacePath;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, error};

use super::event::Events;
use super::participant::{ConnectionId, ParticipantConnection};
use super::state::kept::KeptText;
use super::state::{DiskReplica, Identity, Journal, PerhapsOutrun, PerhapsWritten, Restored};
use super::workspace::{Actor, Workspace};

mod bring_back;
mod checkpoint;
pub mod disk;
pub mod encoding;
mod encoding_wish;
mod job;
mod keeping;
mod on_disk;
mod outside;
mod renewal;
mod subscribers;

use checkpoint::{CheckpointSchedule, Retry};
use disk::DiskFile;
use encoding::Format;
pub(super) use encoding_wish::{EncodingWish, Purpose};
use job::Job;
use outside::Beside;

/// Commands that may wait for one document; a guest that sends more waits at its own connection.
const INBOX_CAPACITY: usize = 256;

/// Commands that are handled before anything else gets a turn: a burst of typing is fanned out at once.
const BATCH: usize = 64;

/// How long a document that nobody shows stays open: a reload comes back to the same replica.
const LINGER: Duration = Duration::from_secs(30);

/// How long it stays open for somebody whose connection broke.
const LINGER_FOR_LOST: Duration = Duration::from_secs(600);

/// A participant whose replica had to be repaired is logged at most so often for each document.
const REPAIRS_TOLD_EVERY: Duration = Duration::from_secs(1);

/// What a document can be asked.
#[derive(Debug)]
pub(super) enum DocumentCommand {
    /// Somebody wants to see it.
    Open(Arc<ParticipantConnection>, RequestId, Option<KnownDocument>),
    /// An authorised edit. From a connection that gave way to another one meanwhile it is void: whoever came back was told
    /// what the text has of its author, and writes on from there.
    Update { from: ParticipantId, connection: ConnectionId, epoch: u32, sequence: u32, update: Packed },
    /// Somebody missed something.
    Sync { from: ParticipantId, epoch: u32, state_vector: Vec<u8> },
    /// An authorised wish for a checkpoint.
    Save { from: ParticipantId },
    /// An authorised wish for what a change of the disk took.
    BringBack { from: ParticipantId, offer: u32 },
    /// An authorised wish for another encoding.
    Encode { from: ParticipantId, connection: ConnectionId, wish: EncodingWish },
    /// Somebody wants to compare its text with ours.
    Verify { from: ParticipantId },
    /// Somebody's text was another than ours; it takes ours.
    Diverged { from: ParticipantId, incident: String },
    /// Somebody no longer shows it, on this connection.
    Close { from: ParticipantId, connection: ConnectionId },
    /// A connection is over.
    Gone(ParticipantId, ConnectionId),
    /// The file may have changed outside.
    CheckDisk,
    /// Finish what touches the disk, then leave it alone until [`DocumentCommand::Resume`].
    Pause(oneshot::Sender<()>),
    /// The file may be touched again, perhaps under another path.
    Resume(Option<WorkspacePath>),
    /// Write what is unsaved, then end.
    Finish(oneshot::Sender<Finished>),
}

/// How a document ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finished {
    /// The disk has everything.
    Saved,
    /// No file has this.
    Unsaved(Box<KeptText>),
}

/// A way to reach a document.
#[derive(Debug, Clone)]
pub(super) struct DocumentHandle(pub(super) mpsc::Sender<DocumentCommand>);

impl DocumentHandle {
    /// Waits for room. Says whether the document still lives.
    pub(super) async fn send(&self, command: DocumentCommand) -> bool {
        self.0.send(command).await.is_ok()
    }
}

/// What a document tells its registry.
#[derive(Debug)]
pub(super) enum DocumentNotice {
    /// Nobody needs it, after having handled this many openings.
    Idle { document: DocumentId, openings: u64 },
    /// It ended by itself: the file could not be opened.
    Failed { document: DocumentId },
}

struct Subscriber {
    connection: Arc<ParticipantConnection>,
    /// The last update applied.
    sequence: u32,
    /// The last one that the checkpoint under way writes, and the last one that the file has.
    writing: u32,
    written: u32,
    acknowledged: u32,
    /// An update was refused: everything that builds on it is void until the guest opens anew.
    refused: bool,
}

/// A checkpoint under way.
#[derive(Debug)]
struct Writing {
    /// What the file will hold.
    replica: DiskReplica,
    /// What it writes, if that is not all of the text.
    holds: Option<String>,
    /// How far the journal was when it began.
    journal_mark: u64,
    /// Who wrote what it writes: a guest, if a guest wrote any of it.
    author: Actor,
}

/// Sole owner of one document.
pub(super) struct DocumentActor {
    id: DocumentId,
    path: WorkspacePath,
    inbox: mpsc::Receiver<DocumentCommand>,
    notices: mpsc::Sender<DocumentNotice>,
    events: Events,
    text: Document,
    disk_replica: DiskReplica,
    format: Format,
    status: DocumentStatus,
    schedule: CheckpointSchedule,
    job: Job,
    check_disk: bool,
    /// Not before then: something is writing the file at this moment.
    settling_until: Option<Instant>,
    /// The file outgrew the limit: it is not looked at again before then, however often it changes.
    outgrown_until: Option<Instant>,
    /// Who wrote what the disk does not have: a guest, if a guest wrote any of it.
    unsaved_by: Actor,
    /// The file was gone at the last look; many editors delete it and create it again.
    missed: bool,
    paused: bool,
    save_asked_by: Option<ParticipantId>,
    /// The encoding that somebody chose, until the disk was asked, and who.
    encoding_wish: Option<(ParticipantId, EncodingWish)>,
    subscribers: BTreeMap<ParticipantId, Subscriber>,
    openings: u64,
    empty_since: Option<Instant>,
    keep_until: Option<Instant>,
    idle_told: bool,
    /// Openings that came while the file was being read.
    early: Vec<(Arc<ParticipantConnection>, RequestId, Option<KnownDocument>)>,
    loaded: bool,
    /// Why the file could not be read.
    not_loaded: Option<Fault>,
    finishing: Option<oneshot::Sender<Finished>>,
    /// Counts changes of the text.
    changes: u64,
    /// The text's digest, and after which change it was taken.
    digest: Option<(u64, [u8; 8])>,
    epochs: Epochs,
    /// When the actor began: times of epochs count from here.
    began: Instant,
    /// Bytes of updates since the history was weighed.
    unweighed: usize,
    /// The history is worn: when it is left behind if nobody types until then.
    renew_at: Option<Instant>,
    /// How often somebody's replica had to be repaired.
    repairs: u64,
    /// Of whom that was logged a moment ago.
    repairs_told: BTreeMap<ParticipantId, Instant>,
    journal: Journal,
    /// What changes of the disk took from guests.
    offers: Offers,
    /// What the file holds beyond the disk replica, and who types where.
    beside: Beside,
    /// The journal is behind: when a new one is tried.
    journal_retry: Option<Retry>,
    /// Where a journal is to be, if one is kept.
    journal_path: Option<PathBuf>,
    /// The checkpoint that has begun and whose end is not known.
    writing: Option<Writing>,
    /// The checkpoint whose end is not known: the last program ended in its midst, or the disk failed in its midst.
    unfinished: Option<Writing>,
    /// The last program's checkpoints may have written what its journal lacks, and the file could not be read since.
    perhaps_outrun: Option<PerhapsOutrun>,
}

impl DocumentActor {
    /// A document whose file is being read.
    pub(super) fn new(
        id: DocumentId,
        path: WorkspacePath,
        workspace: Workspace,
        journal_path: Option<PathBuf>,
        notices: mpsc::Sender<DocumentNotice>,
        events: Events,
    ) -> (Self, DocumentHandle) {
        let job = Job::load(workspace, path.clone());
        let (mut actor, handle) = Self::empty(id, path, job, notices, events);
        actor.journal_path = journal_path;
        (actor, handle)
    }

    /// A document that a journal brought back. What changed on the disk meanwhile, the first look tells.
    pub(super) fn restored(
        restored: Restored,
        workspace: &Workspace,
        notices: mpsc::Sender<DocumentNotice>,
        events: Events,
    ) -> (Self, DocumentHandle) {
        let Restored { identity, text, disk_replica, holds, perhaps_written, perhaps_outrun, journal } =
            restored;
        let Identity { document, epoch, path, format } = identity;
        let base = holds.clone().unwrap_or_else(|| disk_replica.text());
        let unfinished = perhaps_written.as_ref().and_then(|written| written.unfinished(&base, &format));
        let file = DiskFile::restored(workspace, &path, base.clone(), format.clone(), unfinished);
        let (mut actor, handle) = Self::empty(document, path, Job::restored(file), notices, events);
        let now = Instant::now();
        actor.format = format;
        actor.epochs = Epochs::resumed(epoch);
        actor.loaded = true;
        actor.check_disk = true;
        // A guest may have written it: then what guests may not write stays unwritten.
        actor.unsaved_by = Actor::Guest;
        if text.text() != base {
            actor.schedule.edited(now);
            actor.status = DocumentStatus::Unsaved;
        }
        (actor.text, actor.disk_replica, actor.journal) = (text, disk_replica, journal);
        if actor.journal.is_behind() {
            // It was the last program's trouble: as soon as the file was looked at.
            actor.journal_retry = Some((now, Duration::ZERO));
        }
        actor.unfinished = perhaps_written.map(|PerhapsWritten { replica, journal_mark, holds, .. }| {
            Writing { replica, holds, journal_mark, author: Actor::Guest }
        });
        actor.perhaps_outrun = perhaps_outrun;
        actor.beside = Beside::restored(holds);
        actor.empty_since = Some(now);
        actor.keep_until = Some(now + LINGER_FOR_LOST);
        (actor, handle)
    }

    fn empty(
        id: DocumentId,
        path: WorkspacePath,
        job: Job,
        notices: mpsc::Sender<DocumentNotice>,
        events: Events,
    ) -> (Self, DocumentHandle) {
        let (sender, inbox) = mpsc::channel(INBOX_CAPACITY);
        let actor = Self {
            id,
            path,
            inbox,
            notices,
            events,
            text: Document::new(AuthorId::AGENT),
            disk_replica: DiskReplica::unread(),
            format: Format::NEW,
            status: DocumentStatus::Saved { by: None },
            schedule: CheckpointSchedule::default(),
            job,
            check_disk: false,
            settling_until: None,
            outgrown_until: None,
            unsaved_by: Actor::Host,
            missed: false,
            paused: false,
            save_asked_by: None,
            encoding_wish: None,
            subscribers: BTreeMap::new(),
            openings: 0,
            empty_since: None,
            keep_until: None,
            idle_told: false,
            early: Vec::new(),
            loaded: false,
            not_loaded: None,
            finishing: None,
            changes: 0,
            digest: None,
            epochs: Epochs::default(),
            began: Instant::now(),
            unweighed: 0,
            renew_at: None,
            repairs: 0,
            repairs_told: BTreeMap::new(),
            journal: Journal::none(),
            offers: Offers::default(),
            beside: Beside::default(),
            journal_retry: None,
            journal_path: None,
            writing: None,
            unfinished: None,
            perhaps_outrun: None,
        };
        (actor, DocumentHandle(sender))
    }

    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let now = Instant::now();
            self.tend_journal(now);
            self.start_jobs(now);
            if self.finishing.is_some() && !self.job.is_running() && self.settling_until.is_none() {
                break;
            }
            let wake = self.next_wake(now);
            // Every arm is cancel-safe: a task's end that is kept until taken, a time, `recv_many`. Rarest first.
            tokio::select! {
                biased;
                outcome = self.job.finished() => {
                    let now = Instant::now();
                    if !self.job_finished(outcome, now) {
                        break;
                    }
                    self.after_job(now);
                    self.acknowledge();
                }
                () = sleep_until(wake), if wake.is_some() => self.housekeeping(Instant::now()),
                received = self.inbox.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        break;
                    }
                    let now = Instant::now();
                    for command in batch.drain(..) {
                        self.handle(command, now);
                    }
                    self.acknowledge();
                }
            }
        }
        self.finish();
    }

    fn handle(&mut self, command: DocumentCommand, now: Instant) {
        match command {
            DocumentCommand::Open(connection, request, known) => {
                self.openings += 1;
                if self.loaded {
                    self.open(connection, request, known, now);
                } else {
                    self.early.push((connection, request, known));
                }
            }
            DocumentCommand::Update { from, connection, epoch, sequence, update } => {
                // One of an epoch that is over is part of what its author says when it hears of the next.
                if self.is_subscribed(from, connection) && epoch == self.epochs.current() {
                    self.update(from, sequence, &update, now);
                }
            }
            DocumentCommand::Sync { from, epoch, state_vector } => {
                debug!(document = %self.id, participant = %from, "a guest synchronises anew");
                self.synchronise(from, epoch, &state_vector);
            }
            DocumentCommand::Save { from } => {
                self.save_asked_by = Some(from);
                self.schedule.force();
            }
            DocumentCommand::BringBack { from, offer } => self.bring_back(from, offer, now),
            DocumentCommand::Encode { from, connection, wish } => {
                if self.is_subscribed(from, connection) {
                    self.wish_encoding(from, wish);
                }
            }
            DocumentCommand::Verify { from } => self.verify(from),
            DocumentCommand::Diverged { from, incident } => {
                self.repairs += 1;
                // A participant may say so as often as it likes: the next line tells how often.
                self.repairs_told.retain(|_, told| now < *told + REPAIRS_TOLD_EVERY);
                if self.repairs_told.contains_key(&from) {
                    return;
                }
                self.repairs_told.insert(from, now);
                let (document, repairs) = (self.id, self.repairs);
                error!(%document, participant = %from, %incident, repairs, "a replica had another text; it takes ours");
            }
            DocumentCommand::Close { from, connection } => {
                if self.is_subscribed(from, connection)
                    && let Some(subscriber) = self.subscribers.remove(&from)
                {
                    subscriber.connection.release(self.id);
                    subscriber.connection.outbox.forget_document(self.id);
                }
                self.note_emptiness(now);
            }
            DocumentCommand::Gone(participant, connection) => {
                if self.is_subscribed(participant, connection) {
                    self.subscribers.remove(&participant);
                    self.keep_until = Some(now + LINGER_FOR_LOST);
                    self.note_emptiness(now);
                }
            }
            DocumentCommand::CheckDisk => self.check_disk = true,
            DocumentCommand::Pause(done) => {
                self.paused = true;
                self.job.when_idle(done);
            }
            DocumentCommand::Resume(path) => {
                self.paused = false;
                self.check_disk = true;
                if let Some(path) = path {
                    self.moved(path);
                }
            }
            DocumentCommand::Finish(done) => {
                self.paused = false;
                self.finishing = Some(done);
                self.nobody_types();
                self.settle_white_space(now);
                if self.schedule.is_unsaved() {
                    self.schedule.force();
                }
            }
        }
    }

    fn identity(&self) -> Identity {
        let epoch = self.epochs.current();
        Identity { document: self.id, epoch, path: self.path.clone(), format: self.format.clone() }
    }

    fn set_status(&mut self, status: DocumentStatus) {
        if self.status != status {
            self.status = status.clone();
            self.tell_all(&DocumentToGuest::Status { document: self.id, status });
        }
    }

    fn moved(&mut self, path: WorkspacePath) {
        self.job.moved(&path);
        self.path = path.clone();
        self.journal.is(&self.identity());
        self.tell_all(&DocumentToGuest::Moved { document: self.id, path });
    }

    // Time.

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        if self.paused || self.job.is_running() {
            return None;
        }
        let due = if self.may_write() { self.schedule.due(now) } else { None };
        // Until something else is done with the file nothing is done to it: waking for it earlier would be waking in vain.
        let settled_by = |at: Instant| self.settling_until.map_or(at, |settled| settled.max(at));
        let due = due.map(settled_by);
        let settled = self.settling_until.or(self.outgrown_until).filter(|_| self.check_disk);
        let idle = if self.idle_told || self.schedule.is_unsaved() {
            None
        } else {
            self.empty_since.map(|since| self.idle_at(since))
        };
        let renewal = self.renew_at.filter(|_| self.is_at_rest());
        let journal = self.journal_retry.filter(|_| self.may_begin_journal()).map(|(at, _)| at);
        [due, settled, idle, renewal, journal, self.white_space_due()].into_iter().flatten().min()
    }

    fn idle_at(&self, empty_since: Instant) -> Instant {
        let linger = empty_since + LINGER;
        self.keep_until.map_or(linger, |keep| keep.max(linger))
    }

    fn note_emptiness(&mut self, now: Instant) {
        self.subscribers.retain(|_, subscriber| !subscriber.connection.stopped.is_cancelled());
        if self.subscribers.is_empty() {
            self.empty_since.get_or_insert(now);
        }
    }

    fn housekeeping(&mut self, now: Instant) {
        if self.white_space_due().is_some_and(|at| at <= now) {
            self.settle_white_space(now);
        }
        // Not at rest: the end of what is under way looks again.
        if self.renew_at.is_some_and(|at| at <= now) {
            self.weigh(now);
        }
        // A text that the disk does not have is never given up.
        let idle =
            !self.schedule.is_unsaved() && self.empty_since.is_some_and(|since| self.idle_at(since) <= now);
        if idle && !self.idle_told {
            // A full channel: told again at the next housekeeping.
            let notice = DocumentNotice::Idle { document: self.id, openings: self.openings };
            self.idle_told = self.notices.try_send(notice).is_ok();
        }
    }

    fn finish(mut self) {
        if !self.loaded {
            // The registry is alive as long as its documents; a full channel means that it will ask by itself.
            let _ = self.notices.try_send(DocumentNotice::Failed { document: self.id });
            self.inbox.close();
            let fault = self.not_loaded.take().unwrap_or_else(|| FaultCode::Busy.into());
            while let Ok(command) = self.inbox.try_recv() {
                if let DocumentCommand::Open(connection, request, _) = command {
                    connection.release(self.id);
                    connection.outbox.fault(Some(request), fault.clone());
                }
            }
        }
        if let Some(done) = self.finishing.take() {
            let finished = if self.schedule.is_unsaved() {
                // The journal stays until whoever ends the session has kept the text.
                Finished::Unsaved(Box::new(self.unsaved_text()))
            } else {
                self.journal.remove();
                Finished::Saved
            };
            // Nobody waits any more if the time for ending is over.
            let _ = done.send(finished);
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}
