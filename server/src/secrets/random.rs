//! Randomness as a dependency: the server asks the operating system, tests give a known sequence.

use uuid::Uuid;

use super::SecretsError;

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `out` whole.
    fn fill(&self, out: &mut [u8]) -> Result<(), SecretsError>;
}

impl dyn Random + '_ {
    /// A random (version 4) UUID.
    pub fn uuid(&self) -> Result<Uuid, SecretsError> {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes)?;
        Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

/// The cryptographic generator of the library, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), SecretsError> {
        aws_lc_rs::rand::fill(out).map_err(|_| SecretsError::NoRandomness)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Counts up from a start: every test run sees the same bytes.
    pub(crate) struct CountingRandom(pub AtomicU8);

    impl Random for CountingRandom {
        fn fill(&self, out: &mut [u8]) -> Result<(), SecretsError> {
            for byte in out {
                *byte = self.0.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    }

    #[test]
    fn a_uuid_is_version_4_of_the_given_bytes() {
        let random: &dyn Random = &CountingRandom(AtomicU8::new(0));
        let id = random.uuid().unwrap();
        assert_eq!(id.to_string(), "00010203-0405-4607-8809-0a0b0c0d0e0f");
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        let random = SystemRandom;
        let (mut a, mut b) = ([0u8; 32], [0u8; 32]);
        random.fill(&mut a).unwrap();
        random.fill(&mut b).unwrap();
        assert_ne!(a, b);
    }
}
