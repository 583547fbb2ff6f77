//! The document and its file: when the disk is asked or written, and what becomes of its answers.

use std::time::Duration;

use parlor_shared::document::diff;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::DocumentStatus;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::disk::{Missing, OutsideChange, SETTLE_INTERVAL};
use super::job::{DiskJob, DiskOutcome};
use super::{DocumentActor, Writing};
use crate::agent::event::AgentEvent;
use crate::agent::state::{DiskReplica, Journal, insertions};
use crate::agent::workspace::Actor;

/// Before a file that is not there is called gone.
const GONE_PAUSE: Duration = Duration::from_millis(150);

/// Between two looks at files that checkpoints replaced: a shell may have opened one just before and write just after.
const RECHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Between two looks at a file that outgrew the limit.
const OUTGROWN_INTERVAL: Duration = Duration::from_secs(2);

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
            let journal_mark = self.journal.saving();
            let text = self.text.text();
            // The end of the session removes the journal, so that it is written then all the same.
            if !self.journal.outrun(&text) && self.finishing.is_none() {
                self.schedule.failed(now);
                self.save_asked_by = None;
                return self.set_status(DocumentStatus::NotSaved(FaultCode::NotKept.into()));
            }
            self.note_writing();
            let missing = if self.status == DocumentStatus::Gone { Missing::Create } else { Missing::Report };
            let author = std::mem::replace(&mut self.unsaved_by, Actor::Host);
            self.writing = Some(Writing { replica: DiskReplica::of(&self.text), journal_mark, author });
            self.job.start(DiskJob::Save { text, revision, author, missing });
        }
    }

    /// A file that somebody deleted is created again only if a person asks for it.
    pub(super) fn may_write(&self) -> bool {
        self.status != DocumentStatus::Gone || self.save_asked_by.is_some()
    }

    /// Takes in what the disk said. False if the document can not go on.
    pub(super) fn job_finished(&mut self, outcome: DiskOutcome, now: Instant) -> bool {
        match self.writing.take() {
            Some(writing) if matches!(outcome, DiskOutcome::Saved { .. }) => {
                self.disk_replica = writing.replica;
                self.journal.saved(writing.journal_mark);
            }
            Some(writing) => {
                if writing.author == Actor::Guest {
                    self.unsaved_by = Actor::Guest;
                }
                // Or else, after a sudden end, what is on the disk would be measured by what never came to it.
                self.journal.not_saved();
            }
            None => {}
        }
        let missed = std::mem::replace(&mut self.missed, matches!(outcome, DiskOutcome::Gone));
        match outcome {
            DiskOutcome::Loaded { text, format } => {
                self.format = format;
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
            DiskOutcome::Saved { revision, late } => {
                self.perhaps_outrun = None;
                self.note_written();
                self.schedule.succeeded(revision, now);
                self.events.send(AgentEvent::Saved { path: self.path.clone() });
                for change in late {
                    self.merge_late(&change, now);
                }
                let by = self.save_asked_by.take();
                let saved = !self.schedule.is_unsaved();
                self.set_status(if saved { DocumentStatus::Saved { by } } else { self.unsaved() });
            }
            DiskOutcome::Text(text) => {
                self.merge_outside(&text, now);
                self.compare_with_disk(&text);
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
                (self.perhaps_written, self.perhaps_outrun) = (None, None);
                if matches!(self.status, DocumentStatus::Gone | DocumentStatus::NotSaved(_)) {
                    self.compare_with_disk(&self.disk_replica.text());
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
            DiskOutcome::Reopened(text) => {
                self.wish_granted();
                self.merge_outside(&text, now);
                self.compare_with_disk(&text);
            }
            DiskOutcome::Unwanted(fault) => self.wish_refused(fault),
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
        if self.journal.is_long() {
            self.journal.rewrite(&self.identity(), &self.text, &self.disk_replica);
        }
        self.weigh(now);
        if self.job.has_retired() {
            self.recheck_at.get_or_insert(now + RECHECK_INTERVAL);
        }
    }

    /// The file holds this text now: what changed there becomes edits of the disk.
    fn merge_outside(&mut self, text: &str, now: Instant) {
        self.learn_what_was_written(text);
        if text == self.text.text() {
            // It is all of ours, whoever wrote it: we did, if a sudden end came between a checkpoint and its record.
            self.disk_replica = DiskReplica::of(&self.text);
            self.journal.disk(self.disk_replica.state());
            return;
        }
        let Some(update) = self.disk_replica.changed_to(text) else { return };
        self.journal.outside(&update);
        self.text.apply([update.as_slice()]).expect("our own update can be read");
        self.pass_on(None, update, now);
    }

    /// The last program ended in the midst of a checkpoint. If the file is nearer to what that was writing than to what
    /// was there before, it was written: taken for a change outside, what was typed would be there twice.
    fn learn_what_was_written(&mut self, text: &str) {
        let (outrun, update) = (self.perhaps_outrun.take(), self.perhaps_written.take());
        if let Some(outrun) = outrun
            && outrun.is_told_by(text, &self.disk_replica, update.as_deref())
        {
            debug!(document = %self.id, "the file has what the last program's journal lacked");
            self.disk_replica = outrun.least;
            return self.journal.disk(self.disk_replica.state());
        }
        let Some(update) = update else { return };
        let written = self.disk_replica.with(&update);
        if insertions(&written.text(), text) < insertions(&self.disk_replica.text(), text) {
            debug!(document = %self.id, "the last program had written the file");
            self.disk_replica = written;
            self.journal.disk(self.disk_replica.state());
        }
    }

    /// After the file was read, which holds this: if it is all of the text there is nothing to write.
    fn compare_with_disk(&mut self, file: &str) {
        if self.text.text() == file {
            self.schedule.is_on_disk();
            self.note_writing();
            self.note_written();
            self.set_status(DocumentStatus::Saved { by: None });
        } else if self.status == DocumentStatus::Gone {
            self.set_status(self.unsaved());
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
}
