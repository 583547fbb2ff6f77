//! The lines in which somebody is typing: nothing outside may take a blank from under their hands.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::document::{Document, StickyPosition};
use crate::id::ParticipantId;

/// How long a line stays active after its author typed in it.
pub const ACTIVE: Duration = Duration::from_secs(30);

/// Where one participant typed, and is.
#[derive(Debug)]
struct Hand {
    typed: StickyPosition,
    at: Duration,
    /// Where the caret went since, if that is known.
    caret: Option<StickyPosition>,
}

/// Who types where in a document.
#[derive(Debug, Default)]
pub struct ActiveLines {
    hands: BTreeMap<ParticipantId, Hand>,
}

impl ActiveLines {
    /// Somebody typed up to here.
    pub fn typed(&mut self, who: ParticipantId, typed: StickyPosition, now: Duration) {
        self.hands.insert(who, Hand { typed, at: now, caret: None });
    }

    /// Somebody's caret is here now.
    pub fn moved(&mut self, who: ParticipantId, caret: StickyPosition) {
        if let Some(hand) = self.hands.get_mut(&who) {
            hand.caret = Some(caret);
        }
    }

    /// Somebody does not have the document open any more.
    pub fn left(&mut self, who: ParticipantId) {
        self.hands.remove(&who);
    }

    /// An offset in each active line, in UTF-16 units; of `text`, which is the document's. Forgets whoever stopped typing.
    pub fn offsets(&mut self, document: &Document, text: &str, now: Duration) -> Vec<u32> {
        self.hands.retain(|_, hand| now < hand.at + ACTIVE);
        let here = self.hands.values().filter_map(|hand| {
            let typed = document.resolve(&hand.typed)?;
            let caret = hand.caret.as_ref().and_then(|caret| document.resolve(caret));
            Some((typed, caret.unwrap_or(typed)))
        });
        let here: Vec<(u32, u32)> = here.collect();
        if here.is_empty() {
            return Vec::new();
        }
        let ends: Vec<u32> = line_ends(text).collect();
        let line = |offset: u32| ends.partition_point(|end| *end < offset);
        here.into_iter()
            .filter(|(typed, caret)| line(*typed) == line(*caret))
            .map(|(typed, _)| typed)
            .collect()
    }

    /// When the next line stops being active if nobody types: what waits for it is due then.
    pub fn next_change(&self) -> Option<Duration> {
        self.hands.values().map(|hand| hand.at + ACTIVE).min()
    }
}

/// The offsets at which lines end, before their line ends.
fn line_ends(text: &str) -> impl Iterator<Item = u32> {
    let mut offset = 0;
    text.chars().filter_map(move |c| {
        let at = offset;
        offset += c.len_utf16() as u32;
        (c == '\n').then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Side, Splice};
    use crate::id::AuthorId;

    const ANN: ParticipantId = ParticipantId(1);

    #[test]
    fn a_line_is_active_while_its_author_is_in_it_and_for_half_a_minute() {
        let mut document = Document::new(AuthorId::AGENT);
        document.edit(&[Splice { at: 0, delete: 0, insert: "one \ntwo\n".to_owned() }]).unwrap();
        let mut active = ActiveLines::default();
        active.typed(ANN, document.sticky(4, Side::Before), Duration::ZERO);
        let offsets = |active: &mut ActiveLines, document: &Document, seconds| {
            active.offsets(document, &document.text(), Duration::from_secs(seconds))
        };
        assert_eq!(offsets(&mut active, &document, 29), [4]);
        // Others write above.
        document.edit(&[Splice { at: 0, delete: 0, insert: "zero\n".to_owned() }]).unwrap();
        assert_eq!(offsets(&mut active, &document, 29), [9]);
        active.moved(ANN, document.sticky(6, Side::Before));
        assert_eq!(offsets(&mut active, &document, 29), [9]);
        active.moved(ANN, document.sticky(11, Side::Before));
        assert_eq!(offsets(&mut active, &document, 29), Vec::<u32>::new());
        active.typed(ANN, document.sticky(11, Side::Before), Duration::from_secs(20));
        assert_eq!(active.next_change(), Some(Duration::from_secs(50)));
        assert_eq!(offsets(&mut active, &document, 49), [11]);
        assert_eq!(offsets(&mut active, &document, 50), Vec::<u32>::new());
        assert_eq!(active.next_change(), None);
    }
}
