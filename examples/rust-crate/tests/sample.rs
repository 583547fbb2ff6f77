//! The sample log, counted.

use logstat::Summary;

#[test]
fn the_sample_is_counted() {
    let mut summary = Summary::default();
    include_str!("../sample.log").lines().for_each(|line| summary.add(line));

    assert_eq!(summary.requests(), 11);
    assert_eq!(summary.unreadable, 1);
    assert_eq!(summary.classes.into_iter().collect::<Vec<_>>(), [(2, 7), (3, 2), (4, 1), (5, 1)]);
}

#[test]
fn the_most_wanted_paths_come_first() {
    let mut summary = Summary::default();
    for path in ["/b", "/a", "/c", "/b"] {
        summary.add(&format!(r#"- - - [-] "GET {path} HTTP/1.1" 200 1"#));
    }
    assert_eq!(summary.top_paths(2), [("/b", 2), ("/a", 1)]);
}
