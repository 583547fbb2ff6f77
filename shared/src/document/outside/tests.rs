use proptest::prelude::*;

use super::*;

const PROGRAM: &str = "import os\n\n\ndef greet(name):\n    return 'hello ' + name\n\n\ndef main():\n    print(greet('world'))\n\n\nif __name__ == '__main__':\n    main()\n";

/// A file that held these texts, one after the other.
fn held(texts: &[&str]) -> RecentTexts {
    let mut recent = RecentTexts::default();
    texts.iter().for_each(|text| recent.push(text));
    recent
}

/// What is made of a text that was found, and the text after it was merged.
fn taken(texts: &[&str], found: &str) -> (Judgement, String) {
    let base = texts.last().unwrap();
    let judgement = judge(base, found, &held(texts));
    let meant = judgement.meant(base, base, found);
    (judgement, meant)
}

fn stale(text: &str) -> Judgement {
    Judgement::Stale(text.to_owned())
}

#[test]
fn nano_saves_an_older_buffer_with_a_line_more_and_the_guests_lines_stay() {
    let typed = PROGRAM.replace("def main", "def shout(name):\n    return greet(name).upper()\n\n\ndef main");
    let half = PROGRAM.replace("def main", "def shout(na\n\n\ndef main");
    let saved = format!("{PROGRAM}# from nano\n");
    let (judgement, meant) = taken(&[PROGRAM, &half, &typed], &saved);
    assert_eq!(judgement, stale(PROGRAM));
    assert_eq!(meant, format!("{typed}# from nano\n"));
}

#[test]
fn cat_of_an_older_buffer_keeps_what_was_typed_since_even_if_it_is_short() {
    let (judgement, meant) = taken(&["one\ntwo\n", "one\ntwo\nguest\n"], "one\nTWO\n");
    assert_eq!(judgement, stale("one\ntwo\n"));
    assert_eq!(meant, "one\nTWO\nguest\n");
}

#[test]
fn a_long_stale_edit_is_told_by_several_places_that_it_takes_back() {
    let typed = PROGRAM.replace("'hello '", "'good morning '").replace("'world'", "'everybody'");
    let more: String = (0..40).map(|line| format!("# line {line} was written in an old buffer\n")).collect();
    let (judgement, meant) = taken(&[PROGRAM, &typed], &format!("{PROGRAM}{more}"));
    assert_eq!(judgement, stale(PROGRAM));
    assert_eq!(meant, format!("{typed}{more}"));
}

#[test]
fn an_editor_that_adds_a_final_newline_to_a_stale_buffer_takes_nothing_back() {
    let older = PROGRAM.trim_end();
    let typed = older.replace("import os", "import os\nimport sys");
    let (judgement, meant) = taken(&[older, &typed], PROGRAM);
    assert_eq!(judgement, stale(older));
    assert_eq!(meant, format!("{typed}\n"));
}

#[test]
fn a_text_that_the_file_held_before_is_a_revert() {
    let typed = format!("{PROGRAM}print('guest')\n");
    let (judgement, meant) = taken(&[PROGRAM, &typed], PROGRAM);
    assert_eq!((judgement, meant.as_str()), (Judgement::Revert, PROGRAM));
    // `git stash`, then `git stash pop`.
    let (judgement, meant) = taken(&[PROGRAM, &typed, PROGRAM], &typed);
    assert_eq!((judgement, meant), (Judgement::Revert, typed));
}

#[test]
fn a_formatter_that_rewrites_the_newest_text_is_no_stale_save() {
    let typed = PROGRAM.replace("    main()", "    x = {  'a':1 , 'b':[1,2,3] };\n    main( )\n\n\n");
    let formatted = typed
        .replace('\'', "\"")
        .replace("{  \"a\":1 , \"b\":[1,2,3] };", "{\"a\": 1, \"b\": [1, 2, 3]}")
        .replace("main( )\n\n\n", "main()");
    let (judgement, meant) = taken(&[PROGRAM, &typed], &formatted);
    assert_eq!((judgement, meant), (Judgement::Edit, formatted));
}

#[test]
fn a_formatter_that_takes_out_blanks_or_a_semicolon_just_typed_is_no_stale_save() {
    let two = format!("{PROGRAM}x =  1\n");
    for typed in ["    main()  \n", "    main();\n", "    main()\n\n\n\n"] {
        let typed = two.replace("    main()\n", typed);
        let formatted = two.replace("x =  1", "x = 1");
        assert_eq!(taken(&[&two, &typed], &formatted), (Judgement::Edit, formatted), "{typed}");
    }
}

#[test]
fn a_person_who_changes_the_line_just_typed_is_no_stale_editor() {
    let typed = format!("{PROGRAM}total = sum(values)\n");
    for found in [
        format!("{PROGRAM}total = sum(values, start=1)\n"),
        format!("{PROGRAM}total = max(values)\n"),
        format!("{PROGRAM}# total = sum(values)\n"),
    ] {
        assert_eq!(taken(&[PROGRAM, &typed], &found), (Judgement::Edit, found.clone()), "{found}");
    }
}

#[test]
fn a_long_rewrite_in_the_place_of_a_short_line_is_no_stale_save_and_a_short_one_keeps_both() {
    let typed = format!("{PROGRAM}total = sum(values)\n");
    let rewrite: String =
        (0..5).map(|line| format!("for number_{line} in everything: print(number_{line})\n")).collect();
    let rewritten = format!("{PROGRAM}{rewrite}");
    assert_eq!(taken(&[PROGRAM, &typed], &rewritten), (Judgement::Edit, rewritten));
    // Nobody can tell that from an old buffer that got a line: nothing is lost, and deleting it again is a revert.
    let replaced = format!("{PROGRAM}log.write('done')\n");
    let (judgement, meant) = taken(&[PROGRAM, &typed], &replaced);
    assert_eq!(
        (judgement, meant.clone()),
        (stale(PROGRAM), format!("{PROGRAM}log.write('done')\ntotal = sum(values)\n"))
    );
    assert_eq!(taken(&[PROGRAM, &typed, &replaced, &meant], &replaced), (Judgement::Revert, replaced));
}

#[test]
fn a_program_that_appends_is_never_stale_even_if_the_file_held_that_line_before() {
    let (judgement, meant) =
        taken(&["tick one\ntick two\n", "tick one\n"], "tick one\ntick two\ntick three\n");
    assert_eq!((judgement, meant.as_str()), (Judgement::Edit, "tick one\ntick two\ntick three\n"));
}

#[test]
fn of_the_texts_of_an_hour_of_typing_the_one_that_was_loaded_is_found() {
    let mut texts = vec![PROGRAM.to_owned()];
    for (number, letter) in "result = compute(everything, again and again)\n".repeat(10).chars().enumerate() {
        let mut text = texts.last().unwrap().clone();
        text.insert(PROGRAM.find("if __name__").unwrap() + number, letter);
        texts.push(text);
    }
    let names: Vec<&str> = texts.iter().map(String::as_str).collect();
    for loaded in [0, 20, 100, 300] {
        let found = format!("{}# from an old buffer\n", texts[loaded].replace("hello", "good day"));
        let (judgement, meant) = taken(&names, &found);
        let Judgement::Stale(older) = judgement else { panic!("{loaded}: {judgement:?}") };
        assert_eq!(older, texts[loaded], "{loaded}");
        assert_eq!(
            meant,
            format!("{}# from an old buffer\n", names.last().unwrap().replace("hello", "good day"))
        );
    }
}

#[test]
fn what_was_left_out_when_the_file_was_written_is_not_deleted_by_the_next_program() {
    let judgement = judge("one\ntwo\n", "one\ntwo\nthree\n", &held(&["one\ntwo\n"]));
    assert_eq!(judgement.meant("one\ntwo\n", "one \ntwo\n", "one\ntwo\nthree\n"), "one \ntwo\nthree\n");
}

#[test]
fn a_long_file_is_judged_in_time() {
    let older: String =
        (0..100_000).map(|line| format!("line {line} of a long file, like any other\n")).collect();
    let typed = older.replace("line 50000 ", "a guest typed this into line 50000 ");
    let found = format!("{older}appended in an old buffer\n");
    let (judgement, meant) = taken(&[&older, &typed], &found);
    assert!(judgement == stale(&older), "what was typed is kept");
    assert!(meant == format!("{typed}appended in an old buffer\n"));
}

/// A line of a program, each another one.
fn line(number: usize) -> String {
    format!(
        "    let {}_{number} = {};\n",
        ["alpha", "beta", "gamma", "delta"][number % 4],
        number * 7919 % 1000
    )
}

proptest! {
    /// Whatever is changed of the newest text, as long as most of what is new in it stays.
    #[test]
    fn an_edit_of_the_newest_text_is_never_taken_for_stale(
        typed in proptest::collection::vec((0usize..30, 0usize..1000), 2..12),
        edits in proptest::collection::vec((0usize..40, 0usize..3, 0usize..1000), 1..4),
    ) {
        let mut lines: Vec<String> = (0..30).map(line).collect();
        let mut texts = vec![lines.concat()];
        for (at, number) in &typed {
            lines.insert(*at, format!("    let guest_{number} = typed_{at}();\n"));
            texts.push(lines.concat());
        }
        let mut found = lines.clone();
        for (at, kind, number) in &edits {
            let at = at % found.len();
            match kind {
                0 => found.insert(at, line(9000 + number)),
                // What guests wrote is changed, never taken out whole.
                1 => found[at] = found[at].replace("let ", "let mut "),
                _ if !found[at].contains("guest") => { found.remove(at); }
                _ => found[at].insert_str(0, "// "),
            }
        }
        let names: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (judgement, meant) = taken(&names, &found.concat());
        prop_assert!(!matches!(judgement, Judgement::Stale(_)), "{:?}", judgement);
        prop_assert_eq!(meant, found.concat());
    }

    /// An editor that loaded one of the texts and changes it elsewhere than guests did.
    #[test]
    fn a_stale_save_keeps_every_line_of_the_guests_and_of_the_editor(
        typed in proptest::collection::vec((0usize..10, 0usize..1000), 2..12),
        loaded in 0usize..12,
        edits in proptest::collection::vec((0usize..10, 0usize..1000), 1..3),
    ) {
        let first: Vec<String> = (0..40).map(line).collect();
        let mut versions = vec![first];
        for (number, (at, _)) in typed.iter().enumerate() {
            let mut lines = versions.last().unwrap().clone();
            lines.insert(*at, line(5000 + 17 * number));
            versions.push(lines);
        }
        let texts: Vec<String> = versions.iter().map(|lines| lines.concat()).collect();
        let names: Vec<&str> = texts.iter().map(String::as_str).collect();
        let loaded = loaded % (versions.len() - 1);
        let mut found = versions[loaded].clone();
        for (number, (at, _)) in edits.iter().enumerate() {
            let end = found.len();
            found.insert(end - 10 + at, line(9000 + 17 * number));
        }
        let (judgement, meant) = taken(&names, &found.concat());
        // Little may have been typed since; what counts is what becomes of it.
        prop_assume!(matches!(judgement, Judgement::Stale(_)) || versions.len() - loaded > 3);
        for one in versions.last().unwrap().iter().chain(&found) {
            prop_assert_eq!(meant.matches(one.as_str()).count(), 1, "{:?} {}", judgement, one);
        }
    }
}
