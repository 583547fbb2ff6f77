//! A strip of tabs, each with a button that closes it.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::avatar::PersonDot;
use super::icon::Icon;

/// Whether what a tab shows is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TabMark {
    #[default]
    None,
    /// On its way to the host or its disk.
    Unsaved,
    /// It could not be saved, or its file is gone.
    Problem,
}

/// Somebody who is in a tab's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TabPerson {
    pub(crate) name: String,
    pub(crate) color: u8,
}

/// One tab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TabItem {
    /// Different for each, and the same as long as it is the same tab.
    pub(crate) key: String,
    /// What it is called: the tab's accessible name.
    pub(crate) name: String,
    /// What tells it from another one with the same name: the folder; or how it stands.
    pub(crate) hint: Option<String>,
    /// The whole path, or more about it: a tooltip.
    pub(crate) title: String,
    /// The classes of its icon.
    pub(crate) icon: &'static str,
    pub(crate) mark: TabMark,
    /// What the mark means, or how it stands, in words.
    pub(crate) mark_text: Option<String>,
    /// Others who are there.
    pub(crate) people: Vec<TabPerson>,
    /// The name of the button that closes it.
    pub(crate) close_label: String,
}

/// The strip. Arrows, Home and End choose; Delete and the middle button close.
#[component]
pub(crate) fn TabStrip(
    /// What the tabs are, for screen readers.
    #[prop(into)]
    label: Signal<String>,
    #[prop(into)] tabs: Signal<Vec<TabItem>>,
    /// The key of the chosen one.
    #[prop(into)]
    active: Signal<Option<String>>,
    #[prop(into)] on_select: Callback<String>,
    #[prop(into)] on_close: Callback<String>,
    /// The id of the element that the tabs switch.
    panel: &'static str,
) -> impl IntoView {
    // -- state --
    let strip = NodeRef::<html::Div>::new();
    // Whether a tab was closed by the keyboard, which then stays in the strip.
    let closed_by_key = StoredValue::new(false);

    // -- derived --
    let keys = Memo::new(move |_| tabs.read().iter().map(|tab| tab.key.clone()).collect::<Vec<_>>());

    // -- actions --
    let keydown = move |event: ev::KeyboardEvent| {
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return;
        }
        let keys = keys.get_untracked();
        let Some(here) = active.get_untracked().and_then(|key| keys.iter().position(|other| *other == key))
        else {
            return;
        };
        let target = match event.key().as_str() {
            "ArrowLeft" => (here + keys.len() - 1) % keys.len(),
            "ArrowRight" => (here + 1) % keys.len(),
            "Home" => 0,
            "End" => keys.len() - 1,
            "Delete" => {
                event.prevent_default();
                closed_by_key.set_value(true);
                on_close.run(keys[here].clone());
                return;
            }
            _ => return,
        };
        event.prevent_default();
        on_select.run(keys[target].clone());
        focus_tab(strip, target);
    };
    let wheel = move |event: ev::WheelEvent| {
        if let Some(strip) = strip.get_untracked()
            && event.delta_x() == 0.0
            && !event.ctrl_key()
        {
            strip.set_scroll_left(strip.scroll_left() + event.delta_y() as i32);
        }
    };

    // -- effects --
    Effect::new(move |_| {
        active.track();
        keys.track();
        // In the next frame: only then the list has the tabs that are meant.
        request_animation_frame(move || show_active(strip, closed_by_key));
    });

    view! {
        <div class="tabs" node_ref=strip on:wheel=wheel>
            <div class="tab-list" role="tablist" aria-label=label data-testid="tabs" on:keydown=keydown>
                <For
                    each=move || keys.get()
                    key=|key| key.clone()
                    children=move |key| view! { <Tab key tabs keys active on_select on_close panel /> }
                />
            </div>
            // Beside the list and not in it: a tab list owns nothing but tabs.
            <div class="tab-closers">
                <For
                    each=move || keys.get()
                    key=|key| key.clone()
                    children=move |key| view! { <Closer key tabs keys active on_close /> }
                />
            </div>
        </div>
    }
}

/// What the parts of one tab follow: the tab itself, whether it is chosen, and its column.
fn follow(
    key: &str,
    tabs: Signal<Vec<TabItem>>,
    keys: Memo<Vec<String>>,
    active: Signal<Option<String>>,
) -> (Memo<TabItem>, Memo<bool>, Memo<String>) {
    let (own, chosen_key, column_key) = (key.to_owned(), key.to_owned(), key.to_owned());
    let tab = Memo::new(move |_| tabs.read().iter().find(|tab| tab.key == own).cloned().unwrap_or_default());
    let chosen = Memo::new(move |_| active.read().as_ref() == Some(&chosen_key));
    let column = Memo::new(move |_| {
        let at = keys.read().iter().position(|key| *key == column_key).unwrap_or_default();
        format!("grid-column:{}", at + 1)
    });
    (tab, chosen, column)
}

const fn mark_name(mark: TabMark) -> Option<&'static str> {
    match mark {
        TabMark::None => None,
        TabMark::Unsaved => Some("unsaved"),
        TabMark::Problem => Some("problem"),
    }
}

#[component]
fn Tab(
    key: String,
    tabs: Signal<Vec<TabItem>>,
    keys: Memo<Vec<String>>,
    active: Signal<Option<String>>,
    on_select: Callback<String>,
    on_close: Callback<String>,
    panel: &'static str,
) -> impl IntoView {
    let (tab, chosen, column) = follow(&key, tabs, keys, active);
    let (select, aux) = (key.clone(), key);
    let people = move || {
        let people = tab.read().people.clone().into_iter();
        people.map(|TabPerson { name, color }| view! { <PersonDot name color /> }).collect_view()
    };
    let hint = move || tab.read().hint.clone().map(|hint| view! { <span class="tab-hint">{hint}</span> });
    view! {
        <div
            class="tab"
            role="tab"
            style=column
            title=move || tab.read().title.clone()
            aria-label=move || tab.read().name.clone()
            aria-description=move || tab.read().mark_text.clone()
            aria-selected=move || if chosen.get() { "true" } else { "false" }
            aria-controls=panel
            tabindex=move || if chosen.get() { "0" } else { "-1" }
            data-mark=move || mark_name(tab.read().mark)
            on:click=move |_| on_select.run(select.clone())
            on:mousedown=move |event| {
                // Without this the middle button begins to scroll the strip.
                if event.button() == 1 {
                    event.prevent_default();
                }
            }
            on:auxclick=move |event| {
                if event.button() == 1 {
                    on_close.run(aux.clone());
                }
            }
        >
            <i class=move || tab.read().icon aria-hidden="true"></i>
            <span class="tab-name">{move || tab.read().name.clone()}</span>
            {hint}
            <span class="person-dots">{people}</span>
        </div>
    }
}

#[component]
fn Closer(
    key: String,
    tabs: Signal<Vec<TabItem>>,
    keys: Memo<Vec<String>>,
    active: Signal<Option<String>>,
    on_close: Callback<String>,
) -> impl IntoView {
    let (tab, chosen, column) = follow(&key, tabs, keys, active);
    let label = move || tab.read().close_label.clone();
    // One stop for the keyboard is enough: the others are closed by Delete.
    view! {
        <button
            type="button"
            class="tab-close"
            style=column
            tabindex=move || if chosen.get() { "0" } else { "-1" }
            aria-label=label
            title=label
            data-mark=move || mark_name(tab.read().mark)
            data-selected=move || chosen.get().then_some("true")
            on:click=move |_| on_close.run(key.clone())
        >
            <Icon name="x" />
        </button>
    }
}

/// Brings the chosen tab into sight, and gives it the focus if the tab that had it was closed by a key.
fn show_active(strip: NodeRef<html::Div>, closed_by_key: StoredValue<bool>) {
    let Some(strip) = strip.try_get_untracked().flatten() else { return };
    let chosen = strip.query_selector("[role=tab][aria-selected=true]").ok().flatten();
    let Some(tab) = chosen.and_then(|tab| tab.dyn_into::<HtmlElement>().ok()) else { return };
    show_whole(&tab);
    if closed_by_key.try_update_value(std::mem::take) == Some(true) {
        // The strip is in the page, so its tab can take the focus.
        let _ = tab.focus();
    }
}

/// Brings all of an element into sight.
pub(crate) fn show_whole(element: &Element) {
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    options.set_inline(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

fn focus_tab(strip: NodeRef<html::Div>, at: usize) {
    let tabs = strip.get_untracked().and_then(|strip| strip.query_selector_all("[role=tab]").ok());
    let tab = tabs.and_then(|tabs| tabs.item(u32::try_from(at).ok()?)?.dyn_into::<HtmlElement>().ok());
    if let Some(tab) = tab {
        // A tab that was just closed can not take the focus; the next one is chosen by the caller.
        let _ = tab.focus();
    }
}
