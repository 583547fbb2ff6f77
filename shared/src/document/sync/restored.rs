//! A replica that outlived its program: what its author wrote before, and what is typed until the host was heard again.
//!
//! No two contents may ever stand under one clock of an author. A replica that comes back from a draft may lack what its
//! author sent last, because the program ended before the draft was written; so nothing may be written as that author
//! until the host has told what it has of it. Until then what is typed stands in the shown replica under
//! [`AuthorId::NOT_YET`], which is never sent. When the whole of the host's text has come,
//!
//! 1. host and draft are compared: if merging one into the other and the other into the one gives different texts, they
//!    hold different contents under one clock (an old draft, of a replica that was given up), and the draft's text goes
//!    to the person instead of into the document;
//! 2. what the draft has beyond the host is merged as it is: what had arrived before does not arrive again;
//! 3. what was typed since is written anew as the author's edits, now that its clock is known. From then on the draft
//!    must hold it as that before any of it is sent, or the next restore would take it for not sent.

use super::KeptReplica;
use crate::document::{Document, UpdateError};
use crate::id::AuthorId;

/// What a restored replica is made of, apart from the one that is shown.
#[derive(Debug)]
pub(super) struct Restored {
    /// Everything that the author wrote, as far as the draft had it.
    base: Document,
}

/// How draft and host stand to each other.
pub(super) enum Settled {
    /// Both together, with what was typed since.
    Agrees {
        document: Document,
        /// Whether something was typed since.
        rewritten: bool,
    },
    /// They hold different contents under one clock.
    Contradicts,
}

impl Restored {
    /// The replica before the restore, and the one that is shown and typed into.
    pub(super) fn new(author: AuthorId, kept: &KeptReplica) -> Result<(Self, Document), UpdateError> {
        let mut base = Document::new(author);
        base.apply([kept.state.as_slice()])?;
        let mut shown = Document::for_editor(AuthorId::NOT_YET);
        shown.apply([kept.state.as_slice()])?;
        if !kept.typed.is_empty() {
            shown.apply([kept.typed.as_slice()])?;
        }
        shown.take_splices();
        Ok((Self { base }, shown))
    }

    pub(super) const fn base(&self) -> &Document {
        &self.base
    }

    /// What the shown replica has on top.
    pub(super) fn typed_into(&self, shown: &Document) -> Vec<u8> {
        shown.missing_from(&self.base.state_vector()).expect("our own state vector can be read")
    }

    /// The host was heard: `news` is all of its text, and `shown` gets it too unless it contradicts.
    pub(super) fn settle<'a>(
        &self,
        author: AuthorId,
        shown: &mut Document,
        host: &Document,
        news: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Settled, UpdateError> {
        let mut document = Document::for_editor(author);
        document.apply(news.clone())?;
        document.apply([self.base.missing_from(&host.state_vector())?.as_slice()])?;
        let mut other_way = Document::new(author);
        other_way.apply([self.base.missing_from(&[])?.as_slice()])?;
        other_way.apply(news.clone())?;
        if document.text() != other_way.text() {
            return Ok(Settled::Contradicts);
        }
        let typed = self.typed_into(shown);
        shown.apply(news)?;
        // By identity, not by comparing texts: a difference may take out what somebody wrote and put it in again, and two
        // who do so have it there twice.
        let mut probe = Document::for_editor(AuthorId::NOT_YET);
        probe.apply([document.missing_from(&[])?.as_slice()])?;
        probe.take_splices();
        probe.apply([typed.as_slice()])?;
        let typed = probe.take_splices();
        document.edit(&typed)?;
        document.take_splices();
        Ok(Settled::Agrees { document, rewritten: !typed.is_empty() })
    }
}
