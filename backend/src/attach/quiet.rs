//! Takes the questions out of a terminal's output that a window would answer: the agent has answered them, and the
//! answer would reach the program as if it had been typed.

/// Longer sequences are no questions.
const MAX_SEQUENCE_BYTES: usize = 256;

/// The state goes on from piece to piece.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// A sequence that has begun: it may become a question.
    begun: Vec<u8>,
}

impl Quiet {
    /// Passes output on to `out`, but for questions.
    pub(super) fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            match (self.begun.as_slice(), *byte) {
                // ENQ asks for the answerback.
                ([], 0x05) => {}
                ([], 0x1b) => self.begun.push(0x1b),
                ([], byte) => out.push(byte),
                // What begins anew was none.
                (_, 0x1b) if !self.in_string() => {
                    out.append(&mut self.begun);
                    self.begun.push(0x1b);
                }
                (_, byte) => {
                    self.begun.push(byte);
                    if self.is_complete() {
                        if !is_question(&self.begun) {
                            out.extend(&self.begun);
                        }
                        self.begun.clear();
                    } else if self.begun.len() > MAX_SEQUENCE_BYTES {
                        out.append(&mut self.begun);
                    }
                }
            }
        }
    }

    fn in_string(&self) -> bool {
        matches!(self.begun.get(1), Some(b']' | b'P'))
    }

    fn is_complete(&self) -> bool {
        match self.begun.as_slice() {
            [0x1b, b'[', rest @ ..] => rest.last().is_some_and(|last| (0x40..=0x7e).contains(last)),
            [0x1b, b']' | b'P', rest @ ..] => {
                matches!(rest, [.., 0x07 | 0x18 | 0x1a]) || rest.ends_with(b"\x1b\\")
            }
            // Intermediates, then one more.
            [0x1b, .., last] => !(0x20..=0x2f).contains(last),
            _ => false,
        }
    }
}

fn is_question(sequence: &[u8]) -> bool {
    match sequence {
        // DA, DSR, window reports, DECRQM, the keyboard's mode, XTVERSION.
        [0x1b, b'[', .., b'c' | b'n' | b't'] | [0x1b, b'[', .., b'$', b'p'] | [0x1b, b'[', b'?', b'u'] => {
            true
        }
        [0x1b, b'[', b'>', .., b'q'] => true,
        // DECID.
        [0x1b, b'Z'] => true,
        // Colours that are asked for; the clipboard, asked for or set.
        [0x1b, b']', rest @ ..] => {
            let colours = matches!(rest, [b'4' | b'5', b';', ..] | [b'1', b'0'..=b'9', b';', ..]);
            rest.starts_with(b"52;") || (colours && rest.contains(&b'?'))
        }
        // DECRQSS, XTGETTCAP.
        [0x1b, b'P', b'$' | b'+', b'q', ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        Quiet::default().pass(bytes, &mut whole);
        // Wherever it is cut.
        let (mut quiet, mut pieces) = (Quiet::default(), Vec::new());
        bytes.iter().for_each(|byte| quiet.pass(&[*byte], &mut pieces));
        assert_eq!(whole, pieces);
        whole
    }

    #[test]
    fn questions_are_taken_out() {
        for question in [
            "\x1b[c",
            "\x1b[>c",
            "\x1b[=0c",
            "\x1b[5n",
            "\x1b[?6n",
            "\x1b[18t",
            "\x1b[?2026$p",
            "\x1b[?u",
            "\x1b[>q",
            "\x1bZ",
            "\x05",
            "\x1b]11;?\x07",
            "\x1b]10;?\x1b\\",
            "\x1b]4;1;?\x07",
            "\x1b]52;c;aGk=\x07",
            "\x1b]52;c;?\x1b\\",
            "\x1bP$qm\x1b\\",
            "\x1bP+q544e\x1b\\",
        ] {
            assert_eq!(passed(format!("a{question}b").as_bytes()), b"ab", "{question:?}");
        }
    }

    #[test]
    fn everything_else_passes() {
        for output in [
            "plain \u{1f389}\r\n",
            "\x1b[31mred\x1b[0m",
            "\x1b]0;what?\x07",
            "\x1b]2;a?\x1b\\",
            "\x1b]8;;https://x/?y\x1b\\l\x1b]8;;\x1b\\",
            "\x1b(0q\x1b(B",
            "\x1b7\x1b8\x1bM",
            "\x1b[?1049h",
            "\x1b[2 q",
            "\x1b]11;rgb:00/00/00\x07",
            "\x1b\x1b[m",
            "\x1bP1$r0m\x1b\\",
        ] {
            assert_eq!(passed(output.as_bytes()), output.as_bytes(), "{output:?}");
        }
        let long = format!("\x1b]0;{}\x07", "x".repeat(10_000));
        assert_eq!(passed(long.as_bytes()), long.as_bytes());
    }
}
