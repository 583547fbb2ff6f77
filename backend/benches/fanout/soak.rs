//! Memory over a long time: a crowd types and comes and goes while the agent's memory is looked at.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::board::now;
use crate::crowd::Crowd;
use crate::curve::{self, Sample};
use crate::table::Table;

/// Between two looks at the agent. A run of a few minutes is looked at more often, for a curve all the same.
const LOOK: Duration = Duration::from_secs(10);
const LOOKS: u32 = 60;

/// The same crowd each time.
const SEED: u64 = 30;

/// Rows of the table.
const ROWS: usize = 12;

/// Lets a crowd of so many guests go on for a time, at so many edits a second each. The curve goes into `folder`, as
/// `memory-hour.svg` and `.csv`.
pub(crate) fn soak(time: Duration, guests: usize, edits_per_second: f64, folder: &Path) -> Result<()> {
    let shared = tempfile::tempdir()?;
    let mut crowd = Crowd::gather(shared.path(), guests, edits_per_second, SEED)?;
    let look = LOOK.min(time / LOOKS);
    let start = now();
    let mut cpu = crowd.agent.program.cpu()?;
    let mut before = Duration::ZERO;
    let mut samples = Vec::new();
    let went = loop {
        let at = start.elapsed();
        let memory = crowd.agent.program.memory()?;
        let used = crowd.agent.program.cpu()?;
        let passed = at.saturating_sub(before).max(Duration::from_millis(1));
        samples.push(Sample {
            at,
            memory_bytes: memory.now_bytes,
            cpu: (used - cpu).as_secs_f64() / passed.as_secs_f64(),
            edits: crowd.deeds.edits.load(Ordering::Relaxed),
        });
        (cpu, before) = (used, at);
        tell(&samples);
        if at >= time {
            break Ok(());
        }
        if let Err(error) = crowd.carry_on(look) {
            break Err(error);
        }
    };
    // The curve of a run that failed says when and how.
    std::fs::create_dir_all(folder)?;
    write(&folder.join("memory-hour.csv"), &csv(&samples))?;
    write(&folder.join("memory-hour.svg"), &curve::svg(&samples, guests))?;
    went?;
    crowd.compare(shared.path()).context("the replicas are not equal")?;
    eprintln!("soak: every replica, the host and the disk have the same texts");
    table(&samples, &crowd);
    Ok(())
}

fn tell(samples: &[Sample]) {
    if let Some(Sample { at, memory_bytes, cpu, edits }) = samples.last() {
        let (at, memory) = (at.as_secs(), *memory_bytes as f64 / f64::from(1 << 20));
        eprintln!("soak: {at} s, {memory:.1} MiB, {:.0} % of a processor, {edits} edits", cpu * 100.0);
    }
}

fn csv(samples: &[Sample]) -> String {
    let mut csv = String::from("seconds,resident_bytes,cpu_percent,edits\n");
    for Sample { at, memory_bytes, cpu, edits } in samples {
        writeln!(csv, "{},{memory_bytes},{:.1},{edits}", at.as_secs(), cpu * 100.0)
            .expect("a String takes everything");
    }
    csv
}

fn table(samples: &[Sample], crowd: &Crowd) {
    let mut table = Table::new("soak", &["minute", "agent, MiB", "processor, %", "edits so far"]);
    let step = samples.len().div_ceil(ROWS).max(1);
    for (index, sample) in samples.iter().enumerate() {
        if index % step == 0 || index + 1 == samples.len() {
            let around = &samples[index.saturating_sub(step - 1)..=index];
            let cpu = around.iter().map(|sample| sample.cpu).sum::<f64>() / around.len() as f64;
            table.row(vec![
                format!("{:.1}", sample.at.as_secs_f64() / 60.0),
                format!("{:.1}", sample.memory_bytes as f64 / f64::from(1 << 20)),
                format!("{:.1}", cpu * 100.0),
                sample.edits.to_string(),
            ]);
        }
    }
    table.print();
    let deeds = &crowd.deeds;
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "<!-- begin soak-deeds -->\n{} edits, {} openings and {} closings of files, {} guests that went without a word and came back, \
         {} that came back knowing nothing but their key, {} interrupted; {} texts replaced, {} handed back to whoever was away for over ten minutes. Growth of the second half: {:.2} MiB an hour.\n\
         <!-- end soak-deeds -->",
        of(&deeds.edits),
        of(&deeds.openings),
        of(&deeds.closings),
        of(&deeds.cuts),
        of(&deeds.reloads),
        of(&deeds.interruptions),
        of(&deeds.replaced),
        of(&deeds.handed_back),
        growth_an_hour(&samples[samples.len() / 2..]) / f64::from(1 << 20),
    );
}

/// The slope of the straight line that lies nearest, in bytes an hour.
fn growth_an_hour(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let hours = |sample: &Sample| sample.at.as_secs_f64() / 3600.0;
    let mean_hour = samples.iter().map(hours).sum::<f64>() / count;
    let mean_bytes = samples.iter().map(|sample| sample.memory_bytes as f64).sum::<f64>() / count;
    let together: f64 = samples
        .iter()
        .map(|sample| (hours(sample) - mean_hour) * (sample.memory_bytes as f64 - mean_bytes))
        .sum();
    let spread: f64 = samples.iter().map(|sample| (hours(sample) - mean_hour).powi(2)).sum();
    if spread > 0.0 { together / spread } else { 0.0 }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let mut file =
        std::fs::File::create(path).with_context(|| format!("could not write {}", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}
