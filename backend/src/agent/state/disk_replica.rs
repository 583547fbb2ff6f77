//! What a document's file held when it was last read or written.

use parlor_shared::document::{Document, Splice};
use parlor_shared::id::AuthorId;

/// A replica of the text that stands for its file. It has nothing that the text has not.
///
/// It is kept encoded: only when another program changes the file is it needed as a replica that lives, and one that
/// lives takes about fifteen times as much memory for a long history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) struct DiskReplica {
    state: Vec<u8>,
}

impl DiskReplica {
    /// The file was not read yet.
    pub(in crate::agent) fn unread() -> Self {
        Self::of(&Document::new(AuthorId::DISK))
    }

    /// The file holds this text, all of it.
    pub(in crate::agent) fn of(text: &Document) -> Self {
        Self { state: text.missing_from(&[]).expect("an empty state vector can be read") }
    }

    /// All that it has, as an update.
    pub(in crate::agent) fn state(&self) -> &[u8] {
        &self.state
    }

    /// What the file held.
    pub(in crate::agent) fn text(&self) -> String {
        self.live().text()
    }

    /// It has this update of our own as well.
    pub(in crate::agent) fn with(&self, update: &[u8]) -> Self {
        let mut live = self.live();
        live.apply([update]).expect("our own update can be read");
        Self::of(&live)
    }

    /// Another program did this to the file: gives the update that does the same to the text, unless it is nothing.
    pub(in crate::agent) fn changed_by(&mut self, splices: &[Splice]) -> Option<Vec<u8>> {
        let mut live = self.live();
        let update = live.edit(splices).expect("the difference of a text fits it")?;
        *self = Self::of(&live);
        Some(update)
    }

    fn live(&self) -> Document {
        let mut live = Document::new(AuthorId::DISK);
        live.apply([self.state.as_slice()]).expect("our own state can be read");
        live
    }
}

#[cfg(test)]
mod tests {
    use parlor_shared::document::diff;

    use super::*;

    fn changed_to(file: &mut DiskReplica, text: &str) -> Option<Vec<u8>> {
        file.changed_by(&diff::splices(&file.text(), text))
    }

    #[test]
    fn what_another_program_writes_comes_to_the_text_beside_what_was_typed_meanwhile() {
        let mut file = DiskReplica::unread();
        let mut text = Document::new(AuthorId::AGENT);
        let read = changed_to(&mut file, "one\ntwo\n").unwrap();
        text.apply([read.as_slice()]).unwrap();
        assert_eq!(file, DiskReplica::of(&text));

        text.edit(&[Splice { at: 3, delete: 0, insert: " typed".to_owned() }]).unwrap();
        for appended in ["one\ntwo\nthree\n", "one\ntwo\nthree\nfour\n"] {
            let outside = changed_to(&mut file, appended).unwrap();
            text.apply([outside.as_slice()]).unwrap();
            assert_eq!(file.text(), appended);
        }
        assert_eq!(text.text(), "one typed\ntwo\nthree\nfour\n");
        assert_eq!(changed_to(&mut file, "one\ntwo\nthree\nfour\n"), None);
    }
}
