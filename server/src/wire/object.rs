//! Reading an object field by field.

use serde_json::{Map, Value};

use super::{
    faults::{At, Faults},
    query::Pairs,
    read::Raw,
};

/// A type that can be read from an untrusted object.
pub trait Input: Sized {
    /// Every name that the object may have, aliases included.
    const FIELDS: &'static [&'static str];

    /// `None` when there was a fault.
    fn read(o: &mut Object<'_>) -> Option<Self>;
}

/// What to do about names that the contract does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Report them.
    Refuse,
    /// Pass over them (RFC 6749 section 3.2).
    Ignore,
}

/// The largest `page` times `limit` of a list.
const WINDOW_MAX: i64 = 10_000;

/// An object of which fields are taken one by one.
pub struct Object<'a> {
    values: Vec<(String, Raw)>,
    given: usize,
    at: At<'a>,
}

impl<'a> Object<'a> {
    /// A JSON object; unknown names are faults.
    pub fn json(map: Map<String, Value>, fields: &[&str], mut at: At<'a>) -> Self {
        let given = map.len();
        let mut values = Vec::with_capacity(given);
        for (name, value) in map {
            if fields.contains(&name.as_str()) {
                values.push((name, Raw::Json(value)));
            } else {
                at.member(&printable(&name))
                    .fault::<()>("is not a field of this request");
            }
        }
        Self { values, given, at }
    }

    /// Query or form pairs; a repeated name is a fault.
    pub fn pairs(pairs: Pairs, fields: &[&str], unknown: Unknown, faults: &'a mut Faults) -> Self {
        let mut at = At::new(faults, "");
        let mut values: Vec<(String, Raw)> = Vec::new();
        for (name, value) in pairs {
            if !fields.contains(&name.as_str()) {
                if unknown == Unknown::Refuse {
                    at.member(&printable(&name))
                        .fault::<()>("is not a parameter of this request");
                }
            } else if values.iter().any(|(n, _)| *n == name) {
                at.member(&name).fault::<()>("is given more than once");
            } else {
                values.push((name, Raw::Text(value)));
            }
        }
        Self {
            given: values.len(),
            values,
            at,
        }
    }

    fn take(&mut self, name: &str) -> Option<Raw> {
        let index = self.values.iter().position(|(n, _)| n == name)?;
        Some(self.values.swap_remove(index).1)
    }

    /// Must be there and not null.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Raw, &mut At<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.take(name) {
            Some(raw) => self.value(name, raw, read),
            None => self.at.member(name).fault("is required"),
        }
    }

    /// Must be there, may be null.
    pub fn required_nullable<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Raw, &mut At<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.take(name) {
            Some(raw) if raw.is_null() => Some(None),
            Some(raw) => self.value(name, raw, read).map(Some),
            None => self
                .at
                .member(name)
                .fault("is required, null if there is none"),
        }
    }

    /// May be absent, but not null.
    pub fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Raw, &mut At<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.take(name) {
            Some(raw) => self.value(name, raw, read).map(Some),
            None => Some(None),
        }
    }

    /// May be absent (outer `None`) or null (inner `None`).
    pub fn optional_nullable<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Raw, &mut At<'_>) -> Option<T>,
    ) -> Option<Option<Option<T>>> {
        match self.take(name) {
            Some(raw) if raw.is_null() => Some(Some(None)),
            Some(raw) => self.value(name, raw, read).map(|v| Some(Some(v))),
            None => Some(None),
        }
    }

    /// May be absent; then it is what the contract says.
    pub fn or_default<T>(
        &mut self,
        name: &str,
        default: impl FnOnce() -> T,
        read: impl FnOnce(Raw, &mut At<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.take(name) {
            Some(raw) => self.value(name, raw, read),
            None => Some(default()),
        }
    }

    fn value<T>(
        &mut self,
        name: &str,
        raw: Raw,
        read: impl FnOnce(Raw, &mut At<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut at = self.at.member(name);
        if raw.is_null() {
            return at.fault("must not be null");
        }
        read(raw, &mut at)
    }

    /// `name` is another name of `of`; only one of them may be given.
    pub fn alias(&mut self, name: &str, of: &str) {
        let Some(raw) = self.take(name) else { return };
        if self.values.iter().any(|(n, _)| n == of) {
            self.at
                .member(name)
                .fault::<()>(format!("is another name of {of}, which is given too"));
        } else {
            self.values.push((of.to_owned(), raw));
        }
    }

    /// At least that many known fields must be given.
    pub fn at_least(&mut self, count: usize) {
        if self.given < count {
            let noun = if count == 1 { "field" } else { "fields" };
            self.at
                .member("body")
                .fault::<()>(format!("must have at least {count} {noun}"));
        }
    }

    /// A list reaches only so far: whoever needs more filters.
    pub fn window(&mut self, page: Option<i64>, limit: Option<i64>) {
        if let (Some(page), Some(limit)) = (page, limit)
            && page.saturating_mul(limit) > WINDOW_MAX
        {
            self.at
                .member("page")
                .fault::<()>(format!("times limit must stay within {WINDOW_MAX}"));
        }
    }
}

/// A name that came from outside, fit to be repeated in an answer.
fn printable(name: &str) -> String {
    let mut out: String = name
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(64)
        .collect();
    if out.len() < name.len() && name.chars().count() > 64 {
        out.push('…');
    }
    out
}
