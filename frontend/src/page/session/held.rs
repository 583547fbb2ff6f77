//! The question about edits that were made while others changed the same lines: what they are, and what to do.

use leptos::prelude::*;
use parlor_shared::document::hunks::{HunkLine, hunks};
use parlor_shared::id::DocumentId;

use super::{Asking, RoomView};
use crate::component::{Button, ButtonKind, Dialog, DialogSize};
use crate::session::SessionHandle;
use crate::session::store::SessionStateStoreFields as _;
use crate::text;

/// Unchanged lines around each change.
const CONTEXT_LINES: usize = 3;

/// Lines that are shown; whoever typed more than this knows it, and a page of ten thousand lines helps nobody.
const MAX_LINES: usize = 400;

/// Asks as soon as something waits and nothing else is asked; takes the question back when there is nothing to decide.
pub(super) fn ask_about_held(session: SessionHandle, room: RoomView) {
    Effect::new(move |before: Option<Vec<DocumentId>>| {
        let held = session.store.held().get();
        let asking = room.asking.get_untracked();
        if let Some(Asking::Held(document)) = &asking
            && !held.contains(document)
        {
            room.asking.set(held.first().copied().map(Asking::Held));
        } else if asking.is_none() {
            // Closed by the person, it is asked again by the banner alone.
            let new =
                held.iter().find(|document| before.as_ref().is_none_or(|before| !before.contains(document)));
            if let Some(document) = new {
                room.asking.set(Some(Asking::Held(*document)));
            }
        }
        held
    });
}

/// The file, the edits in it, and the two ways out.
#[component]
pub(super) fn HeldDialog(document: DocumentId, close: Callback<()>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let held = session.read(|client| client.held(document)).flatten();

    // -- derived --
    let Some(held) = held else {
        // The connection broke again: asked anew when it is back.
        return ().into_any();
    };
    let title = text::held_title(held.path.name());
    let path = held.path.to_string();
    let hunks = hunks(&held.host, &held.mine, CONTEXT_LINES);
    let count: usize = hunks.iter().map(|hunk| hunk.lines.len()).sum();
    let mut left = MAX_LINES;
    let hunks: Vec<_> = hunks
        .into_iter()
        .filter_map(|hunk| {
            let lines: Vec<HunkLine> = hunk.lines.into_iter().take(left).collect();
            left -= lines.len();
            (!lines.is_empty()).then(|| {
                let lines: Vec<_> = lines.into_iter().map(line).collect();
                view! {
                    <div class="diff-hunk">
                        <p class="diff-place">{text::held_line(hunk.line)}</p>
                        {lines}
                    </div>
                }
            })
        })
        .collect();
    let more = count.saturating_sub(MAX_LINES);

    let footer = move || {
        view! {
            <Button kind=ButtonKind::Ghost on_press=move |_| close.run(())>
                {text::HELD_LATER}
            </Button>
            <Button on_press=move |_| session.take_hosts(document)>{text::HELD_TAKE}</Button>
            <Button kind=ButtonKind::Primary attr:autofocus=true on_press=move |_| session.send_held(document)>
                {text::HELD_SEND}
            </Button>
        }
    };
    view! {
        <Dialog
            title=title
            close_label=text::CLOSE
            on_close=close
            size=DialogSize::Wide
            footer=footer
            attr:data-testid="held"
        >
            <p>{text::HELD_TEXT}</p>
            <p class="diff-path">{path}</p>
            <div class="diff" role="region" tabindex="0" aria-label=text::HELD_DIFF>
                {hunks}
                {(more > 0).then(|| view! { <p class="diff-place">{text::held_more(more)}</p> })}
            </div>
        </Dialog>
    }
    .into_any()
}

fn line(line: HunkLine) -> impl IntoView {
    let (kind, sign, word, text) = match line {
        HunkLine::Same(text) => ("same", "", None, text),
        HunkLine::Removed(text) => ("removed", "−", Some(text::HELD_REMOVED), text),
        HunkLine::Added(text) => ("added", "+", Some(text::HELD_ADDED), text),
    };
    view! {
        <div class="diff-line" data-kind=kind>
            <span class="diff-sign" aria-hidden="true">{sign}</span>
            {word.map(|word| view! { <span class="visually-hidden">{format!("{word}: ")}</span> })}
            <code class="diff-text">{text}</code>
        </div>
    }
}
