//! Paths inside the workspace: relative, normalised, with `/`, and unable to say anything else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_COMPONENT_BYTES, MAX_PATH_BYTES};

/// A path relative to the shared folder. The root is the empty path.
///
/// Invariant: no empty, `.` or `..` component, no NUL or other control character, no `\`, within the length limits.
/// Whether it names something, and whether that lies inside the folder, only the host's file system knows.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(try_from = "String", into = "String")]
pub struct WorkspacePath(String);

/// Why a text is not a [`WorkspacePath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Starts with `/` or a drive letter.
    #[error("the path is absolute")]
    Absolute,
    /// Contains `..`.
    #[error("the path leaves the folder")]
    Parent,
    /// Contains an empty component or `.`.
    #[error("the path has an empty component")]
    EmptyComponent,
    /// Contains a control character, NUL or `\`.
    #[error("the path has a character that is not allowed")]
    Character,
    /// Longer than the limits.
    #[error("the path is too long")]
    TooLong,
}

impl WorkspacePath {
    /// The shared folder itself.
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Checks a path as it came from somebody else.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong);
        }
        let bytes = text.as_bytes();
        let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
        if bytes[0] == b'/' || drive && (bytes.len() == 2 || bytes[2] == b'/') {
            return Err(PathError::Absolute);
        }
        text.split('/').try_for_each(check_component)?;
        Ok(Self(text.to_owned()))
    }

    /// The path of a child of this folder.
    ///
    /// # Errors
    /// If the name is not a single valid component, or the path grows too long.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        check_component(name)?;
        let joined = if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.0) };
        if joined.len() > MAX_PATH_BYTES { Err(PathError::TooLong) } else { Ok(Self(joined)) }
    }

    /// The folder that holds this entry; the root has none.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned())))
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The components from the root down; none for the root.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }

    /// Whether this is the shared folder itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this path is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        ancestor.is_root()
            || self
                .0
                .strip_prefix(ancestor.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Where this path goes when `from`, it or one of its ancestors, is renamed to `to`.
    pub fn rebased(&self, from: &Self, to: &Self) -> Option<Self> {
        if !self.is_within(from) || from.is_root() {
            return None;
        }
        Some(Self(format!("{}{}", to.0, &self.0[from.0.len()..])))
    }

    /// The text, without a leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_component(component: &str) -> Result<(), PathError> {
    match component {
        "" | "." => Err(PathError::EmptyComponent),
        ".." => Err(PathError::Parent),
        _ if component.len() > MAX_COMPONENT_BYTES => Err(PathError::TooLong),
        _ if component.chars().any(|c| c.is_control() || c == '\\' || c == '/') => Err(PathError::Character),
        _ => Ok(()),
    }
}

impl TryFrom<String> for WorkspacePath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<WorkspacePath> for String {
    fn from(path: WorkspacePath) -> Self {
        path.0
    }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for WorkspacePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    #[test]
    fn ordinary_paths_are_kept_as_they_are() {
        for text in ["", "a", "src/main.rs", "a b/ü/日本.txt", "...", "..a", "a..", ".hidden", "C:x", "a:b"]
        {
            assert_eq!(WorkspacePath::parse(text).map(String::from).as_deref(), Ok(text));
        }
    }

    #[test]
    fn every_way_out_is_refused() {
        use PathError::*;
        for (text, error) in [
            ("/", Absolute),
            ("/etc/passwd", Absolute),
            ("//server/share", Absolute),
            ("C:", Absolute),
            ("C:/Windows", Absolute),
            ("..", Parent),
            ("../x", Parent),
            ("a/../../x", Parent),
            ("a/..", Parent),
            ("a//b", EmptyComponent),
            ("a/", EmptyComponent),
            ("./a", EmptyComponent),
            ("a/./b", EmptyComponent),
            ("a\0b", Character),
            ("a\\b", Character),
            ("..\\..\\x", Character),
            ("a\nb", Character),
            ("a\u{7f}b", Character),
        ] {
            assert_eq!(WorkspacePath::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(WorkspacePath::parse(&"a/".repeat(3000)), Err(TooLong));
        assert_eq!(WorkspacePath::parse(&"a".repeat(256)), Err(TooLong));
    }

    #[test]
    fn join_takes_one_component_only() {
        assert_eq!(path("a").join("b").unwrap(), path("a/b"));
        assert_eq!(WorkspacePath::root().join("b").unwrap(), path("b"));
        assert_eq!(path("a").join("b/c"), Err(PathError::Character));
        assert_eq!(path("a").join(".."), Err(PathError::Parent));
    }

    #[test]
    fn parents_and_names() {
        assert_eq!(path("a/b").parent(), Some(path("a")));
        assert_eq!(path("a").parent(), Some(WorkspacePath::root()));
        assert_eq!(WorkspacePath::root().parent(), None);
        assert_eq!(path("a/b").name(), "b");
        assert_eq!(WorkspacePath::root().components().count(), 0);
    }

    #[test]
    fn within_and_rebased_respect_component_borders() {
        assert!(path("a/b").is_within(&path("a")));
        assert!(path("a").is_within(&WorkspacePath::root()));
        assert!(!path("ab").is_within(&path("a")));
        assert_eq!(path("a/b").rebased(&path("a"), &path("c/d")), Some(path("c/d/b")));
        assert_eq!(path("ab").rebased(&path("a"), &path("c")), None);
    }

    #[test]
    fn a_bad_path_does_not_deserialise() {
        let bytes = postcard::to_stdvec("../x").unwrap();
        assert!(postcard::from_bytes::<WorkspacePath>(&bytes).is_err());
    }
}
