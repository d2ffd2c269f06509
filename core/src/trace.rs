//! `traceparent` (W3C Trace Context) from the host's tracing.
//!
//! Owns: asking the hook once a call. Refuses: failing a call because tracing is set up wrongly.

use std::{fmt, sync::Arc};

use crate::call::request::Options;

const TRACEPARENT: &str = "traceparent";

/// Says which trace a call belongs to; asked on the caller's task.
#[derive(Clone)]
pub(crate) struct Traceparent(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl Traceparent {
    pub fn new(hook: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    /// The call's options with the header, unless the call has one of its own or there is no trace.
    /// What cannot be a header is left out.
    pub fn apply(&self, options: &Options) -> Option<Options> {
        let given = |(name, _): &(String, String)| name.eq_ignore_ascii_case(TRACEPARENT);
        if options.headers.iter().any(given) {
            return None;
        }
        let value = (self.0)()?;
        if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        let mut options = options.clone();
        options.headers.push((TRACEPARENT.to_owned(), value));
        Some(options)
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traceparent")
    }
}
