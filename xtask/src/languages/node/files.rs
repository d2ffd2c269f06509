//! What the Node package consists of on disk: staged, placed, linked, found again.

use std::{
    env::consts,
    fs, io,
    path::{Path, PathBuf},
};

use super::{PACKAGE, folder};
use crate::sh::{self, Result};

/// What `npm pack` packs, apart from the tree so that its development build stays there.
pub fn staged() -> Result<PathBuf> {
    let staged = empty(&sh::scratch("node")?.join("package"))?;
    fs::copy(folder().join("package.json"), staged.join("package.json"))?;
    fs::copy(sh::root().join("LICENSE"), staged.join("LICENSE"))?;
    fs::copy(folder().join("README.md"), staged.join("README.md"))?;
    copy_folder(&folder().join("dist"), &staged.join("dist"))?;
    Ok(staged)
}

/// Puts the library that cargo built where the loader looks. Renamed into place: a running process
/// may have the old file mapped.
pub fn place_native(built: &Path, package: &Path) -> Result<()> {
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
pub fn link(user: &Path) -> Result<()> {
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

pub fn newest_tarball() -> Result<PathBuf> {
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

pub fn empty(path: &Path) -> Result<PathBuf> {
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
