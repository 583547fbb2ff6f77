//! The terminal bundle, `parlor-terminal`: one terminal behind typed calls. xterm comes with the first one and not before,
//! so its class is never imported: the bundle makes the instances, and only their methods are called from here.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;
use xterm_js_rs::Terminal;

use super::editor::Access;

#[wasm_bindgen(module = "parlor-terminal")]
extern "C" {
    /// What stands around xterm: see `TerminalView` in the bundle.
    type View;

    #[wasm_bindgen(js_name = openTerminal)]
    fn open_terminal(parent: &HtmlElement, options: &Object, done: &JsValue);

    #[wasm_bindgen(method, getter)]
    fn xterm(this: &View) -> Terminal;

    #[wasm_bindgen(method)]
    fn screen(this: &View, columns: u16, rows: u16, kept: bool, skipped: f64, bytes: Uint8Array);

    #[wasm_bindgen(method)]
    fn output(this: &View, bytes: Uint8Array);

    #[wasm_bindgen(method)]
    fn typing(this: &View, name: &str, color: u8);

    #[wasm_bindgen(method, setter, js_name = mayType)]
    fn set_may_type(this: &View, may: bool);

    #[wasm_bindgen(method, setter, js_name = label)]
    fn set_label(this: &View, label: &str);

    #[wasm_bindgen(method, setter, js_name = fontSize)]
    fn set_font_size(this: &View, pixels: u32);

    #[wasm_bindgen(method, setter, js_name = screenReader)]
    fn set_screen_reader(this: &View, on: bool);

    #[wasm_bindgen(method, js_name = openFind)]
    fn open_find(this: &View);

    #[wasm_bindgen(method)]
    fn clear(this: &View);

    #[wasm_bindgen(method)]
    fn copy(this: &View);

    #[wasm_bindgen(method)]
    fn insert(this: &View, text: &str);

    #[wasm_bindgen(method)]
    fn dispose(this: &View);
}

/// What a terminal tells.
#[derive(Debug)]
pub(crate) enum TerminalEvent {
    /// A person typed, or moved the mouse over a program that wants to know.
    Input(Vec<u8>),
    /// A person typed and may not.
    Refused,
    /// So much would fit where it is shown.
    Fit { columns: u16, rows: u16 },
    /// A person pasted what would run at once.
    AskPaste(String),
    /// It can not follow the output: a screen must come.
    Behind,
    /// A person wants to see all that the host kept.
    ShowKept,
}

/// How a terminal starts.
pub(crate) struct TerminalOptions<'a> {
    pub(crate) label: &'a str,
    pub(crate) font_size: u32,
    /// Whether the rows are read aloud.
    pub(crate) read_aloud: bool,
}

/// A terminal and the closure it calls; both end together.
pub(crate) struct OwnedTerminal {
    view: View,
    _tell: Closure<dyn Fn(String, JsValue, JsValue)>,
}

impl OwnedTerminal {
    /// Puts a terminal into `parent` once its code is there; `done` gets it, or nothing if the code did not come.
    pub(crate) fn open(
        parent: &HtmlElement,
        options: &TerminalOptions<'_>,
        on_event: Box<dyn Fn(TerminalEvent)>,
        done: Box<dyn FnOnce(Option<Self>)>,
    ) {
        let tell = Closure::<dyn Fn(String, JsValue, JsValue)>::new(move |what: String, first, second| {
            if let Some(event) = event(&what, &first, &second) {
                on_event(event);
            }
        });
        let object = Object::new();
        set(&object, "label", &options.label.into());
        set(&object, "fontSize", &options.font_size.into());
        set(&object, "screenReader", &options.read_aloud.into());
        set(&object, "tell", tell.as_ref());
        let done = Closure::once_into_js(move |view: JsValue| {
            let there = !view.is_undefined();
            done(there.then(|| Self { view: view.unchecked_into(), _tell: tell }));
        });
        open_terminal(parent, &object, &done);
    }

    /// Shows the whole screen. `kept`: what has scrolled away comes with it.
    pub(crate) fn screen(&self, (columns, rows): (u16, u16), kept: Kept, skipped: u64, bytes: &[u8]) {
        self.view.screen(columns, rows, kept == Kept::Yes, skipped as f64, Uint8Array::from(bytes));
    }

    /// Shows what the program wrote.
    pub(crate) fn output(&self, bytes: &[u8]) {
        self.view.output(Uint8Array::from(bytes));
    }

    /// Shows for a moment who types.
    pub(crate) fn typing(&self, name: &str, color: u8) {
        self.view.typing(name, color);
    }

    pub(crate) fn set_access(&self, access: Access) {
        self.view.set_may_type(access == Access::Writable);
    }

    /// Takes over what a person set.
    pub(crate) fn set_options(&self, options: &TerminalOptions<'_>) {
        self.view.set_label(options.label);
        self.view.set_font_size(options.font_size);
        self.view.set_screen_reader(options.read_aloud);
    }

    pub(crate) fn open_find(&self) {
        self.view.open_find();
    }

    /// Copies what is selected.
    pub(crate) fn copy(&self) {
        self.view.copy();
    }

    /// Pastes, and asks nothing.
    pub(crate) fn insert(&self, text: &str) {
        self.view.insert(text);
    }

    /// Moves the keyboard there.
    pub(crate) fn focus(&self) {
        self.view.xterm().focus();
    }

    /// Forgets what has scrolled away and, where one may type, has the program draw its screen anew.
    pub(crate) fn clear(&self) {
        self.view.clear();
    }

    pub(crate) fn select_all(&self) {
        self.view.xterm().select_all();
    }
}

impl Drop for OwnedTerminal {
    fn drop(&mut self) {
        self.view.dispose();
    }
}

/// Whether a screen comes with what has scrolled away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    No,
    Yes,
}

fn event(what: &str, first: &JsValue, second: &JsValue) -> Option<TerminalEvent> {
    let number = |value: &JsValue| value.as_f64().unwrap_or_default();
    Some(match what {
        "input" => TerminalEvent::Input(first.unchecked_ref::<Uint8Array>().to_vec()),
        "refused" => TerminalEvent::Refused,
        "fit" => TerminalEvent::Fit { columns: number(first) as u16, rows: number(second) as u16 },
        "paste" => TerminalEvent::AskPaste(first.as_string()?),
        "behind" => TerminalEvent::Behind,
        "kept" => TerminalEvent::ShowKept,
        _ => return None,
    })
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object refuses no property.
    let _ = Reflect::set(object, &name.into(), value);
}
