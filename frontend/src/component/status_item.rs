//! One item of the status bar: a state to read, or a button if a press does something.

use leptos::prelude::*;

use super::icon::Icon;
use super::tone::Tone;

/// Whether a narrow screen may do without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Necessity {
    #[default]
    Optional,
    Always,
}

/// An item. With `on_press` it is a button. `attr:data-testid`, `attr:role` and `attr:data-state` land on it.
#[component]
pub(crate) fn StatusItem(
    #[prop(optional, into)] icon: Option<Signal<&'static str>>,
    #[prop(optional, into)] tone: Signal<Tone>,
    /// More words: a tooltip.
    #[prop(optional, into)]
    title: MaybeProp<String>,
    #[prop(optional)] necessity: Necessity,
    #[prop(optional, into)] on_press: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let optional = (necessity == Necessity::Optional).then_some("true");
    let tone = move || tone.get().name();
    let content = view! {
        {icon.map(|name| view! { <Icon name /> })}
        <span>{children()}</span>
    };
    match on_press {
        Some(on_press) => view! {
            <button
                type="button"
                class="status-item"
                data-tone=tone
                data-optional=optional
                title=move || title.get()
                on:click=move |_| on_press.run(())
            >
                {content}
            </button>
        }
        .into_any(),
        None => view! {
            <span class="status-item" data-tone=tone data-optional=optional title=move || title.get()>
                {content}
            </span>
        }
        .into_any(),
    }
}
