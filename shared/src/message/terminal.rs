//! Shared terminals: what there is, what is on their screens, and what is typed into them.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::id::{ParticipantId, RequestId, TerminalId};
use crate::terminal::{Access, SizePolicy, TerminalSize};

use super::Packed;

/// Whether the program of a terminal runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TerminalState {
    /// It does.
    Running,
    /// It ended.
    Exited {
        /// What it returned; nothing if a signal ended it.
        code: Option<u32>,
        /// The signal's name.
        signal: Option<String>,
    },
    /// It could not be started.
    Failed(Fault),
}

/// A shared terminal as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalInfo {
    /// Its id in this session.
    pub terminal: TerminalId,
    /// What it is called.
    pub name: String,
    /// What its program calls it, cleaned; empty if it does not.
    pub title: String,
    /// How large it is.
    pub size: TerminalSize,
    /// Who decides how large it is.
    pub policy: SizePolicy,
    /// Who may type, unless the host decided otherwise for one participant.
    pub access: Access,
    /// Participants for whom the host decided otherwise.
    pub exceptions: Vec<(ParticipantId, Typing)>,
    /// Participants that asked to type and wait for an answer.
    pub asking: Vec<ParticipantId>,
    /// Participants that look at it, in the order in which they began to.
    pub watchers: Vec<ParticipantId>,
    /// Who typed last.
    pub typist: Option<ParticipantId>,
    /// Counts what was typed, so that two keys of one person differ.
    pub typed: u32,
    /// Whether its program runs.
    pub state: TerminalState,
}

/// Whether one participant may type, whatever holds for its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Typing {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
    /// What holds for its role.
    ByAccess,
    /// It opened the terminal: it may as long as its role lets it type at all.
    Opener,
}

/// How much of what has scrolled away comes with a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum History {
    /// All that the host kept.
    Kept,
    /// Nothing: the guest has its own.
    None,
}

/// About terminals, to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TerminalToHost {
    /// Tell me which terminals there are, and what changes about them.
    Subscribe,
    /// Share another terminal; answered by [`TerminalToGuest::Opened`] or a fault. One that is opened by the host's leave
    /// is the host's like every other; who opened it may type in it.
    Open {
        /// Carried back by the answer.
        request: RequestId,
        /// What to call it; without one it is called after its command.
        name: Option<String>,
        /// A command line for the shell; without one the shell itself.
        command: Option<String>,
        /// How large it is at first.
        size: TerminalSize,
        /// Who may type. Counts for the host only: what others open is shared as the host shares by default.
        access: Access,
    },
    /// End a terminal for everybody.
    Unshare {
        /// Carried back by the answer.
        request: RequestId,
        /// Which.
        terminal: TerminalId,
    },
    /// Start its program again after it ended.
    Restart {
        /// Carried back by the answer.
        request: RequestId,
        /// Which.
        terminal: TerminalId,
    },
    /// Decide who may type.
    SetAccess {
        /// Carried back by the answer.
        request: RequestId,
        /// Which.
        terminal: TerminalId,
        /// Who.
        access: Access,
    },
    /// Decide it for one participant. Answers what the participant asked as well.
    SetTyping {
        /// Carried back by the answer.
        request: RequestId,
        /// Which.
        terminal: TerminalId,
        /// For whom.
        participant: ParticipantId,
        /// What holds.
        typing: Typing,
    },
    /// Decide who decides about the size.
    SetSizePolicy {
        /// Carried back by the answer.
        request: RequestId,
        /// Which.
        terminal: TerminalId,
        /// Who.
        policy: SizePolicy,
    },
    /// I would like to type.
    AskToType {
        /// Where.
        terminal: TerminalId,
    },
    /// Show me the screen and what happens on it; answered by a [`TerminalToGuest::Keyframe`].
    Watch {
        /// Which.
        terminal: TerminalId,
        /// With how much of what has scrolled away.
        history: History,
    },
    /// I no longer look at it.
    Unwatch {
        /// Which.
        terminal: TerminalId,
    },
    /// What I typed, at most [`crate::limits::MAX_TERMINAL_INPUT_BYTES`]; answered by [`TerminalToGuest::Taken`] or
    /// [`TerminalToGuest::Refused`].
    Input {
        /// Where.
        terminal: TerminalId,
        /// As the program shall read it.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// So much I can show. Counts if the terminal follows me.
    Resize {
        /// Where.
        terminal: TerminalId,
        /// How much.
        size: TerminalSize,
    },
}

/// About terminals, to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TerminalToGuest {
    /// These terminals are there and no others. What they are follows.
    There {
        /// Which.
        terminals: Vec<TerminalId>,
    },
    /// A terminal is there, or something about it changed. The latest counts.
    Is(TerminalInfo),
    /// A terminal is there no more. Follows [`TerminalToGuest::Is`] under the same key.
    Over {
        /// Which.
        terminal: TerminalId,
    },
    /// The terminal is shared.
    Opened {
        /// The request.
        request: RequestId,
        /// The terminal.
        terminal: TerminalId,
    },
    /// A request was carried out.
    Done {
        /// Which.
        request: RequestId,
    },
    /// Input was not taken.
    Refused {
        /// Where.
        terminal: TerminalId,
        /// How much of it: counts as taken.
        bytes: u32,
        /// Why.
        fault: Fault,
    },
    /// The screen whole: see [`crate::terminal`]. The output goes on behind it.
    Keyframe {
        /// Which.
        terminal: TerminalId,
        /// How much its program had written until then, in bytes.
        offset: u64,
        /// How large the screen is.
        size: TerminalSize,
        /// With how much of what has scrolled away.
        history: History,
        /// What paints it on an empty terminal of that size.
        bytes: Packed,
    },
    /// What the program wrote.
    Output {
        /// Which.
        terminal: TerminalId,
        /// How much it had written before.
        offset: u64,
        /// What it wrote.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// So much of your input has been given to the program. The latest counts.
    Taken {
        /// Which.
        terminal: TerminalId,
        /// In bytes, since the link began.
        total: u64,
    },
    /// Since the host's program was started it gives ids from this one on: the program before gave the smaller ones, and
    /// its terminals ended with it. Comes before anything else about terminals.
    Since {
        /// The first of this program's ids.
        first: TerminalId,
    },
}
