//! The agent's listener: serves the page and carries guests' sockets to the agent. Knows nothing of what they say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::agent::Agent;

pub(crate) mod assets;
mod guard;
mod socket;
mod tls;

pub use guard::AllowedHosts;
pub use tls::{Tls, TlsError};

/// How long a client may take to say what it wants.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a listener that can not accept (no descriptors left) pauses before it tries again.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A request's body and headers: we take no bodies, and browsers send less than this.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Everything that is served at the agent's address.
pub fn router(agent: Arc<Agent>, hosts: AllowedHosts) -> Router {
    let hosts = Arc::new(hosts);
    let routes = Router::new()
        .route("/s/{session}", get(assets::page))
        .route("/s/{session}/socket", get(socket::open))
        .with_state(socket::State { agent, hosts: Arc::clone(&hosts) })
        .merge(assets::router());
    guard::protect(routes, hosts)
}

/// Accepts connections until `ended`, then lets those that serve no guest go. Accepts, spawns, then shakes hands: a
/// silent client keeps nobody else waiting.
pub async fn serve(listener: TcpListener, tls: Option<Tls>, router: Router, ended: CancellationToken) {
    let acceptor = tls.map(|tls| TlsAcceptor::from(tls.config));
    let connections = TaskTracker::new();
    loop {
        // Both arms are cancel-safe: a token and `accept`.
        let accepted = tokio::select! {
            biased;
            () = ended.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(accept_one(stream, peer, acceptor.clone(), router.clone(), ended.clone()));
            }
            Err(error) => {
                debug!(%error, "can not accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn accept_one(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    ended: CancellationToken,
) {
    // Without it small frames wait for acknowledgements of earlier ones: 44 ms tails.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "no TCP_NODELAY");
    }
    match acceptor {
        None => serve_one(stream, peer, router, ended).await,
        Some(acceptor) => match timeout(HEADER_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => serve_one(stream, peer, router, ended).await,
            Ok(Err(error)) => debug!(%peer, %error, "no TLS"),
            Err(_) => debug!(%peer, "no TLS in time"),
        },
    }
}

async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    ended: CancellationToken,
) {
    let service = TowerToHyperService::new(router);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        biased;
        () = ended.cancelled() => connection.as_mut().graceful_shutdown(),
        result = &mut connection => {
            if let Err(error) = result {
                debug!(%peer, %error, "a client broke off");
            }
            return;
        }
    }
    if let Err(error) = connection.await {
        debug!(%peer, %error, "a client broke off");
    }
}
