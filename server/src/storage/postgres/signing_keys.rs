//! Signing keys.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{PostgresStorage, failure::failed, rows::signing_key, transaction::Transaction};
use crate::{
    audit::SealedEvent,
    storage::{
        KeyRotation, KeyState, SigningKeyRecord, SigningKeyStore, StorageError, StorageResult,
        words::key_word,
        writer::{Command, UnitOfWork as _},
    },
};

#[async_trait]
impl SigningKeyStore for PostgresStorage {
    async fn list(&self) -> StorageResult<Vec<SigningKeyRecord>> {
        sqlx::query("SELECT * FROM signing_keys ORDER BY position DESC")
            .fetch_all(&self.readers)
            .await
            .map_err(failed)?
            .iter()
            .map(signing_key)
            .collect()
    }

    async fn rotate(&self, mut rotation: KeyRotation) -> StorageResult<()> {
        let events = self.seal(std::mem::take(&mut rotation.events));
        self.writer.change(Rotate { rotation, events }).await
    }

    async fn reencrypt(&self, kid: &str, old: &[u8], new: &[u8]) -> StorageResult<()> {
        self.writer
            .change(Reencrypt {
                kid: kid.to_owned(),
                old: old.to_vec(),
                new: new.to_vec(),
            })
            .await
    }
}

struct Rotate {
    rotation: KeyRotation,
    events: Vec<Arc<SealedEvent>>,
}

impl Command<Transaction> for Rotate {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let connection = transaction.connection()?;
        let present: Vec<(String, String)> =
            sqlx::query_as("SELECT kid, state FROM signing_keys WHERE state IN ('active', 'next')")
                .fetch_all(&mut *connection)
                .await
                .map_err(failed)?;
        if !self.rotation.expects(&present) {
            return Err(StorageError::Conflict);
        }
        // Keys that stop being active come first: there is at most one at any moment.
        let (begins, ends): (Vec<_>, Vec<_>) = self
            .rotation
            .update
            .iter()
            .partition(|key| key.state == KeyState::Active);
        for key in ends.into_iter().chain(begins) {
            update(connection, key).await?;
        }
        for key in &self.rotation.insert {
            insert(connection, key).await?;
        }
        transaction.touch_signing_keys().await?;
        transaction.staged().add_all(&self.events);
        Ok(())
    }
}

async fn insert(connection: &mut PgConnection, key: &SigningKeyRecord) -> StorageResult<()> {
    let done = sqlx::query(
        "INSERT INTO signing_keys (kid, algorithm, state, public_jwk, private_encrypted, created_at, activated_at, retired_at,
         expires_at, revoked_at, imported, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (kid) DO NOTHING",
    )
    .bind(key.kid.clone())
    .bind(key.algorithm.clone())
    .bind(key_word(key.state))
    .bind(key.public_jwk.clone())
    .bind(key.private_encrypted.clone())
    .bind(key.created_at.ms())
    .bind(key.activated_at.map(|at| at.ms()))
    .bind(key.retired_at.map(|at| at.ms()))
    .bind(key.expires_at.map(|at| at.ms()))
    .bind(key.revoked_at.map(|at| at.ms()))
    .bind(key.imported)
    .bind(key.published_at.ms())
    .execute(connection)
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        Err(StorageError::Conflict)
    } else {
        Ok(())
    }
}

async fn update(connection: &mut PgConnection, key: &SigningKeyRecord) -> StorageResult<()> {
    let done = sqlx::query(
        "UPDATE signing_keys SET state = $1, activated_at = $2, retired_at = $3, expires_at = $4, revoked_at = $5,
         imported = $6, published_at = $7 WHERE kid = $8",
    )
    .bind(key_word(key.state))
    .bind(key.activated_at.map(|at| at.ms()))
    .bind(key.retired_at.map(|at| at.ms()))
    .bind(key.expires_at.map(|at| at.ms()))
    .bind(key.revoked_at.map(|at| at.ms()))
    .bind(key.imported)
    .bind(key.published_at.ms())
    .bind(key.kid.clone())
    .execute(connection)
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        Err(StorageError::NotFound)
    } else {
        Ok(())
    }
}

struct Reencrypt {
    kid: String,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Command<Transaction> for Reencrypt {
    type Output = ();

    async fn run(&self, transaction: &mut Transaction) -> StorageResult<()> {
        let done = sqlx::query(
            "UPDATE signing_keys SET private_encrypted = $1 WHERE kid = $2 AND private_encrypted = $3",
        )
        .bind(self.new.clone())
        .bind(self.kid.clone())
        .bind(self.old.clone())
        .execute(transaction.connection()?)
        .await
        .map_err(failed)?;
        if done.rows_affected() == 0 {
            Err(StorageError::Conflict)
        } else {
            Ok(())
        }
    }
}
