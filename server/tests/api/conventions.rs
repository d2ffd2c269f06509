//! What holds for every operation, asked of every operation that the contract has.

use agentidp_server::generated::{OPENAPI_JSON, OPENAPI_YAML};

use crate::{contract, harness};

const UNKNOWN: &str = "0192f8c4-0000-7000-8000-000000000000";

/// The template with a well-formed, unknown id in each place.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { UNKNOWN } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

fn bearer(operation: &serde_json::Value) -> Option<Vec<String>> {
    operation["security"]
        .as_array()?
        .iter()
        .find_map(|choice| choice.get("bearer"))
        .map(|scopes| {
            scopes
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s.as_str().unwrap().to_owned())
                .collect()
        })
}

#[tokio::test]
async fn protected_operations_refuse_strangers_and_garbage() {
    let harness = harness::start().await;
    for (method, path, operation) in contract::operations() {
        if bearer(&operation).is_none() {
            continue;
        }
        let path = filled(&path);
        let stranger = harness.send(harness.request(&method, &path)).await;
        assert_eq!(stranger.status, 401, "{method} {path}");
        assert!(
            !stranger.header("www-authenticate").contains("error="),
            "{method} {path}"
        );
        for token in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            let garbage = harness
                .send(harness.request(&method, &path).bearer_auth(token))
                .await;
            assert_eq!(garbage.status, 401, "{method} {path} {token}");
            assert!(
                garbage.header("www-authenticate").contains("invalid_token"),
                "{method} {path}"
            );
        }
    }
    harness.stop().await;
}

#[tokio::test]
async fn a_missing_scope_comes_before_an_unknown_id_and_a_broken_body() {
    let harness = harness::start().await;
    let token = harness.token(&harness.admin, "openid").await;
    for (method, path, operation) in contract::operations() {
        let Some(scopes) = bearer(&operation).filter(|s| !s.is_empty()) else {
            continue;
        };
        let path = format!("{}?nonsense=1", filled(&path));
        let request = harness
            .request(&method, &path)
            .bearer_auth(&token)
            .body("{");
        let answer = harness.send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "INSUFFICIENT_SCOPE"),
            "{method} {path}"
        );
        assert!(
            answer
                .header("www-authenticate")
                .contains(&scopes.join(" ")),
            "{method} {path}"
        );
    }
    harness.stop().await;
}

#[tokio::test]
async fn unknown_ids_come_before_faults_of_query_and_body() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    for (method, path, operation) in contract::operations() {
        if bearer(&operation).is_none() || !path.contains('{') {
            continue;
        }
        for id in [UNKNOWN, "not-an-id"] {
            let path = format!("{}?nonsense=1", filled(&path).replace(UNKNOWN, id));
            let request = harness
                .request(&method, &path)
                .bearer_auth(&token)
                .body("{");
            let answer = harness.send(request).await;
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
            assert!(answer.code().ends_with("_NOT_FOUND"), "{method} {path}");
        }
    }
    harness.stop().await;
}

#[tokio::test]
async fn unknown_query_parameters_are_refused_everywhere() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    for (method, path, _) in contract::operations() {
        if path.contains('{') {
            continue;
        }
        let mut request = harness
            .request(&method, &format!("{path}?nonsense=1"))
            .bearer_auth(&token);
        if path.contains("/token") {
            request = harness
                .request(&method, &format!("{path}?nonsense=1"))
                .form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", &harness.admin.client_id),
                    ("client_secret", &harness.admin.client_secret),
                    ("token", "x"),
                ]);
        }
        let answer = harness.send(request).await;
        assert_eq!(answer.status, 400, "{method} {path}: {answer:?}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn an_encoded_body_is_refused_wherever_there_is_a_body() {
    let harness = harness::start().await;
    let token = harness.admin_token().await;
    let mut asked = 0;
    for (method, path, operation) in contract::operations() {
        let Some(media) = operation["requestBody"]["content"].as_object() else {
            continue;
        };
        let aliases = operation["x-sdk"]["aliases"].as_array();
        let aliases = aliases.into_iter().flatten().filter_map(|a| a.as_str());
        for path in std::iter::once(path.as_str()).chain(aliases) {
            for coding in ["gzip", "identity, br", "\u{fc}", "identity"] {
                let encoded = coding != "identity";
                // Encoded or not, it is the same to who reads it: nothing that the operation takes.
                let request = harness
                    .request(&method, &filled(path))
                    .bearer_auth(&token)
                    .header("content-type", media.keys().next().unwrap())
                    .header("content-encoding", coding)
                    .body("{");
                let answer = harness.send(request).await;
                assert_eq!(
                    answer.status == 415,
                    encoded,
                    "{method} {path} {coding}: {answer:?}"
                );
                let accepted = answer.header("accept-encoding");
                assert_eq!(accepted, if encoded { "identity" } else { "" });
                let text = answer.text("message") + &answer.text("error_description");
                assert_eq!(text.contains("without that header"), encoded, "{text}");
            }
            asked += 1;
        }
    }
    assert!(asked >= 8, "{asked}");
    harness.stop().await;
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist() {
    let harness = harness::start().await;
    let nowhere = harness
        .send(harness.request("GET", "/api/v1/nowhere"))
        .await;
    assert_eq!(
        (nowhere.status, nowhere.code().as_str()),
        (404, "NOT_FOUND")
    );
    let paths = contract::operations().into_iter().map(|(_, path, _)| path);
    for path in paths.chain(["/metrics".to_owned()]) {
        let answer = harness.send(harness.request("PUT", &filled(&path))).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (405, "METHOD_NOT_ALLOWED"),
            "{path}"
        );
        assert!(!answer.header("allow").is_empty(), "{path}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn request_ids_are_kept_or_made() {
    let harness = harness::start().await;
    let id = |answer: &harness::Answer| answer.header("x-request-id").to_owned();
    let kept = harness
        .send(
            harness
                .request("GET", "/nowhere")
                .header("x-request-id", "order-7.a_B"),
        )
        .await;
    assert_eq!(id(&kept), "order-7.a_B");
    for bad in ["with space", "ümlaut", &"a".repeat(129)] {
        let made = harness
            .send(
                harness
                    .request("GET", "/nowhere")
                    .header("x-request-id", bad),
            )
            .await;
        assert_ne!(id(&made), bad);
        assert_eq!(id(&made).len(), 36);
    }
    harness.stop().await;
}

#[tokio::test]
async fn the_contract_is_served() {
    let harness = harness::start().await;
    for (path, media, expected) in [
        ("/openapi.json", "application/json", OPENAPI_JSON),
        ("/openapi.yaml", "application/yaml", OPENAPI_YAML),
    ] {
        let response = harness.http.get(harness.url(path)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], media);
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(response.text().await.unwrap(), expected);
    }
    harness.stop().await;
}

#[tokio::test]
async fn a_page_beside_the_contract_refuses_other_methods_like_any_path() {
    let harness = harness::start().await;
    for path in ["/openapi.json", "/openapi.yaml", "/metrics"] {
        let request = harness.http.post(harness.url(path));
        let refused = request.send().await.unwrap();
        assert_eq!(refused.status(), 405, "{path}");
        assert_eq!(refused.headers()["allow"], "GET, HEAD", "{path}");
        let body: serde_json::Value = refused.json().await.unwrap();
        assert_eq!(body["code"], "METHOD_NOT_ALLOWED", "{path}");
    }
    harness.stop().await;
}
