//! What a runner printed, and the secrets that must not be in it.
//!
//! An answer that has to carry a secret - an issued token, a new credential - is left out; errors,
//! logs, representations, every other answer and standard error are searched whole.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aho_corasick::AhoCorasick;
use serde_json::Value;

/// Shorter texts would be found everywhere.
const SECRET_CHARS_MIN: usize = 12;

/// One runner's.
#[derive(Default)]
pub struct Transcript {
    secrets: Mutex<BTreeSet<String>>,
    printed: Mutex<Vec<(String, String)>>,
}

impl Transcript {
    /// This text must show nowhere from now on, nor before.
    pub fn secret(&self, text: &str) {
        let mut secrets = lock(&self.secrets);
        let mut add = |text: &str| {
            if text.len() >= SECRET_CHARS_MIN {
                secrets.insert(text.to_owned());
            }
        };
        add(text);
        // A token's signature alone lets nobody in, but says that the token was printed.
        if let Some((_, signature)) = text.rsplit_once('.') {
            add(signature);
        }
    }

    /// Every secret in what a runner is told or answers.
    pub fn secrets_of(&self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value.as_str() {
                        Some(text) if is_secret(name) => self.secret(text),
                        _ => self.secrets_of(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.secrets_of(item)),
            _ => {}
        }
    }

    /// The runner printed that, where it must hold no secret.
    pub fn printed(&self, place: &str, text: String) {
        lock(&self.printed).push((place.to_owned(), text));
    }

    /// Where a secret shows, and how many texts were searched for how many secrets.
    pub fn leaks(&self) -> (Vec<String>, usize, usize) {
        let secrets = lock(&self.secrets);
        let printed = lock(&self.printed);
        let mut leaks = Vec::new();
        let Ok(search) = AhoCorasick::new(secrets.iter()) else {
            return (vec!["the secrets cannot be searched for".into()], 0, 0);
        };
        for (place, text) in printed.iter() {
            if let Some(found) = search.find(text) {
                let head: String = text[found.range()].chars().take(8).collect();
                let from = floor(text, found.start().saturating_sub(120));
                let before = &text[from..found.start()];
                leaks.push(format!("{place} shows the secret {head}… behind: {before}"));
            }
        }
        (leaks, printed.len(), secrets.len())
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "clientSecret" | "client_secret" | "access_token" | "token" | "secret"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_found_wherever_it_is_printed() {
        let transcript = Transcript::default();
        transcript.printed("stderr", "before sk_live_0123456789 after".into());
        transcript.printed("call", "nothing".into());
        transcript.secrets_of(&json!({"config": {"clientSecret": "sk_live_0123456789"}}));
        transcript.secrets_of(
            &json!([{"token": "short"}, {"access_token": "header.payload.signature-abc"}]),
        );
        transcript.printed("log", "…payload.signature-abc".into());
        let (leaks, printed, _) = transcript.leaks();
        assert_eq!(printed, 3);
        assert_eq!(leaks.len(), 2, "{leaks:?}");
        assert!(leaks[0].starts_with("stderr shows") && !leaks[0].contains("0123456789"));
        assert!(leaks[1].starts_with("log shows"));
    }
}
