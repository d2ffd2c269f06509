//! `resource` (RFC 8707 section 2): one absolute URI without a fragment.

use url::Url;

use crate::error::ApiError;
use crate::generated::codes::Code;

/// Longer than any sensible audience.
const RESOURCE_BYTES_MAX: usize = 2048;

/// The audience, exactly as it was sent: a verifier compares it byte by byte.
pub(super) fn parse(text: String) -> Result<String, ApiError> {
    if is_absolute_uri(&text) {
        Ok(text)
    } else {
        Err(ApiError::new(Code::InvalidTarget)
            .message("resource must be one absolute URI without a fragment."))
    }
}

fn is_absolute_uri(text: &str) -> bool {
    // The parser below forgives what browsers do; a URI (RFC 3986) has none of these.
    let forbidden = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}#".contains(c);
    if text.len() > RESOURCE_BYTES_MAX || text.contains(forbidden) {
        return false;
    }
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let rest = &text[url.scheme().len()..];
    match url.scheme() {
        // The parser would take the first part of the path for a host that is missing.
        "http" | "https" => rest.starts_with("://") && !rest.starts_with(":///"),
        _ => rest.len() > 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_uris_are_taken_as_they_are() {
        for text in [
            "https://api.example.com",
            "https://api.example.com/v1?tenant=a",
            "HTTPS://API.example.com:443/",
            "urn:example:service",
            "spiffe://trust/workload",
        ] {
            assert_eq!(parse(text.to_owned()).unwrap(), text);
        }
    }

    #[test]
    fn everything_else_is_an_invalid_target() {
        for text in [
            "api.example.com",
            "/v1",
            "//api.example.com",
            "https:api.example.com",
            "https://",
            "https:///api.example.com",
            "https://a#",
            "https://a#b",
            "https://a b",
            "https://a/\n",
            "https://ä.example",
            "urn:",
            "https://a https://b",
        ] {
            let fault = parse(text.to_owned()).unwrap_err();
            assert_eq!(fault.code(), Code::InvalidTarget, "{text}");
        }
        assert!(parse(format!("https://a/{}", "b".repeat(3000))).is_err());
    }
}
