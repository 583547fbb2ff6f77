//! What stands where nothing is yet: what this place is for, and what to do next.

use leptos::prelude::*;

use super::icon::Icon;

/// An empty state; buttons are its children.
#[component]
pub(crate) fn EmptyState(
    #[prop(optional, into)] icon: Option<Signal<&'static str>>,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] text: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            {icon.map(|name| view! { <Icon name /> })}
            <p class="empty-title">{title}</p>
            <p class="empty-text">{text}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
}
