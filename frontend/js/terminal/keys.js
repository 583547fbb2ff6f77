//! Keys that are the page's and not the program's, and what is pasted.

import { isMac, isWindows } from "./dom.js";

/** What a key means here; nothing if it is the program's. @param {KeyboardEvent} event @param {boolean} selected */
export function meaning(event, selected) {
  const { code, shiftKey, altKey } = event;
  const control = event.ctrlKey && !event.metaKey && !altKey;
  const command = event.metaKey && !event.ctrlKey && !altKey;
  const page = isMac ? command && !shiftKey : control && shiftKey;
  if (code === "KeyC" && (page || (isWindows && control && !shiftKey && selected))) return "copy";
  if (code === "KeyV" && (page || (isWindows && control && !shiftKey))) return "paste";
  if (code === "Insert" && control && !shiftKey) return "copy";
  if (code === "Insert" && shiftKey && !control && !altKey) return "paste";
  if (code === "KeyF" && !shiftKey && (isMac ? command : control)) return "find";
  return undefined;
}

/** Text as it may be pasted: whoever wrote it does not get to end the paste and go on as if it were typed. @param {string} text */
export const harmless = (text) => text.replaceAll("\x1b", "\u241b");

/** Whether pasted text would run at once. @param {string} text */
export const runsAtOnce = (text) => /[\r\n]/.test(text);

/** What Ctrl makes of a letter. @param {string} letter */
export function withControl(letter) {
  const code = letter.toUpperCase().charCodeAt(0);
  if (letter === " ") return "\0";
  if (letter === "?") return "\x7f";
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : letter;
}
