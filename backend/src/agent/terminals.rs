//! The registry of shared terminals: one owner opens, finds and ends them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{ParticipantId, RequestId, TerminalId};
use parlor_shared::lane::PresenceKey;
use parlor_shared::limits::MAX_TERMINALS;
use parlor_shared::message::{TerminalToGuest, TerminalToHost, ToGuest};
use parlor_shared::role::Role;
use parlor_shared::terminal::{Access, TerminalSize, check_command, name_of};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::event::Events;
use super::outbox::encode;
use super::participant::{ConnectionId, ParticipantConnection};
use super::state::TerminalIds;
use super::terminal::{
    Audience, Decision, Ending, Program, TerminalActor, TerminalCommand, TerminalHandle, end_all, shell,
};

/// Commands that may wait; a connection that sends more waits.
const INBOX_CAPACITY: usize = 64;

/// A terminal to be shared.
#[derive(Debug, Clone)]
pub struct NewTerminal {
    /// What to call it; without one it is called after its command.
    pub name: Option<String>,
    /// A command line for the shell; without one the shell itself.
    pub command: Option<String>,
    /// How large it is at first.
    pub size: TerminalSize,
    /// Who may type.
    pub access: Access,
}

enum RegistryCommand {
    Subscribe(Arc<ParticipantConnection>),
    Open(NewTerminal, Option<Arc<ParticipantConnection>>, oneshot::Sender<Result<TerminalId, Fault>>),
    Unshare(TerminalId, oneshot::Sender<Result<(), Fault>>),
    Gone(ParticipantId, ConnectionId),
    Finish(oneshot::Sender<()>),
}

/// Finds the terminals. Written by the registry, read by connections.
type Table = Arc<RwLock<BTreeMap<TerminalId, TerminalHandle>>>;

/// A way to reach terminals.
#[derive(Debug, Clone)]
pub(super) struct TerminalsHandle {
    registry: mpsc::Sender<RegistryCommand>,
    table: Table,
    /// The first id of this program.
    first: TerminalId,
    tasks: TaskTracker,
}

impl TerminalsHandle {
    /// Shares another terminal.
    ///
    /// # Errors
    /// If there are too many, or its command can not be one.
    pub(super) async fn open(&self, new: NewTerminal) -> Result<TerminalId, Fault> {
        self.open_for(new, None).await
    }

    /// Shares one that somebody opens by the host's leave: shared as the host shares by default, and its opener may type.
    async fn open_for(
        &self,
        new: NewTerminal,
        opener: Option<Arc<ParticipantConnection>>,
    ) -> Result<TerminalId, Fault> {
        self.ask(|reply| RegistryCommand::Open(new, opener, reply)).await
    }

    /// Carries out what a participant said, who may say it as far as its role goes. Answers go to its outbox.
    pub(super) async fn receive(&self, from: &Arc<ParticipantConnection>, message: TerminalToHost) {
        let who = Arc::clone(from);
        let decide = |request, terminal, decision| {
            (terminal, Some(request), TerminalCommand::Decide(Arc::clone(from), request, decision))
        };
        let (terminal, request, command) = match message {
            TerminalToHost::Subscribe => {
                // Said here, so that it comes before what is said of a terminal that was watched before.
                from.outbox.terminal(TerminalToGuest::Since { first: self.first });
                // The registry ends after every connection.
                let _ = self.registry.send(RegistryCommand::Subscribe(who)).await;
                return;
            }
            TerminalToHost::Open { request, name, command, size, access } => {
                let this = self.clone();
                let opener = (from.role() != Some(Role::Host)).then_some(who);
                self.answer(from, request, async move {
                    let terminal = this.open_for(NewTerminal { name, command, size, access }, opener).await?;
                    Ok(TerminalToGuest::Opened { request, terminal })
                });
                return;
            }
            TerminalToHost::Unshare { request, terminal } => {
                let this = self.clone();
                self.answer(from, request, async move {
                    this.ask(|reply| RegistryCommand::Unshare(terminal, reply)).await?;
                    Ok(TerminalToGuest::Done { request })
                });
                return;
            }
            TerminalToHost::Restart { request, terminal } => decide(request, terminal, Decision::Restart),
            TerminalToHost::SetAccess { request, terminal, access } => {
                decide(request, terminal, Decision::Access(access))
            }
            TerminalToHost::SetTyping { request, terminal, participant, typing } => {
                decide(request, terminal, Decision::Typing(participant, typing))
            }
            TerminalToHost::SetSizePolicy { request, terminal, policy } => {
                decide(request, terminal, Decision::SizePolicy(policy))
            }
            TerminalToHost::AskToType { terminal } => (terminal, None, TerminalCommand::AskToType(from.id)),
            TerminalToHost::Watch { terminal, history } => {
                (terminal, None, TerminalCommand::Watch(who, history))
            }
            TerminalToHost::Unwatch { terminal } => (terminal, None, TerminalCommand::Unwatch(from.id)),
            TerminalToHost::Input { terminal, bytes } => (terminal, None, TerminalCommand::Input(who, bytes)),
            TerminalToHost::Resize { terminal, size } => (terminal, None, TerminalCommand::Resize(who, size)),
        };
        if self.send(terminal, command).await {
            return;
        }
        match request {
            Some(request) => from.outbox.fault(Some(request), FaultCode::UnknownTerminal.into()),
            None => from.outbox.latest(PresenceKey::Terminal(terminal), over(terminal)),
        }
    }

    /// A participant that was behind has caught up with a terminal.
    pub(super) async fn caught_up(&self, who: &Arc<ParticipantConnection>, terminal: TerminalId) {
        self.send(terminal, TerminalCommand::CaughtUp(Arc::clone(who))).await;
    }

    /// A connection is over.
    pub(super) async fn gone(&self, who: ParticipantId, connection: ConnectionId) {
        let _ = self.registry.send(RegistryCommand::Gone(who, connection)).await;
    }

    /// Ends all terminals and what runs in them.
    pub(super) async fn finish(&self) {
        // An error means that the registry is gone, and with it every terminal.
        let _ = self.ask_plain(RegistryCommand::Finish).await;
    }

    async fn send(&self, terminal: TerminalId, command: TerminalCommand) -> bool {
        let handle = self.table.read().get(&terminal).cloned();
        match handle {
            Some(handle) => handle.send(command).await,
            None => false,
        }
    }

    /// Carries something out to its end, whatever becomes of the connection, and answers.
    fn answer(
        &self,
        who: &Arc<ParticipantConnection>,
        request: RequestId,
        work: impl Future<Output = Result<TerminalToGuest, Fault>> + Send + 'static,
    ) {
        let who = Arc::clone(who);
        self.tasks.spawn(async move {
            match work.await {
                Ok(answer) => who.outbox.terminal(answer),
                Err(fault) => who.outbox.fault(Some(request), fault),
            }
        });
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Fault>>) -> RegistryCommand,
    ) -> Result<T, Fault> {
        self.ask_plain(command).await.unwrap_or_else(|| Err(FaultCode::SessionEnded.into()))
    }

    async fn ask_plain<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> RegistryCommand) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.registry.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Sole owner of the table of terminals.
pub(super) struct TerminalsActor {
    folder: PathBuf,
    shell: PathBuf,
    /// Who may type in terminals that others than the host open, besides who opened one.
    usual_access: Access,
    inbox: mpsc::Receiver<RegistryCommand>,
    table: Table,
    audience: Audience,
    events: Events,
    tasks: TaskTracker,
    ids: TerminalIds,
}

impl TerminalsActor {
    /// A registry whose terminals start in this folder, with this shell or the person's own, and are shared like this
    /// unless the host says otherwise.
    pub(super) fn new(
        folder: PathBuf,
        wanted_shell: Option<PathBuf>,
        usual_access: Access,
        (tasks, events): (TaskTracker, Events),
        ids: TerminalIds,
    ) -> (Self, TerminalsHandle) {
        let (registry, inbox) = mpsc::channel(INBOX_CAPACITY);
        let table = Table::default();
        let first = ids.following();
        let actor = Self {
            folder,
            shell: shell(wanted_shell.as_deref()),
            usual_access,
            inbox,
            table: Arc::clone(&table),
            audience: Audience::default(),
            events,
            tasks: tasks.clone(),
            ids,
        };
        (actor, TerminalsHandle { registry, table, first, tasks })
    }

    pub(super) async fn run(mut self) {
        while let Some(command) = self.inbox.recv().await {
            match command {
                RegistryCommand::Subscribe(who) => self.subscribe(who).await,
                RegistryCommand::Open(new, opener, reply) => {
                    // Whoever asked may be gone; the terminal is there all the same.
                    let _ = reply.send(self.open(new, opener.as_deref()));
                }
                RegistryCommand::Unshare(terminal, reply) => {
                    let _ = reply.send(self.unshare(terminal));
                }
                RegistryCommand::Gone(who, connection) => {
                    self.forget(who, connection);
                    let terminals: Vec<TerminalHandle> = self.table.read().values().cloned().collect();
                    for terminal in terminals {
                        terminal.send(TerminalCommand::Gone(who, connection)).await;
                    }
                }
                RegistryCommand::Finish(reply) => {
                    self.finish().await;
                    let _ = reply.send(());
                    return;
                }
            }
        }
    }

    fn forget(&self, who: ParticipantId, connection: ConnectionId) {
        let mut audience = self.audience.lock();
        if audience.get(&who).is_some_and(|known| known.connection == connection) {
            audience.remove(&who);
        }
    }

    async fn subscribe(&mut self, who: Arc<ParticipantConnection>) {
        if who.stopped.is_cancelled() {
            return;
        }
        // Into the audience first: what changes in between is told twice rather than not at all.
        self.audience.lock().insert(who.id, Arc::clone(&who));
        let terminals: Vec<(TerminalId, TerminalHandle)> =
            self.table.read().iter().map(|(terminal, handle)| (*terminal, handle.clone())).collect();
        let there = terminals.iter().map(|(terminal, _)| *terminal).collect();
        who.outbox.terminal(TerminalToGuest::There { terminals: there });
        for (_, handle) in terminals {
            handle.send(TerminalCommand::Introduce(Arc::clone(&who))).await;
        }
    }

    fn open(
        &mut self,
        new: NewTerminal,
        opener: Option<&ParticipantConnection>,
    ) -> Result<TerminalId, Fault> {
        let NewTerminal { name, command, size, access } = new;
        let access = if opener.is_some() { self.usual_access } else { access };
        if self.table.read().len() >= MAX_TERMINALS {
            return Err(Fault::new(FaultCode::TooManyOpen).with(MAX_TERMINALS));
        }
        if let Some(command) = &command {
            check_command(command)?;
        }
        let terminal = self.ids.next();
        let shell_name = self.shell.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = name_of(name.as_deref(), command.as_deref(), shell_name);
        let program = Program { shell: self.shell.clone(), command, folder: self.folder.clone() };
        let audience = Arc::clone(&self.audience);
        let (mut actor, handle) =
            TerminalActor::new((terminal, name, access), program, size, audience, self.events.clone());
        if let Some(opener) = opener {
            actor.opened_by(opener);
        }
        self.tasks.spawn(actor.run());
        self.table.write().insert(terminal, handle);
        debug!(%terminal, "a terminal is shared");
        Ok(terminal)
    }

    fn unshare(&mut self, terminal: TerminalId) -> Result<(), Fault> {
        let handle = self.table.write().remove(&terminal).ok_or(FaultCode::UnknownTerminal)?;
        for who in self.audience.lock().values() {
            who.outbox.latest(PresenceKey::Terminal(terminal), over(terminal));
        }
        let events = self.events.clone();
        self.tasks
            .spawn(async move { end_all(program_of(&handle).await.into_iter().collect(), &events).await });
        Ok(())
    }

    async fn finish(&mut self) {
        let terminals = std::mem::take(&mut *self.table.write());
        let mut programs = Vec::new();
        for (_, handle) in terminals {
            programs.extend(program_of(&handle).await);
        }
        end_all(programs, &self.events).await;
    }
}

/// Ends a terminal's task; gives the program that is left to be ended.
async fn program_of(terminal: &TerminalHandle) -> Option<Ending> {
    let (reply, program) = oneshot::channel();
    if terminal.send(TerminalCommand::End(reply)).await { program.await.ok().flatten() } else { None }
}

fn over(terminal: TerminalId) -> bytes::Bytes {
    encode(&ToGuest::Terminal(TerminalToGuest::Over { terminal }))
}
