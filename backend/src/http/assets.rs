//! The page. A release build holds its files, compressed as the bundler left them; a debug build reads them from disk at
//! each request, so that a rebuilt page needs no new program.

use std::path::Path;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

/// The page's first file, under every address that a person opens.
const INDEX: &str = "index.html";

const HTML: &str = "text/html; charset=utf-8";

/// What a browser shows while a debug build has no page yet: `cargo xtask share` shares first and builds it then.
const WAITING: &str = include_str!("waiting/index.html");

/// Its script, which has to be a file of its own: the content policy allows no other.
const WAITING_SCRIPT: &str = include_str!("waiting/waiting.js");

/// What a release build answers that was compiled without a page.
const NOT_BUILT: &str = "This program was built without its page. Build it with `cargo xtask dist`.\n";

/// A file of the page that the program holds.
struct Embedded {
    /// Below the page's folder: `index.html`, `assets/main-1A2B3C4D.js`.
    name: &'static str,
    /// Weak: it is the same for every coding.
    etag: &'static str,
    plain: &'static [u8],
    /// Smaller ones by the name of their content coding (RFC 9110, 8.4.1), the best first.
    coded: &'static [(&'static str, &'static [u8])],
}

// `FOLDER: Option<&str>`, where a debug build finds the page, and `EMBEDDED: &[Embedded]`, what a release build holds.
include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Every file of the page.
pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(page))
        .route("/index.html", get(page))
        .route("/assets/{name}", get(asset))
        .route("/waiting.js", get(async || (head("waiting.js"), WAITING_SCRIPT)))
}

/// Whether this program has its page.
pub(crate) fn is_built() -> bool {
    FOLDER.map_or_else(|| find(EMBEDDED, INDEX).is_some(), |folder| Path::new(folder).join(INDEX).exists())
}

/// The page at a session's address. Which session it is, and whether it exists, the socket finds out.
pub(super) async fn page(headers: HeaderMap) -> Response {
    page_in(FOLDER, &headers).await
}

async fn page_in(folder: Option<&str>, asked: &HeaderMap) -> Response {
    let response = file_in(folder, INDEX, asked).await;
    if response.status() != StatusCode::NOT_FOUND {
        return response;
    }
    let (head, text) = if folder.is_some() { (head(INDEX), WAITING) } else { (head("note.txt"), NOT_BUILT) };
    (StatusCode::SERVICE_UNAVAILABLE, head, text).into_response()
}

async fn asset(extract::Path(name): extract::Path<String>, headers: HeaderMap) -> Response {
    if is_plain(&name) {
        file_in(FOLDER, &format!("assets/{name}"), &headers).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Whether a name can only be that of a file in the page's own folder: it is put behind a path of the host's disk.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A file from a folder, or else from the program itself.
async fn file_in(folder: Option<&str>, name: &str, asked: &HeaderMap) -> Response {
    match folder {
        Some(folder) => match tokio::fs::read(Path::new(folder).join(name)).await {
            Ok(content) => (head(name), content).into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        },
        None => match find(EMBEDDED, name) {
            Some(embedded) => respond(embedded, asked),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

fn find(files: &'static [Embedded], name: &str) -> Option<&'static Embedded> {
    files.iter().find(|file| file.name == name)
}

/// What every answer with this file says about it. An asset's name changes with its content.
fn head(name: &str) -> HeaderMap {
    let keep = if name.starts_with("assets/") { "max-age=31536000, immutable" } else { "no-cache" };
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(content_type(name))),
        (CACHE_CONTROL, HeaderValue::from_static(keep)),
    ])
}

/// An embedded file in the best coding that the browser takes, or the word that it has it already.
fn respond(file: &'static Embedded, asked: &HeaderMap) -> Response {
    let mut head = head(file.name);
    head.insert(ETAG, HeaderValue::from_static(file.etag));
    head.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if asked.get(IF_NONE_MATCH).is_some_and(|known| known == file.etag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    let offered = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content = match file.coded.iter().find(|(coding, _)| takes(offered, coding)) {
        Some((coding, content)) => {
            head.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
            content
        }
        None => file.plain,
    };
    (head, Body::from(Bytes::from_static(content))).into_response()
}

/// Whether an `Accept-Encoding` header names a coding and does not refuse it (RFC 9110, 12.5.3).
fn takes(offered: &str, coding: &str) -> bool {
    offered.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let is_refused = parts
            .filter_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight == 0.0));
        is_named && !is_refused
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => HTML,
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    const SCRIPT: Embedded = Embedded {
        name: "assets/main-1A2B3C4D.js",
        etag: "W/\"0123\"",
        plain: b"plain",
        coded: &[("br", b"br"), ("gzip", b"gz")],
    };

    fn ask(headers: &[(HeaderName, &'static str)]) -> Response {
        static FILES: &[Embedded] = &[SCRIPT];
        let asked = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        respond(find(FILES, SCRIPT.name).unwrap(), &asked.collect())
    }

    async fn body(response: Response) -> Bytes {
        axum::body::to_bytes(response.into_body(), 100).await.unwrap()
    }

    #[tokio::test]
    async fn a_browser_gets_the_best_coding_that_it_takes() {
        for (offered, coding, content) in [
            ("gzip, deflate, br, zstd", Some("br"), "br"),
            // A browser offers brotli only where the connection is secure.
            ("gzip, deflate", Some("gzip"), "gz"),
            ("br;q=0, GZIP;q=0.5", Some("gzip"), "gz"),
            ("br;q=0.0", None, "plain"),
            ("brotli", None, "plain"),
            ("", None, "plain"),
        ] {
            let response = ask(&[(ACCEPT_ENCODING, offered)]);
            assert_eq!(response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap()), coding);
            assert_eq!(response.headers()[CONTENT_TYPE], "text/javascript");
            assert_eq!(body(response).await, content, "{offered}");
        }
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let again = ask(&[(IF_NONE_MATCH, SCRIPT.etag)]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(body(again).await, "");
        assert_eq!(ask(&[(IF_NONE_MATCH, "W/\"4567\"")]).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn whoever_comes_before_the_page_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = async || page_in(folder.path().to_str(), &HeaderMap::new()).await;
        let early = open().await;
        assert_eq!(early.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(early.headers()[CACHE_CONTROL], "no-cache");
        let early = axum::body::to_bytes(early.into_body(), 10_000).await.unwrap();
        assert!(String::from_utf8_lossy(&early).contains("/waiting.js"));

        std::fs::File::create(folder.path().join(INDEX)).unwrap();
        assert_eq!(open().await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_program_without_its_page_says_so() {
        let response = page_in(None, &HeaderMap::new()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
    }

    #[test]
    fn only_the_first_file_is_asked_for_again() {
        assert_eq!(head(INDEX)[CACHE_CONTROL], "no-cache");
        assert_eq!(head(SCRIPT.name)[CACHE_CONTROL], "max-age=31536000, immutable");
    }

    #[test]
    fn a_name_does_not_leave_the_folder() {
        for name in ["main.js", "addon-webgl-SWOFH3NQ.js", "parlor-frontend_bg.wasm"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["..", ".hidden", "../index.html", "a/../../b", "a\\b", "a\0b", "C:x", "ä"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
