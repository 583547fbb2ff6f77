//! The agent's door on its own machine: a socket in the session's state folder, for `parlor attach`.
//!
//! What goes through it is sealed as everywhere; the door only spares the host's own programs the address, the
//! certificate and the `Origin` of the web. Who may open the state folder is the host.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use parlor_shared::limits::MAX_TRANSPORT_MESSAGE_BYTES;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::agent::Agent;
use crate::http::ACCEPT_PAUSE;
use crate::transport::{Transport, TransportError};

/// Where the socket of a session is whose state lies in this folder.
fn socket_path(state: &Path) -> PathBuf {
    state.join("socket")
}

/// Opens the door, before anybody is told that there is one. Without it all else works: that is said and no more.
pub(crate) fn listen(state: &Path) -> Option<UnixListener> {
    let path = socket_path(state);
    // What a killed agent left.
    let _ = std::fs::remove_file(&path);
    let bound = UnixListener::bind(&path).and_then(|listener| {
        // The folder is private already. Its own mode says so too, to whoever looks.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map(|()| listener)
    });
    bound.inspect_err(|error| warn!(%error, "`parlor attach` will not work: there is no socket")).ok()
}

/// Lets programs of this machine in until the session ends.
pub(crate) async fn serve(agent: Arc<Agent>, listener: UnixListener, ended: CancellationToken) {
    loop {
        // Both arms are cancel-safe: a token and `accept`.
        tokio::select! {
            biased;
            () = ended.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => agent.serve(transport(stream)),
                Err(error) => {
                    debug!(%error, "a program could not be let in");
                    // It waits at the door all the same, and would be asked for again at once.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

/// Opens a transport to the agent whose state lies in this folder.
///
/// # Errors
/// If nobody listens there.
pub(crate) async fn connect(state: &Path) -> io::Result<Transport> {
    Ok(transport(UnixStream::connect(socket_path(state)).await?))
}

fn transport(stream: UnixStream) -> Transport {
    let codec = LengthDelimitedCodec::builder().max_frame_length(MAX_TRANSPORT_MESSAGE_BYTES).new_codec();
    let (sink, stream) = Framed::new(stream, codec).split();
    let incoming = stream.map(|message| match message {
        Ok(bytes) => Ok(bytes.freeze()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(TransportError::TooLarge),
        Err(_) => Err(TransportError::Gone),
    });
    Transport::new(incoming, sink.sink_map_err(|_| TransportError::Gone))
}
