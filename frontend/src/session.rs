//! One session in this page: its store, the guest behind it, and what was asked of the host and is not answered yet.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use parlor_shared::client::{Client, ClientOptions};
use parlor_shared::document::Run;
use parlor_shared::document::sync::SendRule;
use parlor_shared::id::{DocumentId, ParticipantId, RequestId, SessionId};
use parlor_shared::invite::Invite;
use parlor_shared::message::NewEntry;
use parlor_shared::path::WorkspacePath;
use parlor_shared::seal::Identity;
use reactive_stores::Store;
use wasm_bindgen_futures::spawn_local;

use crate::js::browser;
use crate::net::{Handlers, Net};
use crate::small_map::SmallMap;

mod apply;
pub(crate) mod command;
mod drafts;
mod explore;
pub(crate) mod memory;
mod place;
pub(crate) mod store;
pub(crate) mod terminals;
pub(crate) mod tree;
pub(crate) mod wishes;

use drafts::Drafts;
use memory::{Memory, RememberedSpot};
use store::{SessionState, SessionStateStoreFields as _, Standing, TabId};
use terminals::TerminalViews;

/// What the host's list calls this program.
const PROGRAM: &str = "web";

/// The session, from anywhere in the page. Cheap to copy; lives as long as the component that opened it.
#[derive(Clone, Copy)]
pub(crate) struct SessionHandle {
    /// What views read.
    pub(crate) store: Store<SessionState>,
    /// Where the page stands, for a person.
    pub(crate) standing: Memo<Standing>,
    inner: StoredValue<Rc<Inner>, LocalStorage>,
}

/// The editors, as the session drives them. Called while the client is not borrowed.
pub(crate) trait DocumentViews {
    /// Others changed a text: repeat the runs in order.
    fn changed(&self, document: DocumentId, runs: &[Run]);
    /// A text was replaced as a whole, perhaps under another id.
    fn replaced(&self, old: DocumentId, document: DocumentId);
    /// A file has another name.
    fn moved(&self, document: DocumentId, path: &WorkspacePath);
    /// A text is no longer open.
    fn closed(&self, document: DocumentId);
    /// Somebody came, went or is elsewhere.
    fn people_moved(&self);
    /// Where the person is in a text.
    fn spot(&self, document: DocumentId) -> Option<RememberedSpot>;
    /// Goes to a person's caret in a text, as soon as the text is shown.
    fn reveal(&self, document: DocumentId, participant: ParticipantId);
    /// Moves the keyboard into a text, as soon as it is shown.
    fn focus(&self, document: DocumentId);
}

struct Inner {
    net: RefCell<Option<Net>>,
    views: RefCell<Option<Rc<dyn DocumentViews>>>,
    terminal_views: RefCell<Option<Rc<dyn TerminalViews>>>,
    requests: RefCell<SmallMap<RequestId, Pending>>,
    memory: Memory,
    session: SessionId,
    drafts: Drafts,
    /// Where the person was in files that are being opened again.
    spots: RefCell<SmallMap<WorkspacePath, RememberedSpot>>,
    /// The tab in whose editor the keyboard shall be as soon as there is one.
    focus_when_open: Cell<Option<TabId>>,
    last_id: Cell<u32>,
    /// The link is a new one since the page was live last, or the page never was.
    began_afresh: Cell<bool>,
    /// Every terminal that is there was known: whichever comes now was just opened.
    knew_terminals: Cell<bool>,
}

/// A request that the host has not answered.
#[derive(Clone, Debug)]
enum Pending {
    Open(TabId),
    Watch(WorkspacePath),
    Create {
        path: WorkspacePath,
        entry: NewEntry,
    },
    Rename {
        from: WorkspacePath,
        to: WorkspacePath,
    },
    Delete {
        path: WorkspacePath,
    },
    Image {
        tab: TabId,
        bytes: Vec<u8>,
    },
    /// Something about a participant or a terminal.
    Administer,
    /// Another encoding; answered only if it is refused.
    Encode,
}

impl SessionHandle {
    /// Joins: the page is on its way in when this returns.
    pub(crate) fn join(invite: Invite, name: String) -> Self {
        let store = Store::new(SessionState::default());
        let standing = Memo::new(move |_| {
            Standing::of(&store.phase().read(), store.attempt().get(), store.entry().get())
        });
        let inner = Rc::new(Inner {
            net: RefCell::new(None),
            views: RefCell::new(None),
            terminal_views: RefCell::new(None),
            requests: RefCell::default(),
            memory: Memory::of(invite.session),
            session: invite.session,
            drafts: Drafts::default(),
            spots: RefCell::default(),
            focus_when_open: Cell::new(None),
            last_id: Cell::new(0),
            began_afresh: Cell::new(true),
            knew_terminals: Cell::new(false),
        });
        let session = Self { store, standing, inner: StoredValue::new_local(Rc::clone(&inner)) };
        // The page may be left while the browser looks for the key.
        let waiting = Rc::downgrade(&inner);
        spawn_local(async move {
            let Some(identity) = own_identity().await else { return };
            let Some(memory) = waiting.upgrade().map(|inner| inner.memory.clone()) else { return };
            let kept = drafts::find(invite.session, &memory).await;
            let Some(inner) = waiting.upgrade() else { return };
            let address = invite.clone();
            let options = ClientOptions { invite, identity, name, program: PROGRAM.to_owned() };
            let (mut client, strangers) = Client::restore(options, kept.drafts());
            client.set_send_rule(SendRule::AskFirst);
            client.subscribe_to_terminals();
            let handlers = Handlers {
                on_event: Box::new(move |event| session.apply(event)),
                on_attempt: Box::new(move |attempt| store.attempt().set(attempt)),
            };
            *inner.net.borrow_mut() = Some(Net::start(client, &address, handlers));
            session.bring_back(kept, strangers);
        });
        session
    }

    /// The session of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Connects the editors. They are heard until others take their place.
    pub(crate) fn show_documents_in(self, views: Rc<dyn DocumentViews>) {
        self.inner().views.replace(Some(views));
    }

    /// Disconnects the editors.
    pub(crate) fn hide_documents(self) {
        if let Some(inner) = self.try_inner() {
            inner.views.take();
        }
    }

    /// Looks at the client; nothing comes back before there is one.
    pub(crate) fn read<R>(self, look: impl FnOnce(&Client) -> R) -> Option<R> {
        self.inner().net.borrow().as_ref().map(|net| net.read(look))
    }

    /// Uses the client. Its events are handled after the current turn.
    pub(crate) fn with<R>(self, action: impl FnOnce(&mut Client) -> R) -> Option<R> {
        self.inner().net.borrow().as_ref().map(|net| net.with(action))
    }

    fn inner(self) -> Rc<Inner> {
        self.inner.get_value()
    }

    /// The session's inside, unless the page has left it: late callbacks find nothing.
    fn try_inner(self) -> Option<Rc<Inner>> {
        self.inner.try_get_value()
    }

    fn views(self) -> Option<Rc<dyn DocumentViews>> {
        self.inner().views.borrow().clone()
    }

    fn expect_answer(self, request: Option<RequestId>, pending: Pending) {
        if let Some(request) = request {
            self.inner().requests.borrow_mut().insert(request, pending);
        }
    }

    /// A number that nothing else in this page has.
    fn fresh_id(self) -> u32 {
        let inner = self.inner();
        inner.last_id.set(inner.last_id.get() + 1);
        inner.last_id.get()
    }
}

/// The identity of this browser profile.
async fn own_identity() -> Option<Identity> {
    // A browser without randomness runs no handshake either.
    let candidate = Identity::generate().ok()?;
    Some(Identity::from_private(&browser::ensure_identity(*candidate.private()).await))
}
