//! Elements in one call.

/**
 * @param {string} name
 * @param {Record<string, unknown>} properties attributes with a dash or `role`, else properties; `on...` listens
 * @param {...(Node | string)} children
 */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") node.setAttribute(key, String(value));
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

/** A picture from the page's icon sheet. @param {string} name */
export const icon = (name) => element("i", { className: `icon icon-${name}`, "aria-hidden": "true" });

/** Whether the keys of this machine are those of a Mac. */
export const isMac = /^(Mac|iP)/.test(navigator.platform);

/** Whether they are those of Windows. */
export const isWindows = navigator.platform.startsWith("Win");
