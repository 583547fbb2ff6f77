//! Every sentence that a terminal itself shows or speaks.

export const words = {
  find: "Find in terminal",
  next: "Next match",
  previous: "Previous match",
  close: "Close",
  noMatches: "No results",
  keys: "Keys",
  escape: "Esc",
  tab: "Tab",
  control: "Ctrl",
  alt: "Alt",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  paste: "Paste",
  /** @param {number} current @param {number} total */
  matchCount: (current, total) => `${current} of ${total}`,
  /** @param {string} target @param {string} key */
  link: (target, key) => `${target}\n${key}+click to open`,
  showKept: "Show what the host kept",
  dismiss: "Dismiss",
  /** @param {string} size */
  skipped: (size) => `${size} of output were skipped here`,
};

/** A number of bytes as people say it. @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit + 1 < units.length) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${units[unit]}`;
}
