//! Large folders, large files, slow readers, and three people typing while a shell writes into the same file.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt as _;
use parlor::agent::Approval;
use parlor_shared::client::{ClientEvent, Phase, SyncState};
use parlor_shared::codec;
use parlor_shared::document::{Document, Splice};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, RequestId};
use parlor_shared::limits::MAX_LISTED_ENTRIES;
use parlor_shared::message::{
    DocumentToGuest, DocumentToHost, Entry, JoinRequest, ToGuest, ToHost, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

mod common;

use common::raw::{RawGuest, greet, next_binary};
use common::{PATIENCE, TestAgent, TestGuest};

/// A temporary folder where files cost least.
fn cheap_folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

async fn list(guest: &mut TestGuest, folder: &str) -> (Vec<Entry>, u32) {
    let folder = WorkspacePath::parse(folder).unwrap();
    match guest.workspace(|request| WorkspaceToHost::Watch { request, folder }).await.unwrap() {
        ClientEvent::Listing { entries, omitted, .. } => (entries, omitted),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_hundred_thousand_files_are_listed_folder_by_folder() {
    const LONG: usize = 250;
    let agent = TestAgent::start_in(cheap_folder(), Approval::Never).await;
    // 5 x 10,000 with short names, 40,000 whose names alone are more than a message holds, the rest in the root.
    for folder in 0..5 {
        fs::create_dir(agent.path(&format!("folder-{folder}"))).unwrap();
        for file in 0..10_000 {
            File::create(agent.path(&format!("folder-{folder}/file-{file}.txt"))).unwrap();
        }
    }
    fs::create_dir(agent.path("long")).unwrap();
    for file in 0..40_000 {
        File::create(agent.path(&format!("long/{file:0LONG$}"))).unwrap();
    }
    for file in 0..10_000 {
        File::create(agent.path(&format!("root-{file}.txt"))).unwrap();
    }
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let root =
        tokio::time::timeout(Duration::from_secs(1), list(&mut ann, "")).await.expect("within a second");
    assert_eq!((root.0.len(), root.1), (10_006, 0));
    let (entries, omitted) = list(&mut ann, "folder-3").await;
    assert_eq!((entries.len(), omitted), (10_000, 0));
    assert_eq!(entries[9_999].name, "file-9999.txt", "in the order that people expect");
    let (entries, omitted) = list(&mut ann, "long").await;
    assert_eq!(entries.len() + omitted as usize, 40_000, "what does not fit is counted");
    assert!(entries.len() > 30_000, "{}", entries.len());
    assert_eq!(ann.with(|client| client.phase().clone()), Phase::Live);
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn a_folder_with_more_entries_than_are_listed_says_how_many_there_are() {
    let agent = TestAgent::start_in(cheap_folder(), Approval::Never).await;
    for file in 0..MAX_LISTED_ENTRIES + 5 {
        File::create(agent.path(&file.to_string())).unwrap();
    }
    let mut ann = agent.join(Role::Viewer, "Ann").await;
    let (entries, omitted) = list(&mut ann, "").await;
    assert_eq!((entries.len(), omitted), (MAX_LISTED_ENTRIES, 5));
    agent.end().await;
}

#[tokio::test]
async fn ten_megabytes_open_take_an_edit_and_are_saved() {
    let agent = TestAgent::start().await;
    let line = "0123456789 a line of a large file, ünïcödé 👩 included\n";
    let text = line.repeat(10 * 1024 * 1024 / line.len() + 1);
    agent.write("large.txt", &text);
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("large.txt").await;
    ann.insert(document, 0, "typed ");
    ann.append(document, "at the end\n");
    ann.wait_sync(document, &SyncState::Saved).await;
    let saved = agent.read("large.txt");
    assert_eq!(saved.len(), text.len() + 17);
    assert_eq!(saved, format!("typed {text}at the end\n"));
    agent.end().await;
}

/// Letters that packing makes no fewer.
fn noise(seed: usize, bytes: usize) -> String {
    let mut state = seed as u64 + 1;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((state >> 33) % 26) as u8)
    };
    (0..bytes).map(|_| letter()).collect()
}

/// A guest whose socket takes only a few bytes at a time.
async fn narrow(address: SocketAddr, invite: &parlor_shared::invite::Invite) -> RawGuest {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let url = format!("ws://{address}/s/session/socket");
    let mut socket = tokio_tungstenite::client_async(url, stream).await.unwrap().0;
    let (initiator, first) = greet(&Identity::generate().unwrap(), invite);
    socket.send(Message::Binary(Bytes::from(first))).await.unwrap();
    let reply = next_binary(&mut socket).await.unwrap();
    let request = JoinRequest { name: "Slow".to_owned(), client: "raw".to_owned(), resume: None };
    let (channel, knock) = initiator.knock(&reply, &codec::encode(&request)).unwrap();
    socket.send(Message::Binary(Bytes::from(knock))).await.unwrap();
    RawGuest::sealed(socket, channel)
}

fn state_of(message: &ToGuest) -> Option<(parlor_shared::id::DocumentId, Vec<u8>)> {
    match message {
        ToGuest::Document(DocumentToGuest::State { document, update, .. }) => {
            Some((*document, update.unpack().unwrap()))
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_guest_that_does_not_read_slows_nobody_and_catches_up_when_it_does() {
    const PIECE_BYTES: usize = 100_000;
    const PIECES: usize = 80;
    let agent = TestAgent::start().await;
    agent.write("a.txt", "");
    let mut slow = narrow(agent.address, &agent.invite(Role::Viewer)).await;
    slow.welcome().await;
    let path = WorkspacePath::parse("a.txt").unwrap();
    let open = DocumentToHost::Open { request: RequestId(1), path, known: None };
    slow.say(&ToHost::Document(open)).await;
    let (document, state) = slow.expect("the file", state_of).await;
    let mut replica = Document::new(AuthorId(77));
    replica.apply([state.as_slice()]).unwrap();

    let (mut ann, mut bob) = (agent.join(Role::Editor, "Ann").await, agent.join(Role::Viewer, "Bob").await);
    let (a, b) = (ann.open("a.txt").await, bob.open("a.txt").await);
    for piece in 0..PIECES {
        ann.append(a, &noise(piece, PIECE_BYTES));
        // Bob gets each piece although the other takes nothing: nobody waits for the slow one.
        bob.wait_len(b, (piece + 1) * PIECE_BYTES).await;
    }
    ann.wait_sync(a, &SyncState::Saved).await;
    // What waited for it was dropped, not kept: it gets less than was typed, and is told to ask.
    let mut received = 0;
    loop {
        match slow.next().await.expect("it is not sent out for being slow") {
            ToGuest::Document(DocumentToGuest::Update { update, .. }) => received += update.len(),
            ToGuest::Document(DocumentToGuest::Resync { .. }) => break,
            _ => {}
        }
    }
    assert!(received < PIECES * PIECE_BYTES, "{received} bytes were kept for it");
    let sync = DocumentToHost::Sync { document, epoch: 0, state_vector: replica.state_vector() };
    slow.say(&ToHost::Document(sync)).await;
    let (_, state) = slow.expect("what it lacks", state_of).await;
    replica.apply([state.as_slice()]).unwrap();
    assert_eq!(replica.text(), ann.text(a));
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn a_guest_that_asks_without_listening_is_sent_out() {
    let agent = TestAgent::start().await;
    agent.write("large.txt", noise(0, 8 * 1024 * 1024));
    agent.write("small.txt", "small ");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let small = ann.open("small.txt").await;
    let (mut greedy, _) = RawGuest::join(agent.address, &agent.invite(Role::Viewer), "Greedy").await;
    let path = WorkspacePath::parse("large.txt").unwrap();
    let open = DocumentToHost::Open { request: RequestId(1), path, known: None };
    greedy.say(&ToHost::Document(open)).await;
    let opened = |message: &ToGuest| match message {
        ToGuest::Document(DocumentToGuest::Opened { info, .. }) => Some(info.document),
        _ => None,
    };
    let document = greedy.expect("the file", opened).await;
    // Each answer is the whole file, and packing makes it no smaller: far more than may wait for one guest.
    for _ in 0..16 {
        let sync = DocumentToHost::Sync { document, epoch: 0, state_vector: vec![0] };
        greedy.say(&ToHost::Document(sync)).await;
    }
    let gone = |client: &parlor_shared::client::Client| client.participants().count() == 1;
    ann.wait("the greedy one is out", gone).await;
    ann.append(small, "and Ann goes on");
    ann.wait_sync(small, &SyncState::Saved).await;
    agent.still_serves().await;
    agent.end().await;
}

/// A shell that appends numbered lines until it is told to stop, and counts what it appended.
struct Appender {
    shell: std::process::Child,
    folder: TempDir,
}

impl Appender {
    fn start(agent: &TestAgent, file: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let script = r#"n=0; while [ ! -e "$2/stop" ]; do
            echo "LINE-$n" >> "$1" || exit 1; echo "$n" >> "$2/count"; n=$((n+1)); sleep 0.1; done"#;
        let shell = Command::new("sh")
            .args(["-c", script, "appender"])
            .arg(agent.path(file))
            .arg(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { shell, folder }
    }

    fn appended(&self) -> usize {
        fs::read_to_string(self.folder.path().join("count")).map_or(0, |count| count.lines().count())
    }

    /// How many lines there are in the end.
    fn stop(mut self) -> usize {
        File::create(self.folder.path().join("stop")).unwrap();
        assert!(self.shell.wait().unwrap().success());
        self.appended()
    }
}

/// Types characters at places that jump through the text.
async fn type_everywhere(
    guest: &TestGuest,
    document: parlor_shared::id::DocumentId,
    key: char,
    count: usize,
) {
    // As fast as three quick typists; the pace is the input, nothing is waited for.
    let mut keys = tokio::time::interval(Duration::from_millis(3));
    let mut place = u64::from(u32::from(key));
    for _ in 0..count {
        keys.tick().await;
        place = place.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        guest.with(|client| {
            let length = client.document(document).unwrap().document().len();
            let at = ((place >> 33) % (u64::from(length) + 1)) as u32;
            client.edit(document, &[Splice { at, delete: 0, insert: key.to_string() }]).unwrap();
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_guests_type_while_a_shell_appends_and_nothing_is_missing() {
    const TYPED: usize = 2_000;
    const KEYS: [char; 3] = ['x', 'y', 'z'];
    let agent = TestAgent::start().await;
    agent.write("log.txt", "BEGIN\n");
    let mut guests = Vec::new();
    for key in KEYS {
        let mut guest = agent.join(Role::Editor, &key.to_string()).await;
        let document = guest.open("log.txt").await;
        guests.push((guest, document, key));
    }
    let appender = Appender::start(&agent, "log.txt");
    let typing = async {
        let typists =
            guests.iter().map(|(guest, document, key)| type_everywhere(guest, *document, *key, TYPED));
        futures_util::future::join_all(typists).await;
    };
    let before = appender.appended();
    typing.await;
    let during = appender.appended() - before;
    assert!(during >= 10, "the shell appended only {during} lines while they typed");
    let lines = appender.stop();

    let expected: String =
        (0..lines).fold("BEGIN\n".to_owned(), |text, line| text + &format!("LINE-{line}\n"));
    let complete = |text: &str| {
        let count = |key| text.matches(key).count();
        KEYS.map(count) == [TYPED; 3] && text.replace(KEYS, "") == expected
    };
    for (guest, document, _) in &guests {
        guest.wait_text(*document, complete).await;
    }
    for (guest, document, _) in &guests {
        guest.wait_sync(*document, &SyncState::Saved).await;
    }
    let disk = agent.read("log.txt");
    assert!(complete(&disk), "the disk has everything once");
    for (guest, document, key) in &guests {
        assert_eq!(guest.text(*document), disk, "{key}");
    }
    agent.end().await;
}

#[tokio::test]
async fn a_full_room_says_so_and_has_room_again_when_one_leaves() {
    let agent = TestAgent::start().await;
    let invite = agent.invite(Role::Viewer);
    let mut guests = Vec::new();
    for number in 0..parlor_shared::limits::MAX_PARTICIPANTS {
        guests.push(RawGuest::join(agent.address, &invite, &format!("Guest {number}")).await.0);
    }
    let full = Fault::new(FaultCode::SessionFull).with(parlor_shared::limits::MAX_PARTICIPANTS);
    let key = Identity::generate().unwrap();
    let mut late = RawGuest::knock(agent.address, &invite, &key, "Late", None).await.unwrap();
    assert_eq!(late.rest().await, [ToGuest::Fault { request: None, fault: full }]);
    drop(guests.pop());
    let welcome = async {
        loop {
            let mut again = RawGuest::knock(agent.address, &invite, &key, "Late", None).await.unwrap();
            match again.next().await {
                Some(ToGuest::Fault { .. }) => {}
                Some(_) => return,
                None => panic!("neither welcome nor refused"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, welcome).await.expect("there is room again");
    agent.end().await;
}
