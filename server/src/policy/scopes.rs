//! A set of scopes in one word.

use std::fmt;

use crate::generated::scopes::Scope;

/// Scopes of a token or credential. Copied freely; order is the contract's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u64);

/// A scope that the contract does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scope {scope} is unknown")]
pub struct UnknownScope {
    /// As it was given, control characters replaced.
    pub scope: String,
}

impl ScopeSet {
    /// None.
    pub const EMPTY: Self = Self(0);

    /// These.
    pub fn of(scopes: &[Scope]) -> Self {
        scopes.iter().fold(Self::EMPTY, |set, s| set.with(*s))
    }

    /// From space-separated names, as OAuth writes them. Empty text is the empty set.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        Self::from_names(text.split(' ').filter(|s| !s.is_empty()))
    }

    /// From names.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScope> {
        names.into_iter().try_fold(Self::EMPTY, |set, name| {
            Scope::parse(name)
                .map(|scope| set.with(scope))
                .ok_or_else(|| UnknownScope {
                    scope: name
                        .chars()
                        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                        .take(64)
                        .collect(),
                })
        })
    }

    /// And that one.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | bit(scope))
    }

    /// But that one.
    #[must_use]
    pub const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !bit(scope))
    }

    /// Those of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is in.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Whether all of them are in.
    pub const fn contains_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the contract's order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .iter()
            .copied()
            .filter(move |s| self.contains(*s))
    }
}

const fn bit(scope: Scope) -> u64 {
    1 << (scope as u64)
}

/// Space separated.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_names() {
        let set = ScopeSet::parse("tokens:read  agents:read agents:read").unwrap();
        assert_eq!(set.to_string(), "agents:read tokens:read");
        assert!(set.contains(Scope::AgentsRead) && !set.contains(Scope::AdminOrgs));
        assert!(ScopeSet::of(Scope::ALL).contains_all(set));
        assert!(!set.contains_all(ScopeSet::of(Scope::ALL)));
        assert_eq!(ScopeSet::parse("").unwrap(), ScopeSet::EMPTY);
        assert_eq!(
            ScopeSet::parse("agents:fly").unwrap_err().scope,
            "agents:fly"
        );
        assert!(Scope::ALL.len() <= 64);
    }
}
