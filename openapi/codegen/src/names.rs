//! Names in the case of each language.

/// Splits `agentId`, `client_id`, `AGENT_NOT_FOUND`, `agents:read`, `X-Request-Id` into lower-case words.
pub fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let previous = i.checked_sub(1).map(|p| chars[p]);
        let next = chars.get(i + 1);
        let boundary = c.is_uppercase()
            && previous.is_some_and(|p| {
                p.is_lowercase()
                    || p.is_ascii_digit()
                    || (p.is_uppercase() && next.is_some_and(|n| n.is_lowercase()))
            });
        if boundary && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `agent_id`
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `AGENT_ID`
pub fn screaming(name: &str) -> String {
    snake(name).to_uppercase()
}

/// `AgentId`
pub fn pascal(name: &str) -> String {
    words(name).iter().map(|w| capital(w)).collect()
}

/// `agentId`
pub fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut chars = pascal.chars();
    chars
        .next()
        .map(|c| c.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

/// `agent-id`
pub fn kebab(name: &str) -> String {
    words(name).join("-")
}

/// `Agent` from `agent`.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_every_kind_of_boundary() {
        for (name, expected) in [
            ("agentId", "agent_id"),
            ("client_id", "client_id"),
            ("AGENT_NOT_FOUND", "agent_not_found"),
            ("agents:read", "agents_read"),
            ("getJWKSUri", "get_jwks_uri"),
            ("OAuthError", "o_auth_error"),
            ("sha256Sum", "sha256_sum"),
            ("*", ""),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
        assert_eq!(camel("next_cursor"), "nextCursor");
        assert_eq!(pascal("read-only"), "ReadOnly");
        assert_eq!(kebab("MapReader"), "map-reader");
    }
}
