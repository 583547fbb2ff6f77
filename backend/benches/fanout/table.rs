//! Tables in Markdown, between the marks that stand in `docs/performance.md` as well.

use std::time::Duration;

/// A table that is printed when it is complete.
pub(crate) struct Table {
    name: &'static str,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(name: &'static str, head: &[&str]) -> Self {
        Self { name, head: head.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a row; shown at once to whoever waits.
    pub(crate) fn row(&mut self, row: Vec<String>) {
        let cells: Vec<String> =
            self.head.iter().zip(&row).map(|(head, cell)| format!("{head} {cell}")).collect();
        eprintln!("{}: {}", self.name, cells.join(", "));
        self.rows.push(row);
    }

    pub(crate) fn print(&self) {
        println!("<!-- begin {} -->", self.name);
        println!("| {} |", self.head.join(" | "));
        println!("|{}", "--:|".repeat(self.head.len()));
        for row in &self.rows {
            println!("| {} |", row.join(" | "));
        }
        println!("<!-- end {} -->", self.name);
    }
}

/// Something the project set itself as a limit.
pub(crate) struct Promise {
    what: &'static str,
    limit: f64,
    measured: f64,
}

impl Promise {
    pub(crate) const fn at_most(what: &'static str, limit: f64, measured: f64) -> Self {
        Self { what, limit, measured }
    }

    pub(crate) fn print(name: &'static str, promises: &[Self]) {
        let mut table = Table::new(name, &["what", "at most", "measured", "holds"]);
        for Self { what, limit, measured } in promises {
            let holds = if measured <= limit { "yes" } else { "**no**" };
            table.row(vec![
                (*what).to_owned(),
                limit.to_string(),
                format!("{measured:.2}"),
                holds.to_owned(),
            ]);
        }
        table.print();
    }
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}
