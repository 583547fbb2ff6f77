//! Links in a terminal: to the web only, opened with Ctrl or Cmd, and never without showing where they lead.

import { WebLinksAddon } from "@xterm/addon-web-links";
import { isMac } from "./dom.js";
import { words } from "./words.js";

/** @param {string} address */
const isWeb = (address) => /^https?:\/\//i.test(address);

/**
 * @param {MouseEvent} event
 * @param {string} address
 */
function follow(event, address) {
  if (isWeb(address) && (isMac ? event.metaKey : event.ctrlKey)) open(address, "_blank", "noopener,noreferrer");
}

/** What xterm does with links that programs mark as such; what they show may differ from where they lead. @param {HTMLElement} tip */
export function linkHandler(tip) {
  return { activate: follow, hover: (event, address) => show(tip, event, address), leave: () => hide(tip), allowNonHttpProtocols: false };
}

/** Finds addresses in plain text. @param {HTMLElement} tip */
export function webLinks(tip) {
  return new WebLinksAddon(follow, { hover: (event, address) => show(tip, event, address), leave: () => hide(tip) });
}

/**
 * @param {HTMLElement} tip
 * @param {MouseEvent} event
 * @param {string} address
 */
function show(tip, event, address) {
  const around = tip.parentElement?.getBoundingClientRect();
  if (!around || !isWeb(address)) return;
  tip.textContent = words.link(address, isMac ? "Cmd" : "Ctrl");
  tip.hidden = false;
  const left = Math.min(event.clientX - around.left, around.width - tip.offsetWidth - 8);
  const below = event.clientY - around.top + 18;
  const top = below + tip.offsetHeight > around.height ? event.clientY - around.top - tip.offsetHeight - 8 : below;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, top)}px`;
}

/** @param {HTMLElement} tip */
function hide(tip) {
  tip.hidden = true;
}
