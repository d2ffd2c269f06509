//! What is stored of a secret changes its form; the secret goes on to work.

use std::{path::Path, process::Command, sync::Arc};

use agentidp_server::{
    clock::SystemClock,
    config::{Config, Source},
    keys::{Reencrypted, reencrypt},
    secrets::{EncryptionKeys, Secrets, SystemRandom},
    storage::{self, Storage},
};
use tempfile::TempDir;

use crate::{
    database,
    harness::{self, Harness, Identity},
    process::Process,
};

/// What the hashes below are of.
const SECRET: &str = "sk_live_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Made by Python's bcrypt and argon2-cffi.
const MADE_ELSEWHERE: [&str; 2] = [
    "$2b$04$kAnqMAhyMdci/wZhHgR43.gPx/a7gUjX8KjquWG.9L2j37weDrMGu",
    "$argon2id$v=19$m=64,t=2,p=1$r/9LzDAqeEeUSCSwX0KDig$2gzuBeXyhXpGHtutD3dPBzUyhCmJuFR3NCZWqXgbngo",
];

/// The store of a server that is not running.
async fn open(folder: &TempDir, variables: &[(&str, &str)]) -> (Config, Arc<dyn Storage>) {
    let data = folder.path().display().to_string();
    let mut source = Source::of(&[("AGENTIDP_DATA_DIR", &data)]);
    for (name, value) in database::chosen(folder.path()).await {
        source.set(name, value);
    }
    for (name, value) in variables {
        source.set(name, *value);
    }
    let config = Config::load(&source).unwrap();
    let storage = storage::open(&config, Arc::new(SystemClock)).await.unwrap();
    (config, storage)
}

/// The hash of a client's only secret, after putting `new` in its place.
async fn hash(storage: &dyn Storage, client: &Identity, new: Option<&str>) -> String {
    let id = client.client_id.parse().unwrap();
    let record = storage.credentials().client(id).await.unwrap().unwrap();
    let credential = &record.credentials[0];
    let old = &credential.secrets[0].hash;
    if let Some(new) = new {
        let credentials = storage.credentials();
        let done = credentials.replace_hash(credential.credential_id, old, new);
        done.await.unwrap();
    }
    old.clone()
}

async fn again(folder: TempDir, variables: &[(&str, &str)]) -> Harness {
    let clock = Arc::new(SystemClock);
    let unlimited = [("RATE_LIMIT_MAX_REQUESTS", "0")];
    harness::start_in(folder, &[&unlimited[..], variables].concat(), clock).await
}

async fn status(harness: &Harness, client: &Identity) -> u16 {
    harness.form("/api/v1/token", &client.form()).await.status
}

#[tokio::test]
async fn an_imported_hash_is_verified_and_replaced_at_its_first_use() {
    let mut folder = harness::start().await.stop().await;
    for imported in MADE_ELSEWHERE {
        let running = again(folder, &[]).await;
        let admin = running.admin.clone();
        folder = running.stop().await;
        let (_, storage) = open(&folder, &[]).await;
        hash(&*storage, &admin, Some(imported)).await;
        storage.close().await;

        let running = again(folder, &[]).await;
        let before = admin.clone();
        let with = |secret: &str| Identity {
            client_secret: secret.to_owned(),
            ..admin.clone()
        };
        let stranger = Identity {
            client_id: "0192f8c4-0000-7000-8000-000000000000".to_owned(),
            ..with(SECRET)
        };
        let mut refused = Vec::new();
        for wrong in [&before, &with(&SECRET[..71]), &with(imported), &stranger] {
            let answer = running.form("/api/v1/token", &wrong.form()).await;
            assert_eq!(answer.status, 401);
            refused.push(answer.body.unwrap());
        }
        refused.dedup();
        assert_eq!(refused.len(), 1, "{refused:?}");
        for _ in 0..2 {
            assert_eq!(status(&running, &with(SECRET)).await, 200);
        }
        assert_eq!(status(&running, &before).await, 401);
        folder = running.stop().await;

        let (_, storage) = open(&folder, &[]).await;
        let replaced = hash(&*storage, &admin, None).await;
        assert!(replaced.starts_with("hmac-sha256$"), "{replaced}");
        storage.close().await;
        let running = again(folder, &[]).await;
        assert_eq!(status(&running, &with(SECRET)).await, 200);
        folder = running.stop().await;
    }
}

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const BOTH: &str = concat!(
    "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f,",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
);

#[tokio::test]
async fn the_encryption_key_is_exchanged_and_all_goes_on_to_work() {
    exchange(&[]).await;
}

#[tokio::test]
async fn the_encryption_key_is_exchanged_on_postgresql() {
    let database = database::fresh().await;
    let variables: Vec<_> = database.iter().map(|(n, v)| (*n, v.as_str())).collect();
    exchange(&variables).await;
}

/// Old only, then new and old, then new only.
async fn exchange(base: &[(&str, &str)]) {
    let keys = |list: &'static str| {
        let common = [
            ("ISSUER", "https://idp.example.com"),
            ("ENCRYPTION_KEY", list),
        ];
        [base, &common[..]].concat()
    };
    let running = again(tempfile::tempdir().unwrap(), &keys(OLD)).await;
    let token = running.admin_token().await;
    let admin = running.admin.clone();
    let other = running.register("other@example.com", &token).await;
    let other = running.identity(&other.text("agentId"), &token).await;
    let folder = running.stop().await;

    let running = again(folder, &keys(BOTH)).await;
    assert_eq!(status(&running, &admin).await, 200);
    assert_eq!(running.get("/api/v1/agents", &token).await.status, 200);
    let first = reencrypted(&running.folder, &keys(BOTH)).await;
    assert_eq!((first.changed, first.unchanged), (1, 0));
    assert_eq!(first.secrets.older_key, 1, "the one that nobody used");
    let second = reencrypted(&running.folder, &keys(BOTH)).await;
    assert_eq!((second.changed, second.unchanged), (0, 1));
    assert_eq!(status(&running, &other).await, 200);
    let third = reencrypted(&running.folder, &keys(BOTH)).await;
    assert_eq!(third.secrets.older_key, 0);
    assert!(third.unreadable.is_empty());
    let folder = running.stop().await;

    let without = reencrypted(&folder, &keys(OLD)).await;
    assert_eq!(without.unreadable.len(), 1, "the old key decrypts nothing");
    assert_eq!(without.secrets.unusable, 2);

    let running = again(folder, &keys(NEW)).await;
    assert_eq!(running.get("/api/v1/agents", &token).await.status, 200);
    for client in [&admin, &other] {
        assert_eq!(status(&running, client).await, 200);
    }
    running.stop().await;
}

async fn reencrypted(folder: &TempDir, variables: &[(&str, &str)]) -> Reencrypted {
    let (config, storage) = open(folder, variables).await;
    let keys: EncryptionKeys = config.encryption_keys.clone().unwrap();
    let secrets = Secrets::new(&keys, Arc::new(SystemRandom)).unwrap();
    let done = reencrypt(&*storage, &secrets).await.unwrap();
    storage.close().await;
    done
}

/// Tries to serve from there, on SQLite; how it ended, and the one line that it said.
pub fn refused(data: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    ended(data, &["serve", "--port", "0"], variables)
}

fn ended(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_agentidp"))
        .args(arguments)
        .current_dir(data)
        .env_clear()
        .env("AGENTIDP_DATA_DIR", data)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    (ended.status.code(), said)
}

#[test]
fn a_lost_encryption_key_is_not_replaced_and_a_wrong_one_is_named() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("encryption.key");
    let (said, code) = Process::start(data.path(), &[]).stop();
    assert_eq!(code, Some(0), "{said}");
    let key = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();

    let (code, said) = refused(data.path(), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("encryption key of this database is missing"),
        "{said}"
    );
    assert!(
        !file.exists(),
        "another key stands where the old one has to go"
    );

    let other = "5e".repeat(32);
    let (code, said) = refused(data.path(), &[("ENCRYPTION_KEY", &other)]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.starts_with("agentidp: ENCRYPTION_KEY: "), "{said}");
    assert!(!said.contains(&other), "{said}");
    for arguments in [
        &["keys", "rotate", "--now"] as &[&str],
        &["keys", "revoke", "x"],
        &["bootstrap", "--reset"],
    ] {
        let (code, said) = ended(data.path(), arguments, &[("ENCRYPTION_KEY", &other)]);
        assert_eq!(code, Some(78), "{arguments:?}: {said}");
        assert!(said.starts_with("agentidp: ENCRYPTION_KEY: "), "{said}");
    }

    let both = format!("{other},{}", String::from_utf8(key).unwrap().trim());
    let (said, code) = Process::start(data.path(), &[("ENCRYPTION_KEY", &both)]).stop();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn processes_that_start_at_once_in_an_empty_folder_all_serve() {
    for _ in 0..3 {
        let data = tempfile::tempdir().unwrap();
        let serving: Vec<Process> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..5)
                .map(|_| scope.spawn(|| Process::start(data.path(), &[])))
                .collect();
            starts.into_iter().map(|it| it.join().unwrap()).collect()
        });
        drop(serving);
        let names = std::fs::read_dir(data.path()).unwrap();
        let names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = names.filter(|name| name.ends_with(".pending")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
