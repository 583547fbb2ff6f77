//! What is different between two texts, in small pieces, so that carets and undo live on beside them.

/** Beyond this many pieces taken out and put in, what lies between the first and the last difference is replaced as a whole. */
const MAX_STEPS = 500;
/** Changed lines up to this length, in UTF-16 units, are compared character by character. */
const MAX_FINE_LENGTH = 4096;

/**
 * The replacements that turn one text into another: by line, and within changed lines by character. None cuts a character.
 *
 * `shared::document::diff` does the same for the host; its library would be a fiftieth of all that a browser loads.
 * @param {string} before
 * @param {string} after
 * @returns {{ from: number, to: number, insert: string }[]} in order, all in terms of `before`
 */
export function differences(before, after) {
  if (before === after) return [];
  return pieces(lines(before), lines(after), 0, (at, removed, added) => {
    const fine = Math.max(removed.length, added.length) <= MAX_FINE_LENGTH;
    return fine && removed && added ? pieces([...removed], [...added], at, replace) : replace(at, removed, added);
  });
}

const lines = (text) => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

const replace = (at, removed, added) => [{ from: at, to: at + removed.length, insert: added }];

/** Compares two lists of strings; `changed` says what becomes of each part in which they differ. */
function pieces(before, after, at, changed) {
  let head = 0;
  while (head < before.length && before[head] === after[head]) head += 1;
  let [endA, endB] = [before.length, after.length];
  while (endA > head && endB > head && before[endA - 1] === after[endB - 1]) {
    endA -= 1;
    endB -= 1;
  }
  const result = [];
  let walked = 0;
  for (const [fromA, toA, fromB, toB] of hunks(before, after, head, endA, endB)) {
    while (walked < fromA) at += before[walked++].length;
    result.push(...changed(at, before.slice(fromA, toA).join(""), after.slice(fromB, toB).join("")));
  }
  return result;
}

/** Where two lists differ between `head` and their ends: Myers' shortest path, or all of it when that is too long. */
function hunks(before, after, head, endA, endB) {
  if (head === endA && head === endB) return [];
  const whole = [[head, endA, head, endB]];
  if (head === endA || head === endB) return whole;
  // `farthest[k]` is how far in `before` a path with this many steps comes on diagonal k = place in before - in after.
  const farthest = new Map([[1, head]]);
  const trail = [];
  for (let steps = 0; steps <= MAX_STEPS; steps += 1) {
    trail.push(new Map(farthest));
    for (let k = -steps; k <= steps; k += 2) {
      const down = k === -steps || (k !== steps && farthest.get(k - 1) < farthest.get(k + 1));
      let a = down ? farthest.get(k + 1) : farthest.get(k - 1) + 1;
      while (a < endA && a - k < endB && before[a] === after[a - k]) a += 1;
      farthest.set(k, a);
      if (a >= endA && a - k >= endB) return walkBack(trail, head, endA, endB);
    }
  }
  return whole;
}

function walkBack(trail, head, a, b) {
  const result = [];
  for (let steps = trail.length - 1; steps > 0; steps -= 1) {
    const farthest = trail[steps];
    const k = a - b;
    const down = k === -steps || (k !== steps && farthest.get(k - 1) < farthest.get(k + 1));
    const from = farthest.get(down ? k + 1 : k - 1);
    const fromB = from - (down ? k + 1 : k - 1);
    const hunk = down ? [from, from, fromB, fromB + 1] : [from, from + 1, fromB, fromB];
    const next = result.at(-1);
    // Steps that follow each other directly are one difference.
    if (next && next[0] === hunk[1] && next[2] === hunk[3]) [next[0], next[2]] = [hunk[0], hunk[2]];
    else result.push(hunk);
    [a, b] = [from, fromB];
  }
  return result.reverse();
}
