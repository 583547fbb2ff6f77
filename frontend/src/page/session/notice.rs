//! A file that is not shown: what it is, why, and what one can do.

use leptos::prelude::*;
use parlor_shared::fault::{Fault, FaultCode};
use parlor_shared::path::WorkspacePath;

use crate::component::{Button, Icon};
use crate::session::SessionHandle;
use crate::session::store::TabId;
use crate::text;

/// The notice in place of a file.
#[component]
pub(super) fn FileNotice(id: TabId, path: WorkspacePath, fault: Fault) -> impl IntoView {
    let session = SessionHandle::expect();
    let sentence = text::explain(&fault);
    let icon = match fault.code {
        FaultCode::Binary | FaultCode::SpecialFile => "file-question-mark",
        FaultCode::NotFound => "file-x",
        FaultCode::FileTooLarge | FaultCode::DocumentTooLarge => "hard-drive",
        FaultCode::PermissionDenied | FaultCode::Protected | FaultCode::OutsideWorkspace => "lock",
        _ => "file-warning",
    };
    let bytes = match fault.code {
        FaultCode::Binary | FaultCode::FileTooLarge => fault.params.get(1),
        _ => None,
    };
    let size = bytes.and_then(|bytes| bytes.parse().ok()).map(text::size);
    view! {
        <div class="file-notice" role="alert" data-testid="file-notice" data-code=fault.code.number().to_string()>
            <Icon name=icon />
            <h2>{sentence.title}</h2>
            <p>{sentence.what} " " {sentence.safe}</p>
            <dl>
                <dt>{text::FACT_PATH}</dt>
                <dd>{path.to_string()}</dd>
                {size.map(|size| view! { <dt>{text::FACT_SIZE}</dt><dd>{size}</dd> })}
            </dl>
            <p>{sentence.todo}</p>
            <div class="empty-actions">
                <Button icon="rotate-cw" on_press=move |_| session.reload(id)>
                    {text::TRY_AGAIN}
                </Button>
                <Button on_press=move |_| session.close_tab(id)>{text::SHORTCUT_CLOSE}</Button>
            </div>
        </div>
    }
}
