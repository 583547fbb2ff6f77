//! Dialogs of the room: the links, the questions before something that can not be taken back, and who knocks.

use leptos::ev;
use leptos::prelude::*;
use parlor_shared::limits::MAX_NAME_CHARS;
use parlor_shared::message::{EntryKind, InviteInfo};
use wasm_bindgen_futures::spawn_local;

use super::held::HeldDialog;
use super::wish::WishCard;
use super::{Asking, RoomView};
use crate::component::{Button, ButtonKind, ButtonType, Dialog, DialogSize, Icon, TextField, When};
use crate::js::browser::copy_text;
use crate::page::ended::SalvageRow;
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Who};
use crate::terminal::TerminalsHandle;
use crate::text;

/// Characters of a pasted text that are shown before it is pasted.
const SHOWN_CHARS: usize = 2000;

/// Whatever is asked now.
#[component]
pub(super) fn Dialogs() -> impl IntoView {
    // -- state --
    let room = RoomView::expect();
    let close = Callback::new(move |()| room.asking.set(None));

    view! {
        {move || {
            let asking = room.asking.get()?;
            // A function within is always built anew: another question is another dialog, never the one before with other
            // words. And not by `For`, which takes a dialog out of the page before it is closed: the focus would not go back.
            Some(move || dialog(asking.clone(), close))
        }}
        <WishCard />
    }
}

fn dialog(asking: Asking, close: Callback<()>) -> AnyView {
    match asking {
        Asking::Share => view! { <Share close /> }.into_any(),
        Asking::Salvage => view! { <Salvaged close /> }.into_any(),
        Asking::Name => view! { <Rename close /> }.into_any(),
        Asking::Held(document) => view! { <HeldDialog document close /> }.into_any(),
        asking => view! { <Confirm asking close /> }.into_any(),
    }
}

/// The links to send.
#[component]
fn Share(close: Callback<()>) -> impl IntoView {
    let session = SessionHandle::expect();
    let invites = session.store.invites();
    view! {
        <Dialog title=text::SHARE_TITLE close_label=text::CLOSE on_close=close size=DialogSize::Large>
            <p>{text::SHARE_LEAD}</p>
            <ul class="invites">
                <For
                    each=move || invites.get()
                    key=|invite| (invite.role, invite.link.clone())
                    children=|invite| view! { <InviteRow invite /> }
                />
            </ul>
            <p class="dialog-note">
                <Icon name="key-round" />
                <span>{text::SHARE_NOTE}</span>
            </p>
        </Dialog>
    }
}

#[component]
fn InviteRow(invite: InviteInfo) -> impl IntoView {
    // -- state --
    // A notice in the corner would lie behind the dialog.
    let copied = RwSignal::new(None::<bool>);
    let InviteInfo { role, link } = invite;
    let value = link.clone();

    // -- actions --
    let copy = move |_| {
        let link = link.clone();
        spawn_local(async move { copied.set(Some(copy_text(&link).await)) });
    };

    view! {
        <li class="invite" data-testid="invite" data-role=role.to_string()>
            <div class="invite-text">
                <span class="invite-role">{text::invite_title(role)}</span>
                <span class="invite-about">{text::role_about(role)}</span>
            </div>
            <div class="invite-row">
                <input
                    class="field-input"
                    readonly=true
                    aria-label=text::invite_field(role)
                    value=value
                    on:focus=select_all
                />
                <Button
                    icon="copy"
                    attr:aria-label=text::copy_invite(role)
                    on_press=copy
                >
                    {text::COPY}
                </Button>
            </div>
            <p class="field-hint" role="status">
                {move || match copied.get() {
                    None => "",
                    Some(true) => text::LINK_COPIED,
                    Some(false) => text::COPY_FAILED,
                }}
            </p>
        </li>
    }
}

fn select_all(event: ev::FocusEvent) {
    event_target::<web_sys::HtmlInputElement>(&event).select();
}

/// What could not be sent.
#[component]
fn Salvaged(close: Callback<()>) -> impl IntoView {
    let session = SessionHandle::expect();
    let salvage = session.store.salvage();
    view! {
        <Dialog title=text::SALVAGE_TITLE close_label=text::CLOSE on_close=close size=DialogSize::Large>
            <p>{text::SALVAGE_TEXT}</p>
            <ul class="invites">
                <For
                    each=move || salvage.get()
                    key=|salvage| (salvage.key.clone(), salvage.path.clone())
                    children=move |salvage| {
                        let row = salvage.clone();
                        let on_discard = Callback::new(move |()| session.discard(&salvage));
                        view! { <SalvageRow salvage=row on_discard /> }
                    }
                />
            </ul>
            <When when=Signal::derive(move || salvage.read().is_empty())>
                <p>{text::SALVAGE_NONE}</p>
            </When>
        </Dialog>
    }
}

/// Another name for me.
#[component]
fn Rename(close: Callback<()>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let mine = session.store.people().with_untracked(|people| {
        people.iter().find(|person| person.who == Who::Me).map(|me| me.name.clone())
    });
    let name = RwSignal::new(mine.unwrap_or_default());
    let error = RwSignal::new(None::<String>);

    // -- actions --
    let submit = move || {
        let typed = name.get_untracked().trim().to_owned();
        if typed.is_empty() {
            error.set(Some(text::JOIN_NAME_MISSING.to_owned()));
            return;
        }
        session.set_name(typed);
        close.run(());
    };

    view! {
        <Dialog title=text::CHANGE_NAME close_label=text::CLOSE on_close=close>
            <form
                class="page-form"
                novalidate=true
                on:submit=move |event| {
                    event.prevent_default();
                    submit();
                }
            >
                <TextField label=text::JOIN_NAME value=name error=error max_length=MAX_NAME_CHARS as u32 />
                <Button kind=ButtonKind::Primary ty=ButtonType::Submit>
                    {text::CHANGE_NAME}
                </Button>
            </form>
        </Dialog>
    }
}

struct Question {
    title: String,
    text: &'static str,
    yes: &'static str,
}

/// A question before something that can not be taken back.
#[component]
fn Confirm(asking: Asking, close: Callback<()>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let terminals = TerminalsHandle::expect();

    // -- derived --
    let name_of = |participant| {
        session.store.people().with_untracked(|people| {
            people.iter().find(|person| person.id == participant).map(|person| person.name.clone())
        })
    };
    let question = match &asking {
        Asking::End => Question { title: text::END_TITLE.to_owned(), text: text::END_TEXT, yes: text::END },
        Asking::Leave => {
            Question { title: text::LEAVE_TITLE.to_owned(), text: text::LEAVE_TEXT, yes: text::LEAVE }
        }
        Asking::Remove(participant) => Question {
            title: text::remove_title(&name_of(*participant).unwrap_or_default()),
            text: text::REMOVE_TEXT,
            yes: text::REMOVE,
        },
        Asking::Delete(path) => {
            let kind = session.store.tree().with_untracked(|tree| tree.kind_of(path));
            let text = match kind {
                Some(EntryKind::Folder) => text::DELETE_FOLDER_TEXT,
                Some(EntryKind::File | EntryKind::Other) | None => text::DELETE_FILE_TEXT,
            };
            Question { title: text::delete_title(path.name()), text, yes: text::DELETE }
        }
        Asking::Move { from, folder } => {
            let workspace = session.store.info().get_untracked().map(|info| info.workspace);
            let into = if folder.is_root() { workspace.unwrap_or_default() } else { folder.to_string() };
            Question { title: text::move_title(from.name(), &into), text: text::MOVE_TEXT, yes: text::MOVE }
        }
        Asking::Unshare(terminal) => Question {
            title: text::unshare_title(&session.terminal_named(*terminal).unwrap_or_default()),
            text: text::UNSHARE_TEXT,
            yes: text::UNSHARE,
        },
        Asking::Paste(..) => {
            Question { title: text::PASTE_TITLE.to_owned(), text: text::PASTE_TEXT, yes: text::PASTE }
        }
        Asking::Share | Asking::Salvage | Asking::Name | Asking::Held(_) => return ().into_any(),
    };
    let kind = if matches!(asking, Asking::Move { .. } | Asking::Leave | Asking::Paste(..)) {
        ButtonKind::Primary
    } else {
        ButtonKind::Danger
    };
    let shown = match &asking {
        Asking::Paste(_, pasted) => Some(pasted.chars().take(SHOWN_CHARS).collect::<String>()),
        _ => None,
    };
    let asking = StoredValue::new(asking);

    // -- actions --
    let confirm = move || {
        let asking = asking.get_value();
        close.run(());
        match asking {
            Asking::End => session.end_session(),
            Asking::Leave => session.leave(),
            Asking::Remove(participant) => session.remove(participant),
            Asking::Delete(path) => session.delete(path),
            Asking::Move { from, folder } => session.move_into(from, &folder),
            Asking::Unshare(terminal) => session.unshare_terminal(terminal),
            Asking::Paste(terminal, pasted) => terminals.with(terminal, |terminal| terminal.insert(&pasted)),
            Asking::Share | Asking::Salvage | Asking::Name | Asking::Held(_) => {}
        }
    };

    let yes = question.yes;
    let footer = move || {
        view! {
            <Button on_press=move |_| close.run(())>{text::CANCEL}</Button>
            <Button kind=kind attr:autofocus=true on_press=move |_| confirm()>
                {yes}
            </Button>
        }
    };
    view! {
        <Dialog title=question.title close_label=text::CLOSE on_close=close footer=footer>
            <p>{question.text}</p>
            {shown.map(|shown| view! { <pre class="pasted" tabindex="0">{shown}</pre> })}
        </Dialog>
    }
    .into_any()
}
