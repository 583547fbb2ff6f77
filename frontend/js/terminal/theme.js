//! The colours of a terminal, from the page's tokens. xterm wants them as values, so they are read whenever they change.

/** xterm's names, and the tokens of theme.css. */
const TOKENS = {
  background: "--terminal-ground",
  foreground: "--terminal-text",
  cursor: "--terminal-cursor",
  cursorAccent: "--terminal-ground",
  selectionBackground: "--terminal-selection",
  scrollbarSliderBackground: "--surface-active",
  scrollbarSliderHoverBackground: "--border-control",
  scrollbarSliderActiveBackground: "--border-control",
  black: "--terminal-black",
  red: "--terminal-red",
  green: "--terminal-green",
  yellow: "--terminal-yellow",
  blue: "--terminal-blue",
  magenta: "--terminal-magenta",
  cyan: "--terminal-cyan",
  white: "--terminal-white",
  brightBlack: "--terminal-bright-black",
  brightRed: "--terminal-bright-red",
  brightGreen: "--terminal-bright-green",
  brightYellow: "--terminal-bright-yellow",
  brightBlue: "--terminal-bright-blue",
  brightMagenta: "--terminal-bright-magenta",
  brightCyan: "--terminal-bright-cyan",
  brightWhite: "--terminal-bright-white",
};

/** Colours of matches, which the search addon wants as values too. */
const MATCHES = { matchBackground: "--search-match", activeMatchBackground: "--search-match-current" };

/** @param {Record<string, string>} tokens */
function read(tokens) {
  // A custom property comes back as it was written, with both themes in it; a colour comes back computed.
  const probe = document.createElement("i");
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const colours = Object.entries(tokens).map(([name, token]) => {
    probe.style.color = `var(${token})`;
    return [name, style.color];
  });
  probe.remove();
  return Object.fromEntries(colours);
}

export const readTheme = () => read(TOKENS);

/** As `#rrggbb`: the search addon takes nothing else. */
export function readMatchColours() {
  const hex = (colour) => `#${colour.match(/\d+/g).slice(0, 3).map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
  const colours = read(MATCHES);
  return Object.fromEntries(Object.entries(colours).map(([name, colour]) => [name, hex(colour)]));
}

/**
 * Calls back whenever the page has other colours, until the answer is called.
 * @param {() => void} changed
 * @returns {() => void}
 */
export function watchTheme(changed) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  media.addEventListener("change", changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    media.removeEventListener("change", changed);
    observer.disconnect();
  };
}
