//! A wrong configuration value.

use std::fmt;

/// What the process exits with (`EX_CONFIG` of sysexits.h).
pub const EXIT_CODE: u8 = 78;

/// One line: the variable, what is wrong, an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    variable: String,
    problem: String,
    example: String,
}

impl ConfigError {
    /// `problem` follows the variable's name and must not repeat a secret; `example` is a value.
    pub fn new(
        variable: impl Into<String>,
        problem: impl Into<String>,
        example: impl Into<String>,
    ) -> Self {
        Self {
            variable: variable.into(),
            problem: problem.into().replace(['\n', '\r'], " "),
            example: example.into(),
        }
    }

    /// Which variable it is.
    pub fn variable(&self) -> &str {
        &self.variable
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            problem,
            example,
        } = self;
        write!(f, "{variable}: {problem}; for example {variable}={example}")
    }
}

impl std::error::Error for ConfigError {}
