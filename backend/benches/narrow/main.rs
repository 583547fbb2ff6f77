//! A keystroke beside eight bulk streams on a narrow path: two network namespaces, 20 Mbit/s between them, 20 ms each way.
//!
//! The kernel's token bucket makes the path narrow and gives it a queue of two seconds, as bad routers have. The delay is the
//! guest's own: it holds each message back before it sends or takes it. The bulk alone, over plain TCP through the same
//! path, is what the path can carry.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use parlor::guest::{Guest, OnEvent, connect};
use parlor::transport::{Transport, TransportError};
use parlor_shared::client::{ClientEvent, ClientOptions};
use parlor_shared::document::Splice;
use parlor_shared::id::DocumentId;
use parlor_shared::invite::Invite;
use parlor_shared::message::WorkspaceToHost;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;

#[path = "../fanout/process.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod process;
#[path = "../fanout/table.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod table;

use process::Program;
use table::{Promise, Table};

const RATE: &str = "20mbit";
const DELAY: Duration = Duration::from_millis(20);
const STREAMS: usize = 8;
const HOST: &str = "10.77.0.1";
const BARE_PORT: u16 = 7999;

/// As large as a file may be that is viewed; eight take a minute and a half.
const BULK_BYTES: usize = 30 * 1024 * 1024;

/// Between two keystrokes.
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let seconds = if quick { 5 } else { 20 };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--guest", link, seconds] => return guest(link, Duration::from_secs(seconds.parse()?)),
        ["--source"] => return source(),
        ["--sink", seconds] => return sink(Duration::from_secs(seconds.parse()?)),
        _ => {}
    }
    if !is_possible() {
        eprintln!("narrow: needs root, `ip` and `tc` for its network namespaces: left out");
        return Ok(());
    }
    measure(seconds)
}

fn is_possible() -> bool {
    let runs = |program: &str, argument: &str| {
        Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
    };
    runs("ip", "-V") && runs("tc", "-V") && runs("ip", "netns") && rustix::process::geteuid().is_root()
}

// Both namespaces.

fn measure(seconds: u64) -> Result<()> {
    let network = Network::set_up()?;
    let folder = tempfile::tempdir()?;
    for number in 0..STREAMS {
        let file = std::fs::File::create(folder.path().join(format!("bulk{number}.png")))?;
        file.set_len(BULK_BYTES as u64)?;
    }
    std::fs::File::create(folder.path().join("typed.txt"))?;

    let (_source, _) = Program::start(network.host(std::env::current_exe()?).arg("--source"))?;
    let bare = output(network.guest(std::env::current_exe()?).args(["--sink", &seconds.to_string()]))?;
    let [bare] = numbers(&bare)?;

    let mut share = network.host(env!("CARGO_BIN_EXE_parlor"));
    share.arg("share").arg(folder.path()).args(["--listen", HOST, "--insecure-lan-http", "--output", "json"]);
    let state = tempfile::tempdir()?;
    let (_agent, line) = Program::start(share.env("PARLOR_STATE_DIR", state.path()))?;
    let sharing: serde_json::Value = serde_json::from_str(&line)?;
    let link = sharing["invites"][0]["url"].as_str().context("the agent names an invite")?;
    let guest =
        output(network.guest(std::env::current_exe()?).args(["--guest", link, &seconds.to_string()]))?;
    let [idle_50, idle_95, loaded_50, loaded_95, bulk] = numbers(&guest)?;

    let mut table = Table::new("narrow", &["", "keystroke p50", "p95", "bulk MB/s"]);
    let ms = |value: f64| format!("{value:.1} ms");
    table.row(vec!["nothing else".into(), ms(idle_50), ms(idle_95), "–".into()]);
    table.row(vec!["eight files read".into(), ms(loaded_50), ms(loaded_95), format!("{bulk:.2}")]);
    table.row(vec!["plain TCP".into(), "–".into(), "–".into(), format!("{bare:.2}")]);
    table.print();
    Promise::print(
        "narrow-promises",
        &[
            Promise::at_most(
                "a keystroke beside eight bulk streams: p50 rises by, ms",
                15.0,
                loaded_50 - idle_50,
            ),
            Promise::at_most(
                "a keystroke beside eight bulk streams: p95 rises by, ms",
                15.0,
                loaded_95 - idle_95,
            ),
            Promise::at_most("plain TCP's bulk, times Parlor's (1 / 90 %)", 1.111, bare / bulk),
        ],
    );
    Ok(())
}

/// Two namespaces and the path between them; gone when dropped.
struct Network {
    host: String,
    guest: String,
}

impl Network {
    fn set_up() -> Result<Self> {
        let pid = std::process::id();
        let network = Self { host: format!("parlor-host-{pid}"), guest: format!("parlor-guest-{pid}") };
        let (host, guest) = (network.host.as_str(), network.guest.as_str());
        let ip = |arguments: &[&str]| run("ip", arguments);
        ip(&["netns", "add", host])?;
        ip(&["netns", "add", guest])?;
        ip(&["-n", host, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", guest])?;
        for (namespace, address) in [(host, format!("{HOST}/24")), (guest, "10.77.0.2/24".to_owned())] {
            ip(&["-n", namespace, "addr", "add", &address, "dev", "eth0"])?;
            ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
            ip(&["-n", namespace, "link", "set", "lo", "up"])?;
            let bucket = [
                "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", RATE, "burst", "16kb", "latency", "2s",
            ];
            run("tc", &[&["-n", namespace][..], &bucket].concat())?;
        }
        Ok(network)
    }

    fn host(&self, program: impl AsRef<Path>) -> Command {
        Self::within(&self.host, program)
    }

    fn guest(&self, program: impl AsRef<Path>) -> Command {
        Self::within(&self.guest, program)
    }

    fn within(namespace: &str, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(program.as_ref());
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.host, &self.guest] {
            // One that was never made needs no end.
            let _ = run("ip", &["netns", "del", namespace]);
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("a part of the bench failed");
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn numbers<const N: usize>(text: &str) -> Result<[f64; N]> {
    let numbers = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    numbers.try_into().ok().context("a part of the bench printed something else")
}

// Plain TCP.

fn source() -> Result<()> {
    let listener = TcpListener::bind((HOST, BARE_PORT))?;
    println!("listening");
    let (mut stream, _) = listener.accept()?;
    // It ends with whoever reads.
    while stream.write_all(&[7; 64 * 1024]).is_ok() {}
    Ok(())
}

fn sink(time: Duration) -> Result<()> {
    let mut stream = TcpStream::connect((HOST, BARE_PORT))?;
    let mut buffer = vec![0; 64 * 1024];
    let started = Instant::now();
    let mut bytes = 0;
    while started.elapsed() < time {
        bytes += stream.read(&mut buffer)?;
    }
    println!("{:.3}", bytes as f64 / started.elapsed().as_secs_f64() / 1e6);
    Ok(())
}

// The guest.

fn guest(link: &str, time: Duration) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // It runs in a thread of its own: keystrokes are measured from another.
    let handle = runtime.handle().clone();
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let invite: Invite = link.parse().context("an invite")?;
    let (origin, session) = (invite.origin.clone(), invite.session.to_string());
    let (opened, is_open) = mpsc::channel();
    let (confirmed, is_confirmed) = mpsc::channel();
    let received = Arc::new(AtomicU64::new(0));
    let bulk = Arc::clone(&received);
    let on_event: OnEvent = Box::new(move |client, event| match event {
        ClientEvent::Opened { document, .. } => {
            let _ = opened.send(document);
        }
        ClientEvent::SyncChanged { document } => {
            if client.document(document).is_some_and(|open| open.is_confirmed()) {
                let _ = confirmed.send(Instant::now());
            }
        }
        ClientEvent::Chunk { bytes, .. } => {
            bulk.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        _ => {}
    });
    let identity = Identity::generate()?;
    let guest = Guest::new(
        ClientOptions { invite, identity, name: "Ann".into(), program: "native".into() },
        on_event,
    );
    let transport = handle.block_on(connect(&origin, &session))?;
    let transport = delayed(transport, &handle);
    handle.spawn(guest.serve(transport));
    guest.with(|client| client.open(WorkspacePath::parse("typed.txt").expect("a path")));
    let document = is_open.recv_timeout(PATIENCE).context("the file does not open")?;

    let idle = keystrokes(&guest, document, &is_confirmed, time / 2)?;
    for number in 0..STREAMS {
        let path = WorkspacePath::parse(&format!("bulk{number}.png")).expect("a path");
        guest.with(|client| client.workspace(|request| WorkspaceToHost::Read { request, path }));
    }
    // Until the window has found the path.
    keystrokes(&guest, document, &is_confirmed, Duration::from_secs(3))?;
    let (began, before) = (Instant::now(), received.load(Ordering::Relaxed));
    let loaded = keystrokes(&guest, document, &is_confirmed, time)?;
    let rate = (received.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64() / 1e6;
    let at = |times: &[f64], part: f64| times[(times.len() as f64 * part) as usize];
    println!("{} {} {} {} {rate}", at(&idle, 0.5), at(&idle, 0.95), at(&loaded, 0.5), at(&loaded, 0.95));
    Ok(())
}

/// Types one character after the other; gives how long each took to the host and back, in order of size.
fn keystrokes(
    guest: &Guest,
    document: DocumentId,
    confirmed: &mpsc::Receiver<Instant>,
    time: Duration,
) -> Result<Vec<f64>> {
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < time {
        while confirmed.try_recv().is_ok() {}
        let splice = Splice { at: 0, delete: 0, insert: "x".to_owned() };
        let typed = Instant::now();
        guest.with(|client| client.edit(document, &[splice]))?;
        // What was said before is not about this one.
        let back = loop {
            let at = confirmed.recv_timeout(PATIENCE).context("a keystroke is not confirmed")?;
            if at > typed + 2 * DELAY {
                break at;
            }
        };
        times.push((back - typed).as_secs_f64() * 1e3);
        std::thread::sleep(PAUSE);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The transport, each message held back on its way in and out.
fn delayed(transport: Transport, handle: &tokio::runtime::Handle) -> Transport {
    let (mut sender, mut receiver) = transport.split();
    let (to_host, mut outgoing) = tokio::sync::mpsc::channel::<(Instant, Bytes)>(16 * 1024);
    let (to_guest, mut incoming) = tokio::sync::mpsc::channel::<(Instant, Bytes)>(16 * 1024);
    handle.spawn(async move {
        while let Some((at, message)) = outgoing.recv().await {
            tokio::time::sleep_until((at + DELAY).into()).await;
            sender.feed(message).await?;
            sender.flush().await?;
        }
        Ok::<(), TransportError>(())
    });
    handle.spawn(async move {
        while let Some(Ok(message)) = receiver.next().await {
            if to_guest.send((Instant::now(), message)).await.is_err() {
                break;
            }
        }
    });
    let incoming = futures_util::stream::poll_fn(move |context| incoming.poll_recv(context)).then(
        async |(at, message): (Instant, Bytes)| {
            tokio::time::sleep_until((at + DELAY).into()).await;
            Ok(message)
        },
    );
    let outgoing = futures_util::sink::unfold(to_host, async |to_host, message: Bytes| {
        to_host.send((Instant::now(), message)).await.map_err(|_| TransportError::Gone)?;
        Ok::<_, TransportError>(to_host)
    });
    Transport::new(incoming, outgoing.sink_map_err(|error| error))
}
