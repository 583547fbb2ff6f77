//! Event listeners and frame requests that end when they are dropped.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{AddEventListenerOptions, Event, EventTarget};

/// In which phase an event is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Before the target hears it.
    Capture,
    /// After the target has heard it.
    Bubble,
}

/// A listener; removed when dropped.
pub(crate) struct Listener {
    target: EventTarget,
    kind: &'static str,
    order: Order,
    closure: Closure<dyn Fn(Event)>,
}

impl Listener {
    pub(crate) fn new(
        target: &EventTarget,
        kind: &'static str,
        order: Order,
        handler: impl Fn(Event) + 'static,
    ) -> Self {
        let closure = Closure::<dyn Fn(Event)>::new(handler);
        let options = AddEventListenerOptions::new();
        options.set_capture(order == Order::Capture);
        target
            .add_event_listener_with_callback_and_add_event_listener_options(
                kind,
                closure.as_ref().unchecked_ref(),
                &options,
            )
            .expect("every event target takes listeners");
        Self { target: target.clone(), kind, order, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        // Removing what was added does not fail.
        let _ = self.target.remove_event_listener_with_callback_and_bool(
            self.kind,
            callback,
            self.order == Order::Capture,
        );
    }
}

/// Runs `task` after the current turn, before the browser does anything else.
pub(crate) fn microtask(task: impl FnOnce() + 'static) {
    wasm_bindgen_futures::spawn_local(async move { task() });
}

/// Runs one closure once a rendered frame, however often it is asked for.
///
/// Hidden pages render nothing: there a timer stands in, so that they still follow what happens.
#[derive(Clone)]
pub(crate) struct FrameTask {
    inner: Rc<FrameInner>,
}

struct FrameInner {
    pending: Cell<bool>,
    task: Box<dyn Fn()>,
}

/// How long a hidden page may lag.
const HIDDEN_FRAME_MILLIS: u32 = 250;

impl FrameTask {
    pub(crate) fn new(task: impl Fn() + 'static) -> Self {
        Self { inner: Rc::new(FrameInner { pending: Cell::new(false), task: Box::new(task) }) }
    }

    /// Asks for the next frame.
    pub(crate) fn request(&self) {
        if self.inner.pending.replace(true) {
            return;
        }
        let frame = Rc::clone(&self.inner);
        let callback = Closure::once_into_js(move || frame.run());
        // Without a window there is no page to draw.
        let _ = web_sys::window().map(|window| window.request_animation_frame(callback.unchecked_ref()));
        let timer = Rc::clone(&self.inner);
        gloo_timers::callback::Timeout::new(HIDDEN_FRAME_MILLIS, move || timer.run()).forget();
    }
}

impl FrameInner {
    fn run(&self) {
        if self.pending.replace(false) {
            (self.task)();
        }
    }
}
