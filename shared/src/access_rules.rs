//! Which paths are hidden, and which a guest never writes, whatever its role.

use crate::path::WorkspacePath;

/// Names that steer the host's own tools: a guest who could write them could run code on the host or loosen its
/// own access (live-share threads 4973 and 5365).
const CONTROL_NAMES: [&str; 4] = [".vsls.json", ".vscode", ".envrc", "parlor.toml"];

/// How Windows shortens `.git` on volumes with 8.3 names.
const SHORT_GIT: &str = "git~1";

/// Whether a path is part of what is shared at all: not git's own data, not the access rules.
///
/// Holds for everything below such a name, at any depth.
pub fn is_shared(path: &WorkspacePath) -> bool {
    !path.components().any(|name| {
        let folded = folded(name);
        folded == ".git" || folded == SHORT_GIT || folded == ".vsls.json"
    })
}

/// Whether participants other than the host may change, create, rename or delete this path.
pub fn is_writable_by_guests(path: &WorkspacePath) -> bool {
    is_shared(path) && !path.components().any(|name| CONTROL_NAMES.contains(&folded(name).as_str()))
}

/// A name as the most forgiving file system takes it: without case (most of macOS and Windows), without the invisible
/// characters that HFS+ passes over, without the dots and spaces at the end and the stream behind `:` that NTFS drops.
fn folded(name: &str) -> String {
    let ignored = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let visible: String = name.chars().filter(|c| !ignored(*c)).collect();
    let without_stream = visible.split(':').next().unwrap_or_default();
    without_stream.trim_end_matches(['.', ' ']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WorkspacePath {
        WorkspacePath::parse(text).unwrap()
    }

    #[test]
    fn git_data_is_hidden_at_any_depth_and_in_any_case() {
        for text in
            [".git", ".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", "a/.Git", ".vsls.json"]
        {
            assert!(!is_shared(&path(text)), "{text}");
            assert!(!is_writable_by_guests(&path(text)), "{text}");
        }
        for text in
            [".git.", ".git ", ".g\u{200c}it", ".git::$INDEX_ALLOCATION/x", "GIT~1/config", ".Vsls.json. ."]
        {
            assert!(!is_shared(&path(text)), "{text:?}");
        }
        for text in [".gitignore", ".github/workflows/ci.yml", "git", "a.git/config"] {
            assert!(is_shared(&path(text)), "{text}");
            assert!(is_writable_by_guests(&path(text)), "{text}");
        }
    }

    #[test]
    fn control_files_are_seen_but_not_written_by_guests() {
        for text in [
            ".vscode/settings.json",
            "sub/.vscode/tasks.json",
            ".envrc",
            "parlor.toml",
            ".VSCode/launch.json",
        ] {
            assert!(is_shared(&path(text)), "{text}");
            assert!(!is_writable_by_guests(&path(text)), "{text}");
        }
    }

    #[test]
    fn checkpoints_in_progress_are_not_part_of_the_workspace() {}
}
