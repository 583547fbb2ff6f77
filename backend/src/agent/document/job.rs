//! A document's work on the disk: one piece at a time, on a thread that may block, never in the document's own task.

use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::message::Encoding;
use parlor_shared::path::WorkspacePath;
use tokio::sync::oneshot;

use super::disk::{Checkpoint, DiskFile, Missing, Outside, OutsideChange, Save, Wish};
use super::encoding::Format;
use crate::agent::disk_work::{self, DiskWork};
use crate::agent::state::Announcer;
use crate::agent::workspace::{Actor, Workspace};

/// What is to be done.
#[derive(Debug)]
pub(super) enum DiskJob {
    /// Look whether the file changed outside.
    Check,
    /// Read the file in this encoding.
    Reopen(Encoding),
    /// Write the file in this encoding at the next save, if it has all characters of this text.
    Want { encoding: Encoding, text: String },
    /// Write a text.
    Save {
        text: String,
        revision: u64,
        /// A guest if a guest wrote any of what is new.
        author: Actor,
        missing: Missing,
        wish: Wish,
        /// Tells the journal before the file is touched.
        announcer: Announcer,
    },
}

/// What came of it.
#[derive(Debug)]
pub(super) enum DiskOutcome {
    Loaded {
        text: String,
        format: Format,
    },
    NotLoaded(Fault),
    /// Written.
    Saved {
        revision: u64,
        /// What another program appended at that moment.
        outside: Option<OutsideChange>,
    },
    /// Written, and another program wrote it at the same moment.
    Overtaken,
    /// The save whose end was not known is in the file now.
    Finished,
    /// Nothing was written: the file had changed meanwhile.
    Conflict(OutsideChange),
    /// Nothing was written: the journal did not take what was about to be done.
    NotAnnounced,
    /// The file changed outside.
    Text(OutsideChange),
    /// The file holds this, read in the encoding that was chosen.
    Reopened(OutsideChange),
    /// The next save writes it in the encoding that was chosen.
    Wanted,
    /// The encoding can not be the file's.
    Unwanted(Fault),
    /// Something is writing the file at this moment.
    Settling,
    Same,
    Gone,
    Failed(Fault),
}

type Running = DiskWork<(Option<DiskFile>, DiskOutcome)>;

/// The file and the thread that works on it, if one does.
#[derive(Debug)]
pub(super) struct Job {
    file: Option<DiskFile>,
    running: Option<Running>,
    new_path: Option<WorkspacePath>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Job {
    /// Begins by reading the file.
    pub(super) fn load(workspace: Workspace, path: WorkspacePath) -> Self {
        let running = disk_work::begin(move || match DiskFile::load(&workspace, &path) {
            Ok((file, loaded)) => {
                let outcome = DiskOutcome::Loaded { text: loaded.text, format: loaded.format };
                (Some(file), outcome)
            }
            Err(error) => (None, DiskOutcome::NotLoaded(error.into())),
        });
        Self { file: None, running: Some(running), new_path: None, waiting: Vec::new() }
    }

    /// Begins with a file that a journal brought back.
    pub(super) const fn restored(file: DiskFile) -> Self {
        Self { file: Some(file), running: None, new_path: None, waiting: Vec::new() }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// How the file is stored, once it was read and while no job runs.
    pub(super) fn format(&self) -> Option<&Format> {
        self.file.as_ref().map(DiskFile::format)
    }

    /// Whether there is a save whose end is not known, while no job runs.
    pub(super) fn is_unfinished(&self) -> bool {
        self.file.as_ref().is_some_and(DiskFile::is_unfinished)
    }

    /// Starts a job. None may be running.
    pub(super) fn start(&mut self, job: DiskJob) {
        debug_assert!(self.running.is_none());
        let file = self.file.take();
        self.running = Some(disk_work::begin(move || match file {
            Some(mut file) => {
                let outcome = run(&mut file, job);
                (Some(file), outcome)
            }
            None => (None, DiskOutcome::Failed(FaultCode::Internal.into())),
        }));
    }

    /// Waits for the running job; forever if there is none. Cancel-safe: the end is kept until it is taken.
    pub(super) async fn finished(&mut self) -> DiskOutcome {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let (file, outcome) =
            running.await.unwrap_or_else(|| (None, DiskOutcome::Failed(FaultCode::Internal.into())));
        self.running = None;
        self.file = file;
        if let (Some(file), Some(path)) = (&mut self.file, self.new_path.take()) {
            file.moved(path);
        }
        for waiting in self.waiting.drain(..) {
            // Who asked may have given up.
            let _ = waiting.send(());
        }
        outcome
    }

    /// Tells when nothing touches the disk any more.
    pub(super) fn when_idle(&mut self, done: oneshot::Sender<()>) {
        if self.is_running() {
            self.waiting.push(done);
        } else {
            // Who asked may have given up.
            let _ = done.send(());
        }
    }

    /// The file has another path now.
    pub(super) fn moved(&mut self, path: &WorkspacePath) {
        match &mut self.file {
            Some(file) => file.moved(path.clone()),
            None => self.new_path = Some(path.clone()),
        }
    }
}

fn run(file: &mut DiskFile, job: DiskJob) -> DiskOutcome {
    match job {
        DiskJob::Check => match file.changed_outside() {
            Ok(Outside::Same) => DiskOutcome::Same,
            Ok(Outside::Finished) => DiskOutcome::Finished,
            Ok(Outside::Changed(change)) => DiskOutcome::Text(change),
            Ok(Outside::Settling) => DiskOutcome::Settling,
            Ok(Outside::Gone) => DiskOutcome::Gone,
            Ok(Outside::NoLongerText(fault)) => DiskOutcome::Failed(fault),
            Err(error) => DiskOutcome::Failed(error.into()),
        },
        DiskJob::Reopen(encoding) => match file.reopen(encoding) {
            Ok(change) => DiskOutcome::Reopened(change),
            Err(error) => DiskOutcome::Unwanted(error.into()),
        },
        DiskJob::Want { encoding, text } => match file.want(encoding, &text) {
            Ok(()) => DiskOutcome::Wanted,
            Err(error) => DiskOutcome::Unwanted(error.into()),
        },
        DiskJob::Save { text, revision, author, missing, wish, announcer } => {
            let save = Save { text: &text, author, missing, wish };
            match file.checkpoint(save, &mut |intent| announcer.announce(intent)) {
                Ok(Checkpoint::Saved { outside }) => DiskOutcome::Saved { revision, outside },
                Ok(Checkpoint::Overtaken) => DiskOutcome::Overtaken,
                Ok(Checkpoint::Finished) => DiskOutcome::Finished,
                Ok(Checkpoint::Conflict(change)) => DiskOutcome::Conflict(change),
                Ok(Checkpoint::Settling) => DiskOutcome::Settling,
                Ok(Checkpoint::Gone) => DiskOutcome::Gone,
                Ok(Checkpoint::NotAnnounced) => DiskOutcome::NotAnnounced,
                Err(error) => DiskOutcome::Failed(error.into()),
            }
        }
    }
}
