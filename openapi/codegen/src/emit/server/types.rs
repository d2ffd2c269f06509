//! Wire types: enums, and models with the checks that report every fault at once.

use indexmap::IndexMap;

use super::{
    enums,
    rust::{ident, quoted, ty, variant},
};
use crate::{
    Result,
    model::{Contract, Field, Limits, Model, Type},
    names,
    writer::Writer,
};

/// `generated/types.rs`.
pub fn emit(contract: &Contract) -> Result<String> {
    let mut patterns = Patterns::default();
    let mut body = Writer::new("    ");
    enums::emit(&mut body, contract);
    for item in contract
        .models
        .iter()
        .filter(|m| m.usage.input() || m.usage.output)
    {
        model(&mut body, contract, item, &mut patterns)?;
    }
    patterns.emit(&mut body);
    let body = body.finish();

    let mut w = Writer::new("    ");
    w.line(
        "//! The contract's types as they travel. A request's type has a check that reads it and",
    );
    w.line("//! reports every fault; an answer's type can be written.");
    w.blank();
    if body.contains("BTreeMap<") {
        w.line("use std::collections::BTreeMap;").blank();
    }
    for (word, import) in [
        ("Serialize", "use serde::Serialize;"),
        ("Value", "use serde_json::Value;"),
        ("Uuid", "use uuid::Uuid;"),
        ("Timestamp", "use crate::clock::Timestamp;"),
    ] {
        if uses(&body, word) {
            w.line(import);
        }
    }
    let wire: Vec<&str> = [
        "DateOrTimestamp",
        "Input",
        "List",
        "Object",
        "Pattern",
        "Secret",
        "Text",
        "Word",
        "read",
    ]
    .into_iter()
    .filter(|word| uses(&body, word))
    .collect();
    if !wire.is_empty() {
        w.line(format!("use crate::wire::{{{}}};", wire.join(", ")));
    }
    Ok(w.finish() + "\n" + &body)
}

/// The word stands in the code, not only as a part of a longer one or in a comment.
fn uses(body: &str, word: &str) -> bool {
    body.lines()
        .filter(|l| !l.trim_start().starts_with("///"))
        .any(|line| {
            line.match_indices(word).any(|(i, _)| {
                let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                edge(line[..i].chars().next_back()) && edge(line[i + word.len()..].chars().next())
            })
        })
}

/// How a field is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    RequiredNullable,
    Optional,
    OptionalNullable,
    Defaulted,
}

fn presence(model: &Model, field: &Field) -> Presence {
    if field.default.is_some() && !field.wire_required && model.usage.input() && !model.usage.output
    {
        return Presence::Defaulted;
    }
    match (field.wire_required, field.nullable) {
        (true, false) => Presence::Required,
        (true, true) => Presence::RequiredNullable,
        (false, false) => Presence::Optional,
        (false, true) => Presence::OptionalNullable,
    }
}

fn field_type(model: &Model, field: &Field) -> String {
    let inner = ty(&field.ty, field.secret);
    match presence(model, field) {
        Presence::Required | Presence::Defaulted => inner,
        Presence::RequiredNullable | Presence::Optional => format!("Option<{inner}>"),
        Presence::OptionalNullable => format!("Option<Option<{inner}>>"),
    }
}

fn model(w: &mut Writer, contract: &Contract, item: &Model, patterns: &mut Patterns) -> Result<()> {
    let name = names::pascal(&item.name);
    // An alias is read into the field that it is another name of.
    let fields: Vec<&Field> = item
        .fields
        .iter()
        .filter(|f| f.alias_of.is_none())
        .collect();
    w.prefixed("/// ", &item.description);
    w.line(if item.usage.output {
        "#[derive(Clone, Debug, PartialEq, Serialize)]"
    } else {
        "#[derive(Clone, Debug, PartialEq)]"
    });
    w.block(format!("pub struct {name} {{"), "}", |w| {
        for field in &fields {
            w.prefixed(
                "/// ",
                if field.description.is_empty() {
                    "As the contract says."
                } else {
                    &field.description
                },
            );
            if item.usage.output {
                let absent = matches!(
                    presence(item, field),
                    Presence::Optional | Presence::OptionalNullable
                );
                w.line(format!(
                    "#[serde(rename = {}{})]",
                    quoted(&field.name),
                    if absent {
                        ", skip_serializing_if = \"Option::is_none\""
                    } else {
                        ""
                    }
                ));
            }
            w.line(format!(
                "pub {}: {},",
                ident(&field.name),
                field_type(item, field)
            ));
        }
    });
    w.blank();
    if item.usage.input() {
        input(w, contract, item, &fields, patterns)?;
    }
    Ok(())
}

fn input(
    w: &mut Writer,
    contract: &Contract,
    item: &Model,
    fields: &[&Field],
    patterns: &mut Patterns,
) -> Result<()> {
    let mut lines = Vec::new();
    for field in item.fields.iter().filter(|f| f.alias_of.is_some()) {
        let of = field.alias_of.as_deref().unwrap_or_default();
        lines.push(format!("o.alias({}, {});", quoted(&field.name), quoted(of)));
    }
    for field in fields {
        let read = reader(&field.ty, &field.limits, field.secret, patterns);
        let call = match presence(item, field) {
            Presence::Required => format!("o.required({}, {read})", quoted(&field.name)),
            Presence::RequiredNullable => {
                format!("o.required_nullable({}, {read})", quoted(&field.name))
            }
            Presence::Optional => format!("o.optional({}, {read})", quoted(&field.name)),
            Presence::OptionalNullable => {
                format!("o.optional_nullable({}, {read})", quoted(&field.name))
            }
            Presence::Defaulted => format!(
                "o.or_default({}, || {}, {read})",
                quoted(&field.name),
                default(contract, field)?
            ),
        };
        lines.push(format!("let {} = {call};", ident(&field.name)));
    }
    let int = |name: &str| {
        fields.iter().any(|f| {
            f.name == name && f.ty == Type::Integer && presence(item, f) == Presence::Defaulted
        })
    };
    if item.usage.query && int("page") && int("limit") {
        lines.push("o.window(page, limit);".into());
    }
    if item.min_properties > 0 {
        lines.push(format!("o.at_least({});", item.min_properties));
    }
    w.block(
        format!("impl Input for {} {{", names::pascal(&item.name)),
        "}",
        |w| {
            let known: Vec<String> = item.fields.iter().map(|f| quoted(&f.name)).collect();
            w.line(format!(
                "const FIELDS: &'static [&'static str] = &[{}];",
                known.join(", ")
            ))
            .blank();
            w.line("fn read(o: &mut Object<'_>) -> Option<Self> {");
            for line in lines {
                w.line(line);
            }
            w.line("Some(Self {");
            for field in fields {
                w.line(format!("{0}: {0}?,", ident(&field.name)));
            }
            w.line("})").line("}");
        },
    );
    w.blank();
    Ok(())
}

/// A closure that reads one value.
fn reader(t: &Type, limits: &Limits, secret: bool, patterns: &mut Patterns) -> String {
    let call = match t {
        Type::String => {
            let text = text_limits(limits, patterns);
            if secret {
                format!("read::text(v, at, &{text}).map(Secret::new)")
            } else {
                format!("read::text(v, at, &{text})")
            }
        }
        Type::Uuid => return "read::uuid".into(),
        Type::DateTime => return "read::timestamp".into(),
        Type::DateOrDateTime => return "read::date_or_timestamp".into(),
        Type::Integer => format!(
            "read::integer(v, at, {:?}, {:?})",
            limits.minimum, limits.maximum
        ),
        Type::Number => format!(
            "read::number(v, at, {:?}, {:?})",
            limits.minimum, limits.maximum
        ),
        Type::Boolean => return "read::boolean".into(),
        Type::Enum(_) => return "read::word".into(),
        Type::Model(_) => return "read::object".into(),
        Type::Any => return "read::any".into(),
        Type::List(item) => {
            let none = Limits::default();
            let inner = reader(
                item,
                limits.items.as_deref().unwrap_or(&none),
                secret,
                patterns,
            );
            format!(
                "read::list(v, at, &List {{ min: {}, max: {}, unique: {} }}, {inner})",
                limits.min_items.unwrap_or(0),
                limits
                    .max_items
                    .map_or("u64::MAX".into(), |m| m.to_string()),
                limits.unique_items
            )
        }
        Type::Map(value) => {
            let none = Limits::default();
            let inner = reader(
                value,
                limits.items.as_deref().unwrap_or(&none),
                secret,
                patterns,
            );
            format!("read::map(v, at, {inner})")
        }
    };
    format!("|v, at| {call}")
}

fn text_limits(limits: &Limits, patterns: &mut Patterns) -> String {
    format!(
        "Text {{ min: {}, max: {}, pattern: {}, uri: {} }}",
        limits.min_length.unwrap_or(0),
        limits
            .max_length
            .map_or("u64::MAX".into(), |m| m.to_string()),
        limits.pattern.as_ref().map_or("None".into(), |p| {
            format!(
                "Some(&{})",
                patterns.name(p, limits.pattern_message.as_deref())
            )
        }),
        limits.format.as_deref() == Some("uri")
    )
}

fn default(contract: &Contract, field: &Field) -> Result<String> {
    let value = field.default.clone().unwrap_or_default();
    let wrong = || {
        field.at.error(format!(
            "the default {value} is no value of the field's type"
        ))
    };
    Ok(match &field.ty {
        Type::String => {
            let text = format!("{}.to_owned()", quoted(value.as_str().ok_or_else(wrong)?));
            if field.secret {
                format!("Secret::new({text})")
            } else {
                text
            }
        }
        Type::Integer => value.as_i64().ok_or_else(wrong)?.to_string(),
        Type::Number => format!("{:?}", value.as_f64().ok_or_else(wrong)?),
        Type::Boolean => value.as_bool().ok_or_else(wrong)?.to_string(),
        Type::Enum(name) => {
            let text = value.as_str().ok_or_else(wrong)?;
            if !contract
                .enumeration(name)
                .values
                .iter()
                .any(|(v, _)| v == text)
            {
                return Err(wrong());
            }
            format!("{}::{}", names::pascal(name), variant(text))
        }
        Type::List(_) if value.as_array().is_some_and(Vec::is_empty) => "Vec::new()".into(),
        Type::Map(_) if value.as_object().is_some_and(serde_json::Map::is_empty) => {
            "BTreeMap::new()".into()
        }
        _ => return Err(field.at.error(
            "a default is understood for text, numbers, booleans, enums and empty lists and maps",
        )),
    })
}

/// Patterns by regex and message; equal ones are compiled once.
#[derive(Default)]
struct Patterns(IndexMap<(String, Option<String>), String>);

impl Patterns {
    fn name(&mut self, pattern: &str, message: Option<&str>) -> String {
        let next = format!("PATTERN_{}", self.0.len());
        self.0
            .entry((pattern.to_owned(), message.map(str::to_owned)))
            .or_insert(next)
            .clone()
    }

    fn emit(&self, w: &mut Writer) {
        for ((pattern, message), name) in &self.0 {
            let message = message
                .clone()
                .unwrap_or_else(|| format!("does not match {pattern}"));
            w.line(format!(
                "static {name}: Pattern = Pattern::new({}, {});",
                quoted(pattern),
                quoted(&message)
            ));
        }
        let names: Vec<String> = self.0.values().map(|n| format!("&{n}")).collect();
        w.blank();
        w.line("/// Every pattern, so that a test can compile them all.");
        w.line(format!(
            "pub static PATTERNS: &[&Pattern] = &[{}];",
            names.join(", ")
        ));
    }
}
