//! One open file: sole owner of its shared text, its subscribers and its way to the disk.
//!
//! The disk is a peer like any other. The actor keeps a second replica, the *disk replica*, which holds what the file
//! held when it was last read or written. A change made outside is the difference between that and the file now; it
//! becomes edits of [`AuthorId::DISK`] on the disk replica and merges from there, so what guests typed meanwhile stays.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parlor_shared::access_rules;
use parlor_shared::document::diff;
use parlor_shared::document::epoch::{Epochs, Step, Wear, wear};
use parlor_shared::document::{Document, UpdateError, digest as document_digest};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, RequestId};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{
    DocumentInfo, DocumentStatus, DocumentToGuest, Encoding, EndOfLine, KnownDocument, Packed, ToGuest,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::event::{AgentEvent, Events};
use super::outbox::encode;
use super::participant::{ConnectionId, ParticipantConnection};
use super::state::{Identity, Journal, Restored};
use super::workspace::{Actor, Workspace};

mod checkpoint;
pub mod disk;
pub mod encoding;
mod job;

use checkpoint::CheckpointSchedule;
use disk::{DiskFile, Missing, OutsideChange, SETTLE_INTERVAL};
use job::{DiskJob, DiskOutcome, Job};

/// Commands that may wait for one document; a guest that sends more waits at its own connection.
const INBOX_CAPACITY: usize = 256;

/// Commands that are handled before anything else gets a turn: a burst of typing is fanned out at once.
const BATCH: usize = 64;

/// How long a document that nobody shows stays open: a reload comes back to the same replica.
const LINGER: Duration = Duration::from_secs(30);

/// How long it stays open for somebody whose connection broke.
const LINGER_FOR_LOST: Duration = Duration::from_secs(600);

/// Before a file that is not there is called gone.
const GONE_PAUSE: Duration = Duration::from_millis(150);

/// Between two looks at files that checkpoints replaced: a shell may have opened one just before and write just after.
const RECHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Bytes of updates after which the weight of the history is looked at again, besides a quarter of the text's length: that
/// takes as long as encoding all of it.
const WEIGH_AFTER_BYTES: usize = 16 * 1024;

/// So long nobody types before a worn history is left behind, unless it is worn out: undo does not reach behind it.
const RENEWAL_QUIET: Duration = Duration::from_secs(30);

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finished {
    /// The disk has everything, or the file is gone and nobody asked for it back.
    Saved,
    /// The disk refused: the journal has what it lacks.
    Unsaved,
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
    acknowledged: u32,
    /// An update was refused: everything that builds on it is void until the guest opens anew.
    refused: bool,
}

/// What a file was when it was opened; kept at every checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format {
    encoding: Encoding,
    end_of_line: EndOfLine,
}

/// Sole owner of one document.
pub(super) struct DocumentActor {
    id: DocumentId,
    path: WorkspacePath,
    inbox: mpsc::Receiver<DocumentCommand>,
    notices: mpsc::Sender<DocumentNotice>,
    events: Events,
    text: Document,
    disk_replica: Document,
    format: Format,
    status: DocumentStatus,
    schedule: CheckpointSchedule,
    job: Job,
    check_disk: bool,
    /// Not before then: something is writing the file at this moment.
    settling_until: Option<Instant>,
    recheck_at: Option<Instant>,
    /// Who wrote what the disk does not have: a guest, if a guest wrote any of it.
    unsaved_by: Actor,
    /// The same of what is being written.
    writing_by: Actor,
    /// The file was gone at the last look; many editors delete it and create it again.
    missed: bool,
    paused: bool,
    save_asked_by: Option<ParticipantId>,
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
    journal: Journal,
    /// Where a journal is to be, if one is kept.
    journal_path: Option<PathBuf>,
    /// How far the journal was when the checkpoint began that is under way.
    /// A checkpoint has begun and its end is not known.
    is_writing: bool,
    journal_mark: u64,
    /// What the file holds beyond the disk replica if the checkpoint wrote it in whose midst the last program ended.
    perhaps_written: Option<Vec<u8>>,
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
        let Restored { identity, text, disk_replica, perhaps_written, journal } = restored;
        let Identity { document, epoch, path, encoding, end_of_line } = identity;
        let file = DiskFile::restored(workspace, &path, disk_replica.text(), encoding, end_of_line);
        let (mut actor, handle) = Self::empty(document, path, Job::restored(file), notices, events);
        let now = Instant::now();
        actor.format = Format { encoding, end_of_line };
        actor.epochs = Epochs::resumed(epoch);
        actor.loaded = true;
        actor.check_disk = true;
        // A guest may have written it: then what guests may not write stays unwritten.
        actor.unsaved_by = Actor::Guest;
        if text.text() != disk_replica.text() {
            actor.schedule.edited(now);
            actor.status = DocumentStatus::Unsaved;
        }
        (actor.text, actor.disk_replica, actor.journal) = (text, disk_replica, journal);
        actor.perhaps_written = perhaps_written;
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
            disk_replica: Document::new(AuthorId::DISK),
            format: Format { encoding: Encoding::Utf8, end_of_line: EndOfLine::Lf },
            status: DocumentStatus::Saved { by: None },
            schedule: CheckpointSchedule::default(),
            job,
            check_disk: false,
            settling_until: None,
            recheck_at: None,
            unsaved_by: Actor::Host,
            writing_by: Actor::Host,
            missed: false,
            paused: false,
            save_asked_by: None,
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
            journal: Journal::none(),
            journal_path: None,
            is_writing: false,
            journal_mark: 0,
            perhaps_written: None,
        };
        (actor, DocumentHandle(sender))
    }

    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let now = Instant::now();
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
            DocumentCommand::Verify { from } => self.verify(from),
            DocumentCommand::Diverged { from, incident } => {
                self.repairs += 1;
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
                if self.schedule.is_unsaved() {
                    self.schedule.force();
                }
            }
        }
    }

    // Subscribers.

    fn is_subscribed(&self, participant: ParticipantId, connection: ConnectionId) -> bool {
        let same = |subscriber: &Subscriber| subscriber.connection.connection == connection;
        self.subscribers.get(&participant).is_some_and(same)
    }

    fn open(
        &mut self,
        connection: Arc<ParticipantConnection>,
        request: RequestId,
        known: Option<KnownDocument>,
        now: Instant,
    ) {
        if connection.stopped.is_cancelled() {
            return self.note_emptiness(now);
        }
        let role = connection.role().unwrap_or(Role::Viewer);
        // Whoever knew the text in an earlier epoch is brought forward from there.
        let steps = known.filter(|known| known.document == self.id).and_then(|known| {
            let steps = self.epochs.steps(&self.text, known.epoch, &known.state_vector).ok()??;
            Some((known.epoch, steps))
        });
        let (epoch, steps) = steps.unwrap_or_else(|| {
            let current = self.epochs.current();
            let steps = self.epochs.steps(&self.text, current, &[]);
            (current, steps.ok().flatten().expect("the current epoch is known, and so is an empty vector"))
        });
        let info = DocumentInfo {
            document: self.id,
            epoch,
            path: self.path.clone(),
            end_of_line: self.format.end_of_line,
            encoding: self.format.encoding,
            writable: role == Role::Host || access_rules::is_writable_by_guests(&self.path),
            status: self.status.clone(),
        };
        connection.outbox.document(DocumentToGuest::Opened { request, info });
        let id = connection.id;
        self.subscribers.insert(id, Subscriber { connection, sequence: 0, acknowledged: 0, refused: false });
        self.empty_since = None;
        self.idle_told = false;
        self.send_steps(id, steps);
    }

    fn synchronise(&self, from: ParticipantId, epoch: u32, state_vector: &[u8]) {
        let Some(subscriber) = self.subscribers.get(&from) else { return };
        match self.epochs.steps(&self.text, epoch, state_vector) {
            Ok(Some(steps)) => self.send_steps(from, steps),
            Ok(None) => {
                let fault = FaultCode::UnknownDocument.into();
                let refused =
                    DocumentToGuest::Refused { document: self.id, sequence: subscriber.sequence, fault };
                subscriber.connection.outbox.document(refused);
            }
            Err(_) => subscriber.connection.outbox.fault(None, FaultCode::Malformed.into()),
        }
    }

    fn send_steps(&self, to: ParticipantId, steps: Vec<Step>) {
        let Some(subscriber) = self.subscribers.get(&to) else { return };
        let document = self.id;
        for step in steps {
            let message = match step {
                Step::State { epoch, update, state_vector } => {
                    DocumentToGuest::State { document, epoch, update: Packed::new(update), state_vector }
                }
                Step::Renewed { epoch, update } => {
                    DocumentToGuest::Renewed { document, epoch, update: Packed::new(update) }
                }
            };
            subscriber.connection.outbox.state(document, message);
        }
    }

    fn verify(&mut self, from: ParticipantId) {
        let Some(subscriber) = self.subscribers.get(&from) else { return };
        // Whoever asks next usually asks of the same text.
        let digest = match self.digest {
            Some((changes, digest)) if changes == self.changes => digest,
            Some(_) | None => document_digest(&self.text.text()),
        };
        self.digest = Some((self.changes, digest));
        subscriber.connection.outbox.document(DocumentToGuest::Digest { document: self.id, digest });
    }

    fn update(&mut self, from: ParticipantId, sequence: u32, packed: &Packed, now: Instant) {
        let Some(subscriber) = self.subscribers.get_mut(&from) else { return };
        if subscriber.refused {
            return;
        }
        let connection = Arc::clone(&subscriber.connection);
        let writable =
            connection.role() == Some(Role::Host) || access_rules::is_writable_by_guests(&self.path);
        let result = if writable {
            packed.unpack().map_err(Fault::from).and_then(|update| {
                let applied = self.text.apply_as(connection.author, &update, MAX_DOCUMENT_BYTES as u32);
                applied.map(|()| update).map_err(|error| fault_of(&error))
            })
        } else {
            Err(Fault::new(FaultCode::Protected).with(&self.path))
        };
        let update = match result {
            Ok(update) => update,
            Err(fault) => {
                debug!(document = %self.id, participant = %from, code = ?fault.code, "refused an update");
                subscriber.refused = true;
                let refused = DocumentToGuest::Refused { document: self.id, sequence, fault };
                subscriber.connection.outbox.document(refused);
                return;
            }
        };
        subscriber.sequence = sequence;
        if connection.role() != Some(Role::Host) {
            self.unsaved_by = Actor::Guest;
        }
        self.changed(Some(from), update, now);
    }

    /// The text changed: passes it on to everybody but its author.
    fn changed(&mut self, author: Option<ParticipantId>, update: Vec<u8>, now: Instant) {
        // Before anybody hears of it: what was acknowledged or seen by another survives the end of this program.
        self.journal.text(&update);
        self.pass_on(author, update, now);
    }

    fn pass_on(&mut self, author: Option<ParticipantId>, update: Vec<u8>, now: Instant) {
        self.changes += 1;
        self.unweighed += update.len();
        self.schedule.edited(now);
        self.renew_at = None;
        let (epoch, update) = (self.epochs.current(), Packed::new(update));
        let message = DocumentToGuest::Update { document: self.id, epoch, by: author, update };
        let message = encode(&ToGuest::Document(message));
        for (id, subscriber) in &self.subscribers {
            if Some(*id) != author {
                subscriber.connection.outbox.update(self.id, message.clone());
            }
        }
        if matches!(self.status, DocumentStatus::Saved { .. }) {
            self.set_status(DocumentStatus::Unsaved);
        }
    }

    /// After a batch, so that one acknowledgement serves many updates, and the news that the text is not saved yet
    /// comes first.
    fn acknowledge(&mut self) {
        for subscriber in self.subscribers.values_mut() {
            if subscriber.acknowledged != subscriber.sequence {
                subscriber.acknowledged = subscriber.sequence;
                let sequence = subscriber.sequence;
                let acknowledged = DocumentToGuest::Acknowledged { document: self.id, sequence };
                subscriber.connection.outbox.document(acknowledged);
            }
        }
    }

    fn tell_all(&self, message: &DocumentToGuest) {
        for subscriber in self.subscribers.values() {
            subscriber.connection.outbox.document(message.clone());
        }
    }

    fn identity(&self) -> Identity {
        let Format { encoding, end_of_line } = self.format;
        let epoch = self.epochs.current();
        Identity { document: self.id, epoch, path: self.path.clone(), encoding, end_of_line }
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

    // The disk.

    fn start_jobs(&mut self, now: Instant) {
        if self.paused
            || !self.loaded
            || self.job.is_running()
            || self.settling_until.is_some_and(|at| now < at)
        {
            return;
        }
        self.settling_until = None;
        if std::mem::take(&mut self.check_disk) {
            self.job.start(DiskJob::Check);
        } else if self.recheck_at.is_some_and(|at| at <= now) {
            self.recheck_at = None;
            self.job.start(DiskJob::Recheck);
        } else if self.may_write() && self.schedule.due(now).is_some_and(|at| at <= now) {
            if !self.schedule.wants_write() {
                // The disk refused, and what it lacked came to it by another way, or it lacked nothing.
                self.schedule.failed(now);
                return self.job.start(DiskJob::Check);
            }
            let revision = self.schedule.begin();
            self.journal_mark = self.journal.saving();
            self.is_writing = true;
            let missing = self.text.missing_from(&self.disk_replica.state_vector());
            let disk_lacks = missing.expect("our own state vector can be read");
            let missing = if self.status == DocumentStatus::Gone { Missing::Create } else { Missing::Report };
            let author = std::mem::replace(&mut self.unsaved_by, Actor::Host);
            self.writing_by = author;
            self.job.start(DiskJob::Save { text: self.text.text(), revision, disk_lacks, author, missing });
        }
    }

    /// A file that somebody deleted is created again only if a person asks for it.
    fn may_write(&self) -> bool {
        self.status != DocumentStatus::Gone || self.save_asked_by.is_some()
    }

    /// Takes in what the disk said. False if the document can not go on.
    fn job_finished(&mut self, outcome: DiskOutcome, now: Instant) -> bool {
        if !matches!(outcome, DiskOutcome::Saved { .. }) && self.writing_by == Actor::Guest {
            self.unsaved_by = Actor::Guest;
        }
        self.writing_by = Actor::Host;
        if std::mem::take(&mut self.is_writing) && !matches!(outcome, DiskOutcome::Saved { .. }) {
            // Or else, after a sudden end, what is on the disk would be measured by what never came to it.
            self.journal.not_saved();
        }
        let missed = std::mem::replace(&mut self.missed, matches!(outcome, DiskOutcome::Gone));
        match outcome {
            DiskOutcome::Loaded { text, encoding, end_of_line } => {
                self.format = Format { encoding, end_of_line };
                self.loaded = true;
                self.merge_outside(&text, now);
                self.schedule.is_on_disk();
                self.status = DocumentStatus::Saved { by: None };
                if let Some(path) = &self.journal_path {
                    self.journal = Journal::begin(path, &self.identity(), &self.text, &self.disk_replica);
                }
                for (connection, request, known) in std::mem::take(&mut self.early) {
                    self.open(connection, request, known, now);
                }
            }
            DiskOutcome::NotLoaded(fault) => {
                for (connection, request, _) in std::mem::take(&mut self.early) {
                    connection.release(self.id);
                    connection.outbox.fault(Some(request), fault.clone());
                }
                self.not_loaded = Some(fault);
                return false;
            }
            DiskOutcome::Saved { revision, disk_lacks, late } => {
                self.disk_replica.apply([disk_lacks.as_slice()]).expect("our own update can be read");
                self.journal.saved(self.journal_mark);
                self.schedule.succeeded(revision, now);
                self.events.send(AgentEvent::Saved { path: self.path.clone() });
                for change in late {
                    self.merge_late(&change, now);
                }
                let by = self.save_asked_by.take();
                let saved = !self.schedule.is_unsaved();
                self.set_status(if saved { DocumentStatus::Saved { by } } else { DocumentStatus::Unsaved });
            }
            DiskOutcome::Text(text) => {
                self.merge_outside(&text, now);
                self.compare_with_disk();
            }
            DiskOutcome::Conflict(text) => {
                debug!(document = %self.id, "a change of the file came before the checkpoint");
                self.merge_outside(&text, now);
                self.schedule.put_off();
            }
            DiskOutcome::Late(late) => {
                for change in late {
                    self.merge_late(&change, now);
                }
            }
            DiskOutcome::Settling => {
                debug!(document = %self.id, "something is writing the file");
                self.settling_until = Some(now + SETTLE_INTERVAL);
                self.check_disk = true;
                if self.schedule.is_unsaved() {
                    self.schedule.put_off();
                }
            }
            DiskOutcome::Same => {
                self.perhaps_written = None;
                if matches!(self.status, DocumentStatus::Gone | DocumentStatus::NotSaved(_)) {
                    self.compare_with_disk();
                }
            }
            DiskOutcome::Gone if !missed && self.status != DocumentStatus::Gone => {
                self.settling_until = Some(now + GONE_PAUSE);
                self.check_disk = true;
            }
            DiskOutcome::Gone => {
                debug!(document = %self.id, "the file is gone");
                self.save_asked_by = None;
                self.set_status(DocumentStatus::Gone);
            }
            DiskOutcome::Failed(fault) => {
                warn!(document = %self.id, code = ?fault.code, "the disk refused");
                self.schedule.failed(now);
                self.save_asked_by = None;
                self.events.send(AgentEvent::Error { path: Some(self.path.clone()), fault: fault.clone() });
                self.set_status(DocumentStatus::NotSaved(fault));
                if self.finishing.is_some() {
                    return false;
                }
            }
        }
        true
    }

    /// What the job left behind: how the file is stored now, and files to look at again.
    fn after_job(&mut self, now: Instant) {
        if let Some((encoding, end_of_line)) = self.job.format() {
            let format = Format { encoding, end_of_line };
            if std::mem::replace(&mut self.format, format) != format {
                self.journal.is(&self.identity());
            }
        }
        if self.journal.is_long() {
            self.journal.rewrite(&self.identity(), &self.text, &self.disk_replica);
        }
        self.weigh(now);
        if self.job.has_retired() {
            self.recheck_at.get_or_insert(now + RECHECK_INTERVAL);
        }
    }

    /// Looks whether the history has become too heavy. After a checkpoint, when the disk has all of the text: then both
    /// replicas can begin anew with the same.
    fn weigh(&mut self, now: Instant) {
        if !self.is_at_rest() {
            return;
        }
        if self.unweighed >= WEIGH_AFTER_BYTES + self.text.len() as usize / 4 {
            self.unweighed = 0;
            match wear(&self.text) {
                Ok(Wear::WornOut) => return self.renew(now),
                Ok(Wear::Worn) => self.renew_at = Some(now + RENEWAL_QUIET),
                Ok(Wear::Slight) | Err(_) => {}
            }
        }
        if self.renew_at.is_some_and(|at| at <= now) {
            self.renew(now);
        }
    }

    fn is_at_rest(&self) -> bool {
        self.loaded
            && !self.schedule.is_unsaved()
            && !self.job.is_running()
            && !self.check_disk
            && self.settling_until.is_none()
            && matches!(self.status, DocumentStatus::Saved { .. })
            && self.finishing.is_none()
    }

    /// Leaves the history behind: see [`parlor_shared::document::epoch`].
    fn renew(&mut self, now: Instant) {
        self.renew_at = None;
        if self.text.text() != self.disk_replica.text() {
            return;
        }
        self.epochs.forget_until(now - self.began);
        let until = now + LINGER_FOR_LOST - self.began;
        let (text, first) = self.epochs.renew(&self.text, until).expect("our own document can be encoded");
        self.disk_replica = Document::new(AuthorId::DISK);
        self.disk_replica.apply([first.as_slice()]).expect("our own update can be read");
        self.text = text;
        self.journal.rewrite(&self.identity(), &self.text, &self.disk_replica);
        let epoch = self.epochs.current();
        debug!(document = %self.id, epoch, "left the history behind");
        let renewed = DocumentToGuest::Renewed { document: self.id, epoch, update: Packed::new(first) };
        for subscriber in self.subscribers.values() {
            subscriber.connection.outbox.state(self.id, renewed.clone());
        }
    }

    /// The file holds this text now: what changed there becomes edits of the disk.
    fn merge_outside(&mut self, text: &str, now: Instant) {
        self.learn_what_was_written(text);
        if text == self.text.text() {
            // It is all of ours, whoever wrote it: we did, if a sudden end came between a checkpoint and its record.
            let lacks = self.text.missing_from(&self.disk_replica.state_vector());
            let lacks = lacks.expect("our own state vector can be read");
            self.disk_replica.apply([lacks.as_slice()]).expect("our own update can be read");
            self.journal.disk(&lacks);
            return;
        }
        let splices = diff::splices(&self.disk_replica.text(), text);
        let update = self.disk_replica.edit(&splices).expect("the difference of a text fits it");
        let Some(update) = update else { return };
        self.journal.outside(&update);
        self.text.apply([update.as_slice()]).expect("our own update can be read");
        self.pass_on(None, update, now);
    }

    /// The last program ended in the midst of a checkpoint. If the file is nearer to what that was writing than to what
    /// was there before, it was written: taken for a change outside, what was typed would be there twice.
    ///
    /// Near means that little was inserted: another program may have deleted ever so much since, but hardly wrote by
    /// chance what had been typed. How long a deletion is says nothing.
    fn learn_what_was_written(&mut self, text: &str) {
        let Some(update) = self.perhaps_written.take() else { return };
        let before = self.disk_replica.missing_from(&[]).expect("an empty state vector can be read");
        let mut written = Document::new(AuthorId::DISK);
        written.apply([before.as_slice(), update.as_slice()]).expect("our own updates can be read");
        let distance = |from: &str| -> usize {
            let splices = diff::fewest_splices(from, text);
            splices.iter().map(|splice| usize::from(splice.delete > 0) + splice.insert.len()).sum()
        };
        if distance(&written.text()) < distance(&self.disk_replica.text()) {
            debug!(document = %self.id, "the last program had written the file");
            self.disk_replica = written;
            let everything = self.disk_replica.missing_from(&[]).expect("an empty state vector can be read");
            self.journal.disk(&everything);
        }
    }

    /// After the file was read: if it holds all of the text there is nothing to write.
    fn compare_with_disk(&mut self) {
        if self.text.text() == self.disk_replica.text() {
            self.schedule.is_on_disk();
            self.set_status(DocumentStatus::Saved { by: None });
        } else if self.status == DocumentStatus::Gone {
            self.set_status(DocumentStatus::Unsaved);
        }
    }

    /// Somebody wrote into a file that a checkpoint had replaced already: what they added there is in no file that
    /// has a name any more. It is merged into the text, and so comes to the disk with the next checkpoint.
    fn merge_late(&mut self, change: &OutsideChange, now: Instant) {
        let ours = self.text.text();
        let merged = diff::merge(&change.before, &ours, &change.after);
        let splices = diff::fewest_splices(&ours, &merged);
        let update = self.text.edit(&splices).expect("the difference of a text fits it");
        if let Some(update) = update {
            self.changed(None, update, now);
        }
    }

    // Time.

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        if self.paused || self.job.is_running() {
            return None;
        }
        let due = if self.may_write() { self.schedule.due(now) } else { None };
        // Until something else is done with the file nothing is done to it: waking for it earlier would be waking in vain.
        let settled_by = |at: Instant| self.settling_until.map_or(at, |settled| settled.max(at));
        let (due, recheck) = (due.map(settled_by), self.recheck_at.map(settled_by));
        let settled = self.settling_until.filter(|_| self.check_disk);
        let idle = if self.idle_told || self.schedule.is_unsaved() {
            None
        } else {
            self.empty_since.map(|since| self.idle_at(since))
        };
        let renewal = self.renew_at.filter(|_| self.is_at_rest());
        [due, settled, recheck, idle, renewal].into_iter().flatten().min()
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
            let saved = !self.schedule.is_unsaved() || self.status == DocumentStatus::Gone;
            if saved {
                self.journal.remove();
            }
            // Nobody waits any more if the time for ending is over.
            let _ = done.send(if saved { Finished::Saved } else { Finished::Unsaved });
        }
    }
}

fn fault_of(error: &UpdateError) -> Fault {
    match error {
        UpdateError::Malformed | UpdateError::Gap | UpdateError::OutOfRange => {
            FaultCode::InvalidUpdate.into()
        }
        UpdateError::ForeignAuthor(_) => FaultCode::ForeignAuthor.into(),
        UpdateError::TooLarge { units } => {
            Fault::new(FaultCode::DocumentTooLarge).with(units).with(MAX_DOCUMENT_BYTES)
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}
