//! The command palette, filled with what can be done now.

use leptos::prelude::*;

use super::RoomView;
use super::action::{Action, Stage, available};
use crate::component::{CommandPalette, When};
use crate::editor::EditorsHandle;
use crate::session::SessionHandle;
use crate::terminal::TerminalsHandle;
use crate::text;

/// The palette, while it is open.
#[component]
pub(super) fn Palette() -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let room = RoomView::expect();
    let terminals = TerminalsHandle::expect();
    let stage = Stage { session, room, editors: EditorsHandle::expect(), terminals };

    // -- actions --
    let run = move |id: String| {
        let action = untrack(|| available(stage)).into_iter().find(|action| action.id() == id);
        if let Some(Action { command, about }) = action {
            stage.run(command, about.as_ref());
        }
    };

    view! {
        <When when=Signal::derive(move || room.palette.get())>
            <CommandPalette
                label=text::PALETTE
                placeholder=text::PALETTE_PLACEHOLDER
                none=text::PALETTE_NONE
                items=Signal::derive(move || {
                    available(stage).iter().map(Action::item).collect::<Vec<_>>()
                })
                on_run=run
                on_close=move |()| room.palette.set(false)
            />
        </When>
    }
}
