//! Programs that write a log or follow one, and the one that rotates it.

use super::desk::{Desk, Manner};
use super::programs::{Beside, program, put, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn tail_follows_what_a_guest_types_at_the_end() {
    let mut desk = Desk::with("app.log", "ann:\nbegin\n").await;
    let inode = desk.inode();
    let tail = Beside::start(program("tail", desk.folder()).args(["-n", "+1", "-F", "app.log"]));
    tail.says("the file", |said| said == "ann:\nbegin\n").await;
    desk.types("eve", Manner::LinesAtTheEnd).await;
    for _ in 0..3 {
        desk.a_save().await;
    }
    desk.stop().await;
    let file = desk.file();
    // Nothing of a file that was truncated or replaced, nothing twice.
    tail.says("the whole file", |said| said == file).await;
    desk.has_all_once();
    assert_eq!((desk.inode(), desk.names()), (inode, vec!["app.log".to_owned()]));
    desk.agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_holds_the_file_appends_to_it() {
    let mut desk = Desk::with("app.log", "ann:\nbegin\n").await;
    let inode = desk.inode();
    let script = r#"exec >>app.log; n=0
        while ! read -t 0.01 stop; do n=$((n+1)); echo "line $n;"; done; echo "end after $n;""#;
    let mut shell = Beside::start(program("bash", desk.folder()).args(["-c", script]));
    desk.types("ann", Manner::Bursts).await;
    desk.types("eve", Manner::LinesAtTheEnd).await;
    for _ in 0..3 {
        desk.a_save().await;
    }
    shell.tell("stop");
    assert_eq!(shell.finish().await, "");
    desk.stop().await;
    let file = desk.file();
    let (_, end) = file.split_once("end after ").expect("the shell said its last word");
    let lines: usize = end.split_once(';').unwrap().0.parse().unwrap();
    assert!(lines > 20, "{lines}");
    for line in 1..=lines {
        assert_eq!(file.matches(&format!("line {line};")).count(), 1, "line {line} of {lines}: {file}");
    }
    desk.has_all_once();
    assert!(!file.contains('\0'));
    assert_eq!((desk.inode(), desk.names()), (inode, vec!["app.log".to_owned()]));
    desk.agent.end().await;
}

/// No editor can help this: the shell knows nothing of what was inserted before its place. Text and file are one all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_writes_at_a_place_of_its_own_writes_over_what_moved_there() {
    let desk = Desk::with("app.log", "an old log\n").await;
    let script = r#"exec >app.log; while read line; do echo "$line"; done"#;
    let mut shell = Beside::start(program("bash", desk.folder()).args(["-c", script]));
    desk.shows("a new log", str::is_empty).await;
    shell.tell("line 1;");
    desk.shows("its first line", |text| text == "line 1;\n").await;
    desk.inserts("line 1", "above\n");
    desk.until("what was typed is saved", || desk.file() == "above\nline 1;\n").await;
    shell.tell("line 2;");
    desk.shows("its second line, at byte 8", |text| text == "above\nliline 2;\n").await;
    assert_eq!(shell.finish().await, "");
    desk.settle().await;
    assert_eq!(desk.file(), "above\nliline 2;\n");
    desk.agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logrotate_that_copies_and_truncates() {
    const ROTATIONS: usize = 3;
    let mut desk = Desk::with("app.log", "ann:\n").await;
    let inode = desk.inode();
    let settings = tempfile::TempDir::new().unwrap();
    let (config, state) = (settings.path().join("config"), settings.path().join("state"));
    let log = desk.agent.path("app.log");
    let rules = format!("{} {{\n copytruncate\n rotate 9\n}}\n", log.display());
    put(&config, &rules);
    // A shell that holds the log, and writes when it is told to: what is written while logrotate copies is lost without us, too.
    let script = r#"exec >>app.log; while read line; do echo "$line"; done"#;
    let mut shell = Beside::start(program("bash", desk.folder()).args(["-c", script]));
    desk.types("ann", Manner::WithoutPause).await;
    for rotation in 1..=ROTATIONS {
        let line = format!("line {rotation};");
        shell.tell(&line);
        desk.shows("what the shell appended", |text| text.contains(&line)).await;
        desk.a_save().await;
        succeed(program("logrotate", desk.folder()).arg("-f").arg("-s").arg(&state).arg(&config));
        desk.shows("an empty log", |text| !text.contains(&line)).await;
    }
    shell.tell("the last line;");
    desk.shows("the last line", |text| text.contains("the last line;")).await;
    desk.stop().await;
    let rotated = (1..=ROTATIONS).map(|number| desk.agent.read(&format!("app.log.{number}")));
    let all = rotated.chain([desk.file()]).collect::<Vec<_>>().concat();
    desk.have_all_once(&all);
    for line in ["line 1;", "line 2;", "line 3;", "the last line;"] {
        assert_eq!(all.matches(line).count(), 1, "{line} in {all}");
    }
    assert!(!all.contains('\0'), "{all:?}");
    assert!(!desk.file().contains("line 3;"));
    assert_eq!(desk.inode(), inode);
    assert_eq!(desk.names(), ["app.log", "app.log.1", "app.log.2", "app.log.3"]);
    desk.agent.end().await;
}
