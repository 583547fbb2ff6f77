//! The bundle `parlor-terminal`: terminals. Nothing of xterm is loaded before the first one is shown.

import { copyText } from "./browser/clipboard.js";

/**
 * Puts a terminal into `parent` as soon as the code for it is there.
 * @param {HTMLElement} parent
 * @param {object} options see `TerminalView`
 * @param {(view?: import("./terminal/view.js").TerminalView) => void} done gets nothing if the code did not come
 */
export function openTerminal(parent, options, done) {
  import("./terminal/view.js").then(
    ({ TerminalView }) => done(new TerminalView(parent, { ...options, copyText })),
    () => done(),
  );
}
