//! Open enums.

use super::{
    rust_file,
    types::{literal, type_ident},
};
use crate::{
    model::{Contract, Enum},
    names,
    writer::Writer,
};

/// Emits `enums.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = rust_file("Open enums: a value that is not known yet is kept.");
    w.line("use crate::wire::open_enum;");
    for item in &contract.enums {
        w.blank();
        enumeration(&mut w, item);
    }
    w.finish()
}

/// Emits one enum: the macro writes what is the same for all.
fn enumeration(w: &mut Writer, item: &Enum) {
    w.block("open_enum! {", "}", |w| {
        w.prefixed("/// ", &item.description);
        w.block(
            format!("pub enum {} {{", type_ident(&item.name)),
            "}",
            |w| {
                for ((value, meaning), variant) in item.values.iter().zip(variants(item)) {
                    let meaning = if meaning.is_empty() {
                        format!("`{value}`.")
                    } else {
                        meaning.clone()
                    };
                    w.prefixed("/// ", &meaning);
                    w.line(format!("{variant} = {},", literal(value)));
                }
            },
        );
    });
}

/// One distinct variant a value; `Unknown` belongs to the values that are not known.
fn variants(item: &Enum) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (value, _) in &item.values {
        let mut variant = names::pascal(value);
        if variant.is_empty() {
            variant = "Empty".into();
        }
        if variant.starts_with(|c: char| c.is_ascii_digit()) {
            variant.insert(0, 'N');
        }
        if matches!(variant.as_str(), "Unknown" | "Self") {
            variant.push_str("Value");
        }
        let mut free = variant.clone();
        let mut count = 2;
        while out.contains(&free) {
            free = format!("{variant}{count}");
            count += 1;
        }
        out.push(free);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::At;

    #[test]
    fn every_value_has_a_variant_of_its_own() {
        let item = Enum {
            name: "Odd".into(),
            description: String::new(),
            values: ["unknown", "a.b", "a-b", "2fa", "", "self"]
                .map(|v| (v.to_owned(), String::new()))
                .to_vec(),
            at: At {
                file: "x".into(),
                line: 1,
            },
        };
        assert_eq!(
            variants(&item),
            ["UnknownValue", "AB", "AB2", "N2fa", "Empty", "SelfValue"]
        );
    }
}
