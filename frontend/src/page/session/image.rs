//! Images: fitted or at their own size, with what they are.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use parlor_shared::path::WorkspacePath;

use crate::component::{Button, IconButton, When};
use crate::file_kind;
use crate::session::SessionHandle;
use crate::session::store::{Image, TabId};
use crate::text;

/// How large an image is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zoom {
    /// As large as there is room, never larger than it is.
    Fit,
    /// One pixel for one pixel.
    Actual,
}

/// An image on its way.
#[component]
pub(super) fn ImageLoading(received: u64, total: u64) -> impl IntoView {
    let done = if total == 0 { 0.0 } else { received as f64 / total as f64 };
    view! {
        <div class="image-view">
            <p role="status" class="image-facts">{loading(received, total)}</p>
            <div class="progress" aria-hidden="true">
                <div class="progress-bar" style=format!("--value:{done}")></div>
            </div>
        </div>
    }
}

fn loading(received: u64, total: u64) -> String {
    match total {
        0 => text::LOADING_IMAGE.to_owned(),
        _ => format!("{}, {} / {}", text::LOADING_IMAGE, text::size(received), text::size(total)),
    }
}

/// An image.
#[component]
pub(super) fn ImageView(id: TabId, path: WorkspacePath, image: Arc<Image>) -> impl IntoView {
    // -- state --
    let session = SessionHandle::expect();
    let zoom = RwSignal::new(Zoom::Fit);
    let size = RwSignal::new(None::<(u32, u32)>);
    let broken = RwSignal::new(false);
    let element = NodeRef::<html::Img>::new();

    // -- derived --
    let name = path.name().to_owned();
    let stage_name = name.clone();
    let bytes = image.bytes;
    let is_text = file_kind::is_text_image(&name);
    let facts = move || {
        // A drawing without a size of its own has none to tell.
        match size.get().filter(|(width, _)| *width > 0) {
            Some((width, height)) => text::image_facts(width, height, bytes),
            None => text::size(bytes),
        }
    };
    let address = image.address.clone();

    view! {
        <div class="image-view" data-testid="image-view">
            <div class="image-tools">
                <IconButton
                    icon="scan"
                    label=text::ZOOM_FIT
                    pressed=Signal::derive(move || zoom.get() == Zoom::Fit)
                    on_press=move |_| zoom.set(Zoom::Fit)
                />
                <IconButton
                    icon="zoom-in"
                    label=text::ZOOM_ACTUAL
                    pressed=Signal::derive(move || zoom.get() == Zoom::Actual)
                    on_press=move |_| zoom.set(Zoom::Actual)
                />
                <span class="image-facts">{facts}</span>
                {is_text
                    .then(|| {
                        view! {
                            <Button on_press=move |_| session.reopen_as_text(id)>{text::OPEN_AS_TEXT}</Button>
                        }
                    })}
            </div>
            <div
                class="image-stage"
                tabindex="0"
                role="group"
                aria-label=stage_name
                data-zoom=move || if zoom.get() == Zoom::Fit { "fit" } else { "actual" }
            >
                <When when=broken>
                    <p role="alert">{text::IMAGE_BROKEN_TITLE} ". " {text::IMAGE_BROKEN_TEXT}</p>
                </When>
                <img
                    node_ref=element
                    src=address
                    alt=name
                    hidden=broken
                    on:load=move |_| {
                        size.set(element.get().map(|image| (image.natural_width(), image.natural_height())));
                    }
                    on:error=move |_| broken.set(true)
                />
            </div>
        </div>
    }
}
