//! The edge between two panes, to be dragged or moved by keys.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

/// What the arrow keys move, in pixels.
const STEP: f64 = 10.0;
/// With Shift.
const LARGE_STEP: f64 = 50.0;

/// A handle at the right edge of a pane; sets the pane's width. A double press or Enter sets the usual width again.
#[component]
pub(crate) fn SplitHandle(
    /// What it moves, for screen readers.
    #[prop(into)]
    label: Signal<String>,
    /// The pane's width in pixels.
    width: RwSignal<f64>,
    min: f64,
    max: f64,
    usual: f64,
) -> impl IntoView {
    // -- state --
    let element = NodeRef::<html::Div>::new();
    // Where the pointer took hold, and the width at that moment.
    let grip = RwSignal::new(None::<(f64, f64)>);

    // -- actions --
    let set = move |to: f64| width.set(to.clamp(min, max).round());
    let pointerdown = move |event: ev::PointerEvent| {
        if event.button() != 0 {
            return;
        }
        event.prevent_default();
        grip.set(Some((f64::from(event.client_x()), width.get_untracked())));
        if let Some(handle) = element.get_untracked() {
            // Without capture the drag still works while the pointer is over the handle.
            let _ = handle.set_pointer_capture(event.pointer_id());
            let _ = handle.focus();
        }
    };
    let pointermove = move |event: ev::PointerEvent| {
        if let Some((from, before)) = grip.get_untracked() {
            set(before + f64::from(event.client_x()) - from);
        }
    };
    let keydown = move |event: ev::KeyboardEvent| {
        let step = if event.shift_key() { LARGE_STEP } else { STEP };
        match event.key().as_str() {
            "ArrowLeft" => set(width.get_untracked() - step),
            "ArrowRight" => set(width.get_untracked() + step),
            "Home" => set(min),
            "End" => set(max),
            "Enter" => set(usual),
            _ => return,
        }
        event.prevent_default();
    };

    view! {
        <div
            class="split-handle"
            role="separator"
            tabindex="0"
            aria-orientation="vertical"
            aria-label=label
            aria-valuemin=min.to_string()
            aria-valuemax=max.to_string()
            aria-valuenow=move || width.get().to_string()
            data-dragging=move || grip.get().is_some().then_some("true")
            node_ref=element
            on:pointerdown=pointerdown
            on:pointermove=pointermove
            on:pointerup=move |_| grip.set(None)
            on:pointercancel=move |_| grip.set(None)
            on:dblclick=move |_| set(usual)
            on:keydown=keydown
        ></div>
    }
}
