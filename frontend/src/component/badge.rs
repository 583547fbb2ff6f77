//! A word on a tinted ground: a role, a count, a state.

use leptos::prelude::*;

use super::icon::Icon;
use super::tone::Tone;

/// A badge.
#[component]
pub(crate) fn Badge(
    #[prop(optional, into)] tone: Signal<Tone>,
    #[prop(optional, into)] icon: Option<Signal<&'static str>>,
    children: Children,
) -> impl IntoView {
    view! {
        <span class="badge" data-tone=move || tone.get().name()>
            {icon.map(|name| view! { <Icon name /> })}
            {children()}
        </span>
    }
}
