//! Keeps the key that makes this browser profile the same participant tomorrow.

import { KEYS, openDatabase } from "./database.js";

const RECORD = "identity";
const SESSION_RECORD = "parlor.identity";

/**
 * The stored identity, or null when this profile has none yet.
 * @returns {Promise<Uint8Array | null>}
 */
export async function loadIdentity() {
  try {
    return await inStore("readonly", (store, done) => {
      const request = store.get(RECORD);
      request.onsuccess = () => done(usable(request.result));
    });
  } catch {
    return sessionIdentity();
  }
}

/**
 * Stores `candidate` unless an identity is stored already, and answers with the one that stands.
 *
 * Reading and writing share one transaction, so that two tabs that start at once agree on the first.
 * Where IndexedDB is refused (private windows, blocked storage), the identity lasts as long as the tab.
 * @param {Uint8Array} candidate
 * @returns {Promise<Uint8Array>}
 */
export async function ensureIdentity(candidate) {
  const own = candidate.slice();
  try {
    return await inStore("readwrite", (store, done) => {
      const request = store.get(RECORD);
      request.onsuccess = () => {
        const stored = usable(request.result);
        if (!stored) store.put(own, RECORD);
        done(stored ?? own);
      };
    });
  } catch {
    const stored = sessionIdentity();
    if (!stored) rememberInSession(own);
    return stored ?? own;
  }
}

/** @returns {Uint8Array | null} */
function usable(value) {
  return value instanceof Uint8Array && value.length > 0 ? value : null;
}

/**
 * Runs `work` in one transaction; the result counts only once the browser has committed it.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore, done: (result: T) => void) => void} work
 * @returns {Promise<T>}
 */
async function inStore(mode, work) {
  const database = await openDatabase();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(KEYS, mode);
      let result;
      work(transaction.objectStore(KEYS), (value) => {
        result = value;
      });
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @returns {Uint8Array | null} */
function sessionIdentity() {
  try {
    const text = sessionStorage.getItem(SESSION_RECORD);
    return text ? usable(Uint8Array.from(atob(text), (char) => char.charCodeAt(0))) : null;
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
function rememberInSession(bytes) {
  try {
    sessionStorage.setItem(SESSION_RECORD, btoa(String.fromCharCode(...bytes)));
  } catch {
    // No storage at all: the identity lasts until the page is left.
  }
}
