//! Immutable models with builders.
//!
//! A model that only ever comes from the service is complete: its builder insists on the required fields. A model that a
//! caller builds is not checked here, so that the service names every fault at once and in the same words in every language.

use super::{
    ROOT, docs,
    file::{INTERNAL, MODELS, Unit},
    names::{TAKEN_FIELDS, TAKEN_GETTERS, TAKEN_SETTERS, Unique, class, ident, literal},
    types,
};
use crate::{
    model::{Contract, Field, Model, Type},
    names::pascal,
    output::File,
    writer::Writer,
};

/// A field with the names that Java gives it.
pub struct Property<'a> {
    /// The contract's field.
    pub field: &'a Field,
    /// The private field.
    pub ident: String,
    /// The getter: `getAgentId`, `isPublic`.
    pub getter: String,
    /// The builder's method: `agentId`.
    pub setter: String,
    /// Tells an explicit null from absence; only of fields that may be either.
    pub given: Option<String>,
    /// The field is there in every object.
    pub always: bool,
}

impl Property<'_> {
    /// The field's and the getter's type.
    pub fn ty(&self) -> String {
        match types::primitive(&self.field.ty) {
            Some(primitive) if self.always => primitive.to_owned(),
            _ => types::boxed(&self.field.ty),
        }
    }
}

/// The fields of a model with their names.
pub fn properties(model: &Model) -> Vec<Property<'_>> {
    let mut idents = Unique::new(TAKEN_FIELDS);
    let mut getters = Unique::new(TAKEN_GETTERS);
    let mut setters = Unique::new(TAKEN_SETTERS);
    model
        .fields
        .iter()
        .map(|field| {
            let name = pascal(&field.name);
            let optional_null = !field.required && field.nullable;
            Property {
                field,
                ident: idents.name(ident(&field.name)),
                getter: getters.name(getter(&name, &field.ty)),
                setter: setters.name(ident(&field.name)),
                given: optional_null.then(|| getters.name(format!("has{name}"))),
                always: field.required && !field.nullable && !model.usage.input(),
            }
        })
        .collect()
}

fn getter(name: &str, ty: &Type) -> String {
    match (ty, name.strip_prefix("Is")) {
        (Type::Boolean, Some(rest)) if rest.starts_with(char::is_uppercase) => format!("is{rest}"),
        (Type::Boolean, _) => format!("is{name}"),
        _ => format!("get{name}"),
    }
}

/// The class of a model.
pub fn emit(contract: &Contract, model: &Model) -> File {
    let class = class(&model.name);
    let properties = properties(model);
    let mut unit = Unit::new(MODELS, &class);
    for property in &properties {
        types::import(&mut unit, &property.field.ty);
    }
    unit.import("java.util", "LinkedHashMap");
    unit.import("java.util", "Map");
    unit.import("java.util", "Objects");
    unit.import(INTERNAL, &format!("{class}Codec"));
    unit.import(INTERNAL, "Arguments");
    unit.import(INTERNAL, "Values");
    if properties
        .iter()
        .any(|p| p.field.ty == Type::DateOrDateTime)
    {
        unit.import("java.time", "Instant");
    }
    let w = &mut unit.body;
    docs::comment(w, &about(model), &[]);
    w.block(format!("public final class {class} {{"), "}", |w| {
        for property in &properties {
            w.line(format!(
                "private final {} {};",
                property.ty(),
                property.ident
            ));
            if let Some(given) = &property.given {
                w.line(format!("private final boolean {given};"));
            }
        }
        w.line("private final Map<String, Object> additionalProperties;");
        w.blank();
        w.block(format!("private {class}(Builder from) {{"), "}", |w| {
            for property in &properties {
                w.line(format!("this.{0} = from.{0};", property.ident));
                if let Some(given) = &property.given {
                    w.line(format!("this.{given} = from.{given};"));
                }
            }
            w.line("this.additionalProperties = Values.jsonMap(\"additionalProperties\", from.additionalProperties);");
        });
        entry_points(w, &class, &properties);
        for property in &properties {
            accessors(w, contract, property);
        }
        additional(w);
        object_methods(w, &class, &properties);
        builder(w, contract, &class, &properties);
    });
    unit.file(ROOT)
}

fn about(model: &Model) -> String {
    let mut text = docs::text(&model.description);
    if model.min_properties > 0 {
        text.push_str(&format!(
            "\n\n<p>At least {} of its fields must be given.",
            model.min_properties
        ));
    }
    text
}

fn entry_points(w: &mut Writer, class: &str, properties: &[Property<'_>]) {
    w.blank();
    docs::comment(
        w,
        "A builder without values.",
        &["@return the builder".into()],
    );
    w.block("public static Builder builder() {", "}", |w| {
        w.line("return new Builder();");
    });
    w.blank();
    docs::comment(
        w,
        "Reads the JSON that the service writes.",
        &[
            "@param json the text".into(),
            "@return the value".into(),
            "@throws ai.sentryagent.idp.DecodingException when it is not valid JSON or not such a value".into(),
        ],
    );
    w.block(
        format!("public static {class} fromJson(String json) {{"),
        "}",
        |w| {
            w.line(format!("return {class}Codec.INSTANCE.fromJson(json);"));
        },
    );
    w.blank();
    docs::comment(
        w,
        "The JSON that the service reads. Unlike {@link #toString} it holds secrets.",
        &["@return the text".into()],
    );
    w.block("public String toJson() {", "}", |w| {
        w.line(format!("return {class}Codec.INSTANCE.toJson(this);"));
    });
    w.blank();
    docs::comment(
        w,
        "A builder with this value's fields.",
        &["@return the builder".into()],
    );
    w.block("public Builder toBuilder() {", "}", |w| {
        w.line("Builder to = new Builder();");
        for property in properties {
            w.line(format!("to.{0} = this.{0};", property.ident));
            if let Some(given) = &property.given {
                w.line(format!("to.{given} = this.{given};"));
            }
        }
        w.line("to.additionalProperties.putAll(additionalProperties);");
        w.line("return to;");
    });
}

fn accessors(w: &mut Writer, contract: &Contract, property: &Property<'_>) {
    w.blank();
    let field = property.field;
    let what = if property.always {
        "the value"
    } else if field.required && field.nullable {
        "the value, or null"
    } else {
        "the value, or null when it is absent"
    };
    docs::comment(w, &describe(contract, field), &[format!("@return {what}")]);
    w.block(
        format!("public {} {}() {{", property.ty(), property.getter),
        "}",
        |w| {
            w.line(format!("return this.{};", property.ident));
        },
    );
    if let Some(given) = &property.given {
        w.blank();
        docs::comment(
            w,
            &format!(
                "Whether <code>{}</code> is there, be it with a value or as an explicit null.",
                field.name
            ),
            &["@return false when it is absent".into()],
        );
        w.block(format!("public boolean {given}() {{"), "}", |w| {
            w.line(format!("return this.{given};"));
        });
    }
}

fn describe(contract: &Contract, field: &Field) -> String {
    let mut text = if field.description.is_empty() {
        match &field.ty {
            Type::Model(name) => contract.model(name).description.clone(),
            Type::Enum(name) => contract.enumeration(name).description.clone(),
            _ => format!("The field `{}`.", field.name),
        }
    } else {
        field.description.clone()
    };
    if let Some(other) = &field.alias_of {
        text.push_str(&format!("\n\nAnother name of `{other}`."));
    }
    docs::text(&text)
}

fn additional(w: &mut Writer) {
    w.blank();
    docs::comment(
        w,
        "Fields that this release does not know.",
        &["@return JSON values by name: null, Boolean, String, Long, BigInteger, BigDecimal, List or Map".into()],
    );
    w.block(
        "public Map<String, Object> getAdditionalProperties() {",
        "}",
        |w| {
            w.line("return additionalProperties;");
        },
    );
}

fn object_methods(w: &mut Writer, class: &str, properties: &[Property<'_>]) {
    w.blank();
    w.line("@Override");
    w.block("public boolean equals(Object other) {", "}", |w| {
        w.block(
            format!("if (!(other instanceof {class} that)) {{"),
            "}",
            |w| {
                w.line("return false;");
            },
        );
        let mut terms: Vec<String> = properties.iter().map(equality).collect();
        terms.extend(
            properties
                .iter()
                .filter_map(|p| p.given.as_ref())
                .map(|g| format!("this.{g} == that.{g}")),
        );
        terms.push("additionalProperties.equals(that.additionalProperties)".into());
        w.line(format!("return {};", terms.join("\n        && ")));
    });
    w.blank();
    w.line("@Override");
    w.block("public int hashCode() {", "}", |w| {
        let mut names: Vec<String> = properties
            .iter()
            .map(|p| format!("this.{}", p.ident))
            .collect();
        names.push("additionalProperties".into());
        w.line(format!(
            "return Objects.hash(\n        {});",
            names.join(",\n        ")
        ));
    });
    w.blank();
    docs::comment(
        w,
        "For people. Secrets, and the values of fields that this release does not know, are masked.",
        &[],
    );
    w.line("@Override");
    w.block("public String toString() {", "}", |w| {
        let mut parts = vec![format!("\"{class}{{\"")];
        for (i, property) in properties.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            parts.push(literal(&format!("{comma}{}=", property.ident)));
            parts.push(match (property.field.secret, property.always) {
                (false, _) => format!("this.{}", property.ident),
                (true, true) => "\"***\"".into(),
                (true, false) => format!("(this.{} == null ? null : \"***\")", property.ident),
            });
        }
        parts.push("(additionalProperties.isEmpty() ? \"}\" : \", additionalProperties=\" + additionalProperties.keySet() + '}')".into());
        w.line(format!("return {};", parts.join("\n        + ")));
    });
}

fn equality(property: &Property<'_>) -> String {
    let ident = &property.ident;
    match (&property.field.ty, property.always) {
        (Type::Number, true) => format!("Double.compare(this.{ident}, that.{ident}) == 0"),
        (Type::Integer | Type::Boolean, true) => format!("this.{ident} == that.{ident}"),
        _ => format!("Objects.equals(this.{ident}, that.{ident})"),
    }
}

fn builder(w: &mut Writer, contract: &Contract, class: &str, properties: &[Property<'_>]) {
    w.blank();
    docs::comment(w, &format!("Builds {{@link {class}}}."), &[]);
    w.block("public static final class Builder {", "}", |w| {
        w.line("private final Map<String, Object> additionalProperties = new LinkedHashMap<>();");
        for property in properties {
            w.line(format!("private {} {};", types::boxed(&property.field.ty), property.ident));
            if let Some(given) = &property.given {
                w.line(format!("private boolean {given};"));
            }
        }
        w.blank();
        w.line("private Builder() {}");
        for property in properties {
            setters(w, contract, property);
        }
        w.blank();
        docs::comment(
            w,
            "Adds a field that this release does not know.",
            &[
                "@param name as on the wire".into(),
                "@param value a JSON value: null, Boolean, String, Number, List or Map".into(),
                "@return this builder".into(),
                "@throws ai.sentryagent.idp.ValidationException when the value is none".into(),
            ],
        );
        w.block("public Builder additionalProperty(String name, Object value) {", "}", |w| {
            w.line("this.additionalProperties.put(Arguments.given(\"name\", name), Values.json(name, value));");
            w.line("return this;");
        });
        build(w, class, properties);
    });
}

fn setters(w: &mut Writer, contract: &Contract, property: &Property<'_>) {
    let field = property.field;
    let mut text = describe(contract, field);
    if let Some(default) = &field.default {
        let default = default
            .as_str()
            .map_or_else(|| default.to_string(), str::to_owned);
        text.push_str(&format!(
            "\n\n<p>{}",
            docs::text(&format!("When left out: `{default}`."))
        ));
    } else if field.sdk_default.is_some() {
        text.push_str("\n\n<p>When left out the client fills it in.");
    }
    let null = match (field.nullable, field.required) {
        (true, false) => "; null is sent as null",
        (true, true) => ", or null",
        (false, false) => ", or null to leave it out",
        (false, true) => "",
    };
    let boxed = types::boxed(&field.ty);
    let mut overloads = vec![(boxed.clone(), types::copy(&field.ty, &field.name, "value"))];
    if let Some(primitive) = types::primitive(&field.ty) {
        overloads.push((primitive.to_owned(), "value".into()));
    }
    match &field.ty {
        Type::Enum(_) => overloads.push((
            "String".into(),
            format!("value == null ? null : {boxed}.of(value)"),
        )),
        Type::DateOrDateTime => overloads.push((
            "Instant".into(),
            "value == null ? null : Values.timestamp(value)".into(),
        )),
        _ => {}
    }
    for (ty, value) in overloads {
        w.blank();
        let null = if types::primitive(&field.ty) == Some(ty.as_str()) {
            ""
        } else {
            null
        };
        docs::comment(
            w,
            &text,
            &[
                format!("@param value the value{null}"),
                "@return this builder".into(),
            ],
        );
        w.block(
            format!("public Builder {}({ty} value) {{", property.setter),
            "}",
            |w| {
                w.line(format!("this.{} = {value};", property.ident));
                if let Some(given) = &property.given {
                    w.line(format!("this.{given} = true;"));
                }
                w.line("return this;");
            },
        );
    }
}

fn build(w: &mut Writer, class: &str, properties: &[Property<'_>]) {
    let needed: Vec<&Property<'_>> = properties.iter().filter(|p| p.always).collect();
    let mut tags = vec!["@return an immutable value".to_owned()];
    if !needed.is_empty() {
        tags.push(
            "@throws ai.sentryagent.idp.ValidationException when a required field was not given"
                .into(),
        );
    }
    w.blank();
    docs::comment(w, "The value.", &tags);
    w.block(format!("public {class} build() {{"), "}", |w| {
        for property in needed {
            w.line(format!(
                "Values.given({}, this.{});",
                literal(&property.field.name),
                property.ident
            ));
        }
        w.line(format!("return new {class}(this);"));
    });
}
