//! The writer's transaction: the connection, what was staged in it, and what it will tell the observer.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use sqlx::{Connection, SqliteConnection};
use uuid::Uuid;

use super::{chain, failure::failed};
use crate::{
    audit::{NewEvent, Randomness, SealedEvent},
    clock::Clock,
    storage::{
        ChangeObserver, Changes, Raise, Revision, RevokedToken, StorageError, StorageResult,
    },
};

/// Who is told of committed changes; set once the observer exists.
#[derive(Clone, Default)]
pub(super) struct ObserverSlot(Arc<ArcSwapOption<Arc<dyn ChangeObserver>>>);

impl ObserverSlot {
    /// From now on this one.
    pub fn set(&self, observer: Arc<dyn ChangeObserver>) {
        self.0.store(Some(Arc::new(observer)));
    }

    fn tell(&self, changes: &Changes) {
        if let Some(observer) = self.0.load().as_deref() {
            observer.committed(changes);
        }
    }
}

/// What has been staged up to a savepoint.
pub(super) struct Mark {
    events: usize,
    raises: usize,
    revoked: usize,
    clients: usize,
    organizations: usize,
    signing_keys: bool,
    revision: Option<Revision>,
}

/// The writer's transaction. There is one for the whole life of the writer; it begins and ends many times.
pub(super) struct Transaction {
    connection: SqliteConnection,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    observer: ObserverSlot,
    events: Vec<Arc<SealedEvent>>,
    changes: Changes,
    revision: Option<Revision>,
}

impl Transaction {
    /// On a connection of its own.
    pub fn new(
        connection: SqliteConnection,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        observer: ObserverSlot,
    ) -> Self {
        Self {
            connection,
            clock,
            randomness,
            observer,
            events: Vec::new(),
            changes: Changes::default(),
            revision: None,
        }
    }

    /// Where statements run.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Takes the write lock at once: a lock taken later could only fail.
    pub async fn begin(&mut self) -> StorageResult<()> {
        self.forget();
        self.execute("BEGIN IMMEDIATE").await
    }

    /// Appends what was staged, commits, tells the observer.
    pub async fn commit(&mut self) -> StorageResult<()> {
        if let Err(error) = self.finish().await {
            self.abandon().await;
            return Err(error);
        }
        if let Some(revision) = self.revision.take() {
            self.changes.revision = revision;
            self.observer.tell(&self.changes);
        }
        self.forget();
        Ok(())
    }

    /// Undoes everything.
    pub async fn abandon(&mut self) {
        self.forget();
        // It fails when the failure that led here has ended the transaction already.
        let _ = self.execute("ROLLBACK").await;
    }

    /// Opens a savepoint.
    pub async fn save(&mut self) -> StorageResult<Mark> {
        self.execute("SAVEPOINT change").await?;
        Ok(Mark {
            events: self.events.len(),
            raises: self.changes.raises.len(),
            revoked: self.changes.revoked.len(),
            clients: self.changes.clients.len(),
            organizations: self.changes.organizations.len(),
            signing_keys: self.changes.signing_keys,
            revision: self.revision,
        })
    }

    /// Keeps what was done since the savepoint.
    pub async fn release(&mut self) -> StorageResult<()> {
        self.execute("RELEASE change").await
    }

    /// Undoes what was done since the savepoint.
    pub async fn roll_back_to(&mut self, mark: Mark) -> StorageResult<()> {
        self.events.truncate(mark.events);
        self.changes.raises.truncate(mark.raises);
        self.changes.revoked.truncate(mark.revoked);
        self.changes.clients.truncate(mark.clients);
        self.changes.organizations.truncate(mark.organizations);
        self.changes.signing_keys = mark.signing_keys;
        self.revision = mark.revision;
        self.execute("ROLLBACK TO change").await?;
        self.execute("RELEASE change").await
    }

    /// Stages an event: it is appended when the transaction commits.
    pub fn stage(&mut self, event: Arc<SealedEvent>) {
        self.events.push(event);
    }

    /// Stages events that were sealed before.
    pub fn stage_all(&mut self, events: &[Arc<SealedEvent>]) {
        self.events.extend(events.iter().cloned());
    }

    /// Seals and stages events that only the transaction could tell of.
    pub fn record(&mut self, events: Vec<NewEvent>) {
        for event in events {
            let sealed = event.seal(self.randomness.as_ref());
            self.stage(Arc::new(sealed));
        }
    }

    /// This transaction's revision, taken at the first change that needs one.
    pub async fn revision(&mut self) -> StorageResult<Revision> {
        if let Some(revision) = self.revision {
            return Ok(revision);
        }
        let revision: Revision =
            sqlx::query_scalar("UPDATE revision SET value = value + 1 RETURNING value")
                .fetch_one(&mut self.connection)
                .await
                .map_err(failed)?;
        self.revision = Some(revision);
        Ok(revision)
    }

    /// The observer will be told of this.
    pub fn will_tell_raise(&mut self, raise: Raise) {
        self.changes.raises.push(raise);
    }

    /// The observer will be told of this.
    pub fn will_tell_revoked(&mut self, token: RevokedToken) {
        self.changes.revoked.push(token);
    }

    /// The observer will be told of this.
    pub fn will_tell_client(&mut self, agent: Uuid) {
        self.changes.clients.push(agent);
    }

    /// The observer will be told of this.
    pub fn will_tell_organization(&mut self, organization: Uuid) {
        self.changes.organizations.push(organization);
    }

    /// The observer will be told of this.
    pub fn will_tell_signing_keys(&mut self) {
        self.changes.signing_keys = true;
    }

    /// Closes the connection.
    pub async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly; nothing is lost");
        }
    }

    async fn finish(&mut self) -> StorageResult<()> {
        let now = self.clock.now();
        chain::append(&mut self.connection, &self.events, now).await?;
        self.execute("COMMIT").await
    }

    fn forget(&mut self) {
        self.events.clear();
        self.changes = Changes::default();
        self.revision = None;
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), StorageError> {
        sqlx::query(statement)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(failed)
    }
}
