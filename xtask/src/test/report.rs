//! What became of the stages, and the page at the end that says so.

use std::{fmt::Write as _, time::Duration};

use crate::counts::Counts;

/// How many failures of a stage the summary names: whoever sees only the end of the output has to
/// learn what failed.
const FAILURES_SHOWN_MAX: usize = 8;

/// One run of a stage.
pub struct Attempt {
    pub counts: Counts,
    pub took: Duration,
    /// Why it ended early.
    pub error: Option<String>,
}

/// A stage with its runs; the last one counts.
pub struct Report {
    name: String,
    earlier: Vec<Attempt>,
    last: Attempt,
}

impl Report {
    pub fn new(name: String, first: Attempt) -> Self {
        Self {
            name,
            earlier: Vec::new(),
            last: first,
        }
    }

    /// The stage ran again.
    pub fn add(&mut self, attempt: Attempt) {
        self.earlier
            .push(std::mem::replace(&mut self.last, attempt));
    }

    pub fn failed(&self) -> bool {
        self.last.counts.failed > 0
    }

    fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.earlier.iter().chain([&self.last])
    }

    fn minutes(&self) -> f64 {
        self.attempts().map(|a| a.took.as_secs_f64() / 60.0).sum()
    }
}

/// A line for each stage, what failed or passed only when repeated, and the closing line.
pub fn summary(reports: &[Report]) -> String {
    let mut page = String::new();
    let mut say = |line: String| _ = writeln!(page, "{line}");
    say(format!(
        "\n{:<24}{:>9}{:>9}{:>9}{:>9}",
        "stage", "minutes", "passed", "failed", "skipped"
    ));
    let mut total = Counts::default();
    for report in reports {
        let c = &report.last.counts;
        say(format!(
            "{:<24}{:>9.1}{:>9}{:>9}{:>9}",
            report.name,
            report.minutes(),
            c.passed,
            c.failed,
            c.skipped
        ));
        total += c.clone();
    }
    let minutes: f64 = reports.iter().map(Report::minutes).sum();
    say(format!("{:<24}{minutes:>9.1}", "all"));
    for report in reports {
        for (nth, attempt) in report.attempts().enumerate() {
            if attempt.counts.failed == 0 {
                continue;
            }
            let word = if !report.failed() {
                "UNSTABLE, passed when repeated:"
            } else if nth < report.earlier.len() {
                "FAILED at first"
            } else {
                "FAILED"
            };
            let error = attempt.error.as_deref().unwrap_or_default();
            say(format!("{word} {}: {error}", report.name));
            let failures = &attempt.counts.failures;
            for failure in failures.iter().take(FAILURES_SHOWN_MAX) {
                say(format!("  {failure}"));
            }
            if failures.len() > FAILURES_SHOWN_MAX {
                say(format!(
                    "  and {} more",
                    failures.len() - FAILURES_SHOWN_MAX
                ));
            }
        }
    }
    say(format!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    ));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(passed: u32, failures: &[&str]) -> Attempt {
        Attempt {
            counts: Counts {
                passed,
                failed: u32::try_from(failures.len()).unwrap(),
                skipped: 0,
                failures: failures.iter().map(|&f| f.to_owned()).collect(),
            },
            took: Duration::from_secs(60),
            error: None,
        }
    }

    #[test]
    fn a_stage_that_passes_when_repeated_is_named_and_counts_as_passed() {
        let mut report = Report::new("go".into(), attempt(1, &["TestA"]));
        assert!(report.failed());
        report.add(attempt(2, &[]));
        assert!(!report.failed());
        let page = summary(&[report]);
        assert!(page.contains("UNSTABLE, passed when repeated: go: \n  TestA\n"));
        assert!(page.ends_with("2 passed, 0 failed, 0 skipped\n"));
        assert!(page.contains("all                           2.0\n"));
    }

    #[test]
    fn a_stage_that_fails_twice_has_failed_and_both_runs_are_told() {
        let mut report = Report::new("go".into(), attempt(0, &["TestA", "TestB"]));
        report.add(attempt(1, &["TestB"]));
        assert!(report.failed());
        let page = summary(&[report]);
        assert!(page.contains("FAILED at first go: \n  TestA\n  TestB\nFAILED go: \n  TestB\n"));
        assert!(page.ends_with("1 passed, 1 failed, 0 skipped\n"));
    }
}
