//! `cargo xtask test`: everything, stage by stage, with the minutes of each.

mod contract;
mod one_edit;
mod packaged;
mod tools;

use std::time::{Duration, Instant};

use crate::{
    adapters, cargo_test, conformance, debian, generate,
    languages::{self, Counts},
    leaks,
    sh::{self, Result},
    tidy,
};

/// One stage.
struct Stage {
    name: String,
    run: Box<dyn FnOnce() -> Result<Counts>>,
}

/// What became of a stage.
struct Report {
    name: String,
    counts: Counts,
    took: Duration,
    error: Option<String>,
}

fn stage(name: impl Into<String>, run: impl FnOnce() -> Result<Counts> + 'static) -> Stage {
    Stage {
        name: name.into(),
        run: Box::new(run),
    }
}

/// A stage that is one check: it holds or it does not.
fn check(name: impl Into<String>, run: impl FnOnce() -> Result<()> + 'static) -> Stage {
    stage(name, move || {
        run()?;
        Ok(Counts {
            passed: 1,
            ..Counts::default()
        })
    })
}

fn stages() -> Vec<Stage> {
    let mut stages = vec![
        check("toolchains", toolchains),
        check("generated files", || generate::run(true)),
        check("tidy", tidy::run),
        check("contract lint", contract::lint),
        check("build rust", build_rust),
    ];
    for language in languages::all() {
        let name = language.name();
        stages.push(stage(name, move || {
            language.build()?;
            language.lint()?;
            language.test()
        }));
    }
    stages.push(stage(
        "server on PostgreSQL",
        cargo_test::server_on_postgres,
    ));
    stages.push(stage("conformance", || {
        let printed = conformance::run(None, None, false);
        counted(printed, "conformance: ")
    }));
    stages.push(check("conformance can fail", || {
        conformance::run(None, None, true).map(|_| ())
    }));
    stages.push(stage("leaks", || {
        counted(leaks::run(leaks::SHORT_CALLS, None), "leaks: ")
    }));
    stages.push(stage("adapters", || {
        counted(adapters::run(None), "adapters: ")
    }));
    stages.push(stage("contract", contract::schemathesis));
    stages.push(stage("packaged", packaged::run));
    stages.push(check("one edit", one_edit::run));
    stages.push(check("licences and bans", tools::deny));
    stages
}

/// Runs the stages whose name contains `only`, all without it.
pub fn run(only: Option<&str>) -> Result<()> {
    let mut reports = Vec::new();
    for stage in stages()
        .into_iter()
        .filter(|s| only.is_none_or(|o| s.name.contains(o)))
    {
        println!("\n=== {}", stage.name);
        let since = Instant::now();
        let (counts, error) = match (stage.run)() {
            Ok(counts) => (counts, None),
            Err(error) => {
                let mut counts = error
                    .downcast_ref::<sh::Failed>()
                    .and_then(|f| {
                        find_counts(&f.output, "conformance: ")
                            .or_else(|| find_counts(&f.output, "leaks: "))
                            .or_else(|| find_counts(&f.output, "adapters: "))
                    })
                    .unwrap_or_default();
                counts.failed = counts.failed.max(1);
                eprintln!("error: {error}");
                (counts, Some(error.to_string()))
            }
        };
        reports.push(Report {
            name: stage.name,
            counts,
            took: since.elapsed(),
            error,
        });
    }
    summary(&reports)
}

fn summary(reports: &[Report]) -> Result<()> {
    println!(
        "\n{:<24}{:>9}{:>9}{:>9}{:>9}",
        "stage", "minutes", "passed", "failed", "skipped"
    );
    let mut total = Counts::default();
    for report in reports {
        let c = report.counts;
        println!(
            "{:<24}{:>9.1}{:>9}{:>9}{:>9}",
            report.name,
            report.took.as_secs_f64() / 60.0,
            c.passed,
            c.failed,
            c.skipped
        );
        total.passed += c.passed;
        total.failed += c.failed;
        total.skipped += c.skipped;
    }
    let minutes: f64 = reports.iter().map(|r| r.took.as_secs_f64() / 60.0).sum();
    println!("{:<24}{minutes:>9.1}", "all");
    for report in reports.iter().filter(|r| r.error.is_some()) {
        println!(
            "FAILED {}: {}",
            report.name,
            report.error.as_deref().unwrap_or_default()
        );
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    if total.failed == 0 {
        Ok(())
    } else {
        Err("some stages failed, see above".into())
    }
}

/// A missing toolchain is a failure here, unlike in `demo`.
fn toolchains() -> Result<()> {
    let mut missing = Vec::new();
    for language in languages::all() {
        match debian::provide(language.as_ref()) {
            Ok(version) => println!("{:<8} {version}", language.name()),
            Err(how) => missing.push(format!("{}: {how}", language.name())),
        }
    }
    if let Err(how) = debian::provide_services() {
        missing.push(how.to_string());
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(missing.join("; ").into())
    }
}

/// One build of the whole workspace, so that its dependencies are compiled with one set of
/// features and every later stage finds them.
fn build_rust() -> Result<()> {
    sh::run(&mut sh::cmd(
        "cargo",
        ["build", "--workspace", "--all-targets", "--quiet"],
    ))
}

/// The counts of a printed closing line `N passed, N failed, N skipped`.
fn counted(printed: Result<String>, prefix: &str) -> Result<Counts> {
    find_counts(&printed?, prefix)
        .ok_or_else(|| format!("no line `{prefix}N passed, …` was printed").into())
}

fn find_counts(text: &str, prefix: &str) -> Option<Counts> {
    let line = text
        .lines()
        .rev()
        .find_map(|l| l.trim().strip_prefix(prefix))?;
    let mut counts = Counts::default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_closing_line() {
        assert_eq!(
            find_counts(
                "noise\nconformance: 12 passed, 1 failed, 0 skipped\n",
                "conformance: "
            ),
            Some(Counts {
                passed: 12,
                failed: 1,
                skipped: 0
            })
        );
        assert_eq!(find_counts("nothing", "conformance: "), None);
    }
}
