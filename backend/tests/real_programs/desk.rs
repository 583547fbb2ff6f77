//! A shared folder with a file in it, and guests who type in that file until they are told to stop.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parlor::agent::AgentEvent;
use parlor_shared::client::SyncState;
use parlor_shared::document::Splice;
use parlor_shared::id::DocumentId;
use parlor_shared::role::Role;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::common::{PATIENCE, TestAgent, TestGuest};

/// Between two words of one guest.
const PACE: Duration = Duration::from_millis(25);

/// Words after which a guest pauses, so that what it typed is saved.
const BURST: usize = 12;

/// How long such a pause is at most: what is typed is saved 400 ms after the last key.
const PAUSE: Duration = Duration::from_millis(700);

/// Between two looks at what a program does.
const LOOK: Duration = Duration::from_millis(10);

/// A text of lines, with a place for each guest: behind `ann:` at the top, behind `bob:` beside line 10, and behind `eve:` at
/// the bottom. Programs change line 10.
pub(crate) const TEXT: &str = "\
ann:
line 1
line 2
line 3
line 4
line 5
line 6
line 7
line 8
line 9
line 10
bob:
line 12
line 13
line 14
line 15
line 16
line 17
line 18
eve:
";

/// How a guest types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// In bursts. Each is saved when it ends.
    Bursts,
    /// Without a pause. It is saved every two seconds, and between two saves programs have the file to themselves.
    WithoutPause,
    /// In bursts, each word on a line of its own at the end of the text.
    LinesAtTheEnd,
}

/// A shared folder, and a file in it that is open.
pub(crate) struct Desk {
    pub(crate) agent: TestAgent,
    pub(crate) name: String,
    watching: TestGuest,
    document: DocumentId,
    typing: Vec<Typing>,
    /// Who typed how many words.
    typed: Vec<(String, usize)>,
}

/// A guest who types.
struct Typing {
    guest: String,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<usize>,
}

impl Desk {
    /// A folder that holds this file alone.
    pub(crate) async fn with(name: &str, text: &str) -> Self {
        let agent = TestAgent::start().await;
        agent.write(name, text);
        Self::at(agent, name).await
    }

    /// A file that is there.
    pub(crate) async fn at(agent: TestAgent, name: &str) -> Self {
        let mut watching = agent.join(Role::Editor, "Vic").await;
        let document = watching.open(name).await;
        Self { agent, name: name.to_owned(), watching, document, typing: Vec::new(), typed: Vec::new() }
    }

    /// A guest joins, and begins to type behind its name in the text.
    pub(crate) async fn types(&mut self, guest: &str, manner: Manner) {
        let mut joined = self.agent.join(Role::Editor, guest).await;
        let document = joined.open(&self.name).await;
        let stop = Arc::new(AtomicBool::new(false));
        let typing = type_until(joined, document, guest.to_owned(), manner, Arc::clone(&stop));
        let task = TaskTracker::new().spawn(typing);
        self.typing.push(Typing { guest: guest.to_owned(), stop, task });
    }

    /// Everybody stops typing, and all is saved.
    pub(crate) async fn stop(&mut self) {
        for typing in &self.typing {
            typing.stop.store(true, Ordering::Relaxed);
        }
        for Typing { guest, task, .. } in std::mem::take(&mut self.typing) {
            let count = tokio::time::timeout(PATIENCE, task).await.expect("a guest stops").unwrap();
            assert!(count > 0, "{guest} typed");
            self.typed.push((guest, count));
        }
        self.settle().await;
    }

    /// The file holds what everybody sees.
    pub(crate) async fn settle(&self) {
        self.until("the file is what everybody sees", || {
            let saved = self.watching.sync_state(self.document) == Some(SyncState::Saved);
            let file = fs::read_to_string(self.agent.path(&self.name)).unwrap_or_default();
            saved && file == self.watching.text(self.document)
        })
        .await;
    }

    /// Waits until what was typed comes to the disk once more.
    pub(crate) async fn a_save(&mut self) {
        while self.agent.events.try_recv().is_ok() {}
        self.agent.event("a save", |event| matches!(event, AgentEvent::Saved { .. })).await;
    }

    /// How often the file was saved since the last question.
    pub(crate) fn saves(&mut self) -> usize {
        let mut saves = 0;
        while let Ok(event) = self.agent.events.try_recv() {
            saves += usize::from(matches!(event, AgentEvent::Saved { .. }));
        }
        saves
    }

    /// What everybody sees.
    pub(crate) fn text(&self) -> String {
        self.watching.text(self.document)
    }

    /// One more guest inserts this before a text that is there.
    pub(crate) fn inserts(&self, before: &str, insert: &str) {
        self.watching.with(|client| {
            let text = client.document(self.document).unwrap().document().text();
            let at = text[..text.find(before).unwrap()].encode_utf16().count();
            let splice = Splice { at: u32::try_from(at).unwrap(), delete: 0, insert: insert.to_owned() };
            client.edit(self.document, &[splice]).unwrap();
        });
    }

    /// Waits until everybody sees a text that fits.
    pub(crate) async fn shows(&self, what: &str, holds: impl Fn(&str) -> bool) {
        self.until(what, || holds(&self.text())).await;
    }

    pub(crate) async fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        let said = || format!("{what}; everybody sees {:?}", self.text());
        assert!(until(holds).await, "waited in vain: {}", said());
    }

    pub(crate) fn file(&self) -> String {
        self.agent.read(&self.name)
    }

    pub(crate) fn inode(&self) -> u64 {
        fs::metadata(self.agent.path(&self.name)).unwrap().ino()
    }

    /// Every name in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.agent.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The file has each word that was typed, once.
    pub(crate) fn has_all_once(&self) {
        self.have_all_once_in_some(&[&self.file()]);
    }

    /// These texts together have each word that was typed, once.
    pub(crate) fn have_all_once(&self, texts: &str) {
        self.have_all_once_in_some(&[texts]);
    }

    /// Some of these texts have each word that was typed, and none has it twice.
    pub(crate) fn have_all_once_in_some(&self, texts: &[&str]) {
        for (guest, count) in self.guests() {
            for word in (0..count).map(|number| word(guest, number)) {
                let found: Vec<_> = texts.iter().map(|text| text.matches(&word).count()).collect();
                let is_right = found.contains(&1) && found.iter().all(|times| *times <= 1);
                assert!(is_right, "{word} of {count} words is there {found:?} times: {texts:#?}");
            }
        }
    }

    fn guests(&self) -> impl Iterator<Item = (&str, usize)> {
        self.typed.iter().map(|(guest, count)| (guest.as_str(), *count))
    }

    /// The text without what was typed.
    pub(crate) fn without_typed(&self, text: &str) -> String {
        let mut rest = text.to_owned();
        for (guest, count) in self.guests() {
            for number in 0..count {
                rest = rest.replace(&word(guest, number), "");
            }
        }
        rest
    }

    pub(crate) fn folder(&self) -> &Path {
        self.agent.folder.path()
    }

    /// Each word is there once, the rest is this, and the folder holds these names and no other.
    pub(crate) async fn end_with(self, rest: &str, names: &[&str]) -> TempDir {
        self.has_all_once();
        assert_eq!(self.without_typed(&self.file()), rest);
        assert_eq!(self.names(), names);
        self.agent.end().await
    }
}

/// Looks until it holds. False if that takes too long.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) -> bool {
    let look = async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.is_ok()
}

/// What a guest types: no word is part of another.
pub(crate) fn word(guest: &str, number: usize) -> String {
    format!("<{guest}{number}>")
}

/// Types word after word, and gives how many. All of them are saved then.
async fn type_until(
    guest: TestGuest,
    document: DocumentId,
    name: String,
    manner: Manner,
    stop: Arc<AtomicBool>,
) -> usize {
    let mut pace = tokio::time::interval(PACE);
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let typed = word(&name, count);
        guest.with(|client| {
            let text = client.document(document).unwrap().document().text();
            let (at, insert) = match manner {
                Manner::LinesAtTheEnd => (text.len(), format!("{typed}\n")),
                Manner::Bursts | Manner::WithoutPause => (behind(&text, &name), typed),
            };
            let at = text[..at].encode_utf16().count();
            let splice = Splice { at: u32::try_from(at).unwrap(), delete: 0, insert };
            client.edit(document, &[splice]).unwrap();
        });
        count += 1;
        if manner != Manner::WithoutPause && count % BURST == 0 {
            let saved = guest.wait_sync(document, &SyncState::Saved);
            let _ = tokio::time::timeout(PAUSE, saved).await;
        }
    }
    guest.wait_sync(document, &SyncState::Saved).await;
    count
}

/// The place behind the last word of a guest, or behind its name, or the end.
fn behind(text: &str, guest: &str) -> usize {
    let last = text.rfind(&format!("<{guest}")).and_then(|at| Some(at + text[at..].find('>')? + 1));
    let name = format!("{guest}:");
    last.or_else(|| Some(text.find(&name)? + name.len())).unwrap_or(text.len())
}
