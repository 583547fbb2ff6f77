//! One writer and its receivers around a program under measurement: guests around the agent, plain sockets around the relay.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use parlor::guest::{Guest, OnEvent, connect};
use parlor::transport::{Transport, TransportError};
use parlor_shared::client::{ClientEvent, ClientOptions};
use parlor_shared::document::Splice;
use parlor_shared::id::DocumentId;
use parlor_shared::invite::Invite;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::board::{Arrived, Board, now, pause};
use crate::process::Program;

/// An edit inserts its sequence: seven digits and a line's end.
const EDIT_UNITS: usize = 8;

/// Joining and opening take milliseconds; what takes so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Edits that wait for the relay's writer, as they wait in a guest's replica.
const WRITER_QUEUE: usize = 64 * 1024;

/// Makes the edit with this sequence.
type Write = Box<dyn FnMut(u32) -> Result<()>>;

/// A program and everybody around it.
pub(crate) struct Party {
    pub(crate) program: Program,
    board: Arc<Board>,
    write: Write,
    last: u32,
    /// Receivers share one thread and the writer has another, on both sides alike.
    _runtimes: [Runtime; 2],
}

/// What a burst of edits came to.
pub(crate) struct Burst {
    pub(crate) arrived: Arrived,
    /// Of the program under measurement.
    pub(crate) cpu: Duration,
    /// Edits a second as they were really made.
    pub(crate) rate: f64,
}

impl Party {
    /// Starts an agent with an empty file that everybody opens.
    pub(crate) fn around_agent(folder: &Path, receivers: usize) -> Result<Self> {
        let agent = Agent::start(folder)?;
        let runtimes = [runtime()?, runtime()?];
        let board = Arc::new(Board::new(receivers));
        for receiver in 0..receivers {
            let board = Arc::clone(&board);
            let (opened, is_open) = mpsc::sync_channel(1);
            let on_event: OnEvent = Box::new(move |_, event| match event {
                ClientEvent::Changed { runs, .. } => {
                    let splices = || runs.iter().flat_map(|run| &run.splices);
                    let inserted: usize = splices().map(|splice| splice.insert.len()).sum();
                    let count = (inserted / EDIT_UNITS) as u32;
                    let last = splices().rev().find(|splice| !splice.insert.is_empty());
                    let last = last.and_then(|splice| sequence_at_end(&splice.insert)).unwrap_or_default();
                    board.has(receiver, count, last);
                }
                ClientEvent::Opened { document, .. } => {
                    // The main thread waits for the first one only.
                    let _ = opened.try_send(document);
                }
                _ => {}
            });
            agent.join(&runtimes[0], on_event, "edited.txt", Count::No)?;
            is_open.recv_timeout(PATIENCE).context("a receiver could not open the file")?;
        }
        let (opened, is_open) = mpsc::sync_channel(1);
        let on_event: OnEvent = Box::new(move |_, event| {
            if let ClientEvent::Opened { document, .. } = event {
                let _ = opened.try_send(document);
            }
        });
        let writer = agent.join(&runtimes[1], on_event, "edited.txt", Count::No)?;
        let document = is_open.recv_timeout(PATIENCE).context("the writer could not open the file")?;
        let write: Write = Box::new(move |sequence| write_edit(&writer, document, sequence));
        Ok(Self { program: agent.program, board, write, last: 0, _runtimes: runtimes })
    }

    /// Starts a relay that passes on messages of this size.
    pub(crate) fn around_relay(message_bytes: usize, receivers: usize) -> Result<Self> {
        let relay = Relay::start()?;
        let runtimes = [runtime()?, runtime()?];
        let board = Arc::new(Board::new(receivers));
        for receiver in 0..receivers {
            let board = Arc::clone(&board);
            let mut socket = runtimes[0].block_on(relay.connect("room"))?;
            runtimes[0].spawn(async move {
                while let Some(Ok(message)) = socket.next().await {
                    let Message::Binary(bytes) = message else { continue };
                    let Some((sequence, _)) = bytes.split_first_chunk() else { continue };
                    match u32::from_be_bytes(*sequence) {
                        0 => board.is_reached(receiver),
                        sequence => board.has(receiver, 1, sequence),
                    }
                }
            });
        }
        let mut socket = runtimes[1].block_on(relay.connect("room"))?;
        let (sender, mut waiting) = tokio::sync::mpsc::channel::<Bytes>(WRITER_QUEUE);
        runtimes[1].spawn(async move {
            while let Some(first) = waiting.recv().await {
                let mut next = Some(first);
                while let Some(message) = next {
                    socket.feed(Message::Binary(message)).await?;
                    next = waiting.try_recv().ok();
                }
                socket.flush().await?;
            }
            Ok::<(), tokio_tungstenite::tungstenite::Error>(())
        });
        let write: Write = Box::new(move |sequence| {
            let mut message = vec![b'x'; message_bytes.max(4)];
            message[..4].copy_from_slice(&sequence.to_be_bytes());
            sender.try_send(message.into()).context("the relay's writer is stuck")
        });
        let mut party = Self { program: relay.program, board, write, last: 0, _runtimes: runtimes };
        // The last socket may not have subscribed when its upgrade is answered: nothing counts before one edit came
        // to everybody.
        party.settle()?;
        Ok(party)
    }

    fn settle(&mut self) -> Result<()> {
        let deadline = now() + PATIENCE;
        while !self.board.all_are_reached() {
            if now() > deadline {
                bail!("the relay passes nothing on");
            }
            (self.write)(0)?;
            pause(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Edits at this rate for so long, then waits until everybody has everything.
    pub(crate) fn burst(&mut self, rate: u32, time: Duration) -> Result<Burst> {
        let count = (f64::from(rate) * time.as_secs_f64()) as u32;
        let before = self.program.cpu()?;
        let started = now();
        for index in 0..count {
            // By the schedule and not by the last edit: a late one does not put off those after it.
            let due = Duration::from_secs_f64(f64::from(index) / f64::from(rate));
            let early = due.saturating_sub(started.elapsed());
            if !early.is_zero() {
                pause(early);
            }
            self.last += 1;
            self.board.sends(self.last);
            (self.write)(self.last)?;
        }
        let rate = f64::from(count) / started.elapsed().as_secs_f64();
        self.board.wait_for(self.last)?;
        let cpu = self.program.cpu()?.saturating_sub(before);
        Ok(Burst { arrived: self.board.take()?, cpu, rate })
    }
}

fn sequence_at_end(inserted: &str) -> Option<u32> {
    inserted.get(inserted.len().checked_sub(EDIT_UNITS)?..)?.trim_end().parse().ok()
}

fn write_edit(writer: &Guest, document: DocumentId, sequence: u32) -> Result<()> {
    writer.with(|client| {
        let open = client.document(document).context("the writer's document is closed")?;
        let at = open.document().len();
        let splice = Splice { at, delete: 0, insert: format!("{sequence:07}\n") };
        client.edit(document, &[splice]).map_err(|fault| anyhow::anyhow!("refused: {fault}"))
    })
}

pub(crate) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// Whether a guest's incoming messages are measured.
#[derive(Clone)]
pub(crate) enum Count {
    No,
    Into(Arc<Mutex<Vec<usize>>>),
}

/// A released agent that shares a folder.
pub(crate) struct Agent {
    pub(crate) program: Program,
    pub(crate) origin: String,
    invite: Invite,
}

impl Agent {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, &mut Command::new(env!("CARGO_BIN_EXE_parlor")))
    }

    /// One whose session survives its being killed, in a folder of its own.
    pub(crate) fn start_keeping(folder: &Path, state: &Path) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        Self::start_with(folder, command.env("PARLOR_STATE_DIR", state))
    }

    fn start_with(folder: &Path, command: &mut Command) -> Result<Self> {
        let (program, line) = Program::start(command.arg("share").arg(folder).args(["--output", "json"]))?;
        let sharing: serde_json::Value = serde_json::from_str(&line)?;
        let link =
            sharing["invites"].as_array().into_iter().flatten().find(|invite| invite["role"] == "editor");
        let link =
            link.and_then(|invite| invite["url"].as_str()).context("the agent gives no editor's link")?;
        let listen = sharing["listen"].as_str().context("the agent does not say where it listens")?;
        Ok(Self { program, origin: format!("http://{listen}"), invite: link.parse()? })
    }

    /// Connects a guest that opens a file; what happens to it is told to `on_event`.
    pub(crate) fn join(
        &self,
        runtime: &Runtime,
        on_event: OnEvent,
        file: &str,
        count: Count,
    ) -> Result<Guest> {
        let guest = Guest::new(self.guest_options(Identity::generate()?), on_event);
        let transport = self.connect(runtime)?;
        let transport = match count {
            Count::No => transport,
            Count::Into(sizes) => counting(transport, sizes),
        };
        runtime.spawn(guest.serve(transport));
        guest.with(|client| WorkspacePath::parse(file).map(|path| client.open(path)))?;
        Ok(guest)
    }

    /// What a guest of this agent needs to know.
    pub(crate) fn guest_options(&self, identity: Identity) -> ClientOptions {
        ClientOptions {
            invite: self.invite.clone(),
            identity,
            name: "Guest".to_owned(),
            program: "bench".to_owned(),
        }
    }

    /// A socket to it.
    pub(crate) fn connect(&self, runtime: &Runtime) -> Result<Transport> {
        Ok(runtime.block_on(connect(&self.origin, &self.invite.session.to_string()))?)
    }
}

/// The same transport; the sizes of incoming messages are noted.
fn counting(transport: Transport, sizes: Arc<Mutex<Vec<usize>>>) -> Transport {
    let (sender, receiver) = transport.split();
    let incoming = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.next().await.map(|message| (message, receiver))
    });
    let incoming = incoming.inspect(move |message| {
        if let Ok(bytes) = message {
            sizes.lock().push(bytes.len());
        }
    });
    let outgoing = futures_util::sink::unfold(sender, |mut sender, message: Bytes| async move {
        sender.feed(message).await?;
        sender.flush().await?;
        Ok::<_, TransportError>(sender)
    });
    Transport::new(incoming, outgoing)
}

/// The bytes of one edit on its way to a receiver: a sealed message, as the WebSocket carries it.
pub(crate) fn edit_bytes(folder: &Path) -> Result<usize> {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let agent = Agent::start(folder)?;
    let runtime = runtime()?;
    let (opened, is_open) = mpsc::sync_channel(2);
    let (changed, has_changed) = mpsc::sync_channel(1);
    let open = |opened: mpsc::SyncSender<DocumentId>, changed: Option<mpsc::SyncSender<()>>| -> OnEvent {
        Box::new(move |_, event| match event {
            ClientEvent::Opened { document, .. } => drop(opened.try_send(document)),
            ClientEvent::Changed { .. } => drop(changed.as_ref().map(|changed| changed.try_send(()))),
            _ => {}
        })
    };
    let receiver = open(opened.clone(), Some(changed));
    let _receiver = agent.join(&runtime, receiver, "edited.txt", Count::Into(Arc::clone(&sizes)))?;
    is_open.recv_timeout(PATIENCE)?;
    let writer = agent.join(&runtime, open(opened, None), "edited.txt", Count::No)?;
    let document = is_open.recv_timeout(PATIENCE)?;
    let mut one_edit = Vec::new();
    for sequence in 1..=21 {
        sizes.lock().clear();
        write_edit(&writer, document, sequence)?;
        has_changed.recv_timeout(PATIENCE)?;
        // News of the file's state may come beside it; the edit is the first.
        one_edit.extend(sizes.lock().first());
    }
    one_edit.sort_unstable();
    one_edit.get(one_edit.len() / 2).copied().context("no edit arrived")
}

/// A bare relay in a process of its own.
pub(crate) struct Relay {
    pub(crate) program: Program,
    port: u16,
}

impl Relay {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let (program, port) = Program::start(command.arg("--serve-relay"))?;
        Ok(Self { program, port: port.trim().parse()? })
    }

    pub(crate) async fn connect(&self, path: &str) -> Result<WebSocketStream<TcpStream>> {
        let address = format!("127.0.0.1:{}", self.port);
        let stream = TcpStream::connect(&address).await?;
        stream.set_nodelay(true)?;
        Ok(tokio_tungstenite::client_async(format!("ws://{address}/{path}"), stream).await?.0)
    }
}
