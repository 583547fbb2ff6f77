//! The document and its file: when the disk is asked or written, and what becomes of its answers.

use std::time::Duration;

use parlor_shared::document::outside::Judgement;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::DocumentStatus;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::disk::{Missing, OutsideChange, SETTLE_INTERVAL, Wish};
use super::job::{DiskJob, DiskOutcome};
use super::{DocumentActor, Writing};
use crate::agent::event::AgentEvent;
use crate::agent::state::{DiskReplica, Journal};
use crate::agent::workspace::Actor;

/// Before a file that is not there is called gone.
const GONE_PAUSE: Duration = Duration::from_millis(150);

/// Between two looks at a file that outgrew the limit.
const OUTGROWN_INTERVAL: Duration = Duration::from_secs(2);

/// Between two looks whether a script has ended.
const SCRIPT_INTERVAL: Duration = Duration::from_secs(1);

impl DocumentActor {
    pub(super) fn start_jobs(&mut self, now: Instant) {
        if self.paused
            || !self.loaded
            || self.job.is_running()
            || self.settling_until.is_some_and(|at| now < at)
        {
            return;
        }
        self.settling_until = None;
        if self.check_disk && self.outgrown_until.is_none_or(|at| at <= now) {
            (self.check_disk, self.outgrown_until) = (false, None);
            self.job.start(DiskJob::Check);
        } else if let Some(job) = self.wished_job() {
            self.job.start(job);
        } else if self.may_write() && self.schedule.due(now).is_some_and(|at| at <= now) {
            if !self.schedule.wants_write() {
                // The disk refused, and what it lacked came to it by another way, or it lacked nothing.
                self.schedule.failed(now);
                return self.job.start(DiskJob::Check);
            }
            let revision = self.schedule.begin();
            let ours = self.text.text();
            let text = self.text_to_write(&ours, now);
            // The end of the session removes the journal, so that it is written then all the same.
            if !self.journal.outrun(&text) && self.finishing.is_none() {
                self.schedule.failed(now);
                self.save_asked_by = None;
                return self.set_status(DocumentStatus::NotSaved(FaultCode::NotKept.into()));
            }
            self.note_writing();
            let missing = if self.status == DocumentStatus::Gone { Missing::Create } else { Missing::Report };
            let wish = if self.save_asked_by.is_some() { Wish::Person } else { Wish::Clock };
            let author = std::mem::replace(&mut self.unsaved_by, Actor::Host);
            let holds = (text != ours).then(|| text.clone());
            let (journal_mark, announcer) = self.journal.saving(holds.clone());
            self.writing =
                Some(Writing { replica: DiskReplica::of(&self.text), holds, journal_mark, author });
            self.job.start(DiskJob::Save { text, revision, author, missing, wish, announcer });
        }
    }

    /// A file that somebody deleted is created again only if a person asks for it.
    pub(super) fn may_write(&self) -> bool {
        self.status != DocumentStatus::Gone || self.save_asked_by.is_some()
    }

    /// Takes in what the disk said. False if the document can not go on.
    pub(super) fn job_finished(&mut self, outcome: DiskOutcome, now: Instant) -> bool {
        self.learn_what_was_written(&outcome);
        let missed = std::mem::replace(&mut self.missed, matches!(outcome, DiskOutcome::Gone));
        match outcome {
            DiskOutcome::Loaded { text, format } => {
                self.format = format;
                self.loaded = true;
                let (before, origin) = (String::new(), Judgement::Edit);
                self.merge_outside(&OutsideChange { before, after: text, origin }, now);
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
            DiskOutcome::Saved { revision, outside } => {
                self.perhaps_outrun = None;
                self.note_written();
                self.schedule.succeeded(revision, now);
                self.events.send(AgentEvent::Saved { path: self.path.clone() });
                if let Some(change) = outside {
                    self.merge_outside(&change, now);
                }
                let by = self.save_asked_by.take();
                let saved = !self.schedule.is_unsaved();
                self.set_status(if saved { DocumentStatus::Saved { by } } else { self.unsaved() });
            }
            DiskOutcome::Overtaken => {
                debug!(document = %self.id, "another program wrote the file while it was being saved");
                self.check_disk = true;
                self.schedule.put_off();
            }
            DiskOutcome::Finished => {
                debug!(document = %self.id, "a checkpoint that was interrupted is in the file");
                self.perhaps_outrun = None;
                self.check_disk = true;
                self.compare_with_disk(&self.base(), now);
            }
            DiskOutcome::NotAnnounced => {
                self.journal.refused();
                self.schedule.put_off();
            }
            DiskOutcome::Text(change) => {
                self.merge_outside(&change, now);
                self.compare_with_disk(&change.after, now);
            }
            DiskOutcome::Conflict(change) => {
                debug!(document = %self.id, "a change of the file came before the checkpoint");
                self.merge_outside(&change, now);
                self.schedule.put_off();
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
                self.perhaps_outrun = None;
                if matches!(self.status, DocumentStatus::Gone | DocumentStatus::NotSaved(_)) {
                    self.compare_with_disk(&self.base(), now);
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
            DiskOutcome::Wanted => self.wish_granted(),
            DiskOutcome::Reopened(change) => {
                self.wish_granted();
                self.merge_outside(&change, now);
                self.compare_with_disk(&change.after, now);
            }
            DiskOutcome::Unwanted(fault) => self.wish_refused(fault),
            DiskOutcome::Failed(fault) if fault.code == FaultCode::ScriptRuns && self.finishing.is_none() => {
                debug!(document = %self.id, "a shell runs the script: it is saved later");
                self.settling_until = Some(now + SCRIPT_INTERVAL);
                self.schedule.put_off();
                self.set_status(DocumentStatus::NotSaved(fault));
            }
            DiskOutcome::Failed(fault) if fault.code == FaultCode::FileTooLarge => {
                // A log may grow ten times a second: it is said once, whatever its size is by then.
                debug!(document = %self.id, "the file outgrew the limit");
                self.outgrown_until = Some(now + OUTGROWN_INTERVAL);
                let fault = Fault::new(FaultCode::Outgrown).with(&self.path).with(MAX_DOCUMENT_BYTES);
                return self.refused(fault, now);
            }
            DiskOutcome::Failed(fault) => {
                warn!(document = %self.id, code = ?fault.code, "the disk refused");
                return self.refused(fault, now);
            }
        }
        true
    }

    /// The disk refused. The host is told once of the same cause. False if the document can not go on.
    fn refused(&mut self, fault: Fault, now: Instant) -> bool {
        self.schedule.failed(now);
        self.save_asked_by = None;
        self.wish_refused(fault.clone());
        let status = DocumentStatus::NotSaved(fault.clone());
        if self.status != status {
            self.events.send(AgentEvent::Error { path: Some(self.path.clone()), fault });
            self.set_status(status);
        }
        self.finishing.is_none()
    }

    /// What the job left behind: how the file is stored now, and files to look at again.
    pub(super) fn after_job(&mut self, now: Instant) {
        if let Some(format) = self.job.format()
            && *format != self.format
        {
            self.format = format.clone();
            self.journal.is(&self.identity());
            self.tell_all(&self.format_news());
        }
        if self.journal.is_long() && self.unfinished.is_none() {
            let holds = self.beside.holds.as_deref();
            self.journal.rewrite(&self.identity(), &self.text, &self.disk_replica, holds);
        }
        self.weigh(now);
    }

    /// What the file holds of ours after a job, by how that ended: what outside changes are measured against.
    fn learn_what_was_written(&mut self, outcome: &DiskOutcome) {
        let begun = self.writing.take();
        if begun.as_ref().is_some_and(|begun| begun.author == Actor::Guest) {
            self.unsaved_by = Actor::Guest;
        }
        match outcome {
            DiskOutcome::Saved { .. } | DiskOutcome::Overtaken => {
                self.unfinished = None;
                let Some(begun) = begun else { return };
                self.unsaved_by =
                    if matches!(outcome, DiskOutcome::Overtaken) { begun.author } else { Actor::Host };
                self.has_written(begun);
            }
            DiskOutcome::Finished => {
                if let Some(written) = self.unfinished.take() {
                    self.has_written(written);
                }
            }
            // The intent stays in the journal: whoever comes next completes it.
            DiskOutcome::Failed(fault) if fault.code == FaultCode::HalfWritten => {
                self.unfinished = self.unfinished.take().or(begun);
            }
            _ if self.job.is_unfinished() => {}
            _ => {
                if begun.is_some() || self.unfinished.take().is_some() {
                    // Or else, after a sudden end, the file would be judged by a save that was never begun.
                    self.journal.not_saved();
                }
            }
        }
    }

    /// What the file holds, as far as we know.
    fn base(&self) -> String {
        self.beside.holds.clone().unwrap_or_else(|| self.disk_replica.text())
    }

    fn has_written(&mut self, written: Writing) {
        (self.disk_replica, self.beside.holds) = (written.replica, written.holds);
        self.journal.saved(written.journal_mark);
    }

    /// After the file was read, which holds this: if it is all of the text there is nothing to write.
    fn compare_with_disk(&mut self, file: &str, now: Instant) {
        let ours = self.text.text();
        if self.text_to_write(&ours, now) == file {
            self.schedule.is_on_disk();
            self.note_writing();
            self.note_written();
            self.set_status(DocumentStatus::Saved { by: None });
        } else if self.status == DocumentStatus::Gone {
            self.set_status(self.unsaved());
        }
    }
}
