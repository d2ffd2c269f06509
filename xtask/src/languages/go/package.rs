//! The published form of the Go module: the sources, and a nested module for this platform that
//! carries the stripped library. No binary is ever committed; this assembles it in dist/.

use std::{
    env::consts,
    fs,
    path::{Path, PathBuf},
};

use super::{MODULE, fresh, go};
use crate::sh::{self, Result};

const PATH: &str = "github.com/sentryagent/idp-sdk-go";
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// Folders of the source module that its users do not need.
const LEFT_OUT: &[&str] = &["tools", "testdata", "issuertest", "nativetest"];

/// Assembles the module in dist/ around `library`.
pub fn assemble(library: &Path) -> Result<PathBuf> {
    let dist = fresh(&dist())?;
    copy(&sh::root().join(MODULE), &dist)?;
    let platform = platform();
    let nested = fresh(&dist.join("lib").join(&platform))?;
    let name = library
        .file_name()
        .ok_or("the library has no file name")?
        .to_string_lossy();
    fs::copy(library, nested.join(&*name))?;
    fs::copy(sh::root().join("LICENSE"), nested.join("LICENSE"))?;
    fs::write(
        nested.join("go.mod"),
        format!("module {PATH}/lib/{platform}\n\ngo 1.23\n"),
    )?;
    fs::write(
        nested.join("lib.go"),
        format!(
            "// Package lib carries the native library of {PATH} for {platform}.\npackage lib\n\n\
             import _ \"embed\"\n\n// SHA256 is the library's hash in lower-case hex.\nconst SHA256 = {:?}\n\n\
             // Library is the shared library.\n//\n//go:embed {name}\nvar Library []byte\n",
            sha256(library)?
        ),
    )?;
    fs::write(
        dist.join(format!("internal/native/bundled_{platform}.go")),
        format!(
            "package native\n\nimport bundle {:?}\n\nfunc init() {{\n\
             \tbundled = &Bundle{{Platform: {platform:?}, SHA256: bundle.SHA256, Library: bundle.Library}}\n}}\n",
            format!("{PATH}/lib/{platform}")
        ),
    )?;
    let manifest = fs::read_to_string(dist.join("go.mod"))?;
    fs::write(
        dist.join("go.mod"),
        format!("{manifest}\nrequire {PATH}/lib/{platform} {VERSION}\n"),
    )?;
    Ok(dist)
}

/// A program of its own, outside of the tree's modules, that uses what lies in dist/ as it would a
/// published version; built without cgo. Returns its folder, which holds `quickstart`.
pub fn install(example: &Path) -> Result<PathBuf> {
    let project = fresh(&sh::scratch("go")?.join("packaged"))?;
    let (dist, platform) = (dist(), platform());
    let nested = dist.join("lib").join(&platform);
    if !nested.exists() {
        return Err("no Go module in dist/: package it first".into());
    }
    let manifest = fs::read_to_string(dist.join("go.mod"))?;
    let others: Vec<&str> = manifest
        .lines()
        .filter(|l| l.starts_with("require "))
        .collect();
    fs::write(
        project.join("go.mod"),
        format!(
            "module quickstart\n\ngo 1.23\n\nrequire {PATH} {VERSION}\n{}\n\n\
             replace {PATH} => {}\n\nreplace {PATH}/lib/{platform} => {}\n",
            others.join("\n"),
            dist.display(),
            nested.display()
        ),
    )?;
    fs::copy(dist.join("go.sum"), project.join("go.sum"))?;
    fs::copy(example.join("main.go"), project.join("main.go"))?;
    let mut build = go(".", &["build", "-mod=mod", "-o", "quickstart", "."])?;
    sh::run(build.current_dir(&project))?;
    Ok(project)
}

fn dist() -> PathBuf {
    sh::root().join("dist").join("idp-sdk-go")
}

/// As Go names it: `linux_amd64`.
fn platform() -> String {
    let os = match consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}_{arch}")
}

/// The module's files; tests stay in the tree, because they need its library.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                copy(&entry.path(), &target)?;
            }
        } else if !name.ends_with("_test.go") {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn sha256(file: &Path) -> Result<String> {
    let mut tool = sh::cmd("sha256sum", [file]);
    if cfg!(target_os = "macos") {
        tool = sh::cmd("shasum", ["-a", "256"]);
        tool.arg(file);
    }
    let printed = sh::output(&mut tool)?;
    let hash = printed.split_whitespace().next();
    Ok(hash.ok_or("sha256sum printed nothing")?.to_owned())
}
