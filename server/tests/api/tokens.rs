//! The token endpoint as HTTP sees it; what a token says is tested beside the section.

use crate::harness;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_token_is_issued_by_form_and_by_basic_at_both_paths() {
    let harness = harness::start().await;
    for path in ["/api/v1/token", "/oauth2/token"] {
        let by_form = harness.form(path, &harness.admin.form()).await;
        assert_eq!(by_form.status, 200);
        assert_eq!(by_form.text("token_type"), "Bearer");
        assert_eq!(by_form.text("scope"), "agents:read");
        assert_eq!(by_form.member("expires_in"), 3600);
        assert_eq!(by_form.header("cache-control"), "no-store");
        assert_eq!(by_form.header("pragma"), "no-cache");
        let request = harness
            .request("POST", path)
            .basic_auth(&harness.admin.client_id, Some(&harness.admin.client_secret))
            .form(&[("grant_type", "client_credentials")]);
        assert_eq!(harness.send(request).await.status, 200);
    }
    harness.stop().await;
}

#[tokio::test]
async fn all_wrong_clients_get_the_same_answer() {
    let harness = harness::start().await;
    let id = harness.admin.client_id.as_str();
    let secret = harness.admin.client_secret.as_str();
    let mut answers = Vec::new();
    for (client_id, client_secret) in [
        (id, "sk_live_wrong"),
        ("0192f8c4-0000-7000-8000-000000000000", secret),
        ("nobody", secret),
    ] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret),
        ];
        let answer = harness.form("/api/v1/token", &fields).await;
        assert_eq!(answer.status, 401, "{client_id}");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
        answers.push(answer.body.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    harness.stop().await;
}

#[tokio::test]
async fn a_broken_request_says_everything_that_is_wrong_with_it() {
    let harness = harness::start().await;
    let [grant, id, secret] = harness.admin.form();
    let code = async |fields: &[(&str, &str)]| {
        let answer = harness.form("/api/v1/token", fields).await;
        (answer.status, answer.text("error"))
    };
    let bad = |error: &str| (400, error.to_owned());
    assert_eq!(code(&[id, secret]).await, bad("invalid_request"));
    assert_eq!(
        code(&[grant, id, secret, grant]).await,
        bad("invalid_request")
    );
    assert_eq!(
        code(&[grant, id, secret, ("scope", "agents:\u{0}read")]).await,
        bad("invalid_request")
    );
    assert_eq!(
        code(&[("grant_type", "password"), id, secret]).await,
        bad("unsupported_grant_type")
    );
    assert_eq!(
        code(&[grant, id, secret, ("scope", "agents:fly")]).await,
        bad("invalid_scope")
    );
    assert_eq!(
        code(&[grant, id, secret, ("resource", "not a uri")]).await,
        bad("invalid_target")
    );
    assert_eq!(
        code(&[grant, id, secret, ("unknown", "1")]).await,
        (200, String::new())
    );

    let both = harness
        .request("POST", "/api/v1/token")
        .basic_auth(&harness.admin.client_id, Some(&harness.admin.client_secret))
        .form(&harness.admin.form());
    let both = harness.send(both).await;
    assert_eq!(
        (both.status, both.text("error").as_str()),
        (400, "invalid_request")
    );

    let faults = harness
        .form("/api/v1/token", &[id, id, ("scope", "\u{7}")])
        .await;
    let description = faults.text("error_description");
    for expected in [
        "client_id is given more than once",
        "grant_type is required",
        "scope contains a control character",
    ] {
        assert!(description.contains(expected), "{description}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn a_client_that_is_given_twice_is_refused_wherever_it_may_authenticate() {
    let harness = harness::start().await;
    let [_, id, secret] = harness.admin.form();
    let token = ("token", "no token");
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        assert_eq!(harness.form(path, &[token, id, secret]).await.status, 200);
        for twice in [
            [token, id, secret, ("client_secret", "another")],
            [token, id, secret, id],
        ] {
            let refused = harness.form(path, &twice).await;
            assert_eq!(refused.status, 400, "{path}");
            assert_eq!(refused.text("error"), "invalid_request");
            let description = refused.text("error_description");
            assert!(description.ends_with("is given more than once."));
        }
    }
    // A parameter without a value is none: HTTP Basic is the only method here.
    let request = harness
        .request("POST", "/oauth2/token")
        .basic_auth(&harness.admin.client_id, Some(&harness.admin.client_secret))
        .form(&[("grant_type", "client_credentials"), ("client_secret", "")]);
    assert_eq!(harness.send(request).await.status, 200);
    harness.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_form_or_too_large() {
    let harness = harness::start().await;
    let json = harness
        .request("POST", "/api/v1/token")
        .header("content-type", "application/json")
        .body("{}");
    let json = harness.send(json).await;
    assert_eq!(
        (json.status, json.code().as_str()),
        (415, "UNSUPPORTED_MEDIA_TYPE")
    );
    assert_eq!(json.text("error"), "invalid_request");

    let large = "a".repeat(1024 * 1024 + 1);
    let large = harness
        .request("POST", "/api/v1/token")
        .header("content-type", FORM)
        .body(large);
    let large = harness.send(large).await;
    assert_eq!(
        (large.status, large.code().as_str()),
        (413, "PAYLOAD_TOO_LARGE")
    );

    let escaped = harness
        .request("POST", "/api/v1/token")
        .header("content-type", FORM)
        .body("grant_type=%zz");
    assert_eq!(harness.send(escaped).await.status, 400);
    harness.stop().await;
}
