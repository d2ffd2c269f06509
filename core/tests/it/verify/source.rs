//! Where keys come from, and which of them are believed.

use futures_util::future::join;
use sentryagent_idp::{Error, ErrorKind, TokenVerifier, clock::ManualClock};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use wiremock::{Mock, ResponseTemplate, matchers::path};

use super::issuer::{
    AGENT, AUDIENCE, Fixture, Key, NOW, RSA, ed25519, encode, header, p256, signed, with,
};
use crate::support::{mock_server, seconds};

async fn verify(f: &Fixture, key: &Key) -> Result<(), Error> {
    f.verifier.verify(&f.token(key)).await.map(|_| ())
}

#[tokio::test]
async fn unusable_keys_are_passed_over() {
    let (good, p256) = (ed25519("good"), p256("p256"));
    let f = Fixture::new(&good).await;
    let half = encode([0xff; 128]);
    f.change(|mood| {
        mood.keys = vec![
            json!({"kty": "RSA", "kid": "rsa-1", "n": half, "e": "AQAB"}),
            json!({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}),
            json!({"kty": "EC", "kid": "p384", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "OKP", "kid": "x", "crv": "X25519", "x": "AA"}),
            json!({"kid": 7}),
            json!("nonsense"),
            with(p256.jwk.clone(), "x", encode([1; 31])),
            with(p256.jwk.clone(), "use", "enc"),
            with(p256.jwk.clone(), "key_ops", json!(["sign"])),
            with(p256.jwk.clone(), "alg", "ES384"),
            with(good.jwk.clone(), "alg", "Ed25519"),
        ];
    });
    verify(&f, &good).await.expect("the one good key");
    for key in [&*RSA, &p256] {
        let error = verify(&f, key).await.expect_err("no such key");
        assert_eq!(error.details().expect("details")["reason"], "unknown_key");
    }
}

#[tokio::test]
async fn a_modulus_may_have_a_leading_zero() {
    let f = Fixture::new(&RSA).await;
    let n = RSA.jwk["n"].as_str().expect("a text");
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, n);
    let padded = [vec![0], bytes.expect("bytes")].concat();
    f.change(|mood| mood.keys = vec![with(RSA.jwk.clone(), "n", encode(padded))]);
    verify(&f, &RSA).await.expect("it holds");
}

#[tokio::test]
async fn discovery_must_be_the_issuers_own() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let uri = f.server.uri();
    for (document, kind) in [
        (
            json!({"issuer": "https://other.example.com", "jwks_uri": format!("{uri}/keys")}),
            ErrorKind::Configuration,
        ),
        (
            json!({"issuer": format!("{uri}/"), "jwks_uri": format!("{uri}/keys")}),
            ErrorKind::Configuration,
        ),
        (
            json!({"issuer": uri, "jwks_uri": "http://keys.example.com/"}),
            ErrorKind::Configuration,
        ),
        (
            json!({"issuer": uri, "jwks_uri": "file:///etc/keys"}),
            ErrorKind::Configuration,
        ),
        (json!({"issuer": uri}), ErrorKind::Connection),
        (json!([]), ErrorKind::Connection),
    ] {
        f.change(|mood| mood.discovery = Some(document.clone()));
        let error = verify(&f, &key).await.expect_err("not believed");
        assert_eq!(error.kind(), kind, "{document}: {error:?}");
        f.clock.advance(seconds(1));
    }
    assert_eq!(f.fetches().await, 0);
    f.change(|mood| mood.discovery = None);
    verify(&f, &key).await.expect("it holds");
}

#[tokio::test]
async fn the_document_of_rfc_8414_will_do() {
    let key = ed25519("ed-1");
    let server = mock_server().await;
    let issuer = format!("{}/tenant-1", server.uri());
    let document = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys?set=1")});
    let answers = [
        ("/.well-known/oauth-authorization-server/tenant-1", document),
        ("/tenant-1/keys", json!({"keys": [key.jwk]})),
    ];
    for (at, body) in answers {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path(at))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let verifier = TokenVerifier::builder(&issuer, AUDIENCE)
        .build()
        .expect("a verifier");
    let claims = json!({"iss": issuer, "sub": "s", "aud": AUDIENCE, "exp": 4_000_000_000_u64});
    verifier
        .verify(&signed(&header(&key), &claims, &key))
        .await
        .expect("it holds");
    let asked: Vec<String> = server
        .received_requests()
        .await
        .expect("requests")
        .iter()
        .map(|r| r.url[url::Position::BeforePath..].to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "/tenant-1/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/tenant-1",
            "/tenant-1/keys?set=1",
        ]
    );
}

#[tokio::test]
async fn given_keys_need_no_discovery() {
    let key = ed25519("ed-1");
    let f = Fixture::new(&key).await;
    let verifier = TokenVerifier::builder("urn:some-issuer", AUDIENCE)
        .audience("another")
        .jwks_uri(format!("{}/keys", f.server.uri()))
        .clock(f.clock.clone())
        .build()
        .expect("a verifier");
    let claims = with(with(f.claims(), "iss", "urn:some-issuer"), "aud", "another");
    verifier
        .verify(&signed(&header(&key), &claims, &key))
        .await
        .expect("it holds");
    assert_eq!(
        (f.fetches().await, f.requests_to("well-known").await),
        (1, 0)
    );
}

#[tokio::test]
async fn fetching_has_its_time() {
    let key = ed25519("ed-1");
    let f = Fixture::with(&[&key], |b| b.timeout(seconds(3))).await;
    f.server.reset().await;
    let slow = ResponseTemplate::new(200).set_delay(seconds(3600));
    Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(slow)
        .mount(&f.server)
        .await;
    let passes = async {
        assert_eq!(f.clock.sleeping(seconds(3)).await, seconds(3));
        f.clock.advance(seconds(3));
    };
    let (outcome, ()) = join(verify(&f, &key), passes).await;
    assert_eq!(outcome.expect_err("too slow").kind(), ErrorKind::Timeout);
}

#[test]
fn a_wrong_configuration_is_named() {
    let built = TokenVerifier::builder("", "")
        .leeway(seconds(3601))
        .algorithms([])
        .timeout(seconds(0))
        .jwks_uri("keys")
        .build();
    let error = built.expect_err("wrong").to_string();
    for name in [
        "issuer",
        "audience",
        "leeway",
        "algorithms",
        "timeout",
        "jwks_uri",
    ] {
        assert!(error.contains(name), "{name}: {error}");
    }
    let insecure = TokenVerifier::builder("http://idp.example.com", AUDIENCE);
    assert!(insecure.clone().build().is_err());
    assert!(insecure.allow_insecure_http(true).build().is_ok());
}

async fn answer(connection: &mut TcpStream, body: &str) {
    let mut request = vec![0; 8192];
    let read = connection.read(&mut request).await;
    assert!(read.is_ok_and(|length| length > 0), "a request");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    connection
        .write_all(answer.as_bytes())
        .await
        .expect("written");
}

#[tokio::test]
async fn a_kept_connection_that_ends_as_it_is_used_again_makes_no_key_unknown() {
    let (old, new) = (ed25519("old"), ed25519("new"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("its address"));
    let before = json!({"keys": [old.jwk]}).to_string();
    let after = json!({"keys": [old.jwk, new.jwk]}).to_string();
    let server = tokio::spawn(async move {
        let (mut kept, _) = listener.accept().await.expect("a connection");
        answer(&mut kept, &before).await;
        kept.read_u8().await.expect("the next request");
        drop(kept);
        let (mut other, _) = listener.accept().await.expect("another connection");
        answer(&mut other, &after).await;
    });
    let verifier = TokenVerifier::builder(&issuer, AUDIENCE)
        .jwks_uri(format!("{issuer}/keys"))
        .clock(ManualClock::new())
        .build()
        .expect("a verifier");
    let claims = json!({"iss": issuer, "sub": AGENT, "aud": AUDIENCE, "exp": NOW + 60});
    for key in [&old, &new] {
        let token = signed(&header(key), &claims, key);
        verifier.verify(&token).await.expect("it holds");
    }
    server.await.expect("no panic");
}
