//! Keeps unsent text in IndexedDB, and knows which tab of this browser it belongs to.
//!
//! A draft is bytes under a key, beside a mark `{session, participant, size, at}` that tells of it without reading it.
//! What they mean is the page's business. Each call is one transaction on one connection that stays open, so calls take
//! effect in their order.
//!
//! Invariant: a transaction is committed in the call that begins it, and nothing is asked in it whose answer decides what it
//! does. One that waits for its page ends with it and leaves nothing; one that is committed is carried out without the page,
//! unless the page is gone while another runs before it. So what is kept on the way out of the page is there after it.

import { hasCrashed, keepRescuedBy } from "./crash.js";
import { DRAFT_MARKS, DRAFTS, openDatabase } from "./database.js";

/** How long a tab waits for its own claim: the page before a reload may just be letting go of it. */
const OWN_CLAIM_PATIENCE_MS = 1000;
/** How long other tabs have to answer where the browser has no locks. */
const ANSWER_PATIENCE_MS = 200;

/** @type {IDBDatabase | null} */
let connection = null;
/** @type {Promise<IDBDatabase> | null} */
let opening = null;
/** The bytes of each draft, of all tabs, as they were at the last look. @type {Map<string, number>} */
let sizes = new Map();
/** Counts what changes drafts: an older look does not know of it. */
let changes = 0;

/** @returns {Promise<IDBDatabase>} */
function connect() {
  opening ??= openDatabase().then(
    (database) => {
      connection = database;
      const forget = () => ([connection, opening] = [null, null]);
      database.onversionchange = () => {
        forget();
        database.close();
      };
      database.onclose = forget;
      return database;
    },
    (error) => {
      opening = null;
      throw error;
    },
  );
  return opening;
}

/**
 * Runs `work` in one transaction on both stores; the result counts only once the browser has committed it.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(drafts: IDBObjectStore, marks: IDBObjectStore, done: (result: T) => void) => void} work
 * @returns {Promise<T>}
 */
async function inStores(mode, work) {
  const database = connection ?? (await connect());
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([DRAFTS, DRAFT_MARKS], mode);
    let result;
    work(transaction.objectStore(DRAFTS), transaction.objectStore(DRAFT_MARKS), (value) => {
      result = value;
    });
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error);
    transaction.commit();
  });
}

/** Tells `found` all that is known of the drafts, `[key, mark]` each. */
function look(marks, found) {
  const at = changes;
  const [keys, values] = [marks.getAllKeys(), marks.getAll()];
  // Requests of one transaction are answered in order: both are there.
  values.onsuccess = () => {
    const all = keys.result.map((key, index) => [String(key), values.result[index]]);
    if (at === changes) sizes = new Map(all.map(([key, mark]) => [key, mark.size]));
    found?.(all);
  };
}

/**
 * Everything that is kept, newest first; null where the browser keeps nothing.
 * @returns {Promise<{key: string, session: string, participant: number}[] | null>}
 */
export async function listDrafts() {
  try {
    return await inStores("readonly", (_, marks, done) => {
      look(marks, (all) => done(all.map(([key, mark]) => ({ ...mark, key })).sort((one, other) => other.at - one.at)));
    });
  } catch {
    return null;
  }
}

/**
 * The bytes of a draft, or null if there is none.
 * @param {string} key
 * @returns {Promise<Uint8Array | null>}
 */
export async function readDraft(key) {
  try {
    return await inStores("readonly", (drafts, _, done) => {
      const request = drafts.get(key);
      request.onsuccess = () => done(request.result instanceof Uint8Array ? request.result : null);
    });
  } catch {
    return null;
  }
}

/**
 * Keeps a draft in the place of the one before under this key. What does not fit is not kept, and takes nobody's place:
 * what is there was promised to somebody. What other tabs kept since this one's last call is not counted; what they removed
 * is.
 * @param {string} key
 * @param {string} session
 * @param {number} participant
 * @param {Uint8Array} bytes
 * @param {number} maxCount
 * @param {number} maxBytes
 * @returns {Promise<"kept" | "full" | "refused">}
 */
export async function keepDraft(key, session, participant, bytes, maxCount, maxBytes) {
  // What a crashed program calls a draft is none, and would take the place of one.
  return hasCrashed() ? "refused" : keepBytes(key, session, participant, bytes, maxCount, maxBytes);
}

/** What the editors held when the program crashed, as texts for a person. The room for drafts is not asked: it is one more. */
keepRescuedBy(async ({ session, participant, bytes }, number) => {
  const key = `copy/${session}/${participant}/${Date.now()}-crash-${number}`;
  return (await keepBytes(key, session, participant, bytes(), Infinity, Infinity)) === "kept";
});

async function keepBytes(key, session, participant, bytes, maxCount, maxBytes) {
  const own = bytes.slice();
  const fits = () => {
    const others = [...sizes].filter(([other]) => other !== key);
    const size = others.reduce((sum, [, bytes]) => sum + bytes, own.length);
    return others.length < maxCount && size <= maxBytes;
  };
  const put = () =>
    inStores("readwrite", (drafts, marks, done) => {
      changes += 1;
      sizes.set(key, own.length);
      drafts.put(own, key);
      marks.put({ session, participant, size: own.length, at: Date.now() }, key);
      look(marks);
      done("kept");
    });
  try {
    if (fits()) return await put();
    await listDrafts();
    return fits() ? await put() : "full";
  } catch (error) {
    return error?.name === "QuotaExceededError" ? "full" : "refused";
  }
}

/**
 * Forgets a draft.
 * @param {string} key
 * @returns {Promise<void>}
 */
export async function removeDraft(key) {
  if (hasCrashed()) return;
  try {
    await inStores("readwrite", (drafts, marks, done) => {
      changes += 1;
      sizes.delete(key);
      drafts.delete(key);
      marks.delete(key);
      look(marks);
      done(undefined);
    });
  } catch {
    // It could not be kept either, or is still there at the next visit and found to be old.
  }
}

/** What this tab holds, and how it lets go. @type {Map<string, () => void>} */
const held = new Map();

/**
 * Makes this tab the only one that holds `name`, until it is gone or lets go. False if another living tab holds it.
 * @param {string} name
 * @param {boolean} own whether this very tab held it before it was loaded anew
 * @returns {Promise<boolean>}
 */
export async function claim(name, own) {
  if (held.has(name)) return true;
  return navigator.locks ? claimByLock(name, own) : claimByAsking(name);
}

/**
 * Lets go of a claim.
 * @param {string} name
 */
export function unclaim(name) {
  held.get(name)?.();
  held.delete(name);
}

/** @returns {Promise<boolean>} */
function claimByLock(name, own) {
  const options = own ? { signal: AbortSignal.timeout(OWN_CLAIM_PATIENCE_MS) } : { ifAvailable: true };
  return new Promise((resolve) => {
    navigator.locks
      .request(name, options, (lock) => {
        if (!lock) return resolve(false);
        return new Promise((release) => {
          held.set(name, release);
          resolve(true);
        });
      })
      .catch(() => resolve(false));
  });
}

/** Where pages come over plain HTTP from another machine there are no locks: living tabs answer for themselves. */
async function claimByAsking(name) {
  const channel = new BroadcastChannel(name);
  const own = crypto.getRandomValues(new Uint32Array(4)).join();
  const taken = await new Promise((resolve) => {
    channel.onmessage = ({ data: { asks, refused } }) => {
      // Of those that ask at once the smallest has it.
      if (refused === own || asks < own) resolve(true);
      else if (asks) channel.postMessage({ refused: asks });
    };
    channel.postMessage({ asks: own });
    setTimeout(() => resolve(false), ANSWER_PATIENCE_MS);
  });
  if (taken) {
    channel.close();
    return false;
  }
  channel.onmessage = ({ data: { asks } }) => asks && channel.postMessage({ refused: asks });
  held.set(name, () => channel.close());
  return true;
}
