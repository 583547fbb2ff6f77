//! The guest's state machine, driven by hand: every way in, out and back, with a clock of our own.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

#[path = "common/host.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod host;
#[path = "common/pair.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod pair;

use std::time::Duration;

use parlor_shared::client::{ClientEvent, OverReason, Phase, SyncState};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, ParticipantId, RequestId, TerminalId};
use parlor_shared::limits::{
    DEAD_PEER_TIMEOUT, HANDSHAKE_TIMEOUT, HEARTBEAT_INTERVAL, MAX_TERMINAL_PASTE_BYTES, PRESENCE_INTERVAL,
};
use parlor_shared::message::{
    Activity, DocumentToGuest, History, NewEntry, PresenceToGuest, PresenceToHost, SessionToGuest,
    SessionToHost, TerminalInfo, TerminalState, TerminalToGuest, TerminalToHost, ToGuest, ToHost,
    WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::Presence;
use parlor_shared::role::Role;
use parlor_shared::seal::clear_fault;
use parlor_shared::terminal::{Access, SizePolicy, TerminalSize};

use host::Doorman;
use pair::{DOCUMENT, Pair};

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

// Terminals.

#[test]
fn what_was_typed_into_a_terminal_is_not_typed_again_when_the_link_begins_anew() {
    let terminal = TerminalId(7);
    let mut pair = Pair::live("");
    pair.client.type_into(terminal, b"make clean\n").unwrap();
    pair.cut();
    pair.client.type_into(terminal, b"make\n").unwrap();
    pair.take_events();
    pair.host.heard.clear();
    pair.connect();
    pair.settle();
    assert!(!pair.host.heard.iter().any(|message| matches!(message, ToHost::Terminal(_))));
    let refused = ClientEvent::TerminalRefused { terminal, fault: FaultCode::Silent.into() };
    assert_eq!(pair.take_events().iter().filter(|event| **event == refused).count(), 1, "and it is said");
}

#[test]
fn what_can_never_be_pasted_is_told_from_what_can_later() {
    let mut pair = Pair::live("");
    let paste = vec![b'x'; MAX_TERMINAL_PASTE_BYTES + 1];
    let fault = pair.client.type_into(TerminalId(7), &paste).unwrap_err();
    assert_eq!(fault, Fault::new(FaultCode::TooLarge).with(paste.len()).with(MAX_TERMINAL_PASTE_BYTES));
    pair.client.type_into(TerminalId(7), &paste[1..]).unwrap();
    assert_eq!(pair.client.type_into(TerminalId(7), b"x"), Err(FaultCode::Busy.into()));
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

// Terminals.

const TERMINAL: TerminalId = TerminalId(7);

#[test]
fn how_much_of_a_terminal_fits_is_told_while_one_looks_and_again_on_another_link() {
    let mut pair = Pair::live("");
    let size = TerminalSize { columns: 100, rows: 30 };
    let terminals = |pair: &mut Pair| {
        pair.settle();
        let heard = std::mem::take(&mut pair.host.heard).into_iter();
        heard.filter(|message| matches!(message, ToHost::Terminal(_))).collect::<Vec<_>>()
    };
    let watch = ToHost::Terminal(TerminalToHost::Watch { terminal: TERMINAL, history: History::Kept });
    let fits = |size| ToHost::Terminal(TerminalToHost::Resize { terminal: TERMINAL, size });
    pair.client.fit_terminal(TERMINAL, TerminalSize::USUAL);
    pair.client.fit_terminal(TERMINAL, size);
    assert_eq!(terminals(&mut pair), [], "the host takes no measure of one who does not look");
    pair.client.watch_terminal(TERMINAL, History::Kept);
    assert_eq!(terminals(&mut pair), [watch.clone(), fits(size)]);
    pair.client.fit_terminal(TERMINAL, TerminalSize::USUAL);
    assert_eq!(terminals(&mut pair), [fits(TerminalSize::USUAL)]);
    pair.cut();
    pair.connect();
    assert_eq!(terminals(&mut pair), [watch, fits(TerminalSize::USUAL)]);
}

fn terminal(id: u32) -> ToGuest {
    ToGuest::Terminal(TerminalToGuest::Is(TerminalInfo {
        terminal: TerminalId(id),
        name: "shell".into(),
        title: String::new(),
        size: TerminalSize::USUAL,
        policy: SizePolicy::Host,
        access: Access::ReadOnly,
        exceptions: vec![],
        asking: vec![],
        watchers: vec![],
        typist: None,
        typed: 0,
        state: TerminalState::Running,
    }))
}

#[test]
fn a_terminal_that_ended_with_the_hosts_program_is_told_from_one_that_was_unshared() {
    let mut pair = Pair::live("");
    let there = |ids: &[u32]| {
        let terminals = ids.iter().copied().map(TerminalId).collect();
        ToGuest::Terminal(TerminalToGuest::There { terminals })
    };
    let since = |first| ToGuest::Terminal(TerminalToGuest::Since { first: TerminalId(first) });
    let over = |id| ToGuest::Terminal(TerminalToGuest::Over { terminal: TerminalId(id) });
    let gone = |id, reason| ClientEvent::TerminalOver { terminal: TerminalId(id), reason };
    let hears = |pair: &mut Pair, messages: &[ToGuest]| {
        messages.iter().for_each(|message| pair.tell(message));
        let events = pair.take_events().into_iter();
        events.filter(|event| matches!(event, ClientEvent::TerminalOver { .. })).collect::<Vec<_>>()
    };
    let first = [since(5), there(&[5, 6, 7]), terminal(5), terminal(6), terminal(7)];
    assert_eq!(hears(&mut pair, &first), []);
    assert_eq!(hears(&mut pair, &[over(5)]), [gone(5, OverReason::Unshared)]);

    // The same program, which forgot the link.
    pair.cut();
    pair.connect();
    pair.settle();
    assert_eq!(hears(&mut pair, &[since(5), there(&[6])]), [gone(7, OverReason::Unshared)]);

    // Another one.
    pair.cut();
    pair.connect();
    pair.settle();
    assert_eq!(hears(&mut pair, &[since(70), there(&[70])]), [gone(6, OverReason::HostRestarted)]);
    assert_eq!(hears(&mut pair, &[terminal(70), over(70)]), [gone(70, OverReason::Unshared)]);
}

// The rest.

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
