//! Words that stand for things in every backend, and what makes two e-mail addresses the same one.

use super::{Dependency, KeyState, OrganizationStatus, Tier};

pub(super) fn organization_status(text: &str) -> Option<OrganizationStatus> {
    match text {
        "active" => Some(OrganizationStatus::Active),
        "suspended" => Some(OrganizationStatus::Suspended),
        "deleted" => Some(OrganizationStatus::Deleted),
        _ => None,
    }
}

pub(super) const fn organization_word(status: OrganizationStatus) -> &'static str {
    match status {
        OrganizationStatus::Active => "active",
        OrganizationStatus::Suspended => "suspended",
        OrganizationStatus::Deleted => "deleted",
    }
}

pub(super) fn tier(text: &str) -> Option<Tier> {
    [Tier::Free, Tier::Pro, Tier::Enterprise]
        .into_iter()
        .find(|tier| tier.as_str() == text)
}

pub(super) fn key_state(text: &str) -> Option<KeyState> {
    match text {
        "next" => Some(KeyState::Next),
        "active" => Some(KeyState::Active),
        "retiring" => Some(KeyState::Retiring),
        "revoked" => Some(KeyState::Revoked),
        _ => None,
    }
}

pub(super) const fn key_word(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => "next",
        KeyState::Active => "active",
        KeyState::Retiring => "retiring",
        KeyState::Revoked => "revoked",
    }
}

/// The row that says when a signing key last changed.
pub(super) const SIGNING_KEYS: &str = "signing_keys";

pub(super) const fn kind(dependency: Dependency) -> &'static str {
    match dependency {
        Dependency::Organization => "organization",
        Dependency::Agent => "agent",
        Dependency::Credential => "credential",
        Dependency::Delegation => "delegation",
    }
}

pub(super) fn dependency(kind: &str) -> Option<Dependency> {
    match kind {
        "organization" => Some(Dependency::Organization),
        "agent" => Some(Dependency::Agent),
        "credential" => Some(Dependency::Credential),
        "delegation" => Some(Dependency::Delegation),
        _ => None,
    }
}

/// What makes two addresses the same one.
pub(super) fn email_key(email: &str) -> String {
    email.to_lowercase()
}
