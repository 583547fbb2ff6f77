//! One WebSocket: binary messages in and out, and silence once it is closed.

use js_sys::{ArrayBuffer, Uint8Array};
use parlor_shared::limits::CLOSE_FOR_ANOTHER;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, MessageEvent, WebSocket};

use crate::js::browser::open_socket;

/// What a socket tells.
pub(super) enum SocketEvent {
    Opened,
    Message(Vec<u8>),
    /// Closed by the other side or never opened. The last event.
    Closed,
}

/// Why a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// For good.
    Leaving,
    /// It is dead, or takes too long: another one goes on.
    ForAnother,
}

/// A socket. Close it before it is dropped, so that nothing is heard in between.
pub(super) struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn Fn(Event)>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_close: Closure<dyn Fn(Event)>,
}

impl Socket {
    /// Begins to open a socket; nothing comes back if the browser forbids the address.
    pub(super) fn open(address: &str, handler: impl Fn(SocketEvent) + Clone + 'static) -> Option<Self> {
        let socket = open_socket(address)?;
        let on_open = {
            let handler = handler.clone();
            Closure::<dyn Fn(Event)>::new(move |_| handler(SocketEvent::Opened))
        };
        let on_message = {
            let handler = handler.clone();
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                // A text message is nothing of ours; the empty bytes let the client end the connection.
                let bytes = event.data().dyn_into::<ArrayBuffer>();
                let bytes = bytes.map(|buffer| Uint8Array::new(&buffer).to_vec()).unwrap_or_default();
                handler(SocketEvent::Message(bytes));
            })
        };
        let on_close = Closure::<dyn Fn(Event)>::new(move |_| handler(SocketEvent::Closed));
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }

    /// Hands a message to the browser. One that is refused because the socket is closing is lost like any other on a
    /// connection that breaks; the close event follows.
    pub(super) fn send(&self, message: &[u8]) {
        let _ = self.socket.send_with_u8_array(message);
    }

    /// What the browser holds and has not sent.
    pub(super) fn backlog_bytes(&self) -> u32 {
        self.socket.buffered_amount()
    }

    /// Closes, after what was sent is out; nothing is heard any more.
    pub(super) fn close(&self, why: Closing) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // It refuses only codes that are not allowed.
        let _ = match why {
            Closing::Leaving => self.socket.close(),
            Closing::ForAnother => self.socket.close_with_code(CLOSE_FOR_ANOTHER),
        };
    }
}
