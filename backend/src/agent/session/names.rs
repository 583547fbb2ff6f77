//! Names of participants: cleaned of what deceives, and told apart.

use parlor_shared::limits::MAX_NAME_CHARS;

/// What a participant without a usable name is called.
const NAMELESS: &str = "Guest";

/// A name without control, invisible or direction-changing characters, of bounded length.
pub(super) fn clean(name: &str) -> String {
    let visible: String =
        name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !deceives(*c)).collect();
    let words: Vec<&str> = visible.split(' ').filter(|word| !word.is_empty()).collect();
    let name: String = words.join(" ").chars().take(MAX_NAME_CHARS).collect();
    let name = name.trim_end();
    if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() }
}

/// Control characters and those of Unicode's general category Cf that hide or reorder their neighbours
/// (UTS 39, section 5): zero-width, bidirectional overrides and isolates, tags, the Hangul fillers.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The name, or with a number behind it if somebody present has it already; case does not tell people apart.
pub(super) fn distinct<'a>(name: &str, present: impl Iterator<Item = &'a str>) -> String {
    let present: Vec<String> = present.map(str::to_lowercase).collect();
    let taken = |name: &str| present.contains(&name.to_lowercase());
    if !taken(name) {
        return name.to_owned();
    }
    (2..).map(|number| format!("{name} ({number})")).find(|name| !taken(name)).expect("numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_kept() {
        for name in ["Ann", "Åsa Öberg", "李雷", "👩\u{200d}💻 Kim", "O'Neil-Smith"] {
            assert_eq!(clean(name), name);
        }
    }

    #[test]
    fn what_deceives_is_taken_out() {
        assert_eq!(clean("  Ann\n\t Lee\u{202e}\u{200b} "), "Ann Lee");
        assert_eq!(clean("\u{200b}\u{202e}\0"), "Guest");
        assert_eq!(clean(""), "Guest");
        assert_eq!(clean(&"x".repeat(500)).chars().count(), MAX_NAME_CHARS);
    }

    #[test]
    fn two_of_the_same_name_are_told_apart() {
        assert_eq!(distinct("Ann", ["Bob"].into_iter()), "Ann");
        assert_eq!(distinct("Ann", ["ann"].into_iter()), "Ann (2)");
        assert_eq!(distinct("Ann", ["Ann", "Ann (2)"].into_iter()), "Ann (3)");
    }
}
