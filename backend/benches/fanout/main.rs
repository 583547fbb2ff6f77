//! Edits from one writer to many receivers through the released agent, beside a bare relay in the same run.
//!
//! Prints tables in Markdown, each between the marks under which `cargo xtask bench` puts it into
//! `docs/performance.md`; what goes on is told on standard error.

mod board;
mod crowd;
mod curve;
#[path = "../../../shared/tests/common/history.rs"]
mod histories;
mod history;
mod join;
mod party;
mod process;
#[path = "../../../shared/tests/common/random.rs"]
mod random;
mod relay;
mod soak;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use board::{Arrived, Percentiles};
use clap::Parser;
use party::{Burst, Party};
use process::Memory;
use table::{Promise, Table, mebibytes, millis};

/// Receivers beside the writer.
const RECEIVERS: [usize; 4] = [1, 8, 30, 100];

/// Edits a second: a fast typist, and a class that types at once.
const RATES: [u32; 2] = [20, 200];

/// Receivers while the highest rate is searched, and the rates that are tried.
const SEARCH_RECEIVERS: usize = 8;
const SEARCH_RATES: [u32; 6] = [500, 1000, 2000, 4000, 6000, 8000];

/// What still feels immediate.
const SEARCH_P99: Duration = Duration::from_millis(100);

/// Below this the hundredths of a second in which Linux counts say nothing.
const LEAST_CPU: Duration = Duration::from_millis(50);

#[derive(Parser)]
struct Arguments {
    /// A tenth of the time, and numbers to match
    #[arg(long)]
    quick: bool,
    /// Measure only this
    #[arg(long)]
    only: Option<Part>,
    /// Only these numbers of receivers
    #[arg(long, value_delimiter = ',', default_values_t = RECEIVERS)]
    receivers: Vec<usize>,
    /// Measure nothing else: a crowd types, goes away and comes back for so many minutes
    #[arg(long, value_name = "MINUTES")]
    soak: Option<f64>,
    /// Guests of that crowd
    #[arg(long, default_value_t = 30)]
    guests: usize,
    /// Edits a second of each of them
    #[arg(long, default_value_t = 3.0)]
    rate: f64,
    /// Where the crowd's curve goes
    #[arg(long, default_value = "target/soak")]
    curve: PathBuf,
    /// Cargo says so to every bench
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the bare relay
    #[arg(long, hide = true)]
    serve_relay: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Fanout,
    Rate,
    Join,
    History,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.serve_relay {
        return relay::serve();
    }
    if let Some(minutes) = arguments.soak {
        let time = Duration::from_secs_f64(minutes * 60.0);
        return soak::soak(time, arguments.guests, arguments.rate, &arguments.curve);
    }
    let wants = |part| arguments.only.is_none_or(|only| only == part);
    let pace = if arguments.quick { Pace::QUICK } else { Pace::FULL };
    let folder = tempfile::tempdir()?;
    std::fs::File::create(folder.path().join("edited.txt"))?;
    let edit_bytes = party::edit_bytes(folder.path())?;
    eprintln!("one edit: {edit_bytes} bytes on the wire to each receiver, here and through the relay");
    let mut promises = Vec::new();
    if wants(Part::Fanout) {
        fanout(&pace, &arguments.receivers, edit_bytes, &mut promises)?;
    }
    if wants(Part::Rate) {
        rate(&pace, edit_bytes, &mut promises)?;
    }
    if wants(Part::Join) {
        join::measure(pace.joins)?;
    }
    if wants(Part::History) {
        history::measure(pace.history_edits)?;
    }
    Promise::print("promises", &promises);
    Ok(())
}

/// How long to look.
struct Pace {
    /// Alternations of agent and relay in one setting.
    turns: u32,
    /// One turn at the lowest and the highest of [`RATES`].
    turn: [Duration; 2],
    search_turn: Duration,
    joins: usize,
    history_edits: usize,
}

impl Pace {
    const FULL: Self = Self {
        turns: 4,
        turn: [Duration::from_millis(2000), Duration::from_millis(1000)],
        search_turn: Duration::from_secs(2),
        joins: 5,
        history_edits: histories::LONG_EDITS,
    };
    const QUICK: Self = Self {
        turns: 2,
        turn: [Duration::from_millis(500), Duration::from_millis(400)],
        search_turn: Duration::from_millis(500),
        joins: 1,
        history_edits: 10_000,
    };
}

/// All turns of one side in one setting.
#[derive(Default)]
struct Side {
    latencies: Vec<Duration>,
    events: u64,
    cpu: Duration,
    rate: f64,
}

impl Side {
    fn add(&mut self, burst: Burst) {
        let Arrived { mut latencies, events } = burst.arrived;
        self.latencies.append(&mut latencies);
        self.events += events;
        self.cpu += burst.cpu;
        self.rate = burst.rate;
    }

    fn percentiles(&mut self) -> Percentiles {
        Percentiles::of(&mut self.latencies)
    }

    /// Seconds of processor time for 10,000 delivered edits, if there was enough of it to be counted.
    fn cpu_per_10_000(&self) -> Option<f64> {
        let delivered = self.latencies.len() as f64;
        (self.cpu >= LEAST_CPU).then(|| self.cpu.as_secs_f64() / delivered * 10_000.0)
    }
}

/// Alternates between agent and relay, so that whatever else the machine does meets both.
fn compare(agent: &mut Party, relay: &mut Party, rate: u32, turns: u32, turn: Duration) -> Result<[Side; 2]> {
    let mut sides = [Side::default(), Side::default()];
    for _ in 0..turns {
        sides[0].add(agent.burst(rate, turn)?);
        sides[1].add(relay.burst(rate, turn)?);
    }
    Ok(sides)
}

fn fanout(pace: &Pace, receivers: &[usize], edit_bytes: usize, promises: &mut Vec<Promise>) -> Result<()> {
    let mut latency = Table::new(
        "fanout",
        &[
            "receivers",
            "edits/s",
            "agent p50",
            "p95",
            "p99",
            "relay p50",
            "p95",
            "p99",
            "p50 ratio",
            "p99 ratio",
            "agent CPU s / 10,000",
            "relay CPU s / 10,000",
        ],
    );
    let mut memory = Table::new(
        "memory",
        &["guests", "agent, MiB", "agent at most, MiB", "relay, MiB", "relay at most, MiB"],
    );
    for &receivers in receivers {
        let folder = tempfile::tempdir()?;
        std::fs::File::create(folder.path().join("edited.txt"))?;
        let mut agent = Party::around_agent(folder.path(), receivers)?;
        let mut relay = Party::around_relay(edit_bytes, receivers)?;
        // The first edits find cold caches and unallocated buffers on both sides.
        compare(&mut agent, &mut relay, RATES[1], 1, Duration::from_millis(300))?;
        for (rate, turn) in RATES.into_iter().zip(pace.turn) {
            let mut sides = compare(&mut agent, &mut relay, rate, pace.turns, turn)?;
            let [ours, theirs] = sides.each_mut().map(Side::percentiles);
            let ratio = |ours: Duration, theirs: Duration| ours.as_secs_f64() / theirs.as_secs_f64();
            let (p50, p99) = (ratio(ours.p50, theirs.p50), ratio(ours.p99, theirs.p99));
            let cpu = sides.each_ref().map(Side::cpu_per_10_000);
            let mut row = vec![receivers.to_string(), rate.to_string()];
            row.extend([ours.p50, ours.p95, ours.p99, theirs.p50, theirs.p95, theirs.p99].map(millis));
            row.extend([p50, p99].map(|ratio| format!("{ratio:.2}")));
            row.extend(cpu.map(|cpu| cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.3}"))));
            latency.row(row);
            if receivers == 30 && rate == RATES[0] {
                promises.push(Promise::at_most("30 receivers, 20 edits/s: p50, times the relay's", 2.0, p50));
                promises.push(Promise::at_most("30 receivers, 20 edits/s: p99, times the relay's", 2.0, p99));
            }
            if receivers == 30
                && rate == RATES[1]
                && let Some(cpu) = cpu[0]
            {
                promises.push(Promise::at_most(
                    "30 receivers, 200 edits/s: CPU s per 10,000 delivered",
                    0.2,
                    cpu,
                ));
            }
        }
        // The writer is a guest too.
        let guests = receivers + 1;
        let [ours, theirs] = [agent.program.memory()?, relay.program.memory()?];
        memory.row(
            std::iter::once(guests.to_string())
                .chain([ours, theirs].into_iter().flat_map(|Memory { now_bytes, peak_bytes }| {
                    [mebibytes(now_bytes), mebibytes(peak_bytes)]
                }))
                .collect(),
        );
        if receivers == 30 {
            let peak = ours.peak_bytes as f64 / f64::from(1 << 20);
            promises.push(Promise::at_most("agent with 31 guests, at most MiB", 40.0, peak));
        }
    }
    latency.print();
    memory.print();
    Ok(())
}

fn rate(pace: &Pace, edit_bytes: usize, promises: &mut Vec<Promise>) -> Result<()> {
    let mut table = Table::new(
        "rate",
        &[
            "edits/s",
            "agent p50",
            "p99",
            "edits a message",
            "CPU s / 10,000",
            "relay p50",
            "p99",
            "CPU s / 10,000",
        ],
    );
    let folder = tempfile::tempdir()?;
    std::fs::File::create(folder.path().join("edited.txt"))?;
    let mut agent = Party::around_agent(folder.path(), SEARCH_RECEIVERS)?;
    let mut relay = Party::around_relay(edit_bytes, SEARCH_RECEIVERS)?;
    for rate in SEARCH_RATES {
        let mut sides = compare(&mut agent, &mut relay, rate, 1, pace.search_turn)?;
        let [ours, theirs] = sides.each_mut().map(Side::percentiles);
        let [agent, relay] = &sides;
        let cpu =
            |side: &Side| side.cpu_per_10_000().map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.3}"));
        table.row(vec![
            format!("{:.0}", agent.rate),
            millis(ours.p50),
            millis(ours.p99),
            format!("{:.2}", agent.latencies.len() as f64 / agent.events as f64),
            cpu(agent),
            millis(theirs.p50),
            millis(theirs.p99),
            cpu(relay),
        ]);
        if rate == 4000 {
            let limit = SEARCH_P99.as_secs_f64() * 1000.0;
            let p99 = ours.p99.as_secs_f64() * 1000.0;
            promises.push(Promise::at_most("8 receivers, 4,000 edits/s: p99, ms", limit, p99));
        }
        if ours.p99 > SEARCH_P99 && theirs.p99 > SEARCH_P99 {
            break;
        }
    }
    table.print();
    Ok(())
}
