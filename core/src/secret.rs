//! A text that does not show itself.
//!
//! Owns: [`Secret`], the type of every field, argument and setting that holds a secret.
//! Refuses: any way of showing it that is not called `expose_secret` or is not the wire form.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// A secret text: masked by `Debug`, wiped from memory when dropped.
///
/// It is read with [`expose_secret`](Self::expose_secret) only. Serialized (`serde`), it is what
/// the wire needs - the text itself; that is an explicit act, unlike logging.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Do not log it.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Compares all bytes whatever they are, so that time does not tell how many were right.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (
            self.expose_secret().as_bytes(),
            other.expose_secret().as_bytes(),
        );
        a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
