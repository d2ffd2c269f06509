//! Matching a value against a pattern, and filling `${…}` in.
//!
//! A pattern is JSON. An object matches when each of its keys does (more keys are fine); a list
//! matches item by item; a scalar matches itself. Strings that begin with `$` are special:
//! `$any`, `$string`, `$integer`, `$number`, `$boolean`, `$uuid`, `$timestamp`, `$null`, `$absent`,
//! `$nonempty`, `$contains:<text>`, `$without:<text>`, `$matches:<regular expression>`. An object with the one key `$length` matches a list of that
//! length, one with `$some` a list with an item that matches, one with `$atLeast` or `$atMost` a number.

use std::collections::BTreeMap;

use serde_json::Value;

/// Why the value does not match, with the place; `Ok` when it does.
pub fn check(pattern: &Value, value: Option<&Value>, place: &str) -> Result<(), String> {
    let found = value.map_or("nothing".to_owned(), Value::to_string);
    let fail = |wanted: &str| {
        Err(format!(
            "{place}: expected {wanted}, found {}",
            short(&found)
        ))
    };
    match pattern {
        Value::String(word) if word.starts_with('$') => {
            let holds = match (word.as_str(), value) {
                ("$absent", value) => value.is_none(),
                (_, None) => false,
                ("$any", _) => true,
                ("$string", Some(v)) => v.is_string(),
                ("$nonempty", Some(v)) => v.as_str().is_some_and(|s| !s.is_empty()),
                ("$integer", Some(v)) => v.is_i64() || v.is_u64(),
                ("$number", Some(v)) => v.is_number(),
                ("$boolean", Some(v)) => v.is_boolean(),
                ("$null", Some(v)) => v.is_null(),
                ("$uuid", Some(v)) => v.as_str().is_some_and(is_uuid),
                ("$timestamp", Some(v)) => v.as_str().is_some_and(is_timestamp),
                (word, Some(v)) => text(word, v).map_err(|why| format!("{place}: {why}"))?,
            };
            if holds { Ok(()) } else { fail(word) }
        }
        Value::Object(keys) => {
            if let Some(length) = keys.get("$length") {
                let actual = value.and_then(Value::as_array).map(Vec::len);
                return if actual == length.as_u64().and_then(|n| usize::try_from(n).ok()) {
                    Ok(())
                } else {
                    fail(&format!("a list of {length}"))
                };
            }
            if let Some(some) = keys.get("$some") {
                let items = value.and_then(Value::as_array);
                let holds =
                    items.is_some_and(|i| i.iter().any(|v| check(some, Some(v), place).is_ok()));
                return if holds {
                    Ok(())
                } else {
                    fail(&format!("a list with {some}"))
                };
            }
            for (key, holds) in [
                ("$atLeast", f64::ge as fn(&f64, &f64) -> bool),
                ("$atMost", f64::le as fn(&f64, &f64) -> bool),
            ] {
                if let Some(bound) = keys.get(key).and_then(Value::as_f64) {
                    let actual = value.and_then(Value::as_f64);
                    return if actual.is_some_and(|a| holds(&a, &bound)) {
                        Ok(())
                    } else {
                        fail(&format!("{key} {bound}"))
                    };
                }
            }
            let Some(Value::Object(actual)) = value else {
                return fail("an object");
            };
            keys.iter().try_for_each(|(key, pattern)| {
                check(pattern, actual.get(key), &format!("{place}.{key}"))
            })
        }
        Value::Array(patterns) => match value {
            Some(Value::Array(items)) if items.len() == patterns.len() => patterns
                .iter()
                .zip(items)
                .enumerate()
                .try_for_each(|(i, (pattern, item))| {
                    check(pattern, Some(item), &format!("{place}[{i}]"))
                }),
            _ => fail(&format!("a list of {}", patterns.len())),
        },
        Value::Number(number) => {
            // A language may hold an integer as a double; 1 and 1.0 are one number.
            let same = value.and_then(Value::as_f64) == number.as_f64();
            if same {
                Ok(())
            } else {
                fail(&number.to_string())
            }
        }
        scalar => {
            if value == Some(scalar) {
                Ok(())
            } else {
                fail(&scalar.to_string())
            }
        }
    }
}

/// The patterns of texts that have a text of their own.
fn text(word: &str, value: &Value) -> Result<bool, String> {
    let (kind, wanted) = word.split_once(':').unwrap_or((word, ""));
    let found = value.as_str();
    Ok(match kind {
        "$contains" => found.is_some_and(|s| s.contains(wanted)),
        "$without" => found.is_some_and(|s| !s.contains(wanted)),
        "$matches" => {
            let regex = regex::Regex::new(wanted).map_err(|e| e.to_string())?;
            found.is_some_and(|s| regex.is_match(s))
        }
        _ => return Err(format!("`{word}` is no pattern")),
    })
}

/// Replaces `${name}` and `${name.field}` in every string of the value. A string that is
/// nothing but one reference becomes the value itself.
pub fn fill(template: &Value, values: &BTreeMap<String, Value>) -> Result<Value, String> {
    Ok(match template {
        Value::String(text) => fill_text(text, values)?,
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill(item, values))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, item)| Ok((key.clone(), fill(item, values)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

fn fill_text(text: &str, values: &BTreeMap<String, Value>) -> Result<Value, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let end = rest[start..]
            .find('}')
            .ok_or_else(|| format!("`{text}`: `${{` without `}}`"))?
            + start;
        let value = lookup(&rest[start + 2..end], values)?;
        if start == 0 && end + 1 == rest.len() && out.is_empty() {
            return Ok(value.clone());
        }
        out.push_str(&rest[..start]);
        match value {
            Value::String(s) => out.push_str(s),
            other => out.push_str(&other.to_string()),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

fn lookup<'a>(path: &str, values: &'a BTreeMap<String, Value>) -> Result<&'a Value, String> {
    let mut parts = path.split('.');
    let name = parts.next().unwrap_or_default();
    let mut value = values
        .get(name)
        .ok_or_else(|| format!("nothing was saved as `{name}`"))?;
    for part in parts {
        value = match part.parse::<usize>() {
            Ok(index) => value.get(index),
            Err(_) => value.get(part),
        }
        .ok_or_else(|| format!("`{path}`: there is no `{part}`"))?;
    }
    Ok(value)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(i, c)| match i {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// RFC 3339 UTC with milliseconds: `2026-03-28T09:00:00.000Z`.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(300).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_match_by_the_keys_of_the_pattern() {
        let value = json!({"a": 1, "b": [1, 2], "c": "2026-03-28T09:00:00.000Z"});
        assert!(
            check(
                &json!({"a": 1.0, "c": "$timestamp", "d": "$absent"}),
                Some(&value),
                "value"
            )
            .is_ok()
        );
        assert_eq!(
            check(&json!({"b": [1, 3]}), Some(&value), "value"),
            Err("value.b[1]: expected 3, found 2".into())
        );
        assert!(check(&json!({"c": "$uuid"}), Some(&value), "value").is_err());
        assert!(check(&json!({"c": "$matches:^2026-.*Z$"}), Some(&value), "value").is_ok());
        assert!(check(&json!({"c": "$without:2026"}), Some(&value), "value").is_err());
        assert!(check(&json!({"b": {"$some": 2}}), Some(&value), "value").is_ok());
        assert!(check(&json!({"b": {"$length": 3}}), Some(&value), "value").is_err());
    }

    #[test]
    fn references_become_values() {
        let values = BTreeMap::from([("agent".into(), json!({"id": "x", "n": 3}))]);
        assert_eq!(fill(&json!("${agent.n}"), &values), Ok(json!(3)));
        assert_eq!(
            fill(&json!(["a-${agent.id}-${agent.n}"]), &values),
            Ok(json!(["a-x-3"]))
        );
        assert!(fill(&json!("${nobody.id}"), &values).is_err());
    }
}
