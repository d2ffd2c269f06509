//! Open enums: string types with constants for the values that the contract knows.

use super::{comment, doc, go_file, names::Names, quoted};
use crate::model::Contract;

pub fn emit(contract: &Contract, names: &Names) -> String {
    let mut w = go_file("agentidp", &[]);
    for enumeration in &contract.enums {
        let name = names.of_type(&enumeration.name);
        doc(
            &mut w,
            name,
            &format!(
                "{}\n\nThe enum is open: a value that this version does not know is kept as it is.",
                enumeration.description.trim()
            ),
        );
        w.line(format!("type {name} string")).blank();
        comment(
            &mut w,
            &format!("The values of {name} that this version knows."),
        );
        w.block("const (", ")", |w| {
            for (wire, meaning) in &enumeration.values {
                let constant = names.of_value(&enumeration.name, wire);
                let meaning = if meaning.is_empty() { wire } else { meaning };
                doc(w, constant, meaning);
                w.line(format!("{constant} {name} = {}", quoted(wire)));
            }
        });
        w.blank();
    }
    w.finish()
}
