//! Six words that two people can compare by voice.

use leptos::prelude::*;

/// The words, below what to do with them.
#[component]
pub(crate) fn Words(words: String, lead: &'static str) -> impl IntoView {
    let list = words.split_whitespace().map(|word| view! { <li class="word">{word.to_owned()}</li> });
    view! {
        <p class="words-title">{lead}</p>
        <ol class="words">{list.collect_view()}</ol>
    }
}
