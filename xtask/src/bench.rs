//! Measures with release builds and writes what comes out into `docs/performance.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{dist, run, setup, vectors, workspace};

/// The document whose tables are measured.
pub(crate) const DOCUMENT: &str = "docs/performance.md";

/// The page's bench, a Node program that gets PARLOR_BIN and CHROMIUM.
const PAGE_BENCH: &str = "e2e/page-bench.mjs";

/// How long to look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As the document says.
    Full,
    /// A look while working: the document stays as it is.
    Quick,
}

/// Runs everything that measures. The tables are printed and, at full pace, put into the document.
pub(crate) fn bench(pace: Pace) -> Result<()> {
    let parlor = dist::build_release()?;
    run::step("benches: compile (release)", || {
        let mut build = run::cargo();
        run::succeed(build.args([
            "bench",
            "--no-run",
            "--package",
            "parlor",
            "--bench",
            "fanout",
            "--bench",
            "narrow",
            "--bench",
            "seal",
            "--bench",
            "terminal",
        ]))
    })?;
    let wasm = run::step("seal in wasm: compile", vectors::build_for_bench)?;
    setup::npm_packages(setup::JOURNEY_PACKAGES)?;
    let chromium = setup::chromium()?;

    // From here on nothing is compiled: the machine is the measurement's.
    let mut output = machine()?;
    output += &run::step("bench fanout", || program_bench("fanout", pace))?;
    output += &run::step("bench narrow", || program_bench("narrow", pace))?;
    output += &run::step("bench terminal", || program_bench("terminal", pace))?;
    output +=
        &run::step("bench seal", || seal_table(&program_bench("seal", pace)?, &vectors::throughput(&wasm)?))?;
    output += &run::step("bench page", || {
        let mut page = run::program("node");
        page.arg(PAGE_BENCH).env("PARLOR_BIN", &parlor).env("CHROMIUM", chromium);
        run::read_telling(page.args(flags(pace)))
    })?;
    print!("{output}");
    if pace == Pace::Full {
        let path = workspace::path(DOCUMENT);
        let document = fs::read_to_string(&path).with_context(|| format!("could not read {DOCUMENT}"))?;
        workspace::write(&path, &filled(&document, &output)?)?;
        eprintln!("xtask: the tables of {DOCUMENT} are new");
    }
    Ok(())
}

fn flags(pace: Pace) -> &'static [&'static str] {
    match pace {
        Pace::Full => &[],
        Pace::Quick => &["--quick"],
    }
}

fn program_bench(name: &str, pace: Pace) -> Result<String> {
    let mut cargo = run::cargo();
    cargo.args(["bench", "--quiet", "--package", "parlor", "--bench", name, "--"]);
    run::read_telling(cargo.args(flags(pace)))
}

/// What the numbers were taken on. No names: they say nothing and may be private.
fn machine() -> Result<String> {
    let read = |path: &str| fs::read_to_string(Path::new(path)).unwrap_or_default();
    let processors = std::thread::available_parallelism().context("the processors can not be counted")?;
    let info = read("/proc/cpuinfo");
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let memory = read("/proc/meminfo");
    let memory_kib =
        memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let date = run::read(run::program("date").args(["-u", "+%Y-%m-%d"]))?;
    Ok(format!(
        "<!-- begin machine -->\n{}. {processors} processors ({}), {:.0} GB, Linux {kernel}; load average at the start {load}.\n<!-- end machine -->\n",
        date.trim(),
        model.unwrap_or("unknown"),
        memory_kib / 1e6,
    ))
}

/// Both benches print a line a size: bytes of a frame, megabytes a second.
fn seal_table(native: &str, wasm: &str) -> Result<String> {
    let mut table = String::from(
        "<!-- begin seal -->\n| frame, bytes | native, MB/s | native, µs a frame | wasm, MB/s | wasm, µs a frame |\n|--:|--:|--:|--:|--:|\n",
    );
    ensure!(native.lines().count() == wasm.lines().count(), "the seal's benches measured different frames");
    for (native, wasm) in native.lines().zip(wasm.lines()) {
        let cells = |line: &str| -> Result<(u32, f64)> {
            let (bytes, rate) = line.split_once(' ').context("a seal's bench printed something else")?;
            Ok((bytes.parse()?, rate.trim().parse()?))
        };
        let ((bytes, native), (same, wasm)) = (cells(native)?, cells(wasm)?);
        ensure!(bytes == same, "the seal's benches measured different frames");
        let micros = |rate: f64| f64::from(bytes) / rate;
        table +=
            &format!("| {bytes} | {native:.0} | {:.1} | {wasm:.0} | {:.1} |\n", micros(native), micros(wasm));
    }
    table += "<!-- end seal -->\n";
    Ok(table)
}

/// Puts each block of the output between the marks of the same name in the document.
pub(crate) fn filled(document: &str, output: &str) -> Result<String> {
    let mut filled = document.to_owned();
    let mut rest = output;
    while let Some((_, after)) = rest.split_once("<!-- begin ") {
        let (name, _) = after.split_once(" -->").context("a mark is not closed")?;
        let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
        let block = between(output, &begin, &end).with_context(|| format!("{name} has no end"))?;
        let Some(old) = between(&filled, &begin, &end) else { bail!("{DOCUMENT} has no place for {name}") };
        filled = filled.replacen(&format!("{begin}{old}{end}"), &format!("{begin}{block}{end}"), 1);
        rest = after;
    }
    Ok(filled)
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(begin)?;
    after.split_once(end).map(|(block, _)| block)
}

#[cfg(test)]
mod tests {
    use super::{filled, seal_table};

    #[test]
    fn tables_go_where_their_marks_are_and_nothing_else_changes() {
        let document =
            "# A\n<!-- begin a -->\nold\n<!-- end a -->\nwords\n<!-- begin b -->\n<!-- end b -->\n";
        let output =
            "<!-- begin b -->\n| 2 |\n<!-- end b -->\nnoise\n<!-- begin a -->\n| 1 |\n<!-- end a -->\n";
        let expected =
            "# A\n<!-- begin a -->\n| 1 |\n<!-- end a -->\nwords\n<!-- begin b -->\n| 2 |\n<!-- end b -->\n";
        assert_eq!(filled(document, output).unwrap(), expected);
        assert!(filled("# A\n", output).is_err());
    }

    #[test]
    fn the_seals_two_sides_must_have_measured_the_same() {
        let table = seal_table("64 16.0\n1024 256.0\n", "64 8.0\n1024 64.0\n").unwrap();
        assert!(table.contains("| 64 | 16 | 4.0 | 8 | 8.0 |"), "{table}");
        assert!(seal_table("64 16.0\n", "1024 8.0\n").is_err());
        assert!(seal_table("64 16.0\n", "").is_err());
    }
}
