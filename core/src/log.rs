//! What the SDK tells its host: one event, to `tracing` and - for the other languages - to the
//! bridge's queue of log records.
//!
//! Owns: the form of an event. Refuses: secrets - events hold names, codes, numbers and request ids,
//! never a header, a body, a token or a URL.
//!
//! | level | event | fields |
//! |---|---|---|
//! | warn | the access token could not be renewed | code, failures, `pause_ms` |
//! | debug | an access token was fetched | `life_s`, scope |
//! | debug | trying again | operation, code, retry, `wait_ms` |
//! | debug | the client is closed | |
//! | trace | answered | operation, status, `request_id`, `duration_ms`, retry |

/// `event!(WARN, Some(client_id), "what happened", name = value, …)`: to `tracing` with the target
/// `sentryagent_idp`, and into the bridge's queue. Values are looked at only where somebody listens.
macro_rules! event {
    ($level:ident, $client:expr, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        ::tracing::event!(
            target: "sentryagent_idp",
            ::tracing::Level::$level,
            client = $client,
            $($name = $value,)*
            $message
        );
        #[cfg(feature = "bridge")]
        if $crate::bridge::logs::wanted(::tracing::Level::$level) {
            let fields: Vec<(&'static str, ::serde_json::Value)> =
                vec![$((stringify!($name), ::serde_json::Value::from($value))),*];
            $crate::bridge::logs::push($client, ::tracing::Level::$level, $message, fields);
        }
    }};
}
pub(crate) use event;

/// Whole milliseconds, for an event's field.
pub(crate) fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
