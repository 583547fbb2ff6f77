//! From the opening of a socket to a file's text in hand.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use parlor::guest::OnEvent;
use parlor_shared::client::ClientEvent;
use tokio_tungstenite::tungstenite::Message;

use crate::board::{Percentiles, now};
use crate::party::{Agent, Count, Relay, runtime};
use crate::table::{Table, mebibytes, millis};

const SIZES_BYTES: [usize; 2] = [1_000_000, 10_000_000];

const PATIENCE: Duration = Duration::from_secs(60);

/// Each size so often, each time a file that the agent has not read yet, then again while it is open.
pub(crate) fn measure(joins: usize) -> Result<()> {
    let mut table = Table::new(
        "join",
        &["file", "first guest", "second guest", "the same bytes from the relay", "agent at most, MiB"],
    );
    for bytes in SIZES_BYTES {
        let folder = tempfile::tempdir()?;
        let text = prose(bytes);
        let agent = Agent::start(folder.path())?;
        let relay = Relay::start()?;
        let [mut first, mut second, mut plain] = [const { Vec::<Duration>::new() }; 3];
        for index in 0..joins {
            let file = format!("file-{index}.txt");
            write(&folder.path().join(&file), &text)?;
            first.push(open(&agent, &file, text.len())?);
            second.push(open(&agent, &file, text.len())?);
            plain.push(download(&relay, bytes)?);
        }
        let median = |times: &mut Vec<Duration>| millis(Percentiles::of(times).p50);
        table.row(vec![
            format!("{} MB", bytes / 1_000_000),
            median(&mut first),
            median(&mut second),
            median(&mut plain),
            mebibytes(agent.program.memory()?.peak_bytes),
        ]);
    }
    table.print();
    Ok(())
}

fn open(agent: &Agent, file: &str, expected_bytes: usize) -> Result<Duration> {
    let runtime = runtime()?;
    let (opened, is_open) = mpsc::sync_channel(1);
    let on_event: OnEvent = Box::new(move |client, event| {
        if let ClientEvent::Opened { document, .. } = event {
            let text = client.document(document).map(|open| open.document().text());
            // The main thread waits for exactly one.
            let _ = opened.try_send(text.map(|text| text.len()));
        }
    });
    let started = now();
    let _guest = agent.join(&runtime, on_event, file, Count::No)?;
    let length = is_open.recv_timeout(PATIENCE).context("the file did not open")?;
    let time = started.elapsed();
    anyhow::ensure!(length == Some(expected_bytes), "another text than the file's arrived: {length:?} bytes");
    runtime.shutdown_background();
    Ok(time)
}

fn download(relay: &Relay, bytes: usize) -> Result<Duration> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let started = now();
        let mut socket = relay.connect(&format!("download/{bytes}")).await?;
        let mut text = Vec::new();
        while text.len() < bytes {
            if let Message::Binary(piece) = socket.next().await.context("the relay hung up")?? {
                text.extend_from_slice(&piece);
            }
        }
        Ok(started.elapsed())
    })
}

/// Lines like those of source files, none like another.
fn prose(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 80);
    let mut line = 0u64;
    while text.len() < bytes {
        line += 1;
        let noise = line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        writeln!(text, "    let value_{line} = compute({noise}, \"{noise:x}\");")
            .expect("a String takes everything");
    }
    text.truncate(bytes);
    text
}

fn write(path: &Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    Ok(std::fs::File::create(path)?.write_all(text.as_bytes())?)
}
