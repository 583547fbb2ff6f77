//! The browser bundle, `parlor-browser`: identity, drafts, clipboard and wake events.

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::WebSocket;

#[wasm_bindgen(module = "parlor-browser")]
extern "C" {
    #[wasm_bindgen(catch, js_name = ensureIdentity)]
    async fn ensure_stored_identity(candidate: Uint8Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = copyText)]
    async fn copy(text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = listDrafts, catch)]
    async fn list_kept() -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = readDraft, catch)]
    async fn read_kept(key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = keepDraft)]
    fn keep_bytes(
        key: &str,
        session: &str,
        participant: u32,
        bytes: Uint8Array,
        max_count: u32,
        max_bytes: f64,
    ) -> Promise;

    #[wasm_bindgen(js_name = removeDraft)]
    fn remove_kept(key: &str) -> Promise;

    #[wasm_bindgen(js_name = claim, catch)]
    async fn claim_name(name: &str, own: bool) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = unclaim)]
    fn unclaim_name(name: &str);

    /// Stops the page for good and says so. For the panic hook: it calls nothing back.
    #[wasm_bindgen]
    pub(crate) fn crash();

    #[wasm_bindgen(js_name = prepareForCrash)]
    fn prepare_words(words: &Object);

    /// A socket that a crash closes; nothing comes back if the browser forbids the address.
    #[wasm_bindgen(js_name = openSocket)]
    pub(crate) fn open_socket(address: &str) -> Option<WebSocket>;

    #[wasm_bindgen(js_name = requestWakeEvents)]
    fn request_wake_events(callback: &Function) -> Function;
}

/// Says what is to be said once the program can say nothing any more.
pub(crate) fn prepare_for_crash(words: &[(&str, &str)]) {
    let object = Object::new();
    for (name, sentence) in words {
        // A plain object takes every property.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(sentence));
    }
    prepare_words(&object);
}

/// The private key of this browser profile: the stored one if there is one, else `candidate`, stored from now on.
pub(crate) async fn ensure_identity(candidate: [u8; 32]) -> [u8; 32] {
    let stored = ensure_stored_identity(Uint8Array::from(candidate.as_slice())).await;
    let bytes = stored.ok().and_then(|value| value.dyn_into::<Uint8Array>().ok()).map(|array| array.to_vec());
    // A key of another length is no key of ours; the candidate then lasts as long as the page.
    bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(candidate)
}

/// What the browser keeps, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptMark {
    pub(crate) key: String,
    pub(crate) session: String,
    pub(crate) participant: u32,
}

/// What became of something that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    Kept,
    /// The room for it is used up.
    Full,
    /// The browser keeps nothing.
    Refused,
}

/// Everything that this browser keeps for this origin, newest first; nothing comes back if it keeps nothing.
pub(crate) async fn list_drafts() -> Option<Vec<KeptMark>> {
    let found = list_kept().await.ok()?.dyn_into::<Array>().ok()?;
    let mark = |value: JsValue| {
        let field = |name: &str| Reflect::get(&value, &JsValue::from_str(name)).ok();
        Some(KeptMark {
            key: field("key")?.as_string()?,
            session: field("session")?.as_string()?,
            participant: field("participant")?.as_f64()? as u32,
        })
    };
    Some(found.iter().filter_map(mark).collect())
}

/// The bytes that are kept under a key.
pub(crate) async fn read_draft(key: &str) -> Option<Vec<u8>> {
    read_kept(key).await.ok()?.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec())
}

/// How much may be kept in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepingRoom {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// Keeps bytes under a mark's key, in the place of those before. Begins at once, also if nobody waits for the end.
pub(crate) fn keep_draft(
    mark: &KeptMark,
    bytes: &[u8],
    room: KeepingRoom,
) -> impl Future<Output = Keeping> + use<> {
    let bytes = Uint8Array::from(bytes);
    let KeptMark { key, session, participant } = mark;
    let kept = keep_bytes(key, session, *participant, bytes, room.count as u32, room.bytes as f64);
    async move {
        let word = JsFuture::from(kept).await.ok().and_then(|word| word.as_string());
        match word.as_deref() {
            Some("kept") => Keeping::Kept,
            Some("full") => Keeping::Full,
            _ => Keeping::Refused,
        }
    }
}

/// Forgets what is kept under a key. Begins at once.
pub(crate) fn remove_draft(key: &str) -> impl Future<Output = ()> + use<> {
    let removed = remove_kept(key);
    async move {
        // It tells of no failure: there is nothing one could do.
        let _ = JsFuture::from(removed).await;
    }
}

/// Whether a claim was this tab's before it was loaded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimant {
    ThisTab,
    Another,
}

/// Makes this tab the only living one that holds a name; says whether it is.
pub(crate) async fn claim(name: &str, claimant: Claimant) -> bool {
    claim_name(name, claimant == Claimant::ThisTab).await.is_ok_and(|held| held.is_truthy())
}

/// Lets go of a name.
pub(crate) fn unclaim(name: &str) {
    unclaim_name(name);
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
