//! The bundle `parlor-editor`: the text editor that the page drives.

export { Editor } from "./editor/editor.js";
export { languageName } from "./editor/languages.js";
export { SHAPES } from "./editor/peers.js";
