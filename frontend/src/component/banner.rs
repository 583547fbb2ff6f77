//! A line above what it is about: something to know, and what one can do.

use leptos::prelude::*;

use super::icon::Icon;
use super::tone::Tone;

/// A banner. Warnings and dangers are read aloud at once, the rest when there is a pause. Put buttons into `actions`.
#[component]
pub(crate) fn Banner(
    #[prop(default = Tone::Info)] tone: Tone,
    /// What to know.
    #[prop(into)]
    text: Signal<String>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let role = match tone {
        Tone::Danger | Tone::Warning => "alert",
        Tone::Neutral | Tone::Accent | Tone::Info => "status",
    };
    view! {
        <div class="banner" data-kind=tone.name() role=role>
            <Icon name=tone.icon() />
            <p class="banner-text">{text}</p>
            {children.map(|children| view! { <div class="banner-actions">{children()}</div> })}
        </div>
    }
}
