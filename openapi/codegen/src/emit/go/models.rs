//! Models: a struct, its reading and writing, and - where it holds a secret - its masked forms.

use super::{
    doc, go_file,
    names::Names,
    quoted,
    types::{self, GoField, Shape, is_sensitive, is_there},
};
use crate::{
    model::{Contract, Field, Model, SdkDefault, Type},
    writer::Writer,
};

pub fn emit(contract: &Contract, names: &Names) -> String {
    let used = |m: &&Model| m.usage.input() || m.usage.output;
    let models: Vec<&Model> = contract.models.iter().filter(used).collect();
    let sensitive = |m: &&Model| is_sensitive(contract, &Type::Model(m.name.clone()));
    let mut imports = vec!["github.com/sentryagent/idp-sdk-go/internal/wire"];
    if models.iter().any(|m| m.usage.output) {
        imports.insert(0, "encoding/json");
    }
    if models.iter().any(sensitive) {
        imports.extend(["fmt", "log/slog"]);
    }
    let has_time = |m: &&Model| {
        let fields = types::fields(contract, names, m);
        fields.iter().any(|f| f.ty.contains("time.Time"))
    };
    if models.iter().any(has_time) {
        imports.push("time");
    }
    imports.sort_unstable();
    let mut w = go_file("agentidp", &imports);
    for model in models {
        let fields = types::fields(contract, names, model);
        let name = names.of_type(&model.name);
        structure(&mut w, name, model, &fields);
        json(&mut w, names, name, model, &fields, sensitive(&model));
        if sensitive(&model) {
            secrets(&mut w, contract, names, name, model, &fields);
        } else {
            w.line("// String is the value for people.");
            w.line(format!(
                "func (m {name}) String() string {{ return show({}, m.fields) }}",
                quoted(name)
            ))
            .blank();
        }
    }
    w.finish()
}

fn structure(w: &mut Writer, name: &str, model: &Model, fields: &[GoField]) {
    doc(w, name, &model.description);
    w.block(format!("type {name} struct {{"), "}", |w| {
        for field in fields {
            doc(w, &field.name, &field_doc(model, field));
            w.line(format!("{} {}", field.name, field.ty));
        }
        if model.usage.output {
            w.line("// Extra is the fields of the answer that this version does not know.");
            w.line("Extra map[string]json.RawMessage");
        }
    });
    w.blank();
}

/// Description, limits, default and example of a field.
fn field_doc(model: &Model, go: &GoField) -> String {
    let field = go.field;
    let mut text = field.description.trim().to_owned();
    let mut add = |sentence: String| {
        if !text.is_empty() && !text.ends_with(['.', '!', '?']) {
            text.push('.');
        }
        text.push(' ');
        text.push_str(&sentence);
    };
    if let Some(limits) = limits(field) {
        add(format!("Limits: {limits}."));
    }
    if let Some(default) = &field.default {
        add(format!("The server's default is {default}."));
    }
    match &field.sdk_default {
        Some(SdkDefault::Value(value)) => add(format!("Left out, it is {}.", quoted(value))),
        Some(SdkDefault::ClientId | SdkDefault::ClientSecret) => {
            add("Left out, it is the client's own.".into());
        }
        None if !field.required && model.usage.input() => add("Optional.".into()),
        None => {}
    }
    if let Some(other) = &field.alias_of {
        add(format!("Another name of `{other}`."));
    }
    if field.secret {
        add("A secret: masked whenever the value is printed or logged.".into());
    } else if let Some(example) = &field.example {
        add(format!("Example: {example}."));
    }
    text.trim().to_owned()
}

fn limits(field: &Field) -> Option<String> {
    let limits = &field.limits;
    let range = |min: Option<String>, max: Option<String>, unit: &str| match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}{unit}")),
        (Some(min), None) => Some(format!("at least {min}{unit}")),
        (None, Some(max)) => Some(format!("at most {max}{unit}")),
        (None, None) => None,
    };
    let text = |n: u64| n.to_string();
    let parts: Vec<String> = [
        range(
            limits.min_length.map(text),
            limits.max_length.map(text),
            " characters",
        ),
        range(
            limits.min_items.map(text),
            limits.max_items.map(text),
            " items",
        ),
        range(
            limits.minimum.map(|n| n.to_string()),
            limits.maximum.map(|n| n.to_string()),
            "",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn json(
    w: &mut Writer,
    names: &Names,
    name: &str,
    model: &Model,
    fields: &[GoField],
    is_sensitive: bool,
) {
    w.line("// UnmarshalJSON reads the value's JSON.");
    w.line(format!(
        "func (m *{name}) UnmarshalJSON(text []byte) error {{ return unmarshal(text, m.read) }}"
    ))
    .blank();
    if is_sensitive {
        w.line("// MarshalJSON writes the value with secrets masked, because loggers call it; see WireJSON.");
        w.block(
            format!("func (m {name}) MarshalJSON() ([]byte, error) {{"),
            "}",
            |w| {
                w.line("hidden := m.masked()");
                w.line("return marshal(hidden.fields)");
            },
        )
        .blank();
        w.line("// WireJSON writes the value as the wire has it, secrets included; UnmarshalJSON reads it back.");
        w.line(format!(
            "func (m {name}) WireJSON() ([]byte, error) {{ return marshal(m.fields) }}"
        ))
        .blank();
    } else {
        w.line("// MarshalJSON writes the value as the wire has it.");
        w.line(format!(
            "func (m {name}) MarshalJSON() ([]byte, error) {{ return marshal(m.fields) }}"
        ))
        .blank();
    }
    w.block(
        format!("func (m *{name}) read(r *wire.Reader) {{"),
        "}",
        |w| {
            w.line("if !r.Object() {\n\treturn\n}");
            w.block(
                "for key, ok := r.Key(); ok; key, ok = r.Key() {",
                "}",
                |w| {
                    w.block("switch key {", "}", |w| {
                        for field in fields {
                            w.line(format!("case {}:", quoted(&field.field.name)));
                            w.line(format!("\tm.{} = {}", field.name, read(names, field)));
                        }
                        w.line("default:");
                        w.line(if model.usage.output {
                            "\tkeep(&m.Extra, key, r)"
                        } else {
                            "\tr.Skip()"
                        });
                    });
                },
            );
        },
    );
    w.blank();
    w.block(
        format!("func (m *{name}) fields(w *wire.Writer) {{"),
        "}",
        |w| {
            for field in fields {
                write(w, names, field);
            }
            if model.usage.output {
                w.line("w.Fields(m.Extra)");
            }
        },
    );
    w.blank();
}

fn read(names: &Names, field: &GoField) -> String {
    let ty = &field.field.ty;
    match field.shape {
        Shape::Nullable => format!("readNullable(r, {})", types::reader(names, ty)),
        _ if field.ty.starts_with('*') => {
            format!("readOptional(r, {})", types::reader(names, ty))
        }
        _ => types::read(names, ty),
    }
}

fn write(w: &mut Writer, names: &Names, field: &GoField) {
    let ty = &field.field.ty;
    let member = format!("m.{}", field.name);
    let value = match ty {
        // A method call goes through a pointer by itself.
        Type::Model(_) => member.clone(),
        _ if field.ty.starts_with('*') => format!("*{member}"),
        _ => member.clone(),
    };
    let key = format!("w.Key({})", quoted(&field.field.name));
    match field.shape {
        Shape::Plain => {
            w.line(key).line(types::write(names, ty, &value));
        }
        Shape::OmitZero | Shape::OmitNil => {
            w.block(format!("if {} {{", is_there(field, &member)), "}", |w| {
                w.line(key).line(types::write(names, ty, &value));
            });
        }
        Shape::NullNil => {
            w.line(key);
            w.block(format!("if {} {{", is_there(field, &member)), "}", |w| {
                w.line(types::write(names, ty, &value));
                w.line("} else {").line("w.Null()");
            });
        }
        Shape::Nullable => {
            w.block(format!("if {} {{", is_there(field, &member)), "}", |w| {
                w.line(key).line(format!(
                    "writeNullable(w, {member}, {})",
                    types::writer(names, ty)
                ));
            });
        }
    }
}

fn secrets(
    w: &mut Writer,
    contract: &Contract,
    names: &Names,
    name: &str,
    model: &Model,
    fields: &[GoField],
) {
    w.line(format!(
        "// masked is a copy in which secrets are masked.\nfunc (m {name}) masked() {name} {{"
    ));
    for field in fields {
        if let Some(mask) = mask(contract, names, field.field.secret, &field.field.ty) {
            let member = format!("m.{}", field.name);
            let helper = match field.shape {
                Shape::Nullable => Some("maskedNullable"),
                _ if field.ty.starts_with('*') => Some("maskedPointer"),
                _ => None,
            };
            w.line(match (helper, &mask) {
                (Some(helper), mask) => {
                    format!("\t{member} = {helper}({member}, {})", mask.function())
                }
                (None, mask) => format!("\t{member} = {}", mask.call(&member)),
            });
        }
    }
    if model.usage.output {
        w.line("\tm.Extra = maskedExtra(m.Extra)");
    }
    w.line("\treturn m\n}").blank();
    w.line("// String is the value for people, secrets masked.");
    w.block(format!("func (m {name}) String() string {{"), "}", |w| {
        w.line("hidden := m.masked()");
        w.line(format!("return show({}, hidden.fields)", quoted(name)));
    })
    .blank();
    w.line("// GoString is the value for people, secrets masked.");
    w.line(format!(
        "func (m {name}) GoString() string {{ return m.String() }}"
    ))
    .blank();
    w.line("// Format writes the value with secrets masked, whatever the verb.");
    w.line(format!(
        "func (m {name}) Format(s fmt.State, _ rune) {{ format(s, m.String()) }}"
    ))
    .blank();
    w.line("// LogValue gives slog the value with secrets masked.");
    w.line(format!(
        "func (m {name}) LogValue() slog.Value {{ return logged(m.String()) }}"
    ))
    .blank();
}

/// How the secrets in a value are masked.
enum Mask {
    /// By a `func(T) T`.
    Whole(String),
    /// By a helper that takes the value and a `func(T) T` for each of its parts.
    Parts {
        plain: String,
        helper: &'static str,
        item: Box<Mask>,
    },
}

impl Mask {
    /// A `func(T) T`.
    fn function(&self) -> String {
        match self {
            Self::Whole(function) => function.clone(),
            Self::Parts { plain, .. } => {
                format!("func(v {plain}) {plain} {{ return {} }}", self.call("v"))
            }
        }
    }

    /// The masked `value`.
    fn call(&self, value: &str) -> String {
        match self {
            Self::Whole(function) => format!("{function}({value})"),
            Self::Parts { helper, item, .. } => format!("{helper}({value}, {})", item.function()),
        }
    }
}

/// How a value of this type is masked; `None` when nothing in it is secret.
fn mask(contract: &Contract, names: &Names, is_secret: bool, ty: &Type) -> Option<Mask> {
    let plain = types::plain_type(names, ty);
    let parts = |item: &Type, helper: &'static str| {
        let item = mask(contract, names, is_secret, item)?;
        Some(Mask::Parts {
            plain: plain.clone(),
            helper,
            item: Box::new(item),
        })
    };
    let whole = match ty {
        Type::Model(name) if is_sensitive(contract, ty) => {
            format!("{}.masked", names.of_type(name))
        }
        Type::List(item) => return parts(item, "maskedList"),
        Type::Map(item) => return parts(item, "maskedMap"),
        _ if !is_secret => return None,
        Type::String | Type::Uuid | Type::DateOrDateTime | Type::Enum(_) => {
            format!("masked[{plain}]")
        }
        Type::Any => "func(any) any { return mask }".into(),
        _ => format!("func({plain}) {plain} {{ var none {plain}; return none }}"),
    };
    Some(Mask::Whole(whole))
}
