//! A connection outlives its transports: what was under way arrives, once, and nobody else notices a short absence.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use parlor::agent::Approval;
use parlor::guest::Guest;
use parlor::transport::Transport;
use parlor_shared::client::{ClientEvent, ClientOptions, Phase, SyncState};
use parlor_shared::codec;
use parlor_shared::fault::FaultCode;
use parlor_shared::id::{LinkId, ParticipantId};
use parlor_shared::limits::RESUME_WINDOW;
use parlor_shared::link::Opening;
use parlor_shared::message::{JoinRequest, LeaveReason, Resume, ResumeLink, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use parlor_shared::seal::{Channel, Identity, read_clear_fault};
use tokio_tungstenite::tungstenite::Message;

mod common;

use common::raw::{RawGuest, Socket, greet, next_binary, open_socket};
use common::{TestAgent, TestGuest};

fn began_afresh(guest: &TestGuest) -> bool {
    guest.log.events().contains(&ClientEvent::BeganAfresh)
}

#[tokio::test]
async fn a_file_that_is_being_read_arrives_whole_over_many_transports() {
    const BYTES: usize = 3_000_000;
    let agent = TestAgent::start().await;
    let content: Vec<u8> = (0..BYTES).map(|at| (at * 7919 % 251) as u8).collect();
    agent.write("picture.png", &content);
    let ann = agent.join(Role::Viewer, "Ann").await;
    let path = WorkspacePath::parse("picture.png").unwrap();
    let request = ann.with(|client| client.workspace(|request| WorkspaceToHost::Read { request, path }));
    let received = |guest: &TestGuest| -> Vec<u8> {
        let mut whole = Vec::new();
        for event in guest.log.events() {
            if let ClientEvent::Chunk { request: of, offset, bytes, .. } = event {
                assert_eq!((of, offset), (request, whole.len() as u64), "in order and once");
                whole.extend(bytes);
            }
        }
        whole
    };
    for part in 1..=5 {
        ann.wait("some of it", |_| received(&ann).len() >= part * BYTES / 8).await;
        ann.guest.cut();
        ann.reconnect().await;
    }
    ann.wait("all of it", |_| received(&ann).len() == BYTES).await;
    assert!(received(&ann) == content);
    assert!(!began_afresh(&ann));
    agent.end().await;
}

#[tokio::test]
async fn what_is_typed_while_the_transport_is_gone_arrives_and_nobody_sees_a_short_absence() {
    let agent = TestAgent::start_with(Approval::Always).await;
    agent.write("a.txt", "begin\n");
    let host = agent.join(Role::Host, "Hanna").await;
    let ann = agent.knock(agent.invite(Role::Editor), "Ann").await;
    let mut id = None;
    host.wait("Ann knocks", |_| {
        id = host.log.events().iter().find_map(|event| match event {
            ClientEvent::Knock { participant, .. } => Some(*participant),
            _ => None,
        });
        id.is_some()
    })
    .await;
    let admit = |participant: ParticipantId| {
        move |request| parlor_shared::message::SessionToHost::Admit { request, participant }
    };
    host.with(|client| client.administer(admit(id.unwrap())));
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let mut ann = ann;
    let document = ann.open("a.txt").await;
    for round in 0..5 {
        ann.append(document, &format!("{round} before the cut\n"));
        ann.guest.cut();
        ann.append(document, &format!("{round} while away\n"));
        ann.reconnect().await;
    }
    ann.wait_sync(document, &SyncState::Saved).await;
    let expected: String =
        (0..5).map(|round| format!("{round} before the cut\n{round} while away\n")).collect();
    assert_eq!(agent.read("a.txt"), format!("begin\n{expected}"));
    assert!(!began_afresh(&ann));
    let waited = |event: &ClientEvent| matches!(event, ClientEvent::Phase(Phase::Lobby));
    assert_eq!(ann.log.events().iter().filter(|event| waited(event)).count(), 1, "one approval");
    let left = |event: &ClientEvent| matches!(event, ClientEvent::Left { .. });
    assert!(!host.log.events().iter().any(left), "a short absence is nobody's business");
    agent.end().await;
}

#[tokio::test]
async fn who_stays_away_has_left_for_the_others_and_still_goes_on_with_the_same_link() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Editor, "Bob").await);
    let (a, b) = (ann.open("a.txt").await, bob.open("a.txt").await);
    ann.guest.cut();
    let reason = bob
        .event("Ann is away", |event| match event {
            ClientEvent::Left { reason, .. } => Some(*reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, LeaveReason::Lost);
    bob.append(b, "Bob writes on\n");
    let cleo = agent.join(Role::Viewer, "Cleo").await;
    assert_eq!(cleo.with(|client| client.participants().count()), 2, "Cleo does not see who is away");
    ann.reconnect().await;
    bob.wait("Ann is back", |client| client.participants().count() == 3).await;
    ann.wait("everybody", |client| client.participants().count() == 3).await;
    ann.wait_text(a, |text| text == "Bob writes on\n").await;
    assert!(!began_afresh(&ann));
    agent.end().await;
}

#[tokio::test]
async fn a_second_transport_takes_over_from_one_that_is_only_half_dead() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    for round in 0..10 {
        ann.append(document, &round.to_string());
        // The old one is not closed: the host has to find out by itself that nobody is there any more.
        ann.reconnect().await;
    }
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("a.txt"), "0123456789");
    assert!(!began_afresh(&ann));
    agent.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_link_is_given_up_in_the_end_and_what_was_typed_is_not() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let options = ClientOptions {
        invite: agent.invite(Role::Editor),
        identity: Identity::generate().unwrap(),
        name: "Ann".to_owned(),
        program: "native".to_owned(),
    };
    let (events, mut happened) = tokio::sync::mpsc::channel(1024);
    let guest = Guest::new(options, Box::new(move |_, event| events.try_send(event).unwrap()));
    let tasks = tokio_util::task::TaskTracker::new();
    for round in 0..2 {
        let (ours, theirs) = Transport::pair(64);
        agent.agent.serve(theirs);
        tasks.spawn(guest.serve(ours));
        if round == 0 {
            guest.with(|client| client.open(WorkspacePath::parse("a.txt").unwrap()));
            let document = loop {
                if let ClientEvent::Opened { document, .. } = happened.recv().await.unwrap() {
                    break document;
                }
            };
            guest.cut();
            let splice = parlor_shared::document::Splice { at: 0, delete: 0, insert: "late".to_owned() };
            guest.with(|client| client.edit(document, &[splice])).unwrap();
            tokio::time::sleep(RESUME_WINDOW + Duration::from_secs(5)).await;
        }
    }
    while happened.recv().await.unwrap() != ClientEvent::BeganAfresh {}
    let saved = || std::fs::read_to_string(agent.path("a.txt")).unwrap() == "late";
    while !saved() {
        happened.recv().await.unwrap();
    }
    agent.end().await;
}

/// Shakes hands and says to be somebody who comes back.
async fn come_back(
    agent: &TestAgent,
    identity: &Identity,
    participant: ParticipantId,
    link: LinkId,
    received: u64,
) -> (Socket, Channel) {
    let mut socket = open_socket(agent.address).await;
    let (initiator, first) = greet(identity, &agent.invite(Role::Editor));
    socket.send(Message::Binary(first.into())).await.unwrap();
    let reply = next_binary(&mut socket).await.unwrap();
    let resume = Some(Resume { participant, link: Some(ResumeLink { link, received }) });
    let request = JoinRequest { name: "Mallory".to_owned(), client: "raw".to_owned(), resume };
    let (channel, knock) = initiator.knock(&reply, &codec::encode(&request)).unwrap();
    socket.send(Message::Binary(knock.into())).await.unwrap();
    (socket, channel)
}

#[tokio::test]
async fn nobody_else_goes_on_with_a_link_and_nobody_with_more_than_it_carried() {
    let agent = TestAgent::start().await;
    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let mut ann = RawGuest::knock(agent.address, &invite, &identity, "Ann", None).await.unwrap();
    let me = ann.welcome().await.me.id;
    let link = ann.channel.link_id();

    // Another key, which says to be Ann and knows what her link is called.
    let other = Identity::generate().unwrap();
    let (mut socket, mut channel) = come_back(&agent, &other, me, link, 0).await;
    let opening = channel.open(&next_binary(&mut socket).await.unwrap()).unwrap();
    assert_eq!(Opening::decode(&opening), Ok(Opening::Afresh), "a participant of its own");
    let joined = ann.expect("the other one joins", |message| match message {
        parlor_shared::message::ToGuest::Session(parlor_shared::message::SessionToGuest::Joined(one)) => {
            Some(one.id)
        }
        _ => None,
    });
    assert_ne!(joined.await, me);
    drop(socket);

    // Ann's own key, which has received more than was ever sent.
    let (mut socket, _) = come_back(&agent, &identity, me, link, u64::MAX).await;
    let refusal = next_binary(&mut socket).await.unwrap();
    assert_eq!(read_clear_fault(&refusal).map(|fault| fault.code), Some(FaultCode::BrokenSeal));
    assert!(next_binary(&mut socket).await.is_none());
    agent.still_serves().await;
    agent.end().await;
    let _ = ann.socket.next().await;
}
