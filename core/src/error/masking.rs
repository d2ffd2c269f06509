//! What an answer repeats of the secrets that were sent, masked.
//!
//! Owns: finding a secret however it is spelled - as it is, as a form writes it, as JSON does in a text of its
//! own. Refuses: guessing at what else may be secret.

use std::borrow::Cow;

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Shorter ones are words that stand in any text.
const SECRET_BYTES_MIN: usize = 8;
const MASK: &str = "***";

/// The text with each secret masked; `None` when it holds none.
pub(super) fn masked(text: &str, secrets: &[&str]) -> Option<String> {
    let mut clean = None;
    for secret in secrets.iter().filter(|s| s.len() >= SECRET_BYTES_MIN) {
        for spelled in spellings(secret) {
            let text = clean.as_deref().unwrap_or(text);
            if text.contains(&*spelled) {
                clean = Some(text.replace(&*spelled, MASK));
            }
        }
    }
    clean
}

/// Masks each secret in the texts and names of a value.
pub(super) fn mask(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(text) => {
            if let Some(clean) = masked(text, secrets) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::Object(map) => mask_members(map, secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub(super) fn mask_members(map: &mut Map<String, Value>, secrets: &[&str]) {
    *map = std::mem::take(map)
        .into_iter()
        .map(|(name, mut value)| {
            mask(&mut value, secrets);
            (masked(&name, secrets).unwrap_or(name), value)
        })
        .collect();
}

fn spellings(secret: &str) -> [Cow<'_, str>; 3] {
    let form = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let quoted = Value::from(secret).to_string();
    let json = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
    [
        Cow::Borrowed(secret),
        Cow::Owned(form),
        Cow::Owned(json.unwrap_or(secret).to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_is_found() {
        let secret = r#"p/w "ö"+1="#;
        let form = "client_secret=p%2Fw+%22%C3%B6%22%2B1%3D&a=b";
        let inner = json!({ "client_secret": secret }).to_string();
        for (text, clean) in [
            (form, "client_secret=***&a=b"),
            (inner.as_str(), r#"{"client_secret":"***"}"#),
            (secret, "***"),
        ] {
            assert_eq!(masked(text, &[secret]).as_deref(), Some(clean));
        }
        assert_eq!(masked("nothing of it", &[secret]), None);
        let mut value = json!({"a": [secret, 1, null], secret: {"b": form}});
        mask(&mut value, &[secret]);
        let wanted = json!({"a": ["***", 1, null], "***": {"b": "client_secret=***&a=b"}});
        assert_eq!(value, wanted);
    }

    #[test]
    fn a_short_secret_is_no_reason_to_mask_words() {
        assert_eq!(masked("the answer is a secret", &["secret"]), None);
    }
}
