//! The find and replace panel, and the dialog that goes to a line.

import {
  closeSearchPanel,
  findNext,
  findPrevious,
  getSearchQuery,
  replaceAll,
  replaceNext,
  search,
  SearchQuery,
  selectMatches,
  setSearchQuery,
} from "@codemirror/search";
import { EditorSelection } from "@codemirror/state";
import { EditorView, getDialog, runScopeHandlers, showDialog } from "@codemirror/view";
import { words } from "./words.js";

/** Matches counted before the panel says "and more". */
const MAX_COUNTED = 1000;
/** Documents longer than this, in UTF-16 units, are searched but not counted: counting reads all of it. */
const MAX_COUNTED_LENGTH = 2_000_000;

const SVG = "http://www.w3.org/2000/svg";
const icons = {
  previous: "m6 14 6-6 6 6",
  next: "m6 10 6 6 6-6",
  expand: "m10 6 6 6-6 6",
  close: "M6 6l12 12M18 6 6 18",
  all: "M4 6h16M4 12h16M4 18h10",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", width: "16", height: "16", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  svg.append(document.createElementNS(SVG, "path"));
  svg.firstChild.setAttribute("d", icons[name]);
  return svg;
}

function element(tag, properties, ...children) {
  const { className, dataset, ...rest } = properties;
  const node = document.createElement(tag);
  if (className) node.className = className;
  Object.assign(node.dataset, dataset);
  for (const [key, value] of Object.entries(rest)) {
    if (typeof value === "function") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function button(label, content, onclick, className = "parlor-tool") {
  return element("button", { type: "button", className, "aria-label": label, title: label, onclick }, content);
}

/** The panel that CodeMirror's search opens at the top right. */
class FindPanel {
  constructor(view) {
    this.view = view;
    this.top = true;
    const query = getSearchQuery(view.state);
    const field = (name, label, value) => {
      const input = element("input", { type: "text", name, placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false" });
      input.value = value;
      input.oninput = () => this.commit();
      return input;
    };
    this.find = field("search", words.find, query.search);
    this.find.setAttribute("main-field", "true");
    this.replacement = field("replace", words.replaceWith, query.replace);
    const toggle = (name, label, text, pressed) => {
      const node = button(label, text, () => {
        node.setAttribute("aria-pressed", String(node.getAttribute("aria-pressed") !== "true"));
        this.commit();
      });
      node.setAttribute("aria-pressed", String(pressed));
      node.name = name;
      return node;
    };
    this.case = toggle("case", words.matchCase, "Aa", query.caseSensitive);
    this.word = toggle("word", words.wholeWord, "ab", query.wholeWord);
    this.pattern = toggle("re", words.regularExpression, ".*", query.regexp);
    this.count = element("span", { className: "parlor-find-count", role: "status" });
    this.expand = button(words.showReplace, icon("expand"), () => this.showReplace(this.replaceRow.hidden), "parlor-tool parlor-find-expand");
    this.replaceRow = element(
      "div",
      { className: "parlor-find-row" },
      element("div", { className: "parlor-find-field" }, this.replacement),
      button(words.replace, words.replace, () => replaceNext(view), "parlor-button"),
      button(words.replaceAll, words.replaceAll, () => replaceAll(view), "parlor-button"),
    );
    this.dom = element(
      "div",
      { className: "parlor-find", role: "search", "aria-label": words.find, dataset: { testid: "find-panel" } },
      this.expand,
      element(
        "div",
        { className: "parlor-find-rows" },
        element(
          "div",
          { className: "parlor-find-row" },
          element("div", { className: "parlor-find-field" }, this.find, this.case, this.word, this.pattern),
          this.count,
          button(words.previousMatch, icon("previous"), () => findPrevious(view)),
          button(words.nextMatch, icon("next"), () => findNext(view)),
          button(words.selectAllMatches, icon("all"), () => selectMatches(view) && view.focus()),
          button(words.close, icon("close"), () => closeSearchPanel(view)),
        ),
        this.replaceRow,
      ),
    );
    this.dom.onkeydown = (event) => this.keydown(event);
    this.showReplace(query.replace !== "" && !view.state.readOnly);
    this.refresh();
  }

  showReplace(shown) {
    this.replaceRow.hidden = !shown;
    this.expand.setAttribute("aria-expanded", String(shown));
  }

  commit() {
    const pressed = (node) => node.getAttribute("aria-pressed") === "true";
    const query = new SearchQuery({
      search: this.find.value,
      replace: this.replacement.value,
      caseSensitive: pressed(this.case),
      wholeWord: pressed(this.word),
      regexp: pressed(this.pattern),
      literal: !pressed(this.pattern),
    });
    if (!query.eq(getSearchQuery(this.view.state))) this.view.dispatch({ effects: setSearchQuery.of(query) });
  }

  keydown(event) {
    if (event.isComposing) return;
    if (runScopeHandlers(this.view, event, "search-panel")) {
      event.preventDefault();
    } else if (event.key === "Enter" && event.target === this.find) {
      event.preventDefault();
      (event.shiftKey ? findPrevious : findNext)(this.view);
    } else if (event.key === "Enter" && event.target === this.replacement) {
      event.preventDefault();
      replaceNext(this.view);
    }
  }

  mount() {
    this.find.select();
  }

  update(update) {
    const asked = update.transactions.some((tr) => tr.effects.some((effect) => effect.is(setSearchQuery)));
    if (asked) this.adopt(getSearchQuery(update.state));
    if (update.startState.readOnly !== update.state.readOnly) this.refresh();
    else if (asked || update.docChanged || update.selectionSet) this.scheduleCount();
  }

  /** Another way of searching (select a word, press Mod-F) may have set the query. */
  adopt(query) {
    if (this.find.value !== query.search) this.find.value = query.search;
    if (this.replacement.value !== query.replace) this.replacement.value = query.replace;
    this.case.setAttribute("aria-pressed", String(query.caseSensitive));
    this.word.setAttribute("aria-pressed", String(query.wholeWord));
    this.pattern.setAttribute("aria-pressed", String(query.regexp));
  }

  refresh() {
    const { readOnly } = this.view.state;
    this.expand.hidden = readOnly;
    if (readOnly) this.showReplace(false);
    this.scheduleCount();
  }

  /** Counting reads the whole document, so many edits in one frame share one count. */
  scheduleCount() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const text = this.countText();
      if (this.count.textContent !== text) this.count.textContent = text;
      this.dom.classList.toggle("is-empty", text === words.noMatches || text === words.badPattern);
    });
  }

  countText() {
    const { state } = this.view;
    const query = getSearchQuery(state);
    if (!query.search) return "";
    if (!query.valid) return words.badPattern;
    if (state.doc.length > MAX_COUNTED_LENGTH) return "";
    let total = 0;
    let current = 0;
    const { from, to } = state.selection.main;
    const matches = query.getCursor(state);
    for (let match = matches.next(); !match.done && total < MAX_COUNTED; match = matches.next()) {
      total += 1;
      if (match.value.from === from && match.value.to === to) current = total;
    }
    return total === 0 ? words.noMatches : words.matchCount(current, total, total === MAX_COUNTED ? "+" : "");
  }

  destroy() {
    cancelAnimationFrame(this.frame);
  }
}

/** Asks for a line, or a line and a column, and goes there. */
export function goToLine(view) {
  const open = getDialog(view, "parlor-go-to-line");
  if (open) {
    open.dom.querySelector("input").select();
    return true;
  }
  const input = element("input", { type: "text", name: "line", inputmode: "numeric", placeholder: words.goToLineHint, "aria-label": words.goToLine, autocomplete: "off" });
  input.value = String(view.state.doc.lineAt(view.state.selection.main.head).number);
  const content = () =>
    element(
      "form",
      {},
      element("label", { className: "parlor-find-row" }, words.goToLine, element("div", { className: "parlor-find-field" }, input)),
      element("button", { type: "submit", className: "parlor-button" }, words.go),
    );
  const { close, result } = showDialog(view, { class: "parlor-go-to-line", content, focus: "input", top: true });
  input.focus();
  input.select();
  result.then((form) => {
    const asked = form && /^\s*(\d+)\s*(?:[:,]\s*(\d+))?\s*$/.exec(input.value);
    if (!asked) return;
    const { doc } = view.state;
    const line = doc.line(Math.min(Math.max(1, Number(asked[1])), doc.lines));
    const caret = EditorSelection.cursor(Math.min(line.to, line.from + Math.max(0, Number(asked[2] ?? 1) - 1)));
    view.dispatch({
      selection: caret,
      effects: [close, EditorView.scrollIntoView(caret, { y: "center" })],
      userEvent: "select",
    });
    view.focus();
  });
  return true;
}

/** Search with this panel; a query is taken literally unless it is a pattern. */
export const searching = search({ top: true, literal: true, createPanel: (view) => new FindPanel(view) });
