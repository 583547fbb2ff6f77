//! Tells when the page may have slept, so that a lost connection is noticed at once and not after a timeout.

/**
 * Calls back when the network returns, the page becomes visible, or is restored from the back-forward cache.
 * @param {() => void} callback
 * @returns {() => void} removes the listeners
 */
export function requestWakeEvents(callback) {
  const listeners = new AbortController();
  const { signal } = listeners;
  window.addEventListener("online", () => callback(), { signal });
  window.addEventListener("pageshow", () => callback(), { signal });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && callback(), { signal });
  return () => listeners.abort();
}
