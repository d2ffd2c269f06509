//! The committed header is what cbindgen makes of the sources, and a C compiler takes it.

use std::{path::PathBuf, process::Command};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_header_is_fresh() {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in [
        "table.rs",
        "clock.rs",
        "client.rs",
        "queue.rs",
        "verifier.rs",
        "logs.rs",
    ] {
        builder = builder.with_src(root().join("src").join(file));
    }
    let mut fresh = Vec::new();
    builder.generate().unwrap().write(&mut fresh);
    let path = root().join("include/agentidp.h");
    if std::env::var_os("AGENTIDP_WRITE_HEADER").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        committed,
        String::from_utf8(fresh).unwrap(),
        "stale: run `AGENTIDP_WRITE_HEADER=1 cargo test -p agentidp-c --test header`"
    );
}

/// What this library exports is what the header declares, no more and no less.
#[test]
fn the_header_declares_every_exported_function() {
    let header = std::fs::read_to_string(root().join("include/agentidp.h")).unwrap();
    let mut sources = String::new();
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        sources += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let exported: Vec<&str> = sources
        .split("#[unsafe(no_mangle)]")
        .skip(1)
        .filter_map(|rest| rest.split_once("fn ")?.1.split('(').next())
        .collect();
    assert!(exported.len() > 30, "{exported:?}");
    for name in exported {
        assert!(header.contains(&format!("{name}(")), "{name}");
        let body = sources.split(&format!("fn {name}(")).nth(1).unwrap();
        let body = body.split("#[unsafe(no_mangle)]").next().unwrap();
        assert!(
            body.contains("guard(") || name == "agentidp_abi_version",
            "{name} lets a panic through"
        );
    }
}

#[test]
fn a_c_compiler_takes_both_headers() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("use.c");
    std::fs::write(
        &source,
        "#include <agentidp.h>\n#include <agentidp_operations.h>\n\
         _Static_assert(AGENTIDP_ID_WITH_METADATA == 0x8000000000000000, \"\");\n\
         int main(void) { return agentidp_abi_version() == AGENTIDP_ABI_VERSION\n\
           && agentidp_operations_checksum() == AGENTIDP_OPERATIONS_CHECKSUM ? 0 : 1; }\n",
    )
    .unwrap();
    // Rust links with the same driver, so it is there wherever this test can be built.
    let status = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fsyntax-only",
            "-I",
        ])
        .arg(root().join("include"))
        .arg(&source)
        .status()
        .unwrap();
    assert!(status.success());
}
