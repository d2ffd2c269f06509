//! The operation table as this module was generated with it: indices, and the checksum that the
//! loaded library must have.

use super::{comment, go_file, names::Names};
use crate::{emit::c, model::Contract};

pub fn emit(contract: &Contract, names: &Names) -> String {
    let mut w = go_file("agentidp", &[]);
    comment(
        &mut w,
        "operationsChecksum is the checksum of the operation table; a library with another one was generated from another contract.",
    );
    w.line(format!(
        "const operationsChecksum uint64 = 0x{:016x}",
        c::checksum(contract)
    ));
    w.blank();
    comment(&mut w, "The indices of the operation table.");
    w.block("const (", ")", |w| {
        for (index, operation) in contract.operations().enumerate() {
            w.line(format!(
                "{} uint32 = {index} // {} {}",
                constant(names, &operation.id),
                operation.method,
                operation.path
            ));
        }
    });
    w.finish()
}

/// `opGetAgent`.
pub fn constant(names: &Names, id: &str) -> String {
    format!("op{}", names.of_operation(id))
}
