//! Webhooks, verified: Standard Webhooks v1 (<https://www.standardwebhooks.com>).
//!
//! Owns: [`verify_webhook`], [`WebhookVerifier`]. A signature covers `id.timestamp.payload`, so that an
//! old message cannot be sent again with a new time.
//! Refuses: reading the payload; comparing in a time that tells how much was right.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::json;

use crate::{Error, ErrorKind, codes, policy::WEBHOOK_TOLERANCE_DEFAULT};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const SECRET_PREFIX: &str = "whsec_";
/// The version of HMAC-SHA-256 signatures; others stand beside it in the same header.
const VERSION: &str = "v1";
/// Entries of the signature header that are looked at.
const SIGNATURES_MAX: usize = 20;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Verifies that a webhook is the sender's and not older (or newer) than five minutes.
///
/// `payload` is the body byte for byte as it came: parse it only after this. `secret` is the
/// subscription's, `whsec_…`. For several secrets, another tolerance or another time see
/// [`WebhookVerifier`].
///
/// ```
/// use sentryagent_idp::verify_webhook;
/// let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AA==")];
/// let refused = verify_webhook(b"{}", headers, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap_err();
/// assert_eq!(refused.code(), "INVALID_WEBHOOK");
/// ```
///
/// # Errors
/// Kind [`Authentication`](ErrorKind::Authentication), code `INVALID_WEBHOOK`, `details.reason` one of
/// `header` (one is missing or wrong), `timestamp`, `signature`. Kind
/// [`Configuration`](ErrorKind::Configuration) when the secret has a wrong form.
pub fn verify_webhook<'h>(
    payload: &[u8],
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    secret: &str,
) -> Result<(), Error> {
    WebhookVerifier::new([secret])?.verify(payload, headers)
}

/// Verifies webhooks of one sender.
#[derive(Clone)]
pub struct WebhookVerifier {
    keys: Vec<hmac::Key>,
    tolerance: Duration,
    now: Option<SystemTime>,
}

impl WebhookVerifier {
    /// Any of these secrets may have signed: give the old and the new one while a secret is rotated.
    ///
    /// # Errors
    /// Kind [`Configuration`](ErrorKind::Configuration) when there is none, or one has a wrong form.
    pub fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        let keys = secrets
            .into_iter()
            .map(|secret| key(secret.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(Error::configuration(
                "secret is missing: give the webhook's",
            ));
        }
        Ok(Self {
            keys,
            tolerance: WEBHOOK_TOLERANCE_DEFAULT,
            now: None,
        })
    }

    /// How far the webhook's time may be from the present, either way; default five minutes.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Takes this for the present, for tests.
    #[must_use]
    pub fn at(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Verifies one webhook; names of headers in any case.
    ///
    /// # Errors
    /// As [`verify_webhook`].
    pub fn verify<'h>(
        &self,
        payload: &[u8],
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    ) -> Result<(), Error> {
        let found = Found::among(headers)?;
        self.check_time(found.timestamp)?;
        // The bytes that were sent, not the number written anew.
        let signed = [
            found.id.as_bytes(),
            b".",
            found.timestamp.as_bytes(),
            b".",
            payload,
        ]
        .concat();
        let mut signatures = found
            .signatures
            .split_ascii_whitespace()
            .filter_map(|entry| entry.split_once(','))
            .filter(|(version, _)| *version == VERSION)
            .filter_map(|(_, text)| BASE64.decode(text).ok())
            .take(SIGNATURES_MAX);
        let holds = signatures.any(|signature| {
            self.keys
                .iter()
                .any(|key| hmac::verify(key, &signed, &signature).is_ok())
        });
        if holds {
            Ok(())
        } else {
            Err(invalid(
                "signature",
                "the webhook's signature does not hold",
            ))
        }
    }

    fn check_time(&self, timestamp: &str) -> Result<(), Error> {
        let wrong = || invalid("timestamp", "webhook-timestamp is no number of seconds");
        if !timestamp.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let sent = Duration::from_secs(timestamp.parse().map_err(|_| wrong())?);
        let now = self
            .now
            .unwrap_or_else(SystemTime::now)
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        if sent.abs_diff(now) <= self.tolerance {
            Ok(())
        } else if sent < now {
            Err(invalid("timestamp", "the webhook is too old"))
        } else {
            Err(invalid(
                "timestamp",
                "the webhook's time lies in the future",
            ))
        }
    }
}

impl fmt::Debug for WebhookVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookVerifier")
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

/// The three headers of a webhook.
struct Found<'h> {
    id: &'h str,
    timestamp: &'h str,
    signatures: &'h str,
}

impl<'h> Found<'h> {
    fn among(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Result<Self, Error> {
        let (mut id, mut timestamp, mut signatures) = (None, None, None);
        for (name, value) in headers {
            let place = match name {
                _ if name.eq_ignore_ascii_case(ID) => &mut id,
                _ if name.eq_ignore_ascii_case(TIMESTAMP) => &mut timestamp,
                _ if name.eq_ignore_ascii_case(SIGNATURE) => &mut signatures,
                _ => continue,
            };
            if place.replace(value.trim()).is_some() {
                return Err(invalid("header", "a header of the webhook stands twice"));
            }
        }
        let need = |value: Option<&'h str>, message| {
            value
                .filter(|value| !value.is_empty())
                .ok_or_else(|| invalid("header", message))
        };
        Ok(Self {
            id: need(id, "webhook-id is missing")?,
            timestamp: need(timestamp, "webhook-timestamp is missing")?,
            signatures: need(signatures, "webhook-signature is missing")?,
        })
    }
}

fn key(secret: &str) -> Result<hmac::Key, Error> {
    let encoded = secret.strip_prefix(SECRET_PREFIX);
    let bytes = encoded.and_then(|text| BASE64.decode(text).ok());
    bytes
        .filter(|bytes| !bytes.is_empty())
        .map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        .ok_or_else(|| {
            Error::configuration("secret: a webhook's secret is `whsec_` and base64; give it whole")
        })
}

fn invalid(reason: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Authentication, codes::INVALID_WEBHOOK, message)
        .with_details(Some(json!({ "reason": reason })))
}
