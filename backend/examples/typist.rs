//! A guest without a browser for the browser journeys: it joins by a link, types at random places and tells its text.
//!
//! `typist LINK PATH --chars N --seed S [--name NAME] [--alphabet LETTERS]` types as soon as PATH is open, the next
//! character whenever the host has answered to the last one. It prints one JSON object a line: `joined`, `typed`, and
//! `text` for each line on standard input, once everything is confirmed and on the disk. The end of its input is the
//! end of it.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use parking_lot::Mutex;
use parlor::guest::{Guest, OnEvent, connect};
use parlor_shared::client::{Client, ClientEvent, ClientOptions, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::fault::Fault;
use parlor_shared::id::DocumentId;
use parlor_shared::invite::Invite;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// Nothing that is waited for takes nearly so long; what does is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Parser)]
struct Options {
    /// The invite.
    link: Invite,
    /// The file to type into.
    path: String,
    /// How many characters to type.
    #[arg(long)]
    chars: u32,
    /// Where they go, and which they are: the same seed types the same into the same text.
    #[arg(long)]
    seed: u64,
    #[arg(long, default_value = "Typist")]
    name: String,
    /// The characters that are typed.
    #[arg(long, default_value = "αβγδεζηθικλμνξοπρστυφχψω")]
    alphabet: String,
}

/// What the client told, and a bell that rings for it.
#[derive(Default)]
struct Heard {
    bell: Notify,
    opened: Mutex<Option<Result<DocumentId, Fault>>>,
    /// How often a document came to stand otherwise to host or disk.
    sync_changes: AtomicU64,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let tasks = TaskTracker::new();
    let heard = Arc::new(Heard::default());

    let path = WorkspacePath::parse(&options.path).context("the path is none of a workspace")?;
    let client = ClientOptions {
        invite: options.link.clone(),
        identity: Identity::generate().context("no randomness for a key")?,
        name: options.name.clone(),
        program: "typist".to_owned(),
    };
    let guest = Guest::new(client, listener(Arc::clone(&heard)));
    let transport = runtime.block_on(connect(&options.link.origin, &options.link.session.to_string()))?;
    tasks.spawn_on(guest.serve(transport), runtime.handle());
    runtime.block_on(until(&heard, "welcome", || guest.with(|client| *client.phase() == Phase::Live)))?;

    guest.with(|client| client.open(path));
    runtime.block_on(until(&heard, "the file", || heard.opened.lock().is_some()))?;
    let document = match heard.opened.lock().take() {
        Some(Ok(document)) => document,
        Some(Err(fault)) => bail!("{}: {fault}", options.path),
        None => bail!("{}: no answer", options.path),
    };
    say(&json!({ "event": "joined" }))?;

    let alphabet: Vec<char> = options.alphabet.chars().collect();
    let mut random = Random(options.seed);
    for _ in 0..options.chars {
        let letter = *alphabet.get(random.below(alphabet.len())).context("the alphabet is empty")?;
        let seen = guest.with(|client| {
            type_letter(client, document, letter, &mut random)?;
            anyhow::Ok(heard.sync_changes.load(Ordering::Acquire))
        })?;
        // The edit itself is one change; the next comes from the host.
        let answered = || heard.sync_changes.load(Ordering::Acquire) > seen + 1;
        runtime.block_on(until(&heard, "an answer", answered))?;
    }
    say(&json!({ "event": "typed", "chars": options.chars }))?;

    for line in io::stdin().lock().lines() {
        line?;
        let settled = |client: &mut Client| {
            matches!(client.sync_state(document), Some(SyncState::Saved | SyncState::Synced))
        };
        runtime.block_on(until(&heard, "a confirmed text", || guest.with(settled)))?;
        let text = guest.with(|client| client.document(document).map(|open| open.document().text()));
        say(&json!({ "event": "text", "text": text.context("the file was closed")? }))?;
    }

    guest.with(Client::leave);
    runtime.block_on(until(&heard, "the leave", || guest.with(|client| *client.phase() != Phase::Live)))?;
    tasks.close();
    runtime.block_on(tasks.wait());
    Ok(())
}

fn listener(heard: Arc<Heard>) -> OnEvent {
    Box::new(move |_, event| {
        match event {
            ClientEvent::Opened { document, .. } => *heard.opened.lock() = Some(Ok(document)),
            ClientEvent::Fault { request: Some(_), fault } => *heard.opened.lock() = Some(Err(fault)),
            ClientEvent::SyncChanged { .. } => {
                heard.sync_changes.fetch_add(1, Ordering::Release);
            }
            _ => {}
        }
        heard.bell.notify_waiters();
    })
}

/// Waits until something holds; it is looked at whenever the client told something.
async fn until(heard: &Heard, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let wait = async {
        loop {
            // Subscribe, then look.
            let rung = heard.bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if holds() {
                return;
            }
            rung.await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.with_context(|| format!("waited in vain for {what}"))
}

/// Types a letter anywhere but inside a pair of surrogates.
fn type_letter(client: &mut Client, document: DocumentId, letter: char, random: &mut Random) -> Result<()> {
    let text = client.document(document).context("the file was closed")?.document().text();
    let at = random.below(text.chars().count() + 1);
    let at = text.chars().take(at).map(char::len_utf16).sum::<usize>() as u32;
    let edit = client.edit(document, &[Splice { at, delete: 0, insert: letter.to_string() }]);
    edit.map_err(|fault| anyhow::anyhow!("the replica took no letter: {fault}"))
}

/// SplitMix64: small, and enough to be anywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

fn say(line: &serde_json::Value) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}
