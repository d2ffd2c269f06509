//! The emitters over a small contract that is unkind to every language: reserved words, names of
//! methods that every object has, comments that want to end early, optional and null, empty
//! answers, enum values that are no identifiers.
//!
//! The goldens in tests/goldens/ are what a reviewer reads. `UPDATE_GOLDENS=1 cargo test -p
//! agentidp-codegen` rewrites them.

use std::{fs, path::Path};

use agentidp_codegen::{load, output};

/// One telling file of each target; whole trees would be snapshots that nobody reads.
const GOLDENS: [(&str, &str); 7] = [
    ("core/src/generated/models.rs", "core_models.rs.golden"),
    ("server/src/generated/types.rs", "server_types.rs.golden"),
    (
        "bindings/python/python/sentryagent_idp/models.pyi",
        "python_models.pyi.golden",
    ),
    (
        "bindings/node/ts/generated/models.ts",
        "node_models.ts.golden",
    ),
    ("bindings/go/models_gen.go", "go_models.go.golden"),
    (
        "bindings/java/src/main/generated/ai/sentryagent/idp/models/ClassRequest.java",
        "java_ClassRequest.java.golden",
    ),
    ("docs/reference/agents.md", "docs_agents.md.golden"),
];

#[test]
fn every_language_survives_the_hostile_contract() -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let contract = load(&tests.join("hostile"), "hostile")?;
    let files = output::emit(&contract)?;
    for (path, golden) in GOLDENS {
        let text = files.get(path).ok_or_else(|| {
            let beside: Vec<&String> = files
                .keys()
                .filter(|k| k.starts_with(&path[..path.len().min(12)]))
                .collect();
            format!("{path} is not emitted; there are {beside:?}")
        })?;
        let golden = tests.join("goldens").join(golden);
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            fs::write(&golden, text)?;
        }
        let wanted = fs::read_to_string(&golden)?;
        assert_eq!(
            *text,
            wanted,
            "{path} is not what {} says",
            golden.display()
        );
    }
    Ok(())
}

#[test]
fn nothing_ends_a_comment_early() -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let contract = load(&tests.join("hostile"), "hostile")?;
    for (path, text) in output::emit(&contract)? {
        if path.ends_with(".java") || path.ends_with(".ts") {
            for (i, line) in text.lines().enumerate() {
                let inside = line.trim_start().starts_with('*');
                let ends = line
                    .find("*/")
                    .is_some_and(|at| at + 2 < line.trim_end().len());
                assert!(!(inside && ends), "{path}:{}: {line}", i + 1);
            }
        }
    }
    Ok(())
}
