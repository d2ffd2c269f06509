//! `cargo xtask test`: everything, stage by stage, with the minutes of each.

mod contract;
mod documentation;
mod one_edit;
mod packaged;
mod report;
mod tools;

use std::time::Instant;

use self::report::{Attempt, Report};
use crate::{
    adapters, cargo_test, conformance,
    counts::Counts,
    debian, generate, languages, leaks,
    sh::{self, Result},
    tidy, workspace,
};

/// One stage.
struct Stage {
    name: String,
    run: Box<dyn Fn() -> Result<Counts>>,
}

fn stage(name: impl Into<String>, run: impl Fn() -> Result<Counts> + 'static) -> Stage {
    Stage {
        name: name.into(),
        run: Box::new(run),
    }
}

/// A stage that is one check: it holds or it does not.
fn check(name: impl Into<String>, run: impl Fn() -> Result<()> + 'static) -> Stage {
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
    stages.push(check("documentation", documentation::run));
    stages.push(check("one edit", one_edit::run));
    stages.push(check("licences and bans", tools::deny));
    stages
}

/// Runs the stages whose name contains `only`, all without it.
///
/// Of a whole run the stages that failed run once more at its end: a registry that did not answer or
/// a disk that stood still says nothing about the tree. What passes only then is named as unstable.
pub fn run(only: Option<&str>) -> Result<()> {
    let stages: Vec<Stage> = stages()
        .into_iter()
        .filter(|s| only.is_none_or(|o| s.name.contains(o)))
        .collect();
    let mut reports: Vec<Report> = stages
        .iter()
        .map(|stage| {
            println!("\n=== {}", stage.name);
            Report::new(stage.name.clone(), attempt(stage))
        })
        .collect();
    if only.is_none() {
        for (stage, report) in stages.iter().zip(&mut reports) {
            if report.failed() {
                println!("\n=== {}, once more", stage.name);
                report.add(attempt(stage));
            }
        }
    }
    print!("{}", report::summary(&reports));
    if reports.iter().any(Report::failed) {
        Err("some stages failed, see above".into())
    } else {
        Ok(())
    }
}

fn attempt(stage: &Stage) -> Attempt {
    let since = Instant::now();
    let (counts, error) = match (stage.run)() {
        Ok(counts) => (counts, None),
        Err(error) => {
            eprintln!("error: {error}");
            (failed(error.as_ref()), Some(error.to_string()))
        }
    };
    Attempt {
        counts,
        took: since.elapsed(),
        error,
    }
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
