//! git at work in a folder where guests type.

use std::path::Path;
use std::process::{Command, Output};

use super::common::TestAgent;
use super::desk::{Desk, Manner, TEXT};
use super::programs::{program, run, said, succeed};

fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = program("git", folder);
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true");
    git.args([
        "-c",
        "user.name=Hanna",
        "-c",
        "user.email=hanna@example.org",
        "-c",
        "advice.detachedHead=false",
    ]);
    git.args(arguments);
    git
}

impl Desk {
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        succeed(&mut git(self.folder(), arguments))
    }

    fn try_git(&self, arguments: &[&str]) -> Output {
        run(&mut git(self.folder(), arguments))
    }

    /// git refuses to touch a file with changes that it does not have. Then these are committed, as people do.
    pub(crate) fn git_after_a_commit(&self, arguments: &[&str]) {
        for _ in 0..20 {
            let output = self.try_git(arguments);
            if output.status.success() {
                return;
            }
            assert!(said(&output).contains("local changes"), "{arguments:?}: {}", said(&output));
            self.git(&["commit", "-qam", "typed meanwhile"]);
        }
        panic!("{arguments:?}: git refuses each time");
    }

    /// Somebody begins to type.
    pub(crate) async fn begins(&mut self, guest: &str) {
        self.types(guest, Manner::WithoutPause).await;
        self.shows("the first word", |text| text.contains(&format!("<{guest}0>"))).await;
    }
}

/// A repository with a file and these branches, each with another line 10.
pub(crate) async fn repository(branches: &[&str]) -> Desk {
    let agent = TestAgent::start().await;
    let folder = agent.folder.path();
    let git = |arguments: &[&str]| succeed(&mut git(folder, arguments));
    git(&["init", "-q", "-b", "main"]);
    agent.write("notes.txt", TEXT);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "first"]);
    for branch in branches {
        git(&["checkout", "-q", "-b", branch, "main"]);
        agent.write("notes.txt", TEXT.replace("line 10\n", &format!("line 10 of {branch}\n")));
        git(&["commit", "-qam", branch]);
    }
    git(&["checkout", "-q", "main"]);
    Desk::at(agent, "notes.txt").await
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_while_guests_type_hold_the_file_and_nothing_of_ours() {
    const COMMITS: usize = 5;
    let mut desk = repository(&[]).await;
    let inode = desk.inode();
    desk.types("ann", Manner::Bursts).await;
    desk.types("bob", Manner::WithoutPause).await;
    for _ in 0..COMMITS {
        // As often as it can, so that it meets a save at any of its steps.
        let staged = || {
            desk.git(&["add", "-A"]);
            !desk.try_git(&["diff", "--cached", "--quiet"]).status.success()
        };
        desk.until("something to commit", staged).await;
        desk.git(&["commit", "-qm", "typed"]);
    }
    desk.stop().await;
    desk.git(&["add", "-A"]);
    let _ = desk.try_git(&["commit", "-qm", "the last words"]);
    assert_eq!(desk.git(&["status", "--porcelain", "--ignored"]), "");
    let committed = desk.git(&["log", "--name-only", "--format="]);
    assert!(committed.lines().all(|name| name == "notes.txt"), "{committed}");
    assert!(committed.lines().count() > COMMITS);
    assert_eq!(desk.git(&["show", "HEAD:notes.txt"]), desk.file());
    assert_eq!(desk.inode(), inode);
    desk.end_with(TEXT, &[".git", "notes.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_and_back() {
    let mut desk = repository(&["other"]).await;
    desk.types("ann", Manner::Bursts).await;
    desk.a_save().await;
    desk.stop().await;
    desk.git(&["commit", "-qam", "what ann typed"]);

    // What eve types at that moment comes along. So may what was typed before: a branch that is nearly what the file once was
    // can not be told from an editor that saves an old buffer.
    desk.begins("eve").await;
    desk.git_after_a_commit(&["checkout", "-q", "other"]);
    desk.shows("the other branch", |text| text.contains("line 10 of other\n")).await;
    desk.a_save().await;
    desk.stop().await;
    assert!(desk.file().contains("<eve"));
    desk.git(&["commit", "-qam", "what eve typed"]);

    desk.begins("bob").await;
    desk.git_after_a_commit(&["checkout", "-q", "main"]);
    desk.shows("the first branch", |text| text.contains("line 10\n") && text.contains("<ann0>")).await;
    desk.stop().await;
    let other = desk.git(&["show", "other:notes.txt"]);
    desk.have_all_once_in_some(&[&desk.file(), &other]);
    assert_eq!(desk.without_typed(&other), TEXT.replace("line 10\n", "line 10 of other\n"));
    assert_eq!(desk.without_typed(&desk.file()), TEXT);
    assert_eq!(desk.names(), [".git", "notes.txt"]);
    desk.agent.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebase_with_a_conflict() {
    let mut desk = repository(&["upstream", "topic"]).await;
    desk.git(&["checkout", "-q", "topic"]);
    desk.shows("the topic", |text| text.contains("line 10 of topic\n")).await;
    desk.types("ann", Manner::Bursts).await;
    desk.a_save().await;
    desk.stop().await;
    desk.git(&["commit", "-qam", "what ann typed"]);

    // The guest sees the conflict's marks, and types on below them.
    desk.begins("eve").await;
    let started = desk.try_git(&["rebase", "upstream"]);
    assert!(said(&started).contains("CONFLICT"), "{}", said(&started));
    desk.shows("the conflict", |text| {
        text.contains("<<<<<<< ") && text.contains("line 10 of upstream\n") && text.contains("<eve0>")
    })
    .await;
    // The host resolves it by hand in the moment after a save, and goes on.
    desk.a_save().await;
    let conflict = desk.file();
    let (before, rest) = conflict.split_once("<<<<<<< ").unwrap();
    let (_, after) = rest.split_once(">>>>>>> ").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    desk.agent.write("notes.txt", format!("{before}line 10 of both\n{after}"));
    desk.shows("the solution", |text| text.contains("line 10 of both\n") && !text.contains("<<<<")).await;
    desk.git(&["add", "-A"]);
    let mut done = desk.try_git(&["rebase", "--continue"]);
    while !done.status.success() {
        // A save came between the two: git does not go over it.
        desk.git(&["add", "-A"]);
        let _ = desk.try_git(&["commit", "-qm", "typed meanwhile"]);
        done = desk.try_git(&["rebase", "--continue"]);
        assert!(done.status.success() || said(&done).contains("changes"), "{}", said(&done));
    }
    desk.shows("the end of the rebase", |text| text.contains("<ann0>")).await;
    desk.stop().await;
    desk.end_with(&TEXT.replace("line 10\n", "line 10 of both\n"), &[".git", "notes.txt"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stash_and_its_way_back() {
    let mut desk = repository(&[]).await;
    desk.types("ann", Manner::Bursts).await;
    desk.a_save().await;
    desk.stop().await;

    desk.begins("eve").await;
    desk.git(&["stash", "push", "-q"]);
    desk.shows("the file without what is in the stash", |text| !text.contains("<ann")).await;
    desk.stop().await;
    desk.git(&["commit", "-qam", "what eve typed"]);

    desk.begins("bob").await;
    desk.git_after_a_commit(&["stash", "pop", "-q"]);
    desk.shows("what was in the stash", |text| text.contains("<ann0>")).await;
    desk.stop().await;
    assert_eq!(desk.git(&["stash", "list"]), "");
    desk.end_with(TEXT, &[".git", "notes.txt"]).await;
}
