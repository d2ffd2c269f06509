//! Judges the verifier's adapters of every language: the same issuer, the same tokens, the same answers.
//!
//! Owns: the issuer, the tokens, the judging. Refuses: any knowledge of a language; an adapter is a
//! program that reads ISSUER, AUDIENCE and PORT, says `listening on http://…`, serves `/reports` (scope
//! `agents:read`) and `/open`, and ends on SIGTERM.

mod adapter;
mod checks;
mod issuer;
mod mint;
#[cfg(test)]
mod tests;
mod tokens;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use reqwest::Client;

use adapter::Adapter;
use checks::{Checked, Judge, checked};
use issuer::Issuer;

/// A fault is one sentence.
type Result<T> = std::result::Result<T, String>;

/// One request's time.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How often a good token is sent, half a second apart, until an adapter has found its issuer again.
const RECOVERY_TRIES: u32 = 40;

#[derive(Parser)]
struct Args {
    /// An adapter: `name=["program","argument"]`.
    #[arg(long = "adapter")]
    adapters: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    // The process-global default is only for this judge's own plain-HTTP client.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(&Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<bool> {
    let http = Client::builder()
        .no_proxy()
        .timeout(ANSWER_MAX)
        .build()
        .map_err(|e| e.to_string())?;
    let (mut passed, mut failed) = (0, 0);
    for given in &args.adapters {
        let (name, command) = given.split_once('=').ok_or("--adapter is name=[command]")?;
        let command: Vec<String> =
            serde_json::from_str(command).map_err(|e| format!("{name}: {e}"))?;
        let outcomes = judge(name, &command, &http).await;
        let good = outcomes.iter().filter(|o| o.result.is_ok()).count();
        println!("{name:<18}{good} of {}", outcomes.len());
        for outcome in &outcomes {
            if let Err(why) = &outcome.result {
                println!("FAILED {name}: {}: {why}", outcome.name);
            }
        }
        passed += good;
        failed += outcomes.len() - good;
    }
    println!("adapters: {passed} passed, {failed} failed, 0 skipped");
    Ok(failed == 0)
}

/// Everything about one adapter.
async fn judge(name: &str, command: &[String], http: &Client) -> Vec<Checked> {
    let mut list = Vec::new();
    match well(name, command, http).await {
        Ok(checks) => list.extend(checks),
        Err(e) => list.push(checked("starts", Err(e))),
    }
    list.push(checked(
        "no keys to be had",
        away(name, command, http).await,
    ));
    list
}

/// With an issuer that answers.
async fn well(name: &str, command: &[String], http: &Client) -> Result<Vec<Checked>> {
    let issuer = Issuer::start().await?;
    let adapter = Adapter::start(command, issuer.url(), tokens::AUDIENCE).await?;
    let mut list = judge_of(name, &adapter.url, &issuer, http).all().await;
    list.push(checked("ends on SIGTERM", adapter.stop().await));
    Ok(list)
}

/// With an issuer that comes to life only later.
async fn away(name: &str, command: &[String], http: &Client) -> Result<()> {
    let issuer = Issuer::start().await?;
    issuer.set_broken(true);
    let adapter = Adapter::start(command, issuer.url(), tokens::AUDIENCE).await?;
    let judge = judge_of(name, &adapter.url, &issuer, http);
    judge.without_keys().await?;
    issuer.set_broken(false);
    for _ in 0..RECOVERY_TRIES {
        if judge.good_status().await? == 200 {
            return adapter.stop().await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err("it did not recover when the issuer came back".to_owned())
}

fn judge_of<'a>(name: &str, url: &'a str, issuer: &'a Issuer, http: &'a Client) -> Judge<'a> {
    Judge {
        http,
        url,
        issuer,
        // Spring Security's own entry points answer without a body.
        own_bodies: name.ends_with("-spring"),
    }
}
