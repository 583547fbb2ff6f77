//! One message of each kind, with every field at work: the corpus of the wire tests.

use parlor_shared::document::StickyPosition;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::id::{AuthorId, DocumentId, ParticipantId, RequestId, TerminalId};
use parlor_shared::message::{
    Activity, DocumentInfo, DocumentStatus, DocumentToGuest, DocumentToHost, Encoding, EndOfLine, Entry,
    EntryKind, History, InviteInfo, KnownDocument, LeaveReason, NewEntry, Packed, Participant,
    PresenceToGuest, PresenceToHost, Reading, RemovedBy, SessionInfo, SessionToGuest, SessionToHost,
    TerminalInfo, TerminalState, TerminalToGuest, TerminalToHost, ToGuest, ToHost, Typing, Welcome,
    WorkspaceToGuest, WorkspaceToHost,
};
use parlor_shared::path::WorkspacePath;
use parlor_shared::presence::{Place, Presence, Selection};
use parlor_shared::role::{Capability, Grant, Role};
use parlor_shared::terminal::{Access, SizePolicy, TerminalSize};

const REQUEST: RequestId = RequestId(300);
const PARTICIPANT: ParticipantId = ParticipantId(2);
const DOCUMENT: DocumentId = DocumentId(5);
const TERMINAL: TerminalId = TerminalId(7);
const SIZE: TerminalSize = TerminalSize { columns: 132, rows: 43 };

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn fault() -> Fault {
    Fault::new(FaultCode::FileTooLarge).with("a.bin").with(17).with(16)
}

fn participant() -> Participant {
    Participant { id: PARTICIPANT, name: "Ann".into(), role: Role::Editor, color: 3, author: AuthorId(16) }
}

/// A place with two selections and a viewport.
pub(crate) fn presence() -> Presence {
    let sticky = |byte: u8| StickyPosition(vec![0, byte, 4, 0]);
    let selection = |byte| Selection { anchor: sticky(byte), head: sticky(byte + 1) };
    Presence {
        file: Some(path("src/main.rs")),
        place: Some(Place {
            document: DOCUMENT,
            selections: vec![selection(16), selection(20)],
            main: 1,
            viewport: Some((sticky(16), sticky(30))),
        }),
        activity: Activity::Away,
    }
}

fn info(status: DocumentStatus) -> DocumentInfo {
    DocumentInfo {
        document: DOCUMENT,
        epoch: 1,
        path: path("src/ü.rs"),
        end_of_line: EndOfLine::Crlf,
        encoding: Encoding::Utf16Be,
        writable: true,
        status,
    }
}

/// One of each message to the host, in the order of their numbers.
pub(crate) fn to_host() -> Vec<ToHost> {
    let (request, participant, document) = (REQUEST, PARTICIPANT, DOCUMENT);
    vec![
        ToHost::Session(SessionToHost::Leave),
        ToHost::Session(SessionToHost::SetName { name: "Ann".into() }),
        ToHost::Session(SessionToHost::SetRole { request, participant, role: Role::Viewer }),
        ToHost::Session(SessionToHost::Remove { request, participant }),
        ToHost::Session(SessionToHost::Admit { request, participant }),
        ToHost::Session(SessionToHost::Deny { request, participant }),
        ToHost::Session(SessionToHost::End),
        ToHost::Session(SessionToHost::SetGrant {
            request,
            participant,
            capability: Capability::OpenTerminal,
            grant: Grant::Taken,
        }),
        ToHost::Document(DocumentToHost::Open {
            request,
            path: path("a/b.txt"),
            known: Some(KnownDocument { document, epoch: 1, state_vector: vec![1, 16, 9] }),
        }),
        ToHost::Document(DocumentToHost::Update {
            document,
            epoch: 1,
            sequence: 130,
            update: Packed::new(vec![0, 0]),
        }),
        ToHost::Document(DocumentToHost::Sync { document, epoch: 1, state_vector: vec![1, 16, 9] }),
        ToHost::Document(DocumentToHost::Save { document }),
        ToHost::Document(DocumentToHost::Close { document }),
        ToHost::Document(DocumentToHost::Verify { document }),
        ToHost::Document(DocumentToHost::Diverged { document, host: [1; 8], mine: [2; 8] }),
        ToHost::Document(DocumentToHost::BringBack { document, offer: 3 }),
        ToHost::Document(DocumentToHost::Reopen { request, document, encoding: Encoding::ShiftJis }),
        ToHost::Document(DocumentToHost::SaveWith { request, document, encoding: Encoding::Windows1252 }),
        ToHost::Presence(PresenceToHost::At(presence())),
        ToHost::Workspace(WorkspaceToHost::Watch { request, folder: WorkspacePath::root() }),
        ToHost::Workspace(WorkspaceToHost::Unwatch { folder: path("a") }),
        ToHost::Workspace(WorkspaceToHost::Create { request, path: path("a/b"), entry: NewEntry::Folder }),
        ToHost::Workspace(WorkspaceToHost::Rename { request, from: path("a"), to: path("b") }),
        ToHost::Workspace(WorkspaceToHost::Delete { request, path: path("a") }),
        ToHost::Workspace(WorkspaceToHost::Read { request, path: path("a.png") }),
        ToHost::Workspace(WorkspaceToHost::Cancel { request }),
        ToHost::Terminal(TerminalToHost::Subscribe),
        ToHost::Terminal(TerminalToHost::Open {
            request,
            name: Some("tests".into()),
            command: Some("npm test".into()),
            size: SIZE,
            access: Access::Collaborative,
        }),
        ToHost::Terminal(TerminalToHost::Unshare { request, terminal: TERMINAL }),
        ToHost::Terminal(TerminalToHost::Restart { request, terminal: TERMINAL }),
        ToHost::Terminal(TerminalToHost::SetAccess { request, terminal: TERMINAL, access: Access::ReadOnly }),
        ToHost::Terminal(TerminalToHost::SetTyping {
            request,
            terminal: TERMINAL,
            participant,
            typing: Typing::ByAccess,
        }),
        ToHost::Terminal(TerminalToHost::SetSizePolicy {
            request,
            terminal: TERMINAL,
            policy: SizePolicy::Fixed(SIZE),
        }),
        ToHost::Terminal(TerminalToHost::AskToType { terminal: TERMINAL }),
        ToHost::Terminal(TerminalToHost::Watch { terminal: TERMINAL, history: History::None }),
        ToHost::Terminal(TerminalToHost::Unwatch { terminal: TERMINAL }),
        ToHost::Terminal(TerminalToHost::Input { terminal: TERMINAL, bytes: vec![3, 0xff] }),
        ToHost::Terminal(TerminalToHost::Resize { terminal: TERMINAL, size: SIZE }),
    ]
}

/// One of each message to a guest, in the order of their numbers.
pub(crate) fn to_guest() -> Vec<ToGuest> {
    let (request, document) = (REQUEST, DOCUMENT);
    vec![
        ToGuest::Session(SessionToGuest::Waiting),
        ToGuest::Session(SessionToGuest::Welcome(Box::new(Welcome {
            me: participant(),
            session: SessionInfo { workspace: "demo".into(), host: "Bob".into() },
            participants: vec![participant()],
        }))),
        ToGuest::Session(SessionToGuest::Joined(participant())),
        ToGuest::Session(SessionToGuest::Left { participant: PARTICIPANT, reason: LeaveReason::Lost }),
        ToGuest::Session(SessionToGuest::Changed(participant())),
        ToGuest::Session(SessionToGuest::Done { request }),
        ToGuest::Session(SessionToGuest::Knock {
            participant: PARTICIPANT,
            name: "Ann".into(),
            role: Role::Viewer,
            words: "acorn actor adobe agent album alley".into(),
        }),
        ToGuest::Session(SessionToGuest::KnockOver { participant: PARTICIPANT }),
        ToGuest::Session(SessionToGuest::Invites(vec![InviteInfo {
            role: Role::Editor,
            link: "http://localhost/s/x#1.y".into(),
        }])),
        ToGuest::Session(SessionToGuest::Ended),
        ToGuest::Session(SessionToGuest::Removed),
        ToGuest::Session(SessionToGuest::Granted {
            capability: Capability::OpenTerminal,
            participants: vec![PARTICIPANT, ParticipantId(300)],
        }),
        ToGuest::Document(DocumentToGuest::Opened {
            request,
            info: info(DocumentStatus::Saved { by: Some(PARTICIPANT) }),
        }),
        ToGuest::Document(DocumentToGuest::State {
            document,
            epoch: 1,
            // Long enough to be packed.
            update: Packed::new(vec![7; 600]),
            state_vector: vec![1, 16, 9],
        }),
        ToGuest::Document(DocumentToGuest::Update {
            document,
            epoch: 1,
            by: Some(PARTICIPANT),
            update: Packed::new(vec![0, 0]),
        }),
        ToGuest::Document(DocumentToGuest::Acknowledged { document, sequence: 130 }),
        ToGuest::Document(DocumentToGuest::Refused { document, sequence: 130, fault: fault() }),
        ToGuest::Document(DocumentToGuest::Resync { document }),
        ToGuest::Document(DocumentToGuest::Status { document, status: DocumentStatus::NotSaved(fault()) }),
        ToGuest::Document(DocumentToGuest::Moved { document, path: path("b.txt") }),
        ToGuest::Document(DocumentToGuest::Closed { document, fault: Some(fault()) }),
        ToGuest::Document(DocumentToGuest::Digest { document, digest: [1, 2, 3, 4, 5, 6, 7, 8] }),
        ToGuest::Document(DocumentToGuest::Renewed { document, epoch: 2, update: Packed::new(vec![0, 0]) }),
        ToGuest::Document(DocumentToGuest::Removed {
            document,
            offer: 3,
            authors: vec![AuthorId(16)],
            lines: 2,
            cause: RemovedBy::Revert,
        }),
        ToGuest::Document(DocumentToGuest::OfferOver { document, offer: 3, by: Some(ParticipantId(2)) }),
        ToGuest::Document(DocumentToGuest::Format {
            document,
            end_of_line: EndOfLine::Mixed,
            encoding: Encoding::Utf8,
            reading: Reading::WithMarks,
        }),
        ToGuest::Presence(PresenceToGuest::At { participant: PARTICIPANT, presence: presence() }),
        ToGuest::Workspace(WorkspaceToGuest::Listing {
            request: Some(request),
            folder: path("a"),
            entries: vec![Entry { name: "b".into(), kind: EntryKind::Other, link: true }],
            omitted: 200,
        }),
        ToGuest::Workspace(WorkspaceToGuest::Changes {
            folder: path("a"),
            changed: vec![Entry { name: "b".into(), kind: EntryKind::File, link: false }],
            removed: vec!["c".into()],
        }),
        ToGuest::Workspace(WorkspaceToGuest::FolderGone { folder: path("a") }),
        ToGuest::Workspace(WorkspaceToGuest::Done { request }),
        ToGuest::Workspace(WorkspaceToGuest::Chunk {
            request,
            total: 70_000,
            offset: 65_536,
            bytes: vec![0xff, 0x00],
        }),
        ToGuest::Fault { request: Some(request), fault: fault() },
        ToGuest::Terminal(TerminalToGuest::There { terminals: vec![TERMINAL] }),
        ToGuest::Terminal(TerminalToGuest::Is(TerminalInfo {
            terminal: TERMINAL,
            name: "tests".into(),
            title: "vim".into(),
            size: SIZE,
            policy: SizePolicy::LatestWriter,
            access: Access::Collaborative,
            exceptions: vec![(PARTICIPANT, Typing::Denied)],
            asking: vec![PARTICIPANT],
            watchers: vec![ParticipantId(1), PARTICIPANT],
            typist: Some(PARTICIPANT),
            typed: 300,
            state: TerminalState::Exited { code: None, signal: Some("Killed".into()) },
        })),
        ToGuest::Terminal(TerminalToGuest::Over { terminal: TERMINAL }),
        ToGuest::Terminal(TerminalToGuest::Opened { request, terminal: TERMINAL }),
        ToGuest::Terminal(TerminalToGuest::Done { request }),
        ToGuest::Terminal(TerminalToGuest::Refused { terminal: TERMINAL, bytes: 300, fault: fault() }),
        ToGuest::Terminal(TerminalToGuest::Keyframe {
            terminal: TERMINAL,
            offset: 300,
            size: SIZE,
            history: History::Kept,
            bytes: Packed::new(vec![0x1b, b'c']),
        }),
        ToGuest::Terminal(TerminalToGuest::Output {
            terminal: TERMINAL,
            offset: 300,
            bytes: vec![0x1b, 0xff],
        }),
        ToGuest::Terminal(TerminalToGuest::Taken { terminal: TERMINAL, total: 300 }),
        ToGuest::Terminal(TerminalToGuest::Since { first: TERMINAL }),
    ]
}
