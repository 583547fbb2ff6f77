//! The folders that the page knows of, and which rows of them the explorer shows. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parlor_shared::fault::Fault;
use parlor_shared::message::{Entry, EntryKind, NewEntry};
use parlor_shared::path::WorkspacePath;

use crate::js::letters;

/// How far the listing of a folder has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Listing {
    /// Asked for. Entries from before, if any, are shown meanwhile.
    Loading,
    /// Complete and followed live.
    Live,
    /// The host refused.
    Failed(Fault),
}

/// One folder of which the page knows the entries.
#[derive(Clone, Debug)]
struct Folder {
    listing: Listing,
    entries: Arc<Vec<Entry>>,
    omitted: u32,
}

/// What is being named in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Something new in this folder.
    New { folder: WorkspacePath, entry: NewEntry },
    /// Something that is there.
    Rename { path: WorkspacePath, kind: EntryKind },
}

/// The tree as it is known here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    folders: BTreeMap<WorkspacePath, Folder>,
    expanded: BTreeSet<WorkspacePath>,
    pub(crate) naming: Option<Naming>,
}

/// One row of the explorer.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) kind: RowKind,
    /// Depth below the root, from 1.
    pub(crate) level: u32,
    /// Position among its siblings, from 1, and how many there are.
    pub(crate) position: u32,
    pub(crate) siblings: u32,
    folder: Arc<WorkspacePath>,
    entries: Arc<Vec<Entry>>,
    index: usize,
}

/// What a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// A file, or whatever is no folder.
    File,
    Folder(Fold),
    /// A field in which a name is typed, instead of a new entry or of the one that is renamed.
    Naming,
    /// The folder above could not be listed.
    Failed(Fault),
    /// Entries of the folder above that are not listed.
    Omitted(u32),
    /// The folder above was asked for and has not come.
    Loading,
    /// The folder above has nothing in it.
    Empty,
}

/// Whether a folder shows its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    Closed,
    Open,
}

impl Row {
    /// The entry that the row stands for; only notes stand for none.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        self.entries.get(self.index)
    }

    /// The entry's path, or for a note and a field for something new that of the folder.
    pub(crate) fn path(&self) -> WorkspacePath {
        let name = self.entry().map(|entry| entry.name.as_str());
        name.and_then(|name| self.folder.join(name).ok()).unwrap_or_else(|| (*self.folder).clone())
    }

    /// The folder in which the row stands.
    pub(crate) fn folder(&self) -> &WorkspacePath {
        &self.folder
    }

    /// What the row shows the name of.
    pub(crate) fn name(&self) -> &str {
        self.entry().map_or("", |entry| &entry.name)
    }

    /// Whether the row can be chosen, opened and so on.
    pub(crate) const fn is_entry(&self) -> bool {
        matches!(self.kind, RowKind::File | RowKind::Folder(_))
    }

    /// Whether two rows look the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.kind == other.kind
            && (self.level, self.position, self.siblings) == (other.level, other.position, other.siblings)
            && self.entry() == other.entry()
            && self.folder == other.folder
    }
}

impl Tree {
    /// Whether a folder shows its entries; the root always does.
    pub(crate) fn is_expanded(&self, folder: &WorkspacePath) -> bool {
        folder.is_root() || self.expanded.contains(folder)
    }

    /// Every expanded folder but the root, parents before children.
    pub(crate) fn expanded(&self) -> impl Iterator<Item = &WorkspacePath> {
        self.expanded.iter()
    }

    /// Folders that are shown: the root, and expanded ones whose parents are shown.
    pub(crate) fn shown(&self) -> Vec<WorkspacePath> {
        let visible = self.expanded.iter().filter(|folder| self.is_shown(folder)).cloned();
        std::iter::once(WorkspacePath::root()).chain(visible).collect()
    }

    fn is_shown(&self, folder: &WorkspacePath) -> bool {
        let mut current = folder.clone();
        while let Some(parent) = current.parent() {
            if !self.is_expanded(&current) {
                return false;
            }
            current = parent;
        }
        true
    }

    /// What an entry is, if its folder is known and has it.
    pub(crate) fn kind_of(&self, path: &WorkspacePath) -> Option<EntryKind> {
        if path.is_root() {
            return Some(EntryKind::Folder);
        }
        let entries = &self.folders.get(&path.parent()?)?.entries;
        entries.iter().find(|entry| entry.name == path.name()).map(|entry| entry.kind)
    }

    /// Shows a folder's entries. Gives the folders that are to be watched now: it, and what is expanded in it.
    pub(crate) fn expand(&mut self, folder: &WorkspacePath) -> Vec<WorkspacePath> {
        if !folder.is_root() {
            self.expanded.insert(folder.clone());
        }
        let within: Vec<_> = self.shown().into_iter().filter(|shown| shown.is_within(folder)).collect();
        for shown in &within {
            self.ask(shown);
        }
        within
    }

    /// Hides a folder's entries. Gives the folders that need not be watched any more.
    pub(crate) fn collapse(&mut self, folder: &WorkspacePath) -> Vec<WorkspacePath> {
        let within: Vec<_> = self.shown().into_iter().filter(|shown| shown.is_within(folder)).collect();
        self.expanded.remove(folder);
        for hidden in &within {
            self.folders.remove(hidden);
        }
        within
    }

    /// Hides everything but the root's entries. Gives the folders that need not be watched any more.
    pub(crate) fn collapse_all(&mut self) -> Vec<WorkspacePath> {
        let hidden: Vec<_> = self.shown().into_iter().filter(|folder| !folder.is_root()).collect();
        self.expanded.clear();
        for folder in &hidden {
            self.folders.remove(folder);
        }
        hidden
    }

    /// A folder's entries were asked for.
    pub(crate) fn ask(&mut self, folder: &WorkspacePath) {
        let known = self.folders.entry(folder.clone()).or_insert_with(|| Folder {
            listing: Listing::Loading,
            entries: Arc::default(),
            omitted: 0,
        });
        known.listing = Listing::Loading;
    }

    /// A folder's entries came, in the host's order, which is [`order`].
    pub(crate) fn listed(&mut self, folder: &WorkspacePath, entries: Vec<Entry>, omitted: u32) {
        let Some(known) = self.folders.get_mut(folder) else { return };
        *known = Folder { listing: Listing::Live, entries: Arc::new(entries), omitted };
    }

    /// A folder's entries will not come.
    pub(crate) fn failed(&mut self, folder: &WorkspacePath, fault: Fault) {
        if let Some(known) = self.folders.get_mut(folder) {
            known.listing = Listing::Failed(fault);
        }
    }

    /// Some entries of a folder are new, different or gone. Few at a time: the host lists a folder anew instead of
    /// telling many changes one by one.
    pub(crate) fn changed(&mut self, folder: &WorkspacePath, changed: Vec<Entry>, removed: &[String]) {
        let Some(known) = self.folders.get_mut(folder) else { return };
        let entries = Arc::make_mut(&mut known.entries);
        entries.retain(|entry| {
            !removed.contains(&entry.name) && !changed.iter().any(|other| other.name == entry.name)
        });
        for entry in changed {
            let at = entries.partition_point(|other| order(other, &entry).is_lt());
            entries.insert(at, entry);
        }
    }

    /// A folder is gone, with everything below it.
    pub(crate) fn gone(&mut self, folder: &WorkspacePath) {
        self.folders.retain(|known, _| !known.is_within(folder));
        self.expanded.retain(|expanded| !expanded.is_within(folder));
    }

    /// Every row from the root down. Costs time in proportion to the rows; entries are shared, not copied.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        self.add_rows(&WorkspacePath::root(), 1, &mut rows);
        rows
    }

    fn add_rows(&self, path: &WorkspacePath, level: u32, rows: &mut Vec<Row>) {
        let Some(folder) = self.folders.get(path) else { return };
        let parent = Arc::new(path.clone());
        let row = |kind, position, siblings, index| Row {
            kind,
            level,
            position,
            siblings,
            folder: Arc::clone(&parent),
            entries: Arc::clone(&folder.entries),
            index,
        };
        let count = folder.entries.len() as u32;
        let new = match &self.naming {
            Some(Naming::New { folder, entry }) if folder == path => Some(*entry),
            _ => None,
        };
        let first_file = folder.entries.partition_point(|entry| entry.kind == EntryKind::Folder);
        if new == Some(NewEntry::Folder) {
            rows.push(row(RowKind::Naming, 1, count, usize::MAX));
        }
        for (index, entry) in folder.entries.iter().enumerate() {
            if index == first_file && new == Some(NewEntry::File) {
                rows.push(row(RowKind::Naming, index as u32 + 1, count, usize::MAX));
            }
            let is_folder = entry.kind == EntryKind::Folder;
            let child = is_folder.then(|| path.join(&entry.name).ok()).flatten();
            let open = child.as_ref().is_some_and(|child| self.is_expanded(child));
            let kind = match (is_folder, open) {
                _ if self.renames(path, &entry.name) => RowKind::Naming,
                (true, true) => RowKind::Folder(Fold::Open),
                (true, false) => RowKind::Folder(Fold::Closed),
                (false, _) => RowKind::File,
            };
            rows.push(row(kind, index as u32 + 1, count, index));
            if let Some(child) = child.filter(|_| open) {
                self.add_rows(&child, level + 1, rows);
            }
        }
        if new == Some(NewEntry::File) && first_file == folder.entries.len() {
            rows.push(row(RowKind::Naming, count, count, usize::MAX));
        }
        match &folder.listing {
            Listing::Failed(fault) => {
                rows.push(row(RowKind::Failed(fault.clone()), count, count, usize::MAX))
            }
            Listing::Loading if folder.entries.is_empty() => {
                rows.push(row(RowKind::Loading, count, count, usize::MAX));
            }
            Listing::Live if folder.entries.is_empty() && new.is_none() && folder.omitted == 0 => {
                rows.push(row(RowKind::Empty, count, count, usize::MAX));
            }
            Listing::Live | Listing::Loading => {}
        }
        if folder.omitted > 0 {
            rows.push(row(RowKind::Omitted(folder.omitted), count, count, usize::MAX));
        }
    }

    fn renames(&self, folder: &WorkspacePath, name: &str) -> bool {
        match &self.naming {
            Some(Naming::Rename { path, .. }) => {
                path.name() == name && path.parent().as_ref() == Some(folder)
            }
            _ => false,
        }
    }
}

/// Folders first, then by name: numbers by their value, letters without regard to case.
fn order(one: &Entry, other: &Entry) -> Ordering {
    let is_file = |entry: &Entry| entry.kind != EntryKind::Folder;
    is_file(one)
        .cmp(&is_file(other))
        .then_with(|| natural(&one.name, &other.name))
        .then_with(|| one.name.cmp(&other.name))
}

fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (Some(a), Some(b)) = (one.chars().next(), other.chars().next()) else {
            return one.len().cmp(&other.len());
        };
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let (number_a, rest_a) = take_number(one);
            let (number_b, rest_b) = take_number(other);
            // Without leading zeros the longer number is the larger one.
            let ordering = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
            if ordering.is_ne() {
                return ordering;
            }
            (one, other) = (rest_a, rest_b);
            continue;
        }
        let ordering = letters::compare(a, b);
        if ordering.is_ne() {
            return ordering;
        }
        (one, other) = (&one[a.len_utf8()..], &other[b.len_utf8()..]);
    }
}

/// The digits at the beginning without leading zeros, and what follows.
fn take_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}
