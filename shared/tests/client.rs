//! The guest's state machine, driven by hand: every way in, out and back, with a clock of our own.

#[path = "common/host.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod host;

use std::time::Duration;

use parlor_shared::client::{Client, ClientEvent, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, ParticipantId, RequestId};
use parlor_shared::limits::{DEAD_PEER_TIMEOUT, HANDSHAKE_TIMEOUT, HEARTBEAT_INTERVAL, PRESENCE_INTERVAL};
use parlor_shared::message::{
    Activity, DocumentToGuest, DocumentToHost, NewEntry, PresenceToGuest, PresenceToHost, SessionToGuest,
    SessionToHost, ToGuest, ToHost, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::Presence;
use parlor_shared::role::Role;
use parlor_shared::seal::clear_fault;

use host::{Doorman, Host};

const DOCUMENT: DocumentId = DocumentId(1);

/// One guest, its host and a wire between them that works or does not.
struct Pair {
    host: Host,
    client: Client,
    line: usize,
    now: Duration,
    events: Vec<ClientEvent>,
}

impl Pair {
    /// Not connected; the host has one document, `a.txt`.
    fn apart(text: &str) -> Self {
        let mut host = Host::new();
        host.add_document(DOCUMENT.0, "a.txt", text);
        let client = host.guest(0);
        Self { host, client, line: 0, now: Duration::from_secs(1000), events: Vec::new() }
    }

    fn live(text: &str) -> Self {
        let mut pair = Self::apart(text);
        pair.connect();
        pair.settle();
        assert_eq!(*pair.client.phase(), Phase::Live);
        pair
    }

    fn with_open_document(text: &str) -> Self {
        let mut pair = Self::live(text);
        pair.open("a.txt");
        pair.settle();
        assert!(pair.take_events().iter().any(|event| matches!(event, ClientEvent::Opened { .. })));
        pair
    }

    fn connect(&mut self) {
        self.line += 1;
        self.client.connected(self.now);
        self.host.connect(self.line);
    }

    fn cut(&mut self) {
        self.client.disconnected();
        self.host.disconnect(self.line);
    }

    fn open(&mut self, path: &str) -> RequestId {
        self.client.open(WorkspacePath::parse(path).unwrap())
    }

    /// From the guest to the host, everything there is.
    fn up(&mut self) -> usize {
        let mut count = 0;
        while let Some(message) = self.client.poll_transmit(self.now) {
            self.host.receive(self.line, &message).unwrap();
            count += 1;
        }
        count
    }

    /// From the host to the guest, everything there is.
    fn down(&mut self) -> usize {
        let mut count = 0;
        while let Some(message) = self.host.transmit(self.line) {
            self.client.receive(&message, self.now);
            count += 1;
        }
        count
    }

    fn settle(&mut self) {
        while self.up() + self.down() > 0 {}
        self.client.apply_incoming();
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    /// What happened since the last call, without the news that stand in other methods too.
    fn take_events(&mut self) -> Vec<ClientEvent> {
        self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
        let mut events = std::mem::take(&mut self.events);
        events.retain(|event| {
            !matches!(event, ClientEvent::SyncChanged { .. } | ClientEvent::ParticipantsChanged)
        });
        events
    }

    fn type_at(&mut self, at: u32, text: &str) {
        let splice = Splice { at, delete: 0, insert: text.into() };
        self.client.edit(DOCUMENT, &[splice]).unwrap();
    }

    fn text(&self) -> String {
        self.client.document(DOCUMENT).unwrap().document().text()
    }

    fn tell(&mut self, message: &ToGuest) {
        self.host.tell(self.line, message);
        self.down();
    }

    /// What the host heard of documents since the last call.
    fn heard(&mut self) -> Vec<&'static str> {
        let name = |message| match message {
            ToHost::Document(DocumentToHost::Open { .. }) => "open",
            ToHost::Document(DocumentToHost::Update { .. }) => "update",
            ToHost::Document(DocumentToHost::Sync { .. }) => "sync",
            ToHost::Document(DocumentToHost::Save { .. }) => "save",
            ToHost::Document(DocumentToHost::Close { .. }) => "close",
            ToHost::Session(_) => "session",
            ToHost::Presence(_) => "presence",
            ToHost::Workspace(_) => "workspace",
        };
        std::mem::take(&mut self.host.heard)
            .into_iter()
            .map(name)
            .filter(|name| *name != "presence")
            .collect()
    }
}

// Coming in.

#[test]
fn a_guest_waits_in_the_lobby_until_it_is_admitted() {
    let mut pair = Pair::apart("");
    pair.host.doorman = Doorman::Waits;
    assert_eq!(*pair.client.phase(), Phase::Offline);
    pair.connect();
    assert_eq!(*pair.client.phase(), Phase::Connecting);
    pair.settle();
    assert_eq!(*pair.client.phase(), Phase::Lobby);
    assert_eq!(pair.client.words().unwrap().split(' ').count(), 6, "to be compared while one waits");
    assert!(pair.client.membership().is_none() && pair.client.me().is_none());
    pair.host.welcome(pair.line, None);
    pair.settle();
    assert_eq!(*pair.client.phase(), Phase::Live);
    assert_eq!(pair.client.role(), Role::Editor);
    assert_eq!(pair.client.me().unwrap().id, pair.client.membership().unwrap().me);
    let phases: Vec<ClientEvent> =
        [Phase::Connecting, Phase::Lobby, Phase::Live].map(ClientEvent::Phase).into();
    assert_eq!(pair.take_events()[..3], phases);
}

#[test]
fn nothing_but_the_knock_leaves_a_guest_in_the_lobby() {
    let mut pair = Pair::apart("");
    pair.host.doorman = Doorman::Waits;
    pair.client.set_presence(Presence { activity: Activity::Away, ..Presence::default() });
    pair.open("a.txt");
    pair.connect();
    pair.settle();
    pair.client.set_name("Other".into());
    assert_eq!(pair.up(), 0);
    // Only that it is still there.
    pair.now += HEARTBEAT_INTERVAL;
    assert_eq!(pair.up(), 1);
    assert!(pair.host.heard.is_empty());
}

#[test]
fn final_faults_end_a_guest_for_good() {
    let ends: [(FaultCode, ToGuest); 4] = [
        (FaultCode::Denied, ToGuest::Fault { request: None, fault: FaultCode::Denied.into() }),
        (FaultCode::Removed, ToGuest::Session(SessionToGuest::Removed)),
        (FaultCode::Removed, ToGuest::Fault { request: None, fault: FaultCode::Removed.into() }),
        (FaultCode::SessionEnded, ToGuest::Session(SessionToGuest::Ended)),
    ];
    for (code, message) in ends {
        let mut pair = Pair::with_open_document("text");
        pair.tell(&message);
        assert_eq!(*pair.client.phase(), Phase::Ended(code.into()));
        assert_eq!(pair.client.next_wake(), None);
        assert_eq!(pair.text(), "text", "what it has can still be read and copied");
        assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Offline));
        pair.connect();
        pair.client.disconnected();
        assert_eq!(pair.client.poll_transmit(pair.now), None, "it does not knock again");
        assert_eq!(*pair.client.phase(), Phase::Ended(code.into()));
    }
}

#[test]
fn a_refusal_in_clear_before_the_handshake_says_why() {
    let version = Fault::new(FaultCode::VersionMismatch).with(1).with(2).with(3);
    let full = Fault::new(FaultCode::SessionFull).with(128);
    for (fault, is_final) in [(version, true), (FaultCode::UnknownSession.into(), true), (full, false)] {
        let mut pair = Pair::apart("");
        pair.connect();
        pair.client.poll_transmit(pair.now).unwrap();
        pair.client.receive(&clear_fault(&fault), pair.now);
        let events = pair.take_events();
        if is_final {
            assert_eq!(*pair.client.phase(), Phase::Ended(fault));
        } else {
            assert_eq!(*pair.client.phase(), Phase::Offline);
            assert!(events.contains(&ClientEvent::Fault { request: None, fault }), "{events:?}");
        }
    }
}

#[test]
fn a_host_of_another_version_is_told_from_a_wrong_link() {
    let mut pair = Pair::apart("");
    pair.connect();
    let mut greeting = pair.client.poll_transmit(pair.now).unwrap();
    greeting[5] = 9;
    pair.host.receive(pair.line, &greeting).unwrap();
    pair.down();
    let fault = Fault::new(FaultCode::VersionMismatch).with(0x0901).with(1).with(1);
    assert_eq!(*pair.client.phase(), Phase::Ended(fault));

    let mut pair = Pair::apart("");
    pair.connect();
    pair.client.poll_transmit(pair.now).unwrap();
    pair.client.receive(&[1; 65], pair.now);
    assert_eq!(*pair.client.phase(), Phase::Ended(FaultCode::HandshakeFailed.into()));
}

// Silence.

#[test]
fn a_host_that_never_answers_the_greeting_is_given_up() {
    let mut pair = Pair::apart("");
    pair.connect();
    pair.client.poll_transmit(pair.now).unwrap();
    assert_eq!(pair.client.next_wake(), Some(pair.now + HANDSHAKE_TIMEOUT));
    pair.client.tick(pair.now + HANDSHAKE_TIMEOUT - Duration::from_millis(1));
    assert_eq!(*pair.client.phase(), Phase::Connecting);
    pair.client.tick(pair.now + HANDSHAKE_TIMEOUT);
    assert_eq!(*pair.client.phase(), Phase::Offline);
    let silent = ClientEvent::Fault { request: None, fault: FaultCode::Silent.into() };
    assert!(pair.take_events().contains(&silent));
}

#[test]
fn heartbeats_go_out_in_silence_and_a_silent_host_is_noticed() {
    let mut pair = Pair::live("");
    let start = pair.now;
    assert_eq!(pair.client.next_wake(), Some(start + HEARTBEAT_INTERVAL));
    pair.now = start + HEARTBEAT_INTERVAL - Duration::from_millis(1);
    assert_eq!(pair.up(), 0);
    for beat in 1..3 {
        pair.now = start + HEARTBEAT_INTERVAL * beat;
        assert_eq!(pair.client.next_wake(), Some(pair.now));
        pair.client.tick(pair.now);
        assert_eq!(pair.up(), 1, "one heartbeat an interval");
    }
    // Speaking does not prove that somebody listens.
    assert_eq!(pair.client.next_wake(), Some(start + DEAD_PEER_TIMEOUT));
    pair.client.tick(start + DEAD_PEER_TIMEOUT);
    assert_eq!(*pair.client.phase(), Phase::Offline);
    pair.now = start + DEAD_PEER_TIMEOUT;
    pair.host.disconnect(pair.line);
    pair.connect();
    pair.settle();
    assert_eq!(*pair.client.phase(), Phase::Live, "and it comes back");
    // Hearing anything keeps it.
    pair.now += DEAD_PEER_TIMEOUT - Duration::from_millis(1);
    pair.tell(&ToGuest::Session(SessionToGuest::Done { request: RequestId(9) }));
    pair.now += Duration::from_millis(2);
    pair.client.tick(pair.now);
    assert_eq!(*pair.client.phase(), Phase::Live);
}

// Presence.

#[test]
fn presence_is_told_at_most_twenty_times_a_second_and_the_latest_wins() {
    let mut pair = Pair::live("");
    let place = |number: u32| Presence {
        file: Some(WorkspacePath::parse(&format!("{number}.txt")).unwrap()),
        ..Presence::default()
    };
    pair.now += PRESENCE_INTERVAL;
    pair.host.heard.clear();
    let start = pair.now;
    for millisecond in 0..1000 {
        pair.now = start + Duration::from_millis(millisecond);
        pair.client.set_presence(place(u32::try_from(millisecond).unwrap()));
        let wake = pair.client.next_wake().unwrap();
        assert!(wake <= pair.now + PRESENCE_INTERVAL, "the driver is asked to come back");
        pair.up();
    }
    let told: Vec<Presence> = pair
        .host
        .heard
        .drain(..)
        .map(|message| match message {
            ToHost::Presence(PresenceToHost::At(presence)) => presence,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told.len(), 20);
    assert_eq!(told[1], place(50), "what is told is where one is, not where one was");
    pair.now += PRESENCE_INTERVAL;
    pair.up();
    assert_eq!(pair.host.heard.pop(), Some(ToHost::Presence(PresenceToHost::At(place(999)))));
    pair.client.set_presence(place(999));
    pair.now += PRESENCE_INTERVAL;
    assert_eq!(pair.up(), 0, "the same again is no news");
}

#[test]
fn after_a_break_the_host_learns_again_where_a_guest_is() {
    let mut pair = Pair::live("");
    let away = Presence { activity: Activity::Away, ..Presence::default() };
    pair.client.set_presence(away.clone());
    pair.now += PRESENCE_INTERVAL;
    pair.settle();
    pair.cut();
    pair.host.heard.clear();
    pair.connect();
    pair.now += PRESENCE_INTERVAL;
    pair.settle();
    assert!(pair.host.heard.contains(&ToHost::Presence(PresenceToHost::At(away))));
}

#[test]
fn presence_of_one_who_is_not_here_is_no_news() {
    let mut pair = Pair::live("");
    pair.take_events();
    let message =
        |participant| ToGuest::Presence(PresenceToGuest::At { participant, presence: Presence::default() });
    pair.tell(&message(ParticipantId(77)));
    assert!(pair.client.presences().get(ParticipantId(77)).is_none());
    assert_eq!(pair.take_events(), []);
}

// Requests.

#[test]
fn requests_while_away_are_answered_with_a_fault() {
    let mut pair = Pair::apart("");
    let create = |request| WorkspaceToHost::Create {
        request,
        path: WorkspacePath::parse("x").unwrap(),
        entry: NewEntry::File,
    };
    let request = pair.client.workspace(create);
    let busy = |request| ClientEvent::Fault { request: Some(request), fault: FaultCode::Busy.into() };
    assert_eq!(pair.take_events(), [busy(request)]);
    let admin =
        pair.client.administer(|request| SessionToHost::Admit { request, participant: ParticipantId(2) });
    assert_eq!(pair.take_events(), [busy(admin)]);
    assert_ne!(request, admin);
    // What needs no answer is void, and nothing of it is said later.
    pair.client.leave();
    pair.connect();
    pair.settle();
    assert_eq!(pair.heard(), [""; 0]);
    pair.take_events();
    let request = pair.client.workspace(create);
    pair.settle();
    assert_eq!(pair.take_events(), [ClientEvent::Done { request }]);
}

#[test]
fn a_name_given_while_away_is_the_one_it_comes_back_with() {
    let mut pair = Pair::apart("");
    pair.client.set_name("Zoe".into());
    pair.connect();
    pair.settle();
    assert_eq!(pair.client.me().unwrap().name, "Zoe");
    pair.client.set_name("Zoë".into());
    pair.settle();
    assert_eq!(pair.client.me().unwrap().name, "Zoë");
}

#[test]
fn opening_waits_for_the_connection_and_is_answered_once_each() {
    let mut pair = Pair::apart("text");
    let (first, second) = (pair.open("a.txt"), pair.open("a.txt"));
    let missing = [pair.open("none.txt"), pair.open("none.txt")];
    pair.connect();
    pair.settle();
    let third = pair.open("a.txt");
    assert_eq!(pair.heard(), ["open", "open"], "one for each file");
    let events = pair.take_events();
    for request in [first, second, third] {
        let opened = ClientEvent::Opened { request, document: DOCUMENT };
        assert_eq!(events.iter().filter(|event| **event == opened).count(), 1, "{events:?}");
    }
    for request in missing {
        let fault = Fault::new(FaultCode::NotFound).with("none.txt");
        let failed = ClientEvent::Fault { request: Some(request), fault };
        assert_eq!(events.iter().filter(|event| **event == failed).count(), 1, "{events:?}");
    }
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Synced));
}

#[test]
fn an_answer_before_the_welcome_ends_the_connection_and_nothing_else() {
    let mut pair = Pair::apart("text");
    pair.host.doorman = Doorman::Waits;
    pair.connect();
    pair.settle();
    let request = pair.open("a.txt");
    let mut other = Pair::live("text");
    other.open("a.txt");
    other.up();
    let info = loop {
        let message = other.host.transmit(other.line).unwrap();
        other.client.receive(&message, other.now);
        if let Some(open) = other.client.document(DOCUMENT) {
            break open.info().clone();
        }
    };
    pair.tell(&ToGuest::Document(DocumentToGuest::Opened { request, info }));
    assert_eq!(*pair.client.phase(), Phase::Offline);
}

// Documents.

#[test]
fn closing_and_opening_again_crosses_without_confusion() {
    let mut pair = Pair::with_open_document("text");
    pair.heard();
    pair.client.close(DOCUMENT);
    let request = pair.open("a.txt");
    pair.up();
    // What the host said before it heard of the closing must not be taken for the new opening's.
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}!"));
    pair.settle();
    assert_eq!(pair.heard(), ["close", "open"]);
    assert_eq!(pair.take_events()[0], ClientEvent::Opened { request, document: DOCUMENT });
    assert_eq!(pair.text(), "text!");
    pair.host.change_on_disk(DOCUMENT, |text| format!("{text}?"));
    pair.settle();
    assert_eq!(pair.text(), "text!?");
}

#[test]
fn what_was_typed_just_before_closing_reaches_the_host() {
    let mut pair = Pair::with_open_document("text");
    pair.heard();
    pair.type_at(4, " more");
    pair.client.close(DOCUMENT);
    assert!(pair.client.document(DOCUMENT).is_none(), "it is closed for its editor");
    pair.take_events();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text more");
    assert_eq!(pair.heard(), ["update", "close"]);
    assert_eq!(pair.take_events(), []);
}

#[test]
fn what_was_typed_and_closed_while_away_reaches_the_host_later() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(0, "more ");
    pair.client.close(DOCUMENT);
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "more text");
    assert_eq!(pair.heard().last(), Some(&"close"));
    assert_eq!(pair.client.documents().count(), 0);
}

#[test]
fn a_document_closed_while_it_comes_back_stays_closed() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.connect();
    while *pair.client.phase() != Phase::Live {
        pair.up();
        pair.down();
    }
    pair.up();
    pair.take_events();
    pair.client.close(DOCUMENT);
    pair.settle();
    assert_eq!(pair.client.documents().count(), 0);
    let opened = pair.take_events().into_iter().find(|event| matches!(event, ClientEvent::Opened { .. }));
    assert_eq!(opened, None);
    assert_eq!(pair.heard().last(), Some(&"close"));
}

#[test]
fn a_first_opening_that_the_break_interrupts_is_still_an_opening() {
    let mut pair = Pair::live("text");
    let request = pair.open("a.txt");
    pair.up();
    // The announcement arrives, the state does not, and afterwards the document has another id.
    let mut other = Host::new();
    other.add_document(7, "a.txt", "other text");
    let info = parlor_shared::message::DocumentInfo {
        document: DOCUMENT,
        path: WorkspacePath::parse("a.txt").unwrap(),
        end_of_line: parlor_shared::message::EndOfLine::Lf,
        encoding: parlor_shared::message::Encoding::Utf8,
        writable: true,
        status: parlor_shared::message::DocumentStatus::Unsaved,
    };
    pair.host.disconnect(pair.line);
    pair.cut();
    pair.connect();
    while *pair.client.phase() != Phase::Live {
        pair.up();
        pair.down();
    }
    pair.tell(&ToGuest::Document(DocumentToGuest::Opened { request, info }));
    pair.cut();
    pair.host = other;
    pair.connect();
    pair.settle();
    let events = pair.take_events();
    assert!(events.contains(&ClientEvent::Opened { request, document: DocumentId(7) }), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, ClientEvent::Replaced { .. })), "{events:?}");
}

#[test]
fn nothing_typed_while_away_is_lost() {
    let mut pair = Pair::with_open_document("text");
    pair.type_at(4, "1");
    // The first update leaves, and is lost on the way.
    assert!(pair.client.poll_transmit(pair.now).is_some());
    pair.cut();
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Offline));
    pair.type_at(5, "2");
    pair.host.change_on_disk(DOCUMENT, |text| format!("\u{1f600}{text}"));
    pair.connect();
    pair.type_at(6, "3");
    pair.take_events();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "\u{1f600}text123");
    assert_eq!(pair.text(), "\u{1f600}text123");
    let splices = vec![Splice { at: 0, delete: 0, insert: "\u{1f600}".into() }];
    assert!(pair.take_events().contains(&ClientEvent::Changed { document: DOCUMENT, splices }));
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Saved));
    assert_eq!((pair.host.counters.resumed, pair.host.counters.known_replicas), (1, 1));
}

#[test]
fn deletions_made_while_away_arrive_too() {
    let mut pair = Pair::with_open_document("one two three");
    pair.cut();
    pair.client.edit(DOCUMENT, &[Splice { at: 3, delete: 4, insert: String::new() }]).unwrap();
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "one three");
}

#[test]
fn a_save_goes_behind_what_was_typed_before_it() {
    let mut pair = Pair::with_open_document("text");
    pair.heard();
    pair.cut();
    pair.type_at(0, "more ");
    pair.client.save(DOCUMENT);
    pair.connect();
    pair.settle();
    assert_eq!(pair.heard(), ["open", "update", "save"]);
    assert_eq!(pair.client.sync_state(DOCUMENT), Some(SyncState::Saved));
}

#[test]
fn a_refused_text_is_replaced_and_handed_back() {
    let mut pair = Pair::with_open_document("text");
    pair.host.set_role(pair.line, Role::Viewer);
    // Typed before the news of the role arrived.
    pair.type_at(4, " mine");
    pair.up();
    pair.type_at(9, " and more");
    pair.take_events();
    pair.settle();
    let fault = Some(Fault::new(FaultCode::NotAllowed).with("Edit"));
    let lost = Some("text mine and more".to_owned());
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DOCUMENT, lost, fault };
    let events = pair.take_events();
    assert!(events.contains(&replaced), "{events:?}");
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), ("text".to_owned(), "text".to_owned()));
    assert_eq!(pair.client.role(), Role::Viewer);
    // Once it may, it goes on under the same name.
    pair.host.set_role(pair.line, Role::Editor);
    pair.settle();
    pair.type_at(0, "now: ");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "now: text");
    assert_eq!(pair.host.counters.refused, 1);
}

#[test]
fn a_refused_text_that_was_closed_comes_back_as_lost() {
    let mut pair = Pair::with_open_document("text");
    pair.host.set_role(pair.line, Role::Viewer);
    pair.type_at(4, " mine");
    pair.client.close(DOCUMENT);
    pair.take_events();
    pair.settle();
    let fault = Some(Fault::new(FaultCode::NotAllowed).with("Edit"));
    let lost = Some("text mine".to_owned());
    assert_eq!(pair.take_events(), [ClientEvent::Closed { document: DOCUMENT, fault, lost }]);
}

#[test]
fn another_author_can_not_send_what_was_typed_before() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(4, " mine");
    pair.host.remembers = false;
    pair.connect();
    pair.take_events();
    pair.settle();
    let lost = Some("text mine".to_owned());
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DOCUMENT, lost, fault: None };
    let events = pair.take_events();
    assert!(events.contains(&replaced), "{events:?}");
    assert_eq!(pair.text(), "text");
    pair.type_at(4, " again");
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "text again");
}

#[test]
fn a_document_that_is_another_one_now_is_not_merged_into() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(4, " mine");
    pair.host.documents.clear();
    pair.host.add_document(2, "a.txt", "other");
    pair.connect();
    pair.settle();
    let lost = Some("text mine".to_owned());
    let replaced = ClientEvent::Replaced { old: DOCUMENT, document: DocumentId(2), lost, fault: None };
    let events = pair.take_events();
    assert!(events.contains(&replaced), "{events:?}");
    assert_eq!(pair.host.text(DocumentId(2)), "other");
    assert!(pair.client.document(DOCUMENT).is_none());
}

#[test]
fn a_file_that_is_gone_after_a_break_ends_its_document_and_gives_the_text_back() {
    let mut pair = Pair::with_open_document("text");
    pair.cut();
    pair.type_at(4, " mine");
    pair.host.documents.clear();
    pair.connect();
    pair.settle();
    let fault = Some(Fault::new(FaultCode::NotFound).with("a.txt"));
    let lost = Some("text mine".to_owned());
    let events = pair.take_events();
    assert!(events.contains(&ClientEvent::Closed { document: DOCUMENT, fault, lost }), "{events:?}");
}

#[test]
fn a_resync_brings_what_was_dropped() {
    let mut pair = Pair::with_open_document("text");
    // An update that the lanes dropped: here it is never put on them.
    let connection = pair.line;
    pair.host.set_role(connection, Role::Editor);
    pair.tell(&ToGuest::Document(DocumentToGuest::Resync { document: DOCUMENT }));
    pair.type_at(0, "mine ");
    pair.heard();
    pair.settle();
    assert_eq!(pair.heard(), ["sync", "update"]);
    assert_eq!((pair.text(), pair.host.text(DOCUMENT)), ("mine text".to_owned(), "mine text".to_owned()));
}

#[test]
fn a_broken_seal_ends_the_connection_but_not_the_session() {
    let mut pair = Pair::with_open_document("text");
    pair.type_at(0, "mine ");
    pair.client.receive(&[3; 40], pair.now);
    assert_eq!(*pair.client.phase(), Phase::Offline);
    let broken = ClientEvent::Fault { request: None, fault: FaultCode::BrokenSeal.into() };
    assert!(pair.take_events().contains(&broken));
    assert_eq!(pair.client.poll_transmit(pair.now), None);
    pair.host.disconnect(pair.line);
    pair.connect();
    pair.settle();
    assert_eq!(pair.host.text(DOCUMENT), "mine text");
}

#[test]
fn messages_of_a_newer_host_are_passed_over() {
    let mut pair = Pair::live("");
    pair.take_events();
    for bytes in [&[200, 1, 2, 3][..], &[0, 100], &[1, 99, 0xff, 0xff]] {
        pair.host.tell_bytes(pair.line, bytes);
    }
    // Nor does what concerns documents that were closed meanwhile.
    pair.tell(&ToGuest::Document(DocumentToGuest::Resync { document: DocumentId(99) }));
    pair.tell(&ToGuest::Document(DocumentToGuest::Closed { document: DocumentId(99), fault: None }));
    assert_eq!(*pair.client.phase(), Phase::Live);
    assert_eq!(pair.take_events(), []);
}
