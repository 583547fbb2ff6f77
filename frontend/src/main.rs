//! The page's entry point: mounts the app.

#![expect(unreachable_pub, reason = "the component macro makes its types public")]

mod app;
mod component;
mod editor;
mod file_kind;
mod js;
mod net;
mod page;
mod panel;
mod session;
mod settings;
mod small_map;
mod storage;
mod terminal;
mod text;

use leptos::prelude::*;

fn main() {
    console_error_panic_hook::set_once();
    mount_to_body(app::App);
}
