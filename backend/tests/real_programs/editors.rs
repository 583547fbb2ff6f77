//! Editors of the host: they read a file, and write it back a moment later, each in its own way.

use super::desk::{Desk, Manner, TEXT};
use super::programs::{OnTerminal, program, run};

/// How often the host edits.
const ROUNDS: usize = 3;

/// A file in which one guest types far from where the host's editor edits, and one in the line behind.
async fn two_type() -> Desk {
    let mut desk = Desk::with("notes.txt", TEXT).await;
    desk.types("ann", Manner::WithoutPause).await;
    desk.types("bob", Manner::WithoutPause).await;
    desk
}

fn edited(by: &str) -> String {
    TEXT.replace("line 10\n", &format!("line 10 {by} {ROUNDS}\n"))
}

/// One edit in vim, as a person makes it. False if vim said that the file changed meanwhile, and the person gave way.
async fn edit_in_vim(desk: &Desk, backupcopy: &str, line: &str) -> bool {
    let set = format!("set backupcopy={backupcopy}");
    // -u and -i: without the settings and the memory of whoever runs the tests.
    let arguments = ["-Nu", "NONE", "-i", "NONE", "-c", &set, "notes.txt"];
    let mut vim = OnTerminal::start("vim", desk.folder(), &arguments);
    vim.shows(&["20L, "]).await;
    vim.press(&format!(":%s/^line 10.*/{line}/\r:w\r"));
    let written = vim.shows(&[" written", "(y/n)?"]).await == 0;
    vim.press(if written { ":q\r" } else { "n\r:q!\r" });
    vim.ends().await;
    written
}

async fn vim(backupcopy: &str) -> (bool, Desk) {
    let mut desk = two_type().await;
    let inode = desk.inode();
    for round in 1..=ROUNDS {
        let line = format!("line 10 vim {round}");
        desk.a_save().await;
        while !edit_in_vim(&desk, backupcopy, &line).await {
            desk.a_save().await;
        }
        desk.shows("what vim wrote", |text| text.contains(&line)).await;
    }
    desk.stop().await;
    (inode == desk.inode(), desk)
}

#[tokio::test(flavor = "multi_thread")]
async fn vim_that_writes_in_place() {
    let (same_file, desk) = vim("yes").await;
    assert!(same_file);
    desk.end_with(&edited("vim"), &["notes.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vim_that_renames_and_writes_anew() {
    let (_, desk) = vim("no").await;
    desk.end_with(&edited("vim"), &["notes.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vim_that_chooses_by_itself() {
    let (_, desk) = vim("auto").await;
    desk.end_with(&edited("vim"), &["notes.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nano() {
    let mut desk = two_type().await;
    let inode = desk.inode();
    for round in 1..=ROUNDS {
        loop {
            desk.a_save().await;
            // At the line, without the settings of whoever runs the tests.
            let mut nano = OnTerminal::start("nano", desk.folder(), &["-I", "+11", "notes.txt"]);
            nano.shows(&["Read 20 lines"]).await;
            // To the end of the line, cut nothing, write out under the same name.
            nano.press(&format!("\x05 nano {round}\x0f\r"));
            let written = nano.shows(&["Wrote 20 lines", "File on disk has changed"]).await == 0;
            // Exit; or do not write, and exit without saving.
            nano.press(if written { "\x18" } else { "n\x18n" });
            nano.ends().await;
            if written {
                break;
            }
        }
        desk.shows("what nano wrote", |text| text.contains(&format!(" nano {round}"))).await;
    }
    desk.stop().await;
    assert_eq!(desk.inode(), inode);
    let rest = TEXT.replace("line 10\n", "line 10 nano 1 nano 2 nano 3\n");
    desk.end_with(&rest, &["notes.txt"]).await;
}

async fn emacs(by_copying: &str) -> (bool, Desk) {
    let mut desk = two_type().await;
    let inode = desk.inode();
    for round in 1..=ROUNDS {
        let line = format!("line 10 emacs {round}");
        // It makes no backups in folders for temporary files, unless told.
        let edit = format!(
            r#"(progn (setq make-backup-files t backup-by-copying {by_copying} backup-enable-predicate (lambda (_) t))
                      (find-file "notes.txt")
                      (re-search-forward "^line 10.*$")
                      (replace-match "{line}")
                      (save-buffer))"#
        );
        loop {
            desk.a_save().await;
            let mut emacs = program("emacs", desk.folder());
            // It fails if it has to ask, because the file changed since it was read.
            if run(emacs.args(["-Q", "--batch", "--eval", &edit])).status.success() {
                break;
            }
        }
        desk.shows("what Emacs wrote", |text| text.contains(&line)).await;
    }
    desk.stop().await;
    let backup = desk.agent.read("notes.txt~");
    assert!(backup.contains("line 10 emacs 2\n"), "the backup is of before the last edit: {backup}");
    (inode == desk.inode(), desk)
}

#[tokio::test(flavor = "multi_thread")]
async fn emacs_whose_backup_is_the_old_file() {
    let (same_file, desk) = emacs("nil").await;
    assert!(!same_file, "the old file became the backup");
    desk.end_with(&edited("emacs"), &["notes.txt", "notes.txt~"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emacs_whose_backup_is_a_copy() {
    let (same_file, desk) = emacs("t").await;
    assert!(same_file);
    desk.end_with(&edited("emacs"), &["notes.txt", "notes.txt~"]).await;
}

/// nano warns, and the host saves a buffer that is older than the file. It is merged against what it was based on.
#[tokio::test(flavor = "multi_thread")]
async fn nano_saves_an_old_buffer_all_the_same() {
    let mut desk = Desk::with("notes.txt", TEXT).await;
    let inode = desk.inode();
    let mut nano = OnTerminal::start("nano", desk.folder(), &["-I", "+11", "notes.txt"]);
    nano.shows(&["Read 20 lines"]).await;
    desk.types("ann", Manner::Bursts).await;
    desk.types("bob", Manner::Bursts).await;
    desk.a_save().await;
    desk.a_save().await;
    nano.press("\x05 nano\x0f\r");
    if nano.shows(&["Wrote 20 lines", "File on disk has changed"]).await == 1 {
        // "Continue saving?" Yes.
        nano.press("y");
        nano.shows(&["Wrote 20 lines"]).await;
    }
    nano.press("\x18");
    nano.ends().await;
    desk.shows("what nano wrote", |text| text.contains("line 10 nano\n")).await;
    desk.a_save().await;
    desk.stop().await;
    assert_eq!(desk.inode(), inode);
    desk.end_with(&TEXT.replace("line 10\n", "line 10 nano\n"), &["notes.txt"]).await;
}

/// As above with vim, in each of its ways to write.
#[tokio::test(flavor = "multi_thread")]
async fn vim_writes_an_old_buffer_all_the_same() {
    for backupcopy in ["yes", "no", "auto"] {
        let mut desk = Desk::with("notes.txt", TEXT).await;
        let set = format!("set backupcopy={backupcopy}");
        let arguments = ["-Nu", "NONE", "-i", "NONE", "-c", &set, "notes.txt"];
        let mut vim = OnTerminal::start("vim", desk.folder(), &arguments);
        vim.shows(&["20L, "]).await;
        desk.types("ann", Manner::Bursts).await;
        desk.types("bob", Manner::Bursts).await;
        desk.a_save().await;
        desk.a_save().await;
        vim.press(":%s/^line 10.*/line 10 vim/\r:w!\r");
        vim.shows(&["(y/n)?"]).await;
        vim.press("y\r");
        vim.shows(&[" written"]).await;
        vim.press(":q\r");
        vim.ends().await;
        desk.shows("what vim wrote", |text| text.contains("line 10 vim\n")).await;
        desk.a_save().await;
        desk.stop().await;
        desk.end_with(&TEXT.replace("line 10\n", "line 10 vim\n"), &["notes.txt"]).await;
    }
}
