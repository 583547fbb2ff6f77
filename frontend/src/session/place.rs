//! What is on the screen, kept so that a reload finds it again.

use leptos::prelude::*;
use parlor_shared::path::WorkspacePath;

use super::SessionHandle;
use super::command::Focus;
use super::memory::{Place, RememberedSpot, RememberedTab};
use super::store::{Entry, SessionStateStoreFields as _, Tab, TabId};

impl SessionHandle {
    /// Keeps what is on the screen, so that a reload finds it again.
    pub(crate) fn keep_place(self) {
        if self.store.entry().get_untracked() != Entry::Entered {
            return;
        }
        let views = self.views();
        let inner = self.inner();
        let spot = |tab: &Tab, path: &WorkspacePath| {
            let now = tab.document().zip(views.as_ref()).and_then(|(document, views)| views.spot(document));
            now.or_else(|| inner.spots.borrow().get(path).cloned())
        };
        let remembered = |tab: &Tab| match (tab.path(), tab.terminal()) {
            (Some(path), _) => Some(RememberedTab::File { path: path.clone(), spot: spot(tab, path) }),
            (None, terminal) => terminal.map(RememberedTab::Terminal),
        };
        let active = self.store.active().get_untracked();
        let place = self.store.tabs().with_untracked(|tabs| Place {
            tabs: tabs.iter().filter_map(remembered).collect(),
            active: tabs.iter().position(|tab| Some(tab.id) == active),
            expanded: self.store.tree().with_untracked(|tree| tree.expanded().cloned().collect()),
        });
        inner.memory.keep_place(&place);
    }

    /// Shows what was on the screen before a reload.
    pub(super) fn restore_place(self) {
        let place = self.inner().memory.place();
        self.store.tree().update(|tree| {
            for folder in &place.expanded {
                tree.expand(folder);
            }
        });
        self.expand_folder(WorkspacePath::root());
        let mut active = None;
        for (index, remembered) in place.tabs.into_iter().enumerate() {
            let id = TabId(self.fresh_id());
            if place.active == Some(index) {
                active = Some(id);
            }
            match remembered {
                RememberedTab::File { path, spot } => {
                    self.store.tabs().update(|tabs| tabs.push(Tab::file(id, path.clone())));
                    if let Some(spot) = spot {
                        self.inner().spots.borrow_mut().insert(path.clone(), spot);
                    }
                    self.load(id, path);
                }
                // Whether it is still there is known when the host has told of all: see `apply_terminals`.
                RememberedTab::Terminal(terminal) => {
                    self.store.tabs().update(|tabs| tabs.push(Tab::of_terminal(id, terminal)));
                }
            }
        }
        if let Some(active) = active {
            self.activate(active, Focus::Stay);
        }
        self.keep_place();
    }

    /// Where the person was in a file before a reload; asked once.
    pub(crate) fn take_spot(self, path: &WorkspacePath) -> Option<RememberedSpot> {
        self.inner().spots.borrow_mut().remove(path)
    }

    /// Whether the keyboard should be in this tab's editor now that it is there; asked once.
    pub(crate) fn take_focus(self, id: TabId) -> Focus {
        let inner = self.inner();
        if inner.focus_when_open.get() == Some(id) {
            inner.focus_when_open.set(None);
            Focus::Editor
        } else {
            Focus::Stay
        }
    }
}
