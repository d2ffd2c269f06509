//! `rediss://`: the certificate is checked against the machine's authorities.

use agentidp_services::Redis;

use crate::process::Process;

/// The cache as `/health` tells of it.
async fn cache(process: &Process) -> String {
    let url = format!("http://127.0.0.1:{}/health", process.port);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let health: serde_json::Value = client.get(url).send().await.unwrap().json().await.unwrap();
    health["services"]["cache"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn redis_over_tls_has_to_prove_who_it_is() {
    // Another test of this process may have been first; then there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let redis = Redis::start_with_tls(&certificate, &key).unwrap();
    let url = redis.tls_url().unwrap();
    let start = |name: &str, more: &[(&str, &str)]| {
        let data = folder.path().join(name);
        std::fs::create_dir(&data).unwrap();
        let mut variables = vec![("REDIS_URL", url.as_str())];
        variables.extend(more);
        Process::start(&data, &variables)
    };
    let trusting = start(
        "trusting",
        &[("SSL_CERT_FILE", certificate.to_str().unwrap())],
    );
    let since = std::time::Instant::now();
    while cache(&trusting).await != "connected" {
        assert!(since.elapsed().as_secs() < 20, "TLS is never spoken");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    trusting.stop();
    let doubting = start("doubting", &[]);
    assert_eq!(cache(&doubting).await, "disconnected");
    let (said, _) = doubting.stop();
    assert!(said.contains("Redis is away"), "{said}");
    assert!(said.to_lowercase().contains("certificate"), "{said}");
}
