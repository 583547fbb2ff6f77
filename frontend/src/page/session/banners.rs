//! What a person must know about the file or the connection, and what can be done about it.

use leptos::prelude::*;
use parlor_shared::client::SyncState;
use parlor_shared::role::Capability;

use crate::component::{Banner, Button, Icon, Tone, When};
use crate::net::Attempt;
use crate::page::connection::seconds_to_next;
use crate::session::SessionHandle;
use crate::session::store::{Protection, Standing, Text};
use crate::text;

/// Banners above the shown text.
#[component]
pub(super) fn Banners(#[prop(into)] shown: Signal<Option<Text>>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();

    // -- derived --
    let sync = Memo::new(move |_| shown.read().as_ref().map(|text| text.sync.clone()));
    let protected = Memo::new(move |_| {
        let protected = shown.read().as_ref().is_some_and(|text| text.protection == Protection::Protected);
        protected && session.may(Capability::Edit)
    });
    let save = move |label: &'static str| {
        view! {
            <When when=Signal::derive(move || session.may(Capability::Save))>
                <Button icon="save" on:click=move |_| session.save_active()>
                    {label}
                </Button>
            </When>
        }
    };

    view! {
        <div class="banners">
            {move || match sync.get() {
                Some(SyncState::NotSaved(fault)) => {
                    let text = text::not_saved_banner(&fault);
                    view! {
                        <Banner tone=Tone::Danger text=text>
                            {save(text::NOT_SAVED_RETRY)}
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
                Some(SyncState::Opening | SyncState::Repairing) => view! { <Banner text=text::STARTING_OVER /> }.into_any(),
                Some(SyncState::Offline | SyncState::Saving | SyncState::Synced | SyncState::Saved) | None => {
                    ().into_any()
                }
            }}
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

    view! {
        <When when=away>
            <div class="strip" data-kind="warning" role="status" data-testid="reconnecting">
                <Icon name="wifi-off" />
                <p class="strip-text">{text::RECONNECTING}</p>
                <span class="strip-count" aria-live="off">
                    {move || match seconds.get() {
                        Some(seconds) => text::next_try(seconds),
                        None => text::RECONNECTING_NOW.to_owned(),
                    }}
                </span>
                <Button icon="rotate-cw" on:click=move |_| session.try_now()>
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
