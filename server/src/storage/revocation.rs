//! What ends tokens before they expire, and how other instances (and this one after a restart) learn of it.
//!
//! Every transaction that changes what authentication or a token depends on takes the next *revision*. A follower reads
//! everything once, then only what came after the revision it knows. Refuses: judging a token.

use async_trait::async_trait;

use uuid::Uuid;

use super::StorageResult;
use crate::{audit::NewEvent, clock::Timestamp};

/// Counts the transactions that changed what tokens depend on. Never goes back.
pub type Revision = i64;

/// A thing whose generation a token names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dependency {
    /// The organization of the agent.
    Organization,
    /// The agent.
    Agent,
    /// The credential the token was issued under.
    Credential,
    /// A link of a delegation chain.
    Delegation,
}

/// Tokens that name a lower generation of this thing are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Raise {
    /// What kind of thing.
    pub dependency: Dependency,
    /// Which.
    pub id: Uuid,
    /// The lowest generation that lives.
    pub generation: i64,
    /// From when on; `None`: at once and for ever. See [`RevocationStore::settle`].
    pub effective_at: Option<Timestamp>,
}

/// A single token that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RevokedToken {
    /// Its `jti`.
    pub jti: String,
    /// When it would have expired, and the record may go.
    pub expires_at: Timestamp,
}

/// What changed between two revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The revision that this leads to.
    pub revision: Revision,
    /// True when this is everything that counts, and not only what came later.
    pub whole: bool,
    /// Generations. One thing has at most two: one that holds, one that will.
    pub raises: Vec<Raise>,
    /// Tokens.
    pub revoked: Vec<RevokedToken>,
    /// Agents whose authentication changed: drop what is cached of them. Empty when `whole`: drop everything.
    pub clients: Vec<Uuid>,
    /// Organizations whose authentication changed: drop what is cached of their agents. Empty when `whole`.
    pub organizations: Vec<Uuid>,
    /// Whether a signing key was added or changed its state. True when `whole`.
    pub signing_keys: bool,
}

/// Generations, revoked tokens and the revision.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// The newest revision.
    async fn revision(&self) -> StorageResult<Revision>;
    /// Everything that counts, read in one consistent look: raised generations, revoked tokens that have not expired at `now`.
    async fn load(&self, now: Timestamp) -> StorageResult<Changes>;
    /// What came after `revision`, in one consistent look; `whole` when the store no longer knows that far back.
    async fn changes_since(&self, revision: Revision) -> StorageResult<Changes>;
    /// Revokes one token. Again is no error, and makes no second event.
    async fn revoke_token(&self, token: RevokedToken, events: Vec<NewEvent>) -> StorageResult<()>;
    /// Makes what was due at `now` hold for ever: a rotated secret whose grace period is over is forgotten and its generation
    /// stays raised, whatever clocks do later. Cheap when nothing is due; call it with the follower's rhythm. Answers how many.
    async fn settle(&self, now: Timestamp) -> StorageResult<u64>;
    /// Forgets revoked tokens that expired before `now`. Answers how many.
    async fn forget_expired(&self, now: Timestamp) -> StorageResult<u64>;
    /// Ends every token that was issued up to `at` - also by a store that this one, restored from a backup, takes the place of,
    /// and whose generations it cannot know: each organization's generation becomes the time in milliseconds, which no
    /// counting by one reaches. Answers how many organizations there are.
    async fn end_all_tokens(&self, at: Timestamp) -> StorageResult<u64>;
}
