//! One row of the tree: an entry, a field for a name, or a note.

use leptos::attr::custom::custom_attribute;
use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use parlor_shared::message::{EntryKind, NewEntry};
use parlor_shared::path::WorkspacePath;

use super::{Parts, Question, menu, opens};
use crate::component::{Expanded, Icon, PersonDot, file_icon_class, folder_icon_class};
use crate::session::command::Focus;
use crate::session::store::SessionStateStoreFields as _;
use crate::session::tree::{Fold, Naming, Row, RowKind};
use crate::text;

/// A row as a memo compares it.
#[derive(Clone)]
struct Shown(Row);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_as(&other.0)
    }
}

/// The id of a row's element.
pub(super) fn row_id(index: usize) -> String {
    format!("tree-row-{index}")
}

/// The row at an index, whatever stands there.
#[component]
pub(super) fn TreeRow(parts: Parts, index: usize) -> impl IntoView {
    let row = Memo::new(move |_| parts.rows.read().0.get(index).cloned().map(Shown));
    move || {
        let Shown(row) = row.get()?;
        Some(match row.kind.clone() {
            RowKind::File | RowKind::Folder(_) => view! { <EntryRow parts index row /> }.into_any(),
            RowKind::Naming => view! { <NamingRow parts row /> }.into_any(),
            RowKind::Failed(fault) => note(&row, text::fault_line(&fault)),
            RowKind::Omitted(count) => note(&row, text::omitted(count)),
            RowKind::Loading => view! {
                <div class="row row-loading" role="presentation" style=level_of(&row)>
                    <span class="row-twist"></span>
                    <span class="skeleton" style="--width:50%" aria-label=text::LOADING_FILES></span>
                </div>
            }
            .into_any(),
            // The explorer says so in its own words for the root.
            RowKind::Empty if row.folder().is_root() => ().into_any(),
            RowKind::Empty => note(&row, text::EMPTY_FOLDER_TITLE.to_owned()),
        })
    }
}

fn level_of(row: &Row) -> String {
    format!("--level:{}", row.level)
}

fn note(row: &Row, sentence: String) -> AnyView {
    let title = sentence.clone();
    view! {
        <div class="row" role="presentation" style=level_of(row) title=title>
            <span class="row-twist"></span>
            <span class="row-note">{sentence}</span>
        </div>
    }
    .into_any()
}

#[component]
fn EntryRow(parts: Parts, index: usize, row: Row) -> impl IntoView {
    // -- state --
    let state = parts.state;
    let path = StoredValue::new(row.path());
    let name = row.name().to_owned();
    let kind = row.entry().map_or(EntryKind::Other, |entry| entry.kind);
    let link = row.entry().is_some_and(|entry| entry.link);
    let fold = match row.kind {
        RowKind::Folder(fold) => Some(fold),
        _ => None,
    };

    // -- derived --
    let chosen = Memo::new(move |_| path.with_value(|path| state.chosen.read().as_ref() == Some(path)));
    let dragging =
        move || path.with_value(|path| state.dragged.read().as_ref() == Some(path)).then_some("true");
    let drop = move || path.with_value(|path| state.target.read().as_ref() == Some(path)).then_some("true");
    // Whoever is in a file shows at the file, or at the closed folder that hides it.
    let present = Memo::new(move |_| {
        let people = parts.people.read();
        let here = |file: &WorkspacePath| {
            path.with_value(|path| match fold {
                None => file == path,
                Some(Fold::Closed) => file.is_within(path),
                Some(Fold::Open) => false,
            })
        };
        let here = people.iter().filter(|person| person.file.as_ref().is_some_and(here));
        here.map(|person| (person.name.clone(), person.color)).collect::<Vec<_>>()
    });
    let icon = match fold {
        Some(fold) => folder_icon_class(Expanded::from(fold == Fold::Open)),
        None => file_icon_class(&name),
    };
    let label = name.clone();
    let hidden = name.starts_with('.');
    let title = path.get_value().to_string();

    // -- actions --
    let open = move |focus: Focus| {
        state.chosen.set(Some(path.get_value()));
        activate(parts, &path.get_value(), fold, kind, focus);
    };
    let click = move |event: ev::MouseEvent| {
        // The second click of a double one must not close a folder again.
        if event.detail() <= 1 || fold.is_none() {
            open(Focus::Stay);
        }
    };
    let start_drag = move |event: ev::DragEvent| {
        if !parts.may_manage() {
            event.prevent_default();
            return;
        }
        state.dragged.set(Some(path.get_value()));
        if let Some(data) = event.data_transfer() {
            data.set_effect_allowed("move");
            // Refused data leaves a drag without text; the page does not read it.
            let _ = data.set_data("text/plain", path.get_value().as_str());
        }
    };
    let drag_over = move |event: ev::DragEvent| {
        let folder = path.with_value(|path| match fold {
            Some(_) => path.clone(),
            None => path.parent().unwrap_or_default(),
        });
        super::row::drag_over(parts, &event, &folder);
    };

    view! {
        <div
            {..custom_attribute("aria-level", row.level.to_string())}
            class="row"
            role="treeitem"
            id=row_id(index)
            aria-label=label
            aria-posinset=row.position.to_string()
            aria-setsize=row.siblings.to_string()
            aria-expanded=fold.map(|fold| if fold == Fold::Open { "true" } else { "false" })
            aria-selected=move || if chosen.get() { "true" } else { "false" }
            data-focused=move || chosen.get().then_some("true")
            data-dim=(hidden || !(fold.is_some() || opens(kind))).then_some("true")
            data-dragging=dragging
            data-drop=drop
            data-path=title.clone()
            style=level_of(&row)
            title=title
            draggable="true"
            on:click=click
            on:dblclick=move |_| {
                if fold.is_none() {
                    open(Focus::Editor);
                }
            }
            on:contextmenu=move |event| menu::open_at_pointer(parts, &event, Some(path.get_value()))
            on:dragstart=start_drag
            on:dragover=drag_over
            on:dragend=move |_| {
                state.dragged.set(None);
                state.target.set(None);
            }
        >
            <span class="row-guides" aria-hidden="true"></span>
            <span class="row-twist">{fold.map(|_| view! { <Icon name="chevron-right" /> })}</span>
            <i class=icon aria-hidden="true"></i>
            <span class="row-name">{name}</span>
            {link.then(|| view! { <Icon name="link" /> })}
            <span class="person-dots">
                {move || {
                    let people = present.get().into_iter();
                    people.map(|(name, color)| view! { <PersonDot name color /> }).collect_view()
                }}
            </span>
        </div>
    }
}

/// Opens a file, or opens and closes a folder.
pub(super) fn activate(
    parts: Parts,
    path: &WorkspacePath,
    fold: Option<Fold>,
    kind: EntryKind,
    focus: Focus,
) {
    match fold {
        Some(Fold::Closed) => parts.session.expand_folder(path.clone()),
        Some(Fold::Open) => parts.session.collapse_folder(path),
        None if opens(kind) => {
            parts.session.open_file(path.clone(), focus);
            parts.ask.run(Question::ShowEditor);
        }
        // The host says why; the page shows it in the place of the file.
        None => parts.session.open_file(path.clone(), Focus::Stay),
    }
}

/// Something is dragged over a folder, or over a file in it.
pub(super) fn drag_over(parts: Parts, event: &ev::DragEvent, folder: &WorkspacePath) {
    event.stop_propagation();
    let dragged = parts.state.dragged.get_untracked();
    let fits = dragged
        .is_some_and(|dragged| dragged.parent().as_ref() != Some(folder) && !folder.is_within(&dragged));
    if fits {
        event.prevent_default();
    }
    let target = fits.then(|| folder.clone());
    if parts.state.target.get_untracked() != target {
        parts.state.target.set(target);
    }
}

/// Something was dropped.
pub(super) fn dropped(parts: Parts, event: &ev::DragEvent) {
    let (from, folder) = (parts.state.dragged.get_untracked(), parts.state.target.get_untracked());
    parts.state.dragged.set(None);
    parts.state.target.set(None);
    if let Some((from, folder)) = from.zip(folder) {
        event.prevent_default();
        parts.ask.run(Question::Move { from, folder });
    }
}

/// A field for the name of something new, or for a new name.
#[component]
fn NamingRow(parts: Parts, row: Row) -> impl IntoView {
    // -- state --
    let value = parts.state.naming;
    let error = RwSignal::new(None::<String>);
    let field = NodeRef::<html::Input>::new();
    let naming = parts.session.store.tree().with_untracked(|tree| tree.naming.clone());

    // -- derived --
    let (label, is_folder) = match &naming {
        Some(Naming::New { entry: NewEntry::Folder, .. }) => (text::NEW_FOLDER_NAME, true),
        Some(Naming::New { entry: NewEntry::File, .. }) | None => (text::NEW_FILE_NAME, false),
        Some(Naming::Rename { kind, .. }) => (text::NEW_NAME, *kind == EntryKind::Folder),
    };
    let icon =
        move || if is_folder { folder_icon_class(Expanded::No) } else { file_icon_class(&value.read()) };

    // -- actions --
    let finish = move || {
        if value.read_untracked().trim().is_empty() {
            parts.session.stop_naming();
            return true;
        }
        match parts.session.finish_naming(&value.get_untracked()) {
            Ok(()) => true,
            Err(sentence) => {
                error.set(Some(sentence));
                false
            }
        }
    };
    let keydown = move |event: ev::KeyboardEvent| {
        event.stop_propagation();
        match event.key().as_str() {
            "Enter" if !event.is_composing() => {
                event.prevent_default();
                if finish() {
                    parts.focus_tree();
                }
            }
            "Escape" => {
                parts.session.stop_naming();
                parts.focus_tree();
            }
            _ => {}
        }
    };

    // -- effects --
    Effect::new(move |_| {
        let Some(field) = field.get() else { return };
        // The row was just mounted, so the field can take the focus.
        let _ = field.focus();
        let name = value.get_untracked();
        // The property may follow later than this effect, and would take the selection away.
        field.set_value(&name);
        let stem = name.rfind('.').filter(|at| *at > 0 && !is_folder).unwrap_or(name.len());
        let units = name[..stem].encode_utf16().count() as u32;
        // A text field takes every selection.
        let _ = field.set_selection_range(0, units);
    });

    view! {
        <div {..custom_attribute("aria-level", row.level.to_string())} class="row" role="treeitem" style=level_of(&row)>
            <span class="row-twist"></span>
            <i class=icon aria-hidden="true"></i>
            <input
                class="row-input"
                type="text"
                aria-label=label
                spellcheck="false"
                autocomplete="off"
                autocapitalize="off"
                node_ref=field
                aria-invalid=move || error.read().is_some().then_some("true")
                prop:value=value
                on:input=move |event| {
                    value.set(event_target_value(&event));
                    error.set(None);
                }
                on:keydown=keydown
                on:click=|event| event.stop_propagation()
                on:blur=move |_| {
                    if !finish() {
                        parts.session.stop_naming();
                    }
                }
            />
            {move || error.get().map(|sentence| view! { <p class="row-error" role="alert">{sentence}</p> })}
        </div>
    }
}
