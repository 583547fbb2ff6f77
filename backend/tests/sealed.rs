//! What somebody who records the wire, or reads the log, learns: nothing that was said.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use parlor::guest::{Guest, connect};
use parlor_shared::client::{Client, ClientOptions, Phase, SyncState};
use parlor_shared::document::Splice;
use parlor_shared::invite::Invite;
use parlor_shared::message::{Activity, NewEntry, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::Presence;
use parlor_shared::role::Role;
use parlor_shared::seal::Identity;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

mod common;

use common::proxy::Proxy;
use common::{PATIENCE, TestAgent};

/// In names, in content, as what a person is called, typed, created.
const CANARIES: [&str; 6] = [
    "canary-file",
    "canary-folder",
    "CanaryPerson",
    "canary text on disk",
    "canary was typed",
    "canary-created",
];

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn the_wire_holds_no_name_and_no_content_in_either_direction() {
    let captured = Arc::new(Mutex::new(Vec::new()));
    let agent = TestAgent::start().await;
    agent.write("canary-folder/canary-file.txt", "canary text on disk\n".repeat(100));
    let proxy = Proxy::capturing(agent.address, Arc::clone(&captured)).await;
    let invite = agent.invite(Role::Editor);
    let identity = Identity::generate().unwrap();
    let mut ann = agent.knock_through(proxy.address, invite.clone(), "CanaryPerson", identity).await;
    ann.wait("welcome", |client| *client.phase() == Phase::Live).await;
    for folder in ["", "canary-folder"] {
        ann.workspace(|request| WorkspaceToHost::Watch { request, folder: path(folder) }).await.unwrap();
    }
    let file = "canary-folder/canary-file.txt";
    let document = ann.open(file).await;
    assert!(ann.text(document).starts_with(CANARIES[3]));
    ann.append(document, &"canary was typed ".repeat(50));
    let presence = Presence { file: Some(path(file)), place: None, activity: Activity::Active };
    ann.with(|client| client.set_presence(presence));
    let new = path("canary-folder/canary-created");
    ann.workspace(|request| WorkspaceToHost::Create { request, path: new, entry: NewEntry::File })
        .await
        .unwrap();
    ann.workspace(|request| WorkspaceToHost::Read { request, path: path(file) }).await.unwrap();
    // Another one's name and words come the other way.
    let mut bob = agent.join(Role::Editor, "CanaryPerson").await;
    let b = bob.open(file).await;
    bob.insert(b, 0, "canary was typed by Bob");
    ann.wait_text(document, |text| text.contains("by Bob")).await;
    ann.wait_sync(document, &SyncState::Saved).await;

    let captured = captured.lock().clone();
    assert!(
        holds(&captured, b"GET /s/session/socket") && holds(&captured, b"101 Switching"),
        "it was captured"
    );
    assert!(captured.len() > 4000, "{} bytes", captured.len());
    let link = invite.link();
    let secret = link.rsplit_once('.').unwrap().1;
    for canary in CANARIES.into_iter().chain([secret, &secret[43..]]) {
        let utf16: Vec<u8> = canary.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!holds(&captured, canary.as_bytes()) && !holds(&captured, &utf16), "{canary} is on the wire");
    }
    agent.end().await;
}

/// The program itself, with its log in a file.
struct Program {
    child: Child,
    links: Vec<Invite>,
    folder: TempDir,
    /// Its log and its own state.
    beside: TempDir,
}

impl Program {
    fn share(folder: TempDir, log: &str) -> Self {
        let beside = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(["share", "--output", "json"])
            .arg(folder.path())
            .env("RUST_LOG", log)
            .env("PARLOR_STATE_DIR", beside.path().join("state"))
            .env("XDG_CONFIG_HOME", beside.path().join("config"))
            .stdout(Stdio::piped())
            .stderr(File::create(beside.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let sharing: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(sharing["event"], "sharing");
        let invites = sharing["invites"].as_array().unwrap().iter().map(|invite| &invite["url"]);
        let links = std::iter::once(&sharing["host_url"]).chain(invites);
        let links = links.map(|link| link.as_str().unwrap().parse().unwrap()).collect();
        Self { child, links, folder, beside }
    }

    /// Ends it as Ctrl-C would, and gives its log.
    fn end(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        std::fs::read_to_string(self.beside.path().join("log")).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person who joins the program, reads, types, and does what is refused.
async fn visit(program: &Program) {
    let told = Arc::new(Notify::new());
    let tell = Arc::clone(&told);
    let invite = program.links[1].clone();
    let options = ClientOptions {
        identity: Identity::generate().unwrap(),
        name: "CanaryPerson".to_owned(),
        program: "native".to_owned(),
        invite: invite.clone(),
    };
    let guest = Guest::new(options, Box::new(move |_, _| tell.notify_one()));
    let tasks = TaskTracker::new();
    tasks.spawn(guest.serve(connect(&invite.origin, "session").await.unwrap()));
    let wait = async |what: &str, holds: &dyn Fn(&Client) -> bool| {
        let wait = async {
            while !guest.with(|client| holds(client)) {
                told.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
    };
    wait("welcome", &|client| *client.phase() == Phase::Live).await;
    guest.with(|client| client.open(path("canary-folder/canary-file.txt")));
    guest.with(|client| client.open(path("canary-folder/not-there")));
    guest.with(|client| client.open(path(".git/canary-file")));
    let text = |client: &Client| client.documents().next().map(|open| open.document().text());
    wait("the text", &|client| text(client).is_some_and(|text| text.starts_with("canary"))).await;
    let document = guest.with(|client| client.documents().next().unwrap().info().document);
    let typed = Splice { at: 0, delete: 0, insert: "canary was typed ".to_owned() };
    guest.with(|client| client.edit(document, &[typed])).unwrap();
    wait("saved", &|client| client.sync_state(document) == Some(SyncState::Saved)).await;
    let new = path("canary-folder/canary-created");
    guest.with(|client| {
        client.workspace(|request| WorkspaceToHost::Create { request, path: new, entry: NewEntry::File })
    });
    guest.with(|client| {
        client.workspace(|request| WorkspaceToHost::Watch { request, folder: path("canary-folder") })
    });
    guest.with(Client::leave);
    wait("leave taken", &|client| *client.phase() == Phase::Offline).await;
    let saved = std::fs::read_to_string(program.folder.path().join("canary-folder/canary-file.txt")).unwrap();
    assert!(saved.starts_with("canary was typed canary text on disk"));
}

#[tokio::test]
async fn the_log_holds_no_secret_and_no_content_and_at_its_usual_level_no_name() {
    for (level, names) in
        [("trace", Names::MayBeTold), ("info", Names::Secret), ("warn,parlor=info", Names::Secret)]
    {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("canary-folder")).unwrap();
        let file = folder.path().join("canary-folder/canary-file.txt");
        #[expect(clippy::disallowed_methods, reason = "plays the host's own editor")]
        std::fs::write(file, "canary text on disk\n").unwrap();
        let program = Program::share(folder, level);
        let links: Vec<String> = program.links.iter().map(Invite::link).collect();
        visit(&program).await;
        let log = program.end();
        assert!(log.contains("joined"), "the log was kept: {log}");
        let mut secrets = vec!["canary text on disk", "canary was typed"];
        // Key and secret together, and the secret alone: 32 of 48 bytes are the key, 43 of 64 characters.
        for link in &links {
            let fragment = link.rsplit_once('.').unwrap().1;
            secrets.extend([fragment, &fragment[43..]]);
        }
        if matches!(names, Names::Secret) {
            secrets.extend(["canary-file", "canary-folder", "canary-created", "CanaryPerson"]);
        }
        for secret in secrets {
            assert!(!log.contains(secret), "{secret} is in the log at {level}");
        }
    }
}

enum Names {
    MayBeTold,
    Secret,
}
