//! A narrow way between one viewer and the agent: what comes from the agent passes at so many bytes a second.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval};

/// How often a piece passes.
const TICK: Duration = Duration::from_millis(20);

/// The system's buffer on the way, in bytes: a router's is no larger in time.
const BUFFER_BYTES: u32 = 16 * 1024;

/// Opens a way to the agent of an origin: the guest's end of it, which lasts as long as the runtime.
pub(crate) fn open(runtime: &Runtime, origin: &str, bytes_per_second: usize) -> Result<TcpStream> {
    let agent: SocketAddr = origin.strip_prefix("http://").context("not an origin")?.parse()?;
    let (guest, end) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let guest = TcpStream::connect(listener.local_addr()?).await?;
        guest.set_nodelay(true)?;
        Ok::<_, anyhow::Error>((guest, listener.accept().await?.0))
    })?;
    runtime.spawn(async move {
        if let Err(error) = pass(end, agent, bytes_per_second).await {
            eprintln!("the narrow way ended: {error}");
        }
    });
    Ok(guest)
}

async fn pass(guest: TcpStream, agent: SocketAddr, bytes_per_second: usize) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    let agent = socket.connect(agent).await?;
    for stream in [&guest, &agent] {
        stream.set_nodelay(true)?;
    }
    let (mut from_guest, mut to_guest) = guest.into_split();
    let (mut from_agent, mut to_agent) = agent.into_split();
    let slowly = async {
        let mut piece = vec![0; bytes_per_second * TICK.as_millis() as usize / 1000];
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let read = from_agent.read(&mut piece).await?;
            if read == 0 {
                return Ok(0);
            }
            to_guest.write_all(&piece[..read]).await?;
        }
    };
    tokio::try_join!(tokio::io::copy(&mut from_guest, &mut to_agent), slowly)?;
    Ok(())
}
