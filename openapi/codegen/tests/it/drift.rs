//! Missing, stale, hand-edited and orphaned output is found; writing mends it.

use std::{fs, path::Path};

use agentidp_codegen::{
    load,
    output::{self, Drift},
};

#[test]
fn what_differs_from_the_contract_is_found_and_mended() -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let contract = load(&tests.join("hostile"), "hostile")?;
    let tree = tempfile::tempdir()?;
    let missing = output::check(tree.path(), &contract)?;
    assert!(missing.iter().all(|d| matches!(d, Drift::Missing(_))) && !missing.is_empty());
    output::write(tree.path(), &contract)?;
    assert_eq!(output::check(tree.path(), &contract)?, []);

    let edited = "core/src/generated/models.rs";
    let orphan = "core/src/generated/leftover.rs";
    let text = fs::read_to_string(tree.path().join(edited))?;
    fs::write(tree.path().join(edited), format!("{text}// by hand\n"))?;
    fs::write(tree.path().join(orphan), "")?;
    assert_eq!(
        output::check(tree.path(), &contract)?,
        [Drift::Stale(edited.into()), Drift::Orphan(orphan.into())]
    );

    output::write(tree.path(), &contract)?;
    assert_eq!(output::check(tree.path(), &contract)?, []);
    assert!(!tree.path().join(orphan).exists());
    Ok(())
}
