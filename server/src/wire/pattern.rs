//! A regular expression of the contract and what it means in words.

use std::sync::OnceLock;

use regex::Regex;

/// Compiled when it is first used.
pub struct Pattern {
    source: &'static str,
    message: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `message` follows the field's name: `is not an e-mail address`.
    pub const fn new(source: &'static str, message: &'static str) -> Self {
        Self {
            source,
            message,
            compiled: OnceLock::new(),
        }
    }

    /// Whether the text matches. A pattern that does not compile matches nothing: a test compiles
    /// every pattern of the contract.
    pub fn matches(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// What to say when it does not match.
    pub fn message(&self) -> &'static str {
        self.message
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| Regex::new(self.source).ok())
            .as_ref()
    }
}

#[cfg(test)]
mod tests {
    use crate::generated::types::PATTERNS;

    #[test]
    fn every_pattern_of_the_contract_compiles() {
        for pattern in PATTERNS {
            assert!(pattern.regex().is_some(), "{}", pattern.source);
        }
    }
}
