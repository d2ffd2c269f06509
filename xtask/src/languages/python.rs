//! Python: a virtual environment in target/venv with the pinned tools and a copy of the package;
//! the wheel comes from maturin.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Language, Runner};
use crate::{
    counts::Counts,
    server,
    sh::{Result, output, root, run, scratch, target},
    workspace,
};

/// The Python SDK.
pub struct Python;

const PACKAGE: &str = "sentryagent_idp";
const VERSION_MIN: (u32, u32) = (3, 10);
/// The adapters' names, and the folders of their examples.
const ADAPTERS: [(&str, &str); 2] = [
    ("python-fastapi", "verify-fastapi"),
    ("python-starlette", "verify-starlette"),
];

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn toolchain(&self) -> Result<String> {
        let code = "import sys, venv; print('%d.%d.%d' % sys.version_info[:3])";
        let hint = "install CPython 3.10 or later with its venv module (Debian: python3-venv), or \
                    name one in the variable PYTHON";
        let found = Command::new(interpreter()).args(["-c", code]).output();
        let Ok(found) = found else {
            return Err(format!("`{}` cannot be run; {hint}", interpreter()).into());
        };
        let version = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let mut parts = version.split('.').map_while(|part| part.parse().ok());
        if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < VERSION_MIN {
            return Err(format!("Python {version:?} does not do; {hint}").into());
        }
        Ok(format!("Python {version}"))
    }

    fn build(&self) -> Result<()> {
        environment()?;
        workspace::build()?;
        install()
    }

    fn lint(&self) -> Result<()> {
        environment()?;
        let sources = [
            "python",
            "tests",
            "../../examples/python",
            "../../tests/conformance/runners/python",
        ];
        let ruff = |args: &[&str]| {
            let mut command = tool("ruff");
            command.args(args).args(sources);
            run(&mut command)
        };
        ruff(&["format", "--check"])?;
        ruff(&["check"])?;
        run(&mut tool("mypy"))?;
        // They are all called main.py, which one run of mypy does not take.
        ADAPTERS.iter().try_for_each(|(_, folder)| {
            let mut mypy = tool("mypy");
            run(mypy.arg(example(folder)))
        })
    }

    fn test(&self) -> Result<Counts> {
        let report = scratch("python")?.join("pytest.xml");
        let mut pytest = tool("pytest");
        // The mock server that some of the tests start.
        pytest.env("AGENTIDP_BIN", server::build()?);
        pytest.arg(format!("--junitxml={}", report.display()));
        let outcome = run(&mut pytest);
        let counts = Counts::of_junit(&fs::read_to_string(&report)?)?;
        // A failed test is counted; anything else that stops pytest is an error.
        match outcome {
            Err(e) if counts.failed == 0 => Err(e),
            _ => Ok(counts),
        }
    }

    fn package(&self) -> Result<PathBuf> {
        environment()?;
        let dist = root().join("dist");
        fs::create_dir_all(&dist)?;
        for old in wheels(&dist)? {
            fs::remove_file(old)?;
        }
        let mut maturin = tool("maturin");
        maturin
            .args(["build", "--release", "--strip", "--locked", "--out"])
            .arg(&dist);
        run(&mut maturin)?;
        let found = wheels(&dist)?.pop();
        found.ok_or_else(|| "maturin made no wheel".into())
    }

    fn packaged(&self) -> Result<Command> {
        let dist = root().join("dist");
        let wheel = wheels(&dist)?.pop();
        let wheel = wheel.ok_or("no wheel in dist/; package it first")?;
        let place = scratch("python-packaged")?;
        let venv = place.join("venv");
        if venv.exists() {
            fs::remove_dir_all(&venv)?;
        }
        run(Command::new(interpreter()).args(["-m", "venv"]).arg(&venv))?;
        let python = executable(&venv, "python");
        // Without an index: the package depends on nothing.
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--no-index"]);
        run(pip.arg(wheel))?;
        let mut command = Command::new(python);
        command.arg(quick_start()).current_dir(place);
        Ok(command)
    }

    fn example(&self) -> Result<Command> {
        let mut command = Command::new(executable(&venv(), "python"));
        command.arg(quick_start()).current_dir(root());
        Ok(command)
    }

    fn runners(&self) -> Result<Vec<Runner>> {
        let runner = |name, mode| {
            let mut command = Command::new(executable(&venv(), "python"));
            command
                .arg(root().join("tests/conformance/runners/python/runner.py"))
                .args(["--mode", mode])
                .current_dir(root());
            Runner { name, command }
        };
        Ok(vec![
            runner("python-sync", "sync"),
            runner("python-async", "async"),
        ])
    }

    fn adapters(&self) -> Result<Vec<Runner>> {
        let adapter = |(name, folder): &(&'static str, &str)| {
            let mut command = Command::new(executable(&venv(), "python"));
            command
                .arg(example(folder))
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .current_dir(root());
            Runner { name, command }
        };
        Ok(ADAPTERS.iter().map(adapter).collect())
    }
}

/// The interpreter that environments are made with.
fn interpreter() -> String {
    env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn venv() -> PathBuf {
    target().join("venv")
}

fn package_folder() -> PathBuf {
    root().join("bindings/python")
}

fn quick_start() -> PathBuf {
    root().join("examples/python/quickstart.py")
}

/// The program of an adapter's example.
fn example(folder: &str) -> PathBuf {
    root().join("examples/python").join(folder).join("main.py")
}

fn executable(venv: &Path, name: &str) -> PathBuf {
    if cfg!(windows) {
        venv.join("Scripts").join(format!("{name}.exe"))
    } else {
        venv.join("bin").join(name)
    }
}

/// A tool of the environment, run beside pyproject.toml, which configures it.
fn tool(name: &str) -> Command {
    let mut command = Command::new(executable(&venv(), name));
    command
        .current_dir(package_folder())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Makes target/venv, or brings it to what requirements-dev.txt says.
fn environment() -> Result<()> {
    let requirements = package_folder().join("requirements-dev.txt");
    let wanted = fs::read_to_string(&requirements)?;
    let stamp = venv().join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    run(Command::new(interpreter())
        .args(["-m", "venv", "--clear"])
        .arg(venv()))?;
    let mut pip = Command::new(executable(&venv(), "python"));
    pip.args(["-m", "pip", "install", "--quiet", "-r"]);
    run(pip.arg(&requirements))?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// Copies the package and the native module of the dev profile into the environment, so that the
/// source tree holds no build result and tests run what an installation looks like.
fn install() -> Result<()> {
    let code = "import sysconfig; print(sysconfig.get_path('platlib'))";
    let mut ask = Command::new(executable(&venv(), "python"));
    let site = output(ask.args(["-c", code]))?;
    let installed = Path::new(site.trim()).join(PACKAGE);
    if installed.exists() {
        fs::remove_dir_all(&installed)?;
    }
    copy_tree(&package_folder().join("python").join(PACKAGE), &installed)?;
    let (built, module) = if cfg!(windows) {
        ("_native.dll", "_native.pyd")
    } else if cfg!(target_os = "macos") {
        ("lib_native.dylib", "_native.abi3.so")
    } else {
        ("lib_native.so", "_native.abi3.so")
    };
    fs::copy(target().join("debug").join(built), installed.join(module))?;
    describe(Path::new(site.trim()))
}

/// What an installation says of itself: the name, and the entry points by which pytest finds the
/// plugin. They are pyproject.toml's.
fn describe(site: &Path) -> Result<()> {
    const POINTS: &str = "[project.entry-points.";
    let folder = site.join(format!("{PACKAGE}-{}.dist-info", env!("CARGO_PKG_VERSION")));
    fs::create_dir_all(&folder)?;
    let metadata = format!(
        "Metadata-Version: 2.1\nName: sentryagent-idp\nVersion: {}\n",
        env!("CARGO_PKG_VERSION")
    );
    fs::write(folder.join("METADATA"), metadata)?;
    let project = fs::read_to_string(package_folder().join("pyproject.toml"))?;
    let (_, points) = project
        .split_once(POINTS)
        .ok_or("pyproject.toml has no entry points")?;
    let points = points.split("\n[").next().unwrap_or_default();
    fs::write(
        folder.join("entry_points.txt"),
        format!("[{}\n", points.replace('"', "")),
    )?;
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "__pycache__" {
            continue;
        }
        if source.is_dir() {
            copy_tree(&source, &copy)?;
        } else {
            fs::copy(&source, &copy)?;
        }
    }
    Ok(())
}

fn wheels(dist: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dist)? {
        let path = entry?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        if name.is_some_and(|n| n.starts_with(PACKAGE) && n.ends_with(".whl")) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
