//! The yardsticks: what one core signs, how long the disk takes, which versions are there.

use std::{fs::File, io::Write as _, path::Path, process::Command, time::Instant};

use tempfile::TempDir;

use crate::{
    Result,
    machine::{self, Who},
    stats::spread,
};

/// Processes that sign at once: one for each of the two cores that the targets are for.
const SIGNERS: &str = "2";
/// Writes whose median is taken.
const WRITES: usize = 200;
/// Bytes of such a write: a page of the database's log.
const PAGE: [u8; 4096] = [0x5a; 4096];

/// A folder that is removed at the end: in memory, or below the folder for temporary files.
pub fn folder(parent: Option<&Path>) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("agentidp-bench-");
    let made = match parent {
        Some(parent) => builder.tempdir_in(parent),
        None => builder.tempdir(),
    };
    Ok(made?)
}

/// RSA signatures of 2048 bits that one core makes a second while all make some, by `openssl speed`.
pub fn signing() -> Result<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-multi", SIGNERS, "-seconds", "2", "rsa2048"])
        .output()
        .map_err(|e| format!("cannot run openssl: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = signatures(&text).ok_or_else(|| format!("openssl speed said: {text}"))?;
    Ok(rate / SIGNERS.parse::<f64>()?)
}

/// `sign/s` of the table's row; columns differ between versions.
fn signatures(text: &str) -> Option<f64> {
    let names = text.lines().find(|line| line.contains("sign/s"))?;
    let place = names.split_whitespace().position(|name| name == "sign/s")?;
    let row = text.lines().find_map(|line| {
        let line = line.trim_start().strip_prefix("rsa")?;
        line.trim_start().strip_prefix("2048 bits")
    })?;
    row.split_whitespace().nth(place)?.parse().ok()
}

/// Microseconds that a small write takes to be durable in that folder.
pub fn durable(folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("durable"))?;
    let mut micros = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let since = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        micros.push(since.elapsed().as_secs_f64() * 1e6);
    }
    Ok(spread(micros).median)
}

/// Cores that neither we nor what we started used. The servers have ended; PostgreSQL and Redis count as others'.
pub fn others(before: Option<f64>, seconds: f64, generator: f64) -> Option<f64> {
    let ours = machine::cpu_seconds(Who::This) + machine::cpu_seconds(Who::Children) + generator;
    let all = machine::busy_seconds()? - before?;
    Some((all - ours).max(0.0) / seconds)
}

/// Of what takes part.
pub fn versions() -> Vec<String> {
    let postgres = machine::first_line("psql", &["--version"]);
    let redis = machine::first_line("redis-server", &["--version"]);
    let redis = redis
        .split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ");
    let openssl = machine::first_line("openssl", &["version"]);
    let openssl = openssl.split(" (").next().unwrap_or_default().to_owned();
    let rustc = machine::first_line("rustc", &["--version"]);
    [rustc, postgres, redis, openssl]
        .into_iter()
        .filter(|version| !version.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_signatures_in_the_tables_of_both_versions() {
        let three = "                  sign    verify    sign/s verify/s\nrsa 2048 bits 0.000179s 0.000012s   5584.0  84431.7\n";
        assert_eq!(signatures(three), Some(5584.0));
        let later = "                   sign    verify    encrypt   decrypt   sign/s verify/s  encr./s  decr./s\nrsa  2048 bits 0.000246s 0.000007s 0.000008s 0.000250s   4065.0 142857.1 125000.0 4000.0\n";
        assert_eq!(signatures(later), Some(4065.0));
        assert_eq!(signatures("nothing"), None);
    }
}
