//! Makes JavaScript of what a wasm file imports and exports: wasm-bindgen's own command, at exactly the version that the
//! page is compiled with, and nothing that has to be installed. Called by `cargo xtask`.

use std::env;

use anyhow::{Context as _, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

const USAGE: &str = "usage: parlor-bindgen browser|browser-debug|node WASM NAME FOLDER";

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let mut next = || arguments.next().context(USAGE);
    let (loader, wasm, name, folder) = (next()?, next()?, next()?, next()?);

    let mut bindgen = Bindgen::new();
    match loader.to_str() {
        // main.js passes the hashed address; the default one would not exist.
        Some("browser" | "browser-debug") => bindgen.web(true)?.omit_default_module_path(true),
        Some("node") => bindgen.nodejs(true)?,
        _ => bail!(USAGE),
    };
    bindgen
        .debug(loader == "browser-debug")
        .keep_debug(false)
        .typescript(false)
        .input_path(wasm)
        .out_name(name.to_str().context(USAGE)?)
        .generate(folder)
}
