//! Which page is shown: the link decides at first, then how the session stands.

use leptos::prelude::*;
use parlor_shared::invite::{Invite, InviteError};

use crate::js::listener::{Listener, Order};
use crate::page::ended::{FailedLink, Over};
use crate::page::join::Join;
use crate::page::lobby::Lobby;
use crate::page::session::Room;
use crate::session::SessionHandle;
use crate::session::memory::{Memory, last_name};
use crate::session::store::{Entry, SessionStateStoreFields as _, Standing};
use crate::settings::Settings;

/// The app.
#[component]
pub(crate) fn App() -> impl IntoView {
    Settings::provide();

    // Another link that is pasted into the address bar changes the fragment only, which loads nothing by itself.
    let hash = Listener::new(&window(), "hashchange", Order::Bubble, |_| reload());
    let hash = StoredValue::new_local(Some(hash));
    on_cleanup(move || hash.dispose());

    match invite_of_address() {
        Ok(invite) => view! { <Invited invite /> }.into_any(),
        Err(error) => view! { <FailedLink error /> }.into_any(),
    }
}

/// Loads the page anew.
pub(crate) fn reload() {
    // Refused only while the page is being left anyway.
    let _ = window().location().reload();
}

/// Reads the link from the address. A tab that has seen the end of the link once goes on without it.
fn invite_of_address() -> Result<Invite, InviteError> {
    let location = window().location();
    let part = |text: Result<String, _>| text.unwrap_or_default();
    let (origin, path, hash) = (part(location.origin()), part(location.pathname()), part(location.hash()));
    let address = format!("{origin}{path}");
    match format!("{address}{hash}").parse::<Invite>() {
        Ok(invite) => {
            Memory::of(invite.session).keep_fragment(&hash);
            Ok(invite)
        }
        Err(InviteError::NoFragment) => {
            let session = path.rsplit_once("/s/").and_then(|(_, id)| id.trim_end_matches('/').parse().ok());
            let kept = session.and_then(|session| Memory::of(session).fragment());
            kept.ok_or(InviteError::NoFragment).and_then(|fragment| format!("{address}{fragment}").parse())
        }
        Err(error) => Err(error),
    }
}

/// What a person with a good link sees.
#[component]
fn Invited(invite: Invite) -> impl IntoView {
    // -- state --
    let memory = Memory::of(invite.session);
    let session = RwSignal::new(None::<SessionHandle>);
    let owner = Owner::current().expect("a component has an owner");

    // -- derived --
    let role = invite.role();
    let view = Memo::new(move |_| match session.get() {
        None => View::Join,
        Some(session) => match session.standing.get() {
            Standing::Connecting(_) => View::Join,
            Standing::Lobby if session.store.entry().get() == Entry::Outside => View::Lobby,
            Standing::Lobby | Standing::Live | Standing::Reconnecting(_) => View::Room,
            standing => View::Over(standing),
        },
    });

    // -- actions --
    let remembered = memory.joined_as();
    let name = RwSignal::new(remembered.clone().or_else(last_name).unwrap_or_default());
    let join = {
        let memory = memory.clone();
        move |name: String| {
            memory.keep_joined(&name);
            // The session belongs to this component and not to the event that opened it.
            owner.with(|| {
                let handle = SessionHandle::join(invite.clone(), name);
                provide_context(handle);
                session.set(Some(handle));
            });
        }
    };
    if let Some(name) = remembered {
        join(name);
    }
    let join = Callback::new(join);

    view! {
        {move || {
            match view.get() {
                View::Join => view! { <Join role name session on_join=join /> }.into_any(),
                View::Lobby => view! { <Lobby /> }.into_any(),
                View::Room => view! { <Room /> }.into_any(),
                View::Over(standing) => view! { <Over standing /> }.into_any(),
            }
        }}
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum View {
    Join,
    Lobby,
    Room,
    Over(Standing),
}
