//! `parlor share`: opens a session, prints the links, tells what happens, and ends in order.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use parlor_shared::role::Role;
use parlor_shared::terminal::{Access, TerminalSize};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::agent::workspace::Workspace;
use crate::agent::{
    Agent, AgentError, AgentEvent, AgentOptions, Approval, Ended, LivingProcess, NewTerminal, SessionState,
    StateError,
};
use crate::http::{self, AllowedHosts, Tls};
use crate::options::{Approve, GuestRole, Output, ShareOptions, TerminalAccess, TlsMode};
use crate::print_queue::{self, PrintQueue};
use crate::shares::{self, Overlap};

mod folder_check;
mod kept;
mod redirect;
mod signals;

use redirect::Redirect;
use signals::Interrupted;

/// How long a browser may take to come for the page that `--open` asked for. The first start of a browser is slow.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// The person was to be asked and can not be, or an option is missing that only they may give.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAsked(String);

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
    // Before signals are listened for: Ctrl-C at the question ends the program.
    let _registration = may_be_shared(&options)?;
    let mut interrupted = Interrupted::new().context("signals can not be received")?;
    let (root, folder, revival) = (SessionState::root()?, options.path.clone(), kept::revival(&options));
    let states = root.clone();
    let opening = move || {
        let mut state = SessionState::open(&states, &folder)?;
        let beginning = state.begin(revival)?;
        // Of the session that is gone on with: the links of another are no good any more.
        Ok((state.port(), beginning, state))
    };
    let (port, beginning, state) = unless_interrupted(&mut interrupted, opening)
        .await?
        .map_err(|error: StateError| folder_first(&options.path, error))?;
    let state_folder = state.folder().to_owned();
    let listener = listen(&options, port).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let origin = origin(scheme, address);
    let agent_options = AgentOptions {
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
    };
    let (limit, folder) = (options.revive_within, options.path.clone());
    let opening = move || {
        let (agent, events) = Agent::open(agent_options, Some(state))?;
        let earlier = kept::at_the_beginning(beginning, limit, &agent.set_aside(), (&root, &folder));
        Ok((agent, events, earlier))
    };
    let (agent, mut events, earlier) =
        unless_interrupted::<Result<_, AgentError>>(&mut interrupted, opening).await??;
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

    let mut printer = Printer::start(options.output).context("the operating system gives no threads")?;
    printer.sharing(&agent, address, fingerprint);
    for said in &earlier {
        printer.said(said);
    }
    let mut redirect = options.open.then(|| open_page(&agent, &state_folder, &options.path)).flatten();
    let opened_by = Instant::now() + OPEN_TIMEOUT;
    loop {
        // Every arm is cancel-safe: signals, `recv`, a time.
        tokio::select! {
            biased;
            () = interrupted.wait() => break,
            event = events.recv() => match event {
                Some(AgentEvent::EndRequested) | None => break,
                Some(event) => {
                    if matches!(event, AgentEvent::GuestJoined { role: Role::Host, .. }) {
                        // The page is there.
                        redirect = None;
                    }
                    printer.event(&event);
                }
            },
            () = tokio::time::sleep_until(opened_by), if redirect.is_some() => redirect = None,
        }
    }
    drop(redirect);
    printer.ending();
    ended.cancel();
    // Both arms are cancel-safe: signals; and of ending nothing is left to do once it is given up.
    let how = tokio::select! {
        biased;
        () = interrupted.wait_again() => {
            bail!("ended at once. What was not saved yet is kept: share the folder again to get it back")
        }
        how = agent.end() => how,
    };
    while let Ok(event) = events.try_recv() {
        printer.event(&event);
    }
    printer.said(&kept::at_the_end(&how));
    printer.finish();
    Ok(how)
}

/// Does something that may wait for a disk, unless the person gives up before. Then it is left to itself.
async fn unless_interrupted<T: Send + 'static>(
    interrupted: &mut Interrupted,
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    let work = tokio::task::spawn_blocking(work);
    // Both arms are cancel-safe: signals, and a task that is waited for.
    tokio::select! {
        biased;
        () = interrupted.wait() => bail!("ended before anything was shared"),
        done = work => done.context("sharing could not begin"),
    }
}

/// Looks whether the person means to share this folder, and asks if that is in doubt. Until what this gives is dropped, other agents
/// of this person know that the folder is shared.
fn may_be_shared(options: &ShareOptions) -> anyhow::Result<shares::Registration> {
    Workspace::open(&options.path)?;
    let folder = options.path.canonicalize().with_context(|| options.path.display().to_string())?;
    let shown = folder.display();
    if let Ok(root) = SessionState::root().map(|root| root.canonicalize().unwrap_or(root))
        && folder.starts_with(&root)
    {
        bail!(
            "{shown} is where Parlor keeps the keys of sessions. Whoever reads them is the host, so it is never shared"
        );
    }
    let registration = shares::register(&folder);
    let home = directories::BaseDirs::new().map(|folders| folders.home_dir().to_owned());
    let home = home.map(|home| home.canonicalize().unwrap_or(home));
    let mut concerns = Vec::new();
    if let Some(concern) = folder_check::concern(&folder, home.as_deref()) {
        concerns.push(format!("{shown} {concern}"));
    }
    for (overlap, other) in shares::overlapping(&folder) {
        let (pid, theirs) = (other.pid, other.folder.display());
        match overlap {
            // The same sentence as where both keep their state in one place.
            Overlap::Same => return Err(StateError::AlreadyShared.into()),
            Overlap::Inside => concerns.push(format!(
                "{shown} holds {theirs}, which another parlor (process {pid}) is sharing; the guests of each see the other's \
                 changes as made by other programs"
            )),
            Overlap::Around => concerns.push(format!(
                "{shown} lies in {theirs}, which another parlor (process {pid}) is sharing; the guests of each see the other's \
                 changes as made by other programs"
            )),
        }
    }
    if options.yes {
        return Ok(registration);
    }
    for concern in concerns {
        ask(&concern)?;
    }
    Ok(registration)
}

/// Asks the person whether to go on all the same.
fn ask(concern: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(NotAsked(format!("{concern}. If you mean it, say so with --yes")).into());
    }
    let mut stderr = io::stderr();
    // A terminal that is gone gives no answer either.
    let _ = write!(stderr, "\n  {concern}.\n  Share it all the same? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("your answer can not be read")?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing is shared"),
    }
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

/// Opens the host's page in a browser. Gives the file that leads there, while the browser needs it.
fn open_page(agent: &Agent, state: &Path, shared: &Path) -> Option<Redirect> {
    let (_, invite) = agent.links().iter().find(|(role, _)| *role == Role::Host)?;
    let shared = shared.canonicalize().unwrap_or_else(|_| shared.to_owned());
    let redirect = Redirect::create(state, &shared, &invite.link());
    let opened = redirect.and_then(|redirect| redirect.open().map(|()| redirect));
    opened
        .inspect_err(|error| warn!(%error, "no browser could be opened; open the host's link yourself"))
        .ok()
}

/// Prints what happens. Never waits for whoever reads it.
struct Printer {
    output: Output,
    queue: PrintQueue,
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
    /// Programs of a terminal that has ended live on.
    StillRunning {
        terminal: String,
        processes: Vec<ProcessLine>,
    },
    /// Nobody read what was printed: so many lines are missing here.
    Dropped {
        lines: u64,
    },
}

#[derive(Serialize)]
struct ProcessLine {
    pid: u32,
    name: String,
}

impl Printer {
    /// Prints to standard output.
    ///
    /// # Errors
    /// If the system gives no thread.
    fn start(output: Output) -> std::io::Result<Self> {
        let notice = match output {
            Output::Text => {
                |count| format!("  {count} lines were not printed here, since nobody read them.\n")
            }
            Output::Json => |lines| json(&Line::Dropped { lines }),
        };
        Ok(Self { output, queue: PrintQueue::start(print_queue::standard_output(), notice)? })
    }

    /// Waits until all is printed, or nobody reads.
    fn finish(&self) {
        self.queue.finish();
    }

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
            (Output::Text, AgentEvent::StillRunning { terminal, processes }) => {
                let of = |process: &LivingProcess| format!("{} ({})", process.name, process.pid);
                let list: Vec<String> = processes.iter().map(of).collect();
                let pids: Vec<String> = processes.iter().map(|process| process.pid.to_string()).collect();
                self.print(&format!(
                    "  Still running, from the terminal {terminal}: {}. To end: kill {}\n",
                    list.join(", "),
                    pids.join(" ")
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
            Output::Json => self.queue.print_surely(format!("{}\n", said.json)),
            Output::Text => self.queue.print_surely(said.text.as_str()),
        }
    }

    fn line(&mut self, line: &Line) {
        self.print(&json(line));
    }

    fn print(&mut self, text: &str) {
        self.queue.print(text);
    }
}

fn json(line: &Line) -> String {
    let mut text = serde_json::to_string(line).expect("lines hold only what JSON can say");
    text.push('\n');
    text
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
        AgentEvent::StillRunning { terminal, processes } => Line::StillRunning {
            terminal: terminal.clone(),
            processes: processes
                .iter()
                .map(|process| ProcessLine { pid: process.pid, name: process.name.clone() })
                .collect(),
        },
        AgentEvent::EndRequested => return None,
    })
}
