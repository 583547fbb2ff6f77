//! The editors of this page: one for each open text, of which one is shown.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::html;
use leptos::prelude::*;
use parlor_shared::client::SyncState;
use parlor_shared::document::Run;
use parlor_shared::fault::FaultCode;
use parlor_shared::id::{DocumentId, ParticipantId};
use parlor_shared::message::Activity;
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Capability;

use crate::js::editor::{Access, CursorInfo, Editor, Indentation, Wrap};
use crate::js::listener::FrameTask;
use crate::session::command::Focus;
use crate::session::memory::RememberedSpot;
use crate::session::store::{Protection, SessionStateStoreFields as _, Tab, Text};
use crate::session::{DocumentViews, SessionHandle};
use crate::settings::{Settings, WordWrap};
use crate::small_map::SmallMap;

mod binding;
mod peers;

use binding::Binding;

/// What the editors tell the rest of the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EditorStatus {
    /// The caret of the shown text.
    pub(crate) cursor: RwSignal<CursorInfo>,
    /// The shown file's indentation.
    pub(crate) indentation: RwSignal<Option<Indentation>>,
    /// Commands that were given by keys inside an editor.
    pub(crate) on_command: Callback<EditorCommand>,
    /// Somebody types where nobody may.
    pub(crate) on_refused: Callback<()>,
    /// Something was pasted of which a part is no text.
    pub(crate) on_left_out: Callback<()>,
}

/// What a person asks of the page from inside an editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EditorCommand {
    Save,
    Palette,
    ToggleWrap,
}

/// The editors, from anywhere in the page.
#[derive(Clone, Copy)]
pub(crate) struct EditorsHandle {
    inner: StoredValue<Rc<Editors>, LocalStorage>,
}

/// What is to happen as soon as a text is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Focus(DocumentId),
    Reveal(DocumentId, ParticipantId),
}

struct Editors {
    session: SessionHandle,
    settings: Settings,
    status: EditorStatus,
    bindings: RefCell<SmallMap<DocumentId, Rc<Binding>>>,
    shown: Cell<Option<DocumentId>>,
    wishes: RefCell<Vec<Wish>>,
    activity: Cell<Activity>,
    peers_moved: Cell<bool>,
    /// Tells others where I am, and shows where they are, once a frame.
    frame: FrameTask,
}

impl EditorsHandle {
    /// Makes the editors of the page and connects them to the session.
    pub(crate) fn provide(session: SessionHandle, status: EditorStatus) -> Self {
        let settings = Settings::expect();
        let editors = Rc::new_cyclic(|me: &std::rc::Weak<Editors>| {
            let me = me.clone();
            Editors {
                session,
                settings,
                status,
                bindings: RefCell::default(),
                shown: Cell::new(None),
                wishes: RefCell::default(),
                activity: Cell::new(Activity::Active),
                peers_moved: Cell::new(false),
                frame: FrameTask::new(move || {
                    if let Some(editors) = me.upgrade() {
                        editors.draw();
                    }
                }),
            }
        });
        session.show_documents_in(Rc::clone(&editors) as Rc<dyn DocumentViews>);
        on_cleanup(move || session.hide_documents());
        let handle = Self { inner: StoredValue::new_local(editors) };
        handle.follow();
        provide_context(handle);
        handle
    }

    /// The editors of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The editor that is shown.
    pub(crate) fn shown(self) -> Option<Editor> {
        let editors = self.inner.get_value();
        let document = editors.shown.get()?;
        editors.binding(document).map(|binding| Editor::clone(binding.editor()))
    }

    /// Says that the person is at the keyboard, or away.
    pub(crate) fn set_activity(self, activity: Activity) {
        let editors = self.inner.get_value();
        if editors.activity.replace(activity) != activity {
            editors.frame.request();
        }
    }

    /// Says anew where the person is; for files that are no texts.
    pub(crate) fn moved(self) {
        self.inner.get_value().frame.request();
    }

    /// Keeps the editors as settings, role and state of the texts say.
    fn follow(self) {
        let editors = self.inner;
        let (session, settings) = editors.with_value(|editors| (editors.session, editors.settings));
        Effect::new(move |_| {
            let wrap = wrap_of(settings.wrap.get());
            editors.with_value(|editors| editors.each(|binding| binding.editor().set_wrap(wrap)));
        });
        Effect::new(move |_| {
            let size = settings.font_size.get();
            editors.with_value(|editors| editors.each(|binding| binding.editor().set_font_size(size)));
        });
        Effect::new(move |_| {
            session.store.role().track();
            session.store.texts().track();
            editors.with_value(|editors| {
                editors.each(|binding| {
                    binding.set_access(editors.access(binding.document()));
                    binding.settle(session);
                    binding.set_lacking(&editors.lacking(binding.document()));
                });
            });
        });
    }
}

impl Editors {
    fn binding(&self, document: DocumentId) -> Option<Rc<Binding>> {
        self.bindings.borrow().get(&document).cloned()
    }

    fn each(&self, action: impl Fn(&Binding)) {
        let bindings: Vec<_> = self.bindings.borrow().values().cloned().collect();
        bindings.iter().for_each(|binding| action(binding));
    }

    fn access(&self, document: DocumentId) -> Access {
        let may = self.session.store.role().get_untracked().allows(Capability::Edit);
        let open = self.session.store.texts().with_untracked(|texts| {
            let text: Option<&Text> = texts.iter().find(|text| text.document == document);
            text.is_some_and(|text| {
                text.protection == Protection::Open
                    && !matches!(text.sync, SyncState::Opening | SyncState::Repairing)
            })
        });
        if may && open { Access::Writable } else { Access::ReadOnly }
    }

    /// The characters for which the file is not saved.
    fn lacking(&self, document: DocumentId) -> String {
        self.session.store.texts().with_untracked(|texts| {
            let sync = texts.iter().find(|text| text.document == document).map(|text| &text.sync);
            match sync {
                Some(SyncState::NotSaved(fault)) if fault.code == FaultCode::Unencodable => {
                    fault.params.get(1).cloned().unwrap_or_default()
                }
                _ => String::new(),
            }
        })
    }

    /// Shows a text in `host`, or none.
    fn show(self: &Rc<Self>, host: &web_sys::HtmlElement, tab: Option<&Tab>) {
        let document = tab.and_then(Tab::document);
        if let Some(before) = self.shown.get().filter(|before| Some(*before) != document)
            && let Some(binding) = self.binding(before)
        {
            binding.detach();
        }
        self.shown.set(document);
        self.status.indentation.set(None);
        let Some((document, tab)) = document.zip(tab) else {
            return self.frame.request();
        };
        let binding = self.binding(document).or_else(|| self.create(document, tab));
        let Some(binding) = binding else { return };
        binding.attach(host);
        self.status.cursor.set(binding.cursor());
        self.status.indentation.set(Some(binding.editor().indentation_unit()));
        if self.session.take_focus(tab.id) == Focus::Editor {
            self.wishes.borrow_mut().push(Wish::Focus(document));
        }
        self.peers_moved.set(true);
        self.draw();
        self.grant_wishes(document, &binding);
    }

    fn create(self: &Rc<Self>, document: DocumentId, tab: &Tab) -> Option<Rc<Binding>> {
        let text = self.session.read(|client| client.document(document).map(|open| open.document().text()));
        let path = tab.path()?;
        let binding = Binding::new(self, document, path, &text??);
        if let Some(spot) = self.session.take_spot(path) {
            binding.go_to(&spot);
        }
        self.bindings.borrow_mut().insert(document, Rc::clone(&binding));
        Some(binding)
    }

    fn grant_wishes(&self, document: DocumentId, binding: &Binding) {
        let wishes: Vec<Wish> = {
            let mut wishes = self.wishes.borrow_mut();
            let mine = |wish: &Wish| matches!(wish, Wish::Focus(of) | Wish::Reveal(of, _) if *of == document);
            wishes.extract_if(.., |wish| mine(wish)).collect()
        };
        for wish in wishes {
            match wish {
                Wish::Focus(_) => binding.editor().focus(),
                Wish::Reveal(_, participant) => {
                    binding.editor().reveal_peer(participant.0);
                }
            }
        }
    }

    fn wish(&self, wish: Wish, document: DocumentId) {
        self.wishes.borrow_mut().push(wish);
        if self.shown.get() == Some(document)
            && let Some(binding) = self.binding(document)
        {
            self.draw();
            self.grant_wishes(document, &binding);
        }
    }

    /// What happens once a frame.
    fn draw(&self) {
        let shown = self.shown.get().and_then(|document| self.binding(document));
        if let Some(binding) = &shown {
            binding.check(self.session);
            if self.peers_moved.replace(false) {
                binding.editor().set_peers(&peers::others(self.session, binding.document()));
            }
        }
        self.session.set_presence(peers::own(self.session, shown.as_deref(), self.activity.get()));
    }
}

impl DocumentViews for Editors {
    fn changed(&self, document: DocumentId, runs: &[Run]) {
        if let Some(binding) = self.binding(document) {
            binding.apply(self.session, runs);
            // Somebody's place may have waited for this text.
            self.peers_moved.set(true);
            self.frame.request();
        }
    }

    fn replaced(&self, old: DocumentId, document: DocumentId) {
        let Some(binding) = self.bindings.borrow_mut().remove(&old) else { return };
        binding.become_document(document);
        binding.reset(self.session);
        self.bindings.borrow_mut().insert(document, binding);
        if self.shown.get() == Some(old) {
            self.shown.set(Some(document));
        }
        self.peers_moved.set(true);
        self.frame.request();
    }

    fn moved(&self, document: DocumentId, path: &WorkspacePath) {
        if let Some(binding) = self.binding(document) {
            binding.set_path(self.session, path);
        }
        self.frame.request();
    }

    fn closed(&self, document: DocumentId) {
        if let Some(binding) = self.bindings.borrow_mut().remove(&document) {
            binding.detach();
        }
        if self.shown.get() == Some(document) {
            self.shown.set(None);
        }
    }

    fn people_moved(&self) {
        self.peers_moved.set(true);
        self.frame.request();
    }

    fn spot(&self, document: DocumentId) -> Option<RememberedSpot> {
        self.binding(document).map(|binding| binding.spot())
    }

    fn reveal(&self, document: DocumentId, participant: ParticipantId) {
        self.peers_moved.set(true);
        self.wish(Wish::Reveal(document, participant), document);
    }

    fn focus(&self, document: DocumentId) {
        self.wish(Wish::Focus(document), document);
    }
}

const fn wrap_of(wrap: WordWrap) -> Wrap {
    match wrap {
        WordWrap::Off => Wrap::Off,
        WordWrap::On => Wrap::On,
    }
}

/// The place where the active text is shown.
#[component]
pub(crate) fn EditorHost(
    /// The tab whose text is shown.
    #[prop(into)]
    tab: Signal<Option<Tab>>,
) -> impl IntoView {
    // -- state --
    let editors = EditorsHandle::expect();
    let host = NodeRef::<html::Div>::new();

    // -- effects --
    Effect::new(move |_| {
        let tab = tab.get();
        if let Some(host) = host.get() {
            editors.inner.get_value().show(&host, tab.as_ref());
        }
    });
    on_cleanup(move || {
        if let Some(editors) = editors.inner.try_get_value() {
            editors.each(Binding::detach);
            editors.shown.set(None);
        }
    });

    view! { <div style="display:contents" node_ref=host></div> }
}
