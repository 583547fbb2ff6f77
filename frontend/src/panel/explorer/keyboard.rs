//! The tree's keyboard, as the ARIA practices and VS Code have it.

use leptos::ev;
use leptos::prelude::*;
use parlor_shared::message::EntryKind;

use super::row::activate;
use super::{Parts, Question, menu};
use crate::js::letters::lowercase;
use crate::session::command::Focus;
use crate::session::tree::{Fold, Row, RowKind};

/// Letters that follow each other within this time are one name, in milliseconds.
const TYPE_AHEAD_MILLIS: f64 = 700.0;

/// Rows that a page key moves by.
const PAGE: usize = 15;

/// What was typed to find an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeAhead {
    letters: String,
    at: f64,
}

/// A key was pressed in the tree.
pub(super) fn keydown(parts: Parts, event: &ev::KeyboardEvent) {
    if event.is_composing() {
        return;
    }
    let here = parts.state.chosen.get_untracked().and_then(|path| parts.index_of(&path));
    let row = here.and_then(|here| parts.row(here));
    let key = event.key();
    if key.chars().count() > 1 {
        // Whoever moves on has found what the letters were for.
        parts.state.typed.set_value(TypeAhead::default());
    }
    let handled =
        match (key.as_str(), event.ctrl_key() || event.meta_key(), event.alt_key(), event.shift_key()) {
            ("ArrowDown", false, false, _) => step(parts, here, 1),
            ("ArrowUp", false, false, _) => step(parts, here, -1),
            ("PageDown", false, false, _) => step(parts, here, PAGE as isize),
            ("PageUp", false, false, _) => step(parts, here, -(PAGE as isize)),
            ("Home", false, false, _) => step(parts, None, 1),
            ("End", false, false, _) => step(parts, None, -1),
            ("ArrowRight", false, false, _) => into(parts, here, row.as_ref()),
            ("ArrowLeft", false, false, _) => out(parts, row.as_ref()),
            ("Enter", false, false, _) => open(parts, row.as_ref(), Focus::Editor),
            (" ", false, false, _) => open(parts, row.as_ref(), Focus::Stay),
            ("F2", false, false, _) => rename(parts, row.as_ref()),
            ("Delete", false, false, _) | ("Backspace", true, false, _) => delete(parts, row.as_ref()),
            ("ContextMenu", ..) | ("F10", false, false, true) => {
                here.is_some_and(|here| menu::open_at_row(parts, here))
            }
            // With Alt, keyboards type other letters.
            (_, false, true, true) if event.code() == "KeyC" => copy_path(parts, row.as_ref()),
            (letter, false, false, _) if letter.chars().count() == 1 => {
                find(parts, here, letter, event.time_stamp());
                true
            }
            _ => false,
        };
    if handled {
        event.prevent_default();
        event.stop_propagation();
    }
}

/// Moves by entries; from nowhere to the first or the last.
fn step(parts: Parts, here: Option<usize>, by: isize) -> bool {
    let rows = parts.rows.get_untracked().0;
    let entries: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| row.is_entry()).map(|(index, _)| index).collect();
    let Some(last) = entries.len().checked_sub(1) else { return true };
    let position = here.and_then(|here| entries.binary_search(&here).ok());
    let target = match position {
        Some(position) => position.saturating_add_signed(by).min(last),
        None if by > 0 => 0,
        None => last,
    };
    parts.choose(entries[target]);
    true
}

/// Opens a closed folder; goes to the first entry of an open one.
fn into(parts: Parts, here: Option<usize>, row: Option<&Row>) -> bool {
    match row.map(|row| &row.kind) {
        Some(RowKind::Folder(Fold::Closed)) => {
            if let Some(row) = row {
                parts.session.expand_folder(row.path());
            }
        }
        Some(RowKind::Folder(Fold::Open)) => {
            let child = here.map(|here| here + 1);
            let deeper = child.and_then(|child| parts.row(child)).zip(row);
            if deeper.is_some_and(|(child, row)| child.level > row.level)
                && let Some(child) = child
            {
                parts.choose(child);
            }
        }
        _ => {}
    }
    true
}

/// Closes an open folder; else goes to the folder above.
fn out(parts: Parts, row: Option<&Row>) -> bool {
    let Some(row) = row else { return true };
    if row.kind == RowKind::Folder(Fold::Open) {
        parts.session.collapse_folder(&row.path());
    } else if let Some(parent) = parts.index_of(row.folder()) {
        parts.choose(parent);
    }
    true
}

fn open(parts: Parts, row: Option<&Row>, focus: Focus) -> bool {
    let Some(row) = row else { return true };
    let fold = match row.kind {
        RowKind::Folder(fold) => Some(fold),
        _ => None,
    };
    let kind = row.entry().map_or(EntryKind::Other, |entry| entry.kind);
    activate(parts, &row.path(), fold, kind, focus);
    true
}

fn rename(parts: Parts, row: Option<&Row>) -> bool {
    if let Some(row) = row.filter(|_| parts.may_manage()) {
        parts.state.rename(parts.session, row.path());
    }
    true
}

fn delete(parts: Parts, row: Option<&Row>) -> bool {
    if let Some(row) = row.filter(|_| parts.may_manage()) {
        parts.ask.run(Question::Delete(row.path()));
    }
    true
}

fn copy_path(parts: Parts, row: Option<&Row>) -> bool {
    if let Some(row) = row {
        parts.ask.run(Question::Copy(row.path()));
    }
    true
}

/// Goes to the next entry whose name begins with what was typed. One letter again and again walks through all of them.
fn find(parts: Parts, here: Option<usize>, letter: &str, now: f64) {
    let mut typed = parts.state.typed.get_value();
    if now - typed.at > TYPE_AHEAD_MILLIS {
        typed.letters.clear();
    }
    typed.at = now;
    typed.letters.push_str(&lowercase(letter));
    let wanted = typed.letters.clone();
    parts.state.typed.set_value(typed);

    let same = wanted.chars().all(|c| wanted.starts_with(c));
    let wanted = if same { lowercase(letter) } else { wanted };
    let rows = parts.rows.get_untracked().0;
    // A longer name may still fit where one stands.
    let start = here.map_or(0, |here| if same { here + 1 } else { here });
    let found = (start..start + rows.len()).map(|index| index % rows.len()).find(|index| {
        let row = &rows[*index];
        row.is_entry() && lowercase(row.name()).starts_with(&wanted)
    });
    if let Some(found) = found {
        parts.choose(found);
    }
}
