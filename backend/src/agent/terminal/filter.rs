//! Takes out of a terminal's output what no screen shows and no memory should hold: the inside of endless strings.
//!
//! Titles, clipboards, images and whatever else programs send to terminals stand between a beginning (OSC, DCS, SOS, PM,
//! APC; ECMA-48, 5.6) and an end. Emulators collect them until the end comes. What is longer than any title is cut here,
//! before the host's emulator and the guests' see it, so that all of them see the same.

use std::borrow::Cow;

/// As long as a string may be: many times the longest title and link.
const MAX_STRING_BYTES: usize = 16 * 1024;

const ESCAPE: u8 = 0x1b;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// Behind an escape.
    Escape,
    /// In a string of which so much was let through.
    String(usize),
}

/// The filter of one terminal; its state goes on from piece to piece.
#[derive(Debug)]
pub(super) struct Filter(State);

impl Default for Filter {
    fn default() -> Self {
        Self(State::Text)
    }
}

impl Filter {
    /// What of a piece of output is passed on; nearly always all.
    pub(super) fn pass<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut kept: Option<Vec<u8>> = None;
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match self.0 {
                State::Text => {
                    let length =
                        memchr::memchr(ESCAPE, &bytes[at..]).map_or(bytes.len() - at, |found| found + 1);
                    if at + length < bytes.len() || bytes[bytes.len() - 1] == ESCAPE {
                        self.0 = State::Escape;
                    }
                    if let Some(kept) = &mut kept {
                        kept.extend(&bytes[at..at + length]);
                    }
                    at += length;
                    continue;
                }
                State::Escape => {
                    self.0 = match byte {
                        b']' | b'P' | b'X' | b'^' | b'_' => State::String(0),
                        ESCAPE => State::Escape,
                        _ => State::Text,
                    };
                }
                State::String(length) => match byte {
                    ESCAPE => self.0 = State::Escape,
                    // BEL, CAN, SUB.
                    0x07 | 0x18 | 0x1a => self.0 = State::Text,
                    _ if length >= MAX_STRING_BYTES => {
                        kept.get_or_insert_with(|| bytes[..at].to_vec());
                        at += 1;
                        continue;
                    }
                    _ => self.0 = State::String(length + 1),
                },
            }
            if let Some(kept) = &mut kept {
                kept.push(byte);
            }
            at += 1;
        }
        kept.map_or(Cow::Borrowed(bytes), Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut filter = Filter::default();
        pieces.iter().flat_map(|piece| filter.pass(piece).into_owned()).collect()
    }

    #[test]
    fn usual_output_passes_as_it_is_wherever_it_is_cut() {
        let output = b"plain \x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\ \x1bP$q\x1b\\ \xf0\x9f\x8e\x89\x1b\x1b[m end";
        for cut in 0..=output.len() {
            assert_eq!(passed(&[&output[..cut], &output[cut..]]), output, "{cut}");
        }
    }

    #[test]
    fn an_endless_string_is_cut_and_what_follows_it_is_not() {
        for (begin, end) in [("\x1b]0;", "\x07"), ("\x1bP", "\x1b\\"), ("\x1b_", "\x18"), ("\x1b^", "\x1b\\")]
        {
            let long = "x".repeat(100_000);
            let output = format!("a{begin}{long}{end}b\x1b[1mc");
            let whole = passed(&[output.as_bytes()]);
            assert!(
                whole.len() < MAX_STRING_BYTES + 64 && whole.ends_with(format!("{end}b\x1b[1mc").as_bytes())
            );
            let pieces: Vec<&[u8]> = output.as_bytes().chunks(777).collect();
            assert_eq!(passed(&pieces), whole);
        }
    }
}
