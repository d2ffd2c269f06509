//! The C ABI's operation table: a header that names each operation's index, and the checksum that
//! a host compares with the loaded library's.

use crate::{
    Result,
    model::Contract,
    names::screaming,
    output::{File, marker},
    writer::Writer,
};

/// What this target owns.
pub const OWNS: &[&str] = &["bindings/c/include/agentidp_operations.h"];

/// Emits the header.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut w = Writer::new("  ");
    w.line(format!("/* {} */", marker())).blank();
    w.line("#ifndef AGENTIDP_OPERATIONS_H")
        .line("#define AGENTIDP_OPERATIONS_H")
        .blank()
        .line("#include <stdint.h>")
        .blank();
    w.line("/* What agentidp_operations_checksum() must answer. */")
        .line(format!(
            "#define AGENTIDP_OPERATIONS_CHECKSUM UINT64_C(0x{:016x})",
            checksum(contract)
        ));
    w.line(format!(
        "#define AGENTIDP_OPERATIONS_COUNT {}u",
        contract.operations().count()
    ))
    .blank();
    let mut names: Vec<String> = Vec::new();
    for (index, operation) in contract.operations().enumerate() {
        let mut name = format!("AGENTIDP_OPERATION_{}", screaming(&operation.id));
        if names.contains(&name) {
            name = format!("{name}_{index}");
        }
        w.line(format!("/* {} {} */", operation.method, operation.path));
        w.line(format!("#define {name} {index}u"));
        names.push(name);
    }
    w.blank().line("#endif");
    Ok(vec![File::new(OWNS[0], w.finish())])
}

/// FNV-1a (64 bits) over every operation's id and a line feed, in the order of the table. The C
/// library computes the same over the table that it was built with.
pub fn checksum(contract: &Contract) -> u64 {
    let ids = contract.operations().map(|o| o.id.as_str());
    let bytes = ids.flat_map(|id| id.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
