//! A credential as the API shows it.

use crate::{
    generated::{
        scopes::Scope,
        types::{Credential, CredentialStatus, CredentialWithSecret},
    },
    storage::CredentialRecord,
    wire::Secret,
};

/// Everything but the secret.
pub fn credential(record: CredentialRecord) -> Credential {
    let status = status(&record);
    Credential {
        credential_id: record.credential_id,
        client_id: record.agent_id,
        status,
        scopes: scopes(record.scopes),
        created_at: record.created_at,
        expires_at: record.expires_at,
        revoked_at: record.revoked_at,
        last_used_at: record.last_used_at,
    }
}

/// With the secret: only in the answer of the request that made it.
pub fn with_secret(record: CredentialRecord, client_secret: Secret) -> CredentialWithSecret {
    let Credential {
        credential_id,
        client_id,
        status,
        scopes,
        created_at,
        expires_at,
        revoked_at,
        last_used_at,
    } = credential(record);
    CredentialWithSecret {
        credential_id,
        client_id,
        status,
        scopes,
        created_at,
        expires_at,
        revoked_at,
        last_used_at,
        client_secret,
    }
}

fn status(record: &CredentialRecord) -> CredentialStatus {
    if record.revoked_at.is_some() {
        CredentialStatus::Revoked
    } else {
        CredentialStatus::Active
    }
}

/// A scope that this version does not know any more grants nothing and is not shown.
fn scopes(names: Option<Vec<String>>) -> Option<Vec<Scope>> {
    names.map(|names| names.iter().filter_map(|name| Scope::parse(name)).collect())
}
