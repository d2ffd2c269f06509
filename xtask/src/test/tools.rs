//! Tools that the tests bring along, in locked versions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::sh::{self, Result};

const DENY_VERSION: &str = "0.20.2";

/// Installs a folder's npm packages when its lock file changed since the last time.
pub fn npm_ci(folder: &Path) -> Result<()> {
    let lock = fs::read_to_string(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == lock) {
        return Ok(());
    }
    sh::run(sh::cmd("npm", ["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(folder))?;
    fs::write(stamp, lock)?;
    Ok(())
}

/// A virtual environment with the packages of a requirements file.
pub fn venv(name: &str, requirements: &Path) -> Result<PathBuf> {
    let venv = sh::scratch("venvs")?.join(name);
    let wanted = fs::read_to_string(requirements)?;
    let stamp = venv.join(".installed-requirements");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == wanted) {
        return Ok(venv);
    }
    let path = venv.display().to_string();
    sh::run(&mut sh::cmd("python3", ["-m", "venv", "--clear", &path]))?;
    let python = venv.join("bin/python").display().to_string();
    let file = requirements.display().to_string();
    sh::run(&mut sh::cmd(
        &python,
        ["-m", "pip", "install", "--quiet", "--requirement", &file],
    ))?;
    fs::write(stamp, wanted)?;
    Ok(venv)
}

/// `cargo deny check bans licenses sources`; the advisory data base is asked by the release
/// workflow, which can reach it.
pub fn deny() -> Result<()> {
    let root = sh::scratch("cargo-deny")?;
    let binary = root.join("bin/cargo-deny");
    let installed = sh::version(&binary.display().to_string(), &["--version"]);
    if installed.is_none_or(|v| !v.contains(DENY_VERSION)) {
        let path = root.display().to_string();
        // The debug profile compiles in a third of the time and checks just the same.
        sh::run(&mut sh::cmd(
            "cargo",
            [
                "install",
                "--quiet",
                "--locked",
                "--debug",
                "cargo-deny",
                "--version",
                DENY_VERSION,
                "--root",
                &path,
            ],
        ))?;
    }
    sh::run(&mut sh::cmd(
        &binary.display().to_string(),
        [
            "--workspace",
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
    ))
}
