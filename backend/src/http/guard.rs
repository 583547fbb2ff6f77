//! Who may talk to the listener at all, and the headers that every answer carries.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};

/// The names under which the listener is reached: anything else is DNS rebinding or a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts {
    scheme: &'static str,
    /// Lower case, with the port if it is not the scheme's own.
    hosts: BTreeSet<String>,
}

impl AllowedHosts {
    /// The names of a listener at this address: itself, and on loopback the usual names of this machine.
    pub fn of_listener(scheme: &'static str, ip: IpAddr, port: u16) -> Self {
        let mut names = vec![if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }];
        if ip.is_loopback() || ip.is_unspecified() {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let hosts = names.into_iter().map(|name| with_port(scheme, &name, port)).collect();
        Self { scheme, hosts }
    }

    /// Allows one more name, as it stands in a link.
    #[must_use]
    pub fn with(mut self, host: &str) -> Self {
        self.hosts.insert(host.to_lowercase());
        self
    }

    fn allows_host(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_lowercase())
    }

    /// Whether a page at this origin may open a socket: exactly the page that this listener serves.
    pub(super) fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            // No browser: every browser names the origin of a socket.
            return true;
        };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&format!("{}://{host}", self.scheme)))
    }
}

fn with_port(scheme: &str, name: &str, port: u16) -> String {
    match (scheme, port) {
        ("http", 80) | ("https", 443) => name.to_owned(),
        _ => format!("{name}:{port}"),
    }
}

/// Checks the host before routing, and adds the headers to every answer.
pub(super) fn protect(routes: Router, hosts: Arc<AllowedHosts>) -> Router {
    routes.layer(middleware::from_fn_with_state(hosts, guard))
}

async fn guard(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let mut response = match named_host(&request) {
        Some(host) if hosts.allows_host(host) => next.run(request).await,
        _ => {
            (StatusCode::MISDIRECTED_REQUEST, "This address is not served under that name.\n").into_response()
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The host that a request names, if it names one and no other.
fn named_host(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    // An address with a host of its own overrides the header (RFC 9112, section 3.2.2): both have to agree.
    let authority = request.uri().authority();
    let agree = authority.is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host));
    (agree && hosts.next().is_none()).then_some(host)
}

/// `'wasm-unsafe-eval'` is needed to run WebAssembly at all; styles are set on elements by the editor.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
         manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: &'static str, host: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers.insert(header::HOST, HeaderValue::from_static(host));
        headers
    }

    #[test]
    fn loopback_has_its_usual_names_and_no_other() {
        let hosts = AllowedHosts::of_listener("http", [127, 0, 0, 1].into(), 4242);
        for host in ["localhost:4242", "LOCALHOST:4242", "127.0.0.1:4242", "[::1]:4242"] {
            assert!(hosts.allows_host(host), "{host}");
        }
        for host in
            ["evil.test:4242", "localhost", "localhost:80", "localhost:4242.evil.test", "", "127.0.0.2:4242"]
        {
            assert!(!hosts.allows_host(host), "{host}");
        }
    }

    #[test]
    fn another_address_has_only_its_own_name_and_those_given() {
        let hosts = AllowedHosts::of_listener("https", [192, 168, 1, 5].into(), 443).with("Box.example");
        assert!(hosts.allows_host("192.168.1.5") && hosts.allows_host("box.example"));
        assert!(!hosts.allows_host("localhost"));
    }

    #[test]
    fn a_socket_is_opened_only_by_our_own_page_or_by_no_page() {
        let hosts = AllowedHosts::of_listener("http", [127, 0, 0, 1].into(), 4242);
        assert!(hosts.allows_origin(&HeaderMap::new()));
        assert!(hosts.allows_origin(&headers("http://localhost:4242", "localhost:4242")));
        for origin in [
            "http://evil.test",
            "https://localhost:4242",
            "http://localhost:4243",
            "null",
            "http://127.0.0.1:4242",
        ] {
            assert!(!hosts.allows_origin(&headers(origin, "localhost:4242")), "{origin}");
        }
    }
}
