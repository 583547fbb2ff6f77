//! `parlor doctor`: looks whether something on this machine makes sharing a folder fail, or lose text.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, ToSocketAddrs as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};

use crate::agent::kept::{KeptError, KeptTexts};
use crate::agent::workspace::{Workspace, file_system_server};
use crate::agent::{KeptJournal, KeptSession, KeptState, SessionState, create_private, session_name, survey};
use crate::http;
use crate::options::{DoctorOptions, Output};
use crate::shares::{self, Overlap};

mod platform;

/// With less room than this a checkpoint or a journal soon fails: the largest text, its journal and a copy while it is written.
const LEAST_ROOM_BYTES: u64 = 128 * 1024 * 1024;

/// Folders that guests may have open at once, more or less: each takes a watch.
const LEAST_WATCHES: u64 = 1024;

/// The clock of a disk may differ by this from ours.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Seconds since 1970 at the beginning of 2026: no clock that is right says less.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// How long a connection to ourselves may take.
const LOOPBACK_TIMEOUT: Duration = Duration::from_secs(2);

/// What all findings come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Fine,
    /// Something is.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    /// How it is, and what to do if it is wrong. Never a link or a key.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Fine,
    Wrong,
}

impl Finding {
    fn fine(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, status: Status::Fine, text: text.into() }
    }

    fn wrong(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, status: Status::Wrong, text: text.into() }
    }
}

/// Looks at everything and prints what it finds.
pub async fn run(options: &DoctorOptions) -> Verdict {
    let findings = examine(&options.path).await;
    let mut text = String::new();
    for finding in &findings {
        text += &match options.output {
            Output::Json => {
                serde_json::to_string(finding).expect("findings hold only what JSON can say") + "\n"
            }
            Output::Text => {
                let mark = if finding.status == Status::Fine { "fine " } else { "WRONG" };
                format!("  {mark}  {:<16} {}\n", finding.check, finding.text)
            }
        };
    }
    // Whoever closed our output does not want it; the exit code says it all the same.
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    let is_fine = findings.iter().all(|finding| finding.status == Status::Fine);
    if is_fine { Verdict::Fine } else { Verdict::Wrong }
}

async fn examine(folder: &Path) -> Vec<Finding> {
    let mut findings = vec![shared_folder(folder)];
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    match SessionState::root() {
        Ok(root) => {
            findings.push(state_folder(&root));
            match survey(&root) {
                Ok(sessions) => {
                    findings.push(privacy(&sessions));
                    findings.extend(earlier_sessions(&sessions, &session_name(&canonical)));
                }
                Err(error) => findings.push(Finding::wrong(
                    "earlier sessions",
                    format!("{} can not be read ({error}). Make it readable for you.", root.display()),
                )),
            }
            findings.push(kept_texts(&root, &canonical));
            findings.push(room("room for states", &root));
            findings.push(clock(&root));
        }
        Err(error) => findings.push(Finding::wrong("state folder", format!("{error}."))),
    }
    findings.push(room("room for files", &canonical));
    findings.push(match file_system_server(&canonical) {
        None => Finding::fine("file system", "the folder is on a disk of this machine"),
        Some(kind) => Finding::wrong(
            "file system",
            format!(
                "the folder is not on a disk of this machine ({kind}): changes that others make there are noticed late, and \
                 nobody but its server knows what survives a crash. Share it from the machine that has the disk."
            ),
        ),
    });
    findings.extend(other_shares(&canonical));
    findings.push(watches());
    findings.push(if http::assets::is_built() {
        Finding::fine("page", "this program has its page")
    } else {
        Finding::wrong("page", "this program was built without its page. Build it with `cargo xtask dist`.")
    });
    findings.push(listening().await);
    findings
}

fn shared_folder(folder: &Path) -> Finding {
    match Workspace::open(folder) {
        Ok(_) => Finding::fine("folder", format!("{} can be shared", folder.display())),
        Err(error) => Finding::wrong("folder", format!("{error}.")),
    }
}

/// Other agents of this person that share a part of the folder, or one that it lies in.
fn other_shares(folder: &Path) -> Vec<Finding> {
    let overlapping = shares::overlapping(folder).into_iter();
    let told = overlapping.filter_map(|(overlap, share)| {
        let how = match overlap {
            // It is told already, unless its state lies elsewhere: then sharing is refused, and says so.
            Overlap::Same => return None,
            Overlap::Inside => "inside this one",
            Overlap::Around => "around this one",
        };
        let (folder, pid) = (share.folder.display(), share.pid);
        Some(Finding::wrong(
            "other sessions",
            format!(
                "the folder {folder}, {how}, is being shared by another parlor (process {pid}): the guests of each would see \
                 the other's changes as made by other programs. End one of them."
            ),
        ))
    });
    told.collect()
}

fn state_folder(root: &Path) -> Finding {
    let try_it = || {
        create_private(root)?;
        let probe = root.join(format!("doctor-{}", std::process::id()));
        OpenOptions::new().create_new(true).write(true).open(&probe)?.write_all(b"?")?;
        fs::remove_file(&probe)
    };
    match try_it() {
        Ok(()) => Finding::fine("state folder", format!("{} can be written", root.display())),
        Err(error) => Finding::wrong(
            "state folder",
            format!(
                "{} can not be written ({error}), and what must survive a crash is kept there. Make it writable, or name \
                 another folder in PARLOR_STATE_DIR.",
                root.display()
            ),
        ),
    }
}

fn privacy(sessions: &[KeptSession]) -> Finding {
    let exposed: Vec<&Path> =
        sessions.iter().flat_map(|session| &session.exposed).map(AsRef::as_ref).collect();
    match exposed.first() {
        None => Finding::fine("privacy", "what sessions keep is readable by you alone"),
        Some(first) => Finding::wrong(
            "privacy",
            format!(
                "others on this machine may read {} {}: keys of a session may be among it. End that session and run \
                 `chmod -R go-rwx` on the folder.",
                first.display(),
                match exposed.len() - 1 {
                    0 => String::new(),
                    more => format!("and {more} more"),
                }
            ),
        ),
    }
}

/// What earlier sessions left, and whether this folder is being shared now.
fn earlier_sessions(sessions: &[KeptSession], mine: &str) -> Vec<Finding> {
    let is_mine = |session: &KeptSession| session.folder.ends_with(mine);
    let running = sessions.iter().any(|session| is_mine(session) && session.is_running);
    let mut findings = vec![Finding::fine(
        "running",
        if running { "an agent shares this folder now" } else { "no agent shares this folder now" },
    )];
    let left: Vec<&KeptSession> =
        sessions.iter().filter(|session| !session.is_running && session.keys != KeptState::Missing).collect();
    if left.is_empty() {
        findings.push(Finding::fine("earlier sessions", "none ended suddenly"));
    }
    for session in left {
        let whose = if is_mine(session) { "this folder" } else { "another folder" };
        let when = session.changed.map_or_else(|| "some time ago".to_owned(), ago);
        let documents = match session.journals.len() {
            1 => "1 document was open".to_owned(),
            count => format!("{count} documents were open"),
        };
        let text = format!("a session of {whose} ended suddenly {when}; {documents}");
        let damage: Vec<String> = session.journals.iter().filter_map(damage).collect();
        findings.push(if session.keys == KeptState::Damaged {
            Finding::wrong(
                "earlier sessions",
                format!(
                    "{text}, and its keys are damaged. Sharing the folder again begins a new session with new links, and \
                     keeps the texts that no file has: see parlor rescue list."
                ),
            )
        } else if !damage.is_empty() {
            Finding::wrong(
                "earlier sessions",
                format!(
                    "{text}. {}. Sharing the folder again uses what is whole and sets the rest aside: see parlor rescue list.",
                    damage.join(", "),
                ),
            )
        } else {
            let records: usize =
                session.journals.iter().filter_map(|journal| journal.records.as_ref().ok()).sum();
            Finding::fine(
                "earlier sessions",
                format!(
                    "{text}, all {records} records are whole. Sharing it again within an hour of its end goes on with that \
                     session, and so does --resume"
                ),
            )
        });
    }
    findings
}

/// Texts that no file has. They are safe, so nothing is wrong; whoever looks for lost text learns where it is.
fn kept_texts(root: &Path, folder: &Path) -> Finding {
    let look = || -> Result<(usize, usize, usize), KeptError> {
        let (mut here, mut elsewhere, mut set_aside) = (0, 0, 0);
        for texts in KeptTexts::everywhere(root)? {
            let count = texts.list()?.len();
            set_aside += texts.list_set_aside()?.len();
            if texts.shared_folder() == folder { here += count } else { elsewhere += count }
        }
        Ok((here, elsewhere, set_aside))
    };
    match look() {
        Ok((0, 0, 0)) => Finding::fine("kept texts", "none: every text is in its file"),
        Ok((here, elsewhere, set_aside)) => Finding::fine(
            "kept texts",
            format!(
                "texts that no file has: {here} of this folder, {elsewhere} of others; damaged parts of sessions that were set \
                 aside: {set_aside}. See parlor rescue list"
            ),
        ),
        Err(error) => Finding::wrong("kept texts", format!("{error}. Make it readable for you.")),
    }
}

/// What is wrong with a journal, if anything is.
fn damage(journal: &KeptJournal) -> Option<String> {
    let name = journal.path.file_name().unwrap_or_default().display();
    match &journal.records {
        Err(error) => Some(format!("{name} can not be used: {error}")),
        Ok(records) if journal.torn_bytes > 0 => {
            Some(format!("{name} has {records} whole records and {} damaged bytes", journal.torn_bytes))
        }
        Ok(_) => None,
    }
}

fn ago(then: SystemTime) -> String {
    let seconds = now().duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..120 => format!("{seconds} seconds ago"),
        120..7200 => format!("{} minutes ago", seconds / 60),
        7200..172_800 => format!("{} hours ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

fn room(check: &'static str, folder: &Path) -> Finding {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    match platform::free_bytes(folder) {
        Ok(None) => Finding::fine(check, "not looked at on this system"),
        Ok(Some(bytes)) if bytes >= LEAST_ROOM_BYTES => {
            Finding::fine(check, format!("{} MB are free", megabytes(bytes)))
        }
        Ok(Some(bytes)) => Finding::wrong(
            check,
            format!(
                "only {} MB are free where {} is, and a large file needs {}. Make room before you share.",
                megabytes(bytes),
                folder.display(),
                megabytes(LEAST_ROOM_BYTES)
            ),
        ),
        Err(error) => Finding::wrong(
            check,
            format!("the room where {} is can not be told ({error}).", folder.display()),
        ),
    }
}

fn watches() -> Finding {
    let Some((used, limit)) = platform::watches() else {
        return Finding::fine("watching", "this system sets no limit that could be read");
    };
    if used + LEAST_WATCHES <= limit {
        return Finding::fine("watching", format!("{used} of {limit} watches are used"));
    }
    Finding::wrong(
        "watching",
        format!(
            "{used} of {limit} watches are used: folders that guests open may not be watched, and changes made outside are \
             noticed late. Raise fs.inotify.max_user_watches, or end programs that watch large trees."
        ),
    )
}

async fn listening() -> Finding {
    let try_it = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        connected?;
        accepted?;
        io::Result::Ok(address.port())
    };
    match tokio::time::timeout(LOOPBACK_TIMEOUT, try_it).await.unwrap_or_else(|late| Err(late.into())) {
        Err(error) => Finding::wrong(
            "listening",
            format!("nothing can listen and be reached on 127.0.0.1 ({error}). Look at your firewall."),
        ),
        Ok(port) => {
            let names_loopback = ("localhost", port)
                .to_socket_addrs()
                .is_ok_and(|mut addresses| addresses.any(|address| address.ip() == Ipv4Addr::LOCALHOST));
            if names_loopback {
                Finding::fine("listening", "127.0.0.1 can be listened on and reached, as localhost too")
            } else {
                Finding::wrong(
                    "listening",
                    "the name localhost does not lead to 127.0.0.1, and links on this machine use it. Add it to the hosts file.",
                )
            }
        }
    }
}

/// A clock that is wrong breaks certificates, and a disk with another clock hides changes.
fn clock(folder: &Path) -> Finding {
    let now = now();
    if now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() < EARLIEST {
        return Finding::wrong("clock", "the clock of this machine is years behind. Set it.");
    }
    let probe = folder.join(format!("doctor-clock-{}", std::process::id()));
    let written = OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(&probe)
        .and_then(|file| file.metadata()?.modified());
    // Not there if it could not be written.
    let _ = fs::remove_file(&probe);
    let Ok(written) = written else {
        return Finding::fine("clock", "it is plausible; the disk's could not be compared");
    };
    let apart = written.duration_since(now).unwrap_or_else(|before| before.duration());
    if apart <= CLOCK_TOLERANCE {
        Finding::fine("clock", "it is plausible, and the disk has the same time")
    } else {
        Finding::wrong(
            "clock",
            format!("the disk's clock is {} s apart from this machine's. Set both right.", apart.as_secs()),
        )
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge: it looks at this machine's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}
