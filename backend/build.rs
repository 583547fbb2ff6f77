//! Embeds the built page (`dist/page`) into the binary, or a note where the page should be.

use std::env;
use std::fs;
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
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/page");
    // While the page is missing, cargo runs this script each time and so notices when it comes.
    println!("cargo::rerun-if-changed={}", built.display());
    let page = if built.join("index.html").exists() { built } else { placeholder() };

    // Compressing everything takes long, so only what is shipped embeds it; a debug build reads the page from disk.
    let embed = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    memory_serve::load_directory_with_embed(page, embed);
}

#[expect(clippy::disallowed_methods, reason = "build output, not a person's file")]
fn placeholder() -> PathBuf {
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
    let folder = Path::new(&out).join("page");
    fs::create_dir_all(&folder).expect("OUT_DIR can be written");
    fs::write(folder.join("index.html"), NOT_BUILT).expect("OUT_DIR can be written");
    folder
}
