//! Shows something while a condition holds: like leptos' `Show`, but compiled once and not for each use, since the page is
//! to be small.

use leptos::prelude::*;

/// Shows its children while `when` holds.
#[component]
pub(crate) fn When(#[prop(into)] when: Signal<bool>, children: ChildrenFn) -> AnyView {
    let holds = Memo::new(move |_| when.get());
    (move || holds.get().then(|| children())).into_any()
}
