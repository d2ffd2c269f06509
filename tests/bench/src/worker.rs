//! A Rust client under the referee's orders: one line in, one turn, one line out.

use std::{
    io::{BufRead as _, Write as _},
    time::Instant,
};

use crate::{
    Result, canned,
    clients::{Client, Name},
    machine::{Who, cpu_seconds, first_line},
    protocol::{Ready, Taken, Turn},
};

/// Works until standard input ends.
pub fn work(name: Name, base_url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let client = runtime.block_on(Client::new(name, base_url))?;
    say(&Ready {
        client: match name {
            Name::Core | Name::VerifyCore => {
                concat!("sentryagent-idp ", env!("CARGO_PKG_VERSION")).into()
            }
            Name::Reqwest => format!("reqwest {}", locked("reqwest")),
            Name::Jsonwebtoken => format!("jsonwebtoken {}", locked("jsonwebtoken")),
        },
        runtime: first_line("rustc", &["--version"]),
    })?;
    for line in std::io::stdin().lock().lines() {
        let turn: Turn = serde_json::from_str(&line?)?;
        say(&runtime.block_on(take(&client, turn))?)?;
    }
    Ok(())
}

async fn take(client: &Client, turn: Turn) -> Result<Taken> {
    let (began, cpu) = (Instant::now(), cpu_seconds(Who::This));
    let tasks: Vec<_> = (0..turn.in_flight)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let id = canned::id(0);
                for _ in 0..turn.calls / turn.in_flight {
                    client.call(turn.operation, &id).await?;
                }
                Result::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(Taken {
        seconds: began.elapsed().as_secs_f64(),
        cpu: cpu_seconds(Who::This) - cpu,
    })
}

/// The version of a package that Cargo.lock names.
fn locked(package: &str) -> &'static str {
    include_str!("../../../Cargo.lock")
        .split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("of an unknown version", |(version, _)| version)
}

fn say(what: &impl serde::Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}
