//! Parlor's mark: a door that stands open, with light behind it.

use leptos::prelude::*;

/// The mark, coloured by tokens. `static/favicon.svg` has the same shapes.
#[component]
pub(crate) fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
            <rect class="mark-wall" width="24" height="24" rx="5" />
            <path class="mark-floor" d="M10 18h8l4.5 4.6A5 5 0 0 1 19 24h-4.5z" />
            <path class="mark-light" d="M10 5h8v13h-8z" />
            <path class="mark-leaf" d="M10 5v13l-5.5 3.5V3z" />
            <circle class="mark-knob" cx="6.4" cy="12.8" r="1.1" />
        </svg>
    }
}
