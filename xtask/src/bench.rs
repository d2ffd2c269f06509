//! `cargo xtask bench`: builds what is measured with the release profile, installs wheel and peers
//! below target/, and lets `tests/bench` do the rest.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    languages,
    sh::{self, Result},
};

/// The part that measures the server; it has a page of its own.
const SERVER: &str = "server";

/// Runs everything but the server's part and writes `docs/benchmarks.md`; of a part (`only`) what it needs is built, and it is
/// printed and not written.
pub fn run(rounds: u32, only: Option<&str>) -> Result<()> {
    sh::run(&mut sh::cmd(
        "cargo",
        ["build", "--release", "--locked", "--package", "bench"],
    ))?;
    if only == Some(SERVER) {
        return server(rounds);
    }
    let mut bench = sh::cmd(
        &sh::target().join("release/bench").to_string_lossy(),
        ["run", "--rounds", &rounds.to_string()],
    );
    let wanted = |language: &str| only.is_none_or(|only| only.contains(language));
    if wanted("python") {
        // A wheel of another state of the tree would be measured under this one's name.
        let wheel = languages::named("python")?.package()?;
        bench.arg("--python").arg(environment(&wheel)?);
        bench
            .arg("--workers")
            .arg(sh::root().join("tests/bench/python"));
    }
    if wanted("node") {
        let node = project(&languages::named("node")?.package()?)?;
        bench.arg("--node-workers").arg(node);
    }
    if wanted("go") {
        let workers = languages::go::bench_workers()?;
        let (variable, library) = workers.library;
        bench.arg("--go-worker").arg(workers.purego);
        bench.arg("--go-cgo-worker").arg(workers.cgo);
        bench.env(variable, library);
    }
    if wanted("java") {
        bench
            .arg("--java-worker")
            .arg(languages::java::bench_worker()?);
    }
    match only {
        Some(only) => bench.args(["--only", only]),
        None => bench
            .args([
                "--shown-command",
                &format!("cargo xtask bench --rounds {rounds}"),
            ])
            .arg("--report")
            .arg(sh::root().join("docs/benchmarks.md")),
    };
    sh::run(&mut bench)
}

/// Measures the release binary and writes `docs/benchmarks-server.md`.
fn server(rounds: u32) -> Result<()> {
    sh::run(&mut sh::cmd(
        "cargo",
        [
            "build",
            "--release",
            "--locked",
            "--package",
            "agentidp-server",
        ],
    ))?;
    let release = sh::target().join("release");
    let shown = format!("cargo xtask bench --only {SERVER} --rounds {rounds}");
    let mut bench = sh::cmd(
        &release.join("bench").to_string_lossy(),
        ["served", "--rounds", &rounds.to_string()],
    );
    bench
        .args(["--shown-command", &shown, "--server"])
        .arg(release.join("agentidp"))
        .arg("--report")
        .arg(sh::root().join("docs/benchmarks-server.md"));
    sh::run(&mut bench)
}

/// A virtual environment with the pinned peers and this wheel; returns its interpreter.
fn environment(wheel: &Path) -> Result<PathBuf> {
    let requirements = sh::root().join("tests/bench/requirements.txt");
    let venv = sh::scratch("bench")?.join("venv");
    let python = venv.join("bin/python");
    let wanted = fs::read_to_string(&requirements)?;
    let stamp = venv.join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        eprintln!("the peers are installed");
    } else {
        let base = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        sh::run(sh::cmd(&base, ["-m", "venv", "--clear"]).arg(&venv))?;
        sh::run(pip(&python).arg("-r").arg(&requirements))?;
        fs::write(stamp, wanted)?;
    }
    let mut install = pip(&python);
    install.args(["--no-index", "--no-deps", "--force-reinstall"]);
    sh::run(install.arg(wheel))?;
    Ok(python)
}

/// A project with the pinned peers, this package and the worker; returns its folder.
fn project(package: &Path) -> Result<PathBuf> {
    let project = sh::scratch("bench")?.join("node");
    fs::create_dir_all(&project)?;
    for entry in fs::read_dir(sh::root().join("tests/bench/node"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), project.join(entry.file_name()))?;
        }
    }
    let npm = |command: &str| {
        let mut npm = sh::cmd("npm", [command, "--ignore-scripts", "--no-audit"]);
        npm.args(["--no-fund", "--loglevel=error", "--prefer-offline"])
            .current_dir(&project);
        npm
    };
    sh::run(&mut npm("ci"))?;
    sh::run(npm("install").arg("--no-save").arg(package))?;
    Ok(project)
}

fn pip(python: &Path) -> Command {
    sh::cmd(
        &python.to_string_lossy(),
        [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ],
    )
}
