//! The edge between two panes, to be dragged or moved by keys.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;

/// What the arrow keys move, in pixels.
const STEP: f64 = 10.0;
/// With Shift.
const LARGE_STEP: f64 = 50.0;

/// Which edge of a pane a handle is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Edge {
    #[default]
    Right,
    Top,
}

/// What a pane's size is counted in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Unit {
    #[default]
    Pixel,
    /// Percent of this element's width: what holds the pane.
    PercentOf(NodeRef<html::Div>),
}

impl Unit {
    /// How many of them a pixel is.
    fn per_pixel(self) -> f64 {
        match self {
            Self::Pixel => 1.0,
            Self::PercentOf(whole) => {
                let width = whole.get_untracked().map_or(0, |whole| whole.client_width());
                100.0 / f64::from(width.max(1))
            }
        }
    }
}

/// A handle at an edge of a pane; sets the pane's width or height. A double press or Enter sets the usual size again.
#[component]
pub(crate) fn SplitHandle(
    /// What it moves, for screen readers.
    #[prop(into)]
    label: Signal<String>,
    #[prop(optional)] edge: Edge,
    #[prop(optional)] unit: Unit,
    /// The pane's width, or its height.
    size: RwSignal<f64>,
    min: f64,
    max: f64,
    usual: f64,
) -> impl IntoView {
    // -- state --
    let element = NodeRef::<html::Div>::new();
    // Where the pointer took hold, and the size at that moment.
    let grip = RwSignal::new(None::<(f64, f64)>);

    // -- actions --
    // To whole pixels.
    let set = move |to: f64| {
        let pixel = unit.per_pixel();
        size.set(((to / pixel).round() * pixel).clamp(min, max));
    };
    let step = move |by: f64| set(size.get_untracked() + by * unit.per_pixel());
    // How far along its way a pointer is: the pane grows with it.
    let along = move |event: &ev::PointerEvent| match edge {
        Edge::Right => f64::from(event.client_x()),
        Edge::Top => -f64::from(event.client_y()),
    };
    let pointerdown = move |event: ev::PointerEvent| {
        if event.button() != 0 {
            return;
        }
        event.prevent_default();
        grip.set(Some((along(&event), size.get_untracked())));
        if let Some(handle) = element.get_untracked() {
            // Without capture the drag still works while the pointer is over the handle.
            let _ = handle.set_pointer_capture(event.pointer_id());
            let _ = handle.focus();
        }
    };
    let pointermove = move |event: ev::PointerEvent| {
        if let Some((from, before)) = grip.get_untracked() {
            set(before + (along(&event) - from) * unit.per_pixel());
        }
    };
    let keydown = move |event: ev::KeyboardEvent| {
        let pixels = if event.shift_key() { LARGE_STEP } else { STEP };
        match (edge, event.key().as_str()) {
            (Edge::Right, "ArrowLeft") | (Edge::Top, "ArrowDown") => step(-pixels),
            (Edge::Right, "ArrowRight") | (Edge::Top, "ArrowUp") => step(pixels),
            (_, "Home") => set(min),
            (_, "End") => set(max),
            (_, "Enter") => set(usual),
            _ => return,
        }
        event.prevent_default();
    };

    view! {
        <div
            class="split-handle"
            role="separator"
            tabindex="0"
            aria-orientation=match edge {
                Edge::Right => "vertical",
                Edge::Top => "horizontal",
            }
            data-edge=match edge {
                Edge::Right => "right",
                Edge::Top => "top",
            }
            aria-label=label
            aria-valuemin=min.to_string()
            aria-valuemax=max.to_string()
            aria-valuenow=move || size.get().round().to_string()
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
