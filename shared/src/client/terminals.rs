//! Terminals as a guest sees them: which there are, what it looks at, and what it types.
//!
//! What is typed waits here until the program has read most of what was typed before, so that a long paste goes at the
//! program's pace and a resume loses none of it.

use std::collections::{BTreeMap, VecDeque};

use super::{Client, ClientEvent, OverReason};
use crate::codec;
use crate::fault::{Fault, FaultCode};
use crate::id::{RequestId, TerminalId};
use crate::lane::Lanes;
use crate::limits::{MAX_TERMINAL_INPUT_BYTES, MAX_TERMINAL_PASTE_BYTES, TERMINAL_INPUT_WINDOW_BYTES};
use crate::message::{History, TerminalInfo, TerminalToGuest, TerminalToHost, ToHost};
use crate::terminal::{TerminalSize, may_type};

/// What this guest typed into a terminal.
#[derive(Debug, Default)]
struct Input {
    waiting: VecDeque<u8>,
    /// Bytes given to the link since it began, and how many of them the program has got.
    sent: u64,
    taken: u64,
}

impl Input {
    fn room(&self) -> usize {
        TERMINAL_INPUT_WINDOW_BYTES.saturating_sub(self.sent.saturating_sub(self.taken) as usize)
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.sent == self.taken
    }
}

/// What a guest knows of the session's terminals.
#[derive(Debug, Default)]
pub(super) struct Terminals {
    infos: BTreeMap<TerminalId, TerminalInfo>,
    /// Those it looks at, with the number of the next byte; nothing before the first screen.
    watched: BTreeMap<TerminalId, Option<u64>>,
    inputs: BTreeMap<TerminalId, Input>,
    /// How much of each fits here. The host is told once this guest looks at it: of others it does not count.
    fits: BTreeMap<TerminalId, TerminalSize>,
    wants_list: bool,
    /// The first id that the host's program gave since it was started, if it told.
    first: Option<TerminalId>,
    /// Those that the host has named and not described yet; nothing before it has named any.
    awaited: Option<Vec<TerminalId>>,
    /// What to say at the next occasion: it was not connected, or the link began anew.
    to_say: VecDeque<TerminalToHost>,
}

impl Terminals {
    /// The link began anew: says again what the host must know, and gives up what may or may not have arrived.
    pub(super) fn begin_afresh(&mut self, events: &mut VecDeque<ClientEvent>) {
        self.to_say.clear();
        if self.wants_list {
            self.to_say.push_back(TerminalToHost::Subscribe);
        }
        for (terminal, next) in &mut self.watched {
            let history = if next.is_some() { History::None } else { History::Kept };
            self.to_say.push_back(TerminalToHost::Watch { terminal: *terminal, history });
            if let Some(size) = self.fits.get(terminal) {
                self.to_say.push_back(TerminalToHost::Resize { terminal: *terminal, size: *size });
            }
        }
        for (terminal, input) in std::mem::take(&mut self.inputs) {
            if !input.is_idle() {
                // Nobody wants a command to run minutes after it was typed, or twice.
                events.push_back(ClientEvent::TerminalRefused { terminal, fault: FaultCode::Silent.into() });
            }
        }
    }

    /// Puts what waits into the lanes.
    pub(super) fn fill(&mut self, lanes: &mut Lanes) {
        while let Some(message) = self.to_say.pop_front() {
            // Ids and sizes: all of them are short.
            let Ok(bytes) = codec::encode_for_link(&ToHost::Terminal(message.clone())) else { continue };
            // A size goes with the input, as the host expects it: see [`ToHost::lane`].
            if let TerminalToHost::Resize { terminal, .. } = message {
                lanes.push_input(terminal, bytes.into());
                continue;
            }
            if lanes.push_control(bytes.into()).is_err() {
                self.to_say.push_front(message);
                return;
            }
        }
        for (terminal, input) in &mut self.inputs {
            while !input.waiting.is_empty() && input.room() > 0 {
                let length = input.waiting.len().min(input.room()).min(MAX_TERMINAL_INPUT_BYTES);
                let bytes: Vec<u8> = input.waiting.drain(..length).collect();
                input.sent += length as u64;
                let message = ToHost::Terminal(TerminalToHost::Input { terminal: *terminal, bytes });
                if let Ok(bytes) = codec::encode_for_link(&message) {
                    lanes.push_input(*terminal, bytes.into());
                }
            }
        }
    }

    fn described(&mut self, terminal: TerminalId) {
        if let Some(awaited) = &mut self.awaited {
            awaited.retain(|other| *other != terminal);
        }
    }

    fn over(&mut self, terminal: TerminalId, events: &mut VecDeque<ClientEvent>) {
        self.described(terminal);
        self.watched.remove(&terminal);
        self.inputs.remove(&terminal);
        self.fits.remove(&terminal);
        if self.infos.remove(&terminal).is_some() {
            let is_of_before = self.first.is_some_and(|first| terminal < first);
            let reason = if is_of_before { OverReason::HostRestarted } else { OverReason::Unshared };
            events.push_back(ClientEvent::TerminalOver { terminal, reason });
        }
    }

    pub(super) fn receive(&mut self, message: TerminalToGuest, events: &mut VecDeque<ClientEvent>) {
        match message {
            TerminalToGuest::Is(info) => {
                let terminal = info.terminal;
                self.described(terminal);
                self.infos.insert(terminal, info);
                events.push_back(ClientEvent::TerminalChanged { terminal });
            }
            TerminalToGuest::Since { first } => self.first = Some(first),
            TerminalToGuest::There { terminals } => {
                self.awaited = Some(terminals.clone());
                let over: Vec<TerminalId> =
                    self.infos.keys().filter(|terminal| !terminals.contains(terminal)).copied().collect();
                over.into_iter().for_each(|terminal| self.over(terminal, events));
                events.push_back(ClientEvent::TerminalsListed);
            }
            TerminalToGuest::Over { terminal } => self.over(terminal, events),
            TerminalToGuest::Opened { request, terminal } => {
                events.push_back(ClientEvent::TerminalOpened { request, terminal });
            }
            TerminalToGuest::Done { request } => events.push_back(ClientEvent::Done { request }),
            TerminalToGuest::Refused { terminal, bytes, fault } => {
                if let Some(input) = self.inputs.get_mut(&terminal) {
                    input.taken = input.sent.min(input.taken + u64::from(bytes));
                    input.waiting.clear();
                }
                events.push_back(ClientEvent::TerminalRefused { terminal, fault });
            }
            TerminalToGuest::Taken { terminal, total } => {
                if let Some(input) = self.inputs.get_mut(&terminal) {
                    input.taken = input.sent.min(input.taken.max(total));
                }
            }
            TerminalToGuest::Keyframe { terminal, offset, size, history, bytes } => {
                let Some(next) = self.watched.get_mut(&terminal) else { return };
                let Ok(bytes) = bytes.unpack() else {
                    self.to_say.push_back(TerminalToHost::Watch { terminal, history });
                    return;
                };
                let skipped = next.map_or(0, |next| offset.saturating_sub(next));
                *next = Some(offset);
                events.push_back(ClientEvent::TerminalScreen { terminal, size, history, skipped, bytes });
            }
            TerminalToGuest::Output { terminal, offset, bytes } => match self.watched.get_mut(&terminal) {
                Some(Some(next)) if *next == offset => {
                    *next += bytes.len() as u64;
                    events.push_back(ClientEvent::TerminalOutput { terminal, bytes });
                }
                // Something is missing in between, which the host never does: the screen puts it right.
                Some(Some(_)) => {
                    self.to_say.push_back(TerminalToHost::Watch { terminal, history: History::None });
                }
                Some(None) | None => {}
            },
        }
    }
}

/// Terminals.
impl Client {
    /// Wants to know which terminals there are; they come as [`ClientEvent::TerminalChanged`].
    pub fn subscribe_to_terminals(&mut self) {
        if !std::mem::replace(&mut self.terminals.wants_list, true) {
            self.terminals.to_say.push_back(TerminalToHost::Subscribe);
        }
    }

    /// Whether the host has told which terminals there are, and what they are.
    pub fn knows_terminals(&self) -> bool {
        self.terminals.awaited.as_ref().is_some_and(Vec::is_empty)
    }

    /// Every terminal there is, by id.
    pub fn terminals(&self) -> impl Iterator<Item = &TerminalInfo> {
        self.terminals.infos.values()
    }

    /// A terminal.
    pub fn terminal(&self, terminal: TerminalId) -> Option<&TerminalInfo> {
        self.terminals.infos.get(&terminal)
    }

    /// Whether the host would take what I type there.
    pub fn may_type(&self, terminal: TerminalId) -> bool {
        match (self.terminal(terminal), self.me()) {
            (Some(info), Some(me)) => may_type(info, me.id, me.role),
            _ => false,
        }
    }

    /// A request about terminals; the answer carries the id.
    pub fn request_terminal(&mut self, message: impl FnOnce(RequestId) -> TerminalToHost) -> RequestId {
        let request = self.request();
        self.send(&ToHost::Terminal(message(request)));
        request
    }

    /// Looks at a terminal, or wants to see its screen again: [`ClientEvent::TerminalScreen`], then its output.
    pub fn watch_terminal(&mut self, terminal: TerminalId, history: History) {
        let looked = self.terminals.watched.contains_key(&terminal);
        let next = self.terminals.watched.entry(terminal).or_default();
        if history == History::Kept {
            // What it did not see comes with the history.
            *next = None;
        }
        self.terminals.to_say.push_back(TerminalToHost::Watch { terminal, history });
        if let Some(size) = self.terminals.fits.get(&terminal).filter(|_| !looked) {
            self.terminals.to_say.push_back(TerminalToHost::Resize { terminal, size: *size });
        }
    }

    /// No longer looks at it.
    pub fn unwatch_terminal(&mut self, terminal: TerminalId) {
        if self.terminals.watched.remove(&terminal).is_some() {
            self.terminals.to_say.push_back(TerminalToHost::Unwatch { terminal });
        }
    }

    /// Types into a terminal. While away it waits; whether it is taken the host decides.
    ///
    /// # Errors
    /// [`FaultCode::Busy`] if the program does not read and too much waits already, [`FaultCode::TooLarge`] if it is too
    /// much even for one that does. Nothing is typed then.
    pub fn type_into(&mut self, terminal: TerminalId, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() > MAX_TERMINAL_PASTE_BYTES {
            return Err(Fault::new(FaultCode::TooLarge).with(bytes.len()).with(MAX_TERMINAL_PASTE_BYTES));
        }
        let input = self.terminals.inputs.entry(terminal).or_default();
        if input.waiting.len() + bytes.len() > MAX_TERMINAL_PASTE_BYTES {
            return Err(FaultCode::Busy.into());
        }
        input.waiting.extend(bytes);
        Ok(())
    }

    /// Asks the host to be allowed to type.
    pub fn ask_to_type(&mut self, terminal: TerminalId) {
        self.terminals.to_say.push_back(TerminalToHost::AskToType { terminal });
    }

    /// Says how much of a terminal fits here. It counts if the terminal follows me, and while I look at it.
    pub fn fit_terminal(&mut self, terminal: TerminalId, size: TerminalSize) {
        self.terminals.fits.insert(terminal, size);
        if !self.terminals.watched.contains_key(&terminal) {
            return;
        }
        let is_stale = |message: &TerminalToHost| matches!(message, TerminalToHost::Resize { terminal: other, .. } if *other == terminal);
        self.terminals.to_say.retain(|message| !is_stale(message));
        self.terminals.to_say.push_back(TerminalToHost::Resize { terminal, size });
    }
}
