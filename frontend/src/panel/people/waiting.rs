//! Everybody who waits for an answer, in the list of people, each with the two buttons that answer.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::component::{Button, ButtonKind, When, Words};
use crate::session::SessionHandle;
use crate::session::wishes::{About, Answer, Wish};
use crate::text;

/// The list, if anybody waits.
#[component]
pub(super) fn Waiting() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let list = NodeRef::<html::Ul>::new();
    let by_key = StoredValue::new(false);

    // -- derived --
    let wishes = Memo::new(move |_| session.wishes());
    let some = Signal::derive(move || !wishes.read().is_empty());

    // -- effects --
    // Whoever answered by a key stays where they were: the button that they pressed goes with its row. The row takes the
    // focus and not its button, so that a key that is pressed twice answers one person.
    Effect::new(move |before: Option<usize>| {
        let count = wishes.read().len();
        if before.is_some_and(|before| count < before) && by_key.get_value() {
            by_key.set_value(false);
            request_animation_frame(move || {
                let next =
                    list.get_untracked().and_then(|list| list.query_selector("[data-wish]").ok().flatten());
                let next =
                    next.or_else(|| document().query_selector("[data-part=side] .people").ok().flatten());
                if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
                    let _ = next.focus();
                }
            });
        }
        count
    });

    view! {
        <When when=some>
            <h3 class="people-title">{text::WAITING_TITLE}</h3>
            <ul class="waiting" role="list" aria-label=text::WAITING_TITLE data-testid="waiting" node_ref=list>
                // What is decided by is the key: a row never turns into that of somebody else.
                <For
                    each=move || wishes.get()
                    key=|wish| wish.clone()
                    children=move |wish| view! { <WaitingRow wish by_key /> }
                />
            </ul>
        </When>
    }
}

#[component]
fn WaitingRow(wish: Wish, by_key: StoredValue<bool>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();

    // -- actions --
    let wish = StoredValue::new(wish);
    let answer = move |answer, event: leptos::ev::MouseEvent| {
        // No button of a mouse: a key.
        by_key.set_value(event.detail() == 0);
        wish.with_value(|wish| session.answer(wish, answer));
    };

    let title = Signal::derive(move || wish.with_value(|wish| session.wish_title(wish)));
    let About { testid, text: about, no, yes, words } = wish.with_value(Wish::about);
    view! {
        <li>
            <section class="waiting-row" aria-label=title data-testid=testid data-wish="" tabindex="-1">
                <p class="waiting-title">{title}</p>
                <p class="waiting-about">{about}</p>
                {words.map(|words| view! { <Words words lead=text::KNOCK_WORDS /> })}
                <div class="waiting-tools">
                    <Button on_press=move |event| answer(Answer::No, event)>{no}</Button>
                    <Button kind=ButtonKind::Primary on_press=move |event| answer(Answer::Yes, event)>
                        {yes}
                    </Button>
                </div>
            </section>
        </li>
    }
}
