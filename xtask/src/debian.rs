//! Toolchains, and servers that tests start, from Debian's packages, where there is apt-get and we are root.

use crate::{
    languages::Language,
    sh::{self, Result},
};

/// What brings a language's toolchain on Debian 12 or later. Its Go is older than what the SDK
/// needs, so Go is not here: the hint of [`Language::toolchain`] says where it comes from.
const PACKAGES: [(&str, &[&str]); 3] = [
    ("python", &["python3", "python3-venv"]),
    ("node", &["nodejs", "npm"]),
    ("java", &["openjdk-17-jdk-headless", "maven"]),
];

/// The toolchain's version, after installing it when that is needed and possible; otherwise a
/// sentence that says how to add it.
pub fn provide(language: &dyn Language) -> Result<String> {
    let missing = match language.toolchain() {
        Ok(version) => return Ok(version),
        Err(missing) => missing,
    };
    let packages = PACKAGES.iter().find(|(name, _)| *name == language.name());
    let Some((_, packages)) = packages.filter(|_| can_install()) else {
        return Err(missing);
    };
    println!(
        "{}: {missing}; installing {}",
        language.name(),
        packages.join(", ")
    );
    if let Err(error) = install(packages) {
        println!("{}: {error}", language.name());
        return Err(missing);
    }
    language.toolchain()
}

/// Servers that tests start, the program that shows that they are there, and the package that brings them.
const SERVICES: [(&str, &str, &str); 2] = [
    ("PostgreSQL", "initdb", "postgresql"),
    ("Redis", "redis-server", "redis-server"),
];

/// What runs the tests' PostgreSQL and Redis, after installing it when that is needed and possible;
/// otherwise a sentence that says how to add it.
pub fn provide_services() -> Result<()> {
    for (name, program, package) in SERVICES {
        if is_there(program) {
            continue;
        }
        let missing = format!("{name} is missing; on Debian: apt-get install --yes {package}");
        if !can_install() {
            return Err(missing.into());
        }
        println!("{missing}");
        install(&[package])?;
    }
    Ok(())
}

/// In the path, or where Debian keeps the programs of PostgreSQL.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    std::env::split_paths(&path)
        .chain(debian.filter_map(|entry| Some(entry.ok()?.path().join("bin"))))
        .any(|folder| folder.join(program).exists())
}

fn can_install() -> bool {
    // SAFETY: a plain system call without arguments.
    let root = unsafe { libc::geteuid() } == 0;
    root && sh::version("apt-get", &["--version"]).is_some()
}

fn install(packages: &[&str]) -> Result<()> {
    apt_get(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    sh::run(sh::cmd("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}
