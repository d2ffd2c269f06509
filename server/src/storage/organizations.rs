//! Organizations as stored, and the founding of the first one.

use async_trait::async_trait;

use uuid::Uuid;

use super::{NewAgent, NewCredential, StorageResult};
use crate::{audit::NewEvent, clock::Timestamp};

/// Whether an organization may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganizationStatus {
    /// Its agents get tokens.
    Active,
    /// Its agents get none.
    Suspended,
    /// Gone; its events stay.
    Deleted,
}

/// What an organization has agreed to; what that allows is said in `tiers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// For trying.
    Free,
    /// For most.
    Pro,
    /// Without limits; also the system organization's.
    Enterprise,
}

impl Tier {
    /// As it is stored, answered and counted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }

    /// What holds for an organization: the system one is enterprise, whatever is stored.
    #[must_use]
    pub const fn in_effect(stored: Self, is_system: bool) -> Self {
        if is_system { Self::Enterprise } else { stored }
    }
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// Its id.
    pub organization_id: Uuid,
    /// Name for people.
    pub name: String,
    /// Name for addresses, unique.
    pub slug: String,
    /// Whether it may act.
    pub status: OrganizationStatus,
    /// What it has agreed to.
    pub tier: Tier,
    /// The one organization that the server itself belongs to; its admins may ask for `admin:orgs`.
    pub is_system: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What the first start writes, all or nothing.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The system organization.
    pub organization: OrganizationRecord,
    /// Its first admin.
    pub admin: NewAgent,
    /// The admin's credential.
    pub credential: NewCredential,
    /// What goes into the audit log with it.
    pub events: Vec<NewEvent>,
}

/// Organizations.
#[async_trait]
pub trait OrganizationStore: Send + Sync {
    /// An organization by id.
    async fn get(&self, organization: Uuid) -> StorageResult<Option<OrganizationRecord>>;
    /// The system organization; `None` before the founding.
    async fn system(&self) -> StorageResult<Option<OrganizationRecord>>;
    /// The organization after this one, in the order of ids; `None` when it is the last. For work that goes through all.
    async fn next(&self, after: Option<Uuid>) -> StorageResult<Option<Uuid>>;
    /// Writes the first organization, admin and credential.
    ///
    /// # Errors
    /// `Conflict` when there is a system organization already.
    async fn found(&self, founding: Founding) -> StorageResult<()>;
    /// Adds an organization that is not the system one.
    ///
    /// # Errors
    /// `Conflict` when the slug is taken.
    async fn insert(
        &self,
        organization: OrganizationRecord,
        events: Vec<NewEvent>,
    ) -> StorageResult<()>;
    /// Changes whether an organization may act; suspending or deleting raises its generation.
    ///
    /// # Errors
    /// `NotFound`.
    async fn set_status(
        &self,
        organization: Uuid,
        status: OrganizationStatus,
        at: Timestamp,
        events: Vec<NewEvent>,
    ) -> StorageResult<OrganizationRecord>;
}
