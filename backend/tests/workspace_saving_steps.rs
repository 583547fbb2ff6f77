//! Saves that are disturbed at each of their steps: by the end of the program, by the disk, and by other programs.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]
#![cfg(unix)]

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use parlor::agent::document::disk::{
    Checkpoint, DiskFile, Intent, Missing, Outside, Remains, Save, Unfinished, Wish,
};
use parlor::agent::document::encoding::{self, Format};
use parlor::agent::workspace::{Actor, WorkspaceError};
use parlor::agent::{SaveStep, on_save_steps};
use place::{Place, age, append, path, put, replace, save, saved};

#[path = "workspace_saving/place.rs"]
mod place;

/// Texts of before and after: longer, shorter, as long, at the beginning, in the middle, at the end, from and to nothing.
fn pairs() -> Vec<(String, String)> {
    let long: String =
        (0..400).map(|line| format!("line {line} of a text that takes several blocks\n")).collect();
    let inserted = long.replacen("line 7 ", "line 7, and typed ", 1);
    let other: String = long.replace("several", "SEVERAL");
    let mut pairs = vec![
        ("one three\n".to_owned(), "one two three\n".to_owned()),
        ("a\n".to_owned(), "a\nb\n".to_owned()),
        (String::new(), "typed\n".to_owned()),
        ("same size\n".to_owned(), "came sizes".to_owned()),
        (long.clone(), inserted),
        (long.clone(), format!("{long}{long}")),
        (long, other),
    ];
    let back: Vec<_> = pairs.iter().map(|(one, other)| (other.clone(), one.clone())).collect();
    pairs.extend(back);
    pairs
}

/// What happens at a step.
type Disturbance = Rc<dyn Fn(&Path, &parlor::agent::SavePoint<'_>) -> io::Result<()>>;

/// Disturbs the save at its `at`th step, counted from 0, and at as many behind it as `times` says. Says how many steps there were.
fn disturbed<T>(
    file: &Path,
    at: usize,
    times: usize,
    disturbance: &Disturbance,
    save: impl FnOnce() -> T,
) -> (usize, T) {
    let count = Rc::new(Cell::new(0));
    let (counted, disturb, file) = (Rc::clone(&count), Rc::clone(disturbance), file.to_owned());
    on_save_steps(Some(Box::new(move |point| {
        let number = counted.replace(counted.get() + 1);
        if (at..at.saturating_add(times)).contains(&number) { disturb(&file, point) } else { Ok(()) }
    })));
    let done = save();
    on_save_steps(None);
    (count.get(), done)
}

struct Killed;

/// Ends the program there. Of what was about to be written every so many blocks came to the disk.
fn kill(every: Option<usize>) -> Disturbance {
    Rc::new(move |file, point| {
        if let (Some(every), Some((_, at, bytes))) = (every, point.write) {
            use std::os::unix::fs::FileExt as _;
            let file = fs::OpenOptions::new().write(true).open(file).unwrap();
            let at = if point.step == SaveStep::Append { file.metadata().unwrap().len() } else { at };
            for (block, bytes) in bytes.chunks(512).enumerate().filter(|(block, _)| block % every == 0) {
                file.write_all_at(bytes, at + block as u64 * 512).unwrap();
            }
        }
        resume_unwind(Box::new(Killed))
    })
}

/// A file that is about to be saved, and the last intent that was announced.
struct Trial {
    place: Place,
    file: PathBuf,
    disk: DiskFile,
    intent: Rc<RefCell<Option<Intent>>>,
}

impl Trial {
    fn new(before: &str) -> Self {
        let (place, file, disk) = Place::with_file(before);
        Self { place, file, disk, intent: Rc::default() }
    }

    fn save(&mut self, text: &str) -> Result<Checkpoint, WorkspaceError> {
        let intent = Rc::clone(&self.intent);
        let save = Save { text, author: Actor::Guest, missing: Missing::Report, wish: Wish::Clock };
        self.disk.checkpoint(save, &mut |announced| {
            intent.replace(Some(announced.clone()));
            Ok(())
        })
    }

    /// What the next program makes of it, with the texts that a journal has.
    fn after_restart(&self, before: &str, after: &str) -> DiskFile {
        let bytes = |text: &str| encoding::encode(text, &Format::NEW).unwrap();
        let unfinished = self.intent.borrow().as_ref().map(|intent| Unfinished {
            remains: Remains::of(intent, bytes(before), bytes(after)).expect("the journal can rebuild both"),
            text: after.to_owned(),
            format: Format::NEW,
        });
        DiskFile::restored(
            &self.place.workspace,
            &path("file.txt"),
            before.to_owned(),
            Format::NEW,
            unfinished,
        )
    }

    fn content(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }
}

#[test]
fn a_program_that_ends_at_any_step_leaves_the_old_text_or_the_new_one_to_the_next() {
    for (before, after) in pairs() {
        for every in [None, Some(1), Some(2), Some(3)] {
            let mut at = 0;
            loop {
                let mut trial = Trial::new(&before);
                let file = trial.file.clone();
                let save = AssertUnwindSafe(|| trial.save(&after));
                let (steps, ended) = disturbed(&file, at, 1, &kill(every), || catch_unwind(save));
                if ended.is_ok() {
                    assert!(at >= steps, "a killed program says nothing");
                    break;
                }
                let mut disk = trial.after_restart(&before, &after);
                match disk.changed_outside().unwrap() {
                    Outside::Same => assert_eq!(trial.content(), before, "step {at}"),
                    Outside::Finished => assert_eq!(trial.content(), after, "step {at}"),
                    other => panic!(
                        "step {at} {every:?}: {other:?}, {:?} from {before:?} to {after:?}",
                        trial.content()
                    ),
                }
                assert_eq!(disk.base(), trial.content());
                assert_eq!(disk.changed_outside().unwrap(), Outside::Same);
                assert_eq!(trial.place.names(), ["file.txt"]);
                at += 1;
            }
            assert!(at > 5, "it has steps");
        }
    }
}

#[test]
fn what_the_disk_refuses_at_any_step_is_taken_back_or_completed() {
    for (before, after) in pairs() {
        for error in [rustix::io::Errno::IO, rustix::io::Errno::NOSPC] {
            // A disk that refuses once, and one that goes on refusing.
            for times in [1, usize::MAX] {
                for at in 0.. {
                    let mut trial = Trial::new(&before);
                    let file = trial.file.clone();
                    let refuse: Disturbance = Rc::new(move |_, _| Err(error.into()));
                    let (steps, ended) = disturbed(&file, at, times, &refuse, || trial.save(&after));
                    if at >= steps {
                        break;
                    }
                    match ended {
                        // Another way was found.
                        Ok(ended) => assert_eq!((ended, trial.content()), (saved(), after.clone())),
                        Err(WorkspaceError::HalfWritten(_)) => assert!(trial.disk.is_unfinished()),
                        Err(_) => assert_eq!(trial.content(), before, "step {at}"),
                    }
                    // Then the disk is well again.
                    while trial.save(&after).unwrap() != saved() {}
                    assert_eq!(trial.content(), after, "step {at}");
                    assert_eq!(trial.disk.changed_outside().unwrap(), Outside::Same);
                }
            }
        }
    }
}

/// Saves and merges, as a document does, until the file has all of it. Gives the text.
#[expect(
    clippy::disallowed_methods,
    reason = "a pause of the other program tells nobody when it is long enough"
)]
fn until_saved(disk: &mut DiskFile, mut text: String) -> String {
    let mut seen = Vec::new();
    for _ in 0..200 {
        let change = match save(disk, &text).unwrap() {
            Checkpoint::Saved { outside: None } => return text,
            Checkpoint::Saved { outside } => outside,
            Checkpoint::Conflict(change) => Some(change),
            Checkpoint::Overtaken => match disk.changed_outside().unwrap() {
                Outside::Changed(change) => Some(change),
                _ => None,
            },
            _ => None,
        };
        if let Some(change) = change {
            text = parlor_shared::document::diff::merge(&change.before, &text, &change.after);
        }
        seen.push(disk.base().to_owned());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    seen.dedup();
    panic!("never saved: {text:?} beside {seen:?}");
}

/// Another program does this at each step in turn. Gives what the file and the document hold at the end.
fn beside(before: &str, after: &str, disturbance: &Disturbance, check: impl Fn(usize, &str)) {
    for at in 0.. {
        let mut trial = Trial::new(before);
        age(&trial.file);
        let file = trial.file.clone();
        let (steps, text) =
            disturbed(&file, at, 1, disturbance, || until_saved(&mut trial.disk, after.to_owned()));
        if at >= steps {
            break;
        }
        // What came after the last look.
        let text = until_saved(&mut trial.disk, text);
        assert_eq!(trial.content(), text, "step {at}");
        assert!(!text.contains('\0'), "step {at}: {text:?}");
        check(at, &text);
    }
}

#[test]
fn what_another_program_appends_at_any_step_is_kept_once() {
    let shell: Disturbance = Rc::new(|file, _| {
        append(file, "appended\n");
        Ok(())
    });
    for (before, after) in pairs().into_iter().filter(|(_, after)| after.ends_with('\n') || after.is_empty())
    {
        beside(&before, &after, &shell, |at, text| {
            assert_eq!(text.matches("appended\n").count(), 1, "step {at}: {text:?}");
            assert_eq!(text.replace("appended\n", ""), after, "step {at}");
        });
    }
}

#[test]
fn a_file_that_is_emptied_at_any_step_has_no_zeros_and_takes_the_next_log() {
    // As logrotate does with `copytruncate`: the program that writes the log goes on a moment later.
    let logrotate: Disturbance = Rc::new(|file, _| {
        put(file, "");
        Ok(())
    });
    for (before, after) in pairs() {
        for at in 0.. {
            let mut trial = Trial::new(&before);
            age(&trial.file);
            let file = trial.file.clone();
            let (steps, _) = disturbed(&file, at, 1, &logrotate, || trial.save(&after).unwrap());
            if at >= steps {
                break;
            }
            append(&file, "#=%=#\n");
            let text = until_saved(&mut trial.disk, after.clone());
            assert_eq!(trial.content(), text, "step {at}");
            // What was typed may stand in the midst of it: they have nothing to do with each other.
            let mut rest = text.chars();
            let is_there = "#=%=#".chars().all(|wanted| rest.any(|found| found == wanted));
            assert!(!text.contains('\0') && is_there, "step {at}: {text:?}");
        }
    }
}

#[test]
fn a_file_that_is_replaced_at_any_step_is_merged_and_never_written_over() {
    let editor: Disturbance = Rc::new(|file, _| {
        let text = fs::read_to_string(file).unwrap();
        replace(file, &format!("FROM THE EDITOR\n{text}"));
        Ok(())
    });
    for (before, after) in pairs().into_iter().filter(|(before, _)| before.len() < 100) {
        beside(&before, &after, &editor, |at, text| {
            assert_eq!(text.matches("FROM THE EDITOR\n").count(), 1, "step {at}: {text:?}");
        });
    }
}
