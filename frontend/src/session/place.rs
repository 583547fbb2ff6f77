//! What is on the screen, kept so that a reload finds it again.

use leptos::prelude::*;
use parlor_shared::path::WorkspacePath;

use super::SessionHandle;
use super::command::Focus;
use super::memory::{Place, RememberedSpot, RememberedTab};
use super::store::{Content, Entry, SessionStateStoreFields as _, Tab, TabId};

impl SessionHandle {
    /// Keeps what is on the screen, so that a reload finds it again.
    pub(crate) fn keep_place(self) {
        if self.store.entry().get_untracked() != Entry::Entered {
            return;
        }
        let views = self.views();
        let spot = |content: &Content| match content {
            Content::Text(document) => views.as_ref().and_then(|views| views.spot(*document)),
            _ => None,
        };
        let inner = self.inner();
        let active = self.store.active().get_untracked();
        let place = self.store.tabs().with_untracked(|tabs| Place {
            tabs: tabs
                .iter()
                .map(|tab| RememberedTab {
                    path: tab.path.clone(),
                    spot: spot(&tab.content).or_else(|| inner.spots.borrow().get(&tab.path).cloned()),
                })
                .collect(),
            active: tabs.iter().find(|tab| Some(tab.id) == active).map(|tab| tab.path.clone()),
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
        for remembered in place.tabs {
            let id = TabId(self.fresh_id());
            self.store.tabs().update(|tabs| {
                tabs.push(Tab { id, path: remembered.path.clone(), content: Content::Opening });
            });
            if place.active.as_ref() == Some(&remembered.path) {
                active = Some(id);
            }
            if let Some(spot) = remembered.spot {
                self.inner().spots.borrow_mut().insert(remembered.path.clone(), spot);
            }
            self.load(id, remembered.path);
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
