//! What is wrong with a configuration or a call's arguments that cannot be read, by the name of the field.
//!
//! Owns: finding the field in the text, and one clause about it.
//! Refuses: repeating any value: what stands there may be a secret in the wrong place.

use serde_json::Error;

/// The field at which reading ended, such as `options.headers.x-team` or `scopes[0]` - empty for the whole
/// text - and what is wrong there: "must be a string".
pub(super) fn fault(json: &[u8], error: &Error) -> (String, String) {
    (path(before(json, error)), clause(error))
}

/// The text up to where reading ended.
fn before<'a>(json: &'a [u8], error: &Error) -> &'a [u8] {
    let lines = error.line().saturating_sub(1);
    let skipped: usize = json
        .split_inclusive(|byte| *byte == b'\n')
        .take(lines)
        .map(<[u8]>::len)
        .sum();
    let end = skipped.saturating_add(error.column()).min(json.len());
    json.get(..end).unwrap_or(json)
}

fn clause(error: &Error) -> String {
    let text = error.to_string();
    // "unknown field `x`, expected one of …": names of fields only.
    if text.starts_with("unknown field") {
        return "is not known here".to_owned();
    }
    let Some((_, wanted)) = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what)
        .rsplit_once(", expected ")
        .filter(|_| text.starts_with("invalid "))
    else {
        return if text.contains("hex escape") || text.contains("surrogate") {
            "holds half of a surrogate pair, which is no text".to_owned()
        } else {
            "cannot be read".to_owned()
        };
    };
    let wanted = match wanted {
        "u32" => "a whole number from 0",
        "f64" => "a number",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        other if other.contains("map") || other.contains("struct") => {
            "an object of names and values"
        }
        other => other,
    };
    format!("must be {wanted}")
}

/// An open object with the key it is at, or an open list with the index.
enum Open {
    Object(Option<String>),
    List(usize),
}

/// Where a text that was cut off ends.
fn path(json: &[u8]) -> String {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' => open.push(Open::Object(None)),
            b'[' => open.push(Open::List(0)),
            b'}' | b']' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Open::Object(key)) => *key = None,
                Some(Open::List(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let end = string(json, at);
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    let text = json.get(at..end.saturating_sub(1)).unwrap_or_default();
                    *key = Some(String::from_utf8_lossy(text).into_owned());
                }
                at = end;
            }
            _ => {}
        }
    }
    join(&open)
}

/// Behind the string that began before `at`.
fn string(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn join(open: &[Open]) -> String {
    let mut out = String::new();
    for level in open {
        match level {
            Open::Object(Some(key)) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            Open::Object(None) => {}
            Open::List(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Given {
        name: Option<String>,
        times: Option<u32>,
        list: Option<Vec<String>>,
        inner: Option<BTreeMap<String, String>>,
    }

    fn said(json: &str) -> String {
        let error = serde_json::from_str::<Given>(json).expect_err("it cannot be read");
        assert!(error.to_string().contains(" at line "), "{error}");
        let (path, clause) = fault(json.as_bytes(), &error);
        format!("{path} {clause}")
    }

    #[test]
    fn the_field_is_named_and_its_value_is_not() {
        for (json, expected) in [
            (r#"{"name":5}"#, "name must be a string"),
            (
                r#"{"name":"a","times":-1}"#,
                "times must be a whole number from 0",
            ),
            (
                r#"{"times":1.5,"name":"a"}"#,
                "times must be a whole number from 0",
            ),
            (
                r#"{"times":"top-secret"}"#,
                "times must be a whole number from 0",
            ),
            (
                "{\n \"name\": \"a\",\n \"times\": {}}",
                "times must be a whole number from 0",
            ),
            (r#"{"list":["a","b",7]}"#, "list[2] must be a string"),
            (r#"{"list":"top-secret"}"#, "list must be a list"),
            (r#"{"inner":{"x":"1","y":[2]}}"#, "inner.y must be a string"),
            (
                r#"{"inner":[]}"#,
                "inner must be an object of names and values",
            ),
            (r#"{"name":"a","other":1}"#, "other is not known here"),
            (r#"{"name":"say \"no, {"}, "times":1}"#, " cannot be read"),
            (
                r#"{"name":"\ud800"}"#,
                "name holds half of a surrogate pair, which is no text",
            ),
            (
                r#"{"inner":{"x":"a\ud800b"}}"#,
                "inner.x holds half of a surrogate pair, which is no text",
            ),
        ] {
            assert_eq!(said(json), expected, "{json}");
        }
    }
}
