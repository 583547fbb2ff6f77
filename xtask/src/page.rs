//! Builds the page: cargo for wasm32, wasm-bindgen, wasm-opt and esbuild, and nothing again that is still true.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::setup::{self, WASM_TARGET};
use crate::{bindgen, run, workspace};

const BIN: &str = "parlor-frontend";

/// How the page is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// Quick to build: no optimisation, no minification.
    Dev,
    /// Small and quick to load: what is shipped.
    Release,
}

impl Flavor {
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }

    fn cargo_profile(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "wasm-release",
        }
    }

    /// The folder below `target/wasm32-unknown-unknown` that cargo uses for the profile.
    fn cargo_folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "wasm-release",
        }
    }
}

/// A page that was built.
pub(crate) struct Page {
    /// The folder that is served: `index.html` and `assets/`.
    pub(crate) site: PathBuf,
    /// The files, relative to `site`, that a browser fetches before one can type.
    pub(crate) needed: PathBuf,
}

/// Builds the page and puts it where the backend looks for it: `dist/page`.
pub(crate) fn build(flavor: Flavor) -> Result<()> {
    let page = build_aside(flavor)?;
    publish(&page.site, &workspace::path("dist/page"))
}

/// Whether a page was ever built.
pub(crate) fn is_there() -> bool {
    workspace::path("dist/page/index.html").exists()
}

/// Builds the page below `target/` and leaves `dist/page` alone.
pub(crate) fn build_aside(flavor: Flavor) -> Result<Page> {
    // npm waits for the network and cargo for the processor.
    std::thread::scope(|scope| {
        let packages = scope.spawn(|| setup::npm_packages(setup::PAGE_PACKAGES));
        let compiled = bindgen::compile().and_then(|()| setup::wasm_target()).and_then(|()| compile(flavor));
        packages.join().expect("npm_packages does not panic").and(compiled)
    })?;
    let wasm = workspace::target().join(WASM_TARGET).join(flavor.cargo_folder()).join(format!("{BIN}.wasm"));

    let folder = workspace::target().join("page").join(flavor.name());
    fs::create_dir_all(&folder)?;
    // Two tasks at once would write the same files. Held until the function ends.
    let lock = fs::File::create(folder.join("lock"))?;
    lock.lock()?;
    let page = Page { site: folder.join("site"), needed: folder.join("site.json") };
    let stamp_file = folder.join("stamp");
    let stamp = stamp(flavor, &wasm)?;
    if page.needed.exists() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        eprintln!("xtask: page: up to date");
        return Ok(page);
    }
    // A stamp that outlives a failed build would vouch for a page that is not there.
    fs::remove_file(&stamp_file).or_else(ignore_missing)?;

    let pkg = folder.join("pkg");
    run::step("page: wasm-bindgen", || bind(flavor, &wasm, &pkg))?;
    if flavor == Flavor::Release {
        run::step("page: short names", || {
            run::succeed(run::program("node").arg("frontend/js/shorten.mjs").arg(&pkg))
        })?;
        run::step("page: wasm-opt", || optimise(&pkg.join(format!("{BIN}_bg.wasm"))))?;
    }
    run::step("page: esbuild", || {
        let mut bundle = run::program("node");
        bundle.arg("frontend/js/bundle.mjs").arg("--pkg").arg(&pkg).arg("--out").arg(&page.site);
        if flavor == Flavor::Release {
            bundle.arg("--release");
        }
        run::succeed(&mut bundle)
    })?;
    workspace::write(&stamp_file, &stamp)?;
    Ok(page)
}

fn compile(flavor: Flavor) -> Result<()> {
    run::step(format_args!("page: compile for {WASM_TARGET} ({})", flavor.cargo_profile()), || {
        let mut cargo = run::cargo();
        cargo.args(["build", "--package", BIN, "--bin", BIN, "--target", WASM_TARGET]);
        // wasm-bindgen drops the debug information, and takes twice as long when there is some.
        cargo.args(["--profile", flavor.cargo_profile()]).env("CARGO_PROFILE_DEV_DEBUG", "false");
        run::succeed(&mut cargo)
    })
}

fn bind(flavor: Flavor, wasm: &Path, pkg: &Path) -> Result<()> {
    // Snippets of an older build would stay otherwise.
    fs::remove_dir_all(pkg).or_else(ignore_missing)?;
    let loader = if flavor == Flavor::Dev { "browser-debug" } else { "browser" };
    bindgen::bind(loader, wasm, BIN, pkg)
}

fn optimise(wasm: &Path) -> Result<()> {
    // Not `--all-features`: it makes binaryen write compact imports, which browsers refuse.
    let wasm_opt = "frontend/js/node_modules/binaryen/bin/wasm-opt";
    run::succeed(run::program("node").arg(wasm_opt).arg("-Oz").arg("-o").arg(wasm).arg(wasm))
}

/// What the page is made of. The wasm is large and only cargo writes it, so its size and time stand for it.
fn stamp(flavor: Flavor, wasm: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    flavor.name().hash(&mut hasher);
    let meta = fs::metadata(wasm).with_context(|| format!("cargo did not leave {}", wasm.display()))?;
    (meta.len(), meta.modified()?).hash(&mut hasher);
    // The tools' own code decides what comes out, too.
    for tool in [std::env::current_exe()?, bindgen::program()] {
        let tool = fs::metadata(tool)?;
        (tool.len(), tool.modified()?).hash(&mut hasher);
    }
    for input in ["frontend/index.html", "frontend/js", "static"] {
        hash_tree(&workspace::path(input), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash_tree(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    if path.is_file() {
        path.hash(hasher);
        fs::read(path)?.hash(hasher);
    } else if path.is_dir() {
        for entry in sorted_entries(path)? {
            // Everything installed follows from package-lock.json.
            if entry.file_name().is_some_and(|name| name != "node_modules") {
                hash_tree(&entry, hasher)?;
            }
        }
    }
    Ok(())
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// Makes `to` equal to `from` while an agent may be serving it: new assets, then the index that names them, then
/// the old assets go. Files that are equal stay untouched, so that cargo does not embed them again.
fn publish(from: &Path, to: &Path) -> Result<()> {
    let assets = to.join("assets");
    fs::create_dir_all(&assets)?;
    let fresh = sorted_entries(&from.join("assets"))?;
    for file in &fresh {
        copy_if_different(file, &assets.join(file.file_name().expect("a directory entry has a name")))?;
    }
    copy_if_different(&from.join("index.html"), &to.join("index.html"))?;
    for old in sorted_entries(&assets)? {
        if !fresh.iter().any(|file| file.file_name() == old.file_name()) {
            fs::remove_file(old)?;
        }
    }
    Ok(())
}

/// Copies so that a reader sees the whole file or none.
fn copy_if_different(from: &Path, to: &Path) -> Result<()> {
    if fs::read(to).is_ok_and(|old| fs::read(from).is_ok_and(|new| new == old)) {
        return Ok(());
    }
    let partial = to.with_extension("partial");
    fs::copy(from, &partial)?;
    fs::rename(&partial, to).with_context(|| format!("could not put {} in its place", to.display()))
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
