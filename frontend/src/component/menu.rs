//! Menus: context menus, and those that open below a button.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::icon::Icon;
use crate::js::letters::lowercase;

/// Distance that a menu keeps from the edges of the window, in pixels.
const MARGIN: f64 = 8.0;

/// One thing that a menu offers.
#[derive(Clone, Debug)]
pub(crate) struct MenuItem {
    label: String,
    icon: Option<&'static str>,
    keys: Option<&'static str>,
    dangerous: bool,
    unavailable: bool,
    chosen: Option<bool>,
    action: Callback<()>,
}

impl MenuItem {
    /// An item that does something.
    pub(crate) fn new(label: impl Into<String>, action: impl Into<Callback<()>>) -> Self {
        Self {
            label: label.into(),
            icon: None,
            keys: None,
            dangerous: false,
            unavailable: false,
            chosen: None,
            action: action.into(),
        }
    }

    /// With a picture.
    pub(crate) fn icon(self, icon: &'static str) -> Self {
        Self { icon: Some(icon), ..self }
    }

    /// With the keys that do the same.
    pub(crate) fn keys(self, keys: &'static str) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// It takes something away.
    pub(crate) fn dangerous(self) -> Self {
        Self { dangerous: true, ..self }
    }

    /// Shown, but this person may not.
    pub(crate) fn unavailable(self) -> Self {
        Self { unavailable: true, ..self }
    }

    /// One of several, and the one that holds.
    pub(crate) fn chosen(self) -> Self {
        Self { chosen: Some(true), ..self }
    }

    /// One of several, and not the one that holds.
    pub(crate) fn choosable(self) -> Self {
        Self { chosen: Some(false), ..self }
    }
}

/// A line of a menu.
#[derive(Clone, Debug)]
pub(crate) enum MenuEntry {
    Item(MenuItem),
    Line,
}

impl From<MenuItem> for MenuEntry {
    fn from(item: MenuItem) -> Self {
        Self::Item(item)
    }
}

/// A menu, open as long as it is mounted. Closes itself by `on_close` before an item acts, and gives the focus back.
#[component]
pub(crate) fn Menu(
    /// What it is about, for screen readers.
    #[prop(into)]
    label: String,
    /// Where its upper left corner should be, in the window.
    at: (f64, f64),
    entries: Vec<MenuEntry>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    // -- state --
    let element = NodeRef::<html::Div>::new();
    let place = RwSignal::new(at);
    let before = StoredValue::new_local(None::<HtmlElement>);

    // -- actions --
    let give_back = move || {
        if let Some(before) = before.try_update_value(Option::take).flatten() {
            // A refusal leaves the focus on the page: nothing better is to be had.
            let _ = before.focus();
        }
    };
    let close = move || {
        give_back();
        on_close.run(());
    };
    let keydown = move |event: ev::KeyboardEvent| {
        let Some(menu) = element.get_untracked() else { return };
        match event.key().as_str() {
            "ArrowDown" => step(&menu, Step::Next),
            "ArrowUp" => step(&menu, Step::Previous),
            "Home" => step(&menu, Step::First),
            "End" => step(&menu, Step::Last),
            "Escape" | "Tab" => close(),
            letter if letter.chars().count() == 1 && letter != " " => {
                step(&menu, Step::Letter(lowercase(letter)))
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };

    // -- effects --
    Effect::new(move |_| {
        let Some(menu) = element.get() else { return };
        before.set_value(document().active_element().and_then(|element| element.dyn_into().ok()));
        place.set(within_window(at, &menu));
        step(&menu, Step::First);
    });
    on_cleanup(give_back);

    let entries = entries.into_iter().map(|entry| match entry {
        MenuEntry::Line => view! { <div class="menu-line" role="separator"></div> }.into_any(),
        MenuEntry::Item(item) => {
            let MenuItem { label, icon, keys, dangerous, unavailable, chosen, action } = item;
            let role = if chosen.is_some() { "menuitemradio" } else { "menuitem" };
            let icon = if chosen == Some(true) { Some("check") } else { icon };
            view! {
                <button
                    type="button"
                    class="menu-item"
                    role=role
                    tabindex="-1"
                    aria-checked=chosen.map(|chosen| if chosen { "true" } else { "false" })
                    aria-disabled=unavailable.then_some("true")
                    data-danger=dangerous.then_some("true")
                    on:click=move |_| {
                        if !unavailable {
                            close();
                            action.run(());
                        }
                    }
                >
                    {match icon {
                        Some(name) => view! { <Icon name /> }.into_any(),
                        None => view! { <span class="menu-gap"></span> }.into_any(),
                    }}
                    <span class="menu-label">{label}</span>
                    {keys.map(|keys| view! { <span class="menu-key" aria-hidden="true">{keys}</span> })}
                </button>
            }
            .into_any()
        }
    });
    view! {
        <div
            class="menu-layer"
            on:mousedown=move |event| {
                if event.target() == event.current_target() {
                    event.prevent_default();
                    close();
                }
            }
            on:contextmenu=move |event| event.prevent_default()
        >
            <div
                class="menu"
                role="menu"
                tabindex="-1"
                aria-label=label
                node_ref=element
                style:left=move || format!("{}px", place.get().0)
                style:top=move || format!("{}px", place.get().1)
                on:keydown=keydown
            >
                {entries.collect_view()}
            </div>
        </div>
    }
}

enum Step {
    First,
    Last,
    Next,
    Previous,
    /// To the next item that begins with this.
    Letter(String),
}

/// Moves the focus among the items; unavailable ones can be read, so they take it, too.
fn step(menu: &HtmlElement, step: Step) {
    let Ok(list) = menu.query_selector_all(".menu-item") else { return };
    let items: Vec<HtmlElement> =
        (0..list.length()).filter_map(|at| list.item(at)?.dyn_into().ok()).collect();
    if items.is_empty() {
        return;
    }
    let focused = document().active_element();
    let here = items.iter().position(|item| focused.as_ref().is_some_and(|focused| **item == *focused));
    let count = items.len();
    let target = match step {
        Step::First => Some(0),
        Step::Last => Some(count - 1),
        Step::Next => Some(here.map_or(0, |here| (here + 1) % count)),
        Step::Previous => Some(here.map_or(count - 1, |here| (here + count - 1) % count)),
        Step::Letter(letter) => {
            let start = here.map_or(0, |here| here + 1);
            (start..start + count).map(|at| at % count).find(|at| {
                let text = items[*at].text_content().unwrap_or_default();
                lowercase(text.trim_start()).starts_with(&letter)
            })
        }
    };
    if let Some(target) = target {
        // An item that was just removed can not take the focus; the next key finds another.
        let _ = items[target].focus();
    }
}

/// Moves a menu so that all of it is in the window; at the right and lower edge it opens to the other side.
fn within_window((x, y): (f64, f64), menu: &HtmlElement) -> (f64, f64) {
    let size =
        |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    let (width, height) = (size(window().inner_width()), size(window().inner_height()));
    let (own_width, own_height) = (f64::from(menu.offset_width()), f64::from(menu.offset_height()));
    let x = if x + own_width + MARGIN > width { x - own_width } else { x };
    let y = if y + own_height + MARGIN > height { y - own_height } else { y };
    let inside = |at: f64, own: f64, all: f64| at.min(all - own - MARGIN).max(MARGIN);
    (inside(x, own_width, width), inside(y, own_height, height))
}
