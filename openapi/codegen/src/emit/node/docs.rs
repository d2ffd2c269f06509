//! Doc comments: what a name means, its units, limits, defaults and errors.

use super::{samples, types::Direction};
use crate::{
    model::{Auth, Contract, Field, Operation, SdkDefault},
    writer::Writer,
};

/// A doc comment of several paragraphs; nothing when there is nothing to say.
pub fn comment(w: &mut Writer, lines: &[String]) {
    let text = lines.join("\n").replace("*/", "*\\/");
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    if text.contains('\n') {
        w.line("/**");
        w.prefixed(" * ", text);
        w.line(" */");
    } else {
        w.line(format!("/** {text} */"));
    }
}

/// A field's comment.
pub fn field(field: &Field, direction: Direction) -> Vec<String> {
    let mut text = field.description.trim().to_owned();
    let mut add = |sentence: String| {
        if !text.is_empty() && !text.ends_with('.') {
            text.push('.');
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&sentence);
    };
    if let Some(other) = &field.alias_of {
        add(format!("Another name of `{other}`."));
    }
    for range in ranges(field) {
        add(range);
    }
    match (&field.sdk_default, &field.default) {
        (Some(SdkDefault::Value(value)), _) => add(format!("Default: `{value}`.")),
        (Some(SdkDefault::ClientId), _) => add("Default: the client's own id.".into()),
        (Some(SdkDefault::ClientSecret), _) => add("Default: the client's own secret.".into()),
        (None, Some(value)) => add(format!("Default: `{}`.", plain(value))),
        (None, None) => {}
    }
    if field.secret && direction == Direction::Output {
        add("A secret: `console.log`, `JSON.stringify` and a spread do not show it.".into());
    }
    vec![text]
}

/// Limits in words, where the description does not name them.
fn ranges(field: &Field) -> Vec<String> {
    let limits = &field.limits;
    let said = |n: String| field.description.contains(&n);
    let mut out = Vec::new();
    let mut range = |min: Option<String>, max: Option<String>, unit: &str| {
        let text = match (min, max) {
            (_, Some(max)) if said(max.clone()) => return,
            (Some(min), Some(max)) => format!("{min} to {max}{unit}."),
            (None, Some(max)) => format!("At most {max}{unit}."),
            (Some(min), None) => format!("At least {min}{unit}."),
            (None, None) => return,
        };
        out.push(text);
    };
    let text = |n: Option<u64>| n.map(|n| n.to_string());
    let number = |n: Option<i64>| n.map(|n| n.to_string());
    range(number(limits.minimum), number(limits.maximum), "");
    range(
        text(limits.min_length),
        text(limits.max_length),
        " characters",
    );
    range(text(limits.min_items), text(limits.max_items), " items");
    out
}

fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A method's comment; `arguments` are name and meaning.
pub fn method(
    contract: &Contract,
    operation: &Operation,
    arguments: &[(String, String)],
) -> Vec<String> {
    let mut lines = vec![operation.summary.clone(), String::new()];
    lines.push(operation.description.trim().to_owned());
    lines.push(String::new());
    lines.push(match &operation.auth {
        Auth::Public => "Public: no token is needed.".to_owned(),
        Auth::Client => "Authenticates by the client's id and secret.".to_owned(),
        Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) if scopes.is_empty() => {
            "Any valid token.".to_owned()
        }
        Auth::Bearer(scopes) | Auth::BearerOrClient(scopes) => {
            format!("Scope: `{}`.", scopes.join(" "))
        }
    });
    lines.push(String::new());
    for (name, meaning) in arguments {
        lines.push(format!("@param {name} {}", one_line(meaning)));
    }
    let answers: Vec<String> = operation
        .answers
        .iter()
        .map(|a| one_line(&a.description))
        .collect();
    lines.push(format!("@returns {}", answers.join(" Or: ")));
    for error in &operation.errors {
        lines.push(format!(
            "@throws {{{}}} {}: {}",
            error_class(error.status),
            error
                .codes
                .iter()
                .map(|c| format!("`{c}`"))
                .collect::<Vec<_>>()
                .join(", "),
            one_line(&error.description)
        ));
    }
    lines.push("@example".into());
    lines.push(samples::call(contract, operation));
    lines
}

/// A comment of an `@param` line has no line breaks.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The class of an answer's error.
fn error_class(status: u16) -> &'static str {
    match status {
        401 => "AuthenticationError",
        403 => "PermissionDeniedError",
        404 | 410 => "NotFoundError",
        409 => "ConflictError",
        400 | 405 | 413 | 415 | 422 => "ValidationError",
        408 => "ApiTimeoutError",
        429 => "RateLimitError",
        500.. => "ServerError",
        _ => "AgentIdPError",
    }
}
