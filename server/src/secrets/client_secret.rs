//! Client secrets: how they are made, hashed and compared.
//!
//! A secret has 256 random bits, so a keyed fast hash (HMAC-SHA-256) protects it as well as a slow
//! one would, at a ten-thousandth of the cost. The hash names its key, so that keys can rotate.
//! Comparing takes the same steps whether the client exists or not: one HMAC per encryption key and
//! a fixed number of constant-time comparisons.
//!
//! Refuses: bcrypt and argon2 hashes that an operator imported (`imported`).

use std::fmt::{self, Write as _};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;

use super::encryption_keys::Purpose;
use super::{EncryptionKeys, KeyId, Random, SecretsError};
use crate::wire::Secret;

const PREFIX: &str = "sk_live_";
const RANDOM_BYTES: usize = 32;
const MAC_BYTES: usize = 32;
/// First part of the stored text: the method of the hash.
const METHOD: &str = "hmac-sha256";

/// A fresh client secret.
pub(super) fn generate(random: &dyn Random) -> Result<Secret, SecretsError> {
    let mut bytes = [0u8; RANDOM_BYTES];
    random.fill(&mut bytes)?;
    let mut text = String::with_capacity(PREFIX.len() + RANDOM_BYTES * 2);
    text.push_str(PREFIX);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Secret::new(text))
}

/// The keyed hash of a client secret. Its text form, `hmac-sha256$<key id>$<base64url>`, is what
/// storage keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash {
    key: KeyId,
    mac: [u8; MAC_BYTES],
}

impl SecretHash {
    /// Reads the stored text.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let mut parts = text.split('$');
        let known = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(METHOD), Some(key), Some(mac), None) = known else {
            return Err(SecretsError::UnknownHash);
        };
        let key = KeyId::parse(key).ok_or(SecretsError::UnknownHash)?;
        let mac = URL_SAFE_NO_PAD
            .decode(mac)
            .ok()
            .and_then(|bytes| <[u8; MAC_BYTES]>::try_from(bytes).ok())
            .ok_or(SecretsError::UnknownHash)?;
        Ok(Self { key, mac })
    }
}

impl SecretHash {
    /// The name of the key it was made under.
    pub fn key(&self) -> KeyId {
        self.key
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{METHOD}${}${}",
            self.key,
            URL_SAFE_NO_PAD.encode(self.mac)
        )
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretHash({METHOD}, key {})", self.key)
    }
}

/// Hashes client secrets under the keys that were derived from the encryption keys.
pub struct SecretHasher {
    /// Never empty; the first hashes, all verify.
    keys: Vec<(KeyId, hmac::Key)>,
}

impl SecretHasher {
    /// Derives one HMAC key from each encryption key.
    pub fn new(keys: &EncryptionKeys) -> Result<Self, SecretsError> {
        let derive = |key: &super::encryption_keys::EncryptionKey| {
            let working = key.derive(Purpose::HashClientSecrets)?;
            Ok((
                key.id,
                hmac::Key::new(hmac::HMAC_SHA256, working.expose_secret()),
            ))
        };
        let keys: Vec<_> = keys.iter().map(derive).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// The hash to store for a new secret.
    pub fn hash(&self, secret: &Secret) -> SecretHash {
        let (key, hmac_key) = &self.keys[0];
        SecretHash {
            key: *key,
            mac: mac(hmac_key, secret.expose()),
        }
    }

    /// Whether a hash of that key was made under the one that hashes now.
    pub fn is_current(&self, key: KeyId) -> bool {
        key == self.keys[0].0
    }

    /// Whether a hash of that key can be verified at all: it is among the encryption keys.
    pub fn knows(&self, key: KeyId) -> bool {
        self.keys.iter().any(|(id, _)| *id == key)
    }

    /// What a caller presented, hashed under every key: the costly part, done once per attempt and
    /// the same for every client.
    pub fn candidate(&self, presented: &Secret) -> Candidate {
        let hashes = self.keys.iter().map(|(key, hmac_key)| SecretHash {
            key: *key,
            mac: mac(hmac_key, presented.expose()),
        });
        Candidate {
            hashes: hashes.collect(),
        }
    }
}

impl fmt::Debug for SecretHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|(id, _)| id))
            .finish()
    }
}

/// A presented secret, hashed. It may be compared with any number of stored hashes.
#[derive(Debug)]
pub struct Candidate {
    hashes: Vec<SecretHash>,
}

impl Candidate {
    /// Comparisons that every attempt makes at least: ten active credentials of an agent with two
    /// secrets each, during a grace period.
    const COMPARISONS: usize = 20;

    /// Position of the stored hash that this secret has, if any. Every hash is compared, and no
    /// fewer than [`Self::COMPARISONS`], so that neither the number of credentials nor the position
    /// of the right one shows in the time.
    pub fn position<'a>(&self, stored: impl IntoIterator<Item = &'a SecretHash>) -> Option<usize> {
        let mut found = None;
        let mut compared = 0;
        for (index, hash) in stored.into_iter().enumerate() {
            if self.equals(hash) {
                found = Some(index);
            }
            compared += 1;
        }
        let nobody = SecretHash {
            key: self.hashes[0].key,
            mac: [0; MAC_BYTES],
        };
        for _ in compared..Self::COMPARISONS {
            std::hint::black_box(self.equals(&nobody));
        }
        found
    }

    fn equals(&self, stored: &SecretHash) -> bool {
        self.hashes
            .iter()
            .filter(|hash| hash.key == stored.key)
            .any(|hash| verify_slices_are_equal(&hash.mac, &stored.mac).is_ok())
    }
}

fn mac(key: &hmac::Key, secret: &str) -> [u8; MAC_BYTES] {
    let tag = hmac::sign(key, secret.as_bytes());
    let mut mac = [0u8; MAC_BYTES];
    mac.copy_from_slice(tag.as_ref());
    mac
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU8;

    use super::*;
    use crate::secrets::random::tests::CountingRandom;

    const A: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const B: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn hasher(keys: &str) -> SecretHasher {
        SecretHasher::new(&EncryptionKeys::parse(keys).unwrap()).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_secret_has_its_prefix_and_64_hexadecimal_digits() {
        let made = generate(&CountingRandom(AtomicU8::new(0))).unwrap();
        assert_eq!(made.expose(), format!("sk_live_{A}"));
        assert!(!format!("{made:?}").contains("0001"));
    }

    #[test]
    fn the_stored_text_is_read_back() {
        let hash = hasher(A).hash(&secret("sk_live_x"));
        let text = hash.to_string();
        assert!(text.starts_with("hmac-sha256$"), "{text}");
        assert_eq!(SecretHash::parse(&text).unwrap(), hash);
        for damaged in [
            "",
            "hmac-sha256$",
            "md5$00000000$AAAA",
            &text[..text.len() - 1],
        ] {
            assert_eq!(
                SecretHash::parse(damaged).unwrap_err(),
                SecretsError::UnknownHash,
                "{damaged}"
            );
        }
    }

    #[test]
    fn only_the_right_secret_is_found() {
        let hasher = hasher(A);
        let stored = [
            hasher.hash(&secret("sk_live_one")),
            hasher.hash(&secret("sk_live_two")),
        ];
        let position = |text| hasher.candidate(&secret(text)).position(&stored);
        assert_eq!(position("sk_live_one"), Some(0));
        assert_eq!(position("sk_live_two"), Some(1));
        assert_eq!(position("sk_live_three"), None);
        assert_eq!(position(""), None);
        assert_eq!(hasher.candidate(&secret("sk_live_one")).position([]), None);
    }

    #[test]
    fn a_rotated_key_still_verifies_until_it_is_taken_out() {
        let stored = [hasher(A).hash(&secret("s"))];
        let rotated = hasher(&format!("{B},{A}"));
        assert_eq!(rotated.candidate(&secret("s")).position(&stored), Some(0));
        assert_ne!(rotated.hash(&secret("s")), stored[0]);
        assert!(rotated.knows(stored[0].key()) && !rotated.is_current(stored[0].key()));
        assert!(rotated.is_current(rotated.hash(&secret("s")).key()));
        assert!(!hasher(B).knows(stored[0].key()));
        assert_eq!(hasher(B).candidate(&secret("s")).position(&stored), None);
    }
}
