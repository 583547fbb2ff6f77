//! Who may import whom: reads the sources' paths and compares them with the table of the architecture.
//!
//! Names are resolved as far as a file shows them: `crate`, `self`, `super`, child modules, and what the file's own
//! `use` lines rename. A re-export under another module's name is not followed.

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use self::source::{Reference, Source};
use crate::workspace;

/// What a module never uses; everything below the named paths counts.
struct Rule {
    module: &'static str,
    never: &'static [&'static str],
    /// Modules below `module` to which the rule does not apply.
    except: &'static [&'static str],
}

/// The table "Who may import whom", and why.
const RULES: &[Rule] = &[
    // Policy is pure: the browser, the agent and the tests run the same code with their own clock and network.
    Rule {
        module: "shared",
        never: &[
            "axum",
            "fastrand",
            "js_sys",
            "leptos",
            "rand",
            "std::fs",
            "std::net",
            "std::time::Instant",
            "std::time::SystemTime",
            "tokio",
            "wasm_bindgen",
            "web_sys",
        ],
        except: &[],
    },
    // Randomness is passed in; only keys and the secrets of invites come from the operating system.
    Rule {
        module: "shared",
        never: &["getrandom", "rand_core"],
        except: &["shared::invite", "shared::seal"],
    },
    // The relay is blind: it can not name what it can not read.
    Rule {
        module: "backend::relay",
        never: &["backend::agent", "shared::document", "shared::message", "shared::role", "shared::seal"],
        except: &[],
    },
    Rule { module: "backend::agent", never: &["backend::http", "backend::relay"], except: &[] },
    // The session decides, others do.
    Rule {
        module: "backend::agent::session",
        never: &[
            "axum",
            "cap_std",
            "portable_pty",
            "std::fs",
            "std::net",
            "std::process",
            "tokio::fs",
            "tokio::net",
            "tokio::process",
            "tokio_tungstenite",
        ],
        except: &[],
    },
    // Components know how things look, not what they mean.
    Rule {
        module: "frontend::component",
        never: &["frontend::net", "frontend::session", "shared"],
        except: &[],
    },
    Rule { module: "frontend::panel", never: &["frontend::net", "shared::seal"], except: &[] },
    Rule { module: "frontend::editor", never: &["frontend::net", "shared::seal"], except: &[] },
    Rule { module: "frontend::terminal", never: &["frontend::net", "shared::seal"], except: &[] },
    // The bindings hand JavaScript over as plain types.
    Rule {
        module: "frontend::js",
        never: &["leptos", "reactive_graph", "reactive_stores", "shared"],
        except: &[],
    },
];

/// The only module with `extern` blocks.
const EXTERNS: (&str, &str) = ("frontend", "frontend::js");

/// Crates by the name that the table uses, and the name that `use` lines see.
const CRATES: [(&str, &str); 3] =
    [("shared", "parlor_shared"), ("backend", "parlor"), ("frontend", "parlor_frontend")];

/// Fails with one line for each import that the table forbids.
pub(super) fn check() -> Result<()> {
    let sources = read_sources(workspace::root())?;
    ensure!(!sources.is_empty(), "no sources found below {}", workspace::root().display());
    let violations = violations(&sources);
    if !violations.is_empty() {
        bail!("{} forbidden imports\n{}", violations.len(), violations.join("\n"));
    }
    let idle: Vec<_> = RULES
        .iter()
        .map(|rule| rule.module)
        .filter(|module| !sources.iter().any(|file| file.is_in(module)))
        .collect();
    eprintln!("xtask: import rules: {} files read", sources.len());
    if !idle.is_empty() {
        eprintln!("xtask: import rules: nothing stands yet in {}", idle.join(", "));
    }
    Ok(())
}

fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    for (name, _) in CRATES {
        let folder = root.join(name).join("src");
        collect(&folder, &mut |file| {
            let text =
                fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
            let module = source::module_of(name, file.strip_prefix(&folder).expect("found below the folder"));
            let place = file.strip_prefix(root).expect("found below the root").display().to_string();
            files.push((place, module, text));
            Ok(())
        })?;
    }
    source::parse_all(&files)
}

fn collect(folder: &Path, found: &mut dyn FnMut(PathBuf) -> Result<()>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found(path)?;
        }
    }
    Ok(())
}

fn violations(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for rule in RULES.iter().filter(|rule| source.is_in(rule.module)) {
            if rule.except.iter().any(|module| source.is_in(module)) {
                continue;
            }
            for reference in &source.references {
                if let Some(never) = rule.never.iter().find(|never| reaches(reference, never)) {
                    let Reference { path, line, .. } = reference;
                    found.push(format!(
                        "{}:{line}: {} must not use {never} ({path})",
                        source.place, rule.module
                    ));
                }
            }
        }
        let (everywhere, only) = EXTERNS;
        if source.is_in(everywhere) && !source.is_in(only) {
            let lines = source.extern_blocks.iter();
            found.extend(
                lines.map(|line| format!("{}:{line}: only {only} holds extern blocks", source.place)),
            );
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a reference names something at or below `never`, or takes in all of a module that holds it.
fn reaches(reference: &Reference, never: &str) -> bool {
    is_at_or_below(&reference.path, never) || (reference.glob && is_at_or_below(never, &reference.path))
}

fn is_at_or_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::{source, violations};

    /// What the rules say to files given by module and text.
    fn judge(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(module, text)| (module.replace("::", "/"), (*module).to_owned(), (*text).to_owned()))
            .collect();
        violations(&source::parse_all(&files).expect("the test's sources are well formed"))
    }

    #[test]
    fn the_repository_keeps_the_table() {
        super::check().expect("who may import whom");
    }

    #[test]
    fn a_plain_import_is_found_with_its_place() {
        let found = judge(&[("backend::relay::room", "\nuse parlor_shared::message::ToHost;")]);
        assert_eq!(
            found,
            ["backend/relay/room:2: backend::relay must not use shared::message (shared::message::ToHost)"]
        );
    }

    #[test]
    fn allowed_imports_pass() {
        let found = judge(&[
            ("backend::relay::room", "use parlor_shared::{id::Sid, limits}; use tokio::net::TcpStream;"),
            ("backend::agent::document", "use std::fs; use crate::store::Journal;"),
            ("shared::seal", "fn key() { getrandom::fill(&mut [0; 32]); }"),
            ("shared::lane", "use std::time::Duration;"),
            ("frontend::js::editor", "#[wasm_bindgen] extern \"C\" { type Editor; }"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn every_way_to_write_a_forbidden_path_is_found() {
        for text in [
            "use crate::agent;",
            "use crate::{store, agent::session};",
            "use {crate::store, crate::agent as host};",
            "use super::agent::session::Handle;",
            "use crate::*;",
            "pub(crate) use crate::agent::*;",
            "fn f() { crate::agent::start(); }",
            "fn f() -> Vec<crate::agent::Session> { vec![] }",
            "fn f() { tokio::select! { biased; _ = crate::agent::done() => {} } }",
            "mod inner { use super::super::agent::Session; }",
            "use crate::{self as root}; fn f() { root::agent::start(); }",
            "use parlor_shared as policy; fn f(_: policy::message::ToHost) {}",
            "use parlor_shared::{document::{self, Document}};",
            "use ::parlor_shared::seal::Sealer;",
        ] {
            assert!(!judge(&[("backend::relay", text)]).is_empty(), "not found: {text}");
        }
    }

    #[test]
    fn each_rule_catches_something() {
        for (module, text) in [
            ("shared::link", "use tokio::sync::mpsc;"),
            ("shared::link", "fn now() -> std::time::Instant { std::time::Instant::now() }"),
            ("shared::document", "use getrandom::fill;"),
            ("backend::agent::lobby", "use crate::relay::Room;"),
            ("backend::agent::lobby", "use crate::http::router;"),
            ("backend::agent::session::welcome", "use std::fs::File;"),
            ("backend::agent::session", "use tokio::net::TcpListener;"),
            ("frontend::component::button", "use parlor_shared::role::Role;"),
            ("frontend::component::button", "use crate::session::use_session;"),
            ("frontend::panel::explorer", "use crate::net::socket;"),
            ("frontend::editor", "use parlor_shared::seal;"),
            ("frontend::terminal", "use crate::net;"),
            ("frontend::js::editor", "use leptos::prelude::RwSignal;"),
            ("frontend::panel::chat", "#[wasm_bindgen] extern \"C\" { fn alert(text: &str); }"),
        ] {
            assert!(!judge(&[(module, text)]).is_empty(), "not found: {module}: {text}");
        }
    }

    #[test]
    fn comments_strings_and_tests_are_no_imports() {
        let found = judge(&[
            (
                "backend::relay",
                "//! Never crate::agent::session.\nconst TEXT: &str = \"crate::agent::session\";\n\
                 #[cfg(test)] mod tests { use crate::agent::Session; } #[cfg(test)] use crate::agent;\n\
                 #[cfg(test)] mod harness;",
            ),
            ("backend::relay::harness", "use crate::agent::Session;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn code_after_a_test_module_counts() {
        let found = judge(&[("backend::relay", "#[cfg(test)] mod tests { } use crate::agent;")]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_child_module_named_like_a_crate_is_not_that_crate() {
        let found = judge(&[
            ("shared::client", "mod tokio; use tokio::Name;"),
            ("shared::client::tokio", "pub struct Name;"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
