//! Who waits for an answer: at the door, or to type in a terminal.

use leptos::prelude::*;
use parlor_shared::id::{ParticipantId, TerminalId};
use parlor_shared::message::Typing;
use parlor_shared::role::Capability;

use super::SessionHandle;
use super::store::{Knock, SessionStateStoreFields as _};
use crate::text;

/// What somebody waits for. Equal only if everything is that a person decides by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    /// To come in.
    Join(Knock),
    /// To type in a terminal.
    Type { terminal: TerminalId, participant: ParticipantId },
}

/// What they hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// What is said of a wish beside who has it.
pub(crate) struct About {
    /// The value of `data-testid`.
    pub(crate) testid: &'static str,
    pub(crate) text: &'static str,
    pub(crate) no: &'static str,
    pub(crate) yes: &'static str,
    /// Six words to compare.
    pub(crate) words: Option<String>,
}

impl Wish {
    pub(crate) fn about(&self) -> About {
        match self {
            Self::Join(knock) => About {
                testid: "approval",
                text: text::knock_text(knock.role),
                no: text::DENY,
                yes: text::ADMIT,
                words: Some(knock.words.clone()),
            },
            Self::Type { .. } => About {
                testid: "typing-wish",
                text: text::ASKS_TO_TYPE_TEXT,
                no: text::NOT_NOW,
                yes: text::ALLOW,
                words: None,
            },
        }
    }
}

impl SessionHandle {
    /// Everybody who waits for an answer that this page may give, those at the door first. Follows what happens.
    pub(crate) fn wishes(self) -> Vec<Wish> {
        let mut wishes: Vec<Wish> = self.store.knocks().get().into_iter().map(Wish::Join).collect();
        if self.may(Capability::Share) {
            for info in self.store.terminals().read().iter() {
                let terminal = info.terminal;
                wishes.extend(
                    info.asking.iter().map(|participant| Wish::Type { terminal, participant: *participant }),
                );
            }
        }
        wishes
    }

    /// Answers somebody.
    pub(crate) fn answer(self, wish: &Wish, answer: Answer) {
        match (wish, answer) {
            (Wish::Join(knock), Answer::Yes) => self.admit(knock.participant),
            (Wish::Join(knock), Answer::No) => self.deny(knock.participant),
            (Wish::Type { terminal, participant }, Answer::Yes) => {
                self.set_typing(*terminal, *participant, Typing::Allowed);
            }
            (Wish::Type { terminal, participant }, Answer::No) => {
                self.set_typing(*terminal, *participant, Typing::ByAccess);
            }
        }
    }

    /// Who wants what, in a line. Follows changes of names.
    pub(crate) fn wish_title(self, wish: &Wish) -> String {
        match wish {
            Wish::Join(knock) => text::knock_title(&knock.name),
            Wish::Type { terminal, participant } => {
                self.store.people().track();
                self.store.terminals().track();
                let terminal = self.terminal_named(*terminal).unwrap_or_default();
                text::asks_to_type(&self.name_of(*participant), &terminal)
            }
        }
    }
}
