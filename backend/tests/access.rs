//! Who may do what: every role tries what it may not, the lobby keeps its door, and whoever was sent out stays out.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::time::Duration;

use parlor::agent::{AgentEvent, Approval};
use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::codec;
use parlor_shared::document::{Document, Splice};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, RequestId};
use parlor_shared::lane::Lane;
use parlor_shared::limits::MAX_BEFORE_ADMISSION_BYTES;
use parlor_shared::message::{
    DocumentToGuest, DocumentToHost, KnownDocument, NewEntry, Packed, PresenceToHost, SessionToGuest,
    SessionToHost, ToGuest, ToHost, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::Presence;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;

mod common;

use common::raw::RawGuest;
use common::{TestAgent, TestGuest};

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn refused(capability: &str) -> Fault {
    Fault::new(FaultCode::NotAllowed).with(capability)
}

/// Opens a file by hand and gives its text.
async fn open(guest: &mut RawGuest, file: &str, author: AuthorId) -> (DocumentId, Document) {
    let request = RequestId(900);
    guest.say(&ToHost::Document(DocumentToHost::Open { request, path: path(file), known: None })).await;
    let (document, update) = guest
        .expect("a state", |message| match message {
            ToGuest::Document(DocumentToGuest::State { document, update, .. }) => {
                Some((*document, update.unpack().unwrap()))
            }
            _ => None,
        })
        .await;
    let mut replica = Document::new(author);
    replica.apply([update.as_slice()]).unwrap();
    (document, replica)
}

fn typed(replica: &mut Document, text: &str) -> Vec<u8> {
    let splice = Splice { at: 0, delete: 0, insert: text.to_owned() };
    replica.edit(&[splice]).unwrap().unwrap()
}

#[tokio::test]
async fn a_viewer_who_sends_every_change_by_hand_changes_nothing() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "text");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let me = ann.with(|client| client.membership().unwrap().me);
    let (mut viewer, welcome) = RawGuest::join(agent.address, &agent.invite(Role::Viewer), "Vera").await;
    let (opened, mut replica) = open(&mut viewer, "a.txt", welcome.me.author).await;
    assert_eq!(opened, document);

    let update = typed(&mut replica, "vandalised ");
    viewer
        .say(&ToHost::Document(DocumentToHost::Update {
            document,
            epoch: 0,
            sequence: 1,
            update: Packed::new(update),
        }))
        .await;
    let fault = viewer
        .expect("refused", |message| match message {
            ToGuest::Document(DocumentToGuest::Refused { sequence: 1, fault, .. }) => Some(fault.clone()),
            _ => None,
        })
        .await;
    assert_eq!(fault, refused("Edit"));
    viewer.say(&ToHost::Document(DocumentToHost::Save { document })).await;
    assert_eq!(viewer.fault().await, refused("Save"));

    let (from, to) = (path("a.txt"), path("b.txt"));
    let files = [
        WorkspaceToHost::Create { request: RequestId(1), path: path("new.txt"), entry: NewEntry::File },
        WorkspaceToHost::Create { request: RequestId(2), path: path("new"), entry: NewEntry::Folder },
        WorkspaceToHost::Rename { request: RequestId(3), from: from.clone(), to },
        WorkspaceToHost::Delete { request: RequestId(4), path: from },
    ];
    for message in files.map(ToHost::Workspace) {
        viewer.say(&message).await;
        assert_eq!(viewer.fault().await, refused("ManageFiles"), "{message:?}");
    }
    for message in administration(me) {
        viewer.say(&ToHost::Session(message.clone())).await;
        assert_eq!(viewer.fault().await, refused("Administer"), "{message:?}");
    }
    assert_eq!(ann.text(document), "text");
    assert_eq!(ann.sync_state(document), Some(SyncState::Synced));
    agent.still_serves().await;
    assert_eq!(entries(&agent), ["a.txt"]);
    assert_eq!(agent.read("a.txt"), "text");
    agent.end().await;
}

fn entries(agent: &TestAgent) -> Vec<String> {
    let entries = std::fs::read_dir(agent.folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn administration(participant: ParticipantId) -> [SessionToHost; 5] {
    [
        SessionToHost::SetRole { request: RequestId(11), participant, role: Role::Viewer },
        SessionToHost::Remove { request: RequestId(12), participant },
        SessionToHost::Admit { request: RequestId(13), participant },
        SessionToHost::Deny { request: RequestId(14), participant },
        SessionToHost::End,
    ]
}

#[tokio::test]
async fn an_editor_does_not_administer_and_a_host_is_nobody_elses_to_move() {
    let mut agent = TestAgent::start().await;
    let mut host = agent.join(Role::Host, "Hanna").await;
    let (mut editor, welcome) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Ed").await;
    let host_id = host.with(|client| client.membership().unwrap().me);
    for message in administration(host_id).into_iter().chain(administration(welcome.me.id)) {
        editor.say(&ToHost::Session(message.clone())).await;
        assert_eq!(editor.fault().await, refused("Administer"), "{message:?}");
    }
    // Nor does the host give its own role away, or touch what it has by its link.
    for (participant, role) in [(welcome.me.id, Role::Host), (host_id, Role::Viewer)] {
        let request = host.with(|client| {
            client.administer(|request| SessionToHost::SetRole { request, participant, role })
        });
        assert_eq!(host.answer(request).await, Err(refused("Administer")));
    }
    let request = host
        .with(|client| client.administer(|request| SessionToHost::Remove { request, participant: host_id }));
    assert_eq!(host.answer(request).await, Err(refused("Administer")));
    let nobody = ParticipantId(999);
    let request = host
        .with(|client| client.administer(|request| SessionToHost::Remove { request, participant: nobody }));
    assert_eq!(host.answer(request).await, Err(FaultCode::UnknownParticipant.into()));
    agent.still_serves().await;
    host.with(|client| client.administer(|_| SessionToHost::End));
    agent.event("the host ends", |event| *event == AgentEvent::EndRequested).await;
    agent.end().await;
}

async fn set_role(host: &mut TestGuest, participant: ParticipantId, role: Role) {
    let request = host
        .with(|client| client.administer(|request| SessionToHost::SetRole { request, participant, role }));
    host.answer(request).await.unwrap();
}

fn me(guest: &TestGuest) -> ParticipantId {
    guest.with(|client| client.membership().unwrap().me)
}

#[tokio::test]
async fn a_role_that_changes_while_somebody_types_hands_back_what_was_refused() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut host = agent.join(Role::Host, "Hanna").await;
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let b = host.open("a.txt").await;
    ann.append(document, "kept ");
    ann.wait_sync(document, &SyncState::Saved).await;

    let id = me(&ann);
    set_role(&mut host, id, Role::Viewer).await;
    // What was typed before the news arrived, or in spite of it.
    ann.append(document, "refused");
    let (lost, fault) = ann
        .event("handed back", |event| match event {
            ClientEvent::Replaced { lost, fault, .. } => Some((lost.clone(), fault.clone())),
            _ => None,
        })
        .await;
    assert_eq!(lost.as_deref(), Some("kept refused"));
    assert_eq!(fault, Some(refused("Edit")));
    ann.wait("a viewer", |client| client.role() == Role::Viewer).await;
    ann.wait_text(document, |text| text == "kept ").await;

    set_role(&mut host, id, Role::Editor).await;
    ann.wait("an editor", |client| client.role() == Role::Editor).await;
    ann.append(document, "again");
    ann.wait_sync(document, &SyncState::Saved).await;
    host.wait_text(b, |text| text == "kept again").await;
    assert_eq!(agent.read("a.txt"), "kept again");
    agent.end().await;
}

#[tokio::test]
async fn a_role_is_of_the_person_whatever_tab_or_link_it_comes_with() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut host = agent.join(Role::Host, "Hanna").await;
    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let first = agent.knock_as(invite.clone(), "Ann", identity.clone()).await;
    let second = agent.knock_as(invite.clone(), "Ann", identity.clone()).await;
    for tab in [&first, &second] {
        tab.wait("welcome", |client| client.role() == Role::Editor).await;
    }
    let id = me(&first);
    set_role(&mut host, id, Role::Viewer).await;
    // Her other tab, a page that was loaded anew and has forgotten who it was, and another link.
    second.wait("a viewer", |client| client.role() == Role::Viewer).await;
    first.with(|client| client.leave());
    first.wait("leave taken", |client| *client.phase() == Phase::Offline).await;
    for invite in [invite, agent.invite(Role::Viewer)] {
        let again = agent.knock_as(invite, "Ann", identity.clone()).await;
        again.wait("welcome", |client| *client.phase() == Phase::Live).await;
        assert_eq!(again.with(|client| client.role()), Role::Viewer);
    }
    // The host's own link is never weakened by what its holder was as a guest.
    let own = agent.knock_as(agent.invite(Role::Host), "Ann", identity).await;
    own.wait("welcome", |client| client.role() == Role::Host).await;
    agent.end().await;
}

#[tokio::test]
async fn whoever_is_removed_is_out_within_a_second_and_does_not_come_back() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut host = agent.join(Role::Host, "Hanna").await;
    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let mut mallory = agent.knock_as(invite.clone(), "Mallory", identity.clone()).await;
    let tab = agent.knock_as(invite.clone(), "Mallory", identity.clone()).await;
    for tab in [&mallory, &tab] {
        tab.wait("welcome", |client| *client.phase() == Phase::Live).await;
    }
    let document = mallory.open("a.txt").await;
    let id = me(&mallory);
    let request =
        host.with(|client| client.administer(|request| SessionToHost::Remove { request, participant: id }));
    let out = async {
        assert_eq!(mallory.ended().await.code, FaultCode::Removed);
        assert_eq!(tab.ended().await.code, FaultCode::Removed);
    };
    tokio::time::timeout(Duration::from_secs(1), out).await.expect("within a second");
    host.answer(request).await.unwrap();
    host.wait("she is gone", |client| client.participants().count() == 1).await;

    for (resume, invite) in [(None, &invite), (Some(id), &invite), (Some(id), &agent.invite(Role::Viewer))] {
        let mut back = RawGuest::knock(agent.address, invite, &identity, "Me", resume).await.unwrap();
        assert_eq!(back.rest().await, [ToGuest::Fault { request: None, fault: FaultCode::Removed.into() }]);
    }
    mallory.append(document, "still here?");
    agent.still_serves().await;
    assert_eq!(agent.read("a.txt"), "");
    agent.end().await;
}

#[tokio::test]
async fn text_under_another_name_is_refused_and_so_is_all_that_follows() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "text");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let victim = ann.with(|client| client.membership().unwrap().author);
    for author in [victim, AuthorId::DISK, AuthorId::AGENT, AuthorId(u64::from(u32::MAX))] {
        let (mut forger, welcome) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Eve").await;
        assert_ne!(welcome.me.author, author);
        let (_, mut replica) = open(&mut forger, "a.txt", author).await;
        for sequence in 1..=2 {
            let update = typed(&mut replica, "Ann says so ");
            forger
                .say(&ToHost::Document(DocumentToHost::Update {
                    document,
                    epoch: 0,
                    sequence,
                    update: Packed::new(update),
                }))
                .await;
        }
        let (sequence, fault) = forger
            .expect("refused", |message| match message {
                ToGuest::Document(DocumentToGuest::Refused { sequence, fault, .. }) => {
                    Some((*sequence, fault.clone()))
                }
                _ => None,
            })
            .await;
        assert_eq!((sequence, fault.code), (1, FaultCode::ForeignAuthor), "{author:?}");
    }
    // Updates that are none.
    let (mut garbler, _) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Gus").await;
    open(&mut garbler, "a.txt", AuthorId(77)).await;
    garbler
        .say(&ToHost::Document(DocumentToHost::Update {
            document,
            epoch: 0,
            sequence: 1,
            update: Packed::new(vec![0xff; 99]),
        }))
        .await;
    let fault = garbler
        .expect("refused", |message| match message {
            ToGuest::Document(DocumentToGuest::Refused { fault, .. }) => Some(fault.clone()),
            _ => None,
        })
        .await;
    assert_eq!(fault.code, FaultCode::InvalidUpdate);
    garbler
        .say(&ToHost::Document(DocumentToHost::Sync { document, epoch: 0, state_vector: vec![0xff; 99] }))
        .await;
    assert_eq!(garbler.fault().await.code, FaultCode::Malformed);
    // A document that is not open, or not there at all.
    for document in [DocumentId(0), DocumentId(u32::MAX)] {
        garbler
            .say(&ToHost::Document(DocumentToHost::Sync { document, epoch: 0, state_vector: vec![0] }))
            .await;
        let closed = |message: &ToGuest| match message {
            ToGuest::Document(DocumentToGuest::Closed { fault, .. }) => fault.clone(),
            _ => None,
        };
        assert_eq!(garbler.expect("closed", closed).await.code, FaultCode::UnknownDocument);
    }
    ann.append(document, " of Ann");
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("a.txt"), "text of Ann");
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn who_resumes_somebody_else_is_somebody_new() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let id = me(&ann);
    let invite = agent.invite(Role::Viewer);
    let key = Identity::generate().unwrap();
    let mut eve = RawGuest::knock(agent.address, &invite, &key, "Eve", Some(id)).await.unwrap();
    let welcome = eve.welcome().await;
    assert_ne!(welcome.me.id, id);
    assert_eq!(welcome.me.role, Role::Viewer);
    assert_ne!(Some(welcome.me.author), ann.with(|client| client.membership().map(|member| member.author)));
    // Nor when Ann is away.
    ann.guest.cut();
    eve.expect("Ann left", |message| {
        matches!(message, ToGuest::Session(SessionToGuest::Left { participant, .. }) if *participant == id)
            .then_some(())
    })
    .await;
    let key = Identity::generate().unwrap();
    let mut eve = RawGuest::knock(agent.address, &invite, &key, "Eve", Some(id)).await.unwrap();
    assert_ne!(eve.welcome().await.me.id, id);
    ann.append(document, "Ann's own");
    ann.reconnect().await;
    assert_eq!(me(&ann), id);
    ann.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(agent.read("a.txt"), "Ann's own");
    agent.end().await;
}

#[tokio::test]
async fn two_tabs_of_one_guest_are_two_participants_and_a_reload_leaves_no_ghost() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let mut first = agent.knock_as(invite.clone(), "Ann", identity.clone()).await;
    first.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let mut second = agent.knock_as(invite.clone(), "ann", identity.clone()).await;
    second.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let names = |guest: &TestGuest| {
        guest.with(|client| client.participants().map(|one| one.name.clone()).collect::<Vec<_>>())
    };
    first.wait("both", |client| client.participants().count() == 2).await;
    assert_eq!(names(&first), ["Ann", "ann (2)"]);
    assert_ne!(me(&first), me(&second));
    let (a, b) = (first.open("a.txt").await, second.open("a.txt").await);
    first.insert(a, 0, "one ");
    second.insert(b, 0, "two ");
    let both = |text: &str| text.contains("one ") && text.contains("two ");
    first.wait_text(a, both).await;
    second.wait_text(b, both).await;
    first.wait_sync(a, &SyncState::Saved).await;

    // A reload that remembers who it was: the half-open old connection is ended, nobody is there twice.
    let old = me(&second);
    let mut reloaded = RawGuest::knock(agent.address, &invite, &identity, "Ann", Some(old)).await.unwrap();
    assert_eq!(reloaded.welcome().await.me.id, old);
    second.wait("the old connection drops", |client| *client.phase() == Phase::Offline).await;
    assert_eq!(names(&first).len(), 2);
    first.append(a, "three");
    first.wait_sync(a, &SyncState::Saved).await;
    assert!(agent.read("a.txt").ends_with("three"));
    agent.end().await;
}

/// One of each message that a guest can send.
fn every_message() -> Vec<ToHost> {
    let (request, document) = (RequestId(1), DocumentId(1));
    let file = path("a.txt");
    let known = Some(KnownDocument { document, epoch: 0, state_vector: vec![0] });
    let mut messages: Vec<ToHost> =
        administration(ParticipantId(1)).into_iter().map(ToHost::Session).collect();
    messages.extend([
        ToHost::Session(SessionToHost::SetName { name: "Me".to_owned() }),
        ToHost::Presence(PresenceToHost::At(Presence::default())),
    ]);
    messages.extend(
        [
            DocumentToHost::Open { request, path: file.clone(), known },
            DocumentToHost::Update { document, epoch: 0, sequence: 1, update: Packed::new(vec![0, 0]) },
            DocumentToHost::Sync { document, epoch: 0, state_vector: vec![0] },
            DocumentToHost::Save { document },
            DocumentToHost::Close { document },
            DocumentToHost::Verify { document },
            DocumentToHost::Diverged { document, host: [0; 8], mine: [1; 8] },
        ]
        .map(ToHost::Document),
    );
    messages.extend(
        [
            WorkspaceToHost::Watch { request, folder: WorkspacePath::root() },
            WorkspaceToHost::Unwatch { folder: WorkspacePath::root() },
            WorkspaceToHost::Create { request, path: path("new"), entry: NewEntry::File },
            WorkspaceToHost::Rename { request, from: file.clone(), to: path("new") },
            WorkspaceToHost::Delete { request, path: file.clone() },
            WorkspaceToHost::Read { request, path: file },
            WorkspaceToHost::Cancel { request },
        ]
        .map(ToHost::Workspace),
    );
    messages
}

#[tokio::test]
async fn an_unapproved_guest_gets_nothing_whatever_it_asks() {
    let agent = TestAgent::start_with(Approval::Always).await;
    agent.write("a.txt", "secret");
    let invite = agent.invite(Role::Editor);
    let not_admitted = || ToGuest::Fault { request: None, fault: FaultCode::NotAdmitted.into() };
    let messages = every_message().into_iter().map(|message| (message.lane(), codec::encode(&message)));
    let newer = [(Lane::Control, vec![9, 9, 9]), (Lane::Document, vec![1, 60])];
    for (lane, message) in messages.chain(newer) {
        let key = Identity::generate().unwrap();
        let mut guest = RawGuest::knock(agent.address, &invite, &key, "Mallory", None).await.unwrap();
        guest.say_bytes(lane, message.clone()).await;
        let heard = guest.rest().await;
        assert_eq!(heard, [ToGuest::Session(SessionToGuest::Waiting), not_admitted()], "{message:?}");
    }
    // More than eight KiB, in whatever is allowed otherwise.
    let key = Identity::generate().unwrap();
    let mut guest = RawGuest::knock(agent.address, &invite, &key, "Mallory", None).await.unwrap();
    // Heartbeats are what waiting takes; pieces of a message that never ends are not.
    for _ in 0..1000 {
        guest.say_records(&[]).await;
    }
    let piece = [&[Lane::Control as u8 | 0x80, 100][..], &[0; 100]].concat();
    for _ in 0..MAX_BEFORE_ADMISSION_BYTES / 100 {
        guest.say_records(&piece).await;
    }
    assert_eq!(guest.end().await.code, FaultCode::NotAdmitted);
    let mut guest = RawGuest::knock(agent.address, &invite, &key, "Mallory", None).await.unwrap();
    guest.say_bytes(Lane::Control, vec![0; 9000]).await;
    assert_eq!(guest.end().await.code, FaultCode::NotAdmitted);
    assert_eq!(agent.read("a.txt"), "secret");
    // The host's own page is no guest, and finds nobody waiting.
    let mut host = agent.join(Role::Host, "Hanna").await;
    let document = host.open("a.txt").await;
    host.append(document, " kept");
    host.wait_sync(document, &SyncState::Saved).await;
    agent.end().await;
}

#[tokio::test]
async fn the_lobby_opens_only_as_the_host_decides_and_knows_who_was_in() {
    let mut agent = TestAgent::start_with(Approval::Always).await;
    agent.write("a.txt", "");
    let mut host = agent.join(Role::Host, "Hanna").await;
    let identity = Identity::generate().unwrap();
    let mut ann = agent.knock_as(agent.invite(Role::Editor), "Ann", identity.clone()).await;
    ann.wait("the lobby", |client| *client.phase() == Phase::Lobby).await;
    assert!(ann.with(|client| client.membership().is_none() && client.participants().count() == 0));
    let (waiting, words) = knock(&mut host, "Ann").await;
    assert_eq!(Some(words), ann.with(|client| client.words()), "nobody stands between");
    agent
        .event("waits", |event| matches!(event, AgentEvent::GuestWaiting { name, .. } if name == "Ann"))
        .await;

    // Another one is denied; Ann still waits.
    let denied_key = Identity::generate().unwrap();
    let denied = agent.knock_as(agent.invite(Role::Viewer), "Dan", denied_key).await;
    let (dan, _) = knock(&mut host, "Dan").await;
    decide(&mut host, |request| SessionToHost::Deny { request, participant: dan }).await.unwrap();
    assert_eq!(denied.ended().await.code, FaultCode::Denied);
    assert_eq!(ann.with(|client| client.phase().clone()), Phase::Lobby);
    let again = decide(&mut host, |request| SessionToHost::Admit { request, participant: dan }).await;
    assert_eq!(again.unwrap_err().code, FaultCode::UnknownParticipant);

    decide(&mut host, |request| SessionToHost::Admit { request, participant: waiting }).await.unwrap();
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    let document = ann.open("a.txt").await;
    ann.append(document, "in");
    ann.wait_sync(document, &SyncState::Saved).await;

    // The same key needs no approval again: after a break, and in a page that forgot who it was.
    ann.guest.cut();
    ann.reconnect().await;
    let tab = agent.knock_as(agent.invite(Role::Editor), "Ann", identity).await;
    tab.wait("welcome", |client| *client.phase() == Phase::Live).await;
    // One who gives up no longer stands in the host's list.
    let fay = agent.knock(agent.invite(Role::Editor), "Fay").await;
    let (fay_id, _) = knock(&mut host, "Fay").await;
    fay.guest.cut();
    host.event("Fay left", |event| {
        matches!(event, ClientEvent::KnockOver { participant } if *participant == fay_id).then_some(())
    })
    .await;
    agent.end().await;
}

#[tokio::test]
async fn whoever_is_removed_does_not_wait_in_the_lobby_in_another_tab() {
    let agent = TestAgent::start_with(Approval::Always).await;
    let mut host = agent.join(Role::Host, "Hanna").await;
    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let first = agent.knock_as(invite.clone(), "Mallory", identity.clone()).await;
    let (in_room, _) = knock(&mut host, "Mallory").await;
    let second = agent.knock_as(invite, "Mallory", identity).await;
    knock(&mut host, "Mallory").await;
    decide(&mut host, |request| SessionToHost::Admit { request, participant: in_room }).await.unwrap();
    first.wait("welcome", |client| *client.phase() == Phase::Live).await;
    decide(&mut host, |request| SessionToHost::Remove { request, participant: in_room }).await.unwrap();
    assert_eq!(first.ended().await.code, FaultCode::Removed);
    assert_eq!(second.ended().await.code, FaultCode::Removed);
    agent.end().await;
}

async fn knock(host: &mut TestGuest, expected: &str) -> (ParticipantId, String) {
    host.event("a knock", |event| match event {
        ClientEvent::Knock { participant, name, words, .. } if name == expected => {
            Some((*participant, words.clone()))
        }
        _ => None,
    })
    .await
}

async fn decide(
    host: &mut TestGuest,
    message: impl FnOnce(RequestId) -> SessionToHost,
) -> Result<ClientEvent, Fault> {
    let request = host.with(|client| client.administer(message));
    host.answer(request).await
}
