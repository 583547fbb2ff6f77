//! Counts what a web server's access log in the Common Log Format says.

mod line;

use std::collections::BTreeMap;
use std::fmt;

pub use line::{Line, ParseError};

/// What was counted so far.
///
/// ```
/// let mut summary = logstat::Summary::default();
/// summary.add(r#"127.0.0.1 - - [22/Nov/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 512"#);
/// assert_eq!((summary.requests(), summary.bytes), (1, 512));
/// ```
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Requests by the first digit of the answer's status.
    pub classes: BTreeMap<u16, u64>,
    /// Requests by path, without the query.
    pub paths: BTreeMap<String, u64>,
    /// Bytes of all answers.
    pub bytes: u64,
    /// Lines that are no log lines.
    pub unreadable: u64,
}

impl Summary {
    /// Counts one line of text; an empty one counts as nothing.
    pub fn add(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        match text.parse::<Line>() {
            Ok(line) => {
                *self.classes.entry(line.status / 100).or_default() += 1;
                *self.paths.entry(line.path).or_default() += 1;
                self.bytes += line.bytes;
            }
            Err(_) => self.unreadable += 1,
        }
    }

    /// How many requests were counted.
    pub fn requests(&self) -> u64 {
        self.classes.values().sum()
    }

    /// The paths asked for most, ties by name.
    pub fn top_paths(&self, count: usize) -> Vec<(&str, u64)> {
        let mut paths: Vec<_> = self.paths.iter().map(|(path, hits)| (path.as_str(), *hits)).collect();
        paths.sort_by_key(|&(_, hits)| std::cmp::Reverse(hits));
        paths.truncate(count);
        paths
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} requests, {} bytes", self.requests(), self.bytes)?;
        for (class, hits) in &self.classes {
            writeln!(out, "{hits:>8}  {class}xx")?;
        }
        for (path, hits) in self.top_paths(5) {
            writeln!(out, "{hits:>8}  {path}")?;
        }
        if self.unreadable > 0 {
            writeln!(out, "{:>8}  unreadable lines", self.unreadable)?;
        }
        Ok(())
    }
}
