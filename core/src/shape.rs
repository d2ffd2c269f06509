//! Checks that a body is what the contract says, without building a model of it.
//!
//! Owns: the walk over JSON by a generated [`Object`]. It is as strict as the models' own
//! `Deserialize`: what passes here, the models can read. Bindings hand on the checked bytes.
//! Refuses: judging values beyond their type; unknown fields pass, as in the models.

use std::fmt;

use serde::de::{self, DeserializeSeed, IgnoredAny};

use crate::wire::{Key, parse_time};

/// A model's fields.
#[derive(Debug)]
pub struct Object {
    /// The model.
    pub name: &'static str,
    /// How many members are required.
    pub required: usize,
    /// In the contract's order.
    pub members: &'static [Member],
}

/// One field.
#[derive(Debug)]
pub struct Member {
    /// On the wire.
    pub name: &'static str,
    /// Must be there.
    pub required: bool,
    /// May be null.
    pub nullable: bool,
    /// Its type.
    pub shape: Shape,
}

/// A type of the contract.
#[derive(Debug)]
pub enum Shape {
    /// Any string; enums too, they are open.
    Text,
    /// RFC 3339.
    DateTime,
    /// 64-bit signed.
    Integer,
    /// Any number.
    Number,
    /// true or false.
    Boolean,
    /// A model.
    Object(&'static Object),
    /// A list.
    List(&'static Shape),
    /// An object with free keys.
    Map(&'static Shape),
    /// Any JSON.
    Any,
}

/// Members of one model that a check can keep track of.
pub(crate) const MEMBERS_MAX: usize = 128;

impl Object {
    /// Whether every required member was seen; one bit for each.
    pub(crate) fn complete<E: de::Error>(&self, seen: u128) -> Result<(), E> {
        if seen.count_ones() as usize == self.required {
            return Ok(());
        }
        let mut absent = self.members.iter().enumerate();
        let absent = absent.find(|(place, m)| m.required && seen & (1 << place) == 0);
        Err(E::missing_field(absent.map_or("?", |(_, m)| m.name)))
    }
}

impl Shape {
    /// Checks a whole body.
    pub fn check(&'static self, body: &[u8]) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        Walk {
            shape: self,
            nullable: false,
        }
        .deserialize(&mut deserializer)?;
        deserializer.end()
    }

    /// What an error says should have been there.
    pub(crate) fn expected(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a string",
            Self::DateTime => "an RFC 3339 date-time",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Object(object) => return write!(f, "an object of type {}", object.name),
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
            Self::Any => "any JSON",
        })
    }
}

struct Walk {
    shape: &'static Shape,
    nullable: bool,
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = ();
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if matches!(self.shape, Shape::Any) {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.expected(f)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if self.nullable {
            Ok(())
        } else {
            Err(E::invalid_type(de::Unexpected::Unit, &self))
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        match self.shape {
            Shape::Boolean => Ok(()),
            _ => Err(E::invalid_type(de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        match self.shape {
            Shape::Integer | Shape::Number => Ok(()),
            _ => Err(E::invalid_type(de::Unexpected::Signed(value), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        match self.shape {
            Shape::Number => Ok(()),
            Shape::Integer if i64::try_from(value).is_ok() => Ok(()),
            _ => Err(E::invalid_type(de::Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        match self.shape {
            Shape::Number => Ok(()),
            _ => Err(E::invalid_type(de::Unexpected::Float(value), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        match self.shape {
            Shape::Text => Ok(()),
            Shape::DateTime if parse_time(value).is_some() => Ok(()),
            Shape::DateTime => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
            _ => Err(E::invalid_type(de::Unexpected::Str(value), &self)),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Shape::List(shape) = self.shape else {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        };
        while seq
            .next_element_seed(Walk {
                shape,
                nullable: false,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.shape {
            Shape::Object(object) => members(object, map),
            Shape::Map(shape) => values(shape, map),
            _ => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}

fn members<'de, A: de::MapAccess<'de>>(
    object: &'static Object,
    mut map: A,
) -> Result<(), A::Error> {
    let mut seen: u128 = 0;
    while let Some(key) = map.next_key::<Key<'de>>()? {
        let found = object
            .members
            .iter()
            .take(MEMBERS_MAX)
            .position(|m| m.name == key.as_str());
        let Some(place) = found else {
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        let member = &object.members[place];
        map.next_value_seed(Walk {
            shape: &member.shape,
            nullable: member.nullable,
        })?;
        if member.required {
            seen |= 1 << place;
        }
    }
    object.complete(seen)
}

fn values<'de, A: de::MapAccess<'de>>(shape: &'static Shape, mut map: A) -> Result<(), A::Error> {
    while map.next_key::<Key<'de>>()?.is_some() {
        map.next_value_seed(Walk {
            shape,
            nullable: false,
        })?;
    }
    Ok(())
}
