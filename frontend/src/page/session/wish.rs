//! The card that asks about whoever waits first, wherever in the room one is.

use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;

use super::RoomView;
use crate::component::{AsideDialog, Button, ButtonKind, When, Words};
use crate::session::SessionHandle;
use crate::session::wishes::{About, Answer, Wish};
use crate::text;

/// The card, if somebody waits and the list of people, which has everybody, is not there.
#[component]
pub(super) fn WishCard() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let by_key = StoredValue::new(false);

    // -- derived --
    let wishes = Memo::new(move |_| session.wishes());
    let first = Memo::new(move |_| if room.shows_people() { None } else { wishes.read().first().cloned() });
    let others = Memo::new(move |_| wishes.read().len().saturating_sub(1));

    // -- effects --
    Effect::new(move |_| {
        if first.read().is_none() && by_key.get_value() {
            by_key.set_value(false);
            session.focus_text();
        }
    });

    view! {
        // Another question is another card: buttons that were of one person never become those of the next.
        <For
            each=move || first.get()
            key=|wish| wish.clone()
            children=move |wish| view! { <Card wish others by_key /> }
        />
    }
}

#[component]
fn Card(wish: Wish, others: Memo<usize>, by_key: StoredValue<bool>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let element = NodeRef::<html::Div>::new();

    // -- effects --
    // Whoever answered the one before by a key goes on by keys. The card takes the focus and not its button, so that a key
    // that is pressed twice answers one person.
    Effect::new(move |_| {
        if let Some(element) = element.get()
            && by_key.get_value()
        {
            by_key.set_value(false);
            let _ = element.focus();
        }
    });

    // -- actions --
    let wish = StoredValue::new(wish);
    let answer = move |answer, event: MouseEvent| {
        // No button of a mouse: a key.
        by_key.set_value(event.detail() == 0);
        wish.with_value(|wish| session.answer(wish, answer));
    };

    let title = Signal::derive(move || wish.with_value(|wish| session.wish_title(wish)));
    let About { testid, text: about, no, yes, words } = wish.with_value(Wish::about);
    let footer = move || {
        view! {
            <Button on_press=move |event| answer(Answer::No, event)>{no}</Button>
            <Button kind=ButtonKind::Primary on_press=move |event| answer(Answer::Yes, event)>
                {yes}
            </Button>
        }
    };
    view! {
        <AsideDialog title=title footer=footer node_ref=element attr:data-testid=testid>
            <p>{about}</p>
            {words.map(|words| view! { <Words words lead=text::KNOCK_WORDS /> })}
            <When when=Signal::derive(move || others.get() != 0)>
                <button type="button" class="aside-more" on:click=move |_| room.show_side(super::Side::People)>
                    {move || text::more_waiting(others.get())}
                </button>
            </When>
        </AsideDialog>
    }
}
