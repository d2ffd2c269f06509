//! An answer as rows: the values of a checked body without the names around them, and a text that
//! repeats only once.
//!
//! Half of a list's bytes are names that its reader knows from the contract, and most of its texts
//! stand in it again and again: an organization, an owner, a status. Where reading JSON is what a
//! call costs, leaving both out halves the call. The rows are one flat JSON array; by the shape:
//!
//! | shape | elements |
//! |---|---|
//! | object | `0`, then its members in the contract's order; or `1`, the same - null for an absent one - and `[[places of absent members], {unknown fields}]` |
//! | list | the number of its items, then they |
//! | text | itself, or the place in the array where it stood before |
//! | date-time | days since 1970 UTC, milliseconds of that day |
//! | integer, number, boolean | itself |
//! | map, any JSON | itself, as it came |
//! | null | `null` |
//!
//! Owns: the walk that checks as [`Shape::check`] does and writes rows.
//! Refuses: members in another order than the contract's, or twice: such a body is handed over as
//! it came, which every reader of rows must be able to read as well.

mod moment;

use std::fmt;

use serde::{
    Serialize,
    de::{self, DeserializeSeed},
};
use serde_json::value::RawValue;

use crate::{
    shape::{MEMBERS_MAX, Object, Shape},
    wire::Key,
};

/// Texts that are remembered; a later one takes the slot of an earlier one, so rows may repeat.
const SLOTS: usize = 256;

/// Checks a whole body; `None`: it cannot be said in rows.
pub(super) fn of(shape: &'static Shape, body: &[u8]) -> Result<Option<Vec<u8>>, serde_json::Error> {
    let (Shape::Object(_), Ok(text)) = (shape, std::str::from_utf8(body)) else {
        // Fields that no model names may hold bad UTF-8.
        return shape.check(body).map(|()| None);
    };
    let mut rows = Rows {
        out: Vec::with_capacity(body.len() + 64),
        count: 0,
        texts: Vec::new(),
        orderly: true,
    };
    rows.out.push(b'[');
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Walk {
        shape,
        nullable: false,
        rows: &mut rows,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    rows.out.push(b']');
    Ok(rows.orderly.then_some(rows.out))
}

/// What is written so far.
struct Rows<'de> {
    out: Vec<u8>,
    /// Elements in `out`.
    count: u32,
    /// By [`slot`]: a text and its place. Empty outside of lists: one object hardly repeats itself.
    texts: Vec<Option<(&'de str, u32)>>,
    /// Every object's members came in the contract's order.
    orderly: bool,
}

impl<'de> Rows<'de> {
    /// Writes an element.
    fn push(&mut self, value: &(impl Serialize + ?Sized)) {
        self.begin();
        self.json(value);
    }

    /// Begins an element.
    fn begin(&mut self) {
        if self.count > 0 {
            self.out.push(b',');
        }
        self.count += 1;
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        // Texts, numbers and raw JSON always serialize, and memory takes every write.
        let _ = serde_json::to_writer(&mut self.out, value);
    }

    fn null(&mut self) {
        self.push(&());
    }

    fn date(&mut self, (days, ms): (i64, i64)) {
        self.push(&days);
        self.push(&ms);
    }

    /// A text that stands in the body as it is: what would need an escape came with one.
    fn text(&mut self, text: &'de str) {
        let place = self.count;
        if !self.texts.is_empty()
            && let Some(known) = self.texts.get_mut(slot(text))
        {
            match *known {
                Some((same, at)) if same == text => return self.push(&at),
                _ => *known = Some((text, place)),
            }
        }
        self.begin();
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }
}

/// Where a text is remembered: texts of one field mostly differ at the end, in the middle or in length.
fn slot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |at: usize| {
        let mut word = [0; 8];
        let part = bytes.get(at..bytes.len().min(at + 8)).unwrap_or_default();
        word[..part.len()].copy_from_slice(part);
        u64::from_le_bytes(word)
    };
    let last = bytes.len().saturating_sub(8);
    let mixed = (word(0) ^ word(last / 2).rotate_left(21) ^ word(last).rotate_left(42))
        .wrapping_add(bytes.len() as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as usize % SLOTS
}

struct Walk<'r, 'de> {
    shape: &'static Shape,
    nullable: bool,
    rows: &'r mut Rows<'de>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.shape {
            Shape::Any => {
                let raw: &RawValue = de::Deserialize::deserialize(deserializer)?;
                self.rows.push(raw);
                Ok(())
            }
            Shape::Map(_) => {
                let raw: &RawValue = de::Deserialize::deserialize(deserializer)?;
                if !(self.nullable && raw.get() == "null") {
                    self.shape.check(raw.get().as_bytes()).map_err(within)?;
                }
                self.rows.push(raw);
                Ok(())
            }
            _ => deserializer.deserialize_any(self),
        }
    }
}

/// A fault inside of a part that was read apart.
fn within<E: de::Error>(error: serde_json::Error) -> E {
    let text = error.to_string();
    let clause = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(what, _)| what);
    E::custom(clause)
}

impl<'de> de::Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.expected(f)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if !self.nullable {
            return Err(E::invalid_type(de::Unexpected::Unit, &self));
        }
        self.rows.null();
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        let Shape::Boolean = self.shape else {
            return Err(E::invalid_type(de::Unexpected::Bool(value), &self));
        };
        self.rows.push(&value);
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        let (Shape::Integer | Shape::Number) = self.shape else {
            return Err(E::invalid_type(de::Unexpected::Signed(value), &self));
        };
        self.rows.push(&value);
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        match self.shape {
            Shape::Number => {}
            Shape::Integer if i64::try_from(value).is_ok() => {}
            _ => return Err(E::invalid_type(de::Unexpected::Unsigned(value), &self)),
        }
        self.rows.push(&value);
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        let Shape::Number = self.shape else {
            return Err(E::invalid_type(de::Unexpected::Float(value), &self));
        };
        self.rows.push(&value);
        Ok(())
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<(), E> {
        if let Shape::Text = self.shape {
            self.rows.text(value);
            return Ok(());
        }
        self.visit_str(value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        match self.shape {
            // Escapes were taken out of it: it lives no longer than this.
            Shape::Text => self.rows.push(value),
            Shape::DateTime => match moment::of(value) {
                Some(at) => self.rows.date(at),
                None => return Err(E::invalid_value(de::Unexpected::Str(value), &self)),
            },
            _ => return Err(E::invalid_type(de::Unexpected::Str(value), &self)),
        }
        Ok(())
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Shape::List(shape) = self.shape else {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        };
        let rows = self.rows;
        if rows.texts.is_empty() && matches!(shape, Shape::Object(_)) {
            rows.texts.resize(SLOTS, None);
        }
        rows.begin();
        let (start, mut items) = (rows.out.len(), 0_usize);
        while seq
            .next_element_seed(Walk {
                shape,
                nullable: false,
                rows: &mut *rows,
            })?
            .is_some()
        {
            items += 1;
        }
        // How many there are is known only now.
        match u8::try_from(items) {
            Ok(few @ 0..=9) => rows.out.insert(start, b'0' + few),
            _ => drop(rows.out.splice(start..start, items.to_string().bytes())),
        }
        Ok(())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.shape {
            Shape::Object(object) => members(object, map, self.rows),
            _ => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}

/// What an object has other than the contract says.
#[derive(Default)]
struct Irregular {
    absent: Vec<usize>,
    /// Inside of the braces.
    unknown: Vec<u8>,
}

fn members<'de, A: de::MapAccess<'de>>(
    object: &'static Object,
    mut map: A,
    rows: &mut Rows<'de>,
) -> Result<(), A::Error> {
    rows.begin();
    let header = rows.out.len();
    rows.out.push(b'0');
    let (mut seen, mut next, mut irregular) = (0_u128, 0_usize, Irregular::default());
    let known = &object.members[..object.members.len().min(MEMBERS_MAX)];
    while let Some(key) = map.next_key::<Key<'de>>()? {
        let found = match known.get(next) {
            Some(member) if member.name == key.as_str() => Some(next),
            _ => known.iter().position(|m| m.name == key.as_str()),
        };
        let Some(place) = found else {
            irregular.unknown(key.as_str(), map.next_value()?);
            continue;
        };
        rows.orderly &= place >= next;
        irregular.skip(next..place, rows);
        next = next.max(place + 1);
        let member = &known[place];
        map.next_value_seed(Walk {
            shape: &member.shape,
            nullable: member.nullable,
            rows: &mut *rows,
        })?;
        if member.required {
            seen |= 1 << place;
        }
    }
    object.complete(seen)?;
    irregular.skip(next..known.len(), rows);
    if !(irregular.absent.is_empty() && irregular.unknown.is_empty()) {
        rows.out[header] = b'1';
        irregular.write(rows);
    }
    Ok(())
}

impl Irregular {
    fn unknown(&mut self, name: &str, value: &RawValue) {
        if !self.unknown.is_empty() {
            self.unknown.push(b',');
        }
        // As in `Rows::json`.
        let _ = serde_json::to_writer(&mut self.unknown, name);
        self.unknown.push(b':');
        self.unknown.extend_from_slice(value.get().as_bytes());
    }

    fn skip(&mut self, places: std::ops::Range<usize>, rows: &mut Rows<'_>) {
        for place in places {
            self.absent.push(place);
            rows.null();
        }
    }

    fn write(&self, rows: &mut Rows<'_>) {
        rows.begin();
        rows.out.push(b'[');
        rows.json(&self.absent);
        rows.out.extend_from_slice(b",{");
        rows.out.extend_from_slice(&self.unknown);
        rows.out.extend_from_slice(b"}]");
    }
}

#[cfg(test)]
mod tests;
