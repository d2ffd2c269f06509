//! `cargo xtask test`: everything, stage by stage, with the minutes of each.

mod contract;
mod one_edit;
mod packaged;
mod tools;

use std::time::{Duration, Instant};

use crate::{
    adapters, cargo_test, conformance,
    counts::Counts,
    debian, generate, languages, leaks,
    sh::{self, Result},
    tidy, workspace,
};

/// How many failures of a stage the summary names: whoever sees only the end of the output has to
/// learn what failed.
const FAILURES_SHOWN_MAX: usize = 8;

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
        Ok(Counts::one())
    })
}

fn stages() -> Vec<Stage> {
    let mut stages = vec![
        check("toolchains", toolchains),
        check("generated files", || generate::run(true)),
        check("tidy", tidy::run),
        check("contract lint", contract::lint),
        check("build rust", workspace::build_tests),
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
                eprintln!("error: {error}");
                (failed(error.as_ref()), Some(error.to_string()))
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

/// What a stage that ended with an error had counted until then, if it said so.
fn failed(error: &(dyn std::error::Error + 'static)) -> Counts {
    let printed = error.downcast_ref::<sh::Failed>().map(|f| &f.output);
    let mut counts = printed
        .and_then(|output| {
            ["conformance: ", "leaks: ", "adapters: ", "contract: "]
                .iter()
                .find_map(|prefix| Counts::of_harness(output, prefix))
        })
        .unwrap_or_default();
    counts.failed = counts.failed.max(1);
    counts
}

fn summary(reports: &[Report]) -> Result<()> {
    println!(
        "\n{:<24}{:>9}{:>9}{:>9}{:>9}",
        "stage", "minutes", "passed", "failed", "skipped"
    );
    let mut total = Counts::default();
    for report in reports {
        let c = &report.counts;
        println!(
            "{:<24}{:>9.1}{:>9}{:>9}{:>9}",
            report.name,
            report.took.as_secs_f64() / 60.0,
            c.passed,
            c.failed,
            c.skipped
        );
        total += c.clone();
    }
    let minutes: f64 = reports.iter().map(|r| r.took.as_secs_f64() / 60.0).sum();
    println!("{:<24}{minutes:>9.1}", "all");
    for report in reports.iter().filter(|r| r.counts.failed > 0) {
        println!(
            "FAILED {}: {}",
            report.name,
            report.error.as_deref().unwrap_or_default()
        );
        let failures = &report.counts.failures;
        for failure in failures.iter().take(FAILURES_SHOWN_MAX) {
            println!("  {failure}");
        }
        if failures.len() > FAILURES_SHOWN_MAX {
            println!("  and {} more", failures.len() - FAILURES_SHOWN_MAX);
        }
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

/// The counts of a printed closing line `N passed, N failed, N skipped`.
fn counted(printed: Result<String>, prefix: &str) -> Result<Counts> {
    Counts::of_harness(&printed?, prefix)
        .ok_or_else(|| format!("no line `{prefix}N passed, …` was printed").into())
}
