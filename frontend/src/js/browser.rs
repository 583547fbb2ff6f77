//! The browser bundle, `parlor-browser`: identity, clipboard and wake events.

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "parlor-browser")]
extern "C" {
    #[wasm_bindgen(catch, js_name = ensureIdentity)]
    async fn ensure_stored_identity(candidate: Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = copyText)]
    async fn copy(text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = requestWakeEvents)]
    fn request_wake_events(callback: &Function) -> Function;
}

/// The private key of this browser profile: the stored one if there is one, else `candidate`, stored from now on.
pub(crate) async fn ensure_identity(candidate: [u8; 32]) -> [u8; 32] {
    let stored = ensure_stored_identity(Uint8Array::from(candidate.as_slice())).await;
    let bytes = stored.ok().and_then(|value| value.dyn_into::<Uint8Array>().ok()).map(|array| array.to_vec());
    // A key of another length is no key of ours; the candidate then lasts as long as the page.
    bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(candidate)
}

/// Puts a text on the clipboard; says whether it is there. Call it while a person's click is handled.
pub(crate) async fn copy_text(text: &str) -> bool {
    copy(text).await.is_ok_and(|copied| copied.is_truthy())
}

/// Calls back when the page may have slept: on `online`, `pageshow` and when it becomes visible. Ends when dropped.
pub(crate) struct WakeEvents {
    stop: Function,
    _callback: Closure<dyn Fn()>,
}

impl WakeEvents {
    pub(crate) fn new(callback: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn Fn()>::new(callback);
        let stop = request_wake_events(callback.as_ref().unchecked_ref());
        Self { stop, _callback: callback }
    }
}

impl Drop for WakeEvents {
    fn drop(&mut self) {
        // It only removes listeners.
        let _ = self.stop.call0(&JsValue::NULL);
    }
}
