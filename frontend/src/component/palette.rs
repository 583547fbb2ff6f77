//! The command palette: every action by its name.

use std::cmp::Reverse;

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::dialog::{close_on_escape, is_backdrop, modal};
use super::fuzzy::{FuzzyMatch, Meant, fuzzy_match, highlighted};
use super::icon::Icon;
use super::unique_id;

/// More results than this nobody reads; the query gets longer instead.
const MAX_SHOWN: usize = 100;

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PaletteItem {
    /// What `on_run` gets.
    pub(crate) id: String,
    pub(crate) label: String,
    /// Said after the label, fainter: where it is, or why it can not be had.
    pub(crate) note: Option<String>,
    /// The keys that do the same, one string a key.
    pub(crate) keys: Vec<&'static str>,
}

/// The palette, open as long as it is mounted. It closes itself, by `on_close`, before the chosen item runs, so that the
/// focus is back where it was.
#[component]
pub(crate) fn CommandPalette(
    /// Its name, as a dialog and as a field.
    #[prop(into)]
    label: Signal<String>,
    #[prop(into)] placeholder: Signal<String>,
    /// Said when nothing fits.
    #[prop(into)]
    none: Signal<String>,
    /// In the order in which they stand while nothing is typed.
    #[prop(into)]
    items: Signal<Vec<PaletteItem>>,
    #[prop(into)] on_run: Callback<String>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    // -- state --
    let dialog = NodeRef::<html::Dialog>::new();
    let list = NodeRef::<html::Ul>::new();
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let list_id = unique_id("palette");

    // -- derived --
    let shown = Memo::new(move |_| filter(&query.read(), &items.read()));
    let option_id = {
        let list_id = list_id.clone();
        move |at: usize| format!("{list_id}-{at}")
    };
    let active = {
        let option_id = option_id.clone();
        move || (!shown.read().is_empty()).then(|| option_id(chosen.get()))
    };

    // -- actions --
    let run = move |at: usize| {
        let id = shown.read_untracked().get(at).map(|(item, _)| item.id.clone());
        if let Some(id) = id {
            // Now and not when it is unmounted: a command may move the focus itself.
            if let Some(dialog) = dialog.get_untracked() {
                dialog.close();
            }
            on_close.run(());
            on_run.run(id);
        }
    };
    let keydown = move |event: ev::KeyboardEvent| {
        let count = shown.read_untracked().len();
        let here = chosen.get_untracked();
        if event.is_composing() || count == 0 {
            return;
        }
        match event.key().as_str() {
            "ArrowDown" => chosen.set((here + 1) % count),
            "ArrowUp" => chosen.set((here + count - 1) % count),
            "PageDown" => chosen.set((here + 10).min(count - 1)),
            "PageUp" => chosen.set(here.saturating_sub(10)),
            "Enter" => run(here),
            _ => return,
        }
        event.prevent_default();
    };

    // -- effects --
    modal(dialog);
    Effect::new(move |_| {
        let at = chosen.get();
        let item = list.get().and_then(|list| list.children().item(u32::try_from(at).ok()?));
        if let Some(item) = item.and_then(|item| item.dyn_into::<HtmlElement>().ok()) {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            item.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });

    view! {
        <dialog
            class="palette"
            data-testid="command-palette"
            aria-label=label
            node_ref=dialog
            on:cancel=move |event: ev::Event| {
                event.prevent_default();
                on_close.run(());
            }
            on:keydown=move |event| close_on_escape(&event, on_close)
            on:mousedown=move |event| {
                if is_backdrop(&event, dialog) {
                    on_close.run(());
                }
            }
        >
            <div class="palette-field">
                <Icon name="search" />
                <input
                    type="text"
                    role="combobox"
                    aria-label=label
                    aria-expanded="true"
                    aria-autocomplete="list"
                    aria-controls=list_id.clone()
                    aria-activedescendant=active
                    placeholder=placeholder
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    autofocus
                    prop:value=query
                    on:input=move |event| {
                        query.set(event_target_value(&event));
                        chosen.set(0);
                    }
                    on:keydown=keydown
                />
            </div>
            <ul class="palette-list" role="listbox" aria-label=label id=list_id node_ref=list>
                {move || {
                    shown
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(at, (item, found))| {
                            view! {
                                <li
                                    class="palette-item"
                                    role="option"
                                    id=option_id(at)
                                    aria-selected=move || if chosen.get() == at { "true" } else { "false" }
                                    on:mousedown=move |event| event.prevent_default()
                                    on:click=move |_| run(at)
                                >
                                    <Label text=item.label found />
                                    {item.note.map(|note| view! { <span class="palette-note">{note}</span> })}
                                    <Keys keys=item.keys />
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
            <p class="palette-none" role="status" hidden=move || !shown.read().is_empty()>
                {none}
            </p>
        </dialog>
    }
}

#[component]
fn Label(text: String, found: FuzzyMatch) -> impl IntoView {
    let runs = highlighted(&text, &found.positions).into_iter().map(|(meant, run)| match meant {
        Meant::Yes => view! { <b>{run}</b> }.into_any(),
        Meant::No => run.into_any(),
    });
    view! { <span class="palette-label">{runs.collect_view()}</span> }
}

#[component]
fn Keys(keys: Vec<&'static str>) -> impl IntoView {
    let keys = keys.into_iter().map(|key| view! { <kbd class="key">{key}</kbd> });
    view! { <span class="palette-key">{keys.collect_view()}</span> }
}

/// What fits, best first; among equals the given order stays.
fn filter(query: &str, items: &[PaletteItem]) -> Vec<(PaletteItem, FuzzyMatch)> {
    let mut found: Vec<_> =
        items.iter().filter_map(|item| Some((item, fuzzy_match(query, &item.label)?))).collect();
    found.sort_by_key(|(_, found)| Reverse(found.score));
    found.into_iter().take(MAX_SHOWN).map(|(item, found)| (item.clone(), found)).collect()
}
