//! The choice of an encoding for the shown file, as VS Code has it: first what for, then which.

use leptos::prelude::*;
use parlor_shared::client::EncodingFor;
use parlor_shared::message::Encoding;
use parlor_shared::role::Capability;

use super::RoomView;
use super::status::shown_text;
use crate::component::{CommandPalette, PaletteItem};
use crate::session::SessionHandle;
use crate::text;

/// What is being chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EncodingPick {
    /// What an encoding is wanted for.
    Purpose,
    /// Which, for this.
    For(EncodingFor),
}

const REOPEN: &str = "reopen";
const SAVE: &str = "save";

/// The picker, while something is being chosen.
#[component]
pub(super) fn EncodingPicker() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();

    // -- derived --
    let shown = shown_text(session);
    let item = |id: &str, label: &str, note: Option<&str>| PaletteItem {
        id: id.to_owned(),
        label: label.to_owned(),
        note: note.map(str::to_owned),
        keys: Vec::new(),
    };
    let purposes = move || {
        let reopen = item(REOPEN, text::ENCODING_REOPEN, Some(text::ENCODING_REOPEN_NOTE));
        let save = item(SAVE, text::ENCODING_SAVE, Some(text::ENCODING_SAVE_NOTE));
        let may = [(Capability::Edit, reopen), (Capability::Save, save)];
        may.into_iter().filter(|(needed, _)| session.may(*needed)).map(|(_, item)| item).collect::<Vec<_>>()
    };
    let encodings = move || {
        let now = shown.read().as_ref().map(|shown| shown.encoding);
        let entry = |encoding: &Encoding| {
            item(encoding.name(), encoding.name(), (now == Some(*encoding)).then_some(text::ENCODING_NOW))
        };
        Encoding::ALL.iter().map(entry).collect::<Vec<_>>()
    };

    view! {
        {move || {
            let pick = room.encoding.get()?;
            let (label, items) = match pick {
                EncodingPick::Purpose => (text::ENCODING_PICK_ACTION, Signal::derive(purposes)),
                EncodingPick::For(EncodingFor::Reopening) => (text::ENCODING_REOPEN, Signal::derive(encodings)),
                EncodingPick::For(EncodingFor::Saving) => (text::ENCODING_SAVE, Signal::derive(encodings)),
            };
            let run = move |id: String| match pick {
                EncodingPick::Purpose => {
                    let purpose = if id == SAVE { EncodingFor::Saving } else { EncodingFor::Reopening };
                    room.encoding.set(Some(EncodingPick::For(purpose)));
                }
                EncodingPick::For(purpose) => {
                    if let Some(encoding) = Encoding::ALL.iter().find(|encoding| encoding.name() == id) {
                        session.encode_active(purpose, *encoding);
                    }
                }
            };
            Some(view! {
                <CommandPalette
                    label=label
                    placeholder=text::ENCODING_PICK
                    none=text::ENCODING_NONE
                    items
                    on_run=run
                    on_close=move |()| room.encoding.set(None)
                />
            })
        }}
    }
}
