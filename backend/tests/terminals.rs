//! Shared terminals over real sockets and real PTYs: who may type, what everybody sees, floods, and what is left behind.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parlor::agent::NewTerminal;
use parlor_shared::client::{ClientEvent, OverReason, Phase};
use parlor_shared::codec;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, RequestId, TerminalId};
use parlor_shared::limits::{MAX_TERMINAL_INPUT_BYTES, MAX_TERMINALS};
use parlor_shared::message::{
    History, SessionToHost, TerminalInfo, TerminalState, TerminalToHost, ToHost, Typing,
};
use parlor_shared::role::{Capability, Grant, Role};
use parlor_shared::seal::Identity;
use parlor_shared::terminal::{Access, SizePolicy, TerminalSize};

mod common;

use common::program::{Place, Program};
use common::raw::RawGuest;
use common::{PATIENCE, TestAgent, TestGuest};

/// What a guest looking at a terminal has seen.
#[derive(Default)]
struct Seen {
    /// The last screen and everything behind it.
    text: String,
    bytes: usize,
    skipped: u64,
    screens: usize,
    refused: Vec<Fault>,
}

fn seen(guest: &TestGuest, terminal: TerminalId) -> Seen {
    let mut seen = Seen::default();
    let mut bytes = Vec::new();
    for event in guest.log.events() {
        match event {
            ClientEvent::TerminalScreen { terminal: of, skipped, bytes: screen, .. } if of == terminal => {
                seen.screens += 1;
                seen.skipped += skipped;
                bytes = screen;
            }
            ClientEvent::TerminalOutput { terminal: of, bytes: output } if of == terminal => {
                seen.bytes += output.len();
                bytes.extend(output);
            }
            ClientEvent::TerminalRefused { terminal: of, fault } if of == terminal => {
                seen.refused.push(fault)
            }
            _ => {}
        }
    }
    seen.text = String::from_utf8_lossy(&bytes).into_owned();
    seen
}

async fn see(guest: &TestGuest, terminal: TerminalId, text: &str) -> Seen {
    guest.wait(&format!("{text:?} on the screen"), |_| seen(guest, terminal).text.contains(text)).await;
    seen(guest, terminal)
}

async fn info(guest: &TestGuest, terminal: TerminalId, what: &str, holds: impl Fn(&TerminalInfo) -> bool) {
    guest.wait(what, |client| client.terminal(terminal).is_some_and(&holds)).await;
}

async fn open(agent: &TestAgent, command: Option<&str>, access: Access) -> TerminalId {
    let command = command.map(str::to_owned);
    let new = NewTerminal { name: None, command, size: TerminalSize::USUAL, access };
    agent.agent.open_terminal(new).await.unwrap()
}

async fn watching(agent: &TestAgent, role: Role, name: &str, terminal: TerminalId) -> TestGuest {
    let guest = agent.join(role, name).await;
    guest.with(|client| {
        client.subscribe_to_terminals();
        client.watch_terminal(terminal, History::Kept);
    });
    guest.wait("a screen", |_| seen(&guest, terminal).screens > 0).await;
    info(&guest, terminal, "the terminal", |_| true).await;
    guest
}

fn type_into(guest: &TestGuest, terminal: TerminalId, text: &str) {
    guest.with(|client| client.type_into(terminal, text.as_bytes())).unwrap();
}

async fn decide(
    host: &mut TestGuest,
    message: impl FnOnce(RequestId) -> TerminalToHost,
) -> Result<(), Fault> {
    let request = host.with(|client| client.request_terminal(message));
    host.answer(request).await.map(drop)
}

/// What anybody may say who may open terminals. Who may type in it only the host says.
fn open_one(request: RequestId) -> TerminalToHost {
    let (name, command, size) = (Some("mine".to_owned()), None, TerminalSize::USUAL);
    TerminalToHost::Open { request, name, command, size, access: Access::Collaborative }
}

fn not_granted() -> Fault {
    Fault::new(FaultCode::NotAllowed).with("OpenTerminal")
}

async fn set_grant(host: &mut TestGuest, participant: ParticipantId, grant: Grant) -> Result<(), Fault> {
    let capability = Capability::OpenTerminal;
    let set = |request| SessionToHost::SetGrant { request, participant, capability, grant };
    let request = host.with(|client| client.administer(set));
    host.answer(request).await.map(drop)
}

async fn set_role(host: &mut TestGuest, participant: ParticipantId, role: Role) {
    let set = |request| SessionToHost::SetRole { request, participant, role };
    let request = host.with(|client| client.administer(set));
    host.answer(request).await.unwrap();
}

fn me(guest: &TestGuest) -> ParticipantId {
    guest.with(|client| client.membership().unwrap().me)
}

/// Waits until this page shows of somebody that it may open terminals, or may not.
async fn shown(guest: &TestGuest, who: ParticipantId, grant: Grant) {
    guest
        .wait(&format!("of {who}: {grant:?}"), |client| {
            let rights = client.participant(who).map(|participant| client.rights_of(participant));
            let opens = rights.map(|rights| rights.allows(Capability::OpenTerminal));
            opens == Some(grant == Grant::Given)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_types_all_see_and_the_end_is_told() {
    let agent = TestAgent::start().await;
    let terminal = open(&agent, None, Access::Collaborative).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    let bob = watching(&agent, Role::Viewer, "Bob", terminal).await;
    type_into(&ann, terminal, "echo 'grüße 🎉' $((40+2)); pwd\n");
    see(&ann, terminal, "grüße 🎉 42").await;
    see(&bob, terminal, "grüße 🎉 42").await;
    let folder = agent.folder.path().canonicalize().unwrap();
    see(&bob, terminal, folder.to_str().unwrap()).await;
    let me = ann.with(|client| client.me().unwrap().id);
    info(&bob, terminal, "who types", |info| info.typist == Some(me) && info.watchers.len() == 2).await;
    type_into(&ann, terminal, "exit 3\n");
    let over = TerminalState::Exited { code: Some(3), signal: None };
    info(&bob, terminal, "its end", |info| info.state == over).await;
    type_into(&ann, terminal, "x");
    ann.wait("a refusal", |_| seen(&ann, terminal).refused == [Fault::new(FaultCode::NotRunning)]).await;

    let mut host = agent.join(Role::Host, "Hanna").await;
    decide(&mut host, |request| TerminalToHost::Restart { request, terminal }).await.unwrap();
    info(&bob, terminal, "its new beginning", |info| info.state == TerminalState::Running).await;
    type_into(&ann, terminal, "echo again$((1+1))\n");
    see(&bob, terminal, "again2").await;
    let again = decide(&mut host, |request| TerminalToHost::Restart { request, terminal }).await;
    assert_eq!(again, Err(FaultCode::Busy.into()), "what runs is not started");

    decide(&mut host, |request| TerminalToHost::Unshare { request, terminal }).await.unwrap();
    bob.wait("it to be over", |client| client.terminals().next().is_none()).await;
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_decides_who_types_while_it_runs() {
    let agent = TestAgent::start().await;
    let terminal = open(&agent, Some("cat"), Access::ReadOnly).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    let viewer = watching(&agent, Role::Viewer, "Vic", terminal).await;
    let mut host = agent.join(Role::Host, "Hanna").await;
    host.with(|client| client.subscribe_to_terminals());
    let not_allowed = Fault::new(FaultCode::NotAllowed).with("TerminalWrite");

    // This client does not look whether it may, as the page does.
    assert!(!ann.with(|client| client.may_type(terminal)));
    type_into(&ann, terminal, "sneaked in\n");
    ann.wait("a refusal", |_| seen(&ann, terminal).refused == [not_allowed.clone()]).await;

    decide(&mut host, |request| TerminalToHost::SetAccess {
        request,
        terminal,
        access: Access::Collaborative,
    })
    .await
    .unwrap();
    type_into(&ann, terminal, "let in\n");
    see(&viewer, terminal, "let in").await;
    type_into(&viewer, terminal, "viewers never\n");
    viewer.wait("a refusal", |_| seen(&viewer, terminal).refused.len() == 1).await;

    decide(&mut host, |request| TerminalToHost::SetAccess { request, terminal, access: Access::ReadOnly })
        .await
        .unwrap();
    type_into(&ann, terminal, "too late\n");
    ann.wait("a refusal", |_| seen(&ann, terminal).refused.len() == 2).await;

    // One who asks, and whom the host allows it.
    viewer.with(|client| client.ask_to_type(terminal));
    let vic = viewer.with(|client| client.me().unwrap().id);
    info(&host, terminal, "the question", |info| info.asking == [vic]).await;
    let allow =
        |typing| move |request| TerminalToHost::SetTyping { request, terminal, participant: vic, typing };
    decide(&mut host, allow(Typing::Allowed)).await.unwrap();
    info(&viewer, terminal, "the answer", |info| info.asking.is_empty()).await;
    assert!(viewer.with(|client| client.may_type(terminal)));
    type_into(&viewer, terminal, "by the host's leave\n");
    see(&ann, terminal, "by the host's leave").await;
    decide(&mut host, allow(Typing::Denied)).await.unwrap();
    type_into(&viewer, terminal, "no more\n");
    viewer.wait("a refusal", |_| seen(&viewer, terminal).refused.len() == 2).await;

    let text = seen(&ann, terminal).text;
    for never in ["sneaked in", "viewers never", "too late", "no more"] {
        assert!(!text.contains(never), "{text}");
    }
    // Nobody but the host ends, or decides.
    let mut ann = ann;
    assert_eq!(decide(&mut ann, open_one).await, Err(not_granted()));
    let share = Err(Fault::new(FaultCode::NotAllowed).with("Share"));
    let tries: [Box<dyn FnOnce(RequestId) -> TerminalToHost>; 3] = [
        Box::new(move |request| TerminalToHost::Unshare { request, terminal }),
        Box::new(move |request| TerminalToHost::SetAccess {
            request,
            terminal,
            access: Access::Collaborative,
        }),
        Box::new(move |request| TerminalToHost::Restart { request, terminal }),
    ];
    for one in tries {
        assert_eq!(decide(&mut ann, one).await, share);
    }
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_skipped_where_it_must_be_and_interrupted_at_once() {
    let agent = TestAgent::start().await;
    agent.write("text.txt", "calm\n");
    let terminal = open(&agent, None, Access::Collaborative).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    let mut bob = agent.join(Role::Editor, "Bob").await;
    let document = bob.open("text.txt").await;
    type_into(&ann, terminal, "yes a line that never ends\n");
    ann.wait("much of it", |_| {
        let seen = seen(&ann, terminal);
        seen.bytes as u64 + seen.skipped > 2_000_000
    })
    .await;
    // Typing in a file goes on meanwhile.
    bob.insert(document, 0, "still ");
    bob.wait_sync(document, &parlor_shared::client::SyncState::Saved).await;
    assert_eq!(agent.read("text.txt"), "still calm\n");
    type_into(&ann, terminal, "\x03");
    type_into(&ann, terminal, "echo over$((1+1))\n");
    see(&ann, terminal, "over2").await;
    // A late joiner sees the end of it, and what is said of it is bounded.
    let late = watching(&agent, Role::Viewer, "Late", terminal).await;
    let text = see(&late, terminal, "over2").await.text;
    assert!(text.len() < 200_000 && text.contains("a line that never ends"), "{}", text.len());
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_paste_goes_at_the_programs_pace() {
    let agent = TestAgent::start().await;
    let command = "stty raw -echo; echo ready; sleep 0.3; head -c 1000000 | cksum; sleep 60";
    let terminal = open(&agent, Some(command), Access::Collaborative).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    see(&ann, terminal, "ready").await;
    type_into(&ann, terminal, &"0123456789".repeat(100_000));
    // As `cksum` says of these bytes, whatever the system.
    see(&ann, terminal, " 1000000").await;
    assert!(seen(&ann, terminal).refused.is_empty());
    // More than any paste is refused on this side, and nothing of it typed.
    let too_much = vec![b'x'; 5_000_000];
    let refused = ann.with(|client| client.type_into(terminal, &too_much)).unwrap_err();
    assert_eq!(refused.code, FaultCode::TooLarge);
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sizes_follow_the_hosts_choice() {
    let agent = TestAgent::start().await;
    let terminal = open(&agent, None, Access::Collaborative).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    let mut host = watching(&agent, Role::Host, "Hanna", terminal).await;
    let size = |columns, rows| TerminalSize { columns, rows };
    for (columns, rows, becomes) in
        [(0, 0, size(2, 1)), (10_000, 10_000, size(500, 200)), (100, 30, size(100, 30))]
    {
        host.with(|client| client.fit_terminal(terminal, size(columns, rows)));
        info(&host, terminal, "a size", |info| info.size == becomes).await;
    }
    for step in 0..1000 {
        host.with(|client| client.fit_terminal(terminal, size(20 + step % 100, 24)));
        ann.with(|client| client.fit_terminal(terminal, size(11, 11)));
    }
    host.with(|client| client.fit_terminal(terminal, size(90, 25)));
    info(&host, terminal, "the last size", |info| info.size == size(90, 25)).await;
    type_into(&ann, terminal, "stty size\n");
    see(&ann, terminal, "25 90").await;

    let policy = |policy| move |request| TerminalToHost::SetSizePolicy { request, terminal, policy };
    decide(&mut host, policy(SizePolicy::LatestWriter)).await.unwrap();
    type_into(&ann, terminal, "\n");
    info(&host, terminal, "the writer's size", |info| info.size == size(11, 11)).await;
    decide(&mut host, policy(SizePolicy::Fixed(size(70, 20)))).await.unwrap();
    info(&host, terminal, "the fixed size", |info| info.size == size(70, 20)).await;
    decide(&mut host, policy(SizePolicy::Host)).await.unwrap();
    info(&host, terminal, "the host's size", |info| info.size == size(90, 25)).await;
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_sizes_at_once_the_program_hears_few_and_the_last() {
    let agent = TestAgent::start().await;
    // `read` ends when a signal comes: every one is counted, and the shell sleeps in between.
    let command = "n=0; trap 'n=$((n+1))' WINCH; echo ready; until read line; do :; done; \
         echo \"heard $n, now $(stty size)\"; cat";
    let terminal = open(&agent, Some(command), Access::Collaborative).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    see(&ann, terminal, "ready").await;
    let (mut host, _) = RawGuest::join(agent.address, &agent.invite(Role::Host), "Hanna").await;
    host.say(&ToHost::Terminal(TerminalToHost::Watch { terminal, history: History::None })).await;
    let last = TerminalSize { columns: 90, rows: 25 };
    let sizes = (0..999).map(|step| TerminalSize { columns: 20 + step % 60, rows: 24 }).chain([last]);
    let sizes: Vec<ToHost> =
        sizes.map(|size| ToHost::Terminal(TerminalToHost::Resize { terminal, size })).collect();
    let began = tokio::time::Instant::now();
    host.say_at_once(sizes[0].lane(), sizes.iter().map(codec::encode)).await;
    info(&ann, terminal, "the last size", |info| info.size == last).await;
    // One at once, and one in each of the actor's intervals.
    let most = 2 + began.elapsed().as_millis() / 50;
    type_into(&ann, terminal, "\n");
    let text = see(&ann, terminal, ", now 25 90").await.text;
    let heard = text.rsplit_once("heard ").and_then(|(_, rest)| rest.split(',').next()).unwrap();
    let heard: u128 = heard.parse().unwrap();
    assert!((1..=most).contains(&heard), "{heard} of at most {most}");
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_look_never_decides_the_size() {
    let agent = TestAgent::start().await;
    let terminal = open(&agent, Some("cat"), Access::Collaborative).await;
    let size = |columns, rows| TerminalSize { columns, rows };
    // Both are here before the host, one of them is gone again.
    let invite = agent.invite(Role::Editor);
    let (mut stays, _) = RawGuest::join(agent.address, &invite, "Stays").await;
    let (mut goes, welcome) = RawGuest::join(agent.address, &invite, "Goes").await;
    let goer = welcome.me.id;
    let mut host = watching(&agent, Role::Host, "Hanna", terminal).await;
    for guest in [&mut stays, &mut goes] {
        guest.say(&ToHost::Terminal(TerminalToHost::Resize { terminal, size: size(11, 11) })).await;
        guest.say(&ToHost::Terminal(TerminalToHost::AskToType { terminal })).await;
    }
    // What they said before they asked was heard.
    info(&host, terminal, "both asking", |info| info.asking.len() == 2).await;
    goes.say(&ToHost::Session(SessionToHost::Leave)).await;
    info(&host, terminal, "one asking", |info| !info.asking.contains(&goer)).await;
    host.with(|client| client.fit_terminal(terminal, size(90, 25)));
    info(&host, terminal, "the host's size", |info| info.size == size(90, 25)).await;
    let policy = |policy| move |request| TerminalToHost::SetSizePolicy { request, terminal, policy };
    decide(&mut host, policy(SizePolicy::Fixed(size(70, 20)))).await.unwrap();
    info(&host, terminal, "the fixed size", |info| info.size == size(70, 20)).await;
    decide(&mut host, policy(SizePolicy::Host)).await.unwrap();
    info(&host, terminal, "another size", |info| info.size != size(70, 20)).await;
    let becomes = host.with(|client| client.terminal(terminal).unwrap().size);
    assert_eq!(becomes, size(90, 25), "the host's");
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_run_is_said_and_there_are_so_many_and_no_more() {
    let agent = TestAgent::start().await;
    let terminal = open(&agent, Some("no-such-program-anywhere"), Access::ReadOnly).await;
    let ann = watching(&agent, Role::Viewer, "Ann", terminal).await;
    info(&ann, terminal, "its end", |info| {
        matches!(info.state, TerminalState::Exited { code: Some(127), .. })
    })
    .await;
    see(&ann, terminal, "not found").await;
    let mut host = agent.join(Role::Host, "Hanna").await;
    let word = (2_000_000 + std::process::id()).to_string();
    for _ in 1..MAX_TERMINALS {
        open(&agent, Some(&format!("sleep {word}")), Access::ReadOnly).await;
    }
    let size = TerminalSize::USUAL;
    let one_more = |command: Option<String>| {
        move |request| TerminalToHost::Open { request, name: None, command, size, access: Access::ReadOnly }
    };
    let refused = decide(&mut host, one_more(None)).await;
    assert_eq!(refused, Err(Fault::new(FaultCode::TooManyOpen).with(MAX_TERMINALS)));
    decide(&mut host, |request| TerminalToHost::Unshare { request, terminal }).await.unwrap();
    assert!(decide(&mut host, one_more(Some("x".repeat(5000)))).await.is_err());
    assert!(decide(&mut host, one_more(Some("a\0b".into()))).await.is_err());
    agent.still_serves().await;
    agent.end().await;
    assert_eq!(running(&word), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_from_a_guest_disturbs_nobody() {
    let agent = TestAgent::start().await;
    let terminal = open(&agent, Some("cat"), Access::Collaborative).await;
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    let say = |bytes: usize, terminal| {
        ToHost::Terminal(TerminalToHost::Input { terminal, bytes: vec![b'x'; bytes] })
    };
    let (mut rude, _) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Rude").await;
    rude.say(&say(MAX_TERMINAL_INPUT_BYTES + 1, terminal)).await;
    rude.say(&say(1, TerminalId(u32::MAX))).await;
    rude.say(&ToHost::Terminal(TerminalToHost::Resize {
        terminal,
        size: TerminalSize { columns: 0, rows: 9 },
    }))
    .await;
    rude.say(&ToHost::Terminal(TerminalToHost::Unwatch { terminal })).await;
    for _ in 0..200 {
        rude.say(&ToHost::Terminal(TerminalToHost::AskToType { terminal })).await;
    }
    rude.say(&say(10_000_000, terminal)).await;
    assert_eq!(rude.end().await.code, FaultCode::TooLarge);
    type_into(&ann, terminal, "calm\n");
    see(&ann, terminal, "calm\r\ncalm").await;
    info(&ann, terminal, "nobody asking", |info| info.asking.is_empty()).await;
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_twenty_terminals_whose_programs_do_not_mean_to_live_on() {
    let agent = TestAgent::start().await;
    // Of no other run.
    let word = (1_000_000 + std::process::id()).to_string();
    let stubborn = format!("trap 'echo no' HUP TERM INT; sleep {word} & while :; do sleep {word}; done");
    let (yes, one, three) =
        (format!("yes {word}"), format!("sleep {word}"), format!("sleep {word} & sleep {word} & wait"));
    let flood = open(&agent, Some(&yes), Access::ReadOnly).await;
    // Before the other floods: on a busy machine nobody shakes hands in time beside them.
    let ann = watching(&agent, Role::Viewer, "Ann", flood).await;
    for number in 1..20 {
        let command = match number % 4 {
            0 => &yes,
            1 => &one,
            2 => &stubborn,
            _ => &three,
        };
        open(&agent, Some(command), Access::ReadOnly).await;
    }
    ann.wait("the flood", |_| seen(&ann, flood).bytes > 10_000).await;
    until("all of them", || running(&word).len() >= 25).await;
    agent.end().await;
    assert_eq!(running(&word), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_parlor_was_told_is_handed_on_to_a_terminals_program() {
    let place = Place::new();
    // Not the shared folder: a home is asked about.
    let home = place.state.path().to_str().unwrap();
    let variables = [("PARLOR_X", "1"), ("TMUX", "/tmp/tmux,1,0"), ("HOME", home), ("KEPT", "as it is")];
    // Written to a file: a screen wraps long lines.
    let command = "env > all.part; mv all.part all; cat";
    let arguments = ["--shell", "/bin/sh", "--terminal", command];
    let program = Program::start_among(&variables, place.folder.path(), place.state.path(), &arguments);
    until("the environment", || place.folder.path().join("all").exists()).await;
    let text = place.read("all");
    let all: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let foreign = all.keys().copied().filter(|name| name.starts_with("PARLOR_") || *name == "TMUX");
    assert_eq!(foreign.collect::<Vec<_>>(), [""; 0]);
    assert_eq!((all["HOME"], all["KEPT"], all["TERM_PROGRAM"]), (home, "as it is", "parlor"));
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_program_gives_no_terminal_the_id_of_another() {
    let place = Place::new();
    let mut given = BTreeSet::new();
    // Several starts happen in one second, and some in the next.
    for _ in 0..4 {
        let program = place.start_with(&[
            "--shell",
            "/bin/sh",
            "--terminal",
            "cat",
            "--terminal",
            "cat",
            "--terminal",
            "cat",
        ]);
        let guest = came_to(&program, "Ann").await;
        guest.wait("three terminals", |client| client.terminals().count() == 3).await;
        for terminal in guest.with(|client| client.terminals().map(|info| info.terminal).collect::<Vec<_>>())
        {
            assert!(given.insert(terminal), "{terminal:?} of {given:?}");
        }
        program.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_comes_back_to_a_restarted_program_hears_that_terminals_ended_with_it() {
    let place = Place::new();
    let terminals = ["--shell", "/bin/sh", "--terminal", "cat", "--terminal", "sleep 1000"];
    let program = place.start_with(&terminals);
    let guest = came_to(&program, "Ann").await;
    guest.wait("two terminals", |client| client.terminals().count() == 2).await;
    let before: Vec<TerminalId> = guest.with(|client| client.terminals().map(|info| info.terminal).collect());
    guest.with(|client| client.watch_terminal(before[0], History::Kept));
    guest.wait("a screen", |_| seen(&guest, before[0]).screens > 0).await;
    program.kill();
    guest.wait("away", |client| *client.phase() == Phase::Offline).await;
    let program = place.start_with(&terminals[..4]);
    guest.reconnect().await;
    let over = || {
        let events = guest.log.events().into_iter();
        let over = |event| match event {
            ClientEvent::TerminalOver { terminal, reason } => Some((terminal, reason)),
            _ => None,
        };
        events.filter_map(over).collect::<BTreeMap<_, _>>()
    };
    guest.wait("their end", |_| over().len() == 2).await;
    assert_eq!(over(), before.iter().map(|terminal| (*terminal, OverReason::HostRestarted)).collect());

    guest.wait("one terminal", |client| client.terminals().count() == 1).await;
    program.end();
}

/// Waits until something holds of other processes: the system tells nobody about those, so it is asked again and again.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let asks = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        while !holds() {
            again.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, asks).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// A guest of a real program who knows its terminals.
async fn came_to(program: &Program, name: &str) -> TestGuest {
    let guest = TestGuest::knock(program.editor.clone(), name, Identity::generate().unwrap()).await;
    guest.wait("welcome", |client| *client.phase() == Phase::Live).await;
    guest.with(|client| client.subscribe_to_terminals());
    guest.wait("the terminals", |client| client.knows_terminals()).await;
    guest
}

/// Command lines of living processes that hold this word, and states of those of our children that nobody waited for.
fn running(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.split(' ').any(|argument| argument == word) && entry.file_name() != "self" {
            found.push(line);
        }
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut fields = rest.split(' ');
        let (state, parent) = (fields.next(), fields.next());
        if state == Some("Z") && parent == Some(&std::process::id().to_string()) {
            found.push(format!("a zombie: {stat}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_host_lets_opens_terminals_and_types_in_them_and_decides_nothing_else() {
    let agent = TestAgent::start().await;
    let mut host = agent.join(Role::Host, "Hanna").await;
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let bob = agent.join(Role::Editor, "Bob").await;
    let (id, host_id) = (me(&ann), me(&host));
    for guest in [&host, &ann, &bob] {
        guest.with(|client| client.subscribe_to_terminals());
        shown(guest, id, Grant::Taken).await;
    }
    assert_eq!(decide(&mut ann, open_one).await, Err(not_granted()));

    set_grant(&mut host, id, Grant::Given).await.unwrap();
    for guest in [&host, &ann, &bob] {
        shown(guest, id, Grant::Given).await;
    }
    let request = ann.with(|client| client.request_terminal(open_one));
    let ClientEvent::TerminalOpened { terminal, .. } = ann.answer(request).await.unwrap() else {
        panic!("it is opened")
    };
    // The host's default holds, whatever was asked for; who opened it types all the same, and the others do not.
    let opener = [(id, Typing::Opener)];
    info(&bob, terminal, "what it is", |info| {
        info.name == "mine" && info.access == Access::ReadOnly && info.exceptions == opener
    })
    .await;
    info(&ann, terminal, "her own", |_| true).await;
    for guest in [&ann, &bob] {
        guest.with(|client| client.watch_terminal(terminal, History::Kept));
    }
    assert!(ann.with(|client| client.may_type(terminal)) && !bob.with(|client| client.may_type(terminal)));
    type_into(&ann, terminal, "echo opened$((1+1))\n");
    see(&bob, terminal, "opened2").await;
    type_into(&bob, terminal, "echo sneaked in\n");
    let write = Fault::new(FaultCode::NotAllowed).with("TerminalWrite");
    bob.wait("a refusal", |_| seen(&bob, terminal).refused == [write.clone()]).await;
    // It is the host's like every other.
    let share = Err(Fault::new(FaultCode::NotAllowed).with("Share"));
    let (access, policy) = (Access::Collaborative, SizePolicy::LatestWriter);
    let tries: [Box<dyn FnOnce(RequestId) -> TerminalToHost>; 4] = [
        Box::new(move |request| TerminalToHost::Unshare { request, terminal }),
        Box::new(move |request| TerminalToHost::Restart { request, terminal }),
        Box::new(move |request| TerminalToHost::SetAccess { request, terminal, access }),
        Box::new(move |request| TerminalToHost::SetSizePolicy { request, terminal, policy }),
    ];
    for one in tries {
        assert_eq!(decide(&mut ann, one).await, share);
    }
    // Neither she nor anybody else gives it on, and what is not to be given is not.
    let give = |capability, participant| {
        move |request| SessionToHost::SetGrant { request, participant, capability, grant: Grant::Given }
    };
    let request = ann.with(|client| client.administer(give(Capability::OpenTerminal, me(&bob))));
    let administer = Fault::new(FaultCode::NotAllowed).with("Administer");
    assert_eq!(ann.answer(request).await, Err(administer));
    let request = host.with(|client| client.administer(give(Capability::Administer, id)));
    let administer = Fault::new(FaultCode::NotAllowed).with("Administer");
    assert_eq!(host.answer(request).await, Err(administer));
    assert_eq!(set_grant(&mut host, host_id, Grant::Taken).await, Err(not_granted()));
    let nobody = ParticipantId(999);
    assert_eq!(set_grant(&mut host, nobody, Grant::Given).await, Err(FaultCode::UnknownParticipant.into()));

    // Taken back: no other one, and this one stays.
    set_grant(&mut host, id, Grant::Taken).await.unwrap();
    assert_eq!(decide(&mut ann, open_one).await, Err(not_granted()));
    for guest in [&host, &ann, &bob] {
        shown(guest, id, Grant::Taken).await;
    }
    type_into(&ann, terminal, "echo still$((1+1))\n");
    see(&bob, terminal, "still2").await;
    // The host's word about who types goes before who opened it, and a viewer's role does.
    let allow =
        |typing| move |request| TerminalToHost::SetTyping { request, terminal, participant: id, typing };
    decide(&mut host, allow(Typing::Denied)).await.unwrap();
    type_into(&ann, terminal, "echo denied$((1+1))\n");
    ann.wait("a refusal", |_| seen(&ann, terminal).refused.len() == 1).await;
    decide(&mut host, allow(Typing::Opener)).await.unwrap();
    set_role(&mut host, id, Role::Viewer).await;
    type_into(&ann, terminal, "echo lowered$((1+1))\n");
    ann.wait("a refusal", |_| seen(&ann, terminal).refused.len() == 2).await;
    let text = seen(&bob, terminal).text;
    assert!(!text.contains("denied") && !text.contains("lowered"), "{text}");
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_is_of_the_person_and_ends_with_the_role_that_takes_it() {
    let agent = TestAgent::start().await;
    let mut host = agent.join(Role::Host, "Hanna").await;
    let viewer = agent.join(Role::Viewer, "Vic").await;
    assert_eq!(set_grant(&mut host, me(&viewer), Grant::Given).await, Err(not_granted()));

    let identity = Identity::generate().unwrap();
    let invite = agent.invite(Role::Editor);
    let ann = agent.knock_as(invite.clone(), "Ann", identity.clone()).await;
    ann.wait("welcome", |client| client.role() == Role::Editor).await;
    let id = me(&ann);
    set_grant(&mut host, id, Grant::Given).await.unwrap();
    let request = |client: &mut parlor_shared::client::Client| client.request_terminal(open_one);
    let mut ann = ann;
    let first = ann.with(request);
    let ClientEvent::TerminalOpened { terminal, .. } = ann.answer(first).await.unwrap() else {
        panic!("it is opened")
    };

    // A page that was loaded anew and forgot who it was; it knows what it may once it is welcome.
    ann.with(|client| client.leave());
    ann.wait("leave taken", |client| *client.phase() == Phase::Offline).await;
    let mut again = agent.knock_as(invite, "Ann", identity.clone()).await;
    again.wait("welcome", |client| *client.phase() == Phase::Live).await;
    assert!(again.with(|client| client.rights().allows(Capability::OpenTerminal)));
    let id = me(&again);
    shown(&host, id, Grant::Given).await;
    decide(&mut again, open_one).await.unwrap();
    again.with(|client| client.subscribe_to_terminals());
    let opener = (id, Typing::Opener);
    info(&again, terminal, "hers still", |info| info.exceptions.contains(&opener)).await;
    assert!(again.with(|client| client.may_type(terminal)));
    // With a link for viewers it is not for her, and is not gone.
    let looking = agent.knock_as(agent.invite(Role::Viewer), "Ann", identity.clone()).await;
    looking.wait("welcome", |client| *client.phase() == Phase::Live).await;
    assert!(!looking.with(|client| client.rights().allows(Capability::OpenTerminal)));
    shown(&host, me(&looking), Grant::Taken).await;

    // A newcomer is told before it sees anybody.
    let bob = agent.join(Role::Editor, "Bob").await;
    let rights = bob.with(|client| client.rights_of(client.participant(id).unwrap()));
    assert!(rights.allows(Capability::OpenTerminal));

    set_role(&mut host, id, Role::Viewer).await;
    set_role(&mut host, id, Role::Editor).await;
    assert_eq!(decide(&mut again, open_one).await, Err(not_granted()), "it does not come back by itself");
    for guest in [&host, &bob, &again] {
        shown(guest, id, Grant::Taken).await;
    }
    agent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_who_asks_by_hand_opens_no_terminal_without_a_grant() {
    let agent = TestAgent::start().await;
    for role in [Role::Editor, Role::Viewer] {
        let (mut raw, _) = RawGuest::join(agent.address, &agent.invite(role), "Mallory").await;
        raw.say(&ToHost::Terminal(open_one(RequestId(7)))).await;
        assert_eq!(raw.fault().await, not_granted());
    }
    let host = agent.join(Role::Host, "Hanna").await;
    host.with(|client| client.subscribe_to_terminals());
    host.wait("the list", |client| client.knows_terminals()).await;
    assert_eq!(host.with(|client| client.terminals().count()), 0);
    agent.still_serves().await;
    agent.end().await;
}

/// Whoever paints pictures: as `chafa` does, two colours of its own in each cell, on the largest screen there is, and a little
/// more than it shows.
const PAINT: &str = r#"awk 'BEGIN { srand(7); for (line = 0; line < 300; line++) { row = ""; for (column = 0; column < 500; column++)
    row = row sprintf("\033[38;2;%d;%d;%d;48;2;%d;%d;%dm\342\226\200", rand()*256, rand()*256, rand()*256, rand()*256, rand()*256, rand()*256);
    printf "%s\033[0m\n", row } }'; printf 'painted\n'; exec cat"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_and_most_colourful_screen_reaches_everybody_and_nobody_loses_the_connection() {
    let agent = TestAgent::start().await;
    let size = TerminalSize { columns: 500, rows: 200 };
    let command = Some(PAINT.to_owned());
    let new = NewTerminal { name: None, command, size, access: Access::Collaborative };
    let terminal = agent.agent.open_terminal(new).await.unwrap();
    // One who looks all the time, and falls behind on the way; one who asks for the screen and all above it when it is there.
    let ann = watching(&agent, Role::Editor, "Ann", terminal).await;
    see(&ann, terminal, "painted").await;
    let ben = watching(&agent, Role::Viewer, "Ben", terminal).await;
    let painted = see(&ben, terminal, "painted").await;
    // The largest that colours take: every cell of the screen has two of its own.
    let cells = painted.text.rsplitn(200, '\n').skip(1).map(|line| line.matches(";48;2;").count());
    assert!(cells.filter(|cells| *cells >= 490).count() >= 190, "the colours are there");

    type_into(&ann, terminal, "and on\n");
    for guest in [&ann, &ben] {
        see(guest, terminal, "and on").await;
        let broke =
            |event: &ClientEvent| matches!(event, ClientEvent::Phase(Phase::Offline | Phase::Ended(_)));
        assert!(!guest.log.events().iter().any(broke), "the connection held");
    }
    agent.end().await;
}
