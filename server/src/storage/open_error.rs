//! Why a database could not be opened.

use thiserror::Error;

/// Why the database could not be opened. One sentence, for the operator.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The database cannot be used.
    #[error("cannot open the database {location}: {reason}")]
    Unusable {
        /// Which database.
        location: String,
        /// What the system said.
        reason: String,
    },
    /// The schema is older than this version and may not be migrated.
    #[error(
        "the database {location} has an older schema: run `agentidp migrate`, or set AUTO_MIGRATE=true"
    )]
    Outdated {
        /// Which database.
        location: String,
    },
    /// The schema has to be migrated, and the role may not.
    #[error(
        "the role {role} may not migrate the database {location}: give the role that owns it as DATABASE_MIGRATION_URL (copy: --migrate-as), or as that role run `agentidp migrate` ({reason})"
    )]
    NotTheOwner {
        /// Which database.
        location: String,
        /// Who tried.
        role: String,
        /// What the database said.
        reason: String,
    },
    /// The schema is not one that this version knows.
    #[error("the database {location} was not written by this version or an older one: {reason}")]
    Unknown {
        /// Which database.
        location: String,
        /// What differs.
        reason: String,
    },
}
