//! The result as a table: sections down, runners across.

use std::{collections::BTreeMap, time::Duration};

/// What one runner made of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not; why.
    Failed(String),
    /// The case leaves this runner out; why.
    Skipped(String),
}

/// Counts of a section in a runner.
#[derive(Clone, Copy, Default)]
struct Cell {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// Everything that was run.
#[derive(Default)]
pub struct Matrix {
    runners: Vec<String>,
    sections: Vec<String>,
    cells: BTreeMap<(String, String), Cell>,
    cancellations: BTreeMap<String, Duration>,
}

impl Matrix {
    /// With these sections, in this order.
    pub fn of<'a>(sections: impl Iterator<Item = &'a str>) -> Self {
        let mut matrix = Self::default();
        for section in sections {
            if !matrix.sections.iter().any(|s| s == section) {
                matrix.sections.push(section.to_owned());
            }
        }
        matrix
    }

    /// Remembers how long it usually took until the server saw a cancellation.
    pub fn cancellations(&mut self, runner: &str, median: Option<Duration>) {
        if let Some(median) = median {
            self.cancellations.insert(runner.to_owned(), median);
        }
    }

    /// Adds an outcome.
    pub fn add(&mut self, section: &str, runner: &str, outcome: &Outcome) {
        for (list, name) in [(&mut self.sections, section), (&mut self.runners, runner)] {
            if !list.iter().any(|n| n == name) {
                list.push(name.to_owned());
            }
        }
        let cell = self
            .cells
            .entry((section.to_owned(), runner.to_owned()))
            .or_default();
        match outcome {
            Outcome::Passed => cell.passed += 1,
            Outcome::Failed(_) => cell.failed += 1,
            Outcome::Skipped(_) => cell.skipped += 1,
        }
    }

    /// Passed, failed, skipped over all.
    pub fn totals(&self) -> (u32, u32, u32) {
        self.cells.values().fold((0, 0, 0), |(p, f, s), c| {
            (p + c.passed, f + c.failed, s + c.skipped)
        })
    }

    /// Failed in that runner.
    pub fn failed(&self, runner: &str) -> u32 {
        self.cells
            .iter()
            .filter(|((_, r), _)| r == runner)
            .map(|(_, c)| c.failed)
            .sum()
    }

    /// The table.
    pub fn print(&self) {
        print!("{:<14}", "section");
        for runner in &self.runners {
            print!("{runner:>14}");
        }
        println!();
        for section in &self.sections {
            print!("{section:<14}");
            for runner in &self.runners {
                let cell = self
                    .cells
                    .get(&(section.clone(), runner.clone()))
                    .copied()
                    .unwrap_or_default();
                let mut text = format!("{}/{}", cell.passed, cell.passed + cell.failed);
                if cell.skipped > 0 {
                    text.push_str(&format!(" -{}", cell.skipped));
                }
                print!("{text:>14}");
            }
            println!();
        }
        if !self.cancellations.is_empty() {
            print!("{:<14}", "cancelled, ms");
            for runner in &self.runners {
                let text = self.cancellations.get(runner).map_or("-".to_owned(), |d| {
                    format!("{:.1}", d.as_secs_f64() * 1000.0)
                });
                print!("{text:>14}");
            }
            println!("  (median until the server saw it)");
        }
    }
}
