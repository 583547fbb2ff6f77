//! Bytes of a file to text of a document and back, byte for byte.

use parlor_shared::document::text::{BYTE_ORDER_MARK, is_text};
use parlor_shared::message::{Encoding, EndOfLine};
use serde::{Deserialize, Serialize};

mod line_ends;

pub use line_ends::{LineEnd, LineEnds};

const UTF8_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
const UTF16_LE_MARK: [u8; 2] = [0xFF, 0xFE];
const UTF16_BE_MARK: [u8; 2] = [0xFE, 0xFF];

/// How a file stores its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// How characters are stored.
    pub encoding: Encoding,
    /// How lines end.
    pub line_ends: LineEnds,
}

impl Format {
    /// A file of which nothing is known: a new one.
    pub const NEW: Self = Self { encoding: Encoding::Utf8, line_ends: LineEnds::All(LineEnd::Lf) };

    /// How lines end, in a word.
    pub const fn end_of_line(&self) -> EndOfLine {
        self.line_ends.summary()
    }

    /// The format of `text`, which became of `base`, whose format this is: what a line ends with moves with the line.
    /// Costs nothing unless the file mixes its line ends.
    #[must_use]
    pub fn carried(&self, base: &str, text: &str) -> Self {
        Self { encoding: self.encoding, line_ends: self.line_ends.carried(base, text) }
    }
}

/// A file's bytes, understood. Invariant: [`encode`] gives the same bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark; every line ends in `\n`.
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
    decode_again(bytes, &Format::NEW)
}

/// Reads a file again that was stored as `before` when it was read or written last.
///
/// Each line's end is what the file says, so that a conversion by the host's own tools is kept, and a line that a shell
/// appends changes no other. A file that has no line end any more says nothing: a new line ends as most did before.
///
/// # Errors
/// As [`decode`].
pub fn decode_again(bytes: &[u8], before: &Format) -> Result<Decoded, NotText> {
    let (characters, encoding) = characters(bytes)?;
    let (text, line_ends) = LineEnds::take_from(characters, &before.line_ends);
    Ok(Decoded { text, format: Format { encoding, line_ends } })
}

/// The bytes that a file has for this text, which is what the format was [carried](Format::carried) to.
///
/// # Errors
/// If the encoding lacks a character.
pub fn encode(text: &str, format: &Format) -> Result<Vec<u8>, Unencodable> {
    // The next reader would take it for a byte order mark.
    if format.encoding == Encoding::Utf8 && text.starts_with(BYTE_ORDER_MARK) {
        return Err(Unencodable { character: BYTE_ORDER_MARK });
    }
    let characters = format.line_ends.put_into(text);
    Ok(match format.encoding {
        Encoding::Utf8 => characters.into_bytes(),
        Encoding::Utf8Bom => [&UTF8_MARK, characters.as_bytes()].concat(),
        Encoding::Utf16Le => utf16(UTF16_LE_MARK, &characters, u16::to_le_bytes),
        Encoding::Utf16Be => utf16(UTF16_BE_MARK, &characters, u16::to_be_bytes),
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
    // Of what no text has, line ends are taken out next. The rest tells formats that are mistaken for text: UTF-32 and UTF-16
    // without a mark too.
    if text.bytes().any(|byte| byte != b'\r' && !is_text(char::from(byte))) {
        Err(NotText)
    } else {
        Ok((text, encoding))
    }
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

#[cfg(test)]
mod tests {
    use parlor_shared::document::text::insertable;
    use parlor_shared::document::{Document, Splice};
    use parlor_shared::id::AuthorId;
    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> (String, Encoding, EndOfLine) {
        let Decoded { text, format } = decode(bytes).unwrap();
        assert_eq!(encode(&text, &format).unwrap(), bytes, "{bytes:?}");
        (text, format.encoding, format.end_of_line())
    }

    fn all(end: LineEnd) -> Format {
        Format { line_ends: LineEnds::All(end), ..Format::NEW }
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
            ("a\r\r\n", "a\n\n", EndOfLine::Mixed),
            ("a\rb\r", "a\nb\n", EndOfLine::Cr),
            ("a\rb", "a\nb", EndOfLine::Cr),
            ("a\r\nb\n", "a\nb\n", EndOfLine::Mixed),
            ("\n\r\n", "\n\n", EndOfLine::Mixed),
            ("10%\r100%\nok", "10%\n100%\nok", EndOfLine::Mixed),
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
    fn a_character_is_never_taken_for_a_byte_order_mark_by_the_next_reader() {
        let refused = Err(Unencodable { character: BYTE_ORDER_MARK });
        assert_eq!(encode("\u{feff}a", &Format::NEW), refused);
        assert_eq!(encode("a\u{feff}", &Format::NEW).unwrap(), "a\u{feff}".as_bytes());
        for encoding in [Encoding::Utf8Bom, Encoding::Utf16Le, Encoding::Utf16Be] {
            let format = Format { encoding, ..Format::NEW };
            let bytes = encode("\u{feff}a", &format).unwrap();
            assert_eq!(decode(&bytes), Ok(Decoded { text: "\u{feff}a".into(), format }));
        }
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
            assert_eq!(decode_again(bytes, &all(LineEnd::Crlf)), Err(NotText), "{bytes:?}");
        }
    }

    #[test]
    fn a_later_change_outside_says_how_each_line_ends_and_a_file_without_lines_ends_them_as_before() {
        use EndOfLine::{Cr, Crlf, Lf, Mixed};
        let before = |bytes: &str| decode(bytes.as_bytes()).unwrap().format;
        for (earlier, bytes, text, after) in [
            // One line more, by a shell that knows LF alone.
            ("a\r\n", "a\r\nb\n", "a\nb\n", Mixed),
            ("a\n", "a\nb\r\n", "a\nb\n", Mixed),
            // Converted.
            ("a\r\nb\r\n", "a\nb\n", "a\nb\n", Lf),
            ("a\nb\n", "a\r\nb\r\n", "a\nb\n", Crlf),
            ("a\r\nb\n", "a\rb\r", "a\nb\n", Cr),
            // Emptied.
            ("a\r\n", "", "", Crlf),
            ("a\r\nb\r\nc\n", "a", "a", Crlf),
            ("a\r\nb\n", "a", "a", Lf),
        ] {
            let again = decode_again(bytes.as_bytes(), &before(earlier)).unwrap();
            assert_eq!((again.text.as_str(), again.format.end_of_line()), (text, after), "{bytes:?}");
            assert_eq!(encode(&again.text, &again.format).unwrap(), bytes.as_bytes());
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

    fn any_end() -> impl Strategy<Value = LineEnd> {
        proptest::sample::select(vec![LineEnd::Lf, LineEnd::Crlf, LineEnd::Cr])
    }

    /// What somebody does to the lines of a text.
    #[derive(Clone, Debug)]
    enum LineEdit {
        Insert(usize),
        Delete(usize),
        Change(usize),
        Split(usize),
        Join(usize),
    }

    fn any_edits() -> impl Strategy<Value = Vec<LineEdit>> {
        let at = 0usize..40;
        let edit = prop_oneof![
            at.clone().prop_map(LineEdit::Insert),
            at.clone().prop_map(LineEdit::Delete),
            at.clone().prop_map(LineEdit::Change),
            at.clone().prop_map(LineEdit::Split),
            at.prop_map(LineEdit::Join),
        ];
        proptest::collection::vec(edit, 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_line_that_nobody_touched_keeps_its_bytes(
            lines in proptest::collection::vec(("[a-zé]{0,6}", any_end()), 1..40),
            last in "[a-z]{0,3}",
            edits in any_edits(),
            encoding in any_encoding(),
        ) {
            // The number tells a line from every other one; two equal ones are equal to everybody.
            let lines: Vec<_> =
                lines.into_iter().enumerate().map(|(at, (line, end))| (format!("#{at}:{line}"), end)).collect();
            let bytes_of = |line: &str, end: LineEnd| encode(&format!("{line}\n"), &Format { line_ends: LineEnds::All(end), encoding }).unwrap();
            let characters: String = lines.iter().map(|(line, end)| LineEnds::All(*end).put_into(&format!("{line}\n"))).collect();
            let file = encode("", &Format { encoding, ..Format::NEW }).unwrap();
            let mut file = file;
            let mark = file.len();
            file.extend(&encode(&(characters + &last), &Format { encoding, ..Format::NEW }).unwrap()[mark..]);
            let base = decode(&file).unwrap();
            prop_assert_eq!(encode(&base.text, &base.format).unwrap(), &file[..]);

            // What was edited is marked by where it comes from; what was not stands as it was.
            let mut text: Vec<(Option<usize>, String)> =
                lines.iter().enumerate().map(|(at, (line, _))| (Some(at), line.clone())).collect();
            for (count, edit) in edits.into_iter().enumerate() {
                let len = text.len();
                match edit {
                    LineEdit::Insert(at) => text.insert(at % (len + 1), (None, format!("new {count}"))),
                    LineEdit::Delete(at) if len > 1 => drop(text.remove(at % len)),
                    LineEdit::Change(at) if len > 0 => {
                        let line = &mut text[at % len];
                        line.0 = None;
                        line.1.push(';');
                    }
                    LineEdit::Split(at) if len > 0 => {
                        let line = &mut text[at % len];
                        line.0 = None;
                        let first = line.1.chars().next().map_or(0, char::len_utf8);
                        let half = line.1.split_off(first);
                        text.insert(at % len + 1, (None, half));
                    }
                    LineEdit::Join(at) if len > 1 => {
                        let (_, line) = text.remove(at % (len - 1));
                        let joined = &mut text[at % (len - 1)];
                        joined.0 = None;
                        joined.1.insert_str(0, &line);
                    }
                    _ => {}
                }
            }
            let edited: String = text.iter().map(|(_, line)| format!("{line}\n")).collect::<String>() + &last;
            let carried = base.format.carried(&base.text, &edited);
            let written = encode(&edited, &carried).unwrap();
            let again = decode_again(&written, &carried).unwrap();
            prop_assert_eq!(&again, &Decoded { text: edited, format: carried });
            for (at, _) in text.iter().filter_map(|(from, line)| from.map(|from| (from, line))) {
                let (line, end) = &lines[at];
                let wanted = &bytes_of(line, *end)[mark..];
                prop_assert!(written.windows(wanted.len()).any(|bytes| bytes == wanted), "line {at} of {lines:?}");
            }
        }
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
        fn every_text_that_can_come_into_a_document_is_read_again_from_its_file(
            text in prop_oneof![any::<String>(), "[\r\n\0\u{feff}a-zé日😀\u{1}\u{1b}\u{85}\u{2028}\u{fffe}\u{fffd}]{0,40}"],
            encoding in any_encoding(),
            end in any_end(),
        ) {
            // What the page would insert, and what the agent takes from anybody.
            let inserted = insertable(&text, 0);
            let mut document = Document::new(AuthorId(16));
            let mut agent = Document::new(AuthorId::AGENT);
            if let Some(update) = document.edit(&[Splice { at: 0, delete: 0, insert: inserted.into_owned() }]).unwrap() {
                agent.apply_as(AuthorId(16), &update, u64::MAX).unwrap();
            }
            let text = agent.text();
            let format = Format { encoding, line_ends: LineEnds::All(end) };
            let bytes = encode(&text, &format).unwrap();
            for back in [decode(&bytes).unwrap(), decode_again(&bytes, &format).unwrap()] {
                prop_assert_eq!(&back.text, &text);
                prop_assert_eq!(encode(&back.text, &back.format).unwrap(), &bytes[..]);
            }
        }

        #[test]
        fn what_a_checkpoint_writes_is_what_is_read_back(
            text in "(\n|[a-zé日😀\t]){0,40}",
            encoding in any_encoding(),
            end in any_end(),
        ) {
            let format = Format { encoding, line_ends: LineEnds::All(end) };
            let back = decode_again(&encode(&text, &format).unwrap(), &format).unwrap();
            prop_assert_eq!(back, Decoded { text, format });
        }
    }
}
