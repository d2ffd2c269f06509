//! An answer with what came around its value.

use http::HeaderMap;

use super::engine::Answered;

/// A value with its answer's status, headers and request id.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Raw<T> {
    /// The value.
    pub value: T,
    /// HTTP status.
    pub status: u16,
    /// `X-Request-Id` of the answer; quote it when you ask for help.
    pub request_id: Option<String>,
    /// How often the SDK repeated the request.
    pub retry_count: u32,
    headers: Vec<(String, String)>,
}

impl<T> Raw<T> {
    pub(super) fn new(value: T, answered: &Answered) -> Self {
        Self {
            value,
            status: answered.status,
            request_id: answered.request_id.clone(),
            retry_count: answered.retry_count,
            headers: headers(&answered.headers),
        }
    }

    /// The answer's headers, names in lower case, in the order in which they came.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The first header of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Headers as text; a value that is no text is left out.
pub(crate) fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    map.iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect()
}
