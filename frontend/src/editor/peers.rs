//! Places in a text: mine for the others, theirs for the editor.

use parlor_shared::client::Client;
use parlor_shared::document::{Document, Side};
use parlor_shared::id::{DocumentId, ParticipantId};
use parlor_shared::limits::MAX_SELECTIONS;
use parlor_shared::message::Activity;
use parlor_shared::presence::{Place, Presence, Selection};

use super::binding::Binding;
use crate::js::editor::{Peer, PeerActivity, Selections};
use crate::session::SessionHandle;

/// Where I am: the file of the active tab, and all my selections if it is a text.
pub(super) fn own(session: SessionHandle, shown: Option<&Binding>, activity: Activity) -> Presence {
    let file = session.active_tab().and_then(|tab| tab.path().cloned());
    let place = shown.and_then(|binding| {
        let selections = binding.editor().selections();
        let viewport = binding.viewport();
        let document = binding.document();
        session.read(|client| {
            let replica = client.document(document)?.document();
            Some(place(replica, document, &selections, viewport))
        })?
    });
    Presence { file, place, activity }
}

fn place(replica: &Document, document: DocumentId, mine: &Selections, viewport: (u32, u32)) -> Place {
    // The main selection is always among those that are sent.
    let main = mine.main as usize;
    let first = (main + 1).saturating_sub(MAX_SELECTIONS);
    let selections = mine.ranges.iter().skip(first).take(MAX_SELECTIONS);
    let selections = selections.map(|(anchor, head)| selection(replica, *anchor, *head)).collect();
    Place {
        document,
        selections,
        main: (main - first) as u16,
        viewport: Some((replica.sticky(viewport.0, Side::Before), replica.sticky(viewport.1, Side::Before))),
    }
}

/// A caret stays behind what its person typed; a selection does not grow by what others type at its ends.
fn selection(replica: &Document, anchor: u32, head: u32) -> Selection {
    let (anchor_side, head_side) = match anchor.cmp(&head) {
        std::cmp::Ordering::Less => (Side::After, Side::Before),
        std::cmp::Ordering::Equal => (Side::Before, Side::Before),
        std::cmp::Ordering::Greater => (Side::Before, Side::After),
    };
    Selection { anchor: replica.sticky(anchor, anchor_side), head: replica.sticky(head, head_side) }
}

/// Everybody else in a text, as far as the text that they stand in has arrived.
pub(super) fn others(session: SessionHandle, document: DocumentId) -> Vec<Peer> {
    let peers = session.read(|client| {
        let replica = client.document(document)?.document();
        let me = client.membership().map(|membership| membership.me);
        let places = client.presences().in_document(document).filter(|(id, _)| Some(*id) != me);
        Some(places.filter_map(|(id, place)| peer(client, replica, id, place)).collect())
    });
    peers.flatten().unwrap_or_default()
}

fn peer(client: &Client, replica: &Document, id: ParticipantId, place: &Place) -> Option<Peer> {
    let participant = client.participant(id)?;
    let away = client.presences().get(id).is_some_and(|presence| presence.activity == Activity::Away);
    let mut main = 0;
    let mut ranges = Vec::with_capacity(place.selections.len());
    for (index, selection) in place.selections.iter().enumerate() {
        let resolved = replica.resolve(&selection.anchor).zip(replica.resolve(&selection.head));
        if index == usize::from(place.main) {
            main = ranges.len() as u32;
        }
        ranges.extend(resolved);
    }
    let main = main.min(ranges.len().saturating_sub(1) as u32);
    (!ranges.is_empty()).then(|| Peer {
        id: id.0,
        name: participant.name.clone(),
        color: participant.color,
        role: participant.role.to_string(),
        selections: Selections { ranges, main },
        activity: if away { PeerActivity::Away } else { PeerActivity::Active },
    })
}
