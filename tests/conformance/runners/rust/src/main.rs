//! The Rust conformance runner: one JSON request a line on standard input, one JSON answer a line on
//! standard output, in any order. The cases, and the judgement, belong to the host.

#[allow(dead_code)] // what of it is used depends on the contract
mod args;
mod generated;
mod logs;
mod request;
mod runner;
mod shown;

use std::io::BufRead as _;

use serde_json::{Value, json};
use tokio::{sync::mpsc, task::LocalSet};

use crate::{
    args::Fault,
    request::Request,
    runner::{Runner, answer},
};

fn main() -> std::io::Result<()> {
    logs::install();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    println!(
        "{}",
        json!({"ready": {"language": "rust", "mode": "async", "version": env!("CARGO_PKG_RUST_VERSION")}})
    );
    let (lines, mut requests) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let runner = Runner::default();
        while let Some(line) = requests.recv().await {
            let Ok(request) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            let id = request["id"].as_u64().unwrap_or_default();
            let verb = request["do"].as_str().unwrap_or_default().to_owned();
            match serde_json::from_value(request) {
                Ok(Request::Exit) => break,
                Ok(request) => runner.take(id, request),
                Err(e) if e.to_string().starts_with("unknown variant") => {
                    answer(id, Err(Fault::unknown_verb(&verb)));
                }
                Err(e) => answer(id, Err(Fault::said(&e.to_string()))),
            }
        }
    });
    Ok(())
}
