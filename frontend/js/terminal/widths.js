//! How many cells a character takes: exactly as many as on the host, whose terminal asks the crate unicode-width 0.2 for
//! each character by itself. With xterm's own tables, which know an older Unicode, the two screens would differ.

/** The version under which xterm knows these widths. */
const VERSION = "host";

// Ranges in ascending order, in base 36: how far behind the end of the last one a range begins and, behind a dash, how far
// on it ends. Written down by a program that asked the crate (0.2.3) for every character.

/** Characters that take no cell of their own. */
const NONE =
  "4t gj-33 7o-6 7c-18 2 2-1 2-1 2-2 1o b-a 2 1b-k h 2u-6 3-5 3-1 2-3 y 2 v-q 2k-a 1n-8 a p-3 2-8 2-2 2-4 18-2 1h-1 6-8 17-1k 1k 2 " +
  "5-7 5 4-6 b-1 u 1n 2 3-3 9 a b-1 r 3-1 1m 5-1 5-1 3-2 4 v-1 4 c-1 1m 5-4 2-1 5 l-1 n-5 2 1n 2-1 2-3 9 6-4 b-1 v 1o 2 d a 15 4 1k " +
  "2-2 6-2 2-3 8-1 c-1 u 1n 3-1 2 4-2 2-3 8-1 c-1 t-1 1m-1 2 3-3 9-1 9 b-1 u 21 5 3-2 2 9 2a 3-6 d-7 2r 3-8 c-6 22-1 s 2 2 1k-d 2-4 " +
  "2-1 6-a 2-z a 2v-3 2-5 2-1 3-1 q-1 5-2 h-3 e 3-1 7 g 5f-4f 9q-2 qb-3 t-2 u-1 v-1 1t-1 2-6 9 3-a a 1a-4 3a-1 z 3b-2 5-1 a 7-2 64-1 " +
  "3 1n 2-6 2 2 3-7 7-9 3 1d-1s g-3 1d-9 5-2 13-8 d-1 x-3 3-5 1l 2-1 4 2-4 1l-7 3-1 49-2 2-c 2-6 5 7 4-1 5j-1r ek-4 r-4 1e-f 2p-w " +
  "2db-2 6n-v ff-5 2y-1 5m n4b-3 2-9 x-1 29-1 7l 4 5 q-1 6 48-1 r-h 9 5 13-7 q-a 2 19-2 1d 3-3 3-1 3 11 1w-5 3-1 3-1 d 9 1c 1g 2-2 " +
  "3-1 6-1 2 17-1 9 6n 3 5 8n7-m 5-1c 6xv ki-f h-f 5s 4h 28-8 ed 6b 46-4 1af-2 2-1 6-3 15-2 5 4m-1 fy-3 1u-4 8u-1 v-4 x-f 1z-a 1e-3 " +
  "3g 1j-e 16 3-1 b-2 1e-3 3-1 8 1q-2 11-4 2-7 1r d-1 1h-8 2 2-1 6-3 3 2o-2 3-3 7 3 4e 4-7 m-1 1m-1 2 2 d a f-6 4-4 1w 3-5 2 3 2-2 " +
  "5-4 f-1 2e-7 3-2 2 o 2a 3-5 2 3 2-1 2-1 6k 3-3 7-1 2-1 s-1 2e-7 3 2-1 2z 2 3-7 2u 2 3-3 2-4 78-8 2-1 6u b-4 2 2 41-3 3-1 5 x-9 " +
  "15-5 3-3 9 a-5 3-2 15-i 2-1 5j 2-2 2 5m-6 2-5 2 2b-l 3-6 2-1 2-1 3f-5 4 2-1 2-8 21-1 4 2 2h 77-1 c-2 1g-4 6-2 o 44m 7-e 8uh-b 4-2 " +
  "1xd-4 1o-6 t5 1s-3 2a c-1 f58-1 2-3 3ml-19 3-m dd-1 1p-4 4-l 3-6 v-3 45-2 c-2 9-1 3 x-1 1hb-1i 5-1d 9 f n-4 2-e 11t-6 2-g 3-6 2-1 " +
  "2-4 2t 4h-6 ag 1q-3 e5-3 73-1 6s 3 8-1 6 d7-6 32-6 gzau-35r";

/** Characters that take two. */
const TWO =
  "3cw-2n 18l 1g 282-1 e-1 5b-3 4 3 ei-1 m-1 r-7 h-b 18 b-5 4 e 9-1 i-1 6-1 9 6 m 8-1 2 5 3 8 5-1 t 10 2 5-2 2 1q-2 p f nw-1 1g 5 " +
  "mj-p 2-2g d-5x r-1l 7-e 3-2d 5-2s 6-16 2-1e 2-15 2-2d a-1b 2-13 9-mkc 4-1i wq-s hw-8mb 6l9-e7 lt-9 n-y 2-i 2-3 46-2n 3k-6 m4a-3 " +
  "f-4 a-5p6 11-x 2o-36 e-pd f-1e 5y6-3 2-6 2-1 2-88 a u-2 3 f-4 8-az 6bp-2e a-m 5n2 5n 5b 3-9 k 2a-2 e-17 5-8 8-1 f-5 4b-w d-8 2-1x " +
  "2-l d-16 5-4 d-g 4 4-1y 2 2-56 3-1q e-3 2-n j r-1 e 2f-2c 1d-1x 7 4-2 3-4 3-3 c-1 8-8 66 6-b 5 7w-1a 2-9 2-54 35-c 4-1y 2 4-h 2-c " +
  "4-b zq-1ekd 3-1ekd";

/** Most text is in the first two planes: there it is looked up. */
const LOOKED_UP = 0x20000;

const decode = (ranges) => {
  let last = 0;
  return ranges.split(" ").map((range) => {
    const [gap, length = "0"] = range.split("-");
    const from = last + parseInt(gap, 36);
    last = from + parseInt(length, 36);
    return [from, last];
  });
};

const table = new Uint8Array(LOOKED_UP).fill(1);
const beyond = [];
for (const [ranges, width] of [[NONE, 0], [TWO, 2]]) {
  for (const [from, to] of decode(ranges)) {
    if (from < LOOKED_UP) table.fill(width, from, to + 1);
    else beyond.push([from, to, width]);
  }
}
// Control characters take none; they are no text.
table.fill(0, 0, 0x20);
table.fill(0, 0x7f, 0xa0);

/** @param {number} code @returns {0 | 1 | 2} */
export function widthOf(code) {
  if (code < LOOKED_UP) return table[code];
  return beyond.find(([from, to]) => from <= code && code <= to)?.[2] ?? 1;
}

/**
 * What xterm wants to know about a character behind another: its width, and whether it joins the cell before.
 * @param {number} code
 * @param {number} before the same of the character before, or 0
 */
function properties(code, before) {
  let width = widthOf(code);
  const widthBefore = (before >> 1) & 3;
  const joins = width === 0 && before !== 0 && widthBefore !== 0;
  if (joins) width = widthBefore;
  return (width << 1) | (joins ? 1 : 0);
}

/** @param {import("@xterm/xterm").Terminal} xterm */
export function useWidths(xterm) {
  xterm.unicode.register({ version: VERSION, wcwidth: widthOf, charProperties: properties });
  xterm.unicode.activeVersion = VERSION;
}
