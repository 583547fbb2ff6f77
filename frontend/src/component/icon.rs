//! A picture from the icon sheet, in the colour of the text around it.

use leptos::prelude::*;

/// Decoration beside a word or inside a control that has a name. The names stand in `static/css/icons.css`.
#[component]
pub(crate) fn Icon(
    /// The name without `icon-`.
    #[prop(into)]
    name: Signal<&'static str>,
) -> impl IntoView {
    view! { <i class=move || format!("icon icon-{}", name.get()) aria-hidden="true"></i> }
}
