//! Checkpoints beside other programs that write the same file at the same time.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use parlor::agent::document::disk::{Checkpoint, Missing, Outside, OutsideChange, RETIRED_WATCH};
use parlor::agent::workspace::Actor;
use place::{Place, age, append, change, now, put, replace, save, saved};

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
            Checkpoint::Conflict(OutsideChange { before, after }) => {
                document.push_str(after.strip_prefix(&before).unwrap());
                conflicts += 1;
            }
            Checkpoint::Saved { outside } => {
                // Written, and what the other had just added is not lost.
                assert_eq!(fs::read_to_string(&file).unwrap(), document);
                let [OutsideChange { before, after }] = &outside[..] else { panic!("{outside:?}") };
                assert_eq!(after.strip_prefix(before.as_str()).unwrap(), format!("{line}\n"));
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
fn what_is_written_to_the_replaced_file_is_found_for_a_while() {
    let (_place, file, mut disk) = Place::with_file("a\n");
    let start = now();
    let mut shell = File::options().append(true).open(&file).unwrap();
    assert_eq!(disk.checkpoint("typed\na\n", Actor::Guest, Missing::Report, start).unwrap(), saved());
    assert!(disk.has_retired());
    shell.write_all(b"late\n").unwrap();
    assert_eq!(disk.recheck_retired(start), [change("a\n", "a\nlate\n")]);
    assert!(disk.recheck_retired(start).is_empty(), "told once");
    // Half a character is not text yet.
    shell.write_all(b"\xC3").unwrap();
    assert!(disk.recheck_retired(start).is_empty());
    shell.write_all(b"\xA9\n").unwrap();
    assert_eq!(
        disk.checkpoint("typed\na\nlate\n", Actor::Guest, Missing::Report, start).unwrap(),
        Checkpoint::Saved { outside: vec![change("a\nlate\n", "a\nlate\né\n")] }
    );
    shell.write_all(b"last\n").unwrap();
    assert_eq!(disk.recheck_retired(start + RETIRED_WATCH), [change("a\nlate\né\n", "a\nlate\né\nlast\n")]);
    assert!(!disk.has_retired());
    assert_eq!(fs::read_to_string(&file).unwrap(), "typed\na\nlate\n");
}

#[test]
fn a_checkpoint_waits_rather_than_forget_a_replaced_file_early() {
    let (place, file, mut disk) = Place::with_file("");
    let start = now();
    let mut checkpoint = |text: &str, at| disk.checkpoint(text, Actor::Guest, Missing::Report, at).unwrap();
    let mut oldest = File::options().append(true).open(&file).unwrap();
    let count = (1..).find(|number| checkpoint(&number.to_string(), start) == Checkpoint::Settling).unwrap();
    assert!((8..32).contains(&count), "{count}");
    assert_eq!(fs::read_to_string(&file).unwrap(), (count - 1).to_string());
    oldest.write_all(b"late").unwrap();
    assert_eq!(checkpoint("next", start + RETIRED_WATCH), Checkpoint::Settling);
    assert_eq!(disk.recheck_retired(start + RETIRED_WATCH), [change("", "late")]);
    assert!(!disk.has_retired());
    assert_eq!(save(&mut disk, "next").unwrap(), saved());
    assert_eq!(fs::read_to_string(&file).unwrap(), "next");
    assert_eq!(place.names(), ["file.txt"]);
}

/// The whole game, as the document's task plays it: guests type at the top, a shell appends at the end as fast as it can,
/// checkpoints run. Every line of both is there at the end, once.
#[test]
fn nothing_that_a_shell_appends_while_checkpoints_run_is_lost() {
    const RACES: usize = 12;
    let (place, file, mut disk) = Place::with_file("");
    let stop = place.root.join("../stop");
    // Thousands of lines, and as many more as it takes to have tried the race.
    let script = "i=0; while [ $i -lt 5000 ] || ! [ -e \"$1\" ]; do echo shell $i >> \"$0\" || exit; i=$((i+1)); done; echo $i";
    let mut shell =
        Command::new("sh").args(["-c", script]).args([&file, &stop]).stdout(Stdio::piped()).spawn().unwrap();
    let (mut document, mut typed) = (String::new(), 0);
    let (mut saves, mut rescued) = (0, 0);
    let mut ended = false;
    let give_up = now() + Duration::from_secs(60);
    loop {
        // Asked before the round, so that the last round sees all that the shell wrote.
        let last = ended;
        ended = shell.try_wait().unwrap().is_some();
        let tried = saves >= RACES && rescued >= RACES;
        if tried || now() > give_up {
            put(&stop, "");
        }
        if !last {
            document = format!("typed {typed}\n{document}");
            typed += 1;
        }
        let mut changes = Vec::new();
        match disk.checkpoint(&document, Actor::Guest, Missing::Report, now()).unwrap() {
            Checkpoint::Saved { outside } => {
                saves += usize::from(!ended);
                rescued += outside.len();
                changes.extend(outside);
            }
            Checkpoint::Conflict(change) => changes.push(change),
            Checkpoint::Settling => {}
            Checkpoint::Gone => panic!("it was there all the time"),
        }
        let found = disk.recheck_retired(now());
        rescued += found.len();
        changes.extend(found);
        if last && changes.is_empty() && disk.base() == document {
            break;
        }
        for OutsideChange { before, after } in changes {
            document.push_str(after.strip_prefix(&before).expect("the shell only appends"));
        }
    }
    assert!(disk.recheck_retired(now() + RETIRED_WATCH).is_empty());
    let content = fs::read_to_string(&file).unwrap();
    let (guests, shells): (Vec<_>, Vec<_>) = content.lines().partition(|line| line.starts_with("typed"));
    assert!(
        guests.iter().map(ToString::to_string).eq((0..typed).rev().map(|number| format!("typed {number}")))
    );
    let mut lines: Vec<usize> =
        shells.iter().map(|line| line.strip_prefix("shell ").unwrap().parse().unwrap()).collect();
    let mut output = String::new();
    shell.stdout.unwrap().read_to_string(&mut output).unwrap();
    let appended: usize = output.trim().parse().unwrap();
    println!(
        "{saves} checkpoints beside {appended} appended lines, {rescued} changes found in replaced files"
    );
    // A line that went to the replaced file is merged after what was found in the new one: none is missing, some swap.
    lines.sort_unstable();
    let missing: Vec<_> = (0..appended).filter(|line| lines.binary_search(line).is_err()).collect();
    let twice: Vec<_> = lines.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    assert_eq!((missing, twice), (vec![], vec![]), "each line once");
    assert_eq!(place.names(), ["file.txt"]);
    assert!(appended >= 5000 && saves >= RACES && rescued >= RACES);
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
    let mut clock = now();
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
            // Nobody writes to a replaced file here, so it need not be watched in real time.
            clock += RETIRED_WATCH;
            assert!(disk.recheck_retired(clock).is_empty());
            let outcome =
                disk.checkpoint(&format!("ours {version} {ours}\n"), Actor::Guest, Missing::Report, clock);
            match outcome.unwrap() {
                Checkpoint::Saved { outside } => {
                    let found = outside.iter().any(|change| change.after == theirs);
                    overtaken += usize::from(found);
                    seen |= found;
                }
                Checkpoint::Conflict(change) => {
                    gave_way += usize::from(change.after == theirs);
                    seen |= change.after == theirs;
                }
                Checkpoint::Settling => continue,
                Checkpoint::Gone => panic!("it was there all the time"),
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
