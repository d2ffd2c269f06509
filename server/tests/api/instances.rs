//! Several instances on one PostgreSQL: what one is told holds for all of them within a second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agentidp_server::{
    clock::{Clock, SystemClock},
    config::{Config, Source},
    serve::Server,
};
use serde_json::json;

use crate::{
    database::{self, Variables},
    harness::{self, Harness, Identity},
};

/// How long an instance may go on to take what another one ended.
pub const KNOWN_WITHIN: Duration = Duration::from_secs(1);

/// What all instances have in common.
pub struct Fleet {
    database: Variables,
    more: Vec<(&'static str, String)>,
    clock: Arc<dyn Clock>,
}

impl Fleet {
    pub async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    /// With these variables for each instance.
    pub async fn with(more: Vec<(&'static str, String)>) -> Self {
        Self {
            database: database::fresh().await,
            more,
            clock: Arc::new(SystemClock),
        }
    }

    /// With this time for each instance.
    pub async fn at(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ..Self::new().await
        }
    }

    pub fn variables(&self) -> Vec<(&str, &str)> {
        let database = self.database.iter().map(|(n, v)| (*n, v.as_str()));
        database
            .chain([
                ("RATE_LIMIT_MAX_REQUESTS", "0"),
                ("ISSUER", "https://idp.example.com"),
            ])
            .chain(self.more.iter().map(|(n, v)| (*n, v.as_str())))
            .collect()
    }

    /// The instance that founds.
    pub async fn first(&self) -> Harness {
        let folder = tempfile::tempdir().unwrap();
        harness::start_in(folder, &self.variables(), Arc::clone(&self.clock)).await
    }

    /// Another instance with a data directory of its own; the admin is the first one's.
    pub async fn another(&self, admin: &Identity) -> Harness {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display().to_string();
        let mut source = Source::of(&[("PORT", "0"), ("AGENTIDP_DATA_DIR", &data)]);
        for (name, value) in self.variables() {
            source.set(name, value);
        }
        let config = Config::load(&source).unwrap();
        let server = Server::start(config, Arc::clone(&self.clock))
            .await
            .unwrap();
        assert!(
            !folder.path().join("bootstrap.json").exists(),
            "there is one founding"
        );
        Harness {
            server,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            admin: admin.clone(),
            folder,
        }
    }
}

/// Asks until the token is refused. No request that is sent a second after the end may be granted.
pub async fn is_refused_in_time(instance: &Harness, token: &str, ended: Instant) {
    loop {
        let sent = Instant::now();
        let answer = instance.get("/api/v1/agents", token).await;
        match answer.status {
            200 => assert!(
                sent.duration_since(ended) < KNOWN_WITHIN,
                "granted {:?} after the end",
                sent.duration_since(ended)
            ),
            // Knowledge that is too old to judge by is a 503: no yes either.
            503 => {}
            401 => {
                println!("refused {:?} after the end", ended.elapsed());
                return;
            }
            other => panic!("{other}: {answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_revoked_on_one_is_refused_on_the_other_within_a_second() {
    let fleet = Fleet::new().await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let token = one.admin_token().await;
    assert_eq!(two.get("/api/v1/agents", &token).await.status, 200);
    let request = one
        .request("POST", "/api/v1/token/revoke")
        .bearer_auth(&token)
        .form(&[("token", &token)]);
    assert_eq!(one.send(request).await.status, 200);
    let ended = Instant::now();
    assert_eq!(one.get("/api/v1/agents", &token).await.status, 401);
    is_refused_in_time(&two, &token, ended).await;
    let three = fleet.another(&one.admin).await;
    assert_eq!(
        three.get("/api/v1/agents", &token).await.status,
        401,
        "an instance that starts later knows it before it answers"
    );
    for instance in [one, two, three] {
        instance.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_agent_is_refused_everywhere_within_a_second() {
    let fleet = Fleet::new().await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let admin = one.admin_token().await;
    let made = one
        .send(
            one.request("POST", "/api/v1/agents")
                .bearer_auth(&admin)
                .json(&json!({
                    "email": "screener@example.com", "agentType": "screener", "version": "1.0.0",
                    "capabilities": [], "owner": "risk", "deploymentEnv": "production"
                })),
        )
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let agent = made.text("agentId");
    // What one instance wrote, the other reads at once.
    let path = format!("/api/v1/agents/{agent}/credentials");
    let credential = two
        .send(two.request("POST", &path).bearer_auth(&admin))
        .await;
    assert_eq!(credential.status, 201, "{credential:?}");
    let identity = Identity {
        client_id: agent.clone(),
        client_secret: credential.text("clientSecret"),
        organization_id: one.admin.organization_id.clone(),
    };
    let token = two.token(&identity, "agents:read").await;
    assert_eq!(one.get("/api/v1/agents", &token).await.status, 200);
    let request = one
        .request("PATCH", &format!("/api/v1/agents/{agent}"))
        .bearer_auth(&admin)
        .json(&json!({"status": "suspended"}));
    assert_eq!(one.send(request).await.status, 200);
    is_refused_in_time(&two, &token, Instant::now()).await;
    let refused = two.form("/api/v1/token", &identity.form()).await;
    assert_eq!(refused.text("error"), "unauthorized_client", "{refused:?}");
    for instance in [one, two] {
        instance.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_at_once_found_once_and_share_their_key() {
    let fleet = Fleet::new().await;
    let start = || async {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display().to_string();
        let mut source = Source::of(&[("PORT", "0"), ("AGENTIDP_DATA_DIR", &data)]);
        for (name, value) in fleet.variables() {
            source.set(name, value);
        }
        let config = Config::load(&source).unwrap();
        let server = Server::start(config, Arc::new(SystemClock)).await.unwrap();
        (server, folder)
    };
    let ((one, first), (two, second)) = tokio::join!(start(), start());
    let founded = [&first, &second].map(|f| f.path().join("bootstrap.json").exists());
    assert_eq!(founded.iter().filter(|there| **there).count(), 1);
    let mut key_sets = Vec::new();
    for server in [&one, &two] {
        let url = format!("http://{}/.well-known/jwks.json", server.address());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let set: serde_json::Value = client.get(url).send().await.unwrap().json().await.unwrap();
        key_sets.push(set);
    }
    assert_eq!(key_sets[0], key_sets[1]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_with_one_key_is_answered_once_whoever_it_reaches() {
    let fleet = Fleet::new().await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let admin = one.admin_token().await;
    let post = |instance: &Harness| {
        instance
            .request("POST", "/api/v1/agents")
            .bearer_auth(&admin)
            .header("idempotency-key", "the-same-on-each-try")
            .json(&json!({
                "email": "once@example.com", "agentType": "router", "version": "1.0.0",
                "capabilities": [], "owner": "risk", "deploymentEnv": "production"
            }))
    };
    let (a, b) = tokio::join!(one.send(post(&one)), two.send(post(&two)));
    assert_eq!((a.status, b.status), (201, 201), "{a:?} {b:?}");
    assert_eq!(a.text("agentId"), b.text("agentId"));
    let replayed = [&a, &b].map(|answer| answer.header("idempotent-replayed") == "true");
    assert_eq!(replayed.iter().filter(|yes| **yes).count(), 1);
    for instance in [one, two] {
        instance.stop().await;
    }
}

/// The number behind that name and these labels on one instance; 0 while it has none.
pub fn counted(instance: &Harness, name: &str) -> u64 {
    let text = instance.server.app().metrics().encode();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_due_runs_on_one_of_them() {
    const JOBS: [&str; 4] = [
        "key-schedule",
        "audit-chain-verification",
        "expiring-credentials",
        "kept-answers",
    ];
    let fleet = Fleet::new().await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let runs = |instance: &Harness| {
        JOBS.map(|job| {
            let name = format!("agentidp_job_runs_total{{job=\"{job}\",outcome=\"success\"}}");
            counted(instance, &name)
        })
    };
    let looks = |instance: &Harness| {
        let name = "agentidp_db_query_duration_seconds_count{operation=\"jobs.get\"}";
        counted(instance, name)
    };
    // Until everything ran, and both have looked at each job again since.
    let deadline = Instant::now() + Duration::from_secs(20);
    let all_ran = || runs(&one).iter().zip(runs(&two)).all(|(a, b)| a + b > 0);
    let looked_since = |before: [u64; 2]| {
        let enough = 2 * JOBS.len() as u64;
        looks(&one) >= before[0] + enough && looks(&two) >= before[1] + enough
    };
    let mut before = None;
    while !before.is_some_and(looked_since) {
        assert!(
            Instant::now() < deadline,
            "{:?} {:?}",
            runs(&one),
            runs(&two)
        );
        if before.is_none() && all_ran() {
            before = Some([looks(&one), looks(&two)]);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let together: Vec<u64> = runs(&one)
        .iter()
        .zip(runs(&two))
        .map(|(a, b)| a + b)
        .collect();
    assert_eq!(together, [1; JOBS.len()]);
    for instance in [one, two] {
        instance.stop().await;
    }
}
