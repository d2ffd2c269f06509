//! Which scopes a route needs: one question, one table, denied when nothing matches.
//!
//! The built-in policy reads the generated table. An operator's own policy is another
//! implementation of the same trait.

mod scopes;

use std::collections::HashMap;

pub use scopes::{ScopeSet, UnknownScope};

use crate::generated::policy::TABLE;

/// Decides whether a caller with these scopes may take a route.
pub trait Policy: Send + Sync + 'static {
    /// `route` as policies spell it: `/api/v1/agents/:id`.
    fn allow(&self, method: &str, route: &str, scopes: ScopeSet) -> bool;

    /// What the route needs, to tell a caller who was denied. Empty when that cannot be said.
    fn required(&self, method: &str, route: &str) -> ScopeSet;
}

/// The contract's own table.
#[derive(Debug)]
pub struct BuiltIn(HashMap<(&'static str, &'static str), ScopeSet>);

impl BuiltIn {
    /// Reads the generated table.
    pub fn new() -> Self {
        Self(
            TABLE
                .iter()
                .map(|(method, route, scopes)| ((*method, *route), ScopeSet::of(scopes)))
                .collect(),
        )
    }
}

impl Default for BuiltIn {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for BuiltIn {
    fn allow(&self, method: &str, route: &str, scopes: ScopeSet) -> bool {
        self.0
            .get(&(method, route))
            .is_some_and(|needed| scopes.contains_all(*needed))
    }

    fn required(&self, method: &str, route: &str) -> ScopeSet {
        self.0.get(&(method, route)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::scopes::Scope;

    #[test]
    fn denies_what_it_does_not_know() {
        let policy = BuiltIn::new();
        let all = ScopeSet::of(Scope::ALL);
        assert!(!policy.allow("GET", "/api/v1/nothing", all));
        assert!(!policy.allow("TRACE", "/api/v1/agents/:id", all));
    }

    #[test]
    fn every_row_needs_all_of_its_scopes() {
        let policy = BuiltIn::new();
        for (method, route, scopes) in TABLE {
            assert!(
                policy.allow(method, route, ScopeSet::of(scopes)),
                "{method} {route}"
            );
            for missing in *scopes {
                let rest: Vec<Scope> = Scope::ALL
                    .iter()
                    .copied()
                    .filter(|s| s != missing)
                    .collect();
                assert!(
                    !policy.allow(method, route, ScopeSet::of(&rest)),
                    "{method} {route}"
                );
            }
        }
    }
}
