//! A transport: whole binary messages both ways, whatever carries them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};

/// The transport broke. Which way does not matter to anybody above: a new connection starts afresh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// A message was larger than the transport allows.
    #[error("a transport message is too large")]
    TooLarge,
    /// Something that is not a binary message arrived.
    #[error("a transport message is not binary")]
    NotBinary,
    /// The connection is gone.
    #[error("the transport is gone")]
    Gone,
}

type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;
type Outgoing = Pin<Box<dyn Sink<Bytes, Error = TransportError> + Send>>;

/// A connection to a peer: two halves that may be used at the same time.
pub struct Transport {
    sender: Sender,
    receiver: Receiver,
}

/// The half that sends.
pub struct Sender(Outgoing);

/// The half that receives.
pub struct Receiver(Incoming);

impl Transport {
    /// A transport of two halves.
    pub fn new(
        incoming: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
        outgoing: impl Sink<Bytes, Error = TransportError> + Send + 'static,
    ) -> Self {
        Self { sender: Sender(Box::pin(outgoing)), receiver: Receiver(Box::pin(incoming)) }
    }

    /// Its halves.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// Two ends that are connected in memory, for tests: each holds at most `capacity` messages of the other.
    pub fn pair(capacity: usize) -> (Self, Self) {
        let (to_one, from_other) = tokio::sync::mpsc::channel(capacity);
        let (to_other, from_one) = tokio::sync::mpsc::channel(capacity);
        let one = Self::new(ChannelStream(from_other), channel_sink(to_other));
        let other = Self::new(ChannelStream(from_one), channel_sink(to_one));
        (one, other)
    }
}

impl Sender {
    /// Puts a message into the transport's buffer.
    ///
    /// # Errors
    /// If the transport is gone.
    pub async fn feed(&mut self, message: impl Into<Bytes>) -> Result<(), TransportError> {
        self.0.feed(message.into()).await
    }

    /// Sends everything in the buffer.
    ///
    /// # Errors
    /// If the transport is gone.
    pub async fn flush(&mut self) -> Result<(), TransportError> {
        self.0.flush().await
    }

    /// Sends everything in the buffer and closes in order: the peer takes it that nobody comes back.
    pub async fn close(&mut self) {
        // A peer that is gone already needs no farewell.
        let _ = self.0.close().await;
    }
}

impl Receiver {
    /// The next message; nothing when the peer closed in order, since it has left. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        self.0.next().await
    }
}

macro_rules! opaque_debug {
    ($($name:ident)*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(stringify!($name))
            }
        }
    )*};
}

opaque_debug!(Transport Sender Receiver);

struct ChannelStream(tokio::sync::mpsc::Receiver<Bytes>);

impl Stream for ChannelStream {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|message| message.map(Ok))
    }
}

fn channel_sink(sender: tokio::sync::mpsc::Sender<Bytes>) -> impl Sink<Bytes, Error = TransportError> + Send {
    futures_util::sink::unfold(sender, |sender, message: Bytes| async move {
        sender.send(message).await.map_err(|_| TransportError::Gone)?;
        Ok(sender)
    })
}
