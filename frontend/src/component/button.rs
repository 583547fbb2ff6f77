//! Buttons, with a text or with a picture alone.
//!
//! What a press does is a property and not a listener that a caller spreads with `on:click`: when a view is built over
//! the one before, the listeners that were spread on a component stay those of the first. `cargo xtask check` looks for them.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::icon::Icon;

/// How much a button asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ButtonKind {
    #[default]
    Plain,
    /// The one thing to do here.
    Primary,
    /// Less than the others.
    Ghost,
    /// Takes something away for good.
    Danger,
}

/// How much room a button takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ButtonSize {
    #[default]
    Normal,
    /// On whole pages, as wide as the form.
    Wide,
}

/// What a press does to the form around the button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ButtonType {
    #[default]
    Button,
    Submit,
}

/// A button with a text.
#[component]
pub(crate) fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional)] size: ButtonSize,
    #[prop(optional)] ty: ButtonType,
    /// A picture before the text.
    #[prop(optional, into)]
    icon: Option<Signal<&'static str>>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] on_press: Option<Callback<MouseEvent>>,
    children: Children,
) -> impl IntoView {
    let kind = match kind {
        ButtonKind::Plain => "button",
        ButtonKind::Primary => "button button-primary",
        ButtonKind::Ghost => "button button-ghost",
        ButtonKind::Danger => "button button-danger",
    };
    let size = match size {
        ButtonSize::Normal => "",
        ButtonSize::Wide => " button-large button-wide",
    };
    let ty = match ty {
        ButtonType::Button => "button",
        ButtonType::Submit => "submit",
    };
    view! {
        <button type=ty class=format!("{kind}{size}") disabled=disabled on:click=move |event| press(on_press, event)>
            {icon.map(|name| view! { <Icon name /> })}
            {children()}
        </button>
    }
}

/// A button with a picture alone; its name is read aloud and shown as a tooltip.
#[component]
pub(crate) fn IconButton(
    #[prop(into)] icon: Signal<&'static str>,
    /// What it does, in words.
    #[prop(into)]
    label: Signal<String>,
    /// For a button that stays in: whether it is.
    #[prop(optional, into)]
    pressed: Option<Signal<bool>>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] on_press: Option<Callback<MouseEvent>>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="icon-button"
            aria-label=label
            title=label
            aria-pressed=move || pressed.map(|pressed| if pressed.get() { "true" } else { "false" })
            disabled=disabled
            on:click=move |event| press(on_press, event)
        >
            <Icon name=icon />
        </button>
    }
}

fn press(on_press: Option<Callback<MouseEvent>>, event: MouseEvent) {
    if let Some(on_press) = on_press {
        on_press.run(event);
    }
}
