//! The native side: open enums, classes over the core's models, and the operation table.

use super::{names, text, used, used_enums};
use crate::{
    emit::core::types::{field_ident, ident, type_ident},
    model::{Contract, Field, Model, Operation, Type},
    names::screaming,
    output::marker,
    writer::Writer,
};

/// Emits `generated/mod.rs`.
pub fn module() -> String {
    let mut w = rust_file("What the contract says, as data and thin classes.");
    for name in ["enums", "models", "operations"] {
        w.line(format!("pub mod {name};"));
    }
    w.finish()
}

/// Emits `generated/enums.rs`.
pub fn enums(contract: &Contract) -> String {
    let mut w = rust_file("Open enums.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use pyo3::prelude::*;");
    w.line("use sentryagent_idp::models as core;").blank();
    w.line("use crate::{convert::ToPy, enums::EnumClass};");
    for enumeration in used_enums(contract) {
        let constant = screaming(&enumeration.name);
        w.blank();
        w.line(format!(
            "pub static {constant}: EnumClass = EnumClass::new({:?});",
            names::class(&enumeration.name)
        ));
        w.blank();
        w.block(
            format!("impl ToPy for core::{} {{", type_ident(&enumeration.name)),
            "}",
            |w| {
                w.block(
                    "fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {",
                    "}",
                    |w| {
                        w.line(format!("{constant}.instance(py, self.as_str())"));
                    },
                );
            },
        );
    }
    w.finish()
}

/// Emits `generated/models.rs`.
pub fn models(contract: &Contract) -> String {
    let mut w = rust_file("Models: a class with a constructor and getters for each.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use pyo3::{prelude::*, sync::PyOnceLock, types::{PyDict, PyModule}};");
    w.line("use sentryagent_idp::models as core;");
    w.line("use serde_json::{Map, Value};").blank();
    w.line("use super::enums;");
    w.line("use crate::{");
    w.line("    convert::ToPy,");
    w.line("    model::{self, CoreModel, Model, ModelType, Object},");
    w.line("    shape::{Field, Kind, ModelClass, Shape},");
    w.line("};").blank();
    w.line("/// Puts every class into the module.");
    w.block(
        "pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {",
        "}",
        |w| {
            for model in used(contract) {
                w.line(format!(
                    "module.add_class::<{}>()?;",
                    type_ident(&model.name)
                ));
            }
            w.line("Ok(())");
        },
    );
    for model in used(contract) {
        w.blank();
        shape(&mut w, model);
        w.blank();
        class(&mut w, contract, model);
        w.blank();
        members(&mut w, contract, model);
        if model.usage.output {
            w.blank();
            core_model(&mut w, model);
        }
    }
    w.finish()
}

fn shape_constant(model: &str) -> String {
    format!("{}_SHAPE", screaming(model))
}

fn shape(w: &mut Writer, model: &Model) {
    let constant = shape_constant(&model.name);
    w.block(format!("pub static {constant}: Shape = Shape {{"), "};", |w| {
        w.line(format!("name: {:?},", names::class(&model.name)));
        w.block("fields: &[", "],", |w| {
            for field in &model.fields {
                w.line(format!(
                    "Field {{ name: {:?}, wire: {:?}, kind: {}, required: {}, nullable: {}, secret: {} }},",
                    names::field(&field.name),
                    field.name,
                    kind(&field.ty),
                    field.required,
                    field.nullable,
                    field.secret
                ));
            }
        });
    });
    w.blank();
    w.line("#[allow(dead_code)] // only models inside other models need it");
    w.line(format!(
        "pub static {}_CLASS: ModelClass = ModelClass {{ shape: &{constant}, from_wire: model::from_wire::<{}> }};",
        screaming(&model.name),
        type_ident(&model.name)
    ));
}

fn kind(ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "Kind::Text".into(),
        Type::DateTime => "Kind::DateTime".into(),
        Type::Integer => "Kind::Integer".into(),
        Type::Number => "Kind::Number".into(),
        Type::Boolean => "Kind::Boolean".into(),
        Type::Enum(name) => format!("Kind::Enum(&enums::{})", screaming(name)),
        Type::Model(name) => format!("Kind::Model(&{}_CLASS)", screaming(name)),
        Type::List(inner) => format!("Kind::List(&{})", kind(inner)),
        Type::Map(inner) => format!("Kind::Map(&{})", kind(inner)),
        Type::Any => "Kind::Any".into(),
    }
}

/// The field holds models: their objects are made once.
fn holds_models(ty: &Type) -> bool {
    match ty {
        Type::Model(_) => true,
        Type::List(inner) | Type::Map(inner) => holds_models(inner),
        _ => false,
    }
}

fn cached(model: &Model) -> Vec<&Field> {
    model
        .fields
        .iter()
        .filter(|f| model.usage.output && holds_models(&f.ty))
        .collect()
}

fn documentation(w: &mut Writer, text: &str) {
    w.prefixed("/// ", text.trim());
}

fn class(w: &mut Writer, contract: &Contract, model: &Model) {
    let name = type_ident(&model.name);
    let arguments = text::arguments(contract, &model.name);
    documentation(w, &super::models::documentation(model, &arguments));
    w.line(format!(
        "#[pyclass(frozen, extends = Model, name = {:?}, module = \"sentryagent_idp.models\")]",
        names::class(&model.name)
    ));
    w.block(format!("pub struct {name} {{"), "}", |w| {
        for field in cached(model) {
            w.line(format!(
                "{}: PyOnceLock<Py<PyAny>>,",
                field_ident(&field.name)
            ));
        }
    });
    w.blank();
    w.block(format!("impl ModelType for {name} {{"), "}", |w| {
        let constant = shape_constant(&model.name);
        w.line(format!("const SHAPE: &'static Shape = &{constant};"));
        w.block("fn empty() -> Self {", "}", |w| {
            w.block("Self {", "}", |w| {
                for field in cached(model) {
                    w.line(format!("{}: PyOnceLock::new(),", field_ident(&field.name)));
                }
            });
        });
        w.block(
            "fn object(fields: Map<String, Value>) -> Result<Box<dyn Object>, String> {",
            "}",
            |w| {
                w.line(if model.usage.output {
                    format!("model::core_object::<core::{name}>(fields)")
                } else {
                    format!("model::request_object(&{constant}, fields)")
                });
            },
        );
    });
}

fn members(w: &mut Writer, contract: &Contract, model: &Model) {
    let name = type_ident(&model.name);
    let arguments: Vec<String> = text::arguments(contract, &model.name)
        .iter()
        .map(|f| {
            let default = if f.required { "" } else { "=None" };
            format!("{}{default}", names::field(&f.name))
        })
        .collect();
    let signature = if arguments.is_empty() {
        "()".into()
    } else {
        format!("(*, {})", arguments.join(", "))
    };
    w.line("#[pymethods]");
    w.block(format!("impl {name} {{"), "}", |w| {
        w.line("#[new]");
        w.line(format!(
            "#[pyo3(signature = (**fields), text_signature = {signature:?})]"
        ));
        w.block(
            "fn new(fields: Option<&Bound<'_, PyDict>>) -> PyResult<PyClassInitializer<Self>> {",
            "}",
            |w| {
                w.line("model::construct::<Self>(fields)");
            },
        );
        w.blank();
        w.line("#[staticmethod]");
        w.line("#[pyo3(name = \"_from_json\")]");
        w.block(
            "fn from_json_text(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {",
            "}",
            |w| {
                w.line("model::from_text::<Self>(py, text)");
            },
        );
        for (index, field) in model.fields.iter().enumerate() {
            w.blank();
            getter(w, model, field, index);
        }
    });
}

fn getter(w: &mut Writer, model: &Model, field: &Field, index: usize) {
    documentation(w, &text::field(field));
    w.line(format!(
        "#[getter({})]",
        getter_name(&names::field(&field.name))
    ));
    w.block(
        format!("fn get_{index}(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {{"),
        "}",
        |w| {
            let (core, at) = (type_ident(&model.name), field_ident(&field.name));
            w.line(if !model.usage.output {
                format!("model::get_request(slf, {index})")
            } else if holds_models(&field.ty) {
                format!("model::get_cached(slf, &slf.get().{at}, |m: &core::{core}| &m.{at})")
            } else {
                format!("model::get(slf, |m: &core::{core}| &m.{at})")
            });
        },
    );
}

/// A Python name as pyo3's attribute takes it.
fn getter_name(python: &str) -> String {
    if ident(python) == python {
        python.to_owned()
    } else {
        format!("r#{python}")
    }
}

fn core_model(w: &mut Writer, model: &Model) {
    let name = type_ident(&model.name);
    w.block(format!("impl CoreModel for core::{name} {{"), "}", |w| {
        w.line(format!(
            "const SHAPE: &'static Shape = &{};",
            shape_constant(&model.name)
        ));
        w.block("fn extra(&self) -> &Map<String, Value> {", "}", |w| {
            w.line("&self.extra");
        });
    });
    w.blank();
    w.block(format!("impl ToPy for core::{name} {{"), "}", |w| {
        w.block(
            "fn to_py(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {",
            "}",
            |w| {
                w.line(format!(
                    "model::instance::<{name}>(py, Box::new(self.clone()))"
                ));
            },
        );
    });
}

/// Emits `generated/operations.rs`.
pub fn operations(contract: &Contract) -> String {
    let mut w = rust_file("The operation table; an operation's index is its place.");
    w.line("#![allow(unused_imports)] // which of them are needed depends on the contract");
    w.line("use sentryagent_idp::models as core;").blank();
    w.line("use super::models;");
    w.line("use crate::call::{self, Operation};").blank();
    w.line("/// In the contract's order.");
    w.block("pub static OPERATIONS: &[Operation] = &[", "];", |w| {
        for operation in contract.operations() {
            entry(w, operation);
        }
    });
    w.finish()
}

fn entry(w: &mut Writer, operation: &Operation) {
    let shape = |model: Option<&String>| {
        model.map_or("None".to_owned(), |m| {
            format!("Some(&models::{})", shape_constant(m))
        })
    };
    w.block("Operation {", "},", |w| {
        w.line(format!("name: {:?},", names::method(&operation.id)));
        let path: Vec<&str> = operation
            .path_params
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        w.line(format!("path: &{path:?},"));
        w.line(format!("query: {},", shape(operation.query.as_ref())));
        w.line(format!(
            "body: {},",
            shape(operation.body.as_ref().map(|b| &b.model))
        ));
        let mut seen: Vec<&Option<String>> = Vec::new();
        for answer in &operation.answers {
            if !seen.contains(&&answer.model) {
                seen.push(&answer.model);
            }
        }
        let results: Vec<String> = seen
            .iter()
            .map(|model| match model {
                None => "call::empty".to_owned(),
                Some(m) => format!("call::model::<core::{0}, models::{0}>", type_ident(m)),
            })
            .collect();
        w.line(format!("results: &[{}],", results.join(", ")));
    });
}

fn rust_file(purpose: &str) -> Writer {
    let mut w = Writer::new("    ");
    w.line(format!("// {}", marker()));
    w.line(format!("//! {purpose}")).blank();
    w
}
