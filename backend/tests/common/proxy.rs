//! Somebody in the middle: passes everything between a guest and the agent on, keeps a copy, and changes what it likes.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::TaskTracker;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToHost,
    ToGuest,
}

/// What becomes of one message: those that are sent in its place.
pub type Tamper = Box<dyn FnMut(Way, Bytes) -> Vec<Bytes> + Send>;

/// Ends with the test.
pub struct Proxy {
    pub address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Serves one WebSocket connection after the other.
    pub async fn tampering(agent: SocketAddr, tamper: Tamper) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tamper = Arc::new(Mutex::new(tamper));
        let tasks = TaskTracker::new();
        let accept = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let guest = tokio_tungstenite::accept_async(stream).await.unwrap();
                let host = super::raw::open_socket(agent).await;
                let (mut to_guest, mut from_guest) = guest.split();
                let (mut to_host, mut from_host) = host.split();
                let (one, other) = (Arc::clone(&tamper), Arc::clone(&tamper));
                tasks.spawn(async move {
                    while let Some(Ok(Message::Binary(bytes))) = from_guest.next().await {
                        let messages = one.lock()(Way::ToHost, bytes);
                        for bytes in messages {
                            let _ = to_host.send(Message::Binary(bytes)).await;
                        }
                    }
                    let _ = to_host.close().await;
                });
                tasks.spawn(async move {
                    while let Some(Ok(Message::Binary(bytes))) = from_host.next().await {
                        let messages = other.lock()(Way::ToGuest, bytes);
                        for bytes in messages {
                            let _ = to_guest.send(Message::Binary(bytes)).await;
                        }
                    }
                    let _ = to_guest.close().await;
                });
            }
        };
        Self { address, task: TaskTracker::new().spawn(accept).abort_handle() }
    }

    /// Passes every byte on, of whatever protocol, and keeps it.
    pub async fn capturing(agent: SocketAddr, captured: Arc<Mutex<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskTracker::new();
        let accept = async move {
            loop {
                let (guest, _) = listener.accept().await.unwrap();
                let host = TcpStream::connect(agent).await.unwrap();
                let (from_guest, to_guest) = guest.into_split();
                let (from_host, to_host) = host.into_split();
                // The agent answers only to its own name.
                let names = (address.to_string(), agent.to_string());
                tasks.spawn(copy(from_guest, to_host, names.clone(), Arc::clone(&captured)));
                tasks.spawn(copy(from_host, to_guest, names, Arc::clone(&captured)));
            }
        };
        Self { address, task: TaskTracker::new().spawn(accept).abort_handle() }
    }
}

async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    (ours, its): (String, String),
    captured: Arc<Mutex<Vec<u8>>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut named = false;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        captured.lock().extend_from_slice(&buffer[..read]);
        let passed = match std::str::from_utf8(&buffer[..read]) {
            Ok(head) if !named => head.replace(&ours, &its).into_bytes(),
            Ok(_) | Err(_) => buffer[..read].to_vec(),
        };
        named = true;
        if to.write_all(&passed).await.is_err() {
            return;
        }
    }
}
