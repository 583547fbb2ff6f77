//! `parlor rescue`: lists, shows, restores and discards texts that no file has.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use parlor_shared::path::WorkspacePath;

use crate::agent::document::encoding::decode;
use crate::agent::kept::{Held, KeptEntry, KeptText, KeptTexts, KeptWhy, SetAside, age, seconds_now};
use crate::agent::{SessionState, kept};
use crate::options::{
    Output, RescueCommand, RescueListOptions, RescueOptions, RescueRestoreOptions, RescueTextOptions,
};

/// Does what was asked.
///
/// # Errors
/// If it can not be done; the message says what to do.
pub fn run(options: &RescueOptions) -> anyhow::Result<()> {
    let root = SessionState::root()?;
    match &options.command {
        RescueCommand::List(options) => list(&root, options),
        RescueCommand::Show(options) => show(&root, options),
        RescueCommand::Restore(options) => restore(&root, options),
        RescueCommand::Discard(options) => discard(&root, options),
    }
}

fn list(root: &Path, options: &RescueListOptions) -> anyhow::Result<()> {
    let stores = match &options.path {
        Some(folder) => of_folder(root, folder)?,
        None => KeptTexts::everywhere(root)?,
    };
    let mut text = String::new();
    for store in &stores {
        let (entries, set_aside) = (store.list()?, store.list_set_aside()?);
        if options.output == Output::Json {
            let lines = entries.iter().map(entry_line).chain(set_aside.iter().map(aside_line));
            lines.for_each(|line| text.push_str(&format!("{line}\n")));
        } else if !entries.is_empty() || !set_aside.is_empty() {
            text.push_str(&for_a_person(store, &entries, &set_aside));
        }
    }
    if options.output == Output::Text {
        text.push_str(match (text.is_empty(), &options.path) {
            (true, None) => "  Nothing is kept: every text is in its file.\n",
            (true, Some(_)) => {
                "  Nothing is kept of this folder. If it was moved, look among all: parlor rescue list\n"
            }
            (false, _) => {
                "  parlor rescue show ID prints a text, restore ID writes it into its file, discard ID removes it for good.\n"
            }
        });
    }
    print(text.as_bytes())
}

/// What is kept of a folder: also of one that is gone, by the path that it had.
fn of_folder(root: &Path, folder: &Path) -> anyhow::Result<Vec<KeptTexts>> {
    if let Ok(folder) = folder.canonicalize() {
        return Ok(vec![KeptTexts::new(root, &folder)]);
    }
    let folder = std::path::absolute(folder).context("the current folder can not be told")?;
    let all = KeptTexts::everywhere(root)?;
    Ok(all.into_iter().filter(|texts| texts.shared_folder() == folder).collect())
}

fn for_a_person(store: &KeptTexts, entries: &[KeptEntry], set_aside: &[SetAside]) -> String {
    let folder = store.shared_folder();
    let mut text = match folder.as_os_str().is_empty() {
        true => "\n  a folder whose name could not be read\n".to_owned(),
        false => format!("\n  {}\n", folder.display()),
    };
    for KeptEntry { id, text: kept, bytes, .. } in entries {
        text.push_str(&match kept {
            Ok(kept) => format!(
                "    {id}  {}\n                {}, {} ago, {bytes} bytes\n",
                kept.path,
                why_it_is_kept(kept.why),
                for_people(age(kept.when))
            ),
            Err(error) => format!("    {id}  {error}\n"),
        });
    }
    for SetAside { file, bytes } in set_aside {
        text.push_str(&format!(
            "    could not be read and was set aside ({bytes} bytes); remove it when you need it no more:\n      {}\n",
            file.display()
        ));
    }
    text.push('\n');
    text
}

/// An entry as a line of JSON.
pub(crate) fn entry_line(entry: &KeptEntry) -> serde_json::Value {
    let KeptEntry { id, file, text, bytes, shared_folder } = entry;
    let (id, file) = (id.to_string(), file.display().to_string());
    match text {
        Ok(KeptText { path, why, fault, when, characters, .. }) => serde_json::json!({
            "id": id,
            "folder": shared_folder.as_ref().map(|folder| folder.display().to_string()),
            "path": path,
            "why": why,
            "fault": fault,
            "when": when,
            "characters": characters,
            "bytes": bytes,
            "file": file,
        }),
        Err(error) => {
            serde_json::json!({ "id": id, "error": error.to_string(), "bytes": bytes, "file": file })
        }
    }
}

fn aside_line(SetAside { file, bytes }: &SetAside) -> serde_json::Value {
    serde_json::json!({ "set_aside": file.display().to_string(), "bytes": bytes })
}

/// Why no file has a text, as part of a sentence.
pub(crate) const fn why_it_is_kept(why: KeptWhy) -> &'static str {
    match why {
        KeptWhy::Deleted => "the file is gone",
        KeptWhy::NotSaved => "the file could not be written",
        KeptWhy::ChangedAfterCrash => "the file changed after a crash",
        KeptWhy::NotRevived => "its session ended suddenly and was not gone on with",
        KeptWhy::Damaged => "its journal is damaged; this is what could be read",
        KeptWhy::HalfWritten => "the file could be written only half",
        KeptWhy::Replaced => "it was overwritten by a text that you restored",
        KeptWhy::Unknown => "a newer Parlor kept it",
    }
}

/// A span of time as people say it.
pub(crate) fn for_people(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        1 => "1 second".to_owned(),
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A kept text and whose it is.
struct Found {
    store: KeptTexts,
    entry: KeptEntry,
}

fn find(root: &Path, typed: &str) -> anyhow::Result<Found> {
    let mut found = Vec::new();
    for store in KeptTexts::everywhere(root)? {
        let entries = store.list()?.into_iter().filter(|entry| entry.id.begins_with(typed));
        found.extend(entries.map(|entry| Found { store: store.clone(), entry }));
    }
    match found.pop() {
        None => bail!("no text that is kept is called {typed}. See parlor rescue list"),
        Some(only) if found.is_empty() => Ok(only),
        Some(last) => {
            let ids = found.iter().chain([&last]).map(|found| found.entry.id.to_string());
            bail!("{typed} may be {}. Type more of it", ids.collect::<Vec<_>>().join(" or "))
        }
    }
}

fn show(root: &Path, RescueTextOptions { id }: &RescueTextOptions) -> anyhow::Result<()> {
    let Found { store, entry } = find(root, id)?;
    let kept = store.read(&entry.id)?;
    match decode(&kept.bytes) {
        Ok(decoded) => print(decoded.text.as_bytes()),
        // An encoding that its bytes do not name: as its file would be.
        Err(_) => print(&kept.bytes),
    }
}

fn discard(root: &Path, RescueTextOptions { id }: &RescueTextOptions) -> anyhow::Result<()> {
    let Found { store, entry } = find(root, id)?;
    store.remove(&entry.id)?;
    match entry.text {
        Ok(text) => print(format!("  Removed {}: what was kept of {}.\n", entry.id, text.path).as_bytes()),
        Err(_) => print(format!("  Removed {}.\n", entry.id).as_bytes()),
    }
}

fn restore(root: &Path, options: &RescueRestoreOptions) -> anyhow::Result<()> {
    let Found { store, entry } = find(root, &options.id)?;
    let kept = store.read(&entry.id)?;
    let shared_folder = entry.shared_folder.clone().unwrap_or_default();
    let target = match &options.to {
        Some(to) => chosen(to, &kept)?,
        None => own_file(&shared_folder, &kept)?,
    };
    let id = &entry.id;
    let mut said = String::new();
    match look_at(&target)? {
        Target::Missing => {
            let parent = target.parent().unwrap_or(&target);
            if !parent.exists() {
                fs::create_dir_all(parent).with_context(|| format!("{} can not be made", parent.display()))?;
                said.push_str(&format!("  Made the folder {}, which was gone.\n", parent.display()));
            }
            create(&target, &kept.bytes)
        }
        Target::Holds(bytes) if bytes == kept.bytes => {
            store.remove(id)?;
            let text = format!("  {} holds this text already. It is kept no longer.\n", target.display());
            return print(text.as_bytes());
        }
        // Nobody changed it since it was written last: it only lacks what is kept.
        Target::Holds(bytes) if kept.held == Some(Held::of(&bytes)) => overwrite(&target, &kept.bytes),
        Target::Holds(bytes) if options.force => {
            let replaced = keep_replaced(&store, root, &shared_folder, &target, bytes)?;
            said.push_str(&format!("  What it held is kept: {replaced}\n"));
            overwrite(&target, &kept.bytes)
        }
        Target::Holds(_) => bail!(
            "{target} holds something else, and nothing was written. Compare them:\n    \
             parlor rescue show {id} | diff {target} -\n  \
             Then write it to another file with --to PATH, or overwrite this one with --force (what it holds is kept then)",
            target = target.display()
        ),
    }
    .with_context(|| format!("{} can not be written. The text is still kept", target.display()))?;
    store.remove(id)?;
    said.push_str(&format!(
        "  Wrote {}. The text is in a file again, and kept no longer.\n",
        target.display()
    ));
    print(said.as_bytes())
}

/// The file that a text belongs to.
fn own_file(shared_folder: &Path, kept: &KeptText) -> anyhow::Result<PathBuf> {
    let Ok(folder) = shared_folder.canonicalize() else {
        bail!(
            "the folder {} is not there any more. Say where to write the text: --to PATH",
            shared_folder.display()
        );
    };
    let target = folder.join(kept.path.as_str());
    // A link inside the folder may lead anywhere by now.
    let there = target.ancestors().find_map(|path| path.canonicalize().ok());
    if there.is_none_or(|there| !there.starts_with(&folder)) {
        bail!("{} leads out of the shared folder. Say where to write the text: --to PATH", target.display());
    }
    Ok(target)
}

/// The file that a person chose: in a folder, under the name that the text's own file has.
fn chosen(to: &Path, kept: &KeptText) -> anyhow::Result<PathBuf> {
    let to = if to.is_dir() { to.join(kept.path.name()) } else { to.to_owned() };
    let target = std::path::absolute(&to).with_context(|| format!("{} can not be a file", to.display()))?;
    let parent = target.parent().unwrap_or(&target);
    if !parent.is_dir() {
        bail!("there is no folder {}. Make it, or choose another one", parent.display());
    }
    Ok(target)
}

enum Target {
    Missing,
    Holds(Vec<u8>),
}

fn look_at(target: &Path) -> anyhow::Result<Target> {
    let metadata = match fs::metadata(target) {
        Ok(metadata) => metadata,
        // A link that leads nowhere is in the way as well: creating through it would make a file elsewhere.
        Err(_) if fs::symlink_metadata(target).is_ok() => {
            bail!("{} is a link that leads nowhere. Choose another file: --to PATH", target.display())
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Target::Missing);
        }
        Err(error) => {
            bail!("{} can not be looked at ({error}). Choose another file: --to PATH", target.display())
        }
    };
    if !metadata.is_file() {
        bail!("{} is no file. Choose another one: --to PATH", target.display());
    }
    let bytes = fs::read(target)
        .with_context(|| format!("{} can not be read. Choose another file: --to PATH", target.display()))?;
    Ok(Target::Holds(bytes))
}

fn create(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(target)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// In place: links, rights and watchers of the file stay as they are. If that breaks off the text is still kept.
fn overwrite(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(target)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// Keeps what a file holds that is about to be overwritten.
fn keep_replaced(
    store: &KeptTexts,
    root: &Path,
    shared_folder: &Path,
    target: &Path,
    bytes: Vec<u8>,
) -> anyhow::Result<kept::KeptId> {
    // Elsewhere than in the shared folder only its name can be told.
    let inside = target.strip_prefix(shared_folder).ok().and_then(Path::to_str);
    let name = target.file_name().unwrap_or_default().display().to_string();
    let path = WorkspacePath::parse(inside.unwrap_or(&name)).or_else(|_| WorkspacePath::parse("replaced"))?;
    let characters = decode(&bytes).map_or(bytes.len(), |decoded| decoded.text.encode_utf16().count());
    let replaced = KeptText {
        path,
        why: KeptWhy::Replaced,
        fault: None,
        when: seconds_now(),
        characters: characters as u64,
        bytes,
        held: None,
    };
    let store = if shared_folder.as_os_str().is_empty() {
        store.clone()
    } else {
        KeptTexts::new(root, shared_folder)
    };
    store.keep(&replaced).context("what the file holds can not be kept, so it was not overwritten")
}

fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Whoever closed our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("the text could not be printed"),
    }
}
