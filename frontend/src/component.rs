//! The building blocks of the page: they know how things look and behave, and nothing of sessions.
//!
//! Attributes and events that a caller writes on a component (`attr:data-testid`, `class:…`, `on:click`) land on its
//! outermost element. Roles, names for screen readers and the keyboard are the component's own business.

#![expect(unreachable_pub, reason = "the component macro makes items that are `pub` in name only")]

mod avatar;
mod badge;
mod banner;
mod button;
mod dialog;
mod empty_state;
mod field;
mod file_icon;
mod fuzzy;
mod icon;
mod live_region;
mod loading;
mod mark;
mod menu;
mod palette;
mod split_handle;
mod status_item;
mod tabs;
mod toast;
mod tone;
mod virtual_list;
mod when;
mod words;

pub(crate) use avatar::{Avatar, PersonDot};
pub(crate) use badge::Badge;
pub(crate) use banner::Banner;
pub(crate) use button::{Button, ButtonKind, ButtonSize, ButtonType, IconButton};
pub(crate) use dialog::{AsideDialog, Dialog, DialogSize};
pub(crate) use empty_state::EmptyState;
pub(crate) use field::TextField;
pub(crate) use file_icon::{Expanded, file_icon_class, folder_icon_class};
pub(crate) use icon::Icon;
pub(crate) use live_region::LiveRegion;
pub(crate) use loading::{Skeleton, Spinner};
pub(crate) use mark::Mark;
pub(crate) use menu::{Menu, MenuEntry, MenuItem};
pub(crate) use palette::{CommandPalette, PaletteItem};
pub(crate) use split_handle::{Edge, SplitHandle, Unit};
pub(crate) use status_item::{Necessity, StatusItem};
pub(crate) use tabs::{TabItem, TabMark, TabPerson, TabStrip, show_whole};
pub(crate) use toast::{Toast, ToastAction, ToastStack};
pub(crate) use tone::Tone;
pub(crate) use virtual_list::VirtualList;
pub(crate) use when::When;
pub(crate) use words::Words;

/// An id for an element that others refer to, different from every other on the page.
fn unique_id(what: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
