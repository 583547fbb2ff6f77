//! Upper and lower case. The browser has the tables; Rust's own are 28 KB of the page.

use std::cmp::Ordering;

use js_sys::JsString;

/// A text in lower case.
pub(crate) fn lowercase(text: &str) -> String {
    // Most are, and a call into JavaScript copies twice.
    if text.is_ascii() { text.to_ascii_lowercase() } else { JsString::from(text).to_lower_case().into() }
}

/// A text in upper case.
pub(crate) fn uppercase(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_uppercase() } else { JsString::from(text).to_upper_case().into() }
}

/// The letters of a text in lower case, as many as before: of the few that become two, the first.
pub(crate) fn folded(text: &str) -> Vec<char> {
    let small: Vec<char> = lowercase(text).chars().collect();
    if small.len() == text.chars().count() {
        return small;
    }
    let fold = |letter: char| lowercase(letter.encode_utf8(&mut [0; 4])).chars().next().unwrap_or(letter);
    text.chars().map(fold).collect()
}

/// The order of two letters without regard to case.
pub(crate) fn compare(one: char, other: char) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    if one.is_ascii() && other.is_ascii() {
        return one.to_ascii_lowercase().cmp(&other.to_ascii_lowercase());
    }
    lowercase(one.encode_utf8(&mut [0; 4])).cmp(&lowercase(other.encode_utf8(&mut [0; 4])))
}
