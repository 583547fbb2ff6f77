//! Bytes of a file to text of a document and back, byte for byte.

use parlor_shared::message::{Encoding, EndOfLine};
use serde::{Deserialize, Serialize};

const UTF8_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
const UTF16_LE_MARK: [u8; 2] = [0xFF, 0xFE];
const UTF16_BE_MARK: [u8; 2] = [0xFE, 0xFF];

/// How a file stores its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// How characters are stored.
    pub encoding: Encoding,
    /// How lines end.
    pub end_of_line: EndOfLine,
}

impl Format {
    /// A file of which nothing is known: a new one.
    pub const NEW: Self = Self { encoding: Encoding::Utf8, end_of_line: EndOfLine::Lf };

    /// The format of `text`, which became of `base`, whose format this is.
    #[must_use]
    pub fn carried(&self, _base: &str, _text: &str) -> Self {
        self.clone()
    }
}

/// A file's bytes, understood. Invariant: [`encode`] gives the same bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark; lines end in `\n` unless the file mixes its line ends.
    pub text: String,
    /// How the file stores it.
    pub format: Format,
}

/// The encoding of the file has no bytes for this character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file's encoding lacks {character:?}")]
pub struct Unencodable {
    /// The first character that it lacks.
    pub character: char,
}

/// The bytes are not text that could be written back unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not text")]
pub struct NotText;

/// Reads a file that nothing is known of.
///
/// # Errors
/// If the bytes are not valid in the encoding that their byte order mark names (UTF-8 without one), or contain NUL.
pub fn decode(bytes: &[u8]) -> Result<Decoded, NotText> {
    let (text, encoding) = characters(bytes)?;
    let (text, end_of_line) = match LineEnds::of(&text) {
        LineEnds::None | LineEnds::Lf => (text, EndOfLine::Lf),
        LineEnds::Crlf => (text.replace("\r\n", "\n"), EndOfLine::Crlf),
        LineEnds::Both => (text, EndOfLine::Mixed),
    };
    Ok(Decoded { text, format: Format { encoding, end_of_line } })
}

/// Reads a file again that was stored as `before` when it was read or written last.
///
/// A file that is uniform decides for itself, so that a conversion by the host's own tools is kept. One that mixes its
/// line ends stays CRLF if it was: a line appended by a shell does not change what the rest of the document is, and
/// both ends count as a line end. Otherwise the carriage returns stay in the text.
///
/// # Errors
/// As [`decode`].
pub fn decode_again(bytes: &[u8], before: &Format) -> Result<Decoded, NotText> {
    let before = before.end_of_line;
    let (text, encoding) = characters(bytes)?;
    let (text, end_of_line) = match LineEnds::of(&text) {
        LineEnds::None => (text, before),
        LineEnds::Lf => (text, EndOfLine::Lf),
        LineEnds::Crlf => (text.replace("\r\n", "\n"), EndOfLine::Crlf),
        LineEnds::Both => match before {
            EndOfLine::Crlf => (text.replace("\r\n", "\n"), EndOfLine::Crlf),
            EndOfLine::Lf | EndOfLine::Mixed => (text, EndOfLine::Mixed),
        },
    };
    Ok(Decoded { text, format: Format { encoding, end_of_line } })
}

/// The bytes that a file has for this text.
///
/// # Errors
/// If the encoding lacks a character.
pub fn encode(text: &str, format: &Format) -> Result<Vec<u8>, Unencodable> {
    let replaced;
    let text = match format.end_of_line {
        EndOfLine::Lf | EndOfLine::Mixed => text,
        EndOfLine::Crlf => {
            replaced = text.replace('\n', "\r\n");
            &replaced
        }
    };
    Ok(match format.encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf8Bom => [&UTF8_MARK, text.as_bytes()].concat(),
        Encoding::Utf16Le => utf16(UTF16_LE_MARK, text, u16::to_le_bytes),
        Encoding::Utf16Be => utf16(UTF16_BE_MARK, text, u16::to_be_bytes),
    })
}

fn utf16(mark: [u8; 2], text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.into_iter().chain(text.encode_utf16().flat_map(to_bytes)).collect()
}

fn characters(bytes: &[u8]) -> Result<(String, Encoding), NotText> {
    let (text, encoding) = if let Some(rest) = bytes.strip_prefix(&UTF8_MARK) {
        (utf8(rest)?, Encoding::Utf8Bom)
    } else if let Some(rest) = bytes.strip_prefix(&UTF16_LE_MARK) {
        (from_utf16(rest, u16::from_le_bytes)?, Encoding::Utf16Le)
    } else if let Some(rest) = bytes.strip_prefix(&UTF16_BE_MARK) {
        (from_utf16(rest, u16::from_be_bytes)?, Encoding::Utf16Be)
    } else {
        (utf8(bytes)?, Encoding::Utf8)
    };
    // No text has NUL characters, and every format that is mistaken for text has: UTF-32 and UTF-16 without a mark too.
    if text.contains('\0') { Err(NotText) } else { Ok((text, encoding)) }
}

fn utf8(bytes: &[u8]) -> Result<String, NotText> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| NotText)
}

fn from_utf16(bytes: &[u8], from_bytes: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NotText);
    }
    char::decode_utf16(units.iter().map(|unit| from_bytes(*unit)))
        .collect::<Result<_, _>>()
        .map_err(|_| NotText)
}

enum LineEnds {
    None,
    Lf,
    Crlf,
    Both,
}

impl LineEnds {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut lf, mut crlf) = (false, false);
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            if at > 0 && bytes[at - 1] == b'\r' {
                crlf = true;
            } else {
                lf = true;
            }
        }
        match (lf, crlf) {
            (false, false) => Self::None,
            (true, false) => Self::Lf,
            (false, true) => Self::Crlf,
            (true, true) => Self::Both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(bytes: &[u8]) -> (String, Encoding, EndOfLine) {
        let Decoded { text, format } = decode(bytes).unwrap();
        assert_eq!(encode(&text, &format).unwrap(), bytes, "{bytes:?}");
        (text, format.encoding, format.end_of_line)
    }

    #[test]
    fn line_ends_are_known_and_kept() {
        for (bytes, text, end_of_line) in [
            ("", "", EndOfLine::Lf),
            ("a", "a", EndOfLine::Lf),
            ("a\nb", "a\nb", EndOfLine::Lf),
            ("a\n", "a\n", EndOfLine::Lf),
            ("a\r\nb\r\n", "a\nb\n", EndOfLine::Crlf),
            ("a\r\nb", "a\nb", EndOfLine::Crlf),
            ("a\r\r\n", "a\r\n", EndOfLine::Crlf),
            ("a\rb\r", "a\rb\r", EndOfLine::Lf),
            ("a\r\nb\n", "a\r\nb\n", EndOfLine::Mixed),
            ("\n\r\n", "\n\r\n", EndOfLine::Mixed),
        ] {
            assert_eq!(
                decoded(bytes.as_bytes()),
                (text.to_owned(), Encoding::Utf8, end_of_line),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn byte_order_marks_are_known_and_kept() {
        assert_eq!(decoded(b"\xEF\xBB\xBFa\r\n"), ("a\n".into(), Encoding::Utf8Bom, EndOfLine::Crlf));
        assert_eq!(decoded(b"\xFF\xFEa\0\r\0\n\0"), ("a\n".into(), Encoding::Utf16Le, EndOfLine::Crlf));
        assert_eq!(decoded(b"\xFE\xFF\0a\0\n"), ("a\n".into(), Encoding::Utf16Be, EndOfLine::Lf));
        assert_eq!(decoded(b"\xFF\xFE\x3D\xD8\x00\xDE"), ("😀".into(), Encoding::Utf16Le, EndOfLine::Lf));
        assert_eq!(decoded(b"\xFE\xFF\xD8\x3D\xDE\x00"), ("😀".into(), Encoding::Utf16Be, EndOfLine::Lf));
        assert_eq!(decoded(b"\xFF\xFE"), (String::new(), Encoding::Utf16Le, EndOfLine::Lf));
        assert_eq!(
            decoded(b"\xEF\xBB\xBF\xEF\xBB\xBF"),
            ("\u{feff}".into(), Encoding::Utf8Bom, EndOfLine::Lf)
        );
    }

    #[test]
    fn what_would_be_damaged_is_not_text() {
        for bytes in [
            &b"a\0b"[..],
            b"\0",
            b"\xFFabc",
            b"caf\xE9",
            b"\xC3",
            b"\xED\xA0\x80",
            b"\x89PNG\r\n\x1A\n",
            b"\xFF\xFEa",
            b"\xFF\xFE\x3D\xD8",
            b"\xFF\xFE\x00\xDE\x3D\xD8",
            b"\xFE\xFF\xD8\x3D\0a",
            b"\xFF\xFE\0\0a\0\0\0",
            b"\xFE\xFF\0\0",
            b"\xEF\xBB\xBF\0",
        ] {
            assert_eq!(decode(bytes), Err(NotText), "{bytes:?}");
            assert_eq!(
                decode_again(bytes, &Format { end_of_line: EndOfLine::Crlf, ..Format::NEW }),
                Err(NotText),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_later_change_outside_keeps_the_document_as_it_is_unless_the_whole_file_was_converted() {
        use EndOfLine::{Crlf, Lf, Mixed};
        for (before, bytes, text, after) in [
            (Crlf, "a\r\nb\n", "a\nb\n", Crlf),
            (Crlf, "a\nb\n", "a\nb\n", Lf),
            (Crlf, "", "", Crlf),
            (Lf, "a\r\nb\r\n", "a\nb\n", Crlf),
            (Lf, "a\r\nb\n", "a\r\nb\n", Mixed),
            (Mixed, "a\r\nb\n", "a\r\nb\n", Mixed),
            (Mixed, "a", "a", Mixed),
        ] {
            let again =
                decode_again(bytes.as_bytes(), &Format { end_of_line: before, ..Format::NEW }).unwrap();
            assert_eq!(
                (again.text.as_str(), again.format.end_of_line),
                (text, after),
                "{before:?} {bytes:?}"
            );
        }
    }

    fn any_encoding() -> impl Strategy<Value = Encoding> {
        proptest::sample::select(vec![
            Encoding::Utf8,
            Encoding::Utf8Bom,
            Encoding::Utf16Le,
            Encoding::Utf16Be,
        ])
    }

    proptest! {
        #[test]
        fn bytes_that_decode_are_written_back_identically(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..64),
                proptest::collection::vec(proptest::sample::select(vec![b'a', b'\r', b'\n', 0xEF, 0xBB, 0xBF, 0xFE, 0xFF, 0xC3, 0xA9]), 0..24),
            ],
        ) {
            if let Ok(Decoded { text, format }) = decode(&bytes) {
                prop_assert_eq!(encode(&text, &format).unwrap(), bytes);
            }
        }

        #[test]
        fn every_text_is_text_in_every_encoding(
            text in "(\r\n|\n|\r|[a-zé日😀\u{feff}\t]){0,40}",
            encoding in any_encoding(),
        ) {
            let bytes = encode(&text, &Format { encoding, ..Format::NEW }).unwrap();
            let back = decode(&bytes).unwrap();
            prop_assert_eq!(encode(&back.text, &back.format).unwrap(), bytes);
        }

        #[test]
        fn what_a_checkpoint_writes_is_what_is_read_back(
            text in "(\n|[a-zé日😀\t]){0,40}",
            encoding in any_encoding(),
            end_of_line in proptest::sample::select(vec![EndOfLine::Lf, EndOfLine::Crlf]),
        ) {
            let format = Format { encoding, end_of_line };
            let back = decode_again(&encode(&text, &format).unwrap(), &format).unwrap();
            prop_assert_eq!(back, Decoded { text, format });
        }
    }
}
