//! What a text is. Page, agent and reader of files all ask here.
//!
//! A text is any sequence of Unicode characters but these two:
//!
//! - **NUL**. No text file has one, and all formats that are mistaken for text do: it is how a reader tells them apart.
//! - **CR**. Lines of a text end with LF. What ends a line in the file is the file's business, see the agent's `Format`.
//!
//! All else is text: other control characters (a log has escape sequences, a listing has form feeds), the separators U+0085,
//! U+2028 and U+2029 (characters in a line), noncharacters and U+FFFD. Half a surrogate pair is no character: where one comes
//! from UTF-16, U+FFFD stands for it, as browsers and yrs have it.
//!
//! U+FEFF is text too, but not at the beginning of a file that has no byte order mark: the next reader would take it for one. The
//! page leaves it out there; should it come to stand there by what others delete, the file is not written until it is gone.

use std::borrow::Cow;

/// The byte order mark, and in the midst of a text a space without width.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether a text may have this character.
pub const fn is_text(character: char) -> bool {
    !matches!(character, '\0' | '\r')
}

/// The first character that no text has.
pub fn first_foreign(characters: &str) -> Option<char> {
    characters.bytes().find(|byte| !is_text(char::from(*byte))).map(char::from)
}

/// What of these characters can be inserted at `at`: the ends of lines become LF, NUL is left out, and a byte order mark at
/// the beginning of the text.
pub fn insertable(characters: &str, at: u32) -> Cow<'_, str> {
    let mut text = if first_foreign(characters).is_none() {
        Cow::Borrowed(characters)
    } else {
        Cow::Owned(characters.replace("\r\n", "\n").replace('\r', "\n").replace('\0', ""))
    };
    if at == 0 && text.starts_with(BYTE_ORDER_MARK) {
        text = Cow::Owned(text.trim_start_matches(BYTE_ORDER_MARK).to_owned());
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_text_is_left_out_or_becomes_text() {
        for (characters, at, inserted) in [
            ("a\0b\0", 3, "ab"),
            ("\0", 0, ""),
            ("one\r\ntwo\rthree\n", 0, "one\ntwo\nthree\n"),
            ("\r\r\n", 1, "\n\n"),
            ("\u{feff}a\u{feff}", 0, "a\u{feff}"),
            ("\0\u{feff}a", 0, "a"),
            ("\u{feff}a", 1, "\u{feff}a"),
            (
                "\u{1b}[0m\u{c}\u{85}\u{2028}\u{2029}\u{fffe}\u{ffff}😀",
                0,
                "\u{1b}[0m\u{c}\u{85}\u{2028}\u{2029}\u{fffe}\u{ffff}😀",
            ),
        ] {
            assert_eq!(insertable(characters, at), inserted, "{characters:?}");
        }
    }

    proptest! {
        #[test]
        fn what_can_be_inserted_is_text(characters in "[\r\n\0\u{feff}aé😀]{0,12}", at in 0u32..2) {
            let inserted = insertable(&characters, at);
            prop_assert_eq!(first_foreign(&inserted), None);
            prop_assert!(at > 0 || !inserted.starts_with(BYTE_ORDER_MARK));
            prop_assert_eq!(insertable(&inserted, at), inserted.clone());
            if characters.chars().all(is_text) && !characters.starts_with(BYTE_ORDER_MARK) {
                prop_assert_eq!(inserted.as_ref(), characters.as_str());
            }
        }
    }
}
