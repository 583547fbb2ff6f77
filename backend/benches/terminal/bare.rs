//! The yardstick: a shell behind a PTY whose output goes to every socket as it comes, in a process of its own. No sealing, no
//! emulator, nobody who decides.

use std::io::{Read as _, Write as _};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

/// The shell on both sides.
pub(crate) const SHELL: &str = "exec /bin/sh -i";

/// Pieces of output that wait for the slowest socket: the whole flood, since nothing may be missing.
const BACKLOG: usize = 64 * 1024;

#[derive(Clone)]
struct Shell {
    output: broadcast::Sender<Bytes>,
    input: mpsc::Sender<Bytes>,
}

/// Serves until the process is killed. Prints its port.
pub(crate) fn serve() -> Result<()> {
    // The same kind of runtime as the agent's.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        let pair =
            native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 })?;
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-c", SHELL]);
        command.env("TERM", "xterm-256color");
        let _child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let mut writer = pair.master.take_writer()?;
        let (output, _) = broadcast::channel(BACKLOG);
        let (input, mut keys) = mpsc::channel::<Bytes>(64);
        let sender = output.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                // Nobody may be listening yet.
                let _ = sender.send(Bytes::copy_from_slice(&buffer[..read]));
            }
        });
        std::thread::spawn(move || {
            while let Some(bytes) = keys.blocking_recv() {
                if writer.write_all(&bytes).and_then(|()| writer.flush()).is_err() {
                    return;
                }
            }
        });
        let router = Router::new().route("/", get(join)).with_state(Shell { output, input });
        let listener = listener.tap_io(|stream| {
            // Without it nothing is comparable, but it runs.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await.context("the bare terminal ended")
    })
}

async fn join(State(shell): State<Shell>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| pass_on(socket, shell).await)
}

async fn pass_on(socket: WebSocket, shell: Shell) {
    let mut output = shell.output.subscribe();
    let (mut sink, mut stream) = socket.split();
    let write = async {
        while let Ok(first) = output.recv().await {
            let mut next = Some(first);
            // What waits already shares one flush.
            while let Some(bytes) = next {
                sink.feed(Message::Binary(bytes)).await?;
                next = output.try_recv().ok();
            }
            sink.flush().await?;
        }
        Ok::<(), axum::Error>(())
    };
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Binary(bytes) = message {
                let _ = shell.input.send(bytes).await;
            }
        }
    };
    // Both arms are given up together: the socket is over.
    tokio::select! {
        biased;
        _ = write => {}
        () = read => {}
    }
}
