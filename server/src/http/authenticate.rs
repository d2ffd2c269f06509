//! Who calls: reads the `Authorization` header and the form, asks `auth`.

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::unchecked::{FORM, is_media};
use crate::{
    call::ClientCredentials,
    error::ApiError,
    generated::codes::Code,
    wire::{Pairs, Secret, decode_component, parse_pairs},
};

/// What the request presents.
pub enum Presented {
    /// Nothing.
    Nothing,
    /// `Authorization: Bearer`; [`bearer`] reads the token.
    Bearer,
    /// HTTP Basic, or form fields.
    Client(ClientCredentials),
}

/// The bearer token of a request; 401 when there is none or more than one.
pub fn bearer(headers: &HeaderMap) -> Result<Secret, ApiError> {
    match scheme(headers)? {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Secret::new(token)),
        _ => Err(ApiError::no_token()),
    }
}

/// What a request to an OAuth endpoint presents. More than one method is `invalid_request`
/// (RFC 6749 section 2.3), a broken header is `invalid_client`.
pub fn presented(
    headers: &HeaderMap,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Presented, ApiError> {
    let in_form = form(content_type, body);
    match scheme(headers).map_err(|_| ApiError::new(Code::InvalidClient))? {
        None => Ok(in_form.map_or(Presented::Nothing, Presented::Client)),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Presented::Bearer),
        Some((scheme, value)) if scheme.eq_ignore_ascii_case("basic") => {
            // One without a value counts as left out (RFC 6749 section 3.2).
            if in_form.is_some_and(|it| !it.client_secret.expose().is_empty()) {
                return Err(ApiError::new(Code::InvalidRequest)
                    .message("Authenticate by HTTP Basic or by form fields, not by both."));
            }
            basic(value).map(Presented::Client)
        }
        Some(_) => Err(ApiError::new(Code::InvalidClient)),
    }
}

/// Scheme and value of the only `Authorization` header.
fn scheme(headers: &HeaderMap) -> Result<Option<(&str, &str)>, ApiError> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(ApiError::new(Code::Unauthorized));
    }
    first
        .to_str()
        .ok()
        .and_then(|value| value.trim().split_once(' '))
        .map(|(scheme, value)| Some((scheme, value.trim())))
        .ok_or_else(|| ApiError::new(Code::Unauthorized))
}

/// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
fn basic(value: &str) -> Result<ClientCredentials, ApiError> {
    let decoded = STANDARD
        .decode(value)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Secret::new);
    decoded
        .as_ref()
        .and_then(|text| text.expose().split_once(':'))
        .and_then(|(id, secret)| {
            Some(ClientCredentials {
                client_id: decode_component(id)?,
                client_secret: Secret::new(decode_component(secret)?),
            })
        })
        .ok_or_else(|| ApiError::new(Code::InvalidClient))
}

/// Credentials in a form that is otherwise checked later. A client id alone authenticates nobody.
fn form(content_type: Option<&str>, body: &[u8]) -> Option<ClientCredentials> {
    let pairs = pairs(content_type, body)?;
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    };
    Some(ClientCredentials {
        client_secret: Secret::new(value("client_secret")?),
        client_id: value("client_id").unwrap_or_default(),
    })
}

/// Refuses a form that gives a half of the credentials twice (RFC 6749 section 3.2), for the endpoints whose own form
/// does not know them: they would be ignored there, and nobody could say which of the two counted.
pub fn given_once(content_type: Option<&str>, body: &[u8]) -> Result<(), ApiError> {
    let pairs = pairs(content_type, body).unwrap_or_default();
    for name in ["client_id", "client_secret"] {
        if pairs.iter().filter(|(given, _)| given == name).count() > 1 {
            return Err(ApiError::new(Code::InvalidRequest)
                .message(format!("{name} is given more than once.")));
        }
    }
    Ok(())
}

fn pairs(content_type: Option<&str>, body: &[u8]) -> Option<Pairs> {
    if is_media(content_type, FORM) {
        parse_pairs(std::str::from_utf8(body).ok()?)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn basic_credentials_are_percent_decoded() {
        let value = format!("Basic {}", STANDARD.encode("a%3Ab:s%2Bx+y"));
        let Presented::Client(client) = presented(&headers(&value), None, b"").unwrap() else {
            panic!("no client");
        };
        assert_eq!(client.client_id, "a:b");
        assert_eq!(client.client_secret.expose(), "s+x y");
    }

    #[test]
    fn two_methods_or_a_broken_header_are_refused() {
        let form = b"client_id=a&client_secret=b";
        let basic = format!("Basic {}", STANDARD.encode("a:b"));
        let code = |value: &str| {
            presented(&headers(value), Some(FORM), form)
                .err()
                .map(|e| e.code())
        };
        assert_eq!(code(&basic), Some(Code::InvalidRequest));
        let without_value = presented(&headers(&basic), Some(FORM), b"client_secret=");
        assert!(matches!(without_value, Ok(Presented::Client(client)) if client.client_id == "a"));
        for broken in ["Basic", "Basic !!", "Digest x"] {
            let code = presented(&headers(broken), None, b"")
                .err()
                .map(|e| e.code());
            assert_eq!(code, Some(Code::InvalidClient), "{broken}");
        }
        assert_eq!(bearer(&headers("bearer abc")).unwrap().expose(), "abc");
        assert!(bearer(&headers(&basic)).is_err());
    }
}
