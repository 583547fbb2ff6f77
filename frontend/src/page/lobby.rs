//! The page of one who waits until the host opens the door.

use leptos::prelude::*;

use super::connection::ConnectionState;
use crate::component::{Button, Icon, Mark, Spinner, Words};
use crate::session::SessionHandle;
use crate::session::store::SessionStateStoreFields as _;
use crate::text;

/// The lobby.
#[component]
pub(crate) fn Lobby() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();

    // -- effects --
    Effect::new(|_| document().set_title(text::LOBBY_TITLE));

    view! {
        <main class="page" data-page="lobby">
            <div class="page-card">
                <span class="page-mark">
                    <Mark />
                </span>
                <h1 class="page-title">{text::LOBBY_TITLE}</h1>
                <ConnectionState standing=session.standing />
                <p class="page-lead">{text::LOBBY_LEAD}</p>
                <p class="page-waiting">
                    <Spinner />
                    <span>{text::LOBBY_WAITING}</span>
                </p>
                {move || {
                    session.store.words().get().map(|words| view! { <Words words lead=text::LOBBY_WORDS /> })
                }}
                <div class="page-actions">
                    <Button icon="log-out" on_press=move |_| session.leave()>
                        {text::LEAVE}
                    </Button>
                </div>
                <p class="page-note">
                    <Icon name="shield-check" />
                    {text::JOIN_NOTE}
                </p>
            </div>
        </main>
    }
}
