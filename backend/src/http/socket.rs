//! A guest's WebSocket: checks where it comes from, then hands it to the agent as a transport.

use std::error::Error as _;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use parlor_shared::limits::{CLOSE_FOR_ANOTHER, MAX_TRANSPORT_MESSAGE_BYTES};

use super::AllowedHosts;
use crate::agent::Agent;
use crate::transport::{Transport, TransportError};

/// Read at once. The library zeroes so much at every look at the socket, and there is one with every message sent too:
/// with 20 KiB that was a twelfth of the agent's time. Keystrokes are a hundred bytes; what guests paste takes more reads.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Collected before the kernel is asked to write: a few frames.
const WRITE_BUFFER_BYTES: usize = 32 * 1024;

/// What may wait for a socket that does not take it; then the sender waits.
const MAX_WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// What the routes share.
#[derive(Clone)]
pub(super) struct State {
    pub(super) agent: Arc<Agent>,
    pub(super) hosts: Arc<AllowedHosts>,
}

/// Opens a guest's socket.
pub(super) async fn open(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !state.hosts.allows_origin(&headers) {
        return (StatusCode::FORBIDDEN, "A page of another origin may not open this socket.\n")
            .into_response();
    }
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(MAX_TRANSPORT_MESSAGE_BYTES)
        .max_frame_size(MAX_TRANSPORT_MESSAGE_BYTES)
        .on_upgrade(async move |socket| state.agent.serve(transport(socket)))
}

fn transport(socket: WebSocket) -> Transport {
    let (sink, stream) = socket.split();
    let incoming = stream.filter_map(async |message| match message {
        Ok(Message::Binary(bytes)) => Some(Some(Ok(bytes))),
        Ok(Message::Text(_)) => Some(Some(Err(TransportError::NotBinary))),
        Ok(Message::Ping(_) | Message::Pong(_)) => None,
        Ok(Message::Close(frame)) if is_farewell(frame.as_ref()) => Some(None),
        Ok(Message::Close(_)) => Some(Some(Err(TransportError::Gone))),
        Err(error) => {
            Some(Some(Err(if is_capacity(&error) { TransportError::TooLarge } else { TransportError::Gone })))
        }
    });
    let incoming = incoming.take_while(|message| std::future::ready(message.is_some()));
    let incoming = incoming.filter_map(async |message| message);
    let outgoing = sink
        .sink_map_err(|_| TransportError::Gone)
        .with(async |bytes: Bytes| Ok::<_, TransportError>(Message::Binary(bytes)));
    Transport::new(incoming, outgoing)
}

/// Whether whoever closes has left. A page that is closed or reloaded says so by its code, by the browser's doing; one that
/// only gives up a dead socket says [`CLOSE_FOR_ANOTHER`], and a network that fails says nothing.
fn is_farewell(frame: Option<&CloseFrame>) -> bool {
    frame.is_none_or(|frame| frame.code != CLOSE_FOR_ANOTHER)
}

/// Whether the message was larger than allowed.
fn is_capacity(error: &axum::Error) -> bool {
    use tokio_tungstenite::tungstenite::Error;
    error
        .source()
        .and_then(|source| source.downcast_ref::<Error>())
        .is_some_and(|error| matches!(error, Error::Capacity(_)))
}
