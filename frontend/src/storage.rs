//! The browser's storage. It may be refused or full, and what it holds may be anything: then the page simply forgets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use leptos::prelude::window;
use parlor_shared::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::Storage;

/// What this browser profile keeps under a key.
pub(crate) fn local(key: &str) -> Option<String> {
    local_storage()?.get_item(key).ok()?
}

/// Keeps a value for this browser profile.
pub(crate) fn set_local(key: &str, value: &str) {
    keep(local_storage(), key, value);
}

/// What this tab keeps under a key, until it is closed.
pub(crate) fn tab<T: DeserializeOwned>(key: &str) -> Option<T> {
    let text = tab_storage()?.get_item(key).ok()??;
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    codec::exact(&bytes).ok()
}

/// Keeps a value for this tab.
pub(crate) fn set_tab<T: Serialize>(key: &str, value: &T) {
    keep(tab_storage(), key, &STANDARD_NO_PAD.encode(codec::encode(value)));
}

/// Forgets what this tab keeps under a key.
pub(crate) fn forget_tab(key: &str) {
    if let Some(storage) = tab_storage() {
        // Nothing there is as good as removed.
        let _ = storage.remove_item(key);
    }
}

fn keep(storage: Option<Storage>, key: &str, value: &str) {
    if let Some(storage) = storage {
        // Full or refused: the value is forgotten with the page.
        let _ = storage.set_item(key, value);
    }
}

fn local_storage() -> Option<Storage> {
    window().local_storage().ok()?
}

fn tab_storage() -> Option<Storage> {
    window().session_storage().ok()?
}
