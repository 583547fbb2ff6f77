use proptest::prelude::*;

use super::*;
use crate::document::outside::Judgement;
use crate::document::{Document, Side, Splice, StickyPosition, diff};
use crate::id::AuthorId;

/// What a formatter that only trims makes of a text.
fn trimmed(text: &str) -> String {
    lines(text)
        .iter()
        .map(
            |line| {
                if line.ends_with('\n') {
                    format!("{}\n", line.trim_end())
                } else {
                    line.trim_end().to_owned()
                }
            },
        )
        .collect()
}

/// A document, its file, and a program that rewrites the file after every save: the agent's part in short.
struct Loop {
    text: Document,
    file: String,
    /// What the file held, and what was left out of it.
    replica: Document,
    waiting: Waiting,
    writes: usize,
}

impl Loop {
    fn new(file: &str) -> Self {
        let mut text = Document::new(AuthorId::AGENT);
        text.edit(&diff::splices("", file)).unwrap();
        let replica = copy(&text);
        Self { text, file: file.to_owned(), replica, waiting: Waiting::default(), writes: 0 }
    }

    fn ours(&self) -> String {
        self.text.text()
    }

    fn typed(&mut self, at: u32, insert: &str) {
        self.text.edit(&[Splice { at, delete: 0, insert: insert.to_owned() }]).unwrap();
    }

    /// A checkpoint, if there is something to write.
    fn save(&mut self, active: &[u32]) {
        let ours = self.ours();
        if let Some(settled) = self.waiting.settle(&ours, active) {
            self.text.edit(&settled).unwrap();
        }
        let written = self.waiting.to_write(&self.ours(), active);
        if written != self.file {
            self.writes += 1;
            self.replica = copy(&self.text);
        }
        self.file = written;
    }

    /// Another program changes the file.
    fn outside(&mut self, program: impl Fn(&str) -> String, active: &[u32]) {
        let found = program(&self.file);
        if found == self.file {
            return;
        }
        let last = self.replica.text();
        let meant = Judgement::Edit.meant(&self.file, &last, &found);
        let Taken { splices, waiting } = take(&last, &meant, &self.ours(), active);
        if let Some(update) = self.replica.edit(&splices).unwrap() {
            self.text.apply([update.as_slice()]).unwrap();
        }
        self.file = found;
        self.waiting.add(waiting, &self.ours());
    }
}

fn copy(text: &Document) -> Document {
    let mut copy = Document::new(AuthorId::DISK);
    copy.apply([text.missing_from(&[]).unwrap().as_slice()]).unwrap();
    copy
}

#[test]
fn words_typed_one_by_one_keep_their_blanks_while_a_formatter_trims() {
    let mut text = Loop::new("title\n\n");
    let mut at = 6;
    for letter in "the quick brown fox ".chars() {
        text.typed(at, &letter.to_string());
        at += 1;
        let active = [at];
        text.save(&active);
        text.outside(trimmed, &active);
        assert!(!text.file.contains(" \n"), "{:?}", text.file);
    }
    assert_eq!(text.ours(), "title\nthe quick brown fox \n");
    text.save(&[]);
    text.outside(trimmed, &[]);
    assert_eq!(
        (text.ours().as_str(), text.file.as_str()),
        ("title\nthe quick brown fox\n", "title\nthe quick brown fox\n")
    );
}

#[test]
fn what_differs_from_the_file_only_by_what_waits_is_not_unsaved() {
    let mut text = Loop::new("word\n");
    text.typed(4, " ");
    text.save(&[5]);
    text.outside(trimmed, &[5]);
    assert_eq!((text.writes, text.ours().as_str(), text.file.as_str()), (1, "word \n", "word\n"));
    for _ in 0..3 {
        text.save(&[5]);
        text.outside(trimmed, &[5]);
    }
    assert_eq!(text.writes, 1, "the file is not written again and again");
    // Half a minute later.
    text.save(&[]);
    assert_eq!((text.writes, text.ours().as_str()), (1, "word\n"));
}

#[test]
fn blanks_are_written_as_they_are_where_no_program_trims() {
    let mut text = Loop::new("word\n");
    text.typed(4, "  ");
    text.save(&[6]);
    assert_eq!(text.file, "word  \n");
}

#[test]
fn two_who_type_on_two_lines_both_keep_their_blanks_and_other_lines_are_trimmed_at_once() {
    let mut text = Loop::new("one\ntwo\nthree\n");
    text.typed(3, " ");
    text.typed(8, " ");
    text.typed(15, "  ");
    let active = [4, 9];
    text.save(&active);
    assert_eq!(text.file, "one \ntwo \nthree  \n");
    text.outside(trimmed, &active);
    assert_eq!((text.ours().as_str(), text.file.as_str()), ("one \ntwo \nthree\n", "one\ntwo\nthree\n"));
    // The first goes on, the second went away.
    text.typed(4, "more");
    text.save(&[8]);
    assert_eq!(
        (text.ours().as_str(), text.file.as_str()),
        ("one more\ntwo\nthree\n", "one more\ntwo\nthree\n")
    );
}

#[test]
fn a_new_line_of_python_keeps_its_indentation() {
    let mut text = Loop::new("def f():\n    return 1\n");
    text.typed(8, "\n    ");
    let active = [13];
    text.save(&active);
    text.outside(trimmed, &active);
    assert_eq!(
        (text.ours().as_str(), text.file.as_str()),
        ("def f():\n    \n    return 1\n", "def f():\n\n    return 1\n")
    );
    text.typed(13, "x = 1");
    text.save(&[18]);
    text.outside(trimmed, &[18]);
    assert_eq!(text.ours(), "def f():\n    x = 1\n    return 1\n");
    assert_eq!(text.file, text.ours());
}

#[test]
fn a_formatter_that_takes_blank_lines_out_leaves_the_one_that_is_typed_into() {
    let collapse = |text: &str| {
        let mut text = trimmed(text);
        while text.contains("\n\n\n") {
            text = text.replace("\n\n\n", "\n\n");
        }
        text
    };
    let mut text = Loop::new("one\n\ntwo\n");
    text.typed(4, "\n    ");
    let active = [9];
    text.save(&active);
    text.outside(collapse, &active);
    assert_eq!(text.ours(), "one\n\n    \ntwo\n");
    text.save(&active);
    assert_eq!(text.file, "one\n\ntwo\n");
    text.typed(9, "x");
    text.save(&[10]);
    assert_eq!((text.ours().as_str(), text.file.as_str()), ("one\n\n    x\ntwo\n", "one\n\n    x\ntwo\n"));
}

#[test]
fn a_formatter_that_indents_the_active_line_waits_and_changes_elsewhere_do_not() {
    let program = |text: &str| {
        let text = text.replace("\n  y", "\n    y").replace("x=1", "x = 1");
        if text.starts_with("# formatted\n") { text } else { format!("# formatted\n{text}") }
    };
    let mut text = Loop::new("x=1\n  y = 2\n");
    text.typed(11, "3");
    text.save(&[12]);
    text.outside(program, &[12]);
    assert_eq!(text.ours(), "# formatted\nx = 1\n  y = 23\n");
    // Typing goes on: the file is written in the formatter's indentation, so that it does not do it again.
    text.typed(26, "4");
    text.save(&[27]);
    assert_eq!(text.file, "# formatted\nx = 1\n    y = 234\n");
    text.outside(program, &[27]);
    assert_eq!(text.ours(), "# formatted\nx = 1\n  y = 234\n");
    text.save(&[]);
    assert_eq!(text.ours(), "# formatted\nx = 1\n    y = 234\n");
    assert_eq!(text.file, text.ours());
}

#[test]
fn more_than_white_space_does_not_wait() {
    let taken = take("one \n", "ONE\n", "one \n", &[4]);
    assert_eq!(taken, Taken { splices: diff::splices("one \n", "ONE\n"), waiting: Waiting::default() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Several people type, each in lines of their own, while a program trims, indents or collapses after every save.
    #[test]
    fn nothing_that_is_typed_is_lost_and_after_quiet_the_text_is_the_formatters(
        steps in proptest::collection::vec((0usize..3, "[a-c] |[a-c]|  |\n  ", any::<bool>(), any::<bool>()), 1..60),
        program in 0usize..3,
    ) {
        let format = |text: &str| match program {
            0 => trimmed(text),
            1 => lines(text).iter().map(|line| format!("{}\n", line.trim())).collect::<String>(),
            _ => {
                let mut text = trimmed(text);
                while text.contains("\n\n\n") {
                    text = text.replace("\n\n\n", "\n\n");
                }
                text
            }
        };
        let mut text = Loop::new("1:\n2:\n3:\n");
        let mut carets: Vec<StickyPosition> = [2, 5, 8].map(|at| text.text.sticky(at, Side::Before)).into();
        let mut typed = vec![String::new(); 3];
        let active = |text: &Loop, carets: &[StickyPosition]| -> Vec<u32> {
            carets.iter().filter_map(|caret| text.text.resolve(caret)).collect()
        };
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (who, what, saves, formats) in steps {
            let at = text.text.resolve(&carets[who]).unwrap();
            text.typed(at, &what);
            carets[who] = text.text.sticky(at + what.len() as u32, Side::Before);
            typed[who].push_str(&what);
            if saves {
                text.save(&active(&text, &carets));
            }
            if formats {
                text.outside(format, &active(&text, &carets));
            }
            let ours = text.ours();
            for (number, typed) in typed.iter().enumerate() {
                let begin = ours.find(&format!("{}:", number + 1)).unwrap() + 2;
                let end = text.text.resolve(&carets[number]).unwrap() as usize;
                prop_assert_eq!(words(&ours[begin..end]), words(typed), "{:?}", ours);
                // What one just typed is there as it was typed, blanks and all. A program that takes blank lines away may take
                // one that was just typed beside others: which of them it took, nobody can tell.
                let is_blank_line = program == 2 && what.trim().is_empty();
                if number == who && !is_blank_line {
                    prop_assert!(ours[..end].ends_with(&what), "{:?} after {:?}", ours, what);
                }
            }
        }
        for _ in 0..2 {
            text.save(&[]);
            text.outside(format, &[]);
        }
        text.save(&[]);
        prop_assert_eq!(&text.ours(), &text.file);
        prop_assert_eq!(&text.ours(), &format(&text.ours()));
    }
}
