//! Node.

use std::{
    env::consts,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Counts, Language, Runner};
use crate::sh::{self, Failed, Result};

const PACKAGE: &str = "@sentryagent/idp-sdk";
const FOLDER: &str = "bindings/node";
const EXAMPLE: &str = "examples/node";
const RUNNER: &str = "tests/conformance/runners/node";

/// The oldest Node that the tools here (not the package, which takes 18) run on.
const MAJOR_MIN: u32 = 20;

/// The Node SDK.
pub struct Node;

impl Language for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn toolchain(&self) -> Result<String> {
        let how =
            "install Node.js 20 or later with npm (nodejs.org, or your distribution's package)";
        let version = sh::version("node", &["--version"]).ok_or(how)?;
        let npm = sh::version("npm", &["--version"]).ok_or(how)?;
        let major = version
            .trim_start_matches('v')
            .split('.')
            .next()
            .and_then(|m| m.parse::<u32>().ok());
        if major.is_none_or(|m| m < MAJOR_MIN) {
            return Err(format!("Node.js {version} is too old: {how}").into());
        }
        Ok(format!("Node.js {version}, npm {npm}"))
    }

    fn build(&self) -> Result<()> {
        install()?;
        compile()?;
        sh::run(&mut sh::cmd(
            "cargo",
            ["build", "--quiet", "--package", "agentidp-node"],
        ))?;
        place_native(&sh::target().join("debug"), &folder())?;
        for user in [EXAMPLE, RUNNER] {
            link(&sh::root().join(user))?;
        }
        Ok(())
    }

    fn lint(&self) -> Result<()> {
        for args in [
            &["eslint", ".", "--max-warnings=0"][..],
            &["prettier", "--check", "--log-level=warn", "."],
            &["tsc", "--project", "tsconfig.check.json"],
        ] {
            sh::run(&mut tool(args))?;
        }
        // What lies outside of the package is formatted alike, by name: generated files are not.
        let mut prettier = tool(&["prettier", "--check", "--log-level=warn"]);
        prettier.args(["--config", ".prettierrc.json"]);
        for file in [
            format!("{EXAMPLE}/quickstart.mjs"),
            format!("{RUNNER}/runner.mjs"),
            format!("{RUNNER}/state.mjs"),
            format!("{RUNNER}/verbs.mjs"),
        ] {
            prettier.arg(sh::root().join(file));
        }
        sh::run(&mut prettier)?;
        Ok(())
    }

    fn test(&self) -> Result<Counts> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder().join("test"))?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
            .collect();
        files.sort();
        let mut command = Command::new("node");
        command
            .args(["--test", "--test-reporter=spec"])
            .args(files)
            .current_dir(folder());
        match sh::tee(&mut command) {
            Ok(text) => Ok(counts(&text)),
            Err(error) => match error.downcast::<Failed>() {
                Ok(failed) => Ok(counts(&failed.output)),
                Err(error) => Err(error),
            },
        }
    }

    fn package(&self) -> Result<PathBuf> {
        install()?;
        compile()?;
        sh::run(&mut sh::cmd(
            "cargo",
            [
                "build",
                "--release",
                "--quiet",
                "--package",
                "agentidp-node",
            ],
        ))?;
        let staged = staged()?;
        place_native(&sh::target().join("release"), &staged)?;
        let dist = sh::root().join("dist");
        fs::create_dir_all(&dist)?;
        let mut pack = Command::new("npm");
        pack.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
            .arg(&dist)
            .current_dir(&staged);
        let printed = sh::output(&mut pack)?;
        let name = printed
            .lines()
            .last()
            .ok_or("npm pack did not print a file name")?;
        Ok(dist.join(name.trim()))
    }

    fn packaged(&self) -> Result<Command> {
        let tarball = newest_tarball()?;
        let project = empty(&sh::scratch("node")?.join("packaged"))?;
        for file in ["package.json", "quickstart.mjs"] {
            fs::copy(sh::root().join(EXAMPLE).join(file), project.join(file))?;
        }
        let mut install = Command::new("npm");
        // Nothing but the tarball is needed: what would ask a registry fails.
        install
            .args([
                "install",
                "--offline",
                "--no-package-lock",
                "--ignore-scripts",
            ])
            .args([
                "--no-audit",
                "--no-fund",
                "--save=false",
                "--loglevel=error",
            ])
            .arg(&tarball)
            .current_dir(&project);
        sh::run(&mut install)?;
        let mut command = Command::new("node");
        command.arg("quickstart.mjs").current_dir(&project);
        Ok(command)
    }

    fn example(&self) -> Result<Command> {
        Ok(sh::cmd("node", [format!("{EXAMPLE}/quickstart.mjs")]))
    }

    fn runners(&self) -> Result<Vec<Runner>> {
        Ok(vec![Runner {
            name: "node",
            command: sh::cmd("node", [format!("{RUNNER}/runner.mjs")]),
        }])
    }
}

fn folder() -> PathBuf {
    sh::root().join(FOLDER)
}

/// A locked tool of `node_modules`.
fn tool(args: &[&str]) -> Command {
    let mut command = Command::new("node");
    let mut args = args.iter();
    if let Some(name) = args.next() {
        command.arg(folder().join("node_modules").join(entry(name)));
    }
    command.args(args).current_dir(folder());
    command
}

/// The script of a tool: run by `node` itself, which costs less than npx and needs no shell.
fn entry(tool: &str) -> &'static str {
    match tool {
        "eslint" => "eslint/bin/eslint.js",
        "prettier" => "prettier/bin/prettier.cjs",
        _ => "typescript/bin/tsc",
    }
}

/// `npm ci`, unless what is installed came from this very lock.
fn install() -> Result<()> {
    let lock = fs::read(folder().join("package-lock.json"))?;
    let stamp = folder().join("node_modules/.installed-from-lock");
    if fs::read(&stamp).is_ok_and(|found| found == lock) {
        return Ok(());
    }
    let mut ci = Command::new("npm");
    ci.args(["ci", "--prefer-offline", "--ignore-scripts"])
        .args(["--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder());
    sh::run(&mut ci)?;
    Ok(fs::write(stamp, lock)?)
}

/// TypeScript to `dist/`, from nothing: a section that went away leaves no file behind. Swapped in
/// when it is whole, so that nobody imports half of it.
fn compile() -> Result<()> {
    let new = empty(&folder().join("dist.new"))?;
    let dist = folder().join("dist");
    sh::run(&mut tool(&[
        "tsc",
        "--project",
        "tsconfig.json",
        "--outDir",
        "dist.new",
    ]))?;
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    Ok(fs::rename(new, dist)?)
}

/// What `npm pack` packs, apart from the tree so that its development build stays there.
fn staged() -> Result<PathBuf> {
    let staged = empty(&sh::scratch("node")?.join("package"))?;
    fs::copy(folder().join("package.json"), staged.join("package.json"))?;
    fs::copy(sh::root().join("LICENSE"), staged.join("LICENSE"))?;
    fs::copy(folder().join("README.md"), staged.join("README.md"))?;
    copy_folder(&folder().join("dist"), &staged.join("dist"))?;
    Ok(staged)
}

/// Puts the library that cargo built where the loader looks. Renamed into place: a running process
/// may have the old file mapped.
fn place_native(built: &Path, package: &Path) -> Result<()> {
    let library = format!("{}agentidp_node{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
    let native = package.join("native");
    fs::create_dir_all(&native)?;
    let name = format!("agentidp.{}.node", platform());
    let new = native.join(format!("{name}.new"));
    fs::copy(built.join(library), &new)?;
    Ok(fs::rename(new, native.join(name))?)
}

/// As Node names it: `linux-x64-gnu`.
fn platform() -> String {
    let os = match consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let arch = match consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let libc = match consts::OS {
        "linux" if cfg!(target_env = "musl") => "-musl",
        "linux" => "-gnu",
        "windows" => "-msvc",
        _ => "",
    };
    format!("{os}-{arch}{libc}")
}

/// Lets programs in `user` import the package from the tree: what npm does for a `file:` dependency,
/// without the development dependencies that it would install too.
fn link(user: &Path) -> Result<()> {
    let link = user.join("node_modules").join(PACKAGE);
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder(), &link)?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(folder(), &link)?;
    Ok(())
}

fn newest_tarball() -> Result<PathBuf> {
    let dist = sh::root().join("dist");
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(&dist)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("sentryagent-idp-sdk-") && name.ends_with(".tgz") {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    let (_, tarball) = found
        .pop()
        .ok_or("no npm tarball in dist/: package it first")?;
    Ok(tarball)
}

fn empty(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    fs::create_dir_all(path)?;
    Ok(path.to_path_buf())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The summary that node's test runner ends with: `ℹ pass 12`.
fn counts(report: &str) -> Counts {
    let of = |word: &str| {
        report
            .lines()
            .filter_map(|line| {
                line.strip_prefix("ℹ ")?
                    .strip_prefix(word)?
                    .trim()
                    .parse::<u32>()
                    .ok()
            })
            .sum()
    };
    Counts {
        passed: of("pass "),
        failed: of("fail ") + of("cancelled "),
        skipped: of("skipped ") + of("todo "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_summary_of_a_test_run() {
        let report =
            "✔ a (1ms)\nℹ tests 4\nℹ pass 2\nℹ fail 1\nℹ cancelled 0\nℹ skipped 1\nℹ todo 0\n";
        let Counts {
            passed,
            failed,
            skipped,
        } = counts(report);
        assert_eq!((passed, failed, skipped), (2, 1, 1));
    }
}
