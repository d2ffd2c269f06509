//! Webhook deliveries as Standard Webhooks sign them, and as they must not be accepted.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{case::Result, issuer::now_seconds, verbs::WebhookStep};

const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";

/// The runner's request for that delivery.
pub fn request(step: &WebhookStep) -> Result<Value> {
    let signed_at = now_seconds() - step.age_seconds;
    let signature = sign(
        step.signed_with.as_deref().unwrap_or(&step.secret),
        ID,
        signed_at,
        step.signed_payload.as_deref().unwrap_or(&step.payload),
    )?;
    let mut headers = Map::from_iter([
        ("webhook-id".to_owned(), json!(ID)),
        ("webhook-timestamp".to_owned(), json!(signed_at.to_string())),
        ("webhook-signature".to_owned(), json!(signature)),
    ]);
    for (name, value) in &step.headers {
        // Header names are case-insensitive: one that is given replaces one in another spelling.
        headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        if let Some(text) = value.as_str() {
            let text = text
                .replace("${signature}", &signature)
                .replace("${timestamp}", &signed_at.to_string())
                .replace("${id}", ID);
            headers.insert(name.clone(), text.into());
        }
    }
    let mut request = json!({
        "do": "webhook",
        "payload": step.payload,
        "headers": headers,
        "secret": step.secret,
    });
    if let Some(seconds) = step.now_in_seconds {
        request["nowMs"] = ((now_seconds() + seconds) * 1000).into();
    }
    if let Some(ms) = step.tolerance_ms {
        request["toleranceMs"] = ms.into();
    }
    Ok(request)
}

fn sign(secret: &str, id: &str, at: i64, payload: &str) -> Result<String> {
    // A secret that is none signs nothing; what the receiver says of it is the case's subject.
    let bytes = secret
        .strip_prefix("whsec_")
        .and_then(|text| STANDARD.decode(text).ok())
        .unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let tag = hmac::sign(&key, format!("{id}.{at}.{payload}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        let published = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature.as_deref(), Ok(published));
    }
}
