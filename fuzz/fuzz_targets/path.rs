//! Workspace paths: none that is accepted leaves the folder, and each is the same after it was shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_shared::path::WorkspacePath;

fuzz_target!(|text: &str| {
    let Ok(path) = WorkspacePath::parse(text) else { return };
    let shown = path.to_string();
    assert!(!shown.starts_with('/') && !shown.contains('\\') && !shown.contains('\0'), "{shown:?}");
    assert!(shown.split('/').all(|part| part != ".." && part != "."), "{shown:?}");
    assert_eq!(WorkspacePath::parse(&shown).as_ref(), Ok(&path));
    let mut up = Some(path);
    while let Some(path) = up {
        up = path.parent();
    }
});
