//! What is on a terminal's screen, cell by cell: for tests that compare two of them.

/**
 * Each row as a list of cells: text, width, colours and attributes. An empty cell and a space are the same to the eye.
 * @param {import("@xterm/xterm").Terminal} xterm
 */
export function cells(xterm) {
  const buffer = xterm.buffer.active;
  const rows = [];
  for (let y = 0; y < xterm.rows; y += 1) {
    const line = buffer.getLine(buffer.baseY + y);
    const row = [];
    for (let x = 0; x < xterm.cols; x += 1) {
      const cell = line?.getCell(x);
      if (!cell) continue;
      const attributes = [cell.isBold(), cell.isDim(), cell.isItalic(), cell.isUnderline(), cell.isInverse(), cell.isInvisible(), cell.isStrikethrough()];
      const flags = attributes.map((set) => (set ? 1 : 0)).join("");
      row.push(`${cell.getChars() || " "}|${cell.getWidth()}|${cell.getFgColorMode()}:${cell.getFgColor()}|${cell.getBgColorMode()}:${cell.getBgColor()}|${flags}`);
    }
    rows.push(row);
  }
  return rows;
}

/** The rows that are in view, as text. @param {import("@xterm/xterm").Terminal} xterm */
export function visibleRows(xterm) {
  const buffer = xterm.buffer.active;
  const row = (y) => buffer.getLine(buffer.viewportY + y)?.translateToString(true) ?? "";
  return Array.from({ length: xterm.rows }, (_, y) => row(y)).join("\n");
}
