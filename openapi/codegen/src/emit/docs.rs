//! Reference pages, one for each section: operations with their scopes, fields, limits, answers
//! and errors, and the models that they speak of.

use crate::{
    Result,
    model::{Auth, Contract, Field, Limits, Model, Operation, Type},
    names,
    output::{File, marker},
    writer::Writer,
};

/// What this target owns.
pub const OWNS: &[&str] = &["docs/reference/"];

/// Emits the pages.
pub fn emit(contract: &Contract) -> Result<Vec<File>> {
    let mut files: Vec<File> = contract
        .sections
        .iter()
        .map(|section| {
            let mut w = Writer::new("");
            w.line(format!("<!-- {} -->", marker()));
            w.line(format!("# {}", section.name)).blank();
            w.line(section.description.trim()).blank();
            let s = &section.service;
            w.line("| | Rust | Python | Node.js | Go | Java |");
            w.line("|---|---|---|---|---|---|");
            w.line(format!(
                "| service | `client.{}()` | `{}` | `{}` | `{}` | `{}` |",
                names::snake(&section.name),
                s.python,
                s.node,
                s.go,
                s.java
            ));
            for o in &section.operations {
                let (snake, pascal) = (names::snake(&o.id), names::pascal(&o.id));
                w.line(format!(
                    "| {} | `{snake}` | `{snake}` | `{}` | `{pascal}` | `{}` |",
                    o.id, o.id, o.id
                ));
            }
            let mut models = Vec::new();
            for operation in &section.operations {
                page(&mut w, operation);
                mentioned(contract, operation, &mut models);
            }
            w.blank().line("## Types");
            for name in models {
                match contract.models.iter().find(|m| m.name == name) {
                    Some(model) => model_table(&mut w, model),
                    None => enum_table(&mut w, contract, &name),
                }
            }
            File::new(format!("{}{}.md", OWNS[0], section.name), w.finish())
        })
        .collect();
    files.push(errors(contract));
    Ok(files)
}

fn errors(contract: &Contract) -> File {
    let mut w = Writer::new("");
    w.line(format!("<!-- {} -->", marker()));
    w.line("# Error codes").blank();
    w.line("| code | status | when |").line("|---|---|---|");
    for code in &contract.error_codes {
        w.line(format!(
            "| `{}` | {} | {} |",
            code.code,
            code.status,
            cell(&code.description)
        ));
    }
    w.blank().line("# Scopes").blank();
    w.line("| scope | allows |").line("|---|---|");
    for (scope, meaning) in &contract.scopes {
        w.line(format!("| `{scope}` | {} |", cell(meaning)));
    }
    File::new(format!("{}errors.md", OWNS[0]), w.finish())
}

fn page(w: &mut Writer, o: &Operation) {
    w.blank().line(format!("## {}", o.id)).blank();
    w.line(format!("`{} {}`", o.method, o.path));
    if !o.aliases.is_empty() {
        let aliases: Vec<String> = o.aliases.iter().map(|a| format!("`{a}`")).collect();
        w.line(format!("(also {})", aliases.join(", ")));
    }
    w.blank()
        .line(o.summary.trim())
        .blank()
        .line(o.description.trim_end())
        .blank();
    w.line(format!("- **Authentication**: {}", auth(&o.auth)));
    if let Some(limit) = o.rate_limit_per_minute {
        w.line(format!(
            "- **Rate limit**: {limit} calls a minute for one client, beside the general limit; off when that is off (`RATE_LIMIT_MAX_REQUESTS=0`)"
        ));
    }
    if let Some(query) = &o.query {
        w.line(format!("- **Query**: `{query}`"));
    }
    if let Some(body) = &o.body {
        let optional = if body.all_optional {
            ", may be left out"
        } else {
            ""
        };
        w.line(format!("- **Body**: `{}`{optional}", body.model));
    }
    let repeat = match (o.retry_safe, o.idempotency_key) {
        (true, true) => "yes, with the same `Idempotency-Key` on each try",
        (true, false) => "yes",
        (false, _) => "no",
    };
    w.line(format!("- **Retried by the SDKs**: {repeat}"));
    w.blank().line("| answer | |").line("|---|---|");
    for answer in &o.answers {
        let model = answer
            .model
            .as_ref()
            .map_or(String::new(), |m| format!("`{m}`: "));
        w.line(format!(
            "| {} | {model}{} |",
            answer.status,
            cell(&answer.description)
        ));
    }
    for error in &o.errors {
        let codes: Vec<String> = error.codes.iter().map(|c| format!("`{c}`")).collect();
        w.line(format!(
            "| {} | {}: {} |",
            error.status,
            codes.join(", "),
            cell(&error.description)
        ));
    }
    if let Some(example) = &o.example {
        w.blank()
            .line("```json")
            .line(format!("{example:#}"))
            .line("```");
    }
}

fn auth(auth: &Auth) -> String {
    let scopes = |scopes: &[String]| {
        if scopes.is_empty() {
            "any valid token".to_owned()
        } else {
            let list: Vec<String> = scopes.iter().map(|s| format!("`{s}`")).collect();
            format!("a token with {}", list.join(" and "))
        }
    };
    match auth {
        Auth::Public => "none".into(),
        Auth::Client => "client id and secret, as form fields or by HTTP Basic".into(),
        Auth::Bearer(list) => scopes(list),
        Auth::BearerOrClient(list) => format!("{}, or client id and secret", scopes(list)),
    }
}

fn mentioned(contract: &Contract, o: &Operation, out: &mut Vec<String>) {
    let roots = o
        .query
        .iter()
        .chain(o.body.iter().map(|b| &b.model))
        .chain(o.answers.iter().filter_map(|a| a.model.as_ref()));
    let mut todo: Vec<String> = roots.cloned().collect();
    while let Some(name) = todo.pop() {
        if out.contains(&name) {
            continue;
        }
        if let Some(model) = contract.models.iter().find(|m| m.name == name) {
            todo.extend(model.fields.iter().filter_map(|f| named(&f.ty)));
        }
        out.push(name);
    }
}

fn named(ty: &Type) -> Option<String> {
    match ty {
        Type::Model(name) | Type::Enum(name) => Some(name.clone()),
        Type::List(inner) | Type::Map(inner) => named(inner),
        _ => None,
    }
}

fn model_table(w: &mut Writer, model: &Model) {
    w.blank().line(format!("### {}", model.name)).blank();
    w.line(model.description.trim_end()).blank();
    w.line("| field | type | | |").line("|---|---|---|---|");
    for field in &model.fields {
        w.line(format!(
            "| `{}` | {} | {} | {} |",
            field.name,
            type_name(&field.ty, field.nullable),
            facts(field),
            cell(&field.description)
        ));
    }
}

fn enum_table(w: &mut Writer, contract: &Contract, name: &str) {
    let e = contract.enumeration(name);
    w.blank().line(format!("### {name}")).blank();
    w.line(e.description.trim_end()).blank();
    w.line("| value | |").line("|---|---|");
    for (value, meaning) in &e.values {
        w.line(format!("| `{value}` | {} |", cell(meaning)));
    }
}

fn type_name(ty: &Type, nullable: bool) -> String {
    let name = match ty {
        Type::String => "string".into(),
        Type::Uuid => "UUID".into(),
        Type::DateTime => "timestamp".into(),
        Type::DateOrDateTime => "timestamp or date".into(),
        Type::Integer => "integer".into(),
        Type::Number => "number".into(),
        Type::Boolean => "boolean".into(),
        Type::Enum(name) | Type::Model(name) => format!("[{name}](#{})", name.to_lowercase()),
        Type::List(inner) => format!("list of {}", type_name(inner, false)),
        Type::Map(inner) => format!("map of {}", type_name(inner, false)),
        Type::Any => "any JSON".into(),
    };
    if nullable {
        format!("{name} or null")
    } else {
        name
    }
}

fn facts(field: &Field) -> String {
    let mut out = vec![if field.required {
        "required".to_owned()
    } else {
        "optional".to_owned()
    }];
    if let Some(default) = &field.default {
        out.push(format!("default `{default}`"));
    }
    if field.secret {
        out.push("secret".into());
    }
    limits(&field.limits, &mut out);
    out.join(", ")
}

fn limits(l: &Limits, out: &mut Vec<String>) {
    let range = |low: Option<String>, high: Option<String>, unit: &str| match (low, high) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}{unit}")),
        (Some(low), None) => Some(format!("at least {low}{unit}")),
        (None, Some(high)) => Some(format!("at most {high}{unit}")),
        (None, None) => None,
    };
    let text = |n: Option<u64>| n.map(|n| n.to_string());
    let number = |n: Option<i64>| n.map(|n| n.to_string());
    out.extend(range(text(l.min_length), text(l.max_length), " characters"));
    out.extend(range(number(l.minimum), number(l.maximum), ""));
    out.extend(range(text(l.min_items), text(l.max_items), " items"));
}

fn cell(text: &str) -> String {
    text.trim().replace('\n', " ").replace('|', "\\|")
}
