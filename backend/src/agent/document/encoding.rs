//! Bytes of a file to text of a document and back, byte for byte.

use parlor_shared::message::{Encoding, EndOfLine, Reading};
use serde::{Deserialize, Serialize};

mod charset;
mod line_ends;

pub use line_ends::{LineEnd, LineEnds};

/// How a file stores its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// How characters are stored.
    pub encoding: Encoding,
    /// How lines end.
    pub line_ends: LineEnds,
    /// Whether the text gives the file's bytes again. The next look tells, whatever a journal says.
    #[serde(skip)]
    pub reading: Reading,
    /// Who says that this is the encoding.
    #[serde(skip)]
    pub source: Source,
    /// The encoding that the next save gives the file, if it is to be another one.
    #[serde(skip)]
    pub wanted: Option<Encoding>,
}

/// Who says how a file is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The bytes themselves, or a guess.
    #[default]
    Bytes,
    /// A person. It stays so as long as it gives the file's bytes again.
    Person,
}

impl Format {
    /// A file of which nothing is known: a new one.
    pub const NEW: Self = Self {
        encoding: Encoding::Utf8,
        line_ends: LineEnds::All(LineEnd::Lf),
        reading: Reading::Exact,
        source: Source::Bytes,
        wanted: None,
    };

    /// How lines end, in a word.
    pub const fn end_of_line(&self) -> EndOfLine {
        self.line_ends.summary()
    }

    /// Whether a file that was stored as `before` may just be being written: half a character of UTF-8 looks like another
    /// encoding, or like none. A moment later it is known.
    #[must_use]
    pub fn may_be_torn(&self, before: &Self) -> bool {
        let is_guessed = self.encoding != before.encoding && charset::is_legacy(self.encoding);
        is_guessed || self.reading == Reading::WithMarks && before.reading == Reading::Exact
    }

    /// Whether a person chose the encoding.
    pub(super) fn is_chosen(&self) -> bool {
        self.source == Source::Person
    }

    /// The format of `text`, which became of `base`, whose format this is: what a line ends with moves with the line, and the
    /// encoding is the one that is wanted. Costs nothing unless the file mixes its line ends.
    #[must_use]
    pub fn carried(&self, base: &str, text: &str) -> Self {
        let line_ends = self.line_ends.carried(base, text);
        let (encoding, source) = match self.wanted {
            Some(wanted) => (wanted, Source::Person),
            None => (self.encoding, self.source),
        };
        Self { encoding, line_ends, reading: self.reading, source, wanted: None }
    }
}

/// A file's bytes, understood. Invariant: [`encode`] gives the same bytes again, unless the text has marks.
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

/// The bytes are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not text")]
pub struct NotText;

/// Reads a file that nothing is known of.
///
/// # Errors
/// If the bytes contain NUL, as all formats do that are no text.
pub fn decode(bytes: &[u8]) -> Result<Decoded, NotText> {
    decode_again(bytes, &Format::NEW)
}

/// Reads a file again that was stored as `before` when it was read or written last.
///
/// Each line's end is what the file says, so that a conversion by the host's own tools is kept, and a line that a shell
/// appends changes no other. A file that has no line end any more says nothing: a new line ends as most did before. The
/// encoding stays too, if it gives the same bytes again and they are not plainly UTF-8.
///
/// # Errors
/// As [`decode`].
pub fn decode_again(bytes: &[u8], before: &Format) -> Result<Decoded, NotText> {
    let charset::Characters { characters, encoding, reading } = charset::read(bytes, before)?;
    let (text, line_ends) = LineEnds::take_from(characters, &before.line_ends);
    let source = if encoding == before.encoding { before.source } else { Source::Bytes };
    Ok(Decoded { text, format: Format { encoding, line_ends, reading, source, wanted: before.wanted } })
}

/// Reads a file in the encoding that a person chose. Nothing if that does not give the same bytes again, or is no text.
pub fn decode_in(bytes: &[u8], encoding: Encoding, before: &Format) -> Option<Decoded> {
    // A byte order mark is part of how the file is stored, whoever thinks of it.
    let encodings = [encoding].into_iter().chain((encoding == Encoding::Utf8).then_some(Encoding::Utf8Bom));
    let (encoding, characters) =
        encodings.filter_map(|encoding| Some((encoding, charset::read_in(bytes, encoding)?))).next()?;
    if characters.contains('\0') {
        return None;
    }
    let (text, line_ends) = LineEnds::take_from(characters, &before.line_ends);
    let format = Format { encoding, line_ends, source: Source::Person, ..Format::NEW };
    Some(Decoded { text, format })
}

/// The bytes that a file has for this text, which is what the format was [carried](Format::carried) to.
///
/// # Errors
/// If the encoding lacks a character, or the text is not all of the file: then nobody writes it.
pub fn encode(text: &str, format: &Format) -> Result<Vec<u8>, Unencodable> {
    if format.reading == Reading::WithMarks {
        return Err(Unencodable { character: char::REPLACEMENT_CHARACTER });
    }
    let characters = format.line_ends.put_into(text);
    charset::write(&characters, format.encoding).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use parlor_shared::document::text::{BYTE_ORDER_MARK, insertable};
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
    fn what_has_nul_is_no_text() {
        for bytes in [
            &b"a\0b"[..],
            b"\0",
            b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR",
            b"\xFF\xFE\0\0a\0\0\0",
            b"\xFE\xFF\0\0",
            b"\xEF\xBB\xBF\0",
            b"\x1F\x8B\x08\0\0\0",
            b"a\0b\0",
        ] {
            assert_eq!(decode(bytes), Err(NotText), "{bytes:?}");
            let before =
                Format { encoding: Encoding::Windows1252, source: Source::Person, ..all(LineEnd::Crlf) };
            assert_eq!(decode_again(bytes, &before), Err(NotText), "{bytes:?}");
        }
    }

    #[test]
    fn bytes_that_no_encoding_gives_again_are_shown_with_marks_and_never_written() {
        for (bytes, text, encoding) in [
            (&b"caf\xC3\xA9 na\xC3\xAFve \xC3\n"[..], "café naïve \u{fffd}\n", Encoding::Utf8),
            (b"\xEF\xBB\xBFa\xFF\r\nb\r\n", "a\u{fffd}\nb\n", Encoding::Utf8Bom),
            (b"\xFF\xFEa\0b", "a\u{fffd}", Encoding::Utf16Le),
            (b"\xFF\xFE\x3D\xD8", "\u{fffd}", Encoding::Utf16Le),
            (b"\xFE\xFF\xD8\x3D\0a", "\u{fffd}a", Encoding::Utf16Be),
        ] {
            let decoded = decode(bytes).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.format.encoding), (text, encoding), "{bytes:?}");
            assert_eq!(decoded.format.reading, Reading::WithMarks);
            assert!(encode(&decoded.text, &decoded.format.carried(text, text)).is_err());
        }
    }

    #[test]
    fn legacy_encodings_are_guessed_and_give_the_same_bytes_again() {
        let samples = [
            (
                Encoding::Windows1252,
                "Die Häuser stehen schön über der Straße, und die Äpfel sind süß.\r\nGrüße\r\n",
            ),
            (Encoding::ShiftJis, "これは日本語のテキストです。ファイルの内容を確認してください。\n"),
            (Encoding::EucJp, "これは日本語のテキストです。ファイルの内容を確認してください。\n"),
            (Encoding::Gbk, "这是一个中文文本文件，里面有很多常用的汉字，用来测试编码。\n"),
            (Encoding::Big5, "這是一個中文文字檔案，裡面有很多常用的漢字，用來測試編碼。\n"),
            (Encoding::EucKr, "이것은 한국어 텍스트 파일입니다. 내용을 확인하십시오.\n"),
            (
                Encoding::Windows1251,
                "Это обычный русский текст в старой кодировке, который нужно прочитать.\n",
            ),
            (Encoding::Koi8U, "Это обычный русский текст в старой кодировке, который нужно прочитать.\n"),
        ];
        for (encoding, text) in samples {
            let (bytes, _, lacks) =
                encoding_rs::Encoding::for_label(encoding.name().as_bytes()).unwrap().encode(text);
            assert!(!lacks, "{encoding:?}");
            let decoded = decode(&bytes).unwrap();
            assert_eq!((decoded.format.encoding, decoded.text), (encoding, text.replace("\r\n", "\n")));
            assert_eq!(encode(&text.replace("\r\n", "\n"), &decoded.format).unwrap(), &bytes[..]);
        }
        // One byte in a log of ASCII.
        assert_eq!(decode(b"caf\xE9\n").unwrap().text, "café\n");
    }

    #[test]
    fn every_encoding_has_a_name_that_the_standard_knows() {
        for encoding in &Encoding::ALL[4..] {
            let standard = encoding_rs::Encoding::for_label(encoding.name().as_bytes()).unwrap();
            assert_eq!(standard.name(), encoding.name());
        }
    }

    #[test]
    fn a_character_that_the_encoding_lacks_is_named() {
        for (encoding, text, character) in [
            (Encoding::Windows1252, "a€ш", 'ш'),
            (Encoding::ShiftJis, "日本😀", '😀'),
            (Encoding::Iso8859_2, "łé€", '€'),
            // Its bytes would be a byte order mark to the next reader.
            (Encoding::Windows1252, "ï»¿", 'ï'),
            (Encoding::Windows1252, "ÿþ", 'ÿ'),
        ] {
            let format = Format { encoding, ..Format::NEW };
            assert_eq!(encode(text, &format), Err(Unencodable { character }));
        }
    }

    #[test]
    fn an_encoding_stays_until_the_file_is_plainly_in_another() {
        let legacy = Format { encoding: Encoding::Windows1252, ..Format::NEW };
        let encoding = |bytes: &[u8], before: &Format| decode_again(bytes, before).unwrap().format.encoding;
        assert_eq!(encoding(b"plain", &legacy), Encoding::Windows1252);
        assert_eq!(encoding(b"caf\xE9", &legacy), Encoding::Windows1252);
        assert_eq!(encoding("café".as_bytes(), &legacy), Encoding::Utf8, "converted");
        assert_eq!(
            encoding("café".as_bytes(), &Format { source: Source::Person, ..legacy }),
            Encoding::Windows1252
        );
        // A character of GBK that is one of UTF-8 by chance.
        let gbk = Format { encoding: Encoding::Gbk, ..Format::NEW };
        assert_eq!(decode_again(&encode("一", &gbk).unwrap(), &gbk).unwrap().text, "一");
        assert_eq!(encoding("这是中文".as_bytes(), &gbk), Encoding::Utf8);
    }

    #[test]
    fn a_person_chooses_only_what_gives_the_same_bytes_again() {
        let read =
            |bytes: &[u8], encoding| decode_in(bytes, encoding, &Format::NEW).map(|decoded| decoded.text);
        assert_eq!(read(b"caf\xC3\xA9\r\n", Encoding::Windows1252), Some("cafÃ©\n".into()));
        assert_eq!(read(b"caf\xE9", Encoding::Iso8859_5), Some("cafщ".into()));
        assert_eq!(read(b"caf\xE9", Encoding::Utf8), None);
        assert_eq!(read(b"caf\xE9", Encoding::ShiftJis), None);
        assert_eq!(read(b"a", Encoding::Utf16Le), None);
        assert_eq!(read(b"\xEF\xBB\xBFa", Encoding::Utf8), Some("a".into()));
        // Bytes that GBK reads and writes otherwise.
        assert_eq!(read(b"\x84\x31\xA4\x37", Encoding::Gbk), None);
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

    fn any_of_all() -> impl Strategy<Value = Encoding> {
        proptest::sample::select(Encoding::ALL)
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
            let bytes_of = |line: &str, end: LineEnd| encode(&format!("{line}\n"), &Format { line_ends: LineEnds::All(end), encoding, ..Format::NEW }).unwrap();
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
            match decode(&bytes) {
                Ok(Decoded { text, format }) if format.reading == Reading::Exact => {
                    prop_assert_eq!(encode(&text, &format).unwrap(), bytes);
                }
                Ok(Decoded { text, format }) => prop_assert!(encode(&text, &format).is_err()),
                Err(NotText) => prop_assert!(bytes.contains(&0)),
            }
        }

        #[test]
        fn every_text_that_can_come_into_a_document_is_read_again_from_its_file(
            text in prop_oneof![any::<String>(), "[\r\n\0\u{feff}a-zé日😀\u{1}\u{1b}\u{85}\u{2028}\u{fffe}\u{fffd}]{0,40}"],
            encoding in any_of_all(),
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
            let format = Format { encoding, line_ends: LineEnds::All(end), source: Source::Person, ..Format::NEW };
            let legacy = !matches!(encoding, Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16Le | Encoding::Utf16Be);
            // What the encoding lacks is said, and not written.
            let bytes = match encode(&text, &format) {
                Ok(bytes) => bytes,
                Err(Unencodable { character }) => {
                    prop_assert!(legacy && text.contains(character));
                    return Ok(());
                }
            };
            prop_assert_eq!(&decode_again(&bytes, &format).unwrap().text, &text);
            // Whoever knows nothing of it may see other characters, and writes the same bytes, if any.
            let fresh = decode(&bytes).unwrap();
            prop_assert!(legacy || fresh.text == text);
            match encode(&fresh.text, &fresh.format) {
                Ok(again) => prop_assert_eq!(again, bytes),
                Err(_) => prop_assert_eq!(fresh.format.reading, Reading::WithMarks),
            }
        }

        #[test]
        fn what_a_checkpoint_writes_is_what_is_read_back(
            text in "(\n|[a-zé日😀\t]){0,40}",
            encoding in any_encoding(),
            end in any_end(),
        ) {
            let format = Format { encoding, line_ends: LineEnds::All(end), ..Format::NEW };
            let back = decode_again(&encode(&text, &format).unwrap(), &format).unwrap();
            prop_assert_eq!(back, Decoded { text, format });
        }
    }
}
