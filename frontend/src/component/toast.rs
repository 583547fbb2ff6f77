//! Short notices at the lower right that go by themselves.

use std::sync::Arc;
use std::time::Duration;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;

use super::button::{Button, IconButton};
use super::icon::Icon;
use super::tone::Tone;

/// How long a notice stays that asks for nothing.
const USUAL_STAY: Duration = Duration::from_secs(6);

/// What one can do about a notice.
#[derive(Clone)]
pub(crate) struct ToastAction {
    pub(crate) label: String,
    /// Not a `Callback`: that would go with the list in which it was made, and the notice stays when the list changes.
    pub(crate) run: Arc<dyn Fn() + Send + Sync>,
}

/// One notice.
#[derive(Clone)]
pub(crate) struct Toast {
    /// Different for each.
    pub(crate) id: u64,
    pub(crate) tone: Tone,
    pub(crate) text: String,
    pub(crate) action: Option<ToastAction>,
}

impl Toast {
    /// Failures stay until somebody has read them.
    fn stay(&self) -> Option<Duration> {
        match self.tone {
            Tone::Danger => None,
            Tone::Warning => Some(USUAL_STAY * 2),
            Tone::Neutral | Tone::Accent | Tone::Info => {
                Some(if self.action.is_some() { USUAL_STAY * 2 } else { USUAL_STAY })
            }
        }
    }
}

/// The stack, newest last. A notice stays as long as the pointer or the focus is on it.
#[component]
pub(crate) fn ToastStack(
    #[prop(into)] toasts: Signal<Vec<Toast>>,
    /// Called with the id when time is up, the action ran, or somebody closed it.
    #[prop(into)]
    on_dismiss: Callback<u64>,
    /// The name of the buttons that close one.
    #[prop(into)]
    close_label: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="toasts">
            <For
                each=move || toasts.get()
                key=|toast| toast.id
                children=move |toast| view! { <Notice toast on_dismiss close_label /> }
            />
        </div>
    }
}

#[component]
fn Notice(toast: Toast, on_dismiss: Callback<u64>, close_label: Signal<String>) -> impl IntoView {
    // -- state --
    let timer = StoredValue::new_local(None::<Timeout>);
    let stay = toast.stay();
    let Toast { id, tone, text, action } = toast;

    // -- actions --
    let hold = move || timer.set_value(None);
    let release = move || {
        let wait = stay.map(|stay| u32::try_from(stay.as_millis()).unwrap_or(u32::MAX));
        timer.set_value(wait.map(|wait| Timeout::new(wait, move || on_dismiss.run(id))));
    };

    // -- effects --
    release();

    let role = match tone {
        Tone::Danger | Tone::Warning => "alert",
        Tone::Neutral | Tone::Accent | Tone::Info => "status",
    };
    view! {
        <div
            class="toast"
            data-testid="toast"
            data-kind=tone.name()
            role=role
            on:mouseenter=move |_| hold()
            on:mouseleave=move |_| release()
            on:focusin=move |_| hold()
            on:focusout=move |_| release()
        >
            <Icon name=tone.icon() />
            <p class="toast-text">{text}</p>
            <IconButton icon="x" label=close_label on_press=move |_| on_dismiss.run(id) />
            {action
                .map(|action| {
                    view! {
                        <div class="toast-actions">
                            <Button on_press=move |_| {
                                on_dismiss.run(id);
                                (action.run)();
                            }>{action.label}</Button>
                        </div>
                    }
                })}
        </div>
    }
}
