//! The one IndexedDB database of this origin: its stores, and how it grew.

const DATABASE = "parlor";

/** The identity's key. */
export const KEYS = "keys";
/** Encoded drafts, by key. */
export const DRAFTS = "drafts";
/** What is known of each draft without reading it: `{session, participant, size, at}` under the draft's key. */
export const DRAFT_MARKS = "draft-marks";

/** Version 1 had the keys alone; version 2 adds the drafts and leaves the keys as they are. */
const VERSION = 2;

/** @returns {Promise<IDBDatabase>} */
export function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => {
      const database = request.result;
      for (const store of [KEYS, DRAFTS, DRAFT_MARKS]) {
        if (!database.objectStoreNames.contains(store)) database.createObjectStore(store);
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds an older database"));
  });
}
