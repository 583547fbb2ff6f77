//! Where participants stand: latest wins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::StickyPosition;
use crate::fault::{Fault, FaultCode};
use crate::id::{DocumentId, ParticipantId};
use crate::limits::{MAX_SELECTIONS, MAX_STICKY_BYTES};
use crate::message::Activity;
use crate::path::WorkspacePath;

/// One selection. An empty one is a caret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The end that stays.
    pub anchor: StickyPosition,
    /// The end that moves: where the caret is drawn.
    pub head: StickyPosition,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The document.
    pub document: DocumentId,
    /// All selections; the one at [`Place::main`] is the last touched.
    pub selections: Vec<Selection>,
    /// Index of the main selection.
    pub main: u16,
    /// The part of the text in view: first and last visible position.
    pub viewport: Option<(StickyPosition, StickyPosition)>,
}

/// Where a participant is and whether it is at the keyboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The file it looks at, a text or not.
    pub file: Option<WorkspacePath>,
    /// Its place in that file, if it is a text.
    pub place: Option<Place>,
    /// At the keyboard or away.
    pub activity: Activity,
}

impl Presence {
    /// Checks the limits on what a guest says of itself.
    ///
    /// # Errors
    /// [`FaultCode::TooLarge`] with the count and the limit; [`FaultCode::Malformed`] if the main selection is none
    /// of the selections.
    pub fn check(&self) -> Result<(), Fault> {
        let Some(place) = &self.place else { return Ok(()) };
        if place.selections.len() > MAX_SELECTIONS {
            return Err(Fault::new(FaultCode::TooLarge).with(place.selections.len()).with(MAX_SELECTIONS));
        }
        if usize::from(place.main) >= place.selections.len().max(1) {
            return Err(FaultCode::Malformed.into());
        }
        let ends = place.selections.iter().flat_map(|selection| [&selection.anchor, &selection.head]);
        let viewport = place.viewport.iter().flat_map(|(first, last)| [first, last]);
        match ends.chain(viewport).map(|position| position.0.len()).max() {
            Some(longest) if longest > MAX_STICKY_BYTES => {
                Err(Fault::new(FaultCode::TooLarge).with(longest).with(MAX_STICKY_BYTES))
            }
            _ => Ok(()),
        }
    }
}

/// Everybody's presence.
#[derive(Clone, Debug, Default)]
pub struct PresenceMap {
    present: BTreeMap<ParticipantId, Presence>,
}

impl PresenceMap {
    /// Somebody is somewhere; says whether that is new.
    pub fn set(&mut self, participant: ParticipantId, presence: Presence) -> bool {
        if self.present.get(&participant) == Some(&presence) {
            return false;
        }
        self.present.insert(participant, presence);
        true
    }

    /// Somebody left.
    pub fn remove(&mut self, participant: ParticipantId) {
        self.present.remove(&participant);
    }

    /// Nobody is here any more.
    pub fn clear(&mut self) {
        self.present.clear();
    }

    /// Where somebody is.
    pub fn get(&self, participant: ParticipantId) -> Option<&Presence> {
        self.present.get(&participant)
    }

    /// Everybody, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ParticipantId, &Presence)> {
        self.present.iter().map(|(id, presence)| (*id, presence))
    }

    /// Everybody who is in a document, with the place.
    pub fn in_document(&self, document: DocumentId) -> impl Iterator<Item = (ParticipantId, &Place)> {
        self.iter().filter_map(move |(id, presence)| {
            presence.place.as_ref().filter(|place| place.document == document).map(|place| (id, place))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_presence_wins_and_a_repeated_one_is_no_news() {
        let mut map = PresenceMap::default();
        let away = Presence { activity: Activity::Away, ..Presence::default() };
        assert!(map.set(ParticipantId(1), Presence::default()));
        assert!(!map.set(ParticipantId(1), Presence::default()));
        assert!(map.set(ParticipantId(1), away.clone()));
        assert_eq!(map.get(ParticipantId(1)), Some(&away));
        map.remove(ParticipantId(1));
        assert_eq!(map.iter().count(), 0);
    }

    #[test]
    fn too_many_selections_and_overlong_positions_are_refused() {
        let selection = |bytes: usize| Selection {
            anchor: StickyPosition(vec![0; bytes]),
            head: StickyPosition(vec![0; 4]),
        };
        let presence = |selections| Presence {
            place: Some(Place { document: DocumentId(1), selections, main: 0, viewport: None }),
            ..Presence::default()
        };
        assert!(presence(vec![selection(4); MAX_SELECTIONS]).check().is_ok());
        assert!(presence(vec![selection(4); MAX_SELECTIONS + 1]).check().is_err());
        assert!(presence(vec![selection(MAX_STICKY_BYTES + 1)]).check().is_err());
    }
}
