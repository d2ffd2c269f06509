//! The client of KV version 2.

use std::time::{Duration, Instant};

use agentidp_server::{
    config,
    vault::{Client, VaultError},
    wire::Secret,
};
use serde_json::{Value, json};

use super::{
    Place,
    stand_in::{Mood, StandIn, TOKEN},
};

fn data(entry: &agentidp_server::vault::Entry) -> Option<Value> {
    entry.data.clone().map(Value::Object)
}

#[tokio::test]
async fn versions_are_added_read_and_deleted() {
    for place in Place::all().await {
        let client = Client::new(&place.settings).unwrap();
        let path = place.path("data/agentidp/a/b");
        let never = client.read(&path).await.unwrap();
        assert_eq!((never.version, never.data), (0, None));

        let one = json!({ "secrets": { "x": { "hash": "h", "at": 1 } } });
        assert_eq!(client.write(&path, one.clone(), 0).await, Ok(1));
        for stale in [0, 2] {
            let refused = client.write(&path, json!({}), stale).await;
            assert_eq!(refused, Err(VaultError::Conflict));
        }
        assert_eq!(client.write(&path, json!({ "two": 2 }), 1).await, Ok(2));
        let read = client.read(&path).await.unwrap();
        assert_eq!((read.version, data(&read)), (2, Some(json!({ "two": 2 }))));

        // What an operator does beside us: a deleted version is not there, and still counts.
        assert_eq!(place.call("DELETE", &path, None).await.0, 204);
        let deleted = client.read(&path).await.unwrap();
        assert_eq!((deleted.version, deleted.data), (2, None));
        let undelete = place.path("undelete/agentidp/a/b");
        let second = json!({ "versions": [2] });
        place.call("POST", &undelete, Some(second.clone())).await;
        assert_eq!(client.read(&path).await.unwrap(), read);
        let destroy = place.path("destroy/agentidp/a/b");
        place.call("POST", &destroy, Some(second)).await;
        let destroyed = client.read(&path).await.unwrap();
        assert_eq!((destroyed.version, destroyed.data), (2, None));
        assert_eq!(client.write(&path, one, 2).await, Ok(3));

        let metadata = place.path("metadata/agentidp/a/b");
        for _ in 0..2 {
            assert_eq!(client.delete(&metadata).await, Ok(()));
            assert_eq!(client.read(&path).await.unwrap().version, 0);
            assert_eq!(place.call("GET", &metadata, None).await.0, 404);
        }
    }
}

#[tokio::test]
async fn a_wrong_token_and_a_wrong_mount_are_no_answer_about_an_entry() {
    for place in Place::all().await {
        let denied = Client::new(&config::Vault {
            token: Secret::new("hvs.hunter2"),
            ..place.settings.clone()
        })
        .unwrap();
        let fault = denied.read(&place.path("data/x")).await.unwrap_err();
        assert!(matches!(fault, VaultError::Denied(_)), "{fault:?}");
        assert!(!format!("{fault} {fault:?} {denied:?}").contains("hunter2"));

        let client = Client::new(&place.settings).unwrap();
        let (read, write) = (
            "nowhere/data/x",
            client.write("nowhere/data/x", json!({}), 0),
        );
        for fault in [client.read(read).await.map(|_| 0), write.await] {
            // Without its policy a real one does not tell a missing mount from a forbidden one.
            let expected = matches!(
                fault,
                Err(VaultError::Unexpected(404) | VaultError::Denied(_))
            );
            assert!(expected, "{fault:?}");
        }
        // Or a deletion would count as done, and the entry stay.
        let deleted = client.delete("nowhere/metadata/x").await;
        let expected = matches!(
            deleted,
            Err(VaultError::Unexpected(404) | VaultError::Denied(_))
        );
        assert!(expected, "{deleted:?}");
        assert_eq!(client.check().await, Ok(()));
    }
}

#[tokio::test]
async fn a_vault_that_is_away_costs_bounded_time_and_then_none() {
    let stand_in = StandIn::start().await;
    let client = Client::new(&config::Vault {
        address: stand_in.address.clone(),
        token: Secret::new(TOKEN),
        mount: "secret".to_owned(),
        encryption_key_path: None,
    })
    .unwrap();
    for (mood, status) in [(Mood::Sealed, 503)] {
        stand_in.set(mood);
        let sealed = Err(VaultError::Unavailable(status));
        assert_eq!(client.read("secret/data/x").await.map(|_| ()), sealed);
        assert_eq!(client.check().await, sealed);
    }
    stand_in.set(Mood::Hanging);
    let began = Instant::now();
    let fault = client.read("secret/data/x").await.unwrap_err();
    assert!(matches!(fault, VaultError::Unreachable(_)), "{fault:?}");
    assert!(began.elapsed() < Duration::from_secs(4));
    let began = Instant::now();
    let fault = client.delete("secret/metadata/x").await.unwrap_err();
    assert_eq!(fault, VaultError::Resting);
    assert!(began.elapsed() < Duration::from_secs(1));

    stand_in.set(Mood::Serving);
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.read("secret/data/x").await.is_err() {
        assert!(Instant::now() < deadline, "it recovers by itself");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(&config::Vault {
        address,
        token: Secret::new(TOKEN),
        mount: "secret".to_owned(),
        encryption_key_path: None,
    })
    .unwrap();
    let fault = client.read("secret/data/x").await.unwrap_err();
    assert!(matches!(fault, VaultError::Unreachable(_)), "{fault:?}");
}
