//! The explorer: the shared folder as a tree, live.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use parlor_shared::message::{EntryKind, NewEntry};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Capability;

use crate::component::{EmptyState, IconButton, VirtualList, When};
use crate::session::SessionHandle;
use crate::session::store::{Person, SessionStateStoreFields as _, Standing, Who};
use crate::session::tree::{Naming, Row, RowKind};
use crate::text;

mod keyboard;
mod menu;
mod row;

use menu::RowMenu;
use row::TreeRow;

/// What the explorer remembers while another panel is shown.
#[derive(Clone, Copy)]
pub(crate) struct ExplorerState {
    /// The entry that keys and commands are about.
    pub(crate) chosen: RwSignal<Option<WorkspacePath>>,
    /// What is typed as a name.
    naming: RwSignal<String>,
    /// The row to bring into sight.
    reveal: RwSignal<Option<WorkspacePath>>,
    /// Set while the tree is to take the keyboard as soon as it can.
    focus: RwSignal<bool>,
    dragged: RwSignal<Option<WorkspacePath>>,
    /// The folder that a drop would move into.
    target: RwSignal<Option<WorkspacePath>>,
    /// What was typed to find an entry.
    typed: StoredValue<keyboard::TypeAhead>,
    /// The open context menu: about what, and where.
    menu: RwSignal<Option<(WorkspacePath, (f64, f64))>>,
}

/// The rows of the tree; compared by identity, since a new list is made only when something changed.
#[derive(Clone)]
struct Rows(Arc<Vec<Row>>);

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What the parts of the explorer share.
#[derive(Clone, Copy)]
struct Parts {
    session: SessionHandle,
    state: ExplorerState,
    rows: Memo<Rows>,
    people: Memo<Vec<Person>>,
    list: NodeRef<html::Div>,
    ask: Callback<Question>,
}

/// What the explorer asks the room to ask the person.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Delete(WorkspacePath),
    Move {
        from: WorkspacePath,
        folder: WorkspacePath,
    },
    /// Copy this path.
    Copy(WorkspacePath),
    /// Shows the editor; a phone has room for one thing only.
    ShowEditor,
}

impl ExplorerState {
    /// Nothing chosen.
    pub(crate) fn new() -> Self {
        Self {
            chosen: RwSignal::new(None),
            naming: RwSignal::new(String::new()),
            reveal: RwSignal::new(None),
            focus: RwSignal::new(false),
            dragged: RwSignal::new(None),
            target: RwSignal::new(None),
            typed: StoredValue::new(keyboard::TypeAhead::default()),
            menu: RwSignal::new(None),
        }
    }

    /// Moves the keyboard into the tree, as soon as it is there.
    pub(crate) fn focus_soon(self) {
        self.focus.set(true);
    }

    /// Begins to name something new beside what is chosen.
    pub(crate) fn name_new(self, session: SessionHandle, entry: NewEntry) {
        let folder = session.folder_for_new(self.chosen.get_untracked().as_ref());
        self.naming.set(String::new());
        session.start_naming(Naming::New { folder, entry });
    }

    /// Begins to rename.
    pub(crate) fn rename(self, session: SessionHandle, path: WorkspacePath) {
        let kind = session.store.tree().with_untracked(|tree| tree.kind_of(&path));
        let Some(kind) = kind.filter(|_| !path.is_root()) else { return };
        self.naming.set(path.name().to_owned());
        session.start_naming(Naming::Rename { path, kind });
    }

    /// Chooses an entry and brings it into sight.
    pub(crate) fn show(self, session: SessionHandle, path: &WorkspacePath) {
        session.expand_to(path);
        self.chosen.set(Some(path.clone()));
        self.reveal.set(Some(path.clone()));
    }
}

impl Parts {
    fn index_of(self, path: &WorkspacePath) -> Option<usize> {
        // An effect that was due when the panel closed still runs once.
        self.rows.try_read_untracked()?.0.iter().position(|row| row.is_entry() && row.path() == *path)
    }

    fn row(self, index: usize) -> Option<Row> {
        self.rows.try_read_untracked()?.0.get(index).cloned()
    }

    /// Chooses a row and brings it into sight.
    fn choose(self, index: usize) {
        if let Some(row) = self.row(index).filter(Row::is_entry) {
            let path = row.path();
            self.state.chosen.set(Some(path.clone()));
            self.state.reveal.set(Some(path));
        }
    }

    fn may_manage(self) -> bool {
        untrack(|| {
            self.session.may(Capability::ManageFiles) && *self.session.standing.read() == Standing::Live
        })
    }

    fn focus_tree(self) {
        if let Some(list) = self.list.get_untracked() {
            // The tree is in the page: it was just used.
            let _ = list.focus();
        }
    }
}

/// The explorer.
#[component]
pub(crate) fn Explorer(state: ExplorerState, #[prop(into)] ask: Callback<Question>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let list = NodeRef::<html::Div>::new();
    let reveal = RwSignal::new(None::<usize>);

    // -- derived --
    let rows = Memo::new(move |_| Rows(Arc::new(session.store.tree().read().rows())));
    let people = Memo::new(move |_| {
        let people = session.store.people().read();
        let others = people.iter().filter(|person| person.who == Who::Other && person.file.is_some());
        others.cloned().collect::<Vec<_>>()
    });
    let parts = Parts { session, state, rows, people, list, ask };
    let count = Memo::new(move |_| rows.read().0.len());
    let naming_row = Memo::new(move |_| rows.read().0.iter().position(|row| row.kind == RowKind::Naming));
    let chosen_row = Memo::new(move |_| {
        let chosen = state.chosen.get()?;
        rows.read().0.iter().position(|row| row.is_entry() && row.path() == chosen)
    });
    let keep = Signal::derive(move || naming_row.get().or(chosen_row.get()));
    let title =
        move || session.store.info().get().map_or_else(|| text::EXPLORER.to_owned(), |info| info.workspace);
    let manages = Signal::derive(move || {
        session.may(Capability::ManageFiles) && *session.standing.read() == Standing::Live
    });
    let unmanaged = Signal::derive(move || !manages.get());
    let empty = Memo::new(move |_| matches!(rows.read().0.as_slice(), [only] if only.kind == RowKind::Empty));

    // -- effects --
    Effect::new(move |_| {
        rows.track();
        let target = state.reveal.get().and_then(|path| parts.index_of(&path));
        if target.is_some() {
            state.reveal.set(None);
            reveal.set(target);
        }
    });
    Effect::new(move |_| {
        if let Some(row) = naming_row.get() {
            reveal.set(Some(row));
        }
    });
    Effect::new(move |_| {
        if state.focus.get() && list.get().is_some() {
            state.focus.set(false);
            parts.focus_tree();
        }
    });

    view! {
        <section class="panel">
            <header class="panel-header">
                <h2 class="panel-title" title=title>{title}</h2>
                <div class="panel-tools">
                    <IconButton
                        icon="file-plus"
                        label=text::NEW_FILE
                        disabled=unmanaged
                        on_press=move |_| state.name_new(session, NewEntry::File)
                    />
                    <IconButton
                        icon="folder-plus"
                        label=text::NEW_FOLDER
                        disabled=unmanaged
                        on_press=move |_| state.name_new(session, NewEntry::Folder)
                    />
                    <IconButton icon="list-collapse" label=text::COLLAPSE_ALL on_press=move |_| session.collapse_all() />
                </div>
            </header>
            <div class="panel-body">
                <When when=empty>
                    <EmptyState
                        icon="folder-open"
                        title=text::EMPTY_FOLDER_TITLE
                        text=Signal::derive(move || {
                            let text = if manages.get() { text::EMPTY_FOLDER_TEXT_EDITOR } else { text::EMPTY_FOLDER_TEXT };
                            text.to_owned()
                        })
                    />
                </When>
                <div
                    class="tree-events"
                    on:keydown=move |event| keyboard::keydown(parts, &event)
                    on:contextmenu=move |event| menu::open_at_pointer(parts, &event, None)
                    on:dragover=move |event| row::drag_over(parts, &event, &WorkspacePath::root())
                    on:drop=move |event| row::dropped(parts, &event)
                >
                <VirtualList
                    count=count
                    keep=keep
                    reveal=reveal
                    node_ref=list
                    row=move |index: usize| view! { <TreeRow parts index /> }.into_any()
                    attr:role="tree"
                    attr:aria-label=text::FILES
                    attr:data-testid="file-tree"
                    attr:tabindex="0"
                    attr:aria-activedescendant=move || chosen_row.get().map(row::row_id)
                    attr:class="virtual tree"
                />
                </div>
            </div>
            <RowMenu parts />
        </section>
    }
}

/// What to say of an entry that can not be opened.
const fn opens(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::File)
}
