//! The session: who is in the room, who waits, who may do what. It decides; others do.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, LinkId, ParticipantId, RequestId};
use parlor_shared::limits::{MAX_PARTICIPANTS, MAX_WAITING};
use parlor_shared::message::{
    InviteInfo, LeaveReason, Participant, PresenceToGuest, Resume, SessionInfo, SessionToGuest,
    SessionToHost, ToGuest, Welcome,
};
use parlor_shared::presence::{Presence, PresenceMap};
use parlor_shared::role::{Grants, Role};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::event::{AgentEvent, Events};
use super::outbox::encode;
use super::participant::{ConnectionId, ParticipantConnection, Returns};
use super::state::{Completeness, KeptParticipant, KeptPeople, People, PersonRecord};

mod names;
mod rights;

use rights::opens_by_grant;

/// Commands that may wait for the session; whoever sends more waits. Handling one takes microseconds.
const INBOX_CAPACITY: usize = 256;

/// Participants who left and may come back under their old id.
const REMEMBERED: usize = 1024;

/// How long who comes in may wait until that is kept.
const KEEP_PATIENCE: Duration = Duration::from_secs(1);

/// Shortest time between two names of one participant: everybody is told of each.
const RENAME_INTERVAL: Duration = Duration::from_secs(1);

/// Whether guests wait until the host admits them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Whoever has an invite is in.
    Never,
    /// Every new guest waits in the lobby; one who was admitted before does not.
    Always,
}

/// What a session is made with.
#[derive(Debug, Clone)]
pub(super) struct SessionOptions {
    /// What it is called.
    pub info: SessionInfo,
    /// Whether guests wait.
    pub approval: Approval,
    /// The links that the host's page shows.
    pub invites: Vec<InviteInfo>,
}

/// Somebody who proved to hold an invite.
#[derive(Debug, Clone)]
pub(super) struct Knock {
    /// As typed.
    pub name: String,
    /// What the invite grants.
    pub role: Role,
    /// Its static key: by this it is known again.
    pub key: [u8; 32],
    /// Who it says it was before.
    pub resume: Option<Resume>,
    /// The six words of its connection.
    pub words: String,
    /// What its link will be called, if it begins one.
    pub link: LinkId,
}

/// What became of a knock.
pub(super) enum Admission {
    /// A new connection, in the room or in the lobby.
    Entered(Arc<ParticipantConnection>, Returns),
    /// The transport is for this connection, whose guest has received frames up to this one.
    Resumed(Arc<ParticipantConnection>, u64),
}

enum SessionCommand {
    Knock(Knock, oneshot::Sender<Result<Admission, Fault>>),
    Away(ParticipantId, ConnectionId),
    Back(ParticipantId, ConnectionId),
    Gone(ParticipantId, ConnectionId, LeaveReason),
    Message(ParticipantId, SessionToHost),
    Presence(ParticipantId, Presence),
    End(oneshot::Sender<()>),
}

/// A way to reach the session. Sending waits while the session is busy and does nothing once it has ended.
#[derive(Debug, Clone)]
pub(super) struct SessionHandle(mpsc::Sender<SessionCommand>);

impl SessionHandle {
    /// Asks to be let in.
    ///
    /// # Errors
    /// If the session is full, over, or the key was banned.
    pub(super) async fn knock(&self, knock: Knock) -> Result<Admission, Fault> {
        let (reply, answer) = oneshot::channel();
        let ended = || Fault::new(FaultCode::SessionEnded);
        self.0.send(SessionCommand::Knock(knock, reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// A guest lost its transport some time ago and may come back.
    pub(super) async fn away(&self, participant: &ParticipantConnection) {
        self.send(SessionCommand::Away(participant.id, participant.connection)).await;
    }

    /// A guest is back on another transport, perhaps after having been called away.
    pub(super) async fn back(&self, participant: &ParticipantConnection) {
        self.send(SessionCommand::Back(participant.id, participant.connection)).await;
    }

    /// A connection is over.
    pub(super) async fn gone(&self, participant: &ParticipantConnection, reason: LeaveReason) {
        self.send(SessionCommand::Gone(participant.id, participant.connection, reason)).await;
    }

    /// An authorised message arrived.
    pub(super) async fn message(&self, from: ParticipantId, message: SessionToHost) {
        self.send(SessionCommand::Message(from, message)).await;
    }

    /// A participant is somewhere else now.
    pub(super) async fn presence(&self, from: ParticipantId, presence: Presence) {
        self.send(SessionCommand::Presence(from, presence)).await;
    }

    /// Ends the session: everybody is told. Returns when the connections have been asked to end.
    pub(super) async fn end(&self) {
        let (reply, done) = oneshot::channel();
        self.send(SessionCommand::End(reply)).await;
        // An error means that it had ended before.
        let _ = done.await;
    }

    async fn send(&self, command: SessionCommand) {
        // The session ends before its participants' connections; what they still say is void then.
        let _ = self.0.send(command).await;
    }
}

/// Somebody in the room.
struct Member {
    participant: Participant,
    key: [u8; 32],
    connection: Arc<ParticipantConnection>,
    renamed: Option<Instant>,
    /// What its invite granted.
    granted: Role,
    whereabouts: Whereabouts,
}

/// Whether the others see somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whereabouts {
    Here,
    /// Its transport broke and it is not back yet. It still gets everything; to the others it has left.
    Away,
}

impl Member {
    /// Whether this is a tab of the guest with this key. Its own page makes the host no guest.
    fn is_guest_with(&self, key: &[u8; 32]) -> bool {
        self.key == *key && self.participant.role != Role::Host
    }
}

/// Somebody in the lobby.
struct Waiting {
    member: Member,
    role: Role,
    words: String,
    /// Whether it was in the room before: if it does not wait long enough it may still come back as the same.
    been: Been,
}

/// Whether somebody in the lobby was in the room before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Been {
    Here,
    Never,
}

/// Somebody who is in and is not told yet.
struct Entering {
    kept: oneshot::Receiver<()>,
    at_latest: Instant,
    reply: oneshot::Sender<Result<Admission, Fault>>,
    admission: Admission,
}

/// Somebody who left and may come back as the same.
struct Remembered {
    participant: Participant,
    key: [u8; 32],
}

/// Sole owner of the session's state.
pub(super) struct SessionActor {
    options: SessionOptions,
    inbox: mpsc::Receiver<SessionCommand>,
    events: Events,
    /// Ends when the session does; every connection's token is its child.
    ended: CancellationToken,
    members: BTreeMap<ParticipantId, Member>,
    waiting: BTreeMap<ParticipantId, Waiting>,
    remembered: BTreeMap<ParticipantId, Remembered>,
    admitted: HashSet<[u8; 32]>,
    banned: HashSet<[u8; 32]>,
    /// What the host made of guests. It holds for the key, in every tab and with every link but the host's own.
    roles: HashMap<[u8; 32], Role>,
    /// What the host granted to guests beside their roles; for the key, as the roles.
    grants: HashMap<[u8; 32], Grants>,
    /// Those of whom everybody was told that they may open terminals, though their roles do not say so.
    told_granted: Vec<ParticipantId>,
    presences: PresenceMap,
    people: People,
    /// Answers to the host that wait until what it decided is kept; a ban that a crash could undo is none.
    unkept: VecDeque<(oneshot::Receiver<()>, Arc<ParticipantConnection>, RequestId)>,
    /// Admissions that wait until who came in is kept, but not for long: a disk that stalls keeps nobody out.
    entering: VecDeque<Entering>,
    last_participant: u32,
    last_connection: u64,
}

impl SessionActor {
    pub(super) fn new(
        options: SessionOptions,
        (people, before): (People, KeptPeople),
        events: Events,
        ended: CancellationToken,
    ) -> (Self, SessionHandle) {
        let (sender, inbox) = mpsc::channel(INBOX_CAPACITY);
        let last_participant = people.last();
        let mut actor = Self {
            options,
            inbox,
            events,
            ended,
            members: BTreeMap::new(),
            waiting: BTreeMap::new(),
            remembered: BTreeMap::new(),
            admitted: HashSet::new(),
            banned: HashSet::new(),
            roles: HashMap::new(),
            grants: HashMap::new(),
            told_granted: Vec::new(),
            presences: PresenceMap::default(),
            people,
            unkept: VecDeque::new(),
            entering: VecDeque::new(),
            last_participant,
            last_connection: 0,
        };
        if before.completeness == Completeness::Lacking {
            // Nobody knows any more whom the host had removed: it sees everybody who comes.
            actor.options.approval = Approval::Always;
        }
        before.records.into_iter().for_each(|record| actor.remember(record));
        (actor, SessionHandle(sender))
    }

    /// Takes in what was kept before a restart. Who somebody was, so that nothing that was typed is lost, and what the host
    /// took from somebody. Not whom it let in, and not who may open terminals: that it decides anew.
    fn remember(&mut self, record: PersonRecord) {
        match record {
            PersonRecord::Is(KeptParticipant { id, name, role, color, author, key }) => {
                let participant = Participant { id, name, role, color, author };
                self.remembered.insert(id, Remembered { participant, key });
            }
            PersonRecord::Banned(key) => {
                self.banned.insert(key);
            }
            PersonRecord::Role(key, role) => self.take_role(key, role),
            // The numbers: see `People::last`.
            PersonRecord::Grant(..) | PersonRecord::Lacks(_) | PersonRecord::Reserved(_) => {}
        }
    }

    fn keep(&mut self, participant: &Participant, key: [u8; 32]) {
        let Participant { id, name, role, color, author } = participant.clone();
        self.people.keep(&PersonRecord::Is(KeptParticipant { id, name, role, color, author, key }));
    }

    pub(super) async fn run(mut self) {
        loop {
            let (unkept, entering) = (self.unkept.front_mut(), self.entering.front_mut());
            let (has_unkept, has_entering) = (unkept.is_some(), entering.is_some());
            // Every arm is cancel-safe: a token, waits for one message or a time, `recv`.
            tokio::select! {
                biased;
                () = self.ended.cancelled() => break,
                () = kept(unkept.map(|(kept, ..)| kept)), if has_unkept => {
                    if let Some((_, sender, request)) = self.unkept.pop_front() {
                        answer(&sender, request, Ok(()));
                    }
                }
                () = kept_or_late(entering), if has_entering => {
                    if let Some(Entering { reply, admission, .. }) = self.entering.pop_front() {
                        self.tell_admitted(reply, admission);
                    }
                }
                command = self.inbox.recv() => match command {
                    Some(command) => self.handle(command, Instant::now()),
                    None => break,
                },
            }
        }
    }

    fn handle(&mut self, command: SessionCommand, now: Instant) {
        match command {
            SessionCommand::Knock(knock, reply) => {
                let answer = self.knock(knock);
                match (answer, self.people.kept()) {
                    (Ok(admission @ Admission::Entered(..)), Some(kept)) => {
                        let at_latest = now + KEEP_PATIENCE;
                        self.entering.push_back(Entering { kept, at_latest, reply, admission });
                    }
                    (Ok(admission), _) => self.tell_admitted(reply, admission),
                    // Whoever hung up meanwhile needs no answer.
                    (Err(fault), _) => drop(reply.send(Err(fault))),
                }
            }
            SessionCommand::Away(participant, connection) => self.away(participant, connection),
            SessionCommand::Back(participant, connection) => self.back(participant, connection),
            SessionCommand::Gone(participant, connection, reason) => {
                self.gone(participant, connection, reason)
            }
            SessionCommand::Message(from, message) => self.message(from, message, now),
            SessionCommand::Presence(from, presence) => self.presence(from, presence),
            SessionCommand::End(reply) => {
                self.end();
                // Nobody listens if the agent is being dropped.
                let _ = reply.send(());
            }
        }
    }

    fn tell_admitted(&mut self, reply: oneshot::Sender<Result<Admission, Fault>>, admission: Admission) {
        // Whoever hung up meanwhile is reported gone by its connection, which never got the answer.
        if let Err(Ok(Admission::Entered(connection, _))) = reply.send(Ok(admission)) {
            self.gone(connection.id, connection.connection, LeaveReason::Lost);
        }
    }

    /// Answers the host once what it decided is kept.
    fn answer_kept(
        &mut self,
        sender: &Arc<ParticipantConnection>,
        request: RequestId,
        result: Result<(), Fault>,
    ) {
        match (result, self.people.kept()) {
            (Ok(()), Some(kept)) => self.unkept.push_back((kept, Arc::clone(sender), request)),
            (result, _) => answer(sender, request, result),
        }
    }

    fn knock(&mut self, knock: Knock) -> Result<Admission, Fault> {
        if self.banned.contains(&knock.key) && knock.role != Role::Host {
            return Err(FaultCode::Removed.into());
        }
        if let Some(resumed) = self.resumed(&knock) {
            return Ok(resumed);
        }
        let must_wait = self.options.approval == Approval::Always
            && knock.role != Role::Host
            && !self.admitted.contains(&knock.key);
        // Before anybody is taken from those who may come back.
        if must_wait && self.waiting.len() >= MAX_WAITING {
            return Err(FaultCode::TooManyConnections.into());
        }
        let returning = self.returning(&knock);
        let been = returning.as_ref().map_or(Been::Never, |(_, been)| *been);
        let is_new = returning.is_none();
        if is_new && self.present().count() >= MAX_PARTICIPANTS {
            return Err(Fault::new(FaultCode::SessionFull).with(MAX_PARTICIPANTS));
        }
        let returning = returning.map(|(participant, _)| participant);
        let mut participant = returning.unwrap_or_else(|| self.new_participant());
        self.last_connection += 1;
        let (connection, returns) = ParticipantConnection::new(
            (participant.id, participant.author),
            ConnectionId(self.last_connection),
            knock.key,
            knock.link,
            self.ended.child_token(),
        );
        let connection = Arc::new(connection);
        participant.name = self.distinct_name(participant.id, &names::clean(&knock.name));
        participant.role = match knock.role {
            Role::Host => Role::Host,
            granted => self.roles.get(&knock.key).copied().unwrap_or(granted),
        };
        let role = participant.role;
        let member = Member {
            participant,
            key: knock.key,
            connection: Arc::clone(&connection),
            renamed: None,
            granted: knock.role,
            whereabouts: Whereabouts::Here,
        };
        if must_wait {
            self.wait(Waiting { member, role, words: knock.words, been });
        } else {
            self.enter(member);
        }
        Ok(Admission::Entered(connection, returns))
    }

    /// The connection of a guest that came back while its link still lives: nothing has happened, as far as it can see.
    fn resumed(&self, knock: &Knock) -> Option<Admission> {
        let Resume { participant, link } = knock.resume?;
        let link = link?;
        let member = self.members.get(&participant)?;
        let connection = &member.connection;
        let same = member.key == knock.key && member.granted == knock.role && connection.link == link.link;
        let lives = same && !connection.stopped.is_cancelled();
        lives.then(|| Admission::Resumed(Arc::clone(connection), link.received))
    }

    /// The participant that a returning key was before: whatever the host decided about it since still holds.
    fn returning(&mut self, knock: &Knock) -> Option<(Participant, Been)> {
        let id = knock.resume?.participant;
        let waits = |waiting: &mut Waiting| waiting.member.key == knock.key;
        if let Some((_, waiting)) = self.waiting.extract_if(id..=id, |_, waiting| waits(waiting)).next() {
            let Waiting { member, been, .. } = waiting;
            member.connection.stop(None);
            self.tell_hosts(&SessionToGuest::KnockOver { participant: id });
            return Some((member.participant, been));
        }
        if self.members.get(&id).is_some_and(|member| member.key == knock.key) {
            let old = self.members.remove(&id)?;
            old.connection.stop(None);
            return Some((old.participant, Been::Here));
        }
        if self.remembered.get(&id).is_some_and(|remembered| remembered.key == knock.key) {
            return self.remembered.remove(&id).map(|remembered| (remembered.participant, Been::Here));
        }
        None
    }

    /// Somebody who is not called anything and may do nothing yet.
    fn new_participant(&mut self) -> Participant {
        self.last_participant += 1;
        self.people.given(self.last_participant);
        let id = ParticipantId(self.last_participant);
        let used =
            |color: u8| self.members.values().filter(|member| member.participant.color == color).count();
        Participant {
            id,
            name: String::new(),
            role: Role::Viewer,
            color: (0..8).min_by_key(|color| used(*color)).expect("there are eight colours"),
            author: AuthorId(AuthorId::FIRST_PARTICIPANT.0 + u64::from(self.last_participant)),
        }
    }

    fn wait(&mut self, waiting: Waiting) {
        let participant = &waiting.member.participant;
        self.events
            .send(AgentEvent::GuestWaiting { participant: participant.id, name: participant.name.clone() });
        waiting.member.connection.outbox.session(SessionToGuest::Waiting);
        self.tell_hosts(&knock_message(&waiting));
        self.waiting.insert(participant.id, waiting);
    }

    fn enter(&mut self, member: Member) {
        let participant = member.participant.clone();
        self.admitted.insert(member.key);
        self.keep(&participant, member.key);
        let rights = self.rights(participant.role, &member.key);
        member.connection.admit(rights);
        self.tell_granted(Some(participant.id).filter(|_| opens_by_grant(rights)));
        self.tell_all(&SessionToGuest::Joined(participant.clone()));
        let outbox = &member.connection.outbox;
        let mut participants: Vec<Participant> =
            self.present().map(|member| member.participant.clone()).collect();
        participants.push(participant.clone());
        // Also that nobody may: whoever comes back after a restart remembers what was granted before.
        outbox.session(self.granted());
        outbox.session(SessionToGuest::Welcome(Box::new(Welcome {
            me: participant.clone(),
            session: self.options.info.clone(),
            participants,
        })));
        for (id, presence) in self.presences.iter() {
            outbox.presence(id, presence.clone());
        }
        if participant.role == Role::Host {
            outbox.session(SessionToGuest::Invites(self.options.invites.clone()));
            for waiting in self.waiting.values() {
                outbox.session(knock_message(waiting));
            }
        }
        info!(participant = %participant.id, role = %participant.role, "joined");
        self.events.send(AgentEvent::GuestJoined {
            participant: participant.id,
            name: participant.name.clone(),
            role: participant.role,
        });
        self.members.insert(participant.id, member);
    }

    /// Those whom the others see.
    fn present(&self) -> impl Iterator<Item = &Member> {
        self.members.values().filter(|member| member.whereabouts == Whereabouts::Here)
    }

    fn move_member(
        &mut self,
        id: ParticipantId,
        connection: ConnectionId,
        to: Whereabouts,
    ) -> Option<Participant> {
        let member = self.members.get_mut(&id).filter(|member| member.connection.connection == connection)?;
        let moved = std::mem::replace(&mut member.whereabouts, to) != to;
        moved.then(|| member.participant.clone())
    }

    fn away(&mut self, id: ParticipantId, connection: ConnectionId) {
        let Some(participant) = self.move_member(id, connection, Whereabouts::Away) else { return };
        self.presences.remove(id);
        info!(participant = %id, "away");
        self.tell_others(id, &SessionToGuest::Left { participant: id, reason: LeaveReason::Lost });
        self.events.send(AgentEvent::GuestLeft { participant: id, name: participant.name });
        let away = self.members.values().filter(|member| member.whereabouts == Whereabouts::Away);
        let away: Vec<_> = away.map(|member| &member.connection).collect();
        if away.len() > MAX_PARTICIPANTS {
            // Not who just went: those who came first are the likeliest to stay away.
            away[0].stop(None);
        }
    }

    fn back(&mut self, id: ParticipantId, connection: ConnectionId) {
        let Some(participant) = self.move_member(id, connection, Whereabouts::Here) else { return };
        info!(participant = %id, "back");
        self.tell_others(id, &SessionToGuest::Joined(participant.clone()));
        let Participant { name, role, .. } = participant;
        self.events.send(AgentEvent::GuestJoined { participant: id, name, role });
    }

    fn gone(&mut self, id: ParticipantId, connection: ConnectionId, reason: LeaveReason) {
        let is_this = |waiting: &mut Waiting| waiting.member.connection.connection == connection;
        if let Some(waiting) = self.waiting.extract_if(id..=id, |_, waiting| is_this(waiting)).next() {
            self.tell_hosts(&SessionToGuest::KnockOver { participant: id });
            let (_, Waiting { member, been, .. }) = waiting;
            if been == Been::Here {
                self.remember_left(member);
            }
            return;
        }
        if self.members.get(&id).is_none_or(|member| member.connection.connection != connection) {
            return;
        }
        let Some(member) = self.members.remove(&id) else { return };
        self.presences.remove(id);
        if member.whereabouts == Whereabouts::Here {
            info!(participant = %id, ?reason, "left");
            self.tell_all(&SessionToGuest::Left { participant: id, reason });
            self.events
                .send(AgentEvent::GuestLeft { participant: id, name: member.participant.name.clone() });
        }
        self.remember_left(member);
        self.tell_granted(None);
    }

    /// Somebody left who may come back as the same.
    fn remember_left(&mut self, member: Member) {
        if self.remembered.len() >= REMEMBERED {
            self.remembered.pop_first();
        }
        let Member { participant, key, .. } = member;
        self.remembered.insert(participant.id, Remembered { participant, key });
    }

    fn message(&mut self, from: ParticipantId, message: SessionToHost, now: Instant) {
        let Some(sender) = self.members.get(&from).map(|member| Arc::clone(&member.connection)) else {
            return;
        };
        match message {
            SessionToHost::Leave => sender.stop(None),
            SessionToHost::SetName { name } => {
                if let Err(fault) = self.rename(from, &name, now) {
                    sender.outbox.fault(None, fault);
                }
            }
            SessionToHost::SetRole { request, participant, role } => {
                let result = self.set_role(participant, role);
                self.answer_kept(&sender, request, result);
            }
            SessionToHost::Remove { request, participant } => {
                let result = self.remove(participant);
                self.answer_kept(&sender, request, result);
            }
            SessionToHost::Admit { request, participant } => {
                let result = self.decide(participant, Decision::Admit);
                self.answer_kept(&sender, request, result);
            }
            SessionToHost::Deny { request, participant } => {
                let result = self.decide(participant, Decision::Deny);
                answer(&sender, request, result);
            }
            SessionToHost::SetGrant { request, participant, capability, grant } => {
                let result = self.set_grant(participant, capability, grant);
                self.answer_kept(&sender, request, result);
            }
            SessionToHost::End => {
                info!("ended by the host");
                self.events.send(AgentEvent::EndRequested);
            }
        }
    }

    /// A name that nobody else in the room has.
    fn distinct_name(&self, id: ParticipantId, name: &str) -> String {
        let others = self.members.values().filter(|member| member.participant.id != id);
        names::distinct(name, others.map(|member| member.participant.name.as_str()))
    }

    fn rename(&mut self, id: ParticipantId, name: &str, now: Instant) -> Result<(), Fault> {
        let name = self.distinct_name(id, &names::clean(name));
        let Some(member) = self.members.get_mut(&id) else { return Ok(()) };
        if member.participant.name == name {
            return Ok(());
        }
        if member.renamed.is_some_and(|renamed| now < renamed + RENAME_INTERVAL) {
            return Err(FaultCode::Busy.into());
        }
        member.renamed = Some(now);
        member.participant.name = name;
        let (participant, key) = (member.participant.clone(), member.key);
        self.keep(&participant, key);
        self.tell_all(&SessionToGuest::Changed(participant));
        Ok(())
    }

    fn remove(&mut self, id: ParticipantId) -> Result<(), Fault> {
        let member = self.members.get(&id).ok_or(FaultCode::UnknownParticipant)?;
        if member.participant.role == Role::Host {
            return Err(Fault::new(FaultCode::NotAllowed).with("Administer"));
        }
        let key = member.key;
        self.banned.insert(key);
        self.admitted.remove(&key);
        self.people.keep(&PersonRecord::Banned(key));
        // Every tab of that person goes.
        let connections: Vec<_> = self
            .members
            .values()
            .filter(|member| member.is_guest_with(&key))
            .map(|member| Arc::clone(&member.connection))
            .collect();
        for connection in connections {
            connection.outbox.session(SessionToGuest::Removed);
            connection.stop(Some(FaultCode::Removed.into()));
            self.gone(connection.id, connection.connection, LeaveReason::Removed);
        }
        Ok(())
    }

    fn decide(&mut self, id: ParticipantId, decision: Decision) -> Result<(), Fault> {
        let key = self.waiting.get(&id).ok_or(FaultCode::UnknownParticipant)?.member.key;
        // Every tab of that person: who is let in is a key.
        let decided: Vec<_> = self.waiting.extract_if(.., |_, waiting| waiting.member.key == key).collect();
        for (participant, Waiting { mut member, been, .. }) in decided {
            self.tell_hosts(&SessionToGuest::KnockOver { participant });
            match decision {
                Decision::Admit => {
                    // Others may have come in under this name meanwhile.
                    member.participant.name = self.distinct_name(participant, &member.participant.name);
                    self.enter(member);
                }
                Decision::Deny => {
                    member.connection.stop(Some(FaultCode::Denied.into()));
                    if been == Been::Here {
                        self.remember_left(member);
                    }
                }
            }
        }
        Ok(())
    }

    fn presence(&mut self, from: ParticipantId, presence: Presence) {
        if !self.members.contains_key(&from) || !self.presences.set(from, presence.clone()) {
            return;
        }
        let message = encode(&ToGuest::Presence(PresenceToGuest::At { participant: from, presence }));
        for member in self.members.values().filter(|member| member.participant.id != from) {
            member.connection.outbox.presence_bytes(from, message.clone());
        }
    }

    fn end(&mut self) {
        self.tell_all(&SessionToGuest::Ended);
        let connections = self.members.values().map(|member| &member.connection);
        let waiting = self.waiting.values().map(|waiting| &waiting.member.connection);
        for connection in connections.chain(waiting) {
            connection.stop(Some(FaultCode::SessionEnded.into()));
        }
        // Nobody is let in any more; those who are here report that they are gone to nobody.
        self.inbox.close();
    }

    fn tell_all(&self, message: &SessionToGuest) {
        let bytes = encode(&ToGuest::Session(message.clone()));
        for member in self.members.values() {
            member.connection.outbox.control(bytes.clone());
        }
    }

    fn tell_others(&self, than: ParticipantId, message: &SessionToGuest) {
        let bytes = encode(&ToGuest::Session(message.clone()));
        for member in self.members.values().filter(|member| member.participant.id != than) {
            member.connection.outbox.control(bytes.clone());
        }
    }

    fn tell_hosts(&self, message: &SessionToGuest) {
        for member in self.members.values().filter(|member| member.participant.role == Role::Host) {
            member.connection.outbox.session(message.clone());
        }
    }
}

/// Waits until something is kept. An error means that it never will be, which was said.
async fn kept(kept: Option<&mut oneshot::Receiver<()>>) {
    if let Some(kept) = kept {
        let _ = kept.await;
    }
}

async fn kept_or_late(entering: Option<&mut Entering>) {
    if let Some(Entering { kept, at_latest, .. }) = entering {
        // Late is as good.
        let _ = tokio::time::timeout_at(*at_latest, kept).await;
    }
}

#[derive(Clone, Copy)]
enum Decision {
    Admit,
    Deny,
}

fn knock_message(waiting: &Waiting) -> SessionToGuest {
    SessionToGuest::Knock {
        participant: waiting.member.participant.id,
        name: waiting.member.participant.name.clone(),
        role: waiting.role,
        words: waiting.words.clone(),
    }
}

fn answer(sender: &ParticipantConnection, request: RequestId, result: Result<(), Fault>) {
    match result {
        Ok(()) => sender.outbox.session(SessionToGuest::Done { request }),
        Err(fault) => sender.outbox.fault(Some(request), fault),
    }
}
