//! The way into a native function, and out of it.
//!
//! Owns: turning errors and panics into Java exceptions, and results into byte arrays.
//! Refuses: to let a panic reach the virtual machine.

use jni::{Env, EnvUnowned, errors::ThrowRuntimeExAndDefault, objects::JByteArray};
use sentryagent_idp::Error as CoreError;

/// What a native function fails with; Java sees a `RuntimeException`.
#[derive(Debug)]
pub enum Fault {
    /// The virtual machine refused something.
    Jni(jni::errors::Error),
    /// The number stands for nothing.
    Freed,
    /// Arguments that our own Java half never sends.
    Arguments,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Jni(error) => error.fmt(f),
            Self::Freed => f.write_str("the native object was freed"),
            Self::Arguments => f.write_str("the arguments are not what this function takes"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<jni::errors::Error> for Fault {
    fn from(error: jni::errors::Error) -> Self {
        Self::Jni(error)
    }
}

/// Runs the body of a native function; errors and panics become exceptions.
pub fn enter<'l, T: Default>(
    mut env: EnvUnowned<'l>,
    body: impl FnOnce(&mut Env<'l>) -> Result<T, Fault>,
) -> T {
    env.with_env(body).resolve::<ThrowRuntimeExAndDefault>()
}

/// A Java array of these bytes.
pub fn bytes<'l>(env: &mut Env<'l>, bytes: &[u8]) -> Result<JByteArray<'l>, Fault> {
    Ok(env.byte_array_from_slice(bytes)?)
}

/// Byte 0 and the value, or byte 1 and the error record; `Outcome.java` reads it.
pub fn outcome<'l>(
    env: &mut Env<'l>,
    result: Result<Vec<u8>, CoreError>,
) -> Result<JByteArray<'l>, Fault> {
    let (first, rest) = match result {
        Ok(value) => (0, value),
        Err(error) => (1, error.to_json().to_string().into_bytes()),
    };
    let mut out = Vec::with_capacity(rest.len() + 1);
    out.push(first);
    out.extend_from_slice(&rest);
    bytes(env, &out)
}
