//! Generations, revoked tokens and the revision: how a transaction raises them, and how a follower reads them.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    SqliteStorage,
    failure::{corrupt, failed},
    rows::{bytes, get, optional_time, time, uuid},
    transaction::Transaction,
};
use crate::{
    audit::{NewEvent, SealedEvent},
    clock::Timestamp,
    storage::{
        Changes, Dependency, Raise, Revision, RevocationStore, RevokedToken, StorageError,
        StorageResult,
        words::{SIGNING_KEYS, dependency, kind},
        writer::{Command, UnitOfWork as _},
    },
};

impl Transaction {
    /// Ends every token that names this thing as it is now.
    pub async fn raise_by_one(&mut self, dependency: Dependency, id: Uuid) -> StorageResult<()> {
        let now = self.generation(dependency, id).await?;
        self.raise(dependency, id, now + 1, None).await
    }

    /// Ends every token that names less than `generation` of this thing; and, from a moment on, every one that names less
    /// than `pending.0`. What was pending before is gone: `generation` has to cover it.
    pub async fn raise(
        &mut self,
        dependency: Dependency,
        id: Uuid,
        generation: i64,
        pending: Option<(i64, Timestamp)>,
    ) -> StorageResult<()> {
        let revision = self.revision().await?;
        sqlx::query(
            "INSERT INTO dependencies (kind, id, generation, pending_generation, pending_at, revision) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (kind, id) DO UPDATE
             SET generation = max(generation, excluded.generation), pending_generation = excluded.pending_generation,
                 pending_at = excluded.pending_at, revision = excluded.revision",
        )
        .bind(kind(dependency))
        .bind(bytes(id))
        .bind(generation)
        .bind(pending.map(|(generation, _)| generation))
        .bind(pending.map(|(_, at)| at.ms()))
        .bind(revision)
        .execute(self.connection())
        .await
        .map_err(failed)?;
        if generation > 0 {
            self.staged().will_tell_raise(Raise {
                dependency,
                id,
                generation,
                effective_at: None,
            });
        }
        if let Some((generation, at)) = pending {
            self.staged().will_tell_raise(Raise {
                dependency,
                id,
                generation,
                effective_at: Some(at),
            });
        }
        Ok(())
    }

    /// What authenticating this client takes has changed.
    pub async fn touch_client(&mut self, agent: Uuid) -> StorageResult<()> {
        self.touch(kind(Dependency::Agent), agent).await?;
        self.staged().will_tell_client(agent);
        Ok(())
    }

    /// What authenticating this organization's clients takes has changed.
    pub async fn touch_organization(&mut self, organization: Uuid) -> StorageResult<()> {
        self.touch(kind(Dependency::Organization), organization)
            .await?;
        self.staged().will_tell_organization(organization);
        Ok(())
    }

    /// The set of signing keys has changed.
    pub async fn touch_signing_keys(&mut self) -> StorageResult<()> {
        self.touch(SIGNING_KEYS, Uuid::nil()).await?;
        self.staged().will_tell_signing_keys();
        Ok(())
    }

    async fn touch(&mut self, kind: &'static str, id: Uuid) -> StorageResult<()> {
        let revision = self.revision().await?;
        sqlx::query(
            "INSERT INTO dependencies (kind, id, generation, revision) VALUES (?, ?, 0, ?)
             ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision",
        )
        .bind(kind)
        .bind(bytes(id))
        .bind(revision)
        .execute(self.connection())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn generation(&mut self, dependency: Dependency, id: Uuid) -> StorageResult<i64> {
        sqlx::query_scalar("SELECT generation FROM dependencies WHERE kind = ? AND id = ?")
            .bind(kind(dependency))
            .bind(bytes(id))
            .fetch_optional(self.connection())
            .await
            .map(Option::unwrap_or_default)
            .map_err(failed)
    }
}

#[async_trait]
impl RevocationStore for SqliteStorage {
    async fn revision(&self) -> StorageResult<Revision> {
        sqlx::query_scalar("SELECT value FROM revision")
            .fetch_one(&self.readers)
            .await
            .map_err(failed)
    }

    async fn load(&self, now: Timestamp) -> StorageResult<Changes> {
        let mut look = self.readers.begin().await.map_err(failed)?;
        let mut changes = Changes {
            revision: revision(&mut look).await?,
            whole: true,
            signing_keys: true,
            ..Changes::default()
        };
        let rows = sqlx::query(
            "SELECT * FROM dependencies WHERE generation > 0 OR pending_at IS NOT NULL",
        )
        .fetch_all(&mut *look)
        .await
        .map_err(failed)?;
        for row in rows {
            if let Some(dependency) = dependency(get(&row, "kind")?) {
                add_raises(&mut changes, &row, dependency)?;
            }
        }
        let rows = sqlx::query("SELECT jti, expires_at FROM revoked_tokens WHERE expires_at > ?")
            .bind(now.ms())
            .fetch_all(&mut *look)
            .await
            .map_err(failed)?;
        changes.revoked = rows
            .iter()
            .map(revoked_token)
            .collect::<StorageResult<_>>()?;
        look.commit().await.map_err(failed)?;
        Ok(changes)
    }

    async fn changes_since(&self, known: Revision) -> StorageResult<Changes> {
        let mut look = self.readers.begin().await.map_err(failed)?;
        let mut changes = Changes {
            revision: revision(&mut look).await?,
            ..Changes::default()
        };
        if changes.revision < known {
            // The file is an older one, put back: what the reader knows is worth nothing.
            look.commit().await.map_err(failed)?;
            return self.load(Timestamp::from_ms(0)).await;
        }
        if changes.revision > known {
            read_since(&mut look, known, &mut changes).await?;
        }
        look.commit().await.map_err(failed)?;
        Ok(changes)
    }

    async fn revoke_token(&self, token: RevokedToken, events: Vec<NewEvent>) -> StorageResult<()> {
        let events = self.seal(events);
        self.writer.change(RevokeToken { token, events }).await
    }

    async fn settle(&self, now: Timestamp) -> StorageResult<u64> {
        let due: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM credentials WHERE old_stops_at <= ?)")
                .bind(now.ms())
                .fetch_one(&self.readers)
                .await
                .map_err(failed)?;
        if due {
            self.writer.change(Settle { now }).await
        } else {
            Ok(0)
        }
    }

    async fn forget_expired(&self, now: Timestamp) -> StorageResult<u64> {
        self.writer.change(ForgetTokens { now }).await
    }

    async fn end_all_tokens(&self, at: Timestamp) -> StorageResult<u64> {
        self.writer.change(EndAllTokens { at }).await
    }
}

async fn revision(look: &mut SqliteConnection) -> StorageResult<Revision> {
    sqlx::query_scalar("SELECT value FROM revision")
        .fetch_one(look)
        .await
        .map_err(failed)
}

async fn read_since(
    look: &mut SqliteConnection,
    known: Revision,
    changes: &mut Changes,
) -> StorageResult<()> {
    let rows = sqlx::query("SELECT * FROM dependencies WHERE revision > ?")
        .bind(known)
        .fetch_all(&mut *look)
        .await
        .map_err(failed)?;
    for row in rows {
        let name: &str = get(&row, "kind")?;
        match dependency(name) {
            Some(Dependency::Agent) => changes.clients.push(uuid(&row, "id")?),
            Some(Dependency::Organization) => changes.organizations.push(uuid(&row, "id")?),
            Some(_) => {}
            None if name == SIGNING_KEYS => changes.signing_keys = true,
            None => return Err(corrupt("dependency")),
        }
        if let Some(dependency) = dependency(name) {
            add_raises(changes, &row, dependency)?;
        }
    }
    let rows = sqlx::query("SELECT jti, expires_at FROM revoked_tokens WHERE revision > ?")
        .bind(known)
        .fetch_all(look)
        .await
        .map_err(failed)?;
    changes.revoked = rows
        .iter()
        .map(revoked_token)
        .collect::<StorageResult<_>>()?;
    Ok(())
}

fn add_raises(changes: &mut Changes, row: &SqliteRow, dependency: Dependency) -> StorageResult<()> {
    let id = uuid(row, "id")?;
    let generation: i64 = get(row, "generation")?;
    if generation > 0 {
        changes.raises.push(Raise {
            dependency,
            id,
            generation,
            effective_at: None,
        });
    }
    let effective_at = optional_time(row, "pending_at")?;
    if let Some(generation) = get(row, "pending_generation")?
        && effective_at.is_some()
    {
        changes.raises.push(Raise {
            dependency,
            id,
            generation,
            effective_at,
        });
    }
    Ok(())
}

fn revoked_token(row: &SqliteRow) -> StorageResult<RevokedToken> {
    Ok(RevokedToken {
        jti: get(row, "jti")?,
        expires_at: time(row, "expires_at")?,
    })
}

struct RevokeToken {
    token: RevokedToken,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for RevokeToken {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = ?)")
                .bind(self.token.jti.clone())
                .fetch_one(transaction.connection())
                .await
                .map_err(failed)?;
        if there {
            return Ok(());
        }
        let revision = transaction.revision().await?;
        sqlx::query("INSERT INTO revoked_tokens (jti, expires_at, revision) VALUES (?, ?, ?)")
            .bind(self.token.jti.clone())
            .bind(self.token.expires_at.ms())
            .bind(revision)
            .execute(transaction.connection())
            .await
            .map_err(failed)?;
        transaction.staged().will_tell_revoked(self.token.clone());
        transaction.staged().add_all(&self.events);
        Ok(())
    }
}

struct Settle {
    now: Timestamp,
}

impl Command<Transaction> for Settle {
    type Output = u64;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<u64> {
        let rows = sqlx::query(
            "UPDATE credentials SET old_secret_hash = NULL, old_generation = NULL, old_stops_at = NULL WHERE old_stops_at <= ?
             RETURNING credential_id, agent_id, generation",
        )
        .bind(self.now.ms())
        .fetch_all(transaction.connection())
        .await
        .map_err(failed)?;
        for row in &rows {
            transaction
                .raise(
                    Dependency::Credential,
                    uuid(row, "credential_id")?,
                    get(row, "generation")?,
                    None,
                )
                .await?;
            transaction.touch_client(uuid(row, "agent_id")?).await?;
        }
        u64::try_from(rows.len()).map_err(|_| corrupt("number of rows"))
    }
}

struct ForgetTokens {
    now: Timestamp,
}

impl Command<Transaction> for ForgetTokens {
    type Output = u64;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<u64> {
        sqlx::query("DELETE FROM revoked_tokens WHERE expires_at < ?")
            .bind(self.now.ms())
            .execute(transaction.connection())
            .await
            .map(|done| done.rows_affected())
            .map_err(failed)
    }
}

struct EndAllTokens {
    at: Timestamp,
}

impl Command<Transaction> for EndAllTokens {
    type Output = u64;

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<u64> {
        let rows = sqlx::query("SELECT organization_id FROM organizations")
            .fetch_all(transaction.connection())
            .await
            .map_err(failed)?;
        for row in &rows {
            let organization = uuid(row, "organization_id")?;
            let kind = Dependency::Organization;
            let now = transaction.generation(kind, organization).await?;
            let generation = self.at.ms().max(now + 1);
            transaction
                .raise(kind, organization, generation, None)
                .await?;
            transaction.touch_organization(organization).await?;
        }
        u64::try_from(rows.len()).map_err(|_| corrupt("number of rows"))
    }
}

/// Shows that the writer takes and commits a transaction.
pub(super) struct Probe;

impl Command<Transaction> for Probe {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> Result<(), StorageError> {
        revision(transaction.connection()).await.map(drop)
    }
}
