//! The work area: tabs, and below them the file that is shown.

use leptos::prelude::*;
use parlor_shared::client::SyncState;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Capability;

use super::banners::Banners;
use super::image::{ImageLoading, ImageView};
use super::notice::FileNotice;
use super::status::{shown_text, sync_about};
use super::{PANE_ID, RoomView, Side};
use crate::component::{
    Badge, Button, ButtonKind, EmptyState, Mark, Skeleton, TabItem, TabMark, TabPerson, TabStrip, Tone, When,
    file_icon_class,
};
use crate::editor::EditorHost;
use crate::file_kind;
use crate::session::SessionHandle;
use crate::session::command::Focus;
use crate::session::store::{Content, Protection, SessionStateStoreFields as _, Tab, TabId, Unsent, Who};
use crate::text;

/// Lines of the picture that stands in for a text on its way.
const SKELETON_LINES: usize = 12;

/// The work area.
#[component]
pub(super) fn Work() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();

    // -- derived --
    let shown = Memo::new(move |_| {
        let active = session.store.active().get()?;
        session.store.tabs().read().iter().find(|tab| tab.id == active).cloned()
    });
    let text_tab = Memo::new(move |_| shown.get().filter(|tab| matches!(tab.content, Content::Text(_))));
    let other_tab = Memo::new(move |_| shown.get().filter(|tab| !matches!(tab.content, Content::Text(_))));
    let crumbs = Memo::new(move |_| shown.get().map(|tab| (tab.id, tab.path)));
    let is_text = Memo::new(move |_| text_tab.read().is_some());
    let text = shown_text(session);
    let read_only = Memo::new(move |_| {
        let protected = text.read().as_ref().map(|text| text.protection == Protection::Protected);
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
                    close_label=move |name: String| text::close_tab(&name)
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
                            <Button kind=ButtonKind::Ghost icon="image" on:click=move |_| session.reload(id)>
                                {text::OPEN_AS_IMAGE}
                            </Button>
                        </When>
                    </nav>
                })
            }}
            <Banners shown=text />
            <div class="pane" id=PANE_ID role="tabpanel" aria-label=move || pane_label(shown.get())>
                <EditorHost tab=text_tab />
                {move || match other_tab.get() {
                    Some(tab) => not_text(tab),
                    None if text_tab.read().is_none() => view! { <Welcome room /> }.into_any(),
                    None => ().into_any(),
                }}
            </div>
        </main>
    }
}

fn not_text(tab: Tab) -> AnyView {
    match tab.content.clone() {
        Content::Opening | Content::Text(_) => {
            view! { <Skeleton lines=SKELETON_LINES label=text::OPENING /> }.into_any()
        }
        Content::ImageLoading { received, total } => view! { <ImageLoading received total /> }.into_any(),
        Content::Image(image) => view! { <ImageView tab image /> }.into_any(),
        Content::Notice(fault) => view! { <FileNotice tab fault /> }.into_any(),
    }
}

fn pane_label(tab: Option<Tab>) -> String {
    tab.map_or_else(|| text::WELCOME_TITLE.to_owned(), |tab| tab.path.name().to_owned())
}

/// No file is open.
#[component]
fn Welcome(room: RoomView) -> impl IntoView {
    view! {
        <div class="welcome">
            <Mark />
            <EmptyState title=text::WELCOME_TITLE text=text::WELCOME_TEXT>
                <Button kind=ButtonKind::Primary icon="files" on:click=move |_| {
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
    let same_name =
        |path: &WorkspacePath| tabs.iter().filter(|tab| tab.path.name() == path.name()).count() > 1;
    let item = |tab: &Tab| {
        let text = texts.iter().find(|text| tab.content == Content::Text(text.document));
        let sync = text.map(|text| &text.sync);
        let away = matches!(sync, Some(SyncState::Offline | SyncState::Held));
        let not_yet = away && text.is_some_and(|text| text.unsent == Unsent::Something);
        let mark = match (&tab.content, sync) {
            (Content::Notice(_), _) | (_, Some(SyncState::NotSaved(_) | SyncState::Gone)) => TabMark::Problem,
            (_, Some(SyncState::Offline)) if !not_yet => TabMark::None,
            (_, Some(SyncState::Saving | SyncState::Offline | SyncState::Held | SyncState::Repairing)) => {
                TabMark::Unsaved
            }
            _ => TabMark::None,
        };
        let folder = tab.path.parent().filter(|_| same_name(&tab.path));
        TabItem {
            key: key(tab.id),
            name: tab.path.name().to_owned(),
            hint: folder.map(|folder| folder.to_string()),
            title: tab.path.to_string(),
            icon: file_icon_class(tab.path.name()),
            mark,
            mark_text: match mark {
                TabMark::None => None,
                TabMark::Unsaved => Some(if not_yet { text::NOT_YET } else { text::UNSAVED }.to_owned()),
                TabMark::Problem => sync.map(sync_about),
            },
            people: people
                .iter()
                .filter(|person| person.who == Who::Other && person.file.as_ref() == Some(&tab.path))
                .map(|person| TabPerson { name: person.name.clone(), color: person.color })
                .collect(),
        }
    };
    tabs.iter().map(item).collect()
}

fn key(id: TabId) -> String {
    id.0.to_string()
}

fn id(key: &str) -> Option<TabId> {
    key.parse().ok().map(TabId)
}
