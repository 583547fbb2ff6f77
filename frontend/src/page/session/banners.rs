//! What a person must know about the file or the connection, and what can be done about it.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use parlor_shared::client::{EncodingFor, SyncState};
use parlor_shared::fault::FaultCode;
use parlor_shared::message::Encoding;
use parlor_shared::role::Capability;

use super::{Asking, EncodingPick, RoomView};
use crate::component::{Banner, Button, Icon, Tone, When};
use crate::js::browser::Keeping;
use crate::net::Attempt;
use crate::page::connection::seconds_to_next;
use crate::session::SessionHandle;
use crate::session::store::{Protection, SessionStateStoreFields as _, Standing, Text, Unsent};
use crate::text;

/// What is pressed here goes away by it, and must not take the keyboard along: a mouse does not take it out of the text,
/// and who pressed a key is put back into it.
fn keep_the_keyboard(event: &MouseEvent, session: SessionHandle) {
    match event.type_().as_str() {
        "mousedown" => event.prevent_default(),
        // No button of a mouse: a key.
        _ if event.detail() == 0 => session.focus_text(),
        _ => {}
    }
}

/// Banners above the shown text.
#[component]
pub(super) fn Banners(#[prop(into)] shown: Signal<Option<Text>>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();

    // -- derived --
    // Said where it matters: as long as something is nowhere but here.
    let keeping = Memo::new(move |_| {
        let unsent = shown.read().as_ref().is_some_and(|text| {
            text.unsent == Unsent::Something && matches!(text.sync, SyncState::Offline | SyncState::Held)
        });
        match session.store.keeping().get() {
            Keeping::Refused if unsent => Some((Keeping::Refused, text::KEEPING_REFUSED)),
            Keeping::Full if unsent => Some((Keeping::Full, text::KEEPING_FULL)),
            Keeping::Kept | Keeping::Refused | Keeping::Full => None,
        }
    });
    let sync = Memo::new(move |_| shown.read().as_ref().map(|text| text.sync.clone()));
    let protected = Memo::new(move |_| {
        let protected = shown.read().as_ref().is_some_and(|text| text.protection == Protection::Protected);
        protected && session.may(Capability::Edit)
    });
    let marks =
        Memo::new(move |_| shown.read().as_ref().is_some_and(|text| text.protection == Protection::Marks));
    let save = move |label: &'static str| {
        view! {
            <When when=Signal::derive(move || session.may(Capability::Save))>
                <Button icon="save" on_press=move |_| session.save_active()>
                    {label}
                </Button>
            </When>
        }
    };
    let save_as_utf8 = move || {
        view! {
            <When when=Signal::derive(move || session.may(Capability::Save))>
                <Button icon="save" on_press=move |_| session.encode_active(EncodingFor::Saving, Encoding::Utf8)>
                    {text::SAVE_AS_UTF8}
                </Button>
            </When>
        }
    };

    view! {
        <div
            class="banners"
            on:mousedown=move |event| keep_the_keyboard(&event, session)
            on:click=move |event| keep_the_keyboard(&event, session)
        >
            {move || match sync.get() {
                Some(SyncState::NotSaved(fault)) => {
                    let text = text::not_saved_banner(&fault);
                    view! {
                        <Banner tone=Tone::Danger text=text>
                            {match fault.code {
                                FaultCode::Unencodable => save_as_utf8().into_any(),
                                FaultCode::Outgrown => ().into_any(),
                                _ => save(text::NOT_SAVED_RETRY).into_any(),
                            }}
                        </Banner>
                    }
                    .into_any()
                }
                Some(SyncState::Gone) => {
                    view! {
                        <Banner tone=Tone::Warning text=text::GONE_BANNER>
                            {save(text::GONE_SAVE)}
                        </Banner>
                    }
                    .into_any()
                }
                Some(SyncState::Opening | SyncState::Repairing) => {
                    view! { <Banner text=text::STARTING_OVER /> }.into_any()
                }
                Some(SyncState::Held) => {
                    view! {
                        <Banner tone=Tone::Warning text=text::HELD_BANNER>
                            <Button icon="eye" on_press=move |_| {
                                let document = shown.read_untracked().as_ref().map(|text| text.document);
                                room.asking.set(document.map(Asking::Held));
                            }>{text::HELD_SHOW}</Button>
                        </Banner>
                    }
                    .into_any()
                }
                Some(SyncState::Offline | SyncState::Saving | SyncState::Synced | SyncState::Saved) | None => {
                    ().into_any()
                }
            }}
            {move || {
                let (keeping, sentence) = keeping.get()?;
                Some(view! {
                    <Banner tone=Tone::Warning text=sentence>
                        <When when=Signal::derive(move || {
                            keeping == Keeping::Full && !session.store.salvage().read().is_empty()
                        })>
                            <Button on_press=move |_| room.asking.set(Some(Asking::Salvage))>
                                {text::SALVAGE_SHOW}
                            </Button>
                        </When>
                    </Banner>
                })
            }}
            <When when=marks>
                <Banner tone=Tone::Warning text=text::WITH_MARKS_BANNER>
                    <When when=Signal::derive(move || session.may(Capability::Edit))>
                        <Button on_press=move |_| {
                            room.encoding.set(Some(EncodingPick::For(EncodingFor::Reopening)));
                        }>{text::ENCODING_REOPEN}</Button>
                    </When>
                </Banner>
            </When>
            <When when=protected>
                <Banner text=text::READ_ONLY_FILE />
            </When>
        </div>
    }
}

/// The strip that floats while the connection is away.
#[component]
pub(super) fn Strip() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();

    // -- derived --
    let attempt = Signal::derive(move || match session.standing.get() {
        Standing::Reconnecting(attempt) => attempt,
        _ => Attempt::Over,
    });
    let away = Memo::new(move |_| attempt.get() != Attempt::Over);
    let waiting = Memo::new(move |_| *session.standing.read() == Standing::Lobby);
    let seconds = seconds_to_next(attempt);
    let unsent = Memo::new(move |_| {
        session.store.texts().read().iter().filter(|text| text.unsent == Unsent::Something).count()
    });

    view! {
        <When when=away>
            <div
                class="strip"
                data-kind="warning"
                role="status"
                data-testid="reconnecting"
                on:mousedown=move |event| keep_the_keyboard(&event, session)
                on:click=move |event| keep_the_keyboard(&event, session)
            >
                <Icon name="wifi-off" />
                <p class="strip-text" data-testid="not-yet" data-count=unsent>
                    {text::RECONNECTING}
                    {move || (unsent.get() > 0).then(|| format!(" {}", text::not_yet_at_host(unsent.get())))}
                </p>
                <span class="strip-count" aria-live="off">
                    {move || match seconds.get() {
                        Some(seconds) => text::next_try(seconds),
                        None => text::RECONNECTING_NOW.to_owned(),
                    }}
                </span>
                <Button icon="rotate-cw" on_press=move |_| session.try_now()>
                    {text::TRY_NOW}
                </Button>
            </div>
        </When>
        <When when=waiting>
            <div class="strip" data-kind="info" role="status">
                <Icon name="clock" />
                <p class="strip-text">{text::LOBBY_AGAIN}</p>
            </div>
        </When>
    }
}
