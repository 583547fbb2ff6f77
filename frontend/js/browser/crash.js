//! What is left to do when the page's program has crashed: stop everything at once, keep what was typed, say so, offer to reload.
//!
//! After a panic or a trap the program's memory means nothing any more. It can not be asked for anything, and nothing that it
//! does may have an effect: it is out of reach of the network, of what the browser keeps, of the text, and of every key.
//! So the editors, which are JavaScript, tell what they hold, and the page becomes a picture of itself.
//!
//! Invariant: once `hasCrashed()` is true no socket of the program is open or opens, it keeps and removes no draft, and no event
//! of a person reaches it.

/** @typedef {{ session: string, participant: number, path: string, text: string, bytes: () => Uint8Array }} Rescue */
/** @typedef {Record<"title" | "what" | "nothing" | "keeping" | "kept" | "notKept" | "copy" | "copied" | "reload" | "state", string>} Words */

/** How long keeping may take before the person is told that it failed. */
const KEEPING_PATIENCE_MS = 5000;
/** Timers that are ended: more than a page ever has under way. */
const TIMERS = 100_000;

/** Events of a person and of the browser that the program hears at the window or below. */
const EVENTS =
  "keydown keyup keypress beforeinput input change compositionstart compositionupdate compositionend paste cut copy drop dragstart dragover dragenter dragleave dragend pointerdown pointerup pointermove pointercancel mousedown mouseup mousemove mouseover mouseout mouseenter mouseleave click auxclick dblclick contextmenu touchstart touchend touchmove touchcancel wheel scroll focus blur focusin focusout submit reset selectionchange visibilitychange pagehide pageshow beforeunload hashchange popstate resize online offline storage message".split(" ");
/** Those that take nothing from the browser if they are listened to in passing. */
const PASSIVE = new Set(["wheel", "touchstart", "touchmove", "scroll"]);

let crashed = false;
/** @type {Words | null} */
let words = null;
/** @type {Set<WebSocket>} */
const sockets = new Set();
/** @type {Set<() => Rescue | null>} */
const holders = new Set();
/** Puts what is rescued where drafts are. @type {(rescue: Rescue, number: number) => Promise<boolean>} */
let keep = async () => false;

/** Whether the program has crashed. */
export function hasCrashed() {
  return crashed;
}

/** What to say. @param {Words} said */
export function prepareForCrash(said) {
  words = said;
}

/** @param {typeof keep} keeper */
export function keepRescuedBy(keeper) {
  keep = keeper;
}

/**
 * Asks `holder` in a crash for a text that the host may not have all of.
 * @param {() => Rescue | null} holder
 * @returns {() => void} does not ask it any more
 */
export function holdsText(holder) {
  holders.add(holder);
  return () => holders.delete(holder);
}

/**
 * Opens a socket that a crash closes. Null if the browser forbids the address, and after a crash.
 * @param {string} address
 * @returns {WebSocket | null}
 */
export function openSocket(address) {
  if (crashed) return null;
  try {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    sockets.add(socket);
    socket.addEventListener("close", () => sockets.delete(socket));
    return socket;
  } catch {
    return null;
  }
}

/** The program has crashed. Called from its panic hook, so it must not be called back; everything else waits until it has left. */
export function crash() {
  if (crashed) return;
  crashed = true;
  for (const socket of sockets) {
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }
  sockets.clear();
  // Before any further event: a microtask runs as soon as the program has left.
  queueMicrotask(afterCrash);
}

// Listeners of one target are called in the order of their coming: these come before any of the program's.
for (const type of EVENTS) window.addEventListener(type, stop, { capture: true, passive: PASSIVE.has(type) });

// A trap that is no panic, such as an exhausted stack or memory, has no hook.
const broken = (error) => error instanceof WebAssembly.RuntimeError && crash();
window.addEventListener("error", (event) => broken(event.error));
window.addEventListener("unhandledrejection", (event) => broken(event.reason));

/** Keeps an event from everybody but the dialog. @param {Event} event */
function stop(event) {
  if (!crashed) return;
  event.stopImmediatePropagation();
  const inside = event.target instanceof Element && event.target.closest(".crashed");
  if (!inside) {
    // Leaving is all that is left to do, and asks nothing.
    if (event.cancelable && event.type !== "beforeunload" && !PASSIVE.has(event.type)) event.preventDefault();
    return;
  }
  const button = event.type === "click" && event.target.closest("button[data-does]");
  if (button) press(button);
}

function afterCrash() {
  // Nothing that the program wanted to do later.
  const last = setTimeout(() => {}, 0);
  for (let id = last; id > Math.max(0, last - TIMERS); id -= 1) clearTimeout(id);
  const lastFrame = requestAnimationFrame(() => {});
  for (let id = lastFrame; id > Math.max(0, lastFrame - TIMERS); id -= 1) cancelAnimationFrame(id);

  const rescued = [];
  for (const holder of holders) {
    try {
      const rescue = holder();
      if (rescue) rescued.push(rescue);
    } catch (error) {
      console.error("a text could not be read after the crash", error);
    }
  }
  try {
    becomePicture();
  } finally {
    tell(rescued);
  }
}

/** Puts a picture of the page in its place: it looks the same, and nothing in it answers or changes. */
function becomePicture() {
  for (const part of [...document.body.children]) {
    if (["SCRIPT", "NOSCRIPT"].includes(part.tagName) || part.id === "boot-failed") continue;
    const picture = part.cloneNode(true);
    const [all, copies] = [[part, ...part.querySelectorAll("*")], [picture, ...picture.querySelectorAll("*")]];
    const scrolled = [];
    all.forEach((element, index) => {
      const copy = copies[index];
      if (element.scrollTop || element.scrollLeft) scrolled.push([copy, element.scrollTop, element.scrollLeft]);
      if (element instanceof HTMLCanvasElement && element.width && element.height) copy.getContext("2d")?.drawImage(element, 0, 0);
      if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
        copy.value = element.value;
        copy.readOnly = true;
      }
      if (copy.hasAttribute("contenteditable")) {
        copy.setAttribute("contenteditable", "false");
        copy.setAttribute("aria-readonly", "true");
      }
      // What was asked can not be answered any more.
      if (copy.tagName === "DIALOG") copy.removeAttribute("open");
      if (copy.dataset?.testid === "connection-state") {
        copy.dataset.state = "ended";
        const text = copy.querySelector(".connection-text");
        if (text && words) text.textContent = words.state;
      }
      if (copy.dataset?.testid === "sync-state") {
        copy.dataset.state = "unsaved";
        const text = copy.querySelector("span");
        if (text && words) text.textContent = words.state;
      }
    });
    picture.inert = true;
    part.replaceWith(picture);
    for (const [copy, top, left] of scrolled) [copy.scrollTop, copy.scrollLeft] = [top, left];
  }
}

/** @param {Rescue[]} rescued */
async function tell(rescued) {
  if (!words) {
    document.getElementById("boot-failed")?.removeAttribute("hidden");
    return;
  }
  const dialog = element("dialog", { class: "dialog crashed", role: "alertdialog", "data-testid": "crashed", tabindex: "-1", "aria-labelledby": "crashed-title", "aria-describedby": "crashed-text" });
  const fate = element("p", { role: "status", "data-testid": "crashed-text" }, rescued.length ? words.keeping : words.nothing);
  const body = element("div", { class: "dialog-body", id: "crashed-text" }, element("p", {}, words.what), fate);
  const reload = element("button", { type: "button", class: "button button-primary", "data-does": "reload" }, words.reload);
  dialog.append(
    element("header", { class: "dialog-header" }, element("h2", { class: "dialog-title", id: "crashed-title" }, words.title)),
    body,
    element("footer", { class: "dialog-footer" }, reload),
  );
  document.title = words.title;
  document.body.append(dialog);
  const show = () => {
    dialog.showModal();
    // Not the button: whoever is in the middle of typing would press it by a space.
    dialog.focus();
  };
  show();
  // A browser closes a dialog at the second Escape whatever one says.
  dialog.onclose = show;
  reload.disabled = rescued.length > 0;

  const patience = new Promise((resolve) => setTimeout(() => resolve(false), KEEPING_PATIENCE_MS));
  const kept = await Promise.all(rescued.map((rescue, number) => Promise.race([keep(rescue, number).catch(() => false), patience])));
  const lost = rescued.filter((_, index) => !kept[index]);
  if (rescued.length) fate.textContent = lost.length ? words.notKept : words.kept;
  dialog.dataset.kept = String(lost.length === 0);
  for (const { path, text } of lost) {
    const field = element("textarea", { class: "crashed-lost", readonly: "", "aria-label": path, rows: "6" });
    field.value = text;
    body.append(element("p", { class: "crashed-path" }, path), field, element("button", { type: "button", class: "button", "data-does": "copy" }, words.copy));
  }
  reload.disabled = false;
}

/** @param {HTMLButtonElement} button */
async function press(button) {
  if (button.dataset.does === "reload") return location.reload();
  const field = /** @type {HTMLTextAreaElement} */ (button.previousElementSibling);
  field.select();
  const copied = await navigator.clipboard?.writeText(field.value).then(
    () => true,
    () => false,
  );
  if (copied || document.execCommand("copy")) button.textContent = words.copied;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
