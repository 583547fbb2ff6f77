//! What a person sets for this browser: kept in local storage, applied to the page at once.

use leptos::prelude::*;

use crate::storage;

/// Which colours the page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system prefers.
    #[default]
    System,
    Light,
    Dark,
}

/// When the names of others stand beside their carets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NameFlags {
    Never,
    /// While they type or move, and when pointed at.
    #[default]
    Activity,
    Always,
}

/// Whether long lines are folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WordWrap {
    #[default]
    Off,
    On,
}

/// The code's size in pixels.
const USUAL_FONT_SIZE: u32 = 14;
/// In terminals; they have more in a line.
const USUAL_TERMINAL_FONT_SIZE: u32 = 13;
const FONT_SIZES: std::ops::RangeInclusive<u32> = 9..=32;

const THEME_KEY: &str = "parlor.theme";
const FLAGS_KEY: &str = "parlor.name-flags";
const WRAP_KEY: &str = "parlor.word-wrap";
const FONT_KEY: &str = "parlor.font-size";
const TERMINAL_FONT_KEY: &str = "parlor.terminal-font-size";
const READ_ALOUD_KEY: &str = "parlor.terminal-read-aloud";

/// The settings, as signals; in context everywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) theme: RwSignal<Theme>,
    pub(crate) name_flags: RwSignal<NameFlags>,
    pub(crate) wrap: RwSignal<WordWrap>,
    pub(crate) font_size: RwSignal<u32>,
    /// The size of letters in terminals, in pixels.
    pub(crate) terminal_font: RwSignal<u32>,
    /// Whether screen readers read terminals aloud.
    pub(crate) read_aloud: RwSignal<bool>,
}

impl Settings {
    /// Reads what was set before, applies it, and keeps doing both.
    pub(crate) fn provide() -> Self {
        let read = |key| storage::local(key).unwrap_or_default();
        let theme = match read(THEME_KEY).as_str() {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        };
        let name_flags = match read(FLAGS_KEY).as_str() {
            "never" => NameFlags::Never,
            "always" => NameFlags::Always,
            _ => NameFlags::Activity,
        };
        let wrap = if read(WRAP_KEY) == "on" { WordWrap::On } else { WordWrap::Off };
        let size = |key| read(key).parse().ok().filter(|size| FONT_SIZES.contains(size));
        let read_aloud = read(READ_ALOUD_KEY) == "on";
        let settings = Self {
            theme: RwSignal::new(theme),
            name_flags: RwSignal::new(name_flags),
            wrap: RwSignal::new(wrap),
            font_size: RwSignal::new(size(FONT_KEY).unwrap_or(USUAL_FONT_SIZE)),
            terminal_font: RwSignal::new(size(TERMINAL_FONT_KEY).unwrap_or(USUAL_TERMINAL_FONT_SIZE)),
            read_aloud: RwSignal::new(read_aloud),
        };
        settings.apply();
        provide_context(settings);
        settings
    }

    /// The settings of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Makes the code larger or, with a negative step, smaller.
    pub(crate) fn resize_font(self, step: i32) {
        resize(self.font_size, step);
    }

    /// Makes what terminals show larger or, with a negative step, smaller.
    pub(crate) fn resize_terminal_font(self, step: i32) {
        resize(self.terminal_font, step);
    }

    /// Has terminals read aloud, or no longer.
    pub(crate) fn toggle_read_aloud(self) {
        self.read_aloud.update(|on| *on = !*on);
    }

    /// Folds long lines, or no longer does.
    pub(crate) fn toggle_wrap(self) {
        self.wrap.update(|wrap| {
            *wrap = match *wrap {
                WordWrap::Off => WordWrap::On,
                WordWrap::On => WordWrap::Off,
            };
        });
    }

    /// Back to the usual size.
    pub(crate) fn reset_font(self) {
        self.font_size.set(USUAL_FONT_SIZE);
    }

    /// Back to the usual size in terminals.
    pub(crate) fn reset_terminal_font(self) {
        self.terminal_font.set(USUAL_TERMINAL_FONT_SIZE);
    }

    fn apply(self) {
        let root = document().document_element();
        let set = move |name: &str, value: Option<&str>| {
            let Some(root) = &root else { return };
            // An attribute with a constant name is refused by no element.
            let _ = match value {
                Some(value) => root.set_attribute(name, value),
                None => root.remove_attribute(name),
            };
        };
        let set_theme = set.clone();
        Effect::new(move |_| {
            let value = match self.theme.get() {
                Theme::System => None,
                Theme::Light => Some("light"),
                Theme::Dark => Some("dark"),
            };
            set_theme("data-theme", value);
            storage::set_local(THEME_KEY, value.unwrap_or("system"));
        });
        Effect::new(move |_| {
            let value = match self.name_flags.get() {
                NameFlags::Never => "never",
                NameFlags::Activity => "activity",
                NameFlags::Always => "always",
            };
            set("data-name-flags", Some(value));
            storage::set_local(FLAGS_KEY, value);
        });
        Effect::new(move |_| {
            storage::set_local(WRAP_KEY, if self.wrap.get() == WordWrap::On { "on" } else { "off" });
        });
        Effect::new(move |_| storage::set_local(FONT_KEY, &self.font_size.get().to_string()));
        Effect::new(move |_| storage::set_local(TERMINAL_FONT_KEY, &self.terminal_font.get().to_string()));
        Effect::new(move |_| {
            storage::set_local(READ_ALOUD_KEY, if self.read_aloud.get() { "on" } else { "off" });
        });
    }
}

fn resize(size: RwSignal<u32>, step: i32) {
    size.update(|size| {
        *size = size.saturating_add_signed(step).clamp(*FONT_SIZES.start(), *FONT_SIZES.end());
    });
}
