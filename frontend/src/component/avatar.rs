//! People as small pictures: a colour, a shape and initials, so that no single one of them has to tell who it is.

use leptos::prelude::*;

use crate::js::letters::uppercase;

/// Outlines of the eight shapes on a grid of 24, in the order of `--person-0` to `--person-7`: disc, triangle, square,
/// diamond, star, cross, pentagon, heart. The editor's flags use the same ones as letters.
const SHAPES: [&str; 8] = [
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z",
    "M12 2 23 21H1z",
    "M3 3h18v18H3z",
    "M12 1l11 11-11 11L1 12z",
    "M12 1l3.2 7.4 8 .7-6.1 5.3 1.9 7.900L12 18.1 5 22.300l1.9-7.900L.8 9.100l8-.7z",
    "M8.5 2h7v6.500H22v7h-6.500V22h-7v-6.500H2v-7h6.500z",
    "M12 1l11 8.2-4.2 13.300H5.200L1 9.200z",
    "M12 22C5 16.5 1.5 12.5 1.5 8a5.6 5.6 0 0 1 10.5-2.700A5.6 5.6 0 0 1 22.5 8c0 4.5-3.5 8.5-10.5 14z",
];

fn shape(color: u8) -> &'static str {
    SHAPES[usize::from(color) % SHAPES.len()]
}

/// Up to two letters that stand for a name: of its first and last word, or the first two of a single one.
pub(super) fn initials(name: &str) -> String {
    let mut words = name.split(|letter: char| letter.is_whitespace() || "-_.".contains(letter));
    let mut words = words.by_ref().filter(|word| word.chars().any(char::is_alphanumeric));
    let Some(first) = words.next() else { return "?".to_owned() };
    let mut letters = first.chars().filter(|letter| letter.is_alphanumeric());
    let one = letters.next();
    let two =
        words.next_back().map_or_else(|| letters.next(), |last| last.chars().find(|c| c.is_alphanumeric()));
    uppercase(&one.into_iter().chain(two).collect::<String>()).chars().take(2).collect()
}

/// A person. Decoration: the name stands beside it or in the control around it.
#[component]
pub(crate) fn Avatar(
    #[prop(into)] name: Signal<String>,
    /// 0 to 7.
    #[prop(into)]
    color: Signal<u8>,
    #[prop(optional, into)] away: Signal<bool>,
) -> impl IntoView {
    view! {
        <span
            class="avatar"
            data-person=move || (color.get() % 8).to_string()
            data-away=move || away.get().then_some("true")
            aria-hidden="true"
        >
            <span class="avatar-initials" data-initials=move || initials(&name.read())></span>
            <svg class="avatar-shape" viewBox="0 0 24 24">
                <path d=move || shape(color.get()) />
            </svg>
        </span>
    }
}

/// A person's shape in its colour, where there is no room for more: in a tab or a row of the tree.
#[component]
pub(crate) fn PersonDot(
    /// Who, as a tooltip.
    #[prop(into)]
    name: Signal<String>,
    #[prop(into)] color: Signal<u8>,
) -> impl IntoView {
    view! {
        <svg
            class="person-dot"
            viewBox="0 0 24 24"
            role="img"
            aria-label=name
            data-person=move || (color.get() % 8).to_string()
        >
            <title>{name}</title>
            <path d=move || shape(color.get()) />
        </svg>
    }
}
