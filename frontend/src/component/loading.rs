//! What stands in for something that is on its way, in the room that it will take.

use leptos::prelude::*;

/// A turning ring. Decoration: a sentence beside it says what is awaited.
#[component]
pub(crate) fn Spinner() -> impl IntoView {
    view! { <span class="spinner" aria-hidden="true"></span> }
}

/// Grey lines of different length; shows only after a moment, so that what is quick does not flicker.
#[component]
pub(crate) fn Skeleton(
    /// How many lines.
    lines: usize,
    /// What is awaited, read aloud.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    /// Widths in per cent that look like a text.
    const WIDTHS: [u8; 7] = [38, 62, 54, 71, 29, 46, 58];
    let bars = (0..lines).map(|line| {
        let width = WIDTHS[line % WIDTHS.len()];
        view! { <span class="skeleton" style=format!("--width:{width}%")></span> }
    });
    view! {
        <div class="editor-skeleton" role="status" aria-label=label>
            {bars.collect_view()}
        </div>
    }
}
