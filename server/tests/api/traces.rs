//! OpenTelemetry traces of the real server, as a collector receives them.

use std::time::{Duration, Instant};

use agentidp_services::Redis;
use reqwest::Client;

use crate::{
    collector::{Collector, Span},
    process::Process,
    vault::stand_in::{self, StandIn},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const CLIENT: &str = "0192f8c4-0000-7000-8000-000000000000";

fn client() -> Client {
    // Another test of this process may have been first; then there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

fn holds(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

async fn ask(process: &Process, client: &Client) -> u16 {
    let url = format!("http://127.0.0.1:{}/api/v1/token", process.port);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", "hunter2"),
    ];
    let request = client
        .post(url)
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .form(&form);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_what_it_asks_of_the_store_are_spans_of_the_callers_trace() {
    let collector = Collector::start().await;
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::start(
        data.path(),
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ],
    );
    let client = client();
    assert_eq!(ask(&process, &client).await, 401);
    let line = process.finds(|line| line["target"] == "agentidp::access");
    assert_eq!(line["trace_id"], TRACE);
    // Stopping sends what has not been sent yet.
    let (said, code) = process.stop();
    assert_eq!(code, Some(0), "{said}");
    let all = collector.bytes();
    for text in [
        "agentidp",
        "POST /api/v1/token",
        "http.response.status_code",
        "credentials.client",
        "audit.append",
    ] {
        assert!(holds(&all, text.as_bytes()), "no {text} was sent");
    }
    assert!(holds(&all, &bytes(TRACE)), "it is another trace");
    // In the wire format the parent's id follows its tag and length.
    let parent = [&[0x22, 8][..], &bytes(PARENT)].concat();
    assert!(
        holds(&all, &parent),
        "no span has the caller's for its parent"
    );
    // The follower asks for the revision several times a second, on nobody's behalf.
    assert!(!holds(&all, b"revocations.revision"));
    assert!(!holds(&all, b"hunter2") && !said.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_or_hangs_costs_nothing() {
    // Connections are accepted by nobody and never answered.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = format!("http://{}", silent.local_addr().unwrap());
    for endpoint in ["http://127.0.0.1:1", &hanging] {
        let data = tempfile::tempdir().unwrap();
        let mut process = Process::start(
            data.path(),
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
                ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ],
        );
        let client = client();
        let began = Instant::now();
        for _ in 0..50 {
            assert_eq!(ask(&process, &client).await, 401);
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{endpoint}: {took:?}");
        process.says("traces cannot be delivered");
        let (said, code) = process.stop();
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(said.matches("traces cannot be delivered").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_redis_and_vault_and_what_jobs_do_are_spans_too() {
    let (collector, vault) = (Collector::start().await, StandIn::start().await);
    let redis = Redis::start().unwrap();
    let data = tempfile::tempdir().unwrap();
    let redis_url = redis.url();
    let process = Process::start(
        data.path(),
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("REDIS_URL", &redis_url),
            ("VAULT_ADDR", &vault.address),
            ("VAULT_TOKEN", stand_in::TOKEN),
        ],
    );
    // The first run of a job begins with the server. On a machine that is too busy to ask in time, another attempt does.
    let client = client();
    let deadline = Instant::now() + Duration::from_secs(60);
    let wanted = ["evalsha", "eval", "vault.read", "job key-schedule"];
    loop {
        ask(&process, &client).await;
        let all = collector.spans();
        let well = |name: &&str| all.iter().any(|it| it.name == **name && it.status == 0);
        if wanted.iter().all(well) {
            break;
        }
        assert!(Instant::now() < deadline, "not all was seen: {all:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (said, code) = process.stop();
    assert_eq!(code, Some(0), "{said}");

    let all = collector.spans();
    let of = |name: &str| -> Vec<&Span> { all.iter().filter(|span| span.name == name).collect() };
    let well = |name: &str| *of(name).iter().find(|span| span.status == 0).unwrap();
    // A Redis that does not know the script is given it; that is no failure.
    for command in ["evalsha", "eval"] {
        let span = well(command);
        assert_eq!(span.trace, TRACE);
        assert_eq!(span.attributes["db.system.name"], "redis");
        assert_eq!(span.attributes["db.operation.name"], command);
        assert!(redis_url.contains(&span.attributes["server.port"]));
    }
    // Neither is that there is nothing.
    let read = well("vault.read");
    assert_eq!(read.trace, TRACE);
    assert_eq!(read.attributes["http.request.method"], "GET");
    assert_eq!(read.attributes["http.response.status_code"], "404");
    assert_eq!(read.attributes["server.address"], "127.0.0.1");
    // It is a request's, and the request is the caller's.
    let requests = of("POST /api/v1/token");
    assert!(requests.iter().any(|request| request.id == read.parent));
    assert!(requests.iter().all(|request| request.parent == PARENT));
    let job = well("job key-schedule");
    assert!(job.parent.is_empty() && job.trace != TRACE, "{job:?}");
    assert_eq!(job.attributes["agentidp.job"], "key-schedule");
    let asked = of("signing_keys.list");
    assert!(asked.iter().any(|span| span.parent == job.id), "{asked:?}");
    // What is asked for nobody, each second and more often, is not there.
    for name in ["ping", "publish", "jobs.get", "vault.lookup-self"] {
        assert!(of(name).is_empty(), "{name}");
    }
    // Keys, paths and secrets are not there.
    let told = format!("{all:?}");
    for text in [
        "hunter2",
        stand_in::TOKEN,
        CLIENT,
        "agentidp:limit",
        "credentials/",
    ] {
        assert!(!told.contains(text), "{text}");
    }
}
