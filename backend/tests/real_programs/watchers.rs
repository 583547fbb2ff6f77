//! Programs that wait for a file to change.

use super::desk::{Desk, Manner, TEXT};
use super::programs::{Beside, program};

#[tokio::test(flavor = "multi_thread")]
async fn inotifywait_sees_one_close_for_each_save_and_no_other_name() {
    let mut desk = Desk::with("notes.txt", TEXT).await;
    let events = "close_write,create,delete,moved_from,moved_to,attrib";
    let mut inotifywait = program("inotifywait", desk.folder());
    let inotifywait = Beside::start(inotifywait.args(["-m", "-e", events, "--format", "%e %f", "."]));
    inotifywait.says("that it watches", |said| said.contains("Watches established.\n")).await;
    desk.saves();
    let mut saves = 0;
    // In the midst of the text: each save writes in two places.
    desk.types("ann", Manner::Bursts).await;
    desk.types("bob", Manner::Bursts).await;
    for _ in 0..5 {
        desk.a_save().await;
        saves += 1 + desk.saves();
    }
    desk.stop().await;
    saves += desk.saves();
    let seen = || {
        let said = inotifywait.said();
        said.lines()
            .skip_while(|line| !line.starts_with("Watches"))
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    desk.until("an event for each save", || seen().len() >= saves).await;
    let expected = vec!["CLOSE_WRITE,CLOSE notes.txt"; saves];
    assert_eq!(seen(), expected);
    // The end of the session is no change of the file.
    let _folder = desk.end_with(TEXT, &["notes.txt"]).await;
    assert_eq!(seen(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_restarts_at_each_save_and_never_reads_half_a_file() {
    let text = "// bob:\nconst typed = 'ann:';\nconsole.log(`ran with ${typed.length}.`);\n// eve:\n";
    let mut desk = Desk::with("app.js", text).await;
    let node = Beside::start(program("node", desk.folder()).args(["--watch", "app.js"]));
    node.says("a first run", |said| said.contains("ran with 4.")).await;
    for guest in ["ann", "bob", "eve"] {
        desk.types(guest, Manner::Bursts).await;
    }
    for _ in 0..4 {
        desk.a_save().await;
    }
    desk.stop().await;
    let file = desk.file();
    let typed = file.split('\'').nth(1).unwrap().len();
    node.says("a run of the last text", |said| said.contains(&format!("ran with {typed}."))).await;
    let said = node.said();
    assert!(!said.contains("Error") && !said.contains("Failed running"), "{said}");
    assert!(said.matches("ran with ").count() > 2, "{said}");
    desk.end_with(text, &["app.js"]).await;
}
