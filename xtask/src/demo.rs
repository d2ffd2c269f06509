//! `cargo xtask demo`: the server on its embedded default and the same quick start in every
//! language against it.

use std::{collections::BTreeMap, time::Instant};

use crate::{
    debian,
    languages::{self, Language},
    server::{self, Server},
    sh::Result,
};

/// What became of one language.
enum Outcome {
    Done {
        steps: BTreeMap<String, String>,
        order: Vec<String>,
        seconds: f64,
    },
    Missing(String),
    Failed(String),
}

/// Builds, starts, runs, prints, cleans up.
pub fn run() -> Result<()> {
    println!("Building the server and the SDKs' Rust …");
    let binary = server::build()?;
    let languages = languages::all();
    let mut outcomes = Vec::new();
    let mut ready = Vec::new();
    for language in &languages {
        let name = language.name();
        match debian::provide(language.as_ref()) {
            Err(how) => outcomes.push((name, Outcome::Missing(how.to_string()))),
            Ok(version) => {
                println!("Building the {name} SDK with {version} …");
                match language.build() {
                    Ok(()) => ready.push(language),
                    Err(error) => outcomes.push((name, Outcome::Failed(error.to_string()))),
                }
            }
        }
    }
    println!("Starting the server on an empty folder …");
    let server = Server::start(&binary)?;
    println!(
        "{} listens; the same quick start in {} languages:",
        server.base_url,
        ready.len()
    );
    for language in ready {
        println!("\n--- {}", language.name());
        outcomes.push((language.name(), quick_start(language.as_ref(), &server)));
    }
    server.stop()?;
    println!("\nThe server was stopped and its folder removed.\n");
    table(&languages, &outcomes)
}

fn quick_start(language: &dyn Language, server: &Server) -> Outcome {
    let since = Instant::now();
    let output = match language.example() {
        Ok(mut command) => server.configure(&mut command).output(),
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    match output {
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            print!("{text}");
            if !output.status.success() {
                return Outcome::Failed(format!(
                    "ended with {}: {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                ));
            }
            let lines = text.lines().filter_map(|l| l.split_once(": "));
            let steps: Vec<(String, String)> =
                lines.map(|(s, w)| (s.to_owned(), w.to_owned())).collect();
            Outcome::Done {
                order: steps.iter().map(|(s, _)| s.clone()).collect(),
                steps: steps.into_iter().collect(),
                seconds: since.elapsed().as_secs_f64(),
            }
        }
    }
}

fn table(languages: &[Box<dyn Language>], outcomes: &[(&str, Outcome)]) -> Result<()> {
    let steps: Vec<String> = outcomes
        .iter()
        .filter_map(|(_, o)| match o {
            Outcome::Done { order, .. } => Some(order.clone()),
            _ => None,
        })
        .max_by_key(Vec::len)
        .unwrap_or_default();
    print!("{:<10}", "language");
    for step in &steps {
        print!("{step:>14}");
    }
    println!("{:>10}", "seconds");
    let mut failed = 0;
    for language in languages {
        let name = language.name();
        let outcome = outcomes.iter().find(|(n, _)| *n == name).map(|(_, o)| o);
        print!("{name:<10}");
        match outcome {
            Some(Outcome::Done {
                steps: done,
                seconds,
                ..
            }) => {
                for step in &steps {
                    let ok = done.contains_key(step);
                    failed += u32::from(!ok);
                    print!("{:>14}", if ok { "ok" } else { "MISSING" });
                }
                println!("{seconds:>10.2}");
            }
            Some(Outcome::Missing(how)) => println!("  not run: {how}"),
            Some(Outcome::Failed(why)) => {
                failed += 1;
                println!("  FAILED: {}", why.trim());
            }
            None => failed += 1,
        }
    }
    if failed > 0 || steps.is_empty() {
        return Err("the quick start did not work in every language that is installed".into());
    }
    Ok(())
}
