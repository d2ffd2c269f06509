//! Two real servers on one PostgreSQL are stopped with SIGTERM the moment after the last answer: every call and every token
//! that a caller got is counted.

use agentidp_server::{clock::SystemClock, storage};
use agentidp_services::Postgres;
use serde_json::Value;
use uuid::Uuid;

use super::{
    process::Server,
    runtime,
    server::{Admin, client, configured},
};

const ROUNDS: i64 = 3;
const TOKENS_A_ROUND: i64 = 20;
const CALLS_A_TOKEN: i64 = 3;

#[test]
fn sigterm_loses_no_count() {
    let postgres = Postgres::start().unwrap();
    let database = postgres.database().unwrap();
    let shared = [
        ("DATABASE_URL", database.server_url),
        ("DATABASE_MIGRATION_URL", database.owner_url),
        ("ENCRYPTION_KEY", "5e".repeat(32)),
    ];
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for _ in 0..ROUNDS {
        let servers = [0, 1].map(|nth| Server::start(folders[nth].path(), &shared));
        let admin = Admin::read(folders[0].path());
        runtime().block_on(async {
            for server in &servers {
                use_it(server, &admin).await;
            }
        });
        servers.into_iter().for_each(Server::terminate);
    }
    let admin = Admin::read(folders[0].path());
    let counted = runtime().block_on(async {
        let config = configured(folders[0].path(), &shared);
        let storage = storage::open(&config, std::sync::Arc::new(SystemClock))
            .await
            .unwrap();
        let mut counted = [0, 0];
        // Yesterday's too, should midnight have been in between.
        for day in [today() - 1, today()] {
            let usage = storage.usage().get(admin.organization, day).await.unwrap();
            counted[0] += usage.tokens;
            counted[1] += usage.calls;
        }
        storage.close().await;
        counted
    });
    let tokens = ROUNDS * 2 * TOKENS_A_ROUND;
    assert_eq!(counted, [tokens, tokens * CALLS_A_TOKEN]);
}

async fn use_it(server: &Server, admin: &Admin) {
    let http = client();
    for _ in 0..TOKENS_A_ROUND {
        let token = admin.token(&http, &server.base_url).await.unwrap();
        for _ in 0..CALLS_A_TOKEN {
            let url = format!("{}/api/v1/agents/{}", server.base_url, admin.client_id);
            let answer = http.get(url).bearer_auth(&token).send().await.unwrap();
            let agent: Value = answer.error_for_status().unwrap().json().await.unwrap();
            let id = agent["organizationId"].as_str().unwrap();
            assert_eq!(Uuid::try_parse(id).unwrap(), admin.organization);
        }
    }
}

fn today() -> i64 {
    use agentidp_server::clock::Clock as _;
    SystemClock.now_ms().div_euclid(24 * 3600 * 1000)
}
