//! The documentation of every crate builds without a warning, and shows no type of an HTTP library in the
//! Rust SDK.
//!
//! rustdoc's JSON is not stable yet: the switch that allows it goes to rustdoc alone, so that no dependency
//! is compiled otherwise than in every other build.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::sh::{self, Result};

/// Whose types the public API may name: what travels (serde), when (time), lists as streams.
const SHOWN: [&str; 8] = [
    "alloc",
    "core",
    "futures_core",
    "serde",
    "serde_core",
    "serde_json",
    "std",
    "time",
];

/// The layer for services that are built on tower and http, which is its purpose; and what the bindings
/// share, which is not for users.
const APART: [&str; 2] = ["core/src/adapter/", "core/src/bridge/"];

pub fn run() -> Result<()> {
    let place = sh::scratch("rustdoc")?;
    let mut doc = sh::cmd("cargo", ["doc", "--quiet", "--locked", "--workspace"]);
    // The selection of every other build, so that nothing is checked twice.
    doc.args(["--no-deps", "--lib", "--examples"])
        .env("RUSTDOC", rustdoc(&place)?)
        .env(
            "RUSTDOCFLAGS",
            // Links to what is private serve whoever reads the source.
            "-D warnings -A rustdoc::private-intra-doc-links -Z unstable-options --output-format json",
        );
    sh::run(&mut doc)?;
    let file = sh::target().join("doc/sentryagent_idp.json");
    let crates = foreign(&serde_json::from_str(&fs::read_to_string(file)?)?)?;
    if !crates.contains_key("serde_json") {
        return Err(
            "rustdoc's JSON is not understood any more: no type of serde_json was found".into(),
        );
    }
    let strangers: Vec<String> = crates
        .into_iter()
        .filter(|(name, _)| !SHOWN.contains(&name.as_str()))
        .map(|(name, types)| format!("{name} ({})", Vec::from_iter(types).join(", ")))
        .collect();
    if strangers.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "the public API of core/ shows types of other libraries: {}",
            strangers.join("; ")
        )
        .into())
    }
}

fn rustdoc(place: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = place.join("rustdoc");
    fs::write(&path, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// The types of other crates that public items name, by their crates.
fn foreign(doc: &Value) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let items = doc["index"]
        .as_object()
        .ok_or("no index in rustdoc's JSON")?;
    let mut found = BTreeMap::new();
    for item in items.values() {
        let file = item["span"]["filename"].as_str().unwrap_or_default();
        let implementation = &item["inner"]["impl"];
        let is_everybodys =
            implementation["is_synthetic"] == true || !implementation["blanket_impl"].is_null();
        if item["crate_id"] == 0 && !is_everybodys && !APART.iter().any(|a| file.starts_with(a)) {
            named(doc, &item["inner"], &mut found);
        }
    }
    Ok(found)
}

/// Every mention of a type or trait has its number and its arguments.
fn named(doc: &Value, part: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    match part {
        Value::Object(members) => {
            if let (Some(id), true) = (members.get("id"), members.contains_key("args")) {
                let path = &doc["paths"][id.to_string()];
                let owner = &doc["external_crates"][path["crate_id"].to_string()]["name"];
                if let Some(owner) = owner.as_str() {
                    let words = path["path"].as_array().into_iter().flatten();
                    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
                    found
                        .entry(owner.to_owned())
                        .or_default()
                        .insert(words.join("::"));
                }
            }
            members.values().for_each(|m| named(doc, m, found));
        }
        Value::Array(parts) => parts.iter().for_each(|p| named(doc, p, found)),
        _ => {}
    }
}
