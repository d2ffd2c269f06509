//! What a refused request is answered (RFC 6750 section 3, RFC 9110 section 10.2.3).

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{Error, ErrorKind};

/// Seconds to wait where the error does not say.
const RETRY_AFTER_DEFAULT: u64 = 1;

/// Why a request does not reach the service.
pub(super) enum Refusal {
    /// It brought no bearer token.
    NoToken,
    /// It brought more than one `Authorization` or one that is no text.
    Ambiguous,
    /// Its token was refused, or could not be judged.
    Verdict(Error),
}

impl Refusal {
    pub fn answer<B: From<String>>(&self) -> Response<B> {
        let (status, code, message) = match self {
            Self::NoToken => (401, "UNAUTHORIZED", "an access token is needed"),
            Self::Ambiguous => (
                401,
                "UNAUTHORIZED",
                "the Authorization header is not usable",
            ),
            Self::Verdict(error) => match error.kind() {
                ErrorKind::Authentication => (401, "UNAUTHORIZED", error.message()),
                ErrorKind::Permission => (403, "INSUFFICIENT_SCOPE", error.message()),
                _ => (
                    503,
                    "SERVICE_UNAVAILABLE",
                    "the token cannot be verified at present",
                ),
            },
        };
        let body = json!({"code": code, "message": message}).to_string();
        let mut response = Response::new(B::from(body));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let (name, value) = self.hint(status);
        // A scope that no header can carry leaves the bare challenge.
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("Bearer"));
        headers.insert(name, value);
        response
    }

    /// What the client should do: which token to bring, or when to come again.
    fn hint(&self, status: u16) -> (HeaderName, String) {
        let challenge = header::WWW_AUTHENTICATE;
        match self {
            Self::NoToken => (challenge, "Bearer".to_owned()),
            Self::Ambiguous => (challenge, r#"Bearer error="invalid_request""#.to_owned()),
            Self::Verdict(error) if status == 503 => {
                let seconds = error
                    .retry_after()
                    .map_or(RETRY_AFTER_DEFAULT, |d| d.as_secs());
                (header::RETRY_AFTER, seconds.max(1).to_string())
            }
            Self::Verdict(error) if status == 403 => {
                let scopes = required_scopes(error).join(" ");
                let value = format!(r#"Bearer error="insufficient_scope", scope="{scopes}""#);
                (challenge, value)
            }
            Self::Verdict(error) => {
                // Messages of verification are constants without quotes or control characters.
                let message = error.message();
                let value =
                    format!(r#"Bearer error="invalid_token", error_description="{message}""#);
                (challenge, value)
            }
        }
    }
}

/// The scopes that the verdict names: the verifier's and the layer's.
fn required_scopes(error: &Error) -> Vec<&str> {
    let list = error
        .details()
        .and_then(|d| d.get("requiredScopes")?.as_array());
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
