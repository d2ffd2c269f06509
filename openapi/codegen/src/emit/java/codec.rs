//! Codecs: a model's JSON, by the model's public builder and getters alone.

use super::{
    ROOT,
    file::{INTERNAL, MODELS, Unit},
    model::{Property, properties},
    names::{class, literal},
    types,
};
use crate::{
    model::{Contract, Model},
    output::File,
    writer::Writer,
};

/// The codec of a model.
pub fn emit(_contract: &Contract, model: &Model) -> File {
    let class = class(&model.name);
    let properties = properties(model);
    let mut unit = Unit::new(INTERNAL, &format!("{class}Codec"));
    unit.import(MODELS, &class);
    unit.import("com.fasterxml.jackson.core", "JsonGenerator");
    unit.import("com.fasterxml.jackson.core", "JsonParser");
    unit.import("java.io", "IOException");
    if properties.iter().any(|p| p.always) {
        unit.import("ai.sentryagent.idp", "ValidationException");
    }
    for property in &properties {
        types::import_enums(&mut unit, &property.field.ty);
    }
    let w = &mut unit.body;
    w.line(format!("/** The JSON of {{@link {class}}}. */"));
    w.block(
        format!("public final class {class}Codec extends Codec<{class}> {{"),
        "}",
        |w| {
            w.line(format!(
                "public static final {class}Codec INSTANCE = new {class}Codec();"
            ));
            w.blank();
            w.line(format!("private {class}Codec() {{}}"));
            w.blank();
            read(w, &class, &properties);
            w.blank();
            write(w, &class, &properties);
        },
    );
    unit.file(ROOT)
}

fn read(w: &mut Writer, class: &str, properties: &[Property<'_>]) {
    w.line("@Override");
    w.block(format!("public {class} read(JsonParser in) throws IOException {{"), "}", |w| {
        w.line("Json.expectObject(in);");
        w.line(format!("{class}.Builder to = {class}.builder();"));
        w.block("for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {", "}", |w| {
            w.line("in.nextToken();");
            w.block("switch (name) {", "}", |w| {
                for property in properties {
                    w.line(format!("case {} -> {}", literal(&property.field.name), set(property)));
                }
                w.line("default -> to.additionalProperty(name, Json.any(in));");
            });
        });
        if properties.iter().any(|p| p.always) {
            w.line(
                "try {\n    return to.build();\n} catch (ValidationException e) {\n    throw new DecodeFault(e.getMessage());\n}",
            );
        } else {
            w.line("return to.build();");
        }
    });
}

/// Null stands for absence where the contract does not give it a meaning; where the field must be there, reading it fails.
fn set(property: &Property<'_>) -> String {
    let field = property.field;
    let value = types::read(&field.ty, "in", 0);
    if property.always || field.ty == crate::model::Type::Any {
        format!("to.{}({value});", property.setter)
    } else if field.nullable {
        format!("to.{}(Json.isNull(in) ? null : {value});", property.setter)
    } else {
        // A setter's overloads must not meet a bare null, and an absent field must not be set.
        format!(
            "{{\n    if (!Json.isNull(in)) {{\n        to.{}({value});\n    }}\n}}",
            property.setter
        )
    }
}

fn write(w: &mut Writer, class: &str, properties: &[Property<'_>]) {
    w.line("@Override");
    w.block(
        format!("public void write(JsonGenerator out, {class} value) throws IOException {{"),
        "}",
        |w| {
            w.line("out.writeStartObject();");
            for property in properties {
                member(w, property);
            }
            w.line("Json.writeEntries(out, value.getAdditionalProperties(), Json::writeAny);");
            w.line("out.writeEndObject();");
        },
    );
}

fn member(w: &mut Writer, property: &Property<'_>) {
    let field = property.field;
    let get = format!("value.{}()", property.getter);
    let name = format!("out.writeFieldName({});", literal(&field.name));
    let write = format!("{};", types::write(&field.ty, "out", &get, 0));
    let or_null =
        format!("{name}\nif ({get} == null) {{\n    out.writeNull();\n}} else {{\n    {write}\n}}");
    if property.always {
        w.line(name);
        w.line(write);
    } else if let Some(given) = &property.given {
        w.block(format!("if (value.{given}()) {{"), "}", |w| {
            w.line(or_null);
        });
    } else if field.nullable {
        w.line(or_null);
    } else {
        w.block(format!("if ({get} != null) {{"), "}", |w| {
            w.line(&name);
            w.line(&write);
        });
    }
}
