//! The bundle `parlor-browser`: browser services that are painful to reach through web-sys.

export { copyText } from "./browser/clipboard.js";
export { crash, hasCrashed, openSocket, prepareForCrash } from "./browser/crash.js";
export { claim, keepDraft, listDrafts, readDraft, removeDraft, unclaim } from "./browser/drafts.js";
export { ensureIdentity, loadIdentity } from "./browser/identity.js";
export { requestWakeEvents } from "./browser/wake.js";
