//! A curve of memory and processor over time as a small SVG that can be read on a light and on a dark page.

use std::fmt::Write as _;
use std::time::Duration;

/// One look at the agent.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    pub(crate) memory_bytes: u64,
    /// Of one processor, since the look before.
    pub(crate) cpu: f64,
    pub(crate) edits: u64,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;

/// Where the curves stand: left and right, and top and bottom of each.
const SIDES: [f64; 2] = [64.0, 740.0];
const MEMORY: [f64; 2] = [44.0, 224.0];
const CPU: [f64; 2] = [268.0, 332.0];

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#4b5563}.title{font-size:14px;font-weight:600;fill:#111827}\
.grid{stroke:#d1d5db;stroke-width:1}.memory{fill:none;stroke:#2563eb;stroke-width:2;stroke-linejoin:round}\
.cpu{fill:none;stroke:#b45309;stroke-width:1.5;stroke-linejoin:round}\
@media(prefers-color-scheme:dark){text{fill:#9ca3af}.title{fill:#f3f4f6}.grid{stroke:#374151}.memory{stroke:#60a5fa}.cpu{stroke:#fbbf24}}";

/// The samples as a picture.
pub(crate) fn svg(samples: &[Sample], guests: usize) -> String {
    let minutes: Vec<f64> = samples.iter().map(|sample| sample.at.as_secs_f64() / 60.0).collect();
    let memory: Vec<f64> =
        samples.iter().map(|sample| sample.memory_bytes as f64 / f64::from(1 << 20)).collect();
    let cpu: Vec<f64> = samples.iter().map(|sample| sample.cpu * 100.0).collect();
    let end = minutes.last().copied().unwrap_or_default().max(0.1);
    let highest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let (memory_step, memory_top) = scale(highest(&memory), 4.0);
    let (cpu_step, cpu_top) = scale(highest(&cpu), 2.0);
    let (time_step, _) = scale(end, 6.0);

    let mut body = String::new();
    let title = format!("{guests} guests who type, go away and come back");
    text(&mut body, "title", SIDES[0], 20.0, "start", &title);
    text(&mut body, "", SIDES[0], MEMORY[0] - 8.0, "start", "resident memory of the agent, MiB");
    text(&mut body, "", SIDES[0], CPU[0] - 8.0, "start", "processor, % of one");
    levels(&mut body, MEMORY, memory_step, memory_top);
    levels(&mut body, CPU, cpu_step, cpu_top);
    let mut minute = 0.0;
    while minute <= end + 1e-9 {
        text(&mut body, "", across(minute, end), CPU[1] + 18.0, "middle", &number(minute));
        minute += time_step;
    }
    text(&mut body, "", f64::midpoint(SIDES[0], SIDES[1]), HEIGHT - 8.0, "middle", "minutes");
    line(&mut body, "memory", &minutes, &memory, MEMORY, end, memory_top);
    line(&mut body, "cpu", &minutes, &cpu, CPU, end, cpu_top);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Memory and processor of the agent over time\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    )
}

/// Lines across at round values, named at the left.
fn levels(body: &mut String, [top, bottom]: [f64; 2], step: f64, highest: f64) {
    let mut value = 0.0;
    while value <= highest + 1e-9 {
        let y = bottom - (bottom - top) * value / highest;
        push(body, format_args!("<path class=\"grid\" d=\"M{} {y:.1}H{}\"/>\n", SIDES[0], SIDES[1]));
        text(body, "", SIDES[0] - 8.0, y + 4.0, "end", &number(value));
        value += step;
    }
}

fn line(
    body: &mut String,
    class: &str,
    minutes: &[f64],
    values: &[f64],
    [top, bottom]: [f64; 2],
    end: f64,
    highest: f64,
) {
    let mut path = String::new();
    for (minute, value) in minutes.iter().zip(values) {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let y = bottom - (bottom - top) * value / highest;
        push(&mut path, format_args!("{command}{:.1} {y:.1}", across(*minute, end)));
    }
    push(body, format_args!("<path class=\"{class}\" d=\"{path}\"/>\n"));
}

fn text(body: &mut String, class: &str, x: f64, y: f64, anchor: &str, words: &str) {
    push(
        body,
        format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n"
        ),
    );
}

fn push(body: &mut String, what: std::fmt::Arguments<'_>) {
    body.write_fmt(what).expect("a String takes everything");
}

fn across(minute: f64, end: f64) -> f64 {
    SIDES[0] + (SIDES[1] - SIDES[0]) * minute / end
}

/// A round step of which about `parts` reach the highest value, and the multiple of it above that.
fn scale(highest: f64, parts: f64) -> (f64, f64) {
    let rough = (highest / parts).max(1e-3);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|round| round * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    (step, (highest / step).ceil().max(1.0) * step)
}

fn number(value: f64) -> String {
    if (value - value.round()).abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.1}") }
}
