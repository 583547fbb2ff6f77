//! One shared terminal: its task owns the program, the emulator's screen, and who looks at it, types, or may.
//!
//! What the program writes is encoded once and put into the lane of everybody who looks. Whose lane is full gets the
//! screen once it has caught up, so nobody's slowness reaches the program or anybody else, and memory is bounded by
//! the lanes. Commands go before output: Ctrl-C overtakes a flood.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, RequestId, TerminalId};
use parlor_shared::lane::PresenceKey;
use parlor_shared::limits::{
    MAX_TERMINAL_INPUT_BYTES, TERMINAL_CHUNK_BYTES, TERMINAL_CHUNKS, TERMINAL_NOTICE_INTERVAL,
};
use parlor_shared::message::{History, TerminalInfo, TerminalState, TerminalToGuest, ToGuest, Typing};
use parlor_shared::role::Role;
use parlor_shared::terminal::{Access, SizePolicy, TerminalSize, decides_size, may_type};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::debug;

use super::documents::blocking;
use super::event::{AgentEvent, Events};
use super::outbox::encode;
use super::participant::{ConnectionId, ParticipantConnection};

mod emulator;
mod filter;
mod processes;
mod pty;

use emulator::Emulator;
use filter::Filter;
use pty::PtyEvent;
pub(super) use pty::{Program, Pty, shell};

/// Commands that may wait; a connection that sends more waits. Handling one takes microseconds, but for a restart.
const INBOX_CAPACITY: usize = 64;

/// Participants that may ask to type and wait for an answer.
const MAX_ASKING: usize = 32;

/// Shortest time between two sizes: whoever drags a window's corner sends hundreds, and each makes programs paint anew.
const RESIZE_INTERVAL: Duration = Duration::from_millis(50);

/// Everybody who wants to know which terminals there are. Written by the registry, read by terminals; the lock is held for
/// single operations and never across an await.
pub(super) type Audience = Arc<Mutex<BTreeMap<ParticipantId, Arc<ParticipantConnection>>>>;

/// What a terminal is told.
pub(super) enum TerminalCommand {
    /// Somebody wants to know what it is.
    Introduce(Arc<ParticipantConnection>),
    /// Somebody looks at it, or wants to see its screen again.
    Watch(Arc<ParticipantConnection>, History),
    /// Somebody no longer looks.
    Unwatch(ParticipantId),
    /// A connection is over.
    Gone(ParticipantId, ConnectionId),
    /// Somebody who was behind has caught up.
    CaughtUp(Arc<ParticipantConnection>),
    /// Somebody typed.
    Input(Arc<ParticipantConnection>, Vec<u8>),
    /// So much of it fits in somebody's window.
    Resize(Arc<ParticipantConnection>, TerminalSize),
    /// Somebody would like to type.
    AskToType(ParticipantId),
    /// The host's decisions; answered in the outbox.
    Decide(Arc<ParticipantConnection>, RequestId, Decision),
    /// It is over. Answered with its program, which is to be ended.
    End(oneshot::Sender<Option<Ending>>),
}

/// What only somebody who may share decides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decision {
    /// Who may type.
    Access(Access),
    /// Whether one participant may.
    Typing(ParticipantId, Typing),
    /// Who decides about the size.
    SizePolicy(SizePolicy),
    /// Its program is started again.
    Restart,
}

/// A way to reach a terminal.
#[derive(Debug, Clone)]
pub(super) struct TerminalHandle(mpsc::Sender<TerminalCommand>);

impl TerminalHandle {
    /// Waits while the terminal is busy; says whether it is still there.
    pub(super) async fn send(&self, command: TerminalCommand) -> bool {
        self.0.send(command).await.is_ok()
    }
}

/// The screen as it was at some point of the output, for all who want it at once.
struct Painted {
    offset: u64,
    history: History,
    message: Bytes,
}

/// Sole owner of a terminal.
pub(super) struct TerminalActor {
    info: TerminalInfo,
    program: Program,
    inbox: mpsc::Receiver<TerminalCommand>,
    audience: Audience,
    to_host: Events,
    pty: Option<Pty>,
    events: mpsc::Receiver<PtyEvent>,
    filter: Filter,
    emulator: Emulator,
    /// Bytes that the program has written.
    offset: u64,
    painted: Option<Painted>,
    viewers: BTreeMap<ParticipantId, Arc<ParticipantConnection>>,
    /// How much fits at those who look. A subset of `viewers`.
    windows: BTreeMap<ParticipantId, TerminalSize>,
    /// What the host decided about persons, by their keys: it still holds when one comes back as another participant.
    decided: BTreeMap<[u8; 32], Typing>,
    /// How much of whose input the program has got, by connection: a new one counts anew.
    taken: BTreeMap<ParticipantId, (ConnectionId, u64)>,
    /// The audience does not know yet what is so now.
    unsaid: bool,
    say_at: Instant,
    wanted_size: Option<TerminalSize>,
    resize_at: Instant,
}

/// A terminal's name and its program, which is to be ended.
pub(super) type Ending = (String, Pty);

/// Hangs up these terminals, and tells the host who of their programs lives on.
pub(super) async fn end_all(endings: Vec<Ending>, events: &Events) {
    let (names, ptys): (Vec<String>, Vec<Pty>) = endings.into_iter().unzip();
    // It can not fail, but for a panic, which was reported where it happened.
    let living = blocking(move || Ok::<_, Fault>(Pty::end_all(ptys))).await.unwrap_or_default();
    for (terminal, processes) in names.into_iter().zip(living) {
        if !processes.is_empty() {
            events.send(AgentEvent::StillRunning { terminal, processes });
        }
    }
}

impl TerminalActor {
    /// A terminal whose program is yet to be started.
    pub(super) fn new(
        (terminal, name, access): (TerminalId, String, Access),
        program: Program,
        size: TerminalSize,
        audience: Audience,
        to_host: Events,
    ) -> (Self, TerminalHandle) {
        let (sender, inbox) = mpsc::channel(INBOX_CAPACITY);
        let size = size.clamped();
        let info = TerminalInfo {
            terminal,
            name,
            title: String::new(),
            size,
            policy: SizePolicy::Host,
            access,
            exceptions: Vec::new(),
            asking: Vec::new(),
            watchers: Vec::new(),
            typist: None,
            typed: 0,
            state: TerminalState::Running,
        };
        let now = Instant::now();
        let actor = Self {
            info,
            program,
            inbox,
            audience,
            to_host,
            pty: None,
            events: mpsc::channel(1).1,
            filter: Filter::default(),
            emulator: Emulator::new(size),
            offset: 0,
            painted: None,
            viewers: BTreeMap::new(),
            windows: BTreeMap::new(),
            decided: BTreeMap::new(),
            taken: BTreeMap::new(),
            unsaid: true,
            say_at: now,
            wanted_size: None,
            resize_at: now,
        };
        (actor, TerminalHandle(sender))
    }

    /// Whoever opened it by the host's leave types in it, as if the host had said so, while its role lets it type.
    pub(super) fn opened_by(&mut self, opener: &ParticipantConnection) {
        self.info.exceptions.push((opener.id, Typing::Opener));
        self.decided.insert(opener.key, Typing::Opener);
    }

    pub(super) async fn run(mut self) {
        self.start().await;
        loop {
            let wake = self.next_wake();
            // Every arm is cancel-safe: a time, receives. Commands before output.
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    self.wake(Instant::now());
                }
                command = self.inbox.recv() => match command {
                    Some(TerminalCommand::End(reply)) => {
                        for viewer in self.viewers.values() {
                            viewer.outbox.forget_terminal(self.info.terminal);
                        }
                        // Its reader, which may wait for room, ends with this task.
                        let name = self.info.name.clone();
                        let _ = reply.send(self.pty.take().map(|pty| (name, pty)));
                        return;
                    }
                    Some(command) => self.handle(command).await,
                    // The registry, which ends every terminal, is gone.
                    None => return,
                },
                Some(event) = self.events.recv() => self.take_in(event),
            }
        }
    }

    async fn start(&mut self) {
        let (sender, events) = mpsc::channel(TERMINAL_CHUNKS);
        self.events = events;
        let (program, size) = (self.program.clone(), self.info.size);
        match blocking(move || Pty::start(&program, size, sender)).await {
            Ok(pty) => {
                self.pty = Some(pty);
                self.info.state = TerminalState::Running;
            }
            Err(fault) => self.info.state = TerminalState::Failed(fault),
        }
        self.unsaid = true;
    }

    fn next_wake(&self) -> Option<Instant> {
        let say = self.unsaid.then_some(self.say_at);
        let resize = self.wanted_size.map(|_| self.resize_at);
        say.into_iter().chain(resize).min()
    }

    fn wake(&mut self, now: Instant) {
        if self.unsaid && self.say_at <= now {
            self.unsaid = false;
            self.say_at = now + TERMINAL_NOTICE_INTERVAL;
            let notice = self.notice();
            for connection in self.audience.lock().values() {
                connection.outbox.latest(PresenceKey::Terminal(self.info.terminal), notice.clone());
            }
        }
        if self.resize_at <= now
            && let Some(size) = self.wanted_size.take()
        {
            self.resize_at = now + RESIZE_INTERVAL;
            self.resize(size);
        }
    }

    fn notice(&self) -> Bytes {
        encode(&ToGuest::Terminal(TerminalToGuest::Is(self.info.clone())))
    }

    async fn handle(&mut self, command: TerminalCommand) {
        match command {
            TerminalCommand::Introduce(who) => {
                if let Some(typing) = self.decided.get(&who.key) {
                    self.info.exceptions.retain(|(other, _)| *other != who.id);
                    self.info.exceptions.push((who.id, *typing));
                    self.unsaid = true;
                }
                who.outbox.latest(PresenceKey::Terminal(self.info.terminal), self.notice());
            }
            TerminalCommand::Watch(who, history) => self.watch(who, history),
            TerminalCommand::Unwatch(who) => self.unwatch(who),
            TerminalCommand::Gone(who, connection) => {
                if self.viewers.get(&who).is_some_and(|viewer| viewer.connection == connection) {
                    self.unwatch(who);
                }
                if self.taken.get(&who).is_some_and(|(taken, _)| *taken == connection) {
                    self.taken.remove(&who);
                }
                // Unless it is here on another connection.
                if !self.audience.lock().contains_key(&who) {
                    self.info.exceptions.retain(|(other, _)| *other != who);
                }
                self.info.asking.retain(|asking| *asking != who);
                self.unsaid = true;
            }
            TerminalCommand::CaughtUp(who) => {
                if self.viewers.get(&who.id).is_some_and(|viewer| viewer.connection == who.connection) {
                    self.show(&who, History::None);
                }
            }
            TerminalCommand::Input(from, bytes) => self.input(&from, bytes),
            TerminalCommand::Resize(from, size) => {
                // The window of one who does not look is no measure, and nobody would forget it.
                if self.viewers.get(&from.id).is_some_and(|viewer| viewer.connection == from.connection) {
                    self.windows.insert(from.id, size.clamped());
                    self.follow(from.id, from.role());
                }
            }
            TerminalCommand::AskToType(who) => {
                if !self.info.asking.contains(&who) && self.info.asking.len() < MAX_ASKING {
                    self.info.asking.push(who);
                    self.unsaid = true;
                }
            }
            TerminalCommand::Decide(who, request, decision) => match self.decide(decision).await {
                Ok(()) => who.outbox.terminal(TerminalToGuest::Done { request }),
                Err(fault) => who.outbox.fault(Some(request), fault),
            },
            TerminalCommand::End(_) => unreachable!("the task ends itself"),
        }
    }

    fn watch(&mut self, who: Arc<ParticipantConnection>, history: History) {
        if who.stopped.is_cancelled() {
            return;
        }
        self.show(&who, history);
        if !self.info.watchers.contains(&who.id) {
            self.info.watchers.push(who.id);
            self.unsaid = true;
        }
        self.viewers.insert(who.id, who);
    }

    fn unwatch(&mut self, who: ParticipantId) {
        self.windows.remove(&who);
        if let Some(viewer) = self.viewers.remove(&who) {
            viewer.outbox.forget_terminal(self.info.terminal);
            self.info.watchers.retain(|watcher| *watcher != who);
            self.unsaid = true;
        }
    }

    /// Sends the screen, and from then on what changes on it.
    fn show(&mut self, who: &ParticipantConnection, history: History) {
        let fits = |painted: &Painted| painted.offset == self.offset && painted.history == history;
        if !self.painted.as_ref().is_some_and(fits) {
            let message = encode(&ToGuest::Terminal(TerminalToGuest::Keyframe {
                terminal: self.info.terminal,
                offset: self.offset,
                size: self.info.size,
                history,
                bytes: self.emulator.keyframe(history),
            }));
            self.painted = Some(Painted { offset: self.offset, history, message });
        }
        if let Some(painted) = &self.painted {
            who.outbox.keyframe(self.info.terminal, painted.message.clone());
        }
    }

    fn input(&mut self, from: &Arc<ParticipantConnection>, bytes: Vec<u8>) {
        let length = bytes.len();
        let taken = match (&self.pty, from.role()) {
            _ if length > MAX_TERMINAL_INPUT_BYTES => {
                Err(Fault::new(FaultCode::TooLarge).with(length).with(MAX_TERMINAL_INPUT_BYTES))
            }
            (_, None) => Err(FaultCode::NotAdmitted.into()),
            (_, Some(role)) if !may_type(&self.info, from.id, role) => {
                Err(Fault::new(FaultCode::NotAllowed).with("TerminalWrite"))
            }
            (Some(pty), Some(_)) if self.info.state == TerminalState::Running => {
                pty.type_in(Some(from.id), bytes)
            }
            _ => Err(FaultCode::NotRunning.into()),
        };
        match taken {
            Ok(()) => {
                let entry = self.taken.entry(from.id).or_insert((from.connection, 0));
                if entry.0 != from.connection {
                    *entry = (from.connection, 0);
                }
                self.info.typist = Some(from.id);
                self.info.typed = self.info.typed.wrapping_add(1);
                self.unsaid = true;
                self.follow(from.id, from.role());
            }
            Err(fault) => {
                let (terminal, bytes) = (self.info.terminal, u32::try_from(length).unwrap_or(u32::MAX));
                from.outbox.terminal(TerminalToGuest::Refused { terminal, bytes, fault });
            }
        }
    }

    /// Takes somebody's window as the measure, if that is whose counts.
    fn follow(&mut self, who: ParticipantId, role: Option<Role>) {
        let Some(size) = self.windows.get(&who) else { return };
        if role.is_some_and(|role| decides_size(&self.info, who, role)) {
            self.wanted_size = (*size != self.info.size).then_some(*size);
        }
    }

    async fn decide(&mut self, decision: Decision) -> Result<(), Fault> {
        match decision {
            Decision::Access(access) => self.info.access = access,
            Decision::Typing(participant, typing) => {
                self.info.asking.retain(|asking| *asking != participant);
                self.info.exceptions.retain(|(other, _)| *other != participant);
                let key = self.audience.lock().get(&participant).map(|who| who.key);
                if typing != Typing::ByAccess {
                    self.info.exceptions.push((participant, typing));
                    self.decided.extend(key.map(|key| (key, typing)));
                } else if let Some(key) = key {
                    self.decided.remove(&key);
                }
            }
            Decision::SizePolicy(policy) => {
                self.info.policy = policy;
                match policy {
                    SizePolicy::Fixed(size) => {
                        self.info.policy = SizePolicy::Fixed(size.clamped());
                        self.wanted_size = Some(size.clamped());
                    }
                    SizePolicy::Host | SizePolicy::LatestWriter => {
                        let decider = self.windows.keys().find_map(|who| {
                            let role = self.viewers.get(who)?.role()?;
                            decides_size(&self.info, *who, role).then_some((*who, role))
                        });
                        if let Some((decider, role)) = decider {
                            self.follow(decider, Some(role));
                        }
                    }
                }
            }
            Decision::Restart => {
                if self.info.state == TerminalState::Running {
                    return Err(FaultCode::Busy.into());
                }
                self.end_program().await;
                self.emulator = Emulator::new(self.info.size);
                self.filter = Filter::default();
                self.painted = None;
                self.info.title.clear();
                self.start().await;
                self.show_everybody(History::Kept);
            }
        }
        // Who may type should know at once.
        self.unsaid = true;
        self.say_at = Instant::now();
        Ok(())
    }

    /// What the last program left behind goes before the next one starts.
    async fn end_program(&mut self) {
        if let Some(pty) = self.pty.take() {
            // Its reader may wait for room, and would keep the terminal open.
            self.events.close();
            end_all(vec![(self.info.name.clone(), pty)], &self.to_host).await;
        }
    }

    fn resize(&mut self, size: TerminalSize) {
        if let Some(pty) = &self.pty {
            pty.resize(size);
        }
        self.info.size = size;
        self.emulator.resize(size);
        self.painted = None;
        // Emulators do not wrap old lines alike.
        self.show_everybody(History::None);
        self.unsaid = true;
    }

    fn show_everybody(&mut self, history: History) {
        let viewers: Vec<Arc<ParticipantConnection>> = self.viewers.values().cloned().collect();
        viewers.iter().for_each(|viewer| self.show(viewer, history));
    }

    fn take_in(&mut self, event: PtyEvent) {
        match event {
            PtyEvent::Output(mut bytes) => {
                // What waits behind it goes in one message.
                let mut next = None;
                while bytes.len() < TERMINAL_CHUNK_BYTES {
                    match self.events.try_recv() {
                        Ok(PtyEvent::Output(more)) => bytes.extend(more),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                self.output(&bytes);
                if let Some(next) = next {
                    self.take_in(next);
                }
            }
            PtyEvent::Written(from, bytes) => {
                let Some((connection, total)) = self.taken.get_mut(&from) else { return };
                *total += bytes as u64;
                let (terminal, total, connection) = (self.info.terminal, *total, *connection);
                let who = self.viewers.get(&from).filter(|viewer| viewer.connection == connection).cloned();
                let who = who.or_else(|| {
                    self.audience.lock().get(&from).filter(|other| other.connection == connection).cloned()
                });
                if let Some(who) = who {
                    let message = encode(&ToGuest::Terminal(TerminalToGuest::Taken { terminal, total }));
                    who.outbox.latest(PresenceKey::Taken(terminal), message);
                }
            }
            PtyEvent::Exited(status) => {
                debug!(terminal = %self.info.terminal, "a program ended");
                let signal = status.signal().map(str::to_owned);
                let code = signal.is_none().then(|| status.exit_code());
                self.info.state = TerminalState::Exited { code, signal };
                self.unsaid = true;
                self.say_at = Instant::now();
            }
        }
    }

    fn output(&mut self, bytes: &[u8]) {
        let bytes = self.filter.pass(bytes);
        if bytes.is_empty() {
            return;
        }
        if !self.viewers.is_empty() {
            let message = encode(&ToGuest::Terminal(TerminalToGuest::Output {
                terminal: self.info.terminal,
                offset: self.offset,
                bytes: bytes.to_vec(),
            }));
            for viewer in self.viewers.values() {
                viewer.outbox.output(self.info.terminal, message.clone());
            }
        }
        self.offset += bytes.len() as u64;
        let consequences = self.emulator.feed(&bytes);
        if !consequences.replies.is_empty()
            && let Some(pty) = &self.pty
        {
            // A program that asks and does not read its answers loses them.
            let _ = pty.type_in(None, consequences.replies);
        }
        if let Some(title) = consequences.title
            && title != self.info.title
        {
            self.info.title = title;
            self.unsaid = true;
        }
    }
}
