//! Says things to screen readers that are plain to see for others.

use leptos::prelude::*;

/// Reads `text` aloud whenever it changes. One a page is enough.
#[component]
pub(crate) fn LiveRegion(#[prop(into)] text: Signal<String>) -> impl IntoView {
    view! {
        <div class="visually-hidden" role="log" aria-live="polite" aria-relevant="additions text">
            {text}
        </div>
    }
}
