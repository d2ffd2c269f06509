use std::time::Duration;

use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

fn environment(name: &str) -> Option<String> {
    let value = match name {
        variables::BASE_URL => "https://env.example.com/idp/",
        variables::CLIENT_ID => "env-id",
        variables::CLIENT_SECRET => "env-secret",
        variables::SCOPES => "agents:read, openid",
        variables::CA_BUNDLE => "/etc/ca.pem",
        _ => return None,
    };
    Some(value.to_owned())
}

fn complete() -> Arguments {
    Arguments {
        base_url: Some("https://idp.example.com".into()),
        client_id: Some("id".into()),
        client_secret: Some("secret".into()),
        ..Arguments::default()
    }
}

#[test]
fn with_nothing_given_the_error_names_what_is_missing() {
    let error = Config::resolve(Arguments::default(), &nothing).expect_err("incomplete");
    for name in [
        variables::BASE_URL,
        variables::CLIENT_ID,
        variables::CLIENT_SECRET,
    ] {
        assert!(error.message().contains(name), "{}", error.message());
    }
    // An empty argument is not given.
    let empty = Arguments {
        client_id: Some(String::new()),
        ..complete()
    };
    let error = Config::resolve(empty, &nothing).expect_err("incomplete");
    assert!(error.message().contains("client_id is missing"));
}

#[test]
fn arguments_win_over_the_environment() {
    let given = Arguments {
        client_id: Some("mine".into()),
        ..Arguments::default()
    };
    let config = Config::resolve(given, &environment).expect("complete");
    assert_eq!(config.base(), "https://env.example.com/idp");
    assert_eq!(config.client_id.value, "mine");
    assert_eq!(config.scopes.value, ["agents:read", "openid"]);
    let told = config.explain(&environment);
    assert_eq!(told["clientId"]["source"], "argument");
    assert_eq!(told["baseUrl"]["source"], "environment AGENTIDP_BASE_URL");
    assert_eq!(told["clientSecret"]["value"], "***");
    assert_eq!(told["caBundle"]["value"], "/etc/ca.pem");
    assert_eq!(
        (&told["timeoutMs"]["value"], &told["timeoutMs"]["source"]),
        (&30_000.into(), &"default".into())
    );
    assert!(!told.to_string().contains("env-secret"));
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    for (url, fine) in [
        ("http://localhost:3000", true),
        ("http://127.0.0.9", true),
        ("http://[::1]:3000", true),
        ("http://example.com", false),
        ("http://127.0.0.1.example.com", false),
        ("http://localhost.example.com", false),
        ("https://example.com", true),
        ("ftp://example.com", false),
        ("example.com", false),
        ("https://user:pw@example.com", false),
        ("https://example.com?x=1", false),
        ("https://example.com#x", false),
    ] {
        let given = Arguments {
            base_url: Some(url.into()),
            ..complete()
        };
        assert_eq!(Config::resolve(given, &nothing).is_ok(), fine, "{url}");
    }
    let allowed = Arguments {
        base_url: Some("http://example.com".into()),
        allow_insecure_http: Some(true),
        ..complete()
    };
    assert!(Config::resolve(allowed, &nothing).is_ok());
}

#[test]
fn values_out_of_range_are_named_all_at_once() {
    let wrong = Arguments {
        timeout: Some(Duration::ZERO),
        retries: Some(11),
        scopes: Some(vec!["a b".into()]),
        network: NetworkArguments {
            headers: vec![("content-length".into(), "1".into())],
            connect_timeout: Some(Duration::MAX),
            client_key: Some("key.pem".into()),
            proxy: Some("ftp://proxy:hidden@example.com".into()),
            ..NetworkArguments::default()
        },
        ..complete()
    };
    let error = Config::resolve(wrong, &nothing).expect_err("wrong");
    for word in [
        "timeout must be longer than zero and at most 24 hours; ",
        "connect_timeout must be",
        "retries",
        "scopes",
        "content-length",
        "client_certificate is missing",
        "proxy",
    ] {
        assert!(error.message().contains(word), "{}", error.message());
    }
    assert!(!error.message().contains("hidden"), "{}", error.message());
}

#[test]
fn the_user_agent_cannot_be_broken_out_of() {
    let host = Some(("python".into(), "CPython 3.11 (x)\r\ny".into()));
    let network = NetworkArguments {
        host,
        ..NetworkArguments::default()
    };
    let given = Arguments {
        network,
        ..complete()
    };
    let agent = Config::resolve(given, &nothing)
        .expect("complete")
        .network
        .user_agent;
    assert!(agent.contains("(python CPython 3.11 xy; "), "{agent}");
}

#[test]
fn a_proxy_and_a_certificate_are_explained_without_the_password() {
    let network = NetworkArguments {
        client_certificate: Some("/etc/me.pem".into()),
        client_key: Some("/etc/me.key".into()),
        headers: vec![
            ("authorization".into(), "hidden".into()),
            ("x-key".into(), "hidden".into()),
        ],
        proxy: Some("http://us3r:hidden@proxy.example.com:3128".into()),
        ..NetworkArguments::default()
    };
    let given = Arguments {
        network,
        ..complete()
    };
    let shown = format!("{given:?}");
    let config = Config::resolve(given, &nothing).expect("complete");
    let proxied = |name: &str| {
        (name == "HTTPS_PROXY").then(|| "http://us3r:hidden@other.example.com:3128".to_owned())
    };
    let told = config.explain(&proxied);
    assert_eq!(told["proxy"]["source"], "argument");
    assert_eq!(told["clientCertificate"]["value"], "/etc/me.pem");
    assert_eq!(told["clientKey"]["value"], "/etc/me.key");
    assert_eq!(told["proxy"]["value"], "http://***@proxy.example.com:3128/");
    let proxy = config.network.proxy.as_ref().expect("a proxy");
    assert_eq!(proxy.0.password(), Some("hidden"));
    for shown in [shown, told.to_string(), format!("{config:?}")] {
        assert!(
            !shown.contains("hidden") && !shown.contains("us3r"),
            "{shown}"
        );
    }
}

#[test]
fn a_proxy_of_the_environment_is_explained_by_its_variable() {
    let config = Config::resolve(complete(), &nothing).expect("complete");
    let told = config.explain(&nothing);
    assert_eq!(told["proxy"]["value"], serde_json::Value::Null);
    assert_eq!(told["proxy"]["source"], "default");
    let proxied = |name: &str| {
        (name == "HTTPS_PROXY").then(|| "http://us3r:hidden@proxy.example.com:3128".to_owned())
    };
    let told = config.explain(&proxied);
    assert_eq!(told["proxy"]["value"], "http://***@proxy.example.com:3128/");
    assert_eq!(told["proxy"]["source"], "environment HTTPS_PROXY");
    let told = config.explain(&|name| match name {
        "NO_PROXY" => Some("*".to_owned()),
        other => proxied(other),
    });
    assert_eq!(told["proxy"]["value"], serde_json::Value::Null);
    assert_eq!(told["proxy"]["source"], "environment NO_PROXY");
}
