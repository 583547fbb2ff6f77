//! The page's clock, for what decides by it whether two edits are one step of undo.

const running = Date.now;
let passed = 0;
let stoppedAt = null;

Date.now = () => (stoppedAt ?? running()) + passed;

/** Lets time go by without waiting for it. @param {number} milliseconds */
export function pass(milliseconds) {
  passed += milliseconds;
}

/** From now on only `pass` lets time go by, so that a slow machine decides nothing. */
export function stop() {
  stoppedAt = running();
}

export function goOn() {
  stoppedAt = null;
}
