//! The compiler's version, which is what a Rust program has for a runtime version in its User-Agent.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(compiler).arg("--version").output().ok();
    let text = said.and_then(|output| String::from_utf8(output.stdout).ok());
    // `rustc 1.95.0 (59807616e 2026-04-14)`
    let version = text
        .as_deref()
        .and_then(|text| text.split_whitespace().nth(1));
    let oldest = env::var("CARGO_PKG_RUST_VERSION").unwrap_or_default();
    println!(
        "cargo::rustc-env=AGENTIDP_RUSTC_VERSION={}",
        version.unwrap_or(&oldest)
    );
}
