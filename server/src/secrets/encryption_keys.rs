//! The encryption keys: a list of 256-bit keys of which the first encrypts and all decrypt, and
//! the derivation (HKDF-SHA-256) of one working key per purpose from each of them.
//!
//! A key is named by its [`KeyId`], four bytes derived from it, so that a stored value says under
//! which key it was made and the order of the list may change.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use secrecy::{ExposeSecret, SecretBox};

use super::SecretsError;

/// Bytes of an encryption key and of every key derived from one.
pub(super) const KEY_BYTES: usize = 32;

/// What a derived key is for; the text is part of the derivation and never changes.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Identify,
    HashClientSecrets,
    EncryptColumns,
}

impl Purpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::Identify => b"agentidp v1 key id",
            Self::HashClientSecrets => b"agentidp v1 client secret hash",
            Self::EncryptColumns => b"agentidp v1 column encryption",
        }
    }
}

/// The public name of an encryption key: eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(super) [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl KeyId {
    /// Reads eight hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut id = [0u8; 4];
        decode_hex(text, &mut id).then_some(Self(id))
    }
}

/// Why a text is no list of encryption keys. Says where, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionKeysError {
    /// Nothing between the commas.
    #[error("no key is given; expected 64 hexadecimal digits")]
    Empty,
    /// Not 64 hexadecimal digits.
    #[error("key {position} is not 64 hexadecimal digits (it has {length} characters)")]
    Malformed {
        /// From 1.
        position: usize,
        /// In characters.
        length: usize,
    },
    /// The same key twice, most likely a mistake in a rotation.
    #[error("key {position} repeats an earlier key")]
    Repeated {
        /// From 1.
        position: usize,
    },
}

/// One encryption key with its name.
pub(super) struct EncryptionKey {
    pub(super) id: KeyId,
    secret: SecretBox<[u8; KEY_BYTES]>,
}

impl EncryptionKey {
    fn new(secret: [u8; KEY_BYTES]) -> Result<Self, SecretsError> {
        let mut key = Self {
            id: KeyId([0; 4]),
            secret: SecretBox::new(Box::new(secret)),
        };
        let name = key.derive(Purpose::Identify)?;
        key.id.0.copy_from_slice(&name.expose_secret()[..4]);
        Ok(key)
    }

    /// The working key of one purpose.
    pub(super) fn derive(
        &self,
        purpose: Purpose,
    ) -> Result<SecretBox<[u8; KEY_BYTES]>, SecretsError> {
        let mut out = Box::new([0u8; KEY_BYTES]);
        Salt::new(HKDF_SHA256, b"agentidp")
            .extract(self.secret.expose_secret())
            .expand(&[purpose.info()], WorkingKey)
            .and_then(|okm| okm.fill(out.as_mut()))
            .map_err(|_| SecretsError::Crypto)?;
        Ok(SecretBox::new(out))
    }
}

/// The length of every derived key, in the shape that HKDF asks for.
struct WorkingKey;

impl KeyType for WorkingKey {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

/// The keys of `ENCRYPTION_KEY`, or the one of the data directory. Never empty; cheap to clone.
#[derive(Clone)]
pub struct EncryptionKeys {
    keys: Arc<[EncryptionKey]>,
}

impl EncryptionKeys {
    /// Reads a comma-separated list of keys of 64 hexadecimal digits each. The first encrypts, all
    /// decrypt.
    pub fn parse(list: &str) -> Result<Self, EncryptionKeysError> {
        let texts: Vec<&str> = list
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        if texts.is_empty() {
            return Err(EncryptionKeysError::Empty);
        }
        let mut keys: Vec<EncryptionKey> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let position = index + 1;
            let malformed = || EncryptionKeysError::Malformed {
                position,
                length: text.chars().count(),
            };
            let mut secret = [0u8; KEY_BYTES];
            if !decode_hex(text, &mut secret) {
                return Err(malformed());
            }
            let key = EncryptionKey::new(secret).map_err(|_| malformed())?;
            if keys.iter().any(|earlier| earlier.id == key.id) {
                return Err(EncryptionKeysError::Repeated { position });
            }
            keys.push(key);
        }
        Ok(Self { keys: keys.into() })
    }

    /// The names of the keys, the encrypting one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.keys.iter().map(|key| key.id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &EncryptionKey> {
        self.keys.iter()
    }
}

impl fmt::Debug for EncryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| key.id))
            .finish()
    }
}

/// Fills `out` from hexadecimal digits; false when the text is not exactly that long or not hex.
fn decode_hex(text: &str, out: &mut [u8]) -> bool {
    let digits = text.as_bytes();
    if digits.len() != out.len() * 2 {
        return false;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).map(|v| v as u8);
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        match (value(pair[0]), value(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const B: &str = "FF0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn a_list_keeps_its_order_and_ignores_blanks() {
        let keys = EncryptionKeys::parse(&format!(" {A}, {B} ,")).unwrap();
        let alone = EncryptionKeys::parse(B).unwrap();
        assert_eq!(keys.ids().count(), 2);
        assert_eq!(keys.ids().nth(1), alone.ids().next());
    }

    #[test]
    fn a_fault_names_the_position_and_not_the_value() {
        let fault = EncryptionKeys::parse(&format!("{A},abc")).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "key 2 is not 64 hexadecimal digits (it has 3 characters)"
        );
        assert_eq!(
            EncryptionKeys::parse(" , ").unwrap_err(),
            EncryptionKeysError::Empty
        );
        assert_eq!(
            EncryptionKeys::parse(&format!("{A},{A}")).unwrap_err(),
            EncryptionKeysError::Repeated { position: 2 }
        );
        let not_hex = format!("{}g", &A[..63]);
        assert!(EncryptionKeys::parse(&not_hex).is_err());
    }

    #[test]
    fn each_purpose_and_each_key_gives_another_working_key() {
        let keys = EncryptionKeys::parse(&format!("{A},{B}")).unwrap();
        let mut seen = Vec::new();
        for key in keys.iter() {
            for purpose in [Purpose::HashClientSecrets, Purpose::EncryptColumns] {
                seen.push(*key.derive(purpose).unwrap().expose_secret());
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn debug_shows_names_only() {
        let keys = EncryptionKeys::parse(A).unwrap();
        let shown = format!("{keys:?}");
        assert!(!shown.contains("0001020304"), "{shown}");
    }
}
