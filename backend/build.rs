//! Puts the built page (`dist/page`) into the binary, or a note where the page should be.
//!
//! Writes the list that `memory_serve::load!()` includes. That crate's own build function would compile axum and tokio
//! a second time for the build script and compress there without optimisation; the page's bundler compresses already.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// What a browser shows when somebody ran cargo directly before the page was ever built.
const NOT_BUILT: &str = "<!DOCTYPE html>
<html lang=\"en\">
  <head><meta charset=\"utf-8\"><title>Parlor: page not built</title></head>
  <body><p>This program was built without its page. Stop it and run <code>cargo xtask share</code>.</p></body>
</html>
";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the repository");
    let dist = root.join("dist");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");

    // The names of the page's files. While it is missing, cargo runs this script each time and so notices when it comes.
    let list = dist.join("page.txt");
    println!("cargo::rerun-if-changed={}", list.display());
    let (folder, names) = match fs::read_to_string(&list) {
        Ok(names) => (dist.join("page"), names),
        Err(_) => (placeholder(&out), "index.html".to_owned()),
    };
    if release {
        println!("cargo::rerun-if-changed={}", folder.display());
    }

    let mut code = String::from("&[(\"default\", &[\n");
    for name in names.lines() {
        let file = folder.join(name);
        // A debug build reads the page from disk, so that a rebuilt page needs no new binary.
        let asset = if release { embedded(&file) } else { FROM_DISK.to_owned() };
        let content_type = content_type(name);
        writeln!(
            code,
            "memory_serve::Asset {{ route: \"/{name}\", path: {file:?}, content_type: {content_type:?}, {asset} }},"
        )
        .expect("a String takes everything");
    }
    code.push_str("])]\n");
    write(&out.join("memory_serve_assets.rs"), &code);
}

/// The fields of an asset that stays on the disk.
const FROM_DISK: &str = "etag: \"\", bytes: None, is_compressed: false, should_compress: true";

/// The fields of an asset that the binary holds, compressed where the bundler left a compressed file beside it. What it
/// left as it is stays so: memory-serve would compress it at every start, which takes half a minute for a dev page.
fn embedded(file: &Path) -> String {
    let content = fs::read(file).unwrap_or_else(|error| panic!("{} is listed, but {error}", file.display()));
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let etag = format!("{:016x}", hasher.finish());
    let mut compressed = file.as_os_str().to_owned();
    compressed.push(".br");
    let compressed = PathBuf::from(compressed);
    let is_compressed = compressed.exists();
    let bytes = if is_compressed { compressed.as_path() } else { file };
    format!(
        "etag: {etag:?}, bytes: Some(include_bytes!({bytes:?})), is_compressed: {is_compressed}, \
         should_compress: {is_compressed}"
    )
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain",
        _ => panic!("{name} is part of the page, but its content type is not known: add it here"),
    }
}

fn placeholder(out: &Path) -> PathBuf {
    let folder = out.join("page");
    fs::create_dir_all(&folder).expect("OUT_DIR can be written");
    write(&folder.join("index.html"), NOT_BUILT);
    folder
}

#[expect(clippy::disallowed_methods, reason = "build output, not a person's file")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("OUT_DIR can be written");
}
