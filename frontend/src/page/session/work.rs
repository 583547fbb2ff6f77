//! The work area: tabs, and below them the file or the terminal that is shown.

use leptos::prelude::*;
use parlor_shared::client::SyncState;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Capability;

use super::banners::Banners;
use super::image::{ImageLoading, ImageView};
use super::notice::FileNotice;
use super::status::{shown_text, sync_about};
use super::{PANE_ID, Pane, RoomView, Side};
use crate::component::{
    Badge, Button, ButtonKind, EmptyState, Mark, Skeleton, TabItem, TabMark, TabPerson, TabStrip, Tone, When,
    file_icon_class,
};
use crate::editor::EditorHost;
use crate::file_kind;
use crate::session::SessionHandle;
use crate::session::command::Focus;
use crate::session::store::{Content, Protection, SessionStateStoreFields as _, Tab, TabId, Unsent, Who};
use crate::terminal::{TerminalEditor, TerminalsHandle, is_phone, tab_item};
use crate::text;

/// Lines of the picture that stands in for a text on its way.
const SKELETON_LINES: usize = 12;

/// The work area.
#[component]
pub(super) fn Work() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let terminals = TerminalsHandle::expect();

    // -- derived --
    let shown = Memo::new(move |_| {
        let active = session.store.active().get()?;
        session.store.tabs().read().iter().find(|tab| tab.id == active).cloned()
    });
    let text_tab = Memo::new(move |_| shown.get().filter(|tab| tab.document().is_some()));
    let other_tab =
        Memo::new(move |_| shown.get().filter(|tab| tab.document().is_none() && tab.terminal().is_none()));
    let none = Memo::new(move |_| shown.read().is_none());
    // What is not seen is not watched either.
    let terminal = Memo::new(move |_| {
        let seen = !terminals.maximised.get() && (room.pane.get() == Pane::Editor || !is_phone());
        session.active_terminal().filter(|_| seen)
    });
    let crumbs = Memo::new(move |_| shown.get().and_then(|tab| Some((tab.id, tab.path()?.clone()))));
    let is_text = Memo::new(move |_| text_tab.read().is_some());
    let text = shown_text(session);
    let read_only = Memo::new(move |_| {
        let protected = text.read().as_ref().map(|text| text.protection != Protection::Open);
        protected.is_some_and(|protected| protected || !session.may(Capability::Edit))
    });

    view! {
        <main class="workbench" data-part="work">
            <div data-part="tabs" style="display:contents">
                <TabStrip
                    label=text::OPEN_FILES
                    tabs=Signal::derive(move || tab_items(session))
                    active=Signal::derive(move || session.store.active().get().map(key))
                    on_select=move |tab: String| {
                        if let Some(id) = id(&tab) {
                            session.activate(id, Focus::Stay);
                        }
                    }
                    on_close=move |tab: String| {
                        if let Some(id) = id(&tab) {
                            session.close_tab(id);
                        }
                    }
                    panel=PANE_ID
                />
            </div>
            {move || {
                let (id, path) = crumbs.get()?;
                let parts: Vec<_> = path
                    .components()
                    .map(|part| view! { <span class="crumb">{part.to_owned()}</span> })
                    .collect();
                let as_image = move || is_text.get() && file_kind::is_text_image(path.name());
                Some(view! {
                    <nav class="crumbs" aria-label=text::FACT_PATH>
                        {parts}
                        <span class="crumbs-space"></span>
                        <When when=read_only>
                            <Badge tone=Tone::Warning icon="lock">{text::READ_ONLY}</Badge>
                        </When>
                        <When when=Signal::derive(as_image)>
                            <Button kind=ButtonKind::Ghost icon="image" on_press=move |_| session.reload(id)>
                                {text::OPEN_AS_IMAGE}
                            </Button>
                        </When>
                    </nav>
                })
            }}
            <Banners shown=text />
            <div class="pane" id=PANE_ID role="tabpanel" aria-label=move || pane_label(session, shown.get())>
                <EditorHost tab=text_tab />
                {move || other_tab.get().map(not_text)}
                {move || terminal.get().map(|terminal| view! { <TerminalEditor terminal /> })}
                <When when=none>
                    <Welcome room />
                </When>
            </div>
        </main>
    }
}

/// A file that is no text, or not yet.
fn not_text(tab: Tab) -> Option<AnyView> {
    let (id, path) = (tab.id, tab.path()?.clone());
    Some(match tab.content()?.clone() {
        Content::Opening | Content::Text(_) => {
            view! { <Skeleton lines=SKELETON_LINES label=text::OPENING /> }.into_any()
        }
        Content::ImageLoading { received, total } => view! { <ImageLoading received total /> }.into_any(),
        Content::Image(image) => view! { <ImageView id path image /> }.into_any(),
        Content::Notice(fault) => view! { <FileNotice id path fault /> }.into_any(),
    })
}

fn pane_label(session: SessionHandle, tab: Option<Tab>) -> String {
    let Some(tab) = tab else { return text::WELCOME_TITLE.to_owned() };
    let terminal = tab.terminal().and_then(|terminal| session.terminal_named(terminal));
    let file = tab.path().map(|path| path.name().to_owned());
    terminal.or(file).unwrap_or_else(|| text::TERMINAL.to_owned())
}

/// No file is open.
#[component]
fn Welcome(room: RoomView) -> impl IntoView {
    view! {
        <div class="welcome">
            <Mark />
            <EmptyState title=text::WELCOME_TITLE text=text::WELCOME_TEXT>
                <Button kind=ButtonKind::Primary icon="files" on_press=move |_| {
                    room.show_side(Side::Explorer);
                    room.explorer.focus_soon();
                }>{text::FILES}</Button>
            </EmptyState>
            <dl class="shortcuts">
                <dt>{text::SHORTCUT_PALETTE}</dt>
                <dd><kbd class="key">"F1"</kbd></dd>
                <dt>{text::SHORTCUT_EXPLORER}</dt>
                <dd><kbd class="key">"Ctrl"</kbd> <kbd class="key">"Shift"</kbd> <kbd class="key">"E"</kbd></dd>
                <dt>{text::SHORTCUT_PARTS}</dt>
                <dd><kbd class="key">"F6"</kbd></dd>
                <dt>{text::SHORTCUT_CLOSE}</dt>
                <dd><kbd class="key">"Alt"</kbd> <kbd class="key">"W"</kbd></dd>
            </dl>
        </div>
    }
}

fn tab_items(session: SessionHandle) -> Vec<TabItem> {
    let tabs = session.store.tabs().get();
    let texts = session.store.texts().get();
    let people = session.store.people().get();
    let name = |tab: &Tab| tab.path().map(|path| path.name().to_owned());
    let same_name = |tab: &Tab| tabs.iter().filter(|other| name(other) == name(tab)).count() > 1;
    let file_item = |tab: &Tab, path: &WorkspacePath| {
        let text = texts.iter().find(|text| tab.document() == Some(text.document));
        let sync = text.map(|text| &text.sync);
        let away = matches!(sync, Some(SyncState::Offline | SyncState::Held));
        let not_yet = away && text.is_some_and(|text| text.unsent == Unsent::Something);
        let mark = match (tab.content(), sync) {
            (Some(Content::Notice(_)), _) | (_, Some(SyncState::NotSaved(_) | SyncState::Gone)) => {
                TabMark::Problem
            }
            (_, Some(SyncState::Offline)) if !not_yet => TabMark::None,
            (_, Some(SyncState::Saving | SyncState::Offline | SyncState::Held | SyncState::Repairing)) => {
                TabMark::Unsaved
            }
            _ => TabMark::None,
        };
        let folder = path.parent().filter(|_| same_name(tab));
        TabItem {
            key: key(tab.id),
            name: path.name().to_owned(),
            hint: folder.map(|folder| folder.to_string()),
            title: path.to_string(),
            icon: file_icon_class(path.name()),
            mark,
            mark_text: match mark {
                TabMark::None => None,
                TabMark::Unsaved => Some(if not_yet { text::NOT_YET } else { text::UNSAVED }.to_owned()),
                TabMark::Problem => sync.map(sync_about),
            },
            people: people
                .iter()
                .filter(|person| person.who == Who::Other && person.file.as_ref() == Some(path))
                .map(|person| TabPerson { name: person.name.clone(), color: person.color })
                .collect(),
            close_label: text::close_tab(path.name()),
        }
    };
    let item = |tab: &Tab| match (tab.path(), tab.terminal()) {
        (Some(path), _) => Some(file_item(tab, path)),
        (None, terminal) => terminal.map(|terminal| tab_item(session, key(tab.id), terminal)),
    };
    tabs.iter().filter_map(item).collect()
}

fn key(id: TabId) -> String {
    id.0.to_string()
}

fn id(key: &str) -> Option<TabId> {
    key.parse().ok().map(TabId)
}
