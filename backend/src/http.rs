//! The agent's listener: serves the page and carries guests' sockets to the agent. Knows nothing of what they say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::agent::Agent;

mod assets;
mod guard;
mod socket;

pub use guard::AllowedHosts;

/// How long a client may take to say what it wants.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a listener that can not accept (no descriptors left) pauses before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A request's body and headers: we take no bodies, and browsers send less than this.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Everything that is served at the agent's address.
pub fn router(agent: Arc<Agent>, hosts: AllowedHosts) -> Router {
    let page = assets::router();
    let hosts = Arc::new(hosts);
    let routes = Router::new()
        .route("/s/{session}", get(assets::page))
        .route("/s/{session}/socket", get(socket::open))
        .with_state(socket::State { agent, hosts: Arc::clone(&hosts), page: page.clone() })
        .fallback_service(page);
    guard::protect(routes, hosts)
}

/// Accepts connections until `ended`, then lets those that serve no guest go.
pub async fn serve(listener: TcpListener, router: Router, ended: CancellationToken) {
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
                connections.spawn(serve_one(stream, peer, router.clone(), ended.clone()));
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

async fn serve_one(stream: TcpStream, peer: SocketAddr, router: Router, ended: CancellationToken) {
    // Without it small frames wait for acknowledgements of earlier ones: 44 ms tails.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "no TCP_NODELAY");
    }
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
