//! Checkpoints beside other programs that write the same file at the same time.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use parlor::agent::document::disk::{Checkpoint, Outside, OutsideChange};
use place::{Place, age, append, change, put, replace, save, saved};

#[path = "workspace_saving/place.rs"]
mod place;

#[test]
fn a_checkpoint_gives_way_to_what_it_does_not_know() {
    let (place, file, mut disk) = Place::with_file("a\n");
    append(&file, "outside\n");
    assert_eq!(save(&mut disk, "typed\na\n").unwrap(), Checkpoint::Conflict(change("a\n", "a\noutside\n")));
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\noutside\n");
    assert_eq!(save(&mut disk, "typed\na\noutside\n").unwrap(), saved());
    replace(&file, "typed\na\noutside\nmore\n");
    assert_eq!(
        save(&mut disk, "typed\na\noutside\n").unwrap(),
        Checkpoint::Conflict(change("typed\na\noutside\n", "typed\na\noutside\nmore\n")),
        "also if there is nothing new to write"
    );
    assert_eq!(place.names(), ["file.txt"]);
}

#[test]
fn a_writer_without_pause_does_not_keep_a_file_from_being_saved() {
    let (_place, file, mut disk) = Place::with_file("");
    let (mut document, mut conflicts) = (String::new(), 0);
    for line in 0.. {
        append(&file, &format!("{line}\n"));
        document.insert_str(0, "typed\n");
        match save(&mut disk, &document).unwrap() {
            Checkpoint::Conflict(OutsideChange { before, after, .. }) => {
                document.push_str(after.strip_prefix(&before).unwrap());
                conflicts += 1;
            }
            Checkpoint::Saved { outside } => {
                // Written, and what the other had just added stands behind it.
                let OutsideChange { before, after, .. } = outside.unwrap();
                assert_eq!(before, document);
                assert_eq!(after.strip_prefix(before.as_str()).unwrap(), format!("{line}\n"));
                assert_eq!(fs::read_to_string(&file).unwrap(), after);
                assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(conflicts, 3);
}

#[test]
fn a_file_that_is_being_written_is_waited_for() {
    let (_place, file, mut disk) = Place::with_file("a long text\nof two lines\n");
    put(&file, "");
    assert_eq!(disk.changed_outside().unwrap(), Outside::Settling);
    put(&file, b"a long \xC3");
    assert_eq!(save(&mut disk, "typed").unwrap(), Checkpoint::Settling);
    put(&file, "a long text\nof two lines\nand more\n");
    let after = "a long text\nof two lines\nand more\n";
    assert_eq!(
        disk.changed_outside().unwrap(),
        Outside::Changed(change("a long text\nof two lines\n", after))
    );
    // What stays short is what was meant.
    put(&file, "short");
    age(&file);
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change(after, "short")));
    // And so is what keeps being rewritten.
    let mut settling = 0;
    loop {
        put(&file, "s");
        match disk.changed_outside().unwrap() {
            Outside::Settling => settling += 1,
            taken => break assert_eq!(taken, Outside::Changed(change("short", "s"))),
        }
    }
    assert!((1..=10).contains(&settling), "{settling}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a pause of the other program tells nobody when it is long enough"
)]
fn a_program_that_holds_the_file_goes_on_writing_to_it() {
    let (_place, file, mut disk) = Place::with_file("a\n");
    let mut shell = File::options().append(true).open(&file).unwrap();
    assert_eq!(save(&mut disk, "typed\na\n").unwrap(), saved());
    shell.write_all(b"late\n").unwrap();
    assert_eq!(disk.changed_outside().unwrap(), Outside::Changed(change("typed\na\n", "typed\na\nlate\n")));
    // Made shorter in a pause: no system cuts a file only if nobody appended to it just now.
    while save(&mut disk, "a\n").unwrap() == Checkpoint::Settling {
        thread::sleep(Duration::from_millis(10));
    }
    shell.write_all(b"last\n").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "a\nlast\n");
}

/// A program that ends with the test, also if that fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// The whole game, as the document's task plays it: guests type at the top, a shell that holds the file
/// appends at the end as fast as it can, checkpoints run. Every line of both is there at the end, once.
#[test]
fn nothing_that_a_shell_appends_while_checkpoints_run_is_lost() {
    const SAVES: usize = 100;
    let (place, file, mut disk) = Place::with_file("");
    let stop = place.root.join("../stop");
    // Thousands of lines, and as many more as it takes to have tried the race.
    let script = "exec 3>>\"$0\"; i=0; while [ $i -lt 5000 ] || ! [ -e \"$1\" ]; do echo shell $i >&3 || exit; i=$((i+1)); [ $((i % 40)) != 0 ] || sleep 0.005; done; echo $i";
    let shell =
        Command::new("sh").args(["-c", script]).args([&file, &stop]).stdout(Stdio::piped()).spawn().unwrap();
    let mut shell = Ended(shell);
    let (mut document, mut typed) = (String::new(), 0);
    let (mut saves, mut kept, mut overtaken) = (0, 0, 0);
    let mut ended = false;
    loop {
        // Asked before the round, so that the last round sees all that the shell wrote.
        let last = ended;
        ended = shell.0.try_wait().unwrap().is_some();
        if saves >= SAVES {
            put(&stop, "");
        }
        if !last {
            document = format!("typed {typed}\n{document}");
            typed += 1;
        }
        let merge = |document: &mut String, OutsideChange { before, after, .. }: OutsideChange| {
            let appended = after.strip_prefix(&before);
            let appended = appended.unwrap_or_else(|| {
                let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
                let around =
                    |text: &str| text[same.saturating_sub(60)..(same + 90).min(text.len())].to_owned();
                panic!(
                    "the shell only appends, {} to {}: {:?} became {:?}",
                    before.len(),
                    after.len(),
                    around(&before),
                    around(&after)
                )
            });
            document.push_str(appended);
        };
        match save(&mut disk, &document).unwrap() {
            Checkpoint::Saved { outside } => {
                saves += usize::from(!ended);
                kept += usize::from(outside.is_some());
                if let Some(change) = outside {
                    merge(&mut document, change);
                }
            }
            Checkpoint::Conflict(change) => merge(&mut document, change),
            Checkpoint::Overtaken => {
                overtaken += 1;
                match disk.changed_outside().unwrap() {
                    Outside::Changed(change) => merge(&mut document, change),
                    Outside::Same | Outside::Settling => {}
                    other => panic!("{other:?}"),
                }
            }
            Checkpoint::Settling => {}
            other => panic!("{other:?}"),
        }
        if last && disk.base() == document && disk.changed_outside().unwrap() == Outside::Same {
            break;
        }
    }
    let content = fs::read_to_string(&file).unwrap();
    let (guests, shells): (Vec<_>, Vec<_>) = content.lines().partition(|line| line.starts_with("typed"));
    assert!(
        guests.iter().map(ToString::to_string).eq((0..typed).rev().map(|number| format!("typed {number}")))
    );
    let lines: Vec<usize> =
        shells.iter().map(|line| line.strip_prefix("shell ").unwrap().parse().unwrap()).collect();
    let mut output = String::new();
    shell.0.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    let appended: usize = output.trim().parse().unwrap();
    println!("{saves} checkpoints beside {appended} appended lines, {kept} kept, {overtaken} overtaken");
    let wrong: Vec<_> = lines.windows(2).filter(|pair| pair[0] + 1 != pair[1]).collect();
    assert!(lines.iter().copied().eq(0..appended), "each line once, in its order: {wrong:?}");
    assert_eq!(place.names(), ["file.txt"]);
    assert!(appended >= 5000 && saves >= SAVES);
}

/// An editor that saves by renaming: its version is never overwritten unseen.
#[test]
fn nothing_that_an_editor_saves_while_checkpoints_run_is_lost() {
    const VERSIONS: usize = 400;
    let (place, file, mut disk) = Place::with_file("start\n");
    let (write, versions) = mpsc::sync_channel::<String>(0);
    let (wrote, written) = mpsc::sync_channel::<()>(1);
    let editor_file = file.clone();
    let editor = thread::spawn(move || {
        for version in versions {
            replace(&editor_file, &version);
            wrote.send(()).unwrap();
        }
    });
    let (mut overtaken, mut gave_way) = (0, 0);
    for version in 0..VERSIONS {
        let theirs = format!("version {version}\n");
        write.send(theirs.clone()).unwrap();
        // Checkpoints as fast as possible until the other is done, then one look.
        let mut seen = false;
        let mut ours = 0;
        let mut done = false;
        while !(done && seen) {
            let last = done;
            done |= written.try_recv().is_ok();
            ours += 1;
            match save(&mut disk, &format!("ours {version} {ours}\n")).unwrap() {
                Checkpoint::Saved { outside } => assert_eq!(outside, None),
                Checkpoint::Overtaken => {
                    let found = disk.changed_outside().unwrap();
                    let found = matches!(found, Outside::Changed(change) if change.after == theirs);
                    overtaken += usize::from(found);
                    seen |= found;
                }
                Checkpoint::Conflict(change) => {
                    gave_way += usize::from(change.after == theirs);
                    seen |= change.after == theirs;
                }
                Checkpoint::Settling => continue,
                other => panic!("{other:?}"),
            }
            assert!(seen || !last, "version {version} was overwritten unseen");
        }
    }
    drop(write);
    editor.join().unwrap();
    println!("gave way to {gave_way} versions, took {overtaken} from under the checkpoint");
    assert_eq!(place.names(), ["file.txt"]);
    assert!(gave_way > 10, "{gave_way}");
}
