//! The host's machine: a shared folder, what must survive a crash, and the agent while it runs, in a time of its own.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use parlor::agent::watch::Change as DiskChange;
use parlor::agent::{
    Agent, AgentEvent, AgentOptions, Approval, SessionState, Surroundings, simulate_on_this_thread,
};
use parlor::transport::Transport;
use parlor_shared::invite::Invite;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;
use parlor_shared::terminal::Access;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::disturbance;
use super::plan::{FILES, SaveFate, Trouble};

/// When simulated time begins: any time of day does, if no file is older by the system's clock.
const BEGINNING: Duration = Duration::from_secs(4_000_000_000);

/// Batches of changes that wait for the agent; more are what a system loses.
const CHANGES: usize = 64;

/// More steps than the agent takes when one timer is due.
const POLLS_UNTIL_IDLE: u32 = 24;

/// What the files hold at the beginning; the second has the line ends of another system.
const FIRST_TEXTS: [&str; 3] = ["fn main() {\n    println!(\"hello\");\n}\n", "one\r\ntwo\r\nthree\r\n", ""];

/// The running agent.
struct Running {
    // Dropped in this order: the agent's own handles, then every task.
    agent: Agent,
    changes: mpsc::Sender<Vec<DiskChange>>,
    events: mpsc::Receiver<AgentEvent>,
    runtime: Runtime,
}

/// The machine.
pub(crate) struct Machine {
    /// Holds all folders.
    _place: TempDir,
    root: PathBuf,
    /// Where what was put away lies meanwhile.
    away: PathBuf,
    state: PathBuf,
    troubles: [Option<Trouble>; FILES.len()],
    /// Where the state belongs that is away.
    lost_state: Option<PathBuf>,
    running: Option<Running>,
    /// The links, the host's first; the same after every restart.
    pub(crate) links: Vec<(Role, Invite)>,
    /// What the agent told since the last look.
    pub(crate) events: Vec<AgentEvent>,
    /// Files that another program holds open, to append to them.
    held: [Option<fs::File>; FILES.len()],
    /// The agent was killed in the midst of a save, and is not there again.
    is_torn: bool,
}

impl Machine {
    /// A machine with files on it and no agent yet.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        let place = place.expect("a folder in memory can be made");
        let [root, away, state] = ["shared", "away", "state"].map(|name| place.path().join(name));
        for folder in [&root.join("sub"), &away, &state] {
            fs::create_dir_all(folder).expect("a fresh folder takes folders");
        }
        let machine = Self {
            _place: place,
            root,
            away,
            state,
            troubles: [None; FILES.len()],
            lost_state: None,
            running: None,
            links: Vec::new(),
            events: Vec::new(),
            held: [const { None }; FILES.len()],
            is_torn: false,
        };
        disturbance::disarm();
        for (file, text) in FIRST_TEXTS.iter().enumerate() {
            machine.write(file, text.as_bytes(), Duration::ZERO);
        }
        machine
    }

    // The agent.

    /// Whether the agent runs.
    pub(crate) const fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// Starts the agent, which goes on with what the last one left.
    pub(crate) fn start(&mut self, now: Duration) -> Result<(), String> {
        simulate_on_this_thread(BEGINNING + now);
        self.is_torn = false;
        let state = SessionState::open(&self.state, &self.root).map_err(|error| error.to_string())?;
        let mut builder = tokio::runtime::Builder::new_current_thread();
        // One task's step at a time, so that the simulation can stop between any two.
        let runtime = builder.enable_time().start_paused(true).event_interval(1).build();
        let runtime = runtime.expect("a runtime without I/O needs nothing of the system");
        let (changes, received) = mpsc::channel(CHANGES);
        let options = AgentOptions {
            folder: self.root.clone(),
            host_name: "Hanna".to_owned(),
            approval: Approval::Never,
            invites: vec![Role::Editor, Role::Viewer],
            origin: "http://localhost:1".to_owned(),
            port: 1,
            shell: None,
            terminal_access: Access::ReadOnly,
        };
        let surroundings = Surroundings::Simulation { changes: received };
        let opened = runtime.block_on(async { Agent::open_in(surroundings, options, Some(state)) });
        let (agent, events) = opened.map_err(|error| error.to_string())?;
        let links = agent.links().to_vec();
        if !self.links.is_empty() && self.links != links {
            return Err("the links are others after a restart".to_owned());
        }
        self.links = links;
        self.running = Some(Running { agent, changes, events, runtime });
        Ok(())
    }

    /// Ends the agent as `kill -9` does: wherever each task stands.
    pub(crate) fn kill(&mut self) {
        self.collect_events();
        self.running = None;
    }

    /// The next save is disturbed at this step of it.
    pub(crate) fn disturb_save(&self, step: u32, fate: SaveFate) {
        disturbance::arm(step, fate);
    }

    /// Saves are not disturbed any more.
    pub(crate) fn calm(&mut self) {
        self.notice_kill();
        disturbance::disarm();
    }

    /// Whether the agent was killed in the midst of a save; then it is gone.
    fn notice_kill(&mut self) {
        if disturbance::has_killed() {
            self.is_torn = true;
            self.kill();
        }
    }

    /// Whether a file may be torn.
    pub(crate) const fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Ends the session in order.
    pub(crate) fn end(&mut self, now: Duration) {
        disturbance::disarm();
        simulate_on_this_thread(BEGINNING + now);
        if let Some(running) = &self.running {
            running.runtime.block_on(running.agent.end());
        }
        self.kill();
    }

    /// Lets time pass for the agent; it does all that is due.
    pub(crate) fn pass(&mut self, time: Duration, now: Duration) {
        simulate_on_this_thread(BEGINNING + now + time);
        if let Some(running) = &self.running {
            running.runtime.block_on(async { disturbance::unless_killed(tokio::time::sleep(time)).await });
        }
        self.collect_events();
        self.notice_kill();
    }

    /// Lets the agent take so many steps of tasks, in no time.
    pub(crate) fn poll(&mut self, polls: u32, now: Duration) {
        simulate_on_this_thread(BEGINNING + now);
        if let Some(running) = &self.running {
            running.runtime.block_on(Polls(polls));
        }
        self.notice_kill();
    }

    /// Lets so much time pass, a step of a task at a time, until the agent writes a file. Says whether it did.
    pub(crate) fn pass_until_written(&mut self, file: usize, time: Duration, now: Duration) -> bool {
        simulate_on_this_thread(BEGINNING + now + time);
        let path = self.path(file);
        let state =
            || fs::metadata(&path).map(|file| (file.ino(), file.len(), file.mtime(), file.mtime_nsec())).ok();
        let before = state();
        let Some(running) = &self.running else { return false };
        running.runtime.block_on(async { tokio::time::advance(time).await });
        for _ in 0..POLLS_UNTIL_IDLE {
            if state() != before {
                return true;
            }
            running.runtime.block_on(Polls(1));
            if disturbance::is_killed() {
                break;
            }
        }
        self.notice_kill();
        false
    }

    /// Gives the agent a connection; dropped if it does not run.
    pub(crate) fn serve(&self, transport: Transport) {
        if let Some(running) = &self.running {
            let _inside = running.runtime.enter();
            running.agent.serve(transport);
        }
    }

    /// Tells the agent that something changed: in one folder or anywhere.
    pub(crate) fn tell(&self, folder: Option<&str>) {
        let Some(running) = &self.running else { return };
        let change = folder.and_then(|folder| WorkspacePath::parse(folder).ok());
        // What does not fit is lost, as a system loses it; the agent is told of everything from time to time.
        let _ = running.changes.try_send(vec![change.map_or(DiskChange::Everything, DiskChange::Folder)]);
    }

    fn collect_events(&mut self) {
        if let Some(running) = &mut self.running {
            while let Ok(event) = running.events.try_recv() {
                self.events.push(event);
            }
        }
    }

    /// Leaves so many bytes of a record in one of the journals, as a kill in the middle of writing does.
    pub(crate) fn tear_journal(&self, bytes: usize) -> bool {
        let journals = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = journals(self.state.join("sessions"))
            .flat_map(|session| journals(session.path()))
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
            .collect();
        found.sort();
        let Some(journal) = found.last().filter(|_| bytes > 0) else { return false };
        let mut record = 5_000_u32.to_le_bytes().to_vec();
        record.extend([7; 60]);
        let mut file = fs::OpenOptions::new().append(true).open(journal).expect("the journal is there");
        file.write_all(&record[..bytes.min(record.len())]).expect("memory takes a few bytes");
        true
    }

    /// Puts a file in the place of the session's state. False if there is one already, or no session.
    pub(crate) fn lose_state(&mut self) -> bool {
        let sessions = fs::read_dir(self.state.join("sessions")).into_iter().flatten().flatten();
        let Some(session) = sessions.map(|entry| entry.path()).next().filter(|path| path.is_dir()) else {
            return false;
        };
        fs::rename(&session, self.away.join("state")).expect("the folder is there");
        fs::File::create(&session).expect("the place is free");
        self.lost_state = Some(session);
        true
    }

    /// Whether the session's state is away.
    pub(crate) const fn has_lost_state(&self) -> bool {
        self.lost_state.is_some()
    }

    /// Puts the session's state back. Says whether it was away.
    pub(crate) fn give_state_back(&mut self) -> bool {
        let Some(session) = self.lost_state.take() else { return false };
        fs::remove_file(&session).expect("nobody removes it");
        fs::rename(self.away.join("state"), session).expect("the place is free");
        true
    }

    /// Whether nothing of any session is kept.
    pub(crate) fn keeps_nothing(&self) -> bool {
        let sessions = fs::read_dir(self.state.join("sessions"));
        sessions.map_or(0, Iterator::count) == 0
    }

    // The disk.

    fn path(&self, file: usize) -> PathBuf {
        self.root.join(FILES[file])
    }

    /// What a file holds, if it is one now.
    pub(crate) fn read(&self, file: usize) -> Option<String> {
        fs::read_to_string(self.path(file)).ok()
    }

    /// The names in the shared folder itself, without what is hidden.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn write(&self, file: usize, bytes: &[u8], now: Duration) {
        let path = self.path(file);
        let mut file = fs::File::create(&path).expect("the folder takes files");
        file.write_all(bytes).expect("memory takes a text");
        touch(&file, now);
    }

    /// Changes a file as a program that keeps its inode does.
    pub(crate) fn overwrite(&self, file: usize, text: &str, now: Duration) {
        let path = self.path(file);
        let mut opened = fs::OpenOptions::new().write(true).open(path).expect("it was read a moment ago");
        opened.set_len(0).and_then(|()| opened.seek(SeekFrom::Start(0))).expect("memory can be emptied");
        opened.write_all(text.as_bytes()).expect("memory takes a text");
        touch(&opened, now);
    }

    /// Appends to a file as a program does that holds it open all the time.
    pub(crate) fn append_held(&mut self, file: usize, line: &str, now: Duration) {
        let path = self.path(file);
        let there = fs::metadata(&path).map(|file| file.ino()).ok();
        let held = self.held[file].take().filter(|held| held.metadata().map(|file| file.ino()).ok() == there);
        let mut held = held.unwrap_or_else(|| {
            fs::OpenOptions::new().append(true).open(path).expect("it was read a moment ago")
        });
        held.write_all(line.as_bytes()).expect("memory takes a line");
        touch(&held, now);
        self.held[file] = Some(held);
    }

    /// Changes a file as a program that renames a fresh one over it does.
    pub(crate) fn replace(&self, file: usize, text: &str, now: Duration) {
        let fresh = self.away.join("fresh");
        let mut opened = fs::File::create(&fresh).expect("the folder takes files");
        opened.write_all(text.as_bytes()).expect("memory takes a text");
        touch(&opened, now);
        fs::rename(fresh, self.path(file)).expect("it was read a moment ago");
    }

    /// Makes a file impossible to save. False if it is already, or not there.
    pub(crate) fn trouble(&mut self, file: usize, trouble: Trouble) -> bool {
        let path = self.path(file);
        let parent = path.parent().filter(|parent| *parent != self.root).map(Path::to_owned);
        if self.troubles[file].is_some() || !path.is_file() {
            return false;
        }
        match trouble {
            Trouble::ReadOnly => set_mode(&path, 0o444),
            Trouble::Folder => {
                fs::rename(&path, self.away.join(file.to_string())).expect("the file is there");
                fs::create_dir(&path).expect("the place is free");
            }
            Trouble::NoParent => {
                let Some(parent) = parent else { return false };
                fs::rename(parent, self.away.join(file.to_string())).expect("the folder is there");
            }
        }
        self.troubles[file] = Some(trouble);
        true
    }

    /// Ends a file's trouble.
    pub(crate) fn relieve(&mut self, file: usize) -> Option<Trouble> {
        let trouble = self.troubles[file].take()?;
        let (path, away) = (self.path(file), self.away.join(file.to_string()));
        match trouble {
            Trouble::ReadOnly => set_mode(&path, 0o644),
            Trouble::Folder => {
                fs::remove_dir(&path).expect("nobody puts anything into it");
                fs::rename(away, &path).expect("the place is free");
            }
            Trouble::NoParent => {
                let parent = path.parent().expect("only files in folders have this trouble");
                fs::rename(away, parent).expect("guests create no folders");
            }
        }
        Some(trouble)
    }
}

/// Sets when a file was changed, in simulated time.
fn touch(file: &fs::File, now: Duration) {
    file.set_modified(SystemTime::UNIX_EPOCH + BEGINNING + now).expect("the file is ours");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
}

/// Ready after it was looked at so many times; between any two looks one task takes a step.
struct Polls(u32);

impl Future for Polls {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.0.checked_sub(1).filter(|_| !disturbance::is_killed()) else {
            return Poll::Ready(());
        };
        self.0 = left;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
