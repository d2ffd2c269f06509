//! One reader a type: a value becomes a Rust value, or a fault is reported and nothing comes.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::{
    faults::At,
    object::{Input, Object},
    pattern::Pattern,
};
use crate::clock::Timestamp;

/// A value as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// Of a JSON body.
    Json(Value),
    /// Of a query or a form.
    Text(String),
}

impl Raw {
    /// JSON null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Json(Value::Null))
    }

    fn string(self, at: &mut At<'_>) -> Option<String> {
        match self {
            Self::Text(text) | Self::Json(Value::String(text)) => Some(text),
            Self::Json(_) => at.fault("must be a string"),
        }
    }
}

/// Limits of a text.
pub struct Text {
    /// Characters.
    pub min: u64,
    /// Characters.
    pub max: u64,
    /// What it must look like.
    pub pattern: Option<&'static Pattern>,
    /// Must be an absolute URI.
    pub uri: bool,
}

/// Limits of a list.
pub struct List {
    /// Items.
    pub min: u64,
    /// Items.
    pub max: u64,
    /// No item twice.
    pub unique: bool,
}

/// A closed enum of the contract.
pub trait Word: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// As on the wire.
    fn as_str(self) -> &'static str;
}

/// A date alone, or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrTimestamp {
    /// The whole UTC day that begins then.
    Date(Timestamp),
    /// Exactly then.
    Moment(Timestamp),
}

/// Text within its limits and without control characters.
pub fn text(raw: Raw, at: &mut At<'_>, limits: &Text) -> Option<String> {
    let text = raw.string(at)?;
    if text.chars().any(char::is_control) {
        return at.fault("contains a control character");
    }
    let length = text.chars().count() as u64;
    if length < limits.min {
        return at.fault(match limits.min {
            1 => "must not be empty".to_owned(),
            min => format!("must have at least {min} characters"),
        });
    }
    if length > limits.max {
        return at.fault(format!("must have at most {} characters", limits.max));
    }
    if let Some(pattern) = limits.pattern
        && !pattern.matches(&text)
    {
        return at.fault(pattern.message());
    }
    if limits.uri && url::Url::parse(&text).is_err() {
        return at.fault("is not an absolute URI");
    }
    Some(text)
}

/// A UUID in its usual form with hyphens.
pub fn uuid(raw: Raw, at: &mut At<'_>) -> Option<Uuid> {
    let text = raw.string(at)?;
    match parse_uuid(&text) {
        Some(id) => Some(id),
        None => at.fault("is not a UUID"),
    }
}

/// A UUID in its usual form with hyphens; the other spellings that the library knows would give
/// one thing two names.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    }
}

/// An RFC 3339 date-time.
pub fn timestamp(raw: Raw, at: &mut At<'_>) -> Option<Timestamp> {
    let text = raw.string(at)?;
    match text.parse() {
        Ok(moment) => Some(moment),
        Err(error) => at.fault(format!("{error}")),
    }
}

/// An RFC 3339 date-time, or a date alone.
pub fn date_or_timestamp(raw: Raw, at: &mut At<'_>) -> Option<DateOrTimestamp> {
    let text = raw.string(at)?;
    if text.len() == 10
        && let Ok(midnight) = format!("{text}T00:00:00Z").parse()
    {
        return Some(DateOrTimestamp::Date(midnight));
    }
    match text.parse() {
        Ok(moment) => Some(DateOrTimestamp::Moment(moment)),
        Err(_) => at.fault(
            "is neither an RFC 3339 date-time, such as 2026-03-28T09:00:00.000Z, nor a date, such as 2026-03-28",
        ),
    }
}

/// A whole number between the limits, both inclusive.
pub fn integer(raw: Raw, at: &mut At<'_>, min: Option<i64>, max: Option<i64>) -> Option<i64> {
    let number = match &raw {
        Raw::Json(Value::Number(number)) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Raw::Json(_) => None,
        Raw::Text(text) => decimal(text),
    };
    let Some(number) = number else {
        return at.fault("must be a whole number");
    };
    let low = min.is_some_and(|min| number < min);
    let high = max.is_some_and(|max| number > max);
    if low || high {
        return at.fault(range(min, max));
    }
    Some(number)
}

/// Digits with an optional minus sign: no plus sign, no blanks, no leading zeros that hide
/// another base.
fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// `1.0` is a whole number in JSON Schema.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn whole(number: f64) -> Option<i64> {
    let inside = number.abs() <= 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && inside).then_some(number as i64)
}

fn range(min: Option<i64>, max: Option<i64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("must be between {min} and {max}"),
        (Some(min), None) => format!("must be at least {min}"),
        (None, Some(max)) => format!("must be at most {max}"),
        (None, None) => "is out of range".to_owned(),
    }
}

/// A number between the limits, both inclusive.
#[allow(clippy::cast_precision_loss)]
pub fn number(raw: Raw, at: &mut At<'_>, min: Option<i64>, max: Option<i64>) -> Option<f64> {
    let number = match &raw {
        Raw::Json(Value::Number(number)) => number.as_f64(),
        Raw::Json(_) => None,
        Raw::Text(text) => text.parse().ok().filter(|n: &f64| n.is_finite()),
    };
    let Some(number) = number else {
        return at.fault("must be a number");
    };
    let low = min.is_some_and(|min| number < min as f64);
    let high = max.is_some_and(|max| number > max as f64);
    if low || high {
        return at.fault(range(min, max));
    }
    Some(number)
}

/// true or false.
pub fn boolean(raw: Raw, at: &mut At<'_>) -> Option<bool> {
    match raw {
        Raw::Json(Value::Bool(value)) => Some(value),
        Raw::Text(text) if text == "true" => Some(true),
        Raw::Text(text) if text == "false" => Some(false),
        _ => at.fault("must be true or false"),
    }
}

/// A value of a closed enum.
pub fn word<T: Word>(raw: Raw, at: &mut At<'_>) -> Option<T> {
    let text = raw.string(at)?;
    match T::ALL.iter().find(|v| v.as_str() == text) {
        Some(value) => Some(*value),
        None => {
            let all: Vec<&str> = T::ALL.iter().map(|v| v.as_str()).collect();
            at.fault(format!("must be one of {}", all.join(", ")))
        }
    }
}

/// An object inside an object.
pub fn object<T: Input>(raw: Raw, at: &mut At<'_>) -> Option<T> {
    match raw {
        Raw::Json(Value::Object(map)) => T::read(&mut Object::json(map, T::FIELDS, at.here())),
        _ => at.fault("must be an object"),
    }
}

/// A list; every item is read, so that every fault is found.
pub fn list<T: PartialEq>(
    raw: Raw,
    at: &mut At<'_>,
    limits: &List,
    read: impl Fn(Raw, &mut At<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let Raw::Json(Value::Array(items)) = raw else {
        return at.fault("must be a list");
    };
    let count = items.len() as u64;
    if count < limits.min {
        return at.fault(format!("must have at least {} items", limits.min));
    }
    if count > limits.max {
        return at.fault(format!("must have at most {} items", limits.max));
    }
    let mut out: Option<Vec<T>> = Some(Vec::with_capacity(items.len()));
    for (index, item) in items.into_iter().enumerate() {
        let value = read(Raw::Json(item), &mut at.item(index));
        match (&mut out, value) {
            (Some(list), Some(value)) if limits.unique && list.contains(&value) => {
                at.item(index).fault::<()>("is in the list twice");
                out = None;
            }
            (Some(list), Some(value)) => list.push(value),
            (_, None) => out = None,
            (None, Some(_)) => {}
        }
    }
    out
}

/// An object with free keys.
pub fn map<T>(
    raw: Raw,
    at: &mut At<'_>,
    read: impl Fn(Raw, &mut At<'_>) -> Option<T>,
) -> Option<BTreeMap<String, T>> {
    let Raw::Json(Value::Object(members)) = raw else {
        return at.fault("must be an object");
    };
    let mut out = Some(BTreeMap::new());
    for (name, value) in members {
        let mut at = at.member(&name);
        if name.chars().any(char::is_control) {
            out = at.fault("has a control character in its name");
            continue;
        }
        match (read(Raw::Json(value), &mut at), &mut out) {
            (Some(value), Some(map)) => {
                map.insert(name, value);
            }
            (Some(_), None) => {}
            (None, _) => out = None,
        }
    }
    out
}

/// Any JSON without control characters in its texts.
pub fn any(raw: Raw, at: &mut At<'_>) -> Option<Value> {
    let value = match raw {
        Raw::Json(value) => value,
        Raw::Text(text) => Value::String(text),
    };
    if has_control(&value) {
        return at.fault("contains a control character");
    }
    Some(value)
}

fn has_control(value: &Value) -> bool {
    let bad = |text: &str| text.chars().any(char::is_control);
    match value {
        Value::String(text) => bad(text),
        Value::Array(items) => items.iter().any(has_control),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| bad(name) || has_control(value)),
        _ => false,
    }
}
