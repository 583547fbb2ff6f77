//! The budget of bytes that a guest waits for.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::page;

/// What the page may cost until one can type, compressed: on a 10 Mbit/s line half a second.
const BUDGET_BYTES: u64 = 700_000;

/// Builds the release page and weighs the files that it needs before one can type.
pub(super) fn check() -> Result<()> {
    let page = page::build_aside(page::Flavor::Release)?;
    let text = fs::read_to_string(&page.needed)
        .with_context(|| format!("could not read {}", page.needed.display()))?;
    let needed: Vec<String> = serde_json::from_str(&text).context("the bundler's list of files")?;
    let mut total_bytes = 0;
    for name in &needed {
        // The bundler leaves a compressed file beside each that gets smaller by it.
        let compressed = fs::metadata(page.site.join(format!("{name}.br")));
        let bytes = compressed.or_else(|_| fs::metadata(page.site.join(name)))?.len();
        println!("{bytes:>9} {name}");
        total_bytes += bytes;
    }
    println!("{total_bytes:>9} of {BUDGET_BYTES} bytes until one can type (brotli)");
    ensure!(total_bytes > 0, "the bundler lists no files");
    ensure!(total_bytes <= BUDGET_BYTES, "the page is {} bytes over its budget", total_bytes - BUDGET_BYTES);
    Ok(())
}
