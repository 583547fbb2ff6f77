//! No component of the page has a listener spread on it.
//!
//! With erased components, a view that is built over the one before keeps the listeners that were spread on its components:
//! those of the new view are added and removed at once. A button would answer for what was shown first, for ever. What a press
//! does is a property of the component (`on_press`), and listeners stand on elements.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::workspace;

/// Looks through every source of the page.
pub(super) fn check() -> Result<()> {
    let mut found = Vec::new();
    let mut folders = vec![workspace::path("frontend/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path)?;
                let spread = spread_listeners(&source);
                found.extend(spread.into_iter().map(|(line, tag)| place(&path, line, &tag)));
            }
        }
    }
    if !found.is_empty() {
        bail!("listeners on components, which keep those of the first view:\n{}", found.join("\n"));
    }
    Ok(())
}

fn place(path: &Path, line: usize, tag: &str) -> String {
    let path = path.strip_prefix(workspace::path("")).unwrap_or(path);
    format!("  {}:{line}: <{tag}>", path.display())
}

/// Line and name of each component whose tag has `on:` in it, outside of nested braces.
fn spread_listeners(source: &str) -> Vec<(usize, String)> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    for (start, _) in source.match_indices('<') {
        let name: String =
            source[start + 1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        let after = start + 1 + name.len();
        // A type with arguments, or a path, is no tag.
        if !bytes.get(after).is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>')) {
            continue;
        }
        if tag_of(&source[after..]).is_some_and(|tag| tag.contains(" on:")) {
            found.push((source[..start].matches('\n').count() + 1, name));
        }
    }
    found
}

/// What stands in a tag outside of braces, brackets and strings, blanks made one; nothing if it does not end.
fn tag_of(source: &str) -> Option<String> {
    let (mut depth, mut outside, mut before) = (0_usize, String::new(), ' ');
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth = depth.checked_sub(1)?,
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '>' if depth == 0 && !matches!(before, '-' | '=') => return Some(outside),
            _ if depth == 0 => outside.push(if c.is_whitespace() { ' ' } else { c }),
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_a_component_is_found_and_one_on_an_element_is_fine() {
        let bad = "view! {\n<Button\n  kind=ButtonKind::Plain\n  on:click=move |_| act(a > b)\n>x</Button> }";
        assert_eq!(spread_listeners(bad), [(2, "Button".to_owned())]);
        for good in [
            "view! { <Button on_press=move |event| { act(event) }>x</Button> }",
            "view! { <button type=\"button\" on:click=move |_| act()>x</button> }",
            "view! { <Dialog footer=move || view! { <p on:click=a>x</p> }.into_any()>{x}</Dialog> }",
            "view! { <When when=Signal::derive(move || view! { <i on:click=a></i> })><p/></When> }",
            "let x: Vec<Thing> = y; // on:click",
        ] {
            assert_eq!(spread_listeners(good), [], "{good}");
        }
    }

    #[test]
    fn the_page_has_none() {
        check().unwrap();
    }
}
