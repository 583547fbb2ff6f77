//! Formatters, copies, scripts, and what a file has besides its text.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use parlor_shared::client::SyncState;
use parlor_shared::document::Splice;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::role::Role;

use super::desk::{Desk, Manner, TEXT};
use super::programs::{Beside, program, put, succeed};

fn prettier(folder: &Path, arguments: &[&str]) -> Command {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/node_modules");
    let script = packages.join("prettier/bin/prettier.cjs");
    assert!(
        script.is_file(),
        "this test runs prettier, which is not installed: `cargo xtask setup` installs it"
    );
    let mut node = program("node", folder);
    node.arg(script).args(arguments);
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn prettier_in_a_loop() {
    const ROUNDS: usize = 3;
    let text = "// ann:\n\nconst first = { a: 1 };\n// bob:\nconst last = { z: 26 };\n";
    let mut desk = Desk::with("app.js", text).await;
    let inode = desk.inode();
    desk.types("ann", Manner::WithoutPause).await;
    desk.types("bob", Manner::WithoutPause).await;
    let mut expected = String::new();
    for round in 1..=ROUNDS {
        desk.inserts("// bob:", &format!("let   x{round}={{b:{round}}}\n"));
        let unformatted = format!("let   x{round}=");
        desk.until("the new line is saved", || desk.file().contains(&unformatted)).await;
        succeed(&mut prettier(desk.folder(), &["--write", "app.js"]));
        let formatted = format!("let x{round} = {{ b: {round} }};\n");
        desk.shows("what prettier wrote", |text| text.contains(&formatted)).await;
        expected += &formatted;
    }
    desk.stop().await;
    succeed(&mut prettier(desk.folder(), &["--check", "app.js"]));
    assert_eq!(desk.inode(), inode);
    desk.end_with(&text.replace("// bob:", &format!("{expected}// bob:")), &["app.js"]).await;
}

/// Run over and over, with no regard to when the file is saved: it reads, thinks, and writes what is old by then.
#[tokio::test(flavor = "multi_thread")]
async fn prettier_again_and_again_while_saves_go_on() {
    let text = "// ann:\n\nconst first = { a: 1 };\n// bob:\nconst last = { z: 26 };\n";
    let mut desk = Desk::with("app.js", text).await;
    desk.types("ann", Manner::Bursts).await;
    desk.types("bob", Manner::Bursts).await;
    let mut expected = String::new();
    for round in 1..=8 {
        desk.inserts("// bob:", &format!("let   x{round}={{b:{round}}}\n"));
        let unformatted = format!("let   x{round}=");
        while desk.text().contains(&unformatted) {
            succeed(&mut prettier(desk.folder(), &["--write", "app.js"]));
        }
        expected += &format!("let x{round} = {{ b: {round} }};\n");
    }
    desk.stop().await;
    desk.end_with(&text.replace("// bob:", &format!("{expected}// bob:")), &["app.js"]).await;
}

/// A formatter that trims blanks does not take the one that was just typed.
#[tokio::test(flavor = "multi_thread")]
async fn prettier_leaves_the_blank_that_was_just_typed() {
    let desk = Desk::with("app.js", "// the;\nlet   x={a:1}\n").await;
    desk.inserts(";", " quick");
    desk.inserts(";", " ");
    // As somebody who stops for a moment behind a blank at the end of a line.
    desk.inserts("\nlet", " ");
    desk.until("it is saved, but for the blank", || desk.file().contains("quick")).await;
    succeed(&mut prettier(desk.folder(), &["--write", "app.js"]));
    desk.shows("what prettier wrote", |text| text.contains("{ a: 1 };")).await;
    assert!(desk.text().starts_with("// the quick ; \n"), "{:?}", desk.text());
    desk.inserts("\nlet", "fox");
    desk.settle().await;
    assert_eq!(desk.file(), "// the quick ; fox\nlet x = { a: 1 };\n");
    desk.agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rsync_into_the_file_and_out_of_it() {
    const ROUNDS: usize = 3;
    let mut desk = Desk::with("notes.txt", TEXT).await;
    let inode = desk.inode();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let copy = elsewhere.path().join("notes.txt");
    desk.types("ann", Manner::WithoutPause).await;
    desk.types("bob", Manner::WithoutPause).await;
    for round in 1..=ROUNDS {
        desk.a_save().await;
        // Out, changed there, and in again.
        succeed(program("rsync", desk.folder()).args(["--inplace", "notes.txt"]).arg(&copy));
        let line = format!("line 10 synced {round}\n");
        let before =
            if round == 1 { "line 10\n".to_owned() } else { format!("line 10 synced {}\n", round - 1) };
        let changed = fs::read_to_string(&copy).unwrap().replace(&before, &line);
        put(&copy, &changed);
        succeed(program("rsync", desk.folder()).args(["--inplace", "-I"]).arg(&copy).arg("notes.txt"));
        desk.shows("what rsync wrote", |text| text.contains(&line)).await;
    }
    desk.stop().await;
    succeed(program("rsync", desk.folder()).args(["--inplace", "-a", "./"]).arg(elsewhere.path()));
    assert_eq!(fs::read_to_string(&copy).unwrap(), desk.file());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    assert_eq!(desk.inode(), inode);
    desk.end_with(&TEXT.replace("line 10\n", "line 10 synced 3\n"), &["notes.txt"]).await;
}

/// A script that waits for a line in its second line, and has another one behind that.
fn script() -> (String, String) {
    let above = "# ".to_owned() + &"x".repeat(60) + "\n";
    let comments = "# echo never ".repeat(4);
    let text = format!(
        "#!/bin/bash\n{above}read line; /bin/true; echo \"one $line\"\n{comments}\necho two\nexit 7\n"
    );
    (text, above)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_saved_when_its_shell_has_ended() {
    let (text, above) = script();
    let desk = Desk::with("run.sh", &text).await;
    fs::set_permissions(desk.agent.path("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut script = Beside::start(&mut program_of(&desk, "run.sh"));
    let mut gil = desk.agent.join(Role::Editor, "Gil").await;
    let document = gil.open("run.sh").await;
    let delete = u32::try_from(above.len()).unwrap();
    gil.with(|client| client.edit(document, &[Splice { at: 12, delete, insert: String::new() }])).unwrap();
    let waits = SyncState::NotSaved(Fault::new(FaultCode::ScriptRuns).with("run.sh"));
    gil.wait_sync(document, &waits).await;
    assert_eq!(desk.file(), text, "it waits for the script");
    script.tell("a");
    assert_eq!(script.finish().await, "one a\ntwo\n");
    gil.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(desk.file(), text.replace(&above, ""));
    // It can be started at once after a save: nobody holds it open for writing.
    let mut again = Beside::start(&mut program_of(&desk, "run.sh"));
    again.tell("b");
    assert_eq!(again.finish().await, "one b\ntwo\n");
    assert_eq!(fs::metadata(desk.agent.path("run.sh")).unwrap().mode() & 0o777, 0o755);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_saves_has_a_script_saved_while_it_runs() {
    let (text, _) = script();
    let desk = Desk::with("run.sh", &text).await;
    let mut script = Beside::start(program("bash", desk.folder()).arg("run.sh"));
    let mut gil = desk.agent.join(Role::Editor, "Gil").await;
    let document = gil.open("run.sh").await;
    gil.append(document, "# typed below\n");
    let waits = SyncState::NotSaved(Fault::new(FaultCode::ScriptRuns).with("run.sh"));
    gil.wait_sync(document, &waits).await;
    gil.with(|client| client.save(document));
    gil.wait_sync(document, &SyncState::Saved).await;
    assert_eq!(desk.file(), format!("{text}# typed below\n"));
    script.tell("a");
    assert_eq!(script.finish().await, "one a\ntwo\n");
}

/// A program that lies in the shared folder.
fn program_of(desk: &Desk, name: &str) -> Command {
    let mut command = Command::new(desk.agent.path(name));
    command.current_dir(desk.folder()).stdin(std::process::Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lists_of_rights_and_attributes() {
    let mut desk = Desk::with("notes.txt", TEXT).await;
    let inode = desk.inode();
    fs::hard_link(desk.agent.path("notes.txt"), desk.agent.path("twin.txt")).unwrap();
    let tell = |program_name: &str, arguments: &[&str]| {
        succeed(program(program_name, desk.folder()).args(arguments).arg("notes.txt"))
    };
    tell("setfacl", &["-m", "u:1234:rw,g::r"]);
    tell("setfattr", &["-n", "user.note", "-v", "kept"]);
    let before = (tell("getfacl", &["-c"]), tell("getfattr", &["-d", "-m", "-"]));
    assert!(before.0.contains("group::r--") && before.1.contains("kept"), "{before:?}");
    desk.types("ann", Manner::Bursts).await;
    desk.a_save().await;
    desk.stop().await;
    let tell = |program_name: &str, arguments: &[&str]| {
        succeed(program(program_name, desk.folder()).args(arguments).arg("notes.txt"))
    };
    assert_eq!(before, (tell("getfacl", &["-c"]), tell("getfattr", &["-d", "-m", "-"])));
    assert_eq!(desk.agent.read("twin.txt"), desk.file());
    assert_eq!(desk.inode(), inode);
    desk.end_with(TEXT, &["notes.txt", "twin.txt"]).await;
}
