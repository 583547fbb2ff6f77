//! Dialogs: one that asks before anything else goes on, and one that stands aside and waits.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{EventTarget, HtmlDialogElement};

use super::button::IconButton;
use super::unique_id;

/// How wide a dialog may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DialogSize {
    #[default]
    Medium,
    Large,
    /// For code.
    Wide,
}

/// A modal dialog, open as long as it is mounted.
///
/// Keeps the focus within, closes on Escape, on a press beside it and by its button, and gives the focus back to where
/// it was. The first element with `autofocus` gets the focus, else the first control.
#[component]
pub(crate) fn Dialog(
    #[prop(into)] title: Signal<String>,
    /// The name of the button that closes it.
    #[prop(into)]
    close_label: Signal<String>,
    #[prop(into)] on_close: Callback<()>,
    #[prop(optional)] size: DialogSize,
    /// Buttons at the foot.
    #[prop(optional, into)]
    footer: ViewFn,
    children: Children,
) -> impl IntoView {
    // -- state --
    let element = NodeRef::<html::Dialog>::new();
    let title_id = unique_id("dialog");
    let labelled_by = title_id.clone();

    // -- effects --
    modal(element);

    let size = match size {
        DialogSize::Medium => "medium",
        DialogSize::Large => "large",
        DialogSize::Wide => "wide",
    };
    view! {
        <dialog
            class="dialog"
            data-size=size
            node_ref=element
            aria-labelledby=labelled_by
            on:cancel=move |event: ev::Event| {
                event.prevent_default();
                on_close.run(());
            }
            on:keydown=move |event| close_on_escape(&event, on_close)
            on:mousedown=move |event| {
                if is_backdrop(&event, element) {
                    on_close.run(());
                }
            }
        >
            <header class="dialog-header">
                <h2 class="dialog-title" id=title_id>
                    {title}
                </h2>
            </header>
            <div class="dialog-body">{children()}</div>
            <footer class="dialog-footer">{footer.run()}</footer>
            <IconButton icon="x" label=close_label on_press=move |_| on_close.run(()) />
        </dialog>
    }
}

/// A question that may wait: a card that takes no focus, so that what is being typed elsewhere answers nothing. F6 goes to
/// it, and `node_ref` can be given the focus without its answering anything.
#[component]
pub(crate) fn AsideDialog(
    #[prop(into)] title: Signal<String>,
    #[prop(optional)] node_ref: NodeRef<html::Div>,
    /// Buttons.
    #[prop(into)]
    footer: ViewFn,
    children: Children,
) -> impl IntoView {
    let title_id = unique_id("aside");
    let (region, dialog) = (title_id.clone(), title_id.clone());
    view! {
        // A landmark, so that a screen reader's list of parts has it, and a dialog, so that it is read as a question.
        <section class="aside" aria-labelledby=region data-part="question">
            <div class="aside-dialog" role="dialog" aria-labelledby=dialog tabindex="-1" node_ref=node_ref>
                <h2 class="dialog-title" id=title_id>
                    {title}
                </h2>
                <div class="aside-body">{children()}</div>
                <footer class="aside-footer">{footer.run()}</footer>
            </div>
        </section>
    }
}

/// Opens a dialog element as modal once it is mounted. When it goes it is closed first: that gives the focus back to
/// where it was, which the browser refuses as long as the page behind the dialog is inert.
pub(super) fn modal(element: NodeRef<html::Dialog>) {
    let opened = StoredValue::new_local(None::<HtmlDialogElement>);
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        if dialog.open() {
            return;
        }
        // Fails only for an element that is not in the page; a mounted one is.
        let _ = dialog.show_modal();
        opened.set_value(Some(dialog));
    });
    on_cleanup(move || {
        if let Some(dialog) = opened.try_update_value(Option::take).flatten() {
            dialog.close();
        }
    });
}

pub(super) fn close_on_escape(event: &ev::KeyboardEvent, on_close: Callback<()>) {
    if event.key() == "Escape" && !event.is_composing() {
        event.prevent_default();
        event.stop_propagation();
        on_close.run(());
    }
}

/// Whether a press met the backdrop, which belongs to the dialog element but lies outside its box.
pub(super) fn is_backdrop(event: &ev::MouseEvent, element: NodeRef<html::Dialog>) -> bool {
    let Some(dialog) = element.get_untracked() else { return false };
    let own = event.target().is_some_and(|target| target == *dialog.unchecked_ref::<EventTarget>());
    let area = dialog.get_bounding_client_rect();
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    own && (x < area.left() || x > area.right() || y < area.top() || y > area.bottom())
}
