//! Everything that is JavaScript: the only place with `wasm_bindgen` externs.

pub(crate) mod browser;
pub(crate) mod editor;
pub(crate) mod letters;
pub(crate) mod listener;
pub(crate) mod terminal;
