//! A shared terminal beside a bare PTY over a WebSocket: how soon a key is echoed, how fast a flood reaches everybody, and
//! what it does to whoever types in a file meanwhile.
//!
//! `cargo bench -p parlor --bench terminal [-- --quick]`. Tables in Markdown go to standard output.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use parlor::guest::{Guest, OnEvent, connect, connect_over};
use parlor::transport::Transport;
use parlor_shared::client::{ClientEvent, ClientOptions, Phase};
use parlor_shared::document::Splice;
use parlor_shared::id::{DocumentId, TerminalId};
use parlor_shared::invite::Invite;
use parlor_shared::message::History;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::Message;

mod bare;
mod narrow;
#[path = "../fanout/process.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod process;
#[path = "../fanout/table.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod table;

use process::Program;
use table::{Promise, Table, mebibytes, millis};

const VIEWERS: [usize; 2] = [1, 30];
const PATIENCE: Duration = Duration::from_secs(180);

/// Lines of the flood, 26 bytes each as the terminal prints them: 16.9 MB.
const FLOOD_LINES: u32 = 650_000;
const FLOOD_BYTES: u64 = 26 * FLOOD_LINES as u64;

/// What a viewer's narrow way takes.
const NARROW_BYTES_PER_SECOND: usize = 50_000;

/// What is printed behind the flood, in pieces so that the echo of the command does not hold it.
const END: &str = "the-flood-is-over";

/// Lines of the long flood: a gigabyte.
const LONG_FLOOD_LINES: u32 = 38_500_000;

/// Whatever floods, the agent keeps to this, with thirty viewers: its lanes and screens are bounded.
const FLOODED_MEMORY_MEBIBYTES: f64 = 48.0;

/// Prints a flood as fast as a program can, and then its end.
fn flood(lines: u32) -> String {
    format!("yes 0123456789abcdefghijklmn | head -n {lines}; echo the-flood-is-'over'\n")
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--serve-bare") {
        return bare::serve();
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let keys = if quick { 100 } else { 500 };
    let mut echo =
        Table::new("terminal-echo", &["viewers", "Parlor p50", "p95", "bare p50", "p95", "p50 ratio"]);
    let mut flood = Table::new(
        "terminal-flood",
        &[
            "viewers",
            "Parlor",
            "bare",
            "ratio",
            "skipped for one viewer",
            "agent at most, MiB",
            "typing p50",
            "p99",
        ],
    );
    let mut promises = Vec::new();
    for viewers in VIEWERS {
        let bare = Side::bare(viewers)?;
        let bare_echo = bare.echoes(keys)?;
        let bare_flood = bare.flood(FLOOD_LINES)?;
        drop(bare);
        let folder = tempfile::tempdir()?;
        let parlor = Side::parlor(folder.path(), viewers)?;
        let parlor_echo = parlor.echoes(keys)?;
        let typist = Typist::begin(&parlor)?;
        let parlor_flood = parlor.flood(FLOOD_LINES)?;
        let mut typing = typist.end()?;
        typing.sort();
        let ratio = parlor_echo.p50().as_secs_f64() / bare_echo.p50().as_secs_f64();
        echo.row(vec![
            viewers.to_string(),
            millis(parlor_echo.p50()),
            millis(parlor_echo.p95()),
            millis(bare_echo.p50()),
            millis(bare_echo.p95()),
            format!("{ratio:.2}"),
        ]);
        let flood_ratio = parlor_flood.time.as_secs_f64() / bare_flood.time.as_secs_f64();
        let memory = parlor.program.memory()?.peak_bytes;
        let typing = Times(typing);
        flood.row(vec![
            viewers.to_string(),
            millis(parlor_flood.time),
            millis(bare_flood.time),
            format!("{flood_ratio:.2}"),
            format!("{:.1} %", 100.0 * parlor_flood.skipped as f64 / FLOOD_BYTES as f64),
            mebibytes(memory),
            millis(typing.p50()),
            millis(typing.p(99)),
        ]);
        promises.push(match viewers {
            1 => Promise::at_most("echo to 1 viewer: p50, times the bare one's", 1.5, ratio),
            _ => Promise::at_most("echo to 30 viewers: p50, times the bare one's", 1.5, ratio),
        });
        if viewers > 1 && !quick {
            parlor.flood(LONG_FLOOD_LINES)?;
            promises.push(Promise::at_most(
                "a flood of 1 GB to 30 viewers: the agent's memory at most, MiB",
                FLOODED_MEMORY_MEBIBYTES,
                parlor.program.memory()?.peak_bytes as f64 / f64::from(1 << 20),
            ));
        }
        if viewers > 1 {
            promises.push(Promise::at_most(
                "a flood of 16.9 MB to 30 viewers, times the bare one's",
                1.5,
                flood_ratio,
            ));
            promises.push(Promise::at_most(
                "typing in a file during the flood: p99, ms",
                50.0,
                typing.p(99).as_secs_f64() * 1000.0,
            ));
        }
    }
    let behind = behind()?;
    promises.push(Promise::at_most(
        "a viewer at 50 KB/s sees the flood's end after the others, ms",
        1000.0,
        behind.as_secs_f64() * 1000.0,
    ));
    echo.print();
    flood.print();
    Promise::print("terminal-promises", &promises);
    Ok(())
}

/// How long after the others a viewer sees the end of a flood whose way takes 50 KB/s.
fn behind() -> Result<Duration> {
    let folder = tempfile::tempdir()?;
    let side = Side::parlor(folder.path(), 2)?;
    let (origin, invite) = side.agent.clone().context("it is Parlor's")?;
    let stream = narrow::open(&side.runtimes[1], &origin, NARROW_BYTES_PER_SECOND)?;
    let address = origin.trim_start_matches("http://");
    let way = side.runtimes[1].block_on(connect_over(stream, address, &invite.session.to_string()))?;
    let (slow, _guest, _) = view(&side.runtimes[1], way, &invite)?;
    slow.watch_for(END);
    side.flood(FLOOD_LINES)?;
    let others = now();
    Ok(slow.wait()?.saturating_duration_since(others))
}

/// Types into a terminal.
type TypeIn = Box<dyn Fn(&str) -> Result<()>>;

/// A terminal and everybody who looks at it: one of them types.
struct Side {
    program: Program,
    type_in: TypeIn,
    seen: Vec<Arc<Seen>>,
    agent: Option<(String, Invite)>,
    /// The viewers share one thread, the typist has another, on both sides alike.
    runtimes: [Runtime; 2],
}

/// What a viewer has seen.
struct Seen {
    bytes: AtomicU64,
    skipped: AtomicU64,
    /// Told whenever a piece ends with the mark that is waited for.
    marks: mpsc::SyncSender<Instant>,
    marked: parking_lot::Mutex<(String, Vec<u8>, mpsc::Receiver<Instant>)>,
}

impl Seen {
    fn new() -> Self {
        let (marks, marked) = mpsc::sync_channel(16);
        Self {
            bytes: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            marks,
            marked: parking_lot::Mutex::new((String::new(), Vec::new(), marked)),
        }
    }

    /// Takes in output, and looks for the mark in what came last.
    fn takes(&self, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut marked = self.marked.lock();
        let (mark, tail, _) = &mut *marked;
        if mark.is_empty() {
            return;
        }
        tail.extend(bytes);
        if tail.windows(mark.len()).any(|window| window == mark.as_bytes()) {
            mark.clear();
            tail.clear();
            let _ = self.marks.try_send(now());
        } else {
            let keep = mark.len() - 1;
            let cut = tail.len().saturating_sub(keep);
            tail.drain(..cut);
        }
    }

    fn watch_for(&self, mark: &str) {
        let mut marked = self.marked.lock();
        marked.0 = mark.to_owned();
        marked.1.clear();
        while marked.2.try_recv().is_ok() {}
    }

    fn wait(&self) -> Result<Instant> {
        let deadline = now() + PATIENCE;
        loop {
            if let Ok(at) = self.marked.lock().2.try_recv() {
                return Ok(at);
            }
            ensure!(now() < deadline, "a viewer never saw what was printed");
            #[expect(clippy::disallowed_methods, reason = "a bench may wait")]
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

struct Times(Vec<Duration>);

impl Times {
    fn p(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    fn p50(&self) -> Duration {
        self.p(50)
    }

    fn p95(&self) -> Duration {
        self.p(95)
    }
}

struct Flood {
    time: Duration,
    /// For the viewer for whom most was.
    skipped: u64,
}

impl Side {
    /// A shell in Parlor, with guests.
    fn parlor(folder: &Path, viewers: usize) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.arg("share").arg(folder).args([
            "--output",
            "json",
            "--shell",
            "/bin/sh",
            "--terminal",
            bare::SHELL,
        ]);
        let state = folder.with_extension("state");
        command.args(["--terminal-access", "collaborative"]).env("PARLOR_STATE_DIR", &state);
        std::fs::File::create(folder.join("typed.txt"))?;
        let (program, line) = Program::start(&mut command)?;
        let sharing: serde_json::Value = serde_json::from_str(&line)?;
        let link = sharing["invites"][0]["url"].as_str().context("the agent gives no link")?;
        let origin = format!("http://{}", sharing["listen"].as_str().context("no address")?);
        let invite: Invite = link.parse()?;
        let runtimes = [runtime()?, runtime()?];
        let mut seen = Vec::new();
        let mut typist = None;
        for viewer in 0..viewers {
            let runtime = &runtimes[usize::from(viewer == 0)];
            let way = reach(runtime, &origin, &invite)?;
            let (own, guest, terminal) = view(runtime, way, &invite)?;
            if viewer == 0 {
                typist = Some((guest, terminal));
            }
            seen.push(own);
        }
        let (guest, terminal) = typist.context("there is a viewer")?;
        let type_in = Box::new(move |text: &str| {
            let typed = guest.with(|client| client.type_into(terminal, text.as_bytes()));
            typed.map_err(|fault| anyhow::anyhow!("refused: {fault}"))
        });
        Ok(Self { program, type_in, seen, agent: Some((origin, invite)), runtimes })
    }

    /// A shell on bare sockets.
    fn bare(viewers: usize) -> Result<Self> {
        let (program, port) = Program::start(Command::new(std::env::current_exe()?).arg("--serve-bare"))?;
        let address = format!("127.0.0.1:{}", port.trim());
        let runtimes = [runtime()?, runtime()?];
        let mut seen = Vec::new();
        let mut keys = None;
        for viewer in 0..viewers {
            let own = Arc::new(Seen::new());
            let sink = Arc::clone(&own);
            let runtime = &runtimes[usize::from(viewer == 0)];
            let (socket, _) = runtime.block_on(async {
                let stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                Ok::<_, anyhow::Error>(
                    tokio_tungstenite::client_async(format!("ws://{address}/"), stream).await?,
                )
            })?;
            let (mut output, mut input) = socket.split();
            if viewer == 0 {
                let (sender, mut typed) = tokio::sync::mpsc::channel::<Vec<u8>>(1024);
                keys = Some(sender);
                runtime.spawn(async move {
                    while let Some(bytes) = typed.recv().await {
                        if output.send(Message::Binary(bytes.into())).await.is_err() {
                            return;
                        }
                    }
                });
            }
            runtime.spawn(async move {
                while let Some(Ok(message)) = input.next().await {
                    if let Message::Binary(bytes) = message {
                        sink.takes(&bytes);
                    }
                }
            });
            seen.push(own);
        }
        let keys = keys.context("there is a viewer")?;
        let type_in = Box::new(move |text: &str| Ok(keys.try_send(text.as_bytes().to_vec())?));
        Ok(Self { program, type_in, seen, agent: None, runtimes })
    }

    /// Types so many keys, each when the last one was echoed to the typist.
    fn echoes(&self, keys: usize) -> Result<Times> {
        // The shell is there once it answers.
        self.seen[0].watch_for("ready-to-go");
        // It ends by itself: what is typed right behind a Ctrl-C may be read by the program that is dying.
        (self.type_in)(&format!("stty -icanon; echo ready-to-'go'; head -c {keys} > /dev/null\n"))?;
        self.seen[0].wait()?;
        let mut times = Vec::new();
        for key in 0..keys {
            let key = char::from(b'A' + (key % 26) as u8).to_string();
            self.seen[0].watch_for(&key);
            let typed = now();
            (self.type_in)(&key)?;
            times.push(self.seen[0].wait()? - typed);
            #[expect(clippy::disallowed_methods, reason = "a person pauses between two keys")]
            std::thread::sleep(Duration::from_millis(3));
        }
        times.sort();
        Ok(Times(times))
    }

    /// Lets the flood come and waits until everybody has seen its end.
    fn flood(&self, lines: u32) -> Result<Flood> {
        for seen in &self.seen {
            seen.skipped.store(0, Ordering::Relaxed);
            seen.watch_for(END);
        }
        let started = now();
        (self.type_in)(&flood(lines))?;
        let mut last = started;
        for seen in &self.seen {
            last = last.max(seen.wait()?);
        }
        let skipped = self.seen.iter().map(|seen| seen.skipped.load(Ordering::Relaxed)).max();
        Ok(Flood { time: last - started, skipped: skipped.unwrap_or_default() })
    }
}

/// Somebody who types in a file, twenty keys a second, until told to stop.
struct Typist {
    stop: Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<Result<Vec<Duration>>>,
}

impl Typist {
    fn begin(side: &Side) -> Result<Self> {
        let (origin, invite) = side.agent.clone().context("only Parlor has files")?;
        let (opened, is_open) = mpsc::sync_channel::<DocumentId>(1);
        let (synced, is_synced) = mpsc::sync_channel::<()>(64);
        let on_event: OnEvent = Box::new(move |client, event| match event {
            ClientEvent::Opened { document, .. } => drop(opened.try_send(document)),
            ClientEvent::SyncChanged { document } => {
                let confirmed = client.unconfirmed().all(|mark| mark.document != document);
                if confirmed {
                    let _ = synced.try_send(());
                }
            }
            _ => {}
        });
        let way = reach(&side.runtimes[1], &origin, &invite)?;
        let guest = join(&side.runtimes[1], way, &invite, on_event)?;
        guest.with(|client| WorkspacePath::parse("typed.txt").map(|path| client.open(path)))?;
        let document = is_open.recv_timeout(PATIENCE)?;
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut times = Vec::new();
            while !stopped.load(Ordering::Relaxed) || times.is_empty() {
                while is_synced.try_recv().is_ok() {}
                let typed = now();
                let splice = Splice { at: 0, delete: 0, insert: "x".to_owned() };
                guest
                    .with(|client| client.edit(document, &[splice]))
                    .map_err(|fault| anyhow::anyhow!("refused: {fault}"))?;
                is_synced.recv_timeout(PATIENCE).context("a key was never confirmed")?;
                times.push(typed.elapsed());
                #[expect(clippy::disallowed_methods, reason = "a person pauses between two keys")]
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(times)
        });
        Ok(Self { stop, thread })
    }

    fn end(self) -> Result<Vec<Duration>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the typist panicked"))?
    }
}

/// Joins and looks at the terminal that is shared.
fn view(runtime: &Runtime, way: Transport, invite: &Invite) -> Result<(Arc<Seen>, Guest, TerminalId)> {
    let own = Arc::new(Seen::new());
    let sink = Arc::clone(&own);
    let (shown, is_shown) = mpsc::sync_channel::<()>(1);
    let on_event: OnEvent = Box::new(move |_, event| match event {
        ClientEvent::TerminalScreen { skipped, bytes, .. } => {
            sink.skipped.fetch_add(skipped, Ordering::Relaxed);
            sink.takes(&bytes);
            let _ = shown.try_send(());
        }
        ClientEvent::TerminalOutput { bytes, .. } => sink.takes(&bytes),
        _ => {}
    });
    let guest = join(runtime, way, invite, on_event)?;
    guest.with(|client| client.subscribe_to_terminals());
    let deadline = now() + PATIENCE;
    let terminal = loop {
        if let Some(terminal) = guest.with(|client| client.terminals().next().map(|info| info.terminal)) {
            break terminal;
        }
        ensure!(now() < deadline, "no terminal is shared");
        #[expect(clippy::disallowed_methods, reason = "a bench may wait")]
        std::thread::sleep(Duration::from_millis(1));
    };
    guest.with(|client| client.watch_terminal(terminal, History::Kept));
    is_shown.recv_timeout(PATIENCE).context("a viewer got no screen")?;
    Ok((own, guest, terminal))
}

fn reach(runtime: &Runtime, origin: &str, invite: &Invite) -> Result<Transport> {
    Ok(runtime.block_on(connect(origin, &invite.session.to_string()))?)
}

fn join(runtime: &Runtime, way: Transport, invite: &Invite, on_event: OnEvent) -> Result<Guest> {
    let options = ClientOptions {
        invite: invite.clone(),
        identity: Identity::generate()?,
        name: "Guest".to_owned(),
        program: "bench".to_owned(),
    };
    let guest = Guest::new(options, on_event);
    runtime.spawn(guest.serve(way));
    let deadline = now() + PATIENCE;
    while guest.with(|client| *client.phase() != Phase::Live) {
        ensure!(now() < deadline, "a guest was not let in");
        #[expect(clippy::disallowed_methods, reason = "a bench may wait")]
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(guest)
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}
