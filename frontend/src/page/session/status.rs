//! The status bar: where the caret is, what the file is like, and how safe it is.

use leptos::prelude::*;
use parlor_shared::client::SyncState;
use parlor_shared::role::{Capability, Role};

use super::{EncodingPick, RoomView, Side, sync_name};
use crate::component::{Necessity, StatusItem, Tone, When};
use crate::editor::{EditorStatus, EditorsHandle};
use crate::js::browser::Keeping;
use crate::js::editor::{CursorInfo, Indentation, language_name};
use crate::session::SessionHandle;
use crate::session::store::{SessionStateStoreFields as _, Text, Unsent, Who};
use crate::settings::{Settings, WordWrap};
use crate::text::{self, Command};

/// The status bar.
#[component]
pub(super) fn StatusBar() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let settings = Settings::expect();
    let editors = EditorsHandle::expect();
    let status = expect_context::<EditorStatus>();

    // -- derived --
    let role = Memo::new(move |_| session.store.role().get());
    let shown = shown_text(session);
    let path = Memo::new(move |_| {
        let active = session.store.active().get()?;
        let tabs = session.store.tabs().read();
        let tab = tabs.iter().find(|tab| tab.id == active)?;
        tab.document().and_then(|_| tab.path().cloned())
    });
    let role_tone =
        Signal::derive(move || if role.get() == Role::Viewer { Tone::Warning } else { Tone::Neutral });
    let role_icon = Signal::derive(move || text::role_icon(role.get()));

    view! {
        <footer class="statusbar" aria-label=text::STATUS_BAR data-part="status">
            <div class="statusbar-group">
                <StatusItem
                    icon=role_icon
                    tone=role_tone
                    necessity=Necessity::Always
                    title=Signal::derive(move || text::role_about(role.get()).to_owned())
                    attr:role="status"
                    attr:data-testid="my-role"
                    attr:data-role=move || role.get().to_string()
                >
                    {move || text::role_name(role.get())}
                </StatusItem>
                <StatusItem
                    icon="users"
                    title=text::PEOPLE
                    on_press=Callback::new(move |()| room.show_side(Side::People))
                >
                    {move || session.store.people().read().len()}
                </StatusItem>
            </div>
            <span class="statusbar-space"></span>
            <div class="statusbar-group">
                <When when=Signal::derive(move || path.read().is_some())>
                    <StatusItem
                        title=Command::GoToLine.label()
                        on_press=Callback::new(move |()| {
                            if let Some(editor) = editors.shown() {
                                editor.goto_line();
                            }
                        })
                    >
                        {move || position(&status.cursor.get())}
                    </StatusItem>
                    <When when=Signal::derive(move || settings.wrap.get() == WordWrap::On)>
                        <StatusItem
                            icon="wrap-text"
                            title=Command::ToggleWrap.label()
                            on_press=Callback::new(move |()| settings.toggle_wrap())
                        >
                            {text::WORD_WRAP}
                        </StatusItem>
                    </When>
                    <StatusItem>
                        {move || status.indentation.get().map(indentation).unwrap_or_default()}
                    </StatusItem>
                    <StatusItem
                        title=text::ENCODING_PICK
                        on_press=Callback::new(move |()| {
                            if session.may(Capability::Edit) {
                                room.encoding.set(Some(EncodingPick::Purpose));
                            }
                        })
                        attr:data-testid="encoding"
                    >
                        {move || shown.read().as_ref().map(|shown| text::encoding(shown.encoding, shown.reading))}
                    </StatusItem>
                    <StatusItem>
                        {move || shown.read().as_ref().map(|shown| text::end_of_line(shown.end_of_line))}
                    </StatusItem>
                    <StatusItem>
                        {move || path.read().as_ref().map(|path| language_name(path.as_str()))}
                    </StatusItem>
                    <SyncItem shown />
                </When>
            </div>
        </footer>
    }
}

#[component]
fn SyncItem(#[prop(into)] shown: Signal<Option<Text>>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();

    // -- derived --
    let sync =
        Memo::new(move |_| shown.read().as_ref().map_or(SyncState::Opening, |shown| shown.sync.clone()));
    let unsent = Memo::new(move |_| {
        let something = shown.read().as_ref().is_some_and(|shown| shown.unsent == Unsent::Something);
        (something && *sync.read() == SyncState::Offline).then(|| session.store.keeping().get())
    });
    let saver = Memo::new(move |_| {
        let saver = shown.read().as_ref().filter(|shown| shown.sync == SyncState::Saved)?.saved_by?;
        let people = session.store.people().read();
        let person = people.iter().find(|person| person.id == saver)?;
        Some(match person.who {
            Who::Me => text::SYNC_SAVED_BY_ME.to_owned(),
            Who::Other => text::sync_saved_by(&person.name),
        })
    });
    let icon = Signal::derive(move || match *sync.read() {
        SyncState::Offline => "cloud-off",
        SyncState::Opening | SyncState::Saving | SyncState::Repairing => "rotate-cw",
        SyncState::Synced | SyncState::Saved => "circle-check",
        SyncState::NotSaved(_) | SyncState::Gone => "triangle-alert",
        SyncState::Held => "clock",
    });
    let tone = Signal::derive(move || match *sync.read() {
        SyncState::NotSaved(_) => Tone::Danger,
        SyncState::Offline | SyncState::Gone | SyncState::Held | SyncState::Repairing => Tone::Warning,
        SyncState::Opening | SyncState::Saving | SyncState::Synced | SyncState::Saved => Tone::Neutral,
    });
    let problem = move || match *sync.read() {
        SyncState::NotSaved(_) => Some("not-saved"),
        SyncState::Gone => Some("gone"),
        SyncState::Held => Some("held"),
        _ => None,
    };

    view! {
        <StatusItem
            icon=icon
            tone=tone
            necessity=Necessity::Always
            title=Signal::derive(move || match unsent.get() {
                Some(Keeping::Kept) => text::SYNC_NOT_YET_ABOUT.to_owned(),
                Some(Keeping::Full | Keeping::Refused) => text::SYNC_NOT_YET_TAB_ABOUT.to_owned(),
                None => sync_about(&sync.read()),
            })
            attr:role="status"
            attr:data-testid="sync-state"
            attr:data-state=move || sync_name(&sync.read())
            attr:data-problem=problem
            attr:data-unsent=move || unsent.get().map(|_| "")
        >
            {move || match (unsent.get(), saver.get()) {
                (Some(_), _) => text::SYNC_NOT_YET.to_owned(),
                (None, Some(saver)) => saver,
                (None, None) => sync_word(&sync.read()).to_owned(),
            }}
        </StatusItem>
    }
}

fn position(cursor: &CursorInfo) -> String {
    text::selected(cursor.line, cursor.column, cursor.selections, cursor.selected)
}

fn indentation(indentation: Indentation) -> String {
    match indentation {
        Indentation::Tabs(width) => text::tabs_of(width),
        Indentation::Spaces(count) => text::spaces(count),
    }
}

const fn sync_word(sync: &SyncState) -> &'static str {
    match sync {
        SyncState::Opening | SyncState::Saving => text::SYNC_SAVING,
        SyncState::Offline => text::SYNC_OFFLINE,
        SyncState::Repairing => text::SYNC_REPAIRING,
        SyncState::Synced => text::SYNC_SYNCED,
        SyncState::Saved => text::SYNC_SAVED,
        SyncState::NotSaved(_) => text::SYNC_NOT_SAVED,
        SyncState::Gone => text::SYNC_GONE,
        SyncState::Held => text::SYNC_HELD,
    }
}

/// What a state of the sync means, in a sentence.
pub(super) fn sync_about(sync: &SyncState) -> String {
    match sync {
        SyncState::Opening | SyncState::Saving => text::SYNC_SAVING_ABOUT.to_owned(),
        SyncState::Offline => text::SYNC_OFFLINE_ABOUT.to_owned(),
        SyncState::Repairing => text::SYNC_REPAIRING_ABOUT.to_owned(),
        SyncState::Synced => text::SYNC_SYNCED_ABOUT.to_owned(),
        SyncState::Saved => text::SYNC_SAVED_ABOUT.to_owned(),
        SyncState::NotSaved(fault) => text::not_saved_banner(fault),
        SyncState::Gone => text::SYNC_GONE_ABOUT.to_owned(),
        SyncState::Held => text::SYNC_HELD_ABOUT.to_owned(),
    }
}

/// The text of the active tab, if it is one.
pub(super) fn shown_text(session: SessionHandle) -> Memo<Option<Text>> {
    Memo::new(move |_| {
        let active = session.store.active().get()?;
        let document = {
            let tabs = session.store.tabs().read();
            tabs.iter().find(|tab| tab.id == active)?.document()?
        };
        let texts = session.store.texts().read();
        texts.iter().find(|text| text.document == document).cloned()
    })
}
