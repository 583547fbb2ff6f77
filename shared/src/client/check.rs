//! "Check sync": every open document is compared with the host's at once, and what came of it is told together.

use std::collections::BTreeSet;

use crate::id::DocumentId;
use crate::path::WorkspacePath;

/// A text that was not the host's, and was replaced by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Of which file.
    pub path: WorkspacePath,
    /// Under what the host's log has it.
    pub incident: String,
}

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Texts that are the host's.
    pub equal: u32,
    /// Texts that were not.
    pub repaired: Vec<Repair>,
    /// Texts that could not be compared: closed, or the connection broke.
    pub unanswered: u32,
}

/// A check that is under way.
#[derive(Debug)]
pub(super) struct SyncCheck {
    waiting: BTreeSet<DocumentId>,
    report: SyncReport,
}

impl SyncCheck {
    pub(super) fn new(documents: impl Iterator<Item = DocumentId>) -> Self {
        Self { waiting: documents.collect(), report: SyncReport::default() }
    }

    /// Whether a document's answer is still to come.
    pub(super) fn waits_for(&self, document: DocumentId) -> bool {
        self.waiting.contains(&document)
    }

    /// A text is the host's.
    pub(super) fn is_equal(&mut self, document: DocumentId) {
        self.report.equal += u32::from(self.waiting.remove(&document));
    }

    /// A text was not the host's.
    pub(super) fn is_repaired(&mut self, document: DocumentId, repair: Repair) {
        if self.waiting.remove(&document) {
            self.report.repaired.push(repair);
        }
    }

    /// Documents that are not there any more give no answer; gives the report once nobody is waited for.
    pub(super) fn finished(&mut self, is_there: impl Fn(DocumentId) -> bool) -> Option<SyncReport> {
        let before = self.waiting.len();
        self.waiting.retain(|document| is_there(*document));
        self.report.unanswered += (before - self.waiting.len()) as u32;
        self.waiting.is_empty().then(|| std::mem::take(&mut self.report))
    }
}
