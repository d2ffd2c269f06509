//! Webhooks, against the published vector and the published library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sentryagent_idp::{ErrorKind, WebhookVerifier, codes, verify_webhook};
use standardwebhooks::Webhook;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: u64 = 1_614_265_330;
const PAYLOAD: &[u8] = br#"{"test": 2432232314}"#;
/// Of the specification's own test suite.
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn verifier() -> WebhookVerifier {
    WebhookVerifier::new([SECRET])
        .expect("a secret")
        .at(at(SENT))
}

/// The reason of a refusal; empty when it holds.
fn reason(payload: &[u8], headers: &[(&str, &str)]) -> String {
    match verifier().verify(payload, headers.iter().copied()) {
        Ok(()) => String::new(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Authentication);
            assert_eq!(error.code(), codes::INVALID_WEBHOOK);
            let shown = format!("{error:?} {}", error.to_json());
            assert!(!shown.contains("MfKQ") && !shown.contains("g0hM"));
            let details = error.details().expect("details");
            details["reason"].as_str().expect("a reason").to_owned()
        }
    }
}

fn headers<'h>(timestamp: &'h str, signature: &'h str) -> [(&'h str, &'h str); 3] {
    [
        ("webhook-id", ID),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ]
}

#[test]
fn the_vector_of_the_specification_holds() {
    let sent = SENT.to_string();
    assert_eq!(reason(PAYLOAD, &headers(&sent, SIGNATURE)), "");
    let upper = [
        ("Webhook-Id", ID),
        ("WEBHOOK-TIMESTAMP", &sent),
        ("Webhook-Signature", SIGNATURE),
    ];
    assert_eq!(reason(PAYLOAD, &upper), "");
    let among = format!("v1a,AAAA v1,AAAA v2,x nonsense {SIGNATURE}");
    assert_eq!(reason(PAYLOAD, &headers(&sent, &among)), "");
}

#[test]
fn anything_else_is_refused_with_its_reason() {
    let sent = SENT.to_string();
    let good = headers(&sent, SIGNATURE);
    assert_eq!(reason(br#"{"test": 2432232315}"#, &good), "signature");
    for signature in [
        "v1,AAAA",
        "v1,",
        "v1",
        "v1,not base64",
        "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ] {
        assert_eq!(
            reason(PAYLOAD, &headers(&sent, signature)),
            "signature",
            "{signature}"
        );
    }
    let other = [("webhook-id", "msg_2"), good[1], good[2]];
    assert_eq!(reason(PAYLOAD, &other), "signature");
    let moved = (SENT + 1).to_string();
    assert_eq!(reason(PAYLOAD, &headers(&moved, SIGNATURE)), "signature");
    for timestamp in [
        "soon",
        "-1",
        "1614265330.0",
        "+1614265330",
        "99999999999999999999999",
    ] {
        assert_eq!(
            reason(PAYLOAD, &headers(timestamp, SIGNATURE)),
            "timestamp",
            "{timestamp}"
        );
    }
    for missing in 0..3 {
        let mut some = good.to_vec();
        some.remove(missing);
        assert_eq!(reason(PAYLOAD, &some), "header");
        some.push((good[missing].0, "  "));
        assert_eq!(reason(PAYLOAD, &some), "header");
    }
    assert_eq!(reason(PAYLOAD, &[&good[..], &good[..1]].concat()), "header");
}

#[test]
fn a_replay_is_refused_five_minutes_later() {
    let sent = SENT.to_string();
    let holds = |verifier: WebhookVerifier, now| {
        verifier
            .at(at(now))
            .verify(PAYLOAD, headers(&sent, SIGNATURE))
            .is_ok()
    };
    for (now, wanted) in [
        (SENT + 300, true),
        (SENT + 301, false),
        (SENT - 300, true),
        (SENT - 301, false),
    ] {
        assert_eq!(holds(verifier(), now), wanted, "{now}");
    }
    let wide = verifier().tolerance(Duration::from_secs(3600));
    assert!(holds(wide, SENT + 3600));
    // The plain function takes the present, years after the vector.
    let error = verify_webhook(PAYLOAD, headers(&sent, SIGNATURE), SECRET).expect_err("old");
    assert_eq!(error.details().expect("details")["reason"], "timestamp");
}

#[test]
fn any_of_several_secrets_may_have_signed() {
    let sent = SENT.to_string();
    let new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let both = WebhookVerifier::new([new, SECRET])
        .expect("secrets")
        .at(at(SENT));
    assert!(both.verify(PAYLOAD, headers(&sent, SIGNATURE)).is_ok());
    let only = WebhookVerifier::new([new]).expect("a secret").at(at(SENT));
    assert!(only.verify(PAYLOAD, headers(&sent, SIGNATURE)).is_err());
}

#[test]
fn a_secret_of_another_form_is_a_configuration_error() {
    for secret in [
        "",
        "whsec_",
        "whsec_!!",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "secret",
    ] {
        let error = WebhookVerifier::new([secret]).expect_err("no secret");
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!error.message().contains("MfKQ"));
    }
    assert!(WebhookVerifier::new([""; 0]).is_err());
    assert!(!format!("{:?}", verifier()).contains("MfKQ"));
}

/// What the published library signs holds, whatever the payload.
#[test]
fn the_published_library_agrees() {
    let theirs = Webhook::new(SECRET).expect("a secret");
    for payload in [
        "",
        "{}",
        "\u{20ac} \u{1f600}",
        "a.b.c",
        &"x".repeat(100_000),
    ] {
        let signature = theirs
            .sign(ID, SENT as i64, payload.as_bytes())
            .expect("a signature");
        let sent = SENT.to_string();
        assert_eq!(reason(payload.as_bytes(), &headers(&sent, &signature)), "");
        let changed = format!("{payload} ");
        assert_eq!(
            reason(changed.as_bytes(), &headers(&sent, &signature)),
            "signature"
        );
    }
}
