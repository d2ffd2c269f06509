//! What an organization may do by its tier, over HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use agentidp_server::{
    app,
    clock::{Clock, ManualClock, SystemClock, Timestamp},
    config::{Config, Source},
    storage::{OrganizationRecord, OrganizationStatus, Storage, Tier, Usage, UsageBatch, UsageOf},
};
use uuid::Uuid;

use crate::{
    agents::registration,
    database,
    harness::{self, Answer, Harness, Identity},
    instances::Fleet,
};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The store of a running server, as another process would open it.
async fn store(harness: &Harness, variables: &[(&str, &str)]) -> Arc<dyn Storage> {
    let data = harness.folder.path().display().to_string();
    let mut source = Source::of(&[("AGENTIDP_DATA_DIR", &data)]);
    for (name, value) in database::chosen(harness.folder.path()).await {
        source.set(name, value);
    }
    for (name, value) in variables {
        source.set(name, *value);
    }
    let config = Config::load(&source).unwrap();
    app::open(&config, Arc::new(SystemClock)).await.unwrap()
}

/// A new organization of that tier. Organizations are not made over HTTP yet.
async fn organization(storage: &dyn Storage, tier: Tier) -> String {
    let organization_id = Uuid::now_v7();
    let now = SystemClock.now();
    let record = OrganizationRecord {
        organization_id,
        name: "A tenant".to_owned(),
        slug: organization_id.to_string(),
        status: OrganizationStatus::Active,
        tier,
        is_system: false,
        created_at: now,
        updated_at: now,
    };
    storage
        .organizations()
        .insert(record, Vec::new())
        .await
        .unwrap();
    organization_id.to_string()
}

/// A client of that organization.
async fn client(harness: &Harness, organization: &str) -> Identity {
    let token = operator(harness).await;
    let agent = register(harness, &token, organization, &Uuid::now_v7().to_string()).await;
    assert_eq!(agent.status, 201, "{agent:?}");
    let identity = harness.identity(&agent.text("agentId"), &token).await;
    Identity {
        organization_id: organization.to_owned(),
        ..identity
    }
}

/// Lets an organization have used that much today.
async fn use_up(storage: &dyn Storage, organization: &str, now: Timestamp, usage: Usage) {
    let used = UsageOf {
        organization: organization.parse().unwrap(),
        day: now.ms().div_euclid(DAY_MS),
        usage,
    };
    let batch = UsageBatch {
        writer: Uuid::now_v7(),
        number: 1,
        at: now,
        added: vec![used],
    };
    storage.usage().add(batch).await.unwrap();
}

async fn used(storage: &dyn Storage, organization: &str, now: Timestamp) -> Usage {
    let day = now.ms().div_euclid(DAY_MS);
    let organization = organization.parse().unwrap();
    storage.usage().get(organization, day).await.unwrap()
}

async fn until_used(storage: &dyn Storage, organization: &str, now: Timestamp, calls: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while used(storage, organization, now).await.calls < calls {
        assert!(Instant::now() < deadline, "not in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_refused(answer: &Answer, now: Timestamp) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (429, "tier_limit_exceeded"),
        "{answer:?}"
    );
    let midnight = (now.ms().div_euclid(DAY_MS) + 1) * DAY_MS;
    let wait = u64::try_from(midnight - now.ms()).unwrap().div_ceil(1000);
    assert_eq!(answer.header("retry-after"), wait.to_string());
}

/// The system's admin, who reaches every organization.
async fn operator(harness: &Harness) -> String {
    harness
        .token(&harness.admin, "agents:read agents:write admin:orgs")
        .await
}

async fn register(harness: &Harness, token: &str, organization: &str, name: &str) -> Answer {
    let mut body = registration(&format!("{name}@example.com"));
    body["organizationId"] = organization.into();
    let request = harness
        .request("POST", "/api/v1/agents")
        .bearer_auth(token)
        .json(&body);
    harness.send(request).await
}

#[tokio::test]
async fn a_free_organization_has_ten_agents() {
    let harness = harness::start().await;
    let storage = store(&harness, &[]).await;
    let tenant = organization(&*storage, Tier::Free).await;
    let token = operator(&harness).await;
    let mut first = String::new();
    for number in 0..10 {
        let made = register(&harness, &token, &tenant, &number.to_string()).await;
        assert_eq!(made.status, 201, "{made:?}");
        first = made.text("agentId");
    }
    let refused = register(&harness, &token, &tenant, "one-too-many").await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (403, "FREE_TIER_LIMIT_EXCEEDED")
    );
    assert_eq!(refused.text("message"), "The free tier allows 10 agents.");
    let metrics = harness.server.app().metrics().encode();
    let counted = format!(
        "agentidp_billing_limit_rejections_total{{org_id=\"{tenant}\",limit_type=\"agents\"}} 1"
    );
    assert!(metrics.contains(&counted), "{metrics}");

    // The system organization, whose token this is, is not limited; and one that ended makes room.
    harness.register("of-the-system@example.com", &token).await;
    let ended = format!("/api/v1/agents/{first}");
    assert_eq!(harness.delete(&ended, &token).await.status, 204);
    let made = register(&harness, &token, &tenant, "in-its-place").await;
    assert_eq!(made.status, 201, "{made:?}");
    harness.stop().await;
}

#[tokio::test]
async fn nothing_is_refused_when_tiers_are_not_enforced() {
    let variables = [
        ("RATE_LIMIT_MAX_REQUESTS", "0"),
        ("TIER_ENFORCEMENT", "false"),
    ];
    let harness = harness::start_with(&variables).await;
    let storage = store(&harness, &[]).await;
    let tenant = organization(&*storage, Tier::Free).await;
    let token = operator(&harness).await;
    for number in 0..11 {
        let made = register(&harness, &token, &tenant, &number.to_string()).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    harness.stop().await;
}

#[tokio::test]
async fn a_free_organization_makes_a_thousand_calls_a_day() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let harness = harness::start_in(folder, &[], Arc::clone(&clock) as Arc<dyn Clock>).await;
    let storage = store(&harness, &[]).await;
    let tenant = organization(&*storage, Tier::Free).await;
    let identity = client(&harness, &tenant).await;
    let earlier = Usage {
        calls: 997,
        tokens: 0,
    };
    use_up(&*storage, &tenant, clock.now(), earlier).await;
    let token = harness.token(&identity, "agents:read").await;
    let agents = "/api/v1/agents";

    // What authentication or policy refuses does not count.
    assert_eq!(harness.get(agents, "nonsense").await.status, 401);
    assert_eq!(harness.get("/api/v1/audit", &token).await.status, 403);
    for _ in 0..2 {
        assert_eq!(harness.get(agents, &token).await.status, 200);
    }
    let introspection = [("token", token.as_str())];
    let introspect = || {
        harness
            .request("POST", "/oauth2/introspect")
            .basic_auth(&identity.client_id, Some(&identity.client_secret))
            .form(&introspection)
    };
    assert_eq!(harness.send(introspect()).await.status, 200);
    let refused = harness.get(agents, &token).await;
    is_refused(&refused, clock.now());
    assert_eq!(refused.member("details")["limit"], 1000);
    assert_eq!(
        (refused.header("x-ratelimit-limit"), refused.status),
        ("100", 429),
        "the request's rate is another matter"
    );
    let refused = harness.send(introspect()).await;
    is_refused(&refused, clock.now());
    assert_eq!(refused.text("error"), "temporarily_unavailable");

    // Others go on; and so does this one at midnight in UTC.
    let system = harness.admin_token().await;
    assert_eq!(harness.get(agents, &system).await.status, 200);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    let midnight = clock.now().plus(Duration::from_secs(wait));
    clock.set(midnight);
    let token = harness.token(&identity, "agents:read").await;
    assert_eq!(harness.get(agents, &token).await.status, 200);
    let metrics = harness.server.app().metrics().encode();
    for line in [
        format!("tenant_api_calls_total{{org_id=\"{tenant}\",tier=\"free\"}} 4"),
        format!("billing_limit_rejections_total{{org_id=\"{tenant}\",limit_type=\"calls\"}} 2"),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    let _folder = harness.stop().await;
    let today = used(&*storage, &tenant, midnight).await;
    assert_eq!((today.calls, today.tokens), (1, 1));
}

#[tokio::test]
async fn a_free_organization_gets_a_thousand_tokens_a_day() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let folder = tempfile::tempdir().unwrap();
    let harness = harness::start_in(folder, &[], Arc::clone(&clock) as Arc<dyn Clock>).await;
    let storage = store(&harness, &[]).await;
    let tenant = organization(&*storage, Tier::Free).await;
    let identity = client(&harness, &tenant).await;
    let earlier = Usage {
        calls: 0,
        tokens: 999,
    };
    use_up(&*storage, &tenant, clock.now(), earlier).await;

    // A wrong secret and a scope that nobody may have cost no token.
    let mut wrong = identity.form();
    wrong[2].1 = "wrong";
    assert_eq!(harness.form("/oauth2/token", &wrong).await.status, 401);
    let mut fields = identity.form().to_vec();
    fields.push(("scope", "admin:orgs"));
    assert_eq!(harness.form("/oauth2/token", &fields).await.status, 400);
    let last = harness.token(&identity, "agents:read").await;
    let refused = harness.form("/oauth2/token", &identity.form()).await;
    is_refused(&refused, clock.now());
    assert_eq!(refused.text("error"), "temporarily_unavailable");
    assert_eq!(
        harness.form("/oauth2/token", &wrong).await.status,
        401,
        "who does not know the secret learns nothing of the tier"
    );
    assert_eq!(harness.get("/api/v1/agents", &last).await.status, 200);
    let _folder = harness.stop().await;
    let today = used(&*storage, &tenant, clock.now()).await;
    assert_eq!((today.calls, today.tokens), (1, 1000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_on_one_database_count_together() {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let fleet = Fleet::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let one = fleet.first().await;
    let two = fleet.another(&one.admin).await;
    let storage = store(&one, &fleet.variables()).await;
    let tenant = organization(&*storage, Tier::Free).await;
    let identity = client(&one, &tenant).await;
    let token = one.token(&identity, "agents:read").await;
    let calls = async |instance: &Harness, number: usize| {
        let mut passed = 0;
        for _ in 0..number {
            let answer = instance.get("/api/v1/agents", &token).await;
            passed += i64::from(answer.status == 200);
        }
        passed
    };
    let earlier = Usage {
        calls: 980,
        tokens: 0,
    };
    use_up(&*storage, &tenant, clock.now(), earlier).await;
    assert_eq!(calls(&one, 5).await, 5);
    assert_eq!(calls(&two, 5).await, 5);
    until_used(&*storage, &tenant, clock.now(), 990).await;
    assert_eq!(calls(&two, 6).await, 6);
    until_used(&*storage, &tenant, clock.now(), 996).await;
    // What one knows it knew before the other's last calls; soon it learns of them.
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut late = 0;
    while calls(&one, 1).await == 1 {
        late += 1;
        assert!(Instant::now() < deadline, "never refused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(late >= 4, "all that was left was granted: {late}");
    for instance in [one, two] {
        instance.stop().await;
    }
    let today = used(&*storage, &tenant, clock.now()).await;
    assert_eq!(
        (today.calls, today.tokens),
        (996 + late, 1),
        "what was granted was counted"
    );
}
