//! The editor bundle, `parlor-editor`: one CodeMirror editor behind typed calls.

use js_sys::{Array, Object, Reflect, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

#[wasm_bindgen(module = "parlor-editor")]
extern "C" {
    /// One editor for one document. Offsets are UTF-16 units.
    #[derive(Clone, Debug)]
    pub(crate) type Editor;

    #[wasm_bindgen(constructor)]
    fn create(parent: &HtmlElement, options: &Object) -> Editor;

    /// Repeats what others did, in order; fails if it does not fit the text, which then is as it was.
    #[wasm_bindgen(method, catch, js_name = applyRemote)]
    fn apply_remote_ops(
        this: &Editor,
        ops: &Uint32Array,
        inserts: &Array,
        authors: &Array,
    ) -> Result<(), JsValue>;

    /// Makes this the whole text.
    #[wasm_bindgen(method)]
    pub(crate) fn reset(this: &Editor, text: &str);

    #[wasm_bindgen(method)]
    pub(crate) fn length(this: &Editor) -> u32;

    /// The host has all that was typed here.
    #[wasm_bindgen(method)]
    pub(crate) fn settled(this: &Editor);

    #[wasm_bindgen(method, js_name = setRescue)]
    fn set_rescue_bytes(this: &Editor, session: &str, participant: u32, head: &Uint8Array);

    #[wasm_bindgen(method, js_name = setReadOnly)]
    fn set_read_only_flag(this: &Editor, read_only: bool);

    /// Marks characters that the file's encoding lacks.
    #[wasm_bindgen(method, js_name = setLacking)]
    pub(crate) fn set_lacking(this: &Editor, characters: &str);

    #[wasm_bindgen(method, js_name = setWrap)]
    fn set_wrap_flag(this: &Editor, wrap: bool);

    #[wasm_bindgen(method, js_name = setLanguage)]
    pub(crate) fn set_language(this: &Editor, path: &str);

    #[wasm_bindgen(method, js_name = setLabel)]
    pub(crate) fn set_label(this: &Editor, label: &str);

    #[wasm_bindgen(method, js_name = setFontSize)]
    pub(crate) fn set_font_size(this: &Editor, pixels: u32);

    #[wasm_bindgen(method, js_name = setPeers)]
    fn set_peer_list(this: &Editor, peers: &Array);

    #[wasm_bindgen(method, js_name = setSelection)]
    fn set_selection_ranges(this: &Editor, ranges: &Uint32Array, main: u32, scroll: &str);

    #[wasm_bindgen(method)]
    fn selection(this: &Editor) -> Object;

    /// Scrolls to somebody's main caret; says whether that person is in this document.
    #[wasm_bindgen(method, js_name = revealPeer)]
    pub(crate) fn reveal_peer(this: &Editor, id: u32) -> bool;

    #[wasm_bindgen(method, js_name = gotoLine)]
    pub(crate) fn goto_line(this: &Editor);

    #[wasm_bindgen(method, js_name = openSearch)]
    pub(crate) fn open_search(this: &Editor);

    #[wasm_bindgen(method)]
    pub(crate) fn undo(this: &Editor) -> bool;

    #[wasm_bindgen(method)]
    pub(crate) fn redo(this: &Editor) -> bool;

    #[wasm_bindgen(method, js_name = undoLast)]
    fn undo_last_of(this: &Editor) -> JsValue;

    #[wasm_bindgen(method)]
    pub(crate) fn focus(this: &Editor);

    #[wasm_bindgen(method)]
    fn indentation(this: &Editor) -> Object;

    #[wasm_bindgen(method, js_name = saveState)]
    fn save_state(this: &Editor) -> Object;

    #[wasm_bindgen(method, js_name = restoreState)]
    fn restore_state(this: &Editor, state: &Object);

    #[wasm_bindgen(method)]
    pub(crate) fn destroy(this: &Editor);

    /// What a file with this path is written in, for people.
    #[wasm_bindgen(js_name = languageName)]
    pub(crate) fn language_name(path: &str) -> String;
}

/// Whether a text may be typed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    Writable,
}

/// Whether long lines are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    Off,
    On,
}

/// One replacement; several are applied one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) at: u32,
    pub(crate) delete: u32,
    pub(crate) insert: String,
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EditedBy {
    /// The person at this editor.
    Me,
    /// Somebody else, by number.
    Other(u32),
    /// Another program, on the host's disk.
    Disk,
    /// Nobody knows; no change of before can be taken back any more by [`Editor::undo_last`].
    Anybody,
}

/// What a text is kept with when the page's program has crashed.
#[derive(Clone, Debug)]
pub(crate) struct Rescue {
    pub(crate) session: String,
    pub(crate) participant: u32,
    /// All that is kept, but for the text at its end.
    pub(crate) head: Vec<u8>,
}

/// What one author did, without anybody else between.
#[derive(Clone, Debug)]
pub(crate) struct EditRun {
    pub(crate) by: EditedBy,
    pub(crate) edits: Vec<Edit>,
}

/// All of a person's selections, each as anchor and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selections {
    pub(crate) ranges: Vec<(u32, u32)>,
    pub(crate) main: u32,
}

/// Somebody else in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) color: u8,
    pub(crate) role: String,
    pub(crate) selections: Selections,
    pub(crate) activity: PeerActivity,
}

/// Whether somebody else is at the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerActivity {
    Active,
    Away,
}

/// Where the caret is, counted from one, for the status bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CursorInfo {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) selections: u32,
    pub(crate) selected: u32,
}

/// One step of indentation in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indentation {
    Tabs(u32),
    Spaces(u32),
}

/// Where in a document somebody was, to come back to.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) selections: Selections,
    pub(crate) scroll_top: f64,
    /// The editor's own, finer record; it is lost with the page.
    scroll: JsValue,
}

impl Spot {
    /// A spot from what outlives the page.
    pub(crate) fn new(selections: Selections, scroll_top: f64) -> Self {
        Self { selections, scroll_top, scroll: JsValue::UNDEFINED }
    }
}

/// What the editor tells. Called while the editor is in the middle of an update: never call it back from here.
pub(crate) struct Callbacks {
    pub(crate) on_edit: Box<dyn Fn(Vec<Edit>)>,
    /// What of a text can be inserted at an offset. Half a surrogate pair comes as U+FFFD.
    pub(crate) insertable: Box<dyn Fn(u32, String) -> String>,
    pub(crate) on_selection: Box<dyn Fn()>,
    pub(crate) on_viewport: Box<dyn Fn(u32, u32)>,
    pub(crate) on_command: Box<dyn Fn(String)>,
    pub(crate) on_cursor: Box<dyn Fn(CursorInfo)>,
}

/// How an editor starts.
pub(crate) struct EditorOptions<'a> {
    pub(crate) path: &'a str,
    pub(crate) label: &'a str,
    pub(crate) text: &'a str,
    pub(crate) access: Access,
    pub(crate) wrap: Wrap,
    pub(crate) font_size: u32,
}

/// An editor and the closures it calls; both end together.
pub(crate) struct OwnedEditor {
    editor: Editor,
    _closures: Closures,
}

struct Closures {
    _on_edit: Closure<dyn Fn(Uint32Array, Array)>,
    _insertable: Closure<dyn Fn(u32, String) -> String>,
    _on_selection: Closure<dyn Fn(Uint32Array, u32)>,
    _on_viewport: Closure<dyn Fn(u32, u32)>,
    _on_command: Closure<dyn Fn(String)>,
    _on_cursor: Closure<dyn Fn(u32, u32, u32, u32)>,
}

impl OwnedEditor {
    /// Puts an editor into `parent`.
    pub(crate) fn new(parent: &HtmlElement, options: &EditorOptions<'_>, callbacks: Callbacks) -> Self {
        let Callbacks { on_edit, insertable, on_selection, on_viewport, on_command, on_cursor } = callbacks;
        let closures = Closures {
            _on_edit: Closure::new(move |ops: Uint32Array, inserts: Array| on_edit(edits(&ops, &inserts))),
            _insertable: Closure::new(insertable),
            _on_selection: Closure::new(move |_: Uint32Array, _: u32| on_selection()),
            _on_viewport: Closure::new(on_viewport),
            _on_command: Closure::new(on_command),
            _on_cursor: Closure::new(move |line, column, selections, selected| {
                on_cursor(CursorInfo { line, column, selections, selected });
            }),
        };
        let functions: [(&str, &JsValue); 6] = [
            ("onEdit", closures._on_edit.as_ref()),
            ("insertable", closures._insertable.as_ref()),
            ("onSelection", closures._on_selection.as_ref()),
            ("onViewport", closures._on_viewport.as_ref()),
            ("onCommand", closures._on_command.as_ref()),
            ("onCursorInfo", closures._on_cursor.as_ref()),
        ];
        let object = Object::new();
        set(&object, "path", &options.path.into());
        set(&object, "label", &options.label.into());
        set(&object, "text", &options.text.into());
        set(&object, "readOnly", &(options.access == Access::ReadOnly).into());
        set(&object, "wrap", &(options.wrap == Wrap::On).into());
        for (name, function) in functions {
            set(&object, name, function);
        }
        let editor = Editor::create(parent, &object);
        editor.set_font_size(options.font_size);
        Self { editor, _closures: closures }
    }
}

impl std::ops::Deref for OwnedEditor {
    type Target = Editor;

    fn deref(&self) -> &Editor {
        &self.editor
    }
}

impl Drop for OwnedEditor {
    fn drop(&mut self) {
        self.editor.destroy();
    }
}

impl Editor {
    /// Says under whose name the text is kept if the page's program crashes.
    pub(crate) fn set_rescue(&self, rescue: &Rescue) {
        let head = Uint8Array::from(rescue.head.as_slice());
        self.set_rescue_bytes(&rescue.session, rescue.participant, &head);
    }

    /// Repeats what others did, in order.
    ///
    /// # Errors
    /// If it does not fit the text; nothing was applied.
    pub(crate) fn apply_remote(&self, runs: &[EditRun]) -> Result<(), JsValue> {
        let edits = || runs.iter().flat_map(|run| &run.edits);
        let ops: Vec<u32> = edits().flat_map(|edit| [edit.at, edit.delete]).collect();
        let inserts: Array = edits().map(|edit| JsValue::from_str(&edit.insert)).collect();
        let author = |run: &EditRun| Array::of2(&author_value(run.by), &run.edits.len().into());
        let authors: Array = runs.iter().map(author).collect();
        self.apply_remote_ops(&Uint32Array::from(ops.as_slice()), &inserts, &authors)
    }

    /// Takes back the last change that anybody made; says who made it, if there was one.
    pub(crate) fn undo_last(&self) -> Option<EditedBy> {
        let value = self.undo_last_of();
        if value.is_null() {
            return None;
        }
        Some(match value.as_f64() {
            Some(other) => EditedBy::Other(other as u32),
            None if value == DISK => EditedBy::Disk,
            None => EditedBy::Me,
        })
    }

    pub(crate) fn set_access(&self, access: Access) {
        self.set_read_only_flag(access == Access::ReadOnly);
    }

    pub(crate) fn set_wrap(&self, wrap: Wrap) {
        self.set_wrap_flag(wrap == Wrap::On);
    }

    /// Shows where the others are, instead of what was shown before.
    pub(crate) fn set_peers(&self, peers: &[Peer]) {
        let peers: Array = peers
            .iter()
            .map(|peer| {
                let object = Object::new();
                let ranges: Array = peer
                    .selections
                    .ranges
                    .iter()
                    .map(|(anchor, head)| JsValue::from(Array::of2(&(*anchor).into(), &(*head).into())))
                    .collect();
                set(&object, "id", &peer.id.into());
                set(&object, "name", &peer.name.as_str().into());
                set(&object, "color", &peer.color.into());
                set(&object, "role", &peer.role.as_str().into());
                set(&object, "ranges", &ranges);
                set(&object, "main", &peer.selections.main.into());
                set(&object, "active", &(peer.activity == PeerActivity::Active).into());
                JsValue::from(object)
            })
            .collect();
        self.set_peer_list(&peers);
    }

    pub(crate) fn selections(&self) -> Selections {
        selections_of(&self.selection())
    }

    /// Selects, and scrolls there if it is out of view.
    pub(crate) fn select(&self, selections: &Selections) {
        self.set_selection_ranges(&flat(selections), selections.main, "nearest");
    }

    pub(crate) fn indentation_unit(&self) -> Indentation {
        let object = self.indentation();
        match get(&object, "kind").as_string().as_deref() {
            Some("tab") => Indentation::Tabs(number(&get(&object, "size"))),
            _ => Indentation::Spaces(number(&get(&object, "size"))),
        }
    }

    pub(crate) fn spot(&self) -> Spot {
        let state = self.save_state();
        Spot {
            selections: selections_of(&state),
            scroll_top: get(&state, "scrollTop").as_f64().unwrap_or_default(),
            scroll: get(&state, "scroll"),
        }
    }

    pub(crate) fn go_to_spot(&self, spot: &Spot) {
        let state = Object::new();
        set(&state, "ranges", &flat(&spot.selections));
        set(&state, "main", &spot.selections.main.into());
        set(&state, "scrollTop", &spot.scroll_top.into());
        set(&state, "scroll", &spot.scroll);
        self.restore_state(&state);
    }
}

/// What the bundle calls the disk, as the author of a change.
const DISK: &str = "disk";

fn author_value(by: EditedBy) -> JsValue {
    match by {
        EditedBy::Me => "me".into(),
        EditedBy::Other(participant) => participant.into(),
        EditedBy::Disk => DISK.into(),
        EditedBy::Anybody => JsValue::UNDEFINED,
    }
}

fn edits(ops: &Uint32Array, inserts: &Array) -> Vec<Edit> {
    let ops = ops.to_vec();
    let pairs = ops.chunks_exact(2).zip(inserts.iter());
    pairs
        .map(|(op, insert)| Edit { at: op[0], delete: op[1], insert: insert.as_string().unwrap_or_default() })
        .collect()
}

fn selections_of(object: &Object) -> Selections {
    let ranges = get(object, "ranges").unchecked_into::<Uint32Array>().to_vec();
    let main = number(&get(object, "main"));
    Selections { ranges: ranges.chunks_exact(2).map(|range| (range[0], range[1])).collect(), main }
}

fn flat(selections: &Selections) -> Uint32Array {
    let flat: Vec<u32> = selections.ranges.iter().flat_map(|(anchor, head)| [*anchor, *head]).collect();
    Uint32Array::from(flat.as_slice())
}

fn number(value: &JsValue) -> u32 {
    value.as_f64().unwrap_or_default() as u32
}

fn get(object: &Object, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object refuses no property.
    let _ = Reflect::set(object, &name.into(), value);
}
