//! What each command of the palette and each key does, and when it can be done.

use leptos::prelude::*;
use parlor_shared::client::EncodingFor;
use parlor_shared::message::{Encoding, NewEntry, TerminalInfo};
use parlor_shared::role::{Capability, Grant, Role};
use parlor_shared::terminal::{Access, SizePolicy};
use wasm_bindgen_futures::spawn_local;

use super::keys::{Direction, focus_part};
use super::{Asking, EncodingPick, Pane, RoomView, Side};
use crate::component::PaletteItem;
use crate::editor::EditorsHandle;
use crate::js::browser::copy_text;
use crate::js::editor::{EditedBy, Editor};
use crate::js::terminal::OwnedTerminal;
use crate::session::SessionHandle;
use crate::session::command::Step;
use crate::session::store::{Person, SessionStateStoreFields as _, Standing, Tone, Who};
use crate::settings::{NameFlags, Theme};
use crate::terminal::TerminalsHandle;
use crate::text::{self, Command};

/// A command, and whom it is about if it is about somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) command: Command,
    pub(super) about: Option<Person>,
}

/// What commands work on.
#[derive(Clone, Copy)]
pub(super) struct Stage {
    pub(super) session: SessionHandle,
    pub(super) room: RoomView,
    pub(super) editors: EditorsHandle,
    pub(super) terminals: TerminalsHandle,
}

/// Everything that can be done now, in the order of the palette.
pub(super) fn available(stage: Stage) -> Vec<Action> {
    let session = stage.session;
    let people = session.store.people().get();
    let others: Vec<&Person> = people.iter().filter(|person| person.who == Who::Other).collect();
    let mut actions = Vec::new();
    for command in Command::ALL {
        if !is_available(command, stage) {
            continue;
        }
        match about_whom(command) {
            None => actions.push(Action { command, about: None }),
            Some(fits) => actions.extend(
                others
                    .iter()
                    .filter(|person| fits(person))
                    .map(|person| Action { command, about: Some((*person).clone()) }),
            ),
        }
    }
    actions
}

/// For a command about a participant: about which.
fn about_whom(command: Command) -> Option<fn(&Person) -> bool> {
    match command {
        Command::GoToParticipant => Some(|person| person.file.is_some()),
        Command::MakeReadOnly => Some(|person| person.role == Role::Editor),
        Command::MakeEditor => Some(|person| person.role == Role::Viewer),
        Command::LetOpenTerminals => {
            Some(|person| person.role.may_be_granted(Capability::OpenTerminal) && !person.opens_by_grant())
        }
        Command::StopOpeningTerminals => Some(Person::opens_by_grant),
        Command::RemoveParticipant => Some(|person| person.role != Role::Host),
        _ => None,
    }
}

impl Action {
    /// What the palette shows.
    pub(super) fn item(&self) -> PaletteItem {
        PaletteItem {
            id: self.id(),
            label: self.command.label().to_owned(),
            note: self.about.as_ref().map(|person| person.name.clone()),
            keys: self
                .command
                .keys()
                .iter()
                .map(|key| if *key == "Mod" { mod_key() } else { *key })
                .collect(),
        }
    }

    /// Tells it from every other action.
    pub(super) fn id(&self) -> String {
        let about = self.about.as_ref().map(|person| person.id.0);
        format!("{:?} {about:?}", self.command)
    }
}

fn is_available(command: Command, stage: Stage) -> bool {
    let Stage { session, terminals, .. } = stage;
    let terminal = |fits: fn(&TerminalInfo) -> bool| terminals.current().is_some_and(|info| fits(&info));
    let may = |capability| session.may(capability);
    let live = || *session.standing.read() == Standing::Live;
    let has_tab = || session.store.active().read().is_some();
    let has_text = || {
        let active = session.store.active().get();
        let tabs = session.store.tabs().read();
        tabs.iter().any(|tab| Some(tab.id) == active && tab.document().is_some())
    };
    let in_editor = |terminals: TerminalsHandle| {
        terminals.current().map(|info| terminals.is_in_editor_area(info.terminal))
    };
    match command {
        Command::CopyInvite
        | Command::CopyViewerInvite
        | Command::ShowInvites
        | Command::MakeReadOnly
        | Command::MakeEditor
        | Command::LetOpenTerminals
        | Command::StopOpeningTerminals
        | Command::RemoveParticipant
        | Command::EndSession => may(Capability::Administer) && live(),
        Command::NewFile | Command::NewFolder | Command::Rename | Command::Delete => {
            may(Capability::ManageFiles) && live()
        }
        Command::Save | Command::SaveWithEncoding | Command::SaveAsUtf8 => {
            may(Capability::Save) && has_text()
        }
        Command::ReopenWithEncoding => may(Capability::Edit) && has_text(),
        Command::TryNow => matches!(*session.standing.read(), Standing::Reconnecting(_)),
        Command::ChangeName | Command::GoToParticipant => live(),
        Command::CloseTab
        | Command::CloseOtherTabs
        | Command::CloseAllTabs
        | Command::NextTab
        | Command::PreviousTab => has_tab(),
        Command::RevealActive | Command::CopyPath => session.active_path().is_some(),
        Command::FocusEditor | Command::Find | Command::GoToLine | Command::CheckSync => has_text(),
        Command::Undo | Command::Redo | Command::UndoAnyone => has_text() && may(Capability::Edit),
        Command::ShowUnsent => !session.store.salvage().read().is_empty(),
        Command::ShareTerminal | Command::ShareTerminalReadOnly => may(Capability::Share) && live(),
        // The host chooses, too, who may type in it.
        Command::NewTerminal => may(Capability::OpenTerminal) && !may(Capability::Share) && live(),
        Command::TerminalReadOnly => {
            may(Capability::Share) && terminal(|info| info.access != Access::ReadOnly)
        }
        Command::TerminalCollaborative => {
            may(Capability::Share) && terminal(|info| info.access == Access::ReadOnly)
        }
        Command::UnshareTerminal
        | Command::RestartTerminal
        | Command::TerminalSizeHost
        | Command::TerminalSizeWriter
        | Command::TerminalSizeFixed => may(Capability::Share) && terminal(|_| true),
        Command::AskToType => terminals.current().is_some_and(|info| !session.may_type(&info)),
        Command::NextTerminal | Command::PreviousTerminal => session.store.terminals().read().len() > 1,
        Command::SplitTerminal => terminals.panel_has_terminal(),
        Command::MoveTerminalToEditor => in_editor(terminals) == Some(false),
        Command::MoveTerminalToPanel => in_editor(terminals) == Some(true),
        Command::FindInTerminal
        | Command::ClearTerminal
        | Command::CopyTerminal
        | Command::SelectTerminal => terminal(|_| true),
        Command::ListParticipants
        | Command::LeaveSession
        | Command::CollapseFolders
        | Command::FocusFiles
        | Command::FocusPeople
        | Command::ToggleSideBar
        | Command::NextPart
        | Command::PreviousPart
        | Command::ShowPalette
        | Command::ToggleWrap
        | Command::FontLarger
        | Command::FontSmaller
        | Command::FontUsual
        | Command::ThemeSystem
        | Command::ThemeLight
        | Command::ThemeDark
        | Command::FlagsNever
        | Command::FlagsActivity
        | Command::FlagsAlways
        | Command::ToggleTerminal
        | Command::FocusTerminal
        | Command::MaximisePanel
        | Command::TerminalLarger
        | Command::TerminalSmaller
        | Command::TerminalUsual
        | Command::TerminalReadAloud => true,
    }
}

impl Stage {
    /// Carries a command out; one that can not be done now does nothing.
    pub(super) fn run(self, command: Command, about: Option<&Person>) {
        let Self { session, room, terminals, .. } = self;
        if !untrack(|| is_available(command, self)) {
            return;
        }
        let active = session.store.active().get_untracked();
        let chosen = room.explorer.chosen.get_untracked();
        let person = about.map(|person| person.id);
        match command {
            Command::CopyInvite => copy_invite(session, Role::Editor),
            Command::CopyViewerInvite => copy_invite(session, Role::Viewer),
            Command::ShowInvites => room.asking.set(Some(Asking::Share)),
            Command::ListParticipants | Command::FocusPeople => room.show_side(Side::People),
            Command::GoToParticipant => {
                if let Some(person) = person {
                    room.pane.set(Pane::Editor);
                    session.go_to_person(person);
                }
            }
            Command::MakeReadOnly | Command::MakeEditor => {
                let role = if command == Command::MakeEditor { Role::Editor } else { Role::Viewer };
                if let Some(person) = person {
                    session.set_role(person, role);
                }
            }
            Command::LetOpenTerminals | Command::StopOpeningTerminals => {
                let grant = if command == Command::LetOpenTerminals { Grant::Given } else { Grant::Taken };
                if let Some(person) = person {
                    session.set_opens_terminals(person, grant);
                }
            }
            Command::RemoveParticipant => room.asking.set(person.map(Asking::Remove)),
            Command::ChangeName => room.asking.set(Some(Asking::Name)),
            Command::EndSession => room.asking.set(Some(Asking::End)),
            Command::LeaveSession => room.asking.set(Some(Asking::Leave)),
            Command::TryNow => session.try_now(),
            Command::CheckSync => session.check_sync(),
            Command::NewFile | Command::NewFolder => {
                let entry = if command == Command::NewFile { NewEntry::File } else { NewEntry::Folder };
                room.show_side(Side::Explorer);
                room.explorer.name_new(session, entry);
            }
            Command::Rename => {
                if let Some(path) = chosen {
                    room.show_side(Side::Explorer);
                    room.explorer.rename(session, path);
                }
            }
            Command::Delete => room.asking.set(chosen.map(Asking::Delete)),
            Command::CopyPath => {
                if let Some(path) = untrack(|| session.active_path()) {
                    copy(session, path.to_string(), text::PATH_COPIED);
                }
            }
            Command::Save => session.save_active(),
            Command::CloseTab => {
                if let Some(active) = active {
                    session.close_tab(active);
                }
            }
            Command::CloseOtherTabs => session.close_other_tabs(active),
            Command::CloseAllTabs => session.close_other_tabs(None),
            Command::NextTab => session.step_tab(Step::Next),
            Command::PreviousTab => session.step_tab(Step::Previous),
            Command::RevealActive => {
                if let Some(path) = untrack(|| session.active_path()) {
                    room.show_side(Side::Explorer);
                    room.explorer.show(session, &path);
                }
            }
            Command::CollapseFolders => session.collapse_all(),
            Command::FocusFiles => {
                room.show_side(Side::Explorer);
                room.explorer.focus_soon();
            }
            Command::ToggleSideBar => room.sidebar.update(|open| *open = !*open),
            Command::FocusEditor => {
                room.pane.set(Pane::Editor);
                self.with_editor(|editor| editor.focus());
            }
            Command::NextPart => focus_part(Direction::Forward),
            Command::PreviousPart => focus_part(Direction::Backward),
            Command::ShowPalette => room.palette.set(true),
            Command::Find => self.with_editor(Editor::open_search),
            Command::GoToLine => self.with_editor(Editor::goto_line),
            Command::Undo => self.with_editor(|editor| {
                editor.undo();
                editor.focus();
            }),
            Command::Redo => self.with_editor(|editor| {
                editor.redo();
                editor.focus();
            }),
            Command::UndoAnyone => self.with_editor(|editor| {
                session.toast(Tone::Info, self.undone(editor.undo_last()), None);
                editor.focus();
            }),
            Command::ReopenWithEncoding => room.encoding.set(Some(EncodingPick::For(EncodingFor::Reopening))),
            Command::SaveWithEncoding => room.encoding.set(Some(EncodingPick::For(EncodingFor::Saving))),
            Command::SaveAsUtf8 => session.encode_active(EncodingFor::Saving, Encoding::Utf8),
            Command::ToggleWrap => room.settings.toggle_wrap(),
            Command::FontLarger => room.settings.resize_font(1),
            Command::FontSmaller => room.settings.resize_font(-1),
            Command::FontUsual => room.settings.reset_font(),
            Command::ThemeSystem => room.settings.theme.set(Theme::System),
            Command::ThemeLight => room.settings.theme.set(Theme::Light),
            Command::ThemeDark => room.settings.theme.set(Theme::Dark),
            Command::FlagsNever => room.settings.name_flags.set(NameFlags::Never),
            Command::FlagsActivity => room.settings.name_flags.set(NameFlags::Activity),
            Command::FlagsAlways => room.settings.name_flags.set(NameFlags::Always),
            Command::ShowUnsent => room.asking.set(Some(Asking::Salvage)),
            Command::ShareTerminal => session.share_terminal(Access::Collaborative),
            Command::NewTerminal | Command::ShareTerminalReadOnly => session.share_terminal(Access::ReadOnly),
            Command::ToggleTerminal => terminals.toggle(),
            Command::FocusTerminal => terminals.focus(),
            Command::MaximisePanel => terminals.toggle_maximised(),
            Command::NextTerminal => terminals.step(1),
            Command::PreviousTerminal => terminals.step(-1),
            Command::SplitTerminal => terminals.split(),
            Command::FindInTerminal => terminals.with_active(OwnedTerminal::open_find),
            Command::ClearTerminal => terminals.with_active(OwnedTerminal::clear),
            Command::CopyTerminal => terminals.with_active(OwnedTerminal::copy),
            Command::SelectTerminal => terminals.with_active(OwnedTerminal::select_all),
            Command::TerminalLarger => room.settings.resize_terminal_font(1),
            Command::TerminalSmaller => room.settings.resize_terminal_font(-1),
            Command::TerminalUsual => room.settings.reset_terminal_font(),
            Command::TerminalReadAloud => room.settings.toggle_read_aloud(),
            Command::UnshareTerminal
            | Command::AskToType
            | Command::MoveTerminalToEditor
            | Command::MoveTerminalToPanel
            | Command::TerminalReadOnly
            | Command::TerminalCollaborative
            | Command::RestartTerminal
            | Command::TerminalSizeHost
            | Command::TerminalSizeWriter
            | Command::TerminalSizeFixed => {
                if let Some(info) = untrack(|| terminals.current()) {
                    self.run_on_terminal(command, &info);
                }
            }
        }
    }

    /// What is about the terminal that was used last.
    fn run_on_terminal(self, command: Command, info: &TerminalInfo) {
        let Self { session, room, terminals, .. } = self;
        let terminal = info.terminal;
        match command {
            Command::UnshareTerminal => room.asking.set(Some(Asking::Unshare(terminal))),
            Command::AskToType => {
                session.with(|client| client.ask_to_type(terminal));
            }
            Command::MoveTerminalToEditor => terminals.move_to_editor(terminal),
            Command::MoveTerminalToPanel => terminals.move_to_panel(terminal),
            Command::TerminalReadOnly => session.set_access(terminal, Access::ReadOnly),
            Command::TerminalCollaborative => session.set_access(terminal, Access::Collaborative),
            Command::RestartTerminal => session.restart_terminal(terminal),
            Command::TerminalSizeHost => session.set_size_policy(terminal, SizePolicy::Host),
            Command::TerminalSizeWriter => session.set_size_policy(terminal, SizePolicy::LatestWriter),
            _ => session.set_size_policy(terminal, SizePolicy::Fixed(info.size)),
        }
    }

    /// Whose change was taken back, for people.
    fn undone(self, by: Option<EditedBy>) -> String {
        match by {
            None => text::NOTHING_TO_UNDO.to_owned(),
            Some(EditedBy::Me) => text::UNDID_MINE.to_owned(),
            Some(EditedBy::Disk) => text::UNDID_DISK.to_owned(),
            Some(EditedBy::Other(participant)) => self.session.store.people().with_untracked(|people| {
                let person = people.iter().find(|person| person.id.0 == participant);
                text::undid(person.map(|person| person.name.as_str()))
            }),
            Some(EditedBy::Anybody) => text::undid(None),
        }
    }

    fn with_editor(self, action: impl FnOnce(&Editor)) {
        if let Some(editor) = self.editors.shown() {
            action(&editor);
        }
    }
}

/// Copies the link that grants a role.
fn copy_invite(session: SessionHandle, role: Role) {
    let link = session.store.invites().with_untracked(|invites| {
        invites.iter().find(|invite| invite.role == role).map(|invite| invite.link.clone())
    });
    match link {
        Some(link) => copy(session, link, text::LINK_COPIED),
        None => session.toast(Tone::Warning, text::SHARE_NONE.to_owned(), None),
    }
}

/// Copies a text and says so.
pub(super) fn copy(session: SessionHandle, value: String, done: &'static str) {
    spawn_local(async move {
        if copy_text(&value).await {
            session.toast(Tone::Info, done.to_owned(), None);
        } else {
            session.toast(Tone::Warning, text::COPY_FAILED.to_owned(), None);
        }
    });
}

fn mod_key() -> &'static str {
    let platform = window().navigator().platform().unwrap_or_default();
    if platform.starts_with("Mac") || platform.starts_with("iP") { "⌘" } else { "Ctrl" }
}
