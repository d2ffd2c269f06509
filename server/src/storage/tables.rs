//! What a copy from one backend to another takes along: each table and its columns, once, and how contents are compared.
//!
//! A row crosses as a JSON object: ids as text, bytes as PostgreSQL writes them (`\x…`), lists as arrays.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::audit::canonical_json;

/// What a column holds; any may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Number,
    Flag,
    Text,
    Texts,
    Bytes,
}

/// A table.
pub struct Table {
    /// Its name in both backends.
    pub name: &'static str,
    /// Its columns in both backends, `position` excepted, which each backend gives anew and in the same order.
    pub(super) columns: &'static [(&'static str, Kind)],
    /// Whether its rows have an order, told by `position`.
    pub(super) ordered: bool,
    /// Which rows go along.
    pub(super) only: &'static str,
}

const fn table(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table {
        name,
        columns,
        ordered: false,
        only: "true",
    }
}

const fn ordered(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table {
        ordered: true,
        ..table(name, columns)
    }
}

use Kind::{Bytes, Flag, Id, Number, Text, Texts};

/// Every table that is copied, those first that others name. Left behind are the leases of jobs and the numbers of
/// usage batches, which belong to running servers, and the one row of `revision`, which is set.
pub static TABLES: [Table; 11] = [
    ordered(
        "organizations",
        &[
            ("organization_id", Id),
            ("name", Text),
            ("slug", Text),
            ("status", Text),
            ("tier", Text),
            ("is_system", Flag),
            ("created_at", Number),
            ("updated_at", Number),
        ],
    ),
    ordered(
        "agents",
        &[
            ("agent_id", Id),
            ("organization_id", Id),
            ("role", Text),
            ("email", Text),
            ("email_key", Text),
            ("agent_type", Text),
            ("version", Text),
            ("capabilities", Texts),
            ("owner", Text),
            ("deployment_env", Text),
            ("status", Text),
            ("is_public", Flag),
            ("did", Text),
            ("did_created_at", Number),
            ("created_at", Number),
            ("updated_at", Number),
        ],
    ),
    ordered(
        "credentials",
        &[
            ("credential_id", Id),
            ("agent_id", Id),
            ("organization_id", Id),
            ("scopes", Texts),
            ("secret_hash", Text),
            ("generation", Number),
            ("old_secret_hash", Text),
            ("old_generation", Number),
            ("old_stops_at", Number),
            ("created_at", Number),
            ("expires_at", Number),
            ("revoked_at", Number),
            ("ended_with_agent", Flag),
            ("last_used_at", Number),
        ],
    ),
    table(
        "dependencies",
        &[
            ("kind", Text),
            ("id", Id),
            ("generation", Number),
            ("pending_generation", Number),
            ("pending_at", Number),
            ("revision", Number),
        ],
    ),
    table(
        "revoked_tokens",
        &[("jti", Text), ("expires_at", Number), ("revision", Number)],
    ),
    ordered(
        "signing_keys",
        &[
            ("kid", Text),
            ("algorithm", Text),
            ("state", Text),
            ("public_jwk", Text),
            ("private_encrypted", Bytes),
            ("created_at", Number),
            ("activated_at", Number),
            ("retired_at", Number),
            ("expires_at", Number),
            ("revoked_at", Number),
            ("published_at", Number),
            ("imported", Flag),
        ],
    ),
    table("materials", &[("name", Text), ("value", Bytes)]),
    Table {
        // Kept by a version that did not note whose they are: they go within a day anyway.
        only: "organization_id IS NOT NULL",
        ..table(
            "idempotency",
            &[
                ("organization_id", Id),
                ("key", Bytes),
                ("fingerprint", Bytes),
                ("claimant", Id),
                ("answer", Bytes),
                ("expires_at", Number),
            ],
        )
    },
    ordered(
        "audit_events",
        &[
            ("organization_id", Id),
            ("sequence", Number),
            ("event_id", Id),
            ("agent_id", Id),
            ("action", Text),
            ("outcome", Text),
            ("ip_address", Text),
            ("user_agent", Text),
            ("metadata", Text),
            ("timestamp", Number),
            ("salt", Bytes),
            ("payload_hash", Bytes),
            ("previous_hash", Bytes),
            ("hash", Bytes),
        ],
    ),
    table(
        "audit_chains",
        &[
            ("organization_id", Id),
            ("sequence", Number),
            ("hash", Bytes),
            ("timestamp", Number),
        ],
    ),
    table(
        "usage_daily",
        &[
            ("organization_id", Id),
            ("day", Number),
            ("calls", Number),
            ("tokens", Number),
        ],
    ),
];

impl Table {
    pub(super) fn columns(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

/// What a table holds, whatever the order of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// How many rows.
    pub rows: u64,
    /// The SHA-256 of each row, all exclusive-ored: no two rows of a table are the same.
    digest: [u8; 32],
}

impl Content {
    /// One more row.
    pub fn add(&mut self, row: &Value) {
        self.rows += 1;
        let hash = digest(&SHA256, canonical_json(row).as_bytes());
        for (all, one) in self.digest.iter_mut().zip(hash.as_ref()) {
            *all ^= one;
        }
    }
}
