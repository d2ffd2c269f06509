//! Faults on demand: what the next requests get instead of, or before, their answer.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;

use super::json_answer;
use crate::{
    error::ApiError,
    generated::codes::Code,
    http::{Envelope, error_answer},
    serve::HangUp,
};

/// One order: the next `count` requests that match.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// How many requests; one unless said.
    #[serde(default = "once")]
    count: u32,
    /// Status of the answer; the code's own, or 503.
    status: Option<u16>,
    /// Error code of the answer; one that fits the status.
    code: Option<String>,
    /// `Retry-After`: seconds, or the header's text.
    retry_after: Option<RetryAfter>,
    /// Close the connection without an answer.
    #[serde(default)]
    cut: bool,
    /// Milliseconds of real time before anything else happens. Alone: the request is then answered as usual.
    delay_ms: Option<u64>,
    /// Only requests whose path begins like this.
    path: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(f64),
    Text(String),
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Why it cannot be done, in words.
    pub fn fault(&self) -> Option<&'static str> {
        if self.status.is_some_and(|s| !(200..=599).contains(&s)) {
            return Some("status must be between 200 and 599");
        }
        match &self.retry_after {
            Some(RetryAfter::Seconds(s)) if Duration::try_from_secs_f64(*s).is_err() => {
                Some("retryAfter must be a positive number of seconds, or a text")
            }
            Some(RetryAfter::Text(text)) if HeaderValue::from_str(text).is_err() => {
                Some("retryAfter must be a possible header value")
            }
            _ => None,
        }
    }

    /// How long the request waits first.
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or(0))
    }

    /// The answer in place of the app's; `None` when the fault is only a delay.
    pub fn answer(&self, envelope: Envelope) -> Option<Response> {
        if self.cut {
            let mut response = Response::default();
            response.extensions_mut().insert(HangUp);
            return Some(response);
        }
        let only_delay = self.status.is_none() && self.code.is_none() && self.retry_after.is_none();
        if only_delay && self.delay_ms.is_some() {
            return None;
        }
        let known = match (&self.code, self.status) {
            (Some(name), _) => Code::ALL.iter().copied().find(|c| c.as_str() == name),
            (None, status) => with_status(status.unwrap_or(503), envelope),
        };
        let status = self
            .status
            .or(known.map(Code::status))
            .unwrap_or(StatusCode::SERVICE_UNAVAILABLE.as_u16());
        let mut response = match known {
            Some(code) => error_answer(&ApiError::new(code), envelope).into_response(),
            None => json_answer(status, &self.unknown(status, envelope)),
        };
        if let Ok(status) = StatusCode::from_u16(status) {
            *response.status_mut() = status;
        }
        if let Some(wait) = self.retry_after.as_ref().and_then(RetryAfter::header) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        Some(response)
    }

    /// The body for a code that the contract does not have: SDKs must cope with those too.
    fn unknown(&self, status: u16, envelope: Envelope) -> serde_json::Value {
        let code = self
            .code
            .clone()
            .unwrap_or_else(|| format!("STATUS_{status}"));
        let message = "The mock was told to fail.";
        match envelope {
            Envelope::Standard => json!({"code": code, "message": message}),
            Envelope::OAuth => json!({"error": code, "error_description": message, "code": code}),
        }
    }
}

impl RetryAfter {
    fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::Seconds(seconds) => format!("{:.0}", seconds.ceil()),
            Self::Text(text) => text.clone(),
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// The code that an operation with this envelope usually answers with that status.
fn with_status(status: u16, envelope: Envelope) -> Option<Code> {
    let fits = |oauth: bool| {
        let mut all = Code::ALL.iter().copied();
        all.find(|c| c.status() == status && c.is_oauth() == oauth)
    };
    match envelope {
        Envelope::OAuth => fits(true).or_else(|| fits(false)),
        Envelope::Standard => fits(false),
    }
}

/// The fault for a request with that path, used up by one.
pub fn take(faults: &mut Vec<Fault>, path: &str) -> Option<Fault> {
    faults.retain(|fault| fault.count > 0);
    let fault = faults.iter_mut().find(|fault| {
        fault
            .path
            .as_deref()
            .is_none_or(|prefix| path.starts_with(prefix))
    })?;
    fault.count -= 1;
    Some(fault.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_first_that_matches_is_used_until_it_is_used_up() {
        let mut faults = vec![
            fault(r#"{"status":500,"path":"/a","count":2}"#),
            fault(r#"{"status":502}"#),
        ];
        let statuses: Vec<_> = ["/a/1", "/b", "/a", "/a"]
            .iter()
            .map(|path| take(&mut faults, path).and_then(|f| f.status))
            .collect();
        assert_eq!(statuses, [Some(500), Some(502), Some(500), None]);
        assert!(take(&mut faults, "/a").is_none());
    }

    #[test]
    fn a_status_gets_the_code_that_fits_it() {
        let answer = |text: &str, envelope| {
            let response = fault(text).answer(envelope).unwrap();
            (
                response.status().as_u16(),
                response.headers().get("retry-after").cloned(),
            )
        };
        let wait = |text| Some(HeaderValue::from_static(text));
        assert_eq!(answer("{}", Envelope::Standard), (503, None));
        assert_eq!(
            answer(r#"{"status":429,"retryAfter":1.5}"#, Envelope::OAuth),
            (429, wait("2"))
        );
        assert_eq!(
            answer(
                r#"{"code":"LAST_ADMIN","status":418,"retryAfter":"soon"}"#,
                Envelope::Standard
            ),
            (418, wait("soon"))
        );
        assert!(
            fault(r#"{"delayMs":1}"#)
                .answer(Envelope::Standard)
                .is_none()
        );
        assert_eq!(with_status(401, Envelope::OAuth), Some(Code::InvalidClient));
        assert_eq!(
            with_status(401, Envelope::Standard),
            Some(Code::Unauthorized)
        );
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        assert!(fault(r#"{"status":99}"#).fault().is_some());
        assert!(fault(r#"{"retryAfter":-1}"#).fault().is_some());
        assert!(fault(r#"{"retryAfter":"\n"}"#).fault().is_some());
        assert!(fault(r#"{"cut":true}"#).fault().is_none());
        assert!(serde_json::from_str::<Fault>(r#"{"stats":500}"#).is_err());
    }
}
