//! Real proxies on the way: forwarding, tunnels, passwords, `NO_PROXY`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use http::Version;
use sentryagent_idp::{AgentIdPClient, Error, ErrorKind};

use crate::{
    proxy_server::Proxy,
    support::AGENT_ID,
    tls_authority::Authority,
    transport_server::{Server, get_agent},
};

/// `fox:all s@fe`, as the URL and as the header has it.
const IN_URL: &str = "fox:all%20s%40fe";
const IN_HEADER: &str = "Zm94OmFsbCBzQGZl";

async fn failure(client: &AgentIdPClient) -> Error {
    let error = client
        .agents()
        .get_agent(AGENT_ID)
        .await
        .expect_err("no way through");
    let shown = format!("{error:?} {error}");
    for secret in [IN_URL, IN_HEADER, "s%40fe", "s@fe"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    error
}

#[tokio::test]
async fn plain_http_is_forwarded_with_its_whole_url() {
    let server = Server::plain().await;
    let proxy = Proxy::with(Some(IN_HEADER), None).await;
    let url = format!("http://{IN_URL}@localhost:{}", proxy.port);
    get_agent(&server.client(|b| b.proxy(url))).await;
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "the connection to the proxy is kept");
    let first = format!(
        "POST http://localhost:{}/api/v1/token HTTP/1.1\r\n",
        server.port
    );
    assert!(heads[0].starts_with(&first), "{}", heads[0]);
    let host = format!("host: localhost:{}\r\n", server.port);
    assert!(heads[0].contains(&host), "{}", heads[0]);
    server.log(|log| {
        assert_eq!(log.requests.len(), 2);
        assert_eq!(log.requests[0].header("proxy-authorization"), None);
    });
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_stays_secret_and_http_2() {
    let authority = Authority::new();
    let tls = authority.server("localhost", &["h2", "http/1.1"], false);
    let server = Server::tls(tls).await;
    let proxy = Proxy::with(Some(IN_HEADER), None).await;
    let url = format!("http://{IN_URL}@localhost:{}", proxy.port);
    let client = server.client(|b| b.proxy(url).ca_bundle(authority.bundle()));
    get_agent(&client).await;
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    let first = format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port);
    assert!(heads[0].starts_with(&first), "{}", heads[0]);
    server.log(|log| {
        assert!(
            log.requests
                .iter()
                .all(|seen| seen.version == Version::HTTP_2)
        );
        assert!(
            log.requests
                .iter()
                .all(|seen| seen.header("proxy-authorization").is_none())
        );
    });
}

#[tokio::test]
async fn a_proxy_may_itself_be_reached_by_https() {
    let authority = Authority::new();
    let proxy_tls = authority.server("localhost", &["http/1.1"], false);
    let proxy = Proxy::with(None, Some(proxy_tls)).await;
    let url = format!("https://localhost:{}", proxy.port);
    let trusting =
        |server: &Server| server.client(|b| b.proxy(url.clone()).ca_bundle(authority.bundle()));

    let secure = Server::tls(authority.server("localhost", &["h2"], false)).await;
    get_agent(&trusting(&secure)).await;
    let plain = Server::plain().await;
    get_agent(&trusting(&plain)).await;
    let heads = proxy.heads();
    assert!(heads[0].starts_with("CONNECT "), "{}", heads[0]);
    assert!(
        heads[1].starts_with("POST http://localhost:"),
        "{}",
        heads[1]
    );
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_says_so() {
    let authority = Authority::new();
    let server = Server::tls(authority.server("localhost", &["h2"], false)).await;
    let proxy = Proxy::with(Some(IN_HEADER), None).await;
    for user in ["", "fox:wrong@"] {
        let url = format!("http://{user}localhost:{}", proxy.port);
        let error = failure(&server.client(|b| b.proxy(url).ca_bundle(authority.bundle()))).await;
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(
            error.cause().is_some_and(|c| c.contains("password (407)")),
            "{error:?}"
        );
    }
    assert_eq!(server.log(|log| log.connections), 0);
    // What is forwarded is answered by the proxy itself.
    let plain = Server::plain().await;
    let url = format!("http://localhost:{}", proxy.port);
    let error = failure(&plain.client(|b| b.proxy(url))).await;
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert!(
        error.cause().is_some_and(|c| c.contains("password (407)")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_without_its_password() {
    let server = Server::plain().await;
    // A port that was just given back.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let url = format!("http://{IN_URL}@127.0.0.1:{port}");
    let error = failure(&server.client(|b| b.proxy(url))).await;
    assert_eq!(error.kind(), ErrorKind::Connection);
    let place = format!("the proxy 127.0.0.1:{port}");
    assert!(
        error.cause().is_some_and(|c| c.contains(&place)),
        "{error:?}"
    );
    assert_eq!(server.log(|log| log.connections), 0);
}

/// What the environment says, seen by a process that has that environment.
#[tokio::test]
async fn the_environment_names_proxies_and_exceptions() {
    if let Ok(base_url) = std::env::var("PROXY_TEST_URL") {
        return in_this_environment(&base_url).await;
    }
    let authority = Authority::new();
    let bundle = authority.bundle();
    let plain = Server::plain().await;
    let secure = Server::tls(authority.server("localhost", &["h2"], false)).await;
    let proxy = Proxy::start().await;
    let url = format!("http://localhost:{}", proxy.port);
    let this = format!("LOCALHOST:{}", plain.port);
    let mut through = 0;
    for (server, variables, proxied) in [
        (&plain, vec![("HTTP_PROXY", url.as_str())], true),
        (&plain, vec![("http_proxy", &url)], true),
        (&plain, vec![("ALL_PROXY", &url)], true),
        (&plain, vec![("HTTPS_PROXY", &url)], false),
        (&secure, vec![("HTTPS_PROXY", &url)], true),
        (&secure, vec![("https_proxy", &url)], true),
        (&secure, vec![("HTTP_PROXY", &url)], false),
        (
            &plain,
            vec![("HTTP_PROXY", &url), ("NO_PROXY", "localhost")],
            false,
        ),
        (
            &secure,
            vec![("ALL_PROXY", &url), ("no_proxy", "a.example, localhost")],
            false,
        ),
        (&plain, vec![("HTTP_PROXY", &url), ("NO_PROXY", "*")], false),
        (
            &plain,
            vec![("HTTP_PROXY", &url), ("NO_PROXY", "host,127.0.0.0/8")],
            true,
        ),
        // What is on this machine no other machine can reach, and nobody else may hear.
        (&plain, vec![("HTTP_PROXY", "http://192.0.2.1:3128")], false),
        (
            &plain,
            vec![("PROXY_TEST_PROXY", "http://192.0.2.1:3128")],
            false,
        ),
        // A port narrows an exception.
        (
            &plain,
            vec![("HTTP_PROXY", &url), ("NO_PROXY", &this)],
            false,
        ),
        (
            &plain,
            vec![("HTTP_PROXY", &url), ("NO_PROXY", "localhost:1")],
            true,
        ),
        // The argument wins, and NO_PROXY counts all the same.
        (
            &plain,
            vec![
                ("HTTP_PROXY", "http://localhost:1"),
                ("PROXY_TEST_PROXY", &url),
            ],
            true,
        ),
        (
            &plain,
            vec![("PROXY_TEST_PROXY", &url), ("NO_PROXY", "localhost")],
            false,
        ),
    ] {
        let before = proxy.heads().len();
        run(&server.url, &bundle, &variables).await;
        let used = proxy.heads().len() > before;
        assert_eq!(used, proxied, "{variables:?} for {}", server.url);
        through += usize::from(used);
    }
    assert_eq!(through, 8);
}

async fn run(base_url: &str, bundle: &Path, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args([
            "--exact",
            "proxy::the_environment_names_proxies_and_exceptions",
        ])
        .env("PROXY_TEST_URL", base_url)
        .env("AGENTIDP_CA_BUNDLE", bundle)
        .stdin(Stdio::null());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_lowercase());
    }
    command.envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{variables:?}: {text}"
    );
}

async fn in_this_environment(base_url: &str) {
    let mut builder = AgentIdPClient::builder()
        .base_url(base_url)
        .client_id("agent-1")
        .client_secret("secret")
        .retries(0);
    if let Ok(proxy) = std::env::var("PROXY_TEST_PROXY") {
        builder = builder.proxy(proxy);
    }
    get_agent(&builder.build().expect("a client")).await;
}

#[tokio::test]
async fn a_socks_proxy_is_a_mistake_of_the_configuration() {
    let server = Server::plain().await;
    let builder = AgentIdPClient::builder()
        .base_url(&server.url)
        .client_id("agent-1")
        .client_secret("secret")
        .proxy(format!("socks5://{IN_URL}@localhost:1080"));
    let error = match builder.build() {
        Ok(client) => failure(&client).await,
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!error.message().contains(IN_URL), "{error:?}");
    assert_eq!(server.log(|log| log.connections), 0);
}
