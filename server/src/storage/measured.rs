//! Any backend, with each question to it timed under its name: `agents.get`, `audit.append`.
//!
//! One line a method: a trait that gets a method gets a line here, and the compiler asks for it. What is measured is what
//! the caller waits for - a free connection, the queue of the writer and the commit included. Nobody waits for ever: a
//! database whose other end fell silent gives neither an answer nor an error.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    AgentFilter, AgentRecord, AgentStore, AgentsMax, AuditPage, AuditQuery, AuditStore, ChainHead,
    ChangeObserver, Changes, Claim, ClientRecord, CredentialRecord, CredentialStore, Day,
    DecommissionAgent, ErasureStore, Founding, IdempotencyStore, JobRecord, JobStore, KeyRotation,
    LeftInVault, MaterialStore, NewAgent, NewCredential, OrganizationRecord, OrganizationStatus,
    OrganizationStore, Page, Paging, PoolUse, Reach, Revision, RevocationStore, RevokeCredential,
    RevokedToken, RotateCredential, SigningKeyRecord, SigningKeyStore, Slot, Storage, StorageError,
    StorageResult, StoredEvent, TakeTurn, Turn, UpdateAgent, Usage, UsageBatch, UsageOf,
    UsageStore,
};
use crate::{audit::NewEvent, clock::Timestamp, metrics::Metrics, telemetry};

/// How long the answer to a question may take: longer than any statement, lock or transaction may, shorter than a request.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(25);

/// A backend and where its times go.
pub struct Measured {
    inner: Arc<dyn Storage>,
    metrics: Arc<Metrics>,
}

impl Measured {
    /// Around that backend.
    pub fn around(inner: Arc<dyn Storage>, metrics: Arc<Metrics>) -> Arc<dyn Storage> {
        Arc::new(Self { inner, metrics })
    }

    async fn time<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = StorageResult<T>> + Send,
    ) -> StorageResult<T> {
        let began = Instant::now();
        let answer = in_time(work)
            .instrument(telemetry::storage(operation))
            .await;
        self.metrics.database(operation, began.elapsed());
        answer
    }
}

/// A write that was given up may still be made, as after any other failure of the store: its place in the queue stays.
async fn in_time<T>(work: impl Future<Output = StorageResult<T>>) -> StorageResult<T> {
    timeout(ANSWER_TIME_MAX, work).await.unwrap_or_else(|_| {
        Err(StorageError::Unavailable(
            "the database does not answer".to_owned(),
        ))
    })
}

/// Passes each method on, timed.
macro_rules! measured {
    ($($section:ident: $store:ident {
        $($method:ident($($name:ident: $kind:ty),*) -> $answer:ty;)*
    })*) => {$(
        #[async_trait]
        impl $store for Measured {
            $(async fn $method(&self, $($name: $kind),*) -> StorageResult<$answer> {
                let operation = concat!(stringify!($section), ".", stringify!($method));
                self.time(operation, self.inner.$section().$method($($name),*)).await
            })*
        }
    )*};
}

measured! {
    organizations: OrganizationStore {
        get(organization: Uuid) -> Option<OrganizationRecord>;
        system() -> Option<OrganizationRecord>;
        next(after: Option<Uuid>) -> Option<Uuid>;
        found(founding: Founding) -> ();
        insert(organization: OrganizationRecord, events: Vec<NewEvent>) -> ();
        set_status(organization: Uuid, status: OrganizationStatus, at: Timestamp, events: Vec<NewEvent>) -> OrganizationRecord;
    }
    agents: AgentStore {
        get(reach: Reach, agent: Uuid) -> Option<AgentRecord>;
        get_by_email(organization: Uuid, email: &str) -> Option<AgentRecord>;
        list(reach: Reach, filter: &AgentFilter, paging: Paging) -> Page<AgentRecord>;
        insert(agent: NewAgent, agents_max: AgentsMax, events: Vec<NewEvent>) -> AgentRecord;
        update(update: UpdateAgent) -> AgentRecord;
        decommission(decommission: DecommissionAgent) -> AgentRecord;
    }
    credentials: CredentialStore {
        get(reach: Reach, agent: Uuid, credential: Uuid) -> Option<CredentialRecord>;
        list(reach: Reach, agent: Uuid, revoked: Option<bool>, paging: Paging) -> Page<CredentialRecord>;
        insert(reach: Reach, actor: Option<Uuid>, credential: NewCredential, events: Vec<NewEvent>) -> CredentialRecord;
        rotate(rotate: RotateCredential) -> CredentialRecord;
        revoke(revoke: RevokeCredential) -> CredentialRecord;
        client(client: Uuid) -> Option<ClientRecord>;
        touch(used: &[(Uuid, Timestamp)]) -> ();
        replace_hash(credential: Uuid, old: &str, new: &str) -> ();
        left_in_vault(most: u32) -> Vec<LeftInVault>;
        count_expiring(now: Timestamp, until: Timestamp) -> u64;
    }
    revocations: RevocationStore {
        revision() -> Revision;
        load(now: Timestamp) -> Changes;
        changes_since(revision: Revision) -> Changes;
        revoke_token(token: RevokedToken, events: Vec<NewEvent>) -> ();
        settle(now: Timestamp) -> u64;
        forget_expired(now: Timestamp) -> u64;
        end_all_tokens(at: Timestamp) -> u64;
    }
    signing_keys: SigningKeyStore {
        list() -> Vec<SigningKeyRecord>;
        rotate(rotation: KeyRotation) -> ();
        reencrypt(kid: &str, old: &[u8], new: &[u8]) -> ();
    }
    materials: MaterialStore {
        get(name: &str) -> Option<Vec<u8>>;
        get_or_insert(name: &str, value: &[u8]) -> Vec<u8>;
        replace(name: &str, expected: Option<&[u8]>, value: &[u8]) -> ();
    }
    audit: AuditStore {
        append(event: NewEvent) -> ();
        append_later(event: NewEvent) -> ();
        query(query: AuditQuery) -> AuditPage;
        get(reach: Reach, event: Uuid) -> Option<StoredEvent>;
        chain(organization: Uuid, from_sequence: i64, limit: u32) -> Vec<StoredEvent>;
        first_sequence_from(organization: Uuid, from: Timestamp) -> Option<i64>;
        head(organization: Uuid) -> Option<ChainHead>;
        chains() -> Vec<(Uuid, ChainHead)>;
    }
    erasure: ErasureStore {
        erase_events(agent: Uuid, organization: Uuid, first: i64, last: i64) -> u64;
        erase_agent(agent: Uuid, at: Timestamp, events: Vec<NewEvent>) -> bool;
    }
    usage: UsageStore {
        get(organization: Uuid, day: Day) -> Usage;
        add(batch: UsageBatch) -> Vec<UsageOf>;
    }
    jobs: JobStore {
        get(job: &'static str) -> Option<JobRecord>;
        take(take: TakeTurn) -> Turn;
        keep(turn: &Turn, lease_until: Timestamp, note: Option<Vec<u8>>) -> ();
        finish(turn: &Turn, ran_at: Option<Timestamp>, note: Option<Vec<u8>>) -> ();
    }
    idempotency: IdempotencyStore {
        claim(slot: Slot, fingerprint: [u8; 32], now: Timestamp, lease_until: Timestamp) -> Claim;
        renew(slot: Slot, lease_until: Timestamp) -> bool;
        complete(slot: Slot, answer: &[u8], expires_at: Timestamp) -> ();
        release(slot: Slot) -> ();
        forget_expired(now: Timestamp) -> u64;
    }
}

#[async_trait]
impl Storage for Measured {
    fn organizations(&self) -> &dyn OrganizationStore {
        self
    }

    fn agents(&self) -> &dyn AgentStore {
        self
    }

    fn credentials(&self) -> &dyn CredentialStore {
        self
    }

    fn revocations(&self) -> &dyn RevocationStore {
        self
    }

    fn signing_keys(&self) -> &dyn SigningKeyStore {
        self
    }

    fn materials(&self) -> &dyn MaterialStore {
        self
    }

    fn audit(&self) -> &dyn AuditStore {
        self
    }

    fn erasure(&self) -> &dyn ErasureStore {
        self
    }

    fn idempotency(&self) -> &dyn IdempotencyStore {
        self
    }

    fn usage(&self) -> &dyn UsageStore {
        self
    }

    fn jobs(&self) -> &dyn JobStore {
        self
    }

    fn observe(&self, observer: Arc<dyn ChangeObserver>) {
        self.inner.observe(observer);
    }

    fn pool(&self) -> PoolUse {
        self.inner.pool()
    }

    async fn check(&self) -> StorageResult<()> {
        self.time("check", self.inner.check()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_never_answered_is_unavailable() {
        let silence = std::future::pending::<StorageResult<()>>();
        assert!(in_time(silence).await.unwrap_err().is_unavailable());
        assert_eq!(in_time(async { Ok(1) }).await, Ok(1));
    }
}
