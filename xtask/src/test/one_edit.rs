//! The promise of the whole project, tested: a copy of the repository gets a dummy operation and
//! model in its contract; everything is generated and built; the operation is called in every
//! language against the server; it is in the stubs and the docs. By hand come only the contract,
//! the server's method and one conformance case.

use std::{fs, path::Path, process::Command};

use crate::sh::{self, Result};

mod target;

/// The operation in the contract.
const OPERATION: &str = include_str!("one_edit/operation.yaml");
/// Its model.
const MODEL: &str = include_str!("one_edit/model.yaml");
/// The server's method.
const METHOD: &str = include_str!("one_edit/method.rs.txt");
/// The line of the server behind which the method goes.
const METHOD_ANCHOR: &str = "impl Agents for Service {\n";
/// The conformance case.
const CASE: &str = include_str!("one_edit/case.yaml");

/// Where each language and the docs must name the operation.
const SURFACES: [(&str, &str); 6] = [
    ("core/src/generated", "echo_dummy"),
    ("bindings/python/python/sentryagent_idp", "def echo_dummy"),
    ("bindings/node/ts/generated", "echoDummy"),
    ("bindings/go", "EchoDummy"),
    ("bindings/java/src/main/generated", "echoDummyAsync"),
    ("docs/reference", "echoDummy"),
];

/// Copies, edits, generates, builds and calls.
pub fn run() -> Result<()> {
    let copy = sh::scratch("one-edit")?.join("tree");
    fs::create_dir_all(&copy)?;
    copy_tree(&copy)?;
    target::share(&copy)?;
    let agents = copy.join("openapi/sections/agents.yaml");
    insert(&agents, "paths:\n", OPERATION)?;
    insert(&agents, "  schemas:\n", MODEL)?;
    xtask(&copy, &["generate"])?;
    the_compiler_asks_for_the_method(&copy)?;
    insert(
        &copy.join("server/src/agents/mod.rs"),
        METHOD_ANCHOR,
        METHOD,
    )?;
    fs::write(copy.join("tests/conformance/agents/dummy.yaml"), CASE)?;
    for (folder, name) in SURFACES {
        if !mentions(&copy.join(folder), name)? {
            return Err(format!(
                "the dummy operation is generated, but {folder} does not mention `{name}`"
            )
            .into());
        }
    }
    xtask(&copy, &["build"])?;
    xtask(&copy, &["conformance", "--only", "echoDummy"])
}

/// The tracked and the new files as they are now, and nothing that an earlier run left behind.
fn copy_tree(copy: &Path) -> Result<()> {
    let files = sh::output(&mut sh::cmd(
        "git",
        ["ls-files", "--cached", "--others", "--exclude-standard"],
    ))?;
    let root = sh::root();
    let wanted: Vec<&str> = files.lines().filter(|f| root.join(f).is_file()).collect();
    for file in &wanted {
        let text = fs::read(root.join(file)).map_err(|e| format!("{file}: {e}"))?;
        let target = copy.join(file);
        // An unchanged file keeps its time, so that a second run compiles nothing again.
        if fs::read(&target).is_ok_and(|t| t == text) {
            continue;
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&target, text)?;
        fs::set_permissions(&target, fs::metadata(root.join(file))?.permissions())?;
    }
    remove_others(copy, copy, &wanted)
}

/// Removes what is not `wanted`, but not what builds keep beside the sources.
fn remove_others(copy: &Path, folder: &Path, wanted: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "node_modules" {
                remove_others(copy, &path, wanted)?;
            }
        } else if !wanted.iter().any(|w| copy.join(w) == path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn insert(file: &Path, anchor: &str, text: &str) -> Result<()> {
    let found = fs::read_to_string(file)?;
    let at = found
        .find(anchor)
        .ok_or_else(|| format!("{}: `{}` is not there", file.display(), anchor.trim()))?;
    let (before, after) = found.split_at(at + anchor.len());
    fs::write(file, format!("{before}{text}{after}"))?;
    Ok(())
}

/// Without the method the server must not compile, and the compiler must name what is missing.
fn the_compiler_asks_for_the_method(copy: &Path) -> Result<()> {
    // Selected like every other build, so that the features are those of the dependencies that are linked.
    let arguments = ["check", "--quiet", "--workspace", "--lib", "--examples"];
    let output = cargo(copy, &arguments).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !text.contains("echo_dummy") {
        return Err(format!("the compiler was to ask for `echo_dummy`, it said:\n{text}").into());
    }
    println!("the compiler asks for echo_dummy in server/src/agents");
    Ok(())
}

fn xtask(copy: &Path, args: &[&str]) -> Result<()> {
    let mut all = vec!["run", "--quiet", "--package", "xtask", "--"];
    all.extend(args);
    sh::run(&mut cargo(copy, &all))
}

/// Cargo in the copy, with the target folder and the scratch files of the copy.
fn cargo(copy: &Path, args: &[&str]) -> Command {
    let mut command = sh::cmd("cargo", args);
    command
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"));
    command
}

fn mentions(path: &Path, name: &str) -> Result<bool> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            if mentions(&entry?.path(), name)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    Ok(fs::read_to_string(path).is_ok_and(|text| text.contains(name)))
}
