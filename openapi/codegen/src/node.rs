//! A YAML tree in which every node knows its file and line, and a reader for mappings that
//! reports the keys nobody asked for.

use std::{fmt, path::Path, sync::Arc};

use indexmap::IndexMap;
use saphyr::{LoadableYamlNode, MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use serde_json::Value;

use crate::{Error, Result};

/// Where a node stands: `openapi/sections/agents.yaml:12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Path relative to the repository.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl At {
    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::Contract {
            at: self.to_string(),
            message: message.into(),
        }
    }
}

/// A YAML value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub at: At,
    /// What it is.
    pub data: Data,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Data {
    /// A scalar, as JSON.
    Scalar(Value),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(IndexMap<String, Node>),
}

impl Node {
    /// Reads one YAML file. `name` is what errors call it.
    pub fn read(path: &Path, name: &str) -> Result<Node> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text, name)
    }

    /// Parses YAML text.
    pub fn parse(text: &str, name: &str) -> Result<Node> {
        let file: Arc<str> = name.into();
        let top = At {
            file: file.clone(),
            line: 1,
        };
        let documents = MarkedYamlOwned::load_from_str(text)
            .map_err(|e| top.error(format!("not YAML: {e}")))?;
        let [document] = documents.as_slice() else {
            return Err(top.error("expected exactly one YAML document"));
        };
        convert(document, &file)
    }

    /// The node as a mapping reader.
    pub fn map(&self) -> Result<MapReader<'_>> {
        match &self.data {
            Data::Map(map) => Ok(MapReader {
                at: &self.at,
                map,
                taken: Vec::new(),
            }),
            _ => Err(self.at.error("expected a mapping")),
        }
    }

    /// The node as a list.
    pub fn list(&self) -> Result<&[Node]> {
        match &self.data {
            Data::List(list) => Ok(list),
            _ => Err(self.at.error("expected a list")),
        }
    }

    /// The node as a string.
    pub fn str(&self) -> Result<&str> {
        match &self.data {
            Data::Scalar(Value::String(s)) => Ok(s),
            _ => Err(self
                .at
                .error("expected a string (quote it if YAML reads it as something else)")),
        }
    }

    /// The node as a list of strings.
    pub fn strings(&self) -> Result<Vec<String>> {
        self.list()?
            .iter()
            .map(|n| n.str().map(str::to_owned))
            .collect()
    }

    /// The node as a boolean.
    pub fn bool(&self) -> Result<bool> {
        match &self.data {
            Data::Scalar(Value::Bool(b)) => Ok(*b),
            _ => Err(self.at.error("expected true or false")),
        }
    }

    /// The node as an integer.
    pub fn int(&self) -> Result<i64> {
        match &self.data {
            Data::Scalar(Value::Number(n)) => n
                .as_i64()
                .ok_or_else(|| self.at.error("expected an integer")),
            _ => Err(self.at.error("expected an integer")),
        }
    }

    /// The node as JSON.
    pub fn json(&self) -> Value {
        match &self.data {
            Data::Scalar(v) => v.clone(),
            Data::List(list) => Value::Array(list.iter().map(Node::json).collect()),
            Data::Map(map) => {
                Value::Object(map.iter().map(|(k, v)| (k.clone(), v.json())).collect())
            }
        }
    }
}

/// Reads a mapping key by key; [`MapReader::end`] reports the keys nobody took.
pub struct MapReader<'a> {
    /// Where the mapping begins.
    pub at: &'a At,
    map: &'a IndexMap<String, Node>,
    taken: Vec<&'a str>,
}

impl<'a> MapReader<'a> {
    /// Takes an optional key.
    pub fn get(&mut self, key: &str) -> Option<&'a Node> {
        let (key, node) = self.map.get_key_value(key)?;
        self.taken.push(key);
        Some(node)
    }

    /// Takes a key that must be there.
    pub fn need(&mut self, key: &str) -> Result<&'a Node> {
        let at = self.at;
        self.get(key)
            .ok_or_else(|| at.error(format!("`{key}` is missing here")))
    }

    /// Takes an optional string.
    pub fn str(&mut self, key: &str) -> Result<Option<&'a str>> {
        self.get(key).map(Node::str).transpose()
    }

    /// Takes a boolean that is false when absent.
    pub fn flag(&mut self, key: &str) -> Result<bool> {
        Ok(self.get(key).map(Node::bool).transpose()?.unwrap_or(false))
    }

    /// Takes every key that has not been taken yet.
    pub fn rest(&mut self) -> Vec<(&'a str, &'a Node)> {
        let rest: Vec<_> = self
            .map
            .iter()
            .filter(|(k, _)| !self.taken.contains(&k.as_str()))
            .map(|(k, v)| (k.as_str(), v))
            .collect();
        self.taken.extend(rest.iter().map(|(k, _)| *k));
        rest
    }

    /// Fails when the mapping holds a key that was never taken.
    pub fn end(mut self) -> Result<()> {
        match self.rest().first() {
            None => Ok(()),
            Some((key, node)) => Err(node.at.error(format!(
                "`{key}` is not understood here; the generator knows: {}",
                if self.taken.is_empty() {
                    "nothing".into()
                } else {
                    let mut known: Vec<_> =
                        self.taken.iter().filter(|t| *t != key).copied().collect();
                    known.sort_unstable();
                    known.join(", ")
                }
            ))),
        }
    }
}

fn convert(yaml: &MarkedYamlOwned, file: &Arc<str>) -> Result<Node> {
    let at = At {
        file: file.clone(),
        line: yaml.span.start.line(),
    };
    let data = match &yaml.data {
        YamlDataOwned::Value(scalar) => Data::Scalar(match scalar {
            ScalarOwned::Null => Value::Null,
            ScalarOwned::Boolean(b) => Value::Bool(*b),
            ScalarOwned::Integer(i) => Value::from(*i),
            ScalarOwned::FloatingPoint(f) => Value::from(f.into_inner()),
            ScalarOwned::String(s) => Value::String(s.clone()),
        }),
        YamlDataOwned::Sequence(items) => Data::List(
            items
                .iter()
                .map(|item| convert(item, file))
                .collect::<Result<_>>()?,
        ),
        YamlDataOwned::Mapping(map) => {
            let mut out = IndexMap::new();
            for (key, value) in map {
                let key = convert(key, file)?;
                let name = match &key.data {
                    Data::Scalar(Value::String(s)) => s.clone(),
                    Data::Scalar(v @ (Value::Number(_) | Value::Bool(_))) => v.to_string(),
                    _ => return Err(key.at.error("a key must be a string")),
                };
                if out.insert(name.clone(), convert(value, file)?).is_some() {
                    return Err(key.at.error(format!("`{name}` stands here twice")));
                }
            }
            Data::Map(out)
        }
        _ => return Err(at.error("anchors, aliases and tags are not used in the contract")),
    };
    Ok(Node { at, data })
}
