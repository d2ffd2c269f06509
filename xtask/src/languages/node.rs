//! Node.

mod files;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Language, Runner};
use crate::{
    counts::Counts,
    server,
    sh::{self, Failed, Result},
    workspace,
};
use files::{empty, link, newest_tarball, place_native, staged};

const PACKAGE: &str = "@sentryagent/idp-sdk";
const FOLDER: &str = "bindings/node";
const EXAMPLE: &str = "examples/node";
const RUNNER: &str = "tests/conformance/runners/node";
const BENCH: &str = "tests/bench/node";

/// The verifier's adapters, each an example `verify-<adapter>` with a lock of its own.
const ADAPTERS: [(&str, &str); 3] = [
    ("node-express", "verify-express"),
    ("node-fastify", "verify-fastify"),
    ("node-hono", "verify-hono"),
];

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
        install(&folder())?;
        compile()?;
        workspace::build()?;
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
        let adapters = ADAPTERS.map(|(_, folder)| format!("{EXAMPLE}/{folder}"));
        for place in adapters
            .iter()
            .map(String::as_str)
            .chain([EXAMPLE, RUNNER, BENCH])
        {
            for file in scripts(&sh::root().join(place), ".mjs")? {
                prettier.arg(file);
            }
        }
        sh::run(&mut prettier)?;
        Ok(())
    }

    fn test(&self) -> Result<Counts> {
        let mut files = scripts(&folder().join("test"), ".test.mjs")?;
        files.extend(scripts(&sh::root().join(EXAMPLE), ".test.mjs")?);
        let mut command = Command::new("node");
        // Garbage is collected where a test asks for it: a lost logger, memory that does not grow.
        command
            .args(["--expose-gc", "--test", "--test-reporter=spec"])
            .args(files)
            .env("AGENTIDP_BIN", server::build()?)
            .current_dir(folder());
        match sh::tee(&mut command) {
            Ok(text) => Ok(Counts::of_node(&text)),
            Err(error) => match error.downcast::<Failed>() {
                Ok(failed) => Ok(Counts::of_node(&failed.output)),
                Err(error) => Err(error),
            },
        }
    }

    fn package(&self) -> Result<PathBuf> {
        install(&folder())?;
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

    fn adapters(&self) -> Result<Vec<Runner>> {
        let mut runners = Vec::new();
        for (name, example) in ADAPTERS {
            let example = format!("{EXAMPLE}/{example}");
            install(&sh::root().join(&example))?;
            runners.push(Runner {
                name,
                command: sh::cmd("node", [format!("{example}/server.mjs")]),
            });
        }
        Ok(runners)
    }
}

/// The scripts right in that folder whose names end so.
fn scripts(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    found.sort();
    Ok(found)
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

/// `npm ci` in a project, unless what is installed there came from this very lock.
fn install(project: &Path) -> Result<()> {
    let lock = fs::read(project.join("package-lock.json"))?;
    let stamp = project.join("node_modules/.installed-from-lock");
    if fs::read(&stamp).is_ok_and(|found| found == lock) {
        return Ok(());
    }
    let mut ci = Command::new("npm");
    ci.args(["ci", "--prefer-offline", "--ignore-scripts"])
        .args(["--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(project);
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
