//! The outer form of a signed JWT (RFC 7515 compact serialization, RFC 7519).
//!
//! Owns: taking a token apart, strictly: three parts, base64url without padding, sizes, no `crit`,
//! no key twice.
//! Refuses: trusting anything in it; keys and algorithms that a token brings along are ignored.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{
    fault::{Reason, invalid, malformed},
    key::Algorithm,
};
use crate::Error;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Longest encoded header, in bytes.
const HEADER_BYTES_MAX: usize = 2 * 1024;

/// A token taken apart; nothing of it is proved.
pub(super) struct Jwt<'a> {
    pub algorithm: Algorithm,
    pub key_id: String,
    /// What the signature covers.
    pub signed: &'a [u8],
    pub signature: Vec<u8>,
    payload: &'a str,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    typ: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// True whenever the key is there, whatever its value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Jwt<'a> {
    /// Takes a token apart; `allowed` are the algorithms that are accepted.
    pub fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(malformed("the token is too long"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("the token has not three parts"));
        };
        if header.len() > HEADER_BYTES_MAX {
            return Err(malformed("the token's header is too long"));
        }
        let bytes = decode(header)?;
        let read: Header<'_> = Some(&bytes)
            // serde would also read an array as the fields in their order.
            .filter(|bytes| bytes.trim_ascii_start().starts_with(b"{"))
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .ok_or_else(|| malformed("the token's header is no JOSE header"))?;
        if read.crit {
            return Err(malformed(
                "the token's header names critical extensions, of which this SDK knows none",
            ));
        }
        let algorithm = Algorithm::named(&read.alg)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or_else(|| {
                invalid(
                    Reason::Algorithm,
                    "the token's algorithm is not one of those that are accepted",
                )
            })?;
        if !read.typ.as_deref().is_some_and(is_access_token) {
            return Err(invalid(
                Reason::Type,
                "the token's type is not at+jwt: it is no access token",
            ));
        }
        let key_id = read
            .kid
            .ok_or_else(|| invalid(Reason::UnknownKey, "the token does not name its key"))?;
        Ok(Self {
            algorithm,
            key_id: key_id.into_owned(),
            signed: &token.as_bytes()[..header.len() + 1 + payload.len()],
            signature: decode(signature)?,
            payload,
        })
    }

    /// The claims. They mean nothing before the signature was verified.
    pub fn claims(&self) -> Result<Map<String, Value>, Error> {
        let bytes = decode(self.payload)?;
        serde_json::from_slice::<Unique>(&bytes)
            .map(|unique| unique.0)
            .map_err(|_| malformed("the token's claims are no JSON object with each name once"))
    }
}

/// `at+jwt` or `application/at+jwt` (RFC 9068 section 4), in any case.
fn is_access_token(typ: &str) -> bool {
    let full = "application/";
    let short = match typ.get(..full.len()) {
        Some(start) if start.eq_ignore_ascii_case(full) => &typ[full.len()..],
        _ => typ,
    };
    short.eq_ignore_ascii_case("at+jwt")
}

fn decode(part: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed("a part of the token is no base64url without padding"))
}

/// An object in which no name stands twice: readers differ in which of two they take.
struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Unique;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(de::Error::custom("a name stands twice"));
                    }
                }
                Ok(Unique(map))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
