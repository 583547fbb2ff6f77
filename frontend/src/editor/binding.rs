//! One text and its editor: what is typed goes to the client at once, what others typed comes back once a frame.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use leptos::prelude::*;
use parlor_shared::client::Client;
use parlor_shared::document::text::insertable;
use parlor_shared::document::{ChangedBy, Document, Run, Splice};
use parlor_shared::id::DocumentId;
use parlor_shared::path::WorkspacePath;
use wasm_bindgen::JsCast as _;
use web_sys::{Event, HtmlElement, KeyboardEvent};

use super::{EditorCommand, Editors, wrap_of};
use crate::js::editor::{
    Access, Callbacks, CursorInfo, Edit, EditRun, EditedBy, EditorOptions, OwnedEditor, Selections, Spot,
};
use crate::js::listener::{Listener, Order, microtask};
use crate::session::SessionHandle;
use crate::session::memory::RememberedSpot;
use crate::text;

/// A text, its editor, and the element that both live in while they are not shown.
pub(super) struct Binding {
    document: Cell<DocumentId>,
    container: HtmlElement,
    editor: OwnedEditor,
    access: Cell<Access>,
    /// The characters that are marked since the file's encoding lacks them.
    lacking: RefCell<String>,
    cursor: Rc<Cell<CursorInfo>>,
    viewport: Rc<Cell<(u32, u32)>>,
    /// Where the view was when it was taken from the page: browsers forget it.
    left_at: RefCell<Option<Spot>>,
    _listeners: [Listener; 2],
}

impl Binding {
    /// An editor for a text, not yet shown.
    pub(super) fn new(
        editors: &Rc<Editors>,
        document: DocumentId,
        path: &WorkspacePath,
        text: &str,
    ) -> Rc<Self> {
        let container = leptos::prelude::document()
            .create_element("div")
            .expect("a page can make elements")
            .unchecked_into::<HtmlElement>();
        container.set_class_name("editor-host");
        let cursor = Rc::new(Cell::new(CursorInfo::default()));
        let viewport = Rc::new(Cell::new((0, 0)));
        let access = editors.access(document);
        Rc::new_cyclic(|me: &Weak<Self>| {
            let options = EditorOptions {
                path: path.as_str(),
                label: &text::editor_label(path.as_str()),
                text,
                access,
                wrap: wrap_of(editors.settings.wrap.get_untracked()),
                font_size: editors.settings.font_size.get_untracked(),
            };
            let callbacks = callbacks(editors, me, &cursor, &viewport);
            let editor = OwnedEditor::new(&container, &options, callbacks);
            if let Some(rescue) = editors.session.rescue(path) {
                editor.set_rescue(&rescue);
            }
            let refused = editors.status.on_refused;
            let hint = |kind: &'static str| {
                let me = me.clone();
                Listener::new(&container, kind, Order::Bubble, move |event| {
                    let read_only = me.upgrade().is_some_and(|me| me.access.get() == Access::ReadOnly);
                    if read_only && types(&event) {
                        refused.run(());
                    }
                })
            };
            let _listeners = [hint("keydown"), hint("paste")];
            Self {
                document: Cell::new(document),
                container: container.clone(),
                editor,
                access: Cell::new(access),
                lacking: RefCell::default(),
                cursor: Rc::clone(&cursor),
                viewport: Rc::clone(&viewport),
                left_at: RefCell::new(None),
                _listeners,
            }
        })
    }

    pub(super) fn document(&self) -> DocumentId {
        self.document.get()
    }

    pub(super) fn editor(&self) -> &OwnedEditor {
        &self.editor
    }

    pub(super) fn cursor(&self) -> CursorInfo {
        self.cursor.get()
    }

    /// First and last visible offset.
    pub(super) fn viewport(&self) -> (u32, u32) {
        self.viewport.get()
    }

    /// The text has another id from now on.
    pub(super) fn become_document(&self, document: DocumentId) {
        self.document.set(document);
    }

    pub(super) fn set_path(&self, session: SessionHandle, path: &WorkspacePath) {
        if let Some(rescue) = session.rescue(path) {
            self.editor.set_rescue(&rescue);
        }
        self.editor.set_label(&text::editor_label(path.as_str()));
        self.editor.set_language(path.as_str());
    }

    /// Tells the editor if the host has all of the text.
    pub(super) fn settle(&self, session: SessionHandle) {
        if session.is_settled(self.document.get()) {
            self.editor.settled();
        }
    }

    pub(super) fn set_access(&self, access: Access) {
        if self.access.replace(access) != access {
            self.editor.set_access(access);
        }
    }

    /// Marks what the file's encoding lacks.
    pub(super) fn set_lacking(&self, characters: &str) {
        if *self.lacking.borrow() != characters {
            characters.clone_into(&mut self.lacking.borrow_mut());
            self.editor.set_lacking(characters);
        }
    }

    /// Puts the editor into the page, as it was when it left.
    pub(super) fn attach(&self, host: &HtmlElement) {
        if self.container.parent_node().as_ref() == Some(host) {
            return;
        }
        // A fresh host takes any child.
        let _ = host.append_child(&self.container);
        if let Some(mut spot) = self.left_at.take() {
            // Others may have typed meanwhile: the selections moved along, the view starts where it was.
            spot.selections = self.editor.selections();
            self.editor.go_to_spot(&spot);
        }
    }

    /// Takes the editor out of the page.
    pub(super) fn detach(&self) {
        if self.container.parent_node().is_some() {
            self.left_at.replace(Some(self.editor.spot()));
            self.container.remove();
        }
    }

    /// Where the person is, to be found again after a reload.
    pub(super) fn spot(&self) -> RememberedSpot {
        let spot = self.left_at.borrow().clone().unwrap_or_else(|| self.editor.spot());
        let Selections { ranges, main } = self.editor.selections();
        RememberedSpot { ranges, main, scroll_top: spot.scroll_top }
    }

    /// Goes to where the person was before a reload.
    pub(super) fn go_to(&self, spot: &RememberedSpot) {
        let selections = Selections { ranges: spot.ranges.clone(), main: spot.main };
        // Only an editor in the page can scroll.
        self.left_at.replace(Some(Spot::new(selections.clone(), spot.scroll_top)));
        self.editor.select(&selections);
    }

    /// Repeats what others did.
    pub(super) fn apply(&self, session: SessionHandle, runs: &[Run]) {
        let edit =
            |splice: &Splice| Edit { at: splice.at, delete: splice.delete, insert: splice.insert.clone() };
        let by = |by| match by {
            ChangedBy::Participant(participant) => EditedBy::Other(participant.0),
            ChangedBy::Disk => EditedBy::Disk,
            ChangedBy::Anybody => EditedBy::Anybody,
        };
        let runs: Vec<EditRun> = runs
            .iter()
            .map(|run| EditRun { by: by(run.by), edits: run.splices.iter().map(edit).collect() })
            .collect();
        if self.editor.apply_remote(&runs).is_err() {
            return self.reset(session);
        }
        self.check(session);
    }

    /// Editor and replica hold the same text, or the editor is made to.
    pub(super) fn check(&self, session: SessionHandle) {
        let length = self.replica(session, Document::len);
        if length.is_some_and(|length| length != self.editor.length()) {
            self.reset(session);
        }
    }

    /// Shows the replica's text, whatever the editor has.
    pub(super) fn reset(&self, session: SessionHandle) {
        if let Some(text) = self.replica(session, Document::text) {
            self.editor.reset(&text);
        }
    }

    /// Looks at the replica. One that starts over is empty until the host's text has come: showing that would take carets
    /// and undo with it.
    fn replica<R>(&self, session: SessionHandle, look: impl FnOnce(&Document) -> R) -> Option<R> {
        let open = |client: &Client| {
            client
                .document(self.document.get())
                .filter(|open| open.has_text())
                .map(|open| look(open.document()))
        };
        session.read(open).flatten()
    }
}

/// What the editor calls while it is in the middle of an update: none of this calls it back.
fn callbacks(
    editors: &Rc<Editors>,
    me: &Weak<Binding>,
    cursor: &Rc<Cell<CursorInfo>>,
    viewport: &Rc<Cell<(u32, u32)>>,
) -> Callbacks {
    let session = editors.session;
    let status = editors.status;
    let frame = editors.frame.clone();
    let shown = {
        let (editors, me) = (Rc::downgrade(editors), me.clone());
        move || {
            let document = me.upgrade().map(|me| me.document.get());
            document.is_some() && editors.upgrade().is_some_and(|editors| editors.shown.get() == document)
        }
    };
    let on_edit = {
        let (me, frame) = (me.clone(), frame.clone());
        move |edits: Vec<Edit>| {
            let Some(binding) = me.upgrade() else { return };
            let splices: Vec<Splice> = edits
                .into_iter()
                .map(|edit| Splice { at: edit.at, delete: edit.delete, insert: edit.insert })
                .collect();
            if session.edit(binding.document.get(), &splices).is_err() {
                // The replica takes nothing now, or not this: what is shown must not differ from it.
                microtask(move || binding.reset(session));
            }
            frame.request();
        }
    };
    let insertable = move |at, characters: String| {
        let text = insertable(&characters, at);
        if text.chars().filter(|c| *c != '\n').count()
            != characters.chars().filter(|c| !matches!(c, '\r' | '\n')).count()
        {
            microtask(move || status.on_left_out.run(()));
        }
        text.into_owned()
    };
    let on_cursor = {
        let cursor = Rc::clone(cursor);
        move |info| {
            cursor.set(info);
            if shown() {
                status.cursor.set(info);
            }
        }
    };
    let on_viewport = {
        let (viewport, frame) = (Rc::clone(viewport), frame.clone());
        move |from, to| {
            viewport.set((from, to));
            frame.request();
        }
    };
    let on_command = move |name: String| {
        let command = match name.as_str() {
            "save" => EditorCommand::Save,
            "palette" => EditorCommand::Palette,
            "toggle-wrap" => EditorCommand::ToggleWrap,
            _ => return,
        };
        microtask(move || status.on_command.run(command));
    };
    Callbacks {
        on_edit: Box::new(on_edit),
        insertable: Box::new(insertable),
        on_selection: Box::new(move || frame.request()),
        on_viewport: Box::new(on_viewport),
        on_command: Box::new(on_command),
        on_cursor: Box::new(on_cursor),
    }
}

/// Whether an event would have changed the text.
fn types(event: &Event) -> bool {
    let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return true };
    let plain = !key.ctrl_key() && !key.meta_key() && !key.alt_key();
    let name = key.key();
    plain && (name.chars().count() == 1 || matches!(name.as_str(), "Enter" | "Backspace" | "Delete"))
}
