//! The room: title bar, activity bar, side bar, work area and status bar, and the keys that work anywhere.

use std::sync::Arc;

use leptos::prelude::*;
use parlor_shared::client::SyncState;
use parlor_shared::id::{DocumentId, ParticipantId, TerminalId};
use parlor_shared::path::WorkspacePath;

use crate::component::{LiveRegion, SplitHandle, Toast, ToastAction, ToastStack, Tone, When};
use crate::editor::{EditorCommand, EditorStatus, EditorsHandle};
use crate::js::editor::CursorInfo;
use crate::panel::explorer::{Explorer, ExplorerState, Question};
use crate::panel::people::{People, PeopleQuestion};
use crate::session::SessionHandle;
use crate::session::store::{self, SessionStateStoreFields as _};
use crate::settings::Settings;
use crate::terminal::{TerminalPanel, TerminalQuestion, TerminalsHandle, is_phone};
use crate::text;

mod action;
mod banners;
mod bars;
mod dialogs;
mod encoding;
mod held;
mod image;
mod keys;
mod notice;
mod palette;
mod status;
mod wish;
mod work;

use action::Stage;
use bars::{ActivityBar, BottomBar, TitleBar};
use dialogs::Dialogs;
pub(crate) use encoding::EncodingPick;
use encoding::EncodingPicker;
use palette::Palette;
use status::StatusBar;
use work::Work;

/// What the side bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Explorer,
    People,
}

/// What a phone shows: one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    Files,
    Editor,
    Terminal,
    People,
}

impl Pane {
    /// The value of `data-pane`.
    const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Editor => "editor",
            Self::Terminal => "terminal",
            Self::People => "people",
        }
    }
}

/// A dialog that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// The links to send.
    Share,
    /// What could not be sent.
    Salvage,
    /// What to do with edits of lines that others changed as well.
    Held(DocumentId),
    /// Another name for me.
    Name,
    /// Whether to end the session for everybody.
    End,
    /// Whether to leave.
    Leave,
    /// Whether to send somebody out.
    Remove(ParticipantId),
    /// Whether to delete something.
    Delete(WorkspacePath),
    /// Whether to move something into a folder.
    Move { from: WorkspacePath, folder: WorkspacePath },
    /// Whether to end a terminal for everybody.
    Unshare(TerminalId),
    /// Whether to paste what a terminal's program would run at once.
    Paste(TerminalId, String),
}

/// What this page shows of the room, apart from the session itself.
#[derive(Clone, Copy)]
pub(crate) struct RoomView {
    pub(crate) pane: RwSignal<Pane>,
    pub(crate) side: RwSignal<Side>,
    /// Whether the side bar is there.
    pub(crate) sidebar: RwSignal<bool>,
    pub(crate) sidebar_width: RwSignal<f64>,
    pub(crate) asking: RwSignal<Option<Asking>>,
    pub(crate) palette: RwSignal<bool>,
    /// What is being chosen about the encoding of the shown file.
    pub(crate) encoding: RwSignal<Option<EncodingPick>>,
    pub(crate) explorer: ExplorerState,
    pub(crate) settings: Settings,
}

impl RoomView {
    /// The view of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Shows a part of the side bar, on a phone as the only pane.
    pub(crate) fn show_side(self, side: Side) {
        self.side.set(side);
        self.sidebar.set(true);
        self.pane.set(match side {
            Side::Explorer => Pane::Files,
            Side::People => Pane::People,
        });
    }

    /// Whether the list of people is in sight. Follows what is shown.
    pub(crate) fn shows_people(self) -> bool {
        if is_phone() {
            self.pane.get() == Pane::People
        } else {
            self.sidebar.get() && self.side.get() == Side::People
        }
    }

    /// As the buttons of the activity bar do: a press on what is shown hides it.
    pub(crate) fn toggle_side(self, side: Side) {
        if self.sidebar.get_untracked() && self.side.get_untracked() == side {
            self.sidebar.set(false);
        } else {
            self.show_side(side);
        }
    }
}

/// The side bar's width in pixels.
const SIDEBAR_USUAL: f64 = 260.0;
const SIDEBAR_MIN: f64 = 180.0;
const SIDEBAR_MAX: f64 = 480.0;

/// The id of the element that the tabs switch.
const PANE_ID: &str = "pane";

/// The room.
#[component]
pub(crate) fn Room() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let settings = Settings::expect();
    let room = RoomView {
        // A room that opens from what this browser kept has its file open already.
        pane: RwSignal::new(match session.store.active().get_untracked() {
            Some(_) => Pane::Editor,
            None => Pane::Files,
        }),
        side: RwSignal::new(Side::Explorer),
        sidebar: RwSignal::new(true),
        sidebar_width: RwSignal::new(SIDEBAR_USUAL),
        asking: RwSignal::new(None),
        palette: RwSignal::new(false),
        encoding: RwSignal::new(None),
        explorer: ExplorerState::new(),
        settings,
    };
    provide_context(room);
    let status = EditorStatus {
        cursor: RwSignal::new(CursorInfo::default()),
        indentation: RwSignal::new(None),
        on_command: Callback::new(move |command| match command {
            EditorCommand::Save => session.save_active(),
            EditorCommand::Palette => room.palette.set(true),
            EditorCommand::ToggleWrap => settings.toggle_wrap(),
        }),
        on_refused: Callback::new(move |()| {
            session.toast(
                store::Tone::Info,
                text::refused_typing(session.store.role().get_untracked()),
                None,
            );
        }),
        on_left_out: Callback::new(move |()| {
            session.toast(store::Tone::Info, text::LEFT_OUT.to_owned(), None);
        }),
    };
    let editors = EditorsHandle::provide(session, status);
    provide_context(status);
    let terminals = TerminalsHandle::provide(
        session,
        Callback::new(move |question| match question {
            TerminalQuestion::Unshare(terminal) => room.asking.set(Some(Asking::Unshare(terminal))),
            TerminalQuestion::Paste(terminal, text) => room.asking.set(Some(Asking::Paste(terminal, text))),
            TerminalQuestion::Show => room.pane.set(Pane::Terminal),
            TerminalQuestion::ShowEditors => room.pane.set(Pane::Editor),
            TerminalQuestion::Hidden => {
                room.pane.set(Pane::Editor);
                if let Some(editor) = editors.shown() {
                    editor.focus();
                }
            }
        }),
    );

    // -- derived --
    let active_path = Memo::new(move |_| session.active_path());
    // What is not seen is not watched either.
    let panel =
        Memo::new(move |_| terminals.open.get() && (room.pane.get() == Pane::Terminal || !is_phone()));

    // -- actions --
    keys::listen(Stage { session, room, editors, terminals });

    let explorer_asks = Callback::new(move |question| match question {
        Question::Delete(path) => room.asking.set(Some(Asking::Delete(path))),
        Question::Move { from, folder } => room.asking.set(Some(Asking::Move { from, folder })),
        Question::Copy(path) => action::copy(session, path.to_string(), text::PATH_COPIED),
        Question::ShowEditor => room.pane.set(Pane::Editor),
    });
    let people_ask = Callback::new(move |question| match question {
        PeopleQuestion::Remove(participant) => room.asking.set(Some(Asking::Remove(participant))),
        PeopleQuestion::Invite => room.asking.set(Some(Asking::Share)),
        PeopleQuestion::ShowEditor => room.pane.set(Pane::Editor),
    });

    // -- effects --
    // A phone shows what was just opened.
    Effect::new(move |before: Option<Option<store::TabId>>| {
        let active = session.store.active().get();
        if active.is_some() && before.is_some_and(|before| before != active) {
            room.pane.set(Pane::Editor);
        }
        active
    });
    // As in VS Code, the explorer follows what is shown.
    Effect::new(move |_| {
        if let Some(path) = active_path.get()
            && room.explorer.chosen.read_untracked().as_ref() != Some(&path)
        {
            room.explorer.show(session, &path);
        }
    });
    Effect::new(move |_| {
        let workspace = session.store.info().get().map(|info| info.workspace).unwrap_or_default();
        let name = match active_path.get() {
            Some(path) => Some(path.name().to_owned()),
            None => session.active_terminal().and_then(|terminal| session.terminal_named(terminal)),
        };
        document().set_title(&text::room_title(name.as_deref(), &workspace));
    });
    Effect::new(move |_| {
        session.store.active().track();
        editors.moved();
    });
    held::ask_about_held(session, room);
    keys::watch_presence(editors);
    keys::guard_unsent(session);

    // Said again, a part stays as it is: built anew it would lose its place and its focus.
    let side = Memo::new(move |_| room.side.get());
    view! {
        <div
            class="room"
            data-pane=move || room.pane.get().name()
            data-sidebar=move || if room.sidebar.get() { "open" } else { "closed" }
            data-panel=move || terminals.panel_name()
            style=move || {
                let (width, height) = (room.sidebar_width.get(), terminals.height.get());
                format!("--sidebar-width:{width}px;--panel-height:{height}px")
            }
        >
            <TitleBar />
            <ActivityBar />
            <aside class="sidebar" aria-label=text::SIDE_BAR data-part="side">
                {move || match side.get() {
                    Side::Explorer => view! { <Explorer state=room.explorer ask=explorer_asks /> }.into_any(),
                    Side::People => view! { <People ask=people_ask /> }.into_any(),
                }}
            </aside>
            <SplitHandle
                label=text::SIDE_BAR_WIDTH
                size=room.sidebar_width
                min=SIDEBAR_MIN
                max=SIDEBAR_MAX
                usual=SIDEBAR_USUAL
            />
            <Work />
            <When when=panel>
                <TerminalPanel />
            </When>
            <StatusBar />
            <BottomBar />
            <banners::Strip />
        </div>
        <Dialogs />
        <Palette />
                <EncodingPicker />
        <ToastStack
            toasts=Signal::derive(move || toasts(session, room))
            on_dismiss=move |id: u64| session.dismiss_toast(id as u32)
            close_label=text::CLOSE
        />
        <LiveRegion text=Signal::derive(move || session.store.announcement().get()) />
    }
}

fn toasts(session: SessionHandle, room: RoomView) -> Vec<Toast> {
    let toast = |toast: &store::Toast| Toast {
        id: u64::from(toast.id),
        tone: match toast.tone {
            store::Tone::Info => Tone::Info,
            store::Tone::Warning => Tone::Warning,
            store::Tone::Error => Tone::Danger,
        },
        text: toast.text.clone(),
        action: toast.action.as_ref().map(|action| match *action {
            store::ToastAction::ShowSalvage => ToastAction {
                label: text::SALVAGE_SHOW.to_owned(),
                run: Arc::new(move || room.asking.set(Some(Asking::Salvage))),
            },
            store::ToastAction::BringBack { document, offer } => ToastAction {
                label: text::BRING_BACK.to_owned(),
                run: Arc::new(move || session.bring_text_back(document, offer)),
            },
        }),
    };
    session.store.toasts().read().iter().map(toast).collect()
}

/// The value of `data-state` on the sync element.
pub(crate) const fn sync_name(sync: &SyncState) -> &'static str {
    match sync {
        SyncState::Offline => "offline",
        SyncState::Repairing => "repairing",
        SyncState::Synced => "synced",
        SyncState::Saved => "saved",
        SyncState::Opening
        | SyncState::Saving
        | SyncState::NotSaved(_)
        | SyncState::Gone
        | SyncState::Held => "saving",
    }
}
