//! Checkpoints on a real disk: what is kept, what is told, what is refused.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;

use parlor::agent::document::disk::{Checkpoint, DiskFile, Missing, Outside};
use parlor::agent::workspace::{Actor, Workspace, WorkspaceError};
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::limits::MAX_DOCUMENT_BYTES;
use parlor_shared::message::{Encoding, EndOfLine};
use place::{Place, age, append, change, path, put, replace, save, save_as, saved};

#[path = "workspace_saving/place.rs"]
mod place;

fn code(result: Result<impl Sized, WorkspaceError>) -> Option<FaultCode> {
    result.err().map(|error| Fault::from(error).code)
}

/// Runs as nobody if we are root, whom permissions do not bind. Concerns this thread alone.
fn unprivileged<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let run = || {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may");
        }
        work()
    };
    thread::scope(|scope| scope.spawn(run).join().expect("the work does not panic"))
}

#[test]
fn encoding_and_line_ends_stay_as_the_file_has_them() {
    for (before, typed, after) in [
        (&b"a\nb"[..], "a\nx\nb", &b"a\nx\nb"[..]),
        (b"a\r\nb\r\n", "a\nx\nb\n", b"a\r\nx\r\nb\r\n"),
        (b"a\r\nb\n", "a;\nx\nb\n", b"a;\r\nx\r\nb\n"),
        (b"a\rb\r", "a\nx\nb\n", b"a\rx\rb\r"),
        (b"\xEF\xBB\xBFa\n", "x\n", b"\xEF\xBB\xBFx\n"),
        (b"\xFF\xFEa\0\r\0\n\0", "a\n\u{1F600}", b"\xFF\xFEa\0\r\0\n\0\x3D\xD8\0\xDE"),
        (b"\xFE\xFF\0a", "b", b"\xFE\xFF\0b"),
        (b"", "x", b"x"),
        (b"x", "", b""),
    ] {
        let (place, file, mut disk) = Place::with_file(before);
        assert_eq!(save(&mut disk, typed).unwrap(), saved());
        assert_eq!(fs::read(&file).unwrap(), after);
        assert_eq!(disk.base(), typed);
        assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
        assert_eq!(place.names(), ["file.txt"]);
    }
}

#[test]
fn mode_owner_and_link_stay_and_nothing_is_written_without_need() {
    let place = Place::new();
    let file = place.root.join("real.sh");
    put(&file, "a");
    fs::set_permissions(&file, Permissions::from_mode(0o754)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&file, Some(1234), Some(4321)).unwrap();
    }
    fs::create_dir(place.root.join("sub")).unwrap();
    symlink("../real.sh", place.root.join("sub/link.sh")).unwrap();
    let before = fs::metadata(&file).unwrap();
    let mut disk = place.load("sub/link.sh");
    assert_eq!(save(&mut disk, "a").unwrap(), saved());
    assert_eq!(fs::metadata(&file).unwrap().ino(), before.ino(), "the same text is not written again");
    assert_eq!(save(&mut disk, "b").unwrap(), saved());
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_eq!(after.ino(), before.ino(), "written in place");
    assert_eq!(fs::read_link(place.root.join("sub/link.sh")).unwrap(), Path::new("../real.sh"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "b");
}

#[test]
fn a_change_outside_is_told_with_what_it_started_from() {
    let (_place, file, mut disk) = Place::with_file("a\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    append(&file, "b\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("a\n", "a\nb\n")));
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    replace(&file, "a\nb\nc\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("a\nb\n", "a\nb\nc\n")));
    // As short a time apart, and as alike in size, as it gets.
    put(&file, "1\n2\n3\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("a\nb\nc\n", "1\n2\n3\n")));
    put(&file, "4\n5\n6\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("1\n2\n3\n", "4\n5\n6\n")));
    // Touched and not changed.
    age(&file);
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    replace(&file, "4\n5\n6\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    // Changed by a tool that sets the time back.
    put(&file, "7\n8\n9\n");
    age(&file);
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("4\n5\n6\n", "7\n8\n9\n")));
}

#[test]
fn what_could_not_be_opened_again_is_not_written() {
    // UTF-16 takes two bytes for each letter.
    let (_place, file, mut disk) = Place::with_file(b"\xFF\xFEa\0");
    assert_eq!(code(save(&mut disk, &"a".repeat(MAX_DOCUMENT_BYTES / 2))), Some(FaultCode::DocumentTooLarge));
    assert_eq!(fs::read(&file).unwrap(), b"\xFF\xFEa\0");
    assert_eq!(save(&mut disk, "ab").unwrap(), saved());
}

#[test]
fn a_conversion_outside_is_kept_and_is_no_change_of_the_text() {
    let (_place, file, mut disk) = Place::with_file("a\nb\n");
    put(&file, "a\r\nb\r\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    assert_eq!(disk.format().end_of_line(), EndOfLine::Crlf);
    put(&file, b"\xEF\xBB\xBFa\r\nb\r\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    assert_eq!(disk.format().encoding, Encoding::Utf8Bom);
    // A shell appends with its own line end.
    append(&file, "c\n");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("a\nb\n", "a\nb\nc\n")));
    assert_eq!(save(&mut disk, "a\nb\nc\nd\n").unwrap(), saved());
    assert_eq!(fs::read(&file).unwrap(), b"\xEF\xBB\xBFa\r\nb\r\nc\nd\n");
}

#[test]
fn a_file_that_is_gone_is_created_again_only_when_asked() {
    let (place, file, mut disk) = Place::with_file("a");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    fs::remove_file(&file).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    assert_eq!(save(&mut disk, "b").unwrap(), Checkpoint::Gone);
    assert!(!file.exists());
    assert_eq!(save_as(&mut disk, "b", Actor::Guest, Missing::Create).unwrap(), saved());
    assert_eq!(fs::read_to_string(&file).unwrap(), "b");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    // Somebody else creates it.
    fs::remove_file(&file).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    put(&file, "bc");
    assert_eq!(save(&mut disk, "ab").unwrap(), Checkpoint::Conflict(change("b", "bc")));
    assert_eq!(place.names(), ["file.txt"]);
}

#[test]
fn a_file_whose_folder_is_gone_can_not_be_saved() {
    let place = Place::new();
    fs::create_dir(place.root.join("sub")).unwrap();
    put(&place.root.join("sub/file.txt"), "a");
    let mut disk = place.load("sub/file.txt");
    fs::rename(place.root.join("sub"), place.root.join("moved")).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    assert_eq!(save(&mut disk, "b").unwrap(), Checkpoint::Gone);
    assert_eq!(code(save_as(&mut disk, "b", Actor::Host, Missing::Create)), Some(FaultCode::NotFound));
    put(&place.root.join("sub"), "a file now");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    assert_eq!(code(save_as(&mut disk, "b", Actor::Host, Missing::Create)), Some(FaultCode::NotFolder));
    disk.moved(path("moved/file.txt"));
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    assert_eq!(save(&mut disk, "b").unwrap(), saved());
    assert_eq!(fs::read_to_string(place.root.join("moved/file.txt")).unwrap(), "b");
}

#[test]
fn nothing_is_saved_over_what_is_no_text_file_any_more() {
    let (place, file, mut disk) = Place::with_file("a");
    put(&file, b"\x89PNG\0");
    age(&file);
    let binary = Fault::new(FaultCode::Binary).with("file.txt").with(5);
    assert_eq!(disk.changed_outside().unwrap(), Outside::NoLongerText(binary));
    assert_eq!(code(save(&mut disk, "b")), Some(FaultCode::Binary));
    assert_eq!(fs::read(&file).unwrap(), b"\x89PNG\0");
    File::options().append(true).open(&file).unwrap().set_len(MAX_DOCUMENT_BYTES as u64 + 1).unwrap();
    assert!(
        matches!(disk.changed_outside().unwrap(), Outside::NoLongerText(f) if f.code == FaultCode::FileTooLarge)
    );
    assert_eq!(code(save(&mut disk, "b")), Some(FaultCode::FileTooLarge));

    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    assert_eq!(code(save_as(&mut disk, "b", Actor::Host, Missing::Create)), Some(FaultCode::IsFolder));
    fs::remove_dir(&file).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    assert_eq!(code(save_as(&mut disk, "b", Actor::Host, Missing::Create)), Some(FaultCode::SpecialFile));
    fs::remove_file(&file).unwrap();
    symlink("missing", &file).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Gone);
    assert_eq!(code(save_as(&mut disk, "b", Actor::Host, Missing::Create)), Some(FaultCode::NotFound));
    fs::remove_file(&file).unwrap();
    symlink("../outside", &file).unwrap();
    put(&place.root.join("../outside"), "secret");
    assert_eq!(code(disk.changed_outside()), Some(FaultCode::OutsideWorkspace));
    assert_eq!(code(save(&mut disk, "b")), Some(FaultCode::OutsideWorkspace));
    assert_eq!(fs::read_to_string(place.root.join("../outside")).unwrap(), "secret");
    assert_eq!(place.names(), ["file.txt"]);
}

#[test]
fn what_guests_may_not_write_is_not_saved_for_them() {
    let place = Place::new();
    fs::create_dir(place.root.join(".vscode")).unwrap();
    put(&place.root.join(".vscode/settings.json"), "{}");
    symlink(".vscode/settings.json", place.root.join("link.json")).unwrap();
    for name in [".vscode/settings.json", "link.json"] {
        let mut disk = place.load(name);
        assert_eq!(code(disk.check_writable(Actor::Guest)), Some(FaultCode::Protected));
        assert_eq!(code(save(&mut disk, "evil")), Some(FaultCode::Protected));
        assert_eq!(save_as(&mut disk, "{ }", Actor::Host, Missing::Report).unwrap(), saved());
        assert_eq!(save_as(&mut disk, "{}", Actor::Host, Missing::Report).unwrap(), saved());
    }
}

#[test]
fn a_second_name_of_what_guests_may_not_write_is_as_protected() {
    let place = Place::new();
    fs::create_dir_all(place.root.join(".git/hooks")).unwrap();
    for (control, name) in [(".envrc", "notes.txt"), (".git/hooks/pre-commit", "hook.txt")] {
        put(&place.root.join(control), "safe\n");
        fs::hard_link(place.root.join(control), place.root.join(name)).unwrap();
        let mut disk = place.load(name);
        assert_eq!(code(save(&mut disk, "evil\n")), Some(FaultCode::Protected), "{name}");
        assert_eq!(fs::read_to_string(place.root.join(control)).unwrap(), "safe\n");
        assert_eq!(save_as(&mut disk, "the host's\n", Actor::Host, Missing::Report).unwrap(), saved());
        assert_eq!(fs::read_to_string(place.root.join(control)).unwrap(), "the host's\n");
    }
}

#[test]
fn read_only_files_and_folders_are_left_alone() {
    let (place, file, mut disk) = Place::with_file("a");
    fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    assert_eq!(code(save(&mut disk, "b")), Some(FaultCode::PermissionDenied), "even for root");
    assert_eq!(fs::read_to_string(&file).unwrap(), "a");

    // For somebody else: another's file, in a folder where everybody may rename.
    fs::set_permissions(place.root.parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
    let Place { root, workspace, .. } = &place;
    let load = || DiskFile::load(workspace, &path("file.txt")).unwrap().0;
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(root, Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(unprivileged(|| code(save(&mut load(), "b"))), Some(FaultCode::PermissionDenied));
    }
    // A file that may be written, in a folder that may not: only the file counts.
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(root, Permissions::from_mode(0o555)).unwrap();
    assert_eq!(unprivileged(|| save(&mut load(), "a, typed").unwrap()), saved());
    assert_eq!(unprivileged(|| save(&mut load(), "a").unwrap()), saved());
    // Not readable for now is not gone.
    fs::set_permissions(root, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    assert_eq!(unprivileged(|| code(disk.changed_outside())), Some(FaultCode::PermissionDenied));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    assert_eq!(save(&mut disk, "b").unwrap(), saved());
    assert_eq!(place.names(), ["file.txt"]);
}

#[test]
fn hard_links_attributes_and_lists_of_rights_stay() {
    let (place, file, mut disk) = Place::with_file("a\n");
    let twin = place.root.join("twin.txt");
    fs::hard_link(&file, &twin).unwrap();
    // Programs of the system, not ours: what they say of the file is what users see.
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&file).output();
        let output = output.unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run("setfacl", &["-m", "u:1234:rw,g::r"]);
    run("setfattr", &["-n", "user.note", "-v", "kept"]);
    let before = (run("getfacl", &["-cp"]), run("getfattr", &["-d", "-m", "-", "--absolute-names"]));
    assert!(before.0.contains("group::r--") && before.1.contains("kept"), "{before:?}");
    assert_eq!(save(&mut disk, "a\ntyped\n").unwrap(), saved());
    assert_eq!(save(&mut disk, "typed\n").unwrap(), saved());
    assert_eq!(fs::read_to_string(&twin).unwrap(), "typed\n");
    assert_eq!(before, (run("getfacl", &["-cp"]), run("getfattr", &["-d", "-m", "-", "--absolute-names"])));
}

#[test]
fn a_full_disk_is_told_and_changes_nothing() {
    let place = Place::new();
    let mounted = rustix::mount::mount(
        "tmpfs",
        &place.root,
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        Some(c"size=64k"),
    );
    if let Err(error) = mounted {
        panic!("a small disk can not be mounted here, and this test needs one: {error}");
    }
    struct Mounted<'a>(&'a Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
        }
    }
    let _mounted = Mounted(&place.root);
    let workspace = Workspace::open(&place.root).unwrap();
    let file = place.root.join("file.txt");
    put(&file, "a");
    let mut disk = DiskFile::load(&workspace, &path("file.txt")).unwrap().0;
    let large = "x".repeat(100_000);
    let full = Fault::new(FaultCode::DiskFull).with("file.txt");
    assert_eq!(save(&mut disk, &large).map_err(Fault::from), Err(full));
    assert_eq!(fs::read_to_string(&file).unwrap(), "a");
    assert_eq!(place.names(), ["file.txt"], "no temporary file is left");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
    assert_eq!(save(&mut disk, "b").unwrap(), saved());
    assert_eq!(fs::read_to_string(&file).unwrap(), "b");
}
