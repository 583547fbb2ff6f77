//! What happened in a simulation: counts of every kind of trouble, what was logged, and, if wanted, each step in words.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// What must have happened at least once over the seeds of a run, or the simulation does not test it.
pub(crate) const MUST_HAPPEN: &[&str] = &[
    "acknowledged",
    "agent killed",
    "agent killed, a record torn",
    "agent killed in the midst of a checkpoint",
    "agent killed, edits unsaved",
    "agent killed, state lost",
    "agent restarted",
    "agent: a change of the file came before the checkpoint",
    "agent: a document is back from its journal",
    "agent: a guest synchronises anew",
    "agent: a journal is behind: until it is not, what no file has is lost if this program is killed",
    "agent: resumed",
    "agent: something is writing the file",
    "agent: the disk refused",
    "agent: the end of a journal was torn",
    "agent: the file has what a journal lacks",
    "agent: the journal has everything again",
    "agent: the file is gone",
    "agent: a checkpoint that was interrupted is in the file",
    "agent: a save that was interrupted is complete now",
    "agent: half written",
    "a save was cut short",
    "a step of a save was refused",
    "checkpoints",
    "closed by the guest",
    "closed with edits under way",
    "connected",
    "cut",
    "cut, guest not told",
    "cut, host not told",
    "cut, nobody told",
    "damaged: duplicate",
    "damaged: flip",
    "damaged: lose",
    "damaged: truncate",
    "deleted",
    "entries created",
    "entries removed",
    "entries renamed",
    "faults: broken seal",
    "faults: silence",
    "flooded",
    "handed back",
    "hours",
    "joined",
    "came back as the same",
    "not saved",
    "outside: append",
    "outside: append by a program that holds the file",
    "outside: delete lines",
    "outside: insert line",
    "outside: replace",
    "outside: replace line",
    "outside: truncate",
    "outside, never told",
    "pasted",
    "reloaded",
    "reloaded with edits under way",
    "rests",
    "roles changed",
    "saved by hand",
    "shown remote changes",
    "stalled",
    "taken back",
    "texts replaced",
    "trouble: folder",
    "trouble: no parent",
    "trouble: read-only",
    "trouble: state lost",
    "typed",
    "typed while away",
    "typed by a viewer",
];

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// The record of one simulation.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) counts: Counts,
    /// Every step in words, if wanted.
    pub(crate) trace: Option<Vec<String>>,
}

impl Record {
    pub(crate) fn count(&mut self, what: &str) {
        self.add(what, 1);
    }

    pub(crate) fn add(&mut self, what: &str, times: u64) {
        match self.counts.get_mut(what) {
            Some(count) => *count += times,
            None => drop(self.counts.insert(what.to_owned(), times)),
        }
    }

    /// Keeps a line of the trace. It may hold nothing that differs between two plays of a plan: no keys, no real times.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }
}

thread_local! {
    static HEARD: RefCell<Heard> = RefCell::default();
}

/// What the agent logged and what panicked on this thread.
#[derive(Debug, Default)]
struct Heard {
    counts: Counts,
    errors: Vec<String>,
    listens: bool,
}

/// Listens to the agent's log, and to panics in its tasks, which nobody else would hear of, until dropped.
pub(crate) struct Listening {
    _guard: DefaultGuard,
}

impl Listening {
    pub(crate) fn begin() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let heard = HEARD.with_borrow_mut(|heard| {
                    heard.errors.push(panic.to_string());
                    heard.listens
                });
                if !heard {
                    before(panic);
                }
            }));
        });
        HEARD.set(Heard { listens: true, ..Heard::default() });
        Self { _guard: tracing::subscriber::set_default(Ear) }
    }

    /// What was logged as an error since the beginning, and every panic.
    pub(crate) fn first_error() -> Option<String> {
        HEARD.with_borrow(|heard| heard.errors.first().cloned())
    }

    /// How often each thing was logged.
    pub(crate) fn counts() -> Counts {
        HEARD.with_borrow_mut(|heard| std::mem::take(&mut heard.counts))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        HEARD.set(Heard::default());
    }
}

/// Counts what the agent logs.
struct Ear;

#[derive(Default)]
struct Message {
    message: String,
    fields: String,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let (into, name) = match field.name() {
            "message" => (&mut self.message, ""),
            name => (&mut self.fields, name),
        };
        write!(into, "{name} {value:?}").expect("a text takes more text");
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("parlor") && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        HEARD.with_borrow_mut(|heard| {
            if *event.metadata().level() == Level::ERROR {
                heard.errors.push(format!("logged:{}{}", message.message, message.fields));
            }
            *heard.counts.entry(format!("agent:{}", message.message)).or_default() += 1;
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One line for each count.
pub(crate) fn table(counts: &Counts) -> impl Display {
    let mut text = String::new();
    for (name, count) in counts {
        writeln!(text, "{count:>10}  {name}").expect("a text takes more text");
    }
    text
}

/// What should have happened and did not.
pub(crate) fn missing(counts: &Counts) -> Vec<&'static str> {
    MUST_HAPPEN.iter().copied().filter(|name| counts.get(*name).is_none_or(|count| *count == 0)).collect()
}
