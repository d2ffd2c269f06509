//! `scopes.json`: which scopes a route needs.
//!
//! Refuses what could only be a slip: a key that is no `METHOD:/path`, a key that stands twice, a
//! scope that no token can have.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::ScopeSet;

/// By `"GET:/api/v1/agents/:id"`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs(HashMap<String, ScopeSet>);

impl Needs {
    /// What the route needs; nothing is known about a route that does not stand there.
    pub fn of(&self, method: &str, route: &str) -> Option<ScopeSet> {
        self.0.get(&format!("{method}:{route}")).copied()
    }

    /// Keys that the server never asks about.
    pub fn unasked(&self, asked: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut keys: Vec<&str> = self
            .0
            .keys()
            .map(String::as_str)
            .filter(|key| !asked(key))
            .collect();
        keys.sort_unstable();
        keys
    }
}

impl<'de> Deserialize<'de> for Needs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Rows)
    }
}

struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Needs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object like {\"GET:/api/v1/agents/:id\": [\"agents:read\"]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Needs, A::Error> {
        let mut needs = HashMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let well_formed = key.split_once(":/").is_some_and(|(method, _)| {
                !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase())
            });
            if !well_formed {
                return Err(A::Error::custom(format_args!(
                    "{key:?} is not METHOD:/path, for example \"GET:/api/v1/agents/:id\""
                )));
            }
            if needs.contains_key(&key) {
                return Err(A::Error::custom(format_args!("{key:?} stands there twice")));
            }
            let scopes: Vec<Known> = map.next_value()?;
            let union = |all: ScopeSet, one: &Known| all.union(one.0);
            needs.insert(key, scopes.iter().fold(ScopeSet::EMPTY, union));
        }
        Ok(Needs(needs))
    }
}

/// A scope that tokens can have. Judged while it is read, so that the reader knows the line.
struct Known(ScopeSet);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Known, E> {
        ScopeSet::from_names([name]).map(Known).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        serde_json::from_str::<Needs>(text).unwrap_err().to_string()
    }

    #[test]
    fn a_slip_is_refused_where_it_stands() {
        for (text, wanted, line) in [
            ("[]", "expected an object like", 1),
            ("{\n\"agents\": []}", "is not METHOD:/path", 2),
            ("{\n\n\"get:/x\": []}", "is not METHOD:/path", 3),
            ("{\"GET:/x\": \"agents:read\"}", "expected a sequence", 1),
            (
                "{\"GET:/x\":\n[\"agents:fly\"\n]\n}",
                "the scope agents:fly is unknown",
                2,
            ),
            ("{\"GET:/x\": [],\n\"GET:/x\": []}", "stands there twice", 2),
            ("{\"GET:/x\": [],\n}", "trailing comma", 2),
        ] {
            let fault = fault(text);
            assert!(fault.contains(wanted), "{text}: {fault}");
            assert!(fault.contains(&format!("at line {line} ")), "{fault}");
        }
    }

    #[test]
    fn a_route_that_does_not_stand_there_is_not_one_that_needs_nothing() {
        let needs: Needs = serde_json::from_str("{\"POST:/x\": []}").unwrap();
        assert_eq!(needs.of("POST", "/x"), Some(ScopeSet::EMPTY));
        assert_eq!(needs.of("GET", "/x"), None);
        assert_eq!(needs.unasked(|key| key == "POST:/x"), [""; 0]);
        assert_eq!(needs.unasked(|_| false), ["POST:/x"]);
    }
}
