//! Puts the built page (`dist/page`) into a release binary; a debug binary is told where it stands.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// How the bundler marks a file's compressed forms, and their content codings, the best first.
const CODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the repository");
    let page = root.join("dist/page");

    let mut code = String::new();
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        // While it is missing, cargo runs this script each time and so notices when it comes.
        println!("cargo::rerun-if-changed={}", page.display());
        code.push_str("const FOLDER: Option<&str> = None;\nconst EMBEDDED: &[Embedded] = &[\n");
        for name in names(&page) {
            code.push_str(&embedded(&page, &name));
        }
        code.push_str("];\n");
    } else {
        writeln!(code, "const FOLDER: Option<&str> = Some({page:?});\nconst EMBEDDED: &[Embedded] = &[];")
            .expect("a String takes everything");
    }
    write(&out.join("page.rs"), &code);
}

/// The page's files, relative to its folder; none when it was never built.
fn names(page: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for (folder, prefix) in [(page.to_owned(), ""), (page.join("assets"), "assets/")] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().expect("the bundler writes plain names");
            let is_coded = CODINGS.iter().any(|(ending, _)| name.ends_with(ending));
            if entry.path().is_file() && !is_coded {
                names.push(format!("{prefix}{name}"));
            }
        }
    }
    names.sort();
    names
}

/// One file as a value of the type `Embedded`.
fn embedded(page: &Path, name: &str) -> String {
    let file = page.join(name);
    let content = fs::read(&file).unwrap_or_else(|error| panic!("{} is there, but {error}", file.display()));
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let etag = format!("W/\"{:016x}\"", hasher.finish());
    let mut coded = String::new();
    for (ending, coding) in CODINGS {
        let file = page.join(format!("{name}{ending}"));
        if file.exists() {
            write!(coded, "({coding:?}, include_bytes!({file:?})),").expect("a String takes everything");
        }
    }
    format!(
        "Embedded {{ name: {name:?}, etag: {etag:?}, plain: include_bytes!({file:?}), coded: &[{coded}] }},\n"
    )
}

#[expect(clippy::disallowed_methods, reason = "build output, not a person's file")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("OUT_DIR can be written");
}
