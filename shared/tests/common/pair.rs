//! One guest, its host and a wire between them, moved by hand.

use std::time::Duration;

use parlor_shared::client::{Client, ClientEvent, Phase};
use parlor_shared::document::Splice;
use parlor_shared::id::{DocumentId, RequestId};
use parlor_shared::message::{DocumentToHost, ToGuest, ToHost};
use parlor_shared::path::WorkspacePath;

use crate::host::Host;

/// The document that the host has.
pub(crate) const DOCUMENT: DocumentId = DocumentId(1);

/// One guest, its host and a wire between them that works or does not.
pub(crate) struct Pair {
    pub(crate) host: Host,
    pub(crate) client: Client,
    pub(crate) line: usize,
    pub(crate) now: Duration,
    events: Vec<ClientEvent>,
}

impl Pair {
    /// Not connected; the host has one document, `a.txt`.
    pub(crate) fn apart(text: &str) -> Self {
        let mut host = Host::new();
        host.add_document(DOCUMENT.0, "a.txt", text);
        let client = host.guest(0);
        Self { host, client, line: 0, now: Duration::from_secs(1000), events: Vec::new() }
    }

    pub(crate) fn live(text: &str) -> Self {
        let mut pair = Self::apart(text);
        pair.connect();
        pair.settle();
        assert_eq!(*pair.client.phase(), Phase::Live);
        pair
    }

    pub(crate) fn with_open_document(text: &str) -> Self {
        let mut pair = Self::live(text);
        pair.open("a.txt");
        pair.settle();
        assert!(pair.take_events().iter().any(|event| matches!(event, ClientEvent::Opened { .. })));
        pair
    }

    pub(crate) fn connect(&mut self) {
        self.line += 1;
        self.client.connected(self.now);
        self.host.connect(self.line);
    }

    pub(crate) fn cut(&mut self) {
        self.client.disconnected();
        self.host.disconnect(self.line);
    }

    pub(crate) fn open(&mut self, path: &str) -> RequestId {
        self.client.open(WorkspacePath::parse(path).unwrap())
    }

    /// From the guest to the host, everything there is.
    pub(crate) fn up(&mut self) -> usize {
        let mut count = 0;
        while let Some(message) = self.client.poll_transmit(self.now) {
            self.host.receive(self.line, &message).unwrap();
            count += 1;
        }
        count
    }

    /// From the host to the guest, everything there is.
    pub(crate) fn down(&mut self) -> usize {
        let mut count = 0;
        while let Some(message) = self.host.transmit(self.line) {
            self.client.receive(&message, self.now);
            count += 1;
        }
        count
    }

    pub(crate) fn settle(&mut self) {
        while self.up() + self.down() > 0 {}
        self.client.apply_incoming();
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    /// What happened since the last call, without the news that stand in other methods too.
    pub(crate) fn take_events(&mut self) -> Vec<ClientEvent> {
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
        let mut events = std::mem::take(&mut self.events);
        events.retain(|event| {
            !matches!(event, ClientEvent::SyncChanged { .. } | ClientEvent::ParticipantsChanged)
        });
        events
    }

    pub(crate) fn type_at(&mut self, at: u32, text: &str) {
        let splice = Splice { at, delete: 0, insert: text.into() };
        self.client.edit(DOCUMENT, &[splice]).unwrap();
    }

    pub(crate) fn text(&self) -> String {
        self.client.document(DOCUMENT).unwrap().document().text()
    }

    pub(crate) fn tell(&mut self, message: &ToGuest) {
        self.host.tell(self.line, message);
        self.down();
    }

    /// What the host heard of documents since the last call.
    pub(crate) fn heard(&mut self) -> Vec<&'static str> {
        let name = |message| match message {
            ToHost::Document(DocumentToHost::Open { .. }) => "open",
            ToHost::Document(DocumentToHost::Update { .. }) => "update",
            ToHost::Document(DocumentToHost::Sync { .. }) => "sync",
            ToHost::Document(DocumentToHost::Save { .. }) => "save",
            ToHost::Document(DocumentToHost::Close { .. }) => "close",
            ToHost::Document(DocumentToHost::Verify { .. }) => "verify",
            ToHost::Document(DocumentToHost::Diverged { .. }) => "diverged",
            ToHost::Document(DocumentToHost::BringBack { .. }) => "bring back",
            ToHost::Document(DocumentToHost::Reopen { .. }) => "reopen",
            ToHost::Document(DocumentToHost::SaveWith { .. }) => "save with",
            ToHost::Session(_) => "session",
            ToHost::Presence(_) => "presence",
            ToHost::Workspace(_) => "workspace",
            ToHost::Terminal(_) => "terminal",
        };
        std::mem::take(&mut self.host.heard)
            .into_iter()
            .map(name)
            .filter(|name| !["presence", "verify"].contains(name))
            .collect()
    }
}
