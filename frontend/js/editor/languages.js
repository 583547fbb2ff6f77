//! Knows the languages: which file is written in which, and where its grammar is loaded from when it is needed.

import { loadTools } from "./late.js";

/**
 * @typedef {object} Language
 * @property {string} name shown in the status bar
 * @property {string} [extensions] without the dot, space separated
 * @property {string} [files] whole file names, space separated, lower case
 * @property {RegExp} [pattern] of the lower-case file name, for families such as `Dockerfile.dev`
 * @property {RegExp} [interpreter] of a `#!` line
 * @property {number | "tab"} [indent] what new code in it uses
 * @property {() => Promise<import("@codemirror/state").Extension>} [load]
 */

const tab = "tab";
const stream = async (mode) => (await loadTools()).streamed(mode);
const clike = (name) => () => import("@codemirror/legacy-modes/mode/clike").then((m) => stream(m[name]));
const javascript = (options) => () => import("@codemirror/lang-javascript").then((m) => m.javascript(options));
const shell = () => import("@codemirror/legacy-modes/mode/shell").then((m) => stream(m.shell));
const properties = () => import("@codemirror/legacy-modes/mode/properties").then((m) => stream(m.properties));
const cpp = () => import("@codemirror/lang-cpp").then((m) => m.cpp());
const html = () => import("@codemirror/lang-html").then((m) => m.html());
const json = () => import("@codemirror/lang-json").then((m) => m.json());

/** @type {Language} */
const PLAIN = { name: "Plain text" };

/** @type {Language[]} */
const LANGUAGES = [
  { name: "Rust", extensions: "rs", load: () => import("@codemirror/lang-rust").then((m) => m.rust()) },
  { name: "TypeScript", extensions: "ts mts cts", indent: 2, interpreter: /\b(ts-node|tsx|deno)\b/, load: javascript({ typescript: true }) },
  { name: "TypeScript JSX", extensions: "tsx", indent: 2, load: javascript({ typescript: true, jsx: true }) },
  { name: "JavaScript", extensions: "js mjs cjs es6", files: "jakefile", indent: 2, interpreter: /\b(node|bun)\b/, load: javascript({ jsx: true }) },
  { name: "JavaScript JSX", extensions: "jsx", indent: 2, load: javascript({ jsx: true }) },
  {
    name: "Python",
    extensions: "py pyi pyw bzl",
    files: "sconstruct sconscript wscript build.bazel",
    interpreter: /\bpython/,
    load: () => import("@codemirror/lang-python").then((m) => m.python()),
  },
  { name: "Go", extensions: "go", indent: tab, load: () => import("@codemirror/lang-go").then((m) => m.go()) },
  { name: "C", extensions: "c h", load: cpp },
  { name: "C++", extensions: "cc cpp cxx c++ hh hpp hxx h++ ino inl ipp", load: cpp },
  { name: "Java", extensions: "java", load: () => import("@codemirror/lang-java").then((m) => m.java()) },
  { name: "PHP", extensions: "php php3 php4 php5 phtml", interpreter: /\bphp/, load: () => import("@codemirror/lang-php").then((m) => m.php()) },
  { name: "HTML", extensions: "html htm xhtml jinja j2 hbs ejs", indent: 2, load: html },
  { name: "Vue", extensions: "vue", indent: 2, load: html },
  { name: "Svelte", extensions: "svelte", indent: 2, load: html },
  { name: "CSS", extensions: "css pcss postcss", indent: 2, load: () => import("@codemirror/lang-css").then((m) => m.css()) },
  { name: "SCSS", extensions: "scss", indent: 2, load: () => import("@codemirror/legacy-modes/mode/css").then((m) => stream(m.sCSS)) },
  { name: "Less", extensions: "less", indent: 2, load: () => import("@codemirror/legacy-modes/mode/css").then((m) => stream(m.less)) },
  {
    name: "JSON",
    extensions: "json map webmanifest geojson ipynb jsonl ndjson",
    files: ".prettierrc .babelrc .swcrc .watchmanconfig composer.lock pipfile.lock flake.lock",
    indent: 2,
    load: json,
  },
  {
    name: "JSON with Comments",
    extensions: "jsonc json5 code-workspace",
    files: ".eslintrc .jshintrc .vsls.json devcontainer.json",
    pattern: /^[tj]sconfig.*\.json$/,
    indent: 2,
    load: json,
  },
  {
    name: "YAML",
    extensions: "yaml yml",
    files: ".clang-format .clang-tidy .clangd .yamllint",
    indent: 2,
    load: () => import("@codemirror/lang-yaml").then((m) => m.yaml()),
  },
  {
    name: "TOML",
    extensions: "toml",
    files: "cargo.lock poetry.lock uv.lock pipfile gopkg.lock",
    indent: 2,
    load: () => import("@codemirror/legacy-modes/mode/toml").then((m) => stream(m.toml)),
  },
  { name: "Markdown", extensions: "md markdown mdx mkd mdown", indent: 2, load: markdown },
  { name: "SQL", extensions: "sql ddl dml pgsql psql", load: () => import("@codemirror/lang-sql").then((m) => m.sql()) },
  {
    name: "Shell",
    extensions: "sh bash zsh ksh fish bats command ebuild",
    files:
      ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin .kshrc .envrc .xinitrc .xprofile pkgbuild configure gradlew",
    interpreter: /\b(ba|z|k|da|fi)?sh\b/,
    load: shell,
  },
  {
    name: "XML",
    extensions: "xml svg xsd xsl xslt plist rss atom wsdl csproj fsproj vbproj props targets xaml resx ui",
    indent: 2,
    load: () => import("@codemirror/lang-xml").then((m) => m.xml()),
  },
  {
    name: "Dockerfile",
    extensions: "dockerfile containerfile",
    pattern: /^(dockerfile|containerfile)(\..*)?$/,
    load: () => import("@codemirror/legacy-modes/mode/dockerfile").then((m) => stream(m.dockerFile)),
  },
  // No grammar of its own; a recipe's lines are shell, and Make insists on tabs.
  { name: "Makefile", extensions: "mk mak make", pattern: /^(gnu)?makefile(\..*)?$/, indent: tab, load: shell },
  {
    name: "CMake",
    extensions: "cmake",
    files: "cmakelists.txt",
    indent: 2,
    load: () => import("@codemirror/legacy-modes/mode/cmake").then((m) => stream(m.cmake)),
  },
  {
    name: "INI",
    extensions: "ini cfg conf cnf properties desktop service timer socket editorconfig",
    files: ".editorconfig .gitconfig .gitmodules .npmrc .yarnrc .flake8 .pylintrc .hgrc .coveragerc",
    load: properties,
  },
  { name: "Environment", extensions: "env", pattern: /^\.env(\..*)?$/, load: properties },
  { name: "Ignore list", files: ".gitignore .dockerignore .npmignore .eslintignore .prettierignore .ignore .gitattributes", load: properties },
  { name: "Diff", extensions: "diff patch rej", load: () => import("@codemirror/legacy-modes/mode/diff").then((m) => stream(m.diff)) },
  { name: "Nginx", pattern: /^nginx.*\.conf$/, load: () => import("@codemirror/legacy-modes/mode/nginx").then((m) => stream(m.nginx)) },
  { name: "C#", extensions: "cs csx", load: clike("csharp") },
  { name: "Kotlin", extensions: "kt kts", load: clike("kotlin") },
  { name: "Scala", extensions: "scala sc sbt", indent: 2, load: clike("scala") },
  { name: "Dart", extensions: "dart", indent: 2, load: clike("dart") },
  { name: "Objective-C", extensions: "m mm", load: clike("objectiveC") },
  { name: "Swift", extensions: "swift", load: () => import("@codemirror/legacy-modes/mode/swift").then((m) => stream(m.swift)) },
  {
    name: "Ruby",
    extensions: "rb rake gemspec ru podspec",
    files: "gemfile rakefile podfile vagrantfile brewfile guardfile capfile",
    interpreter: /\bruby\b/,
    indent: 2,
    load: () => import("@codemirror/legacy-modes/mode/ruby").then((m) => stream(m.ruby)),
  },
  { name: "Lua", extensions: "lua", interpreter: /\blua/, load: () => import("@codemirror/legacy-modes/mode/lua").then((m) => stream(m.lua)) },
  { name: "Perl", extensions: "pl pm", interpreter: /\bperl\b/, load: () => import("@codemirror/legacy-modes/mode/perl").then((m) => stream(m.perl)) },
  { name: "R", extensions: "r", files: ".rprofile", indent: 2, load: () => import("@codemirror/legacy-modes/mode/r").then((m) => stream(m.r)) },
  { name: "Julia", extensions: "jl", load: () => import("@codemirror/legacy-modes/mode/julia").then((m) => stream(m.julia)) },
  { name: "Haskell", extensions: "hs", indent: 2, load: () => import("@codemirror/legacy-modes/mode/haskell").then((m) => stream(m.haskell)) },
  { name: "OCaml", extensions: "ml mli", indent: 2, load: () => import("@codemirror/legacy-modes/mode/mllike").then((m) => stream(m.oCaml)) },
  { name: "F#", extensions: "fs fsi fsx", load: () => import("@codemirror/legacy-modes/mode/mllike").then((m) => stream(m.fSharp)) },
  { name: "Clojure", extensions: "clj cljs cljc edn", indent: 2, load: () => import("@codemirror/legacy-modes/mode/clojure").then((m) => stream(m.clojure)) },
  { name: "Erlang", extensions: "erl hrl", load: () => import("@codemirror/legacy-modes/mode/erlang").then((m) => stream(m.erlang)) },
  {
    name: "Groovy",
    extensions: "groovy gradle",
    files: "jenkinsfile",
    load: () => import("@codemirror/legacy-modes/mode/groovy").then((m) => stream(m.groovy)),
  },
  { name: "PowerShell", extensions: "ps1 psm1 psd1", load: () => import("@codemirror/legacy-modes/mode/powershell").then((m) => stream(m.powerShell)) },
  { name: "Protocol Buffers", extensions: "proto", indent: 2, load: () => import("@codemirror/legacy-modes/mode/protobuf").then((m) => stream(m.protobuf)) },
];

/** Markdown, with the grammars of its fenced code blocks loaded when a block of that language is seen. */
async function markdown() {
  const [{ markdown: support, markdownLanguage }, { LanguageDescription }] = await Promise.all([import("@codemirror/lang-markdown"), loadTools()]);
  const codeLanguages = (info) => {
    const tag = /^[\w+#.-]*/.exec(info.trim())[0].toLowerCase();
    const language = LANGUAGES.find(({ name }) => name.toLowerCase() === tag) ?? byExtension.get(tag);
    return language?.load && language.load !== markdown ? description(language, LanguageDescription) : null;
  };
  return support({ base: markdownLanguage, codeLanguages, completeHTMLTags: false });
}

/** @type {Map<Language, import("@codemirror/language").LanguageDescription>} one each, since CodeMirror remembers what it loaded by identity */
const descriptions = new Map();

/** @param {Language} language @param {typeof import("@codemirror/language").LanguageDescription} LanguageDescription */
function description(language, LanguageDescription) {
  let known = descriptions.get(language);
  if (!known) {
    known = LanguageDescription.of({ name: language.name, load: () => loadLanguage(language) });
    descriptions.set(language, known);
  }
  return known;
}

const byFile = new Map();
const byExtension = new Map();
for (const language of LANGUAGES) {
  for (const file of language.files?.split(" ") ?? []) byFile.set(file, language);
  for (const extension of language.extensions?.split(" ") ?? []) byExtension.set(extension, language);
}

/**
 * The language of a file by its name, else by the interpreter that its first line names.
 * @param {string} path
 * @param {string} [firstLine]
 * @returns {Language}
 */
export function languageOf(path, firstLine = "") {
  const file = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const extension = file.includes(".") ? file.slice(file.lastIndexOf(".") + 1) : "";
  return (
    byFile.get(file) ??
    LANGUAGES.find(({ pattern }) => pattern?.test(file)) ??
    byExtension.get(extension) ??
    (firstLine.startsWith("#!") ? LANGUAGES.find(({ interpreter }) => interpreter?.test(firstLine)) : undefined) ??
    PLAIN
  );
}

/**
 * The name of a file's language for the status bar, such as "Rust" or "Plain text".
 * @param {string} path
 * @param {string} [firstLine]
 * @returns {string}
 */
export function languageName(path, firstLine) {
  return languageOf(path, firstLine).name;
}

/**
 * How a new file in this language is indented.
 * @param {Language} language
 * @returns {import("./indentation.js").Indentation}
 */
export function usualIndentation({ indent = 4 }) {
  return indent === tab ? { kind: "tab", size: 4 } : { kind: "space", size: indent };
}

/** @type {Map<Language, Promise<import("@codemirror/state").Extension>>} */
const loaded = new Map();

/** Whether a grammar has been asked for, and so is here or on its way. @param {Language} language */
export const isLoading = (language) => !language.load || loaded.has(language);

/**
 * Loads a grammar once; a failed load (the network was away) is tried again the next time.
 * @param {Language} language
 */
export function loadLanguage(language) {
  let loading = loaded.get(language);
  if (!loading) {
    loading = language.load ? language.load() : Promise.resolve([]);
    loaded.set(language, loading);
    loading.catch(() => loaded.delete(language));
  }
  return loading;
}
