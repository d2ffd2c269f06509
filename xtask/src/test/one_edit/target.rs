//! What the copy need not compile again: everything that comes from a registry.
//!
//! Two copies of a workspace cannot use one target folder, because cargo names what it builds by
//! the path inside the workspace. So the copy gets a target folder of its own that begins with hard
//! links to our compiled dependencies; cargo never writes to those again.

use std::{collections::HashSet, fs, path::Path};

use serde_json::Value;

use crate::sh::{self, Result};

/// Fills `<copy>/target/debug` with our dependencies.
pub fn share(copy: &Path) -> Result<()> {
    let (from, to) = (sh::target().join("debug"), copy.join("target/debug"));
    if to.exists() {
        return Ok(());
    }
    let own = own_names()?;
    for folder in ["deps", "build", ".fingerprint"] {
        let target = to.join(folder);
        fs::create_dir_all(&target)?;
        for entry in fs::read_dir(from.join(folder))? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !own.contains(&crate_of(&name)) {
                link(&path, &target.join(name), folder == ".fingerprint")?;
            }
        }
    }
    Ok(())
}

/// The crate in `libserde_json-0123abcd.rlib`, `serde_json-0123abcd.d` and `serde_json-0123abcd/`.
fn crate_of(name: &str) -> String {
    let name = name.split('.').next().unwrap_or(name);
    let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
    name.strip_prefix("lib").unwrap_or(name).replace('-', "_")
}

/// Every package and target of this workspace: those the copy has to build itself.
fn own_names() -> Result<HashSet<String>> {
    let text = sh::output(&mut sh::cmd(
        "cargo",
        ["metadata", "--no-deps", "--format-version", "1"],
    ))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let names = packages.flat_map(|package| {
        let targets = package["targets"].as_array().into_iter().flatten();
        targets
            .chain([package])
            .filter_map(|named| named["name"].as_str())
    });
    Ok(names.map(|name| name.replace('-', "_")).collect())
}

/// Fingerprints are small and are copied, with their times: cargo may write to them.
fn link(from: &Path, to: &Path, copy: bool) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            link(&path, &to.join(path.file_name().unwrap_or_default()), copy)?;
        }
    } else if copy {
        fs::copy(from, to)?;
        let modified = fs::metadata(from)?.modified()?;
        fs::File::options()
            .write(true)
            .open(to)?
            .set_modified(modified)?;
    } else {
        fs::hard_link(from, to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::crate_of;

    #[test]
    fn a_crate_is_found_in_what_cargo_calls_its_files() {
        for name in [
            "libserde_json-0123.rlib",
            "serde_json-0123.d",
            "serde-json-0123",
        ] {
            assert_eq!(crate_of(name), "serde_json");
        }
    }
}
