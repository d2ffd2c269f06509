//! Rust: the core crate itself. Its `test` and `lint` cover every crate of the workspace.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Language, Runner};
use crate::{
    cargo_test,
    counts::Counts,
    server,
    sh::{self, Result},
    workspace,
};

const PACKAGE: &str = "sentryagent-idp";

/// The Rust SDK.
pub struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn toolchain(&self) -> Result<String> {
        sh::version("rustc", &["--version"])
            .ok_or_else(|| "no Rust toolchain: install it from https://rustup.rs".into())
    }

    fn build(&self) -> Result<()> {
        workspace::build()
    }

    fn lint(&self) -> Result<()> {
        sh::run(&mut sh::cmd("cargo", ["fmt", "--all", "--check"]))?;
        let clippy = ["clippy", "--locked", "--workspace", "--all-targets"];
        sh::run(sh::cmd("cargo", clippy).args(["--", "-D", "warnings"]))
    }

    fn test(&self) -> Result<Counts> {
        let mut command = sh::cmd(
            "cargo",
            ["test", "--locked", "--workspace", "--no-fail-fast"],
        );
        // The example's test starts a mock server.
        cargo_test::run(command.env("AGENTIDP_BIN", server::build()?))
    }

    fn package(&self) -> Result<PathBuf> {
        // Verified by `packaged`, which builds a user of the package.
        let arguments = [
            "package",
            "--locked",
            "--no-verify",
            "--allow-dirty",
            "-p",
            PACKAGE,
        ];
        sh::run(&mut sh::cmd("cargo", arguments))?;
        let name = format!("{PACKAGE}-{}.crate", env!("CARGO_PKG_VERSION"));
        let dist = sh::root().join("dist");
        fs::create_dir_all(&dist)?;
        let artefact = dist.join(&name);
        fs::copy(sh::target().join("package").join(&name), &artefact)?;
        Ok(artefact)
    }

    fn packaged(&self) -> Result<Command> {
        let artefact = sh::root()
            .join("dist")
            .join(format!("{PACKAGE}-{}.crate", env!("CARGO_PKG_VERSION")));
        let place = sh::scratch("rust-packaged")?;
        fs::remove_dir_all(&place)?;
        let consumer = place.join("consumer");
        fs::create_dir_all(consumer.join("src"))?;
        sh::run(
            sh::cmd("tar", ["-xzf"])
                .arg(&artefact)
                .arg("-C")
                .arg(&place),
        )?;
        write_consumer(&consumer)?;
        // The workspace's target folder: what the two have in common is built once.
        let mut build = sh::cmd("cargo", ["build", "--manifest-path"]);
        build
            .arg(consumer.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(sh::target());
        sh::run(&mut build)?;
        Ok(Command::new(workspace::program("quickstart-packaged")))
    }

    fn example(&self) -> Result<Command> {
        Ok(Command::new(workspace::program("quickstart")))
    }

    fn runners(&self) -> Result<Vec<Runner>> {
        Ok(vec![Runner {
            name: "rust",
            command: Command::new(workspace::program("conformance-runner-rust")),
        }])
    }

    fn adapters(&self) -> Result<Vec<Runner>> {
        Ok(vec![Runner {
            name: "rust-axum",
            command: Command::new(workspace::program("verify-axum")),
        }])
    }
}

/// A project outside of the workspace that uses the unpacked crate, with the example's source and
/// the workspace's locked versions.
fn write_consumer(consumer: &Path) -> Result<()> {
    let manifest = format!(
        "[package]\nname = \"quickstart-packaged\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\n{PACKAGE} = {{ path = \"../{PACKAGE}-{}\" }}\n\
         tokio = {{ version = \"1\", features = [\"rt\", \"macros\"] }}\n\n[workspace]\n",
        env!("CARGO_PKG_VERSION")
    );
    fs::write(consumer.join("Cargo.toml"), manifest)?;
    fs::copy(sh::root().join("Cargo.lock"), consumer.join("Cargo.lock"))?;
    let example = sh::root().join("examples/rust/src/main.rs");
    fs::copy(example, consumer.join("src/main.rs"))?;
    Ok(())
}
