//! A list of which only the rows in sight are drawn, so that tens of thousands scroll smoothly.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::ResizeObserver;

/// Rows drawn above and below what is in sight, so that fast scrolling does not show gaps.
const OVERSCAN: usize = 10;

/// Height of a row until the style is known, in pixels.
const USUAL_ROW_HEIGHT: f64 = 22.0;

/// The list: a scrolling `<div class="virtual">`. Role, name and keyboard are its caller's.
///
/// All rows have the height of the style `--row-height`. Rows are known by their index: `row` is called once for each
/// index that comes into sight, and what it draws must follow the data behind that index by itself.
#[component]
pub(crate) fn VirtualList(
    #[prop(into)] count: Signal<usize>,
    /// A row that is drawn even when it is out of sight: the one that `aria-activedescendant` names or that has a field.
    #[prop(optional, into)]
    keep: Signal<Option<usize>>,
    /// Set to bring a row into sight; the list sets it back.
    #[prop(optional)]
    reveal: RwSignal<Option<usize>>,
    /// Draws a row.
    #[prop(into)]
    row: Callback<usize, AnyView>,
    #[prop(optional)] node_ref: NodeRef<html::Div>,
) -> impl IntoView {
    // -- state --
    let scroll_top = RwSignal::new(0.0);
    let height = RwSignal::new(600.0);
    let row_height = RwSignal::new(USUAL_ROW_HEIGHT);

    // -- derived --
    let drawn = Memo::new(move |_| {
        let (count, row_height) = (count.get(), row_height.get());
        let first = ((scroll_top.get() / row_height) as usize).saturating_sub(OVERSCAN);
        let last = ((scroll_top.get() + height.get()) / row_height).ceil() as usize + OVERSCAN;
        let (first, last) = (first.min(count), last.min(count));
        let mut rows: Vec<usize> = (first..last).collect();
        match keep.get().filter(|keep| *keep < count) {
            Some(keep) if keep < first => rows.insert(0, keep),
            Some(keep) if keep >= last => rows.push(keep),
            _ => {}
        }
        rows
    });

    // -- actions --
    let measure = move || {
        let Some(list) = node_ref.get_untracked() else { return };
        let style = window().get_computed_style(&list).ok().flatten();
        let text = style.and_then(|style| style.get_property_value("--row-height").ok()).unwrap_or_default();
        // The browser knows how to read a number; Rust would bring a table of 10 KB, which nothing makes smaller.
        let pixels = js_sys::parse_float(&text);
        if pixels > 0.0 && pixels != row_height.get_untracked() {
            row_height.set(pixels);
        }
        let now = f64::from(list.client_height());
        if now > 0.0 && now != height.get_untracked() {
            height.set(now);
        }
        scroll_top.set(f64::from(list.scroll_top()));
    };

    // -- effects --
    let observer = StoredValue::new_local(None::<(ResizeObserver, Closure<dyn Fn()>)>);
    Effect::new(move |_| {
        let Some(list) = node_ref.get() else { return };
        measure();
        let closure = Closure::<dyn Fn()>::new(measure);
        if let Ok(new) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
            new.observe(&list);
            observer.set_value(Some((new, closure)));
        }
    });
    on_cleanup(move || {
        if let Some((observer, _closure)) = observer.try_update_value(Option::take).flatten() {
            observer.disconnect();
        }
    });
    Effect::new(move |_| {
        let Some(target) = reveal.get() else { return };
        let Some(list) = node_ref.get() else { return };
        reveal.set(None);
        let (top, bottom) =
            (target as f64 * row_height.get_untracked(), (target + 1) as f64 * row_height.get_untracked());
        let seen = f64::from(list.scroll_top());
        let room = f64::from(list.client_height());
        if top < seen {
            list.set_scroll_top(top as i32);
        } else if bottom > seen + room {
            list.set_scroll_top((bottom - room).ceil() as i32);
        }
    });

    view! {
        <div
            class="virtual"
            node_ref=node_ref
            on:scroll=move |_| {
                if let Some(list) = node_ref.get_untracked() {
                    scroll_top.set(f64::from(list.scroll_top()));
                }
            }
        >
            <div
                class="virtual-space"
                role="presentation"
                style:height=move || format!("{}px", count.get() as f64 * row_height.get())
            >
                <For
                    each=move || drawn.get()
                    key=|index| *index
                    children=move |index| {
                        view! {
                            <div
                                class="virtual-row"
                                role="presentation"
                                style:top=move || format!("{}px", index as f64 * row_height.get())
                            >
                                {row.run(index)}
                            </div>
                        }
                    }
                />
            </div>
        </div>
    }
}
