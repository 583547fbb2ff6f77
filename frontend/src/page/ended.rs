//! The pages after the room, and of those who never got in: what happened, what is safe, what to do.

use js_sys::Array;
use leptos::prelude::*;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::invite::InviteError;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, Url};

use super::connection::ConnectionState;
use crate::app::reload;
use crate::component::{Button, ButtonKind, Icon, Mark};
use crate::js::browser::copy_text;
use crate::session::SessionHandle;
use crate::session::store::{Salvage, SessionStateStoreFields as _, Standing};
use crate::text;

/// The page of a link that can not be used.
#[component]
pub(crate) fn FailedLink(error: InviteError) -> impl IntoView {
    let standing = Standing::Failed(Fault::from(error));
    let sentence = text::link_error(error);
    view! { <Card standing sentence salvage=Vec::new() /> }
}

/// The page of a session that is over for this browser.
#[component]
pub(crate) fn Over(standing: Standing) -> impl IntoView {
    let session = SessionHandle::expect();
    let sentence = match &standing {
        Standing::Ended => text::explain(&FaultCode::SessionEnded.into()),
        Standing::Removed => text::explain(&FaultCode::Removed.into()),
        Standing::Failed(fault) => text::explain(fault),
        Standing::Left
        | Standing::Connecting(_)
        | Standing::Lobby
        | Standing::Live
        | Standing::Reconnecting(_) => text::left(),
    };
    view! { <Card standing sentence salvage=session.store.salvage().get_untracked() /> }
}

#[component]
fn Card(standing: Standing, sentence: text::Explained, salvage: Vec<Salvage>) -> impl IntoView {
    let page = match &standing {
        Standing::Failed(_) => "failed",
        Standing::Removed => "removed",
        _ => "ended",
    };
    let code = match &standing {
        Standing::Failed(fault) => Some(fault.code.number()),
        _ => None,
    };
    let again = match &standing {
        Standing::Left => Some(text::JOIN_AGAIN),
        Standing::Failed(_) => Some(text::RELOAD),
        _ => None,
    };
    let title = sentence.title;
    let has_points = !(sentence.safe.is_empty() && sentence.todo.is_empty());
    Effect::new(move |_| document().set_title(title));
    let salvage: Vec<_> = salvage.into_iter().map(|salvage| view! { <SalvageRow salvage /> }).collect();
    view! {
        <main class="page" data-page=page>
            <div class="page-card">
                <span class="page-mark">
                    <Mark />
                </span>
                <h1 class="page-title">{title}</h1>
                <ConnectionState standing />
                <p class="page-lead" role="alert">{sentence.what}</p>
                {has_points
                    .then(|| {
                        view! {
                            <ul class="page-points">
                                {point("shield-check", sentence.safe.to_owned())}
                                {point("arrow-right", sentence.todo)}
                            </ul>
                        }
                    })}
                {(!salvage.is_empty())
                    .then(|| {
                        view! {
                            <h2 class="words-title">{text::UNSENT_TITLE}</h2>
                            <ul class="invites">{salvage}</ul>
                        }
                    })}
                {again
                    .map(|label| {
                        view! {
                            <div class="page-actions">
                                <Button kind=ButtonKind::Primary icon="rotate-cw" on_press=move |_| reload()>
                                    {label}
                                </Button>
                            </div>
                        }
                    })}
                {code
                    .map(|code| {
                        view! {
                            <details class="page-details">
                                <summary>{text::DETAILS}</summary>
                                <code>{text::code(code)}</code>
                            </details>
                        }
                    })}
            </div>
        </main>
    }
}

fn point(icon: &'static str, text: String) -> Option<impl IntoView> {
    (!text.is_empty()).then(|| {
        view! {
            <li>
                <Icon name=icon />
                <span>{text}</span>
            </li>
        }
    })
}

/// Hands a text to the browser as a download.
fn download_text(name: &str, content: &str) {
    let parts = Array::of1(&content.into());
    let Ok(blob) = Blob::new_with_str_sequence(&parts) else { return };
    let Ok(address) = Url::create_object_url_with_blob(&blob) else { return };
    if let Ok(element) = document().create_element("a") {
        let anchor = element.unchecked_into::<web_sys::HtmlAnchorElement>();
        anchor.set_href(&address);
        anchor.set_download(name);
        anchor.click();
    }
    // The download has its own hold on the bytes once the click was handled.
    set_timeout(
        move || {
            let _ = Url::revoke_object_url(&address);
        },
        std::time::Duration::from_secs(60),
    );
}

/// A text that did not reach the host, and a way to keep it.
#[component]
pub(crate) fn SalvageRow(
    salvage: Salvage,
    /// What discards it, where that is offered.
    #[prop(optional)]
    on_discard: Option<Callback<()>>,
) -> impl IntoView {
    // -- state --
    let copied = RwSignal::new(None::<bool>);
    let Salvage { path, text: kept, elsewhere, .. } = salvage;
    let discard_name = text::discard(path.as_str());

    // -- actions --
    let (name, content) = (path.name().to_owned(), kept.clone());
    let download = move |_| download_text(&name, &content);
    let copy = move |_| {
        let kept = kept.clone();
        spawn_local(async move { copied.set(Some(copy_text(&kept).await)) });
    };

    view! {
        <li class="invite" data-testid="unsent-text">
            <div class="invite-text">
                <span class="invite-role">{path.to_string()}</span>
                {elsewhere
                    .map(|workspace| {
                        view! { <span class="invite-about">{text::from_elsewhere(&workspace)}</span> }
                    })}
                <span class="invite-about" role="status">
                    {move || match copied.get() {
                        None => "",
                        Some(true) => text::COPIED,
                        Some(false) => text::COPY_FAILED,
                    }}
                </span>
            </div>
            <div class="invite-row">
                <Button icon="copy" on_press=copy>
                    {text::UNSENT_COPY}
                </Button>
                <Button icon="download" on_press=download>
                    {text::UNSENT_SAVE}
                </Button>
                {on_discard
                    .map(|discard| {
                        view! {
                            <Button
                                kind=ButtonKind::Ghost
                                icon="trash-2"
                                attr:aria-label=discard_name
                                on_press=move |_| discard.run(())
                            >
                                {text::DISCARD}
                            </Button>
                        }
                    })}
            </div>
        </li>
    }
}
