//! Writing, as every backend does it: callers queue, one task commits many of them at once.
//!
//! Owns: the queue, its order, who is answered what, what is staged until a commit, telling the observer.
//! Refuses: SQL. A backend brings a [`UnitOfWork`] - its connection - and its [`Command`]s.

mod command;
mod queue;
mod staged;

use std::{future::Future, time::Duration};

pub(super) use self::{
    command::Command,
    queue::Writer,
    staged::{ObserverSlot, Staged},
};
use super::{Slot, StorageResult, idempotency::Noted};
use crate::clock::Timestamp;

/// A backend's one writing connection: a transaction that begins and ends many times.
pub(super) trait UnitOfWork: Send + 'static {
    /// What the present transaction holds besides its statements.
    fn staged(&mut self) -> &mut Staged;
    /// How long a transaction may take as a whole; longer, and it is abandoned. `None`: it cannot hang.
    fn time_max(&self) -> Option<Duration> {
        None
    }
    /// Begins. Nothing else of this process writes meanwhile.
    fn begin(&mut self, holds_changes: bool) -> impl Future<Output = StorageResult<()>> + Send;
    /// Appends the staged events to their chains and commits.
    fn finish(&mut self) -> impl Future<Output = StorageResult<()>> + Send;
    /// Undoes everything, whatever state the connection is in.
    fn abandon(&mut self) -> impl Future<Output = ()> + Send;
    /// Opens a savepoint.
    fn save(&mut self) -> impl Future<Output = StorageResult<()>> + Send;
    /// Keeps what was done since the savepoint.
    fn release(&mut self) -> impl Future<Output = StorageResult<()>> + Send;
    /// Undoes what was done since the savepoint.
    fn roll_back(&mut self) -> impl Future<Output = StorageResult<()>> + Send;
    /// Notes at a claim that its change was made: the request's answer, empty when it is not known.
    fn note(
        &mut self,
        slot: Slot,
        answer: &[u8],
        until: Timestamp,
    ) -> impl Future<Output = StorageResult<Noted>> + Send;
    /// Closes the connection.
    fn close(self) -> impl Future<Output = ()> + Send;
}
