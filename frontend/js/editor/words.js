//! Every sentence that the editor itself shows or speaks.

export const words = {
  keyboardHelp: "Tab indents. To leave the editor with the keyboard, press Escape and then Tab.",
  unknownPerson: "Someone",
  find: "Find",
  replace: "Replace",
  replaceAll: "Replace all",
  replaceWith: "Replace with",
  previousMatch: "Previous match",
  nextMatch: "Next match",
  selectAllMatches: "Select all matches",
  matchCase: "Match case",
  wholeWord: "Match whole word",
  regularExpression: "Use regular expression",
  showReplace: "Show replace",
  close: "Close",
  noMatches: "No results",
  badPattern: "Not a valid pattern",
  goToLine: "Go to line",
  goToLineHint: "line or line:column",
  go: "Go",
  /** @param {number} current @param {number} total @param {string} more */
  matchCount: (current, total, more) => `${current > 0 ? current : "?"} of ${total}${more}`,
};
