//! A guest: the real client, the editors that show its documents, and what of its typing is not confirmed yet.

use std::collections::{BTreeMap, BTreeSet};

use parlor_shared::client::{Client, ClientEvent, ClientOptions, Phase};
use parlor_shared::document::Splice;
use parlor_shared::fault::FaultCode;
use parlor_shared::id::{DocumentId, ParticipantId};
use parlor_shared::invite::Invite;
use parlor_shared::message::WorkspaceToHost;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;

use super::ledger::Ledger;
use super::plan::FILES;
use super::record::Record;

/// One guest.
pub(crate) struct Guest {
    pub(crate) number: usize,
    invite: Invite,
    identity: Identity,
    pub(crate) client: Client,
    /// What each document's editor shows, built from events alone.
    editors: BTreeMap<DocumentId, Vec<u16>>,
    /// Marks typed and not confirmed.
    pending: BTreeMap<DocumentId, BTreeSet<char>>,
    /// Its connection, while it has one.
    pub(crate) line: Option<usize>,
    pub(crate) stalled: bool,
    /// How often its tab was loaded anew.
    pub(crate) life: u32,
    was: Option<ParticipantId>,
    /// The names in the shared folder, as it was told.
    pub(crate) names: Option<BTreeSet<String>>,
}

impl Guest {
    pub(crate) fn new(number: usize, invite: Invite) -> Self {
        // Not the first or the last byte: not all of their bits count in such a key.
        let mut private = [17; 32];
        private[1] = number as u8;
        let identity = Identity::from_private(&private);
        let client = new_client(number, &invite, &identity);
        Self {
            number,
            invite,
            identity,
            client,
            editors: BTreeMap::new(),
            pending: BTreeMap::new(),
            line: None,
            stalled: false,
            life: 0,
            was: None,
            names: None,
        }
    }

    /// Whether its link lets it look only, whatever the host says later.
    pub(crate) fn is_viewer(&self) -> bool {
        self.invite.role() == Role::Viewer
    }

    pub(crate) fn is_live(&self) -> bool {
        *self.client.phase() == Phase::Live
    }

    /// Whether something that it typed is not confirmed.
    pub(crate) fn owes(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Loads the tab anew: everything is forgotten but the key.
    pub(crate) fn reload(&mut self) {
        self.client = new_client(self.number, &self.invite, &self.identity);
        self.editors.clear();
        self.pending.clear();
        (self.stalled, self.names, self.was) = (false, None, None);
        self.life += 1;
    }

    /// The document of a file, if an editor shows it.
    pub(crate) fn document(&self, file: usize) -> Option<DocumentId> {
        let open = self.client.documents().find(|open| open.info().path.as_str() == FILES[file])?;
        let document = open.info().document;
        self.editors.contains_key(&document).then_some(document)
    }

    /// The documents that editors show.
    pub(crate) fn shown(&self) -> impl Iterator<Item = DocumentId> {
        self.editors.keys().copied()
    }

    fn text(&self, document: DocumentId) -> String {
        self.client.document(document).map_or_else(String::new, |open| open.document().text())
    }

    /// Types: into the replica and into the editor. False if the replica takes nothing now.
    pub(crate) fn edit(
        &mut self,
        document: DocumentId,
        splice: &Splice,
        marks: impl Iterator<Item = char>,
    ) -> bool {
        if self.client.edit(document, std::slice::from_ref(splice)).is_err() {
            return false;
        }
        let editor = self.editors.get_mut(&document).expect("only what is shown is typed into");
        apply(editor, splice);
        let mut marks = marks.peekable();
        if marks.peek().is_some() {
            self.pending.entry(document).or_default().extend(marks);
        }
        true
    }

    /// Closes an editor.
    pub(crate) fn close(&mut self, document: DocumentId) {
        self.editors.remove(&document);
        self.pending.remove(&document);
        self.client.close(document);
    }

    /// Shows what others typed. The editor must then show the replica.
    pub(crate) fn show(&mut self, ledger: &mut Ledger, record: &mut Record) -> Result<(), String> {
        self.client.apply_incoming();
        self.take_events(ledger, record)?;
        for (document, editor) in &self.editors {
            let shown = String::from_utf16(editor).map_err(|_| "an editor shows half a character")?;
            let text = self.text(*document);
            // An empty replica is one whose new text is on its way.
            if shown != text && !text.is_empty() {
                return Err(format!("guest {}: an editor does not show its replica", self.number));
            }
        }
        Ok(())
    }

    /// Takes in what happened; acknowledges what the host has confirmed.
    pub(crate) fn take_events(&mut self, ledger: &mut Ledger, record: &mut Record) -> Result<(), String> {
        while let Some(event) = self.client.poll_event() {
            record.note(|| format!("guest {}: {}", self.number, describe(&event)));
            self.take_event(event, ledger, record)?;
        }
        let client = &self.client;
        self.pending.retain(|document, marks| {
            let confirmed = client.document(*document).is_some_and(|open| open.is_confirmed());
            if confirmed {
                record.add("acknowledged", ledger.acknowledge(marks.iter().copied()));
            }
            !confirmed
        });
        Ok(())
    }

    fn take_event(
        &mut self,
        event: ClientEvent,
        ledger: &mut Ledger,
        record: &mut Record,
    ) -> Result<(), String> {
        let number = self.number;
        match event {
            ClientEvent::Phase(Phase::Live) => {
                record.count("joined");
                let me = self.client.membership().map(|membership| membership.me);
                if self.was.is_some() && me == self.was {
                    record.count("came back as the same");
                }
                self.was = me;
                self.names = None;
                let folder = WorkspacePath::root();
                self.client.workspace(|request| WorkspaceToHost::Watch { request, folder });
            }
            ClientEvent::Phase(Phase::Ended(fault)) => {
                return Err(format!("guest {number} was sent away: {fault}"));
            }
            ClientEvent::Opened { document, .. } => {
                self.editors.insert(document, self.text(document).encode_utf16().collect());
            }
            ClientEvent::Changed { document, runs } => {
                record.count("shown remote changes");
                let editor = self.editors.get_mut(&document);
                let editor = editor.ok_or_else(|| format!("guest {number}: a closed document changed"))?;
                runs.iter().flat_map(|run| &run.splices).for_each(|splice| apply(editor, splice));
            }
            ClientEvent::Replaced { old, document, lost, fault } => {
                record.count("texts replaced");
                if fault.as_ref().is_some_and(|fault| fault.code == FaultCode::Repaired) {
                    return Err(format!("guest {number}: a replica had another text than the host"));
                }
                match lost {
                    Some(lost) => self.gave_up(old, Some(&lost), ledger, record),
                    // Merged into the new text, if anything waited: the host confirms it there.
                    None => {
                        let pending = self.pending.remove(&old).unwrap_or_default();
                        record.add("carried over", pending.len() as u64);
                        self.pending.entry(document).or_default().extend(pending);
                    }
                }
                self.editors.remove(&old);
                self.editors.insert(document, self.text(document).encode_utf16().collect());
            }
            ClientEvent::Closed { document, lost, .. } => {
                record.count("closed by the host");
                self.gave_up(document, lost.as_deref(), ledger, record);
                self.editors.remove(&document);
            }
            ClientEvent::Listing { folder, entries, .. } if folder.is_root() => {
                self.names = Some(entries.into_iter().map(|entry| entry.name).collect());
            }
            ClientEvent::FolderChanges { folder, changed, removed } if folder.is_root() => {
                if let Some(names) = &mut self.names {
                    names.extend(changed.into_iter().map(|entry| entry.name));
                    names.retain(|name| !removed.contains(name));
                }
            }
            ClientEvent::Fault { fault, .. } => match fault.code {
                FaultCode::Internal | FaultCode::InvalidUpdate | FaultCode::ForeignAuthor => {
                    return Err(format!("guest {number}: {fault}"));
                }
                FaultCode::BrokenSeal => record.count("faults: broken seal"),
                FaultCode::Silent => record.count("faults: silence"),
                code => record.count(&format!("faults: {code:?}")),
            },
            _ => {}
        }
        Ok(())
    }

    /// A replica was given up: what the host may lack was handed back, all else it has.
    fn gave_up(
        &mut self,
        document: DocumentId,
        lost: Option<&str>,
        ledger: &mut Ledger,
        record: &mut Record,
    ) {
        let pending = self.pending.remove(&document).unwrap_or_default();
        match lost {
            Some(lost) => record.add("handed back", ledger.hand_back(lost, self.number)),
            None => record.add("acknowledged", ledger.acknowledge(pending)),
        }
    }
}

fn new_client(number: usize, invite: &Invite, identity: &Identity) -> Client {
    Client::new(ClientOptions {
        invite: invite.clone(),
        identity: identity.clone(),
        name: format!("Guest {number}"),
        program: "simulation".to_owned(),
    })
}

/// Does to an editor's text, in UTF-16 units, what a splice says.
fn apply(editor: &mut Vec<u16>, splice: &Splice) {
    let range = splice.at as usize..(splice.at + splice.delete) as usize;
    editor.splice(range, splice.insert.encode_utf16());
}

/// An event without what differs between two plays of a plan: words and links are made of keys.
fn describe(event: &ClientEvent) -> String {
    match event {
        ClientEvent::Invites { invites } => format!("{} invites", invites.len()),
        ClientEvent::Knock { participant, .. } => format!("{participant} knocks"),
        event => format!("{event:?}"),
    }
}
