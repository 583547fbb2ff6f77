//! The page: embedded in release builds, read from disk in debug builds; index.html is revalidated, the rest immutable.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use memory_serve::CacheControl;
use tower::ServiceExt as _;

use super::socket;

/// More than the page's first file will ever have.
const MAX_INDEX_BYTES: usize = 1024 * 1024;

/// Every file of the page. All but index.html have a hash in their name.
pub(super) fn router() -> Router {
    memory_serve::load!()
        // It would be made of every file at every start and kept in memory, for browsers that offer no brotli: those on
        // plain HTTP across a network.
        .enable_gzip(false)
        .index_file(Some("/index.html"))
        .html_cache_control(CacheControl::NoCache)
        .cache_control(CacheControl::Long)
        .into_router()
}

/// Whether this program has its page, and not the note that it was built without.
pub(crate) async fn is_built() -> bool {
    let Ok(request) = Request::builder().uri("/index.html").body(Body::empty()) else { return false };
    let Ok(response) = router().oneshot(request).await;
    let page = axum::body::to_bytes(response.into_body(), MAX_INDEX_BYTES).await.unwrap_or_default();
    let page = String::from_utf8_lossy(&page);
    page.contains("<script") && !page.contains("page not built")
}

/// The page at a session's address. Which session it is, and whether it exists, the socket finds out.
pub(super) async fn page(State(state): State<socket::State>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    parts.uri = Uri::from_static("/index.html");
    match state.page.oneshot(Request::from_parts(parts, Body::empty())).await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
