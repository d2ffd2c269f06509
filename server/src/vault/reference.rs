//! What the database holds of a hash that stands in Vault: `vault$<key id>$<id>`.

use std::fmt;

use uuid::Uuid;

use crate::{
    secrets::{KeyId, SecretHash, SecretsError},
    storage::IN_VAULT,
};

/// Names one hash of a credential's entry, and the key that it was made under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// So that an old key is not taken out of `ENCRYPTION_KEY` while a hash needs it.
    pub key: KeyId,
    /// Its name in the entry. A hash never changes under its name.
    pub id: Uuid,
}

impl Reference {
    /// A fresh one for a hash in its stored form.
    pub fn to(hash: &str) -> Result<Self, SecretsError> {
        Ok(Self {
            key: SecretHash::parse(hash)?.key(),
            id: Uuid::now_v7(),
        })
    }

    /// `None` for a hash that stands in the database itself.
    pub fn parse(stored: &str) -> Option<Self> {
        let (key, id) = stored.strip_prefix(IN_VAULT)?.split_once('$')?;
        Some(Self {
            key: KeyId::parse(key)?,
            id: Uuid::try_parse(id).ok()?,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{IN_VAULT}{}${}", self.key, self.id.simple())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        secrets::{EncryptionKeys, SecretHasher},
        wire::Secret,
    };

    #[test]
    fn it_reads_back_and_names_the_key_of_the_hash() {
        let keys = EncryptionKeys::parse(&"5e".repeat(32)).unwrap();
        let hash = SecretHasher::new(&keys).unwrap().hash(&Secret::new("s"));
        let reference = Reference::to(&hash.to_string()).unwrap();
        assert_eq!(Reference::parse(&reference.to_string()), Some(reference));
        assert_eq!(Some(reference.key), keys.ids().next());
        assert_eq!(Reference::parse(&hash.to_string()), None);
        assert_eq!(Reference::parse("vault$x$y"), None);
        assert!(Reference::to("$2b$04$x").is_err());
    }
}
