//! Reads one Rust file into the paths it names, without compiling it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::CRATES;

/// A file: where it stands, which module it is and what it names outside of tests.
pub(super) struct Source {
    /// The file, for messages.
    pub(super) place: String,
    module: String,
    pub(super) references: Vec<Reference>,
    /// Lines on which an `extern` block begins.
    pub(super) extern_blocks: Vec<usize>,
}

impl Source {
    /// Whether the file is the module or stands below it.
    pub(super) fn is_in(&self, module: &str) -> bool {
        super::is_at_or_below(&self.module, module)
    }
}

/// A path as written somewhere in a file, spelled from its crate on.
pub(super) struct Reference {
    pub(super) path: String,
    /// Whether everything in the path is meant: `use path::*`.
    pub(super) glob: bool,
    pub(super) line: usize,
}

/// The module that a file below `src` is: `relay/room.rs` is `backend::relay::room`.
pub(super) fn module_of(crate_name: &str, file: &Path) -> String {
    let mut module = vec![crate_name.to_owned()];
    module.extend(file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()));
    if module.len() == 2 && (module[1] == "lib" || module[1] == "main") {
        module.pop();
    }
    module.join("::")
}

/// Parses files given as place, module and text; what only tests see is left out.
pub(super) fn parse_all(files: &[(String, String, String)]) -> Result<Vec<Source>> {
    let modules: HashSet<&str> = files.iter().map(|(_, module, _)| module.as_str()).collect();
    let mut sources = Vec::new();
    let mut only_tests = Vec::new();
    for (place, module, text) in files {
        let tokens: TokenStream = text.parse().map_err(|error| anyhow!("{place} does not parse: {error}"))?;
        let path: Vec<String> = module.split("::").map(str::to_owned).collect();
        let tokens = without_tests(tokens, &path, &mut only_tests);
        let mut reader = Reader {
            modules: &modules,
            names: HashMap::new(),
            references: Vec::new(),
            extern_blocks: Vec::new(),
        };
        // A name may be used above the line that brings it in.
        reader.read(tokens.clone(), &path, Pass::Uses);
        reader.read(tokens, &path, Pass::Paths);
        let Reader { references, extern_blocks, .. } = reader;
        sources.push(Source { place: place.clone(), module: module.clone(), references, extern_blocks });
    }
    sources.retain(|source| !only_tests.iter().any(|module| source.is_in(module)));
    Ok(sources)
}

/// Takes out every item under `#[cfg(test)]` and notes the modules that are so left to other files.
fn without_tests(stream: TokenStream, module: &[String], only_tests: &mut Vec<String>) -> TokenStream {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_punct(&tokens[at], '#') && tokens.get(at + 1).is_some_and(is_test_attribute) {
            let end = item_end(&tokens, at + 2);
            if let Some(name) = declared_module(&tokens[at + 2..end]) {
                only_tests.push(join(module, &name));
            }
            at = end;
            continue;
        }
        kept.push(match &tokens[at] {
            TokenTree::Group(group) => {
                let inner = without_tests(group.stream(), &inner_module(&tokens, at, module), only_tests);
                let mut cleaned = Group::new(group.delimiter(), inner);
                cleaned.set_span(group.span());
                TokenTree::Group(cleaned)
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept.into_iter().collect()
}

fn is_test_attribute(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let text: String = group.stream().to_string().split_whitespace().collect();
    group.delimiter() == Delimiter::Bracket && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// Where the item that begins at `start` ends: after its `;` or its braces.
fn item_end(tokens: &[TokenTree], start: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(other, ';'),
    };
    tokens[start..].iter().position(ends).map_or(tokens.len(), |offset| start + offset + 1)
}

/// The name in `mod name;`.
fn declared_module(item: &[TokenTree]) -> Option<String> {
    let at = item.iter().position(|token| is_ident(token, "mod"))?;
    (at + 3 == item.len() && is_punct(&item[at + 2], ';')).then(|| item[at + 1].to_string())
}

/// The module inside the group at `at`: one deeper after `mod name`.
fn inner_module(tokens: &[TokenTree], at: usize, module: &[String]) -> Vec<String> {
    let mut inner = module.to_vec();
    if at >= 2 && is_ident(&tokens[at - 2], "mod") {
        inner.push(tokens[at - 1].to_string());
    }
    inner
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Reads the `use` lines and what they name.
    Uses,
    /// Reads all other paths.
    Paths,
}

struct Reader<'a> {
    /// Every module that has a file.
    modules: &'a HashSet<&'a str>,
    /// What the file's `use` lines call the paths they bring in.
    names: HashMap<String, Vec<String>>,
    references: Vec<Reference>,
    extern_blocks: Vec<usize>,
}

impl Reader<'_> {
    fn read(&mut self, stream: TokenStream, module: &[String], pass: Pass) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    self.read(group.stream(), &inner_module(&tokens, at, module), pass);
                    at += 1;
                }
                // `use<'a>` is no import but a list of what an opaque type captures.
                token
                    if is_ident(token, "use")
                        && !tokens.get(at + 1).is_some_and(|next| is_punct(next, '<')) =>
                {
                    let end = tokens[at..]
                        .iter()
                        .position(|end| is_punct(end, ';'))
                        .map_or(tokens.len(), |n| at + n);
                    if pass == Pass::Uses {
                        self.read_use(&tokens[at + 1..end], Vec::new(), module);
                    }
                    at = end + 1;
                }
                TokenTree::Ident(ident) => {
                    if pass == Pass::Paths && ident == "extern" && begins_extern_block(&tokens[at + 1..]) {
                        self.extern_blocks.push(line(&tokens[at]));
                    }
                    let path = path_at(&tokens, at);
                    if pass == Pass::Paths && path.len() > 1 {
                        let path = self.resolve(&path, module).join("::");
                        self.references.push(Reference { path, glob: false, line: line(&tokens[at]) });
                    }
                    at += 3 * path.len() - 2;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads one tree of a `use` line: `a::b`, `a::{b, c as d}`, `a::*`.
    fn read_use(&mut self, tree: &[TokenTree], mut prefix: Vec<String>, module: &[String]) {
        let mut rename = None;
        for (at, token) in tree.iter().enumerate() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in
                        inner.split(|token| is_punct(token, ',')).filter(|branch| !branch.is_empty())
                    {
                        self.read_use(branch, prefix.clone(), module);
                    }
                    return;
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    let path = self.resolve(&prefix, module);
                    self.references.push(Reference { path: path.join("::"), glob: true, line: line(token) });
                    return;
                }
                TokenTree::Ident(ident) if ident == "as" => {
                    rename = tree.get(at + 1).map(ToString::to_string);
                    break;
                }
                TokenTree::Ident(ident) if ident == "self" && !prefix.is_empty() => {}
                TokenTree::Ident(ident) => prefix.push(ident.to_string()),
                _ => {}
            }
        }
        let (Some(first), Some(last)) = (tree.first(), prefix.last().cloned()) else { return };
        let path = self.resolve(&prefix, module);
        self.references.push(Reference { path: path.join("::"), glob: false, line: line(first) });
        self.names.insert(rename.unwrap_or(last), path);
    }

    /// Spells a path from its crate on, as far as the file tells.
    fn resolve(&self, path: &[String], module: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut start = match first.as_str() {
            "crate" => module[..1].to_vec(),
            "self" => module.to_vec(),
            "super" => {
                let above = module[..module.len().saturating_sub(1).max(1)].to_vec();
                return if rest.first().is_some_and(|next| next == "super") {
                    self.resolve(rest, &above)
                } else {
                    above.into_iter().chain(rest.iter().cloned()).collect()
                };
            }
            name => {
                let child = join(module, name);
                if let Some(known) = self.names.get(name) {
                    known.clone()
                } else if self.modules.contains(child.as_str()) {
                    child.split("::").map(str::to_owned).collect()
                } else {
                    let own = CRATES.iter().find(|(_, seen_as)| *seen_as == name);
                    vec![own.map_or(name, |(called, _)| called).to_owned()]
                }
            }
        };
        start.extend(rest.iter().cloned());
        start
    }
}

/// The segments of the path that begins at `at`: identifiers with `::` between them.
fn path_at(tokens: &[TokenTree], at: usize) -> Vec<String> {
    let mut path = vec![tokens[at].to_string()];
    let mut next = at + 1;
    while let [colon, other_colon, TokenTree::Ident(ident), ..] = &tokens[next..]
        && is_punct(colon, ':')
        && is_punct(other_colon, ':')
    {
        path.push(ident.to_string());
        next += 3;
    }
    path
}

/// What follows `extern` is a block: an ABI in quotes or nothing, then braces.
fn begins_extern_block(rest: &[TokenTree]) -> bool {
    let after_abi =
        if matches!(rest.first(), Some(TokenTree::Literal(_))) { rest.get(1) } else { rest.first() };
    matches!(after_abi, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_ident(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == wanted)
}

fn join(module: &[String], name: &str) -> String {
    format!("{}::{name}", module.join("::"))
}
