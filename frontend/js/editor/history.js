//! Undo, which has to know the first letter that is typed, and the little else of CodeMirror's commands that is as early.
//!
//! The bundler gives this file a copy of `@codemirror/commands` of its own (see `history-apart.mjs`), since the commands
//! bring all that is known about syntax, and typing does not wait for that. So what marks or asks the history comes from
//! here alone; without the second copy it would be the same.

export { history, historyKeymap, insertNewlineKeepIndent, isolateHistory, redo, undo } from "@codemirror/commands";
