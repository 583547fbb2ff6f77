//! One line of the log.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// What a line says, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The path that was asked for, without the query.
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's length.
    pub bytes: u64,
}

/// Why a text is no log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// There is no request in quotation marks.
    NoRequest,
    /// The request has no path.
    NoPath,
    /// The status is no number from 100 to 599.
    BadStatus,
    /// The length is neither a number nor `-`.
    BadLength,
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoRequest => "no request in quotation marks",
            Self::NoPath => "the request has no path",
            Self::BadStatus => "the status is no number from 100 to 599",
            Self::BadLength => "the length is neither a number nor `-`",
        })
    }
}

impl Error for ParseError {}

impl FromStr for Line {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (_, after) = text.split_once('"').ok_or(ParseError::NoRequest)?;
        // A quotation mark may stand in the path: the request ends at the last one before the status.
        let (request, answer) = after.rsplit_once("\" ").ok_or(ParseError::NoRequest)?;

        let target = request.split(' ').nth(1).ok_or(ParseError::NoPath)?;
        let path =
            target.split(['?', '#']).next().filter(|path| !path.is_empty()).ok_or(ParseError::NoPath)?;

        let mut fields = answer.split_whitespace();
        let status = fields.next().and_then(|status| status.parse().ok());
        let status = status.filter(|status| (100..600).contains(status)).ok_or(ParseError::BadStatus)?;
        let bytes = match fields.next() {
            Some("-") => 0,
            length => length.and_then(|length| length.parse().ok()).ok_or(ParseError::BadLength)?,
        };
        Ok(Self { path: path.to_owned(), status, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Line, ParseError> {
        text.parse()
    }

    #[test]
    fn a_full_line() {
        let line = parse(r#"::1 - ada [22/Nov/2026:08:00:00 +0000] "GET /a?b=c HTTP/1.1" 304 -"#);
        assert_eq!(line, Ok(Line { path: "/a".into(), status: 304, bytes: 0 }));
    }

    #[test]
    fn a_quotation_mark_in_the_path() {
        assert_eq!(
            parse(r#"x "GET /say-"hi" HTTP/1.1" 200 2"#).map(|line| line.path),
            Ok("/say-\"hi\"".into())
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(parse("nothing"), Err(ParseError::NoRequest));
        assert_eq!(parse(r#""GET" 200 1"#), Err(ParseError::NoPath));
        assert_eq!(parse(r#""GET / HTTP/1.1" 99 1"#), Err(ParseError::BadStatus));
        assert_eq!(parse(r#""GET / HTTP/1.1" 200"#), Err(ParseError::BadLength));
    }
}
