//! One search over everything that is shown - events of every library, `Debug`, errors, settings - for
//! every secret that was used. All of them begin with the same word.

use sentryagent_idp::{AgentIdPClient, Error, Secret, TokenManager, models::IssueTokenRequest};
use serde_json::{Value, json};
use wiremock::{
    Mock, Request, ResponseTemplate,
    matchers::{method, path, path_regex},
};

use crate::{
    logs::Capture,
    support::{
        AGENT_ID, Fixture, Script, agent_answer, failure, seconds, token_answer, token_script,
    },
};

const WORD: &str = "hush";

/// Collects what is shown.
#[derive(Default)]
struct Shown(Vec<String>);

impl Shown {
    fn debug(&mut self, thing: &impl std::fmt::Debug) {
        self.0.push(format!("{thing:?} {thing:#?}"));
    }

    fn error(&mut self, error: &Error) {
        self.debug(error);
        self.0.push(format!("{error} {}", error.to_json()));
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            self.0.push(format!("{cause} {cause:?}"));
            source = cause.source();
        }
    }

    fn outcome<T: std::fmt::Debug>(&mut self, outcome: Result<T, Error>) {
        match outcome {
            Ok(value) => self.debug(&value),
            Err(error) => self.error(&error),
        }
    }
}

fn credential() -> Value {
    json!({
        "credentialId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a13", "clientId": AGENT_ID, "status": "active",
        "scopes": null, "createdAt": "2026-03-28T09:00:00.000Z", "expiresAt": null, "revokedAt": null,
        "lastUsedAt": null, "clientSecret": "hush-generated",
    })
}

async fn server(f: &Fixture) {
    let broken = ResponseTemplate::new(200).set_body_json(
        json!({"access_token": "hush-broken", "token_type": "Bearer", "expires_in": "hush-number"}),
    );
    let cut = ResponseTemplate::new(200)
        .set_body_raw("{\"access_token\": \"hush-cut", "application/json");
    token_script([
        token_answer("hush-token-1", 3600),
        token_answer("hush-token-2", 3600),
        broken,
        cut,
        failure(401, "invalid_client"),
        token_answer("hush-token-3", 3600),
    ])
    .mount(&f.server)
    .await;
    Mock::given(path_regex("/credentials$"))
        .respond_with(ResponseTemplate::new(201).set_body_json(credential()))
        .mount(&f.server)
        .await;
    Mock::given(path_regex("/rotate$"))
        .respond_with(|_: &Request| {
            let mut wrong = credential();
            wrong["status"] = json!({"clientSecret": "hush-rotated"});
            ResponseTemplate::new(200).set_body_json(wrong)
        })
        .mount(&f.server)
        .await;
    Mock::given(path("/api/v1/token/introspect"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"active": false})))
        .mount(&f.server)
        .await;
    Mock::given(method("GET"))
        .and(path_regex("^/api/v1/agents/"))
        .respond_with(Script::new([
            failure(401, "UNAUTHORIZED"),
            failure(503, "SERVICE_UNAVAILABLE").insert_header("set-cookie", "id=hush-cookie"),
            agent_answer(),
        ]))
        .mount(&f.server)
        .await;
}

#[tokio::test]
async fn nothing_that_is_shown_holds_a_secret() {
    let (capture, _guard) = Capture::start();
    let mut shown = Shown::default();
    let f = Fixture::without_tokens(|b| {
        let b = b.client_secret("hush-secret").header("x-key", "hush-key");
        shown.debug(&b);
        b.retries(0)
    })
    .await;
    server(&f).await;
    let client = &f.client;

    let call = client
        .agents()
        .get_agent(AGENT_ID)
        .header("x-other", "hush-header");
    shown.outcome(call.raw().await);
    let own = client
        .agents()
        .get_agent(AGENT_ID)
        .header("Authorization", "Bearer hush-own");
    shown.outcome(own.raw().await);
    shown.outcome(
        client
            .credentials()
            .generate_credential(AGENT_ID, None)
            .raw()
            .await,
    );
    let rotate = client.credentials().rotate_credential(AGENT_ID, "c", None);
    shown.outcome(rotate.await);
    shown.outcome(client.tokens().introspect_token("hush-introspected").await);
    let request = IssueTokenRequest::new().with_client_secret("hush-given");
    shown.debug(&request);
    for _ in 0..3 {
        shown.outcome(client.tokens().issue_token(request.clone()).await);
    }
    let manager = client.token_manager();
    shown.outcome(manager.get_token().await);
    f.clock.advance(seconds(3600 - 100));
    shown.outcome(manager.get_token().await);
    shown.debug(&manager);
    shown.debug(client);
    shown.0.push(client.explain_configuration().to_string());

    let proxied = AgentIdPClient::builder()
        .base_url("http://idp.example.com")
        .allow_insecure_http(true)
        .client_id("agent-1")
        .client_secret("hush-secret")
        .proxy("http://user:hush-proxy@127.0.0.1:1")
        .retries(0)
        .build()
        .expect("a client");
    shown.outcome(proxied.agents().get_agent(AGENT_ID).await);
    shown.debug(&proxied);
    shown.0.push(proxied.explain_configuration().to_string());

    for wrong in ["https://user:hush-url@example.com", "ftp://hush-url"] {
        let made = TokenManager::new(wrong, "agent-1", Secret::new("hush-secret"), "");
        shown.outcome(made);
    }
    let wrong = AgentIdPClient::builder()
        .base_url("https://example.com")
        .client_id("agent-1")
        .client_secret("hush-secret")
        .header("x-key", "hush-key\r\n")
        .proxy("hush-proxy")
        .build();
    shown.outcome(wrong);

    let events = capture.all();
    assert!(events.len() > 10, "{events:?}");
    assert!(shown.0.len() > 15);
    // The search finds what is there.
    assert!(
        manager
            .get_token()
            .await
            .expect("a token")
            .expose_secret()
            .contains(WORD)
    );
    for text in shown.0.iter().chain(
        events
            .iter()
            .map(|e| format!("{e:?}"))
            .collect::<Vec<_>>()
            .iter(),
    ) {
        let place = text.find(WORD).map(|at| &text[at.saturating_sub(200)..]);
        assert!(place.is_none(), "{place:?}");
    }
}
