//! Where things stand in the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};

/// The repository's root: the folder above this crate.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the root folder")
}

/// A path below the root.
pub(crate) fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// The folder in which cargo builds, wherever the caller moved it.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| path("target"), |dir| root().join(dir))
}

/// Writes a file of build output.
#[expect(clippy::disallowed_methods, reason = "build output, not a person's file")]
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

/// Every file below the sources with its time; a file that vanishes meanwhile is simply not in it.
pub(crate) fn snapshot(sources: &[&str]) -> BTreeMap<PathBuf, SystemTime> {
    let mut files = BTreeMap::new();
    for source in sources {
        visit(&path(source), &mut files);
    }
    files
}

fn visit(path: &Path, files: &mut BTreeMap<PathBuf, SystemTime>) {
    let Ok(meta) = fs::metadata(path) else { return };
    if meta.is_dir() {
        if path.file_name().is_some_and(|name| name == "node_modules") {
            return;
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            visit(&entry.path(), files);
        }
    } else if let Ok(modified) = meta.modified() {
        files.insert(path.to_owned(), modified);
    }
}
