//! Go: the module in the tree loads the library that cargo built; the published form carries it.

mod package;

use std::{
    env::consts,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{Language, Runner};
use crate::{
    counts::Counts,
    sh::{self, Result},
    workspace,
};

const MODULE: &str = "bindings/go";
const EXAMPLE: &str = "examples/go";
const RUNNER: &str = "tests/conformance/runners/go";
const WORKER: &str = "tests/bench/go";

/// Below the example.
const ADAPTER: &str = "verify-nethttp";

/// The oldest Go that the module takes.
const MINOR_MIN: u32 = 23;

/// Names the library that the module loads instead of a bundled one.
const LIBRARY_VARIABLE: &str = "AGENTIDP_LIBRARY";

/// What a program links in that is built with cgo.
const STATIC_LIBRARY: &str = "libagentidp.a";

/// Names the server that tests start.
const SERVER_VARIABLE: &str = "AGENTIDP_BIN";

/// The Go SDK.
pub struct Go;

impl Language for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn toolchain(&self) -> Result<String> {
        let how = "install Go 1.23 or later (go.dev/dl)";
        let version = sh::version("go", &["version"]).ok_or(how)?;
        let minor = version
            .split_whitespace()
            .find_map(|word| word.strip_prefix("go1."))
            .and_then(|rest| rest.split('.').next())
            .and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_none_or(|minor| minor < MINOR_MIN) {
            return Err(format!("{version} is too old: {how}").into());
        }
        Ok(version)
    }

    fn build(&self) -> Result<()> {
        workspace::build()?;
        for folder in [EXAMPLE, RUNNER] {
            sh::run(go(folder, &["build", "-o"])?.arg(program(folder)?).arg("."))?;
        }
        let adapter = format!("{EXAMPLE}/{ADAPTER}");
        sh::run(
            go(&adapter, &["build", "-o"])?
                .arg(program(&adapter)?)
                .arg("."),
        )
    }

    fn lint(&self) -> Result<()> {
        let folders = [MODULE, EXAMPLE, RUNNER];
        let unformatted = sh::output(sh::cmd("gofmt", ["-l"]).args(folders))?;
        if !unformatted.trim().is_empty() {
            return Err(format!("not formatted; run gofmt -w on:\n{unformatted}").into());
        }
        let staticcheck = sh::scratch("go")?.join("staticcheck");
        let tools = format!("{MODULE}/tools");
        sh::run(
            go(&tools, &["build", "-o"])?
                .arg(&staticcheck)
                .arg("honnef.co/go/tools/cmd/staticcheck"),
        )?;
        for folder in folders {
            sh::run(&mut go(folder, &["vet", "./..."])?)?;
            let mut check = Command::new(&staticcheck);
            sh::run(check.arg("./...").current_dir(sh::root().join(folder)))?;
        }
        Ok(())
    }

    fn test(&self) -> Result<Counts> {
        // Tests start the server of this tree as users' tests start an installed one.
        let server = crate::server::build()?;
        let mut all = Counts::default();
        for folder in [MODULE, EXAMPLE, RUNNER] {
            all += test_in(folder, &server)?;
        }
        Ok(all)
    }

    fn package(&self) -> Result<PathBuf> {
        sh::run(&mut sh::cmd(
            "cargo",
            ["build", "--release", "--quiet", "--package", "agentidp-c"],
        ))?;
        package::assemble(&library("release"))
    }

    fn packaged(&self) -> Result<Command> {
        let project = package::install(&sh::root().join(EXAMPLE))?;
        let mut command = Command::new(project.join("quickstart"));
        // Its own cache, so that the library is extracted anew.
        command
            .env("XDG_CACHE_HOME", project.join("cache"))
            .env_remove(LIBRARY_VARIABLE)
            .current_dir(project);
        Ok(command)
    }

    fn example(&self) -> Result<Command> {
        in_tree(EXAMPLE)
    }

    fn runners(&self) -> Result<Vec<Runner>> {
        Ok(vec![Runner {
            name: "go",
            command: in_tree(RUNNER)?,
        }])
    }

    fn adapters(&self) -> Result<Vec<Runner>> {
        Ok(vec![Runner {
            name: "go-nethttp",
            command: in_tree(&format!("{EXAMPLE}/{ADAPTER}"))?,
        }])
    }
}

/// The benchmarks' workers over a library of the release profile.
pub struct BenchWorkers {
    /// Loads the library without cgo.
    pub purego: PathBuf,
    /// The variable and the path by which it finds the library.
    pub library: (&'static str, PathBuf),
    /// Has the library linked in by cgo.
    pub cgo: PathBuf,
}

/// Builds them; the second one needs a C compiler.
pub fn bench_workers() -> Result<BenchWorkers> {
    sh::run(&mut sh::cmd(
        "cargo",
        ["build", "--release", "--quiet", "--package", "agentidp-c"],
    ))?;
    let (purego, cgo) = (program(WORKER)?, program(&format!("{WORKER}/cgo"))?);
    sh::run(go(WORKER, &["build", "-o"])?.arg(&purego).arg("."))?;
    let archive = library("release").with_file_name(STATIC_LIBRARY);
    // Go does not look whether the archive changed: with the old program in place it links nothing.
    if cgo.exists() {
        std::fs::remove_file(&cgo)?;
    }
    let mut linked = go(WORKER, &["build", "-tags", "agentidp_static", "-o"])?;
    linked
        .arg(&cgo)
        .arg(".")
        .env("CGO_ENABLED", "1")
        .env("CGO_LDFLAGS", archive);
    sh::run(&mut linked)?;
    Ok(BenchWorkers {
        purego,
        library: (LIBRARY_VARIABLE, library("release")),
        cgo,
    })
}

/// The tests of one module.
fn test_in(folder: &str, server: &Path) -> Result<Counts> {
    let mut test = go(folder, &["test", "-json", "-count=1"])?;
    // The race detector needs a C compiler; the SDK itself does not.
    if sh::version("cc", &["--version"]).is_some() {
        test.arg("-race").env("CGO_ENABLED", "1");
    }
    test.arg("./...")
        .env(LIBRARY_VARIABLE, library("debug"))
        .env(SERVER_VARIABLE, std::path::absolute(server)?);
    eprintln!("$ go test ./... in {folder}");
    let output = test.output()?;
    let report = String::from_utf8_lossy(&output.stdout);
    let (counts, failures) = read_report(&report);
    print!("{failures}");
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && counts.failed == 0 {
        return Err(format!("go test did not run ({}):\n{failures}{said}", output.status).into());
    }
    Ok(counts)
}

/// `go` in a folder of the tree, without cgo and without anything that the developer's environment
/// adds to a build.
fn go(folder: &str, args: &[&str]) -> Result<Command> {
    let mut command = Command::new("go");
    command
        .args(args)
        .current_dir(sh::root().join(folder))
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false -mod=readonly")
        .env("GOWORK", "off");
    Ok(command)
}

/// Where the program of a folder is built to.
fn program(folder: &str) -> Result<PathBuf> {
    let name = folder.replace('/', "-") + consts::EXE_SUFFIX;
    Ok(sh::scratch("go")?.join(name))
}

fn in_tree(folder: &str) -> Result<Command> {
    let mut command = Command::new(program(folder)?);
    command
        .env(LIBRARY_VARIABLE, library("debug"))
        .current_dir(sh::root());
    Ok(command)
}

/// The shared library of a cargo profile's folder, as an absolute path.
fn library(profile: &str) -> PathBuf {
    let name = format!("{}agentidp{}", consts::DLL_PREFIX, consts::DLL_SUFFIX);
    let path = sh::target().join(profile).join(name);
    std::path::absolute(&path).unwrap_or(path)
}

/// Counts what `go test -json` reports - tests and their parts alike - and collects what the failed
/// ones, and packages that did not build, have said.
fn read_report(report: &str) -> (Counts, String) {
    let mut counts = Counts::default();
    let mut said: Vec<(String, String)> = Vec::new();
    let mut failures = String::new();
    for event in report
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
    {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let (action, test) = (text("Action"), text("Test"));
        let source = format!("{}{} {test}", text("ImportPath"), text("Package"));
        match action.as_str() {
            "output" | "build-output" => said.push((source, text("Output"))),
            "fail" | "build-fail" => {
                if !test.is_empty() {
                    counts.failed += 1;
                    counts.failures.push(source.trim().to_owned());
                }
                let own = said.iter().filter(|(s, _)| *s == source);
                failures.extend(own.map(|(_, output)| output.as_str()));
            }
            "pass" if !test.is_empty() => counts.passed += 1,
            "skip" if !test.is_empty() => counts.skipped += 1,
            _ => {}
        }
    }
    (counts, failures)
}

/// Empties a folder, or makes it.
fn fresh(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    std::fs::create_dir_all(path)?;
    Ok(path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted_and_failures_are_shown() {
        let report = r#"{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"fine\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"broken\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}
{"Action":"skip","Package":"q"}
"#;
        let (counts, failures) = read_report(report);
        assert_eq!(
            counts,
            Counts {
                passed: 1,
                failed: 1,
                skipped: 1,
                failures: vec!["p TestB".to_owned()],
            }
        );
        assert_eq!(failures, "broken\nFAIL\n");
    }
}
