//! Shared terminals: who may type, how large a terminal is, and what it is called.
//!
//! A terminal is a program on the host behind a PTY. Its output is numbered by bytes. Whoever looks at it gets a
//! *keyframe*, bytes that paint the screen whole on an empty terminal, and from then on the output. If more waits for
//! somebody than it can take, what waits is dropped, and once it has caught up another keyframe is sent: the numbers
//! tell it how much it did not see. So the memory that a flood takes is bounded, whoever looks at it, and nothing is
//! missing without being said.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultCode};
use crate::id::ParticipantId;
use crate::limits::{
    MAX_TERMINAL_COMMAND_BYTES, MAX_TERMINAL_NAME_CHARS, MAX_TERMINAL_TITLE_CHARS, TERMINAL_COLUMNS,
    TERMINAL_ROWS,
};
use crate::message::{TerminalInfo, Typing};
use crate::role::{Capability, Role};

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

impl TerminalSize {
    /// What terminals have had since 1978.
    pub const USUAL: Self = Self { columns: 80, rows: 24 };

    /// The nearest size that a terminal may have.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            columns: self.columns.clamp(*TERMINAL_COLUMNS.start(), *TERMINAL_COLUMNS.end()),
            rows: self.rows.clamp(*TERMINAL_ROWS.start(), *TERMINAL_ROWS.end()),
        }
    }
}

/// Who may type in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    /// The host alone.
    ReadOnly,
    /// Whoever's role allows it.
    Collaborative,
}

/// Who decides how large a terminal is. Viewers never do: who has less room scrolls or sees it smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SizePolicy {
    /// The host: the size of the window in which the host looks at it.
    Host,
    /// Whoever typed last.
    LatestWriter,
    /// Nobody: it stays like this.
    Fixed(TerminalSize),
}

/// Whether somebody may type in a terminal. The host's word about one participant goes before everything else.
pub fn may_type(info: &TerminalInfo, participant: ParticipantId, role: Role) -> bool {
    if role == Role::Host {
        return true;
    }
    let exception = info.exceptions.iter().find(|(other, _)| *other == participant);
    match (exception.map(|(_, typing)| *typing), info.access) {
        (Some(Typing::Allowed), _) => true,
        (Some(Typing::Opener), _) | (Some(Typing::ByAccess) | None, Access::Collaborative) => {
            role.allows(Capability::TerminalWrite)
        }
        (Some(Typing::Denied), _) | (Some(Typing::ByAccess) | None, Access::ReadOnly) => false,
    }
}

/// Whether somebody's window decides how large the terminal is, now.
pub fn decides_size(info: &TerminalInfo, participant: ParticipantId, role: Role) -> bool {
    match info.policy {
        SizePolicy::Host => role == Role::Host,
        SizePolicy::LatestWriter => {
            info.typist == Some(participant) || (info.typist.is_none() && role == Role::Host)
        }
        SizePolicy::Fixed(_) => false,
    }
}

/// A terminal's name: what was given, or the command, as one short line.
pub fn name_of(given: Option<&str>, command: Option<&str>, shell: &str) -> String {
    [given, command, Some(shell)]
        .into_iter()
        .flatten()
        .map(|text| one_line(text, MAX_TERMINAL_NAME_CHARS))
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "shell".to_owned())
}

/// The title that a program gave, fit to be shown: one line without control characters and such that turn text round.
pub fn clean_title(title: &str) -> String {
    one_line(title, MAX_TERMINAL_TITLE_CHARS)
}

/// Checks a command line before it is kept or run.
///
/// # Errors
/// [`FaultCode::TooLarge`] with the bytes and the limit; [`FaultCode::Malformed`] if it holds a NUL.
pub fn check_command(command: &str) -> Result<(), Fault> {
    if command.len() > MAX_TERMINAL_COMMAND_BYTES {
        return Err(Fault::new(FaultCode::TooLarge).with(command.len()).with(MAX_TERMINAL_COMMAND_BYTES));
    }
    if command.contains('\0') {
        return Err(FaultCode::Malformed.into());
    }
    Ok(())
}

/// Whether a link that a program shows may be followed: to the web, nowhere else.
pub fn is_followable(link: &str) -> bool {
    let scheme =
        |scheme: &str| link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    scheme("https://") || scheme("http://")
}

fn one_line(text: &str, max_chars: usize) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !turns(*c));
    let words: Vec<String> = plain.collect::<String>().split_whitespace().map(str::to_owned).collect();
    words.join(" ").chars().take(max_chars).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TerminalId;
    use crate::message::TerminalState;

    const ANN: ParticipantId = ParticipantId(2);

    fn info(access: Access, exception: Option<Typing>, policy: SizePolicy) -> TerminalInfo {
        TerminalInfo {
            terminal: TerminalId(1),
            name: "shell".into(),
            title: String::new(),
            size: TerminalSize::USUAL,
            policy,
            access,
            exceptions: exception.map(|typing| (ANN, typing)).into_iter().collect(),
            asking: vec![],
            watchers: vec![],
            typist: None,
            typed: 0,
            state: TerminalState::Running,
        }
    }

    #[test]
    fn who_may_type_is_decided_by_role_access_and_the_hosts_word() {
        use Access::{Collaborative, ReadOnly};
        use Typing::{Allowed, ByAccess, Denied, Opener};
        for exception in [None, Some(Allowed), Some(Denied), Some(ByAccess), Some(Opener)] {
            for access in [ReadOnly, Collaborative] {
                let info = info(access, exception, SizePolicy::Host);
                assert!(may_type(&info, ANN, Role::Host));
                let by_access = !matches!(exception, Some(Allowed | Denied | Opener));
                let editor =
                    matches!(exception, Some(Allowed | Opener)) || (by_access && access == Collaborative);
                assert_eq!(may_type(&info, ANN, Role::Editor), editor, "{exception:?} {access:?}");
                assert_eq!(may_type(&info, ANN, Role::Viewer), exception == Some(Allowed));
                // Another one is not meant.
                assert_eq!(may_type(&info, ParticipantId(3), Role::Editor), access == Collaborative);
                assert!(!may_type(&info, ParticipantId(3), Role::Viewer));
            }
        }
    }

    #[test]
    fn a_viewers_window_never_decides_the_size() {
        let mut info = info(Access::Collaborative, None, SizePolicy::Host);
        assert!(decides_size(&info, ANN, Role::Host) && !decides_size(&info, ANN, Role::Editor));
        info.policy = SizePolicy::LatestWriter;
        assert!(decides_size(&info, ANN, Role::Host) && !decides_size(&info, ANN, Role::Editor));
        info.typist = Some(ANN);
        assert!(decides_size(&info, ANN, Role::Editor) && !decides_size(&info, ParticipantId(3), Role::Host));
        info.policy = SizePolicy::Fixed(TerminalSize::USUAL);
        assert!(!decides_size(&info, ANN, Role::Host));
    }

    #[test]
    fn sizes_stay_within_what_programs_and_memory_bear() {
        let clamped = |columns, rows| TerminalSize { columns, rows }.clamped();
        assert_eq!(clamped(0, 0), TerminalSize { columns: 2, rows: 1 });
        assert_eq!(clamped(10_000, 10_000), TerminalSize { columns: 500, rows: 200 });
        assert_eq!(clamped(80, 24), TerminalSize::USUAL);
    }

    #[test]
    fn names_and_titles_are_one_short_line() {
        assert_eq!(name_of(None, Some("npm test"), "bash"), "npm test");
        assert_eq!(name_of(Some(" \n"), None, "bash"), "bash");
        assert_eq!(name_of(None, None, "\x1b"), "shell");
        assert_eq!(clean_title("a\x1b]0;b\x07\u{202e}c\nd"), "a ]0;b c d");
        assert_eq!(clean_title(&"x".repeat(1000)).len(), MAX_TERMINAL_TITLE_CHARS);
    }

    #[test]
    fn links_lead_to_the_web_only() {
        assert!(is_followable("https://example.org/") && is_followable("HTTP://example.org"));
        for link in ["javascript:alert(1)", "file:///etc/passwd", "http:/x", "", "ſ", "data:text/html,x"] {
            assert!(!is_followable(link), "{link}");
        }
    }

    #[test]
    fn a_command_is_bounded() {
        assert_eq!(check_command("npm test"), Ok(()));
        assert!(check_command("a\0b").is_err() && check_command(&"x".repeat(5000)).is_err());
    }
}
