//! What becomes of real programs when their terminal ends: those in front go, those that were told to stay live on, and the host
//! is told which.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use parlor::agent::{AgentEvent, NewTerminal};
use parlor_shared::client::ClientEvent;
use parlor_shared::fault::Fault;
use parlor_shared::id::{RequestId, TerminalId};
use parlor_shared::message::{History, TerminalState, TerminalToHost};
use parlor_shared::role::Role;
use parlor_shared::terminal::{Access, TerminalSize};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

mod common;

use common::{PATIENCE, TestAgent, TestGuest};

/// Well below what a program is given that does not go when it hears that its terminal is gone.
const AT_ONCE: Duration = Duration::from_secs(4);

/// A number of seconds to sleep that no other run has.
fn word(number: u32) -> String {
    (50_000_000 + std::process::id() * 20 + number).to_string()
}

/// The living processes that have this argument, but for ourselves.
fn running(argument: &str) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let has_it = line.split(|byte| *byte == 0).any(|other| other == argument.as_bytes());
        let pid: Option<u32> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        found.extend(pid.filter(|_| has_it));
    }
    found
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let asks = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        while !holds() {
            again.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, asks).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// Ends what a test left on purpose.
struct CleanUp(Vec<String>);

impl Drop for CleanUp {
    fn drop(&mut self) {
        for pid in self.0.iter().flat_map(|argument| running(argument)) {
            let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
        }
    }
}

/// The host, at a terminal that runs this.
async fn at(agent: &TestAgent, command: &str) -> (TestGuest, TerminalId) {
    let new = NewTerminal {
        name: Some("work".to_owned()),
        command: Some(command.to_owned()),
        size: TerminalSize::USUAL,
        access: Access::ReadOnly,
    };
    let terminal = agent.agent.open_terminal(new).await.unwrap();
    let host = agent.join(Role::Host, "Hanna").await;
    host.with(|client| {
        client.subscribe_to_terminals();
        client.watch_terminal(terminal, History::Kept);
    });
    host.wait("the terminal", |client| client.terminal(terminal).is_some()).await;
    (host, terminal)
}

fn types(host: &TestGuest, terminal: TerminalId, text: &str) {
    host.with(|client| client.type_into(terminal, text.as_bytes())).unwrap();
}

async fn decide(
    host: &mut TestGuest,
    message: impl FnOnce(RequestId) -> TerminalToHost,
) -> Result<ClientEvent, Fault> {
    let request = host.with(|client| client.request_terminal(message));
    host.answer(request).await
}

/// Of which programs the host is told that they live on.
async fn told(agent: &mut TestAgent) -> BTreeSet<u32> {
    let event = agent.event("who lives on", |event| matches!(event, AgentEvent::StillRunning { .. })).await;
    let AgentEvent::StillRunning { terminal, processes } = event else { unreachable!() };
    assert_eq!(terminal, "work");
    processes.into_iter().map(|process| process.pid).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_to_stay_lives_on_and_the_rest_goes_at_once() {
    let mut agent = TestAgent::start().await;
    let (host, terminal) = at(&agent, "exec bash --norc -i").await;
    let [nohup, disowned, own_session, job, in_tmux, served] = [0, 1, 2, 3, 4, 5].map(word);
    let _clean_up = CleanUp([&nohup, &disowned, &own_session, &in_tmux].map(Clone::clone).to_vec());
    let tmux = agent.path("tmux.socket").display().to_string();
    std::fs::create_dir(agent.path(&served)).unwrap();
    types(
        &host,
        terminal,
        &format!(
            "nohup sleep {nohup} >nohup.out 2>&1 &\nsleep {disowned} & disown\nsetsid sleep {own_session} &\nsleep {job} &\n\
             tmux -S {tmux} new-session -d 'exec sleep {in_tmux}'\n\
             python3 -m http.server --bind 127.0.0.1 0 --directory {served}\n"
        ),
    );
    let words = [&nohup, &disowned, &own_session, &job, &in_tmux, &served];
    until("all of them", || words.iter().all(|word| running(word).len() == 1)).await;
    until("the server serves", || {
        let shown = host.log.events().into_iter().filter_map(|event| match event {
            ClientEvent::TerminalOutput { bytes, .. } | ClientEvent::TerminalScreen { bytes, .. } => {
                Some(bytes)
            }
            _ => None,
        });
        let shown: Vec<u8> = shown.flatten().collect();
        String::from_utf8_lossy(&shown).contains("Serving HTTP on")
    })
    .await;
    let server =
        Command::new("tmux").args(["-S", &tmux, "display-message", "-p", "#{pid}"]).output().unwrap();
    let server: u32 = String::from_utf8(server.stdout).unwrap().trim().parse().unwrap();

    let began = Instant::now();
    agent.agent.end().await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    // A signal is on its way for a moment.
    until("bash told it to end", || running(&job).is_empty()).await;
    until("it was in front, and ends", || running(&served).is_empty()).await;
    let mut living: BTreeSet<u32> = BTreeSet::from([server]);
    for word in [&nohup, &disowned, &own_session, &in_tmux] {
        let running = running(word);
        assert_eq!(running.len(), 1, "{word}");
        living.extend(running);
    }
    assert_eq!(told(&mut agent).await, living);
    Command::new("tmux").args(["-S", &tmux, "kill-server"]).status().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_ignores_the_hang_up_lives_on_and_one_that_only_hears_it_is_ended() {
    let mut agent = TestAgent::start().await;
    let [ignores, hears] = [6, 7].map(word);
    let _clean_up = CleanUp(vec![ignores.clone(), hears.clone()]);
    // The second one would sleep for ever again and again, and its shell waits for it.
    agent.write("ignores.sh", format!("trap '' HUP\nsleep {ignores}\n"));
    agent.write("hears.sh", format!("trap 'echo heard >> heard' HUP\nwhile :; do sleep {hears}; done\n"));
    let (ignoring, first) = at(&agent, "exec bash --norc -i").await;
    types(&ignoring, first, "sh ignores.sh\n");
    let (hearing, second) = at(&agent, "exec bash --norc -i").await;
    types(&hearing, second, "sh hears.sh\n");
    until("both", || running(&ignores).len() == 1 && running(&hears).len() == 1).await;
    let script = running("ignores.sh");

    agent.agent.end().await;
    assert_eq!(agent.read("heard").lines().next(), Some("heard"));
    assert_eq!((running("hears.sh"), running(&hears)), (vec![], vec![]));
    let living: BTreeSet<u32> = script.into_iter().chain(running(&ignores)).collect();
    assert_eq!(living.len(), 2);
    let told = told(&mut agent).await;
    assert!(told.is_superset(&living), "{told:?} {living:?}");
    for pid in living {
        let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_is_restarted_or_no_longer_shared_leaves_who_means_to_stay_and_no_descriptor() {
    let mut agent = TestAgent::start().await;
    let words = [8, 9].map(word);
    let _clean_up = CleanUp(words.to_vec());
    agent.write("next", &words[0]);
    agent.write("then", &words[1]);
    // It holds the terminal open behind its leader's end.
    let command = "n=$(cat next); mv then next; trap '' HUP; sleep $n & exit 3";
    let terminals = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        files
            .filter(|file| std::fs::read_link(file.path()).is_ok_and(|target| target.ends_with("ptmx")))
            .count()
    };
    let (mut host, terminal) = at(&agent, command).await;
    for (round, word) in words.iter().enumerate() {
        let over = TerminalState::Exited { code: Some(3), signal: None };
        host.wait("its end", |client| client.terminal(terminal).is_some_and(|info| info.state == over)).await;
        until("who stays", || running(word).len() == 1).await;
        let done = match round {
            0 => decide(&mut host, |request| TerminalToHost::Restart { request, terminal }).await,
            _ => decide(&mut host, |request| TerminalToHost::Unshare { request, terminal }).await,
        };
        done.unwrap();
        assert_eq!(told(&mut agent).await, running(word).into_iter().collect());
        assert_eq!(running(word).len(), 1);
    }
    until("no descriptor", || terminals() == 0).await;
    agent.still_serves().await;
    agent.end().await;
}
