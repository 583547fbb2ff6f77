//! A guest's side of one document's synchronisation: what was sent, what the host has, what is still owed.
//!
//! Safety: every local edit is either part of an update that waits or was sent, or of the answer to the next state;
//! so when the host has acknowledged the last sequence and nothing waits, it has everything that was typed here.
//! Liveness: whatever is dropped ends in `Stale`, which asks for a state as soon as the link lives.
//!
//! Two things hold updates back although the link lives: edits that a person has to see first, because others changed the
//! same lines meanwhile ([`DocumentSync::is_held`]), and edits of a restored replica whose draft must be written first
//! (see `sync/restored.rs`).

use std::cell::Cell;
use std::collections::VecDeque;

use super::merge::{self, Merged};
use super::{ChangedBy, Document, Run, UpdateError, diff, merge_updates};
use crate::id::AuthorId;
use crate::message::Packed;

mod base;
mod restored;

use base::Base;
use restored::{Restored, Settled};

/// Updates that wait are merged into one beyond this many bytes, so that waiting never costs more than the text.
const MERGE_BEYOND_BYTES: usize = 64 * 1024;

/// Where the synchronisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPhase {
    /// No state has arrived yet; there is nothing to edit.
    Opening,
    /// Updates flow both ways.
    Live,
    /// Something was missed: a state was asked for, updates of ours wait for it.
    Stale,
}

/// What a state of the host did to a replica.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// It was taken in; the text changed so.
    Changed(Vec<super::Splice>),
    /// It is not the whole text that was asked for: ask again.
    Partial,
    /// The replica was restored, and contradicts what the host has of its author: it can not go on.
    Contradiction,
}

/// Whether edits are sent by themselves when their author comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendRule {
    /// Always.
    #[default]
    Always,
    /// Unless others changed the same lines meanwhile: then somebody has to look first.
    AskFirst,
}

/// The whole of a replica and how it stands, to be kept while the host does not have all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReplica {
    /// What its author may have sent, as one update.
    pub state: Vec<u8>,
    /// What was typed after it was restored and before the host was heard, as an update on top of the state.
    pub typed: Vec<u8>,
    /// Whether it waits for a person's decision.
    pub held: bool,
    /// The text that the edits were made on which the host may lack, if that is known.
    pub base: Option<Packed>,
}

/// Edits that the host does not have, without their document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The text that they were made on.
    pub base: String,
    /// The text with them.
    pub ours: String,
}

impl Carried {
    /// Whether others changed the same lines, and one side took something away there; `now` is the text with their changes and
    /// with these edits.
    fn clashes_in(&self, now: &str) -> bool {
        let theirs = merge::three_way(&self.ours, &self.base, now);
        theirs.clashes > 0 && merge::three_way(&self.base, &self.ours, &theirs.text).losses > 0
    }
}

/// What became of edits that came to another document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// They are part of the text, and wait to be sent if the host lacks any.
    Merged,
    /// Others changed the same lines: they wait for a decision.
    Held,
    /// Others changed the same lines, and nobody is asked: nothing was done.
    Refused,
}

/// What happened to a text since its person came back, or went.
#[derive(Debug, Default)]
struct Away {
    /// What was typed before others' changes came in, once one has.
    typed: Option<Carried>,
}

/// Edits that wait for a person's decision.
#[derive(Debug, Default)]
struct Held {
    /// The host's text, once it has come whole; kept up to date.
    host: Option<Document>,
}

/// Synchronises one replica with the host.
#[derive(Debug)]
pub struct DocumentSync {
    author: AuthorId,
    document: Document,
    phase: SyncPhase,
    /// Local updates not yet handed to the link, oldest first.
    waiting: Vec<Vec<u8>>,
    waiting_bytes: usize,
    /// The last sequence given to an update.
    sent: u32,
    acknowledged: u32,
    /// Updates of others that wait to be applied together, and who made them.
    incoming: Vec<(ChangedBy, Vec<u8>)>,
    /// Counts what changes what is owed: local edits, and decisions about them.
    edits: u64,
    /// The edits that the host has confirmed.
    confirmed: u64,
    /// Updates under way: sequence, and the edits up to which it goes.
    under_way: VecDeque<(u32, u64)>,
    /// Away from the host since the last state.
    away: Option<Away>,
    /// Restored, and the host was not heard since.
    restored: Option<Restored>,
    /// The draft has to hold this many edits before anything is sent.
    unwritten: Option<u64>,
    /// Whether there may be a draft of it somewhere.
    drafted: Cell<bool>,
    held: Option<Held>,
    /// The text that unconfirmed edits were made on; from the first edit on.
    base: Option<Base>,
}

impl DocumentSync {
    /// An empty replica that waits for its first state.
    pub fn new(author: AuthorId) -> Self {
        Self {
            author,
            document: Document::for_editor(author),
            phase: SyncPhase::Opening,
            waiting: Vec::new(),
            waiting_bytes: 0,
            sent: 0,
            acknowledged: 0,
            incoming: Vec::new(),
            edits: 0,
            confirmed: 0,
            under_way: VecDeque::new(),
            away: None,
            restored: None,
            unwritten: None,
            drafted: Cell::new(false),
            held: None,
            base: None,
        }
    }

    /// An empty replica in the place of another one, whose edits it does not count again.
    pub fn instead_of(other: &Self, author: AuthorId) -> Self {
        let edits = other.edits + 1;
        Self { edits, confirmed: edits, ..Self::new(author) }
    }

    /// A replica that was kept by [`DocumentSync::keep`]. It can be typed into at once.
    ///
    /// # Errors
    /// If what was kept can not be read.
    pub fn restore(author: AuthorId, kept: &KeptReplica) -> Result<Self, UpdateError> {
        let (restored, document) = Restored::new(author, kept)?;
        let mut sync = Self::new(author);
        sync.document = document;
        sync.phase = SyncPhase::Stale;
        sync.edits = 1;
        sync.away = Some(Away::default());
        sync.restored = Some(restored);
        sync.drafted.set(true);
        sync.held = kept.held.then(Held::default);
        sync.base =
            kept.base.as_ref().and_then(|base| Base::of_a_draft(base, &sync.document.text(), sync.edits));
        Ok(sync)
    }

    /// All of the replica, for [`DocumentSync::restore`].
    pub fn keep(&self) -> KeptReplica {
        self.drafted.set(true);
        let held = self.held.is_some();
        let base = self.base_text().map(|text| Packed::new(text.into_bytes()));
        match &self.restored {
            Some(restored) => KeptReplica {
                state: everything(restored.base()),
                typed: restored.typed_into(&self.document),
                held,
                base,
            },
            None => KeptReplica { state: everything(&self.document), typed: Vec::new(), held, base },
        }
    }

    /// The replica.
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// Where the synchronisation stands.
    pub const fn phase(&self) -> SyncPhase {
        self.phase
    }

    /// Whether the host has confirmed everything that was typed here.
    pub fn is_confirmed(&self) -> bool {
        self.phase == SyncPhase::Live && !self.owes()
    }

    /// Whether something typed here was not yet confirmed by the host.
    pub const fn owes(&self) -> bool {
        !self.waiting.is_empty() || self.acknowledged != self.sent || self.restored.is_some()
    }

    /// How many edits there were, and how many of them the host has confirmed.
    pub const fn edits(&self) -> (u64, u64) {
        (self.edits, self.confirmed)
    }

    /// Whether edits wait for a decision: [`DocumentSync::send_held`] or [`DocumentSync::take_hosts`].
    pub const fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The host's text, while edits wait for a decision and it is known.
    pub fn host_text(&self) -> Option<String> {
        self.held.as_ref()?.host.as_ref().map(Document::text)
    }

    /// Sends what was held.
    pub fn send_held(&mut self) {
        self.held = None;
        self.edits += 1;
    }

    /// Gives up what was held and takes the host's text. Gives the text as it was here, and the change as splices;
    /// nothing if nothing is held or the host's text is not known.
    pub fn take_hosts(&mut self) -> Option<(String, Vec<super::Splice>)> {
        let host = self.held.take_if(|held| held.host.is_some())?.host?;
        let mine = self.document.text();
        let splices = diff::splices(&mine, &host.text());
        self.document = host;
        self.base = None;
        self.waiting.clear();
        self.waiting_bytes = 0;
        // Nothing is under way: what was before the break is void, and nothing was sent since.
        self.acknowledged = self.sent;
        self.unwritten = None;
        self.edits += 1;
        self.confirmed = self.edits;
        Some((mine, splices))
    }

    /// A draft with this many edits is written: what had to wait for it may be sent.
    pub fn draft_is_written(&mut self, edits: u64) {
        self.unwritten.take_if(|awaited| edits >= *awaited);
    }

    /// Whether something waits until the draft is written.
    pub const fn waits_for_draft(&self) -> bool {
        self.unwritten.is_some()
    }

    /// Whether everything that was typed here is on its way to the host.
    pub fn is_flushed(&self) -> bool {
        self.phase == SyncPhase::Live && self.waiting.is_empty()
    }

    /// Applies what was typed here.
    ///
    /// # Errors
    /// If a splice does not fit the text.
    pub fn edit(&mut self, splices: &[super::Splice]) -> Result<(), UpdateError> {
        if self.base.is_none() && !self.owes() {
            self.base = Some(Base::of(self.document.text()));
        }
        if let Some(update) = self.document.edit(splices)? {
            self.edits += 1;
            self.note(Some(self.edits), splices);
            if self.restored.is_some() {
                // Turned into edits of our author as soon as the host was heard.
                return Ok(());
            }
            self.waiting_bytes += update.len();
            self.waiting.push(update);
            if self.waiting_bytes > MERGE_BEYOND_BYTES && self.waiting.len() > 1 {
                self.merge_waiting()?;
            }
        }
        Ok(())
    }

    /// The next update to send and its sequence: everything that waits, merged.
    ///
    /// # Errors
    /// Only if our own updates can not be merged.
    pub fn next_update(&mut self) -> Result<Option<(u32, Vec<u8>)>, UpdateError> {
        let held_back = self.unwritten.is_some() || self.held.is_some();
        if self.phase != SyncPhase::Live || held_back || self.waiting.is_empty() {
            return Ok(None);
        }
        self.merge_waiting()?;
        self.waiting_bytes = 0;
        Ok(self.waiting.pop().map(|update| {
            self.sent += 1;
            self.under_way.push_back((self.sent, self.edits));
            (self.sent, update)
        }))
    }

    /// The host has our updates up to this sequence.
    pub fn acknowledge(&mut self, sequence: u32) {
        self.acknowledged = self.acknowledged.max(sequence.min(self.sent));
        while let Some((_, edits)) = self.under_way.pop_front_if(|(sent, _)| *sent <= self.acknowledged) {
            self.confirmed = edits;
        }
    }

    /// An update of others; it takes effect with [`DocumentSync::apply_incoming`].
    pub fn receive_update(&mut self, by: ChangedBy, update: Vec<u8>) {
        self.incoming.push((by, update));
    }

    /// Whether updates of others wait to be applied.
    pub const fn has_incoming(&self) -> bool {
        !self.incoming.is_empty() && self.restored.is_none()
    }

    /// Applies what others sent since the last call; adds to `runs` what an editor is to repeat.
    ///
    /// # Errors
    /// If an update can not be read: ask for a state. What came before it is applied and in `runs`.
    pub fn apply_incoming(&mut self, runs: &mut Vec<Run>) -> Result<(), UpdateError> {
        let incoming = std::mem::take(&mut self.incoming);
        if let Some(Held { host: Some(host) }) = &mut self.held {
            host.apply(incoming.iter().map(|(_, update)| update.as_slice()))?;
        }
        if self.away.as_ref().is_some_and(|away| away.typed.is_none()) && !incoming.is_empty() {
            let typed = self.carried();
            self.away = Some(Away { typed });
        }
        for of_one in incoming.chunk_by(|(one, _), (next, _)| one == next) {
            self.document.apply(of_one.iter().map(|(_, update)| update.as_slice()))?;
            let splices = self.document.take_splices();
            if !splices.is_empty() {
                self.note(None, &splices);
                runs.push(Run { by: of_one[0].0, splices });
            }
        }
        Ok(())
    }

    /// The text changed, by this edit or by others.
    fn note(&mut self, edit: Option<u64>, splices: &[super::Splice]) {
        if let Some(base) = &mut self.base {
            base.changed(edit, splices, self.confirmed);
        }
    }

    /// The text that the edits were made on which the host has not confirmed.
    fn base_text(&self) -> Option<String> {
        self.base.as_ref()?.text(self.confirmed)
    }

    /// The edits that the host has not confirmed, to be merged into another document by [`DocumentSync::take_in`]. Nothing if
    /// it has all of them, or if what they were made on is not known.
    pub fn carried(&self) -> Option<Carried> {
        if !self.owes() {
            return None;
        }
        Some(Carried { base: self.base_text()?, ours: self.document.text() })
    }

    /// Merges edits that were made in another document, of the same file, as edits of this replica's author. It has the
    /// host's text and nothing else.
    ///
    /// # Errors
    /// Only if the replica can not be copied.
    pub fn take_in(&mut self, carried: &Carried, rule: SendRule) -> Result<Settlement, UpdateError> {
        let host = self.document.text();
        let Merged { text, clashes, .. } = merge::three_way(&carried.base, &carried.ours, &host);
        if text == host {
            return Ok(Settlement::Merged);
        }
        let settlement = match rule {
            SendRule::Always if clashes > 0 => return Ok(Settlement::Refused),
            SendRule::AskFirst if clashes > 0 => {
                self.held = Some(Held { host: Some(self.whole_text(&everything(&self.document))?) });
                Settlement::Held
            }
            SendRule::Always | SendRule::AskFirst => Settlement::Merged,
        };
        self.edit(&diff::fewest_splices(&host, &text))?;
        Ok(settlement)
    }

    /// Takes in a state and what the host has. What the host lacks of ours is queued, or held as the rule says.
    ///
    /// # Errors
    /// If the state can not be read.
    pub fn receive_state(
        &mut self,
        update: &[u8],
        host_has: &[u8],
        rule: SendRule,
    ) -> Result<Received, UpdateError> {
        let whole = if self.wants_whole() {
            let host = self.whole_text(update)?;
            if !host.has_all_of(host_has)? {
                return Ok(Received::Partial);
            }
            Some(host)
        } else {
            None
        };
        // What was typed, and on what.
        let owes = self.owes();
        let typed = if rule == SendRule::AskFirst && self.away.is_some() { self.carried() } else { None };
        let incoming = std::mem::take(&mut self.incoming);
        let news = || incoming.iter().map(|(_, update)| update.as_slice()).chain([update]);
        if let (Some(restored), Some(host)) = (&self.restored, &whole) {
            match restored.settle(self.author, &mut self.document, host, news())? {
                Settled::Agrees { document, rewritten } => {
                    let splices = self.document.take_splices();
                    self.document = document;
                    self.restored = None;
                    self.edits += 1;
                    // What was typed since the restore became the author's just now: it is not sent before the draft
                    // has it as that.
                    if rewritten {
                        self.unwritten = Some(self.edits);
                    }
                    self.queue_missing(host_has)?;
                    return Ok(Received::Changed(self.returned(typed, splices, rule, whole)));
                }
                Settled::Contradicts => return Ok(Received::Contradiction),
            }
        }
        self.document.apply(news())?;
        // Deletions have no clock: what waits is sent again with what the host lacks, which contains them all.
        if owes || self.document.is_ahead_of(host_has, self.author)? {
            self.queue_missing(host_has)?;
        }
        let splices = self.document.take_splices();
        Ok(Received::Changed(self.returned(typed, splices, rule, whole)))
    }

    /// The text that a whole state stands for.
    fn whole_text(&self, update: &[u8]) -> Result<Document, UpdateError> {
        let mut host = Document::for_editor(self.author);
        host.apply([update])?;
        host.take_splices();
        Ok(host)
    }

    fn queue_missing(&mut self, host_has: &[u8]) -> Result<(), UpdateError> {
        self.waiting = vec![self.document.missing_from(host_has)?];
        self.waiting_bytes = self.waiting[0].len();
        self.under_way.clear();
        Ok(())
    }

    /// The host was heard again: decides whether what it lacks is sent or held.
    fn returned(
        &mut self,
        typed: Option<Carried>,
        splices: Vec<super::Splice>,
        rule: SendRule,
        whole: Option<Document>,
    ) -> Vec<super::Splice> {
        self.phase = SyncPhase::Live;
        if !splices.is_empty() {
            self.note(None, &splices);
        }
        let asks = rule == SendRule::AskFirst;
        let away = self.away.take();
        // Seen from the text as it was here, what was typed and what others did since are both changes of it.
        if let Some(typed) = away.and_then(|away| away.typed).or(typed)
            && asks
            && self.held.is_none()
            && typed.clashes_in(&self.document.text())
        {
            self.edits += 1;
            self.held = Some(Held::default());
        }
        if !asks {
            self.held = None;
        }
        if let (Some(held), Some(host)) = (&mut self.held, whole) {
            if host.text() == self.document.text() {
                // All of it had arrived, only the confirmation had not.
                self.held = None;
            } else {
                held.host = Some(host);
            }
        }
        splices
    }

    /// Whether only the whole of the host's text helps: to check a restored replica, or to show what is held.
    pub fn wants_whole(&self) -> bool {
        self.restored.is_some() || self.held.as_ref().is_some_and(|held| held.host.is_none())
    }

    /// What the host need not send: an encoded state vector.
    pub fn known(&self) -> Vec<u8> {
        if self.wants_whole() { Vec::new() } else { self.document.state_vector() }
    }

    /// The document goes on in a new epoch, which begins with this update; see [`super::epoch`]. What was typed here and is
    /// not part of it is typed again and waits. Adds to `runs` what came in before; the text here stays as it is.
    ///
    /// Only for a replica that has all that the host had: [`SyncPhase::Live`].
    ///
    /// # Errors
    /// If the update can not be read; the replica is as it was.
    pub fn renew(&mut self, update: &[u8], runs: &mut Vec<Run>) -> Result<(), UpdateError> {
        self.apply_incoming(runs)?;
        let ours = self.document.text();
        let mut fresh = self.whole_text(update)?;
        if self.held.is_some() {
            self.held = Some(Held { host: Some(self.whole_text(update)?) });
        }
        // Others carry theirs over to the same text: nobody may type again what was there.
        let typed = fresh.edit(&diff::fewest_splices(&fresh.text(), &ours))?;
        self.document = fresh;
        // Whatever is under way belongs to the last epoch and is passed over there.
        self.acknowledged = self.sent;
        self.under_way.clear();
        self.edits += 1;
        match &typed {
            // A draft of the last epoch would have it typed once more: it is not sent before the draft has it as this one's.
            Some(_) if self.drafted.get() => self.unwritten = Some(self.edits),
            Some(_) => {}
            None => self.confirmed = self.edits,
        }
        self.waiting = typed.into_iter().collect();
        self.waiting_bytes = self.waiting.iter().map(Vec::len).sum();
        Ok(())
    }

    /// Something was missed: nothing is sent until a state has come. Gives the state vector to ask with.
    pub fn ask_for_state(&mut self) -> Vec<u8> {
        if self.phase == SyncPhase::Live {
            self.phase = SyncPhase::Stale;
        }
        if let Some(held) = &mut self.held {
            // It missed the same.
            held.host = None;
        }
        self.known()
    }

    /// The connection broke: updates under way may be lost, and others go on meanwhile.
    pub fn went_away(&mut self) {
        self.ask_for_state();
        self.away = Some(Away::default());
        self.under_way.clear();
    }

    /// The connection was broken and goes on where it was. What was typed meanwhile waits until it is known what others
    /// did; says whether to ask.
    pub fn came_back(&mut self) -> bool {
        let must_ask = self.phase == SyncPhase::Live && !self.waiting.is_empty() && self.held.is_none();
        if must_ask {
            self.away = Some(Away::default());
            self.phase = SyncPhase::Stale;
        }
        must_ask
    }

    fn merge_waiting(&mut self) -> Result<(), UpdateError> {
        if self.waiting.len() > 1 {
            let merged = merge_updates(&self.waiting)?;
            self.waiting_bytes = merged.len();
            self.waiting = vec![merged];
        }
        Ok(())
    }
}

fn everything(document: &Document) -> Vec<u8> {
    document.missing_from(&[]).expect("an empty state vector can be read")
}
