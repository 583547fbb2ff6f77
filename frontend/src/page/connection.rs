//! How the connection stands, in a word, on every page that has one.

use std::time::Duration;

use leptos::prelude::*;

use crate::net::{Attempt, now};
use crate::session::store::Standing;
use crate::text;

/// The connection's state. One a page.
#[component]
pub(crate) fn ConnectionState(#[prop(into)] standing: Signal<Standing>) -> impl IntoView {
    view! {
        <p
            class="connection"
            role="status"
            data-testid="connection-state"
            data-state=move || standing.read().data_state()
        >
            <span class="connection-dot" aria-hidden="true"></span>
            <span class="connection-text">{move || word(&standing.read())}</span>
        </p>
    }
}

const fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Connecting(_) => text::CONNECTION_CONNECTING,
        Standing::Lobby => text::CONNECTION_LOBBY,
        Standing::Live => text::CONNECTION_LIVE,
        Standing::Reconnecting(_) => text::CONNECTION_RECONNECTING,
        Standing::Removed => text::CONNECTION_REMOVED,
        Standing::Ended | Standing::Left | Standing::Failed(_) => text::CONNECTION_ENDED,
    }
}

/// Whole seconds until the next attempt, counted down; nothing while one is under way.
pub(crate) fn seconds_to_next(attempt: Signal<Attempt>) -> Memo<Option<u64>> {
    let tick = RwSignal::new(());
    let handle = set_interval_with_handle(move || tick.set(()), Duration::from_millis(250)).ok();
    on_cleanup(move || {
        if let Some(handle) = handle {
            handle.clear();
        }
    });
    Memo::new(move |_| {
        tick.track();
        match attempt.get() {
            Attempt::Waiting(at) => Some(at.saturating_sub(now()).as_secs_f64().ceil() as u64),
            Attempt::Trying | Attempt::Over => None,
        }
    })
}
