//! `parlor share`: opens a session, prints the links, tells what happens, and ends in order.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use parlor_shared::role::Role;
use parlor_shared::terminal::{Access, TerminalSize};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::agent::workspace::Workspace;
use crate::agent::{Agent, AgentEvent, AgentOptions, Approval, Ended, NewTerminal, SessionState, StateError};
use crate::http::{self, AllowedHosts, Tls};
use crate::options::{Approve, GuestRole, Output, ShareOptions, TerminalAccess, TlsMode};

mod kept;

/// Shares a folder until Ctrl-C, a termination signal, or a host who ends it in the page. Gives what no file has then.
///
/// # Errors
/// If sharing can not begin; the message says what to do.
pub async fn run(options: ShareOptions) -> anyhow::Result<Ended> {
    if options.listen.is_unspecified() {
        bail!(
            "{} is no address that a guest can open. Listen on the one that they reach you at, as in --listen 192.168.1.5.",
            options.listen
        );
    }
    let tls = tls(&options)?;
    if !options.listen.is_loopback() && tls.is_none() && !options.insecure_lan_http {
        bail!(
            "{} is an address of the network, and with plain HTTP whoever controls the network can replace the page. \
             Add --tls self-signed or --tls-cert and --tls-key, or --insecure-lan-http if you trust everybody there.",
            options.listen
        );
    }
    let mut interrupted = Interrupted::new().context("signals can not be received")?;
    let root = SessionState::root()?;
    let mut state =
        SessionState::open(&root, &options.path).map_err(|error| folder_first(&options.path, error))?;
    let beginning = state.begin(kept::revival(&options))?;
    let state_folder = state.folder().to_owned();
    let listener = listen(&options, state.port()).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let origin = origin(scheme, address);
    let (agent, mut events) = Agent::open(
        AgentOptions {
            folder: options.path.clone(),
            host_name: options.name.clone().unwrap_or_else(user_name),
            approval: match options.approve {
                Approve::Always => Approval::Always,
                Approve::Never => Approval::Never,
            },
            invites: invited_roles(&options),
            origin: origin.clone(),
            shell: options.shell.clone(),
            terminal_access: terminal_access(&options),
            port: address.port(),
        },
        Some(state),
    )?;
    let agent = Arc::new(agent);
    share_terminals(&agent, &options).await?;
    let hosts = AllowedHosts::of_listener(scheme, address.ip(), address.port());
    let fingerprint = tls.as_ref().map(|tls| tls.fingerprint.clone());
    let ended = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(http::serve(listener, tls, http::router(Arc::clone(&agent), hosts), ended.clone()));
    #[cfg(unix)]
    if let Some(door) = crate::local::listen(&state_folder) {
        tasks.spawn(crate::local::serve(Arc::clone(&agent), door, ended.clone()));
    }
    tasks.close();

    let mut printer = Printer { output: options.output };
    printer.sharing(&agent, address, fingerprint);
    for said in kept::at_the_beginning(beginning, &options, &agent.set_aside(), (&root, &options.path)) {
        printer.said(&said);
    }
    if options.open {
        open_page(&agent);
    }
    loop {
        // Both arms are cancel-safe: signals and `recv`.
        tokio::select! {
            biased;
            () = interrupted.wait() => break,
            event = events.recv() => match event {
                Some(AgentEvent::EndRequested) | None => break,
                Some(event) => printer.event(&event),
            },
        }
    }
    printer.ending();
    ended.cancel();
    let how = agent.end().await;
    while let Ok(event) = events.try_recv() {
        printer.event(&event);
    }
    printer.said(&kept::at_the_end(&how));
    Ok(how)
}

/// Shares the terminals that were asked for.
async fn share_terminals(agent: &Agent, options: &ShareOptions) -> anyhow::Result<()> {
    for command in &options.terminal {
        let access = terminal_access(options);
        let (command, size) = (Some(command.clone()), TerminalSize::USUAL);
        agent
            .open_terminal(NewTerminal { name: None, command, size, access })
            .await
            .map_err(|fault| anyhow::anyhow!("a terminal can not be shared: {fault}"))?;
    }
    Ok(())
}

fn terminal_access(options: &ShareOptions) -> Access {
    match options.terminal_access {
        TerminalAccess::ReadOnly => Access::ReadOnly,
        TerminalAccess::Collaborative => Access::Collaborative,
    }
}

/// Listens where it was asked to; without a wish, where the session was that this one goes on with: its links name that
/// port.
async fn listen(options: &ShareOptions, earlier: Option<u16>) -> anyhow::Result<TcpListener> {
    if let Some(port) = earlier.filter(|_| options.port == 0) {
        match TcpListener::bind((options.listen, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                warn!(%error, port, "the port of the earlier links is taken: guests need the new links")
            }
        }
    }
    TcpListener::bind((options.listen, options.port)).await.with_context(|| {
        format!(
            "nothing can listen on {}:{}. Choose another --port, or leave it out for a free one",
            options.listen, options.port
        )
    })
}

/// A folder that can not be shared is the better thing to say than a state that can not be kept for it.
fn folder_first(folder: &Path, error: StateError) -> anyhow::Error {
    match Workspace::open(folder) {
        Err(folder) => folder.into(),
        Ok(_) => error.into(),
    }
}

/// Ctrl-C and a termination signal.
struct Interrupted {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
    /// Listened for from the beginning: before that it would end the program at once.
    #[cfg(unix)]
    interrupted: tokio::signal::unix::Signal,
}

impl Interrupted {
    fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminated: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
            #[cfg(unix)]
            interrupted: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            biased;
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn invited_roles(options: &ShareOptions) -> Vec<Role> {
    match (options.read_only, options.role) {
        (true, _) => vec![Role::Viewer],
        (false, GuestRole::Editor) => vec![Role::Editor, Role::Viewer],
        (false, GuestRole::Viewer) => vec![Role::Viewer, Role::Editor],
    }
}

/// Where the page is reached. `localhost` on loopback: browsers count it as secure, and it survives in links.
fn origin(scheme: &str, address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_loopback() && ip.is_ipv4() => format!("{scheme}://localhost:{}", address.port()),
        IpAddr::V4(ip) => format!("{scheme}://{ip}:{}", address.port()),
        IpAddr::V6(ip) => format!("{scheme}://[{ip}]:{}", address.port()),
    }
}

fn tls(options: &ShareOptions) -> anyhow::Result<Option<Tls>> {
    Ok(match (options.tls, &options.tls_cert, &options.tls_key) {
        (Some(TlsMode::SelfSigned), _, _) => Some(Tls::self_signed(options.listen)?),
        (None, Some(chain), Some(key)) => Some(Tls::from_files(chain, key)?),
        (None, _, _) => None,
    })
}

fn user_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "Host".to_owned())
}

fn open_page(agent: &Agent) {
    let Some((_, invite)) = agent.links().iter().find(|(role, _)| *role == Role::Host) else { return };
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(opener)
        .arg(invite.link())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if started.is_err() {
        eprintln!("parlor: no browser could be opened ({opener} is missing); open the host's link yourself");
    }
}

/// Prints for a person or for a script. Standard output only ever holds what was asked for.
struct Printer {
    output: Output,
}

#[derive(Serialize)]
struct InviteLine {
    role: String,
    url: String,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Sharing {
        host_url: String,
        invites: Vec<InviteLine>,
        listen: String,
        pid: u32,
        session: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        fingerprint: Option<String>,
    },
    GuestWaiting {
        participant: u32,
        name: String,
    },
    GuestJoined {
        participant: u32,
        name: String,
        role: String,
    },
    GuestLeft {
        participant: u32,
        name: String,
    },
    Saved {
        path: String,
    },
    Error {
        path: Option<String>,
        code: u16,
        fault: String,
        params: Vec<String>,
    },
}

impl Printer {
    fn sharing(&mut self, agent: &Agent, address: SocketAddr, fingerprint: Option<String>) {
        let is_host = |role: &Role| *role == Role::Host;
        let links = agent.links();
        let host_url = links.iter().find(|(role, _)| is_host(role)).map(|(_, invite)| invite.link());
        let host_url = host_url.unwrap_or_default();
        let guests = links.iter().filter(|(role, _)| !is_host(role));
        if self.output == Output::Json {
            let invites = guests
                .map(|(role, invite)| InviteLine { role: role.to_string(), url: invite.link() })
                .collect();
            let listen = address.to_string();
            let session = agent.session_id().to_string();
            let pid = std::process::id();
            return self.line(&Line::Sharing { host_url, invites, listen, pid, session, fingerprint });
        }
        let mut text = String::from("\n  The door is open.\n\n");
        for (role, invite) in guests {
            let what = if *role == Role::Editor { "edit" } else { "look" };
            text.push_str(&format!("  Send this to those who may {what}:\n    {}\n\n", invite.link()));
        }
        text.push_str(&format!("  Your own page:\n    {host_url}\n\n"));
        if let Some(fingerprint) = fingerprint {
            text.push_str(&format!(
                "  The certificate's SHA-256, for guests whose browser asks:\n    {fingerprint}\n\n"
            ));
        }
        text.push_str("  The links hold the keys: whoever has one is in. Ctrl-C ends the session.\n\n");
        self.print(&text);
    }

    fn event(&mut self, event: &AgentEvent) {
        match (self.output, event) {
            (Output::Json, event) => {
                if let Some(line) = json_line(event) {
                    self.line(&line);
                }
            }
            (Output::Text, AgentEvent::GuestWaiting { name, .. }) => {
                self.print(&format!("  {name} waits to be admitted: open your own page.\n"));
            }
            (Output::Text, AgentEvent::GuestJoined { name, role, .. }) => {
                self.print(&format!("  {name} joined as {role}.\n"));
            }
            (Output::Text, AgentEvent::GuestLeft { name, .. }) => self.print(&format!("  {name} left.\n")),
            (Output::Text, AgentEvent::Error { path, fault }) => {
                let path = path.as_ref().map(ToString::to_string).unwrap_or_default();
                self.print(&format!(
                    "  {path} could not be saved ({:?}). The text is safe in the session and is tried again.\n",
                    fault.code
                ));
            }
            (Output::Text, AgentEvent::Saved { .. } | AgentEvent::EndRequested) => {}
        }
    }

    fn ending(&mut self) {
        if self.output == Output::Text {
            self.print("\n  Closing: telling everybody and saving files.\n");
        }
    }

    fn said(&mut self, said: &kept::Said) {
        match self.output {
            Output::Json => self.print(&format!("{}\n", said.json)),
            Output::Text => self.print(&said.text),
        }
    }

    fn line(&mut self, line: &Line) {
        let mut text = serde_json::to_string(line).expect("lines hold only what JSON can say");
        text.push('\n');
        self.print(&text);
    }

    fn print(&mut self, text: &str) {
        // Whoever closed our output does not want it; the session goes on.
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }
}

fn json_line(event: &AgentEvent) -> Option<Line> {
    Some(match event {
        AgentEvent::GuestWaiting { participant, name } => {
            Line::GuestWaiting { participant: participant.0, name: name.clone() }
        }
        AgentEvent::GuestJoined { participant, name, role } => {
            Line::GuestJoined { participant: participant.0, name: name.clone(), role: role.to_string() }
        }
        AgentEvent::GuestLeft { participant, name } => {
            Line::GuestLeft { participant: participant.0, name: name.clone() }
        }
        AgentEvent::Saved { path } => Line::Saved { path: path.to_string() },
        AgentEvent::Error { path, fault } => Line::Error {
            path: path.as_ref().map(ToString::to_string),
            code: fault.code.number(),
            fault: format!("{:?}", fault.code),
            params: fault.params.clone(),
        },
        AgentEvent::EndRequested => return None,
    })
}
