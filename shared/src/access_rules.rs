//! Which paths are hidden, and which a guest never writes, whatever its role.

use crate::path::WorkspacePath;

/// Temporary files of checkpoints start like this; they are no part of the workspace.
pub const TEMPORARY_PREFIX: &str = ".parlor-tmp-";

/// Names that steer the host's own tools: a guest who could write them could run code on the host or loosen its
/// own access (live-share threads 4973 and 5365).
const CONTROL_NAMES: [&str; 4] = [".vsls.json", ".vscode", ".envrc", "parlor.toml"];

/// Whether a path is part of what is shared at all: not git's own data, not a temporary file, not the access rules.
///
/// Holds for everything below such a name, at any depth. Compared without case: some file systems do.
pub fn is_shared(path: &WorkspacePath) -> bool {
    !path.components().any(|name| {
        name.eq_ignore_ascii_case(".git")
            || name.eq_ignore_ascii_case(".vsls.json")
            || name.starts_with(TEMPORARY_PREFIX)
    })
}

/// Whether participants other than the host may change, create, rename or delete this path.
pub fn is_writable_by_guests(path: &WorkspacePath) -> bool {
    is_shared(path)
        && !path
            .components()
            .any(|name| CONTROL_NAMES.iter().any(|control| name.eq_ignore_ascii_case(control)))
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
    fn checkpoints_in_progress_are_not_part_of_the_workspace() {
        assert!(!is_shared(&path("src/.parlor-tmp-4f")));
    }
}
