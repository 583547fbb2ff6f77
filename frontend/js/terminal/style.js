//! The styles of a terminal, put into the page with the first one: xterm's own, and those of what stands around it.

import xterm from "@xterm/xterm/css/xterm.css" with { type: "text" };
import own from "./terminal.css" with { type: "text" };

export function installStyle() {
  if (document.getElementById("terminal-style")) return;
  const style = document.createElement("style");
  style.id = "terminal-style";
  style.textContent = `${xterm}\n${own}`;
  document.head.append(style);
}
