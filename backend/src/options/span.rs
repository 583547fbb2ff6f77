//! A span of time as a person writes it: `90s`, `45m`, `1h`, `2d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A span of time in a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

/// A text that is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write a number and its unit: 90s, 45m, 1h or 2d; 0 is no time at all")]
pub struct NotASpan;

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let text = text.trim();
        let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
        let number: u64 = digits.parse().map_err(|_| NotASpan)?;
        let unit = match text[digits.len()..].trim() {
            "" if number == 0 => 1,
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(NotASpan),
        };
        number.checked_mul(unit).map(|seconds| Self(Duration::from_secs(seconds))).ok_or(NotASpan)
    }
}

impl TryFrom<String> for Span {
    type Error = NotASpan;

    fn try_from(text: String) -> Result<Self, NotASpan> {
        text.parse()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];
        match units.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(formatter, "{}{name}", seconds / unit),
            None => write!(formatter, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_it_is_written() {
        for (text, seconds) in
            [("90s", 90), ("45m", 2700), ("1h", 3600), ("2d", 172_800), ("0", 0), (" 1 h ", 3600)]
        {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.0.as_secs(), seconds, "{text}");
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        for text in
            ["", "h", "5", "1.5h", "-1h", "1 week", "99999999999999999999d", "999999999999999999d", "1h30m"]
        {
            assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
        }
    }
}
