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
    js::browser::prepare_for_crash(&text::CRASH);
    std::panic::set_hook(Box::new(|info| {
        // First what matters: the hook's own report takes memory, which may be what is missing.
        js::browser::crash();
        console_error_panic_hook::hook(info);
    }));
    mount_to_body(app::App);
}
