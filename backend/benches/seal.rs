//! How fast this machine seals frames and opens them again, on one core. `cargo xtask bench` sets the page's numbers beside.

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use parlor_shared::id::SessionId;
use parlor_shared::invite::InviteSecret;
use parlor_shared::role::Role;
use parlor_shared::seal::{Channel, Greeting, Identity, Initiator, Responder};

/// A keystroke, a pasted paragraph, a full frame.
const FRAMES_BYTES: [usize; 3] = [64, 1024, 16 * 1024];

#[derive(Parser)]
struct Arguments {
    /// A tenth of the time, and numbers to match
    #[arg(long)]
    quick: bool,
    /// Cargo says so to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let time = Duration::from_millis(if Arguments::parse().quick { 100 } else { 1000 });
    let (mut guest, mut host) = ends()?;
    for frame_bytes in FRAMES_BYTES {
        let rate = throughput(&mut guest, &mut host, frame_bytes, time)?;
        // One line a size: xtask puts them beside those of the page.
        println!("{frame_bytes} {rate:.1}");
    }
    Ok(())
}

/// Both ends of a seal, as a real handshake makes them.
fn ends() -> Result<(Channel, Channel)> {
    let (host, guest) = (Identity::generate()?, Identity::generate()?);
    let session = SessionId::from_bytes([7; SessionId::BYTES]);
    let secret = InviteSecret::generate(Role::Editor)?;
    let key = secret.pre_shared_key(session, Role::Editor);
    let greeting = Greeting::new(session, secret.id());
    let (initiator, first) = Initiator::greet(&guest, host.public(), &key, greeting, Role::Editor)?;
    let (greeting, noise) = Greeting::read(&first)?;
    let (responder, second) = Responder::reply(&host, &key, &greeting, Role::Editor, noise)?;
    let (guest, third) = initiator.knock(&second, &[])?;
    Ok((guest, responder.admit(&third)?.0))
}

/// Megabytes a second that are sealed at one end and opened at the other.
fn throughput(from: &mut Channel, to: &mut Channel, frame_bytes: usize, time: Duration) -> Result<f64> {
    let frame: Vec<u8> = (0..frame_bytes).map(|byte| byte as u8).collect();
    let started = now();
    let mut bytes = 0;
    while started.elapsed() < time {
        for _ in 0..64 {
            let opened = to.open(&from.seal(&frame)?)?;
            anyhow::ensure!(opened == frame, "another frame was opened than sealed");
            bytes += frame_bytes;
        }
    }
    Ok(bytes as f64 / 1e6 / started.elapsed().as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}
