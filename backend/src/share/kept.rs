//! What `parlor share` says of texts that no file has, and of the session before: for a person, and as a line of JSON.

use std::path::Path;

use serde::Serialize;

use crate::agent::kept::{KeptEntry, KeptTexts};
use crate::agent::{Beginning, Earlier, Ended, NotRevived, Revival, SetAsidePart, Unsaved};
use crate::options::{ShareOptions, Span};
use crate::rescue::{entry_line, for_people, why_it_is_kept};

/// Texts that are named one by one; of more only the number is said.
const NAMED: usize = 5;

/// Something to print, in both ways.
pub(super) struct Said {
    pub(super) text: String,
    /// A line without its end.
    pub(super) json: String,
}

impl Said {
    fn new(text: String, line: &Line) -> Self {
        Self { text, json: serde_json::to_string(line).expect("lines hold only what JSON can say") }
    }
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    /// The session that ended suddenly goes on.
    Revived { age_seconds: u64 },
    /// It does not.
    NotRevived { age_seconds: u64, reason: &'static str },
    /// Texts that no file has, of this folder.
    Kept { folder: String, texts: Vec<serde_json::Value> },
    /// A part of an earlier session that could not be read.
    SetAside { what: String, file: String, why: String },
    /// The session is over.
    Ended {
        saved: bool,
        kept: Vec<UnsavedLine>,
        #[serde(skip_serializing_if = "Option::is_none")]
        journals: Option<String>,
    },
}

/// A text that no file has at the end.
#[derive(Serialize)]
struct UnsavedLine {
    path: String,
    /// What `parlor rescue` calls it. Nothing if it could not be kept there.
    id: Option<String>,
    why: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<u16>,
}

/// What the person wants to become of a session that ended suddenly.
pub(super) fn revival(options: &ShareOptions) -> Revival {
    match (options.new, options.resume) {
        (true, _) => Revival::Never,
        (false, true) => Revival::Always,
        (false, false) => Revival::Within(options.revive_within.0),
    }
}

/// What is said when the session begins.
pub(super) fn at_the_beginning(
    beginning: Beginning,
    revive_within: Span,
    set_aside: &[SetAsidePart],
    (root, folder): (&Path, &Path),
) -> Vec<Said> {
    let mut said = Vec::new();
    said.extend(earlier(beginning.earlier, revive_within));
    said.extend(set_aside.iter().map(part_set_aside));
    said.extend(kept(root, folder));
    said
}

fn earlier(earlier: Earlier, revive_within: Span) -> Option<Said> {
    match earlier {
        Earlier::None => None,
        Earlier::Revived { age } => Some(Said::new(
            format!(
                "  Going on with the session that ended suddenly {} ago: same links, same people. Whoever had to be let in\n  \
                 has to be let in again, and nobody may open terminals until you say so again.\n  \
                 If you want new links instead: end this one and run parlor share --new.\n\n",
                for_people(age)
            ),
            &Line::Revived { age_seconds: age.as_secs() },
        )),
        Earlier::NotRevived { age, why } => {
            let (because, reason) = match why {
                NotRevived::TooOld => {
                    (format!("that is more than {revive_within} ago (--revive-within)"), "too_old")
                }
                NotRevived::Asked => ("you asked for new links".to_owned(), "asked"),
                NotRevived::NoKeys => ("its keys are gone or damaged".to_owned(), "no_keys"),
            };
            let text = format!(
                "  The session that ended suddenly {} ago is over: {because}. Its links lead nowhere any more.\n\n",
                for_people(age)
            );
            Some(Said::new(text, &Line::NotRevived { age_seconds: age.as_secs(), reason }))
        }
    }
}

fn part_set_aside(part: &SetAsidePart) -> Said {
    let SetAsidePart { what, file, why } = part;
    let text = format!(
        "  Of an earlier session, {what} could not be read: {why}.\n  It was set aside: {}\n\n",
        file.display()
    );
    let file = file.display().to_string();
    Said::new(text, &Line::SetAside { what: what.clone(), file, why: why.clone() })
}

/// The texts that are kept of this folder. Nothing if there are none.
fn kept(root: &Path, folder: &Path) -> Option<Said> {
    let folder = folder.canonicalize().ok()?;
    let entries = match KeptTexts::new(root, &folder).list() {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(%error, "the texts that are kept of this folder can not be listed");
            return None;
        }
    };
    if entries.is_empty() {
        return None;
    }
    let mut text = match entries.len() {
        1 => "  No file has this text; it is kept from an earlier session:\n".to_owned(),
        count => format!("  No file has these {count} texts; they are kept from earlier sessions:\n"),
    };
    for KeptEntry { id, text: kept, .. } in entries.iter().take(NAMED) {
        text.push_str(&match kept {
            Ok(kept) => format!("    {id}  {}  ({})\n", kept.path, why_it_is_kept(kept.why)),
            Err(error) => format!("    {id}  {error}\n"),
        });
    }
    if entries.len() > NAMED {
        text.push_str(&format!("    and {} more: parlor rescue list\n", entries.len() - NAMED));
    }
    text.push_str(
        "  Look at one with parlor rescue show ID, then bring it back with parlor rescue restore ID, or\n  \
         remove it with parlor rescue discard ID.\n\n",
    );
    let texts = entries.iter().map(entry_line).collect();
    Some(Said::new(text, &Line::Kept { folder: folder.display().to_string(), texts }))
}

/// What is said when the session is over.
pub(super) fn at_the_end(ended: &Ended) -> Said {
    let mut text = String::new();
    for Unsaved { path, why, kept, .. } in &ended.unsaved {
        text.push_str(&match kept {
            Some(id) => format!("  NOT SAVED  {path}: {}. Its text is kept: {id}\n", why_it_is_kept(*why)),
            None => {
                format!("  NOT SAVED  {path}: {}. Its text could not be kept either.\n", why_it_is_kept(*why))
            }
        });
    }
    if ended.unsaved.iter().any(|unsaved| unsaved.kept.is_some()) {
        text.push_str("  Bring a text back with parlor rescue restore ID; parlor rescue list shows all.\n");
    }
    if let Some(folder) = &ended.journals {
        text.push_str(&format!(
            "  NOT SAVED  not everything could be written or kept. What is missing lies in\n    {}\n  \
             Make room there and share this folder again: its texts are listed then.\n",
            folder.display()
        ));
    }
    text.push_str("  The session has ended.\n");
    let kept = ended
        .unsaved
        .iter()
        .map(|Unsaved { path, why, fault, kept }| UnsavedLine {
            path: path.to_string(),
            id: kept.as_ref().map(ToString::to_string),
            why: serde_json::to_value(why).unwrap_or_default(),
            fault: *fault,
        })
        .collect();
    let journals = ended.journals.as_ref().map(|folder| folder.display().to_string());
    Said::new(text, &Line::Ended { saved: ended.is_saved(), kept, journals })
}
