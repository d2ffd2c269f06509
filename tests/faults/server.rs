//! The real server is killed under token requests; the next one on the same data knows every token that a caller got.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use agentidp_server::storage::Storage;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use uuid::Uuid;

use super::{open, runtime, verified};

/// How often the server is killed.
const ROUNDS: usize = 3;
/// How many tokens callers get before it is.
const TOKENS: usize = 500;
/// How many callers there are.
const CALLERS: usize = 32;

/// A server that is killed when it is dropped, whatever a test does.
struct Server {
    process: Child,
    base_url: String,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_agentidp"))
            .arg("serve")
            .current_dir(directory)
            .env_clear()
            .env("AGENTIDP_DATA_DIR", directory)
            .env("PORT", "0")
            // The port differs at each start; whom tokens are from must not.
            .env("ISSUER", "http://idp.example")
            .env("JWT_SIGNING_ALG", "ES256")
            .env("RATE_LIMIT_MAX_REQUESTS", "0")
            .env("LOG_FORMAT", "json")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| port(&line))
            .expect("the server said its port");
        // Somebody has to read on, or a full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            base_url: format!("http://127.0.0.1:{port}"),
        }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn port(line: &str) -> Option<u16> {
    let message = serde_json::from_str::<Value>(line).ok()?["message"]
        .as_str()?
        .to_owned();
    message.rsplit_once("listening on port ")?.1.parse().ok()
}

/// The first admin.
#[derive(Clone)]
struct Admin {
    client_id: String,
    client_secret: String,
    organization: Uuid,
}

impl Admin {
    fn read(directory: &Path) -> Self {
        let file: Value =
            serde_json::from_slice(&std::fs::read(directory.join("bootstrap.json")).unwrap())
                .unwrap();
        let text = |name: &str| file[name].as_str().unwrap().to_owned();
        Self {
            client_id: text("clientId"),
            client_secret: text("clientSecret"),
            organization: Uuid::try_parse(&text("organizationId")).unwrap(),
        }
    }

    async fn token(&self, http: &reqwest::Client, base_url: &str) -> Option<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
        ];
        let answer = http
            .post(format!("{base_url}/api/v1/token"))
            .form(&form)
            .send()
            .await
            .ok()?;
        let body: Value = answer.error_for_status().ok()?.json().await.ok()?;
        Some(body["access_token"].as_str()?.to_owned())
    }
}

#[test]
fn every_token_that_a_caller_got_is_in_the_log_after_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let mut tokens = Vec::new();
    for _ in 0..ROUNDS {
        let server = Server::start(directory.path());
        let admin = Admin::read(directory.path());
        let got = runtime().block_on(load(server, &admin));
        assert!(got.len() >= TOKENS);
        tokens.extend(got);
        runtime().block_on(check(directory.path(), &admin, &tokens));
    }
    let server = Server::start(directory.path());
    let admin = Admin::read(directory.path());
    runtime().block_on(still_valid(&server, &admin, &tokens));
}

fn client() -> reqwest::Client {
    // Loopback needs no TLS, but reqwest wants to know whose it would be. Fails only when it knows already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Asks for tokens from many callers at once until there are enough, then kills the server while they go on asking.
async fn load(server: Server, admin: &Admin) -> Vec<String> {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(tokio::sync::Notify::new());
    let http = client();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (tokens, count, enough) =
            (Arc::clone(&tokens), Arc::clone(&count), Arc::clone(&enough));
        let (admin, http, base_url) = (admin.clone(), http.clone(), server.base_url.clone());
        callers.spawn(async move {
            while let Some(token) = admin.token(&http, &base_url).await {
                tokens.lock().unwrap().push(token);
                if count.fetch_add(1, Ordering::SeqCst) + 1 == TOKENS {
                    enough.notify_one();
                }
            }
        });
    }
    tokio::select! {
        () = enough.notified() => {}
        _ = callers.join_next() => panic!("a token request failed while the server was alive"),
    }
    server.kill();
    while callers.join_next().await.is_some() {}
    std::mem::take(&mut tokens.lock().unwrap())
}

async fn check(directory: &Path, admin: &Admin, tokens: &[String]) {
    let storage = open(directory).await;
    verified(&storage, admin.organization).await;
    let events = storage
        .audit()
        .chain(admin.organization, 1, u32::MAX)
        .await
        .unwrap();
    let issued: HashSet<String> = events
        .iter()
        .filter(|event| event.action == "token.issued")
        .filter_map(|event| {
            Some(
                serde_json::from_str::<Value>(&event.metadata).ok()?["jti"]
                    .as_str()?
                    .to_owned(),
            )
        })
        .collect();
    let missing = tokens
        .iter()
        .filter(|token| !issued.contains(&jti(token)))
        .count();
    assert_eq!(missing, 0, "of {} tokens that callers got", tokens.len());
    storage.close().await;
}

fn jti(token: &str) -> String {
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["jti"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Neither credentials nor signing keys went with the killed process.
async fn still_valid(server: &Server, admin: &Admin, tokens: &[String]) {
    let http = client();
    let fresh = admin
        .token(&http, &server.base_url)
        .await
        .expect("a token with the old credential");
    for token in [tokens.first().unwrap(), tokens.last().unwrap(), &fresh] {
        let own = format!("{}/api/v1/agents/{}", server.base_url, admin.client_id);
        let answer = http.get(own).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
}
