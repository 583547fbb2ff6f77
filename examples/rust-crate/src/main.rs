//! Prints the summary of the log files that are named, or of standard input.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;

use logstat::Summary;

fn main() -> ExitCode {
    let mut summary = Summary::default();
    let files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty()
        && let Err(error) = read(io::stdin().lock(), &mut summary)
    {
        eprintln!("logstat: standard input: {error}");
        return ExitCode::FAILURE;
    }
    for name in &files {
        let result = File::open(name).and_then(|file| read(BufReader::new(file), &mut summary));
        if let Err(error) = result {
            eprintln!("logstat: {name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    print!("{summary}");
    ExitCode::SUCCESS
}

/// Logs hold what clients sent, so they need not be UTF-8.
fn read(input: impl BufRead, summary: &mut Summary) -> io::Result<()> {
    for line in input.split(b'\n') {
        summary.add(&String::from_utf8_lossy(&line?));
    }
    Ok(())
}
