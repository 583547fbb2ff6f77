//! What is said when the program of the page has crashed and can say nothing any more.

/// By the names that `js/browser/crash.js` knows.
pub(crate) const CRASH: [(&str, &str); 10] = [
    ("title", "This page has stopped"),
    (
        "what",
        "Something went wrong inside the page, so it was stopped before it could do harm. The session goes on for the others, \
         and the files on the host's machine are as they were.",
    ),
    ("nothing", "Everything you typed is with the host. Reload the page to go on."),
    ("keeping", "Keeping what you typed last…"),
    (
        "kept",
        "What you typed last may not have reached the host. This browser keeps it, and offers it to you after a reload.",
    ),
    (
        "notKept",
        "What you typed last may not have reached the host, and this browser does not keep it. Copy it before you reload.",
    ),
    ("copy", "Copy this text"),
    ("copied", "Copied"),
    ("reload", "Reload the page"),
    ("state", "Stopped"),
];
