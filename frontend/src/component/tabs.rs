//! A strip of tabs, each with a button that closes it.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

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
    /// The file's name: the tab's accessible name.
    pub(crate) name: String,
    /// What tells it from another one with the same name: the folder.
    pub(crate) hint: Option<String>,
    /// The whole path: a tooltip.
    pub(crate) title: String,
    /// The classes of its icon.
    pub(crate) icon: &'static str,
    pub(crate) mark: TabMark,
    /// What the mark means, in words.
    pub(crate) mark_text: Option<String>,
    /// Others who are there.
    pub(crate) people: Vec<TabPerson>,
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
    /// The name of the button that closes the tab with this name.
    #[prop(into)]
    close_label: Callback<String, String>,
    /// The id of the element that the tabs switch.
    panel: &'static str,
) -> impl IntoView {
    // -- state --
    let strip = NodeRef::<html::Div>::new();

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
        let at = active.get().and_then(|key| keys.read().iter().position(|other| *other == key));
        if let Some(tab) = at.and_then(|at| tab_element(strip, at)) {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            options.set_inline(ScrollLogicalPosition::Nearest);
            tab.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });

    view! {
        <div class="tabs" node_ref=strip on:wheel=wheel>
            <div class="tab-list" role="tablist" aria-label=label data-testid="tabs" on:keydown=keydown>
                <For
                    each=move || keys.get()
                    key=|key| key.clone()
                    children=move |key| {
                        let tab = {
                            let key = key.clone();
                            Memo::new(move |_| {
                                tabs.read().iter().find(|tab| tab.key == key).cloned().unwrap_or_default()
                            })
                        };
                        let chosen = {
                            let key = key.clone();
                            Memo::new(move |_| active.read().as_deref() == Some(key.as_str()))
                        };
                        let (select, aux, close) = (key.clone(), key.clone(), key);
                        view! {
                            <div
                                class="tab"
                                role="presentation"
                                title=move || tab.read().title.clone()
                                data-selected=move || chosen.get().then_some("true")
                                data-dirty=move || (tab.read().mark == TabMark::Unsaved).then_some("true")
                                data-problem=move || (tab.read().mark == TabMark::Problem).then_some("true")
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
                                <div
                                    class="tab-label"
                                    role="tab"
                                    aria-label=move || tab.read().name.clone()
                                    aria-description=move || tab.read().mark_text.clone()
                                    aria-selected=move || if chosen.get() { "true" } else { "false" }
                                    aria-controls=panel
                                    tabindex=move || if chosen.get() { "0" } else { "-1" }
                                    on:click=move |_| on_select.run(select.clone())
                                >
                                    <i class=move || tab.read().icon aria-hidden="true"></i>
                                    <span class="tab-name">{move || tab.read().name.clone()}</span>
                                    {move || tab.read().hint.clone().map(|hint| view! { <span class="tab-hint">{hint}</span> })}
                                    <span class="person-dots">
                                        {move || {
                                            let people = tab.read().people.clone();
                                            people
                                                .into_iter()
                                                .map(|TabPerson { name, color }| view! { <PersonDot name color /> })
                                                .collect_view()
                                        }}
                                    </span>
                                </div>
                                <button
                                    type="button"
                                    class="tab-close"
                                    tabindex="-1"
                                    aria-label=move || close_label.run(tab.read().name.clone())
                                    title=move || close_label.run(tab.read().name.clone())
                                    on:click=move |_| on_close.run(close.clone())
                                >
                                    <Icon name="x" />
                                </button>
                            </div>
                        }
                    }
                />
            </div>
        </div>
    }
}

fn tab_element(strip: NodeRef<html::Div>, at: usize) -> Option<HtmlElement> {
    let tabs = strip.get_untracked()?.query_selector_all("[role=tab]").ok()?;
    tabs.item(u32::try_from(at).ok()?)?.dyn_into().ok()
}

fn focus_tab(strip: NodeRef<html::Div>, at: usize) {
    if let Some(tab) = tab_element(strip, at) {
        // A tab that was just closed can not take the focus; the next one is chosen by the caller.
        let _ = tab.focus();
    }
}
