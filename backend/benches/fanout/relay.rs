//! The yardstick: a relay that knows nothing and passes every message on to all other sockets, in a process of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// Messages that may wait for the slowest socket; one that lags further is cut.
const BACKLOG: usize = 16 * 1024;

/// What a download is cut into: as much as one sealed frame holds.
const PIECE_BYTES: usize = 16 * 1024;

#[derive(Clone)]
struct Hub {
    messages: broadcast::Sender<(u64, Bytes)>,
    sockets: Arc<AtomicU64>,
}

/// Serves until the process is killed. Prints its port.
pub(crate) fn serve() -> Result<()> {
    // The same kind of runtime as the agent's.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        let hub = Hub { messages: broadcast::channel(BACKLOG).0, sockets: Arc::default() };
        let router =
            Router::new().route("/room", get(join)).route("/download/{bytes}", get(download)).with_state(hub);
        let listener = listener.tap_io(|stream| {
            // Without it nothing is comparable, but it runs.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await.context("the relay ended")
    })
}

async fn join(State(hub): State<Hub>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| pass_on(socket, hub).await)
}

async fn pass_on(socket: WebSocket, hub: Hub) {
    let me = hub.sockets.fetch_add(1, Ordering::Relaxed);
    let mut messages = hub.messages.subscribe();
    let (mut sink, mut stream) = socket.split();
    let write = async {
        while let Ok(first) = messages.recv().await {
            let mut next = Some(first);
            // What waits already shares one flush.
            while let Some((from, message)) = next {
                if from != me {
                    sink.feed(Message::Binary(message)).await?;
                }
                next = messages.try_recv().ok();
            }
            sink.flush().await?;
        }
        Ok::<(), axum::Error>(())
    };
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Binary(bytes) = message {
                // Nobody may be listening yet.
                let _ = hub.messages.send((me, bytes));
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

async fn download(
    axum::extract::Path(bytes): axum::extract::Path<usize>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(PIECE_BYTES);
            left -= piece;
            if socket.feed(Message::Binary(vec![b'x'; piece].into())).await.is_err() {
                return;
            }
        }
        // Whoever hung up early does not want the rest.
        let _ = socket.flush().await;
        let _ = socket.recv().await;
    })
}
