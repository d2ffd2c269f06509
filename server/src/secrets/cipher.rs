//! Encryption of single columns: AES-256-GCM under a key derived from the encryption keys.
//!
//! Format, bytes: version (1) · key id (4) · nonce (12) · ciphertext · tag (16). The context - the
//! place a value belongs to - is authenticated with it, so that nobody who can write the database
//! can move a value to another row.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::ExposeSecret;

use super::encryption_keys::{EncryptionKey, Purpose};
use super::{EncryptionKeys, KeyId, Random, SecretsError};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + NONCE_LEN;

/// Encrypts under the first key, decrypts under all.
pub struct ColumnCipher {
    /// Never empty.
    keys: Vec<(KeyId, LessSafeKey)>,
    random: Arc<dyn Random>,
}

impl ColumnCipher {
    /// Derives one AES key from each encryption key.
    pub fn new(keys: &EncryptionKeys, random: Arc<dyn Random>) -> Result<Self, SecretsError> {
        let derive = |key: &EncryptionKey| {
            let working = key.derive(Purpose::EncryptColumns)?;
            let unbound = UnboundKey::new(&AES_256_GCM, working.expose_secret())
                .map_err(|_| SecretsError::Crypto)?;
            Ok((key.id, LessSafeKey::new(unbound)))
        };
        let keys: Vec<_> = keys.iter().map(derive).collect::<Result<_, _>>()?;
        Ok(Self { keys, random })
    }

    /// Encrypts `plain` for the place named by `context`.
    pub fn encrypt(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let (id, key) = &self.keys[0];
        let mut nonce = [0u8; NONCE_LEN];
        self.random.fill(&mut nonce)?;
        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context.as_bytes()),
            &mut body,
        )
        .map_err(|_| SecretsError::Crypto)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&id.0);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// Whether a sealed value names the first key.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.len() >= HEADER_BYTES && sealed[0] == VERSION && sealed[1..5] == self.keys[0].0.0
    }

    /// Decrypts what [`Self::encrypt`] made for the same context.
    pub fn decrypt(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let [VERSION, k0, k1, k2, k3, rest @ ..] = sealed else {
            return Err(SecretsError::Damaged);
        };
        let id = KeyId([*k0, *k1, *k2, *k3]);
        let (nonce, body) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(SecretsError::Damaged)?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(known, _)| *known == id)
            .ok_or(SecretsError::UnknownKey(id))?;
        let mut body = body.to_vec();
        let plain = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context.as_bytes()),
                &mut body,
            )
            .map_err(|_| SecretsError::Damaged)?
            .len();
        body.truncate(plain);
        Ok(body)
    }
}

impl fmt::Debug for ColumnCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(id, _)| id))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SystemRandom;

    const A: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const B: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn cipher(keys: &str) -> ColumnCipher {
        let keys = EncryptionKeys::parse(keys).unwrap();
        ColumnCipher::new(&keys, Arc::new(SystemRandom)).unwrap()
    }

    #[test]
    fn a_value_comes_back_and_looks_different_each_time() {
        let cipher = cipher(A);
        let one = cipher.encrypt("keys/private/1", b"hidden").unwrap();
        let two = cipher.encrypt("keys/private/1", b"hidden").unwrap();
        assert_ne!(one, two);
        assert!(!one.windows(6).any(|w| w == b"hidden"));
        assert_eq!(cipher.decrypt("keys/private/1", &one).unwrap(), b"hidden");
    }

    #[test]
    fn another_place_and_any_changed_byte_are_refused() {
        let cipher = cipher(A);
        let sealed = cipher.encrypt("keys/private/1", b"hidden").unwrap();
        assert_eq!(
            cipher.decrypt("keys/private/2", &sealed),
            Err(SecretsError::Damaged)
        );
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(cipher.decrypt("keys/private/1", &changed).is_err());
            assert!(cipher.decrypt("keys/private/1", &sealed[..index]).is_err());
        }
    }

    #[test]
    fn the_first_key_encrypts_and_all_decrypt() {
        let old = cipher(A).encrypt("c", b"hidden").unwrap();
        let both = cipher(&format!("{B},{A}"));
        assert_eq!(both.decrypt("c", &old).unwrap(), b"hidden");
        let new = both.encrypt("c", b"hidden").unwrap();
        assert!(both.is_current(&new) && !both.is_current(&old) && !both.is_current(&new[..4]));
        assert!(matches!(
            cipher(A).decrypt("c", &new),
            Err(SecretsError::UnknownKey(_))
        ));
        assert_eq!(cipher(B).decrypt("c", &new).unwrap(), b"hidden");
    }
}
