//! Models as interfaces with readonly fields, and how a parsed answer becomes one; open enums.

use super::{
    docs, file,
    naming::{self, key, quoted, type_name},
    types,
};
use crate::{
    model::{Contract, Enum, Field, Model, Type},
    writer::Writer,
};

/// `enums.ts`.
pub fn enums(contract: &Contract) -> String {
    let mut w = file();
    w.line("// An enum is open: a value that this version does not know is kept as it came.");
    for enumeration in &contract.enums {
        w.blank();
        one_enum(&mut w, contract, enumeration);
    }
    if contract.enums.is_empty() {
        w.blank().line("export {};");
    }
    w.finish()
}

fn one_enum(w: &mut Writer, contract: &Contract, enumeration: &Enum) {
    let name = type_name(contract, &enumeration.name);
    docs::comment(w, std::slice::from_ref(&enumeration.description));
    let mut taken: Vec<String> = Vec::new();
    w.block(
        format!("export const {name} = Object.freeze({{"),
        "} as const);",
        |w| {
            for (value, meaning) in &enumeration.values {
                let member = naming::enum_member(value, &taken);
                docs::comment(w, std::slice::from_ref(meaning));
                w.line(format!("{member}: {},", quoted(value)));
                taken.push(member);
            }
        },
    );
    docs::comment(w, std::slice::from_ref(&enumeration.description));
    let mut values: Vec<String> = enumeration.values.iter().map(|(v, _)| quoted(v)).collect();
    values.push("(string & {})".into());
    w.line(format!("export type {name} = {};", values.join(" | ")));
}

/// `models.ts`.
pub fn models(contract: &Contract) -> String {
    let mut body = Writer::new("  ");
    for model in naming::used(contract) {
        body.blank();
        interface(&mut body, contract, model);
        if model.usage.output {
            converter(&mut body, contract, model);
        }
    }
    let body = body.finish();
    let mut w = file();
    w.line("// Values are plain objects: an interface says what stands in one, the constant of the same name converts.");
    imports(&mut w, contract, &body);
    let head = w.finish();
    format!("{head}{body}")
}

fn imports(w: &mut Writer, contract: &Contract, body: &str) {
    let mut helpers: Vec<&str> = ["dictionary", "free", "instant", "list", "model"]
        .into_iter()
        .filter(|helper| {
            body.contains(&format!("{helper}("))
                || body.contains(&format!("{helper}<"))
                || body.contains(&format!(", {helper})"))
        })
        .collect();
    if !helpers.is_empty() {
        helpers.push("type Model");
        w.line(format!(
            "import {{ {} }} from '../values.js';",
            helpers.join(", ")
        ));
    }
    let mut used: Vec<&str> = Vec::new();
    for model in naming::used(contract) {
        for field in &model.fields {
            types::names(&field.ty, &mut used);
        }
    }
    let mut enums: Vec<String> = contract
        .enums
        .iter()
        .filter(|e| used.contains(&e.name.as_str()))
        .map(|e| type_name(contract, &e.name))
        .collect();
    enums.sort();
    if !enums.is_empty() {
        w.line(format!(
            "import type {{ {} }} from './enums.js';",
            enums.join(", ")
        ));
    }
    if body.trim().is_empty() {
        w.blank().line("export {};");
    }
}

fn interface(w: &mut Writer, contract: &Contract, model: &Model) {
    let direction = types::direction(model);
    docs::comment(w, &model_comment(model));
    let name = type_name(contract, &model.name);
    w.block(format!("export interface {name} {{"), "}", |w| {
        for field in &model.fields {
            docs::comment(w, &docs::field(field, direction));
            w.line(format!(
                "readonly {}{}: {};",
                key(&field.name),
                if field.required { "" } else { "?" },
                types::field(contract, field, direction)
            ));
        }
    });
}

fn model_comment(model: &Model) -> Vec<String> {
    let mut lines = vec![model.description.trim().to_owned()];
    if model.min_properties > 0 {
        lines.push(String::new());
        lines.push(format!(
            "At least {} of the fields must be given.",
            model.min_properties
        ));
    }
    if let Some(example) = &model.example {
        lines.push(String::new());
        lines.push("@example".into());
        lines.push(super::samples::literal(example));
    }
    lines
}

fn converter(w: &mut Writer, contract: &Contract, model: &Model) {
    let name = type_name(contract, &model.name);
    let list = |fields: Vec<&Field>| {
        let names: Vec<String> = fields.iter().map(|f| quoted(&f.name)).collect();
        format!("[{}]", names.join(", "))
    };
    let converted: Vec<(&Field, String)> = model
        .fields
        .iter()
        .filter_map(|f| decoder(contract, &f.ty).map(|d| (f, d)))
        .collect();
    docs::comment(
        w,
        &[format!("Converts {{@link {name}}} from and to plain JSON.")],
    );
    w.block(
        format!("export const {name}: Model<{name}> = model<{name}>({{"),
        "});",
        |w| {
            w.line(format!("name: {},", quoted(&model.name)));
            w.line(format!(
                "required: {},",
                list(model.fields.iter().filter(|f| f.required).collect())
            ));
            w.line(format!(
                "secrets: {},",
                list(model.fields.iter().filter(|f| f.secret).collect())
            ));
            if converted.is_empty() {
                w.line("fields: () => undefined,");
            } else {
                w.block("fields(o) {", "},", |w| {
                    for (field, call) in &converted {
                        let place = format!("o[{}]", quoted(&field.name));
                        let line = format!("{place} = {};", call.replace(VALUE, &place));
                        if field.required {
                            w.line(line);
                        } else {
                            w.line(format!("if ({place} !== undefined) {line}"));
                        }
                    }
                });
            }
            w.block("rows: (r) => ({", "}),", |w| {
                for field in &model.fields {
                    w.line(format!(
                        "{}: {},",
                        key(&field.name),
                        reader(contract, &field.ty)
                    ));
                }
            });
        },
    );
}

/// The expression that reads a value of that type out of the rows `r`.
fn reader(contract: &Contract, ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime | Type::Enum(_) => "r.text()".into(),
        Type::DateTime => "r.instant()".into(),
        Type::Integer | Type::Number | Type::Boolean => "r.value()".into(),
        Type::Model(name) => format!("{}.read(r)", type_name(contract, name)),
        Type::List(item) => match (item.as_ref(), reader(contract, item)) {
            (Type::Model(name), _) => format!("r.list({}.read)", type_name(contract, name)),
            (_, item) if item == "r.text()" => "r.texts()".into(),
            (_, item) => format!("r.list((r) => {item})"),
        },
        // As they came: they are converted as if there were no rows.
        Type::Map(_) | Type::Any => decoder(contract, ty)
            .map_or_else(|| "r.value()".into(), |d| d.replace(VALUE, "r.value()")),
    }
}

/// Stands for the value in a conversion.
const VALUE: &str = "\u{0}";

/// The expression that converts a value of that type; `None` when it stays as it was parsed.
fn decoder(contract: &Contract, ty: &Type) -> Option<String> {
    Some(match ty {
        Type::DateTime => format!("instant({VALUE})"),
        Type::Model(name) => format!(
            "{VALUE} == null ? {VALUE} : {}.decode({VALUE})",
            type_name(contract, name)
        ),
        Type::List(item) => match function(contract, item) {
            Some(function) => format!("list({VALUE}, {function})"),
            None => format!("list({VALUE})"),
        },
        Type::Map(value) => match (function(contract, value), value.as_ref()) {
            (Some(function), _) => format!("dictionary({VALUE}, {function})"),
            (None, _) => format!("free({VALUE})"),
        },
        Type::Any => format!("free({VALUE})"),
        Type::String
        | Type::Uuid
        | Type::DateOrDateTime
        | Type::Integer
        | Type::Number
        | Type::Boolean
        | Type::Enum(_) => return None,
    })
}

/// The same as a function.
fn function(contract: &Contract, ty: &Type) -> Option<String> {
    match ty {
        Type::DateTime => Some("instant".into()),
        Type::Any => Some("free".into()),
        Type::Model(name) => Some(format!("{}.decode", type_name(contract, name))),
        other => {
            decoder(contract, other).map(|call| format!("(v) => {}", call.replace(VALUE, "v")))
        }
    }
}
