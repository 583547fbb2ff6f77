//! The listener against pages of other origins, names it is not known by, and requests that are none.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

mod common;

use common::{PATIENCE, TestAgent};

/// Every route, and paths that are none.
const PATHS: [&str; 8] =
    ["/", "/index.html", "/s/abc", "/s/abc/socket", "/nothing.js", "/s/", "/s/a/b/c", "/favicon.ico"];

/// What every answer of ours carries.
const HEADERS: [&str; 7] = [
    "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' \
     'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
     manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
    "permissions-policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options: DENY",
];

/// One answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Lower-case names, as `name: value`.
    headers: Vec<String>,
    body: String,
}

impl Answer {
    #[track_caller]
    fn is_protected(&self, what: &str) {
        for header in HEADERS {
            assert!(self.headers.iter().any(|given| given == header), "{what}: no {header} in {self:?}");
        }
        let allows =
            |header: &&String| header.starts_with("access-control-") || header.starts_with("set-cookie");
        assert_eq!(self.headers.iter().find(allows), None, "{what}");
    }
}

/// Sends bytes as they are and reads the answer to them; nothing if the agent hangs up without one.
async fn send(address: SocketAddr, request: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may hang up before it has heard everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the agent answers and hangs up");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            format!("{}: {value}", name.to_lowercase())
        })
        .collect();
    Some(Answer { status, headers, body: body.to_owned() })
}

async fn ask(address: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let close = if headers.iter().any(|header| header.starts_with("Connection:")) {
        ""
    } else {
        "Connection: close\r\n"
    };
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("{method} {path} HTTP/1.1\r\n{close}{headers}\r\n");
    send(address, &request).await.unwrap_or_else(|| panic!("no answer to {request:?}"))
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused_before_any_route() {
    let agent = TestAgent::start().await;
    let (address, port) = (agent.address, agent.address.port());
    let mut wrong = vec![Vec::new(), vec![format!("Host: {address}"), "Host: evil.test".to_owned()]];
    for host in ["evil.test", "localhost", "127.0.0.1", "localhost:1", "", "null", "169.254.169.254"] {
        wrong.push(vec![format!("Host: {host}")]);
    }
    for host in
        ["evil.test", "localhost:80", "127.0.0.1.evil.test", "localhost.evil.test", "0.0.0.0", "me@localhost"]
    {
        wrong.push(vec![format!("Host: {host}:{port}")]);
    }
    for headers in &wrong {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        for path in PATHS {
            for method in ["GET", "POST"] {
                let answer = ask(address, method, path, &headers).await;
                let what = format!("{method} {path} {headers:?}");
                assert!(matches!(answer.status, 400 | 421), "{what}: {answer:?}");
                assert!(answer.status == 421 || headers.len() != 1, "{what}: {answer:?}");
                if answer.status == 421 {
                    answer.is_protected(&what);
                }
            }
        }
    }
    // An address with a host of its own counts as much as the header.
    let own = format!("Host: {address}");
    for (path, status) in [
        ("http://evil.test/nothing.js".to_owned(), 421),
        (format!("http://evil.test:{port}/nothing.js"), 421),
        (format!("http://{address}/nothing.js"), 404),
    ] {
        let answer = ask(address, "GET", &path, &[&own]).await;
        assert_eq!(answer.status, status, "{path}");
        answer.is_protected(&path);
    }
    for host in [format!("LOCALHOST:{port}"), format!("[::1]:{port}"), address.to_string()] {
        assert_eq!(
            ask(address, "GET", "/nothing.js", &[&format!("Host: {host}")]).await.status,
            404,
            "{host}"
        );
    }
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_socket() {
    let agent = TestAgent::start().await;
    let (address, port) = (agent.address, agent.address.port());
    let host = format!("Host: {address}");
    let upgrade = [
        "Upgrade: websocket",
        "Connection: Upgrade, close",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for origin in [
        "null".to_owned(),
        "http://evil.test".to_owned(),
        format!("http://evil.test:{port}"),
        format!("https://{address}"),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://localhost:{port}"),
        format!("http://{address}.evil.test"),
        format!("http://{address}/"),
        String::new(),
        "file://".to_owned(),
        "chrome-extension://abc".to_owned(),
    ] {
        let origin = format!("Origin: {origin}");
        let mut headers = vec![host.as_str(), &origin];
        headers.extend(upgrade);
        let answer = ask(address, "GET", "/s/abc/socket", &headers).await;
        assert_eq!(answer.status, 403, "{origin}: {answer:?}");
        answer.is_protected(&origin);
    }
    let origin = format!("Origin: http://{address}");
    let request: String =
        [host.as_str(), &origin].iter().chain(&upgrade).map(|line| format!("{line}\r\n")).collect();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET /s/abc/socket HTTP/1.1\r\n{request}\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101", "our own page does");
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn every_answer_carries_the_same_protection_and_nothing_is_written_by_http() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "text");
    let host = format!("Host: {}", agent.address);
    for path in PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "NONSENSE"] {
            let answer = ask(agent.address, method, path, &[&host]).await;
            let what = format!("{method} {path}: {answer:?}");
            answer.is_protected(&what);
            assert!(answer.status < 500, "{what}");
            if !matches!(method, "GET" | "HEAD") {
                assert!(matches!(answer.status, 400..=499), "{what}");
            }
        }
    }
    for path in ["/nothing.js", "/a.txt", "/s/abc/a.txt", "/api", "/.git/config"] {
        assert_eq!(ask(agent.address, "GET", path, &[&host]).await.status, 404, "{path}");
    }
    let socket = ask(agent.address, "GET", "/s/abc/socket", &[&host]).await;
    assert!(matches!(socket.status, 400 | 426), "no upgrade was asked for: {socket:?}");
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn no_address_leads_out_of_the_page() {
    let agent = TestAgent::start().await;
    agent.write("private.txt", "PRIVATE");
    let host = format!("Host: {}", agent.address);
    let folder = agent.folder.path().display().to_string();
    let into = format!("/..{folder}/private.txt");
    let straight = format!("/{folder}/private.txt");
    for path in [
        "/../../../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/..%5c..%5cetc",
        "//etc/passwd",
        "/%00",
        "/index.html%00.js",
        "/./../Cargo.toml",
        "/../Cargo.toml",
        "/%252e%252e/Cargo.toml",
        "/s/abc/../../../etc/passwd",
        "/s/abc/..%2fsocket/x",
        &into,
        &straight,
    ] {
        let answer = ask(agent.address, "GET", path, &[&host]).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        for secret in ["root:", "[package]", "[workspace]", "PRIVATE"] {
            assert!(!answer.body.contains(secret), "{path}");
        }
    }
    agent.still_serves().await;
    agent.end().await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused_and_forgotten() {
    let agent = TestAgent::start().await;
    let host = format!("Host: {}", agent.address);
    let large = format!("X-Large: {}", "x".repeat(64 * 1024));
    assert_eq!(ask(agent.address, "GET", "/", &[&host, &large]).await.status, 431);
    let path = format!("/{}", "x".repeat(64 * 1024));
    let answer = ask(agent.address, "GET", &path, &[&host]).await;
    assert!(matches!(answer.status, 414 | 431), "{answer:?}");
    let many: Vec<String> = (0..1000).map(|number| format!("X-{number}: y")).collect();
    let mut headers = vec![host.as_str()];
    headers.extend(many.iter().map(String::as_str));
    assert_eq!(ask(agent.address, "GET", "/", &headers).await.status, 431);
    for garbage in [
        "\r\n\r\n\r\n",
        "GARBAGE\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "GET / HTTP/1.1\r\nHo st: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0",
    ] {
        // Whoever says half of something is waited for elsewhere; here the other half never comes.
        let mut stream = TcpStream::connect(agent.address).await.unwrap();
        stream.write_all(garbage.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let read = tokio::time::timeout(PATIENCE, read).await.expect("the agent hangs up");
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            read.is_err() || answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{garbage:?}: {answer}"
        );
    }
    agent.still_serves().await;
    agent.end().await;
}
