//! Adding, rotating and ending credentials: every rule is judged on what the transaction itself reads.

use std::sync::Arc;

use sqlx::{PgConnection, postgres::PgRow};
use uuid::Uuid;

use super::{
    agent_changes::{check_actor, read_within},
    failure::failed,
    rows::{credential, get, optional_time, uuid},
    transaction::Transaction,
};
use crate::{
    audit::SealedEvent,
    clock::Timestamp,
    generated::types::AgentStatus,
    storage::{
        ACTIVE_CREDENTIALS_MAX, CredentialRecord, Dependency, NewCredential, Reach,
        RevokeCredential, RotateCredential, StorageError, StorageResult,
        writer::{Command, UnitOfWork as _},
    },
};

/// Adds a credential.
pub(super) struct Add {
    pub reach: Reach,
    pub actor: Option<Uuid>,
    pub new: NewCredential,
    pub events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for Add {
    type Output = CredentialRecord;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<CredentialRecord> {
        let connection = transaction.within(self.reach).await?;
        let agent = read_within(connection, self.reach, self.new.agent_id).await?;
        check_actor(connection, self.actor, agent.agent_id).await?;
        if agent.status != AgentStatus::Active {
            return Err(StorageError::AgentNotActive);
        }
        let active: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM credentials WHERE agent_id = $1 AND revoked_at IS NULL",
        )
        .bind(agent.agent_id)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
        if active >= ACTIVE_CREDENTIALS_MAX {
            return Err(StorageError::CredentialLimit);
        }
        let record = insert_credential(connection, &self.new, agent.organization_id).await?;
        transaction.touch_client(agent.agent_id).await?;
        transaction.staged().add_all(&self.events);
        Ok(record)
    }
}

/// Gives a credential a new secret.
pub(super) struct Rotate {
    pub rotate: RotateCredential,
    pub events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for Rotate {
    type Output = CredentialRecord;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<CredentialRecord> {
        let rotate = &self.rotate;
        let row = read_active(
            transaction.within(rotate.reach).await?,
            rotate.reach,
            rotate.actor,
            rotate.agent,
            rotate.credential,
        )
        .await?;
        let old = get::<i64>(&row, "generation")?;
        let new = old + 1;
        let stops_at = rotate.old_stops_at.filter(|stops_at| *stops_at > rotate.at);
        let expires_at = rotate.expires_at.or(optional_time(&row, "expires_at")?);
        let row = sqlx::query(
            "UPDATE credentials SET old_secret_hash = CASE WHEN $1::bigint IS NULL THEN NULL ELSE secret_hash END, old_generation = CASE WHEN $1::bigint IS NULL THEN NULL ELSE $2::bigint END,
             old_stops_at = $1, secret_hash = $3, generation = $4, expires_at = $5 WHERE credential_id = $6 RETURNING *",
        )
        .bind(stops_at.map(|at| at.ms()))
        .bind(old)
        .bind(rotate.secret_hash.clone())
        .bind(new)
        .bind(expires_at.map(|at| at.ms()))
        .bind(rotate.credential)
        .fetch_one(transaction.connection()?)
        .await
        .map_err(failed)?;
        // A secret that was in its grace period already is gone either way: there is one old secret at most.
        match stops_at {
            None => {
                transaction
                    .raise(Dependency::Credential, rotate.credential, new, None)
                    .await?
            }
            Some(at) => {
                transaction
                    .raise(
                        Dependency::Credential,
                        rotate.credential,
                        old,
                        Some((new, at)),
                    )
                    .await?
            }
        }
        transaction.touch_client(rotate.agent).await?;
        transaction.staged().add_all(&self.events);
        credential(&row)
    }
}

/// Ends a credential.
pub(super) struct Revoke {
    pub revoke: RevokeCredential,
    pub events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for Revoke {
    type Output = CredentialRecord;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<CredentialRecord> {
        let revoke = &self.revoke;
        let row = read_active(
            transaction.within(revoke.reach).await?,
            revoke.reach,
            revoke.actor,
            revoke.agent,
            revoke.credential,
        )
        .await?;
        let generation = get::<i64>(&row, "generation")?;
        let row = sqlx::query(
            "UPDATE credentials SET revoked_at = $1, old_secret_hash = NULL, old_generation = NULL, old_stops_at = NULL
             WHERE credential_id = $2 RETURNING *",
        )
        .bind(revoke.at.ms())
        .bind(revoke.credential)
        .fetch_one(transaction.connection()?)
        .await
        .map_err(failed)?;
        transaction
            .raise(
                Dependency::Credential,
                revoke.credential,
                generation + 1,
                None,
            )
            .await?;
        transaction.touch_client(revoke.agent).await?;
        transaction.staged().add_all(&self.events);
        credential(&row)
    }
}

/// The row of an active credential of an agent within reach.
async fn read_active(
    connection: &mut PgConnection,
    reach: Reach,
    actor: Option<Uuid>,
    agent: Uuid,
    id: Uuid,
) -> StorageResult<PgRow> {
    read_within(connection, reach, agent).await?;
    let row = sqlx::query("SELECT * FROM credentials WHERE credential_id = $1 AND agent_id = $2")
        .bind(id)
        .bind(agent)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?
        .ok_or(StorageError::NotFound)?;
    check_actor(connection, actor, agent).await?;
    if optional_time(&row, "revoked_at")?.is_some() {
        return Err(StorageError::CredentialAlreadyRevoked);
    }
    Ok(row)
}

/// Revokes every active credential of an agent that ends, oldest first.
pub(super) async fn revoke_all(
    transaction: &mut Transaction,
    agent: Uuid,
    at: Timestamp,
) -> StorageResult<Vec<Uuid>> {
    let rows = sqlx::query("SELECT credential_id, generation FROM credentials WHERE agent_id = $1 AND revoked_at IS NULL ORDER BY position")
        .bind(agent)
        .fetch_all(transaction.connection()?)
        .await
        .map_err(failed)?;
    sqlx::query(
        "UPDATE credentials SET revoked_at = $1, ended_with_agent = true, old_secret_hash = NULL, old_generation = NULL, old_stops_at = NULL
         WHERE agent_id = $2 AND revoked_at IS NULL",
    )
    .bind(at.ms())
    .bind(agent)
    .execute(transaction.connection()?)
    .await
    .map_err(failed)?;
    let mut revoked = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = uuid(row, "credential_id")?;
        transaction
            .raise(
                Dependency::Credential,
                id,
                get::<i64>(row, "generation")? + 1,
                None,
            )
            .await?;
        revoked.push(id);
    }
    Ok(revoked)
}

/// Adds a credential, whatever the rules say: they were judged before.
pub(super) async fn insert_credential(
    connection: &mut PgConnection,
    new: &NewCredential,
    organization: Uuid,
) -> StorageResult<CredentialRecord> {
    let row = sqlx::query(
        "INSERT INTO credentials (credential_id, agent_id, organization_id, scopes, secret_hash, generation, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7) RETURNING *",
    )
    .bind(new.credential_id)
    .bind(new.agent_id)
    .bind(organization)
    .bind(new.scopes.as_deref().map(<[String]>::to_vec))
    .bind(new.secret_hash.clone())
    .bind(new.created_at.ms())
    .bind(new.expires_at.map(|at| at.ms()))
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    credential(&row)
}

/// Notes when credentials were last used.
pub(super) struct Touch {
    pub used: Vec<(Uuid, Timestamp)>,
}

impl Command<Transaction> for Touch {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let (ids, times): (Vec<Uuid>, Vec<i64>) =
            self.used.iter().map(|(id, at)| (*id, at.ms())).unzip();
        sqlx::query(
            "UPDATE credentials SET last_used_at = greatest(last_used_at, used.at)
             FROM (SELECT id, max(at) AS at FROM unnest($1::uuid[], $2::bigint[]) AS one (id, at) GROUP BY id) AS used
             WHERE credential_id = used.id",
        )
        .bind(ids)
        .bind(times)
        .execute(transaction.within(Reach::Everywhere).await?)
        .await
        .map_err(failed)?;
        Ok(())
    }
}

/// Replaces a secret's hash by another form of the same secret.
pub(super) struct ReplaceHash {
    pub credential: Uuid,
    pub old: String,
    pub new: String,
}

impl Command<Transaction> for ReplaceHash {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let row = sqlx::query("UPDATE credentials SET secret_hash = $1 WHERE credential_id = $2 AND secret_hash = $3 RETURNING agent_id")
            .bind(self.new.clone())
            .bind(self.credential)
            .bind(self.old.clone())
            .fetch_optional(transaction.within(Reach::Everywhere).await?)
            .await
            .map_err(failed)?
            .ok_or(StorageError::Conflict)?;
        let agent = uuid(&row, "agent_id")?;
        transaction.touch_client(agent).await
    }
}
