//! The one namespace of reusable parts, and references into it.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::{Result, node::Node};

const KINDS: [&str; 4] = ["schemas", "parameters", "responses", "headers"];

/// All components of all files: kind, name, node.
#[derive(Default)]
pub struct Components {
    kinds: IndexMap<String, IndexMap<String, Node>>,
}

impl Components {
    /// Adds the `components` of one file.
    pub fn add(&mut self, node: &Node) -> Result<()> {
        for (kind, entries) in node.map()?.rest() {
            if !KINDS.contains(&kind) {
                return Err(entries.at.error(format!(
                    "components of kind `{kind}` are not understood; the generator knows: {}",
                    KINDS.join(", ")
                )));
            }
            let known = self.kinds.entry(kind.to_owned()).or_default();
            for (name, entry) in entries.map()?.rest() {
                if let Some(first) = known.insert(name.to_owned(), entry.clone()) {
                    return Err(entry.at.error(format!(
                        "`{name}` is defined a second time; the first is at {}",
                        first.at
                    )));
                }
            }
        }
        Ok(())
    }

    /// Every entry of a kind.
    pub fn all(&self, kind: &str) -> impl Iterator<Item = (&str, &Node)> {
        self.kinds
            .get(kind)
            .into_iter()
            .flatten()
            .map(|(name, node)| (name.as_str(), node))
    }

    /// The name in a `$ref` to a component of that kind, after checking that it is there.
    pub fn name<'a>(&self, kind: &str, reference: &'a Node) -> Result<&'a str> {
        let text = reference.str()?;
        let name = text
            .strip_prefix(&format!("#/components/{kind}/"))
            .ok_or_else(|| {
                reference.at.error(format!(
                    "expected a reference `#/components/{kind}/…`, found `{text}`"
                ))
            })?;
        if self.kinds.get(kind).is_some_and(|k| k.contains_key(name)) {
            Ok(name)
        } else {
            Err(reference
                .at
                .error(format!("there is no `{name}` in components/{kind}")))
        }
    }

    /// The node itself, or the component that its `$ref` names.
    pub fn resolve<'a>(&'a self, kind: &str, node: &'a Node) -> Result<&'a Node> {
        let mut map = node.map()?;
        match map.get("$ref") {
            None => Ok(node),
            Some(reference) => {
                map.end()?;
                let name = self.name(kind, reference)?;
                Ok(&self.kinds[kind][name])
            }
        }
    }

    /// All components as JSON.
    pub fn json(&self) -> Map<String, Value> {
        self.kinds
            .iter()
            .map(|(kind, entries)| {
                let entries: Map<_, _> = entries
                    .iter()
                    .map(|(name, node)| (name.clone(), node.json()))
                    .collect();
                (kind.clone(), entries.into())
            })
            .collect()
    }
}
