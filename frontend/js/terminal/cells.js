//! What is on a terminal's screen, cell by cell: for tests that compare two of them.

/**
 * Each row as a list of cells: text, width, colours and attributes, as far as one can see them. An empty cell and a space
 * look the same, and the colour of a letter shows where there is a letter, or a line below or through it.
 * @param {import("@xterm/xterm").Terminal} xterm
 */
export function cells(xterm) {
  const buffer = xterm.buffer.active;
  const rows = Array.from({ length: xterm.rows }, (_, y) => buffer.getLine(buffer.baseY + y));
  return rows.map((line) => Array.from({ length: xterm.cols }, (_, x) => visible(line?.getCell(x))));
}

/** @param {import("@xterm/xterm").IBufferCell | undefined} cell */
function visible(cell) {
  if (!cell) return "";
  const letter = cell.getChars() || " ";
  const lined = [cell.isUnderline(), cell.isInverse(), cell.isStrikethrough(), cell.isOverline()];
  const styled = [cell.isBold(), cell.isDim(), cell.isItalic(), cell.isInvisible()];
  const shows = letter !== " " || lined.some(Boolean);
  const front = shows ? `${cell.getFgColorMode()}:${cell.getFgColor()}` : "";
  const flags = (shows ? [...lined, ...styled] : []).map((set) => (set ? 1 : 0)).join("");
  return `${letter}|${cell.getWidth()}|${front}|${cell.getBgColorMode()}:${cell.getBgColor()}|${flags}`;
}

/** The rows that are in view, as text. @param {import("@xterm/xterm").Terminal} xterm */
export function visibleRows(xterm) {
  const buffer = xterm.buffer.active;
  const row = (y) => buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? "";
  return Array.from({ length: xterm.rows }, (_, y) => row(y)).join("\n");
}
