//! Every way out of the workspace that we know of, tried.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use parlor::agent::workspace::{Actor, OpenError, Workspace, WorkspaceError};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::limits::{FILE_CHUNK_BYTES, MAX_DOCUMENT_BYTES, MAX_VIEWED_FILE_BYTES};
use parlor_shared::message::{Encoding, EndOfLine, EntryKind, NewEntry};
use parlor_shared::path::WorkspacePath;
use tempfile::TempDir;

const SECRET: &str = "secret";

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).expect("a valid path")
}

fn put(file: &Path, content: impl AsRef<[u8]>) {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).expect("folders can be created");
    }
    File::create(file)
        .and_then(|mut file| file.write_all(content.as_ref()))
        .expect("the file can be written");
}

/// A workspace `shared` beside an `outside` that nobody may reach.
fn workspace() -> (TempDir, Workspace) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    put(&temp.path().join("outside/secret.txt"), SECRET);
    put(&temp.path().join("shared/inside.txt"), "inside\n");
    let workspace = Workspace::open(&temp.path().join("shared")).expect("it is a folder");
    (temp, workspace)
}

fn code(result: Result<impl Sized, WorkspaceError>) -> Option<FaultCode> {
    result.err().map(|error| Fault::from(error).code)
}

#[test]
fn only_an_existing_folder_can_be_opened() {
    let (temp, workspace) = workspace();
    assert_eq!(workspace.name(), "shared");
    assert_eq!(workspace.absolute_root(), temp.path().join("shared").canonicalize().unwrap());
    let missing = temp.path().join("missing");
    assert!(matches!(Workspace::open(&missing), Err(OpenError::NotFound(path)) if path == missing));
    let file = temp.path().join("shared/inside.txt");
    assert!(matches!(Workspace::open(&file), Err(OpenError::NotFolder(path)) if path == file));
}

#[test]
fn paths_that_say_where_they_go_are_no_paths() {
    let long = "x/".repeat(2100);
    for text in [
        "..",
        "../outside/secret.txt",
        "a/../../outside",
        "/etc/passwd",
        "a\0b",
        "..\\outside",
        "./x",
        "x//y",
        &long,
    ] {
        assert!(WorkspacePath::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn links_that_leave_the_workspace_are_refused_for_everything() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    fs::create_dir(root.join("sub")).unwrap();
    for (link, target) in [
        ("file", "../outside/secret.txt".to_owned()),
        ("absolute", temp.path().join("outside/secret.txt").display().to_string()),
        ("sub/deep", "../../outside/secret.txt".to_owned()),
        ("chain", "sub/deep".to_owned()),
        ("folder", "../outside".to_owned()),
        ("absolute-folder", temp.path().join("outside").display().to_string()),
        ("above", "..".to_owned()),
        ("system", "/".to_owned()),
        ("magic", "/proc/self/root".to_owned()),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    for link in ["file", "absolute", "sub/deep", "chain", "folder/secret.txt", "absolute-folder/secret.txt"] {
        let link = path(link);
        let outside = Some(FaultCode::OutsideWorkspace);
        assert_eq!(code(workspace.read_text(&link)), outside, "{link}");
        assert_eq!(code(workspace.read_bytes(&link)), outside, "{link}");
        assert_eq!(code(workspace.stamp(&link)), outside, "{link}");
        assert_eq!(code(workspace.check_writable(Actor::Host, &link)), outside, "{link}");
    }
    for link in ["folder", "absolute-folder", "above", "above/outside", "system", "system/etc", "magic/etc"] {
        let outside = Some(FaultCode::OutsideWorkspace);
        assert_eq!(code(workspace.list(&path(link))), outside, "{link}");
        let new = path(link).join("new").unwrap();
        assert_eq!(code(workspace.create(Actor::Host, &new, NewEntry::File)), outside, "{link}");
        assert_eq!(code(workspace.create(Actor::Host, &new, NewEntry::Folder)), outside, "{link}");
        assert_eq!(code(workspace.rename(Actor::Host, &path("inside.txt"), &new)), outside, "{link}");
        assert_eq!(code(workspace.rename(Actor::Host, &new, &path("stolen"))), outside, "{link}");
        assert_eq!(code(workspace.delete(Actor::Host, &new)), outside, "{link}");
    }
    for entry in workspace.list(&WorkspacePath::root()).unwrap().entries {
        assert_eq!(entry.link, !matches!(entry.name.as_str(), "inside.txt" | "sub"), "{entry:?}");
        assert_eq!(entry.kind == EntryKind::Other, entry.link, "{entry:?}");
    }
    assert_eq!(fs::read_to_string(temp.path().join("outside/secret.txt")).unwrap(), SECRET);
    assert_eq!(fs::read_dir(temp.path().join("outside")).unwrap().count(), 1);
}

#[test]
fn links_inside_the_workspace_are_followed() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    put(&root.join("sub/real.txt"), "real");
    symlink("sub", root.join("folder")).unwrap();
    symlink("../inside.txt", root.join("sub/up")).unwrap();
    assert_eq!(workspace.read_text(&path("folder/real.txt")).unwrap().text, "real");
    assert_eq!(workspace.read_text(&path("folder/up")).unwrap().text, "inside\n");
    workspace.create(Actor::Guest, &path("folder/new.txt"), NewEntry::File).unwrap();
    assert!(root.join("sub/new.txt").exists());
    let listing = workspace.list(&WorkspacePath::root()).unwrap();
    let kinds: Vec<_> =
        listing.entries.iter().map(|entry| (entry.name.as_str(), entry.kind, entry.link)).collect();
    assert_eq!(
        kinds,
        [
            ("folder", EntryKind::Folder, true),
            ("sub", EntryKind::Folder, false),
            ("inside.txt", EntryKind::File, false)
        ]
    );
    let listing = workspace.list(&path("folder")).unwrap();
    assert_eq!(listing.entries.len(), 3);
}

#[test]
fn links_in_a_circle_or_to_nothing_lead_nowhere() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    symlink("circle", root.join("circle")).unwrap();
    symlink("two", root.join("one")).unwrap();
    symlink("one", root.join("two")).unwrap();
    symlink("missing", root.join("dangling")).unwrap();
    for link in ["circle", "one", "dangling", "one/x"] {
        assert_eq!(code(workspace.read_text(&path(link))), Some(FaultCode::NotFound), "{link}");
        assert_eq!(workspace.stamp(&path(link)).unwrap(), None, "{link}");
        assert_eq!(code(workspace.list(&path(link))), Some(FaultCode::NotFound), "{link}");
    }
    // The link itself can be renamed and deleted.
    workspace.rename(Actor::Guest, &path("circle"), &path("round")).unwrap();
    workspace.delete(Actor::Guest, &path("round")).unwrap();
    assert!(root.join("round").symlink_metadata().is_err());
}

#[test]
fn what_is_not_shared_is_not_reached_under_any_name() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    for file in [".git/config", "sub/.git/config", ".GIT/config", ".vsls.json"] {
        put(&root.join(file), SECRET);
    }
    symlink(".git", root.join("git")).unwrap();
    symlink(".git/config", root.join("config")).unwrap();
    symlink("../.git/config", root.join("sub/config")).unwrap();
    symlink(".vsls.json", root.join("rules")).unwrap();
    for file in [
        ".git/config",
        "sub/.git/config",
        ".GIT/config",
        ".vsls.json",
        ".VSLS.json",
        "git/config",
        "config",
        "sub/config",
        "rules",
    ] {
        for actor in [Actor::Host, Actor::Guest] {
            assert_eq!(
                code(workspace.check_writable(actor, &path(file))),
                Some(FaultCode::Protected),
                "{file}"
            );
        }
        assert_eq!(code(workspace.read_text(&path(file))), Some(FaultCode::Protected), "{file}");
        assert_eq!(code(workspace.read_bytes(&path(file))), Some(FaultCode::Protected), "{file}");
        assert_eq!(code(workspace.stamp(&path(file))), Some(FaultCode::Protected), "{file}");
    }
    for folder in [".git", "sub/.git", "git", ".GIT"] {
        let new = path(folder).join("new").unwrap();
        assert_eq!(code(workspace.list(&path(folder))), Some(FaultCode::Protected), "{folder}");
        assert_eq!(
            code(workspace.create(Actor::Host, &new, NewEntry::File)),
            Some(FaultCode::Protected),
            "{folder}"
        );
        assert_eq!(
            code(workspace.rename(Actor::Host, &path("inside.txt"), &new)),
            Some(FaultCode::Protected),
            "{folder}"
        );
    }
    // Listed are the links, as something that can not be opened, and nothing that is hidden.
    let names: Vec<_> = workspace.list(&WorkspacePath::root()).unwrap().entries;
    let names: Vec<_> = names.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    assert_eq!(
        names,
        [
            ("sub", EntryKind::Folder),
            ("config", EntryKind::Other),
            ("git", EntryKind::Other),
            ("inside.txt", EntryKind::File),
            ("rules", EntryKind::Other)
        ]
    );
}

#[test]
fn control_files_are_read_by_everybody_and_written_by_the_host_alone() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    put(&root.join(".vscode/settings.json"), "{}");
    symlink(".vscode", root.join("settings")).unwrap();
    symlink(".vscode/settings.json", root.join("link.json")).unwrap();
    for file in [".vscode/settings.json", "settings/settings.json", "link.json"] {
        assert_eq!(workspace.read_text(&path(file)).unwrap().text, "{}");
        workspace.check_writable(Actor::Host, &path(file)).unwrap();
        assert_eq!(
            code(workspace.check_writable(Actor::Guest, &path(file))),
            Some(FaultCode::Protected),
            "{file}"
        );
    }
    for new in ["settings/new.json", ".vscode/new.json", ".envrc", "sub/parlor.toml"] {
        assert_eq!(
            code(workspace.check_writable(Actor::Guest, &path(new))),
            Some(FaultCode::Protected),
            "{new}"
        );
        assert_eq!(
            code(workspace.create(Actor::Guest, &path(new), NewEntry::File)),
            Some(FaultCode::Protected),
            "{new}"
        );
    }
    workspace.create(Actor::Host, &path("settings/new.json"), NewEntry::File).unwrap();
    assert!(root.join(".vscode/new.json").exists());
}

#[test]
fn special_files_are_shown_and_never_opened() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let _listener = UnixListener::bind(root.join("socket")).unwrap();
    symlink("pipe", root.join("link")).unwrap();
    let mut special = vec!["pipe", "socket", "link"];
    match mknodat(CWD, root.join("device"), FileType::CharacterDevice, Mode::RWXU, rustix::fs::makedev(1, 5))
    {
        Ok(()) => special.push("device"),
        Err(error) => println!("no device node tried, it can not be created here: {error}"),
    }
    for name in special {
        assert_eq!(code(workspace.read_text(&path(name))), Some(FaultCode::SpecialFile), "{name}");
        assert_eq!(code(workspace.read_bytes(&path(name))), Some(FaultCode::SpecialFile), "{name}");
        let entries = workspace.list(&WorkspacePath::root()).unwrap().entries;
        assert!(entries.iter().any(|entry| entry.name == name && entry.kind == EntryKind::Other), "{name}");
    }
    assert_eq!(code(workspace.read_text(&WorkspacePath::root())), Some(FaultCode::IsFolder));
    workspace.create(Actor::Guest, &path("folder"), NewEntry::Folder).unwrap();
    assert_eq!(code(workspace.read_text(&path("folder"))), Some(FaultCode::IsFolder));
    assert_eq!(code(workspace.read_text(&path("inside.txt/x"))), Some(FaultCode::NotFolder));
    assert_eq!(code(workspace.list(&path("inside.txt"))), Some(FaultCode::NotFolder));
}

#[test]
fn text_is_read_with_what_is_needed_to_write_it_back() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    put(&root.join("windows.txt"), b"\xEF\xBB\xBFa\r\nb\r\n");
    let file = workspace.read_text(&path("windows.txt")).unwrap();
    assert_eq!(
        (file.text.as_str(), file.format.encoding, file.format.end_of_line()),
        ("a\nb\n", Encoding::Utf8Bom, EndOfLine::Crlf)
    );
    assert_eq!(Some(file.stamp), workspace.stamp(&path("windows.txt")).unwrap());
    assert_eq!(file.stamp.len, 9);
    put(&root.join("image.png"), b"\x89PNG\r\n\x1a\n\0");
    let fault = Fault::from(workspace.read_text(&path("image.png")).unwrap_err());
    assert_eq!(fault, Fault::new(FaultCode::Binary).with("image.png").with(9));
    fs::hard_link(root.join("windows.txt"), root.join("twin.txt")).unwrap();
    assert_eq!(workspace.read_text(&path("twin.txt")).unwrap().text, "a\nb\n");
}

#[test]
fn files_that_are_too_large_are_refused_before_they_are_read() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    let size = |name: &str, bytes: u64| File::create(root.join(name)).unwrap().set_len(bytes).unwrap();
    let limit = MAX_DOCUMENT_BYTES as u64;
    size("large", limit + 1);
    size("huge", 1 << 40);
    for (name, bytes) in [("large", limit + 1), ("huge", 1 << 40)] {
        let fault = Fault::from(workspace.read_text(&path(name)).unwrap_err());
        assert_eq!(fault, Fault::new(FaultCode::FileTooLarge).with(name).with(bytes).with(limit));
    }
    let fault = Fault::from(workspace.read_bytes(&path("huge")).unwrap_err());
    assert_eq!(
        fault,
        Fault::new(FaultCode::FileTooLarge).with("huge").with(1_u64 << 40).with(MAX_VIEWED_FILE_BYTES)
    );
    put(&root.join("limit.txt"), vec![b'x'; MAX_DOCUMENT_BYTES]);
    assert_eq!(workspace.read_text(&path("limit.txt")).unwrap().text.len(), MAX_DOCUMENT_BYTES);
    // Half as large again in memory: three bytes a character for two.
    let wide = [b"\xFF\xFE".to_vec(), [0xAC, 0x20].repeat(MAX_DOCUMENT_BYTES / 2 - 1)].concat();
    put(&root.join("wide.txt"), &wide);
    assert_eq!(code(workspace.read_text(&path("wide.txt"))), Some(FaultCode::FileTooLarge));
}

#[test]
#[cfg(target_os = "linux")]
fn files_that_never_end_are_read_up_to_the_limit() {
    // Files of the kernel claim to be empty and have content all the same.
    let workspace = Workspace::open(Path::new("/proc/self")).expect("this test needs /proc to be mounted");
    let status = workspace.read_text(&path("status")).unwrap();
    assert!(status.text.starts_with("Name:"), "{}", status.text);
    assert_eq!(status.stamp.len, 0);
}

#[test]
fn bytes_come_in_chunks_and_a_file_that_shrinks_is_an_error() {
    let (temp, workspace) = workspace();
    let file = temp.path().join("shared/image");
    let content: Vec<u8> = (0..FILE_CHUNK_BYTES * 2 + 5).map(|n| u8::try_from(n % 251).unwrap()).collect();
    put(&file, &content);
    let mut reader = workspace.read_bytes(&path("image")).unwrap();
    assert_eq!(reader.total(), content.len() as u64);
    let mut chunks = Vec::new();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        chunks.push(chunk);
    }
    assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [FILE_CHUNK_BYTES, FILE_CHUNK_BYTES, 5]);
    assert_eq!(chunks.concat(), content);

    let mut reader = workspace.read_bytes(&path("image")).unwrap();
    reader.next_chunk().unwrap();
    File::options().write(true).open(&file).unwrap().set_len(10).unwrap();
    assert_eq!(code(reader.next_chunk()), Some(FaultCode::DiskError));

    put(&file, "");
    let mut reader = workspace.read_bytes(&path("image")).unwrap();
    assert_eq!((reader.total(), reader.next_chunk().unwrap()), (0, None));
}

#[test]
fn without_permission_nothing_is_read() {
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
    put(&root.join("private.txt"), SECRET);
    fs::set_permissions(root.join("private.txt"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::create_dir(root.join("closed")).unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            // Of this thread only: the others stay root.
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        let denied = Some(FaultCode::PermissionDenied);
        assert_eq!(code(workspace.read_text(&path("private.txt"))), denied);
        assert_eq!(code(workspace.list(&path("closed"))), denied);
        assert_eq!(code(workspace.read_text(&path("closed/x"))), denied);
        assert_eq!(workspace.read_text(&path("inside.txt")).unwrap().text, "inside\n");
    })
    .join()
    .unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// One thread lets a link lead inside, outside and into what is hidden by turns; the other reads through it.
#[test]
fn a_link_that_changes_while_it_is_followed_never_shows_what_is_outside() {
    const TURNS: usize = 1_500;
    let (temp, workspace) = workspace();
    let root = temp.path().join("shared");
    put(&root.join("allowed/file.txt"), "inside\n");
    put(&root.join(".git/file.txt"), SECRET);
    put(&temp.path().join("outside/file.txt"), SECRET);
    // `link` is a folder link by turns, `file` a file link, and `swapped` a real folder or a link.
    let done = AtomicBool::new(false);
    let (read, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let flip = |name: &str, target: &str| {
                let _ = fs::remove_file(root.join("next"));
                symlink(target, root.join("next")).unwrap();
                fs::rename(root.join("next"), root.join(name)).unwrap();
            };
            for turn in 0..TURNS {
                let folder = ["allowed", "../outside", ".git"][turn % 3];
                flip("link", folder);
                flip("file", &format!("{folder}/file.txt"));
                // A folder that becomes a link to the outside, after it was found to be a folder.
                if fs::rename(root.join("allowed"), root.join("aside")).is_ok() {
                    symlink(["../outside", ".git"][turn % 2], root.join("allowed")).unwrap();
                    fs::remove_file(root.join("allowed")).unwrap();
                    fs::rename(root.join("aside"), root.join("allowed")).unwrap();
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            for name in ["link/file.txt", "file", "allowed/file.txt"] {
                match workspace.read_text(&path(name)) {
                    Ok(file) => {
                        assert_eq!(file.text, "inside\n");
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(_) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                }
            }
        }
    });
    let (read, refused) = (read.into_inner(), refused.into_inner());
    assert!(read > 100 && refused > 100, "the race was not tried: {read} read, {refused} refused");
}
