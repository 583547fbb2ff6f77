//! The page before the room: who one wants to be, then the way in.

use leptos::html;
use leptos::prelude::*;
use parlor_shared::limits::MAX_NAME_CHARS;
use parlor_shared::role::Role;

use super::connection::{ConnectionState, seconds_to_next};
use crate::component::{
    Badge, Button, ButtonKind, ButtonSize, ButtonType, Icon, Mark, Spinner, TextField, Tone, When,
};
use crate::net::Attempt;
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Standing};
use crate::text;

/// The join page.
#[component]
pub(crate) fn Join(
    /// What the link grants.
    role: Role,
    name: RwSignal<String>,
    /// The session, as soon as the person has chosen to join.
    session: RwSignal<Option<SessionHandle>>,
    on_join: Callback<String>,
) -> impl IntoView {
    // -- state --
    let field = NodeRef::<html::Input>::new();
    let error = RwSignal::new(None::<String>);
    if role == Role::Host && name.read_untracked().trim().is_empty() {
        name.set(text::HOST_NAME.to_owned());
    }

    // -- derived --
    let standing = Signal::derive(move || {
        session.get().map_or(Standing::Connecting(Attempt::Trying), |session| session.standing.get())
    });
    let attempt = Signal::derive(move || match standing.get() {
        Standing::Connecting(attempt) => attempt,
        _ => Attempt::Trying,
    });
    let seconds = seconds_to_next(attempt);
    let lead = if role == Role::Host { text::JOIN_LEAD_HOST } else { text::JOIN_LEAD };
    let title = move || match (session.read().is_some(), role) {
        (true, _) => text::CONNECTING_TITLE,
        (false, Role::Host) => text::JOIN_TITLE_HOST,
        (false, Role::Viewer | Role::Editor) => text::JOIN_TITLE,
    };
    let fault = move || session.get().and_then(|session| session.store.fault().get());

    // -- actions --
    let submit = move || {
        let typed = name.get_untracked().trim().to_owned();
        if typed.is_empty() {
            error.set(Some(text::JOIN_NAME_MISSING.to_owned()));
            if let Some(field) = field.get_untracked() {
                // The field is there: it is what was submitted.
                let _ = field.focus();
            }
            return;
        }
        error.set(None);
        on_join.run(typed);
    };

    // -- effects --
    Effect::new(move |_| {
        document().set_title(text::PRODUCT);
        if let Some(field) = field.get() {
            let _ = field.focus();
            field.select();
        }
    });

    let form = move || {
        view! {
            <form
                class="page-form"
                novalidate=true
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                <TextField
                    label=text::JOIN_NAME
                    value=name
                    hint=text::JOIN_NAME_HINT
                    error=error
                    testid="join-name"
                    autocomplete="nickname"
                    max_length=MAX_NAME_CHARS as u32
                    node_ref=field
                />
                <Button
                    kind=ButtonKind::Primary
                    size=ButtonSize::Wide
                    ty=ButtonType::Submit
                    attr:data-testid="join-submit"
                >
                    {text::JOIN}
                </Button>
            </form>
        }
    };
    let waiting = move || {
        view! {
            <ConnectionState standing />
            <p class="page-waiting" role="status">
                <Spinner />
                <span>
                    {move || match seconds.get() {
                        Some(seconds) => text::next_try(seconds),
                        None => text::CONNECTING_LEAD.to_owned(),
                    }}
                </span>
            </p>
            <When when=Signal::derive(move || seconds.get().is_some())>
                <p class="page-lead">{text::CONNECTING_SLOW}</p>
            </When>
            {move || {
                fault()
                    .map(|fault| {
                        let fault = text::explain(&fault);
                        view! { <p class="page-lead">{fault.what} " " {fault.safe} " " {fault.todo}</p> }
                    })
            }}
            <When when=Signal::derive(move || seconds.get().is_some())>
                <div class="page-actions">
                    <Button
                        icon="rotate-cw"
                        on_press=move |_| {
                            if let Some(session) = session.get_untracked() {
                                session.try_now();
                            }
                        }
                    >
                        {text::TRY_NOW}
                    </Button>
                </div>
            </When>
        }
    };

    view! {
        <main class="page" data-page=move || if session.read().is_some() { "connecting" } else { "join" }>
            <div class="page-card">
                <span class="page-mark">
                    <Mark />
                </span>
                <h1 class="page-title">{move || title()}</h1>
                <p class="page-lead">{lead}</p>
                <p class="page-grant">
                    <Badge tone=Tone::Accent>{text::invited_as(role)}</Badge>
                </p>
                {move || if session.read().is_some() { waiting().into_any() } else { form().into_any() }}
                <p class="page-note">
                    <Icon name="shield-check" />
                    {text::JOIN_NOTE}
                </p>
            </div>
        </main>
    }
}
