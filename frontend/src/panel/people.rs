//! The people in the room: who they are, where they are, and for the host what they may do.

use leptos::ev;
use leptos::prelude::*;
use parlor_shared::id::ParticipantId;
use parlor_shared::message::Activity;
use parlor_shared::role::{Capability, Grant, Role};
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::component::{
    Avatar, Badge, Button, ButtonKind, EmptyState, Icon, IconButton, Menu, MenuEntry, MenuItem, Tone, When,
};
use crate::session::SessionHandle;
use crate::session::store::{Person, SessionStateStoreFields as _, Who};
use crate::text;

mod waiting;

use waiting::Waiting;

/// What the panel asks the room to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PeopleQuestion {
    /// Ask whether to send somebody out.
    Remove(ParticipantId),
    /// Show the links.
    Invite,
    /// Show the editor; a phone has room for one thing only.
    ShowEditor,
}

/// The menu that is open, whom it is about, and where it is in the window.
type OpenMenu = RwSignal<Option<(ParticipantId, (f64, f64))>>;

/// The panel.
#[component]
pub(crate) fn People(#[prop(into)] ask: Callback<PeopleQuestion>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let menu = OpenMenu::new(None);

    // -- derived --
    let ids = Memo::new(move |_| {
        let people = session.store.people().read();
        let (me, others) = people.iter().partition::<Vec<&Person>, _>(|person| person.who == Who::Me);
        me.into_iter().chain(others).map(|person| person.id).collect::<Vec<_>>()
    });
    let alone = Memo::new(move |_| ids.read().len() <= 1);
    let administers = Memo::new(move |_| session.may(Capability::Administer));

    view! {
        <section class="panel">
            <header class="panel-header">
                <h2 class="panel-title">{text::PARTICIPANTS}</h2>
            </header>
            <div class="panel-body">
                <Waiting />
                <ul class="people" role="list" tabindex="-1" aria-label=text::PARTICIPANTS data-testid="participants">
                    <For
                        each=move || ids.get()
                        key=|id| *id
                        children=move |id| view! { <PersonRow id administers menu ask /> }
                    />
                </ul>
                <When when=alone>
                    <EmptyState
                        icon="users"
                        title=text::ALONE_TITLE
                        text=Signal::derive(move || {
                            let text = if administers.get() { text::ALONE_TEXT } else { text::ALONE_TEXT_GUEST };
                            text.to_owned()
                        })
                    />
                </When>
            </div>
            <When when=administers>
                <div class="panel-foot">
                    <Button
                        kind=ButtonKind::Primary
                        icon="user-plus"
                        on_press=move |_| ask.run(PeopleQuestion::Invite)
                    >
                        {text::SHARE_TITLE}
                    </Button>
                </div>
            </When>
            {move || {
                let (id, at) = menu.get()?;
                let person = untrack(|| session.person(id))?;
                let label = text::more_about(&person.name);
                let entries = entries(session, &person, ask);
                Some(view! { <Menu label at entries on_close=move |()| menu.set(None) /> })
            }}
        </section>
    }
}

/// What the host may do about somebody that is no change of role.
fn entries(session: SessionHandle, person: &Person, ask: Callback<PeopleQuestion>) -> Vec<MenuEntry> {
    let id = person.id;
    let opens = person.opens_by_grant();
    let grant = if opens { Grant::Taken } else { Grant::Given };
    let set = Callback::new(move |()| session.set_opens_terminals(id, grant));
    let may_open = if person.role.may_be_granted(Capability::OpenTerminal) {
        let item = MenuItem::new(text::MAY_OPEN_TERMINALS, set);
        if opens { item.chosen() } else { item.choosable() }
    } else {
        MenuItem::new(text::EDITORS_MAY_OPEN_TERMINALS, set).choosable().unavailable()
    };
    let remove = Callback::new(move |()| ask.run(PeopleQuestion::Remove(id)));
    vec![
        may_open.into(),
        MenuEntry::Line,
        MenuItem::new(text::REMOVE, remove).icon("user-x").dangerous().into(),
    ]
}

#[component]
fn PersonRow(
    id: ParticipantId,
    administers: Memo<bool>,
    menu: OpenMenu,
    ask: Callback<PeopleQuestion>,
) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();

    // -- derived --
    let person = Memo::new(move |before: Option<&Option<Person>>| {
        let people = session.store.people().read();
        // One who just left stays as it was until the row goes.
        people.iter().find(|person| person.id == id).cloned().or_else(|| before.cloned().flatten())
    });
    let name = Signal::derive(move || person.get().map(|person| person.name).unwrap_or_default());
    let color = Signal::derive(move || person.get().map(|person| person.color).unwrap_or_default());
    let role = Memo::new(move |_| person.get().map_or(Role::Viewer, |person| person.role));
    let is_me = Memo::new(move |_| person.get().is_some_and(|person| person.who == Who::Me));
    let away = Signal::derive(move || {
        person.get().is_some_and(|person| person.who == Who::Other && person.activity == Activity::Away)
    });
    let file = Memo::new(move |_| {
        // Nobody tells this page where it is itself.
        if is_me.get() { session.active_path() } else { person.get().and_then(|person| person.file) }
    });
    let opens = Memo::new(move |_| person.get().is_some_and(|person| person.opens_by_grant()));
    let tools = Memo::new(move |_| administers.get() && !is_me.get() && role.get() != Role::Host);

    // -- actions --
    let go = move |_| {
        ask.run(PeopleQuestion::ShowEditor);
        session.go_to_person(id);
    };
    let change_role = move |_| {
        let role = if role.get_untracked() == Role::Editor { Role::Viewer } else { Role::Editor };
        session.set_role(id, role);
    };
    let open_menu = move |event: ev::MouseEvent| {
        if let Some(button) = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok())
        {
            let area = button.get_bounding_client_rect();
            menu.set(Some((id, (area.left(), area.bottom() + 4.0))));
        }
    };

    view! {
        <li
            class="person"
            aria-label=name
            data-person=move || color.get().to_string()
            data-away=move || away.get().then_some("true")
        >
            <Avatar name color away />
            <div class="person-text">
                <span class="person-name">
                    <span>{name}</span>
                    <When when=is_me>
                        <span class="person-you">"("{text::YOU}")"</span>
                    </When>
                    <When when=away>
                        <span class="person-you">{text::AWAY}</span>
                    </When>
                </span>
                <span class="person-place">
                    {move || match (file.get(), is_me.get()) {
                        (Some(file), false) => {
                            let label = text::go_to_person(&name.get(), file.as_str());
                            view! {
                                <button type="button" class="person-go" aria-label=label on:click=go>
                                    {text::in_file(file.as_str())}
                                </button>
                            }
                                .into_any()
                        }
                        (Some(file), true) => text::in_file(file.as_str()).into_any(),
                        (None, _) => text::NO_FILE.into_any(),
                    }}
                </span>
            </div>
            <div class="person-tools">
                <When when=opens>
                    <span class="person-grant" role="img" aria-label=text::MAY_OPEN_TERMINALS title=text::MAY_OPEN_TERMINALS>
                        <Icon name="square-terminal" />
                    </span>
                </When>
                <Badge tone=Signal::derive(move || if role.get() == Role::Host { Tone::Accent } else { Tone::Neutral })>
                    {move || text::role_name(role.get())}
                </Badge>
                <When when=tools>
                    <IconButton
                        icon=Signal::derive(move || if role.get() == Role::Editor { "eye" } else { "pencil" })
                        label=Signal::derive(move || {
                            let label = if role.get() == Role::Editor { text::MAKE_VIEWER } else { text::MAKE_EDITOR };
                            format!("{label}: {}", name.get())
                        })
                        on_press=change_role
                    />
                    <IconButton
                        icon="ellipsis"
                        label=Signal::derive(move || text::more_about(&name.get()))
                        attr:aria-haspopup="menu"
                        on_press=open_menu
                    />
                </When>
            </div>
        </li>
    }
}
