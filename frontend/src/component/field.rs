//! A text field with its label, a hint and an error.

use leptos::html;
use leptos::prelude::*;

use super::unique_id;

/// One line of text. `attr:data-testid` and the like land on the wrapper; use `testid` for the input itself.
#[component]
pub(crate) fn TextField(
    #[prop(into)] label: Signal<String>,
    value: RwSignal<String>,
    /// Said below the field while there is no error.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong with the value. Read aloud when it appears.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    #[prop(optional)] testid: Option<&'static str>,
    /// What the browser may fill in by itself.
    #[prop(optional, default = "off")]
    autocomplete: &'static str,
    #[prop(optional)] max_length: Option<u32>,
    #[prop(optional)] node_ref: NodeRef<html::Input>,
) -> impl IntoView {
    // -- state --
    let id = unique_id("field");
    let about = format!("{id}-about");

    // -- derived --
    let invalid = move || error.read().is_some();

    view! {
        <div class="field">
            <label class="field-label" for=id.clone()>
                {label}
            </label>
            <input
                class="field-input"
                type="text"
                id=id
                node_ref=node_ref
                data-testid=testid
                autocomplete=autocomplete
                spellcheck="false"
                maxlength=max_length.map(|length| length.to_string())
                aria-invalid=move || invalid().then_some("true")
                aria-describedby=about.clone()
                prop:value=value
                on:input=move |event| value.set(event_target_value(&event))
            />
            <p class=move || if invalid() { "field-error" } else { "field-hint" } id=about aria-live="polite">
                {move || error.get().or_else(|| hint.get())}
            </p>
        </div>
    }
}
