//! The context menu of the tree.

use leptos::ev;
use leptos::prelude::*;
use parlor_shared::message::{EntryKind, NewEntry};
use parlor_shared::path::WorkspacePath;
use wasm_bindgen::JsCast as _;

use super::row::row_id;
use super::{Parts, Question};
use crate::component::{Menu, MenuEntry, MenuItem};
use crate::session::command::Focus;
use crate::session::store::SessionStateStoreFields as _;
use crate::text;

/// Opens the menu where the pointer is: about an entry, or about the whole folder.
pub(super) fn open_at_pointer(parts: Parts, event: &ev::MouseEvent, about: Option<WorkspacePath>) {
    event.prevent_default();
    event.stop_propagation();
    let at = (f64::from(event.client_x()), f64::from(event.client_y()));
    parts.state.chosen.set(about.clone());
    parts.state.menu.set(Some((about.unwrap_or_default(), at)));
}

/// Opens the menu at a row; says whether the row is there.
pub(super) fn open_at_row(parts: Parts, index: usize) -> bool {
    let Some(row) = parts.row(index) else { return false };
    let Some(element) = document().get_element_by_id(&row_id(index)) else { return false };
    let area = element.unchecked_into::<web_sys::Element>().get_bounding_client_rect();
    parts.state.menu.set(Some((row.path(), (area.left() + 24.0, area.bottom()))));
    true
}

/// The menu, while it is open.
#[component]
pub(super) fn RowMenu(parts: Parts) -> impl IntoView {
    // -- state --
    let Parts { session, state, ask, .. } = parts;

    // -- actions --
    let entries = move |path: &WorkspacePath| {
        let kind = session.store.tree().with_untracked(|tree| tree.kind_of(path));
        let manages = parts.may_manage();
        let greyed = |item: MenuItem| if manages { item } else { item.unavailable() };
        let item = |label: &str, action: Callback<()>| MenuItem::new(label, action);
        let new = |label, icon, entry| {
            let action = Callback::new(move |()| state.name_new(session, entry));
            MenuEntry::from(greyed(item(label, action).icon(icon)))
        };
        let mut entries = Vec::new();
        if kind != Some(EntryKind::Folder) {
            let path = path.clone();
            let open = Callback::new(move |()| {
                session.open_file(path.clone(), Focus::Editor);
                ask.run(Question::ShowEditor);
            });
            entries.push(item(text::OPEN, open).icon("files").into());
            entries.push(MenuEntry::Line);
        }
        entries.push(new(text::NEW_FILE, "file-plus", NewEntry::File));
        entries.push(new(text::NEW_FOLDER, "folder-plus", NewEntry::Folder));
        if !path.is_root() {
            let (copied, renamed, deleted) = (path.clone(), path.clone(), path.clone());
            let copy = Callback::new(move |()| ask.run(Question::Copy(copied.clone())));
            let rename = Callback::new(move |()| state.rename(session, renamed.clone()));
            let delete = Callback::new(move |()| ask.run(Question::Delete(deleted.clone())));
            entries.push(MenuEntry::Line);
            entries.push(item(text::COPY_PATH, copy).icon("copy").keys("Shift Alt C").into());
            entries.push(MenuEntry::Line);
            entries.push(greyed(item(text::RENAME, rename).icon("pencil").keys("F2")).into());
            entries.push(greyed(item(text::DELETE, delete).icon("trash-2").keys("Del").dangerous()).into());
        }
        entries
    };

    move || {
        state.menu.get().map(|(path, at)| {
            let label = if path.is_root() { text::EXPLORER.to_owned() } else { path.name().to_owned() };
            let entries = entries(&path);
            view! { <Menu label at entries on_close=move |()| state.menu.set(None) /> }
        })
    }
}
