//! Docstrings, literals and type annotations.

use super::names;
use crate::{
    model::{Contract, ErrorAnswer, Field, Operation, SdkDefault, Type},
    writer::Writer,
};

/// Where docstrings are wrapped.
const WIDTH: usize = 88;

/// A docstring of these paragraphs, at the writer's depth.
pub fn docstring(w: &mut Writer, text: &str) {
    let text = text.trim().replace("\"\"\"", "'''");
    // A backslash is itself in a raw docstring, but neither it nor a quote may stand at the end.
    let quotes = if text.contains('\\') {
        "r\"\"\""
    } else {
        "\"\"\""
    };
    let raw_end = if text.ends_with(['"', '\\']) { " " } else { "" };
    let lines: Vec<&str> = text.split('\n').collect();
    if let [single] = lines[..]
        && single.len() <= WIDTH
    {
        w.line(format!("{quotes}{single}{raw_end}\"\"\""));
        return;
    }
    for (i, line) in wrapped(&text).iter().enumerate() {
        let open = if i == 0 { quotes } else { "" };
        w.line(format!("{open}{line}").trim_end());
    }
    w.line("\"\"\"");
}

/// The text with long lines broken between words; a line's indentation is kept and deepened.
fn wrapped(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in flowing(text) {
        let indent = line.len() - line.trim_start().len();
        let rest = " ".repeat(if indent == 0 { 0 } else { indent + 4 });
        let mut current = " ".repeat(indent);
        let mut empty = true;
        for word in line.split_whitespace() {
            if !empty && current.len() + 1 + word.len() > WIDTH {
                out.push(std::mem::replace(&mut current, rest.clone()));
                empty = true;
            }
            if !empty {
                current.push(' ');
            }
            current.push_str(word);
            empty = false;
        }
        out.push(current.trim_end().to_owned());
    }
    out
}

/// The lines of the text, with those of one plain paragraph joined.
fn flowing(text: &str) -> Vec<String> {
    let plain = |line: &str| line.starts_with(|c: char| c.is_alphanumeric() || c == '`');
    let mut out: Vec<String> = Vec::new();
    for line in text.split('\n') {
        match out.last_mut() {
            Some(last) if plain(last) && plain(line) => {
                last.push(' ');
                last.push_str(line);
            }
            _ => out.push(line.to_owned()),
        }
    }
    out
}

/// A Python string literal.
pub fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A tuple of string literals.
pub fn tuple<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| literal(i.as_ref())).collect();
    match items.len() {
        0 => "()".into(),
        1 => format!("({},)", items[0]),
        _ => format!("({})", items.join(", ")),
    }
}

/// The type that a getter answers.
pub fn output(ty: &Type) -> String {
    match ty {
        Type::String | Type::Uuid | Type::DateOrDateTime => "str".into(),
        Type::DateTime => "datetime".into(),
        Type::Integer => "int".into(),
        Type::Number => "float".into(),
        Type::Boolean => "bool".into(),
        Type::Enum(name) | Type::Model(name) => names::class(name),
        Type::List(inner) => format!("list[{}]", output(inner)),
        Type::Map(inner) => format!("dict[str, {}]", output(inner)),
        Type::Any => "Any".into(),
    }
}

/// The type that an argument takes.
pub fn input(ty: &Type) -> String {
    match ty {
        Type::Enum(name) => format!("{} | str", names::class(name)),
        Type::Model(name) => format!("{} | Mapping[str, Any]", names::class(name)),
        Type::List(inner) => format!("Sequence[{}]", input(inner)),
        Type::Map(inner) => format!("Mapping[str, {}]", input(inner)),
        other => output(other),
    }
}

/// A field as a keyword argument: `owner: str`, `scopes: Sequence[str] | None = None`.
pub fn argument(field: &Field) -> String {
    let (name, ty) = (names::field(&field.name), input(&field.ty));
    match (field.required, field.nullable || !field.required) {
        _ if field.ty == Type::Any && !field.required => format!("{name}: Any = None"),
        _ if field.ty == Type::Any => format!("{name}: Any"),
        (true, false) => format!("{name}: {ty}"),
        (true, true) => format!("{name}: {ty} | None"),
        (false, _) => format!("{name}: {ty} | None = None"),
    }
}

/// What a field means, with what the contract says of its limits, in one paragraph.
pub fn field(field: &Field) -> String {
    let mut text = field.description.trim().replace('\n', " ");
    let mut note = |sentence: String| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&sentence);
    };
    match &field.sdk_default {
        Some(SdkDefault::Value(value)) => note(format!("Left out, `{value}` is sent.")),
        Some(SdkDefault::ClientId) => note("Left out, the client's own id is sent.".into()),
        Some(SdkDefault::ClientSecret) => note("Left out, the client's own secret is sent.".into()),
        None => {}
    }
    if let Some(default) = &field.default {
        note(format!("The server's default is `{default}`."));
    }
    match (field.limits.minimum, field.limits.maximum) {
        (Some(low), Some(high)) => note(format!("From {low} to {high}.")),
        (Some(low), None) => note(format!("At least {low}.")),
        (None, Some(high)) => note(format!("At most {high}.")),
        (None, None) => {}
    }
    if let Some(first) = &field.alias_of {
        note(format!("Another name of `{}`.", names::field(first)));
    }
    if field.nullable && !field.required {
        note("None means null; leave it out to say nothing.".into());
    }
    if field.secret {
        note("A secret: masked in the repr.".into());
    }
    text
}

/// `Args:` or `Attributes:` of a docstring.
pub fn fields(title: &str, fields: &[&Field]) -> String {
    let lines: Vec<String> = fields
        .iter()
        .map(|f| format!("    {}: {}", names::field(&f.name), self::field(f)))
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\n\n{title}:\n{}", lines.join("\n"))
}

/// The exception that an answer of that status becomes.
pub fn exception(status: u16) -> &'static str {
    match status {
        401 => "AuthenticationError",
        403 => "PermissionDeniedError",
        404 | 410 => "NotFoundError",
        409 => "ConflictError",
        400 | 405 | 413 | 415 | 422 => "ValidationError",
        408 => "ApiTimeoutError",
        429 => "RateLimitError",
        _ => "ServerError",
    }
}

/// `Raises:` of a method.
pub fn raises(operation: &Operation) -> String {
    let line = |e: &ErrorAnswer| {
        format!(
            "    {}: {} {} - {}",
            exception(e.status),
            e.status,
            e.codes.join(", "),
            e.description.trim().replace('\n', " ")
        )
    };
    let mut lines: Vec<String> = operation.errors.iter().map(line).collect();
    lines.push("    ApiConnectionError: No answer came.".into());
    lines.push("    ApiTimeoutError: The call's time was over.".into());
    format!("\n\nRaises:\n{}", lines.join("\n"))
}

/// The annotation of an operation's result.
pub fn result(operation: &Operation) -> String {
    let mut types: Vec<String> = Vec::new();
    for answer in &operation.answers {
        let ty = answer.model.as_deref().map_or("None".into(), names::class);
        if !types.contains(&ty) {
            types.push(ty);
        }
    }
    types.join(" | ")
}

/// Every field of a model, in the order in which Python wants arguments: required ones first.
pub fn arguments<'a>(contract: &'a Contract, model: &str) -> Vec<&'a Field> {
    let fields = &contract.model(model).fields;
    let (required, optional): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|f| f.required);
    required.into_iter().chain(optional).collect()
}

/// The text without its docstrings.
pub fn code(text: &str) -> String {
    text.split("\"\"\"").step_by(2).collect()
}

/// The word stands in the text as a name of its own.
pub fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

/// Import lines for those of the standard library's names that the text mentions.
pub fn standard_imports(text: &str) -> Vec<String> {
    let modules: [(&str, &[&str]); 3] = [
        (
            "collections.abc",
            &["AsyncIterator", "Iterator", "Mapping", "Sequence"],
        ),
        ("datetime", &["datetime"]),
        ("typing", &["Any", "final"]),
    ];
    modules
        .into_iter()
        .filter_map(|(module, words)| {
            let found: Vec<&str> = words
                .iter()
                .copied()
                .filter(|word| mentions(text, word))
                .collect();
            (!found.is_empty()).then(|| format!("from {module} import {}", found.join(", ")))
        })
        .collect()
}
