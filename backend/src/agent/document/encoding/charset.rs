//! Bytes to characters and back: which encoding a file has, and whether it gives the same bytes again.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::EncoderResult;
use parlor_shared::document::text::{BYTE_ORDER_MARK, is_text};
use parlor_shared::message::{Encoding, Reading};

use super::{Format, NotText, Unencodable};

const UTF8_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
const UTF16_LE_MARK: [u8; 2] = [0xFF, 0xFE];
const UTF16_BE_MARK: [u8; 2] = [0xFE, 0xFF];
const MARKS: [&[u8]; 3] = [&UTF8_MARK, &UTF16_LE_MARK, &UTF16_BE_MARK];

/// A text of an encoding with several bytes for a character may be UTF-8 by chance: in GBK every seventh character is. So
/// many characters in a row are not.
const CHANCE: usize = 4;

/// The characters of a file.
pub(super) struct Characters {
    pub(super) characters: String,
    pub(super) encoding: Encoding,
    pub(super) reading: Reading,
}

impl Characters {
    const fn exact(characters: String, encoding: Encoding) -> Self {
        Self { characters, encoding, reading: Reading::Exact }
    }

    /// Of bytes that no encoding gives again.
    fn with_marks(bytes: &[u8], encoding: Encoding) -> Self {
        let characters = match standard(encoding) {
            Some(standard) => standard.decode_without_bom_handling(bytes).0,
            None => String::from_utf8_lossy(bytes),
        };
        Self { characters: characters.into_owned(), encoding, reading: Reading::WithMarks }
    }
}

/// Reads a file that was in the encoding of `before` earlier.
///
/// A byte order mark tells, and UTF-8 that is valid is no accident. Else it is what it was. Else it is guessed, and the guess
/// counts if it gives the same bytes again; if it does not, the file can be looked at, with marks for what is no text.
pub(super) fn read(bytes: &[u8], before: &Format) -> Result<Characters, NotText> {
    let read = if let Some(rest) = bytes.strip_prefix(&UTF8_MARK) {
        let read =
            std::str::from_utf8(rest).map(|text| Characters::exact(text.to_owned(), Encoding::Utf8Bom));
        read.unwrap_or_else(|_| Characters::with_marks(rest, Encoding::Utf8Bom))
    } else if let Some(rest) = bytes.strip_prefix(&UTF16_LE_MARK) {
        from_utf16(rest, u16::from_le_bytes, Encoding::Utf16Le)
    } else if let Some(rest) = bytes.strip_prefix(&UTF16_BE_MARK) {
        from_utf16(rest, u16::from_be_bytes, Encoding::Utf16Be)
    } else {
        unmarked(bytes, before)?
    };
    // Line ends are taken out next. The rest of what no text has tells formats that are mistaken for text: UTF-32, and UTF-16
    // without a mark.
    if read.characters.bytes().any(|byte| byte != b'\r' && !is_text(char::from(byte))) {
        return Err(NotText);
    }
    Ok(read)
}

/// Reads a file as being in this encoding; nothing if that does not give the same bytes again.
pub(super) fn read_in(bytes: &[u8], encoding: Encoding) -> Option<String> {
    let characters = match encoding {
        Encoding::Utf8 => std::str::from_utf8(bytes).ok()?.to_owned(),
        Encoding::Utf8Bom => std::str::from_utf8(bytes.strip_prefix(&UTF8_MARK)?).ok()?.to_owned(),
        Encoding::Utf16Le => exact_utf16(bytes.strip_prefix(&UTF16_LE_MARK)?, u16::from_le_bytes)?,
        Encoding::Utf16Be => exact_utf16(bytes.strip_prefix(&UTF16_BE_MARK)?, u16::from_be_bytes)?,
        legacy => {
            let characters = standard(legacy)?.decode_without_bom_handling_and_without_replacement(bytes)?;
            characters.into_owned()
        }
    };
    let same = write(&characters, encoding).is_ok_and(|again| *again == *bytes);
    same.then_some(characters)
}

/// The bytes of a file with these characters.
pub(super) fn write(characters: &str, encoding: Encoding) -> Result<Cow<'_, [u8]>, Unencodable> {
    Ok(match encoding {
        Encoding::Utf8 => unmistakable(Cow::Borrowed(characters.as_bytes()), characters)?,
        Encoding::Utf8Bom => Cow::Owned([&UTF8_MARK, characters.as_bytes()].concat()),
        Encoding::Utf16Le => Cow::Owned(utf16(UTF16_LE_MARK, characters, u16::to_le_bytes)),
        Encoding::Utf16Be => Cow::Owned(utf16(UTF16_BE_MARK, characters, u16::to_be_bytes)),
        legacy => unmistakable(Cow::Owned(in_standard(characters, legacy)?), characters)?,
    })
}

/// Refuses what the next reader would take for a byte order mark.
fn unmistakable<'a>(bytes: Cow<'a, [u8]>, characters: &str) -> Result<Cow<'a, [u8]>, Unencodable> {
    if MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(Unencodable { character: characters.chars().next().unwrap_or(BYTE_ORDER_MARK) });
    }
    Ok(bytes)
}

fn unmarked(bytes: &[u8], before: &Format) -> Result<Characters, NotText> {
    let again = standard(before.encoding).and_then(|_| read_in(bytes, before.encoding));
    let again = again.map(|characters| Characters::exact(characters, before.encoding));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let is_converted = |read: &Characters| {
            let beyond_ascii = text.chars().filter(|character| !character.is_ascii());
            let single_bytes = standard(read.encoding).is_some_and(encoding_rs::Encoding::is_single_byte);
            !before.is_chosen() && beyond_ascii.count() >= if single_bytes { 1 } else { CHANCE }
        };
        return Ok(again
            .filter(|read| !is_converted(read))
            .unwrap_or_else(|| Characters::exact(text.to_owned(), Encoding::Utf8)));
    }
    if bytes.contains(&0) {
        return Err(NotText);
    }
    if let Some(again) = again {
        return Ok(again);
    }
    if is_broken_utf8(bytes) {
        return Ok(Characters::with_marks(bytes, Encoding::Utf8));
    }
    let guess = guess(bytes);
    // What GBK lacks its successor has.
    let successor = (guess == Encoding::Gbk).then_some(Encoding::Gb18030);
    let exact = [guess].into_iter().chain(successor).find_map(|encoding| {
        read_in(bytes, encoding).map(|characters| Characters::exact(characters, encoding))
    });
    Ok(exact.unwrap_or_else(|| Characters::with_marks(bytes, guess)))
}

/// Whether bytes that are no UTF-8 are so nearly: some of it was torn or damaged, as in a log.
fn is_broken_utf8(bytes: &[u8]) -> bool {
    let (mut characters, mut broken) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        characters += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    characters >= 2 * broken
}

fn guess(bytes: &[u8]) -> Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let name = detector.guess(None, Utf8Detection::Deny).name();
    let known = Encoding::ALL.iter().copied().find(|encoding| encoding.name() == name);
    known.unwrap_or(Encoding::Windows1252)
}

/// Whether an encoding has no mark and not all characters.
pub(super) fn is_legacy(encoding: Encoding) -> bool {
    standard(encoding).is_some()
}

/// What the Encoding Standard has under this name; nothing for UTF-8 and UTF-16, which are read and written here.
fn standard(encoding: Encoding) -> Option<&'static encoding_rs::Encoding> {
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16Le | Encoding::Utf16Be => None,
        legacy => encoding_rs::Encoding::for_label(legacy.name().as_bytes()),
    }
}

fn in_standard(characters: &str, encoding: Encoding) -> Result<Vec<u8>, Unencodable> {
    let Some(standard) = standard(encoding) else {
        return Ok(characters.as_bytes().to_vec());
    };
    let mut encoder = standard.new_encoder();
    let enough = encoder.max_buffer_length_from_utf8_without_replacement(characters.len());
    let mut bytes = Vec::with_capacity(enough.unwrap_or(characters.len()));
    let mut rest = characters;
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return Ok(bytes),
            EncoderResult::OutputFull => bytes.reserve(rest.len() + 16),
            // Not always the character that the encoder names: some control characters it reports as U+FFFD.
            EncoderResult::Unmappable(named) => {
                let before = &characters[..characters.len() - rest.len()];
                return Err(Unencodable { character: before.chars().next_back().unwrap_or(named) });
            }
        }
    }
}

fn utf16(mark: [u8; 2], text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + 2 * text.len());
    bytes.extend(mark);
    text.encode_utf16().for_each(|unit| bytes.extend(to_bytes(unit)));
    bytes
}

fn from_utf16(bytes: &[u8], from_bytes: fn([u8; 2]) -> u16, encoding: Encoding) -> Characters {
    if let Some(characters) = exact_utf16(bytes, from_bytes) {
        return Characters::exact(characters, encoding);
    }
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| from_bytes(*unit)).collect();
    let mut characters = String::from_utf16_lossy(&units);
    if !rest.is_empty() {
        characters.push(char::REPLACEMENT_CHARACTER);
    }
    Characters { characters, encoding, reading: Reading::WithMarks }
}

fn exact_utf16(bytes: &[u8], from_bytes: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(units.iter().map(|unit| from_bytes(*unit))).collect::<Result<_, _>>().ok()
}
