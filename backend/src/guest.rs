//! A guest without a browser: the same client on a native socket. For tests, benches and, later, `parlor join`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use parlor_shared::client::{Client, ClientEvent, ClientOptions, Phase};
use parlor_shared::limits::MAX_TRANSPORT_MESSAGE_BYTES;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::transport::{Receiver, Sender, Transport, TransportError};

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The link's origin is not `http://host:port`.
    #[error("the link's address can not be reached without a browser: {0}")]
    Address(String),
    /// Nobody answers there.
    #[error("nobody answers at {0}")]
    Unreachable(String, #[source] std::io::Error),
    /// Whoever answers is no Parlor host.
    #[error("whoever answers at {0} is no Parlor host")]
    NotParlor(String),
}

/// Opens a transport to the session of a link.
///
/// # Errors
/// If nobody answers, or somebody else.
pub async fn connect(origin: &str, session: &str) -> Result<Transport, ConnectError> {
    let address = origin.strip_prefix("http://").ok_or_else(|| ConnectError::Address(origin.to_owned()))?;
    let unreachable = |error| ConnectError::Unreachable(address.to_owned(), error);
    let stream = TcpStream::connect(address).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    connect_over(stream, address, session).await
}

/// Opens a transport over a stream that leads to an agent at this address, perhaps by another way.
///
/// # Errors
/// If whoever is there is no agent with this session.
pub async fn connect_over(
    stream: TcpStream,
    address: &str,
    session: &str,
) -> Result<Transport, ConnectError> {
    let config = WebSocketConfig::default()
        .read_buffer_size(20 * 1024)
        .max_message_size(Some(MAX_TRANSPORT_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_TRANSPORT_MESSAGE_BYTES));
    let url = format!("ws://{address}/s/{session}/socket");
    let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config))
        .await
        .map_err(|_| ConnectError::NotParlor(address.to_owned()))?;
    let (sink, stream) = socket.split();
    let incoming = stream.filter_map(async |message| match message {
        Ok(Message::Binary(bytes)) => Some(Ok(bytes)),
        Ok(_) => None,
        Err(_) => Some(Err(TransportError::Gone)),
    });
    let outgoing = sink
        .sink_map_err(|_| TransportError::Gone)
        .with(async |bytes| Ok::<_, TransportError>(Message::Binary(bytes)));
    Ok(Transport::new(incoming, outgoing))
}

/// Called for everything that happens, in order, with the client as it is then.
pub type OnEvent = Box<dyn FnMut(&Client, ClientEvent) + Send>;

/// A guest in the background. Its client is reached by [`Guest::with`]; a task sends and receives for it.
///
/// Safety: the client is locked for single calls, never across an await. Liveness: whoever changes the client through
/// [`Guest::with`] wakes the task, which sends what the change left to be sent.
#[derive(Clone)]
pub struct Guest {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Notify,
    started: Instant,
}

struct State {
    client: Client,
    on_event: OnEvent,
    /// The connection that the running task serves; a newer one, or none, ends it.
    connection: u64,
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Guest")
    }
}

impl Guest {
    /// A guest that is not connected yet.
    pub fn new(options: ClientOptions, on_event: OnEvent) -> Self {
        let state = State { client: Client::new(options), on_event, connection: 0 };
        let shared = Shared { state: Mutex::new(state), wake: Notify::new(), started: Instant::now() };
        Self { shared: Arc::new(shared) }
    }

    /// Greets the host over a transport; the future serves it until it ends and is to be spawned. What served an
    /// earlier transport ends.
    pub fn serve(&self, transport: Transport) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        let connection = {
            let mut state = shared.state.lock();
            state.connection += 1;
            state.client.disconnected();
            state.client.connected(shared.started.elapsed());
            state.connection
        };
        shared.wake.notify_waiters();
        async move {
            let (sender, receiver) = transport.split();
            shared.serve(connection, sender, receiver).await;
        }
    }

    /// Cuts the connection, as if the network had.
    pub fn cut(&self) {
        self.with(Client::disconnected);
        self.shared.state.lock().connection += 1;
        self.shared.wake.notify_waiters();
    }

    /// Asks the client, or tells it what to do.
    pub fn with<T>(&self, act: impl FnOnce(&mut Client) -> T) -> T {
        let result = {
            let mut state = self.shared.state.lock();
            let result = act(&mut state.client);
            state.report();
            result
        };
        self.shared.wake.notify_waiters();
        result
    }
}

impl State {
    fn report(&mut self) {
        self.client.apply_incoming();
        while let Some(event) = self.client.poll_event() {
            (self.on_event)(&self.client, event);
        }
    }
}

impl Shared {
    async fn serve(&self, connection: u64, mut sender: Sender, mut receiver: Receiver) {
        let mut messages = Vec::new();
        loop {
            // Subscribe, then look.
            let woken = self.wake.notified();
            let wake = {
                let mut state = self.state.lock();
                if state.connection != connection {
                    // Cut, or another transport took its place: the host is not told that anybody left.
                    return;
                }
                let now = self.started.elapsed();
                state.client.tick(now);
                messages.extend(std::iter::from_fn(|| state.client.poll_transmit(now)));
                state.report();
                match state.client.phase() {
                    Phase::Offline | Phase::Ended(_) => break,
                    Phase::Connecting | Phase::Lobby | Phase::Live => {}
                }
                state.client.next_wake().map(|wake| self.started + wake)
            };
            let mut sent = Ok(());
            for message in messages.drain(..) {
                if sent.is_ok() {
                    sent = sender.feed(message).await;
                }
            }
            if sent.is_err() || sender.flush().await.is_err() {
                self.lost(connection);
                break;
            }
            let idle = Instant::now() + Duration::from_secs(1);
            // Every arm is cancel-safe: a receive, a notification, a time.
            tokio::select! {
                biased;
                () = woken => {}
                message = receiver.next() => match message {
                    Some(Ok(message)) => self.received(connection, &message),
                    Some(Err(_)) | None => {
                        self.lost(connection);
                        break;
                    }
                },
                () = tokio::time::sleep_until(wake.unwrap_or(idle).min(idle)) => {}
            }
        }
        sender.close().await;
    }

    fn received(&self, connection: u64, message: &[u8]) {
        let mut state = self.state.lock();
        if state.connection == connection {
            state.client.receive(message, self.started.elapsed());
            state.report();
        }
    }

    fn lost(&self, connection: u64) {
        let mut state = self.state.lock();
        if state.connection == connection {
            state.client.disconnected();
            state.report();
        }
    }
}
