//! What a run of tests counted, read from what the test runners of five languages print or write.

use std::ops::AddAssign;

use crate::sh::Result;

/// Tests that ran, and the names of those that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that said they did not run.
    pub skipped: u32,
    /// What failed, one line each, as far as the runner names it.
    pub failures: Vec<String>,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

impl Counts {
    /// One check that held.
    pub fn one() -> Self {
        Self {
            passed: 1,
            ..Self::default()
        }
    }

    /// A closing line `<prefix>N passed, N failed, N skipped`, and the lines before it that begin with `FAILED`.
    pub fn of_harness(printed: &str, prefix: &str) -> Option<Self> {
        let line = printed
            .lines()
            .rev()
            .find_map(|l| l.trim().strip_prefix(prefix))?;
        let failed = |l: &str| l.strip_prefix("FAILED ").map(str::to_owned);
        let mut counts = Self {
            failures: printed.lines().filter_map(failed).collect(),
            ..Self::default()
        };
        for part in line.split(", ") {
            let (number, word) = part.split_once(' ')?;
            let number = number.parse().ok()?;
            match word {
                "passed" => counts.passed = number,
                "failed" => counts.failed = number,
                "skipped" => counts.skipped = number,
                _ => return None,
            }
        }
        Some(counts)
    }

    /// cargo's lines `test a::b ... FAILED` and `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub fn of_cargo(printed: &str) -> Self {
        let mut counts = Self::default();
        for line in printed
            .lines()
            .filter_map(|l| l.trim().strip_prefix("test "))
        {
            if let Some(name) = line.strip_suffix(" ... FAILED") {
                counts.failures.push(name.to_owned());
            }
            let Some(result) = line.strip_prefix("result:") else {
                continue;
            };
            let mut before = "";
            for word in result.split_whitespace() {
                let number = || before.parse::<u32>().unwrap_or_default();
                match word.trim_end_matches(';') {
                    "passed" => counts.passed += number(),
                    "failed" => counts.failed += number(),
                    "ignored" => counts.skipped += number(),
                    _ => {}
                }
                before = word;
            }
        }
        counts
    }

    /// The first `<testsuite …>` of a JUnit report, as pytest and surefire write it.
    pub fn of_junit(report: &str) -> Result<Self> {
        let suite = report
            .split_once("<testsuite ")
            .and_then(|(_, rest)| rest.split_once('>'))
            .map(|(attributes, _)| attributes)
            .ok_or("the test runner wrote no report")?;
        let number = |name| attribute(suite, name).and_then(|n| n.parse::<u32>().ok());
        let of = |name| number(name).unwrap_or_default();
        let (failed, skipped) = (of("failures") + of("errors"), of("skipped"));
        let failures = report.split("<testcase ").skip(1).filter_map(|case| {
            let bad = case.contains("<failure") || case.contains("<error");
            let place = attribute(case, "classname").unwrap_or_default();
            bad.then(|| format!("{place} {}", attribute(case, "name").unwrap_or_default()))
        });
        Ok(Self {
            passed: of("tests").saturating_sub(failed + skipped),
            failed,
            skipped,
            failures: failures.collect(),
        })
    }

    /// The summary that node's test runner ends with: `ℹ pass 12`, and `✖ name (1ms)` for each that failed.
    pub fn of_node(printed: &str) -> Self {
        let of = |word: &str| -> u32 {
            let lines = printed.lines().filter_map(|line| line.strip_prefix("ℹ "));
            lines
                .filter_map(|line| line.strip_prefix(word)?.trim().parse::<u32>().ok())
                .sum()
        };
        let listed = printed.split_once("✖ failing tests:");
        let failed = |line: &str| line.trim().strip_prefix("✖ ").map(str::to_owned);
        Self {
            passed: of("pass "),
            failed: of("fail ") + of("cancelled "),
            skipped: of("skipped ") + of("todo "),
            failures: listed.map_or_else(Vec::new, |(_, list)| {
                list.lines().filter_map(failed).collect()
            }),
        }
    }
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    // The first has no space before it.
    let rest = attributes.strip_prefix(&format!("{name}=\"")).or_else(|| {
        let found = attributes.split_once(&format!(" {name}=\""))?;
        Some(found.1)
    })?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u32, failed: u32, skipped: u32, failures: &[&str]) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
            failures: failures.iter().map(|&f| f.to_owned()).collect(),
        }
    }

    #[test]
    fn of_a_harness() {
        let printed = "noise\nFAILED go: it hangs\nconformance: 12 passed, 1 failed, 0 skipped\n";
        assert_eq!(
            Counts::of_harness(printed, "conformance: "),
            Some(counts(12, 1, 0, &["go: it hangs"]))
        );
        assert_eq!(Counts::of_harness("nothing", "conformance: "), None);
    }

    #[test]
    fn of_all_binaries_of_cargo() {
        let printed = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\
                       test a::b ... FAILED\ntest a::c ... ok\n\
                       test result: FAILED. 3 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Counts::of_cargo(printed), counts(5, 1, 4, &["a::b"]));
    }

    #[test]
    fn of_pytest() {
        let report = r#"<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="0.1"><testcase classname="tests.test_a" name="test_b" time="0.1"><failure message="x"/></testcase><testcase classname="tests.test_a" name="test_c"/></testsuite></testsuites>"#;
        let expected = counts(4, 3, 3, &["tests.test_a test_b"]);
        assert_eq!(Counts::of_junit(report).ok(), Some(expected));
        assert!(Counts::of_junit("").is_err());
    }

    #[test]
    fn of_surefire() {
        let report = r#"<testsuite xmlns:xsi="x" name="a" time="0.5" tests="18" errors="1" skipped="2" failures="3"><testcase name="t" classname="a.B"><error type="x"/></testcase></testsuite>"#;
        let expected = counts(12, 4, 2, &["a.B t"]);
        assert_eq!(Counts::of_junit(report).ok(), Some(expected));
    }

    #[test]
    fn of_node() {
        let printed = "✔ a (1ms)\n✖ b (2ms)\nℹ tests 4\nℹ pass 2\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n\
                       \n✖ failing tests:\n\ntest at x.mjs:1:1\n✖ b (2ms)\n  Error\n";
        assert_eq!(Counts::of_node(printed), counts(2, 1, 1, &["b (2ms)"]));
    }
}
