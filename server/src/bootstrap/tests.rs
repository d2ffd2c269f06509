//! Founding once, whoever is killed when.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::{
    audit::SystemRandomness,
    clock::ManualClock,
    secrets::{EncryptionKeys, SystemRandom},
    storage::sqlite::{Options, SqliteStorage},
};

struct Bench {
    directory: tempfile::TempDir,
    storage: SqliteStorage,
    secrets: Secrets,
    keeper: Keeper,
    clock: Arc<ManualClock>,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_ms(1_700_000_000_000)));
        let options = Options {
            path: directory.path().join("agentidp.db"),
            auto_migrate: true,
            clock: clock.clone(),
            randomness: Arc::new(SystemRandomness),
        };
        let keys = EncryptionKeys::parse(&"5a".repeat(32)).unwrap();
        Self {
            storage: SqliteStorage::open(options).await.unwrap(),
            secrets: Secrets::new(&keys, Arc::new(SystemRandom)).unwrap(),
            keeper: Keeper::database(),
            directory,
            clock,
        }
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            data_dir: self.directory.path(),
            base_url: "http://localhost:3000",
            storage: &self.storage,
            secrets: &self.secrets,
            keeper: &self.keeper,
            clock: self.clock.as_ref(),
        }
    }

    fn file(&self) -> Value {
        serde_json::from_str(
            &std::fs::read_to_string(self.directory.path().join(BOOTSTRAP_FILE_NAME)).unwrap(),
        )
        .unwrap()
    }
}

#[tokio::test]
async fn the_first_start_founds_and_the_second_leaves_everything_alone() {
    let bench = Bench::new().await;
    let written = ensure(bench.parts()).await.unwrap().unwrap();
    let file = bench.file();
    assert_eq!(file["baseUrl"], "http://localhost:3000");
    assert_eq!(file["clientId"], written.client_id.to_string());
    assert!(
        file["clientSecret"]
            .as_str()
            .unwrap()
            .starts_with("sk_live_")
    );
    assert_eq!(file["organizationId"], written.organization_id.to_string());
    let mode = std::fs::metadata(bench.directory.path().join(BOOTSTRAP_FILE_NAME))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    assert!(ensure(bench.parts()).await.unwrap().is_none());
    assert_eq!(bench.file(), file);
    let client = bench
        .storage
        .credentials()
        .client(written.client_id)
        .await
        .unwrap()
        .unwrap();
    assert!(client.organization_is_system);
    assert_eq!(client.agent.role, AgentRole::Admin);
    assert_eq!(client.credentials.len(), 1);
    assert!(client.credentials[0].scopes.is_none());
}

#[tokio::test]
async fn a_start_killed_before_the_file_had_its_name_is_finished_by_the_next() {
    let bench = Bench::new().await;
    let (founding, file) = found(&bench.parts()).await.unwrap();
    drop(
        file.write_pending(bench.directory.path(), founding.credential.credential_id)
            .unwrap(),
    );
    bench.storage.organizations().found(founding).await.unwrap();

    assert!(ensure(bench.parts()).await.unwrap().is_none());
    assert_eq!(bench.file()["clientSecret"], file.client_secret.expose());
}

#[tokio::test]
async fn a_file_of_a_founding_that_never_was_is_discarded() {
    let bench = Bench::new().await;
    let (founding, file) = found(&bench.parts()).await.unwrap();
    drop(
        file.write_pending(bench.directory.path(), founding.credential.credential_id)
            .unwrap(),
    );

    let written = ensure(bench.parts()).await.unwrap().unwrap();
    assert!(ensure(bench.parts()).await.unwrap().is_none());
    assert_eq!(bench.file()["clientSecret"], written.client_secret.expose());
    assert_eq!(
        file::Pending::find(bench.directory.path()).unwrap().len(),
        0
    );
}

#[tokio::test]
async fn a_start_beside_it_loses_no_secret_and_ends_nobody() {
    let bench = Bench::new().await;
    let directory = bench.directory.path();
    let (founding, file) = found(&bench.parts()).await.unwrap();
    let credential = founding.credential.credential_id;
    bench.storage.organizations().found(founding).await.unwrap();
    let discarded_by_another = |credential| {
        let pending = file.write_pending(directory, credential).unwrap();
        for found in file::Pending::find(directory).unwrap() {
            found.discard().unwrap();
        }
        pending
    };
    let pending = discarded_by_another(credential);
    file.publish(pending, directory, credential).unwrap();
    assert_eq!(bench.file()["clientSecret"], file.client_secret.expose());
    discarded_by_another(Uuid::now_v7()).discard().unwrap();

    let pending = file.write_pending(directory, credential).unwrap();
    assert!(ensure(bench.parts()).await.unwrap().is_none());
    file.publish(pending, directory, credential).unwrap();
    assert_eq!(bench.file()["clientSecret"], file.client_secret.expose());
    assert_eq!(file::Pending::find(directory).unwrap().len(), 0);
}

#[tokio::test]
async fn a_reset_gives_a_fresh_secret_and_revokes_the_old_one() {
    let bench = Bench::new().await;
    let first = ensure(bench.parts()).await.unwrap().unwrap();
    let second = reset(bench.parts()).await.unwrap();
    assert_eq!(second.client_id, first.client_id);
    assert_ne!(second.client_secret.expose(), first.client_secret.expose());
    assert_eq!(bench.file()["clientSecret"], second.client_secret.expose());
    let client = bench
        .storage
        .credentials()
        .client(first.client_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(client.credentials.len(), 1);
}

#[tokio::test]
async fn an_admin_whose_founding_was_killed_before_it_was_noted_is_reset() {
    let bench = Bench::new().await;
    let (founding, _) = found(&bench.parts()).await.unwrap();
    let admin = founding.admin.agent_id;
    bench.storage.organizations().found(founding).await.unwrap();

    assert!(ensure(bench.parts()).await.unwrap().is_none());
    let file = reset(bench.parts()).await.unwrap();
    assert_eq!(file.client_id, admin);
    assert_eq!(bench.file()["clientSecret"], file.client_secret.expose());
}

#[tokio::test]
async fn there_is_nothing_to_reset_before_the_first_start() {
    let bench = Bench::new().await;
    assert!(matches!(
        reset(bench.parts()).await,
        Err(BootstrapError::NotFounded)
    ));
}
