//! The bundle as YAML: block style, strings always quoted, so that no reader can take one for
//! something else.

use serde_json::Value;

use crate::output;

/// The whole document, with the marker as its first line.
pub fn document(value: &Value) -> String {
    let mut out = format!("# {}\n", output::marker());
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                out.push_str(&"  ".repeat(depth));
                out.push_str(&self::key(key));
                out.push(':');
                child(value, depth, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                out.push_str(&"  ".repeat(depth));
                out.push('-');
                child(item, depth, out);
            }
        }
        scalar => {
            out.push_str(&scalar.to_string());
            out.push('\n');
        }
    }
}

fn child(value: &Value, depth: usize, out: &mut String) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        block(value, depth + 1, out);
    } else {
        out.push(' ');
        out.push_str(&value.to_string());
        out.push('\n');
    }
}

fn key(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && !matches!(
            key.to_ascii_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain {
        key.to_owned()
    } else {
        Value::String(key.to_owned()).to_string()
    }
}
