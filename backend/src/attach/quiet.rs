//! What of a terminal's output reaches the window: all that draws, nothing that asks.
//!
//! A question (where is the cursor, what is in the clipboard) was answered by the agent already; the window's own answer
//! would reach the program as if it had been typed. And whoever can print into a shared terminal must not reach past it:
//! to the clipboard, the printer, the window's place, links that are none.
//!
//! The states are those of terminals (ECMA-48, 5 and 8; <https://vt100.net/emu/dec_ansi_parser>), but a sequence is held
//! until it is whole, then passed on as it is or dropped. Safety: what the window gets is UTF-8 without C1 controls, and
//! whole sequences of kinds that are listed here; so it does not matter how a window reads broken or rare ones. Memory:
//! what is too long is dropped to its end, and nothing of it is kept.

use parlor_shared::terminal::is_followable;

const ENQUIRY: u8 = 0x05;
const BELL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;

/// Longer control sequences are dropped; the longest in use set colours, in some sixty bytes.
const MAX_SEQUENCE_BYTES: usize = 256;

/// Longer strings are dropped. More than the agent lets through of any.
const MAX_STRING_BYTES: usize = 20 * 1024;

/// Numbers of modes above it are dropped: some windows take them modulo 2¹⁶.
const MAX_MODE: u32 = 9999;

/// What stands for bytes that are no UTF-8, as on the agent's own screen.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The number of the operating system command that begins and ends links.
const LINK: u32 = 8;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// In a character of more than one byte.
    Character,
    /// Behind an escape, and its intermediates.
    Escape,
    /// Behind `ESC [`.
    Control,
    /// In a string that began with an escape and this byte.
    String(u8),
    /// Behind an escape in such a string: its end, or the beginning of something else.
    StringEscape(u8),
}

/// The filter of one window; its state goes on from piece to piece.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    state: State,
    /// What has come of the character or sequence, without the bytes that began it.
    held: Vec<u8>,
    /// What has begun is dropped, whatever follows.
    spoiled: bool,
    /// A link has begun in the window.
    linked: bool,
}

impl Quiet {
    /// Passes on to `out` what the window may get of a piece of output.
    pub(super) fn pass(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let [byte, rest @ ..] = bytes {
            if self.state == State::Text {
                let plain = bytes.iter().take_while(|byte| matches!(byte, 0x20..=0x7e)).count();
                if plain > 0 {
                    out.extend(&bytes[..plain]);
                    bytes = &bytes[plain..];
                    continue;
                }
            }
            self.take(*byte, out);
            bytes = rest;
        }
    }

    fn begin(&mut self, state: State) {
        self.state = state;
        self.held.clear();
        self.spoiled = false;
    }

    fn hold(&mut self, byte: u8, most: usize) {
        if self.held.len() >= most {
            self.spoiled = true;
            self.held.clear();
        }
        if !self.spoiled {
            self.held.push(byte);
        }
    }

    /// Whether nothing stands behind the escape yet.
    fn is_bare(&self) -> bool {
        self.held.is_empty() && !self.spoiled
    }

    fn take(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.state, byte) {
            (State::Character, _) => self.character(byte, out),
            // Whatever was in the middle is over without an end: windows differ in what they make of it.
            (State::String(kind), ESCAPE) => self.state = State::StringEscape(kind),
            (State::StringEscape(kind), b'\\') => self.end_string(kind, b"\x1b\\", out),
            (State::StringEscape(_), _) => {
                self.begin(State::Escape);
                self.take(byte, out);
            }
            (_, ESCAPE) => self.begin(State::Escape),
            (State::Text, ENQUIRY) => {}
            (State::Text, ..0x80) => out.push(byte),
            (_, CANCEL | SUBSTITUTE) => self.begin(State::Text),

            (State::String(b']'), BELL) => self.end_string(b']', b"\x07", out),
            // Windows leave these out.
            (State::String(_), ..0x20 | 0x7f) => {}
            (State::String(_), _) => self.hold(byte, MAX_STRING_BYTES),

            (State::Text | State::Escape | State::Control, 0x80..) => {
                self.begin(State::Text);
                if matches!(byte, 0xc2..=0xf4) {
                    self.begin(State::Character);
                    self.held.push(byte);
                } else {
                    out.extend(REPLACEMENT);
                }
            }

            // Controls within a sequence are obeyed at once.
            (State::Escape | State::Control, ENQUIRY | 0x7f) => {}
            (State::Escape | State::Control, ..0x20) => out.push(byte),

            (State::Escape, b'[') if self.is_bare() => self.begin(State::Control),
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') if self.is_bare() => {
                self.begin(State::String(byte));
            }
            (State::Escape, ..0x30) | (State::Control, ..0x40) => self.hold(byte, MAX_SEQUENCE_BYTES),
            (State::Escape, _) => self.end_sequence(b"\x1b", byte, escape_draws, out),
            (State::Control, _) => self.end_sequence(b"\x1b[", byte, control_draws, out),
        }
    }

    fn character(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.held.push(byte);
        match std::str::from_utf8(&self.held) {
            Ok(character) => {
                // C1 controls, which some windows obey. What follows them is text, as it is for the agent.
                if !character.contains(char::is_control) {
                    out.extend(character.as_bytes());
                }
                self.begin(State::Text);
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                out.extend(REPLACEMENT);
                self.begin(State::Text);
                self.take(byte, out);
            }
        }
    }

    fn end_sequence(&mut self, begin: &[u8], last: u8, draws: fn(&[u8], u8) -> bool, out: &mut Vec<u8>) {
        if !self.spoiled && draws(&self.held, last) {
            out.extend(begin);
            out.extend(&self.held);
            out.push(last);
        }
        self.begin(State::Text);
    }

    fn end_string(&mut self, kind: u8, end: &[u8], out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        let content = std::str::from_utf8(&held).ok();
        let content = content.filter(|content| !self.spoiled && !content.contains(char::is_control));
        let draws = match (kind, content) {
            (b']', Some(content)) => match command(content) {
                Some((LINK, link)) => self.link(link, out),
                Some((number, rest)) => command_draws(number, rest),
                None => false,
            },
            (b'P', Some(content)) => device_control_draws(content),
            // Keys, files, images that are answered for, messages.
            _ => false,
        };
        if draws {
            out.extend([ESCAPE, kind]);
            out.extend(&held);
            out.extend(end);
        }
        self.begin(State::Text);
    }

    /// Whether a link may begin or end: as on the page, only what a browser opens is one.
    fn link(&mut self, link: &str, out: &mut Vec<u8>) -> bool {
        let Some((_, target)) = link.split_once(';') else { return false };
        let follows = is_followable(target);
        if !follows && !target.is_empty() && self.linked {
            // The link before it must not go on over this one's text.
            out.extend(b"\x1b]8;;\x1b\\");
        }
        self.linked = follows;
        follows || target.is_empty()
    }
}

/// Whether an escape sequence is one that draws. Not among them: DECID, which asks; what turns UTF-8 off, or C1 controls
/// on; what single windows take for the beginning of more.
fn escape_draws(intermediates: &[u8], last: u8) -> bool {
    match intermediates {
        // Cursor, tabs, keypad, lines, reset, character sets.
        [] => b"6789<=>DEHMNOcno|}~\\".contains(&last),
        [b'#'] => matches!(last, b'3'..=b'6' | b'8'),
        [b'%'] => last == b'G',
        [b'(' | b')' | b'*' | b'+' | b'-' | b'.' | b'/'] => true,
        _ => false,
    }
}

/// Whether a control sequence is one that draws, or changes what keys and mice send.
fn control_draws(held: &[u8], last: u8) -> bool {
    let (marker, held) = match held {
        [marker @ b'<'..=b'?', rest @ ..] => (*marker, rest),
        _ => (b' ', held),
    };
    let parameters = held.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b':' | b';')).count();
    let (parameters, intermediates) = held.split_at(parameters);
    match (marker, intermediates, last) {
        // Titles are put away and brought back; windows are not moved, measured or asked.
        (b' ', [], b't') => matches!(numbers(parameters).next(), Some(22 | 23)),
        (b' ', [], _) => b"@ABCDEFGHIJKLMPSTWXZ^`abdefghjklmqrsu".contains(&last),
        (b'?', [], b'h' | b'l') => numbers(parameters).all(|mode| is_quiet_mode(mode, last)),
        (b'?', [], _) => b"JKWrs".contains(&last),
        // What keys send, and the pointer.
        (b'>', [], _) => b"fmpsu".contains(&last),
        (b'<' | b'=', [], _) => last == b'u',
        // Rectangles; soft reset; the cursor's shape, and shifted columns; protection; columns; extents; stacks of colours.
        (b' ', [b'$'], _) => b"rtvxz{".contains(&last),
        (b' ', [b'!'], _) => last == b'p',
        (b' ', [b' '], _) => b"@Aq".contains(&last),
        (b' ', [b'"'], _) => last == b'q',
        (b' ', [b'\''], _) => b"}~".contains(&last),
        (b' ', [b'*'], _) => last == b'x',
        (b' ', [b'#'], _) => b"PQpq{}".contains(&last),
        _ => false,
    }
}

/// Whether a mode may be set or reset. Not: terminals of other kinds, which read sequences otherwise (VT52, Tektronix), and
/// what makes the window report its size or colours from then on.
fn is_quiet_mode(mode: u32, last: u8) -> bool {
    mode <= MAX_MODE && !matches!((mode, last), (2, b'l') | (38 | 2031 | 2048, b'h'))
}

/// The numbers of a control sequence; one that is not there is 0.
fn numbers(parameters: &[u8]) -> impl Iterator<Item = u32> {
    parameters.split(|byte| matches!(byte, b':' | b';')).map(number)
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number: u32, digit| {
        number.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    })
}

/// The number of an operating system command, and the rest.
fn command(content: &str) -> Option<(u32, &str)> {
    let (digits, rest) = content.split_once(';').unwrap_or((content, ""));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (number(digits.as_bytes()), rest))
}

/// Whether an operating system command, other than a link, is one that draws.
fn command_draws(number: u32, rest: &str) -> bool {
    match number {
        // Titles; marks of prompts.
        0..=2 | 133 => true,
        // Colours and the pointer's shape, unless they are asked for; colours as they were.
        4 | 5 | 10..=19 | 22 => !rest.contains('?'),
        104 | 105 | 110..=119 => true,
        // Progress: other commands of this number are shown or run outside.
        9 => rest.starts_with("4;") && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b';')),
        50 => rest.starts_with("CursorShape=") && !rest.contains('?'),
        _ => false,
    }
}

/// Whether a device control string is one that draws: sixels, and the two that hold and show a frame.
fn device_control_draws(content: &str) -> bool {
    let after = content.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    after.starts_with('q') || matches!(content, "=1s" | "=2s")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What passes, in one piece, cut once anywhere, and byte by byte: always the same.
    fn passed(bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        Quiet::default().pass(bytes, &mut whole);
        for cut in (0..=bytes.len()).step_by(1 + bytes.len() / 1024) {
            assert_eq!(in_pieces(&[&bytes[..cut], &bytes[cut..]]), whole, "{cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(in_pieces(&single), whole);
        whole
    }

    fn in_pieces(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut quiet, mut out) = (Quiet::default(), Vec::new());
        for piece in pieces {
            quiet.pass(piece, &mut out);
            assert!(quiet.held.len() <= MAX_STRING_BYTES && quiet.held.capacity() <= 2 * MAX_STRING_BYTES);
        }
        out
    }

    /// Whatever asks or reaches outside.
    const DROPPED: &[&str] = &[
        // DA, DSR, XTVERSION, terminal parameters, DECRQM.
        "\x1b[c",
        "\x1b[0c",
        "\x1b[>c",
        "\x1b[=0c",
        "\x1b[5n",
        "\x1b[6n",
        "\x1b[?6n",
        "\x1b[?996n",
        "\x1b[06n",
        "\x1b[6;n",
        "\x1b[>q",
        "\x1b[>0q",
        "\x1b[x",
        "\x1b[4$p",
        "\x1b[?2026$p",
        // Reports of presentation, colours, checksums, graphics, keys.
        "\x1b[1$w",
        "\x1b[1$u",
        "\x1b[&u",
        "\x1b[1;1;1;1;1;1*y",
        "\x1b[#R",
        "\x1b[#|",
        "\x1b[?1;1;0S",
        "\x1b[?4m",
        "\x1b[?u",
        "\x1b['|",
        "\x1b[1;2'z",
        // Windows, printers.
        "\x1b[11t",
        "\x1b[14t",
        "\x1b[14;2t",
        "\x1b[018t",
        "\x1b[20t",
        "\x1b[21t",
        "\x1b[;22t",
        "\x1b[4294967317t",
        "\x1b[8;10;10t",
        "\x1b[5i",
        "\x1b[?5i",
        // Other kinds of terminals, endless reports.
        "\x1b[?2l",
        "\x1b[?1;2l",
        "\x1b[?38h",
        "\x1b[?65574h",
        "\x1b[?25;2048h",
        "\x1b%@",
        "\x1b G",
        "\x1bZ",
        "\x1bG",
        "\x05",
        // Malformed ones, which windows read each in its way.
        "\x1b[1?6n",
        "\x1b[?>c",
        "\x1b[6 6n",
        "\x1b[6\x05n",
        "\x1b[6\x7fn",
        "\x1b[6\x1b[6n",
        "\x1b[[",
        // Colours that are asked for.
        "\x1b]11;?\x07",
        "\x1b]10;?\x1b\\",
        "\x1b]10;#fff;?\x1b\\",
        "\x1b]4;1;?\x07",
        "\x1b]4;1;#fff;2;?\x07",
        "\x1b]004;1;?\x07",
        "\x1b]5;0;?\x07",
        "\x1b]21;foreground=?\x1b\\",
        "\x1b]22;?__current__\x1b\\",
        "\x1b]50;?\x07",
        // The clipboard, and what else reaches outside.
        "\x1b]52;c;aGk=\x07",
        "\x1b]52;c;?\x1b\\",
        "\x1b]052;c;aGk=\x07",
        "\x1b]0000000052;c;aGk=\x1b\\",
        "\x1b]52\x1b\\",
        "\x1b]5\x002;c;aGk=\x07",
        "\x1b]5522;type=read\x1b\\",
        "\x1b]1337;ReportCellSize\x07",
        "\x1b]1337;Copy=:aGk=\x07",
        "\x1b]51;[\"call\",\"f\",[]]\x07",
        "\x1b]9;6;\"print\"\x07",
        "\x1b]9;hello\x07",
        "\x1b]777;notify;a;b\x07",
        "\x1b]99;i=1:p=?;\x1b\\",
        "\x1b]60\x1b\\",
        "\x1b]lname\x1b\\",
        "\x1b];name\x07",
        // DECRQSS, XTGETTCAP, keys of one's own, multiplexers, kitty's images, messages.
        "\x1bP$qm\x1b\\",
        "\x1bP+q544e\x1b\\",
        "\x1bP1;1|17/6c73\x1b\\",
        "\x1bP1$r0m\x1b\\",
        "\x1bPtmux;x\x1b\\",
        "\x1bP$q\x07m\x1b\\",
        "\x1b_Gi=1,a=q;AAAA\x1b\\",
        "\x1b_Gi=1;\x07AAAA\x1b\\",
        "\x1bXwhat\x1b\\",
        "\x1b^what\x1b\\",
        // A string that something else cuts off.
        "\x1b]0;x\x18",
        "\x1b]0;x\x1a",
        "\x1bPq#0\x18",
        "\x1b[6\x18",
        "\x1b]0;x\x1b[6n",
        "\x1b]0;x\x1b]52;c;aGk=\x07",
        "\x1bPq\x1b[c",
        "\x1bPq\x1b\x1b[c",
        "\x1b_G\x1b[c",
        "\x1b]52;c;\x1b\x1b[c",
        // C1 controls in strings.
        "\x1b]0;x\u{9b}6n\x07",
        "\x1b]4;1;#fff\u{9c};2;?\x07",
        "\x1b]0;\u{9d}52;c;aGk=\x1b\\",
    ];

    #[test]
    fn what_asks_or_reaches_outside_is_dropped() {
        for dropped in DROPPED {
            assert_eq!(passed(format!("a{dropped}b").as_bytes()), b"ab", "{dropped:?}");
            let again = format!("{dropped}{dropped}\x1b[1m{dropped}\r\n");
            assert_eq!(passed(again.as_bytes()), b"\x1b[1m\r\n", "{dropped:?}");
        }
    }

    #[test]
    fn nothing_is_too_long_to_be_dropped() {
        for length in [255, 256, 257, 5_000, MAX_STRING_BYTES, MAX_STRING_BYTES + 1, 3_000_000] {
            for (begin, fill, end) in [
                ("\x1b]52;c;", "A", "\x07"),
                ("\x1b]52;c;", "A", "\x1b\\"),
                ("\x1b]", "0", "52;c;aGk=\x07"),
                ("\x1b[", "0", "6n"),
                ("\x1b[", "0", "c"),
                ("\x1b[", " ", "6n"),
                ("\x1b ", " ", "Z"),
                ("\x1bP+q", "A", "\x1b\\"),
                ("\x1b_G", "A", "\x1b\\"),
                ("\x1b]11;", "x", "?\x07"),
                ("\x1b]11;", "\u{e9}", "\x1b]52;c;aGk=\x07"),
            ] {
                let output = format!("a{begin}{}{end}b", fill.repeat(length));
                let pieces: Vec<&[u8]> = output.as_bytes().chunks(7_777).collect();
                assert_eq!(in_pieces(&pieces), b"ab", "{begin:?} {length} {end:?}");
                if length < 5_000 {
                    assert_eq!(passed(output.as_bytes()), b"ab", "{begin:?} {length} {end:?}");
                }
            }
        }
    }

    #[test]
    fn no_c1_control_reaches_the_window_in_any_encoding() {
        for (output, rest) in [
            (&b"a\xc2\x9b6nb"[..], "a6nb"),
            (b"a\xc2\x9d52;c;aGk=\x07b", "a52;c;aGk=\x07b"),
            (b"a\xc2\x9a\xc2\x90$qm\xc2\x9cb", "a$qmb"),
            (b"a\x9b6nb", "a\u{fffd}6nb"),
            (b"a\x9d52;c;aGk=\x9cb", "a\u{fffd}52;c;aGk=\u{fffd}b"),
            // Too long for what they encode, and cut off.
            (
                b"a\xc0\x9b6n\xe0\x82\x9b6n\xf0\x80\x82\x9b6n",
                "a\u{fffd}\u{fffd}6n\u{fffd}\u{fffd}\u{fffd}6n\u{fffd}\u{fffd}\u{fffd}\u{fffd}6n",
            ),
            (b"a\xe1\x9b6n\xc2\x1b[6nb", "a\u{fffd}6n\u{fffd}b"),
            (b"\x1b[3\x9b6n\x1b\xc2\x9b6n", "\u{fffd}6n6n"),
        ] {
            assert_eq!(String::from_utf8(passed(output)).unwrap(), rest, "{output:x?}");
        }
    }

    #[test]
    fn an_escape_sequence_that_is_too_long_begins_no_other() {
        for last in ["[", "]"] {
            let output = format!("\x1b{}{last}1mtext", " ".repeat(300));
            assert_eq!(passed(output.as_bytes()), b"1mtext");
        }
    }

    #[test]
    fn controls_within_a_sequence_go_before_it() {
        assert_eq!(passed(b"\x1b[3\r\n1m\x1b(\x08B"), b"\r\n\x1b[31m\x08\x1b(B");
        assert_eq!(passed(b"\x1b]0;one\ntwo\x07"), b"\x1b]0;onetwo\x07");
    }

    #[test]
    fn only_links_of_the_web_are_links() {
        let link = |target: &str| format!("a\x1b]8;id=1;{target}\x1b\\text\x1b]8;;\x1b\\b");
        for target in ["https://x.example/?y;z", "HTTP://x.example"] {
            assert_eq!(passed(link(target).as_bytes()), link(target).as_bytes());
        }
        for target in
            ["file:///etc/passwd", "javascript:alert(1)", " https://x", "ssh://x", "x;https://x", "http:"]
        {
            assert_eq!(passed(link(target).as_bytes()), b"atext\x1b]8;;\x1b\\b", "{target}");
        }
        assert_eq!(passed(b"a\x1b]8;https://x\x07b\x1b]08;;file:///x\x07c\x1b]8\x07"), b"abc");
        // One that is dropped ends the one before it.
        let output = b"\x1b]8;;https://x\x07a\x1b]8;;file:///x\x07b\x1b]8;;file:///y\x07c";
        assert_eq!(passed(output), b"\x1b]8;;https://x\x07a\x1b]8;;\x1b\\bc");
    }

    /// As `vim` and `less` write for xterm-256color.
    const PROGRAMS: &[&str] = &[
        "\x1b[?1049h\x1b[22;0;0t\x1b[22;2t\x1b[22;1t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;24r\x1b[?12h\
         \x1b[?12l\x1b[27m\x1b[23m\x1b[29m\x1b[m\x1b[H\x1b[2J\x1b]2;notes.txt (/tmp) - VIM\x07\x1b[?25l\x1b[1;1Hline 1 \u{e9}\r\n\
         \x1b[94m~                 \x1b[3;1H~\x1b[m\x1b[24;63H1,1\x1b[11CAll\x1b[1;1H\x1b[?25h\x07\x1b[38;5;130m  1 \x1b[0m\x1b%G\
         \x1b[2 q\x1b[K\x1b[2;23r\x1bM\x1b[4L\x1b[r\x1b[24;1H\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[?1049l\x1b[23;0;0t\x1b[23;2t\
         \x1b[23;1t\x1b]2;Thanks for flying Vim\x07\x1b[>4;m",
        "\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\rline 1\r\n\x1b[7mnotes.txt\x1b[27m\x1b[K\r\x1b[K:\x08\x1bM\x1b[1mb\x1b[22m\
         \x1b[4mu\x1b[24m\x1b[7m(END)\x1b[27m\x1b[K\x1b[?1l\x1b>\x1b[?1049l\x1b[23;0;0t",
        "plain \u{1f389}\r\n\tBEL\x07\x08\x0b\x0c\0\x7f\x0e\x0f \u{a0}\u{ad}\u{100}\u{db}\u{7ff}\u{800}\u{9bff}\u{10ffff}",
        "\x1b[31mred\x1b[0m\x1b[38;2;1;2;3;48;2;4;5;6;58:2::7:8:9;4:3m\x1b[m",
        "\x1b]0;what?\x07\x1b]2;a?\x1b\\\x1b]1;\u{11c}\u{db}\x07",
        "\x1b]8;;https://x/?y\x1b\\l\x1b]8;;\x1b\\",
        "\x1b(0q\x1b(B\x1b)B\x1b7\x1b8\x1bM\x1bD\x1bE\x1bH\x1b#8\x1bc",
        "\x1b[?1049h\x1b[?1000;1006h\x1b[?2026h\x1b[?2026l\x1b[?3;4l\x1b[4l\x1b[20h\x1b[!p\x1b[s\x1b[u\x1b[?1001s",
        "\x1b[2 q\x1b[5 q\x1b]12;#fff\x07\x1b]112\x07\x1b]50;CursorShape=1\x07\x1b]22;pointer\x1b\\",
        "\x1b]11;rgb:00/00/00\x07\x1b]4;1;rgb:ff/00/00;2;#fff\x1b\\\x1b]104\x1b\\\x1b]104;1;2\x1b\\\x1b]110\x1b\\",
        "\x1b]133;A\x07$ \x1b]133;B\x1b\\\x1b]9;4;1;50\x1b\\",
        "\x1b[999;999H\x1b[3J\x1b[10@\x1b[5b\x1b[3g\x1b[2X\x1b[2S\x1b[1;2;3;4$r\x1b[1'}",
        "\x1bP0;1;0q\"1;1;8;6#0;2;0;0;0#0~~@@$-\x1b\\\x1bP=1s\x1b\\\x1bP=2s\x1b\\",
    ];

    #[test]
    fn what_draws_passes_byte_for_byte() {
        for output in PROGRAMS {
            assert_eq!(String::from_utf8(passed(output.as_bytes())).unwrap(), *output);
        }
        for length in [256, 10_000, MAX_STRING_BYTES - 2] {
            let long = format!("\x1b]0;{}\x07", "x".repeat(length));
            assert_eq!(passed(long.as_bytes()), long.as_bytes());
        }
    }

    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let bytes = prop_oneof![
            Just(b"\x1b".to_vec()),
            proptest::sample::select(
                &b"[]PX^_\\\x07\x18\x1a\x05;?>=$+ 05246nctquZpG\xc2\x9b\x9c\x9d\x90\xe1\n"[..]
            )
            .prop_map(|byte| vec![byte]),
            proptest::sample::select(DROPPED).prop_map(|text| text.as_bytes().to_vec()),
            proptest::sample::select(PROGRAMS).prop_map(|text| text.as_bytes().to_vec()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(bytes, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// However it is cut; and what has passed is well-formed: it passes again as it is.
        #[test]
        fn any_noise_leaves_nothing_that_asks(bytes in noise(), cuts in proptest::collection::vec(1..40_usize, 1..8)) {
            let mut whole = Vec::new();
            Quiet::default().pass(&bytes, &mut whole);
            let (mut rest, mut pieces) = (&bytes[..], Vec::new());
            for length in cuts.iter().cycle() {
                let (piece, behind) = rest.split_at((*length).min(rest.len()));
                pieces.push(piece);
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(&in_pieces(&pieces), &whole);
            prop_assert_eq!(&in_pieces(&[&whole]), &whole);
            let text = std::str::from_utf8(&whole).expect("it is text");
            let is_forbidden = |c| matches!(c, '\u{80}'..='\u{9f}' | '\x05');
            prop_assert!(!text.contains(is_forbidden));
            // As a window reads it that knows nothing of this filter.
            let mut window = Window::default();
            alacritty_terminal::vte::Parser::new().advance(&mut window, &whole);
            prop_assert_eq!(window.asked, Vec::<String>::new());
        }
    }

    /// A window of another make; remembers what it was asked.
    #[derive(Default)]
    struct Window {
        asked: Vec<String>,
    }

    impl alacritty_terminal::vte::Perform for Window {
        fn execute(&mut self, byte: u8) {
            if byte == ENQUIRY {
                self.asked.push("ENQ".to_owned());
            }
        }

        fn hook(&mut self, _: &alacritty_terminal::vte::Params, intermediates: &[u8], _: bool, action: char) {
            if action != 'q' && action != 's'
                || intermediates.contains(&b'$')
                || intermediates.contains(&b'+')
            {
                self.asked.push(format!("DCS {intermediates:?} {action}"));
            }
        }

        fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
            let command = number(params.first().copied().unwrap_or_default());
            let asks = params.iter().any(|param| *param == b"?");
            if command == 52 || command == 1337 || asks && matches!(command, 4 | 5 | 10..=19) {
                self.asked.push(format!("OSC {command}"));
            }
        }

        fn csi_dispatch(
            &mut self,
            params: &alacritty_terminal::vte::Params,
            intermediates: &[u8],
            _: bool,
            action: char,
        ) {
            let first = params.iter().next().and_then(|param| param.first()).copied().unwrap_or_default();
            let asks = match (intermediates, action) {
                (_, 'c' | 'n' | 'x') => !intermediates.contains(&b'$') && !intermediates.contains(&b'*'),
                ([], 't') => !matches!(first, 22 | 23),
                (_, 'p') => intermediates.contains(&b'$'),
                (_, 'q') => intermediates == b">",
                (_, 'u' | 'm' | 'S') => intermediates == b"?",
                _ => false,
            };
            if asks {
                self.asked.push(format!("CSI {intermediates:?} {first} {action}"));
            }
        }

        fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
            if intermediates.is_empty() && byte == b'Z' {
                self.asked.push("DECID".to_owned());
            }
        }
    }
}
