//! Runs every test and ends with the counts that the runners themselves printed.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{run, setup, share, vectors, workspace};

/// Where the counts stay after a run, for whoever ends a longer log with them.
const COUNTS: &str = "test-counts.txt";

/// Prepares the machine, builds the page and the program, and runs all tests even when some fail.
pub(crate) fn test() -> Result<()> {
    setup::all()?;
    let parlor = share::build_debug()?;
    let chromium = setup::chromium()?;

    let mut report = Report::default();
    report.run("native tests", || match setup::native_runner() {
        setup::NativeRunner::Nextest => run::succeed_counting(run::cargo().args(["nextest", "run"])),
        setup::NativeRunner::CargoTest => run::succeed_counting(run::cargo().args(["test", "--all-targets"])),
    });
    report.run("documentation tests", || run::succeed_counting(run::cargo().args(["test", "--doc"])));
    report.run("wasm check", || {
        let packages = ["check", "--package", "parlor-shared", "--package", "parlor-frontend"];
        run::succeed_counting(run::cargo().args(packages).args(["--target", setup::WASM_TARGET]))
    });
    report.run("wasm vectors", vectors::check);
    report.run("editor tests", || {
        let mut npm = run::program("npm");
        npm.current_dir(workspace::path(setup::PAGE_PACKAGES)).args(["test", "--silent"]);
        run::succeed_counting(npm.env("CHROMIUM", &chromium))
    });
    report.run("browser journeys", || {
        let mut playwright = run::program("npx");
        playwright.current_dir(workspace::path(setup::JOURNEY_PACKAGES)).args([
            "--no-install",
            "playwright",
            "test",
        ]);
        run::succeed_counting(playwright.env("CHROMIUM", &chromium).env("PARLOR_BIN", &parlor))
    });
    report.finish(&workspace::target().join(COUNTS))
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: Vec<&'static str>,
}

impl Report {
    fn run(&mut self, name: &'static str, work: impl FnOnce() -> (Vec<String>, Result<()>)) {
        let mut counts = Vec::new();
        let result = run::step(name, || {
            let (found, result) = work();
            counts = found;
            result
        });
        self.lines.extend(counts.into_iter().map(|count| format!("{name}: {}", count.trim())));
        if let Err(error) = result {
            eprintln!("xtask: {error:#}");
            self.lines.push(format!("{name}: FAILED"));
            self.failed.push(name);
        }
    }

    fn finish(self, counts: &Path) -> Result<()> {
        let text = format!("{}\n", self.lines.join("\n"));
        print!("{text}");
        workspace::write(counts, &text)?;
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}
