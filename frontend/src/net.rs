//! Drives the shared guest over a browser's WebSocket. Talks to the page by callbacks only: a signal would merge events.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use parlor_shared::backoff::Backoff;
use parlor_shared::client::{Client, ClientEvent, Phase};
use parlor_shared::invite::Invite;

use crate::js::browser::WakeEvents;
use crate::js::listener::{FrameTask, microtask};

mod socket;
mod wake;

use socket::{Closing, Socket, SocketEvent};
use wake::Timer;
pub(crate) use wake::now;

/// Nothing more is handed to the browser's socket while it holds this much unsent: what waits here can still be
/// overtaken by what is more urgent.
const SOCKET_BACKLOG_BYTES: u32 = 256 * 1024;

/// How soon a full socket is looked at again; browsers do not tell.
const BACKLOG_CHECK: Duration = Duration::from_millis(20);

/// What the driver is doing to get, or get back, to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// A socket is being opened, or is open.
    Trying,
    /// The next attempt comes at this time of [`now`].
    Waiting(Duration),
    /// There will be none.
    Over,
}

/// Who hears what happens. Never called while the client is borrowed.
pub(crate) struct Handlers {
    pub(crate) on_event: Box<dyn Fn(ClientEvent)>,
    pub(crate) on_attempt: Box<dyn Fn(Attempt)>,
}

/// A running guest. Ends when dropped or by [`Net::stop`].
pub(crate) struct Net {
    inner: Rc<Inner>,
    _wake_events: WakeEvents,
}

struct Inner {
    me: Weak<Inner>,
    client: RefCell<Client>,
    address: String,
    socket: RefCell<Option<Socket>>,
    /// Whether the socket that is there has been opened.
    open: Cell<bool>,
    backoff: Cell<Backoff>,
    retry: Timer,
    wake: Timer,
    backlog: Timer,
    incoming: FrameTask,
    handlers: Handlers,
    delivering: Cell<bool>,
    delivery_due: Cell<bool>,
    stopped: Cell<bool>,
}

impl Net {
    /// Starts to connect a guest to where its invite leads.
    pub(crate) fn start(client: Client, invite: &Invite, handlers: Handlers) -> Self {
        let address = socket_address(invite);
        let inner = Rc::new_cyclic(|me: &Weak<Inner>| {
            let for_frame = me.clone();
            Inner {
                me: me.clone(),
                client: RefCell::new(client),
                address,
                socket: RefCell::new(None),
                open: Cell::new(false),
                backoff: Cell::new(Backoff::default()),
                retry: Timer::default(),
                wake: Timer::default(),
                backlog: Timer::default(),
                incoming: FrameTask::new(move || {
                    if let Some(inner) = for_frame.upgrade() {
                        inner.client.borrow_mut().apply_incoming();
                        inner.advance();
                    }
                }),
                handlers,
                delivering: Cell::new(false),
                delivery_due: Cell::new(false),
                stopped: Cell::new(false),
            }
        });
        let for_wake = Rc::downgrade(&inner);
        let wake_events = WakeEvents::new(move || {
            if let Some(inner) = for_wake.upgrade() {
                inner.woke_up();
            }
        });
        // Not in this turn: the caller does not hold the driver yet, so its handlers could not use it.
        let first = Rc::clone(&inner);
        microtask(move || first.connect());
        Self { inner, _wake_events: wake_events }
    }

    /// Uses the client, then sends what it has to say. Events are delivered after the current turn, so this may be
    /// called from anywhere, an editor's callback included.
    pub(crate) fn with<R>(&self, action: impl FnOnce(&mut Client) -> R) -> R {
        let result = action(&mut self.inner.client.borrow_mut());
        self.inner.transmit();
        self.inner.deliver_soon();
        result
    }

    /// Looks at the client.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&Client) -> R) -> R {
        look(&self.inner.client.borrow())
    }

    /// Does not wait for the next attempt.
    pub(crate) fn try_now(&self) {
        self.inner.retry_now();
    }

    /// Closes the connection for good; what was queued is still sent.
    pub(crate) fn stop(&self) {
        self.inner.stop();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.inner.stop();
    }
}

impl Inner {
    fn connect(&self) {
        if self.stopped.get() || self.socket.borrow().is_some() {
            return;
        }
        self.retry.clear();
        (self.handlers.on_attempt)(Attempt::Trying);
        let me = self.me.clone();
        let opened = Socket::open(&self.address, move |event| {
            if let Some(inner) = me.upgrade() {
                inner.on_socket(event);
            }
        });
        match opened {
            Some(socket) => *self.socket.borrow_mut() = Some(socket),
            None => self.lost(),
        }
    }

    fn on_socket(&self, event: SocketEvent) {
        match event {
            SocketEvent::Opened => {
                self.open.set(true);
                self.client.borrow_mut().connected(now());
            }
            SocketEvent::Message(bytes) => {
                self.client.borrow_mut().receive(&bytes, now());
                self.incoming.request();
            }
            SocketEvent::Closed => return self.lost(),
        }
        self.advance();
    }

    /// After anything happened: sends, follows the client's phase, reports, and sets the alarm.
    fn advance(&self) {
        self.transmit();
        self.follow_phase();
        self.deliver();
    }

    fn transmit(&self) {
        let now = now();
        let mut backlogged = false;
        if let Some(socket) = self.socket.borrow().as_ref().filter(|_| self.open.get()) {
            loop {
                if socket.backlog_bytes() >= SOCKET_BACKLOG_BYTES {
                    backlogged = true;
                    break;
                }
                let Some(message) = self.client.borrow_mut().poll_transmit(now) else { break };
                socket.send(&message);
            }
        }
        if backlogged {
            self.after(&self.backlog, BACKLOG_CHECK, Self::advance);
        } else {
            self.set_alarm(now);
        }
    }

    fn set_alarm(&self, now: Duration) {
        match self.client.borrow().next_wake() {
            Some(at) => self.after(&self.wake, at.saturating_sub(now), |inner| {
                inner.client.borrow_mut().tick(wake::now());
                inner.advance();
            }),
            None => self.wake.clear(),
        }
    }

    /// The client decides when a connection is over; the socket follows it.
    fn follow_phase(&self) {
        let phase = self.client.borrow().phase().clone();
        match phase {
            Phase::Live => {
                let mut backoff = self.backoff.get();
                backoff.reset();
                self.backoff.set(backoff);
            }
            Phase::Ended(_) => self.stop(),
            Phase::Offline if self.open.get() => self.lost(),
            Phase::Offline | Phase::Connecting | Phase::Lobby => {}
        }
    }

    /// The socket is gone, or of no use any more.
    fn lost(&self) {
        self.drop_socket(Closing::ForAnother);
        self.client.borrow_mut().disconnected();
        self.wake.clear();
        if !self.stopped.get() {
            let mut backoff = self.backoff.get();
            let wait = backoff.after_failure((js_sys::Math::random() * f64::from(u32::MAX)) as u32);
            self.backoff.set(backoff);
            (self.handlers.on_attempt)(Attempt::Waiting(now() + wait));
            self.after(&self.retry, wait, Self::connect);
        }
        self.deliver();
    }

    fn retry_now(&self) {
        let mut backoff = self.backoff.get();
        backoff.reset();
        self.backoff.set(backoff);
        self.connect();
    }

    /// The page slept, or the network is another one: a socket may be dead without knowing it.
    fn woke_up(&self) {
        if self.socket.borrow().is_none() {
            return self.retry_now();
        }
        {
            let mut client = self.client.borrow_mut();
            client.tick(now());
            client.probe();
        }
        self.advance();
    }

    fn stop(&self) {
        if self.stopped.replace(true) {
            return;
        }
        self.drop_socket(Closing::Leaving);
        self.retry.clear();
        self.wake.clear();
        self.backlog.clear();
        (self.handlers.on_attempt)(Attempt::Over);
    }

    fn drop_socket(&self, why: Closing) {
        self.open.set(false);
        self.backlog.clear();
        if let Some(socket) = self.socket.borrow_mut().take() {
            socket.close(why);
            // This may run inside one of the socket's own callbacks.
            microtask(move || drop(socket));
        }
    }

    /// Runs `action` after a while, unless the timer is set anew or the driver is gone by then.
    fn after(&self, timer: &Timer, wait: Duration, action: fn(&Self)) {
        let me = self.me.clone();
        timer.set(now() + wait, move || {
            if let Some(inner) = me.upgrade() {
                action(&inner);
            }
        });
    }

    fn deliver_soon(&self) {
        if self.delivery_due.replace(true) {
            return;
        }
        let me = self.me.clone();
        microtask(move || {
            if let Some(inner) = me.upgrade() {
                inner.delivery_due.set(false);
                inner.follow_phase();
                inner.deliver();
            }
        });
    }

    /// Hands the events out in order. A handler may use the client; what that causes comes after.
    fn deliver(&self) {
        if self.delivering.replace(true) {
            return;
        }
        loop {
            let event = self.client.borrow_mut().poll_event();
            let Some(event) = event else { break };
            (self.handlers.on_event)(event);
        }
        self.delivering.set(false);
    }
}

fn socket_address(invite: &Invite) -> String {
    let origin = invite.origin.replacen("http", "ws", 1);
    format!("{origin}/s/{}/socket", invite.session)
}
