//! How the server meets its clients: TLS of its own, TLS of a proxy, pages of other origins.

use std::{io::Write as _, path::Path, process::Command, sync::Arc};

use reqwest::{Client, Version};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};

use crate::{
    contract,
    harness::{self, Harness},
    process::Process,
};

const CONSOLE: &str = "https://console.example.com";

/// Asks, as a browser does, whether a page may call.
async fn preflight(harness: &Harness, path: &str, origin: &str) -> reqwest::Response {
    harness
        .request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header(
            "access-control-request-headers",
            "authorization,idempotency-key",
        )
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_call_every_route_and_read_its_headers() {
    let origins = format!("http://localhost:5173,{CONSOLE}");
    let harness = harness::start_with(&[("CORS_ORIGIN", &origins)]).await;
    for (_, path, _) in contract::operations() {
        let allowed = preflight(&harness, &path, CONSOLE).await;
        let headers = allowed.headers();
        assert!(allowed.status().is_success(), "{path}");
        assert_eq!(headers["access-control-allow-origin"], CONSOLE, "{path}");
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        assert!(methods.contains("PATCH"), "{path}: {methods}");
        let accepted = headers["access-control-allow-headers"].to_str().unwrap();
        assert!(accepted.contains("idempotency-key"), "{path}: {accepted}");
        assert!(headers.contains_key("x-request-id"), "{path}");
        assert!(!headers.contains_key("access-control-allow-credentials"));
    }
    let call = harness
        .request("GET", "/api/v1/agents")
        .header("origin", CONSOLE);
    let refused = harness.send(call).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), CONSOLE);
    let exposed = refused.header("access-control-expose-headers");
    for name in [
        "x-request-id",
        "x-ratelimit-remaining",
        "retry-after",
        "www-authenticate",
    ] {
        assert!(exposed.contains(name), "{name} is not in {exposed}");
    }
    let stranger = preflight(&harness, "/api/v1/agents", "https://evil.example").await;
    assert!(
        !stranger
            .headers()
            .contains_key("access-control-allow-origin")
    );
    harness.stop().await;
}

#[tokio::test]
async fn any_origin_or_none() {
    let open = harness::start_with(&[("CORS_ORIGIN", "*")]).await;
    let answer = preflight(&open, "/api/v1/token", "https://anybody.example").await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    open.stop().await;
    let closed = harness::start().await;
    let answer = preflight(&closed, "/api/v1/token", CONSOLE).await;
    assert_eq!(answer.status(), 405);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    closed.stop().await;
}

/// Status and `Location` of a request that a proxy received like that.
async fn through_proxy(harness: &Harness, path: &str, proto: Option<&str>) -> (u16, String) {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut request = client
        .get(harness.url(path))
        .header("host", "idp.example.com");
    if let Some(proto) = proto {
        request = request.header("x-forwarded-proto", proto);
    }
    let response = request.send().await.unwrap();
    let headers = response.headers();
    assert!(headers.contains_key("x-request-id") && headers.contains_key("x-frame-options"));
    assert_eq!(
        headers.contains_key("strict-transport-security"),
        proto == Some("https")
    );
    let location = headers
        .get("location")
        .map(|l| l.to_str().unwrap().to_owned());
    (response.status().as_u16(), location.unwrap_or_default())
}

#[tokio::test]
async fn what_came_without_tls_is_sent_to_the_same_place_with_it() {
    let harness = harness::start_with(&[("AGENTIDP_ENV", "production")]).await;
    let path = "/api/v1/agents?limit=5";
    let ask = async |path: &'static str, proto| through_proxy(&harness, path, proto).await;
    let target = format!("https://idp.example.com{path}");
    assert_eq!(ask(path, Some("http")).await, (301, target.clone()));
    assert_eq!(ask(path, Some("http, https")).await, (301, target));
    assert_eq!(ask(path, Some("https")).await.0, 401);
    assert_eq!(ask(path, None).await.0, 401);
    assert_eq!(ask("/health", Some("http")).await.0, 200);
    assert_eq!(ask("/health/detailed", Some("http")).await.0, 200);
    harness.stop().await;

    let variables = [
        ("ENFORCE_TLS", "true"),
        ("PUBLIC_URL", "https://id.example.org"),
    ];
    let harness = harness::start_with(&variables).await;
    let answer = through_proxy(&harness, "/openapi.json", Some("http")).await;
    assert_eq!(
        answer,
        (301, "https://id.example.org/openapi.json".to_owned())
    );
    harness.stop().await;
}

#[tokio::test]
async fn nothing_is_redirected_unless_it_is_asked_for() {
    let harness = harness::start().await;
    let answer = through_proxy(&harness, "/openapi.json", Some("http")).await;
    assert_eq!(answer, (200, String::new()));
    harness.stop().await;
}

/// Writes a new certificate for 127.0.0.1 and its key there, and returns who trusts it alone.
fn certify(folder: &Path) -> Client {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(made.cert.der().to_vec()))
        .unwrap();
    let mut tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    // Another test of this process may have been first; then there is one.
    let _ = aws_lc_rs::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_served_directly_and_sighup_changes_the_certificate() {
    let data = tempfile::tempdir().unwrap();
    let (certificate, key) = (data.path().join("tls.crt"), data.path().join("tls.key"));
    let first = certify(data.path());
    let mut process = Process::start(
        data.path(),
        &[
            ("TLS_CERT", certificate.to_str().unwrap()),
            ("TLS_KEY", key.to_str().unwrap()),
        ],
    );
    let url = format!(
        "https://127.0.0.1:{}/.well-known/openid-configuration",
        process.port
    );
    let answer = first.get(&url).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, Version::HTTP_2)
    );
    assert!(answer.headers().contains_key("strict-transport-security"));
    let discovery: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        discovery["issuer"],
        format!("https://127.0.0.1:{}", process.port)
    );
    let plain = url.replace("https://", "http://");
    let plainly = Client::builder().no_proxy().build().unwrap();
    assert!(plainly.get(plain).send().await.is_err());

    let asked = Command::new(env!("CARGO_BIN_EXE_agentidp"))
        .args(["healthcheck", "--port", &process.port.to_string()])
        .current_dir(data.path())
        .env_clear()
        .env("TLS_CERT", &certificate)
        .env("TLS_KEY", &key)
        .output()
        .unwrap();
    assert_eq!(asked.stdout, b"healthy\n", "{asked:?}");

    std::fs::write(&key, "nonsense").unwrap();
    process.signal("HUP");
    let refused = process.says("the TLS certificate was refused");
    assert!(
        refused["error"].as_str().unwrap().starts_with("TLS_KEY: "),
        "{refused}"
    );
    assert_eq!(first.get(&url).send().await.unwrap().status(), 200);

    let second = certify(data.path());
    process.signal("HUP");
    process.says("the TLS certificate was read again");
    assert_eq!(second.get(&url).send().await.unwrap().status(), 200);
    let (said, code) = process.stop();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn sighup_never_ends_the_server() {
    let data = tempfile::tempdir().unwrap();
    let mut process = Process::start(data.path(), &[]);
    process.signal("HUP");
    process.says("the policy has not changed");
    let (said, code) = process.stop();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_is_logged_may_stand_in_the_env_file() {
    for (filter, expected) in [("agentidp_server::cli=info", false), ("info", true)] {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(".env"), format!("RUST_LOG={filter}\n")).unwrap();
        let process = Process::start(data.path(), &[]);
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", process.port)).unwrap();
        let request = b"GET /nowhere HTTP/1.1\r\nHost: idp\r\nConnection: close\r\n\r\n";
        connection.write_all(request).unwrap();
        let answer = std::io::read_to_string(connection).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        let (said, _) = process.stop();
        assert_eq!(said.contains("agentidp::access"), expected, "{said}");
    }
}

#[test]
fn a_key_of_another_certificate_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    certify(data.path());
    certify(other.path());
    let ended = Command::new(env!("CARGO_BIN_EXE_agentidp"))
        .args(["serve", "--port", "0"])
        .current_dir(data.path())
        .env_clear()
        .env("TLS_CERT", data.path().join("tls.crt"))
        .env("TLS_KEY", other.path().join("tls.key"))
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.starts_with("agentidp: TLS_KEY: "), "{said}");
    assert!(said.contains("does not go with the certificate"), "{said}");
    assert_eq!(said.lines().count(), 1);
}
