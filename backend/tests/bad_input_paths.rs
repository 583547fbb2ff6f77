//! Paths that lead where nobody may go, and files that are not what they seem: every request tries every one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use parlor_shared::client::{ClientEvent, SyncState};
use parlor_shared::codec;
use parlor_shared::document::Splice;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{DocumentId, RequestId};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{DocumentToHost, EntryKind, NewEntry, ToHost, WorkspaceToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use tempfile::TempDir;

mod common;

use common::raw::RawGuest;
use common::{TestAgent, TestGuest};
use parlor::agent::Approval;

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

/// Everything that can be asked of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Open,
    Read,
    Watch,
    CreateFile,
    CreateFolder,
    RenameFrom,
    RenameTo,
    Delete,
}

const ALL: [Ask; 8] = [
    Ask::Open,
    Ask::Read,
    Ask::Watch,
    Ask::CreateFile,
    Ask::CreateFolder,
    Ask::RenameFrom,
    Ask::RenameTo,
    Ask::Delete,
];
const LOOK: [Ask; 3] = [Ask::Open, Ask::Read, Ask::Watch];
const CHANGE: [Ask; 5] = [Ask::CreateFile, Ask::CreateFolder, Ask::RenameFrom, Ask::RenameTo, Ask::Delete];

impl Ask {
    fn message(self, request: RequestId, path: WorkspacePath) -> ToHost {
        let other = WorkspacePath::parse("moved").unwrap();
        ToHost::Workspace(match self {
            Self::Open => return ToHost::Document(DocumentToHost::Open { request, path, known: None }),
            Self::Read => WorkspaceToHost::Read { request, path },
            Self::Watch => WorkspaceToHost::Watch { request, folder: path },
            Self::CreateFile => WorkspaceToHost::Create { request, path, entry: NewEntry::File },
            Self::CreateFolder => WorkspaceToHost::Create { request, path, entry: NewEntry::Folder },
            Self::RenameFrom => WorkspaceToHost::Rename { request, from: path, to: other },
            Self::RenameTo => WorkspaceToHost::Rename {
                request,
                from: WorkspacePath::parse("inside.txt").unwrap(),
                to: path,
            },
            Self::Delete => WorkspaceToHost::Delete { request, path },
        })
    }

    async fn of(self, guest: &mut TestGuest, text: &str) -> Result<ClientEvent, Fault> {
        let request = match self.message(RequestId(0), path(text)) {
            ToHost::Document(_) => guest.with(|client| client.open(path(text))),
            ToHost::Workspace(message) => guest.with(|client| {
                client.workspace(|request| match message {
                    WorkspaceToHost::Read { path, .. } => WorkspaceToHost::Read { request, path },
                    WorkspaceToHost::Watch { folder, .. } => WorkspaceToHost::Watch { request, folder },
                    WorkspaceToHost::Create { path, entry, .. } => {
                        WorkspaceToHost::Create { request, path, entry }
                    }
                    WorkspaceToHost::Rename { from, to, .. } => WorkspaceToHost::Rename { request, from, to },
                    WorkspaceToHost::Delete { path, .. } => WorkspaceToHost::Delete { request, path },
                    other => other,
                })
            }),
            ToHost::Session(_) | ToHost::Presence(_) | ToHost::Terminal(_) => unreachable!("not about paths"),
        };
        guest.answer(request).await
    }
}

async fn refused(guest: &mut TestGuest, asks: &[Ask], paths: &[&str], code: FaultCode) {
    for text in paths {
        for ask in asks {
            let fault = ask.of(guest, text).await.expect_err(&format!("{ask:?} {text:?}"));
            assert_eq!(fault.code, code, "{ask:?} {text:?}: {fault:?}");
            let shown = fault.params.concat();
            assert!(!shown.starts_with('/'), "{ask:?} {text:?}: {fault:?}");
        }
    }
}

/// A shared folder with a folder beside it that nobody may reach.
struct Ground {
    agent: TestAgent,
    /// Holds the shared folder and `outside`.
    outer: TempDir,
}

impl Ground {
    async fn new() -> Self {
        let outer = TempDir::new().unwrap();
        let shared = TempDir::new_in(outer.path()).unwrap();
        fs::create_dir(outer.path().join("outside")).unwrap();
        put(&outer.path().join("outside/secret-outside"), b"SECRET");
        let agent = TestAgent::start_in(shared, Approval::Never).await;
        agent.write("inside.txt", "inside\n");
        agent.write("sub/below.txt", "below\n");
        Self { agent, outer }
    }

    /// Nothing was touched that is not ours.
    fn unharmed(&self) {
        let outside = self.outer.path().join("outside");
        assert_eq!(fs::read(outside.join("secret-outside")).unwrap(), b"SECRET");
        assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
        assert_eq!(self.agent.read("inside.txt"), "inside\n");
        assert!(!self.agent.path("moved").exists());
    }

    async fn end(self) {
        self.agent.still_serves().await;
        self.unharmed();
        self.agent.end().await;
    }
}

fn put(file: &std::path::Path, content: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "plays the host's own editor")]
    fs::write(file, content).unwrap();
}

/// The bytes of a message whose path is a text that no [`WorkspacePath`] can hold.
fn forged(ask: Ask, text: &[u8]) -> Vec<u8> {
    // A path of the same length, so that only its bytes differ.
    let mut stand_in = vec![b'Z'; text.len()];
    for at in (200..stand_in.len()).step_by(200) {
        stand_in[at] = b'/';
    }
    let honest = path(std::str::from_utf8(&stand_in).unwrap());
    let bytes = codec::encode(&ask.message(RequestId(5), honest));
    let at = bytes.windows(stand_in.len()).position(|window| window == stand_in).unwrap();
    [&bytes[..at], text, &bytes[at + text.len()..]].concat()
}

#[tokio::test]
async fn a_path_that_is_none_ends_the_connection_of_whoever_sends_it() {
    let ground = Ground::new().await;
    let long = "a".repeat(256);
    let corpus: [&[u8]; 22] = [
        b"..",
        b"../",
        b"../outside/secret-outside",
        b"sub/../../outside",
        b"sub/..",
        b"/",
        b"/etc/passwd",
        b"//etc/passwd",
        b"C:/Windows",
        b"C:\\Windows",
        b"..\\outside",
        b"sub\\below.txt",
        b"\\\\server\\share",
        b"inside.txt\0",
        b"inside.txt\0.png",
        b"./inside.txt",
        b"sub//below.txt",
        b"sub/",
        b"sub/.",
        b"line\nbreak",
        b"\xff\xfe",
        long.as_bytes(),
    ];
    let invite = ground.agent.invite(Role::Editor);
    for text in corpus {
        // Each kind of request reads paths by the same rule; the corpus walks through them in turn.
        for ask in ALL {
            let (mut guest, _) = RawGuest::join(ground.agent.address, &invite, "Mallory").await;
            let lane = ask.message(RequestId(5), WorkspacePath::root()).lane();
            guest.say_bytes(lane, forged(ask, text)).await;
            assert_eq!(guest.end().await.code, FaultCode::Malformed, "{ask:?} {text:?}");
        }
    }
    ground.end().await;
}

#[tokio::test]
async fn links_out_of_the_folder_lead_nowhere() {
    let ground = Ground::new().await;
    let shared = ground.agent.folder.path();
    let absolute = ground.outer.path().join("outside");
    symlink("../outside/secret-outside", shared.join("file")).unwrap();
    symlink(absolute.join("secret-outside"), shared.join("absolute")).unwrap();
    symlink("../outside", shared.join("folder")).unwrap();
    symlink(&absolute, shared.join("absolute-folder")).unwrap();
    symlink("..", shared.join("sub/above")).unwrap();
    symlink("../..", shared.join("sub/far-above")).unwrap();
    symlink("/proc/self/root", shared.join("system")).unwrap();
    symlink("circle", shared.join("circle")).unwrap();
    let outside = FaultCode::OutsideWorkspace;
    for role in [Role::Editor, Role::Host] {
        let mut guest = ground.agent.join(role, "Mallory").await;
        refused(&mut guest, &LOOK, &["file", "absolute", "folder", "absolute-folder", "system"], outside)
            .await;
        let below = ["folder/secret-outside", "absolute-folder/new", "system/tmp/x", "sub/far-above/outside"];
        refused(&mut guest, &ALL, &below, outside).await;
        refused(&mut guest, &LOOK, &["circle", "circle/x"], FaultCode::NotFound).await;
        // A link that stays inside is what it leads to.
        let document = guest.open("sub/above/inside.txt").await;
        assert_eq!(guest.text(document), "inside\n");
        let ClientEvent::Listing { entries, .. } = Ask::Watch.of(&mut guest, "").await.unwrap() else {
            panic!()
        };
        for name in ["file", "absolute", "folder", "absolute-folder", "system", "circle"] {
            let entry = entries.iter().find(|entry| entry.name == name).unwrap();
            assert_eq!((entry.kind, entry.link), (EntryKind::Other, true), "{name}");
        }
    }
    ground.end().await;
}

#[tokio::test]
async fn gits_own_data_is_reached_by_nobody_under_no_name() {
    let ground = Ground::new().await;
    ground.agent.write(".git/config", "[core]\n");
    ground.agent.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    ground.agent.write("sub/.git/HEAD", "ref");
    ground.agent.write(".vsls.json", "{}");
    let shared = ground.agent.folder.path();
    symlink(".git", shared.join("git-link")).unwrap();
    symlink(".git/config", shared.join("config-link")).unwrap();
    for role in [Role::Editor, Role::Host] {
        let mut guest = ground.agent.join(role, "Mallory").await;
        let hidden = [
            ".git",
            ".git/config",
            ".git/hooks/pre-commit",
            ".git/new",
            ".GIT/config",
            ".Git/hooks/post-commit",
            "sub/.git",
            "sub/.git/HEAD",
            ".vsls.json",
            ".VSLS.json",
        ];
        refused(&mut guest, &ALL, &hidden, FaultCode::Protected).await;
        refused(&mut guest, &LOOK, &["git-link", "config-link"], FaultCode::Protected).await;
        refused(&mut guest, &ALL, &["git-link/config"], FaultCode::Protected).await;
        refused(&mut guest, &CHANGE, &["git-link/new"], FaultCode::Protected).await;
        let ClientEvent::Listing { entries, .. } = Ask::Watch.of(&mut guest, "").await.unwrap() else {
            panic!()
        };
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["sub", "config-link", "git-link", "inside.txt"]);
    }
    // A folder that holds such data is neither moved nor deleted by a guest.
    let mut guest = ground.agent.join(Role::Editor, "Mallory").await;
    refused(&mut guest, &[Ask::RenameFrom, Ask::Delete], &["sub"], FaultCode::Protected).await;
    assert_eq!(ground.agent.read(".git/config"), "[core]\n");
    assert_eq!(ground.agent.read("sub/.git/HEAD"), "ref");
    assert!(!ground.agent.path(".git/new").exists());
    ground.end().await;
}

#[tokio::test]
async fn what_steers_the_hosts_tools_is_written_by_the_host_alone() {
    let ground = Ground::new().await;
    let files =
        [".vscode/settings.json", ".envrc", "parlor.toml", "sub/.vscode/tasks.json", ".VSCode/launch.json"];
    for file in files {
        ground.agent.write(file, "own\n");
    }
    let shared = ground.agent.folder.path();
    symlink(".envrc", shared.join("innocent.txt")).unwrap();
    symlink(".vscode", shared.join("innocent")).unwrap();
    let mut editor = ground.agent.join(Role::Editor, "Ed").await;
    refused(&mut editor, &CHANGE, &files, FaultCode::Protected).await;
    refused(&mut editor, &CHANGE, &["innocent/settings.json", "innocent/new.json"], FaultCode::Protected)
        .await;
    refused(&mut editor, &CHANGE, &["parlor.toml", ".vscode", "SUB/.vscode/x"][..2], FaultCode::Protected)
        .await;
    // It reads them; what it types in spite of the lock is refused where it would take effect.
    for file in files.into_iter().chain(["innocent.txt", "innocent/settings.json"]) {
        let document = editor.open(file).await;
        assert!(!editor.with(|client| client.document(document).unwrap().info().writable), "{file}");
        editor.append(document, "evil");
        let (lost, fault) = handed_back(&mut editor, document).await;
        assert_eq!(lost.as_deref(), Some("own\nevil"), "{file}");
        assert_eq!(fault.code, FaultCode::Protected, "{file}");
        editor.wait_text(document, |text| text == "own\n").await;
        editor.with(|client| client.close(document));
    }
    for file in files {
        assert_eq!(ground.agent.read(file), "own\n", "{file}");
    }
    let mut host = ground.agent.join(Role::Host, "Hanna").await;
    for file in files {
        let document = host.open(file).await;
        host.append(document, "changed\n");
        host.wait_sync(document, &SyncState::Saved).await;
        assert_eq!(ground.agent.read(file), "own\nchanged\n", "{file}");
    }
    for (ask, file) in [(Ask::CreateFile, ".vscode/new.json"), (Ask::Delete, ".envrc")] {
        ask.of(&mut host, file).await.unwrap();
    }
    assert!(ground.agent.path(".vscode/new.json").exists() && !ground.agent.path(".envrc").exists());
    ground.end().await;
}

async fn handed_back(guest: &mut TestGuest, document: DocumentId) -> (Option<String>, Fault) {
    guest
        .event("handed back", |event| match event {
            ClientEvent::Replaced { old, lost, fault: Some(fault), .. } if *old == document => {
                Some((lost.clone(), fault.clone()))
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn what_is_no_text_file_is_said_to_be_what_it_is() {
    let ground = Ground::new().await;
    let agent = &ground.agent;
    let shared = agent.folder.path();
    assert!(Command::new("mkfifo").arg(shared.join("fifo")).status().unwrap().success());
    let _listener = UnixListener::bind(shared.join("socket")).unwrap();
    let mut special = vec!["fifo", "socket"];
    // The system's zero device, which never ends; making one takes root.
    let device = Command::new("mknod").arg(shared.join("device")).args(["c", "1", "5"]).output().unwrap();
    if device.status.success() {
        special.push("device");
    } else {
        println!("no device is made: {}", String::from_utf8_lossy(&device.stderr));
    }
    agent.write("nul.bin", b"text\0text");
    agent.write("latin1.txt", b"caf\xe9\n");
    agent.write("overlong.txt", b"\xc0\xaf\n");
    agent.write("surrogate.txt", b"\xed\xa0\x80\n");
    fs::File::create(shared.join("huge.txt")).unwrap().set_len(MAX_DOCUMENT_BYTES as u64 + 1).unwrap();
    fs::File::create(shared.join("endless.log")).unwrap().set_len(1 << 40).unwrap();
    let mut guest = agent.join(Role::Editor, "Ann").await;
    refused(&mut guest, &[Ask::Open, Ask::Read], &special, FaultCode::SpecialFile).await;
    refused(&mut guest, &[Ask::Watch], &special, FaultCode::NotFolder).await;
    refused(&mut guest, &[Ask::Open, Ask::Read], &["sub"], FaultCode::IsFolder).await;
    refused(&mut guest, &[Ask::Open, Ask::Read], &[""], FaultCode::IsFolder).await;
    refused(&mut guest, &[Ask::Watch], &["inside.txt"], FaultCode::NotFolder).await;
    let inside_a_file = ["inside.txt/x"];
    refused(&mut guest, &ALL, &inside_a_file, FaultCode::NotFolder).await;
    refused(&mut guest, &[Ask::Open], &["nul.bin"], FaultCode::Binary).await;
    // Text of some encoding, and written again only as it was.
    for name in ["latin1.txt", "overlong.txt", "surrogate.txt"] {
        let document = guest.open(name).await;
        guest.with(|client| client.save(document));
        guest.wait("saved", |client| client.sync_state(document) != Some(SyncState::Saving)).await;
        guest.with(|client| client.close(document));
    }
    refused(&mut guest, &[Ask::Open], &["huge.txt", "endless.log"], FaultCode::FileTooLarge).await;
    refused(&mut guest, &[Ask::Read], &["endless.log"], FaultCode::FileTooLarge).await;
    refused(&mut guest, &CHANGE, &[""], FaultCode::Protected).await;
    refused(
        &mut guest,
        &[Ask::CreateFile, Ask::CreateFolder, Ask::RenameTo],
        &["sub", "nul.bin"],
        FaultCode::AlreadyExists,
    )
    .await;
    let missing = ["nothing", "nothing/below", "sub/nothing"];
    refused(
        &mut guest,
        &[Ask::Open, Ask::Read, Ask::Watch, Ask::RenameFrom, Ask::Delete],
        &missing,
        FaultCode::NotFound,
    )
    .await;
    refused(&mut guest, &[Ask::CreateFile, Ask::RenameTo], &["nothing/below"], FaultCode::NotFound).await;
    for (name, bytes) in [
        ("latin1.txt", &b"caf\xe9\n"[..]),
        ("overlong.txt", b"\xc0\xaf\n"),
        ("surrogate.txt", b"\xed\xa0\x80\n"),
    ] {
        assert_eq!(fs::read(agent.path(name)).unwrap(), bytes, "nothing is mangled");
    }
    ground.end().await;
}

#[tokio::test]
async fn a_file_that_vanishes_at_any_moment_is_an_answer_and_no_harm() {
    let ground = Ground::new().await;
    let agent = &ground.agent;
    let mut guest = agent.join(Role::Editor, "Ann").await;
    for number in 0..50 {
        let name = format!("flicker-{number}.txt");
        agent.write(&name, "here");
        let request = guest.with(|client| client.open(path(&name)));
        fs::remove_file(agent.path(&name)).unwrap();
        match guest.answer(request).await {
            Ok(ClientEvent::Opened { document, .. }) => {
                assert_eq!(guest.text(document), "here");
                guest.wait_sync(document, &SyncState::Gone).await;
            }
            Err(fault) => assert_eq!(fault.code, FaultCode::NotFound),
            Ok(other) => panic!("{other:?}"),
        }
    }
    ground.end().await;
}

#[tokio::test]
async fn splices_and_sizes_beyond_the_limits_are_refused_where_they_take_effect() {
    let ground = Ground::new().await;
    let agent = &ground.agent;
    agent.write("small.txt", "kept");
    let mut guest = agent.join(Role::Editor, "Ann").await;
    let document = guest.open("small.txt").await;
    let beyond = Splice { at: 5, delete: 0, insert: "y".to_owned() };
    assert!(guest.with(|client| client.edit(document, &[beyond])).is_err());
    guest.insert(document, 0, &"x".repeat(MAX_DOCUMENT_BYTES - 3));
    let (lost, fault) = handed_back(&mut guest, document).await;
    assert_eq!(fault.code, FaultCode::DocumentTooLarge);
    assert_eq!(lost.unwrap().len(), MAX_DOCUMENT_BYTES + 1);
    guest.wait_text(document, |text| text == "kept").await;
    assert_eq!(agent.read("small.txt"), "kept");
    ground.end().await;
}

/// An agent whose every thread belongs to nobody in particular, since for root there are no permissions.
#[test]
fn without_permission_it_is_said_and_nothing_is_touched() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let drop_rights = || {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
    };
    let runtime = runtime.worker_threads(2).enable_all().on_thread_start(drop_rights).build().unwrap();
    let test = runtime.spawn(async {
        let agent = TestAgent::start().await;
        for file in ["unreadable.txt", "closed/file.txt", "read-only.txt", "locked/file.txt"] {
            agent.write(file, "kept\n");
        }
        let mode = |name: &str, mode| {
            fs::set_permissions(agent.path(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode("unreadable.txt", 0o000);
        mode("closed", 0o000);
        mode("read-only.txt", 0o444);
        mode("locked", 0o555);
        let mut ann = agent.join(Role::Editor, "Ann").await;
        let denied = FaultCode::PermissionDenied;
        refused(&mut ann, &[Ask::Open, Ask::Read], &["unreadable.txt", "closed/file.txt"], denied).await;
        refused(&mut ann, &[Ask::Watch], &["closed"], denied).await;
        refused(&mut ann, &[Ask::CreateFile, Ask::CreateFolder], &["locked/new", "closed/new"], denied).await;
        refused(&mut ann, &[Ask::Delete, Ask::RenameFrom], &["locked/file.txt"], denied).await;

        // A file that may be written, in a folder that may not: it is written in place.
        let document = ann.open("locked/file.txt").await;
        ann.append(document, "typed\n");
        ann.wait_sync(document, &SyncState::Saved).await;
        assert_eq!(agent.read("locked/file.txt"), "kept\ntyped\n");
        agent.write("locked/file.txt", "kept\n");
        ann.wait_text(document, |text| text == "kept\n").await;

        // A file, and one in a folder, that can be read and not written: the text stays, and it is said to everybody.
        mode("locked/file.txt", 0o444);
        let mut bob = agent.join(Role::Viewer, "Bob").await;
        for file in ["read-only.txt", "locked/file.txt"] {
            let (document, seen) = (ann.open(file).await, bob.open(file).await);
            ann.append(document, "typed\n");
            let not_saved = SyncState::NotSaved(Fault::new(denied).with(file));
            ann.wait_sync(document, &not_saved).await;
            bob.wait_sync(seen, &not_saved).await;
            assert_eq!(bob.text(seen), "kept\ntyped\n");
            assert_eq!(agent.read(file), "kept\n");
            // It is written by itself when that is possible again.
            mode(file, 0o644);
            mode("locked", 0o755);
            ann.wait_sync(document, &SyncState::Saved).await;
            bob.wait_sync(seen, &SyncState::Saved).await;
            assert_eq!(agent.read(file), "kept\ntyped\n");
            mode("locked", 0o555);
        }
        agent.still_serves().await;
        mode("closed", 0o755);
        mode("locked", 0o755);
        agent.end().await;
    });
    runtime.block_on(test).unwrap();
}
