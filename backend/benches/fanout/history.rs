//! A file with a long history beside one with the same text and none: joining, bytes, memory, and coming back after a kill.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;
use parlor::guest::{Guest, OnEvent};
use parlor_shared::client::{ClientEvent, SyncState};
use parlor_shared::document::{Document, Splice, epoch};
use parlor_shared::id::{AuthorId, DocumentId};
use parlor_shared::message::Packed;
use tokio::runtime::Runtime;

use crate::board::{now, pause};
use crate::histories::{AUTHORS, Edit, History, plain_text};
use crate::party::{Agent, Count, runtime};
use crate::table::{Table, mebibytes, millis};

const SEED: u64 = 7;

/// Edits that travel together: a turn is typed faster than anybody could, though in its order.
const TOGETHER: usize = 16;

const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn measure(edits: usize) -> Result<()> {
    weigh(edits)?;
    let mut table = Table::new(
        "history",
        &[
            "file",
            "text, bytes",
            "join",
            "bytes",
            "agent before, MiB",
            "agent after, MiB",
            "journal, bytes",
            "restored",
        ],
    );
    let expected = plain_text(History::new(SEED, edits));
    for (name, is_long) in [("none", false), ("long", true)] {
        let (folder, state) = (tempfile::tempdir()?, tempfile::tempdir()?);
        std::fs::File::create(folder.path().join("file.txt"))?
            .write_all(if is_long { "" } else { &expected }.as_bytes())?;
        let agent = Agent::start_keeping(folder.path(), state.path())?;
        let before = agent.program.memory()?.now_bytes;
        let runtime = runtime()?;
        let authors: Vec<(Guest, DocumentId)> =
            (0..AUTHORS).map(|_| join(&agent, &runtime, Count::No)).collect::<Result<_>>()?;
        if is_long {
            write(&authors, edits)?;
        }
        wait("the file to be saved", || {
            authors.iter().all(|(guest, document)| {
                let state = guest.with(|client| client.sync_state(*document));
                matches!(state, Some(SyncState::Saved | SyncState::Synced))
            })
        })?;
        let after = agent.program.memory()?.now_bytes;
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let started = now();
        let (guest, document) = join(&agent, &runtime, Count::Into(Arc::clone(&sizes)))?;
        let time = started.elapsed();
        let text = text(&guest, document);
        ensure!(text == expected, "the text is not what the edits make");
        ensure!(
            std::fs::read_to_string(folder.path().join("file.txt"))? == expected,
            "the disk has another text"
        );
        let journal = journal_bytes(state.path())?;
        let bytes: usize = sizes.lock().iter().sum();
        // Killed, not ended: the journal is all there is.
        drop(agent);
        runtime.shutdown_background();
        let started = now();
        let agent = Agent::start_keeping(folder.path(), state.path())?;
        let restored = started.elapsed();
        let runtime = crate::party::runtime()?;
        let (guest, document) = join(&agent, &runtime, Count::No)?;
        ensure!(self::text(&guest, document) == expected, "another text was restored");
        runtime.shutdown_background();
        table.row(vec![
            if is_long { format!("{edits} edits") } else { name.to_owned() },
            expected.len().to_string(),
            millis(time),
            bytes.to_string(),
            mebibytes(before),
            mebibytes(after),
            journal.to_string(),
            millis(restored),
        ]);
    }
    table.print();
    Ok(())
}

/// One replica without epochs.
fn weigh(edits: usize) -> Result<()> {
    let mut table = Table::new(
        "history-weight",
        &["replica", "state, bytes", "packed", "encode", "pack", "unpack", "decode and apply"],
    );
    let mut worn = Document::new(AuthorId::AGENT);
    for Edit { splice, .. } in History::new(SEED, edits) {
        worn.edit(&[splice])?;
    }
    let (fresh, _) = epoch::first(&worn.text())?;
    for (name, document) in [("with its history", &worn), ("a new epoch", &fresh)] {
        let started = now();
        let state = document.missing_from(&[])?;
        let encode = started.elapsed();
        let started = now();
        let packed = Packed::new(state.clone());
        let pack = started.elapsed();
        let started = now();
        let unpacked = packed.unpack()?;
        let unpack = started.elapsed();
        let started = now();
        Document::new(AuthorId(16)).apply([unpacked.as_slice()])?;
        let apply = started.elapsed();
        let mut row = vec![name.to_owned(), state.len().to_string(), packed.len().to_string()];
        row.extend([encode, pack, unpack, apply].map(millis));
        table.row(row);
    }
    table.print();
    Ok(())
}

/// A guest that has the file open.
fn join(agent: &Agent, runtime: &Runtime, count: Count) -> Result<(Guest, DocumentId)> {
    let (opened, is_open) = mpsc::sync_channel(1);
    let on_event: OnEvent = Box::new(move |_, event| {
        if let ClientEvent::Opened { document, .. } = event {
            // The main thread waits for exactly one.
            let _ = opened.try_send(document);
        }
    });
    let guest = agent.join(runtime, on_event, "file.txt", count)?;
    let document = is_open.recv_timeout(PATIENCE).context("the file did not open")?;
    Ok((guest, document))
}

/// Plays the history: whose turn it is has everything that was typed before.
fn write(authors: &[(Guest, DocumentId)], edits: usize) -> Result<()> {
    let mut turn: Vec<Splice> = Vec::new();
    let mut last = 0;
    for Edit { author, splice } in History::new(SEED, edits) {
        if author != last || turn.len() == TOGETHER {
            type_turn(&authors[last], &mut turn)?;
        }
        if author != last {
            // Not the text alone: whoever types something and takes it back leaves a text that the next author had before.
            let written = all_of(&authors[last]);
            wait("the turn to reach the next author", || all_of(&authors[author]) == written)?;
            last = author;
        }
        turn.push(splice);
    }
    type_turn(&authors[last], &mut turn)
}

fn type_turn((guest, document): &(Guest, DocumentId), turn: &mut Vec<Splice>) -> Result<()> {
    let edited = guest.with(|client| client.edit(*document, turn));
    turn.clear();
    edited.map_err(|fault| anyhow::anyhow!("an edit was refused: {fault}"))
}

/// The text, and a state vector: what has arrived.
fn all_of((guest, document): &(Guest, DocumentId)) -> Option<(String, Vec<u8>)> {
    let all = |document: &Document| (document.text(), document.state_vector());
    guest.with(|client| client.document(*document).map(|open| all(open.document())))
}

fn text(guest: &Guest, document: DocumentId) -> String {
    guest.with(|client| client.document(document).map(|open| open.document().text()).unwrap_or_default())
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let deadline = now() + PATIENCE;
    while !is_so() {
        ensure!(now() < deadline, "waited in vain for {what}");
        pause(Duration::from_millis(1));
    }
    Ok(())
}

fn journal_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            journal_bytes(&entry.path())?
        } else if entry.path().extension().is_some_and(|extension| extension == "journal") {
            entry.metadata()?.len()
        } else {
            0
        };
    }
    Ok(bytes)
}
