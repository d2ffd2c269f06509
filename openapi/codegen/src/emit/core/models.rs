//! Models: structs, their construction, and how they are read from and written to JSON.

use super::{
    extras, rust_file,
    types::{
        Presence, convert, field_ident, field_type, holds_itself, literal, parameter, presence,
        setter_ident, type_ident,
    },
};
use crate::{
    model::{Contract, Field, Model, SdkDefault},
    writer::Writer,
};

/// More arguments than clippy likes in one function.
const MANY: usize = 7;

/// Emits `models.rs`.
pub fn emit(contract: &Contract) -> String {
    let mut w = rust_file("Requests and answers.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use std::{collections::BTreeMap, fmt};").blank();
    w.line("use serde::{de, ser::SerializeMap as _};");
    w.line("use serde_json::Value;");
    w.line("use time::OffsetDateTime;").blank();
    w.line("pub use super::enums::*;");
    w.line(
        "use crate::{Secret, pages::{Next, Page}, wire::{As, Extra, FromBody, Key, Ref, missing}};",
    );
    for model in used(contract) {
        w.blank();
        structure(&mut w, contract, model);
        construction(&mut w, contract, model);
        serialize(&mut w, model);
        deserialize(&mut w, contract, model);
        if model.usage.output {
            w.blank().line(format!(
                "impl FromBody for {} {{}}",
                type_ident(&model.name)
            ));
        }
        w.line(format!("crate::wire::plain!({});", type_ident(&model.name)));
        extras::positional(&mut w, contract, model);
        extras::page(&mut w, contract, model);
    }
    w.finish()
}

/// Models that an operation uses.
pub fn used(contract: &Contract) -> impl Iterator<Item = &Model> {
    contract
        .models
        .iter()
        .filter(|m| m.usage.input() || m.usage.output)
}

/// Unknown fields are kept in answers; in a request they are the caller's mistake.
fn keeps_extra(model: &Model) -> bool {
    model.usage.output
}

/// No field needs to be given.
pub fn all_optional(model: &Model) -> bool {
    model.fields.iter().all(|f| !f.required)
}

fn structure(w: &mut Writer, contract: &Contract, model: &Model) {
    let name = type_ident(&model.name);
    w.prefixed("/// ", &model.description);
    if model.min_properties > 0 {
        w.line("///");
        w.line(format!(
            "/// At least {} of its fields must be given.",
            model.min_properties
        ));
    }
    let default = if !model.usage.output && all_optional(model) {
        ", Default"
    } else {
        ""
    };
    w.line(format!("#[derive(Clone, Debug, PartialEq{default})]"));
    if model.usage.output {
        w.line("#[non_exhaustive]");
    }
    w.block(format!("pub struct {name} {{"), "}", |w| {
        for field in &model.fields {
            documentation(w, model, field);
            w.line(format!(
                "pub {}: {},",
                field_ident(&field.name),
                field_type(contract, model, field)
            ));
        }
        if keeps_extra(model) {
            w.line("/// Fields of the answer that this version of the SDK does not know.");
            w.line("pub extra: Extra,");
        }
    });
}

fn documentation(w: &mut Writer, model: &Model, field: &Field) {
    w.prefixed("/// ", &field.description);
    let mut notes = Vec::new();
    if let Some(default) = &field.default {
        notes.push(format!("The server's default is `{default}`."));
    }
    match &field.sdk_default {
        Some(SdkDefault::Value(value)) => notes.push(format!("Left out, `{value}` is sent.")),
        Some(SdkDefault::ClientId) => notes.push("Left out, the client's own id is sent.".into()),
        Some(SdkDefault::ClientSecret) => {
            notes.push("Left out, the client's own secret is sent.".into());
        }
        None => {}
    }
    if let (Some(low), Some(high)) = (field.limits.minimum, field.limits.maximum) {
        notes.push(format!("From {low} to {high}."));
    }
    if presence(model, field) == Presence::Patch {
        notes.push("`Some(None)` sends null.".into());
    }
    if field.secret {
        notes.push("A secret: masked by `Debug`.".into());
    }
    if let Some(first) = &field.alias_of {
        notes.push(format!("Another name of `{first}`."));
    }
    if !notes.is_empty() {
        w.line("///").line(format!("/// {}", notes.join(" ")));
    }
}

/// `new(…)` with what must be given, and a setter for each field that may be left out.
fn construction(w: &mut Writer, contract: &Contract, model: &Model) {
    if !model.usage.input() {
        return;
    }
    let name = type_ident(&model.name);
    let required: Vec<&Field> = model.fields.iter().filter(|f| f.required).collect();
    w.blank().block(format!("impl {name} {{"), "}", |w| {
        w.line(if required.is_empty() {
            "/// With nothing given."
        } else {
            "/// With what must be given."
        });
        if required.len() > MANY {
            w.line("#[allow(clippy::too_many_arguments)] // the contract asks for them all");
        }
        let arguments: Vec<String> = required
            .iter()
            .map(|f| {
                let (ty, _) = parameter(&f.ty, f.secret);
                let ty = if f.nullable {
                    format!("Option<{}>", super::types::base(&f.ty, f.secret))
                } else {
                    ty
                };
                format!("{}: {ty}", field_ident(&f.name))
            })
            .collect();
        let derived = required.is_empty() && !model.usage.output;
        if required.is_empty() {
            w.line("#[must_use]");
        }
        w.block(
            format!("pub fn new({}) -> Self {{", arguments.join(", ")),
            "}",
            |w| {
                if derived {
                    w.line("Self::default()");
                    return;
                }
                w.block("Self {", "}", |w| {
                    for field in &model.fields {
                        let ident = field_ident(&field.name);
                        if field.required && !field.nullable {
                            match given(contract, model, field) {
                                same if same == ident => w.line(format!("{ident},")),
                                other => w.line(format!("{ident}: {other},")),
                            };
                        } else if field.required {
                            w.line(format!("{ident},"));
                        } else {
                            w.line(format!("{ident}: None,"));
                        }
                    }
                    if keeps_extra(model) {
                        w.line("extra: Extra::new(),");
                    }
                });
            },
        );
        for field in model.fields.iter().filter(|f| !f.required) {
            setter(w, contract, model, field);
        }
    });
}

/// An argument as the field wants it.
fn given(contract: &Contract, model: &Model, field: &Field) -> String {
    let (_, how) = parameter(&field.ty, field.secret);
    let value = convert(how, &field_ident(&field.name));
    if holds_itself(contract, model, &field.ty) {
        format!("Box::new({value})")
    } else {
        value
    }
}

fn setter(w: &mut Writer, contract: &Contract, model: &Model, field: &Field) {
    let ident = field_ident(&field.name);
    let (ty, _) = parameter(&field.ty, field.secret);
    let value = given(contract, model, field);
    w.blank();
    w.prefixed("/// ", &field.description);
    w.line("#[must_use]");
    w.block(
        format!(
            "pub fn {}(mut self, {ident}: {ty}) -> Self {{",
            setter_ident(&field.name)
        ),
        "}",
        |w| {
            match presence(model, field) {
                Presence::Patch => w.line(format!("self.{ident} = Some(Some({value}));")),
                _ => w.line(format!("self.{ident} = Some({value});")),
            };
            w.line("self");
        },
    );
}

fn serialize(w: &mut Writer, model: &Model) {
    let name = type_ident(&model.name);
    w.blank()
        .block(format!("impl serde::Serialize for {name} {{"), "}", |w| {
            w.block(
            "fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {",
            "}",
            |w| {
                w.line("let mut map = serializer.serialize_map(None)?;");
                for field in &model.fields {
                    let (ident, key) = (field_ident(&field.name), literal(&field.name));
                    match presence(model, field) {
                        Presence::Always | Presence::Nullable => {
                            w.line(format!("map.serialize_entry({key}, &Ref(&self.{ident}))?;"));
                        }
                        Presence::Optional | Presence::Patch => {
                            w.block(format!("if let Some(value) = &self.{ident} {{"), "}", |w| {
                                w.line(format!("map.serialize_entry({key}, &Ref(value))?;"));
                            });
                        }
                    }
                }
                if keeps_extra(model) {
                    w.block("for (key, value) in &self.extra {", "}", |w| {
                        w.line("map.serialize_entry(key, value)?;");
                    });
                }
                w.line("map.end()");
            },
        );
        });
}

fn deserialize(w: &mut Writer, contract: &Contract, model: &Model) {
    let name = type_ident(&model.name);
    w.blank().block(format!("impl<'de> serde::Deserialize<'de> for {name} {{"), "}", |w| {
        w.block(
            "fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {",
            "}",
            |w| {
                w.line("struct Fields;");
                w.block("impl<'de> de::Visitor<'de> for Fields {", "}", |w| {
                    w.line(format!("type Value = {name};"));
                    w.block("fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {", "}", |w| {
                        w.line(format!("f.write_str({})", literal(&format!("an object of type {}", model.name))));
                    });
                    w.block(
                        "fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {",
                        "}",
                        |w| visit_map(w, contract, model),
                    );
                });
                w.line("deserializer.deserialize_map(Fields)");
            },
        );
    });
}

fn visit_map(w: &mut Writer, contract: &Contract, model: &Model) {
    if !keeps_extra(model) {
        let known: Vec<String> = model.fields.iter().map(|f| literal(&f.name)).collect();
        w.line(format!("const KNOWN: &[&str] = &[{}];", known.join(", ")));
    }
    for (i, field) in model.fields.iter().enumerate() {
        let ty = field_type(contract, model, field);
        match presence(model, field) {
            Presence::Always | Presence::Nullable => {
                w.line(format!("let mut f{i}: Option<{ty}> = None;"))
            }
            Presence::Optional | Presence::Patch => w.line(format!("let mut f{i}: {ty} = None;")),
        };
    }
    if keeps_extra(model) {
        w.line("let mut extra = Extra::new();");
    }
    w.block(
        "while let Some(key) = map.next_key::<Key<'de>>()? {",
        "}",
        |w| {
            w.block("match key.as_str() {", "}", |w| {
                for (i, field) in model.fields.iter().enumerate() {
                    let key = literal(&field.name);
                    match presence(model, field) {
                        Presence::Optional => {
                            w.line(format!("{key} => f{i} = map.next_value::<As<_>>()?.0,"));
                        }
                        _ => {
                            w.line(format!(
                                "{key} => f{i} = Some(map.next_value::<As<_>>()?.0),"
                            ));
                        }
                    }
                }
                if keeps_extra(model) {
                    w.block("_ => {", "}", |w| {
                        w.line("extra.insert(key.into_string(), map.next_value()?);");
                    });
                } else {
                    w.line("unknown => return Err(de::Error::unknown_field(unknown, KNOWN)),");
                }
            });
        },
    );
    w.block(format!("Ok({} {{", type_ident(&model.name)), "})", |w| {
        for (i, field) in model.fields.iter().enumerate() {
            let (ident, key) = (field_ident(&field.name), literal(&field.name));
            match presence(model, field) {
                Presence::Always | Presence::Nullable => {
                    w.line(format!("{ident}: f{i}.ok_or_else(|| missing({key}))?,"));
                }
                Presence::Optional | Presence::Patch => {
                    w.line(format!("{ident}: f{i},"));
                }
            }
        }
        if keeps_extra(model) {
            w.line("extra,");
        }
    });
}
