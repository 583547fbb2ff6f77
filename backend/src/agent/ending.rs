//! What becomes of texts that no file has when the session ends in order: they are kept, and whoever ends it is told.

use std::path::PathBuf;
use std::sync::Arc;

use parlor_shared::path::WorkspacePath;
use tracing::warn;

use super::disk_work;
use super::documents::AllFinished;
use super::state::SessionState;
use super::state::kept::{KeptId, KeptText, KeptWhy};
use super::step;

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// The texts that no file has.
    pub unsaved: Vec<Unsaved>,
    /// Where what could not be kept as a text lies in journals: the next sharing of the folder makes texts of them.
    pub journals: Option<PathBuf>,
}

/// A text that no file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaved {
    /// The file that it belongs to.
    pub path: WorkspacePath,
    /// Why that does not have it.
    pub why: KeptWhy,
    /// The number of the fault that the disk answered with, if one did.
    pub fault: Option<u16>,
    /// What it is called among the texts that are kept. Nothing if it could not be kept there.
    pub kept: Option<KeptId>,
}

impl Ended {
    /// Whether every text is in its file.
    pub const fn is_saved(&self) -> bool {
        self.unsaved.is_empty() && self.journals.is_none()
    }
}

/// Keeps what is unsaved and removes what a session leaves. The state stays as long as a text is nowhere else, but for its
/// keys: the session is over. Whoever hands over people and numbers must be gone.
///
/// A disk that does not answer must not keep the program: each step has its own thread, and its time.
pub(super) async fn end(state: Option<Arc<SessionState>>, finished: Option<AllFinished>) -> Ended {
    let Some(state) = state else { return unkept(finished) };
    let keeping = Arc::clone(&state);
    let kept =
        step("texts that no file has", disk_work::begin(move || keep(&keeping, finished))).await.flatten();
    let ended =
        kept.unwrap_or_else(|| Ended { unsaved: Vec::new(), journals: Some(state.folder().to_owned()) });
    // Or its threads would write to what is being removed.
    step("lists of people and numbers", state.written()).await;
    let leave = match &ended.journals {
        None => SessionState::remove,
        Some(_) => SessionState::leave_journals,
    };
    step("state", disk_work::begin(move || leave(&state))).await;
    ended
}

/// A session without a state: what is unsaved can only be told.
fn unkept(finished: Option<AllFinished>) -> Ended {
    let texts = finished.unwrap_or_default().unsaved;
    Ended { unsaved: texts.into_iter().map(|text| unsaved(text, None)).collect(), journals: None }
}

/// Keeps what is unsaved. Says so if something is in the journals alone.
fn keep(state: &SessionState, finished: Option<AllFinished>) -> Ended {
    let (texts, mut all_kept) = match finished {
        Some(AllFinished { unsaved, broken }) => {
            for path in &broken {
                warn!(%path, "a document broke: its journal is left");
            }
            (unsaved, broken.is_empty())
        }
        None => (Vec::new(), false),
    };
    let mut ended = Ended::default();
    for text in texts {
        let kept = match state.kept().keep(&text) {
            Ok(id) => Some(id),
            Err(error) => {
                warn!(%error, path = %text.path, "a text that no file has could not be kept");
                all_kept = false;
                None
            }
        };
        ended.unsaved.push(unsaved(text, kept));
    }
    if !all_kept {
        ended.journals = Some(state.folder().to_owned());
    }
    ended
}

fn unsaved(text: KeptText, kept: Option<KeptId>) -> Unsaved {
    let KeptText { path, why, fault, .. } = text;
    Unsaved { path, why, fault, kept }
}
